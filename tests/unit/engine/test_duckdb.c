/*
 * What is DuckDB's own: aborted transactions, appenders and rollback, interruption, limits of
 * memory and disk, crashes, reopening, the data directory, and every column type. Faults are made
 * in child processes where they would disturb the test itself.
 */
#include "engine_fixture.h"

#include "base/clock.h"
#include "engine/duckdb/duckdb_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct state {
    struct duckdb_config config;
    struct engine *engine;
    struct engine_session *s;
    struct engine_session *other;
    struct diag diag;
    struct fixture_table t;
    char dir[256];
    const char *crash_point; /* Where the child dies. */
};

static void open_state(struct state *st)
{
    diag_init(&st->diag);
    st->config.path = str_from_cstr(st->dir);
    st->config.threads = 2;
    assert_ok(engine_open(&duckdb_engine, &st->config, &st->diag, &st->engine), &st->diag);
    assert_ok(engine_session_open(st->engine, &st->diag, &st->s), &st->diag);
    assert_ok(engine_session_open(st->engine, &st->diag, &st->other), &st->diag);
    fixture_table_init(&st->t, 7);
}

static void close_state(struct state *st)
{
    engine_session_close(st->s);
    engine_session_close(st->other);
    engine_close(st->engine);
    diag_release(&st->diag);
}

/* In memory, with the default table. */
static int setup(void **arg)
{
    struct state *st = calloc(1, sizeof(*st));
    open_state(st);
    assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
    *arg = st;
    return 0;
}

/* A directory, nothing opened. */
static int setup_dir(void **arg)
{
    struct state *st = calloc(1, sizeof(*st));
    fixture_make_dir(st->dir, sizeof(st->dir));
    *arg = st;
    return 0;
}

static int teardown(void **arg)
{
    struct state *st = *arg;
    close_state(st);
    free(st);
    return 0;
}

static int teardown_dir(void **arg)
{
    struct state *st = *arg;
    fixture_remove_dir(st->dir);
    free(st);
    return 0;
}

/* A query that fails while it runs, not when it is bound. */
static const char failing_query[] =
    "SELECT 9223372036854775807::BIGINT + c1 FROM (SELECT unnest([1::BIGINT, 2]) AS c1)";

static void fail_once(struct engine_session *s, struct diag *diag)
{
    int64_t n;
    assert_error(fixture_try_query_i64(s, failing_query, diag, &n), diag, ER_DATA_OUT_OF_RANGE);
}

/* ---- Transactions ---- */

static void test_an_error_after_writing_aborts_the_transaction(void **arg)
{
    struct state *st = *arg;
    const struct fixture_row row = {100, 1, NULL};
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 10);
    fail_once(st->s, &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_ABORTED);
    assert_error(fixture_write(st->s, &st->t, &row, 1, &st->diag), &st->diag, ER_LOCK_DEADLOCK);
    assert_error(engine_commit(st->s, &st->diag), &st->diag, ER_LOCK_DEADLOCK);
    engine_rollback(st->s);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
    /* The writer's place is free for others. */
    fixture_write_range(st->other, &st->t, 0, 10);
}

/* Rows of a long text each, `mebibytes` in all. */
static void write_much(struct state *st, int64_t from, int mebibytes)
{
    const size_t size = 1u << 20;
    char *text = malloc(size);
    memset(text, 'x', size - 1);
    text[size - 1] = '\0';
    for (int i = 0; i < mebibytes; i++) {
        const struct fixture_row row = {from + i, 1, text};
        assert_ok(fixture_write(st->s, &st->t, &row, 1, &st->diag), &st->diag);
    }
    free(text);
}

static void test_what_is_too_much_to_keep_is_undone_as_a_whole(void **arg)
{
    struct state *st = *arg;
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    write_much(st, 0, 20);
    uint64_t savepoint = engine_savepoint(st->s);
    fail_once(st->s, &st->diag);
    assert_ok(engine_rollback_to(st->s, savepoint, &st->diag), &st->diag);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(length(c3))::BIGINT FROM t7"),
                     20 * ((1 << 20) - 1));
    write_much(st, 100, 60);
    savepoint = engine_savepoint(st->s);
    assert_ok(engine_rollback_to(st->s, savepoint, &st->diag), &st->diag); /* It is there. */
    fail_once(st->s, &st->diag);
    assert_error(engine_rollback_to(st->s, savepoint, &st->diag), &st->diag, ER_LOCK_DEADLOCK);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_ABORTED);
    engine_rollback(st->s);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
    fixture_write_range(st->other, &st->t, 0, 10);
}

static void test_the_first_statement_can_always_be_undone(void **arg)
{
    struct state *st = *arg;
    assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
    write_much(st, 0, 70);
    fail_once(st->s, &st->diag);
    assert_ok(engine_rollback_to(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 10);
    const uint64_t savepoint = engine_savepoint(st->s);
    fail_once(st->s, &st->diag);
    assert_ok(engine_rollback_to(st->s, savepoint, &st->diag), &st->diag);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->other, &st->t), 10);
}

static void test_an_error_leaves_a_reading_transaction_open(void **arg)
{
    struct state *st = *arg;
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
    fail_once(st->s, &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    fixture_write_range(st->other, &st->t, 10, 20);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
    /* Now the same snapshot cannot be had again. */
    fail_once(st->s, &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_ABORTED);
    engine_rollback(st->s);
    /* A first statement has shown nothing yet. */
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fail_once(st->s, &st->diag);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    assert_int_equal(fixture_count(st->s, &st->t), 20);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
}

static void test_a_statement_that_does_not_bind_leaves_the_transaction_open(void **arg)
{
    struct state *st = *arg;
    int64_t n;
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_error(fixture_try_query_i64(st->s, "SELECT no_such_column FROM t7", &st->diag, &n),
                 &st->diag, ER_INTERNAL_ERROR);
    assert_int_equal(engine_txn_state(st->s), ENGINE_TXN_OPEN);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
}

/* DuckDB's appender, destroyed after a ROLLBACK, would put its rows into the table. */
static void test_rows_in_an_appender_do_not_survive_a_rollback(void **arg)
{
    struct state *st = *arg;
    struct engine_writer *w;
    struct sql_type types[3] = {st->t.columns[0].type, st->t.columns[1].type,
                                st->t.columns[2].type};
    struct chunk_builder b;
    chunk_builder_init(&b, types, 3);
    for (int i = 0; i < 100; i++) {
        chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, i);
    }
    const struct chunk rows = chunk_builder_chunk(&b);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(engine_writer_open(st->s, &st->t.def, 0, &st->diag, &w), &st->diag);
    assert_ok(engine_writer_append(w, &rows, &st->diag), &st->diag);
    engine_rollback(st->s);
    assert_int_equal(engine_writer_append(w, &rows, &st->diag), -1);
    assert_ok(engine_writer_close(w, false, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 0);
    chunk_builder_release(&b);
}

static void test_a_key_committed_after_the_snapshot_is_not_written_twice(void **arg)
{
    struct state *st = *arg;
    const struct fixture_row five = {5, 1, NULL};
    const struct fixture_row above = {60, 1, NULL};
    fixture_write_range(st->s, &st->t, 10, 20);
    assert_ok(engine_begin(st->other, 0, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->other, &st->t), 10);
    assert_ok(fixture_write(st->s, &st->t, &five, 1, &st->diag), &st->diag);
    assert_error(fixture_write(st->other, &st->t, &five, 1, &st->diag), &st->diag,
                 ER_LOCK_DEADLOCK);
    engine_rollback(st->other);
    /* A key above all that were ever given is free in any snapshot. */
    assert_ok(engine_begin(st->other, 0, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->other, &st->t), 11);
    fixture_write_range(st->s, &st->t, 20, 30);
    assert_ok(fixture_write(st->other, &st->t, &above, 1, &st->diag), &st->diag);
    assert_ok(engine_commit(st->other, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 22);
}

static void test_only_one_session_writes(void **arg)
{
    struct state *st = *arg;
    const struct fixture_row row = {50, 1, NULL};
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_error(fixture_write(st->other, &st->t, &row, 1, &st->diag), &st->diag,
                 ER_LOCK_WAIT_TIMEOUT);
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_ok(fixture_write(st->other, &st->t, &row, 1, &st->diag), &st->diag);
}

/* ---- Keys ---- */

static uint64_t statistic(struct state *st, const char *name)
{
    struct arena arena;
    struct engine_stat *stats;
    uint64_t value = 0;
    arena_init(&arena, 0);
    const uint32_t count = engine_statistics(st->engine, &arena, &stats);
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(stats[i].name, str_from_cstr(name))) {
            assert_int_equal(str_to_u64(stats[i].value, &value), 0);
        }
    }
    arena_release(&arena);
    return value;
}

static void test_ascending_keys_need_no_look_up(void **arg)
{
    struct state *st = *arg;
    fixture_write_range(st->s, &st->t, -100, 10000);
    for (int64_t i = 10000; i < 10010; i++) {
        fixture_write_range(st->s, &st->t, i, i + 1);
    }
    assert_int_equal(statistic(st, "duckdb_unique_lookups"), 0);
    const struct fixture_row below = {-500, 1, NULL};
    assert_ok(fixture_write(st->s, &st->t, &below, 1, &st->diag), &st->diag);
    assert_int_equal(statistic(st, "duckdb_unique_lookups"), 1);
}

static void test_rolled_back_keys_are_free(void **arg)
{
    struct state *st = *arg;
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    fixture_write_range(st->s, &st->t, 10, 3000);
    engine_rollback(st->s);
    fixture_write_range(st->s, &st->t, 10, 3000);
    assert_int_equal(fixture_count(st->s, &st->t), 3000);
}

/* ---- Interruption, memory, wide decimals ---- */

struct interrupted_query {
    struct engine_session *s;
    int rc;
    int code;
    _Atomic(bool) done;
};

static void *run_long_query(void *arg)
{
    struct interrupted_query *q = arg;
    struct diag diag;
    int64_t n;
    diag_init(&diag);
    q->rc = fixture_try_query_i64(
        q->s,
        "SELECT count(*) FROM range(100000000) a(i), range(100000) b(j) WHERE (i * j) % 7 = 3",
        &diag, &n);
    q->code = diag.error != NULL ? diag.error->code : 0;
    atomic_store(&q->done, true);
    diag_release(&diag);
    return NULL;
}

static void test_an_interrupt_ends_a_query_soon(void **arg)
{
    struct state *st = *arg;
    struct interrupted_query q = {.s = st->s};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_long_query, &q), 0);
    usleep(200000);
    const uint64_t since = clock_monotonic_us();
    while (!atomic_load(&q.done)) {
        engine_interrupt(st->s);
        usleep(1000);
    }
    const uint64_t took = clock_monotonic_us() - since;
    pthread_join(thread, NULL);
    assert_int_equal(q.rc, -1);
    assert_int_equal(q.code, ER_QUERY_INTERRUPTED);
    assert_true(took < 5000000); /* Normally below 0.1 s; the machine may be busy. */
    assert_int_equal(fixture_count(st->s, &st->t), 0);
}

static void test_a_late_interrupt_harms_nothing(void **arg)
{
    struct state *st = *arg;
    engine_interrupt(st->s);
    fixture_write_range(st->s, &st->t, 0, 10);
    engine_interrupt(st->s);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
}

struct hammer {
    struct engine_session *s;
    _Atomic(bool) stop;
};

static void *interrupt_often(void *arg)
{
    struct hammer *h = arg;
    while (!atomic_load(&h->stop)) {
        engine_interrupt(h->s);
        usleep(50);
    }
    return NULL;
}

/* Whatever an interrupt hits, the session's state and DuckDB's agree, and half a transaction is
 * never kept. */
static void test_interrupts_at_any_time_leave_whole_transactions(void **arg)
{
    struct state *st = *arg;
    struct hammer h = {.s = st->s};
    pthread_t thread;
    int64_t kept = 0;
    const uint64_t until = clock_monotonic_us() + 2000000;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_often, &h), 0);
    for (int64_t i = 0; clock_monotonic_us() < until; i++) {
        const struct fixture_row rows[] = {{i * 10, 1, NULL}, {i * 10 + 1, 2, NULL}};
        const struct fixture_row low[] = {{-i * 10 - 5, 3, NULL}, {-i * 10 - 6, 4, NULL}};
        bool ok = engine_begin(st->s, 0, &st->diag) == 0;
        ok = ok && fixture_write(st->s, &st->t, rows, 2, &st->diag) == 0;
        ok = ok && fixture_write(st->s, &st->t, low, 2, &st->diag) == 0;
        if (ok && i % 5 != 0) {
            ok = engine_commit(st->s, &st->diag) == 0;
            kept += ok ? 4 : 0;
        }
        engine_rollback(st->s);
        diag_reset(&st->diag);
    }
    atomic_store(&h.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(fixture_count(st->s, &st->t), kept);
    assert_int_equal(fixture_count(st->other, &st->t), kept);
}

static void test_a_narrow_product_asks_for_the_wide_query(void **arg)
{
    struct state *st = *arg;
    const struct sql_type type = {
        .type = MYSQL_TYPE_NEWDECIMAL, .length = 30, .decimals = 4, .collation = COLLATION_BINARY};
    const struct str narrow =
        STR("SELECT x * y FROM (SELECT unnest([99999999999.99::DECIMAL(15,2)]) AS x, "
            "unnest([9999999.99::DECIMAL(15,2)]) AS y)");
    struct engine_query q = {.text = narrow, .column_count = 1, .types = &type};
    struct engine_cursor *c;
    struct chunk chunk;
    for (int in_transaction = 0; in_transaction < 3; in_transaction++) {
        if (in_transaction == 1) {
            assert_ok(engine_begin(st->s, ENGINE_UNDO, &st->diag), &st->diag);
        } else if (in_transaction == 2) {
            fixture_write_range(st->s, &st->t, 0, 10);
        }
        q.text = narrow;
        q.wide_decimals = false;
        assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
        assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_RETRY_WIDE);
        assert_null(st->diag.error);
        engine_cursor_close(c);
        q.text = STR(
            "SELECT (99999999999.99::DECIMAL(20,2) * 9999999.99::DECIMAL(15,2))::DECIMAL(30,4)");
        q.wide_decimals = true;
        assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
        assert_int_equal(engine_fetch(c, &st->diag, &chunk), ENGINE_ROW);
        engine_cursor_close(c);
    }
    assert_ok(engine_commit(st->s, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
}

static void test_running_out_of_memory_fails_one_statement(void **arg)
{
    struct state *st = *arg;
    int64_t n;
    fixture_write_range(st->s, &st->t, 0, 10);
    assert_ok(engine_set_variable(st->engine, STR("duckdb_memory_limit"), STR("40MB"), &st->diag),
              &st->diag);
    assert_ok(engine_set_variable(st->engine, STR("duckdb_max_temp_directory_size"), STR("1MB"),
                                  &st->diag),
              &st->diag);
    assert_error(fixture_try_query_i64(st->s,
                                       "SELECT len(list(i))::BIGINT FROM range(100000000) g(i)",
                                       &st->diag, &n),
                 &st->diag, ER_OUT_OF_SORTMEMORY);
    assert_int_equal(fixture_count(st->s, &st->t), 10);
    assert_int_equal(fixture_count(st->other, &st->t), 10);
}

static void test_settings_are_checked(void **arg)
{
    struct state *st = *arg;
    assert_ok(engine_set_variable(st->engine, STR("duckdb_threads"), STR("1"), &st->diag),
              &st->diag);
    assert_int_equal(fixture_query_i64(st->s, "SELECT current_setting('threads')::BIGINT"), 1);
    assert_ok(engine_set_variable(st->engine, STR("DUCKDB_THREADS"), STR("0"), &st->diag),
              &st->diag);
    assert_ok(
        engine_set_variable(st->engine, STR("duckdb_memory_limit"), STR("1073741824"), &st->diag),
        &st->diag);
    assert_error(engine_set_variable(st->engine, STR("duckdb_memory_limit"),
                                     STR("1'; DROP TABLE t7"), &st->diag),
                 &st->diag, ER_WRONG_VALUE_FOR_VAR);
    assert_ok(engine_set_variable(st->engine, STR("duckdb_memory_limit"), STR(""), &st->diag),
              &st->diag);
    assert_error(engine_set_variable(st->engine, STR("duckdb_threads"), STR("many"), &st->diag),
                 &st->diag, ER_WRONG_VALUE_FOR_VAR);
    assert_error(
        engine_set_variable(st->engine, STR("duckdb_temp_directory"), STR("/tmp"), &st->diag),
        &st->diag, ER_INCORRECT_GLOBAL_LOCAL_VAR);
    assert_ok(engine_set_variable(st->engine, STR("duckdb_checkpoint_threshold"), STR("1048576"),
                                  &st->diag),
              &st->diag);
}

static void test_other_files_cannot_be_reached(void **arg)
{
    struct state *st = *arg;
    int64_t n;
    assert_int_equal(
        fixture_try_query_i64(st->s, "SELECT count(*) FROM read_csv('/etc/passwd')", &st->diag, &n),
        -1);
    diag_reset(&st->diag);
    assert_int_equal(
        fixture_try_query_i64(st->s, "SELECT count(*) FROM '/etc/passwd'", &st->diag, &n), -1);
    diag_reset(&st->diag);
    assert_int_equal(
        fixture_try_query_i64(st->s, "SELECT 1::BIGINT; SELECT 2::BIGINT", &st->diag, &n), -1);
}

/* ---- Types ---- */

struct type_case {
    const char *name;
    enum mysql_type type;
    uint32_t length;
    uint8_t decimals;
    uint16_t flags;
    uint16_t collation;
};

static const struct type_case all_types[] = {
    {"tiny", MYSQL_TYPE_TINY, 4, 0, 0, COLLATION_BINARY},
    {"utiny", MYSQL_TYPE_TINY, 3, 0, UNSIGNED_FLAG, COLLATION_BINARY},
    {"short", MYSQL_TYPE_SHORT, 6, 0, 0, COLLATION_BINARY},
    {"ushort", MYSQL_TYPE_SHORT, 5, 0, UNSIGNED_FLAG, COLLATION_BINARY},
    {"int24", MYSQL_TYPE_INT24, 9, 0, 0, COLLATION_BINARY},
    {"long", MYSQL_TYPE_LONG, 11, 0, 0, COLLATION_BINARY},
    {"ulong", MYSQL_TYPE_LONG, 10, 0, UNSIGNED_FLAG, COLLATION_BINARY},
    {"big", MYSQL_TYPE_LONGLONG, 20, 0, 0, COLLATION_BINARY},
    {"ubig", MYSQL_TYPE_LONGLONG, 20, 0, UNSIGNED_FLAG, COLLATION_BINARY},
    {"dec4", MYSQL_TYPE_NEWDECIMAL, 4, 2, 0, COLLATION_BINARY},
    {"dec9", MYSQL_TYPE_NEWDECIMAL, 9, 0, 0, COLLATION_BINARY},
    {"dec18", MYSQL_TYPE_NEWDECIMAL, 18, 9, 0, COLLATION_BINARY},
    {"dec38", MYSQL_TYPE_NEWDECIMAL, 38, 30, 0, COLLATION_BINARY},
    {"dec65", MYSQL_TYPE_NEWDECIMAL, 65, 30, 0, COLLATION_BINARY},
    {"float", MYSQL_TYPE_FLOAT, 12, DECIMALS_NOT_FIXED, 0, COLLATION_BINARY},
    {"double", MYSQL_TYPE_DOUBLE, 22, DECIMALS_NOT_FIXED, 0, COLLATION_BINARY},
    {"bit", MYSQL_TYPE_BIT, 64, 0, UNSIGNED_FLAG, COLLATION_BINARY},
    {"year", MYSQL_TYPE_YEAR, 4, 0, UNSIGNED_FLAG, COLLATION_BINARY},
    {"date", MYSQL_TYPE_DATE, 10, 0, 0, COLLATION_BINARY},
    {"datetime", MYSQL_TYPE_DATETIME, 26, 6, 0, COLLATION_BINARY},
    {"timestamp", MYSQL_TYPE_TIMESTAMP, 26, 6, 0, COLLATION_BINARY},
    {"time", MYSQL_TYPE_TIME, 17, 6, 0, COLLATION_BINARY},
    {"char", MYSQL_TYPE_STRING, 20, 0, 0, COLLATION_UTF8MB4_0900_AI_CI},
    {"text", MYSQL_TYPE_BLOB, 65535, 0, 0, COLLATION_UTF8MB4_0900_AI_CI},
    {"blob", MYSQL_TYPE_BLOB, 65535, 0, BINARY_FLAG, COLLATION_BINARY},
    {"varbinary", MYSQL_TYPE_VARCHAR, 20, 0, BINARY_FLAG, COLLATION_BINARY},
    {"json", MYSQL_TYPE_JSON, 0, 0, 0, COLLATION_BINARY},
};

/* Values that fill each form from one end to the other: all bits set, only the highest, none; text
 * with and without. */
static void fill_boundaries(const struct type_case *c, enum vec_phys phys, uint32_t row, void *to)
{
    const size_t size = vec_phys_size(phys);
    if (phys == VEC_STR) {
        static const struct str texts[] = {STR_INIT(""), STR_INIT("twelve bytes"),
                                           STR_INIT("\xf0\x9f\xa6\x86 and a longer text"),
                                           STR_INIT("a\0b")};
        const struct vec_str s = vec_str_from(texts[row % ARRAY_SIZE(texts)]);
        memcpy(to, &s, sizeof(s));
        return;
    }
    if (phys == VEC_F32 || phys == VEC_F64) {
        const double values[] = {0, -1.5, 3.4e38, 1e-30};
        const float narrow = (float)values[row % 4];
        memcpy(to, phys == VEC_F32 ? (const void *)&narrow : (const void *)&values[row % 4], size);
        return;
    }
    if (c->type == MYSQL_TYPE_NEWDECIMAL) {
        __int128 n = 1;
        for (uint32_t i = 0; i < c->length; i++) {
            n *= 10;
        }
        n = row % 4 == 0 ? 0 : row % 4 == 1 ? n - 1 : row % 4 == 2 ? 1 - n : 1;
        memcpy(to, &n, size); /* Little endian: the low bytes are the narrow value. */
        return;
    }
    const unsigned char high[] = {0x00, 0xff, 0x80, 0x7f};
    memset(to, row % 4 == 1 || row % 4 == 3 ? 0xff : 0, size);
    ((unsigned char *)to)[size - 1] = high[row % 4];
    if (c->type == MYSQL_TYPE_DATE || c->type == MYSQL_TYPE_DATETIME ||
        c->type == MYSQL_TYPE_TIMESTAMP) {
        /* DuckDB keeps the outermost values for infinity. */
        const int64_t days[] = {0, -719528, 2932896, -719528 - 1000};
        const int64_t n = c->type == MYSQL_TYPE_DATE
                              ? days[row % 4]
                              : days[row % 4] * INT64_C(86400000000) + (int64_t)row;
        memcpy(to, &n, size);
    }
}

static void make_type_table(struct fixture_table *t)
{
    fixture_table_init(t, 9);
    t->def.column_count = 1;
    for (size_t i = 0; i < ARRAY_SIZE(all_types); i++) {
        const struct type_case *c = &all_types[i];
        fixture_add_column(t, c->name, c->type, c->length, c->decimals, c->flags, c->collation);
    }
}

static void test_every_type_comes_back_as_it_went_in(void **arg)
{
    struct state *st = *arg;
    enum {
        ROWS = 5
    };
    static char data[ARRAY_SIZE(all_types) + 1][ROWS * 16];
    static struct sql_type types[ARRAY_SIZE(all_types) + 1];
    struct fixture_table t;
    struct vec cols[ARRAY_SIZE(all_types) + 1];
    const uint64_t validity = 0x0f; /* The last row is NULL. */
    struct engine_writer *w;
    make_type_table(&t);
    for (uint32_t i = 0; i < t.def.column_count; i++) {
        types[i] = t.columns[i].type;
        cols[i] = (struct vec){.type = &types[i],
                               .phys = type_phys(&types[i]),
                               .data = data[i],
                               .validity = i ? &validity : NULL};
        for (uint32_t row = 0; row < ROWS; row++) {
            char *to = data[i] + row * vec_phys_size(cols[i].phys);
            if (i == 0) {
                ((int64_t *)data[0])[row] = row;
            } else {
                fill_boundaries(&all_types[i - 1], cols[i].phys, row, to);
            }
        }
    }
    assert_ok(engine_create_table(st->s, &t.def, &st->diag), &st->diag);
    const struct chunk in = {.ncols = t.def.column_count, .nrows = ROWS, .cols = cols};
    assert_ok(engine_writer_open(st->s, &t.def, 0, &st->diag, &w), &st->diag);
    assert_ok(engine_writer_append(w, &in, &st->diag), &st->diag);
    assert_ok(engine_writer_close(w, true, &st->diag), &st->diag);

    const struct engine_query q = {
        .text = STR("SELECT * FROM t9"), .column_count = t.def.column_count, .types = types};
    struct engine_cursor *c;
    struct chunk out;
    assert_ok(engine_query_open(st->s, &q, &st->diag, &c), &st->diag);
    if (engine_fetch(c, &st->diag, &out) != ENGINE_ROW) {
        assert_ok(-1, &st->diag);
    }
    assert_int_equal(out.nrows, ROWS);
    for (uint32_t i = 0; i < out.ncols; i++) {
        const size_t size = vec_phys_size(cols[i].phys);
        for (uint32_t row = 0; row < ROWS - 1; row++) {
            const char *a = data[i] + row * size;
            const char *b = (const char *)out.cols[i].data + row * size;
            const bool same = cols[i].phys == VEC_STR
                                  ? str_eq(vec_str_get((const struct vec_str *)(const void *)a),
                                           vec_str_get((const struct vec_str *)(const void *)b))
                                  : memcmp(a, b, size) == 0;
            if (!same) {
                print_error("column %s, row %u\n", i ? all_types[i - 1].name : "id", row);
            }
            assert_true(same);
        }
        assert_int_equal(vec_is_null(&out.cols[i], ROWS - 1), i > 0);
    }
    engine_cursor_close(c);
}

static void test_results_of_another_width_are_converted(void **arg)
{
    struct state *st = *arg;
    int64_t n;
    assert_int_equal(fixture_query_i64(st->s, "SELECT 42::TINYINT"), 42);
    assert_int_equal(fixture_query_i64(st->s, "SELECT true"), 1);
    assert_int_equal(fixture_query_i64(st->s, "SELECT sum(i) FROM range(1000) g(i)"), 499500);
    assert_int_equal(fixture_query_i64(st->s, "SELECT 7::DECIMAL(20,0)"), 7);
    assert_error(
        fixture_try_query_i64(st->s, "SELECT 18446744073709551615::UBIGINT", &st->diag, &n),
        &st->diag, ER_DATA_OUT_OF_RANGE);
    assert_error(fixture_try_query_i64(st->s, "SELECT 'text'", &st->diag, &n), &st->diag,
                 ER_INTERNAL_ERROR);
    assert_error(fixture_try_query_i64(st->s, "SELECT 1.5::DOUBLE", &st->diag, &n), &st->diag,
                 ER_INTERNAL_ERROR);
    assert_error(fixture_try_query_i64(st->s, "SELECT 1::BIGINT, 2::BIGINT", &st->diag, &n),
                 &st->diag, ER_INTERNAL_ERROR);
}

static void test_numbers_of_too_many_digits_are_refused(void **arg)
{
    struct state *st = *arg;
    struct fixture_table t;
    struct engine_writer *w;
    fixture_table_init(&t, 9);
    t.def.column_count = 1;
    t.def.index_count = 0;
    t.columns[0].type = (struct sql_type){
        .type = MYSQL_TYPE_NEWDECIMAL, .length = 4, .decimals = 2, .collation = COLLATION_BINARY};
    assert_ok(engine_create_table(st->s, &t.def, &st->diag), &st->diag);
    const int16_t too_wide = 10000;
    const struct vec col = {.type = &t.columns[0].type, .phys = VEC_I16, .data = &too_wide};
    const struct chunk rows = {.ncols = 1, .nrows = 1, .cols = &col};
    assert_ok(engine_writer_open(st->s, &t.def, 0, &st->diag, &w), &st->diag);
    assert_error(engine_writer_append(w, &rows, &st->diag), &st->diag, ER_INTERNAL_ERROR);
    assert_ok(engine_writer_close(w, false, &st->diag), &st->diag);
    assert_int_equal(fixture_count(st->s, &t), 0);
}

/* ---- The data directory ---- */

static void assert_refused(struct state *st, const char *path, const char *words)
{
    struct engine *e;
    const struct duckdb_config config = {.path = str_from_cstr(path), .threads = 1};
    diag_init(&st->diag);
    assert_int_equal(engine_open(&duckdb_engine, &config, &st->diag, &e), -1);
    if (memmem(st->diag.error->message.p, st->diag.error->message.len, words, strlen(words)) ==
        NULL) {
        print_error("%.*s\n", STR_FMT(st->diag.error->message));
        fail();
    }
    diag_release(&st->diag);
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void test_directories_that_are_not_ours_are_refused(void **arg)
{
    struct state *st = *arg;
    char path[512];
    assert_refused(st, "/no/such/place", "cannot be made");
    put_file(st->dir, "plain", "x");
    snprintf(path, sizeof(path), "%s/plain", st->dir);
    assert_refused(st, path, "is not a directory");
    assert_refused(st, st->dir, "is not empty and is no data directory of Pintail");
    put_file(st->dir, "PINTAIL", "something else\n");
    assert_refused(st, st->dir, "not Pintail's");
    put_file(st->dir, "PINTAIL", "pintail data directory\nformat 99\n");
    assert_refused(st, st->dir, "newer version");
    put_file(st->dir, "PINTAIL", "pintail data directory\nrubbish\n");
    assert_refused(st, st->dir, "damaged");
}

static void test_a_directory_in_use_is_refused(void **arg)
{
    struct state *st = *arg;
    struct state second = {.dir = ""};
    memcpy(second.dir, st->dir, sizeof(second.dir));
    open_state(st);
    assert_refused(&second, st->dir, "in use by another Pintail");
    close_state(st);
    open_state(st);
    close_state(st);
}

static void test_a_database_that_is_none_is_refused(void **arg)
{
    struct state *st = *arg;
    char garbage[8192];
    memset(garbage, 'x', sizeof(garbage) - 1);
    garbage[sizeof(garbage) - 1] = '\0';
    open_state(st);
    close_state(st);
    put_file(st->dir, "pintail.duckdb", garbage);
    assert_refused(st, st->dir, "cannot open the DuckDB database");
}

/* ---- Many rows at once ---- */

/* Inserts ids from..to-1 in chunks of uneven sizes, of which some are empty. */
static int insert_many(struct state *st, int64_t from, int64_t to)
{
    enum {
        PER_CHUNK = 2048
    };
    const struct sql_type types[] = {st->t.columns[0].type, st->t.columns[1].type,
                                     st->t.columns[2].type};
    const uint32_t max = (uint32_t)((to - from) / (PER_CHUNK - 100)) + 8;
    struct chunk_builder *b = calloc(max, sizeof(*b));
    struct chunk *chunks = calloc(max, sizeof(*chunks));
    uint32_t count = 0;
    for (int64_t id = from; id < to; count++) {
        assert_true(count < max);
        const uint32_t size = count % 50 == 7 ? 0 : PER_CHUNK - count % 5 * 25;
        chunk_builder_init(&b[count], types, 3);
        for (uint32_t i = 0; i < size && id < to; i++, id++) {
            (void)chunk_builder_add_row(&b[count]);
            chunk_builder_set_i64(&b[count], 0, id);
            chunk_builder_set_int(&b[count], 1, id % 1000);
        }
        chunks[count] = chunk_builder_chunk(&b[count]);
    }
    const int rc = engine_insert_chunks(st->s, &st->t.def, chunks, count, &st->diag);
    for (uint32_t i = 0; i < count; i++) {
        chunk_builder_release(&b[i]);
    }
    free(chunks);
    free(b);
    return rc;
}

/* Several threads write them, and they are in the table in their order. */
static void test_many_rows_keep_their_order(void **arg)
{
    struct state *st = *arg;
    const int64_t first = 3 * DDB_GROUP_ROWS + 5000;
    const int64_t all = first + 2 * DDB_GROUP_ROWS;
    open_state(st);
    assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
    assert_ok(insert_many(st, 0, first), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), first);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 <> rowid"), 0);
    assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
    assert_ok(insert_many(st, first, all), &st->diag);
    assert_int_equal(fixture_count(st->s, &st->t), all);
    engine_rollback(st->s);
    assert_int_equal(fixture_count(st->s, &st->t), first);
    assert_ok(insert_many(st, first, all), &st->diag);
    close_state(st);
    open_state(st);
    assert_int_equal(fixture_count(st->s, &st->t), all);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 <> rowid"), 0);
    assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c2 <> c1 % 1000"), 0);
    close_state(st);
}

/* One thread, and more of them than row groups allow to be equal. */
static void test_many_rows_by_any_number_of_threads(void **arg)
{
    struct state *st = *arg;
    const int64_t rows = 4 * DDB_GROUP_ROWS;
    open_state(st);
    assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
    static const char *const threads[] = {"1", "3"};
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_ok(engine_set_variable(st->engine, STR("duckdb_threads"), str_from_cstr(threads[i]),
                                      &st->diag),
                  &st->diag);
        assert_ok(insert_many(st, (int64_t)i * rows, (int64_t)(i + 1) * rows), &st->diag);
        assert_int_equal(fixture_count(st->s, &st->t), (int64_t)(i + 1) * rows);
        assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM t7 WHERE c1 <> rowid"), 0);
    }
    close_state(st);
}

struct late_interrupt {
    struct engine_session *s;
    useconds_t delay_us;
};

static void *interrupt_late(void *arg)
{
    const struct late_interrupt *l = arg;
    usleep(l->delay_us);
    engine_interrupt(l->s);
    return NULL;
}

/* Wherever an interrupt meets the threads that write, all rows are there or none. */
static void test_an_interrupt_leaves_many_rows_whole(void **arg)
{
    struct state *st = *arg;
    const int64_t rows = 3 * DDB_GROUP_ROWS;
    int64_t kept = 0;
    open_state(st);
    assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
    for (useconds_t i = 0; i < 6; i++) {
        struct late_interrupt l = {.s = st->s, .delay_us = i * i * 8000};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, interrupt_late, &l), 0);
        kept += insert_many(st, kept, kept + rows) == 0 ? rows : 0;
        pthread_join(thread, NULL);
        diag_reset(&st->diag);
        assert_int_equal(fixture_count(st->other, &st->t), kept);
    }
    close_state(st);
}

/* ---- Children that die or meet a full disk ---- */

/* Runs fn in a child process; returns its wait status. Under TSan, which does not survive the fork
 * of a process with DuckDB's allocator in it, the test is skipped. */
static int in_child(struct state *st, void (*fn)(struct state *st))
{
#ifdef WITH_TSAN
    skip();
#endif
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fn(st);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* Ends the child with a message unless the condition holds: cmocka's checks would return into the
 * parent's frames. */
#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void open_to_be_killed(struct state *st)
{
    setenv("PINTAIL_CRASH_POINT", st->crash_point, 1);
    open_state(st);
    struct ddb_instance *in = CONTAINER_OF(st->engine, struct ddb_instance, base);
    atomic_store(&in->checkpoint_threshold, 1);
    CHILD_CHECK(engine_begin(st->s, 0, &st->diag) == 0);
}

static void commit_until_killed(struct state *st)
{
    CHILD_CHECK(engine_meta_put(st->s, STR("position"), 1, STR("5000"), &st->diag) == 0);
    CHILD_CHECK(engine_commit(st->s, &st->diag) == 0);
}

static void write_until_killed(struct state *st)
{
    open_to_be_killed(st);
    fixture_write_range(st->s, &st->t, 10, 5000);
    commit_until_killed(st);
}

enum {
    MANY = 2 * DDB_GROUP_ROWS + 5000
};

static void write_many_until_killed(struct state *st)
{
    open_to_be_killed(st);
    CHILD_CHECK(insert_many(st, 10, MANY) == 0);
    commit_until_killed(st);
}

/* Ten rows are there before, and `rows` if the commit is. */
static void kill_at_every_point(struct state *st, void (*fn)(struct state *st), int64_t rows)
{
    static const struct {
        const char *point;
        bool is_committed;
    } points[] = {{"before-commit", false},
                  {"after-commit", true},
                  {"before-checkpoint", true},
                  {"after-checkpoint", true}};
    for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
        open_state(st);
        assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
        fixture_write_range(st->s, &st->t, 0, 10);
        close_state(st);
        st->crash_point = points[i].point;
        const int status = in_child(st, fn);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        open_state(st);
        assert_int_equal(fixture_count(st->s, &st->t), points[i].is_committed ? rows : 10);
        assert_int_equal(fixture_query_i64(st->s, "SELECT count(*) FROM pintail_meta"),
                         points[i].is_committed);
        close_state(st);
        fixture_remove_dir(st->dir);
    }
}

static void test_a_commit_survives_kill_9_at_every_point(void **arg)
{
    kill_at_every_point(*arg, write_until_killed, 5000);
}

static void test_a_commit_of_many_rows_survives_kill_9(void **arg)
{
    kill_at_every_point(*arg, write_many_until_killed, MANY);
}

/* From here on files cannot grow beyond what they are, plus extra bytes. */
static void limit_files(const struct state *st, uint64_t extra)
{
    struct ddb_instance *in = CONTAINER_OF(st->engine, struct ddb_instance, base);
    uint64_t data;
    uint64_t wal;
    struct rlimit limit;
    ddb_file_sizes(in, &data, &wal);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = MAX(data, wal) + extra;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void unlimit_files(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void fill_the_disk(struct state *st)
{
    struct fixture_row *rows = calloc(400000, sizeof(*rows));
    open_state(st);
    CHILD_CHECK(engine_create_table(st->s, &st->t.def, &st->diag) == 0);
    fixture_write_range(st->s, &st->t, 0, 1000);
    limit_files(st, 200000);
    for (int i = 0; i < 400000; i++) {
        /* Text that does not compress, or hardly. */
        rows[i] = (struct fixture_row){
            .id = 1000 + i, .n = (int32_t)((uint32_t)i * 2654435761u), .s = "x"};
    }
    /* A bulk load and small commits fail as 1114; reading goes on. */
    CHILD_CHECK(fixture_write(st->s, &st->t, rows, 400000, &st->diag) == -1);
    CHILD_CHECK(st->diag.error->code == ER_RECORD_FILE_FULL);
    diag_reset(&st->diag);
    CHILD_CHECK(fixture_count(st->other, &st->t) == 1000);
    int rc = 0;
    int64_t kept = 1000;
    for (int i = 0; i < 400 && rc == 0; i++) {
        rc = fixture_write(st->s, &st->t, rows + i * 100, 100, &st->diag);
        kept += rc == 0 ? 100 : 0;
    }
    CHILD_CHECK(rc == -1);
    CHILD_CHECK(st->diag.error->code == ER_RECORD_FILE_FULL);
    CHILD_CHECK(fixture_count(st->other, &st->t) == kept);
    diag_reset(&st->diag);
    /* With room again, so does writing. */
    unlimit_files();
    CHILD_CHECK(fixture_write(st->s, &st->t, rows + 100000, 100, &st->diag) == 0);
    CHILD_CHECK(fixture_count(st->s, &st->t) == kept + 100);
    close_state(st);
    open_state(st);
    CHILD_CHECK(fixture_count(st->s, &st->t) == kept + 100);
    close_state(st);
    free(rows);
}

static void test_a_full_disk_fails_writes_cleanly(void **arg)
{
    const int status = in_child(*arg, fill_the_disk);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fill_a_tmpfs(struct state *st)
{
    CHILD_CHECK(mount("pintail", st->dir, "tmpfs", 0, "size=24m") == 0);
    struct fixture_row *rows = calloc(1000000, sizeof(*rows));
    for (int i = 0; i < 1000000; i++) {
        rows[i] = (struct fixture_row){.id = INT64_C(2654435761) * (i + 1) % 1000003 * 1000003 + i,
                                       .n = (int32_t)((uint32_t)i * 2654435761u)};
    }
    st->config.disk_reserve = (uint64_t)1 << 20;
    open_state(st);
    CHILD_CHECK(engine_create_table(st->s, &st->t.def, &st->diag) == 0);
    fixture_write_range(st->s, &st->t, -1000, 0);
    CHILD_CHECK(fixture_write(st->s, &st->t, rows, 1000000, &st->diag) != 0 ||
                fixture_write(st->s, &st->t, rows, 1000000, &st->diag) != 0);
    diag_reset(&st->diag);
    CHILD_CHECK(fixture_count(st->other, &st->t) % 1000000 == 1000);
    /* The reserve refuses what would fit hardly. */
    st->diag.error = NULL;
    atomic_store(&CONTAINER_OF(st->engine, struct ddb_instance, base)->disk_reserve,
                 (uint64_t)1 << 30);
    CHILD_CHECK(fixture_write(st->s, &st->t, rows, 1, &st->diag) == -1);
    CHILD_CHECK(st->diag.error->code == ER_RECORD_FILE_FULL);
    CHILD_CHECK(fixture_count(st->other, &st->t) % 1000000 == 1000);
    close_state(st);
    umount(st->dir);
    free(rows);
}

static void test_a_full_file_system_fails_writes_cleanly(void **arg)
{
    struct state *st = *arg;
    if (mount("pintail", st->dir, "tmpfs", 0, "size=1m") != 0) {
        print_message("mounting a tmpfs is not permitted: %s\n", strerror(errno));
        skip();
    }
    umount(st->dir);
    const int status = in_child(st, fill_a_tmpfs);
    umount2(st->dir, MNT_DETACH);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A checkpoint that fails makes DuckDB declare the database invalid. */
static void invalidate_by_checkpoint(struct state *st)
{
    open_state(st);
    struct ddb_instance *in = CONTAINER_OF(st->engine, struct ddb_instance, base);
    CHILD_CHECK(engine_create_table(st->s, &st->t.def, &st->diag) == 0);
    fixture_write_range(st->s, &st->t, 0, 100000);
    CHILD_CHECK(engine_begin(st->other, 0, &st->diag) == 0);
    CHILD_CHECK(fixture_count(st->other, &st->t) == 100000);
    limit_files(st, 0);
    (void)!ddb_aux_exec(in, "CHECKPOINT", &st->diag);
    unlimit_files();
    CHILD_CHECK(st->diag.error != NULL);
    CHILD_CHECK(atomic_load(&in->invalid));
    diag_reset(&st->diag);
    /* Sessions go on: idle ones without notice, an open transaction after one clear error. */
    CHILD_CHECK(fixture_count(st->s, &st->t) == 100000);
    CHILD_CHECK(statistic(st, "duckdb_reopens") == 1);
    CHILD_CHECK(engine_txn_state(st->other) == ENGINE_TXN_ABORTED);
    CHILD_CHECK(engine_commit(st->other, &st->diag) == -1);
    CHILD_CHECK(st->diag.error->code == ER_LOCK_DEADLOCK);
    engine_rollback(st->other);
    CHILD_CHECK(fixture_count(st->other, &st->t) == 100000);
    fixture_write_range(st->other, &st->t, 100000, 100010);
    CHILD_CHECK(fixture_count(st->s, &st->t) == 100010);
    close_state(st);
}

static void test_an_invalidated_database_is_reopened(void **arg)
{
    const int status = in_child(*arg, invalidate_by_checkpoint);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The commit happened, and DuckDB reports a fatal error of the checkpoint it did in it. */
static void invalidate_in_commit(struct state *st)
{
    open_state(st);
    struct ddb_instance *in = CONTAINER_OF(st->engine, struct ddb_instance, base);
    CHILD_CHECK(engine_create_table(st->s, &st->t.def, &st->diag) == 0);
    fixture_write_range(st->s, &st->t, 0, 300000);
    CHILD_CHECK(ddb_aux_exec(in, "CHECKPOINT", &st->diag) == 0);
    CHILD_CHECK(engine_begin(st->s, 0, &st->diag) == 0);
    fixture_write_range(st->s, &st->t, 300000, 330000);
    CHILD_CHECK(ddb_aux_exec(in, "SET GLOBAL checkpoint_threshold = '1KB'", &st->diag) == 0);
    limit_files(st, 0);
    const int rc = engine_commit(st->s, &st->diag);
    unlimit_files();
    CHILD_CHECK(statistic(st, "duckdb_reopens") > 0);
    /* Whatever became of it is what was said. */
    CHILD_CHECK(fixture_count(st->s, &st->t) == (rc == 0 ? 330000 : 300000));
    CHILD_CHECK((rc == 0) == (st->diag.error == NULL));
    fixture_write_range(st->s, &st->t, 400000, 400010);
    close_state(st);
}

static void test_the_outcome_of_a_fatal_commit_is_read_back(void **arg)
{
    const int status = in_child(*arg, invalidate_in_commit);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_commits_checkpoint_a_long_log(void **arg)
{
    struct state *st = *arg;
    uint64_t data;
    uint64_t wal;
    st->config.checkpoint_threshold = 100000;
    open_state(st);
    assert_ok(engine_create_table(st->s, &st->t.def, &st->diag), &st->diag);
    for (int64_t i = 0; i < 100; i++) {
        fixture_write_range(st->s, &st->t, i * 100, i * 100 + 100);
    }
    ddb_file_sizes(CONTAINER_OF(st->engine, struct ddb_instance, base), &data, &wal);
    assert_true(wal < 200000);
    assert_true(statistic(st, "duckdb_checkpoints") > 0);
    close_state(st);
    open_state(st);
    ddb_file_sizes(CONTAINER_OF(st->engine, struct ddb_instance, base), &data, &wal);
    assert_int_equal(wal, 0);
    assert_int_equal(fixture_count(st->s, &st->t), 10000);
    close_state(st);
}

/* ---- Many sessions ---- */

struct reader {
    struct engine *engine;
    _Atomic(bool) *stop;
    bool consistent;
};

/* The writer adds and removes pairs of rows in one transaction: every snapshot has an even number.
 */
static void *read_pairs(void *arg)
{
    struct reader *r = arg;
    struct engine_session *s;
    struct diag diag;
    diag_init(&diag);
    r->consistent = engine_session_open(r->engine, &diag, &s) == 0;
    while (r->consistent && !atomic_load(r->stop)) {
        int64_t n = 0;
        r->consistent =
            fixture_try_query_i64(s, "SELECT count(*) FROM t7", &diag, &n) == 0 && n % 2 == 0;
    }
    engine_session_close(s);
    diag_release(&diag);
    return NULL;
}

static void test_readers_beside_a_writer_see_whole_transactions(void **arg)
{
    struct state *st = *arg;
    enum {
        READERS = 3
    };
    struct reader readers[READERS];
    pthread_t threads[READERS];
    _Atomic(bool) stop = false;
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.engine = st->engine, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, read_pairs, &readers[i]), 0);
    }
    for (int64_t i = 0; i < 200; i++) {
        assert_ok(engine_begin(st->s, 0, &st->diag), &st->diag);
        fixture_write_range(st->s, &st->t, i * 2, i * 2 + 1);
        fixture_write_range(st->s, &st->t, i * 2 + 1, i * 2 + 2);
        if (i % 3 == 0) {
            engine_rollback(st->s);
        } else {
            assert_ok(engine_commit(st->s, &st->diag), &st->diag);
        }
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(readers[i].consistent);
    }
}

int main(void)
{
#define IN_MEMORY(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define IN_DIR(fn)    cmocka_unit_test_setup_teardown(fn, setup_dir, teardown_dir)
    const struct CMUnitTest tests[] = {
        /* Those that fork come first: later ones leave threads of the library behind. */
        IN_DIR(test_a_commit_survives_kill_9_at_every_point),
        IN_DIR(test_a_full_disk_fails_writes_cleanly),
        IN_DIR(test_a_full_file_system_fails_writes_cleanly),
        IN_DIR(test_an_invalidated_database_is_reopened),
        IN_DIR(test_the_outcome_of_a_fatal_commit_is_read_back),
        IN_DIR(test_commits_checkpoint_a_long_log),
        IN_DIR(test_directories_that_are_not_ours_are_refused),
        IN_DIR(test_a_directory_in_use_is_refused),
        IN_DIR(test_a_database_that_is_none_is_refused),
        IN_MEMORY(test_an_error_after_writing_aborts_the_transaction),
        IN_MEMORY(test_what_is_too_much_to_keep_is_undone_as_a_whole),
        IN_MEMORY(test_the_first_statement_can_always_be_undone),
        IN_MEMORY(test_an_error_leaves_a_reading_transaction_open),
        IN_MEMORY(test_a_statement_that_does_not_bind_leaves_the_transaction_open),
        IN_MEMORY(test_rows_in_an_appender_do_not_survive_a_rollback),
        IN_MEMORY(test_a_key_committed_after_the_snapshot_is_not_written_twice),
        IN_MEMORY(test_only_one_session_writes),
        IN_MEMORY(test_ascending_keys_need_no_look_up),
        IN_MEMORY(test_rolled_back_keys_are_free),
        IN_MEMORY(test_an_interrupt_ends_a_query_soon),
        IN_MEMORY(test_a_late_interrupt_harms_nothing),
        IN_MEMORY(test_interrupts_at_any_time_leave_whole_transactions),
        IN_MEMORY(test_a_narrow_product_asks_for_the_wide_query),
        IN_MEMORY(test_running_out_of_memory_fails_one_statement),
        IN_MEMORY(test_settings_are_checked),
        IN_MEMORY(test_other_files_cannot_be_reached),
        IN_MEMORY(test_every_type_comes_back_as_it_went_in),
        IN_MEMORY(test_results_of_another_width_are_converted),
        IN_MEMORY(test_numbers_of_too_many_digits_are_refused),
        IN_DIR(test_many_rows_keep_their_order),
        IN_DIR(test_many_rows_by_any_number_of_threads),
        IN_DIR(test_an_interrupt_leaves_many_rows_whole),
        IN_DIR(test_a_commit_of_many_rows_survives_kill_9),
        IN_MEMORY(test_readers_beside_a_writer_see_whole_transactions),
    };
    return cmocka_run_group_tests_name("duckdb engine", tests, NULL, NULL);
}
