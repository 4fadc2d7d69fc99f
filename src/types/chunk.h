/*
 * Column chunks: how rows move between engines and the rest, up to CHUNK_ROWS at a time, one vector
 * a column. Reading is by borrowing: an engine points the vectors at its own memory. Writing goes
 * through struct chunk_builder, which owns its memory.
 */
#ifndef TYPES_CHUNK_H
#define TYPES_CHUNK_H

#include "base/arena.h"
#include "base/bits.h"
#include "base/str.h"
#include "types/type.h"
#include "types/value.h"

#define CHUNK_ROWS 2048

/*
 * A string in a vector: up to 12 bytes inline, else 4 bytes of prefix and a pointer. The same
 * layout as duckdb_string_t, so that vectors need no copy.
 */
struct vec_str {
    union {
        struct {
            uint32_t len;
            char inlined[12];
        };
        struct {
            uint32_t out_len; /* The same as len. */
            char prefix[4];
            const char *ptr;
        } out;
    };
};

static_assert(sizeof(struct vec_str) == 16, "as duckdb_string_t");

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
    return v->validity != NULL && !bits_get(v->validity, row);
}

/* A str as a vector holds it; longer than 12 bytes it borrows from s. */
NODISCARD struct vec_str vec_str_from(struct str s);

/* The integer at a row, of any integer form; VEC_U64 keeps its value, other forms are 0. */
NODISCARD __int128 vec_get_int(const struct vec *v, uint32_t row);

/*
 * The value at a row. Strings borrow from the vector. ENUM and SET come as their number
 * (VALUE_UINT), TIMESTAMP in UTC as stored. Integers that do not fit 64 bits (a VEC_I128 of integer
 * type) are clipped.
 */
void vec_get(const struct vec *v, uint32_t row, struct value *out);

/*
 * Builds chunks row by row. `types` are the columns' declared types and must outlive the builder.
 * Strings are copied. A row whose columns are not all set keeps NULLs there. Memory: the vectors,
 * plus the strings of one chunk, of which chunk_builder_bytes() tells the size for callers that
 * hand the chunk on before it is full.
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

/* Empties it for the next chunk. Keeps its vectors, and at most 1 MiB for strings. */
void chunk_builder_reset(struct chunk_builder *b);

static inline bool chunk_builder_is_full(const struct chunk_builder *b)
{
    return b->nrows == CHUNK_ROWS;
}

/* Bytes of string data in the chunk being built. */
static inline size_t chunk_builder_bytes(const struct chunk_builder *b)
{
    return b->strings.used;
}

/* Starts a row with all columns NULL; the builder must not be full. Returns its number. */
uint32_t chunk_builder_add_row(struct chunk_builder *b);

/* Drops the row added last. */
void chunk_builder_drop_row(struct chunk_builder *b);

/*
 * Sets column col of the row added last from a value already converted to the column's type by
 * store_value(); a value of another family is a bug of the caller and leaves NULL. A column may be
 * set once a row.
 */
void chunk_builder_set(struct chunk_builder *b, uint32_t col, const struct value *v);

/* As chunk_builder_set() for the two hottest cases, without a struct value in between; i64 is for
 * VEC_I64. */
void chunk_builder_set_str(struct chunk_builder *b, uint32_t col, struct str s);
void chunk_builder_set_i64(struct chunk_builder *b, uint32_t col, int64_t i);

/* The same for an integer form of any width: integers, DECIMAL as scaled integer, packed dates. i
 * must fit. */
void chunk_builder_set_int(struct chunk_builder *b, uint32_t col, int64_t i);

/* The chunk built so far; borrows from the builder until its reset or release. */
NODISCARD struct chunk chunk_builder_chunk(const struct chunk_builder *b);

#endif
