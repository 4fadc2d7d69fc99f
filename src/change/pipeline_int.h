/*
 * The inside of the pipeline.
 *
 *   stream.c   the stream's fiber: blocks in, batches out, requests
 *   decode.c   events into the batch being built (offload thread)
 *   bind.c     which table of the copy a table map is of
 *   apply.c    the apply fiber: a job is a batch, DDL, a task and merges, in one engine transaction
 *   window.c   windows of the snapshot
 *   pace.c     when batches end
 *   xa.c       transactions that are prepared
 *   pipeline.c what others call
 *
 * Threads: both fibers are on one loop. The stream's fiber, and while it is parked for it the
 * thread that decodes, own `stream`, the batch being built and the copy's list; the apply fiber and
 * its thread own the job that it was given and the engine's session. What others see or set is
 * under `lock`, a leaf, or atomic.
 */
#ifndef CHANGE_PIPELINE_INT_H
#define CHANGE_PIPELINE_INT_H

#include "batch.h"
#include "binlog/stream.h"
#include "change/ddl.h"
#include "change/key_set.h"
#include "change/pace.h"
#include "change/pipeline.h"
#include "change/row_parts.h"
#include "change/xa.h"

#include "base/log.h"
#include "base/rlist.h"
#include "os/fiber.h"
#include "os/fmutex.h"
#include "os/offload.h"
#include "os/os_mutex.h"

#include <stdatomic.h>

enum {
    PIPELINE_RECORDS = 256, /* Batches remembered. */
    PIPELINE_BATCHES = 2,
};

#define PIPELINE_OFFLOAD OFFLOAD_WRITE

/* Where blocks come from: a source, or, in tests and benchmarks, something else. */
struct stream_input {
    void *arg;
    enum change_take (*take)(void *arg, uint64_t deadline_us, struct change_block **out,
                             struct diag *d);
    void (*give_back)(void *arg, struct change_block *b);
    void (*nudge)(void *arg); /* From any thread, also with the pipeline's lock held. */
    void (*restart)(void *arg, const struct change_position *from);
    bool (*is_idle)(void *arg);
};

/* ---- Requests ---- */

enum request_kind {
    REQUEST_WAIT,
    REQUEST_TASK,
    REQUEST_OPEN,
    REQUEST_MERGE,
    REQUEST_CLOSE,
};

enum request_state {
    REQUEST_QUEUED, /* May be withdrawn. */
    REQUEST_TAKEN,  /* The pipeline has it. */
    REQUEST_DONE,
};

/* On the stack of the fiber that waits for it. */
struct request {
    struct rlist link; /* p->requests while queued. */
    enum request_kind kind;
    enum request_state state; /* Under p->lock. */
    struct fiber *fiber;
    int rc;
    struct diag *diag; /* The waiting fiber's: set while it waits. */
    /* WAIT */
    const struct change_position *need;
    bool by_file;
    bool is_decoded; /* The batch that covers it has been ended. */
    /* TASK */
    const struct pipeline_task *task;
    /* OPEN: window to enter; its position out. MERGE: what to merge. CLOSE: which. */
    struct pipeline_window *window;
    struct change_position *out_position;
    const struct pipeline_merge *merge;
    char *old_key; /* MERGE: the table's last key before; heap. */
    size_t old_key_len;
};

/* ---- Windows (window.c) ---- */

struct pipeline_window {
    struct rlist link; /* p->windows, under p->lock. */
    struct pipeline *p;
    uint32_t refs;              /* Under p->lock. */
    struct copy_table *table;   /* Counted. */
    struct key_set *touched;    /* The apply fiber's, */
    struct row_parts *parts;    /* like this: rows among them of which the log has told parts. */
    struct window_spool *spool; /* Of a table without a key; the decoding thread's. */
    bool is_begun;              /* Of a table without a key: rows have been written. */
    bool is_broken;             /* Under p->lock: the table is not what it was, */
    bool is_full;               /* or there were too many changes to be kept. */
    bool has_lost_parts;        /* The apply fiber's. There were too many. */
};

/* Notes the keys that a batch touches; thread of the apply fiber. */
void window_note(struct pipeline *p, struct batch *b, struct arena *scratch);
/* Can its rows be merged? Not when parts of rows are lost. While nothing is applied. */
NODISCARD bool window_has_parts(const struct pipeline_window *w);
/* Writes a merge's rows into the open transaction; thread of the apply fiber. */
NODISCARD int window_merge_rows(struct pipeline *p, struct engine_session *s, struct request *r,
                                struct arena *scratch, struct diag *d);
/* A transaction was rolled back: which rows the stream has put into tables that are being copied is
 * not known any more. In the apply fiber. */
void window_forget_brought(struct pipeline *p);
/* The transaction of the merge was rolled back: progress is as before. */
void window_undo_merge(struct pipeline *p, struct request *r);
/* The table has changed: what is read for it is void. In the stream's fiber. */
void window_break_all(struct pipeline *p, const struct copy_table *t);

/* Closes and frees it; nobody uses it any more. */
void window_free(struct pipeline_window *w);

/* ---- Spools (spool.c) ---- */

enum spool_event {
    SPOOL_COMMIT,
    SPOOL_ROLLBACK,
    SPOOL_SAVEPOINT,
    SPOOL_ROLLBACK_TO,
    SPOOL_BREAK,
};

NODISCARD struct window_spool *spool_new(struct copy_table *t);
void spool_free(struct window_spool *s);
/* Where events of the table go; NULL = nobody reads it. Thread that decodes. */
NODISCARD struct batch_table *spool_find(struct pipeline *p, const struct copy_table *t);
/* Counts the bytes of rows that were put there. With too many of them the window is given up, and
 * what it has kept is freed. */
void spool_count(struct pipeline *p, const struct batch_table *rows, size_t bytes);
/* Tells all spools of what became of a transaction; name: of a savepoint. */
void spool_each(struct pipeline *p, enum spool_event event, struct str name);
/* What the rows that were read do not have yet, into the open transaction. */
NODISCARD int spool_apply(struct window_spool *s, struct engine_session *session,
                          const struct pipeline_merge *m, struct arena *scratch, struct diag *d);

/* ---- Jobs ---- */

/* One engine transaction, or a part of it. In this order: plan, batch, prepared transactions,
 * aside, merges, task. */
struct apply_job {
    struct batch *batch;              /* NULL = none */
    struct change_ddl_plan *plan;     /* NULL = none; published after the commit */
    struct copy_change *changes;      /* Tables set aside; published after the commit. */
    struct xa_put *xa;                /* Prepared transactions; freed with the job. */
    struct rlist merges;              /* struct request */
    const struct pipeline_task *task; /* NULL = none */
    struct diag *task_diag;
    int task_rc;
    bool is_last;                    /* Commit. */
    bool is_abort;                   /* Roll back what is open instead of all that. */
    struct change_position position; /* After it. */
    struct batch_record record;
};

/* ---- Decoding ---- */

/* Why decode_run() came back. */
enum decode_stop {
    DECODE_MORE,     /* All events of the block are dealt with. */
    DECODE_BOUNDARY, /* At a boundary where the fiber is wanted. */
    DECODE_QUERY,    /* s->query is for the fiber. */
    DECODE_PORTION,  /* The transaction is too large to be kept. */
    DECODE_PIECE,    /* Rows of a prepared transaction are in the store. */
    DECODE_REBUFFER, /* Part of a transaction that was handed over must be taken back. */
    DECODE_FAILED,   /* s->diag is set. */
};

/* A table map of the stream and where its rows go. */
struct binding {
    const struct binlog_table *map;
    struct copy_table *table; /* Counted; NULL = its rows are skipped. */
    struct batch_table *rows; /* In the batch at hand, when serial is that batch's. */
    uint64_t serial;
    bool is_spooled;     /* rows is that of a spool. */
    uint64_t generation; /* p->stream.generation when it was made. */
    const struct charset **charsets;
    struct arena arena;
};

struct stream {
    struct binlog_stream log;
    struct arena scratch;     /* Of an event. */
    struct arena query_arena; /* Of a statement's plan. */
    struct diag diag;
    struct htab bindings; /* By the map's address. */
    struct binding *last_binding;
    uint64_t generation; /* Grows when the copy's list has changed. */
    struct change_block *block;
    bool in_event;                   /* Items of the event fed last may be left. */
    bool in_query;                   /* The query given last is dealt with now. */
    struct binlog_query query;       /* DECODE_QUERY; borrows until decoding goes on. */
    struct change_position position; /* Decoded to, at the last boundary. */
    uint64_t offset;                 /* Of the log's end so far, within a transaction too. */
    char file[CHANGE_FILE_MAX];
    bool accepts_any_place;              /* Another server: file and offset may go back. */
    uint64_t hash;                       /* Of the transaction at hand. */
    uint64_t begun_offset;               /* Where it begins; 0 = not known. */
    bool skips_txn;                      /* The transaction at hand is in the copy. */
    struct binlog_mysql_gtid last_mysql; /* Of the last transaction; its tag is in last_tag. */
    char last_tag[BINLOG_TAG_MAX];
    struct binlog_mariadb_gtid last_mariadb;
    bool has_last_gtid;
    struct batch *batch; /* Being built. */
    uint64_t serial;     /* Of that batch. */
    uint64_t begun_us;   /* Monotonic: its first transaction was taken; 0 = none yet. */
    int64_t begun_wall_us;
    uint64_t first_commit_us; /* When the source committed it. */
    uint64_t decode_us;
    uint64_t enough_bytes; /* Of row images: the batch ends at the next boundary. */
    uint32_t portions;     /* Of the transaction at hand that were handed over. */
    bool keeps_whole;      /* Transactions are kept in memory however large, up to this place. */
    char whole_file[CHANGE_FILE_MAX];
    uint64_t whole_offset;
    struct copy_change *aside; /* Tables to be set aside at the next boundary. */
    struct arena aside_arena;
    uint64_t cascades_serial; /* copy_serial() when tables with cascades were looked for last. */
    bool ends_with_ddl;       /* DDL is in the open transaction. */
    struct change_ddl_plan *plan;
    struct xa xa;
};

struct pipeline {
    struct server *server;
    struct copy *copy;
    struct change_ddl *ddl;
    struct log log;
    void (*wake_snapshot)(void *arg);
    void *wake_arg;

    struct loop *loop;
    struct stream_input input;
    struct change_source *source;
    enum sql_dialect dialect;
    struct fiber *stream_fiber, *apply_fiber;
    struct engine_session *session; /* The apply fiber's; a task's when it does not run. */
    struct fmutex idle;             /* Held by a task that runs without the fibers. */

    struct stream stream;
    struct batch batches[PIPELINE_BATCHES];

    /* The job; fibers of one loop. */
    struct apply_job job;
    bool has_job;
    bool apply_ends;
    struct pipeline_options now; /* The settings that apply; changed between steps. */
    bool txn_open; /* The apply fiber has an open transaction, and the lock of the writer. */
    struct change_ddl_plan *open_plan; /* In it; published after the commit. */
    struct pace pace;
    struct batch_record open_record; /* Sums of the portions in it. */

    atomic_bool attention;     /* Somebody wants the stream's fiber at the next boundary. */
    _Atomic(uint64_t) pending; /* Transactions decoded and not yet committed. */
    /* When the source committed the oldest of those in the batch that grows, and of those that are
     * being applied; 0 = there are none. */
    _Atomic(uint64_t) oldest_decoded_us, oldest_applying_us;
    atomic_uint spools; /* Windows that have one. */
    atomic_uint places; /* Requests that wait for a place in the log. */

    struct os_mutex lock;            /* From here. */
    struct pipeline_options options; /* As they will be from the next step on: see `now`. */
    bool is_running;
    bool is_stopping;
    bool has_failed;
    struct rlist requests;
    struct rlist windows;
    struct change_position applied;
    struct pipeline_status status;
    struct batch_record records[PIPELINE_RECORDS];
    uint64_t record_count;
};

/* ---- stream.c, decode.c, bind.c ---- */

void stream_init(struct stream *s);
void stream_release(struct stream *s);
/* The fiber's function. */
void stream_run(void *arg);

/* Decodes what is left of s->block. On an offload thread. */
NODISCARD enum decode_stop decode_run(struct pipeline *p);
/* Forgets the transaction at hand and all table maps: its events come again. */
void decode_restart(struct pipeline *p);
/* Completes s->position with what is only known by name: GTID, hash, time. */
void decode_finish_position(struct stream *s);

/* The binding of a map; NULL with s->diag set. *out_aside: the table is to be set aside for the
 * reason in s->diag. */
NODISCARD struct binding *bind_table(struct pipeline *p, const struct binlog_table *map,
                                     bool is_new);
void bind_release(struct stream *s);
/* The table's rows are skipped from now on and what the batch has of it is dropped; it is set
 * aside, or copied again (COPY_PENDING), from the next boundary on. Reason: the error in s->diag,
 * which is cleared. */
void bind_set_aside(struct pipeline *p, struct copy_table *t, enum copy_state state);
/* The event's rows were changed or removed, and what foreign keys made of that is not in the log:
 * tables with such keys are set aside. */
void bind_silent_cascades(struct pipeline *p);

/* Is `need` within `have`? */
NODISCARD bool pipeline_covers(const struct change_position *have,
                               const struct change_position *need, bool by_file);

/* ---- apply.c ---- */

void apply_run(void *arg);
/* Hands p->job over and, with wait, waits for it. In the stream's fiber; the job before is done. */
void apply_start(struct pipeline *p);
void apply_wait(struct pipeline *p);
/* Stops the pipeline for an error; from either fiber. Takes the text of d. */
void pipeline_fail(struct pipeline *p, const struct diag *d);
NODISCARD bool pipeline_has_failed(struct pipeline *p);
/* Writes the record of the position. */
NODISCARD int apply_store_position(struct engine_session *s, const struct change_position *position,
                                   struct diag *d);

/* ---- pipeline.c ---- */

/* Ends a request: its fiber goes on. d NULL: rc 0. */
void request_finish(struct pipeline *p, struct request *r, int rc, const struct diag *d);
/* Waits for a request to be done, or, while the pipeline has not taken it, for the deadline. In a
 * fiber. Its rc, or -1 with its diag set. */
NODISCARD int request_run(struct pipeline *p, struct request *r, uint64_t deadline_us);
/* Starts with an input of the caller's, which is all that is used of a source. */
NODISCARD int pipeline_start_input(struct pipeline *p, struct loop *loop,
                                   const struct stream_input *input,
                                   const struct change_position *from,
                                   const struct upstream_greeting *g);

#endif
