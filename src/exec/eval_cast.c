/* CAST and CONVERT(x, type): to each family, with the servers' warnings. */
#include "exec/eval_int.h"
#include "types/temporal_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static void warn_truncated(struct eval_ctx *ctx, const char *what, struct str text)
{
    diag_warn(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, what,
              arena_dup_cstr(ctx->arena, str_from(text.p, MIN(text.len, 128u))));
}

/* MariaDB's code for a number that does not fit the integer type it is cast to. */
#define MARIADB_DATA_OVERFLOW 1916

static void note_overflow(struct eval_ctx *ctx, enum diag_level level, struct str text,
                          const char *type)
{
    diag_warn_at(ctx->diag, level, MARIADB_DATA_OVERFLOW,
                 "Got overflow when converting '%.*s' to %s. Value truncated", STR_FMT(text), type);
}

/* MySQL clips silently to what is signed; MariaDB to the wanted type, with a note. */
static int64_t double_to_int(struct eval_ctx *ctx, const struct expr *arg, double d,
                             bool is_unsigned)
{
    const double r = rint(d);
    const bool wide = is_unsigned && eval_is_mariadb(ctx);
    const struct value v = value_double(d);
    if (wide && r >= 0 && r < 18446744073709551616.0) {
        return (int64_t)(uint64_t)r;
    }
    if (!wide && r >= -9223372036854775808.0 && r < 9223372036854775808.0) {
        return (int64_t)r;
    }
    if (eval_is_mariadb(ctx)) {
        note_overflow(ctx, DIAG_NOTE, eval_text(ctx, arg, &v),
                      is_unsigned ? "UNSIGNED BIGINT" : "SIGNED BIGINT");
    }
    if (wide) {
        return r < 0 ? 0 : -1;
    }
    return r < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t decimal_to_int(struct eval_ctx *ctx, const struct expr *arg, const struct value *v,
                              bool is_unsigned)
{
    int64_t i;
    uint64_t u;
    const bool as_unsigned = is_unsigned && (!v->dec.negative || eval_is_mariadb(ctx));
    const enum decimal_status status =
        as_unsigned ? decimal_to_u64(&v->dec, &u) : decimal_to_i64(&v->dec, &i);
    const struct str text = eval_text(ctx, arg, v);
    if (status == DECIMAL_OVERFLOW && eval_is_mariadb(ctx)) {
        note_overflow(ctx, DIAG_WARNING, text, is_unsigned ? "UNSIGNED INT" : "INT");
    } else if (status == DECIMAL_OVERFLOW) {
        warn_truncated(ctx, "DECIMAL", text);
    }
    return as_unsigned ? (int64_t)u : i;
}

static int64_t text_to_int(struct eval_ctx *ctx, const struct expr *arg, const struct value *v,
                           bool to_unsigned)
{
    bool is_unsigned;
    const int64_t i = eval_int(ctx, arg, v, &is_unsigned);
    if (to_unsigned == is_unsigned || i >= 0) {
        return i;
    }
    const enum diag_level level = eval_is_mariadb(ctx) ? DIAG_NOTE : DIAG_WARNING;
    diag_warn_at(ctx->diag, level, ER_UNKNOWN_ERROR,
                 to_unsigned ? "Cast to unsigned converted negative integer to %s positive "
                               "complement"
                             : "Cast to signed converted positive out-of-range integer to %s "
                               "negative complement",
                 eval_is_mariadb(ctx) ? "it's" : "its");
    return i;
}

static int to_int(struct eval_ctx *ctx, const struct expr *e, const struct value *v,
                  struct value *out)
{
    const struct expr *arg = e->args[0];
    const bool is_unsigned = type_is_unsigned(&e->type);
    bool from_unsigned;
    int64_t i;
    switch (v->kind) {
    case VALUE_DOUBLE:
        i = double_to_int(ctx, arg, v->d, is_unsigned);
        break;
    case VALUE_DECIMAL:
        i = decimal_to_int(ctx, arg, v, is_unsigned);
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        i = text_to_int(ctx, arg, v, is_unsigned);
        break;
    default:
        i = eval_int(ctx, arg, v, &from_unsigned);
        if (is_unsigned && !from_unsigned && i < 0 && eval_is_mariadb(ctx)) {
            diag_warn_at(ctx->diag, DIAG_NOTE, ER_UNKNOWN_ERROR,
                         "Cast to unsigned converted negative integer to it's positive complement");
        }
        break;
    }
    *out = is_unsigned ? value_uint((uint64_t)i) : value_int(i);
    return 0;
}

static int to_decimal(struct eval_ctx *ctx, const struct expr *e, const struct value *v,
                      struct value *out)
{
    const struct decimal d = eval_decimal(ctx, e->args[0], v);
    *out = (struct value){.kind = VALUE_DECIMAL};
    if (decimal_fit(&d, e->type.length, e->type.decimals, &out->dec) == DECIMAL_OVERFLOW) {
        diag_warn(ctx->diag, DIAG_WARNING, ER_WARN_DATA_OUT_OF_RANGE, eval_print(ctx, e), 1UL);
    }
    return 0;
}

static int to_real(struct eval_ctx *ctx, const struct expr *e, const struct value *v,
                   struct value *out)
{
    double d = eval_double(ctx, e->args[0], v);
    if (e->type.type == MYSQL_TYPE_FLOAT) {
        if (fabs(d) > (double)FLT_MAX) {
            if (!eval_is_mariadb(ctx)) {
                return eval_out_of_range(ctx, "DOUBLE", e);
            }
            diag_warn(ctx->diag, DIAG_NOTE, ER_WARN_DATA_OUT_OF_RANGE, eval_print(ctx, e), 1UL);
            d = copysign((double)FLT_MAX, d);
        }
        d = (double)(float)d;
    }
    *out = value_double(d);
    return 0;
}

/* Which of the fraction digits are kept: MySQL rounds, MariaDB cuts unless told to round. */
static bool rounds(const struct eval_ctx *ctx)
{
    if (eval_is_mariadb(ctx)) {
        return (ctx->sql_mode & SQL_MODE_TIME_ROUND_FRACTIONAL) != 0;
    }
    return (ctx->sql_mode & SQL_MODE_TIME_TRUNCATE_FRACTIONAL) == 0;
}

static int to_temporal(struct eval_ctx *ctx, const struct expr *e, const struct value *v,
                       struct value *out)
{
    struct mtime t;
    const enum type_class class = type_class_of(e->type.type);
    const unsigned fsp = e->type.decimals;
    if (class == TYPE_CLASS_TIME) {
        if (eval_time(ctx, v, &t)) {
            (void)!temporal_round_time(&t, 0, fsp, rounds(ctx));
            *out = (struct value){.kind = VALUE_TIME, .decimals = (uint8_t)fsp, .time = t};
        }
        return 0;
    }
    if (class == TYPE_CLASS_DATE ? !eval_date_of(ctx, v, ctx->sql_mode, &t)
                                 : !eval_datetime(ctx, v, &t)) {
        return 0;
    }
    if (class == TYPE_CLASS_DATE) {
        const struct mtime day = {.year = t.year, .month = t.month, .day = t.day};
        *out = (struct value){.kind = VALUE_DATE, .time = day};
        return 0;
    }
    if (temporal_round_datetime(&t, 0, fsp, rounds(ctx)) == 0) {
        *out = (struct value){.kind = VALUE_DATETIME, .decimals = (uint8_t)fsp, .time = t};
    }
    return 0;
}

/* CHAR(n), BINARY(n): what is beyond is cut, with a warning; BINARY is padded with zero bytes. */
static int fit_length(struct eval_ctx *ctx, const struct expr *e, struct str s, struct value *out)
{
    const bool binary = e->type.collation == COLLATION_BINARY;
    const uint32_t n = e->cast.target.type.length;
    const size_t keep = binary ? MIN(s.len, (size_t)n) : utf8_prefix(s, n);
    if (keep < s.len) {
        char what[32];
        (void)snprintf(what, sizeof(what), "%s(%u)", binary ? "BINARY" : "CHAR", (unsigned)n);
        warn_truncated(ctx, what, s);
    } else if (binary && s.len < n) {
        char *padded = eval_text_room(ctx, e, n);
        if (padded == NULL) {
            return 0;
        }
        memset(padded, 0, n);
        memcpy(padded, s.p != NULL ? s.p : "", s.len);
        eval_set_text(e, str_from(padded, n), out);
        return 0;
    }
    eval_set_text(e, str_from(s.p, keep), out);
    return 0;
}

/* Bytes that become text: they must be of that character set. */
static bool bytes_to_text(struct eval_ctx *ctx, const struct collation *to, struct str *s)
{
    const size_t valid = charset_valid_prefix(to->charset, *s);
    if (valid < s->len) {
        char shown[32];
        size_t n = 0;
        for (size_t i = valid; i < s->len && i < valid + 6; i++) {
            const unsigned char c = (unsigned char)s->p[i];
            const bool plain = eval_is_mariadb(ctx) && c >= 32 && c < 127;
            n += (size_t)snprintf(shown + n, sizeof(shown) - n,
                                  plain                  ? "%c"
                                  : eval_is_mariadb(ctx) ? "\\x%02X"
                                                         : "%02X",
                                  c);
        }
        diag_warn(ctx->diag, DIAG_WARNING, ER_INVALID_CHARACTER_STRING,
                  arena_dup_cstr(ctx->arena, to->charset->name), shown);
        if (!eval_is_mariadb(ctx)) {
            return false;
        }
    }
    *s = charset_str_to_utf8(to->charset, *s, ctx->arena);
    return true;
}

static int to_char(struct eval_ctx *ctx, const struct expr *e, const struct value *v,
                   struct value *out)
{
    const struct expr *arg = e->args[0];
    const struct collation *to = collation_find(e->type.collation);
    const bool binary = e->type.collation == COLLATION_BINARY;
    struct str s = binary ? eval_bytes(ctx, arg, v) : eval_text(ctx, arg, v);
    if (!binary && v->kind == VALUE_STRING && v->collation == COLLATION_BINARY && to != NULL &&
        !bytes_to_text(ctx, to, &s)) {
        return 0;
    }
    if (e->kind == EXPR_CAST && e->cast.target.has_length) {
        return fit_length(ctx, e, s, out);
    }
    eval_set_text(e, s, out);
    return 0;
}

int eval_convert_using(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                       struct value *out)
{
    return to_char(ctx, e, &args[0], out);
}

int eval_binary(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    if (!eval_is_mariadb(ctx)) {
        diag_warn(ctx->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX, "BINARY expr", "CAST");
    }
    return to_char(ctx, e, &args[0], out);
}

int eval_cast(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    struct value v;
    *out = value_null();
    if (eval_node(ctx, e->args[0], &v) != 0) {
        return -1;
    }
    if (v.kind == VALUE_NULL) {
        return 0;
    }
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_INT:
        return to_int(ctx, e, &v, out);
    case TYPE_CLASS_DECIMAL:
        return to_decimal(ctx, e, &v, out);
    case TYPE_CLASS_REAL:
        return to_real(ctx, e, &v, out);
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_DATETIME:
    case TYPE_CLASS_TIME:
        return to_temporal(ctx, e, &v, out);
    case TYPE_CLASS_STRING:
        return to_char(ctx, e, &v, out);
    default:
        return diag_set(ctx->diag, ER_NOT_SUPPORTED_YET, "CAST to this type");
    }
}
