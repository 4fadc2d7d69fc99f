/*
 * inbuf: bytes received from a filter and not yet used. It grows by what arrives: each read asks
 * for as much as the last ones brought, so that a peer that sends little costs little and one that
 * sends much is read in large pieces. Not thread-safe.
 */
#ifndef NET_INBUF_H
#define NET_INBUF_H

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "base/str.h"
#include "net/filter.h"

struct inbuf {
    struct bytebuf bytes;
    size_t pos;  /* Bytes before it have been used. */
    size_t room; /* How much the next read asks for. */
};

void inbuf_init(struct inbuf *in);
void inbuf_release(struct inbuf *in);

/* Gives the memory back if nothing is in it. */
void inbuf_idle(struct inbuf *in);

/* The bytes not yet used; borrowed until the next fill or feed. */
static inline struct str inbuf_peek(const struct inbuf *in)
{
    const bool is_empty = in->bytes.len == in->pos;
    return is_empty ? STR_NULL : str_from(in->bytes.p + in->pos, in->bytes.len - in->pos);
}

static inline size_t inbuf_len(const struct inbuf *in)
{
    return in->bytes.len - in->pos;
}

/* Marks n bytes (n <= inbuf_len()) as used. What was peeked stays where it is until the next fill
 * or feed. */
static inline void inbuf_consume(struct inbuf *in, size_t n)
{
    in->pos += n;
}

/* Removes n bytes that begin at offset at of those not yet used. */
void inbuf_cut(struct inbuf *in, size_t at, size_t n);

/* Appends bytes that come from elsewhere. Returns 0, or -1 when memory ran out. */
NODISCARD int inbuf_feed(struct inbuf *in, struct str bytes);

/* Reads from f once, what fits or a little more room than the last reads needed. As
 * net_filter_read(). */
NODISCARD enum net_result inbuf_read(struct inbuf *in, struct net_filter *f, uint64_t deadline_us,
                                     struct diag *d);

/*
 * Reads from f until at least need bytes are there. A result other than NET_OK keeps what has come.
 * NET_EOF when the peer ended in between.
 */
NODISCARD enum net_result inbuf_fill(struct inbuf *in, struct net_filter *f, size_t need,
                                     uint64_t deadline_us, struct diag *d);

#endif
