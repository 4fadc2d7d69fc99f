/* Events of compressed transactions. */
#include "binlog/payload.h"

#include "binlog/binlog_int.h"

#include <zstd.h>

void binlog_payload_reader_init(struct binlog_payload_reader *r)
{
    *r = (struct binlog_payload_reader){0};
    bytebuf_init(&r->buf, BINLOG_MAX_EVENT_LEN);
}

void binlog_payload_reader_release(struct binlog_payload_reader *r)
{
    (void)ZSTD_freeDStream(r->stream);
    r->stream = NULL;
    bytebuf_release(&r->buf);
}

int binlog_payload_start(struct binlog_payload_reader *r, const struct binlog_event *ev,
                         const struct binlog_payload *p, struct diag *d)
{
    r->event = ev;
    r->rest = p->data;
    r->is_zstd = p->compression == BINLOG_PAYLOAD_ZSTD;
    r->is_ended = false;
    r->taken = 0;
    r->wanted = p->uncompressed_len;
    bytebuf_reset(&r->buf);
    if (r->is_zstd && r->stream == NULL) {
        r->stream = ZSTD_createDStream();
    }
    if (r->is_zstd && (r->stream == NULL || ZSTD_isError(ZSTD_initDStream(r->stream)))) {
        return diag_set(d, ER_OUTOFMEMORY, 0);
    }
    return 0;
}

static enum binlog_next fail(const struct binlog_payload_reader *r, struct diag *d,
                             const char *what)
{
    (void)binlog_corrupt(d, r->event, "%s", what);
    return BINLOG_ERROR;
}

/* Uncompresses until buf holds len bytes or the data end. Returns -1 when they are malformed. */
static int fill_zstd(struct binlog_payload_reader *r, size_t len)
{
    ZSTD_inBuffer in = {.src = r->rest.p, .size = r->rest.len};
    char *room = bytebuf_reserve(&r->buf, len - r->buf.len);
    if (room == NULL) {
        return -1;
    }
    ZSTD_outBuffer out = {.dst = room, .size = len - r->buf.len};
    while (out.pos < out.size && !r->is_ended) {
        const size_t before = in.pos + out.pos;
        const size_t rc = ZSTD_decompressStream(r->stream, &out, &in);
        if (ZSTD_isError(rc) || (in.pos + out.pos == before && in.pos == in.size && rc != 0)) {
            return -1;
        }
        r->is_ended = rc == 0 && in.pos == in.size;
    }
    r->buf.len += out.pos;
    r->rest = str_from(r->rest.p + in.pos, r->rest.len - in.pos);
    return 0;
}

static int fill(struct binlog_payload_reader *r, size_t len)
{
    if (r->buf.len >= len || r->is_ended) {
        return 0;
    }
    if (r->is_zstd) {
        return fill_zstd(r, len);
    }
    const size_t n = MIN(len - r->buf.len, r->rest.len);
    bytebuf_put(&r->buf, r->rest.p, n);
    r->rest = str_from(r->rest.p + n, r->rest.len - n);
    return r->buf.failed ? -1 : 0;
}

enum binlog_next binlog_payload_next(struct binlog_payload_reader *r, struct binlog_event *out,
                                     struct diag *d)
{
    bytebuf_reset(&r->buf);
    if (fill(r, BINLOG_HEADER_LEN) != 0) {
        return fail(r, d, "its data cannot be uncompressed");
    }
    if (r->buf.len == 0) {
        return r->taken == r->wanted ? BINLOG_END : fail(r, d, "its uncompressed length is wrong");
    }
    const uint32_t size = binlog_peek_size(bytebuf_str(&r->buf));
    if (size < BINLOG_HEADER_LEN || size > r->wanted - MIN(r->taken, r->wanted)) {
        return fail(r, d, "an event within is longer than it is itself");
    }
    if (fill(r, size) != 0 || r->buf.len != size) {
        return fail(r, d, "an event within cannot be uncompressed");
    }
    r->taken += size;
    if (binlog_decode_nested_event(bytebuf_str(&r->buf), r->event->offset, out, d) != 0) {
        return BINLOG_ERROR;
    }
    return BINLOG_ITEM;
}
