/* What INSERT … ON DUPLICATE KEY UPDATE and UPDATE share. May run on an offload thread. */
#ifndef EXEC_DML_H
#define EXEC_DML_H

#include "exec/row_build.h"

/* A copy of a stored row as expressions see it (TIMESTAMP local to the session), in arena. */
NODISCARD struct value *dml_visible_row(struct exec_session *x, const struct table_def *t,
                                        const struct value *stored, struct arena *arena);

/* Carries out assignments from left to right: each sees the ones before it, as in MySQL. b->row is
 * changed and `visible`, which eval->row points to, with it. Returns 0, or -1 with diag. */
NODISCARD int dml_assign(struct row_build *b, struct eval_ctx *eval, const struct assignment *sets,
                         uint32_t count, struct value *visible);

/* Gives ON UPDATE CURRENT_TIMESTAMP columns that were not assigned the statement's time. */
NODISCARD int dml_touch_on_update(struct row_build *b, const struct assignment *sets,
                                  uint32_t count);

/* Are two stored rows the same, byte for byte? */
NODISCARD bool dml_rows_equal(const struct table_def *t, const struct value *a,
                              const struct value *b);

/* Sets 1062 for a row and the key it meets. Returns -1. */
int dml_duplicate(struct exec_session *x, const struct table_def *t, uint32_t index,
                  const struct value *row);
/* The same with the key as text. */
int dml_duplicate_text(struct exec_session *x, const struct table_def *t, uint32_t index,
                       const char *text);

/* Makes names of the row alias in ON DUPLICATE KEY UPDATE the columns' new values; before names are
 * resolved. Returns 0, or -1 with diag (1052, 1054, 1060, 1066, 1353). */
NODISCARD int dml_resolve_row_alias(struct exec_session *x, struct insert_stmt *insert,
                                    const struct table_def *t);

/* The table's next AUTO_INCREMENT value is found out from its rows, once after start. On an offload
 * thread, with the writer lock. */
NODISCARD int exec_init_auto_increment(struct exec_session *x, const struct table_def *t);

#endif
