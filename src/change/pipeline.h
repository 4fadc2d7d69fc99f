/*
 * pipeline: the change stream at work: events in, engine transactions out.
 *
 *   source fiber      reads blocks of events                        (source.h)
 *   stream fiber      decodes, forms the net effect per key: a batch of whole source transactions
 *                     (batch.h); DDL, windows, requests             (stream.c)
 *   apply fiber       writes a batch and its position in one engine transaction  (apply.c)
 *
 * Decoding and applying run on offload threads while the fibers are parked; two batches are under
 * way at most. A batch ends at: byte limit, age (a timer), idle source, DDL, a request, stop.
 */
#ifndef CHANGE_PIPELINE_H
#define CHANGE_PIPELINE_H

#include "change/copy.h"
#include "change/position.h"
#include "change/source.h"

#include "exec/server.h"
#include "types/chunk.h"

struct pipeline;

/* Settings, which may change while it runs; AliSQL's names as variables where it has them. */
struct pipeline_options {
    uint64_t max_batch_bytes; /* duckdb_multi_trx_max_batch_length: of row images */
    uint64_t max_batch_us;    /* duckdb_multi_trx_timeout: oldest transaction not yet applied */
    uint64_t idle_us;         /* the source has sent nothing for so long: the batch ends */
    uint64_t huge_bytes;  /* of one transaction: beyond, its rows go to the engine before it ends */
    bool check_images;    /* tests: compare full before images with the copy */
    uint64_t spool_bytes; /* of changes to a table without a key while it is read; 0 = 256 MiB */
    uint64_t parts_bytes; /* of rows in part that a window keeps; 0 = 64 MiB */
    bool set_aside;       /* policy for tables that cannot be applied; default: stop */
};

/* What ended a batch, for pintail.batches. */
enum batch_end {
    BATCH_END_BYTES,
    BATCH_END_AGE,
    BATCH_END_IDLE,
    BATCH_END_DDL,
    BATCH_END_REQUEST,
    BATCH_END_STOP,
};

struct batch_record {
    uint64_t number;
    int64_t begun_us, committed_us; /* wall clock */
    uint64_t transactions, rows_inserted, rows_updated, rows_deleted, bytes;
    uint32_t tables;
    enum batch_end end;
    uint64_t decode_us; /* with what its changes come to, by key */
    uint64_t merge_us;  /* of apply_us: rows that the snapshot has read */
    uint64_t apply_us, commit_us;
    char gtid[160]; /* of the last transaction */
};

struct pipeline_status {
    bool running;
    const char *apply_state; /* "Waiting for an event", "Applying batch", … */
    int last_errno;
    char last_error[1024]; /* with position, table, key, reason */
    uint64_t last_error_us;
    uint64_t transactions, rows_inserted, rows_updated, rows_deleted, batches,
        ddl;                       /* since start */
    uint64_t decoded_transactions; /* of which those not in transactions are on their way */
    uint64_t last_commit_us; /* source's commit time of the last transaction applied; 0 = none */
    uint64_t lag_us;         /* 0 when idle and everything received is applied */
};

NODISCARD struct pipeline *pipeline_new(struct server *server, struct copy *copy,
                                        const struct pipeline_options *o);
void pipeline_free(struct pipeline *p);
void pipeline_set_options(struct pipeline *p, const struct pipeline_options *o);

struct change_ddl;
/* Who carries out statements in the log, and what is called, in the stream's fiber, when one has
 * left a table PENDING. Before the start; without it such a statement stops the stream. */
void pipeline_set_ddl(struct pipeline *p, struct change_ddl *ddl, void (*wake)(void *arg),
                      void *arg);

/* Runs until stop, or until an error. `source` is started by the caller at `from` and stays his.
 * Spawns its fibers on loop. 0 or -1. */
NODISCARD int pipeline_start(struct pipeline *p, struct loop *loop, struct change_source *source,
                             const struct change_position *from, const struct upstream_greeting *g);
/* Ends after the batch at hand and waits for that. In a fiber or a thread without a loop. */
void pipeline_stop(struct pipeline *p);

void pipeline_status(struct pipeline *p, struct pipeline_status *out); /* any thread */
/* The status tells of no error any more. While the pipeline does not run. */
void pipeline_forget_error(struct pipeline *p);
/* The last batches, newest first; in arena. Any thread. */
NODISCARD uint32_t pipeline_batches(struct pipeline *p, struct arena *arena,
                                    struct batch_record **out);
/* What is applied and committed. Copies; any thread. */
void pipeline_position(struct pipeline *p, struct change_position *out);

/*
 * Waits until what is applied covers a position: GTIDs of that kind, or file and offset. The batch
 * at hand ends at the next transaction boundary that does. In a fiber. 0, or -1 with d set:
 * time-out (ER_LOCK_WAIT_TIMEOUT), interrupted, or the stream has stopped.
 */
NODISCARD int pipeline_wait(struct pipeline *p, const struct change_position *need, bool by_file,
                            uint64_t deadline_us, struct diag *d);

/*
 * Runs fn(arg, s, d) in the stream's fiber at a transaction boundary, after everything before it is
 * applied and before anything after it is decoded, inside an engine transaction of s in which the
 * position is stored too; then done(arg) when it has been committed. For additions and removals of
 * tables, and DDL. Waits for it. In a fiber. 0, or -1 with d set (nothing of it has happened).
 * When the pipeline does not run it is done at once, in the caller's fiber.
 */
struct pipeline_task {
    int (*run)(void *arg, struct engine_session *s,
               struct diag *d); /* offload thread; NULL = nothing */
    void (*done)(void *arg);    /* the fiber; NULL = nothing */
    void *arg;
};
NODISCARD int pipeline_task(struct pipeline *p, const struct pipeline_task *task, struct diag *d);

/* Removes what is stored of prepared transactions, in the open transaction of s, while the pipeline
 * does not run. On an offload thread. 0, or -1 with d set. */
NODISCARD int pipeline_forget_prepared(struct engine_session *s, struct diag *d);

/* ---- Windows: how a snapshot's chunk meets the stream (the recipe and its proof:
 * docs/replication.md) ---- */

struct pipeline_window;

/*
 * Opens a window on a LOADING table: from now on every key, before and after, that the stream
 * touches in it is recorded. *out_a0: the position the stream has decoded to. In a fiber. 0, or -1
 * with d set: the stream has stopped, or the table is no longer LOADING under that definition.
 */
NODISCARD int pipeline_window_open(struct pipeline *p, struct copy_table *t, struct diag *d,
                                   struct change_position *out_a0, struct pipeline_window **out);

/*
 * Merges rows that were read in a view that lies at or before (file, offset): waits until the
 * stream is there, then puts those whose key is untouched into the copy (deleting the key first),
 * with last_key as the table's progress, in the engine transaction of that batch; waits for the
 * commit. `rows`: chunks of the table's columns, borrowed. last: the table is complete with them:
 * it becomes LIVE in the same transaction. Closes the window, whatever comes. In a fiber. 0, or -1
 * with d set: nothing was merged, redo the chunk (ER_TABLE_DEF_CHANGED: with a new definition, or
 * not at all).
 */
struct pipeline_merge {
    const char *file; /* NULL: at once */
    uint64_t offset;
    uint32_t chunk_count;
    const struct chunk *chunks;
    struct str last_key;
    bool last;
};
NODISCARD int pipeline_window_merge(struct pipeline_window *w, const struct pipeline_merge *m,
                                    struct diag *d);
void pipeline_window_drop(struct pipeline_window *w);

/*
 * ---- Tables without a key ----
 * From open() on, the table's events are kept in memory; with more than spool_bytes of them load()
 * fails with ER_TRANS_CACHE_FULL. load() takes all rows: those of events up to (file, offset) are
 * dropped, the rows are written, later events are applied in order after them, and the table
 * becomes LIVE, in one engine transaction. next() is called in the caller's fiber, as it reads from
 * a connection: 1 with a chunk, borrowed until the next call, 0 at the end, or -1 with d set.
 */
NODISCARD int pipeline_window_load(struct pipeline_window *w, const char *file, uint64_t offset,
                                   int (*next)(void *arg, struct chunk *out, struct diag *d),
                                   void *arg, struct diag *d);

#endif
