/*
 * Inside of the character sets: the tables that gen/charsets.pl makes. For charset.c,
 * charset_multi.c and collation.c.
 */
#ifndef TYPES_CHARSET_INT_H
#define TYPES_CHARSET_INT_H

#include "types/charset.h"

/* s, but never a null pointer: nothing may be added to one, not even 0. */
static inline struct str str_not_null(struct str s)
{
    return s.p ? s : STR("");
}

/* A character of a single-byte set that is not the ASCII character of its byte. */
struct charset_cell {
    uint16_t code_point;
    uint8_t byte;
};

/* No character has this byte. */
#define CHARSET_NO_CHARACTER 0xFFFFu

struct charset_bytes {
    uint16_t to_unicode[256];
    uint8_t upper[256]; /* UPPER() and LOWER() of the bytes. */
    uint8_t lower[256];
    bool is_ascii; /* Bytes below 0x80 are ASCII. */
    uint16_t ncells;
    const struct charset_cell *cells; /* Sorted by code point, one a code point. */
};

/* The byte of a code point, or -1. */
NODISCARD int charset_bytes_find(const struct charset_bytes *t, uint32_t code_point);

/* How the characters of a multi-byte set are made up. */
enum charset_shape {
    CHARSET_SHAPE_BIG5,
    CHARSET_SHAPE_EUCJP,
    CHARSET_SHAPE_EUCKR,
    CHARSET_SHAPE_GB18030,
    CHARSET_SHAPE_GB2312,
    CHARSET_SHAPE_GBK,
    CHARSET_SHAPE_SJIS,
};

/* Where the server differs from ICU: a character's bytes, as a number, and its code point. 0 for
 * none. */
struct charset_exception {
    uint32_t code;
    uint32_t code_point;
};

struct charset_multi {
    uint8_t index; /* Place of its converter among a thread's. */
    enum charset_shape shape;
    bool has_private; /* Its user-defined characters are those of Unicode's private use area, else
                         they have no place. */
    const char *icu_name;
    const struct charset_exception *to; /* Sorted by code. */
    size_t nto;
    const struct charset_exception *from; /* Sorted by code point. */
    size_t nfrom;
};

/* How many multi-byte sets there may be. */
#define CHARSET_MULTI_MAX 16

/* Bytes of the well-formed character at p (n > 0 bytes remain), or 0. */
NODISCARD size_t charset_multi_length(const struct charset_multi *m, const unsigned char *p,
                                      size_t n);

/* charset_to_utf8() and charset_from_utf8() of multi-byte sets. */
size_t charset_multi_to_utf8(const struct charset_multi *m, struct str s, struct bytebuf *out);
size_t charset_multi_from_utf8(const struct charset_multi *m, struct str s, struct bytebuf *out);

/* Generated: sorted by name. */
extern const struct charset charset_table[];
extern const size_t charset_table_len;

#endif
