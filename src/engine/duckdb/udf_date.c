/*
 * Dates and times as vectors hold them: days and microseconds since 1970, zero and partial dates as
 * the values below the calendar that temporal_unpack_date() knows. Functions of the date as a
 * moment are NULL for those; parts are what was stored.
 */
#include "base/bytebuf.h"
#include "engine/duckdb/udf_int.h"
#include "types/temporal.h"
#include "types/timezone.h"

#include <stdio.h>

#define US_PER_DAY    INT64_C(86400000000)
#define US_PER_SECOND INT64_C(1000000)
/* 0000-01-01 and 9999-12-31 as days since 1970; TO_DAYS() counts from year 0. */
#define FIRST_DAY (-719528)
#define LAST_DAY  2932896

/* Fields of a date in the calendar by arithmetic alone ("civil from days"). */
static inline void fields(int32_t days, struct mtime *t)
{
    if (days < FIRST_DAY) {
        temporal_unpack_date(days, t);
        return;
    }
    const uint32_t z = (uint32_t)(days + 719468 + 146097);
    const uint32_t era = z / 146097;
    const uint32_t doe = z % 146097;
    const uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const uint32_t mp = (5 * doy + 2) / 153;
    t->day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1);
    t->month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9);
    t->year = (uint16_t)((int32_t)(yoe + era * 400) - 400 + (t->month <= 2 ? 1 : 0));
}

/* ---- Parts ---- */

enum part {
    PART_YEAR,
    PART_QUARTER,
    PART_MONTH,
    PART_DAY,
    PART_YEAR_MONTH,
    PART_DAY_OF_WEEK,
    PART_WEEKDAY,
    PART_DAY_OF_YEAR,
    PART_DAY_NUMBER, /* TO_DAYS */
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND,
    PART_MICROSECOND,
};

/* Parts that need the date's place in the calendar. False: there is none. */
static bool calendar_part(int32_t days, enum part part, int32_t *out)
{
    struct mtime t;
    if (days < FIRST_DAY) {
        return false;
    }
    const int32_t number = days - FIRST_DAY;
    switch (part) {
    case PART_DAY_OF_WEEK:
        *out = (number + 6) % 7 + 1;
        return true;
    case PART_WEEKDAY:
        *out = (number + 5) % 7;
        return true;
    case PART_DAY_OF_YEAR:
        fields(days, &t);
        t.month = 1;
        t.day = 1;
        *out = days - date_to_days(&t) + 1;
        return true;
    default:
        *out = number;
        return true;
    }
}

static bool date_part(int32_t days, enum part part, int32_t *out)
{
    struct mtime t = {0};
    if (part >= PART_DAY_OF_WEEK) {
        return calendar_part(days, part, out);
    }
    fields(days, &t);
    switch (part) {
    case PART_YEAR:
        *out = t.year;
        break;
    case PART_QUARTER:
        *out = (t.month + 2) / 3;
        break;
    case PART_MONTH:
        *out = t.month;
        break;
    case PART_DAY:
        *out = t.day;
        break;
    default:
        *out = t.year * 100 + t.month;
        break;
    }
    return true;
}

static void part_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    const enum part part = *(const enum part *)duckdb_scalar_function_get_extra_info(info);
    udf_begin(&r, input, output);
    const int32_t *days = r.args[0];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        if (!date_part(days[i], part, &((int32_t *)r.out)[i])) {
            udf_set_null(&r, i);
        }
    }
}

static int64_t floor_div(int64_t a, int64_t b)
{
    const int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

static int32_t time_part(int64_t us, enum part part)
{
    const int64_t of_day = us - floor_div(us, US_PER_DAY) * US_PER_DAY;
    switch (part) {
    case PART_HOUR:
        return (int32_t)(of_day / (3600 * US_PER_SECOND));
    case PART_MINUTE:
        return (int32_t)(of_day / (60 * US_PER_SECOND) % 60);
    case PART_SECOND:
        return (int32_t)(of_day / US_PER_SECOND % 60);
    default:
        return (int32_t)(of_day % US_PER_SECOND);
    }
}

static void time_part_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    const enum part part = *(const enum part *)duckdb_scalar_function_get_extra_info(info);
    udf_begin(&r, input, output);
    const int64_t *us = r.args[0];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((int32_t *)r.out)[i] = time_part(us[i], part);
    }
}

static void date_of_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        struct mtime t;
        temporal_unpack_datetime(((const int64_t *)r.args[0])[i], &t);
        t.hour = 0;
        t.minute = t.second = 0;
        t.usec = 0;
        ((int32_t *)r.out)[i] = temporal_pack_date(&t);
    }
}

/* Numbers that sort as MySQL sorts dates, partial ones among the others. */
static void date_order_rows(duckdb_function_info info, duckdb_data_chunk input,
                            duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((int32_t *)r.out)[i] = temporal_date_order(((const int32_t *)r.args[0])[i]);
    }
}

static void ts_order_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((int64_t *)r.out)[i] = temporal_datetime_order(((const int64_t *)r.args[0])[i]);
    }
}

static void last_day_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; i < r.count; i++) {
        const int32_t days = ((const int32_t *)r.args[0])[i];
        struct mtime t = {0};
        if (!udf_row(&r, i)) {
            continue;
        }
        if (days < FIRST_DAY) {
            udf_set_null(&r, i);
            continue;
        }
        fields(days, &t);
        t.day = 1;
        t.year = (uint16_t)(t.month == 12 ? t.year + 1 : t.year);
        t.month = (uint8_t)(t.month % 12 + 1);
        ((int32_t *)r.out)[i] = date_to_days(&t) - 1;
    }
}

/* ---- Arithmetic ---- */

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* False: outside the calendar, or no date in it to begin with. */
static bool add_months(int32_t days, int64_t n, int32_t first, int32_t *out)
{
    struct mtime t = {0};
    if (days < FIRST_DAY || n > 120000 || n < -120000) {
        return false;
    }
    fields(days, &t);
    const int64_t months = (int64_t)t.year * 12 + t.month - 1 + n;
    if (months < 0 || months >= 10000 * 12) {
        return false;
    }
    t.year = (uint16_t)(months / 12);
    t.month = (uint8_t)(months % 12 + 1);
    t.day = (uint8_t)MIN((int32_t)t.day, days_in_month(t.year, t.month));
    *out = date_to_days(&t);
    return *out >= first;
}

static bool add_days(int32_t days, int64_t n, int32_t first, int32_t *out)
{
    if (days < FIRST_DAY || n > 4000000 || n < -4000000 || days + n < first ||
        days + n > LAST_DAY) {
        return false;
    }
    *out = (int32_t)(days + n);
    return true;
}

/* The third argument of these functions is the first day that a result may be: the servers differ
 * in year 0. */
typedef bool add_fn(int32_t days, int64_t n, int32_t first, int32_t *out);

static void add_to_dates(duckdb_data_chunk input, duckdb_vector output, add_fn *add)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    const int32_t *days = r.args[0];
    const int64_t *n = r.args[1];
    const int32_t *first = r.args[2];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        if (!add(days[i], n[i], first[i], &((int32_t *)r.out)[i])) {
            udf_set_null(&r, i);
        }
    }
}

static void add_to_timestamps(duckdb_data_chunk input, duckdb_vector output, add_fn *add)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    const int64_t *us = r.args[0];
    const int64_t *n = r.args[1];
    const int32_t *first = r.args[2];
    for (idx_t i = 0; i < r.count; i++) {
        int32_t days = 0;
        if (!udf_row(&r, i)) {
            continue;
        }
        const int64_t day = floor_div(us[i], US_PER_DAY);
        if (day < FIRST_DAY || !add((int32_t)day, n[i], first[i], &days)) {
            udf_set_null(&r, i);
        } else {
            ((int64_t *)r.out)[i] = days * US_PER_DAY + (us[i] - day * US_PER_DAY);
        }
    }
}

static void months_date(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    add_to_dates(input, output, add_months);
}

static void days_date(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    add_to_dates(input, output, add_days);
}

static void months_ts(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    add_to_timestamps(input, output, add_months);
}

static void days_ts(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    add_to_timestamps(input, output, add_days);
}

static void seconds_ts(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const int64_t *us = r.args[0];
    const int64_t *n = r.args[1];
    const int32_t *first = r.args[2];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const int64_t limit = INT64_C(400000000000);
        const int64_t sum =
            n[i] > limit || n[i] < -limit ? INT64_MIN : us[i] + n[i] * US_PER_SECOND;
        if (us[i] < FIRST_DAY * US_PER_DAY || sum < first[i] * US_PER_DAY ||
            sum >= (LAST_DAY + 1) * US_PER_DAY) {
            udf_set_null(&r, i);
        } else {
            ((int64_t *)r.out)[i] = sum;
        }
    }
}

/* ---- Differences ---- */

static void diff_us_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const int64_t *a = r.args[0];
    const int64_t *b = r.args[1];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        if (a[i] < FIRST_DAY * US_PER_DAY || b[i] < FIRST_DAY * US_PER_DAY) {
            udf_set_null(&r, i);
        } else {
            ((int64_t *)r.out)[i] = b[i] - a[i];
        }
    }
}

/* Whole months from a to b, a <= b: the last one counts once its day and time are reached. */
static int64_t months_between(int64_t a, int64_t b)
{
    struct mtime x = {0};
    struct mtime y = {0};
    const int64_t day_a = floor_div(a, US_PER_DAY);
    const int64_t day_b = floor_div(b, US_PER_DAY);
    fields((int32_t)day_a, &x);
    fields((int32_t)day_b, &y);
    const int64_t months = ((int64_t)y.year - x.year) * 12 + y.month - x.month;
    const int64_t rest_a = x.day * US_PER_DAY + (a - day_a * US_PER_DAY);
    const int64_t rest_b = y.day * US_PER_DAY + (b - day_b * US_PER_DAY);
    return months - (rest_b < rest_a ? 1 : 0);
}

static void diff_months_rows(duckdb_function_info info, duckdb_data_chunk input,
                             duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const int64_t *a = r.args[0];
    const int64_t *b = r.args[1];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        if (a[i] < FIRST_DAY * US_PER_DAY || b[i] < FIRST_DAY * US_PER_DAY) {
            udf_set_null(&r, i);
        } else {
            ((int64_t *)r.out)[i] =
                a[i] <= b[i] ? months_between(a[i], b[i]) : -months_between(b[i], a[i]);
        }
    }
}

/* ---- Weeks ---- */

/* WEEK()'s modes, as the manual's table has them. */
enum week_mode {
    WEEK_MONDAY_FIRST = 1,
    WEEK_YEAR = 2, /* numbered 1 to 53: days before the first week belong to the year before */
    WEEK_FIRST_WEEKDAY = 4, /* the first week is the one with the first such day; else the one with
                               most of its days */
};

static int32_t first_of_year(int32_t year)
{
    const struct mtime t = {.year = (uint16_t)year, .month = 1, .day = 1};
    return date_to_days(&t);
}

static int32_t weekday_of(int32_t days, bool sunday_first)
{
    return (days - FIRST_DAY + (sunday_first ? 6 : 5)) % 7;
}

static int32_t week_of(int32_t days, int32_t flags, int32_t *out_year)
{
    struct mtime t = {0};
    fields(days, &t);
    const bool monday_first = (flags & WEEK_MONDAY_FIRST) != 0;
    const bool first_weekday = (flags & WEEK_FIRST_WEEKDAY) != 0;
    bool week_year = (flags & WEEK_YEAR) != 0;
    int32_t year = t.year;
    int32_t first = first_of_year(year);
    int32_t weekday = weekday_of(first, !monday_first);
    *out_year = year;
    if (t.month == 1 && t.day <= 7 - weekday) {
        if (!week_year && ((first_weekday && weekday != 0) || (!first_weekday && weekday >= 4))) {
            return 0;
        }
        week_year = true;
        *out_year = --year;
        const int32_t in_year = first - first_of_year(year);
        first -= in_year;
        weekday = (weekday + 53 * 7 - in_year) % 7;
    }
    int32_t passed;
    if ((first_weekday && weekday != 0) || (!first_weekday && weekday >= 4)) {
        passed = days - (first + 7 - weekday);
    } else {
        passed = days - (first - weekday);
    }
    if (week_year && passed >= 52 * 7) {
        const int32_t in_year = first_of_year(year + 1) - first_of_year(year);
        weekday = (weekday + in_year) % 7;
        if ((!first_weekday && weekday < 4) || (first_weekday && weekday == 0)) {
            *out_year = year + 1;
            return 1;
        }
    }
    return passed / 7 + 1;
}

/* The argument's bits as the flags mean them: without "Monday first" the sense of the third bit is
 * turned. */
static int32_t week_flags(int32_t mode)
{
    return (mode & WEEK_MONDAY_FIRST) != 0 ? mode : mode ^ WEEK_FIRST_WEEKDAY;
}

static int32_t week_number(int32_t days, int32_t flags)
{
    int32_t year;
    return week_of(days, flags, &year);
}

static int32_t year_and_week(int32_t days, int32_t flags)
{
    int32_t year;
    const int32_t week = week_of(days, flags | WEEK_YEAR, &year);
    return year * 100 + week;
}

static void weeks_of(duckdb_data_chunk input, duckdb_vector output,
                     int32_t (*fn)(int32_t days, int32_t flags))
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const int32_t days = ((const int32_t *)r.args[0])[i];
        if (days < FIRST_DAY + 366) {
            udf_set_null(&r, i);
        } else {
            ((int32_t *)r.out)[i] = fn(days, week_flags(((const int32_t *)r.args[1])[i]));
        }
    }
}

static void week_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    weeks_of(input, output, week_number);
}

static void yearweek_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    weeks_of(input, output, year_and_week);
}

/* ---- Time zones ---- */

/* UTC to the time zone named: it is the same in all rows. */
static void local_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const struct timezone *tz = NULL;
    struct str name = STR_NULL;
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str wanted = udf_str(r.args[1], i);
        if (tz == NULL || !str_eq(name, wanted)) {
            tz = timezone_find(wanted);
            name = wanted;
        }
        const int64_t us = ((const int64_t *)r.args[0])[i];
        struct mtime t;
        if (tz == NULL || us < FIRST_DAY * US_PER_DAY) {
            ((int64_t *)r.out)[i] = us;
        } else {
            timezone_from_utc(tz, us, &t);
            ((int64_t *)r.out)[i] = temporal_pack_datetime(&t);
        }
    }
}

/* ---- Text ---- */

static void date_text(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        char buf[32];
        struct mtime t;
        temporal_unpack_date(((const int32_t *)r.args[0])[i], &t);
        const size_t len = date_format(&t, buf);
        udf_set_str(&r, i, buf, len);
    }
}

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

static const char *ordinal(unsigned day)
{
    if (day >= 11 && day <= 13) {
        return "th";
    }
    return day % 10 == 1 ? "st" : (day % 10 == 2 ? "nd" : (day % 10 == 3 ? "rd" : "th"));
}

/* Specifiers of the date; false if c is none of them. *out_null: the date has no such part. */
static bool format_date_part(struct bytebuf *b, char c, const struct mtime *t, int32_t days,
                             bool *out_null)
{
    const bool named = c == 'M' || c == 'b';
    if ((named && t->month == 0) ||
        ((c == 'W' || c == 'a' || c == 'w' || c == 'j') && days < FIRST_DAY)) {
        *out_null = true;
        return true;
    }
    const int32_t weekday = days < FIRST_DAY ? 0 : (days - FIRST_DAY + 5) % 7;
    int32_t day_of_year = 0;
    switch (c) {
    case 'M':
        bytebuf_put_cstr(b, month_names[t->month - 1]);
        return true;
    case 'b':
        bytebuf_put(b, month_names[t->month - 1], 3);
        return true;
    case 'W':
        bytebuf_put_cstr(b, day_names[weekday]);
        return true;
    case 'a':
        bytebuf_put(b, day_names[weekday], 3);
        return true;
    case 'w':
        bytebuf_printf(b, "%d", (weekday + 1) % 7);
        return true;
    case 'D':
        bytebuf_printf(b, "%u%s", t->day, ordinal(t->day));
        return true;
    case 'Y':
        bytebuf_printf(b, "%04u", t->year);
        return true;
    case 'y':
        bytebuf_printf(b, "%02u", t->year % 100u);
        return true;
    case 'm':
        bytebuf_printf(b, "%02u", t->month);
        return true;
    case 'c':
        bytebuf_printf(b, "%u", t->month);
        return true;
    case 'd':
        bytebuf_printf(b, "%02u", t->day);
        return true;
    case 'e':
        bytebuf_printf(b, "%u", t->day);
        return true;
    case 'j':
        (void)calendar_part(days, PART_DAY_OF_YEAR, &day_of_year);
        bytebuf_printf(b, "%03d", day_of_year);
        return true;
    default:
        return false;
    }
}

static void format_time_part(struct bytebuf *b, char c, const struct mtime *t)
{
    const unsigned hour12 = (t->hour % 24u + 11) % 12 + 1;
    const char *half = t->hour % 24u < 12 ? "AM" : "PM";
    switch (c) {
    case 'H':
        bytebuf_printf(b, "%02u", t->hour);
        return;
    case 'k':
        bytebuf_printf(b, "%u", t->hour);
        return;
    case 'h':
    case 'I':
        bytebuf_printf(b, "%02u", hour12);
        return;
    case 'l':
        bytebuf_printf(b, "%u", hour12);
        return;
    case 'i':
        bytebuf_printf(b, "%02u", t->minute);
        return;
    case 's':
    case 'S':
        bytebuf_printf(b, "%02u", t->second);
        return;
    case 'f':
        bytebuf_printf(b, "%06u", t->usec);
        return;
    case 'p':
        bytebuf_put_cstr(b, half);
        return;
    case 'r':
        bytebuf_printf(b, "%02u:%02u:%02u %s", hour12, t->minute, t->second, half);
        return;
    case 'T':
        bytebuf_printf(b, "%02u:%02u:%02u", t->hour, t->minute, t->second);
        return;
    default:
        bytebuf_put_char(b, c);
        return;
    }
}

/* MySQL's DATE_FORMAT with its English names. False: NULL. */
static bool format(struct bytebuf *b, struct str text, const struct mtime *t)
{
    bool null = false;
    const int32_t days = temporal_pack_date(t);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '%' || i + 1 == text.len) {
            bytebuf_put_char(b, text.p[i]);
            continue;
        }
        const char c = text.p[++i];
        if (!format_date_part(b, c, t, days, &null)) {
            format_time_part(b, c, t);
        }
    }
    return !null;
}

static void format_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    struct bytebuf buf;
    (void)info;
    udf_begin(&r, input, output);
    bytebuf_init(&buf, SIZE_MAX / 2);
    for (idx_t i = 0; i < r.count; i++) {
        struct mtime t;
        if (!udf_row(&r, i)) {
            continue;
        }
        bytebuf_reset(&buf);
        temporal_unpack_datetime(((const int64_t *)r.args[0])[i], &t);
        if (format(&buf, udf_str(r.args[1], i), &t)) {
            udf_set_str(&r, i, buf.p != NULL ? buf.p : "", buf.len);
        } else {
            udf_set_null(&r, i);
        }
    }
    bytebuf_release(&buf);
}

/* ---- Registration ---- */

static const enum part parts[] = {
    PART_YEAR,        PART_QUARTER, PART_MONTH,       PART_DAY,        PART_YEAR_MONTH,
    PART_DAY_OF_WEEK, PART_WEEKDAY, PART_DAY_OF_YEAR, PART_DAY_NUMBER, PART_HOUR,
    PART_MINUTE,      PART_SECOND,  PART_MICROSECOND,
};

#define DATE      DUCKDB_TYPE_DATE
#define TIMESTAMP DUCKDB_TYPE_TIMESTAMP
#define INTEGER   DUCKDB_TYPE_INTEGER
#define BIGINT    DUCKDB_TYPE_BIGINT
#define VARCHAR   DUCKDB_TYPE_VARCHAR

static const struct udf functions[] = {
    {"pt_year", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_YEAR]},
    {"pt_quarter", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_QUARTER]},
    {"pt_month", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_MONTH]},
    {"pt_day", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_DAY]},
    {"pt_year_month", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_YEAR_MONTH]},
    {"pt_dayofweek", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_DAY_OF_WEEK]},
    {"pt_weekday", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_WEEKDAY]},
    {"pt_dayofyear", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_DAY_OF_YEAR]},
    {"pt_day_number", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_DAY_NUMBER]},
    {"pt_to_days", part_rows, INTEGER, 0, 1, {DATE}, &parts[PART_DAY_NUMBER]},
    {"pt_hour", time_part_rows, INTEGER, 0, 1, {TIMESTAMP}, &parts[PART_HOUR]},
    {"pt_minute", time_part_rows, INTEGER, 0, 1, {TIMESTAMP}, &parts[PART_MINUTE]},
    {"pt_second", time_part_rows, INTEGER, 0, 1, {TIMESTAMP}, &parts[PART_SECOND]},
    {"pt_microsecond", time_part_rows, INTEGER, 0, 1, {TIMESTAMP}, &parts[PART_MICROSECOND]},
    {"pt_date", date_of_rows, DATE, 0, 1, {TIMESTAMP}, NULL},
    {"pt_date_order", date_order_rows, INTEGER, 0, 1, {DATE}, NULL},
    {"pt_ts_order", ts_order_rows, BIGINT, 0, 1, {TIMESTAMP}, NULL},
    {"pt_last_day", last_day_rows, DATE, 0, 1, {DATE}, NULL},
    {"pt_add_months_date", months_date, DATE, 0, 3, {DATE, BIGINT, INTEGER}, NULL},
    {"pt_add_days_date", days_date, DATE, 0, 3, {DATE, BIGINT, INTEGER}, NULL},
    {"pt_add_months_ts", months_ts, TIMESTAMP, 0, 3, {TIMESTAMP, BIGINT, INTEGER}, NULL},
    {"pt_add_days_ts", days_ts, TIMESTAMP, 0, 3, {TIMESTAMP, BIGINT, INTEGER}, NULL},
    {"pt_add_seconds_ts", seconds_ts, TIMESTAMP, 0, 3, {TIMESTAMP, BIGINT, INTEGER}, NULL},
    {"pt_diff_us", diff_us_rows, BIGINT, 0, 2, {TIMESTAMP, TIMESTAMP}, NULL},
    {"pt_diff_months", diff_months_rows, BIGINT, 0, 2, {TIMESTAMP, TIMESTAMP}, NULL},
    {"pt_week", week_rows, INTEGER, 0, 2, {DATE, INTEGER}, NULL},
    {"pt_yearweek", yearweek_rows, INTEGER, 0, 2, {DATE, INTEGER}, NULL},
    {"pt_local", local_rows, TIMESTAMP, 0, 2, {TIMESTAMP, VARCHAR}, NULL},
    {"pt_date_text", date_text, VARCHAR, 0, 1, {DATE}, NULL},
    {"pt_date_format", format_rows, VARCHAR, 0, 2, {TIMESTAMP, VARCHAR}, NULL},
};

int udf_register_dates(duckdb_connection connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        if (udf_add(connection, &functions[i]) != 0) {
            return -1;
        }
    }
    return 0;
}
