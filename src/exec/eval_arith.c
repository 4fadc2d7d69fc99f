/*
 * Operators on numbers. The resolved type of the node says in which family to calculate: integers
 * (checked against 64 bits), decimals, or doubles. What leaves the range is error 1690.
 */
#include "exec/eval_int.h"

#include <math.h>

static enum type_class result_class(const struct expr *e)
{
    return type_class_of(e->type.type);
}

/* An integer operand, exactly. */
static __int128 wide_operand(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                             uint32_t i)
{
    bool is_unsigned;
    const int64_t n = eval_int(ctx, e->args[i], &args[i], &is_unsigned);
    return is_unsigned ? (__int128)(uint64_t)n : (__int128)n;
}

static int set_int(struct eval_ctx *ctx, const struct expr *e, __int128 n, struct value *out)
{
    if (type_is_unsigned(&e->type)) {
        if (n < 0 || n > (__int128)UINT64_MAX) {
            return eval_out_of_range(ctx, "BIGINT UNSIGNED", e);
        }
        *out = value_uint((uint64_t)n);
        return 0;
    }
    if (n < INT64_MIN || n > INT64_MAX) {
        return eval_out_of_range(ctx, "BIGINT", e);
    }
    *out = value_int((int64_t)n);
    return 0;
}

static int set_double(struct eval_ctx *ctx, const struct expr *e, double d, struct value *out)
{
    if (!isfinite(d)) {
        return eval_out_of_range(ctx, "DOUBLE", e);
    }
    *out = value_double(d);
    return 0;
}

static int set_decimal(struct eval_ctx *ctx, const struct expr *e, enum decimal_status status,
                       const struct decimal *d, struct value *out)
{
    if (status == DECIMAL_OVERFLOW) {
        return eval_out_of_range(ctx, "DECIMAL", e);
    }
    *out = (struct value){.kind = VALUE_DECIMAL, .dec = *d};
    return 0;
}

typedef enum decimal_status decimal_op_fn(const struct decimal *a, const struct decimal *b,
                                          struct decimal *out);

static int decimal_op(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      decimal_op_fn *op, struct value *out)
{
    const struct decimal a = eval_decimal(ctx, e->args[0], &args[0]);
    const struct decimal b = eval_decimal(ctx, e->args[1], &args[1]);
    struct decimal d;
    const enum decimal_status status = op(&a, &b, &d);
    return set_decimal(ctx, e, status, &d, out);
}

int eval_add(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    switch (result_class(e)) {
    case TYPE_CLASS_INT:
        return set_int(ctx, e, wide_operand(ctx, e, args, 0) + wide_operand(ctx, e, args, 1), out);
    case TYPE_CLASS_DECIMAL:
        return decimal_op(ctx, e, args, decimal_add, out);
    default:
        return set_double(
            ctx, e, eval_double(ctx, e->args[0], &args[0]) + eval_double(ctx, e->args[1], &args[1]),
            out);
    }
}

int eval_sub(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    switch (result_class(e)) {
    case TYPE_CLASS_INT:
        return set_int(ctx, e, wide_operand(ctx, e, args, 0) - wide_operand(ctx, e, args, 1), out);
    case TYPE_CLASS_DECIMAL:
        return decimal_op(ctx, e, args, decimal_sub, out);
    default:
        return set_double(
            ctx, e, eval_double(ctx, e->args[0], &args[0]) - eval_double(ctx, e->args[1], &args[1]),
            out);
    }
}

int eval_mul(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    switch (result_class(e)) {
    case TYPE_CLASS_INT: {
        /* The only product of two 64-bit numbers beyond 128 bits is of two large unsigned ones. */
        const __int128 a = wide_operand(ctx, e, args, 0);
        const __int128 b = wide_operand(ctx, e, args, 1);
        __int128 n;
        if (__builtin_mul_overflow(a, b, &n)) {
            return eval_out_of_range(ctx, type_is_unsigned(&e->type) ? "BIGINT UNSIGNED" : "BIGINT",
                                     e);
        }
        return set_int(ctx, e, n, out);
    }
    case TYPE_CLASS_DECIMAL:
        return decimal_op(ctx, e, args, decimal_mul, out);
    default:
        return set_double(
            ctx, e, eval_double(ctx, e->args[0], &args[0]) * eval_double(ctx, e->args[1], &args[1]),
            out);
    }
}

int eval_div(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    if (result_class(e) == TYPE_CLASS_REAL) {
        const double a = eval_double(ctx, e->args[0], &args[0]);
        const double b = eval_double(ctx, e->args[1], &args[1]);
        if (b == 0) {
            eval_warn_division(ctx);
            return 0;
        }
        return set_double(ctx, e, a / b, out);
    }
    const struct decimal a = eval_decimal(ctx, e->args[0], &args[0]);
    const struct decimal b = eval_decimal(ctx, e->args[1], &args[1]);
    struct decimal d;
    const enum decimal_status status =
        eval_is_mariadb(ctx) ? decimal_div_unrounded(&a, &b, ctx->div_precision_increment, &d)
                             : decimal_div(&a, &b, ctx->div_precision_increment, &d);
    if (status == DECIMAL_DIV_ZERO) {
        eval_warn_division(ctx);
        return 0;
    }
    return set_decimal(ctx, e, status, &d, out);
}

static bool is_int_operand(const struct expr *arg)
{
    const enum type_class c = type_class_of(arg->type.type);
    return c == TYPE_CLASS_INT || c == TYPE_CLASS_BIT;
}

/* DIV of what is not an integer: the decimal quotient, cut. */
static int div_decimals(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                        struct value *out)
{
    const struct decimal a = eval_decimal(ctx, e->args[0], &args[0]);
    const struct decimal b = eval_decimal(ctx, e->args[1], &args[1]);
    struct decimal d;
    const enum decimal_status status = decimal_div_int(&a, &b, &d);
    if (status == DECIMAL_DIV_ZERO) {
        eval_warn_division(ctx);
        return 0;
    }
    int64_t i;
    uint64_t u;
    if (type_is_unsigned(&e->type)) {
        if (d.negative || decimal_to_u64(&d, &u) != DECIMAL_OK) {
            return eval_out_of_range(ctx, "BIGINT UNSIGNED", e);
        }
        *out = value_uint(u);
        return 0;
    }
    if (decimal_to_i64(&d, &i) != DECIMAL_OK) {
        return eval_out_of_range(ctx, "BIGINT", e);
    }
    *out = value_int(i);
    return 0;
}

int eval_int_div(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    if (!is_int_operand(e->args[0]) || !is_int_operand(e->args[1])) {
        return div_decimals(ctx, e, args, out);
    }
    const __int128 a = wide_operand(ctx, e, args, 0);
    const __int128 b = wide_operand(ctx, e, args, 1);
    if (b == 0) {
        eval_warn_division(ctx);
        return 0;
    }
    return set_int(ctx, e, a / b, out);
}

int eval_mod(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    switch (result_class(e)) {
    case TYPE_CLASS_INT: {
        const __int128 a = wide_operand(ctx, e, args, 0);
        const __int128 b = wide_operand(ctx, e, args, 1);
        if (b == 0) {
            break;
        }
        return set_int(ctx, e, a % b, out);
    }
    case TYPE_CLASS_DECIMAL: {
        const struct decimal a = eval_decimal(ctx, e->args[0], &args[0]);
        const struct decimal b = eval_decimal(ctx, e->args[1], &args[1]);
        struct decimal d;
        const enum decimal_status status = decimal_mod(&a, &b, &d);
        if (status == DECIMAL_DIV_ZERO) {
            break;
        }
        return set_decimal(ctx, e, status, &d, out);
    }
    default: {
        const double a = eval_double(ctx, e->args[0], &args[0]);
        const double b = eval_double(ctx, e->args[1], &args[1]);
        if (b == 0) {
            break;
        }
        return set_double(ctx, e, fmod(a, b), out);
    }
    }
    eval_warn_division(ctx);
    return 0;
}

int eval_neg(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    switch (result_class(e)) {
    case TYPE_CLASS_INT:
        return set_int(ctx, e, -wide_operand(ctx, e, args, 0), out);
    case TYPE_CLASS_DECIMAL: {
        struct decimal d = eval_decimal(ctx, e->args[0], &args[0]);
        d.negative = !d.negative && !decimal_is_zero(&d);
        return set_decimal(ctx, e, DECIMAL_OK, &d, out);
    }
    default: {
        const double d = eval_double(ctx, e->args[0], &args[0]);
        /* MySQL has a negative zero. */
        return set_double(ctx, e, d == 0 && eval_is_mariadb(ctx) ? 0 : -d, out);
    }
    }
}

/* ---- Bits ---- */

static uint64_t bits(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     uint32_t i)
{
    bool is_unsigned;
    return (uint64_t)eval_int(ctx, e->args[i], &args[i], &is_unsigned);
}

int eval_bit_and(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    *out = value_uint(bits(ctx, e, args, 0) & bits(ctx, e, args, 1));
    return 0;
}

int eval_bit_or(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    *out = value_uint(bits(ctx, e, args, 0) | bits(ctx, e, args, 1));
    return 0;
}

int eval_bit_xor(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    *out = value_uint(bits(ctx, e, args, 0) ^ bits(ctx, e, args, 1));
    return 0;
}

int eval_shift_left(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    const uint64_t by = bits(ctx, e, args, 1);
    *out = value_uint(by < 64 ? bits(ctx, e, args, 0) << by : 0);
    return 0;
}

int eval_shift_right(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    const uint64_t by = bits(ctx, e, args, 1);
    *out = value_uint(by < 64 ? bits(ctx, e, args, 0) >> by : 0);
    return 0;
}

int eval_bit_not(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    *out = value_uint(~bits(ctx, e, args, 0));
    return 0;
}
