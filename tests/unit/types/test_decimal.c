/* Decimal arithmetic; expected results are those of MySQL 9.7 and, for unrounded division,
 * MariaDB 10.11. */
#include "types/decimal.h"
#include "types/type.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static struct decimal dec(const char *text)
{
    struct decimal d;
    size_t used;
    enum decimal_status status = decimal_parse(str_from_cstr(text), &d, &used);
    assert_int_equal(status, DECIMAL_OK);
    assert_int_equal(used, strlen(text));
    return d;
}

static void check(const struct decimal *d, const char *want)
{
    char buf[DECIMAL_TEXT_MAX];
    size_t len = decimal_format(d, buf);
    if (len != strlen(want) || memcmp(buf, want, len) != 0) {
        fail_msg("got '%.*s', want '%s'", (int)len, buf, want);
    }
}

#define NINES65 "99999999999999999999999999999999999999999999999999999999999999999"

static void test_parse_takes_longest_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
        size_t used;
        enum decimal_status status;
    } rows[] = {
        {"12.50", "12.50", 5, DECIMAL_OK},
        {" 12", "12", 3, DECIMAL_OK},
        {"-0.00", "0.00", 5, DECIMAL_OK},
        {"1e2x", "100", 3, DECIMAL_OK},
        {"1.5e-3", "0.0015", 6, DECIMAL_OK},
        {"1.2345e2", "123.45", 8, DECIMAL_OK},
        {"1e", "1", 1, DECIMAL_OK},
        {"1e+", "1", 1, DECIMAL_OK},
        {".5", "0.5", 2, DECIMAL_OK},
        {"5.", "5", 2, DECIMAL_OK},
        {"-", "0", 0, DECIMAL_BAD_NUMBER},
        {"abc", "0", 0, DECIMAL_BAD_NUMBER},
        {"", "0", 0, DECIMAL_BAD_NUMBER},
        {"+.e1", "0", 0, DECIMAL_BAD_NUMBER},
        {"1e400", NINES65, 5, DECIMAL_OVERFLOW},
        {"-1e400", "-" NINES65, 6, DECIMAL_OVERFLOW},
        {"000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000007",
         "7", 93, DECIMAL_OK},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decimal d;
        size_t used;
        assert_int_equal(decimal_parse(str_from_cstr(rows[i].text), &d, &used), rows[i].status);
        assert_int_equal(used, rows[i].used);
        check(&d, rows[i].want);
    }
    struct decimal d;
    size_t used;
    assert_int_equal(decimal_parse(STR("1e-400"), &d, &used), DECIMAL_TRUNCATED);
    assert_true(decimal_is_zero(&d));
}

static void test_division_follows_word_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        unsigned increment;
        const char *rounded;
        const char *unrounded;
    } rows[] = {
        {"1", "3", 4, "0.3333", "0.333333333"},
        {"2", "3", 4, "0.6667", "0.666666666"},
        {"-2", "3", 4, "-0.6667", "-0.666666666"},
        {"2", "3", 9, "0.666666666", "0.666666666"},
        {"1", "3", 0, "0", "0"},
        {"5", "2", 0, "2", "2"},
        {"2.00", "3", 4, "0.666667", "0.666666666"},
        {"1.0", "7", 9, "0.1428571429", "0.142857142857142857"},
        {"1.10000000000000000000000000000", "7.7777777777777777777777", 4,
         "0.141428571428571428571429985714",
         "0.141428571428571428571429985714285714285857142857142857"},
        {"0", "7", 4, "0.0000", "0.000000000"},
        {"0.9999", "999993993.9999", 30, "0.000000000999906005435568636626",
         "0.000000000999906005435568636625775131269100979"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decimal a = dec(rows[i].a);
        struct decimal b = dec(rows[i].b);
        struct decimal q;
        assert_int_equal(decimal_div(&a, &b, rows[i].increment, &q), DECIMAL_OK);
        check(&q, rows[i].rounded);
        if (i != 8) {
            assert_int_equal(decimal_div_unrounded(&a, &b, rows[i].increment, &q), DECIMAL_OK);
            check(&q, rows[i].unrounded);
        }
    }
    struct decimal a = dec("1");
    struct decimal zero = dec("0.0");
    struct decimal q;
    assert_int_equal(decimal_div(&a, &zero, 4, &q), DECIMAL_DIV_ZERO);
    assert_int_equal(decimal_div_int(&a, &zero, &q), DECIMAL_DIV_ZERO);
    assert_int_equal(decimal_mod(&a, &zero, &q), DECIMAL_DIV_ZERO);
}

static void test_one_third_times_three(void **state)
{
    (void)state;
    struct decimal one = dec("1");
    struct decimal three = dec("3");
    struct decimal q;
    struct decimal p;
    assert_int_equal(decimal_div(&one, &three, 4, &q), DECIMAL_OK);
    assert_int_equal(decimal_mul(&q, &three, &p), DECIMAL_OK);
    check(&p, "0.9999");
    assert_int_equal(decimal_div_unrounded(&one, &three, 4, &q), DECIMAL_OK);
    assert_int_equal(decimal_mul(&q, &three, &p), DECIMAL_OK);
    assert_int_equal(decimal_round(&p, 4, &p), DECIMAL_TRUNCATED);
    check(&p, "1.0000");
}

static void test_multiplication(void **state)
{
    (void)state;
    struct decimal a = dec("0.123456789012345678901234567890");
    struct decimal p;
    assert_int_equal(decimal_mul(&a, &a, &p), DECIMAL_TRUNCATED);
    check(&p, "0.015241578753238836750495351563");
    a = dec("12345678901234567890123456789012345678901234567890123456789012345");
    struct decimal b = dec("12345");
    assert_int_equal(decimal_mul(&a, &b, &p), DECIMAL_OK);
    check(&p, "152407406035740740603574074060357407406035740740603574074060357399025");
    assert_int_equal(decimal_mul(&a, &a, &p), DECIMAL_OVERFLOW);
    check(&p, NINES65);
    a = dec("-1.50");
    b = dec("0.00");
    assert_int_equal(decimal_mul(&a, &b, &p), DECIMAL_OK);
    check(&p, "0.0000");
    assert_false(p.negative);
}

static void test_addition_and_subtraction(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        {"1.5", "2.25", "3.75", "-0.75"},
        {"-1.5", "2.25", "0.75", "-3.75"},
        {"1.0", "1.0", "2.0", "0.0"},
        {NINES65, "1", "100000000000000000000000000000000000000000000000000000000000000000",
         "99999999999999999999999999999999999999999999999999999999999999998"},
        {"0.000000000000000000000000000001", "1000000000",
         "1000000000.000000000000000000000000000001", "-999999999.999999999999999999999999999999"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decimal a = dec(rows[i][0]);
        struct decimal b = dec(rows[i][1]);
        struct decimal r;
        assert_int_equal(decimal_add(&a, &b, &r), DECIMAL_OK);
        check(&r, rows[i][2]);
        assert_int_equal(decimal_sub(&a, &b, &r), DECIMAL_OK);
        check(&r, rows[i][3]);
    }
}

static void test_integer_division_and_remainder(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        {"5.5", "2", "2", "1.5"},
        {"-5.5", "2", "-2", "-1.5"},
        {"5.5", "-2", "-2", "1.5"},
        {"5.55", "2.1", "2", "1.35"},
        {"10", "3.3333", "3", "0.0001"},
        {"1", "100000000000000000000", "0", "1"},
        {"1000000000000000000000000000", "1000000000000000001", "999999999",
         "1000000000999999999999999001"},
        {"98765432109876543210987654321098765432109876543210", "1234567890123456789012345", NULL,
         NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decimal a = dec(rows[i][0]);
        struct decimal b = dec(rows[i][1]);
        struct decimal q;
        struct decimal r;
        assert_int_equal(decimal_div_int(&a, &b, &q), DECIMAL_OK);
        assert_int_equal(decimal_mod(&a, &b, &r), DECIMAL_OK);
        if (rows[i][2] != NULL && i != 6) {
            check(&q, rows[i][2]);
            check(&r, rows[i][3]);
        }
        struct decimal back;
        assert_int_equal(decimal_mul(&q, &b, &back), DECIMAL_OK);
        assert_int_equal(decimal_add(&back, &r, &back), DECIMAL_OK);
        assert_int_equal(decimal_cmp(&back, &a), 0);
    }
}

static void test_rounding_is_half_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        const char *d;
        unsigned scale;
        const char *rounded;
        const char *cut;
    } rows[] = {
        {"2.5", 0, "3", "2"},
        {"-2.5", 0, "-3", "-2"},
        {"1.005", 2, "1.01", "1.00"},
        {"0.4", 0, "0", "0"},
        {"-0.4", 0, "0", "0"},
        {"99.95", 1, "100.0", "99.9"},
        {"1.5", 4, "1.5000", "1.5000"},
        {"0.49999999999999999999", 0, "0", "0"},
        {"0.500000000", 0, "1", "0"},
        {"1.0000000005", 9, "1.000000001", "1.000000000"},
        {"999999999.5", 0, "1000000000", "999999999"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decimal d = dec(rows[i].d);
        struct decimal r;
        (void)!decimal_round(&d, rows[i].scale, &r);
        check(&r, rows[i].rounded);
        (void)!decimal_truncate(&d, rows[i].scale, &r);
        check(&r, rows[i].cut);
    }
    struct decimal d = dec("1.50");
    struct decimal r;
    assert_int_equal(decimal_round(&d, 1, &r), DECIMAL_OK);
    assert_int_equal(decimal_round(&d, 0, &r), DECIMAL_TRUNCATED);
}

static void test_fit_clips_to_the_type(void **state)
{
    (void)state;
    struct decimal d = dec("99.95");
    struct decimal r;
    assert_int_equal(decimal_fit(&d, 3, 1, &r), DECIMAL_OVERFLOW);
    check(&r, "99.9");
    d = dec("-1.25");
    assert_int_equal(decimal_fit(&d, 3, 1, &r), DECIMAL_TRUNCATED);
    check(&r, "-1.3");
    d = dec("-1000");
    assert_int_equal(decimal_fit(&d, 2, 2, &r), DECIMAL_OVERFLOW);
    check(&r, "-0.99");
    d = dec(NINES65);
    assert_int_equal(decimal_fit(&d, 65, 30, &r), DECIMAL_OVERFLOW);
    check(&r, "99999999999999999999999999999999999.999999999999999999999999999999");
    assert_int_equal(decimal_fit(&d, 65, 0, &r), DECIMAL_OK);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *d;
        int64_t i;
        enum decimal_status status;
    } rows[] = {
        {"1.5", 2, DECIMAL_OK},
        {"-2.5", -3, DECIMAL_OK},
        {"9223372036854775807", INT64_MAX, DECIMAL_OK},
        {"9223372036854775807.5", INT64_MAX, DECIMAL_OVERFLOW},
        {"-9223372036854775808", INT64_MIN, DECIMAL_OK},
        {"-9223372036854775809", INT64_MIN, DECIMAL_OVERFLOW},
        {"99999999999999999999999999999999999", INT64_MAX, DECIMAL_OVERFLOW},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct decimal d = dec(rows[i].d);
        int64_t out;
        assert_int_equal(decimal_to_i64(&d, &out), rows[i].status);
        assert_int_equal(out, rows[i].i);
    }
    struct decimal d = dec("18446744073709551615");
    uint64_t u;
    assert_int_equal(decimal_to_u64(&d, &u), DECIMAL_OK);
    assert_true(u == UINT64_MAX);
    d = dec("-1");
    assert_int_equal(decimal_to_u64(&d, &u), DECIMAL_OVERFLOW);
    assert_int_equal(u, 0);
    d = decimal_from_i64(INT64_MIN);
    check(&d, "-9223372036854775808");
    d = decimal_from_u64(UINT64_MAX);
    check(&d, "18446744073709551615");
}

static void test_wide_integers(void **state)
{
    (void)state;
    struct decimal d = dec("-99999999999999999999999999999999999999");
    __int128 v;
    assert_int_equal(decimal_to_i128(&d, 0, &v), DECIMAL_OK);
    struct decimal back = decimal_from_i128(v, 10);
    check(&back, "-9999999999999999999999999999.9999999999");
    assert_int_equal(decimal_to_i128(&d, 1, &v), DECIMAL_OVERFLOW);
    d = dec("1.005");
    assert_int_equal(decimal_to_i128(&d, 2, &v), DECIMAL_TRUNCATED);
    assert_true(v == 101);
}

static void test_doubles(void **state)
{
    (void)state;
    struct decimal d;
    assert_int_equal(decimal_from_double(0.1, &d), DECIMAL_OK);
    check(&d, "0.1");
    assert_int_equal(decimal_from_double(123456789012345678e0, &d), DECIMAL_OK);
    check(&d, "123456789012345680");
    assert_int_equal(decimal_from_double(1e300, &d), DECIMAL_OVERFLOW);
    d = dec("-12.5");
    assert_true(decimal_to_double(&d) == -12.5);
}

static void test_sortable_form_orders_as_numbers(void **state)
{
    (void)state;
    static const char *const ordered[] = {
        "-99999999999999999999999999999999999.999999999999999999999999999999",
        "-123456789012.5",
        "-1.000000000000000000000000000001",
        "-1",
        "-0.000000000000000000000000000001",
        "0",
        "0.1",
        "0.100000000000000000000000000001",
        "9.9",
        "10",
        "1000000000",
        "99999999999999999999999999999999999.999999999999999999999999999999",
    };
    char before[40];
    for (size_t i = 0; i < ARRAY_SIZE(ordered); i++) {
        struct decimal d = dec(ordered[i]);
        char buf[40];
        size_t len = decimal_to_sortable(&d, 65, 30, buf);
        assert_int_equal(len, 30);
        struct decimal back;
        assert_int_equal(decimal_from_sortable(str_from(buf, len), 65, 30, &back), 0);
        assert_int_equal(decimal_cmp(&d, &back), 0);
        assert_int_equal(back.scale, 30);
        if (i > 0) {
            assert_true(memcmp(before, buf, len) < 0);
        }
        memcpy(before, buf, len);
    }
    struct decimal d;
    assert_int_equal(decimal_from_sortable(STR("xx"), 65, 30, &d), -1);
}

/* The example of the MySQL source documentation: 1234567890.1234 as DECIMAL(14,4). */
static void test_sortable_form_is_the_servers(void **state)
{
    (void)state;
    struct decimal d = dec("1234567890.1234");
    char buf[40];
    size_t len = decimal_to_sortable(&d, 14, 4, buf);
    assert_int_equal(len, 7);
    assert_memory_equal(buf, "\x81\x0D\xFB\x38\xD2\x04\xD2", 7);
    d.negative = true;
    assert_int_equal(decimal_to_sortable(&d, 14, 4, buf), 7);
    assert_memory_equal(buf, "\x7E\xF2\x04\xC7\x2D\xFB\x2D", 7);
}

static void test_compare(void **state)
{
    (void)state;
    struct decimal a = dec("1.10");
    struct decimal b = dec("1.1");
    assert_int_equal(decimal_cmp(&a, &b), 0);
    b = dec("-5");
    assert_true(decimal_cmp(&a, &b) > 0);
    a = dec("-5.0001");
    assert_true(decimal_cmp(&a, &b) < 0);
    assert_int_equal(decimal_int_digits(&a), 1);
    a = dec("0.05");
    assert_int_equal(decimal_int_digits(&a), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_longest_prefix),
        cmocka_unit_test(test_division_follows_word_boundaries),
        cmocka_unit_test(test_one_third_times_three),
        cmocka_unit_test(test_multiplication),
        cmocka_unit_test(test_addition_and_subtraction),
        cmocka_unit_test(test_integer_division_and_remainder),
        cmocka_unit_test(test_rounding_is_half_away_from_zero),
        cmocka_unit_test(test_fit_clips_to_the_type),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_wide_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_sortable_form_orders_as_numbers),
        cmocka_unit_test(test_sortable_form_is_the_servers),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
