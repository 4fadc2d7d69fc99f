/* Events that are small or rare: what they hold, and that no shorter form passes for them. */
#include "binlog/log_events.h"
#include "binlog/txn_events.h"
#include "binlog_test.h"

#define BYTES(literal) {"" literal, sizeof(literal) - 1}

static struct binlog_format format;

/* Decodes whatever event it is and forgets the result. */
static int decode(const struct binlog_event *ev, struct arena *a, struct diag *d)
{
    union {
        struct binlog_rotate rotate;
        struct binlog_heartbeat heartbeat;
        struct binlog_incident incident;
        struct binlog_gtid_list list;
        struct binlog_mysql_gtid mysql;
        struct binlog_mariadb_gtid_event mariadb;
        struct binlog_xa_prepare prepare;
        struct binlog_intvar intvar;
        struct binlog_rand rand;
        struct binlog_user_var user_var;
        struct binlog_payload payload;
        struct str text;
        uint64_t xid;
    } out;
    switch (ev->type) {
    case BINLOG_ROTATE:
        return binlog_decode_rotate(&format, ev, &out.rotate, d);
    case BINLOG_HEARTBEAT_V2:
        return binlog_decode_heartbeat(ev, &out.heartbeat, d);
    case BINLOG_INCIDENT:
        return binlog_decode_incident(ev, &out.incident, d);
    case BINLOG_MARIADB_CHECKPOINT:
        return binlog_decode_checkpoint(ev, &out.text, d);
    case BINLOG_MARIADB_GTID_LIST:
        return binlog_decode_gtid_list(ev, a, &out.list, d);
    case BINLOG_MARIADB_GTID:
        return binlog_decode_mariadb_gtid(ev, &out.mariadb, d);
    case BINLOG_GTID:
    case BINLOG_GTID_TAGGED:
        return binlog_decode_mysql_gtid(ev, &out.mysql, d);
    case BINLOG_XA_PREPARE:
        return binlog_decode_xa_prepare(ev, &out.prepare, d);
    case BINLOG_INTVAR:
        return binlog_decode_intvar(ev, &out.intvar, d);
    case BINLOG_RAND:
        return binlog_decode_rand(ev, &out.rand, d);
    case BINLOG_USER_VAR:
        return binlog_decode_user_var(ev, &out.user_var, d);
    case BINLOG_TRANSACTION_PAYLOAD:
        return binlog_decode_payload(ev, &out.payload, d);
    default:
        return binlog_decode_xid(&format, ev, &out.xid, d);
    }
}

/* A GTID of MySQL 9.7 with a tag, as recorded. */
#define TAGGED                                                                                     \
    "\x02\x76\x00\x00\x00\x02\xfd\x03\xc5\x03\x01\x03\x2a\x95\x03\x61\x02\x22\xc5\x03\x45\x02\x06" \
    "\x04\xf1\x03\x00\x00\x00\x02\x04\x04\x06\x0a"                                                 \
    "mytag"                                                                                        \
    "\x08\x08\x0a\x10\x0c\x7f\x87\x2f\x9c"                                                         \
    "\x19\xc7\x60\x06\x10\xed\x04\x12\x83\x12\x0b"

static const struct {
    uint8_t type;
    struct str body;
    size_t shortest; /* Prefixes below are refused. */
} events[] = {
    {BINLOG_ROTATE, BYTES("\4\0\0\0\0\0\0\0binlog.2"), 9},
    {BINLOG_HEARTBEAT_V2, BYTES("\1\3bin\2\4\xfd\1\2\3\0"), 12},
    {BINLOG_INCIDENT, BYTES("\1\0\5events"), 8},
    {BINLOG_MARIADB_CHECKPOINT, BYTES("\3\0\0\0bin"), 7},
    {BINLOG_MARIADB_GTID_LIST,
     BYTES("\1\0\0\0"
           "\5\0\0\0"
           "\7\0\0\0"
           "\x09\0\0\0\0\0\0\0"),
     20},
    {BINLOG_MARIADB_GTID,
     BYTES("\5\0\0\0\0\0\0\0"
           "\2\0\0\0"
           "\2"
           "\x09\0\0\0\0\0\0\0"),
     21},
    {BINLOG_MARIADB_GTID,
     BYTES("\5\0\0\0\0\0\0\0"
           "\2\0\0\0"
           "\x40"
           "\1\0\0\0"
           "\1\1"
           "gb"),
     21},
    {BINLOG_GTID_TAGGED, BYTES(TAGGED), sizeof(TAGGED) - 1},
    {BINLOG_GTID,
     BYTES("\1"
           "0123456789abcdef"
           "\5\0\0\0\0\0\0\0"),
     25},
    {BINLOG_XA_PREPARE,
     BYTES("\1"
           "\1\0\0\0"
           "\1\0\0\0"
           "\1\0\0\0"
           "gb"),
     15},
    {BINLOG_INTVAR,
     BYTES("\2"
           "\7\0\0\0\0\0\0\0"),
     9},
    {BINLOG_RAND,
     BYTES("12345678"
           "12345678"),
     16},
    {BINLOG_USER_VAR,
     BYTES("\1\0\0\0"
           "x"
           "\0"
           "\0"
           "\xff\0\0\0"
           "\2\0\0\0"
           "ab"),
     17},
    {BINLOG_TRANSACTION_PAYLOAD,
     BYTES("\1\1\3"
           "\2\1\0"
           "\3\1\x64"
           "\0"
           "zzz"),
     13},
    {BINLOG_XID, BYTES("12345678"), 8},
};

static void test_truncated(void **state)
{
    (void)state;
    struct arena a;
    struct diag d;
    arena_init(&a, 0);
    diag_init(&d);
    binlog_format_init(&format, BINLOG_CHECKSUM_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        for (size_t len = 0; len <= events[i].body.len; len++) {
            char *copy = malloc(len + 1);
            assert_non_null(copy);
            memcpy(copy, events[i].body.p, len);
            const struct binlog_event ev = {
                .type = events[i].type, .offset = 77, .body = str_from(copy, len)};
            diag_reset(&d);
            const int rc = decode(&ev, &a, &d);
            if (len < events[i].shortest) {
                if (rc == 0) {
                    fail_msg("event %zu of %zu bytes passes", i, len);
                }
                assert_error(&d, "at offset 77");
            } else if (len == events[i].body.len) {
                assert_int_equal(rc, 0);
            }
            free(copy);
        }
    }
    diag_release(&d);
    arena_release(&a);
}

static struct binlog_event event_of(size_t i)
{
    return (struct binlog_event){.type = events[i].type, .body = events[i].body, .server_id = 3};
}

static void test_fields(void **state)
{
    (void)state;
    struct diag d;
    struct binlog_event ev;
    diag_init(&d);
    struct binlog_heartbeat heartbeat;
    ev = event_of(1);
    assert_int_equal(binlog_decode_heartbeat(&ev, &heartbeat, &d), 0);
    assert_int_equal(heartbeat.position, 0x030201);
    assert_true(str_eq(heartbeat.file, STR("bin")));
    struct binlog_mariadb_gtid_event mariadb;
    ev = event_of(5);
    assert_int_equal(binlog_decode_mariadb_gtid(&ev, &mariadb, &d), 0);
    assert_int_equal(mariadb.gtid.domain, 2);
    assert_int_equal(mariadb.gtid.server_id, 3);
    assert_int_equal(mariadb.gtid.seq, 5);
    assert_int_equal(mariadb.commit_id, 9);
    ev = event_of(6);
    assert_int_equal(binlog_decode_mariadb_gtid(&ev, &mariadb, &d), 0);
    assert_true(str_eq(mariadb.xid.gtrid, STR("g")) && str_eq(mariadb.xid.bqual, STR("b")));
    struct binlog_mysql_gtid gtid;
    ev = event_of(7);
    assert_int_equal(binlog_decode_mysql_gtid(&ev, &gtid, &d), 0);
    assert_int_equal(gtid.gno, 1);
    assert_int_equal(gtid.uuid[0], 0xff);
    assert_true(str_eq(gtid.tag, STR("mytag")));
    assert_int_equal(gtid.transaction_length, 315);
    assert_int_equal(gtid.immediate_version, 90704);
    assert_int_equal(gtid.original_commit_us, gtid.immediate_commit_us);
    struct binlog_payload payload;
    ev = event_of(13);
    assert_int_equal(binlog_decode_payload(&ev, &payload, &d), 0);
    assert_int_equal(payload.compression, BINLOG_PAYLOAD_ZSTD);
    assert_int_equal(payload.uncompressed_len, 100);
    assert_true(str_eq(payload.data, STR("zzz")));
    diag_release(&d);
}

/* The second phase of an ALTER of MariaDB 10.8, and a thread's id of 11.5. */
static void test_extra_flags_of_mariadb(void **state)
{
    (void)state;
    struct diag d;
    struct binlog_mariadb_gtid_event gtid;
    diag_init(&d);
    const struct str body = BYTES("\5\0\0\0\0\0\0\0"
                                  "\0\0\0\0"
                                  "\x21"
                                  "\x14"
                                  "\4\0\0\0\0\0\0\0"
                                  "\x63\0\0\0");
    const struct binlog_event ev = {.type = BINLOG_MARIADB_GTID, .body = body};
    assert_int_equal(binlog_decode_mariadb_gtid(&ev, &gtid, &d), 0);
    assert_int_equal(gtid.alter_seq, 4);
    assert_int_equal(gtid.thread_id, 99);
    diag_release(&d);
}

/* ALTER TABLE in two phases, as MariaDB 10.11 wrote it: started, done, undone. */
static void test_query_of_two_phases(void **state)
{
    static const struct str bodies[] = {
        BYTES("\0\0\0\0\1\1\0\0\x20\x54\0\0\0\0\x06\x03std\x04\x21\0\x21\0\x2d\0\x82\x02"),
        BYTES("\0\0\0\0\1\1\0\0\x20\x54\0\0\0\0\x06\x03std\x04\x21\0\x21\0\x2d\0\x81\x25\0\0\0\0\0"
              "\0\0\x82\x04\x15\0\0\0\0\0\0\0"),
        BYTES(
            "\0\0\0\0\1\1\0\0\x20\x54\0\0\0\0\x06\x03std\x04\x21\0\x21\0\x2d\0\x82\x08\x1c\0\0\0\0\0"
            "\0\0"),
    };
    struct arena a;
    struct diag d;
    (void)state;
    arena_init(&a, 0);
    diag_init(&d);
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct bytebuf body;
        struct binlog_query q;
        bytebuf_init(&body, 1000);
        put_le(&body, 1, 4); /* thread */
        put_le(&body, 0, 4); /* seconds */
        put_le(&body, 2, 1); /* of the database's name */
        put_le(&body, 0, 2); /* error */
        put_le(&body, bodies[i].len, 2);
        bytebuf_put_str(&body, bodies[i]);
        bytebuf_put_str(&body, STR("d2\0ALTER TABLE t ADD b INT"));
        const struct binlog_event ev = {.type = BINLOG_QUERY, .body = bytebuf_str(&body)};
        assert_int_equal(binlog_decode_query(&format, &ev, &a, &q, &d), 0);
        assert_true(str_eq(q.sql, STR("ALTER TABLE t ADD b INT")));
        assert_false(q.has_unknown_vars);
        bytebuf_release(&body);
    }
    diag_release(&d);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_extra_flags_of_mariadb),
        cmocka_unit_test(test_query_of_two_phases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
