#include "net/inbuf.h"

#include "wire/proto.h"

enum {
    ROOM_MIN = 4 * 1024,
    ROOM_MAX = 256 * 1024,
};

/* Two of the largest packets: callers have their own, lower limits. */
static const size_t bytes_max = 2 * WIRE_MAX_ALLOWED_PACKET;

void inbuf_init(struct inbuf *in)
{
    *in = (struct inbuf){.room = ROOM_MIN};
    bytebuf_init(&in->bytes, bytes_max);
}

void inbuf_release(struct inbuf *in)
{
    bytebuf_release(&in->bytes);
    inbuf_init(in);
}

void inbuf_idle(struct inbuf *in)
{
    if (inbuf_len(in) == 0) {
        inbuf_release(in);
    }
}

void inbuf_cut(struct inbuf *in, size_t at, size_t n)
{
    char *p = in->bytes.p + in->pos + at;
    memmove(p, p + n, inbuf_len(in) - at - n);
    in->bytes.len -= n;
}

/* Room for extra bytes, at best by moving what is there to the front. Returns 0 or -1. */
static int make_room(struct inbuf *in, size_t extra)
{
    struct bytebuf *b = &in->bytes;
    if (in->pos > 0 && (in->pos == b->len || b->cap - b->len < extra)) {
        bytebuf_consume(b, in->pos);
        in->pos = 0;
    }
    return bytebuf_reserve(b, extra) != NULL ? 0 : -1;
}

int inbuf_feed(struct inbuf *in, struct str bytes)
{
    if (make_room(in, bytes.len) != 0) {
        return -1;
    }
    bytebuf_put_str(&in->bytes, bytes);
    return 0;
}

/* How much room to read into: what is missing, but neither a tiny piece nor more than has proved to
 * come. */
static size_t next_room(const struct inbuf *in, size_t missing)
{
    return missing > in->room ? MAX(in->room, MIN(missing, inbuf_len(in))) : in->room;
}

/* One read into at least room bytes. */
static enum net_result read_once(struct inbuf *in, struct net_filter *f, size_t room,
                                 uint64_t deadline_us, struct diag *d)
{
    if (make_room(in, room) != 0) {
        diag_set(d, ER_OUT_OF_RESOURCES);
        return NET_ERROR;
    }
    struct bytebuf *b = &in->bytes;
    const struct net_io io = net_filter_read(f, b->p + b->len, b->cap - b->len, deadline_us, d);
    if (io.result != NET_OK) {
        return io.result;
    }
    b->len += io.len;
    if (io.len >= in->room && in->room < ROOM_MAX) {
        in->room *= 2;
    }
    return NET_OK;
}

enum net_result inbuf_read(struct inbuf *in, struct net_filter *f, uint64_t deadline_us,
                           struct diag *d)
{
    return read_once(in, f, in->room, deadline_us, d);
}

enum net_result inbuf_fill(struct inbuf *in, struct net_filter *f, size_t need,
                           uint64_t deadline_us, struct diag *d)
{
    enum net_result r = NET_OK;
    while (r == NET_OK && inbuf_len(in) < need) {
        r = read_once(in, f, next_room(in, need - inbuf_len(in)), deadline_us, d);
    }
    return r;
}
