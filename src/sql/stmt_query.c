/* Making expressions with a syntax of their own, queries and joins; see stmt_build.h. */
#include "sql/stmt_build.h"

/* ---- Tokens ---- */

uint64_t token_u64(struct parse_ctx *ctx, const struct token *t)
{
    uint64_t u = 0;
    if (t->len > 2 && t->p[1] == 'x') {
        for (uint32_t i = 2; i < t->len; i++) {
            const char c = t->p[i];
            u = u << 4 | (uint64_t)(c <= '9' ? c - '0' : (c & 0x5f) - 'A' + 10);
        }
        return u;
    }
    if (str_to_u64(token_str(t), &u) != 0) {
        if (t->len > 0 && t->p[0] >= '0' && t->p[0] <= '9') {
            return UINT64_MAX;
        }
        parse_error_at(ctx, t);
    }
    return u;
}

uint32_t token_u32(struct parse_ctx *ctx, const struct token *t)
{
    const uint64_t u = token_u64(ctx, t);
    return (uint32_t)MIN(u, UINT32_MAX);
}

struct str token_upper(struct parse_ctx *ctx, const struct token *t)
{
    char *upper = arena_alloc(ctx->arena, t->len + 1);
    for (uint32_t i = 0; i < t->len; i++) {
        upper[i] = (char)(t->p[i] >= 'a' && t->p[i] <= 'z' ? t->p[i] - 32 : t->p[i]);
    }
    upper[t->len] = '\0';
    return str_from(upper, t->len);
}

void expect_word(struct parse_ctx *ctx, const struct token *t, const char *word)
{
    if (!str_eq_nocase(token_str(t), str_from_cstr(word))) {
        parse_error_at(ctx, t);
    }
}

struct table_name table_name_of(const struct token *db, const struct token *name)
{
    return (struct table_name){
        .db = db ? token_str(db) : STR_NULL,
        .name = token_str(name),
        .src = db ? src_join(src_of(db), src_of(name)) : src_of(name),
    };
}

/* ---- Predicates and other expressions ---- */

struct src_range src_extend(const struct token *t, struct src_range end)
{
    return end.len == 0 ? src_of(t) : src_join(src_of(t), end);
}

struct str comparison_name(const struct token *op)
{
    return op->p[0] == '!' ? STR("<>") : token_str(op);
}

struct expr *predicate1(struct parse_ctx *ctx, const struct token *what, unsigned flags,
                        struct expr *e)
{
    static const struct {
        char first;
        struct str name;
    } names[] = {
        {'N', STR_INIT("IS NULL")},
        {'T', STR_INIT("IS TRUE")},
        {'F', STR_INIT("IS FALSE")},
        {'U', STR_INIT("IS UNKNOWN")},
    };
    struct vec args = {0};
    VEC_PUSH(ctx, &args, struct expr *, e);
    size_t i = 0;
    while (i + 1 < ARRAY_SIZE(names) && names[i].first != (what->p[0] & 0x5f)) {
        i++;
    }
    return expr_predicate(ctx, names[i].name, flags, args, src_of(what));
}

struct expr *predicate2(struct parse_ctx *ctx, struct str name, unsigned flags, struct expr *a,
                        struct expr *b, struct src_range end)
{
    struct vec args = {0};
    VEC_PUSH(ctx, &args, struct expr *, a);
    VEC_PUSH(ctx, &args, struct expr *, b);
    return expr_predicate(ctx, name, flags, args, end);
}

struct expr *predicate3(struct parse_ctx *ctx, struct str name, unsigned flags, struct expr *a,
                        struct expr *b, struct expr *c)
{
    struct vec args = {0};
    VEC_PUSH(ctx, &args, struct expr *, a);
    VEC_PUSH(ctx, &args, struct expr *, b);
    if (c != NULL) {
        VEC_PUSH(ctx, &args, struct expr *, c);
    }
    return expr_predicate(ctx, name, flags, args, c ? c->src : b->src);
}

static struct expr *expr_with_query(struct parse_ctx *ctx, enum expr_kind kind, unsigned flags,
                                    struct expr *left, struct query *query)
{
    struct expr *e = expr_with(ctx, kind, src_join(left->src, query->src), 1, &left);
    e->flags |= (uint16_t)flags;
    e->sub.query = query;
    expr_measure(ctx, e);
    return e;
}

struct expr *expr_quantified(struct parse_ctx *ctx, const struct token *op, unsigned flags,
                             struct expr *left, struct query *query)
{
    struct expr *e = expr_with_query(ctx, EXPR_QUANTIFIED, flags, left, query);
    e->sub.op = comparison_name(op);
    return e;
}

struct expr *expr_in_query(struct parse_ctx *ctx, unsigned flags, struct expr *left,
                           struct query *query)
{
    return expr_with_query(ctx, EXPR_IN_SUBQUERY, flags, left, query);
}

static struct vec vec_prepend(struct parse_ctx *ctx, struct expr *first, struct vec rest)
{
    struct vec all = {0};
    VEC_PUSH(ctx, &all, struct expr *, first);
    struct expr **items = rest.items;
    for (uint32_t i = 0; i < rest.count; i++) {
        VEC_PUSH(ctx, &all, struct expr *, items[i]);
    }
    return all;
}

struct expr *expr_in_list(struct parse_ctx *ctx, unsigned flags, struct expr *left,
                          struct vec items, const struct token *end)
{
    return expr_predicate(ctx, STR("IN"), flags, vec_prepend(ctx, left, items), src_of(end));
}

struct expr *expr_collate(struct parse_ctx *ctx, struct expr *e, const struct token *name)
{
    struct expr *c = expr_with(ctx, EXPR_COLLATE, src_join(e->src, src_of(name)), 1, &e);
    c->collate.name = token_str(name);
    return c;
}

struct expr *expr_row(struct parse_ctx *ctx, const struct token *open, struct expr *first,
                      struct vec rest, const struct token *close)
{
    return expr_with_list(ctx, EXPR_ROW, src_join(src_of(open), src_of(close)),
                          vec_prepend(ctx, first, rest));
}

struct expr *expr_odbc(struct parse_ctx *ctx, const struct token *open, const struct token *word,
                       struct expr *e, const struct token *close)
{
    const struct str w = token_str(word);
    if (e->kind == EXPR_LITERAL && e->lit.kind == LIT_STRING) {
        if (str_eq_nocase(w, STR("d"))) {
            e->lit.kind = LIT_DATE;
        } else if (str_eq_nocase(w, STR("t"))) {
            e->lit.kind = LIT_TIME;
        } else if (str_eq_nocase(w, STR("ts"))) {
            e->lit.kind = LIT_TIMESTAMP;
        }
    }
    (void)ctx;
    e->src = src_join(src_of(open), src_of(close));
    return e;
}

struct expr *expr_json_arrow(struct parse_ctx *ctx, struct expr *column, const struct token *path,
                             bool unquote)
{
    struct expr *e = expr_binary(ctx, STR("JSON_EXTRACT"), column, expr_string(ctx, path));
    if (unquote) {
        e = expr_call3(ctx, STR("JSON_UNQUOTE"), e->src, e, NULL, NULL);
        e->flags |= EXPR_AS_OPERATOR;
    }
    return e;
}

struct expr *expr_case(struct parse_ctx *ctx, struct src_range src, struct expr *operand,
                       struct vec whens, struct expr *otherwise)
{
    struct vec args = operand ? vec_prepend(ctx, operand, whens) : whens;
    if (otherwise != NULL) {
        VEC_PUSH(ctx, &args, struct expr *, otherwise);
    }
    struct expr *e = expr_with_list(ctx, EXPR_CASE, src, args);
    e->flags |= (uint16_t)((operand ? EXPR_CASE_OPERAND : 0u) | (otherwise ? EXPR_CASE_ELSE : 0u));
    return e;
}

struct expr *expr_national(struct parse_ctx *ctx, const struct token *t)
{
    struct expr *e = expr_string(ctx, t);
    e->flags |= EXPR_HAS_INTRODUCER;
    e->lit.introducer = STR("utf8mb3");
    return e;
}

struct expr *expr_temporal(struct parse_ctx *ctx, enum literal_kind kind,
                           const struct token *prefix, const struct token *text)
{
    struct expr *e = expr_string(ctx, text);
    e->lit.kind = kind;
    e->src = src_join(src_of(prefix), e->src);
    return e;
}

struct expr *expr_stored_call(struct parse_ctx *ctx, const struct token *db,
                              const struct token *name, struct vec args, const struct token *close)
{
    const struct str full =
        arena_printf(ctx->arena, "%.*s.%.*s", STR_FMT(token_str(db)), STR_FMT(token_str(name)));
    return expr_call(ctx, full, src_join(src_of(db), src_of(close)), args);
}

struct expr *expr_interval_function(struct parse_ctx *ctx, const struct token *word,
                                    struct expr *first, struct vec rest, const struct token *close)
{
    return expr_call(ctx, STR("INTERVAL"), src_join(src_of(word), src_of(close)),
                     vec_prepend(ctx, first, rest));
}

struct expr *expr_date_function(struct parse_ctx *ctx, const struct token *word, struct expr *date,
                                struct expr *interval, const struct token *close)
{
    const struct str w = token_str(word);
    const bool add = str_eq_nocase(w, STR("DATE_ADD")) || str_eq_nocase(w, STR("ADDDATE"));
    return expr_call3(ctx, add ? STR("DATE_ADD") : STR("DATE_SUB"),
                      src_join(src_of(word), src_of(close)), date, interval, NULL);
}

struct expr *expr_json_value(struct parse_ctx *ctx, struct src_range src, struct expr *document,
                             struct expr *path, const struct cast_target *returning)
{
    struct expr *e = expr_call3(ctx, STR("JSON_VALUE"), src, document, path, NULL);
    return returning ? expr_cast(ctx, src, e, returning) : e;
}

/* ---- Aggregates and windows ---- */

static struct expr *expr_over(struct parse_ctx *ctx, enum expr_kind kind, const struct token *name,
                              struct vec args, struct src_range close, struct over over)
{
    const struct src_range end = over.window ? over.src : close;
    struct expr *e = expr_with_list(ctx, kind, src_join(src_of(name), end), args);
    e->call.name = token_str(name);
    e->call.window = over.window;
    expr_measure(ctx, e);
    return e;
}

struct expr *expr_aggregate(struct parse_ctx *ctx, const struct token *name, unsigned flags,
                            struct vec args, const struct token *close, struct over over)
{
    struct expr *e = expr_over(ctx, EXPR_AGGREGATE, name, args, src_of(close), over);
    e->flags |= (uint16_t)flags;
    return e;
}

struct expr *expr_count_star(struct parse_ctx *ctx, const struct token *name,
                             const struct token *star, const struct token *close, struct over over)
{
    struct vec args = {0};
    if (!str_eq_nocase(token_str(name), STR("COUNT"))) {
        parse_error_at(ctx, star);
    }
    VEC_PUSH(ctx, &args, struct expr *, expr_star(ctx, src_of(star), STR_NULL, STR_NULL));
    return expr_over(ctx, EXPR_AGGREGATE, name, args, src_of(close), over);
}

struct expr *expr_group_concat(struct parse_ctx *ctx, const struct token *name,
                               struct group_concat_parts parts, const struct token *close,
                               struct over over)
{
    struct expr *e = expr_over(ctx, EXPR_AGGREGATE, name, parts.args, src_of(close), over);
    e->flags |= (uint16_t)parts.distinct;
    e->call.order.items = parts.order.items;
    e->call.order.count = parts.order.count;
    e->call.separator = parts.separator;
    if (parts.limit.count != NULL) {
        parse_unsupported(ctx, "GROUP_CONCAT with LIMIT");
    }
    expr_measure(ctx, e);
    return e;
}

struct expr *expr_window(struct parse_ctx *ctx, const struct token *name, struct vec args,
                         const struct token *close, unsigned options, struct over over)
{
    struct expr *e = expr_over(ctx, EXPR_WINDOW, name, args, src_of(close), over);
    e->call.from_last = (options & WINDOW_FROM_LAST) != 0;
    e->call.ignore_nulls = (options & WINDOW_IGNORE_NULLS) != 0;
    return e;
}

struct window *window_named(struct parse_ctx *ctx, const struct token *name)
{
    struct window *w = ARENA_NEW(ctx->arena, struct window);
    w->name = token_str(name);
    return w;
}

struct window *window_new(struct parse_ctx *ctx, struct str base, struct vec partition,
                          struct vec order, const struct frame *frame)
{
    struct window *w = ARENA_NEW(ctx->arena, struct window);
    w->base = base;
    w->partition_count = partition.count;
    w->partition = partition.items;
    w->order.items = order.items;
    w->order.count = order.count;
    w->has_frame = frame->given;
    w->frame_is_rows = frame->is_rows;
    w->start = frame->start;
    w->end = frame->end;
    return w;
}

/* ---- Queries ---- */

void query_lock(struct query *q, struct locking_clause locking)
{
    q->locking = locking.strength;
    q->locking_nowait = locking.nowait;
    q->locking_skip = locking.skip;
}

void query_into(struct query *q, const struct into *into)
{
    if (into != NULL) {
        q->into_outfile = into->file;
        q->into_vars = into->vars.items;
        q->into_var_count = into->vars.count;
    }
}

struct query *query_with(struct parse_ctx *ctx, struct with_clause *with, struct query *q)
{
    if (q->with != NULL) {
        struct query *outer = query_new(ctx, QUERY_PAREN);
        outer->left = q;
        outer->src = q->src;
        q = outer;
    }
    q->with = with;
    query_measure(ctx, q);
    return q;
}

struct query *query_paren(const struct token *open, struct query *q, const struct token *close)
{
    q->parenthesised = true;
    q->src = src_join(src_of(open), src_of(close));
    return q;
}

struct query *query_values(struct parse_ctx *ctx, const struct token *word, struct vec rows)
{
    struct query *q = query_new(ctx, QUERY_VALUES);
    q->rows = rows.items;
    q->row_count = rows.count;
    q->src = src_join(src_of(word), q->rows[rows.count - 1]->src);
    query_measure(ctx, q);
    const struct src_range first = q->rows[0]->src;
    if (ctx->options->dialect == DIALECT_MYSQL && ctx->stmt->text.p[first.offset] == '(') {
        ctx->bare_rows = (struct token){.offset = first.offset, .src_len = first.len, .p = "("};
    }
    return q;
}

struct query *query_table(struct parse_ctx *ctx, const struct token *word,
                          const struct table_name *table)
{
    const struct token none = {0};
    struct vec items = {0};
    struct table_ref *from = table_base(ctx, table, &none);
    const struct token star = {
        .p = "*", .len = 1, .offset = table->src.offset, .src_len = table->src.len};
    VEC_PUSH(ctx, &items, struct select_item, select_star(ctx, &star));
    return query_select(ctx, word, 0, items,
                        select_tail(ctx, from, NULL, (struct group_by){0}, NULL, (struct vec){0}));
}

static struct src_range src_of_select(const struct token *word, const struct select_block *b)
{
    const struct expr *const last_item = b->items[b->item_count - 1].expr;
    struct src_range end = last_item->src;
    end = b->from ? b->from->src : end;
    end = b->where ? b->where->src : end;
    end = b->group_count > 0 ? b->group_by[b->group_count - 1].expr->src : end;
    end = b->having ? b->having->src : end;
    return src_join(src_of(word), end);
}

struct query *query_select(struct parse_ctx *ctx, const struct token *word, unsigned flags,
                           struct vec items, struct select_block *block)
{
    struct query *q = query_new(ctx, QUERY_SELECT);
    block->flags |= flags;
    block->items = items.items;
    block->item_count = items.count;
    q->select = block;
    q->src = src_of_select(word, block);
    query_measure(ctx, q);
    return q;
}

struct select_block *select_tail(struct parse_ctx *ctx, struct table_ref *from, struct expr *where,
                                 struct group_by group_by, struct expr *having, struct vec windows)
{
    struct select_block *b = ARENA_NEW(ctx->arena, struct select_block);
    b->from = from;
    b->where = where;
    b->group_by = group_by.items.items;
    b->group_count = group_by.items.count;
    b->flags = group_by.rollup ? SELECT_GROUP_ROLLUP : 0;
    b->having = having;
    b->windows = windows.items;
    b->window_count = windows.count;
    return b;
}

struct select_item select_star(struct parse_ctx *ctx, const struct token *star)
{
    return (struct select_item){.expr = expr_star(ctx, src_of(star), STR_NULL, STR_NULL)};
}

struct into *into_vars(struct parse_ctx *ctx, struct vec vars)
{
    struct into *into = ARENA_NEW(ctx->arena, struct into);
    into->vars = vars;
    return into;
}

struct into *into_file(struct parse_ctx *ctx, const struct token *file)
{
    struct into *into = ARENA_NEW(ctx->arena, struct into);
    into->file = token_str(file);
    return into;
}

struct with_clause *with_new(struct parse_ctx *ctx, struct vec ctes, bool recursive)
{
    struct with_clause *w = ARENA_NEW(ctx->arena, struct with_clause);
    w->recursive = recursive;
    w->ctes = ctes.items;
    w->count = ctes.count;
    return w;
}

struct cte *cte_new(struct parse_ctx *ctx, const struct token *name, struct vec columns,
                    struct query *query)
{
    struct cte *c = ARENA_NEW(ctx->arena, struct cte);
    c->name = token_str(name);
    c->column_names = columns.items;
    c->column_name_count = columns.count;
    c->query = query;
    return c;
}

/* ---- Tables ---- */

static void table_set_alias(struct table_ref *t, const struct token *alias)
{
    if (alias->p != NULL) {
        t->alias = token_str(alias);
        t->src = src_join(t->src, src_of(alias));
    }
}

struct table_ref *table_base(struct parse_ctx *ctx, const struct table_name *name,
                             const struct token *alias)
{
    struct table_ref *t = table_ref_new(ctx, TABLE_BASE);
    t->db = name->db;
    t->name = name->name;
    t->src = name->src;
    table_set_alias(t, alias);
    return t;
}

struct table_ref *table_derived(struct parse_ctx *ctx, struct query *query,
                                const struct token *alias, struct vec columns)
{
    struct table_ref *t = table_ref_new(ctx, TABLE_DERIVED);
    t->query = query;
    t->height = query->height;
    t->column_names = columns.items;
    t->column_name_count = columns.count;
    t->src = query->src;
    table_set_alias(t, alias);
    return t;
}

struct table_ref *table_json(struct parse_ctx *ctx, struct src_range src, struct expr *source,
                             const struct token *alias)
{
    struct table_ref *t = table_ref_new(ctx, TABLE_JSON);
    t->json_source = source;
    t->height = source->height;
    t->src = src;
    table_set_alias(t, alias);
    return t;
}

struct table_ref *table_join_comma(struct parse_ctx *ctx, struct table_ref *left,
                                   struct table_ref *right)
{
    const bool was = right->parenthesised;
    right->parenthesised = true;
    struct table_ref *t = table_join(ctx, JOIN_INNER, left, right, NULL);
    right->parenthesised = was;
    return t;
}

struct table_ref *table_join_using(struct parse_ctx *ctx, enum join_kind kind,
                                   struct table_ref *left, struct table_ref *right,
                                   struct vec columns, const struct token *close)
{
    struct table_ref *t = table_join_comma(ctx, left, right);
    t->join = kind;
    t->using_columns = columns.items;
    t->using_count = columns.count;
    t->src = src_join(t->src, src_of(close));
    return t;
}

struct table_ref *table_join_natural(struct parse_ctx *ctx, enum join_kind kind,
                                     struct table_ref *left, struct table_ref *right)
{
    struct table_ref *t = table_join_comma(ctx, left, right);
    t->join = kind;
    t->natural = true;
    return t;
}
