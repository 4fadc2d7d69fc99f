/* The bottom filter: a TCP or UNIX socket, watched by the loop. */
#include "net_int.h"

#include "net/filter.h"
#include "os/fiber.h"
#include "os/io_batch.h"
#include "os/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEEPALIVE_S = 300, /* Silence after which the kernel asks whether the peer is still there. */
    TURN_LEN = 1024 * 1024, /* Bytes after which other fibers have their turn. */
};

struct socket_filter {
    struct net_filter f;
    struct io io;
    int fd;
    size_t moved; /* Bytes since the last turn was given to other fibers. */
};

static struct socket_filter *socket_of(struct net_filter *f)
{
    return CONTAINER_OF(f, struct socket_filter, f);
}

/* How a wait that was not ready ended. IO_HANGUP counts as ready: the next system call tells. */
static enum net_result result_of(enum io_result r)
{
    switch (r) {
    case IO_TIMEOUT:
        return NET_TIMEOUT;
    case IO_INTERRUPTED:
        return NET_INTERRUPTED;
    case IO_READY:
    case IO_HANGUP:
        break;
    }
    return NET_OK;
}

/* A peer that is as fast as we are never makes us wait; the other sessions of the loop must not
 * starve meanwhile. */
static void take_turns(struct socket_filter *s, size_t len)
{
    s->moved += len;
    if (s->moved >= TURN_LEN) {
        s->moved = 0;
        fiber_yield();
    }
}

static bool would_wait(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

static struct net_io socket_read(struct net_filter *f, void *buf, size_t len, uint64_t deadline_us,
                                 struct diag *d)
{
    struct socket_filter *s = socket_of(f);
    enum io_result why = IO_TIMEOUT;
    const ssize_t n = deadline_us == NET_NOW ? io_batch_recv(s->fd, buf, len)
                                             : io_read(&s->io, buf, len, deadline_us, &why);
    if (n > 0) {
        take_turns(s, (size_t)n);
        return (struct net_io){.len = (size_t)n};
    }
    if (n == 0) {
        return (struct net_io){.result = NET_EOF};
    }
    if (deadline_us == NET_NOW && would_wait(errno)) {
        return (struct net_io){.result = NET_TIMEOUT};
    }
    const enum net_result r = deadline_us == NET_NOW ? NET_OK : result_of(why);
    return (struct net_io){.result =
                               r == NET_OK ? net_read_error(d, errno) : net_read_result(r, d)};
}

/* send() in place of write(): a peer that has gone must not raise a signal, whatever the process
 * does with it. */
static struct net_io socket_write(struct net_filter *f, const void *buf, size_t len,
                                  uint64_t deadline_us, struct diag *d)
{
    struct socket_filter *s = socket_of(f);
    struct net_io io = {.result = NET_OK};
    while (io.len < len && io.result == NET_OK) {
        const char *rest = (const char *)buf + io.len;
        const ssize_t n = deadline_us == NET_NOW ? io_batch_send(s->fd, rest, len - io.len)
                                                 : send(s->fd, rest, len - io.len, MSG_NOSIGNAL);
        if (n >= 0) {
            io.len += (size_t)n;
            take_turns(s, (size_t)n);
        } else if (deadline_us == NET_NOW && would_wait(errno)) {
            io.result = NET_TIMEOUT;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            io.result = net_write_result(result_of(io_wait(&s->io, IO_WRITABLE, deadline_us)), d);
        } else if (errno != EINTR) {
            io.result = net_write_error(d, errno);
        }
    }
    return io;
}

static enum net_result socket_wait(struct net_filter *f, uint64_t deadline_us)
{
    return result_of(io_wait(&socket_of(f)->io, IO_READABLE, deadline_us));
}

static struct io *socket_io(struct net_filter *f)
{
    return &socket_of(f)->io;
}

static void socket_on_hangup(struct net_filter *f, io_hangup_fn *fn, void *arg)
{
    io_on_hangup(&socket_of(f)->io, fn, arg);
}

static void socket_shutdown(struct net_filter *f, uint64_t deadline_us)
{
    (void)deadline_us;
    (void)shutdown(socket_of(f)->fd, SHUT_WR);
}

static void socket_release(struct net_filter *f)
{
    struct socket_filter *s = socket_of(f);
    io_detach(&s->io);
    (void)close(s->fd);
    free(s);
}

static const struct net_filter_ops socket_ops = {
    .name = "socket",
    .read = socket_read,
    .write = socket_write,
    .wait = socket_wait,
    .io = socket_io,
    .on_hangup = socket_on_hangup,
    .shutdown = socket_shutdown,
    .release = socket_release,
};

struct net_filter *net_socket_new(struct loop *loop, int fd, struct diag *d)
{
    struct socket_filter *s = calloc(1, sizeof(*s));
    if (s == NULL || io_attach(&s->io, loop, fd) != 0) {
        (void)net_read_error(d, s == NULL ? ENOMEM : errno);
        free(s);
        (void)close(fd);
        return NULL;
    }
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sock_set_keepalive(fd, KEEPALIVE_S);
    s->f.ops = &socket_ops;
    s->fd = fd;
    return &s->f;
}

void net_socket_detach(struct net_filter *f)
{
    assert(f->ops == &socket_ops);
    io_detach(&socket_of(f)->io);
}

int net_socket_attach(struct net_filter *f, struct loop *loop, struct diag *d)
{
    assert(f->ops == &socket_ops);
    struct socket_filter *s = socket_of(f);
    if (io_attach(&s->io, loop, s->fd) != 0) {
        (void)net_read_error(d, errno);
        return -1;
    }
    return 0;
}
