/*
 * What the files of SHOW share. A kind of SHOW has columns (show_columns.def) and a function that
 * makes its rows: it gives values to columns by name and sends the row; columns that a dialect (or
 * the statement without FULL) does not have are passed over. LIKE and WHERE are applied to each row
 * on its way, in one place.
 *
 *   show.c         columns, filters, the table of kinds
 *   show_tables.c  databases, tables, columns, indexes, SHOW CREATE
 *   show_server.c  variables, status, warnings, processes
 *   show_lists.c   what the server knows: engines, character sets, privileges, …
 *   show_users.c   GRANTS, CREATE USER
 *   show_replica.c REPLICA STATUS
 *   show_pintail.c PINTAIL STATUS, DIGESTS and TABLES
 */
#ifndef EXEC_SHOW_INT_H
#define EXEC_SHOW_INT_H

#include "exec/exec_int.h"

struct show_run {
    struct exec_session *x;
    const struct show_stmt *stmt;
    struct result_column *columns;
    uint32_t count;
    struct value *row;
    bool begun; /* the result set: it begins with the first row, so that an error may come before */
    int32_t like_column;
    const struct like_pattern *like; /* NULL = no LIKE */
    struct table_def *shape;         /* the columns, for WHERE; or NULL */
    struct eval_ctx ctx;             /* WHERE */
};

/* Makes the rows of one kind. Returns 0, or -1 with diag. */
typedef int show_rows_fn(struct show_run *r);

/* Values of the row to be sent next; those not set are NULL. Text is borrowed until it is sent. */
void show_set(struct show_run *r, const char *column, struct value v);
void show_text(struct show_run *r, const char *column, struct str s); /* p NULL = NULL */
void show_cstr(struct show_run *r, const char *column, const char *s);
void show_uint(struct show_run *r, const char *column, uint64_t u);
/* Microseconds since 1970 UTC in the session's time zone. */
void show_time(struct show_run *r, const char *column, int64_t utc_us);

/* Sends the row unless LIKE or WHERE hold it back, and empties it. Returns 0, or -1 with diag. */
NODISCARD int show_send(struct show_run *r);

/* One row of two texts: Variable_name and Value. */
NODISCARD int show_send_pair(struct show_run *r, struct str name, struct str value);

/* The database that FROM names, or the current one, which must exist and may be seen (1046, 1044,
 * 1049). */
NODISCARD int show_database(struct show_run *r, struct str *out);

show_rows_fn show_databases, show_tables, show_table_status, show_table_columns, show_indexes,
    show_create_table, show_create_database, show_create_view, show_in_database;
show_rows_fn show_variables, show_status, show_warnings, show_count_warnings, show_count_errors,
    show_processlist;
show_rows_fn show_engines, show_charsets, show_collations, show_privileges, show_plugins,
    show_nothing, show_no_binary_log, show_engine_status, show_master_status, show_replica_status;
show_rows_fn show_grants, show_create_user;
show_rows_fn show_pintail_status, show_pintail_digests, show_pintail_tables, show_pintail_sessions;

/* The name of a collation as the dialect has it; p NULL = unknown. */
NODISCARD struct str show_collation_name(uint16_t id, enum sql_dialect dialect);

/* The heading of the first column of SHOW GRANTS and SHOW CREATE USER: "user@host". */
NODISCARD struct str show_account_name(struct exec_session *x, const struct show_stmt *stmt,
                                       struct arena *arena);

#endif
