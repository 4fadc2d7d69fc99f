/* Making the statements that change rows; see stmt_build.h. */
#include "sql/stmt_build.h"

/* VALUES with nothing around it: its rows are the statement's own. */
static bool is_plain_values(const struct query *q)
{
    return q != NULL && q->kind == QUERY_VALUES && q->order.count == 0 && q->limit.count == NULL &&
           q->with == NULL;
}

/* INSERT … SET a = 1: one row. */
static void insert_from_sets(struct parse_ctx *ctx, struct insert_stmt *s, struct vec sets)
{
    struct vec columns = {0};
    struct vec values = {0};
    struct vec rows = {0};
    const struct assignment *a = sets.items;
    for (uint32_t i = 0; i < sets.count; i++) {
        VEC_PUSH(ctx, &columns, struct str, a[i].column->column.name);
        VEC_PUSH(ctx, &values, struct expr *, a[i].value);
    }
    const struct src_range src = src_join(a[0].column->src, a[sets.count - 1].value->src);
    VEC_PUSH(ctx, &rows, struct expr *, expr_with_list(ctx, EXPR_ROW, src, values));
    s->columns = columns.items;
    s->column_count = columns.count;
    s->rows = rows.items;
    s->row_count = 1;
}

void build_insert(struct parse_ctx *ctx, enum stmt_kind kind, bool ignore,
                  const struct table_name *table, struct insert_source source,
                  struct insert_tail tail)
{
    struct insert_stmt *s = &stmt_new(ctx, kind)->insert;
    s->ignore = ignore;
    s->table = *table;
    s->has_columns = source.has_columns;
    s->columns = source.columns.items;
    s->column_count = source.columns.count;
    if (source.is_set) {
        insert_from_sets(ctx, s, source.sets);
    } else if (is_plain_values(source.query)) {
        ctx->bare_rows.p = NULL;
        s->rows = source.query->rows;
        s->row_count = source.query->row_count;
    } else {
        s->query = source.query;
    }
    s->row_alias = tail.alias;
    s->row_alias_columns = tail.alias_columns.items;
    s->row_alias_column_count = tail.alias_columns.count;
    s->updates = tail.updates.items;
    s->update_count = tail.updates.count;
}

void build_update(struct parse_ctx *ctx, bool ignore, struct table_ref *from, struct vec sets,
                  struct expr *where, struct order_limit tail)
{
    struct update_stmt *s = &stmt_new(ctx, STMT_UPDATE)->update;
    s->ignore = ignore;
    s->from = from;
    s->sets = sets.items;
    s->set_count = sets.count;
    s->where = where;
    s->order.items = tail.order.items;
    s->order.count = tail.order.count;
    s->limit = tail.limit;
}

void build_delete(struct parse_ctx *ctx, bool ignore, struct vec targets, struct table_ref *from,
                  struct expr *where, struct order_limit tail)
{
    struct delete_stmt *s = &stmt_new(ctx, STMT_DELETE)->del;
    s->ignore = ignore;
    s->targets = targets.items;
    s->target_count = targets.count;
    s->from = from;
    s->where = where;
    s->order.items = tail.order.items;
    s->order.count = tail.order.count;
    s->limit = tail.limit;
}

struct load_fields load_fields_merge(struct load_fields a, struct load_fields b)
{
    return (struct load_fields){
        .terminated = b.terminated.p ? b.terminated : a.terminated,
        .enclosed = b.enclosed.p ? b.enclosed : a.enclosed,
        .escaped = b.escaped.p ? b.escaped : a.escaped,
        .optionally = a.optionally || b.optionally,
    };
}

void build_load(struct parse_ctx *ctx, const struct table_name *table, struct load_parts parts)
{
    struct load_data_stmt *s = &stmt_new(ctx, STMT_LOAD_DATA)->load;
    s->local = parts.local;
    s->file = parts.file;
    s->duplicates = parts.duplicates;
    s->table = *table;
    s->charset = parts.charset;
    s->fields_terminated = parts.fields.terminated;
    s->fields_enclosed = parts.fields.enclosed;
    s->fields_escaped = parts.fields.escaped;
    s->optionally_enclosed = parts.fields.optionally;
    s->lines_starting = parts.lines.starting;
    s->lines_terminated = parts.lines.terminated;
    s->ignore_lines = parts.ignore_lines;
    s->targets = parts.targets.items;
    s->target_count = parts.targets.count;
    s->sets = parts.sets.items;
    s->set_count = parts.sets.count;
}

void build_exprs(struct parse_ctx *ctx, enum stmt_kind kind, struct vec exprs)
{
    struct do_stmt *s = &stmt_new(ctx, kind)->call;
    s->exprs = exprs.items;
    s->count = exprs.count;
}

void build_admin(struct parse_ctx *ctx, enum stmt_kind kind, struct str verb, struct vec tables)
{
    struct admin_table_stmt *s = &stmt_new(ctx, kind)->admin;
    s->verb = verb;
    s->tables = tables.items;
    s->count = tables.count;
}

struct vec vec_of_table(struct parse_ctx *ctx, const struct table_name *table)
{
    struct vec tables = {0};
    VEC_PUSH(ctx, &tables, struct table_name, *table);
    return tables;
}
