/*
 * snapshot: copies tables that are PENDING or LOADING from the source while the stream runs, by the
 * recipe of docs/replication.md: parallel, in chunks by key, resumable at a chunk, exact; no lock
 * or metadata lock is held for more than a second.
 *
 * A coordinator fiber reads the source's list of tables, makes the copy's list match it (filter),
 * and has workers, each a fiber with a connection of its own, copy one table after another (large
 * ones by several workers in ranges of the key is not done: chunks of one table come in order).
 */
#ifndef CHANGE_SNAPSHOT_H
#define CHANGE_SNAPSHOT_H

#include "change/copy.h"
#include "change/ddl.h"
#include "change/pipeline.h"
#include "upstream/upstream.h"

struct snapshot_options {
    struct upstream *upstream; /* logged in to with its own account */
    struct str database;       /* of storage.mysql.database; empty = all */
    const struct copy_filter *filter;
    uint32_t workers;     /* 0 = 2 */
    uint64_t chunk_bytes; /* at most */
};

struct snapshot;

NODISCARD struct snapshot *snapshot_start(struct server *server, struct loop *loop,
                                          struct copy *copy, struct pipeline *p,
                                          const struct snapshot_options *o);
void snapshot_stop(struct snapshot *s);
/* Tells its fibers, and whoever is in change_verify(), to end soon; does not wait. Any thread. */
void snapshot_halt(struct snapshot *s);
/* There are tables to look at: DDL, a statement that added one, a changed filter. Any thread. */
void snapshot_poke(struct snapshot *s);

struct snapshot_status {
    uint32_t tables_pending, tables_loading, tables_live, tables_aside;
    uint64_t rows, bytes; /* copied by this process */
    uint64_t rows_left;   /* estimated */
    uint64_t eta_us;      /* 0 = done or not known */
    int last_errno;
    char last_error[512];
};
void snapshot_status(struct snapshot *s, struct snapshot_status *out);
/* Has it met what somebody has to mend first? d says what, then. Any thread. */
NODISCARD bool snapshot_has_failed(struct snapshot *s, struct diag *d);
/* When a table that is being copied will be complete, at its rate so far. False: not known. Any
 * thread. */
NODISCARD bool snapshot_table_eta(const struct copy_table *t, uint64_t *out_us);

/*
 * ---- verify (verify.c): compares a LIVE table with the source, chunk by chunk, in windows as the
 * snapshot's, so that it is exact while writes go on. ----
 * fn is called for each chunk that differs, with a text naming the first differing key and column.
 * In a fiber. 0 with *out filled in, or -1 with d set.
 */
struct verify_result {
    uint64_t chunks, rows, differing_chunks, differing_rows;
};
NODISCARD int change_verify(struct snapshot *s, struct str db, struct str name,
                            void (*fn)(void *arg, struct str difference), void *arg, struct diag *d,
                            struct verify_result *out);

#endif
