/*
 * Event loops: a fixed set of threads, each running one libuv loop and the fibers pinned to it
 * (os/fiber.h).
 *
 * Everything that happens on a loop thread happens one at a time: libuv callbacks, posted calls,
 * and fibers. Objects that belong to one loop therefore need no lock. Callbacks run on the thread's
 * own stack; they may not park, only fibers may.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include "base/base.h"
#include "base/diag.h"

struct uv_loop_s;
struct loops;
struct loop;

/* Runs on the loop thread, outside any fiber; may not park or block. */
typedef void loop_fn(void *arg);

/* A call to post; embedded in the caller's object, which must stay until fn has been entered. */
struct loop_call {
    struct loop_call *next;
    loop_fn *fn;
    void *arg;
};

/* Starts count (>= 1) loop threads. Returns 0 with *out_loops owned by the caller, or -1 with d
 * set. */
NODISCARD int loops_start(unsigned count, struct loops **out_loops, struct diag *d);

/*
 * Waits until no fiber is left, for a graceful stop: the caller has told them all to end.
 * deadline_us is a time of clock_monotonic_us(). Returns 0, or -1 when fibers remained. Not from a
 * loop thread.
 */
NODISCARD int loops_drain(struct loops *loops, uint64_t deadline_us);

/* Sets these interrupt bits (os/fiber.h) on every fiber alive. From any thread. */
void loops_interrupt_all(struct loops *loops, unsigned reason);

/*
 * Ends the threads and frees everything. Fibers that still exist are abandoned where they are
 * parked; calls posted before are run. Not from a loop thread. NULL is harmless.
 */
void loops_stop(struct loops *loops);

NODISCARD unsigned loops_count(const struct loops *loops);

/* The loop with this index (< loops_count()); borrowed. */
NODISCARD struct loop *loops_get(struct loops *loops, unsigned index);

/* The loops in turn: for spreading sessions. From any thread. */
NODISCARD struct loop *loops_next(struct loops *loops);

/* The loop whose thread this is, or NULL. */
NODISCARD struct loop *loop_self(void);

/* Its index. */
NODISCARD unsigned loop_index(const struct loop *loop);

/* The libuv loop, for handles of the os layer; only to be used on the loop's thread. */
NODISCARD struct uv_loop_s *loop_uv(struct loop *loop);

/*
 * Has fn(arg) called on the loop's thread, soon, in the order posted by one thread. From any
 * thread, including the loop's own. Never lost; never called before loop_post() on the loop's own
 * thread has returned.
 */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);

/* As loop_post() without an allocation: call->fn and call->arg are set by the caller. */
void loop_post_call(struct loop *loop, struct loop_call *call);

/* Fibers alive on all loops. */
NODISCARD unsigned loops_fiber_count(const struct loops *loops);

#endif
