/*
 * Random numbers of the generator: every row of every table has a stream of its own, made from the
 * table's number and the row's, so that any row can be generated without those before it.
 */
#ifndef TPCH_RNG_H
#define TPCH_RNG_H

#include <stdint.h>

/* Chosen so that every query with its validation parameters has an answer at scale 0.01 too. */
#define RNG_SEED 0x7470u

struct rng {
    uint64_t state;
};

/* The mixing step of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators). */
static inline uint64_t rng_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The stream of row `row` of stream family `family`. */
static inline struct rng rng_of(uint64_t family, uint64_t row)
{
    struct rng r = {rng_mix(rng_mix(family + RNG_SEED) + row)};

    return r;
}

static inline uint64_t rng_next(struct rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return rng_mix(r->state);
}

/* A number in [0, n). The bias of the multiplication is below n / 2^64. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

/* A number in [low, high], both ends included. */
static inline int64_t rng_between(struct rng *r, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(r, (uint64_t)(high - low + 1));
}

#endif
