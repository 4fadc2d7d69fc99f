/* CHECK constraints: see row_check.h. */
#include "exec/row_check.h"

#include "exec/dml.h"

struct row_check {
    const struct check_def *def;
    struct expr *expr;
};

struct expr *exec_stored_expr(struct exec_session *x, const struct table_def *t, struct str text)
{
    struct parse_options options = exec_parse_options(x);
    struct resolve_env env;
    struct stmt *stmt;
    size_t used;
    options.sql_mode = 0; /* it was written without any */
    options.params_allowed = false;
    options.collation = x->server->dialect == DIALECT_MARIADB ? COLLATION_UTF8MB4_GENERAL_CI
                                                              : COLLATION_UTF8MB4_0900_AI_CI;
    exec_resolve_env(x, 0, &env);
    env.check_column = NULL;
    const struct str whole = arena_printf(&x->stmt_arena, "DO %.*s", STR_FMT(text));
    if (sql_parse(whole, &options, &x->stmt_arena, x->diag, &stmt, &used) != 0) {
        return NULL;
    }
    struct expr *e = stmt->call.exprs[0];
    return sql_resolve_expr(e, t, &env, &x->stmt_arena, x->diag) == 0 ? e : NULL;
}

int row_checks_init(struct row_checks *c, struct exec_session *x, const struct table_def *t,
                    bool ignore)
{
    *c = (struct row_checks){.x = x, .table = t, .ignore = ignore};
    c->items = ARENA_ARRAY(&x->stmt_arena, struct row_check, t->check_count);
    for (uint32_t i = 0; i < t->check_count; i++) {
        if (t->checks[i].not_enforced) {
            continue;
        }
        struct expr *e = exec_stored_expr(x, t, t->checks[i].text);
        if (e == NULL) {
            return -1;
        }
        c->items[c->count++] = (struct row_check){.def = &t->checks[i], .expr = e};
    }
    exec_eval_ctx(x, &x->stmt_arena, &c->eval);
    return 0;
}

/* MariaDB names a column's own constraint by its table and column. */
static const char *shown_name(const struct row_checks *c, const struct check_def *def)
{
    struct arena *a = &c->x->stmt_arena;
    return def->column_id != 0
               ? arena_printf(a, "%.*s.%.*s", STR_FMT(c->table->name), STR_FMT(def->name)).p
               : arena_dup_cstr(a, def->name);
}

static enum row_check_result violated(const struct row_checks *c, const struct check_def *def)
{
    struct exec_session *x = c->x;
    const char *name = shown_name(c, def);
    const char *db = arena_dup_cstr(&x->stmt_arena, c->table->db);
    const char *table = arena_dup_cstr(&x->stmt_arena, c->table->name);
    const bool mariadb = x->server->dialect == DIALECT_MARIADB;
    if (c->ignore) {
        if (mariadb) {
            diag_warn(x->diag, DIAG_WARNING, ER_CONSTRAINT_FAILED, name, db, table);
        } else {
            diag_warn(x->diag, DIAG_WARNING, ER_CHECK_CONSTRAINT_VIOLATED, name);
        }
        return ROW_CHECK_SKIP;
    }
    if (mariadb) {
        diag_set(x->diag, ER_CONSTRAINT_FAILED, name, db, table);
    } else {
        diag_set(x->diag, ER_CHECK_CONSTRAINT_VIOLATED, name);
    }
    return ROW_CHECK_FAIL;
}

enum row_check_result row_checks_run(struct row_checks *c, const struct value *row,
                                     struct arena *scratch)
{
    if (c->count == 0) {
        return ROW_CHECK_OK;
    }
    c->eval.arena = scratch;
    c->eval.row = dml_visible_row(c->x, c->table, row, scratch);
    for (uint32_t i = 0; i < c->count; i++) {
        struct value v;
        if (eval_expr(&c->eval, c->items[i].expr, &v) != 0) {
            return ROW_CHECK_FAIL;
        }
        if (eval_truth(&v) == 0) {
            return violated(c, c->items[i].def);
        }
    }
    return ROW_CHECK_OK;
}
