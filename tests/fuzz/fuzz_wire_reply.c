/* fuzz: wire base */
/* Replies of servers, which an upstream could garble. The first eight bytes are capabilities. */
#include "wire/column.h"
#include "wire/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_tracks(struct str tracks)
{
    struct pkt_reader r;
    struct wire_track t;
    pkt_reader_init(&r, tracks);
    while (wire_track_next(&r, &t)) {
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pkt_reader r;
    struct wire_ok ok;
    struct wire_err err;
    struct wire_eof eof;
    struct wire_result_head head;
    struct wire_prepare_ok prepared;
    struct wire_column column;
    struct str name;
    pkt_reader_init(&r, str_from((const char *)data, size));
    const uint64_t caps = pkt_get_u64(&r);
    const struct str payload = pkt_get_rest(&r);
    int rc = wire_decode_ok(payload, caps, &ok);
    if (rc == 0) {
        walk_tracks(ok.tracks);
    }
    walk_tracks(payload);
    rc |= wire_decode_err(payload, &err);
    rc |= wire_decode_eof(payload, &eof);
    rc |= wire_decode_result_head(payload, caps, &head);
    rc |= wire_decode_prepare_ok(payload, caps, &prepared);
    rc |= wire_decode_column(payload, caps, &column);
    rc |= wire_decode_local_infile(payload, &name);
    rc |= (int)wire_row_kind(payload, caps);
    (void)rc;
    return 0;
}
