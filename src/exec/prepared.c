/*
 * PREPARE, EXECUTE, DEALLOCATE PREPARE as SQL statements. As in the binary protocol, the text is
 * kept, with the resolved tree of a SELECT; parameters are literals.
 */
#include "exec/exec_int.h"
#include "exec/plan_memo.h"
#include "exec/user_vars.h"
#include "types/convert.h"

#include <stdlib.h>

#define PREPARED_MAX 16382

struct sql_prepared {
    size_t name_len;
    size_t text_len;
    uint32_t param_count;
    struct plan_memo *plan; /* of a SELECT; else NULL */
    char bytes[];           /* name, then text */
};

static struct str prepared_text(const struct sql_prepared *p)
{
    return str_from(p->bytes + p->name_len, p->text_len);
}

static void prepared_free(struct sql_prepared *p)
{
    if (p != NULL) {
        plan_memo_free(p->plan);
        free(p);
    }
}

void exec_free_prepared(struct exec_session *x)
{
    size_t pos = 0;
    struct sql_prepared *p;
    while ((p = htab_next(&x->prepared, &pos)) != NULL) {
        prepared_free(p);
    }
    htab_release(&x->prepared);
    htab_init(&x->prepared, HTAB_NOCASE);
}

static int parse(struct exec_session *x, struct str text, struct stmt **out)
{
    struct parse_options options = exec_parse_options(x);
    options.params_allowed = true;
    size_t used;
    if (sql_parse(text, &options, &x->stmt_arena, x->diag, out, &used) != 0) {
        return -1;
    }
    if ((*out)->kind == STMT_PREPARE || (*out)->kind == STMT_EXECUTE ||
        (*out)->kind == STMT_DEALLOCATE) {
        return diag_set(x->diag, ER_UNSUPPORTED_PS);
    }
    return 0;
}

static int text_of(struct exec_session *x, const struct prepare_stmt *p, struct str *out)
{
    if (p->text_var.p == NULL) {
        *out = p->text;
        return 0;
    }
    struct value v;
    struct sql_type type;
    user_var_get(x, p->text_var, &v, &type);
    *out = value_is_null(&v) ? STR("NULL")
                             : arena_dup(&x->stmt_arena, value_to_text(&v, &type, &x->stmt_arena));
    return 0;
}

int exec_prepare(struct exec_session *x, struct stmt *stmt)
{
    const struct prepare_stmt *p = &stmt->prepare;
    struct str text;
    struct stmt *inner;
    prepared_free(htab_remove(&x->prepared, p->name));
    if (text_of(x, p, &text) != 0 || parse(x, text, &inner) != 0) {
        return -1;
    }
    struct result_column *columns;
    uint32_t count;
    if (x->prepared.count >= PREPARED_MAX) {
        return diag_set(x->diag, ER_MAX_PREPARED_STMT_COUNT_REACHED, (unsigned long)PREPARED_MAX);
    }
    if (exec_describe(x, inner, &x->stmt_arena, &columns, &count) != 0) {
        return -1;
    }
    struct sql_prepared *kept = malloc(sizeof *kept + p->name.len + text.len);
    if (kept == NULL) {
        return diag_set(x->diag, ER_OUT_OF_RESOURCES);
    }
    kept->name_len = p->name.len;
    kept->text_len = text.len;
    kept->param_count = inner->param_count;
    memcpy(kept->bytes, p->name.p, p->name.len);
    memcpy(kept->bytes + p->name.len, text.p, text.len);
    kept->plan = inner->kind == STMT_SELECT ? plan_memo_new(prepared_text(kept)) : NULL;
    htab_put(&x->prepared, str_from(kept->bytes, kept->name_len), kept);
    return 0;
}

/* The literal of a user variable's value. */
static void bind_variable(struct exec_session *x, struct str name, struct expr *e)
{
    static const enum literal_kind kinds[] = {
        [VALUE_NULL] = LIT_NULL,       [VALUE_INT] = LIT_INT,
        [VALUE_UINT] = LIT_INT,        [VALUE_DOUBLE] = LIT_REAL,
        [VALUE_DECIMAL] = LIT_DECIMAL, [VALUE_STRING] = LIT_STRING,
        [VALUE_DATE] = LIT_DATE,       [VALUE_DATETIME] = LIT_TIMESTAMP,
        [VALUE_TIME] = LIT_TIME,       [VALUE_JSON] = LIT_STRING,
    };
    struct sql_type type;
    e->kind = EXPR_LITERAL;
    user_var_get(x, name, &e->lit.value, &type);
    e->lit.kind = kinds[e->lit.value.kind];
    if (e->lit.value.kind == VALUE_STRING || e->lit.value.kind == VALUE_JSON) {
        e->lit.value = value_string(arena_dup(&x->stmt_arena, e->lit.value.str), type.collation);
    }
}

static int unknown(struct exec_session *x, struct str name, const char *what)
{
    return diag_set(x->diag, ER_UNKNOWN_STMT_HANDLER, (int)name.len,
                    arena_dup_cstr(&x->stmt_arena, name), what);
}

int exec_execute(struct exec_session *x, struct stmt *stmt)
{
    const struct prepare_stmt *p = &stmt->prepare;
    const struct sql_prepared *kept = htab_find(&x->prepared, p->name);
    if (kept == NULL) {
        return unknown(x, p->name, "EXECUTE");
    }
    if (p->using_count != kept->param_count) {
        return diag_set(x->diag, ER_WRONG_ARGUMENTS, "EXECUTE");
    }
    struct expr *params = ARENA_ARRAY(&x->stmt_arena, struct expr, kept->param_count);
    for (uint32_t i = 0; i < kept->param_count; i++) {
        bind_variable(x, p->using_vars[i], &params[i]);
    }
    struct stmt *inner;
    if (kept->plan != NULL) {
        if (plan_memo_begin(x, kept->plan, params, kept->param_count, &inner) != 0) {
            return -1;
        }
    } else if (parse(x, arena_dup(&x->stmt_arena, prepared_text(kept)), &inner) != 0) {
        return -1;
    } else {
        for (uint32_t i = 0; i < inner->param_count; i++) {
            inner->params[i]->kind = EXPR_LITERAL;
            inner->params[i]->lit = params[i].lit;
        }
    }
    const int rc = exec_run_handler(x, inner);
    x->plan = NULL;
    return rc;
}

int exec_deallocate(struct exec_session *x, struct stmt *stmt)
{
    struct sql_prepared *kept = htab_remove(&x->prepared, stmt->prepare.name);
    if (kept == NULL) {
        return unknown(x, stmt->prepare.name, "DEALLOCATE PREPARE");
    }
    prepared_free(kept);
    return 0;
}
