/*
 * Scheduling of fibers. The thread's own stack runs the scheduler (loop.c) and all callbacks; a
 * fiber is switched to from there and always switches back to it.
 *
 * Deadlines are kept in a heap that is updated lazily: a fiber that parks again with a later
 * deadline (every session does, at each command) leaves its entry where it is; only when the entry
 * comes up is it moved.
 */
#include "os/fiber.h"

#include "os_int.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* One wait in fiber_join(). */
struct joiner {
    struct rlist node; /* Linked to itself once the fiber has ended. */
    struct fiber *fiber;
};

/* ---- the switch, and what the sanitizers want to know about it ---- */

static void leave_scheduler(struct loop *l, struct fiber *f)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(&l->fake_stack, f->stack.base, f->stack.size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(f->tsan, 0);
#endif
    os_fiber_switch(&l->sp, f->sp);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(l->fake_stack, NULL, NULL);
#endif
}

static void leave_fiber(struct loop *l, struct fiber *f)
{
#ifdef WITH_ASAN
    /* Without a place to save it the fake stack of a fiber that ends is freed. */
    __sanitizer_start_switch_fiber(f->finished ? NULL : &f->fake_stack, l->stack_bottom,
                                   l->stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(l->tsan, 0);
#endif
    os_fiber_switch(&f->sp, l->sp);
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(f->fake_stack, &l->stack_bottom, &l->stack_size);
#endif
}

static void fiber_main(void)
{
    struct loop *l = loop_this;
    struct fiber *f = l->running;
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(NULL, &l->stack_bottom, &l->stack_size);
#endif
    f->fn(f->arg);
    f->finished = true;
    leave_fiber(l, f);
    abort(); /* A finished fiber is never continued. */
}

/* ---- timers ---- */

static void heap_set(struct loop *l, int i, struct fiber *f)
{
    l->heap[i] = f;
    f->heap_index = i;
}

static void heap_up(struct loop *l, int i)
{
    struct fiber *f = l->heap[i];
    while (i > 0 && l->heap[(i - 1) / 2]->timer_at > f->timer_at) {
        heap_set(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_set(l, i, f);
}

static void heap_down(struct loop *l, int i)
{
    struct fiber *f = l->heap[i];
    for (;;) {
        int child = 2 * i + 1;
        if (child + 1 < l->heap_len && l->heap[child + 1]->timer_at < l->heap[child]->timer_at) {
            child++;
        }
        if (child >= l->heap_len || l->heap[child]->timer_at >= f->timer_at) {
            break;
        }
        heap_set(l, i, l->heap[child]);
        i = child;
    }
    heap_set(l, i, f);
}

static void heap_add(struct loop *l, struct fiber *f)
{
    if (l->heap_len == l->heap_cap) {
        const int cap = l->heap_cap ? l->heap_cap * 2 : 64;
        struct fiber **heap = realloc(l->heap, sizeof(struct fiber *) * (size_t)cap);
        if (!heap) {
            (void)fprintf(stderr, "pintail: out of memory: timers of %d fibers\n", cap);
            abort();
        }
        l->heap = heap;
        l->heap_cap = cap;
    }
    heap_set(l, l->heap_len++, f);
    heap_up(l, f->heap_index);
}

static void heap_remove(struct loop *l, struct fiber *f)
{
    const int i = f->heap_index;
    if (i == HEAP_NONE) {
        return;
    }
    f->heap_index = HEAP_NONE;
    struct fiber *last = l->heap[--l->heap_len];
    if (last != f) {
        heap_set(l, i, last);
        heap_up(l, i);
        heap_down(l, last->heap_index);
    }
}

/* Sees to it that the heap has an entry that comes up at f->deadline or before. */
static void set_timer(struct loop *l, struct fiber *f)
{
    if (f->deadline == FIBER_FOREVER) {
        return;
    }
    if (f->heap_index == HEAP_NONE) {
        f->timer_at = f->deadline;
        heap_add(l, f);
    } else if (f->timer_at > f->deadline) {
        f->timer_at = f->deadline;
        heap_up(l, f->heap_index);
    }
}

uint64_t fiber_next_due(const struct loop *l)
{
    return l->heap_len ? l->heap[0]->timer_at : FIBER_FOREVER;
}

static void make_ready(struct loop *l, struct fiber *f)
{
    if (f->parked) {
        f->parked = false;
        rlist_push(&l->ready, &f->in_ready);
    }
}

void fiber_expire(struct loop *l)
{
    const uint64_t now = clock_monotonic_us();
    while (l->heap_len && l->heap[0]->timer_at <= now) {
        struct fiber *f = l->heap[0];
        if (f->parked && f->deadline > now && f->deadline != FIBER_FOREVER) {
            f->timer_at = f->deadline;
            heap_down(l, 0);
            continue;
        }
        heap_remove(l, f);
        if (f->deadline <= now) {
            make_ready(l, f);
        }
    }
}

/* ---- life and death ---- */

void fiber_set_stack_size(size_t bytes)
{
    stack_set_size(bytes);
}

struct fiber *fiber_ref(struct fiber *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void fiber_unref(struct fiber *f)
{
    if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) {
        free(f);
    }
}

static void on_spawned(void *arg)
{
    struct fiber *f = arg;
    struct loop *l = f->loop;
    atomic_fetch_and(&f->wake, ~(unsigned)WAKE_POSTED);
    rlist_push(&l->fibers, &f->in_fibers);
    rlist_push(&l->ready, &f->in_ready);
}

/* The fiber holds one reference itself, and refs - 1 are for the caller. */
static struct fiber *spawn(struct loop *loop, fiber_fn *fn, void *arg, unsigned refs)
{
    struct fiber *f = calloc(1, sizeof(*f));
    if (!f) {
        return NULL;
    }
    if (stack_get(&f->stack)) {
        free(f);
        return NULL;
    }
    f->loop = loop;
    f->fn = fn;
    f->arg = arg;
    f->heap_index = HEAP_NONE;
    f->sp = os_fiber_prepare(f->stack.base + f->stack.size, fiber_main);
    rlist_init(&f->in_fibers);
    rlist_init(&f->in_ready);
    rlist_init(&f->joiners);
    atomic_init(&f->refs, refs);
    /* wake_call is in use until the fiber is first made ready, so a wake-up may not post it again.
     */
    atomic_init(&f->wake, WAKE_POSTED);
    f->wake_call = (struct loop_call){.fn = on_spawned, .arg = f};
#ifdef WITH_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
    atomic_fetch_add(&loop->loops->fibers, 1);
    if (loop_this == loop) {
        on_spawned(f);
    } else {
        loop_post_call(loop, &f->wake_call);
    }
    return f;
}

int fiber_spawn(struct loop *loop, fiber_fn *fn, void *arg)
{
    return spawn(loop, fn, arg, 1) ? 0 : -1;
}

struct fiber *fiber_spawn_ref(struct loop *loop, fiber_fn *fn, void *arg)
{
    return spawn(loop, fn, arg, 2);
}

/* Tells those who wait for the end of f, and of all fibers. */
static void announce_end(struct loops *loops, struct fiber *f)
{
    os_mutex_lock(&loops->end_lock);
    atomic_store(&f->ended, true);
    struct rlist *node;
    while ((node = rlist_shift(&f->joiners))) {
        fiber_wake(RLIST_ENTRY(node, struct joiner, node)->fiber);
    }
    atomic_fetch_sub(&loops->fibers, 1);
    os_cond_broadcast(&loops->ended);
    os_mutex_unlock(&loops->end_lock);
}

void fiber_abandon(struct fiber *f)
{
    struct loop *l = f->loop;
    heap_remove(l, f);
    rlist_del(&f->in_fibers);
    rlist_del(&f->in_ready);
#ifdef WITH_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
    stack_put(&f->stack);
    announce_end(l->loops, f);
    fiber_unref(f);
}

static void resume(struct loop *l, struct fiber *f)
{
    l->running = f;
    leave_scheduler(l, f);
    l->running = NULL;
    if (f->finished) {
        fiber_abandon(f);
    }
}

/*
 * When many fibers take turns, what one continues with is no longer in the caches, and each line of
 * it would be waited for. So it is fetched while the fiber before it runs; and before that, the
 * fiber's own struct. Inlined by force: gcc takes a function that only fetches for one without
 * effect, and drops its calls.
 */
#define FETCHING static inline __attribute__((always_inline))

enum {
    LINE_LEN = 64,  /* Of the caches. */
    TOP_LEN = 1024, /* Of the stack, upwards from its pointer: what the fiber returns through. */
};

FETCHING void prefetch(const char *first, const char *last)
{
    for (const char *p = first; p <= last; p += LINE_LEN) {
        __builtin_prefetch(p);
    }
}

FETCHING void prefetch_fiber(const struct rlist *node)
{
    const char *f = (const char *)RLIST_ENTRY(node, struct fiber, in_ready);
    prefetch(f, f + sizeof(struct fiber) - 1);
}

FETCHING void prefetch_work(const struct rlist *node)
{
    const struct fiber *f = RLIST_ENTRY(node, struct fiber, in_ready);
    const char *sp = f->sp;
    const char *top = f->stack.base + f->stack.size;
    prefetch(sp, MIN(sp + TOP_LEN, top) - 1);
    for (unsigned i = 0; i < FIBER_HOT_MAX; i++) {
        if (f->hot[i].first != NULL) {
            prefetch(f->hot[i].first, f->hot[i].last);
        }
    }
}

void fiber_run_ready(struct loop *l)
{
    /* Fibers that become ready meanwhile wait for the next round, behind the events. */
    struct rlist round;
    rlist_init(&round);
    if (rlist_is_empty(&l->ready)) {
        return;
    }
    round = l->ready;
    round.next->prev = &round;
    round.prev->next = &round;
    rlist_init(&l->ready);
    struct rlist *node;
    while ((node = rlist_shift(&round))) {
        if (round.next != &round) {
            prefetch_work(round.next);
            prefetch_fiber(round.next->next);
        }
        l->others_ready = round.next != &round;
        resume(l, RLIST_ENTRY(node, struct fiber, in_ready));
    }
}

void fiber_trim_parked(struct loop *l)
{
    enum {
        TRIMS_A_TICK = 1000, /* A trim takes about a microsecond. */
    };
    int left = TRIMS_A_TICK;
    rlist_foreach (it, &l->fibers) {
        struct fiber *f = RLIST_ENTRY(it, struct fiber, in_fibers);
        if (f->parked && !f->trimmed && f->parked_epoch != l->epoch && left-- > 0) {
            stack_trim(&f->stack, f->sp);
            f->trimmed = true;
        }
    }
    l->epoch++;
}

/* ---- parking and waking ---- */

struct fiber *fiber_self(void)
{
    return loop_this ? loop_this->running : NULL;
}

struct loop *fiber_loop(const struct fiber *f)
{
    return f->loop;
}

static bool interrupt_pending(const struct fiber *f)
{
    return f->masked == 0 && atomic_load(&f->interrupt) != 0;
}

static bool take_token(struct fiber *f)
{
    return (atomic_load_explicit(&f->wake, memory_order_relaxed) & WAKE_TOKEN) &&
           (atomic_fetch_and(&f->wake, ~(unsigned)WAKE_TOKEN) & WAKE_TOKEN);
}

/* Back to the scheduler, until make_ready(). */
static void suspend(struct loop *l, struct fiber *f)
{
    assert(os_locks_held() == 0 && "a mutex is held across a park");
    leave_fiber(l, f);
}

enum fiber_result fiber_park(uint64_t deadline_us)
{
    struct loop *l = loop_this;
    struct fiber *f = l->running;
    assert(f);
    if (interrupt_pending(f)) {
        return FIBER_INTERRUPTED;
    }
    if (take_token(f)) {
        return FIBER_WOKEN;
    }
    if (deadline_us != FIBER_FOREVER && deadline_us <= clock_monotonic_us()) {
        return FIBER_TIMEOUT;
    }
    f->deadline = deadline_us;
    set_timer(l, f);
    f->parked = true;
    f->trimmed = false;
    f->parked_epoch = l->epoch;
    suspend(l, f);
    if (interrupt_pending(f)) {
        return FIBER_INTERRUPTED;
    }
    return take_token(f) ? FIBER_WOKEN : FIBER_TIMEOUT;
}

void fiber_pause(void)
{
    const enum fiber_result r = fiber_park(FIBER_FOREVER);
    assert(r != FIBER_TIMEOUT);
    (void)r;
}

/* On the loop's thread: something about f has changed. */
static void notice(struct fiber *f)
{
    if ((atomic_load(&f->wake) & WAKE_TOKEN) || interrupt_pending(f)) {
        make_ready(f->loop, f);
    }
}

static void on_wake_posted(void *arg)
{
    struct fiber *f = arg;
    /* Cleared first: whoever sets a token from now on posts again. */
    atomic_fetch_and(&f->wake, ~(unsigned)WAKE_POSTED);
    if (!atomic_load(&f->ended)) {
        notice(f);
    }
    fiber_unref(f);
}

/* Has notice(f) called on f's thread. */
static void poke(struct fiber *f)
{
    if (atomic_load(&f->ended)) {
        return;
    }
    if (loop_this == f->loop) {
        notice(f);
        return;
    }
    if (!(atomic_fetch_or(&f->wake, WAKE_POSTED) & WAKE_POSTED)) {
        fiber_ref(f);
        f->wake_call.fn = on_wake_posted;
        f->wake_call.arg = f;
        loop_post_call(f->loop, &f->wake_call);
    }
}

void fiber_wake(struct fiber *f)
{
    atomic_fetch_or(&f->wake, WAKE_TOKEN);
    poke(f);
}

void fiber_interrupt(struct fiber *f, unsigned reason)
{
    atomic_fetch_or(&f->interrupt, reason);
    poke(f);
}

void fiber_hold(struct fiber *f)
{
    suspend(f->loop, f);
}

void fiber_release(struct fiber *f)
{
    rlist_push(&f->loop->ready, &f->in_ready);
}

void fiber_yield(void)
{
    struct loop *l = loop_this;
    struct fiber *f = l->running;
    rlist_push(&l->ready, &f->in_ready);
    suspend(l, f);
}

enum fiber_result fiber_sleep(uint64_t us)
{
    const uint64_t now = clock_monotonic_us();
    const uint64_t deadline = us < FIBER_FOREVER - now ? now + us : FIBER_FOREVER;
    bool token = false;
    enum fiber_result r;
    while ((r = fiber_park(deadline)) == FIBER_WOKEN) {
        token = true;
    }
    if (token) {
        fiber_wake(fiber_self());
    }
    return r;
}

unsigned fiber_interrupted(void)
{
    const struct fiber *f = fiber_self();
    return f ? atomic_load_explicit(&f->interrupt, memory_order_relaxed) : 0;
}

void fiber_clear_interrupt(unsigned reason)
{
    atomic_fetch_and(&fiber_self()->interrupt, ~reason);
}

void fiber_mask_interrupts(void)
{
    fiber_self()->masked++;
}

void fiber_unmask_interrupts(void)
{
    struct fiber *f = fiber_self();
    assert(f->masked);
    f->masked--;
}

void fiber_set_local(void *p)
{
    fiber_self()->local = p;
}

void *fiber_local(void)
{
    const struct fiber *f = fiber_self();
    return f ? f->local : NULL;
}

void fiber_set_hot(unsigned index, const void *p, size_t len)
{
    struct fiber *f = fiber_self();
    assert(index < FIBER_HOT_MAX && len > 0);
    if (f != NULL) {
        const char *first = p;
        const char *last = first == NULL ? NULL : first + len - 1;
        f->hot[index] = (struct hot_range){.first = first, .last = last};
    }
}

size_t fiber_stack_left(void)
{
    const struct fiber *f = fiber_self();
    if (!f) {
        return SIZE_MAX;
    }
    const char *here = __builtin_frame_address(0);
    return (size_t)(here - f->stack.base);
}

/* ---- waiting for the end ---- */

static void join_in_fiber(struct loops *loops, struct fiber *f)
{
    struct joiner joiner = {.fiber = fiber_self()};
    rlist_init(&joiner.node);
    os_mutex_lock(&loops->end_lock);
    if (!atomic_load(&f->ended)) {
        rlist_push(&f->joiners, &joiner.node);
    }
    bool ended = rlist_is_empty(&joiner.node);
    os_mutex_unlock(&loops->end_lock);
    fiber_mask_interrupts();
    while (!ended) {
        fiber_pause();
        os_mutex_lock(&loops->end_lock);
        ended = rlist_is_empty(&joiner.node);
        os_mutex_unlock(&loops->end_lock);
    }
    fiber_unmask_interrupts();
}

void fiber_join(struct fiber *f)
{
    struct loops *loops = f->loop->loops;
    assert(f != fiber_self());
    if (fiber_self()) {
        join_in_fiber(loops, f);
    } else {
        os_mutex_lock(&loops->end_lock);
        while (!atomic_load(&f->ended)) {
            os_cond_wait(&loops->ended, &loops->end_lock);
        }
        os_mutex_unlock(&loops->end_lock);
    }
    fiber_unref(f);
}

int fiber_run(fiber_fn *fn, void *arg)
{
    struct diag d;
    diag_init(&d);
    struct loops *loops;
    int rc = loops_start(1, &loops, &d);
    diag_release(&d);
    if (rc) {
        return -1;
    }
    rc = fiber_spawn(loops_get(loops, 0), fn, arg);
    if (rc == 0) {
        rc = loops_drain(loops, FIBER_FOREVER);
    }
    loops_stop(loops);
    return rc;
}
