/*
 * The life of the change stream. START REPLICA spawns the keeper, a fiber that
 *
 *   reaches the source and checks it     again and again while it cannot be reached
 *   fixes where to begin                 the first time: the source's position of now, before any
 *                                        snapshot is taken
 *   runs source, pipeline and snapshot   until STOP REPLICA, or until one of them has ended
 *
 * and ends with what prevented it in `error`. Locks: change_int.h.
 */
#include "change/change_int.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "os/offload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POSITION_KIND STR("replica_position")

enum {
    INTERRUPT_STOP = 1, /* Of the keeper. */
    POLL_US = 200 * 1000,
    BEGIN_POLL_US = 10 * 1000,
    CONNECT_US = 10 * 1000 * 1000,
    SOURCE_QUEUE_BYTES = 4 * 1024 * 1024,
    SOURCE_BLOCK_BYTES = 256 * 1024,
    RETRY_MAX_US = 5 * 1000 * 1000,
};

/* ---- What is kept in the store ---- */

struct transaction {
    struct change *c;
    int (*fn)(void *arg, struct engine_session *s, struct diag *d);
    void *arg;
    struct diag *d;
    int rc;
};

static void transaction_step(void *arg)
{
    struct transaction *t = arg;
    struct engine_session *s;
    t->rc = engine_session_open(t->c->o.server->engine, t->d, &s);
    if (t->rc != 0) {
        return;
    }
    t->rc = engine_begin(s, 0, t->d);
    if (t->rc == 0) {
        t->rc = t->fn(t->arg, s, t->d);
        if (t->rc == 0) {
            t->rc = engine_commit(s, t->d);
        } else {
            engine_rollback(s);
        }
    }
    engine_session_close(s);
}

int change_transaction(struct change *c,
                       int (*fn)(void *arg, struct engine_session *s, struct diag *d), void *arg,
                       struct diag *d)
{
    struct transaction t = {.c = c, .fn = fn, .arg = arg, .d = d, .rc = -1};
    if (fmutex_lock(&c->o.server->writer, FIBER_FOREVER) != FIBER_WOKEN) {
        return diag_set(d, ER_QUERY_INTERRUPTED);
    }
    offload_run_always(OFFLOAD_WRITE, transaction_step, &t);
    fmutex_unlock(&c->o.server->writer);
    return t.rc;
}

struct start_record {
    const struct change_position *position;
    const struct change_origin *origin;
};

static int write_start(void *arg, struct engine_session *s, struct diag *d)
{
    const struct start_record *r = arg;
    struct arena arena;
    arena_init(&arena, 0);
    const struct str text =
        r->position != NULL ? change_position_to_json(r->position, &arena) : STR_NULL;
    int rc = engine_meta_put(s, POSITION_KIND, 1, text, d);
    if (rc == 0) {
        rc = change_origin_write(s, r->origin, d);
    }
    arena_release(&arena);
    return rc;
}

int change_store_start(struct change *c, const struct change_position *p,
                       const struct change_origin *o, struct diag *d)
{
    struct start_record r = {.position = p, .origin = o};
    return change_transaction(c, write_start, &r, d);
}

struct loading {
    struct change *c;
    struct diag *d;
    int rc;
};

static int read_position(void *arg, uint64_t id, struct str value)
{
    struct loading *l = arg;
    (void)id;
    l->rc = change_position_from_json(value, &l->c->position, l->d);
    l->c->has_position = l->rc == 0;
    return l->rc;
}

static int load(struct change *c, struct diag *d)
{
    struct engine_session *s;
    struct loading l = {.c = c, .d = d};
    if (engine_session_open(c->o.server->engine, d, &s) != 0) {
        return -1;
    }
    int rc = copy_load(c->copy, s, d);
    if (rc == 0) {
        rc = change_origin_read(s, &c->arena, d, &c->origin);
    }
    if (rc == 0) {
        rc = engine_meta_scan(s, POSITION_KIND, read_position, &l, d) != 0 || l.rc != 0 ? -1 : 0;
    }
    engine_session_close(s);
    return rc;
}

/* ---- Errors ---- */

static void set_error(struct change *c, const struct diag *d)
{
    const struct diag_cond *e = d->error;
    os_mutex_lock(&c->lock);
    c->error.code = e != NULL ? e->code : 0;
    c->error.us = e != NULL ? clock_wall_us() : 0;
    (void)snprintf(c->error.text, sizeof c->error.text, "%.*s",
                   e != NULL ? (int)MIN(e->message.len, sizeof c->error.text - 1) : 0,
                   e != NULL ? e->message.p : "");
    os_mutex_unlock(&c->lock);
}

static void set_waiting(struct change *c, const char *what)
{
    os_mutex_lock(&c->lock);
    c->waiting = what;
    os_mutex_unlock(&c->lock);
}

/* ---- The keeper ---- */

/* Sleeps; false when the keeper is to end. */
static bool pause_keeper(struct change *c, uint64_t us)
{
    (void)fiber_sleep(us);
    return !atomic_load(&c->stopping);
}

/*
 * One connection: checks the source and takes its position of now. 0, or -1 with d set. What is
 * prepared before that position and committed behind it must not be: looked for on both sides,
 * since both servers take a transaction from XA RECOVER before their GTIDs have it.
 */
static int visit_source(struct change *c, struct change_position *now, struct change_origin *who,
                        struct arena *arena, struct diag *d)
{
    const uint64_t deadline = clock_monotonic_us() + CONNECT_US;
    struct upstream_conn *conn = upstream_connect(c->o.upstream, c->loop, NULL, 0, deadline, d);
    int rc = -1;
    if (conn != NULL && upstream_login_own(conn, deadline, d) == 0) {
        rc = c->has_position ? 0 : change_source_check_xa(conn, &c->log, d);
        if (rc == 0) {
            rc = change_source_check(conn, &c->log, d, now);
        }
        if (rc == 0 && !c->has_position) {
            rc = change_source_check_xa(conn, &c->log, d);
        }
        *who = (struct change_origin){.kind = conn->kind,
                                      .version_id = conn->version_id,
                                      .version = arena_dup(arena, str_from_cstr(conn->version)),
                                      .server_id = c->server_id};
    }
    upstream_close(conn);
    return rc;
}

/* Until it succeeds, fails for another reason than the connection, or is not wanted any more. */
static int reach_source(struct change *c, struct change_position *now, struct change_origin *who,
                        struct arena *arena, struct diag *d)
{
    uint64_t wait = c->o.retry_us;
    bool told = false;
    set_waiting(c, "Connecting to source");
    for (;;) {
        diag_reset(d);
        if (visit_source(c, now, who, arena, d) == 0) {
            return 0;
        }
        if (atomic_load(&c->stopping) || !change_source_error_passes(d)) {
            return -1;
        }
        set_error(c, d);
        if (!told) {
            log_warn(&c->log, "the source cannot be followed yet, trying again: %.*s",
                     STR_FMT(d->error->message));
            told = true;
        }
        if (!pause_keeper(c, wait)) {
            return -1;
        }
        wait = MAX(MIN(wait * 2, (uint64_t)RETRY_MAX_US), c->o.retry_us);
    }
}

/* Values are stored in the dialect that the server was started with. */
static int check_dialect(struct change *c, const struct change_origin *who, struct diag *d)
{
    const enum sql_dialect dialect =
        who->kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL;
    if (c->origin.version.len > 0 && c->origin.kind != who->kind) {
        return diag_set_text(d, ER_REPLICA_FATAL_ERROR,
                             STR("Fatal error: the copy is of a server of the other family (MySQL, "
                                 "MariaDB) than the one that storage.mysql names now; RESET "
                                 "REPLICA, or give another storage.duckdb.path"));
    }
    if (c->o.server->dialect != dialect) {
        return diag_set_text(d, ER_REPLICA_FATAL_ERROR,
                             STR("Fatal error: Pintail was started while the source could not be "
                                 "reached and took it for one of the other family; restart it, or "
                                 "set server.dialect"));
    }
    return 0;
}

static void take_origin(struct change *c, const struct change_origin *who)
{
    os_mutex_lock(&c->lock);
    c->origin = *who;
    c->origin.version = arena_dup(&c->arena, who->version);
    os_mutex_unlock(&c->lock);
}

/* Where to go on, or, the first time, where the source is now. */
static int fix_position(struct change *c, const struct change_position *now,
                        const struct change_origin *who, struct diag *d)
{
    if (c->has_position) {
        if (!str_eq(c->origin.version, who->version)) {
            take_origin(c, who);
        }
        return 0;
    }
    if (change_store_start(c, now, who, d) != 0) {
        return -1;
    }
    take_origin(c, who);
    os_mutex_lock(&c->lock);
    change_position_copy(&c->position, now);
    c->has_position = true;
    os_mutex_unlock(&c->lock);
    log_info(&c->log, "the copy begins at %s:%llu of the source", now->file,
             (unsigned long long)now->offset);
    return 0;
}

static int begin(struct change *c, struct diag *d)
{
    struct arena arena;
    struct change_position now;
    struct change_origin who;
    arena_init(&arena, 0);
    change_position_init(&now);
    int rc = reach_source(c, &now, &who, &arena, d);
    if (rc == 0) {
        rc = check_dialect(c, &who, d);
    }
    if (rc == 0) {
        change_ddl_set_source(c->ddl, who.kind, who.version_id);
        rc = fix_position(c, &now, &who, d);
    }
    change_position_release(&now);
    arena_release(&arena);
    return rc;
}

static struct change_source *start_source(struct change *c)
{
    const struct change_source_options o = {
        .upstream = c->o.upstream,
        .loop = c->loop,
        .server_id = c->server_id,
        .heartbeat_us = c->o.heartbeat_us,
        .retry_us = c->o.retry_us,
        .queue_bytes = SOURCE_QUEUE_BYTES,
        .block_bytes = SOURCE_BLOCK_BYTES,
        .max_event_bytes = UINT32_C(1) << 30,
    };
    return change_source_start(&o, &c->position);
}

static struct snapshot *start_snapshot(struct change *c)
{
    const struct snapshot_options o = {.upstream = c->o.upstream,
                                       .database = c->o.database,
                                       .filter = &c->o.filter,
                                       .workers = c->o.snapshot_workers};
    return snapshot_start(c->o.server, c->loop, c->copy, c->pipeline, &o);
}

static void publish(struct change *c, struct change_source *source, struct snapshot *snapshot)
{
    os_mutex_lock(&c->lock);
    c->source = source;
    c->snapshot = snapshot;
    c->waiting = NULL;
    os_mutex_unlock(&c->lock);
}

/* Statements that use the snapshot end first: verifying fails when it is told to stop. */
static void retract_snapshot(struct change *c)
{
    struct snapshot *snapshot;
    for (;;) {
        os_mutex_lock(&c->lock);
        const bool used = c->users > 0;
        snapshot = c->snapshot;
        if (!used) {
            c->snapshot = NULL;
        } else if (snapshot != NULL) {
            snapshot_halt(snapshot);
        }
        os_mutex_unlock(&c->lock);
        if (!used) {
            break;
        }
        (void)fiber_sleep(POLL_US / 10);
    }
    if (snapshot != NULL) {
        snapshot_stop(snapshot);
    }
}

/* Waits for the end of the pipeline or the snapshot, or of the wish that they run. */
static int watch(struct change *c, struct diag *d)
{
    struct pipeline_status s;
    for (;;) {
        const bool wanted = pause_keeper(c, POLL_US);
        pipeline_status(c->pipeline, &s);
        if (!wanted) {
            return 0;
        }
        if (!s.running) {
            return diag_set_text(d, s.last_errno != 0 ? s.last_errno : ER_REPLICA_FATAL_ERROR,
                                 s.last_errno != 0 ? str_from_cstr(s.last_error)
                                                   : STR("Fatal error: the stream has ended"));
        }
        if (c->snapshot != NULL && snapshot_has_failed(c->snapshot, d)) {
            return -1;
        }
    }
}

static int run(struct change *c, struct diag *d)
{
    struct upstream_greeting greeting;
    if (!upstream_last_greeting(c->o.upstream, &greeting)) {
        return diag_set_text(d, ER_REPLICA_FATAL_ERROR, STR("Fatal error: no source"));
    }
    struct change_source *source = start_source(c);
    if (source == NULL) {
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    int rc = pipeline_start(c->pipeline, c->loop, source, &c->position, &greeting);
    if (rc != 0) {
        change_source_stop(source);
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    publish(c, source, start_snapshot(c));
    log_info(&c->log, "following %s", upstream_name(c->o.upstream));
    rc = watch(c, d);
    fiber_clear_interrupt(INTERRUPT_STOP);
    fiber_mask_interrupts();
    retract_snapshot(c);
    pipeline_stop(c->pipeline);
    os_mutex_lock(&c->lock);
    change_source_status(source, &c->last_source);
    c->source = NULL;
    c->has_run = true;
    pipeline_position(c->pipeline, &c->position);
    os_mutex_unlock(&c->lock);
    change_source_stop(source);
    fiber_unmask_interrupts();
    return rc;
}

/* ---- Forgetting ---- */

/* Of the run before: what is shown from now on is what is met now. */
static void forget_errors(struct change *c)
{
    pipeline_forget_error(c->pipeline);
    os_mutex_lock(&c->lock);
    c->last_source.last_errno = 0;
    c->error.code = 0;
    c->error.text[0] = '\0';
    os_mutex_unlock(&c->lock);
}

struct resetting {
    struct change *c;
    struct copy_change *changes;
};

static int run_reset(void *arg, struct engine_session *s, struct diag *d)
{
    struct resetting *r = arg;
    struct start_record nothing = {0};
    for (const struct copy_change *x = r->changes; x != NULL; x = x->next) {
        if (copy_store(r->c->copy, s, x, d) != 0) {
            return -1;
        }
    }
    return pipeline_forget_prepared(s, d) != 0 ? -1 : write_start(&nothing, s, d);
}

static void forget_position(struct change *c)
{
    os_mutex_lock(&c->lock);
    change_position_release(&c->position);
    change_position_init(&c->position);
    c->has_position = false;
    c->has_run = false;
    c->last_source = (struct change_source_status){.state = ""};
    c->origin = (struct change_origin){.version = STR("")};
    os_mutex_unlock(&c->lock);
    forget_errors(c);
}

static int reset(struct change *c, struct diag *d)
{
    struct arena arena;
    struct copy_table **tables;
    struct resetting r = {.c = c};
    arena_init(&arena, 0);
    const uint32_t n = copy_list(c->copy, &arena, &tables);
    for (uint32_t i = 0; i < n; i++) {
        struct copy_change *x = ARENA_NEW(&arena, struct copy_change);
        *x = (struct copy_change){.next = r.changes, .before = tables[i]};
        r.changes = x;
    }
    copy_lock(c->copy, r.changes);
    const int rc = change_transaction(c, run_reset, &r, d);
    if (rc == 0) {
        copy_publish(c->copy, r.changes);
        forget_position(c);
    } else {
        copy_abandon(c->copy, r.changes);
    }
    arena_release(&arena);
    return rc;
}

/* ---- The keeper's whole ---- */

/* Begins and runs until the end, which is -1 with d set, or 0 when it was wanted. */
static int follow(struct change *c, struct diag *d)
{
    diag_reset(d);
    if (begin(c, d) != 0) {
        if (!atomic_load(&c->stopping)) {
            log_error(&c->log, "the source cannot be followed: %.*s", STR_FMT(d->error->message));
        }
        return -1;
    }
    diag_reset(d);
    set_error(c, d);
    return run(c, d);
}

/*
 * Did the copy begin within a distributed transaction all the same? Its end may have been in the
 * log, and not in the GTIDs yet, when the position was taken. As long as nothing was applied the
 * copy can begin once more, at a position behind it.
 */
static bool has_begun_within(const struct change *c, const struct diag *d)
{
    return d->error != NULL && d->error->code == ER_XAER_NOTA && c->has_position &&
           c->position.last_commit_us == 0 && !atomic_load(&c->stopping);
}

static void keep(void *arg)
{
    struct change *c = arg;
    struct diag d;
    diag_init(&d);
    int rc = follow(c, &d);
    while (rc != 0 && has_begun_within(c, &d)) {
        log_info(&c->log, "the copy began within a distributed transaction, and begins once more");
        diag_reset(&d);
        rc = reset(c, &d) == 0 ? follow(c, &d) : -1;
    }
    fiber_clear_interrupt(INTERRUPT_STOP);
    set_waiting(c, NULL);
    if (atomic_load(&c->stopping)) {
        diag_reset(&d);
        log_info(&c->log, "stopped");
    } else if (rc != 0) {
        log_error(&c->log,
                  "the copy is not kept current any more: error %d; see SHOW REPLICA STATUS "
                  "FOR CHANNEL 'pintail', and START REPLICA when it is mended",
                  d.error->code);
    }
    set_error(c, &d);
    atomic_store(&c->alive, false);
    diag_release(&d);
}

/* ---- Statements ---- */

/* Gives back a keeper that has ended, or ends it. Under commands, or when nobody else is there. */
static void join_keeper(struct change *c)
{
    if (c->keeper != NULL) {
        atomic_store(&c->stopping, true);
        fiber_interrupt(c->keeper, INTERRUPT_STOP);
        fiber_join(c->keeper);
        c->keeper = NULL;
    }
}

static int start_keeper(struct change *c, struct diag *d)
{
    if (atomic_load(&c->alive)) {
        return 0;
    }
    join_keeper(c);
    atomic_store(&c->stopping, false);
    atomic_store(&c->alive, true);
    set_waiting(c, "Connecting to source");
    os_mutex_lock(&c->lock);
    c->has_run = false;
    os_mutex_unlock(&c->lock);
    forget_errors(c);
    c->keeper = fiber_spawn_ref(c->loop, keep, c);
    if (c->keeper == NULL) {
        atomic_store(&c->alive, false);
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    return 0;
}

/* Is the keeper about to end by itself, since what it runs has failed? */
static bool is_ending(struct change *c)
{
    struct pipeline_status s;
    os_mutex_lock(&c->lock);
    bool ending = c->has_run;
    if (c->source != NULL) {
        pipeline_status(c->pipeline, &s);
        ending = !s.running || s.last_errno != 0;
    }
    os_mutex_unlock(&c->lock);
    return ending;
}

int change_await_end(struct change *c, struct diag *d)
{
    while (atomic_load(&c->alive) && is_ending(c)) {
        if (fiber_sleep(BEGIN_POLL_US) == FIBER_INTERRUPTED) {
            return diag_set(d, ER_QUERY_INTERRUPTED);
        }
    }
    return 0;
}

static int begin_command(struct change *c, struct diag *d)
{
    return fmutex_lock(&c->commands, FIBER_FOREVER) == FIBER_WOKEN
               ? 0
               : diag_set(d, ER_QUERY_INTERRUPTED);
}

int change_start(struct change *c, struct diag *d)
{
    if (begin_command(c, d) != 0) {
        return -1;
    }
    const int rc = change_await_end(c, d) == 0 ? start_keeper(c, d) : -1;
    fmutex_unlock(&c->commands);
    return rc;
}

int change_stop(struct change *c, struct diag *d)
{
    if (begin_command(c, d) != 0) {
        return -1;
    }
    fiber_mask_interrupts();
    join_keeper(c);
    fiber_unmask_interrupts();
    fmutex_unlock(&c->commands);
    return 0;
}

int change_reset(struct change *c, struct diag *d)
{
    if (begin_command(c, d) != 0) {
        return -1;
    }
    int rc = change_await_end(c, d);
    if (rc == 0 && atomic_load(&c->alive)) {
        rc = diag_set(d, ER_REPLICA_MUST_STOP);
    } else if (rc == 0) {
        join_keeper(c);
        rc = reset(c, d);
    }
    fmutex_unlock(&c->commands);
    return rc;
}

/* ---- Its parts ---- */

int change_wait_begun(struct change *c, uint64_t deadline_us, struct diag *d)
{
    for (;;) {
        os_mutex_lock(&c->lock);
        const bool begins = atomic_load(&c->alive) && c->source == NULL;
        os_mutex_unlock(&c->lock);
        if (!begins) {
            return 0;
        }
        if (clock_monotonic_us() >= deadline_us) {
            return diag_set(d, ER_LOCK_WAIT_TIMEOUT);
        }
        if (fiber_sleep(BEGIN_POLL_US) == FIBER_INTERRUPTED) {
            return diag_set(d, ER_QUERY_INTERRUPTED);
        }
    }
}

struct copy *change_copy(struct change *c)
{
    return c->copy;
}

struct pipeline *change_pipeline(struct change *c)
{
    return c->pipeline;
}

struct snapshot *change_take_snapshot(struct change *c)
{
    os_mutex_lock(&c->lock);
    struct snapshot *s = c->snapshot;
    c->users += s != NULL;
    os_mutex_unlock(&c->lock);
    return s;
}

void change_put_snapshot(struct change *c)
{
    os_mutex_lock(&c->lock);
    c->users--;
    os_mutex_unlock(&c->lock);
}

void change_poke_snapshot(void *arg)
{
    struct change *c = arg;
    struct snapshot *s = change_take_snapshot(c);
    if (s != NULL) {
        snapshot_poke(s);
        change_put_snapshot(c);
    }
}

bool change_position_now(struct change *c, struct change_position *p)
{
    os_mutex_lock(&c->lock);
    const bool known = c->has_position;
    if (known && c->source != NULL) {
        pipeline_position(c->pipeline, p);
    } else if (known) {
        change_position_copy(p, &c->position);
    }
    os_mutex_unlock(&c->lock);
    return known;
}

void change_status(struct change *c, struct change_status *out)
{
    memset(out, 0, sizeof *out);
    out->started = atomic_load(&c->alive) && !is_ending(c);
    pipeline_status(c->pipeline, &out->pipeline);
    os_mutex_lock(&c->lock);
    if (c->source != NULL) {
        change_source_status(c->source, &out->source);
    } else {
        out->source = c->last_source;
        out->source.connected = false;
        out->source.state = c->waiting != NULL ? c->waiting : "";
        out->source.kind = c->origin.kind;
    }
    if (c->snapshot != NULL) {
        snapshot_status(c->snapshot, &out->snapshot);
    }
    os_mutex_unlock(&c->lock);
}

/* ---- The whole ---- */

/* A number that two replicas of one source do not share by chance. */
static uint32_t make_server_id(void)
{
    const uint64_t t = (uint64_t)clock_wall_us();
    return (uint32_t)(t ^ (t >> 32) ^ ((uint64_t)getpid() << 16)) | UINT32_C(0x40000000);
}

struct change *change_new(const struct change_options *o, struct diag *d)
{
    struct change *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)diag_set(d, ER_OUT_OF_RESOURCES);
        return NULL;
    }
    c->o = *o;
    c->log = (struct log){.module = "replica"};
    c->loop = loops_get(o->loops, loops_count(o->loops) - 1);
    arena_init(&c->arena, 0);
    fmutex_init(&c->commands);
    os_mutex_init(&c->lock);
    change_position_init(&c->position);
    c->copy = copy_new(o->server);
    c->pipeline = pipeline_new(o->server, c->copy, &o->pipeline);
    c->ddl = change_ddl_new(o->server, c->copy, &c->o.filter);
    pipeline_set_ddl(c->pipeline, c->ddl, change_poke_snapshot, c);
    if (load(c, d) != 0) {
        change_free(c);
        return NULL;
    }
    c->server_id = o->server_id != 0          ? o->server_id
                   : c->origin.server_id != 0 ? c->origin.server_id
                                              : make_server_id();
    o->server->change = c;
    o->server->replica_ops = &change_replica_ops;
    o->server->copy_ops = &change_copy_ops;
    o->server->copy = c;
    change_show_settings(c);
    change_register_metrics(c);
    if (o->autostart && start_keeper(c, d) != 0) {
        change_free(c);
        return NULL;
    }
    return c;
}

void change_free(struct change *c)
{
    if (c == NULL) {
        return;
    }
    join_keeper(c);
    metrics_forget(c);
    c->o.server->change = NULL;
    c->o.server->replica_ops = NULL;
    c->o.server->copy_ops = NULL;
    pipeline_free(c->pipeline);
    change_ddl_free(c->ddl);
    copy_free(c->copy);
    change_position_release(&c->position);
    fmutex_release(&c->commands);
    os_mutex_release(&c->lock);
    arena_release(&c->arena);
    free(c);
}
