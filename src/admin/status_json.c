/* The document of /status.json: what the dashboard shows, as numbers. */
#include "stats/stats.h"
#include "version.gen.h"

#include "admin/admin_int.h"
#include "base/clock.h"
#include "base/metrics.h"

#include <jansson.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Digests shown: those that took most time. */
#define DIGESTS_SHOWN 30

static json_t *text_json(struct str s)
{
    /* Names in statements may be no UTF-8 when the client's character set is binary. */
    return str_is_utf8(s) ? json_stringn(s.p, s.len) : json_string("(not UTF-8)");
}

static json_t *ms_json(uint64_t us)
{
    return json_real((double)us / 1e3);
}

static json_t *latency_json(const struct metrics_sample *s)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)s->value, "total_ms",
                     ms_json(s->sum_us), "p50_ms", ms_json(histogram_quantile(s->counts, 0.50)),
                     "p95_ms", ms_json(histogram_quantile(s->counts, 0.95)), "p99_ms",
                     ms_json(histogram_quantile(s->counts, 0.99)));
}

/* Metrics by name, with labels as they are written; histograms go elsewhere. */
static json_t *metrics_json(const struct metrics_sample *samples, uint32_t n, json_t *latencies)
{
    json_t *all = json_object();
    for (uint32_t i = 0; i < n; i++) {
        const struct metrics_sample *s = &samples[i];
        char key[512];
        const bool labelled = s->labels[0] != '\0';
        (void)snprintf(key, sizeof key, "%s%s%s%s", s->name, labelled ? "{" : "", s->labels,
                       labelled ? "}" : "");
        if (s->kind == METRICS_HISTOGRAM) {
            (void)json_object_set_new(latencies, key, latency_json(s));
        } else {
            (void)json_object_set_new(all, key, json_integer(s->value));
        }
    }
    return all;
}

static json_t *digest_json(const struct stats_digest *d)
{
    char hash[33];
    (void)snprintf(hash, sizeof hash, "%016" PRIx64 "%016" PRIx64, d->hash[0], d->hash[1]);
    json_t *counts = json_object();
    for (unsigned i = 0; i < STATS_ENGINES; i++) {
        (void)json_object_set_new(counts, stats_engine_name((enum stats_engine)i),
                                  json_integer((json_int_t)d->counts[i]));
    }
    return json_pack("{s:s, s:o, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I}",
                     "digest", hash, "text", text_json(d->text), "count", (json_int_t)d->count,
                     "engines", counts, "errors", (json_int_t)d->errors, "rows",
                     (json_int_t)d->rows, "bytes", (json_int_t)d->bytes, "total_ms",
                     ms_json(d->total_us), "p50_ms", ms_json(d->p50_us), "p95_ms",
                     ms_json(d->p95_us), "p99_ms", ms_json(d->p99_us), "max_ms", ms_json(d->max_us),
                     "first_seen", (json_int_t)(d->first_seen_us / 1000000), "last_seen",
                     (json_int_t)(d->last_seen_us / 1000000));
}

static json_t *digests_json(struct stats *stats, struct arena *arena)
{
    struct stats_digest *digests;
    json_t *list = json_array();
    const uint32_t n = stats_snapshot(stats, arena, &digests);
    for (uint32_t i = 0; i < MIN(n, (uint32_t)DIGESTS_SHOWN); i++) {
        (void)json_array_append_new(list, digest_json(&digests[i]));
    }
    return list;
}

static json_t *engine_json(struct engine *engine, struct arena *arena)
{
    struct engine_stat *stats;
    json_t *all = json_object();
    const uint32_t n = engine == NULL ? 0 : engine_statistics(engine, arena, &stats);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = arena_dup_cstr(arena, stats[i].name);
        (void)json_object_set_new(all, name, text_json(stats[i].value));
    }
    return all;
}

static void add_server(json_t *doc, struct server *server, struct arena *arena)
{
    (void)json_object_set_new(doc, "server_version", text_json(server->version));
    (void)json_object_set_new(doc, "started", json_integer(server->started_us / 1000000));
    (void)json_object_set_new(doc, "digests", digests_json(server->stats, arena));
    (void)json_object_set_new(doc, "engine", engine_json(server->engine, arena));
}

static int append(const char *p, size_t len, void *out)
{
    struct bytebuf *b = out;
    bytebuf_put(b, p, len);
    return b->failed ? -1 : 0;
}

void admin_write_status(struct server *server, enum admin_state state, struct bytebuf *out)
{
    struct arena arena;
    struct metrics_sample *samples;
    arena_init(&arena, 0);
    const uint32_t n = metrics_snapshot(&arena, &samples);
    json_t *latencies = json_object();
    json_t *metrics = metrics_json(samples, n, latencies);
    json_t *doc = json_pack("{s:s, s:s, s:f, s:o, s:o}", "version", PINTAIL_VERSION, "state",
                            admin_state_name(state), "now", (double)clock_wall_us() / 1e6,
                            "metrics", metrics, "latencies", latencies);
    if (state != ADMIN_STARTING) {
        add_server(doc, server, &arena);
    }
    if (doc == NULL ||
        json_dump_callback(doc, append, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0) {
        out->failed = true;
    }
    bytebuf_put_char(out, '\n');
    json_decref(doc);
    arena_release(&arena);
}
