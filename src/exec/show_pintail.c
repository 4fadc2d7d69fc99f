/* See show_int.h: SHOW PINTAIL, what Pintail knows of itself: metrics, statements by digest,
 * the tables of the upstream, and the clients. */
#include "stats/stats.h"

#include "base/metrics.h"
#include "exec/replica.h"
#include "exec/show_int.h"

#include <inttypes.h>

/*
 * Who may see what others do: as the process list. Of an upstream's accounts nothing is known here
 * but the name of the one that Pintail itself uses: that is the operator's.
 */
static int check_operator(struct show_run *r)
{
    struct exec_session *x = r->x;
    if (x->server->upstream == NULL) {
        return exec_check_global(x, PRIV_PROCESS, "PROCESS");
    }
    return exec_check_operator(x, "PROCESS (here: be the account of storage.mysql.user)");
}

/* ---- SHOW PINTAIL STATUS: the metrics ---- */

/* "pintail_bytes_sent_total" and the like without what all have in common; suffix: of a histogram's
 * figures. */
static struct str metric_name(struct arena *arena, const struct metrics_sample *s,
                              const char *suffix)
{
    struct str name = str_from_cstr(s->name);
    const struct str prefix = STR("pintail_");
    if (str_starts_with(name, prefix)) {
        name = str_from(name.p + prefix.len, name.len - prefix.len);
    }
    const bool labelled = s->labels[0] != '\0';
    return arena_printf(arena, "%.*s%s%s%s%s", STR_FMT(name), suffix, labelled ? "{" : "",
                        s->labels, labelled ? "}" : "");
}

static int histogram_rows(struct show_run *r, const struct metrics_sample *s)
{
    static const struct {
        const char *suffix;
        double q;
    } quantiles[] = {{"_p50", 0.50}, {"_p95", 0.95}, {"_p99", 0.99}};
    struct arena *arena = &r->x->stmt_arena;
    if (show_send_pair(r, metric_name(arena, s, "_count"),
                       arena_printf(arena, "%" PRId64, s->value)) != 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++) {
        const double seconds = (double)histogram_quantile(s->counts, quantiles[i].q) / 1e6;
        if (show_send_pair(r, metric_name(arena, s, quantiles[i].suffix),
                           arena_printf(arena, "%.6f", seconds)) != 0) {
            return -1;
        }
    }
    return show_send_pair(r, metric_name(arena, s, "_sum"),
                          arena_printf(arena, "%.6f", (double)s->sum_us / 1e6));
}

int show_pintail_status(struct show_run *r)
{
    struct arena *arena = &r->x->stmt_arena;
    struct metrics_sample *samples;
    const uint32_t n = metrics_snapshot(arena, &samples);
    for (uint32_t i = 0; i < n; i++) {
        const struct metrics_sample *s = &samples[i];
        const int rc = s->kind == METRICS_HISTOGRAM
                           ? histogram_rows(r, s)
                           : show_send_pair(r, metric_name(arena, s, ""),
                                            arena_printf(arena, "%" PRId64, s->value));
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- SHOW PINTAIL DIGESTS: statements ---- */

static void show_ms(struct show_run *r, const char *column, uint64_t us)
{
    show_set(r, column, value_double((double)us / 1e3));
}

static int digest_row(struct show_run *r, const struct stats_digest *d)
{
    static const char *const counts[STATS_ENGINES] = {[STATS_LOCAL] = "Count_local",
                                                      [STATS_COLUMN] = "Count_column",
                                                      [STATS_UPSTREAM] = "Count_upstream",
                                                      [STATS_CACHE] = "Count_cache"};
    show_text(r, "Digest",
              arena_printf(&r->x->stmt_arena, "%016" PRIx64 "%016" PRIx64, d->hash[0], d->hash[1]));
    show_text(r, "Digest_text", d->text);
    show_uint(r, "Count", d->count);
    for (size_t i = 0; i < STATS_ENGINES; i++) {
        show_uint(r, counts[i], d->counts[i]);
    }
    show_uint(r, "Errors", d->errors);
    show_uint(r, "Rows", d->rows);
    show_uint(r, "Bytes", d->bytes);
    show_ms(r, "Total_ms", d->total_us);
    show_ms(r, "P50_ms", d->p50_us);
    show_ms(r, "P95_ms", d->p95_us);
    show_ms(r, "P99_ms", d->p99_us);
    show_ms(r, "Max_ms", d->max_us);
    show_time(r, "First_seen", d->first_seen_us);
    show_time(r, "Last_seen", d->last_seen_us);
    return show_send(r);
}

int show_pintail_digests(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct stats_digest *digests;
    if (check_operator(r) != 0) {
        return -1;
    }
    const uint32_t n = stats_snapshot(x->server->stats, &x->stmt_arena, &digests);
    for (uint32_t i = 0; i < n; i++) {
        if (digest_row(r, &digests[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- SHOW PINTAIL TABLES: what the upstream has ---- */

static int object_row(struct show_run *r, const struct mirrored_object *o)
{
    const bool is_table = str_eq(o->kind, STR("TABLE"));
    show_text(r, "Database", o->db);
    show_text(r, "Name", o->name);
    show_text(r, "Kind", o->kind);
    show_text(r, "Engine", o->engine.len > 0 ? o->engine : STR_NULL);
    if (o->columns > 0) {
        show_uint(r, "Columns", o->columns);
    }
    if (is_table) {
        show_cstr(r, "Mirrored", o->why_not.len == 0 ? "YES" : "NO");
        show_text(r, "Reason", o->why_not.len > 0 ? o->why_not : STR_NULL);
    }
    return show_send(r);
}

int show_pintail_tables(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct mirrored_object *objects;
    if (check_operator(r) != 0) {
        return -1;
    }
    if (x->server->mirror == NULL) {
        return 0;
    }
    const uint32_t n = x->server->mirror_ops->list(x->server->mirror, &x->stmt_arena, &objects);
    /* What has changed meanwhile shows in the next answer. */
    x->server->mirror_ops->refresh(x->server->mirror);
    for (uint32_t i = 0; i < n; i++) {
        if (object_row(r, &objects[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- SHOW PINTAIL SESSIONS: the clients ---- */

int show_pintail_sessions(struct show_run *r)
{
    const struct server *server = r->x->server;
    struct process_info *list;
    if (check_operator(r) != 0) {
        return -1;
    }
    const uint32_t n = server->sessions->list(server->registry, &r->x->stmt_arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        show_uint(r, "Id", list[i].id);
        if (list[i].upstream_id != 0) {
            show_uint(r, "Upstream_id", list[i].upstream_id);
        }
        show_text(r, "User", list[i].user);
        show_text(r, "Host", list[i].host);
        show_text(r, "Command", list[i].command);
        show_uint(r, "Time", list[i].seconds);
        show_text(r, "State", list[i].state);
        if (show_send(r) != 0) {
            return -1;
        }
    }
    return 0;
}
