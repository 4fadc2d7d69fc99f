/*
 * The HTTP endpoints for those who run the server:
 *
 *   /metrics       all metrics (base/metrics.h) in the text format of Prometheus
 *   /health        200 while the process lives
 *   /ready         200 when clients are served; 503 while starting and draining
 *   /status.json   what the dashboard shows
 *   /              the dashboard, one page without anything from elsewhere
 *
 * Only GET and HEAD. With a token, /metrics and /status.json need "Authorization: Bearer TOKEN".
 * libmicrohttpd runs a thread of its own, with ceilings on connections, time and memory; it touches
 * nothing of sessions but the metrics, the statistics of statements and the engine's.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "base/diag.h"
#include "exec/server.h"

/* What /ready goes by. */
enum admin_state {
    ADMIN_STARTING, /* server is not complete yet: its engine, version and statistics are unused */
    ADMIN_READY,
    ADMIN_DRAINING,
};

struct admin_options {
    const char *bind; /* an address, or a name that has one */
    uint16_t port;    /* 0 = a free one */
    struct str token; /* empty = none is needed; copied */
    struct server *server;
};

struct admin;

/* Starts listening, in the state of starting. Returns NULL with diag set when the address cannot be
 * had. */
NODISCARD struct admin *admin_start(const struct admin_options *o, struct diag *diag);

/* Ends the thread and its connections. Before the engine is closed. NULL is nothing. */
void admin_stop(struct admin *a);

/* NULL is nothing. Any thread. */
void admin_set_state(struct admin *a, enum admin_state state);

NODISCARD uint16_t admin_port(const struct admin *a);

/* Registers the metrics of the process: memory, files, threads, the offload pool, uptime. */
void admin_register_process_metrics(struct server *server);

/*
 * Tells the service manager that started the process how it stands (sd_notify(3)): "READY=1" or
 * "STOPPING=1". Nothing when there is none (NOTIFY_SOCKET).
 */
void admin_notify_manager(const char *state);

#endif
