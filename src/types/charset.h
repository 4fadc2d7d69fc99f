/*
 * Character sets: MySQL's names and numbers, conversion to and from UTF-8, and the arithmetic of
 * characters and bytes.
 *
 * Inside the server text is UTF-8; other character sets exist at its edges (what clients send and
 * want, LOAD DATA, literals with introducers, declared column types). What cannot be represented
 * becomes '?' and is counted, as MySQL does it; whether that is a warning or an error is the
 * caller's rule.
 *
 * The single-byte sets are tables measured on MySQL 9.7 and MariaDB 10.11 (gen/charsets_8bit.txt);
 * the Unicode forms are computed; the multi-byte East Asian sets go through ICU's converters, of
 * which each thread keeps its own. All functions may be called from any thread.
 */
#ifndef TYPES_CHARSET_H
#define TYPES_CHARSET_H

#include "base/arena.h"
#include "base/base.h"
#include "base/bytebuf.h"
#include "base/str.h"
#include "types/sql_mode.h"

enum charset_kind {
    CHARSET_BINARY,
    CHARSET_UTF8,  /* utf8mb4 and utf8mb3 */
    CHARSET_BYTE,  /* One byte a character. */
    CHARSET_UTF16, /* ucs2, utf16, utf16le */
    CHARSET_UTF32,
    CHARSET_MULTIBYTE, /* East Asian, through ICU. */
};

struct charset_bytes; /* Tables of a single-byte set; private. */
struct charset_multi; /* Shape of a multi-byte set's characters; private. */

struct charset {
    uint16_t id; /* The number of its default collation in MySQL, which is how the protocol names
                    character sets. */
    uint16_t mariadb_id; /* The same in MariaDB 10.11; differs for utf8mb4. */
    enum charset_kind kind;
    uint8_t min_len; /* Bytes of the shortest and of the longest character ("Maxlen"). */
    uint8_t max_len;
    bool little_endian; /* utf16le */
    struct str name;
    struct str description;            /* As in SHOW CHARACTER SET. */
    const struct charset_bytes *bytes; /* CHARSET_BYTE, else NULL. */
    const struct charset_multi *multi; /* CHARSET_MULTIBYTE, else NULL. */
};

/* All character sets, sorted by name; static. */
NODISCARD const struct charset *charset_list(size_t *out_count);

/* By name in any case ("utf8" is utf8mb3); NULL when there is none. Static. */
NODISCARD const struct charset *charset_find(struct str name);

/* The ones that code refers to; static. */
NODISCARD const struct charset *charset_utf8mb4(void);
NODISCARD const struct charset *charset_utf8mb3(void);
NODISCARD const struct charset *charset_binary(void);
NODISCARD const struct charset *charset_latin1(void);

/* The number of the character set's default collation in that dialect. */
static inline uint16_t charset_default_collation(const struct charset *cs, enum sql_dialect dialect)
{
    return dialect == DIALECT_MARIADB ? cs->mariadb_id : cs->id;
}

/*
 * Appends s, which is in cs, to out in UTF-8. Returns how many characters became '?': those without
 * a place in Unicode, and each byte of what is malformed. Binary is copied as it is, whatever it
 * holds. out->failed tells that the ceiling was reached.
 */
size_t charset_to_utf8(const struct charset *cs, struct str s, struct bytebuf *out);

/* Appends s, which is in UTF-8, to out in cs. Returns how many characters became '?'. Binary is
 * copied. */
size_t charset_from_utf8(const struct charset *cs, struct str s, struct bytebuf *out);

/*
 * charset_to_utf8() into the arena. What is UTF-8 already, and binary, is not copied: then the
 * result borrows s.
 */
NODISCARD struct str charset_str_to_utf8(const struct charset *cs, struct str s,
                                         struct arena *arena);

/* charset_from_utf8() into the arena. The result borrows s where cs is UTF-8 or binary, or both
 * have the same bytes. */
NODISCARD struct str charset_str_from_utf8(const struct charset *cs, struct str s,
                                           struct arena *arena);

/*
 * Can text of that set be used as UTF-8 without conversion, and is it well-formed? True for
 * well-formed utf8mb4, utf8mb3 and pure ASCII in the sets that contain ASCII; then the conversions
 * above may be skipped.
 */
NODISCARD bool charset_is_utf8_already(const struct charset *cs, struct str s);

/* Bytes of the longest well-formed prefix of s, which is in cs. s.len when all of it is
 * well-formed. */
NODISCARD size_t charset_valid_prefix(const struct charset *cs, struct str s);

/* Characters of s, which is in cs. Each byte of what is malformed counts as one. */
NODISCARD size_t charset_count(const struct charset *cs, struct str s);

/* Bytes of the first `chars` characters of s (all of s when it has fewer). */
NODISCARD size_t charset_prefix(const struct charset *cs, struct str s, size_t chars);

/* charset_count() and charset_prefix() for UTF-8. */
NODISCARD size_t utf8_count(struct str s);
NODISCARD size_t utf8_prefix(struct str s, size_t chars);

/* Does s hold ASCII only? */
NODISCARD bool str_is_ascii(struct str s);

/* What utf8_next() gives for a byte that begins no well-formed character: UTF8_BAD + the byte. */
#define UTF8_BAD 0x110000u

/*
 * The character at p, where 0 < n bytes remain; *out_len is how many it takes. A malformed byte is
 * taken alone and gives UTF8_BAD plus its value. Well-formed is RFC 3629: no surrogates, no
 * overlong forms.
 */
uint32_t utf8_next_slow(const unsigned char *p, size_t n, size_t *out_len);

static inline uint32_t utf8_next(const unsigned char *p, size_t n, size_t *out_len)
{
    if (p[0] < 0x80) {
        *out_len = 1;
        return p[0];
    }
    return utf8_next_slow(p, n, out_len);
}

/* Writes a code point (at most U+10FFFF) to buf, which has room for 4 bytes. Returns the length. */
size_t utf8_put(uint32_t code_point, char *buf);

#endif
