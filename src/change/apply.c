/*
 * The apply fiber. A job is written in one engine transaction together with the position that
 * follows from it, so that all of it is there or nothing.
 *
 * A transaction of the source that is too large comes in several jobs; the engine's transaction,
 * and the writer's lock, stay open between them.
 */
#include "change/pipeline_int.h"

#include "base/clock.h"
#include "engine/crash_point.h"

#include <inttypes.h>
#include <string.h>

enum {
    KEYS_SHOWN = 5,
};

#define RECORD_POSITION STR("replica_position")

/* One pass of the thread. */
struct pass {
    struct pipeline *p;
    struct apply_job *job;
    struct diag diag;
    struct arena scratch;
    struct batch_table *refused; /* Whose rows do not fit, when that is why it failed. */
    int rc;
};

/* ---- Rows ---- */

static void keys_of(const struct batch_table *t, const struct chunk *gone, struct arena *arena,
                    struct str *out)
{
    *out = STR("");
    for (uint32_t i = 0; t->key_count > 0 && i < MIN(gone->nrows, KEYS_SHOWN); i++) {
        const struct str key = batch_key_text(gone, i, arena);
        *out = arena_printf(arena, "%.*s%s%.*s", STR_FMT(*out), i > 0 ? ", " : "", STR_FMT(key));
    }
}

static int count_differs(struct pass *x, struct batch_table *t, const struct chunk *gone,
                         uint64_t wanted, uint64_t found)
{
    struct str keys;
    keys_of(t, gone, &x->scratch, &keys);
    x->refused = t;
    return diag_set_text(&x->diag, ER_KEY_NOT_FOUND,
                         arena_printf(&x->diag.arena,
                                      "the log changes %" PRIu64
                                      " rows of `%.*s`.`%.*s`, of which the copy has "
                                      "%" PRIu64 "; keys: %.*s%s",
                                      wanted, STR_FMT(t->table->db), STR_FMT(t->table->name), found,
                                      STR_FMT(keys), wanted > KEYS_SHOWN ? ", …" : ""));
}

static int delete_rows(struct pass *x, struct batch_table *t)
{
    struct chunk *chunks;
    uint64_t deleted = 0;
    uint64_t wanted = 0;
    const uint32_t count = batch_rows_chunks(&t->gone, &x->scratch, &chunks);
    if (count == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        wanted += chunks[i].nrows;
    }
    uint32_t *columns = ARENA_ARRAY(&x->scratch, uint32_t, t->gone.ncols);
    for (uint32_t i = 0; i < t->gone.ncols; i++) {
        columns[i] = t->is_whole ? i : t->key[i];
    }
    const struct engine_values values = {
        .column_count = t->gone.ncols, .columns = columns, .chunk_count = count, .chunks = chunks};
    struct engine_session *s = x->p->session;
    const int rc = t->is_whole ? engine_delete_images(s, t->table->def, &values, &x->diag, &deleted)
                               : engine_delete_keys(s, t->table->def, &values, &x->diag, &deleted);
    if (rc != 0) {
        return rc;
    }
    return deleted != wanted && !t->is_upsert ? count_differs(x, t, &chunks[0], wanted, deleted)
                                              : 0;
}

static int insert_rows(struct pass *x, struct batch_table *t)
{
    struct chunk *chunks;
    const uint32_t count = batch_rows_chunks(&t->rows, &x->scratch, &chunks);
    return engine_insert_chunks(x->p->session, t->table->def, chunks, count, &x->diag);
}

static int apply_table(struct pass *x, struct batch_table *t)
{
    if (batch_fill(t, x->p->session, &x->scratch, &x->diag) != 0) {
        return -1;
    }
    /* Without a key a row may go that the batch itself has brought. */
    if (t->key_count == 0) {
        return insert_rows(x, t) != 0 ? -1 : delete_rows(x, t);
    }
    return delete_rows(x, t) != 0 ? -1 : insert_rows(x, t);
}

static int apply_batch(struct pass *x)
{
    struct batch *b = x->job->batch;
    for (uint32_t i = 0; i < b->table_count; i++) {
        struct batch_table *t = b->tables[i];
        if (!t->is_used || t->is_abandoned || atomic_load(&t->table->state) == COPY_ASIDE) {
            continue;
        }
        if (apply_table(x, t) != 0) {
            return -1;
        }
        struct batch_record *r = &x->job->record;
        r->rows_inserted += t->inserted;
        r->rows_updated += t->updated;
        r->rows_deleted += t->deleted;
        r->tables++;
    }
    window_note(x->p, b, &x->scratch);
    return 0;
}

/* ---- The rest of a job ---- */

int apply_store_position(struct engine_session *s, const struct change_position *position,
                         struct diag *d)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct str json = change_position_to_json(position, &arena);
    const int rc = engine_meta_put(s, RECORD_POSITION, 1, json, d);
    arena_release(&arena);
    return rc;
}

static int store_changes(struct pass *x)
{
    int rc = 0;
    for (struct copy_change *c = x->job->changes; c != NULL && rc == 0; c = c->next) {
        rc = copy_store(x->p->copy, x->p->session, c, &x->diag);
        crash_point("change-list");
    }
    return rc;
}

static int merge_windows(struct pass *x)
{
    const uint64_t start = clock_monotonic_us();
    int rc = 0;
    rlist_foreach (it, &x->job->merges) {
        rc = rc == 0 ? window_merge_rows(x->p, x->p->session, RLIST_ENTRY(it, struct request, link),
                                         &x->scratch, &x->diag)
                     : rc;
        crash_point("change-merge");
    }
    x->job->record.merge_us = clock_monotonic_us() - start;
    return rc;
}

static int run_task(struct pass *x)
{
    const struct pipeline_task *task = x->job->task;
    if (task->run == NULL) {
        return 0;
    }
    x->job->task_rc = task->run(task->arg, x->p->session, x->job->task_diag);
    return x->job->task_rc;
}

static int write_job(struct pass *x)
{
    struct pipeline *p = x->p;
    struct apply_job *job = x->job;
    crash_point("change-before-apply");
    if (job->plan != NULL) {
        if (change_ddl_apply(p->ddl, p->session, job->plan, &x->diag) != 0) {
            return -1;
        }
        crash_point("change-ddl");
    }
    if (job->batch != NULL && apply_batch(x) != 0) {
        return -1;
    }
    if (xa_store(job->xa, p->session, &x->diag) != 0 || store_changes(x) != 0 ||
        merge_windows(x) != 0) {
        return -1;
    }
    return job->task != NULL ? run_task(x) : 0;
}

static int begin(struct pass *x)
{
    struct pipeline *p = x->p;
    if (p->session == NULL && engine_session_open(p->server->engine, &x->diag, &p->session) != 0) {
        return -1;
    }
    return engine_begin(p->session, 0, &x->diag);
}

static void pass_step(void *arg)
{
    struct pass *x = arg;
    struct pipeline *p = x->p;
    struct apply_job *job = x->job;
    const uint64_t start = clock_monotonic_us();
    x->rc = p->txn_open ? 0 : begin(x);
    if (x->rc != 0) {
        return;
    }
    x->rc = write_job(x);
    crash_point(job->is_last ? "change-rows" : "change-portion");
    const uint64_t written = clock_monotonic_us();
    job->record.apply_us = written - start;
    if (x->rc == 0 && job->is_last) {
        x->rc = job->position.source_id[0] != '\0' || job->position.file[0] != '\0'
                    ? apply_store_position(p->session, &job->position, &x->diag)
                    : 0;
        crash_point("change-before-commit");
        x->rc = x->rc == 0 ? engine_commit(p->session, &x->diag) : x->rc;
        if (x->rc == 0) {
            crash_point("change-after-commit");
        }
        job->record.commit_us = clock_monotonic_us() - written;
    }
    if (x->rc != 0) {
        engine_rollback(p->session);
    }
}

static void rollback_step(void *arg)
{
    struct pipeline *p = arg;
    engine_rollback(p->session);
}

/* ---- After a job ---- */

static void unlock_writer(struct pipeline *p)
{
    p->txn_open = false;
    fmutex_unlock(&p->server->writer);
}

static void count_tables(const struct batch *b)
{
    for (uint32_t i = 0; i < b->table_count; i++) {
        const struct batch_table *t = b->tables[i];
        if (t->is_used && !t->is_abandoned) {
            atomic_fetch_add_explicit(&t->table->rows_inserted, t->inserted, memory_order_relaxed);
            atomic_fetch_add_explicit(&t->table->rows_updated, t->updated, memory_order_relaxed);
            atomic_fetch_add_explicit(&t->table->rows_deleted, t->deleted, memory_order_relaxed);
        }
    }
}

static void add_record(struct batch_record *to, const struct batch_record *r)
{
    to->transactions += r->transactions;
    to->rows_inserted += r->rows_inserted;
    to->rows_updated += r->rows_updated;
    to->rows_deleted += r->rows_deleted;
    to->bytes += r->bytes;
    to->tables = MAX(to->tables, r->tables);
    to->decode_us += r->decode_us;
    to->merge_us += r->merge_us;
    to->apply_us += r->apply_us;
}

/* With the lock. */
static void publish_record(struct pipeline *p, struct apply_job *job)
{
    struct batch_record *r = &job->record;
    struct pipeline_status *st = &p->status;
    add_record(r, &p->open_record);
    p->open_record = (struct batch_record){.number = 0};
    atomic_fetch_sub(&p->pending, r->transactions);
    atomic_store(&p->oldest_applying_us, 0);
    r->committed_us = clock_wall_us();
    r->number = ++p->record_count;
    memcpy(r->gtid, job->position.last_gtid, sizeof(r->gtid));
    p->records[(r->number - 1) % PIPELINE_RECORDS] = *r;
    st->transactions += r->transactions;
    st->rows_inserted += r->rows_inserted;
    st->rows_updated += r->rows_updated;
    st->rows_deleted += r->rows_deleted;
    st->batches++;
    st->ddl += r->end == BATCH_END_DDL;
    st->last_commit_us = job->position.last_commit_us;
}

/* The position is applied: whoever waits for it goes on. */
static void publish_position(struct pipeline *p, struct apply_job *job)
{
    struct request *done[16];
    uint32_t count;
    os_mutex_lock(&p->lock);
    change_position_copy(&p->applied, &job->position);
    if (job->task == NULL) {
        publish_record(p, job);
    }
    os_mutex_unlock(&p->lock);
    do {
        count = 0;
        os_mutex_lock(&p->lock);
        rlist_foreach_safe (it, &p->requests) {
            struct request *r = RLIST_ENTRY(it, struct request, link);
            if (r->kind == REQUEST_WAIT && count < ARRAY_SIZE(done) &&
                pipeline_covers(&p->applied, r->need, r->by_file)) {
                rlist_del(&r->link);
                r->state = REQUEST_TAKEN;
                if (!r->is_decoded) {
                    atomic_fetch_sub(&p->places, 1);
                }
                done[count++] = r;
            }
        }
        os_mutex_unlock(&p->lock);
        for (uint32_t i = 0; i < count; i++) {
            request_finish(p, done[i], 0, NULL);
        }
    } while (count == ARRAY_SIZE(done));
}

static void finish_merges(struct pipeline *p, struct apply_job *job, int rc, const struct diag *d)
{
    struct rlist *node;
    while ((node = rlist_shift(&job->merges)) != NULL) {
        if (rc != 0) {
            window_undo_merge(p, RLIST_ENTRY(node, struct request, link));
        }
        request_finish(p, RLIST_ENTRY(node, struct request, link), rc, d);
    }
}

/* Is some table to be copied again? */
static bool has_pending(const struct copy_change *changes)
{
    bool found = false;
    for (const struct copy_change *c = changes; c != NULL; c = c->next) {
        found |= c->after != NULL && atomic_load(&c->after->state) == COPY_PENDING;
    }
    return found;
}

/* The engine has committed. */
static void committed(struct pipeline *p, struct apply_job *job)
{
    unlock_writer(p);
    atomic_fetch_add(&p->server->commit_seq, 1);
    if (p->open_plan != NULL) {
        const bool wakes = p->open_plan->wakes_snapshot;
        change_ddl_publish(p->ddl, p->open_plan);
        p->open_plan = NULL;
        if (wakes && p->wake_snapshot != NULL) {
            p->wake_snapshot(p->wake_arg);
        }
    }
    if (job->changes != NULL) {
        const bool wakes = has_pending(job->changes);
        copy_publish(p->copy, job->changes);
        if (wakes && p->wake_snapshot != NULL) {
            p->wake_snapshot(p->wake_arg);
        }
    }
    if (job->task != NULL && job->task->done != NULL) {
        job->task->done(job->task->arg);
    }
    publish_position(p, job);
    finish_merges(p, job, 0, NULL);
}

/* The engine has rolled back. */
static void undone(struct pipeline *p, struct apply_job *job, const struct diag *d)
{
    unlock_writer(p);
    window_forget_brought(p);
    p->open_record = (struct batch_record){.number = 0};
    if (p->open_plan != NULL) {
        copy_abandon(p->copy, p->open_plan->changes);
        p->open_plan = NULL;
    }
    if (job->changes != NULL) {
        copy_abandon(p->copy, job->changes);
    }
    finish_merges(p, job, -1, d);
}

/* ---- The fiber ---- */

/* Metadata locks come before the writer's. */
static void lock_all(struct pipeline *p, struct apply_job *job)
{
    if (job->plan != NULL && job->plan->changes != NULL) {
        copy_lock(p->copy, job->plan->changes);
    }
    if (job->changes != NULL) {
        copy_lock(p->copy, job->changes);
    }
    if (!p->txn_open) {
        (void)!fmutex_lock(&p->server->writer, FIBER_FOREVER);
    }
}

static void set_state(struct pipeline *p, const char *state)
{
    os_mutex_lock(&p->lock);
    p->status.apply_state = state;
    os_mutex_unlock(&p->lock);
}

static void abort_job(struct pipeline *p)
{
    if (p->txn_open) {
        offload_run_always(PIPELINE_OFFLOAD, rollback_step, p);
        undone(p, &p->job, NULL);
    }
}

/*
 * Policy for a table whose rows do not fit: it is set aside, and the rest is written again. What
 * the stream has in hand of it meanwhile is recognised by the state of the old table.
 */
static bool set_refused_aside(struct pipeline *p, struct pass *x)
{
    if (x->refused == NULL || !p->now.set_aside || p->txn_open) {
        return false;
    }
    struct copy_table *t = x->refused->table;
    const struct str reason = x->diag.error->message;
    struct copy_change *change = ARENA_NEW(&x->scratch, struct copy_change);
    copy_table_ref(t);
    change->before = t;
    change->after = copy_table_new(p->server, t->db, t->name, COPY_ASIDE, NULL, reason);
    change->after->schema_hash = COPY_STAYS_ASIDE;
    change->next = x->job->changes;
    x->job->changes = change;
    log_warn(&p->log, "table set aside db=%.*s table=%.*s reason=\"%.*s\"", STR_FMT(t->db),
             STR_FMT(t->name), STR_FMT(reason));
    atomic_store(&t->state, COPY_ASIDE);
    x->refused->is_abandoned = true;
    x->refused = NULL;
    diag_reset(&x->diag);
    const struct batch_record old = x->job->record;
    x->job->record = (struct batch_record){.begun_us = old.begun_us,
                                           .transactions = old.transactions,
                                           .bytes = old.bytes,
                                           .end = old.end,
                                           .decode_us = old.decode_us};
    copy_lock(p->copy, change);
    return true;
}

static struct pace_job paced(const struct apply_job *job)
{
    const struct batch_record *r = &job->record;
    return (struct pace_job){.apply_us = r->apply_us,
                             .rows = r->rows_inserted + r->rows_updated + r->rows_deleted,
                             .is_plain = job->plan == NULL && job->task == NULL &&
                                         rlist_is_empty(&job->merges)};
}

static void run_job(struct pipeline *p)
{
    struct apply_job *job = &p->job;
    if (job->is_abort) {
        abort_job(p);
        return;
    }
    struct pass x = {.p = p, .job = job};
    const uint64_t start = clock_monotonic_us();
    diag_init(&x.diag);
    arena_init(&x.scratch, 0);
    set_state(p, "Applying batch");
    lock_all(p, job);
    if (job->plan != NULL) {
        p->open_plan = job->plan;
    }
    offload_run_always(PIPELINE_OFFLOAD, pass_step, &x);
    while (x.rc != 0 && set_refused_aside(p, &x)) {
        offload_run_always(PIPELINE_OFFLOAD, pass_step, &x);
    }
    if (x.rc != 0) {
        undone(p, job, &x.diag);
        if (job->task_rc == 0) {
            job->task_rc = -1;
            pipeline_fail(p, &x.diag);
        }
    } else if (job->is_last) {
        if (job->batch != NULL) {
            count_tables(job->batch);
        }
        struct pace_job done = paced(job);
        committed(p, job);
        const uint64_t now = clock_monotonic_us();
        done.elapsed_us = now - start;
        pace_rest(&p->pace, p->now.max_batch_us, &done, now);
    } else {
        p->txn_open = true;
        if (job->batch != NULL) {
            count_tables(job->batch);
            add_record(&p->open_record, &job->record);
        }
    }
    xa_puts_free(job->xa);
    job->xa = NULL;
    set_state(p, "Waiting for an event");
    arena_release(&x.scratch);
    diag_release(&x.diag);
}

static void close_step(void *arg)
{
    struct pipeline *p = arg;
    engine_session_close(p->session);
    p->session = NULL;
}

void apply_run(void *arg)
{
    struct pipeline *p = arg;
    while (p->has_job || !p->apply_ends) {
        if (!p->has_job) {
            (void)!fiber_park(FIBER_FOREVER);
            continue;
        }
        run_job(p);
        p->has_job = false;
        fiber_wake(p->stream_fiber);
        p->input.nudge(p->input.arg);
    }
    if (p->session != NULL) {
        offload_run_always(PIPELINE_OFFLOAD, close_step, p);
    }
}

void apply_start(struct pipeline *p)
{
    p->job.task_rc = 0;
    p->has_job = true;
    fiber_wake(p->apply_fiber);
}

void apply_wait(struct pipeline *p)
{
    while (p->has_job) {
        (void)!fiber_park(FIBER_FOREVER);
    }
}
