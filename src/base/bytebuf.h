/*
 * bytebuf: a growing run of bytes with a ceiling that must be given. Sticky failure: once an append
 * would pass the ceiling (or memory runs out) `failed` is set, that and later appends do nothing,
 * and the user checks once at the end.
 */
#ifndef BASE_BYTEBUF_H
#define BASE_BYTEBUF_H

#include "base/base.h"
#include "base/str.h"

struct bytebuf {
    char *p;
    size_t len;
    size_t cap;
    size_t max;  /* Ceiling of len. */
    bool failed; /* An append was dropped. */
};

/* Empty buffer that may grow to max bytes; allocates nothing yet. */
void bytebuf_init(struct bytebuf *b, size_t max);
void bytebuf_release(struct bytebuf *b);

/* Empties the buffer and clears `failed`; keeps the memory. */
void bytebuf_reset(struct bytebuf *b);

/* Room for extra bytes behind len. Returns where they go, or NULL with `failed` set. */
NODISCARD char *bytebuf_reserve(struct bytebuf *b, size_t extra);

/* Appends; no-ops once failed. */
void bytebuf_put(struct bytebuf *b, const void *p, size_t len);
void bytebuf_put_str(struct bytebuf *b, struct str s);
void bytebuf_put_cstr(struct bytebuf *b, const char *cstr);
void bytebuf_put_char(struct bytebuf *b, char c);
/* Appends text between two of the first character of marks, those of marks within it doubled: names
 * of SQL with "`", its strings with "'", or with "'\\" where a backslash escapes. */
void bytebuf_put_quoted(struct bytebuf *b, struct str text, const char *marks);
void bytebuf_printf(struct bytebuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Removes n bytes (n <= len) at the front, moving the rest down. */
void bytebuf_consume(struct bytebuf *b, size_t n);

static inline struct str bytebuf_str(const struct bytebuf *b)
{
    return str_from(b->p, b->len);
}

#endif
