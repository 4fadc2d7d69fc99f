/*
 * pthread mutex, readers-writer lock and condition, counting how many locks the thread holds, so
 * that a fiber that parks with one held is caught (fiber_park() asserts that the count is 0). For
 * short critical sections only. Failures of pthread calls are bugs and end the process.
 */
#ifndef OS_OS_MUTEX_H
#define OS_OS_MUTEX_H

#include "base/base.h"

#include <pthread.h>

struct os_mutex {
    pthread_mutex_t m;
};

struct os_rwlock {
    pthread_rwlock_t l;
};

/* Waits of os_cond_wait_until() are on the monotonic clock. */
struct os_cond {
    pthread_cond_t c;
};

/* A mutex of static storage needs no os_mutex_init(). */
#define OS_MUTEX_INIT  {.m = PTHREAD_MUTEX_INITIALIZER}
#define OS_RWLOCK_INIT {.l = PTHREAD_RWLOCK_INITIALIZER}

void os_mutex_init(struct os_mutex *m);
void os_mutex_release(struct os_mutex *m);
void os_mutex_lock(struct os_mutex *m);
void os_mutex_unlock(struct os_mutex *m);

void os_rwlock_init(struct os_rwlock *l);
void os_rwlock_release(struct os_rwlock *l);
void os_rwlock_read(struct os_rwlock *l);
void os_rwlock_write(struct os_rwlock *l);
void os_rwlock_unlock(struct os_rwlock *l);

void os_cond_init(struct os_cond *c);
void os_cond_release(struct os_cond *c);
void os_cond_wait(struct os_cond *c, struct os_mutex *m);

/* Returns false when deadline_us (clock_monotonic_us()) passed first. */
bool os_cond_wait_until(struct os_cond *c, struct os_mutex *m, uint64_t deadline_us);
void os_cond_signal(struct os_cond *c);
void os_cond_broadcast(struct os_cond *c);

/* Locks of these kinds that the calling thread holds. */
NODISCARD unsigned os_locks_held(void);

#endif
