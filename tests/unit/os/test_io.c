#include "os_test.h"

#include "os/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket pair, one end watched. */
struct pair {
    struct io io;
    int peer;
};

static void pair_open(struct pair *p)
{
    int fd[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    check(io_attach(&p->io, loop_self(), fd[0]) == 0);
    p->peer = fd[1];
}

static void pair_close(struct pair *p)
{
    io_detach(&p->io);
    io_detach(&p->io); /* Harmless twice. */
    (void)close(p->io.fd);
    if (p->peer >= 0) {
        (void)close(p->peer);
    }
}

static void write_later(void *arg)
{
    struct pair *p = arg;
    check(fiber_sleep(5000) == FIBER_TIMEOUT);
    check(write(p->peer, "hello", 5) == 5);
}

static void read_waits(void *arg)
{
    (void)arg;
    struct pair p;
    char buf[16];
    enum io_result why;
    pair_open(&p);
    check(fiber_spawn(loop_self(), write_later, &p) == 0);
    check(io_read(&p.io, buf, sizeof(buf), in_ms(30000), &why) == 5);
    check(memcmp(buf, "hello", 5) == 0);
    check(io_ready(&p.io) == IO_READABLE);
    pair_close(&p);
}

static void test_read_waits_for_data(void **state)
{
    (void)state;
    run_in_fiber(read_waits, NULL);
}

static void read_times_out(void *arg)
{
    (void)arg;
    struct pair p;
    char c;
    enum io_result why;
    pair_open(&p);
    check(io_read(&p.io, &c, 1, in_ms(10), &why) == -1);
    check(why == IO_TIMEOUT);
    pair_close(&p);
}

static void test_read_times_out(void **state)
{
    (void)state;
    run_in_fiber(read_times_out, NULL);
}

static void interrupt_later(void *arg)
{
    check(fiber_sleep(5000) == FIBER_TIMEOUT);
    fiber_interrupt(arg, 1);
}

static void read_interrupted(void *arg)
{
    (void)arg;
    struct pair p;
    char c;
    enum io_result why;
    pair_open(&p);
    check(fiber_spawn(loop_self(), interrupt_later, fiber_self()) == 0);
    check(io_read(&p.io, &c, 1, FIBER_FOREVER, &why) == -1);
    check(why == IO_INTERRUPTED);
    fiber_clear_interrupt(1);
    check(write(p.peer, "x", 1) == 1);
    check(io_read(&p.io, &c, 1, in_ms(30000), &why) == 1);
    pair_close(&p);
}

static void test_interrupt_ends_a_read_and_loses_nothing(void **state)
{
    (void)state;
    run_in_fiber(read_interrupted, NULL);
}

enum {
    BULK = 8 * 1024 * 1024,
};

static void write_bulk(void *arg)
{
    struct pair *p = arg;
    char *data = calloc(1, BULK);
    enum io_result why;
    size_t sent = 0;
    check(data);
    while (sent < BULK) {
        const ssize_t n = io_write(&p->io, data + sent, BULK - sent, in_ms(30000), &why);
        check(n > 0);
        sent += (size_t)n;
    }
    free(data);
}

static void slow_reader(void *arg)
{
    (void)arg;
    struct pair p;
    pair_open(&p);
    struct fiber *writer = fiber_spawn_ref(loop_self(), write_bulk, &p);
    char buf[65536];
    size_t got = 0;
    while (got < BULK) {
        const ssize_t n = read(p.peer, buf, sizeof(buf));
        if (n > 0) {
            got += (size_t)n;
        } else {
            check(errno == EAGAIN);
            fiber_yield();
        }
    }
    fiber_join(writer);
    pair_close(&p);
}

static void test_write_waits_for_a_slow_reader(void **state)
{
    (void)state;
    run_in_fiber(slow_reader, NULL);
}

static void eof_is_read(void *arg)
{
    (void)arg;
    struct pair p;
    char buf[8];
    enum io_result why;
    pair_open(&p);
    check(write(p.peer, "bye", 3) == 3);
    (void)close(p.peer);
    p.peer = -1;
    check(io_wait(&p.io, IO_READABLE, in_ms(30000)) == IO_READY);
    check(io_read(&p.io, buf, sizeof(buf), in_ms(30000), &why) == 3);
    check(io_read(&p.io, buf, sizeof(buf), in_ms(30000), &why) == 0);
    check(io_wait(&p.io, IO_READABLE, in_ms(30000)) != IO_TIMEOUT); /* Stays so. */
    pair_close(&p);
}

static void test_end_of_file_comes_after_the_data(void **state)
{
    (void)state;
    run_in_fiber(eof_is_read, NULL);
}

static void write_to_closed(void *arg)
{
    (void)arg;
    struct pair p;
    enum io_result why;
    pair_open(&p);
    (void)close(p.peer);
    p.peer = -1;
    check(io_write(&p.io, "x", 1, in_ms(30000), &why) == -1);
    check(why == IO_HANGUP && errno == EPIPE);
    pair_close(&p);
}

static void test_write_to_a_closed_peer_reports_hangup(void **state)
{
    (void)state;
    run_in_fiber(write_to_closed, NULL);
}

static void count_hangup(void *arg)
{
    check(fiber_self() == NULL);
    ++*(int *)arg;
}

static void hangup_while_busy(void *arg)
{
    (void)arg;
    struct pair p;
    int hangups = 0;
    pair_open(&p);
    io_on_hangup(&p.io, count_hangup, &hangups);
    check(fiber_sleep(5000) == FIBER_TIMEOUT);
    check(hangups == 0);
    (void)close(p.peer);
    p.peer = -1;
    check(fiber_sleep(20000) == FIBER_TIMEOUT);
    check(hangups == 1);
    pair_close(&p);
}

static void test_hangup_is_noticed_while_a_fiber_waits_elsewhere(void **state)
{
    (void)state;
    run_in_fiber(hangup_while_busy, NULL);
}

static void hangup_behind_data(void *arg)
{
    (void)arg;
    struct pair p;
    int hangups = 0;
    char c[4];
    enum io_result why;
    pair_open(&p);
    check(io_wait(&p.io, IO_READABLE, in_ms(1)) == IO_TIMEOUT); /* Arms it. */
    io_on_hangup(&p.io, count_hangup, &hangups);
    check(write(p.peer, "abc", 3) == 3); /* Not read by anybody. */
    check(fiber_sleep(5000) == FIBER_TIMEOUT);
    (void)shutdown(p.peer, SHUT_WR);
    check(fiber_sleep(20000) == FIBER_TIMEOUT);
    check(hangups == 1);
    check(io_read(&p.io, c, sizeof(c), in_ms(30000), &why) == 3);
    check(io_read(&p.io, c, sizeof(c), in_ms(30000), &why) == 0);
    pair_close(&p);
}

static void test_hangup_behind_unread_data_is_noticed(void **state)
{
    (void)state;
    run_in_fiber(hangup_behind_data, NULL);
}

static void count_hangup_here(void *arg)
{
    ++*(int *)arg;
}

static void hangup_already(void *arg)
{
    (void)arg;
    struct pair p;
    int hangups = 0;
    pair_open(&p);
    (void)close(p.peer);
    p.peer = -1;
    check(io_wait(&p.io, IO_READABLE, in_ms(30000)) == IO_READY);
    io_on_hangup(&p.io, count_hangup_here, &hangups);
    check(hangups == 1);
    pair_close(&p);
}

static void test_hangup_known_already_is_told_at_once(void **state)
{
    (void)state;
    run_in_fiber(hangup_already, NULL);
}

static uint64_t cpu_us(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void unread_data(void *arg)
{
    (void)arg;
    struct pair p;
    pair_open(&p);
    check(io_wait(&p.io, IO_READABLE | IO_WRITABLE, in_ms(30000)) == IO_READY);
    check(io_ready(&p.io) & IO_WRITABLE);
    check(io_wait(&p.io, IO_READABLE, in_ms(1)) == IO_TIMEOUT);
    check(write(p.peer, "pipelined", 9) == 9);
    const uint64_t before = cpu_us();
    check(fiber_sleep(200000) == FIBER_TIMEOUT);
    check(cpu_us() - before < 100000);
    check(io_wait(&p.io, IO_READABLE, in_ms(30000)) == IO_READY);
    pair_close(&p);
}

static void test_unread_data_does_not_spin_the_loop(void **state)
{
    (void)state;
    run_in_fiber(unread_data, NULL);
}

static void attach_file(void *arg)
{
    (void)arg;
    struct io io;
    const int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    check(fd >= 0);
    check(io_attach(&io, loop_self(), fd) == -1);
    check(errno == EPERM);
    (void)close(fd);
}

static void test_plain_file_cannot_be_watched(void **state)
{
    (void)state;
    run_in_fiber(attach_file, NULL);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_waits_for_data),
        cmocka_unit_test(test_read_times_out),
        cmocka_unit_test(test_interrupt_ends_a_read_and_loses_nothing),
        cmocka_unit_test(test_write_waits_for_a_slow_reader),
        cmocka_unit_test(test_end_of_file_comes_after_the_data),
        cmocka_unit_test(test_write_to_a_closed_peer_reports_hangup),
        cmocka_unit_test(test_hangup_is_noticed_while_a_fiber_waits_elsewhere),
        cmocka_unit_test(test_hangup_behind_unread_data_is_noticed),
        cmocka_unit_test(test_hangup_known_already_is_told_at_once),
        cmocka_unit_test(test_unread_data_does_not_spin_the_loop),
        cmocka_unit_test(test_plain_file_cannot_be_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
