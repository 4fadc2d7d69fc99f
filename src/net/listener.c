#include "net/listener.h"

#include "base/log.h"
#include "os/fiber.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 512,
    PAUSE_US = 100 * 1000, /* Before the next try when descriptors have run out. */
    STOP = 1,              /* Interrupt that ends the listener's fiber. */
};

struct listener {
    struct loops *loops;
    struct loop *loop; /* Of the accepting fiber. */
    struct listener_handler handler;
    struct fiber *fiber; /* A reference. */
    int fd;
    char *unix_path; /* Owned; NULL for TCP. */
};

/* What the fiber of a connection starts with. */
struct connection {
    struct listener_handler handler;
    struct listener_accepted accepted;
};

static const struct log net_log = {.module = "net"};

static void serve(void *arg)
{
    struct connection *c = arg;
    c->handler.serve(c->handler.arg, &c->accepted);
    free(c);
}

static void start_connection(struct listener *l, int fd, const struct sock_peer *peer)
{
    if (l->handler.admit != NULL && !l->handler.admit(l->handler.arg, peer)) {
        (void)close(fd);
        return;
    }
    struct connection *c = malloc(sizeof(*c));
    if (c != NULL) {
        struct loop *loop = loops_next(l->loops);
        *c = (struct connection){.handler = l->handler,
                                 .accepted = {.loop = loop, .fd = fd, .peer = *peer}};
        if (fiber_spawn(loop, serve, c) == 0) {
            return;
        }
    }
    log_warn(&net_log, "connection from %s refused: out of memory or memory mappings", peer->host);
    (void)close(fd);
    free(c);
}

/* After accept(2) failed: logs what is new, pauses where that helps. */
static void handle_failure(int err, int *last_err)
{
    char text[128];
    if (err == ECONNABORTED || err == EPROTO) {
        return;
    }
    if (err != *last_err) {
        log_warn(&net_log, "cannot accept connections: %s", strerror_r(err, text, sizeof(text)));
        *last_err = err;
    }
    (void)fiber_sleep(PAUSE_US);
}

static void accept_all(struct listener *l, struct io *io)
{
    struct sock_peer peer;
    enum io_result why;
    int last_err = 0;
    while (fiber_interrupted() == 0) {
        const int fd = sock_accept(io, FIBER_FOREVER, &peer, &why);
        if (fd >= 0) {
            last_err = 0;
            start_connection(l, fd, &peer);
        } else if (why == IO_HANGUP) {
            handle_failure(errno, &last_err);
        }
    }
}

static void run(void *arg)
{
    struct listener *l = arg;
    struct io io;
    if (io_attach(&io, l->loop, l->fd) != 0) {
        log_error(&net_log, "cannot watch the listening socket");
        return;
    }
    accept_all(l, &io);
    io_detach(&io);
}

static void free_listener(struct listener *l)
{
    if (l->fd >= 0) {
        (void)close(l->fd);
    }
    if (l->unix_path != NULL) {
        (void)unlink(l->unix_path);
    }
    free(l->unix_path);
    free(l);
}

/* Opens the socket. Returns 0, or -1 with d set. */
static int open_socket(struct listener *l, const struct listener_options *o, struct diag *d)
{
    const int backlog = o->backlog > 0 ? o->backlog : BACKLOG;
    if (o->unix_path == NULL) {
        l->fd = sock_listen_tcp(o->bind, o->port, backlog, d);
        return l->fd >= 0 ? 0 : -1;
    }
    l->fd = sock_listen_unix(o->unix_path, backlog, d);
    if (l->fd < 0) {
        return -1;
    }
    l->unix_path = strdup(o->unix_path);
    return 0;
}

struct listener *listener_start(struct loops *loops, const struct listener_options *o,
                                const struct listener_handler *handler, struct diag *d)
{
    struct listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        abort();
    }
    l->loops = loops;
    l->loop = loops_next(loops);
    l->handler = *handler;
    l->fd = -1;
    if (open_socket(l, o, d) != 0) {
        free_listener(l);
        return NULL;
    }
    if (o->out_port != NULL) {
        *o->out_port = listener_port(l);
    }
    l->fiber = fiber_spawn_ref(l->loop, run, l);
    if (l->fiber == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
        free_listener(l);
        return NULL;
    }
    return l;
}

uint16_t listener_port(const struct listener *l)
{
    return l->unix_path == NULL ? sock_local_port(l->fd) : 0;
}

void listener_stop(struct listener *l)
{
    if (l == NULL) {
        return;
    }
    fiber_interrupt(l->fiber, STOP);
    fiber_join(l->fiber);
    free_listener(l);
}
