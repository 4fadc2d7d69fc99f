#include "wire/compress.h"

#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"

void wire_encode_compressed_header(const struct wire_compressed_header *h,
                                   char out[WIRE_COMPRESSED_HEADER_LEN])
{
    char *p = pkt_raw_uint(out, h->len, 3);
    p = pkt_raw_uint(p, h->seq, 1);
    (void)pkt_raw_uint(p, h->original_len, 3);
}

void wire_decode_compressed_header(const char *bytes, struct wire_compressed_header *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, str_from(bytes, WIRE_COMPRESSED_HEADER_LEN));
    out->len = pkt_get_u24(&r);
    out->seq = pkt_get_u8(&r);
    out->original_len = pkt_get_u24(&r);
}
