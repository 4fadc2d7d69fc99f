/*
 * Transactions. A run-time error aborts a DuckDB transaction as a whole, where MySQL
 * undoes the statement only. So after each error we look at what is left:
 *
 *   still open       parser, binder and catalog errors leave it so
 *   begun again      it had only read, and nothing has been committed since its snapshot (or it had
 *                    read nothing before): a new transaction sees the same, and the client's goes
 * on aborted          anything else: DuckDB's is rolled back at once, ours stays ENGINE_TXN_ABORTED
 *                    until rollback_to() has written again what was there before (redo.h), or
 *                    rollback()
 *
 * Writers come one at a time: exec/ holds a lock for as long as a transaction that has written is
 * open. Here it is only checked, and commits are counted, by which a snapshot that misses another
 * session's changes is recognised.
 */
#include "engine/crash_point.h"
#include "engine/duckdb/duckdb_int.h"

#include <stdio.h>

/* ---- State ---- */

enum engine_txn_state ddb_txn_state(const struct engine_session *base)
{
    return CONTAINER_OF(base, const struct ddb_session, base)->state;
}

static void reset_txn(struct ddb_session *s)
{
    struct ddb_session *self = s;
    atomic_compare_exchange_strong(&s->instance->writer, &self, NULL);
    s->implicit = false;
    s->read_only = false;
    s->wrote = false;
    s->started = false;
    s->statements = 0;
    s->touched = NULL;
    arena_reset(&s->txn_arena);
}

/* What is known of the tables the transaction wrote to may be wrong once it is rolled back. */
static void forget_touched(struct ddb_session *s)
{
    for (const struct ddb_touched *t = s->touched; t != NULL; t = t->next) {
        ddb_table_forget(s->instance, t->table_id);
    }
}

void ddb_touch(struct ddb_session *s, uint64_t table_id)
{
    for (const struct ddb_touched *t = s->touched; t != NULL; t = t->next) {
        if (t->table_id == table_id) {
            return;
        }
    }
    struct ddb_touched *t = ARENA_NEW(&s->txn_arena, struct ddb_touched);
    t->table_id = table_id;
    t->next = s->touched;
    s->touched = t;
}

struct ddb_touched *ddb_touched_get(struct ddb_session *s, uint64_t table_id)
{
    struct ddb_touched *t = s->touched;
    while (t->table_id != table_id) {
        t = t->next;
    }
    return t;
}

bool ddb_snapshot_is_stale(struct ddb_session *s, uint64_t table_id)
{
    return s->started && ddb_table_get(s->instance, table_id)->last_commit > s->snapshot;
}

/* ---- Ending DuckDB's transaction ---- */

/* Rolls back on DuckDB's side. The gate is held; the handle of the connection may be gone. */
static void rollback_work(struct ddb_session *s)
{
    ddb_mask_interrupts(s);
    if (s->cursor != NULL) {
        ddb_cursor_drop(s->cursor);
    }
    if (s->writer != NULL) {
        /* A living appender would flush its rows into the table after the rollback. */
        ddb_writer_drop(s->writer);
    }
    if (s->conn != NULL) {
        struct diag ignored;
        diag_init(&ignored);
        (void)!ddb_prepared_run(s, DDB_ROLLBACK,
                                &ignored); /* Fails only when there is no transaction left. */
        diag_release(&ignored);
    }
    ddb_unmask_interrupts(s);
    atomic_fetch_add(&s->instance->counters.rollbacks, 1);
    forget_touched(s);
    reset_txn(s);
}

/*
 * A commit met a fatal error: whether it happened is known only after reopening, by the marker it
 * carried.
 */
static int resolve_outcome(struct ddb_session *s, uint64_t marker, struct diag *diag)
{
    struct ddb_instance *in = s->instance;
    struct diag again;
    diag_init(&again);
    pthread_rwlock_unlock(&in->gate);
    int rc = ddb_reopen(in, &again);
    pthread_rwlock_rdlock(&in->gate);
    int64_t found = 0;
    if (rc == 0 && in->db != NULL) {
        char sql[96];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM pintail_commit WHERE marker = %lu",
                 (unsigned long)marker);
        rc = ddb_aux_number(in, sql, &again, &found);
    }
    diag_release(&again);
    if (rc == 0 && found > 0) {
        diag_clear_error(diag);
        return 0;
    }
    return -1;
}

static int mark_commit(struct ddb_session *s, uint64_t marker, struct diag *diag)
{
    duckdb_prepared_statement mark;
    if (ddb_prepared_get(s, DDB_MARK, diag, &mark) != 0) {
        return -1;
    }
    duckdb_bind_uint64(mark, 1, marker);
    return ddb_prepared_run(s, DDB_MARK, diag);
}

static void publish_commit(struct ddb_session *s)
{
    struct ddb_instance *in = s->instance;
    const uint64_t now = atomic_load(&in->commits_started);
    for (const struct ddb_touched *t = s->touched; t != NULL; t = t->next) {
        ddb_table_get(in, t->table_id)->last_commit = now;
    }
    atomic_fetch_add(&in->counters.commits, 1);
}

static int commit_write(struct ddb_session *s, struct diag *diag)
{
    struct ddb_instance *in = s->instance;
    const uint64_t marker = atomic_fetch_add(&in->next_marker, 1);
    if (mark_commit(s, marker, diag) != 0) {
        rollback_work(s);
        return -1;
    }
    atomic_fetch_add(&in->commits_started, 1);
    crash_point("before-commit");
    int rc = ddb_prepared_run(s, DDB_COMMIT, diag);
    crash_point("after-commit");
    if (rc != 0 && atomic_load(&in->invalid)) {
        rc = resolve_outcome(s, marker, diag);
    }
    if (rc == 0) {
        publish_commit(s);
    } else {
        forget_touched(s);
    }
    atomic_store(&in->commits_finished, atomic_load(&in->commits_started));
    reset_txn(s);
    if (rc == 0 && !atomic_load(&in->invalid) && in->db != NULL && ddb_checkpoint_is_due(in)) {
        atomic_store(&in->checkpoint_due, true);
    }
    return rc;
}

/* Commits what is open. Afterwards there is no transaction, whatever happened. The gate is held. */
static int commit_work(struct ddb_session *s, struct diag *diag)
{
    if (s->cursor != NULL) {
        ddb_cursor_drop(s->cursor);
    }
    assert(s->writer == NULL);
    s->state = ENGINE_TXN_NONE;
    ddb_mask_interrupts(s);
    int rc;
    if (s->wrote) {
        rc = commit_write(s, diag);
    } else {
        rc = ddb_prepared_run(s, DDB_COMMIT, diag);
        reset_txn(s);
    }
    ddb_unmask_interrupts(s);
    return rc;
}

/* ---- After an error ---- */

/* Begins again a transaction that has only read, if it then sees what it saw before. */
static bool begin_again(struct ddb_session *s, bool had_written, uint64_t snapshot,
                        uint32_t statements)
{
    struct ddb_instance *in = s->instance;
    const bool must_see_same = statements > 1;
    if (had_written || (must_see_same && atomic_load(&in->commits_started) != snapshot)) {
        return false;
    }
    struct diag ignored;
    diag_init(&ignored);
    bool ok = ddb_prepared_run(s, DDB_BEGIN, &ignored) == 0;
    if (ok && must_see_same) {
        ok = ddb_prepared_run(s, DDB_PROBE, &ignored) == 0 &&
             atomic_load(&in->commits_started) == snapshot;
        s->snapshot = snapshot;
        s->started = true;
        s->statements = statements - 1;
    }
    diag_release(&ignored);
    return ok;
}

static bool txn_is_alive(struct ddb_session *s)
{
    struct diag ignored;
    diag_init(&ignored);
    const bool alive = ddb_prepared_run(s, DDB_PROBE, &ignored) == 0;
    diag_release(&ignored);
    return alive;
}

/* Finds out what an error has left of the client's transaction. */
static void examine_txn(struct ddb_session *s)
{
    if (s->state != ENGINE_TXN_OPEN || txn_is_alive(s)) {
        return;
    }
    const bool read_only = s->read_only;
    const bool wrote = s->wrote;
    const uint64_t snapshot = s->snapshot;
    const uint32_t statements = s->statements;
    rollback_work(s);
    if (begin_again(s, wrote, snapshot, statements)) {
        s->read_only = read_only;
    } else {
        rollback_work(s);
        s->state = ENGINE_TXN_ABORTED;
    }
}

int ddb_failed(struct ddb_session *s, duckdb_error_type type, const char *message,
               struct str subject, struct diag *diag)
{
    (void)duckdb_diag(diag, type, message, subject);
    if (ddb_error_is_fatal(type, message)) {
        atomic_store(&s->instance->invalid, true);
        if (s->state == ENGINE_TXN_OPEN) {
            s->state = ENGINE_TXN_ABORTED;
        }
        return -1;
    }
    ddb_mask_interrupts(s);
    examine_txn(s);
    ddb_unmask_interrupts(s);
    return -1;
}

int ddb_txn_abort(struct ddb_session *s, struct diag *diag)
{
    const bool implicit = s->implicit;
    rollback_work(s);
    s->implicit = implicit;
    if (s->state == ENGINE_TXN_OPEN) {
        s->state = ENGINE_TXN_ABORTED;
    }
    return diag_set(diag, ER_LOCK_DEADLOCK);
}

/* ---- Savepoints ---- */

/* Begins again what is rolled back, with the snapshot of the last change and what was written until
 * the savepoint. */
static int begin_as_at(struct ddb_session *s, uint64_t savepoint, struct diag *diag)
{
    struct ddb_instance *in = s->instance;
    const uint64_t snapshot = s->redo.snapshot;
    if ((savepoint > 0 && !s->redo.kept) || ddb_prepared_run(s, DDB_BEGIN, diag) != 0 ||
        ddb_prepared_run(s, DDB_PROBE, diag) != 0 ||
        atomic_load(&in->commits_started) != snapshot) {
        return -1;
    }
    s->snapshot = snapshot;
    s->started = true;
    s->statements = 1;
    if (savepoint > 0) {
        struct ddb_session *none = NULL;
        if (!atomic_compare_exchange_strong(&in->writer, &none, s)) {
            return -1;
        }
        s->wrote = true;
    }
    return ddb_redo_replay(s, savepoint, diag);
}

int ddb_txn_restore(struct ddb_session *s, uint64_t savepoint, struct diag *diag)
{
    struct diag ignored;
    assert(s->writer == NULL);
    diag_init(&ignored);
    ddb_mask_interrupts(s);
    if (s->state == ENGINE_TXN_OPEN) {
        rollback_work(s);
    }
    s->state = ENGINE_TXN_ABORTED;
    const int rc = begin_as_at(s, savepoint, &ignored);
    if (rc == 0) {
        s->state = ENGINE_TXN_OPEN;
        atomic_fetch_add(&s->instance->counters.restores, 1);
    } else {
        rollback_work(s);
    }
    ddb_unmask_interrupts(s);
    diag_release(&ignored);
    return rc == 0 ? 0 : diag_set(diag, ER_LOCK_DEADLOCK);
}

uint64_t ddb_txn_savepoint(const struct engine_session *base)
{
    return CONTAINER_OF(base, const struct ddb_session, base)->redo.changes;
}

int ddb_txn_rollback_to(struct engine_session *base, uint64_t savepoint, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    if (s->state == ENGINE_TXN_OPEN && s->redo.changes == savepoint) {
        return 0;
    }
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    return ddb_leave(s, ddb_txn_restore(s, savepoint, diag));
}

/* ---- Around statements ---- */

int ddb_statement(struct ddb_session *s, struct diag *diag)
{
    if (s->state == ENGINE_TXN_ABORTED) {
        return diag_set(diag, ER_LOCK_DEADLOCK);
    }
    if (s->cursor != NULL && ddb_cursor_spool(s->cursor, diag) != 0) {
        return -1;
    }
    if ((s->state == ENGINE_TXN_OPEN || s->implicit) && !s->started) {
        s->snapshot = atomic_load(&s->instance->commits_finished);
        s->started = true;
    }
    s->statements++;
    return 0;
}

static int claim_writer(struct ddb_session *s, struct diag *diag)
{
    struct ddb_session *none = NULL;
    if (atomic_compare_exchange_strong(&s->instance->writer, &none, s) || none == s) {
        return 0;
    }
    /* Callers hold exec/'s lock of writers, so that this is a defence only. */
    return diag_set(diag, ER_LOCK_WAIT_TIMEOUT);
}

static int begin_implicit(struct ddb_session *s, struct diag *diag)
{
    ddb_mask_interrupts(s);
    const int rc = ddb_prepared_run(s, DDB_BEGIN, diag);
    if (rc != 0) {
        rollback_work(s);
    }
    ddb_unmask_interrupts(s);
    return rc;
}

int ddb_write_statement(struct ddb_session *s, const struct table_def *t, struct diag *diag)
{
    if (s->state == ENGINE_TXN_ABORTED) {
        return diag_set(diag, ER_LOCK_DEADLOCK);
    }
    if (s->read_only) {
        return diag_set(diag, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    if (ddb_check_space(s->instance, t != NULL ? t->name : STR("pintail_meta"), diag) != 0 ||
        claim_writer(s, diag) != 0) {
        return -1;
    }
    if (s->state == ENGINE_TXN_NONE && !s->implicit) {
        if (s->cursor != NULL && ddb_cursor_spool(s->cursor, diag) != 0) {
            reset_txn(s);
            return -1;
        }
        if (begin_implicit(s, diag) != 0) {
            return -1;
        }
        s->implicit = true;
    }
    if (ddb_statement(s, diag) != 0) {
        return -1;
    }
    s->wrote = true;
    if (t != NULL) {
        ddb_touch(s, t->id);
    }
    return 0;
}

int ddb_write_done(struct ddb_session *s, int rc, struct diag *diag)
{
    if (!s->implicit) {
        return rc;
    }
    if (rc == 0) {
        return commit_work(s, diag);
    }
    rollback_work(s);
    return rc;
}

/* ---- Callbacks ---- */

static int begin_client_txn(struct ddb_session *s, unsigned flags, struct diag *diag)
{
    if (ddb_prepared_run(s, DDB_BEGIN, diag) != 0) {
        return -1;
    }
    s->state = ENGINE_TXN_OPEN;
    s->read_only = (flags & ENGINE_READ_ONLY) != 0;
    ddb_redo_start(s, (flags & ENGINE_UNDO) != 0);
    if ((flags & ENGINE_SNAPSHOT) == 0) {
        return 0;
    }
    return ddb_statement(s, diag) != 0 ? -1 : ddb_prepared_run(s, DDB_PROBE, diag);
}

int ddb_txn_begin(struct engine_session *base, unsigned flags, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    if (s->cursor != NULL) {
        ddb_cursor_drop(s->cursor);
    }
    /* An interrupt of BEGIN could leave DuckDB with a transaction that we know nothing of. */
    ddb_mask_interrupts(s);
    const int rc = begin_client_txn(s, flags, diag);
    if (rc != 0) {
        rollback_work(s);
        s->state = ENGINE_TXN_NONE;
    }
    ddb_unmask_interrupts(s);
    return ddb_leave(s, rc);
}

int ddb_txn_commit(struct engine_session *base, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    if (s->state == ENGINE_TXN_NONE) {
        return 0;
    }
    if (s->state == ENGINE_TXN_ABORTED) {
        s->lost = false;
        return diag_set(diag, ER_LOCK_DEADLOCK);
    }
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    const int rc = commit_work(s, diag);
    ddb_redo_start(s, false);
    return ddb_leave(s, rc);
}

void ddb_txn_rollback(struct engine_session *base)
{
    struct ddb_session *s = ddb_session_of(base);
    pthread_rwlock_rdlock(&s->instance->gate);
    if (s->state == ENGINE_TXN_OPEN) {
        rollback_work(s);
    }
    s->state = ENGINE_TXN_NONE;
    s->lost = false;
    reset_txn(s);
    ddb_redo_start(s, false);
    (void)ddb_leave(s, 0);
}
