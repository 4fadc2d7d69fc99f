/*
 * The blackhole engine: transactions are tracked so that callers can be tested, rows are counted
 * and dropped.
 *
 * Threads: an engine holds nothing that changes but one atomic counter; a session belongs to one
 * thread at a time.
 */
#include "engine/blackhole/blackhole.h"

#include "engine/generic.h"

#include <stdatomic.h>
#include <stdlib.h>

struct blackhole {
    struct engine base;
    _Atomic(uint64_t) rows_swallowed;
};

struct blackhole_session {
    struct engine_session base;
    enum engine_txn_state state;
};

/* ---- Life ---- */

static int blackhole_open(const void *config, struct diag *diag, struct engine **out)
{
    (void)config;
    struct blackhole *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "blackhole");
    }
    b->base.ops = blackhole_engine.ops;
    b->base.table_ops = blackhole_engine.table_ops;
    b->base.query_ops = blackhole_engine.query_ops;
    *out = &b->base;
    return 0;
}

static void blackhole_close(struct engine *e)
{
    free(CONTAINER_OF(e, struct blackhole, base));
}

static int blackhole_session_open(struct engine *e, struct diag *diag, struct engine_session **out)
{
    struct blackhole_session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "blackhole");
    }
    s->base.engine = e;
    *out = &s->base;
    return 0;
}

static void blackhole_session_close(struct engine_session *s)
{
    free(CONTAINER_OF(s, struct blackhole_session, base));
}

/* ---- Transactions: nothing can fail, so only their state is kept ---- */

static int blackhole_begin(struct engine_session *s, unsigned flags, struct diag *diag)
{
    (void)flags, (void)diag;
    CONTAINER_OF(s, struct blackhole_session, base)->state = ENGINE_TXN_OPEN;
    return 0;
}

static int blackhole_commit(struct engine_session *s, struct diag *diag)
{
    (void)diag;
    CONTAINER_OF(s, struct blackhole_session, base)->state = ENGINE_TXN_NONE;
    return 0;
}

static void blackhole_rollback(struct engine_session *s)
{
    CONTAINER_OF(s, struct blackhole_session, base)->state = ENGINE_TXN_NONE;
}

static enum engine_txn_state blackhole_txn_state(const struct engine_session *s)
{
    return CONTAINER_OF(s, const struct blackhole_session, base)->state;
}

/* ---- Definitions: the catalog has them, there is no storage to make ---- */

static int blackhole_table(struct engine_session *s, const struct table_def *t, struct diag *diag)
{
    (void)s, (void)t, (void)diag;
    return 0;
}

static int blackhole_alter_table(struct engine_session *s, const struct table_def *from,
                                 const struct table_def *to, struct str rewrite, struct diag *diag)
{
    (void)s, (void)from, (void)to, (void)rewrite, (void)diag;
    return 0;
}

static uint32_t blackhole_statistics(struct engine *e, struct arena *arena,
                                     struct engine_stat **out)
{
    struct blackhole *b = CONTAINER_OF(e, struct blackhole, base);
    const unsigned long rows = atomic_load(&b->rows_swallowed);
    *out = ARENA_NEW(arena, struct engine_stat);
    (*out)->name = STR("blackhole_rows_swallowed");
    (*out)->value = arena_printf(arena, "%lu", rows);
    return 1;
}

/* ---- Rows ---- */

static int blackhole_writer_open(struct engine_session *s, const struct table_def *t,
                                 unsigned flags, struct diag *diag, struct engine_writer **out)
{
    (void)flags;
    struct engine_writer *w = malloc(sizeof(*w));
    if (w == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "blackhole");
    }
    *w = (struct engine_writer){.session = s, .table = t};
    *out = w;
    return 0;
}

static int blackhole_writer_append(struct engine_writer *w, const struct chunk *rows,
                                   struct diag *diag)
{
    (void)diag;
    struct blackhole *b = CONTAINER_OF(w->session->engine, struct blackhole, base);
    atomic_fetch_add(&b->rows_swallowed, rows->nrows);
    return 0;
}

static int blackhole_writer_close(struct engine_writer *w, bool keep, struct diag *diag)
{
    (void)keep, (void)diag;
    if (w->stats != NULL) {
        *w->stats = (struct engine_write_stats){.skipped = 0};
    }
    free(w);
    return 0;
}

static int blackhole_find_conflicts(struct engine_session *s, const struct table_def *t,
                                    const struct chunk *rows, const int64_t *ignore_rowids,
                                    uint32_t ignore_count, struct arena *arena, struct diag *diag,
                                    struct engine_conflict **out, uint32_t *out_count)
{
    (void)s, (void)t, (void)rows, (void)ignore_rowids, (void)ignore_count, (void)arena, (void)diag;
    *out = NULL;
    *out_count = 0;
    return 0;
}

/* No query returns rowids, so there is nothing to delete: *out_deleted stays 0. */
static int blackhole_delete_rows(struct engine_session *s, const struct table_def *t,
                                 const int64_t *rowids, uint32_t count, struct diag *diag,
                                 uint64_t *out_deleted)
{
    (void)s, (void)t, (void)rowids, (void)count, (void)diag;
    *out_deleted = 0;
    return 0;
}

/* Nothing is kept, so nothing has these values. */
static int blackhole_delete_values(struct engine_session *s, const struct table_def *t,
                                   const struct engine_values *values, struct diag *diag,
                                   uint64_t *out_deleted)
{
    (void)s, (void)t, (void)values, (void)diag;
    *out_deleted = 0;
    return 0;
}

static int blackhole_row_count(struct engine_session *s, const struct table_def *t,
                               struct diag *diag, uint64_t *out)
{
    (void)s, (void)t, (void)diag;
    *out = 0;
    return 0;
}

static int blackhole_max_value(struct engine_session *s, const struct table_def *t, uint32_t column,
                               struct diag *diag, uint64_t *out)
{
    (void)s, (void)t, (void)column, (void)diag;
    *out = 0;
    return 0;
}

/* ---- Tables of callbacks ---- */

static const struct engine_ops blackhole_ops = {
    .name = "blackhole",
    .caps = ENGINE_TRANSACTIONS | ENGINE_DDL_IN_TRANSACTION | ENGINE_DELETE_BY_VALUE,
    .query_dialect = QUERY_DIALECT_NONE,
    .open = blackhole_open,
    .close = blackhole_close,
    .session_open = blackhole_session_open,
    .session_close = blackhole_session_close,
    .interrupt = generic_interrupt,
    .begin = blackhole_begin,
    .commit = blackhole_commit,
    .rollback = blackhole_rollback,
    .txn_state = blackhole_txn_state,
    .create_table = blackhole_table,
    .drop_table = blackhole_table,
    .alter_table = blackhole_alter_table,
    .meta_put = generic_meta_put,
    .meta_scan = generic_meta_scan,
    .set_variable = generic_set_variable,
    .statistics = blackhole_statistics,
};

static int blackhole_read_keys(struct engine_session *s, const struct table_def *t,
                               const struct engine_read *read, struct diag *diag)
{
    (void)s, (void)t, (void)read, (void)diag;
    return 0;
}

static const struct engine_table_ops blackhole_table_ops = {
    .writer_open = blackhole_writer_open,
    .writer_append = blackhole_writer_append,
    .writer_close = blackhole_writer_close,
    .find_conflicts = blackhole_find_conflicts,
    .delete_rows = blackhole_delete_rows,
    .delete_keys = blackhole_delete_values,
    .delete_images = blackhole_delete_values,
    .read_keys = blackhole_read_keys,
    .truncate = blackhole_table,
    .row_count = blackhole_row_count,
    .max_value = blackhole_max_value,
};

const struct engine_type blackhole_engine = {
    .ops = &blackhole_ops,
    .table_ops = &blackhole_table_ops,
};
