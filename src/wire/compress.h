/*
 * Header of a compressed packet.
 *
 *     +--------------------+-----+------------------+----------+
 *     | payload length (3) | seq | original len (3) | payload  |
 *     +--------------------+-----+------------------+----------+
 *
 * The original length is 0 when the payload is not compressed. The sequence numbers are their own,
 * restarted with every command, beside those of the packets inside. Compressing itself is done by
 * the net module. Source: MySQL source documentation, "Compressed Packet".
 */
#ifndef WIRE_COMPRESS_H
#define WIRE_COMPRESS_H

#include "base/base.h"
#include "base/str.h"
#include "wire/proto.h"

struct wire_compressed_header {
    uint32_t len; /* Bytes of payload that follow: at most WIRE_MAX_PACKET. */
    uint8_t seq;
    uint32_t original_len; /* Bytes after decompression; 0 = not compressed. */
};

void wire_encode_compressed_header(const struct wire_compressed_header *h,
                                   char out[WIRE_COMPRESSED_HEADER_LEN]);

/* bytes must hold at least WIRE_COMPRESSED_HEADER_LEN. */
void wire_decode_compressed_header(const char *bytes, struct wire_compressed_header *out);

#endif
