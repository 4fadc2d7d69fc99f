/*
 * Stacks of fibers: one size, mapped lazily, a guard page below each. Those of ended fibers are
 * kept for the next ones; their pages are given back at once, all but the topmost, which every
 * fiber touches.
 */
#include "os_int.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sanitizers make frames several times larger. */
#if defined(WITH_ASAN) || defined(WITH_TSAN)
#define STACK_FACTOR 4
#else
#define STACK_FACTOR 1
#endif

enum {
    DEFAULT_SIZE = STACK_FACTOR * 256 * 1024,
    MIN_SIZE = 32 * 1024,
    CACHE_MAX = 1024, /* Stacks kept; each costs one or two resident pages and two mappings. */
};

static struct {
    struct os_mutex lock;
    char *stacks[CACHE_MAX]; /* Bases. */
    size_t count;
    size_t size;
    size_t page;
} cache = {.lock = OS_MUTEX_INIT};

/* Under the lock. */
static void settle_size(void)
{
    if (cache.size == 0) {
        cache.page = (size_t)sysconf(_SC_PAGESIZE);
        cache.size = DEFAULT_SIZE;
    }
}

void stack_set_size(size_t bytes)
{
    os_mutex_lock(&cache.lock);
    settle_size();
    bytes = MAX(bytes, (size_t)MIN_SIZE);
    const size_t size = (bytes + cache.page - 1) / cache.page * cache.page;
    if (cache.count == 0) {
        cache.size = size;
    }
    os_mutex_unlock(&cache.lock);
}

static char *map_stack(size_t size, size_t page)
{
    char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(p, page, PROT_NONE) != 0) {
        (void)munmap(p, size + page);
        return NULL;
    }
    return p + page;
}

int stack_get(struct stack *out)
{
    os_mutex_lock(&cache.lock);
    settle_size();
    out->size = cache.size;
    out->base = cache.count ? cache.stacks[--cache.count] : NULL;
    os_mutex_unlock(&cache.lock);
    if (!out->base) {
        out->base = map_stack(cache.size, cache.page);
    }
    return out->base ? 0 : -1;
}

static void unmap_stack(char *base, size_t size)
{
    (void)munmap(base - cache.page, size + cache.page);
}

void stack_put(struct stack *s)
{
    (void)madvise(s->base, s->size - cache.page, MADV_DONTNEED);
    os_mutex_lock(&cache.lock);
    const bool keep = cache.count < CACHE_MAX && s->size == cache.size;
    if (keep) {
        cache.stacks[cache.count++] = s->base;
    }
    os_mutex_unlock(&cache.lock);
    if (!keep) {
        unmap_stack(s->base, s->size);
    }
    s->base = NULL;
}

void stack_trim(const struct stack *s, const void *sp)
{
    /* The 128 bytes below the stack pointer may be in use (red zone of the AMD64 ABI). */
    const size_t used_from = (size_t)((const char *)sp - s->base) - 128;
    const size_t len = used_from / cache.page * cache.page;
    if (len) {
        (void)madvise(s->base, len, MADV_DONTNEED);
    }
}

void stack_drop_cache(void)
{
    os_mutex_lock(&cache.lock);
    while (cache.count) {
        unmap_stack(cache.stacks[--cache.count], cache.size);
    }
    os_mutex_unlock(&cache.lock);
}
