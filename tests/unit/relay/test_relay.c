#include "../net/net_test.h"
#include "script.h"

static const uint64_t newer = CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS | CLIENT_DEPRECATE_EOF;
static const uint64_t older = CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS;

enum {
    REPLIES_MAX = 128,
};

/* A relay between two scripts, and what its owner has seen. */
struct bench {
    struct relay r;
    struct conn client;
    struct upstream_conn up;
    struct bytebuf to_client, to_upstream;
    struct script *from_client, *from_upstream;
    struct upstream *upstream;
    struct diag d;
    unsigned replies;
    uint64_t tokens[REPLIES_MAX];
    bool failed[REPLIES_MAX];
    uint8_t stop_at; /* the command that is the owner's */
    bool release;    /* asked for with each reply */
};

static enum relay_verdict on_command(void *arg, struct relay *r, struct relay_command *c)
{
    struct bench *b = arg;
    (void)r;
    c->token = c->payload.len;
    return b->stop_at != 0 && c->command == b->stop_at ? RELAY_STOP : RELAY_FORWARD;
}

static void on_replied(void *arg, struct relay *r, const struct relay_reply *reply)
{
    struct bench *b = arg;
    b->tokens[b->replies] = reply->token;
    b->failed[b->replies++] = reply->track->failed;
    if (b->release) {
        relay_ask_release(r);
    }
}

static uint32_t on_prepared(void *arg, struct relay *r, const struct wire_prepare_ok *p)
{
    (void)arg;
    (void)r;
    return p->stmt_id + 0x100;
}

static const struct relay_hooks hooks = {
    .command = on_command, .replied = on_replied, .prepared = on_prepared};

static void bench_init(struct bench *b, uint64_t client_capabilities)
{
    *b = (struct bench){.release = false};
    diag_init(&b->d);
    bytebuf_init(&b->to_client, SIZE_MAX);
    bytebuf_init(&b->to_upstream, SIZE_MAX);
    b->from_client = script_new(&b->to_client);
    b->from_upstream = script_new(&b->to_upstream);
    conn_init_over(&b->client, &b->from_client->f, MAX_PACKET);
    conn_init_over(&b->up.conn, &b->from_upstream->f, MAX_PACKET);
    b->upstream = upstream_new(&(struct upstream_options){.host = STR("db"), .port = 3306}, &b->d);
    b->up.upstream = b->upstream;
    b->up.capabilities = newer;
    b->up.status = SERVER_STATUS_AUTOCOMMIT;
    relay_init(&b->r, &b->client, client_capabilities, &hooks, b);
    relay_set_upstream(&b->r, &b->up);
}

static void bench_release(struct bench *b)
{
    conn_release(&b->client);
    conn_release(&b->up.conn);
    upstream_free(b->upstream);
    bytebuf_release(&b->to_client);
    bytebuf_release(&b->to_upstream);
    diag_release(&b->d);
}

static enum relay_end run(struct bench *b)
{
    return relay_run(&b->r, UINT64_MAX, &b->d);
}

#define assert_sent(buf, expected)                                                                 \
    do {                                                                                           \
        const struct str e_ = expected;                                                            \
        assert_int_equal((buf).len, e_.len);                                                       \
        assert_memory_equal((buf).p, e_.p, e_.len);                                                \
    } while (0)

/* A result of one column and one row, as a server with CLIENT_DEPRECATE_EOF sends it. */
#define COLUMN                                                                                     \
    "\x03"                                                                                         \
    "def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\x08\x81\0\0\0\0"
#define HEAD       "\1\0\0\1\1"
#define DEFINITION "\x17\0\0\2" COLUMN
#define ROW(seq)                                                                                   \
    "\2\0\0" seq "\1"                                                                              \
    "7"
#define END_OK(seq)  "\7\0\0" seq "\xfe\0\0\2\0\0\0"
#define END_EOF(seq) "\5\0\0" seq "\xfe\0\0\2\0"
#define QUERY        "\7\0\0\0\3SELECT"

static void test_bytes_pass_as_they_are(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    const struct str reply = STR(HEAD DEFINITION ROW("\3") END_OK("\4"));
    script_add(b.from_client, STR(QUERY), 0);
    script_add(b.from_upstream, reply, sizeof QUERY - 1);
    b.from_upstream->read_max = 3;
    assert_int_equal(run(&b), RELAY_CLIENT_GONE);
    assert_sent(b.to_upstream, STR(QUERY));
    bench_release(&b);
}

/* The client stays until it has its answer. */
static void stay_for(struct bench *b, size_t bytes)
{
    script_add(b->from_client, STR("\1\0\0\0\1"), bytes); /* COM_QUIT */
    b->stop_at = COM_QUIT;
}

/* With everything read in pieces of that many bytes; 0: at once. */
static void relay_in_pieces(uint64_t client_capabilities, struct str reply, struct str expected,
                            size_t piece)
{
    struct bench b;
    bench_init(&b, client_capabilities);
    script_add(b.from_client, STR(QUERY), 0);
    stay_for(&b, expected.len);
    script_add(b.from_upstream, reply, sizeof QUERY - 1);
    script_add(b.from_upstream, STR("x"), SIZE_MAX); /* stays */
    b.from_upstream->read_max = piece;
    b.from_client->read_max = piece;
    assert_int_equal(run(&b), RELAY_COMMAND);
    assert_sent(b.to_client, expected);
    assert_sent(b.to_upstream, STR(QUERY));
    assert_int_equal(b.replies, 1);
    assert_true(relay_is_idle(&b.r));
    bench_release(&b);
}

static void relay_one(uint64_t client_capabilities, struct str reply, struct str expected)
{
    for (size_t piece = 0; piece < 12; piece++) {
        relay_in_pieces(client_capabilities, reply, expected, piece);
    }
}

static void test_a_result(void **state)
{
    (void)state;
    const struct str reply = STR(HEAD DEFINITION ROW("\3") END_OK("\4"));
    relay_one(newer, reply, reply);
}

static void test_eofs_are_put_in_for_older_clients(void **state)
{
    (void)state;
    relay_one(older, STR(HEAD DEFINITION ROW("\3") END_OK("\4")),
              STR(HEAD DEFINITION END_EOF("\3") ROW("\4") END_EOF("\5")));
    /* Without rows; an error behind definitions. */
    relay_one(older, STR(HEAD DEFINITION END_OK("\3")),
              STR(HEAD DEFINITION END_EOF("\3") END_EOF("\4")));
    relay_one(older, STR(HEAD DEFINITION "\x0a\0\0\3\xff\x48\4#HY000!"),
              STR(HEAD DEFINITION END_EOF("\3") "\x0a\0\0\4\xff\x48\4#HY000!"));
}

static void test_several_results(void **state)
{
    (void)state;
    /* That more follow is known before the rows when all arrive at once. */
    relay_in_pieces(older,
                    STR(HEAD DEFINITION ROW("\3") "\7\0\0\4\xfe\0\0\x0a\0\0\0"
                                                  "\7\0\0\5\0\0\0\2\0\0\0"),
                    STR(HEAD DEFINITION
                        "\5\0\0\3\xfe\0\0\x0a\0" ROW("\4") "\5\0\0\5\xfe\0\0\x0a\0"
                                                           "\7\0\0\6\0\0\0\2\0\0\0"),
                    0);
}

static void test_prepared_numbers_are_changed(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    const struct str expected = STR("\x0c\0\0\1\0\5\1\0\0\0\0\0\0\0\0\0");
    script_add(b.from_client, STR("\7\0\0\0\x16SELECT"), 0);
    stay_for(&b, expected.len);
    script_add(b.from_upstream, STR("\x0c\0\0\1\0\5\0\0\0\0\0\0\0\0\0\0"), 1);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    assert_int_equal(run(&b), RELAY_COMMAND);
    assert_sent(b.to_client, expected);
    bench_release(&b);
}

static void test_pipelined_commands(void **state)
{
    (void)state;
    struct bench b;
    struct bytebuf commands, replies;
    bench_init(&b, newer);
    bytebuf_init(&commands, SIZE_MAX);
    bytebuf_init(&replies, SIZE_MAX);
    /* More than may be outstanding, and of different lengths. */
    for (size_t i = 0; i < 100; i++) {
        const char header[] = {(char)(1 + i), 0, 0, 0, COM_QUERY};
        bytebuf_put(&commands, header, sizeof header);
        memset(bytebuf_reserve(&commands, i + 1), 'x', i);
        commands.len += i;
        bytebuf_put_str(&replies, STR("\7\0\0\1\0\0\0\2\0\0\0"));
    }
    script_add(b.from_client, bytebuf_str(&commands), 0);
    stay_for(&b, replies.len);
    /* The first replies come when the first commands have arrived. */
    const size_t first = 11 * 30;
    script_add(b.from_upstream, str_from(replies.p, first), 1000);
    script_add(b.from_upstream, str_from(replies.p + first, replies.len - first), 1000);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    b.from_upstream->read_max = 100;
    assert_int_equal(run(&b), RELAY_COMMAND);
    assert_sent(b.to_upstream, bytebuf_str(&commands));
    assert_sent(b.to_client, bytebuf_str(&replies));
    assert_int_equal(b.replies, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(b.tokens[i], i + 1);
    }
    bytebuf_release(&commands);
    bytebuf_release(&replies);
    bench_release(&b);
}

static void test_a_file_of_the_client(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    const struct str request = STR("\2\0\0\1\xfb"
                                   "f");
    const struct str file = STR("\3\0\0\2abc\0\0\0\3");
    script_add(b.from_client, STR(QUERY), 0);
    script_add(b.from_client, file, request.len);
    script_add(b.from_upstream, request, sizeof QUERY - 1);
    script_add(b.from_upstream, STR("\7\0\0\4\0\1\0\2\0\0\0"), sizeof QUERY - 1 + file.len);
    stay_for(&b, request.len + 11);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    assert_int_equal(run(&b), RELAY_COMMAND);
    assert_int_equal(b.to_upstream.len, sizeof QUERY - 1 + file.len);
    assert_memory_equal(b.to_upstream.p + sizeof QUERY - 1, file.p, file.len);
    assert_int_equal(b.replies, 1);
    bench_release(&b);
}

static void test_the_owners_command_waits_for_replies(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    script_add(b.from_client, STR(QUERY "\1\0\0\0\1"), 0);
    b.stop_at = COM_QUIT;
    script_add(b.from_upstream, STR("\7\0\0\1\0\0\0\2\0\0\0"), 1);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    assert_int_equal(run(&b), RELAY_COMMAND);
    assert_int_equal(b.replies, 1);
    assert_int_equal(conn_raw_peek(&b.client).len, 5); /* still there */
    bench_release(&b);
}

static void test_release(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    b.release = true;
    script_add(b.from_client, STR(QUERY), 0);
    stay_for(&b, 11);
    script_add(b.from_upstream, STR("\7\0\0\1\0\0\0\2\0\0\0"), 1);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    assert_int_equal(run(&b), RELAY_RELEASE);
    assert_true(relay_is_idle(&b.r));
    relay_set_upstream(&b.r, NULL);
    assert_int_equal(run(&b), RELAY_COMMAND);
    bench_release(&b);
}

static void test_commands_out_of_order(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    script_add(b.from_client, STR("\7\0\0\5\3SELECT"), 0);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    assert_int_equal(run(&b), RELAY_CLIENT_GONE);
    assert_int_equal(b.d.error->code, 1156);
    assert_int_equal(b.to_upstream.len, 0);
    bench_release(&b);
}

/* The upstream ends within or between packets: an error can be put in between only. */
static void lose_upstream(struct str before, bool can_report)
{
    struct bench b;
    bench_init(&b, newer);
    script_add(b.from_client, STR(QUERY), 0);
    script_add(b.from_client, STR("x"), SIZE_MAX);
    script_add(b.from_upstream, before, 1);
    assert_int_equal(run(&b), RELAY_UPSTREAM_GONE);
    assert_int_equal(b.d.error->code, 2013);
    assert_int_equal(relay_can_report(&b.r), can_report);
    bench_release(&b);
}

static void test_an_upstream_that_goes(void **state)
{
    (void)state;
    lose_upstream(STR(""), true);
    lose_upstream(STR(HEAD), true);
    lose_upstream(STR(HEAD DEFINITION ROW("\3")), true);
    lose_upstream(STR(HEAD DEFINITION "\x40\0\0\3\x3f"
                                      "abc"),
                  false);
}

static void test_an_upstream_that_talks_nonsense(void **state)
{
    (void)state;
    lose_upstream(STR("\0\0\0\1"), true);           /* an empty head */
    lose_upstream(STR("\2\0\0\1\xfc\1"), true);     /* a number cut short */
    lose_upstream(STR("\3\0\0\1\0\xfc\xff"), true); /* an OK cut short */
    lose_upstream(STR(HEAD "\1\0\0\2\xff"), true);  /* an ERR cut short */
}

static void test_words_nobody_asked_for(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    const struct str words = STR("\x0a\0\0\0\xff\xcf\x07#HY000!");
    script_add(b.from_client, STR("x"), SIZE_MAX);
    script_add(b.from_upstream, words, 0);
    assert_int_equal(run(&b), RELAY_UPSTREAM_GONE);
    assert_sent(b.to_client, words);
    assert_true(b.up.broken);
    bench_release(&b);
}

/* Where the upstream compresses, its numbers are not the client's. */
static void test_numbers_behind_compression(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b, newer);
    assert_int_equal(conn_start_compression(&b.up.conn, COMPRESSION_ZLIB, 0, &b.d), 0);
    const struct str expected = STR(HEAD DEFINITION ROW("\3") END_OK("\4"));
    script_add(b.from_client, STR(QUERY), 0);
    stay_for(&b, expected.len);
    /* Two packets in each compressed one, not compressed; numbered by these. */
    script_add(b.from_upstream, STR("\x20\0\0\1\0\0\0" HEAD "\x17\0\0\7" COLUMN), 1);
    script_add(b.from_upstream, STR("\x11\0\0\2\0\0\0" ROW("\2") END_OK("\3")), 1);
    script_add(b.from_upstream, STR("x"), SIZE_MAX);
    assert_int_equal(run(&b), RELAY_COMMAND);
    assert_sent(b.to_client, expected);
    bench_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_pass_as_they_are),
        cmocka_unit_test(test_a_result),
        cmocka_unit_test(test_eofs_are_put_in_for_older_clients),
        cmocka_unit_test(test_several_results),
        cmocka_unit_test(test_prepared_numbers_are_changed),
        cmocka_unit_test(test_pipelined_commands),
        cmocka_unit_test(test_a_file_of_the_client),
        cmocka_unit_test(test_the_owners_command_waits_for_replies),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_commands_out_of_order),
        cmocka_unit_test(test_an_upstream_that_goes),
        cmocka_unit_test(test_an_upstream_that_talks_nonsense),
        cmocka_unit_test(test_words_nobody_asked_for),
        cmocka_unit_test(test_numbers_behind_compression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
