/*
 * Conversions between the families of values. One function a target; each is a switch over the
 * kinds of sources. Warnings go to the caller's diag. Pure functions.
 */
#include "types/convert.h"

#include "types/temporal_text.h"
#include "types/timezone.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define DAY_US 86400000000

/* Messages of code 1292 that differ from the one of the error table. */
#define INCORRECT_VALUE_FMT "Incorrect %-.32s value: '%-.128s'"

static void warn_truncated(struct diag *diag, const char *what, struct str text)
{
    if (diag != NULL) {
        char buf[132];
        size_t len = MIN(text.len, sizeof(buf) - 1);
        if (len > 0) {
            memcpy(buf, text.p, len);
        }
        buf[len] = '\0';
        diag_warn(diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, what, buf);
    }
}

static void warn_incorrect(struct diag *diag, const char *what, struct str text)
{
    if (diag != NULL) {
        char buf[132];
        size_t len = MIN(text.len, sizeof(buf) - 1);
        if (len > 0) {
            memcpy(buf, text.p, len);
        }
        buf[len] = '\0';
        diag_warn_at(diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, INCORRECT_VALUE_FMT, what, buf);
    }
}

static size_t skip_spaces(struct str s, size_t pos)
{
    while (pos < s.len && (s.p[pos] == ' ' || (s.p[pos] >= '\t' && s.p[pos] <= '\r'))) {
        pos++;
    }
    return pos;
}

static bool only_spaces(struct str s, size_t pos)
{
    return skip_spaces(s, pos) == s.len;
}

/* JSON as a number: a string counts without its quotes, true as 1. */
static struct str json_number_text(struct str json)
{
    if (json.len >= 2 && json.p[0] == '"') {
        return str_from(json.p + 1, json.len - 2);
    }
    if (str_eq(json, STR("true"))) {
        return STR("1");
    }
    if (str_eq(json, STR("false"))) {
        return STR("0");
    }
    return json;
}

/* The digits of a temporal value, as an integer, and its microseconds. */
static int64_t temporal_number(const struct value *v)
{
    if (v->kind == VALUE_DATE) {
        return temporal_date_number(&v->time);
    }
    return v->kind == VALUE_TIME ? temporal_time_number(&v->time)
                                 : temporal_datetime_number(&v->time);
}

static double text_to_double(struct str s, struct diag *diag)
{
    size_t used;
    bool overflow;
    double d = parse_double(s, &used, &overflow);
    if (overflow || used == 0 || !only_spaces(s, used)) {
        warn_truncated(diag, "DOUBLE", s);
    }
    return d;
}

double value_to_double(const struct value *v, struct diag *diag)
{
    switch (v->kind) {
    case VALUE_NULL:
        return 0;
    case VALUE_INT:
        return (double)v->i;
    case VALUE_UINT:
        return (double)v->u;
    case VALUE_DOUBLE:
        return v->d;
    case VALUE_DECIMAL:
        return decimal_to_double(&v->dec);
    case VALUE_STRING:
        return text_to_double(v->str, diag);
    case VALUE_JSON:
        return text_to_double(json_number_text(v->str), diag);
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        break;
    }
    double n = (double)temporal_number(v);
    double fraction = v->kind == VALUE_DATE ? 0 : (double)v->time.usec / 1e6;
    return v->kind == VALUE_TIME && v->time.negative ? n - fraction : n + fraction;
}

static struct decimal text_to_decimal(struct str s, struct diag *diag)
{
    struct decimal d;
    size_t used;
    enum decimal_status status = decimal_parse(s, &d, &used);
    if (status == DECIMAL_OVERFLOW || used == 0 || !only_spaces(s, used)) {
        warn_truncated(diag, "DECIMAL", s);
    }
    return d;
}

static struct decimal temporal_to_decimal(const struct value *v)
{
    struct decimal whole = decimal_from_i64(temporal_number(v));
    if (v->kind == VALUE_DATE || v->decimals == 0) {
        return whole;
    }
    struct decimal usec = decimal_from_i128(v->time.usec, 6);
    struct decimal sum;
    usec.negative = v->kind == VALUE_TIME && v->time.negative && v->time.usec != 0;
    (void)!decimal_add(&whole, &usec, &sum);
    (void)!decimal_truncate(&sum, v->decimals, &sum);
    return sum;
}

struct decimal value_to_decimal(const struct value *v, struct diag *diag)
{
    struct decimal d = decimal_from_i64(0);
    switch (v->kind) {
    case VALUE_NULL:
        return d;
    case VALUE_INT:
        return decimal_from_i64(v->i);
    case VALUE_UINT:
        return decimal_from_u64(v->u);
    case VALUE_DOUBLE:
        if (decimal_from_double(v->d, &d) == DECIMAL_OVERFLOW) {
            char buf[FORMAT_REAL_MAX];
            warn_truncated(diag, "DECIMAL",
                           str_from(buf, format_double(v->d, DECIMALS_NOT_FIXED, buf)));
        }
        return d;
    case VALUE_DECIMAL:
        return v->dec;
    case VALUE_STRING:
        return text_to_decimal(v->str, diag);
    case VALUE_JSON:
        return text_to_decimal(json_number_text(v->str), diag);
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        return temporal_to_decimal(v);
    }
    return d;
}

/* The digits at the start of s; what does not fit is clipped. */
static int64_t text_to_int(struct str s, bool *out_unsigned, struct diag *diag)
{
    size_t pos = skip_spaces(s, 0);
    bool negative = pos < s.len && s.p[pos] == '-';
    pos += pos < s.len && (s.p[pos] == '-' || s.p[pos] == '+');
    size_t start = pos;
    uint64_t n = 0;
    bool overflow = false;
    for (; pos < s.len && s.p[pos] >= '0' && s.p[pos] <= '9'; pos++) {
        overflow = overflow || __builtin_mul_overflow(n, 10, &n) ||
                   __builtin_add_overflow(n, (uint64_t)(s.p[pos] - '0'), &n);
    }
    overflow = overflow || (negative && n > (uint64_t)INT64_MAX + 1);
    if (overflow) {
        n = negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX;
    }
    if (pos == start || overflow || !only_spaces(s, pos)) {
        warn_truncated(diag, "INTEGER", s);
    }
    *out_unsigned = !negative && n > INT64_MAX;
    return (int64_t)(negative ? 0 - n : n);
}

static int64_t double_to_int(double d, bool *out_unsigned, struct diag *diag)
{
    double r = rint(d);
    *out_unsigned = false;
    if (r >= -9223372036854775808.0 && r < 9223372036854775808.0) {
        return (int64_t)r;
    }
    *out_unsigned = r > 0;
    if (r > 0 && r < 18446744073709551616.0) {
        return (int64_t)(uint64_t)r;
    }
    char buf[FORMAT_REAL_MAX];
    warn_truncated(diag, "INTEGER", str_from(buf, format_double(d, DECIMALS_NOT_FIXED, buf)));
    *out_unsigned = false;
    return r > 0 ? INT64_MAX : INT64_MIN;
}

static int64_t decimal_to_int(const struct decimal *d, bool *out_unsigned, struct diag *diag)
{
    int64_t i;
    uint64_t u;
    *out_unsigned = false;
    if (decimal_to_i64(d, &i) == DECIMAL_OK) {
        return i;
    }
    if (!d->negative && decimal_to_u64(d, &u) == DECIMAL_OK) {
        *out_unsigned = true;
        return (int64_t)u;
    }
    char buf[DECIMAL_TEXT_MAX];
    warn_truncated(diag, "DECIMAL", str_from(buf, decimal_format(d, buf)));
    *out_unsigned = !d->negative;
    return d->negative ? INT64_MIN : (int64_t)UINT64_MAX;
}

int64_t value_to_int(const struct value *v, bool *out_unsigned, struct diag *diag)
{
    *out_unsigned = false;
    switch (v->kind) {
    case VALUE_NULL:
        return 0;
    case VALUE_INT:
        return v->i;
    case VALUE_UINT:
        *out_unsigned = true;
        return (int64_t)v->u;
    case VALUE_DOUBLE:
        return double_to_int(v->d, out_unsigned, diag);
    case VALUE_DECIMAL:
        return decimal_to_int(&v->dec, out_unsigned, diag);
    case VALUE_STRING:
        return text_to_int(v->str, out_unsigned, diag);
    case VALUE_JSON: {
        struct decimal d = text_to_decimal(json_number_text(v->str), diag);
        return decimal_to_int(&d, out_unsigned, diag);
    }
    case VALUE_DATE:
        return temporal_date_number(&v->time);
    case VALUE_DATETIME:
    case VALUE_TIME:
        break;
    }
    struct value rounded = *v;
    if (v->kind == VALUE_TIME) {
        (void)!temporal_round_time(&rounded.time, 0, 0, true);
    } else {
        (void)!temporal_round_datetime(&rounded.time, 0, 0, true);
    }
    return temporal_number(&rounded);
}

static struct str dup_text(struct arena *arena, const char *buf, size_t len)
{
    return arena_dup(arena, str_from(buf, len));
}

/* The text of a SET: its members in definition order. */
static struct str set_text(uint64_t bits, const struct type_labels *labels, struct arena *arena)
{
    size_t len = 0;
    for (uint32_t i = 0; i < labels->count; i++) {
        len += bits >> i & 1 ? labels->names[i].len + 1 : 0;
    }
    char *buf = arena_alloc(arena, len + 1);
    char *p = buf;
    for (uint32_t i = 0; i < labels->count; i++) {
        struct str name = labels->names[i];
        if (bits >> i & 1) {
            memcpy(p, name.p, name.len);
            p += name.len;
            *p++ = ',';
        }
    }
    return str_from(buf, p > buf ? (size_t)(p - buf) - 1 : 0);
}

static struct str enum_text(uint64_t index, const struct type_labels *labels)
{
    return index >= 1 && index <= labels->count ? labels->names[index - 1] : STR("");
}

/* BIT(n) is sent as its bytes, high byte first. */
static struct str bit_text(uint64_t bits, uint32_t length, struct arena *arena)
{
    size_t len = MIN((length + 7) / 8, 8);
    char *buf = arena_alloc(arena, 8);
    for (size_t i = 0; i < len; i++) {
        buf[i] = (char)(uint8_t)(bits >> (8 * (len - 1 - i)));
    }
    return str_from(buf, len);
}

static struct str padded_text(const char *digits, size_t len, uint32_t width, struct arena *arena)
{
    char *buf = arena_alloc(arena, MAX(len, width));
    size_t zeros = width > len ? width - len : 0;
    memset(buf, '0', zeros);
    memcpy(buf + zeros, digits, len);
    return str_from(buf, zeros + len);
}

static struct str integer_text(const struct value *v, const struct sql_type *type,
                               struct arena *arena)
{
    char buf[FORMAT_INT_MAX];
    size_t len = v->kind == VALUE_INT ? format_i64(v->i, buf) : format_u64(v->u, buf);
    if (type == NULL) {
        return dup_text(arena, buf, len);
    }
    switch (type_class_of(type->type)) {
    case TYPE_CLASS_ENUM:
        return type->labels != NULL ? enum_text(v->u, type->labels) : dup_text(arena, buf, len);
    case TYPE_CLASS_SET:
        return type->labels != NULL ? set_text(v->u, type->labels, arena)
                                    : dup_text(arena, buf, len);
    case TYPE_CLASS_BIT:
        return bit_text(v->u, type->length, arena);
    default:
        break;
    }
    if (type->type == MYSQL_TYPE_YEAR) {
        return padded_text(buf, len, 4, arena);
    }
    return type->flags & ZEROFILL_FLAG ? padded_text(buf, len, type->length, arena)
                                       : dup_text(arena, buf, len);
}

/* Reals and decimals of a ZEROFILL column are padded too. */
static struct str number_text(const char *buf, size_t len, const struct sql_type *type,
                              struct arena *arena)
{
    if (type != NULL && type->flags & ZEROFILL_FLAG) {
        uint32_t width = type->length;
        if (type_class_of(type->type) == TYPE_CLASS_DECIMAL) {
            width += type->decimals > 0;
        }
        return padded_text(buf, len, width, arena);
    }
    return dup_text(arena, buf, len);
}

static struct str real_text(double d, const struct sql_type *type, struct arena *arena)
{
    char buf[FORMAT_REAL_MAX];
    unsigned decimals = type != NULL ? type->decimals : DECIMALS_NOT_FIXED;
    size_t len = type != NULL && type->type == MYSQL_TYPE_FLOAT
                     ? format_float((float)d, decimals, buf)
                     : format_double(d, decimals, buf);
    return number_text(buf, len, type, arena);
}

struct str value_to_text(const struct value *v, const struct sql_type *type, struct arena *arena)
{
    char buf[DECIMAL_TEXT_MAX];
    bool temporal_type = type != NULL && (type_class_of(type->type) == TYPE_CLASS_DATETIME ||
                                          type_class_of(type->type) == TYPE_CLASS_TIME);
    unsigned decimals = temporal_type ? type->decimals : v->decimals;
    switch (v->kind) {
    case VALUE_NULL:
        return STR_NULL;
    case VALUE_INT:
    case VALUE_UINT:
        return integer_text(v, type, arena);
    case VALUE_DOUBLE:
        return real_text(v->d, type, arena);
    case VALUE_DECIMAL:
        return number_text(buf, decimal_format(&v->dec, buf), type, arena);
    case VALUE_STRING:
    case VALUE_JSON:
        return v->str;
    case VALUE_DATE:
        return dup_text(arena, buf, date_format(&v->time, buf));
    case VALUE_DATETIME:
        return dup_text(arena, buf, datetime_format(&v->time, decimals, buf));
    case VALUE_TIME:
        return dup_text(arena, buf, time_format(&v->time, decimals, buf));
    }
    return STR_NULL;
}

/* A number split for reading as a temporal value: its integer part and nanoseconds. */
static bool split_decimal(const struct decimal *d, int64_t *out_int, uint32_t *out_nanos)
{
    struct decimal whole;
    struct decimal rest;
    int64_t nanos;
    (void)!decimal_truncate(d, 0, &whole);
    if (decimal_to_i64(&whole, out_int) != DECIMAL_OK ||
        decimal_sub(d, &whole, &rest) != DECIMAL_OK) {
        return false;
    }
    struct decimal billion = decimal_from_i64(1000000000);
    (void)!decimal_mul(&rest, &billion, &rest);
    (void)!decimal_truncate(&rest, 0, &rest);
    rest.negative = false;
    (void)!decimal_to_i64(&rest, &nanos);
    *out_nanos = (uint32_t)nanos;
    return true;
}

bool value_split_number(const struct value *v, int64_t *out_int, uint32_t *out_nanos)
{
    struct decimal d;
    *out_nanos = 0;
    switch (v->kind) {
    case VALUE_INT:
        *out_int = v->i;
        return true;
    case VALUE_UINT:
        *out_int = (int64_t)MIN(v->u, (uint64_t)INT64_MAX);
        return v->u <= INT64_MAX;
    case VALUE_DOUBLE:
        return decimal_from_double(v->d, &d) != DECIMAL_OVERFLOW &&
               split_decimal(&d, out_int, out_nanos);
    case VALUE_DECIMAL:
        return split_decimal(&v->dec, out_int, out_nanos);
    default:
        return false;
    }
}

/* The digits of a number, for a warning. */
static struct str warn_text(const struct value *v, char buf[FORMAT_REAL_MAX])
{
    switch (v->kind) {
    case VALUE_INT:
        return str_from(buf, format_i64(v->i, buf));
    case VALUE_UINT:
        return str_from(buf, format_u64(v->u, buf));
    case VALUE_DOUBLE:
        return str_from(buf, format_double(v->d, DECIMALS_NOT_FIXED, buf));
    case VALUE_DECIMAL:
        return str_from(buf, decimal_format(&v->dec, buf));
    case VALUE_STRING:
    case VALUE_JSON:
        return v->str;
    case VALUE_DATE:
        return str_from(buf, date_format(&v->time, buf));
    case VALUE_DATETIME:
        return str_from(buf, datetime_format(&v->time, v->decimals, buf));
    case VALUE_TIME:
        return str_from(buf, time_format(&v->time, v->decimals, buf));
    case VALUE_NULL:
        break;
    }
    return STR("NULL");
}

/* From the local time of the text's offset to that of the session. */
static int apply_offset(const struct temporal_read *r, const struct timezone *tz, struct mtime *t)
{
    int64_t utc = temporal_pack_datetime(t) - (int64_t)r->offset_s * 1000000;
    if (tz == NULL) {
        temporal_unpack_datetime(utc, t);
    } else {
        timezone_from_utc(tz, utc, t);
    }
    return t->year > 9999 ? -1 : 0;
}

/* A TIME as a moment of the session's current day. */
static void time_to_datetime(const struct mtime *time, const struct temporal_session *in,
                             struct mtime *out)
{
    struct mtime today;
    if (in->tz == NULL) {
        temporal_unpack_datetime(in->now_us, &today);
    } else {
        timezone_from_utc(in->tz, in->now_us, &today);
    }
    int64_t us = date_to_days(&today) * DAY_US + temporal_pack_time(time);
    temporal_unpack_datetime(us, out);
}

static int check_datetime(const struct mtime *t, uint64_t sql_mode)
{
    /* Values of date type are as valid as their column let them be; only the zero rules are the
     * session's. */
    return temporal_check_date(t, sql_mode | SQL_MODE_ALLOW_INVALID_DATES) == 0 ? 0 : -1;
}

int value_to_datetime_in(const struct value *v, const struct temporal_session *in,
                         struct mtime *out, struct diag *diag)
{
    struct temporal_read r = {.problems = 0};
    char buf[FORMAT_REAL_MAX];
    int64_t n;
    uint32_t nanos;
    int rc = -1;
    *out = (struct mtime){.year = 0};
    switch (v->kind) {
    case VALUE_NULL:
        return -1;
    case VALUE_DATE:
    case VALUE_DATETIME:
        rc = check_datetime(&v->time, in->sql_mode);
        r.t = v->time;
        break;
    case VALUE_TIME:
        time_to_datetime(&v->time, in, &r.t);
        rc = 0;
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        rc = temporal_read_datetime(v->kind == VALUE_JSON ? json_number_text(v->str) : v->str,
                                    in->sql_mode, in->dialect, &r);
        break;
    default:
        if (value_split_number(v, &n, &nanos)) {
            rc = temporal_read_datetime_number(n, nanos, in->sql_mode, &r);
        }
        break;
    }
    if (rc == 0) {
        rc = temporal_round_datetime(&r.t, r.nanos, 6, in->dialect == DIALECT_MYSQL);
    }
    if (rc == 0 && r.has_offset) {
        rc = apply_offset(&r, in->tz, &r.t);
    }
    if (rc != 0) {
        warn_incorrect(diag, "datetime", warn_text(v, buf));
        return -1;
    }
    if (in->dialect == DIALECT_MYSQL) {
        temporal_warn_delimiter(&r, v->str, 1, diag);
    }
    if (r.problems & TEMPORAL_LEFTOVER) {
        warn_truncated(diag, r.kind == TEMPORAL_DATE ? "date" : "datetime", v->str);
    }
    *out = r.t;
    return 0;
}

int value_to_datetime(const struct value *v, uint64_t sql_mode, struct mtime *out,
                      struct diag *diag)
{
    const struct temporal_session in = {.sql_mode = sql_mode};
    return value_to_datetime_in(v, &in, out, diag);
}

/* The clock part of a date-time. */
static struct mtime clock_of(const struct mtime *t)
{
    struct mtime clock = *t;
    clock.year = 0;
    clock.month = 0;
    clock.day = 0;
    return clock;
}

int value_to_time_in(const struct value *v, const struct temporal_session *in, struct mtime *out,
                     struct diag *diag)
{
    struct temporal_read r = {.problems = 0};
    char buf[FORMAT_REAL_MAX];
    int64_t n;
    uint32_t nanos;
    int rc = -1;
    *out = (struct mtime){.year = 0};
    switch (v->kind) {
    case VALUE_NULL:
        return -1;
    case VALUE_DATE:
        return 0;
    case VALUE_DATETIME:
        *out = clock_of(&v->time);
        return 0;
    case VALUE_TIME:
        *out = v->time;
        return 0;
    case VALUE_STRING:
    case VALUE_JSON:
        rc = temporal_read_time(v->kind == VALUE_JSON ? json_number_text(v->str) : v->str,
                                in->dialect, &r);
        break;
    default:
        if (value_split_number(v, &n, &nanos)) {
            rc = temporal_read_time_number(n, nanos, in->dialect, &r);
            rc = r.problems & ~(unsigned)TEMPORAL_DATE_LOST ? -1 : rc;
        }
        break;
    }
    if (rc != 0) {
        warn_truncated(diag, "time", warn_text(v, buf));
        return -1;
    }
    if (temporal_round_time(&r.t, r.nanos, 6, in->dialect == DIALECT_MYSQL) != 0) {
        r.problems |= TEMPORAL_OUT_OF_RANGE;
    }
    if (r.problems & ~(unsigned)TEMPORAL_DATE_LOST) {
        warn_truncated(diag, "time", warn_text(v, buf));
    }
    if (in->dialect == DIALECT_MYSQL) {
        temporal_warn_delimiter(&r, v->str, 1, diag);
    }
    *out = r.t;
    return 0;
}

int value_to_time(const struct value *v, struct mtime *out, struct diag *diag)
{
    const struct temporal_session in = {.sql_mode = 0};
    return value_to_time_in(v, &in, out, diag);
}
