/*
 * The stream's fiber. It takes blocks, has them decoded into the batch being built, and hands that
 * over when it ends; what others ask for is done between transactions.
 */
#include "change/pipeline_int.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    RESET_HERE_BYTES = 256 * 1024, /* To empty a larger batch takes an event loop too long. */
};

void stream_init(struct stream *s)
{
    *s = (struct stream){.generation = 1, .serial = 1};
    binlog_stream_init(&s->log, BINLOG_CHECKSUM_NONE);
    arena_init(&s->scratch, 0);
    arena_init(&s->query_arena, 0);
    arena_init(&s->aside_arena, 0);
    diag_init(&s->diag);
    htab_init(&s->bindings, 0);
    change_position_init(&s->position);
    xa_init(&s->xa);
}

void stream_release(struct stream *s)
{
    bind_release(s);
    htab_release(&s->bindings);
    binlog_stream_release(&s->log);
    arena_release(&s->scratch);
    arena_release(&s->query_arena);
    arena_release(&s->aside_arena);
    diag_release(&s->diag);
    change_position_release(&s->position);
    xa_release(&s->xa);
}

/* Is it between two transactions of the source? */
static bool is_between(const struct stream *s)
{
    return !binlog_stream_in_txn(&s->log) && s->xa.replayed == NULL;
}

static bool has_work(const struct stream *s)
{
    return !batch_is_empty(s->batch) || s->portions > 0 || s->ends_with_ddl || s->aside != NULL;
}

/* ---- Handing over ---- */

/* A batch that is not being applied. */
static struct batch *spare_batch(struct pipeline *p)
{
    return p->stream.batch == &p->batches[0] ? &p->batches[1] : &p->batches[0];
}

static void reset_step(void *arg)
{
    batch_reset(arg);
}

static void next_batch(struct pipeline *p)
{
    struct stream *s = &p->stream;
    s->batch = spare_batch(p);
    if (s->batch->bytes > RESET_HERE_BYTES) {
        offload_run_always(PIPELINE_OFFLOAD, reset_step, s->batch);
    } else {
        batch_reset(s->batch);
    }
    s->batch->checks_images = p->now.check_images;
    s->serial++;
    s->begun_us = 0;
    s->decode_us = 0;
}

/* The job of the batch being built; waits for the one before. */
static struct apply_job *prepare_job(struct pipeline *p, enum batch_end end)
{
    struct stream *s = &p->stream;
    apply_wait(p);
    struct apply_job *job = &p->job;
    job->batch = s->batch;
    job->plan = NULL;
    job->changes = NULL;
    job->task = NULL;
    job->xa = NULL;
    job->is_last = false;
    job->is_abort = false;
    rlist_init(&job->merges);
    job->record = (struct batch_record){.begun_us = s->begun_wall_us,
                                        .transactions = s->batch->transactions,
                                        .bytes = s->batch->bytes,
                                        .end = end,
                                        .decode_us = s->decode_us};
    return job;
}

static void put_position(struct pipeline *p, struct apply_job *job)
{
    decode_finish_position(&p->stream);
    change_position_copy(&job->position, &p->stream.position);
}

static void refuse_window(struct pipeline *p, struct request *r)
{
    struct diag d;
    diag_init(&d);
    if (r->window->is_full) {
        (void)diag_set_text(&d, ER_TRANS_CACHE_FULL,
                            STR("it has no key, and while it was read there were more changes to "
                                "it than can be kept in memory: copy it when it is written to "
                                "less, or give it a primary key"));
    } else if (!window_has_parts(r->window)) {
        (void)diag_set_text(&d, ER_OUT_OF_RESOURCES,
                            STR("while rows were read there were more updates to it without the "
                                "whole row (binlog_row_image) than can be kept in memory: they "
                                "are read again"));
    } else {
        (void)diag_set(&d, ER_TABLE_DEF_CHANGED);
    }
    request_finish(p, r, -1, &d);
    diag_release(&d);
}

/* Is the window's table still what it was, and being copied? */
static bool window_is_good(struct pipeline *p, const struct pipeline_window *w)
{
    struct copy_table *now = copy_find(p->copy, w->table->db, w->table->name);
    bool good = now == w->table && !w->is_broken && atomic_load(&now->state) == COPY_LOADING;
    for (const struct copy_change *c = p->stream.aside; c != NULL; c = c->next) {
        good &= c->before != w->table; /* Another change of it is on its way. */
    }
    if (now != NULL) {
        copy_table_unref(now);
    }
    return good;
}

/* Has the stream come to where the merge's rows were read? */
static bool merge_is_due(struct pipeline *p, const struct request *r)
{
    const struct change_position *have = &p->stream.position;
    return r->kind == REQUEST_MERGE &&
           (r->merge->file == NULL ||
            change_position_compare(have->file, have->offset, r->merge->file, r->merge->offset) >=
                0);
}

/* The table is complete with this merge. */
static void add_live(struct stream *s, struct copy_table *t)
{
    struct copy_change *change = ARENA_NEW(&s->aside_arena, struct copy_change);
    copy_table_ref(t);
    change->before = t;
    change->after = copy_table_with_state(t, COPY_LIVE, STR(""));
    change->next = s->aside;
    s->aside = change;
}

/* Merges whose place has been reached go with the batch. */
static bool take_merges(struct pipeline *p, struct apply_job *job)
{
    struct rlist due;
    struct rlist *node;
    rlist_init(&due);
    os_mutex_lock(&p->lock);
    rlist_foreach_safe (it, &p->requests) {
        struct request *r = RLIST_ENTRY(it, struct request, link);
        if (merge_is_due(p, r)) {
            rlist_del(&r->link);
            r->state = REQUEST_TAKEN;
            atomic_fetch_sub(&p->places, r->merge->file != NULL);
            rlist_push(&due, &r->link);
        }
    }
    os_mutex_unlock(&p->lock);
    while ((node = rlist_shift(&due)) != NULL) {
        struct request *r = RLIST_ENTRY(node, struct request, link);
        if (!window_is_good(p, r->window) || !window_has_parts(r->window)) {
            refuse_window(p, r);
            continue;
        }
        if (r->merge->last) {
            add_live(&p->stream, r->window->table);
        }
        rlist_push(&job->merges, &r->link);
    }
    return !rlist_is_empty(&job->merges);
}

/* What waits for a place that this batch covers has been served. */
static void mark_decoded(struct pipeline *p)
{
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->requests) {
        struct request *r = RLIST_ENTRY(it, struct request, link);
        if (r->kind == REQUEST_WAIT && !r->is_decoded &&
            pipeline_covers(&p->stream.position, r->need, r->by_file)) {
            r->is_decoded = true;
            atomic_fetch_sub(&p->places, 1);
        }
    }
    os_mutex_unlock(&p->lock);
}

/* Does it delete and update nothing, so that no rows are to be looked for? */
static bool only_inserts(const struct batch *b)
{
    for (uint32_t i = 0; i < b->table_count; i++) {
        if (b->tables[i]->is_used && b->tables[i]->gone.count > 0) {
            return false;
        }
    }
    return true;
}

/* Ends the batch at a boundary: all of it is committed with the position. */
static void hand_over(struct pipeline *p, enum batch_end end)
{
    struct stream *s = &p->stream;
    struct apply_job *job = prepare_job(p, end);
    if (pipeline_has_failed(p)) {
        return;
    }
    const bool merges = take_merges(p, job);
    const bool changes = s->aside != NULL || s->ends_with_ddl;
    put_position(p, job);
    mark_decoded(p);
    atomic_store(&p->oldest_applying_us, atomic_load(&p->oldest_decoded_us));
    atomic_store(&p->oldest_decoded_us, 0);
    s->first_commit_us = s->position.last_commit_us; /* A statement may have begun already. */
    job->is_last = true;
    job->changes = s->aside;
    job->xa = xa_take_puts(&s->xa);
    pace_ended(&p->pace, p->now.max_batch_bytes, end, only_inserts(s->batch));
    apply_start(p);
    next_batch(p);
    if (merges || changes) {
        /* The list of tables changes with it. */
        apply_wait(p);
        s->aside = NULL;
        arena_reset(&s->aside_arena);
        s->generation++;
    }
    s->portions = 0;
    s->ends_with_ddl = false;
    if (s->plan != NULL) {
        s->plan = NULL;
        arena_reset(&s->query_arena);
    }
}

/* Part of a transaction goes into the open engine transaction. */
static void hand_over_portion(struct pipeline *p)
{
    struct stream *s = &p->stream;
    struct apply_job *job = prepare_job(p, BATCH_END_BYTES);
    if (pipeline_has_failed(p)) {
        return;
    }
    job->xa = xa_take_puts(&s->xa);
    apply_start(p);
    next_batch(p);
    s->portions++;
    atomic_store(&p->oldest_decoded_us, s->first_commit_us);
}

static void fail_with_diag(struct pipeline *p)
{
    pipeline_fail(p, &p->stream.diag);
}

struct xa_call {
    struct pipeline *p;
    int (*fn)(struct xa *x, struct engine_session *s, struct diag *d);
    int rc;
};

static void xa_step(void *arg)
{
    struct xa_call *call = arg;
    struct pipeline *p = call->p;
    struct diag *d = &p->stream.diag;
    call->rc = p->session != NULL ? 0 : engine_session_open(p->server->engine, d, &p->session);
    if (call->rc == 0) {
        call->rc = call->fn(&p->stream.xa, p->session, d);
    }
}

/* Reads of the store, while the apply fiber has nothing to do; an error stops the stream. */
static void read_xa(struct pipeline *p,
                    int (*fn)(struct xa *x, struct engine_session *s, struct diag *d))
{
    struct xa_call call = {.p = p, .fn = fn};
    apply_wait(p);
    offload_run_always(PIPELINE_OFFLOAD, xa_step, &call);
    if (call.rc != 0) {
        fail_with_diag(p);
    }
}

/* What is in the engine's open transaction, if there is one, is rolled back. */
static void abort_open(struct pipeline *p)
{
    struct apply_job *job = prepare_job(p, BATCH_END_STOP);
    job->batch = NULL;
    job->is_abort = true;
    apply_start(p);
    apply_wait(p);
}

static void forget_aside(struct stream *s)
{
    for (struct copy_change *c = s->aside; c != NULL; c = c->next) {
        copy_table_unref(c->before);
        copy_table_unref(c->after);
    }
    s->aside = NULL;
}

/* Everything since the last commit of the engine is forgotten and comes again. */
static void start_over(struct pipeline *p)
{
    struct stream *s = &p->stream;
    abort_open(p);
    os_mutex_lock(&p->lock);
    change_position_copy(&s->position, &p->applied);
    os_mutex_unlock(&p->lock);
    s->portions = 0;
    s->ends_with_ddl = false;
    s->plan = NULL;
    s->has_last_gtid = false;
    forget_aside(s);
    s->generation++;
    spool_each(p, SPOOL_BREAK, STR(""));
    atomic_store(&p->pending, 0);
    atomic_store(&p->oldest_decoded_us, 0);
    atomic_store(&p->oldest_applying_us, 0);
    batch_rollback(s->batch);
    batch_reset(s->batch);
    s->begun_us = 0;
    decode_restart(p);
    read_xa(p, xa_load);
}

static void drop_block(struct pipeline *p)
{
    struct stream *s = &p->stream;
    if (s->block != NULL) {
        p->input.give_back(p->input.arg, s->block);
        s->block = NULL;
    }
}

/* The connection is a new one: goes on from what has been decoded, or, when a part of a transaction
 * is in the engine, from what is committed. */
static void reconnect(struct pipeline *p)
{
    struct stream *s = &p->stream;
    drop_block(p);
    if (s->portions > 0 || s->ends_with_ddl) {
        start_over(p);
    } else {
        decode_restart(p);
    }
    decode_finish_position(s);
    p->input.restart(p->input.arg, &s->position);
}

/* ---- Statements ---- */

/* DDL: what came before it is committed, then it is carried out in a transaction that stays open
 * until the source's ends. */
static void on_query(struct pipeline *p)
{
    struct stream *s = &p->stream;
    if (p->ddl == NULL) {
        (void)diag_set_text(&s->diag, ER_REPLICA_FATAL_ERROR,
                            arena_printf(&s->diag.arena, "a statement cannot be followed: %.*s",
                                         STR_FMT(s->query.sql)));
        fail_with_diag(p);
        return;
    }
    if (s->batch->mark_count == 0 && s->portions == 0 && s->batch->transactions > 0) {
        hand_over(p, BATCH_END_DDL);
        if (pipeline_has_failed(p)) {
            return;
        }
    }
    apply_wait(p);
    struct change_ddl_plan *plan = ARENA_NEW(&s->query_arena, struct change_ddl_plan);
    if (change_ddl_plan(p->ddl, &s->query, &s->query_arena, &s->diag, plan) != 0) {
        fail_with_diag(p);
        return;
    }
    struct apply_job *job = prepare_job(p, BATCH_END_DDL);
    job->plan = plan;
    for (struct copy_change *c = plan->changes; c != NULL; c = c->next) {
        if (c->before != NULL) {
            window_break_all(p, c->before);
        }
    }
    s->plan = plan;
    apply_start(p);
    next_batch(p);
    s->begun_us = clock_monotonic_us();
    apply_wait(p);
    s->ends_with_ddl = true;
    s->generation++;
}

/* ---- Requests ---- */

static void finish_not_running(struct pipeline *p, struct request *r)
{
    struct diag d;
    diag_init(&d);
    struct pipeline_status status;
    pipeline_status(p, &status);
    const struct str text =
        status.last_errno != 0
            ? arena_printf(&d.arena, "the change stream has stopped: %s", status.last_error)
            : STR("the change stream has stopped");
    (void)diag_set_text(&d, ER_REPLICA_FATAL_ERROR, text);
    request_finish(p, r, -1, &d);
    diag_release(&d);
}

static void open_window(struct pipeline *p, struct request *r)
{
    if (!window_is_good(p, r->window)) {
        refuse_window(p, r);
        return;
    }
    decode_finish_position(&p->stream);
    change_position_copy(r->out_position, &p->stream.position);
    os_mutex_lock(&p->lock);
    rlist_push(&p->windows, &r->window->link);
    os_mutex_unlock(&p->lock);
    if (r->window->spool != NULL) {
        atomic_fetch_add(&p->spools, 1);
        p->stream.generation++;
    }
    request_finish(p, r, 0, NULL);
}

/* With everything before it applied. */
static void run_task(struct pipeline *p, struct request *r)
{
    if (has_work(&p->stream)) {
        hand_over(p, BATCH_END_REQUEST);
    }
    struct apply_job *job = prepare_job(p, BATCH_END_REQUEST);
    if (pipeline_has_failed(p)) {
        finish_not_running(p, r);
        return;
    }
    struct diag d;
    diag_init(&d);
    job->batch = NULL;
    job->task = r->task;
    job->is_last = true;
    job->task_diag = &d;
    put_position(p, job);
    apply_start(p);
    apply_wait(p);
    p->stream.generation++;
    request_finish(p, r, job->task_rc, job->task_rc != 0 ? &d : NULL);
    diag_release(&d);
}

static struct request *take_request(struct pipeline *p)
{
    struct request *found = NULL;
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->requests) {
        struct request *r = RLIST_ENTRY(it, struct request, link);
        if (r->kind == REQUEST_TASK || r->kind == REQUEST_OPEN || r->kind == REQUEST_CLOSE) {
            found = r;
            rlist_del(&r->link);
            r->state = REQUEST_TAKEN;
            break;
        }
    }
    os_mutex_unlock(&p->lock);
    return found;
}

/* Is there a merge, or a wait, whose place has been reached and not been handed over? */
static bool place_is_due(struct pipeline *p)
{
    const struct change_position *have = &p->stream.position;
    bool due = false;
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->requests) {
        const struct request *r = RLIST_ENTRY(it, struct request, link);
        due |= merge_is_due(p, r);
        if (r->kind == REQUEST_WAIT && !r->is_decoded) {
            due |= pipeline_covers(have, r->need, r->by_file);
        }
    }
    os_mutex_unlock(&p->lock);
    return due;
}

static void handle_requests(struct pipeline *p)
{
    struct request *r;
    atomic_store(&p->attention, false);
    while (!pipeline_has_failed(p) && (r = take_request(p)) != NULL) {
        if (r->kind == REQUEST_OPEN) {
            open_window(p, r);
        } else if (r->kind == REQUEST_CLOSE) {
            p->stream.generation++;
            window_free(r->window);
            request_finish(p, r, 0, NULL);
        } else {
            run_task(p, r);
        }
    }
    if (!pipeline_has_failed(p) && place_is_due(p) && p->has_job && !has_work(&p->stream)) {
        apply_wait(p); /* What is under way may be all that is waited for. */
    }
    if (!pipeline_has_failed(p) && place_is_due(p)) {
        hand_over(p, BATCH_END_REQUEST);
    }
}

static void refuse_requests(struct pipeline *p)
{
    for (;;) {
        os_mutex_lock(&p->lock);
        struct rlist *node = rlist_shift(&p->requests);
        if (node != NULL) {
            RLIST_ENTRY(node, struct request, link)->state = REQUEST_TAKEN;
        }
        os_mutex_unlock(&p->lock);
        if (node == NULL) {
            break;
        }
        finish_not_running(p, RLIST_ENTRY(node, struct request, link));
    }
    atomic_store(&p->places, 0);
}

/* ---- The loop ---- */

struct decode_call {
    struct pipeline *p;
    enum decode_stop stop;
};

static void decode_step(void *arg)
{
    struct decode_call *call = arg;
    call->stop = decode_run(call->p);
}

static bool is_stopping(struct pipeline *p)
{
    os_mutex_lock(&p->lock);
    const bool stopping = p->is_stopping || p->has_failed;
    os_mutex_unlock(&p->lock);
    return stopping;
}

/* Does the batch change tables that are being copied, and no others? */
static bool is_unseen(const struct batch *b)
{
    uint32_t loading = 0;
    for (uint32_t i = 0; i < b->table_count; i++) {
        const struct batch_table *t = b->tables[i];
        if (t->is_used && atomic_load(&t->table->state) != COPY_LOADING) {
            return false;
        }
        loading += t->is_used;
    }
    return loading > 0;
}

static struct pace_batch batch_at_hand(const struct pipeline *p)
{
    return (struct pace_batch){.begun_us = p->stream.begun_us,
                               .is_unseen = is_unseen(p->stream.batch),
                               .is_awaited = atomic_load(&p->places) > 0};
}

/* With nothing being written: does the batch end, although it is not full? */
static void consider_time(struct pipeline *p, bool is_idle)
{
    enum batch_end end;
    const struct pace_batch b = batch_at_hand(p);
    if (pace_ends(&p->pace, &p->now, &b, is_idle, clock_monotonic_us(), &end)) {
        hand_over(p, end);
    }
}

/* At a boundary: does the batch end? */
static void consider_batch(struct pipeline *p, bool is_idle)
{
    struct stream *s = &p->stream;
    if (!has_work(s)) {
        return;
    }
    if (s->portions > 0 || s->aside != NULL) {
        hand_over(p, BATCH_END_BYTES);
    } else if (s->ends_with_ddl) {
        hand_over(p, BATCH_END_DDL);
    } else if (batch_is_full(s->batch, s->enough_bytes)) {
        hand_over(p, BATCH_END_BYTES);
    } else if (!p->has_job) {
        consider_time(p, is_idle);
    }
}

static void decode_block(struct pipeline *p)
{
    struct stream *s = &p->stream;
    struct decode_call call = {.p = p};
    const uint64_t before = s->batch->transactions;
    offload_run_always(PIPELINE_OFFLOAD, decode_step, &call);
    atomic_fetch_add(&p->pending, s->batch->transactions - before);
    if (before == 0 && s->batch->transactions > 0) {
        atomic_store(&p->oldest_decoded_us, s->first_commit_us);
    }
    switch (call.stop) {
    case DECODE_MORE:
        drop_block(p);
        break;
    case DECODE_BOUNDARY:
        break;
    case DECODE_QUERY:
        on_query(p);
        break;
    case DECODE_PORTION:
        hand_over_portion(p);
        break;
    case DECODE_PIECE:
        if (s->xa.puts != NULL) {
            hand_over_portion(p); /* The rows may be among what is not stored yet. */
        }
        read_xa(p, xa_load_piece);
        break;
    case DECODE_REBUFFER:
        drop_block(p);
        memcpy(s->whole_file, s->file, sizeof(s->whole_file));
        s->whole_offset = s->offset;
        s->keeps_whole = true;
        start_over(p);
        p->input.restart(p->input.arg, &s->position);
        break;
    case DECODE_FAILED:
        fail_with_diag(p);
        break;
    }
}

/* Until when a block may be waited for. */
static uint64_t take_deadline(struct pipeline *p)
{
    const struct stream *s = &p->stream;
    if (!has_work(s) || !is_between(s)) {
        return FIBER_FOREVER;
    }
    /* While a batch is applied the next one grows; its end wakes us. */
    if (p->has_job) {
        return FIBER_FOREVER;
    }
    const struct pace_batch b = batch_at_hand(p);
    return pace_deadline(&p->pace, &p->now, &b, clock_monotonic_us());
}

/* Another server: file and offset are its own, and so is the hash of a transaction. */
static void note_source(struct stream *s)
{
    if (s->block->source_id[0] != '\0' && strcmp(s->block->source_id, s->position.source_id) != 0) {
        memcpy(s->position.source_id, s->block->source_id, sizeof(s->position.source_id));
        s->position.last_hash = 0;
        s->position.last_offset = 0;
        s->accepts_any_place = true;
    }
}

static void take_block(struct pipeline *p)
{
    struct stream *s = &p->stream;
    const bool was_idle = p->input.is_idle(p->input.arg);
    if (was_idle && is_between(s)) {
        consider_batch(p, true);
    }
    switch (p->input.take(p->input.arg, take_deadline(p), &s->block, &s->diag)) {
    case CHANGE_TAKE_BLOCK:
        note_source(s);
        break;
    case CHANGE_TAKE_TIMEOUT:
        s->block = NULL;
        if (is_between(s)) {
            consider_batch(p, !atomic_load(&p->attention) || p->input.is_idle(p->input.arg));
        }
        break;
    case CHANGE_TAKE_RESTARTED:
        s->block = NULL;
        reconnect(p);
        break;
    case CHANGE_TAKE_ENDED:
        s->block = NULL;
        if (s->diag.error != NULL) {
            fail_with_diag(p);
        } else {
            os_mutex_lock(&p->lock);
            p->is_stopping = true;
            os_mutex_unlock(&p->lock);
        }
        break;
    }
}

static void step(struct pipeline *p)
{
    struct stream *s = &p->stream;
    os_mutex_lock(&p->lock);
    p->now = p->options;
    os_mutex_unlock(&p->lock);
    s->enough_bytes = pace_enough(&p->pace, p->now.max_batch_bytes, p->has_job);
    if (is_between(s)) {
        consider_batch(p, false);
        handle_requests(p);
    }
    if (is_stopping(p)) {
        return;
    }
    if (s->block == NULL) {
        take_block(p);
    } else {
        decode_block(p);
    }
}

/* What is complete is committed; an unfinished transaction comes again. */
static void finish(struct pipeline *p)
{
    struct stream *s = &p->stream;
    drop_block(p);
    if (pipeline_has_failed(p)) {
        abort_open(p);
        forget_aside(s);
    } else if (s->portions > 0 || s->ends_with_ddl) {
        start_over(p);
    } else {
        batch_rollback(s->batch);
        if (has_work(s)) {
            hand_over(p, BATCH_END_STOP);
        }
    }
    apply_wait(p);
}

/* What was seen through them ends here. */
static void break_windows(struct pipeline *p)
{
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->windows) {
        RLIST_ENTRY(it, struct pipeline_window, link)->is_broken = true;
    }
    os_mutex_unlock(&p->lock);
}

void stream_run(void *arg)
{
    struct pipeline *p = arg;
    p->stream.batch = &p->batches[0];
    p->stream.batch->checks_images = p->now.check_images;
    read_xa(p, xa_load);
    while (!is_stopping(p)) {
        step(p);
    }
    finish(p);
    os_mutex_lock(&p->lock);
    p->is_running = false;
    p->status.running = false;
    os_mutex_unlock(&p->lock);
    break_windows(p);
    refuse_requests(p);
    p->apply_ends = true;
    fiber_wake(p->apply_fiber);
}
