/*
 * Queries for DuckDB. Tables are t<id>, columns c<id>; leaves of FROM have the alias r<id>, common
 * table expressions q<id>, columns of every query c0, c1, …
 *
 * Where MySQL compares strings by a collation, grouping, DISTINCT, UNION and ORDER BY go by the
 * collation's key and show any value of the group: MySQL leaves open which of the equal spellings
 * it shows.
 */
#include "sql/write_duckdb.h"

#include "catalog/catalog.h"
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"

#include <inttypes.h>
#include <stdatomic.h>

/* DuckDB's planning time multiplies with each level of nested subqueries: 10 ms at this depth,
 * seconds at twice it. */
#define MAX_QUERY_DEPTH 14

/* Longest text written; DuckDB's planner is slow long before. */
#define MAX_SQL_BYTES (64u << 20)

/* ---- Leaves and CTEs ---- */

static void set_leaf(struct writer *w, uint32_t id, struct leaf_info info)
{
    if (id >= w->leaf_cap) {
        const uint32_t cap = MAX(id + 1, w->leaf_cap * 2);
        struct leaf_info *leaves = ARENA_ARRAY(&w->arena, struct leaf_info, cap);
        if (w->leaf_cap > 0) {
            memcpy(leaves, w->leaves, sizeof(*leaves) * w->leaf_cap);
        }
        w->leaves = leaves;
        w->leaf_cap = cap;
    }
    w->leaves[id] = info;
}

static void set_cte(struct writer *w, uint32_t id, const struct form *forms)
{
    if (id >= w->cte_cap) {
        const uint32_t cap = MAX(id + 1, w->cte_cap * 2);
        const struct form **all = ARENA_ARRAY(&w->arena, const struct form *, cap);
        if (w->cte_cap > 0) {
            memcpy(all, w->cte_forms, sizeof(*all) * w->cte_cap);
        }
        w->cte_forms = all;
        w->cte_cap = cap;
    }
    w->cte_forms[id] = forms;
}

/* ---- FROM ---- */

static int write_from(struct writer *w, const struct select_block *b, const struct table_ref *t);

static void look_at_facts(struct writer *w, const struct table_def *t)
{
    if (t->share != NULL && atomic_load(&t->share->has_partial_dates)) {
        w->saw_partial_dates = true;
    }
}

static int write_base(struct writer *w, const struct select_block *b, const struct table_ref *t)
{
    look_at_facts(w, t->def);
    set_leaf(w, t->id, (struct leaf_info){.block = b});
    if (t->def->rows_text.p != NULL) {
        bytebuf_put_char(w->out, '(');
        bytebuf_put_str(w->out, t->def->rows_text);
        bytebuf_printf(w->out, ") AS r%" PRIu32, t->id);
        return 0;
    }
    bytebuf_printf(w->out, "t%" PRIu64 " AS r%" PRIu32, t->def->id, t->id);
    return 0;
}

static int write_derived(struct writer *w, const struct select_block *b, const struct table_ref *t)
{
    const struct form *forms;
    struct group_ctx *saved = w->group;
    const bool in_table = w->in_table;
    w->group = NULL; /* A derived table does not see the block it stands in. */
    w->in_table = true;
    bytebuf_put_char(w->out, '(');
    const int rc = write_query(w, t->query, &forms);
    w->in_table = in_table;
    bytebuf_printf(w->out, ") AS r%" PRIu32, t->id);
    w->group = saved;
    if (rc == 0) {
        set_leaf(w, t->id, (struct leaf_info){.block = b, .forms = forms});
    }
    return rc;
}

static int write_cte_ref(struct writer *w, const struct select_block *b, const struct table_ref *t)
{
    set_leaf(w, t->id, (struct leaf_info){.block = b, .forms = w->cte_forms[t->cte->id]});
    bytebuf_printf(w->out, "q%" PRIu32 " AS r%" PRIu32, t->cte->id, t->id);
    return 0;
}

static int write_join(struct writer *w, const struct select_block *b, const struct table_ref *t)
{
    static const char *const words[] = {[JOIN_INNER] = " JOIN ",
                                        [JOIN_LEFT] = " LEFT JOIN ",
                                        [JOIN_RIGHT] = " RIGHT JOIN ",
                                        [JOIN_STRAIGHT] = " JOIN "};
    const bool nested = t->right->kind == TABLE_JOIN;
    if (write_from(w, b, t->left) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, t->on != NULL ? words[t->join] : " CROSS JOIN ");
    bytebuf_put_cstr(w->out, nested ? "(" : "");
    if (write_from(w, b, t->right) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, nested ? ")" : "");
    if (t->on == NULL) {
        return 0;
    }
    bytebuf_put_cstr(w->out, " ON ");
    return write_condition(w, t->on);
}

static int write_from(struct writer *w, const struct select_block *b, const struct table_ref *t)
{
    switch (t->kind) {
    case TABLE_BASE:
        return write_base(w, b, t);
    case TABLE_DERIVED:
        return write_derived(w, b, t);
    case TABLE_CTE:
        return write_cte_ref(w, b, t);
    case TABLE_JOIN:
        return write_join(w, b, t);
    case TABLE_JSON:
        break;
    }
    return write_refuse(w, "JSON_TABLE");
}

/* ---- ORDER BY and LIMIT ---- */

/* Puts COALESCE(…, zero) around what was written since `at`. */
static int write_zero_for_null(struct writer *w, size_t at, struct form f)
{
    const struct mtime zero = {.year = 0};
    if (f.kind == FORM_NULL) {
        return 0;
    }
    if (f.kind == FORM_WIDE) {
        return write_refuse(w, "GROUP_CONCAT ordered by a DECIMAL of more than 38 digits");
    }
    write_insert(w, at, "coalesce(");
    bytebuf_put_cstr(w->out, ", ");
    if (f.kind == FORM_DATE || f.kind == FORM_TIMESTAMP) {
        (void)(f.kind == FORM_DATE ? write_date(w, &zero) : write_datetime(w, &zero));
    } else if (f.kind == FORM_STRING || f.kind == FORM_BLOB) {
        bytebuf_put_cstr(w->out, f.kind == FORM_STRING ? "''" : "''::BLOB");
    } else {
        bytebuf_put_cstr(w->out, f.kind == FORM_BOOL ? "false" : "0");
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

static int write_order_item(struct writer *w, const struct order_item *item, enum order_nulls nulls)
{
    struct form f;
    bool key = false;
    const size_t at = w->out->len;
    const enum type_class class = type_class_of(item->expr->type.type);
    if (class == TYPE_CLASS_JSON || class == TYPE_CLASS_OPAQUE) {
        return write_refuse(w, "ORDER BY of this type");
    }
    if (needs_key(w, &item->expr->type, &key) != 0 || write_expr(w, item->expr, &f) != 0) {
        return -1;
    }
    if (nulls == ORDER_NULLS_AS_ZERO && write_zero_for_null(w, at, f) != 0) {
        return -1;
    }
    if (key && f.kind == FORM_STRING) {
        write_key_around(w, at, item->expr->type.collation);
    }
    write_date_order_around(w, at, f);
    return 0;
}

/* MySQL puts NULL first in ascending order. */
static void write_direction(struct writer *w, const struct order_item *item)
{
    bytebuf_put_cstr(w->out, item->desc ? " DESC NULLS LAST" : " ASC NULLS FIRST");
}

static bool is_literal(const struct expr *e)
{
    return e->kind == EXPR_LITERAL || e->kind == EXPR_PARAM;
}

int write_order_items(struct writer *w, const struct order_list *order, enum order_nulls nulls)
{
    bool first = true;
    for (uint32_t i = 0; i < order->count; i++) {
        bytebuf_put_cstr(w->out, first ? "" : ", ");
        first = false;
        const size_t at = w->out->len;
        if (write_order_item(w, &order->items[i], nulls) != 0) {
            return -1;
        }
        if (is_literal(order->items[i].expr)) {
            w->out->len =
                at; /* A constant does not order; DuckDB would take a number for a position. */
            bytebuf_put_cstr(w->out, "NULL::INTEGER");
        }
        write_direction(w, &order->items[i]);
    }
    return 0;
}

static int write_limit_value(struct writer *w, const struct expr *e)
{
    const struct expr *lit = e;
    struct value v;
    if (e->kind == EXPR_PARAM) {
        if (w->env->eval_const == NULL ||
            w->env->eval_const(w->env->arg, e, &w->arena, w->diag, &v) != 0) {
            return w->diag->error != NULL ? -1 : write_refuse(w, "LIMIT of a parameter");
        }
    } else {
        v = lit->lit.value;
    }
    if (v.kind != VALUE_INT && v.kind != VALUE_UINT) {
        return write_refuse(w, "LIMIT of what is not an integer");
    }
    bytebuf_printf(w->out, "%" PRIu64, MIN(v.u, (uint64_t)INT64_MAX));
    return 0;
}

static int write_limit(struct writer *w, const struct query *q)
{
    if (q->limit.count != NULL) {
        bytebuf_put_cstr(w->out, " LIMIT ");
        if (write_limit_value(w, q->limit.count) != 0) {
            return -1;
        }
    } else if (w->query_depth == 1 && w->env->sql_select_limit <= (uint64_t)INT64_MAX &&
               w->env->sql_select_limit != 0) {
        bytebuf_printf(w->out, " LIMIT %" PRIu64, w->env->sql_select_limit);
    }
    if (q->limit.offset != NULL) {
        bytebuf_put_cstr(w->out, " OFFSET ");
        return write_limit_value(w, q->limit.offset);
    }
    return 0;
}

/* ---- Results ---- */

static bool same_layout(struct form a, struct form b)
{
    static const uint8_t words[] = {4, 9, 18, 38};
    if (a.kind != b.kind) {
        return false;
    }
    if (a.kind != FORM_DECIMAL) {
        return true;
    }
    size_t i = 0;
    size_t j = 0;
    while (a.width > words[i]) {
        i++;
    }
    while (b.width > words[j]) {
        j++;
    }
    return i == j && a.scale == b.scale;
}

/*
 * Gives a result column, written since `at`, the form that type_phys() promises. Decimals of the
 * same width class are laid out alike and stay as they are.
 */
static int write_final(struct writer *w, size_t at, const struct sql_type *t, struct form *form)
{
    const struct form to = form_of_type(t);
    const struct form from = *form;
    *form = to;
    if (same_layout(from, to)) {
        return 0;
    }
    if (to.kind == FORM_WIDE) {
        if (form_is_int(from) && write_convert(w, at, from, form_decimal(38, 0)) != 0) {
            return -1;
        }
        write_insert(w, at, "pt_sortable(");
        bytebuf_printf(w->out, ", %" PRIu32 ", %u)", t->length, t->decimals);
        return 0;
    }
    return write_convert(w, at, from, to);
}

/* Is the query the statement itself, whose columns the client gets? */
static bool is_final(const struct writer *w)
{
    return w->query_depth == 1;
}

/* ---- Blocks ---- */

static int write_group_by(struct writer *w, const struct select_block *b)
{
    bool first = true;
    for (uint32_t i = 0; i < b->group_count; i++) {
        const struct expr *e = b->group_by[i].expr;
        struct form f;
        bool key = false;
        if (b->group_by[i].dependent) {
            continue;
        }
        bytebuf_put_cstr(w->out, first ? " GROUP BY " : ", ");
        first = false;
        const size_t at = w->out->len;
        if (needs_key(w, &e->type, &key) != 0 || write_expr(w, e, &f) != 0) {
            return -1;
        }
        if (is_literal(e) || (e->flags & EXPR_IS_CONST) != 0) {
            w->out->len = at; /* a number would be a position */
            bytebuf_put_cstr(w->out, "CAST(NULL AS INTEGER)");
        } else if (key && f.kind == FORM_STRING) {
            write_key_around(w, at, e->type.collation);
        }
    }
    return 0;
}

/* Storing rounds numbers to their declared scale. */
static void write_stored(struct writer *w, size_t at, const struct sql_type *t, struct form *form)
{
    if (form->kind == FORM_DECIMAL && type_class_of(t->type) == TYPE_CLASS_DECIMAL &&
        form->scale > t->decimals) {
        *form = form_decimal(MIN(form_int_digits(*form) + t->decimals + 1u, 38u), t->decimals);
        write_cast(w, at, *form);
    }
}

/*
 * Is it a CASE or IF whose branches have different decimals? MySQL shows each row with those of its
 * branch, so that one column has 0 and 1.50: a column of a fixed scale cannot.
 */
static bool choice_of_scales(const struct writer *w, const struct expr *e)
{
    const bool choice = e->kind == EXPR_CASE || (e->kind == EXPR_CALL && e->func->id == FN_IF);
    if (!choice || w->env->dialect != DIALECT_MYSQL ||
        type_class_of(e->type.type) != TYPE_CLASS_DECIMAL) {
        return false;
    }
    const bool is_case = e->kind == EXPR_CASE;
    const uint32_t first = is_case && (e->flags & EXPR_CASE_OPERAND) == 0 ? 1 : (is_case ? 2 : 1);
    for (uint32_t i = first; i < e->argc; i++) {
        const bool last = i + 1 == e->argc;
        const bool value =
            !is_case || (i - first) % 2 == 0 || (last && (e->flags & EXPR_CASE_ELSE) != 0);
        const struct sql_type *t = &e->args[i]->type;
        if (value && t->type != MYSQL_TYPE_NULL &&
            (type_class_of(t->type) != TYPE_CLASS_DECIMAL || t->decimals != e->type.decimals)) {
            return true;
        }
    }
    return false;
}

static int write_items(struct writer *w, const struct query *q, bool final, struct form *forms)
{
    const struct select_block *b = q->select;
    const bool stored = w->in_table && query_is_stored(q);
    for (uint32_t i = 0; i < b->item_count; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        const size_t at = w->out->len;
        if (write_expr(w, b->items[i].expr, &forms[i]) != 0) {
            return -1;
        }
        if (forms[i].kind == FORM_NULL) {
            forms[i].kind = FORM_I8;
            write_cast(w, at, forms[i]);
        }
        if (final && choice_of_scales(w, b->items[i].expr)) {
            return write_refuse(w,
                                "a result that is a choice between numbers of different decimals");
        }
        if (final && write_final(w, at, &q->columns[i].type, &forms[i]) != 0) {
            return -1;
        }
        if (!final && stored) {
            write_stored(w, at, &q->columns[i].type, &forms[i]);
        }
        bytebuf_printf(w->out, " AS c%" PRIu32, i);
    }
    return 0;
}

/* WHERE, and HAVING of a query that is not grouped: a second WHERE. */
static int write_where(struct writer *w, const struct select_block *b)
{
    const bool grouped = (b->flags & SELECT_IS_AGGREGATED) != 0;
    const struct expr *conditions[2] = {b->where, grouped ? NULL : b->having};
    const char *word = " WHERE ";
    for (size_t i = 0; i < ARRAY_SIZE(conditions); i++) {
        if (conditions[i] == NULL) {
            continue;
        }
        bytebuf_put_cstr(w->out, word);
        if (write_condition(w, conditions[i]) != 0) {
            return -1;
        }
        word = " AND ";
    }
    return 0;
}

enum block_flags {
    BLOCK_ORDER =
        1u << 0, /* with its ORDER BY; the columns of the statement get their final form */
    BLOCK_DISTINCT = 1u << 1, /* SELECT DISTINCT */
};

/*
 * FROM is written before the select list, because the forms of derived tables are known only then;
 * the parts are put in order afterwards.
 */
static int write_block(struct writer *w, const struct query *q, unsigned flags, struct form *forms)
{
    const bool with_order = (flags & BLOCK_ORDER) != 0;
    const struct select_block *b = q->select;
    const bool grouped = (b->flags & SELECT_IS_AGGREGATED) != 0;
    struct group_ctx ctx = {
        .outer = w->group, .query = q, .block = b, .query_depth = w->query_depth};
    const size_t start = w->out->len;
    if (b->from != NULL) {
        bytebuf_put_cstr(w->out, " FROM ");
        if (write_from(w, b, b->from) != 0) {
            return -1;
        }
    }
    if (write_where(w, b) != 0 || write_group_by(w, b) != 0) {
        return -1;
    }
    w->group = grouped ? &ctx : w->group;
    int rc = 0;
    if (grouped && b->having != NULL) {
        bytebuf_put_cstr(w->out, " HAVING ");
        rc = write_condition(w, b->having);
    }
    const size_t tail = w->out->len;
    if (rc == 0) {
        bytebuf_put_cstr(w->out, (flags & BLOCK_DISTINCT) != 0 ? "SELECT DISTINCT " : "SELECT ");
        rc = write_items(w, q, with_order && is_final(w), forms);
    }
    if (rc == 0 && !w->out->failed) {
        write_move(w, tail, start);
    }
    if (rc == 0 && with_order && q->order.count > 0) {
        bytebuf_put_cstr(w->out, " ORDER BY ");
        rc = write_order_items(w, &q->order, ORDER_NULLS_LOWEST);
    }
    w->group = ctx.outer;
    return rc;
}

/* ---- Wrappers ---- */

static int any_key(struct writer *w, const struct query *q, bool *out)
{
    *out = false;
    for (uint32_t i = 0; i < q->column_count; i++) {
        bool key = false;
        if (needs_key(w, &q->columns[i].type, &key) != 0) {
            return -1;
        }
        *out = *out || key;
    }
    return 0;
}

/* SELECT any_value(c0) AS c0, c1 FROM ( … ) GROUP BY key(c0), c1: DISTINCT by collation. */
static int wrap_distinct(struct writer *w, const struct query *q, size_t start)
{
    struct bytebuf head;
    struct bytebuf tail;
    bytebuf_init(&head, MAX_SQL_BYTES);
    bytebuf_init(&tail, MAX_SQL_BYTES);
    int rc = 0;
    bytebuf_put_cstr(&head, "SELECT ");
    for (uint32_t i = 0; i < q->column_count && rc == 0; i++) {
        bool key = false;
        rc = needs_key(w, &q->columns[i].type, &key);
        bytebuf_printf(&head,
                       key ? "%sany_value(s.c%" PRIu32 ") AS c%" PRIu32
                           : "%ss.c%" PRIu32 " AS c%" PRIu32,
                       i > 0 ? ", " : "", i, i);
        bytebuf_put_cstr(&tail, i > 0 ? ", " : "");
        if (key) {
            bytebuf_printf(&tail, "pt_key_%u(s.c%" PRIu32 ")", q->columns[i].type.collation, i);
        } else {
            bytebuf_printf(&tail, "s.c%" PRIu32, i);
        }
    }
    bytebuf_put_cstr(&head, " FROM (");
    bytebuf_put_char(&head, '\0');
    write_insert(w, start, head.p);
    bytebuf_put_cstr(w->out, ") AS s GROUP BY ");
    bytebuf_put_str(w->out, bytebuf_str(&tail));
    bytebuf_release(&head);
    bytebuf_release(&tail);
    return rc;
}

/* ORDER BY columns of a wrapped query. */
static int write_outer_order(struct writer *w, const struct query *q)
{
    for (uint32_t i = 0; i < q->order.count; i++) {
        const struct order_item *item = &q->order.items[i];
        bool key = false;
        if (item->select_item < 0) {
            return write_refuse(w, "DISTINCT with ORDER BY of what is not selected");
        }
        const struct sql_type *t = &q->columns[item->select_item].type;
        if (needs_key(w, t, &key) != 0) {
            return -1;
        }
        bytebuf_put_cstr(w->out, i == 0 ? " ORDER BY " : ", ");
        const size_t at = w->out->len;
        bytebuf_printf(w->out, "o.c%" PRId32, item->select_item);
        if (key) {
            write_key_around(w, at, t->collation);
        }
        write_date_order_around(w, at, form_of_type(t));
        write_direction(w, item);
    }
    return 0;
}

/* The columns of a wrapped query, in their final form where the query is the statement. */
static int write_wrapped_items(struct writer *w, const struct query *q, struct form *forms)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "SELECT ");
        const size_t at = w->out->len;
        bytebuf_printf(w->out, "o.c%" PRIu32, i);
        if (is_final(w) && write_final(w, at, &q->columns[i].type, &forms[i]) != 0) {
            return -1;
        }
        bytebuf_printf(w->out, " AS c%" PRIu32, i);
    }
    return 0;
}

/* SELECT c0, … FROM ( … ) AS o ORDER BY …: around what was written since `start`. */
static int wrap_order(struct writer *w, const struct query *q, size_t start, struct form *forms)
{
    if (q->order.count == 0 && !is_final(w)) {
        return 0;
    }
    write_insert(w, start, " FROM (");
    bytebuf_put_cstr(w->out, ") AS o");
    const size_t end = w->out->len;
    if (write_wrapped_items(w, q, forms) != 0) {
        return -1;
    }
    write_move(w, end, start);
    return write_outer_order(w, q);
}

/* Does the order of a query's rows matter? That of a subquery without LIMIT does not. */
static bool order_matters(const struct writer *w, const struct query *q)
{
    return w->query_depth == 1 || q->limit.count != NULL;
}

static int write_select(struct writer *w, const struct query *q, struct form *forms)
{
    const size_t start = w->out->len;
    const bool distinct = (q->select->flags & SELECT_DISTINCT) != 0;
    const bool order = order_matters(w, q);
    bool key = false;
    if (!distinct) {
        return write_block(w, q, order ? BLOCK_ORDER : 0, forms);
    }
    if (any_key(w, q, &key) != 0 || write_block(w, q, key ? 0 : BLOCK_DISTINCT, forms) != 0) {
        return -1;
    }
    if (key && wrap_distinct(w, q, start) != 0) {
        return -1;
    }
    return order ? wrap_order(w, q, start, forms) : 0;
}

/* ---- Set operations ---- */

static int write_branch(struct writer *w, const struct query *branch, const struct query *q,
                        const struct form *to)
{
    const struct form *forms;
    const size_t start = w->out->len;
    if (write_query(w, branch, &forms) != 0) {
        return -1;
    }
    write_insert(w, start, " FROM (");
    bytebuf_put_cstr(w->out, ") AS s");
    const size_t end = w->out->len;
    bytebuf_put_cstr(w->out, "SELECT ");
    for (uint32_t i = 0; i < q->column_count; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        const size_t at = w->out->len;
        bytebuf_printf(w->out, "s.c%" PRIu32, i);
        if (form_of_type(&q->columns[i].type).kind == FORM_STRING && forms[i].kind != FORM_STRING &&
            forms[i].kind != FORM_NULL) {
            return write_refuse(w, "UNION of strings with other types");
        }
        if (write_convert(w, at, forms[i], to[i]) != 0) {
            return -1;
        }
        bytebuf_printf(w->out, " AS c%" PRIu32, i);
    }
    write_move(w, end, start);
    return 0;
}

static void set_forms(const struct query *q, struct form *forms)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        const struct sql_type *t = &q->columns[i].type;
        forms[i] = form_of_type(t);
        if (forms[i].kind == FORM_WIDE) {
            forms[i] = form_decimal(38, t->decimals);
        }
    }
}

static int write_set(struct writer *w, const struct query *q, struct form *forms)
{
    static const char *const words[] = {
        [SET_UNION] = " UNION ", [SET_EXCEPT] = " EXCEPT ", [SET_INTERSECT] = " INTERSECT "};
    const size_t start = w->out->len;
    bool key = false;
    if (any_key(w, q, &key) != 0) {
        return -1;
    }
    if (key && q->set_op != SET_UNION) {
        return write_refuse(w, "EXCEPT and INTERSECT of strings");
    }
    set_forms(q, forms);
    bytebuf_put_char(w->out, '(');
    if (write_branch(w, q->left, q, forms) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ")");
    bytebuf_put_cstr(w->out, words[q->set_op]);
    bytebuf_put_cstr(w->out, q->set_all || key ? "ALL (" : "(");
    if (write_branch(w, q->right, q, forms) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    if (key && !q->set_all && wrap_distinct(w, q, start) != 0) {
        return -1;
    }
    return order_matters(w, q) ? wrap_order(w, q, start, forms) : 0;
}

/* (query) with an ORDER BY or LIMIT around its own. */
static int write_paren(struct writer *w, const struct query *q, struct form *forms)
{
    const size_t start = w->out->len;
    const struct form *inner;
    if (write_query(w, q->left, &inner) != 0) {
        return -1;
    }
    memcpy(forms, inner, sizeof(*forms) * q->column_count);
    return order_matters(w, q) ? wrap_order(w, q, start, forms) : 0;
}

/* ---- Queries ---- */

static int write_with(struct writer *w, const struct query *q)
{
    if (q->with == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < q->with->count; i++) {
        const struct cte *cte = &q->with->ctes[i];
        const struct form *forms;
        bytebuf_printf(w->out, "%sq%" PRIu32 " AS (", i == 0 ? "WITH " : ", ", cte->id);
        const bool in_table = w->in_table;
        w->in_table = true;
        const int rc = write_query(w, cte->query, &forms);
        w->in_table = in_table;
        if (rc != 0) {
            return -1;
        }
        bytebuf_put_char(w->out, ')');
        set_cte(w, cte->id, forms);
    }
    bytebuf_put_char(w->out, ' ');
    return 0;
}

static int write_query_body(struct writer *w, const struct query *q, struct form *forms)
{
    if (q->locking != LOCKING_NONE && w->query_depth > 1) {
        return write_refuse(w, "locking reads in subqueries");
    }
    if (q->into_var_count > 0 || q->into_outfile.p != NULL) {
        return write_refuse(w, "SELECT … INTO");
    }
    switch (q->kind) {
    case QUERY_SELECT:
        return write_select(w, q, forms);
    case QUERY_SET:
        return write_set(w, q, forms);
    case QUERY_PAREN:
        return write_paren(w, q, forms);
    case QUERY_VALUES:
        break;
    }
    return write_refuse(w, "VALUES as a query");
}

int write_query(struct writer *w, const struct query *q, const struct form **out_forms)
{
    struct form *forms = ARENA_ARRAY(&w->arena, struct form, q->column_count);
    *out_forms = forms;
    if (w->query_depth == MAX_QUERY_DEPTH) {
        return write_refuse(w, "queries nested this deep");
    }
    w->query_depth++;
    int rc = write_with(w, q);
    rc = rc == 0 ? write_query_body(w, q, forms) : rc;
    rc = rc == 0 ? write_limit(w, q) : rc;
    w->query_depth--;
    return rc;
}

/* ---- Statements ---- */

/* What is to be written: one of these is set. */
struct write_target {
    const struct query *query;
    const struct update_stmt *update;
    const struct delete_stmt *del;
};

static int write_update(struct writer *w, const struct update_stmt *u);
static int write_delete(struct writer *w, const struct delete_stmt *del);

static int write_target(struct writer *w, const struct write_target *t)
{
    const struct form *forms;
    if (t->update != NULL) {
        return write_update(w, t->update);
    }
    return t->del != NULL ? write_delete(w, t->del) : write_query(w, t->query, &forms);
}

/* Only the end tells whether partial dates may be met: then all is written once more, with keys
 * for the order of dates. */
static int write_statement(struct writer *blank, const struct write_target *t)
{
    const size_t start = blank->out->len;
    struct writer w = *blank;
    int rc = 0;
    do {
        const bool again = w.saw_partial_dates;
        w = *blank;
        w.partial_dates = again;
        w.out->len = start;
        arena_init(&w.arena, 0);
        rc = write_target(&w, t);
        arena_release(&w.arena);
    } while (rc == 0 && w.saw_partial_dates && !w.partial_dates && !w.out->failed);
    if (rc == 0 && w.out->failed) {
        return write_refuse(&w, "a statement this long");
    }
    return rc;
}

int write_duckdb_query(const struct query *q, const struct resolve_env *env,
                       const struct write_options *options, struct bytebuf *out, struct diag *diag)
{
    struct writer w = {.env = env, .options = options, .out = out, .diag = diag};
    return write_statement(&w, &(struct write_target){.query = q});
}

/* ---- UPDATE and DELETE ---- */

struct dml {
    const struct table_ref *table;
    const struct expr *where;
    const struct order_list *order;
    const struct limit *limit;
};

static int write_dml_tail(struct writer *w, const struct dml *d)
{
    bytebuf_printf(w->out, " FROM t%" PRIu64 " AS r%" PRIu32, d->table->def->id, d->table->id);
    if (d->where != NULL) {
        bytebuf_put_cstr(w->out, " WHERE ");
        if (write_condition(w, d->where) != 0) {
            return -1;
        }
    }
    if (d->order->count > 0) {
        bytebuf_put_cstr(w->out, " ORDER BY ");
        if (write_order_items(w, d->order, ORDER_NULLS_LOWEST) != 0) {
            return -1;
        }
    }
    if (d->limit->count != NULL) {
        bytebuf_put_cstr(w->out, " LIMIT ");
        return write_limit_value(w, d->limit->count);
    }
    return 0;
}

static int check_dml(struct writer *w, const struct dml *d)
{
    if (d->table->kind != TABLE_BASE) {
        return write_refuse(w, "UPDATE and DELETE of several tables");
    }
    look_at_facts(w, d->table->def);
    set_leaf(w, d->table->id, (struct leaf_info){0});
    return 0;
}

static int write_new_value(struct writer *w, const struct expr *e)
{
    struct form f;
    const size_t at = w->out->len;
    if (e->kind == EXPR_DEFAULT) {
        bytebuf_put_cstr(w->out, "CAST(NULL AS INTEGER)");
        return 0;
    }
    if (write_expr(w, e, &f) != 0) {
        return -1;
    }
    const struct form to = form_of_type(&e->type);
    if (to.kind == FORM_WIDE) {
        return write_refuse(w, "computing with a DECIMAL of more than 38 digits");
    }
    return same_layout(f, to) ? 0 : write_convert(w, at, f, to);
}

static int write_update(struct writer *w, const struct update_stmt *u)
{
    const struct dml d = {u->from, u->where, &u->order, &u->limit};
    if (check_dml(w, &d) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, "SELECT r%" PRIu32 ".rowid", d.table->id);
    for (uint32_t i = 0; i < d.table->def->column_count; i++) {
        bytebuf_printf(w->out, ", r%" PRIu32 ".c%" PRIu32, d.table->id,
                       d.table->def->columns[i].id);
    }
    for (uint32_t i = 0; i < u->set_count; i++) {
        bytebuf_put_cstr(w->out, ", ");
        if (write_new_value(w, u->sets[i].value) != 0) {
            return -1;
        }
    }
    return write_dml_tail(w, &d);
}

int write_duckdb_update(const struct update_stmt *u, const struct resolve_env *env,
                        const struct write_options *options, struct bytebuf *out, struct diag *diag)
{
    struct writer w = {.env = env, .options = options, .out = out, .diag = diag};
    return write_statement(&w, &(struct write_target){.update = u});
}

static int write_delete(struct writer *w, const struct delete_stmt *del)
{
    const struct dml d = {del->from, del->where, &del->order, &del->limit};
    if (check_dml(w, &d) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, "SELECT r%" PRIu32 ".rowid", d.table->id);
    return write_dml_tail(w, &d);
}

int write_duckdb_delete(const struct delete_stmt *d, const struct resolve_env *env,
                        const struct write_options *options, struct bytebuf *out, struct diag *diag)
{
    struct writer w = {.env = env, .options = options, .out = out, .diag = diag};
    return write_statement(&w, &(struct write_target){.del = d});
}
