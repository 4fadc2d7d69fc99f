/*
 * Deleting by value: rows are found by a join with the values, which DuckDB reads out of our memory
 * through pintail_keys(). The join's side of values is the small one, whose smallest and largest
 * integer keys DuckDB hands to the table's scan, so that keys that lie close together cost little
 * in a large table. Many integer keys are looked up in a map of bits instead (key_bits.c): a scan
 * of the whole key column is then several times faster than a join's.
 */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>

/* How a column of the table is compared with a column of values. */
enum comparison {
    COMPARE_EQUAL,
    COMPARE_NULL_SAFE,
};

static void put_condition(const struct table_def *t, const struct engine_values *v,
                          enum comparison how, struct bytebuf *sql)
{
    const char *op = how == COMPARE_EQUAL ? "=" : "IS NOT DISTINCT FROM";
    for (uint32_t i = 0; i < v->column_count; i++) {
        bytebuf_printf(sql, "%st%" PRIu64 ".c%u %s k.k%u", i ? " AND " : "", t->id,
                       t->columns[v->columns[i]].id, op, i);
    }
}

static void put_key_delete(const struct table_def *t, const struct engine_values *v, uint64_t keys,
                           struct bytebuf *sql)
{
    bytebuf_printf(sql,
                   "DELETE FROM t%" PRIu64 " USING pintail_keys(%" PRIu64 "::UBIGINT) k WHERE ",
                   t->id, keys);
    put_condition(t, v, COMPARE_EQUAL, sql);
}

/* The keys' range lets the scan leave out what lies outside. */
static void put_bits_delete(const struct table_def *t, uint32_t column, const struct ddb_keys *keys,
                            struct bytebuf *sql)
{
    const uint32_t id = t->columns[column].id;
    bytebuf_printf(sql,
                   "DELETE FROM t%" PRIu64 " WHERE c%u BETWEEN %" PRId64 " AND %" PRId64
                   " AND pintail_has_key(c%u, %" PRIu64 "::UBIGINT)",
                   t->id, id, keys->bits.first, keys->bits.last, id, keys->id);
}

/* Equal images are one group of values with its number; so many of the rows that match it go. */
static void put_image_delete(const struct table_def *t, const struct engine_values *v,
                             uint64_t keys, struct bytebuf *sql)
{
    bytebuf_printf(sql,
                   "DELETE FROM t%" PRIu64 " WHERE rowid IN (SELECT id FROM (SELECT t%" PRIu64
                   ".rowid AS id, k.n AS n, row_number() OVER (PARTITION BY k.g ORDER BY t%" PRIu64
                   ".rowid) AS i FROM t%" PRIu64 " JOIN (SELECT min(r) AS g, count(*) AS n",
                   t->id, t->id, t->id, t->id);
    for (uint32_t i = 0; i < v->column_count; i++) {
        bytebuf_printf(sql, ", k%u", i);
    }
    bytebuf_printf(sql, " FROM pintail_keys(%" PRIu64 "::UBIGINT) GROUP BY ", keys);
    for (uint32_t i = 0; i < v->column_count; i++) {
        bytebuf_printf(sql, "%sk%u", i ? ", " : "", i);
    }
    bytebuf_put_cstr(sql, ") k ON ");
    put_condition(t, v, COMPARE_NULL_SAFE, sql);
    bytebuf_put_cstr(sql, ") WHERE i <= n)");
}

/* Lends the values and runs the statement. */
static int delete_lent(struct ddb_session *s, const struct table_def *t,
                       const struct engine_values *v, enum comparison how, struct diag *diag,
                       uint64_t *out_deleted)
{
    struct arena scratch;
    struct bytebuf sql;
    duckdb_result result;
    arena_init(&scratch, 0);
    struct ddb_keys keys = ddb_keys_of_values(t, v, &scratch);
    const bool has_bits = how == COMPARE_EQUAL && v->column_count == 1 &&
                          ddb_key_bits_make(&keys, v->chunk_count, &t->columns[v->columns[0]].type);
    bytebuf_init(&sql, DDB_SQL_MAX);
    ddb_keys_lend(s->instance, &keys);
    if (has_bits) {
        put_bits_delete(t, v->columns[0], &keys, &sql);
    } else if (how == COMPARE_EQUAL) {
        put_key_delete(t, v, keys.id, &sql);
    } else {
        put_image_delete(t, v, keys.id, &sql);
    }
    const int rc = ddb_query_patiently(s, &sql, t->name, diag, &result);
    if (rc == 0) {
        *out_deleted = duckdb_rows_changed(&result);
        duckdb_destroy_result(&result);
        ddb_redo_give_up(s);
        atomic_fetch_add(&s->instance->counters.rows_deleted, *out_deleted);
    }
    ddb_keys_take_back(s->instance, &keys);
    ddb_key_bits_release(&keys);
    bytebuf_release(&sql);
    arena_release(&scratch);
    return rc;
}

static int delete_values(struct engine_session *base, const struct table_def *t,
                         const struct engine_values *v, enum comparison how, struct diag *diag,
                         uint64_t *out_deleted)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = ddb_write_statement(s, t, diag);
    if (rc == 0) {
        ddb_redo_give_up(s); /* Which rows go is not known here. */
        rc = delete_lent(s, t, v, how, diag, out_deleted);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}

int ddb_delete_keys(struct engine_session *base, const struct table_def *t,
                    const struct engine_values *keys, struct diag *diag, uint64_t *out_deleted)
{
    return delete_values(base, t, keys, COMPARE_EQUAL, diag, out_deleted);
}

int ddb_delete_images(struct engine_session *base, const struct table_def *t,
                      const struct engine_values *images, struct diag *diag, uint64_t *out_deleted)
{
    return delete_values(base, t, images, COMPARE_NULL_SAFE, diag, out_deleted);
}
