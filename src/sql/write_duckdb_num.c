/*
 * Arithmetic, rounding and casts. DuckDB's overflow errors stand in for MySQL's 1690; decimals are
 * computed narrow first (DuckDB then raises Out of Range where a product does not fit 18 digits),
 * wide on demand.
 */
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"

#include <inttypes.h>
#include <stdio.h>

/* DuckDB computes decimals of up to 18 digits in 64 bits and checks them for overflow. */
#define NARROW_WIDTH 18
#define WIDE_WIDTH   38
/* Longest fraction of a quotient that leaves room before the point. */
#define MAX_QUOTIENT_SCALE 27

static int refuse_wide(struct writer *w)
{
    return write_refuse(w, "computing with a DECIMAL of more than 38 digits");
}

/* Writes an operand of arithmetic: exact numbers only. */
static int write_number(struct writer *w, const struct expr *e, struct form *out)
{
    const size_t at = w->out->len;
    const enum type_class class = type_class_of(e->type.type);
    if (class != TYPE_CLASS_INT && class != TYPE_CLASS_BIT && class != TYPE_CLASS_DECIMAL &&
        class != TYPE_CLASS_REAL && class != TYPE_CLASS_NULL) {
        return write_refuse(w, "arithmetic on values of this type");
    }
    if (write_expr(w, e, out) != 0) {
        return -1;
    }
    if (out->kind == FORM_WIDE) {
        return refuse_wide(w);
    }
    if (out->kind == FORM_BOOL) {
        write_cast(w, at, (struct form){.kind = FORM_I32});
        out->kind = FORM_I32;
        out->width = 1;
    }
    return 0;
}

static int write_real(struct writer *w, const struct expr *e)
{
    struct form f;
    const size_t at = w->out->len;
    if (type_class_of(e->type.type) == TYPE_CLASS_STRING && !type_is_binary_string(&e->type)) {
        if (write_text(w, e) != 0 || write_watched_text(w, at, "DOUBLE") != 0) {
            return -1;
        }
        write_insert(w, at, "pt_str_to_double(");
        bytebuf_put_char(w->out, ')');
        return 0;
    }
    if (write_number(w, e, &f) != 0) {
        return -1;
    }
    return write_convert(w, at, f, (struct form){.kind = FORM_F64});
}

int write_as_real(struct writer *w, const struct expr *e)
{
    return write_real(w, e);
}

/* ---- + - * ---- */

static int write_real_arith(struct writer *w, const struct expr *e, struct form *out)
{
    /* An infinite result is MySQL's 1690: the function raises it. */
    const size_t at = w->out->len;
    bytebuf_put_cstr(w->out, "(");
    if (write_real(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, " %s ", e->func->duckdb_text);
    if (write_real(w, e->args[1]) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    write_insert(w, at, "pt_check_double");
    out->kind = FORM_F64;
    return 0;
}

static bool is_multiplication(const struct expr *e)
{
    return e->func->id == FN_MUL;
}

/* The form DuckDB gives to a sum or product of two DECIMALs; false when it has none. */
static bool decimal_result(const struct expr *e, struct form a, struct form b, struct form *out)
{
    const unsigned widest = MAX(a.width, b.width);
    unsigned width;
    unsigned scale;
    if (is_multiplication(e)) {
        width = (unsigned)a.width + b.width;
        scale = (unsigned)a.scale + b.scale;
    } else {
        scale = MAX(a.scale, b.scale);
        width = MAX(MAX(form_int_digits(a), form_int_digits(b)) + scale, widest) + 1;
    }
    if (scale > WIDE_WIDTH || scale > DECIMAL_MAX_SCALE || scale < e->type.decimals) {
        return false;
    }
    if (width > NARROW_WIDTH && widest <= NARROW_WIDTH &&
        (!is_multiplication(e) || scale < NARROW_WIDTH)) {
        width = NARROW_WIDTH;
    }
    *out = form_decimal(MIN(width, WIDE_WIDTH), scale);
    return true;
}

static int write_decimal_operand(struct writer *w, const struct expr *e, bool wide,
                                 struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    if (write_number(w, e, &f) != 0) {
        return -1;
    }
    *out = form_as_decimal(f);
    if (wide) {
        *out = form_decimal(WIDE_WIDTH, out->scale);
    }
    return write_convert(w, at, f, *out);
}

static int write_decimal_arith(struct writer *w, const struct expr *e, struct form *out)
{
    struct form a;
    struct form b;
    const bool wide = w->options->wide_decimals;
    bytebuf_put_char(w->out, '(');
    if (write_decimal_operand(w, e->args[0], wide, &a) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, " %s ", e->func->duckdb_text);
    if (write_decimal_operand(w, e->args[1], false, &b) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    if (!decimal_result(e, a, b, out)) {
        return write_refuse(w, "a product of more than 30 digits behind the point");
    }
    return 0;
}

/* Unsigned results are computed in 128 bits and checked: MySQL raises 1690 below 0 and above
 * 2^64-1. */
static int write_int_arith(struct writer *w, const struct expr *e, struct form *out)
{
    const bool is_unsigned = type_is_unsigned(&e->type) || type_is_unsigned(&e->args[0]->type) ||
                             type_is_unsigned(&e->args[1]->type);
    const struct form wide = {.kind = is_unsigned ? FORM_I128 : FORM_I64};
    const size_t at = w->out->len;
    *out = (struct form){.kind = type_is_unsigned(&e->type) ? FORM_U64 : FORM_I64};
    bytebuf_put_char(w->out, '(');
    for (uint32_t i = 0; i < 2; i++) {
        struct form f;
        if (i == 1) {
            bytebuf_printf(w->out, " %s ", e->func->duckdb_text);
        }
        const size_t operand = w->out->len;
        if (write_number(w, e->args[i], &f) != 0) {
            return -1;
        }
        if (f.kind == FORM_DECIMAL) {
            return write_refuse(w, "arithmetic on values of this type");
        }
        write_cast(w, operand, wide);
    }
    bytebuf_put_char(w->out, ')');
    if (is_unsigned) {
        write_cast(w, at, *out);
    }
    return 0;
}

int write_arith_rule(struct writer *w, const struct expr *e, struct form *out)
{
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_INT:
        return write_int_arith(w, e, out);
    case TYPE_CLASS_DECIMAL:
        return write_decimal_arith(w, e, out);
    default:
        return write_real_arith(w, e, out);
    }
}

/* ---- Division ---- */

/* Zero divisors give NULL. */
static int write_real_divide(struct writer *w, const struct expr *e, struct form *out)
{
    bytebuf_put_cstr(w->out, "pt_check_double(");
    if (write_real(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " / nullif(");
    if (write_real(w, e->args[1]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ", 0))");
    out->kind = FORM_F64;
    return 0;
}

/* The digits behind the point that a quotient is calculated with: whole groups of nine
 * (decimal_div_unrounded()). */
unsigned quotient_scale(unsigned scale_a, unsigned scale_b, unsigned increment)
{
    const unsigned group = 9;
    const unsigned frac_a = (scale_a + group - 1) / group * group;
    const unsigned frac_b = (scale_b + group - 1) / group * group;
    const unsigned slack = frac_a - scale_a + frac_b - scale_b;
    const unsigned more = increment > slack ? increment - slack : 0;
    return (frac_a + frac_b + more + group - 1) / group * group;
}

/* MySQL 9 rounds each quotient to its declared scale, MariaDB goes on with all its digits. */
int write_divide_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f[2];
    const uint32_t increment = w->env->div_precision_increment;
    if (type_class_of(e->type.type) == TYPE_CLASS_REAL) {
        return write_real_divide(w, e, out);
    }
    const size_t at = w->out->len;
    for (uint32_t i = 0; i < 2; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_decimal_operand(w, e->args[i], false, &f[i]) != 0) {
            return -1;
        }
    }
    bytebuf_printf(w->out, ", %" PRIu32 ")", increment);
    const bool rounds = w->env->dialect == DIALECT_MYSQL;
    const unsigned scale =
        rounds ? e->type.decimals : quotient_scale(f[0].scale, f[1].scale, increment);
    if (scale > MAX_QUOTIENT_SCALE ||
        (rounds && f[0].scale != e->args[0]->type.decimals && f[0].scale + increment < scale)) {
        return write_refuse(w, "a quotient of this many digits");
    }
    char name[32];
    (void)snprintf(name, sizeof(name), rounds ? "pt_div_%u(" : "pt_quotient_%u(", scale);
    write_insert(w, at, name);
    *out = form_decimal(38, scale);
    return 0;
}

static bool all_ints(const struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        const enum type_class c = type_class_of(e->args[i]->type.type);
        if (c != TYPE_CLASS_INT && c != TYPE_CLASS_BIT && c != TYPE_CLASS_NULL) {
            return false;
        }
    }
    return true;
}

static bool operand_is_real(const struct expr *e)
{
    const enum type_class c = type_class_of(e->type.type);
    return c == TYPE_CLASS_REAL || c == TYPE_CLASS_STRING;
}

/* a op nullif(b, 0), in 128 bits: what does not fit the result is an error, as in MySQL. */
static int write_int_quotient(struct writer *w, const struct expr *e, const char *op,
                              struct form *out)
{
    const struct form wide = {.kind = FORM_I128};
    const size_t at = w->out->len;
    bytebuf_put_char(w->out, '(');
    if (write_expr_as(w, e->args[0], wide) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, " %s nullif(", op);
    if (write_expr_as(w, e->args[1], wide) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ", 0))");
    *out = (struct form){.kind = type_is_unsigned(&e->type) ? FORM_U64 : FORM_I64};
    write_cast(w, at, *out);
    return 0;
}

static int write_decimal_int_div(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    if (operand_is_real(e->args[0]) || operand_is_real(e->args[1])) {
        return write_refuse(w, "DIV of floating-point numbers");
    }
    const size_t at = w->out->len;
    bytebuf_put_cstr(w->out, "pt_int_div_0(");
    for (uint32_t i = 0; i < 2; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_decimal_operand(w, e->args[i], false, &f) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    *out = (struct form){.kind = type_is_unsigned(&e->type) ? FORM_U64 : FORM_I64};
    write_cast(w, at, *out);
    return 0;
}

int write_int_div_rule(struct writer *w, const struct expr *e, struct form *out)
{
    return all_ints(e) ? write_int_quotient(w, e, "//", out) : write_decimal_int_div(w, e, out);
}

int write_mod_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f[2];
    if (all_ints(e)) {
        return write_int_quotient(w, e, "%", out);
    }
    if (type_class_of(e->type.type) != TYPE_CLASS_DECIMAL) {
        return write_refuse(w, "MOD of floating-point numbers");
    }
    bytebuf_printf(w->out, "pt_mod_%u(", e->type.decimals);
    for (uint32_t i = 0; i < 2; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_decimal_operand(w, e->args[i], false, &f[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    *out = form_decimal(38, e->type.decimals);
    return 0;
}

/* ---- One operand ---- */

int write_neg_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    if (type_class_of(e->type.type) == TYPE_CLASS_REAL) {
        /* MariaDB has no negative zero here. */
        bytebuf_put_cstr(w->out, w->env->dialect == DIALECT_MARIADB ? "(0 - " : "(-");
        const int rc = write_real(w, e->args[0]);
        bytebuf_put_char(w->out, ')');
        out->kind = FORM_F64;
        return rc;
    }
    if (write_number(w, e->args[0], &f) != 0) {
        return -1;
    }
    if (f.kind != FORM_DECIMAL) {
        const bool literal = f.width > 0;
        const bool is_unsigned = f.kind >= FORM_U8 && f.kind <= FORM_U64;
        *out = literal ? f : (struct form){.kind = FORM_I64};
        if (!literal || is_unsigned) {
            write_cast(w, at, (struct form){.kind = FORM_I128});
            write_insert(w, at, "(-");
            bytebuf_put_char(w->out, ')');
            *out = (struct form){.kind = FORM_I64};
            write_cast(w, at, *out);
            return 0;
        }
    } else {
        *out = f;
    }
    write_insert(w, at, "(-");
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_bits(struct writer *w, const struct expr *e)
{
    struct form f;
    const size_t at = w->out->len;
    const enum type_class class = type_class_of(e->type.type);
    if (class != TYPE_CLASS_INT && class != TYPE_CLASS_BIT && class != TYPE_CLASS_NULL) {
        return write_refuse(w, "bit operations on what is not an integer");
    }
    if (write_number(w, e, &f) != 0) {
        return -1;
    }
    if (f.kind >= FORM_U8 && f.kind <= FORM_U64) {
        return write_convert(w, at, f, (struct form){.kind = FORM_U64});
    }
    write_cast(w, at, (struct form){.kind = FORM_I128});
    write_insert(w, at, "(");
    bytebuf_put_cstr(w->out, " & 18446744073709551615::HUGEINT)");
    write_cast(w, at, (struct form){.kind = FORM_U64});
    return 0;
}

static int write_bit_pair(struct writer *w, const struct expr *e, const char *name,
                          const char *between)
{
    bytebuf_printf(w->out, "%s(", name);
    for (uint32_t i = 0; i < 2; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? between : "");
        if (write_bits(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_bits_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const bool xor = e->func->id == FN_BIT_XOR_OP;
    out->kind = FORM_U64;
    return write_bit_pair(w, e, xor? "xor" : "", xor? ", " : e->func->duckdb_text);
}

int write_shift_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_U64;
    return write_bit_pair(w, e, e->func->duckdb_text, ", ");
}

int write_bit_not_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_U64;
    bytebuf_put_cstr(w->out, "xor(18446744073709551615::UBIGINT, ");
    const int rc = write_bits(w, e->args[0]);
    bytebuf_put_char(w->out, ')');
    return rc;
}

/* Functions of DOUBLEs: ours, since NULL and overflow follow MySQL's rules. */
int write_math_rule(struct writer *w, const struct expr *e, struct form *out)
{
    /* MariaDB calculates LOG2 as a quotient of logarithms. */
    const bool quotient = e->func->id == FN_LOG2 && w->env->dialect == DIALECT_MARIADB;
    bytebuf_printf(w->out, "%s(%s", quotient ? "pt_log" : e->func->duckdb_text,
                   quotient ? "2::DOUBLE, " : "");
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_real(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_F64;
    return 0;
}

int write_abs_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    if (type_class_of(e->type.type) == TYPE_CLASS_REAL) {
        if (write_real(w, e->args[0]) != 0) {
            return -1;
        }
        f.kind = FORM_F64;
    } else if (write_number(w, e->args[0], &f) != 0) {
        return -1;
    }
    if (form_is_int(f)) {
        const bool is_unsigned = f.kind >= FORM_U8 && f.kind <= FORM_U64;
        f = (struct form){.kind = is_unsigned ? FORM_U64 : FORM_I64};
        write_cast(w, at, f);
        if (is_unsigned) {
            *out = f;
            return 0;
        }
    }
    write_insert(w, at, "abs(");
    bytebuf_put_char(w->out, ')');
    *out = f;
    return 0;
}

int write_sign_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    bytebuf_put_cstr(w->out, "sign(");
    if (write_number(w, e->args[0], &f) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_I8;
    return 0;
}

static int round_decimal(struct writer *w, const struct expr *e, struct form f, size_t at,
                         struct form *out)
{
    const unsigned scale = e->type.decimals;
    int64_t n = 0;
    if (e->argc > 1 && (!literal_int(e->args[1], &n) || n < 0)) {
        return write_refuse(w, "rounding to a number of digits that is no literal or negative");
    }
    if (scale >= f.scale) {
        *out = form_decimal(MIN(form_int_digits(f) + scale, 38u), scale);
        return write_convert(w, at, f, *out);
    }
    *out = form_decimal(MIN(form_int_digits(f) + 1 + scale, 38u), scale);
    if (e->func->type_rule == TR_ROUND) {
        write_cast(w, at, *out); /* DuckDB rounds half away from zero here, as MySQL does. */
        return 0;
    }
    char text[32];
    (void)snprintf(text, sizeof(text), "pt_truncate_%u(", scale);
    write_insert(w, at, text);
    bytebuf_put_char(w->out, ')');
    *out = form_decimal(38, scale);
    return 0;
}

static int round_real(struct writer *w, const struct expr *e, struct form *out)
{
    int64_t n = 0;
    if (e->argc > 1 && !literal_int(e->args[1], &n)) {
        return write_refuse(w, "rounding to a number of digits that is no literal");
    }
    /* MariaDB has no negative zero here. */
    bytebuf_put_cstr(w->out, w->env->dialect == DIALECT_MARIADB ? "(" : "");
    bytebuf_put_cstr(w->out,
                     e->func->type_rule == TR_ROUND ? "pt_round_double(" : "pt_truncate_double(");
    if (write_real(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, ", (%" PRId64 ")::BIGINT)%s", MAX(MIN(n, (int64_t)400), (int64_t)-400),
                   w->env->dialect == DIALECT_MARIADB ? " + 0)" : "");
    out->kind = FORM_F64;
    return 0;
}

int write_round_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    int64_t n = 0;
    const size_t at = w->out->len;
    if (type_class_of(e->type.type) == TYPE_CLASS_REAL) {
        return round_real(w, e, out);
    }
    if (write_number(w, e->args[0], &f) != 0) {
        return -1;
    }
    if (f.kind == FORM_DECIMAL) {
        return round_decimal(w, e, f, at, out);
    }
    if (e->argc > 1 && !literal_int(e->args[1], &n)) {
        return write_refuse(w, "rounding to a number of digits that is no literal");
    }
    *out = f;
    if (n >= 0) {
        return 0;
    }
    if (type_is_unsigned(&e->args[0]->type)) {
        return write_refuse(w, "rounding of unsigned numbers in front of the point");
    }
    write_cast(w, at, (struct form){.kind = FORM_I64});
    write_insert(w, at, e->func->type_rule == TR_ROUND ? "pt_round_int(" : "pt_truncate_int(");
    bytebuf_printf(w->out, ", %" PRId64 ")", -n);
    *out = (struct form){.kind = FORM_I64};
    return 0;
}

int write_floor_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    if (type_class_of(e->args[0]->type.type) == TYPE_CLASS_REAL) {
        /* MariaDB has no negative zero here. */
        const bool mariadb = w->env->dialect == DIALECT_MARIADB;
        bytebuf_printf(w->out, "%s%s(", mariadb ? "(" : "", e->func->duckdb_text);
        const int rc = write_real(w, e->args[0]);
        bytebuf_put_cstr(w->out, mariadb ? ") + 0)" : ")");
        out->kind = FORM_F64;
        return rc;
    }
    if (write_number(w, e->args[0], &f) != 0) {
        return -1;
    }
    *out = f;
    if (f.kind != FORM_DECIMAL) {
        return 0;
    }
    bytebuf_put_char(w->out, ')');
    char text[16];
    (void)snprintf(text, sizeof(text), "%s(", e->func->duckdb_text);
    write_insert(w, at, text);
    /* DuckDB gives DECIMAL(width, 0). */
    *out = form_decimal(f.width, 0);
    return 0;
}

int write_sqrt_rule(struct writer *w, const struct expr *e, struct form *out)
{
    bytebuf_put_cstr(w->out, "pt_sqrt(");
    const int rc = write_real(w, e->args[0]);
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_F64;
    return rc;
}

/* ---- Casts ---- */

/* The number at the beginning of a string; MySQL warns about the rest. */
static int cast_from_text(struct writer *w, const struct expr *e, struct form *out)
{
    if (out->kind == FORM_DECIMAL) {
        bytebuf_printf(w->out, "pt_str_to_decimal_%u(", out->scale);
    } else {
        bytebuf_put_cstr(w->out, out->kind == FORM_U64 ? "pt_str_to_u64(" : "pt_str_to_i64(");
    }
    const size_t at = w->out->len;
    if (write_text(w, e->args[0]) != 0 ||
        write_watched_text(w, at, out->kind == FORM_DECIMAL ? "DECIMAL" : "INTEGER") != 0) {
        return -1;
    }
    if (out->kind == FORM_DECIMAL) {
        bytebuf_printf(w->out, ", %u", out->width);
        *out = form_decimal(38, out->scale);
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

/* To DECIMAL(p, s): values that do not fit are clipped by MySQL with a warning; DuckDB raises an
 * error. */
static int cast_number(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    const struct form to = form_of_type(&e->type);
    const enum type_class from = type_class_of(e->args[0]->type.type);
    if (to.kind == FORM_WIDE) {
        return refuse_wide(w);
    }
    *out = to;
    if (to.kind == FORM_F64 || to.kind == FORM_F32) {
        if (write_real(w, e->args[0]) != 0) {
            return -1;
        }
        return write_convert(w, at, (struct form){.kind = FORM_F64}, to);
    }
    if (from == TYPE_CLASS_STRING && !type_is_binary_string(&e->args[0]->type)) {
        return cast_from_text(w, e, out);
    }
    if (from != TYPE_CLASS_INT && from != TYPE_CLASS_DECIMAL && from != TYPE_CLASS_NULL) {
        return write_refuse(w, "CAST of this type to a number");
    }
    if (write_number(w, e->args[0], &f) != 0) {
        return -1;
    }
    if (to.kind == FORM_DECIMAL &&
        form_int_digits(f) + (f.scale > to.scale ? 1u : 0u) > form_int_digits(to)) {
        char name[24];
        if ((w->options->errors & WRITE_ERRORS_VALUES) != 0) {
            return write_refuse(w, "CAST to a DECIMAL of fewer digits in strict mode");
        }
        (void)snprintf(name, sizeof(name), "pt_fit_%u(", to.scale);
        write_insert(w, at, name);
        bytebuf_printf(w->out, ", %u)", to.width);
        *out = form_decimal(38, to.scale);
        return 0;
    }
    if (form_is_int(to) && f.kind == FORM_DECIMAL) {
        write_cast(w, at, form_decimal(MIN(form_int_digits(f) + 1, 38u), 0));
    }
    if (to.kind == FORM_U64 && !type_is_unsigned(&e->args[0]->type)) {
        if (f.kind == FORM_DECIMAL) {
            return write_refuse(w, "CAST of a DECIMAL to UNSIGNED");
        }
        /* Negative numbers wrap around. */
        write_cast(w, at, (struct form){.kind = FORM_I128});
        write_insert(w, at, "(");
        bytebuf_put_cstr(w->out, " & 18446744073709551615::HUGEINT)");
    }
    if (to.kind == FORM_I64 && f.kind == FORM_U64) {
        return write_refuse(w, "CAST of BIGINT UNSIGNED to SIGNED");
    }
    write_cast(w, at, to);
    return 0;
}

static int cast_to_text(struct writer *w, const struct expr *e, struct form *out)
{
    if (type_is_binary_string(&e->type)) {
        return write_refuse(w, "CAST AS BINARY");
    }
    out->kind = FORM_STRING;
    if (!e->cast.target.has_length) {
        return write_text(w, e->args[0]);
    }
    bytebuf_put_cstr(w->out, "pt_left(");
    if (write_text(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, ", %" PRIu32 ")", e->cast.target.type.length);
    return 0;
}

static int cast_to_date(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    const bool to_date = e->type.type == MYSQL_TYPE_DATE;
    if (write_temporal(w, e->args[0], &f) != 0) {
        return -1;
    }
    out->kind = to_date ? FORM_DATE : FORM_TIMESTAMP;
    if (f.kind == FORM_TIMESTAMP && to_date) {
        write_insert(w, at, "pt_date(");
        bytebuf_put_char(w->out, ')');
        return 0;
    }
    if (f.kind == FORM_TIMESTAMP && e->args[0]->type.decimals > e->type.decimals) {
        return write_refuse(w, "CAST that rounds a time");
    }
    return write_convert(w, at, f, *out);
}

int write_cast_expr(struct writer *w, const struct expr *e, struct form *out)
{
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_INT:
    case TYPE_CLASS_DECIMAL:
    case TYPE_CLASS_REAL:
        return cast_number(w, e, out);
    case TYPE_CLASS_STRING:
        return cast_to_text(w, e, out);
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_DATETIME:
        return cast_to_date(w, e, out);
    default:
        return write_refuse(w, "CAST to this type");
    }
}
