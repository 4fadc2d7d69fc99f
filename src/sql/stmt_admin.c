/* Making the statements of sessions and administration; see stmt_build.h. */
#include "sql/stmt_build.h"

void build_set(struct parse_ctx *ctx, struct vec items)
{
    struct set_stmt *s = &stmt_new(ctx, STMT_SET)->set;
    s->items = items.items;
    s->count = items.count;
    if (s->count == 1 && (s->items[0].is_names || s->items[0].is_charset)) {
        ctx->stmt->kind = STMT_SET_NAMES;
    }
}

struct set_item *set_item_new(struct parse_ctx *ctx, enum var_scope scope, struct str name,
                              struct expr *value)
{
    struct set_item *item = ARENA_NEW(ctx->arena, struct set_item);
    item->scope = scope;
    item->name = name;
    item->value = value;
    return item;
}

struct set_item *set_item_at(struct parse_ctx *ctx, const struct expr *var, struct expr *value)
{
    struct set_item *item = set_item_new(ctx, var->var.scope, var->var.name, value);
    item->component = var->var.component;
    return item;
}

struct expr *set_word(struct parse_ctx *ctx, struct expr *e)
{
    const bool bare =
        e->kind == EXPR_COLUMN && e->column.table.p == NULL && !(e->flags & EXPR_PARENTHESISED);
    return bare ? expr_text(ctx, e->column.name, e->src) : e;
}

void build_show(struct parse_ctx *ctx, struct show_stmt *show)
{
    stmt_new(ctx, STMT_SHOW)->show = *show;
}

struct show_stmt *show_new(struct parse_ctx *ctx, enum show_kind kind,
                           const struct show_filter *filter)
{
    struct show_stmt *s = ARENA_NEW(ctx->arena, struct show_stmt);
    s->kind = kind;
    if (filter != NULL) {
        s->like = filter->like;
        s->where = filter->where;
    }
    return s;
}

struct show_stmt *show_columns(struct parse_ctx *ctx, unsigned flags,
                               const struct table_name *table, struct str db,
                               const struct show_filter *filter)
{
    struct show_stmt *s = show_new(ctx, SHOW_COLUMNS, filter);
    s->full = (flags & SHOW_IS_FULL) != 0;
    s->extended = (flags & SHOW_IS_EXTENDED) != 0;
    s->table = *table;
    if (db.p != NULL) {
        s->table.db = db;
    }
    return s;
}

struct account_name *account_copy(struct parse_ctx *ctx, const struct account_name *account)
{
    struct account_name *a = ARENA_NEW(ctx->arena, struct account_name);
    *a = *account;
    return a;
}
