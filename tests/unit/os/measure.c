/*
 * What fibers and the offload pool cost on this machine: nanoseconds a switch, microseconds a
 * hand-over, resident bytes of an idle fiber, messages of an echo a second. Not a test; built and
 * run by hand: ninja -C build/release os_measure && build/release/bin/os_measure
 */
#include "base/clock.h"
#include "os/io.h"
#include "os/offload.h"
#include "os/rlimit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SWITCHES = 2000000,
    HAND_OVERS = 50000,
    IDLE_FIBERS = 10000,
    MESSAGES = 200000,
};

static void yield_often(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < SWITCHES; i++) {
        fiber_yield();
    }
}

/* Parks and is woken, with a partner: two switches and a trip through the ready list each. */
struct partner {
    struct fiber *other;
    unsigned turn;
};

static void park_often(void *arg)
{
    struct partner *p = arg;
    for (unsigned i = 0; i < SWITCHES / 2; i++) {
        fiber_wake(p->other);
        if (fiber_park(FIBER_FOREVER) != FIBER_WOKEN) {
            abort();
        }
    }
    fiber_wake(p->other);
}

static double per_us(uint64_t start, double count)
{
    return (double)(clock_monotonic_us() - start) / count;
}

static void measure_switch(void)
{
    uint64_t start = clock_monotonic_us();
    fiber_join(fiber_spawn_ref(loop_self(), yield_often, NULL));
    (void)printf("yield alone (with a round of the event loop)  %8.1f ns\n",
                 per_us(start, SWITCHES) * 1000);
    enum {
        YIELDERS = 100,
    };
    struct fiber *f[YIELDERS];
    start = clock_monotonic_us();
    for (unsigned i = 0; i < YIELDERS; i++) {
        f[i] = fiber_spawn_ref(loop_self(), yield_often, NULL);
    }
    for (unsigned i = 0; i < YIELDERS; i++) {
        fiber_join(f[i]);
    }
    (void)printf("yield among %d (two stack switches)          %8.1f ns\n", YIELDERS,
                 per_us(start, (double)SWITCHES * YIELDERS) * 1000);
}

static void measure_wake(void)
{
    struct partner p[2] = {{.turn = 0}, {.turn = 1}};
    const uint64_t start = clock_monotonic_us();
    struct fiber *a = fiber_spawn_ref(loop_self(), park_often, &p[0]);
    struct fiber *b = fiber_spawn_ref(loop_self(), park_often, &p[1]);
    p[0].other = b;
    p[1].other = a;
    fiber_join(a);
    fiber_join(b);
    (void)printf("park and wake by another fiber                %8.1f ns\n",
                 per_us(start, SWITCHES) * 1000);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void offload_often(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < HAND_OVERS; i++) {
        if (offload_run(OFFLOAD_QUERY, nothing, NULL) != OFFLOAD_DONE) {
            abort();
        }
    }
}

static void measure_offload(unsigned fibers)
{
    struct fiber *f[16];
    const uint64_t start = clock_monotonic_us();
    for (unsigned i = 0; i < fibers; i++) {
        f[i] = fiber_spawn_ref(loop_self(), offload_often, NULL);
    }
    for (unsigned i = 0; i < fibers; i++) {
        fiber_join(f[i]);
    }
    (void)printf("offload round trip, %2u fibers                 %8.2f us each\n", fibers,
                 per_us(start, (double)HAND_OVERS * fibers));
}

/* As a session that has run a statement: the stack was used deeper than it is now. */
static void __attribute__((noinline)) use_stack(void)
{
    char work[48 * 1024];
    memset(work, 1, sizeof(work));
    __asm__ volatile("" : : "r"(work) : "memory"); /* Or the compiler sees that nobody reads it. */
}

static void idle_after_work(void *arg)
{
    (void)arg;
    use_stack();
    const enum fiber_result r = fiber_park(FIBER_FOREVER);
    (void)r;
}

static void measure_idle(void)
{
    static struct fiber *f[IDLE_FIBERS];
    const uint64_t before = rlimit_resident_bytes();
    uint64_t start = clock_monotonic_us();
    for (unsigned i = 0; i < IDLE_FIBERS; i++) {
        f[i] = fiber_spawn_ref(loop_self(), idle_after_work, NULL);
        if (!f[i]) {
            (void)printf("only %u fibers could be made\n", i);
            exit(1);
        }
    }
    (void)printf("spawn                                         %8.2f us\n",
                 per_us(start, IDLE_FIBERS));
    (void)fiber_sleep(100000);
    const uint64_t busy = rlimit_resident_bytes();
    (void)fiber_sleep(15000000); /* 1,000 stacks are trimmed a second. */
    const uint64_t idle_bytes = rlimit_resident_bytes();
    (void)printf("resident per fiber, just parked               %8.1f KiB\n",
                 (double)(busy - before) / IDLE_FIBERS / 1024);
    (void)printf("resident per fiber, parked for a while        %8.1f KiB\n",
                 (double)(idle_bytes - before) / IDLE_FIBERS / 1024);
    start = clock_monotonic_us();
    for (unsigned i = 0; i < IDLE_FIBERS; i++) {
        fiber_wake(f[i]);
    }
    for (unsigned i = 0; i < IDLE_FIBERS; i++) {
        fiber_join(f[i]);
    }
    (void)printf("wake and end                                  %8.2f us\n",
                 per_us(start, IDLE_FIBERS));
}

static void echo(void *arg)
{
    struct io io;
    char buf[64];
    enum io_result why;
    ssize_t n;
    if (io_attach(&io, loop_self(), *(int *)arg)) {
        abort();
    }
    while ((n = io_read(&io, buf, sizeof(buf), clock_monotonic_us() + 10000000, &why)) > 0) {
        if (io_write(&io, buf, (size_t)n, FIBER_FOREVER, &why) != n) {
            abort();
        }
    }
    io_detach(&io);
}

static void measure_echo(void)
{
    int fd[2];
    char buf[60] = "";
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0) {
        abort();
    }
    struct diag d;
    struct loops *loops;
    diag_init(&d);
    if (loops_start(1, &loops, &d)) {
        abort();
    }
    struct fiber *f = fiber_spawn_ref(loops_get(loops, 0), echo, &fd[0]);
    const uint64_t start = clock_monotonic_us();
    for (unsigned i = 0; i < MESSAGES; i++) {
        if (write(fd[1], buf, sizeof(buf)) != sizeof(buf) ||
            read(fd[1], buf, sizeof(buf)) != sizeof(buf)) {
            abort();
        }
    }
    (void)printf("echo of 60 bytes, one client on a thread      %8.2f us a message\n",
                 per_us(start, MESSAGES));
    (void)close(fd[1]);
    fiber_join(f);
    (void)close(fd[0]);
    loops_stop(loops);
    diag_release(&d);
}

static void measure(void *arg)
{
    (void)arg;
    measure_switch();
    measure_wake();
    measure_offload(1);
    measure_offload(8);
    measure_idle();
}

int main(void)
{
    offload_start(NULL);
    measure_echo();
    const int rc = fiber_run(measure, NULL);
    offload_stop();
    return rc ? 1 : 0;
}
