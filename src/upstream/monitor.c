#include "upstream/monitor.h"

#include "upstream_int.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    RETRY_US = 1000 * 1000,          /* Between tries to connect. */
    RETRY_MAX_US = 60 * 1000 * 1000, /* Between tries to log in, at last. */
    STOP = 1u << 0,                  /* Interrupt bit. */
};

struct upstream_monitor {
    struct upstream_monitor_options o;
    struct fiber *fiber;
    bool is_down;         /* down() was called last. */
    _Atomic(bool) poked;  /* work() is wanted. */
    struct os_mutex lock; /* Protects what follows; a leaf. */
    struct arena arena;   /* Of the login's strings. */
    struct upstream_login login;
};

static void keep_login(struct upstream_monitor *m, const struct upstream_login *l)
{
    m->login = *l;
    m->login.user = arena_dup(&m->arena, l->user);
    m->login.password = arena_dup(&m->arena, l->password);
    m->login.database = arena_dup(&m->arena, l->database);
}

/* The strings stay, as the arena is only added to. */
static struct upstream_login current_login(struct upstream_monitor *m)
{
    os_mutex_lock(&m->lock);
    const struct upstream_login l = m->login;
    os_mutex_unlock(&m->lock);
    return l;
}

static void report_down(struct upstream_monitor *m, const struct diag *why)
{
    if (!m->is_down && fiber_interrupted() == 0) {
        m->is_down = true;
        m->o.ops->down(m->o.arg, why);
    }
}

/* Connects, and logs in when there is an account. NULL with d set. */
static struct upstream_conn *reach(struct upstream_monitor *m, struct diag *d)
{
    const struct upstream_login l = current_login(m);
    struct upstream_conn *c =
        upstream_connect(m->o.upstream, loop_self(), NULL, CLIENT_MULTI_RESULTS, CONN_FOREVER, d);
    if (c != NULL && l.user.len > 0 && upstream_login(c, &l, CONN_FOREVER, d) != 0) {
        upstream_close(c);
        return NULL;
    }
    return c;
}

static bool is_refusal(const struct diag *d)
{
    return d->error != NULL && d->error->code < CR_CONNECTION_ERROR;
}

static void wake(void *arg)
{
    fiber_wake(arg);
}

/* Works and pings until the connection or the monitor ends. */
static void attend(struct upstream_monitor *m, struct upstream_conn *c)
{
    atomic_store(&m->poked, true);
    while (fiber_interrupted() == 0 && !c->broken) {
        if (atomic_exchange(&m->poked, false)) {
            m->o.ops->work(m->o.arg, c);
        } else {
            c->broken = !upstream_ping(c);
        }
        if (c->broken || fiber_interrupted() != 0 || atomic_load(&m->poked)) {
            continue;
        }
        const uint64_t until =
            m->o.interval_us != 0 ? clock_monotonic_us() + m->o.interval_us : FIBER_FOREVER;
        conn_on_hangup(&c->conn, wake, fiber_self());
        const enum fiber_result r = fiber_park(until);
        conn_on_hangup(&c->conn, NULL, NULL);
        if (r == FIBER_INTERRUPTED) {
            return;
        }
    }
}

/* From one success to the next failure. */
static void be_up(struct upstream_monitor *m, struct upstream_conn *c)
{
    m->is_down = false;
    m->o.ops->up(m->o.arg, c);
    if (!c->logged_in) {
        upstream_close(c);
        return;
    }
    attend(m, c);
    upstream_close(c);
    if (fiber_interrupted() == 0) {
        struct diag d;
        diag_init(&d);
        (void)upstream_error(&d, CR_SERVER_LOST, "Lost connection to MySQL server at '%s'",
                             upstream_name(m->o.upstream));
        report_down(m, &d);
        diag_release(&d);
    }
}

static void watch(void *arg)
{
    struct upstream_monitor *m = arg;
    uint64_t delay = RETRY_US;
    bool is_done = false;
    while (fiber_interrupted() == 0 && !is_done) {
        struct diag d;
        diag_init(&d);
        struct upstream_conn *c = reach(m, &d);
        if (c != NULL) {
            is_done = !c->logged_in;
            delay = RETRY_US;
            be_up(m, c);
        } else {
            delay = is_refusal(&d) ? MIN(2 * delay, (uint64_t)RETRY_MAX_US) : RETRY_US;
            report_down(m, &d);
        }
        diag_release(&d);
        /* A new account is tried at once. */
        is_done = is_done || fiber_park(clock_monotonic_us() + delay) == FIBER_INTERRUPTED;
    }
}

struct upstream_monitor *upstream_monitor_start(const struct upstream_monitor_options *o)
{
    struct upstream_monitor *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return NULL;
    }
    m->o = *o;
    arena_init(&m->arena, 0);
    os_mutex_init(&m->lock);
    keep_login(m, &o->login);
    m->fiber = fiber_spawn_ref(o->loop, watch, m);
    if (m->fiber == NULL) {
        upstream_monitor_stop(m);
        return NULL;
    }
    return m;
}

void upstream_monitor_stop(struct upstream_monitor *m)
{
    if (m == NULL) {
        return;
    }
    if (m->fiber != NULL) {
        fiber_interrupt(m->fiber, STOP);
        fiber_join(m->fiber);
    }
    os_mutex_release(&m->lock);
    arena_release(&m->arena);
    free(m);
}

void upstream_monitor_poke(struct upstream_monitor *m)
{
    atomic_store(&m->poked, true);
    fiber_wake(m->fiber);
}

void upstream_monitor_set_login(struct upstream_monitor *m, const struct upstream_login *l)
{
    os_mutex_lock(&m->lock);
    keep_login(m, l);
    os_mutex_unlock(&m->lock);
    fiber_wake(m->fiber);
}
