/*
 * key_set: keys of rows of a table, by their bytes, as column chunks hold them. One thread at a
 * time.
 */
#ifndef CHANGE_KEY_SET_H
#define CHANGE_KEY_SET_H

#include "types/chunk.h"

struct key_set;

/* max_bytes: with more than that it forgets its keys and has all there are; 0 = no limit. Never
 * NULL. */
NODISCARD struct key_set *key_set_new(size_t max_bytes);
/* k may be NULL. */
void key_set_free(struct key_set *k);

/* Adds the keys of all rows of the chunk. columns: which they are; NULL: the chunk's first `count`
 * are the key's. */
void key_set_add(struct key_set *k, const struct chunk *c, const uint32_t *columns, uint32_t count);

/* The bytes by which such a set knows the key of a row: equal when the keys are; in arena. */
NODISCARD struct str key_set_bytes(const struct chunk *c, const uint32_t *columns, uint32_t count,
                                   uint32_t row, struct arena *arena);

NODISCARD bool key_set_is_empty(const struct key_set *k);
/* Has it all keys there are? */
NODISCARD bool key_set_is_full(const struct key_set *k);
/* From now on it has all keys there are. */
void key_set_fill(struct key_set *k);

/* Writes the numbers of the rows whose key is in the set, or, when wanted is false, is not; returns
 * how many. out has room for the chunk's rows. */
NODISCARD uint32_t key_set_rows(const struct key_set *k, const struct chunk *c,
                                const uint32_t *columns, uint32_t count, bool wanted,
                                uint32_t *out);

#endif
