/*
 * What all sessions of the process share, as far as running statements needs it. Owned by main();
 * made before the first session and freed after the last.
 */
#ifndef EXEC_SERVER_H
#define EXEC_SERVER_H

#include "base/arena.h"
#include "base/str.h"
#include "catalog/accounts.h"
#include "catalog/catalog.h"
#include "engine/engine.h"
#include "exec/vars.h"
#include "os/fmutex.h"
#include "os/os_mutex.h"

#include <stdatomic.h>

struct change;
struct exec_session;
struct replica_ops;
struct upstream_pool;
struct stats;

/* Counters of SHOW STATUS that every session adds to. */
struct server_status {
    _Atomic(uint64_t) connections, aborted_connects, aborted_clients, threads_connected,
        threads_running, max_used_connections, bytes_received, bytes_sent, questions, queries,
        slow_queries, refused;
    _Atomic(uint64_t) com[STMT_KIND_COUNT];
};

/* One line of SHOW PROCESSLIST; strings in the arena given. */
struct process_info {
    uint64_t id;
    uint64_t upstream_id; /* of its connection to the server behind; 0 = none */
    struct str user, host, db, command, state, info;
    uint64_t seconds;
};

/* What session/ offers to statements about the other sessions. */
struct session_registry_ops {
    /* All sessions, in order of id. */
    uint32_t (*list)(void *registry, struct arena *arena, struct process_info **out);
    /* Ends a session or its running statement. Returns 0, or -1 with diag (1094, 1095). */
    int (*kill)(void *registry, struct exec_session *killer, uint64_t id, bool query_only,
                struct diag *diag);
};

/* One object of the upstream; strings in the arena given. */
struct mirrored_object {
    struct str db, name, kind, engine;
    uint32_t columns;
    struct str why_not; /* why its definition is not in the catalog; empty: it is */
};

/* What mirror/ offers to statements. From any thread. */
struct mirror_ops {
    /* All objects known, in order of database and name. */
    uint32_t (*list)(void *mirror, struct arena *arena, struct mirrored_object **out);
    /* Has the mirror brought up to date soon: a statement may have changed a definition. */
    void (*refresh)(void *mirror);
};

/* A place in the log of the source of the copy. */
struct copy_point {
    struct str gtids; /* As gtid_executed or gtid_binlog_pos print it; p NULL: by file. */
    struct str file;  /* Of the log. */
    uint64_t offset;
};

/* What change/ offers to those who read the copy. */
struct copy_ops {
    /* Why db.name cannot be read ("it is being copied, 35 %"); in arena. Empty: nothing is known
     * of it. From any thread. */
    struct str (*why_not)(void *copy, struct str db, struct str name, struct arena *arena);
    /* Waits until the copy holds everything up to a point. In a fiber. Returns 0, or -1 with d set:
     * the time is up (clock_monotonic_us()), the fiber is interrupted, the stream has stopped. */
    int (*wait)(void *copy, const struct copy_point *point, uint64_t deadline_us, struct diag *d);
    /* Does it follow by file and offset, and knows no GTIDs? Points are then by file, whatever the
     * source has. From any thread. */
    bool (*by_file)(void *copy);
};

struct server {
    struct arena arena; /* lives as long as the server */
    enum sql_dialect dialect;
    struct str version; /* what clients are told: "8.4.0-pintail-0.1.0" */
    struct str version_comment;
    uint32_t version_id; /* 80400: for version comments */
    struct str data_dir; /* "" for in-memory */
    int64_t started_us;  /* wall clock */
    struct catalog *catalog;
    struct accounts *accounts;
    struct engine *engine;
    struct upstream_pool *upstream; /* connections to the server behind; NULL: standalone */
    const struct mirror_ops *mirror_ops;
    void *mirror;                    /* what the server behind has; NULL: not looked at */
    const struct copy_ops *copy_ops; /* NULL: there is no copy of the server behind */
    void *copy;
    const struct replica_ops *replica_ops; /* exec/replica_ops.h; NULL: no copy follows anybody */
    struct change *change;                 /* for replica_ops, and for session/ */
    struct str upstream_user;              /* of upstream_account(); empty = none */
    bool upstream_multiplex;               /* pool.mode: transaction */
    struct fmutex writer;         /* the one writer; order: metadata locks first (docs/locks.md) */
    _Atomic(uint64_t) commit_seq; /* committed transactions that wrote */
    struct os_rwlock vars_lock;
    struct sysvars vars; /* global values */
    struct server_status status;
    struct stats *stats; /* of statements; NULL = none are kept */
    const struct session_registry_ops *sessions;
    void *registry;
    _Atomic(bool) shutting_down;
};

/* A global variable as it is now: server_uint(s, &s->vars.max_connections). From any thread;
 * vars_lock is taken for it. */
NODISCARD static inline uint64_t server_uint(struct server *s, const uint64_t *var)
{
    os_rwlock_read(&s->vars_lock);
    const uint64_t value = *var;
    os_rwlock_unlock(&s->vars_lock);
    return value;
}

NODISCARD static inline bool server_bool(struct server *s, const bool *var)
{
    os_rwlock_read(&s->vars_lock);
    const bool value = *var;
    os_rwlock_unlock(&s->vars_lock);
    return value;
}

#endif
