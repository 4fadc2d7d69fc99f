/*
 * Named records: rows of pintail_meta, part of whatever transaction is open. Replaced by delete and
 * insert: one UPDATE in a transaction would keep all checkpoints away while a reader is open.
 */
#include "engine/duckdb/duckdb_int.h"

static int meta_delete(struct ddb_session *s, struct str kind, uint64_t id, struct diag *diag)
{
    duckdb_prepared_statement statement;
    if (ddb_prepared_get(s, DDB_META_DELETE, diag, &statement) != 0) {
        return -1;
    }
    duckdb_bind_varchar_length(statement, 1, kind.p, kind.len);
    duckdb_bind_uint64(statement, 2, id);
    return ddb_prepared_run(s, DDB_META_DELETE, diag);
}

static int meta_insert(struct ddb_session *s, struct str kind, uint64_t id, struct str value,
                       struct diag *diag)
{
    duckdb_prepared_statement statement;
    if (!str_is_utf8(value)) {
        return diag_set(diag, ER_INTERNAL_ERROR, "a record is not UTF-8");
    }
    if (ddb_prepared_get(s, DDB_META_INSERT, diag, &statement) != 0) {
        return -1;
    }
    duckdb_bind_varchar_length(statement, 1, kind.p, kind.len);
    duckdb_bind_uint64(statement, 2, id);
    duckdb_bind_varchar_length(statement, 3, value.p, value.len);
    return ddb_prepared_run(s, DDB_META_INSERT, diag);
}

int ddb_meta_write(struct ddb_session *s, struct str kind, uint64_t id, struct str value,
                   struct diag *diag)
{
    if (meta_delete(s, kind, id, diag) != 0) {
        return -1;
    }
    return value.p != NULL ? meta_insert(s, kind, id, value, diag) : 0;
}

int ddb_meta_put(struct engine_session *base, struct str kind, uint64_t id, struct str value,
                 struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_write_statement(s, NULL, diag);
    if (rc == 0) {
        ddb_redo_give_up(s);
        rc = ddb_meta_write(s, kind, id, value, diag);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}

/* Gives the rows of one chunk (id UBIGINT, value VARCHAR) to fn; returns what it returned. */
static int scan_chunk(duckdb_data_chunk chunk, int (*fn)(void *arg, uint64_t id, struct str value),
                      void *arg)
{
    const uint64_t *ids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    const struct vec_str *values = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    int rc = 0;
    for (idx_t i = 0; i < rows && rc == 0; i++) {
        rc = fn(arg, ids[i], vec_str_get(&values[i]));
    }
    return rc;
}

static int meta_scan(struct ddb_session *s, struct str kind,
                     int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                     struct diag *diag)
{
    struct bytebuf sql;
    duckdb_result result;
    bytebuf_init(&sql, DDB_SQL_MAX);
    /* Kinds are words of our own code. */
    bytebuf_printf(&sql, "SELECT id, value FROM pintail_meta WHERE kind = '%.*s' ORDER BY id",
                   STR_FMT(kind));
    int rc = ddb_query_buf(s, &sql, STR_NULL, diag, &result);
    bytebuf_release(&sql);
    if (rc != 0) {
        return rc;
    }
    int stop = 0;
    for (duckdb_data_chunk chunk = duckdb_fetch_chunk(result); chunk != NULL;
         chunk = duckdb_fetch_chunk(result)) {
        stop = stop != 0 ? stop : scan_chunk(chunk, fn, arg);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return 0;
}

int ddb_meta_scan(struct engine_session *base, struct str kind,
                  int (*fn)(void *arg, uint64_t id, struct str value), void *arg, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    assert(memchr(kind.p, '\'', kind.len) == NULL);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_statement(s, diag);
    if (rc == 0) {
        rc = meta_scan(s, kind, fn, arg, diag);
    }
    return ddb_leave(s, rc);
}
