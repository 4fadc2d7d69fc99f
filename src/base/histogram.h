/*
 * Log-linear histogram of latencies in microseconds: eight buckets an octave, so that a quantile is
 * right to within 12.5 %, from 1 µs (exact below 8 µs) to 2^33 µs, about two and a half hours.
 * Pure functions over arrays of HISTOGRAM_BUCKETS counts; who owns the counts says how threads
 * share them.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/base.h"

#define HISTOGRAM_BUCKETS 248

/* The bucket a latency falls into; what is longer than the range falls into the last. */
NODISCARD static inline unsigned histogram_bucket(uint64_t us)
{
    if (us < 8) {
        return (unsigned)us;
    }
    const unsigned octave = 63u - (unsigned)__builtin_clzll(us);
    const unsigned bucket = (octave - 2) * 8 + (unsigned)((us >> (octave - 3)) & 7);
    return MIN(bucket, HISTOGRAM_BUCKETS - 1u);
}

/* The largest latency of a bucket. */
NODISCARD uint64_t histogram_bucket_top(unsigned bucket);

/* The latency that a share q (0 to 1) of the counts does not exceed; 0 when there are none. */
NODISCARD uint64_t histogram_quantile(const uint64_t counts[HISTOGRAM_BUCKETS], double q);

#endif
