/* Storing dates and times: read, check against sql_mode and the type's range, round, convert to
 * UTC. */
#include "types/convert.h"
#include "types/store_int.h"
#include "types/temporal_text.h"
#include "types/timezone.h"

/* TIMESTAMP holds 1970-01-01 00:00:01 to 2038-01-19 03:14:07 UTC. */
#define TIMESTAMP_MIN_US 1000000
#define TIMESTAMP_MAX_US 2147483647999999

static const char *type_name(const struct store *st)
{
    switch (type_class_of(st->type->type)) {
    case TYPE_CLASS_DATE:
        return "date";
    case TYPE_CLASS_TIME:
        return "time";
    default:
        return "datetime";
    }
}

static bool is_mariadb(const struct store *st)
{
    return st->ctx->dialect == DIALECT_MARIADB;
}

static bool rounds(const struct store *st)
{
    if (st->ctx->dialect == DIALECT_MARIADB) {
        return (st->ctx->sql_mode & SQL_MODE_TIME_ROUND_FRACTIONAL) != 0;
    }
    return (st->ctx->sql_mode & SQL_MODE_TIME_TRUNCATE_FRACTIONAL) == 0;
}

/* Digits behind the second of the column; none for DATE. */
static unsigned decimals_of(const struct store *st)
{
    return type_class_of(st->type->type) == TYPE_CLASS_DATE ? 0 : MIN(st->type->decimals, 6);
}

static struct str incorrect_message(const struct store *st)
{
    struct store rounded = *st;
    struct value v = *st->from;
    if (v.kind == VALUE_DATETIME) {
        /* The servers show it with the column's digits. */
        (void)!temporal_round_datetime(&v.time, 0, decimals_of(st), rounds(st));
        v.decimals = (uint8_t)decimals_of(st);
        rounded.from = &v;
    } else if (v.kind == VALUE_TIME) {
        v.decimals = (uint8_t)decimals_of(st);
        rounded.from = &v;
    }
    struct str value = store_source_text(&rounded);
    return store_incorrect_message(st, type_name(st), value);
}

/* Strict mode has one message for all faults of a temporal value; otherwise it is 1264 or 1265. */
static int complain(const struct store *st, bool out_of_range)
{
    if (store_is_strict(st)) {
        return store_complain(st, ER_TRUNCATED_WRONG_VALUE, incorrect_message(st));
    }
    return out_of_range ? store_out_of_range(st) : store_truncated(st);
}

static void note_lost_part(const struct store *st)
{
    if (store_is_strict(st) && !is_mariadb(st)) {
        struct str message = incorrect_message(st);
        diag_warn_at(st->ctx->diag, DIAG_NOTE, ER_TRUNCATED_WRONG_VALUE, "%.*s", STR_FMT(message));
    } else {
        store_note_truncated(st);
    }
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_UINT || v->kind == VALUE_DOUBLE ||
           v->kind == VALUE_DECIMAL;
}

static bool has_clock(const struct mtime *t)
{
    return t->hour != 0 || t->minute != 0 || t->second != 0 || t->usec != 0;
}

/* MySQL warns of delimiters that it will not take one day. */
static void warn_delimiter(const struct store *st, const struct temporal_read *r)
{
    if (!is_mariadb(st)) {
        temporal_warn_delimiter(r, st->from->str, st->ctx->row, st->ctx->diag);
    }
}

/* Stores t; zeros when it is not to be stored. */
static void put(const struct store *st, enum value_kind kind, const struct mtime *t)
{
    *st->out = (struct value){.kind = kind, .decimals = (uint8_t)decimals_of(st)};
    st->out->time = *t;
}

static void put_zero(const struct store *st, enum value_kind kind)
{
    put(st, kind, &(struct mtime){.year = 0});
}

/* A number as a date-time. Fractions count only behind full numbers. */
static int read_number(const struct store *st, struct temporal_read *r)
{
    int64_t n;
    uint32_t nanos;
    if (!value_split_number(st->from, &n, &nanos)) {
        *r = (struct temporal_read){.problems = TEMPORAL_OUT_OF_RANGE};
        return -1;
    }
    if (n == 0 && st->from->kind != VALUE_INT && st->from->kind != VALUE_UINT) {
        struct decimal d = value_to_decimal(st->from, NULL);
        if (d.negative) {
            *r = (struct temporal_read){.problems = TEMPORAL_OUT_OF_RANGE};
            return -1;
        }
    }
    bool date_only = n < 101000000;
    int rc =
        temporal_read_datetime_number(n, date_only && n != 0 ? 0 : nanos, st->ctx->sql_mode, r);
    if (rc == 0 && date_only && nanos != 0 && n != 0) {
        r->problems |= TEMPORAL_LEFTOVER;
    }
    return rc;
}

/* The source as a date-time. Returns 0, or -1 with r->problems. */
static int read_datetime(const struct store *st, struct temporal_read *r)
{
    const struct value *v = st->from;
    const struct store_ctx *ctx = st->ctx;
    *r = (struct temporal_read){.kind = TEMPORAL_DATETIME};
    switch (v->kind) {
    case VALUE_DATE:
    case VALUE_DATETIME:
        r->t = v->time;
        r->problems = temporal_check_date(&r->t, ctx->sql_mode | SQL_MODE_ALLOW_INVALID_DATES);
        return r->problems == 0 ? 0 : -1;
    case VALUE_TIME: {
        const struct temporal_session in = {.sql_mode = ctx->sql_mode,
                                            .dialect = ctx->dialect,
                                            .tz = ctx->tz,
                                            .now_us = ctx->now_us};
        return value_to_datetime_in(v, &in, &r->t, NULL);
    }
    case VALUE_STRING:
    case VALUE_JSON:
        return temporal_read_datetime(v->str, ctx->sql_mode, ctx->dialect, r);
    default:
        return read_number(st, r);
    }
}

static bool is_zero(const struct mtime *t)
{
    return t->year == 0 && t->month == 0 && t->day == 0 && !has_clock(t);
}

static bool is_partial(const struct mtime *t)
{
    return temporal_days_is_partial(temporal_pack_date(t));
}

/* A local time that the zone's clocks skipped: strict mode refuses it, else it is the end of the
 * gap. */
static int check_gap(const struct store *st, const struct mtime *local, int64_t utc_us)
{
    struct mtime back;
    if (st->ctx->tz == NULL) {
        return 0;
    }
    timezone_from_utc(st->ctx->tz, utc_us, &back);
    if (temporal_pack_datetime(&back) == temporal_pack_datetime(local)) {
        return 0;
    }
    if (store_is_strict(st)) {
        return complain(st, false);
    }
    struct str message =
        arena_printf(st->arena, "Invalid TIMESTAMP value in column '%.*s' at row %llu",
                     STR_FMT(st->name), (unsigned long long)st->ctx->row);
    return store_complain(st, ER_WARN_INVALID_TIMESTAMP, message);
}

/* Stores the moment utc_us, zeros when TIMESTAMP cannot hold it. */
static int put_moment(const struct store *st, int64_t utc_us)
{
    struct mtime t;
    if (utc_us < TIMESTAMP_MIN_US || utc_us > TIMESTAMP_MAX_US) {
        put_zero(st, VALUE_DATETIME);
        return complain(st, true);
    }
    temporal_unpack_datetime(utc_us, &t);
    put(st, VALUE_DATETIME, &t);
    return 0;
}

/* Stores session-local fields in a TIMESTAMP column, as UTC. Zero is stored as it is. */
static int put_timestamp(const struct store *st, const struct mtime *local)
{
    if (is_zero(local)) {
        put(st, VALUE_DATETIME, local);
        return 0;
    }
    if (is_partial(local)) {
        put_zero(st, VALUE_DATETIME);
        return complain(st, !is_number(st->from));
    }
    int64_t utc_us =
        st->ctx->tz != NULL ? timezone_to_utc(st->ctx->tz, local) : temporal_pack_datetime(local);
    return check_gap(st, local, utc_us) != 0 ? -1 : put_moment(st, utc_us);
}

/* Rounding passed the end of time. */
static int complain_overflow(const struct store *st, enum value_kind kind)
{
    put_zero(st, kind);
    if (store_complain(st, ER_DATETIME_FUNCTION_OVERFLOW,
                       STR("Datetime function: datetime field overflow")) != 0) {
        return -1;
    }
    return store_out_of_range(st);
}

/* Why there is no date-time in the source. */
static int complain_about_datetime(const struct store *st, const struct temporal_read *r)
{
    unsigned range = TEMPORAL_OUT_OF_RANGE | TEMPORAL_ZERO_DATE | TEMPORAL_ZERO_IN_DATE;
    if (is_mariadb(st)) {
        range = TEMPORAL_ZERO_DATE;
    } else if (is_number(st->from) && r->t.year != 0) {
        /* Month or day 0 in a number is no range fault, in a text it is. */
        range &= ~(unsigned)TEMPORAL_ZERO_IN_DATE;
    }
    return complain(st, (r->problems & range) != 0);
}

/* Brings what was read into the column: to the session's zone, then to the type. */
static int put_datetime(const struct store *st, const struct temporal_read *r, bool *out_lost_clock)
{
    struct mtime t = r->t;
    if (r->has_offset) {
        int64_t utc_us = temporal_pack_datetime(&t) - (int64_t)r->offset_s * 1000000;
        if (st->type->type == MYSQL_TYPE_TIMESTAMP) {
            return put_moment(st, utc_us);
        }
        if (st->ctx->tz != NULL) {
            timezone_from_utc(st->ctx->tz, utc_us, &t);
        } else {
            temporal_unpack_datetime(utc_us, &t);
        }
    }
    if (st->type->type == MYSQL_TYPE_TIMESTAMP) {
        return put_timestamp(st, &t);
    }
    if (type_class_of(st->type->type) == TYPE_CLASS_DATE) {
        *out_lost_clock = has_clock(&t);
        t = (struct mtime){.year = t.year, .month = t.month, .day = t.day};
        put(st, VALUE_DATE, &t);
        return 0;
    }
    put(st, VALUE_DATETIME, &t);
    return 0;
}

/* Into a DATE, DATETIME or TIMESTAMP column. */
static int store_datetime(const struct store *st)
{
    bool is_date = type_class_of(st->type->type) == TYPE_CLASS_DATE;
    enum value_kind kind = is_date ? VALUE_DATE : VALUE_DATETIME;
    struct temporal_read r;
    if (read_datetime(st, &r) != 0) {
        put_zero(st, kind);
        return complain_about_datetime(st, &r);
    }
    if (temporal_round_datetime(&r.t, r.nanos, decimals_of(st), rounds(st)) != 0) {
        return complain_overflow(st, kind);
    }
    warn_delimiter(st, &r);
    bool lost_clock = false;
    uint32_t complaints = st->ctx->diag->warning_count;
    if (put_datetime(st, &r, &lost_clock) != 0) {
        return -1;
    }
    if (complaints != st->ctx->diag->warning_count) {
        return 0;
    }
    bool only_noted = is_mariadb(st) && is_number(st->from);
    if (r.problems & TEMPORAL_LEFTOVER && !only_noted) {
        return complain(st, false);
    }
    if (lost_clock || r.problems & TEMPORAL_LEFTOVER || (is_mariadb(st) && r.nanos != 0)) {
        note_lost_part(st);
    }
    return 0;
}

/* The source as a TIME. Returns 0, or -1 with r->problems. */
static int read_time(const struct store *st, struct temporal_read *r)
{
    const struct value *v = st->from;
    int64_t n;
    uint32_t nanos;
    *r = (struct temporal_read){.kind = TEMPORAL_TIME};
    switch (v->kind) {
    case VALUE_DATE:
    case VALUE_DATETIME:
        r->t = v->time;
        r->t.year = 0;
        r->t.month = 0;
        r->t.day = 0;
        /* MySQL drops the date of a value silently, that of a text not. */
        r->problems = is_mariadb(st) && v->time.year + v->time.month + v->time.day > 0
                          ? TEMPORAL_DATE_LOST
                          : 0;
        return 0;
    case VALUE_TIME:
        r->t = v->time;
        return 0;
    case VALUE_STRING:
    case VALUE_JSON:
        return temporal_read_time(v->str, st->ctx->dialect, r);
    default:
        break;
    }
    if (!value_split_number(v, &n, &nanos)) {
        struct decimal d = value_to_decimal(v, NULL);
        r->t = temporal_max_time(d.negative, st->ctx->dialect);
        r->problems = TEMPORAL_OUT_OF_RANGE;
        return 0;
    }
    int rc = temporal_read_time_number(n, nanos, st->ctx->dialect, r);
    if (rc == 0 && n == 0 && nanos != 0) {
        struct decimal d = value_to_decimal(v, NULL);
        r->t.negative = d.negative;
    }
    return rc;
}

static int store_time(const struct store *st)
{
    struct temporal_read r;
    if (read_time(st, &r) != 0) {
        put_zero(st, VALUE_TIME);
        bool range = (r.problems & TEMPORAL_OUT_OF_RANGE) != 0;
        return r.problems == 0 ? 0
                               : complain(st, range && !(is_mariadb(st) && is_number(st->from)));
    }
    warn_delimiter(st, &r);
    if (r.has_offset) {
        /* The date went already: the clock of the session's zone at that offset. */
        int64_t day = 86400000000;
        int64_t us = temporal_pack_time(&r.t) - (int64_t)r.offset_s * 1000000;
        temporal_unpack_time((us % day + day) % day, &r.t);
    }
    if (temporal_round_time(&r.t, r.nanos, decimals_of(st), rounds(st)) != 0) {
        r.problems |= TEMPORAL_OUT_OF_RANGE;
    }
    put(st, VALUE_TIME, &r.t);
    if (r.problems & (TEMPORAL_OUT_OF_RANGE | TEMPORAL_LEFTOVER)) {
        return complain(st, (r.problems & TEMPORAL_OUT_OF_RANGE) != 0);
    }
    if (r.problems & TEMPORAL_DATE_LOST || (is_mariadb(st) && r.nanos != 0)) {
        note_lost_part(st);
    }
    return 0;
}

int store_temporal(const struct store *st)
{
    return type_class_of(st->type->type) == TYPE_CLASS_TIME ? store_time(st) : store_datetime(st);
}
