/* The inside of the pool, which pool.c and pool_keep.c share. */
#ifndef UPSTREAM_POOL_INT_H
#define UPSTREAM_POOL_INT_H

#include "upstream/pool.h"
#include "upstream_int.h"

#include "base/htab.h"

enum {
    POOL_FLAGS_SEEN = 8, /* Kinds of logins that are counted. */
};

struct pool_key {
    struct upstream_pool *pool;
    struct str name;  /* Flags and user; points behind the struct. */
    uint32_t open;    /* In use and idle. */
    uint32_t members; /* Sessions that rely on them. */
    uint32_t idle;
    uint32_t epoch;      /* Connections of an older one are not used again. */
    bool is_warm;        /* Of connections opened ahead. */
    struct rlist list[]; /* Idle connections, one list a loop. */
};

/* The part of the pool that belongs to a loop. */
struct pool_loop {
    struct upstream_pool *pool;
    struct loop *loop;
    struct fiber *keeper;
    struct fiber *warmer;
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
    struct {                /* Connections opened ahead. */
        struct arena arena; /* Strings of the login; only added to. */
        struct upstream_login login;
        uint32_t opening;
        uint64_t flags; /* Of those that are wanted. */
        struct {
            uint64_t flags;
            uint32_t logins; /* Of late. */
        } seen[POOL_FLAGS_SEEN];
    } warm;
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

/* ---- Connections opened ahead (pool_warm.c); the first four with the lock held ---- */

/* Notes a login with these flags, as what is opened ahead is to suit most of them. */
void pool_note_login(struct upstream_pool *p, uint64_t flags);

/* The key of the connections opened ahead for these flags, or NULL when there are none. */
NODISCARD struct pool_key *pool_find_warm(struct upstream_pool *p, uint64_t flags);

/* Is there one too many under a key of such, or of flags or an account that are not wanted? */
NODISCARD bool pool_is_warm_surplus(struct upstream_pool *p, const struct pool_key *k);

/* One was taken or is gone: the fiber that opens the next is woken. */
void pool_wake_warmer(struct upstream_pool *p, const struct loop *loop);

/* The fiber that opens them; arg: struct pool_loop. Ends when it is interrupted. */
void pool_warm(void *arg);

/* ---- For pool_warm.c ---- */

enum {
    POOL_USER_MAX_LEN = 512, /* MariaDB has 128 characters. */
    POOL_HOST_MAX_LEN = 64,
    POOL_NAME_MAX_LEN = 8 + POOL_HOST_MAX_LEN + 1 + POOL_USER_MAX_LEN,
};

/* Writes a key's name: flags, host, a NUL, user. */
NODISCARD struct str pool_name(uint64_t flags, struct str host, struct str user,
                               char out[POOL_NAME_MAX_LEN]);

/* With the lock held. */
NODISCARD struct pool_key *pool_get_key(struct upstream_pool *p, struct str name);
NODISCARD bool pool_has_room(const struct upstream_pool *p);
NODISCARD bool pool_is_backing_off(const struct upstream_pool *p);

/* The keeper's fiber; arg: struct pool_loop. Ends when it is interrupted. */
void pool_keep(void *arg);

#endif
