/* See rows_source.h. */
#include "exec/rows_source.h"

/* A copy of a chunk, kept until all have been read. */
struct kept_chunk {
    struct kept_chunk *next;
    struct chunk chunk;
};

struct source_job {
    struct exec_session *x;
    const struct engine_query *query;
    bool keep;
    rows_source_fn *fn;
    void *arg;
    struct arena arena; /* of the kept chunks */
    struct kept_chunk *first;
    struct kept_chunk **last;
    int rc;
    bool retry_wide;
};

static const void *copy_strings(struct arena *a, const struct vec *v, uint32_t rows)
{
    struct vec_str *to = arena_alloc(a, sizeof *to * rows);
    memcpy(to, v->data, sizeof *to * rows);
    for (uint32_t r = 0; r < rows; r++) {
        if (!vec_is_null(v, r) && to[r].len > VEC_STR_INLINE) {
            to[r].out.ptr = arena_dup(a, vec_str_get(&to[r])).p;
        }
    }
    return to;
}

static int keep_chunk(struct source_job *job, const struct chunk *rows)
{
    struct arena *a = &job->arena;
    struct kept_chunk *k = ARENA_NEW(a, struct kept_chunk);
    struct vec *cols = ARENA_ARRAY(a, struct vec, rows->ncols);
    for (uint32_t c = 0; c < rows->ncols; c++) {
        cols[c] = rows->cols[c];
        cols[c].type = &job->query->types[c]; /* the vector's is gone with the cursor */
        const size_t size = vec_phys_size(cols[c].phys) * rows->nrows;
        if (cols[c].validity != NULL) {
            const size_t words = BITS_WORDS(rows->nrows);
            cols[c].validity = memcpy(arena_alloc(a, words * 8), cols[c].validity, words * 8);
        }
        cols[c].data = cols[c].phys == VEC_STR
                           ? copy_strings(a, &rows->cols[c], rows->nrows)
                           : memcpy(arena_alloc(a, size), rows->cols[c].data, size);
    }
    k->chunk = (struct chunk){.ncols = rows->ncols, .nrows = rows->nrows, .cols = cols};
    *job->last = k;
    job->last = &k->next;
    if (a->used > ROWS_SOURCE_MAX) {
        return diag_set(job->x->diag, ER_TRANS_CACHE_FULL);
    }
    return 0;
}

static int read_all(struct source_job *job, struct engine_session *session)
{
    struct diag *diag = job->x->diag;
    struct engine_cursor *cursor;
    if (engine_query_open(session, job->query, diag, &cursor) != 0) {
        return -1;
    }
    enum engine_result r;
    struct chunk rows;
    int rc = 0;
    while (rc == 0 && (r = engine_fetch(cursor, diag, &rows)) == ENGINE_ROW) {
        rc = job->keep ? keep_chunk(job, &rows) : job->fn(job->arg, &rows);
    }
    engine_cursor_close(cursor);
    if (rc == 0) {
        job->retry_wide = r == ENGINE_RETRY_WIDE;
        rc = r == ENGINE_FAIL ? -1 : 0;
    }
    return rc;
}

static void source_step(void *arg)
{
    struct source_job *job = arg;
    struct exec_session *x = job->x;
    if (job->keep) {
        job->rc = read_all(job, x->engine);
        for (struct kept_chunk *k = job->first; k != NULL && job->rc == 0 && !job->retry_wide;
             k = k->next) {
            job->rc = job->fn(job->arg, &k->chunk);
        }
        return;
    }
    struct engine_session *reader;
    job->rc = engine_session_open(x->server->engine, x->diag, &reader);
    if (job->rc == 0) {
        exec_set_engine(x, &x->side_engine, reader);
        job->rc = read_all(job, reader);
        exec_set_engine(x, &x->side_engine, NULL);
        engine_session_close(reader);
    }
}

int rows_source_run(struct exec_session *x, const struct engine_query *query, bool wrote_before,
                    rows_source_fn *fn, void *arg, bool *out_retry_wide)
{
    struct source_job job = {.x = x, .query = query, .keep = wrote_before, .fn = fn, .arg = arg};
    job.last = &job.first;
    arena_init(&job.arena, 0);
    int rc = exec_offload(x, OFFLOAD_WRITE, source_step, &job);
    if (rc == 0 && job.rc != 0 && fiber_interrupted() != 0) {
        diag_clear_error(x->diag);
        job.rc = exec_interrupted(x, x->diag);
    }
    arena_release(&job.arena);
    *out_retry_wide = job.retry_wide;
    return rc != 0 ? rc : job.rc;
}
