/* Result types of arithmetic, rounding, and numeric aggregates. */
#include "sql/resolve_int.h"

#define MARIADB_INT_WIDTH 9

/* An integer result: MariaDB has INT for what fits in 9 characters. */
static void set_sized_int(const struct resolver *r, struct expr *e, uint32_t length,
                          bool is_unsigned)
{
    const bool small = resolver_is_mariadb(r) && length <= MARIADB_INT_WIDTH;
    set_type(e, small ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, length, 0,
             is_unsigned ? UNSIGNED_FLAG : 0);
}

static enum type_class operation_class(const struct resolver *r, const struct expr *e)
{
    enum type_class c = TYPE_CLASS_INT;
    for (uint32_t i = 0; i < e->argc; i++) {
        const enum type_class a = numeric_class(r, e->args[i]);
        if (a == TYPE_CLASS_REAL) {
            return TYPE_CLASS_REAL;
        }
        c = a == TYPE_CLASS_DECIMAL ? TYPE_CLASS_DECIMAL : c;
    }
    return c;
}

static int additive(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const struct expr *b = e->args[1];
    const unsigned digits = MAX(type_int_digits(r, a), type_int_digits(r, b));
    const unsigned scale = MAX(type_scale(a), type_scale(b));
    const bool ua = type_is_unsigned(&a->type);
    const bool ub = type_is_unsigned(&b->type);
    switch (operation_class(r, e)) {
    case TYPE_CLASS_INT:
        set_sized_int(r, e, digits + 1 + (ua || ub ? 0 : 1), ua || ub);
        break;
    case TYPE_CLASS_DECIMAL:
        set_decimal(e, digits + scale + 1, scale, ua && ub);
        break;
    default:
        set_double(e);
        break;
    }
    set_null_from_args(e);
    return 0;
}

int derive_add(struct resolver *r, struct expr *e)
{
    return additive(r, e);
}

int derive_sub(struct resolver *r, struct expr *e)
{
    if (additive(r, e) != 0) {
        return -1;
    }
    if (e->type.type == MYSQL_TYPE_LONGLONG &&
        (r->env->sql_mode & SQL_MODE_NO_UNSIGNED_SUBTRACTION) != 0) {
        e->type.flags &= (uint16_t)~UNSIGNED_FLAG;
    }
    return 0;
}

int derive_mul(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const struct expr *b = e->args[1];
    const unsigned digits = type_int_digits(r, a) + type_int_digits(r, b);
    const unsigned scale = type_scale(a) + type_scale(b);
    const bool ua = type_is_unsigned(&a->type);
    const bool ub = type_is_unsigned(&b->type);
    switch (operation_class(r, e)) {
    case TYPE_CLASS_INT:
        set_sized_int(r, e, digits + (ua || ub ? 0 : 1), ua || ub);
        break;
    case TYPE_CLASS_DECIMAL:
        set_decimal(e, digits + scale, scale, ua && ub);
        break;
    default:
        set_double(e);
        break;
    }
    set_null_from_args(e);
    return 0;
}

int derive_div(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const struct expr *b = e->args[1];
    if (operation_class(r, e) == TYPE_CLASS_REAL) {
        set_double(e);
        return 0;
    }
    const unsigned scale = MIN(type_scale(a) + r->env->div_precision_increment, DECIMAL_MAX_SCALE);
    set_decimal(e, type_int_digits(r, a) + type_scale(b) + scale, scale,
                type_is_unsigned(&a->type) && type_is_unsigned(&b->type));
    return 0;
}

int derive_int_div(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const bool is_unsigned = type_is_unsigned(&a->type) || type_is_unsigned(&e->args[1]->type);
    const unsigned digits = numeric_class(r, a) == TYPE_CLASS_REAL ? 21 : type_int_digits(r, a);
    set_sized_int(r, e, digits + (is_unsigned || resolver_is_mariadb(r) ? 0 : 1), is_unsigned);
    return 0;
}

int derive_mod(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const struct expr *b = e->args[1];
    const bool ua = type_is_unsigned(&a->type);
    switch (operation_class(r, e)) {
    case TYPE_CLASS_INT: {
        const unsigned digits = MAX(type_int_digits(r, a), type_int_digits(r, b));
        const uint32_t length =
            resolver_is_mariadb(r) ? digits + (ua ? 0 : 1) : MAX(int_width(a), int_width(b));
        set_sized_int(r, e, length, ua);
        return 0;
    }
    case TYPE_CLASS_DECIMAL: {
        const unsigned scale = MAX(type_scale(a), type_scale(b));
        const unsigned pa = type_int_digits(r, a) + type_scale(a);
        const unsigned pb = type_int_digits(r, b) + type_scale(b);
        set_decimal(e, MAX(pa, pb), scale, ua);
        return 0;
    }
    default:
        set_double(e);
        return 0;
    }
}

int derive_neg(struct resolver *r, struct expr *e)
{
    struct expr *a = e->args[0];
    switch (numeric_class(r, a)) {
    case TYPE_CLASS_INT: {
        const unsigned digits = type_int_digits(r, a);
        const bool literal = a->kind == EXPR_LITERAL;
        const unsigned extra = resolver_is_mariadb(r) && !literal && !mariadb_adds_sign(a) &&
                                       !type_is_unsigned(&a->type)
                                   ? 2
                                   : 1;
        if (literal && ((type_is_unsigned(&a->type) && a->lit.value.u > (uint64_t)INT64_MAX + 1) ||
                        (a->lit.value.kind == VALUE_INT && a->lit.value.i == INT64_MIN))) {
            set_decimal(e, digits, 0, false);
        } else {
            const bool small = resolver_is_mariadb(r) && digits + extra <= MARIADB_INT_WIDTH;
            set_type(e, small ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, digits + extra, 0, 0);
        }
        break;
    }
    case TYPE_CLASS_DECIMAL:
        set_decimal(e, type_int_digits(r, a) + type_scale(a), type_scale(a), false);
        break;
    default:
        set_double(e);
        break;
    }
    set_null_from_args(e);
    return 0;
}

int derive_abs(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    switch (numeric_class(r, a)) {
    case TYPE_CLASS_INT:
        set_sized_int(r, e, int_width(a), type_is_unsigned(&a->type));
        break;
    case TYPE_CLASS_DECIMAL:
        set_decimal(e, type_int_digits(r, a) + type_scale(a), type_scale(a),
                    type_is_unsigned(&a->type));
        break;
    default:
        set_double(e);
        break;
    }
    set_null_from_args(e);
    return 0;
}

/* The number of digits to round to, when it is a literal; otherwise the argument's scale stays. */
static unsigned wanted_scale(const struct expr *e, unsigned scale)
{
    int64_t n = 0;
    if (e->argc < 2) {
        return 0;
    }
    if (!literal_int(e->args[1], &n)) {
        return scale;
    }
    return n < 0 ? 0 : (unsigned)MIN(n, DECIMAL_MAX_SCALE);
}

/* The type of an operand that is taken for an integer; dates are BIGINTs. */
static enum mysql_type int_type(const struct expr *e)
{
    const enum type_class class = type_class_of(e->type.type);
    if (class == TYPE_CLASS_INT && e->type.type != MYSQL_TYPE_YEAR) {
        return e->type.type;
    }
    return class == TYPE_CLASS_INT ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG;
}

static int round_int(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    int64_t n = 0;
    if (!resolver_is_mariadb(r)) {
        set_type(e, MYSQL_TYPE_LONGLONG, 21, 0, type_is_unsigned(&a->type) ? UNSIGNED_FLAG : 0);
        return 0;
    }
    const bool up =
        e->func->type_rule == TR_ROUND && e->argc > 1 && literal_int(e->args[1], &n) && n < 0;
    if (up) {
        set_sized_int(r, e, int_width(a) + 1, type_is_unsigned(&a->type));
    } else {
        set_type(e, int_type(a), int_width(a), 0, type_is_unsigned(&a->type) ? UNSIGNED_FLAG : 0);
    }
    return 0;
}

static int round_decimal(struct resolver *r, struct expr *e, bool may_carry)
{
    const struct expr *a = e->args[0];
    const unsigned scale = type_scale(a);
    const unsigned digits = type_int_digits(r, a);
    const unsigned wanted = wanted_scale(e, scale);
    if (wanted < scale || (wanted == 0 && may_carry && !resolver_is_mariadb(r))) {
        set_decimal(e, digits + wanted + (may_carry ? 1 : 0), wanted, type_is_unsigned(&a->type));
    } else {
        const unsigned to = resolver_is_mariadb(r) ? wanted : scale;
        set_decimal(e, digits + to, to, type_is_unsigned(&a->type));
    }
    return 0;
}

static int round_real(struct resolver *r, struct expr *e)
{
    set_double(e);
    if (resolver_is_mariadb(r)) {
        int64_t n = 0;
        const bool fixed = e->argc < 2 || literal_int(e->args[1], &n);
        if (fixed) {
            const unsigned scale = n < 0 ? 0 : (unsigned)MIN(n, 30);
            set_type(e, MYSQL_TYPE_DOUBLE, 17 + scale, scale, 0);
        }
    }
    return 0;
}

static int derive_rounding(struct resolver *r, struct expr *e, bool may_carry)
{
    int rc;
    switch (numeric_class(r, e->args[0])) {
    case TYPE_CLASS_INT:
        rc = round_int(r, e);
        break;
    case TYPE_CLASS_DECIMAL:
        rc = round_decimal(r, e, may_carry);
        break;
    default:
        rc = round_real(r, e);
        break;
    }
    set_null_from_args(e);
    return rc;
}

int derive_round(struct resolver *r, struct expr *e)
{
    return derive_rounding(r, e, true);
}

int derive_truncate(struct resolver *r, struct expr *e)
{
    return derive_rounding(r, e, false);
}

int derive_floor(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const unsigned flags = type_is_unsigned(&a->type) ? UNSIGNED_FLAG : 0;
    const unsigned digits = type_int_digits(r, a);
    switch (numeric_class(r, a)) {
    case TYPE_CLASS_INT:
        if (resolver_is_mariadb(r)) {
            set_type(e, int_type(a), int_width(a), 0, flags);
        } else {
            set_type(e, MYSQL_TYPE_LONGLONG, 21, 0, flags);
        }
        break;
    case TYPE_CLASS_DECIMAL:
        if (digits > 17) {
            set_decimal(e, digits + 1, 0, flags != 0);
        } else if (resolver_is_mariadb(r)) {
            const unsigned width = digits + (type_scale(a) > 0 ? 2 : 1);
            set_type(e, width > 10 ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_LONG, width, 0, flags);
        } else {
            set_type(e, MYSQL_TYPE_LONGLONG, 21, 0, flags);
        }
        break;
    default:
        set_double(e);
        if (resolver_is_mariadb(r)) {
            set_type(e, MYSQL_TYPE_DOUBLE, 17, 0, 0);
        }
        break;
    }
    set_null_from_args(e);
    return 0;
}

/* ---- Aggregates ---- */

int derive_sum(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    if (numeric_class(r, a) == TYPE_CLASS_REAL) {
        set_double(e);
    } else {
        set_decimal(e, type_int_digits(r, a) + type_scale(a) + 22, type_scale(a), false);
    }
    return 0;
}

int derive_avg(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    if (numeric_class(r, a) == TYPE_CLASS_REAL) {
        set_double(e);
        return 0;
    }
    const unsigned scale = MIN(type_scale(a) + r->env->div_precision_increment, DECIMAL_MAX_SCALE);
    set_decimal(e, type_int_digits(r, a) + type_scale(a) + r->env->div_precision_increment, scale,
                false);
    return 0;
}

int derive_std(struct resolver *r, struct expr *e)
{
    set_double(e);
    if (resolver_is_mariadb(r) && numeric_class(r, e->args[0]) != TYPE_CLASS_REAL) {
        const unsigned scale = type_scale(e->args[0]) + r->env->div_precision_increment;
        set_type(e, MYSQL_TYPE_DOUBLE, 23, MIN(scale, 30), 0);
    }
    return 0;
}
