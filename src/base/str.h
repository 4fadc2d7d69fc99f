/*
 * struct str: a borrowed run of bytes with a length. Never owns memory, may hold NUL bytes, is not
 * NUL-terminated. What it points into, and for how long, is said by whoever returns it.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

#include <string.h>

struct str {
    const char *p;
    size_t len;
};

/* A str of a string literal; usable in static initialisers. */
#define STR(literal)      ((struct str){.p = ("" literal), .len = sizeof(literal) - 1})
#define STR_INIT(literal) {.p = ("" literal), .len = sizeof(literal) - 1}
#define STR_NULL          ((struct str){.p = NULL, .len = 0})

/* For "%.*s" */
#define STR_FMT(s) (int)(s).len, ((s).p ? (s).p : "")

static inline struct str str_from(const char *p, size_t len)
{
    return (struct str){.p = p, .len = len};
}

/* A str over a NUL-terminated string; NULL gives the empty str. */
static inline struct str str_from_cstr(const char *cstr)
{
    return (struct str){.p = cstr, .len = cstr ? strlen(cstr) : 0};
}

/* Equal byte for byte. */
static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Equal after folding ASCII letters; other bytes must be the same. */
NODISCARD bool str_eq_nocase(struct str a, struct str b);

/* Order by bytes, then length: negative, 0, positive. */
NODISCARD int str_cmp(struct str a, struct str b);

/* Order as str_cmp() after folding ASCII letters. */
NODISCARD int str_cmp_nocase(struct str a, struct str b);

/* Without ASCII white space at both ends; borrows from s. */
NODISCARD struct str str_trim(struct str s);

NODISCARD bool str_starts_with(struct str s, struct str prefix);
NODISCARD bool str_starts_with_nocase(struct str s, struct str prefix);

/* Parses all of s as a decimal number. Returns 0, or -1 when s is empty, has other characters, or
 * does not fit. */
NODISCARD int str_to_u64(struct str s, uint64_t *out);
NODISCARD int str_to_i64(struct str s, int64_t *out);

/* Is s well-formed UTF-8 (RFC 3629: no surrogates, nothing above U+10FFFF)? */
NODISCARD bool str_is_utf8(struct str s);

/* Compares two secrets of one length in time that depends only on the length. */
NODISCARD bool mem_eq_const_time(const void *a, const void *b, size_t len);

/* Overwrites a secret in a way that the compiler may not remove. */
void mem_wipe(void *p, size_t len);

#endif
