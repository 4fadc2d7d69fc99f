/*
 * Structure: a key (account and login flags) exists while connections are open under it; its idle
 * ones are in one list for each loop, the last used at the end. Takers without luck are waiters, in
 * one line for all keys; who gives a connection or its room back serves the first waiter that can
 * use it, so nothing is ever idle that somebody waits for.
 *
 * Each loop has a keeper: a fiber that closes what other threads have put on its list of doomed
 * connections, and looks once in a while for idle ones that are too old, surplus or dead. A
 * connection is closed only in a fiber of its loop; its room is given back before.
 */
#include "upstream/pool.h"

#include "pool_int.h"

#include "base/clock.h"
#include "base/htab.h"

#include <stdlib.h>

enum {
    BACK_OFF_FIRST_US = 100 * 1000,
    BACK_OFF_MAX_US = 1000 * 1000,
    PASSED_OVER_MAX = 32,  /* So often others of the key that is given back go first. */
    KEEPER_STOP = 1u << 0, /* Interrupt bit. */
};

enum waiter_state {
    WAITING,
    HANDED,    /* Off the line; a connection is being moved for it. */
    GOT_CONN,  /* conn; to be attached when it comes from another loop. */
    GOT_ROOM,  /* A permit. */
    GOT_ERROR, /* The upstream is down. */
    GOT_GONE,  /* No connection of the key is left, or the pool ends. */
};

/* On the stack of a taker; protected by the pool's lock. */
struct waiter {
    struct rlist link;
    struct fiber *fiber;
    struct loop *loop;
    struct str name; /* Of the key. */
    uint64_t flags;
    bool can_log_in, takes_warm, spreads;
    unsigned passed_over; /* Connections of other keys that went to others behind it. */
    enum waiter_state state;
    struct upstream_conn *conn;
};

/* ---- Keys ---- */

static uint64_t login_flags(const struct upstream_key *key)
{
    return key->flags & UPSTREAM_KEY_FLAGS;
}

struct str pool_name(uint64_t flags, struct str host, struct str user, char out[POOL_NAME_MAX_LEN])
{
    struct bytebuf name = {.p = out, .cap = POOL_NAME_MAX_LEN, .max = POOL_NAME_MAX_LEN};
    bytebuf_put(&name, &flags, sizeof(flags));
    bytebuf_put_str(&name, host);
    bytebuf_put_char(&name, '\0');
    bytebuf_put_str(&name, user);
    return bytebuf_str(&name);
}

/* The key's name; the host is part of it where it is told. Returns STR_NULL when they are longer
 * than servers have them. */
static struct str key_name(struct upstream_pool *p, const struct upstream_key *key,
                           char out[POOL_NAME_MAX_LEN])
{
    if (key->user.len > POOL_USER_MAX_LEN || key->host.len > POOL_HOST_MAX_LEN) {
        return STR_NULL;
    }
    return pool_name(login_flags(key), upstream_tells_clients(p->upstream) ? key->host : STR_NULL,
                     key->user, out);
}

static struct str user_of(const struct pool_key *k)
{
    const size_t flags = sizeof(uint64_t);
    const size_t host = strnlen(k->name.p + flags, k->name.len - flags) + 1;
    return str_from(k->name.p + flags + host, k->name.len - flags - host);
}

static struct pool_key *key_new(struct upstream_pool *p, struct str name)
{
    const size_t lists = p->loop_count * sizeof(struct rlist);
    struct pool_key *k = calloc(1, sizeof(*k) + lists + name.len);
    if (k == NULL) {
        abort();
    }
    char *text = (char *)k + sizeof(*k) + lists;
    memcpy(text, name.p, name.len);
    k->pool = p;
    k->name = str_from(text, name.len);
    for (unsigned i = 0; i < p->loop_count; i++) {
        rlist_init(&k->list[i]);
    }
    (void)htab_put(&p->keys, k->name, k);
    return k;
}

struct pool_key *pool_get_key(struct upstream_pool *p, struct str name)
{
    struct pool_key *k = htab_find(&p->keys, name);
    return k != NULL ? k : key_new(p, name);
}

static struct pool_loop *loop_part(struct upstream_pool *p, const struct loop *loop)
{
    return &p->loops[loop_index(loop)];
}

/* ---- Waiters; with the lock held ---- */

static void settle(struct waiter *w, enum waiter_state state)
{
    w->state = state;
    fiber_wake(w->fiber);
}

/* Takes a waiter off the line. */
static void leave_line(struct upstream_pool *p, struct waiter *w)
{
    rlist_del(&w->link);
    p->stats.waiting--;
}

bool pool_is_backing_off(const struct upstream_pool *p)
{
    return p->retry_us != 0 && clock_monotonic_us() < p->retry_us;
}

bool pool_has_room(const struct upstream_pool *p)
{
    return p->o.max_open == 0 || p->stats.open < p->o.max_open;
}

/* Does what can be done for those in line, after room was given back or a connect failed. */
void pool_serve_line(struct upstream_pool *p)
{
    const bool down = pool_is_backing_off(p);
    rlist_foreach_safe (it, &p->waiters) {
        struct waiter *w = RLIST_ENTRY(it, struct waiter, link);
        const struct pool_key *k = htab_find(&p->keys, w->name);
        const bool is_open = k != NULL && k->open > 0;
        if (p->closing || (!w->can_log_in && !is_open)) {
            leave_line(p, w);
            settle(w, GOT_GONE);
        } else if (w->can_log_in && down && !is_open) {
            leave_line(p, w);
            settle(w, GOT_ERROR);
        } else if (w->can_log_in && !down && pool_has_room(p)) {
            leave_line(p, w);
            p->stats.open++;
            settle(w, GOT_ROOM);
        }
    }
}

/*
 * The first waiter for this key. NULL: there is none, or one of another key has let so many go
 * first that the connection must be closed for it: logins are dear, but nobody starves.
 */
static struct waiter *find_waiter(struct upstream_pool *p, const struct pool_key *k)
{
    rlist_foreach (it, &p->waiters) {
        struct waiter *w = RLIST_ENTRY(it, struct waiter, link);
        if (str_eq(w->name, k->name)) {
            return w;
        }
        if (w->can_log_in && ++w->passed_over > PASSED_OVER_MAX) {
            return NULL;
        }
    }
    return NULL;
}

/* ---- Connections; with the lock held ---- */

static uint64_t *idle_count(const struct pool_key *k)
{
    return k->is_warm ? &k->pool->stats.warm : &k->pool->stats.idle;
}

void pool_unlink_idle(struct upstream_conn *c)
{
    struct pool_key *k = c->pool.key;
    rlist_del(&c->pool.link);
    c->pool.is_idle = false;
    k->idle--;
    *idle_count(k) -= 1;
}

static void link_idle(struct upstream_conn *c)
{
    struct pool_key *k = c->pool.key;
    struct rlist *head = &k->list[loop_index(c->loop)];
    struct rlist *behind = head->prev;
    while (behind != head &&
           RLIST_ENTRY(behind, struct upstream_conn, pool.link)->used_us > c->used_us) {
        behind = behind->prev;
    }
    rlist_push(behind->next, &c->pool.link);
    c->pool.is_idle = true;
    k->idle++;
    *idle_count(k) += 1;
}

/* A key goes with its last connection and member. */
static void free_unused_key(struct pool_key *k)
{
    if (k->open == 0 && k->members == 0) {
        (void)htab_remove(&k->pool->keys, k->name);
        free(k);
    }
}

static void leave_key(struct upstream_conn *c)
{
    struct pool_key *k = c->pool.key;
    c->pool.key = NULL;
    k->open--;
    free_unused_key(k);
}

static void enter_key(struct upstream_conn *c, struct pool_key *k)
{
    k->open++;
    c->pool.key = k;
    c->pool.epoch = k->epoch;
}

/* Gives back the room of a connection that is about to be closed. */
static void give_room_back(struct upstream_pool *p, struct upstream_conn *c)
{
    leave_key(c);
    p->stats.open--;
    p->stats.closed++;
}

/* Leaves an idle connection, of any loop, to its keeper. */
void pool_doom_idle(struct upstream_pool *p, struct upstream_conn *c)
{
    struct pool_loop *part = loop_part(p, c->loop);
    if (c->pool.key->is_warm) {
        pool_wake_warmer(p, c->loop);
    }
    pool_unlink_idle(c);
    give_room_back(p, c);
    rlist_push(&part->doomed, &c->pool.link);
    if (!part->ended) {
        fiber_wake(part->keeper);
    }
}

/* Is it the last connection of sessions that could not have another? */
static bool is_last(const struct pool_key *k)
{
    return k->members > 0 && k->open == 1;
}

/* The idle connection that was not used for the longest time, or NULL; a last one only if there is
 * no other. */
static struct upstream_conn *find_oldest_idle(struct upstream_pool *p)
{
    struct upstream_conn *oldest = NULL;
    struct pool_key *k;
    size_t pos = 0;
    while ((k = htab_next(&p->keys, &pos)) != NULL) {
        for (unsigned i = 0; i < p->loop_count; i++) {
            if (rlist_is_empty(&k->list[i])) {
                continue;
            }
            struct upstream_conn *c = RLIST_ENTRY(k->list[i].next, struct upstream_conn, pool.link);
            if (oldest == NULL || is_last(oldest->pool.key) > is_last(k) ||
                (is_last(oldest->pool.key) == is_last(k) && c->used_us < oldest->used_us)) {
                oldest = c;
            }
        }
    }
    return oldest;
}

bool pool_is_too_old(const struct upstream_pool *p, const struct upstream_conn *c)
{
    return p->o.max_lifetime_us != 0 && clock_monotonic_us() - c->born_us >= p->o.max_lifetime_us;
}

/* The connection of this key that was used last: of the caller's loop, or else of another one. */
static struct upstream_conn *find_idle(const struct pool_key *k, unsigned loop)
{
    for (unsigned i = 0; i < k->pool->loop_count; i++) {
        const struct rlist *list = &k->list[(loop + i) % k->pool->loop_count];
        if (!rlist_is_empty(list)) {
            return RLIST_ENTRY(list->prev, struct upstream_conn, pool.link);
        }
    }
    return NULL;
}

/* Called on the connection's loop, outside fibers, when its server hangs up. */
static void on_hangup(void *arg)
{
    struct upstream_conn *c = arg;
    struct upstream_pool *p = c->pool.owner;
    os_mutex_lock(&p->lock);
    c->broken = true;
    if (c->pool.is_idle) {
        pool_doom_idle(p, c);
        pool_serve_line(p);
    }
    os_mutex_unlock(&p->lock);
}

/* ---- Moving between loops ---- */

/* In a fiber of the connection's loop. */
static void detach(void *arg)
{
    struct upstream_conn *c = arg;
    conn_on_hangup(&c->conn, NULL, NULL);
    upstream_detach(c);
}

/* Fetches a connection from another loop. NULL with d set, and the connection gone, on failure. */
static struct upstream_conn *fetch(struct upstream_pool *p, struct upstream_conn *c, struct diag *d)
{
    struct loop *from = c->loop;
    struct fiber *f = fiber_spawn_ref(from, detach, c);
    if (f == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
        c->broken = true;
        os_mutex_lock(&p->lock);
        link_idle(c);
        pool_doom_idle(p, c);
        os_mutex_unlock(&p->lock);
        return NULL;
    }
    fiber_join(f);
    if (upstream_attach(c, loop_self(), d) != 0) {
        upstream_pool_drop(p, c);
        return NULL;
    }
    os_mutex_lock(&p->lock);
    p->stats.moved++;
    os_mutex_unlock(&p->lock);
    return c;
}

/* ---- Taking ---- */

static enum upstream_pool_result fail(struct diag *d, int code, const char *text)
{
    (void)diag_set_text(d, code, str_from_cstr(text));
    return UPSTREAM_POOL_FAIL;
}

static enum upstream_pool_result fail_down(struct upstream_pool *p, struct diag *d)
{
    char why[sizeof(p->why)];
    os_mutex_lock(&p->lock);
    const int code = p->why_code != 0 ? p->why_code : CR_CONN_HOST_ERROR;
    memcpy(why, p->why, sizeof(why));
    p->stats.refused++;
    os_mutex_unlock(&p->lock);
    return fail(d, code, why);
}

/* Off the line, unless it was served meanwhile: then false. */
static bool give_up(struct upstream_pool *p, struct waiter *w)
{
    os_mutex_lock(&p->lock);
    const bool was_waiting = w->state == WAITING;
    if (was_waiting) {
        leave_line(p, w);
        p->stats.wait_timeouts++;
    }
    os_mutex_unlock(&p->lock);
    return was_waiting;
}

static enum waiter_state state_of(struct upstream_pool *p, const struct waiter *w)
{
    os_mutex_lock(&p->lock);
    const enum waiter_state state = w->state;
    os_mutex_unlock(&p->lock);
    return state;
}

/* Parks until the waiter is served. False with d set when the time was up before, or the fiber was
 * interrupted. */
static bool await(struct upstream_pool *p, struct waiter *w, uint64_t deadline_us, struct diag *d)
{
    bool handed = false;
    for (;;) {
        const enum waiter_state state = state_of(p, w);
        if (state > HANDED) {
            break;
        }
        if (state == HANDED && !handed) {
            /* Short, and no way back. */
            handed = true;
            fiber_mask_interrupts();
        }
        const enum fiber_result r = fiber_park(handed ? FIBER_FOREVER : deadline_us);
        if (r != FIBER_WOKEN && !handed && give_up(p, w)) {
            if (r == FIBER_INTERRUPTED) {
                (void)diag_set(d, ER_QUERY_INTERRUPTED);
            } else {
                (void)diag_set(d, ER_CON_COUNT_ERROR);
            }
            return false;
        }
    }
    if (handed) {
        fiber_unmask_interrupts();
    }
    return true;
}

/* What a waiter that was served goes on with. */
static enum upstream_pool_result served(struct upstream_pool *p, struct waiter *w, struct diag *d,
                                        struct upstream_conn **out)
{
    switch (w->state) {
    case GOT_CONN:
        if (w->conn->loop == NULL && upstream_attach(w->conn, w->loop, d) != 0) {
            upstream_pool_drop(p, w->conn);
            return UPSTREAM_POOL_FAIL;
        }
        *out = w->conn;
        return UPSTREAM_POOL_CONN;
    case GOT_ROOM:
        return UPSTREAM_POOL_PERMIT;
    case GOT_ERROR:
        return fail_down(p, d);
    case WAITING:
    case HANDED:
    case GOT_GONE:
        break;
    }
    (void)upstream_error(d, CR_SERVER_GONE_ERROR, "MySQL server at '%s' has gone away",
                         upstream_name(p->upstream));
    return UPSTREAM_POOL_FAIL;
}

/* What can be had at once. */
enum pick {
    PICK_CONN,
    PICK_WARM,
    PICK_PERMIT,
    PICK_NONE, /* Of this account, and it cannot log in. */
    PICK_DOWN,
    PICK_WAIT,
    PICK_FULL, /* The line is. */
};

/* An idle connection of a key that can be used, off its list; others are doomed. NULL: there is
 * none. */
static struct upstream_conn *take_idle(struct upstream_pool *p, struct pool_key *k, unsigned loop)
{
    struct upstream_conn *c;
    while (k != NULL && (c = find_idle(k, loop)) != NULL) {
        if (!c->broken && (!pool_is_too_old(p, c) || k->members > 0)) {
            pool_unlink_idle(c);
            return c;
        }
        const bool was_last = k->open == 1 && k->members == 0;
        pool_doom_idle(p, c);
        k = was_last ? NULL : k;
    }
    return NULL;
}

/* One that was opened ahead, under the taker's own key now; or NULL. */
static struct upstream_conn *take_warm(struct upstream_pool *p, const struct waiter *w)
{
    struct upstream_conn *c =
        take_idle(p, pool_find_warm(p, w->flags & ~UPSTREAM_KEY_HAS_DB), loop_index(w->loop));
    if (c != NULL) {
        leave_key(c);
        enter_key(c, pool_get_key(p, w->name));
        p->stats.warm_taken++;
        pool_wake_warmer(p, c->loop);
    }
    return c;
}

/* Does the taker prefer a connection more to one of the few that there are? */
static bool wants_more(const struct upstream_pool *p, const struct waiter *w,
                       const struct pool_key *k)
{
    return w->spreads && (k == NULL || k->open < p->o.max_idle) && pool_has_room(p) &&
           !pool_is_backing_off(p);
}

/* With the lock held. */
static enum pick pick(struct upstream_pool *p, const struct waiter *w, struct upstream_conn **out)
{
    struct pool_key *k = htab_find(&p->keys, w->name);
    if (w->takes_warm) {
        pool_note_login(p, w->flags & ~UPSTREAM_KEY_HAS_DB);
    }
    if (!wants_more(p, w, k) && (*out = take_idle(p, k, loop_index(w->loop))) != NULL) {
        p->stats.reused++;
        return PICK_CONN;
    }
    if (w->takes_warm && (*out = take_warm(p, w)) != NULL) {
        return PICK_WARM;
    }
    k = htab_find(&p->keys, w->name);
    if (!w->can_log_in && (k == NULL || k->open == 0)) {
        return PICK_NONE;
    }
    if (w->can_log_in && pool_is_backing_off(p)) {
        return PICK_DOWN;
    }
    struct upstream_conn *oldest;
    if (w->can_log_in && !pool_has_room(p) && (oldest = find_oldest_idle(p)) != NULL) {
        pool_doom_idle(p, oldest);
    }
    if (w->can_log_in && pool_has_room(p)) {
        p->stats.open++;
        return PICK_PERMIT;
    }
    return p->o.max_waiters != 0 && p->stats.waiting >= p->o.max_waiters ? PICK_FULL : PICK_WAIT;
}

static uint64_t wait_deadline(uint64_t timeout_us, uint64_t now, uint64_t deadline_us)
{
    return timeout_us == 0 ? deadline_us : MIN(deadline_us, now + timeout_us);
}

static enum upstream_pool_result wait_in_line(struct upstream_pool *p, struct waiter *w,
                                              uint64_t deadline_us, struct diag *d,
                                              struct upstream_conn **out)
{
    const uint64_t from = clock_monotonic_us();
    const bool was_served = await(p, w, deadline_us, d);
    os_mutex_lock(&p->lock);
    p->stats.wait_us += clock_monotonic_us() - from;
    os_mutex_unlock(&p->lock);
    return was_served ? served(p, w, d, out) : UPSTREAM_POOL_FAIL;
}

/* An idle connection, taken from the lists, is made the caller's. */
static enum upstream_pool_result take_picked(struct upstream_pool *p, struct upstream_conn *c,
                                             struct diag *d, struct upstream_conn **out)
{
    if (c->loop == loop_self()) {
        conn_on_hangup(&c->conn, NULL, NULL);
        *out = c;
    } else {
        *out = fetch(p, c, d);
    }
    return *out != NULL ? UPSTREAM_POOL_CONN : UPSTREAM_POOL_FAIL;
}

/* Picks, or joins the line. *out_until: when waiting ends. */
static enum pick pick_or_queue(struct upstream_pool *p, struct waiter *w, uint64_t *out_until,
                               struct upstream_conn **out)
{
    os_mutex_lock(&p->lock);
    *out_until = wait_deadline(p->o.wait_timeout_us, clock_monotonic_us(), *out_until);
    const enum pick what = p->closing ? PICK_NONE : pick(p, w, out);
    if (what == PICK_WAIT) {
        rlist_push(&p->waiters, &w->link);
        p->stats.waiting++;
    } else if (what == PICK_FULL) {
        p->stats.refused++;
    }
    os_mutex_unlock(&p->lock);
    return what;
}

enum upstream_pool_result upstream_pool_take(struct upstream_pool *p,
                                             const struct upstream_key *key, uint64_t deadline_us,
                                             struct diag *d, struct upstream_conn **out)
{
    char buf[POOL_NAME_MAX_LEN];
    struct upstream_conn *picked = NULL;
    struct waiter w = {.fiber = fiber_self(),
                       .loop = loop_self(),
                       .name = key_name(p, key, buf),
                       .flags = login_flags(key),
                       .can_log_in = key->can_log_in,
                       .takes_warm = key->takes_warm,
                       .spreads = key->spreads};
    *out = NULL;
    if (w.name.p == NULL) {
        return fail(d, ER_HANDSHAKE_ERROR, ER_HANDSHAKE_ERROR_FMT);
    }
    switch (pick_or_queue(p, &w, &deadline_us, &picked)) {
    case PICK_CONN:
        return take_picked(p, picked, d, out);
    case PICK_WARM:
        return take_picked(p, picked, d, out) == UPSTREAM_POOL_CONN ? UPSTREAM_POOL_WARM
                                                                    : UPSTREAM_POOL_FAIL;
    case PICK_PERMIT:
        return UPSTREAM_POOL_PERMIT;
    case PICK_DOWN:
        return fail_down(p, d);
    case PICK_FULL:
        (void)diag_set(d, ER_CON_COUNT_ERROR);
        return UPSTREAM_POOL_FAIL;
    case PICK_WAIT:
        return wait_in_line(p, &w, deadline_us, d, out);
    case PICK_NONE:
        break;
    }
    w.state = GOT_GONE;
    return served(p, &w, d, out);
}

void upstream_pool_opened(struct upstream_pool *p, const struct upstream_key *key,
                          struct upstream_conn *c)
{
    char buf[POOL_NAME_MAX_LEN];
    os_mutex_lock(&p->lock);
    c->pool.owner = p;
    enter_key(c, pool_get_key(p, key_name(p, key, buf)));
    p->stats.opened++;
    p->failures = 0;
    p->retry_us = 0;
    os_mutex_unlock(&p->lock);
}

/* Is it the server that cannot be reached? Not so when it answers, or we were interrupted. */
static bool is_connect_error(const struct diag *why)
{
    return why == NULL || why->error == NULL ||
           (why->error->code >= CR_CONNECTION_ERROR &&
            why->error->code < CR_AUTH_PLUGIN_CANNOT_LOAD);
}

/* With the lock held. */
static void note_failure(struct upstream_pool *p, const struct diag *why)
{
    const uint64_t delay = (uint64_t)BACK_OFF_FIRST_US << MIN(p->failures, 10u);
    const struct str text = why != NULL && why->error != NULL ? why->error->message : STR_NULL;
    const size_t len = MIN(text.len, sizeof(p->why) - 1);
    p->failures++;
    p->stats.connect_failures++;
    p->retry_us = clock_monotonic_us() + MIN(delay, (uint64_t)BACK_OFF_MAX_US);
    p->why_code = text.len > 0 ? why->error->code : CR_CONN_HOST_ERROR;
    memcpy(p->why, len > 0 ? text.p : "", len);
    p->why[len] = '\0';
}

void upstream_pool_cancel(struct upstream_pool *p, bool connect_failed, const struct diag *why)
{
    os_mutex_lock(&p->lock);
    p->stats.open--;
    if (connect_failed && is_connect_error(why)) {
        note_failure(p, why);
    }
    pool_serve_line(p);
    os_mutex_unlock(&p->lock);
}

/* ---- Giving back ---- */

void upstream_pool_drop(struct upstream_pool *p, struct upstream_conn *c)
{
    os_mutex_lock(&p->lock);
    give_room_back(p, c);
    pool_serve_line(p);
    os_mutex_unlock(&p->lock);
    upstream_close(c);
}

/* Moves a connection to a waiter of another loop; it has been taken off the line. */
static void hand_over(struct upstream_pool *p, struct upstream_conn *c, struct waiter *w)
{
    upstream_detach(c);
    os_mutex_lock(&p->lock);
    p->stats.moved++;
    settle(w, GOT_CONN);
    os_mutex_unlock(&p->lock);
}

/* With the lock held: is c to be kept at all? */
static bool is_worth_keeping(const struct upstream_pool *p, const struct upstream_conn *c)
{
    const bool is_relied_on = c->pool.key->members > 0;
    return !c->broken && c->logged_in && !p->closing && (is_relied_on || !pool_is_too_old(p, c)) &&
           c->pool.epoch == c->pool.key->epoch &&
           (p->o.max_open == 0 || p->stats.open <= p->o.max_open);
}

/* Idle from now on; with the lock held. False: close it, there are enough or others need room. */
static bool keep_idle(struct upstream_pool *p, struct upstream_conn *c)
{
    const struct pool_key *k = c->pool.key;
    const bool is_needed = !rlist_is_empty(&p->waiters) && !pool_has_room(p);
    const bool is_surplus =
        k->is_warm ? pool_is_warm_surplus(p, k) : p->stats.idle >= p->o.max_idle && !is_last(k);
    if (is_needed || is_surplus || loop_part(p, c->loop)->ended) {
        return false;
    }
    link_idle(c);
    return true;
}

/* Takes the first waiter for c's key off the line and gives it c, or promises it when it is of
 * another loop. NULL: there is none. With the lock held. */
static struct waiter *give_to_waiter(struct upstream_pool *p, struct upstream_conn *c)
{
    struct waiter *w = c->pool.key->is_warm ? NULL : find_waiter(p, c->pool.key);
    if (w == NULL) {
        return NULL;
    }
    leave_line(p, w);
    p->stats.reused++;
    w->conn = c;
    if (w->loop != c->loop) {
        w->state = HANDED;
        return w;
    }
    settle(w, GOT_CONN);
    return w;
}

/* With what has been used, checked, and is nobody's at the moment. */
void pool_give_back(struct upstream_pool *p, struct upstream_conn *c)
{
    struct waiter *w = NULL;
    bool kept = false;
    bool moves = false;
    c->pool.checked_us = clock_monotonic_us();
    os_mutex_lock(&p->lock);
    if (is_worth_keeping(p, c)) {
        w = give_to_waiter(p, c);
        moves = w != NULL && w->state == HANDED;
        kept = w == NULL && keep_idle(p, c);
    }
    os_mutex_unlock(&p->lock);
    if (moves) {
        hand_over(p, c, w);
    } else if (kept) {
        conn_on_hangup(&c->conn, on_hangup, c);
    } else if (w == NULL) {
        upstream_pool_drop(p, c);
    }
}

void upstream_pool_put(struct upstream_pool *p, struct upstream_conn *c)
{
    c->used_us = clock_monotonic_us();
    pool_give_back(p, c);
}

/* ---- The pool ---- */

struct upstream_pool *upstream_pool_new(struct upstream *u, struct loops *loops,
                                        const struct upstream_pool_options *o)
{
    struct upstream_pool *p = calloc(1, sizeof(*p));
    const unsigned count = loops_count(loops);
    struct pool_loop *parts = calloc(count, sizeof(*parts));
    if (p == NULL || parts == NULL) {
        abort();
    }
    p->upstream = u;
    p->o = *o;
    p->loop_count = count;
    p->loops = parts;
    os_mutex_init(&p->lock);
    htab_init(&p->keys, 0);
    rlist_init(&p->waiters);
    arena_init(&p->warm.arena, 0);
    for (unsigned i = 0; i < count; i++) {
        struct pool_loop *part = &p->loops[i];
        *part = (struct pool_loop){.pool = p, .loop = loops_get(loops, i)};
        rlist_init(&part->doomed);
    }
    for (unsigned i = 0; i < count; i++) {
        p->loops[i].keeper = fiber_spawn_ref(p->loops[i].loop, pool_keep, &p->loops[i]);
        p->loops[i].ended = p->loops[i].keeper == NULL;
        p->loops[i].warmer = fiber_spawn_ref(p->loops[i].loop, pool_warm, &p->loops[i]);
    }
    return p;
}

static void end_fiber(struct fiber *f)
{
    if (f != NULL) {
        fiber_interrupt(f, KEEPER_STOP);
        fiber_join(f);
    }
}

void upstream_pool_free(struct upstream_pool *p)
{
    if (p == NULL) {
        return;
    }
    os_mutex_lock(&p->lock);
    p->closing = true;
    pool_serve_line(p);
    os_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->loop_count; i++) {
        end_fiber(p->loops[i].warmer);
    }
    for (unsigned i = 0; i < p->loop_count; i++) {
        end_fiber(p->loops[i].keeper);
    }
    arena_release(&p->warm.arena);
    htab_release(&p->keys);
    os_mutex_release(&p->lock);
    free(p->loops);
    free(p);
}

void upstream_pool_join(struct upstream_pool *p, const struct upstream_key *key)
{
    char buf[POOL_NAME_MAX_LEN];
    const struct str name = key_name(p, key, buf);
    os_mutex_lock(&p->lock);
    pool_get_key(p, name)->members++;
    os_mutex_unlock(&p->lock);
}

void upstream_pool_leave(struct upstream_pool *p, const struct upstream_key *key)
{
    char buf[POOL_NAME_MAX_LEN];
    const struct str name = key_name(p, key, buf);
    os_mutex_lock(&p->lock);
    struct pool_key *k = htab_find(&p->keys, name);
    if (k != NULL && k->members > 0) {
        k->members--;
        free_unused_key(k);
    }
    os_mutex_unlock(&p->lock);
}

struct upstream *upstream_pool_upstream(struct upstream_pool *p)
{
    return p->upstream;
}

void upstream_pool_set_options(struct upstream_pool *p, const struct upstream_pool_options *o)
{
    os_mutex_lock(&p->lock);
    p->o = *o;
    pool_serve_line(p);
    os_mutex_unlock(&p->lock);
}

void upstream_pool_forget(struct upstream_pool *p, struct str user)
{
    struct pool_key *k;
    size_t pos = 0;
    os_mutex_lock(&p->lock);
    while ((k = htab_next(&p->keys, &pos)) != NULL) {
        if (user.len > 0 && !str_eq(user, user_of(k))) {
            continue;
        }
        /* The lists are trimmed by what is of an old epoch. */
        k->epoch++;
        bool is_there = true;
        for (unsigned i = 0; is_there && i < p->loop_count; i++) {
            is_there = pool_trim_list(p, k, i, clock_monotonic_us());
        }
    }
    pool_serve_line(p);
    os_mutex_unlock(&p->lock);
}

void upstream_pool_stats(struct upstream_pool *p, struct upstream_pool_stats *out)
{
    os_mutex_lock(&p->lock);
    *out = p->stats;
    os_mutex_unlock(&p->lock);
}
