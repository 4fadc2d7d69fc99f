/* Sets of keys. See key_set.h. */
#include "change/key_set.h"

#include "base/arena.h"
#include "base/htab.h"

#include <stdlib.h>
#include <string.h>

struct key_set {
    struct htab keys; /* Of the bytes of a key; the values say nothing. */
    struct arena arena;
    size_t max_bytes;
    bool has_all;
};

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
        htab_release(&k->keys);
        arena_release(&k->arena);
        free(k);
    }
}

/* The bytes of a row's key; in arena. */
static struct str key_bytes(const struct chunk *c, const uint32_t *columns, uint32_t count,
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

static void forget(struct key_set *k)
{
    htab_release(&k->keys);
    htab_init(&k->keys, 0);
    arena_reset(&k->arena);
    k->has_all = true;
}

void key_set_add(struct key_set *k, const struct chunk *c, const uint32_t *columns, uint32_t count)
{
    for (uint32_t row = 0; row < c->nrows && !k->has_all; row++) {
        const struct arena_mark mark = arena_mark(&k->arena);
        const struct str key = key_bytes(c, columns, count, row, &k->arena);
        if (htab_find(&k->keys, key) != NULL) {
            arena_rewind(&k->arena, mark);
        } else {
            (void)htab_put(&k->keys, key, k);
        }
        if (k->max_bytes != 0 &&
            k->arena.used + k->keys.count * sizeof(struct str) > k->max_bytes) {
            forget(k);
        }
    }
}

bool key_set_is_empty(const struct key_set *k)
{
    return !k->has_all && k->keys.count == 0;
}

uint32_t key_set_rows(const struct key_set *k, const struct chunk *c, const uint32_t *columns,
                      uint32_t count, bool wanted, uint32_t *out)
{
    struct arena scratch;
    uint32_t n = 0;
    arena_init(&scratch, 0);
    for (uint32_t row = 0; row < c->nrows; row++) {
        bool is_in = k->has_all;
        if (!is_in && k->keys.count > 0) {
            const struct arena_mark mark = arena_mark(&scratch);
            is_in = htab_find(&k->keys, key_bytes(c, columns, count, row, &scratch)) != NULL;
            arena_rewind(&scratch, mark);
        }
        if (is_in == wanted) {
            out[n++] = row;
        }
    }
    arena_release(&scratch);
    return n;
}
