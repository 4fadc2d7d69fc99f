/*
 * Spools: what the stream does to a table without a key while the table is read. Its rows have
 * nothing by which an event could find them, so events wait until all rows are there: those that
 * the view has seen are dropped, the others follow the rows. Rows are told apart by their values
 * alone, so that the order of events does not matter, only how often each row comes and goes.
 */
#include "change/pipeline_int.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPOOL_BYTES = 256 * 1024 * 1024, /* Of events, by default. */
};

/* How much of the spool belongs to transactions up to a place in the log. */
struct spool_mark {
    const char *file; /* In the spool's arena. */
    uint64_t offset;
    uint32_t rows, gone;
};

struct window_spool {
    struct batch batch;
    struct batch_table *rows;
    struct spool_mark *marks;
    uint32_t mark_count, mark_cap;
    uint64_t bytes;
    struct arena arena;
};

struct window_spool *spool_new(struct copy_table *t)
{
    struct window_spool *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        abort();
    }
    batch_init(&s->batch);
    arena_init(&s->arena, 0);
    s->rows = batch_get_table(&s->batch, t);
    return s;
}

void spool_free(struct window_spool *s)
{
    if (s != NULL) {
        batch_release(&s->batch);
        arena_release(&s->arena);
        free(s->marks);
        free(s);
    }
}

/* ---- While events are decoded ---- */

struct batch_table *spool_find(struct pipeline *p, const struct copy_table *t)
{
    struct batch_table *rows = NULL;
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->windows) {
        const struct pipeline_window *w = RLIST_ENTRY(it, struct pipeline_window, link);
        if (w->table == t && w->spool != NULL && !w->is_broken) {
            rows = w->spool->rows;
        }
    }
    os_mutex_unlock(&p->lock);
    return rows;
}

static void add_mark(struct window_spool *s, const struct change_position *at)
{
    if (s->mark_count == s->mark_cap) {
        s->mark_cap = MAX(s->mark_cap * 2, 64);
        s->marks = realloc(s->marks, s->mark_cap * sizeof(*s->marks));
        if (s->marks == NULL) {
            abort();
        }
    }
    const struct spool_mark *last = s->mark_count > 0 ? &s->marks[s->mark_count - 1] : NULL;
    s->marks[s->mark_count++] = (struct spool_mark){
        .file = last != NULL && strcmp(last->file, at->file) == 0
                    ? last->file
                    : arena_dup_cstr(&s->arena, str_from_cstr(at->file)),
        .offset = at->offset,
        .rows = s->rows->rows.count,
        .gone = s->rows->gone.count,
    };
}

static void commit(struct pipeline_window *w, const struct change_position *at)
{
    struct window_spool *s = w->spool;
    if (s->batch.mark_count == 0) {
        return;
    }
    s->bytes += s->batch.txn_bytes;
    batch_commit(&s->batch);
    add_mark(s, at);
}

void spool_count(struct pipeline *p, const struct batch_table *rows, size_t bytes)
{
    const uint64_t limit = p->now.spool_bytes != 0 ? p->now.spool_bytes : SPOOL_BYTES;
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->windows) {
        struct pipeline_window *w = RLIST_ENTRY(it, struct pipeline_window, link);
        if (w->spool == NULL || w->spool->rows != rows) {
            continue;
        }
        struct window_spool *s = w->spool;
        s->batch.txn_bytes += bytes;
        if (s->bytes + s->batch.txn_bytes > limit) {
            w->is_broken = true;
            w->is_full = true;
            s->rows = NULL;
            batch_release(&s->batch);
            batch_init(&s->batch);
            p->stream.generation++; /* Nobody finds it any more. */
        }
    }
    os_mutex_unlock(&p->lock);
}

void spool_each(struct pipeline *p, enum spool_event event, struct str name)
{
    if (atomic_load_explicit(&p->spools, memory_order_relaxed) == 0) {
        return;
    }
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->windows) {
        struct pipeline_window *w = RLIST_ENTRY(it, struct pipeline_window, link);
        if (w->spool == NULL) {
            continue;
        }
        switch (event) {
        case SPOOL_COMMIT:
            commit(w, &p->stream.position);
            break;
        case SPOOL_ROLLBACK:
            batch_rollback(&w->spool->batch);
            break;
        case SPOOL_SAVEPOINT:
            batch_savepoint(&w->spool->batch, name);
            break;
        case SPOOL_ROLLBACK_TO:
            (void)!batch_rollback_to(&w->spool->batch, name);
            break;
        case SPOOL_BREAK:
            /* Transactions will come again that are in it. */
            w->is_broken = true;
            break;
        }
    }
    os_mutex_unlock(&p->lock);
}

/* ---- When the rows are there ---- */

/* Drops what the view has seen. */
static void drop_seen(struct window_spool *s, const struct pipeline_merge *m)
{
    uint32_t rows = 0;
    uint32_t gone = 0;
    for (uint32_t i = 0; i < s->mark_count; i++) {
        const struct spool_mark *mark = &s->marks[i];
        if (change_position_compare(mark->file, mark->offset, m->file, m->offset) <= 0) {
            rows = mark->rows;
            gone = mark->gone;
        }
    }
    batch_rows_kill_below(&s->rows->rows, rows);
    batch_rows_kill_below(&s->rows->gone, gone);
}

int spool_apply(struct window_spool *s, struct engine_session *session,
                const struct pipeline_merge *m, struct arena *scratch, struct diag *d)
{
    struct batch_table *t = s->rows;
    uint64_t wanted = 0;
    uint64_t deleted = 0;
    struct chunk *chunks;
    drop_seen(s, m);
    uint32_t count = batch_rows_chunks(&t->rows, scratch, &chunks);
    if (count > 0 && engine_insert_chunks(session, t->table->def, chunks, count, d) != 0) {
        return -1;
    }
    count = batch_rows_chunks(&t->gone, scratch, &chunks);
    if (count == 0) {
        return 0;
    }
    uint32_t *columns = ARENA_ARRAY(scratch, uint32_t, t->gone.ncols);
    for (uint32_t i = 0; i < t->gone.ncols; i++) {
        columns[i] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        wanted += chunks[i].nrows;
    }
    const struct engine_values values = {
        .column_count = t->gone.ncols, .columns = columns, .chunk_count = count, .chunks = chunks};
    if (engine_delete_images(session, t->table->def, &values, d, &deleted) != 0) {
        return -1;
    }
    return deleted == wanted
               ? 0
               : diag_set_text(d, ER_KEY_NOT_FOUND,
                               arena_printf(&d->arena,
                                            "the log removes rows of `%.*s`.`%.*s` that were not "
                                            "read from the source",
                                            STR_FMT(t->table->db), STR_FMT(t->table->name)));
}
