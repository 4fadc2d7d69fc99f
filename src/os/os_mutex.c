#include "os/os_mutex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Thread_local unsigned held;

/* A failing lock operation means corrupted memory or a use after release. */
static void must(int rc, const char *what)
{
    if (rc != 0) {
        (void)fprintf(stderr, "pintail: %s: %s\n", what,
                      strerror(rc)); /* NOLINT(concurrency-mt-unsafe) */
        abort();
    }
}

unsigned os_locks_held(void)
{
    return held;
}

void os_mutex_init(struct os_mutex *m)
{
    must(pthread_mutex_init(&m->m, NULL), "mutex init");
}

void os_mutex_release(struct os_mutex *m)
{
    must(pthread_mutex_destroy(&m->m), "mutex destroy");
}

void os_mutex_lock(struct os_mutex *m)
{
    must(pthread_mutex_lock(&m->m), "mutex lock");
    held++;
}

void os_mutex_unlock(struct os_mutex *m)
{
    held--;
    must(pthread_mutex_unlock(&m->m), "mutex unlock");
}

void os_rwlock_init(struct os_rwlock *l)
{
    must(pthread_rwlock_init(&l->l, NULL), "rwlock init");
}

void os_rwlock_release(struct os_rwlock *l)
{
    must(pthread_rwlock_destroy(&l->l), "rwlock destroy");
}

void os_rwlock_read(struct os_rwlock *l)
{
    must(pthread_rwlock_rdlock(&l->l), "rwlock read");
    held++;
}

void os_rwlock_write(struct os_rwlock *l)
{
    must(pthread_rwlock_wrlock(&l->l), "rwlock write");
    held++;
}

void os_rwlock_unlock(struct os_rwlock *l)
{
    held--;
    must(pthread_rwlock_unlock(&l->l), "rwlock unlock");
}

void os_cond_init(struct os_cond *c)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "condattr init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr clock");
    must(pthread_cond_init(&c->c, &attr), "cond init");
    must(pthread_condattr_destroy(&attr), "condattr destroy");
}

void os_cond_release(struct os_cond *c)
{
    must(pthread_cond_destroy(&c->c), "cond destroy");
}

void os_cond_wait(struct os_cond *c, struct os_mutex *m)
{
    must(pthread_cond_wait(&c->c, &m->m), "cond wait");
}

bool os_cond_wait_until(struct os_cond *c, struct os_mutex *m, uint64_t deadline_us)
{
    if (deadline_us == UINT64_MAX) {
        os_cond_wait(c, m);
        return true;
    }
    const struct timespec ts = {.tv_sec = (time_t)(deadline_us / 1000000u),
                                .tv_nsec = (long)(deadline_us % 1000000u) * 1000};
    const int rc = pthread_cond_timedwait(&c->c, &m->m, &ts);
    if (rc == ETIMEDOUT) {
        return false;
    }
    must(rc, "cond timed wait");
    return true;
}

void os_cond_signal(struct os_cond *c)
{
    must(pthread_cond_signal(&c->c), "cond signal");
}

void os_cond_broadcast(struct os_cond *c)
{
    must(pthread_cond_broadcast(&c->c), "cond broadcast");
}
