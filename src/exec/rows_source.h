/*
 * Reading rows for a statement that writes: INSERT … SELECT, UPDATE, DELETE. The rows are read on
 * one engine session and written on another, so that neither disturbs the other, as long as the
 * transaction has not written before; if it has, its own writes must be seen, and the rows are read
 * on its own session and kept in memory until all are read.
 */
#ifndef EXEC_ROWS_SOURCE_H
#define EXEC_ROWS_SOURCE_H

#include "exec/exec_int.h"

/* Most bytes of rows kept in memory by one statement. */
#define ROWS_SOURCE_MAX (UINT64_C(4) << 30)

/* Called for each chunk, on an offload thread while the fiber is parked. Returns 0, or -1 with the
 * session's diag. */
typedef int rows_source_fn(void *arg, const struct chunk *rows);

/* Runs a query text and hands over its rows. `wrote_before`: the transaction had written before
 * this statement. Returns 0 or -1 with diag; *out_retry_wide when the text has to be written with
 * wide decimals and nothing was handed over. */
NODISCARD int rows_source_run(struct exec_session *x, const struct engine_query *query,
                              bool wrote_before, rows_source_fn *fn, void *arg,
                              bool *out_retry_wide);

#endif
