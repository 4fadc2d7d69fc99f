/* What the copy tells of itself: SHOW REPLICA STATUS, the tables of pintail, metrics; and the
 * variables that set batches. See change_int.h. */
#include "change/change_int.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <string.h>

#define US_PER_SECOND 1000000

/* ---- SHOW REPLICA STATUS ---- */

static void set_settings(const struct change *c, struct replica_info *out)
{
    const struct change_shown *shown = &c->o.shown;
    out->host = shown->host;
    out->port = shown->port;
    out->user = c->o.server->upstream_user;
    out->tls_mode = shown->tls_mode;
    out->tls_ca = shown->tls_ca;
    out->tls_cert = shown->tls_cert;
    out->tls_key = shown->tls_key;
    out->include = shown->include;
    out->exclude = shown->exclude;
    out->retry_s = MAX(c->o.retry_us / 1000000, UINT64_C(1));
    out->heartbeat_us = c->o.heartbeat_us;
    out->server_id = c->server_id;
    out->sets_aside = c->o.pipeline.set_aside;
}

static struct str keep(struct arena *arena, const char *s)
{
    return arena_dup(arena, str_from_cstr(s != NULL ? s : ""));
}

static void set_source(struct arena *arena, const struct change_status *s, struct replica_info *out)
{
    const struct change_source_status *source = &s->source;
    out->started = s->started;
    out->io_running = !s->started ? "No" : source->connected ? "Yes" : "Connecting";
    out->io_state = s->started ? keep(arena, source->state) : STR("");
    out->read_file = keep(arena, source->file);
    out->read_offset = source->offset;
    out->source_version = keep(arena, source->version);
    out->source_server_id = source->source_server_id;
    out->source_uuid = source->kind == UPSTREAM_MYSQL ? keep(arena, source->source_id) : STR("");
    out->io_errno = source->last_errno;
    out->io_error = keep(arena, source->last_error);
    out->io_error_us = (int64_t)source->last_error_us;
    out->retries = source->retries;
    out->bytes = source->bytes;
    out->events = source->events;
}

static void set_pipeline(struct arena *arena, const struct change_status *s,
                         struct replica_info *out)
{
    const struct pipeline_status *p = &s->pipeline;
    out->sql_running = s->started && p->running;
    out->sql_state = out->sql_running ? keep(arena, p->apply_state) : STR("");
    /* The stream ends with the source's error: that one is shown once. */
    out->sql_errno = p->last_errno != s->source.last_errno ? p->last_errno : 0;
    out->sql_error = keep(arena, p->last_error);
    out->sql_error_us = (int64_t)p->last_error_us;
    out->lag_is_known = out->sql_running && s->source.connected;
    out->lag_us = p->lag_us;
    out->lag_transactions =
        p->decoded_transactions > p->transactions ? p->decoded_transactions - p->transactions : 0;
    out->last_commit_us = (int64_t)p->last_commit_us;
    out->transactions = p->transactions;
    out->batches = p->batches;
    out->ddl = p->ddl;
    out->rows_inserted = p->rows_inserted;
    out->rows_updated = p->rows_updated;
    out->rows_deleted = p->rows_deleted;
}

/* What the keeper has met before there was a source, or when it ended. */
static void set_error(struct change *c, struct arena *arena, struct replica_info *out)
{
    os_mutex_lock(&c->lock);
    if (c->error.code != 0 && out->sql_errno == 0 && out->io_errno == 0) {
        out->io_errno = c->error.code;
        out->io_error = keep(arena, c->error.text);
        out->io_error_us = c->error.us;
    }
    if (out->source_version.len == 0) {
        out->source_version = arena_dup(arena, c->origin.version);
    }
    os_mutex_unlock(&c->lock);
}

/* What was received and not applied is forgotten with the source. After the applied ones: they are
 * never ahead. */
static struct str retrieved_gtids(struct change *c, struct arena *arena, struct str executed)
{
    os_mutex_lock(&c->lock);
    const struct str out = c->source != NULL ? change_source_received(c->source, arena) : executed;
    os_mutex_unlock(&c->lock);
    return out;
}

static void set_position(struct change *c, struct arena *arena, struct replica_info *out)
{
    struct change_position p;
    change_position_init(&p);
    if (change_position_now(c, &p)) {
        out->exec_file = keep(arena, p.file);
        out->exec_offset = p.offset;
        out->by_gtid = p.mode != CHANGE_BY_FILE;
        out->executed_gtids = out->by_gtid ? change_position_gtids(&p, arena) : STR("");
        out->retrieved_gtids = retrieved_gtids(c, arena, out->executed_gtids);
        if (out->read_file.len == 0) {
            out->read_file = out->exec_file;
            out->read_offset = out->exec_offset;
        }
    }
    change_position_release(&p);
}

/* The states are counted from the list, which is there while nothing runs. */
static void set_tables(struct change *c, struct arena *arena, struct replica_info *out)
{
    struct copy_table **list;
    uint32_t *counts[] = {[COPY_PENDING] = &out->tables_pending,
                          [COPY_LOADING] = &out->tables_loading,
                          [COPY_LIVE] = &out->tables_live,
                          [COPY_ASIDE] = &out->tables_aside};
    const uint32_t n = copy_list(c->copy, arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        ++*counts[atomic_load(&list[i]->state)];
        copy_table_unref(list[i]);
    }
}

/* What the applier does says also how far the snapshot is. */
static void set_progress(struct arena *arena, const struct change_status *s,
                         struct replica_info *out)
{
    const struct snapshot_status *now = &s->snapshot;
    out->snapshot_rows = now->rows;
    out->snapshot_bytes = now->bytes;
    out->snapshot_rows_left = now->rows_left;
    out->snapshot_eta_us = now->eta_us;
    out->snapshot_error = keep(arena, now->last_error);
    if (!out->sql_running || out->tables_pending + out->tables_loading == 0) {
        return;
    }
    const struct str left =
        now->eta_us > 0 ? arena_printf(arena, ", about %llu s",
                                       (unsigned long long)(now->eta_us / US_PER_SECOND + 1))
                        : STR("");
    out->sql_state = arena_printf(
        arena, "%.*s; copying %u tables, %u are to follow: %llu rows (%llu MiB), %llu left%.*s",
        STR_FMT(out->sql_state), out->tables_loading, out->tables_pending,
        (unsigned long long)now->rows, (unsigned long long)now->bytes >> 20,
        (unsigned long long)now->rows_left, STR_FMT(left));
}

static void info(struct change *c, struct arena *arena, struct replica_info *out)
{
    struct change_status *s = ARENA_NEW(arena, struct change_status);
    *out = (struct replica_info){
        .executed_gtids = STR(""), .retrieved_gtids = STR(""), .exec_file = STR("")};
    change_status(c, s);
    set_settings(c, out);
    set_source(arena, s, out);
    set_pipeline(arena, s, out);
    set_error(c, arena, out);
    set_position(c, arena, out);
    set_tables(c, arena, out);
    set_progress(arena, s, out);
}

/* ---- pintail.tables, pintail.batches ---- */

static uint32_t tables(struct change *c, struct arena *arena, struct replica_table **out)
{
    struct copy_table **list;
    const uint32_t n = copy_list(c->copy, arena, &list);
    *out = ARENA_ARRAY(arena, struct replica_table, n);
    for (uint32_t i = 0; i < n; i++) {
        struct copy_table *t = list[i];
        (*out)[i] = (struct replica_table){
            .db = arena_dup(arena, t->db),
            .name = arena_dup(arena, t->name),
            .state = str_from_cstr(copy_state_name(atomic_load(&t->state))),
            .reason = arena_dup(arena, t->reason),
            .has_key = t->key.count > 0,
            .rows_estimated = atomic_load(&t->rows_estimated),
            .rows_copied = atomic_load(&t->rows_copied),
            .bytes_copied = atomic_load(&t->bytes_copied),
            .inserted = atomic_load(&t->rows_inserted),
            .updated = atomic_load(&t->rows_updated),
            .deleted = atomic_load(&t->rows_deleted),
            .copied_us = atomic_load(&t->copied_us),
        };
        (*out)[i].eta_is_known = snapshot_table_eta(t, &(*out)[i].eta_us);
        copy_table_unref(t);
    }
    return n;
}

static uint32_t batches(struct change *c, struct arena *arena, struct replica_batch **out)
{
    static const char *const ends[] = {
        [BATCH_END_BYTES] = "bytes", [BATCH_END_AGE] = "age",         [BATCH_END_IDLE] = "idle",
        [BATCH_END_DDL] = "ddl",     [BATCH_END_REQUEST] = "request", [BATCH_END_STOP] = "stop",
    };
    struct batch_record *list;
    const uint32_t n = pipeline_batches(c->pipeline, arena, &list);
    *out = ARENA_ARRAY(arena, struct replica_batch, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct batch_record *b = &list[i];
        (*out)[i] = (struct replica_batch){
            .number = b->number,
            .begun_us = b->begun_us,
            .committed_us = b->committed_us,
            .transactions = b->transactions,
            .inserted = b->rows_inserted,
            .updated = b->rows_updated,
            .deleted = b->rows_deleted,
            .bytes = b->bytes,
            .tables = b->tables,
            .end = ends[b->end],
            .decode_us = b->decode_us,
            .merge_us = b->merge_us,
            .apply_us = b->apply_us,
            .commit_us = b->commit_us,
            .gtid = str_from_cstr(b->gtid),
        };
    }
    return n;
}

/* ---- Variables ---- */

/* AliSQL's names; times are milliseconds. Batches of one transaction are batches that are full at
 * once. */
static void settings_changed(struct change *c)
{
    struct server *server = c->o.server;
    struct pipeline_options p = c->o.pipeline;
    os_rwlock_read(&server->vars_lock);
    p.max_batch_bytes =
        server->vars.duckdb_multi_trx_in_batch ? server->vars.duckdb_multi_trx_max_batch_length : 1;
    p.max_batch_us = MAX(server->vars.duckdb_multi_trx_timeout * 1000, UINT64_C(1));
    os_rwlock_unlock(&server->vars_lock);
    pipeline_set_options(c->pipeline, &p);
}

void change_show_settings(struct change *c)
{
    struct server *server = c->o.server;
    os_rwlock_write(&server->vars_lock);
    server->vars.duckdb_multi_trx_in_batch = true;
    server->vars.duckdb_multi_trx_max_batch_length = c->o.pipeline.max_batch_bytes;
    server->vars.duckdb_multi_trx_timeout = c->o.pipeline.max_batch_us / 1000;
    os_rwlock_unlock(&server->vars_lock);
}

/* ---- For those who read the copy ---- */

static struct str why_not(void *copy, struct str db, struct str name, struct arena *arena)
{
    struct change *c = copy;
    return copy_why_not(c->copy, db, name, arena);
}

static int wait_for(void *copy, const struct copy_point *point, uint64_t deadline_us,
                    struct diag *d)
{
    struct change *c = copy;
    struct change_position p;
    const bool is_file = point->gtids.p == NULL;
    int rc = 0;
    change_position_init(&p);
    if (is_file) {
        memcpy(p.file, point->file.p, MIN(point->file.len, sizeof p.file - 1));
        p.offset = point->offset;
    } else if (c->o.server->dialect == DIALECT_MARIADB) {
        p.mode = CHANGE_BY_MARIADB_GTID;
        rc = mariadb_pos_parse(&p.mariadb, point->gtids, d);
    } else {
        p.mode = CHANGE_BY_MYSQL_GTID;
        rc = gtid_set_parse(&p.gtids, point->gtids, d);
    }
    if (rc == 0) {
        rc = change_wait_begun(c, deadline_us, d);
    }
    if (rc == 0) {
        rc = pipeline_wait(c->pipeline, &p, is_file, deadline_us, d);
    }
    change_position_release(&p);
    return rc;
}

static bool by_file(void *copy)
{
    struct change_position p;
    change_position_init(&p);
    const bool yes = change_position_now(copy, &p) && p.mode == CHANGE_BY_FILE;
    change_position_release(&p);
    return yes;
}

const struct copy_ops change_copy_ops = {.why_not = why_not, .wait = wait_for, .by_file = by_file};

const struct replica_ops change_replica_ops = {
    .start = change_start,
    .stop = change_stop,
    .reset = change_reset,
    .set_source = change_set_source,
    .info = info,
    .tables = tables,
    .batches = batches,
    .copy_table = change_copy_table,
    .drop_table = change_drop_table,
    .verify_table = change_verify_table,
    .settings_changed = settings_changed,
};

/* ---- Metrics ---- */

static int64_t metric_running(void *arg)
{
    struct pipeline_status s;
    pipeline_status(((struct change *)arg)->pipeline, &s);
    return s.running;
}

#define PIPELINE_METRIC(name, member)                                                              \
    static int64_t metric_##name(void *arg)                                                        \
    {                                                                                              \
        struct pipeline_status s;                                                                  \
        pipeline_status(((struct change *)arg)->pipeline, &s);                                     \
        return (int64_t)(member);                                                                  \
    }

PIPELINE_METRIC(lag, s.lag_us / 1000)
PIPELINE_METRIC(behind, s.decoded_transactions - s.transactions)
PIPELINE_METRIC(transactions, s.transactions)
PIPELINE_METRIC(batches, s.batches)
PIPELINE_METRIC(inserted, s.rows_inserted)
PIPELINE_METRIC(updated, s.rows_updated)
PIPELINE_METRIC(deleted, s.rows_deleted)
PIPELINE_METRIC(failed, s.last_errno != 0)

static int64_t count_tables(struct change *c, enum copy_state state)
{
    struct arena arena;
    struct copy_table **list;
    int64_t count = 0;
    arena_init(&arena, 0);
    const uint32_t n = copy_list(c->copy, &arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        count += atomic_load(&list[i]->state) == state;
        copy_table_unref(list[i]);
    }
    arena_release(&arena);
    return count;
}

static int64_t metric_pending(void *arg)
{
    return count_tables(arg, COPY_PENDING);
}

static int64_t metric_loading(void *arg)
{
    return count_tables(arg, COPY_LOADING);
}

static int64_t metric_live(void *arg)
{
    return count_tables(arg, COPY_LIVE);
}

static int64_t metric_aside(void *arg)
{
    return count_tables(arg, COPY_ASIDE);
}

static void snapshot_now(struct change *c, struct snapshot_status *out)
{
    memset(out, 0, sizeof *out);
    os_mutex_lock(&c->lock);
    if (c->snapshot != NULL) {
        snapshot_status(c->snapshot, out);
    }
    os_mutex_unlock(&c->lock);
}

static int64_t metric_snapshot_rows(void *arg)
{
    struct snapshot_status s;
    snapshot_now(arg, &s);
    return (int64_t)s.rows;
}

static int64_t metric_snapshot_left(void *arg)
{
    struct snapshot_status s;
    snapshot_now(arg, &s);
    return (int64_t)s.rows_left;
}

void change_register_metrics(struct change *c)
{
    static const struct {
        enum metrics_kind kind;
        const char *name, *help, *labels;
        metrics_read_fn *fn;
    } metrics[] = {
        {METRICS_GAUGE, "pintail_replica_running", "Changes are being applied", "", metric_running},
        {METRICS_GAUGE, "pintail_replica_failed", "The stream has ended with an error", "",
         metric_failed},
        {METRICS_GAUGE, "pintail_replica_lag_milliseconds",
         "Age of the oldest change that is not applied", "", metric_lag},
        {METRICS_GAUGE, "pintail_replica_lag_transactions", "Transactions received and not applied",
         "", metric_behind},
        {METRICS_COUNTER, "pintail_replica_transactions_total", "Source transactions applied", "",
         metric_transactions},
        {METRICS_COUNTER, "pintail_replica_batches_total", "Batches applied", "", metric_batches},
        {METRICS_COUNTER, "pintail_replica_rows_total", "Row changes applied", "kind=\"insert\"",
         metric_inserted},
        {METRICS_COUNTER, "pintail_replica_rows_total", "Row changes applied", "kind=\"update\"",
         metric_updated},
        {METRICS_COUNTER, "pintail_replica_rows_total", "Row changes applied", "kind=\"delete\"",
         metric_deleted},
        {METRICS_GAUGE, "pintail_replica_tables", "Tables of the copy", "state=\"pending\"",
         metric_pending},
        {METRICS_GAUGE, "pintail_replica_tables", "Tables of the copy", "state=\"loading\"",
         metric_loading},
        {METRICS_GAUGE, "pintail_replica_tables", "Tables of the copy", "state=\"live\"",
         metric_live},
        {METRICS_GAUGE, "pintail_replica_tables", "Tables of the copy", "state=\"aside\"",
         metric_aside},
        {METRICS_COUNTER, "pintail_snapshot_rows_total", "Rows copied by snapshots", "",
         metric_snapshot_rows},
        {METRICS_GAUGE, "pintail_snapshot_rows_left", "Rows not copied yet, estimated", "",
         metric_snapshot_left},
    };
    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
        metrics_read_new(metrics[i].kind, metrics[i].name, metrics[i].help, metrics[i].labels,
                         metrics[i].fn, c);
    }
}
