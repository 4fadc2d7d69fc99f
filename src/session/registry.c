/*
 * The registry of sessions: SHOW PROCESSLIST, KILL, and the watchdog, a fiber that ends statements
 * at their deadline and repeats interrupts until they have reached the engine (an interrupt between
 * queueing and start of an engine call is lost).
 *
 * Lock: sessions.lock. It is held while another session's members are read or its engine is
 * interrupted, and a session leaves the list under it before it is freed.
 */
#include "base/clock.h"
#include "session/session_int.h"

/* How often an interrupt is repeated. */
#define REPEAT_US UINT64_C(10000)

#define ALL_INTERRUPTS                                                                             \
    (INTERRUPT_KILL_QUERY | INTERRUPT_KILL_CONNECTION | INTERRUPT_TIMEOUT |                        \
     INTERRUPT_CLIENT_GONE | INTERRUPT_SHUTDOWN)

void registry_add(struct session *s)
{
    struct sessions *all = s->all;
    os_mutex_lock(&all->lock);
    rlist_push(&all->list, &s->link);
    all->count++;
    os_mutex_unlock(&all->lock);
    struct server_status *status = &all->server->status;
    const uint64_t now = atomic_fetch_add(&status->threads_connected, 1) + 1;
    uint64_t max = atomic_load(&status->max_used_connections);
    while (max < now && !atomic_compare_exchange_weak(&status->max_used_connections, &max, now)) {
    }
}

void registry_remove(struct session *s)
{
    struct sessions *all = s->all;
    os_mutex_lock(&all->lock);
    rlist_del(&s->link);
    rlist_del(&s->watch);
    all->count--;
    os_mutex_unlock(&all->lock);
    atomic_fetch_sub(&all->server->status.threads_connected, 1);
}

uint32_t sessions_count(struct sessions *all)
{
    os_mutex_lock(&all->lock);
    const uint32_t n = all->count;
    os_mutex_unlock(&all->lock);
    return n;
}

/* ---- Interrupts ---- */

/* Under all->lock. */
static void watch(struct session *s)
{
    if (rlist_is_empty(&s->watch)) {
        rlist_push(&s->all->watched, &s->watch);
    }
    if (s->all->watchdog != NULL) {
        fiber_wake(s->all->watchdog);
    }
}

/* Under all->lock. */
static void interrupt(struct session *s, unsigned reason)
{
    fiber_interrupt(s->x.fiber, reason);
    exec_interrupt_engine(&s->x);
    s->interrupt_sent = true;
    watch(s);
}

void registry_interrupt(struct session *s, unsigned reason)
{
    os_mutex_lock(&s->all->lock);
    interrupt(s, reason);
    os_mutex_unlock(&s->all->lock);
}

/* Under all->lock. */
static struct session *find(struct sessions *all, uint64_t id)
{
    rlist_foreach (it, &all->list) {
        struct session *s = RLIST_ENTRY(it, struct session, link);
        if (s->x.id == id) {
            return s;
        }
    }
    return NULL;
}

bool registry_kill_here(struct sessions *all, uint64_t id, struct str user, bool query_only)
{
    os_mutex_lock(&all->lock);
    struct session *s = find(all, id);
    const bool meant = s != NULL && (user.len == 0 || str_eq(str_from_cstr(s->user_text), user));
    if (meant && (s->on_copy || (!query_only && s->upstream_id == 0))) {
        interrupt(s, query_only ? INTERRUPT_KILL_QUERY : INTERRUPT_KILL_CONNECTION);
    }
    os_mutex_unlock(&all->lock);
    return meant;
}

bool registry_has(struct sessions *all, uint64_t id)
{
    os_mutex_lock(&all->lock);
    const bool has = find(all, id) != NULL;
    os_mutex_unlock(&all->lock);
    return has;
}

void registry_set_deadline(struct session *s, uint64_t deadline_us)
{
    struct sessions *all = s->all;
    os_mutex_lock(&all->lock);
    s->deadline_us = deadline_us;
    if (deadline_us != 0) {
        watch(s);
    } else {
        s->interrupt_sent = false;
        rlist_del(&s->watch);
    }
    os_mutex_unlock(&all->lock);
}

/* Looks after one session; returns when it wants to be looked at again. Under all->lock. */
static uint64_t look_after(struct session *s, uint64_t now)
{
    if (s->deadline_us != 0 && now >= s->deadline_us) {
        s->deadline_us = 0;
        s->interrupt_sent = true;
        fiber_interrupt(s->x.fiber, INTERRUPT_TIMEOUT);
    }
    if (s->interrupt_sent) {
        exec_interrupt_engine(&s->x);
        return now + REPEAT_US;
    }
    return s->deadline_us != 0 ? s->deadline_us : UINT64_MAX;
}

static void watchdog(void *arg)
{
    struct sessions *all = arg;
    uint64_t next = FIBER_FOREVER;
    for (;;) {
        if (fiber_park(next) == FIBER_INTERRUPTED) {
            return;
        }
        const uint64_t now = clock_monotonic_us();
        next = FIBER_FOREVER;
        os_mutex_lock(&all->lock);
        if (all->stopping) {
            os_mutex_unlock(&all->lock);
            return;
        }
        rlist_foreach_safe (it, &all->watched) {
            struct session *s = RLIST_ENTRY(it, struct session, watch);
            const uint64_t again = look_after(s, now);
            if (again == UINT64_MAX) {
                rlist_del(&s->watch);
            }
            next = MIN(next, again);
        }
        os_mutex_unlock(&all->lock);
    }
}

/* ---- For statements ---- */

static struct process_info describe(const struct session *s, struct arena *arena, int64_t now)
{
    static const char *const command_of_state[] = {[SESSION_CONNECTING] = "Connect",
                                                   [SESSION_IDLE] = "Sleep",
                                                   [SESSION_BUSY] = "Query",
                                                   [SESSION_CLOSING] = "Killed"};
    const char *name = s->state == SESSION_BUSY ? wire_command_name(s->command) : NULL;
    const char *state = atomic_load(&s->x.state);
    return (struct process_info){
        .id = s->x.id,
        .upstream_id = s->upstream_id,
        .user = arena_dup(arena, str_from_cstr(s->user_text)),
        .host = arena_dup(arena, str_from_cstr(s->host_text)),
        .db = s->shown_db.p == NULL ? STR_NULL : arena_dup(arena, s->shown_db),
        .command = str_from_cstr(name != NULL ? name : command_of_state[s->state]),
        .state = str_from_cstr(state != NULL              ? state
                               : s->state == SESSION_BUSY ? "executing"
                                                          : ""),
        .info = s->info_len == 0 ? STR_NULL : arena_dup(arena, str_from(s->info, s->info_len)),
        .seconds = (uint64_t)MAX((now - s->state_since_us) / 1000000, 0),
    };
}

static uint32_t list(void *registry, struct arena *arena, struct process_info **out)
{
    struct sessions *all = registry;
    const int64_t now = clock_wall_us();
    os_mutex_lock(&all->lock);
    struct process_info *infos = ARENA_ARRAY(arena, struct process_info, all->count + 1);
    uint32_t n = 0;
    rlist_foreach (it, &all->list) {
        infos[n++] = describe(RLIST_ENTRY(it, struct session, link), arena, now);
    }
    os_mutex_unlock(&all->lock);
    *out = infos;
    return n;
}

/* Under all->lock. The victim's own thread may be changing its x.account. */
static bool may_kill(const struct exec_session *killer, const struct session *victim)
{
    const struct account *a = killer->account;
    if (a == NULL) {
        return false;
    }
    return (a->global_privs & PRIV_SUPER) != 0 ||
           (victim->account_id != 0 && victim->account_id == a->id);
}

static int kill_session(void *registry, struct exec_session *killer, uint64_t id, bool query_only,
                        struct diag *diag)
{
    struct sessions *all = registry;
    struct session *victim = NULL;
    os_mutex_lock(&all->lock);
    rlist_foreach (it, &all->list) {
        struct session *s = RLIST_ENTRY(it, struct session, link);
        if (s->x.id == id) {
            victim = s;
        }
    }
    const bool allowed = victim != NULL && may_kill(killer, victim);
    if (allowed && (!query_only || victim->state == SESSION_BUSY)) {
        interrupt(victim, query_only ? INTERRUPT_KILL_QUERY : INTERRUPT_KILL_CONNECTION);
    }
    os_mutex_unlock(&all->lock);
    if (victim == NULL) {
        return diag_set(diag, ER_NO_SUCH_THREAD, (unsigned long)id);
    }
    return allowed ? 0 : diag_set(diag, ER_KILL_DENIED_ERROR, (unsigned long)id);
}

static const struct session_registry_ops registry_ops = {.list = list, .kill = kill_session};

/* ---- Life ---- */

struct sessions *sessions_new(const struct sessions_options *o)
{
    struct arena *arena = &o->server->arena;
    struct sessions *all = ARENA_NEW(arena, struct sessions);
    all->server = o->server;
    all->loops = o->loops;
    all->tls = o->tls;
    all->rsa = o->rsa;
    all->proxy_networks = o->proxy_networks;
    all->next_id = o->first_id != 0 ? o->first_id : 1;
    os_mutex_init(&all->lock);
    rlist_init(&all->list);
    rlist_init(&all->watched);
    htab_init(&all->sha2_cache, 0);
    htab_init(&all->failures, 0);
    accounting_start(all);
    all->watchdog = fiber_spawn_ref(loops_get(o->loops, 0), watchdog, all);
    o->server->sessions = &registry_ops;
    o->server->registry = all;
    return all;
}

void sessions_free(struct sessions *all)
{
    if (all == NULL) {
        return;
    }
    os_mutex_lock(&all->lock);
    all->stopping = true;
    os_mutex_unlock(&all->lock);
    if (all->watchdog != NULL) {
        fiber_wake(all->watchdog);
        fiber_join(all->watchdog);
    }
    accounting_stop(all);
    login_release_caches(all);
    os_mutex_release(&all->lock);
}

void sessions_drain(struct sessions *all)
{
    atomic_store(&all->server->shutting_down, true);
    os_mutex_lock(&all->lock);
    rlist_foreach (it, &all->list) {
        struct session *s = RLIST_ENTRY(it, struct session, link);
        if (s->state == SESSION_IDLE && !s->x.txn.active) {
            fiber_interrupt(s->x.fiber, INTERRUPT_SHUTDOWN);
        }
    }
    os_mutex_unlock(&all->lock);
}

void sessions_kill_all(struct sessions *all)
{
    atomic_store(&all->killing, true);
    os_mutex_lock(&all->lock);
    rlist_foreach (it, &all->list) {
        interrupt(RLIST_ENTRY(it, struct session, link), INTERRUPT_SHUTDOWN);
    }
    os_mutex_unlock(&all->lock);
}
