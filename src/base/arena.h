/*
 * Arena: memory that is given back all at once. Every allocation of a statement, transaction,
 * cursor or session comes from the arena of that lifetime, which is always an explicit parameter.
 *
 * Handles of other libraries are tied to an arena with arena_on_reset(): their hooks run, last
 * registered first, when the arena is reset, rewound past them, or released, so that error paths
 * need no clean-up of their own. Not thread-safe: one owner at a time (it may move between
 * threads).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"
#include "base/str.h"

struct arena_block;
struct arena_hook;

/* Allocations begin, and blocks end, at multiples of it. */
#define ARENA_ALIGN 16

struct arena {
    struct arena_block *head; /* Block in use; older blocks behind it. */
    char *pos;                /* Next free byte in head. */
    char *end;                /* End of head. */
    struct arena_hook *hooks; /* Last registered first. */
    size_t used;              /* Bytes handed out since the last reset, blocks' waste included. */
    size_t limit;             /* Ceiling of `used` for arena_try_alloc(); 0 = none. */
};

struct arena_mark {
    struct arena_block *head;
    char *pos;
    struct arena_hook *hooks;
    size_t used;
};

typedef void arena_hook_fn(void *arg);

/* Prepares an empty arena; allocates nothing until it is used. limit: see arena_try_alloc(), 0 =
 * none. */
void arena_init(struct arena *a, size_t limit);

/* Runs the hooks and gives back all memory. The arena can be used again after arena_init(). */
void arena_release(struct arena *a);

/* arena_reset() of an arena that something was allocated in. */
void arena_reset_used(struct arena *a);

/* Runs the hooks and forgets all allocations; keeps one block for reuse. */
static inline void arena_reset(struct arena *a)
{
    if (a->used > 0) {
        arena_reset_used(a);
    }
}

/* As arena_reset(), but keeps the largest block, of at most 1 MiB: for what is filled and
 * emptied over and over, and would have its memory mapped anew each time. */
void arena_recycle(struct arena *a);

/* arena_alloc() of what may need a new block. */
void *arena_alloc_any(struct arena *a, size_t len)
    __attribute__((returns_nonnull, malloc, alloc_size(2)));

/* len bytes, aligned to 16, not initialised. Never NULL: out of memory ends the process with a
 * report. */
__attribute__((returns_nonnull, malloc, alloc_size(2))) static inline void *
arena_alloc(struct arena *a, size_t len)
{
#ifndef WITH_ASAN
    /* Of no bytes len - 1 is more than any block has. */
    if (LIKELY(len - 1 < (size_t)(a->end - a->pos))) {
        char *p = a->pos;
        const size_t rounded = (len + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
        a->pos += rounded;
        a->used += rounded;
        return p;
    }
#endif
    return arena_alloc_any(a, len);
}

/* As arena_alloc(), zeroed. */
__attribute__((returns_nonnull, malloc, alloc_size(2))) static inline void *
arena_calloc(struct arena *a, size_t len)
{
    return memset(arena_alloc(a, len), 0, len);
}

/* As arena_alloc() for sizes that a client or peer chose: NULL when the arena's limit or the memory
 * is exceeded. */
NODISCARD void *arena_try_alloc(struct arena *a, size_t len) __attribute__((alloc_size(2)));

#define ARENA_NEW(a, type)          ((type *)arena_calloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_calloc((a), sizeof(type) * (size_t)(count)))

/* Copies; the results are NUL-terminated behind their length. */
NODISCARD struct str arena_dup(struct arena *a, struct str s);
NODISCARD char *arena_dup_cstr(struct arena *a, struct str s);
NODISCARD struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Scratch use: what was allocated (and hooked) since the mark is given back by arena_rewind(). */
NODISCARD struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

/* Calls fn(arg) when the arena is reset, rewound past this point, or released. */
void arena_on_reset(struct arena *a, arena_hook_fn *fn, void *arg);

#endif
