/*
 * change: the columnar copy of a real server's tables and what keeps it current: the whole of it,
 * as the rest of Pintail sees it. Owned by main(); statements reach it through struct server.
 *
 *   position.h  how far           source.h    the source's log        copy.h    tables and their
 * states pipeline.h  events -> engine  snapshot.h  the first copy, verify  ddl.h     statements in
 * the log
 */
#ifndef CHANGE_CHANGE_H
#define CHANGE_CHANGE_H

#include "change/copy.h"
#include "change/origin.h"
#include "change/pipeline.h"
#include "change/snapshot.h"

struct change;

/* What is only shown: in SHOW REPLICA STATUS. Strings live as long as the change. */
struct change_shown {
    struct str host;
    uint16_t port;
    const char *tls_mode;
    struct str tls_ca, tls_cert, tls_key, include, exclude;
};

struct change_options {
    struct server *server;
    struct loops *loops;
    struct upstream *upstream; /* logged in to with its own account */
    struct str database;
    struct copy_filter filter;
    struct pipeline_options pipeline;
    uint32_t server_id;
    uint64_t heartbeat_us, retry_us;
    uint32_t snapshot_workers;
    bool autostart; /* replica.autostart */
    struct change_shown shown;
};

/* Reads what an earlier run has left and, with autostart, starts. Registers metrics and puts itself
 * into server->change, replica_ops and copy_ops. NULL with d set. Before the first session. */
NODISCARD struct change *change_new(const struct change_options *o, struct diag *d);
/* Ends after the batch at hand and frees; no session is left. NULL is harmless. */
void change_free(struct change *c);

/* ---- Statements; in a fiber ---- */
NODISCARD int change_start(struct change *c, struct diag *d);
NODISCARD int change_stop(struct change *c, struct diag *d);
/* RESET REPLICA [ALL]: forgets position and tables; the copy's storage is dropped. Stopped only. */
NODISCARD int change_reset(struct change *c, struct diag *d);

struct change_status {
    bool started;
    struct change_source_status source;
    struct pipeline_status pipeline;
    struct snapshot_status snapshot;
};
void change_status(struct change *c, struct change_status *out);
NODISCARD struct copy *change_copy(struct change *c);
NODISCARD struct pipeline *change_pipeline(struct change *c);

#endif
