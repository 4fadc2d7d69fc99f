/*
 * Offload pool: threads with full-size stacks for what may block or run long (DuckDB, fsync, DNS,
 * files). A fiber hands over a function and is parked until it has run.
 *
 * Each class has its own threads and FIFO queue, so that commit, rollback and kill never wait
 * behind queries, and at most the class's number of functions run at once. Waiting for locks or
 * slow clients does not belong here: it is the fiber that waits.
 */
#ifndef OS_OFFLOAD_H
#define OS_OFFLOAD_H

#include "base/base.h"
#include "base/diag.h"

enum offload_class {
    OFFLOAD_QUERY,   /* Statements' engine steps; by default twice as many threads as cores. */
    OFFLOAD_WRITE,   /* Steps of statements that write. */
    OFFLOAD_CONTROL, /* Commit, rollback, kill, checkpoint: short, never behind queries. */
    OFFLOAD_FILE,    /* Files, name look-ups. */
    OFFLOAD_CLASSES,
};

enum offload_result {
    OFFLOAD_DONE = 0,    /* fn has run. */
    OFFLOAD_INTERRUPTED, /* The fiber was interrupted before fn was begun; it will not run. */
};

typedef void offload_fn(void *arg);

struct offload_config {
    unsigned threads[OFFLOAD_CLASSES]; /* 0 = the default. */
};

/* Starts the pool of the process; config may be NULL. Threads are made when first needed. */
void offload_start(const struct offload_config *config);

/* Ends the threads after the functions handed over have run. The fibers waiting for them must still
 * have a loop. */
void offload_stop(void);

/*
 * Runs fn(arg) on a thread of the class while the fiber is parked. An interrupt removes a function
 * that is still queued; once it runs it is waited for, whoever interrupts the fiber interrupts the
 * engine too. Outside a fiber, or when the pool was not started, it simply runs fn here.
 */
NODISCARD enum offload_result offload_run(enum offload_class class, offload_fn *fn, void *arg);

/* What is done, on the fiber, when an interrupted function still runs so long after the interrupt.
 * It may wait itself. */
struct offload_late {
    uint64_t after_us;
    offload_fn *fn;
    void *arg;
    bool always; /* the function is run even if it had not begun: for clean-up */
};

/* As offload_run(); late may be NULL. */
NODISCARD enum offload_result offload_run_late(enum offload_class class, offload_fn *fn, void *arg,
                                               const struct offload_late *late);

/* As offload_run() for clean-up: never gives up. */
void offload_run_always(enum offload_class class, offload_fn *fn, void *arg);

/* Functions running and waiting, for metrics. */
NODISCARD unsigned offload_running(enum offload_class class);
NODISCARD unsigned offload_queued(enum offload_class class);

#endif
