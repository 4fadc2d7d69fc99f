/*
 * Both sides of a relay, fed by hand: what a peer sends is there at once, or once the relay has
 * sent that peer so many bytes; what it is sent is kept. When a script is at its end the peer has
 * hung up. Nothing ever waits, so that no fiber and no descriptor is needed.
 */
#ifndef UNIT_RELAY_SCRIPT_H
#define UNIT_RELAY_SCRIPT_H

#include "relay/relay.h"

#include <stdlib.h>
#include <string.h>

enum {
    SCRIPT_PIECES_MAX = 8,
};

struct script_piece {
    struct str data;
    size_t after; /* bytes that the peer has to have been sent before */
};

struct script {
    struct net_filter f;
    struct script_piece pieces[SCRIPT_PIECES_MAX];
    unsigned count, at;
    size_t offset;
    size_t read_max;      /* bytes that a read gives; 0: all there are */
    struct bytebuf *sent; /* what the relay has sent; the owner's */
};

static inline struct script *script_of(const struct net_filter *f)
{
    return CONTAINER_OF((struct net_filter *)f, struct script, f);
}

/* The piece to be read next; NULL when it has to wait, or at the end. */
static inline const struct script_piece *script_ready(const struct script *s)
{
    const struct script_piece *p = s->at < s->count ? &s->pieces[s->at] : NULL;
    return p != NULL && s->sent->len >= p->after ? p : NULL;
}

static inline struct net_io script_read(struct net_filter *f, void *buf, size_t len,
                                        uint64_t deadline_us, struct diag *d)
{
    struct script *s = script_of(f);
    const struct script_piece *p = script_ready(s);
    (void)deadline_us;
    (void)d;
    if (p == NULL) {
        return (struct net_io){.result = s->at < s->count ? NET_TIMEOUT : NET_EOF};
    }
    const size_t left = p->data.len - s->offset;
    const size_t n = MIN(MIN(len, left), s->read_max != 0 ? s->read_max : left);
    memcpy(buf, p->data.p + s->offset, n);
    s->offset += n;
    if (s->offset == p->data.len) {
        s->at++;
        s->offset = 0;
    }
    return (struct net_io){.len = n};
}

static inline struct net_io script_write(struct net_filter *f, const void *buf, size_t len,
                                         uint64_t deadline_us, struct diag *d)
{
    (void)deadline_us;
    (void)d;
    if (len > 0) {
        bytebuf_put(script_of(f)->sent, buf, len);
    }
    return (struct net_io){.len = len};
}

static inline bool script_pending(const struct net_filter *f)
{
    const struct script *s = script_of(f);
    return s->at == s->count || script_ready(s) != NULL;
}

static inline void script_release(struct net_filter *f)
{
    free(script_of(f));
}

/* A peer without anything to say; it belongs to the connection that is made over it. */
static inline struct script *script_new(struct bytebuf *sent)
{
    static const struct net_filter_ops ops = {
        .name = "script",
        .read = script_read,
        .write = script_write,
        .pending = script_pending,
        .release = script_release,
    };
    struct script *s = calloc(1, sizeof *s);
    if (s == NULL) {
        abort();
    }
    s->f.ops = &ops;
    s->sent = sent;
    return s;
}

/* data stays the caller's, until the connection is released; none is no piece. */
static inline void script_add(struct script *s, struct str data, size_t after)
{
    if (data.len > 0 && s->count < SCRIPT_PIECES_MAX) {
        s->pieces[s->count++] = (struct script_piece){.data = data, .after = after};
    }
}

#endif
