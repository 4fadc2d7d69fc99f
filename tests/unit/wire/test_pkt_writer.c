/* Framing, sticky failure, continuation packets, the fast path for rows. */
#include "wire_test.h"

struct fixture {
    struct bytebuf buf;
    struct pkt_writer w;
};

static void fixture_init(struct fixture *f, size_t max)
{
    bytebuf_init(&f->buf, max);
    pkt_writer_init(&f->w, &f->buf);
}

static void test_puts_frame_little_endian_fields(void **state)
{
    (void)state;
    static const char expected[] = "\x1d\0\0\7"
                                   "\1\2\1\3\2\1\4\3\2\1\x08\7\6\5\4\3\2\1"
                                   "\3abcxy\0q\0\0\0";
    struct fixture f;
    fixture_init(&f, 1000);
    f.w.seq = 7;
    pkt_begin(&f.w);
    pkt_put_u8(&f.w, 1);
    pkt_put_u16(&f.w, 0x0102);
    pkt_put_u24(&f.w, 0x010203);
    pkt_put_u32(&f.w, 0x01020304);
    pkt_put_u64(&f.w, 0x0102030405060708);
    pkt_put_lenenc_str(&f.w, STR("abc"));
    pkt_put_nul_str(&f.w, STR("xy\0z"));
    pkt_put_str(&f.w, STR("q"));
    pkt_put_zero(&f.w, 3);
    assert_int_equal(pkt_payload_len(&f.w), 29);
    assert_int_equal(pkt_end(&f.w), 0);
    assert_str_equal(bytebuf_str(&f.buf), str_from(expected, sizeof(expected) - 1));
    assert_int_equal(f.w.seq, 8);
    bytebuf_release(&f.buf);
}

static void test_lenenc_uses_shortest_form(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        struct str bytes;
    } cases[] = {
        {0, STR_INIT("\0")},
        {250, STR_INIT("\xfa")},
        {251, STR_INIT("\xfc\xfb\0")},
        {65535, STR_INIT("\xfc\xff\xff")},
        {65536, STR_INIT("\xfd\0\0\1")},
        {0xffffff, STR_INIT("\xfd\xff\xff\xff")},
        {0x1000000, STR_INIT("\xfe\0\0\0\1\0\0\0\0")},
        {UINT64_MAX, STR_INIT("\xfe\xff\xff\xff\xff\xff\xff\xff\xff")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct message m;
        message_init(&m);
        pkt_put_lenenc(&m.w, cases[i].value);
        const struct str payload = message_end(&m);
        assert_str_equal(payload, cases[i].bytes);
        struct pkt_reader r;
        pkt_reader_init(&r, payload);
        assert_true(pkt_get_lenenc(&r) == cases[i].value);
        assert_true(pkt_reader_ok(&r));
        message_release(&m);
    }
}

static void test_end_takes_back_a_packet_beyond_the_ceiling(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 64);
    pkt_begin(&f.w);
    pkt_put_str(&f.w, STR("first"));
    assert_int_equal(pkt_end(&f.w), 0);
    const size_t len = f.buf.len;

    pkt_begin(&f.w);
    pkt_put_zero(&f.w, 100);
    pkt_put_u8(&f.w, 1);
    assert_int_equal(pkt_end(&f.w), -1);
    assert_int_equal(f.buf.len, len);
    assert_int_equal(f.w.seq, 1);

    pkt_begin(&f.w);
    pkt_put_u8(&f.w, 0xff);
    assert_int_equal(pkt_end(&f.w), 0);
    assert_int_equal(f.buf.len, len + 5);
    bytebuf_release(&f.buf);
}

static void test_row_begin_beyond_the_ceiling_begins_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, 64);
    assert_null(pkt_row_begin(&f.w, 100));
    char *p = pkt_row_begin(&f.w, 10);
    assert_non_null(p);
    p = pkt_raw_lenenc_str(p, "ab", 2);
    p = pkt_raw_null(p);
    assert_int_equal(pkt_row_end(&f.w, p), 0);
    assert_str_equal(bytebuf_str(&f.buf), STR("\4\0\0\0\2ab\xfb"));
    bytebuf_release(&f.buf);
}

/* Writes a payload of len bytes and checks the packets it becomes. */
static void check_split(size_t len)
{
    struct fixture f;
    fixture_init(&f, (size_t)1 << 26);
    f.w.seq = 254;
    char *p = pkt_row_begin(&f.w, len);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        p[i] = (char)(i * 31 >> 8);
    }
    assert_int_equal(pkt_row_end(&f.w, p + len), 0);

    const uint8_t *q = (const uint8_t *)f.buf.p;
    const uint8_t *end = q + f.buf.len;
    uint8_t seq = 254;
    size_t at = 0;
    size_t piece = WIRE_MAX_PACKET;
    while (piece == WIRE_MAX_PACKET) {
        assert_true(end - q >= WIRE_HEADER_LEN);
        piece = (size_t)q[0] | (size_t)q[1] << 8 | (size_t)q[2] << 16;
        assert_int_equal(q[3], seq++);
        q += WIRE_HEADER_LEN;
        assert_int_equal(piece, MIN(len - at, (size_t)WIRE_MAX_PACKET));
        for (size_t i = 0; i < piece; i += 997) {
            assert_int_equal((char)q[i], (char)((at + i) * 31 >> 8));
        }
        q += piece;
        at += piece;
    }
    assert_ptr_equal(q, end);
    assert_int_equal(at, len);
    assert_int_equal(f.w.seq, seq);
    bytebuf_release(&f.buf);
}

static void test_large_payload_is_cut_into_continuations(void **state)
{
    (void)state;
    check_split(WIRE_MAX_PACKET - 1);
    check_split(WIRE_MAX_PACKET);
    check_split(WIRE_MAX_PACKET + 1);
    check_split((size_t)2 * WIRE_MAX_PACKET);
    check_split((size_t)2 * WIRE_MAX_PACKET + 12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts_frame_little_endian_fields),
        cmocka_unit_test(test_lenenc_uses_shortest_form),
        cmocka_unit_test(test_end_takes_back_a_packet_beyond_the_ceiling),
        cmocka_unit_test(test_row_begin_beyond_the_ceiling_begins_nothing),
        cmocka_unit_test(test_large_payload_is_cut_into_continuations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
