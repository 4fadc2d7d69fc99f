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

/* The next byte without using it up; -1 at the end. */
NODISCARD int pkt_peek_u8(const struct pkt_reader *r);

/* Little-endian integer of 1 to 8 bytes. */
NODISCARD uint64_t pkt_get_uint(struct pkt_reader *r, unsigned bytes);

NODISCARD uint8_t pkt_get_u8(struct pkt_reader *r);
NODISCARD uint16_t pkt_get_u16(struct pkt_reader *r);
NODISCARD uint32_t pkt_get_u24(struct pkt_reader *r);
NODISCARD uint32_t pkt_get_u32(struct pkt_reader *r);
NODISCARD uint64_t pkt_get_u64(struct pkt_reader *r);

/* Length-encoded integer; the NULL mark 0xfb and the error mark 0xff are failures. */
uint64_t pkt_get_lenenc(struct pkt_reader *r);

/* Length-encoded string. */
struct str pkt_get_lenenc_str(struct pkt_reader *r);

/* As pkt_get_lenenc_str(), or false for the NULL mark of text rows, with *out the NULL str. Also
 * false on failure. */
bool pkt_get_nullable_str(struct pkt_reader *r, struct str *out);

/* len bytes. */
NODISCARD struct str pkt_get_bytes(struct pkt_reader *r, size_t len);

/* Up to the next NUL, which is used up and left out; without one, a failure. */
NODISCARD struct str pkt_get_nul_str(struct pkt_reader *r);

/* As pkt_get_nul_str(), and the end of the payload also ends the string, as servers accept it for
 * last fields. */
NODISCARD struct str pkt_get_nul_or_rest(struct pkt_reader *r);

/* All that is left. */
NODISCARD struct str pkt_get_rest(struct pkt_reader *r);

void pkt_skip(struct pkt_reader *r, size_t len);

#endif
