/* The inside of loops and fibers, shared by loop.c, fiber.c, stack.c and the assembly. */
#ifndef OS_OS_INT_H
#define OS_OS_INT_H

#include "base/base.h"
#include "base/rlist.h"
#include "os/fiber.h"
#include "os/loop.h"
#include "os/os_mutex.h"

#include <uv.h>

#include <liburing.h>
#include <pthread.h>
#include <stdatomic.h>

/* A mapped stack; base is its lowest usable byte, above the guard page. */
struct stack {
    char *base;
    size_t size;
};

/* Takes a stack from the cache or maps one. Returns 0 or -1. From any thread. */
NODISCARD int stack_get(struct stack *out);

/* Gives a stack and its pages back. */
void stack_put(struct stack *s);

/* Gives the pages wholly below sp back to the system; their content is lost. */
void stack_trim(const struct stack *s, const void *sp);

void stack_set_size(size_t bytes);

/* Unmaps what is cached. */
void stack_drop_cache(void);

/* Bits of fiber.wake. */
enum {
    WAKE_TOKEN = 1u << 0,  /* fiber_wake() was called and not yet noticed. */
    WAKE_POSTED = 1u << 1, /* wake_call is in the loop's queue (and holds a reference). */
};

enum {
    HEAP_NONE = -1, /* fiber.heap_index of a fiber without a timer. */
};

/* A range of fiber_set_hot(). */
struct hot_range {
    const char *first; /* NULL = none. */
    const char *last;  /* In its last line. */
};

struct fiber {
    /* Owned by the loop's thread. */
    struct loop *loop;
    fiber_fn *fn;
    void *arg;
    void *sp; /* Stack pointer while it does not run. */
    struct stack stack;
    struct rlist in_fibers; /* loop->fibers */
    struct rlist in_ready;  /* loop->ready, or linked to itself. */
    bool parked;
    bool finished;
    bool trimmed;          /* The stack was trimmed since it was parked. */
    unsigned parked_epoch; /* loop->epoch when it was parked. */
    unsigned masked;       /* Nesting of fiber_mask_interrupts(). */
    uint64_t deadline;     /* Of the current park. */
    uint64_t timer_at;     /* Key in the loop's heap: not later than deadline while parked. */
    int heap_index;        /* HEAP_NONE or the place in loop->heap. */
    void *local;
    struct hot_range hot[FIBER_HOT_MAX];
    void *tsan;       /* ThreadSanitizer's idea of it. */
    void *fake_stack; /* AddressSanitizer's. */

    /* Shared. */
    atomic_uint refs;
    atomic_uint wake;
    atomic_uint interrupt;
    atomic_bool ended;
    struct loop_call wake_call;
    struct rlist joiners; /* struct joiner; under loops->end_lock. */
};

/* Calls of fibers that are made together: io_batch.h. */
struct io_batch {
    struct io_uring ring;
    bool is_open;
    unsigned count;     /* Calls that wait to be submitted. */
    struct rlist calls; /* struct batched_call */
};

struct loop {
    uv_loop_t uv;
    uv_async_t async;
    uv_timer_t timer;      /* For the first fiber of the heap. */
    uv_timer_t trim_timer; /* Ticks the epoch. */
    struct loops *loops;
    unsigned index;
    pthread_t thread;
    _Atomic(struct loop_call *) posted; /* Newest first; pushed by any thread. */
    atomic_bool stopping;

    /* Owned by the thread. */
    struct fiber *running;
    struct rlist fibers;
    struct rlist ready;
    bool others_ready; /* Behind the one that runs. */
    struct io_batch batch;
    struct fiber **heap; /* Binary heap by timer_at. */
    int heap_len;
    int heap_cap;
    uint64_t timer_due; /* When the timer is set to fire; FIBER_FOREVER = not set. */
    unsigned epoch;
    bool expects_post;     /* A call may be posted within microseconds: worth a short spin. */
    unsigned spin_backoff; /* Sleeps without a look before the next that looks for events first. */
    unsigned spin_skip;    /* How many of these are left. */
    void *sp;              /* The scheduler's stack pointer while a fiber runs. */
    void *tsan;
    void *fake_stack;
    const void *stack_bottom;
    size_t stack_size;
};

struct loops {
    unsigned count;
    atomic_uint next;
    atomic_uint fibers;       /* Alive, spawned ones that have not begun included. */
    struct os_mutex end_lock; /* Protects joiners of all fibers; order: before nothing else. */
    struct os_cond ended;     /* A fiber ended. */
    struct loop loop[];
};

/* The loop of this thread. */
extern _Thread_local struct loop *loop_this;

enum {
    /*
     * How long a thread looks again before it sleeps when work is likely to come at once. Putting a
     * core to sleep and waking it costs more than that, above all in virtual machines.
     */
    SPIN_US = 20,
    /* The same for a client's next command. It covers the waking of a client on another core. */
    EVENT_SPIN_US = 80,
    EVENT_SPIN_BACKOFF_MAX = 255,
    /* A yield that takes so long has given the core to another thread. */
    YIELD_TAKEN_US = 10,
};

/*
 * Starts a thread of ours. It leaves the process's signals to the main thread, so that system calls
 * here are not disturbed; those of its own faults stay open. Returns 0 or an errno.
 */
NODISCARD int os_thread_start(pthread_t *out, void *(*fn)(void *), void *arg);

/* errno in words; the buffer is the thread's. */
NODISCARD const char *os_errno_text(int err);

/* Runs the fibers that were ready when it was called. */
void fiber_run_ready(struct loop *l);

/* Makes fibers whose deadline has passed ready. */
void fiber_expire(struct loop *l);

/* When the first timer is due, or FIBER_FOREVER. */
NODISCARD uint64_t fiber_next_due(const struct loop *l);

/* Trims the stacks of fibers that have been parked since the last epoch. */
void fiber_trim_parked(struct loop *l);

/* The running fiber does nothing until fiber_release(f): no deadline, wake-up or interrupt ends
 * that. */
void fiber_hold(struct fiber *f);
void fiber_release(struct fiber *f);

/* On the loop's thread, when it begins and ends. */
void io_batch_init(struct io_batch *b);
void io_batch_release(struct io_batch *b);

/* Makes the calls that wait, and their fibers ready. */
void io_batch_submit(struct io_batch *b);

/* fiber_park() without a deadline, for loops that test their condition only. */
void fiber_pause(void);

/* Frees a fiber that will never run again. */
void fiber_abandon(struct fiber *f);

/*
 * Saves the callee-saved registers on the stack and the stack pointer in *from_sp, then continues
 * what to_sp was saved from. In assembly, one file a processor.
 */
void os_fiber_switch(void **from_sp, void *to_sp);

/* Lays out a fresh stack so that the first switch to the returned pointer calls entry(), which may
 * not return. */
NODISCARD void *os_fiber_prepare(void *stack_top, void (*entry)(void));

#endif
