/*
 * What a prepared SELECT keeps between its executions: the resolved tree, so that executing it
 * again neither parses nor resolves. Owned by the prepared statement; used on the session's fiber.
 *
 * The tree is used again when everything is as it was that the resolver reads: what struct
 * resolve_env says of the session, the account, the tables' definitions, and the types of the
 * parameters as literals. Values of parameters may differ where the resolver does not look at them:
 * as operands of comparisons in WHERE, and as columns of a plain SELECT. Else a tree is made anew.
 */
#ifndef EXEC_PLAN_MEMO_H
#define EXEC_PLAN_MEMO_H

#include "exec/exec.h"

struct plan_memo;

/* An empty memo for a statement that is a SELECT; text is borrowed and must outlive it. NULL: out
 * of memory. Free takes NULL. */
NODISCARD struct plan_memo *plan_memo_new(struct str text);
void plan_memo_free(struct plan_memo *m);

/*
 * The statement to be run, with the parameters as literals: params are count EXPR_LITERAL nodes
 * that live until the statement ends. The tree belongs to the memo. Until the statement has ended
 * x->plan is the memo; the caller then sets it to NULL. Returns 0, or -1 with x->diag (the text
 * need not parse any more under another sql_mode).
 */
NODISCARD int plan_memo_begin(struct exec_session *x, struct plan_memo *m,
                              const struct expr *params, uint32_t count, struct stmt **out);

/* In exec_select(): makes the tree of a statement that plan_memo_begin() has given a resolved one;
 * it may be another one then. Tables are open afterwards. Returns 0, or -1 with x->diag. */
NODISCARD int plan_memo_resolve(struct exec_session *x, struct stmt **stmt);

#endif
