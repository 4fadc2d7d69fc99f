#include "wire/pkt_writer.h"

#include "wire/proto.h"

void pkt_writer_init(struct pkt_writer *w, struct bytebuf *buf)
{
    *w = (struct pkt_writer){.buf = buf, .start = buf->len};
}

void pkt_begin(struct pkt_writer *w)
{
    w->start = w->buf->len;
    pkt_put_zero(w, WIRE_HEADER_LEN);
}

void pkt_abort(struct pkt_writer *w)
{
    w->buf->len = w->start;
    w->buf->failed = false;
}

/*
 * Cuts a payload of WIRE_MAX_PACKET bytes or more, which lies in one piece behind its first header,
 * into packets. The pieces are moved from the last to the first, each by the headers that come
 * before it. The last is shorter than WIRE_MAX_PACKET, and empty if need be: that is how the reader
 * knows the end.
 */
static int split_payload(struct pkt_writer *w, size_t len)
{
    const size_t extra = len / WIRE_MAX_PACKET;
    w->buf->len = w->start + WIRE_HEADER_LEN + len;
    if (bytebuf_reserve(w->buf, extra * WIRE_HEADER_LEN) == NULL) {
        pkt_abort(w);
        return -1;
    }
    char *header = w->buf->p + w->start;
    char *payload = header + WIRE_HEADER_LEN;
    for (size_t i = extra + 1; i-- > 0;) {
        const size_t from = i * WIRE_MAX_PACKET;
        const size_t piece = MIN(len - from, (size_t)WIRE_MAX_PACKET);
        char *to = payload + from + i * WIRE_HEADER_LEN;
        memmove(to, payload + from, piece);
        (void)pkt_raw_uint(to - WIRE_HEADER_LEN, piece, 3);
        to[-1] = (char)(uint8_t)(w->seq + i);
    }
    w->seq = (uint8_t)(w->seq + extra + 1);
    w->buf->len += extra * WIRE_HEADER_LEN;
    return 0;
}

int pkt_row_end_large(struct pkt_writer *w, size_t payload_len)
{
    return split_payload(w, payload_len);
}

int pkt_end(struct pkt_writer *w)
{
    if (w->buf->failed) {
        pkt_abort(w);
        return -1;
    }
    return pkt_row_end(w, w->buf->p + w->buf->len);
}

size_t pkt_payload_len(const struct pkt_writer *w)
{
    const size_t len = w->buf->len - w->start;
    return len > WIRE_HEADER_LEN ? len - WIRE_HEADER_LEN : 0;
}

char *pkt_room_slow(struct pkt_writer *w, size_t len)
{
    return w->buf->failed ? NULL : bytebuf_reserve(w->buf, len);
}

void pkt_put_lenenc(struct pkt_writer *w, uint64_t v)
{
    char *p = pkt_room(w, PKT_LENENC_MAX);
    if (LIKELY(p != NULL)) {
        w->buf->len += (size_t)(pkt_raw_lenenc(p, v) - p);
    }
}

void pkt_put_lenenc_str(struct pkt_writer *w, struct str s)
{
    pkt_put_lenenc(w, s.len);
    pkt_put_bytes(w, s.p, s.len);
}

void pkt_put_bytes(struct pkt_writer *w, const void *p, size_t len)
{
    char *to = pkt_room(w, len);
    if (LIKELY(to != NULL && len > 0)) {
        memcpy(to, p, len);
        w->buf->len += len;
    }
}

void pkt_put_str(struct pkt_writer *w, struct str s)
{
    pkt_put_bytes(w, s.p, s.len);
}

void pkt_put_nul_str(struct pkt_writer *w, struct str s)
{
    const char *nul = s.len ? memchr(s.p, '\0', s.len) : NULL;
    pkt_put_bytes(w, s.p, nul ? (size_t)(nul - s.p) : s.len);
    pkt_put_u8(w, 0);
}

void pkt_put_zero(struct pkt_writer *w, size_t count)
{
    char *p = pkt_room(w, count);
    if (LIKELY(p != NULL && count > 0)) {
        memset(p, 0, count);
        w->buf->len += count;
    }
}
