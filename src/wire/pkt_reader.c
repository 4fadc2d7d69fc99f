#include "wire/pkt_reader.h"

#include "wire/proto.h"

void pkt_reader_fail(struct pkt_reader *r)
{
    r->failed = true;
    r->p = r->end;
}

uint64_t pkt_get_uint(struct pkt_reader *r, unsigned bytes)
{
    const char *p = pkt_take(r, bytes);
    uint64_t v = 0;
    for (unsigned i = 0; p != NULL && i < bytes; i++) {
        v |= (uint64_t)(uint8_t)p[i] << (8 * i);
    }
    return v;
}

uint64_t pkt_get_long_lenenc(struct pkt_reader *r, uint8_t first)
{
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
