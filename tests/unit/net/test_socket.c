/* The bottom layer over a pair of real sockets: slow, silent and vanished peers. */
#include "net_test.h"

#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two connections over a pair of UNIX sockets. */
static void sockets_init(struct pair *p)
{
    int fds[2];
    diag_init(&p->d);
    diag_init(&p->client_d);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    CHECK(conn_init(&p->client, loop_self(), fds[0], MAX_PACKET, &p->d) == 0);
    CHECK(conn_init(&p->server, loop_self(), fds[1], MAX_PACKET, &p->d) == 0);
}

FIBER_TEST(test_slow_reader_stalls_the_writer)
{
    struct pair p;
    struct str payload;
    enum net_result r = NET_TIMEOUT;
    const size_t len = (size_t)4 << 20;
    (void)arg;
    sockets_init(&p);
    conn_begin_command(&p.client);
    write_pattern(&p.client, len, 7);
    CHECK(conn_flush(&p.client, in_ms(5), &p.client_d) == NET_TIMEOUT);
    CHECK(p.client_d.error->code == ER_NET_WRITE_INTERRUPTED);
    CHECK(p.client.bytes_out > 0 && p.client.bytes_out < len);
    while (r == NET_TIMEOUT) {
        const enum net_result w = conn_flush(&p.client, in_ms(1), &p.client_d);
        CHECK(w == NET_TIMEOUT || w == NET_OK);
        r = conn_read_packet(&p.server, in_ms(1), &payload, &p.d);
    }
    CHECK(r == NET_OK);
    CHECK(is_pattern(payload, len, 7));
    pair_release(&p);
}

static void interrupt_soon(void *arg)
{
    (void)fiber_sleep(5000);
    fiber_interrupt(arg, 1);
}

FIBER_TEST(test_waits_can_be_interrupted)
{
    struct pair p;
    struct str payload;
    (void)arg;
    sockets_init(&p);
    struct fiber *other = start(interrupt_soon, fiber_self());
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_INTERRUPTED);
    fiber_clear_interrupt(1);
    fiber_join(other);
    write_pattern(&p.server, (size_t)4 << 20, 7);
    other = start(interrupt_soon, fiber_self());
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_INTERRUPTED);
    fiber_clear_interrupt(1);
    fiber_join(other);
    CHECK(p.d.error == NULL);
    pair_release(&p);
}

FIBER_TEST(test_writing_to_a_vanished_peer_is_an_error_and_no_signal)
{
    struct pair p;
    (void)arg;
    sockets_init(&p);
    conn_release(&p.client);
    write_packet(&p.server, STR("hello"));
    CHECK(conn_flush(&p.server, in_ms(1000), &p.d) == NET_ERROR);
    CHECK(p.d.error->code == ER_NET_ERROR_ON_WRITE);
    pair_release(&p);
}

FIBER_TEST(test_last_packet_is_read_before_the_end)
{
    struct pair p;
    struct str payload;
    (void)arg;
    sockets_init(&p);
    write_packet(&p.client, STR("last"));
    CHECK(conn_flush(&p.client, CONN_FOREVER, &p.d) == NET_OK);
    conn_release(&p.client);
    CHECK(conn_read_packet(&p.server, in_ms(1000), &payload, &p.d) == NET_OK);
    CHECK(str_eq(payload, STR("last")));
    conn_begin_command(&p.server);
    CHECK(conn_read_packet(&p.server, in_ms(1000), &payload, &p.d) == NET_EOF);
    pair_release(&p);
}

/* Counts how often it has its turn. */
static void count_turns(void *arg)
{
    unsigned *turns = arg;
    while (*turns < UINT_MAX / 2 && fiber_interrupted() == 0) {
        ++*turns;
        fiber_yield();
    }
}

FIBER_TEST(test_fast_peer_leaves_turns_to_other_fibers)
{
    struct pair p;
    unsigned turns = 0;
    char buf[4096] = {0};
    (void)arg;
    sockets_init(&p);
    struct fiber *other = start(count_turns, &turns);
    for (size_t total = 0; total < (size_t)8 << 20; total += sizeof(buf)) {
        CHECK(net_filter_write(p.client.top, buf, sizeof(buf), CONN_FOREVER, &p.d).result ==
              NET_OK);
        for (size_t n = 0; n < sizeof(buf);) {
            const struct net_io io =
                net_filter_read(p.server.top, buf, sizeof(buf) - n, CONN_FOREVER, &p.d);
            CHECK(io.result == NET_OK);
            n += io.len;
        }
    }
    CHECK(turns >= 8);
    fiber_interrupt(other, 1);
    fiber_join(other);
    pair_release(&p);
}

FIBER_TEST(test_descriptor_that_cannot_be_watched_is_refused)
{
    struct conn c;
    struct diag d;
    (void)arg;
    diag_init(&d);
    CHECK(conn_init(&c, loop_self(), -1, MAX_PACKET, &d) == -1);
    CHECK(d.error != NULL);
    diag_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader_stalls_the_writer),
        cmocka_unit_test(test_waits_can_be_interrupted),
        cmocka_unit_test(test_writing_to_a_vanished_peer_is_an_error_and_no_signal),
        cmocka_unit_test(test_last_packet_is_read_before_the_end),
        cmocka_unit_test(test_fast_peer_leaves_turns_to_other_fibers),
        cmocka_unit_test(test_descriptor_that_cannot_be_watched_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
