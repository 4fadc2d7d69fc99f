/*
 * Events about the log itself rather than about data: where it goes on, what came before it, that
 * it lost something. See event.h for the conventions of decoding.
 */
#ifndef BINLOG_LOG_EVENTS_H
#define BINLOG_LOG_EVENTS_H

#include "binlog/event.h"

#include "base/arena.h"

/* Rotate: the log goes on in this file. The first event of a stream is an artificial one. */
struct binlog_rotate {
    uint64_t position;
    struct str file; /* Without directory. */
};

NODISCARD int binlog_decode_rotate(const struct binlog_format *f, const struct binlog_event *ev,
                                   struct binlog_rotate *out, struct diag *d);

/* Heartbeat of either version: the source has sent all up to here. */
struct binlog_heartbeat {
    uint64_t position;
    struct str file;
};

NODISCARD int binlog_decode_heartbeat(const struct binlog_event *ev, struct binlog_heartbeat *out,
                                      struct diag *d);

/* Incident: something is missing from the log; the copy must be made anew. */
struct binlog_incident {
    uint16_t number; /* 1 = lost events. */
    struct str message;
};

NODISCARD int binlog_decode_incident(const struct binlog_event *ev, struct binlog_incident *out,
                                     struct diag *d);

/* MariaDB: the oldest file that a crash recovery would need. Of no use to a reader. */
NODISCARD int binlog_decode_checkpoint(const struct binlog_event *ev, struct str *out_file,
                                       struct diag *d);

/* One of MariaDB's GTIDs. */
struct binlog_mariadb_gtid {
    uint32_t domain;
    uint32_t server_id;
    uint64_t seq;
};

/* MariaDB's state at the beginning of a file: the last GTID of each domain and server; of one
 * domain, the newest last. */
struct binlog_gtid_list {
    uint32_t flags; /* Top 4 bits of the count's word. */
    uint32_t count;
    struct binlog_mariadb_gtid *gtids; /* In the arena. */
};

NODISCARD int binlog_decode_gtid_list(const struct binlog_event *ev, struct arena *a,
                                      struct binlog_gtid_list *out, struct diag *d);

#endif
