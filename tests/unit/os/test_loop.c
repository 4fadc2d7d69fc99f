#include "os_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POSTS = 20000,
    POSTERS = 3,
};

static struct loops *loops;
static struct diag diag;

static int start_two(void **state)
{
    (void)state;
    diag_init(&diag);
    return loops_start(2, &loops, &diag);
}

static int stop(void **state)
{
    (void)state;
    loops_stop(loops);
    diag_release(&diag);
    return 0;
}

/* Numbers arrive from several threads; each thread's must come in its order. */
struct arrivals {
    atomic_uint count;
    unsigned last[POSTERS];
};

struct numbered {
    struct arrivals *arrivals;
    unsigned poster;
    unsigned n;
};

struct poster {
    struct arrivals *arrivals;
    unsigned me;
    struct numbered numbers[POSTS];
};

static void arrive(void *arg)
{
    const struct numbered *n = arg;
    check(n->arrivals->last[n->poster] + 1 == n->n);
    n->arrivals->last[n->poster] = n->n;
    atomic_fetch_add(&n->arrivals->count, 1);
}

static void *post_numbers(void *arg)
{
    struct poster *p = arg;
    for (unsigned i = 0; i < POSTS; i++) {
        p->numbers[i] = (struct numbered){.arrivals = p->arrivals, .poster = p->me, .n = i + 1};
        loop_post(loops_get(loops, 0), arrive, &p->numbers[i]);
    }
    return NULL;
}

static void test_posts_arrive_once_and_in_order(void **state)
{
    (void)state;
    struct arrivals arrivals = {.count = 0};
    struct poster *posters = calloc(POSTERS, sizeof(*posters));
    pthread_t threads[POSTERS];
    assert_non_null(posters);
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i].arrivals = &arrivals;
        posters[i].me = i;
        assert_int_equal(pthread_create(&threads[i], NULL, post_numbers, &posters[i]), 0);
    }
    for (unsigned i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    const uint64_t deadline = in_ms(30000);
    while (atomic_load(&arrivals.count) < POSTS * POSTERS && clock_monotonic_us() < deadline) {
        (void)sched_yield();
    }
    assert_int_equal(arrivals.count, POSTS * POSTERS);
    free(posters);
}

static void note_place(void *arg)
{
    atomic_int *place = arg;
    check(loop_self() == loops_get(loops, 1));
    check(fiber_self() == NULL);
    atomic_store(place, (int)loop_index(loop_self()) + 100);
}

static void post_to_self(void *arg)
{
    atomic_int *place = arg;
    loop_post(loop_self(), note_place, place);
    check(atomic_load(place) == 0); /* Not before the poster gave up the thread. */
    fiber_yield();
    check(atomic_load(place) == 101);
}

static void test_post_from_the_loop_itself_runs_later(void **state)
{
    (void)state;
    atomic_int place = 0;
    fiber_join(fiber_spawn_ref(loops_get(loops, 1), post_to_self, &place));
    assert_int_equal(place, 101);
}

static void wait_for_stop(void *arg)
{
    atomic_int *stopped = arg;
    check(fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED);
    check(fiber_interrupted() == 4);
    atomic_fetch_add(stopped, 1);
}

static void test_drain_waits_for_all_fibers(void **state)
{
    (void)state;
    atomic_int stopped = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(fiber_spawn(loops_next(loops), wait_for_stop, &stopped), 0);
    }
    assert_int_equal(loops_drain(loops, in_ms(20)), -1);
    assert_int_equal(loops_fiber_count(loops), 10);
    loops_interrupt_all(loops, 4);
    assert_int_equal(loops_drain(loops, in_ms(30000)), 0);
    assert_int_equal(stopped, 10);
    assert_int_equal(loops_fiber_count(loops), 0);
}

static void wait_for_ever(void *arg)
{
    (void)arg;
    (void)fiber_sleep(FIBER_FOREVER);
    abort();
}

static void test_stop_abandons_parked_fibers(void **state)
{
    (void)state;
    struct loops *others;
    assert_int_equal(loops_start(1, &others, &diag), 0);
    assert_int_equal(fiber_spawn(loops_get(others, 0), wait_for_ever, NULL), 0);
    assert_int_equal(loops_drain(others, in_ms(10)), -1);
    loops_stop(others);
}

static void test_next_spreads_over_the_loops(void **state)
{
    (void)state;
    unsigned counts[2] = {0, 0};
    for (unsigned i = 0; i < 10; i++) {
        counts[loop_index(loops_next(loops))]++;
    }
    assert_int_equal(loops_count(loops), 2);
    assert_int_equal(counts[0], 5);
    assert_int_equal(counts[1], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_posts_arrive_once_and_in_order, start_two, stop),
        cmocka_unit_test_setup_teardown(test_post_from_the_loop_itself_runs_later, start_two, stop),
        cmocka_unit_test_setup_teardown(test_drain_waits_for_all_fibers, start_two, stop),
        cmocka_unit_test_setup_teardown(test_stop_abandons_parked_fibers, start_two, stop),
        cmocka_unit_test_setup_teardown(test_next_spreads_over_the_loops, start_two, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
