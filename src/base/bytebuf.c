#include "base/bytebuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTEBUF_MIN = 64, /* Bytes of the first allocation. */
};

void bytebuf_init(struct bytebuf *b, size_t max)
{
    *b = (struct bytebuf){.max = max};
}

void bytebuf_release(struct bytebuf *b)
{
    free(b->p);
    *b = (struct bytebuf){.max = b->max};
}

void bytebuf_reset(struct bytebuf *b)
{
    b->len = 0;
    b->failed = false;
}

static char *fail(struct bytebuf *b)
{
    b->failed = true;
    return NULL;
}

char *bytebuf_reserve(struct bytebuf *b, size_t extra)
{
    if (b->failed) {
        return NULL;
    }
    if (extra > b->max || b->len > b->max - extra) {
        return fail(b);
    }
    if (b->p && b->cap - b->len >= extra) {
        return b->p + b->len;
    }
    const size_t need = b->len + extra;
    size_t cap = MAX(b->cap, (size_t)BYTEBUF_MIN);
    while (cap < need) {
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    }
    if (cap > b->max) {
        cap = MAX(b->max, (size_t)1);
    }
    char *p = realloc(b->p, cap);
    if (!p) {
        return fail(b);
    }
    b->p = p;
    b->cap = cap;
    return p + b->len;
}

void bytebuf_put(struct bytebuf *b, const void *p, size_t len)
{
    char *to = bytebuf_reserve(b, len);
    if (to && len) {
        memcpy(to, p, len);
        b->len += len;
    }
}

void bytebuf_put_str(struct bytebuf *b, struct str s)
{
    bytebuf_put(b, s.p, s.len);
}

void bytebuf_put_cstr(struct bytebuf *b, const char *cstr)
{
    bytebuf_put(b, cstr, strlen(cstr));
}

void bytebuf_put_char(struct bytebuf *b, char c)
{
    bytebuf_put(b, &c, 1);
}

void bytebuf_put_quoted(struct bytebuf *b, struct str text, const char *marks)
{
    bytebuf_put_char(b, marks[0]);
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\0' && strchr(marks, text.p[i]) != NULL) {
            bytebuf_put_char(b, text.p[i]);
        }
        bytebuf_put_char(b, text.p[i]);
    }
    bytebuf_put_char(b, marks[0]);
}

void bytebuf_printf(struct bytebuf *b, const char *fmt, ...)
{
    va_list ap;
    va_list again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (NEVER(len < 0)) {
        va_end(again);
        b->failed = true;
        return;
    }
    /* The terminator that vsnprintf() writes is not part of the text, yet needs a byte of room. */
    char small[256];
    if ((size_t)len < sizeof(small)) {
        (void)vsnprintf(small, sizeof(small), fmt, again);
        bytebuf_put(b, small, (size_t)len);
    } else {
        char *text = malloc((size_t)len + 1);
        if (text) {
            (void)vsnprintf(text, (size_t)len + 1, fmt, again);
            bytebuf_put(b, text, (size_t)len);
            free(text);
        } else {
            b->failed = true;
        }
    }
    va_end(again);
}

void bytebuf_consume(struct bytebuf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0) {
        return;
    }
    b->len -= n;
    memmove(b->p, b->p + n, b->len);
}
