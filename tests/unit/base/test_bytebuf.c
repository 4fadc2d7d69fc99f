#include "base_test.h"

#include "base/bytebuf.h"

static void test_appends_add_up(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 1000);
    bytebuf_put_cstr(&b, "a");
    bytebuf_put_str(&b, STR("bc"));
    bytebuf_put_char(&b, 'd');
    bytebuf_put(&b, "\0e", 2);
    bytebuf_put(&b, NULL, 0);
    bytebuf_printf(&b, "%d%s", 42, "!");
    assert_true(str_eq(bytebuf_str(&b), STR("abcd\0e42!")));
    assert_false(b.failed);
    bytebuf_release(&b);
    assert_int_equal(b.len, 0);
}

static void test_quotes_are_doubled(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 1000);
    bytebuf_put_quoted(&b, STR("a`'b"), "`");
    bytebuf_put_quoted(&b, STR("'\\\0"), "'\\");
    bytebuf_put_quoted(&b, STR("\\"), "'");
    bytebuf_put_quoted(&b, STR(""), "'");
    assert_true(str_eq(bytebuf_str(&b), STR("`a``'b`'''\\\\\0''\\'''")));
    bytebuf_release(&b);
}

static void test_fills_up_to_the_ceiling_exactly(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 100);
    for (int i = 0; i < 100; i++) {
        bytebuf_put_char(&b, 'x');
    }
    assert_false(b.failed);
    assert_int_equal(b.len, 100);
    bytebuf_put_char(&b, 'x');
    assert_true(b.failed);
    assert_int_equal(b.len, 100);
    bytebuf_release(&b);
}

static void test_failure_sticks_until_reset(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 4);
    bytebuf_put_cstr(&b, "12345");
    assert_true(b.failed);
    bytebuf_put_char(&b, 'x');
    bytebuf_printf(&b, "y");
    assert_null(bytebuf_reserve(&b, 1));
    assert_int_equal(b.len, 0);
    bytebuf_reset(&b);
    bytebuf_put_cstr(&b, "1234");
    assert_false(b.failed);
    assert_int_equal(b.len, 4);
    bytebuf_release(&b);
}

static void test_absurd_sizes_fail(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, SIZE_MAX);
    bytebuf_put_char(&b, 'x');
    assert_null(bytebuf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    bytebuf_release(&b);
}

static void test_reserve_gives_room_behind_the_content(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 100000);
    assert_non_null(bytebuf_reserve(&b, 0));
    bytebuf_put_cstr(&b, "ab");
    char *p = bytebuf_reserve(&b, 5000);
    assert_non_null(p);
    memset(p, 'z', 5000);
    assert_int_equal(b.len, 2);
    b.len += 5000;
    assert_int_equal(b.p[1], 'b');
    assert_int_equal(b.p[5001], 'z');
    bytebuf_release(&b);
}

static void test_long_formatted_text(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 100000);
    bytebuf_printf(&b, "%5000d", 1);
    assert_int_equal(b.len, 5000);
    assert_int_equal(b.p[4999], '1');
    bytebuf_printf(&b, "%0255d", 2);
    bytebuf_printf(&b, "%0256d", 3);
    assert_int_equal(b.len, 5511);
    bytebuf_release(&b);
}

static void test_consume_moves_the_rest_down(void **state)
{
    (void)state;
    struct bytebuf b;
    bytebuf_init(&b, 100);
    bytebuf_consume(&b, 0);
    bytebuf_put_cstr(&b, "abcdef");
    bytebuf_consume(&b, 0);
    bytebuf_consume(&b, 4);
    assert_true(str_eq(bytebuf_str(&b), STR("ef")));
    bytebuf_consume(&b, 2);
    assert_int_equal(b.len, 0);
    bytebuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends_add_up),
        cmocka_unit_test(test_quotes_are_doubled),
        cmocka_unit_test(test_fills_up_to_the_ceiling_exactly),
        cmocka_unit_test(test_failure_sticks_until_reset),
        cmocka_unit_test(test_absurd_sizes_fail),
        cmocka_unit_test(test_reserve_gives_room_behind_the_content),
        cmocka_unit_test(test_long_formatted_text),
        cmocka_unit_test(test_consume_moves_the_rest_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
