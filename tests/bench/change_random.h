/*
 * Events of updates and deletes whose keys are uniformly random over a table, made as they are
 * asked for. The table is `bench`.`random` (id BIGINT PRIMARY KEY, k INT, v BIGINT) with the keys 1
 * to `rows`; even ones are updated, odd ones are deleted, each once.
 */
#ifndef BENCH_CHANGE_RANDOM_H
#define BENCH_CHANGE_RANDOM_H

#include "permutation.h"

#include "base/bytebuf.h"

#include <stdint.h>

enum {
    RANDOM_CHANGES = 4, /* A transaction: updates and deletes in turn, a statement each. */
};

struct change_random {
    uint64_t rows;
    struct permutation deletes; /* Of half as many: no key comes twice. */
    uint64_t state;             /* Of the generator of keys; not 0. */
    uint32_t log_pos;
};

/* Appends a transaction's events, each behind its length. */
void change_random_put(struct change_random *r, struct bytebuf *out);

#endif
