/* The source's queue: order, bounds, nudges, restarts, the end. */
#include "../net/net_test.h"
#include "change/source_int.h"

enum {
    BLOCK = 4096,
    ROOM = 4 * BLOCK,
};

static struct change_queue q;
static struct diag d;

static void put(uint64_t generation, char c, size_t len)
{
    char *event = malloc(len);
    CHECK(event != NULL);
    memset(event, c, len);
    struct change_block *b = change_queue_new_block(&q, generation, len);
    CHECK(b != NULL && change_block_has_room(b, len));
    change_block_add(b, str_from(event, len));
    CHECK(change_queue_put(&q, b));
    free(event);
}

static enum change_take take(struct change_block **out, uint64_t ms)
{
    return change_queue_take(&q, ms == 0 ? 0 : in_ms(ms), out, &d);
}

/* Takes a block whose events begin with these characters. */
static void expect(const char *events)
{
    struct change_block *b;
    struct str event;
    CHECK(take(&b, 20000) == CHANGE_TAKE_BLOCK);
    CHECK(b->count == strlen(events));
    for (; *events != '\0'; events++) {
        CHECK(change_block_next(b, &event) && event.p[0] == *events);
    }
    CHECK(!change_block_next(b, &event));
    change_queue_give_back(&q, b);
}

static void in_fiber(void (*fn)(void *))
{
    change_queue_init(&q, ROOM, BLOCK);
    diag_init(&d);
    CHECK(fiber_run(fn, NULL) == 0);
    diag_release(&d);
    change_queue_release(&q);
}

static void small_blocks(void *arg)
{
    (void)arg;
    struct change_block *b;
    CHECK(change_queue_is_empty(&q));
    CHECK(take(&b, 0) == CHANGE_TAKE_TIMEOUT);
    put(1, 'a', 10);
    expect("a");
    for (int i = 0; i < 1000; i++) {
        put(1, 'x', 1); /* More blocks than would fit, each with its memory. */
    }
    size_t count = 0;
    while (take(&b, 0) == CHANGE_TAKE_BLOCK) {
        count += b->count;
        change_queue_give_back(&q, b);
    }
    CHECK(count == 1000 && change_queue_is_empty(&q));
}

static void test_small_blocks_share_memory(void **state)
{
    (void)state;
    in_fiber(small_blocks);
}

static void fill(void *arg)
{
    for (char c = 'a'; c <= 'z'; c++) {
        put(1, c, BLOCK - 4);
        (*(unsigned *)arg)++;
    }
    put(1, 'L', 10 * BLOCK); /* Larger than the whole queue. */
}

static void bounds(void *arg)
{
    (void)arg;
    unsigned done = 0;
    char event[2] = "a";
    struct fiber *f = fiber_spawn_ref(loop_self(), fill, &done);
    (void)fiber_sleep(10000);
    CHECK(done == ROOM / BLOCK);
    for (; event[0] <= 'z'; event[0]++) {
        expect(event);
    }
    expect("L");
    fiber_join(f);
}

static void test_writer_waits_for_room(void **state)
{
    (void)state;
    in_fiber(bounds);
}

static void nudge_later(void *arg)
{
    (void)arg;
    (void)fiber_sleep(5000);
    change_queue_nudge(&q);
}

static void nudges(void *arg)
{
    (void)arg;
    struct change_block *b;
    change_queue_nudge(&q);
    CHECK(take(&b, 60000) == CHANGE_TAKE_TIMEOUT);
    struct fiber *f = fiber_spawn_ref(loop_self(), nudge_later, NULL);
    CHECK(change_queue_take(&q, FIBER_FOREVER, &b, &d) == CHANGE_TAKE_TIMEOUT);
    fiber_join(f);
    CHECK(take(&b, 1) == CHANGE_TAKE_TIMEOUT);
}

static void test_nudge_ends_a_wait(void **state)
{
    (void)state;
    in_fiber(nudges);
}

static void lose(void *arg)
{
    put(1, 'a', 10);
    change_queue_announce_loss(&q, 1);
    put(1, 'o', 10); /* Of the old connection still. */
    put(2, 'n', 10);
    *(bool *)arg = true;
}

static void loss(void *arg)
{
    (void)arg;
    struct change_block *b;
    bool done = false;
    struct fiber *f = fiber_spawn_ref(loop_self(), lose, &done);
    expect("a");
    CHECK(take(&b, 20000) == CHANGE_TAKE_RESTARTED);
    CHECK(take(&b, 5) == CHANGE_TAKE_TIMEOUT && !done);
    CHECK(change_queue_restart(&q) == 2);
    expect("n");
    fiber_join(f);
    put(2, 'x', 10);
    CHECK(change_queue_restart(&q) == 3); /* By the consumer itself: what is there is dropped. */
    put(3, 'y', 10);
    expect("y");
}

static void test_restart_drops_what_is_old(void **state)
{
    (void)state;
    in_fiber(loss);
}

static void end(void *arg)
{
    (void)arg;
    struct change_block *b;
    struct diag why;
    diag_init(&why);
    (void)diag_set(&why, ER_REPLICA_FATAL_ERROR, "gone");
    put(1, 'a', 10);
    change_queue_end(&q, &why);
    diag_release(&why);
    expect("a");
    CHECK(take(&b, 20000) == CHANGE_TAKE_ENDED);
    CHECK(d.error != NULL && str_eq(d.error->message, STR("Fatal error: gone")));
    CHECK(take(&b, 20000) == CHANGE_TAKE_ENDED);
}

static void test_end_comes_after_the_blocks(void **state)
{
    (void)state;
    in_fiber(end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_blocks_share_memory),
        cmocka_unit_test(test_writer_waits_for_room),
        cmocka_unit_test(test_nudge_ends_a_wait),
        cmocka_unit_test(test_restart_drops_what_is_old),
        cmocka_unit_test(test_end_comes_after_the_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
