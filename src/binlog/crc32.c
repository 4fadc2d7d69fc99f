/*
 * CRC-32 of events. Each byte of the log passes here, so where the processor can multiply without
 * carries, 64 bytes at a time are folded by that; zlib does the rest and all elsewhere.
 *
 * Source of the method and of the constants (powers of x modulo the polynomial 0x104c11db7, bits
 * reflected): V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel 2009.
 */
#include "binlog/event.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum {
    LANE_LEN = 16,
    FOLD_LEN = 64, /* Bytes folded a step, in four lanes. */
};

#define FOLD_TARGET __attribute__((target("pclmul,sse4.1")))

FOLD_TARGET static inline __m128i fold(__m128i x, __m128i k, __m128i next)
{
    const __m128i low = _mm_clmulepi64_si128(x, k, 0x00);
    const __m128i high = _mm_clmulepi64_si128(x, k, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

FOLD_TARGET static inline __m128i load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* From 128 bits to 32: two folds, then Barrett's reduction. */
FOLD_TARGET static uint32_t reduce(__m128i x)
{
    const __m128i mask = _mm_setr_epi32(-1, 0, -1, 0);
    const __m128i k3k4 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m128i k5 = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i poly = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    x = _mm_xor_si128(_mm_srli_si128(x, 8), _mm_clmulepi64_si128(x, k3k4, 0x10));
    x = _mm_xor_si128(_mm_srli_si128(x, 4), _mm_clmulepi64_si128(_mm_and_si128(x, mask), k5, 0x00));
    __m128i t = _mm_clmulepi64_si128(_mm_and_si128(x, mask), poly, 0x10);
    t = _mm_clmulepi64_si128(_mm_and_si128(t, mask), poly, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(x, t), 1);
}

/* Four lanes beside each other while there are 64 bytes; in the end they are folded into one. */
FOLD_TARGET static __m128i fold_lanes(__m128i x0, const char **p, size_t *len, __m128i k3k4)
{
    const __m128i k1k2 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    __m128i x1 = load(*p + LANE_LEN);
    __m128i x2 = load(*p + 2 * LANE_LEN);
    __m128i x3 = load(*p + 3 * LANE_LEN);
    for (*p += FOLD_LEN, *len -= FOLD_LEN; *len >= FOLD_LEN; *p += FOLD_LEN, *len -= FOLD_LEN) {
        x0 = fold(x0, k1k2, load(*p));
        x1 = fold(x1, k1k2, load(*p + LANE_LEN));
        x2 = fold(x2, k1k2, load(*p + 2 * LANE_LEN));
        x3 = fold(x3, k1k2, load(*p + 3 * LANE_LEN));
    }
    x1 = fold(x0, k3k4, x1);
    x2 = fold(x1, k3k4, x2);
    return fold(x2, k3k4, x3);
}

/* Shuffles by 16 of them: those from n on move n bytes to the end, those from 16 + n on what is
 * behind n bytes to the beginning. -1 makes a 0. */
static const int8_t moves[3 * LANE_LEN] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, /* zeros */
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, /* all 16 bytes */
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

/* len is at least 16; crc is not inverted. */
FOLD_TARGET static uint32_t crc32_fold(uint32_t crc, const char *p, size_t len)
{
    const __m128i k3k4 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m128i start = _mm_cvtsi32_si128((int)crc);
    const size_t odd = len % LANE_LEN;
    __m128i x = _mm_xor_si128(load(p), start);
    if (odd > 0) {
        /* The bytes that fill no lane come first, behind zeros, which change nothing. */
        x = _mm_shuffle_epi8(x, load((const char *)moves + odd));
        p += odd;
        len -= odd;
        const __m128i rest = _mm_shuffle_epi8(start, load((const char *)moves + LANE_LEN + odd));
        x = fold(x, k3k4, _mm_xor_si128(load(p), rest));
    }
    if (len >= FOLD_LEN) {
        x = fold_lanes(x, &p, &len, k3k4);
    } else {
        p += LANE_LEN;
        len -= LANE_LEN;
    }
    for (; len > 0; p += LANE_LEN, len -= LANE_LEN) {
        x = fold(x, k3k4, load(p));
    }
    return reduce(x);
}

static bool crc32_fast(uint32_t *crc, struct str bytes)
{
    if (bytes.len < LANE_LEN || !__builtin_cpu_supports("pclmul") ||
        !__builtin_cpu_supports("sse4.1")) {
        return false;
    }
    *crc = ~crc32_fold(~*crc, bytes.p, bytes.len);
    return true;
}
#else
static bool crc32_fast(uint32_t *crc, struct str bytes)
{
    (void)crc;
    (void)bytes;
    return false;
}
#endif

uint32_t binlog_crc32(uint32_t crc, struct str bytes)
{
    if (bytes.len == 0 || crc32_fast(&crc, bytes)) {
        return crc; /* zlib takes NULL for a fresh start. */
    }
    return (uint32_t)crc32_z(crc, (const unsigned char *)bytes.p, bytes.len);
}
