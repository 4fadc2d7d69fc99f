/*
 * Listener: accepts connections on a TCP address or a UNIX socket, and starts a fiber for each on
 * the loops in turn.
 *
 * A listener is a fiber on one of the loops; several listeners are spread over them. When
 * descriptors run out it pauses and goes on.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/base.h"
#include "base/diag.h"
#include "os/loop.h"
#include "os/sock.h"

struct listener;

/* A connection that was accepted. */
struct listener_accepted {
    struct loop *loop; /* Of the fiber that serves it. */
    int fd;            /* Owned by the callee. */
    struct sock_peer peer;
};

struct listener_handler {
    /*
     * Called in the listener's fiber for each connection, before anything is started for it: the
     * hook for a limit on connections. On false the connection is closed unanswered. May be NULL.
     * May not park.
     */
    bool (*admit)(void *arg, const struct sock_peer *peer);

    /* The life of a connection, in a fiber of its own on accepted->loop. Required. accepted lives
     * as long as the call. */
    void (*serve)(void *arg, const struct listener_accepted *accepted);

    void *arg;
};

struct listener_options {
    const char *bind;      /* TCP: address or name; "*" = all. NULL: none. */
    uint16_t port;         /* TCP: 0 picks a free one. */
    const char *unix_path; /* UNIX socket instead of TCP. */
    int backlog;           /* 0: 512. */
    uint64_t *out_port;    /* TCP: gets the port before a connection is served. May be NULL. */
};

/*
 * Starts listening. handler is copied; its arg must live until listener_stop(). Returns NULL with d
 * set, in words that tell whoever starts the server what to do. Not from a fiber.
 */
NODISCARD struct listener *listener_start(struct loops *loops, const struct listener_options *o,
                                          const struct listener_handler *handler, struct diag *d);

/* The TCP port, or 0 for a UNIX socket. */
NODISCARD uint16_t listener_port(const struct listener *l);

/* Stops accepting, closes the socket (and removes a UNIX socket's file). Connections go on. NULL is
 * harmless. Not from a loop thread. */
void listener_stop(struct listener *l);

#endif
