/*
 * The contract suite: what engine.h promises, run over every engine. Cases that need a capability
 * are skipped for engines without it.
 */
#include "engine_fixture.h"

#include "engine/trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Engines under test ---- */

struct subject {
    const char *name;
    const char *type;
    bool on_disk;
    bool traced;
};

static const struct subject subjects[] = {
    {.name = "duckdb in memory", .type = "duckdb"},
    {.name = "duckdb on disk", .type = "duckdb", .on_disk = true},
    {.name = "blackhole", .type = "blackhole"},
    {.name = "trace of duckdb", .type = "duckdb", .traced = true},
};

struct state {
    const struct subject *subject;
    struct engine *engine;
    struct engine_session *s;
    struct engine_session *other;
    struct diag diag;
    struct arena arena;
    struct fixture_table t;
    char dir[256];
};

static void open_engine(struct state *st)
{
    const struct duckdb_config duckdb = {.path = str_from_cstr(st->dir), .threads = 2};
    const struct engine_type *type = engine_find_type(str_from_cstr(st->subject->type));
    const struct trace_config trace = {
        .inner = type, .inner_config = &duckdb, .level = LOG_LEVEL_DEBUG};
    if (st->subject->traced) {
        assert_ok(engine_open(engine_find_type(STR("trace")), &trace, &st->diag, &st->engine),
                  &st->diag);
    } else {
        assert_ok(engine_open(type, &duckdb, &st->diag, &st->engine), &st->diag);
    }
    assert_ok(engine_session_open(st->engine, &st->diag, &st->s), &st->diag);
    assert_ok(engine_session_open(st->engine, &st->diag, &st->other), &st->diag);
}

static void close_engine(struct state *st)
{
    engine_session_close(st->s);
    engine_session_close(st->other);
    engine_close(st->engine);
}

static int setup(void **arg)
{
    struct state *st = calloc(1, sizeof(*st));
    st->subject = *arg;
    diag_init(&st->diag);
    arena_init(&st->arena, 0);
    assert_ok(engine_register_all(&st->diag), &st->diag);
    if (st->subject->on_disk) {
        fixture_make_dir(st->dir, sizeof(st->dir));
    }
    open_engine(st);
    fixture_table_init(&st->t, 7);
    assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
    *arg = st;
    return 0;
}

static int teardown(void **arg)
{
    struct state *st = *arg;
    close_engine(st);
    if (st->dir[0] != '\0') {
        fixture_remove_dir(st->dir);
    }
    arena_release(&st->arena);
    diag_release(&st->diag);
    free(st);
    return 0;
}

static bool has(const struct state *st, unsigned caps)
{
    return (st->engine->ops->caps & caps) == caps;
}

/* Leaves the test unless the engine keeps rows and answers queries. */
#define NEED_ROWS(st)                                                                              \
    do {                                                                                           \
        if (!has((st), ENGINE_QUERIES)) {                                                          \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static const struct fixture_row three[] = {
    {1, 10, "one"}, {2, INT32_MIN, NULL}, {3, 30, "three, and more than twelve bytes"}};

/* ---- Registration ---- */

static void test_register_refuses_a_promise_without_callback(void **arg)
{
    struct state *st = *arg;
    const struct engine_type *good = engine_find_type(STR("blackhole"));
    struct engine_ops ops = *good->ops;
    struct engine_type bad = {.ops = &ops, .table_ops = good->table_ops};
    ops.name = "bad";
    ops.commit = NULL;
    assert_error(engine_register(&bad, &st->diag), &st->diag, ER_INTERNAL_ERROR);
    ops.commit = good->ops->commit;
    ops.caps |= ENGINE_POINT_READS;
    assert_error(engine_register(&bad, &st->diag), &st->diag, ER_INTERNAL_ERROR);
    ops.caps = good->ops->caps | ENGINE_QUERIES;
    assert_error(engine_register(&bad, &st->diag), &st->diag, ER_INTERNAL_ERROR);
    assert_null(engine_find_type(STR("bad")));
}

/* ---- Rows ---- */

static void test_rows_written_are_read_back(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
    const struct sql_type types[] = {st->t.columns[0].type, st->t.columns[1].type,
                                     st->t.columns[2].type};
    const struct engine_query q = {
        .text = STR("SELECT c1, c2, c3 FROM t7 ORDER BY c1"), .column_count = 3, .types = types};
    struct engine_cursor *c;
    struct chunk chunk;
    assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
    assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_ROW);
    assert_int_equal(chunk.nrows, 3);
    assert_int_equal(((const int64_t *)chunk.cols[0].data)[2], 3);
    assert_int_equal(((const int32_t *)chunk.cols[1].data)[0], 10);
    assert_true(vec_is_null(&chunk.cols[1], 1));
    assert_true(vec_is_null(&chunk.cols[2], 1));
    assert_true(str_eq(vec_str_get(&((const struct vec_str *)chunk.cols[2].data)[0]), STR("one")));
    assert_true(str_eq(vec_str_get(&((const struct vec_str *)chunk.cols[2].data)[2]),
                       STR("three, and more than twelve bytes")));
    assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_END);
    assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_END);
    engine_cursor_close(c);
}

static void test_many_chunks_come_back_in_order(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 300000);
    const struct engine_query q = {
        .text = STR("SELECT c1 FROM t7"), .column_count = 1, .types = &st->t.columns[0].type};
    struct engine_cursor *c;
    struct chunk chunk;
    int64_t next = 0;
    assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
    while (engine_fetch(c, &st->diag, &chunk) == ENGINE_ROW) {
        for (uint32_t i = 0; i < chunk.nrows; i++) {
            assert_int_equal(((const int64_t *)chunk.cols[0].data)[i], next++);
        }
    }
    engine_cursor_close(c);
    assert_int_equal(next, 300000);
}

static void test_a_dropped_writer_leaves_nothing(void **arg)
{
    struct state *st = *arg;
    struct engine_writer *w;
    assert_ok(engine_writer_open(st->s, &st->t.def, 0, &st->diag, &w), &st->diag);
    assert_ok(engine_writer_close(w, false, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
}

static void test_null_in_a_not_null_column_is_refused(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    st->t.columns[1].type.flags |= NOT_NULL_FLAG;
    assert_error(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag, ER_BAD_NULL_ERROR);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
}

static void test_text_that_is_not_utf8_is_refused(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    const struct fixture_row row = {1, 1, "caf\xe9"};
    assert_error(fixture_write(st->s, &st->t, &row, 1, &st->diag), &st->diag, ER_INTERNAL_ERROR);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
}

static void test_rows_are_deleted_by_rowid(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 5000);
    uint64_t deleted;
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    int64_t rowids[2] = {fixture_query_i64(st->s, "SELECT rowid FROM t7 WHERE c1 = 17"),
                         fixture_query_i64(st->s, "SELECT rowid FROM t7 WHERE c1 = 4000")};
    assert_ok(engine_delete_rows(st->s, &st->t.def, rowids, 2, &st->diag, &deleted), &st->diag);
    assert_int_equal(deleted, 2);
    rowids[0] = fixture_query_i64(st->s, "SELECT rowid FROM t7 WHERE c1 = 18");
    assert_ok(engine_delete_rows(st->s, &st->t.def, rowids, 1, &st->diag, &deleted), &st->diag);
    assert_int_equal(deleted, 1);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 4997);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 IN (17, 18, 4000)"),
                     0);
}

/* Deletes by the columns given of rows that a builder holds. */
static uint64_t delete_by_value(struct state *st, const struct chunk_builder *b,
                                const uint32_t *columns, bool whole)
{
    const struct chunk chunk = chunk_builder_chunk(b);
    const struct engine_values values = {
        .column_count = chunk.ncols, .columns = columns, .chunk_count = 1, .chunks = &chunk};
    uint64_t deleted = 0;
    assert_ok((whole ? engine_delete_images : engine_delete_keys)(st->s, &st->t.def, &values,
                                                                  &st->diag, &deleted),
              &st->diag);
    return deleted;
}

struct found {
    uint64_t rows, keys, ids;
    bool has_texts;
};

static void take_found(void *arg, const struct chunk *rows)
{
    struct found *f = arg;
    f->rows += rows->nrows;
    f->has_texts = rows->ncols == 3 && rows->cols[2].phys == VEC_STR;
    for (uint32_t i = 0; i < rows->nrows; i++) {
        f->keys += ((const uint32_t *)rows->cols[0].data)[i];
        f->ids += (uint64_t)((const int64_t *)rows->cols[1].data)[i];
    }
}

static void test_rows_are_read_by_key(void **arg)
{
    struct state *st = *arg;
    if (!has(st, ENGINE_DELETE_BY_VALUE | ENGINE_QUERIES)) {
        skip();
    }
    static const uint32_t key[] = {0};
    static const uint32_t columns[] = {0, 2};
    struct found found = {.rows = 0};
    struct chunk_builder b;
    fixture_write_range(st->s, &st->t, 0, 5000);
    chunk_builder_init(&b, &st->t.columns[0].type, 1);
    for (int64_t id = 10; id <= 10000; id *= 10) {
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, id);
    }
    const struct chunk chunk = chunk_builder_chunk(&b);
    const struct chunk twice[] = {chunk, chunk};
    const struct engine_read read = {
        .keys = {.column_count = 1, .columns = key, .chunk_count = 2, .chunks = twice},
        .column_count = 2,
        .columns = columns,
        .take = take_found,
        .arg = &found};
    assert_ok(engine_read_keys(st->s, &st->t.def, &read, &st->diag), &st->diag);
    assert_int_equal(found.rows, 6);
    assert_int_equal(found.keys, 0 + 1 + 2 + 4 + 5 + 6);
    assert_int_equal(found.ids, 2 * 1110);
    assert_true(found.has_texts);
    chunk_builder_release(&b);
}

static void test_rows_are_deleted_by_key(void **arg)
{
    struct state *st = *arg;
    if (!has(st, ENGINE_DELETE_BY_VALUE | ENGINE_QUERIES)) {
        skip();
    }
    static const uint32_t key[] = {0};
    struct chunk_builder b;
    fixture_write_range(st->s, &st->t, 0, 5000);
    chunk_builder_init(&b, &st->t.columns[0].type, 1);
    for (int64_t id = 10; id <= 10000; id *= 10) {
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, id);
    }
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(fixture_write(st->s, &st->t, &(struct fixture_row){10000, 1, "own"}, 1, &st->diag),
              &st->diag);
    assert_int_equal(delete_by_value(st, &b, key, false), 4);
    assert_int_equal(delete_by_value(st, &b, key, false), 0);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 4997);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 IN (10, 1000)"), 0);
    chunk_builder_release(&b);
}

/* Deletes by one column, of the values from, from + step, …; returns how many rows went. */
static uint64_t delete_series(struct state *st, uint32_t column, int64_t from, int64_t step,
                              uint32_t count)
{
    struct chunk_builder b;
    chunk_builder_init(&b, &st->t.columns[column].type, 1);
    for (uint32_t i = 0; i < count; i++) {
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_int(&b, 0, from + step * (int64_t)i);
    }
    const uint64_t deleted = delete_by_value(st, &b, &column, false);
    chunk_builder_release(&b);
    return deleted;
}

static void test_rows_are_deleted_by_many_keys(void **arg)
{
    struct state *st = *arg;
    if (!has(st, ENGINE_DELETE_BY_VALUE | ENGINE_QUERIES)) {
        skip();
    }
    const struct fixture_row rows[] = {{-1, INT32_MIN, "null"}, {-300, -300, "below"}};
    fixture_write_range(st->s, &st->t, 0, 5000);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(fixture_write(st->s, &st->t, rows, 2, &st->diag), &st->diag);
    /* -300, -293, …, 4593: of those below 0 one is there. */
    assert_int_equal(delete_series(st, 0, -300, 7, 700), 1 + 657);
    assert_int_equal(delete_series(st, 0, -300, 7, 700), 0);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 % 7 = 1 AND "
                                              "c1 BETWEEN 0 AND 4593"),
                     0);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 5001 - 657);
    /* A range too wide for a map, and a column that has NULLs and values several times. */
    assert_int_equal(delete_series(st, 0, 4990, INT64_C(1) << 40, 100), 1);
    const int64_t some = fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c2 < 100");
    assert_int_equal(delete_series(st, 1, 0, 1, 100), some);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c2 IS NULL"), 1);
}

static void test_keys_of_strings_are_compared_by_bytes(void **arg)
{
    struct state *st = *arg;
    if (!has(st, ENGINE_DELETE_BY_VALUE | ENGINE_QUERIES)) {
        skip();
    }
    static const uint32_t key[] = {2, 0};
    const struct sql_type types[] = {st->t.columns[2].type, st->t.columns[0].type};
    const struct fixture_row rows[] = {
        {1, 1, "a"}, {2, 1, "A"}, {3, 1, "a "}, {4, 1, "longer than twelve bytes"}};
    struct chunk_builder b;
    assert_ok(fixture_write(st->s, &st->t, rows, 4, &st->diag), &st->diag);
    chunk_builder_init(&b, types, 2);
    for (size_t i = 0; i < 4; i++) {
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_str(&b, 0, str_from_cstr(i == 3 ? rows[3].s : "a"));
        chunk_builder_set_i64(&b, 1, rows[i].id);
    }
    assert_int_equal(delete_by_value(st, &b, key, false), 2);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(c1)::BIGINT FROM t7"), 5);
    chunk_builder_release(&b);
}

static void test_whole_rows_are_deleted_one_for_one(void **arg)
{
    struct state *st = *arg;
    if (!has(st, ENGINE_DELETE_BY_VALUE | ENGINE_QUERIES)) {
        skip();
    }
    static const uint32_t all[] = {0, 1, 2};
    const struct sql_type types[] = {st->t.columns[0].type, st->t.columns[1].type,
                                     st->t.columns[2].type};
    const struct fixture_row rows[] = {{1, 5, NULL}, {1, 5, NULL},        {1, 5, NULL},
                                       {1, 5, "x"},  {2, INT32_MIN, "y"}, {2, INT32_MIN, "y"}};
    struct chunk_builder b;
    st->t.def.index_count = 0;
    assert_ok(fixture_write(st->s, &st->t, rows, 6, &st->diag), &st->diag);
    chunk_builder_init(&b, types, 3);
    for (int i = 0; i < 2; i++) {
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, 1);
        chunk_builder_set_int(&b, 1, 5);
    }
    for (int i = 0; i < 3; i++) {
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, 2);
        chunk_builder_set_str(&b, 2, STR("y"));
    }
    assert_int_equal(delete_by_value(st, &b, all, true), 4);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 = 1"), 2);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(c3) FROM t7"), 1);
    chunk_builder_release(&b);
}

/* Inserts chunks with ids from..to-1, every other one with a text. */
static int insert_range(struct state *st, int64_t from, int64_t to)
{
    struct chunk chunks[2];
    struct chunk_builder b[2];
    const struct sql_type all[] = {st->t.columns[0].type, st->t.columns[1].type,
                                   st->t.columns[2].type};
    for (int i = 0; i < 2; i++) {
        chunk_builder_init(&b[i], all, 3);
        for (int64_t id = i == 0 ? from : from + (to - from) / 2;
             id < (i == 0 ? from + (to - from) / 2 : to); id++) {
            (void)chunk_builder_add_row(&b[i]);
            chunk_builder_set_i64(&b[i], 0, id);
            if (id % 2 == 0) {
                chunk_builder_set_str(&b[i], 2, STR("more than twelve bytes"));
            }
        }
        chunks[i] = chunk_builder_chunk(&b[i]);
    }
    const int rc = engine_insert_chunks(st->s, &st->t.def, chunks, 2, &st->diag);
    chunk_builder_release(&b[0]);
    chunk_builder_release(&b[1]);
    return rc;
}

static void test_chunks_are_inserted_at_once(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(insert_range(st, 10, 3010), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 3010);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(c3) FROM t7 WHERE c1 >= 10"), 1500);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(c2) FROM t7"), 10);
    /* Their keys are known to later writers, within the transaction and after it. */
    const struct fixture_row taken = {3009, 1, "taken"};
    assert_error(fixture_write(st->s, &st->t, &taken, 1, &st->diag), &st->diag, ER_DUP_ENTRY);
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    assert_ok(insert_range(st, 3010, 3020), &st->diag);
    const struct fixture_row more[] = {{3020, 1, "new"}, {3010, 1, "taken"}};
    assert_error(fixture_write(st->s, &st->t, more, 2, &st->diag), &st->diag, ER_DUP_ENTRY);
    assert_ok(fixture_write(st->s, &st->t, more, 1, &st->diag), &st->diag);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 3021);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(c2) FROM t7"), 11);
}

static void test_chunks_that_do_not_fit_are_refused(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    st->t.columns[2].type.flags |= NOT_NULL_FLAG;
    assert_error(insert_range(st, 0, 10), &st->diag, ER_BAD_NULL_ERROR);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
    st->t.columns[2].type.flags &= (uint16_t)~NOT_NULL_FLAG;
    assert_ok(insert_range(st, 0, 10), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
}

static void test_truncate_empties_the_table(void **arg)
{
    struct state *st = *arg;
    uint64_t max;
    fixture_write_range(st->s, &st->t, 0, 5000);
    assert_ok(engine_truncate(st->s, &st->t.def, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
    assert_ok(engine_max_value(st->s, &st->t.def, 0, &st->diag, &max), &st->diag);
    assert_int_equal(max, 0);
    /* Keys that were taken are free again. */
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
}

static void test_max_value_of_a_column(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    uint64_t max;
    fixture_write_range(st->s, &st->t, -5, 5000);
    assert_ok(engine_max_value(st->s, &st->t.def, 0, &st->diag, &max), &st->diag);
    assert_int_equal(max, 4999);
}

/* ---- Transactions ---- */

static void test_rollback_takes_rows_back(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    fixture_write_range(st->s, &st->t, 10, 20);
    assert_int_equal(fixture_count(st->s, &st->t), 20);
    assert_int_equal(fixture_count(st->other, &st->t), 10);
    engine_rollback(st->s);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_NONE);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
}

static void test_rows_written_are_seen_by_the_same_transaction(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7"), 10);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_query_i64(st->other, "SELECT count(*) FROM t7"), 10);
}

static void test_a_snapshot_does_not_move(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->other, ENGINE_READ_ONLY | ENGINE_SNAPSHOT, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 10, 20);
    assert_int_equal(fixture_count(st->other, &st->t), 10);
    assert_ok(engine_commit(st->other, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->other, &st->t), 20);
}

static void test_a_read_only_transaction_refuses_writes(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    assert_ok(engine_begin(st->s, ENGINE_READ_ONLY, &st->diag), &st->diag);
    assert_error(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag,
                 ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    engine_rollback(st->s);
}

static void test_a_writer_dropped_in_a_transaction_keeps_what_was_before(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 3000);
    /* A duplicate in the middle of many rows: the statement fails, the transaction goes on. */
    struct fixture_row *rows = calloc(5000, sizeof(*rows));
    for (int i = 0; i < 5000; i++) {
        rows[i] = (struct fixture_row){.id = 10000 + (i == 4500 ? 7 : i), .n = i};
    }
    assert_error(fixture_write(st->s, &st->t, rows, 5000, &st->diag), &st->diag, ER_DUP_ENTRY);
    free(rows);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    assert_int_equal(fixture_count(st->s, &st->t), 3000);
    fixture_write_range(st->s, &st->t, 3000, 3010);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 3010);
    assert_int_equal(fixture_query_i64(st->s, "SELECT max(c1) FROM t7"), 3009);
}

/* ---- Savepoints ---- */

#define NEED_SAVEPOINTS(st)                                                                        \
    do {                                                                                           \
        if (!has((st), ENGINE_SAVEPOINTS)) {                                                       \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* An error that the engine meets while it computes, which aborts DuckDB's transactions. */
static void fail_at_run_time(struct state *st)
{
    int64_t n;
    assert_error(
        fixture_try_query_i64(
            st->s,
            "SELECT 9223372036854775807::BIGINT + x FROM (SELECT unnest([1::BIGINT, 2]) AS x)",
            &st->diag, &n),
        &st->diag, ER_DATA_OUT_OF_RANGE);
}

static void delete_id(struct state *st, int64_t id)
{
    char sql[80];
    uint64_t deleted;
    snprintf(sql, sizeof(sql), "SELECT rowid FROM t7 WHERE c1 = %ld", (long)id);
    const int64_t rowid = fixture_query_i64(st->s, sql);
    assert_ok(engine_delete_rows(st->s, &st->t.def, &rowid, 1, &st->diag, &deleted), &st->diag);
    assert_int_equal(deleted, 1);
}

static void test_rollback_to_undoes_what_came_after(void **arg)
{
    struct state *st = *arg;
    NEED_SAVEPOINTS(st);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    assert_int_equal(engine_savepoint(st->s), 0);
    fixture_write_range(st->s, &st->t, 10, 20);
    delete_id(st, 5);
    delete_id(st, 15);
    const uint64_t savepoint = engine_savepoint(st->s);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(c1)::BIGINT FROM t7"), 170);
    assert_int_equal(engine_savepoint(st->s), savepoint);
    fixture_write_range(st->s, &st->t, 20, 30);
    delete_id(st, 6);
    delete_id(st, 16);
    assert_ok(engine_rollback_to(st->s, savepoint, &st->diag), &st->diag);
    assert_int_equal(engine_savepoint(st->s), savepoint);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(c1)::BIGINT FROM t7"), 170);
    fixture_write_range(st->s, &st->t, 30, 31);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_query_i64(st->other, "SELECT sum(c1)::BIGINT FROM t7"), 200);
}

static void test_rollback_to_the_beginning(void **arg)
{
    struct state *st = *arg;
    NEED_SAVEPOINTS(st);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 10, 20);
    assert_ok(engine_rollback_to(st->s, 0, &st->diag), &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
    fixture_write_range(st->s, &st->t, 20, 22);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->other, &st->t), 12);
}

static void test_an_error_can_be_undone_alone(void **arg)
{
    struct state *st = *arg;
    NEED_SAVEPOINTS(st);
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 5000);
    const uint64_t savepoint = engine_savepoint(st->s);
    fail_at_run_time(st);
    assert_ok(engine_rollback_to(st->s, savepoint, &st->diag), &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    assert_int_equal(fixture_count(st->s, &st->t), 5000);
    assert_int_equal(fixture_count(st->other, &st->t), 0);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->other, &st->t), 5000);
}

#define MODEL_IDS   3000
#define MODEL_STEPS 60

/* What a table should hold: n of each id, or -1. */
struct model {
    int32_t n[MODEL_IDS];
    uint64_t savepoint;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Writes rows of random ids, many of which are there already. */
static void write_random(struct state *st, struct model *m, unsigned flags, uint32_t *seed)
{
    const uint32_t count = 1 + next_random(seed) % 2500;
    struct fixture_row *rows = calloc(count, sizeof(*rows));
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = (struct fixture_row){.id = next_random(seed) % MODEL_IDS,
                                       .n = (int32_t)(next_random(seed) % 1000),
                                       .s = i % 3 ? "a text of more than twelve bytes" : NULL};
        int32_t *n = &m->n[rows[i].id];
        *n = *n < 0 || (flags & ENGINE_WRITE_REPLACE) != 0 ? rows[i].n : *n;
    }
    assert_ok(fixture_write_flags(st->s, &st->t, rows, count, flags, NULL, &st->diag), &st->diag);
    free(rows);
}

/* A bulk of rows of which one is a duplicate: refused, and all others with it. */
static void write_in_vain(struct state *st, const struct model *m)
{
    int64_t taken = 0;
    while (taken < MODEL_IDS && m->n[taken] < 0) {
        taken++;
    }
    if (taken == MODEL_IDS) {
        return;
    }
    struct fixture_row *rows = calloc(3000, sizeof(*rows));
    for (int i = 0; i < 3000; i++) {
        rows[i] = (struct fixture_row){.id = i == 2900 ? taken : MODEL_IDS + i, .n = 1};
    }
    assert_error(fixture_write(st->s, &st->t, rows, 3000, &st->diag), &st->diag, ER_DUP_ENTRY);
    free(rows);
}

static void delete_random(struct state *st, struct model *m, uint32_t *seed)
{
    for (int i = 0; i < 5; i++) {
        const uint32_t id = next_random(seed) % MODEL_IDS;
        if (m->n[id] >= 0) {
            delete_id(st, id);
            m->n[id] = -1;
        }
    }
}

static void compare_with_model(struct state *st, const struct model *m)
{
    int64_t count = 0;
    int64_t sum = 0;
    for (int64_t i = 0; i < MODEL_IDS; i++) {
        count += m->n[i] >= 0;
        sum += m->n[i] >= 0 ? m->n[i] * (i + 1) : 0;
    }
    assert_int_equal(fixture_count(st->s, &st->t), count);
    assert_int_equal(
        fixture_query_i64(st->s, "SELECT coalesce(sum(c2 * (c1 + 1)), 0)::BIGINT FROM t7"), sum);
}

static void take_random_step(struct state *st, struct model *m, uint32_t *seed)
{
    switch (next_random(seed) % 5) {
    case 0:
        write_random(st, m, ENGINE_WRITE_REPLACE, seed);
        break;
    case 1:
        write_random(st, m, ENGINE_WRITE_SKIP_DUPLICATES, seed);
        break;
    case 2:
        write_in_vain(st, m);
        break;
    default:
        delete_random(st, m, seed);
        break;
    }
    m->savepoint = engine_savepoint(st->s);
}

/* Random writes and returns to random savepoints, also after errors: what is there is always what a
 * model says. */
static void test_savepoints_at_random(void **arg)
{
    struct state *st = *arg;
    NEED_SAVEPOINTS(st);
    uint32_t seed = 4711;
    struct model *steps = calloc(MODEL_STEPS + 1, sizeof(*steps));
    memset(steps[0].n, 0xff, sizeof(steps[0].n));
    write_random(st, &steps[0], ENGINE_WRITE_REPLACE, &seed);
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    uint32_t at = 0;
    for (int i = 0; i < MODEL_STEPS; i++) {
        steps[at + 1] = steps[at];
        at++;
        take_random_step(st, &steps[at], &seed);
        const uint32_t choice = next_random(&seed) % 6;
        if (choice < 2) {
            at = choice == 0 ? at : next_random(&seed) % (at + 1);
            if (next_random(&seed) % 2 == 0) {
                fail_at_run_time(st);
            }
            assert_ok(engine_rollback_to(st->s, steps[at].savepoint, &st->diag), &st->diag);
        }
        compare_with_model(st, &steps[at]);
    }
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    compare_with_model(st, &steps[at]);
    free(steps);
}

/* ---- Keys ---- */

static void test_a_duplicate_key_is_refused_with_its_text(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    const struct fixture_row again = {2, 5, "x"};
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
    assert_int_equal(fixture_write(st->s, &st->t, &again, 1, &st->diag), -1);
    assert_int_equal(st->diag.error->code, ER_DUP_ENTRY);
    assert_true(str_eq(st->diag.error->message, STR("Duplicate entry '2' for key 't.PRIMARY'")));
    diag_reset(&st->diag);
    assert_int_equal(fixture_write_flags(st->s, &st->t, &again, 1, ENGINE_WRITE_SHORT_KEY_NAMES,
                                         NULL, &st->diag),
                     -1);
    assert_true(str_eq(st->diag.error->message, STR("Duplicate entry '2' for key 'PRIMARY'")));
    assert_int_equal(fixture_count(st->s, &st->t), 3);
}

static void test_a_duplicate_within_one_lot_is_refused(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    const struct fixture_row twice[] = {{5, 1, NULL}, {4, 2, NULL}, {5, 3, NULL}};
    assert_error(fixture_write(st->s, &st->t, twice, 3, &st->diag), &st->diag, ER_DUP_ENTRY);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
}

static void test_a_duplicate_in_a_bulk_load_is_refused(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    enum {
        COUNT = 250000
    };
    struct fixture_row *rows = calloc(COUNT, sizeof(*rows));
    fixture_write_range(st->s, &st->t, 1000, 1010);
    for (int i = 0; i < COUNT; i++) {
        rows[i] = (struct fixture_row){.id = 2000000 - i, .n = i};
    }
    assert_ok(fixture_write(st->s, &st->t, rows, COUNT, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), COUNT + 10);
    for (int i = 0; i < COUNT; i++) {
        rows[i].id -= COUNT;
    }
    rows[COUNT / 2].id = 1005; /* An old row. */
    assert_error(fixture_write(st->s, &st->t, rows, COUNT, &st->diag), &st->diag, ER_DUP_ENTRY);
    rows[COUNT / 2].id = rows[COUNT / 3].id; /* A row of the same load. */
    assert_error(fixture_write(st->s, &st->t, rows, COUNT, &st->diag), &st->diag, ER_DUP_ENTRY);
    assert_int_equal(fixture_count(st->s, &st->t), COUNT + 10);
    free(rows);
}

static void test_nulls_are_never_duplicates(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_add_unique(&st->t, "n", 1, 2);
    const struct fixture_row rows[] = {
        {1, 1, NULL}, {2, 1, NULL}, {3, INT32_MIN, "x"}, {4, INT32_MIN, "x"}, {5, 1, "x"}};
    const struct fixture_row again = {6, 1, "x"};
    assert_ok(fixture_write(st->s, &st->t, rows, 5, &st->diag), &st->diag);
    assert_int_equal(fixture_write(st->s, &st->t, &again, 1, &st->diag), -1);
    assert_true(str_eq(st->diag.error->message, STR("Duplicate entry '1-x' for key 't.n'")));
}

static void test_duplicates_are_skipped_when_asked(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    struct engine_write_stats stats;
    const struct fixture_row rows[] = {
        {2, 100, NULL}, {5, 101, NULL}, {4, 102, NULL}, {5, 103, NULL}, {3, 104, NULL}};
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
    assert_ok(fixture_write_flags(st->s, &st->t, rows, 5, ENGINE_WRITE_SKIP_DUPLICATES, &stats,
                                  &st->diag),
              &st->diag);
    assert_int_equal(stats.skipped, 3);
    assert_int_equal(st->diag.warning_count, 3);
    assert_int_equal(st->diag.first->code, ER_DUP_ENTRY);
    assert_non_null(strstr(st->diag.first->message.p, "Duplicate entry '2' for key"));
    assert_non_null(strstr(st->diag.last->message.p, "Duplicate entry '3' for key"));
    assert_int_equal(fixture_count(st->s, &st->t), 5);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(c2)::BIGINT FROM t7"),
                     10 + 30 + 101 + 102);
    const struct fixture_row ascending[] = {{10, 1, NULL}, {11, 1, NULL}};
    assert_ok(fixture_write_flags(st->s, &st->t, ascending, 2, ENGINE_WRITE_SKIP_DUPLICATES, &stats,
                                  &st->diag),
              &st->diag);
    assert_int_equal(stats.skipped, 0);
}

/* Only the first of very many are named. */
static void test_skipped_duplicates_are_counted(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    struct engine_write_stats stats;
    struct fixture_row *rows = calloc(5000, sizeof(*rows));
    for (int i = 0; i < 5000; i++) {
        rows[i] = (struct fixture_row){.id = 4999 - i, .n = 2000};
    }
    fixture_write_range(st->s, &st->t, 0, 4000);
    st->diag.max_kept = 10;
    assert_ok(fixture_write_flags(st->s, &st->t, rows, 5000, ENGINE_WRITE_SKIP_DUPLICATES, &stats,
                                  &st->diag),
              &st->diag);
    free(rows);
    assert_int_equal(stats.skipped, 4000);
    assert_int_equal(st->diag.warning_count, 4000);
    assert_non_null(strstr(st->diag.first->message.p, "Duplicate entry '3999' for key"));
    assert_non_null(strstr(st->diag.last->message.p, "Duplicate entry '3990' for key"));
    assert_int_equal(fixture_count(st->s, &st->t), 5000);
}

/* What is skipped depends on what was skipped before: with two keys, row (22, 1) would lose its id
 * to row (21, 1) alone. */
static void test_skipping_goes_in_the_order_of_the_rows(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    struct engine_write_stats stats;
    fixture_add_unique(&st->t, "n", 1, -1);
    const struct fixture_row rows[] = {{20, 1, "stays"},
                                       {22, 1, "goes by n"},
                                       {22, 3, "stays"},
                                       {21, 3, "goes by n"},
                                       {21, 4, "stays"},
                                       {20, 9, "goes by id"},
                                       {23, 9, "stays"},
                                       {1, 50, "goes by an old id"},
                                       {24, 10, "goes by an old n"}};
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
    assert_ok(fixture_write_flags(st->s, &st->t, rows, 9, ENGINE_WRITE_SKIP_DUPLICATES, &stats,
                                  &st->diag),
              &st->diag);
    assert_int_equal(stats.skipped, 5);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c3 = 'stays'"), 4);
    assert_int_equal(fixture_count(st->s, &st->t), 7);
}

static void test_duplicates_are_replaced_when_asked(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    struct engine_write_stats stats;
    fixture_add_unique(&st->t, "n", 1, -1);
    /* The first takes row 2's id, the second the first's n, the third the ids of nobody but row 1's
     * n, the fourth the second's id. */
    const struct fixture_row rows[] = {{2, 100, "a"}, {5, 100, "b"}, {4, 10, "c"}, {5, 103, "d"}};
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(fixture_write_flags(st->s, &st->t, rows, 4, ENGINE_WRITE_REPLACE, &stats, &st->diag),
              &st->diag);
    assert_int_equal(stats.deleted, 4);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 3);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c3 IN ('c', 'd')"), 2);
}

static void test_text_keys_are_compared_under_their_collation(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    static const struct {
        uint16_t collation;
        uint32_t prefix;
        const char *stored;
        const char *equal;
        const char *other;
    } cases_[] = {
        {COLLATION_UTF8MB4_0900_AI_CI, 0, "R\xc3\xa9sum\xc3\xa9 of everything",
         "RESUME OF EVERYTHING", "resume"},
        {COLLATION_UTF8MB4_0900_AI_CI, 3, "ab\xc3\xa9 and more", "ABEND", "abacus"},
        {COLLATION_UTF8MB4_GENERAL_CI, 0, "padded", "PADDED   ", " padded"},
        {COLLATION_UTF8MB4_BIN, 0, "case", "case ", "Case"},
        {COLLATION_UTF8MB4_0900_BIN, 0, "case", "case", "case "},
        {COLLATION_UTF8MB4_0900_BIN, 4, "case", "cases", "cat"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases_); i++) {
        struct fixture_table u;
        fixture_table_init(&u, 100 + i);
        u.columns[2].type.collation = cases_[i].collation;
        fixture_add_unique(&u, "s", 2, -1);
        u.index_columns[1][0].prefix_len = cases_[i].prefix;
        assert_ok(engine_create_table(st->s, &u.def, &st->diag), &st->diag);
        struct fixture_row rows[] = {{1, 1, cases_[i].stored}, {2, 2, cases_[i].other}};
        assert_ok(fixture_write(st->s, &u, rows, 2, &st->diag), &st->diag);
        const struct fixture_row equal = {3, 3, cases_[i].equal};
        assert_error(fixture_write(st->s, &u, &equal, 1, &st->diag), &st->diag, ER_DUP_ENTRY);
        /* In bulk too. */
        enum {
            COUNT = 3000
        };
        static char texts[COUNT][32];
        static struct fixture_row many[COUNT];
        for (int r = 0; r < COUNT; r++) {
            snprintf(texts[r], sizeof(texts[r]), "%d", r);
            many[r] = (struct fixture_row){.id = 10 + r, .n = r, .s = texts[r]};
        }
        many[COUNT - 5].s = cases_[i].equal;
        const struct fixture_table *table = cases_[i].prefix ? NULL : &u;
        if (table != NULL) {
            assert_error(fixture_write(st->s, table, many, COUNT, &st->diag), &st->diag,
                         ER_DUP_ENTRY);
            many[COUNT - 5].s = "free";
            assert_ok(fixture_write(st->s, table, many, COUNT, &st->diag), &st->diag);
        }
    }
}

static void test_find_conflicts_names_rows_and_indexes(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_add_unique(&st->t, "s", 2, -1);
    assert_ok(fixture_write(st->s, &st->t, three, 3, &st->diag), &st->diag);
    const int64_t rowid_of_1 = fixture_query_i64(st->s, "SELECT rowid FROM t7 WHERE c1 = 1");
    const int64_t rowid_of_3 = fixture_query_i64(st->s, "SELECT rowid FROM t7 WHERE c1 = 3");
    struct sql_type types[3] = {st->t.columns[0].type, st->t.columns[1].type,
                                st->t.columns[2].type};
    struct chunk_builder b;
    struct engine_conflict *found;
    uint32_t count;
    chunk_builder_init(&b, types, 3);
    static const struct fixture_row rows[] = {
        {9, 0, "new"}, {1, 0, "three, and more than twelve bytes"}, {8, 0, "new"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, rows[i].id);
        chunk_builder_set_str(&b, 2, str_from_cstr(rows[i].s));
    }
    const struct chunk chunk = chunk_builder_chunk(&b);
    assert_ok(engine_find_conflicts(st->s, &st->t.def, &chunk, NULL, 0, &st->arena, &st->diag,
                                    &found, &count),
              &st->diag);
    assert_int_equal(count, 3);
    assert_int_equal(found[0].row, 1);
    assert_int_equal(found[0].index, 0);
    assert_int_equal(found[0].rowid, rowid_of_1);
    assert_int_equal(found[1].row, 1);
    assert_int_equal(found[1].index, 1);
    assert_int_equal(found[1].rowid, rowid_of_3);
    assert_int_equal(found[2].row, 2);
    assert_int_equal(found[2].rowid, -1);
    assert_int_equal(found[2].other, 0);
    const int64_t ignore[] = {rowid_of_1, rowid_of_3};
    assert_ok(engine_find_conflicts(st->s, &st->t.def, &chunk, ignore, 2, &st->arena, &st->diag,
                                    &found, &count),
              &st->diag);
    assert_int_equal(count, 1);
    chunk_builder_release(&b);
}

/* ---- Queries ---- */

static void test_a_cursor_can_be_closed_early(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 300000);
    const struct engine_query q = {
        .text = STR("SELECT c1 FROM t7"), .column_count = 1, .types = &st->t.columns[0].type};
    for (int i = 0; i < 3; i++) {
        struct engine_cursor *c;
        struct chunk chunk;
        assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
        if (i > 0) {
            assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_ROW);
        }
        engine_cursor_close(c);
    }
    assert_int_equal(fixture_count(st->s, &st->t), 300000);
}

static void test_writing_beside_an_open_cursor_of_the_same_session(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 300000);
    const struct engine_query q = {
        .text = STR("SELECT c1 FROM t7"), .column_count = 1, .types = &st->t.columns[0].type};
    struct engine_cursor *c;
    struct chunk chunk;
    int64_t rows = 0;
    assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
    assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_ROW);
    rows += chunk.nrows;
    fixture_write_range(st->s, &st->t, 300000, 310000);
    while (engine_fetch(c, &st->diag, &chunk) == ENGINE_ROW) {
        rows += chunk.nrows;
    }
    engine_cursor_close(c);
    assert_int_equal(rows, 300000);
    assert_int_equal(fixture_count(st->s, &st->t), 310000);
}

static void test_a_query_with_an_error_leaves_the_session_usable(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    int64_t n;
    assert_int_equal(
        fixture_try_query_i64(
            st->s,
            "SELECT 9223372036854775807::BIGINT + c1 FROM (SELECT unnest([1::BIGINT, 2]) AS c1)",
            &st->diag, &n),
        -1);
    assert_int_equal(st->diag.error->code, ER_DATA_OUT_OF_RANGE);
    diag_reset(&st->diag);
    assert_error(fixture_try_query_i64(st->s, "SELECT nonsense", &st->diag, &n), &st->diag,
                 ER_INTERNAL_ERROR);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
}

static void test_explain_gives_text(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    const struct engine_query q = {
        .text = STR("SELECT c1 FROM t7"), .column_count = 1, .types = &st->t.columns[0].type};
    struct str text;
    assert_ok(engine_explain(st->s, &q, false, &st->arena, &st->diag, &text), &st->diag);
    assert_non_null(memmem(text.p, text.len, "SEQ_SCAN", 8));
}

/* ---- Definitions ---- */

static void test_ddl_is_rolled_back(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    struct fixture_table u;
    fixture_table_init(&u, 8);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(engine_create_table(st->s, &u.def, &st->diag), &st->diag);
    fixture_write_range(st->s, &u, 0, 10);
    assert_ok(engine_drop_table(st->s, &st->t.def, &st->diag), &st->diag);
    engine_rollback(st->s);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
    assert_ok(engine_create_table(st->s, &u.def, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &u), 0);
}

static void test_alter_adds_drops_and_converts_columns(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    struct fixture_table to = st->t;
    fixture_write_range(st->s, &st->t, 0, 3000);
    /* (id, n, s) becomes (added NOT NULL, id, n BIGINT): s dropped. */
    to.def.columns = to.columns;
    to.def.indexes = to.indexes;
    to.columns[1].type.type = MYSQL_TYPE_LONGLONG;
    to.columns[2] = to.columns[1];
    to.columns[1] = to.columns[0];
    to.columns[0] = (struct column_def){.id = to.def.next_column_id++,
                                        .name = STR("added"),
                                        .type = {.type = MYSQL_TYPE_VARCHAR,
                                                 .length = 10,
                                                 .flags = NOT_NULL_FLAG,
                                                 .collation = COLLATION_UTF8MB4_0900_BIN}};
    to.index_columns[0][0].column = 1;
    to.indexes[0].columns = to.index_columns[0];
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(engine_alter_table(st->s, &st->t.def, &to.def, STR_NULL, &st->diag), &st->diag);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(c2)::BIGINT FROM t7"), 3 * 499500);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c4 = ''"), 3000);
    /* New values behind the others. */
    struct fixture_table more = to;
    more.def.columns = more.columns;
    more.def.indexes = more.indexes;
    more.def.column_count = 2;
    const uint32_t d =
        fixture_add_column(&more, "d", MYSQL_TYPE_NEWDECIMAL, 10, 2, 0, COLLATION_BINARY);
    more.columns[d].default_kind = DEFAULT_VALUE;
    more.columns[d].default_value = value_int(7);
    fixture_add_column(&more, "e", MYSQL_TYPE_DATETIME, 19, 0, NOT_NULL_FLAG, COLLATION_BINARY);
    assert_ok(engine_alter_table(st->s, &to.def, &more.def, STR_NULL, &st->diag), &st->diag);
    assert_int_equal(
        fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c5 = 7.00 AND c6 < '0001-01-01'"),
        3000);
    /* What can be changed in place: NULLs added, columns dropped. */
    struct fixture_table last = more;
    last.def.columns = last.columns;
    last.def.indexes = last.indexes;
    last.def.column_count = 3;
    fixture_add_column(&last, "f", MYSQL_TYPE_JSON, 0, 0, 0, COLLATION_BINARY);
    fixture_add_column(&last, "g", MYSQL_TYPE_LONG, 11, 0, 0, COLLATION_BINARY);
    assert_ok(engine_alter_table(st->s, &more.def, &last.def, STR_NULL, &st->diag), &st->diag);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM pragma_table_info('t7')"), 5);
    assert_int_equal(
        fixture_query_i64(st->s,
                          "SELECT count(*) FROM t7 WHERE c5 = 7.00 AND c7 IS NULL AND c8 IS NULL"),
        3000);
}

static void test_alter_by_a_rewrite_query(void **arg)
{
    struct state *st = *arg;
    NEED_ROWS(st);
    fixture_write_range(st->s, &st->t, 0, 3000);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(engine_alter_table(st->s, &st->t.def, &st->t.def,
                                 STR("SELECT c1 + 1, c2, c3 FROM t7"), &st->diag),
              &st->diag);
    /* The table takes rows in the same transaction, and loses them alone. */
    fixture_write_range(st->s, &st->t, 5000, 5010);
    const struct fixture_row taken = {3000, 1, NULL};
    assert_error(fixture_write(st->s, &st->t, &taken, 1, &st->diag), &st->diag, ER_DUP_ENTRY);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_query_i64(st->s, "SELECT min(c1) FROM t7"), 1);
    assert_int_equal(fixture_count(st->s, &st->t), 3010);
}

/* ---- Records ---- */

struct records {
    uint32_t count;
    uint64_t ids[8];
    char text[8][64];
};

static int collect(void *arg, uint64_t id, struct str value)
{
    struct records *r = arg;
    r->ids[r->count] = id;
    snprintf(r->text[r->count++], sizeof(r->text[0]), "%.*s", STR_FMT(value));
    return 0;
}

static int stop_at_once(void *arg, uint64_t id, struct str value)
{
    (void)id, (void)value;
    ++*(int *)arg;
    return 1;
}

static void test_records_are_replaced_and_deleted(void **arg)
{
    struct state *st = *arg;
    if (!has(st, ENGINE_PERSISTENT)) {
        skip();
    }
    struct records r = {.count = 0};
    assert_ok(engine_meta_put(st->s, STR("table"), 2, STR("two"), &st->diag), &st->diag);
    assert_ok(engine_meta_put(st->s, STR("table"), 1, STR("one"), &st->diag), &st->diag);
    assert_ok(engine_meta_put(st->s, STR("table"), 2, STR("it's two"), &st->diag), &st->diag);
    assert_ok(engine_meta_put(st->s, STR("database"), 1, STR("d"), &st->diag), &st->diag);
    assert_ok(engine_meta_scan(st->s, STR("table"), collect, &r, &st->diag), &st->diag);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.ids[0], 1);
    assert_string_equal(r.text[1], "it's two");
    int calls = 0;
    assert_ok(engine_meta_scan(st->s, STR("table"), stop_at_once, &calls, &st->diag), &st->diag);
    assert_int_equal(calls, 1);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(engine_meta_put(st->s, STR("table"), 1, STR_NULL, &st->diag), &st->diag);
    engine_rollback(st->s);
    r.count = 0;
    assert_ok(engine_meta_scan(st->s, STR("table"), collect, &r, &st->diag), &st->diag);
    assert_int_equal(r.count, 2);
    assert_ok(engine_meta_put(st->s, STR("table"), 1, STR_NULL, &st->diag), &st->diag);
    r.count = 0;
    assert_ok(engine_meta_scan(st->s, STR("table"), collect, &r, &st->diag), &st->diag);
    assert_int_equal(r.count, 1);
}

static void test_everything_survives_closing_and_opening(void **arg)
{
    struct state *st = *arg;
    if (!st->subject->on_disk) {
        skip();
    }
    struct records r = {.count = 0};
    fixture_write_range(st->s, &st->t, 0, 5000);
    assert_ok(engine_meta_put(st->s, STR("table"), 7, STR("t"), &st->diag), &st->diag);
    close_engine(st);
    open_engine(st);
    assert_int_equal(fixture_count(st->s, &st->t), 5000);
    assert_ok(engine_meta_scan(st->s, STR("table"), collect, &r, &st->diag), &st->diag);
    assert_int_equal(r.count, 1);
    /* Keys are still known to be taken. */
    const struct fixture_row taken = {4999, 1, NULL};
    assert_error(fixture_write(st->s, &st->t, &taken, 1, &st->diag), &st->diag, ER_DUP_ENTRY);
}

/* ---- Variables ---- */

static void test_an_unknown_variable_is_refused(void **arg)
{
    struct state *st = *arg;
    assert_error(engine_set_variable(st->engine, STR("no_such_thing"), STR("1"), &st->diag),
                 &st->diag, ER_UNKNOWN_SYSTEM_VARIABLE);
}

static void test_statistics_have_names_and_values(void **arg)
{
    struct state *st = *arg;
    struct engine_stat *stats;
    const uint32_t count = engine_statistics(st->engine, &st->arena, &stats);
    assert_true(count > 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(stats[i].name.len > 0);
        assert_non_null(stats[i].value.p);
    }
}

/* ---- Running all cases over all engines ---- */

struct test_case {
    const char *name;
    CMUnitTestFunction run;
};

#define CASE(fn) {.name = #fn, .run = fn}

static const struct test_case cases[] = {
    CASE(test_register_refuses_a_promise_without_callback),
    CASE(test_rows_written_are_read_back),
    CASE(test_many_chunks_come_back_in_order),
    CASE(test_a_dropped_writer_leaves_nothing),
    CASE(test_null_in_a_not_null_column_is_refused),
    CASE(test_text_that_is_not_utf8_is_refused),
    CASE(test_rows_are_deleted_by_rowid),
    CASE(test_rows_are_read_by_key),
    CASE(test_rows_are_deleted_by_key),
    CASE(test_chunks_are_inserted_at_once),
    CASE(test_chunks_that_do_not_fit_are_refused),
    CASE(test_rows_are_deleted_by_many_keys),
    CASE(test_keys_of_strings_are_compared_by_bytes),
    CASE(test_whole_rows_are_deleted_one_for_one),
    CASE(test_truncate_empties_the_table),
    CASE(test_max_value_of_a_column),
    CASE(test_rollback_takes_rows_back),
    CASE(test_rows_written_are_seen_by_the_same_transaction),
    CASE(test_a_snapshot_does_not_move),
    CASE(test_a_read_only_transaction_refuses_writes),
    CASE(test_a_writer_dropped_in_a_transaction_keeps_what_was_before),
    CASE(test_rollback_to_undoes_what_came_after),
    CASE(test_rollback_to_the_beginning),
    CASE(test_an_error_can_be_undone_alone),
    CASE(test_savepoints_at_random),
    CASE(test_a_duplicate_key_is_refused_with_its_text),
    CASE(test_a_duplicate_within_one_lot_is_refused),
    CASE(test_a_duplicate_in_a_bulk_load_is_refused),
    CASE(test_nulls_are_never_duplicates),
    CASE(test_duplicates_are_skipped_when_asked),
    CASE(test_skipped_duplicates_are_counted),
    CASE(test_skipping_goes_in_the_order_of_the_rows),
    CASE(test_duplicates_are_replaced_when_asked),
    CASE(test_text_keys_are_compared_under_their_collation),
    CASE(test_find_conflicts_names_rows_and_indexes),
    CASE(test_a_cursor_can_be_closed_early),
    CASE(test_writing_beside_an_open_cursor_of_the_same_session),
    CASE(test_a_query_with_an_error_leaves_the_session_usable),
    CASE(test_explain_gives_text),
    CASE(test_ddl_is_rolled_back),
    CASE(test_alter_adds_drops_and_converts_columns),
    CASE(test_alter_by_a_rewrite_query),
    CASE(test_records_are_replaced_and_deleted),
    CASE(test_everything_survives_closing_and_opening),
    CASE(test_an_unknown_variable_is_refused),
    CASE(test_statistics_have_names_and_values),
};

int main(void)
{
    static struct CMUnitTest tests[ARRAY_SIZE(subjects) * ARRAY_SIZE(cases)];
    static char names[ARRAY_SIZE(tests)][160];
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
        const struct subject *subject = &subjects[i / ARRAY_SIZE(cases)];
        const struct test_case *c = &cases[i % ARRAY_SIZE(cases)];
        snprintf(names[i], sizeof(names[i]), "%s: %s", subject->name, c->name);
        tests[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = c->run,
                                       .setup_func = setup,
                                       .teardown_func = teardown,
                                       .initial_state = (void *)(uintptr_t)subject};
    }
    return cmocka_run_group_tests_name("engine contract", tests, NULL, NULL);
}
