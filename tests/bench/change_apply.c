/*
 * Measures the change stream without a network: a log file in memory goes through the whole
 * pipeline into a copy on disk. Row changes a second of wall time, from the first block to the last
 * commit.
 *
 *     change_apply FILE [KEYS [ROUNDS [BATCH_MB]]]
 *
 * The tables are those of the file's table maps (binlog_row_metadata=FULL). KEYS rows, whose keys
 * are 1, 2, …, are put into the tables with one integer key beforehand.
 * `tests/bench/binlog_workload` makes files.
 */
#include "change/pipeline_int.h"

#include "base/clock.h"
#include "engine/duckdb/duckdb_engine.h"
#include "exec/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 1024 * 1024,
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
        const char *event = b->file.p + b->at;
        const uint32_t size = binlog_peek_size(str_from(event, b->file.len - b->at));
        if (size < BINLOG_HEADER_LEN || size > b->file.len - b->at) {
            fail("the file is cut off");
        }
        if (block->len > 0 && block->len + size + sizeof(size) > BLOCK_BYTES) {
            break;
        }
        if (block->len + size + sizeof(size) > block->cap) {
            block->cap = block->len + size + sizeof(size) + BLOCK_BYTES;
            block->data = realloc(block->data, block->cap);
        }
        memcpy(block->data + block->len, &size, sizeof(size));
        memcpy(block->data + block->len + sizeof(size), event, size);
        block->len += size + sizeof(size);
        b->at += size;
    }
    return block->len > 0;
}

static enum change_take take(void *arg, uint64_t deadline_us, struct change_block **out,
                             struct diag *d)
{
    struct bench *b = arg;
    (void)d;
    b->taker = fiber_self();
    if (fill_block(b)) {
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
    return b->at >= b->file.len && b->rounds <= 1;
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

static void preload(const struct table_def *t)
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
    for (uint64_t id = 1; id <= bench.keys; id++) {
        (void)chunk_builder_add_row(&b);
        for (uint32_t i = 0; i < t->column_count; i++) {
            if (type_phys(&types[i]) == VEC_STR) {
                chunk_builder_set_str(&b, i, STR("0123456789-0123456789-0123456789-0123456789"));
            } else {
                chunk_builder_set_int(&b, i, (int64_t)id);
            }
        }
        if (chunk_builder_is_full(&b) || id == bench.keys) {
            const struct chunk chunk = chunk_builder_chunk(&b);
            check(engine_writer_append(w, &chunk, &bench.diag));
            chunk_builder_reset(&b);
        }
    }
    check(engine_writer_close(w, true, &bench.diag));
    check(engine_commit(bench.session, &bench.diag));
    chunk_builder_release(&b);
}

static void add_table(const struct binlog_table *map)
{
    struct copy_table *known = copy_find(bench.copy, map->db, map->name);
    if (known != NULL) {
        copy_table_unref(known);
        return;
    }
    struct table_def *def = make_def(map);
    struct copy_change change = {
        .after = copy_table_new(&bench.server, def->db, def->name, COPY_LIVE, def, STR(""))};
    check(engine_begin(bench.session, 0, &bench.diag));
    check(copy_store(bench.copy, bench.session, &change, &bench.diag));
    check(engine_commit(bench.session, &bench.diag));
    copy_publish(bench.copy, &change);
    if (bench.keys > 0 && map->key_count == 1) {
        preload(def);
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
        const uint32_t size = binlog_peek_size(str_from(bench.file.p + at, bench.file.len - at));
        if (size < BINLOG_HEADER_LEN || size > bench.file.len - at) {
            fail("the file is cut off");
        }
        check(binlog_stream_feed(&s, str_from(bench.file.p + at, size), at, &bench.diag));
        while ((rc = binlog_stream_next(&s, &item, &bench.diag)) == BINLOG_ITEM) {
            if (item.kind == BINLOG_TXN_TABLE && item.table_is_new) {
                add_table(item.table);
            }
        }
        check(rc == BINLOG_ERROR ? -1 : 0);
        at += size;
    }
    binlog_stream_release(&s);
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
    (void)printf("%.0f rows/s  %.0f transactions/s  %.0f MB/s  (%llu rows, %llu batches, %.3f s, "
                 "%.3f s of processor time)\n",
                 (double)rows / seconds, (double)st.transactions / seconds,
                 (double)bench.bytes / 1e6 / seconds, (unsigned long long)rows,
                 (unsigned long long)st.batches, seconds, cpu);
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
        const char *event = bench.file.p + at;
        count += (uint8_t)event[4] == BINLOG_XID;
        at += binlog_peek_size(str_from(event, bench.file.len - at));
    }
    return count;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static struct str map_file(const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
        fail(strerror(errno));
    }
    char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED) {
        fail(strerror(errno));
    }
    (void)close(fd);
    return str_from(p, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
    uint64_t megabytes = 64;
    bench.rounds = 1;
    if (argc < 2 || (argc > 2 && str_to_u64(str_from_cstr(argv[2]), &bench.keys) != 0) ||
        (argc > 3 && str_to_u64(str_from_cstr(argv[3]), &bench.rounds) != 0) ||
        (argc > 4 && str_to_u64(str_from_cstr(argv[4]), &megabytes) != 0)) {
        fail("usage: change_apply FILE [KEYS [ROUNDS [BATCH_MB]]]");
    }
    bench.file = map_file(argv[1]);
    (void)snprintf(bench.dir, sizeof(bench.dir), "/tmp/pintail-apply-XXXXXX");
    if (mkdtemp(bench.dir) == NULL) {
        fail(strerror(errno));
    }
    open_all();
    add_tables();
    const struct pipeline_options options = {.max_batch_bytes = megabytes << 20,
                                             .max_batch_us = 10000000,
                                             .huge_bytes = (uint64_t)1 << 30};
    uint64_t transactions = count_transactions() * bench.rounds;
    bench.bytes = bench.file.len * bench.rounds;
    bench.pipeline = pipeline_new(&bench.server, bench.copy, &options);
    offload_start(NULL);
    if (fiber_run(run, &transactions) != 0) {
        fail("no fiber");
    }
    offload_stop();
    pipeline_free(bench.pipeline);
    copy_free(bench.copy);
    engine_session_close(bench.session);
    engine_close(bench.server.engine);
    (void)nftw(bench.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return EXIT_SUCCESS;
}
