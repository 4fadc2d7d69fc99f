/*
 * The writer: rows into a table by DuckDB's appender, always inside a transaction.
 *
 * Uniqueness costs nothing while keys ascend: the largest key of each integer index is known, and
 * rows above it are new by that alone. Other keys are checked at close, when an UPDATE has deleted
 * the rows that it replaces: those of one small chunk (a small INSERT) by looking them up before
 * they reach the table, those of a bulk load by a query over all rows of the transaction.
 */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How often a load looks at the free space: about every 20 MiB. */
#define SPACE_CHECK_ROWS 262144

/* What the writer knows of the keys of one unique index. */
struct key_track {
    uint32_t index; /* In table->indexes. */
    bool fast;
    bool check_at_end;
    struct ddb_key_max max; /* `known` false: not followed. */
    uint64_t *parts;        /* CHUNK_ROWS keys, of a chunk; fast only. */
};

struct ddb_writer {
    struct engine_writer base;
    struct arena arena;
    duckdb_appender appender; /* NULL once dropped. */
    duckdb_data_chunk chunk;
    duckdb_logical_type *types;
    struct key_track *tracks;
    uint32_t track_count;
    struct chunk small;   /* A copy of the only chunk, to be looked up at close; nrows 0 = none. */
    uint64_t first_rowid; /* Of the first row appended here. */
    uint64_t appended;
    uint64_t flushed; /* The change that put the rows into the table: see redo.h. */
    unsigned flags;
    bool has_partial_dates; /* Among the rows given, perhaps rows that are not kept. */
};

static struct ddb_writer *writer_of(struct engine_writer *w)
{
    return CONTAINER_OF(w, struct ddb_writer, base);
}

static int fill_chunk(struct ddb_writer *w, const struct chunk *rows, struct diag *diag)
{
    duckdb_data_chunk_reset(w->chunk);
    for (uint32_t i = 0; i < rows->ncols; i++) {
        const struct column_def *column = &w->base.table->columns[i];
        const struct vec *v = &rows->cols[i];
        if (ddb_check_column(column, v, rows->nrows, diag) != 0) {
            return -1;
        }
        ddb_fill_vector(v, rows->nrows, duckdb_data_chunk_get_vector(w->chunk, i));
        w->has_partial_dates |= ddb_has_partial_dates(v, &column->type, rows->nrows);
    }
    duckdb_data_chunk_set_size(w->chunk, rows->nrows);
    return 0;
}

/* ---- Following keys ---- */

static bool key_has_null(const struct index_def *index, const struct chunk *rows, uint32_t row)
{
    for (uint32_t i = 0; i < index->column_count; i++) {
        if (vec_is_null(&rows->cols[index->columns[i].column], row)) {
            return true;
        }
    }
    return false;
}

static int compare_keys(const uint64_t *a, const uint64_t *b, uint32_t parts)
{
    for (uint32_t i = 0; i < parts; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Do the rows' keys ascend from the largest one so far? That one follows. */
static bool follow_keys(struct key_track *track, const struct index_def *index,
                        const struct chunk *rows)
{
    const uint32_t parts = index->column_count;
    bool nulls = false;
    bool ascending = true;
    for (uint32_t i = 0; i < parts; i++) {
        const struct vec *v = &rows->cols[index->columns[i].column];
        ddb_fast_key_column(v, rows->nrows, parts, track->parts + i);
        nulls |= v->validity != NULL;
    }
    for (uint32_t row = 0; row < rows->nrows; row++) {
        const uint64_t *key = track->parts + (size_t)row * parts;
        if (nulls && key_has_null(index, rows, row)) {
            continue;
        }
        if (track->max.empty || compare_keys(key, track->max.parts, parts) > 0) {
            memcpy(track->max.parts, key, parts * sizeof(*key));
            track->max.empty = false;
        } else {
            ascending = false;
        }
    }
    return ascending;
}

/* Decides for each unique index whether the rows' keys have to be checked at close, and how. */
static void follow_chunk(struct ddb_writer *w, const struct chunk *rows)
{
    bool ascending = true;
    for (uint32_t i = 0; i < w->track_count; i++) {
        struct key_track *track = &w->tracks[i];
        const bool above = track->fast && track->max.known &&
                           follow_keys(track, &w->base.table->indexes[track->index], rows);
        if (!above && (w->flags & ENGINE_WRITE_UNIQUE_CHECKED) == 0) {
            track->check_at_end = true;
            ascending = false;
        }
    }
    const unsigned resolve = ENGINE_WRITE_SKIP_DUPLICATES | ENGINE_WRITE_REPLACE;
    if (!ascending && w->appended == 0 && rows->nrows < CHUNK_ROWS && (w->flags & resolve) == 0) {
        w->small = ddb_chunk_copy(rows, &w->arena);
    } else {
        w->small.nrows = 0;
    }
}

static int look_up(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    struct engine_conflict *conflicts;
    uint32_t count;
    struct arena scratch;
    arena_init(&scratch, 0);
    int rc =
        ddb_conflicts(s, w->base.table, &w->small, NULL, 0, &scratch, diag, &conflicts, &count);
    if (rc == 0 && count > 0) {
        const struct ddb_bulk lot = {.table = w->base.table, .flags = w->flags};
        rc = ddb_duplicate(&lot, conflicts[0].index, &w->small, (uint32_t)conflicts[0].row, diag);
    }
    arena_release(&scratch);
    return rc;
}

/* ---- Life ---- */

static int open_tracks(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    const struct table_def *t = w->base.table;
    w->tracks = ARENA_ARRAY(&w->arena, struct key_track, t->index_count);
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *index = &t->indexes[i];
        if (!ddb_index_is_unique(index)) {
            continue;
        }
        struct key_track *track = &w->tracks[w->track_count++];
        track->index = i;
        track->fast = ddb_index_has_fast_key(t, index);
        if (track->fast) {
            track->parts =
                ARENA_ARRAY(&w->arena, uint64_t, (size_t)CHUNK_ROWS * index->column_count);
            if (ddb_key_max_get(s, t, index, diag, &track->max) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int appender_failed(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    /* duckdb_appender_error() is NULL after a failed flush. */
    duckdb_error_data error = duckdb_appender_error_data(w->appender);
    const duckdb_error_type type = duckdb_error_data_error_type(error);
    const char *text = duckdb_error_data_message(error);
    const struct str message =
        arena_dup(&w->arena, str_from_cstr(text != NULL ? text : "append failed"));
    duckdb_destroy_error_data(&error);
    return ddb_failed(s, type, message.p, w->base.table->name, diag);
}

static int open_appender(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    const struct table_def *t = w->base.table;
    const struct str name = arena_printf(&w->arena, "t%" PRIu64, t->id);
    if (duckdb_appender_create(s->conn, NULL, name.p, &w->appender) != DuckDBSuccess) {
        const int rc = appender_failed(s, w, diag);
        if (w->appender != NULL) {
            duckdb_appender_destroy(&w->appender);
            w->appender = NULL;
        }
        return rc;
    }
    if (duckdb_appender_column_count(w->appender) != t->column_count) {
        return diag_set(diag, ER_TABLE_DEF_CHANGED);
    }
    w->types = ARENA_ARRAY(&w->arena, duckdb_logical_type, t->column_count);
    for (uint32_t i = 0; i < t->column_count; i++) {
        w->types[i] = ddb_type_new(&t->columns[i].type);
    }
    w->chunk = duckdb_create_data_chunk(w->types, t->column_count);
    return 0;
}

/* The rowid that the first row will have, by which the writer's rows can be found again. */
static int find_first_rowid(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    struct ddb_touched *touched = ddb_touched_get(s, w->base.table->id);
    if (touched->appended == DDB_APPENDED_UNKNOWN) {
        struct bytebuf sql;
        int64_t last = 0;
        bool null;
        bytebuf_init(&sql, DDB_SQL_MAX);
        bytebuf_printf(&sql, "SELECT max(rowid) FROM t%" PRIu64 " WHERE rowid >= %" PRId64,
                       w->base.table->id, DDB_FIRST_LOCAL_ROWID);
        const int rc = ddb_query_number(s, &sql, diag, &last, &null);
        bytebuf_release(&sql);
        if (rc != 0) {
            return rc;
        }
        touched->appended = null ? 0 : (uint64_t)(last - DDB_FIRST_LOCAL_ROWID) + 1;
    }
    w->first_rowid = (uint64_t)DDB_FIRST_LOCAL_ROWID + touched->appended;
    return 0;
}

void ddb_writer_drop(struct ddb_writer *w)
{
    struct ddb_session *s = ddb_session_of(w->base.session);
    if (w->appender != NULL) {
        (void)duckdb_appender_clear(w->appender);
        duckdb_appender_destroy(&w->appender);
        w->appender = NULL;
    }
    ddb_redo_forget(s);
    if (s->writer == w) {
        s->writer = NULL;
    }
}

static void writer_free(struct ddb_writer *w)
{
    ddb_writer_drop(w);
    if (w->chunk != NULL) {
        duckdb_destroy_data_chunk(&w->chunk);
    }
    for (uint32_t i = 0; w->types != NULL && i < w->base.table->column_count; i++) {
        duckdb_destroy_logical_type(&w->types[i]);
    }
    arena_release(&w->arena);
    free(w);
}

static int open_writer(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    if (find_first_rowid(s, w, diag) != 0 || open_tracks(s, w, diag) != 0) {
        return -1;
    }
    return open_appender(s, w, diag);
}

int ddb_writer_open(struct engine_session *base, const struct table_def *t, unsigned flags,
                    struct diag *diag, struct engine_writer **out)
{
    struct ddb_session *s = ddb_session_of(base);
    assert(s->writer == NULL);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_write_statement(s, t, diag);
    struct ddb_writer *w = rc == 0 ? calloc(1, sizeof(*w)) : NULL;
    if (w != NULL) {
        w->base = (struct engine_writer){.session = base, .table = t};
        w->flags = flags;
        arena_init(&w->arena, 0);
        rc = open_writer(s, w, diag);
    } else if (rc == 0) {
        rc = diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    if (rc == 0) {
        s->writer = w;
        *out = &w->base;
        return ddb_leave(s, 0);
    }
    if (w != NULL) {
        writer_free(w);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}

/* ---- Appending ---- */

static int append(struct ddb_session *s, struct ddb_writer *w, const struct chunk *rows,
                  struct diag *diag)
{
    follow_chunk(w, rows);
    if (fill_chunk(w, rows, diag) != 0) {
        return -1;
    }
    if (duckdb_append_data_chunk(w->appender, w->chunk) != DuckDBSuccess) {
        return appender_failed(s, w, diag);
    }
    ddb_redo_append(s, rows);
    /* The log and the data file grow while a long load runs. */
    const uint64_t before = w->appended;
    w->appended += rows->nrows;
    if (before / SPACE_CHECK_ROWS != w->appended / SPACE_CHECK_ROWS) {
        return ddb_check_space(s->instance, w->base.table->name, diag);
    }
    return 0;
}

int ddb_writer_append(struct engine_writer *base, const struct chunk *rows, struct diag *diag)
{
    struct ddb_writer *w = writer_of(base);
    struct ddb_session *s = ddb_session_of(base->session);
    if (rows->nrows == 0) {
        return 0;
    }
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    const int rc =
        w->appender == NULL ? diag_set(diag, ER_LOCK_DEADLOCK) : append(s, w, rows, diag);
    return ddb_leave(s, rc);
}

/* ---- Closing ---- */

static int flush(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    if (duckdb_appender_flush(w->appender) != DuckDBSuccess) {
        return appender_failed(s, w, diag);
    }
    ddb_touched_get(s, w->base.table->id)->appended += w->appended;
    w->flushed = ddb_redo_flush(s, w->base.table);
    duckdb_appender_destroy(&w->appender);
    w->appender = NULL;
    return 0;
}

/* Removes the rows appended here from a transaction that goes on. */
static int remove_rows(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(&sql, "DELETE FROM t%" PRIu64 " WHERE rowid >= %" PRIu64, w->base.table->id,
                   w->first_rowid);
    const int rc = ddb_exec_buf(s, &sql, w->base.table->name, diag);
    bytebuf_release(&sql);
    if (rc == 0) {
        ddb_redo_remove(s, w->base.table, (int64_t)w->first_rowid, w->flushed);
    }
    return rc;
}

/* Does with the duplicates among the appended rows what the caller wants. */
static int check_bulk(struct ddb_session *s, struct ddb_writer *w, struct diag *diag,
                      uint64_t *out_skipped)
{
    struct engine_write_stats ignored;
    struct engine_write_stats *stats = w->base.stats != NULL ? w->base.stats : &ignored;
    struct ddb_bulk bulk = {
        .table = w->base.table, .flags = w->flags, .first_rowid = w->first_rowid};
    bulk.indexes = ARENA_ARRAY(&w->arena, uint32_t, w->track_count);
    for (uint32_t i = 0; i < w->track_count; i++) {
        if (w->tracks[i].check_at_end) {
            bulk.indexes[bulk.index_count++] = w->tracks[i].index;
        }
    }
    *stats = (struct engine_write_stats){.skipped = 0};
    if (bulk.index_count == 0) {
        return 0;
    }
    if (ddb_snapshot_is_stale(s, w->base.table->id)) {
        /* What others have committed since cannot be seen from here. */
        return ddb_txn_abort(s, diag);
    }
    if ((w->flags & ENGINE_WRITE_REPLACE) != 0) {
        return ddb_bulk_replace(s, &bulk, diag, &stats->deleted);
    }
    if ((w->flags & ENGINE_WRITE_SKIP_DUPLICATES) != 0) {
        const int rc = ddb_bulk_skip(s, &bulk, diag, &stats->skipped);
        *out_skipped = stats->skipped;
        return rc;
    }
    return ddb_bulk_refuse(s, &bulk, diag);
}

static int keep_rows(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    if (w->appender == NULL) {
        return diag_set(diag, ER_LOCK_DEADLOCK); /* An error has ended the transaction. */
    }
    /* Few rows are still in the appender: the table is asked without them. */
    if (w->small.nrows > 0 && look_up(s, w, diag) != 0) {
        return -1;
    }
    if (flush(s, w, diag) != 0) {
        return -1;
    }
    uint64_t skipped = 0;
    if (w->small.nrows == 0 && check_bulk(s, w, diag, &skipped) != 0) {
        return -1;
    }
    if (w->has_partial_dates && ddb_note_partial_dates(s, w->base.table, diag) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < w->track_count; i++) {
        if (w->tracks[i].max.known) {
            ddb_key_max_put(s->instance, w->base.table->id, &w->tracks[i].max);
        }
    }
    atomic_fetch_add(&s->instance->counters.rows_inserted, w->appended - skipped);
    return 0;
}

/* Drops the rows of the writer while the client's transaction goes on. */
static int drop_rows(struct ddb_session *s, struct ddb_writer *w, struct diag *diag)
{
    if (s->state != ENGINE_TXN_OPEN || (w->appender != NULL && w->appended <= CHUNK_ROWS)) {
        return 0; /* Rolled back with the transaction, or nothing has left the appender. */
    }
    /* Some rows may be in the table already: with all of them there the count of rowids stays
     * right. */
    if (w->appender != NULL && flush(s, w, diag) != 0) {
        return -1;
    }
    return remove_rows(s, w, diag);
}

int ddb_writer_close(struct engine_writer *base, bool keep, struct diag *diag)
{
    struct ddb_writer *w = writer_of(base);
    struct ddb_session *s = ddb_session_of(base->session);
    if (ddb_enter(s, diag) != 0) {
        pthread_rwlock_rdlock(&s->instance->gate);
        writer_free(w);
        return ddb_leave(s, -1);
    }
    int rc = keep ? keep_rows(s, w, diag) : 0;
    if (!keep || rc != 0) {
        struct diag ignored;
        diag_init(&ignored);
        ddb_mask_interrupts(s);
        if (drop_rows(s, w, &ignored) != 0 && s->state == ENGINE_TXN_OPEN) {
            /* Half of a statement must not stay. */
            (void)ddb_txn_abort(s, &ignored);
        }
        ddb_unmask_interrupts(s);
        diag_release(&ignored);
    }
    writer_free(w);
    if (!keep && s->implicit) {
        (void)ddb_write_done(s, -1, diag);
        return ddb_leave(s, 0);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}
