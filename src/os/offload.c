#include "os/offload.h"

#include "os_int.h"

#include "base/clock.h"
#include "os/rlimit.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    THREADS_MAX = 256, /* Ceiling of a class. */
};

/* A function handed over; lives on the fiber's stack. */
struct job {
    struct rlist node; /* pool->queue; under pool->lock. */
    bool begun;        /* Taken by a thread; under pool->lock. */
    bool done;         /* Set on the fiber's loop thread. */
    offload_fn *fn;
    void *arg;
    struct fiber *fiber;
    struct loop *loop;
    struct loop_call finished;
};

/* The threads and the queue of one class. */
struct pool {
    struct os_mutex lock;
    struct os_cond work;
    struct rlist queue;
    unsigned max;     /* Threads allowed. */
    unsigned threads; /* Made so far. */
    unsigned idle;    /* Waiting for work. */
    unsigned waking;  /* Of the idle ones, those that have been signalled. */
    bool stopping;
    atomic_uint running;
    atomic_uint queued;
    atomic_uint spinning; /* Threads in spin_for_job(): they look at the queue afterwards. */
    const char *name;
    pthread_t ids[THREADS_MAX];
};

static struct pool pools[OFFLOAD_CLASSES];
static atomic_bool started;

/* On the fiber's loop thread. */
static void on_finished(void *arg)
{
    struct job *job = arg;
    job->done = true;
    fiber_wake(job->fiber);
}

/* The next function often follows within microseconds of the last. */
static void spin_for_job(struct pool *p)
{
    const uint64_t until = clock_monotonic_us() + SPIN_US;
    atomic_fetch_add(&p->spinning, 1);
    while (atomic_load_explicit(&p->queued, memory_order_relaxed) == 0 &&
           clock_monotonic_us() < until) {
        (void)sched_yield();
    }
    atomic_fetch_sub(&p->spinning, 1);
}

/* Waits for a job; NULL when the pool stops and the queue is empty. */
static struct job *next_job(struct pool *p)
{
    os_mutex_lock(&p->lock);
    while (rlist_is_empty(&p->queue) && !p->stopping) {
        p->idle++;
        os_cond_wait(&p->work, &p->lock);
        p->idle--;
        p->waking -= p->waking ? 1 : 0;
    }
    struct rlist *node = rlist_shift(&p->queue);
    struct job *job = node ? RLIST_ENTRY(node, struct job, node) : NULL;
    if (job) {
        job->begun = true;
        atomic_fetch_sub(&p->queued, 1);
        atomic_fetch_add(&p->running, 1);
    }
    os_mutex_unlock(&p->lock);
    return job;
}

static void *worker(void *arg)
{
    struct pool *p = arg;
    (void)pthread_setname_np(pthread_self(), p->name);
    struct job *job;
    while ((job = next_job(p))) {
        job->fn(job->arg);
        atomic_fetch_sub(&p->running, 1);
        loop_post_call(job->loop, &job->finished);
        spin_for_job(p);
    }
    return NULL;
}

/* Under the lock. One more thread, if it can be had; another will get to the job otherwise. */
static void add_thread(struct pool *p)
{
    const int rc = os_thread_start(&p->ids[p->threads], worker, p);
    if (rc == 0) {
        p->threads++;
    } else if (p->threads == 0) {
        (void)fprintf(stderr, "pintail: cannot start a thread: error %d\n", rc);
        abort();
    }
}

static void enqueue(struct pool *p, struct job *job)
{
    os_mutex_lock(&p->lock);
    rlist_push(&p->queue, &job->node);
    atomic_fetch_add(&p->queued, 1);
    /* Threads that look, or are about to, take it without being told. */
    const bool wanted = atomic_load(&p->queued) > atomic_load(&p->spinning) + p->waking;
    const bool signal = wanted && p->idle > p->waking;
    if (signal) {
        p->waking++;
    } else if (wanted && p->threads < p->max) {
        add_thread(p);
    }
    os_mutex_unlock(&p->lock);
    if (signal) {
        os_cond_signal(&p->work);
    }
}

/* Takes back a job that has not begun. */
static bool withdraw(struct pool *p, struct job *job)
{
    os_mutex_lock(&p->lock);
    const bool queued = !job->begun;
    if (queued) {
        rlist_del(&job->node);
        atomic_fetch_sub(&p->queued, 1);
    }
    os_mutex_unlock(&p->lock);
    return queued;
}

enum offload_result offload_run(enum offload_class class, offload_fn *fn, void *arg)
{
    return offload_run_late(class, fn, arg, NULL);
}

enum offload_result offload_run_late(enum offload_class class, offload_fn *fn, void *arg,
                                     const struct offload_late *late)
{
    struct fiber *f = fiber_self();
    if (!f || !atomic_load(&started)) {
        fn(arg);
        return OFFLOAD_DONE;
    }
    struct pool *p = &pools[class];
    struct job job = {.fn = fn, .arg = arg, .fiber = f, .loop = fiber_loop(f)};
    job.finished = (struct loop_call){.fn = on_finished, .arg = &job};
    enqueue(p, &job);
    job.loop->expects_post = true;
    bool withdrawn = false;
    bool masked = false;
    uint64_t late_at = FIBER_FOREVER;
    while (!job.done && !withdrawn) {
        const enum fiber_result r = fiber_park(late_at);
        if (r == FIBER_TIMEOUT) {
            late_at = FIBER_FOREVER;
            late->fn(late->arg);
            continue;
        }
        if (r != FIBER_INTERRUPTED) {
            continue;
        }
        withdrawn = !(late != NULL && late->always) && withdraw(p, &job);
        if (!withdrawn && !masked) {
            masked = true;
            fiber_mask_interrupts();
            late_at = late != NULL ? clock_monotonic_us() + late->after_us : FIBER_FOREVER;
        }
    }
    if (masked) {
        fiber_unmask_interrupts();
    }
    return withdrawn ? OFFLOAD_INTERRUPTED : OFFLOAD_DONE;
}

void offload_run_always(enum offload_class class, offload_fn *fn, void *arg)
{
    const bool in_fiber = fiber_self();
    if (in_fiber) {
        fiber_mask_interrupts();
    }
    const enum offload_result r = offload_run(class, fn, arg);
    assert(r == OFFLOAD_DONE);
    (void)r;
    if (in_fiber) {
        fiber_unmask_interrupts();
    }
}

static unsigned default_threads(enum offload_class class)
{
    switch (class) {
    case OFFLOAD_QUERY:
        return 2 * rlimit_cores();
    case OFFLOAD_WRITE:
        return 4;
    case OFFLOAD_CONTROL:
    case OFFLOAD_FILE:
    case OFFLOAD_CLASSES:
        break;
    }
    return 2;
}

void offload_start(const struct offload_config *config)
{
    static const char *const names[OFFLOAD_CLASSES] = {
        [OFFLOAD_QUERY] = "off-query",
        [OFFLOAD_WRITE] = "off-write",
        [OFFLOAD_CONTROL] = "off-control",
        [OFFLOAD_FILE] = "off-file",
    };
    assert(!atomic_load(&started));
    for (unsigned i = 0; i < OFFLOAD_CLASSES; i++) {
        struct pool *p = &pools[i];
        const unsigned wanted = config ? config->threads[i] : 0;
        os_mutex_init(&p->lock);
        os_cond_init(&p->work);
        rlist_init(&p->queue);
        p->max = wanted ? wanted : default_threads((enum offload_class)i);
        p->max = MIN(p->max, (unsigned)THREADS_MAX);
        p->threads = 0;
        p->idle = 0;
        p->waking = 0;
        p->stopping = false;
        p->name = names[i];
    }
    atomic_store(&started, true);
}

void offload_stop(void)
{
    if (!atomic_exchange(&started, false)) {
        return;
    }
    for (unsigned i = 0; i < OFFLOAD_CLASSES; i++) {
        struct pool *p = &pools[i];
        os_mutex_lock(&p->lock);
        p->stopping = true;
        os_mutex_unlock(&p->lock);
        os_cond_broadcast(&p->work);
        for (unsigned t = 0; t < p->threads; t++) {
            (void)pthread_join(p->ids[t], NULL);
        }
        os_cond_release(&p->work);
        os_mutex_release(&p->lock);
    }
}

unsigned offload_running(enum offload_class class)
{
    return atomic_load(&pools[class].running);
}

unsigned offload_queued(enum offload_class class)
{
    return atomic_load(&pools[class].queued);
}
