/*
 * The inside of exec/: what its files share.
 */
#ifndef EXEC_EXEC_INT_H
#define EXEC_EXEC_INT_H

#include "exec/eval.h"
#include "exec/exec.h"
#include "os/offload.h"
#include "types/store.h"

/* A handler of the table in exec.c. */
typedef int exec_handler_fn(struct exec_session *x, struct stmt *stmt);

exec_handler_fn exec_select, exec_insert, exec_update, exec_delete, exec_load_data;
exec_handler_fn exec_create_database, exec_alter_database, exec_drop_database;
exec_handler_fn exec_create_table, exec_alter_table, exec_drop_table, exec_rename_table,
    exec_truncate;
exec_handler_fn exec_start_replica, exec_stop_replica, exec_reset_replica, exec_change_source,
    exec_pintail;
exec_handler_fn exec_use_stmt, exec_set, exec_show, exec_explain, exec_kill, exec_do,
    exec_admin_table, exec_flush;
exec_handler_fn exec_begin_stmt, exec_commit_stmt, exec_rollback_stmt, exec_set_transaction;
exec_handler_fn exec_savepoint, exec_rollback_to, exec_release_savepoint;
exec_handler_fn exec_create_user, exec_alter_user, exec_drop_user, exec_rename_user,
    exec_set_password, exec_grant, exec_revoke, exec_create_role, exec_drop_role, exec_set_role,
    exec_set_default_role;
/* May a session whose password has expired run that? 1820. */
NODISCARD int exec_check_expired(struct exec_session *x, enum stmt_kind kind);
/* Takes over the newest version of the session's account, with the active roles' privileges. */
void exec_adopt_account(struct exec_session *x, struct account *now);
/* CURRENT_ROLE() as MySQL writes it. */
NODISCARD struct str exec_current_role(const struct exec_session *x, struct arena *arena);
exec_handler_fn exec_prepare, exec_execute, exec_deallocate;
exec_handler_fn exec_lock_tables, exec_unlock_tables;

/* Runs a statement within the one that is running: EXECUTE. */
NODISCARD int exec_run_handler(struct exec_session *x, struct stmt *stmt);

/* ---- misc.c ---- */

/* The result of ANALYZE, CHECK, VERIFY TABLE: its columns, and a row of it. The caller ends it. */
NODISCARD int exec_admin_begin(struct exec_session *x);
NODISCARD int exec_admin_row(struct exec_session *x, struct str table, struct str op,
                             struct str type, struct str text);

/* ---- tables.c ---- */

/*
 * The table's definition for the running statement: looked up (current database when db is empty),
 * metadata lock taken (shared, or exclusive for DDL), kept until the statement (or transaction)
 * ends. NULL with diag: 1046, 1146, 1205, or the interrupt's error.
 */
NODISCARD struct table_def *exec_open_table(struct exec_session *x, struct str db, struct str name);
NODISCARD struct table_def *exec_open_table_exclusive(struct exec_session *x, struct str db,
                                                      struct str name);
/* Ends the statement's hold; shared locks of an open transaction that stay with it move there. */
void exec_close_tables(struct exec_session *x);
void exec_close_txn_tables(struct exec_session *x);
/* Moves an open table's lock to those that LOCK TABLES holds; and ends all of these. */
void exec_keep_table(struct exec_session *x, const struct table_def *t);
void exec_close_locked_tables(struct exec_session *x);
/* db, or the current database when it is empty; 1046 when there is none. */
NODISCARD int exec_db_or_current(struct exec_session *x, struct str db, struct str *out);
/* Privilege on a table: 1142 names the command. */
NODISCARD int exec_check_table(struct exec_session *x, struct str db, struct str table,
                               uint64_t privileges);

/* The same on one column, on a database, and globally (1227 names what would do). */
NODISCARD int exec_check_column(struct exec_session *x, const struct table_def *t, uint32_t column,
                                uint64_t privileges);
NODISCARD int exec_check_db(struct exec_session *x, struct str db, uint64_t privileges);
NODISCARD int exec_check_global(struct exec_session *x, uint64_t privileges, const char *names);

/* ---- table_locks.c ---- */

/* May the session use the table under its LOCK TABLES, if any? 1099, 1100. */
NODISCARD int exec_check_locked(struct exec_session *x, struct str db, struct str name, bool write);
/* Ends LOCK TABLES; and FLUSH TABLES WITH READ LOCK too. The transaction has ended. */
void exec_unlock_tables_now(struct exec_session *x);
void exec_unlock_all(struct exec_session *x);
/* FLUSH TABLES WITH READ LOCK: nobody writes until UNLOCK TABLES. */
NODISCARD int exec_lock_all_for_read(struct exec_session *x);

/* What warns in a SELECT is an error to the running statement, which changes tables: from the SQL
 * mode, unless it says IGNORE. */
void exec_raise_errors(struct exec_session *x, bool ignore);

/* ---- txn.c ---- */

/* Marks a transaction as begun; the engine's follows with the first statement that needs it. */
void exec_txn_start(struct exec_session *x, enum access_mode access);
/* The writer lock, until the transaction (or statement) ends. And giving it back early, when
 * nothing was written. */
NODISCARD int exec_take_writer(struct exec_session *x);
void exec_release_writer(struct exec_session *x);

/* An engine session with a transaction in it, for reading or writing. Writing takes the writer lock
 * (1205 after innodb_lock_wait_timeout) and refuses in a read-only transaction (1792). */
NODISCARD int exec_engine_for_read(struct exec_session *x);
NODISCARD int exec_engine_for_write(struct exec_session *x);
/* SELECT … FOR UPDATE or FOR SHARE in a transaction: the writer lock, and what is committed now.
 * 1205, 3572 when the lock is not to be waited for, 1792. */
NODISCARD int exec_engine_for_locking_read(struct exec_session *x, bool nowait);
/* Before a statement runs: what it fails to do will be undone to here. */
void exec_note_savepoint(struct exec_session *x);
/* End of a statement: commits under autocommit (or rolls back on failure); in a transaction, undoes
 * what a failed statement has written. `failed` = the statement's result. Returns 0, or -1 with
 * diag when the commit fails, or 1213 when the transaction is lost. */
NODISCARD int exec_end_statement(struct exec_session *x, bool failed);

/* ---- offload ---- */

/* Runs fn on an offload thread with x->running set, so that interrupts reach the engine. Returns 0,
 * or -1 with diag when interrupted before it began. */
NODISCARD int exec_offload(struct exec_session *x, enum offload_class class, offload_fn *fn,
                           void *arg);
/* The same for what has to run to the end of a statement: it is not given up nor is the engine
 * interrupted, but a client that waits for the end of an interrupted statement is told. */
void exec_offload_always(struct exec_session *x, enum offload_class class, offload_fn *fn,
                         void *arg);

/* Before clean-up that may take long: a statement that an interrupt has ended tells its client
 * already now, if it is certain to fail. */
void exec_tell_interrupted(struct exec_session *x);

/* ---- prepared.c ---- */

/* Forgets all statements of PREPARE. */
void exec_free_prepared(struct exec_session *x);

/* enum engine_writer_flags that follow from the dialect. */
NODISCARD unsigned exec_writer_flags(const struct exec_session *x);
/* Sets x->engine or x->side_engine where exec_interrupt_engine() sees it. */
void exec_set_engine(struct exec_session *x, struct engine_session **which,
                     struct engine_session *engine);

/* ---- resolve_env.c: the session as the resolver sees it ---- */

void exec_resolve_env(struct exec_session *x, uint64_t privileges, struct resolve_env *out);
/* The same for INSERT, UPDATE and DELETE: the tables they change need not be readable; the columns
 * they read are. */
void exec_resolve_env_for_change(struct exec_session *x, struct resolve_env *out);

/* An evaluator's and a store's context for the running statement. */
void exec_eval_ctx(struct exec_session *x, struct arena *arena, struct eval_ctx *out);
void exec_store_ctx(struct exec_session *x, unsigned flags, struct store_ctx *out);
/* Value and type of EXPR_SYSTEM_VAR or EXPR_USER_VAR. Returns 0, or -1 with diag (1193, 1238). */
NODISCARD int exec_variable(struct exec_session *x, const struct expr *e, struct arena *arena,
                            struct value *out, struct sql_type *out_type);
/* character_set_database and collation_database follow the current database. */
void exec_set_database_charset(struct exec_session *x, uint16_t collation);
/* Copies what lives elsewhere (LAST_INSERT_ID, …) into the variables that show it. */
void exec_refresh_hidden_vars(struct exec_session *x);

/* ---- show.c ---- */

/* Columns that a SHOW statement will have. */
NODISCARD int exec_show_columns_of(struct exec_session *x, const struct show_stmt *show,
                                   struct arena *arena, struct result_column **out,
                                   uint32_t *out_count);

/* ---- select.c ---- */

/* Resolves a SELECT that is the statement, for its execution. */
NODISCARD int exec_resolve_select(struct exec_session *x, struct stmt *stmt,
                                  const struct resolve_env *env, struct arena *arena);

/* Does a resolved query read no tables, so that the evaluator answers it? */
NODISCARD bool exec_needs_no_engine(const struct query *q);
/* Runs a resolved query on the engine into a sink that has begun. */
NODISCARD int exec_run_query(struct exec_session *x, const struct query *q,
                             struct result_sink *sink, uint64_t *out_rows);
/* Writes a resolved query for the engine; text and types live in the statement's arena. */
NODISCARD int exec_write_query(struct exec_session *x, const struct query *q, bool wide,
                               struct engine_query *out);
/* A value out of an engine's vector as expressions and clients see it: TIMESTAMP local to the
 * session, ENUM and SET still as numbers. */
void exec_visible_value(const struct exec_session *x, const struct sql_type *type, struct value *v);
/* An arena hook: releases the struct bytebuf that is its argument. */
void exec_release_bytebuf(void *bytebuf);

/* The result's columns of a resolved query, in arena. */
void exec_result_columns(const struct query *q, enum sql_dialect dialect, struct arena *arena,
                         struct result_column **out, uint32_t *out_count);

#endif
