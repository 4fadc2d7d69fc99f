/*
 * Functions of DOUBLEs and of bits. Outside its domain a function is NULL, a result that is no
 * number is MySQL's 1690.
 */
#include "engine/duckdb/udf_int.h"

#include <math.h>

/* A function of one or two numbers. NAN stands for NULL. */
struct math {
    double (*one)(double x);
    double (*two)(double x, double y);
};

static double sine(double x)
{
    return sin(x);
}

static double logarithm(double x)
{
    return x > 0 ? log(x) : NAN;
}

static double logarithm_2(double x)
{
    return x > 0 ? log2(x) : NAN;
}

static double logarithm_10(double x)
{
    return x > 0 ? log10(x) : NAN;
}

static double logarithm_base(double base, double x)
{
    return base > 0 && base != 1 && x > 0 ? log(x) / log(base) : NAN;
}

static double root(double x)
{
    return x >= 0 ? sqrt(x) : NAN;
}

static double degrees(double x)
{
    return x * (180 / M_PI);
}

static double radians(double x)
{
    return x * (M_PI / 180);
}

static const struct math sqrt_math = {.one = root};
static const struct math exp_math = {.one = exp};
static const struct math ln_math = {.one = logarithm};
static const struct math log_math = {.one = logarithm, .two = logarithm_base};
static const struct math log2_math = {.one = logarithm_2};
static const struct math log10_math = {.one = logarithm_10};
static const struct math sin_math = {.one = sine};
static const struct math cos_math = {.one = cos};
static const struct math tan_math = {.one = tan};
static const struct math atan_math = {.one = atan, .two = atan2};
static const struct math pow_math = {.two = pow};
static const struct math degrees_math = {.one = degrees};
static const struct math radians_math = {.one = radians};

static void math_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct math *m = duckdb_scalar_function_get_extra_info(info);
    struct udf_rows r;
    udf_begin(&r, input, output);
    const double *x = r.args[0];
    const double *y = r.args[1];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const double v = r.arg_count > 1 ? m->two(x[i], y[i]) : m->one(x[i]);
        if (isinf(v) || (isnan(v) && m == &pow_math)) {
            udf_out_of_range(info, "DOUBLE");
            return;
        }
        if (isnan(v)) {
            udf_set_null(&r, i);
        } else {
            ((double *)r.out)[i] = v;
        }
    }
}

/* ---- Rounding ---- */

/* ROUND and TRUNCATE of a DOUBLE: scaled, rounded half to even, scaled back, in the servers' order
 * of operations. */
static double round_to(double x, int64_t digits, bool cut)
{
    const double power = pow(10.0, (double)(digits < 0 ? -digits : digits));
    const double scaled = digits < 0 ? x / power : x * power;
    if (digits < 0 && isinf(power)) {
        return 0;
    }
    if (!isfinite(scaled) || isnan(scaled)) {
        return x;
    }
    const double whole = cut ? trunc(scaled) : rint(scaled);
    return digits < 0 ? whole * power : whole / power;
}

static void round_rows(duckdb_data_chunk input, duckdb_vector output, bool cut)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((double *)r.out)[i] =
            round_to(((const double *)r.args[0])[i], ((const int64_t *)r.args[1])[i], cut);
    }
}

static void round_double(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    round_rows(input, output, false);
}

static void truncate_double(duckdb_function_info info, duckdb_data_chunk input,
                            duckdb_vector output)
{
    (void)info;
    round_rows(input, output, true);
}

/* Rounds in front of the point: 10^digits, half away from zero. False: does not fit. */
static bool round_int_to(int64_t v, int64_t digits, bool cut, int64_t *out)
{
    if (digits > 18) {
        *out = 0;
        return true;
    }
    __int128 power = 1;
    for (int64_t i = 0; i < digits; i++) {
        power *= 10;
    }
    __int128 rest = v % power;
    __int128 whole = v - rest;
    rest = rest < 0 ? -rest : rest;
    if (!cut && rest * 2 >= power) {
        whole += v < 0 ? -power : power;
    }
    *out = (int64_t)whole;
    return whole >= INT64_MIN && whole <= INT64_MAX;
}

static void int_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                     bool cut)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    for (idx_t i = 0; i < r.count; i++) {
        if (udf_row(&r, i) &&
            !round_int_to(((const int64_t *)r.args[0])[i], ((const int64_t *)r.args[1])[i], cut,
                          &((int64_t *)r.out)[i])) {
            udf_out_of_range(info, "BIGINT");
            return;
        }
    }
}

static void round_int(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    int_rows(info, input, output, false);
}

static void truncate_int(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    int_rows(info, input, output, true);
}

/* ---- Bits ---- */

static void shift_left(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const uint64_t *v = r.args[0];
    const uint64_t *n = r.args[1];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((uint64_t *)r.out)[i] = n[i] < 64 ? v[i] << n[i] : 0;
    }
}

static void shift_right(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const uint64_t *v = r.args[0];
    const uint64_t *n = r.args[1];
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((uint64_t *)r.out)[i] = n[i] < 64 ? v[i] >> n[i] : 0;
    }
}

/* ---- Registration ---- */

#define DOUBLE  DUCKDB_TYPE_DOUBLE
#define BIGINT  DUCKDB_TYPE_BIGINT
#define UBIGINT DUCKDB_TYPE_UBIGINT

static const struct udf functions[] = {
    {"pt_sqrt", math_rows, DOUBLE, 0, 1, {DOUBLE}, &sqrt_math},
    {"pt_exp", math_rows, DOUBLE, 0, 1, {DOUBLE}, &exp_math},
    {"pt_ln", math_rows, DOUBLE, 0, 1, {DOUBLE}, &ln_math},
    {"pt_log", math_rows, DOUBLE, 0, 1, {DOUBLE}, &log_math},
    {"pt_log", math_rows, DOUBLE, 0, 2, {DOUBLE, DOUBLE}, &log_math},
    {"pt_log2", math_rows, DOUBLE, 0, 1, {DOUBLE}, &log2_math},
    {"pt_log10", math_rows, DOUBLE, 0, 1, {DOUBLE}, &log10_math},
    {"pt_sin", math_rows, DOUBLE, 0, 1, {DOUBLE}, &sin_math},
    {"pt_cos", math_rows, DOUBLE, 0, 1, {DOUBLE}, &cos_math},
    {"pt_tan", math_rows, DOUBLE, 0, 1, {DOUBLE}, &tan_math},
    {"pt_atan", math_rows, DOUBLE, 0, 1, {DOUBLE}, &atan_math},
    {"pt_atan", math_rows, DOUBLE, 0, 2, {DOUBLE, DOUBLE}, &atan_math},
    {"pt_pow", math_rows, DOUBLE, 0, 2, {DOUBLE, DOUBLE}, &pow_math},
    {"pt_degrees", math_rows, DOUBLE, 0, 1, {DOUBLE}, &degrees_math},
    {"pt_radians", math_rows, DOUBLE, 0, 1, {DOUBLE}, &radians_math},
    {"pt_round_double", round_double, DOUBLE, 0, 2, {DOUBLE, BIGINT}, NULL},
    {"pt_truncate_double", truncate_double, DOUBLE, 0, 2, {DOUBLE, BIGINT}, NULL},
    {"pt_round_int", round_int, BIGINT, 0, 2, {BIGINT, BIGINT}, NULL},
    {"pt_truncate_int", truncate_int, BIGINT, 0, 2, {BIGINT, BIGINT}, NULL},
    {"pt_shift_left", shift_left, UBIGINT, 0, 2, {UBIGINT, UBIGINT}, NULL},
    {"pt_shift_right", shift_right, UBIGINT, 0, 2, {UBIGINT, UBIGINT}, NULL},
};

int udf_register_math(duckdb_connection connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        if (udf_add(connection, &functions[i]) != 0) {
            return -1;
        }
    }
    return 0;
}
