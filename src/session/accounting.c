/*
 * What sessions count: each statement by digest (stats/), and metrics of the registry's sessions.
 */
#include "stats/stats.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "session/session_int.h"

/* ---- Statements ---- */

/* Bytes written to the client so far, sent or not. */
static uint64_t bytes_written(const struct session *s)
{
    return s->conn.bytes_out + s->conn.out.len - s->conn.sent;
}

void session_account_begin(struct session *s, struct statement_account *a)
{
    a->started_us = clock_monotonic_us();
    a->bytes_before = bytes_written(s);
    s->sink.base.rows = 0;
    s->x.result.used_engine = false;
}

void session_account_end(struct session *s, const struct statement_account *a, struct str text,
                         bool failed)
{
    const struct exec_result *r = &s->x.result;
    const struct parse_options options = exec_parse_options(&s->x);
    const uint64_t written = bytes_written(s);
    const struct stats_outcome outcome = {
        .engine = r->used_engine ? STATS_COLUMN : STATS_LOCAL,
        .failed = failed,
        .latency_us = clock_monotonic_us() - a->started_us,
        .rows = failed        ? 0
                : r->has_rows ? s->sink.base.rows
                              : r->affected_rows,
        /* Less than before where an error took back what was written. */
        .bytes = written - MIN(a->bytes_before, written),
    };
    struct stats_text stats = {.text = text};
    stats_record(s->all->server->stats, &stats, &options, &outcome);
}

/* ---- Metrics ---- */

void session_count_bytes(struct session *s)
{
    metrics_add(s->all->bytes_received, s->conn.bytes_in - s->counted_in);
    metrics_add(s->all->bytes_sent, s->conn.bytes_out - s->counted_out);
    s->counted_in = s->conn.bytes_in;
    s->counted_out = s->conn.bytes_out;
}

static int64_t read_counter(void *arg)
{
    const _Atomic(uint64_t) *counter = arg;
    return (int64_t)atomic_load_explicit(counter, memory_order_relaxed);
}

struct named_counter {
    enum metrics_kind kind;
    const char *name;
    const char *help;
    size_t offset; /* in struct server_status */
};

static const struct named_counter counters[] = {
    {METRICS_GAUGE, "pintail_sessions", "Client sessions now.",
     offsetof(struct server_status, threads_connected)},
    {METRICS_GAUGE, "pintail_sessions_running", "Sessions that run a command now.",
     offsetof(struct server_status, threads_running)},
    {METRICS_GAUGE, "pintail_sessions_max", "Most sessions at once since the start.",
     offsetof(struct server_status, max_used_connections)},
    {METRICS_COUNTER, "pintail_connections_total", "Connections accepted.",
     offsetof(struct server_status, connections)},
    {METRICS_COUNTER, "pintail_connections_failed_total", "Connections that did not log in.",
     offsetof(struct server_status, aborted_connects)},
    {METRICS_COUNTER, "pintail_commands_total", "Commands received, of any kind.",
     offsetof(struct server_status, questions)},
};

static void *counter_at(struct server_status *status, const struct named_counter *c)
{
    return (char *)status + c->offset;
}

void accounting_start(struct sessions *all)
{
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        metrics_read_new(counters[i].kind, counters[i].name, counters[i].help, NULL, read_counter,
                         counter_at(&all->server->status, &counters[i]));
    }
    all->bytes_received = metrics_counter_new(
        "pintail_bytes_received_total",
        "Bytes of the protocol from clients, without TLS and compression.", NULL);
    all->bytes_sent =
        metrics_counter_new("pintail_bytes_sent_total",
                            "Bytes of the protocol to clients, without TLS and compression.", NULL);
}

void accounting_stop(struct sessions *all)
{
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        metrics_forget(counter_at(&all->server->status, &counters[i]));
    }
}
