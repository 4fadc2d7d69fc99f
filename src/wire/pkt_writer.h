/*
 * pkt_writer: writes framed packets into a bytebuf.
 *
 *     +--------------+-----+-------------------+
 *     | length (3)   | seq | payload           |   integers are little-endian
 *     +--------------+-----+-------------------+
 *
 * pkt_begin() leaves room for the header, pkt_end() fills it in. Puts are sticky: when one does not
 * fit under the buffer's ceiling, it and all later puts of this packet do nothing, and pkt_end()
 * takes the whole packet back and returns -1, so that the buffer holds only whole packets and
 * another one (an error, say) can follow. A payload of WIRE_MAX_PACKET bytes or more is cut into
 * continuation packets by pkt_end().
 *
 * For rows, written by the million, there is a path without a check per value: pkt_row_begin()
 * reserves once, the pkt_raw_*() functions write through a pointer, pkt_row_end() closes.
 *
 * Source: MySQL source documentation, "Protocol Basics": MySQL Packets, Integer Types, String
 * Types. Not thread-safe.
 */
#ifndef WIRE_PKT_WRITER_H
#define WIRE_PKT_WRITER_H

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/str.h"
#include "wire/proto.h"

struct pkt_writer {
    struct bytebuf *buf; /* Borrowed; whole packets are appended to it. */
    size_t start;        /* Offset in buf of the header of the packet being written. */
    uint8_t seq;         /* Sequence number of the next packet. */
};

/* Longest lenenc integer. */
enum {
    PKT_LENENC_MAX = 9,
};

/* A writer on buf, with the sequence number 0. */
void pkt_writer_init(struct pkt_writer *w, struct bytebuf *buf);

/* Starts a packet. */
void pkt_begin(struct pkt_writer *w);

/* Ends the packet. Returns 0, or -1 when it did not fit under the buffer's ceiling and was taken
 * back. */
NODISCARD int pkt_end(struct pkt_writer *w);

/* Takes back the packet being written; another may be begun. */
void pkt_abort(struct pkt_writer *w);

/* Bytes of payload written since pkt_begin(). */
NODISCARD size_t pkt_payload_len(const struct pkt_writer *w);

/* Room for len bytes behind the payload, or NULL when the packet has failed; for the inline puts
 * below. */
NODISCARD char *pkt_room_slow(struct pkt_writer *w, size_t len);

static inline char *pkt_room(struct pkt_writer *w, size_t len)
{
    struct bytebuf *b = w->buf;
    if (LIKELY(b->p != NULL && b->cap - b->len >= len && !b->failed)) {
        return b->p + b->len;
    }
    return pkt_room_slow(w, len);
}

/*
 * Raw stores: write at p, where the caller has made sure of room, and return the byte behind.
 * Unaligned, little-endian on every machine.
 */
static inline char *pkt_raw_uint(char *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        p[i] = (char)(uint8_t)(v >> (8 * i));
    }
    return p + bytes;
}

/* At most PKT_LENENC_MAX bytes. */
static inline char *pkt_raw_lenenc(char *p, uint64_t v)
{
    if (LIKELY(v < 251)) {
        *p = (char)(uint8_t)v;
        return p + 1;
    }
    const unsigned bytes = v <= 0xffff ? 2 : v <= 0xffffff ? 3 : 8;
    *p = (char)(bytes == 8 ? 0xfe : 0xfa + bytes);
    return pkt_raw_uint(p + 1, v, bytes);
}

/* At most PKT_LENENC_MAX + len bytes. */
static inline char *pkt_raw_lenenc_str(char *p, const char *s, size_t len)
{
    p = pkt_raw_lenenc(p, len);
    if (LIKELY(len > 0)) {
        memcpy(p, s, len);
    }
    return p + len;
}

/* The NULL of a text row: one byte. */
static inline char *pkt_raw_null(char *p)
{
    *p = (char)0xfb;
    return p + 1;
}

/* Integers of 1, 2, 3, 4, 8 bytes. */
static inline void pkt_put_uint(struct pkt_writer *w, uint64_t v, unsigned bytes)
{
    char *p = pkt_room(w, bytes);
    if (LIKELY(p != NULL)) {
        (void)pkt_raw_uint(p, v, bytes);
        w->buf->len += bytes;
    }
}

static inline void pkt_put_u8(struct pkt_writer *w, uint8_t v)
{
    pkt_put_uint(w, v, 1);
}

static inline void pkt_put_u16(struct pkt_writer *w, uint16_t v)
{
    pkt_put_uint(w, v, 2);
}

static inline void pkt_put_u24(struct pkt_writer *w, uint32_t v)
{
    pkt_put_uint(w, v, 3);
}

static inline void pkt_put_u32(struct pkt_writer *w, uint32_t v)
{
    pkt_put_uint(w, v, 4);
}

static inline void pkt_put_u64(struct pkt_writer *w, uint64_t v)
{
    pkt_put_uint(w, v, 8);
}

/* Length-encoded integer. */
void pkt_put_lenenc(struct pkt_writer *w, uint64_t v);

/* Length-encoded string. */
void pkt_put_lenenc_str(struct pkt_writer *w, struct str s);

/* The bytes as they are. */
void pkt_put_bytes(struct pkt_writer *w, const void *p, size_t len);
void pkt_put_str(struct pkt_writer *w, struct str s);

/* The bytes up to the first NUL among them (what follows could not be told apart), and a NUL. */
void pkt_put_nul_str(struct pkt_writer *w, struct str s);

/* count zero bytes. */
void pkt_put_zero(struct pkt_writer *w, size_t count);

/*
 * Starts a packet whose payload is at most max_len bytes. Returns where to write it with the
 * pkt_raw_*() functions, or NULL when it does not fit under the ceiling (then nothing was begun).
 */
static inline char *pkt_row_begin(struct pkt_writer *w, size_t max_len)
{
    w->start = w->buf->len;
    char *p = pkt_room(w, WIRE_HEADER_LEN + max_len);
    if (UNLIKELY(p == NULL)) {
        pkt_abort(w);
        return NULL;
    }
    return p + WIRE_HEADER_LEN;
}

/* Ends the packet of pkt_row_begin(); end is the byte behind the payload. Returns as pkt_end(). */
NODISCARD int pkt_row_end_large(struct pkt_writer *w, size_t payload_len);

NODISCARD static inline int pkt_row_end(struct pkt_writer *w, const char *end)
{
    char *header = w->buf->p + w->start;
    const size_t len = (size_t)(end - header) - WIRE_HEADER_LEN;
    if (UNLIKELY(len >= WIRE_MAX_PACKET)) {
        return pkt_row_end_large(w, len);
    }
    (void)pkt_raw_uint(header, len | (uint64_t)w->seq++ << 24, WIRE_HEADER_LEN);
    w->buf->len = w->start + WIRE_HEADER_LEN + len;
    return 0;
}

#endif
