/*
 * Multi-byte East Asian character sets: the shape of characters is checked here (MySQL and ICU
 * disagree about malformed text), and well-formed ones are mapped by ICU's converters, of which
 * each thread opens its own when it first needs one.
 */
#include "types/charset_int.h"

#include <unicode/ucnv.h>

#include <pthread.h>
#include <string.h>

/* A thread's converters by charset_multi.index; NULL where not opened yet. */
struct converters {
    UConverter *ucnv[CHARSET_MULTI_MAX];
};

static pthread_key_t converters_key;
static pthread_once_t converters_once = PTHREAD_ONCE_INIT;
static _Thread_local struct converters converters;

static void close_converters(void *arg)
{
    struct converters *c = arg;
    for (size_t i = 0; i < CHARSET_MULTI_MAX; i++) {
        ucnv_close(c->ucnv[i]);
        c->ucnv[i] = NULL;
    }
}

static void make_key(void)
{
    /* Without the key converters are not closed when their thread ends: a leak, nothing worse. */
    (void)pthread_key_create(&converters_key, close_converters);
}

/* The calling thread's converter, or NULL when ICU has none of that name. */
static UConverter *converter(const struct charset_multi *m)
{
    UConverter **slot = &converters.ucnv[m->index];
    if (!*slot) {
        (void)pthread_once(&converters_once, make_key);
        (void)pthread_setspecific(converters_key, &converters);
        UErrorCode status = U_ZERO_ERROR;
        UConverter *opened = ucnv_open(m->icu_name, &status);
        if (U_FAILURE(status)) {
            return NULL;
        }
        ucnv_setToUCallBack(opened, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
        ucnv_setFromUCallBack(opened, UCNV_FROM_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
        ucnv_setFallback(opened, false);
        *slot = opened;
    }
    return *slot;
}

static bool in_range(unsigned char c, unsigned low, unsigned high)
{
    return c >= low && c <= high;
}

static size_t length_big5(const unsigned char *p, size_t n)
{
    return n >= 2 && in_range(p[0], 0xA1, 0xF9) &&
                   (in_range(p[1], 0x40, 0x7E) || in_range(p[1], 0xA1, 0xFE))
               ? 2
               : 0;
}

static size_t length_eucjp(const unsigned char *p, size_t n)
{
    if (n >= 2 && p[0] == 0x8E) {
        return in_range(p[1], 0xA0, 0xDF) ? 2 : 0;
    }
    if (n >= 3 && p[0] == 0x8F) {
        return in_range(p[1], 0xA1, 0xFE) && in_range(p[2], 0xA1, 0xFE) ? 3 : 0;
    }
    return n >= 2 && in_range(p[0], 0xA1, 0xFE) && in_range(p[1], 0xA1, 0xFE) ? 2 : 0;
}

static size_t length_euckr(const unsigned char *p, size_t n)
{
    return n >= 2 && in_range(p[0], 0x81, 0xFE) &&
                   (in_range(p[1], 0x41, 0x5A) || in_range(p[1], 0x61, 0x7A) ||
                    in_range(p[1], 0x81, 0xFE))
               ? 2
               : 0;
}

static size_t length_gb18030(const unsigned char *p, size_t n)
{
    if (n < 2 || !in_range(p[0], 0x81, 0xFE)) {
        return 0;
    }
    if (in_range(p[1], 0x40, 0x7E) || in_range(p[1], 0x80, 0xFE)) {
        return 2;
    }
    return n >= 4 && in_range(p[1], 0x30, 0x39) && in_range(p[2], 0x81, 0xFE) &&
                   in_range(p[3], 0x30, 0x39)
               ? 4
               : 0;
}

static size_t length_gb2312(const unsigned char *p, size_t n)
{
    return n >= 2 && in_range(p[0], 0xA1, 0xF7) && in_range(p[1], 0xA1, 0xFE) ? 2 : 0;
}

static size_t length_gbk(const unsigned char *p, size_t n)
{
    return n >= 2 && in_range(p[0], 0x81, 0xFE) &&
                   (in_range(p[1], 0x40, 0x7E) || in_range(p[1], 0x80, 0xFE))
               ? 2
               : 0;
}

static size_t length_sjis(const unsigned char *p, size_t n)
{
    if (in_range(p[0], 0xA1, 0xDF)) {
        return 1;
    }
    return n >= 2 && (in_range(p[0], 0x81, 0x9F) || in_range(p[0], 0xE0, 0xFC)) &&
                   (in_range(p[1], 0x40, 0x7E) || in_range(p[1], 0x80, 0xFC))
               ? 2
               : 0;
}

typedef size_t length_fn(const unsigned char *p, size_t n);

static length_fn *const length_of[] = {
    [CHARSET_SHAPE_BIG5] = length_big5,     [CHARSET_SHAPE_EUCJP] = length_eucjp,
    [CHARSET_SHAPE_EUCKR] = length_euckr,   [CHARSET_SHAPE_GB18030] = length_gb18030,
    [CHARSET_SHAPE_GB2312] = length_gb2312, [CHARSET_SHAPE_GBK] = length_gbk,
    [CHARSET_SHAPE_SJIS] = length_sjis,
};

size_t charset_multi_length(const struct charset_multi *m, const unsigned char *p, size_t n)
{
    return p[0] < 0x80 ? 1 : length_of[m->shape](p, n);
}

/* Unicode's private use area. */
#define PRIVATE_FIRST 0xE000u
#define PRIVATE_LAST  0xF8FFu

/* EUC-JP: ten rows of 94 user-defined characters in each of its two planes, in the order of the
 * private use area. */
#define EUC_USER_ROW  0xF5u
#define EUC_COLUMN    0xA1u
#define EUC_COLUMNS   94u
#define EUC_USER_SIZE (10 * EUC_COLUMNS)

static bool is_private(uint32_t cp)
{
    return cp >= PRIVATE_FIRST && cp <= PRIVATE_LAST;
}

static uint32_t code_of(const unsigned char *p, size_t len)
{
    uint32_t code = 0;
    for (size_t i = 0; i < len; i++) {
        code = code << 8 | p[i];
    }
    return code;
}

static size_t put_code(uint32_t code, char *buf)
{
    size_t len = 0;
    for (unsigned shift = 32; shift; shift -= 8) {
        if (len || code >> (shift - 8)) {
            buf[len++] = (char)(code >> (shift - 8));
        }
    }
    return len;
}

/* The exception for a code, or for a code point, or NULL. */
static const struct charset_exception *find_exception(const struct charset_exception *list,
                                                      size_t count, uint32_t key, bool by_code)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const uint32_t have = by_code ? list[mid].code : list[mid].code_point;
        if (have == key) {
            return &list[mid];
        }
        if (have < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

static uint32_t icu_to_unicode(UConverter *u, const unsigned char *p, size_t len)
{
    if (!u) {
        return UTF8_BAD;
    }
    UErrorCode status = U_ZERO_ERROR;
    const char *from = (const char *)p;
    ucnv_resetToUnicode(u);
    const UChar32 cp = ucnv_getNextUChar(u, &from, from + len, &status);
    const bool taken = from == (const char *)p + len;
    return U_FAILURE(status) || !taken || cp < 0 || cp == 0xFFFD ? UTF8_BAD : (uint32_t)cp;
}

/* The code point of one well-formed character, or UTF8_BAD. */
static uint32_t map_to_unicode(const struct charset_multi *m, UConverter *u, const unsigned char *p,
                               size_t len)
{
    const uint32_t code = code_of(p, len);
    const struct charset_exception *e = find_exception(m->to, m->nto, code, true);
    if (e) {
        return e->code_point ? e->code_point : UTF8_BAD;
    }
    const unsigned char *row = len == 3 ? p + 1 : p;
    if (m->shape == CHARSET_SHAPE_EUCJP && row[0] >= EUC_USER_ROW) {
        return PRIVATE_FIRST + (len == 3 ? EUC_USER_SIZE : 0) +
               (row[0] - EUC_USER_ROW) * EUC_COLUMNS + (row[1] - EUC_COLUMN);
    }
    const uint32_t cp = icu_to_unicode(u, p, len);
    return is_private(cp) && !m->has_private ? UTF8_BAD : cp;
}

static size_t icu_from_unicode(const struct charset_multi *m, UConverter *u, uint32_t cp, char *buf)
{
    if (!u) {
        return 0;
    }
    UChar units[2] = {(UChar)cp};
    int32_t count = 1;
    if (cp > 0xFFFF) {
        units[0] = (UChar)(0xD800 | (cp - 0x10000) >> 10);
        units[1] = (UChar)(0xDC00 | (cp & 0x3FF));
        count = 2;
    }
    UErrorCode status = U_ZERO_ERROR;
    ucnv_resetFromUnicode(u);
    const int32_t len = ucnv_fromUChars(u, buf, 4, units, count, &status);
    if (U_FAILURE(status) || len <= 0 || len > 4) {
        return 0;
    }
    /* ICU's set may be wider than MySQL's. */
    return charset_multi_length(m, (const unsigned char *)buf, (size_t)len) == (size_t)len
               ? (size_t)len
               : 0;
}

/* The bytes of a code point (at most 4); 0 when the set has none. */
static size_t map_from_unicode(const struct charset_multi *m, UConverter *u, uint32_t cp, char *buf)
{
    const struct charset_exception *e = find_exception(m->from, m->nfrom, cp, false);
    if (e) {
        return e->code ? put_code(e->code, buf) : 0;
    }
    if (is_private(cp) && !m->has_private) {
        return 0;
    }
    if (is_private(cp) && m->shape == CHARSET_SHAPE_EUCJP) {
        const uint32_t index = (cp - PRIVATE_FIRST) % EUC_USER_SIZE;
        const uint32_t code =
            (EUC_USER_ROW + index / EUC_COLUMNS) << 8 | (EUC_COLUMN + index % EUC_COLUMNS);
        const uint32_t plane = (cp - PRIVATE_FIRST) / EUC_USER_SIZE;
        return plane > 1 ? 0 : put_code(plane ? 0x8F0000 | code : code, buf);
    }
    return icu_from_unicode(m, u, cp, buf);
}

size_t charset_multi_to_utf8(const struct charset_multi *m, struct str s, struct bytebuf *out)
{
    s = str_not_null(s);
    const unsigned char *p = (const unsigned char *)s.p;
    const unsigned char *const end = p + s.len;
    UConverter *u = converter(m);
    size_t bad = 0;
    while (p < end && !out->failed) {
        if (*p < 0x80) {
            bytebuf_put_char(out, (char)*p++);
            continue;
        }
        const size_t len = charset_multi_length(m, p, (size_t)(end - p));
        const uint32_t cp = len ? map_to_unicode(m, u, p, len) : UTF8_BAD;
        char utf8[4];
        bytebuf_put(out, utf8, utf8_put(cp == UTF8_BAD ? '?' : cp, utf8));
        bad += cp == UTF8_BAD;
        p += MAX(len, (size_t)1);
    }
    return bad;
}

size_t charset_multi_from_utf8(const struct charset_multi *m, struct str s, struct bytebuf *out)
{
    s = str_not_null(s);
    const unsigned char *p = (const unsigned char *)s.p;
    const unsigned char *const end = p + s.len;
    UConverter *u = converter(m);
    size_t bad = 0;
    while (p < end && !out->failed) {
        size_t len;
        const uint32_t cp = utf8_next(p, (size_t)(end - p), &len);
        char bytes[4] = {(char)cp};
        size_t used = cp < 0x80 ? 1 : 0;
        if (cp >= 0x80 && cp < UTF8_BAD) {
            used = map_from_unicode(m, u, cp, bytes);
        }
        if (used == 0) {
            bytes[0] = '?';
            used = 1;
            bad++;
        }
        bytebuf_put(out, bytes, used);
        p += len;
    }
    return bad;
}
