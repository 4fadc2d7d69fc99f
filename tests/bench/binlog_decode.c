/*
 * Measures the decoder of the binary log on one core: row changes a second of processor time, from
 * a log file in memory.
 *
 *     binlog_decode [--cells] FILE [ROUNDS]
 *
 * Checksums are verified, transactions assembled, and every cell of every image is put into a
 * column chunk, which is dropped when full; with --cells rows are only cut into cells. An update is
 * one row change with two images. Prints a line a round, then `best`. `tests/bench/binlog_workload`
 * makes files.
 */
#include "binlog/cell.h"
#include "binlog/stream.h"
#include "log_file.h"

#include "types/collation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAX_TABLES = 64,
    DEFAULT_ROUNDS = 5,
};

/* Where the rows of a table go. */
struct target {
    const struct binlog_table *table;
    struct sql_type *types;
    const struct charset **charsets;
    struct chunk_builder builder;
};

struct bench {
    bool cells_only;
    struct binlog_stream stream;
    struct arena arena;   /* Of the targets. */
    struct arena scratch; /* Of an event. */
    struct diag diag;
    struct target targets[MAX_TABLES];
    size_t target_count;
    uint64_t events;
    uint64_t txns;
    uint64_t rows;
    uint64_t malformed;
};

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "binlog_decode: %s\n", what);
    exit(EXIT_FAILURE);
}

static void fail_diag(const struct bench *b)
{
    char text[600];
    (void)snprintf(text, sizeof(text), "%.*s", STR_FMT(b->diag.error->message));
    fail(text);
}

static struct target *get_target(struct bench *b, const struct binlog_table *t)
{
    for (size_t i = 0; i < b->target_count; i++) {
        if (b->targets[i].table == t) {
            return &b->targets[i];
        }
    }
    if (b->target_count == MAX_TABLES) {
        fail("too many tables");
    }
    struct target *g = &b->targets[b->target_count++];
    g->table = t;
    g->types = ARENA_ARRAY(&b->arena, struct sql_type, t->ncols);
    g->charsets = ARENA_ARRAY(&b->arena, const struct charset *, t->ncols);
    for (uint32_t i = 0; i < t->ncols; i++) {
        const struct collation *c =
            t->cols[i].has_collation ? collation_find(t->cols[i].collation) : NULL;
        g->types[i] = binlog_column_sql_type(&t->cols[i]);
        g->charsets[i] = c != NULL ? c->charset : NULL;
    }
    chunk_builder_init(&g->builder, g->types, t->ncols);
    return g;
}

static void put_image(struct bench *b, struct target *g, const struct binlog_cell *cells)
{
    if (chunk_builder_is_full(&g->builder)) {
        chunk_builder_reset(&g->builder);
    }
    (void)chunk_builder_add_row(&g->builder);
    for (uint32_t i = 0; i < g->table->ncols; i++) {
        b->malformed += binlog_put_cell(&g->builder, i, &g->table->cols[i], g->charsets[i],
                                        &cells[i], &b->scratch) == BINLOG_PUT_MALFORMED;
    }
}

static void take_rows(struct bench *b, const struct binlog_item *item)
{
    struct binlog_rows_iter it;
    enum binlog_next rc;
    struct target *g = b->cells_only ? NULL : get_target(b, item->table);
    if (binlog_rows_iter_init(&it, &item->rows, item->table, &b->scratch, &b->diag) != 0) {
        fail_diag(b);
    }
    while ((rc = binlog_rows_next(&it, &b->diag)) == BINLOG_ITEM) {
        b->rows++;
        if (g != NULL && it.before != NULL) {
            put_image(b, g, it.before);
        }
        if (g != NULL && it.after != NULL) {
            put_image(b, g, it.after);
        }
    }
    if (rc == BINLOG_ERROR) {
        fail_diag(b);
    }
    arena_reset(&b->scratch);
}

static void take_file(struct bench *b, struct str file)
{
    size_t at = BINLOG_MAGIC_LEN;
    while (at < file.len) {
        struct binlog_item item;
        enum binlog_next rc;
        const struct str event = log_file_event(file, at);
        if (event.p == NULL) {
            fail("the file is cut off");
        }
        if (binlog_stream_feed(&b->stream, event, at, &b->diag) != 0) {
            fail_diag(b);
        }
        while ((rc = binlog_stream_next(&b->stream, &item, &b->diag)) == BINLOG_ITEM) {
            b->txns += item.kind == BINLOG_TXN_BEGIN;
            if (item.kind == BINLOG_TXN_ROWS) {
                take_rows(b, &item);
            }
        }
        if (rc == BINLOG_ERROR) {
            fail_diag(b);
        }
        b->events++;
        at += event.len;
    }
}

/* Decodes the file once. Returns row changes a second. */
static double run_round(struct str file, bool cells_only)
{
    static struct bench b;
    b = (struct bench){.cells_only = cells_only};
    arena_init(&b.arena, 0);
    arena_init(&b.scratch, 0);
    diag_init(&b.diag);
    binlog_stream_init(&b.stream, BINLOG_CHECKSUM_UNKNOWN);
    const double start = cpu_seconds();
    take_file(&b, file);
    const double seconds = cpu_seconds() - start;
    for (size_t i = 0; i < b.target_count; i++) {
        chunk_builder_release(&b.targets[i].builder);
    }
    binlog_stream_release(&b.stream);
    diag_release(&b.diag);
    arena_release(&b.scratch);
    arena_release(&b.arena);
    if (b.malformed > 0) {
        fail("there are malformed cells");
    }
    (void)printf(
        "%.0f rows/s  %.0f events/s  %.0f transactions/s  %.0f MB/s  (%llu rows, %.3f s)\n",
        (double)b.rows / seconds, (double)b.events / seconds, (double)b.txns / seconds,
        (double)file.len / 1e6 / seconds, (unsigned long long)b.rows, seconds);
    return (double)b.rows / seconds;
}

int main(int argc, char **argv)
{
    const bool cells_only = argc > 1 && strcmp(argv[1], "--cells") == 0;
    const int first = cells_only ? 2 : 1;
    uint64_t rounds = DEFAULT_ROUNDS;
    if (argc <= first ||
        (argc > first + 1 && str_to_u64(str_from_cstr(argv[first + 1]), &rounds) != 0)) {
        fail("usage: binlog_decode [--cells] FILE [ROUNDS]");
    }
    const struct str file = log_file_map(argv[first]);
    if (file.p == NULL) {
        fail(strerror(errno));
    }
    double best = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        const double rate = run_round(file, cells_only);
        best = MAX(best, rate);
    }
    (void)printf("best %.0f rows/s\n", best);
    return EXIT_SUCCESS;
}
