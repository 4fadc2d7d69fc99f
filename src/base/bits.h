/*
 * Arrays of bits in words of 64, the first in the lowest bit: as DuckDB and our vectors keep which
 * values are not NULL.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/base.h"

/* Words that hold n bits. */
#define BITS_WORDS(n) (((n) + 63) / 64)

static inline bool bits_get(const uint64_t *bits, size_t i)
{
    return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static inline void bits_set(uint64_t *bits, size_t i, bool value)
{
    const uint64_t bit = UINT64_C(1) << (i % 64);
    bits[i / 64] = value ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

#endif
