#include "os_test.h"

#include "os/fmutex.h"
#include "os/offload.h"
#include "os/os_mutex.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int start(void **state)
{
    (void)state;
    const struct offload_config config = {
        .threads = {[OFFLOAD_QUERY] = 2, [OFFLOAD_WRITE] = 1, [OFFLOAD_CONTROL] = 1}};
    offload_start(&config);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    offload_stop();
    return 0;
}

static void note_thread(void *arg)
{
    check(fiber_self() == NULL);
    *(pthread_t *)arg = pthread_self();
}

static void run_elsewhere(void *arg)
{
    (void)arg;
    pthread_t thread = pthread_self();
    check(offload_run(OFFLOAD_QUERY, note_thread, &thread) == OFFLOAD_DONE);
    check(!pthread_equal(thread, pthread_self()));
}

static void test_function_runs_on_another_thread(void **state)
{
    (void)state;
    run_in_fiber(run_elsewhere, NULL);
}

static void test_bare_thread_runs_it_itself(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(offload_run(OFFLOAD_QUERY, note_thread, &thread), OFFLOAD_DONE);
    assert_true(pthread_equal(thread, pthread_self()));
}

static void use_deep_stack(void *arg)
{
    char big[2 * 1024 * 1024];
    memset(big, 1, sizeof(big));
    *(int *)arg = big[sizeof(big) / 2];
}

static void run_deep(void *arg)
{
    int result = 0;
    check(offload_run(OFFLOAD_FILE, use_deep_stack, &result) == OFFLOAD_DONE);
    check(result == 1);
    (void)arg;
}

static void test_threads_have_full_size_stacks(void **state)
{
    (void)state;
    run_in_fiber(run_deep, NULL);
}

/* Holds pool threads until told to go on. */
struct gate {
    struct os_mutex lock;
    struct os_cond changed;
    unsigned inside;
    bool open;
    unsigned order[16];
    unsigned ran;
};

static void gate_init(struct gate *g)
{
    *g = (struct gate){.inside = 0};
    os_mutex_init(&g->lock);
    os_cond_init(&g->changed);
}

static void gate_open(struct gate *g)
{
    os_mutex_lock(&g->lock);
    g->open = true;
    os_cond_broadcast(&g->changed);
    os_mutex_unlock(&g->lock);
}

static void gate_release(struct gate *g)
{
    os_cond_release(&g->changed);
    os_mutex_release(&g->lock);
}

static void pass_gate(void *arg)
{
    struct gate *g = arg;
    os_mutex_lock(&g->lock);
    g->inside++;
    while (!g->open) {
        os_cond_wait(&g->changed, &g->lock);
    }
    os_mutex_unlock(&g->lock);
}

static void offload_gate(void *arg)
{
    check(offload_run(OFFLOAD_QUERY, pass_gate, arg) == OFFLOAD_DONE);
}

static void wait_inside(struct gate *g, unsigned count)
{
    unsigned inside;
    do {
        check(fiber_sleep(1000) == FIBER_TIMEOUT);
        os_mutex_lock(&g->lock);
        inside = g->inside;
        os_mutex_unlock(&g->lock);
    } while (inside < count);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void control_while_full(void *arg)
{
    (void)arg;
    struct gate gate;
    struct fiber *f[5];
    gate_init(&gate);
    for (unsigned i = 0; i < 5; i++) {
        f[i] = fiber_spawn_ref(loop_self(), offload_gate, &gate);
    }
    wait_inside(&gate, 2);
    check(offload_running(OFFLOAD_QUERY) == 2);
    check(offload_queued(OFFLOAD_QUERY) == 3);
    check(offload_run(OFFLOAD_CONTROL, nothing, NULL) == OFFLOAD_DONE);
    check(offload_run(OFFLOAD_WRITE, nothing, NULL) == OFFLOAD_DONE);
    gate_open(&gate);
    for (unsigned i = 0; i < 5; i++) {
        fiber_join(f[i]);
    }
    check(gate.inside == 5);
    check(offload_queued(OFFLOAD_QUERY) == 0);
    gate_release(&gate);
}

static void test_control_never_waits_behind_queries(void **state)
{
    (void)state;
    run_in_fiber(control_while_full, NULL);
}

struct turn {
    struct gate *gate;
    unsigned me;
};

static void take_turn(void *arg)
{
    const struct turn *t = arg;
    os_mutex_lock(&t->gate->lock);
    t->gate->order[t->gate->ran++] = t->me;
    os_mutex_unlock(&t->gate->lock);
}

static void offload_turn(void *arg)
{
    check(offload_run(OFFLOAD_WRITE, take_turn, arg) == OFFLOAD_DONE);
}

static void offload_write_gate(void *arg)
{
    check(offload_run(OFFLOAD_WRITE, pass_gate, arg) == OFFLOAD_DONE);
}

static void queue_in_order(void *arg)
{
    (void)arg;
    struct gate gate;
    struct turn turns[10];
    struct fiber *f[11];
    gate_init(&gate);
    f[10] = fiber_spawn_ref(loop_self(), offload_write_gate, &gate);
    wait_inside(&gate, 1);
    for (unsigned i = 0; i < 10; i++) {
        turns[i] = (struct turn){.gate = &gate, .me = i};
        f[i] = fiber_spawn_ref(loop_self(), offload_turn, &turns[i]);
    }
    fiber_yield();
    gate_open(&gate);
    for (unsigned i = 0; i < 11; i++) {
        fiber_join(f[i]);
    }
    for (unsigned i = 0; i < 10; i++) {
        check(gate.order[i] == i);
    }
    gate_release(&gate);
}

static void test_queue_is_first_in_first_out(void **state)
{
    (void)state;
    run_in_fiber(queue_in_order, NULL);
}

static void never_run(void *arg)
{
    (void)arg;
    abort();
}

static void offload_interrupted(void *arg)
{
    (void)arg;
    check(offload_run(OFFLOAD_WRITE, never_run, NULL) == OFFLOAD_INTERRUPTED);
}

static void interrupt_queued(void *arg)
{
    (void)arg;
    struct gate gate;
    gate_init(&gate);
    struct fiber *first = fiber_spawn_ref(loop_self(), offload_write_gate, &gate);
    wait_inside(&gate, 1);
    struct fiber *second = fiber_spawn_ref(loop_self(), offload_interrupted, NULL);
    check(fiber_sleep(2000) == FIBER_TIMEOUT);
    check(offload_queued(OFFLOAD_WRITE) == 1);
    fiber_interrupt(second, 1);
    fiber_join(second);
    check(offload_queued(OFFLOAD_WRITE) == 0);
    gate_open(&gate);
    fiber_join(first);
    gate_release(&gate);
}

static void test_interrupt_removes_a_queued_function(void **state)
{
    (void)state;
    run_in_fiber(interrupt_queued, NULL);
}

static void interrupt_running(void *arg)
{
    (void)arg;
    struct gate gate;
    gate_init(&gate);
    struct fiber *f = fiber_spawn_ref(loop_self(), offload_write_gate, &gate);
    wait_inside(&gate, 1);
    fiber_interrupt(f, 1);
    check(fiber_sleep(5000) ==
          FIBER_TIMEOUT); /* offload_write_gate() checks that it is not given up. */
    gate_open(&gate);
    fiber_join(f);
    gate_release(&gate);
}

static void test_running_function_is_waited_for(void **state)
{
    (void)state;
    run_in_fiber(interrupt_running, NULL);
}

static void always_although_interrupted(void *arg)
{
    (void)arg;
    pthread_t thread = pthread_self();
    fiber_interrupt(fiber_self(), 1);
    offload_run_always(OFFLOAD_CONTROL, note_thread, &thread);
    check(!pthread_equal(thread, pthread_self()));
    check(fiber_interrupted() == 1);
}

static void test_clean_up_runs_although_interrupted(void **state)
{
    (void)state;
    run_in_fiber(always_although_interrupted, NULL);
}

static void open_gate(void *arg)
{
    gate_open(arg);
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

/* The function waits in the queue for a gate that opens when it is said to be late. */
static void late_but_always(void *arg)
{
    (void)arg;
    struct gate gate;
    bool has_run = false;
    const struct offload_late late = {
        .after_us = 1000, .fn = open_gate, .arg = &gate, .always = true};
    gate_init(&gate);
    struct fiber *first = fiber_spawn_ref(loop_self(), offload_write_gate, &gate);
    wait_inside(&gate, 1);
    fiber_interrupt(fiber_self(), 1);
    check(offload_run_late(OFFLOAD_WRITE, set_flag, &has_run, &late) == OFFLOAD_DONE);
    check(has_run && fiber_interrupted() == 1);
    fiber_clear_interrupt(1);
    fiber_join(first);
    gate_release(&gate);
}

static void test_what_always_runs_is_said_to_be_late(void **state)
{
    (void)state;
    run_in_fiber(late_but_always, NULL);
}

static void add_one(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void offload_often(void *arg)
{
    for (unsigned i = 0; i < 500; i++) {
        check(offload_run(OFFLOAD_QUERY, add_one, arg) == OFFLOAD_DONE);
    }
}

static void test_many_fibers_of_many_loops(void **state)
{
    (void)state;
    struct diag d;
    struct loops *loops;
    atomic_uint count = 0;
    diag_init(&d);
    assert_int_equal(loops_start(2, &loops, &d), 0);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(fiber_spawn(loops_next(loops), offload_often, &count), 0);
    }
    assert_int_equal(loops_drain(loops, in_ms(60000)), 0);
    assert_int_equal(count, 20 * 500);
    loops_stop(loops);
    diag_release(&d);
}

/* Fibers of two loops that compete for a lock and few threads while another thread interrupts them.
 */
enum {
    VICTIMS = 16,
    VICTIM_ROUNDS = 300,
};

struct contest {
    struct fmutex mutex;
    unsigned inside; /* Under mutex. */
    atomic_uint done;
    atomic_uint given_up;
    atomic_uint living;
    struct fiber *victims[VICTIMS];
};

static void enter_and_leave(void *arg)
{
    struct contest *c = arg;
    check(c->inside == 0); /* The mutex is held by the fiber that waits for us. */
    c->inside++;
    (void)sched_yield();
    c->inside--;
}

static void suffer(void *arg)
{
    struct contest *c = arg;
    for (unsigned i = 0; i < VICTIM_ROUNDS; i++) {
        bool ok = fmutex_lock(&c->mutex, in_ms(60000)) == FIBER_WOKEN;
        if (ok) {
            ok = offload_run(OFFLOAD_WRITE, enter_and_leave, c) == OFFLOAD_DONE;
            fmutex_unlock(&c->mutex);
        }
        ok = ok && offload_run(OFFLOAD_QUERY, nothing, NULL) == OFFLOAD_DONE;
        atomic_fetch_add(ok ? &c->done : &c->given_up, 1);
        fiber_clear_interrupt(1);
    }
    atomic_fetch_sub(&c->living, 1);
}

static void test_interrupts_at_any_moment(void **state)
{
    (void)state;
    struct diag d;
    struct loops *loops;
    struct contest c = {.living = VICTIMS};
    fmutex_init(&c.mutex);
    diag_init(&d);
    assert_int_equal(loops_start(2, &loops, &d), 0);
    for (unsigned i = 0; i < VICTIMS; i++) {
        c.victims[i] = fiber_spawn_ref(loops_next(loops), suffer, &c);
    }
    for (unsigned i = 0; atomic_load(&c.living); i++) {
        fiber_interrupt(c.victims[i * 7 % VICTIMS], 1);
        if (i % 64 == 0) {
            (void)usleep(50);
        }
    }
    for (unsigned i = 0; i < VICTIMS; i++) {
        fiber_join(c.victims[i]);
    }
    assert_int_equal(c.done + c.given_up, VICTIMS * VICTIM_ROUNDS);
    assert_int_equal(offload_queued(OFFLOAD_QUERY), 0);
    assert_int_equal(offload_queued(OFFLOAD_WRITE), 0);
    assert_int_equal(offload_running(OFFLOAD_WRITE), 0);
    loops_stop(loops);
    diag_release(&d);
    fmutex_release(&c.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_function_runs_on_another_thread, start, stop),
        cmocka_unit_test_setup_teardown(test_bare_thread_runs_it_itself, start, stop),
        cmocka_unit_test_setup_teardown(test_threads_have_full_size_stacks, start, stop),
        cmocka_unit_test_setup_teardown(test_control_never_waits_behind_queries, start, stop),
        cmocka_unit_test_setup_teardown(test_queue_is_first_in_first_out, start, stop),
        cmocka_unit_test_setup_teardown(test_interrupt_removes_a_queued_function, start, stop),
        cmocka_unit_test_setup_teardown(test_running_function_is_waited_for, start, stop),
        cmocka_unit_test_setup_teardown(test_clean_up_runs_although_interrupted, start, stop),
        cmocka_unit_test_setup_teardown(test_what_always_runs_is_said_to_be_late, start, stop),
        cmocka_unit_test_setup_teardown(test_many_fibers_of_many_loops, start, stop),
        cmocka_unit_test_setup_teardown(test_interrupts_at_any_moment, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
