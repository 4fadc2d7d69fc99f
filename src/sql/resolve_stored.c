/*
 * Types of columns whose rows go through a temporary table. The servers declare the table's fields
 * by what the values may be and then send the fields' types, not the expressions': MySQL makes
 * integers INT or BIGINT by their width, MariaDB gives some a place for a sign, both give strings
 * 0 decimals. So YEAR(d) is a YEAR in SELECT YEAR(d), an INT in SELECT DISTINCT YEAR(d).
 *
 * Whether there is a temporary table is the optimizer's choice. The rules here are those that do
 * not depend on statistics: GROUP BY and DISTINCT need one unless an index brings the rows in
 * order, aggregates of distinct values have one table's rows sorted instead. Where the plan of a
 * join decides, the commoner one is assumed. All was read off MySQL 9.7 and MariaDB 10.11;
 * tests/diff/cases/types_stored.test has the cases.
 */
#include "catalog/catalog.h"
#include "sql/resolve_int.h"

/* Integers of fewer digits and sign become INT in MySQL's temporary tables. */
#define MYSQL_INT_WIDTH 10

/* Which columns of a block's result come out of a temporary table. */
enum stored {
    STORED_NONE,
    STORED_INPUT,  /* all but constants, and what is computed of aggregates afterwards */
    STORED_GROUPS, /* the same; groups came in order and are stored to be ordered anew */
    STORED_RESULT, /* all but constants */
};

/* ---- Is there a temporary table? ---- */

static bool is_constant(const struct expr *e)
{
    if (e->kind == EXPR_SUBQUERY || e->kind == EXPR_EXISTS) {
        return !e->sub.query->correlated;
    }
    return (e->flags & EXPR_IS_CONST) != 0;
}

/* An aggregate of groups, not of a window. */
static bool is_aggregate(const struct expr *e)
{
    return e->kind == EXPR_AGGREGATE && e->call.window == NULL;
}

static bool is_window_result(const struct expr *e)
{
    return (e->kind == EXPR_AGGREGATE || e->kind == EXPR_WINDOW) && e->call.window != NULL;
}

static bool is_min_max(const struct expr *e)
{
    return is_aggregate(e) && e->func->type_rule == TR_MIN_MAX;
}

/* Aggregates that need their group's rows together: of distinct values, and those that join them.
 */
static bool needs_sorted_rows(const struct expr *e)
{
    if (e == NULL || (e->flags & EXPR_HAS_AGGREGATE) == 0) {
        return false;
    }
    if (is_aggregate(e)) {
        return ((e->flags & EXPR_DISTINCT) != 0 && !is_min_max(e)) ||
               e->func->type_rule == TR_GROUP_CONCAT;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (needs_sorted_rows(e->args[i])) {
            return true;
        }
    }
    return false;
}

static bool block_needs_sorted_rows(const struct query *q)
{
    const struct select_block *b = q->select;
    bool found = needs_sorted_rows(b->having);
    for (uint32_t i = 0; i < b->item_count && !found; i++) {
        found = needs_sorted_rows(b->items[i].expr);
    }
    for (uint32_t i = 0; i < q->order.count && !found; i++) {
        found = needs_sorted_rows(q->order.items[i].expr);
    }
    return found;
}

/* Does the order of groups serve for ORDER BY? Constants order nothing. */
static bool order_follows_groups(const struct query *q)
{
    const struct select_block *b = q->select;
    uint32_t at = 0;
    for (uint32_t i = 0; i < q->order.count; i++) {
        const struct expr *e = q->order.items[i].expr;
        if (is_constant(e)) {
            continue;
        }
        if (at == b->group_count || !expr_equal(b->group_by[at++].expr, e)) {
            return false;
        }
    }
    return true;
}

/* The column an index has at a place; the primary key's follow its own. NULL: no more. */
static const struct index_column *index_column_at(const struct table_def *t,
                                                  const struct index_def *index, uint32_t i)
{
    if (i < index->column_count) {
        return &index->columns[i];
    }
    const struct index_def *primary = &t->indexes[0];
    i -= index->column_count;
    return primary->kind == INDEX_DEF_PRIMARY && index != primary && i < primary->column_count
               ? &primary->columns[i]
               : NULL;
}

/* Are these the first columns of the index, in its order? */
static bool index_begins_with(const struct table_ref *t, const struct index_def *index,
                              struct expr *const *columns, uint32_t count)
{
    if (index->invisible || index->kind > INDEX_DEF_PLAIN) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct expr *e = columns[i];
        const struct index_column *c = index_column_at(t->def, index, i);
        if (c == NULL || c->prefix_len > 0 || e->kind != EXPR_COLUMN ||
            e->column.binding.table != t || e->column.binding.index != c->column) {
            return false;
        }
    }
    return true;
}

/* Does an index of the table that is read first bring the rows in the order of the columns? */
static bool come_in_order(const struct table_ref *t, struct expr *const *columns, uint32_t count)
{
    while (t->kind == TABLE_JOIN && t->join == JOIN_LEFT) {
        t = t->left;
    }
    if (t->kind != TABLE_BASE || t->def == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < t->def->index_count; i++) {
        if (index_begins_with(t, &t->def->indexes[i], columns, count)) {
            return true;
        }
    }
    return false;
}

#define MAX_INDEX_COLUMNS 32 /* of a key and the primary key behind it */

static bool groups_come_in_order(const struct select_block *b)
{
    struct expr *columns[MAX_INDEX_COLUMNS];
    for (uint32_t i = 0; i < b->group_count && i < MAX_INDEX_COLUMNS; i++) {
        columns[i] = b->group_by[i].expr;
    }
    return b->group_count <= MAX_INDEX_COLUMNS && come_in_order(b->from, columns, b->group_count);
}

/* The same for DISTINCT, to which constants do not matter. */
static bool items_come_in_order(const struct select_block *b)
{
    struct expr *columns[MAX_INDEX_COLUMNS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->item_count; i++) {
        if (!is_constant(b->items[i].expr)) {
            if (count == MAX_INDEX_COLUMNS) {
                return false;
            }
            columns[count++] = b->items[i].expr;
        }
    }
    return come_in_order(b->from, columns, count);
}

static bool has_item(const struct select_block *b, const struct expr *e)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        if (expr_equal(b->items[i].expr, e)) {
            return true;
        }
    }
    return false;
}

/* DISTINCT adds nothing to GROUP BY when all that is grouped by is selected. */
static bool distinct_counts(const struct select_block *b)
{
    if ((b->flags & SELECT_DISTINCT) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < b->group_count; i++) {
        if (!has_item(b, b->group_by[i].expr)) {
            return true;
        }
    }
    return false;
}

static bool selects_column(const struct select_block *b, const struct table_ref *t, uint32_t column)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        const struct expr *e = b->items[i].expr;
        if (e->kind == EXPR_COLUMN && e->column.binding.table == t &&
            e->column.binding.index == column) {
            return true;
        }
    }
    return false;
}

/* Rows that have a key of the only table among their columns are distinct already. */
static bool selects_key(const struct select_block *b)
{
    const struct table_ref *t = b->from;
    if (t->kind != TABLE_BASE || t->def == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < t->def->index_count; i++) {
        const struct index_def *index = &t->def->indexes[i];
        bool all = index->kind == INDEX_DEF_PRIMARY || index->kind == INDEX_DEF_UNIQUE;
        for (uint32_t j = 0; j < index->column_count && all; j++) {
            const uint32_t column = index->columns[j].column;
            all = !type_is_nullable(&t->def->columns[column].type) && selects_column(b, t, column);
        }
        if (all) {
            return true;
        }
    }
    return false;
}

static bool groups_are_constant(const struct select_block *b)
{
    for (uint32_t i = 0; i < b->group_count; i++) {
        if (!is_constant(b->group_by[i].expr)) {
            return false;
        }
    }
    return true;
}

static enum stored stored_of_groups(const struct query *q)
{
    const struct select_block *b = q->select;
    if (b->group_count == 0 || groups_are_constant(b)) {
        return STORED_NONE;
    }
    if (distinct_counts(b)) {
        return STORED_RESULT;
    }
    const bool in_order =
        (b->from->kind == TABLE_BASE && block_needs_sorted_rows(q)) || groups_come_in_order(b);
    if (!in_order) {
        return STORED_INPUT;
    }
    return order_follows_groups(q) ? STORED_NONE : STORED_GROUPS;
}

static bool is_limit_zero(const struct query *q)
{
    int64_t n = 0;
    return q->limit.count != NULL && literal_int(q->limit.count, &n) && n == 0;
}

static enum stored stored_of_block(const struct query *q)
{
    const struct select_block *b = q->select;
    if (b->from == NULL || is_limit_zero(q)) {
        return STORED_NONE;
    }
    if ((b->flags & SELECT_IS_AGGREGATED) != 0) {
        const enum stored groups = stored_of_groups(q);
        return groups == STORED_NONE && (b->flags & SELECT_HAS_WINDOW) != 0 ? STORED_INPUT : groups;
    }
    const bool distinct =
        (b->flags & SELECT_DISTINCT) != 0 && !selects_key(b) && !items_come_in_order(b);
    return distinct || (b->flags & SELECT_HAS_WINDOW) != 0 ? STORED_RESULT : STORED_NONE;
}

/* ---- The fields' types ---- */

/* What a column of a derived table that is no table of its own stands for. */
static const struct expr *behind_column(const struct expr *e)
{
    while (e->kind == EXPR_COLUMN && e->column.binding.table != NULL && !is_field(e)) {
        const struct table_ref *t = e->column.binding.table;
        const struct query *q = t->kind == TABLE_CTE ? t->cte->query : t->query;
        if (q == NULL || q->kind != QUERY_SELECT) {
            return e;
        }
        e = q->select->items[t->columns[e->column.binding.index].source].expr;
    }
    return e;
}

/* MariaDB's functions that promise no sign, and get a place for it in a table. */
bool mariadb_adds_sign(const struct expr *e)
{
    e = behind_column(e);
    if (e->kind != EXPR_CALL || e->func == NULL) {
        return false;
    }
    switch (e->func->id) {
    case FN_YEAR:
    case FN_QUARTER:
    case FN_MONTH:
    case FN_WEEK:
    case FN_WEEKOFYEAR:
    case FN_DAY:
    case FN_DAYOFMONTH:
    case FN_DAYOFYEAR:
    case FN_HOUR:
    case FN_MINUTE:
    case FN_SECOND:
    case FN_MICROSECOND:
    case FN_TO_DAYS:
        return true;
    case FN_EXTRACT:
        switch ((enum interval_unit)e->args[0]->lit.value.i) {
        case UNIT_YEAR:
        case UNIT_QUARTER:
        case UNIT_MONTH:
        case UNIT_WEEK:
        case UNIT_YEAR_MONTH:
            return true;
        default:
            return false;
        }
    default:
        return false;
    }
}

static void store_int(enum sql_dialect dialect, const struct expr *e, struct sql_type *t)
{
    if (dialect == DIALECT_MARIADB) {
        t->length += mariadb_adds_sign(e) ? 1 : 0;
        return;
    }
    t->flags &= (uint16_t)~ZEROFILL_FLAG;
    t->type = t->length < MYSQL_INT_WIDTH ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG;
}

/* MIN and MAX of a column keep its type; of anything else, an integer is a BIGINT. */
static void store_min_max(const struct expr *e, struct sql_type *t)
{
    const struct expr *arg = e->args[0];
    if (!is_field(arg) && type_class_of(t->type) == TYPE_CLASS_INT) {
        t->type = MYSQL_TYPE_LONGLONG;
        t->flags &= (uint16_t)~ZEROFILL_FLAG;
    }
    if (is_field(arg) && type_class_of(t->type) == TYPE_CLASS_INT) {
        t->length = arg->type.length;
    }
}

static void store_string(struct sql_type *t)
{
    if ((t->type == MYSQL_TYPE_VARCHAR || t->type == MYSQL_TYPE_STRING) &&
        t->decimals == DECIMALS_NOT_FIXED) {
        t->decimals = 0;
    }
}

static void store_type(enum sql_dialect dialect, const struct expr *e, struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    store_string(t);
    if (is_aggregate(e)) {
        if (is_min_max(e)) {
            store_min_max(e, t);
        }
        return;
    }
    if (class == TYPE_CLASS_INT) {
        store_int(dialect, e, t);
    }
}

/* ---- How columns are described ---- */

/* Fields of these types are BINARY by nature; expressions of any number type are marked so. */
static bool is_binary_field(const struct sql_type *t)
{
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_TIME:
    case TYPE_CLASS_DATETIME:
        return true;
    case TYPE_CLASS_STRING:
        return t->collation == COLLATION_BINARY;
    default:
        return false;
    }
}

static bool is_bit_aggregate(const struct expr *e)
{
    return e->func->id == FN_BIT_AND || e->func->id == FN_BIT_OR || e->func->id == FN_BIT_XOR;
}

/* Aggregates whose field holds what the value is computed of afterwards. */
static bool is_finished_later(enum sql_dialect dialect, const struct expr *e)
{
    return e->func->type_rule == TR_AVG || e->func->type_rule == TR_STD ||
           (dialect == DIALECT_MYSQL && is_bit_aggregate(e));
}

static void describe_as_field(struct ref_column *c)
{
    c->stored = true;
    if (is_binary_field(&c->type)) {
        c->type.flags |= BINARY_FLAG;
    }
    if (c->type.type == MYSQL_TYPE_YEAR) {
        c->type.flags |= ZEROFILL_FLAG;
    }
}

/* Has the field the column's name, which is sent as the original name? */
static bool has_origin(enum sql_dialect dialect, const struct query *q, const struct expr *e,
                       enum stored stored)
{
    if (dialect == DIALECT_MARIADB) {
        return (q->select->flags & SELECT_HAS_WINDOW) != 0 && !is_aggregate(e);
    }
    return !is_aggregate(e) || stored == STORED_GROUPS;
}

static bool is_grouped_by(const struct select_block *b, const struct expr *e)
{
    bool found = (b->flags & SELECT_DISTINCT) != 0 && b->group_count == 0;
    for (uint32_t i = 0; i < b->group_count && !found; i++) {
        found = expr_equal(b->group_by[i].expr, e);
    }
    return found;
}

static void describe(enum sql_dialect dialect, const struct query *q, const struct expr *e,
                     enum stored stored, struct ref_column *c)
{
    const bool window_result = dialect == DIALECT_MARIADB && is_window_result(e);
    if (window_result ||
        (is_aggregate(e) && stored != STORED_GROUPS && is_finished_later(dialect, e))) {
        return;
    }
    describe_as_field(c);
    if (has_origin(dialect, q, e, stored)) {
        c->org_name = c->name;
    }
    if (dialect == DIALECT_MARIADB && stored != STORED_GROUPS && type_is_nullable(&c->type) &&
        is_grouped_by(q->select, e)) {
        c->type.flags |= NUM_FLAG;
    }
}

/* A table's column that passed through: the temporary table has other keys. */
static void describe_column(enum sql_dialect dialect, const struct select_block *b,
                            const struct expr *e, struct ref_column *c)
{
    c->type.flags &=
        (uint16_t)~(PRI_KEY_FLAG | UNIQUE_KEY_FLAG | MULTIPLE_KEY_FLAG | PART_KEY_FLAG);
    if (dialect == DIALECT_MYSQL) {
        return;
    }
    if (type_is_nullable(&c->type) && is_grouped_by(b, e)) {
        c->type.flags |= NUM_FLAG;
    }
    if ((b->flags & SELECT_HAS_WINDOW) != 0) {
        c->type.flags &= (uint16_t)~NOT_NULL_FLAG;
    }
}

static bool is_stored(enum stored stored, const struct expr *e)
{
    switch (stored) {
    case STORED_NONE:
        return false;
    case STORED_INPUT:
    case STORED_GROUPS:
        return !is_constant(e) &&
               (is_aggregate(e) || is_window_result(e) || (e->flags & EXPR_HAS_AGGREGATE) == 0);
    case STORED_RESULT:
        break;
    }
    return !is_constant(e);
}

static void store_columns(enum sql_dialect dialect, struct query *q, enum stored stored)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        const struct expr *e = q->select->items[i].expr;
        struct ref_column *c = &q->columns[i];
        if (!is_stored(stored, e)) {
            continue;
        }
        if (is_field(e)) {
            describe_column(dialect, q->select, e, c);
            continue;
        }
        store_type(dialect, e, &c->type);
        describe(dialect, q, e, stored, c);
    }
}

void sql_store_result(struct query *q, enum sql_dialect dialect)
{
    while (q->kind == QUERY_PAREN) {
        q = q->left;
    }
    if (q->kind == QUERY_SELECT) {
        store_columns(dialect, q, stored_of_block(q));
    }
}

bool query_is_stored(const struct query *q)
{
    return q->kind != QUERY_SELECT ||
           (q->select->flags & (SELECT_IS_AGGREGATED | SELECT_DISTINCT | SELECT_HAS_WINDOW)) != 0 ||
           q->select->from == NULL || q->limit.count != NULL;
}

/* A derived table is a table whose columns have the names that the query gives them. */
static void store_derived_block(enum sql_dialect dialect, struct query *q)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        const struct expr *e = q->select->items[i].expr;
        struct ref_column *c = &q->columns[i];
        if (!is_field(e)) {
            store_type(dialect, e, &c->type);
            describe_as_field(c);
        }
        c->org_name = c->name;
        if (dialect == DIALECT_MARIADB) {
            c->db = STR("");
        }
    }
}

void resolve_store_set(struct query *q)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        store_string(&q->columns[i].type);
        describe_as_field(&q->columns[i]);
        q->columns[i].org_name = q->columns[i].name;
    }
}

void resolve_store_derived(const struct resolver *r, struct query *q)
{
    if (q->kind == QUERY_SELECT && query_is_stored(q)) {
        store_derived_block(r->env->dialect, q);
    } else if (q->kind == QUERY_SET) {
        resolve_store_set(q);
    }
}
