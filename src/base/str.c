#include "base/str.h"

static unsigned char fold(char c)
{
    const unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* First difference of len bytes after folding, as in memcmp(). */
static int compare_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const int diff = fold(a[i]) - fold(b[i]);
        if (diff) {
            return diff;
        }
    }
    return 0;
}

static int compare_len(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && compare_nocase(a.p, b.p, a.len) == 0;
}

int str_cmp(struct str a, struct str b)
{
    const size_t len = MIN(a.len, b.len);
    const int diff = len ? memcmp(a.p, b.p, len) : 0;
    return diff ? diff : compare_len(a.len, b.len);
}

int str_cmp_nocase(struct str a, struct str b)
{
    const int diff = compare_nocase(a.p, b.p, MIN(a.len, b.len));
    return diff ? diff : compare_len(a.len, b.len);
}

struct str str_trim(struct str s)
{
    while (s.len && is_space(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && is_space(s.p[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_from(s.p, prefix.len), prefix);
}

bool str_starts_with_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_from(s.p, prefix.len), prefix);
}

int str_to_u64(struct str s, uint64_t *out)
{
    *out = 0;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return -1;
        }
        const unsigned digit = (unsigned)(s.p[i] - '0');
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return -1;
        }
    }
    if (s.len == 0) {
        return -1;
    }
    *out = value;
    return 0;
}

int str_to_i64(struct str s, int64_t *out)
{
    *out = 0;
    const bool negative = s.len && s.p[0] == '-';
    if (s.len && (s.p[0] == '-' || s.p[0] == '+')) {
        s.p++;
        s.len--;
    }
    uint64_t magnitude;
    if (str_to_u64(s, &magnitude)) {
        return -1;
    }
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) {
        return -1;
    }
    *out = (int64_t)(negative ? 0u - magnitude : magnitude);
    return 0;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0u) == 0x80u;
}

/*
 * Length of the well-formed sequence at p (n bytes left, p[0] >= 0x80), or 0. The ranges of the
 * second byte are those of RFC 3629, section 4: they exclude overlong forms, surrogates, and >
 * U+10FFFF.
 */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    size_t len = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        len = 2;
    } else if ((p[0] & 0xF0u) == 0xE0u) {
        len = 3;
        low = p[0] == 0xE0 ? 0xA0 : low;
        high = p[0] == 0xED ? 0x9F : high;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        len = 4;
        low = p[0] == 0xF0 ? 0x90 : low;
        high = p[0] == 0xF4 ? 0x8F : high;
    }
    if (len == 0 || n < len || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if (!is_continuation(p[i])) {
            return 0;
        }
    }
    return len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = s.len;
    while (n) {
        uint64_t word;
        if (n >= sizeof(word)) {
            memcpy(&word, p, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                p += sizeof(word);
                n -= sizeof(word);
                continue;
            }
        }
        const size_t len = *p < 0x80 ? 1 : utf8_sequence(p, n);
        if (len == 0) {
            return false;
        }
        p += len;
        n -= len;
    }
    return true;
}

bool mem_eq_const_time(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char diff = 0;
    for (size_t i = 0; i < len; i++) {
        diff = (unsigned char)(diff | (x[i] ^ y[i]));
    }
    return diff == 0;
}

void mem_wipe(void *p, size_t len)
{
    if (len) {
        explicit_bzero(p, len);
    }
}
