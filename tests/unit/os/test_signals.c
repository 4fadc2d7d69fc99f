#include "os_test.h"

#include "os/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct seen {
    atomic_int stops;
    atomic_int reloads;
    atomic_int last;
};

static void on_stop(void *arg, int signum)
{
    struct seen *s = arg;
    check(loop_self() && loop_index(loop_self()) == 0);
    atomic_store(&s->last, signum);
    atomic_fetch_add(&s->stops, 1);
}

static void on_reload(void *arg)
{
    struct seen *s = arg;
    atomic_fetch_add(&s->reloads, 1);
}

static void wait_for(atomic_int *value, int wanted)
{
    const uint64_t deadline = in_ms(30000);
    while (atomic_load(value) < wanted && clock_monotonic_us() < deadline) {
        (void)usleep(1000);
    }
    assert_int_equal(atomic_load(value), wanted);
}

static void test_signals_become_calls_on_loop_0(void **state)
{
    (void)state;
    struct diag d;
    struct loops *loops;
    struct seen seen = {.stops = 0};
    const struct signals_handlers handlers = {
        .on_stop = on_stop, .on_reload = on_reload, .arg = &seen};
    diag_init(&d);
    assert_int_equal(loops_start(2, &loops, &d), 0);
    assert_int_equal(signals_start(loops_get(loops, 0), &handlers, &d), 0);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    wait_for(&seen.reloads, 1);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    wait_for(&seen.stops, 1);
    assert_int_equal(seen.last, SIGTERM);
    assert_int_equal(kill(getpid(), SIGINT), 0);
    wait_for(&seen.stops, 2);
    assert_int_equal(seen.last, SIGINT);
    signals_stop();
    signals_stop();
    loops_stop(loops);
    diag_release(&d);
}

static void test_broken_pipe_is_an_error_not_a_signal(void **state)
{
    (void)state;
    int fd[2];
    signals_init();
    assert_int_equal(pipe(fd), 0);
    (void)close(fd[0]);
    assert_int_equal(write(fd[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    (void)close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_become_calls_on_loop_0),
        cmocka_unit_test(test_broken_pipe_is_an_error_not_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
