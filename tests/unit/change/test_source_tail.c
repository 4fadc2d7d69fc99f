/* Comparing the last transaction: where it is asked for by its place, nothing else may be there. */
#include "change/source_int.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#define GTID "3e11fa47-71ca-11e1-9e33-c80aa9429562:7"

enum {
    EVENT_MAX = 128,
    GTID_LEN = 25, /* Flags, UUID, number. */
};

/* An event without checksum. */
static struct str make_event(uint8_t type, struct str body, char *out)
{
    const uint32_t size = (uint32_t)(BINLOG_HEADER_LEN + body.len);
    memset(out, 0, BINLOG_HEADER_LEN);
    out[4] = (char)type;
    memcpy(out + 9, &size, sizeof(size));
    memcpy(out + BINLOG_HEADER_LEN, body.p, body.len);
    return str_from(out, size);
}

static struct str gtid_event(uint8_t number, char *out)
{
    static const uint8_t uuid[16] = {0x3e, 0x11, 0xfa, 0x47, 0x71, 0xca, 0x11, 0xe1,
                                     0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62};
    char body[GTID_LEN] = {0};
    memcpy(body + 1, uuid, sizeof(uuid));
    body[1 + sizeof(uuid)] = (char)number;
    return make_event(BINLOG_GTID, str_from(body, sizeof(body)), out);
}

/* A statement, of its own if it is not BEGIN. */
static struct str query_event(const char *sql, char *out)
{
    char body[64] = {0};
    const size_t len = strlen(sql);
    memcpy(body + 14, sql, len);
    return make_event(BINLOG_QUERY, str_from(body, 14 + len), out);
}

static struct change_tail *new_tail(bool by_place, uint64_t hash)
{
    struct change_position p;
    struct diag d;
    diag_init(&d);
    change_position_init(&p);
    p.mode = CHANGE_BY_MYSQL_GTID;
    assert_int_equal(gtid_set_parse(&p.gtids, STR("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7"), &d),
                     0);
    (void)snprintf(p.file, sizeof(p.file), "binlog.000001");
    (void)snprintf(p.last_gtid, sizeof(p.last_gtid), GTID);
    p.last_hash = hash;
    p.last_offset = 157;
    struct change_tail *t = change_tail_new(&p, by_place);
    assert_non_null(t);
    assert_int_equal(change_tail_is_by_place(t), by_place);
    change_position_release(&p);
    diag_release(&d);
    return t;
}

static void check_first(bool by_place, struct str event, enum change_tail_result expected)
{
    struct binlog_format f;
    struct diag d;
    struct change_tail *t = new_tail(by_place, 1);
    diag_init(&d);
    binlog_format_init(&f, BINLOG_CHECKSUM_NONE);
    assert_int_equal(change_tail_event(t, &f, event, &d), expected);
    diag_release(&d);
    change_tail_free(t);
}

static void test_what_comes_first(void **state)
{
    (void)state;
    char bytes[EVENT_MAX];
    char rotate[] = "\4\0\0\0\0\0\0\0binlog.000001";
    const struct str name = str_from(rotate, sizeof(rotate) - 1);
    for (int by_place = 0; by_place <= 1; by_place++) {
        check_first(by_place != 0, make_event(BINLOG_ROTATE, name, bytes), CHANGE_TAIL_PASS);
        check_first(by_place != 0, gtid_event(7, bytes), CHANGE_TAIL_DROP);
    }
    check_first(false, gtid_event(8, bytes), CHANGE_TAIL_GONE);
    check_first(true, gtid_event(8, bytes), CHANGE_TAIL_ELSEWHERE);
    check_first(true, query_event("BEGIN", bytes), CHANGE_TAIL_ELSEWHERE);
    check_first(true, str_from(bytes, 10), CHANGE_TAIL_ELSEWHERE);
    check_first(false, str_from(bytes, 10), CHANGE_TAIL_OTHER);
}

static void check_whole(uint64_t hash, enum change_tail_result expected)
{
    char gtid[EVENT_MAX];
    char sql[EVENT_MAX];
    struct binlog_format f;
    struct diag d;
    struct change_tail *t = new_tail(true, hash);
    diag_init(&d);
    binlog_format_init(&f, BINLOG_CHECKSUM_NONE);
    assert_int_equal(change_tail_event(t, &f, gtid_event(7, gtid), &d), CHANGE_TAIL_DROP);
    assert_int_equal(change_tail_event(t, &f, query_event("DROP TABLE t", sql), &d), expected);
    assert_int_equal(d.error != NULL, expected == CHANGE_TAIL_OTHER);
    diag_release(&d);
    change_tail_free(t);
}

static void test_at_its_place_it_is_compared(void **state)
{
    (void)state;
    char gtid[EVENT_MAX];
    char sql[EVENT_MAX];
    const struct str first = gtid_event(7, gtid);
    const struct str last = query_event("DROP TABLE t", sql);
    const uint64_t hash = change_hash_event(
        change_hash_event(0, str_from(first.p + BINLOG_HEADER_LEN, first.len - BINLOG_HEADER_LEN)),
        str_from(last.p + BINLOG_HEADER_LEN, last.len - BINLOG_HEADER_LEN));
    check_whole(hash, CHANGE_TAIL_SAME);
    check_whole(hash ^ 1, CHANGE_TAIL_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_first),
        cmocka_unit_test(test_at_its_place_it_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
