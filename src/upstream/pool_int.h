/* The inside of the pool, which pool.c and pool_keep.c share. */
#ifndef UPSTREAM_POOL_INT_H
#define UPSTREAM_POOL_INT_H

#include "upstream/pool.h"
#include "upstream_int.h"

#include "base/htab.h"

struct pool_key {
    struct upstream_pool *pool;
    struct str name; /* Flags and user; points behind the struct. */
    uint32_t open;   /* In use and idle. */
    uint32_t idle;
    uint32_t epoch;      /* Connections of an older one are not used again. */
    struct rlist list[]; /* Idle connections, one list a loop. */
};

/* The part of the pool that belongs to a loop. */
struct pool_loop {
    struct upstream_pool *pool;
    struct loop *loop;
    struct fiber *keeper;
    struct rlist doomed; /* Connections to be closed by the keeper. */
    bool ended;          /* The keeper has: who dooms a connection closes it. */
};

struct upstream_pool {
    struct upstream *upstream;
    unsigned loop_count;
    struct pool_loop *loops;
    struct os_mutex lock; /* Protects what follows, and the lists above. */
    struct upstream_pool_options o;
    struct htab keys; /* struct pool_key by name. */
    struct rlist waiters;
    struct upstream_pool_stats stats; /* open counts permits too. */
    bool closing;
    unsigned failures; /* Failures to connect in a row. */
    uint64_t retry_us; /* Takers fail before this time; 0: the upstream is up. */
    int why_code;
    char why[256];
};

/* With the lock held: does what can be done for those in line, after room was given back or a
 * connect failed. */
void pool_serve_line(struct upstream_pool *p);

/* With the lock held: takes an idle connection off its list; it is the caller's. */
void pool_unlink_idle(struct upstream_conn *c);

/* With the lock held: leaves an idle connection, of any loop, to its keeper. */
void pool_doom_idle(struct upstream_pool *p, struct upstream_conn *c);

/* Has it lived longer than connections may? */
NODISCARD bool pool_is_too_old(const struct upstream_pool *p, const struct upstream_conn *c);

/* Gives back a connection that was used or checked: to a waiter, to the idle ones, or it is closed.
 * In a fiber of its loop. */
void pool_give_back(struct upstream_pool *p, struct upstream_conn *c);

/* With the lock held: dooms the surplus idle connections of a key on one loop. Returns false when
 * the key has gone with its last one. */
bool pool_trim_list(struct upstream_pool *p, struct pool_key *k, unsigned loop, uint64_t now);

/* The keeper's fiber; arg: struct pool_loop. Ends when it is interrupted. */
void pool_keep(void *arg);

#endif
