/*
 * Look-up, conversion and arithmetic of character sets, except for the multi-byte ones of
 * charset_multi.c.
 *
 * Each kind of set is a pair of functions for one character (struct codec); the loops are common to
 * all and take runs of ASCII in words.
 */
#include "types/charset.h"

#include "types/charset_int.h"

#include <string.h>

/* Bytes converted between two appends; a character makes at most 4. */
#define CONVERT_STEP 256u

#define REPLACEMENT '?'

/* Takes the character at p of the n > 0 bytes that remain. Malformed: UTF8_BAD. No code point for
 * it: UTF8_BAD too. */
typedef uint32_t charset_decode_fn(const struct charset *cs, const unsigned char *p, size_t n,
                                   size_t *out_len);

/* Writes at most 4 bytes. Returns how many, or 0 when the set has no such character. */
typedef size_t charset_encode_fn(const struct charset *cs, uint32_t code_point, char *buf);

struct codec {
    charset_decode_fn *decode;
    charset_encode_fn *encode;
};

static size_t ascii_run(const unsigned char *p, size_t n)
{
    size_t i = 0;
    uint64_t word;
    while (n - i >= sizeof(word)) {
        memcpy(&word, p + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
        i += sizeof(word);
    }
    while (i < n && p[i] < 0x80) {
        i++;
    }
    return i;
}

bool str_is_ascii(struct str s)
{
    uint64_t word;
    if (s.len < sizeof(word)) {
        return ascii_run((const unsigned char *)s.p, s.len) == s.len;
    }
    uint64_t seen = 0;
    size_t i = 0;
    for (uint64_t four[4]; i + sizeof(four) <= s.len; i += sizeof(four)) {
        memcpy(four, s.p + i, sizeof(four));
        seen |= (four[0] | four[1]) | (four[2] | four[3]);
    }
    for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.p + i, sizeof(word));
        seen |= word;
    }
    /* The last word overlaps the one before it. */
    memcpy(&word, s.p + s.len - sizeof(word), sizeof(word));
    return ((seen | word) & UINT64_C(0x8080808080808080)) == 0;
}

/* A bad byte; the sequence it was to begin is not taken. */
static uint32_t bad_byte(const unsigned char *p, size_t *out_len)
{
    *out_len = 1;
    return UTF8_BAD + p[0];
}

/* The ranges of the second byte are those of RFC 3629, section 4. */
uint32_t utf8_next_slow(const unsigned char *p, size_t n, size_t *out_len)
{
    const unsigned lead = p[0];
    if (lead < 0x80) {
        *out_len = 1;
        return lead;
    }
    if (lead >= 0xC2 && lead <= 0xDF && n >= 2 && (p[1] & 0xC0u) == 0x80) {
        *out_len = 2;
        return (lead & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    }
    if ((lead & 0xF0u) == 0xE0 && n >= 3 && (p[1] & 0xC0u) == 0x80 && (p[2] & 0xC0u) == 0x80) {
        const uint32_t cp = (lead & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        if (cp < 0x800 || (cp >= 0xD800 && cp <= 0xDFFF)) {
            return bad_byte(p, out_len);
        }
        *out_len = 3;
        return cp;
    }
    if (lead >= 0xF0 && lead <= 0xF4 && n >= 4 && (p[1] & 0xC0u) == 0x80 &&
        (p[2] & 0xC0u) == 0x80 && (p[3] & 0xC0u) == 0x80) {
        const uint32_t cp =
            (lead & 7u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
        if (cp < 0x10000 || cp > 0x10FFFF) {
            return bad_byte(p, out_len);
        }
        *out_len = 4;
        return cp;
    }
    return bad_byte(p, out_len);
}

size_t utf8_put(uint32_t code_point, char *buf)
{
    if (code_point < 0x80) {
        buf[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        buf[0] = (char)(0xC0 | code_point >> 6);
        buf[1] = (char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        buf[0] = (char)(0xE0 | code_point >> 12);
        buf[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
        buf[2] = (char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    buf[0] = (char)(0xF0 | code_point >> 18);
    buf[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
    buf[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
    buf[3] = (char)(0x80 | (code_point & 0x3F));
    return 4;
}

static uint32_t decode_utf8(const struct charset *cs, const unsigned char *p, size_t n,
                            size_t *out_len)
{
    const uint32_t cp = utf8_next_slow(p, n, out_len);
    return cp > 0xFFFF && cs->max_len < 4 ? bad_byte(p, out_len) : cp;
}

static size_t encode_utf8(const struct charset *cs, uint32_t code_point, char *buf)
{
    return code_point > 0xFFFF && cs->max_len < 4 ? 0 : utf8_put(code_point, buf);
}

static uint32_t decode_byte(const struct charset *cs, const unsigned char *p, size_t n,
                            size_t *out_len)
{
    (void)n;
    *out_len = 1;
    const uint32_t cp = cs->bytes->to_unicode[p[0]];
    return cp == CHARSET_NO_CHARACTER ? UTF8_BAD : cp;
}

int charset_bytes_find(const struct charset_bytes *t, uint32_t code_point)
{
    if (code_point < 256 && t->to_unicode[code_point] == code_point) {
        return (int)code_point;
    }
    size_t low = 0;
    size_t high = t->ncells;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (t->cells[mid].code_point < code_point) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < t->ncells && t->cells[low].code_point == code_point ? t->cells[low].byte : -1;
}

static size_t encode_byte(const struct charset *cs, uint32_t code_point, char *buf)
{
    const int byte = charset_bytes_find(cs->bytes, code_point);
    buf[0] = (char)byte;
    return byte < 0 ? 0 : 1;
}

static uint32_t get_u16(const struct charset *cs, const unsigned char *p)
{
    return cs->little_endian ? (uint32_t)(p[0] | p[1] << 8) : (uint32_t)(p[0] << 8 | p[1]);
}

static void put_u16(const struct charset *cs, uint32_t unit, char *buf)
{
    const char high = (char)(unit >> 8);
    const char low = (char)unit;
    buf[0] = cs->little_endian ? low : high;
    buf[1] = cs->little_endian ? high : low;
}

/* ucs2 has no surrogate pairs. */
static uint32_t decode_utf16(const struct charset *cs, const unsigned char *p, size_t n,
                             size_t *out_len)
{
    if (n < 2) {
        return bad_byte(p, out_len);
    }
    const uint32_t unit = get_u16(cs, p);
    *out_len = 2;
    if (unit < 0xD800 || unit > 0xDFFF) {
        return unit;
    }
    if (cs->max_len < 4 || unit > 0xDBFF || n < 4) {
        return UTF8_BAD;
    }
    const uint32_t low = get_u16(cs, p + 2);
    if (low < 0xDC00 || low > 0xDFFF) {
        return UTF8_BAD;
    }
    *out_len = 4;
    return 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
}

static size_t encode_utf16(const struct charset *cs, uint32_t code_point, char *buf)
{
    if (code_point < 0x10000) {
        put_u16(cs, code_point, buf);
        return 2;
    }
    if (cs->max_len < 4) {
        return 0;
    }
    put_u16(cs, 0xD800 | (code_point - 0x10000) >> 10, buf);
    put_u16(cs, 0xDC00 | (code_point & 0x3FF), buf + 2);
    return 4;
}

static uint32_t decode_utf32(const struct charset *cs, const unsigned char *p, size_t n,
                             size_t *out_len)
{
    (void)cs;
    if (n < 4) {
        return bad_byte(p, out_len);
    }
    *out_len = 4;
    const uint32_t cp = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF) ? UTF8_BAD : cp;
}

static size_t encode_utf32(const struct charset *cs, uint32_t code_point, char *buf)
{
    (void)cs;
    for (unsigned i = 0; i < 4; i++) {
        buf[i] = (char)(code_point >> (24 - 8 * i));
    }
    return 4;
}

static const struct codec codecs[] = {
    [CHARSET_UTF8] = {decode_utf8, encode_utf8},
    [CHARSET_BYTE] = {decode_byte, encode_byte},
    [CHARSET_UTF16] = {decode_utf16, encode_utf16},
    [CHARSET_UTF32] = {decode_utf32, encode_utf32},
};

/* Is ASCII text of the set the same bytes in UTF-8? */
static bool has_ascii(const struct charset *cs)
{
    return cs->kind == CHARSET_UTF8 || cs->kind == CHARSET_MULTIBYTE ||
           (cs->kind == CHARSET_BYTE && cs->bytes->is_ascii);
}

const struct charset *charset_list(size_t *out_count)
{
    *out_count = charset_table_len;
    return charset_table;
}

const struct charset *charset_find(struct str name)
{
    if (str_eq_nocase(name, STR("utf8"))) {
        name = STR("utf8mb3");
    }
    size_t low = 0;
    size_t high = charset_table_len;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const int diff = str_cmp_nocase(name, charset_table[mid].name);
        if (diff == 0) {
            return &charset_table[mid];
        }
        if (diff < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

const struct charset *charset_utf8mb4(void)
{
    return charset_find(STR("utf8mb4"));
}

const struct charset *charset_utf8mb3(void)
{
    return charset_find(STR("utf8mb3"));
}

const struct charset *charset_binary(void)
{
    return charset_find(STR("binary"));
}

const struct charset *charset_latin1(void)
{
    return charset_find(STR("latin1"));
}

/* Appends the run of ASCII at p. Returns its length. */
static size_t copy_ascii(const unsigned char *p, size_t n, struct bytebuf *out)
{
    const size_t run = ascii_run(p, n);
    bytebuf_put(out, p, run);
    return run;
}

/* Writes a character, or the replacement; *bad counts the latter. Returns its length. */
static inline size_t put_decoded(uint32_t cp, char *to, size_t *bad)
{
    *bad += cp >= UTF8_BAD;
    return utf8_put(cp >= UTF8_BAD ? REPLACEMENT : cp, to);
}

static inline size_t put_encoded(const struct charset *cs, const struct codec *codec, uint32_t cp,
                                 char *to, size_t *bad)
{
    const size_t put = cp >= UTF8_BAD ? 0 : codec->encode(cs, cp, to);
    if (put != 0) {
        return put;
    }
    (*bad)++;
    return codec->encode(cs, REPLACEMENT, to);
}

/* One loop for both directions, compiled once for each. */
static inline __attribute__((always_inline)) size_t recode(const struct charset *cs, struct str s,
                                                           bool to_utf8, struct bytebuf *out)
{
    const struct codec *codec = &codecs[cs->kind];
    const bool ascii = has_ascii(cs);
    s = str_not_null(s);
    const unsigned char *p = (const unsigned char *)s.p;
    const unsigned char *const end = p + s.len;
    size_t bad = 0;
    while (p < end && !out->failed) {
        if (ascii && *p < 0x80) {
            p += copy_ascii(p, (size_t)(end - p), out);
            continue;
        }
        char step[CONVERT_STEP];
        size_t used = 0;
        while (p < end && used + 4 <= sizeof(step) && !(ascii && *p < 0x80)) {
            size_t len;
            const uint32_t cp = to_utf8 ? codec->decode(cs, p, (size_t)(end - p), &len)
                                        : utf8_next(p, (size_t)(end - p), &len);
            p += len;
            used += to_utf8 ? put_decoded(cp, step + used, &bad)
                            : put_encoded(cs, codec, cp, step + used, &bad);
        }
        bytebuf_put(out, step, used);
    }
    return bad;
}

size_t charset_to_utf8(const struct charset *cs, struct str s, struct bytebuf *out)
{
    if (cs->kind == CHARSET_BINARY) {
        bytebuf_put_str(out, s);
        return 0;
    }
    return cs->kind == CHARSET_MULTIBYTE ? charset_multi_to_utf8(cs->multi, s, out)
                                         : recode(cs, s, true, out);
}

size_t charset_from_utf8(const struct charset *cs, struct str s, struct bytebuf *out)
{
    if (cs->kind == CHARSET_BINARY) {
        bytebuf_put_str(out, s);
        return 0;
    }
    return cs->kind == CHARSET_MULTIBYTE ? charset_multi_from_utf8(cs->multi, s, out)
                                         : recode(cs, s, false, out);
}

typedef size_t convert_fn(const struct charset *cs, struct str s, struct bytebuf *out);

static struct str convert_into(struct arena *arena, const struct charset *cs, struct str s,
                               convert_fn *convert)
{
    struct bytebuf text;
    /* Neither form has characters that take more than four times the bytes of the other's. */
    bytebuf_init(&text, s.len * 4 + 16);
    (void)convert(cs, s, &text);
    const struct str copy = arena_dup(arena, bytebuf_str(&text));
    bytebuf_release(&text);
    return copy;
}

struct str charset_str_to_utf8(const struct charset *cs, struct str s, struct arena *arena)
{
    if (cs->kind == CHARSET_BINARY || charset_is_utf8_already(cs, s)) {
        return s;
    }
    return convert_into(arena, cs, s, charset_to_utf8);
}

struct str charset_str_from_utf8(const struct charset *cs, struct str s, struct arena *arena)
{
    if (cs->kind == CHARSET_BINARY || cs->kind == CHARSET_UTF8 || charset_is_utf8_already(cs, s)) {
        return s;
    }
    return convert_into(arena, cs, s, charset_from_utf8);
}

bool charset_is_utf8_already(const struct charset *cs, struct str s)
{
    if (has_ascii(cs) && str_is_ascii(s)) {
        return true;
    }
    return cs->kind == CHARSET_UTF8 && charset_valid_prefix(cs, s) == s.len;
}

/* Bytes of the character at p, which is taken alone when it is malformed (*out_bad). */
static size_t char_length(const struct charset *cs, const unsigned char *p, size_t n, bool *out_bad)
{
    size_t len = 1;
    *out_bad = false;
    if (cs->kind == CHARSET_MULTIBYTE) {
        len = charset_multi_length(cs->multi, p, n);
        *out_bad = len == 0;
    } else if (cs->kind == CHARSET_UTF8 || cs->kind == CHARSET_UTF16 || cs->kind == CHARSET_UTF32) {
        *out_bad = codecs[cs->kind].decode(cs, p, n, &len) >= UTF8_BAD;
    }
    return MAX(len, (size_t)1);
}

size_t charset_valid_prefix(const struct charset *cs, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t done = 0;
    if (cs->min_len == 1 && cs->max_len == 1) {
        return s.len;
    }
    while (done < s.len) {
        if (has_ascii(cs) && p[done] < 0x80) {
            done += ascii_run(p + done, s.len - done);
            continue;
        }
        bool bad;
        const size_t len = char_length(cs, p + done, s.len - done, &bad);
        if (bad) {
            break;
        }
        done += len;
    }
    return done;
}

/* Walks at most `chars` characters; *out_chars is how many there were. Returns their bytes. */
static size_t walk(const struct charset *cs, struct str s, size_t chars, size_t *out_chars)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t done = 0;
    size_t count = 0;
    if (cs->min_len == 1 && cs->max_len == 1) {
        *out_chars = MIN(s.len, chars);
        return *out_chars;
    }
    while (done < s.len && count < chars) {
        if (has_ascii(cs) && p[done] < 0x80) {
            const size_t run = ascii_run(p + done, MIN(s.len - done, chars - count));
            done += run;
            count += run;
            continue;
        }
        bool bad;
        done += char_length(cs, p + done, s.len - done, &bad);
        count++;
    }
    *out_chars = count;
    return done;
}

size_t charset_count(const struct charset *cs, struct str s)
{
    size_t count;
    (void)walk(cs, s, SIZE_MAX, &count);
    return count;
}

size_t charset_prefix(const struct charset *cs, struct str s, size_t chars)
{
    size_t count;
    return walk(cs, s, chars, &count);
}

size_t utf8_count(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t done = 0;
    size_t count = 0;
    while (done < s.len) {
        const size_t run = ascii_run(p + done, s.len - done);
        done += run;
        count += run;
        while (done < s.len && p[done] >= 0x80) {
            size_t len;
            (void)utf8_next_slow(p + done, s.len - done, &len);
            done += len;
            count++;
        }
    }
    return count;
}

size_t utf8_prefix(struct str s, size_t chars)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t done = 0;
    if (s.len <= chars) {
        return s.len;
    }
    while (done < s.len && chars) {
        const size_t run = ascii_run(p + done, MIN(s.len - done, chars));
        done += run;
        chars -= run;
        if (done < s.len && chars && p[done] >= 0x80) {
            size_t len;
            (void)utf8_next_slow(p + done, s.len - done, &len);
            done += len;
            chars--;
        }
    }
    return done;
}
