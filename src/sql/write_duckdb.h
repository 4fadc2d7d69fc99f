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

struct write_options {
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
