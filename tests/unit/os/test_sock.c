#include "os_test.h"

#include "os/offload.h"
#include "os/sock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a scenario needs; released by scene_end(). */
struct scene {
    struct diag d;
    char path[64];
};

static struct scene scene;

static int set_up(void **state)
{
    (void)state;
    diag_init(&scene.d);
    (void)snprintf(scene.path, sizeof(scene.path), "/tmp/pintail-test-%ld.sock", (long)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(scene.path);
    diag_release(&scene.d);
    return 0;
}

static bool error_says(const char *words)
{
    char *message = arena_dup_cstr(&scene.d.arena, scene.d.error->message);
    return strstr(message, words) != NULL;
}

/* Accepts one connection, says the peer's port, and closes. */
static void serve_one(void *arg)
{
    struct io *listener = arg;
    struct sock_peer peer;
    enum io_result why;
    const int fd = sock_accept(listener, in_ms(30000), &peer, &why);
    check(fd >= 0);
    check(peer.is_local);
    check(peer.is_unix == (peer.port == 0));
    check(write(fd, &peer.port, sizeof(peer.port)) == sizeof(peer.port));
    (void)close(fd);
}

/* Connects with connect_fd's way and hears its own port. */
static void expect_own_port(int fd)
{
    struct io io;
    enum io_result why;
    uint16_t port = 1;
    check(fd >= 0);
    check(io_attach(&io, loop_self(), fd) == 0);
    check(io_read(&io, &port, sizeof(port), in_ms(30000), &why) == sizeof(port));
    check(port == sock_local_port(fd));
    io_detach(&io);
    (void)close(fd);
}

static void tcp_round(const char *bind_to, const char *host)
{
    const int fd = sock_listen_tcp(bind_to, 0, 10, &scene.d);
    check(fd >= 0);
    struct io listener;
    check(io_attach(&listener, loop_self(), fd) == 0);
    struct fiber *server = fiber_spawn_ref(loop_self(), serve_one, &listener);
    expect_own_port(sock_connect_tcp(host, sock_local_port(fd), in_ms(30000), &scene.d));
    fiber_join(server);
    io_detach(&listener);
    (void)close(fd);
}

static bool has_ipv6(void)
{
    const int fd = sock_listen_tcp("::1", 0, 1, &scene.d);
    diag_clear_error(&scene.d);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

static void tcp_all_ways(void *arg)
{
    (void)arg;
    tcp_round("127.0.0.1", "127.0.0.1");
    tcp_round("*", "127.0.0.1");
    tcp_round("", "localhost");
    if (has_ipv6()) {
        tcp_round("::1", "::1");
        tcp_round("*", "::1");
    }
}

static void test_tcp_over_both_families(void **state)
{
    (void)state;
    offload_start(NULL);
    run_in_fiber(tcp_all_ways, NULL);
    offload_stop();
}

static void unix_round(void *arg)
{
    (void)arg;
    const int fd = sock_listen_unix(scene.path, 10, &scene.d);
    check(fd >= 0);
    struct io listener;
    check(io_attach(&listener, loop_self(), fd) == 0);
    struct fiber *server = fiber_spawn_ref(loop_self(), serve_one, &listener);
    expect_own_port(sock_connect_unix(scene.path, in_ms(30000), &scene.d));
    fiber_join(server);
    io_detach(&listener);
    (void)close(fd);
}

static void test_unix_socket(void **state)
{
    (void)state;
    run_in_fiber(unix_round, NULL);
}

static void test_stale_socket_file_is_replaced(void **state)
{
    (void)state;
    const int first = sock_listen_unix(scene.path, 10, &scene.d);
    assert_true(first >= 0);
    assert_int_equal(sock_listen_unix(scene.path, 10, &scene.d), -1);
    assert_true(error_says("another server uses it"));
    (void)close(first);
    const int second = sock_listen_unix(scene.path, 10, &scene.d);
    assert_true(second >= 0);
    (void)close(second);
}

static void test_other_file_is_not_replaced(void **state)
{
    (void)state;
    const int fd = open(scene.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(sock_listen_unix(scene.path, 10, &scene.d), -1);
    assert_true(error_says("not a socket"));
    assert_int_equal(access(scene.path, F_OK), 0);
}

static void test_too_long_socket_path_is_refused(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(sock_listen_unix(path, 10, &scene.d), -1);
    assert_true(error_says("too long"));
}

static void test_port_in_use_says_what_to_do(void **state)
{
    (void)state;
    const int fd = sock_listen_tcp("127.0.0.1", 0, 10, &scene.d);
    assert_true(fd >= 0);
    assert_int_equal(sock_listen_tcp("127.0.0.1", sock_local_port(fd), 10, &scene.d), -1);
    assert_true(error_says("the port is in use; stop the other server or set another server.port"));
    (void)close(fd);
}

static void test_unknown_address_says_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(sock_listen_tcp("192.0.2.1", 0, 10, &scene.d), -1);
    assert_true(error_says("server.bind"));
    assert_int_equal(sock_listen_tcp("no such host", 0, 10, &scene.d), -1);
    assert_true(error_says("server.bind"));
}

static void accept_without_clients(void *arg)
{
    (void)arg;
    struct io listener;
    struct sock_peer peer;
    enum io_result why;
    const int fd = sock_listen_tcp("127.0.0.1", 0, 10, &scene.d);
    check(io_attach(&listener, loop_self(), fd) == 0);
    check(sock_accept(&listener, in_ms(5), &peer, &why) == -1);
    check(why == IO_TIMEOUT);
    fiber_interrupt(fiber_self(), 1);
    check(sock_accept(&listener, FIBER_FOREVER, &peer, &why) == -1);
    check(why == IO_INTERRUPTED);
    fiber_clear_interrupt(1);
    io_detach(&listener);
    (void)close(fd);
}

static void test_accept_ends_by_deadline_and_interrupt(void **state)
{
    (void)state;
    run_in_fiber(accept_without_clients, NULL);
}

static void connect_to_nobody(void *arg)
{
    (void)arg;
    const int fd = sock_listen_tcp("127.0.0.1", 0, 10, &scene.d);
    const uint16_t port = sock_local_port(fd);
    (void)close(fd);
    check(sock_connect_tcp("127.0.0.1", port, in_ms(30000), &scene.d) == -1);
    check(error_says("refused"));
    check(sock_connect_unix("/nonexistent/s", in_ms(1000), &scene.d) == -1);
    check(error_says("/nonexistent/s"));
}

static void test_refused_connection_is_an_error(void **state)
{
    (void)state;
    run_in_fiber(connect_to_nobody, NULL);
}

static void test_keepalive_can_be_set_on_any_socket(void **state)
{
    (void)state;
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    sock_set_keepalive(fd[0], 60);
    assert_int_equal(sock_local_port(fd[0]), 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

#define scene_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(test_tcp_over_both_families),
        scene_test(test_unix_socket),
        scene_test(test_stale_socket_file_is_replaced),
        scene_test(test_other_file_is_not_replaced),
        scene_test(test_too_long_socket_path_is_refused),
        scene_test(test_port_in_use_says_what_to_do),
        scene_test(test_unknown_address_says_what_to_do),
        scene_test(test_accept_ends_by_deadline_and_interrupt),
        scene_test(test_refused_connection_is_an_error),
        scene_test(test_keepalive_can_be_set_on_any_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
