/* Making expressions, queries and joins; see ast_build.h. */
#include "sql/ast_build.h"
#include "types/convert.h"

void *vec_push(struct parse_ctx *ctx, struct vec *v, size_t size)
{
    const bool full = v->count == 0 || (v->count >= 4 && (v->count & (v->count - 1)) == 0);
    if (full) {
        const uint32_t cap = v->count == 0 ? 4 : v->count * 2;
        void *items = arena_alloc(ctx->arena, cap * size);
        if (v->count > 0) {
            memcpy(items, v->items, v->count * size);
        }
        v->items = items;
    }
    void *slot = (char *)v->items + v->count * size;
    v->count++;
    memset(slot, 0, size);
    return slot;
}

struct str src_text(const struct parse_ctx *ctx, struct src_range src)
{
    return str_from(ctx->stmt->text.p + src.offset, src.len);
}

/* ---- Heights ---- */

static uint16_t checked_height(struct parse_ctx *ctx, unsigned below)
{
    if (below >= SQL_MAX_HEIGHT && !ctx->failed) {
        ctx->failed = true;
        (void)diag_set(ctx->diag, ER_STACK_OVERRUN_NEED_MORE, (unsigned long)SQL_MAX_HEIGHT * 1024,
                       (unsigned long)SQL_MAX_HEIGHT * 1024, (unsigned long)20000);
    }
    return (uint16_t)MIN(below + 1, UINT16_MAX);
}

static unsigned order_height(const struct order_item *items, uint32_t count)
{
    unsigned h = 0;
    for (uint32_t i = 0; i < count; i++) {
        h = MAX(h, items[i].expr->height);
    }
    return h;
}

static unsigned exprs_height(struct expr *const *exprs, uint32_t count)
{
    unsigned h = 0;
    for (uint32_t i = 0; i < count; i++) {
        h = MAX(h, exprs[i]->height);
    }
    return h;
}

static unsigned expr_height(const struct expr *e)
{
    return e ? e->height : 0;
}

static unsigned window_height(const struct window *w)
{
    if (w == NULL) {
        return 0;
    }
    unsigned h = MAX(exprs_height(w->partition, w->partition_count),
                     order_height(w->order.items, w->order.count));
    h = MAX(h, expr_height(w->start.offset));
    return MAX(h, expr_height(w->end.offset));
}

static bool has_query(const struct expr *e)
{
    return e->kind == EXPR_SUBQUERY || e->kind == EXPR_EXISTS || e->kind == EXPR_IN_SUBQUERY ||
           e->kind == EXPR_QUANTIFIED;
}

void expr_measure(struct parse_ctx *ctx, struct expr *e)
{
    unsigned h = exprs_height(e->args, e->argc);
    if (has_query(e) && e->sub.query != NULL) {
        h = MAX(h, e->sub.query->height);
    } else if (e->kind == EXPR_CALL || e->kind == EXPR_AGGREGATE || e->kind == EXPR_WINDOW) {
        h = MAX(h, order_height(e->call.order.items, e->call.order.count));
        h = MAX(h, window_height(e->call.window));
    }
    e->height = checked_height(ctx, h);
}

static unsigned select_height(const struct select_block *s)
{
    unsigned h = 0;
    for (uint32_t i = 0; i < s->item_count; i++) {
        h = MAX(h, s->items[i].expr->height);
    }
    for (uint32_t i = 0; i < s->window_count; i++) {
        h = MAX(h, window_height(&s->windows[i]));
    }
    h = MAX(h, s->from ? s->from->height : 0u);
    h = MAX(h, expr_height(s->where));
    h = MAX(h, order_height(s->group_by, s->group_count));
    return MAX(h, expr_height(s->having));
}

void query_measure(struct parse_ctx *ctx, struct query *q)
{
    unsigned h = order_height(q->order.items, q->order.count);
    if (q->select != NULL) {
        h = MAX(h, select_height(q->select));
    }
    if (q->left != NULL) {
        h = MAX(h, q->left->height);
    }
    if (q->right != NULL) {
        h = MAX(h, q->right->height);
    }
    h = MAX(h, exprs_height(q->rows, q->row_count));
    for (uint32_t i = 0; q->with != NULL && i < q->with->count; i++) {
        h = MAX(h, q->with->ctes[i].query->height);
    }
    q->height = checked_height(ctx, h);
}

/* ---- Expressions ---- */

struct expr *expr_new(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src)
{
    struct expr *e = ARENA_NEW(ctx->arena, struct expr);
    e->kind = kind;
    e->src = src;
    e->height = 1;
    return e;
}

struct expr *expr_with_list(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src,
                            struct vec args)
{
    struct expr *e = expr_new(ctx, kind, src);
    e->args = args.items;
    e->argc = args.count;
    expr_measure(ctx, e);
    return e;
}

struct expr *expr_with(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src,
                       uint32_t argc, struct expr *const *args)
{
    struct vec list = {0};
    for (uint32_t i = 0; i < argc && args[i] != NULL; i++) {
        VEC_PUSH(ctx, &list, struct expr *, args[i]);
    }
    return expr_with_list(ctx, kind, src, list);
}

void expr_add_arg(struct parse_ctx *ctx, struct expr *e, struct expr *arg)
{
    struct vec args = {.items = e->args, .count = e->argc};
    VEC_PUSH(ctx, &args, struct expr *, arg);
    e->args = args.items;
    e->argc = args.count;
    expr_measure(ctx, e);
}

struct expr *expr_call(struct parse_ctx *ctx, struct str name, struct src_range src,
                       struct vec args)
{
    struct expr *e = expr_with_list(ctx, EXPR_CALL, src, args);
    e->call.name = name;
    return e;
}

struct expr *expr_call3(struct parse_ctx *ctx, struct str name, struct src_range src,
                        struct expr *a, struct expr *b, struct expr *c)
{
    struct expr *e = expr_with(ctx, EXPR_CALL, src, 3, (struct expr *const[]){a, b, c});
    e->call.name = name;
    return e;
}

static struct expr *expr_operator(struct parse_ctx *ctx, struct str name, struct src_range src,
                                  struct expr *a, struct expr *b)
{
    struct expr *e = expr_call3(ctx, name, src, a, b, NULL);
    e->flags |= EXPR_AS_OPERATOR;
    return e;
}

struct expr *expr_binary(struct parse_ctx *ctx, struct str name, struct expr *left,
                         struct expr *right)
{
    return expr_operator(ctx, name, src_join(left->src, right->src), left, right);
}

struct expr *expr_prefix(struct parse_ctx *ctx, struct str name, const struct token *op,
                         struct expr *arg)
{
    return expr_operator(ctx, name, src_join(src_of(op), arg->src), arg, NULL);
}

struct expr *expr_chain(struct parse_ctx *ctx, struct str name, struct expr *left,
                        struct expr *right)
{
    const bool chain = left->kind == EXPR_CALL && (left->flags & EXPR_AS_OPERATOR) &&
                       !(left->flags & EXPR_PARENTHESISED) && str_eq(left->call.name, name);
    if (!chain) {
        return expr_binary(ctx, name, left, right);
    }
    struct vec args = {.items = left->args, .count = left->argc};
    VEC_PUSH(ctx, &args, struct expr *, right);
    left->args = args.items;
    left->argc = args.count;
    left->src = src_join(left->src, right->src);
    left->height = MAX(left->height, checked_height(ctx, right->height));
    return left;
}

struct expr *expr_predicate(struct parse_ctx *ctx, struct str name, unsigned flags, struct vec args,
                            struct src_range end)
{
    struct expr *const first = *(struct expr **)args.items;
    struct expr *e = expr_call(ctx, name, src_join(first->src, end), args);
    e->flags |= (uint16_t)(flags | EXPR_AS_OPERATOR);
    return e;
}

struct expr *expr_paren(const struct token *open, struct expr *e, const struct token *close)
{
    e->flags |= EXPR_PARENTHESISED;
    e->src = src_join(src_of(open), src_of(close));
    return e;
}

struct expr *expr_literal(struct parse_ctx *ctx, enum literal_kind kind, struct src_range src,
                          struct value value)
{
    struct expr *e = expr_new(ctx, EXPR_LITERAL, src);
    e->lit.kind = kind;
    e->lit.value = value;
    return e;
}

struct expr *expr_text(struct parse_ctx *ctx, struct str text, struct src_range src)
{
    return expr_literal(ctx, LIT_STRING, src, value_string(text, ctx->options->collation));
}

struct expr *expr_string(struct parse_ctx *ctx, const struct token *t)
{
    return expr_text(ctx, token_str(t), src_of(t));
}

/* The digits are a decimal when they pass BIGINT UNSIGNED. */
static struct value int_value(struct str digits, enum literal_kind *kind)
{
    uint64_t u;
    if (str_to_u64(digits, &u) == 0) {
        return u <= INT64_MAX ? value_int((int64_t)u) : value_uint(u);
    }
    *kind = LIT_DECIMAL;
    return value_null();
}

struct expr *expr_number(struct parse_ctx *ctx, const struct token *t, enum literal_kind kind)
{
    const struct str text = token_str(t);
    struct value value = value_null();
    if (kind == LIT_INT) {
        value = int_value(text, &kind);
    }
    if (kind == LIT_DECIMAL) {
        size_t used;
        value.kind = VALUE_DECIMAL;
        (void)!decimal_parse(text, &value.dec, &used);
    } else if (kind == LIT_REAL) {
        size_t used;
        bool overflow = false;
        value = value_double(parse_double(text, &used, &overflow));
        if (overflow && !ctx->failed) {
            ctx->failed = true;
            (void)diag_set(ctx->diag, ER_ILLEGAL_VALUE_FOR_TYPE, "double",
                           arena_dup_cstr(ctx->arena, text));
        }
    }
    return expr_literal(ctx, kind, src_of(t), value);
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c & 0x5f) - 'A' + 10;
}

/* The digits of 0x12, x'12', 0b01, b'01', without what is around them. */
static struct str digits_of(const struct token *t)
{
    struct str s = str_from(t->p + 2, t->len - 2);
    if (t->p[1] == '\'') {
        s.len--;
    }
    return s;
}

/* bits: 4 for hexadecimal, 1 for binary digits, the last of which is the lowest bit of the last
 * byte. */
static struct expr *expr_digits(struct parse_ctx *ctx, const struct token *t, unsigned bits,
                                enum literal_kind kind)
{
    const struct str digits = digits_of(t);
    const size_t per_byte = 8 / bits;
    const size_t len = (digits.len + per_byte - 1) / per_byte;
    unsigned char *bytes = arena_calloc(ctx->arena, len + 1);
    for (size_t i = 0; i < digits.len; i++) {
        const size_t from_end = digits.len - 1 - i;
        const unsigned shift = (unsigned)(from_end % per_byte) * bits;
        unsigned char *byte = &bytes[len - 1 - from_end / per_byte];
        *byte = (unsigned char)(*byte | hex_digit(digits.p[i]) << shift);
    }
    return expr_literal(ctx, kind, src_of(t),
                        value_string(str_from((char *)bytes, len), COLLATION_BINARY));
}

struct expr *expr_hex(struct parse_ctx *ctx, const struct token *t)
{
    if (t->p[1] == '\'' && t->len % 2 == 0) {
        parse_error_at(ctx, t);
    }
    return expr_digits(ctx, t, 4, LIT_HEX);
}

struct expr *expr_bin(struct parse_ctx *ctx, const struct token *t)
{
    return expr_digits(ctx, t, 1, LIT_BIN);
}

struct expr *expr_introduced(struct parse_ctx *ctx, const struct token *charset,
                             struct expr *literal)
{
    (void)ctx;
    literal->flags |= EXPR_HAS_INTRODUCER;
    literal->lit.introducer = token_str(charset);
    literal->src = src_join(src_of(charset), literal->src);
    return literal;
}

struct expr *expr_unit(struct parse_ctx *ctx, const struct token *t, enum interval_unit unit)
{
    return expr_literal(ctx, LIT_INTERVAL_UNIT, src_of(t), value_int(unit));
}

struct expr *expr_negated_literal(const struct token *minus, struct expr *e)
{
    struct value *v = &e->lit.value;
    switch (v->kind) {
    case VALUE_INT:
        v->i = -v->i;
        break;
    case VALUE_UINT:
        if (v->u == (uint64_t)INT64_MAX + 1) {
            *v = value_int(INT64_MIN);
            break;
        }
        e->lit.kind = LIT_DECIMAL;
        *v = (struct value){.kind = VALUE_DECIMAL, .dec = decimal_from_u64(v->u)};
        v->dec.negative = true;
        break;
    case VALUE_DECIMAL:
        v->dec.negative = !decimal_is_zero(&v->dec);
        break;
    case VALUE_DOUBLE:
        v->d = -v->d;
        break;
    default:
        break;
    }
    e->src = src_join(src_of(minus), e->src);
    return e;
}

struct expr *expr_param(struct parse_ctx *ctx, const struct token *t)
{
    if (!ctx->options->params_allowed) {
        parse_error_at(ctx, t);
    }
    struct expr *e = expr_new(ctx, EXPR_PARAM, src_of(t));
    struct vec params = {.items = ctx->stmt->params, .count = ctx->stmt->param_count};
    e->param.index = params.count;
    VEC_PUSH(ctx, &params, struct expr *, e);
    ctx->stmt->params = params.items;
    ctx->stmt->param_count = params.count;
    return e;
}

struct expr *expr_column(struct parse_ctx *ctx, struct src_range src, struct str db,
                         struct str table, struct str name)
{
    struct expr *e = expr_new(ctx, EXPR_COLUMN, src);
    e->column.db = db;
    e->column.table = table;
    e->column.name = name;
    return e;
}

struct expr *expr_star(struct parse_ctx *ctx, struct src_range src, struct str db, struct str table)
{
    struct expr *e = expr_column(ctx, src, db, table, STR_NULL);
    e->kind = EXPR_STAR;
    return e;
}

struct expr *expr_default(struct parse_ctx *ctx, struct src_range src)
{
    return expr_new(ctx, EXPR_DEFAULT, src);
}

struct expr *expr_user_var(struct parse_ctx *ctx, const struct token *t, struct expr *value)
{
    struct src_range src = src_of(t);
    if (value != NULL) {
        src = src_join(src, value->src);
    }
    struct expr *e = expr_with(ctx, value ? EXPR_USER_VAR_SET : EXPR_USER_VAR, src, 1, &value);
    e->var.name = token_str(t);
    e->var.scope = SCOPE_USER;
    return e;
}

bool var_scope_of(struct str word, enum var_scope *out)
{
    static const struct {
        struct str word;
        enum var_scope scope;
    } scopes[] = {
        {STR_INIT("global"), SCOPE_GLOBAL},
        {STR_INIT("session"), SCOPE_SESSION},
        {STR_INIT("local"), SCOPE_SESSION},
        {STR_INIT("persist"), SCOPE_PERSIST},
        {STR_INIT("persist_only"), SCOPE_PERSIST_ONLY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
        if (str_eq_nocase(word, scopes[i].word)) {
            *out = scopes[i].scope;
            return true;
        }
    }
    return false;
}

struct expr *expr_system_var(struct parse_ctx *ctx, struct src_range src, struct str a,
                             struct str b, struct str c)
{
    struct expr *e = expr_new(ctx, EXPR_SYSTEM_VAR, src);
    e->var.scope = SCOPE_DEFAULT;
    if (b.p != NULL && var_scope_of(a, &e->var.scope)) {
        a = b;
        b = c;
    }
    e->var.name = b.p ? b : a;
    e->var.component = b.p ? a : STR_NULL;
    return e;
}

struct expr *expr_subquery(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src,
                           struct query *query)
{
    struct expr *e = expr_new(ctx, kind, src);
    e->sub.query = query;
    expr_measure(ctx, e);
    return e;
}

struct expr *expr_interval(struct parse_ctx *ctx, struct src_range src, struct expr *amount,
                           enum interval_unit unit)
{
    struct expr *e = expr_with(ctx, EXPR_INTERVAL, src, 1, &amount);
    e->interval.unit = unit;
    return e;
}

struct expr *expr_cast(struct parse_ctx *ctx, struct src_range src, struct expr *arg,
                       const struct cast_target *target)
{
    struct expr *e = expr_with(ctx, EXPR_CAST, src, 1, &arg);
    e->cast.target = *target;
    return e;
}

struct expr *expr_date_arith(struct parse_ctx *ctx, bool add, struct expr *date,
                             struct expr *interval)
{
    const bool swapped = interval->src.offset < date->src.offset;
    const struct src_range src =
        swapped ? src_join(interval->src, date->src) : src_join(date->src, interval->src);
    return expr_operator(ctx, add ? STR("DATE_ADD") : STR("DATE_SUB"), src, date, interval);
}

/* ---- Queries ---- */

struct query *query_new(struct parse_ctx *ctx, enum query_kind kind)
{
    struct query *q = ARENA_NEW(ctx->arena, struct query);
    q->kind = kind;
    q->height = 1;
    return q;
}

struct query *query_set(struct parse_ctx *ctx, enum set_op op, bool all, struct query *left,
                        struct query *right)
{
    struct query *q = query_new(ctx, QUERY_SET);
    q->set_op = op;
    q->set_all = all;
    q->left = left;
    q->right = right;
    q->src = src_join(left->src, right->src);
    query_measure(ctx, q);
    return q;
}

static bool has_order(const struct query *q)
{
    return q->order.count > 0 || q->limit.count != NULL || q->with != NULL;
}

struct query *query_with_order(struct parse_ctx *ctx, struct query *q, struct vec order,
                               struct limit limit)
{
    if (order.count == 0 && limit.count == NULL) {
        return q;
    }
    if (has_order(q)) {
        struct query *outer = query_new(ctx, QUERY_PAREN);
        outer->left = q;
        outer->src = q->src;
        q = outer;
    }
    q->order.items = order.items;
    q->order.count = order.count;
    q->limit = limit;
    query_measure(ctx, q);
    return q;
}

struct table_ref *table_ref_new(struct parse_ctx *ctx, enum table_ref_kind kind)
{
    struct table_ref *t = ARENA_NEW(ctx->arena, struct table_ref);
    t->kind = kind;
    t->height = 1;
    return t;
}

static void table_measure(struct parse_ctx *ctx, struct table_ref *t)
{
    t->height = checked_height(
        ctx, MAX(MAX(t->left->height, t->right->height), (uint16_t)expr_height(t->on)));
}

static struct table_ref *table_join_plain(struct parse_ctx *ctx, enum join_kind kind,
                                          struct table_ref *left, struct table_ref *right,
                                          struct expr *on)
{
    struct table_ref *t = table_ref_new(ctx, TABLE_JOIN);
    t->join = kind;
    t->left = left;
    t->right = right;
    t->on = on;
    t->src = src_join(left->src, right->src);
    if (on != NULL) {
        t->src = src_join(t->src, on->src);
    }
    table_measure(ctx, t);
    return t;
}

struct table_ref *table_join(struct parse_ctx *ctx, enum join_kind kind, struct table_ref *left,
                             struct table_ref *right, struct expr *on)
{
    if (ctx->failed || on != NULL || right->kind != TABLE_JOIN || right->parenthesised) {
        return table_join_plain(ctx, kind, left, right, on);
    }
    right->left = table_join(ctx, kind, left, right->left, NULL);
    right->src = src_join(left->src, right->src);
    table_measure(ctx, right);
    return right;
}

/* ---- Statements ---- */

struct stmt *stmt_new(struct parse_ctx *ctx, enum stmt_kind kind)
{
    ctx->stmt->kind = kind;
    return ctx->stmt;
}
