/*
 * Storing clean text: the values that files consist of, straight from bytes into a chunk. What is
 * not plainly right (a sign, a space, a character beyond ASCII, anything that would be rounded, cut
 * or warned about) is left to store_value(), which gives the same result for what is.
 */
#ifndef TYPES_STORE_CLEAN_H
#define TYPES_STORE_CLEAN_H

#include "base/str.h"
#include "types/chunk.h"
#include "types/type.h"

struct store_clean_column;

/* Stores text in column col of the row added last. Returns false, with nothing stored, when it is
 * not clean. */
typedef bool store_clean_fn(const struct store_clean_column *c, struct str text,
                            struct chunk_builder *b, uint32_t col);

/* What is known of a column beforehand. */
struct store_clean_column {
    const struct sql_type *type;
    store_clean_fn *store; /* NULL: nothing of this type is stored here */
    int64_t max;           /* integers and decimals: largest magnitude */
};

/* type is borrowed. */
void store_clean_init(struct store_clean_column *c, const struct sql_type *type);

static inline bool store_clean(const struct store_clean_column *c, struct str text,
                               struct chunk_builder *b, uint32_t col)
{
    return c->store != NULL && c->store(c, text, b, col);
}

#endif
