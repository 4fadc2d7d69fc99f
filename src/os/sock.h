/*
 * Sockets: listening, accepting and connecting, TCP (v4, v6) and UNIX. Descriptors are non-blocking
 * and close-on-exec. Errors are diags with texts for the person who starts the server.
 */
#ifndef OS_SOCK_H
#define OS_SOCK_H

#include "base/base.h"
#include "base/diag.h"
#include "os/io.h"

enum {
    SOCK_NAME_MAX = 80, /* "[v6 address]:port" with its terminator. */
};

/* Who is at the other end. */
struct sock_peer {
    char host[64]; /* Numeric address; "localhost" for a UNIX socket. */
    uint16_t port; /* 0 for a UNIX socket. */
    bool is_local; /* UNIX socket or a loopback address. */
    bool is_unix;
};

/*
 * Listens on a TCP address. bind: a numeric address or host name; "*" or "" = all addresses, v6 and
 * v4. port 0 picks a free one. Blocks if bind has to be looked up. Returns the descriptor, or -1
 * with d set.
 */
NODISCARD int sock_listen_tcp(const char *bind, uint16_t port, int backlog, struct diag *d);

/*
 * Listens on a UNIX socket, mode 0777 as MySQL's. A socket file that nobody listens on any more is
 * replaced. Returns the descriptor, or -1 with d set.
 */
NODISCARD int sock_listen_unix(const char *path, int backlog, struct diag *d);

/* The port a TCP socket is bound to, or 0. */
NODISCARD uint16_t sock_local_port(int fd);

/*
 * The next connection of a listening socket, TCP_NODELAY set. Returns the descriptor, or -1 with
 * *out_why as in io_read(): with IO_HANGUP errno tells; EMFILE and ENFILE mean that the caller
 * should pause before it tries again.
 */
NODISCARD int sock_accept(struct io *listener, uint64_t deadline_us, struct sock_peer *out_peer,
                          enum io_result *out_why);

/*
 * Connects, in a fiber; the name look-up goes to the offload pool. Returns a descriptor not yet
 * attached, or -1 with d set (also for time-out and interrupt).
 */
NODISCARD int sock_connect_tcp(const char *host, uint16_t port, uint64_t deadline_us,
                               struct diag *d);

/* Why a connection could not be made, for callers with error texts of their own. */
struct sock_connect_error {
    bool is_lookup;      /* The name has no address. */
    bool is_interrupted; /* fiber_interrupt() */
    char text[96];       /* "Connection refused" */
};

/* As sock_connect_tcp(): all addresses of the name are tried in turn, each with its share of the
 * time that is left. Returns a descriptor not yet attached, or -1 with *out_error set. */
NODISCARD int sock_connect_host(const char *host, uint16_t port, uint64_t deadline_us,
                                struct sock_connect_error *out_error);
NODISCARD int sock_connect_unix(const char *path, uint64_t deadline_us, struct diag *d);

/* TCP keep-alive after idle_s seconds of silence; 0 = off. No-op on a UNIX socket. */
void sock_set_keepalive(int fd, unsigned idle_s);

#endif
