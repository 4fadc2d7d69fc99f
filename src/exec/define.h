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

/* What an ALTER TABLE that succeeds does to the rows. */
enum exec_altered_rows {
    EXEC_ALTERED_NOT,        /* Nothing stored changes. */
    EXEC_ALTERED_BY_ENGINE,  /* engine_alter_table() does it, exactly. */
    EXEC_ALTERED_ONE_BY_ONE, /* Values are converted or checked by the server's rules. */
};

/*
 * The definition that an ALTER TABLE makes of `before`, under its old name whatever the statement
 * says of that. Nothing is looked up but databases, nothing stored or published. Returns 0 with
 * *out (same id) owned by the caller, or -1 with x->diag set.
 */
NODISCARD int exec_define_altered(struct exec_session *x, const struct alter_table_stmt *s,
                                  const struct table_def *before, struct table_def **out,
                                  enum exec_altered_rows *out_rows);

#endif
