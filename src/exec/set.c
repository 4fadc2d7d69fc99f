/*
 * SET: variables of every scope, SET NAMES, SET CHARACTER SET. All items are evaluated and checked,
 * then carried out from left to right; an item that fails ends the statement, those before it stay,
 * as in MySQL.
 */
#include "exec/exec_int.h"
#include "exec/replica.h"
#include "exec/replica_ops.h"
#include "exec/user_vars.h"
#include "types/collation.h"
#include "types/convert.h"

/* ---- What else changes with a variable ---- */

static uint16_t default_collation(const struct exec_session *x, const struct charset *cs)
{
    return charset_default_collation(cs, x->server->dialect);
}

static const struct charset *charset_of(uint16_t collation)
{
    return collation_find(collation)->charset;
}

/* Character set and collation variables come in pairs. */
static void keep_charsets_paired(const struct exec_session *x, const struct sysvar *v,
                                 struct sysvars *vars)
{
    if (str_eq(v->name, STR("character_set_connection"))) {
        vars->collation_connection = default_collation(x, vars->character_set_connection);
    } else if (str_eq(v->name, STR("collation_connection"))) {
        vars->character_set_connection = charset_of(vars->collation_connection);
    } else if (str_eq(v->name, STR("character_set_server"))) {
        vars->collation_server = default_collation(x, vars->character_set_server);
    } else if (str_eq(v->name, STR("collation_server"))) {
        vars->character_set_server = charset_of(vars->collation_server);
    } else if (str_eq(v->name, STR("character_set_database"))) {
        vars->collation_database = default_collation(x, vars->character_set_database);
    } else if (str_eq(v->name, STR("collation_database"))) {
        vars->character_set_database = charset_of(vars->collation_database);
    }
}

void exec_set_database_charset(struct exec_session *x, uint16_t collation)
{
    x->vars.collation_database = collation;
    x->vars.character_set_database = charset_of(collation);
}

struct engine_setting {
    struct exec_session *x;
    struct str name;
    struct str value;
    int rc;
};

static void set_engine_variable(void *arg)
{
    struct engine_setting *s = arg;
    s->rc = engine_set_variable(s->x->server->engine, s->name, s->value, s->x->diag);
}

static int after_session_set(struct exec_session *x, const struct sysvar *v)
{
    keep_charsets_paired(x, v, &x->vars);
    if (str_eq(v->name, STR("character_set_results"))) {
        x->results_collation = 0;
    }
    if (str_eq(v->name, STR("autocommit")) && x->vars.autocommit) {
        return exec_commit(x); /* autocommit=1 ends the open transaction */
    }
    if (str_eq(v->name, STR("last_insert_id")) || str_eq(v->name, STR("identity"))) {
        x->last_insert_id =
            str_eq(v->name, STR("identity")) ? x->vars.identity : x->vars.last_insert_id;
    }
    return 0;
}

/* ---- System variables ---- */

static int check_scope(struct exec_session *x, const struct sysvar *v, enum var_scope scope)
{
    if ((v->flags & SYSVAR_READ_ONLY) != 0) {
        return diag_set(x->diag, ER_INCORRECT_GLOBAL_LOCAL_VAR, v->name.p, "read only");
    }
    if (scope == SCOPE_GLOBAL) {
        if ((v->flags & SYSVAR_GLOBAL_SCOPE) == 0) {
            return diag_set(x->diag, ER_LOCAL_VARIABLE, v->name.p);
        }
        /* Of an upstream's accounts nothing is known but which one is the operator's. */
        return x->server->upstream != NULL
                   ? exec_check_operator(x, "SUPER (here: be the account of storage.mysql.user)")
                   : exec_check_global(x, PRIV_SUPER, "SUPER or SYSTEM_VARIABLES_ADMIN");
    }
    if ((v->flags & SYSVAR_SESSION_SCOPE) == 0) {
        return diag_set(x->diag, ER_GLOBAL_VARIABLE, v->name.p);
    }
    if ((v->flags & SYSVAR_SESSION_ONLY_SET) != 0) {
        return diag_set(x->diag, ER_VARIABLE_IS_READONLY, "SESSION", v->name.p, "GLOBAL");
    }
    return 0;
}

static int set_global(struct exec_session *x, const struct sysvar *v, const struct value *value)
{
    struct server *server = x->server;
    struct sysvars defaults;
    sysvars_init(&defaults, server->dialect, &x->stmt_arena);
    if ((v->flags & SYSVAR_ENGINE) != 0 && value != NULL) {
        struct engine_setting setting = {
            .x = x, .name = v->name, .value = value_to_text(value, NULL, &x->stmt_arena)};
        if (exec_offload(x, OFFLOAD_CONTROL, set_engine_variable, &setting) != 0 ||
            setting.rc != 0) {
            return -1;
        }
    }
    os_rwlock_write(&server->vars_lock);
    const int rc = sysvar_set(v, &server->vars, value, &defaults, x->diag);
    if (rc == 0) {
        keep_charsets_paired(x, v, &server->vars);
    }
    os_rwlock_unlock(&server->vars_lock);
    if (rc == 0 && (v->flags & SYSVAR_REPLICA) != 0 && server->replica_ops != NULL) {
        server->replica_ops->settings_changed(server->change);
    }
    return rc;
}

static int set_session(struct exec_session *x, const struct sysvar *v, const struct value *value)
{
    const bool was_autocommit = x->vars.autocommit;
    os_rwlock_read(&x->server->vars_lock);
    const int rc = sysvar_set(v, &x->vars, value, &x->server->vars, x->diag);
    os_rwlock_unlock(&x->server->vars_lock);
    if (rc != 0) {
        return -1;
    }
    if (str_eq(v->name, STR("autocommit")) && was_autocommit == x->vars.autocommit) {
        return 0;
    }
    return after_session_set(x, v);
}

static int set_system(struct exec_session *x, const struct set_item *item,
                      const struct value *value)
{
    const struct sysvar *v =
        item->component.len > 0 ? NULL : sysvar_find(item->name, x->server->dialect);
    if (v == NULL) {
        return diag_set(x->diag, ER_UNKNOWN_SYSTEM_VARIABLE,
                        arena_dup_cstr(&x->stmt_arena, item->name));
    }
    enum var_scope scope = item->scope == SCOPE_DEFAULT ? SCOPE_SESSION : item->scope;
    if (scope == SCOPE_PERSIST || scope == SCOPE_PERSIST_ONLY) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "SET PERSIST");
    }
    if (check_scope(x, v, scope) != 0) {
        return -1;
    }
    if (scope == SCOPE_GLOBAL) {
        return set_global(x, v, value);
    }
    return set_session(x, v, value);
}

/* ---- SET NAMES, SET CHARACTER SET ---- */

static int set_names(struct exec_session *x, const struct set_item *item, const struct value *value)
{
    const struct charset *cs;
    if (value == NULL) {
        os_rwlock_read(&x->server->vars_lock);
        cs = x->server->vars.character_set_client;
        os_rwlock_unlock(&x->server->vars_lock);
    } else if (value->kind != VALUE_STRING || (cs = charset_find(value->str)) == NULL) {
        const struct str text = value_is_null(value) ? STR("NULL") : value->str;
        return diag_set(x->diag, ER_UNKNOWN_CHARACTER_SET, arena_dup_cstr(&x->stmt_arena, text));
    }
    if (cs->min_len > 1) {
        return diag_set(x->diag, ER_WRONG_VALUE_FOR_VAR, "character_set_client", cs->name.p);
    }
    uint16_t collation = default_collation(x, cs);
    if (item->collation.p != NULL) {
        const struct collation *c = collation_find_for(item->collation, cs, x->server->dialect);
        if (c == NULL) {
            return diag_set(x->diag, ER_UNKNOWN_COLLATION,
                            arena_dup_cstr(&x->stmt_arena, item->collation));
        }
        if (c->charset != cs) {
            return diag_set(x->diag, ER_COLLATION_CHARSET_MISMATCH, c->name.p, cs->name.p);
        }
        collation = c->id;
    }
    x->vars.character_set_client = cs;
    x->vars.character_set_results = cs;
    x->results_collation = item->collation.p != NULL ? collation : 0;
    if (item->is_charset) {
        x->vars.character_set_connection = x->vars.character_set_database;
        x->vars.collation_connection = x->vars.collation_database;
    } else {
        x->vars.character_set_connection = cs;
        x->vars.collation_connection = collation;
    }
    return 0;
}

/* ---- The statement ---- */

static int eval_item(struct exec_session *x, const struct set_item *item, struct value *out,
                     struct sql_type *out_type)
{
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    struct eval_ctx ctx;
    exec_eval_ctx(x, &x->stmt_arena, &ctx);
    /* A bare column name stands for itself: SET sql_mode = ANSI. */
    if (sql_resolve_expr(item->value, NULL, &env, &x->stmt_arena, x->diag) != 0 ||
        eval_expr(&ctx, item->value, out) != 0) {
        return -1;
    }
    *out_type = item->value->type;
    return 0;
}

/* An item's value, evaluated before any item is set. */
struct set_value {
    bool is_default;
    struct value value;
    struct sql_type type;
};

static int set_item(struct exec_session *x, const struct set_item *item, const struct set_value *v)
{
    const struct value *value = v->is_default ? NULL : &v->value;
    if (item->is_names || item->is_charset) {
        return set_names(x, item, value);
    }
    if (item->scope == SCOPE_USER) {
        return user_var_set(x, item->name, &v->value, &v->type);
    }
    return set_system(x, item, value);
}

/* SET @a = 1, @b = @a gives @b what @a was before. */
int exec_set(struct exec_session *x, struct stmt *stmt)
{
    const struct set_item *items = stmt->set.items;
    struct set_value *values = ARENA_ARRAY(&x->stmt_arena, struct set_value, stmt->set.count);
    for (uint32_t i = 0; i < stmt->set.count; i++) {
        struct set_value *v = &values[i];
        v->is_default = items[i].value == NULL || items[i].value->kind == EXPR_DEFAULT;
        if (!v->is_default && eval_item(x, &items[i], &v->value, &v->type) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < stmt->set.count; i++) {
        if (set_item(x, &items[i], &values[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

int exec_do(struct exec_session *x, struct stmt *stmt)
{
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    struct eval_ctx ctx;
    exec_eval_ctx(x, &x->stmt_arena, &ctx);
    for (uint32_t i = 0; i < stmt->call.count; i++) {
        struct value ignored;
        if (sql_resolve_expr(stmt->call.exprs[i], NULL, &env, &x->stmt_arena, x->diag) != 0 ||
            eval_expr(&ctx, stmt->call.exprs[i], &ignored) != 0) {
            return -1;
        }
    }
    return 0;
}
