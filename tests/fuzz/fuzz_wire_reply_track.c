/* fuzz: wire base */
/* A stream of packets from a server, followed as a relay does. Byte 0: command; bytes 1-8:
 * capabilities; then packets, each with a two-byte length. */
#include "wire/reply_track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pkt_reader r;
    struct reply_track t;
    pkt_reader_init(&r, str_from((const char *)data, size));
    const uint8_t command = pkt_get_u8(&r);
    reply_track_begin(&t, command, pkt_get_u64(&r));
    while (!t.done && !r.failed) {
        const uint16_t len = pkt_get_u16(&r);
        const size_t claimed = len == UINT16_MAX ? WIRE_MAX_PACKET : len;
        const struct str payload = pkt_get_bytes(&r, MIN(len, (uint16_t)512));
        if (r.failed) {
            break;
        }
        const uint8_t first = payload.len > 0 ? (uint8_t)payload.p[0] : 0;
        const bool whole = reply_track_needs_whole(&t, first, claimed);
        const struct str part = str_from(payload.p, MIN(payload.len, whole ? payload.len : 1));
        if (reply_track_packet(&t, part, claimed) == REPLY_MALFORMED) {
            break;
        }
    }
    return 0;
}
