#include "base/histogram.h"

uint64_t histogram_bucket_top(unsigned bucket)
{
    if (bucket < 8) {
        return bucket;
    }
    const unsigned octave = bucket / 8 + 2;
    return ((UINT64_C(8) + bucket % 8 + 1) << (octave - 3)) - 1;
}

uint64_t histogram_quantile(const uint64_t counts[HISTOGRAM_BUCKETS], double q)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += counts[i];
    }
    if (total == 0) {
        return 0;
    }
    /* The rank of the answer: at least the first value, at most the last. */
    const double wanted = q * (double)total;
    uint64_t rank = (uint64_t)wanted;
    rank += (double)rank < wanted || rank == 0 ? 1 : 0;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += counts[i];
        if (seen >= rank) {
            return histogram_bucket_top(i);
        }
    }
    return histogram_bucket_top(HISTOGRAM_BUCKETS - 1);
}
