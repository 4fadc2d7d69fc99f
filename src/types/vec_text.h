/*
 * The text of vector elements, for result rows at wire speed: what is constant for a column is
 * decided once, so that an element costs one indirect call. Texts are those of the text protocol,
 * in UTF-8 (binary strings and BIT: bytes).
 */
#ifndef TYPES_VEC_TEXT_H
#define TYPES_VEC_TEXT_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"
#include "types/chunk.h"
#include "types/timezone.h"
#include "types/type.h"

/* Room that vec_text_get() needs. */
#define VEC_TEXT_MAX 512

struct vec_text;

typedef struct str vec_text_fn(struct vec_text *c, const struct vec *v, uint32_t row, char *buf);

/* How one column's elements become text. One user at a time: it caches. */
struct vec_text {
    vec_text_fn *get;
    vec_text_fn *plain; /* Without the zeros in front. */
    struct sql_type type;
    enum vec_phys phys;
    uint32_t width;            /* Zeros in front up to this, or 0. */
    const struct timezone *tz; /* TIMESTAMP */
    int64_t offset_from_us; /* TIMESTAMP: offset_us holds in [offset_from_us, offset_until_us). */
    int64_t offset_until_us;
    int64_t offset_us;
    char *scratch; /* SET */
};

/*
 * Prepares for a column of that type whose vectors have form phys. tz: the session's zone for
 * TIMESTAMP columns, NULL for UTC. What is needed beyond buf comes from arena.
 */
void vec_text_init(struct vec_text *c, const struct sql_type *type, enum vec_phys phys,
                   const struct timezone *tz, struct arena *arena);

/*
 * Text of the element at row, which is not NULL: in buf (VEC_TEXT_MAX bytes), in the vector, or in
 * c until the next call.
 */
static inline struct str vec_text_get(struct vec_text *c, const struct vec *v, uint32_t row,
                                      char *buf)
{
    return c->get(c, v, row, buf);
}

#endif
