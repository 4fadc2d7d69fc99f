#include "net/pipe.h"

#include "net_int.h"

#include "base/bytebuf.h"

#include <errno.h>
#include <stdlib.h>

struct pipe;

struct pipe_end {
    struct net_filter f;
    struct pipe *pipe;
    struct bytebuf in;    /* Bytes on their way to this end. */
    struct fiber *waiter; /* Fiber of this end that is parked, or NULL. */
    bool is_open;         /* Not released. */
    bool is_finished;     /* Has shut down: nothing more will be written. */
    io_hangup_fn *on_hangup;
    void *on_hangup_arg;
};

/* Freed with its second end. */
struct pipe {
    struct pipe_end ends[2];
    size_t capacity;
};

static struct pipe_end *end_of(struct net_filter *f)
{
    return CONTAINER_OF(f, struct pipe_end, f);
}

static struct pipe_end *peer_of(struct pipe_end *e)
{
    return e == &e->pipe->ends[0] ? &e->pipe->ends[1] : &e->pipe->ends[0];
}

static void wake(struct pipe_end *e)
{
    if (e->waiter != NULL) {
        fiber_wake(e->waiter);
    }
}

static enum net_result park(struct pipe_end *e, uint64_t deadline_us)
{
    e->waiter = fiber_self();
    const enum fiber_result r = fiber_park(deadline_us);
    e->waiter = NULL;
    return r == FIBER_TIMEOUT ? NET_TIMEOUT : r == FIBER_INTERRUPTED ? NET_INTERRUPTED : NET_OK;
}

/* Waits until there is input or its end. */
static enum net_result pipe_wait(struct net_filter *f, uint64_t deadline_us)
{
    struct pipe_end *e = end_of(f);
    while (e->in.len == 0 && !peer_of(e)->is_finished) {
        const enum net_result r = park(e, deadline_us);
        if (r != NET_OK) {
            return r;
        }
    }
    return NET_OK;
}

static struct net_io pipe_read(struct net_filter *f, void *buf, size_t len, uint64_t deadline_us,
                               struct diag *d)
{
    struct pipe_end *e = end_of(f);
    const enum net_result r = pipe_wait(f, deadline_us);
    if (r != NET_OK) {
        return (struct net_io){.result = deadline_us == NET_NOW ? r : net_read_result(r, d)};
    }
    const size_t n = MIN(len, e->in.len);
    if (n == 0) {
        return (struct net_io){.result = NET_EOF};
    }
    memcpy(buf, e->in.p, n);
    bytebuf_consume(&e->in, n);
    wake(peer_of(e));
    return (struct net_io){.len = n};
}

static struct net_io pipe_write(struct net_filter *f, const void *buf, size_t len,
                                uint64_t deadline_us, struct diag *d)
{
    struct pipe_end *e = end_of(f);
    struct pipe_end *peer = peer_of(e);
    struct net_io io = {.result = NET_OK};
    while (io.len < len && io.result == NET_OK) {
        const size_t room = e->pipe->capacity - peer->in.len;
        if (!peer->is_open) {
            io.result = net_write_error(d, EPIPE);
        } else if (room == 0) {
            const enum net_result r = park(e, deadline_us);
            io.result = deadline_us == NET_NOW ? r : net_write_result(r, d);
        } else {
            const size_t n = MIN(room, len - io.len);
            bytebuf_put(&peer->in, (const char *)buf + io.len, n);
            io.len += n;
            wake(peer);
        }
    }
    return io;
}

static void notify_hangup(struct pipe_end *e)
{
    io_hangup_fn *fn = e->on_hangup;
    e->on_hangup = NULL;
    if (fn != NULL) {
        fn(e->on_hangup_arg);
    }
}

static void pipe_on_hangup(struct net_filter *f, io_hangup_fn *fn, void *arg)
{
    struct pipe_end *e = end_of(f);
    e->on_hangup = fn;
    e->on_hangup_arg = arg;
    if (peer_of(e)->is_finished) {
        notify_hangup(e);
    }
}

static void pipe_shutdown(struct net_filter *f, uint64_t deadline_us)
{
    struct pipe_end *e = end_of(f);
    struct pipe_end *peer = peer_of(e);
    (void)deadline_us;
    if (e->is_finished) {
        return;
    }
    e->is_finished = true;
    if (peer->waiter != NULL) {
        fiber_wake(peer->waiter);
    } else {
        notify_hangup(peer);
    }
}

static void pipe_release(struct net_filter *f)
{
    struct pipe_end *e = end_of(f);
    pipe_shutdown(f, 0);
    e->is_open = false;
    e->on_hangup = NULL;
    bytebuf_release(&e->in);
    if (!peer_of(e)->is_open) {
        free(e->pipe);
    }
}

static const struct net_filter_ops pipe_ops = {
    .name = "pipe",
    .read = pipe_read,
    .write = pipe_write,
    .wait = pipe_wait,
    .on_hangup = pipe_on_hangup,
    .shutdown = pipe_shutdown,
    .release = pipe_release,
};

void net_pipe_new(size_t capacity, struct net_filter **out_a, struct net_filter **out_b)
{
    struct pipe *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        abort();
    }
    p->capacity = capacity;
    for (size_t i = 0; i < 2; i++) {
        p->ends[i].f.ops = &pipe_ops;
        p->ends[i].pipe = p;
        p->ends[i].is_open = true;
        bytebuf_init(&p->ends[i].in, capacity);
    }
    *out_a = &p->ends[0].f;
    *out_b = &p->ends[1].f;
}
