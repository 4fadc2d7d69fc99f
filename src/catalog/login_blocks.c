/* See login_blocks.h: a list, as long as there are accounts with failures to count. */
#include "catalog/login_blocks.h"

#include <pthread.h>
#include <stdlib.h>

#define DAY_US (INT64_C(86400) * 1000000)

struct entry {
    uint64_t id;
    uint32_t failures;
    int64_t blocked_us; /* since when; 0 = not blocked */
};

struct login_blocks {
    pthread_mutex_t lock;
    struct entry *list;
    uint32_t count;
    uint32_t cap;
};

struct login_blocks *login_blocks_new(void)
{
    struct login_blocks *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void login_blocks_free(struct login_blocks *b)
{
    if (b == NULL) {
        return;
    }
    free(b->list);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static bool counts(const struct account *a)
{
    return a->failed_logins > 0 && a->lock_days != 0;
}

static struct entry *find(struct login_blocks *b, uint64_t id)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->list[i].id == id) {
            return &b->list[i];
        }
    }
    return NULL;
}

static struct entry *find_or_add(struct login_blocks *b, uint64_t id)
{
    struct entry *e = find(b, id);
    if (e != NULL) {
        return e;
    }
    if (b->count == b->cap) {
        b->cap = b->cap * 2 + 8;
        b->list = realloc(b->list, b->cap * sizeof *b->list);
        if (b->list == NULL) {
            abort();
        }
    }
    e = &b->list[b->count++];
    *e = (struct entry){.id = id};
    return e;
}

/* Takes back a block whose days have passed. */
static void expire(struct entry *e, const struct account *a, int64_t now_us)
{
    if (e->blocked_us != 0 && a->lock_days > 0 && now_us - e->blocked_us >= a->lock_days * DAY_US) {
        e->blocked_us = 0;
        e->failures = 0;
    }
}

bool login_blocks_count(struct login_blocks *b, const struct account *a, int64_t now_us)
{
    if (!counts(a)) {
        return false;
    }
    pthread_mutex_lock(&b->lock);
    struct entry *e = find_or_add(b, a->id);
    expire(e, a, now_us);
    if (e->blocked_us == 0 && ++e->failures >= a->failed_logins) {
        e->blocked_us = now_us;
    }
    const bool blocked = e->blocked_us != 0;
    pthread_mutex_unlock(&b->lock);
    return blocked;
}

bool login_blocks_check(struct login_blocks *b, const struct account *a, int64_t now_us,
                        int32_t *out_days)
{
    bool blocked = false;
    *out_days = a->lock_days;
    if (!counts(a)) {
        return false;
    }
    pthread_mutex_lock(&b->lock);
    struct entry *e = find(b, a->id);
    if (e != NULL) {
        expire(e, a, now_us);
        blocked = e->blocked_us != 0;
        if (blocked && a->lock_days > 0) {
            *out_days = a->lock_days - (int32_t)((now_us - e->blocked_us) / DAY_US);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return blocked;
}

void login_blocks_forget(struct login_blocks *b, uint64_t id)
{
    uint32_t kept = 0;
    pthread_mutex_lock(&b->lock);
    for (uint32_t i = 0; i < b->count; i++) {
        if (id != 0 && b->list[i].id != id) {
            b->list[kept++] = b->list[i];
        }
    }
    b->count = kept;
    pthread_mutex_unlock(&b->lock);
}
