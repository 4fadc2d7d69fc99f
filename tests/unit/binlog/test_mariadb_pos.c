/* Positions of MariaDB. */
#include "binlog/mariadb_pos.h"
#include "binlog_test.h"

static void parse(struct mariadb_pos *p, const char *text)
{
    struct diag d;
    diag_init(&d);
    mariadb_pos_init(p);
    if (mariadb_pos_parse(p, str_from_cstr(text), &d) != 0) {
        fail_msg("%s is no position", text);
    }
    diag_release(&d);
}

static void assert_text(const struct mariadb_pos *p, const char *want)
{
    struct bytebuf b;
    bytebuf_init(&b, 1000);
    mariadb_pos_print(p, &b);
    bytebuf_put_char(&b, '\0');
    assert_string_equal(b.p, want);
    bytebuf_release(&b);
}

static void test_text(void **state)
{
    (void)state;
    struct mariadb_pos p;
    parse(&p, " 5-1-18446744073709551615 , 0-4294967295-7");
    assert_text(&p, "0-4294967295-7,5-1-18446744073709551615");
    mariadb_pos_release(&p);
    parse(&p, "");
    assert_text(&p, "");
    mariadb_pos_release(&p);
}

static void test_malformed_text(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "1", "1-2", "1-2-3-4", "1-2-x", "-1-2-3", "4294967296-1-1", "0-1-1,0-2-2", "0-1-1,,1-1-1",
    };
    struct diag d;
    struct mariadb_pos p;
    diag_init(&d);
    mariadb_pos_init(&p);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(mariadb_pos_parse(&p, str_from_cstr(cases[i]), &d), -1);
    }
    mariadb_pos_release(&p);
    diag_release(&d);
}

static void test_covers_and_merge(void **state)
{
    (void)state;
    struct mariadb_pos a;
    struct mariadb_pos b;
    parse(&a, "0-1-100,1-1-5");
    parse(&b, "0-2-99,2-1-1");
    assert_true(mariadb_pos_covers(&a, (struct binlog_mariadb_gtid){0, 9, 100}));
    assert_false(mariadb_pos_covers(&a, (struct binlog_mariadb_gtid){0, 1, 101}));
    assert_false(mariadb_pos_covers(&a, (struct binlog_mariadb_gtid){3, 1, 1}));
    assert_false(mariadb_pos_covers_all(&a, &b));
    mariadb_pos_merge(&a, &b);
    assert_text(&a, "0-1-100,1-1-5,2-1-1");
    assert_true(mariadb_pos_covers_all(&a, &b));
    mariadb_pos_copy(&b, &a);
    assert_true(mariadb_pos_equal(&a, &b));
    mariadb_pos_set(&b, (struct binlog_mariadb_gtid){0, 1, 3});
    assert_false(mariadb_pos_equal(&a, &b));
    assert_int_equal(mariadb_pos_find(&b, 0)->seq, 3);
    assert_null(mariadb_pos_find(&b, 7));
    mariadb_pos_release(&a);
    mariadb_pos_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_malformed_text),
        cmocka_unit_test(test_covers_and_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
