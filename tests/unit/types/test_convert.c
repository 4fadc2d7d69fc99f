/* Conversions between families of values; expectations from MySQL 9.7. */
#include "types/convert.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static struct diag diag;

static int set_up(void **state)
{
    (void)state;
    diag_init(&diag);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    diag_release(&diag);
    return 0;
}

static struct value text(const char *s)
{
    return value_string(str_from_cstr(s), COLLATION_UTF8MB4_GENERAL_CI);
}

/* Was `message` raised as warning 1292, and nothing else? NULL: nothing at all. */
static void check_warning(const char *message)
{
    if (message == NULL) {
        assert_int_equal(diag.warning_count, 0);
        return;
    }
    assert_int_equal(diag.warning_count, 1);
    assert_int_equal(diag.first->code, 1292);
    if (!str_eq(diag.first->message, str_from_cstr(message))) {
        fail_msg("got '%.*s', want '%s'", STR_FMT(diag.first->message), message);
    }
    diag_reset(&diag);
}

static void test_text_as_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        double d;
        int64_t i;
        const char *dec;
        bool warns;
    } rows[] = {
        {"12", 12, 12, "12", false},   {"12abc", 12, 12, "12", true},
        {" 12 ", 12, 12, "12", false}, {"-7.5x", -7.5, -7, "-7.5", true},
        {"abc", 0, 0, "0", true},      {"", 0, 0, "0", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct value v = text(rows[i].s);
        char want[100];
        bool is_unsigned;
        assert_true(value_to_double(&v, &diag) == rows[i].d);
        (void)snprintf(want, sizeof(want), "Truncated incorrect DOUBLE value: '%s'", rows[i].s);
        check_warning(rows[i].warns ? want : NULL);
        assert_int_equal(value_to_int(&v, &is_unsigned, &diag), rows[i].i);
        assert_false(is_unsigned);
        (void)snprintf(want, sizeof(want), "Truncated incorrect INTEGER value: '%s'", rows[i].s);
        check_warning(rows[i].warns ? want : NULL);
        struct decimal d = value_to_decimal(&v, &diag);
        char buf[DECIMAL_TEXT_MAX];
        assert_true(str_eq(str_from(buf, decimal_format(&d, buf)), str_from_cstr(rows[i].dec)));
        (void)snprintf(want, sizeof(want), "Truncated incorrect DECIMAL value: '%s'", rows[i].s);
        check_warning(rows[i].warns ? want : NULL);
    }
}

static void test_integers_clip(void **state)
{
    (void)state;
    bool is_unsigned;
    struct value v = text("18446744073709551615");
    assert_true((uint64_t)value_to_int(&v, &is_unsigned, &diag) == UINT64_MAX);
    assert_true(is_unsigned);
    v = text("18446744073709551616");
    assert_true((uint64_t)value_to_int(&v, &is_unsigned, NULL) == UINT64_MAX);
    v = text("-9223372036854775809");
    assert_true(value_to_int(&v, &is_unsigned, NULL) == INT64_MIN);
    assert_false(is_unsigned);
    v = value_double(1e30);
    assert_true(value_to_int(&v, &is_unsigned, NULL) == INT64_MAX);
    v = value_double(-2.5);
    assert_int_equal(value_to_int(&v, &is_unsigned, NULL), -2);
    v = value_double(1e19);
    assert_true((uint64_t)value_to_int(&v, &is_unsigned, NULL) == UINT64_C(10000000000000000000));
    assert_true(is_unsigned);
    check_warning(NULL);
}

static void test_temporal_values_are_their_digits(void **state)
{
    (void)state;
    struct value v = {.kind = VALUE_DATETIME,
                      .decimals = 3,
                      .time = {.year = 2020,
                               .month = 1,
                               .day = 2,
                               .hour = 3,
                               .minute = 4,
                               .second = 5,
                               .usec = 600000}};
    bool is_unsigned;
    assert_int_equal(value_to_int(&v, &is_unsigned, NULL), 20200102030406);
    struct decimal d = value_to_decimal(&v, NULL);
    char buf[DECIMAL_TEXT_MAX];
    assert_true(str_eq(str_from(buf, decimal_format(&d, buf)), STR("20200102030405.600")));
    v = (struct value){.kind = VALUE_TIME,
                       .decimals = 1,
                       .time = {.hour = 1, .second = 2, .usec = 500000, .negative = true}};
    assert_true(value_to_double(&v, NULL) == -10002.5);
    d = value_to_decimal(&v, NULL);
    assert_true(str_eq(str_from(buf, decimal_format(&d, buf)), STR("-10002.5")));
    v = (struct value){.kind = VALUE_DATE, .time = {.year = 2020, .month = 12, .day = 31}};
    assert_int_equal(value_to_int(&v, &is_unsigned, NULL), 20201231);
}

static void test_json_counts_as_its_text(void **state)
{
    (void)state;
    bool is_unsigned;
    struct value v = {.kind = VALUE_JSON, .str = STR("\"12\"")};
    assert_int_equal(value_to_int(&v, &is_unsigned, &diag), 12);
    v.str = STR("true");
    assert_true(value_to_double(&v, &diag) == 1);
    v.str = STR("1.5");
    assert_int_equal(value_to_int(&v, &is_unsigned, &diag), 2);
    check_warning(NULL);
}

static void test_datetimes(void **state)
{
    (void)state;
    struct mtime t;
    char buf[40];
    struct value v = text("2020-01-02 03:04:05.1234567");
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), 0);
    assert_true(
        str_eq(str_from(buf, datetime_format(&t, 6, buf)), STR("2020-01-02 03:04:05.123457")));
    check_warning(NULL);
    v = text("2020-01-02x");
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), 0);
    check_warning("Truncated incorrect date value: '2020-01-02x'");
    v = text("x");
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), -1);
    check_warning("Incorrect datetime value: 'x'");
    v = value_int(20200102030405);
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), 0);
    assert_int_equal(t.second, 5);
    v = value_double(20200102030405.5);
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), 0);
    assert_int_equal(t.usec, 500000);
    v = value_int(1);
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), -1);
    check_warning("Incorrect datetime value: '1'");
    v = text("2020-01-02 03:04:05+05:30");
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), 0);
    assert_true(str_eq(str_from(buf, datetime_format(&t, 0, buf)), STR("2020-01-01 21:34:05")));
    v = (struct value){.kind = VALUE_TIME, .time = {.hour = 25}};
    assert_int_equal(value_to_datetime(&v, 0, &t, &diag), 0);
    assert_true(str_eq(str_from(buf, datetime_format(&t, 0, buf)), STR("1970-01-02 01:00:00")));
    v = text("0000-00-00");
    assert_int_equal(value_to_datetime(&v, SQL_MODE_NO_ZERO_DATE, &t, &diag), -1);
    check_warning("Incorrect datetime value: '0000-00-00'");
}

static void test_times(void **state)
{
    (void)state;
    struct mtime t;
    struct value v = text("-1 10:11:12.9999999");
    assert_int_equal(value_to_time(&v, &t, &diag), 0);
    assert_int_equal(t.hour, 34);
    assert_int_equal(t.second, 13);
    assert_true(t.negative);
    check_warning(NULL);
    v = text("900:00:00");
    assert_int_equal(value_to_time(&v, &t, &diag), 0);
    assert_int_equal(t.hour, 838);
    check_warning("Truncated incorrect time value: '900:00:00'");
    v = value_int(8385960);
    assert_int_equal(value_to_time(&v, &t, &diag), -1);
    check_warning("Truncated incorrect time value: '8385960'");
    v = (struct value){.kind = VALUE_DATETIME,
                       .time = {.year = 2020, .month = 1, .day = 1, .hour = 5}};
    assert_int_equal(value_to_time(&v, &t, &diag), 0);
    assert_int_equal(t.hour, 5);
    assert_int_equal(t.year, 0);
    v = value_null();
    assert_int_equal(value_to_time(&v, &t, &diag), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_as_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integers_clip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_temporal_values_are_their_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_counts_as_its_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_datetimes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
