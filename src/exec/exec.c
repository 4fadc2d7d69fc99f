/*
 * The table of statement handlers, and a session's execution state from login to disconnect.
 */
#include "exec/exec.h"

#include "base/clock.h"
#include "exec/exec_int.h"
#include "types/collation.h"

#include <stdlib.h>

/* What must hold before a handler runs, besides its own checks. */
enum handler_flags {
    H_IMPLICIT_COMMIT = 1u << 0, /* commits the open transaction first, as MySQL does */
    H_KEEP_DIAGNOSTICS =
        1u << 1,         /* reads the diagnostics area of the statement before (SHOW WARNINGS) */
    H_WRITES = 1u << 2,  /* refused under read_only and in READ ONLY transactions */
    H_OWN_END = 1u << 3, /* ends transactions itself */
    /* All that it does is undone when it fails at its end: the error of an interrupt may be sent
     * before. */
    H_UNDONE = 1u << 4,
};

struct handler {
    exec_handler_fn *run;
    unsigned flags;
};

static const struct handler handlers[STMT_KIND_COUNT] = {
    [STMT_SELECT] = {exec_select, H_UNDONE},
    [STMT_INSERT] = {exec_insert, H_WRITES | H_UNDONE},
    [STMT_REPLACE] = {exec_insert, H_WRITES | H_UNDONE},
    [STMT_UPDATE] = {exec_update, H_WRITES | H_UNDONE},
    [STMT_DELETE] = {exec_delete, H_WRITES | H_UNDONE},
    [STMT_LOAD_DATA] = {exec_load_data, H_WRITES},
    [STMT_CREATE_DATABASE] = {exec_create_database, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_ALTER_DATABASE] = {exec_alter_database, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_DROP_DATABASE] = {exec_drop_database, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_CREATE_TABLE] = {exec_create_table, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_ALTER_TABLE] = {exec_alter_table, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_CREATE_INDEX] = {exec_alter_table, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_DROP_INDEX] = {exec_alter_table, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_DROP_TABLE] = {exec_drop_table, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_RENAME_TABLE] = {exec_rename_table, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_TRUNCATE] = {exec_truncate, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_USE] = {exec_use_stmt, 0},
    [STMT_SET] = {exec_set, 0},
    [STMT_SET_NAMES] = {exec_set, 0},
    [STMT_SET_TRANSACTION] = {exec_set_transaction, 0},
    [STMT_SET_PASSWORD] = {exec_set_password, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_SHOW] = {exec_show, H_KEEP_DIAGNOSTICS},
    [STMT_DESCRIBE] = {exec_show, 0},
    [STMT_EXPLAIN] = {exec_explain, 0},
    [STMT_BEGIN] = {exec_begin_stmt, H_OWN_END},
    [STMT_COMMIT] = {exec_commit_stmt, H_OWN_END},
    [STMT_ROLLBACK] = {exec_rollback_stmt, H_OWN_END},
    [STMT_SAVEPOINT] = {exec_savepoint, 0},
    [STMT_ROLLBACK_TO] = {exec_rollback_to, 0},
    [STMT_RELEASE_SAVEPOINT] = {exec_release_savepoint, 0},
    [STMT_LOCK_TABLES] = {exec_lock_tables, H_IMPLICIT_COMMIT},
    [STMT_UNLOCK_TABLES] = {exec_unlock_tables, 0},
    [STMT_KILL] = {exec_kill, 0},
    [STMT_CREATE_USER] = {exec_create_user, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_ALTER_USER] = {exec_alter_user, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_DROP_USER] = {exec_drop_user, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_RENAME_USER] = {exec_rename_user, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_GRANT] = {exec_grant, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_REVOKE] = {exec_revoke, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_CREATE_ROLE] = {exec_create_role, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_DROP_ROLE] = {exec_drop_role, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_SET_ROLE] = {exec_set_role, 0},
    [STMT_SET_DEFAULT_ROLE] = {exec_set_default_role, H_IMPLICIT_COMMIT | H_WRITES},
    [STMT_FLUSH] = {exec_flush, H_IMPLICIT_COMMIT},
    [STMT_ANALYZE] = {exec_admin_table, H_IMPLICIT_COMMIT},
    [STMT_PREPARE] = {exec_prepare, 0},
    [STMT_EXECUTE] = {exec_execute, 0},
    [STMT_DEALLOCATE] = {exec_deallocate, 0},
    [STMT_DO] = {exec_do, 0},
    [STMT_REPLICA_START] = {exec_start_replica, H_IMPLICIT_COMMIT},
    [STMT_REPLICA_STOP] = {exec_stop_replica, H_IMPLICIT_COMMIT},
    [STMT_REPLICA_RESET] = {exec_reset_replica, H_IMPLICIT_COMMIT},
    [STMT_CHANGE_SOURCE] = {exec_change_source, H_IMPLICIT_COMMIT},
    [STMT_PINTAIL] = {exec_pintail, H_IMPLICIT_COMMIT},
};

/* ---- Session state ---- */

static void set_initial_state(struct exec_session *x)
{
    struct server *server = x->server;
    arena_reset(&x->vars_arena);
    os_rwlock_read(&server->vars_lock);
    sysvars_copy(&x->vars, &server->vars, &x->vars_arena);
    os_rwlock_unlock(&server->vars_lock);
    x->vars.pseudo_thread_id = x->id;
    x->txn.next_isolation = ISOLATION_DEFAULT;
    x->txn.next_access = ACCESS_DEFAULT;
    x->results_collation = 0;
    x->last_insert_id = 0;
    x->row_count = -1;
    x->found_rows = 0;
}

static void free_user_vars(struct exec_session *x)
{
    size_t pos = 0;
    struct user_var *v;
    while ((v = htab_next(&x->user_vars, &pos)) != NULL) {
        free(v->buf);
        free(v);
    }
    htab_release(&x->user_vars);
    htab_init(&x->user_vars, HTAB_NOCASE);
}

void exec_session_init(struct exec_session *x, struct server *server, uint64_t id)
{
    *x = (struct exec_session){.server = server, .id = id};
    os_mutex_init(&x->engine_lock);
    arena_init(&x->arena, 0);
    arena_init(&x->stmt_arena, 0);
    arena_init(&x->vars_arena, 0);
    arena_init(&x->txn.arena, 0);
    arena_init(&x->locks.arena, 0);
    diag_init(&x->diag_areas[0]);
    diag_init(&x->diag_areas[1]);
    x->diag = &x->diag_areas[0];
    htab_init(&x->user_vars, HTAB_NOCASE);
    htab_init(&x->prepared, HTAB_NOCASE);
    set_initial_state(x);
}

static void close_engine_session(void *arg)
{
    engine_session_close(arg);
}

void exec_session_release(struct exec_session *x)
{
    fiber_mask_interrupts();
    exec_rollback(x);
    exec_close_tables(x);
    exec_unlock_all(x);
    if (x->engine != NULL) {
        struct engine_session *engine = x->engine;
        exec_set_engine(x, &x->engine, NULL);
        offload_run_always(OFFLOAD_CONTROL, close_engine_session, engine);
    }
    os_mutex_release(&x->engine_lock);
    exec_free_prepared(x);
    htab_release(&x->prepared);
    free_user_vars(x);
    htab_release(&x->user_vars);
    account_unref(x->account);
    diag_release(&x->diag_areas[0]);
    diag_release(&x->diag_areas[1]);
    arena_release(&x->txn.arena);
    arena_release(&x->locks.arena);
    arena_release(&x->vars_arena);
    arena_release(&x->stmt_arena);
    arena_release(&x->arena);
    fiber_unmask_interrupts();
}

void exec_session_reset(struct exec_session *x)
{
    exec_rollback(x);
    exec_close_tables(x);
    exec_unlock_all(x);
    exec_free_prepared(x);
    free_user_vars(x);
    set_initial_state(x);
    diag_reset(x->diag);
}

struct parse_options exec_parse_options(const struct exec_session *x)
{
    return (struct parse_options){.sql_mode = x->vars.sql_mode,
                                  .dialect = x->server->dialect,
                                  .version = x->server->version_id,
                                  .collation = x->vars.collation_connection};
}

/* ---- Statements ---- */

/* Other statements start a diagnostics area of their own; the one before stays readable for SHOW
 * WARNINGS. */
static void begin_diagnostics(struct exec_session *x, unsigned flags)
{
    /* @@warning_count and @@error_count are of the statement before. */
    x->vars.warning_count = x->diag->warning_count;
    x->vars.error_count = x->diag->error_count;
    if ((flags & H_KEEP_DIAGNOSTICS) == 0) {
        diag_reset(x->diag);
    }
    x->diag->max_kept = (uint32_t)x->vars.max_error_count;
}

static int64_t statement_time(const struct exec_session *x)
{
    return x->vars.timestamp > 0 ? (int64_t)(x->vars.timestamp * 1e6) : clock_wall_us();
}

static int check_writable(struct exec_session *x)
{
    if (server_bool(x->server, &x->server->vars.read_only) &&
        (x->account == NULL || (x->account->global_privs & PRIV_SUPER) == 0)) {
        return diag_set(x->diag, ER_OPTION_PREVENTS_STATEMENT, "--read-only");
    }
    if (x->locks.all_for_read) {
        return diag_set(x->diag, ER_CANT_UPDATE_WITH_READLOCK);
    }
    const bool read_only =
        x->txn.active ? x->txn.read_only : x->vars.transaction_read_only || x->vars.tx_read_only;
    if (read_only) {
        return diag_set(x->diag, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    return 0;
}

/* "CREATE VIEW", for what is not there. */
static const char *statement_words(struct exec_session *x, const struct stmt *stmt)
{
    if (stmt->kind == STMT_OTHER) {
        return arena_dup_cstr(&x->stmt_arena, stmt->other_what);
    }
    char *words = arena_dup_cstr(&x->stmt_arena, str_from_cstr(sql_stmt_kind_name(stmt->kind)));
    for (char *c = words; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
    return words;
}

int exec_run_handler(struct exec_session *x, struct stmt *stmt)
{
    const struct handler *h = &handlers[stmt->kind];
    if (stmt->kind == STMT_EMPTY) {
        return diag_set(x->diag, ER_EMPTY_QUERY);
    }
    if (exec_check_expired(x, stmt->kind) != 0) {
        return -1;
    }
    if (h->run == NULL) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, statement_words(x, stmt));
    }
    if ((h->flags & H_WRITES) != 0 && check_writable(x) != 0) {
        return -1;
    }
    if ((h->flags & H_IMPLICIT_COMMIT) != 0 && exec_commit(x) != 0) {
        return -1;
    }
    return h->run(x, stmt);
}

/* The account as it is now: grants and revocations take effect with the next statement. */
static void refresh_account(struct exec_session *x)
{
    const uint64_t version = accounts_version(x->server->accounts);
    if (x->account == NULL || version == x->account_version) {
        return;
    }
    struct account *now = accounts_current(x->server->accounts, x->account);
    if (now == NULL) {
        return; /* dropped: the session goes on with what it had, as in MySQL */
    }
    exec_adopt_account(x, now);
    x->account_version = version;
}

int exec_statement(struct exec_session *x, struct stmt *stmt)
{
    const struct handler *h = &handlers[stmt->kind];
    begin_diagnostics(x, h->flags);
    x->result = (struct exec_result){0};
    x->stmt_insert_id = 0;
    x->write_errors = 0;
    x->now_us = statement_time(x);
    atomic_fetch_add_explicit(&x->server->status.com[stmt->kind], 1, memory_order_relaxed);
    refresh_account(x);
    x->told = false;
    x->may_tell = (h->flags & H_UNDONE) != 0;
    exec_note_savepoint(x);
    int rc = exec_run_handler(x, stmt);
    if (rc != 0) {
        exec_tell_interrupted(x);
    }
    if (x->told && x->diag->error == NULL) {
        exec_interrupted(x, x->diag);
    }
    rc = x->told ? -1 : rc;
    x->may_tell = false;
    if ((h->flags & H_OWN_END) == 0 && exec_end_statement(x, rc != 0) != 0) {
        rc = -1;
    }
    exec_close_tables(x);
    x->row_count = rc != 0 || x->result.has_rows ? -1 : (int64_t)x->result.affected_rows;
    if (rc == 0 && x->stmt_insert_id != 0) {
        x->last_insert_id = x->stmt_insert_id;
    }
    return rc;
}

int exec_interrupted(struct exec_session *x, struct diag *diag)
{
    const unsigned why = fiber_interrupted();
    const bool mariadb = x->server->dialect == DIALECT_MARIADB;
    if ((why & INTERRUPT_SHUTDOWN) != 0) {
        return diag_set(diag, ER_SERVER_SHUTDOWN);
    }
    if ((why & (INTERRUPT_KILL_CONNECTION | INTERRUPT_CLIENT_GONE)) != 0) {
        return mariadb ? diag_set(diag, ER_CONNECTION_KILLED)
                       : diag_set(diag, ER_QUERY_INTERRUPTED);
    }
    if ((why & INTERRUPT_TIMEOUT) != 0) {
        return mariadb ? diag_set(diag, ER_STATEMENT_TIMEOUT) : diag_set(diag, ER_QUERY_TIMEOUT);
    }
    return diag_set(diag, ER_QUERY_INTERRUPTED);
}

unsigned exec_writer_flags(const struct exec_session *x)
{
    return x->server->dialect == DIALECT_MARIADB ? ENGINE_WRITE_SHORT_KEY_NAMES : 0;
}

void exec_close_statement(struct exec_session *x)
{
    exec_close_tables(x);
}

/* ---- Offload ---- */

void exec_set_engine(struct exec_session *x, struct engine_session **which,
                     struct engine_session *engine)
{
    os_mutex_lock(&x->engine_lock);
    *which = engine;
    os_mutex_unlock(&x->engine_lock);
}

/* How long the engine may take to unwind before the client has the error without it. */
#define TELL_AFTER_US UINT64_C(30000)

/* Sends the error if the statement has failed for certain, whatever the engine does. */
static void tell(struct exec_session *x, const struct diag *diag)
{
    /* In a transaction the error is not known before the end: it may be 1213. */
    const bool certain = x->may_tell && !x->told && !x->txn.active;
    if (certain && x->client_ops != NULL && x->client_ops->tell_error != NULL) {
        x->told = x->client_ops->tell_error(x->client, diag);
    }
}

void exec_tell_interrupted(struct exec_session *x)
{
    if (fiber_interrupted() != 0 && x->diag->error != NULL) {
        tell(x, x->diag);
    }
}

/* The session's diag is the engine's for as long as that runs. */
static void tell_late(void *arg)
{
    struct exec_session *x = arg;
    struct diag diag;
    diag_init(&diag);
    exec_interrupted(x, &diag);
    tell(x, &diag);
    diag_release(&diag);
}

int exec_offload(struct exec_session *x, enum offload_class class, offload_fn *fn, void *arg)
{
    const struct offload_late late = {.after_us = TELL_AFTER_US, .fn = tell_late, .arg = x};
    if (x->told) {
        return exec_interrupted(x, x->diag);
    }
    atomic_store(&x->running, 1);
    x->result.used_engine = x->result.used_engine || class != OFFLOAD_CONTROL;
    const enum offload_result r = offload_run_late(class, fn, arg, &late);
    atomic_store(&x->running, 0);
    return r == OFFLOAD_DONE ? 0 : exec_interrupted(x, x->diag);
}

void exec_offload_always(struct exec_session *x, enum offload_class class, offload_fn *fn,
                         void *arg)
{
    const struct offload_late late = {
        .after_us = TELL_AFTER_US, .fn = tell_late, .arg = x, .always = true};
    const enum offload_result r = offload_run_late(class, fn, arg, &late);
    assert(r == OFFLOAD_DONE);
    (void)r;
}

void exec_interrupt_engine(struct exec_session *x)
{
    os_mutex_lock(&x->engine_lock);
    if (atomic_load(&x->running) != 0) {
        if (x->engine != NULL) {
            engine_interrupt(x->engine);
        }
        if (x->side_engine != NULL) {
            engine_interrupt(x->side_engine);
        }
    }
    os_mutex_unlock(&x->engine_lock);
}
