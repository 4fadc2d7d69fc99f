#include "ast_dump.h"

#include "sql/parse.h"
#include "types/convert.h"

#include <stdio.h>

static void put(struct bytebuf *out, const char *text)
{
    bytebuf_put_cstr(out, text);
}

static void put_names(struct bytebuf *out, const struct str *names, uint32_t count)
{
    put(out, "(");
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_printf(out, "%s%.*s", i ? "," : "", STR_FMT(names[i]));
    }
    put(out, ")");
}

static void put_value(const struct value *v, struct bytebuf *out)
{
    char buf[400];
    switch (v->kind) {
    case VALUE_NULL:
        put(out, "NULL");
        break;
    case VALUE_INT:
        bytebuf_printf(out, "%lld", (long long)v->i);
        break;
    case VALUE_UINT:
        bytebuf_printf(out, "%lluu", (unsigned long long)v->u);
        break;
    case VALUE_DOUBLE:
        bytebuf_printf(out, "%gd", v->d);
        break;
    case VALUE_DECIMAL:
        bytebuf_put(out, buf, decimal_format(&v->dec, buf));
        break;
    default:
        put(out, "'");
        bytebuf_put_str(out, v->str);
        put(out, "'");
        break;
    }
}

static const char *const units[] = {
    "MICROSECOND",
    "SECOND",
    "MINUTE",
    "HOUR",
    "DAY",
    "WEEK",
    "MONTH",
    "QUARTER",
    "YEAR",
    "SECOND_MICROSECOND",
    "MINUTE_MICROSECOND",
    "MINUTE_SECOND",
    "HOUR_MICROSECOND",
    "HOUR_SECOND",
    "HOUR_MINUTE",
    "DAY_MICROSECOND",
    "DAY_SECOND",
    "DAY_MINUTE",
    "DAY_HOUR",
    "YEAR_MONTH",
};

static void put_literal(const struct expr *e, struct bytebuf *out)
{
    static const char *const prefixes[] = {[LIT_HEX] = "x",
                                           [LIT_BIN] = "b",
                                           [LIT_DATE] = "DATE",
                                           [LIT_TIME] = "TIME",
                                           [LIT_TIMESTAMP] = "TIMESTAMP",
                                           [LIT_INTERVAL_UNIT] = ""};
    if (e->lit.kind == LIT_INTERVAL_UNIT) {
        put(out, units[e->lit.value.i]);
        return;
    }
    if (e->lit.kind == LIT_BOOL) {
        put(out, e->lit.value.i ? "TRUE" : "FALSE");
        return;
    }
    if (e->flags & EXPR_HAS_INTRODUCER) {
        bytebuf_printf(out, "_%.*s", STR_FMT(e->lit.introducer));
    }
    if (prefixes[e->lit.kind]) {
        put(out, prefixes[e->lit.kind]);
    }
    put_value(&e->lit.value, out);
}

static void put_column(const struct expr *e, struct bytebuf *out)
{
    if (e->column.db.p) {
        bytebuf_printf(out, "%.*s.", STR_FMT(e->column.db));
    }
    if (e->column.table.p) {
        bytebuf_printf(out, "%.*s.", STR_FMT(e->column.table));
    }
    bytebuf_put_str(out, e->kind == EXPR_STAR ? STR("*") : e->column.name);
}

static void put_args(const struct expr *e, struct bytebuf *out)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        put(out, " ");
        ast_dump_expr(e->args[i], out);
    }
}

static void put_order(const struct order_item *items, uint32_t count, struct bytebuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        put(out, i ? ", " : "");
        ast_dump_expr(items[i].expr, out);
        put(out, items[i].desc ? " desc" : "");
    }
}

static void put_bound(const struct frame_bound *b, struct bytebuf *out)
{
    static const char *const names[] = {"unbounded preceding", "preceding", "current row",
                                        "following", "unbounded following"};
    if (b->offset) {
        ast_dump_expr(b->offset, out);
        put(out, " ");
    }
    put(out, names[b->kind]);
}

static void put_window(const struct window *w, struct bytebuf *out)
{
    bytebuf_printf(out, " over[%.*s%.*s", STR_FMT(w->name), STR_FMT(w->base));
    for (uint32_t i = 0; i < w->partition_count; i++) {
        put(out, i ? ", " : " partition ");
        ast_dump_expr(w->partition[i], out);
    }
    put(out, w->order.count ? " order " : "");
    put_order(w->order.items, w->order.count, out);
    if (w->has_frame) {
        put(out, w->frame_is_rows ? " rows " : " range ");
        put_bound(&w->start, out);
        put(out, " to ");
        put_bound(&w->end, out);
    }
    put(out, "]");
}

static void put_call(const struct expr *e, struct bytebuf *out)
{
    bytebuf_printf(out, "(%.*s%s%s", STR_FMT(e->call.name), e->flags & EXPR_NOT ? "!" : "",
                   e->flags & EXPR_DISTINCT ? " distinct" : "");
    put_args(e, out);
    put(out, e->call.order.count ? " order " : "");
    put_order(e->call.order.items, e->call.order.count, out);
    if (e->call.separator.p) {
        bytebuf_printf(out, " separator '%.*s'", STR_FMT(e->call.separator));
    }
    put(out, e->call.from_last ? " from-last" : "");
    put(out, e->call.ignore_nulls ? " ignore-nulls" : "");
    if (e->call.window) {
        put_window(e->call.window, out);
    }
    put(out, ")");
}

static void put_cast(const struct expr *e, struct bytebuf *out)
{
    const struct cast_target *t = &e->cast.target;
    put(out, "(CAST");
    put_args(e, out);
    bytebuf_printf(out, " as %d(%u,%u)%s%s%.*s%s)", (int)t->type.type, t->type.length,
                   t->type.decimals, type_is_unsigned(&t->type) ? " unsigned" : "",
                   t->charset.p ? " charset " : "", STR_FMT(t->charset),
                   t->is_array ? " array" : "");
}

static void put_special(const struct expr *e, const char *name, struct bytebuf *out)
{
    bytebuf_printf(out, "(%s%s", name, e->flags & EXPR_NOT ? "!" : "");
    put_args(e, out);
    if (e->kind == EXPR_SUBQUERY || e->kind == EXPR_EXISTS || e->kind == EXPR_IN_SUBQUERY ||
        e->kind == EXPR_QUANTIFIED) {
        put(out, " ");
        ast_dump_query(e->sub.query, out);
    }
    put(out, ")");
}

static void put_var(const struct expr *e, struct bytebuf *out)
{
    static const char *const scopes[] = {"",         "session.",      "global.",
                                         "persist.", "persist_only.", ""};
    if (e->kind == EXPR_SYSTEM_VAR) {
        bytebuf_printf(out, "@@%s%.*s%s%.*s", scopes[e->var.scope], STR_FMT(e->var.component),
                       e->var.component.p ? "." : "", STR_FMT(e->var.name));
        return;
    }
    bytebuf_printf(out, "@%.*s", STR_FMT(e->var.name));
    if (e->kind == EXPR_USER_VAR_SET) {
        put(out, ":=");
        ast_dump_expr(e->args[0], out);
    }
}

static void put_quantified(const struct expr *e, struct bytebuf *out)
{
    char name[16];
    snprintf(name, sizeof(name), "%.*s %s", STR_FMT(e->sub.op),
             e->flags & EXPR_ALL ? "ALL" : "ANY");
    put_special(e, name, out);
}

void ast_dump_expr(const struct expr *e, struct bytebuf *out)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        put_literal(e, out);
        break;
    case EXPR_PARAM:
        bytebuf_printf(out, "?%u", e->param.index);
        break;
    case EXPR_COLUMN:
    case EXPR_STAR:
        put_column(e, out);
        break;
    case EXPR_CALL:
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
        put_call(e, out);
        break;
    case EXPR_CASE:
        put_special(e,
                    e->flags & EXPR_CASE_OPERAND
                        ? (e->flags & EXPR_CASE_ELSE ? "CASE-OF-ELSE" : "CASE-OF")
                        : (e->flags & EXPR_CASE_ELSE ? "CASE-ELSE" : "CASE"),
                    out);
        break;
    case EXPR_CAST:
        put_cast(e, out);
        break;
    case EXPR_SUBQUERY:
        put_special(e, "SUBQUERY", out);
        break;
    case EXPR_EXISTS:
        put_special(e, "EXISTS", out);
        break;
    case EXPR_IN_SUBQUERY:
        put_special(e, "IN-SUBQUERY", out);
        break;
    case EXPR_QUANTIFIED:
        put_quantified(e, out);
        break;
    case EXPR_ROW:
        put_special(e, "ROW", out);
        break;
    case EXPR_INTERVAL:
        put(out, "(INTERVAL");
        put_args(e, out);
        bytebuf_printf(out, " %s)", units[e->interval.unit]);
        break;
    case EXPR_USER_VAR:
    case EXPR_USER_VAR_SET:
    case EXPR_SYSTEM_VAR:
        put_var(e, out);
        break;
    case EXPR_DEFAULT:
        put(out, "DEFAULT");
        if (e->column.name.p) {
            put(out, "(");
            put_column(e, out);
            put(out, ")");
        }
        break;
    case EXPR_VALUES:
        put(out, "VALUES(");
        put_column(e, out);
        put(out, ")");
        break;
    case EXPR_COLLATE:
        put(out, "(COLLATE");
        put_args(e, out);
        bytebuf_printf(out, " %.*s)", STR_FMT(e->collate.name));
        break;
    }
}

/* ---- Queries ---- */

static void put_table_name(const struct table_name *t, struct bytebuf *out)
{
    bytebuf_printf(out, "%.*s%s%.*s", STR_FMT(t->db), t->db.p ? "." : "", STR_FMT(t->name));
}

static void dump_table(const struct table_ref *t, struct bytebuf *out);

static void put_join(const struct table_ref *t, struct bytebuf *out)
{
    static const char *const kinds[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "STRAIGHT_JOIN"};
    put(out, "[");
    dump_table(t->left, out);
    bytebuf_printf(out, " %s%s ", t->natural ? "NATURAL " : "", kinds[t->join]);
    dump_table(t->right, out);
    if (t->on) {
        put(out, " ON ");
        ast_dump_expr(t->on, out);
    }
    if (t->using_count) {
        put(out, " USING ");
        put_names(out, t->using_columns, t->using_count);
    }
    put(out, "]");
}

static void dump_table(const struct table_ref *t, struct bytebuf *out)
{
    switch (t->kind) {
    case TABLE_JOIN:
        put_join(t, out);
        return;
    case TABLE_DERIVED:
        put(out, t->lateral ? "lateral " : "");
        ast_dump_query(t->query, out);
        break;
    case TABLE_JSON:
        put(out, "JSON_TABLE(");
        ast_dump_expr(t->json_source, out);
        put(out, ")");
        break;
    default:
        bytebuf_printf(out, "%.*s%s%.*s", STR_FMT(t->db), t->db.p ? "." : "", STR_FMT(t->name));
        break;
    }
    if (t->alias.p) {
        bytebuf_printf(out, " %.*s", STR_FMT(t->alias));
    }
    if (t->column_name_count) {
        put_names(out, t->column_names, t->column_name_count);
    }
}

static void put_clause(const char *word, const struct expr *e, struct bytebuf *out)
{
    if (e) {
        put(out, word);
        ast_dump_expr(e, out);
    }
}

static void put_select(const struct select_block *s, struct bytebuf *out)
{
    put(out, s->flags & SELECT_DISTINCT ? "select distinct " : "select ");
    put(out, s->flags & SELECT_CALC_FOUND_ROWS ? "calc " : "");
    for (uint32_t i = 0; i < s->item_count; i++) {
        put(out, i ? ", " : "");
        ast_dump_expr(s->items[i].expr, out);
        if (s->items[i].alias.p) {
            bytebuf_printf(out, " as %.*s", STR_FMT(s->items[i].alias));
        }
    }
    if (s->from) {
        put(out, " from ");
        dump_table(s->from, out);
    }
    put_clause(" where ", s->where, out);
    if (s->group_count) {
        put(out, s->flags & SELECT_GROUP_ROLLUP ? " rollup " : " group ");
        put_order(s->group_by, s->group_count, out);
    }
    put_clause(" having ", s->having, out);
    for (uint32_t i = 0; i < s->window_count; i++) {
        put(out, " window");
        put_window(&s->windows[i], out);
    }
}

static void put_with(const struct with_clause *w, struct bytebuf *out)
{
    put(out, w->recursive ? "with recursive " : "with ");
    for (uint32_t i = 0; i < w->count; i++) {
        const struct cte *c = &w->ctes[i];
        bytebuf_printf(out, "%s%.*s", i ? ", " : "", STR_FMT(c->name));
        if (c->column_name_count) {
            put_names(out, c->column_names, c->column_name_count);
        }
        put(out, " as ");
        ast_dump_query(c->query, out);
    }
    put(out, " ");
}

static void put_rows(struct expr *const *rows, uint32_t count, struct bytebuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        put(out, i ? ", " : "");
        ast_dump_expr(rows[i], out);
    }
}

static void put_body(const struct query *q, struct bytebuf *out)
{
    static const char *const ops[] = {"union", "except", "intersect"};
    switch (q->kind) {
    case QUERY_SELECT:
        put_select(q->select, out);
        break;
    case QUERY_VALUES:
        put(out, "values ");
        put_rows(q->rows, q->row_count, out);
        break;
    case QUERY_PAREN:
        ast_dump_query(q->left, out);
        break;
    case QUERY_SET:
        ast_dump_query(q->left, out);
        bytebuf_printf(out, " %s%s ", ops[q->set_op], q->set_all ? " all" : "");
        ast_dump_query(q->right, out);
        break;
    }
}

static void put_tail(const struct order_list *order, const struct limit *limit, struct bytebuf *out)
{
    put(out, order->count ? " order " : "");
    put_order(order->items, order->count, out);
    put_clause(" limit ", limit->count, out);
    put_clause(" offset ", limit->offset, out);
}

void ast_dump_query(const struct query *q, struct bytebuf *out)
{
    static const char *const locks[] = {"", " for share", " for update"};
    put(out, "{");
    if (q->with) {
        put_with(q->with, out);
    }
    put_body(q, out);
    put_tail(&q->order, &q->limit, out);
    put(out, locks[q->locking]);
    put(out, q->locking_nowait ? " nowait" : q->locking_skip ? " skip" : "");
    if (q->into_var_count) {
        put(out, " into ");
        put_names(out, q->into_vars, q->into_var_count);
    }
    if (q->into_outfile.p) {
        bytebuf_printf(out, " into '%.*s'", STR_FMT(q->into_outfile));
    }
    put(out, "}");
}

/* ---- Statements ---- */

static void put_sets(const char *word, const struct assignment *sets, uint32_t count,
                     struct bytebuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        put(out, i ? ", " : word);
        ast_dump_expr(sets[i].column, out);
        put(out, "=");
        ast_dump_expr(sets[i].value, out);
    }
}

static void put_insert(const struct insert_stmt *s, struct bytebuf *out)
{
    put(out, s->ignore ? " ignore " : " ");
    put_table_name(&s->table, out);
    if (s->has_columns) {
        put_names(out, s->columns, s->column_count);
    }
    put(out, " ");
    put_rows(s->rows, s->row_count, out);
    if (s->query) {
        ast_dump_query(s->query, out);
    }
    if (s->row_alias.p) {
        bytebuf_printf(out, " as %.*s", STR_FMT(s->row_alias));
        put_names(out, s->row_alias_columns, s->row_alias_column_count);
    }
    put_sets(" on duplicate ", s->updates, s->update_count, out);
}

static void put_delete(const struct delete_stmt *s, struct bytebuf *out)
{
    put(out, s->ignore ? " ignore " : " ");
    for (uint32_t i = 0; i < s->target_count; i++) {
        put_table_name(&s->targets[i], out);
        put(out, " ");
    }
    put(out, "from ");
    dump_table(s->from, out);
    put_clause(" where ", s->where, out);
    put_tail(&s->order, &s->limit, out);
}

static void put_update(const struct update_stmt *s, struct bytebuf *out)
{
    put(out, s->ignore ? " ignore " : " ");
    dump_table(s->from, out);
    put_sets(" set ", s->sets, s->set_count, out);
    put_clause(" where ", s->where, out);
    put_tail(&s->order, &s->limit, out);
}

static void put_text(const char *word, struct str text, struct bytebuf *out)
{
    if (text.p) {
        bytebuf_printf(out, " %s '%.*s'", word, STR_FMT(text));
    }
}

static void put_column_spec(const struct column_spec *c, struct bytebuf *out)
{
    bytebuf_printf(out, "%.*s %d", STR_FMT(c->name), (int)c->type.type);
    if (c->has_length) {
        bytebuf_printf(out, "(%u,%u)", c->type.length, c->type.decimals);
    }
    if (c->type.labels) {
        put_names(out, c->type.labels->names, c->type.labels->count);
    }
    put(out, type_is_unsigned(&c->type) ? " unsigned" : "");
    put(out, c->type.flags & ZEROFILL_FLAG ? " zerofill" : "");
    put(out, c->type.collation == COLLATION_BINARY ? " binary" : "");
    put_text("charset", c->charset, out);
    put_text("collate", c->collation, out);
    put(out, c->not_null ? " not-null" : c->null_given ? " null" : "");
    put(out, c->auto_increment ? " auto" : "");
    put(out, c->primary_key ? " primary" : "");
    put(out, c->unique_key ? " unique" : "");
    put(out, c->invisible ? " invisible" : "");
    put_clause(" default ", c->default_value, out);
    put_clause(" on-update ", c->on_update, out);
    put_text("comment", c->comment, out);
    put_clause(c->generated == GENERATED_STORED ? " stored " : " virtual ", c->generated_expr, out);
    put_clause(" check ", c->check, out);
}

static void put_index_spec(const struct index_spec *x, struct bytebuf *out)
{
    static const char *const kinds[] = {"primary",  "unique",  "index",
                                        "fulltext", "spatial", "foreign"};
    static const char *const actions[] = {"no-action", "restrict", "cascade", "set-null",
                                          "set-default"};
    bytebuf_printf(out, "%s %.*s(", kinds[x->kind], STR_FMT(x->name));
    for (uint32_t i = 0; i < x->part_count; i++) {
        const struct index_part *p = &x->parts[i];
        bytebuf_printf(out, "%s%.*s", i ? "," : "", STR_FMT(p->column));
        put_clause("", p->expr, out);
        if (p->prefix_len) {
            bytebuf_printf(out, "(%u)", p->prefix_len);
        }
        put(out, p->desc ? " desc" : "");
    }
    put(out, ")");
    put_text("using", x->algorithm, out);
    put_text("comment", x->comment, out);
    put(out, x->invisible ? " invisible" : "");
    if (x->kind == INDEX_FOREIGN) {
        put(out, " references ");
        put_table_name(&x->ref_table, out);
        put_names(out, x->ref_columns, x->ref_count);
        bytebuf_printf(out, " %s %s", actions[x->on_delete], actions[x->on_update]);
    }
}

static void put_options(const struct table_options *o, struct bytebuf *out)
{
    put_text("engine", o->engine, out);
    put_text("charset", o->charset, out);
    put_text("collate", o->collation, out);
    put_text("comment", o->comment, out);
    put_text("row_format", o->row_format, out);
    if (o->has_auto_increment) {
        bytebuf_printf(out, " auto %llu", (unsigned long long)o->auto_increment);
    }
    put_text("others", o->others, out);
}

static void put_check(const struct check_spec *c, struct bytebuf *out)
{
    bytebuf_printf(out, "check %.*s%s ", STR_FMT(c->name), c->not_enforced ? " not-enforced" : "");
    ast_dump_expr(c->expr, out);
}

static void put_create_table(const struct create_table_stmt *s, struct bytebuf *out)
{
    put(out, s->or_replace ? " or-replace" : "");
    put(out, s->temporary ? " temporary" : "");
    put(out, s->if_not_exists ? " if-not-exists" : "");
    put(out, " ");
    put_table_name(&s->table, out);
    if (s->like) {
        put(out, " like ");
        put_table_name(&s->like_table, out);
    }
    for (uint32_t i = 0; i < s->column_count; i++) {
        put(out, "; ");
        put_column_spec(&s->columns[i], out);
    }
    for (uint32_t i = 0; i < s->index_count; i++) {
        put(out, "; ");
        put_index_spec(&s->indexes[i], out);
    }
    for (uint32_t i = 0; i < s->check_count; i++) {
        put(out, "; ");
        put_check(&s->checks[i], out);
    }
    put_options(&s->options, out);
    put(out, s->has_partitions ? " partitions" : "");
    if (s->query) {
        put(out, " ");
        ast_dump_query(s->query, out);
    }
}

static void put_alter(const struct alter_table_stmt *s, struct bytebuf *out)
{
    static const char *const kinds[] = {
        "add-column",       "drop-column",       "modify",    "rename-column", "set-default",
        "drop-default",     "column-visibility", "add-index", "drop-index",    "rename-index",
        "index-visibility", "drop-fk",           "add-check", "drop-check",    "rename",
        "options",          "convert",           "order",     "force",         "partition",
    };
    put(out, " ");
    put_table_name(&s->table, out);
    for (uint32_t i = 0; i < s->action_count; i++) {
        const struct alter_action *a = &s->actions[i];
        bytebuf_printf(out, "; %s", kinds[a->kind]);
        bytebuf_printf(out, "%s%.*s", a->name.len ? " " : "", STR_FMT(a->name));
        put_text("to", a->new_name, out);
        put(out, a->if_exists ? " if-exists" : a->if_not_exists ? " if-not-exists" : "");
        if (a->column.type.type != 0) {
            put(out, " ");
            put_column_spec(&a->column, out);
        }
        put(out, a->first ? " first" : "");
        put_text("after", a->after, out);
        if (a->index.part_count) {
            put(out, " ");
            put_index_spec(&a->index, out);
        }
        if (a->check.expr) {
            put(out, " ");
            put_check(&a->check, out);
        }
        put_options(&a->options, out);
        if (a->new_table.name.p) {
            put(out, " ");
            put_table_name(&a->new_table, out);
        }
        put_clause(" ", a->default_value, out);
        put(out, a->visible ? " visible" : "");
    }
}

static void put_set(const struct set_stmt *s, struct bytebuf *out)
{
    static const char *const scopes[] = {"",         "session ",      "global ",
                                         "persist ", "persist_only ", "@"};
    for (uint32_t i = 0; i < s->count; i++) {
        const struct set_item *x = &s->items[i];
        bytebuf_printf(out, "%s%s%.*s%s%.*s=", i ? ", " : " ", scopes[x->scope],
                       STR_FMT(x->component), x->component.p ? "." : "", STR_FMT(x->name));
        ast_dump_expr(x->value, out);
        put_text("collate", x->collation, out);
    }
}

static void put_account(const struct account_name *a, struct bytebuf *out)
{
    if (a->current) {
        put(out, "current");
        return;
    }
    bytebuf_printf(out, "%.*s@%.*s", STR_FMT(a->user), STR_FMT(a->host));
}

static void put_show(const struct show_stmt *s, struct bytebuf *out)
{
    static const char *const kinds[] = {
        "databases",       "tables",          "table status", "columns",        "index",
        "create table",    "create database", "create view",  "create user",    "variables",
        "status",          "warnings",        "errors",       "count warnings", "count errors",
        "processlist",     "grants",          "engines",      "charset",        "collation",
        "privileges",      "plugins",         "triggers",     "events",         "procedure status",
        "function status", "open tables",     "binary logs",  "master status",  "replica status",
        "engine status",   "profiles",
    };
    static const char *const scopes[] = {"",         " session",      " global",
                                         " persist", " persist_only", ""};
    bytebuf_printf(out, " %s%s%s%s", kinds[s->kind], s->full ? " full" : "",
                   s->extended ? " extended" : "", scopes[s->scope]);
    if (s->table.name.p) {
        put(out, " ");
        put_table_name(&s->table, out);
    }
    put_text("db", s->db, out);
    put_text("like", s->like, out);
    put_clause(" where ", s->where, out);
    put_clause(" limit ", s->limit.count, out);
    put_clause(" offset ", s->limit.offset, out);
    if (s->account) {
        put(out, " for ");
        put_account(s->account, out);
    }
}

static void put_roles(const struct role_choice *roles, struct bytebuf *out)
{
    static const char *const modes[] = {
        [ROLES_NOT_GIVEN] = "",     [ROLES_LISTED] = " roles",
        [ROLES_NONE] = " no-roles", [ROLES_DEFAULT] = " defaults",
        [ROLES_ALL] = " all",       [ROLES_ALL_EXCEPT] = " all-except",
    };
    put(out, modes[roles->mode]);
    for (uint32_t i = 0; i < roles->count; i++) {
        put(out, i ? ", " : " ");
        put_account(&roles->names[i], out);
    }
}

static void put_user(const struct user_stmt *s, struct bytebuf *out)
{
    put(out, s->if_exists ? " if" : "");
    for (uint32_t i = 0; i < s->count; i++) {
        const struct user_spec *u = &s->users[i];
        put(out, i ? ", " : " ");
        put_account(&u->account, out);
        put_text("plugin", u->plugin, out);
        put_text("by", u->password, out);
        put_text("as", u->auth_string, out);
        if (s->rename_to) {
            put(out, " to ");
            put_account(&s->rename_to[i], out);
        }
    }
    put(out, s->has_require_ssl ? (s->require_ssl ? " ssl" : " no-ssl") : "");
    put(out, s->has_lock ? (s->locked ? " lock" : " unlock") : "");
    put(out, s->has_expire ? (s->expired ? " expire" : " no-expire") : "");
    put_roles(&s->roles, out);
}

static void put_grant(const struct grant_stmt *s, struct bytebuf *out)
{
    for (uint32_t i = 0; i < s->priv_count; i++) {
        bytebuf_printf(out, "%s%.*s", i ? ", " : " ", STR_FMT(s->privs[i].name));
        if (s->privs[i].column_count) {
            put_names(out, s->privs[i].columns, s->privs[i].column_count);
        }
    }
    put(out, s->is_role ? " role" : s->all_dbs ? " on *.*" : s->db_level ? " on db " : " on ");
    put_table_name(&s->object, out);
    for (uint32_t i = 0; i < s->user_count; i++) {
        put(out, i ? ", " : " to ");
        put_account(&s->users[i].account, out);
    }
    put(out, s->grant_option ? " grant-option" : "");
    put(out, s->revoke_all ? " all" : "");
}

static void put_load(const struct load_data_stmt *s, struct bytebuf *out)
{
    static const char *const duplicates[] = {"", " ignore", " replace"};
    bytebuf_printf(out, "%s '%.*s'%s ", s->local ? " local" : "", STR_FMT(s->file),
                   duplicates[s->duplicates]);
    put_table_name(&s->table, out);
    put_text("charset", s->charset, out);
    put_text("fields", s->fields_terminated, out);
    put_text(s->optionally_enclosed ? "optionally" : "enclosed", s->fields_enclosed, out);
    put_text("escaped", s->fields_escaped, out);
    put_text("starting", s->lines_starting, out);
    put_text("lines", s->lines_terminated, out);
    if (s->ignore_lines) {
        bytebuf_printf(out, " skip %llu", (unsigned long long)s->ignore_lines);
    }
    put(out, s->target_count ? " (" : "");
    put_rows(s->targets, s->target_count, out);
    put(out, s->target_count ? ")" : "");
    put_sets(" set ", s->sets, s->set_count, out);
}

static void put_tables(const struct table_name *tables, uint32_t count, struct bytebuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        put(out, i ? ", " : " ");
        put_table_name(&tables[i], out);
        if (tables[i].alias.p) {
            bytebuf_printf(out, " %.*s", STR_FMT(tables[i].alias));
        }
    }
}

static void put_transaction(const struct transaction_stmt *t, struct bytebuf *out)
{
    static const char *const access[] = {"", " read-only", " read-write"};
    static const char *const isolation[] = {"", " read-uncommitted", " read-committed",
                                            " repeatable-read", " serializable"};
    static const char *const scopes[] = {"", " session", " global", "", "", ""};
    bytebuf_printf(out, "%s%s%s", scopes[t->scope], access[t->access], isolation[t->isolation]);
    put(out, t->consistent_snapshot ? " snapshot" : "");
    put(out, t->chain ? " chain" : "");
    put(out, t->release ? " release" : "");
    bytebuf_printf(out, "%s%.*s", t->savepoint.len ? " " : "", STR_FMT(t->savepoint));
}

static void put_database(const struct database_stmt *d, struct bytebuf *out)
{
    bytebuf_printf(out, " %.*s%s%s", STR_FMT(d->name), d->if_exists ? " if" : "",
                   d->or_replace ? " or-replace" : "");
    put_text("charset", d->charset, out);
    put_text("collate", d->collation, out);
    put_text("comment", d->comment, out);
}

static void put_view(const struct view_stmt *v, struct bytebuf *out)
{
    put(out, v->or_replace ? " or-replace " : " ");
    put_table_name(&v->name, out);
    if (v->column_count) {
        put_names(out, v->columns, v->column_count);
    }
    put(out, " ");
    ast_dump_query(v->query, out);
}

static void put_prepare(const struct prepare_stmt *p, struct bytebuf *out)
{
    bytebuf_printf(out, " %.*s", STR_FMT(p->name));
    put_text("from", p->text, out);
    if (p->text_var.p) {
        bytebuf_printf(out, " from @%.*s", STR_FMT(p->text_var));
    }
    if (p->using_count) {
        put(out, " using ");
        put_names(out, p->using_vars, p->using_count);
    }
}

static void put_admin(const struct admin_table_stmt *a, struct bytebuf *out)
{
    bytebuf_printf(out, " %.*s", STR_FMT(a->verb));
    bytebuf_printf(out, "%s%.*s", a->what.len ? " " : "", STR_FMT(a->what));
    put_tables(a->tables, a->count, out);
    for (uint32_t i = 0; a->lock_write && i < a->count; i++) {
        put(out, a->lock_write[i] ? " write" : " read");
    }
}

static void put_explain(const struct explain_stmt *e, struct bytebuf *out)
{
    put_text("format", e->format, out);
    put(out, e->analyze ? " analyze" : "");
    if (e->connection_id) {
        bytebuf_printf(out, " connection %llu", (unsigned long long)e->connection_id);
    }
    if (e->target) {
        put(out, " ");
        ast_dump_stmt(e->target, out);
    }
}

static void put_drop(const struct drop_stmt *d, struct bytebuf *out)
{
    put(out, d->temporary ? " temporary" : "");
    put(out, d->if_exists ? " if" : "");
    put_tables(d->tables, d->count, out);
}

static void put_rename(const struct rename_stmt *r, struct bytebuf *out)
{
    for (uint32_t i = 0; i < r->count; i++) {
        put(out, i ? ", " : " ");
        put_table_name(&r->from[i], out);
        put(out, " to ");
        put_table_name(&r->to[i], out);
    }
}

static void put_replica(const struct replica_stmt *s, struct bytebuf *out)
{
    put(out, s->all ? " all" : "");
    put(out, s->until ? " until" : "");
    if (s->thread_count > 0) {
        put(out, " ");
        put_names(out, s->threads, s->thread_count);
    }
    for (uint32_t i = 0; i < s->option_count; i++) {
        const struct replica_option *o = &s->options[i];
        bytebuf_printf(out, " %.*s=%.*s", STR_FMT(o->name),
                       STR_FMT(o->is_list           ? STR("()")
                               : o->value.p == NULL ? STR("NULL")
                                                    : o->value));
    }
    if (s->channel.p != NULL) {
        bytebuf_printf(out, " channel=%.*s", STR_FMT(s->channel));
    }
}

static void dump_rest(const struct stmt *s, struct bytebuf *out)
{
    switch (s->kind) {
    case STMT_CREATE_USER:
    case STMT_ALTER_USER:
    case STMT_DROP_USER:
    case STMT_RENAME_USER:
    case STMT_SET_PASSWORD:
    case STMT_CREATE_ROLE:
    case STMT_DROP_ROLE:
    case STMT_SET_ROLE:
    case STMT_SET_DEFAULT_ROLE:
        put_user(&s->user, out);
        break;
    case STMT_GRANT:
    case STMT_REVOKE:
        put_grant(&s->grant, out);
        break;
    case STMT_BEGIN:
    case STMT_COMMIT:
    case STMT_ROLLBACK:
    case STMT_SAVEPOINT:
    case STMT_ROLLBACK_TO:
    case STMT_RELEASE_SAVEPOINT:
    case STMT_SET_TRANSACTION:
        put_transaction(&s->transaction, out);
        break;
    case STMT_PREPARE:
    case STMT_EXECUTE:
    case STMT_DEALLOCATE:
        put_prepare(&s->prepare, out);
        break;
    case STMT_FLUSH:
    case STMT_ANALYZE:
    case STMT_LOCK_TABLES:
    case STMT_UNLOCK_TABLES:
    case STMT_TRUNCATE:
        put_admin(&s->admin, out);
        break;
    case STMT_DO:
    case STMT_CALL:
        put(out, " ");
        put_rows(s->call.exprs, s->call.count, out);
        break;
    case STMT_KILL:
        put(out, s->kill.query_only ? " query " : " ");
        ast_dump_expr(s->kill.id, out);
        break;
    case STMT_REPLICA_START:
    case STMT_REPLICA_STOP:
    case STMT_REPLICA_RESET:
    case STMT_CHANGE_SOURCE:
        put_replica(&s->replica, out);
        break;
    case STMT_PINTAIL:
        put_admin(&s->admin, out);
        break;
    case STMT_OTHER:
        bytebuf_printf(out, " %.*s", STR_FMT(s->other_what));
        break;
    default:
        break;
    }
}

void ast_dump_stmt(const struct stmt *s, struct bytebuf *out)
{
    if (s->kind == STMT_SELECT) {
        ast_dump_query(s->query, out);
        return;
    }
    put(out, sql_stmt_kind_name(s->kind));
    switch (s->kind) {
    case STMT_INSERT:
    case STMT_REPLACE:
        put_insert(&s->insert, out);
        break;
    case STMT_UPDATE:
        put_update(&s->update, out);
        break;
    case STMT_DELETE:
        put_delete(&s->del, out);
        break;
    case STMT_LOAD_DATA:
        put_load(&s->load, out);
        break;
    case STMT_CREATE_TABLE:
        put_create_table(&s->create_table, out);
        break;
    case STMT_ALTER_TABLE:
    case STMT_CREATE_INDEX:
    case STMT_DROP_INDEX:
        put_alter(&s->alter_table, out);
        break;
    case STMT_DROP_TABLE:
    case STMT_DROP_VIEW:
        put_drop(&s->drop, out);
        break;
    case STMT_RENAME_TABLE:
        put_rename(&s->rename, out);
        break;
    case STMT_CREATE_DATABASE:
    case STMT_ALTER_DATABASE:
    case STMT_DROP_DATABASE:
    case STMT_USE:
        put_database(&s->database, out);
        break;
    case STMT_CREATE_VIEW:
        put_view(&s->view, out);
        break;
    case STMT_SET:
    case STMT_SET_NAMES:
        put_set(&s->set, out);
        break;
    case STMT_SHOW:
    case STMT_DESCRIBE:
        put_show(&s->show, out);
        break;
    case STMT_EXPLAIN:
        put_explain(&s->explain, out);
        break;
    default:
        dump_rest(s, out);
        break;
    }
}
