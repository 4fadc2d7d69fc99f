/* Sockets: accepting over TCP and UNIX, echoing packets, limits, hang-up. */
#include "net_test.h"

#include "net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A server that echoes packets until the client ends. */
struct echo_server {
    struct loops *loops;
    struct listener *listener;
    atomic_int served;
    atomic_int ended;   /* Connections that ended cleanly. */
    atomic_int hung_up; /* Hang-ups reported to a connection that was not reading. */
    bool refuse;
    bool sleep; /* Do not read: wait for a hang-up. */
};

static bool admit(void *arg, const struct sock_peer *peer)
{
    const struct echo_server *s = arg;
    return !s->refuse && peer->is_local;
}

static void count_hangup(void *arg)
{
    struct echo_server *s = arg;
    (void)atomic_fetch_add(&s->hung_up, 1);
}

static enum net_result echo_one(struct conn *c, struct diag *d)
{
    struct str payload;
    conn_begin_command(c);
    const enum net_result r = conn_read_packet(c, CONN_FOREVER, &payload, d);
    if (r != NET_OK) {
        return r;
    }
    write_packet(c, payload);
    return conn_flush(c, in_ms(10000), d);
}

static void wait_for_hangup(struct echo_server *s, struct conn *c)
{
    conn_on_hangup(c, count_hangup, s);
    while (atomic_load(&s->hung_up) == 0 && fiber_sleep(1000) == FIBER_TIMEOUT) {
    }
}

static void serve(void *arg, const struct listener_accepted *accepted)
{
    struct echo_server *s = arg;
    struct conn c;
    struct diag d;
    enum net_result r = NET_OK;
    diag_init(&d);
    (void)atomic_fetch_add(&s->served, 1);
    CHECK(conn_init(&c, accepted->loop, accepted->fd, MAX_PACKET, &d) == 0);
    if (s->sleep) {
        wait_for_hangup(s, &c);
    }
    while (r == NET_OK) {
        r = echo_one(&c, &d);
    }
    if (r == NET_EOF) {
        (void)atomic_fetch_add(&s->ended, 1);
    }
    conn_release(&c);
    diag_release(&d);
}

static void server_start(struct echo_server *s, const struct listener_options *o)
{
    const struct listener_handler handler = {.admit = admit, .serve = serve, .arg = s};
    struct diag d;
    diag_init(&d);
    assert_int_equal(loops_start(2, &s->loops, &d), 0);
    s->listener = listener_start(s->loops, o, &handler, &d);
    assert_non_null(s->listener);
    diag_release(&d);
}

static void server_stop(struct echo_server *s)
{
    listener_stop(s->listener);
    assert_int_equal(loops_drain(s->loops, in_ms(5000)), 0);
    loops_stop(s->loops);
}

static int connect_tcp(uint16_t port)
{
    const struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* Sends a packet with blocking calls and expects it back with the next sequence number. */
static void check_echo(int fd)
{
    char reply[9] = {0};
    assert_int_equal(send(fd, "\5\0\0\0hello", 9, 0), 9);
    assert_int_equal(recv(fd, reply, sizeof(reply), MSG_WAITALL), 9);
    assert_memory_equal(reply, "\5\0\0\1hello", 9);
}

static void test_tcp_connections_are_served(void **state)
{
    struct echo_server s = {.refuse = false};
    int fds[5];
    (void)state;
    server_start(&s, &(struct listener_options){.bind = "127.0.0.1"});
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = connect_tcp(listener_port(s.listener));
        check_echo(fds[i]);
        check_echo(fds[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        (void)close(fds[i]);
    }
    server_stop(&s);
    assert_int_equal(atomic_load(&s.served), 5);
    assert_int_equal(atomic_load(&s.ended), 5);
}

static void test_unix_connections_are_served(void **state)
{
    struct echo_server s = {.refuse = false};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    (void)state;
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/pintail-net-%d.sock", (int)getpid());
    server_start(&s, &(struct listener_options){.unix_path = addr.sun_path});
    assert_int_equal(listener_port(s.listener), 0);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    check_echo(fd);
    (void)close(fd);
    server_stop(&s);
    assert_int_equal(access(addr.sun_path, F_OK), -1);
}

static void test_refused_connection_is_closed(void **state)
{
    struct echo_server s = {.refuse = true};
    char byte;
    (void)state;
    server_start(&s, &(struct listener_options){.bind = "127.0.0.1"});
    const int fd = connect_tcp(listener_port(s.listener));
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    (void)close(fd);
    server_stop(&s);
    assert_int_equal(atomic_load(&s.served), 0);
}

static void test_hangup_is_noticed_without_reading(void **state)
{
    struct echo_server s = {.sleep = true};
    (void)state;
    server_start(&s, &(struct listener_options){.bind = "127.0.0.1"});
    const int fd = connect_tcp(listener_port(s.listener));
    while (atomic_load(&s.served) == 0) {
        (void)usleep(1000);
    }
    (void)close(fd);
    server_stop(&s);
    assert_int_equal(atomic_load(&s.hung_up), 1);
}

static void test_port_in_use_is_refused_in_words(void **state)
{
    struct echo_server s = {.refuse = false};
    const struct listener_handler handler = {.serve = serve, .arg = &s};
    struct diag d;
    (void)state;
    diag_init(&d);
    server_start(&s, &(struct listener_options){.bind = "127.0.0.1"});
    const struct listener_options same = {.bind = "127.0.0.1", .port = listener_port(s.listener)};
    assert_null(listener_start(s.loops, &same, &handler, &d));
    assert_non_null(memmem(d.error->message.p, d.error->message.len, "in use", 6));
    server_stop(&s);
    diag_release(&d);
}

/* A megabyte through a socket, both ways, by our own client. */
static void echo_large(void *arg)
{
    struct conn c;
    struct diag d;
    struct str payload;
    diag_init(&d);
    const int fd = sock_connect_tcp("127.0.0.1", *(const uint16_t *)arg, in_ms(5000), &d);
    CHECK(fd >= 0);
    CHECK(conn_init(&c, loop_self(), fd, MAX_PACKET, &d) == 0);
    conn_begin_command(&c);
    write_pattern(&c, (size_t)20 << 20, 9);
    CHECK(conn_flush(&c, in_ms(20000), &d) == NET_OK);
    CHECK(conn_read_packet(&c, in_ms(20000), &payload, &d) == NET_OK);
    CHECK(is_pattern(payload, (size_t)20 << 20, 9));
    conn_shutdown(&c, in_ms(5000));
    conn_release(&c);
    diag_release(&d);
}

static void test_large_packet_goes_through_a_socket(void **state)
{
    struct echo_server s = {.refuse = false};
    (void)state;
    server_start(&s, &(struct listener_options){.bind = "127.0.0.1"});
    uint16_t port = listener_port(s.listener);
    assert_int_equal(fiber_run(echo_large, &port), 0);
    server_stop(&s);
    assert_int_equal(atomic_load(&s.ended), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_connections_are_served),
        cmocka_unit_test(test_unix_connections_are_served),
        cmocka_unit_test(test_refused_connection_is_closed),
        cmocka_unit_test(test_hangup_is_noticed_without_reading),
        cmocka_unit_test(test_port_in_use_is_refused_in_words),
        cmocka_unit_test(test_large_packet_goes_through_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
