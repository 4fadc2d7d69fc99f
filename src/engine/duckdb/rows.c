/*
 * pintail_rows(id): the rows that are lent to an INSERT, out of our memory. Many rows are divided
 * into parts of whole row groups, which DuckDB's threads take in turn; each compresses and writes
 * what it has read.
 *
 * DuckDB puts what a thread has written into the table when the thread is done. So that rows stand
 * in the table in their order, a thread ends only after those with earlier parts, whose state is
 * released when they are in. The order is a nicety: after ORDER_PATIENCE_S nobody waits for it.
 */
#include "engine/duckdb/duckdb_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PARTS_MAX = 16,
    ORDER_PATIENCE_S = 5,
};

struct rows_part {
    uint32_t end;    /* The chunk behind it. */
    bool is_written; /* In the table, or given up. */
};

/* A statement's scan. */
struct rows_scan {
    pthread_mutex_t lock;
    pthread_cond_t written;
    uint32_t users; /* The statement, and the threads that have a part. */
    uint32_t taken; /* Parts that a thread has. */
    uint32_t part_count;
    struct rows_part parts[PARTS_MAX];
};

/* A thread's. */
struct rows_position {
    struct rows_scan *scan;
    uint32_t chunk, end; /* What is left of its parts. */
    uint32_t first_part, next_part;
};

/* ---- Parts ---- */

/* How many parts: each has a row group at least, because fewer rows would be copied once more. */
static uint32_t count_parts(const struct ddb_keys *rows)
{
    return MAX(1, MIN(MIN(rows->threads, rows->nrows / DDB_GROUP_ROWS), PARTS_MAX));
}

/* The last part has the rows beyond whole row groups too. */
static void divide(struct rows_scan *scan, const struct ddb_keys *rows)
{
    const uint32_t groups = rows->nrows / DDB_GROUP_ROWS;
    uint32_t part = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < rows->chunk_count && part + 1 < scan->part_count; i++) {
        before += rows->chunks[i].nrows;
        const uint64_t limit = (uint64_t)groups * (part + 1) / scan->part_count * DDB_GROUP_ROWS;
        if (before >= limit) {
            scan->parts[part++].end = i + 1;
        }
    }
    scan->part_count = part + 1;
    scan->parts[part].end = rows->chunk_count;
}

/* With the lock, which is given back. */
static void leave_scan(struct rows_scan *scan)
{
    const bool is_last = --scan->users == 0;
    pthread_mutex_unlock(&scan->lock);
    if (!is_last) {
        return;
    }
    pthread_cond_destroy(&scan->written);
    pthread_mutex_destroy(&scan->lock);
    free(scan);
}

static void release_scan(void *arg)
{
    struct rows_scan *scan = arg;
    pthread_mutex_lock(&scan->lock);
    leave_scan(scan);
}

static void init_scan(duckdb_init_info info)
{
    const struct ddb_keys *rows = duckdb_init_get_bind_data(info);
    struct rows_scan *scan = calloc(1, sizeof(*scan));
    pthread_condattr_t attr;
    if (scan == NULL) {
        duckdb_init_set_error(info, "out of memory");
        return;
    }
    pthread_mutex_init(&scan->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&scan->written, &attr);
    pthread_condattr_destroy(&attr);
    /* The threads to come take the lock before they look: that is all that orders them behind
     * this, as far as our own code says. */
    pthread_mutex_lock(&scan->lock);
    scan->users = 1;
    if (rows != NULL) {
        scan->part_count = count_parts(rows);
        divide(scan, rows);
    }
    const uint32_t threads = MAX(scan->part_count, 1);
    pthread_mutex_unlock(&scan->lock);
    duckdb_init_set_max_threads(info, threads);
    duckdb_init_set_init_data(info, scan, release_scan);
}

static void release_position(void *arg)
{
    struct rows_position *at = arg;
    struct rows_scan *scan = at->scan;
    if (scan != NULL) {
        pthread_mutex_lock(&scan->lock);
        for (uint32_t i = at->first_part; i < at->next_part; i++) {
            scan->parts[i].is_written = true;
        }
        pthread_cond_broadcast(&scan->written);
        leave_scan(scan);
    }
    free(at);
}

static void init_position(duckdb_init_info info)
{
    struct rows_position *at = calloc(1, sizeof(*at));
    if (at == NULL) {
        duckdb_init_set_error(info, "out of memory");
        return;
    }
    duckdb_init_set_init_data(info, at, release_position);
}

/* A thread's first part is any, then only those that follow. */
static bool take_part(struct rows_scan *scan, struct rows_position *at)
{
    pthread_mutex_lock(&scan->lock);
    const bool is_first = at->next_part == 0;
    const bool takes = scan->taken < scan->part_count && (is_first || at->next_part == scan->taken);
    if (takes) {
        const uint32_t part = scan->taken++;
        if (is_first) {
            at->scan = scan;
            scan->users++;
            at->first_part = part;
            at->chunk = part > 0 ? scan->parts[part - 1].end : 0;
        }
        at->next_part = part + 1;
        at->end = scan->parts[part].end;
    }
    pthread_mutex_unlock(&scan->lock);
    return takes;
}

static void await_earlier(struct rows_scan *scan, const struct rows_position *at)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ORDER_PATIENCE_S;
    int rc = 0;
    pthread_mutex_lock(&scan->lock);
    for (uint32_t i = 0; i < at->first_part && rc == 0;) {
        if (scan->parts[i].is_written) {
            i++;
        } else {
            rc = pthread_cond_timedwait(&scan->written, &scan->lock, &until);
        }
    }
    pthread_mutex_unlock(&scan->lock);
}

/* ---- The function ---- */

static void bind(duckdb_bind_info info)
{
    struct ddb_instance *in = duckdb_bind_get_extra_info(info);
    duckdb_value id = duckdb_bind_get_parameter(info, 0);
    const uint64_t number = duckdb_get_uint64(id);
    const struct ddb_keys *rows = number > 0 ? ddb_keys_find(in, number) : NULL;
    duckdb_destroy_value(&id);
    if (rows == NULL && number > 0) {
        duckdb_bind_set_error(info, "pintail_rows: nothing is lent under this number");
        return;
    }
    ddb_keys_put_columns(rows, info);
    duckdb_bind_set_cardinality(info, rows != NULL ? rows->nrows : 1, rows != NULL);
    duckdb_bind_set_bind_data(info, (void *)(uintptr_t)rows, NULL);
}

static void scan_rows(duckdb_function_info info, duckdb_data_chunk out)
{
    const struct ddb_keys *rows = duckdb_function_get_bind_data(info);
    struct rows_scan *scan = duckdb_function_get_init_data(info);
    struct rows_position *at = duckdb_function_get_local_init_data(info);
    do {
        while (at->chunk < at->end && rows->chunks[at->chunk].nrows == 0) {
            at->chunk++;
        }
    } while (at->chunk == at->end && take_part(scan, at));
    if (at->chunk == at->end) {
        await_earlier(scan, at);
        duckdb_data_chunk_set_size(out, 0);
        return;
    }
    const struct chunk *chunk = &rows->chunks[at->chunk++];
    for (uint32_t i = 0; i < rows->ncols; i++) {
        ddb_fill_vector(&chunk->cols[i], chunk->nrows, duckdb_data_chunk_get_vector(out, i + 1));
    }
    memset(duckdb_vector_get_data(duckdb_data_chunk_get_vector(out, 0)), 0,
           chunk->nrows * sizeof(uint32_t));
    duckdb_data_chunk_set_size(out, chunk->nrows);
}

int ddb_rows_register(struct ddb_instance *in, struct diag *diag)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    duckdb_table_function_set_name(function, "pintail_rows");
    duckdb_table_function_add_parameter(function, number);
    duckdb_table_function_set_extra_info(function, in, NULL);
    duckdb_table_function_set_bind(function, bind);
    duckdb_table_function_set_init(function, init_scan);
    duckdb_table_function_set_local_init(function, init_position);
    duckdb_table_function_set_function(function, scan_rows);
    const duckdb_state state = duckdb_register_table_function(in->aux, function);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess
               ? 0
               : diag_set(diag, ER_INTERNAL_ERROR, "pintail_rows cannot be registered with DuckDB");
}
