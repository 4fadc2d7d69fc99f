/* Result types of string functions and casts. */
#include "sql/resolve_int.h"
#include "types/charset.h"
#include "types/collation.h"

/* The collation of a string made of the arguments from `first` on; binary if one of them is. */
static int string_collation(struct resolver *r, struct expr *e, uint32_t first, uint32_t count)
{
    const char *what = arena_dup_cstr(r->arena, str_from_cstr(e->func->name));
    e->type = (struct sql_type){0};
    return derive_collation(r, e->args + first, count, what, &e->type.collation, &e->coercibility);
}

static uint32_t sum_widths(const struct resolver *r, const struct expr *e, uint32_t first)
{
    uint64_t sum = 0;
    for (uint32_t i = first; i < e->argc; i++) {
        sum += text_width(r, e->args[i]);
    }
    return (uint32_t)MIN(sum, UINT32_MAX);
}

int derive_concat(struct resolver *r, struct expr *e)
{
    if (string_collation(r, e, 0, e->argc) != 0) {
        return -1;
    }
    set_string(r, e, sum_widths(r, e, 0));
    return 0;
}

int derive_concat_ws(struct resolver *r, struct expr *e)
{
    if (string_collation(r, e, 0, e->argc) != 0) {
        return -1;
    }
    const uint64_t separators = (uint64_t)text_width(r, e->args[0]) * (e->argc - 2);
    set_string(r, e, (uint32_t)MIN(sum_widths(r, e, 1) + separators, UINT32_MAX));
    return 0;
}

int derive_same_string(struct resolver *r, struct expr *e)
{
    if (string_collation(r, e, 0, 1) != 0) {
        return -1;
    }
    set_string(r, e, text_width(r, e->args[0]));
    return 0;
}

int derive_left(struct resolver *r, struct expr *e)
{
    int64_t n = 0;
    if (string_collation(r, e, 0, 1) != 0) {
        return -1;
    }
    uint32_t chars = text_width(r, e->args[0]);
    if (literal_int(e->args[1], &n)) {
        chars = n < 0 ? 0 : (uint32_t)MIN((int64_t)chars, n);
    }
    set_string(r, e, chars);
    return 0;
}

int derive_substring(struct resolver *r, struct expr *e)
{
    int64_t n = 0;
    if (string_collation(r, e, 0, 1) != 0) {
        return -1;
    }
    int64_t chars = text_width(r, e->args[0]);
    const struct collation *c = collation_find(e->type.collation);
    if (resolver_is_mariadb(r) && c != NULL) {
        chars *= c->charset->max_len; /* It counts the bytes of the argument as characters. */
    }
    if (literal_int(e->args[1], &n)) {
        if (n < 0) {
            chars = MIN(chars, -n);
        } else {
            chars = n == 0 ? 0 : MAX(chars - (n - 1), 0);
        }
    }
    if (e->argc == 3 && literal_int(e->args[2], &n)) {
        chars = MIN(chars, MAX(n, 0));
    }
    set_string(r, e, (uint32_t)chars);
    return 0;
}

int derive_replace(struct resolver *r, struct expr *e)
{
    if (string_collation(r, e, 0, 3) != 0) {
        return -1;
    }
    const uint64_t width = text_width(r, e->args[0]);
    const uint64_t from = text_width(r, e->args[1]);
    const uint64_t to = text_width(r, e->args[2]);
    uint64_t chars = width;
    if (resolver_is_mariadb(r) && to > from && from > 0) {
        chars += width / from * (to - from);
    }
    set_string(r, e, (uint32_t)MIN(chars, UINT32_MAX));
    return 0;
}

int derive_repeat(struct resolver *r, struct expr *e)
{
    int64_t n = 0;
    if (string_collation(r, e, 0, 1) != 0) {
        return -1;
    }
    uint64_t chars = UINT32_MAX / 4;
    if (literal_int(e->args[1], &n)) {
        chars = (uint64_t)MAX(n, 0) * text_width(r, e->args[0]);
    }
    set_string(r, e, (uint32_t)MIN(chars, UINT32_MAX / 4));
    return 0;
}

int derive_pad(struct resolver *r, struct expr *e)
{
    int64_t n = 0;
    struct expr *texts[2] = {e->args[0], e->args[2]};
    e->type = (struct sql_type){0};
    if (derive_collation(r, texts, 2, e->func->name, &e->type.collation, &e->coercibility) != 0) {
        return -1;
    }
    set_string(r, e,
               literal_int(e->args[1], &n) ? (uint32_t)MIN(MAX(n, 0), (int64_t)UINT32_MAX / 4)
                                           : UINT32_MAX / 4);
    return 0;
}

int derive_space(struct resolver *r, struct expr *e)
{
    int64_t n = 0;
    e->type = (struct sql_type){.collation = r->env->collation_connection};
    e->coercibility = COERCE_COERCIBLE;
    set_string(r, e,
               literal_int(e->args[0], &n) ? (uint32_t)MIN(MAX(n, 0), (int64_t)UINT32_MAX / 4)
                                           : UINT32_MAX / 4);
    return 0;
}

int derive_hex(struct resolver *r, struct expr *e)
{
    const struct expr *a = e->args[0];
    const bool text = type_class_of(a->type.type) == TYPE_CLASS_STRING;
    const struct collation *c = collation_find(a->type.collation);
    const uint32_t bytes = text && c != NULL ? c->charset->max_len : 1;
    e->type = (struct sql_type){.collation = r->env->collation_connection};
    e->coercibility = COERCE_COERCIBLE;
    set_string(r, e, text ? text_width(r, a) * bytes * 2 : 16);
    set_mariadb_decimals(r, e);
    return 0;
}

int derive_elt(struct resolver *r, struct expr *e)
{
    if (string_collation(r, e, 1, e->argc - 1) != 0) {
        return -1;
    }
    uint32_t chars = 0;
    for (uint32_t i = 1; i < e->argc; i++) {
        chars = MAX(chars, text_width(r, e->args[i]));
    }
    set_string(r, e, chars);
    return 0;
}

int derive_group_concat(struct resolver *r, struct expr *e)
{
    if (string_collation(r, e, 0, e->argc) != 0) {
        return -1;
    }
    /* The limit counts bytes; both servers announce sixteen times as many characters of four. */
    const bool binary = e->type.collation == COLLATION_BINARY;
    const uint64_t chars = (uint64_t)r->env->group_concat_max_len * (binary ? 1 : 16) /
                           (resolver_is_mariadb(r) && !binary ? 4 : 1);
    set_string(r, e, (uint32_t)MIN(chars, (uint64_t)UINT32_MAX));
    e->type.type = resolver_is_mariadb(r) ? MYSQL_TYPE_BLOB : MYSQL_TYPE_LONG_BLOB;
    set_mariadb_decimals(r, e);
    return 0;
}

int derive_convert_using(struct resolver *r, struct expr *e)
{
    const struct charset *cs = charset_find(e->args[1]->lit.value.str);
    if (cs == NULL) {
        return diag_set(r->diag, ER_UNKNOWN_CHARACTER_SET,
                        arena_dup_cstr(r->arena, e->args[1]->lit.value.str));
    }
    uint16_t collation = charset_default_collation(cs, r->env->dialect);
    const struct collation *connection = collation_find(r->env->collation_connection);
    if (connection != NULL && connection->charset == cs) {
        collation = connection->id;
    }
    e->type = (struct sql_type){.collation = collation};
    e->coercibility = COERCE_IMPLICIT;
    set_string(r, e, text_width(r, e->args[0]));
    return 0;
}

int derive_binary(struct resolver *r, struct expr *e)
{
    const struct collation *from = collation_find(e->args[0]->type.collation);
    const bool text = type_class_of(e->args[0]->type.type) == TYPE_CLASS_STRING;
    e->type = (struct sql_type){.collation = COLLATION_BINARY};
    e->coercibility = COERCE_IMPLICIT;
    set_string(r, e,
               text_width(r, e->args[0]) * (text && from != NULL ? from->charset->max_len : 1u));
    return 0;
}

/* ---- Casts ---- */

static int cast_to_char(struct resolver *r, struct expr *e)
{
    const struct cast_target *t = &e->cast.target;
    const uint16_t collation =
        t->type.collation != 0 ? t->type.collation : r->env->collation_connection;
    const struct collation *c = collation_find(collation);
    uint32_t chars = text_width(r, e->args[0]);
    if (t->has_length) {
        chars = t->type.length;
    } else if (c != NULL && c->charset->kind == CHARSET_BINARY &&
               type_class_of(e->args[0]->type.type) == TYPE_CLASS_STRING) {
        const struct collation *from = collation_find(e->args[0]->type.collation);
        chars *= from != NULL ? from->charset->max_len : 1;
    }
    e->type = (struct sql_type){.collation = collation};
    e->coercibility = COERCE_IMPLICIT;
    set_string(r, e, chars);
    set_mariadb_decimals(r, e);
    return 0;
}

static int cast_to_int(struct resolver *r, struct expr *e, bool is_unsigned)
{
    const bool from_text = type_class_of(e->args[0]->type.type) == TYPE_CLASS_STRING;
    const uint32_t width = text_width(r, e->args[0]);
    uint32_t length = 21;
    bool small = false;
    const bool from_real = type_class_of(e->args[0]->type.type) == TYPE_CLASS_REAL;
    if (resolver_is_mariadb(r) && from_real) {
        length = 20;
    } else if (resolver_is_mariadb(r) && from_text) {
        length = MIN(is_unsigned ? MAX(width, 20u) : MAX(width, 2u), 21u);
        small = length <= 9;
    } else if (resolver_is_mariadb(r)) {
        length =
            is_unsigned && !type_is_unsigned(&e->args[0]->type) ? MAX(width, 20u) : MIN(width, 21u);
        small = length <= 9;
    }
    set_type(e, small ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, length, 0,
             is_unsigned ? UNSIGNED_FLAG : 0);
    set_null_from_args(e);
    return 0;
}

static int cast_to_decimal(struct resolver *r, struct expr *e)
{
    const struct cast_target *t = &e->cast.target;
    const unsigned p = t->has_length && t->type.length > 0 ? t->type.length : 10;
    const unsigned s = t->has_length ? t->type.decimals : 0;
    if (p > DECIMAL_MAX_PRECISION) {
        return diag_set(r->diag, ER_TOO_BIG_PRECISION, (int)p, "CAST",
                        (uint64_t)DECIMAL_MAX_PRECISION);
    }
    if (s > DECIMAL_MAX_SCALE) {
        return diag_set(r->diag, ER_TOO_BIG_SCALE, (int)s, "CAST", (uint64_t)DECIMAL_MAX_SCALE);
    }
    if (p < s) {
        return diag_set(r->diag, ER_M_BIGGER_THAN_D, "");
    }
    set_decimal(e, p, s, false);
    set_null_from_args(e);
    return 0;
}

static int cast_to_temporal(struct resolver *r, struct expr *e)
{
    const struct cast_target *t = &e->cast.target;
    const unsigned fsp = t->type.decimals;
    const unsigned extra = fsp > 0 ? fsp + 1 : 0;
    if (fsp > 6) {
        return diag_set(r->diag, ER_TOO_BIG_PRECISION, (int)fsp, "CAST", (uint64_t)6);
    }
    switch (t->type.type) {
    case MYSQL_TYPE_DATE:
        set_type(e, MYSQL_TYPE_DATE, 10, 0, 0);
        break;
    case MYSQL_TYPE_TIME:
        set_type(e, MYSQL_TYPE_TIME, 10 + extra, fsp, 0);
        break;
    default:
        set_type(e, MYSQL_TYPE_DATETIME, 19 + extra, fsp, 0);
        break;
    }
    return 0;
}

int derive_cast(struct resolver *r, struct expr *e)
{
    const struct sql_type *t = &e->cast.target.type;
    if (e->cast.target.is_array) {
        return resolve_refuse(r, "CAST to an array");
    }
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_STRING:
        return cast_to_char(r, e);
    case TYPE_CLASS_INT:
        return t->type == MYSQL_TYPE_YEAR ? resolve_refuse(r, "CAST AS YEAR")
                                          : cast_to_int(r, e, type_is_unsigned(t));
    case TYPE_CLASS_DECIMAL:
        return cast_to_decimal(r, e);
    case TYPE_CLASS_REAL:
        set_type(e, t->type, resolver_is_mariadb(r) ? (t->type == MYSQL_TYPE_FLOAT ? 12 : 22) : 23,
                 DECIMALS_NOT_FIXED, 0);
        if (!resolver_is_mariadb(r)) {
            set_null_from_args(e);
        }
        return 0;
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_DATETIME:
    case TYPE_CLASS_TIME:
        return cast_to_temporal(r, e);
    default:
        return resolve_refuse(r, "CAST to this type");
    }
}
