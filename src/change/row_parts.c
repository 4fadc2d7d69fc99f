/* Parts of rows. See row_parts.h. */
#include "change/row_parts.h"

#include "change/key_set.h"

#include "base/arena.h"
#include "base/htab.h"

#include <stdlib.h>
#include <string.h>

struct part {
    struct str key;  /* Bytes; in the arena. */
    uint64_t stamp;  /* Of the batch that put it last. */
    uint64_t *known; /* Bits of columns. */
    uint64_t *valid; /* Likewise: what is known is not NULL. */
    char *values;    /* Of all columns, one behind the other. */
};

struct row_parts {
    struct htab parts; /* By their keys. */
    struct arena arena;
    const uint32_t *key;
    uint32_t key_count;
    uint32_t ncols;
    size_t *places; /* Of columns among a part's values; behind the last one the size of all. */
    uint64_t stamp;
};

struct row_parts *row_parts_new(const struct table_def *table, const uint32_t *key,
                                uint32_t key_count)
{
    struct row_parts *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        abort();
    }
    htab_init(&p->parts, 0);
    arena_init(&p->arena, 0);
    p->key = key;
    p->key_count = key_count;
    p->ncols = table->column_count;
    p->places = ARENA_ARRAY(&p->arena, size_t, (size_t)p->ncols + 1);
    for (uint32_t i = 0; i < p->ncols; i++) {
        p->places[i + 1] = p->places[i] + vec_phys_size(type_phys(&table->columns[i].type));
    }
    return p;
}

void row_parts_free(struct row_parts *p)
{
    if (p != NULL) {
        htab_release(&p->parts);
        arena_release(&p->arena);
        free(p);
    }
}

bool row_parts_is_empty(const struct row_parts *p)
{
    return p->parts.count == 0;
}

size_t row_parts_bytes(const struct row_parts *p)
{
    return p->arena.used + p->parts.cap * sizeof(struct str);
}

void row_parts_begin(struct row_parts *p)
{
    p->stamp++;
}

/* The part of a key; a new one knows nothing. */
static struct part *get_part(struct row_parts *p, const struct chunk *c, uint32_t row)
{
    const struct arena_mark mark = arena_mark(&p->arena);
    const struct str key = key_set_bytes(c, p->key, p->key_count, row, &p->arena);
    struct part *part = htab_find(&p->parts, key);
    if (part != NULL) {
        arena_rewind(&p->arena, mark);
        return part;
    }
    const size_t words = BITS_WORDS((size_t)p->ncols);
    part = ARENA_NEW(&p->arena, struct part);
    part->key = key;
    part->known = ARENA_ARRAY(&p->arena, uint64_t, words);
    part->valid = ARENA_ARRAY(&p->arena, uint64_t, words);
    part->values = arena_calloc(&p->arena, p->places[p->ncols]);
    (void)htab_put(&p->parts, part->key, part);
    return part;
}

void row_parts_put(struct row_parts *p, const struct chunk *c, uint32_t row,
                   const uint64_t *missing)
{
    struct part *part = get_part(p, c, row);
    part->stamp = p->stamp;
    for (uint32_t i = 0; i < p->ncols; i++) {
        const struct vec *v = &c->cols[i];
        const size_t size = vec_phys_size(v->phys);
        if (bits_get(missing, i)) {
            continue;
        }
        bits_set(part->known, i, true);
        bits_set(part->valid, i, !vec_is_null(v, row));
        if (vec_is_null(v, row)) {
            continue;
        }
        char *to = part->values + p->places[i];
        if (v->phys == VEC_STR) {
            const struct str s = vec_str_get((const struct vec_str *)v->data + row);
            const struct vec_str kept = vec_str_from(arena_dup(&p->arena, s));
            memcpy(to, &kept, sizeof(kept));
        } else {
            memcpy(to, (const char *)v->data + row * size, size);
        }
    }
}

void row_parts_forget(struct row_parts *p, const struct chunk *c, const uint32_t *columns)
{
    for (uint32_t row = 0; row < c->nrows && p->parts.count > 0; row++) {
        const struct arena_mark mark = arena_mark(&p->arena);
        const struct str key = key_set_bytes(c, columns, p->key_count, row, &p->arena);
        const struct part *part = htab_find(&p->parts, key);
        if (part != NULL && part->stamp != p->stamp) {
            (void)htab_remove(&p->parts, key);
        }
        arena_rewind(&p->arena, mark);
    }
}

uint32_t row_parts_find(const struct row_parts *p, const struct chunk *c, uint32_t *out)
{
    struct arena scratch;
    uint32_t n = 0;
    arena_init(&scratch, 0);
    for (uint32_t row = 0; row < c->nrows && p->parts.count > 0; row++) {
        const struct arena_mark mark = arena_mark(&scratch);
        const struct str key = key_set_bytes(c, p->key, p->key_count, row, &scratch);
        if (htab_find(&p->parts, key) != NULL) {
            out[n++] = row;
        }
        arena_rewind(&scratch, mark);
    }
    arena_release(&scratch);
    return n;
}

void row_parts_lay_over(const struct row_parts *p, struct chunk *c)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    for (uint32_t row = 0; row < c->nrows; row++) {
        const struct arena_mark mark = arena_mark(&scratch);
        const struct part *part =
            htab_find(&p->parts, key_set_bytes(c, p->key, p->key_count, row, &scratch));
        arena_rewind(&scratch, mark);
        for (uint32_t i = 0; part != NULL && i < p->ncols; i++) {
            const struct vec *v = &c->cols[i];
            const size_t size = vec_phys_size(v->phys);
            if (!bits_get(part->known, i)) {
                continue;
            }
            bits_set((uint64_t *)(uintptr_t)v->validity, row, bits_get(part->valid, i));
            memcpy((char *)(uintptr_t)v->data + row * size, part->values + p->places[i], size);
        }
    }
    arena_release(&scratch);
}
