/* The compressed protocol over a pipe: round trips, what does not shrink, and broken input. */
#include "net_test.h"

#include "wire/compress.h"

static void start_compression(struct pair *p, enum compression_kind kind)
{
    CHECK(conn_start_compression(&p->client, kind, 0, &p->d) == 0);
    CHECK(conn_start_compression(&p->server, kind, 0, &p->d) == 0);
}

static const size_t lengths[] = {
    0, 1, 49, 50, 1000, 300000, WIRE_MAX_PACKET, WIRE_MAX_PACKET + 5, 2 * WIRE_MAX_PACKET + 7,
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

static void check_round_trip(enum compression_kind kind)
{
    struct pair p;
    struct str payload;
    pair_init(&p, PIPE_LEN);
    start_compression(&p, kind);
    struct fiber *sender = start(send_lengths, &p);
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        conn_begin_command(&p.server);
        CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OK);
        CHECK(is_pattern(payload, lengths[i], i));
    }
    fiber_join(sender);
    pair_release(&p);
}

FIBER_TEST(test_zlib_round_trip)
{
    (void)arg;
    check_round_trip(COMPRESSION_ZLIB);
}

FIBER_TEST(test_zstd_round_trip)
{
    (void)arg;
    check_round_trip(COMPRESSION_ZSTD);
}

/* Reads n bytes that the server sent, below its compression. */
static void read_below(struct pair *p, char *buf, size_t n)
{
    for (size_t have = 0; have < n;) {
        const struct net_io io =
            net_filter_read(p->client.top, buf + have, n - have, in_ms(100), &p->d);
        CHECK(io.result == NET_OK);
        have += io.len;
    }
}

FIBER_TEST(test_only_what_shrinks_is_compressed)
{
    struct pair p;
    char head[WIRE_COMPRESSED_HEADER_LEN + 3000];
    struct wire_compressed_header h;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    CHECK(conn_start_compression(&p.server, COMPRESSION_ZLIB, 0, &p.d) == 0);
    /* Short. */
    write_packet(&p.server, STR("ok"));
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    read_below(&p, head, WIRE_COMPRESSED_HEADER_LEN + 6);
    wire_decode_compressed_header(head, &h);
    CHECK(h.len == 6 && h.seq == 0 && h.original_len == 0);
    /* Random. */
    char *row = pkt_row_begin(&p.server.w, 2000);
    uint32_t x = 1;
    for (int i = 0; i < 2000; i++) {
        x = x * 1664525 + 1013904223;
        row[i] = (char)(x >> 24);
    }
    CHECK(pkt_row_end(&p.server.w, row + 2000) == 0);
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    read_below(&p, head, WIRE_COMPRESSED_HEADER_LEN + 2004);
    wire_decode_compressed_header(head, &h);
    CHECK(h.len == 2004 && h.seq == 1 && h.original_len == 0);
    /* Compressible. */
    write_pattern(&p.server, 2000, 0);
    CHECK(conn_flush(&p.server, CONN_FOREVER, &p.d) == NET_OK);
    read_below(&p, head, WIRE_COMPRESSED_HEADER_LEN);
    wire_decode_compressed_header(head, &h);
    CHECK(h.len < 2004 && h.seq == 2 && h.original_len == 2004);
    pair_release(&p);
}

FIBER_TEST(test_packets_received_early_are_decompressed)
{
    struct pair p;
    struct str payload;
    (void)arg;
    pair_init(&p, PIPE_LEN);
    /* The client's last plain packet and its first compressed one arrive together. */
    write_packet(&p.client, STR("login"));
    CHECK(conn_flush(&p.client, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(conn_start_compression(&p.client, COMPRESSION_ZSTD, 0, &p.d) == 0);
    conn_begin_command(&p.client);
    write_pattern(&p.client, 1000, 1);
    CHECK(conn_flush(&p.client, CONN_FOREVER, &p.d) == NET_OK);
    CHECK(conn_read_packet(&p.server, CONN_FOREVER, &payload, &p.d) == NET_OK);
    CHECK(str_eq(payload, STR("login")));
    CHECK(conn_start_compression(&p.server, COMPRESSION_ZSTD, 0, &p.d) == 0);
    conn_begin_command(&p.server);
    CHECK(conn_read_packet(&p.server, in_ms(100), &payload, &p.d) == NET_OK);
    CHECK(is_pattern(payload, 1000, 1));
    pair_release(&p);
}

/* A server that expects compression gets these bytes. Returns the result and leaves the error in
 * p->d. */
static enum net_result read_broken(enum compression_kind kind,
                                   const struct wire_compressed_header *h, struct str body,
                                   int *out_code)
{
    struct pair p;
    struct str payload;
    char head[WIRE_COMPRESSED_HEADER_LEN];
    pair_init(&p, PIPE_LEN);
    CHECK(conn_start_compression(&p.server, kind, 0, &p.d) == 0);
    wire_encode_compressed_header(h, head);
    CHECK(net_filter_write(p.client.top, head, sizeof(head), CONN_FOREVER, &p.d).result == NET_OK);
    CHECK(net_filter_write(p.client.top, body.p, body.len, CONN_FOREVER, &p.d).result == NET_OK);
    const enum net_result r = conn_read_packet(&p.server, in_ms(20), &payload, &p.d);
    *out_code = p.d.error != NULL ? p.d.error->code : 0;
    pair_release(&p);
    return r;
}

FIBER_TEST(test_broken_input_is_refused)
{
    static const enum compression_kind kinds[] = {COMPRESSION_ZLIB, COMPRESSION_ZSTD};
    int code;
    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct wire_compressed_header garbage = {.len = 7, .original_len = 100};
        CHECK(read_broken(kinds[i], &garbage, STR("garbage"), &code) == NET_ERROR);
        CHECK(code == ER_NET_UNCOMPRESS_ERROR);
        const struct wire_compressed_header none = {.len = 0, .original_len = WIRE_MAX_PACKET};
        CHECK(read_broken(kinds[i], &none, STR(""), &code) == NET_ERROR);
        const struct wire_compressed_header late = {.len = 5, .seq = 9};
        CHECK(read_broken(kinds[i], &late, STR("\1\0\0\0x"), &code) == NET_OUT_OF_ORDER);
        const struct wire_compressed_header cut = {.len = 100};
        CHECK(read_broken(kinds[i], &cut, STR("\1\0\0\0x"), &code) == NET_TIMEOUT);
    }
    /* 5 bytes, said to be 6. */
    const struct wire_compressed_header more = {.len = 13, .original_len = 6};
    CHECK(read_broken(COMPRESSION_ZLIB, &more,
                      STR("\x78\x9c\x63\x64\x60\x60\xa8\x00\x00\x00\x7e\x00\x7a"),
                      &code) == NET_ERROR);
}

FIBER_TEST(test_stalled_write_goes_on)
{
    struct pair p;
    struct str payload;
    enum net_result r = NET_TIMEOUT;
    (void)arg;
    pair_init(&p, 100);
    start_compression(&p, COMPRESSION_ZLIB);
    conn_begin_command(&p.client);
    write_pattern(&p.client, 20000, 5);
    int turns = 0;
    while (r == NET_TIMEOUT) {
        const enum net_result w = conn_flush(&p.client, in_ms(1), &p.client_d);
        CHECK(w == NET_TIMEOUT || w == NET_OK);
        r = conn_read_packet(&p.server, in_ms(0), &payload, &p.d);
        turns++;
    }
    CHECK(r == NET_OK && turns > 2);
    CHECK(is_pattern(payload, 20000, 5));
    pair_release(&p);
}

FIBER_TEST(test_describe_names_the_method)
{
    struct pair p;
    struct net_info info;
    (void)arg;
    pair_init(&p, 100);
    conn_describe(&p.client, &info);
    CHECK(info.compression == NULL && info.tls_version == NULL);
    start_compression(&p, COMPRESSION_ZSTD);
    conn_describe(&p.client, &info);
    CHECK(strcmp(info.compression, "zstd") == 0 && info.compression_level == 3);
    pair_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zlib_round_trip),
        cmocka_unit_test(test_zstd_round_trip),
        cmocka_unit_test(test_only_what_shrinks_is_compressed),
        cmocka_unit_test(test_packets_received_early_are_decompressed),
        cmocka_unit_test(test_broken_input_is_refused),
        cmocka_unit_test(test_stalled_write_goes_on),
        cmocka_unit_test(test_describe_names_the_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
