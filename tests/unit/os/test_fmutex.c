#include "os_test.h"

#include "os/fmutex.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIBERS = 8,
    TIMES = 2000,
};

struct scene {
    struct fmutex mutex;
    struct frwlock rwlock;
    unsigned counter; /* Not atomic: the lock protects it. */
    char order[32];
    size_t len;
};

static void scene_init(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    fmutex_init(&s->mutex);
    frwlock_init(&s->rwlock);
}

static void scene_release(struct scene *s)
{
    fmutex_release(&s->mutex);
    frwlock_release(&s->rwlock);
}

static void note(struct scene *s, char c)
{
    s->order[s->len++] = c;
}

/* Runs fn(scene) in FIBERS fibers on two threads. */
static void run_on_two_loops(fiber_fn *fn, struct scene *s)
{
    struct diag d;
    struct loops *loops;
    diag_init(&d);
    assert_int_equal(loops_start(2, &loops, &d), 0);
    for (unsigned i = 0; i < FIBERS; i++) {
        assert_int_equal(fiber_spawn(loops_next(loops), fn, s), 0);
    }
    assert_int_equal(loops_drain(loops, in_ms(120000)), 0);
    loops_stop(loops);
    diag_release(&d);
}

static void count_under_mutex(void *arg)
{
    struct scene *s = arg;
    for (unsigned i = 0; i < TIMES; i++) {
        check(fmutex_lock(&s->mutex, in_ms(60000)) == FIBER_WOKEN);
        const unsigned seen = s->counter;
        if (i % 16 == 0) {
            fiber_yield(); /* It may be held across a park. */
        }
        s->counter = seen + 1;
        fmutex_unlock(&s->mutex);
    }
}

static void test_mutex_excludes_across_threads(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_on_two_loops(count_under_mutex, &s);
    assert_int_equal(s.counter, FIBERS * TIMES);
    scene_release(&s);
}

static void count_under_rwlock(void *arg)
{
    struct scene *s = arg;
    for (unsigned i = 0; i < TIMES; i++) {
        if (i % 4 == 0) {
            check(frwlock_write(&s->rwlock, in_ms(60000)) == FIBER_WOKEN);
            const unsigned seen = s->counter;
            if (i % 16 == 0) {
                fiber_yield();
            }
            s->counter = seen + 1;
            frwlock_unlock_write(&s->rwlock);
        } else {
            check(frwlock_read(&s->rwlock, in_ms(60000)) == FIBER_WOKEN);
            const unsigned seen = s->counter;
            if (i % 16 == 1) {
                fiber_yield();
            }
            check(s->counter == seen);
            frwlock_unlock_read(&s->rwlock);
        }
    }
}

static void test_rwlock_excludes_across_threads(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_on_two_loops(count_under_rwlock, &s);
    assert_int_equal(s.counter, FIBERS * TIMES / 4);
    scene_release(&s);
}

struct waiter {
    struct scene *scene;
    char name;
};

static void lock_and_note(void *arg)
{
    const struct waiter *w = arg;
    check(fmutex_lock(&w->scene->mutex, FIBER_FOREVER) == FIBER_WOKEN);
    note(w->scene, w->name);
    fmutex_unlock(&w->scene->mutex);
}

static void first_come_first_served(void *arg)
{
    struct scene *s = arg;
    struct waiter w[5];
    check(fmutex_lock(&s->mutex, FIBER_FOREVER) == FIBER_WOKEN);
    for (unsigned i = 0; i < 5; i++) {
        w[i] = (struct waiter){.scene = s, .name = (char)('a' + i)};
        check(fiber_spawn(loop_self(), lock_and_note, &w[i]) == 0);
    }
    fiber_yield();
    fiber_yield();
    fmutex_unlock(&s->mutex);
    check(!fmutex_try_lock(&s->mutex)); /* Handed over already. */
    check(fmutex_lock(&s->mutex, FIBER_FOREVER) == FIBER_WOKEN);
    note(s, 'z');
    fmutex_unlock(&s->mutex);
    check(fmutex_try_lock(&s->mutex));
    fmutex_unlock(&s->mutex);
}

static void test_mutex_is_fair(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_in_fiber(first_come_first_served, &s);
    assert_string_equal(s.order, "abcdez");
    scene_release(&s);
}

static void lock_in_vain(void *arg)
{
    struct scene *s = arg;
    check(fmutex_lock(&s->mutex, in_ms(10)) == FIBER_TIMEOUT);
    note(s, 't');
    check(frwlock_read(&s->rwlock, in_ms(5)) == FIBER_TIMEOUT);
    check(frwlock_write(&s->rwlock, in_ms(5)) == FIBER_TIMEOUT);
    note(s, 't');
    check(fmutex_lock(&s->mutex, FIBER_FOREVER) == FIBER_INTERRUPTED);
    check(frwlock_read(&s->rwlock, FIBER_FOREVER) == FIBER_INTERRUPTED);
    check(frwlock_write(&s->rwlock, FIBER_FOREVER) == FIBER_INTERRUPTED);
    note(s, 'i');
}

static void hold_all(void *arg)
{
    struct scene *s = arg;
    check(fmutex_lock(&s->mutex, FIBER_FOREVER) == FIBER_WOKEN);
    check(frwlock_write(&s->rwlock, FIBER_FOREVER) == FIBER_WOKEN);
    struct fiber *f = fiber_spawn_ref(loop_self(), lock_in_vain, s);
    while (strlen(s->order) < 2) {
        check(fiber_sleep(5000) == FIBER_TIMEOUT);
    }
    fiber_interrupt(f, 1);
    fiber_join(f);
    fmutex_unlock(&s->mutex);
    frwlock_unlock_write(&s->rwlock);
}

static void test_waits_end_by_deadline_and_interrupt(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_in_fiber(hold_all, &s);
    assert_string_equal(s.order, "tti");
    scene_release(&s);
}

static void read_and_note(void *arg)
{
    const struct waiter *w = arg;
    check(frwlock_read(&w->scene->rwlock, FIBER_FOREVER) == FIBER_WOKEN);
    note(w->scene, w->name);
    frwlock_unlock_read(&w->scene->rwlock);
}

static void write_and_note(void *arg)
{
    const struct waiter *w = arg;
    check(frwlock_write(&w->scene->rwlock, FIBER_FOREVER) == FIBER_WOKEN);
    note(w->scene, w->name);
    frwlock_unlock_write(&w->scene->rwlock);
}

static void writer_first(void *arg)
{
    struct scene *s = arg;
    struct waiter r1 = {.scene = s, .name = 'r'};
    struct waiter w1 = {.scene = s, .name = 'w'};
    struct waiter r2 = {.scene = s, .name = 's'};
    check(frwlock_read(&s->rwlock, FIBER_FOREVER) == FIBER_WOKEN);
    fiber_join(fiber_spawn_ref(loop_self(), read_and_note, &r1)); /* Readers share. */
    struct fiber *w = fiber_spawn_ref(loop_self(), write_and_note, &w1);
    fiber_yield();
    struct fiber *r =
        fiber_spawn_ref(loop_self(), read_and_note, &r2); /* Waits behind the writer. */
    fiber_yield();
    fiber_yield();
    note(s, '|');
    frwlock_unlock_read(&s->rwlock);
    fiber_join(w);
    fiber_join(r);
}

static void test_waiting_writer_keeps_new_readers_out(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_in_fiber(writer_first, &s);
    assert_string_equal(s.order, "r|ws");
    scene_release(&s);
}

static void write_in_vain(void *arg)
{
    struct scene *s = arg;
    check(frwlock_write(&s->rwlock, in_ms(10)) == FIBER_TIMEOUT);
    note(s, 't');
}

static void writer_gives_up(void *arg)
{
    struct scene *s = arg;
    struct waiter r1 = {.scene = s, .name = 'r'};
    check(frwlock_read(&s->rwlock, FIBER_FOREVER) == FIBER_WOKEN);
    struct fiber *w = fiber_spawn_ref(loop_self(), write_in_vain, s);
    fiber_yield();
    struct fiber *r = fiber_spawn_ref(loop_self(), read_and_note, &r1);
    fiber_join(r); /* While we still hold it for reading. */
    fiber_join(w);
    frwlock_unlock_read(&s->rwlock);
}

static void test_writer_that_gives_up_lets_readers_in(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_in_fiber(writer_gives_up, &s);
    assert_string_equal(s.order, "tr");
    scene_release(&s);
}

static void downgrade(void *arg)
{
    struct scene *s = arg;
    struct waiter r1 = {.scene = s, .name = 'r'};
    check(frwlock_write(&s->rwlock, FIBER_FOREVER) == FIBER_WOKEN);
    struct fiber *r = fiber_spawn_ref(loop_self(), read_and_note, &r1);
    fiber_yield();
    fiber_yield();
    note(s, 'd');
    frwlock_downgrade(&s->rwlock);
    fiber_join(r);
    frwlock_unlock_read(&s->rwlock);
}

static void test_downgrade_lets_readers_in(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    run_in_fiber(downgrade, &s);
    assert_string_equal(s.order, "dr");
    scene_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutex_excludes_across_threads),
        cmocka_unit_test(test_rwlock_excludes_across_threads),
        cmocka_unit_test(test_mutex_is_fair),
        cmocka_unit_test(test_waits_end_by_deadline_and_interrupt),
        cmocka_unit_test(test_waiting_writer_keeps_new_readers_out),
        cmocka_unit_test(test_writer_that_gives_up_lets_readers_in),
        cmocka_unit_test(test_downgrade_lets_readers_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
