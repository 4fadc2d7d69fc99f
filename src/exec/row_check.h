/*
 * CHECK constraints of a table: expressions of its columns that no row that a client writes may
 * make false. May run on an offload thread while the session's fiber is parked.
 */
#ifndef EXEC_ROW_CHECK_H
#define EXEC_ROW_CHECK_H

#include "exec/exec_int.h"

struct row_check; /* one constraint */

struct row_checks {
    struct exec_session *x;
    const struct table_def *table;
    struct row_check *items;
    uint32_t count; /* 0: nothing to look at */
    bool ignore;    /* IGNORE: a warning, and the row is left out */
    struct eval_ctx eval;
};

/* What a row's constraints say. */
enum row_check_result {
    ROW_CHECK_OK,
    ROW_CHECK_SKIP, /* violated, and warned about */
    ROW_CHECK_FAIL, /* diag is set */
};

/* Reads the table's constraints; memory of the statement. Returns 0, or -1 with diag. */
NODISCARD int row_checks_init(struct row_checks *c, struct exec_session *x,
                              const struct table_def *t, bool ignore);

/* Looks at a row in stored form. Fails with 3819, in MariaDB 4025. */
NODISCARD enum row_check_result row_checks_run(struct row_checks *c, const struct value *row,
                                               struct arena *scratch);

/* An expression of a definition as it was stored, parsed and its names resolved against the table.
 * In the statement's arena; NULL with diag. */
NODISCARD struct expr *exec_stored_expr(struct exec_session *x, const struct table_def *t,
                                        struct str text);

#endif
