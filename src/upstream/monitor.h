/*
 * monitor: Pintail's own connection to the upstream, in a fiber of its own: says when the server
 * can be reached and when not, and lends its connection to work that Pintail does by itself, such
 * as discovery.
 *
 * While the server cannot be reached it is tried once a second; a login that is refused more and
 * more seldom, as servers lock accounts. Without an account it connects once, for the greeting, and
 * asks no more: each such connection counts as aborted on the server.
 */
#ifndef UPSTREAM_MONITOR_H
#define UPSTREAM_MONITOR_H

#include "upstream/upstream.h"

struct upstream_monitor;

/* All are called in the monitor's fiber, and may park. */
struct upstream_monitor_ops {
    /* The server was reached and has not been before, or since down(). c is logged in unless there
     * is no account. */
    void (*up)(void *arg, struct upstream_conn *c);
    /* It cannot be reached or does not let us in; once for each time. */
    void (*down)(void *arg, const struct diag *why);
    /* After up() and after upstream_monitor_poke(), with an account only: c is logged in and idle,
     * and to be left so. */
    void (*work)(void *arg, struct upstream_conn *c);
};

struct upstream_monitor_options {
    struct upstream *upstream;
    struct loop *loop;
    struct upstream_login login; /* Strings are copied; an empty user: no account. */
    uint64_t interval_us;        /* Between pings; 0 = none, only hang-ups count. */
    const struct upstream_monitor_ops *ops;
    void *arg;
};

/* Starts the fiber. NULL when there is no memory. */
NODISCARD struct upstream_monitor *upstream_monitor_start(const struct upstream_monitor_options *o);

/* Ends the fiber, interrupting what it does, and waits for that. Not from a loop's own thread
 * outside of fibers. NULL is harmless. */
void upstream_monitor_stop(struct upstream_monitor *m);

/* Has work() called soon, when the server is up. From any thread. */
void upstream_monitor_poke(struct upstream_monitor *m);

/* The account for logins from now on. From any thread. */
void upstream_monitor_set_login(struct upstream_monitor *m, const struct upstream_login *l);

#endif
