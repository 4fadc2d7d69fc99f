/*
 * Making the syntax tree: what the grammar's actions call. Nodes live in the parse's arena. None of
 * these functions fails: a node that is too high, or an item that does not belong, is recorded in
 * the context and the parse ends.
 */
#ifndef SQL_AST_BUILD_H
#define SQL_AST_BUILD_H

#include "sql/parse_int.h"

/* A growing array, for lists of unknown length; its capacity is the power of two not below count,
 * at least 4. */
struct vec {
    void *items;
    uint32_t count;
};

/* A zeroed new element of the given size at the end. */
void *vec_push(struct parse_ctx *ctx, struct vec *v, size_t size);

#define VEC_PUSH(ctx, v, type, value) (*(type *)vec_push((ctx), (v), sizeof(type)) = (value))

/* ---- Ranges ---- */

static inline struct src_range src_of(const struct token *t)
{
    return (struct src_range){.offset = t->offset, .len = t->src_len};
}

/* From the beginning of a to the end of b. */
static inline struct src_range src_join(struct src_range a, struct src_range b)
{
    return (struct src_range){.offset = a.offset, .len = b.offset + b.len - a.offset};
}

/* The text of a range. */
NODISCARD struct str src_text(const struct parse_ctx *ctx, struct src_range src);

/* ---- Expressions ---- */

struct expr *expr_new(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src);
/* With children: args is copied; NULLs at its end are left out. */
struct expr *expr_with(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src,
                       uint32_t argc, struct expr *const *args);
/* Takes the list over. */
struct expr *expr_with_list(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src,
                            struct vec args);

struct expr *expr_call(struct parse_ctx *ctx, struct str name, struct src_range src,
                       struct vec args);
/* Operators: EXPR_AS_OPERATOR is set, the range covers the operands. */
struct expr *expr_binary(struct parse_ctx *ctx, struct str name, struct expr *left,
                         struct expr *right);
struct expr *expr_prefix(struct parse_ctx *ctx, struct str name, const struct token *op,
                         struct expr *arg);
/* AND, OR, CONCAT: joins chains into one node. */
struct expr *expr_chain(struct parse_ctx *ctx, struct str name, struct expr *left,
                        struct expr *right);
/* A predicate such as IS NULL, LIKE, BETWEEN; flags: EXPR_NOT or 0; the range ends at `end`. */
struct expr *expr_predicate(struct parse_ctx *ctx, struct str name, unsigned flags, struct vec args,
                            struct src_range end);
/* (expr): the same node, marked, with the parentheses in its range. */
struct expr *expr_paren(const struct token *open, struct expr *e, const struct token *close);
/* Calls with up to three arguments; trailing NULLs are none. */
struct expr *expr_call3(struct parse_ctx *ctx, struct str name, struct src_range src,
                        struct expr *a, struct expr *b, struct expr *c);

/* One more argument at the end. */
void expr_add_arg(struct parse_ctx *ctx, struct expr *e, struct expr *arg);

struct expr *expr_literal(struct parse_ctx *ctx, enum literal_kind kind, struct src_range src,
                          struct value value);
struct expr *expr_string(struct parse_ctx *ctx, const struct token *t);
struct expr *expr_text(struct parse_ctx *ctx, struct str text, struct src_range src);
struct expr *expr_number(struct parse_ctx *ctx, const struct token *t, enum literal_kind kind);
struct expr *expr_hex(struct parse_ctx *ctx, const struct token *t);
struct expr *expr_bin(struct parse_ctx *ctx, const struct token *t);
struct expr *expr_introduced(struct parse_ctx *ctx, const struct token *charset,
                             struct expr *literal);
struct expr *expr_unit(struct parse_ctx *ctx, const struct token *t, enum interval_unit unit);
/* The literal with its sign turned, for DEFAULT -1. */
struct expr *expr_negated_literal(const struct token *minus, struct expr *e);

struct expr *expr_param(struct parse_ctx *ctx, const struct token *t);
struct expr *expr_column(struct parse_ctx *ctx, struct src_range src, struct str db,
                         struct str table, struct str name);
struct expr *expr_star(struct parse_ctx *ctx, struct src_range src, struct str db,
                       struct str table);
struct expr *expr_default(struct parse_ctx *ctx, struct src_range src);
struct expr *expr_user_var(struct parse_ctx *ctx, const struct token *t, struct expr *value);
/* Is word GLOBAL, SESSION, LOCAL, PERSIST or PERSIST_ONLY? */
bool var_scope_of(struct str word, enum var_scope *out);
/* @@a, @@a.b, @@a.b.c: the parts; empty strs at the end. */
struct expr *expr_system_var(struct parse_ctx *ctx, struct src_range src, struct str a,
                             struct str b, struct str c);
struct expr *expr_subquery(struct parse_ctx *ctx, enum expr_kind kind, struct src_range src,
                           struct query *query);
struct expr *expr_interval(struct parse_ctx *ctx, struct src_range src, struct expr *amount,
                           enum interval_unit unit);
struct expr *expr_cast(struct parse_ctx *ctx, struct src_range src, struct expr *e,
                       const struct cast_target *target);
/* Date plus or minus an EXPR_INTERVAL. */
struct expr *expr_date_arith(struct parse_ctx *ctx, bool add, struct expr *date,
                             struct expr *interval);

/* Recomputes the height of e from its args and the queries below; fails the parse beyond
 * SQL_MAX_HEIGHT. */
void expr_measure(struct parse_ctx *ctx, struct expr *e);

/* ---- Queries ---- */

struct query *query_new(struct parse_ctx *ctx, enum query_kind kind);
struct query *query_set(struct parse_ctx *ctx, enum set_op op, bool all, struct query *left,
                        struct query *right);
/* ORDER BY and LIMIT behind a query; wraps one that has its own. */
struct query *query_with_order(struct parse_ctx *ctx, struct query *q, struct vec order,
                               struct limit limit);
/* Computes the height of the finished query; fails the parse beyond SQL_MAX_HEIGHT. */
void query_measure(struct parse_ctx *ctx, struct query *q);

struct table_ref *table_ref_new(struct parse_ctx *ctx, enum table_ref_kind kind);
/* left JOIN right; `on` and `columns` may be empty. A join without a condition whose right side is
 * itself a join goes left-deep, as MySQL reads a JOIN b JOIN c ON … */
struct table_ref *table_join(struct parse_ctx *ctx, enum join_kind kind, struct table_ref *left,
                             struct table_ref *right, struct expr *on);

/* ---- Statements ---- */

/* The statement, made on first use. */
struct stmt *stmt_new(struct parse_ctx *ctx, enum stmt_kind kind);

#endif
