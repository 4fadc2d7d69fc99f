/* Time zones, compared with the C library's reading of the same files. */
#include "types/timezone.h"
#include "types/timezone_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static const struct timezone *zone(const char *name)
{
    const struct timezone *tz = timezone_find(str_from_cstr(name));
    if (tz == NULL) {
        fail_msg("no zone %s", name);
    }
    return tz;
}

static void test_moments_as_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",    "America/New_York",  "Asia/Kolkata",  "Australia/Lord_Howe",
        "America/St_Johns", "Africa/Casablanca", "Pacific/Apia",  "UTC",
        "Asia/Tehran",      "America/Sao_Paulo", "Europe/Dublin", "Etc/GMT+5"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct timezone *tz = zone(names[i]);
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t s = -3000000000; s < 7000000000; s += 1234567) {
            struct tm tm;
            time_t t = (time_t)s;
            assert_non_null(localtime_r(&t, &tm));
            struct mtime m;
            timezone_from_utc(tz, s * 1000000 + 5, &m);
            if (m.year != tm.tm_year + 1900 || m.month != tm.tm_mon + 1 || m.day != tm.tm_mday ||
                m.hour != tm.tm_hour || m.minute != tm.tm_min || m.second != tm.tm_sec ||
                m.usec != 5) {
                fail_msg("%s at %lld: %d-%d-%d %d:%d", names[i], (long long)s, m.year, m.month,
                         m.day, m.hour, m.minute);
            }
            int64_t back = timezone_to_utc(tz, &m);
            struct mtime again;
            timezone_from_utc(tz, back, &again);
            assert_memory_equal(&m, &again, sizeof(m));
            assert_true(back <= s * 1000000 + 5);
        }
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static int64_t utc_of(const char *name, struct mtime local)
{
    return timezone_to_utc(zone(name), &local) / 1000000;
}

static void test_gap_gives_its_end_and_overlap_the_earlier(void **state)
{
    (void)state;
    /* The clocks went from 02:00 to 03:00 at 1585443600. */
    struct mtime t = {.year = 2020, .month = 3, .day = 29, .hour = 2, .minute = 30};
    assert_int_equal(utc_of("Europe/Berlin", t), 1585443600);
    t.hour = 3;
    assert_int_equal(utc_of("Europe/Berlin", t), 1585445400);
    t.hour = 1;
    assert_int_equal(utc_of("Europe/Berlin", t), 1585441800);
    /* And back from 03:00 to 02:00 at 1603587600. */
    t = (struct mtime){.year = 2020, .month = 10, .day = 25, .hour = 2, .minute = 30};
    assert_int_equal(utc_of("Europe/Berlin", t), 1603585800);
}

static void test_offsets(void **state)
{
    (void)state;
    struct mtime t;
    timezone_from_utc(zone("+05:30"), 0, &t);
    assert_int_equal(t.hour, 5);
    assert_int_equal(t.minute, 30);
    assert_true(str_eq(timezone_name(zone("-3:00")), STR("-03:00")));
    assert_ptr_equal(zone("-03:00"), zone("-3:00"));
    assert_non_null(timezone_find(STR("+14:00")));
    assert_non_null(timezone_find(STR("-13:59")));
    static const char *const bad[] = {"+14:01",
                                      "-14:00",
                                      "+5",
                                      "5:30",
                                      "+5:60",
                                      "+:",
                                      "+a:00",
                                      "",
                                      "Nowhere/City",
                                      "../../etc/passwd",
                                      "/etc/localtime",
                                      "Europe",
                                      "Europe/../UTC",
                                      "."};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_null(timezone_find(str_from_cstr(bad[i])));
    }
}

static void test_names_in_any_case_are_one_zone(void **state)
{
    (void)state;
    assert_ptr_equal(zone("europe/BERLIN"), zone("Europe/Berlin"));
    assert_true(str_eq(timezone_name(zone("europe/berlin")), STR("Europe/Berlin")));
    assert_true(str_eq(timezone_name(zone("system")), STR("SYSTEM")));
}

static void test_offset_holds_in_its_interval(void **state)
{
    (void)state;
    const struct timezone *tz = zone("America/New_York");
    for (int64_t us = -2000000000000000; us < 9000000000000000;) {
        int64_t from;
        int64_t until;
        int64_t x;
        int32_t offset = timezone_offset_at(tz, us, &from, &until);
        assert_true(from <= us && us < until);
        assert_int_equal(timezone_offset_at(tz, from == INT64_MIN ? us : from, &x, &x), offset);
        assert_int_equal(timezone_offset_at(tz, until - 1, &x, &x), offset);
        us = until;
    }
}

static void test_rules_of_posix(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t utc;
        int32_t offset;
    } rows[] = {
        {"UTC0", 0, 0},
        {"<+0330>-3:30", 0, 12600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1585443599, 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1585443600, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1603587599, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1603587600, 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1577836800, 39600}, /* New Year in summer */
        {"XXX3YYY,J60,J300", 1583031600, -10800},            /* 2020-03-01 00:00 local */
        {"XXX3YYY,59/0,J300", 1582945200, -7200}, /* day 59 of a leap year is 29 February */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct tz_rule rule;
        int64_t from;
        int64_t until;
        assert_int_equal(tz_rule_parse(str_from_cstr(rows[i].rule), &rule), 0);
        assert_int_equal(tz_rule_offset_at(&rule, rows[i].utc, &from, &until), rows[i].offset);
    }
    static const char *const bad[] = {
        "", "X", "UTC", "UTC0X", "CET-1CEST", "CET-1CEST,M13.1.0,M1.1.0", "<+03"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct tz_rule rule;
        assert_int_equal(tz_rule_parse(str_from_cstr(bad[i]), &rule), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_as_the_c_library),
        cmocka_unit_test(test_gap_gives_its_end_and_overlap_the_earlier),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_names_in_any_case_are_one_zone),
        cmocka_unit_test(test_offset_holds_in_its_interval),
        cmocka_unit_test(test_rules_of_posix),
    };
    return cmocka_run_group_tests_name("timezone", tests, NULL, NULL);
}
