/* See metrics.h. */
#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

/* A metric with what readers want to know of it; a list in order of name and labels. */
struct entry {
    struct metric metric; /* first: what users hold */
    struct entry *next;
    enum metrics_kind kind;
    metrics_read_fn *read; /* NULL = its cells */
    void *arg;
    const char *help;
    const char *labels;
    char name[]; /* the three strings one after the other */
};

struct metrics_shard metrics_shards[METRICS_SHARDS];

#define HISTOGRAM_CELLS (1 + HISTOGRAM_BUCKETS)

/* The first cells take what is counted on metrics that no longer fitted, and are not shown. */
#define SINK_CELL 0

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf; protects what follows */
static struct entry *entries;
static uint32_t entry_count;
static uint32_t next_cell = SINK_CELL + HISTOGRAM_CELLS;

static struct metric sink = {.cell = SINK_CELL};

unsigned metrics_shard(void)
{
    static atomic_uint next_shard;
    static _Thread_local unsigned mine; /* 1-based; 0 = none yet */
    if (mine == 0) {
        mine = 1 + atomic_fetch_add_explicit(&next_shard, 1, memory_order_relaxed) % METRICS_SHARDS;
    }
    return mine - 1;
}

/* ---- Registering ---- */

static int compare(const struct entry *e, const char *name, const char *labels)
{
    const int by_name = strcmp(e->name, name);
    return by_name != 0 ? by_name : strcmp(e->labels, labels);
}

static struct entry *entry_new(const char *name, const char *help, const char *labels)
{
    const size_t name_len = strlen(name) + 1;
    const size_t help_len = strlen(help) + 1;
    const size_t labels_len = strlen(labels) + 1;
    struct entry *e = calloc(1, sizeof *e + name_len + help_len + labels_len);
    if (e == NULL) {
        return NULL;
    }
    char *p = e->name;
    memcpy(p, name, name_len);
    e->help = memcpy(p + name_len, help, help_len);
    e->labels = memcpy(p + name_len + help_len, labels, labels_len);
    return e;
}

/* Finds or makes the entry; NULL when there is no room. Under the lock. */
static struct entry *get_entry(enum metrics_kind kind, const char *name, const char *help,
                               const char *labels, uint32_t cells)
{
    struct entry **at = &entries;
    while (*at != NULL && compare(*at, name, labels) < 0) {
        at = &(*at)->next;
    }
    if (*at != NULL && compare(*at, name, labels) == 0) {
        assert((*at)->kind == kind);
        return *at;
    }
    if (next_cell + cells > METRICS_CELLS) {
        return NULL;
    }
    struct entry *e = entry_new(name, help, labels);
    if (e == NULL) {
        return NULL;
    }
    e->kind = kind;
    e->metric.cell = cells > 0 ? next_cell : SINK_CELL;
    next_cell += cells;
    e->next = *at;
    *at = e;
    entry_count++;
    return e;
}

static struct metric *metric_new(enum metrics_kind kind, const char *name, const char *help,
                                 const char *labels)
{
    const uint32_t cells = kind == METRICS_HISTOGRAM ? HISTOGRAM_CELLS : 1;
    (void)pthread_mutex_lock(&lock);
    struct entry *e = get_entry(kind, name, help, labels != NULL ? labels : "", cells);
    (void)pthread_mutex_unlock(&lock);
    return e != NULL ? &e->metric : &sink;
}

struct metric *metrics_counter_new(const char *name, const char *help, const char *labels)
{
    return metric_new(METRICS_COUNTER, name, help, labels);
}

struct metric *metrics_gauge_new(const char *name, const char *help, const char *labels)
{
    return metric_new(METRICS_GAUGE, name, help, labels);
}

struct metric *metrics_histogram_new(const char *name, const char *help, const char *labels)
{
    return metric_new(METRICS_HISTOGRAM, name, help, labels);
}

void metrics_read_new(enum metrics_kind kind, const char *name, const char *help,
                      const char *labels, metrics_read_fn *fn, void *arg)
{
    assert(kind != METRICS_HISTOGRAM);
    (void)pthread_mutex_lock(&lock);
    struct entry *e = get_entry(kind, name, help, labels != NULL ? labels : "", 0);
    if (e != NULL) {
        e->read = fn;
        e->arg = arg;
    }
    (void)pthread_mutex_unlock(&lock);
}

void metrics_forget(const void *arg)
{
    (void)pthread_mutex_lock(&lock);
    for (struct entry *e = entries; e != NULL; e = e->next) {
        if (e->read != NULL && e->arg == arg) {
            e->read = NULL;
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- Reading ---- */

static uint64_t sum_cell(uint32_t cell)
{
    uint64_t sum = 0;
    if (cell == SINK_CELL) {
        return 0;
    }
    for (unsigned i = 0; i < METRICS_SHARDS; i++) {
        sum += atomic_load_explicit(&metrics_shards[i].cells[cell], memory_order_relaxed);
    }
    return sum;
}

static uint64_t sum_buckets(uint32_t cell, uint64_t *counts)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const uint64_t n = sum_cell(cell + 1 + i);
        total += n;
        if (counts != NULL) {
            counts[i] = n;
        }
    }
    return total;
}

int64_t metrics_value(const struct metric *m)
{
    const struct entry *e = (const struct entry *)m;
    if (m == &sink) {
        return 0;
    }
    return (int64_t)(e->kind == METRICS_HISTOGRAM ? sum_buckets(m->cell, NULL) : sum_cell(m->cell));
}

/* Under the lock. */
static void take_sample(const struct entry *e, struct arena *arena, struct metrics_sample *out)
{
    *out = (struct metrics_sample){
        .name = e->name, .help = e->help, .labels = e->labels, .kind = e->kind};
    if (e->kind == METRICS_HISTOGRAM) {
        uint64_t *counts = ARENA_ARRAY(arena, uint64_t, HISTOGRAM_BUCKETS);
        out->value = (int64_t)sum_buckets(e->metric.cell, counts);
        out->sum_us = sum_cell(e->metric.cell);
        out->counts = counts;
    } else {
        out->value = e->read != NULL ? e->read(e->arg) : (int64_t)sum_cell(e->metric.cell);
    }
}

uint32_t metrics_snapshot(struct arena *arena, struct metrics_sample **out)
{
    (void)pthread_mutex_lock(&lock);
    struct metrics_sample *samples = ARENA_ARRAY(arena, struct metrics_sample, entry_count + 1);
    uint32_t n = 0;
    for (const struct entry *e = entries; e != NULL; e = e->next) {
        take_sample(e, arena, &samples[n++]);
    }
    (void)pthread_mutex_unlock(&lock);
    *out = samples;
    return n;
}

/* ---- Text ---- */

/* Powers of two of microseconds between which a scrape sees counts: 16 µs to 67 s. */
#define FIRST_SHOWN_OCTAVE 4u
#define LAST_SHOWN_OCTAVE  26u

static void write_value(struct bytebuf *out, const struct metrics_sample *s)
{
    const bool labelled = s->labels[0] != '\0';
    bytebuf_printf(out, "%s%s%s%s %" PRId64 "\n", s->name, labelled ? "{" : "", s->labels,
                   labelled ? "}" : "", s->value);
}

static void write_histogram(struct bytebuf *out, const struct metrics_sample *s)
{
    const bool labelled = s->labels[0] != '\0';
    const char *comma = labelled ? "," : "";
    uint64_t below = 0;
    unsigned bucket = 0;
    for (unsigned octave = FIRST_SHOWN_OCTAVE; octave <= LAST_SHOWN_OCTAVE; octave++) {
        const uint64_t end_us = UINT64_C(1) << octave;
        for (; histogram_bucket_top(bucket) < end_us; bucket++) {
            below += s->counts[bucket];
        }
        bytebuf_printf(out, "%s_bucket{%s%sle=\"%.6f\"} %" PRIu64 "\n", s->name, s->labels, comma,
                       (double)end_us / 1e6, below);
    }
    bytebuf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", s->name, s->labels, comma,
                   s->value);
    bytebuf_printf(out, "%s_sum%s%s%s %.6f\n", s->name, labelled ? "{" : "", s->labels,
                   labelled ? "}" : "", (double)s->sum_us / 1e6);
    bytebuf_printf(out, "%s_count%s%s%s %" PRId64 "\n", s->name, labelled ? "{" : "", s->labels,
                   labelled ? "}" : "", s->value);
}

void metrics_write_text(struct bytebuf *out)
{
    static const char *const kinds[] = {[METRICS_COUNTER] = "counter",
                                        [METRICS_GAUGE] = "gauge",
                                        [METRICS_HISTOGRAM] = "histogram"};
    struct arena arena;
    struct metrics_sample *samples;
    arena_init(&arena, 0);
    const uint32_t n = metrics_snapshot(&arena, &samples);
    for (uint32_t i = 0; i < n; i++) {
        const struct metrics_sample *s = &samples[i];
        if (i == 0 || strcmp(samples[i - 1].name, s->name) != 0) {
            bytebuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", s->name, s->help, s->name,
                           kinds[s->kind]);
        }
        if (s->kind == METRICS_HISTOGRAM) {
            write_histogram(out, s);
        } else {
            write_value(out, s);
        }
    }
    arena_release(&arena);
}
