/* Numbers to text and back; the expected texts are what MySQL 9.7 prints. */
#include "types/convert.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static void check_text(const char *buf, size_t len, const char *want)
{
    if (len != strlen(want) || memcmp(buf, want, len) != 0) {
        fail_msg("got '%.*s', want '%s'", (int)len, buf, want);
    }
}

static void test_format_integers(void **state)
{
    (void)state;
    char buf[FORMAT_INT_MAX];
    static const int64_t values[] = {0,    1,     9,     10,        99,        100,
                                     -1,   -10,   12345, 999999999, INT64_MAX, INT64_MIN,
                                     1000, 65535, 10000, 99999,     4294967296};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char want[32];
        (void)snprintf(want, sizeof(want), "%lld", (long long)values[i]);
        check_text(buf, format_i64(values[i], buf), want);
    }
    check_text(buf, format_u64(UINT64_MAX, buf), "18446744073709551615");
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        char want[32];
        (void)snprintf(want, sizeof(want), "%llu", (unsigned long long)power);
        check_text(buf, format_u64(power, buf), want);
        (void)snprintf(want, sizeof(want), "%llu", (unsigned long long)(power - 1));
        check_text(buf, format_u64(power - 1, buf), want);
    }
}

static void test_format_scaled(void **state)
{
    (void)state;
    char buf[FORMAT_SCALED_MAX];
    check_text(buf, format_scaled_i64(0, 2, buf), "0.00");
    check_text(buf, format_scaled_i64(-5, 2, buf), "-0.05");
    check_text(buf, format_scaled_i64(12345, 0, buf), "12345");
    check_text(buf, format_scaled_i64(12345, 1, buf), "1234.5");
    check_text(buf, format_scaled_i64(12345, 3, buf), "12.345");
    check_text(buf, format_scaled_i64(12345, 4, buf), "1.2345");
    check_text(buf, format_scaled_i64(12345, 9, buf), "0.000012345");
    check_text(buf, format_scaled_i64(INT64_MIN, 18, buf), "-9.223372036854775808");
    check_text(buf, format_scaled_i64(7, 30, buf), "0.000000000000000000000000000007");
    __int128 big = 0;
    for (int i = 0; i < 38; i++) {
        big = big * 10 + 9;
    }
    check_text(buf, format_scaled_i128(big, 0, buf), "99999999999999999999999999999999999999");
    check_text(buf, format_scaled_i128(-big, 38, buf), "-0.99999999999999999999999999999999999999");
    check_text(buf, format_scaled_i128(-big, 30, buf), "-99999999.999999999999999999999999999999");
    check_text(buf, format_scaled_i128(big / 10 + 1, 10, buf),
               "1000000000000000000000000000.0000000000");
    check_text(buf, format_scaled_i128(-3, 20, buf), "-0.00000000000000000003");
}

static void test_format_double_shortest(void **state)
{
    (void)state;
    static const struct {
        double d;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1e14, "100000000000000"},
        {1e15, "1e15"},
        {-1e14, "-100000000000000"},
        {123456789012345, "123456789012345"},
        {1234567890123456, "1.234567890123456e15"},
        {12345678901234567.0, "1.2345678901234568e16"},
        {1000000000000000.5, "1000000000000000.5"},
        {1234567890123456.7, "1234567890123456.8"},
        {4503599627370496.5, "4.503599627370496e15"},
        {999999999999999.9, "999999999999999.9"},
        {9999999999999999.0, "1e16"},
        {0.0001, "0.0001"},
        {1e-15, "0.000000000000001"},
        {1e-16, "1e-16"},
        {1.5e-15, "0.0000000000000015"},
        {1.5e-16, "1.5e-16"},
        {1.2345678901234567e-10, "0.00000000012345678901234568"},
        {5.684341886080802e-14, "0.00000000000005684341886080802"},
        {2e-44, "2e-44"},
        {9007199254740993.0, "9.007199254740992e15"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100000, "100000"},
        {1234567e10, "1.234567e16"},
        {123456e9, "123456000000000"},
        {1e22, "1e22"},
        {1e23, "1e23"},
        {123456789012345678.0, "1.2345678901234568e17"},
        {3.141592653589793, "3.141592653589793"},
        {1e100, "1e100"},
        {4.35, "4.35"},
        {0.000001, "0.000001"},
    };
    char buf[FORMAT_REAL_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        check_text(buf, format_double(rows[i].d, 31, buf), rows[i].text);
    }
}

static void test_format_float_six_digits(void **state)
{
    (void)state;
    static const struct {
        float f;
        const char *text;
    } rows[] = {
        {1e14F, "100000000000000"},
        {1e15F, "1e15"},
        {123456, "123456"},
        {1234567, "1234570"},
        {16777216, "16777200"},
        {0.1F, "0.1"},
        {0.000001F, "0.000001"},
        {0.00001234567F, "0.0000123457"},
        {1e-15F, "0.000000000000001"},
        {1e-16F, "1e-16"},
        {12345e-19F, "0.0000000000000012345"},
        {3.402823466e38F, "3.40282e38"},
        {999999.5F, "1000000"},
        {9999999, "10000000"},
        {2e-44F, "1.96182e-44"},
        {2147483647.0F, "2147480000"},
        {4294967296.0F, "4294970000"},
        {1.17549435e-38F, "1.17549e-38"},
        {0.3F, "0.3"},
        {123456e10F, "1.23456e15"},
        {0, "0"},
        {-1.5F, "-1.5"},
    };
    char buf[FORMAT_REAL_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        check_text(buf, format_float(rows[i].f, 31, buf), rows[i].text);
    }
}

static void test_format_fixed_decimals(void **state)
{
    (void)state;
    char buf[FORMAT_REAL_MAX];
    check_text(buf, format_double(1.0005, 3, buf), "1.000");
    check_text(buf, format_double(9999999.999, 3, buf), "9999999.999");
    check_text(buf, format_double(1e20, 2, buf), "100000000000000000000.00");
    check_text(buf, format_double(0, 0, buf), "0");
    check_text(buf, format_double(2.5, 0, buf), "2");
    check_text(buf, format_double(-1.25, 1, buf), "-1.2");
    check_text(buf, format_float(1.005F, 2, buf), "1.00");
    check_text(buf, format_double(0.1, 30, buf), "0.100000000000000005551115123126");
    size_t len = format_double(-DBL_MAX, 30, buf);
    assert_true(len > 300 && len < FORMAT_REAL_MAX);
}

static void test_format_width_limits_column_text(void **state)
{
    (void)state;
    char buf[FORMAT_REAL_MAX];
    bool cut;
    check_text(buf, format_double_width(999.995, 5, buf, &cut), "1000");
    check_text(buf, format_double_width(9999.95, 5, buf, &cut), "10000");
    check_text(buf, format_double_width(123456789, 5, buf, &cut), "1.2e8");
    check_text(buf, format_double_width(3.5e38, 5, buf, &cut), "4e38");
    assert_false(cut);
    check_text(buf, format_double_width(-3.5e38, 5, buf, &cut), "-4e38");
    assert_true(cut);
    check_text(buf, format_float_width(1e14F, 12, buf, &cut), "1e14");
    check_text(buf, format_float_width(1.2345678e-10F, 12, buf, &cut), "1.23457e-10");
    check_text(buf, format_double_width(1.2345678901234567e-10, 22, buf, &cut),
               "1.2345678901234568e-10");
    check_text(buf, format_double_width(0.0000000000000012345, 22, buf, &cut),
               "0.0000000000000012345");
    check_text(buf, format_double_width(1.5, 22, buf, &cut), "1.5");
    check_text(buf, format_double_width(-0.0, 22, buf, &cut), "-0");
}

static void test_doubles_read_back_the_same(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double d;
        memcpy(&d, &seed, sizeof(d));
        if (!isfinite(d)) {
            continue;
        }
        char buf[FORMAT_REAL_MAX];
        size_t used;
        bool overflow;
        size_t len = format_double(d, 31, buf);
        double back = parse_double(str_from(buf, len), &used, &overflow);
        assert_memory_equal(&d, &back, sizeof(d));
        assert_int_equal(used, len);
        /* Values of few digits take the short cut; the digits must be those of the long way. */
        double few = (double)(int64_t)(seed % 2000000) / 1000;
        char want[64];
        (void)snprintf(want, sizeof(want), "%.15g", few);
        check_text(buf, format_double(few, 31, buf), want);
    }
}

static void test_parse_double_takes_longest_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double d;
        size_t used;
    } rows[] = {
        {"12abc", 12, 2},  {" 1.5e3x", 1500, 6}, {"1e", 1, 1},
        {"1e+", 1, 1},     {".5", 0.5, 2},       {"5.", 5, 2},
        {".", 0, 0},       {"", 0, 0},           {"-", 0, 0},
        {"+.e1", 0, 0},    {"0x10", 0, 1},       {"inf", 0, 0},
        {"nan", 0, 0},     {"-0", -0.0, 2},      {"1e-400", 0, 6},
        {"1e22", 1e22, 4}, {"1e23", 1e23, 4},    {"0.1", 0.1, 3},
        {"00012", 12, 5},  {"1E5", 1e5, 3},      {"1e5e5", 1e5, 3},
        {"\t\n 7", 7, 4},  {"1 2", 1, 1},        {"9007199254740993", 9007199254740992.0, 16},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t used;
        bool overflow;
        double d = parse_double(str_from_cstr(rows[i].text), &used, &overflow);
        assert_true(d == rows[i].d);
        assert_int_equal(used, rows[i].used);
        assert_false(overflow);
    }
    size_t used;
    bool overflow;
    assert_true(parse_double(STR("-1e400"), &used, &overflow) == -DBL_MAX);
    assert_true(overflow);
}

static void test_parse_double_reads_long_digit_strings(void **state)
{
    (void)state;
    static char text[5000];
    memset(text, '0', sizeof(text));
    text[0] = '1';
    memcpy(text + 4990, "e-4989", 6);
    size_t used;
    bool overflow;
    assert_true(parse_double(str_from(text, 4996), &used, &overflow) == 1);
    assert_int_equal(used, 4996);
    memset(text, '0', sizeof(text));
    text[1] = '.';
    text[4999] = '1';
    double d = parse_double(str_from(text, 5000), &used, &overflow);
    assert_true(d == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_integers),
        cmocka_unit_test(test_format_scaled),
        cmocka_unit_test(test_format_double_shortest),
        cmocka_unit_test(test_format_float_six_digits),
        cmocka_unit_test(test_format_fixed_decimals),
        cmocka_unit_test(test_format_width_limits_column_text),
        cmocka_unit_test(test_doubles_read_back_the_same),
        cmocka_unit_test(test_parse_double_takes_longest_prefix),
        cmocka_unit_test(test_parse_double_reads_long_digit_strings),
    };
    return cmocka_run_group_tests_name("number_text", tests, NULL, NULL);
}
