/*
 * pkt_reader: reads a payload that may not be trusted. It cannot read outside of the payload: once
 * a get would, the reader has failed, and this and every later get returns 0, an empty or NULL str.
 * The user decodes straight through and asks once, at the end: pkt_reader_ok() when all bytes must
 * have been used, pkt_reader_failed() when the rest does not matter.
 *
 * Strings borrow from the payload. Source: MySQL source documentation, "Protocol Basics". Not
 * thread-safe.
 */
#ifndef WIRE_PKT_READER_H
#define WIRE_PKT_READER_H

#include "base/base.h"
#include "base/str.h"

struct pkt_reader {
    const char *p;   /* Next byte. */
    const char *end; /* Behind the payload. */
    bool failed;
};

static inline void pkt_reader_init(struct pkt_reader *r, struct str payload)
{
    *r = (struct pkt_reader){.p = payload.p,
                             .end = payload.len ? payload.p + payload.len : payload.p};
}

static inline bool pkt_reader_failed(const struct pkt_reader *r)
{
    return r->failed;
}

/* Nothing has failed and the payload has been used up. */
static inline bool pkt_reader_ok(const struct pkt_reader *r)
{
    return !r->failed && r->p == r->end;
}

/* Bytes left. */
static inline size_t pkt_reader_left(const struct pkt_reader *r)
{
    return (size_t)(r->end - r->p);
}

/* Marks the reader as failed: for values that are well-formed but not allowed. */
void pkt_reader_fail(struct pkt_reader *r);

/* The next len bytes, used up; NULL, with the reader failed, when there are fewer. */
NODISCARD static inline const char *pkt_take(struct pkt_reader *r, size_t len)
{
    /* A reader that has failed is at its end. */
    if (UNLIKELY(pkt_reader_left(r) < len || (len == 0 && r->failed))) {
        pkt_reader_fail(r);
        return NULL;
    }
    const char *p = r->p;
    if (len > 0) {
        r->p += len;
    }
    return p;
}

/* The next byte without using it up; -1 at the end. */
NODISCARD static inline int pkt_peek_u8(const struct pkt_reader *r)
{
    return r->p == r->end ? -1 : (int)(uint8_t)*r->p;
}

/* Little-endian integer of 1 to 8 bytes. */
NODISCARD uint64_t pkt_get_uint(struct pkt_reader *r, unsigned bytes);

NODISCARD static inline uint8_t pkt_get_u8(struct pkt_reader *r)
{
    const uint8_t *p = (const uint8_t *)pkt_take(r, 1);
    return p != NULL ? p[0] : 0;
}

NODISCARD static inline uint16_t pkt_get_u16(struct pkt_reader *r)
{
    const uint8_t *p = (const uint8_t *)pkt_take(r, 2);
    return p != NULL ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

NODISCARD static inline uint32_t pkt_get_u24(struct pkt_reader *r)
{
    const uint8_t *p = (const uint8_t *)pkt_take(r, 3);
    return p != NULL ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 : 0;
}

NODISCARD static inline uint32_t pkt_get_u32(struct pkt_reader *r)
{
    const uint8_t *p = (const uint8_t *)pkt_take(r, 4);
    return p != NULL ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

NODISCARD static inline uint64_t pkt_get_u64(struct pkt_reader *r)
{
    const uint8_t *p = (const uint8_t *)pkt_take(r, 8);
    return p != NULL ? p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
                           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
                           (uint64_t)p[7] << 56
                     : 0;
}

/* pkt_get_lenenc() of more than one byte, which is first. */
uint64_t pkt_get_long_lenenc(struct pkt_reader *r, uint8_t first);

/* Length-encoded integer; the NULL mark 0xfb and the error mark 0xff are failures. */
static inline uint64_t pkt_get_lenenc(struct pkt_reader *r)
{
    const uint8_t first = pkt_get_u8(r);
    return LIKELY(first < 0xfb) ? first : pkt_get_long_lenenc(r, first);
}

/* len bytes. */
NODISCARD static inline struct str pkt_get_bytes(struct pkt_reader *r, size_t len)
{
    const char *p = pkt_take(r, len);
    return p != NULL ? str_from(p, len) : STR_NULL;
}

/* Length-encoded string. */
static inline struct str pkt_get_lenenc_str(struct pkt_reader *r)
{
    const uint64_t len = pkt_get_lenenc(r);
    return pkt_get_bytes(r, (size_t)len);
}

/* As pkt_get_lenenc_str(), or false for the NULL mark of text rows, with *out the NULL str. Also
 * false on failure. */
bool pkt_get_nullable_str(struct pkt_reader *r, struct str *out);

/* Up to the next NUL, which is used up and left out; without one, a failure. */
NODISCARD struct str pkt_get_nul_str(struct pkt_reader *r);

/* As pkt_get_nul_str(), and the end of the payload also ends the string, as servers accept it for
 * last fields. */
NODISCARD struct str pkt_get_nul_or_rest(struct pkt_reader *r);

/* All that is left. */
NODISCARD static inline struct str pkt_get_rest(struct pkt_reader *r)
{
    return pkt_get_bytes(r, pkt_reader_left(r));
}

static inline void pkt_skip(struct pkt_reader *r, size_t len)
{
    (void)!pkt_take(r, len);
}

#endif
