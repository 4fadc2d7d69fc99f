/*
 * Names: tables and joins of FROM, columns, stars, and the select list's aliases.
 *
 * A FROM list is kept twice: `from` has the columns as an unqualified name or a star sees them
 * (columns merged by USING once), `leaves` the tables, for qualified names. While an ON condition
 * is resolved, both show the join's own part only.
 */
#include "catalog/catalog.h"
#include "sql/resolve_int.h"

/* What messages call the clauses, in MySQL and in MariaDB. */
static const char *const clause_names[CLAUSE_COUNT][2] = {
    [CLAUSE_FIELD_LIST] = {"field list", "SELECT"},
    [CLAUSE_ON] = {"on clause", "ON"},
    [CLAUSE_WHERE] = {"where clause", "WHERE"},
    [CLAUSE_GROUP] = {"group statement", "GROUP BY"},
    [CLAUSE_HAVING] = {"having clause", "HAVING"},
    [CLAUSE_ORDER] = {"order clause", "ORDER BY"},
    [CLAUSE_FROM] = {"from clause", "FROM"},
};

const char *resolve_clause_name(const struct resolver *r, enum clause clause)
{
    return clause_names[clause][resolver_is_mariadb(r) ? 1 : 0];
}

static struct str leaf_name(const struct table_ref *t)
{
    return t->alias.p != NULL ? t->alias : t->name;
}

/* The column's name as written, for messages. */
static const char *written_name(struct resolver *r, const struct expr *e)
{
    struct str n = e->column.name;
    if (e->column.db.len > 0) {
        n = arena_printf(r->arena, "%.*s.%.*s.%.*s", (int)e->column.db.len, e->column.db.p,
                         (int)e->column.table.len, e->column.table.p, (int)n.len, n.p);
    } else if (e->column.table.len > 0) {
        n = arena_printf(r->arena, "%.*s.%.*s", (int)e->column.table.len, e->column.table.p,
                         (int)n.len, n.p);
    }
    return arena_dup_cstr(r->arena, n);
}

static int unknown_column(struct resolver *r, const struct scope *s, const struct expr *e)
{
    return diag_set(r->diag, ER_BAD_FIELD_ERROR, written_name(r, e),
                    resolve_clause_name(r, s->clause));
}

static int ambiguous_column(struct resolver *r, const struct scope *s, const struct expr *e)
{
    return diag_set(r->diag, ER_NON_UNIQ_ERROR, written_name(r, e),
                    resolve_clause_name(r, s->clause));
}

/* ---- Leaves ---- */

static void add_leaf(struct resolver *r, struct scope *s, struct table_ref *t)
{
    if (s->leaf_count == s->leaf_cap) {
        uint32_t cap = s->leaf_cap == 0 ? 8 : s->leaf_cap * 2;
        struct table_ref **leaves = ARENA_ARRAY(r->arena, struct table_ref *, cap);
        if (s->leaf_count > 0) {
            memcpy(leaves, s->leaves, sizeof(*leaves) * s->leaf_count);
        }
        s->leaves = leaves;
        s->leaf_cap = cap;
    }
    s->leaves[s->leaf_count++] = t;
    s->leaf_end = s->leaf_count;
    t->id = r->next_leaf++;
}

static bool same_leaf_name(const struct table_ref *a, const struct table_ref *b)
{
    if (!str_eq(leaf_name(a), leaf_name(b))) {
        return false;
    }
    return str_eq(a->db, b->db);
}

static int check_unique_leaf(struct resolver *r, const struct scope *s, const struct table_ref *t)
{
    for (uint32_t i = 0; i < s->leaf_count; i++) {
        if (same_leaf_name(s->leaves[i], t)) {
            return diag_set(r->diag, ER_NONUNIQ_TABLE, arena_dup_cstr(r->arena, leaf_name(t)));
        }
    }
    return 0;
}

static void fill_base_columns(struct resolver *r, struct table_ref *t)
{
    const struct table_def *def = t->def;
    t->column_count = def->column_count;
    t->columns = ARENA_ARRAY(r->arena, struct ref_column, def->column_count);
    for (uint32_t i = 0; i < def->column_count; i++) {
        const struct column_def *c = &def->columns[i];
        t->columns[i] = (struct ref_column){.name = c->name,
                                            .type = c->type,
                                            .def = c,
                                            .org_name = c->name,
                                            .org_table = def->name,
                                            .db = def->db};
    }
}

static int resolve_base_table(struct resolver *r, struct table_ref *t)
{
    if (t->def != NULL) { /* Given by the caller. */
        fill_base_columns(r, t);
        return 0;
    }
    if (t->db.len == 0) {
        if (r->env->current_db.p == NULL) {
            return diag_set(r->diag, ER_NO_DB_ERROR);
        }
        t->db = r->env->current_db;
    }
    t->def = r->env->find_table != NULL ? r->env->find_table(r->env->arg, t->db, t->name) : NULL;
    if (t->def == NULL) {
        return r->diag->error != NULL
                   ? -1 /* find_table said why */
                   : diag_set(r->diag, ER_NO_SUCH_TABLE, arena_dup_cstr(r->arena, t->db),
                              arena_dup_cstr(r->arena, t->name));
    }
    if (t->def->view_text.p != NULL) {
        return resolve_refuse(r, "views");
    }
    fill_base_columns(r, t);
    return 0;
}

/* The columns of a query as a derived table shows them. */
static int fill_derived_columns(struct resolver *r, struct table_ref *t, const struct query *q,
                                const struct str *names, uint32_t name_count)
{
    if (name_count > 0 && name_count != q->column_count) {
        return diag_set(r->diag, ER_VIEW_WRONG_LIST);
    }
    t->column_count = q->column_count;
    t->columns = ARENA_ARRAY(r->arena, struct ref_column, q->column_count);
    for (uint32_t i = 0; i < q->column_count; i++) {
        t->columns[i] = q->columns[i];
        t->columns[i].def = NULL;
        t->columns[i].source = (uint16_t)i;
        if (name_count > 0) {
            t->columns[i].name = names[i];
            t->columns[i].org_name = t->columns[i].stored ? names[i] : t->columns[i].org_name;
        }
        t->columns[i].type.flags &= (uint16_t)~(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG |
                                                PART_KEY_FLAG | AUTO_INCREMENT_FLAG);
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq_nocase(t->columns[i].name, t->columns[j].name)) {
                return diag_set(r->diag, ER_DUP_FIELDNAME,
                                arena_dup_cstr(r->arena, t->columns[i].name));
            }
        }
    }
    return 0;
}

static struct cte *find_cte(struct resolver *r, struct str name, bool *out_recursive)
{
    for (struct cte_scope *c = r->ctes; c != NULL; c = c->outer) {
        for (uint32_t i = 0; i < c->visible; i++) {
            if (str_eq_nocase(c->with->ctes[i].name, name)) {
                *out_recursive = c->self == &c->with->ctes[i];
                return &c->with->ctes[i];
            }
        }
    }
    return NULL;
}

static int resolve_cte_table(struct resolver *r, struct table_ref *t, struct cte *cte)
{
    t->kind = TABLE_CTE;
    t->cte = cte;
    return fill_derived_columns(r, t, cte->query, cte->column_names, cte->column_name_count);
}

static int resolve_derived_table(struct resolver *r, struct scope *s, struct table_ref *t)
{
    if (t->lateral) {
        return resolve_refuse(r, "LATERAL");
    }
    if (t->alias.p == NULL) {
        return diag_set(r->diag, ER_DERIVED_MUST_HAVE_ALIAS);
    }
    if (resolve_query(r, s->outer, t->query) != 0) {
        return -1;
    }
    resolve_store_derived(r, t->query);
    return fill_derived_columns(r, t, t->query, t->column_names, t->column_name_count);
}

static int resolve_leaf(struct resolver *r, struct scope *s, struct table_ref *t)
{
    if (t->kind == TABLE_BASE) {
        bool recursive = false;
        struct cte *cte = t->db.len == 0 ? find_cte(r, t->name, &recursive) : NULL;
        if (recursive && cte->query->column_count == 0) {
            return resolve_refuse(r, "recursive common table expressions");
        }
        return cte != NULL ? resolve_cte_table(r, t, cte) : resolve_base_table(r, t);
    }
    if (t->kind == TABLE_DERIVED) {
        return resolve_derived_table(r, s, t);
    }
    return resolve_refuse(r, "JSON_TABLE");
}

static int resolve_leaf_list(struct resolver *r, struct scope *s, struct table_ref *t,
                             struct from_list *out)
{
    if (resolve_leaf(r, s, t) != 0 || check_unique_leaf(r, s, t) != 0) {
        return -1;
    }
    add_leaf(r, s, t);
    out->columns = ARENA_ARRAY(r->arena, struct from_column, t->column_count);
    out->count = 0;
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].def != NULL && t->columns[i].def->invisible) {
            continue;
        }
        out->columns[out->count++] = (struct from_column){.table = t, .index = i};
    }
    return 0;
}

/* ---- Joins ---- */

static const struct ref_column *from_column_get(const struct from_column *c)
{
    return &c->table->columns[c->index];
}

/* Columns of list named so: how many; the first in *out. */
static uint32_t count_named(const struct from_list *list, struct str name,
                            const struct from_column **out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq_nocase(from_column_get(&list->columns[i])->name, name)) {
            *out = n == 0 ? &list->columns[i] : *out;
            n++;
        }
    }
    return n;
}

static struct expr *column_expr(struct resolver *r, const struct from_column *c)
{
    struct expr *e = ARENA_NEW(r->arena, struct expr);
    const struct ref_column *col = from_column_get(c);
    e->kind = EXPR_COLUMN;
    e->height = 1;
    e->column.name = col->name;
    e->column.table = leaf_name(c->table);
    e->column.binding = (struct column_binding){.table = c->table, .index = c->index};
    e->type = col->type;
    if (c->table->outer_side) {
        e->type.flags &= (uint16_t)~NOT_NULL_FLAG;
    }
    e->coercibility = COERCE_IMPLICIT;
    return e;
}

static struct expr *equal_expr(struct resolver *r, struct expr *a, struct expr *b)
{
    struct expr *e = ARENA_NEW(r->arena, struct expr);
    e->kind = EXPR_CALL;
    e->flags = EXPR_AS_OPERATOR;
    e->height = 2;
    e->argc = 2;
    e->args = ARENA_ARRAY(r->arena, struct expr *, 2);
    e->args[0] = a;
    e->args[1] = b;
    e->call.name = STR("=");
    e->func = func_get(FN_EQ);
    return e;
}

static struct expr *and_expr(struct resolver *r, struct expr *a, struct expr *b)
{
    if (a == NULL) {
        return b;
    }
    struct expr *e = equal_expr(r, a, b);
    e->call.name = STR("AND");
    e->func = func_get(FN_AND);
    e->height = (uint16_t)(MAX(a->height, b->height) + 1);
    return e;
}

static int find_join_column(struct resolver *r, struct scope *s, const struct from_list *list,
                            struct str name, const struct from_column **out)
{
    uint32_t n = count_named(list, name, out);
    if (n == 1) {
        return 0;
    }
    const char *cname = arena_dup_cstr(r->arena, name);
    const char *clause = resolve_clause_name(r, CLAUSE_FROM);
    (void)s;
    return n == 0 ? diag_set(r->diag, ER_BAD_FIELD_ERROR, cname, clause)
                  : diag_set(r->diag, ER_NON_UNIQ_ERROR, cname, clause);
}

/* The names that NATURAL joins by, in the order of the left side. */
static void natural_columns(struct resolver *r, struct table_ref *t, const struct from_list *left,
                            const struct from_list *right)
{
    t->using_columns = ARENA_ARRAY(r->arena, struct str, left->count);
    t->using_count = 0;
    for (uint32_t i = 0; i < left->count; i++) {
        struct str name = from_column_get(&left->columns[i])->name;
        const struct from_column *found = NULL;
        if (count_named(right, name, &found) > 0) {
            t->using_columns[t->using_count++] = name;
        }
    }
}

static bool is_merged(const struct table_ref *t, struct str name)
{
    for (uint32_t i = 0; i < t->using_count; i++) {
        if (str_eq_nocase(t->using_columns[i], name)) {
            return true;
        }
    }
    return false;
}

static void append_unmerged(const struct table_ref *t, const struct from_list *list,
                            struct from_list *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (!is_merged(t, from_column_get(&list->columns[i])->name)) {
            out->columns[out->count++] = list->columns[i];
        }
    }
}

/* Joins by name: the condition, and the list with each common column once. */
static int merge_using(struct resolver *r, struct scope *s, struct table_ref *t,
                       const struct from_list *left, const struct from_list *right,
                       struct from_list *out)
{
    struct expr *on = NULL;
    const bool swap = t->join == JOIN_RIGHT;
    for (uint32_t i = 0; i < t->using_count; i++) {
        const struct from_column *a = NULL;
        const struct from_column *b = NULL;
        if (find_join_column(r, s, left, t->using_columns[i], &a) != 0 ||
            find_join_column(r, s, right, t->using_columns[i], &b) != 0) {
            return -1;
        }
        struct expr *eq = equal_expr(r, column_expr(r, a), column_expr(r, b));
        if (derive_type(r, eq) != 0) {
            return -1;
        }
        on = and_expr(r, on, eq);
        if (on != eq && derive_type(r, on) != 0) {
            return -1;
        }
        out->columns[out->count++] = swap ? *b : *a;
    }
    append_unmerged(t, swap ? right : left, out);
    append_unmerged(t, swap ? left : right, out);
    t->on = on;
    return 0;
}

static void mark_outer_side(struct table_ref *t)
{
    if (t->kind == TABLE_JOIN) {
        mark_outer_side(t->left);
        mark_outer_side(t->right);
    } else {
        t->outer_side = true;
    }
}

static int resolve_on(struct resolver *r, struct scope *s, struct table_ref *t,
                      struct from_list list, uint32_t first)
{
    const struct from_list saved_list = s->from;
    const uint32_t saved_first = s->leaf_first;
    const enum clause saved_clause = s->clause;
    s->from = list;
    s->leaf_first = first;
    s->clause = CLAUSE_ON;
    int rc = resolve_expr(r, s, &t->on);
    rc = rc == 0 ? resolve_check_scalar(r, t->on) : rc;
    s->from = saved_list;
    s->leaf_first = saved_first;
    s->clause = saved_clause;
    return rc;
}

static int resolve_join(struct resolver *r, struct scope *s, struct table_ref *t,
                        struct from_list *out)
{
    struct from_list left;
    struct from_list right;
    const uint32_t first = s->leaf_count;
    if (resolve_from(r, s, t->left, &left) != 0 || resolve_from(r, s, t->right, &right) != 0) {
        return -1;
    }
    if (t->join == JOIN_LEFT) {
        mark_outer_side(t->right);
    } else if (t->join == JOIN_RIGHT) {
        mark_outer_side(t->left);
    }
    out->columns = ARENA_ARRAY(r->arena, struct from_column, left.count + right.count);
    out->count = 0;
    if (t->natural) {
        natural_columns(r, t, &left, &right);
    }
    if (t->natural || t->using_count > 0) {
        return merge_using(r, s, t, &left, &right, out);
    }
    append_unmerged(t, &left, out);
    append_unmerged(t, &right, out);
    return t->on != NULL ? resolve_on(r, s, t, *out, first) : 0;
}

int resolve_from(struct resolver *r, struct scope *s, struct table_ref *t, struct from_list *out)
{
    return t->kind == TABLE_JOIN ? resolve_join(r, s, t, out) : resolve_leaf_list(r, s, t, out);
}

/* ---- Columns ---- */

static bool leaf_matches(const struct table_ref *t, const struct expr *e)
{
    if (!str_eq(leaf_name(t), e->column.table)) {
        return false;
    }
    return e->column.db.len == 0 || (t->kind == TABLE_BASE && str_eq(t->db, e->column.db));
}

static int32_t leaf_find_column(const struct table_ref *t, struct str name)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (str_eq_nocase(t->columns[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static int bind(struct resolver *r, struct expr *e, struct table_ref *t, uint32_t index)
{
    const struct ref_column *col = &t->columns[index];
    e->column.binding = (struct column_binding){.table = t, .index = index};
    e->type = col->type;
    e->coercibility = COERCE_IMPLICIT;
    if (t->outer_side) {
        e->type.flags &= (uint16_t)~NOT_NULL_FLAG;
    }
    if (t->def != NULL && r->env->check_column != NULL) {
        return r->env->check_column(r->env->arg, t->def, index, r->diag) == 0 ? 1 : -1;
    }
    return 1;
}

static int find_qualified(struct resolver *r, struct scope *s, struct expr *e)
{
    struct table_ref *found = NULL;
    int32_t index = -1;
    for (uint32_t i = s->leaf_first; i < s->leaf_end; i++) {
        if (!leaf_matches(s->leaves[i], e)) {
            continue;
        }
        const int32_t at = leaf_find_column(s->leaves[i], e->column.name);
        if (at >= 0 && found != NULL) {
            return ambiguous_column(r, s, e);
        }
        if (at >= 0) {
            found = s->leaves[i];
            index = at;
        }
    }
    return found != NULL ? bind(r, e, found, (uint32_t)index) : 0;
}

/* Invisible columns can be named though stars and USING do not see them. */
static int find_invisible(struct resolver *r, struct scope *s, struct expr *e)
{
    for (uint32_t i = s->leaf_first; i < s->leaf_end; i++) {
        const int32_t at = leaf_find_column(s->leaves[i], e->column.name);
        if (at >= 0 && s->leaves[i]->columns[at].def != NULL &&
            s->leaves[i]->columns[at].def->invisible) {
            return bind(r, e, s->leaves[i], (uint32_t)at);
        }
    }
    return 0;
}

int resolve_find_column(struct resolver *r, struct scope *s, struct expr *e)
{
    if (e->column.table.len > 0) {
        return find_qualified(r, s, e);
    }
    const struct from_column *found = NULL;
    const uint32_t n = count_named(&s->from, e->column.name, &found);
    if (n > 1) {
        return ambiguous_column(r, s, e);
    }
    return n == 1 ? bind(r, e, found->table, found->index) : find_invisible(r, s, e);
}

/* ---- Select items by name ---- */

static bool item_matches(const struct select_item *item, const struct expr *name)
{
    if (name->column.table.len > 0) {
        const struct expr *e = item->expr;
        return e->kind == EXPR_COLUMN && str_eq_nocase(e->column.name, name->column.name) &&
               e->column.binding.table != NULL && leaf_matches(e->column.binding.table, name);
    }
    if (item->alias.p != NULL) {
        return str_eq_nocase(item->alias, name->column.name);
    }
    return item->expr->kind == EXPR_COLUMN &&
           str_eq_nocase(item->expr->column.name, name->column.name);
}

int32_t resolve_find_item(struct resolver *r, struct scope *s, const struct expr *name)
{
    int32_t found = -1;
    for (uint32_t i = 0; s->block != NULL && i < s->block->item_count; i++) {
        const struct select_item *item = &s->block->items[i];
        if (!item_matches(item, name)) {
            continue;
        }
        if (found >= 0 && !expr_equal(s->block->items[found].expr, item->expr)) {
            (void)ambiguous_column(r, s, name);
            return -2;
        }
        found = found >= 0 ? found : (int32_t)i;
    }
    return found;
}

/* Is the column, or what it names, an element of GROUP BY? */
static bool is_group_column(const struct scope *s, const struct expr *e)
{
    for (uint32_t i = 0; i < s->block->group_count; i++) {
        if (expr_equal(s->block->group_by[i].expr, e)) {
            return true;
        }
    }
    return false;
}

/*
 * HAVING sees the select list and the grouped columns; a name that is both means the grouped column
 * if they are different things. Without GROUP BY and aggregates it sees the select list alone.
 */
static int resolve_in_having(struct resolver *r, struct scope *s, struct expr **pe)
{
    struct expr *e = *pe;
    const int32_t item = resolve_find_item(r, s, e);
    if (item == -2) {
        return -1;
    }
    const int found = resolve_find_column(r, s, e);
    if (found == 1 && is_group_column(s, e)) {
        return 1;
    }
    if (item >= 0) {
        *pe = s->block->items[item].expr;
        return 1;
    }
    if (found == 1 && (s->block->flags & SELECT_IS_AGGREGATED) != 0 && s->block->group_count > 0) {
        return 1; /* The check of grouping decides whether it depends on the grouped columns. */
    }
    return found < 0 ? -1 : 0;
}

static int resolve_in_block(struct resolver *r, struct scope *s, struct expr **pe)
{
    if (s->clause == CLAUSE_HAVING && s->in_aggregate == 0 && s->items_resolved) {
        return resolve_in_having(r, s, pe);
    }
    const int found = resolve_find_column(r, s, *pe);
    if (found != 0 || !s->items_resolved || s->in_aggregate > 0) {
        return found;
    }
    const int32_t item = resolve_find_item(r, s, *pe);
    if (item < 0) {
        return item == -2 ? -1 : 0;
    }
    *pe = s->block->items[item].expr;
    return 1;
}

int resolve_column(struct resolver *r, struct scope *s, struct expr **pe)
{
    uint32_t depth = 0;
    for (struct scope *at = s; at != NULL; at = at->outer, depth++) {
        const int found = resolve_in_block(r, at, pe);
        if (found < 0) {
            return -1;
        }
        if (found == 0) {
            continue;
        }
        if (depth > 0) {
            (*pe)->flags |= EXPR_OUTER_REF;
            if ((*pe)->kind == EXPR_COLUMN) {
                (*pe)->column.binding.depth = depth;
            }
            for (struct scope *inner = s; inner != at; inner = inner->outer) {
                inner->correlated = true;
            }
        }
        return 0;
    }
    return unknown_column(r, s, *pe);
}

/* ---- Stars ---- */

static bool star_has_table(const struct expr *star)
{
    return star->column.table.len > 0;
}

static uint32_t leaf_star_count(const struct table_ref *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->column_count; i++) {
        n += t->columns[i].def == NULL || !t->columns[i].def->invisible ? 1 : 0;
    }
    return n;
}

static struct table_ref *star_leaf(struct resolver *r, struct scope *s, const struct expr *star)
{
    for (uint32_t i = 0; i < s->leaf_count; i++) {
        if (leaf_matches(s->leaves[i], star)) {
            return s->leaves[i];
        }
    }
    struct str name = star->column.table;
    if (resolver_is_mariadb(r) && (star->column.db.len > 0 || r->env->current_db.p != NULL)) {
        const struct str db = star->column.db.len > 0 ? star->column.db : r->env->current_db;
        name = arena_printf(r->arena, "%.*s.%.*s", (int)db.len, db.p, (int)name.len, name.p);
    }
    (void)diag_set(r->diag, ER_BAD_TABLE_ERROR, arena_dup_cstr(r->arena, name));
    return NULL;
}

static int check_star(struct resolver *r, const struct from_column *c)
{
    if (c->table->def == NULL || r->env->check_column == NULL) {
        return 0;
    }
    return r->env->check_column(r->env->arg, c->table->def, c->index, r->diag);
}

static int put_star_item(struct resolver *r, const struct from_column *c, struct select_item *out)
{
    out->expr = column_expr(r, c);
    out->name = out->expr->column.name;
    return check_star(r, c);
}

static int expand_star(struct resolver *r, struct scope *s, const struct expr *star,
                       struct select_item *out, uint32_t *out_count)
{
    if (!star_has_table(star)) {
        for (uint32_t i = 0; i < s->from.count; i++) {
            if (put_star_item(r, &s->from.columns[i], &out[(*out_count)++]) != 0) {
                return -1;
            }
        }
        return 0;
    }
    struct table_ref *t = star_leaf(r, s, star);
    if (t == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < t->column_count; i++) {
        const struct from_column c = {.table = t, .index = i};
        if ((t->columns[i].def == NULL || !t->columns[i].def->invisible) &&
            put_star_item(r, &c, &out[(*out_count)++]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int star_size(struct resolver *r, struct scope *s, const struct expr *star, uint32_t *out)
{
    if (!star_has_table(star)) {
        *out = s->from.count;
        return s->block->from != NULL ? 0 : diag_set(r->diag, ER_NO_TABLES_USED);
    }
    const struct table_ref *t = star_leaf(r, s, star);
    *out = t != NULL ? leaf_star_count(t) : 0;
    return t != NULL ? 0 : -1;
}

int resolve_expand_stars(struct resolver *r, struct scope *s)
{
    struct select_block *b = s->block;
    uint32_t total = 0;
    bool any = false;
    for (uint32_t i = 0; i < b->item_count; i++) {
        uint32_t n = 1;
        if (b->items[i].expr->kind == EXPR_STAR) {
            any = true;
            if (star_size(r, s, b->items[i].expr, &n) != 0) {
                return -1;
            }
        }
        total += n;
    }
    if (!any) {
        return 0;
    }
    struct select_item *items = ARENA_ARRAY(r->arena, struct select_item, MAX(total, 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->item_count; i++) {
        if (b->items[i].expr->kind != EXPR_STAR) {
            items[count++] = b->items[i];
        } else if (expand_star(r, s, b->items[i].expr, items, &count) != 0) {
            return -1;
        }
    }
    b->items = items;
    b->item_count = count;
    return 0;
}
