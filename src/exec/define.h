/* Definitions of tables that are somewhere else: what a CREATE TABLE statement says, without
 * creating anything. */
#ifndef EXEC_DEFINE_H
#define EXEC_DEFINE_H

#include "exec/exec.h"
#include "sql/ast.h"

/*
 * The definition that a parsed CREATE TABLE with columns (not LIKE, not from a query) stands for,
 * in that database, with a new id. x: any session whose dialect and sql_mode are those of the
 * statement. Nothing is looked up, stored or published. Returns 0 with *out owned by the caller, or
 * -1 with x->diag set: what the statement has that we cannot keep.
 */
NODISCARD int exec_define_table(struct exec_session *x, struct create_table_stmt *s,
                                const struct database_def *db, struct table_def **out);

#endif
