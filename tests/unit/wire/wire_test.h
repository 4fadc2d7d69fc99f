/* Helpers of the codec's tests: a buffer with a writer, and the check that truncated payloads fail
 * cleanly. */
#ifndef UNIT_WIRE_TEST_H
#define UNIT_WIRE_TEST_H

#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"

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

/* One message being written. */
struct message {
    struct bytebuf buf;
    struct pkt_writer w;
};

static inline void message_init(struct message *m)
{
    bytebuf_init(&m->buf, (size_t)1 << 26);
    pkt_writer_init(&m->w, &m->buf);
    pkt_begin(&m->w);
}

/* Ends the packet and returns its payload, borrowed from m. */
static inline struct str message_end(struct message *m)
{
    assert_int_equal(pkt_end(&m->w), 0);
    return str_from(m->buf.p + WIRE_HEADER_LEN, m->buf.len - WIRE_HEADER_LEN);
}

static inline void message_release(struct message *m)
{
    bytebuf_release(&m->buf);
}

static inline void assert_str_equal(struct str a, struct str b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0) {
        assert_memory_equal(a.p, b.p, a.len);
    }
}

/* Decodes a payload and forgets the result: 0 or -1. */
typedef int decode_fn(struct str payload, void *arg);

/*
 * Decodes every proper prefix of payload, each in an allocation of just its size so that a
 * sanitizer sees a byte read too many. Prefixes shorter than must_fail_below have to be refused.
 */
static inline void check_truncation(struct str payload, size_t must_fail_below, decode_fn *decode,
                                    void *arg)
{
    for (size_t len = 0; len < payload.len; len++) {
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, payload.p, len);
        const int rc = decode(str_from(copy, len), arg);
        if (len < must_fail_below) {
            assert_int_equal(rc, -1);
        }
        free(copy);
    }
}

#endif
