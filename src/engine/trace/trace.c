/*
 * The trace engine: each object wraps the inner engine's and passes calls on. Capabilities and
 * dialect are the inner engine's, so each instance has its own copy of the tables of callbacks.
 *
 * Threads: as the inner engine; nothing of our own changes after open.
 */
#include "engine/trace/trace.h"

#include "base/clock.h"

#include <stdlib.h>

struct trace_engine {
    struct engine base;
    struct engine_ops ops; /* Ours, with the inner engine's capabilities. */
    struct engine *inner;
    enum log_level level;
};

struct trace_session {
    struct engine_session base;
    struct engine_session *inner;
};

struct trace_cursor {
    struct engine_cursor base;
    struct engine_cursor *inner;
    uint64_t rows;
};

struct trace_writer {
    struct engine_writer base;
    struct engine_writer *inner;
    uint64_t rows;
};

static const struct log trace_log = {.module = "engine"};

static struct trace_engine *engine_of(struct engine *e)
{
    return CONTAINER_OF(e, struct trace_engine, base);
}

static struct engine_session *inner_of(const struct engine_session *s)
{
    return CONTAINER_OF(s, const struct trace_session, base)->inner;
}

/* ---- Logging ---- */

struct call {
    const struct trace_engine *engine;
    const char *name;
    uint64_t since;
};

static struct call call_begin(struct engine *e, const char *name)
{
    return (struct call){.engine = engine_of(e), .name = name, .since = clock_monotonic_us()};
}

/* detail: what the call was about, or empty. Returns rc. */
static int call_end(const struct call *c, struct str detail, int rc)
{
    const unsigned long us = (unsigned long)(clock_monotonic_us() - c->since);
    if (log_enabled(c->engine->level)) {
        log_write(&trace_log, c->engine->level, "%s %.*s: %s in %lu us", c->name, STR_FMT(detail),
                  rc == 0 ? "ok" : "failed", us);
    }
    return rc;
}

static void *trace_alloc(size_t size, struct diag *diag)
{
    void *p = calloc(1, size);
    if (p == NULL) {
        (void)diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "trace");
    }
    return p;
}

/* ---- Engine and sessions ---- */

static int trace_open(const void *config, struct diag *diag, struct engine **out)
{
    const struct trace_config *c = config;
    struct trace_engine *e = trace_alloc(sizeof(*e), diag);
    if (e == NULL) {
        return -1;
    }
    if (engine_open(c->inner, c->inner_config, diag, &e->inner) != 0) {
        free(e);
        return -1;
    }
    e->level = c->level;
    e->ops = *trace_engine.ops;
    e->ops.caps = e->inner->ops->caps & ~(unsigned)(ENGINE_TWO_PHASE | ENGINE_POINT_READS);
    e->ops.query_dialect = e->inner->ops->query_dialect;
    e->base.ops = &e->ops;
    e->base.table_ops = trace_engine.table_ops;
    e->base.query_ops = e->inner->query_ops != NULL ? trace_engine.query_ops : NULL;
    *out = &e->base;
    return 0;
}

static void trace_close(struct engine *base)
{
    struct trace_engine *e = engine_of(base);
    engine_close(e->inner);
    free(e);
}

static int trace_session_open(struct engine *e, struct diag *diag, struct engine_session **out)
{
    const struct call call = call_begin(e, "session_open");
    struct trace_session *s = trace_alloc(sizeof(*s), diag);
    if (s == NULL) {
        return -1;
    }
    s->base.engine = e;
    if (engine_session_open(engine_of(e)->inner, diag, &s->inner) != 0) {
        free(s);
        return call_end(&call, STR_NULL, -1);
    }
    *out = &s->base;
    return call_end(&call, STR_NULL, 0);
}

static void trace_session_close(struct engine_session *s)
{
    const struct call call = call_begin(s->engine, "session_close");
    engine_session_close(inner_of(s));
    (void)call_end(&call, STR_NULL, 0);
    free(CONTAINER_OF(s, struct trace_session, base));
}

static void trace_interrupt(struct engine_session *s)
{
    engine_interrupt(inner_of(s));
}

/* ---- Transactions ---- */

static int trace_begin(struct engine_session *s, unsigned flags, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "begin");
    return call_end(&call, STR_NULL, engine_begin(inner_of(s), flags, diag));
}

static int trace_commit(struct engine_session *s, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "commit");
    return call_end(&call, STR_NULL, engine_commit(inner_of(s), diag));
}

static void trace_rollback(struct engine_session *s)
{
    const struct call call = call_begin(s->engine, "rollback");
    engine_rollback(inner_of(s));
    (void)call_end(&call, STR_NULL, 0);
}

static enum engine_txn_state trace_txn_state(const struct engine_session *s)
{
    return engine_txn_state(inner_of(s));
}

static uint64_t trace_savepoint(const struct engine_session *s)
{
    return engine_savepoint(inner_of(s));
}

static int trace_rollback_to(struct engine_session *s, uint64_t savepoint, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "rollback_to");
    return call_end(&call, STR_NULL, engine_rollback_to(inner_of(s), savepoint, diag));
}

/* ---- Definitions and records ---- */

static int trace_create_table(struct engine_session *s, const struct table_def *t,
                              struct diag *diag)
{
    const struct call call = call_begin(s->engine, "create_table");
    return call_end(&call, t->name, engine_create_table(inner_of(s), t, diag));
}

static int trace_drop_table(struct engine_session *s, const struct table_def *t, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "drop_table");
    return call_end(&call, t->name, engine_drop_table(inner_of(s), t, diag));
}

static int trace_alter_table(struct engine_session *s, const struct table_def *from,
                             const struct table_def *to, struct str rewrite, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "alter_table");
    return call_end(&call, to->name, engine_alter_table(inner_of(s), from, to, rewrite, diag));
}

static int trace_meta_put(struct engine_session *s, struct str kind, uint64_t id, struct str value,
                          struct diag *diag)
{
    const struct call call = call_begin(s->engine, "meta_put");
    return call_end(&call, kind, engine_meta_put(inner_of(s), kind, id, value, diag));
}

static int trace_meta_scan(struct engine_session *s, struct str kind,
                           int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                           struct diag *diag)
{
    const struct call call = call_begin(s->engine, "meta_scan");
    return call_end(&call, kind, engine_meta_scan(inner_of(s), kind, fn, arg, diag));
}

static int trace_set_variable(struct engine *e, struct str name, struct str value,
                              struct diag *diag)
{
    const struct call call = call_begin(e, "set_variable");
    return call_end(&call, name, engine_set_variable(engine_of(e)->inner, name, value, diag));
}

static uint32_t trace_statistics(struct engine *e, struct arena *arena, struct engine_stat **out)
{
    return engine_statistics(engine_of(e)->inner, arena, out);
}

/* ---- Rows ---- */

static int trace_writer_open(struct engine_session *s, const struct table_def *t, unsigned flags,
                             struct diag *diag, struct engine_writer **out)
{
    const struct call call = call_begin(s->engine, "writer_open");
    struct trace_writer *w = trace_alloc(sizeof(*w), diag);
    if (w == NULL) {
        return -1;
    }
    w->base = (struct engine_writer){.session = s, .table = t};
    if (engine_writer_open(inner_of(s), t, flags, diag, &w->inner) != 0) {
        free(w);
        return call_end(&call, t->name, -1);
    }
    *out = &w->base;
    return call_end(&call, t->name, 0);
}

static int trace_writer_append(struct engine_writer *base, const struct chunk *rows,
                               struct diag *diag)
{
    struct trace_writer *w = CONTAINER_OF(base, struct trace_writer, base);
    w->rows += rows->nrows;
    return engine_writer_append(w->inner, rows, diag);
}

static int trace_writer_close(struct engine_writer *base, bool keep, struct diag *diag)
{
    struct trace_writer *w = CONTAINER_OF(base, struct trace_writer, base);
    const struct call call =
        call_begin(base->session->engine, keep ? "writer_close" : "writer_drop");
    w->inner->stats = base->stats;
    const int rc = call_end(&call, base->table->name, engine_writer_close(w->inner, keep, diag));
    free(w);
    return rc;
}

static int trace_insert_chunks(struct engine_session *s, const struct table_def *t,
                               const struct chunk *chunks, uint32_t count, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "insert_chunks");
    return call_end(&call, t->name, engine_insert_chunks(inner_of(s), t, chunks, count, diag));
}

static int trace_find_conflicts(struct engine_session *s, const struct table_def *t,
                                const struct chunk *rows, const int64_t *ignore_rowids,
                                uint32_t ignore_count, struct arena *arena, struct diag *diag,
                                struct engine_conflict **out, uint32_t *out_count)
{
    const struct call call = call_begin(s->engine, "find_conflicts");
    return call_end(&call, t->name,
                    engine_find_conflicts(inner_of(s), t, rows, ignore_rowids, ignore_count, arena,
                                          diag, out, out_count));
}

static int trace_delete_rows(struct engine_session *s, const struct table_def *t,
                             const int64_t *rowids, uint32_t count, struct diag *diag,
                             uint64_t *out_deleted)
{
    const struct call call = call_begin(s->engine, "delete_rows");
    return call_end(&call, t->name,
                    engine_delete_rows(inner_of(s), t, rowids, count, diag, out_deleted));
}

static int trace_delete_keys(struct engine_session *s, const struct table_def *t,
                             const struct engine_values *keys, struct diag *diag,
                             uint64_t *out_deleted)
{
    const struct call call = call_begin(s->engine, "delete_keys");
    return call_end(&call, t->name, engine_delete_keys(inner_of(s), t, keys, diag, out_deleted));
}

static int trace_delete_images(struct engine_session *s, const struct table_def *t,
                               const struct engine_values *images, struct diag *diag,
                               uint64_t *out_deleted)
{
    const struct call call = call_begin(s->engine, "delete_images");
    return call_end(&call, t->name,
                    engine_delete_images(inner_of(s), t, images, diag, out_deleted));
}

static int trace_read_keys(struct engine_session *s, const struct table_def *t,
                           const struct engine_read *read, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "read_keys");
    return call_end(&call, t->name, engine_read_keys(inner_of(s), t, read, diag));
}

static int trace_truncate(struct engine_session *s, const struct table_def *t, struct diag *diag)
{
    const struct call call = call_begin(s->engine, "truncate");
    return call_end(&call, t->name, engine_truncate(inner_of(s), t, diag));
}

static int trace_row_count(struct engine_session *s, const struct table_def *t, struct diag *diag,
                           uint64_t *out)
{
    const struct call call = call_begin(s->engine, "row_count");
    return call_end(&call, t->name, engine_row_count(inner_of(s), t, diag, out));
}

static int trace_max_value(struct engine_session *s, const struct table_def *t, uint32_t column,
                           struct diag *diag, uint64_t *out)
{
    const struct call call = call_begin(s->engine, "max_value");
    return call_end(&call, t->name, engine_max_value(inner_of(s), t, column, diag, out));
}

/* ---- Queries ---- */

static int trace_query_open(struct engine_session *s, const struct engine_query *q,
                            struct diag *diag, struct engine_cursor **out)
{
    const struct call call = call_begin(s->engine, "query");
    struct trace_cursor *c = trace_alloc(sizeof(*c), diag);
    if (c == NULL) {
        return -1;
    }
    c->base.session = s;
    if (engine_query_open(inner_of(s), q, diag, &c->inner) != 0) {
        free(c);
        return call_end(&call, q->text, -1);
    }
    *out = &c->base;
    return call_end(&call, q->text, 0);
}

static enum engine_result trace_query_fetch(struct engine_cursor *base, struct diag *diag,
                                            struct chunk *out)
{
    struct trace_cursor *c = CONTAINER_OF(base, struct trace_cursor, base);
    const enum engine_result result = engine_fetch(c->inner, diag, out);
    if (result == ENGINE_ROW) {
        c->rows += out->nrows;
    }
    return result;
}

static void trace_query_close(struct engine_cursor *base)
{
    struct trace_cursor *c = CONTAINER_OF(base, struct trace_cursor, base);
    const struct call call = call_begin(base->session->engine, "query_close");
    engine_cursor_close(c->inner);
    (void)call_end(&call, STR_NULL, 0);
    free(c);
}

static int trace_explain(struct engine_session *s, const struct engine_query *q, bool analyze,
                         struct arena *arena, struct diag *diag, struct str *out)
{
    const struct call call = call_begin(s->engine, "explain");
    return call_end(&call, q->text, engine_explain(inner_of(s), q, analyze, arena, diag, out));
}

static double trace_progress(const struct engine_session *s)
{
    return engine_progress(inner_of(s));
}

/* ---- Tables of callbacks ---- */

static const struct engine_ops trace_ops = {
    .name = "trace",
    .open = trace_open,
    .close = trace_close,
    .session_open = trace_session_open,
    .session_close = trace_session_close,
    .interrupt = trace_interrupt,
    .begin = trace_begin,
    .commit = trace_commit,
    .rollback = trace_rollback,
    .txn_state = trace_txn_state,
    .savepoint = trace_savepoint,
    .rollback_to = trace_rollback_to,
    .create_table = trace_create_table,
    .drop_table = trace_drop_table,
    .alter_table = trace_alter_table,
    .meta_put = trace_meta_put,
    .meta_scan = trace_meta_scan,
    .set_variable = trace_set_variable,
    .statistics = trace_statistics,
};

static const struct engine_table_ops trace_table_ops = {
    .writer_open = trace_writer_open,
    .writer_append = trace_writer_append,
    .writer_close = trace_writer_close,
    .insert_chunks = trace_insert_chunks,
    .find_conflicts = trace_find_conflicts,
    .delete_rows = trace_delete_rows,
    .delete_keys = trace_delete_keys,
    .delete_images = trace_delete_images,
    .read_keys = trace_read_keys,
    .truncate = trace_truncate,
    .row_count = trace_row_count,
    .max_value = trace_max_value,
};

static const struct engine_query_ops trace_query_ops = {
    .open = trace_query_open,
    .fetch = trace_query_fetch,
    .close = trace_query_close,
    .explain = trace_explain,
    .progress = trace_progress,
};

const struct engine_type trace_engine = {
    .ops = &trace_ops,
    .table_ops = &trace_table_ops,
    .query_ops = &trace_query_ops,
};
