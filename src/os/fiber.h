/*
 * Fibers: functions with a stack of their own that give up the thread only where they park. A
 * session is a fiber: straight-line code at the cost of an event loop.
 *
 * A fiber is pinned to the loop it was spawned on, so thread-local storage and loop-owned objects
 * are safe across a park. While it is parked other fibers and callbacks of that thread run: state
 * shared with them may have changed. A mutex of os/os_mutex.h may not be held across a park
 * (asserted); use os/fmutex.h for that.
 *
 * Waking: fiber_wake() leaves a token if the fiber is not parked, so a wake-up between the test of
 * a condition and the park is not lost. Wake-ups are hints: set the condition, then wake; the fiber
 * tests its condition in a loop, since FIBER_WOKEN may be spurious and since other primitives used
 * in between may take the token.
 *
 * Interrupts (KILL, shutdown): bits set by fiber_interrupt() stay until fiber_clear_interrupt(); as
 * long as any is set and not masked, every blocking primitive of os/ returns its INTERRUPTED at
 * once.
 *
 * Stacks are mapped lazily, with a guard page; the pages below the stack pointer of a fiber that
 * has been parked for a second or two go back to the system, so that idle connections stay small.
 */
#ifndef OS_FIBER_H
#define OS_FIBER_H

#include "base/base.h"
#include "os/loop.h"

struct fiber;

typedef void fiber_fn(void *arg);

/* A deadline that never comes. */
#define FIBER_FOREVER UINT64_MAX

/* Why a wait ended. FIBER_WOKEN is 0, so that `if (fmutex_lock(…))` reads as failure. */
enum fiber_result {
    FIBER_WOKEN = 0,
    FIBER_TIMEOUT,
    FIBER_INTERRUPTED,
};

/*
 * Stack bytes of fibers spawned from now on, rounded up to pages; default 256 KiB. To be called
 * before the first spawn.
 */
void fiber_set_stack_size(size_t bytes);

/*
 * Runs fn(arg) in a new fiber on the loop. From any thread. The fiber frees itself when fn returns.
 * Returns 0, or -1 when memory or mappings (vm.max_map_count; two a fiber) ran out.
 */
NODISCARD int fiber_spawn(struct loop *loop, fiber_fn *fn, void *arg);

/* As fiber_spawn(); returns a reference that the caller gives back with fiber_join() or
 * fiber_unref(), or NULL. */
NODISCARD struct fiber *fiber_spawn_ref(struct loop *loop, fiber_fn *fn, void *arg);

/*
 * A reference keeps the fiber's handle (not its stack) after its end; wake and interrupt are then
 * no-ops. Whoever wakes a fiber that might end meanwhile needs one. From any thread.
 */
struct fiber *fiber_ref(struct fiber *f);
void fiber_unref(struct fiber *f);

/*
 * Waits for the end of f and gives the reference back. In a fiber: parks, not interruptible; on a
 * thread without a loop: blocks. Not to be called by f itself.
 */
void fiber_join(struct fiber *f);

/* Starts one loop, runs fn(arg) in a fiber, waits for all fibers to end, and stops: for tests and
 * tools. 0 or -1. */
NODISCARD int fiber_run(fiber_fn *fn, void *arg);

/* The fiber that is running, or NULL on a bare thread or in a loop callback. Borrowed. */
NODISCARD struct fiber *fiber_self(void);
NODISCARD struct loop *fiber_loop(const struct fiber *f);

/*
 * Waits for fiber_wake(), the deadline (clock_monotonic_us(); in the past: only takes a token), or
 * an interrupt. An interrupt goes before a token, which then stays.
 */
NODISCARD enum fiber_result fiber_park(uint64_t deadline_us);

/* Ends f's park or leaves it a token. From any thread. */
void fiber_wake(struct fiber *f);

/* Lets the other ready fibers of this thread, and its events, go first. Not a point of
 * interruption. */
void fiber_yield(void);

/* Waits us microseconds. Returns FIBER_TIMEOUT, or FIBER_INTERRUPTED. */
enum fiber_result fiber_sleep(uint64_t us);

/* Adds bits (not 0; their meaning is the owner's) to f's interrupt and ends its park. From any
 * thread. */
void fiber_interrupt(struct fiber *f, unsigned reason);

/* The bits set on the running fiber, masked or not; cheap enough to be polled in loops. */
NODISCARD unsigned fiber_interrupted(void);

/* Removes bits from the running fiber's interrupt. */
void fiber_clear_interrupt(unsigned reason);

/* Between these two (they nest) waits of the running fiber are not interrupted: for clean-up. */
void fiber_mask_interrupts(void);
void fiber_unmask_interrupts(void);

/* One pointer of the running fiber's owner, e.g. its session; NULL at the start. */
void fiber_set_local(void *p);
NODISCARD void *fiber_local(void);

enum {
    FIBER_HOT_MAX = 10, /* Ranges of fiber_set_hot(). */
};

/*
 * Memory that the running fiber works on whenever it is woken: it is fetched into the caches ahead
 * of the fiber's turn, as its stack is. index: which of the ranges it replaces, below
 * FIBER_HOT_MAX. It may be freed any time, as it is never read. NULL: none. On a bare thread
 * nothing is done.
 */
void fiber_set_hot(unsigned index, const void *p, size_t len);

/* Bytes of stack left below the caller's frame: for recursive code. On a bare thread a large
 * number. */
NODISCARD size_t fiber_stack_left(void);

#endif
