/*
 * Column chunks: how rows move between engines and the rest, up to CHUNK_ROWS at a time, one vector
 * a column. Reading is by borrowing: an engine points the vectors at its own memory. Writing goes
 * through struct chunk_builder, which owns its memory.
 */
#ifndef TYPES_CHUNK_H
#define TYPES_CHUNK_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"
#include "types/type.h"
#include "types/value.h"

#define CHUNK_ROWS 2048

/*
 * A string in a vector: up to 12 bytes inline, else 4 bytes of prefix and a pointer. The same
 * layout as duckdb_string_t, so that vectors need no copy.
 */
struct vec_str {
    uint32_t len;
    union {
        char inlined[12];
        struct {
            char prefix[4];
            const char *ptr;
        } out;
    };
};

#define VEC_STR_INLINE 12

static inline struct str vec_str_get(const struct vec_str *s)
{
    return str_from(s->len <= VEC_STR_INLINE ? s->inlined : s->out.ptr, s->len);
}

struct vec {
    const struct sql_type *type;
    enum vec_phys phys;
    const void *data;         /* Array of phys values. */
    const uint64_t *validity; /* Bit r set = row r is not NULL; NULL pointer = no NULLs. */
};

struct chunk {
    uint32_t ncols;
    uint32_t nrows; /* At most CHUNK_ROWS. */
    const struct vec *cols;
};

static inline bool vec_is_null(const struct vec *v, uint32_t row)
{
    return v->validity != NULL && (v->validity[row >> 6] >> (row & 63) & 1) == 0;
}

/* The value at a row. Strings borrow from the vector. ENUM and SET come as their number
 * (VALUE_UINT). */
void vec_get(const struct vec *v, uint32_t row, struct value *out);

/*
 * Builds chunks row by row. `types` are the columns' declared types. Strings are copied. A row
 * whose columns are not all set keeps NULLs there.
 */
struct chunk_builder {
    uint32_t ncols;
    uint32_t nrows;
    struct vec *cols;     /* data and validity point at memory of the builder */
    struct arena arena;   /* Vectors: for the builder's life. */
    struct arena strings; /* String bytes of the chunk being built. */
};

void chunk_builder_init(struct chunk_builder *b, const struct sql_type *types, uint32_t ncols);
void chunk_builder_release(struct chunk_builder *b);

/* Empties it for the next chunk. */
void chunk_builder_reset(struct chunk_builder *b);

static inline bool chunk_builder_is_full(const struct chunk_builder *b)
{
    return b->nrows == CHUNK_ROWS;
}

/* Starts a row with all columns NULL; the builder must not be full. Returns its number. */
uint32_t chunk_builder_add_row(struct chunk_builder *b);

/* Drops the row added last. */
void chunk_builder_drop_row(struct chunk_builder *b);

/*
 * Sets column col of the row added last from a value already converted to the column's type by
 * store_value().
 */
void chunk_builder_set(struct chunk_builder *b, uint32_t col, const struct value *v);

/* As chunk_builder_set() for the two hottest cases, without a struct value in between. */
void chunk_builder_set_str(struct chunk_builder *b, uint32_t col, struct str s);
void chunk_builder_set_i64(struct chunk_builder *b, uint32_t col, int64_t i);

/* The chunk built so far; borrows from the builder until its reset or release. */
NODISCARD struct chunk chunk_builder_chunk(const struct chunk_builder *b);

#endif
