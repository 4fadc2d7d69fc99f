/* Packets over a pipe: joining, limits, order, waiting, interrupts, back-pressure. */
#include "net_test.h"

FIBER_TEST(test_packets_travel_both_ways)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    conn_begin_command(&p.client);
    write_packet(&p.client, STR("\3SELECT 1"));
    CHECK(conn_flush(&p.client, CONN_FOREVER, &p.d) == NET_OK);
    conn_begin_command(&p.server);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(str_eq(payload, STR("\3SELECT 1")));
    CHECK(!conn_has_input(&p.server));
    CHECK(!conn_has_packet(&p.server));
    write_packet(&p.server, STR(""));
    write_packet(&p.server, STR("two"));
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(conn_read_packet(&p.client, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(payload.len == 0);
    CHECK(conn_has_input(&p.client));
    CHECK(conn_has_packet(&p.client));
    CHECK(conn_read_packet(&p.client, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(str_eq(payload, STR("two")));
    CHECK(p.client.w.seq == 3);
    pair_release(&p);
}

static const size_t lengths[] = {
    0,
    1,
    100,
    5000,
    70000,
    WIRE_MAX_PACKET - 1,
    WIRE_MAX_PACKET,
    WIRE_MAX_PACKET + 1,
    2 * WIRE_MAX_PACKET,
    2 * WIRE_MAX_PACKET + 99999,
};

static void send_lengths(void *arg)
{
    struct pair *p = arg;
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        conn_begin_command(&p->client);
        write_pattern(&p->client, lengths[i], i);
        CHECK(conn_flush(&p->client, CONN_FOREVER, &p->client_d) == NET_OK);
    }
}

FIBER_TEST(test_large_packets_are_joined)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    struct fiber *sender = start(send_lengths, &p);
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        conn_begin_command(&p.server);
        CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OK);
        CHECK(is_pattern(payload, lengths[i], i));
    }
    fiber_join(sender);
    CHECK(p.client.bytes_out == p.server.bytes_in);
    pair_release(&p);
}

FIBER_TEST(test_packet_in_pieces_is_put_together)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    static const char bytes[] = "\5\0\0\0hello\2\0\0\1ok";
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        CHECK(net_filter_write(p.client.top, bytes + i, 1, CONN_FOREVER, &p.d).result == NET_OK);
        const enum net_result r = conn_read_packet(&p.server, in_ms(0), &payload, &p.d);
        CHECK(r == (i == 8 || i == 14 ? NET_OK : NET_TIMEOUT));
    }
    CHECK(str_eq(payload, STR("ok")));
    CHECK(p.d.error->code == ER_NET_READ_INTERRUPTED);
    pair_release(&p);
}

/* Sends bytes as they are and reads one packet. */
static enum net_result read_raw(struct pair *p, const void *bytes, size_t len)
{
    struct str payload;
    CHECK(net_filter_write(p->client.top, bytes, len, CONN_FOREVER, &p->client_d).result == NET_OK);
    return conn_read_packet(&p->server, in_ms(20), &payload, &p->d);
}

FIBER_TEST(test_packet_beyond_the_limit_is_not_read)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    conn_set_max_packet(&p.server, 1000);
    write_pattern(&p.client, 1000, 1);
    CHECK(conn_flush(&p.client, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(read_raw(&p, "\xe9\3\0\1", 4) == NET_TOO_LARGE);
    CHECK(p.d.error->code == ER_NET_PACKET_TOO_LARGE);
    /* The answer still goes out. */
    write_packet(&p.server, STR("error"));
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    pair_release(&p);
}

static void send_40_mib(void *arg)
{
    struct pair *p = arg;
    conn_begin_command(&p->client);
    write_pattern(&p->client, (size_t)40 << 20, 1);
    CHECK(conn_flush(&p->client, CONN_FOREVER, &p->client_d) == NET_ERROR);
}

FIBER_TEST(test_continued_packet_beyond_the_limit_is_not_read)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    conn_set_max_packet(&p.server, (size_t)30 << 20);
    struct fiber *sender = start(send_40_mib, &p);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_TOO_LARGE);
    conn_release(&p.server);
    fiber_join(sender);
    pair_release(&p);
}

FIBER_TEST(test_packets_that_are_here_are_taken_without_waiting)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    /* The last one is out of order, and behind it part of one. */
    static const char bytes[] = "\5\0\0\0hello\2\0\0\1ok\0\0\0\2\1\0\0\7x\3\0\0\4y";
    CHECK(!conn_take_packet(&p.server, &payload));
    CHECK(net_filter_write(p.client.top, bytes, sizeof(bytes) - 1, CONN_FOREVER, &p.d).result ==
          NET_OK);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(str_eq(payload, STR("hello")));
    CHECK(conn_take_packet(&p.server, &payload) && str_eq(payload, STR("ok")));
    CHECK(conn_take_packet(&p.server, &payload) && payload.len == 0);
    CHECK(!conn_take_packet(&p.server, &payload));
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OUT_OF_ORDER);
    pair_release(&p);
}

FIBER_TEST(test_wrong_sequence_number_is_refused)
{
    struct pair p;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    CHECK(read_raw(&p, "\1\0\0\1x", 5) == NET_OUT_OF_ORDER);
    CHECK(p.d.error->code == ER_NET_PACKETS_OUT_OF_ORDER);
    pair_release(&p);
}

FIBER_TEST(test_end_between_packets_is_clean_and_within_is_not)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    conn_release(&p.client);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_EOF);
    CHECK(p.d.error == NULL);
    pair_release(&p);

    pair_init(&p, PIPE_LEN);
    CHECK(read_raw(&p, "\5\0\0\0he", 6) == NET_TIMEOUT);
    conn_release(&p.client);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_ERROR);
    CHECK(p.d.error->code == ER_NET_READ_ERROR);
    pair_release(&p);
}

static void interrupt_soon(void *arg)
{
    (void)fiber_sleep(5000);
    fiber_interrupt(arg, 1);
}

FIBER_TEST(test_interrupted_read_can_be_repeated)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    /* While waiting for a command, and within a packet. */
    struct fiber *other = start(interrupt_soon, fiber_self());
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_INTERRUPTED);
    fiber_clear_interrupt(1);
    fiber_join(other);
    CHECK(read_raw(&p, "\5\0\0\0he", 6) == NET_TIMEOUT);
    other = start(interrupt_soon, fiber_self());
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_INTERRUPTED);
    fiber_clear_interrupt(1);
    fiber_join(other);
    CHECK(read_raw(&p, "llo", 3) == NET_OK);
    pair_release(&p);
}

FIBER_TEST(test_flush_waits_for_a_slow_peer_and_goes_on)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, 1000);
    write_pattern(&p.server, 2500, 3);
    CHECK(conn_flush(&p.server, in_ms(5), &p.d) == NET_TIMEOUT);
    CHECK(p.d.error->code == ER_NET_WRITE_INTERRUPTED);
    for (int i = 0; i < 2; i++) {
        CHECK(conn_read_packet(&p.client, in_ms(0), &payload, &p.client_d) == NET_TIMEOUT);
        CHECK(conn_flush(&p.server, in_ms(5), &p.d) == (i == 0 ? NET_TIMEOUT : NET_OK));
    }
    CHECK(conn_read_packet(&p.client, in_ms(0), &payload, &p.client_d) == NET_OK);
    CHECK(is_pattern(payload, 2500, 3));
    pair_release(&p);
}

FIBER_TEST(test_flush_if_large_waits_for_more)
{
    struct pair p;
    (void)arg;
    pair_init(&p, (size_t)1 << 20);
    write_pattern(&p.server, CONN_FLUSH_LEN - 100, 0);
    CHECK(conn_flush_if_large(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(p.server.bytes_out == 0);
    write_pattern(&p.server, 100, 0);
    CHECK(conn_flush_if_large(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(p.server.bytes_out == CONN_FLUSH_LEN + 8);
    pair_release(&p);
}

FIBER_TEST(test_unsent_reply_can_be_taken_back)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    CHECK(read_raw(&p, "\1\0\0\0\3", 5) == NET_OK);
    write_packet(&p.server, STR("half a result"));
    CHECK(conn_discard_output(&p.server));
    write_packet(&p.server, STR("error"));
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    p.client.w.seq = 1;
    CHECK(conn_read_packet(&p.client, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(str_eq(payload, STR("error")));
    write_packet(&p.server, STR("more"));
    CHECK(!conn_discard_output(&p.server));
    pair_release(&p);
}

static void note_hangup(void *arg)
{
    *(bool *)arg = true;
}

FIBER_TEST(test_hangup_is_reported)
{
    struct pair p;
    bool hung_up = false;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    conn_on_hangup(&p.server, note_hangup, &hung_up);
    CHECK(!hung_up);
    conn_release(&p.client);
    CHECK(hung_up);
    pair_release(&p);
}

static void read_to_end(void *arg)
{
    struct pair *p = arg;
    struct str payload;
    p->client.w.seq = 0;
    CHECK(conn_read_packet(&p->client, CONN_FOREVER, &payload, &p->client_d) == NET_OK);
    CHECK(str_eq(payload, STR("bye")));
    CHECK(conn_read_packet(&p->client, CONN_FOREVER, &payload, &p->client_d) == NET_EOF);
    conn_release(&p->client);
}

FIBER_TEST(test_shutdown_sends_what_is_left_and_drops_what_comes)
{
    struct pair p;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    write_pattern(&p.client, 30000, 0);
    CHECK(conn_flush(&p.client, CONN_FOREVER, &p.d) == NET_OK);
    write_packet(&p.server, STR("bye"));
    struct fiber *reader = start(read_to_end, &p);
    conn_shutdown(&p.server, in_ms(1000));
    fiber_join(reader);
    pair_release(&p);
}

FIBER_TEST(test_idle_connection_keeps_no_buffers)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    CHECK(read_raw(&p, "\1\0\0\0\3", 5) == NET_OK);
    write_packet(&p.server, STR("ok"));
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(p.server.out.cap > 0 && p.server.in.bytes.cap > 0);
    conn_begin_command(&p.server);
    CHECK(conn_read_packet(&p.server, in_ms(1100), &payload, &p.d) == NET_TIMEOUT);
    CHECK(p.server.out.cap == 0 && p.server.in.bytes.cap == 0);
    CHECK(read_raw(&p, "\1\0\0\0\3", 5) == NET_OK);
    pair_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_travel_both_ways),
        cmocka_unit_test(test_large_packets_are_joined),
        cmocka_unit_test(test_packet_in_pieces_is_put_together),
        cmocka_unit_test(test_packet_beyond_the_limit_is_not_read),
        cmocka_unit_test(test_continued_packet_beyond_the_limit_is_not_read),
        cmocka_unit_test(test_packets_that_are_here_are_taken_without_waiting),
        cmocka_unit_test(test_wrong_sequence_number_is_refused),
        cmocka_unit_test(test_end_between_packets_is_clean_and_within_is_not),
        cmocka_unit_test(test_interrupted_read_can_be_repeated),
        cmocka_unit_test(test_flush_waits_for_a_slow_peer_and_goes_on),
        cmocka_unit_test(test_flush_if_large_waits_for_more),
        cmocka_unit_test(test_unsent_reply_can_be_taken_back),
        cmocka_unit_test(test_hangup_is_reported),
        cmocka_unit_test(test_shutdown_sends_what_is_left_and_drops_what_comes),
        cmocka_unit_test(test_idle_connection_keeps_no_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
