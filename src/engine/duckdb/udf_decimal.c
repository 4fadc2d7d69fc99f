/*
 * Decimals: what DuckDB computes as DOUBLE (quotients, averages) or not at all. Small numbers are
 * divided as 128-bit integers, the others by types/decimal.h, with the same result.
 */
#include "engine/duckdb/udf_int.h"
#include "types/convert.h"
#include "types/decimal.h"

#include <math.h>
#include <stdio.h>

#define MAX_SCALE 36
#define MAX_POWER 38

/* MySQL divides in groups of so many digits. */
#define GROUP_DIGITS 9

static __int128 power_of_ten(unsigned n)
{
    __int128 p = 1;
    while (n-- > 0) {
        p *= 10;
    }
    return p;
}

/* Digits of |v|. */
static unsigned digits(__int128 v)
{
    unsigned __int128 u =
        v < 0 ? (unsigned __int128)0 - (unsigned __int128)v : (unsigned __int128)v;
    unsigned n = 0;
    while (u > 0) {
        u /= 10;
        n++;
    }
    return n;
}

/*
 * a / b rounded half away from zero to `scale` digits, when that fits 128 bits and MySQL's cut
 * behind its groups of digits cannot matter: it computes at least one digit more than it shows.
 * False otherwise.
 */
static bool divide_small(__int128 a, unsigned scale_a, __int128 b, unsigned scale_b, unsigned scale,
                         __int128 *out)
{
    const unsigned shift = scale + scale_b - scale_a;
    if (scale + scale_b < scale_a || scale % GROUP_DIGITS == 0 || digits(a) + shift > 36 ||
        digits(b) > 36) {
        return false;
    }
    const __int128 x = a * power_of_ten(shift);
    __int128 q = x / b;
    const __int128 rest = x % b;
    const __int128 twice = (rest < 0 ? -rest : rest) * 2;
    if (twice >= (b < 0 ? -b : b)) {
        q += (a < 0) != (b < 0) ? -1 : 1;
    }
    *out = q;
    return true;
}

/* 0 done, 1 NULL, -1 does not fit. */
static int divide(__int128 a, unsigned scale_a, __int128 b, unsigned scale_b, unsigned increment,
                  unsigned scale, __int128 *out)
{
    if (b == 0) {
        return 1;
    }
    if (scale == scale_a + increment && divide_small(a, scale_a, b, scale_b, scale, out)) {
        return 0;
    }
    const struct decimal x = decimal_from_i128(a, scale_a);
    const struct decimal y = decimal_from_i128(b, scale_b);
    struct decimal q;
    if (decimal_div(&x, &y, increment, &q) == DECIMAL_OVERFLOW) {
        return -1;
    }
    struct decimal rounded;
    const enum decimal_status status = decimal_round(&q, scale, &rounded);
    return status == DECIMAL_OVERFLOW || decimal_to_i128(&rounded, scale, out) == DECIMAL_OVERFLOW
               ? -1
               : 0;
}

static unsigned result_scale(duckdb_function_info info)
{
    return *(const uint8_t *)duckdb_scalar_function_get_extra_info(info);
}

/* As divide(), but all digits of the groups, cut: what the servers go on calculating with. */
static int divide_unrounded(__int128 a, unsigned scale_a, __int128 b, unsigned scale_b,
                            unsigned increment, unsigned scale, __int128 *out)
{
    if (b == 0) {
        return 1;
    }
    const unsigned shift = scale + scale_b - scale_a;
    if (scale + scale_b >= scale_a && digits(a) + shift <= 37) {
        *out = a * power_of_ten(shift) / b;
        return 0;
    }
    const struct decimal x = decimal_from_i128(a, scale_a);
    const struct decimal y = decimal_from_i128(b, scale_b);
    struct decimal q;
    struct decimal cut;
    if (decimal_div_unrounded(&x, &y, increment, &q) == DECIMAL_OVERFLOW ||
        decimal_truncate(&q, scale, &cut) == DECIMAL_OVERFLOW) {
        return -1;
    }
    return decimal_to_i128(&cut, scale, out) == DECIMAL_OVERFLOW ? -1 : 0;
}

/* What a division gives: 0 and *out, above 0 for NULL, below 0 when it is out of range. */
typedef int divide_fn(__int128 a, unsigned scale_a, __int128 b, unsigned scale_b,
                      unsigned increment, unsigned scale, __int128 *out);

static void divide_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                        divide_fn *fn)
{
    struct udf_rows r;
    const unsigned scale = result_scale(info);
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    const struct udf_decimals b = udf_decimals(&r, 1);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        __int128 q = 0;
        const unsigned increment = (unsigned)((const int32_t *)r.args[2])[i];
        const int rc =
            fn(udf_decimal(&a, i), a.scale, udf_decimal(&b, i), b.scale, increment, scale, &q);
        if (rc > 0) {
            udf_set_null(&r, i);
        } else if (rc < 0) {
            udf_out_of_range(info, "DECIMAL");
            return;
        } else {
            udf_set_i128(&r, i, q);
        }
    }
}

static void div_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    divide_rows(info, input, output, divide);
}

static void quotient_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    divide_rows(info, input, output, divide_unrounded);
}

/* CAST AS DECIMAL(p, scale): rounded, and clipped to the type's limit where it does not fit. */
static void fit_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    const unsigned scale = result_scale(info);
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct decimal d = decimal_from_i128(udf_decimal(&a, i), a.scale);
        struct decimal fitted;
        __int128 v = 0;
        (void)!decimal_fit(&d, (unsigned)((const int32_t *)r.args[1])[i], scale, &fitted);
        if (decimal_to_i128(&fitted, scale, &v) == DECIMAL_OVERFLOW) {
            udf_out_of_range(info, "DECIMAL");
            return;
        }
        udf_set_i128(&r, i, v);
    }
}

/* Remainder with the sign of the dividend; NULL for a divisor of 0. */
static void mod_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    const unsigned scale = result_scale(info);
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    const struct udf_decimals b = udf_decimals(&r, 1);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct decimal x = decimal_from_i128(udf_decimal(&a, i), a.scale);
        const struct decimal y = decimal_from_i128(udf_decimal(&b, i), b.scale);
        struct decimal rest;
        __int128 v = 0;
        const enum decimal_status status = decimal_mod(&x, &y, &rest);
        if (status == DECIMAL_DIV_ZERO) {
            udf_set_null(&r, i);
        } else if (decimal_to_i128(&rest, scale, &v) == DECIMAL_OVERFLOW) {
            udf_out_of_range(info, "DECIMAL");
            return;
        } else {
            udf_set_i128(&r, i, v);
        }
    }
}

static void truncate_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    const unsigned scale = result_scale(info);
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    const __int128 divisor = power_of_ten(a.scale > scale ? a.scale - scale : 0);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        udf_set_i128(&r, i, udf_decimal(&a, i) / divisor);
    }
}

static void sortable(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    for (idx_t i = 0; i < r.count; i++) {
        char buf[64];
        if (!udf_row(&r, i)) {
            continue;
        }
        const unsigned precision = (unsigned)((const int32_t *)r.args[1])[i];
        const unsigned scale = (unsigned)((const int32_t *)r.args[2])[i];
        const struct decimal d = decimal_from_i128(udf_decimal(&a, i), a.scale);
        struct decimal fitted;
        if (decimal_fit(&d, precision, scale, &fitted) == DECIMAL_OVERFLOW) {
            udf_out_of_range(info, "DECIMAL");
            return;
        }
        const size_t len = decimal_to_sortable(&fitted, precision, scale, buf);
        udf_set_str(&r, i, buf, len);
    }
}

/* ---- Doubles ---- */

static void decimal_as_double(duckdb_function_info info, duckdb_data_chunk input,
                              duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct decimal d = decimal_from_i128(udf_decimal(&a, i), a.scale);
        ((double *)r.out)[i] = decimal_to_double(&d);
    }
}

static void check_double(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    for (idx_t i = 0; i < r.count; i++) {
        const double d = ((const double *)r.args[0])[i];
        if (udf_row(&r, i)) {
            if (!isfinite(d)) {
                udf_out_of_range(info, "DOUBLE");
                return;
            }
            ((double *)r.out)[i] = d;
        }
    }
}

static void text_as_double(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        size_t used;
        bool overflow;
        ((double *)r.out)[i] = parse_double(udf_str(r.args[0], i), &used, &overflow);
    }
}

/* The number a string begins with, rounded to an integer and kept within the type. */
static void text_as_int(duckdb_data_chunk input, duckdb_vector output, bool is_unsigned)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = str_trim(udf_str(r.args[0], i));
        const bool negative = s.len > 0 && s.p[0] == '-';
        size_t at = s.len > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
        const uint64_t limit =
            is_unsigned && !negative ? UINT64_MAX : (uint64_t)INT64_MAX + (negative ? 1 : 0);
        uint64_t v = 0;
        for (; at < s.len && s.p[at] >= '0' && s.p[at] <= '9'; at++) {
            const uint64_t digit = (uint64_t)(s.p[at] - '0');
            v = v > (limit - digit) / 10 ? limit : v * 10 + digit;
        }
        ((uint64_t *)r.out)[i] = negative ? (uint64_t)0 - v : v;
    }
}

static void text_as_i64(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    text_as_int(input, output, false);
}

static void text_as_u64(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    text_as_int(input, output, true);
}

static void text_as_decimal(duckdb_function_info info, duckdb_data_chunk input,
                            duckdb_vector output)
{
    struct udf_rows r;
    const unsigned scale = result_scale(info);
    udf_begin(&r, input, output);
    for (idx_t i = 0; i < r.count; i++) {
        struct decimal d;
        struct decimal fitted;
        size_t used;
        __int128 v = 0;
        if (!udf_row(&r, i)) {
            continue;
        }
        (void)!decimal_parse(udf_str(r.args[0], i), &d, &used);
        (void)!decimal_fit(&d, (unsigned)((const int32_t *)r.args[1])[i], scale, &fitted);
        if (decimal_to_i128(&fitted, scale, &v) == DECIMAL_OVERFLOW) {
            udf_out_of_range(info, "DECIMAL");
            return;
        }
        udf_set_i128(&r, i, v);
    }
}

/* DIV of decimals: the whole part of the quotient; NULL for a divisor of 0. */
static void int_div_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    udf_begin(&r, input, output);
    const struct udf_decimals a = udf_decimals(&r, 0);
    const struct udf_decimals b = udf_decimals(&r, 1);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct decimal x = decimal_from_i128(udf_decimal(&a, i), a.scale);
        const struct decimal y = decimal_from_i128(udf_decimal(&b, i), b.scale);
        struct decimal q;
        __int128 v = 0;
        const enum decimal_status status = decimal_div_int(&x, &y, &q);
        if (status == DECIMAL_DIV_ZERO) {
            udf_set_null(&r, i);
        } else if (status == DECIMAL_OVERFLOW || decimal_to_i128(&q, 0, &v) == DECIMAL_OVERFLOW) {
            udf_out_of_range(info, "BIGINT");
            return;
        } else {
            udf_set_i128(&r, i, v);
        }
    }
}

/* ---- Registration ---- */

static const struct {
    const char *prefix;
    duckdb_scalar_function_t function;
    uint8_t arg_count;
    duckdb_type second;
} scaled[] = {
    {"pt_div_", div_rows, 3, DUCKDB_TYPE_ANY},
    {"pt_mod_", mod_rows, 2, DUCKDB_TYPE_ANY},
    {"pt_truncate_", truncate_rows, 1, DUCKDB_TYPE_ANY},
    {"pt_quotient_", quotient_rows, 3, DUCKDB_TYPE_ANY},
    {"pt_fit_", fit_rows, 2, DUCKDB_TYPE_INTEGER},
    {"pt_int_div_", int_div_rows, 2, DUCKDB_TYPE_ANY},
    {"pt_str_to_decimal_", text_as_decimal, 2, DUCKDB_TYPE_INTEGER},
};

static const struct udf plain[] = {
    {.name = "pt_str_to_i64",
     .function = text_as_i64,
     .result = DUCKDB_TYPE_BIGINT,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_VARCHAR}},
    {.name = "pt_str_to_u64",
     .function = text_as_u64,
     .result = DUCKDB_TYPE_UBIGINT,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_VARCHAR}},
    {.name = "pt_sortable",
     .function = sortable,
     .result = DUCKDB_TYPE_BLOB,
     .arg_count = 3,
     .args = {DUCKDB_TYPE_ANY, DUCKDB_TYPE_INTEGER, DUCKDB_TYPE_INTEGER}},
    {.name = "pt_decimal_to_double",
     .function = decimal_as_double,
     .result = DUCKDB_TYPE_DOUBLE,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_ANY}},
    {.name = "pt_check_double",
     .function = check_double,
     .result = DUCKDB_TYPE_DOUBLE,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_DOUBLE}},
    {.name = "pt_str_to_double",
     .function = text_as_double,
     .result = DUCKDB_TYPE_DOUBLE,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_VARCHAR}},
};

static const uint8_t scales[MAX_SCALE + 1] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                              11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                              22, 23, 24, 25, 26, 27, 28, 29, 30};

static int add_scaled(duckdb_connection connection, size_t which, unsigned scale)
{
    char name[32];
    struct udf f = {.name = name,
                    .function = scaled[which].function,
                    .result = DUCKDB_TYPE_DECIMAL,
                    .result_scale = (uint8_t)scale,
                    .arg_count = scaled[which].arg_count,
                    .args = {DUCKDB_TYPE_ANY, scaled[which].second, DUCKDB_TYPE_INTEGER},
                    .extra = &scales[scale]};
    (void)snprintf(name, sizeof(name), "%s%u", scaled[which].prefix, scale);
    return udf_add(connection, &f);
}

int udf_register_decimals(duckdb_connection connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (udf_add(connection, &plain[i]) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(scaled); i++) {
        for (unsigned scale = 0; scale <= MAX_SCALE; scale++) {
            if (add_scaled(connection, i, scale) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
