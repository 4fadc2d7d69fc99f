#include "wire/column.h"

enum {
    FIXED_LEN = 0x0c, /* Length of the fixed part, sent before it. */
};

void wire_encode_column(struct pkt_writer *w, uint64_t capabilities, const struct wire_column *c)
{
    pkt_put_lenenc_str(w, STR("def"));
    pkt_put_lenenc_str(w, c->schema);
    pkt_put_lenenc_str(w, c->table);
    pkt_put_lenenc_str(w, c->org_table);
    pkt_put_lenenc_str(w, c->name);
    pkt_put_lenenc_str(w, c->org_name);
    if (capabilities & MARIADB_CLIENT_EXTENDED_METADATA) {
        pkt_put_lenenc_str(w, c->extended);
    }
    pkt_put_u8(w, FIXED_LEN);
    pkt_put_u16(w, c->collation);
    pkt_put_u32(w, c->length);
    pkt_put_u8(w, c->type);
    pkt_put_u16(w, c->flags);
    pkt_put_u8(w, c->decimals);
    pkt_put_u16(w, 0);
    if (c->has_default && c->default_value.p != NULL) {
        pkt_put_lenenc_str(w, c->default_value);
    } else if (c->has_default) {
        pkt_put_u8(w, 0xfb);
    }
}

int wire_decode_column(struct str payload, uint64_t capabilities, struct wire_column *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_column){0};
    pkt_get_lenenc_str(&r); /* The catalog, always "def". */
    out->schema = pkt_get_lenenc_str(&r);
    out->table = pkt_get_lenenc_str(&r);
    out->org_table = pkt_get_lenenc_str(&r);
    out->name = pkt_get_lenenc_str(&r);
    out->org_name = pkt_get_lenenc_str(&r);
    if (capabilities & MARIADB_CLIENT_EXTENDED_METADATA) {
        out->extended = pkt_get_lenenc_str(&r);
    }
    const uint8_t fixed_len = pkt_get_u8(&r);
    out->collation = pkt_get_u16(&r);
    out->length = pkt_get_u32(&r);
    out->type = pkt_get_u8(&r);
    out->flags = pkt_get_u16(&r);
    out->decimals = pkt_get_u8(&r);
    pkt_skip(&r, 2);
    if (pkt_reader_left(&r) > 0) {
        out->has_default = true;
        pkt_get_nullable_str(&r, &out->default_value);
    }
    return pkt_reader_ok(&r) && fixed_len == FIXED_LEN ? 0 : -1;
}
