/* The coordinator and the workers. See snapshot.h and snapshot_int.h. */
#include "change/snapshot_int.h"

#include "base/clock.h"

#include <stdlib.h>

enum {
    START_US = 1000,
    TICK_US = 1000 * 1000,       /* A worker without work looks again. */
    REPORT_US = 5 * 1000 * 1000, /* Between lines of progress in the log. */
    RETRY_US = 500 * 1000,       /* After a failure; doubles. */
    RETRY_MAX_US = 30 * 1000 * 1000,
    RETRY_DOUBLINGS = 6,
};

#define US_PER_SECOND 1000000

/* ---- Errors ---- */

void snapshot_report(struct snapshot *s, struct str what, const struct diag *d)
{
    const struct diag_cond *error = d->error;
    if (error == NULL || atomic_load(&s->stopping)) {
        return;
    }
    os_mutex_lock(&s->lock);
    s->last_errno = error->code;
    (void)snprintf(s->last_error, sizeof(s->last_error), "%.*s: %.*s", STR_FMT(what),
                   STR_FMT(error->message));
    os_mutex_unlock(&s->lock);
    log_warn(&s->log, "snapshot of %.*s: %.*s (%d)", STR_FMT(what), STR_FMT(error->message),
             error->code);
}

bool snapshot_has_failed(struct snapshot *s, struct diag *d)
{
    os_mutex_lock(&s->lock);
    const bool failed = s->has_failed;
    if (failed) {
        (void)diag_set_text(d, s->last_errno, str_from_cstr(s->last_error));
    }
    os_mutex_unlock(&s->lock);
    return failed;
}

/* ---- Changes of the list ---- */

struct change_task {
    struct snapshot *s;
    struct copy_change change;
    uint16_t collation;
    bool is_stale;
};

/* In the stream's transaction; nothing but this changes the list meanwhile. */
static int run_change(void *arg, struct engine_session *session, struct diag *d)
{
    struct change_task *task = arg;
    struct copy *copy = task->s->copy;
    const struct copy_change *change = &task->change;
    const struct copy_table *any = change->before != NULL ? change->before : change->after;
    struct copy_table *now = copy_find(copy, any->db, any->name);
    copy_table_unref(now);
    task->is_stale = now != change->before;
    if (task->is_stale) {
        return 0;
    }
    if (change->after != NULL && task->collation != 0 &&
        copy_store_database(copy, session, change->after->db, task->collation, d) != 0) {
        return -1;
    }
    return copy_store(copy, session, change, d);
}

static void publish_change(void *arg)
{
    struct change_task *task = arg;
    if (!task->is_stale) {
        copy_publish(task->s->copy, &task->change);
    }
}

int snapshot_change(struct snapshot *s, struct copy_table *before, struct copy_table *after,
                    uint16_t collation, struct diag *d, bool *out_done)
{
    struct change_task task = {
        .s = s, .change = {.before = before, .after = after}, .collation = collation};
    const struct pipeline_task t = {.run = run_change, .done = publish_change, .arg = &task};
    if (before != NULL) {
        copy_table_ref(before);
    }
    const int rc = pipeline_task(s->pipeline, &t, d);
    *out_done = rc == 0 && !task.is_stale;
    if (!*out_done) {
        copy_abandon(s->copy, &task.change);
    }
    return rc;
}

int snapshot_set_aside(struct snapshot *s, struct copy_table *t, struct str reason, uint64_t hash,
                       struct diag *d)
{
    bool done;
    struct copy_table *after = copy_table_new(s->server, t->db, t->name, COPY_ASIDE, NULL, reason);
    after->schema_hash = hash;
    const int rc = snapshot_change(s, t, after, 0, d, &done);
    if (done) {
        log_warn(&s->log, "table %.*s.%.*s is set aside: %.*s", STR_FMT(t->db), STR_FMT(t->name),
                 STR_FMT(reason));
    }
    return rc;
}

/* ---- Tables to be copied ---- */

static bool is_claimed(const struct snapshot *s, const struct copy_table *t)
{
    for (uint32_t i = 0; i < s->o.workers; i++) {
        if (s->workers[i].claimed.p != NULL && str_eq(s->workers[i].claimed, t->list_key)) {
            return true;
        }
    }
    return false;
}

static bool is_due(const struct snapshot *s, const struct copy_table *t)
{
    const struct snapshot_retry *r = htab_find(&s->retries, t->list_key);
    return r == NULL || r->not_before_us <= clock_monotonic_us();
}

/* The next table, with a reference: what was begun goes before what was not. */
static struct copy_table *take_table(struct snapshot_worker *w)
{
    struct snapshot *s = w->s;
    struct arena arena;
    struct copy_table **list;
    struct copy_table *best = NULL;
    arena_init(&arena, 0);
    const uint32_t n = copy_list(s->copy, &arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        struct copy_table *t = list[i];
        const enum copy_state state = atomic_load(&t->state);
        const bool is_better = state == COPY_LOADING || best == NULL;
        if ((state == COPY_PENDING || state == COPY_LOADING) && is_better && is_due(s, t) &&
            !is_claimed(s, t) && (best == NULL || atomic_load(&best->state) != COPY_LOADING)) {
            copy_table_ref(t);
            copy_table_unref(best);
            best = t;
        }
        copy_table_unref(t);
    }
    arena_release(&arena);
    w->claimed = best != NULL ? best->list_key : STR_NULL;
    return best;
}

/* Puts the next attempt off, each time longer. */
static void put_off(struct snapshot *s, const struct copy_table *t)
{
    struct snapshot_retry *r = htab_find(&s->retries, t->list_key);
    if (r == NULL) {
        r = ARENA_NEW(&s->arena, struct snapshot_retry);
        r->key = arena_dup(&s->arena, t->list_key);
        (void)htab_put(&s->retries, r->key, r);
    }
    const uint64_t delay = (uint64_t)RETRY_US << MIN(r->failures, (uint32_t)RETRY_DOUBLINGS);
    r->failures++;
    r->not_before_us = clock_monotonic_us() + MIN(delay, (uint64_t)RETRY_MAX_US);
}

/* ---- Workers ---- */

static bool is_stopping(const struct snapshot *s)
{
    return atomic_load(&s->stopping) || fiber_interrupted() != 0;
}

/* The fibers wake each other: none goes on before all are there. */
static void await_start(const struct snapshot *s)
{
    while (!atomic_load(&s->started) && !is_stopping(s)) {
        (void)fiber_sleep(START_US);
    }
}

static void drop_if_broken(struct upstream_conn **c)
{
    if (*c != NULL && (*c)->broken) {
        upstream_close(*c);
        *c = NULL;
    }
}

static void hang_up(struct upstream_conn **c)
{
    fiber_mask_interrupts();
    upstream_close(*c);
    fiber_unmask_interrupts();
    *c = NULL;
}

/* Copies one table as far as it goes. False when there is none. */
static bool work_once(struct snapshot_worker *w)
{
    struct snapshot *s = w->s;
    struct copy_table *t = take_table(w);
    if (t == NULL) {
        return false;
    }
    struct diag d;
    diag_init(&d);
    const enum snapshot_outcome outcome = snapshot_copy_table(w, t, &d);
    if (outcome == SNAPSHOT_DONE) {
        struct snapshot_retry *r = htab_find(&s->retries, t->list_key);
        if (r != NULL) {
            r->failures = 0;
        }
    } else if (!is_stopping(s)) {
        struct arena arena;
        arena_init(&arena, 0);
        put_off(s, t);
        snapshot_report(s, arena_printf(&arena, "%.*s.%.*s", STR_FMT(t->db), STR_FMT(t->name)), &d);
        arena_release(&arena);
    }
    if (outcome == SNAPSHOT_STALE) {
        snapshot_poke(s);
    }
    drop_if_broken(&w->c);
    drop_if_broken(&w->locker);
    diag_release(&d);
    w->claimed = STR_NULL;
    copy_table_unref(t);
    return true;
}

static void work(void *arg)
{
    struct snapshot_worker *w = arg;
    await_start(w->s);
    while (!is_stopping(w->s)) {
        if (!work_once(w) && fiber_park(clock_monotonic_us() + TICK_US) == FIBER_TIMEOUT) {
            /* Connections are not kept for nothing. */
            hang_up(&w->c);
            hang_up(&w->locker);
        }
    }
    hang_up(&w->c);
    hang_up(&w->locker);
}

static void wake_workers(struct snapshot *s)
{
    for (uint32_t i = 0; i < s->o.workers; i++) {
        fiber_wake(s->workers[i].fiber);
    }
}

/* ---- The coordinator ---- */

/* Rows that are left, by estimate, of tables in these states. */
static void count_tables(struct snapshot *s, struct snapshot_status *out)
{
    struct arena arena;
    struct copy_table **list;
    arena_init(&arena, 0);
    const uint32_t n = copy_list(s->copy, &arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        const enum copy_state state = atomic_load(&list[i]->state);
        const uint64_t copied = state == COPY_LOADING ? atomic_load(&list[i]->rows_copied) : 0;
        const uint64_t estimated = atomic_load(&list[i]->rows_estimated);
        out->tables_pending += state == COPY_PENDING;
        out->tables_loading += state == COPY_LOADING;
        out->tables_live += state == COPY_LIVE;
        out->tables_aside += state == COPY_ASIDE;
        if ((state == COPY_PENDING || state == COPY_LOADING) && estimated > copied) {
            out->rows_left += estimated - copied;
        }
        copy_table_unref(list[i]);
    }
    arena_release(&arena);
}

void snapshot_status(struct snapshot *s, struct snapshot_status *out)
{
    *out = (struct snapshot_status){.rows = atomic_load(&s->rows), .bytes = atomic_load(&s->bytes)};
    count_tables(s, out);
    os_mutex_lock(&s->lock);
    if (s->rows_per_s > 0) {
        out->eta_us = out->rows_left * US_PER_SECOND / s->rows_per_s;
    }
    out->last_errno = s->last_errno;
    memcpy(out->last_error, s->last_error, sizeof(out->last_error));
    os_mutex_unlock(&s->lock);
}

bool snapshot_table_eta(const struct copy_table *t, uint64_t *out_us)
{
    const uint64_t begun_us = atomic_load(&t->begun_us);
    const uint64_t copied = atomic_load(&t->rows_copied);
    const uint64_t estimated = atomic_load(&t->rows_estimated);
    const uint64_t begun_rows = atomic_load(&t->begun_rows);
    const uint64_t now_us = clock_monotonic_us();
    if (atomic_load(&t->state) != COPY_LOADING || begun_us == 0 || now_us <= begun_us ||
        copied <= begun_rows || estimated <= copied) {
        return false;
    }
    *out_us = (uint64_t)((double)(estimated - copied) / (double)(copied - begun_rows) *
                         (double)(now_us - begun_us));
    return true;
}

/* What the log was told last. */
struct progress {
    uint64_t at_us, rows;
    bool was_busy;
};

/* " about 12 s left", or nothing where it is not known. */
static struct str left_text(struct arena *a, bool is_known, uint64_t us)
{
    return is_known ? arena_printf(a, ", about %llu s left",
                                   (unsigned long long)((us + US_PER_SECOND - 1) / US_PER_SECOND))
                    : STR("");
}

/* A line for each table that is being copied. */
static void report_tables(struct snapshot *s)
{
    struct arena arena;
    struct copy_table **list;
    arena_init(&arena, 0);
    const uint32_t n = copy_list(s->copy, &arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        const struct copy_table *t = list[i];
        uint64_t left_us = 0;
        if (atomic_load(&t->state) == COPY_LOADING && atomic_load(&t->begun_us) != 0) {
            const bool is_known = snapshot_table_eta(t, &left_us);
            log_info(&s->log, "table %.*s.%.*s: %llu of about %llu rows copied, %llu MiB%.*s",
                     STR_FMT(t->db), STR_FMT(t->name),
                     (unsigned long long)atomic_load(&t->rows_copied),
                     (unsigned long long)atomic_load(&t->rows_estimated),
                     (unsigned long long)atomic_load(&t->bytes_copied) >> 20,
                     STR_FMT(left_text(&arena, is_known, left_us)));
        }
        copy_table_unref(list[i]);
    }
    arena_release(&arena);
}

static void report_total(struct snapshot *s, const struct snapshot_status *status, uint64_t rate)
{
    struct arena arena;
    arena_init(&arena, 0);
    log_info(&s->log,
             "snapshot: %u tables loading, %u pending, %u live; %llu rows (%llu MiB) copied, about "
             "%llu left, %llu rows/s%.*s",
             status->tables_loading, status->tables_pending, status->tables_live,
             (unsigned long long)status->rows, (unsigned long long)status->bytes >> 20,
             (unsigned long long)status->rows_left, (unsigned long long)rate,
             STR_FMT(left_text(&arena, status->eta_us > 0, status->eta_us)));
    arena_release(&arena);
}

static void report_progress(struct snapshot *s, struct progress *p)
{
    struct snapshot_status status;
    const uint64_t now = clock_monotonic_us();
    if (now < p->at_us + REPORT_US) {
        return;
    }
    const uint64_t rows = atomic_load(&s->rows);
    const uint64_t rate = (rows - p->rows) * US_PER_SECOND / (now - p->at_us);
    os_mutex_lock(&s->lock);
    s->rows_per_s = s->rows_per_s == 0 ? rate : (s->rows_per_s + rate) / 2;
    os_mutex_unlock(&s->lock);
    *p = (struct progress){.at_us = now, .rows = rows, .was_busy = p->was_busy};
    snapshot_status(s, &status);
    if (status.tables_loading > 0) {
        report_total(s, &status, rate);
        report_tables(s);
    }
    const bool is_busy = status.tables_loading + status.tables_pending > 0;
    if (p->was_busy && !is_busy) {
        log_info(&s->log, "snapshot: complete; %u tables live, %u set aside, %llu rows copied",
                 status.tables_live, status.tables_aside, (unsigned long long)rows);
    }
    p->was_busy = is_busy;
}

/* Compares the lists. False when that failed. */
static bool reconcile(struct snapshot *s)
{
    struct diag d;
    diag_init(&d);
    if (s->c == NULL) {
        s->c = snapshot_connect(&s->o, &d);
    }
    const bool is_done = s->c != NULL && snapshot_reconcile(s, &d) == 0;
    if (!is_done) {
        snapshot_report(s, STR("the source"), &d);
        os_mutex_lock(&s->lock);
        s->has_failed = s->is_refused;
        os_mutex_unlock(&s->lock);
    }
    if (s->c != NULL) {
        hang_up(&s->c);
    }
    diag_release(&d);
    return is_done;
}

static void coordinate(void *arg)
{
    struct snapshot *s = arg;
    struct progress progress = {.at_us = clock_monotonic_us(), .was_busy = true};
    uint64_t delay = RETRY_US;
    await_start(s);
    while (!is_stopping(s)) {
        if (atomic_exchange(&s->poked, false)) {
            if (reconcile(s)) {
                delay = RETRY_US;
            } else {
                atomic_store(&s->poked, true);
                (void)fiber_sleep(delay);
                delay = MIN(2 * delay, (uint64_t)RETRY_MAX_US);
            }
            wake_workers(s);
        }
        report_progress(s, &progress);
        if (!atomic_load(&s->poked)) {
            (void)!fiber_park(clock_monotonic_us() + REPORT_US);
        }
    }
}

/* ---- Life ---- */

static void copy_options(struct snapshot *s, const struct snapshot_options *o)
{
    s->o = *o;
    s->o.database = arena_dup(&s->arena, o->database);
    s->o.workers = MIN(o->workers == 0 ? SNAPSHOT_WORKERS : o->workers, SNAPSHOT_WORKERS_MAX);
    s->o.chunk_bytes = o->chunk_bytes == 0 ? SNAPSHOT_CHUNK_BYTES : o->chunk_bytes;
}

static int spawn(struct snapshot *s)
{
    s->coordinator = fiber_spawn_ref(s->loop, coordinate, s);
    int rc = s->coordinator != NULL ? 0 : -1;
    for (uint32_t i = 0; i < s->o.workers && rc == 0; i++) {
        s->workers[i].s = s;
        s->workers[i].fiber = fiber_spawn_ref(s->loop, work, &s->workers[i]);
        rc = s->workers[i].fiber != NULL ? 0 : -1;
    }
    atomic_store(&s->started, rc == 0);
    return rc;
}

struct snapshot *snapshot_start(struct server *server, struct loop *loop, struct copy *copy,
                                struct pipeline *p, const struct snapshot_options *o)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->server = server;
    s->loop = loop;
    s->copy = copy;
    s->pipeline = p;
    s->log = (struct log){.module = "snapshot"};
    arena_init(&s->arena, 0);
    os_mutex_init(&s->lock);
    htab_init(&s->retries, 0);
    mirror_model_init(&s->model);
    copy_options(s, o);
    atomic_init(&s->poked, true);
    if (spawn(s) != 0) {
        snapshot_stop(s);
        return NULL;
    }
    return s;
}

static void end_fiber(struct fiber *f)
{
    if (f != NULL) {
        fiber_interrupt(f, SNAPSHOT_STOP);
        fiber_join(f);
    }
}

void snapshot_stop(struct snapshot *s)
{
    if (s == NULL) {
        return;
    }
    atomic_store(&s->stopping, true);
    end_fiber(s->coordinator);
    for (uint32_t i = 0; i < s->o.workers; i++) {
        end_fiber(s->workers[i].fiber);
    }
    if (s->x != NULL) {
        exec_session_release(s->x);
    }
    mirror_model_release(&s->model);
    htab_release(&s->retries);
    os_mutex_release(&s->lock);
    arena_release(&s->arena);
    free(s);
}

void snapshot_halt(struct snapshot *s)
{
    atomic_store(&s->stopping, true);
}

void snapshot_poke(struct snapshot *s)
{
    atomic_store(&s->poked, true);
    fiber_wake(s->coordinator);
}
