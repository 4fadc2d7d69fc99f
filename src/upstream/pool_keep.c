/* The keepers of a pool: see pool.c. */
#include "pool_int.h"

#include "base/clock.h"

enum {
    KEEPER_PERIOD_US = 500 * 1000, /* Between two looks at the idle connections. */
};

static struct upstream_conn *shift_doomed(struct pool_loop *part)
{
    os_mutex_lock(&part->pool->lock);
    struct rlist *node = rlist_shift(&part->doomed);
    os_mutex_unlock(&part->pool->lock);
    return node != NULL ? RLIST_ENTRY(node, struct upstream_conn, pool.link) : NULL;
}

static void close_doomed(struct pool_loop *part)
{
    struct upstream_conn *c;
    while ((c = shift_doomed(part)) != NULL) {
        conn_on_hangup(&c->conn, NULL, NULL);
        upstream_close(c);
    }
}

/* Time from then to now; 0 when another thread was there after now was read. */
static uint64_t since(uint64_t then_us, uint64_t now_us)
{
    return now_us > then_us ? now_us - then_us : 0;
}

/* With the lock held. */
static bool is_surplus(struct upstream_pool *p, const struct upstream_conn *c, uint64_t now)
{
    const struct pool_key *k = c->pool.key;
    const bool is_relied_on = k->open <= k->members;
    if (c->broken || (pool_is_too_old(p, c) && !is_relied_on) || c->pool.epoch != k->epoch) {
        return true;
    }
    if (p->o.max_open != 0 && p->stats.open > p->o.max_open) {
        return true;
    }
    if (k->is_warm) {
        return pool_is_warm_surplus(p, k);
    }
    if (p->stats.idle > p->o.max_idle && (k->members == 0 || k->open > 1)) {
        return true;
    }
    const uint64_t limit = p->o.idle_timeout_us;
    const bool is_kept = k->idle <= p->o.min_idle || is_relied_on;
    return limit != 0 && since(c->used_us, now) >= limit && !is_kept;
}

/* Dooms the surplus idle connections of a key on one loop. False when the key has gone with its
 * last one. With the lock held. */
bool pool_trim_list(struct upstream_pool *p, struct pool_key *k, unsigned loop, uint64_t now)
{
    rlist_foreach_safe (it, &k->list[loop]) {
        struct upstream_conn *c = RLIST_ENTRY(it, struct upstream_conn, pool.link);
        if (is_surplus(p, c, now)) {
            const bool was_last = k->open == 1 && k->members == 0;
            pool_doom_idle(p, c);
            if (was_last) {
                return false;
            }
        }
    }
    return true;
}

static void trim(struct pool_loop *part)
{
    struct upstream_pool *p = part->pool;
    const uint64_t now = clock_monotonic_us();
    struct pool_key *k;
    size_t pos = 0;
    os_mutex_lock(&p->lock);
    while ((k = htab_next(&p->keys, &pos)) != NULL) {
        (void)pool_trim_list(p, k, loop_index(part->loop), now);
    }
    pool_serve_line(p);
    os_mutex_unlock(&p->lock);
}

/* Takes an idle connection of the loop that was not heard of for the interval, or NULL. */
static struct upstream_conn *take_unchecked(struct pool_loop *part, uint64_t now)
{
    struct upstream_pool *p = part->pool;
    struct upstream_conn *found = NULL;
    struct pool_key *k;
    size_t pos = 0;
    os_mutex_lock(&p->lock);
    const uint64_t interval = p->o.health_interval_us;
    while (interval != 0 && found == NULL && (k = htab_next(&p->keys, &pos)) != NULL) {
        rlist_foreach (it, &k->list[loop_index(part->loop)]) {
            struct upstream_conn *c = RLIST_ENTRY(it, struct upstream_conn, pool.link);
            if (since(c->pool.checked_us, now) >= interval) {
                found = c;
                break;
            }
        }
    }
    if (found != NULL) {
        pool_unlink_idle(found);
    }
    os_mutex_unlock(&p->lock);
    return found;
}

static void ping_idle(struct pool_loop *part)
{
    const uint64_t now = clock_monotonic_us();
    struct upstream_conn *c;
    while (fiber_interrupted() == 0 && (c = take_unchecked(part, now)) != NULL) {
        conn_on_hangup(&c->conn, NULL, NULL);
        c->broken = !upstream_ping(c);
        pool_give_back(part->pool, c);
    }
}

/* Dooms all idle connections of the loop. From now on those given back on it are closed. */
static void end_keeping(struct pool_loop *part)
{
    struct upstream_pool *p = part->pool;
    struct pool_key *k;
    size_t pos = 0;
    os_mutex_lock(&p->lock);
    part->ended = true;
    while ((k = htab_next(&p->keys, &pos)) != NULL) {
        struct rlist *list = &k->list[loop_index(part->loop)];
        bool was_last = false;
        while (!was_last && !rlist_is_empty(list)) {
            was_last = k->open == 1 && k->members == 0;
            pool_doom_idle(p, RLIST_ENTRY(list->next, struct upstream_conn, pool.link));
        }
    }
    os_mutex_unlock(&p->lock);
}

void pool_keep(void *arg)
{
    struct pool_loop *part = arg;
    enum fiber_result r = FIBER_WOKEN;
    while (r != FIBER_INTERRUPTED) {
        close_doomed(part);
        trim(part);
        ping_idle(part);
        close_doomed(part);
        r = fiber_park(clock_monotonic_us() + KEEPER_PERIOD_US);
    }
    end_keeping(part);
    fiber_mask_interrupts();
    close_doomed(part);
}
