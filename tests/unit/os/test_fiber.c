#include "os_test.h"

#include "os/os_int.h"
#include "os/os_mutex.h"
#include "os/rlimit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Sanitizers keep memory of their own for each fiber. */
#if !defined(WITH_ASAN) && !defined(WITH_TSAN)
#define MEASURE_MEMORY
#endif

enum {
    KILL_QUERY = 1u << 0,
    KILL_CONNECTION = 1u << 1,
};

/* ---- running ---- */

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static void test_fiber_runs_to_its_end(void **state)
{
    (void)state;
    bool ran = false;
    run_in_fiber(set_flag, &ran);
    assert_true(ran);
}

static void no_fiber_here(void *arg)
{
    (void)arg;
    check(fiber_self());
    check(fiber_loop(fiber_self()) == loop_self());
}

static void test_self_is_known_only_inside(void **state)
{
    (void)state;
    assert_null(fiber_self());
    assert_null(fiber_local());
    assert_int_equal(fiber_interrupted(), 0);
    run_in_fiber(no_fiber_here, NULL);
}

struct letters {
    char text[64];
    size_t len;
};

struct speaker {
    struct letters *out;
    char letter;
};

static void speak_three_times(void *arg)
{
    const struct speaker *s = arg;
    for (int i = 0; i < 3; i++) {
        s->out->text[s->out->len++] = s->letter;
        fiber_yield();
    }
}

static void interleave(void *arg)
{
    struct speaker speakers[2] = {{.out = arg, .letter = 'a'}, {.out = arg, .letter = 'b'}};
    struct fiber *a = fiber_spawn_ref(loop_self(), speak_three_times, &speakers[0]);
    struct fiber *b = fiber_spawn_ref(loop_self(), speak_three_times, &speakers[1]);
    fiber_join(a);
    fiber_join(b);
}

static void test_yield_lets_others_go_first(void **state)
{
    (void)state;
    struct letters out = {.len = 0};
    run_in_fiber(interleave, &out);
    assert_string_equal(out.text, "ababab");
}

static void keep_registers(void *arg)
{
    volatile double *result = arg;
    double x = 1.5;
    int a = 1;
    int b = 2;
    int c = 3;
    int d = 4;
    for (int i = 0; i < 1000; i++) {
        fiber_yield();
        x = x * 1.0 + (a + b + c + d == 10 ? 1.0 : 1000.0);
    }
    *result = x;
}

static void three_with_registers(void *arg)
{
    double results[3];
    struct fiber *f[3];
    for (int i = 0; i < 3; i++) {
        f[i] = fiber_spawn_ref(loop_self(), keep_registers, &results[i]);
    }
    for (int i = 0; i < 3; i++) {
        fiber_join(f[i]);
        check(results[i] == 1001.5);
    }
    (void)arg;
}

static void test_registers_survive_switches(void **state)
{
    (void)state;
    run_in_fiber(three_with_registers, NULL);
}

static void fill_stack(void *arg)
{
    size_t *left = arg;
    char buffer[100 * 1024];
    memset(buffer, 7, sizeof(buffer));
    fiber_yield();
    for (size_t i = 0; i < sizeof(buffer); i++) {
        check(buffer[i] == 7);
    }
    *left = fiber_stack_left();
}

static void test_stack_has_its_size(void **state)
{
    (void)state;
    size_t left = 0;
    run_in_fiber(fill_stack, &left);
    assert_true(left > 64 * 1024);
    assert_true(left < 1024 * 1024);
    assert_true(fiber_stack_left() == SIZE_MAX);
}

/* ---- local, references, joining ---- */

static void check_local(void *arg)
{
    check(fiber_local() == NULL);
    fiber_set_local(arg);
    fiber_yield();
    check(fiber_local() == arg);
}

static void two_locals(void *arg)
{
    (void)arg;
    int x;
    int y;
    struct fiber *a = fiber_spawn_ref(loop_self(), check_local, &x);
    struct fiber *b = fiber_spawn_ref(loop_self(), check_local, &y);
    fiber_join(a);
    fiber_join(b);
}

static void test_local_belongs_to_one_fiber(void **state)
{
    (void)state;
    run_in_fiber(two_locals, NULL);
}

/* Ranges that are fetched: some freed, one of a page that is gone, none. */
static void set_ranges(void *arg)
{
    void *freed = malloc(1000);
    void *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(gone != MAP_FAILED);
    for (unsigned i = 0; i < FIBER_HOT_MAX; i++) {
        fiber_set_hot(i, freed, 1000);
    }
    fiber_set_hot(0, gone, 4096);
    fiber_set_hot(1, NULL, 1);
    free(freed);
    check(munmap(gone, 4096) == 0);
    for (int i = 0; i < 10; i++) {
        fiber_yield();
    }
    (*(int *)arg)++;
}

static void spawn_three_with_ranges(void *arg)
{
    for (int i = 0; i < 3; i++) {
        check(fiber_spawn(loop_self(), set_ranges, arg) == 0);
    }
}

static void test_hot_memory_need_not_exist(void **state)
{
    (void)state;
    int ended = 0;
    run_in_fiber(spawn_three_with_ranges, &ended);
    assert_int_equal(ended, 3);
}

static void return_at_once(void *arg)
{
    (void)arg;
}

static void join_ended(void *arg)
{
    (void)arg;
    struct fiber *f = fiber_spawn_ref(loop_self(), return_at_once, NULL);
    check(fiber_sleep(2000) == FIBER_TIMEOUT);
    fiber_wake(f); /* No-op on an ended fiber. */
    fiber_interrupt(f, KILL_QUERY);
    fiber_join(f);
}

static void test_join_of_an_ended_fiber_returns(void **state)
{
    (void)state;
    run_in_fiber(join_ended, NULL);
}

static void sleep_a_little(void *arg)
{
    check(fiber_sleep(20000) == FIBER_TIMEOUT);
    *(atomic_int *)arg += 1;
}

static void test_join_blocks_a_bare_thread(void **state)
{
    (void)state;
    struct diag d;
    struct loops *loops;
    diag_init(&d);
    assert_int_equal(loops_start(2, &loops, &d), 0);
    atomic_int count = 0;
    struct fiber *a = fiber_spawn_ref(loops_get(loops, 0), sleep_a_little, &count);
    struct fiber *b = fiber_spawn_ref(loops_get(loops, 1), sleep_a_little, &count);
    fiber_join(a);
    fiber_join(b);
    assert_int_equal(count, 2);
    loops_stop(loops);
    diag_release(&d);
}

/* ---- waking ---- */

static void token_first(void *arg)
{
    (void)arg;
    fiber_wake(fiber_self());
    fiber_wake(fiber_self());
    check(fiber_park(FIBER_FOREVER) == FIBER_WOKEN);
    check(fiber_park(clock_monotonic_us() + 1000) == FIBER_TIMEOUT); /* One token, not two. */
}

static void test_wake_before_park_is_not_lost(void **state)
{
    (void)state;
    run_in_fiber(token_first, NULL);
}

static void take_only_a_token(void *arg)
{
    (void)arg;
    check(fiber_park(0) == FIBER_TIMEOUT);
    fiber_wake(fiber_self());
    check(fiber_park(0) == FIBER_WOKEN);
}

static void test_park_with_a_past_deadline_does_not_wait(void **state)
{
    (void)state;
    run_in_fiber(take_only_a_token, NULL);
}

static void time_out_in_order(void *arg)
{
    (void)arg;
    const uint64_t start = clock_monotonic_us();
    check(fiber_park(start + 30000) == FIBER_TIMEOUT);
    const uint64_t passed = clock_monotonic_us() - start;
    check(passed >= 30000);
    /* A later deadline, then an earlier one: the timer kept for the former must not delay the
     * latter. */
    fiber_wake(fiber_self());
    check(fiber_park(in_ms(60000)) == FIBER_WOKEN);
    check(fiber_park(in_ms(10)) == FIBER_TIMEOUT);
    check(clock_monotonic_us() - start < 5000000);
}

static void test_park_ends_at_its_deadline(void **state)
{
    (void)state;
    run_in_fiber(time_out_in_order, NULL);
}

enum {
    NAPS = 100,
};

static void work_shortly(void *arg)
{
    (void)arg;
    const uint64_t until = clock_monotonic_us() + 200;
    while (clock_monotonic_us() < until) {
    }
}

/* Deadlines that pass while another fiber works, before the loop has set its timer. The long sleeps
 * keep the loop from looking for events before it waits. */
static void sleep_shortly(void *arg)
{
    (void)arg;
    const uint64_t start = clock_monotonic_us();
    for (unsigned i = 0; i < NAPS; i++) {
        check(fiber_sleep(3000) == FIBER_TIMEOUT);
        check(fiber_spawn(loop_self(), work_shortly, NULL) == 0);
        check(fiber_sleep(50) == FIBER_TIMEOUT);
    }
    check(clock_monotonic_us() - start < 20000000); /* One that is missed takes a second. */
}

static void test_short_sleeps_are_not_missed(void **state)
{
    (void)state;
    run_in_fiber(sleep_shortly, NULL);
}

enum {
    SLEEPERS = 200,
};

struct sleeper {
    unsigned ms;
    uint64_t until;
    unsigned place; /* Order of waking. */
    unsigned *count;
};

static void sleep_its_time(void *arg)
{
    struct sleeper *s = arg;
    s->until = in_ms(s->ms);
    check(fiber_park(s->until) == FIBER_TIMEOUT);
    s->place = (*s->count)++;
}

static void many_sleepers(void *arg)
{
    (void)arg;
    struct sleeper sleepers[SLEEPERS];
    struct fiber *fibers[SLEEPERS];
    unsigned count = 0;
    for (unsigned i = 0; i < SLEEPERS; i++) {
        sleepers[i] = (struct sleeper){.ms = 1 + (i * 7919) % 100, .count = &count};
        fibers[i] = fiber_spawn_ref(loop_self(), sleep_its_time, &sleepers[i]);
    }
    for (unsigned i = 0; i < SLEEPERS; i++) {
        fiber_join(fibers[i]);
    }
    for (unsigned i = 0; i < SLEEPERS; i++) {
        for (unsigned j = 0; j < SLEEPERS; j++) {
            if (sleepers[i].until < sleepers[j].until) {
                check(sleepers[i].place < sleepers[j].place);
            }
        }
    }
}

static void test_sleepers_wake_in_order_of_time(void **state)
{
    (void)state;
    run_in_fiber(many_sleepers, NULL);
}

/* Two fibers on two threads hand a number to and fro; a lost wake-up hangs the test. */
struct ping {
    atomic_uint turn;
    struct fiber *side[2];
    atomic_bool ready[2];
};

struct player {
    struct ping *ping;
    unsigned me;
};

enum {
    ROUNDS = 20000,
};

static void play(void *arg)
{
    const struct player *p = arg;
    struct ping *ping = p->ping;
    ping->side[p->me] = fiber_ref(fiber_self());
    atomic_store(&ping->ready[p->me], true);
    while (!atomic_load(&ping->ready[1 - p->me])) {
        fiber_yield();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        while (atomic_load(&ping->turn) % 2 != p->me) {
            check(fiber_park(in_ms(60000)) == FIBER_WOKEN);
        }
        atomic_fetch_add(&ping->turn, 1);
        fiber_wake(ping->side[1 - p->me]);
    }
}

static void test_wake_across_threads_is_never_lost(void **state)
{
    (void)state;
    struct diag d;
    struct loops *loops;
    diag_init(&d);
    assert_int_equal(loops_start(2, &loops, &d), 0);
    struct ping ping = {.turn = 0};
    struct player players[2] = {{.ping = &ping, .me = 0}, {.ping = &ping, .me = 1}};
    struct fiber *f[2];
    for (unsigned i = 0; i < 2; i++) {
        f[i] = fiber_spawn_ref(loops_get(loops, i), play, &players[i]);
    }
    fiber_join(f[0]);
    fiber_join(f[1]);
    assert_int_equal(ping.turn, 2 * ROUNDS);
    fiber_unref(ping.side[0]);
    fiber_unref(ping.side[1]);
    loops_stop(loops);
    diag_release(&d);
}

/* ---- interrupts ---- */

static void wait_for_kill(void *arg)
{
    (void)arg;
    check(fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED);
    check(fiber_interrupted() == KILL_QUERY);
    check(fiber_sleep(1000000) == FIBER_INTERRUPTED); /* Sticky. */
    fiber_clear_interrupt(KILL_QUERY);
    check(fiber_interrupted() == 0);
    check(fiber_sleep(1000) == FIBER_TIMEOUT);
}

static void kill_parked(void *arg)
{
    (void)arg;
    struct fiber *f = fiber_spawn_ref(loop_self(), wait_for_kill, NULL);
    check(fiber_sleep(1000) == FIBER_TIMEOUT);
    fiber_interrupt(f, KILL_QUERY);
    fiber_join(f);
}

static void test_interrupt_is_sticky_until_cleared(void **state)
{
    (void)state;
    run_in_fiber(kill_parked, NULL);
}

static void add_bits(void *arg)
{
    (void)arg;
    fiber_interrupt(fiber_self(), KILL_QUERY);
    fiber_interrupt(fiber_self(), KILL_CONNECTION);
    check(fiber_interrupted() == (KILL_QUERY | KILL_CONNECTION));
    fiber_clear_interrupt(KILL_QUERY);
    check(fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED);
}

static void test_interrupt_bits_add_up(void **state)
{
    (void)state;
    run_in_fiber(add_bits, NULL);
}

static void mask_twice(void *arg)
{
    (void)arg;
    fiber_interrupt(fiber_self(), KILL_QUERY);
    fiber_mask_interrupts();
    fiber_mask_interrupts();
    check(fiber_sleep(1000) == FIBER_TIMEOUT);
    fiber_unmask_interrupts();
    check(fiber_sleep(1000) == FIBER_TIMEOUT);
    check(fiber_interrupted() == KILL_QUERY);
    fiber_unmask_interrupts();
    check(fiber_sleep(1000) == FIBER_INTERRUPTED);
}

static void test_masked_interrupt_waits(void **state)
{
    (void)state;
    run_in_fiber(mask_twice, NULL);
}

static void interrupt_before_token(void *arg)
{
    (void)arg;
    fiber_wake(fiber_self());
    fiber_interrupt(fiber_self(), KILL_QUERY);
    check(fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED);
    fiber_clear_interrupt(KILL_QUERY);
    check(fiber_park(FIBER_FOREVER) == FIBER_WOKEN);
}

static void test_interrupt_goes_before_a_token(void **state)
{
    (void)state;
    run_in_fiber(interrupt_before_token, NULL);
}

static void *interrupt_from_thread(void *arg)
{
    (void)usleep(10000);
    fiber_interrupt(arg, KILL_CONNECTION);
    fiber_unref(arg);
    return NULL;
}

static void wait_for_thread(void *arg)
{
    pthread_t *thread = arg;
    check(pthread_create(thread, NULL, interrupt_from_thread, fiber_ref(fiber_self())) == 0);
    check(fiber_park(FIBER_FOREVER) == FIBER_INTERRUPTED);
}

static void test_interrupt_from_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    run_in_fiber(wait_for_thread, &thread);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- mistakes that must not go unnoticed ---- */

/* Runs fn in a fiber of a child process; returns whether the child was ended by a signal or a
 * sanitizer. */
static bool child_dies(fiber_fn *fn)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        _exit(fiber_run(fn, NULL) ? 2 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

static int __attribute__((noinline)) recurse(volatile char *above, int depth)
{
    volatile char here[1024];
    here[0] = *above;
    return depth > 1000000 ? here[0] : recurse(here, depth + 1) + here[0];
}

static void overflow_stack(void *arg)
{
    char start = 1;
    (void)recurse(&start, 0);
    (void)arg;
}

static void test_overflow_hits_the_guard_page(void **state)
{
    (void)state;
    assert_true(child_dies(overflow_stack));
}

#ifndef NDEBUG
static void park_with_a_mutex(void *arg)
{
    static struct os_mutex m = OS_MUTEX_INIT;
    (void)arg;
    os_mutex_lock(&m);
    fiber_yield();
}

static void test_park_with_a_mutex_held_is_caught(void **state)
{
    (void)state;
    assert_true(child_dies(park_with_a_mutex));
}
#endif

/* ---- many ---- */

static void spawn_chain(void *arg)
{
    atomic_uint *left = arg;
    if (atomic_fetch_sub(left, 1) > 1) {
        check(fiber_spawn(loop_self(), spawn_chain, arg) == 0);
    }
}

static void test_stacks_are_reused(void **state)
{
    (void)state;
    atomic_uint left = 5000;
    run_in_fiber(spawn_chain, &left);
    assert_int_equal(left, 0);
}

/* Pages of the stack that are in memory. */
static size_t resident_pages(const struct stack *s)
{
    unsigned char pages[1024];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t count = s->size / page;
    size_t resident = 0;
    check(count <= sizeof(pages) && mincore(s->base, s->size, pages) == 0);
    for (size_t i = 0; i < count; i++) {
        resident += pages[i] & 1u;
    }
    return resident;
}

static void __attribute__((noinline)) dirty_stack(void)
{
    char work[100 * 1024];
    memset(work, 3, sizeof(work));
    __asm__ volatile("" : : "r"(work) : "memory");
}

static void park_after_deep_work(void *arg)
{
    int kept = 42;
    dirty_stack();
    check(fiber_park(FIBER_FOREVER) == FIBER_WOKEN);
    *(int *)arg = kept;
}

static void trim_parked(void *arg)
{
    int *kept = arg;
    struct fiber *f = fiber_spawn_ref(loop_self(), park_after_deep_work, kept);
    fiber_yield();
    check(resident_pages(&f->stack) >= 25);
    fiber_trim_parked(loop_self()); /* Parked in this epoch: not yet. */
    check(resident_pages(&f->stack) >= 25);
    fiber_trim_parked(loop_self());
    check(resident_pages(&f->stack) <= 4);
    fiber_wake(f);
    fiber_join(f);
}

static void test_stack_of_a_parked_fiber_gives_its_pages_back(void **state)
{
    (void)state;
    int kept = 0;
    run_in_fiber(trim_parked, &kept);
    assert_int_equal(kept, 42);
}

#ifdef MEASURE_MEMORY
enum {
    IDLE = 10000,
    IDLE_BYTES_MAX = 24 * 1024, /* 10,000 idle connections must fit in well under 1 GB. */
};

static void park_once(void *arg)
{
    (void)arg;
    check(fiber_park(FIBER_FOREVER) == FIBER_WOKEN);
}

static void many_idle(void *arg)
{
    static struct fiber *fibers[IDLE];
    uint64_t *bytes = arg;
    const uint64_t before = rlimit_resident_bytes();
    for (unsigned i = 0; i < IDLE; i++) {
        fibers[i] = fiber_spawn_ref(loop_self(), park_once, NULL);
        check(fibers[i]);
    }
    fiber_yield();
    *bytes = rlimit_resident_bytes() - before;
    for (unsigned i = 0; i < IDLE; i++) {
        fiber_wake(fibers[i]);
        fiber_join(fibers[i]);
    }
}

static void test_ten_thousand_idle_fibers_are_small(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    run_in_fiber(many_idle, &bytes);
    assert_true(bytes / IDLE < IDLE_BYTES_MAX);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fiber_runs_to_its_end),
        cmocka_unit_test(test_self_is_known_only_inside),
        cmocka_unit_test(test_yield_lets_others_go_first),
        cmocka_unit_test(test_registers_survive_switches),
        cmocka_unit_test(test_stack_has_its_size),
        cmocka_unit_test(test_local_belongs_to_one_fiber),
        cmocka_unit_test(test_hot_memory_need_not_exist),
        cmocka_unit_test(test_join_of_an_ended_fiber_returns),
        cmocka_unit_test(test_join_blocks_a_bare_thread),
        cmocka_unit_test(test_wake_before_park_is_not_lost),
        cmocka_unit_test(test_park_with_a_past_deadline_does_not_wait),
        cmocka_unit_test(test_park_ends_at_its_deadline),
        cmocka_unit_test(test_short_sleeps_are_not_missed),
        cmocka_unit_test(test_sleepers_wake_in_order_of_time),
        cmocka_unit_test(test_wake_across_threads_is_never_lost),
        cmocka_unit_test(test_interrupt_is_sticky_until_cleared),
        cmocka_unit_test(test_interrupt_bits_add_up),
        cmocka_unit_test(test_masked_interrupt_waits),
        cmocka_unit_test(test_interrupt_goes_before_a_token),
        cmocka_unit_test(test_interrupt_from_another_thread),
        cmocka_unit_test(test_stacks_are_reused),
        cmocka_unit_test(test_stack_of_a_parked_fiber_gives_its_pages_back),
#ifdef MEASURE_MEMORY
        cmocka_unit_test(test_ten_thousand_idle_fibers_are_small),
#endif
        cmocka_unit_test(test_overflow_hits_the_guard_page),
#ifndef NDEBUG
        cmocka_unit_test(test_park_with_a_mutex_held_is_caught),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
