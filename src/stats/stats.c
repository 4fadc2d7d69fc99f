/* See stats.h. */
#include "stats/stats.h"

#include "base/bytebuf.h"
#include "base/clock.h"
#include "base/htab.h"
#include "base/metrics.h"
#include "base/rlist.h"
#include "os/os_mutex.h"
#include "sql/digest.h"

#include <xxhash.h>

#include <stdio.h>
#include <stdlib.h>

/* Longest text kept of a digest. */
#define TEXT_MAX 1024

/* Texts remembered a shard; a power of two. */
#define MEMO_SLOTS 1024

/* Longest text whose literals are masked for the memo. */
#define MASK_MAX 1024

/* A digest in one shard. Never freed while the shard is: the memo may point to it. */
struct entry {
    struct rlist lru; /* in shard->lru */
    uint64_t push;    /* which of the shard's pushes put it there */
    uint64_t hash[2]; /* the key */
    uint32_t reused;  /* how often it became another digest */
    struct str text;  /* malloc'd */
    uint64_t counts[STATS_ENGINES];
    uint64_t errors;
    uint64_t rows;
    uint64_t bytes;
    uint64_t total_us;
    uint64_t max_us;
    uint64_t first_seen; /* clock_monotonic_us() */
    uint64_t last_seen;
    uint32_t latencies[HISTOGRAM_BUCKETS];
};

/* The digest of a text, known by the hash of the text with its literals masked. Two texts of one
 * hash would be counted as one statement, which with 64 bits does not happen by chance. */
struct memo {
    uint64_t text_hash;
    struct entry *entry; /* NULL = empty */
    uint32_t reused;     /* as in the entry, or the slot is out of date */
};

struct shard {
    _Alignas(64) struct os_mutex lock; /* a leaf; protects what follows */
    struct htab by_hash;
    struct rlist lru; /* least recently seen first, but for the order of the last quarter */
    uint64_t pushes;  /* to the end of it so far */
    uint32_t count;
    struct memo memo[MEMO_SLOTS];
};

struct stats {
    uint32_t max_digests;
    struct metric *seconds[STATS_ENGINES];
    struct metric *errors[STATS_ENGINES];
    struct metric *rows;
    struct metric *bytes;
    struct metric *dropped;
    struct shard *shards; /* STATS_SHARDS of them; NULL when no digests are kept */
};

const char *stats_engine_name(enum stats_engine engine)
{
    static const char *const names[STATS_ENGINES] = {[STATS_LOCAL] = "local",
                                                     [STATS_COLUMN] = "column",
                                                     [STATS_UPSTREAM] = "upstream",
                                                     [STATS_CACHE] = "cache"};
    return names[engine];
}

/* ---- Life ---- */

static int64_t read_count(void *arg)
{
    return metrics_value(arg);
}

static void register_metrics(struct stats *s)
{
    for (unsigned i = 0; i < STATS_ENGINES; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof labels, "engine=\"%s\"",
                       stats_engine_name((enum stats_engine)i));
        s->seconds[i] = metrics_histogram_new("pintail_statement_seconds",
                                              "Latency of statements, by who answered.", labels);
        metrics_read_new(METRICS_COUNTER, "pintail_statements_total",
                         "Statements that have ended, by who answered.", labels, read_count,
                         s->seconds[i]);
        s->errors[i] = metrics_counter_new("pintail_statement_errors_total",
                                           "Statements that ended with an error.", labels);
    }
    s->rows = metrics_counter_new("pintail_statement_rows_total", "Rows sent or changed.", NULL);
    s->bytes = metrics_counter_new("pintail_statement_bytes_total",
                                   "Bytes of replies to statements.", NULL);
    s->dropped = metrics_counter_new("pintail_digests_dropped_total",
                                     "Digests dropped because the table was full.", NULL);
}

struct stats *stats_new(uint32_t max_digests)
{
    struct stats *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->max_digests = max_digests;
    register_metrics(s);
    const size_t len = sizeof(struct shard) * STATS_SHARDS;
    s->shards = max_digests > 0 ? aligned_alloc(_Alignof(struct shard), len) : NULL;
    if (s->shards == NULL) {
        return s;
    }
    memset(s->shards, 0, len);
    for (unsigned i = 0; i < STATS_SHARDS; i++) {
        os_mutex_init(&s->shards[i].lock);
        htab_init(&s->shards[i].by_hash, 0);
        rlist_init(&s->shards[i].lru);
    }
    return s;
}

static void entry_free(struct entry *e)
{
    free((void *)(uintptr_t)e->text.p);
    free(e);
}

void stats_free(struct stats *s)
{
    if (s == NULL) {
        return;
    }
    for (unsigned i = 0; s->shards != NULL && i < STATS_SHARDS; i++) {
        struct shard *shard = &s->shards[i];
        rlist_foreach_safe (it, &shard->lru) {
            entry_free(RLIST_ENTRY(it, struct entry, lru));
        }
        htab_release(&shard->by_hash);
        os_mutex_release(&shard->lock);
    }
    free(s->shards);
    free(s);
}

/* ---- The hash of a text ---- */

/*
 * Texts that differ only in whole numbers and plain strings have one digest and shall have one
 * hash, at a tenth of what a digest costs. Only texts for which that is certain without scanning
 * them as SQL are masked; what may hold a comment, another quote or an escape is hashed as it is.
 */

static bool is_word_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$' || c == '@' || c == '.' || c >= 0x80;
}

static size_t digits_at(struct str text, size_t i)
{
    size_t n = 0;
    while (i + n < text.len && text.p[i + n] >= '0' && text.p[i + n] <= '9') {
        n++;
    }
    return n;
}

/* The length of the literal that is to be masked at i, 0 = none there, SIZE_MAX = not to be told.
 */
static size_t literal_at(struct str text, size_t i)
{
    const char c = text.p[i];
    if (c == '\'') {
        const char *end = memchr(text.p + i + 1, '\'', text.len - i - 1);
        const size_t len = end == NULL ? 0 : (size_t)(end + 1 - (text.p + i));
        /* A doubled quote is one within the string. */
        return end == NULL || (i + len < text.len && text.p[i + len] == '\'') ? SIZE_MAX : len;
    }
    if (c < '0' || c > '9' || (i > 0 && is_word_char((unsigned char)text.p[i - 1]))) {
        return 0;
    }
    const size_t n = digits_at(text, i);
    return i + n < text.len && is_word_char((unsigned char)text.p[i + n]) ? 0 : n;
}

/* May quotes and digits not be what they seem from here on? */
static bool is_obscure(struct str text, size_t i)
{
    const char next = i + 1 < text.len ? text.p[i + 1] : '\0';
    switch (text.p[i]) {
    case '`':
    case '"':
    case '#':
        return true;
    case '/':
        return next == '*';
    case '-':
        return next == '-';
    default:
        return false;
    }
}

/* Writes the text with its literals masked; 0 = this text cannot be masked. */
static size_t mask(struct str text, char out[MASK_MAX])
{
    size_t len = 0;
    if (text.len > MASK_MAX || memchr(text.p, '\\', text.len) != NULL) {
        return 0;
    }
    for (size_t i = 0; i < text.len;) {
        const size_t literal = literal_at(text, i);
        if (literal == SIZE_MAX || is_obscure(text, i)) {
            return 0;
        }
        out[len++] = literal > 0 ? (text.p[i] == '\'' ? '\'' : '0') : text.p[i];
        i += literal > 0 ? literal : 1;
    }
    return len;
}

static uint64_t hash_of(struct str text)
{
    char masked[MASK_MAX];
    const size_t len = text.len > 0 ? mask(text, masked) : 0;
    return len > 0 ? XXH3_64bits(masked, len) : XXH3_64bits(text.p != NULL ? text.p : "", text.len);
}

/* The hash of a text that is read in a certain mode. */
static uint64_t hash_in_mode(uint64_t hash, const struct parse_options *options)
{
    return hash ^ (uint64_t)options->sql_mode * UINT64_C(0x9E3779B97F4A7C15);
}

/* ---- Recording ---- */

static struct str key_of(const uint64_t hash[2])
{
    return str_from((const char *)hash, 2 * sizeof *hash);
}

static struct memo *memo_slot(struct shard *shard, uint64_t text_hash)
{
    return &shard->memo[text_hash & (MEMO_SLOTS - 1)];
}

/* The entry of a text seen lately, or NULL. Under the shard's lock. */
static struct entry *recall(struct shard *shard, uint64_t text_hash)
{
    const struct memo *m = memo_slot(shard, text_hash);
    return m->entry != NULL && m->text_hash == text_hash && m->reused == m->entry->reused ? m->entry
                                                                                          : NULL;
}

/* A digest's text for the table, malloc'd; p NULL when there is no memory. */
static struct str digest_text(struct str statement, const struct parse_options *options)
{
    struct bytebuf b;
    struct digest ignored;
    bytebuf_init(&b, 2 * (size_t)TEXT_MAX);
    sql_digest(statement, options, &ignored, &b);
    struct str text = bytebuf_str(&b);
    const bool cut = b.failed || text.len > TEXT_MAX;
    if (text.len > TEXT_MAX) {
        text.len = TEXT_MAX;
    }
    while (cut && text.len > 0 && ((unsigned char)text.p[text.len - 1] & 0xC0) == 0x80) {
        text.len--; /* not within a character */
    }
    if (cut && text.len > 0 && ((unsigned char)text.p[text.len - 1] & 0x80) != 0) {
        text.len--;
    }
    char *copy = malloc(text.len + 4);
    if (copy == NULL) {
        bytebuf_release(&b);
        return STR_NULL;
    }
    if (text.len > 0) {
        memcpy(copy, text.p, text.len);
    }
    if (cut) {
        memcpy(copy + text.len, "...", 3);
    }
    bytebuf_release(&b);
    return str_from(copy, text.len + (cut ? 3 : 0));
}

static void push_last(struct shard *shard, struct entry *e)
{
    rlist_push(&shard->lru, &e->lru);
    e->push = ++shard->pushes;
}

/* An entry to be filled: the least recently seen one when the shard is full. Under the lock. */
static struct entry *take_entry(struct stats *s, struct shard *shard)
{
    if (shard->count < s->max_digests) {
        struct entry *e = calloc(1, sizeof *e);
        shard->count += e != NULL ? 1 : 0;
        return e;
    }
    struct entry *e = RLIST_ENTRY(shard->lru.next, struct entry, lru);
    const uint32_t reused = e->reused + 1;
    rlist_del(&e->lru);
    htab_remove(&shard->by_hash, key_of(e->hash));
    free((void *)(uintptr_t)e->text.p);
    *e = (struct entry){.reused = reused};
    metrics_count(s->dropped);
    return e;
}

/* The digest's entry, made if need be; NULL when there is no memory. Takes the shard's lock, which
 * stays held. */
static struct entry *find_or_add(struct stats *s, struct shard *shard, struct str statement,
                                 const struct parse_options *options)
{
    struct digest digest;
    sql_digest(statement, options, &digest, NULL);
    os_mutex_lock(&shard->lock);
    struct entry *e = htab_find(&shard->by_hash, key_of(digest.hash));
    if (e != NULL) {
        return e;
    }
    os_mutex_unlock(&shard->lock);
    const struct str text = digest_text(statement, options);
    os_mutex_lock(&shard->lock);
    e = htab_find(&shard->by_hash, key_of(digest.hash)); /* another thread may have been faster */
    if (e != NULL || text.p == NULL) {
        free((void *)(uintptr_t)text.p);
        return e;
    }
    e = take_entry(s, shard);
    if (e == NULL) {
        free((void *)(uintptr_t)text.p);
        return NULL;
    }
    memcpy(e->hash, digest.hash, sizeof e->hash);
    e->text = text;
    e->first_seen = clock_monotonic_us();
    push_last(shard, e);
    htab_put(&shard->by_hash, key_of(e->hash), e);
    return e;
}

/* Under the lock. */
static void count_in(const struct stats *s, struct shard *shard, struct entry *e,
                     const struct stats_outcome *o)
{
    e->counts[o->engine]++;
    e->errors += o->failed ? 1 : 0;
    e->rows += o->rows;
    e->bytes += o->bytes;
    e->total_us += o->latency_us;
    e->max_us = MAX(e->max_us, o->latency_us);
    e->latencies[histogram_bucket(o->latency_us)]++;
    e->last_seen = clock_monotonic_us();
    if (shard->pushes - e->push > s->max_digests / 4) {
        /* Else it is among the last anyway: moving it costs its neighbours' cache lines. */
        rlist_del(&e->lru);
        push_last(shard, e);
    }
}

static void count_totals(const struct stats *s, const struct stats_outcome *o)
{
    metrics_observe_us(s->seconds[o->engine], o->latency_us);
    metrics_add(s->bytes, o->bytes);
    if (o->rows > 0) {
        metrics_add(s->rows, o->rows);
    }
    if (o->failed) {
        metrics_count(s->errors[o->engine]);
    }
}

void stats_record(struct stats *s, struct stats_text *text, const struct parse_options *options,
                  const struct stats_outcome *outcome)
{
    if (s == NULL) {
        return;
    }
    count_totals(s, outcome);
    if (s->shards == NULL) {
        return;
    }
    if (text->hash == 0) {
        text->hash = hash_of(text->text);
    }
    struct shard *shard = &s->shards[metrics_shard() % STATS_SHARDS];
    const uint64_t text_hash = hash_in_mode(text->hash, options);
    os_mutex_lock(&shard->lock);
    struct entry *e = recall(shard, text_hash);
    if (e == NULL) {
        os_mutex_unlock(&shard->lock);
        e = find_or_add(s, shard, text->text, options);
        if (e != NULL) {
            *memo_slot(shard, text_hash) =
                (struct memo){.text_hash = text_hash, .entry = e, .reused = e->reused};
        }
    }
    if (e != NULL) {
        count_in(s, shard, e, outcome);
    }
    os_mutex_unlock(&shard->lock);
}

/* ---- Reading ---- */

/* A digest summed up over the shards. */
struct sum {
    struct stats_digest d;
    uint64_t latencies[HISTOGRAM_BUCKETS];
};

struct sums {
    struct arena *arena;
    struct htab by_hash;
    int64_t wall_minus_monotonic;
};

static void add_entry(struct sums *sums, const struct entry *e)
{
    struct sum *sum = htab_find(&sums->by_hash, key_of(e->hash));
    const int64_t first_seen = (int64_t)e->first_seen + sums->wall_minus_monotonic;
    const int64_t last_seen = (int64_t)e->last_seen + sums->wall_minus_monotonic;
    if (sum == NULL) {
        sum = ARENA_NEW(sums->arena, struct sum);
        memcpy(sum->d.hash, e->hash, sizeof e->hash);
        sum->d.text = arena_dup(sums->arena, e->text);
        sum->d.first_seen_us = first_seen;
        sum->d.last_seen_us = last_seen;
        htab_put(&sums->by_hash, key_of(sum->d.hash), sum);
    }
    struct stats_digest *d = &sum->d;
    for (unsigned i = 0; i < STATS_ENGINES; i++) {
        d->counts[i] += e->counts[i];
        d->count += e->counts[i];
    }
    d->errors += e->errors;
    d->rows += e->rows;
    d->bytes += e->bytes;
    d->total_us += e->total_us;
    d->max_us = MAX(d->max_us, e->max_us);
    d->first_seen_us = MIN(d->first_seen_us, first_seen);
    d->last_seen_us = MAX(d->last_seen_us, last_seen);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum->latencies[i] += e->latencies[i];
    }
}

static void set_quantiles(struct sum *sum)
{
    /* A bucket's end may lie beyond the longest latency seen. */
    struct stats_digest *d = &sum->d;
    d->p50_us = MIN(histogram_quantile(sum->latencies, 0.50), d->max_us);
    d->p95_us = MIN(histogram_quantile(sum->latencies, 0.95), d->max_us);
    d->p99_us = MIN(histogram_quantile(sum->latencies, 0.99), d->max_us);
}

static int by_total(const void *a, const void *b)
{
    const uint64_t x = ((const struct stats_digest *)a)->total_us;
    const uint64_t y = ((const struct stats_digest *)b)->total_us;
    return x < y ? 1 : x > y ? -1 : 0;
}

uint32_t stats_snapshot(struct stats *s, struct arena *arena, struct stats_digest **out)
{
    struct sums sums = {.arena = arena,
                        .wall_minus_monotonic = clock_wall_us() - (int64_t)clock_monotonic_us()};
    htab_init(&sums.by_hash, 0);
    for (unsigned i = 0; s != NULL && s->shards != NULL && i < STATS_SHARDS; i++) {
        os_mutex_lock(&s->shards[i].lock);
        rlist_foreach (it, &s->shards[i].lru) {
            add_entry(&sums, RLIST_ENTRY(it, struct entry, lru));
        }
        os_mutex_unlock(&s->shards[i].lock);
    }
    struct stats_digest *all = ARENA_ARRAY(arena, struct stats_digest, sums.by_hash.count + 1);
    uint32_t n = 0;
    size_t pos = 0;
    struct sum *sum;
    while ((sum = htab_next(&sums.by_hash, &pos)) != NULL) {
        set_quantiles(sum);
        all[n++] = sum->d;
    }
    htab_release(&sums.by_hash);
    qsort(all, n, sizeof *all, by_total);
    *out = all;
    return n;
}
