/*
 * Linear probing over a power of two of slots, at most 3/4 of them in use. A removed entry leaves a
 * tombstone (no value, but marked), so that htab_next() survives removal of what it returned.
 */
#include "base/htab.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    HTAB_MIN = 8, /* Slots of the first allocation. */
};

struct htab_slot {
    uint64_t hash;
    struct str key;
    void *value;  /* NULL: empty or removed. */
    bool removed; /* Tombstone: probing goes on behind it. */
};

static size_t fold_chunk(char *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char c = from[i];
        to[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return len;
}

uint64_t str_hash(struct str s)
{
    return XXH3_64bits(s.p ? s.p : "", s.len);
}

uint64_t str_hash_nocase(struct str s)
{
    char folded[256];
    if (s.len <= sizeof(folded)) {
        return XXH3_64bits(folded, fold_chunk(folded, s.p, s.len));
    }
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    (void)XXH3_64bits_reset(&state);
    for (size_t at = 0; at < s.len; at += sizeof(folded)) {
        const size_t len = MIN(sizeof(folded), s.len - at);
        (void)XXH3_64bits_update(&state, folded, fold_chunk(folded, s.p + at, len));
    }
    return XXH3_64bits_digest(&state);
}

void htab_init(struct htab *h, unsigned flags)
{
    *h = (struct htab){.flags = flags};
}

void htab_release(struct htab *h)
{
    free(h->slots);
    *h = (struct htab){.flags = h->flags};
}

static uint64_t hash_key(const struct htab *h, struct str key)
{
    return h->flags & HTAB_NOCASE ? str_hash_nocase(key) : str_hash(key);
}

static bool key_eq(const struct htab *h, struct str a, struct str b)
{
    return h->flags & HTAB_NOCASE ? str_eq_nocase(a, b) : str_eq(a, b);
}

/* The slot that holds key, or NULL. */
static struct htab_slot *find_slot(const struct htab *h, struct str key, uint64_t hash)
{
    if (h->cap == 0) {
        return NULL;
    }
    for (size_t i = hash & (h->cap - 1);; i = (i + 1) & (h->cap - 1)) {
        struct htab_slot *slot = &h->slots[i];
        if (!slot->value && !slot->removed) {
            return NULL;
        }
        if (slot->value && slot->hash == hash && key_eq(h, slot->key, key)) {
            return slot;
        }
    }
}

/* The first slot without a value on the way of hash; there is always one. */
static struct htab_slot *free_slot(const struct htab *h, uint64_t hash)
{
    size_t i = hash & (h->cap - 1);
    while (h->slots[i].value) {
        i = (i + 1) & (h->cap - 1);
    }
    return &h->slots[i];
}

/* Makes room for one more entry; tombstones go on the way. */
static void grow(struct htab *h)
{
    if (h->cap && h->used + 1 <= h->cap / 4 * 3) {
        return;
    }
    struct htab bigger = {.flags = h->flags, .count = h->count, .used = h->count};
    bigger.cap = HTAB_MIN;
    while (bigger.cap / 2 < h->count + 1) {
        bigger.cap *= 2;
    }
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots) {
        (void)fprintf(stderr, "pintail: out of memory: hash map of %zu slots\n", bigger.cap);
        abort();
    }
    for (size_t i = 0; i < h->cap; i++) {
        if (h->slots[i].value) {
            *free_slot(&bigger, h->slots[i].hash) = h->slots[i];
        }
    }
    free(h->slots);
    *h = bigger;
}

void *htab_find(const struct htab *h, struct str key)
{
    const struct htab_slot *slot = find_slot(h, key, hash_key(h, key));
    return slot ? slot->value : NULL;
}

void *htab_put(struct htab *h, struct str key, void *value)
{
    assert(value);
    const uint64_t hash = hash_key(h, key);
    struct htab_slot *slot = find_slot(h, key, hash);
    if (slot) {
        void *replaced = slot->value;
        slot->key = key;
        slot->value = value;
        return replaced;
    }
    grow(h);
    slot = free_slot(h, hash);
    h->count++;
    h->used += slot->removed ? 0 : 1;
    *slot = (struct htab_slot){.hash = hash, .key = key, .value = value};
    return NULL;
}

void *htab_remove(struct htab *h, struct str key)
{
    struct htab_slot *slot = find_slot(h, key, hash_key(h, key));
    if (!slot) {
        return NULL;
    }
    void *value = slot->value;
    *slot = (struct htab_slot){.removed = true};
    h->count--;
    return value;
}

void *htab_next(const struct htab *h, size_t *pos)
{
    while (*pos < h->cap) {
        void *value = h->slots[(*pos)++].value;
        if (value) {
            return value;
        }
    }
    return NULL;
}
