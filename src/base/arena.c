/*
 * Blocks grow geometrically from small (an idle session holds several arenas) to large. Memory that
 * is not handed out is poisoned under AddressSanitizer, so use after a reset or rewind is reported.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, len)   ASAN_POISON_MEMORY_REGION((p), (len))
#define UNPOISON(p, len) ASAN_UNPOISON_MEMORY_REGION((p), (len))
#else
#define POISON(p, len)   ((void)(p), (void)(len))
#define UNPOISON(p, len) ((void)(p), (void)(len))
#endif

enum {
    BLOCK_MIN = 1024,        /* Bytes of the first block, header included. */
    BLOCK_MAX = 1024 * 1024, /* Blocks double up to this, unless one allocation needs more. */
    BLOCK_KEEP = 16 * 1024,  /* Largest block that a reset arena holds on to. */
};

struct arena_block {
    struct arena_block *prev; /* Older block, or NULL. */
    size_t size;              /* Bytes, header included. */
};

struct arena_hook {
    struct arena_hook *next; /* Registered before this one. */
    arena_hook_fn *fn;
    void *arg;
};

static size_t round_up(size_t len)
{
    return (len + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

static char *block_data(struct arena_block *b)
{
    return (char *)b + round_up(sizeof(*b));
}

static void block_free(struct arena_block *b)
{
    UNPOISON(b, b->size);
    free(b);
}

/* Makes all of the block free again and the one in use. */
static void use_whole_block(struct arena *a, struct arena_block *b)
{
    a->head = b;
    a->pos = block_data(b);
    a->end = (char *)b + b->size;
    POISON(a->pos, (size_t)(a->end - a->pos));
}

static void run_hooks(struct arena *a, const struct arena_hook *until)
{
    while (a->hooks != until) {
        struct arena_hook *hook = a->hooks;
        a->hooks = hook->next;
        hook->fn(hook->arg);
    }
}

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

void arena_release(struct arena *a)
{
    run_hooks(a, NULL);
    while (a->head) {
        struct arena_block *b = a->head;
        a->head = b->prev;
        block_free(b);
    }
    *a = (struct arena){.limit = a->limit};
}

/* Frees all blocks but the newest, which is the largest, of those that are small enough, if there
 * is any. */
static void keep_one_block(struct arena *a, size_t max_size)
{
    struct arena_block *kept = NULL;
    while (a->head) {
        struct arena_block *b = a->head;
        a->head = b->prev;
        if (!kept && b->size <= max_size) {
            kept = b;
        } else {
            block_free(b);
        }
    }
    a->pos = NULL;
    a->end = NULL;
    if (kept) {
        kept->prev = NULL;
        use_whole_block(a, kept);
    }
    a->used = 0;
}

void arena_reset_used(struct arena *a)
{
    run_hooks(a, NULL);
    keep_one_block(a, BLOCK_KEEP);
}

void arena_recycle(struct arena *a)
{
    run_hooks(a, NULL);
    keep_one_block(a, BLOCK_MAX);
}

static bool add_block(struct arena *a, size_t len)
{
    size_t size = a->head ? MIN(a->head->size * 2, (size_t)BLOCK_MAX) : BLOCK_MIN;
    size = MAX(size, len + round_up(sizeof(struct arena_block)));
    struct arena_block *b = malloc(size);
    if (!b) {
        return false;
    }
    a->used += (size_t)(a->end - a->pos);
    b->prev = a->head;
    b->size = size;
    use_whole_block(a, b);
    return true;
}

/* NULL when memory ran out or len is absurd. */
static void *take(struct arena *a, size_t len)
{
    if (len > SIZE_MAX / 4) {
        return NULL;
    }
    const size_t rounded = round_up(MAX(len, (size_t)1));
    if ((size_t)(a->end - a->pos) < rounded && !add_block(a, rounded)) {
        return NULL;
    }
    char *p = a->pos;
    a->pos += rounded;
    a->used += rounded;
    UNPOISON(p, len);
    return p;
}

void *arena_alloc_any(struct arena *a, size_t len)
{
    void *p = take(a, len);
    if (!p) {
        (void)fprintf(stderr, "pintail: out of memory: %zu bytes wanted, %zu in this arena\n", len,
                      a->used);
        abort();
    }
    return p;
}

void *arena_try_alloc(struct arena *a, size_t len)
{
    if (a->limit && (a->used > a->limit || len > a->limit - a->used)) {
        return NULL;
    }
    return take(a, len);
}

char *arena_dup_cstr(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.len + 1);
    if (s.len) {
        memcpy(p, s.p, s.len);
    }
    p[s.len] = '\0';
    return p;
}

struct str arena_dup(struct arena *a, struct str s)
{
    return str_from(arena_dup_cstr(a, s), s.len);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (NEVER(len < 0)) {
        va_end(again);
        return arena_dup(a, STR_NULL);
    }
    char *p = arena_alloc(a, (size_t)len + 1);
    (void)vsnprintf(p, (size_t)len + 1, fmt, again);
    va_end(again);
    return str_from(p, (size_t)len);
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){.head = a->head, .pos = a->pos, .hooks = a->hooks, .used = a->used};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    run_hooks(a, mark.hooks);
    if (!mark.head) {
        keep_one_block(a, BLOCK_KEEP);
        return;
    }
    while (a->head != mark.head) {
        struct arena_block *b = a->head;
        a->head = b->prev;
        block_free(b);
    }
    a->pos = mark.pos;
    a->end = (char *)a->head + a->head->size;
    a->used = mark.used;
    POISON(a->pos, (size_t)(a->end - a->pos));
}

void arena_on_reset(struct arena *a, arena_hook_fn *fn, void *arg)
{
    struct arena_hook *hook = arena_alloc(a, sizeof(*hook));
    *hook = (struct arena_hook){.next = a->hooks, .fn = fn, .arg = arg};
    a->hooks = hook;
}
