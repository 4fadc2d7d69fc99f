#include "os/sock.h"

#include "os_int.h"

#include "base/clock.h"
#include "os/offload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Errors here speak to who starts the server or follows its log; MySQL has no texts for them. */
#define sock_error(d, ...) diag_set_at((d), __FILE__, __LINE__, ER_IPSOCK_ERROR, __VA_ARGS__)

static void set_flag(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

static int listen_error(struct diag *d, const char *bind, unsigned port, int err)
{
    switch (err) {
    case EADDRINUSE:
        return sock_error(d,
                          "cannot listen on %s:%u: the port is in use; "
                          "stop the other server or set another server.port",
                          bind, port);
    case EACCES:
        return sock_error(d,
                          "cannot listen on %s:%u: not permitted; "
                          "ports below 1024 need root, set another server.port",
                          bind, port);
    case EADDRNOTAVAIL:
        return sock_error(d,
                          "cannot listen on %s:%u: this machine does not have that address; "
                          "set another server.bind",
                          bind, port);
    default:
        return sock_error(d, "cannot listen on %s:%u: %s", bind, port, os_errno_text(err));
    }
}

/* Returns a listening descriptor, or -1 with errno set. */
static int listen_addr(int family, const void *addr, socklen_t len, int backlog)
{
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (family != AF_UNIX) {
        set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (family == AF_INET6) {
        /* One socket serves both families when bound to all addresses. */
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (bind(fd, addr, len) != 0 || listen(fd, backlog) != 0) {
        const int err = errno;
        (void)close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

static int listen_any(uint16_t port, int backlog)
{
    const struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT};
    const int fd = listen_addr(AF_INET6, &v6, sizeof(v6), backlog);
    if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)) {
        return fd;
    }
    const struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    return listen_addr(AF_INET, &v4, sizeof(v4), backlog);
}

int sock_listen_tcp(const char *bind_to, uint16_t port, int backlog, struct diag *d)
{
    if (bind_to[0] == '\0' || strcmp(bind_to, "*") == 0) {
        const int fd = listen_any(port, backlog);
        return fd >= 0 ? fd : listen_error(d, "*", port, errno);
    }
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const int rc = getaddrinfo(bind_to, service, &hints, &found);
    if (rc) {
        return sock_error(
            d, "cannot listen on '%s': %s; set server.bind to an address of this machine", bind_to,
            gai_strerror(rc));
    }
    const int fd = listen_addr(found->ai_family, found->ai_addr, found->ai_addrlen, backlog);
    const int err = errno;
    freeaddrinfo(found);
    return fd >= 0 ? fd : listen_error(d, bind_to, port, err);
}

static int unix_addr(const char *path, struct sockaddr_un *out, struct diag *d)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    const size_t len = strlen(path);
    if (len >= sizeof(out->sun_path)) {
        return sock_error(d, "socket path '%s' is too long: %zu bytes, at most %zu", path, len,
                          sizeof(out->sun_path) - 1);
    }
    memcpy(out->sun_path, path, len + 1);
    return 0;
}

/* Does a server listen on this socket file? */
static bool is_served(const struct sockaddr_un *addr)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return true;
    }
    const int rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
    const bool served = rc == 0 || errno != ECONNREFUSED;
    (void)close(fd);
    return served;
}

int sock_listen_unix(const char *path, int backlog, struct diag *d)
{
    struct sockaddr_un addr;
    if (unix_addr(path, &addr, d)) {
        return -1;
    }
    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            return sock_error(d, "cannot listen on '%s': it exists and is not a socket", path);
        }
        if (is_served(&addr)) {
            return sock_error(d,
                              "cannot listen on '%s': another server uses it; "
                              "stop that or set another server.socket",
                              path);
        }
        (void)unlink(path);
    }
    const int fd = listen_addr(AF_UNIX, &addr, sizeof(addr), backlog);
    if (fd < 0) {
        return sock_error(d, "cannot listen on '%s': %s", path, os_errno_text(errno));
    }
    /* Everybody may connect; who may log in is decided by the account. */
    (void)chmod(path, 0777);
    return fd;
}

union sock_any {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

uint16_t sock_local_port(int fd)
{
    union sock_any any;
    socklen_t len = sizeof(any);
    if (getsockname(fd, &any.sa, &len) != 0) {
        return 0;
    }
    switch (any.sa.sa_family) {
    case AF_INET:
        return ntohs(any.v4.sin_port);
    case AF_INET6:
        return ntohs(any.v6.sin6_port);
    default:
        return 0;
    }
}

static void describe_v4(const struct in_addr *addr, struct sock_peer *out)
{
    (void)inet_ntop(AF_INET, addr, out->host, sizeof(out->host));
    out->is_local = ntohl(addr->s_addr) >> 24 == 127;
}

static void describe_peer(const union sock_any *any, struct sock_peer *out)
{
    *out = (struct sock_peer){.port = 0};
    if (any->sa.sa_family == AF_INET) {
        out->port = ntohs(any->v4.sin_port);
        describe_v4(&any->v4.sin_addr, out);
    } else if (any->sa.sa_family == AF_INET6) {
        const struct in6_addr *addr = &any->v6.sin6_addr;
        out->port = ntohs(any->v6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(addr)) {
            struct in_addr v4;
            memcpy(&v4, &addr->s6_addr[12], sizeof(v4));
            describe_v4(&v4, out);
        } else {
            (void)inet_ntop(AF_INET6, addr, out->host, sizeof(out->host));
            out->is_local = IN6_IS_ADDR_LOOPBACK(addr);
        }
    } else {
        (void)snprintf(out->host, sizeof(out->host), "localhost");
        out->is_unix = true;
        out->is_local = true;
    }
}

/* accept(2): errors of the connection that was to be accepted are treated like no connection. */
static bool is_accept_retry(int err)
{
    static const int errors[] = {EINTR,     ECONNABORTED, EPROTO,       EPERM,       ENETDOWN,
                                 EHOSTDOWN, ENONET,       EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT};
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        if (err == errors[i]) {
            return true;
        }
    }
    return false;
}

int sock_accept(struct io *listener, uint64_t deadline_us, struct sock_peer *out_peer,
                enum io_result *out_why)
{
    for (;;) {
        union sock_any any = {.sa = {.sa_family = AF_UNSPEC}};
        socklen_t len = sizeof(any);
        const int fd = accept4(listener->fd, &any.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            describe_peer(&any, out_peer);
            if (!out_peer->is_unix) {
                set_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
            }
            return fd;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            *out_why = io_wait(listener, IO_READABLE, deadline_us);
            if (*out_why != IO_READY) {
                return -1;
            }
        } else if (!is_accept_retry(errno)) {
            *out_why = IO_HANGUP;
            return -1;
        }
    }
}

/* A name look-up handed to the offload pool. */
struct lookup {
    const char *host;
    char service[8];
    int flags; /* Of getaddrinfo(), besides AI_NUMERICSERV. */
    struct addrinfo *found;
    int rc;
};

static void run_lookup(void *arg)
{
    struct lookup *l = arg;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | l->flags};
    l->rc = getaddrinfo(l->host, l->service, &hints, &l->found);
}

/* Waits for the end of a connect() in progress. Returns 0 or an errno. */
static int finish_connect(int fd, uint64_t deadline_us)
{
    struct io io;
    if (io_attach(&io, loop_self(), fd)) {
        return errno;
    }
    const enum io_result r = io_wait(&io, IO_WRITABLE, deadline_us);
    io_detach(&io);
    if (r == IO_TIMEOUT) {
        return ETIMEDOUT;
    }
    if (r == IO_INTERRUPTED) {
        return EINTR;
    }
    int err = 0;
    socklen_t len = sizeof(err);
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    return err;
}

/* Returns a connected descriptor, or -1 with errno set. */
static int connect_addr(int family, const void *addr, socklen_t len, uint64_t deadline_us)
{
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int err = connect(fd, addr, len) == 0 ? 0 : errno;
    if (err == EINPROGRESS) {
        err = finish_connect(fd, deadline_us);
    }
    if (err) {
        (void)close(fd);
        errno = err;
        return -1;
    }
    if (family != AF_UNIX) {
        set_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    return fd;
}

/* Fills in *out_error; returns -1. */
static int connect_failed(struct sock_connect_error *out_error, const char *text)
{
    (void)snprintf(out_error->text, sizeof(out_error->text), "%s", text);
    return -1;
}

/* The addresses of a name: at once when it is one, else by the offload pool. 0 or -1. */
static int look_up(struct lookup *l, struct sock_connect_error *out_error)
{
    l->flags = AI_NUMERICHOST;
    run_lookup(l);
    if (l->rc == 0) {
        return 0;
    }
    l->flags = 0;
    if (offload_run(OFFLOAD_FILE, run_lookup, l) != OFFLOAD_DONE) {
        out_error->is_interrupted = true;
        return connect_failed(out_error, "interrupted");
    }
    if (l->rc != 0) {
        out_error->is_lookup = true;
        return connect_failed(out_error, gai_strerror(l->rc));
    }
    return 0;
}

static unsigned count_addresses(const struct addrinfo *ai)
{
    unsigned count = 0;
    for (; ai != NULL; ai = ai->ai_next) {
        count++;
    }
    return count;
}

/* Now plus an equal share of the time left for each of count addresses. */
static uint64_t share_deadline(uint64_t deadline_us, unsigned count)
{
    const uint64_t now = clock_monotonic_us();
    return deadline_us == FIBER_FOREVER || deadline_us <= now || count <= 1
               ? deadline_us
               : now + (deadline_us - now) / count;
}

int sock_connect_host(const char *host, uint16_t port, uint64_t deadline_us,
                      struct sock_connect_error *out_error)
{
    struct lookup lookup = {.host = host};
    *out_error = (struct sock_connect_error){.is_lookup = false};
    (void)snprintf(lookup.service, sizeof(lookup.service), "%u", (unsigned)port);
    if (look_up(&lookup, out_error) != 0) {
        return -1;
    }
    int fd = -1;
    int err = 0;
    for (const struct addrinfo *ai = lookup.found; ai && fd < 0 && err != EINTR; ai = ai->ai_next) {
        const uint64_t until = share_deadline(deadline_us, count_addresses(ai));
        fd = connect_addr(ai->ai_family, ai->ai_addr, ai->ai_addrlen, until);
        err = errno;
    }
    freeaddrinfo(lookup.found);
    if (fd >= 0) {
        return fd;
    }
    out_error->is_interrupted = err == EINTR;
    return connect_failed(out_error, os_errno_text(err));
}

int sock_connect_tcp(const char *host, uint16_t port, uint64_t deadline_us, struct diag *d)
{
    struct sock_connect_error error;
    const int fd = sock_connect_host(host, port, deadline_us, &error);
    return fd >= 0 ? fd : sock_error(d, "cannot connect to %s:%u: %s", host, port, error.text);
}

int sock_connect_unix(const char *path, uint64_t deadline_us, struct diag *d)
{
    struct sockaddr_un addr;
    if (unix_addr(path, &addr, d)) {
        return -1;
    }
    const int fd = connect_addr(AF_UNIX, &addr, sizeof(addr), deadline_us);
    return fd >= 0 ? fd : sock_error(d, "cannot connect to '%s': %s", path, os_errno_text(errno));
}

void sock_set_keepalive(int fd, unsigned idle_s)
{
    set_flag(fd, SOL_SOCKET, SO_KEEPALIVE, idle_s != 0);
    if (idle_s) {
        set_flag(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)MIN(idle_s, 32767u));
    }
}
