/*
 * Storing numbers, and the complaints that all families share. What is stored and said for each
 * kind of source was seen on MySQL 9.7 and MariaDB 10.11. Pure but for the diag.
 */
#include "types/store.h"

#include "types/convert.h"
#include "types/store_int.h"
#include "types/temporal_text.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define MESSAGE_TEXT_MAX 128

bool store_is_strict(const struct store *st)
{
    return (st->ctx->sql_mode & SQL_MODE_STRICT) != 0 && !(st->ctx->flags & STORE_IGNORE);
}

int store_complain(const struct store *st, int code, struct str message)
{
    if (store_is_strict(st)) {
        return diag_set_text(st->ctx->diag, code, message);
    }
    diag_warn_at(st->ctx->diag, DIAG_WARNING, code, "%.*s", STR_FMT(message));
    return 0;
}

/* "TEXT for column 'c' at row 1" */
static struct str at_column(const struct store *st, const char *text)
{
    return arena_printf(st->arena, "%s for column '%.*s' at row %llu", text, STR_FMT(st->name),
                        (unsigned long long)st->ctx->row);
}

int store_out_of_range(const struct store *st)
{
    return store_complain(st, ER_WARN_DATA_OUT_OF_RANGE, at_column(st, "Out of range value"));
}

int store_truncated(const struct store *st)
{
    return store_complain(st, WARN_DATA_TRUNCATED, at_column(st, "Data truncated"));
}

int store_too_long(const struct store *st)
{
    if (store_is_strict(st)) {
        return store_complain(st, ER_DATA_TOO_LONG, at_column(st, "Data too long"));
    }
    return store_truncated(st);
}

void store_note_truncated(const struct store *st)
{
    struct str message = at_column(st, "Data truncated");
    diag_warn_at(st->ctx->diag, DIAG_NOTE, WARN_DATA_TRUNCATED, "%.*s", STR_FMT(message));
}

/* Bytes of the well-formed character at s, or 0. */
static size_t char_len(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.len; n++) {
        if (str_is_utf8(str_from(s.p, n))) {
            return n;
        }
    }
    return 0;
}

static struct str printable(const struct store *st, struct str s, size_t max)
{
    bool binary = st->from->kind == VALUE_STRING && st->from->collation == COLLATION_BINARY;
    char *buf = arena_alloc(st->arena, MIN(s.len, max) * 4 + 4);
    char *p = buf;
    size_t used = 0;
    while (s.len > 0 && used < max) {
        size_t n = binary ? s.p[0] >= 0x20 && s.p[0] < 0x7f : char_len(s);
        if (n > 0) {
            memcpy(p, s.p, n);
            p += n;
        } else {
            static const char hex[] = "0123456789ABCDEF";
            *p++ = '\\';
            *p++ = 'x';
            *p++ = hex[(unsigned char)s.p[0] >> 4];
            *p++ = hex[(unsigned char)s.p[0] & 15];
            n = 1;
        }
        used += n;
        s.p += n;
        s.len -= n;
    }
    return str_from(buf, (size_t)(p - buf));
}

struct str store_source_text(const struct store *st)
{
    struct str text = value_to_text(st->from, NULL, st->arena);
    return printable(st, text, MESSAGE_TEXT_MAX);
}

struct str store_incorrect_message(const struct store *st, const char *what, struct str value)
{
    unsigned long long row = st->ctx->row;
    if (st->ctx->dialect == DIALECT_MARIADB) {
        return arena_printf(
            st->arena, "Incorrect %s value: '%.*s' for column `%.*s`.`%.*s`.`%.*s` at row %llu",
            what, STR_FMT(value), STR_FMT(st->ctx->database), STR_FMT(st->ctx->table),
            STR_FMT(st->name), row);
    }
    return arena_printf(st->arena, "Incorrect %s value: '%.*s' for column '%.*s' at row %llu", what,
                        STR_FMT(value), STR_FMT(st->name), row);
}

int store_incorrect(const struct store *st, const char *what)
{
    struct str message = store_incorrect_message(st, what, store_source_text(st));
    return store_complain(st, ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, message);
}

/* Bytes of bad text that a message shows. */
#define BAD_TEXT_SHOWN 6

int store_incorrect_text(const struct store *st, struct str rest)
{
    static const char hex[] = "0123456789ABCDEF";
    char buf[BAD_TEXT_SHOWN * 4 + 4];
    char *p = buf;
    for (size_t i = 0; i < MIN(rest.len, BAD_TEXT_SHOWN); i++) {
        unsigned char c = (unsigned char)rest.p[i];
        if (c >= 0x20 && c < 0x7f) {
            *p++ = (char)c;
            continue;
        }
        *p++ = '\\';
        *p++ = 'x';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
    }
    if (rest.len > BAD_TEXT_SHOWN) {
        memcpy(p, "...", 3);
        p += 3;
    }
    struct str message = store_incorrect_message(st, "string", str_from(buf, (size_t)(p - buf)));
    return store_complain(st, ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, message);
}

static bool is_text(const struct value *v)
{
    return v->kind == VALUE_STRING || v->kind == VALUE_JSON;
}

static bool is_temporal(const struct value *v)
{
    return v->kind == VALUE_DATE || v->kind == VALUE_DATETIME || v->kind == VALUE_TIME;
}

static bool only_spaces(struct str s, size_t pos)
{
    for (; pos < s.len; pos++) {
        if (s.p[pos] != ' ' && (s.p[pos] < '\t' || s.p[pos] > '\r')) {
            return false;
        }
    }
    return true;
}

/* Range of an integer type. */
struct int_limits {
    int64_t min;
    uint64_t max;
};

static struct int_limits limits_of(const struct sql_type *type)
{
    unsigned bits = 64;
    switch (type->type) {
    case MYSQL_TYPE_TINY:
        bits = 8;
        break;
    case MYSQL_TYPE_SHORT:
        bits = 16;
        break;
    case MYSQL_TYPE_INT24:
        bits = 24;
        break;
    case MYSQL_TYPE_LONG:
        bits = 32;
        break;
    default:
        break;
    }
    if (type_is_unsigned(type)) {
        return (struct int_limits){.min = 0, .max = UINT64_MAX >> (64 - bits)};
    }
    return (struct int_limits){.min = -1 - (INT64_MAX >> (64 - bits)),
                               .max = UINT64_MAX >> (65 - bits)};
}

/* An integer of any sign on its way into a column. */
struct wide_int {
    uint64_t magnitude;
    bool negative;
    bool overflow; /* Beyond 64 bits. */
};

static void set_int(const struct store *st, int64_t i)
{
    *st->out = type_is_unsigned(st->type) ? value_uint((uint64_t)i) : value_int(i);
}

/* Stores what fits of w. */
static int store_wide_int(const struct store *st, const struct wide_int *w)
{
    struct int_limits limits = limits_of(st->type);
    uint64_t max = w->negative ? 0 - (uint64_t)limits.min : limits.max;
    if (!w->overflow && w->magnitude <= max) {
        set_int(st, (int64_t)(w->negative ? 0 - w->magnitude : w->magnitude));
        return 0;
    }
    set_int(st, w->negative ? limits.min : (int64_t)limits.max);
    return store_out_of_range(st);
}

static struct wide_int wide_from_decimal(const struct decimal *d)
{
    struct decimal abs = *d;
    struct wide_int w = {.negative = d->negative};
    abs.negative = false;
    w.overflow = decimal_to_u64(&abs, &w.magnitude) == DECIMAL_OVERFLOW;
    return w;
}

static struct wide_int wide_from_double(double d)
{
    double r = rint(d);
    struct wide_int w = {.negative = r < 0};
    double abs = fabs(r);
    w.overflow = !(abs < 18446744073709551616.0);
    w.magnitude = w.overflow ? UINT64_MAX : (uint64_t)abs;
    return w;
}

/* Digits only, as most numbers in files are. Returns false when it is anything else. */
static bool wide_from_digits(struct str s, struct wide_int *out)
{
    size_t pos = s.len > 0 && s.p[0] == '-';
    uint64_t n = 0;
    if (s.len == pos || s.len - pos > 18) {
        return false;
    }
    out->negative = pos > 0;
    for (; pos < s.len; pos++) {
        unsigned digit = (unsigned)(unsigned char)s.p[pos] - '0';
        if (digit > 9) {
            return false;
        }
        n = n * 10 + digit;
    }
    out->negative = out->negative && n > 0;
    out->overflow = false;
    out->magnitude = n;
    return true;
}

/* Reads the number at the start of text, rounded. Returns what is to complain: 0, 1366 or 1265. */
static int wide_from_text(struct str s, struct wide_int *out)
{
    struct decimal d;
    size_t used;
    if (wide_from_digits(s, out)) {
        return 0;
    }
    enum decimal_status status = decimal_parse(s, &d, &used);
    *out = wide_from_decimal(&d);
    out->overflow = out->overflow || status == DECIMAL_OVERFLOW;
    if (used == 0) {
        return ER_TRUNCATED_WRONG_VALUE_FOR_FIELD;
    }
    return only_spaces(s, used) ? 0 : WARN_DATA_TRUNCATED;
}

/* MariaDB notes that spaces behind a number are lost. */
static void note_spaces(const struct store *st, size_t used)
{
    if (st->ctx->dialect == DIALECT_MARIADB && used < st->from->str.len) {
        store_note_truncated(st);
    }
}

/* Ends in a space, behind what may be a number? */
static bool ends_in_space(struct str s)
{
    return s.len > 0 && only_spaces(s, s.len - 1);
}

static int complain_about_number(const struct store *st, int code, const char *what)
{
    switch (code) {
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
        return store_incorrect(st, what);
    case WARN_DATA_TRUNCATED:
        return store_truncated(st);
    default:
        return 0;
    }
}

static int store_text_as_int(const struct store *st)
{
    struct wide_int w;
    int code = wide_from_text(st->from->str, &w);
    struct int_limits limits = limits_of(st->type);
    uint64_t max = w.negative ? 0 - (uint64_t)limits.min : limits.max;
    if (w.overflow || w.magnitude > max) {
        /* Text behind a number that is out of range anyway is not worth a second complaint. */
        return store_wide_int(st, &w);
    }
    if (store_wide_int(st, &w) != 0) {
        return -1;
    }
    if (code == 0 && ends_in_space(st->from->str)) {
        note_spaces(st, 0);
    }
    return complain_about_number(st, code, "integer");
}

/* A decimal that is no 64-bit number is complained about once for that and once for the column. */
static int store_decimal_as_int(const struct store *st, const struct decimal *d)
{
    struct wide_int w = wide_from_decimal(d);
    struct decimal zero = decimal_from_i64(0);
    bool below_zero = type_is_unsigned(st->type) && decimal_cmp(d, &zero) < 0;
    if (below_zero) {
        set_int(st, 0);
        return store_out_of_range(st);
    }
    bool beyond =
        w.overflow ||
        w.magnitude > (type_is_unsigned(st->type) ? UINT64_MAX : (uint64_t)INT64_MAX + w.negative);
    if (beyond && st->type->type != MYSQL_TYPE_LONGLONG && store_out_of_range(st) != 0) {
        return -1;
    }
    return store_wide_int(st, &w);
}

static int store_int(const struct store *st)
{
    const struct value *v = st->from;
    struct wide_int w = {.magnitude = 0};
    switch (v->kind) {
    case VALUE_INT:
        w.negative = v->i < 0;
        w.magnitude = w.negative ? 0 - (uint64_t)v->i : (uint64_t)v->i;
        break;
    case VALUE_UINT:
        w.magnitude = v->u;
        break;
    case VALUE_DOUBLE:
        w = wide_from_double(v->d);
        break;
    case VALUE_DECIMAL:
        return store_decimal_as_int(st, &v->dec);
    case VALUE_STRING:
    case VALUE_JSON:
        return store_text_as_int(st);
    default: {
        bool is_unsigned;
        struct value cut = *v;
        struct mtime t = v->time;
        bool mariadb = st->ctx->dialect == DIALECT_MARIADB;
        cut.time.usec = mariadb && v->kind != VALUE_DATE ? 0 : v->time.usec;
        if (!mariadb && v->kind == VALUE_DATETIME && temporal_round_datetime(&t, 0, 0, true) != 0 &&
            store_complain(st, ER_DATETIME_FUNCTION_OVERFLOW,
                           STR("Datetime function: datetime field overflow")) != 0) {
            return -1;
        }
        int64_t i = value_to_int(&cut, &is_unsigned, NULL);
        w.negative = i < 0;
        w.magnitude = w.negative ? 0 - (uint64_t)i : (uint64_t)i;
        break;
    }
    }
    return store_wide_int(st, &w);
}

#define YEAR_FIRST 1901
#define YEAR_LAST  2155

/* n as YEAR; zero_is_2000 tells '0' from 0. */
static int store_year_number(const struct store *st, int64_t n, bool zero_is_2000)
{
    if (n < 0 || (n >= 100 && n < YEAR_FIRST) || n > YEAR_LAST) {
        *st->out = value_uint(0);
        return store_out_of_range(st);
    }
    if (n < 100 && (n != 0 || zero_is_2000)) {
        n += n < 70 ? 2000 : 1900;
    }
    *st->out = value_uint((uint64_t)n);
    return 0;
}

static int64_t clamp_year(const struct wide_int *w)
{
    int64_t n = w->overflow || w->magnitude > 9999 ? 9999 : (int64_t)w->magnitude;
    return w->negative ? -1 : n;
}

static int store_text_as_year(const struct store *st)
{
    struct wide_int w;
    struct str s = st->from->str;
    int code = wide_from_text(s, &w);
    int64_t n = clamp_year(&w);
    bool in_range = n >= 0 && (n < 100 || n >= YEAR_FIRST) && n <= YEAR_LAST;
    if (code == ER_TRUNCATED_WRONG_VALUE_FOR_FIELD) {
        *st->out = value_uint(0);
        return store_incorrect(st, "integer");
    }
    if (store_year_number(st, n, s.len != 4) != 0) {
        return -1;
    }
    if (code == 0 && in_range && ends_in_space(s)) {
        note_spaces(st, 0);
    }
    return in_range ? complain_about_number(st, code, "integer") : 0;
}

/* The session's current year, for a TIME. */
static int year_of_time(const struct store *st)
{
    struct mtime today;
    const struct temporal_session in = {.tz = st->ctx->tz, .now_us = st->ctx->now_us};
    if (value_to_datetime_in(st->from, &in, &today, NULL) != 0) {
        return 0;
    }
    return today.year;
}

static int store_year(const struct store *st)
{
    const struct value *v = st->from;
    struct wide_int w = {.magnitude = 0};
    switch (v->kind) {
    case VALUE_INT:
        w.negative = v->i < 0;
        w.magnitude = w.negative ? 0 - (uint64_t)v->i : (uint64_t)v->i;
        break;
    case VALUE_UINT:
        w.magnitude = v->u;
        break;
    case VALUE_DOUBLE:
        /* Cut, not rounded; a negative one is out of range however small. */
        w = wide_from_double(trunc(v->d));
        w.negative = v->d < 0;
        break;
    case VALUE_DECIMAL:
        w = wide_from_decimal(&v->dec);
        if (w.overflow && !w.negative && store_out_of_range(st) != 0) {
            return -1;
        }
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        return store_text_as_year(st);
    case VALUE_TIME:
        return store_year_number(st, year_of_time(st), false);
    default:
        return store_year_number(st, v->time.year, false);
    }
    return store_year_number(st, clamp_year(&w), false);
}

static int store_bit_bytes(const struct store *st, struct str s)
{
    unsigned bits = st->type->length;
    uint64_t max = UINT64_MAX >> (64 - bits);
    uint64_t n = 0;
    while (s.len > 0 && s.p[0] == '\0') {
        s.p++;
        s.len--;
    }
    for (size_t i = 0; i < MIN(s.len, 8); i++) {
        n = n << 8 | (unsigned char)s.p[i];
    }
    if (s.len <= 8 && n <= max) {
        *st->out = value_uint(n);
        return 0;
    }
    *st->out = value_uint(max);
    /* MySQL's words go by sql_mode alone, IGNORE or not. */
    bool strict = st->ctx->dialect == DIALECT_MYSQL ? (st->ctx->sql_mode & SQL_MODE_STRICT) != 0
                                                    : store_is_strict(st);
    return strict ? store_complain(st, ER_DATA_TOO_LONG, at_column(st, "Data too long"))
                  : store_out_of_range(st);
}

static int store_bit_number(const struct store *st, uint64_t n)
{
    char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(uint8_t)(n >> (56 - 8 * i));
    }
    return store_bit_bytes(st, str_from(bytes, sizeof(bytes)));
}

static int store_bit(const struct store *st)
{
    const struct value *v = st->from;
    struct wide_int w;
    switch (v->kind) {
    case VALUE_INT:
    case VALUE_UINT:
        return store_bit_number(st, v->u);
    case VALUE_DOUBLE:
        w = wide_from_double(trunc(v->d));
        if (w.overflow || w.magnitude > INT64_MAX) {
            return store_bit_number(st, w.negative ? (uint64_t)INT64_MIN : (uint64_t)INT64_MAX);
        }
        return store_bit_number(st, w.negative ? 0 - w.magnitude : w.magnitude);
    case VALUE_DECIMAL:
        w = wide_from_decimal(&v->dec);
        if (w.negative) {
            *st->out = value_uint(0);
            return store_out_of_range(st);
        }
        if (w.overflow && store_out_of_range(st) != 0) {
            return -1;
        }
        return store_bit_number(st, w.magnitude);
    default:
        return store_bit_bytes(st, value_to_text(v, NULL, st->arena));
    }
}

/* The largest magnitude of a real column. */
static double real_limit(const struct sql_type *type)
{
    if (type->decimals < DECIMALS_NOT_FIXED) {
        unsigned ints = type->length > type->decimals ? type->length - type->decimals : 0;
        return pow(10, ints) - pow(10, -(double)type->decimals);
    }
    return type->type == MYSQL_TYPE_FLOAT ? (double)FLT_MAX : DBL_MAX;
}

/* Rounds to the declared digits the way the servers do: the fraction apart from the rest. */
static double round_real(double d, unsigned decimals)
{
    double scale = pow(10, decimals);
    double whole = floor(d);
    return whole + rint((d - whole) * scale) / scale;
}

static int store_real_number(const struct store *st, double d)
{
    double limit = real_limit(st->type);
    bool bad = isnan(d) || (type_is_unsigned(st->type) && d < 0);
    if (bad) {
        *st->out = value_double(0);
        return store_out_of_range(st);
    }
    if (st->type->decimals < DECIMALS_NOT_FIXED && isfinite(d)) {
        d = round_real(d, st->type->decimals);
    }
    if (d > limit || d < -limit) {
        *st->out = value_double(d < 0 ? -limit : limit);
        return store_out_of_range(st);
    }
    *st->out = value_double(st->type->type == MYSQL_TYPE_FLOAT ? (double)(float)d : d);
    return 0;
}

static int store_text_as_real(const struct store *st)
{
    struct str s = st->from->str;
    size_t used;
    bool overflow;
    double d = parse_double(s, &used, &overflow);
    bool mariadb = st->ctx->dialect == DIALECT_MARIADB;
    const char *name = st->type->type == MYSQL_TYPE_FLOAT ? "FLOAT" : "DOUBLE";
    if (used == 0 || (!mariadb && !only_spaces(s, used))) {
        if (store_incorrect(st, mariadb ? "double" : name) != 0) {
            return -1;
        }
    } else if (!only_spaces(s, used)) {
        if (store_truncated(st) != 0) {
            return -1;
        }
    } else {
        note_spaces(st, used);
    }
    if (overflow && store_out_of_range(st) != 0) {
        return -1;
    }
    if (overflow && real_limit(st->type) == DBL_MAX) {
        *st->out = value_double(d);
        return 0;
    }
    return store_real_number(st, d);
}

static int store_real(const struct store *st)
{
    return is_text(st->from) ? store_text_as_real(st)
                             : store_real_number(st, value_to_double(st->from, NULL));
}

/* Fits d into the column; `beyond` when it was already clipped on the way. */
static int store_decimal_number(const struct store *st, const struct decimal *d, bool beyond)
{
    struct value *out = st->out;
    *out = (struct value){.kind = VALUE_DECIMAL};
    if (d->negative && type_is_unsigned(st->type)) {
        out->dec = decimal_from_i128(0, st->type->decimals);
        return store_out_of_range(st);
    }
    enum decimal_status status = decimal_fit(d, st->type->length, st->type->decimals, &out->dec);
    if (status == DECIMAL_OVERFLOW || beyond) {
        out->dec = decimal_max(st->type->length, st->type->decimals, d->negative);
        return store_out_of_range(st);
    }
    if (status == DECIMAL_TRUNCATED) {
        store_note_truncated(st);
    }
    return 0;
}

/* MariaDB complains about text behind the number, even spaces a little. */
static int store_mariadb_decimal(const struct store *st, const struct decimal *d, size_t used,
                                 bool overflow)
{
    if (!only_spaces(st->from->str, used)) {
        if (store_truncated(st) != 0) {
            return -1;
        }
    } else {
        note_spaces(st, used);
    }
    return store_decimal_number(st, d, overflow);
}

static int store_text_as_decimal(const struct store *st)
{
    struct str s = st->from->str;
    struct decimal d;
    size_t used;
    enum decimal_status status = decimal_parse(s, &d, &used);
    if (used == 0) {
        *st->out =
            (struct value){.kind = VALUE_DECIMAL, .dec = decimal_from_i128(0, st->type->decimals)};
        return store_incorrect(st, "decimal");
    }
    bool faulty = !only_spaces(s, used) || status == DECIMAL_OVERFLOW;
    if (st->ctx->dialect == DIALECT_MARIADB) {
        return store_mariadb_decimal(st, &d, used, status == DECIMAL_OVERFLOW);
    }
    if (faulty && store_is_strict(st)) {
        (void)!decimal_fit(&d, st->type->length, st->type->decimals, &d);
        *st->out = (struct value){.kind = VALUE_DECIMAL, .dec = d};
        return store_incorrect(st, "decimal");
    }
    if (!only_spaces(s, used)) {
        store_note_truncated(st);
    }
    return store_decimal_number(st, &d, status == DECIMAL_OVERFLOW);
}

static int store_decimal(const struct store *st)
{
    if (is_text(st->from)) {
        return store_text_as_decimal(st);
    }
    struct decimal d;
    if (st->from->kind == VALUE_DOUBLE) {
        enum decimal_status status = decimal_from_double(st->from->d, &d);
        return store_decimal_number(st, &d, status == DECIMAL_OVERFLOW);
    }
    struct value v = *st->from;
    if (is_temporal(&v)) {
        v.decimals = 6;
    }
    d = value_to_decimal(&v, NULL);
    return store_decimal_number(st, &d, false);
}

static int store_number(const struct store *st)
{
    return st->type->type == MYSQL_TYPE_YEAR ? store_year(st) : store_int(st);
}

typedef int store_fn(const struct store *st);

static store_fn *const stores[] = {
    [TYPE_CLASS_NULL] = NULL,
    [TYPE_CLASS_INT] = store_number,
    [TYPE_CLASS_BIT] = store_bit,
    [TYPE_CLASS_DECIMAL] = store_decimal,
    [TYPE_CLASS_REAL] = store_real,
    [TYPE_CLASS_DATE] = store_temporal,
    [TYPE_CLASS_DATETIME] = store_temporal,
    [TYPE_CLASS_TIME] = store_temporal,
    [TYPE_CLASS_STRING] = store_string,
    [TYPE_CLASS_ENUM] = store_enum,
    [TYPE_CLASS_SET] = store_set,
    [TYPE_CLASS_JSON] = store_json,
    [TYPE_CLASS_OPAQUE] = store_string,
};

int store_value(const struct store_ctx *ctx, const struct sql_type *type, struct str name,
                const struct value *from, struct arena *arena, struct value *out)
{
    const struct store st = {
        .ctx = ctx, .type = type, .name = name, .from = from, .arena = arena, .out = out};
    store_fn *store = stores[type_class_of(type->type)];
    *out = value_null();
    if (from->kind == VALUE_NULL || store == NULL) {
        return 0;
    }
    return store(&st);
}
