/*
 * Each thread alternates between three things: the calls that were posted, the fibers that are
 * ready, and uv_run() for one round of events. It sleeps in the latter only when there is nothing
 * else to do.
 */
#include "os/loop.h"

#include "os_int.h"

#include "base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum {
    TRIM_TICK_MS = 1000, /* A fiber's stack is trimmed 1-2 s after it was parked. */
    ROUNDS_MAX = 8,      /* Rounds of ready fibers before events are looked at again. */
};

_Thread_local struct loop *loop_this;

/* ---- posting ---- */

/* An allocated call of loop_post(). */
struct posted_call {
    struct loop_call call;
    loop_fn *fn;
    void *arg;
};

static void run_posted_call(void *arg)
{
    struct posted_call *posted = arg;
    loop_fn *fn = posted->fn;
    void *fn_arg = posted->arg;
    free(posted);
    fn(fn_arg);
}

void loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    struct posted_call *posted = malloc(sizeof(*posted));
    if (!posted) {
        (void)fprintf(stderr, "pintail: out of memory: posted call\n");
        abort();
    }
    *posted =
        (struct posted_call){.call = {.fn = run_posted_call, .arg = posted}, .fn = fn, .arg = arg};
    loop_post_call(loop, &posted->call);
}

void loop_post_call(struct loop *loop, struct loop_call *call)
{
    struct loop_call *head = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        call->next = head;
    } while (!atomic_compare_exchange_weak(&loop->posted, &head, call));
    /*
     * Whoever makes the list non-empty wakes the thread. The loop's own thread looks at the list
     * before it sleeps.
     */
    if (!head && loop_this != loop && !atomic_load(&loop->stopping)) {
        (void)uv_async_send(&loop->async);
    }
}

static void run_posted(struct loop *l)
{
    struct loop_call *call = atomic_exchange(&l->posted, NULL);
    struct loop_call *in_order = NULL;
    while (call) {
        struct loop_call *next = call->next;
        call->next = in_order;
        in_order = call;
        call = next;
    }
    while (in_order) {
        struct loop_call *next = in_order->next;
        in_order->fn(in_order->arg);
        in_order = next;
    }
}

/* ---- the thread ---- */

static void on_async(uv_async_t *async)
{
    (void)async; /* Its work is done: uv_run() returns. */
}

static void on_timer(uv_timer_t *timer)
{
    struct loop *l = timer->data;
    l->timer_due = FIBER_FOREVER;
    fiber_expire(l);
    /*
     * uv_run() calls timers that are due before it waits for events, and would then sleep over the
     * fibers that are ready now: a stop keeps this one call from blocking.
     */
    uv_stop(&l->uv);
}

static void on_trim_timer(uv_timer_t *timer)
{
    fiber_trim_parked(timer->data);
}

static void set_timer(struct loop *l)
{
    const uint64_t due = fiber_next_due(l);
    /* A timer that fires too early costs less than setting it at each change. */
    if (due >= l->timer_due) {
        return;
    }
    const uint64_t now = clock_monotonic_us();
    const uint64_t ms = due > now ? (due - now + 999) / 1000 : 0;
    uv_update_time(&l->uv);
    (void)uv_timer_start(&l->timer, on_timer, ms, 0);
    l->timer_due = due;
}

/* Fibers that wake one another go on for some rounds without the system call that asks for events.
 */
static void run_fibers(struct loop *l)
{
    int rounds = 0;
    do {
        run_posted(l);
        fiber_run_ready(l);
        io_batch_submit(&l->batch);
    } while (++rounds < ROUNDS_MAX && !rlist_is_empty(&l->ready));
}

/* Waits shortly for a posted call; gives the core to whoever wants it. */
static bool spin_for_post(struct loop *l)
{
    const uint64_t until = clock_monotonic_us() + SPIN_US;
    while (!atomic_load_explicit(&l->posted, memory_order_relaxed)) {
        if (clock_monotonic_us() >= until) {
            return false;
        }
        (void)sched_yield();
    }
    return true;
}

static bool has_work(const struct loop *l)
{
    return !rlist_is_empty(&l->ready) || atomic_load(&l->posted);
}

/*
 * Looks for events for a while before the thread sleeps, where that has paid off: a client that
 * sends one command after the other is answered without waking a core each time. Each look in vain
 * doubles the number of sleeps without one, so that a loop with little to do takes no time. Where
 * somebody else wants the core, the answer is likely to come from there: he gets it at once.
 */
static bool spin_for_events(struct loop *l)
{
    if (l->spin_skip > 0) {
        l->spin_skip--;
        return false;
    }
    uint64_t now = clock_monotonic_us();
    const uint64_t until = now + EVENT_SPIN_US;
    do {
        (void)uv_run(&l->uv, UV_RUN_NOWAIT);
        if (has_work(l)) {
            l->spin_backoff = 0;
            return true;
        }
        const uint64_t before = clock_monotonic_us();
        (void)sched_yield();
        now = clock_monotonic_us();
        if (now - before >= YIELD_TAKEN_US) {
            l->spin_backoff = EVENT_SPIN_BACKOFF_MAX;
            break;
        }
    } while (now < until);
    l->spin_backoff = MIN(l->spin_backoff * 2 + 1, (unsigned)EVENT_SPIN_BACKOFF_MAX);
    l->spin_skip = l->spin_backoff;
    return false;
}

static void *loop_main(void *arg)
{
    struct loop *l = arg;
    char name[16];
    (void)snprintf(name, sizeof(name), "loop-%u", l->index);
    (void)pthread_setname_np(pthread_self(), name);
    loop_this = l;
#ifdef WITH_TSAN
    l->tsan = __tsan_get_current_fiber();
#endif
    io_batch_init(&l->batch);
    for (;;) {
        run_fibers(l);
        if (atomic_load(&l->stopping)) {
            break;
        }
        set_timer(l);
        bool busy = has_work(l);
        if (l->expects_post) {
            l->expects_post = false;
            busy = busy || spin_for_post(l);
        }
        if (!busy && spin_for_events(l)) {
            continue;
        }
        /* The timer may have gone off meanwhile, too early for any fiber. */
        set_timer(l);
        (void)uv_run(&l->uv, busy ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    run_posted(l);
    io_batch_release(&l->batch);
    return NULL;
}

/* ---- set-up and end ---- */

static int loop_init(struct loops *loops, struct loop *l, unsigned index)
{
    l->loops = loops;
    l->index = index;
    l->timer_due = FIBER_FOREVER;
    rlist_init(&l->fibers);
    rlist_init(&l->ready);
    int rc = uv_loop_init(&l->uv);
    if (rc) {
        return rc;
    }
    rc = uv_async_init(&l->uv, &l->async, on_async);
    if (rc) {
        (void)uv_loop_close(&l->uv);
        return rc;
    }
    (void)uv_timer_init(&l->uv, &l->timer);
    (void)uv_timer_init(&l->uv, &l->trim_timer);
    l->timer.data = l;
    l->trim_timer.data = l;
    (void)uv_timer_start(&l->trim_timer, on_trim_timer, TRIM_TICK_MS, TRIM_TICK_MS);
    return 0;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* After its thread has ended. */
static void close_handles(struct loop *l)
{
    uv_walk(&l->uv, close_handle, NULL);
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&l->uv);
}

static void request_stop(void *arg)
{
    struct loop *l = arg;
    atomic_store(&l->stopping, true);
}

/* Ends the first so many threads, and frees the first so many initialised loops. */
static void stop_first(struct loops *loops, unsigned threads, unsigned inited)
{
    for (unsigned i = 0; i < threads; i++) {
        struct loop *l = &loops->loop[i];
        loop_post(l, request_stop, l);
        (void)pthread_join(l->thread, NULL);
    }
    /* Handles may lie on the stacks of fibers that are left: they have to be closed before those
     * go. */
    for (unsigned i = 0; i < inited; i++) {
        close_handles(&loops->loop[i]);
    }
    for (unsigned i = 0; i < inited; i++) {
        struct loop *l = &loops->loop[i];
        while (!rlist_is_empty(&l->fibers)) {
            fiber_abandon(RLIST_ENTRY(l->fibers.next, struct fiber, in_fibers));
        }
        free(l->heap);
    }
    os_cond_release(&loops->ended);
    os_mutex_release(&loops->end_lock);
    free(loops);
    stack_drop_cache();
}

int loops_start(unsigned count, struct loops **out_loops, struct diag *d)
{
    *out_loops = NULL;
    assert(count);
    struct loops *loops = calloc(1, sizeof(*loops) + count * sizeof(struct loop));
    if (!loops) {
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    loops->count = count;
    os_mutex_init(&loops->end_lock);
    os_cond_init(&loops->ended);
    for (unsigned i = 0; i < count; i++) {
        const int rc = loop_init(loops, &loops->loop[i], i);
        if (rc) {
            stop_first(loops, 0, i);
            return diag_set(d, ER_CANT_CREATE_THREAD, -rc);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const int rc = os_thread_start(&loops->loop[i].thread, loop_main, &loops->loop[i]);
        if (rc) {
            stop_first(loops, i, count);
            return diag_set(d, ER_CANT_CREATE_THREAD, rc);
        }
    }
    *out_loops = loops;
    return 0;
}

void loops_stop(struct loops *loops)
{
    if (loops) {
        assert(!loop_this);
        stop_first(loops, loops->count, loops->count);
    }
}

int loops_drain(struct loops *loops, uint64_t deadline_us)
{
    assert(!loop_this);
    bool in_time = true;
    os_mutex_lock(&loops->end_lock);
    while (atomic_load(&loops->fibers) && in_time) {
        in_time = os_cond_wait_until(&loops->ended, &loops->end_lock, deadline_us);
    }
    const bool empty = atomic_load(&loops->fibers) == 0;
    os_mutex_unlock(&loops->end_lock);
    return empty ? 0 : -1;
}

struct interrupt_call {
    struct loop *loop;
    unsigned reason;
};

static void interrupt_fibers(void *arg)
{
    struct interrupt_call *call = arg;
    rlist_foreach (it, &call->loop->fibers) {
        fiber_interrupt(RLIST_ENTRY(it, struct fiber, in_fibers), call->reason);
    }
    free(call);
}

void loops_interrupt_all(struct loops *loops, unsigned reason)
{
    for (unsigned i = 0; i < loops->count; i++) {
        struct interrupt_call *call = malloc(sizeof(*call));
        if (!call) {
            (void)fprintf(stderr, "pintail: out of memory: interrupt call\n");
            abort();
        }
        *call = (struct interrupt_call){.loop = &loops->loop[i], .reason = reason};
        loop_post(&loops->loop[i], interrupt_fibers, call);
    }
}

unsigned loops_count(const struct loops *loops)
{
    return loops->count;
}

struct loop *loops_get(struct loops *loops, unsigned index)
{
    assert(index < loops->count);
    return &loops->loop[index];
}

struct loop *loops_next(struct loops *loops)
{
    return &loops->loop[atomic_fetch_add(&loops->next, 1) % loops->count];
}

unsigned loops_fiber_count(const struct loops *loops)
{
    return atomic_load(&loops->fibers);
}

struct loop *loop_self(void)
{
    return loop_this;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}
