/*
 * Result types of expressions: the table of rules, and what they share. Every rule was read off
 * what MySQL 9.7 and MariaDB 10.11 report for the expressions in tests/unit/sql/types.txt; where
 * the two differ the dialect decides.
 */
#include "sql/resolve_int.h"
#include "types/charset.h"
#include "types/collation.h"

/* Longest VARCHAR in bytes; longer strings are some TEXT. */
#define MAX_VARCHAR_BYTES 65535

/* Characters of a parameter of which MySQL knows nothing. */
#define MYSQL_PARAM_CHARS 16383

/* ---- Setting a type ---- */

void set_type(struct expr *e, enum mysql_type type, uint32_t length, unsigned decimals,
              unsigned flags)
{
    e->type = (struct sql_type){.type = type,
                                .length = length,
                                .decimals = (uint8_t)decimals,
                                .flags = (uint16_t)flags,
                                .collation = COLLATION_BINARY};
    e->coercibility = COERCE_NUMERIC;
}

void set_double(struct expr *e)
{
    set_type(e, MYSQL_TYPE_DOUBLE, 23, DECIMALS_NOT_FIXED, 0);
}

void set_decimal(struct expr *e, unsigned precision, unsigned scale, bool is_unsigned)
{
    const unsigned p = MIN(precision, DECIMAL_MAX_PRECISION);
    set_type(e, MYSQL_TYPE_NEWDECIMAL, MAX(p, 1u), MIN(scale, DECIMAL_MAX_SCALE),
             is_unsigned ? UNSIGNED_FLAG : 0);
}

static unsigned mbmaxlen(uint16_t collation)
{
    const struct collation *c = collation_find(collation);
    return c != NULL ? c->charset->max_len : 4;
}

void set_string(struct resolver *r, struct expr *e, uint32_t chars)
{
    const uint16_t collation = e->type.collation;
    const uint64_t bytes = (uint64_t)chars * mbmaxlen(collation);
    enum mysql_type type = MYSQL_TYPE_VARCHAR;
    if (bytes > MAX_VARCHAR_BYTES) {
        type = bytes < (1u << 24) ? MYSQL_TYPE_MEDIUM_BLOB : MYSQL_TYPE_LONG_BLOB;
    }
    e->type.type = type;
    e->type.length = chars;
    e->type.decimals = DECIMALS_NOT_FIXED;
    e->type.labels = NULL;
    e->type.flags = (uint16_t)(e->type.flags & NOT_NULL_FLAG);
    (void)r;
}

void set_mariadb_decimals(const struct resolver *r, struct expr *e)
{
    if (resolver_is_mariadb(r)) {
        e->type.decimals = 0;
    }
}

bool args_nullable(const struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        const struct expr *a = e->args[i];
        if (a->kind == EXPR_STAR || a->kind == EXPR_INTERVAL) {
            continue;
        }
        if (a->kind == EXPR_ROW ? args_nullable(a) : type_is_nullable(&a->type)) {
            return true;
        }
    }
    return false;
}

static void set_nullable(struct expr *e, bool nullable)
{
    if (nullable) {
        e->type.flags &= (uint16_t)~NOT_NULL_FLAG;
    } else {
        e->type.flags |= NOT_NULL_FLAG;
    }
}

void set_null_from_args(struct expr *e)
{
    set_nullable(e, args_nullable(e));
}

/* ---- Operands ---- */

bool literal_int(const struct expr *e, int64_t *out)
{
    if (e->kind == EXPR_CALL && e->func != NULL && e->func->id == FN_NEG &&
        literal_int(e->args[0], out)) {
        *out = -*out;
        return true;
    }
    if (e->kind != EXPR_LITERAL || e->lit.kind != LIT_INT || e->lit.value.kind != VALUE_INT) {
        return false;
    }
    *out = e->lit.value.i;
    return true;
}

/* Hexadecimal and binary literals are numbers in arithmetic. */
static bool is_numeric_literal(const struct expr *e)
{
    return e->kind == EXPR_LITERAL && (e->lit.kind == LIT_HEX || e->lit.kind == LIT_BIN);
}

enum type_class numeric_class(const struct resolver *r, const struct expr *e)
{
    if (is_numeric_literal(e)) {
        return TYPE_CLASS_INT;
    }
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_INT:
    case TYPE_CLASS_BIT:
        return TYPE_CLASS_INT;
    case TYPE_CLASS_DECIMAL:
        return TYPE_CLASS_DECIMAL;
    case TYPE_CLASS_DATE:
        return TYPE_CLASS_INT;
    case TYPE_CLASS_DATETIME:
    case TYPE_CLASS_TIME:
        return e->type.decimals > 0 ? TYPE_CLASS_DECIMAL : TYPE_CLASS_INT;
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return resolver_is_mariadb(r) ? TYPE_CLASS_INT : TYPE_CLASS_REAL;
    default:
        return TYPE_CLASS_REAL;
    }
}

static unsigned temporal_digits(const struct sql_type *t)
{
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_DATE:
        return 8;
    case TYPE_CLASS_DATETIME:
        return 14;
    default:
        return 7;
    }
}

bool is_field(const struct expr *e)
{
    if (e->kind != EXPR_COLUMN || e->column.binding.table == NULL) {
        return false;
    }
    const struct ref_column *c = &e->column.binding.table->columns[e->column.binding.index];
    return c->stored || c->org_table.len > 0;
}

uint32_t int_width(const struct expr *e)
{
    static const struct {
        enum mysql_type type;
        uint8_t is_signed, is_unsigned;
    } widths[] = {
        {MYSQL_TYPE_TINY, 4, 3},   {MYSQL_TYPE_SHORT, 6, 5},      {MYSQL_TYPE_INT24, 9, 8},
        {MYSQL_TYPE_LONG, 11, 10}, {MYSQL_TYPE_LONGLONG, 20, 20},
    };
    const struct sql_type *t = &e->type;
    for (size_t i = 0; is_field(e) && i < ARRAY_SIZE(widths); i++) {
        if (widths[i].type == t->type) {
            return MAX(t->length, (uint32_t)(type_is_unsigned(t) ? widths[i].is_unsigned
                                                                 : widths[i].is_signed));
        }
    }
    return t->length;
}

unsigned type_int_digits(const struct resolver *r, const struct expr *e)
{
    static const uint8_t digits_of_bytes[] = {1, 3, 5, 8, 10, 13, 15, 17, 20};
    const struct sql_type *t = &e->type;
    if (is_numeric_literal(e)) {
        return digits_of_bytes[MIN(e->lit.value.str.len, ARRAY_SIZE(digits_of_bytes) - 1)];
    }
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_DECIMAL:
        return t->length - MIN((uint32_t)t->decimals, t->length);
    case TYPE_CLASS_INT:
    case TYPE_CLASS_BIT:
        if (type_is_unsigned(t) || t->type == MYSQL_TYPE_BIT || t->type == MYSQL_TYPE_YEAR ||
            (resolver_is_mariadb(r) && (e->kind == EXPR_LITERAL || mariadb_adds_sign(e)))) {
            return int_width(e);
        }
        return int_width(e) > 1 ? int_width(e) - 1 : 1;
    default:
        return temporal_digits(t);
    }
}

unsigned type_scale(const struct expr *e)
{
    return e->type.decimals == DECIMALS_NOT_FIXED ? 0 : e->type.decimals;
}

static uint32_t labels_width(const struct sql_type *t)
{
    uint32_t width = 0;
    uint32_t sum = 0;
    for (uint32_t i = 0; t->labels != NULL && i < t->labels->count; i++) {
        const uint32_t len = (uint32_t)utf8_count(t->labels->names[i]);
        width = MAX(width, len);
        sum += len + (i > 0 ? 1 : 0);
    }
    return t->type == MYSQL_TYPE_SET ? sum : width;
}

uint32_t text_width(const struct resolver *r, const struct expr *e)
{
    const struct sql_type *t = &e->type;
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_NULL:
        return 0;
    case TYPE_CLASS_DECIMAL:
        return t->length + (t->decimals > 0 ? 1 : 0) + (type_is_unsigned(t) ? 0 : 1);
    case TYPE_CLASS_REAL:
        if (t->type == MYSQL_TYPE_FLOAT) {
            return 12;
        }
        return e->kind == EXPR_LITERAL && resolver_is_mariadb(r) ? t->length : 22;
    case TYPE_CLASS_DATE:
        return 10;
    case TYPE_CLASS_DATETIME:
        return 19 + (t->decimals > 0 ? 1u + t->decimals : 0);
    case TYPE_CLASS_TIME:
        return 10 + (t->decimals > 0 ? 1u + t->decimals : 0);
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return t->labels != NULL ? labels_width(t) : t->length;
    case TYPE_CLASS_INT:
        return int_width(e);
    case TYPE_CLASS_BIT:
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_JSON:
    case TYPE_CLASS_OPAQUE:
        break;
    }
    return t->length;
}

/* ---- Collations ---- */

static bool is_text(const struct expr *e)
{
    const enum type_class c = type_class_of(e->type.type);
    return c == TYPE_CLASS_STRING || c == TYPE_CLASS_ENUM || c == TYPE_CLASS_SET;
}

static const char *coercibility_name(enum coercibility c)
{
    static const char *const names[] = {"EXPLICIT",  "NONE",    "IMPLICIT", "SYSCONST",
                                        "COERCIBLE", "NUMERIC", "IGNORABLE"};
    return names[c];
}

struct collated {
    uint16_t collation;
    enum coercibility coercibility;
};

static const char *collation_name(struct resolver *r, uint16_t id)
{
    const struct collation *c = collation_find(id);
    return c != NULL ? arena_dup_cstr(r->arena, c->name) : "?";
}

static int collation_mismatch(struct resolver *r, struct collated a, struct collated b,
                              const char *what)
{
    return diag_set(r->diag, ER_CANT_AGGREGATE_2COLLATIONS, collation_name(r, a.collation),
                    coercibility_name(a.coercibility), collation_name(r, b.collation),
                    coercibility_name(b.coercibility), what);
}

static bool is_unicode(const struct collation *c)
{
    return c->charset->kind != CHARSET_BYTE && c->charset->kind != CHARSET_MULTIBYTE &&
           c->charset->kind != CHARSET_BINARY;
}

/* The rule of "Collation Coercibility in Expressions" in MySQL's manual, for two operands. */
static int merge_collations(struct resolver *r, struct collated a, struct collated b,
                            const char *what, struct collated *out)
{
    *out = a.coercibility <= b.coercibility ? a : b;
    if (a.collation == b.collation) {
        return 0;
    }
    const struct collation *ca = collation_find(a.collation);
    const struct collation *cb = collation_find(b.collation);
    if (ca == NULL || cb == NULL) {
        return collation_mismatch(r, a, b, what);
    }
    if (a.collation == COLLATION_BINARY || b.collation == COLLATION_BINARY) {
        if (a.coercibility == b.coercibility) {
            *out = a.collation == COLLATION_BINARY ? a : b;
        }
        return 0;
    }
    if (a.coercibility != b.coercibility) {
        return 0;
    }
    if (a.coercibility == COERCE_EXPLICIT) {
        return collation_mismatch(r, a, b, what);
    }
    if (ca->charset == cb->charset) {
        const bool a_bin = (ca->flags & COLLATION_BIN) != 0;
        const bool b_bin = (cb->flags & COLLATION_BIN) != 0;
        if (a_bin != b_bin) {
            *out = a_bin ? a : b;
            return 0;
        }
        return a.coercibility < COERCE_SYSCONST ? collation_mismatch(r, a, b, what) : 0;
    }
    if (is_unicode(ca) != is_unicode(cb)) {
        *out = is_unicode(ca) ? a : b;
        return 0;
    }
    if (is_unicode(ca) && is_unicode(cb)) {
        *out = ca->charset->max_len >= cb->charset->max_len ? a : b;
        return 0;
    }
    return a.coercibility < COERCE_SYSCONST ? collation_mismatch(r, a, b, what) : 0;
}

int derive_collation(struct resolver *r, struct expr **args, uint32_t count, const char *what,
                     uint16_t *out_collation, enum coercibility *out_coercibility)
{
    struct collated at = {.collation = r->env->collation_connection,
                          .coercibility = COERCE_COERCIBLE};
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_text(args[i])) {
            continue;
        }
        const struct collated next = {.collation = args[i]->type.collation,
                                      .coercibility = args[i]->coercibility};
        if (first) {
            at = next;
            first = false;
        } else if (merge_collations(r, at, next, what, &at) != 0) {
            return -1;
        }
    }
    *out_collation = at.collation;
    *out_coercibility = at.coercibility;
    return 0;
}

/* ---- Literals ---- */

static unsigned digits_of(uint64_t u)
{
    unsigned n = 1;
    while (u >= 10) {
        u /= 10;
        n++;
    }
    return n;
}

static void derive_int_literal(struct resolver *r, struct expr *e)
{
    const struct value *v = &e->lit.value;
    const bool mariadb = resolver_is_mariadb(r);
    if (e->lit.kind == LIT_BOOL) {
        set_type(e, mariadb ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, mariadb ? 5 : 1, 0,
                 NOT_NULL_FLAG);
        return;
    }
    const bool negative = v->kind == VALUE_INT && v->i < 0;
    const bool is_unsigned = v->kind == VALUE_UINT && v->u > INT64_MAX;
    const unsigned digits = digits_of(negative ? (uint64_t)0 - (uint64_t)v->i : v->u);
    unsigned length = digits;
    if (!is_unsigned && (!mariadb || negative)) {
        length++;
    }
    const bool small = mariadb && digits < 10;
    set_type(e, small ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, length, 0,
             NOT_NULL_FLAG | (is_unsigned ? UNSIGNED_FLAG : 0));
}

static void derive_decimal_literal(struct expr *e)
{
    const struct decimal *d = &e->lit.value.dec;
    const unsigned int_digits = decimal_int_digits(d);
    set_decimal(
        e, MAX(int_digits, d->scale == 0 ? 1u : (int_digits == 0 ? 1u : int_digits)) + d->scale,
        d->scale, false);
    e->type.flags |= NOT_NULL_FLAG;
}

static void derive_string_literal(struct expr *e)
{
    const struct value *v = &e->lit.value;
    const bool binary = v->collation == COLLATION_BINARY;
    e->type = (struct sql_type){.type = MYSQL_TYPE_VARCHAR,
                                .length = (uint32_t)(binary ? v->str.len : utf8_count(v->str)),
                                .decimals = DECIMALS_NOT_FIXED,
                                .flags = NOT_NULL_FLAG,
                                .collation = v->collation};
    e->coercibility = COERCE_COERCIBLE;
}

static void derive_binary_literal(struct resolver *r, struct expr *e)
{
    e->type = (struct sql_type){.type = MYSQL_TYPE_VARCHAR,
                                .length = (uint32_t)e->lit.value.str.len,
                                .flags = NOT_NULL_FLAG,
                                .collation = COLLATION_BINARY};
    if (e->lit.kind == LIT_HEX || resolver_is_mariadb(r)) {
        e->type.flags |= UNSIGNED_FLAG;
    }
    e->coercibility = COERCE_COERCIBLE;
}

static void derive_temporal_literal(struct expr *e)
{
    const unsigned decimals = e->lit.value.decimals;
    const unsigned extra = decimals > 0 ? decimals + 1 : 0;
    switch (e->lit.value.kind) {
    case VALUE_DATE:
        set_type(e, MYSQL_TYPE_DATE, 10, 0, NOT_NULL_FLAG);
        return;
    case VALUE_DATETIME:
        set_type(e, MYSQL_TYPE_DATETIME, 19 + extra, decimals, NOT_NULL_FLAG);
        return;
    default:
        set_type(e, MYSQL_TYPE_TIME, 10 + extra, decimals, NOT_NULL_FLAG);
        return;
    }
}

/* Not known yet: MySQL announces the longest text, MariaDB nothing. */
static void derive_param(struct resolver *r, struct expr *e)
{
    if (resolver_is_mariadb(r)) {
        set_type(e, MYSQL_TYPE_NULL, 0, 0, 0);
        e->coercibility = COERCE_IGNORABLE;
        return;
    }
    e->type = (struct sql_type){.type = MYSQL_TYPE_VARCHAR,
                                .length = MYSQL_PARAM_CHARS,
                                .decimals = DECIMALS_NOT_FIXED,
                                .collation = r->env->collation_connection};
    e->coercibility = COERCE_COERCIBLE;
}

/* MariaDB gives integers the type they are sent as; MySQL knows BIGINTs and long strings only, any
 * of which may be NULL another time. */
static void derive_bound_param(struct resolver *r, struct expr *e)
{
    static const uint8_t widths[] = {[MYSQL_TYPE_TINY] = 4,
                                     [MYSQL_TYPE_SHORT] = 6,
                                     [MYSQL_TYPE_LONG] = 11,
                                     [MYSQL_TYPE_LONGLONG] = 20};
    const enum type_class class = type_class_of(e->type.type);
    const unsigned sent = e->lit.param_type;
    if (!resolver_is_mariadb(r)) {
        e->type.flags &= (uint16_t)~NOT_NULL_FLAG;
        if (class == TYPE_CLASS_INT) {
            set_type(e, MYSQL_TYPE_LONGLONG, 21, 0,
                     e->lit.value.kind == VALUE_UINT ? UNSIGNED_FLAG : 0);
        } else if (e->type.type == MYSQL_TYPE_VARCHAR && e->type.collation != COLLATION_BINARY) {
            e->type.length = MAX(e->type.length, (uint32_t)MYSQL_PARAM_CHARS);
        }
        return;
    }
    if (class == TYPE_CLASS_INT && sent < ARRAY_SIZE(widths) && widths[sent] > 0) {
        set_type(e, (enum mysql_type)sent, widths[sent], 0,
                 NOT_NULL_FLAG | (e->lit.value.kind == VALUE_UINT ? UNSIGNED_FLAG : 0));
    }
}

static void derive_value(struct resolver *r, struct expr *e);

void derive_literal(struct resolver *r, struct expr *e)
{
    if (e->kind == EXPR_PARAM) {
        derive_param(r, e);
        return;
    }
    derive_value(r, e);
    if (e->lit.is_param && e->lit.value.kind != VALUE_NULL) {
        derive_bound_param(r, e);
    }
}

static void derive_value(struct resolver *r, struct expr *e)
{
    switch (e->lit.value.kind) {
    case VALUE_NULL:
        set_type(e, MYSQL_TYPE_NULL, 0, 0, 0);
        e->coercibility = COERCE_IGNORABLE;
        return;
    case VALUE_INT:
    case VALUE_UINT:
        derive_int_literal(r, e);
        return;
    case VALUE_DECIMAL:
        derive_decimal_literal(e);
        return;
    case VALUE_DOUBLE:
        set_type(e, MYSQL_TYPE_DOUBLE, e->src.len > 0 ? e->src.len : 23, DECIMALS_NOT_FIXED,
                 NOT_NULL_FLAG);
        return;
    case VALUE_STRING:
    case VALUE_JSON:
        if (e->lit.kind == LIT_HEX || e->lit.kind == LIT_BIN) {
            derive_binary_literal(r, e);
        } else {
            derive_string_literal(e);
        }
        return;
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        derive_temporal_literal(e);
        return;
    }
}

/* ---- Common types ---- */

/* Integer types by the bytes they hold. */
static const enum mysql_type ints_by_size[] = {MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_INT24,
                                               MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG};

static unsigned int_rank(enum mysql_type t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ints_by_size); i++) {
        if (ints_by_size[i] == t) {
            return i;
        }
    }
    return t == MYSQL_TYPE_YEAR ? 1 : ARRAY_SIZE(ints_by_size) - 1;
}

/* What derive_common() gathers from the values. */
struct common {
    uint32_t count;   /* of values that are not NULL */
    unsigned classes; /* bit set of enum type_class */
    unsigned rank_signed, rank_unsigned;
    bool has_signed, has_unsigned;
    bool all_same_type;
    enum mysql_type type; /* of the first that is not NULL */
    unsigned int_digits, scale;
    uint32_t width, bytes, length;
    unsigned fsp;
    bool nullable, any, has_float_only, has_long, has_blob;
    bool has_timestamp_only;
};

static void gather_one(const struct resolver *r, struct common *c, const struct expr *e)
{
    const struct sql_type *t = &e->type;
    const enum type_class class = type_class_of(t->type);
    c->nullable = c->nullable || type_is_nullable(t);
    if (class == TYPE_CLASS_NULL) {
        return;
    }
    c->count++;
    if (!c->any) {
        c->type = t->type;
        c->all_same_type = true;
        c->has_float_only = true;
        c->any = true;
    }
    c->all_same_type = c->all_same_type && t->type == c->type;
    c->classes |= 1u << class;
    c->width = MAX(c->width, text_width(r, e));
    c->bytes =
        MAX(c->bytes, text_width(r, e) * (class == TYPE_CLASS_STRING ? mbmaxlen(t->collation) : 1));
    c->length = MAX(c->length, class == TYPE_CLASS_INT ? int_width(e) : t->length);
    c->scale = MAX(c->scale, type_scale(e));
    if (class == TYPE_CLASS_INT || class == TYPE_CLASS_BIT || class == TYPE_CLASS_DECIMAL) {
        c->int_digits = MAX(c->int_digits, type_int_digits(r, e));
    }
    if (class == TYPE_CLASS_INT) {
        const unsigned rank = int_rank(t->type);
        if (type_is_unsigned(t)) {
            c->rank_unsigned = MAX(c->rank_unsigned, rank);
            c->has_unsigned = true;
        } else {
            c->rank_signed = MAX(c->rank_signed, rank);
            c->has_signed = true;
        }
        c->has_long = c->has_long || t->type == MYSQL_TYPE_LONG;
    }
    if (class == TYPE_CLASS_REAL && t->type != MYSQL_TYPE_FLOAT) {
        c->has_float_only = false;
    }
    if (class == TYPE_CLASS_DATETIME || class == TYPE_CLASS_TIME) {
        c->fsp = MAX(c->fsp, t->decimals);
    }
    if (class == TYPE_CLASS_STRING && t->type != MYSQL_TYPE_VARCHAR &&
        t->type != MYSQL_TYPE_VAR_STRING && t->type != MYSQL_TYPE_STRING) {
        c->has_blob = true;
    }
}

#define CLASS(c) (1u << TYPE_CLASS_##c)

static void common_int(const struct resolver *r, const struct common *c, struct expr *e)
{
    const uint32_t length = resolver_is_mariadb(r)
                                ? MAX(c->length, c->int_digits + (c->has_signed ? 1 : 0))
                                : c->length;
    if (c->all_same_type && (c->type == MYSQL_TYPE_YEAR || !(c->has_signed && c->has_unsigned))) {
        set_type(e, c->type, length, 0, c->has_unsigned ? UNSIGNED_FLAG : 0);
        return;
    }
    if (!(c->has_signed && c->has_unsigned)) {
        set_type(e, ints_by_size[MAX(c->rank_signed, c->rank_unsigned)], length, 0,
                 c->has_unsigned ? UNSIGNED_FLAG : 0);
        return;
    }
    const unsigned wanted = MAX(c->rank_signed, c->rank_unsigned + 1);
    if (c->rank_unsigned == ARRAY_SIZE(ints_by_size) - 1 ||
        (resolver_is_mariadb(r) && wanted > 3)) {
        set_decimal(e, c->int_digits, 0, false);
        return;
    }
    set_type(e, ints_by_size[MIN(wanted, 4u)], length, 0, 0);
}

static void common_real(const struct resolver *r, const struct common *c, struct expr *e)
{
    const bool only_real = (c->classes & ~CLASS(REAL)) == 0;
    const bool as_float =
        c->has_float_only && (only_real || (!resolver_is_mariadb(r) &&
                                            (c->classes & CLASS(DECIMAL)) == 0 && !c->has_long));
    if (as_float) {
        set_type(e, MYSQL_TYPE_FLOAT, only_real ? 12 : 23, DECIMALS_NOT_FIXED, 0);
        return;
    }
    set_type(e, MYSQL_TYPE_DOUBLE, resolver_is_mariadb(r) ? c->width : 23, DECIMALS_NOT_FIXED, 0);
}

static void common_temporal(const struct common *c, struct expr *e)
{
    const unsigned extra = c->fsp > 0 ? c->fsp + 1 : 0;
    if (c->all_same_type && c->type == MYSQL_TYPE_DATE) {
        set_type(e, MYSQL_TYPE_DATE, 10, 0, 0);
    } else if (c->all_same_type && c->type == MYSQL_TYPE_TIME) {
        set_type(e, MYSQL_TYPE_TIME, 10 + extra, c->fsp, 0);
    } else {
        set_type(e, c->all_same_type ? c->type : MYSQL_TYPE_DATETIME, 19 + extra, c->fsp, 0);
    }
}

static int common_string(struct resolver *r, const struct common *c, struct expr **args,
                         uint32_t count, struct expr *e)
{
    uint16_t collation;
    enum coercibility coercibility;
    if (derive_collation(r, args, count, "UNION", &collation, &coercibility) != 0) {
        return -1;
    }
    e->type = (struct sql_type){.collation = collation};
    set_string(r, e, collation == COLLATION_BINARY ? c->bytes : c->width);
    if (c->all_same_type && c->type == MYSQL_TYPE_STRING) {
        e->type.type = MYSQL_TYPE_STRING;
    }
    if (c->has_blob && e->type.type == MYSQL_TYPE_VARCHAR) {
        e->type.type = MYSQL_TYPE_BLOB;
    }
    e->coercibility = coercibility;
    return 0;
}

int derive_common(struct resolver *r, struct expr **args, uint32_t count, struct sql_type *out_type,
                  enum coercibility *out_coercibility)
{
    struct common c = {0};
    struct expr e = {0};
    for (uint32_t i = 0; i < count; i++) {
        gather_one(r, &c, args[i]);
    }
    const unsigned temporal = CLASS(DATE) | CLASS(DATETIME) | CLASS(TIME);
    const unsigned numeric = CLASS(INT) | CLASS(BIT) | CLASS(DECIMAL) | CLASS(REAL);
    const unsigned odd = CLASS(JSON) | CLASS(OPAQUE);
    int rc = 0;
    if (!c.any) {
        set_type(&e, MYSQL_TYPE_NULL, 0, 0, 0);
        e.coercibility = COERCE_IGNORABLE;
    } else if ((c.classes & odd) != 0) {
        rc = c.all_same_type && c.type != MYSQL_TYPE_GEOMETRY
                 ? 0
                 : resolve_refuse(r, "values of mixed types in one place");
        e.type = args[0]->type;
    } else if (c.classes == CLASS(BIT)) {
        set_type(&e, MYSQL_TYPE_BIT, c.length, 0, UNSIGNED_FLAG);
    } else if ((c.classes & ~numeric) == 0) {
        if ((c.classes & CLASS(REAL)) != 0) {
            common_real(r, &c, &e);
        } else if ((c.classes & CLASS(DECIMAL)) != 0) {
            set_decimal(&e, c.int_digits + c.scale, c.scale, false);
        } else {
            c.rank_unsigned = (c.classes & CLASS(BIT)) != 0 ? 4 : c.rank_unsigned;
            c.has_unsigned = c.has_unsigned || (c.classes & CLASS(BIT)) != 0;
            common_int(r, &c, &e);
        }
    } else if ((c.classes & ~temporal) == 0) {
        common_temporal(&c, &e);
    } else {
        rc = common_string(r, &c, args, count, &e);
    }
    set_nullable(&e, c.nullable || !c.any);
    *out_type = e.type;
    *out_coercibility = e.coercibility;
    return rc;
}

/* ---- Rules without arithmetic ---- */

/* An integer of `length` characters: MariaDB has INT for the short ones. */
static void set_int(const struct resolver *r, struct expr *e, uint32_t length, unsigned flags,
                    bool big)
{
    const bool small = resolver_is_mariadb(r) && !big;
    set_type(e, small ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, length, 0, flags);
}

static uint32_t rule_length(const struct resolver *r, const struct expr *e)
{
    return resolver_is_mariadb(r) ? e->func->len_mariadb : e->func->len_mysql;
}

static int derive_comparison(struct resolver *r, struct expr *e);

static int derive_int_family(struct resolver *r, struct expr *e)
{
    if ((e->func->flags & FUNC_COMPARES) != 0 && derive_comparison(r, e) != 0) {
        return -1;
    }
    const uint32_t length = rule_length(r, e);
    switch (e->func->type_rule) {
    case TR_INT:
        set_int(r, e, length, 0, false);
        break;
    case TR_UINT:
    case TR_CONNECTION_ID:
        set_int(r, e, length, UNSIGNED_FLAG, false);
        break;
    case TR_INT_NULL:
        set_int(r, e, length, 0, false);
        return 0;
    case TR_BIGINT_NULL:
        set_int(r, e, length, 0, true);
        return 0;
    case TR_UBIGINT:
    case TR_BITS:
        set_int(r, e, length, UNSIGNED_FLAG, true);
        break;
    default:
        set_int(r, e, length, 0, true);
        break;
    }
    set_nullable(e, (e->func->flags & FUNC_NEVER_NULL) == 0 && args_nullable(e));
    return 0;
}

/* Compared strings need one collation. */
static int derive_comparison(struct resolver *r, struct expr *e)
{
    enum coercibility coercibility;
    bool text = true;
    const uint32_t count = e->func->id == FN_LOCATE ? 2 : e->argc; /* Its third is a position. */
    for (uint32_t i = 0; i < count; i++) {
        text = text && (is_text(e->args[i]) || e->args[i]->type.type == MYSQL_TYPE_NULL);
    }
    e->cmp_collation = COLLATION_BINARY;
    if (!text || e->argc == 0 || e->args[0]->kind == EXPR_ROW) {
        return 0;
    }
    const char *what = arena_dup_cstr(r->arena, str_from_cstr(e->func->name));
    return derive_collation(r, e->args, count, what, &e->cmp_collation, &coercibility);
}

/* Row comparisons are written column by column: each pair gets a collation there. */
static int derive_bool(struct resolver *r, struct expr *e)
{
    if ((e->func->flags & FUNC_COMPARES) != 0 && derive_comparison(r, e) != 0) {
        return -1;
    }
    set_int(r, e, 1, 0, false);
    set_nullable(e, (e->func->flags & FUNC_NEVER_NULL) == 0 && args_nullable(e));
    return 0;
}

static int derive_choice(struct resolver *r, struct expr *e, struct expr **values, uint32_t count)
{
    return derive_common(r, values, count, &e->type, &e->coercibility);
}

/* In MariaDB an integer beside a NULL keeps its own width. */
static uint32_t alone_length(struct expr *const args[2], uint32_t length)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (args[i]->type.type == MYSQL_TYPE_NULL) {
            return int_width(args[1 - i]);
        }
    }
    return length;
}

static int derive_if(struct resolver *r, struct expr *e)
{
    if (derive_choice(r, e, e->args + 1, 2) != 0) {
        return -1;
    }
    if (resolver_is_mariadb(r) && type_is_nullable(&e->args[0]->type)) {
        set_nullable(e, true);
    }
    if (resolver_is_mariadb(r) && type_class_of(e->type.type) == TYPE_CLASS_INT) {
        e->type.length = alone_length(e->args + 1, e->type.length);
    }
    return 0;
}

static int derive_coalesce(struct resolver *r, struct expr *e)
{
    bool nullable = true;
    for (uint32_t i = 0; i < e->argc; i++) {
        nullable = nullable && type_is_nullable(&e->args[i]->type);
    }
    if (derive_choice(r, e, e->args, e->argc) != 0) {
        return -1;
    }
    set_nullable(e, nullable);
    return 0;
}

static int derive_ifnull(struct resolver *r, struct expr *e)
{
    if (derive_choice(r, e, e->args, e->argc) != 0) {
        return -1;
    }
    set_nullable(e, type_is_nullable(&e->args[1]->type));
    return 0;
}

static int derive_nullif(struct resolver *r, struct expr *e)
{
    if (derive_comparison(r, e) != 0) {
        return -1;
    }
    struct expr *first[1] = {e->args[0]};
    if (derive_choice(r, e, first, 1) != 0) {
        return -1;
    }
    if (type_class_of(e->type.type) == TYPE_CLASS_INT) {
        e->type.length = int_width(first[0]);
    }
    set_nullable(e, true);
    return 0;
}

/*
 * GREATEST and LEAST. MariaDB compares text beside numbers as doubles, and beside dates as dates,
 * and answers so; for MySQL it is text.
 */
static int derive_greatest(struct resolver *r, struct expr *e)
{
    struct expr **moments = ARENA_ARRAY(r->arena, struct expr *, e->argc);
    uint32_t moment_count = 0;
    uint32_t text_count = 0;
    for (uint32_t i = 0; i < e->argc; i++) {
        const enum type_class c = type_class_of(e->args[i]->type.type);
        if (c == TYPE_CLASS_DATE || c == TYPE_CLASS_DATETIME || c == TYPE_CLASS_TIME) {
            moments[moment_count++] = e->args[i];
        }
        text_count += c == TYPE_CLASS_STRING;
    }
    if (derive_comparison(r, e) != 0) {
        return -1;
    }
    if (!resolver_is_mariadb(r) || text_count == 0 || text_count == e->argc) {
        return derive_choice(r, e, e->args, e->argc);
    }
    if (moment_count == 0) {
        set_double(e);
        set_null_from_args(e);
        return 0;
    }
    if (moment_count + text_count < e->argc) {
        return derive_choice(r, e, e->args, e->argc);
    }
    const int rc = derive_choice(r, e, moments, moment_count);
    set_nullable(e, true);
    return rc;
}

static int derive_double(struct resolver *r, struct expr *e)
{
    (void)r;
    set_double(e);
    if (e->func->type_rule == TR_DOUBLE_NN) {
        set_null_from_args(e);
    } else if (e->func->type_rule == TR_PI) {
        set_type(e, MYSQL_TYPE_DOUBLE, 8, 6, NOT_NULL_FLAG);
    }
    return 0;
}

static int derive_text(struct resolver *r, struct expr *e)
{
    uint32_t chars = rule_length(r, e);
    e->type = (struct sql_type){.collation = r->env->collation_connection};
    e->coercibility = COERCE_COERCIBLE;
    switch (e->func->type_rule) {
    case TR_USER:
        chars = resolver_is_mariadb(r) ? 384 : 288;
        e->coercibility = COERCE_SYSCONST;
        break;
    case TR_VERSION:
        chars = resolver_is_mariadb(r) ? 26 : 7;
        e->coercibility = COERCE_SYSCONST;
        break;
    case TR_SYSTEM_TEXT:
        e->coercibility = COERCE_SYSCONST;
        break;
    default:
        break;
    }
    set_string(r, e, chars);
    if (e->func->type_rule == TR_NAME) {
        set_mariadb_decimals(r, e);
    }
    set_nullable(e, (e->func->flags & FUNC_NEVER_NULL) == 0);
    return 0;
}

static int derive_date(struct resolver *r, struct expr *e)
{
    unsigned fsp = 0;
    for (uint32_t i = 0; i < e->argc; i++) {
        fsp = MAX(fsp, temporal_scale(e->args[i]));
    }
    (void)r;
    switch (e->func->type_rule) {
    case TR_TIME:
        set_type(e, MYSQL_TYPE_TIME, 10 + (fsp > 0 ? fsp + 1 : 0), fsp, 0);
        break;
    case TR_DATETIME:
        set_type(e, MYSQL_TYPE_DATETIME, 19 + (fsp > 0 ? fsp + 1 : 0), fsp, 0);
        break;
    default:
        set_type(e, MYSQL_TYPE_DATE, 10, 0, 0);
        break;
    }
    set_nullable(e, e->func->type_rule != TR_DATE_NN);
    return 0;
}

static int derive_year(struct resolver *r, struct expr *e)
{
    if (resolver_is_mariadb(r)) {
        set_type(e, MYSQL_TYPE_LONG, 4, 0, 0);
    } else {
        set_type(e, MYSQL_TYPE_YEAR, 4, 0, UNSIGNED_FLAG);
    }
    return 0;
}

/* A value of the argument's type that is no column any more. */
static void copy_arg_type(struct expr *e, unsigned keep_flags)
{
    e->type = e->args[0]->type;
    e->type.flags &= (uint16_t)keep_flags;
    e->coercibility = e->args[0]->coercibility;
    if (type_class_of(e->type.type) == TYPE_CLASS_STRING) {
        e->type.decimals = DECIMALS_NOT_FIXED;
    }
}

static int derive_min_max(struct resolver *r, struct expr *e)
{
    const enum type_class class = type_class_of(e->args[0]->type.type);
    if (class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET || class == TYPE_CLASS_JSON ||
        class == TYPE_CLASS_OPAQUE || (class == TYPE_CLASS_BIT && resolver_is_mariadb(r))) {
        return resolve_refuse(r, "MIN and MAX of this type"); /* MariaDB sends BITs as digits */
    }
    copy_arg_type(e, UNSIGNED_FLAG | ZEROFILL_FLAG);
    if (class == TYPE_CLASS_INT) {
        e->type.length = int_width(e->args[0]);
        if (resolver_is_mariadb(r) && !is_field(e->args[0])) {
            e->type.type = MYSQL_TYPE_LONGLONG;
            e->type.length += mariadb_adds_sign(e->args[0]) ? 1 : 0;
        }
    }
    if (e->type.type == MYSQL_TYPE_YEAR) {
        e->type.flags &= (uint16_t)~ZEROFILL_FLAG; /* year 0 is shown as 0 */
    }
    e->cmp_collation = e->type.collation;
    return 0;
}

static int derive_any_value(struct resolver *r, struct expr *e)
{
    (void)r;
    copy_arg_type(e, UNSIGNED_FLAG | ZEROFILL_FLAG | NOT_NULL_FLAG);
    return 0;
}

static int derive_rank(struct resolver *r, struct expr *e)
{
    set_type(e, MYSQL_TYPE_LONGLONG, 21, 0,
             NOT_NULL_FLAG | (resolver_is_mariadb(r) ? 0 : UNSIGNED_FLAG));
    return 0;
}

static int derive_percent(struct resolver *r, struct expr *e)
{
    if (resolver_is_mariadb(r)) {
        set_type(e, MYSQL_TYPE_DOUBLE, 17, 10, 0);
    } else {
        set_type(e, MYSQL_TYPE_DOUBLE, 23, DECIMALS_NOT_FIXED, NOT_NULL_FLAG);
    }
    return 0;
}

static int derive_lag(struct resolver *r, struct expr *e)
{
    if (e->argc > 2) {
        return resolve_refuse(r, "LAG and LEAD with a default");
    }
    copy_arg_type(e, UNSIGNED_FLAG | ZEROFILL_FLAG);
    return 0;
}

static derive_fn *const rules[TYPE_RULE_COUNT] = {
    [TR_BOOL] = derive_bool,
    [TR_ADD] = derive_add,
    [TR_SUB] = derive_sub,
    [TR_MUL] = derive_mul,
    [TR_DIV] = derive_div,
    [TR_INT_DIV] = derive_int_div,
    [TR_MOD] = derive_mod,
    [TR_NEG] = derive_neg,
    [TR_BITS] = derive_int_family,
    [TR_IF] = derive_if,
    [TR_IFNULL] = derive_ifnull,
    [TR_COALESCE] = derive_coalesce,
    [TR_NULLIF] = derive_nullif,
    [TR_GREATEST] = derive_greatest,
    [TR_ELT] = derive_elt,
    [TR_CONCAT] = derive_concat,
    [TR_CONCAT_WS] = derive_concat_ws,
    [TR_SAME_STRING] = derive_same_string,
    [TR_LEFT] = derive_left,
    [TR_SUBSTRING] = derive_substring,
    [TR_REPLACE] = derive_replace,
    [TR_REPEAT] = derive_repeat,
    [TR_PAD] = derive_pad,
    [TR_SPACE] = derive_space,
    [TR_HEX] = derive_hex,
    [TR_CONVERT_USING] = derive_convert_using,
    [TR_BINARY] = derive_binary,
    [TR_TEXT] = derive_text,
    [TR_SYSTEM_TEXT] = derive_text,
    [TR_USER] = derive_text,
    [TR_VERSION] = derive_text,
    [TR_NAME] = derive_text,
    [TR_INT] = derive_int_family,
    [TR_INT_NULL] = derive_int_family,
    [TR_UINT] = derive_int_family,
    [TR_BIGINT] = derive_int_family,
    [TR_BIGINT_NULL] = derive_int_family,
    [TR_UBIGINT] = derive_int_family,
    [TR_CONNECTION_ID] = derive_int_family,
    [TR_DOUBLE] = derive_double,
    [TR_DOUBLE_NN] = derive_double,
    [TR_PI] = derive_double,
    [TR_ABS] = derive_abs,
    [TR_ROUND] = derive_round,
    [TR_TRUNCATE] = derive_truncate,
    [TR_FLOOR] = derive_floor,
    [TR_DATE] = derive_date,
    [TR_DATE_NN] = derive_date,
    [TR_TIME] = derive_date,
    [TR_DATETIME] = derive_date,
    [TR_NOW] = derive_now,
    [TR_CURTIME] = derive_curtime,
    [TR_DATE_ADD] = derive_date_add,
    [TR_EXTRACT] = derive_extract,
    [TR_YEAR] = derive_year,
    [TR_DATE_FORMAT] = derive_date_format,
    [TR_UNIX_TIMESTAMP] = derive_unix_timestamp,
    [TR_COUNT] = derive_int_family,
    [TR_SUM] = derive_sum,
    [TR_AVG] = derive_avg,
    [TR_MIN_MAX] = derive_min_max,
    [TR_ANY_VALUE] = derive_any_value,
    [TR_GROUP_CONCAT] = derive_group_concat,
    [TR_STD] = derive_std,
    [TR_RANK] = derive_rank,
    [TR_PERCENT] = derive_percent,
    [TR_LAG] = derive_lag,
    [TR_UNHEX] = derive_unhex,
    [TR_CHAR] = derive_char,
    [TR_CHAR_USING] = derive_char_using,
    [TR_FORMAT] = derive_format,
    [TR_QUOTE] = derive_quote,
    [TR_SOUNDEX] = derive_soundex,
    [TR_INSERT] = derive_insert,
    [TR_BASE64] = derive_base64,
    [TR_SHA2] = derive_sha2,
    [TR_INET_ATON] = derive_inet_aton,
    [TR_RANDOM_BYTES] = derive_random_bytes,
    [TR_INTERVAL_FN] = derive_interval_fn,
    [TR_TIMESTAMPADD] = derive_timestampadd,
    [TR_STR_TO_DATE] = derive_str_to_date,
    [TR_TIME_RESULT] = derive_time_result,
    [TR_ADDTIME] = derive_addtime,
    [TR_FROM_UNIXTIME] = derive_from_unixtime,
    [TR_CONVERT_TZ] = derive_convert_tz,
};

/* ---- Other nodes ---- */

static int derive_case(struct resolver *r, struct expr *e)
{
    const bool has_operand = (e->flags & EXPR_CASE_OPERAND) != 0;
    const bool has_else = (e->flags & EXPR_CASE_ELSE) != 0;
    const uint32_t first = has_operand ? 1 : 0;
    const uint32_t end = e->argc - (has_else ? 1 : 0);
    struct expr **values = ARENA_ARRAY(r->arena, struct expr *, e->argc);
    uint32_t count = 0;
    bool conditions_nullable = has_operand && type_is_nullable(&e->args[0]->type);
    for (uint32_t i = first; i + 1 < end; i += 2) {
        conditions_nullable = conditions_nullable || type_is_nullable(&e->args[i]->type);
        values[count++] = e->args[i + 1];
    }
    if (has_else) {
        values[count++] = e->args[end];
    }
    if (derive_common(r, values, count, &e->type, &e->coercibility) != 0) {
        return -1;
    }
    if (!has_else || (resolver_is_mariadb(r) && conditions_nullable)) {
        set_nullable(e, true);
    }
    return 0;
}

static int derive_collate(struct resolver *r, struct expr *e)
{
    const struct collation *c = collation_find_name(e->collate.name, r->env->dialect);
    if (c == NULL) {
        return diag_set(r->diag, ER_UNKNOWN_COLLATION, arena_dup_cstr(r->arena, e->collate.name));
    }
    if (!is_text(e->args[0])) {
        return resolve_refuse(r, "COLLATE of what is not text");
    }
    const struct collation *from = collation_find(e->args[0]->type.collation);
    if (from == NULL || from->charset != c->charset) {
        return diag_set(r->diag, ER_COLLATION_CHARSET_MISMATCH, arena_dup_cstr(r->arena, c->name),
                        from != NULL ? arena_dup_cstr(r->arena, from->charset->name) : "?");
    }
    copy_arg_type(e, 0);
    e->type.collation = c->id;
    e->coercibility = COERCE_EXPLICIT;
    return 0;
}

static int derive_subquery(struct resolver *r, struct expr *e)
{
    const struct query *q = e->sub.query;
    if (q->column_count == 1) {
        e->type = q->columns[0].type;
        const bool one_row = q->kind == QUERY_SELECT && q->select->from == NULL &&
                             q->select->where == NULL && q->select->having == NULL;
        if (!one_row) {
            set_nullable(e, true);
        }
        e->type.flags &= (uint16_t)~(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG |
                                     PART_KEY_FLAG | AUTO_INCREMENT_FLAG);
        e->coercibility =
            type_class_of(e->type.type) == TYPE_CLASS_STRING ? COERCE_IMPLICIT : COERCE_NUMERIC;
    }
    (void)r;
    return 0;
}

static int derive_predicate(struct resolver *r, struct expr *e)
{
    set_int(r, e, e->kind != EXPR_EXISTS && resolver_is_mariadb(r) ? 21 : 1, 0, false);
    set_nullable(e, e->kind != EXPR_EXISTS);
    e->cmp_collation = COLLATION_BINARY;
    if (e->kind == EXPR_EXISTS || e->args[0]->kind == EXPR_ROW || !is_text(e->args[0])) {
        return 0;
    }
    struct expr column = {.kind = EXPR_COLUMN,
                          .coercibility = COERCE_IMPLICIT,
                          .type = e->sub.query->columns[0].type};
    struct expr *args[2] = {e->args[0], &column};
    enum coercibility coercibility;
    return derive_collation(r, args, 2, "in", &e->cmp_collation, &coercibility);
}

/* Once an operator has its type, a hexadecimal literal under it can be the number that it is. */
static void number_literals(const struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        struct expr *a = e->args[i];
        if (!is_numeric_literal(a)) {
            continue;
        }
        const struct str s = a->lit.value.str;
        uint64_t n = 0;
        for (size_t k = s.len > 8 ? s.len - 8 : 0; k < s.len; k++) {
            n = n << 8 | (unsigned char)s.p[k];
        }
        const unsigned flags = a->type.flags & (UNSIGNED_FLAG | NOT_NULL_FLAG);
        a->lit.kind = LIT_INT;
        a->lit.value = n > INT64_MAX ? value_uint(n) : value_int((int64_t)n);
        set_type(a, MYSQL_TYPE_LONGLONG, 20, 0, flags);
    }
}

static bool is_arithmetic(const struct func_def *f)
{
    switch (f->type_rule) {
    case TR_ADD:
    case TR_SUB:
    case TR_MUL:
    case TR_DIV:
    case TR_INT_DIV:
    case TR_MOD:
    case TR_BITS:
        return true;
    default:
        return false;
    }
}

int derive_type(struct resolver *r, struct expr *e)
{
    switch (e->kind) {
    case EXPR_CALL:
    case EXPR_AGGREGATE:
    case EXPR_WINDOW: {
        derive_fn *fn = rules[e->func->type_rule];
        if (fn == NULL) {
            return resolve_refuse(r, e->func->name);
        }
        if (fn(r, e) != 0) {
            return -1;
        }
        if (is_arithmetic(e->func)) {
            number_literals(e);
        }
        return 0;
    }
    case EXPR_CASE:
        return derive_case(r, e);
    case EXPR_CAST:
        return derive_cast(r, e);
    case EXPR_COLLATE:
        return derive_collate(r, e);
    case EXPR_SUBQUERY:
        return derive_subquery(r, e);
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        return derive_predicate(r, e);
    default:
        return 0;
    }
}
