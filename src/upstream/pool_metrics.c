/* See pool_metrics.h. */
#include "upstream/pool_metrics.h"

#include "base/metrics.h"

/* A figure of the pool's. The pool is set when registering and read under the registry's lock. */
static struct figure {
    enum metrics_kind kind;
    const char *name;
    const char *help;
    size_t offset; /* in struct upstream_pool_stats */
    struct upstream_pool *pool;
} figures[] = {
    {METRICS_GAUGE, "pintail_pool_connections", "Connections to the upstream.",
     offsetof(struct upstream_pool_stats, open), NULL},
    {METRICS_GAUGE, "pintail_pool_idle_connections", "Those that nobody uses.",
     offsetof(struct upstream_pool_stats, idle), NULL},
    {METRICS_GAUGE, "pintail_pool_warm_connections", "Those opened ahead, for logins to come.",
     offsetof(struct upstream_pool_stats, warm), NULL},
    {METRICS_GAUGE, "pintail_pool_waiting", "Sessions in line for a connection.",
     offsetof(struct upstream_pool_stats, waiting), NULL},
    {METRICS_COUNTER, "pintail_pool_opened_total", "Connections opened.",
     offsetof(struct upstream_pool_stats, opened), NULL},
    {METRICS_COUNTER, "pintail_pool_closed_total", "Connections closed.",
     offsetof(struct upstream_pool_stats, closed), NULL},
    {METRICS_COUNTER, "pintail_pool_reused_total", "Times an idle connection was taken.",
     offsetof(struct upstream_pool_stats, reused), NULL},
    {METRICS_COUNTER, "pintail_pool_warm_taken_total", "Logins over a connection opened ahead.",
     offsetof(struct upstream_pool_stats, warm_taken), NULL},
    {METRICS_COUNTER, "pintail_pool_moved_total", "Connections that changed their event loop.",
     offsetof(struct upstream_pool_stats, moved), NULL},
    {METRICS_COUNTER, "pintail_pool_wait_timeouts_total", "Sessions that waited in vain.",
     offsetof(struct upstream_pool_stats, wait_timeouts), NULL},
    {METRICS_COUNTER, "pintail_pool_refused_total", "Sessions refused because the line was full.",
     offsetof(struct upstream_pool_stats, refused), NULL},
    {METRICS_COUNTER, "pintail_pool_connect_failures_total", "Connections that could not be made.",
     offsetof(struct upstream_pool_stats, connect_failures), NULL},
    {METRICS_COUNTER, "pintail_pool_wait_microseconds_total", "Time that sessions were in line.",
     offsetof(struct upstream_pool_stats, wait_us), NULL},
};

static int64_t read_figure(void *arg)
{
    const struct figure *f = arg;
    struct upstream_pool_stats stats;
    upstream_pool_stats(f->pool, &stats);
    uint64_t value;
    memcpy(&value, (const char *)&stats + f->offset, sizeof value);
    return (int64_t)value;
}

void upstream_pool_register_metrics(struct upstream_pool *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
        figures[i].pool = p;
        metrics_read_new(figures[i].kind, figures[i].name, figures[i].help, NULL, read_figure,
                         &figures[i]);
    }
}

void upstream_pool_forget_metrics(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
        metrics_forget(&figures[i]);
    }
}
