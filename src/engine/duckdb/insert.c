/*
 * Rows that are all there at once: one INSERT reads them out of our memory through pintail_rows(),
 * in their order. Against an appender this saves a copy of all rows, and the merging of what
 * several threads have compressed by halves.
 *
 * Values are checked before they are given to DuckDB, because it does not look.
 */
#include "engine/duckdb/duckdb_int.h"
#include "types/charset.h"

#include <inttypes.h>
#include <string.h>

/* ---- Values ---- */

static bool has_null(const struct vec *v, uint32_t rows)
{
    for (uint32_t i = 0; v->validity != NULL && i < rows; i++) {
        if (vec_is_null(v, i)) {
            return true;
        }
    }
    return false;
}

/* Are all 64-bit integers, those of NULLs too, within a limit? False of other integers. */
static bool all_fit_at_once(const struct vec *v, int64_t limit, uint32_t rows)
{
    const int64_t *n = v->data;
    bool fit = v->phys == VEC_I64;
    for (uint32_t i = 0; fit && i < rows;) {
        const uint32_t end = MIN(i + 256, rows);
        for (; i < end; i++) {
            fit &= (n[i] < limit) & (n[i] > -limit);
        }
    }
    return fit;
}

/* Are all scaled integers of a DECIMAL within its digits? */
static bool decimals_fit(const struct vec *v, const struct sql_type *type, uint32_t rows)
{
    __int128 limit = 1;
    for (uint32_t i = 0; i < type->length; i++) {
        limit *= 10;
    }
    bool fit = true;
    if (limit <= INT64_MAX && all_fit_at_once(v, (int64_t)limit, rows)) {
        return true;
    }
    for (uint32_t i = 0; i < rows; i++) {
        const __int128 n = vec_get_int(v, i);
        fit &= (n < limit && n > -limit) || vec_is_null(v, i);
    }
    return fit;
}

static bool strings_are_utf8(const struct vec *v, uint32_t rows)
{
    const struct vec_str *strings = v->data;
    for (uint32_t i = 0; i < rows; i++) {
        const struct str s = vec_is_null(v, i) ? STR("") : vec_str_get(&strings[i]);
        if (!str_is_ascii(s) && !str_is_utf8(s)) {
            return false;
        }
    }
    return true;
}

bool ddb_has_partial_dates(const struct vec *v, const struct sql_type *type, uint32_t rows)
{
    const enum type_class class = type_class_of(type->type);
    bool found = false;
    for (uint32_t i = 0; class == TYPE_CLASS_DATE && i < rows; i++) {
        found |= temporal_date_is_out_of_order(((const int32_t *)v->data)[i]);
    }
    for (uint32_t i = 0; class == TYPE_CLASS_DATETIME && i < rows; i++) {
        found |= temporal_datetime_is_out_of_order(((const int64_t *)v->data)[i]);
    }
    return found;
}

static int bad_value(const struct column_def *column, const char *what, struct diag *diag)
{
    const struct str text =
        arena_printf(&diag->arena, "column '%.*s' is given %s", STR_FMT(column->name), what);
    return diag_set(diag, ER_INTERNAL_ERROR, text.p);
}

int ddb_check_column(const struct column_def *column, const struct vec *v, uint32_t rows,
                     struct diag *diag)
{
    const struct sql_type *type = &column->type;
    if (v->phys != type_phys(type)) {
        return bad_value(column, "values of another form", diag);
    }
    if (!type_is_nullable(type) && has_null(v, rows)) {
        return diag_set(diag, ER_BAD_NULL_ERROR, arena_dup_cstr(&diag->arena, column->name));
    }
    if (v->phys == VEC_STR) {
        return !ddb_type_is_text(type) || strings_are_utf8(v, rows)
                   ? 0
                   : bad_value(column, "text that is not UTF-8", diag);
    }
    return type_class_of(type->type) != TYPE_CLASS_DECIMAL || decimals_fit(v, type, rows)
               ? 0
               : bad_value(column, "a number of too many digits", diag);
}

/* NULLs of strings must not point anywhere. */
static void clear_nulls(const struct vec *v, uint32_t rows, struct vec_str *strings)
{
    for (uint32_t from = 0; from < rows; from += 64) {
        uint64_t nulls = ~v->validity[from / 64];
        for (; nulls != 0; nulls &= nulls - 1) {
            const uint32_t row = from + (uint32_t)__builtin_ctzll(nulls);
            if (row < rows) {
                strings[row] = (struct vec_str){.len = 0};
            }
        }
    }
}

void ddb_fill_vector(const struct vec *v, uint32_t rows, duckdb_vector to)
{
    void *data = duckdb_vector_get_data(to);
    memcpy(data, v->data, rows * vec_phys_size(v->phys));
    if (v->validity != NULL) {
        duckdb_vector_ensure_validity_writable(to);
        memcpy(duckdb_vector_get_validity(to), v->validity,
               BITS_WORDS((size_t)rows) * sizeof(uint64_t));
        if (v->phys == VEC_STR) {
            clear_nulls(v, rows, data);
        }
    }
}

/* ---- Inserting ---- */

static int check_chunk(const struct table_def *t, const struct chunk *chunk, struct diag *diag,
                       bool *has_partial_dates)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (ddb_check_column(&t->columns[i], &chunk->cols[i], chunk->nrows, diag) != 0) {
            return -1;
        }
        *has_partial_dates |=
            ddb_has_partial_dates(&chunk->cols[i], &t->columns[i].type, chunk->nrows);
    }
    return 0;
}

/*
 * DuckDB inserts on one thread what has an order, and a join has none: one with nothing lets
 * several threads work. They keep the order nevertheless (rows.c).
 */
static void put_insert(const struct table_def *t, const struct ddb_keys *rows, struct bytebuf *sql)
{
    bytebuf_printf(sql, "INSERT INTO t%" PRIu64 " (", t->id);
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(sql, "%sc%u", i > 0 ? ", " : "", t->columns[i].id);
    }
    bytebuf_put_cstr(sql, ") SELECT ");
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(sql, "%sa.k%u", i > 0 ? ", " : "", i);
    }
    bytebuf_printf(sql, " FROM pintail_rows(%" PRIu64 "::UBIGINT) a", rows->id);
    if (rows->threads > 1) {
        bytebuf_put_cstr(sql, " LEFT JOIN pintail_rows(0::UBIGINT) b ON a.r = b.r");
    }
}

/* Lends the rows and runs the statement. */
static int insert_lent(struct ddb_session *s, const struct table_def *t, struct ddb_keys *rows,
                       struct diag *diag)
{
    struct bytebuf sql;
    duckdb_result result;
    bytebuf_init(&sql, DDB_SQL_MAX);
    ddb_keys_lend(s->instance, rows);
    put_insert(t, rows, &sql);
    const int rc = ddb_query_patiently(s, &sql, t->name, diag, &result);
    if (rc == 0) {
        duckdb_destroy_result(&result);
    }
    ddb_keys_take_back(s->instance, rows);
    bytebuf_release(&sql);
    return rc;
}

/* Many rows are written by all threads that DuckDB may use. */
static int choose_threads(struct ddb_session *s, struct ddb_keys *rows, struct diag *diag)
{
    struct bytebuf sql;
    int64_t threads;
    bool is_null;
    rows->threads = 1;
    if (rows->nrows < 2 * DDB_GROUP_ROWS) {
        return 0;
    }
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT current_setting('threads')::BIGINT");
    const int rc = ddb_query_number(s, &sql, diag, &threads, &is_null);
    bytebuf_release(&sql);
    if (rc == 0 && !is_null && threads > 1) {
        rows->threads = (uint32_t)threads;
    }
    return rc;
}

static int insert(struct ddb_session *s, const struct table_def *t, const struct chunk *chunks,
                  uint32_t count, struct diag *diag)
{
    bool has_partial_dates = false;
    struct arena scratch;
    arena_init(&scratch, 0);
    struct ddb_keys rows = {.ncols = t->column_count, .chunks = chunks, .chunk_count = count};
    rows.cols = ARENA_ARRAY(&scratch, struct ddb_key_column, t->column_count);
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        rc = check_chunk(t, &chunks[i], diag, &has_partial_dates);
        rows.nrows += chunks[i].nrows;
    }
    rc = rc == 0 ? choose_threads(s, &rows, diag) : rc;
    if (rc == 0) {
        for (uint32_t i = 0; i < t->column_count; i++) {
            rows.cols[i].type = ddb_type_new(&t->columns[i].type);
        }
        rc = insert_lent(s, t, &rows, diag);
    }
    if (rc == 0) {
        struct ddb_touched *touched = ddb_touched_get(s, t->id);
        touched->appended += touched->appended != DDB_APPENDED_UNKNOWN ? rows.nrows : 0;
        atomic_fetch_add(&s->instance->counters.rows_inserted, rows.nrows);
        rc = has_partial_dates ? ddb_note_partial_dates(s, t, diag) : 0;
    }
    arena_release(&scratch);
    return rc;
}

int ddb_insert_chunks(struct engine_session *base, const struct table_def *t,
                      const struct chunk *chunks, uint32_t count, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    assert(s->writer == NULL);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_write_statement(s, t, diag);
    if (rc == 0) {
        ddb_redo_give_up(s);                  /* The rows are not kept. */
        ddb_table_forget(s->instance, t->id); /* The largest keys are not followed. */
        rc = insert(s, t, chunks, count, diag);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}
