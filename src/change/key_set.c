/*
 * Sets of keys. See key_set.h.
 *
 * Keys of one column of integers, which most are, are numbers in a table of their own: each row of
 * a table that is copied is looked up. Others are bytes.
 */
#include "change/key_set.h"

#include "base/arena.h"
#include "base/htab.h"

#include <stdlib.h>
#include <string.h>

enum {
    NUMBERS_MIN = 64,
    NUMBERS_SHIFT = 64 - 6, /* Of a hash, to a place among those. */
};

/* The fractional part of the golden ratio: spreads numbers that are close together. */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* A set of numbers: open addressing, at most half full. A free place is 0, which is held apart. */
struct numbers {
    uint64_t *places;
    size_t cap; /* 0, or a power of two. */
    size_t count;
    unsigned shift;
    bool has_zero;
};

struct key_set {
    struct htab keys; /* Of the bytes of a key; the values say nothing. */
    struct numbers numbers;
    struct arena arena;
    size_t max_bytes;
    bool has_all;
};

/* ---- Numbers ---- */

/* Where n is, or the free place for it. */
static uint64_t *number_place(const struct numbers *s, uint64_t n)
{
    size_t i = (size_t)(n * SPREAD >> s->shift);
    while (s->places[i] != 0 && s->places[i] != n) {
        i = (i + 1) & (s->cap - 1);
    }
    return &s->places[i];
}

static void numbers_grow(struct numbers *s)
{
    const struct numbers old = *s;
    s->cap = old.cap == 0 ? (size_t)NUMBERS_MIN : old.cap * 2;
    s->shift = old.cap == 0 ? (unsigned)NUMBERS_SHIFT : old.shift - 1;
    s->places = calloc(s->cap, sizeof(*s->places));
    if (s->places == NULL) {
        abort();
    }
    for (size_t i = 0; i < old.cap; i++) {
        if (old.places[i] != 0) {
            *number_place(s, old.places[i]) = old.places[i];
        }
    }
    free(old.places);
}

static bool numbers_have(const struct numbers *s, uint64_t n)
{
    return n == 0 ? s->has_zero : s->cap > 0 && *number_place(s, n) == n;
}

static void numbers_add(struct numbers *s, uint64_t n)
{
    if (numbers_have(s, n)) {
        return;
    }
    s->count++;
    if (n == 0) {
        s->has_zero = true;
        return;
    }
    if (s->count * 2 > s->cap) {
        numbers_grow(s);
    }
    *number_place(s, n) = n;
}

static void numbers_release(struct numbers *s)
{
    free(s->places);
    *s = (struct numbers){.places = NULL};
}

/* Is the key one column of integers? Then that column. */
static const struct vec *number_column(const struct chunk *c, const uint32_t *columns,
                                       uint32_t count)
{
    const struct vec *v = &c->cols[columns != NULL ? columns[0] : 0];
    switch (v->phys) {
    case VEC_I8:
    case VEC_I16:
    case VEC_I32:
    case VEC_I64:
    case VEC_U8:
    case VEC_U16:
    case VEC_U32:
    case VEC_U64:
        return count == 1 ? v : NULL;
    case VEC_I128:
    case VEC_F32:
    case VEC_F64:
    case VEC_STR:
        break;
    }
    return NULL;
}

/* The bytes of an integer as a number; those of a column all have one width. */
static uint64_t number_at(const struct vec *v, uint32_t row)
{
    switch (vec_phys_size(v->phys)) {
    case sizeof(uint8_t):
        return ((const uint8_t *)v->data)[row];
    case sizeof(uint16_t):
        return ((const uint16_t *)v->data)[row];
    case sizeof(uint32_t):
        return ((const uint32_t *)v->data)[row];
    default:
        return ((const uint64_t *)v->data)[row];
    }
}

/* ---- Bytes ---- */

struct str key_set_bytes(const struct chunk *c, const uint32_t *columns, uint32_t count,
                         uint32_t row, struct arena *arena)
{
    size_t len = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct vec *v = &c->cols[columns != NULL ? columns[i] : i];
        len += v->phys == VEC_STR ? sizeof(uint32_t) + ((const struct vec_str *)v->data)[row].len
                                  : vec_phys_size(v->phys);
    }
    char *p = arena_alloc(arena, len);
    char *at = p;
    for (uint32_t i = 0; i < count; i++) {
        const struct vec *v = &c->cols[columns != NULL ? columns[i] : i];
        if (v->phys == VEC_STR) {
            const struct str s = vec_str_get((const struct vec_str *)v->data + row);
            const uint32_t n = (uint32_t)s.len;
            memcpy(at, &n, sizeof(n));
            if (n > 0) {
                memcpy(at + sizeof(n), s.p, n);
            }
            at += sizeof(n) + n;
        } else {
            const size_t size = vec_phys_size(v->phys);
            memcpy(at, (const char *)v->data + row * size, size);
            at += size;
        }
    }
    return str_from(p, len);
}

static void add_bytes(struct key_set *k, struct str key, struct arena_mark mark)
{
    if (htab_find(&k->keys, key) != NULL) {
        arena_rewind(&k->arena, mark);
    } else {
        (void)htab_put(&k->keys, key, k);
    }
}

/* ---- The whole ---- */

struct key_set *key_set_new(size_t max_bytes)
{
    struct key_set *k = calloc(1, sizeof(*k));
    if (k == NULL) {
        abort();
    }
    htab_init(&k->keys, 0);
    arena_init(&k->arena, 0);
    k->max_bytes = max_bytes;
    return k;
}

void key_set_free(struct key_set *k)
{
    if (k != NULL) {
        numbers_release(&k->numbers);
        htab_release(&k->keys);
        arena_release(&k->arena);
        free(k);
    }
}

void key_set_fill(struct key_set *k)
{
    numbers_release(&k->numbers);
    htab_release(&k->keys);
    htab_init(&k->keys, 0);
    arena_reset(&k->arena);
    k->has_all = true;
}

static size_t bytes_of(const struct key_set *k)
{
    return k->arena.used + k->keys.count * sizeof(struct str) +
           k->numbers.cap * sizeof(*k->numbers.places);
}

void key_set_add(struct key_set *k, const struct chunk *c, const uint32_t *columns, uint32_t count)
{
    const struct vec *column = number_column(c, columns, count);
    for (uint32_t row = 0; row < c->nrows && !k->has_all; row++) {
        if (column != NULL) {
            numbers_add(&k->numbers, number_at(column, row));
        } else {
            const struct arena_mark mark = arena_mark(&k->arena);
            add_bytes(k, key_set_bytes(c, columns, count, row, &k->arena), mark);
        }
        if (k->max_bytes != 0 && bytes_of(k) > k->max_bytes) {
            key_set_fill(k);
        }
    }
}

bool key_set_is_empty(const struct key_set *k)
{
    return !k->has_all && k->keys.count == 0 && k->numbers.count == 0;
}

bool key_set_is_full(const struct key_set *k)
{
    return k->has_all;
}

/* Writes the numbers of all rows. */
static uint32_t all_rows(const struct chunk *c, uint32_t *out)
{
    for (uint32_t row = 0; row < c->nrows; row++) {
        out[row] = row;
    }
    return c->nrows;
}

static uint32_t rows_by_bytes(const struct key_set *k, const struct chunk *c,
                              const uint32_t *columns, uint32_t count, bool wanted, uint32_t *out)
{
    struct arena scratch;
    uint32_t n = 0;
    arena_init(&scratch, 0);
    for (uint32_t row = 0; row < c->nrows; row++) {
        const struct arena_mark mark = arena_mark(&scratch);
        const struct str key = key_set_bytes(c, columns, count, row, &scratch);
        if ((htab_find(&k->keys, key) != NULL) == wanted) {
            out[n++] = row;
        }
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return n;
}

uint32_t key_set_rows(const struct key_set *k, const struct chunk *c, const uint32_t *columns,
                      uint32_t count, bool wanted, uint32_t *out)
{
    const struct vec *column = number_column(c, columns, count);
    uint32_t n = 0;
    if (k->has_all || key_set_is_empty(k)) {
        return k->has_all == wanted ? all_rows(c, out) : 0;
    }
    if (column == NULL) {
        return rows_by_bytes(k, c, columns, count, wanted, out);
    }
    for (uint32_t row = 0; row < c->nrows; row++) {
        if (numbers_have(&k->numbers, number_at(column, row)) == wanted) {
            out[n++] = row;
        }
    }
    return n;
}
