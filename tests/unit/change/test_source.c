/*
 * The source against a server that speaks just enough: events arrive whole and in order, whatever
 * becomes of the connection; what cannot be followed says so.
 */
#include "../upstream/fake_server.h"
#include "binlog/event.h"
#include "binlog/stream.h"
#include "change/source.h"

#define LOG_FILE "tests/data/binlog/mysql-full.binlog"

enum {
    DUMP_FILE_OFFSET = 4,
    BLOCK = 16 * 1024,
};

/* What the server does, and what it has seen. */
static struct {
    char *log; /* A recorded log, whose events it sends from the position asked for. */
    size_t log_len;
    const char *server_id;
    uint16_t dump_error;
    const char *dump_text;
    size_t cut_after; /* Bytes of events of the first dump, which may end within one; 0 = none. */
    bool has_cut;
    unsigned dumps;
    uint32_t replica;      /* Registered last. */
    struct str big;        /* An event to send after the log; NULL = none. */
    struct fiber *sending; /* Of the dump that is not over. */
    bool is_over;
} fake;

static void read_log(void)
{
    FILE *f = fopen(LOG_FILE, "rb");
    CHECK(f != NULL && fseek(f, 0, SEEK_END) == 0);
    const long len = ftell(f);
    CHECK(len > 0 && fseek(f, 0, SEEK_SET) == 0);
    fake.log = malloc((size_t)len);
    CHECK(fake.log != NULL && fread(fake.log, 1, (size_t)len, f) == (size_t)len);
    fake.log_len = (size_t)len;
    (void)fclose(f);
}

static void send_row(struct fake_server *s, struct conn *c, const char *const *values, size_t count)
{
    struct str row[4];
    pkt_begin(&c->w);
    wire_encode_result_head(&c->w, fake_offered,
                            &(struct wire_result_head){.columns = count, .has_metadata = true});
    CHECK(pkt_end(&c->w) == 0);
    for (size_t i = 0; i < count; i++) {
        row[i] = str_from_cstr(values[i]);
        pkt_begin(&c->w);
        wire_encode_column(&c->w, fake_offered,
                           &(struct wire_column){.name = STR("c"), .collation = 255, .type = 253});
        CHECK(pkt_end(&c->w) == 0);
    }
    pkt_begin(&c->w);
    wire_encode_text_row(&c->w, row, count);
    CHECK(pkt_end(&c->w) == 0);
    pkt_begin(&c->w);
    wire_encode_ok(&c->w, fake_offered, WIRE_MARK_EOF, &(struct wire_ok){.status = 2});
    CHECK(pkt_end(&c->w) == 0);
    fake_flush(s, c);
}

static void answer_query(struct fake_server *s, struct conn *c, struct str payload)
{
    const char *identity[] = {fake.server_id, "91f95d79-e5bc-11f1-9193-02fc00000001", ""};
    const char *checksum[] = {"CRC32"};
    const struct str sql = str_from(payload.p + 1, payload.len - 1);
    if (str_starts_with(sql, STR("SELECT @@GLOBAL.server_id"))) {
        send_row(s, c, identity, 3);
    } else if (str_starts_with(sql, STR("SELECT @master_binlog_checksum"))) {
        send_row(s, c, checksum, 1);
    } else {
        fake_ok(s, c);
    }
}

static void send_event(struct fake_server *s, struct conn *c, struct str event)
{
    char *packet = malloc(event.len + 1);
    CHECK(packet != NULL);
    packet[0] = 0;
    memcpy(packet + 1, event.p, event.len);
    fake_send(s, c, str_from(packet, event.len + 1));
    free(packet);
}

/* Writes header, body and checksum into out; returns all of it. */
static struct str make_event(uint8_t type, struct str body, char *out)
{
    const uint32_t size = (uint32_t)(BINLOG_HEADER_LEN + body.len + 4);
    memset(out, 0, BINLOG_HEADER_LEN);
    out[4] = (char)type;
    memcpy(out + 9, &size, 4);
    out[17] = BINLOG_F_ARTIFICIAL;
    memcpy(out + BINLOG_HEADER_LEN, body.p, body.len);
    const uint32_t crc = binlog_crc32(0, str_from(out, size - 4));
    memcpy(out + size - 4, &crc, 4);
    return str_from(out, size);
}

/* A part of a packet, then the end. */
static void cut_event(struct fake_server *s, struct conn *c, struct str event)
{
    char head[4] = {(char)(event.len + 1), (char)((event.len + 1) >> 8), 0, (char)c->w.seq};
    bytebuf_put(&c->out, head, sizeof(head));
    bytebuf_put(&c->out, "\0", 1);
    bytebuf_put(&c->out, event.p, event.len / 2);
    fake_flush(s, c);
}

static void send_log(struct fake_server *s, struct conn *c, size_t from)
{
    static const char rotate[] = "\4\0\0\0\0\0\0\0binlog.000001";
    char event[256];
    size_t at = BINLOG_MAGIC_LEN;
    send_event(s, c, make_event(BINLOG_ROTATE, str_from(rotate, sizeof(rotate) - 1), event));
    while (at < fake.log_len) {
        const struct str e =
            str_from(fake.log + at, binlog_peek_size(str_from(fake.log + at, fake.log_len - at)));
        const bool is_first = at == BINLOG_MAGIC_LEN; /* The format description always goes. */
        if (fake.cut_after != 0 && !fake.has_cut && at + e.len > fake.cut_after) {
            fake.has_cut = true;
            cut_event(s, c, e);
            return;
        }
        at += e.len;
        if (is_first || at > from) {
            send_event(s, c, e);
        }
    }
    if (fake.big.p != NULL) {
        send_event(s, c, fake.big);
    }
    while (!fake.is_over) {
        (void)fiber_sleep(1000);
    }
}

static void dump(struct fake_server *s, struct conn *c, struct str payload)
{
    struct wire_binlog_dump d;
    CHECK(wire_decode_binlog_dump(payload, &d) == 0);
    CHECK(d.server_id == fake.replica);
    fake.dumps++;
    if (fake.dump_error != 0) {
        fake_err(s, c, fake.dump_error, fake.dump_text);
        return;
    }
    send_log(s, c, d.position);
}

/* What the replica has is not looked at: all is sent. */
static void dump_gtid(struct fake_server *s, struct conn *c, struct str payload)
{
    struct wire_binlog_dump_gtid d;
    CHECK(wire_decode_binlog_dump_gtid(payload, &d) == 0);
    CHECK(d.server_id == fake.replica);
    fake.dumps++;
    send_log(s, c, DUMP_FILE_OFFSET);
}

static void serve(struct fake_server *s, struct conn *c)
{
    struct str payload;
    struct wire_register_replica r;
    if (!fake_accept(s, c)) {
        return;
    }
    while (fake_command(s, c, &payload) && payload.len > 0) {
        switch ((uint8_t)payload.p[0]) {
        case COM_QUERY:
            answer_query(s, c, payload);
            break;
        case COM_REGISTER_REPLICA:
            CHECK(wire_decode_register_replica(payload, &r) == 0);
            fake.replica = r.server_id;
            fake_ok(s, c);
            break;
        case COM_BINLOG_DUMP:
            dump(s, c, payload);
            return;
        case COM_BINLOG_DUMP_GTID:
            dump_gtid(s, c, payload);
            return;
        default:
            return;
        }
    }
}

/* ---- Following ---- */

struct follower {
    struct fake_server server;
    struct change_source *source;
    struct change_position position;
    struct binlog_stream stream;
    struct diag d;
    unsigned restarts;
    uint64_t at; /* End of the last event of the log. */
};

static void begin_in(struct follower *f, enum change_mode mode, uint32_t max_event_bytes)
{
    fake_start(&f->server, serve);
    diag_init(&f->d);
    change_position_init(&f->position);
    (void)snprintf(f->position.file, sizeof(f->position.file), "binlog.000001");
    f->position.offset = DUMP_FILE_OFFSET;
    f->position.mode = mode;
    f->restarts = 0;
    f->at = DUMP_FILE_OFFSET;
    binlog_stream_init(&f->stream, BINLOG_CHECKSUM_NONE);
    upstream_set_account(f->server.upstream,
                         &(struct upstream_login){.user = STR("u"), .password = STR("secret")});
    const struct change_source_options o = {
        .upstream = f->server.upstream,
        .loop = loop_self(),
        .server_id = 77,
        .heartbeat_us = 10 * 1000 * 1000,
        .retry_us = 1000,
        .queue_bytes = 4 * BLOCK,
        .block_bytes = BLOCK,
        .max_event_bytes = max_event_bytes,
    };
    f->source = change_source_start(&o, &f->position);
    CHECK(f->source != NULL);
}

static void begin(struct follower *f, uint32_t max_event_bytes)
{
    begin_in(f, CHANGE_BY_FILE, max_event_bytes);
}

static void finish(struct follower *f)
{
    fake.is_over = true;
    change_source_stop(f->source);
    binlog_stream_release(&f->stream);
    change_position_release(&f->position);
    diag_release(&f->d);
    fake_stop(&f->server);
    free(fake.log);
}

/* Decodes an event, which must be the one of the log that is next. */
static void check_event(struct follower *f, struct str event)
{
    struct binlog_item item;
    enum binlog_next rc;
    CHECK(binlog_stream_feed(&f->stream, event, 0, &f->d) == 0);
    while ((rc = binlog_stream_next(&f->stream, &item, &f->d)) == BINLOG_ITEM) {
    }
    CHECK(rc == BINLOG_END);
    if (event.p[4] == BINLOG_ROTATE && f->stream.event.log_pos == 0) {
        return;
    }
    if (event.p[4] == BINLOG_FORMAT_DESCRIPTION && f->at != DUMP_FILE_OFFSET) {
        return; /* Sent again after a restart. */
    }
    CHECK(event.len <= fake.log_len - f->at && memcmp(event.p, fake.log + f->at, event.len) == 0);
    f->at += event.len;
}

static void take_block(struct follower *f, struct change_block *b)
{
    struct str event;
    while (change_block_next(b, &event)) {
        check_event(f, event);
    }
    CHECK(str_eq(str_from_cstr(b->source_id), STR("91f95d79-e5bc-11f1-9193-02fc00000001")));
    change_source_give_back(f->source, b);
}

/* Goes on from the last boundary of a transaction. */
static void restart(struct follower *f, uint64_t boundary)
{
    f->restarts++;
    f->at = boundary;
    f->position.offset = boundary;
    binlog_stream_restart(&f->stream, BINLOG_CHECKSUM_NONE);
    change_source_restart(f->source, &f->position);
}

/* Takes blocks until the log's end, or until the source ends. */
static enum change_take follow(struct follower *f)
{
    uint64_t boundary = DUMP_FILE_OFFSET;
    for (;;) {
        struct change_block *b;
        const enum change_take t = change_source_take(f->source, in_ms(20000), &b, &f->d);
        switch (t) {
        case CHANGE_TAKE_BLOCK:
            take_block(f, b);
            boundary = binlog_stream_in_txn(&f->stream) ? boundary : f->at;
            break;
        case CHANGE_TAKE_RESTARTED:
            restart(f, boundary);
            break;
        case CHANGE_TAKE_ENDED:
            return t;
        case CHANGE_TAKE_TIMEOUT:
            CHECK(false);
        }
        if (f->at == fake.log_len && fake.big.p == NULL) {
            return t;
        }
    }
}

static void reset_fake(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.server_id = "1";
    read_log();
}

static void run(fiber_fn *fn)
{
    reset_fake();
    CHECK(fiber_run(fn, NULL) == 0);
}

static void whole_log(void *arg)
{
    (void)arg;
    struct follower f;
    struct change_source_status *status = calloc(1, sizeof(*status));
    CHECK(status != NULL);
    begin(&f, 1u << 30);
    CHECK(follow(&f) == CHANGE_TAKE_BLOCK);
    for (unsigned i = 0; !change_source_is_idle(f.source); i++) {
        CHECK(i < 20000);
        (void)fiber_sleep(1000);
    }
    change_source_status(f.source, status);
    CHECK(status->connected && status->source_server_id == 1 && status->events > 20);
    CHECK(strncmp(status->file, "binlog.00000", 12) == 0); /* The log ends in a rotation. */
    CHECK(fake.replica == 77 && fake.dumps == 1 && f.restarts == 0);
    finish(&f);
    free(status);
}

static void test_log_arrives_whole(void **state)
{
    (void)state;
    run(whole_log);
}

static bool has_received(struct follower *f, const char *gtids)
{
    struct arena arena;
    arena_init(&arena, 0);
    const bool same = str_eq(change_source_received(f->source, &arena), str_from_cstr(gtids));
    arena_release(&arena);
    return same;
}

/* Received is what has come, be it taken or not. */
static void received(void *arg)
{
    (void)arg;
    static const char all[] = "e8722c4a-e59e-11f1-b852-02fc00000001:2-7";
    struct follower f;
    begin_in(&f, CHANGE_BY_MYSQL_GTID, 1u << 30);
    CHECK(has_received(&f, ""));
    for (unsigned i = 0; !has_received(&f, all); i++) {
        CHECK(i < 20000);
        (void)fiber_sleep(1000);
    }
    CHECK(follow(&f) == CHANGE_TAKE_BLOCK);
    CHECK(has_received(&f, all));
    finish(&f);
}

static void test_received_gtids_are_told(void **state)
{
    (void)state;
    run(received);
}

static void received_by_file(void *arg)
{
    (void)arg;
    struct follower f;
    begin(&f, 1u << 30);
    CHECK(follow(&f) == CHANGE_TAKE_BLOCK);
    CHECK(has_received(&f, ""));
    finish(&f);
}

static void test_no_gtids_are_told_by_file(void **state)
{
    (void)state;
    run(received_by_file);
}

static void cut_log(void *arg)
{
    (void)arg;
    struct follower f;
    fake.cut_after = fake.log_len * 2 / 3;
    begin(&f, 1u << 30);
    CHECK(follow(&f) == CHANGE_TAKE_BLOCK);
    CHECK(fake.dumps == 2 && f.restarts == 1);
    finish(&f);
}

static void test_goes_on_after_a_cut_within_an_event(void **state)
{
    (void)state;
    run(cut_log);
}

static void own_restart(void *arg)
{
    (void)arg;
    struct follower f;
    begin(&f, 1u << 30);
    CHECK(follow(&f) == CHANGE_TAKE_BLOCK);
    restart(&f, DUMP_FILE_OFFSET);
    CHECK(follow(&f) == CHANGE_TAKE_BLOCK);
    CHECK(fake.dumps == 2);
    finish(&f);
}

static void test_restarts_where_it_is_told(void **state)
{
    (void)state;
    run(own_restart);
}

static void refuse(void *arg)
{
    struct follower f;
    begin(&f, 1u << 20);
    CHECK(follow(&f) == CHANGE_TAKE_ENDED);
    CHECK(f.d.error != NULL);
    if (strstr(f.d.error->message.p, arg) == NULL) {
        (void)fprintf(stderr, "%s\n", f.d.error->message.p);
        CHECK(false);
    }
    finish(&f);
}

static void test_own_server_id_is_refused(void **state)
{
    (void)state;
    reset_fake();
    fake.server_id = "77";
    CHECK(fiber_run(refuse, "our own server id, 77") == 0);
}

static void test_purged_log_says_what_to_do(void **state)
{
    (void)state;
    reset_fake();
    fake.dump_error = 1236;
    fake.dump_text = "Could not find first log file name in binary log index file";
    CHECK(fiber_run(refuse, "RESET REPLICA and START REPLICA copy the tables anew") == 0);
}

static void test_position_beyond_the_end_says_what_to_do(void **state)
{
    (void)state;
    reset_fake();
    fake.dump_error = 1236;
    fake.dump_text = "Client requested master to start replication from position > file size";
    CHECK(fiber_run(refuse, "beyond the end of the source's log file") == 0);
}

static void test_too_small_packets_say_what_to_do(void **state)
{
    (void)state;
    reset_fake();
    fake.dump_error = 1236;
    fake.dump_text = "log event entry exceeded max_allowed_packet; Increase max_allowed_packet on "
                     "source";
    CHECK(fiber_run(refuse, "Raise max_allowed_packet on the source") == 0);
}

static void test_large_event_names_the_limit(void **state)
{
    (void)state;
    reset_fake();
    char *big = calloc(1, 17u << 20);
    CHECK(big != NULL);
    fake.big = str_from(big, 17u << 20);
    CHECK(fiber_run(refuse, "is larger than 1048576 bytes") == 0);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_arrives_whole),
        cmocka_unit_test(test_received_gtids_are_told),
        cmocka_unit_test(test_no_gtids_are_told_by_file),
        cmocka_unit_test(test_goes_on_after_a_cut_within_an_event),
        cmocka_unit_test(test_restarts_where_it_is_told),
        cmocka_unit_test(test_own_server_id_is_refused),
        cmocka_unit_test(test_purged_log_says_what_to_do),
        cmocka_unit_test(test_position_beyond_the_end_says_what_to_do),
        cmocka_unit_test(test_too_small_packets_say_what_to_do),
        cmocka_unit_test(test_large_event_names_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
