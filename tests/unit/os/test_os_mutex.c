#include "os_test.h"

#include "os/os_mutex.h"

#include <pthread.h>

static void test_held_locks_are_counted(void **state)
{
    (void)state;
    struct os_mutex m;
    struct os_rwlock l;
    os_mutex_init(&m);
    os_rwlock_init(&l);
    assert_int_equal(os_locks_held(), 0);
    os_mutex_lock(&m);
    os_rwlock_read(&l);
    assert_int_equal(os_locks_held(), 2);
    os_rwlock_unlock(&l);
    os_rwlock_write(&l);
    os_rwlock_unlock(&l);
    os_mutex_unlock(&m);
    assert_int_equal(os_locks_held(), 0);
    os_mutex_release(&m);
    os_rwlock_release(&l);
}

struct baton {
    struct os_mutex lock;
    struct os_cond changed;
    bool passed;
};

static void *pass(void *arg)
{
    struct baton *b = arg;
    os_mutex_lock(&b->lock);
    b->passed = true;
    os_cond_signal(&b->changed);
    os_mutex_unlock(&b->lock);
    return NULL;
}

static void test_condition_wakes_a_waiter(void **state)
{
    (void)state;
    struct baton b = {.passed = false};
    pthread_t thread;
    os_mutex_init(&b.lock);
    os_cond_init(&b.changed);
    os_mutex_lock(&b.lock);
    assert_int_equal(pthread_create(&thread, NULL, pass, &b), 0);
    while (!b.passed) {
        assert_true(os_cond_wait_until(&b.changed, &b.lock, in_ms(30000)));
    }
    os_mutex_unlock(&b.lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    os_cond_release(&b.changed);
    os_mutex_release(&b.lock);
}

static void test_condition_wait_times_out(void **state)
{
    (void)state;
    struct baton b = {.passed = false};
    os_mutex_init(&b.lock);
    os_cond_init(&b.changed);
    os_mutex_lock(&b.lock);
    const uint64_t deadline = in_ms(10);
    while (os_cond_wait_until(&b.changed, &b.lock, deadline)) {
    }
    assert_true(clock_monotonic_us() >= deadline);
    os_mutex_unlock(&b.lock);
    os_cond_release(&b.changed);
    os_mutex_release(&b.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_locks_are_counted),
        cmocka_unit_test(test_condition_wakes_a_waiter),
        cmocka_unit_test(test_condition_wait_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
