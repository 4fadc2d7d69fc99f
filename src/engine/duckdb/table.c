/*
 * Tables: what is known of them, and the short statements on them: deleting by rowid, truncating,
 * counting.
 */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- What is known ---- */

struct ddb_table *ddb_table_get(struct ddb_instance *in, uint64_t id)
{
    struct ddb_table **bucket = &in->tables[id % DDB_TABLE_BUCKETS];
    pthread_mutex_lock(&in->lock);
    struct ddb_table *t = *bucket;
    while (t != NULL && t->id != id) {
        t = t->next;
    }
    if (t == NULL) {
        t = arena_calloc(&in->arena, sizeof(*t));
        t->id = id;
        t->next = *bucket;
        *bucket = t;
    }
    pthread_mutex_unlock(&in->lock);
    return t;
}

void ddb_table_forget(struct ddb_instance *in, uint64_t id)
{
    struct ddb_table *t = ddb_table_get(in, id);
    free(t->maxima);
    t->maxima = NULL;
    t->max_count = 0;
}

void ddb_tables_release(struct ddb_instance *in)
{
    for (size_t i = 0; i < DDB_TABLE_BUCKETS; i++) {
        for (struct ddb_table *t = in->tables[i]; t != NULL; t = t->next) {
            free(t->maxima);
            t->maxima = NULL;
            t->max_count = 0;
        }
    }
}

int ddb_note_partial_dates(struct ddb_session *s, const struct table_def *t, struct diag *diag)
{
    struct ddb_touched *touched = ddb_touched_get(s, t->id);
    if (t->share != NULL) {
        table_share_add_partial_dates(t->share);
    }
    if (touched->noted_partial_dates) {
        return 0;
    }
    const int rc = ddb_write_partial_dates(s, t, diag);
    if (rc == 0) {
        ddb_redo_note_partial_dates(s, t);
    }
    return rc;
}

int ddb_write_partial_dates(struct ddb_session *s, const struct table_def *t, struct diag *diag)
{
    ddb_touched_get(s, t->id)->noted_partial_dates = true;
    return ddb_meta_write(s, STR(ENGINE_RECORD_PARTIAL_DATES), t->id, STR("1"), diag);
}

/* ---- Deleting ---- */

static void put_delete(struct bytebuf *sql, const struct table_def *t, const struct ddb_keys *keys,
                       const int64_t *rowids)
{
    if (keys->nrows == 1) {
        /* An equality with a constant reads one row group; anything else looks at all. */
        bytebuf_printf(sql, "DELETE FROM t%" PRIu64 " WHERE rowid = %" PRId64, t->id, rowids[0]);
    } else {
        bytebuf_printf(sql,
                       "DELETE FROM t%" PRIu64
                       " WHERE rowid IN (SELECT k0 FROM pintail_keys(%" PRIu64 "::UBIGINT))",
                       t->id, keys->id);
    }
}

int ddb_delete_quietly(struct ddb_session *s, const struct table_def *t, const int64_t *rowids,
                       uint32_t count, struct diag *diag, uint64_t *out_deleted)
{
    struct ddb_key_column column = {.type = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT),
                                    .size = sizeof(int64_t),
                                    .data = rowids};
    struct ddb_keys keys = {.nrows = count, .ncols = 1, .cols = &column};
    struct bytebuf sql;
    duckdb_result result;
    bytebuf_init(&sql, DDB_SQL_MAX);
    ddb_keys_lend(s->instance, &keys);
    put_delete(&sql, t, &keys, rowids);
    int rc = ddb_query_buf(s, &sql, t->name, diag, &result);
    if (rc == 0) {
        *out_deleted = duckdb_rows_changed(&result);
        duckdb_destroy_result(&result);
    }
    ddb_keys_take_back(s->instance, &keys);
    bytebuf_release(&sql);
    return rc;
}

int ddb_delete_by_rowid(struct ddb_session *s, const struct table_def *t, const int64_t *rowids,
                        uint32_t count, struct diag *diag, uint64_t *out_deleted)
{
    const int rc = ddb_delete_quietly(s, t, rowids, count, diag, out_deleted);
    if (rc == 0) {
        ddb_redo_delete(s, t, rowids, count);
    }
    return rc;
}

int ddb_delete_rows(struct engine_session *base, const struct table_def *t, const int64_t *rowids,
                    uint32_t count, struct diag *diag, uint64_t *out_deleted)
{
    struct ddb_session *s = ddb_session_of(base);
    *out_deleted = 0;
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_write_statement(s, t, diag);
    if (rc == 0) {
        rc = ddb_delete_by_rowid(s, t, rowids, count, diag, out_deleted);
        atomic_fetch_add(&s->instance->counters.rows_deleted, *out_deleted);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}

/* ---- Counting ---- */

/* Runs a query of one number. */
static int read_number(struct engine_session *base, struct bytebuf *sql, struct diag *diag,
                       uint64_t *out)
{
    struct ddb_session *s = ddb_session_of(base);
    int64_t number = 0;
    bool null;
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_statement(s, diag);
    if (rc == 0) {
        rc = ddb_query_number(s, sql, diag, &number, &null);
    }
    *out = (uint64_t)number;
    return ddb_leave(s, rc);
}

int ddb_row_count(struct engine_session *base, const struct table_def *t, struct diag *diag,
                  uint64_t *out)
{
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(&sql, "SELECT count(*) FROM t%" PRIu64, t->id);
    const int rc = read_number(base, &sql, diag, out);
    bytebuf_release(&sql);
    return rc;
}

int ddb_max_value(struct engine_session *base, const struct table_def *t, uint32_t column,
                  struct diag *diag, uint64_t *out)
{
    /* Above 2^63 a value keeps its bits on the way through BIGINT; negative ones count as none. */
    const uint32_t id = t->columns[column].id;
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(
        &sql,
        "SELECT CASE WHEN m < 0 THEN 0 WHEN m > 9223372036854775807 THEN (m - 18446744073709551616)::BIGINT "
        "ELSE m::BIGINT END FROM (SELECT max(c%u)::HUGEINT AS m FROM t%" PRIu64 ")",
        id, t->id);
    const int rc = read_number(base, &sql, diag, out);
    bytebuf_release(&sql);
    return rc;
}
