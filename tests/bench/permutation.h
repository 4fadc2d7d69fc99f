/*
 * The numbers below a limit in an order that jumps about, each once: keys that are uniformly random
 * over a table and never come twice.
 *
 * A linear congruential generator modulo a power of two passes through all numbers below that
 * (Hull and Dobell: odd increment, multiplier 1 modulo 4); those from the limit on are left out.
 */
#ifndef BENCH_PERMUTATION_H
#define BENCH_PERMUTATION_H

#include <stdint.h>

struct permutation {
    uint64_t limit; /* At least 1. */
    uint64_t mask;  /* Of the least power of two that is not below the limit. */
    uint64_t state;
};

static inline struct permutation permutation_of(uint64_t limit)
{
    struct permutation p = {.limit = limit};
    while (p.mask < limit - 1) {
        p.mask = p.mask << 1 | 1;
    }
    return p;
}

/* After `limit` numbers it begins anew. */
static inline uint64_t permutation_next(struct permutation *p)
{
    do {
        p->state =
            (p->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407)) & p->mask;
    } while (p->state >= p->limit);
    return p->state;
}

#endif
