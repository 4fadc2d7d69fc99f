/* What others call: life, status, requests. */
#include "change/pipeline_int.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Life ---- */

struct pipeline *pipeline_new(struct server *server, struct copy *copy,
                              const struct pipeline_options *o)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        abort();
    }
    p->server = server;
    p->copy = copy;
    p->log = (struct log){.module = "change"};
    p->options = *o;
    p->status.apply_state = "";
    os_mutex_init(&p->lock);
    fmutex_init(&p->idle);
    rlist_init(&p->requests);
    rlist_init(&p->windows);
    change_position_init(&p->applied);
    change_position_init(&p->job.position);
    stream_init(&p->stream);
    for (int i = 0; i < PIPELINE_BATCHES; i++) {
        batch_init(&p->batches[i]);
    }
    p->stream.batch = &p->batches[0];
    return p;
}

void pipeline_free(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    for (int i = 0; i < PIPELINE_BATCHES; i++) {
        batch_release(&p->batches[i]);
    }
    stream_release(&p->stream);
    change_position_release(&p->applied);
    change_position_release(&p->job.position);
    fmutex_release(&p->idle);
    os_mutex_release(&p->lock);
    free(p);
}

void pipeline_set_options(struct pipeline *p, const struct pipeline_options *o)
{
    os_mutex_lock(&p->lock);
    p->options = *o;
    os_mutex_unlock(&p->lock);
}

void pipeline_set_ddl(struct pipeline *p, struct change_ddl *ddl, void (*wake)(void *arg),
                      void *arg)
{
    p->ddl = ddl;
    p->wake_snapshot = wake;
    p->wake_arg = arg;
}

/* ---- The source as an input ---- */

static enum change_take source_take(void *arg, uint64_t deadline_us, struct change_block **out,
                                    struct diag *d)
{
    return change_source_take(arg, deadline_us, out, d);
}

static void source_give_back(void *arg, struct change_block *b)
{
    change_source_give_back(arg, b);
}

static void source_nudge(void *arg)
{
    change_source_nudge(arg);
}

static void source_restart(void *arg, const struct change_position *from)
{
    change_source_restart(arg, from);
}

static bool source_is_idle(void *arg)
{
    return change_source_is_idle(arg);
}

/* ---- Start and stop ---- */

/* Everything from an earlier run is forgotten. */
static void start_clean(struct pipeline *p, const struct change_position *from)
{
    stream_release(&p->stream);
    stream_init(&p->stream);
    for (int i = 0; i < PIPELINE_BATCHES; i++) {
        batch_rollback(&p->batches[i]);
        batch_reset(&p->batches[i]);
    }
    p->stream.batch = &p->batches[0];
    change_position_copy(&p->stream.position, from);
    memcpy(p->stream.file, from->file, sizeof(p->stream.file));
    p->stream.offset = from->offset;
    p->has_job = false;
    p->apply_ends = false;
    p->txn_open = false;
    p->open_plan = NULL;
    p->pace = (struct pace){.ramp_bytes = 0};
    atomic_store(&p->attention, false);
    atomic_store(&p->pending, 0);
    atomic_store(&p->oldest_decoded_us, 0);
    atomic_store(&p->oldest_applying_us, 0);
    os_mutex_lock(&p->lock);
    change_position_copy(&p->applied, from);
    p->now = p->options;
    p->is_stopping = false;
    p->has_failed = false;
    p->is_running = true;
    p->status = (struct pipeline_status){.running = true,
                                         .apply_state = "Waiting for an event",
                                         .last_commit_us = from->last_commit_us};
    p->record_count = 0;
    os_mutex_unlock(&p->lock);
}

int pipeline_start_input(struct pipeline *p, struct loop *loop, const struct stream_input *input,
                         const struct change_position *from, const struct upstream_greeting *g)
{
    p->loop = loop;
    p->input = *input;
    p->dialect = g != NULL && g->kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL;
    start_clean(p, from);
    p->apply_fiber = fiber_spawn_ref(loop, apply_run, p);
    p->stream_fiber = p->apply_fiber != NULL ? fiber_spawn_ref(loop, stream_run, p) : NULL;
    if (p->stream_fiber != NULL) {
        return 0;
    }
    os_mutex_lock(&p->lock);
    p->is_running = false;
    p->status.running = false;
    os_mutex_unlock(&p->lock);
    if (p->apply_fiber != NULL) {
        p->apply_ends = true;
        fiber_wake(p->apply_fiber);
        fiber_join(p->apply_fiber);
        p->apply_fiber = NULL;
    }
    return -1;
}

int pipeline_start(struct pipeline *p, struct loop *loop, struct change_source *source,
                   const struct change_position *from, const struct upstream_greeting *g)
{
    const struct stream_input input = {.arg = source,
                                       .take = source_take,
                                       .give_back = source_give_back,
                                       .nudge = source_nudge,
                                       .restart = source_restart,
                                       .is_idle = source_is_idle};
    p->source = source;
    return pipeline_start_input(p, loop, &input, from, g);
}

void pipeline_stop(struct pipeline *p)
{
    if (p->stream_fiber == NULL) {
        return;
    }
    os_mutex_lock(&p->lock);
    p->is_stopping = true;
    os_mutex_unlock(&p->lock);
    atomic_store(&p->attention, true);
    p->input.nudge(p->input.arg);
    fiber_join(p->stream_fiber);
    fiber_join(p->apply_fiber);
    p->stream_fiber = NULL;
    p->apply_fiber = NULL;
    p->source = NULL;
}

bool pipeline_has_failed(struct pipeline *p)
{
    os_mutex_lock(&p->lock);
    const bool failed = p->has_failed;
    os_mutex_unlock(&p->lock);
    return failed;
}

void pipeline_fail(struct pipeline *p, const struct diag *d)
{
    os_mutex_lock(&p->lock);
    if (!p->has_failed) {
        const struct change_position *at = &p->applied;
        const struct str text = d->error != NULL ? d->error->message : STR("unknown error");
        p->has_failed = true;
        p->status.last_errno = d->error != NULL ? d->error->code : ER_INTERNAL_ERROR;
        p->status.last_error_us = (uint64_t)clock_wall_us();
        (void)snprintf(p->status.last_error, sizeof(p->status.last_error),
                       "%.*s (after %s:%llu%s%s)", STR_FMT(text), at->file,
                       (unsigned long long)at->offset, at->last_gtid[0] != '\0' ? ", " : "",
                       at->last_gtid);
        log_error(&p->log, "change stream stopped error=\"%s\"", p->status.last_error);
    }
    os_mutex_unlock(&p->lock);
    p->input.nudge(p->input.arg);
}

void pipeline_forget_error(struct pipeline *p)
{
    os_mutex_lock(&p->lock);
    p->status.last_errno = 0;
    p->status.last_error_us = 0;
    p->status.last_error[0] = '\0';
    os_mutex_unlock(&p->lock);
}

int pipeline_forget_prepared(struct engine_session *s, struct diag *d)
{
    return xa_remove_all(s, d);
}

/* ---- Status ---- */

void pipeline_status(struct pipeline *p, struct pipeline_status *out)
{
    const int64_t now = clock_wall_us();
    os_mutex_lock(&p->lock);
    *out = p->status;
    out->decoded_transactions = out->transactions + atomic_load(&p->pending);
    const uint64_t applying = atomic_load(&p->oldest_applying_us);
    const uint64_t oldest = applying != 0 ? applying : atomic_load(&p->oldest_decoded_us);
    out->lag_us =
        out->running && oldest != 0 && (uint64_t)now > oldest ? (uint64_t)now - oldest : 0;
    os_mutex_unlock(&p->lock);
}

uint32_t pipeline_batches(struct pipeline *p, struct arena *arena, struct batch_record **out)
{
    *out = ARENA_ARRAY(arena, struct batch_record, PIPELINE_RECORDS);
    os_mutex_lock(&p->lock);
    const uint32_t count = (uint32_t)MIN(p->record_count, (uint64_t)PIPELINE_RECORDS);
    for (uint32_t i = 0; i < count; i++) {
        (*out)[i] = p->records[(p->record_count - 1 - i) % PIPELINE_RECORDS];
    }
    os_mutex_unlock(&p->lock);
    return count;
}

void pipeline_position(struct pipeline *p, struct change_position *out)
{
    os_mutex_lock(&p->lock);
    change_position_copy(out, &p->applied);
    os_mutex_unlock(&p->lock);
}

bool pipeline_covers(const struct change_position *have, const struct change_position *need,
                     bool by_file)
{
    if (by_file || need->mode == CHANGE_BY_FILE) {
        return have->file[0] != '\0' &&
               change_position_compare(have->file, have->offset, need->file, need->offset) >= 0;
    }
    return need->mode == CHANGE_BY_MYSQL_GTID
               ? gtid_set_is_subset(&need->gtids, &have->gtids)
               : mariadb_pos_covers_all(&have->mariadb, &need->mariadb);
}

/* ---- Requests ---- */

void request_finish(struct pipeline *p, struct request *r, int rc, const struct diag *d)
{
    if (rc != 0 && d != NULL && d->error != NULL) {
        (void)diag_set_text(r->diag, d->error->code, arena_dup(&r->diag->arena, d->error->message));
    } else if (rc != 0) {
        (void)diag_set(r->diag, ER_INTERNAL_ERROR, "the change stream has stopped");
    }
    struct fiber *fiber = fiber_ref(r->fiber);
    os_mutex_lock(&p->lock);
    r->rc = rc;
    r->state = REQUEST_DONE;
    os_mutex_unlock(&p->lock);
    fiber_wake(fiber);
    fiber_unref(fiber);
}

static bool has_place(const struct request *r)
{
    return r->kind == REQUEST_WAIT || (r->kind == REQUEST_MERGE && r->merge->file != NULL);
}

static int not_running(struct pipeline *p, struct diag *d)
{
    struct pipeline_status st;
    pipeline_status(p, &st);
    const struct str text =
        st.last_errno != 0
            ? arena_printf(&d->arena, "the change stream has stopped: %s", st.last_error)
            : STR("the change stream does not run");
    return diag_set_text(d, ER_REPLICA_FATAL_ERROR, text);
}

/* The input is there as long as the stream runs, so it is told with the lock held. */
static bool enqueue(struct pipeline *p, struct request *r)
{
    r->state = REQUEST_QUEUED;
    r->fiber = fiber_self();
    os_mutex_lock(&p->lock);
    const bool running = p->is_running && !p->has_failed;
    if (running) {
        rlist_push(&p->requests, &r->link);
        if (has_place(r)) {
            atomic_fetch_add(&p->places, 1);
        }
        atomic_store(&p->attention, true);
        p->input.nudge(p->input.arg);
    }
    os_mutex_unlock(&p->lock);
    return running;
}

/* Takes a request back. False: it is too late, it must be waited for. */
static bool withdraw(struct pipeline *p, struct request *r)
{
    os_mutex_lock(&p->lock);
    const bool queued = r->state == REQUEST_QUEUED;
    if (queued) {
        rlist_del(&r->link);
        if (has_place(r) && !r->is_decoded) {
            atomic_fetch_sub(&p->places, 1);
        }
    }
    os_mutex_unlock(&p->lock);
    return queued;
}

static enum request_state state_of(struct pipeline *p, struct request *r)
{
    os_mutex_lock(&p->lock);
    const enum request_state state = r->state;
    os_mutex_unlock(&p->lock);
    return state;
}

int request_run(struct pipeline *p, struct request *r, uint64_t deadline_us)
{
    enum fiber_result why = FIBER_WOKEN;
    if (!enqueue(p, r)) {
        return not_running(p, r->diag);
    }
    while (state_of(p, r) != REQUEST_DONE && why == FIBER_WOKEN) {
        why = fiber_park(deadline_us);
    }
    if (why == FIBER_WOKEN) {
        return r->rc;
    }
    if (withdraw(p, r)) {
        return why == FIBER_TIMEOUT ? diag_set(r->diag, ER_LOCK_WAIT_TIMEOUT)
                                    : diag_set(r->diag, ER_QUERY_INTERRUPTED);
    }
    fiber_mask_interrupts();
    while (state_of(p, r) != REQUEST_DONE) {
        (void)!fiber_park(FIBER_FOREVER);
    }
    fiber_unmask_interrupts();
    return r->rc;
}

int pipeline_wait(struct pipeline *p, const struct change_position *need, bool by_file,
                  uint64_t deadline_us, struct diag *d)
{
    os_mutex_lock(&p->lock);
    const bool covered = pipeline_covers(&p->applied, need, by_file);
    os_mutex_unlock(&p->lock);
    if (covered) {
        return 0;
    }
    struct request r = {.kind = REQUEST_WAIT, .need = need, .by_file = by_file, .diag = d};
    return request_run(p, &r, deadline_us);
}

/* ---- Tasks ---- */

struct idle_task {
    struct pipeline *p;
    const struct pipeline_task *task;
    struct diag *diag;
    int rc;
};

static void idle_step(void *arg)
{
    struct idle_task *t = arg;
    struct engine_session *s = NULL;
    t->rc = engine_session_open(t->p->server->engine, t->diag, &s);
    if (t->rc != 0) {
        return;
    }
    t->rc = engine_begin(s, 0, t->diag);
    if (t->rc == 0) {
        t->rc = t->task->run != NULL ? t->task->run(t->task->arg, s, t->diag) : 0;
        t->rc = t->rc == 0 ? engine_commit(s, t->diag) : t->rc;
        if (t->rc != 0) {
            engine_rollback(s);
        }
    }
    engine_session_close(s);
}

/* Nothing is under way: the position stays as it is stored. */
static int run_idle(struct pipeline *p, const struct pipeline_task *task, struct diag *d)
{
    struct idle_task t = {.p = p, .task = task, .diag = d};
    (void)!fmutex_lock(&p->idle, FIBER_FOREVER);
    (void)!fmutex_lock(&p->server->writer, FIBER_FOREVER);
    offload_run_always(PIPELINE_OFFLOAD, idle_step, &t);
    fmutex_unlock(&p->server->writer);
    if (t.rc == 0) {
        atomic_fetch_add(&p->server->commit_seq, 1);
        if (task->done != NULL) {
            task->done(task->arg);
        }
    }
    fmutex_unlock(&p->idle);
    return t.rc;
}

int pipeline_task(struct pipeline *p, const struct pipeline_task *task, struct diag *d)
{
    os_mutex_lock(&p->lock);
    const bool running = p->is_running;
    os_mutex_unlock(&p->lock);
    if (!running) {
        fiber_mask_interrupts();
        const int rc = run_idle(p, task, d);
        fiber_unmask_interrupts();
        return rc;
    }
    struct request r = {.kind = REQUEST_TASK, .task = task, .diag = d};
    return request_run(p, &r, FIBER_FOREVER);
}
