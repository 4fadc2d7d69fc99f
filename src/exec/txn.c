/*
 * Transactions: the client's autocommit, BEGIN, COMMIT and ROLLBACK on top of the engine's, the one
 * writer's lock, and the end of each statement.
 *
 * Writers are serialised by server.writer, from a transaction's first write to its end: the column
 * engine's own conflicts are optimistic and would surface at COMMIT. When the lock is
 * won and others have committed since this transaction's snapshot, the snapshot is moved to now
 * (nothing was written yet): unique keys are then checked against what really is there, as InnoDB's
 * current reads are.
 */
#include "base/clock.h"
#include "exec/exec_int.h"
#include "wire/proto.h"

/* An engine call with its outcome, for the offload pool. */
struct engine_job {
    struct exec_session *x;
    unsigned begin_flags;
    uint64_t savepoint;
    int rc;
};

/* What SAVEPOINT names. */
struct exec_savepoint {
    struct exec_savepoint *before;
    struct str name;
    uint64_t mark; /* engine_savepoint() */
};

uint16_t exec_status_flags(const struct exec_session *x)
{
    unsigned flags = x->vars.autocommit ? SERVER_STATUS_AUTOCOMMIT : 0;
    if (x->txn.active) {
        flags |= SERVER_STATUS_IN_TRANS | (x->txn.read_only ? SERVER_STATUS_IN_TRANS_READONLY : 0);
    }
    if ((x->vars.sql_mode & SQL_MODE_NO_BACKSLASH_ESCAPES) != 0) {
        flags |= SERVER_STATUS_NO_BACKSLASH_ESCAPES;
    }
    return (uint16_t)flags;
}

static void open_session_job(void *arg)
{
    struct engine_job *job = arg;
    struct engine_session *engine;
    job->rc = engine_session_open(job->x->server->engine, job->x->diag, &engine);
    if (job->rc == 0) {
        exec_set_engine(job->x, &job->x->engine, engine);
    }
}

static void begin_job(void *arg)
{
    struct engine_job *job = arg;
    job->rc = engine_begin(job->x->engine, job->begin_flags, job->x->diag);
}

static void commit_job(void *arg)
{
    struct engine_job *job = arg;
    job->rc = engine_commit(job->x->engine, job->x->diag);
}

static void rollback_job(void *arg)
{
    engine_rollback(((struct engine_job *)arg)->x->engine);
}

static void rollback_to_job(void *arg)
{
    struct engine_job *job = arg;
    struct diag why; /* after_abort() says what the client hears */
    diag_init(&why);
    job->rc = engine_rollback_to(job->x->engine, job->savepoint, &why);
    diag_release(&why);
}

static int ensure_engine_session(struct exec_session *x)
{
    if (x->engine != NULL) {
        return 0;
    }
    struct engine_job job = {.x = x};
    if (exec_offload(x, OFFLOAD_CONTROL, open_session_job, &job) != 0) {
        return -1;
    }
    return job.rc;
}

static int engine_begin_txn(struct exec_session *x, unsigned flags)
{
    struct engine_job job = {.x = x, .begin_flags = flags | (x->txn.active ? ENGINE_UNDO : 0)};
    x->txn.snapshot_seq = atomic_load(&x->server->commit_seq);
    if (exec_offload(x, OFFLOAD_CONTROL, begin_job, &job) != 0 || job.rc != 0) {
        return -1;
    }
    x->txn.engine_open = true;
    return 0;
}

static void engine_rollback_txn(struct exec_session *x)
{
    if (x->txn.engine_open) {
        struct engine_job job = {.x = x};
        offload_run_always(OFFLOAD_CONTROL, rollback_job, &job);
        x->txn.engine_open = false;
    }
}

void exec_release_writer(struct exec_session *x)
{
    if (x->txn.writer_held && !x->locks.keeps_writer) {
        fmutex_unlock(&x->server->writer);
        x->txn.writer_held = false;
    }
}

/* With autocommit=0 the first statement that touches tables opens a transaction. */
static void begin_implicitly(struct exec_session *x)
{
    if (!x->txn.active && !x->vars.autocommit) {
        exec_txn_start(x, ACCESS_DEFAULT);
    }
}

void exec_txn_start(struct exec_session *x, enum access_mode access)
{
    struct exec_txn *t = &x->txn;
    const enum access_mode wanted =
        access != ACCESS_DEFAULT ? access : (enum access_mode)t->next_access;
    const bool session_read_only = x->vars.transaction_read_only || x->vars.tx_read_only;
    t->active = true;
    t->read_only = wanted == ACCESS_READ_ONLY || (wanted == ACCESS_DEFAULT && session_read_only);
    t->wrote = false;
    t->next_access = ACCESS_DEFAULT;
    t->next_isolation = ISOLATION_DEFAULT;
}

int exec_engine_for_read(struct exec_session *x)
{
    begin_implicitly(x);
    if (ensure_engine_session(x) != 0) {
        return -1;
    }
    if (x->txn.engine_open || (!x->txn.active && !x->txn.writer_held)) {
        return 0; /* already in, or a single statement, which is a transaction of its own to the
                     engine */
    }
    return engine_begin_txn(x, x->txn.read_only ? ENGINE_READ_ONLY : 0);
}

int exec_take_writer(struct exec_session *x)
{
    if (x->txn.writer_held) {
        return 0;
    }
    const uint64_t deadline =
        clock_monotonic_us() + x->vars.innodb_lock_wait_timeout * UINT64_C(1000000);
    atomic_store(&x->state, "waiting for the writer lock");
    const enum fiber_result r = fmutex_lock(&x->server->writer, deadline);
    atomic_store(&x->state, NULL);
    switch (r) {
    case FIBER_WOKEN:
        x->txn.writer_held = true;
        return 0;
    case FIBER_TIMEOUT:
        return diag_set(x->diag, ER_LOCK_WAIT_TIMEOUT);
    case FIBER_INTERRUPTED:
        break;
    }
    return exec_interrupted(x, x->diag);
}

/* The writer lock, and an engine transaction that sees what is committed now. */
static int begin_as_writer(struct exec_session *x)
{
    if (exec_take_writer(x) != 0 || ensure_engine_session(x) != 0) {
        return -1;
    }
    if (x->txn.engine_open && !x->txn.wrote &&
        x->txn.snapshot_seq != atomic_load(&x->server->commit_seq)) {
        engine_rollback_txn(x);
    }
    return x->txn.engine_open ? 0 : engine_begin_txn(x, 0);
}

int exec_engine_for_write(struct exec_session *x)
{
    begin_implicitly(x);
    if (x->txn.active && x->txn.read_only) {
        return diag_set(x->diag, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    if (begin_as_writer(x) != 0) {
        return -1;
    }
    x->txn.wrote = true;
    return 0;
}

int exec_engine_for_locking_read(struct exec_session *x, bool nowait)
{
    begin_implicitly(x);
    if (!x->txn.active) {
        return 0; /* the lock would end with the statement, which sees what is committed anyway */
    }
    if (x->txn.read_only) {
        return diag_set(x->diag, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    if (nowait && !x->txn.writer_held) {
        if (!fmutex_try_lock(&x->server->writer)) {
            return diag_set(x->diag, ER_LOCK_NOWAIT);
        }
        x->txn.writer_held = true;
    }
    return begin_as_writer(x);
}

/* Everything that ends with a transaction, whichever way it ended. */
static void end_txn(struct exec_session *x)
{
    x->txn.active = false;
    x->txn.read_only = false;
    x->txn.wrote = false;
    x->txn.on_commit = NULL;
    x->txn.savepoints = NULL;
    exec_release_writer(x);
    exec_close_txn_tables(x);
    arena_reset(&x->txn.arena);
}

int exec_commit(struct exec_session *x)
{
    int rc = 0;
    if (x->txn.engine_open) {
        struct engine_job job = {.x = x};
        offload_run_always(OFFLOAD_CONTROL, commit_job, &job);
        rc = job.rc;
        x->txn.engine_open = false;
        if (rc == 0 && x->txn.wrote) {
            atomic_fetch_add(&x->server->commit_seq, 1);
        }
        if (rc == 0 && x->txn.on_commit != NULL) {
            x->txn.on_commit(x, x->txn.on_commit_arg);
        }
    }
    end_txn(x);
    return rc;
}

void exec_rollback(struct exec_session *x)
{
    engine_rollback_txn(x);
    end_txn(x);
}

/* The engine's transaction is lost, with what it has written or its snapshot: so is the client's,
 * which is what 1213 says. */
static int after_abort(struct exec_session *x)
{
    exec_rollback(x);
    if (x->diag->error != NULL && x->diag->error->code == ER_LOCK_DEADLOCK) {
        return -1;
    }
    return diag_set(x->diag, ER_LOCK_DEADLOCK);
}

void exec_note_savepoint(struct exec_session *x)
{
    x->txn.savepoint = x->txn.engine_open ? engine_savepoint(x->engine) : 0;
}

/* Undoes what the engine's transaction has written since a savepoint; 1213 is always the end of the
 * client's. */
static int roll_back_to(struct exec_session *x, uint64_t savepoint)
{
    const bool aborted = engine_txn_state(x->engine) == ENGINE_TXN_ABORTED;
    if ((x->engine->engine->ops->caps & ENGINE_SAVEPOINTS) == 0) {
        return aborted ? after_abort(x) : 0;
    }
    if (aborted && x->diag->error != NULL && x->diag->error->code == ER_LOCK_DEADLOCK) {
        return after_abort(x);
    }
    if (!aborted && engine_savepoint(x->engine) == savepoint) {
        return 0;
    }
    struct engine_job job = {.x = x, .savepoint = savepoint};
    offload_run_always(OFFLOAD_WRITE, rollback_to_job, &job);
    return job.rc == 0 ? 0 : after_abort(x);
}

int exec_end_statement(struct exec_session *x, bool failed)
{
    const bool aborted = x->txn.engine_open && x->engine != NULL &&
                         engine_txn_state(x->engine) == ENGINE_TXN_ABORTED;
    if (x->txn.active) {
        return x->txn.engine_open && (failed || aborted) ? roll_back_to(x, x->txn.savepoint) : 0;
    }
    if (x->txn.savepoints != NULL && !x->txn.engine_open) {
        return 0; /* autocommit=0, and nothing has begun the transaction yet */
    }
    if (failed || aborted) {
        exec_rollback(x);
        return 0;
    }
    return exec_commit(x);
}

/* ---- Statements ---- */

static int open_snapshot(struct exec_session *x)
{
    if (ensure_engine_session(x) != 0) {
        return -1;
    }
    return engine_begin_txn(x, ENGINE_SNAPSHOT | (x->txn.read_only ? ENGINE_READ_ONLY : 0));
}

int exec_begin_stmt(struct exec_session *x, struct stmt *stmt)
{
    const struct transaction_stmt *t = &stmt->transaction;
    if (exec_commit(x) != 0) {
        return -1;
    }
    if (t->access == ACCESS_READ_WRITE && server_bool(x->server, &x->server->vars.read_only) &&
        (x->account == NULL || (x->account->global_privs & PRIV_SUPER) == 0)) {
        return diag_set(x->diag, ER_OPTION_PREVENTS_STATEMENT, "--read-only");
    }
    exec_unlock_tables_now(x); /* as in MySQL; not FLUSH TABLES WITH READ LOCK */
    exec_txn_start(x, t->access);
    return t->consistent_snapshot ? open_snapshot(x) : 0;
}

/* COMMIT and ROLLBACK may CHAIN a new transaction with the same characteristics. */
static void chain(struct exec_session *x, const struct transaction_stmt *t, bool read_only)
{
    if (t->chain) {
        exec_txn_start(x, read_only ? ACCESS_READ_ONLY : ACCESS_READ_WRITE);
    }
    x->result.release = t->release;
}

int exec_commit_stmt(struct exec_session *x, struct stmt *stmt)
{
    const bool read_only = x->txn.read_only;
    if (exec_commit(x) != 0) {
        return -1;
    }
    chain(x, &stmt->transaction, read_only);
    return 0;
}

int exec_rollback_stmt(struct exec_session *x, struct stmt *stmt)
{
    const bool read_only = x->txn.read_only;
    exec_rollback(x);
    chain(x, &stmt->transaction, read_only);
    return 0;
}

/* ---- Savepoints ---- */

/* Where the savepoint of a name is linked; NULL if there is none. */
static struct exec_savepoint **find_savepoint(struct exec_session *x, struct str name)
{
    for (struct exec_savepoint **at = &x->txn.savepoints; *at != NULL; at = &(*at)->before) {
        if (str_eq_nocase((*at)->name, name)) {
            return at;
        }
    }
    return NULL;
}

static int no_savepoint(struct exec_session *x, struct str name)
{
    return diag_set(x->diag, ER_SP_DOES_NOT_EXIST, "SAVEPOINT",
                    arena_dup_cstr(&x->stmt_arena, name));
}

int exec_savepoint(struct exec_session *x, struct stmt *stmt)
{
    const struct str name = stmt->transaction.savepoint;
    if ((x->server->engine->ops->caps & ENGINE_SAVEPOINTS) == 0) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "SAVEPOINT in this engine");
    }
    if (!x->txn.active && x->vars.autocommit) {
        return 0; /* it would end with this statement */
    }
    struct exec_savepoint **same = find_savepoint(x, name);
    if (same != NULL) {
        *same = (*same)->before;
    }
    struct exec_savepoint *s = ARENA_NEW(&x->txn.arena, struct exec_savepoint);
    s->name = arena_dup(&x->txn.arena, name);
    s->mark = x->txn.savepoint;
    s->before = x->txn.savepoints;
    x->txn.savepoints = s;
    return 0;
}

int exec_rollback_to(struct exec_session *x, struct stmt *stmt)
{
    struct exec_savepoint **at = find_savepoint(x, stmt->transaction.savepoint);
    if (at == NULL) {
        return no_savepoint(x, stmt->transaction.savepoint);
    }
    struct exec_savepoint *s = *at;
    x->txn.savepoints = s;
    return x->txn.engine_open ? roll_back_to(x, s->mark) : 0;
}

int exec_release_savepoint(struct exec_session *x, struct stmt *stmt)
{
    struct exec_savepoint **at = find_savepoint(x, stmt->transaction.savepoint);
    if (at == NULL) {
        return no_savepoint(x, stmt->transaction.savepoint);
    }
    x->txn.savepoints = (*at)->before;
    return 0;
}

/* ---- Characteristics ---- */

/* Isolation levels map to the engine's snapshots: REPEATABLE READ is what is given; SERIALIZABLE is
 * refused, as snapshots do not give it. */
static int set_isolation(struct exec_session *x, struct sysvars *vars, enum isolation level)
{
    if (level == ISOLATION_DEFAULT) {
        return 0;
    }
    const uint32_t value = (uint32_t)level - ISOLATION_READ_UNCOMMITTED;
    if (x->server->dialect == DIALECT_MARIADB) {
        vars->tx_isolation = value;
    } else {
        vars->transaction_isolation = value;
    }
    return 0;
}

static void set_access(struct exec_session *x, struct sysvars *vars, enum access_mode access)
{
    if (access == ACCESS_DEFAULT) {
        return;
    }
    const bool read_only = access == ACCESS_READ_ONLY;
    if (x->server->dialect == DIALECT_MARIADB) {
        vars->tx_read_only = read_only;
    } else {
        vars->transaction_read_only = read_only;
    }
}

int exec_set_transaction(struct exec_session *x, struct stmt *stmt)
{
    const struct transaction_stmt *t = &stmt->transaction;
    if (t->scope == SCOPE_DEFAULT) {
        if (x->txn.active) {
            return diag_set(x->diag, ER_CANT_CHANGE_TX_CHARACTERISTICS);
        }
        x->txn.next_isolation = t->isolation;
        x->txn.next_access = t->access;
        return 0;
    }
    if (t->scope != SCOPE_GLOBAL) {
        set_access(x, &x->vars, t->access);
        return set_isolation(x, &x->vars, t->isolation);
    }
    if (exec_check_global(x, PRIV_SUPER, "SUPER") != 0) {
        return -1;
    }
    os_rwlock_write(&x->server->vars_lock);
    set_access(x, &x->server->vars, t->access);
    const int rc = set_isolation(x, &x->server->vars, t->isolation);
    os_rwlock_unlock(&x->server->vars_lock);
    return rc;
}
