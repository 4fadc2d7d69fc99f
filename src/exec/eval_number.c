/* Numeric functions. As with operators, the node's resolved type says in which family to work. */
#include "exec/eval_int.h"

#include <inttypes.h>
#include <math.h>
#include <sys/random.h>

#define DOUBLE(i) eval_double(ctx, e->args[i], &args[i])

static int set_real(struct eval_ctx *ctx, const struct expr *e, double d, struct value *out)
{
    if (!isfinite(d)) {
        return eval_out_of_range(ctx, "DOUBLE", e);
    }
    *out = value_double(d);
    return 0;
}

/* ---- Signs ---- */

int eval_abs(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_INT: {
        bool is_unsigned;
        const int64_t i = eval_int(ctx, e->args[0], &args[0], &is_unsigned);
        if (is_unsigned) {
            *out = value_uint((uint64_t)i);
            return 0;
        }
        if (i == INT64_MIN) {
            return eval_out_of_range(ctx, "BIGINT", e);
        }
        *out = value_int(i < 0 ? -i : i);
        return 0;
    }
    case TYPE_CLASS_DECIMAL:
        *out =
            (struct value){.kind = VALUE_DECIMAL, .dec = eval_decimal(ctx, e->args[0], &args[0])};
        out->dec.negative = false;
        return 0;
    default:
        *out = value_double(fabs(DOUBLE(0)));
        return 0;
    }
}

int eval_sign(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    if (args[0].kind == VALUE_DECIMAL) {
        const struct decimal *d = &args[0].dec;
        *out = value_int(decimal_is_zero(d) ? 0 : d->negative ? -1 : 1);
        return 0;
    }
    const double d = DOUBLE(0);
    *out = value_int(d < 0 ? -1 : d > 0);
    return 0;
}

/* ---- Rounding ---- */

/* An integer to a power of ten: what is cut is below half of it, or rounded away from zero. */
static int round_int(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     int64_t digits, bool cut, struct value *out)
{
    bool is_unsigned;
    const int64_t i = eval_int(ctx, e->args[0], &args[0], &is_unsigned);
    const bool negative = !is_unsigned && i < 0;
    uint64_t n = negative ? 0 - (uint64_t)i : (uint64_t)i;
    unsigned __int128 unit = 1;
    for (int64_t k = digits; k < 0 && unit <= UINT64_MAX; k++) {
        unit *= 10;
    }
    const unsigned __int128 rest = n % unit;
    unsigned __int128 rounded = n - rest;
    if (!cut && rest * 2 >= unit && unit > 1) {
        rounded += unit;
    }
    const uint64_t limit = is_unsigned ? UINT64_MAX : (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (rounded > limit) {
        return eval_out_of_range(ctx, is_unsigned ? "BIGINT UNSIGNED" : "BIGINT", e);
    }
    n = (uint64_t)rounded;
    *out = is_unsigned ? value_uint(n) : value_int((int64_t)(negative ? 0 - n : n));
    return 0;
}

/* A decimal in front of the point: divided, rounded and multiplied back. */
static void round_decimal_high(const struct decimal *d, int64_t digits, bool cut,
                               struct decimal *out)
{
    const int64_t zeros = -digits;
    if (zeros > DECIMAL_MAX_PRECISION) {
        *out = decimal_from_i64(0);
        return;
    }
    struct decimal whole;
    struct decimal half = decimal_from_i64(0);
    struct decimal unit = decimal_from_i64(1);
    const struct decimal ten = decimal_from_i64(10);
    for (int64_t k = 0; k < zeros; k++) {
        if (k + 1 == zeros) {
            const struct decimal five = decimal_from_i64(5);
            (void)!decimal_mul(&unit, &five, &half);
        }
        (void)!decimal_mul(&unit, &ten, &unit);
    }
    whole = *d;
    if (!cut) {
        half.negative = d->negative;
        (void)!decimal_add(d, &half, &whole);
    }
    struct decimal quotient;
    (void)!decimal_div_int(&whole, &unit, &quotient);
    (void)!decimal_mul(&quotient, &unit, out);
}

static int round_decimal(const struct expr *e, const struct decimal *d, int64_t digits, bool cut,
                         struct value *out)
{
    *out = (struct value){.kind = VALUE_DECIMAL};
    if (digits < 0) {
        round_decimal_high(d, digits, cut, &out->dec);
        return 0;
    }
    const unsigned scale = (unsigned)MIN(digits, (int64_t)e->type.decimals);
    if (cut) {
        (void)!decimal_truncate(d, scale, &out->dec);
    } else {
        (void)!decimal_round(d, scale, &out->dec);
    }
    if (out->dec.scale < e->type.decimals) {
        (void)!decimal_round(&out->dec, e->type.decimals, &out->dec);
    }
    return 0;
}

/* A double is scaled, rounded half to even, and scaled back; where scaling overflows there is
 * nothing to round. */
static double round_real(double d, int64_t digits, bool cut)
{
    const int64_t n = digits < 0 ? -digits : digits;
    if (n > 400) {
        return digits < 0 ? 0 : d;
    }
    const double unit = pow(10, (double)n);
    if (digits < 0 && !isfinite(unit)) {
        return 0;
    }
    const double scaled = digits < 0 ? d / unit : d * unit;
    if (!isfinite(scaled) || !isfinite(unit)) {
        return d;
    }
    const double r = cut ? trunc(scaled) : rint(scaled);
    return digits < 0 ? r * unit : r / unit;
}

static int rounding(struct eval_ctx *ctx, const struct expr *e, const struct value *args, bool cut,
                    struct value *out)
{
    const int64_t digits = e->argc > 1 ? eval_signed(ctx, e->args[1], &args[1]) : 0;
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_INT:
        return round_int(ctx, e, args, digits, cut, out);
    case TYPE_CLASS_DECIMAL: {
        const struct decimal d = eval_decimal(ctx, e->args[0], &args[0]);
        return round_decimal(e, &d, digits, cut, out);
    }
    default:
        return set_real(ctx, e, round_real(DOUBLE(0), digits, cut), out);
    }
}

int eval_round(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return rounding(ctx, e, args, false, out);
}

int eval_truncate(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    return rounding(ctx, e, args, true, out);
}

/* FLOOR and CEIL of a decimal: cut, then one step further where something was cut on that side. */
static int integer_bound(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                         bool up, struct value *out)
{
    const enum type_class class = type_class_of(e->type.type);
    if (class != TYPE_CLASS_INT && class != TYPE_CLASS_DECIMAL) {
        *out = value_double(up ? ceil(DOUBLE(0)) : floor(DOUBLE(0)));
        return 0;
    }
    if (args[0].kind == VALUE_INT || args[0].kind == VALUE_UINT) {
        *out = args[0];
        return class == TYPE_CLASS_INT ? 0 : eval_as_type(ctx, NULL, out, &e->type, out);
    }
    const struct decimal d = eval_decimal(ctx, e->args[0], &args[0]);
    struct value whole = {.kind = VALUE_DECIMAL};
    (void)!decimal_truncate(&d, 0, &whole.dec);
    if (decimal_cmp(&d, &whole.dec) != 0 && d.negative == !up) {
        const struct decimal step = decimal_from_i64(up ? 1 : -1);
        (void)!decimal_add(&whole.dec, &step, &whole.dec);
    }
    return eval_as_type(ctx, NULL, &whole, &e->type, out);
}

int eval_floor(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return integer_bound(ctx, e, args, false, out);
}

int eval_ceil(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    return integer_bound(ctx, e, args, true, out);
}

/* ---- Transcendental ---- */

int eval_sqrt(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const double d = DOUBLE(0);
    if (d >= 0) {
        *out = value_double(sqrt(d));
    }
    return 0;
}

int eval_pow(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_real(ctx, e, pow(DOUBLE(0), DOUBLE(1)), out);
}

int eval_exp(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_real(ctx, e, exp(DOUBLE(0)), out);
}

static void warn_logarithm(struct eval_ctx *ctx)
{
    if (eval_is_mariadb(ctx)) {
        eval_warn_division(ctx);
    } else {
        diag_warn(ctx->diag, DIAG_WARNING, ER_INVALID_ARGUMENT_FOR_LOGARITHM);
    }
}

/* A logarithm of a positive number; else NULL and a warning. */
static int logarithm(struct eval_ctx *ctx, double (*fn)(double), double d, struct value *out)
{
    if (d <= 0) {
        warn_logarithm(ctx);
        return 0;
    }
    *out = value_double(fn(d));
    return 0;
}

int eval_ln(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    return logarithm(ctx, log, DOUBLE(0), out);
}

int eval_log(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    if (e->argc == 1) {
        return logarithm(ctx, log, DOUBLE(0), out);
    }
    const double base = DOUBLE(0);
    const double d = DOUBLE(1);
    if (base <= 0 || base == 1 || d <= 0) {
        warn_logarithm(ctx);
        return 0;
    }
    *out = value_double(log(d) / log(base));
    return 0;
}

/* The servers divide logarithms here too; log2() would give other last digits. */
int eval_log2(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    if (logarithm(ctx, log, DOUBLE(0), out) == 0 && out->kind == VALUE_DOUBLE) {
        out->d /= log(2);
    }
    return 0;
}

int eval_log10(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return logarithm(ctx, log10, DOUBLE(0), out);
}

int eval_sin(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_real(ctx, e, sin(DOUBLE(0)), out);
}

int eval_cos(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_real(ctx, e, cos(DOUBLE(0)), out);
}

int eval_tan(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_real(ctx, e, tan(DOUBLE(0)), out);
}

int eval_atan(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const double d = DOUBLE(0);
    return set_real(ctx, e, e->argc > 1 ? atan2(d, DOUBLE(1)) : atan(d), out);
}

int eval_degrees(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    return set_real(ctx, e, DOUBLE(0) * (180 / M_PI), out);
}

int eval_radians(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    return set_real(ctx, e, DOUBLE(0) * (M_PI / 180), out);
}

int eval_pi(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    (void)ctx;
    (void)e;
    (void)args;
    *out = value_double(M_PI);
    return 0;
}

/* ---- RAND ---- */

#define RAND_MAX_VALUE 0x3FFFFFFFu

/* RAND(n) is the first number of the servers' generator with that seed; RAND() any number. */
int eval_rand(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    if (e->argc == 0) {
        uint64_t bits = 0;
        (void)!getrandom(&bits, sizeof(bits), 0);
        *out = value_double((double)(bits >> 11) * 0x1p-53);
        return 0;
    }
    const uint32_t seed =
        args[0].kind == VALUE_NULL ? 0 : (uint32_t)eval_signed(ctx, e->args[0], &args[0]);
    const uint32_t seed1 = (seed * 0x10001u + 55555555u) % RAND_MAX_VALUE;
    const uint32_t seed2 = (seed * 0x10000001u) % RAND_MAX_VALUE;
    *out = value_double((double)(((uint64_t)seed1 * 3 + seed2) % RAND_MAX_VALUE) /
                        (double)RAND_MAX_VALUE);
    return 0;
}

/* ---- Others ---- */

int eval_asin(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const double d = DOUBLE(0);
    if (d >= -1 && d <= 1) {
        *out = value_double(asin(d));
    }
    return 0;
}

int eval_acos(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const double d = DOUBLE(0);
    if (d >= -1 && d <= 1) {
        *out = value_double(acos(d));
    }
    return 0;
}

int eval_cot(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_real(ctx, e, 1 / tan(DOUBLE(0)), out);
}

int eval_bit_count(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    bool is_unsigned;
    const int64_t n = eval_int(ctx, e->args[0], &args[0], &is_unsigned);
    *out = value_int(__builtin_popcountll((unsigned long long)n));
    return 0;
}
