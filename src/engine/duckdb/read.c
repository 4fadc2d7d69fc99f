/* Reading by value: rows are found as those to be deleted are (delete.c). */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>

static void put_query(const struct table_def *t, const struct engine_read *read, uint64_t keys,
                      struct bytebuf *sql)
{
    const struct engine_values *v = &read->keys;
    bytebuf_put_cstr(sql, "SELECT k.r");
    for (uint32_t i = 0; i < read->column_count; i++) {
        bytebuf_printf(sql, ", t.c%u", t->columns[read->columns[i]].id);
    }
    bytebuf_printf(sql, " FROM t%" PRIu64 " t JOIN pintail_keys(%" PRIu64 "::UBIGINT) k ON ", t->id,
                   keys);
    for (uint32_t i = 0; i < v->column_count; i++) {
        bytebuf_printf(sql, "%st.c%u = k.k%u", i > 0 ? " AND " : "", t->columns[v->columns[i]].id,
                       i);
    }
}

static int run_query(struct engine_session *s, const struct engine_query *q,
                     const struct engine_read *read, struct diag *diag)
{
    struct engine_cursor *cursor;
    struct chunk rows;
    enum engine_result rc;
    if (engine_query_open(s, q, diag, &cursor) != 0) {
        return -1;
    }
    while ((rc = engine_fetch(cursor, diag, &rows)) == ENGINE_ROW) {
        read->take(read->arg, &rows);
    }
    engine_cursor_close(cursor);
    return rc == ENGINE_END ? 0 : -1;
}

int ddb_read_keys(struct engine_session *base, const struct table_def *t,
                  const struct engine_read *read, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    const struct engine_values *v = &read->keys;
    struct arena scratch;
    struct bytebuf sql;
    arena_init(&scratch, 0);
    bytebuf_init(&sql, DDB_SQL_MAX);
    struct ddb_keys keys = ddb_keys_of_values(t, v, &scratch);
    struct sql_type *types = ARENA_ARRAY(&scratch, struct sql_type, read->column_count + 1);
    types[0] = (struct sql_type){.type = MYSQL_TYPE_LONG, .flags = UNSIGNED_FLAG};
    for (uint32_t i = 0; i < read->column_count; i++) {
        types[i + 1] = t->columns[read->columns[i]].type;
    }
    ddb_keys_lend(s->instance, &keys);
    put_query(t, read, keys.id, &sql);
    const struct engine_query q = {
        .text = bytebuf_str(&sql), .column_count = read->column_count + 1, .types = types};
    const int rc = sql.failed ? diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb")
                              : run_query(base, &q, read, diag);
    ddb_keys_take_back(s->instance, &keys);
    bytebuf_release(&sql);
    arena_release(&scratch);
    return rc;
}
