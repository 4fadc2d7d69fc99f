/* Positions: order of places in the log, texts, the stored form. */
#include "change/position.h"

#include <stdio.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

static int compare(const char *a, uint64_t a_offset, const char *b, uint64_t b_offset)
{
    const int order = change_position_compare(a, a_offset, b, b_offset);
    const int back = change_position_compare(b, b_offset, a, a_offset);
    assert_true((order > 0) == (back < 0) && (order == 0) == (back == 0));
    return order;
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(compare("binlog.000009", 4, "binlog.000009", 4), 0);
    assert_true(compare("binlog.000009", 4, "binlog.000009", UINT64_C(5) << 32) < 0);
    assert_true(compare("binlog.000009", 900, "binlog.000010", 4) < 0);
    assert_true(compare("binlog.999999", 900, "binlog.1000000", 4) < 0);
    assert_true(compare("a.log.000002", 4, "b.log.000001", 4) < 0);
    assert_true(compare("", 0, "binlog.000001", 4) < 0);
    assert_true(compare("no-number", 7, "no-number", 4) > 0);
}

static void init(struct change_position *p, enum change_mode mode, const char *gtids)
{
    struct diag d;
    diag_init(&d);
    change_position_init(p);
    p->mode = mode;
    const struct str text = str_from_cstr(gtids);
    assert_int_equal(mode == CHANGE_BY_MARIADB_GTID ? mariadb_pos_parse(&p->mariadb, text, &d)
                                                    : gtid_set_parse(&p->gtids, text, &d),
                     0);
    diag_release(&d);
}

/* To text and back; the result is checked and released. */
static void round_trip(struct change_position *p, const char *gtids)
{
    struct change_position back;
    struct arena arena;
    struct diag d;
    arena_init(&arena, 0);
    diag_init(&d);
    change_position_init(&back);
    const struct str json = change_position_to_json(p, &arena);
    assert_int_equal(change_position_from_json(json, &back, &d), 0);
    assert_int_equal(back.mode, p->mode);
    assert_true(str_eq(change_position_gtids(&back, &arena), str_from_cstr(gtids)));
    assert_string_equal(back.file, p->file);
    assert_true(back.offset == p->offset);
    assert_string_equal(back.source_id, p->source_id);
    assert_string_equal(back.last_gtid, p->last_gtid);
    assert_true(back.last_hash == p->last_hash);
    assert_true(back.last_offset == p->last_offset);
    assert_true(back.last_commit_us == p->last_commit_us);
    assert_true(str_eq(json, change_position_to_json(&back, &arena)));
    change_position_release(&back);
    change_position_release(p);
    diag_release(&d);
    arena_release(&arena);
}

static void test_stored_form(void **state)
{
    (void)state;
    struct change_position p;
    init(&p, CHANGE_BY_MYSQL_GTID, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7");
    (void)snprintf(p.file, sizeof(p.file), "binlog.000123");
    (void)snprintf(p.source_id, sizeof(p.source_id), "3e11fa47-71ca-11e1-9e33-c80aa9429562");
    (void)snprintf(p.last_gtid, sizeof(p.last_gtid), "3e11fa47-71ca-11e1-9e33-c80aa9429562:7");
    p.offset = UINT64_C(1) << 40;
    p.last_hash = UINT64_MAX;
    p.last_offset = (UINT64_C(1) << 40) - 500;
    p.last_commit_us = UINT64_C(1790000000000000);
    round_trip(&p, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7");
    init(&p, CHANGE_BY_MARIADB_GTID, "0-1-100,7-2-18446744073709551615");
    round_trip(&p, "0-1-100,7-2-18446744073709551615");
    init(&p, CHANGE_BY_MYSQL_GTID, "");
    round_trip(&p, "");
    init(&p, CHANGE_BY_FILE, "");
    (void)snprintf(p.file, sizeof(p.file), "binlog.000001");
    p.offset = 4;
    round_trip(&p, "binlog.000001:4");
}

static void test_damaged_form(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[1]",
        "{\"v\":1}",
        "{\"v\":2,\"mode\":\"file\"}",
        "{\"v\":1,\"mode\":\"other\"}",
        "{\"v\":1,\"mode\":\"mysql\"}",
        "{\"v\":1,\"mode\":\"mysql\",\"gtids\":\"x\"}",
        "{\"v\":1,\"mode\":\"mariadb\",\"gtids\":5}",
        "{\"v\":1,\"mode\":\"file\",\"offset\":-1}",
        "{\"v\":1,\"mode\":\"file\",\"offset\":\"1\"}",
        "{\"v\":1,\"mode\":\"file\",\"last_hash\":\"xyz\"}",
        "{\"v\":1,\"mode\":\"file\",\"file\":7}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct change_position p;
        struct diag d;
        diag_init(&d);
        change_position_init(&p);
        if (change_position_from_json(str_from_cstr(texts[i]), &p, &d) == 0) {
            fail_msg("%s is taken", texts[i]);
        }
        assert_int_equal(d.error->code, ER_INTERNAL_ERROR);
        change_position_release(&p);
        diag_release(&d);
    }
}

static void test_copy_is_its_own(void **state)
{
    (void)state;
    struct change_position a;
    struct change_position b;
    struct arena arena;
    init(&a, CHANGE_BY_MARIADB_GTID, "0-1-100");
    change_position_init(&b);
    change_position_copy(&b, &a);
    change_position_release(&a);
    arena_init(&arena, 0);
    assert_true(str_eq(change_position_gtids(&b, &arena), STR("0-1-100")));
    arena_release(&arena);
    change_position_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_stored_form),
        cmocka_unit_test(test_damaged_form),
        cmocka_unit_test(test_copy_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
