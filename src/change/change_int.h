/* The inside of change.c, change_info.c and change_tables.c: see change.h. */
#ifndef CHANGE_CHANGE_INT_H
#define CHANGE_CHANGE_INT_H

#include "change/change.h"

#include "base/log.h"
#include "exec/replica_ops.h"
#include "os/fiber.h"
#include "os/fmutex.h"
#include "os/os_mutex.h"

struct change {
    struct change_options o; /* Strings and patterns are owned by the caller. */
    struct log log;
    struct loop *loop; /* Of the keeper and all that it starts. */
    struct copy *copy;
    struct pipeline *pipeline;
    struct change_ddl *ddl;
    uint32_t server_id; /* As a replica. */

    struct fmutex commands; /* START, STOP, RESET, CHANGE: one at a time. */
    struct fiber *keeper;   /* Under commands; NULL = not started. */
    _Atomic(bool) stopping; /* The keeper is to end. */
    _Atomic(bool) alive;    /* The keeper runs. */

    /* Order: commands, lock. A leaf otherwise. */
    struct os_mutex lock;
    struct change_source *source;    /* While it runs; under lock. */
    bool has_run;                    /* The keeper: it has run, and ends. Under lock. */
    struct snapshot *snapshot;       /* While it runs; under lock. */
    uint32_t users;                  /* Statements that use the snapshot; under lock. */
    struct change_position position; /* While the pipeline has not run; under lock. */
    bool has_position;
    struct change_origin origin;
    struct arena arena; /* Owns origin's strings. */
    struct {            /* Of the keeper: why it could not begin, or has ended. Under lock. */
        int code;
        char text[1024];
        int64_t us;
    } error;
    struct change_source_status last_source; /* Of the source that ran last; under lock. */
    const char *waiting; /* What the keeper does before the source runs; under lock. */
};

extern const struct replica_ops change_replica_ops;
extern const struct copy_ops change_copy_ops;

/* Waits for a keeper that is about to end by itself because the stream has failed: to an operator
 * it has stopped. Under commands. 0, or -1 with d set: interrupted. */
NODISCARD int change_await_end(struct change *c, struct diag *d);

/* Runs fn in an engine transaction of its own, with the writer lock; in a fiber. 0, or -1. */
NODISCARD int change_transaction(struct change *c,
                                 int (*fn)(void *arg, struct engine_session *s, struct diag *d),
                                 void *arg, struct diag *d);

/* Writes position and origin. In a fiber. 0, or -1 with d set. */
NODISCARD int change_store_start(struct change *c, const struct change_position *p,
                                 const struct change_origin *o, struct diag *d);

/* The snapshot, kept until change_put_snapshot(), or NULL: not started. */
NODISCARD struct snapshot *change_take_snapshot(struct change *c);
void change_put_snapshot(struct change *c);
/* There are tables to look at. arg: a struct change. Any thread. */
void change_poke_snapshot(void *arg);

/* Statements about tables (change_tables.c). */
NODISCARD int change_copy_table(struct change *c, struct str db, struct str name, struct diag *d);
NODISCARD int change_drop_table(struct change *c, struct str db, struct str name, struct diag *d);
NODISCARD int change_verify_table(struct change *c, struct str db, struct str name,
                                  struct arena *arena, struct diag *d,
                                  struct replica_verified *out);
NODISCARD int change_set_source(struct change *c, const struct replica_stmt *stmt, struct diag *d);

/* Waits while the stream is about to begin: after a start, until the source is reached and checked.
 * In a fiber. 0, also when nothing was started; or -1 with d set: time-out or interrupted. */
NODISCARD int change_wait_begun(struct change *c, uint64_t deadline_us, struct diag *d);

/* Where the copy is. Copies; p is initialised. False: nowhere yet. */
NODISCARD bool change_position_now(struct change *c, struct change_position *p);

/* The variables of batches, from and to server->vars (change_info.c). */
void change_show_settings(struct change *c);
void change_register_metrics(struct change *c);

#endif
