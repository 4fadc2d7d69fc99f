/*
 * Metrics of the process: counters, gauges, and latency histograms that every layer may register
 * and count on, and that admin/ and SHOW PINTAIL STATUS read. One registry for the process.
 *
 * Counting does not contend: a metric is a number of cells, and each thread adds to its own copy of
 * them (threads beyond METRICS_SHARDS share copies, hence the atomic adds). A reader sums the
 * copies up, so that a figure read while others count may be a moment old, never wrong.
 *
 *   static struct metric *waits;
 *   waits = metrics_counter_new("pintail_pool_waits_total", "Sessions that waited.", "");
 *   metrics_count(waits);
 *
 * Names follow Prometheus: pintail_<subsystem>_<what>_<unit>, counters end in _total, times are
 * shown in seconds. Labels are written as in its text format, without the braces:
 * engine="column",kind="read"; a value that is not fixed text must have its backslashes, quotes and
 * line ends escaped. Keep their number small: each combination is a metric of its own.
 *
 * Registering twice under one name and labels gives the same metric. Registering never fails: what
 * no longer fits the cells is counted nowhere. Metrics live as long as the process. Any thread.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/arena.h"
#include "base/base.h"
#include "base/bytebuf.h"
#include "base/histogram.h"

#include <stdatomic.h>

#define METRICS_SHARDS 16
#define METRICS_CELLS  8192

enum metrics_kind {
    METRICS_COUNTER,
    METRICS_GAUGE,
    METRICS_HISTOGRAM,
};

/* What to count on. */
struct metric {
    uint32_t cell; /* first of its cells in each shard */
};

/* A value that is read when it is wanted; short, and neither blocks nor registers metrics. May be
 * called on any thread. */
typedef int64_t metrics_read_fn(void *arg);

/* ---- Registering ---- */

/* Strings are copied. labels: "" or NULL = none. */
NODISCARD struct metric *metrics_counter_new(const char *name, const char *help,
                                             const char *labels);
NODISCARD struct metric *metrics_gauge_new(const char *name, const char *help, const char *labels);
NODISCARD struct metric *metrics_histogram_new(const char *name, const char *help,
                                               const char *labels);

/* A counter or gauge whose value fn(arg) knows. Registering again replaces fn and arg. */
void metrics_read_new(enum metrics_kind kind, const char *name, const char *help,
                      const char *labels, metrics_read_fn *fn, void *arg);

/* Those registered with arg read 0 from now on: before arg is freed. */
void metrics_forget(const void *arg);

/* ---- Counting ---- */

struct metrics_shard {
    _Alignas(64) _Atomic(uint64_t) cells[METRICS_CELLS];
};

extern struct metrics_shard metrics_shards[METRICS_SHARDS];

/* The calling thread's shard, from 0 to METRICS_SHARDS - 1; given out in turn. */
NODISCARD unsigned metrics_shard(void);

static inline void metrics_add_at(uint32_t cell, uint64_t n)
{
    atomic_fetch_add_explicit(&metrics_shards[metrics_shard()].cells[cell], n,
                              memory_order_relaxed);
}

static inline void metrics_add(const struct metric *m, uint64_t n)
{
    metrics_add_at(m->cell, n);
}

static inline void metrics_count(const struct metric *m)
{
    metrics_add_at(m->cell, 1);
}

/* Moves a gauge; up and down may be on different threads. A gauge is either moved or set. */
static inline void metrics_gauge_add(const struct metric *m, int64_t n)
{
    metrics_add_at(m->cell, (uint64_t)n);
}

static inline void metrics_gauge_set(const struct metric *m, int64_t value)
{
    atomic_store_explicit(&metrics_shards[0].cells[m->cell], (uint64_t)value, memory_order_relaxed);
}

/* A histogram's cells: the sum in microseconds, then the buckets. */
static inline void metrics_observe_us(const struct metric *m, uint64_t us)
{
    metrics_add_at(m->cell, us);
    metrics_add_at(m->cell + 1 + histogram_bucket(us), 1);
}

/* ---- Reading ---- */

/* A counter's, gauge's or histogram's value now. For a histogram: how many were observed. */
NODISCARD int64_t metrics_value(const struct metric *m);

struct metrics_sample {
    const char *name; /* strings live as long as the process */
    const char *help;
    const char *labels; /* "" = none */
    enum metrics_kind kind;
    int64_t value;          /* of a histogram: how many were observed */
    uint64_t sum_us;        /* histograms only */
    const uint64_t *counts; /* HISTOGRAM_BUCKETS of them in the arena; NULL for other kinds */
};

/* All metrics with their values, in order of name and labels; in arena. Returns how many. */
NODISCARD uint32_t metrics_snapshot(struct arena *arena, struct metrics_sample **out);

/* Appends the text format that Prometheus scrapes (version 0.0.4):
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
void metrics_write_text(struct bytebuf *out);

#endif
