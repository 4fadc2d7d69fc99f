/*
 * Date arithmetic: INTERVAL amounts, and adding them to dates, date-times and times (MySQL manual,
 * "Temporal Intervals" and the rules of DATE_ADD()).
 */
#include "exec/eval_int.h"
#include "types/temporal_text.h"

#include <ctype.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_A_DAY INT64_C(86400)
#define MAX_YEAR      9999

/* ---- Amounts ---- */

/* The parts of a unit written as text: how many numbers, and what the first one is. */
struct unit_parts {
    uint8_t count; /* 0: one number, not text */
    uint8_t first; /* index in the order below */
    bool fraction; /* the last is a fraction of a second: "1.5" means 500000 */
};

/* The order in which composite units name their parts. */
enum {
    PART_YEARS,
    PART_MONTHS,
    PART_DAYS,
    PART_HOURS,
    PART_MINUTES,
    PART_SECONDS,
    PART_USECS
};

static const struct unit_parts composite[] = {
    [UNIT_SECOND_MICROSECOND] = {2, PART_SECONDS, true},
    [UNIT_MINUTE_MICROSECOND] = {3, PART_MINUTES, true},
    [UNIT_MINUTE_SECOND] = {2, PART_MINUTES, false},
    [UNIT_HOUR_MICROSECOND] = {4, PART_HOURS, true},
    [UNIT_HOUR_SECOND] = {3, PART_HOURS, false},
    [UNIT_HOUR_MINUTE] = {2, PART_HOURS, false},
    [UNIT_DAY_MICROSECOND] = {5, PART_DAYS, true},
    [UNIT_DAY_SECOND] = {4, PART_DAYS, false},
    [UNIT_DAY_MINUTE] = {3, PART_DAYS, false},
    [UNIT_DAY_HOUR] = {2, PART_DAYS, false},
    [UNIT_YEAR_MONTH] = {2, PART_YEARS, false},
};

static void add_part(struct interval *by, unsigned part, uint64_t n)
{
    switch (part) {
    case PART_YEARS:
        by->months += n * 12;
        break;
    case PART_MONTHS:
        by->months += n;
        break;
    case PART_DAYS:
        by->days += n;
        break;
    case PART_HOURS:
        by->seconds += n * 3600;
        break;
    case PART_MINUTES:
        by->seconds += n * 60;
        break;
    case PART_SECONDS:
        by->seconds += n;
        break;
    default:
        by->usec += n;
        break;
    }
}

/*
 * Numbers with anything between them. When there are fewer than the unit has, the last ones are
 * meant: '1:2' HOUR_SECOND is 1 minute 2 seconds. More text behind them is no interval.
 */
static bool read_parts(struct str s, const struct unit_parts *u, struct interval *by)
{
    uint64_t numbers[5] = {0};
    unsigned count = 0;
    size_t digits = 0;
    size_t i = 0;
    while (i < s.len && isspace((unsigned char)s.p[i])) {
        i++;
    }
    if (i < s.len && s.p[i] == '-') {
        by->negative = true;
        i++;
    }
    while (i < s.len && !isdigit((unsigned char)s.p[i])) {
        i++;
    }
    while (i < s.len && count < u->count) {
        const size_t start = i;
        uint64_t n = 0;
        for (; i < s.len && isdigit((unsigned char)s.p[i]); i++) {
            n = n > UINT64_MAX / 20 ? n : n * 10 + (uint64_t)(s.p[i] - '0');
        }
        digits = i - start;
        numbers[count++] = n;
        while (i < s.len && !isdigit((unsigned char)s.p[i])) {
            i++;
        }
    }
    if (i < s.len) {
        return false;
    }
    for (; u->fraction && count > 0 && digits < 6; digits++) {
        numbers[count - 1] *= 10;
    }
    for (unsigned k = 0; k < count; k++) {
        add_part(by, u->first + u->count - count + k, numbers[k]);
    }
    return true;
}

/* Seconds may have a fraction. */
static void read_seconds(struct eval_ctx *ctx, const struct expr *arg, const struct value *v,
                         struct interval *by)
{
    struct decimal d = eval_decimal(ctx, arg, v);
    struct decimal whole;
    struct decimal rest;
    const struct decimal million = decimal_from_i64(US_PER_SECOND);
    by->negative = d.negative;
    d.negative = false;
    (void)!decimal_truncate(&d, 0, &whole);
    (void)!decimal_sub(&d, &whole, &rest);
    (void)!decimal_mul(&rest, &million, &rest);
    (void)!decimal_truncate(&rest, 0, &rest);
    (void)!decimal_to_u64(&whole, &by->seconds);
    (void)!decimal_to_u64(&rest, &by->usec);
}

static void read_number(struct eval_ctx *ctx, enum interval_unit unit, const struct expr *arg,
                        const struct value *v, struct interval *by)
{
    bool is_unsigned;
    const int64_t i = eval_int(ctx, arg, v, &is_unsigned);
    by->negative = !is_unsigned && i < 0;
    const uint64_t n = by->negative ? 0 - (uint64_t)i : (uint64_t)i;
    /* What is beyond any date only has to stay so. */
    const uint64_t m = MIN(n, (uint64_t)INT64_MAX / 100000);
    switch (unit) {
    case UNIT_YEAR:
        by->months = m * 12;
        break;
    case UNIT_QUARTER:
        by->months = m * 3;
        break;
    case UNIT_MONTH:
        by->months = m;
        break;
    case UNIT_WEEK:
        by->days = m * 7;
        break;
    case UNIT_DAY:
        by->days = m;
        break;
    case UNIT_HOUR:
        by->seconds = m * 3600;
        break;
    case UNIT_MINUTE:
        by->seconds = m * 60;
        break;
    case UNIT_SECOND:
        by->seconds = m;
        break;
    default:
        by->usec = n;
        break;
    }
}

bool interval_read(struct eval_ctx *ctx, enum interval_unit unit, const struct expr *arg,
                   const struct value *v, struct interval *out)
{
    *out = (struct interval){.negative = false};
    if (v->kind == VALUE_NULL) {
        return false;
    }
    if (unit >= UNIT_SECOND_MICROSECOND) {
        return read_parts(eval_text(ctx, arg, v), &composite[unit], out);
    }
    const bool fraction = v->kind != VALUE_INT && v->kind != VALUE_UINT;
    if (unit == UNIT_SECOND && fraction) {
        read_seconds(ctx, arg, v, out);
    } else {
        read_number(ctx, unit, arg, v, out);
    }
    return true;
}

/* ---- Adding ---- */

static bool add_months(const struct interval *by, struct mtime *t)
{
    const int64_t limit = (MAX_YEAR + 1) * 12;
    const int64_t step = (int64_t)MIN(by->months, (uint64_t)limit * 2);
    const int64_t months = t->year * 12 + (t->month - 1) + (by->negative ? -step : step);
    if (months < 0 || months >= limit) {
        return false;
    }
    t->year = (uint16_t)(months / 12);
    t->month = (uint8_t)(months % 12 + 1);
    t->day = (uint8_t)MIN((unsigned)t->day, temporal_days_in_month(t->year, t->month));
    return true;
}

bool interval_add(const struct interval *by, struct mtime *t)
{
    const __int128 a_day = SECONDS_A_DAY * US_PER_SECOND;
    if (by->months > 0 && !add_months(by, t)) {
        return false;
    }
    __int128 us = by->days * a_day + (__int128)by->seconds * US_PER_SECOND + by->usec;
    if (us == 0) {
        return true;
    }
    const struct mtime first = {.year = 0, .month = 1, .day = 1};
    const struct mtime last = {.year = MAX_YEAR, .month = 12, .day = 31};
    us = temporal_pack_datetime(t) + (by->negative ? -us : us);
    if (us < date_to_days(&first) * a_day || us >= (date_to_days(&last) + 1) * a_day) {
        return false;
    }
    temporal_unpack_datetime((int64_t)us, t);
    return true;
}

bool interval_add_time(const struct interval *by, struct mtime *t)
{
    const __int128 a_day = SECONDS_A_DAY * US_PER_SECOND;
    const __int128 limit = (__int128)(838 * 3600 + 59 * 60 + 60) * US_PER_SECOND;
    const __int128 step = by->days * a_day + (__int128)by->seconds * US_PER_SECOND + by->usec;
    const __int128 us = temporal_pack_time(t) + (by->negative ? -step : step);
    if (by->months > 0 || us >= limit || us <= -limit) {
        return false;
    }
    temporal_unpack_time((int64_t)us, t);
    return true;
}

/* ---- DATE_ADD and its kin ---- */

static void warn_overflow(struct eval_ctx *ctx, const char *what)
{
    diag_warn(ctx->diag, DIAG_WARNING, ER_DATETIME_FUNCTION_OVERFLOW, what);
}

static bool unit_has_time(enum interval_unit unit)
{
    switch (unit) {
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
    case UNIT_YEAR_MONTH:
        return false;
    default:
        return true;
    }
}

/* Was text a date without a time of day? */
static bool is_date_text(struct eval_ctx *ctx, const struct value *v)
{
    struct temporal_read r = {.problems = 0};
    return v->kind == VALUE_STRING &&
           temporal_read_datetime(v->str, ctx->sql_mode, ctx->dialect, &r) == 0 &&
           r.kind == TEMPORAL_DATE;
}

/* A result that is text: as short as the value allows. */
static void set_date_text(struct eval_ctx *ctx, const struct expr *e, const struct mtime *t,
                          bool date_only, struct value *out)
{
    char buf[40];
    const size_t len =
        date_only ? date_format(t, buf) : datetime_format(t, t->usec != 0 ? 6 : 0, buf);
    eval_set_ascii(ctx, e, str_from(buf, len), out);
}

static int add_to_time(struct eval_ctx *ctx, const struct expr *e, const struct interval *by,
                       const struct value *v, struct value *out)
{
    struct mtime t;
    if (!eval_time(ctx, v, &t)) {
        return 0;
    }
    if (!interval_add_time(by, &t)) {
        warn_overflow(ctx, "time");
        return 0;
    }
    *out = (struct value){.kind = VALUE_TIME, .decimals = e->type.decimals, .time = t};
    return 0;
}

static int add_interval(struct eval_ctx *ctx, const struct expr *e, const struct value *date,
                        enum interval_unit unit, const struct interval *by, struct value *out)
{
    struct mtime t;
    const enum type_class class = type_class_of(e->type.type);
    if (class == TYPE_CLASS_TIME) {
        return add_to_time(ctx, e, by, date, out);
    }
    if (!eval_datetime(ctx, date, &t)) {
        return 0;
    }
    if (t.month == 0 || t.day == 0) {
        diag_warn_at(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE,
                     "Incorrect datetime value: '%.*s'",
                     STR_FMT(value_to_text(date, NULL, ctx->arena)));
        return 0;
    }
    if (!interval_add(by, &t)) {
        warn_overflow(ctx, "datetime");
        return 0;
    }
    if (class == TYPE_CLASS_DATE) {
        *out = (struct value){.kind = VALUE_DATE, .time = t};
    } else if (class == TYPE_CLASS_DATETIME) {
        *out = (struct value){.kind = VALUE_DATETIME, .decimals = e->type.decimals, .time = t};
    } else {
        set_date_text(ctx, e, &t, !unit_has_time(unit) && is_date_text(ctx, date), out);
    }
    return 0;
}

/* MySQL's code for a value out of range that is only warned of. */
#define MYSQL_WARN_OUT_OF_RANGE 6527

/* args: the date, and an EXPR_INTERVAL or (ADDDATE) a number of days. */
static int date_arith(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      bool subtract, struct value *out)
{
    const struct expr *amount = e->args[1];
    enum interval_unit unit = UNIT_DAY;
    struct interval by;
    if (amount->kind == EXPR_INTERVAL) {
        unit = amount->interval.unit;
        amount = amount->args[0];
    }
    if (!interval_read(ctx, unit, amount, &args[1], &by)) {
        if (args[1].kind != VALUE_NULL && !eval_is_mariadb(ctx)) {
            diag_warn_at(ctx->diag, DIAG_WARNING, MYSQL_WARN_OUT_OF_RANGE,
                         "DATETIME value is out of range in '%s'", eval_print(ctx, e));
        }
        return 0;
    }
    by.negative = by.negative != subtract;
    return add_interval(ctx, e, &args[0], unit, &by, out);
}

int eval_date_add(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    return date_arith(ctx, e, args, false, out);
}

int eval_date_sub(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    return date_arith(ctx, e, args, true, out);
}

int eval_timestampadd(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      struct value *out)
{
    const enum interval_unit unit = (enum interval_unit)e->args[0]->lit.value.i;
    struct interval by;
    if (!interval_read(ctx, unit, e->args[1], &args[1], &by)) {
        return 0;
    }
    return add_interval(ctx, e, &args[2], unit, &by, out);
}

/* ---- TIMESTAMPDIFF ---- */

/* Whole months from a to b, where a is not after b. */
static int64_t months_between(const struct mtime *a, const struct mtime *b)
{
    const int64_t months = (b->year * 12 + b->month) - (a->year * 12 + a->month);
    const int64_t in_a = ((a->day * 24 + a->hour) * 60 + a->minute) * 60 + a->second;
    const int64_t in_b = ((b->day * 24 + b->hour) * 60 + b->minute) * 60 + b->second;
    return months - (in_b < in_a || (in_b == in_a && b->usec < a->usec) ? 1 : 0);
}

/* Microseconds of the units that have a fixed length. */
static int64_t unit_us(enum interval_unit unit)
{
    static const int64_t us[] = {
        [UNIT_MICROSECOND] = 1,
        [UNIT_SECOND] = US_PER_SECOND,
        [UNIT_MINUTE] = 60 * US_PER_SECOND,
        [UNIT_HOUR] = 3600 * US_PER_SECOND,
        [UNIT_DAY] = SECONDS_A_DAY * US_PER_SECOND,
        [UNIT_WEEK] = 7 * SECONDS_A_DAY * US_PER_SECOND,
    };
    return us[unit];
}

int eval_timestampdiff(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                       struct value *out)
{
    const enum interval_unit unit = (enum interval_unit)e->args[0]->lit.value.i;
    struct mtime a;
    struct mtime b;
    if (!eval_datetime(ctx, &args[1], &a) || !eval_datetime(ctx, &args[2], &b)) {
        return 0;
    }
    const int64_t diff = temporal_pack_datetime(&b) - temporal_pack_datetime(&a);
    if (unit <= UNIT_WEEK) {
        *out = value_int(diff / unit_us(unit));
        return 0;
    }
    const int64_t months = diff >= 0 ? months_between(&a, &b) : -months_between(&b, &a);
    *out = value_int(unit == UNIT_YEAR ? months / 12 : unit == UNIT_QUARTER ? months / 3 : months);
    return 0;
}
