/*
 * The DuckDB writer: resolved tree to DuckDB SQL. An allow-list: whatever has no proven rule is
 * refused with ER_NOT_SUPPORTED_YET (1235) that names the construct.
 */
#ifndef SQL_WRITE_DUCKDB_H
#define SQL_WRITE_DUCKDB_H

#include "base/bytebuf.h"
#include "base/diag.h"
#include "catalog/catalog.h"
#include "sql/ast.h"
#include "sql/resolve.h"

/* What is an error to the statement, not NULL or a part of the value: that of one which changes
 * tables in strict mode. */
enum write_errors {
    WRITE_ERRORS_DIVISION = 1u << 0, /* a zero divisor (ERROR_FOR_DIVISION_BY_ZERO) */
    WRITE_ERRORS_VALUES = 1u << 1,   /* a string that is no number, a date out of range, … */
};

struct write_options {
    unsigned errors;    /* enum write_errors */
    bool wide_decimals; /* cast one side of DECIMAL products wide: slower, never overflows below 38
                           digits */
};

/*
 * Writes a SELECT. Result columns come in order, each with the physical form that type_phys() of
 * its resolved type says.
 */
NODISCARD int write_duckdb_query(const struct query *q, const struct resolve_env *env,
                                 const struct write_options *options, struct bytebuf *out,
                                 struct diag *diag);

/*
 * Writes "SELECT rowid, <columns…>, <expressions…> FROM t WHERE … ORDER BY … LIMIT …" for UPDATE
 * and DELETE of one table: the rows they concern, with the current values of all columns (UPDATE),
 * followed by the new values of the assigned ones.
 */
NODISCARD int write_duckdb_update(const struct update_stmt *u, const struct resolve_env *env,
                                  const struct write_options *options, struct bytebuf *out,
                                  struct diag *diag);
NODISCARD int write_duckdb_delete(const struct delete_stmt *d, const struct resolve_env *env,
                                  const struct write_options *options, struct bytebuf *out,
                                  struct diag *diag);

/* Writes "SELECT rowid, <all columns> FROM t WHERE rowid IN (…)". */
void write_duckdb_rows(const struct table_def *t, const int64_t *rowids, uint32_t count,
                       struct bytebuf *out);

#endif
