/*
 * What an index from key to place would cost and save, which the copy does not have: updates and
 * deletes at random keys in DuckDB alone, whose rows are found in one of three ways.
 *
 *     key_index DIRECTORY WAY ROWS CHANGES BATCH...
 *
 *     scan           a join with the keys, which reads the key column
 *     primary-key    DuckDB's own index
 *     places         row ids from an array in memory, as good as free: no index of our own is
 * faster
 *
 * A table of ROWS rows (id BIGINT, k INT, v BIGINT), as in change_random.h, is made in a new
 * database in DIRECTORY. For each BATCH it prints `BATCH RATE changes/s`: of CHANGES of them, or as
 * many as 20 seconds allow, BATCH to a transaction; even keys are updated, odd ones deleted,
 * each once. With primary-key `index N MiB` is the memory of that. There are no checkpoints, so
 * that row ids stay: a real index would have to follow the rows that those move.
 */
#include "common.h"
#include "duckdb.h"
#include "permutation.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SECONDS = 20,
    /* Keys of one statement for which the index is used (index_scan_max_count). */
    KEYS_OF_STATEMENT = 2000,
};

enum way {
    SCAN,
    PRIMARY_KEY,
    PLACES,
    WAYS
};

static const char *const way_names[WAYS] = {"scan", "primary-key", "places"};

struct bench {
    enum way way;
    uint64_t rows;
    uint64_t made;           /* Changes so far. */
    struct permutation next; /* Keys less one. */
    int64_t next_rowid;      /* Of the row that is inserted next. */
    duckdb_database database;
    duckdb_connection connection;
    int64_t *places; /* Row id by key; with PLACES. */
    int64_t *keys;   /* Of the batch. */
};

static duckdb_result query(struct bench *b, const char *sql)
{
    duckdb_result result;
    if (duckdb_query(b->connection, sql, &result) != DuckDBSuccess) {
        die("key_index: %.200s: %s", sql, duckdb_result_error(&result));
    }
    return result;
}

/* Returns the rows that the statement changed. */
static uint64_t execute(struct bench *b, const char *sql)
{
    duckdb_result result = query(b, sql);
    const uint64_t changed = duckdb_rows_changed(&result);
    duckdb_destroy_result(&result);
    return changed;
}

static void *allocate(size_t size)
{
    void *p = malloc(size);
    if (p == NULL) {
        die("key_index: out of memory");
    }
    return p;
}

/* ---- A batch ---- */

static int compare_keys(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The keys' places, which updated rows change. */
static void take_places(struct bench *b, const int64_t *keys, uint64_t count, int64_t *rowids)
{
    for (uint64_t i = 0; i < count; i++) {
        rowids[i] = b->places[keys[i]];
        if (keys[i] % 2 == 0) {
            b->places[keys[i]] = b->next_rowid++;
        }
    }
}

/* The numbers become the rows of the table `batch`. */
static void append_batch(struct bench *b, const int64_t *keys, const int64_t *rowids,
                         uint64_t count)
{
    duckdb_appender appender;
    execute(b, "DELETE FROM temp.batch");
    if (duckdb_appender_create_ext(b->connection, "temp", NULL, "batch", &appender) !=
        DuckDBSuccess) {
        die("key_index: %s", duckdb_appender_error(appender));
    }
    for (uint64_t i = 0; i < count; i++) {
        duckdb_append_int64(appender, keys[i]);
        duckdb_append_int64(appender, rowids ? rowids[i] : 0);
        duckdb_appender_end_row(appender);
    }
    if (duckdb_appender_destroy(&appender) != DuckDBSuccess) {
        die("key_index: rows were not appended");
    }
}

static uint64_t delete_by_index(struct bench *b, const int64_t *keys, uint64_t count)
{
    char *const sql = allocate(64 + KEYS_OF_STATEMENT * 22);
    uint64_t deleted = 0;
    for (uint64_t at = 0; at < count; at += KEYS_OF_STATEMENT) {
        char *end = sql + sprintf(sql, "DELETE FROM t WHERE id IN (");
        for (uint64_t i = at; i < count && i < at + KEYS_OF_STATEMENT; i++) {
            end += sprintf(end, "%s%" PRId64, i > at ? "," : "", keys[i]);
        }
        memcpy(end, ")", 2);
        deleted += execute(b, sql);
    }
    free(sql);
    return deleted;
}

static void apply_batch(struct bench *b, uint64_t count)
{
    int64_t *const keys = b->keys, *const rowids = keys + count;
    uint64_t deleted = 0;
    for (uint64_t i = 0; i < count; i++) {
        keys[i] = (int64_t)permutation_next(&b->next) + 1;
    }
    b->made += count;
    qsort(keys, count, sizeof(*keys), compare_keys);
    if (b->way == PLACES) {
        take_places(b, keys, count, rowids);
    }
    execute(b, "BEGIN");
    append_batch(b, keys, b->way == PLACES ? rowids : NULL, count);
    switch (b->way) {
    case SCAN:
        deleted = execute(b, "DELETE FROM t USING temp.batch b WHERE t.id = b.id");
        break;
    case PRIMARY_KEY:
        deleted = delete_by_index(b, keys, count);
        break;
    default:
        deleted = execute(b, "DELETE FROM t WHERE rowid IN (SELECT place FROM temp.batch)");
        break;
    }
    if (deleted != count) {
        die("key_index: %" PRIu64 " rows deleted instead of %" PRIu64, deleted, count);
    }
    execute(b, "INSERT INTO t SELECT id, id & 65535, place FROM temp.batch WHERE id % 2 = 0");
    execute(b, "COMMIT");
}

/* ---- The program ---- */

static void open_database(struct bench *b, const char *directory)
{
    char path[4096], sql[256], *error = NULL;
    if (mkdir(directory, 0700)) {
        die("key_index: cannot make %s", directory);
    }
    snprintf(path, sizeof(path), "%s/key_index.duckdb", directory);
    if (duckdb_open_ext(path, &b->database, NULL, &error) != DuckDBSuccess) {
        die("key_index: %s", error);
    }
    if (duckdb_connect(b->database, &b->connection) != DuckDBSuccess) {
        die("key_index: cannot connect");
    }
    execute(b, "SET threads = 1");
    execute(b, "SET checkpoint_threshold = '1TB'");
    execute(b, "CREATE TEMP TABLE batch (id BIGINT, place BIGINT)");
    execute(b, b->way == PRIMARY_KEY ? "CREATE TABLE t (id BIGINT PRIMARY KEY, k INT, v BIGINT)"
                                     : "CREATE TABLE t (id BIGINT, k INT, v BIGINT)");
    snprintf(sql, sizeof(sql),
             "INSERT INTO t SELECT i, i & 65535, i FROM range(1, %" PRIu64 ") r(i)", b->rows + 1);
    execute(b, sql);
    execute(b, "CHECKPOINT");
    b->next_rowid = (int64_t)b->rows;
}

static void print_index(struct bench *b)
{
    duckdb_result result = query(b, "SELECT CAST(sum(memory_usage_bytes) AS BIGINT) FROM "
                                    "duckdb_memory() WHERE tag = 'ART_INDEX'");
    printf("index %" PRId64 " MiB\n", duckdb_value_int64(&result, 0, 0) >> 20);
    duckdb_destroy_result(&result);
}

static void make_places(struct bench *b)
{
    b->places = allocate((b->rows + 1) * sizeof(*b->places));
    for (uint64_t key = 1; key <= b->rows; key++) {
        b->places[key] = (int64_t)key - 1;
    }
}

static void measure(struct bench *b, uint64_t changes, uint64_t batch)
{
    uint64_t done = 0;
    const double began = clock_seconds();
    double seconds = 0;
    b->keys = allocate(2 * batch * sizeof(*b->keys));
    for (; done < changes && seconds < SECONDS; seconds = clock_seconds() - began) {
        apply_batch(b, batch);
        done += batch;
    }
    free(b->keys);
    printf("%" PRIu64 " %.0f changes/s\n", batch, (double)done / seconds);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    if (argc < 6) {
        die("usage: key_index DIRECTORY WAY ROWS CHANGES BATCH...");
    }
    while (b.way < WAYS && strcmp(argv[2], way_names[b.way]) != 0) {
        b.way++;
    }
    b.rows = strtoull(argv[3], NULL, 10);
    const uint64_t changes = strtoull(argv[4], NULL, 10);
    if (b.way == WAYS || b.rows < 2 || changes < 1) {
        die("key_index: WAY is scan, primary-key or places, ROWS at least 2, CHANGES at least 1");
    }
    b.next = permutation_of(b.rows);
    open_database(&b, argv[1]);
    if (b.way == PLACES) {
        make_places(&b);
    }
    for (int i = 5; i < argc; i++) {
        const uint64_t batch = strtoull(argv[i], NULL, 10);
        if (batch < 1 || b.made + changes + batch > b.rows) {
            die("key_index: a batch of %s, or too many changes for the table", argv[i]);
        }
        measure(&b, changes, batch);
    }
    if (b.way == PRIMARY_KEY) {
        print_index(&b);
    }
    free(b.places);
    duckdb_disconnect(&b.connection);
    duckdb_close(&b.database);
    return 0;
}
