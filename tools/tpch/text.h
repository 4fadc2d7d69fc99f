/*
 * Words and pseudo text of TPC-H (specification, clause 4.2.2.13 and 4.2.2.14).
 *
 * Comments are random pieces of one long text made by a small grammar of English. The text is built
 * once at start; afterwards everything here is read-only and may be used by all threads.
 */
#ifndef TPCH_TEXT_H
#define TPCH_TEXT_H

#include "rng.h"

#include <stddef.h>

/* A list of equally likely words. */
struct words {
    const char *const *word;
    size_t count;
};

extern const struct words tpch_colours;
extern const struct words tpch_type_1;
extern const struct words tpch_type_2;
extern const struct words tpch_type_3;
extern const struct words tpch_container_1;
extern const struct words tpch_container_2;
extern const struct words tpch_segments;
extern const struct words tpch_priorities;
extern const struct words tpch_instructions;
extern const struct words tpch_modes;

/* One of the words, borrowed for ever. */
const char *words_pick(const struct words *w, struct rng *r);

/* Builds the text; ends the program where there is no memory. Call once, before any thread. */
void text_init(void);

void text_release(void);

/* A piece of the text of `len` bytes, without a NUL; borrowed until text_release. */
const char *text_piece(struct rng *r, size_t len);

#endif
