/*
 * Windows: which keys of a table the stream has touched since a window was opened, and how rows
 * that were read meanwhile join the copy. The proof is in docs/replication.md.
 *
 * A batch that is being built when a window is opened counts as touched as a whole: its keys have
 * their state of the end of the batch in the copy before rows are merged.
 */
#include "change/pipeline_int.h"

#include <stdlib.h>
#include <string.h>

enum {
    PARTS_BYTES = 64 * 1024 * 1024,
};

/* ---- Keys ---- */

static void note_chunks(struct key_set *k, struct batch_rows *rows, const uint32_t *columns,
                        uint32_t column_count, struct arena *scratch)
{
    struct chunk *chunks;
    const uint32_t count = batch_rows_chunks(rows, scratch, &chunks);
    for (uint32_t i = 0; i < count; i++) {
        key_set_add(k, &chunks[i], columns, column_count);
    }
}

static void window_unref(struct pipeline_window *w);

/* A reference to each window of a table, in scratch. */
static uint32_t windows_of(struct pipeline *p, const struct copy_table *t, struct arena *scratch,
                           struct pipeline_window ***out)
{
    uint32_t count = 0;
    *out = NULL;
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->windows) {
        count += RLIST_ENTRY(it, struct pipeline_window, link)->table == t;
    }
    if (count > 0) {
        *out = ARENA_ARRAY(scratch, struct pipeline_window *, count);
    }
    count = 0;
    rlist_foreach (it, &p->windows) {
        struct pipeline_window *w = RLIST_ENTRY(it, struct pipeline_window, link);
        if (w->table == t) {
            w->refs++;
            (*out)[count++] = w;
        }
    }
    os_mutex_unlock(&p->lock);
    return count;
}

static bool has_too_many_parts(const struct pipeline_window *w)
{
    const uint64_t limit = w->p->now.parts_bytes;
    return w->parts != NULL && row_parts_bytes(w->parts) > (limit != 0 ? limit : PARTS_BYTES);
}

/*
 * What the batch has told of rows that the copy does not have. All it touches besides is complete
 * or gone.
 */
static void note_parts(struct pipeline_window *w, struct batch_table *t, struct arena *scratch)
{
    struct chunk *chunks;
    if (has_too_many_parts(w)) {
        w->has_lost_parts = true;
        row_parts_free(w->parts);
        w->parts = NULL;
    }
    if (w->parts == NULL) {
        return;
    }
    if (t->parts.rows.count == 0 && row_parts_is_empty(w->parts)) {
        return; /* Nothing to keep, nothing to forget. */
    }
    row_parts_begin(w->parts);
    uint32_t count = batch_rows_chunks(&t->parts.rows, scratch, &chunks);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t row = 0; row < chunks[i].nrows; row++) {
            row_parts_put(w->parts, &chunks[i], row,
                          t->parts.missing[(size_t)i * CHUNK_ROWS + row]);
        }
    }
    count = batch_rows_chunks(&t->gone, scratch, &chunks);
    for (uint32_t i = 0; i < count; i++) {
        row_parts_forget(w->parts, &chunks[i], t->is_whole ? t->key : NULL);
    }
    count = batch_rows_chunks(&t->rows, scratch, &chunks);
    for (uint32_t i = 0; i < count; i++) {
        row_parts_forget(w->parts, &chunks[i], t->key);
    }
}

bool window_has_parts(const struct pipeline_window *w)
{
    return !w->has_lost_parts && !has_too_many_parts(w);
}

void window_note(struct pipeline *p, struct batch *b, struct arena *scratch)
{
    for (uint32_t i = 0; i < b->table_count; i++) {
        struct batch_table *t = b->tables[i];
        struct pipeline_window **windows;
        if (!t->is_used || t->key_count == 0) {
            continue;
        }
        const uint32_t count = windows_of(p, t->table, scratch, &windows);
        for (uint32_t j = 0; j < count; j++) {
            struct key_set *touched = windows[j]->touched;
            note_chunks(touched, &t->gone, t->is_whole ? t->key : NULL, t->key_count, scratch);
            note_chunks(touched, &t->rows, t->key, t->key_count, scratch);
            note_parts(windows[j], t, scratch);
            window_unref(windows[j]);
        }
        if (t->table->brought != NULL) {
            note_chunks(t->table->brought, &t->rows, t->key, t->key_count, scratch);
        }
    }
}

/* ---- Merging ---- */

/* Some rows of some columns of a chunk (columns NULL: of all), in arena. */
static struct chunk pick(const struct chunk *c, const uint32_t *columns, uint32_t column_count,
                         const uint32_t *rows, uint32_t row_count, struct arena *arena)
{
    struct vec *cols = ARENA_ARRAY(arena, struct vec, column_count);
    for (uint32_t i = 0; i < column_count; i++) {
        const struct vec *from = &c->cols[columns != NULL ? columns[i] : i];
        const size_t size = vec_phys_size(from->phys);
        char *data = arena_alloc(arena, size * MAX(row_count, 1));
        uint64_t *valid = ARENA_ARRAY(arena, uint64_t, CHUNK_ROWS / 64);
        for (uint32_t j = 0; j < row_count; j++) {
            memcpy(data + j * size, (const char *)from->data + rows[j] * size, size);
            bits_set(valid, j, !vec_is_null(from, rows[j]));
        }
        cols[i] = *from;
        cols[i].data = data;
        cols[i].validity = valid;
    }
    return (struct chunk){.ncols = column_count, .nrows = row_count, .cols = cols};
}

/* Is it known which rows of the table the stream has put there? */
static bool knows_brought(const struct copy_table *t)
{
    return t->brought != NULL && !key_set_is_full(t->brought);
}

/* The rows of a chunk whose key is not in the set, in arena; the chunk itself when that is all. */
static struct chunk without(const struct chunk *c, const struct key_set *set,
                            const struct copy_key *key, struct arena *arena)
{
    if (key_set_is_empty(set)) {
        return *c;
    }
    uint32_t *keep = ARENA_ARRAY(arena, uint32_t, c->nrows);
    const uint32_t count = key_set_rows(set, c, key->columns, key->count, false, keep);
    return count == c->nrows ? *c : pick(c, NULL, c->ncols, keep, count, arena);
}

/*
 * The rows of a chunk that the copy is to be given, in arena. What was touched has its row of the
 * end of the batch, or none. A row that the stream has put there before, and not touched since, is
 * the row that was read.
 */
static struct chunk wanted_rows(const struct pipeline_window *w, const struct chunk *c,
                                struct arena *arena)
{
    const struct chunk rows = without(c, w->touched, &w->table->key, arena);
    return knows_brought(w->table) ? without(&rows, w->table->brought, &w->table->key, arena)
                                   : rows;
}

/*
 * The rows of a chunk of which the log has told parts since the window was opened, completed by
 * what was read; in arena. The copy has none of them.
 */
static struct chunk completed_rows(const struct pipeline_window *w, const struct chunk *c,
                                   struct arena *arena)
{
    if (w->parts == NULL || row_parts_is_empty(w->parts)) {
        return (struct chunk){.nrows = 0};
    }
    uint32_t *found = ARENA_ARRAY(arena, uint32_t, c->nrows);
    const uint32_t count = row_parts_find(w->parts, c, found);
    struct chunk rows = pick(c, NULL, c->ncols, found, count, arena);
    row_parts_lay_over(w->parts, &rows);
    return rows;
}

/* The key's columns of a chunk, in arena. */
static struct chunk keys_of(const struct copy_key *key, const struct chunk *c, struct arena *arena)
{
    struct vec *cols = ARENA_ARRAY(arena, struct vec, key->count);
    for (uint32_t i = 0; i < key->count; i++) {
        cols[i] = c->cols[key->columns[i]];
    }
    return (struct chunk){.ncols = key->count, .nrows = c->nrows, .cols = cols};
}

/* Where it is not known which rows are there already, any may be. */
static int delete_present(struct engine_session *s, const struct copy_table *t,
                          const struct chunk *rows, uint32_t count, struct arena *arena,
                          struct diag *d)
{
    uint64_t deleted;
    if (knows_brought(t)) {
        return 0;
    }
    struct chunk *keys = ARENA_ARRAY(arena, struct chunk, count);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = keys_of(&t->key, &rows[i], arena);
    }
    const struct engine_values values = {.column_count = t->key.count,
                                         .columns = t->key.columns,
                                         .chunk_count = count,
                                         .chunks = keys};
    return engine_delete_keys(s, t->def, &values, d, &deleted);
}

static int store_progress(struct pipeline *p, struct engine_session *s, struct request *r,
                          struct arena *scratch, struct diag *d)
{
    struct copy_table *t = r->window->table;
    if (r->merge->last) {
        return 0; /* Its record is written as that of a LIVE table. */
    }
    const struct str old = copy_last_key(p->copy, t, scratch);
    r->old_key = malloc(old.len + 1);
    if (r->old_key == NULL) {
        abort();
    }
    r->old_key_len = old.len;
    if (old.len > 0) {
        memcpy(r->old_key, old.p, old.len);
    }
    copy_set_last_key(p->copy, t, r->merge->last_key);
    return copy_store_progress(p->copy, s, t, d);
}

/* Rows of a table without a key; the last of them take along what the stream has kept back. */
static int merge_keyless(struct engine_session *s, struct request *r, struct arena *scratch,
                         struct diag *d)
{
    struct pipeline_window *w = r->window;
    const struct pipeline_merge *m = r->merge;
    const struct table_def *def = w->table->def;
    /* An earlier attempt may have left rows. */
    if (!w->is_begun && engine_truncate(s, def, d) != 0) {
        return -1;
    }
    w->is_begun = true;
    if (m->chunk_count > 0 && engine_insert_chunks(s, def, m->chunks, m->chunk_count, d) != 0) {
        return -1;
    }
    return m->last ? spool_apply(w->spool, s, m, scratch, d) : 0;
}

int window_merge_rows(struct pipeline *p, struct engine_session *s, struct request *r,
                      struct arena *scratch, struct diag *d)
{
    const struct pipeline_merge *m = r->merge;
    struct copy_table *t = r->window->table;
    struct chunk *rows = ARENA_ARRAY(scratch, struct chunk, 2 * (size_t)m->chunk_count);
    uint32_t count = 0;
    if (t->key.count == 0) {
        return merge_keyless(s, r, scratch, d);
    }
    for (uint32_t i = 0; i < m->chunk_count; i++) {
        rows[count] = wanted_rows(r->window, &m->chunks[i], scratch);
        count += rows[count].nrows > 0;
        rows[count] = completed_rows(r->window, &m->chunks[i], scratch);
        count += rows[count].nrows > 0;
    }
    if (count > 0 && (delete_present(s, t, rows, count, scratch, d) != 0 ||
                      engine_insert_chunks(s, t->def, rows, count, d) != 0)) {
        return -1;
    }
    return store_progress(p, s, r, scratch, d);
}

void window_forget_brought(struct pipeline *p)
{
    struct arena arena;
    struct copy_table **list;
    arena_init(&arena, 0);
    const uint32_t n = copy_list(p->copy, &arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        if (list[i]->brought != NULL) {
            key_set_fill(list[i]->brought);
        }
        copy_table_unref(list[i]);
    }
    arena_release(&arena);
}

void window_undo_merge(struct pipeline *p, struct request *r)
{
    if (r->old_key != NULL) {
        copy_set_last_key(p->copy, r->window->table, str_from(r->old_key, r->old_key_len));
    }
}

void window_break_all(struct pipeline *p, const struct copy_table *t)
{
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->windows) {
        struct pipeline_window *w = RLIST_ENTRY(it, struct pipeline_window, link);
        if (w->table == t) {
            w->is_broken = true;
        }
    }
    os_mutex_unlock(&p->lock);
}

/* ---- What the snapshot calls ---- */

static struct pipeline_window *window_new(struct pipeline *p, struct copy_table *t)
{
    struct pipeline_window *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        abort();
    }
    rlist_init(&w->link);
    w->p = p;
    w->refs = 1;
    w->table = t;
    w->touched = key_set_new(0);
    if (t->key.count > 0) {
        w->parts = row_parts_new(t->def, t->key.columns, t->key.count);
    }
    copy_table_ref(t);
    w->spool = t->key.count == 0 ? spool_new(t) : NULL;
    return w;
}

int pipeline_window_open(struct pipeline *p, struct copy_table *t, struct diag *d,
                         struct change_position *out_a0, struct pipeline_window **out)
{
    struct pipeline_window *w = window_new(p, t);
    struct request r = {.kind = REQUEST_OPEN, .window = w, .out_position = out_a0, .diag = d};
    if (request_run(p, &r, FIBER_FOREVER) != 0) {
        pipeline_window_drop(w);
        return -1;
    }
    *out = w;
    return 0;
}

static void window_unref(struct pipeline_window *w)
{
    struct pipeline *p = w->p;
    os_mutex_lock(&p->lock);
    const bool last = --w->refs == 0;
    os_mutex_unlock(&p->lock);
    if (last) {
        key_set_free(w->touched);
        row_parts_free(w->parts);
        spool_free(w->spool);
        copy_table_unref(w->table);
        free(w);
    }
}

void window_free(struct pipeline_window *w)
{
    os_mutex_lock(&w->p->lock);
    const bool entered = !rlist_is_empty(&w->link);
    rlist_del(&w->link);
    os_mutex_unlock(&w->p->lock);
    if (entered && w->spool != NULL) {
        atomic_fetch_sub(&w->p->spools, 1);
    }
    window_unref(w);
}

/* The thread that decodes may be about to use a spool: its fiber closes it. */
void pipeline_window_drop(struct pipeline_window *w)
{
    struct diag d;
    struct request r = {.kind = REQUEST_CLOSE, .window = w, .diag = &d};
    if (w->spool == NULL) {
        window_free(w);
        return;
    }
    diag_init(&d);
    fiber_mask_interrupts();
    if (request_run(w->p, &r, FIBER_FOREVER) != 0) {
        window_free(w);
    }
    fiber_unmask_interrupts();
    diag_release(&d);
}

int pipeline_window_merge(struct pipeline_window *w, const struct pipeline_merge *m, struct diag *d)
{
    struct request r = {.kind = REQUEST_MERGE, .window = w, .merge = m, .diag = d};
    const int rc = request_run(w->p, &r, FIBER_FOREVER);
    free(r.old_key);
    pipeline_window_drop(w);
    return rc;
}

/* ---- Tables without a key ---- */

enum {
    LOAD_ROWS = 64 * CHUNK_ROWS, /* Given to the stream at a time. */
    LOAD_CHUNKS_MAX = 1024,
    LOAD_BYTES = 32 * 1024 * 1024,
};

struct loading {
    struct chunk chunks[LOAD_CHUNKS_MAX];
    uint32_t count, rows;
    struct arena arena;
};

/* A copy, strings included. */
static void keep_chunk(struct loading *l, const struct chunk *c)
{
    struct vec *cols = ARENA_ARRAY(&l->arena, struct vec, c->ncols);
    const size_t words = BITS_WORDS((size_t)c->nrows);
    for (uint32_t i = 0; i < c->ncols; i++) {
        const struct vec *from = &c->cols[i];
        const size_t size = vec_phys_size(from->phys) * c->nrows;
        char *data = arena_alloc(&l->arena, MAX(size, 1));
        memcpy(data, from->data, size);
        cols[i] = *from;
        cols[i].data = data;
        if (from->validity != NULL) {
            uint64_t *valid = ARENA_ARRAY(&l->arena, uint64_t, words);
            memcpy(valid, from->validity, words * sizeof(*valid));
            cols[i].validity = valid;
        }
        struct vec_str *strings = (struct vec_str *)data;
        for (uint32_t row = 0; from->phys == VEC_STR && row < c->nrows; row++) {
            strings[row] = vec_is_null(from, row)
                               ? (struct vec_str){.len = 0}
                               : vec_str_from(arena_dup(&l->arena, vec_str_get(&strings[row])));
        }
    }
    l->chunks[l->count++] = (struct chunk){.ncols = c->ncols, .nrows = c->nrows, .cols = cols};
    l->rows += c->nrows;
}

static int merge_loaded(struct pipeline_window *w, struct loading *l, const char *file,
                        uint64_t offset, struct diag *d)
{
    const struct pipeline_merge m = {.file = file,
                                     .offset = offset,
                                     .chunk_count = l->count,
                                     .chunks = l->chunks,
                                     .last = file != NULL};
    struct request r = {.kind = REQUEST_MERGE, .window = w, .merge = &m, .diag = d};
    const int rc = request_run(w->p, &r, FIBER_FOREVER);
    free(r.old_key);
    l->count = 0;
    l->rows = 0;
    arena_reset(&l->arena);
    return rc;
}

int pipeline_window_load(struct pipeline_window *w, const char *file, uint64_t offset,
                         int (*next)(void *arg, struct chunk *out, struct diag *d), void *arg,
                         struct diag *d)
{
    struct loading *l = calloc(1, sizeof(*l));
    struct chunk chunk;
    int more = 1;
    int rc = 0;
    if (l == NULL) {
        abort();
    }
    arena_init(&l->arena, 0);
    while (rc == 0 && more > 0) {
        more = next(arg, &chunk, d);
        if (more > 0 && chunk.nrows > 0) {
            keep_chunk(l, &chunk);
        }
        if (more < 0) {
            rc = -1;
        } else if (more == 0) {
            rc = merge_loaded(w, l, file, offset, d);
        } else if (l->rows >= LOAD_ROWS || l->count == LOAD_CHUNKS_MAX ||
                   l->arena.used >= LOAD_BYTES) {
            rc = merge_loaded(w, l, NULL, 0, d);
        }
    }
    arena_release(&l->arena);
    free(l);
    pipeline_window_drop(w);
    return rc;
}
