/*
 * Measures the change stream without a network: a log in memory goes through the whole pipeline
 * into a copy on disk. Row changes a second of wall time, from the first block to the last commit.
 *
 *     change_apply FILE [KEYS [ROUNDS [BATCH_MB]]]
 *     change_apply --random ROWS CHANGES [BATCH_MB]…
 *
 * The tables are those of the file's table maps (binlog_row_metadata=FULL). KEYS rows, whose keys
 * are 1, 2, …, are put into the tables with one integer key beforehand.
 * `tests/bench/binlog_workload` makes files.
 *
 * With --random a narrow table of ROWS rows is made, and updated and deleted from at uniformly
 * random keys (change_random.h), CHANGES times for each size of batches.
 */
#include "change/pipeline_int.h"
#include "change_random.h"
#include "log_file.h"

#include "base/clock.h"
#include "engine/duckdb/duckdb_engine.h"
#include "exec/bootstrap.h"

#include <zlib.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    BLOCK_BYTES = 1024 * 1024,
    PRELOAD_ROWS = 10000000, /* In a transaction. */
    BATCH_MB = 64,
};

struct bench {
    struct str file;
    size_t at;
    uint64_t keys;
    uint64_t rounds, bytes;
    struct server server;
    struct copy *copy;
    struct pipeline *pipeline;
    struct engine_session *session;
    struct diag diag;
    struct arena arena;
    struct change_block block;
    struct change_random random;
    struct bytebuf random_events; /* The block's memory with --random. */
    uint64_t random_left;         /* Transactions still to be made. */
    bool nudged;
    struct fiber *taker;
    char dir[64];
};

static struct bench bench;

static void fail(const char *what)
{
    (void)fprintf(stderr, "change_apply: %s\n", what);
    exit(EXIT_FAILURE);
}

static void check(int rc)
{
    if (rc != 0) {
        char text[600];
        const struct diag_cond *error = bench.diag.error;
        (void)snprintf(text, sizeof(text), "%.*s",
                       STR_FMT(error != NULL ? error->message : STR("failed")));
        fail(text);
    }
}

/* ---- The input ---- */

static struct str event_at(size_t at)
{
    const struct str event = log_file_event(bench.file, at);
    if (event.p == NULL) {
        fail("the file is cut off");
    }
    return event;
}

/* A transaction that comes again has a GTID of its own: one that the copy has would be skipped. */
static void renumber(char *event, uint32_t size, uint64_t round)
{
    enum {
        GNO_OFFSET = BINLOG_HEADER_LEN + 1 + BINLOG_UUID_LEN,
        CHECKSUM_LEN = 4
    };
    uint64_t gno;
    uint32_t sum;
    if ((uint8_t)event[4] != BINLOG_GTID || size < GNO_OFFSET + sizeof(gno) + CHECKSUM_LEN) {
        return;
    }
    const uint32_t summed = size - CHECKSUM_LEN;
    memcpy(&sum, event + summed, sizeof(sum));
    const bool has_sum = sum == (uint32_t)crc32(0, (const Bytef *)event, summed);
    memcpy(&gno, event + GNO_OFFSET, sizeof(gno));
    gno += round << 32;
    memcpy(event + GNO_OFFSET, &gno, sizeof(gno));
    if (has_sum) {
        sum = (uint32_t)crc32(0, (const Bytef *)event, summed);
        memcpy(event + summed, &sum, sizeof(sum));
    }
}

/* The next events of the file, each behind its length. */
static bool fill_block(struct bench *b)
{
    struct change_block *block = &b->block;
    block->len = 0;
    block->at = 0;
    if (b->at >= b->file.len && b->rounds > 1) {
        b->rounds--;
        b->at = BINLOG_MAGIC_LEN;
    }
    while (b->at < b->file.len) {
        const struct str event = event_at(b->at);
        const uint32_t size = (uint32_t)event.len;
        if (block->len > 0 && block->len + size + sizeof(size) > BLOCK_BYTES) {
            break;
        }
        if (block->len + size + sizeof(size) > block->cap) {
            block->cap = block->len + size + sizeof(size) + BLOCK_BYTES;
            block->data = realloc(block->data, block->cap);
        }
        memcpy(block->data + block->len, &size, sizeof(size));
        memcpy(block->data + block->len + sizeof(size), event.p, size);
        if (b->rounds > 1) {
            renumber(block->data + block->len + sizeof(size), size, b->rounds);
        }
        block->len += size + sizeof(size);
        b->at += size;
    }
    return block->len > 0;
}

/* The next random transactions. */
static bool fill_random(struct bench *b)
{
    bytebuf_reset(&b->random_events);
    while (b->random_left > 0 && b->random_events.len < BLOCK_BYTES) {
        change_random_put(&b->random, &b->random_events);
        b->random_left--;
    }
    b->bytes += b->random_events.len;
    b->block = (struct change_block){.data = b->random_events.p, .len = b->random_events.len};
    return b->block.len > 0;
}

static enum change_take take(void *arg, uint64_t deadline_us, struct change_block **out,
                             struct diag *d)
{
    struct bench *b = arg;
    (void)d;
    b->taker = fiber_self();
    if (b->file.len > 0 ? fill_block(b) : fill_random(b)) {
        *out = &b->block;
        return CHANGE_TAKE_BLOCK;
    }
    while (!b->nudged && fiber_park(deadline_us) == FIBER_WOKEN) {
    }
    b->nudged = false;
    return CHANGE_TAKE_TIMEOUT;
}

static void give_back(void *arg, struct change_block *block)
{
    (void)arg, (void)block;
}

static void nudge(void *arg)
{
    struct bench *b = arg;
    b->nudged = true;
    if (b->taker != NULL) {
        fiber_wake(b->taker);
    }
}

static void restart(void *arg, const struct change_position *from)
{
    (void)arg, (void)from;
    fail("the stream starts again");
}

static bool is_idle(void *arg)
{
    const struct bench *b = arg;
    return b->at >= b->file.len && b->rounds <= 1 && b->random_left == 0;
}

/* ---- Tables ---- */

static struct table_def *make_def(const struct binlog_table *map)
{
    struct table_def *t = table_def_new();
    t->id = catalog_next_id(bench.server.catalog);
    t->db = arena_dup(t->arena, map->db);
    t->name = arena_dup(t->arena, map->name);
    t->collation = COLLATION_UTF8MB4_0900_AI_CI;
    t->engine_name = STR("InnoDB");
    t->auto_increment_column = -1;
    t->column_count = map->ncols;
    t->next_column_id = map->ncols + 1;
    t->columns = ARENA_ARRAY(t->arena, struct column_def, map->ncols);
    for (uint32_t i = 0; i < map->ncols; i++) {
        t->columns[i] = (struct column_def){.id = i + 1,
                                            .name = arena_dup(t->arena, map->cols[i].name),
                                            .type = binlog_column_sql_type(&map->cols[i])};
    }
    if (map->key_count > 0) {
        t->index_count = 1;
        t->indexes = ARENA_NEW(t->arena, struct index_def);
        t->indexes[0] = (struct index_def){
            .id = 1,
            .kind = INDEX_DEF_PRIMARY,
            .name = STR("PRIMARY"),
            .column_count = map->key_count,
            .columns = ARENA_ARRAY(t->arena, struct index_column, map->key_count)};
        for (uint32_t i = 0; i < map->key_count; i++) {
            t->indexes[0].columns[i].column = map->key[i].column;
        }
    }
    table_def_set_key_flags(t);
    return t;
}

/* Rows with the keys from first to last. */
static void preload(const struct table_def *t, uint64_t first, uint64_t last)
{
    struct engine_writer *w;
    struct chunk_builder b;
    struct sql_type *types = ARENA_ARRAY(&bench.arena, struct sql_type, t->column_count);
    for (uint32_t i = 0; i < t->column_count; i++) {
        types[i] = t->columns[i].type;
    }
    chunk_builder_init(&b, types, t->column_count);
    check(engine_begin(bench.session, 0, &bench.diag));
    check(engine_writer_open(bench.session, t, ENGINE_WRITE_UNIQUE_CHECKED, &bench.diag, &w));
    for (uint64_t id = first; id <= last; id++) {
        (void)chunk_builder_add_row(&b);
        for (uint32_t i = 0; i < t->column_count; i++) {
            if (type_phys(&types[i]) == VEC_STR) {
                chunk_builder_set_str(&b, i, STR("0123456789-0123456789-0123456789-0123456789"));
            } else {
                chunk_builder_set_int(&b, i, (int64_t)id);
            }
        }
        if (chunk_builder_is_full(&b) || id == last) {
            const struct chunk chunk = chunk_builder_chunk(&b);
            check(engine_writer_append(w, &chunk, &bench.diag));
            chunk_builder_reset(&b);
        }
    }
    check(engine_writer_close(w, true, &bench.diag));
    check(engine_commit(bench.session, &bench.diag));
    chunk_builder_release(&b);
}

static void publish_table(struct table_def *def)
{
    struct copy_change change = {
        .after = copy_table_new(&bench.server, def->db, def->name, COPY_LIVE, def, STR(""))};
    check(engine_begin(bench.session, 0, &bench.diag));
    check(copy_store(bench.copy, bench.session, &change, &bench.diag));
    check(engine_commit(bench.session, &bench.diag));
    copy_publish(bench.copy, &change);
}

static void add_table(const struct binlog_table *map)
{
    struct copy_table *known = copy_find(bench.copy, map->db, map->name);
    if (known != NULL) {
        copy_table_unref(known);
        return;
    }
    struct table_def *def = make_def(map);
    publish_table(def);
    if (bench.keys > 0 && map->key_count == 1) {
        preload(def, 1, bench.keys);
    }
    table_def_unref(def);
}

/* Makes the tables of the file's table maps. */
static void add_tables(void)
{
    struct binlog_stream s;
    struct binlog_item item;
    enum binlog_next rc;
    binlog_stream_init(&s, BINLOG_CHECKSUM_UNKNOWN);
    for (size_t at = BINLOG_MAGIC_LEN; at < bench.file.len;) {
        const struct str event = event_at(at);
        check(binlog_stream_feed(&s, event, at, &bench.diag));
        while ((rc = binlog_stream_next(&s, &item, &bench.diag)) == BINLOG_ITEM) {
            if (item.kind == BINLOG_TXN_TABLE && item.table_is_new) {
                add_table(item.table);
            }
        }
        check(rc == BINLOG_ERROR ? -1 : 0);
        at += event.len;
    }
    binlog_stream_release(&s);
}

/* The table of the random changes. */
static void add_random_table(uint64_t rows)
{
    struct binlog_column cols[] = {{.name = STR("id"), .type = MYSQL_TYPE_LONGLONG},
                                   {.name = STR("k"), .type = MYSQL_TYPE_LONG},
                                   {.name = STR("v"), .type = MYSQL_TYPE_LONGLONG}};
    struct binlog_key_part key = {.column = 0};
    const struct binlog_table map = {.db = STR("bench"),
                                     .name = STR("random"),
                                     .ncols = ARRAY_SIZE(cols),
                                     .cols = cols,
                                     .key_count = 1,
                                     .key = &key};
    struct table_def *def = make_def(&map);
    publish_table(def);
    for (uint64_t first = 1; first <= rows; first += PRELOAD_ROWS) {
        preload(def, first, MIN(first + PRELOAD_ROWS - 1, rows));
    }
    table_def_unref(def);
}

/* ---- Running ---- */

static void open_all(void)
{
    const struct duckdb_config config = {.path = str_from_cstr(bench.dir), .threads = 2};
    arena_init(&bench.arena, 0);
    diag_init(&bench.diag);
    arena_init(&bench.server.arena, 0);
    fmutex_init(&bench.server.writer);
    os_rwlock_init(&bench.server.vars_lock);
    bench.server.vars.collation_server = COLLATION_UTF8MB4_0900_AI_CI;
    bench.server.catalog = catalog_new();
    bench.server.accounts = accounts_new();
    check(engine_open(&duckdb_engine, &config, &bench.diag, &bench.server.engine));
    check(exec_bootstrap(&bench.server, &bench.diag));
    check(engine_session_open(bench.server.engine, &bench.diag, &bench.session));
    bench.copy = copy_new(&bench.server);
}

static double cpu_seconds(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void report(double seconds, double cpu)
{
    struct pipeline_status st;
    struct batch_record *records;
    pipeline_status(bench.pipeline, &st);
    const uint32_t count = pipeline_batches(bench.pipeline, &bench.arena, &records);
    for (uint32_t i = 0; i < MIN(count, 3); i++) {
        (void)printf("batch %llu: %llu rows, decode %.1f ms, apply %.1f ms, commit %.1f ms\n",
                     (unsigned long long)records[i].number,
                     (unsigned long long)(records[i].rows_inserted + records[i].rows_updated +
                                          records[i].rows_deleted),
                     (double)records[i].decode_us / 1e3, (double)records[i].apply_us / 1e3,
                     (double)records[i].commit_us / 1e3);
    }
    const uint64_t rows = st.rows_inserted + st.rows_updated + st.rows_deleted;
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    (void)printf("%.0f rows/s  %.0f transactions/s  %.0f MB/s  (%llu rows, %llu batches, %.3f s, "
                 "%.3f s of processor time, at most %ld MiB of memory)\n",
                 (double)rows / seconds, (double)st.transactions / seconds,
                 (double)bench.bytes / 1e6 / seconds, (unsigned long long)rows,
                 (unsigned long long)st.batches, seconds, cpu, u.ru_maxrss / 1024);
    (void)fflush(stdout);
}

static void run(void *arg)
{
    const struct stream_input input = {.arg = &bench,
                                       .take = take,
                                       .give_back = give_back,
                                       .nudge = nudge,
                                       .restart = restart,
                                       .is_idle = is_idle};
    struct change_position from;
    struct pipeline_status st;
    const uint64_t transactions = *(const uint64_t *)arg;
    change_position_init(&from);
    (void)snprintf(from.file, sizeof(from.file), "log.000001");
    bench.at = BINLOG_MAGIC_LEN;
    const double cpu = cpu_seconds();
    const uint64_t start = clock_monotonic_us();
    check(pipeline_start_input(bench.pipeline, loop_self(), &input, &from, NULL));
    do {
        (void)fiber_sleep(1000);
        pipeline_status(bench.pipeline, &st);
        if (st.last_errno != 0) {
            fail(st.last_error);
        }
    } while (st.transactions < transactions);
    report((double)(clock_monotonic_us() - start) / 1e6, cpu_seconds() - cpu);
    pipeline_stop(bench.pipeline);
    change_position_release(&from);
}

static uint64_t count_transactions(void)
{
    uint64_t count = 0;
    for (size_t at = BINLOG_MAGIC_LEN; at < bench.file.len;) {
        const struct str event = event_at(at);
        count += (uint8_t)event.p[4] == BINLOG_XID;
        at += event.len;
    }
    return count;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* A pipeline's life: until so many transactions are applied. */
static void play(uint64_t transactions, uint64_t megabytes)
{
    const struct pipeline_options options = {.max_batch_bytes = megabytes << 20,
                                             .max_batch_us = 200000,
                                             .huge_bytes = (uint64_t)128 << 20};
    bench.pipeline = pipeline_new(&bench.server, bench.copy, &options);
    offload_start(NULL);
    if (fiber_run(run, &transactions) != 0) {
        fail("no fiber");
    }
    offload_stop();
    pipeline_free(bench.pipeline);
}

static uint64_t number(const char *text)
{
    uint64_t n;
    if (str_to_u64(str_from_cstr(text), &n) != 0) {
        fail("usage: change_apply FILE [KEYS [ROUNDS [BATCH_MB]]]\n"
             "       change_apply --random ROWS CHANGES [BATCH_MB]...");
    }
    return n;
}

static void play_file(int argc, char **argv)
{
    bench.keys = argc > 2 ? number(argv[2]) : 0;
    bench.rounds = argc > 3 ? number(argv[3]) : 1;
    bench.file = log_file_map(argv[1]);
    if (bench.file.p == NULL) {
        fail(strerror(errno));
    }
    add_tables();
    bench.bytes = bench.file.len * bench.rounds;
    play(count_transactions() * bench.rounds, argc > 4 ? number(argv[4]) : BATCH_MB);
}

static void play_random(int argc, char **argv)
{
    const uint64_t rows = number(argv[2]);
    const uint64_t transactions = number(argv[3]) / RANDOM_CHANGES;
    const uint64_t start = clock_monotonic_us();
    if (transactions * RANDOM_CHANGES * (uint64_t)MAX(argc - 4, 1) > rows) {
        fail("half of the changes delete a row with an odd key: there are not enough");
    }
    bench.random = (struct change_random){
        .rows = rows, .deletes = permutation_of(rows / 2), .state = 88172645463325252};
    bytebuf_init(&bench.random_events, 2 * (size_t)BLOCK_BYTES);
    add_random_table(rows);
    (void)printf("%llu rows made in %.1f s\n", (unsigned long long)rows,
                 (double)(clock_monotonic_us() - start) / 1e6);
    for (int i = 4; i < MAX(argc, 5); i++) {
        const uint64_t megabytes = argc > i ? number(argv[i]) : BATCH_MB;
        (void)printf("batches of %llu MiB:\n", (unsigned long long)megabytes);
        bench.random_left = transactions;
        bench.random.log_pos = BINLOG_MAGIC_LEN;
        bench.bytes = 0;
        play(transactions, megabytes);
    }
    bytebuf_release(&bench.random_events);
}

int main(int argc, char **argv)
{
    const bool is_random = argc > 1 && strcmp(argv[1], "--random") == 0;
    if (argc < (is_random ? 4 : 2)) {
        (void)number("");
    }
    (void)snprintf(bench.dir, sizeof(bench.dir), "/tmp/pintail-apply-XXXXXX");
    if (mkdtemp(bench.dir) == NULL) {
        fail(strerror(errno));
    }
    open_all();
    if (is_random) {
        play_random(argc, argv);
    } else {
        play_file(argc, argv);
    }
    copy_free(bench.copy);
    engine_session_close(bench.session);
    engine_close(bench.server.engine);
    (void)nftw(bench.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return EXIT_SUCCESS;
}
