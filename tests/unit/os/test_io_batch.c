#include "os_test.h"

#include "os/io_batch.h"
#include "os/loop.h"
#include "os/os_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIBERS = 300, /* More than are submitted at once. */
    MESSAGE = 100,
};

/* What a fiber does with its end of a socket pair. */
struct user {
    struct scene *scene;
    unsigned number;
    int fd, peer;
    struct fiber *fiber;
    char in[MESSAGE];
    unsigned read_as; /* In which place its first call returned. */
};

struct scene {
    struct user user[FIBERS];
    unsigned began, read;    /* Fibers that have called, calls that have returned. */
    unsigned began_at_first; /* How many had called when the first call returned. */
    bool breaks_ring;
    bool has_ring; /* In the end. */
};

static void open_pair(struct user *u)
{
    int fd[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    u->fd = fd[0];
    u->peer = fd[1];
}

/* Puts something else in the place of the loop's ring. */
static void break_ring(void)
{
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    check(null >= 0);
    check(dup2(null, loop_this->batch.ring.ring_fd) >= 0);
    (void)close(null);
}

static void exchange(void *arg)
{
    struct user *u = arg;
    struct scene *s = u->scene;
    char out[MESSAGE];
    if (++s->began == 2 && s->breaks_ring) {
        break_ring();
    }
    const ssize_t got = io_batch_recv(u->fd, u->in, sizeof(u->in));
    u->read_as = s->read++;
    if (u->read_as == 0) {
        s->began_at_first = s->began;
    }
    check(got == MESSAGE && u->in[0] == (char)u->number && u->in[MESSAGE - 1] == (char)u->number);
    errno = 0;
    check(io_batch_recv(u->fd, u->in, sizeof(u->in)) == -1 && errno == EAGAIN);
    memset(out, (int)u->number + 1, sizeof(out));
    check(io_batch_send(u->fd, out, sizeof(out)) == MESSAGE);
    check(u->number != 0 || loop_this->batch.is_open == s->has_ring);
}

static void start_user(struct user *u, fiber_fn *fn)
{
    u->fiber = fiber_spawn_ref(loop_self(), fn, u);
    check(u->fiber != NULL);
}

/* The fibers of all, which are ready together: each has a pair. */
static void start_users(struct user *users, size_t count, fiber_fn *fn)
{
    for (size_t i = 0; i < count; i++) {
        open_pair(&users[i]);
        start_user(&users[i], fn);
    }
}

static void run_scene(void *arg)
{
    struct scene *s = arg;
    char message[MESSAGE];
    for (unsigned i = 0; i < FIBERS; i++) {
        struct user *u = &s->user[i];
        u->scene = s;
        u->number = i;
        open_pair(u);
        memset(message, (int)i, sizeof(message));
        check(write(u->peer, message, sizeof(message)) == MESSAGE);
        start_user(u, exchange);
    }
    for (unsigned i = 0; i < FIBERS; i++) {
        struct user *u = &s->user[i];
        fiber_join(u->fiber);
        check(read(u->peer, message, sizeof(message)) == MESSAGE);
        check(message[0] == (char)(i + 1) && message[MESSAGE - 1] == (char)(i + 1));
        (void)close(u->fd);
        (void)close(u->peer);
    }
}

/* What the scene came to; the caller frees it. */
static struct scene *play(bool breaks_ring)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->breaks_ring = breaks_ring;
    s->has_ring = io_batch_probe() == 0 && !breaks_ring;
    run_in_fiber(run_scene, s);
    assert_int_equal(s->read, FIBERS);
    return s;
}

static void require_io_uring(void)
{
    const int error = io_batch_probe();
    if (error != 0) {
        print_message("without io_uring here: %s\n", strerror(error));
        skip();
    }
}

static void test_calls_of_many_fibers_are_made_together(void **state)
{
    (void)state;
    require_io_uring();
    struct scene *s = play(false);
    /* Those that found no place in the ring were made at once, while others waited. */
    assert_true(s->began_at_first > 200);
    assert_int_equal(s->user[0].read_as, FIBERS - s->began_at_first + 1);
    free(s);
}

static void test_where_it_is_not_allowed_calls_are_plain(void **state)
{
    (void)state;
    io_batch_allow(false);
    assert_int_equal(io_batch_probe(), ECANCELED);
    struct scene *s = play(false);
    io_batch_allow(true);
    assert_int_equal(s->began_at_first, 1);
    free(s);
}

static void test_a_ring_that_fails_loses_no_call(void **state)
{
    (void)state;
    require_io_uring();
    free(play(true));
}

/* ---- Ends ---- */

static void meet_ends(void *arg)
{
    struct user *u = arg;
    char buf[8];
    (void)close(u->peer);
    check(io_batch_recv(u->fd, buf, sizeof(buf)) == 0);
    errno = 0;
    check(io_batch_send(u->fd, "x", 1) == -1 && errno == EPIPE);
    (void)close(u->fd);
    errno = 0;
    check(io_batch_recv(u->fd, buf, sizeof(buf)) == -1 && errno == EBADF);
}

static void run_ends(void *arg)
{
    (void)arg;
    struct user users[3] = {0};
    start_users(users, ARRAY_SIZE(users), meet_ends);
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        fiber_join(users[i].fiber);
    }
}

static void test_ends_are_errors_without_a_signal(void **state)
{
    (void)state;
    run_in_fiber(run_ends, NULL);
}

/* ---- Interrupts ---- */

static void send_interrupted(void *arg)
{
    struct user *u = arg;
    fiber_interrupt(fiber_self(), 1);
    check(io_batch_send(u->fd, "abc", 3) == 3);
    check(fiber_interrupted() == 1);
    check(fiber_park(in_ms(30000)) == FIBER_INTERRUPTED);
}

static void run_interrupted(void *arg)
{
    (void)arg;
    struct user users[2] = {0};
    char buf[8];
    start_users(users, ARRAY_SIZE(users), send_interrupted);
    for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
        fiber_join(users[i].fiber);
        check(read(users[i].peer, buf, sizeof(buf)) == 3);
        (void)close(users[i].fd);
        (void)close(users[i].peer);
    }
}

static void test_an_interrupt_waits_for_the_call(void **state)
{
    (void)state;
    run_in_fiber(run_interrupted, NULL);
}

static void test_outside_of_fibers_calls_are_plain(void **state)
{
    (void)state;
    int fd[2];
    char buf[4];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    assert_int_equal(io_batch_send(fd[0], "abcd", 4), 4);
    assert_int_equal(io_batch_recv(fd[1], buf, sizeof(buf)), 4);
    assert_memory_equal(buf, "abcd", 4);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_of_many_fibers_are_made_together),
        cmocka_unit_test(test_where_it_is_not_allowed_calls_are_plain),
        cmocka_unit_test(test_a_ring_that_fails_loses_no_call),
        cmocka_unit_test(test_ends_are_errors_without_a_signal),
        cmocka_unit_test(test_an_interrupt_waits_for_the_call),
        cmocka_unit_test(test_outside_of_fibers_calls_are_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
