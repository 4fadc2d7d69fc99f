/* fuzz: wire base */
/*
 * Rows. The first byte is the number of columns, then come their types, then the row. A binary row
 * that is decoded is encoded and decoded again, and must be the same.
 */
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    COLUMNS_MAX = 32,
};

static void check_again(const struct wire_value *values, const struct wire_value_type *types,
                        size_t count)
{
    struct wire_value again[COLUMNS_MAX];
    struct bytebuf buf;
    struct pkt_writer w;
    bytebuf_init(&buf, 1 << 24);
    pkt_writer_init(&w, &buf);
    pkt_begin(&w);
    wire_encode_binary_row(&w, values, count);
    if (pkt_end(&w) == 0) {
        const struct str payload = str_from(buf.p + WIRE_HEADER_LEN, buf.len - WIRE_HEADER_LEN);
        const int rc = wire_decode_binary_row(payload, types, count, again);
        assert(rc == 0);
        for (size_t i = 0; i < count; i++) {
            assert(again[i].kind == values[i].kind);
            assert(again[i].kind != WIRE_VALUE_BYTES || str_eq(again[i].s, values[i].s));
        }
        (void)rc;
    }
    bytebuf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pkt_reader r;
    struct wire_value_type types[COLUMNS_MAX];
    struct wire_value values[COLUMNS_MAX];
    struct str texts[COLUMNS_MAX];
    pkt_reader_init(&r, str_from((const char *)data, size));
    const size_t count = pkt_get_u8(&r) % COLUMNS_MAX;
    for (size_t i = 0; i < count; i++) {
        types[i].type = pkt_get_u8(&r);
        types[i].is_unsigned = i % 2 == 0;
    }
    if (pkt_reader_failed(&r)) {
        return 0;
    }
    const struct str payload = pkt_get_rest(&r);
    if (wire_decode_binary_row(payload, types, count, values) == 0) {
        check_again(values, types, count);
    }
    return wire_decode_text_row(payload, count, texts) > 0;
}
