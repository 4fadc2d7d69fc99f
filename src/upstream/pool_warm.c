/*
 * Connections opened ahead: each loop has a fiber that opens them, one after the other, while there
 * are fewer than are wanted and nobody waits for the room. They are kept under keys of their own,
 * which no account has; all that keepers do for idle connections they do for these, too.
 *
 * Capabilities are agreed on before it is known who comes: they are those of most logins of late.
 */
#include "pool_int.h"

#include "base/clock.h"

enum {
    PERIOD_US = 500 * 1000,          /* Between two looks at how many there are. */
    RETRY_US = 1000 * 1000,          /* After the server could not be reached. */
    RETRY_MAX_US = 60 * 1000 * 1000, /* After it has refused us again and again. */
    LOGINS_MAX = 256,                /* Counted ones of a kind; then all counts are halved. */
};

/* No client's address. */
static const struct str warm_host = STR_INIT("\1");

/* ---- With the lock held ---- */

static struct str warm_name(struct upstream_pool *p, uint64_t flags, char out[POOL_NAME_MAX_LEN])
{
    return pool_name(flags, warm_host, p->warm.login.user, out);
}

struct pool_key *pool_find_warm(struct upstream_pool *p, uint64_t flags)
{
    char name[POOL_NAME_MAX_LEN];
    return p->warm.login.user.len == 0 ? NULL : htab_find(&p->keys, warm_name(p, flags, name));
}

bool pool_is_warm_surplus(struct upstream_pool *p, const struct pool_key *k)
{
    return k != pool_find_warm(p, p->warm.flags) || k->open > p->o.warm;
}

void pool_wake_warmer(struct upstream_pool *p, const struct loop *loop)
{
    struct fiber *f = p->loops[loop_index(loop)].warmer;
    if (f != NULL && !p->closing) {
        fiber_wake(f);
    }
}

static uint32_t logins_with(const struct upstream_pool *p, uint64_t flags)
{
    for (unsigned i = 0; i < POOL_FLAGS_SEEN; i++) {
        if (p->warm.seen[i].flags == flags) {
            return p->warm.seen[i].logins;
        }
    }
    return 0;
}

static void halve_counts(struct upstream_pool *p)
{
    for (unsigned i = 0; i < POOL_FLAGS_SEEN; i++) {
        p->warm.seen[i].logins /= 2;
    }
}

/* The entry of these flags, or the one of the fewest logins, which becomes theirs. */
static unsigned entry_for(struct upstream_pool *p, uint64_t flags)
{
    unsigned least = 0;
    for (unsigned i = 0; i < POOL_FLAGS_SEEN; i++) {
        if (p->warm.seen[i].logins > 0 && p->warm.seen[i].flags == flags) {
            return i;
        }
        if (p->warm.seen[i].logins < p->warm.seen[least].logins) {
            least = i;
        }
    }
    p->warm.seen[least].flags = flags;
    p->warm.seen[least].logins = 0;
    return least;
}

void pool_note_login(struct upstream_pool *p, uint64_t flags)
{
    const unsigned i = entry_for(p, flags);
    p->warm.seen[i].logins++;
    if (p->warm.seen[i].logins >= LOGINS_MAX) {
        halve_counts(p);
    }
    /* Not to and fro between two that are about as common. */
    if (flags != p->warm.flags && p->warm.seen[i].logins > 2 * logins_with(p, p->warm.flags)) {
        p->warm.flags = flags;
    }
}

static bool has_logins(const struct upstream_pool *p)
{
    return logins_with(p, p->warm.flags) > 0;
}

/* ---- Opening ---- */

/* Reserves room for one. False: none is wanted, or there is no room. */
static bool reserve(struct upstream_pool *p, struct upstream_login *out_login, uint64_t *out_flags)
{
    os_mutex_lock(&p->lock);
    const struct pool_key *k = pool_find_warm(p, p->warm.flags);
    const uint32_t open = p->warm.opening + (k != NULL ? k->open : 0);
    const bool is_wanted = p->warm.login.user.len > 0 && has_logins(p) && open < p->o.warm &&
                           !upstream_tells_clients(p->upstream);
    const bool may = is_wanted && !p->closing && rlist_is_empty(&p->waiters) && pool_has_room(p) &&
                     !pool_is_backing_off(p);
    if (may) {
        p->stats.open++;
        p->warm.opening++;
        *out_login = p->warm.login;
        *out_flags = p->warm.flags;
    }
    os_mutex_unlock(&p->lock);
    return may;
}

/* What a login is to find: no role of ours, and a server that has nothing to run at logins. */
static int prepare(struct upstream_conn *c, struct diag *d)
{
    bool runs_nothing;
    if (upstream_runs_nothing_at_login(c, d, &runs_nothing) != 0) {
        return -1;
    }
    if (!runs_nothing) {
        return diag_set(d, ER_NOT_SUPPORTED_YET, "init_connect");
    }
    return c->kind == UPSTREAM_MARIADB ? upstream_exec(c, STR("SET ROLE NONE"), d) : 0;
}

static struct upstream_conn *open_one(struct upstream_pool *p, const struct upstream_login *login,
                                      uint64_t flags, struct diag *d)
{
    struct upstream_conn *c =
        upstream_connect(p->upstream, loop_self(), NULL, flags, CONN_FOREVER, d);
    if (c != NULL && (upstream_login(c, login, CONN_FOREVER, d) != 0 || prepare(c, d) != 0)) {
        upstream_close(c);
        return NULL;
    }
    return c;
}

static void keep(struct upstream_pool *p, const struct upstream_login *login, uint64_t flags,
                 struct upstream_conn *c)
{
    char name[POOL_NAME_MAX_LEN];
    os_mutex_lock(&p->lock);
    struct pool_key *k = pool_get_key(p, pool_name(flags, warm_host, login->user, name));
    k->is_warm = true;
    k->open++;
    c->pool.owner = p;
    c->pool.key = k;
    c->pool.epoch = k->epoch;
    p->stats.opened++;
    os_mutex_unlock(&p->lock);
    pool_give_back(p, c);
}

/* Opens one, if one is wanted. Returns 1 when it did, 0 when none is wanted, -1 on failure. */
static int warm_one(struct upstream_pool *p, struct diag *d)
{
    struct upstream_login login;
    uint64_t flags;
    if (!reserve(p, &login, &flags)) {
        return 0;
    }
    struct upstream_conn *c = open_one(p, &login, flags, d);
    os_mutex_lock(&p->lock);
    p->warm.opening--;
    os_mutex_unlock(&p->lock);
    if (c == NULL) {
        upstream_pool_cancel(p, false, NULL);
        return -1;
    }
    keep(p, &login, flags, c);
    return 1;
}

/* The server answers, and does not want us: that changes seldom. */
static bool is_refusal(const struct diag *d)
{
    return d->error != NULL && d->error->code < CR_CONNECTION_ERROR;
}

void pool_warm(void *arg)
{
    struct pool_loop *part = arg;
    uint64_t delay = 0;
    uint64_t retry_us = 0;
    enum fiber_result r = FIBER_WOKEN;
    while (r != FIBER_INTERRUPTED) {
        int opened = 0;
        if (clock_monotonic_us() >= retry_us) {
            struct diag d;
            diag_init(&d);
            opened = warm_one(part->pool, &d);
            delay = opened >= 0 ? 0
                    : is_refusal(&d)
                        ? MIN(MAX(2 * delay, (uint64_t)RETRY_US), (uint64_t)RETRY_MAX_US)
                        : RETRY_US;
            diag_release(&d);
            retry_us = clock_monotonic_us() + delay;
        }
        r = fiber_park(opened > 0 ? 0 : clock_monotonic_us() + PERIOD_US);
    }
}

void upstream_pool_set_login(struct upstream_pool *p, const struct upstream_login *l)
{
    os_mutex_lock(&p->lock);
    struct upstream_login *own = &p->warm.login;
    if (!str_eq(own->user, l->user) || !str_eq(own->password, l->password)) {
        struct pool_key *k = pool_find_warm(p, p->warm.flags);
        if (k != NULL) {
            k->epoch++; /* what was opened with the old password goes */
        }
        own->user = arena_dup(&p->warm.arena, l->user);
        own->password = arena_dup(&p->warm.arena, l->password);
    }
    os_mutex_unlock(&p->lock);
}
