/* What the tests of binlog/ share: recorded logs, event by event, and events made by hand. */
#ifndef BINLOG_TEST_H
#define BINLOG_TEST_H

#include "binlog/event.h"

#include "base/arena.h"
#include "base/bytebuf.h"
#include "base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
/* clang-format on */

#define DATA_DIR "tests/data/binlog/"

/* All of a file of the recordings; the arena holds it. */
static inline struct str read_data(struct arena *a, const char *name, const char *suffix)
{
    char path[256];
    (void)snprintf(path, sizeof(path), DATA_DIR "%s%s", name, suffix);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fail_msg("cannot open %s", path);
    }
    (void)fseek(f, 0, SEEK_END);
    const size_t len = (size_t)ftell(f);
    rewind(f);
    char *p = arena_alloc(a, len + 1);
    assert_int_equal(fread(p, 1, len, f), len);
    (void)fclose(f);
    return str_from(p, len);
}

/* The next event of a file; start with *at = BINLOG_MAGIC_LEN. False at the end. */
static inline bool next_event(struct str file, size_t *at, struct str *out)
{
    if (*at >= file.len) {
        return false;
    }
    *out = str_from(file.p + *at, file.len - *at);
    out->len = binlog_peek_size(*out);
    assert_in_range(out->len, BINLOG_HEADER_LEN, file.len - *at);
    *at += out->len;
    return true;
}

static inline void put_le(struct bytebuf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        bytebuf_put_char(b, (char)(v >> (8 * i)));
    }
}

/* An event without a checksum; borrows from b, which is emptied before. */
static inline struct str make_event(struct bytebuf *b, uint8_t type, uint16_t flags,
                                    struct str body)
{
    bytebuf_reset(b);
    put_le(b, 1000, 4);
    put_le(b, type, 1);
    put_le(b, 7, 4);
    put_le(b, BINLOG_HEADER_LEN + body.len, 4);
    put_le(b, 0, 4);
    put_le(b, flags, 2);
    bytebuf_put_str(b, body);
    return bytebuf_str(b);
}

/* The diag's error message has this in it. */
static inline void assert_error(const struct diag *d, const char *part)
{
    assert_non_null(d->error);
    char text[1024];
    (void)snprintf(text, sizeof(text), "%.*s", STR_FMT(d->error->message));
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

#endif
