/*
 * Queries: prepared, executed as a stream, handed on chunk by chunk without a copy where DuckDB's
 * vector has the form that the statement's type wants; else converted with a check of the range.
 *
 * A query starts to run at the first fetch, so that its errors, the narrow overflow among them, are
 * met where the caller can still try again. Ending one early: destroying a result does not end its
 * transaction, a next statement on the connection does, so one is run.
 */
#include "engine/duckdb/duckdb_int.h"

#include <math.h>
#include <stdlib.h>

/* Converts the values of a vector; false when one does not fit. */
typedef bool convert_fn(const void *from, const uint64_t *validity, uint32_t rows, void *to);

struct cursor_column {
    enum vec_phys from;
    convert_fn *convert; /* NULL: the vector is passed on. */
    void *buffer;        /* Of CHUNK_ROWS converted values. */
};

struct ddb_cursor {
    struct engine_cursor base;
    struct arena arena;
    duckdb_prepared_statement statement;
    duckdb_result result;
    duckdb_data_chunk chunk; /* The one lent out. */
    duckdb_data_chunk
        *spool; /* Chunks fetched ahead, because another statement wanted the connection. */
    size_t spool_count;
    size_t spool_next;
    bool has_result;
    bool spooled;  /* All of the stream is in the spool. */
    bool finished; /* Drained, or failed. */
    bool dropped;  /* Ended by another statement of the session, or by reopening. */
    bool fetched;  /* A chunk was handed out. */
    bool wide;
    uint32_t column_count;
    const struct sql_type *types;
    struct cursor_column *columns;
    struct vec *vecs;
};

/* 128 Mi rows: a bound on what INSERT … SELECT from an open cursor may hold. */
#define SPOOL_MAX_CHUNKS ((size_t)64 << 10)

static struct ddb_cursor *cursor_of(struct engine_cursor *c)
{
    return CONTAINER_OF(c, struct ddb_cursor, base);
}

/* ---- Conversions between integer forms ---- */

static bool row_is_null(const uint64_t *validity, uint32_t row)
{
    return validity != NULL && !bits_get(validity, row);
}

/* clang-format off */
#define CONVERT_INT(name, from_t, to_t)                                                            \
    static bool name(const void *from, const uint64_t *validity, uint32_t rows, void *to)          \
    {                                                                                              \
        const from_t *in = from;                                                                   \
        to_t *out = to;                                                                            \
        for (uint32_t i = 0; i < rows; i++) {                                                      \
            if (row_is_null(validity, i)) {                                                        \
                out[i] = 0;                                                                        \
                continue;                                                                          \
            }                                                                                      \
            if (__builtin_add_overflow(in[i], (from_t)0, &out[i])) {                               \
                return false;                                                                      \
            }                                                                                      \
        }                                                                                          \
        return true;                                                                               \
    }

#define CONVERT_INT_FROM(suffix, from_t)                                                           \
    CONVERT_INT(i8_from_##suffix, from_t, int8_t)     CONVERT_INT(i16_from_##suffix, from_t, int16_t)   \
    CONVERT_INT(i32_from_##suffix, from_t, int32_t)   CONVERT_INT(i64_from_##suffix, from_t, int64_t)   \
    CONVERT_INT(i128_from_##suffix, from_t, __int128) CONVERT_INT(u8_from_##suffix, from_t, uint8_t)    \
    CONVERT_INT(u16_from_##suffix, from_t, uint16_t)  CONVERT_INT(u32_from_##suffix, from_t, uint32_t)  \
    CONVERT_INT(u64_from_##suffix, from_t, uint64_t)

#define CONVERT_INT_ROW(suffix)                                                                    \
    {                                                                                              \
        [VEC_I8] = i8_from_##suffix, [VEC_I16] = i16_from_##suffix, [VEC_I32] = i32_from_##suffix,   \
        [VEC_I64] = i64_from_##suffix, [VEC_I128] = i128_from_##suffix, [VEC_U8] = u8_from_##suffix, \
        [VEC_U16] = u16_from_##suffix, [VEC_U32] = u32_from_##suffix, [VEC_U64] = u64_from_##suffix, \
    }

CONVERT_INT_FROM(i8, int8_t)
CONVERT_INT_FROM(i16, int16_t)
CONVERT_INT_FROM(i32, int32_t)
CONVERT_INT_FROM(i64, int64_t)
CONVERT_INT_FROM(i128, __int128)
CONVERT_INT_FROM(u8, uint8_t)
CONVERT_INT_FROM(u16, uint16_t)
CONVERT_INT_FROM(u32, uint32_t)
CONVERT_INT_FROM(u64, uint64_t)
/* clang-format on */

static bool f64_from_f32(const void *from, const uint64_t *validity, uint32_t rows, void *to)
{
    const float *in = from;
    double *out = to;
    for (uint32_t i = 0; i < rows; i++) {
        out[i] = row_is_null(validity, i) ? 0 : (double)in[i];
    }
    return true;
}

/* For columns of NULLs only, which DuckDB may give in another form. */
static bool only_nulls(const void *from, const uint64_t *validity, uint32_t rows, void *to)
{
    (void)from, (void)to;
    for (uint32_t i = 0; i < rows; i++) {
        if (!row_is_null(validity, i)) {
            return false;
        }
    }
    return true;
}

static convert_fn *const int_conversions[VEC_STR + 1][VEC_STR + 1] = {
    [VEC_I8] = CONVERT_INT_ROW(i8),     [VEC_I16] = CONVERT_INT_ROW(i16),
    [VEC_I32] = CONVERT_INT_ROW(i32),   [VEC_I64] = CONVERT_INT_ROW(i64),
    [VEC_I128] = CONVERT_INT_ROW(i128), [VEC_U8] = CONVERT_INT_ROW(u8),
    [VEC_U16] = CONVERT_INT_ROW(u16),   [VEC_U32] = CONVERT_INT_ROW(u32),
    [VEC_U64] = CONVERT_INT_ROW(u64),   [VEC_F32] = {[VEC_F64] = f64_from_f32},
};

/* ---- Result columns ---- */

/* May a result of this DuckDB type stand for a MySQL type of that class, apart from its width? */
static bool class_matches(duckdb_logical_type type, const struct sql_type *want)
{
    const enum type_class class = type_class_of(want->type);
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_DATE:
        return class == TYPE_CLASS_DATE;
    case DUCKDB_TYPE_TIMESTAMP:
        return class == TYPE_CLASS_DATETIME;
    case DUCKDB_TYPE_DECIMAL:
        return (class == TYPE_CLASS_DECIMAL && duckdb_decimal_scale(type) == want->decimals) ||
               (class == TYPE_CLASS_INT && duckdb_decimal_scale(type) == 0);
    case DUCKDB_TYPE_SQLNULL:
        return true;
    default:
        break;
    }
    /* Whole numbers stand for a DECIMAL of scale 0 only. */
    return class != TYPE_CLASS_DATE && class != TYPE_CLASS_DATETIME &&
           (class != TYPE_CLASS_DECIMAL || want->decimals == 0 ||
            want->length > DECIMAL_MAX_NATIVE);
}

static int column_mismatch(uint32_t column, const struct sql_type *want, duckdb_logical_type type,
                           struct diag *diag)
{
    const struct str text = arena_printf(
        &diag->arena, "column %u of a query has DuckDB type %d where MySQL type %d is expected",
        column + 1, (int)duckdb_get_type_id(type), (int)want->type);
    return diag_set(diag, ER_INTERNAL_ERROR, text.p);
}

static int set_column(struct ddb_cursor *c, uint32_t i, duckdb_logical_type type, struct diag *diag)
{
    struct cursor_column *column = &c->columns[i];
    const struct sql_type *want = &c->types[i];
    const enum vec_phys to = type_phys(want);
    c->vecs[i] = (struct vec){.type = want, .phys = to};
    if (ddb_phys_of(type, &column->from) != 0 || !class_matches(type, want)) {
        return column_mismatch(i, want, type, diag);
    }
    if (column->from == to && duckdb_get_type_id(type) != DUCKDB_TYPE_SQLNULL) {
        return 0;
    }
    column->convert = duckdb_get_type_id(type) == DUCKDB_TYPE_SQLNULL
                          ? only_nulls
                          : int_conversions[column->from][to];
    if (column->convert == NULL) {
        return column_mismatch(i, want, type, diag);
    }
    column->buffer = arena_calloc(&c->arena, CHUNK_ROWS * vec_phys_size(to));
    return 0;
}

static int set_columns(struct ddb_cursor *c, struct diag *diag)
{
    const idx_t count = duckdb_column_count(&c->result);
    if (count != c->column_count) {
        const struct str text =
            arena_printf(&diag->arena, "a query has %lu columns where %u are expected",
                         (unsigned long)count, c->column_count);
        return diag_set(diag, ER_INTERNAL_ERROR, text.p);
    }
    for (uint32_t i = 0; i < c->column_count; i++) {
        duckdb_logical_type type = duckdb_column_logical_type(&c->result, i);
        const int rc = set_column(c, i, type, diag);
        duckdb_destroy_logical_type(&type);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Life ---- */

static void drop_handles(struct ddb_cursor *c)
{
    while (c->spool_next < c->spool_count) {
        duckdb_destroy_data_chunk(&c->spool[c->spool_next++]);
    }
    free(c->spool);
    c->spool = NULL;
    c->spool_count = 0;
    c->spool_next = 0;
    if (c->chunk != NULL) {
        duckdb_destroy_data_chunk(&c->chunk);
    }
    if (c->has_result) {
        duckdb_destroy_result(&c->result);
        c->has_result = false;
    }
    if (c->statement != NULL) {
        duckdb_destroy_prepare(&c->statement);
    }
}

static void detach(struct ddb_cursor *c)
{
    struct ddb_session *s = ddb_session_of(c->base.session);
    if (s->cursor == c) {
        s->cursor = NULL;
    }
}

void ddb_cursor_drop(struct ddb_cursor *c)
{
    drop_handles(c);
    c->dropped = !c->finished;
    c->has_result = false;
    detach(c);
}

static int prepare_query(struct ddb_session *s, struct ddb_cursor *c, const char *text,
                         struct diag *diag)
{
    if (duckdb_prepare(s->conn, text, &c->statement) == DuckDBSuccess) {
        return 0;
    }
    const char *message = duckdb_prepare_error(c->statement);
    return ddb_failed(s, ddb_error_type_of(message), message, STR_NULL, diag);
}

static struct ddb_cursor *cursor_new(struct ddb_session *s, const struct engine_query *q)
{
    struct ddb_cursor *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->base.session = &s->base;
    arena_init(&c->arena, 0);
    c->wide = q->wide_decimals;
    c->column_count = q->column_count;
    struct sql_type *types = ARENA_ARRAY(&c->arena, struct sql_type, q->column_count);
    if (q->column_count > 0) {
        memcpy(types, q->types, q->column_count * sizeof(*types));
    }
    c->types = types;
    c->columns = ARENA_ARRAY(&c->arena, struct cursor_column, q->column_count);
    c->vecs = ARENA_ARRAY(&c->arena, struct vec, q->column_count);
    return c;
}

static void cursor_free(struct ddb_cursor *c)
{
    drop_handles(c);
    arena_release(&c->arena);
    free(c);
}

int ddb_query_open(struct engine_session *base, const struct engine_query *q, struct diag *diag,
                   struct engine_cursor **out)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_statement(s, diag);
    struct ddb_cursor *c = rc == 0 ? cursor_new(s, q) : NULL;
    if (rc == 0 && c == NULL) {
        rc = diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    if (rc == 0) {
        rc = prepare_query(s, c, arena_dup_cstr(&c->arena, q->text), diag);
    }
    if (rc == 0) {
        atomic_fetch_add(&s->instance->counters.queries, 1);
        s->cursor = c;
        *out = &c->base;
    } else if (c != NULL) {
        cursor_free(c);
    }
    return ddb_leave(s, rc);
}

/* Ends a stream that was not read to its end, and with it its hold on the snapshot. */
static void end_stream(struct ddb_session *s)
{
    struct diag ignored;
    diag_init(&ignored);
    ddb_mask_interrupts(s);
    (void)!ddb_prepared_run(s, DDB_PROBE, &ignored);
    ddb_unmask_interrupts(s);
    diag_release(&ignored);
}

void ddb_query_close(struct engine_cursor *base)
{
    struct ddb_cursor *c = cursor_of(base);
    struct ddb_session *s = ddb_session_of(base->session);
    pthread_rwlock_rdlock(&s->instance->gate);
    const bool running = c->has_result && !c->finished && !c->spooled;
    detach(c);
    drop_handles(c);
    if (running && s->conn != NULL && !atomic_load(&s->instance->invalid)) {
        end_stream(s);
    }
    cursor_free(c);
    (void)ddb_leave(s, 0);
}

/* ---- Fetching ---- */

/* The stream's error as the caller's; asks for the wide query where that may help. */
static enum engine_result fetch_failed(struct ddb_session *s, struct ddb_cursor *c,
                                       struct diag *diag)
{
    const duckdb_error_type type = duckdb_result_error_type(&c->result);
    const char *message = duckdb_result_error(&c->result);
    const bool narrow = !c->fetched && !c->wide && ddb_error_is_narrow_overflow(type, message);
    c->finished = true;
    (void)ddb_failed(s, type, message, STR_NULL, diag);
    if (narrow && s->state == ENGINE_TXN_ABORTED && s->writer == NULL && !s->lost) {
        (void)!ddb_txn_restore(s, s->redo.changes, diag);
    }
    if (narrow && s->state != ENGINE_TXN_ABORTED) {
        diag_clear_error(diag);
        return ENGINE_RETRY_WIDE;
    }
    return ENGINE_FAIL;
}

static enum engine_result start(struct ddb_session *s, struct ddb_cursor *c, struct diag *diag)
{
    c->has_result = true;
    if (duckdb_execute_prepared_streaming(c->statement, &c->result) != DuckDBSuccess) {
        return fetch_failed(s, c, diag);
    }
    if (set_columns(c, diag) != 0) {
        return ENGINE_FAIL;
    }
    return ENGINE_ROW;
}

/* Points the vectors at the chunk's data. */
static int show_chunk(struct ddb_cursor *c, struct chunk *out, struct diag *diag)
{
    const uint32_t rows = (uint32_t)duckdb_data_chunk_get_size(c->chunk);
    for (uint32_t i = 0; i < c->column_count; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(c->chunk, i);
        const void *data = duckdb_vector_get_data(vector);
        const uint64_t *validity = duckdb_vector_get_validity(vector);
        const struct cursor_column *column = &c->columns[i];
        if (column->convert != NULL) {
            if (!column->convert(data, validity, rows, column->buffer)) {
                const struct str text = arena_printf(&diag->arena, "column %u", i + 1);
                return diag_set(diag, ER_DATA_OUT_OF_RANGE, "Result", text.p);
            }
            data = column->buffer;
        }
        c->vecs[i].data = data;
        c->vecs[i].validity = validity;
    }
    *out = (struct chunk){.ncols = c->column_count, .nrows = rows, .cols = c->vecs};
    return 0;
}

/* The stream's next chunk that has rows. */
static enum engine_result read_stream(struct ddb_session *s, struct ddb_cursor *c,
                                      struct diag *diag, duckdb_data_chunk *out)
{
    while (true) {
        *out = duckdb_fetch_chunk(c->result);
        if (*out == NULL) {
            /* The end and an error look the same. */
            const char *message = duckdb_result_error(&c->result);
            if (message != NULL && *message != '\0') {
                return fetch_failed(s, c, diag);
            }
            return ENGINE_END;
        }
        if (duckdb_data_chunk_get_size(*out) > 0) {
            return ENGINE_ROW;
        }
        duckdb_destroy_data_chunk(out);
    }
}

static enum engine_result next_chunk(struct ddb_session *s, struct ddb_cursor *c, struct diag *diag,
                                     struct chunk *out)
{
    enum engine_result result = ENGINE_ROW;
    if (c->chunk != NULL) {
        duckdb_destroy_data_chunk(&c->chunk);
    }
    if (c->spool_next < c->spool_count) {
        c->chunk = c->spool[c->spool_next++];
    } else if (c->spooled) {
        result = ENGINE_END;
    } else {
        result = read_stream(s, c, diag, &c->chunk);
    }
    if (result == ENGINE_END) {
        c->finished = true;
        detach(c);
    }
    if (result != ENGINE_ROW) {
        return result;
    }
    c->fetched = true;
    return show_chunk(c, out, diag) == 0 ? ENGINE_ROW : ENGINE_FAIL;
}

/* ---- Letting another statement of the session run ---- */

static int spool_push(struct ddb_cursor *c, duckdb_data_chunk chunk, struct diag *diag)
{
    if (c->spool_count == SPOOL_MAX_CHUNKS) {
        duckdb_destroy_data_chunk(&chunk);
        return diag_set(diag, ER_OUT_OF_SORTMEMORY);
    }
    if ((c->spool_count & (c->spool_count - 1)) == 0) {
        const size_t room = c->spool_count == 0 ? 1 : c->spool_count * 2;
        duckdb_data_chunk *grown = realloc(c->spool, room * sizeof(duckdb_data_chunk));
        if (grown == NULL) {
            duckdb_destroy_data_chunk(&chunk);
            return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
        }
        c->spool = grown;
    }
    c->spool[c->spool_count++] = chunk;
    return 0;
}

int ddb_cursor_spool(struct ddb_cursor *c, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(c->base.session);
    enum engine_result result = ENGINE_ROW;
    int rc = 0;
    if (!c->has_result) {
        result = start(s, c, diag);
    }
    while (result == ENGINE_ROW && rc == 0) {
        duckdb_data_chunk chunk;
        result = read_stream(s, c, diag, &chunk);
        if (result == ENGINE_ROW) {
            rc = spool_push(c, chunk, diag);
        }
    }
    if (rc != 0 || result != ENGINE_END) {
        ddb_cursor_drop(c);
        return result == ENGINE_RETRY_WIDE
                   ? diag_set(diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "query")
                   : -1;
    }
    c->spooled = true;
    detach(c);
    return 0;
}

enum engine_result ddb_query_fetch(struct engine_cursor *base, struct diag *diag, struct chunk *out)
{
    struct ddb_cursor *c = cursor_of(base);
    struct ddb_session *s = ddb_session_of(base->session);
    enum engine_result result = ENGINE_ROW;
    if (c->finished && !c->dropped) {
        return ENGINE_END;
    }
    if (ddb_enter(s, diag) != 0) {
        return ENGINE_FAIL;
    }
    if (c->dropped) {
        (void)diag_set(diag, ER_INTERNAL_ERROR,
                       "a query was ended by another statement of its session");
        result = ENGINE_FAIL;
    } else if (!c->has_result) {
        result = start(s, c, diag);
    }
    if (result == ENGINE_ROW) {
        result = next_chunk(s, c, diag, out);
    }
    (void)ddb_leave(s, 0);
    return result;
}

/* ---- Around a query ---- */

static struct str join_plan(duckdb_result *result, struct arena *arena)
{
    struct bytebuf text;
    bytebuf_init(&text, DDB_SQL_MAX);
    for (duckdb_data_chunk chunk = duckdb_fetch_chunk(*result); chunk != NULL;
         chunk = duckdb_fetch_chunk(*result)) {
        const idx_t last = duckdb_data_chunk_get_column_count(chunk) - 1;
        const struct vec_str *lines =
            duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, last));
        for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
            bytebuf_put_str(&text, vec_str_get(&lines[i]));
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    const struct str out = arena_dup(arena, bytebuf_str(&text));
    bytebuf_release(&text);
    return out;
}

int ddb_query_explain(struct engine_session *base, const struct engine_query *q, bool analyze,
                      struct arena *arena, struct diag *diag, struct str *out)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_statement(s, diag);
    if (rc == 0) {
        struct bytebuf sql;
        duckdb_result result;
        bytebuf_init(&sql, DDB_SQL_MAX);
        bytebuf_put_cstr(&sql, analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ");
        bytebuf_put_str(&sql, q->text);
        rc = ddb_query_buf(s, &sql, STR_NULL, diag, &result);
        if (rc == 0) {
            *out = join_plan(&result, arena);
            duckdb_destroy_result(&result);
        }
        bytebuf_release(&sql);
    }
    return ddb_leave(s, rc);
}

double ddb_query_progress(const struct engine_session *base)
{
    struct ddb_session *s = CONTAINER_OF(base, struct ddb_session, base);
    double done = -1;
    pthread_mutex_lock(&s->conn_lock);
    if (s->conn != NULL) {
        done = duckdb_query_progress(s->conn).percentage;
    }
    pthread_mutex_unlock(&s->conn_lock);
    return done < 0 ? -1 : done / 100;
}
