/*
 * What change/ offers to statements: the copy of an upstream's tables that follows its log. In
 * server->replica_ops when there is one (storage.backend: hybrid). Everything may be called in any
 * session's fiber; strings are made in the arena given.
 */
#ifndef EXEC_REPLICA_OPS_H
#define EXEC_REPLICA_OPS_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "sql/ast.h"

struct change;

/* SHOW REPLICA STATUS and pintail.replica. Times are microseconds since 1970; 0 = never. */
struct replica_info {
    struct str host, user;
    uint16_t port;
    uint64_t retry_s, heartbeat_us, retries;
    bool started;                   /* START REPLICA has been given */
    const char *io_running;         /* "Yes", "Connecting", "No" */
    bool sql_running;               /* changes are applied */
    struct str io_state, sql_state; /* MySQL's words */
    struct str read_file, exec_file;
    uint64_t read_offset, exec_offset;
    struct str retrieved_gtids, executed_gtids; /* Both empty unless by_gtid. */
    bool by_gtid;
    const char *tls_mode; /* storage.mysql.tls_mode */
    struct str tls_ca, tls_cert, tls_key;
    struct str source_version, source_uuid; /* empty = not known */
    uint32_t source_server_id, server_id;
    int io_errno, sql_errno;
    struct str io_error, sql_error;
    int64_t io_error_us, sql_error_us;
    bool lag_is_known;
    uint64_t lag_us, lag_transactions;
    int64_t last_commit_us; /* on the source, of the transaction applied last */
    uint64_t transactions, batches, ddl, rows_inserted, rows_updated, rows_deleted, bytes, events;
    uint32_t tables_pending, tables_loading, tables_live, tables_aside;
    uint64_t snapshot_rows, snapshot_bytes, snapshot_rows_left, snapshot_eta_us;
    struct str snapshot_error;
    uint64_t queued_bytes; /* received and not applied: 0 where that is not known */
    struct str include, exclude;
    bool sets_aside; /* replica.on_error */
};

/* pintail.tables */
struct replica_table {
    struct str db, name, state, reason; /* reason: empty = none */
    bool has_key;
    uint64_t rows_estimated, rows_copied, bytes_copied, eta_us;
    bool eta_is_known;
    uint64_t inserted, updated, deleted;
    int64_t copied_us;
};

/* pintail.batches */
struct replica_batch {
    uint64_t number;
    int64_t begun_us, committed_us;
    uint64_t transactions, inserted, updated, deleted, bytes, tables;
    const char *end;
    uint64_t decode_us, merge_us, apply_us, commit_us;
    struct str gtid;
};

struct replica_verified {
    uint64_t chunks, rows, differing_chunks, differing_rows;
    struct str first_difference; /* empty = none */
};

struct replica_ops {
    int (*start)(struct change *c, struct diag *d);
    int (*stop)(struct change *c, struct diag *d);
    /* RESET REPLICA: forgets position and tables; stopped only. */
    int (*reset)(struct change *c, struct diag *d);
    /* CHANGE REPLICATION SOURCE TO: checks and takes the position. Stopped only. */
    int (*set_source)(struct change *c, const struct replica_stmt *stmt, struct diag *d);
    void (*info)(struct change *c, struct arena *arena, struct replica_info *out);
    /* By database and name. */
    uint32_t (*tables)(struct change *c, struct arena *arena, struct replica_table **out);
    /* The last ones, newest first. */
    uint32_t (*batches)(struct change *c, struct arena *arena, struct replica_batch **out);
    /* PINTAIL COPY TABLE, PINTAIL DROP TABLE, PINTAIL VERIFY TABLE. */
    int (*copy_table)(struct change *c, struct str db, struct str name, struct diag *d);
    int (*drop_table)(struct change *c, struct str db, struct str name, struct diag *d);
    int (*verify_table)(struct change *c, struct str db, struct str name, struct arena *arena,
                        struct diag *d, struct replica_verified *out);
    /* Global variables of batches have changed. */
    void (*settings_changed)(struct change *c);
};

#endif
