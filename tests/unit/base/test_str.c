#include "base_test.h"

#include "base/str.h"

static void test_equality(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_eq(STR_NULL, STR("")));
    assert_true(str_eq_nocase(STR("SeLeCt"), STR("sElEcT")));
    assert_false(str_eq_nocase(STR("select"), STR("selec")));
    assert_false(str_eq_nocase(STR("["), STR("{"))); /* 32 apart, not letters. */
    assert_true(str_eq_nocase(STR_NULL, STR("")));
    assert_int_equal(str_from_cstr(NULL).len, 0);
}

static void test_order(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("b"), STR("a")) > 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\xFF"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR(""), STR_NULL), 0);
    assert_int_equal(str_cmp_nocase(STR("ABC"), STR("abc")), 0);
    assert_true(str_cmp_nocase(STR("ABD"), STR("abc")) > 0);
    assert_true(str_cmp_nocase(STR("B"), STR("a")) > 0);
    assert_true(str_cmp_nocase(STR("ab"), STR("ABC")) < 0);
}

static void test_trim(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \t\r\n\v\fa b \n")), STR("a b")));
    assert_int_equal(str_trim(STR("  ")).len, 0);
    assert_int_equal(str_trim(STR_NULL).len, 0);
}

static void test_prefixes(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("select 1"), STR("select")));
    assert_true(str_starts_with(STR("x"), STR("")));
    assert_false(str_starts_with(STR("sel"), STR("select")));
    assert_false(str_starts_with(STR("SELECT"), STR("select")));
    assert_true(str_starts_with_nocase(STR("SELECT 1"), STR("select")));
}

static void test_unsigned_numbers(void **state)
{
    (void)state;
    uint64_t n;
    assert_int_equal(str_to_u64(STR("0"), &n), 0);
    assert_true(n == 0);
    assert_int_equal(str_to_u64(STR("18446744073709551615"), &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(str_to_u64(STR("0000000000000000000000001"), &n), 0);
    assert_true(n == 1);
    static const char *const bad[] = {
        "",   "18446744073709551616", "99999999999999999999999", "-1", "+1", "1 ", " 1", "0x1",
        "1.0"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        n = 7;
        assert_int_equal(str_to_u64(str_from_cstr(bad[i]), &n), -1);
        assert_true(n == 0);
    }
}

static void test_signed_numbers(void **state)
{
    (void)state;
    int64_t n;
    assert_int_equal(str_to_i64(STR("-9223372036854775808"), &n), 0);
    assert_true(n == INT64_MIN);
    assert_int_equal(str_to_i64(STR("9223372036854775807"), &n), 0);
    assert_true(n == INT64_MAX);
    assert_int_equal(str_to_i64(STR("+5"), &n), 0);
    assert_true(n == 5);
    static const char *const bad[] = {
        "", "-", "+", "9223372036854775808", "-9223372036854775809", "--1", "1-"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(str_to_i64(str_from_cstr(bad[i]), &n), -1);
    }
}

static void test_well_formed_utf8(void **state)
{
    (void)state;
    assert_true(str_is_utf8(STR_NULL));
    assert_true(str_is_utf8(STR("plain ASCII that is longer than one word\0")));
    assert_true(str_is_utf8(STR("\xC2\x80 \xDF\xBF")));
    assert_true(str_is_utf8(STR("\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF")));
    assert_true(str_is_utf8(STR("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF")));
}

static void test_malformed_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* Continuation alone. */
        "\xC0\x80",         /* Overlong. */
        "\xC1\xBF",         /* Overlong. */
        "\xE0\x9F\xBF",     /* Overlong. */
        "\xF0\x8F\xBF\xBF", /* Overlong. */
        "\xED\xA0\x80",     /* Surrogate. */
        "\xED\xBF\xBF",     /* Surrogate. */
        "\xF4\x90\x80\x80", /* Above U+10FFFF. */
        "\xF5\x80\x80\x80", /* Above U+10FFFF. */
        "\xFE",             /* Never. */
        "\xC2",             /* Cut. */
        "\xE2\x82",         /* Cut. */
        "\xF0\x9F\x98",     /* Cut. */
        "\xC2\x41",         /* No continuation. */
        "\xE2\x41\x82",     /* No continuation. */
        "\xE2\x82\x41",     /* No continuation. */
        "12345678\xFF",     /* Behind a word of ASCII. */
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(str_is_utf8(str_from_cstr(bad[i])));
    }
}

static void test_utf8_is_not_read_past_its_end(void **state)
{
    (void)state;
    const char text[] = "\xF0\x9F\x98\x80";
    for (size_t len = 1; len < 4; len++) {
        assert_false(str_is_utf8(str_from(text, len)));
    }
    assert_true(str_is_utf8(str_from(text, 4)));
}

static void test_secrets(void **state)
{
    (void)state;
    char secret[4] = {'a', 'b', 'c', 'd'};
    assert_true(mem_eq_const_time("abcd", secret, 4));
    assert_false(mem_eq_const_time("abcx", secret, 4));
    assert_false(mem_eq_const_time("xbcd", secret, 4));
    assert_true(mem_eq_const_time("x", secret, 0));
    mem_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, "\0\0\0\0", 4);
    mem_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_unsigned_numbers),
        cmocka_unit_test(test_signed_numbers),
        cmocka_unit_test(test_well_formed_utf8),
        cmocka_unit_test(test_malformed_utf8),
        cmocka_unit_test(test_utf8_is_not_read_past_its_end),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
