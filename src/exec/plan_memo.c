/* See plan_memo.h. */
#include "exec/plan_memo.h"

#include "exec/exec_int.h"

#include <stdlib.h>

/* Everything the resolver reads of the session: all members of struct resolve_env but callbacks. */
struct plan_key {
    struct resolve_env env; /* current_db: length alone; callbacks NULL */
    char db[256];
    uint64_t account; /* its serial; 0 = none */
};

struct plan_param {
    struct expr *node;
    enum literal_kind kind;
    struct sql_type type; /* as a literal by itself */
    struct value value;   /* in the memo's arena */
    bool is_free;         /* other values of the type leave the tree as it is */
};

struct plan_table {
    struct plan_table *next;
    struct str db, name;
    struct table_def *def; /* counted */
};

struct plan_memo {
    struct str text;
    struct arena arena; /* of the tree */
    struct stmt *stmt;  /* NULL = none */
    bool is_resolved;   /* and may be used again */
    struct plan_key key;
    struct plan_table *tables;
    uint32_t param_count;
    struct plan_param *params;
    const struct expr *given; /* parameters of this execution */
};

struct plan_memo *plan_memo_new(struct str text)
{
    struct plan_memo *m = calloc(1, sizeof *m);
    if (m != NULL) {
        m->text = text;
        arena_init(&m->arena, 0);
    }
    return m;
}

static void forget(struct plan_memo *m)
{
    for (const struct plan_table *t = m->tables; t != NULL; t = t->next) {
        table_def_unref(t->def);
    }
    m->tables = NULL;
    m->stmt = NULL;
    m->is_resolved = false;
    arena_reset(&m->arena);
}

void plan_memo_free(struct plan_memo *m)
{
    if (m == NULL) {
        return;
    }
    forget(m);
    arena_release(&m->arena);
    free(m);
}

/* ---- Parameters ---- */

/* The type that a literal has by itself. */
static int type_of(struct exec_session *x, const struct resolve_env *env,
                   const struct expr *literal, struct sql_type *out)
{
    struct expr alone = *literal;
    const int rc = sql_resolve_expr(&alone, NULL, env, &x->stmt_arena, x->diag);
    *out = alone.type;
    return rc;
}

static bool is_same_type(const struct sql_type *a, const struct sql_type *b)
{
    return a->type == b->type && a->length == b->length && a->decimals == b->decimals &&
           a->flags == b->flags && a->collation == b->collation;
}

static bool is_same_value(const struct value *a, const struct value *b)
{
    switch (a->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INT:
    case VALUE_UINT:
        return a->u == b->u;
    case VALUE_STRING:
        return str_eq(a->str, b->str);
    default:
        return false;
    }
}

/* Does the tree hold for these parameters? */
static bool params_fit(struct exec_session *x, const struct plan_memo *m)
{
    for (uint32_t i = 0; i < m->param_count; i++) {
        const struct plan_param *p = &m->params[i];
        const struct expr *g = &m->given[i];
        struct sql_type type;
        if (g->lit.kind != p->kind || g->lit.value.kind != p->value.kind ||
            (!p->is_free && !is_same_value(&g->lit.value, &p->value)) ||
            type_of(x, &m->key.env, g, &type) != 0 || !is_same_type(&type, &p->type)) {
            return false;
        }
    }
    return true;
}

static int keep_params(struct exec_session *x, struct plan_memo *m, const struct resolve_env *env)
{
    m->params = ARENA_ARRAY(&m->arena, struct plan_param, m->param_count);
    for (uint32_t i = 0; i < m->param_count; i++) {
        struct plan_param *p = &m->params[i];
        const struct expr *g = &m->given[i];
        *p = (struct plan_param){
            .node = m->stmt->params[i], .kind = g->lit.kind, .value = g->lit.value};
        if (p->value.kind == VALUE_STRING || p->value.kind == VALUE_JSON) {
            p->value.str = arena_dup(&m->arena, p->value.str);
        }
        if (type_of(x, env, g, &p->type) != 0) {
            return -1;
        }
    }
    return 0;
}

static void set_free(struct plan_memo *m, const struct expr *e)
{
    for (uint32_t i = 0; e->kind == EXPR_LITERAL && i < m->param_count; i++) {
        m->params[i].is_free = m->params[i].is_free || m->params[i].node == e;
    }
}

static bool is_comparison(struct str name)
{
    static const struct str names[] = {STR("="), STR("<=>"), STR("<>"),      STR("<"), STR("<="),
                                       STR(">"), STR(">="),  STR("BETWEEN"), STR("IN")};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void set_free_in_condition(struct plan_memo *m, const struct expr *e)
{
    if (e == NULL || e->kind != EXPR_CALL || (e->flags & EXPR_AS_OPERATOR) == 0) {
        return;
    }
    const bool connects = str_eq(e->call.name, STR("AND")) || str_eq(e->call.name, STR("OR"));
    const bool compares = is_comparison(e->call.name);
    for (uint32_t i = 0; i < e->argc; i++) {
        if (connects) {
            set_free_in_condition(m, e->args[i]);
        } else if (compares) {
            set_free(m, e->args[i]);
        }
    }
}

/* Marks the parameters whose values the resolver does not look at. */
static void set_free_params(struct plan_memo *m)
{
    const struct query *q = m->stmt->query;
    if (q->kind != QUERY_SELECT) {
        return;
    }
    const struct select_block *b = q->select;
    set_free_in_condition(m, b->where);
    const bool is_plain = (b->flags & (SELECT_DISTINCT | SELECT_IS_AGGREGATED)) == 0 &&
                          b->group_count == 0 && b->having == NULL && b->window_count == 0 &&
                          q->order.count == 0 && q->into_var_count == 0;
    for (uint32_t i = 0; is_plain && i < b->item_count; i++) {
        set_free(m, b->items[i].expr);
    }
}

/* ---- What the resolver reads ---- */

static void key_of(const struct exec_session *x, const struct resolve_env *env,
                   struct plan_key *out)
{
    memset(out, 0, sizeof *out);
    memcpy(&out->env, env, sizeof *env);
    out->env.current_db.p = NULL;
    out->env.find_table = NULL;
    out->env.find_variable = NULL;
    out->env.check_column = NULL;
    out->env.eval_const = NULL;
    out->env.arg = NULL;
    if (env->current_db.len > 0) {
        memcpy(out->db, env->current_db.p, MIN(env->current_db.len, sizeof out->db));
    }
    out->account = x->account == NULL ? 0 : x->account->serial;
}

/* The environment of the session, noting what the resolver asks for. */
struct recorder {
    const struct resolve_env *env;
    struct plan_memo *memo;
    bool has_variables; /* their types may be others next time */
};

static const struct table_def *record_table(void *arg, struct str db, struct str name)
{
    struct recorder *r = arg;
    const struct table_def *t = r->env->find_table(r->env->arg, db, name);
    if (t != NULL) {
        struct plan_table *kept = ARENA_NEW(&r->memo->arena, struct plan_table);
        struct table_def *counted = (struct table_def *)(uintptr_t)t; /* only its count changes */
        *kept = (struct plan_table){.next = r->memo->tables,
                                    .db = arena_dup(&r->memo->arena, db),
                                    .name = arena_dup(&r->memo->arena, name),
                                    .def = counted};
        table_def_ref(counted);
        r->memo->tables = kept;
    }
    return t;
}

static int record_variable(void *arg, const struct expr *var, struct diag *diag,
                           struct sql_type *out_type)
{
    struct recorder *r = arg;
    r->has_variables = true;
    return r->env->find_variable(r->env->arg, var, diag, out_type);
}

static int check_column(void *arg, const struct table_def *table, uint32_t column,
                        struct diag *diag)
{
    const struct recorder *r = arg;
    return r->env->check_column(r->env->arg, table, column, diag);
}

static int eval_const(void *arg, const struct expr *e, struct arena *arena, struct diag *diag,
                      struct value *out)
{
    struct recorder *r = arg;
    r->has_variables = true; /* its value may be in the tree */
    return r->env->eval_const(r->env->arg, e, arena, diag, out);
}

/* ---- The tree ---- */

static int parse(struct exec_session *x, struct plan_memo *m, uint32_t count)
{
    struct parse_options options = exec_parse_options(x);
    options.params_allowed = true;
    size_t used;
    struct stmt *stmt;
    forget(m);
    if (sql_parse(m->text, &options, &m->arena, x->diag, &stmt, &used) != 0) {
        return -1;
    }
    if (stmt->param_count != count) {
        return diag_set(x->diag, ER_WRONG_ARGUMENTS, "EXECUTE");
    }
    m->stmt = stmt;
    m->param_count = count;
    for (uint32_t i = 0; i < count; i++) {
        stmt->params[i]->kind = EXPR_LITERAL;
        stmt->params[i]->lit = m->given[i].lit;
    }
    return 0;
}

int plan_memo_begin(struct exec_session *x, struct plan_memo *m, const struct expr *params,
                    uint32_t count, struct stmt **out)
{
    m->given = params;
    if (m->is_resolved && count == m->param_count && params_fit(x, m)) {
        for (uint32_t i = 0; i < count; i++) {
            m->params[i].node->lit.value = params[i].lit.value;
        }
    } else if (parse(x, m, count) != 0) {
        return -1;
    }
    x->plan = m;
    *out = m->stmt;
    return 0;
}

/* Opens the tables again. They must be the very definitions that the tree refers to. */
static int open_tables(struct exec_session *x, const struct plan_memo *m, bool *out_same)
{
    *out_same = true;
    for (const struct plan_table *t = m->tables; t != NULL && *out_same; t = t->next) {
        const struct table_def *now = exec_open_table(x, t->db, t->name);
        if (now == NULL) {
            return -1;
        }
        *out_same = now == t->def;
    }
    return 0;
}

static int resolve(struct exec_session *x, struct plan_memo *m, const struct resolve_env *env)
{
    struct recorder r = {.env = env, .memo = m};
    struct resolve_env recording = *env;
    recording.find_table = record_table;
    recording.find_variable = record_variable;
    recording.check_column = check_column;
    recording.eval_const = eval_const;
    recording.arg = &r;
    if (keep_params(x, m, env) != 0 ||
        exec_resolve_select(x, m->stmt, &recording, &m->arena) != 0) {
        return -1;
    }
    set_free_params(m);
    key_of(x, env, &m->key);
    m->is_resolved = !r.has_variables;
    return 0;
}

int plan_memo_resolve(struct exec_session *x, struct stmt **stmt)
{
    struct plan_memo *m = x->plan;
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    if (m->is_resolved) {
        struct plan_key key;
        bool same;
        key_of(x, &env, &key);
        same = memcmp(&key, &m->key, sizeof key) == 0;
        if (same && open_tables(x, m, &same) != 0) {
            return -1;
        }
        if (same) {
            return 0;
        }
        if (parse(x, m, m->param_count) != 0) {
            return -1;
        }
        *stmt = m->stmt;
    }
    return resolve(x, m, &env);
}
