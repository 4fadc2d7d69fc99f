/*
 * Blocks on their way from the source's fiber to the one that decodes them. Bounded by the memory
 * of the blocks; small blocks are put together while nobody takes them, so that many of them do not
 * fill the queue with room that is not used.
 */
#include "source_int.h"

#include <stdlib.h>

enum {
    LENGTH_LEN = 4, /* In front of each event. */
};

/* ---- Blocks ---- */

bool change_block_next(struct change_block *b, struct str *out)
{
    uint32_t len;
    if (b->at >= b->len) {
        return false;
    }
    memcpy(&len, b->data + b->at, LENGTH_LEN);
    *out = str_from(b->data + b->at + LENGTH_LEN, len);
    b->at += LENGTH_LEN + (size_t)len;
    return true;
}

static struct change_block *make_block(size_t cap)
{
    struct change_block *b = malloc(sizeof(*b));
    char *data = malloc(cap);
    if (b == NULL || data == NULL) {
        free(b);
        free(data);
        return NULL;
    }
    *b = (struct change_block){.cap = cap, .data = data};
    rlist_init(&b->link);
    return b;
}

static void free_block(struct change_block *b)
{
    free(b->data);
    free(b);
}

static void free_list(struct rlist *list)
{
    struct rlist *node;
    while ((node = rlist_shift(list)) != NULL) {
        free_block(RLIST_ENTRY(node, struct change_block, link));
    }
}

/* ---- Queue ---- */

void change_queue_init(struct change_queue *q, size_t max, size_t block_bytes)
{
    *q = (struct change_queue){.max = max, .block_bytes = block_bytes, .generation = 1};
    os_mutex_init(&q->lock);
    rlist_init(&q->full);
    rlist_init(&q->spare);
    diag_init(&q->error);
}

void change_queue_release(struct change_queue *q)
{
    free_list(&q->full);
    free_list(&q->spare);
    diag_release(&q->error);
    os_mutex_release(&q->lock);
}

/* Keeps a block for later, or frees it. With the lock. */
static void recycle(struct change_queue *q, struct change_block *b)
{
    if (b->cap != q->block_bytes || q->spare_count * q->block_bytes >= q->max) {
        free_block(b);
        return;
    }
    q->spare_count++;
    rlist_push(&q->spare, &b->link);
}

struct change_block *change_queue_new_block(struct change_queue *q, uint64_t generation, size_t len)
{
    struct change_block *b = NULL;
    if (len + LENGTH_LEN <= q->block_bytes) {
        os_mutex_lock(&q->lock);
        /* The one used last: its memory is most likely in a cache. */
        struct rlist *node = rlist_is_empty(&q->spare) ? NULL : q->spare.prev;
        if (node != NULL) {
            rlist_del(node);
            q->spare_count--;
        }
        os_mutex_unlock(&q->lock);
        b = node != NULL ? RLIST_ENTRY(node, struct change_block, link) : NULL;
    }
    if (b == NULL) {
        b = make_block(MAX(len + LENGTH_LEN, q->block_bytes));
    }
    if (b != NULL) {
        b->generation = generation;
        b->count = 0;
        b->len = 0;
        b->at = 0;
    }
    return b;
}

/* With the lock. */
static void wake(struct fiber *f)
{
    if (f != NULL) {
        fiber_wake(f);
    }
}

/* Adds the block's events to those of the last block there, if that has room. With the lock. */
static bool merge(struct change_queue *q, const struct change_block *b)
{
    if (rlist_is_empty(&q->full)) {
        return false;
    }
    struct change_block *last = RLIST_ENTRY(q->full.prev, struct change_block, link);
    if (b->len > last->cap - last->len) {
        return false;
    }
    memcpy(last->data + last->len, b->data, b->len);
    last->len += b->len;
    last->count += b->count;
    return true;
}

/* With the lock, which is given up while waiting. False when interrupted. */
static bool wait_for_room(struct change_queue *q, const struct change_block *b)
{
    enum fiber_result r = FIBER_WOKEN;
    while (r != FIBER_INTERRUPTED && b->generation == q->generation && !rlist_is_empty(&q->full) &&
           q->used + b->cap > q->max) {
        q->producer = fiber_self();
        os_mutex_unlock(&q->lock);
        r = fiber_park(FIBER_FOREVER);
        os_mutex_lock(&q->lock);
        q->producer = NULL;
    }
    return r != FIBER_INTERRUPTED;
}

bool change_queue_put(struct change_queue *q, struct change_block *b)
{
    os_mutex_lock(&q->lock);
    bool ok = true;
    if (b->generation == q->generation && merge(q, b)) {
        recycle(q, b);
    } else {
        ok = wait_for_room(q, b);
        if (ok && b->generation == q->generation) {
            q->used += b->cap;
            rlist_push(&q->full, &b->link);
        } else {
            recycle(q, b);
        }
    }
    wake(q->consumer);
    os_mutex_unlock(&q->lock);
    return ok;
}

bool change_queue_is_empty(struct change_queue *q)
{
    os_mutex_lock(&q->lock);
    const bool is_empty = rlist_is_empty(&q->full);
    os_mutex_unlock(&q->lock);
    return is_empty;
}

void change_queue_announce_loss(struct change_queue *q, uint64_t generation)
{
    enum fiber_result r = FIBER_WOKEN;
    os_mutex_lock(&q->lock);
    q->is_lost = q->generation == generation;
    wake(q->consumer);
    while (r != FIBER_INTERRUPTED && q->generation == generation) {
        q->producer = fiber_self();
        os_mutex_unlock(&q->lock);
        r = fiber_park(FIBER_FOREVER);
        os_mutex_lock(&q->lock);
        q->producer = NULL;
    }
    os_mutex_unlock(&q->lock);
}

void change_queue_end(struct change_queue *q, const struct diag *error)
{
    os_mutex_lock(&q->lock);
    q->has_ended = true;
    if (error != NULL && error->error != NULL) {
        (void)diag_set_text(&q->error, error->error->code, error->error->message);
    }
    wake(q->consumer);
    os_mutex_unlock(&q->lock);
}

/* What take() has to say now, or CHANGE_TAKE_TIMEOUT with *out_wait when that is nothing. With the
 * lock. */
static enum change_take take_now(struct change_queue *q, struct change_block **out, struct diag *d,
                                 bool *out_wait)
{
    struct rlist *node = rlist_shift(&q->full);
    *out_wait = false;
    if (node != NULL) {
        *out = RLIST_ENTRY(node, struct change_block, link);
        q->used -= (*out)->cap;
        wake(q->producer);
        return CHANGE_TAKE_BLOCK;
    }
    if (q->is_lost) {
        q->is_lost = false;
        return CHANGE_TAKE_RESTARTED;
    }
    if (q->has_ended) {
        if (q->error.error != NULL) {
            (void)diag_set_text(d, q->error.error->code, q->error.error->message);
        }
        return CHANGE_TAKE_ENDED;
    }
    *out_wait = !q->is_nudged;
    q->is_nudged = false;
    return CHANGE_TAKE_TIMEOUT;
}

enum change_take change_queue_take(struct change_queue *q, uint64_t deadline_us,
                                   struct change_block **out, struct diag *d)
{
    enum fiber_result r = FIBER_WOKEN;
    bool wait;
    *out = NULL;
    os_mutex_lock(&q->lock);
    enum change_take result = take_now(q, out, d, &wait);
    while (wait && r == FIBER_WOKEN) {
        q->consumer = fiber_self();
        os_mutex_unlock(&q->lock);
        r = fiber_park(deadline_us);
        os_mutex_lock(&q->lock);
        q->consumer = NULL;
        result = take_now(q, out, d, &wait);
    }
    os_mutex_unlock(&q->lock);
    if (result == CHANGE_TAKE_TIMEOUT && r == FIBER_INTERRUPTED) {
        (void)diag_set(d, ER_QUERY_INTERRUPTED);
        return CHANGE_TAKE_ENDED;
    }
    return result;
}

void change_queue_give_back(struct change_queue *q, struct change_block *b)
{
    os_mutex_lock(&q->lock);
    recycle(q, b);
    os_mutex_unlock(&q->lock);
}

void change_queue_nudge(struct change_queue *q)
{
    os_mutex_lock(&q->lock);
    q->is_nudged = true;
    wake(q->consumer);
    os_mutex_unlock(&q->lock);
}

uint64_t change_queue_restart(struct change_queue *q)
{
    struct rlist *node;
    os_mutex_lock(&q->lock);
    while ((node = rlist_shift(&q->full)) != NULL) {
        recycle(q, RLIST_ENTRY(node, struct change_block, link));
    }
    q->used = 0;
    q->is_lost = false;
    const uint64_t generation = ++q->generation;
    wake(q->producer);
    os_mutex_unlock(&q->lock);
    return generation;
}
