/*
 * Locks that fibers may hold across a park and wait for without blocking their thread: a mutex, and
 * a readers-writer lock. Usable by fibers of all loops; not by bare threads. Neither is recursive.
 *
 * Waiters are served first come, first served, by hand-over: a lock is never free while somebody
 * could have it.
 */
#ifndef OS_FMUTEX_H
#define OS_FMUTEX_H

#include "base/base.h"
#include "base/rlist.h"
#include "os/fiber.h"
#include "os/os_mutex.h"

struct fmutex {
    struct os_mutex lock; /* Protects the rest; held for a few instructions. */
    struct rlist waiters; /* struct fmutex_waiter, in order of arrival. */
    struct fiber *owner;  /* NULL = free. */
};

void fmutex_init(struct fmutex *m);

/* Nobody may hold or want it. */
void fmutex_release(struct fmutex *m);

/* Returns FIBER_WOKEN (0) with the lock held, else FIBER_TIMEOUT or FIBER_INTERRUPTED without it.
 */
NODISCARD enum fiber_result fmutex_lock(struct fmutex *m, uint64_t deadline_us);

/* True with the lock held, or false at once. */
NODISCARD bool fmutex_try_lock(struct fmutex *m);

/* Hands the lock to the first waiter. By the fiber that holds it. */
void fmutex_unlock(struct fmutex *m);

/*
 * Many readers or one writer. A waiting writer keeps new readers out; a fiber that holds it for
 * reading must therefore not ask again.
 */
struct frwlock {
    struct os_mutex lock;
    struct rlist waiters;
    unsigned readers; /* Fibers that hold it for reading. */
    unsigned writers_waiting;
    bool writing; /* Held by a writer. */
};

void frwlock_init(struct frwlock *l);
void frwlock_release(struct frwlock *l);

/* Results as fmutex_lock(). */
NODISCARD enum fiber_result frwlock_read(struct frwlock *l, uint64_t deadline_us);
NODISCARD enum fiber_result frwlock_write(struct frwlock *l, uint64_t deadline_us);

/* Gives back what frwlock_read() or frwlock_write() gave. */
void frwlock_unlock_read(struct frwlock *l);
void frwlock_unlock_write(struct frwlock *l);

/* Turns the caller's write lock into a read lock without letting a writer in between. */
void frwlock_downgrade(struct frwlock *l);

#endif
