/* Arguments as what a function wants: numbers, text, bytes, moments; and setting text results. */
#include "exec/eval_int.h"
#include "exec/exec_int.h"

/* Longest string result where no session says otherwise (the default of max_allowed_packet). */
#define DEFAULT_MAX_PACKET (64u << 20)

/* Text and an enumeration are different things to arithmetic: a hexadecimal literal is a number
 * there. */
static bool binary_literal(const struct expr *arg, const struct value *v, uint64_t *out)
{
    if (arg == NULL || arg->kind != EXPR_LITERAL || v->kind != VALUE_STRING ||
        (arg->lit.kind != LIT_HEX && arg->lit.kind != LIT_BIN)) {
        return false;
    }
    uint64_t n = 0;
    const size_t from = v->str.len > 8 ? v->str.len - 8 : 0;
    for (size_t i = from; i < v->str.len; i++) {
        n = n << 8 | (unsigned char)v->str.p[i];
    }
    *out = n;
    return true;
}

double eval_double(struct eval_ctx *ctx, const struct expr *arg, const struct value *v)
{
    uint64_t u;
    if (v->kind == VALUE_DOUBLE) {
        return v->d;
    }
    return binary_literal(arg, v, &u) ? (double)u : value_to_double(v, ctx->diag);
}

struct decimal eval_decimal(struct eval_ctx *ctx, const struct expr *arg, const struct value *v)
{
    uint64_t u;
    return binary_literal(arg, v, &u) ? decimal_from_u64(u) : value_to_decimal(v, ctx->diag);
}

int64_t eval_int(struct eval_ctx *ctx, const struct expr *arg, const struct value *v,
                 bool *out_unsigned)
{
    uint64_t u;
    if (v->kind == VALUE_INT) {
        *out_unsigned = false;
        return v->i;
    }
    if (binary_literal(arg, v, &u)) {
        *out_unsigned = true;
        return (int64_t)u;
    }
    return value_to_int(v, out_unsigned, ctx->diag);
}

int64_t eval_signed(struct eval_ctx *ctx, const struct expr *arg, const struct value *v)
{
    bool is_unsigned;
    const int64_t i = eval_int(ctx, arg, v, &is_unsigned);
    return is_unsigned && i < 0 ? INT64_MAX : i;
}

/* MySQL gives a real as an operand of a string function at most the width of its column. */
static struct str real_text(struct eval_ctx *ctx, const struct expr *arg, double d)
{
    char buf[FORMAT_REAL_MAX];
    bool cut;
    size_t len;
    if (arg->type.type == MYSQL_TYPE_FLOAT) {
        len = format_float_width((float)d, 12, buf, &cut);
    } else {
        len = format_double_width(d, 22, buf, &cut);
    }
    return arena_dup(ctx->arena, str_from(buf, len));
}

struct str eval_text(struct eval_ctx *ctx, const struct expr *arg, const struct value *v)
{
    if (v->kind == VALUE_STRING || v->kind == VALUE_JSON) {
        return v->str;
    }
    if (v->kind == VALUE_DOUBLE && !eval_is_mariadb(ctx) && arg->kind == EXPR_COLUMN &&
        arg->type.decimals == DECIMALS_NOT_FIXED) {
        return real_text(ctx, arg, v->d);
    }
    if (v->kind == VALUE_DECIMAL && type_class_of(arg->type.type) == TYPE_CLASS_DECIMAL &&
        v->dec.scale != arg->type.decimals && arg->kind != EXPR_LITERAL) {
        struct value shown = *v;
        (void)!decimal_round(&v->dec, arg->type.decimals, &shown.dec);
        return value_to_text(&shown, &arg->type, ctx->arena);
    }
    return value_to_text(v, &arg->type, ctx->arena);
}

bool eval_is_binary(const struct expr *arg)
{
    return type_is_binary_string(&arg->type);
}

struct str eval_bytes(struct eval_ctx *ctx, const struct expr *arg, const struct value *v)
{
    const struct str s = eval_text(ctx, arg, v);
    const uint16_t id =
        v->kind == VALUE_STRING && v->collation != 0 ? v->collation : arg->type.collation;
    const struct collation *c = collation_find(id);
    return v->kind == VALUE_STRING && c != NULL ? charset_str_from_utf8(c->charset, s, ctx->arena)
                                                : s;
}

bool eval_datetime(struct eval_ctx *ctx, const struct value *v, struct mtime *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    return value_to_datetime_in(v, &in, out, ctx->diag) == 0;
}

static void warn_value(struct eval_ctx *ctx, const char *what, const struct value *v)
{
    const struct str s = value_to_text(v, NULL, ctx->arena);
    diag_warn_at(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, "%s: '%.*s'", what,
                 (int)MIN(s.len, 128u), s.p != NULL ? s.p : "");
}

/* The servers word the warning for text that is no time differently. */
bool eval_time(struct eval_ctx *ctx, const struct value *v, struct mtime *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    if (!eval_is_mariadb(ctx) || v->kind != VALUE_STRING) {
        return value_to_time_in(v, &in, out, ctx->diag) == 0;
    }
    if (value_to_time_in(v, &in, out, NULL) != 0) {
        warn_value(ctx, "Incorrect time value", v);
        return false;
    }
    return value_to_time_in(v, &in, out, ctx->diag) == 0;
}

bool eval_date_of(struct eval_ctx *ctx, const struct value *v, uint64_t sql_mode, struct mtime *out)
{
    struct temporal_session in = eval_temporal_session(ctx);
    const bool text = v->kind == VALUE_STRING;
    in.sql_mode = sql_mode;
    if (value_to_datetime_in(v, &in, out, NULL) != 0) {
        warn_value(ctx,
                   text && !eval_is_mariadb(ctx) ? "Truncated incorrect date value"
                                                 : "Incorrect datetime value",
                   v);
        return false;
    }
    if (text) {
        /* Once more, for the warning about what is behind the date. */
        (void)!value_to_datetime_in(v, &in, out, ctx->diag);
    }
    return true;
}

int eval_arg_truth(struct eval_ctx *ctx, const struct expr *arg, const struct value *v)
{
    if (v->kind == VALUE_STRING || v->kind == VALUE_JSON) {
        return eval_double(ctx, arg, v) != 0;
    }
    return eval_truth(v);
}

void eval_set_text(const struct expr *e, struct str s, struct value *out)
{
    *out = value_string(s, e->type.collation);
}

void eval_set_ascii(struct eval_ctx *ctx, const struct expr *e, struct str s, struct value *out)
{
    eval_set_text(e, arena_dup(ctx->arena, s), out);
}

static const char *lower_name(struct eval_ctx *ctx, const char *name)
{
    char *copy = arena_dup_cstr(ctx->arena, str_from_cstr(name));
    for (char *p = copy; *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
    }
    return copy;
}

char *eval_text_room(struct eval_ctx *ctx, const struct expr *e, uint64_t len)
{
    const uint64_t max =
        ctx->session != NULL ? ctx->session->vars.max_allowed_packet : DEFAULT_MAX_PACKET;
    char *p = len <= max ? arena_try_alloc(ctx->arena, (size_t)len + 1) : NULL;
    if (p == NULL) {
        diag_warn(ctx->diag, DIAG_WARNING, ER_WARN_ALLOWED_PACKET_OVERFLOWED,
                  lower_name(ctx, e->func != NULL ? e->func->name : "cast"), (unsigned long)max);
    }
    return p;
}
