/* See user_vars.h. */
#include "exec/user_vars.h"

#include "types/convert.h"

#include <stdlib.h>

void user_var_get(struct exec_session *x, struct str name, struct value *out,
                  struct sql_type *out_type)
{
    const struct user_var *v = htab_find(&x->user_vars, name);
    if (v == NULL) {
        *out = value_null();
        *out_type = (struct sql_type){.type = MYSQL_TYPE_VAR_STRING,
                                      .decimals = DECIMALS_NOT_FIXED,
                                      .collation = COLLATION_BINARY};
        return;
    }
    *out = v->value;
    *out_type = v->type;
}

/*
 * A variable keeps the family of its value, not the type: integers are BIGINT, reals DOUBLE, and
 * all else but decimals is text, dates and times too (MySQL manual, "User-Defined Variables").
 */
static struct sql_type variable_type(const struct exec_session *x, const struct value *v,
                                     const struct sql_type *from)
{
    const bool mariadb = x->server->dialect == DIALECT_MARIADB;
    struct sql_type t = {.collation = COLLATION_BINARY};
    switch (v->kind) {
    case VALUE_INT:
    case VALUE_UINT:
        t.type = MYSQL_TYPE_LONGLONG;
        t.length = mariadb ? 20 : 21;
        t.flags = v->kind == VALUE_UINT ? UNSIGNED_FLAG : 0;
        return t;
    case VALUE_DOUBLE:
        t.type = MYSQL_TYPE_DOUBLE;
        t.length = 23;
        t.decimals = DECIMALS_NOT_FIXED;
        return t;
    case VALUE_DECIMAL:
        t = *from;
        t.flags &= UNSIGNED_FLAG;
        return t;
    default:
        t.type = mariadb ? MYSQL_TYPE_LONG_BLOB : MYSQL_TYPE_MEDIUM_BLOB;
        t.length = 16777215;
        t.decimals = DECIMALS_NOT_FIXED;
        t.collation = v->kind == VALUE_STRING ? v->collation : COLLATION_BINARY;
        return t;
    }
}

/* What a variable holds of a value: labels and moments become text. */
static struct value variable_value(struct exec_session *x, const struct value *v,
                                   const struct sql_type *type)
{
    const enum type_class class = type_class_of(type->type);
    const bool labelled = class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET;
    const bool moment = v->kind == VALUE_DATE || v->kind == VALUE_DATETIME || v->kind == VALUE_TIME;
    if (v->kind == VALUE_NULL || (!moment && !labelled)) {
        return *v;
    }
    return value_string(value_to_text(v, type, &x->stmt_arena),
                        labelled ? type->collation : x->vars.collation_connection);
}

static struct user_var *user_var_new(struct str name)
{
    struct user_var *v = calloc(1, sizeof *v + name.len + 1);
    if (v == NULL) {
        abort();
    }
    char *copy = (char *)(v + 1);
    memcpy(copy, name.p, name.len);
    v->name = str_from(copy, name.len);
    return v;
}

/* Gives the variable room for len bytes; the old text need not survive. */
static int make_room(struct user_var *v, size_t len)
{
    if (len <= v->cap) {
        return 0;
    }
    char *buf = malloc(len);
    if (buf == NULL) {
        return -1;
    }
    free(v->buf);
    v->buf = buf;
    v->cap = len;
    return 0;
}

int user_var_set(struct exec_session *x, struct str name, const struct value *value,
                 const struct sql_type *type)
{
    struct user_var *v = htab_find(&x->user_vars, name);
    if (v == NULL) {
        if (x->user_vars.count >= USER_VAR_MAX_COUNT) {
            return diag_set(x->diag, ER_OUT_OF_RESOURCES);
        }
        v = user_var_new(name);
        htab_put(&x->user_vars, v->name, v);
    }
    struct value copy = variable_value(x, value, type);
    const bool is_text = copy.kind == VALUE_STRING || copy.kind == VALUE_JSON;
    /* @a := @a gives the variable its own text. */
    if (is_text && copy.str.p != v->buf) {
        if (copy.str.len > USER_VAR_MAX_LEN || make_room(v, copy.str.len) != 0) {
            return diag_set(x->diag, ER_OUT_OF_RESOURCES);
        }
        if (copy.str.len > 0) {
            memcpy(v->buf, copy.str.p, copy.str.len);
        }
        copy.str = str_from(v->buf, copy.str.len);
    }
    v->type = variable_type(x, &copy, type);
    v->value = copy;
    return 0;
}
