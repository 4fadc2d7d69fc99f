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
 * Warm ones are connections opened ahead: logged in as an account whose password is known, used by
 * nobody, to be given to a client's login, which makes them another account's by COM_CHANGE_USER.
 * They are opened with the login flags that most logins of late had, and in no other case is a
 * connection given to another account.
 *
 * Sessions that share connections and whose password is not known depend on those that exist: they
 * join their key, and while there are members neither age nor idle time closes the last ones.
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
    uint32_t warm;        /* connections opened ahead; see upstream_pool_set_login() */
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
    bool takes_warm; /* not part of the key: it can be UPSTREAM_POOL_WARM */
    bool spreads; /* not part of the key: none can be opened later, so that a new one is preferred
                     while fewer than max_idle are open under the key */
};

/* In flags, a property of sessions and none of logins: they have chosen a database, which cannot be
 * taken from a connection again. */
#define UPSTREAM_KEY_HAS_DB (UINT64_C(1) << 63)

/* Login flags that stay with a connection. */
#define UPSTREAM_KEY_FLAGS                                                                         \
    (CLIENT_FOUND_ROWS | CLIENT_IGNORE_SPACE | CLIENT_INTERACTIVE | CLIENT_LOCAL_FILES |           \
     CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS | CLIENT_PS_MULTI_RESULTS | CLIENT_ODBC |      \
     CLIENT_NO_SCHEMA | CLIENT_EXPIRED_PASSWORDS | CLIENT_QUERY_ATTRIBUTES |                       \
     CLIENT_OPTIONAL_RESULTSET_METADATA | MARIADB_CLIENT_PROGRESS | MARIADB_CLIENT_STMT_BULK |     \
     MARIADB_CLIENT_EXTENDED_METADATA | MARIADB_CLIENT_CACHE_METADATA |                            \
     MARIADB_CLIENT_BULK_UNIT_RESULTS | UPSTREAM_KEY_HAS_DB | UPSTREAM_KEY_EOF)

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

/*
 * The account that warm connections are logged in as; copied. Without a user, and where the server
 * is told of clients by a PROXY header, there are none; nor while the server has an init_connect,
 * which it runs at logins only. What is warm for another login is closed.
 */
void upstream_pool_set_login(struct upstream_pool *p, const struct upstream_login *l);

/* A session relies on the connections that are open under the key, or does no longer. */
void upstream_pool_join(struct upstream_pool *p, const struct upstream_key *key);
void upstream_pool_leave(struct upstream_pool *p, const struct upstream_key *key);

enum upstream_pool_result {
    UPSTREAM_POOL_CONN,   /* *out is an idle connection of that key, on the caller's loop */
    UPSTREAM_POOL_WARM,   /* *out counts as in use under that key, but is still logged in as the
                             account of upstream_pool_set_login(), without a role: the caller sends
                             COM_CHANGE_USER, or drops it. Only with takes_warm. */
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
    uint64_t warm; /* opened ahead; not among the idle ones */
    uint64_t opened, closed, reused, moved, wait_timeouts, refused, connect_failures, warm_taken;
    uint64_t wait_us; /* total time in line */
};
void upstream_pool_stats(struct upstream_pool *p, struct upstream_pool_stats *out);

#endif
