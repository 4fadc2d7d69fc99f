#include "sql/reads.h"

/* The walk: trees are no deeper than SQL_MAX_HEIGHT. */
struct walk {
    struct str db;
    struct sql_reads *out;
    uint32_t cte_count;
    struct str ctes[64]; /* names; beyond, they are taken for tables */
};

static void walk_query(struct walk *w, const struct query *q);

/* Calls whose answer is the connection's own. */
static const struct str of_connection[] = {
    STR_INIT("CONNECTION_ID"), STR_INIT("CURRENT_ROLE"), STR_INIT("CURRENT_USER"),
    STR_INIT("FOUND_ROWS"),    STR_INIT("GET_LOCK"),     STR_INIT("IS_FREE_LOCK"),
    STR_INIT("IS_USED_LOCK"),  STR_INIT("LASTVAL"),      STR_INIT("LAST_INSERT_ID"),
    STR_INIT("NEXTVAL"),       STR_INIT("RELEASE_LOCK"), STR_INIT("RELEASE_ALL_LOCKS"),
    STR_INIT("ROW_COUNT"),     STR_INIT("SESSION_USER"), STR_INIT("SYSTEM_USER"),
    STR_INIT("USER"),          STR_INIT("VERSION"),
};

static const struct str system_schemas[] = {
    STR_INIT("information_schema"),
    STR_INIT("mysql"),
    STR_INIT("performance_schema"),
    STR_INIT("sys"),
};

static bool is_listed(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(name, list[i])) {
            return true;
        }
    }
    return false;
}

/* ---- Expressions ---- */

static void note_connection(struct walk *w, struct str what)
{
    if (w->out->of_connection.len == 0) {
        w->out->of_connection = what;
    }
}

static void walk_expr(struct walk *w, const struct expr *e);

static void walk_order(struct walk *w, const struct order_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        walk_expr(w, items[i].expr);
    }
}

static void walk_window(struct walk *w, const struct window *win)
{
    for (uint32_t i = 0; i < win->partition_count; i++) {
        walk_expr(w, win->partition[i]);
    }
    walk_order(w, win->order.items, win->order.count);
}

static void walk_call(struct walk *w, const struct expr *e)
{
    if (e->kind == EXPR_CALL && is_listed(e->call.name, of_connection, ARRAY_SIZE(of_connection))) {
        note_connection(w, e->call.name);
    }
    walk_order(w, e->call.order.items, e->call.order.count);
    if (e->call.window != NULL) {
        walk_window(w, e->call.window);
    }
}

static void walk_expr(struct walk *w, const struct expr *e)
{
    if (e == NULL) {
        return;
    }
    switch (e->kind) {
    case EXPR_USER_VAR:
    case EXPR_USER_VAR_SET:
        w->out->user_vars = true;
        break;
    case EXPR_SYSTEM_VAR:
        if (str_starts_with_nocase(e->var.name, STR("pintail_"))) {
            w->out->own_vars = true;
        } else {
            note_connection(w, e->var.name);
        }
        break;
    case EXPR_CALL:
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
        walk_call(w, e);
        break;
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        walk_query(w, e->sub.query);
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        walk_expr(w, e->args[i]);
    }
}

/* ---- Tables ---- */

static void note_table(struct walk *w, const struct table_ref *t)
{
    const struct str db = t->db.len > 0 ? t->db : w->db;
    if (t->db.len == 0 && is_listed(t->name, w->ctes, w->cte_count)) {
        return;
    }
    if (str_eq_nocase(db, STR("pintail"))) {
        w->out->own_tables++;
    } else if (is_listed(db, system_schemas, ARRAY_SIZE(system_schemas))) {
        w->out->system_tables++;
    } else {
        w->out->tables++;
    }
}

static void walk_table(struct walk *w, const struct table_ref *t)
{
    if (t == NULL) {
        return;
    }
    switch (t->kind) {
    case TABLE_BASE:
    case TABLE_CTE:
        note_table(w, t);
        break;
    case TABLE_DERIVED:
        walk_query(w, t->query);
        break;
    case TABLE_JOIN:
        walk_table(w, t->left);
        walk_table(w, t->right);
        walk_expr(w, t->on);
        break;
    case TABLE_JSON:
        walk_expr(w, t->json_source);
        break;
    }
}

/* ---- Queries ---- */

static void walk_with(struct walk *w, const struct with_clause *with)
{
    for (uint32_t i = 0; i < with->count && w->cte_count < ARRAY_SIZE(w->ctes); i++) {
        w->ctes[w->cte_count++] = with->ctes[i].name;
    }
    for (uint32_t i = 0; i < with->count; i++) {
        walk_query(w, with->ctes[i].query);
    }
}

static void walk_block(struct walk *w, const struct select_block *b)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        walk_expr(w, b->items[i].expr);
    }
    walk_table(w, b->from);
    walk_expr(w, b->where);
    walk_order(w, b->group_by, b->group_count);
    walk_expr(w, b->having);
    for (uint32_t i = 0; i < b->window_count; i++) {
        walk_window(w, &b->windows[i]);
    }
}

static void walk_query(struct walk *w, const struct query *q)
{
    if (q == NULL) {
        return;
    }
    if (q->with != NULL) {
        walk_with(w, q->with);
    }
    if (q->select != NULL) {
        walk_block(w, q->select);
    }
    walk_query(w, q->left);
    walk_query(w, q->right);
    for (uint32_t i = 0; i < q->row_count; i++) {
        walk_expr(w, q->rows[i]);
    }
    walk_order(w, q->order.items, q->order.count);
    if (q->locking != LOCKING_NONE || q->into_outfile.p != NULL || q->into_var_count > 0) {
        w->out->writes = true;
    }
}

void sql_reads(const struct stmt *stmt, struct str db, struct sql_reads *out)
{
    *out = (struct sql_reads){.tables = 0};
    struct walk w = {.db = db, .out = out};
    if (stmt->kind == STMT_EXPLAIN && stmt->explain.target != NULL) {
        stmt = stmt->explain.target;
    }
    if (stmt->kind == STMT_SELECT) {
        walk_query(&w, stmt->query);
    }
}
