/*
 * Statements, query expressions and query blocks: in which order their parts are resolved, and what
 * the result's columns are.
 */
#include "sql/resolve.h"

#include "catalog/catalog.h"
#include "sql/resolve_int.h"

/* Longest nesting of queries accepted; MySQL's limit is 63 levels. */
#define MAX_QUERY_DEPTH 63

/* MySQL cuts names of columns that are an expression's text. */
#define MAX_NAME_CHARS 255

/* ---- Names of result columns ---- */

static struct str source_text(const struct resolver *r, struct src_range src)
{
    if (r->text.p == NULL || src.offset >= r->text.len) {
        return STR("");
    }
    return str_from(r->text.p + src.offset, MIN((size_t)src.len, r->text.len - src.offset));
}

/* Literals show their value: without the sign "+" in front, NULL in capitals. */
static struct str literal_name(const struct resolver *r, const struct expr *e)
{
    struct str s;
    if (e->lit.is_param) {
        return str_trim(source_text(r, e->src));
    }
    switch (e->lit.kind) {
    case LIT_NULL:
        return STR("NULL");
    case LIT_STRING:
        for (s = e->lit.value.str; s.len > 0 && s.p[0] == ' '; s.len--) {
            s.p++;
        }
        return s;
    case LIT_BOOL:
        if (resolver_is_mariadb(r)) {
            return e->lit.value.i != 0 ? STR("TRUE") : STR("FALSE");
        }
        break;
    default:
        break;
    }
    s = str_trim(source_text(r, e->src));
    if (s.len > 0 && s.p[0] == '+') {
        while (s.len > 0 && (s.p[0] == '+' || s.p[0] == '(' || s.p[0] == ' ')) {
            s = str_from(s.p + 1, s.len - 1);
        }
        while (s.len > 0 && (s.p[s.len - 1] == ')' || s.p[s.len - 1] == ' ')) {
            s.len--;
        }
    }
    return s;
}

/* Literals show their value, columns their own name, all else its text. */
static struct str item_name(const struct resolver *r, const struct select_item *item)
{
    const struct expr *e = item->expr;
    if (item->alias.p != NULL) {
        return item->alias;
    }
    if (e->kind == EXPR_COLUMN) {
        return e->column.name;
    }
    if (e->kind == EXPR_LITERAL) {
        return literal_name(r, e);
    }
    return str_trim(source_text(r, e->src));
}

/* Length of the character that text begins with; 0 where it begins with no UTF-8. */
static size_t character_len(struct str text)
{
    for (size_t n = 1; n <= MIN(text.len, (size_t)4); n++) {
        if (str_is_utf8(str_from(text.p, n))) {
            return n;
        }
    }
    return 0;
}

/* Names are short and UTF-8, whatever the text they come from: what is not is shown as '?'. */
static struct str clean_name(const struct resolver *r, struct str name)
{
    if (name.len > MAX_NAME_CHARS) {
        name.len = MAX_NAME_CHARS;
        while (name.len > 0 && ((unsigned char)name.p[name.len] & 0xC0) == 0x80) {
            name.len--;
        }
    }
    if (str_is_utf8(name)) {
        return name;
    }
    char *out = arena_alloc(r->arena, name.len);
    for (size_t i = 0; i < name.len;) {
        const size_t n = character_len(str_from(name.p + i, name.len - i));
        out[i] = '?';
        memcpy(out + i, name.p + i, n);
        i += MAX(n, (size_t)1);
    }
    return str_from(out, name.len);
}

static void name_items(const struct resolver *r, struct select_block *b)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        if (b->items[i].name.p == NULL) {
            b->items[i].name = clean_name(r, item_name(r, &b->items[i]));
        }
    }
}

/* ---- Parts of a block ---- */

static int resolve_items(struct resolver *r, struct scope *s)
{
    if (resolve_expand_stars(r, s) != 0) {
        return -1;
    }
    name_items(r, s->block);
    s->clause = CLAUSE_FIELD_LIST;
    for (uint32_t i = 0; i < s->block->item_count; i++) {
        struct select_item *item = &s->block->items[i];
        if (item->expr->kind == EXPR_COLUMN && item->expr->column.binding.table != NULL) {
            continue; /* Of a star. */
        }
        if (resolve_expr(r, s, &item->expr) != 0 || resolve_check_scalar(r, item->expr) != 0) {
            return -1;
        }
    }
    s->items_resolved = true;
    return 0;
}

static int resolve_where(struct resolver *r, struct scope *s)
{
    if (s->block->where == NULL) {
        return 0;
    }
    s->clause = CLAUSE_WHERE;
    const bool saved = s->items_resolved;
    s->items_resolved = false; /* WHERE does not see aliases. */
    const int rc = resolve_expr(r, s, &s->block->where);
    s->items_resolved = saved;
    return rc == 0 ? resolve_check_scalar(r, s->block->where) : -1;
}

/* Is it a position in the select list? A parameter is none, whatever its value. */
static bool is_position(const struct expr *e, int64_t *out_position)
{
    return literal_int(e, out_position) && !(e->kind == EXPR_LITERAL && e->lit.is_param);
}

/* A position in the select list, as GROUP BY and ORDER BY take it. */
static int resolve_position(struct resolver *r, struct scope *s, struct order_item *item,
                            int64_t position)
{
    if (position < 1 || position > (int64_t)s->block->item_count) {
        const char *text =
            arena_dup_cstr(r->arena, arena_printf(r->arena, "%lld", (long long)position));
        return diag_set(r->diag, ER_BAD_FIELD_ERROR, text, resolve_clause_name(r, s->clause));
    }
    item->select_item = (int32_t)position - 1;
    item->expr = s->block->items[position - 1].expr;
    return 0;
}

/*
 * GROUP BY takes a column of FROM before an alias of the same name.
 */
static int resolve_group_item(struct resolver *r, struct scope *s, struct order_item *item)
{
    int64_t position = 0;
    item->select_item = -1;
    if (is_position(item->expr, &position)) {
        return resolve_position(r, s, item, position);
    }
    if (item->expr->kind == EXPR_COLUMN) {
        const int found = resolve_find_column(r, s, item->expr);
        const int32_t at = found == 0 ? resolve_find_item(r, s, item->expr) : -1;
        if (found < 0 || at == -2) {
            return -1;
        }
        if (at >= 0) {
            item->select_item = at;
            item->expr = s->block->items[at].expr;
            return (item->expr->flags & EXPR_HAS_AGGREGATE) == 0
                       ? 0
                       : diag_set(r->diag, ER_WRONG_GROUP_FIELD,
                                  arena_dup_cstr(r->arena, s->block->items[at].name));
        }
        return found == 1 ? 0 : resolve_expr(r, s, &item->expr);
    }
    return resolve_expr(r, s, &item->expr) == 0 ? resolve_check_scalar(r, item->expr) : -1;
}

static int resolve_group_by(struct resolver *r, struct scope *s)
{
    s->clause = CLAUSE_GROUP;
    for (uint32_t i = 0; i < s->block->group_count; i++) {
        struct order_item *item = &s->block->group_by[i];
        if (resolve_group_item(r, s, item) != 0) {
            return -1;
        }
        if ((item->expr->flags & EXPR_HAS_AGGREGATE) != 0) {
            return diag_set(r->diag, ER_INVALID_GROUP_FUNC_USE);
        }
    }
    return 0;
}

static int resolve_having(struct resolver *r, struct scope *s)
{
    if (s->block->having == NULL) {
        return 0;
    }
    s->clause = CLAUSE_HAVING;
    return resolve_expr(r, s, &s->block->having) == 0 ? resolve_check_scalar(r, s->block->having)
                                                      : -1;
}

/* ORDER BY takes an alias before a column of FROM when the element is just a name. */
static int resolve_order_item(struct resolver *r, struct scope *s, struct order_item *item)
{
    int64_t position = 0;
    item->select_item = -1;
    if (is_position(item->expr, &position)) {
        return resolve_position(r, s, item, position);
    }
    if (item->expr->kind == EXPR_COLUMN) {
        const int32_t at = resolve_find_item(r, s, item->expr);
        if (at == -2) {
            return -1;
        }
        if (at >= 0) {
            item->select_item = at;
            item->expr = s->block->items[at].expr;
            return 0;
        }
    }
    return resolve_expr(r, s, &item->expr) == 0 ? resolve_check_scalar(r, item->expr) : -1;
}

/* The select item an ORDER BY expression is equal to, for the writers. */
static void match_order_item(const struct scope *s, struct order_item *item)
{
    for (uint32_t i = 0; item->select_item < 0 && i < s->block->item_count; i++) {
        if (expr_equal(s->block->items[i].expr, item->expr)) {
            item->select_item = (int32_t)i;
        }
    }
}

static int resolve_order_by(struct resolver *r, struct scope *s, struct order_list *order)
{
    s->clause = CLAUSE_ORDER;
    for (uint32_t i = 0; i < order->count; i++) {
        if (resolve_order_item(r, s, &order->items[i]) != 0) {
            return -1;
        }
        match_order_item(s, &order->items[i]);
    }
    return 0;
}

/* ---- Results ---- */

static void set_result_column(const struct resolver *r, const struct select_item *item,
                              struct ref_column *c)
{
    const struct expr *e = item->expr;
    *c = (struct ref_column){.name = item->name, .type = e->type};
    if (e->kind == EXPR_COLUMN && e->column.binding.table != NULL) {
        const struct ref_column *from = &e->column.binding.table->columns[e->column.binding.index];
        c->def = from->def;
        c->org_name = from->org_name;
        c->org_table = from->org_table;
        c->db = from->db;
        c->stored = from->stored;
        if (!is_field(e) && !resolver_is_mariadb(r)) {
            c->org_name = from->name;
        }
        const struct table_ref *t = e->column.binding.table;
        c->table = t->alias.p != NULL ? t->alias : t->name;
    }
}

static void set_result_columns(struct resolver *r, struct query *q)
{
    q->column_count = q->select->item_count;
    q->columns = ARENA_ARRAY(r->arena, struct ref_column, q->column_count);
    for (uint32_t i = 0; i < q->column_count; i++) {
        set_result_column(r, &q->select->items[i], &q->columns[i]);
    }
}

static int resolve_block(struct resolver *r, struct scope *outer, struct query *q)
{
    struct select_block *b = q->select;
    struct scope s = {.outer = outer, .query = q, .block = b};
    if ((b->flags & SELECT_GROUP_ROLLUP) != 0) {
        return resolve_refuse(r, "WITH ROLLUP");
    }
    if ((b->flags & SELECT_CALC_FOUND_ROWS) != 0) {
        return resolve_refuse(r, "SQL_CALC_FOUND_ROWS");
    }
    if (b->from != NULL && resolve_from(r, &s, b->from, &s.from) != 0) {
        return -1;
    }
    s.leaf_first = 0;
    if (resolve_items(r, &s) != 0 || resolve_where(r, &s) != 0 || resolve_group_by(r, &s) != 0) {
        return -1;
    }
    if (b->group_count > 0 || s.has_aggregate) {
        b->flags |= SELECT_IS_AGGREGATED;
    }
    if (resolve_having(r, &s) != 0) {
        return -1;
    }
    if (s.has_aggregate) {
        b->flags |= SELECT_IS_AGGREGATED;
    }
    if (resolve_order_by(r, &s, &q->order) != 0) {
        return -1;
    }
    if (s.has_aggregate) {
        b->flags |= SELECT_IS_AGGREGATED;
    }
    if (s.has_window) {
        b->flags |= SELECT_HAS_WINDOW;
    }
    q->correlated = s.correlated;
    set_result_columns(r, q);
    return resolve_check_grouping(r, &s);
}

/* ---- Set operations ---- */

/* The expression behind a column of a set operation's side, or a node that stands for it. */
static struct expr *column_operand(struct resolver *r, const struct query *q, uint32_t i)
{
    if (q->kind == QUERY_SELECT) {
        return q->select->items[i].expr;
    }
    struct expr *e = ARENA_NEW(r->arena, struct expr);
    e->kind = EXPR_CAST;
    e->type = q->columns[i].type;
    e->coercibility = COERCE_IMPLICIT;
    return e;
}

/* MariaDB sends the rows of a UNION ALL as they come, not out of a temporary table. */
static bool is_streamed(const struct resolver *r, const struct query *q)
{
    return resolver_is_mariadb(r) && q->set_op == SET_UNION && q->set_all && q->order.count == 0;
}

static int merge_set_columns(struct resolver *r, struct query *q)
{
    if (q->left->column_count != q->right->column_count) {
        return diag_set(r->diag, ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT);
    }
    q->column_count = q->left->column_count;
    q->columns = ARENA_ARRAY(r->arena, struct ref_column, q->column_count);
    for (uint32_t i = 0; i < q->column_count; i++) {
        struct expr *args[2] = {column_operand(r, q->left, i), column_operand(r, q->right, i)};
        enum coercibility coercibility;
        q->columns[i] = (struct ref_column){.name = q->left->columns[i].name};
        if (derive_common(r, args, 2, &q->columns[i].type, &coercibility) != 0) {
            return -1;
        }
    }
    if (!is_streamed(r, q)) {
        resolve_store_set(q);
    }
    return 0;
}

/* ORDER BY of a set operation sees the result's columns only. */
static int resolve_set_order(struct resolver *r, struct query *q)
{
    for (uint32_t i = 0; i < q->order.count; i++) {
        struct order_item *item = &q->order.items[i];
        int64_t position = 0;
        item->select_item = -1;
        if (literal_int(item->expr, &position)) {
            item->select_item =
                position >= 1 && position <= (int64_t)q->column_count ? (int32_t)position - 1 : -1;
        } else if (item->expr->kind == EXPR_COLUMN && item->expr->column.table.len == 0) {
            for (uint32_t j = 0; j < q->column_count && item->select_item < 0; j++) {
                item->select_item =
                    str_eq_nocase(q->columns[j].name, item->expr->column.name) ? (int32_t)j : -1;
            }
        } else {
            return resolve_refuse(r, "ORDER BY of a UNION by an expression");
        }
        if (item->select_item < 0) {
            const struct str name =
                item->expr->kind == EXPR_COLUMN ? item->expr->column.name : STR("?");
            return diag_set(r->diag, ER_BAD_FIELD_ERROR, arena_dup_cstr(r->arena, name),
                            resolve_clause_name(r, CLAUSE_ORDER));
        }
    }
    return 0;
}

static int resolve_set(struct resolver *r, struct scope *outer, struct query *q)
{
    if (resolve_query(r, outer, q->left) != 0 || resolve_query(r, outer, q->right) != 0) {
        return -1;
    }
    q->correlated = q->left->correlated || q->right->correlated;
    return merge_set_columns(r, q) == 0 ? resolve_set_order(r, q) : -1;
}

/* (query) with an ORDER BY or LIMIT around its own. */
static int resolve_paren(struct resolver *r, struct scope *outer, struct query *q)
{
    if (resolve_query(r, outer, q->left) != 0) {
        return -1;
    }
    q->correlated = q->left->correlated;
    q->column_count = q->left->column_count;
    q->columns = q->left->columns;
    return resolve_set_order(r, q);
}

/* ---- Common table expressions ---- */

static int resolve_with(struct resolver *r, struct scope *outer, struct query *q,
                        struct cte_scope *scope)
{
    *scope = (struct cte_scope){.outer = r->ctes, .with = q->with};
    r->ctes = scope;
    for (uint32_t i = 0; i < q->with->count; i++) {
        struct cte *cte = &q->with->ctes[i];
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq_nocase(cte->name, q->with->ctes[j].name)) {
                return diag_set(r->diag, ER_NONUNIQ_TABLE, arena_dup_cstr(r->arena, cte->name));
            }
        }
        cte->id = r->next_cte++;
        if (q->with->recursive) {
            scope->self = cte;
            scope->visible = i + 1;
        }
        if (resolve_query(r, outer, cte->query) != 0) {
            return -1;
        }
        resolve_store_derived(r, cte->query);
        scope->self = NULL;
        scope->visible = i + 1;
    }
    return 0;
}

static int resolve_limit(struct resolver *r, struct query *q)
{
    struct expr *parts[2] = {q->limit.count, q->limit.offset};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (parts[i] == NULL) {
            continue;
        }
        if (parts[i]->kind != EXPR_LITERAL && parts[i]->kind != EXPR_PARAM) {
            return resolve_refuse(r, "LIMIT of an expression");
        }
        derive_literal(r, parts[i]);
    }
    return 0;
}

static int resolve_body(struct resolver *r, struct scope *outer, struct query *q)
{
    switch (q->kind) {
    case QUERY_SELECT:
        return resolve_block(r, outer, q);
    case QUERY_SET:
        return resolve_set(r, outer, q);
    case QUERY_PAREN:
        return resolve_paren(r, outer, q);
    case QUERY_VALUES:
        break;
    }
    return resolve_refuse(r, "VALUES as a query");
}

int resolve_query(struct resolver *r, struct scope *outer, struct query *q)
{
    if (r->depth >= MAX_QUERY_DEPTH) {
        return diag_set(r->diag, ER_TOO_HIGH_LEVEL_OF_NESTING_FOR_SELECT);
    }
    struct cte_scope *saved = r->ctes;
    struct cte_scope ctes;
    r->depth++;
    int rc = q->with != NULL ? resolve_with(r, outer, q, &ctes) : 0;
    rc = rc == 0 ? resolve_body(r, outer, q) : rc;
    rc = rc == 0 ? resolve_limit(r, q) : rc;
    r->depth--;
    r->ctes = saved;
    return rc;
}

/* ---- Entry points ---- */

static int resolve_assignments(struct resolver *r, struct scope *s, struct assignment *sets,
                               uint32_t count)
{
    s->clause = CLAUSE_FIELD_LIST;
    for (uint32_t i = 0; i < count; i++) {
        if (resolve_expr(r, s, &sets[i].column) != 0 || resolve_expr(r, s, &sets[i].value) != 0 ||
            resolve_check_scalar(r, sets[i].value) != 0) {
            return -1;
        }
    }
    return 0;
}

/* FROM, WHERE, ORDER BY and LIMIT of UPDATE and DELETE, as a block of their own. */
struct dml_parts {
    struct table_ref *from;
    struct expr **where;
    struct order_list *order;
    struct with_clause *with;
};

static int resolve_dml(struct resolver *r, const struct dml_parts *parts, struct assignment *sets,
                       uint32_t set_count)
{
    struct select_block block = {.from = parts->from};
    struct scope s = {.block = &block};
    if (parts->with != NULL) {
        return resolve_refuse(r, "WITH in UPDATE and DELETE");
    }
    if (resolve_from(r, &s, parts->from, &s.from) != 0 ||
        resolve_assignments(r, &s, sets, set_count) != 0) {
        return -1;
    }
    block.where = *parts->where;
    if (resolve_where(r, &s) != 0) {
        return -1;
    }
    *parts->where = block.where;
    s.clause = CLAUSE_ORDER;
    for (uint32_t i = 0; i < parts->order->count; i++) {
        parts->order->items[i].select_item = -1;
        if (resolve_expr(r, &s, &parts->order->items[i].expr) != 0) {
            return -1;
        }
    }
    return 0;
}

static int resolve_insert(struct resolver *r, struct insert_stmt *ins)
{
    struct table_ref *t = ARENA_NEW(r->arena, struct table_ref);
    *t = (struct table_ref){.kind = TABLE_BASE, .db = ins->table.db, .name = ins->table.name};
    struct scope s = {0};
    if (resolve_from(r, &s, t, &s.from) != 0) {
        return -1;
    }
    if (ins->query != NULL && resolve_query(r, NULL, ins->query) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < ins->row_count; i++) {
        if (resolve_expr(r, &s, &ins->rows[i]) != 0) {
            return -1;
        }
    }
    return resolve_assignments(r, &s, ins->updates, ins->update_count);
}

int sql_resolve(struct stmt *stmt, const struct resolve_env *env, struct arena *arena,
                struct diag *diag)
{
    struct resolver r = {.env = env, .arena = arena, .diag = diag, .text = stmt->text};
    switch (stmt->kind) {
    case STMT_SELECT:
        return resolve_query(&r, NULL, stmt->query);
    case STMT_INSERT:
    case STMT_REPLACE:
        return resolve_insert(&r, &stmt->insert);
    case STMT_UPDATE: {
        const struct dml_parts parts = {stmt->update.from, &stmt->update.where, &stmt->update.order,
                                        stmt->update.with};
        return resolve_dml(&r, &parts, stmt->update.sets, stmt->update.set_count);
    }
    case STMT_DELETE: {
        const struct dml_parts parts = {stmt->del.from, &stmt->del.where, &stmt->del.order,
                                        stmt->del.with};
        return resolve_dml(&r, &parts, NULL, 0);
    }
    default:
        return resolve_refuse(&r, "resolving this statement");
    }
}

int sql_resolve_expr(struct expr *e, const struct table_def *table, const struct resolve_env *env,
                     struct arena *arena, struct diag *diag)
{
    struct resolver r = {.env = env, .arena = arena, .diag = diag};
    struct scope s = {0};
    if (table != NULL) {
        struct table_ref *t = ARENA_NEW(arena, struct table_ref);
        *t = (struct table_ref){
            .kind = TABLE_BASE, .db = table->db, .name = table->name, .def = table};
        if (resolve_from(&r, &s, t, &s.from) != 0) {
            return -1;
        }
    }
    struct expr *root = e;
    return resolve_expr(&r, &s, &root);
}
