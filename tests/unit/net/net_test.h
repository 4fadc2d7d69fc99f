/*
 * Helpers of the transports' tests, which run in fibers. A failed check ends the program: cmocka's
 * assertions jump to another stack, which fibers do not survive.
 */
#ifndef UNIT_NET_TEST_H
#define UNIT_NET_TEST_H

#include "base/clock.h"
#include "net/conn.h"
#include "net/pipe.h"
#include "os/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#define CHECK(x)                                                                                   \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum {
    PIPE_LEN = 64 * 1024,
    MAX_PACKET = 64 * 1024 * 1024,
};

/* A time this many milliseconds from now. */
static inline uint64_t in_ms(uint64_t ms)
{
    return clock_monotonic_us() + ms * 1000;
}

/* Two connections over a pipe. */
struct pair {
    struct conn client;
    struct conn server;
    struct diag d; /* For the server's side, and for what a test does by itself. */
    struct diag client_d;
};

static inline void pair_init(struct pair *p, size_t capacity)
{
    struct net_filter *a;
    struct net_filter *b;
    net_pipe_new(capacity, &a, &b);
    conn_init_over(&p->client, a, MAX_PACKET);
    conn_init_over(&p->server, b, MAX_PACKET);
    diag_init(&p->d);
    diag_init(&p->client_d);
}

static inline void pair_release(struct pair *p)
{
    if (p->client.top != NULL) {
        conn_release(&p->client);
    }
    if (p->server.top != NULL) {
        conn_release(&p->server);
    }
    diag_release(&p->d);
    diag_release(&p->client_d);
}

/* Writes a packet of len bytes of a pattern that starts with seed. */
static inline void write_pattern(struct conn *c, size_t len, unsigned seed)
{
    char *p = pkt_row_begin(&c->w, len);
    CHECK(p != NULL);
    for (size_t i = 0; i < len; i++) {
        p[i] = (char)(seed + i / 7 + (i >> 12));
    }
    CHECK(pkt_row_end(&c->w, p + len) == 0);
}

static inline bool is_pattern(struct str s, size_t len, unsigned seed)
{
    for (size_t i = 0; s.len == len && i < len; i++) {
        if (s.p[i] != (char)(seed + i / 7 + (i >> 12))) {
            return false;
        }
    }
    return s.len == len;
}

static inline void write_packet(struct conn *c, struct str payload)
{
    pkt_begin(&c->w);
    pkt_put_str(&c->w, payload);
    CHECK(pkt_end(&c->w) == 0);
}

/* Starts fn in another fiber of this loop. */
static inline struct fiber *start(fiber_fn *fn, void *arg)
{
    struct fiber *f = fiber_spawn_ref(loop_self(), fn, arg);
    CHECK(f != NULL);
    return f;
}

/* A test that runs as a fiber. */
#define FIBER_TEST(name)                                                                           \
    static void name##_body(void *arg);                                                            \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(fiber_run(name##_body, NULL), 0);                                         \
    }                                                                                              \
    static void name##_body(void *arg)

#endif
