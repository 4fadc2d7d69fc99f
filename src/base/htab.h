/*
 * htab: hash map from a str to a pointer, for names. Keys are borrowed: they must live as long as
 * their entry (normally they are a member of the value). Not thread-safe. Open addressing; grows by
 * itself.
 */
#ifndef BASE_HTAB_H
#define BASE_HTAB_H

#include "base/base.h"
#include "base/str.h"

enum htab_flags {
    HTAB_NOCASE = 1u << 0, /* Keys are compared with str_eq_nocase(). */
};

struct htab_slot;

struct htab {
    struct htab_slot *slots;
    size_t count; /* Live entries. */
    size_t used;  /* Live entries and tombstones. */
    size_t cap;   /* Slots; 0 or a power of two. */
    unsigned flags;
};

void htab_init(struct htab *h, unsigned flags);

/* Frees the table, not the values. */
void htab_release(struct htab *h);

/* The value under key, or NULL. */
NODISCARD void *htab_find(const struct htab *h, struct str key);

/* Puts value (not NULL) under key; returns the value it replaces (whose key is then no longer
 * referred to), or NULL. */
void *htab_put(struct htab *h, struct str key, void *value);

/* Removes and returns the value under key, or NULL. */
void *htab_remove(struct htab *h, struct str key);

/* Walks all values: start with *pos = 0; returns NULL at the end. The table may not be changed
 * meanwhile, except by removing the value just returned. */
NODISCARD void *htab_next(const struct htab *h, size_t *pos);

/* 64-bit hash of bytes (XXH3); nocase folds ASCII letters first. */
NODISCARD uint64_t str_hash(struct str s);
NODISCARD uint64_t str_hash_nocase(struct str s);

#endif
