/*
 * The session as the resolver sees it: tables by name (opened and locked on the way), variables,
 * privileges, and constants evaluated before a query is written.
 */
#include "exec/exec_int.h"
#include "exec/user_vars.h"
#include "sql/write_duckdb.h"

struct env_arg {
    struct exec_session *x;
    uint64_t privileges;
    bool changes; /* the statement changes tables, which it need not be allowed to read */
};

/* May anything be read of the table? Columns are checked one by one, but COUNT(*) names none. */
static bool may_read_some(const struct account *a, struct str db, struct str table)
{
    if ((account_table_privs(a, db, table) & PRIV_SELECT) != 0 ||
        str_eq_nocase(db, STR("information_schema"))) {
        return true;
    }
    for (uint32_t i = 0; i < a->grant_count; i++) {
        const struct object_grant *g = &a->grants[i];
        if (g->table.p == NULL || !str_eq(g->db, db) || !str_eq(g->table, table)) {
            continue;
        }
        for (uint32_t c = 0; c < g->column_count; c++) {
            if ((g->columns[c].privs & PRIV_SELECT) != 0) {
                return true;
            }
        }
    }
    return false;
}

static const struct table_def *find_table(void *arg, struct str db, struct str name)
{
    const struct env_arg *env = arg;
    struct exec_session *x = env->x;
    struct str where;
    if (exec_db_or_current(x, db, &where) != 0) {
        return NULL;
    }
    const bool allowed =
        x->account != NULL && (env->changes ? account_sees_table(x->account, where, name)
                                            : may_read_some(x->account, where, name));
    if (!allowed) {
        (void)diag_set(x->diag, ER_TABLEACCESS_DENIED_ERROR, "SELECT",
                       x->account == NULL ? "" : x->account->user.p, x->login_host.p,
                       arena_dup_cstr(&x->stmt_arena, name));
        return NULL;
    }
    return exec_open_table(x, db, name);
}

static int check_column(void *arg, const struct table_def *table, uint32_t column,
                        struct diag *diag)
{
    struct env_arg *env = arg;
    (void)diag; /* the session's own, the same one */
    return exec_check_column(env->x, table, column, env->privileges);
}

static int find_variable(void *arg, const struct expr *var, struct diag *diag,
                         struct sql_type *out_type)
{
    struct exec_session *x = ((struct env_arg *)arg)->x;
    struct value value;
    (void)diag;
    return exec_variable(x, var, &x->stmt_arena, &value, out_type);
}

static int eval_const(void *arg, const struct expr *e, struct arena *arena, struct diag *diag,
                      struct value *out)
{
    struct exec_session *x = ((struct env_arg *)arg)->x;
    struct eval_ctx ctx;
    (void)diag;
    exec_eval_ctx(x, arena, &ctx);
    return eval_expr(&ctx, e, out);
}

void exec_resolve_env(struct exec_session *x, uint64_t privileges, struct resolve_env *out)
{
    struct env_arg *arg = ARENA_NEW(&x->stmt_arena, struct env_arg);
    *arg = (struct env_arg){.x = x, .privileges = privileges};
    memset(out, 0, sizeof *out); /* the plan memo compares its bytes */
    out->current_db = x->db;
    out->sql_mode = x->vars.sql_mode;
    out->dialect = x->server->dialect;
    out->collation_connection = x->vars.collation_connection;
    out->div_precision_increment = (uint32_t)x->vars.div_precision_increment;
    out->group_concat_max_len = (uint32_t)MIN(x->vars.group_concat_max_len, UINT32_MAX);
    out->sql_select_limit = x->vars.sql_select_limit;
    out->tz = x->vars.time_zone;
    out->find_table = find_table;
    out->find_variable = find_variable;
    out->check_column = check_column;
    out->eval_const = eval_const;
    out->arg = arg;
}

void exec_resolve_env_for_change(struct exec_session *x, struct resolve_env *out)
{
    exec_resolve_env(x, PRIV_SELECT, out);
    ((struct env_arg *)out->arg)->changes = true;
}

void exec_raise_errors(struct exec_session *x, bool ignore)
{
    const uint64_t mode = x->vars.sql_mode;
    if (!ignore && (mode & (SQL_MODE_STRICT_TRANS_TABLES | SQL_MODE_STRICT_ALL_TABLES)) != 0) {
        x->write_errors = WRITE_ERRORS_VALUES;
        x->write_errors |=
            (mode & SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO) != 0 ? WRITE_ERRORS_DIVISION : 0;
    }
}

void exec_eval_ctx(struct exec_session *x, struct arena *arena, struct eval_ctx *out)
{
    *out = (struct eval_ctx){
        .arena = arena,
        .diag = x->diag,
        .sql_mode = x->vars.sql_mode,
        .dialect = x->server->dialect,
        .div_precision_increment = (uint32_t)x->vars.div_precision_increment,
        .session = x,
    };
}

void exec_store_ctx(struct exec_session *x, unsigned flags, struct store_ctx *out)
{
    *out = (struct store_ctx){
        .sql_mode = x->vars.sql_mode,
        .flags = flags,
        .dialect = x->server->dialect,
        .tz = x->vars.time_zone,
        .now_us = x->now_us,
        .row = 1,
        .diag = x->diag,
    };
}

/* ---- Variables ---- */

static struct sysvars *vars_of_scope(struct exec_session *x, enum var_scope scope)
{
    return scope == SCOPE_GLOBAL ? &x->server->vars : &x->vars;
}

static int system_variable(struct exec_session *x, const struct expr *e, struct arena *arena,
                           struct value *out, struct sql_type *out_type)
{
    const struct sysvar *v =
        e->var.component.len > 0 ? NULL : sysvar_find(e->var.name, x->server->dialect);
    if (v == NULL) {
        return diag_set(x->diag, ER_UNKNOWN_SYSTEM_VARIABLE, arena_dup_cstr(arena, e->var.name));
    }
    enum var_scope scope = e->var.scope;
    if (scope == SCOPE_DEFAULT) {
        scope = (v->flags & SYSVAR_SESSION_SCOPE) != 0 ? SCOPE_SESSION : SCOPE_GLOBAL;
    }
    if (scope == SCOPE_SESSION && (v->flags & SYSVAR_SESSION_SCOPE) == 0) {
        return diag_set(x->diag, ER_INCORRECT_GLOBAL_LOCAL_VAR, v->name.p, "GLOBAL");
    }
    if (scope == SCOPE_GLOBAL && (v->flags & SYSVAR_GLOBAL_SCOPE) == 0) {
        return diag_set(x->diag, ER_INCORRECT_GLOBAL_LOCAL_VAR, v->name.p, "SESSION");
    }
    if (v->flags & SYSVAR_HIDDEN) {
        exec_refresh_hidden_vars(x);
    }
    os_rwlock_read(&x->server->vars_lock);
    sysvar_get(v, vars_of_scope(x, scope), arena, out, out_type);
    os_rwlock_unlock(&x->server->vars_lock);
    return 0;
}

void exec_refresh_hidden_vars(struct exec_session *x)
{
    x->vars.last_insert_id = x->last_insert_id;
    x->vars.identity = x->last_insert_id;
    x->vars.pseudo_thread_id = x->id;
}

int exec_variable(struct exec_session *x, const struct expr *e, struct arena *arena,
                  struct value *out, struct sql_type *out_type)
{
    if (e->kind == EXPR_SYSTEM_VAR) {
        return system_variable(x, e, arena, out, out_type);
    }
    user_var_get(x, e->var.name, out, out_type);
    return 0;
}
