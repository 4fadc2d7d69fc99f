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
    if (show != NULL) {
        stmt_new(ctx, STMT_SHOW)->show = *show;
    }
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

struct show_stmt *show_pintail(struct parse_ctx *ctx, const struct token *what,
                               const struct show_filter *filter)
{
    static const struct {
        const char *word;
        enum show_kind kind;
    } kinds[] = {{"STATUS", SHOW_PINTAIL_STATUS},
                 {"DIGESTS", SHOW_PINTAIL_DIGESTS},
                 {"STATEMENTS", SHOW_PINTAIL_DIGESTS},
                 {"TABLES", SHOW_PINTAIL_TABLES},
                 {"SESSIONS", SHOW_PINTAIL_SESSIONS}};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (str_eq_nocase(token_str(what), str_from_cstr(kinds[i].word))) {
            return show_new(ctx, kinds[i].kind, filter);
        }
    }
    parse_error_at(ctx, what);
    return show_new(ctx, SHOW_PINTAIL_STATUS, filter);
}

/* ---- Replication ---- */

void build_replica(struct parse_ctx *ctx, enum stmt_kind kind, struct replica_stmt replica)
{
    stmt_new(ctx, kind)->replica = replica;
}

struct replica_option replica_option(const struct token *name, struct str value)
{
    static const struct str prefixes[] = {STR_INIT("SOURCE_"), STR_INIT("MASTER_")};
    struct str s = token_str(name);
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (str_starts_with_nocase(s, prefixes[i])) {
            s = str_from(s.p + prefixes[i].len, s.len - prefixes[i].len);
            break;
        }
    }
    return (struct replica_option){.name = s, .value = value};
}

void build_pintail(struct parse_ctx *ctx, const struct token *verb, struct vec tables)
{
    static const char *const verbs[] = {"copy", "drop", "verify"};
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (str_eq_nocase(token_str(verb), str_from_cstr(verbs[i]))) {
            build_admin(ctx, STMT_PINTAIL, str_from_cstr(verbs[i]), tables);
            return;
        }
    }
    parse_error_at(ctx, verb);
}

/* ---- Transactions, locks, prepared statements ---- */

void build_transaction(struct parse_ctx *ctx, enum stmt_kind kind,
                       struct transaction_stmt transaction)
{
    stmt_new(ctx, kind)->transaction = transaction;
}

struct transaction_stmt transaction_merge(struct transaction_stmt a, struct transaction_stmt b)
{
    a.access = b.access != ACCESS_DEFAULT ? b.access : a.access;
    a.isolation = b.isolation != ISOLATION_DEFAULT ? b.isolation : a.isolation;
    a.consistent_snapshot = a.consistent_snapshot || b.consistent_snapshot;
    return a;
}

void build_savepoint(struct parse_ctx *ctx, enum stmt_kind kind, const struct token *name)
{
    stmt_new(ctx, kind)->transaction = (struct transaction_stmt){.savepoint = token_str(name)};
}

void build_lock(struct parse_ctx *ctx, struct vec items)
{
    struct admin_table_stmt *s = &stmt_new(ctx, STMT_LOCK_TABLES)->admin;
    const struct lock_item *item = items.items;
    s->verb = STR("lock");
    s->count = items.count;
    s->tables = ARENA_ARRAY(ctx->arena, struct table_name, items.count);
    s->lock_write = ARENA_ARRAY(ctx->arena, bool, items.count);
    for (uint32_t i = 0; i < items.count; i++) {
        s->tables[i] = item[i].table;
        s->lock_write[i] = item[i].write;
    }
}

void build_kill(struct parse_ctx *ctx, bool query_only, struct expr *id)
{
    stmt_new(ctx, STMT_KILL)->kill = (struct kill_stmt){.query_only = query_only, .id = id};
}

void build_prepare(struct parse_ctx *ctx, enum stmt_kind kind, struct prepare_stmt prepare)
{
    stmt_new(ctx, kind)->prepare = prepare;
}

/* ---- EXPLAIN, FLUSH and what is not carried out ---- */

struct stmt *explain_begin(struct parse_ctx *ctx)
{
    struct stmt *outer = ctx->stmt;
    ctx->stmt = ARENA_NEW(ctx->arena, struct stmt);
    ctx->stmt->text = outer->text;
    return outer;
}

void explain_end(struct parse_ctx *ctx, struct stmt *outer, struct explain_stmt explain)
{
    explain.target = ctx->stmt;
    outer->params = ctx->stmt->params;
    outer->param_count = ctx->stmt->param_count;
    outer->kind = STMT_EXPLAIN;
    outer->explain = explain;
    ctx->stmt = outer;
}

void build_describe(struct parse_ctx *ctx, const struct table_name *table, struct str column)
{
    struct show_stmt *s = &stmt_new(ctx, STMT_DESCRIBE)->show;
    s->kind = SHOW_COLUMNS;
    s->table = *table;
    s->like = column;
}

void build_flush(struct parse_ctx *ctx, struct token first)
{
    struct admin_table_stmt *s = &stmt_new(ctx, STMT_FLUSH)->admin;
    const struct str text = ctx->stmt->text;
    s->verb = STR("flush");
    s->what = str_trim(str_from(text.p + first.offset, text.len - first.offset));
}

void build_other(struct parse_ctx *ctx, struct str what)
{
    stmt_new(ctx, STMT_OTHER)->other_what = what;
}
