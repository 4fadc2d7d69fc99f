/*
 * Date and time functions: parts, conversions between kinds, differences. Text is read by the rules
 * of types/temporal_text.h; a zero or partial date has parts but no place in the calendar.
 */
#include "exec/eval_int.h"
#include "exec/exec_int.h"
#include "types/temporal_text.h"
#include "types/timezone.h"

#define DAYS_TO_1970  719528 /* TO_DAYS('1970-01-01') */
#define US_PER_SECOND INT64_C(1000000)
#define MAX_DAYS      3652424 /* TO_DAYS('9999-12-31') */

/* Which dates a function takes. */
enum date_want {
    DATE_PARTIAL, /* month or day may be 0 */
    DATE_WHOLE,
};

/* The date of an argument. False: NULL, warned of. */
static bool take_date(struct eval_ctx *ctx, const struct value *v, enum date_want want,
                      struct mtime *out)
{
    const uint64_t whole = SQL_MODE_NO_ZERO_DATE | SQL_MODE_NO_ZERO_IN_DATE;
    const uint64_t partial = ctx->sql_mode & ~(uint64_t)SQL_MODE_NO_ZERO_IN_DATE;
    return eval_date_of(ctx, v, want == DATE_WHOLE ? ctx->sql_mode | whole : partial, out);
}

/* TO_DAYS(): the servers' year 0 has no 29 February. */
static int32_t day_number(const struct mtime *t)
{
    return date_to_days(t) + DAYS_TO_1970 + (t->year == 0 && t->month <= 2 ? 1 : 0);
}

/* ---- Parts of a date ---- */

int eval_year(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    struct mtime t;
    if (take_date(ctx, &args[0], DATE_PARTIAL, &t)) {
        *out = type_is_unsigned(&e->type) ? value_uint(t.year) : value_int(t.year);
    }
    return 0;
}

int eval_month(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_PARTIAL, &t)) {
        *out = value_int(t.month);
    }
    return 0;
}

int eval_day(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_PARTIAL, &t)) {
        *out = value_int(t.day);
    }
    return 0;
}

int eval_quarter(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_PARTIAL, &t)) {
        *out = value_int((t.month + 2) / 3);
    }
    return 0;
}

/* 0 = Monday. */
static int weekday_of(const struct mtime *t)
{
    return (day_number(t) + 5) % 7;
}

int eval_weekday(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out = value_int(weekday_of(&t));
    }
    return 0;
}

int eval_dayofweek(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out = value_int((weekday_of(&t) + 1) % 7 + 1);
    }
    return 0;
}

static int day_of_year(const struct mtime *t)
{
    const struct mtime first = {.year = t->year, .month = 1, .day = 1};
    return date_to_days(t) - date_to_days(&first) + 1;
}

int eval_dayofyear(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out = value_int(day_of_year(&t));
    }
    return 0;
}

int eval_to_days(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out = value_int(day_number(&t));
    }
    return 0;
}

int eval_to_seconds(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out =
            value_int(day_number(&t) * INT64_C(86400) + t.hour * 3600 + t.minute * 60 + t.second);
    }
    return 0;
}

/* ---- Weeks ---- */

/* The rules that modes 0 to 7 of WEEK() are made of. */
struct week_rule {
    bool monday_first;
    bool whole_year; /* weeks 1 to 53 of the year they belong to; else 0 to 53 of the date's */
    bool first_full; /* week 1 is the first that begins in the year; else the first with 4 days */
};

static struct week_rule week_rule(int64_t mode)
{
    const unsigned m = (unsigned)mode & 7;
    const bool monday = (m & 1) != 0;
    return (struct week_rule){
        .monday_first = monday, .whole_year = (m & 2) != 0, .first_full = ((m & 4) != 0) == monday};
}

/* Days from the start of week 1 of a year to that year's first day; may be negative. */
static int32_t week_one_offset(unsigned year, struct week_rule rule)
{
    const struct mtime first = {.year = (uint16_t)year, .month = 1, .day = 1};
    const int32_t weekday = (day_number(&first) + (rule.monday_first ? 5 : 6)) % 7;
    const bool next = rule.first_full ? weekday != 0 : weekday >= 4;
    return next ? weekday - 7 : weekday;
}

static int32_t days_in_year(unsigned year)
{
    return temporal_is_leap_year(year) ? 366 : 365;
}

/* The number of the week that a date lies in, and the year it counts in. */
static int32_t week_number(const struct mtime *t, struct week_rule rule, unsigned *out_year)
{
    unsigned year = t->year;
    int32_t day = day_of_year(t) - 1 + week_one_offset(year, rule);
    *out_year = year;
    if (day < 0) {
        if (!rule.whole_year) {
            return 0;
        }
        year--;
        day = day_of_year(t) - 1 + days_in_year(year) + week_one_offset(year, rule);
    } else if (rule.whole_year &&
               day_of_year(t) - 1 - days_in_year(year) + week_one_offset(year + 1, rule) >= 0) {
        *out_year = year + 1;
        return 1;
    }
    *out_year = year;
    return day / 7 + 1;
}

static int64_t week_mode(struct eval_ctx *ctx, const struct expr *e, const struct value *args)
{
    if (e->argc > 1) {
        return eval_signed(ctx, e->args[1], &args[1]);
    }
    return ctx->session != NULL ? (int64_t)ctx->session->vars.default_week_format : 0;
}

int eval_week(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    struct mtime t;
    unsigned year;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out = value_int(week_number(&t, week_rule(week_mode(ctx, e, args)), &year));
    }
    return 0;
}

int eval_weekofyear(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    struct mtime t;
    unsigned year;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        *out = value_int(week_number(&t, week_rule(3), &year));
    }
    return 0;
}

int eval_yearweek(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    struct mtime t;
    unsigned year;
    const int64_t mode = e->argc > 1 ? eval_signed(ctx, e->args[1], &args[1]) : 0;
    if (take_date(ctx, &args[0], DATE_WHOLE, &t)) {
        const int32_t week = week_number(&t, week_rule(mode | 2), &year);
        *out = value_int((int64_t)year * 100 + week);
    }
    return 0;
}

int eval_week_of(const struct mtime *t, int64_t mode, unsigned *out_year)
{
    return week_number(t, week_rule(mode), out_year);
}

/* ---- Parts of a time ---- */

int eval_hour(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    struct mtime t;
    (void)e;
    if (eval_time(ctx, &args[0], &t)) {
        *out = value_int(t.hour);
    }
    return 0;
}

int eval_minute(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    struct mtime t;
    (void)e;
    if (eval_time(ctx, &args[0], &t)) {
        *out = value_int(t.minute);
    }
    return 0;
}

int eval_second(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    struct mtime t;
    (void)e;
    if (eval_time(ctx, &args[0], &t)) {
        *out = value_int(t.second);
    }
    return 0;
}

int eval_microsecond(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    struct mtime t;
    (void)e;
    if (eval_time(ctx, &args[0], &t)) {
        *out = value_int(t.usec);
    }
    return 0;
}

/* ---- EXTRACT ---- */

static bool is_date_unit(enum interval_unit unit)
{
    switch (unit) {
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
    case UNIT_YEAR_MONTH:
        return true;
    default:
        return false;
    }
}

static bool is_time_value(struct eval_ctx *ctx, const struct value *v)
{
    struct temporal_read r = {.problems = 0};
    if (v->kind == VALUE_STRING) {
        return temporal_read_time(v->str, ctx->dialect, &r) == 0 && r.kind == TEMPORAL_TIME;
    }
    return v->kind == VALUE_TIME;
}

static int64_t extract_part(const struct mtime *t, enum interval_unit unit, int64_t week)
{
    const int64_t hms = (t->hour * INT64_C(100) + t->minute) * 100 + t->second;
    const int64_t dhms = t->day * INT64_C(1000000) + hms;
    switch (unit) {
    case UNIT_YEAR:
        return t->year;
    case UNIT_YEAR_MONTH:
        return t->year * INT64_C(100) + t->month;
    case UNIT_QUARTER:
        return (t->month + 2) / 3;
    case UNIT_MONTH:
        return t->month;
    case UNIT_WEEK:
        return week;
    case UNIT_DAY:
        return t->day;
    case UNIT_DAY_HOUR:
        return dhms / 10000;
    case UNIT_DAY_MINUTE:
        return dhms / 100;
    case UNIT_DAY_SECOND:
        return dhms;
    case UNIT_DAY_MICROSECOND:
        return dhms * US_PER_SECOND + t->usec;
    case UNIT_HOUR:
        return t->hour;
    case UNIT_HOUR_MINUTE:
        return hms / 100;
    case UNIT_HOUR_SECOND:
        return hms;
    case UNIT_HOUR_MICROSECOND:
        return hms * US_PER_SECOND + t->usec;
    case UNIT_MINUTE:
        return t->minute;
    case UNIT_MINUTE_SECOND:
        return hms % 10000;
    case UNIT_MINUTE_MICROSECOND:
        return hms % 10000 * US_PER_SECOND + t->usec;
    case UNIT_SECOND:
        return t->second;
    case UNIT_SECOND_MICROSECOND:
        return t->second * US_PER_SECOND + t->usec;
    case UNIT_MICROSECOND:
        return t->usec;
    }
    return 0;
}

int eval_extract(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    const enum interval_unit unit = (enum interval_unit)e->args[0]->lit.value.i;
    const struct value *v = &args[1];
    struct mtime t;
    if (is_date_unit(unit)) {
        struct temporal_session in = eval_temporal_session(ctx);
        in.sql_mode &= ~(uint64_t)SQL_MODE_NO_ZERO_IN_DATE;
        if (value_to_datetime_in(v, &in, &t, NULL) != 0) {
            const struct str s = value_to_text(v, NULL, ctx->arena);
            diag_warn_at(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE,
                         "Incorrect %s value: '%.*s'",
                         eval_is_mariadb(ctx) ? "interval" : "datetime", STR_FMT(s));
            return 0;
        }
    } else if (is_time_value(ctx, v)) {
        if (!eval_time(ctx, v, &t)) {
            return 0;
        }
        if (eval_is_mariadb(ctx)) {
            t.day = (uint8_t)(t.hour / 24);
            t.hour %= 24;
        }
    } else if (v->kind == VALUE_STRING || v->kind == VALUE_DATE || v->kind == VALUE_DATETIME) {
        if (!eval_datetime(ctx, v, &t)) {
            return 0;
        }
    } else if (!eval_time(ctx, v, &t)) {
        return 0;
    }
    int64_t week = 0;
    if (unit == UNIT_WEEK) {
        unsigned year;
        const int64_t mode =
            ctx->session != NULL ? (int64_t)ctx->session->vars.default_week_format : 0;
        week = t.month > 0 && t.day > 0 ? week_number(&t, week_rule(mode), &year) : 0;
    }
    const int64_t n = extract_part(&t, unit, week);
    *out = value_int(t.negative ? -n : n);
    return 0;
}

/* ---- Kinds ---- */

int eval_date(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    struct mtime t;
    (void)e;
    if (take_date(ctx, &args[0], DATE_PARTIAL, &t)) {
        const struct mtime day = {.year = t.year, .month = t.month, .day = t.day};
        *out = (struct value){.kind = VALUE_DATE, .time = day};
    }
    return 0;
}

/* Fraction digits to show: the type's; text that has a fraction shows what it has. */
static uint8_t shown_decimals(const struct expr *e)
{
    return e->type.decimals <= 6 ? e->type.decimals : 6;
}

int eval_time_fn(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    struct mtime t;
    if (eval_time(ctx, &args[0], &t)) {
        *out = (struct value){.kind = VALUE_TIME, .decimals = shown_decimals(e), .time = t};
    }
    return 0;
}

static int64_t time_us(const struct mtime *t)
{
    return temporal_pack_time(t);
}

/* Sets a date-time of microseconds since 1970, NULL beyond the calendar. */
static void set_datetime_us(const struct expr *e, __int128 us, struct value *out)
{
    const __int128 a_day = 86400 * (__int128)US_PER_SECOND;
    const __int128 days = us / a_day - (us % a_day < 0 ? 1 : 0);
    if (days < -DAYS_TO_1970 || days > MAX_DAYS - DAYS_TO_1970) {
        return;
    }
    *out = (struct value){.kind = VALUE_DATETIME, .decimals = shown_decimals(e)};
    temporal_unpack_datetime((int64_t)us, &out->time);
}

int eval_timestamp(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    struct mtime t;
    struct mtime by = {.year = 0};
    if (!eval_datetime(ctx, &args[0], &t) || (e->argc > 1 && !eval_time(ctx, &args[1], &by))) {
        return 0;
    }
    if (e->argc == 1) {
        *out = (struct value){.kind = VALUE_DATETIME, .decimals = shown_decimals(e), .time = t};
        return 0;
    }
    set_datetime_us(e, (__int128)temporal_pack_datetime(&t) + time_us(&by), out);
    return 0;
}

int eval_last_day(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    struct mtime t;
    (void)e;
    if (!take_date(ctx, &args[0], DATE_PARTIAL, &t)) {
        return 0;
    }
    if (t.month == 0) {
        return 0;
    }
    const struct mtime day = {
        .year = t.year, .month = t.month, .day = (uint8_t)temporal_days_in_month(t.year, t.month)};
    *out = (struct value){.kind = VALUE_DATE, .time = day};
    return 0;
}

/* MySQL's code for a value out of range that is only warned of. */
#define MYSQL_WARN_OUT_OF_RANGE 6527

int eval_from_days(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    const int64_t n = eval_signed(ctx, e->args[0], &args[0]);
    *out = (struct value){.kind = VALUE_DATE};
    if (n >= 366 - (eval_is_mariadb(ctx) ? 0 : 365) && n <= MAX_DAYS) {
        date_from_days((int32_t)(n - DAYS_TO_1970), &out->time);
    } else if (!eval_is_mariadb(ctx)) {
        *out = value_null();
        diag_warn_at(ctx->diag, DIAG_WARNING, MYSQL_WARN_OUT_OF_RANGE,
                     "DATE value is out of range in '%s'", eval_print(ctx, e));
    }
    return 0;
}

int eval_datediff(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    struct mtime a;
    struct mtime b;
    (void)e;
    if (take_date(ctx, &args[0], DATE_WHOLE, &a) && take_date(ctx, &args[1], DATE_WHOLE, &b)) {
        *out = value_int(date_to_days(&a) - date_to_days(&b));
    }
    return 0;
}

int eval_makedate(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    int64_t year = eval_signed(ctx, e->args[0], &args[0]);
    const int64_t day = eval_signed(ctx, e->args[1], &args[1]);
    if (year < 0 || year > 9999 || day <= 0 || day > MAX_DAYS) {
        return 0;
    }
    year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    const struct mtime first = {.year = (uint16_t)year, .month = 1, .day = 1};
    const int64_t days = date_to_days(&first) + day - 1;
    if (days > MAX_DAYS - DAYS_TO_1970) {
        return 0;
    }
    *out = (struct value){.kind = VALUE_DATE};
    date_from_days((int32_t)days, &out->time);
    return 0;
}

/* ---- Times ---- */

/* Sets a TIME of microseconds, clipped with a warning that shows `text`. */
static void set_time_us(struct eval_ctx *ctx, const struct expr *e, __int128 us, struct str text,
                        struct value *out)
{
    const __int128 limit = (__int128)(838 * 3600 + 59 * 60 + 60) * US_PER_SECOND;
    *out = (struct value){.kind = VALUE_TIME, .decimals = shown_decimals(e)};
    if (us >= limit || us <= -limit) {
        out->time = temporal_max_time(us < 0, ctx->dialect);
        (void)!temporal_round_time(&out->time, 0, out->decimals, false);
        diag_warn(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, "time",
                  arena_dup_cstr(ctx->arena, text));
        return;
    }
    temporal_unpack_time((int64_t)us, &out->time);
}

int eval_maketime(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    const int64_t hour = eval_signed(ctx, e->args[0], &args[0]);
    const int64_t minute = eval_signed(ctx, e->args[1], &args[1]);
    const struct decimal seconds = eval_decimal(ctx, e->args[2], &args[2]);
    const double s = decimal_to_double(&seconds);
    if (minute < 0 || minute > 59 || s < 0 || s >= 60) {
        return 0;
    }
    struct decimal us;
    const struct decimal million = decimal_from_i64(US_PER_SECOND);
    int64_t usec = 0;
    (void)!decimal_mul(&seconds, &million, &us);
    (void)!decimal_truncate(&us, 0, &us);
    (void)!decimal_to_i64(&us, &usec);
    const __int128 total =
        ((hour < 0 ? -(__int128)hour : hour) * 3600 + minute * 60) * US_PER_SECOND + usec;
    const struct str text =
        arena_printf(ctx->arena, "%lld:%02lld:%02d", (long long)hour, (long long)minute, (int)s);
    set_time_us(ctx, e, hour < 0 ? -total : total, text, out);
    return 0;
}

int eval_sec_to_time(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    const struct decimal seconds = eval_decimal(ctx, e->args[0], &args[0]);
    const struct decimal million = decimal_from_i64(US_PER_SECOND);
    struct decimal us;
    int64_t n = 0;
    (void)!decimal_mul(&seconds, &million, &us);
    (void)!decimal_round(&us, 0, &us);
    (void)!decimal_to_i64(&us, &n);
    set_time_us(ctx, e, n, eval_text(ctx, e->args[0], &args[0]), out);
    return 0;
}

int eval_time_to_sec(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    struct mtime t;
    (void)e;
    if (eval_time(ctx, &args[0], &t)) {
        *out = value_int(time_us(&t) / US_PER_SECOND);
    }
    return 0;
}

/* A time or a date-time as microseconds; *out_is_time tells which. False: neither. */
static bool take_moment(struct eval_ctx *ctx, const struct value *v, int64_t *out_us,
                        bool *out_is_time)
{
    struct mtime t;
    *out_is_time = v->kind != VALUE_DATE && v->kind != VALUE_DATETIME &&
                   (v->kind != VALUE_STRING || is_time_value(ctx, v));
    if (*out_is_time ? !eval_time(ctx, v, &t) : !eval_datetime(ctx, v, &t)) {
        return false;
    }
    *out_us = *out_is_time ? temporal_pack_time(&t) : temporal_pack_datetime(&t);
    return true;
}

int eval_timediff(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    int64_t a;
    int64_t b;
    bool a_time;
    bool b_time;
    if (take_moment(ctx, &args[0], &a, &a_time) && take_moment(ctx, &args[1], &b, &b_time) &&
        a_time == b_time) {
        set_time_us(ctx, e, (__int128)a - b, STR(""), out);
    }
    return 0;
}

/* ADDTIME and SUBTIME: the first may be a time or a date-time; text gives text. */
static int add_time(struct eval_ctx *ctx, const struct expr *e, const struct value *args, int sign,
                    struct value *out)
{
    int64_t us;
    bool is_time;
    struct mtime by;
    if (!take_moment(ctx, &args[0], &us, &is_time) || !eval_time(ctx, &args[1], &by)) {
        return 0;
    }
    const __int128 sum = (__int128)us + sign * (__int128)temporal_pack_time(&by);
    if (is_time) {
        set_time_us(ctx, e, sum, STR(""), out);
    } else {
        set_datetime_us(e, sum, out);
    }
    if (out->kind != VALUE_NULL && type_class_of(e->type.type) == TYPE_CLASS_STRING) {
        out->decimals = out->time.usec != 0 ? 6 : 0;
        eval_set_text(e, value_to_text(out, NULL, ctx->arena), out);
    }
    return 0;
}

int eval_addtime(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    return add_time(ctx, e, args, 1, out);
}

int eval_subtime(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    return add_time(ctx, e, args, -1, out);
}

/* ---- UNIX time and zones ---- */

/* Largest second of UNIX_TIMESTAMP() and FROM_UNIXTIME(): 3001-01-18 on MySQL, 2038 on MariaDB. */
static int64_t max_unix_seconds(const struct eval_ctx *ctx)
{
    return eval_is_mariadb(ctx) ? INT32_MAX : INT64_C(32536771199);
}

static int64_t local_to_utc(const struct eval_ctx *ctx, const struct mtime *t)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    return in.tz != NULL ? timezone_to_utc(in.tz, t) : temporal_pack_datetime(t);
}

int eval_unix_timestamp(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                        struct value *out)
{
    int64_t us = 0;
    struct mtime t;
    if (e->argc == 0) {
        *out = value_int(eval_temporal_session(ctx).now_us / US_PER_SECOND);
        return 0;
    }
    const bool valid = eval_datetime(ctx, &args[0], &t) && t.month > 0 && t.day > 0;
    if (valid) {
        us = local_to_utc(ctx, &t);
    }
    const bool in_range = valid && us >= 0 && us / US_PER_SECOND <= max_unix_seconds(ctx);
    if (!in_range && eval_is_mariadb(ctx)) {
        return 0;
    }
    const struct value v = {.kind = VALUE_DECIMAL, .dec = decimal_from_i128(in_range ? us : 0, 6)};
    if (type_class_of(e->type.type) == TYPE_CLASS_DECIMAL) {
        *out = v;
        (void)!decimal_truncate(&v.dec, e->type.decimals, &out->dec);
    } else {
        *out = value_int(in_range ? us / US_PER_SECOND : 0);
    }
    return 0;
}

int eval_from_unixtime(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                       struct value *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    const struct decimal million = decimal_from_i64(US_PER_SECOND);
    const struct decimal seconds = eval_decimal(ctx, e->args[0], &args[0]);
    struct decimal scaled;
    int64_t us;
    (void)!decimal_mul(&seconds, &million, &scaled);
    (void)!decimal_round(&scaled, 0, &scaled);
    if (decimal_to_i64(&scaled, &us) != DECIMAL_OK || us < 0 ||
        us / US_PER_SECOND > max_unix_seconds(ctx)) {
        return 0;
    }
    *out = (struct value){.kind = VALUE_DATETIME, .decimals = shown_decimals(e)};
    if (in.tz != NULL) {
        timezone_from_utc(in.tz, us, &out->time);
    } else {
        temporal_unpack_datetime(us, &out->time);
    }
    if (e->argc > 1) {
        const struct value moment = *out;
        const struct value format_args[2] = {moment, args[1]};
        *out = value_null();
        return eval_date_format(ctx, e, format_args, out);
    }
    return 0;
}

int eval_convert_tz(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    struct mtime t;
    if (!eval_datetime(ctx, &args[0], &t)) {
        return 0;
    }
    const struct timezone *from = timezone_find(eval_text(ctx, e->args[1], &args[1]));
    const struct timezone *to = timezone_find(eval_text(ctx, e->args[2], &args[2]));
    if (from == NULL || to == NULL || t.month == 0 || t.day == 0) {
        return 0;
    }
    *out = (struct value){.kind = VALUE_DATETIME, .decimals = shown_decimals(e), .time = t};
    const int64_t us = timezone_to_utc(from, &t);
    /* Outside the range of TIMESTAMP nothing is converted. */
    if (us >= 0 && us / US_PER_SECOND <= max_unix_seconds(ctx)) {
        timezone_from_utc(to, us, &out->time);
    }
    return 0;
}

/* ---- Periods ---- */

static int64_t period_to_months(int64_t period)
{
    int64_t year = period / 100;
    year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    return period == 0 ? 0 : year * 12 + period % 100 - 1;
}

static int64_t months_to_period(int64_t months)
{
    int64_t year = months / 12;
    year += year < 70 ? 2000 : year < 100 ? 1900 : 0;
    return months == 0 ? 0 : year * 100 + months % 12 + 1;
}

/* MySQL takes no period without a month; MariaDB calculates with anything. */
static bool period_is_bad(const struct eval_ctx *ctx, int64_t period)
{
    return !eval_is_mariadb(ctx) && (period <= 0 || period % 100 == 0 || period % 100 > 12);
}

int eval_period_add(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    const int64_t period = eval_signed(ctx, e->args[0], &args[0]);
    const int64_t months = eval_signed(ctx, e->args[1], &args[1]);
    if (period_is_bad(ctx, period)) {
        return diag_set(ctx->diag, ER_WRONG_ARGUMENTS, "period_add");
    }
    *out = value_int(period == 0 ? 0 : months_to_period(period_to_months(period) + months));
    return 0;
}

int eval_period_diff(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    const int64_t a = eval_signed(ctx, e->args[0], &args[0]);
    const int64_t b = eval_signed(ctx, e->args[1], &args[1]);
    if (period_is_bad(ctx, a) || period_is_bad(ctx, b)) {
        return diag_set(ctx->diag, ER_WRONG_ARGUMENTS, "period_diff");
    }
    *out = value_int(period_to_months(a) - period_to_months(b));
    return 0;
}
