/* See user_vars.h. */
#include "exec/user_vars.h"

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
    const bool is_text = value->kind == VALUE_STRING || value->kind == VALUE_JSON;
    struct value copy = *value;
    /* @a := @a gives the variable its own text. */
    if (is_text && value->str.p != v->buf) {
        if (value->str.len > USER_VAR_MAX_LEN || make_room(v, value->str.len) != 0) {
            return diag_set(x->diag, ER_OUT_OF_RESOURCES);
        }
        if (value->str.len > 0) {
            memcpy(v->buf, value->str.p, value->str.len);
        }
        copy.str = str_from(v->buf, value->str.len);
    }
    v->value = copy;
    v->type = *type;
    v->type.labels = NULL;
    return 0;
}
