#include "wire/pkt_reader.h"

#include "wire/proto.h"

void pkt_reader_fail(struct pkt_reader *r)
{
    r->failed = true;
    r->p = r->end;
}

/* The next len bytes, used up; NULL, with the reader failed, when there are fewer. */
static const char *take(struct pkt_reader *r, size_t len)
{
    if (UNLIKELY(r->failed || pkt_reader_left(r) < len)) {
        pkt_reader_fail(r);
        return NULL;
    }
    const char *p = r->p;
    if (len > 0) {
        r->p += len;
    }
    return p;
}

int pkt_peek_u8(const struct pkt_reader *r)
{
    return r->p == r->end ? -1 : (int)(uint8_t)*r->p;
}

uint64_t pkt_get_uint(struct pkt_reader *r, unsigned bytes)
{
    const char *p = take(r, bytes);
    uint64_t v = 0;
    for (unsigned i = 0; p != NULL && i < bytes; i++) {
        v |= (uint64_t)(uint8_t)p[i] << (8 * i);
    }
    return v;
}

uint8_t pkt_get_u8(struct pkt_reader *r)
{
    return (uint8_t)pkt_get_uint(r, 1);
}

uint16_t pkt_get_u16(struct pkt_reader *r)
{
    return (uint16_t)pkt_get_uint(r, 2);
}

uint32_t pkt_get_u24(struct pkt_reader *r)
{
    return (uint32_t)pkt_get_uint(r, 3);
}

uint32_t pkt_get_u32(struct pkt_reader *r)
{
    return (uint32_t)pkt_get_uint(r, 4);
}

uint64_t pkt_get_u64(struct pkt_reader *r)
{
    return pkt_get_uint(r, 8);
}

uint64_t pkt_get_lenenc(struct pkt_reader *r)
{
    const uint8_t first = pkt_get_u8(r);
    if (LIKELY(first < 0xfb)) {
        return first;
    }
    switch (first) {
    case 0xfc:
        return pkt_get_uint(r, 2);
    case 0xfd:
        return pkt_get_uint(r, 3);
    case 0xfe:
        return pkt_get_uint(r, 8);
    default:
        pkt_reader_fail(r);
        return 0;
    }
}

struct str pkt_get_bytes(struct pkt_reader *r, size_t len)
{
    const char *p = take(r, len);
    return p != NULL ? str_from(p, len) : STR_NULL;
}

struct str pkt_get_lenenc_str(struct pkt_reader *r)
{
    const uint64_t len = pkt_get_lenenc(r);
    return pkt_get_bytes(r, (size_t)len);
}

bool pkt_get_nullable_str(struct pkt_reader *r, struct str *out)
{
    *out = STR_NULL;
    if (pkt_peek_u8(r) == 0xfb) {
        pkt_skip(r, 1);
        return false;
    }
    *out = pkt_get_lenenc_str(r);
    return !r->failed;
}

struct str pkt_get_nul_str(struct pkt_reader *r)
{
    const size_t left = pkt_reader_left(r);
    const char *nul = left > 0 ? memchr(r->p, '\0', left) : NULL;
    if (nul == NULL) {
        pkt_reader_fail(r);
        return STR_NULL;
    }
    const struct str s = str_from(r->p, (size_t)(nul - r->p));
    r->p = nul + 1;
    return s;
}

struct str pkt_get_nul_or_rest(struct pkt_reader *r)
{
    const size_t left = pkt_reader_left(r);
    const char *nul = left > 0 ? memchr(r->p, '\0', left) : NULL;
    return nul != NULL ? pkt_get_nul_str(r) : pkt_get_rest(r);
}

struct str pkt_get_rest(struct pkt_reader *r)
{
    return pkt_get_bytes(r, pkt_reader_left(r));
}

void pkt_skip(struct pkt_reader *r, size_t len)
{
    (void)take(r, len);
}
