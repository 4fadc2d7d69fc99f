/* The order of events: what makes a transaction, and what is refused. */
#include "binlog/stream.h"
#include "binlog_test.h"

#define GTID_BODY                                                                                  \
    "\x01"                                                                                         \
    "0123456789abcdef"                                                                             \
    "\x05\0\0\0\0\0\0\0"
#define MARIADB_BODY                                                                               \
    "\x05\0\0\0\0\0\0\0"                                                                           \
    "\0\0\0\0"
#define TABLE_BODY                                                                                 \
    "\x09\0\0\0\0\0"                                                                               \
    "\x01\0"                                                                                       \
    "\1d\0"                                                                                        \
    "\1t\0"                                                                                        \
    "\1"                                                                                           \
    "\x03"                                                                                         \
    "\0"                                                                                           \
    "\1"
#define ROWS_BODY                                                                                  \
    "\x09\0\0\0\0\0"                                                                               \
    "\x01\0"                                                                                       \
    "\x02\0"                                                                                       \
    "\1"                                                                                           \
    "\1"                                                                                           \
    "\0"                                                                                           \
    "\x07\0\0\0"
#define NO_ROWS_BODY                                                                               \
    "\xff\xff\xff\xff\xff\xff"                                                                     \
    "\x01\0"                                                                                       \
    "\x02\0"                                                                                       \
    "\0"
#define XID_BODY "12345678"

struct step {
    uint8_t type;
    struct str body;
    struct str sql; /* Of a query. */
};

#define EVENT(t, b) {.type = (t), .body = {b, sizeof(b) - 1}}
#define SQL(text)   {.type = BINLOG_QUERY, .sql = STR_INIT(text)}

static struct str query_body(struct str sql, struct bytebuf *b)
{
    bytebuf_reset(b);
    put_le(b, 1, 4);
    put_le(b, 0, 4);
    put_le(b, 1, 1);
    put_le(b, 0, 2);
    put_le(b, 0, 2);
    bytebuf_put(b, "d", 2);
    bytebuf_put_str(b, sql);
    return bytebuf_str(b);
}

/* A letter an item. */
static const char letters[] = {
    [BINLOG_TXN_BEGIN] = 'B',    [BINLOG_TXN_TABLE] = 'T',      [BINLOG_TXN_ROWS] = 'R',
    [BINLOG_TXN_QUERY] = 'Q',    [BINLOG_TXN_ROWS_QUERY] = 'q', [BINLOG_TXN_VARIABLE] = 'v',
    [BINLOG_TXN_COMMIT] = 'C',   [BINLOG_TXN_ROLLBACK] = 'X',   [BINLOG_TXN_PREPARE] = 'P',
    [BINLOG_LOG_FORMAT] = 'f',   [BINLOG_LOG_ROTATE] = 'r',     [BINLOG_LOG_HEARTBEAT] = 'h',
    [BINLOG_LOG_INCIDENT] = 'i', [BINLOG_LOG_OTHER] = 'o',
};

/* Walks the rows of an item. Returns how that ends. */
static enum binlog_next walk_rows(struct binlog_stream *s, const struct binlog_item *item,
                                  struct diag *d)
{
    struct binlog_rows_iter it;
    enum binlog_next rc = BINLOG_ERROR;
    if (binlog_rows_iter_init(&it, &item->rows, item->table, &s->event_arena, d) == 0) {
        while ((rc = binlog_rows_next(&it, d)) == BINLOG_ITEM) {
        }
    }
    return rc;
}

/* Feeds the steps; the letters of the items, '!' for an error. */
static void run_steps(const struct step *steps, size_t count, char *out, struct diag *d)
{
    struct binlog_stream s;
    struct bytebuf body;
    struct bytebuf event;
    bytebuf_init(&body, 10000);
    bytebuf_init(&event, 10000);
    binlog_stream_init(&s, BINLOG_CHECKSUM_NONE);
    for (size_t i = 0; i < count; i++) {
        struct binlog_item item;
        const struct str b =
            steps[i].type == BINLOG_QUERY ? query_body(steps[i].sql, &body) : steps[i].body;
        const struct str bytes = make_event(&event, steps[i].type, 0, b);
        enum binlog_next rc = BINLOG_ERROR;
        if (binlog_stream_feed(&s, bytes, 4, d) == 0) {
            while ((rc = binlog_stream_next(&s, &item, d)) == BINLOG_ITEM) {
                if (item.kind == BINLOG_TXN_ROWS && walk_rows(&s, &item, d) == BINLOG_ERROR) {
                    break;
                }
                *out++ = letters[item.kind];
            }
        }
        if (rc != BINLOG_END) {
            *out++ = '!';
            break;
        }
    }
    *out = '\0';
    binlog_stream_release(&s);
    bytebuf_release(&body);
    bytebuf_release(&event);
}

#define ASSERT_ITEMS(want, error, ...)                                                             \
    do {                                                                                           \
        const struct step steps[] = {__VA_ARGS__};                                                 \
        char items[64];                                                                            \
        struct diag d;                                                                             \
        diag_init(&d);                                                                             \
        run_steps(steps, ARRAY_SIZE(steps), items, &d);                                            \
        assert_string_equal(items, want);                                                          \
        if (*(error) != '\0') {                                                                    \
            assert_error(&d, error);                                                               \
        }                                                                                          \
        diag_release(&d);                                                                          \
    } while (0)

#define GTID EVENT(BINLOG_GTID, GTID_BODY)
#define MARIADB                                                                                    \
    EVENT(BINLOG_MARIADB_GTID, MARIADB_BODY "\0"                                                   \
                                            "\0\0\0\0\0\0")
#define STANDALONE                                                                                 \
    EVENT(BINLOG_MARIADB_GTID, MARIADB_BODY "\1"                                                   \
                                            "\0\0\0\0\0\0")
#define TABLE EVENT(BINLOG_TABLE_MAP, TABLE_BODY)
#define ROWS  EVENT(BINLOG_WRITE_ROWS, ROWS_BODY)
#define XID   EVENT(BINLOG_XID, XID_BODY)

static void test_transactions(void **state)
{
    (void)state;
    ASSERT_ITEMS("BTRC", "", GTID, SQL("BEGIN"), TABLE, ROWS, XID);
    ASSERT_ITEMS("BTRQTRC", "", GTID, SQL("BEGIN"), TABLE, ROWS, SQL("SAVEPOINT `s`"), TABLE, ROWS,
                 SQL("COMMIT"));
    ASSERT_ITEMS("BTRCBTRCBQC", "", GTID, SQL("BEGIN"), TABLE, ROWS, XID, GTID, SQL("BEGIN"), TABLE,
                 ROWS, XID, GTID, SQL("BEGIM"));
    ASSERT_ITEMS("BQXB", "", GTID, SQL("BEGIN"), SQL("ROLLBACK TO `s`"), SQL("ROLLBACK"), GTID);
    ASSERT_ITEMS("BQCBQC", "", GTID, SQL("CREATE TABLE t (a INT)"), GTID,
                 SQL("XA COMMIT X'61',X'',1"));
    ASSERT_ITEMS("BC", "", GTID, SQL("BEGIN"), EVENT(BINLOG_WRITE_ROWS, NO_ROWS_BODY), XID);
    ASSERT_ITEMS("BP", "", GTID, SQL("XA START X'61',X'',1"), SQL("XA END X'61',X'',1"),
                 EVENT(BINLOG_XA_PREPARE, "\0"
                                          "\1\0\0\0"
                                          "\1\0\0\0"
                                          "\0\0\0\0"
                                          "a"));
    ASSERT_ITEMS("BC", "", GTID, SQL("XA START X'61',X'',1"),
                 EVENT(BINLOG_XA_PREPARE, "\1"
                                          "\1\0\0\0"
                                          "\1\0\0\0"
                                          "\0\0\0\0"
                                          "a"));
}

static void test_transactions_of_mariadb(void **state)
{
    (void)state;
    ASSERT_ITEMS("BqTRC", "", MARIADB, EVENT(BINLOG_MARIADB_ANNOTATE_ROWS, "sql"), TABLE, ROWS,
                 XID);
    ASSERT_ITEMS("BQCBvQC", "", STANDALONE, SQL("DROP TABLE t"), STANDALONE,
                 EVENT(BINLOG_INTVAR, "\1"
                                      "12345678"),
                 SQL("INSERT"));
}

static void test_source_without_gtids(void **state)
{
    (void)state;
    ASSERT_ITEMS("BTRCBQC", "", SQL("BEGIN"), TABLE, ROWS, XID, SQL("DROP TABLE t"));
}

static void test_order_that_cannot_be(void **state)
{
    (void)state;
    ASSERT_ITEMS("B!", "within another", GTID, GTID);
    ASSERT_ITEMS("B!", "within another", GTID, SQL("BEGIN"), SQL("BEGIN"));
    ASSERT_ITEMS("BCB!", "within another", GTID, SQL("BEGIN"), XID, GTID, SQL("BEGIN"),
                 SQL("BEGIN"));
    ASSERT_ITEMS("B!", "within another", GTID, SQL("BEGIN"), GTID);
    ASSERT_ITEMS("!", "has not begun", XID);
    ASSERT_ITEMS("B!", "has not begun", GTID, XID);
    ASSERT_ITEMS("!", "outside of a transaction", TABLE);
    ASSERT_ITEMS("B!", "no table map", GTID, SQL("BEGIN"), ROWS);
    /* The first rows ended their statement, and with it the table map. */
    ASSERT_ITEMS("BTR!", "no table map", GTID, SQL("BEGIN"), TABLE, ROWS, ROWS);
    ASSERT_ITEMS("BTRCB!", "no table map", GTID, SQL("BEGIN"), TABLE, ROWS, XID, GTID, SQL("BEGIN"),
                 ROWS);
    ASSERT_ITEMS("!", "belongs to no transaction",
                 EVENT(BINLOG_INTVAR, "\1"
                                      "12345678"));
    ASSERT_ITEMS("B!", "ends within", GTID, SQL("BEGIN"),
                 EVENT(BINLOG_ROTATE, "\4\0\0\0\0\0\0\0"
                                      "f"));
    ASSERT_ITEMS("!", "not known", EVENT(200, "x"));
    ASSERT_ITEMS("!", "does not follow a GTID", EVENT(BINLOG_TRANSACTION_PAYLOAD, "\0"));
    ASSERT_ITEMS("BT!", "column 1", GTID, SQL("BEGIN"), TABLE,
                 EVENT(BINLOG_WRITE_ROWS, "\x09\0\0\0\0\0"
                                          "\x01\0"
                                          "\x02\0"
                                          "\1"
                                          "\1"
                                          "\0"
                                          "\x07\0\0"));
}

/* Of MySQL 5.5, which had no checksums; its time of creation last. */
#define FORMAT_BODY(created)                                                                       \
    "\x04\0"                                                                                       \
    "5.5.62-log"                                                                                   \
    "\0\0\0\0\0\0\0\0\0\0"                                                                         \
    "\0\0\0\0\0\0\0\0\0\0"                                                                         \
    "\0\0\0\0\0\0\0\0\0\0"                                                                         \
    "\0\0\0\0\0\0\0\0\0\0" created "\x13"                                                          \
    "\0\0\0\0\0\0\0\0\0"                                                                           \
    "\0\0\0\0\0\0\0\0\0"                                                                           \
    "\0\0\0\0\0\0\0\0\0"

static void test_new_file_within_a_transaction(void **state)
{
    (void)state;
    /* The source was started again: what it had not finished never happened. */
    ASSERT_ITEMS("BTXfB", "", GTID, SQL("BEGIN"), TABLE,
                 EVENT(BINLOG_FORMAT_DESCRIPTION, FORMAT_BODY("\1\0\0\0")), GTID);
    ASSERT_ITEMS("B!", "new file begins within", GTID, SQL("BEGIN"),
                 EVENT(BINLOG_FORMAT_DESCRIPTION, FORMAT_BODY("\0\0\0\0")));
    ASSERT_ITEMS("BTRCf!", "outside", GTID, SQL("BEGIN"), TABLE, ROWS, XID,
                 EVENT(BINLOG_FORMAT_DESCRIPTION, FORMAT_BODY("\0\0\0\0")), ROWS);
}

static void test_xa_names(void **state)
{
    (void)state;
    struct arena a;
    struct binlog_xid xid;
    arena_init(&a, 0);
    assert_int_equal(binlog_parse_xa(STR("XA COMMIT X'6162',X'',1"), &a, &xid), BINLOG_XA_COMMIT);
    assert_true(str_eq(xid.gtrid, STR("ab")) && xid.bqual.len == 0 && xid.format_id == 1);
    assert_int_equal(binlog_parse_xa(STR("XA ROLLBACK X'',X'ff',4294967295"), &a, &xid),
                     BINLOG_XA_ROLLBACK);
    assert_int_equal(binlog_parse_xa(STR("XA COMMIT 'ab'"), &a, &xid), BINLOG_XA_NONE);
    assert_int_equal(binlog_parse_xa(STR("XA COMMIT X'6',X'',1"), &a, &xid), BINLOG_XA_NONE);
    assert_int_equal(binlog_parse_xa(STR("COMMIT"), &a, &xid), BINLOG_XA_NONE);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_transactions_of_mariadb),
        cmocka_unit_test(test_source_without_gtids),
        cmocka_unit_test(test_order_that_cannot_be),
        cmocka_unit_test(test_new_file_within_a_transaction),
        cmocka_unit_test(test_xa_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
