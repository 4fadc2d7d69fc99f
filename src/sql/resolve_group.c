/*
 * Grouped queries: whether each expression behind GROUP BY has one value for a group.
 *
 * A column has if it is grouped by, or depends on what is: a grouped primary or unique key
 * determines the row of its table, and WHERE's or an inner join's equalities carry that on to other
 * columns ("Detection of Functional Dependence" in MySQL's manual). What depends on nothing is an
 * error under ONLY_FULL_GROUP_BY, and otherwise has no defined value: it is refused, since no two
 * servers need agree on it.
 */
#include "base/bits.h"
#include "catalog/catalog.h"
#include "sql/resolve_int.h"

/* The columns known to have one value, one bit set for each leaf. */
struct dependence {
    struct resolver *r;
    struct scope *s;
    uint64_t **known; /* by leaf's place in s->leaves */
    bool changed;
};

static int32_t leaf_place(const struct scope *s, const struct table_ref *t)
{
    for (uint32_t i = 0; i < s->leaf_count; i++) {
        if (s->leaves[i] == t) {
            return (int32_t)i;
        }
    }
    return -1;
}

static bool is_known(const struct dependence *d, const struct table_ref *t, uint32_t column)
{
    const int32_t at = leaf_place(d->s, t);
    return at >= 0 && bits_get(d->known[at], column);
}

static void set_known(struct dependence *d, const struct table_ref *t, uint32_t column)
{
    const int32_t at = leaf_place(d->s, t);
    if (at >= 0 && !is_known(d, t, column)) {
        bits_set(d->known[at], column, true);
        d->changed = true;
    }
}

static bool own_column(const struct dependence *d, const struct expr *e)
{
    return e->kind == EXPR_COLUMN && leaf_place(d->s, e->column.binding.table) >= 0;
}

static bool has_one_value(const struct dependence *d, const struct expr *e)
{
    if (own_column(d, e)) {
        return is_known(d, e->column.binding.table, e->column.binding.index);
    }
    return e->kind == EXPR_COLUMN || (e->flags & EXPR_IS_CONST) != 0;
}

static bool index_is_known(const struct dependence *d, const struct table_ref *t,
                           const struct index_def *index)
{
    if (index->kind != INDEX_DEF_PRIMARY && index->kind != INDEX_DEF_UNIQUE) {
        return false;
    }
    for (uint32_t i = 0; i < index->column_count; i++) {
        const struct index_column *c = &index->columns[i];
        const bool nullable = type_is_nullable(&t->def->columns[c->column].type);
        if (c->prefix_len > 0 || (index->kind == INDEX_DEF_UNIQUE && nullable) ||
            !is_known(d, t, c->column)) {
            return false;
        }
    }
    return index->column_count > 0;
}

static void spread_keys(struct dependence *d)
{
    for (uint32_t i = 0; i < d->s->leaf_count; i++) {
        const struct table_ref *t = d->s->leaves[i];
        for (uint32_t j = 0; t->def != NULL && j < t->def->index_count; j++) {
            if (!index_is_known(d, t, &t->def->indexes[j])) {
                continue;
            }
            for (uint32_t c = 0; c < t->column_count; c++) {
                set_known(d, t, c);
            }
        }
    }
}

/* Strings that are equal under a collation may differ: equality carries over only what compares
 * byte for byte. */
static bool equality_is_exact(const struct expr *a, const struct expr *b)
{
    const enum type_class ca = type_class_of(a->type.type);
    return ca == type_class_of(b->type.type) && ca != TYPE_CLASS_STRING && ca != TYPE_CLASS_REAL;
}

static void spread_condition(struct dependence *d, const struct expr *e)
{
    if (e == NULL || e->kind != EXPR_CALL) {
        return;
    }
    if (e->func->id == FN_AND) {
        for (uint32_t i = 0; i < e->argc; i++) {
            spread_condition(d, e->args[i]);
        }
        return;
    }
    if (e->func->id != FN_EQ || e->args[0]->kind == EXPR_ROW) {
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct expr *a = e->args[i];
        const struct expr *b = e->args[1 - i];
        if (own_column(d, a) && has_one_value(d, b) &&
            ((b->flags & EXPR_IS_CONST) != 0 || equality_is_exact(a, b))) {
            set_known(d, a->column.binding.table, a->column.binding.index);
        }
    }
}

static void spread_joins(struct dependence *d, const struct table_ref *t)
{
    if (t == NULL || t->kind != TABLE_JOIN) {
        return;
    }
    if (t->join == JOIN_INNER || t->join == JOIN_STRAIGHT) {
        spread_condition(d, t->on);
        spread_joins(d, t->left);
        spread_joins(d, t->right);
    } else {
        spread_joins(d, t->join == JOIN_LEFT ? t->left : t->right);
    }
}

static void close_dependence(struct dependence *d)
{
    do {
        d->changed = false;
        spread_keys(d);
        spread_condition(d, d->s->block->where);
        spread_joins(d, d->s->block->from);
    } while (d->changed);
}

/* What the elements of GROUP BY determine that are not marked as dependent; `without` is left out,
 * too. */
static void init_dependence(struct dependence *d, struct resolver *r, struct scope *s,
                            const struct order_item *without)
{
    *d = (struct dependence){.r = r, .s = s};
    d->known = ARENA_ARRAY(r->arena, uint64_t *, s->leaf_count + 1);
    for (uint32_t i = 0; i < s->leaf_count; i++) {
        d->known[i] = ARENA_ARRAY(r->arena, uint64_t, s->leaves[i]->column_count / 64 + 1);
    }
    for (uint32_t i = 0; i < s->block->group_count; i++) {
        const struct order_item *item = &s->block->group_by[i];
        const struct expr *e = item->expr;
        if (item != without && !item->dependent && own_column(d, e)) {
            set_known(d, e->column.binding.table, e->column.binding.index);
        }
    }
    close_dependence(d);
}

static const struct expr *find_undetermined(const struct dependence *d, const struct expr *e);

static const struct expr *undetermined_in_order(const struct dependence *d,
                                                const struct order_list *order)
{
    const struct expr *found = NULL;
    for (uint32_t i = 0; i < order->count && found == NULL; i++) {
        found = find_undetermined(d, order->items[i].expr);
    }
    return found;
}

static const struct expr *undetermined_in_query(const struct dependence *d, const struct query *q);

static const struct expr *undetermined_in_from(const struct dependence *d,
                                               const struct table_ref *t)
{
    if (t == NULL) {
        return NULL;
    }
    if (t->kind == TABLE_JOIN) {
        const struct expr *found = undetermined_in_from(d, t->left);
        found = found == NULL ? undetermined_in_from(d, t->right) : found;
        return found == NULL && t->on != NULL ? find_undetermined(d, t->on) : found;
    }
    return t->kind == TABLE_DERIVED ? undetermined_in_query(d, t->query) : NULL;
}

static const struct expr *undetermined_in_block(const struct dependence *d,
                                                const struct select_block *b)
{
    const struct expr *found = undetermined_in_from(d, b->from);
    for (uint32_t i = 0; i < b->item_count && found == NULL; i++) {
        found = find_undetermined(d, b->items[i].expr);
    }
    if (found == NULL && b->where != NULL) {
        found = find_undetermined(d, b->where);
    }
    if (found == NULL && b->having != NULL) {
        found = find_undetermined(d, b->having);
    }
    return found;
}

static const struct expr *undetermined_in_query(const struct dependence *d, const struct query *q)
{
    if (!q->correlated) {
        return NULL;
    }
    if (q->kind == QUERY_SELECT) {
        const struct expr *found = undetermined_in_block(d, q->select);
        return found == NULL ? undetermined_in_order(d, &q->order) : found;
    }
    if (q->kind == QUERY_SET) {
        const struct expr *found = undetermined_in_query(d, q->left);
        return found == NULL ? undetermined_in_query(d, q->right) : found;
    }
    return NULL;
}

static bool is_group_expr(const struct dependence *d, const struct expr *e)
{
    for (uint32_t i = 0; i < d->s->block->group_count; i++) {
        if (expr_equal(d->s->block->group_by[i].expr, e)) {
            return true;
        }
    }
    return false;
}

/* A column in e that does not have one value for a group, or NULL. */
static const struct expr *find_undetermined(const struct dependence *d, const struct expr *e)
{
    if (is_group_expr(d, e)) {
        return NULL;
    }
    if (e->kind == EXPR_COLUMN) {
        return own_column(d, e) && !has_one_value(d, e) ? e : NULL;
    }
    if (e->kind == EXPR_AGGREGATE && e->call.window == NULL) {
        /* In a subquery's aggregate, a column of this block is as undetermined as elsewhere; its
         * own are inputs. */
        return NULL;
    }
    if (e->kind == EXPR_CALL && e->func->id == FN_ANY_VALUE) {
        return NULL;
    }
    const struct expr *found = NULL;
    for (uint32_t i = 0; i < e->argc && found == NULL; i++) {
        found = find_undetermined(d, e->args[i]);
    }
    switch (e->kind) {
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        return found == NULL ? undetermined_in_query(d, e->sub.query) : found;
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
        for (uint32_t i = 0; i < e->call.window->partition_count && found == NULL; i++) {
            found = find_undetermined(d, e->call.window->partition[i]);
        }
        return found == NULL ? undetermined_in_order(d, &e->call.window->order) : found;
    default:
        return found;
    }
}

static const char *full_name(struct resolver *r, const struct expr *e)
{
    const struct table_ref *t = e->column.binding.table;
    const struct str column = t->columns[e->column.binding.index].name;
    const struct str table = t->alias.p != NULL ? t->alias : t->name;
    struct str name;
    if (t->kind == TABLE_BASE) {
        name = arena_printf(r->arena, "%.*s.%.*s.%.*s", (int)t->db.len, t->db.p, (int)table.len,
                            table.p, (int)column.len, column.p);
    } else {
        name =
            arena_printf(r->arena, "%.*s.%.*s", (int)table.len, table.p, (int)column.len, column.p);
    }
    return arena_dup_cstr(r->arena, name);
}

/* Where an expression stands, as the message says it: "Expression #2 of SELECT list". */
struct place {
    const char *part;
    unsigned number;
};

static int report(const struct dependence *d, const struct expr *column, struct place at)
{
    struct resolver *r = d->r;
    if ((r->env->sql_mode & SQL_MODE_ONLY_FULL_GROUP_BY) == 0) {
        return resolve_refuse(r, "a column that is neither grouped by nor determined by what is");
    }
    const char *name = full_name(r, column);
    if (resolver_is_mariadb(r)) {
        return d->s->block->group_count > 0 ? diag_set(r->diag, ER_WRONG_FIELD_WITH_GROUP, name)
                                            : diag_set(r->diag, ER_MIX_OF_GROUP_FUNC_AND_FIELDS);
    }
    if (d->s->block->group_count == 0) {
        const struct str text = arena_printf(
            r->arena,
            "In aggregated query without GROUP BY, expression #%u of %s contains nonaggregated column '%s'; this is "
            "incompatible with sql_mode=only_full_group_by",
            at.number, at.part, name);
        return diag_set_text(r->diag, ER_MIX_OF_GROUP_FUNC_AND_FIELDS, text);
    }
    const struct str text = arena_printf(
        r->arena,
        "Expression #%u of %s is not in GROUP BY clause and contains nonaggregated column '%s' which is not "
        "functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by",
        at.number, at.part, name);
    return diag_set_text(r->diag, ER_WRONG_FIELD_WITH_GROUP, text);
}

/*
 * Marks elements of GROUP BY that the others determine, strings first: an engine need not group by
 * them. One always remains, since a query without GROUP BY has a row even when there is nothing to
 * group.
 */
static void mark_dependent(struct resolver *r, struct scope *s)
{
    struct select_block *b = s->block;
    uint32_t left = b->group_count;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = b->group_count; i-- > 0 && left > 1;) {
            struct order_item *item = &b->group_by[i];
            const bool text = type_class_of(item->expr->type.type) == TYPE_CLASS_STRING;
            if (item->dependent || item->expr->kind != EXPR_COLUMN || text != (pass == 0)) {
                continue;
            }
            struct dependence d;
            init_dependence(&d, r, s, item);
            if (own_column(&d, item->expr) && has_one_value(&d, item->expr)) {
                item->dependent = true;
                left--;
            }
        }
    }
}

int resolve_check_grouping(struct resolver *r, struct scope *s)
{
    const struct select_block *b = s->block;
    if ((b->flags & SELECT_IS_AGGREGATED) == 0) {
        return 0;
    }
    struct dependence d;
    init_dependence(&d, r, s, NULL);
    for (uint32_t i = 0; i < b->item_count; i++) {
        const struct expr *column = find_undetermined(&d, b->items[i].expr);
        if (column != NULL) {
            return report(&d, column, (struct place){"SELECT list", i + 1});
        }
    }
    const struct expr *column = b->having != NULL ? find_undetermined(&d, b->having) : NULL;
    if (column != NULL) {
        return report(&d, column, (struct place){"HAVING clause", 1});
    }
    for (uint32_t i = 0; i < s->query->order.count; i++) {
        column = find_undetermined(&d, s->query->order.items[i].expr);
        if (column != NULL) {
            return report(&d, column, (struct place){"ORDER BY clause", i + 1});
        }
    }
    mark_dependent(r, s);
    return 0;
}
