/*
 * pool: logged-in connections to an upstream that nobody uses at the moment, and the limit on how
 * many there are.
 *
 * Keyed by what cannot be changed on a connection later (facts of both servers: affected rows under
 * CLIENT_FOUND_ROWS do not follow COM_CHANGE_USER, …): the account and the login flags. A
 * connection never passes from one account to another.
 *
 * A connection belongs to a loop. upstream_pool_take() prefers idle ones of the caller's loop,
 * moves one over from another loop when that has one, and else grants a permit to open a new one.
 * Beyond max_open callers wait in line; an idle connection of another key is closed to make room.
 * Idle ones are watched: a hang-up takes them out, their age and idle time are limited, and
 * min_idle of them per key in use are kept.
 *
 * Thread-safe; to be called from fibers. One mutex, a leaf (docs/locks.md).
 */
#ifndef UPSTREAM_POOL_H
#define UPSTREAM_POOL_H

#include "upstream/upstream.h"

struct upstream_pool;

struct upstream_pool_options {
    uint32_t max_open;    /* connections in use and idle; 0 = no limit */
    uint32_t max_idle;    /* idle ones kept; 0 = none */
    uint32_t min_idle;    /* kept per key, whatever idle_timeout says, until their lifetime ends */
    uint32_t max_waiters; /* callers in line beyond which 1040 comes at once; 0 = no limit */
    uint64_t max_lifetime_us; /* 0 = no limit */
    uint64_t idle_timeout_us; /* 0 = no limit */
    uint64_t wait_timeout_us; /* in line for a connection: then ER_CON_COUNT_ERROR (1040) */
    uint64_t
        health_interval_us; /* idle connections are pinged this often; 0 = only hang-ups count */
};

/* What a connection must have been logged in with. Strings are copied. */
struct upstream_key {
    struct str user;
    struct str host; /* The client's address. Part of the key only where a PROXY header tells it to
                        the server, as accounts go by it. */
    uint64_t flags;  /* UPSTREAM_KEY_FLAGS of the client's capabilities */
    bool can_log_in; /* not part of the key: the caller could log in on a new connection (a client's
                        login is under way, or the password is known). Without it only connections
                        that exist are given, and when none is open under the key the call fails. */
};

/* Login flags that stay with a connection. */
#define UPSTREAM_KEY_FLAGS                                                                         \
    (CLIENT_FOUND_ROWS | CLIENT_IGNORE_SPACE | CLIENT_INTERACTIVE | CLIENT_LOCAL_FILES |           \
     CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS | CLIENT_PS_MULTI_RESULTS | CLIENT_ODBC |      \
     CLIENT_NO_SCHEMA | CLIENT_EXPIRED_PASSWORDS | CLIENT_QUERY_ATTRIBUTES |                       \
     CLIENT_OPTIONAL_RESULTSET_METADATA | MARIADB_CLIENT_PROGRESS | MARIADB_CLIENT_STMT_BULK |     \
     MARIADB_CLIENT_EXTENDED_METADATA | MARIADB_CLIENT_CACHE_METADATA |                            \
     MARIADB_CLIENT_BULK_UNIT_RESULTS)

NODISCARD struct upstream_pool *upstream_pool_new(struct upstream *u, struct loops *loops,
                                                  const struct upstream_pool_options *o);
/*
 * Closes the idle ones; those in use must have been given back. From a thread without a loop, or
 * from a fiber; the loops still run.
 */
void upstream_pool_free(struct upstream_pool *p);
/* New limits; takes effect at once. */
void upstream_pool_set_options(struct upstream_pool *p, const struct upstream_pool_options *o);
NODISCARD struct upstream *upstream_pool_upstream(struct upstream_pool *p);

enum upstream_pool_result {
    UPSTREAM_POOL_CONN,   /* *out is an idle connection of that key, on the caller's loop */
    UPSTREAM_POOL_PERMIT, /* none: the caller opens one, then calls upstream_pool_opened() or
                             upstream_pool_cancel() */
    UPSTREAM_POOL_FAIL,   /* d is set: line too long, time-out, interrupted, upstream known to be
                             down */
};

/* The caller's loop is that of the running fiber. */
NODISCARD enum upstream_pool_result upstream_pool_take(struct upstream_pool *p,
                                                       const struct upstream_key *key,
                                                       uint64_t deadline_us, struct diag *d,
                                                       struct upstream_conn **out);

/* The permit was used: c counts as in use under that key from now on. */
void upstream_pool_opened(struct upstream_pool *p, const struct upstream_key *key,
                          struct upstream_conn *c);
/* The permit was not used: the login failed or the client went away. connect_failed: the server
 * could not be connected to, with the error in why: if that says that it could not be reached, the
 * back-off, in which takers fail at once with that error, starts or is lengthened. */
void upstream_pool_cancel(struct upstream_pool *p, bool connect_failed, const struct diag *why);

/* Gives a connection back, idle and clean: whoever takes it next relies on it. Broken, too old or
 * surplus ones are closed. */
void upstream_pool_put(struct upstream_pool *p, struct upstream_conn *c);
/* Closes a connection that was taken. */
void upstream_pool_drop(struct upstream_pool *p, struct upstream_conn *c);

/* Closes idle connections of one account (a password or grant changed), or of all (user empty). */
void upstream_pool_forget(struct upstream_pool *p, struct str user);

struct upstream_pool_stats {
    uint64_t open, idle, waiting;
    uint64_t opened, closed, reused, moved, wait_timeouts, refused, connect_failures;
    uint64_t wait_us; /* total time in line */
};
void upstream_pool_stats(struct upstream_pool *p, struct upstream_pool_stats *out);

#endif
