/* UPPER() and LOWER(). */
#include "types/collation.h"
#include "types/collation_int.h"

#include <string.h>

#define CASE_STEP 256u

enum letter_case {
    CASE_UPPER,
    CASE_LOWER,
};

static uint32_t map_pair(const struct case_table *t, uint32_t cp, enum letter_case to)
{
    size_t low = 0;
    size_t high = t->npairs;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (t->pairs[mid].cp < cp) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == t->npairs || t->pairs[low].cp != cp) {
        return cp;
    }
    return to == CASE_UPPER ? t->pairs[low].upper : t->pairs[low].lower;
}

static uint32_t map_byte(const struct charset_bytes *t, uint32_t cp, enum letter_case to)
{
    const int byte = charset_bytes_find(t, cp);
    if (byte < 0) {
        return cp;
    }
    const uint32_t mapped = t->to_unicode[to == CASE_UPPER ? t->upper[byte] : t->lower[byte]];
    return mapped == CHARSET_NO_CHARACTER ? cp : mapped;
}

static uint32_t map_char(const struct collation_scheme *scheme, uint32_t cp, enum letter_case to)
{
    if (cp >= UTF8_BAD) {
        return cp;
    }
    if (cp < 0x80 && scheme->cases) {
        const uint32_t first = to == CASE_UPPER ? 'a' : 'A';
        return cp - first < 26 ? cp ^ 0x20 : cp;
    }
    return scheme->cases ? map_pair(scheme->cases, cp, to) : map_byte(scheme->bytes, cp, to);
}

/* Writes a mapped character, or the byte at p as it is when that is malformed. Returns the length.
 */
static size_t put_mapped(uint32_t mapped, const unsigned char *p, char *buf)
{
    if (mapped < UTF8_BAD) {
        return utf8_put(mapped, buf);
    }
    buf[0] = (char)*p;
    return 1;
}

static void map_string(const struct collation *c, struct str s, enum letter_case to,
                       struct bytebuf *out)
{
    const struct collation_scheme *scheme = c->scheme;
    if (!scheme->cases && !scheme->bytes) {
        bytebuf_put_str(out, s);
        return;
    }
    const bool in_place = scheme->cases && scheme->cases->in_place;
    const unsigned char *p = (const unsigned char *)s.p;
    size_t read = 0;
    size_t written = 0;
    char step[CASE_STEP];
    size_t used = 0;
    /* Where the server works in place, a form longer than its letter destroys what follows and so
     * ends the result. */
    while (read < s.len && !(in_place && written > read)) {
        size_t len;
        const uint32_t cp = utf8_next(p + read, s.len - read, &len);
        if (used + 4 > sizeof(step)) {
            bytebuf_put(out, step, used);
            used = 0;
        }
        const size_t put = put_mapped(map_char(scheme, cp, to), p + read, step + used);
        if (in_place && written + put > s.len) {
            break;
        }
        used += put;
        written += put;
        read += len;
    }
    bytebuf_put(out, step, used);
}

void collation_upper(const struct collation *c, struct str s, struct bytebuf *out)
{
    map_string(c, s, CASE_UPPER, out);
}

void collation_lower(const struct collation *c, struct str s, struct bytebuf *out)
{
    map_string(c, s, CASE_LOWER, out);
}
