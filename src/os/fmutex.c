/*
 * The fields are protected by a short mutex of the thread kind. Whoever hands the lock over does it
 * and the wake-up under that mutex, so a waiter that sees itself granted (under the mutex too)
 * cannot be gone while it is still being woken.
 */
#include "os/fmutex.h"

struct fmutex_waiter {
    struct rlist node; /* Linked to itself once granted. */
    struct fiber *fiber;
    bool granted;
    bool writer;
};

static void waiter_init(struct fmutex_waiter *w, bool writer)
{
    *w = (struct fmutex_waiter){.fiber = fiber_self(), .writer = writer};
    rlist_init(&w->node);
}

/*
 * Called with lock held and w queued; returns with lock held. FIBER_WOKEN: granted. Otherwise w is
 * off the queue.
 */
static enum fiber_result wait_granted(struct os_mutex *lock, struct fmutex_waiter *w,
                                      uint64_t deadline_us)
{
    enum fiber_result r = FIBER_WOKEN;
    while (!w->granted && r == FIBER_WOKEN) {
        os_mutex_unlock(lock);
        r = fiber_park(deadline_us);
        os_mutex_lock(lock);
    }
    if (w->granted) {
        return FIBER_WOKEN;
    }
    rlist_del(&w->node);
    return r;
}

static void grant(struct fmutex_waiter *w)
{
    rlist_del(&w->node);
    w->granted = true;
    fiber_wake(w->fiber);
}

void fmutex_init(struct fmutex *m)
{
    os_mutex_init(&m->lock);
    rlist_init(&m->waiters);
    m->owner = NULL;
}

void fmutex_release(struct fmutex *m)
{
    assert(!m->owner && rlist_is_empty(&m->waiters));
    os_mutex_release(&m->lock);
}

enum fiber_result fmutex_lock(struct fmutex *m, uint64_t deadline_us)
{
    struct fiber *self = fiber_self();
    enum fiber_result r = FIBER_WOKEN;
    os_mutex_lock(&m->lock);
    assert(m->owner != self);
    if (!m->owner) {
        m->owner = self;
    } else {
        struct fmutex_waiter w;
        waiter_init(&w, true);
        rlist_push(&m->waiters, &w.node);
        r = wait_granted(&m->lock, &w, deadline_us);
    }
    os_mutex_unlock(&m->lock);
    return r;
}

bool fmutex_try_lock(struct fmutex *m)
{
    os_mutex_lock(&m->lock);
    const bool free = !m->owner;
    if (free) {
        m->owner = fiber_self();
    }
    os_mutex_unlock(&m->lock);
    return free;
}

void fmutex_unlock(struct fmutex *m)
{
    os_mutex_lock(&m->lock);
    assert(m->owner == fiber_self());
    m->owner = NULL;
    if (!rlist_is_empty(&m->waiters)) {
        struct fmutex_waiter *w = RLIST_ENTRY(m->waiters.next, struct fmutex_waiter, node);
        m->owner = w->fiber;
        grant(w);
    }
    os_mutex_unlock(&m->lock);
}

void frwlock_init(struct frwlock *l)
{
    os_mutex_init(&l->lock);
    rlist_init(&l->waiters);
    l->readers = 0;
    l->writers_waiting = 0;
    l->writing = false;
}

void frwlock_release(struct frwlock *l)
{
    assert(!l->readers && !l->writing && rlist_is_empty(&l->waiters));
    os_mutex_release(&l->lock);
}

/* The first waiting writer; there is one. */
static struct fmutex_waiter *first_writer(struct frwlock *l)
{
    struct rlist *node = l->waiters.next;
    while (!RLIST_ENTRY(node, struct fmutex_waiter, node)->writer) {
        node = node->next;
    }
    return RLIST_ENTRY(node, struct fmutex_waiter, node);
}

/* Gives the lock to those who can have it now. */
static void hand_over(struct frwlock *l)
{
    if (l->writing) {
        return;
    }
    if (l->writers_waiting) {
        if (l->readers == 0) {
            l->writers_waiting--;
            l->writing = true;
            grant(first_writer(l));
        }
        return;
    }
    while (!rlist_is_empty(&l->waiters)) {
        l->readers++;
        grant(RLIST_ENTRY(l->waiters.next, struct fmutex_waiter, node));
    }
}

enum fiber_result frwlock_read(struct frwlock *l, uint64_t deadline_us)
{
    enum fiber_result r = FIBER_WOKEN;
    os_mutex_lock(&l->lock);
    if (!l->writing && !l->writers_waiting) {
        l->readers++;
    } else {
        struct fmutex_waiter w;
        waiter_init(&w, false);
        rlist_push(&l->waiters, &w.node);
        r = wait_granted(&l->lock, &w, deadline_us);
    }
    os_mutex_unlock(&l->lock);
    return r;
}

enum fiber_result frwlock_write(struct frwlock *l, uint64_t deadline_us)
{
    enum fiber_result r = FIBER_WOKEN;
    os_mutex_lock(&l->lock);
    if (!l->writing && !l->readers && rlist_is_empty(&l->waiters)) {
        l->writing = true;
    } else {
        struct fmutex_waiter w;
        waiter_init(&w, true);
        rlist_push(&l->waiters, &w.node);
        l->writers_waiting++;
        r = wait_granted(&l->lock, &w, deadline_us);
        if (r != FIBER_WOKEN) {
            /* The readers that this writer kept out can go on. */
            l->writers_waiting--;
            hand_over(l);
        }
    }
    os_mutex_unlock(&l->lock);
    return r;
}

void frwlock_unlock_read(struct frwlock *l)
{
    os_mutex_lock(&l->lock);
    assert(l->readers);
    l->readers--;
    hand_over(l);
    os_mutex_unlock(&l->lock);
}

void frwlock_unlock_write(struct frwlock *l)
{
    os_mutex_lock(&l->lock);
    assert(l->writing);
    l->writing = false;
    hand_over(l);
    os_mutex_unlock(&l->lock);
}

void frwlock_downgrade(struct frwlock *l)
{
    os_mutex_lock(&l->lock);
    assert(l->writing);
    l->writing = false;
    l->readers++;
    hand_over(l);
    os_mutex_unlock(&l->lock);
}
