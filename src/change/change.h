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
#include "change/pipeline.h"
#include "change/snapshot.h"

struct change;

struct change_options {
    struct server *server;
    struct loops *loops;
    struct upstream *upstream;
    struct upstream_login login;
    struct str database;
    struct copy_filter filter;
    struct pipeline_options pipeline;
    uint32_t server_id;
    uint64_t heartbeat_us, retry_us;
    uint32_t snapshot_workers;
    bool autostart; /* replica.autostart */
};

/* Reads what an earlier run has left and, with autostart, starts. Registers metrics and puts itself
 * into server->change. 0, or -1 with d set. Before the first session. */
NODISCARD struct change *change_new(const struct change_options *o, struct diag *d);
/* Stops and frees; no session is left. */
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
NODISCARD struct snapshot *change_snapshot(struct change *c);

#endif
