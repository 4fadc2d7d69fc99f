/*
 * The evaluator: MySQL's expressions on single values, on the session's own thread. It answers
 * SELECT without tables, SET, VALUES lists, defaults, and assignments of UPDATE; what it lacks it
 * refuses with ER_NOT_SUPPORTED_YET naming the function.
 *
 * An expression must have been resolved (sql_resolve_expr). Results match expr->type in kind: an
 * INT expression gives VALUE_INT or VALUE_UINT, and so on.
 */
#ifndef EXEC_EVAL_H
#define EXEC_EVAL_H

#include "base/arena.h"
#include "base/diag.h"
#include "sql/ast.h"
#include "sql/functions.h"
#include "types/sql_mode.h"
#include "types/value.h"

struct exec_session;

struct eval_ctx {
    struct arena *arena; /* results and scratch */
    struct diag *diag;
    uint64_t sql_mode;
    enum sql_dialect dialect;
    uint32_t div_precision_increment;
    struct exec_session *session; /* variables, NOW(), LAST_INSERT_ID(), …; may be NULL in tests */
    bool writing; /* INSERT, UPDATE: in strict mode division by zero and bad conversions are errors,
                     not warnings */
    /* EXPR_COLUMN: values of the current row by column index of the one table, or NULL. */
    const struct value *row;
    /* EXPR_VALUES: values of the row that was to be inserted, or NULL. */
    const struct value *insert_row;
};

/* Evaluates e into *out. Strings live in ctx->arena or borrow from the tree. Returns 0, or -1 with
 * diag. */
NODISCARD int eval_expr(struct eval_ctx *ctx, const struct expr *e, struct value *out);

/* Truth of a value: 1, 0, or -1 for NULL. */
NODISCARD int eval_truth(const struct value *v);

/* Is everything in e something that the evaluator can do (no subqueries, no aggregates, only known
 * functions)? */
NODISCARD bool eval_can(const struct expr *e);

#endif
