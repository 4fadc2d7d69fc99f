/* The calendar, packed forms, text, and reading of temporal values. */
#include "types/convert.h"
#include "types/temporal.h"
#include "types/temporal_text.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

/* Answers of both servers to many texts. */
#define TABLE "tests/unit/types/temporal_text.tsv"

static void test_calendar_round_trips_every_day(void **state)
{
    (void)state;
    int32_t days = -719528;
    for (unsigned year = 0; year <= 9999; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            for (unsigned day = 1; day <= temporal_days_in_month(year, month); day++, days++) {
                struct mtime t = {
                    .year = (uint16_t)year, .month = (uint8_t)month, .day = (uint8_t)day};
                struct mtime back;
                if (temporal_pack_date(&t) != days) {
                    fail_msg("%u-%u-%u", year, month, day);
                }
                temporal_unpack_date(days, &back);
                assert_memory_equal(&t, &back, sizeof(t));
            }
        }
    }
    assert_int_equal(days, 2932897);
}

static void test_partial_dates_round_trip_below_all_others(void **state)
{
    (void)state;
    int32_t zero = temporal_pack_date(&(struct mtime){.year = 0});
    for (unsigned year = 0; year <= 9999; year += 33) {
        for (unsigned month = 0; month <= 12; month++) {
            for (unsigned day = 0; day <= 31; day++) {
                if (month > 0 && day > 0 && day <= temporal_days_in_month(year, month)) {
                    continue;
                }
                struct mtime t = {
                    .year = (uint16_t)year, .month = (uint8_t)month, .day = (uint8_t)day};
                int32_t packed = temporal_pack_date(&t);
                assert_true(temporal_days_is_partial(packed));
                assert_true(packed >= zero && packed < -719528);
                struct mtime back;
                temporal_unpack_date(packed, &back);
                assert_memory_equal(&t, &back, sizeof(t));
                t.hour = 23;
                t.usec = 999999;
                temporal_unpack_datetime(temporal_pack_datetime(&t), &back);
                assert_memory_equal(&t, &back, sizeof(t));
            }
        }
    }
}

static void test_order_puts_partial_dates_in_their_place(void **state)
{
    (void)state;
    static const struct mtime dates[] = {
        {.year = 0},
        {.year = 0, .day = 5},
        {.year = 0, .month = 1, .day = 1},
        {.year = 1999, .month = 12, .day = 31},
        {.year = 2024},
        {.year = 2024, .day = 15},
        {.year = 2024, .month = 1},
        {.year = 2024, .month = 1, .day = 1},
        {.year = 2024, .month = 2, .day = 29},
        {.year = 2024, .month = 2, .day = 31},
        {.year = 2024, .month = 3, .day = 0},
        {.year = 2024, .month = 3, .day = 1},
        {.year = 9999, .month = 12, .day = 31},
    };
    for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
        struct mtime late = dates[i];
        late.hour = 23;
        late.minute = late.second = 59;
        late.usec = 999999;
        const int32_t date = temporal_pack_date(&dates[i]);
        const int64_t start = temporal_pack_datetime(&dates[i]);
        const int64_t end = temporal_pack_datetime(&late);
        const bool partial = i > 0 && temporal_days_is_partial(date);
        assert_int_equal(temporal_date_is_out_of_order(date), partial);
        assert_int_equal(temporal_datetime_is_out_of_order(start), partial);
        assert_int_equal(temporal_datetime_is_out_of_order(end), partial);
        assert_true(temporal_datetime_order(start) < temporal_datetime_order(end));
        if (i + 1 < ARRAY_SIZE(dates)) {
            const int32_t next = temporal_pack_date(&dates[i + 1]);
            assert_true(temporal_date_order(date) < temporal_date_order(next));
            assert_true(temporal_datetime_order(end) <
                        temporal_datetime_order(temporal_pack_datetime(&dates[i + 1])));
        }
    }
}

static void test_packed_values_are_microseconds(void **state)
{
    (void)state;
    struct mtime t = {.year = 1969,
                      .month = 12,
                      .day = 31,
                      .hour = 23,
                      .minute = 59,
                      .second = 59,
                      .usec = 999999};
    assert_int_equal(temporal_pack_datetime(&t), -1);
    struct mtime back;
    temporal_unpack_datetime(-1, &back);
    assert_memory_equal(&t, &back, sizeof(t));
    t = (struct mtime){.hour = 838, .minute = 59, .second = 59, .negative = true};
    assert_int_equal(temporal_pack_time(&t), -3020399000000);
    temporal_unpack_time(-3020399000000, &back);
    assert_memory_equal(&t, &back, sizeof(t));
}

static void check_text(const char *buf, size_t len, const char *want)
{
    if (len != strlen(want) || memcmp(buf, want, len) != 0) {
        fail_msg("got '%.*s', want '%s'", (int)len, buf, want);
    }
}

static void test_text(void **state)
{
    (void)state;
    char buf[32];
    struct mtime t = {
        .year = 7, .month = 2, .day = 3, .hour = 4, .minute = 5, .second = 6, .usec = 70809};
    check_text(buf, date_format(&t, buf), "0007-02-03");
    check_text(buf, datetime_format(&t, 0, buf), "0007-02-03 04:05:06");
    check_text(buf, datetime_format(&t, 6, buf), "0007-02-03 04:05:06.070809");
    check_text(buf, datetime_format(&t, 3, buf), "0007-02-03 04:05:06.070");
    t = (struct mtime){.hour = 838, .minute = 59, .second = 59, .negative = true};
    check_text(buf, time_format(&t, 1, buf), "-838:59:59.0");
    t = (struct mtime){.second = 1};
    check_text(buf, time_format(&t, 0, buf), "00:00:01");
}

/* What the servers' answer would be in their client: the text, " W" behind it with a warning. */
static void show(int rc, const struct temporal_read *r, bool is_time, char *out)
{
    char buf[64];
    if (rc != 0) {
        (void)snprintf(out, 64, "NULL");
        return;
    }
    size_t len = is_time ? time_format(&r->t, 6, buf) : datetime_format(&r->t, 6, buf);
    if (r->t.usec == 0) {
        len -= 7;
    }
    (void)snprintf(out, 64, "%.*s%s", (int)len, buf,
                   (r->problems & ~(unsigned)TEMPORAL_DATE_LOST) != 0 ? " W" : "");
}

static void check_row(struct str text, const char *datetime, const char *time,
                      enum sql_dialect dialect)
{
    struct temporal_read r;
    char got[64];
    int rc = temporal_read_datetime(text, 0, dialect, &r);
    if (rc == 0) {
        rc = temporal_round_datetime(&r.t, r.nanos, 6, dialect == DIALECT_MYSQL);
    }
    if (!r.has_offset) {
        show(rc, &r, false, got);
        if (strcmp(got, datetime) != 0) {
            fail_msg("'%.*s' as DATETIME: got %s, want %s", STR_FMT(text), got, datetime);
        }
    }
    rc = temporal_read_time(text, dialect, &r);
    if (rc == 0) {
        (void)!temporal_round_time(&r.t, r.nanos, 6, dialect == DIALECT_MYSQL);
    }
    if (!r.has_offset) {
        show(rc, &r, true, got);
        if (strcmp(got, time) != 0) {
            fail_msg("'%.*s' as TIME: got %s, want %s", STR_FMT(text), got, time);
        }
    }
}

static void test_texts_read_as_the_servers_read_them(void **state)
{
    (void)state;
    FILE *f = fopen(TABLE, "r");
    assert_non_null(f);
    char line[512];
    unsigned rows = 0;
    while (fgets(line, sizeof(line), f) != NULL) {
        if (line[0] == '#') {
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        const char *cells[5] = {line, NULL, NULL, NULL, NULL};
        unsigned n = 1;
        for (char *p = line; n < 5 && (p = strchr(p, '\t')) != NULL; n++) {
            *p++ = '\0';
            cells[n] = p;
        }
        assert_true(n == 3 || n == 5);
        struct str text = str_from_cstr(cells[0]);
        check_row(text, cells[1], cells[2], DIALECT_MYSQL);
        check_row(text, cells[n - 2], cells[n - 1], DIALECT_MARIADB);
        rows++;
    }
    (void)fclose(f);
    assert_true(rows > 200);
}

static void test_offsets(void **state)
{
    (void)state;
    struct temporal_read r;
    assert_int_equal(temporal_read_datetime(STR("2020-01-02 03:04:05+05:30"), 0, DIALECT_MYSQL, &r),
                     0);
    assert_true(r.has_offset);
    assert_int_equal(r.offset_s, 19800);
    assert_int_equal(r.problems, 0);
    assert_int_equal(
        temporal_read_datetime(STR("2020-01-02 03:04:05.5-13:59"), 0, DIALECT_MYSQL, &r), 0);
    assert_int_equal(r.offset_s, -50340);
    assert_int_equal(r.t.usec, 500000);
    assert_int_equal(temporal_read_datetime(STR("2020-01-02 03:04:05-00:00"), 0, DIALECT_MYSQL, &r),
                     -1);
    assert_int_equal(
        temporal_read_datetime(STR("2020-01-02 03:04:05+05:30"), 0, DIALECT_MARIADB, &r), 0);
    assert_false(r.has_offset);
    assert_int_equal(r.problems, TEMPORAL_LEFTOVER);
}

static void test_sql_mode_decides_about_zero_and_invalid_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t mode;
        unsigned problem;
    } rows[] = {
        {"0000-00-00", 0, 0},
        {"0000-00-00", SQL_MODE_NO_ZERO_IN_DATE, 0},
        {"0000-00-00", SQL_MODE_NO_ZERO_DATE, TEMPORAL_ZERO_DATE},
        {"2020-00-01", SQL_MODE_NO_ZERO_DATE, 0},
        {"2020-00-01", SQL_MODE_NO_ZERO_IN_DATE, TEMPORAL_ZERO_IN_DATE},
        {"2020-01-00", SQL_MODE_NO_ZERO_IN_DATE, TEMPORAL_ZERO_IN_DATE},
        {"2020-02-31", 0, TEMPORAL_OUT_OF_RANGE},
        {"2020-02-31", SQL_MODE_ALLOW_INVALID_DATES, 0},
        {"2020-02-32", SQL_MODE_ALLOW_INVALID_DATES, TEMPORAL_BAD_FIELD},
        {"2020-13-01", SQL_MODE_ALLOW_INVALID_DATES, TEMPORAL_BAD_FIELD},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct temporal_read r;
        int rc =
            temporal_read_datetime(str_from_cstr(rows[i].text), rows[i].mode, DIALECT_MYSQL, &r);
        assert_int_equal(rc, rows[i].problem == 0 ? 0 : -1);
        assert_int_equal(r.problems, rows[i].problem);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *datetime;
        const char *time;
    } rows[] = {
        {0, "0000-00-00 00:00:00", "00:00:00"},
        {100, "NULL", "00:01:00"},
        {101, "2000-01-01 00:00:00", "00:01:01"},
        {691231, "2069-12-31 00:00:00", "69:12:31"},
        {691232, "NULL", "69:12:32"},
        {700101, "1970-01-01 00:00:00", "70:01:01"},
        {20200102, "2020-01-02 00:00:00", "838:59:59 W"},
        {20201302, "NULL", "838:59:59 W"},
        {200102030405, "2020-01-02 03:04:05", "03:04:05"},
        {20200102030405, "2020-01-02 03:04:05", "03:04:05"},
        {99991231235959, "9999-12-31 23:59:59", "23:59:59"},
        {99991231235960, "NULL", "838:59:59 W"},
        {8385959, "NULL", "838:59:59"},
        {8385960, "NULL", "838:59:59 W"},
        {-8385959, "NULL", "-838:59:59"},
        {-8385960, "NULL", "-838:59:59 W"},
        {1060, "2000-10-60", "NULL"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct temporal_read r;
        char got[64];
        if (i != ARRAY_SIZE(rows) - 1) {
            show(temporal_read_datetime_number(rows[i].n, 0, 0, &r), &r, false, got);
            assert_string_equal(got, rows[i].datetime);
        }
        show(temporal_read_time_number(rows[i].n, 0, DIALECT_MYSQL, &r), &r, true, got);
        assert_string_equal(got, rows[i].time);
    }
    struct temporal_read r;
    assert_int_equal(temporal_read_datetime_number(20200102030405, 123456789, 0, &r), 0);
    assert_int_equal(r.t.usec, 123456);
    assert_int_equal(r.nanos, 789);
    assert_int_equal(temporal_datetime_number(&r.t), 20200102030405);
    assert_int_equal(temporal_date_number(&r.t), 20200102);
    r.t.negative = true;
    assert_int_equal(temporal_time_number(&r.t), -30405);
}

static void test_rounding_carries(void **state)
{
    (void)state;
    struct mtime t = {.year = 2020,
                      .month = 12,
                      .day = 31,
                      .hour = 23,
                      .minute = 59,
                      .second = 59,
                      .usec = 500000};
    char buf[32];
    struct mtime u = t;
    assert_int_equal(temporal_round_datetime(&u, 0, 0, true), 0);
    check_text(buf, datetime_format(&u, 0, buf), "2021-01-01 00:00:00");
    u = t;
    assert_int_equal(temporal_round_datetime(&u, 0, 0, false), 0);
    check_text(buf, datetime_format(&u, 0, buf), "2020-12-31 23:59:59");
    t.year = 9999;
    assert_int_equal(temporal_round_datetime(&t, 0, 0, true), -1);
    u = (struct mtime){.hour = 838, .minute = 59, .second = 59, .usec = 1};
    assert_int_equal(temporal_round_time(&u, 0, 6, true), 0);
    u.usec = 999999;
    assert_int_equal(temporal_round_time(&u, 0, 0, true), -1);
    u = (struct mtime){.usec = 499999, .negative = true};
    assert_int_equal(temporal_round_time(&u, 0, 0, true), 0);
    assert_false(u.negative);
    u = (struct mtime){.usec = 999, .negative = true};
    assert_int_equal(temporal_round_time(&u, 500, 5, true), 0);
    check_text(buf, time_format(&u, 6, buf), "-00:00:00.001000");
}

static void test_short_forms(void **state)
{
    (void)state;
    struct mtime t;
    size_t rest;
    assert_int_equal(parse_datetime(STR("2020-01-02xyz"), 0, &t, &rest), 0);
    assert_int_equal(rest, 3);
    assert_int_equal(t.year, 2020);
    assert_int_equal(parse_datetime(STR("x"), 0, &t, &rest), -1);
    assert_int_equal(t.year, 0);
    assert_int_equal(parse_time(STR("-1 10:11:12.5"), &t, &rest), 0);
    assert_int_equal(rest, 0);
    assert_int_equal(t.hour, 34);
    assert_true(t.negative);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calendar_round_trips_every_day),
        cmocka_unit_test(test_partial_dates_round_trip_below_all_others),
        cmocka_unit_test(test_order_puts_partial_dates_in_their_place),
        cmocka_unit_test(test_packed_values_are_microseconds),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_texts_read_as_the_servers_read_them),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_sql_mode_decides_about_zero_and_invalid_dates),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_rounding_carries),
        cmocka_unit_test(test_short_forms),
    };
    return cmocka_run_group_tests_name("temporal", tests, NULL, NULL);
}
