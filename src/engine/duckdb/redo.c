/*
 * See redo.h. Nothing here can fail but the replay: what does not fit is given up, and the
 * transaction goes on without it.
 */
#include "engine/duckdb/redo.h"

#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum redo_kind {
    REDO_ROWS,
    REDO_DELETE,
    REDO_DELETE_FROM, /* All rows of the transaction from a rowid up to another. */
};

struct ddb_redo_entry {
    struct ddb_redo_entry *next;
    enum redo_kind kind;
    uint64_t change;
    struct chunk rows;
    const int64_t *rowids; /* REDO_DELETE_FROM: the first one, and the one behind the last. */
    uint32_t count;
};

struct ddb_redo_table {
    struct ddb_redo_table *next;
    const struct table_def *def; /* Its metadata lock is held until the transaction ends. */
    struct ddb_redo_entry *first;
    struct ddb_redo_entry **last;
    int64_t appended;               /* Rows in it, those deleted again included. */
    uint64_t partial_dates_changed; /* The change that wrote the record of partial dates; 0 = none.
                                     */
};

/* ---- Life ---- */

static void drop_all(struct ddb_redo *r)
{
    r->tables = NULL;
    r->pending = NULL;
    arena_release(&r->arena);
    arena_init(&r->arena, 0);
}

void ddb_redo_init(struct ddb_redo *r)
{
    arena_init(&r->arena, 0);
}

void ddb_redo_release(struct ddb_redo *r)
{
    arena_release(&r->arena);
}

void ddb_redo_start(struct ddb_session *s, bool wanted)
{
    struct ddb_redo *r = &s->redo;
    drop_all(r);
    r->changes = 0;
    r->snapshot = UINT64_MAX;
    r->kept = wanted;
}

/* ---- Keeping ---- */

static void give_up(struct ddb_redo *r)
{
    r->kept = false;
    drop_all(r);
}

/* Counts a change. Whoever has made one holds DuckDB's lock against checkpoints. */
static uint64_t count_change(struct ddb_session *s)
{
    struct ddb_redo *r = &s->redo;
    r->snapshot = s->snapshot;
    r->checkpoints = atomic_load(&s->instance->checkpoints_begun);
    return ++r->changes;
}

static struct ddb_redo_table *table_of(struct ddb_redo *r, const struct table_def *t)
{
    for (struct ddb_redo_table *rt = r->tables; rt != NULL; rt = rt->next) {
        if (rt->def->id == t->id) {
            return rt;
        }
    }
    struct ddb_redo_table *rt = ARENA_NEW(&r->arena, struct ddb_redo_table);
    rt->def = t;
    rt->last = &rt->first;
    rt->next = r->tables;
    r->tables = rt;
    return rt;
}

static void add_entry(struct ddb_redo_table *rt, struct ddb_redo_entry *e)
{
    e->next = NULL;
    *rt->last = e;
    rt->last = &e->next;
}

static struct ddb_redo_entry *new_entry(struct ddb_redo *r, enum redo_kind kind)
{
    struct ddb_redo_entry *e = ARENA_NEW(&r->arena, struct ddb_redo_entry);
    e->kind = kind;
    e->change = r->changes;
    return e;
}

void ddb_redo_append(struct ddb_session *s, const struct chunk *rows)
{
    struct ddb_redo *r = &s->redo;
    if (!r->kept) {
        return;
    }
    struct ddb_redo_entry *e = new_entry(r, REDO_ROWS);
    e->rows = ddb_chunk_copy(rows, &r->arena);
    e->next = r->pending;
    r->pending = e;
    if (r->arena.used > DDB_REDO_MAX) {
        give_up(r);
    }
}

uint64_t ddb_redo_flush(struct ddb_session *s, const struct table_def *t)
{
    struct ddb_redo *r = &s->redo;
    const uint64_t change = count_change(s);
    struct ddb_redo_entry *oldest = NULL;
    while (r->pending != NULL) {
        struct ddb_redo_entry *e = r->pending;
        r->pending = e->next;
        e->next = oldest;
        oldest = e;
    }
    struct ddb_redo_table *rt = r->kept ? table_of(r, t) : NULL;
    while (oldest != NULL) {
        struct ddb_redo_entry *e = oldest;
        oldest = e->next;
        e->change = change;
        rt->appended += e->rows.nrows;
        add_entry(rt, e);
    }
    return change;
}

void ddb_redo_forget(struct ddb_session *s)
{
    s->redo.pending = NULL;
}

void ddb_redo_delete(struct ddb_session *s, const struct table_def *t, const int64_t *rowids,
                     uint32_t count)
{
    struct ddb_redo *r = &s->redo;
    (void)count_change(s);
    if (!r->kept) {
        return;
    }
    const size_t size = sizeof(*rowids) * count;
    struct ddb_redo_entry *e = new_entry(r, REDO_DELETE);
    e->rowids = memcpy(arena_alloc(&r->arena, size), rowids, size);
    e->count = count;
    add_entry(table_of(r, t), e);
    if (r->arena.used > DDB_REDO_MAX) {
        give_up(r);
    }
}

void ddb_redo_remove(struct ddb_session *s, const struct table_def *t, int64_t first_rowid,
                     uint64_t flushed)
{
    struct ddb_redo *r = &s->redo;
    const bool is_last = r->changes == flushed;
    r->changes -= is_last ? 1 : 0;
    if (!is_last) {
        (void)count_change(s);
    }
    if (!r->kept) {
        return;
    }
    struct ddb_redo_table *rt = table_of(r, t);
    for (struct ddb_redo_entry *e = rt->first; e != NULL; e = e->next) {
        e->change = MIN(e->change, r->changes);
    }
    /* The rows are made again too, since they have numbers. */
    int64_t *range = ARENA_ARRAY(&r->arena, int64_t, 2);
    range[0] = first_rowid;
    range[1] = DDB_FIRST_LOCAL_ROWID + rt->appended;
    struct ddb_redo_entry *e = new_entry(r, REDO_DELETE_FROM);
    e->rowids = range;
    add_entry(rt, e);
}

void ddb_redo_note_partial_dates(struct ddb_session *s, const struct table_def *t)
{
    const uint64_t change = count_change(s);
    if (s->redo.kept) {
        table_of(&s->redo, t)->partial_dates_changed = change;
    }
}

void ddb_redo_give_up(struct ddb_session *s)
{
    (void)count_change(s);
    if (s->redo.kept) {
        give_up(&s->redo);
    }
}

/* ---- Copies ---- */

static const void *copy_data(const struct vec *v, uint32_t rows, struct arena *arena)
{
    const size_t size = vec_phys_size(v->phys) * rows;
    void *data = arena_alloc(arena, size);
    memcpy(data, v->data, size);
    for (uint32_t i = 0; v->phys == VEC_STR && i < rows; i++) {
        struct vec_str *s = (struct vec_str *)data + i;
        *s = vec_is_null(v, i) ? (struct vec_str){.len = 0}
                               : vec_str_from(arena_dup(arena, vec_str_get(s)));
    }
    return data;
}

struct chunk ddb_chunk_copy(const struct chunk *rows, struct arena *arena)
{
    struct vec *cols = ARENA_ARRAY(arena, struct vec, rows->ncols);
    for (uint32_t i = 0; i < rows->ncols; i++) {
        cols[i] = rows->cols[i];
        cols[i].data = copy_data(&rows->cols[i], rows->nrows, arena);
        if (rows->cols[i].validity != NULL) {
            const size_t size = BITS_WORDS((size_t)rows->nrows) * sizeof(uint64_t);
            cols[i].validity = memcpy(arena_alloc(arena, size), rows->cols[i].validity, size);
        }
    }
    return (struct chunk){.ncols = rows->ncols, .nrows = rows->nrows, .cols = cols};
}

/* ---- Making changes again ---- */

/* Takes what came after the savepoint out of the lists. */
static void cut(struct ddb_redo *r, uint64_t savepoint)
{
    for (struct ddb_redo_table *rt = r->tables; rt != NULL; rt = rt->next) {
        rt->last = &rt->first;
        rt->appended = 0;
        while (*rt->last != NULL) {
            struct ddb_redo_entry *e = *rt->last;
            if (e->change > savepoint) {
                *rt->last = e->next;
                continue;
            }
            rt->appended += e->kind == REDO_ROWS ? e->rows.nrows : 0;
            rt->last = &e->next;
        }
        if (rt->partial_dates_changed > savepoint) {
            rt->partial_dates_changed = 0;
        }
    }
    r->pending = NULL;
    r->changes = savepoint;
}

static void fill_vector(const struct vec *v, uint32_t rows, duckdb_vector to)
{
    memcpy(duckdb_vector_get_data(to), v->data, vec_phys_size(v->phys) * rows);
    if (v->validity != NULL) {
        duckdb_vector_ensure_validity_writable(to);
        memcpy(duckdb_vector_get_validity(to), v->validity,
               BITS_WORDS((size_t)rows) * sizeof(uint64_t));
    }
}

static duckdb_state append_entries(const struct ddb_redo_table *rt, duckdb_appender appender,
                                   duckdb_data_chunk chunk)
{
    for (const struct ddb_redo_entry *e = rt->first; e != NULL; e = e->next) {
        if (e->kind != REDO_ROWS) {
            continue;
        }
        duckdb_data_chunk_reset(chunk);
        for (uint32_t i = 0; i < e->rows.ncols; i++) {
            fill_vector(&e->rows.cols[i], e->rows.nrows, duckdb_data_chunk_get_vector(chunk, i));
        }
        duckdb_data_chunk_set_size(chunk, e->rows.nrows);
        if (duckdb_append_data_chunk(appender, chunk) != DuckDBSuccess) {
            return DuckDBError;
        }
    }
    return duckdb_appender_flush(appender);
}

static int replay_rows(struct ddb_session *s, const struct ddb_redo_table *rt, struct diag *diag)
{
    const struct table_def *t = rt->def;
    struct arena *arena = &s->txn_arena;
    const struct str name = arena_printf(arena, "t%" PRIu64, t->id);
    duckdb_logical_type *types = ARENA_ARRAY(arena, duckdb_logical_type, t->column_count);
    for (uint32_t i = 0; i < t->column_count; i++) {
        types[i] = ddb_type_new(&t->columns[i].type);
    }
    duckdb_data_chunk chunk = duckdb_create_data_chunk(types, t->column_count);
    duckdb_appender appender = NULL;
    duckdb_state state = duckdb_appender_create(s->conn, NULL, name.p, &appender);
    if (state == DuckDBSuccess) {
        state = append_entries(rt, appender, chunk);
    }
    if (state != DuckDBSuccess && appender != NULL) {
        (void)duckdb_appender_clear(appender);
    }
    if (appender != NULL) {
        duckdb_appender_destroy(&appender);
    }
    duckdb_destroy_data_chunk(&chunk);
    for (uint32_t i = 0; i < t->column_count; i++) {
        duckdb_destroy_logical_type(&types[i]);
    }
    return state == DuckDBSuccess ? 0 : diag_set(diag, ER_LOCK_DEADLOCK);
}

static int replay_range(struct ddb_session *s, const struct ddb_redo_table *rt,
                        const struct ddb_redo_entry *e, struct diag *diag)
{
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(&sql, "DELETE FROM t%" PRIu64 " WHERE rowid >= %" PRId64 " AND rowid < %" PRId64,
                   rt->def->id, e->rowids[0], e->rowids[1]);
    const int rc = ddb_exec_buf(s, &sql, rt->def->name, diag);
    bytebuf_release(&sql);
    return rc;
}

static uint32_t count_deleted(const struct ddb_redo_table *rt)
{
    uint32_t count = 0;
    for (const struct ddb_redo_entry *e = rt->first; e != NULL; e = e->next) {
        count += e->kind == REDO_DELETE ? e->count : 0;
    }
    return count;
}

/* All deletes by rowid at once. */
static int replay_deletes(struct ddb_session *s, const struct ddb_redo_table *rt, struct diag *diag)
{
    const uint32_t count = count_deleted(rt);
    if (count == 0) {
        return 0;
    }
    int64_t *rowids = malloc(sizeof(*rowids) * count);
    if (rowids == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    uint32_t at = 0;
    for (const struct ddb_redo_entry *e = rt->first; e != NULL; e = e->next) {
        if (e->kind == REDO_DELETE) {
            memcpy(rowids + at, e->rowids, sizeof(*rowids) * e->count);
            at += e->count;
        }
    }
    uint64_t deleted = 0;
    int rc = ddb_delete_quietly(s, rt->def, rowids, count, diag, &deleted);
    if (rc == 0 && deleted != count) {
        rc = diag_set(diag, ER_LOCK_DEADLOCK);
    }
    free(rowids);
    return rc;
}

static int replay_table(struct ddb_session *s, const struct ddb_redo_table *rt, struct diag *diag)
{
    ddb_touch(s, rt->def->id);
    if (rt->appended > 0 && replay_rows(s, rt, diag) != 0) {
        return -1;
    }
    ddb_touched_get(s, rt->def->id)->appended = (uint64_t)rt->appended;
    if (replay_deletes(s, rt, diag) != 0) {
        return -1;
    }
    for (const struct ddb_redo_entry *e = rt->first; e != NULL; e = e->next) {
        if (e->kind == REDO_DELETE_FROM && replay_range(s, rt, e, diag) != 0) {
            return -1;
        }
    }
    return rt->partial_dates_changed == 0 ? 0 : ddb_write_partial_dates(s, rt->def, diag);
}

int ddb_redo_replay(struct ddb_session *s, uint64_t savepoint, struct diag *diag)
{
    struct ddb_redo *r = &s->redo;
    if (savepoint == 0) {
        drop_all(r);
        r->changes = 0;
        r->kept = true;
        return 0;
    }
    if (!r->kept) {
        return diag_set(diag, ER_LOCK_DEADLOCK);
    }
    cut(r, savepoint);
    for (const struct ddb_redo_table *rt = r->tables; rt != NULL; rt = rt->next) {
        if (rt->first != NULL && replay_table(s, rt, diag) != 0) {
            return -1;
        }
    }
    return atomic_load(&s->instance->checkpoints_begun) == r->checkpoints
               ? 0
               : diag_set(diag, ER_LOCK_DEADLOCK);
}
