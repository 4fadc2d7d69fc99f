/*
 * Filters: the layers of a connection, one upon the other, each reading from and writing to the one
 * below.
 *
 *     conn (packets) -> compression -> TLS -> socket
 *                                             (or one end of a net_pipe, in tests)
 *
 * A filter is one object with a table of callbacks; callbacks left out in the table pass through to
 * the filter below. The functions net_filter_*() are how filters are called. They run in a fiber of
 * the connection's loop and block that fiber only, until they have done something, the deadline (a
 * time of clock_monotonic_us()) passes, or the fiber is interrupted. Nothing is lost by a time-out
 * or an interrupt: the call can be made again and goes on where it was.
 *
 * One fiber at a time uses a stack of filters. Results NET_ERROR and NET_TIMEOUT come with the diag
 * set.
 */
#ifndef NET_FILTER_H
#define NET_FILTER_H

#include "base/base.h"
#include "base/diag.h"
#include "os/io.h"

enum net_result {
    NET_OK = 0,
    NET_EOF,          /* The peer closed the connection properly. */
    NET_TIMEOUT,      /* The deadline passed. */
    NET_INTERRUPTED,  /* fiber_interrupt() */
    NET_ERROR,        /* The connection is broken or the peer does not keep to the protocol. */
    NET_TOO_LARGE,    /* conn only: a packet beyond max_allowed_packet (ER_NET_PACKET_TOO_LARGE). */
    NET_OUT_OF_ORDER, /* conn only: wrong sequence number (ER_NET_PACKETS_OUT_OF_ORDER). */
};

/* A deadline that asks not to wait at all: NET_TIMEOUT is then no error, and sets no diag. */
#define NET_NOW UINT64_C(0)

/* What a read or write did. */
struct net_io {
    enum net_result result;
    size_t len; /* Bytes read, or taken over for writing; a failed write may have taken some. */
};

/* What status variables and logs say of a connection. Strings are static or live as long as the
 * filter. */
struct net_info {
    const char *tls_version; /* NULL: no TLS. */
    const char *tls_cipher;
    const char *compression; /* "zlib", "zstd", or NULL. */
    int compression_level;
    bool has_client_cert; /* The peer proved a certificate that our CA signed. */
};

struct net_filter;

typedef struct net_io net_read_fn(struct net_filter *f, void *buf, size_t len, uint64_t deadline_us,
                                  struct diag *d);
typedef struct net_io net_write_fn(struct net_filter *f, const void *buf, size_t len,
                                   uint64_t deadline_us, struct diag *d);
typedef enum net_result net_wait_fn(struct net_filter *f, uint64_t deadline_us);
typedef bool net_pending_fn(const struct net_filter *f);
typedef struct io *net_io_fn(struct net_filter *f);
typedef void net_idle_fn(struct net_filter *f);
typedef void net_on_hangup_fn(struct net_filter *f, io_hangup_fn *fn, void *arg);
typedef void net_describe_fn(const struct net_filter *f, struct net_info *out);
typedef void net_shutdown_fn(struct net_filter *f, uint64_t deadline_us);
typedef void net_release_fn(struct net_filter *f);

struct net_filter_ops {
    const char *name;

    /* Waits for at least one byte and gives up to len of them. One system call when data is there.
     * Required. */
    net_read_fn *read;

    /*
     * Takes over bytes and sends them. After a result other than NET_OK the rest has to be offered
     * again; with len 0 only sends what was taken over before. Required.
     */
    net_write_fn *write;

    /* Waits until read would probably not wait: how the connection idles without a buffer. */
    net_wait_fn *wait;

    /* Does this layer hold input, so that a read may give something while the descriptor has
     * nothing? net_filter_pending() asks each layer. */
    net_pending_fn *pending;

    /* The watch of the descriptor at the bottom, for io_wait_many(). */
    net_io_fn *io;

    /* Gives back the memory that an idle connection does not need. Does not pass through by itself:
     * net_filter_idle() calls each layer. */
    net_idle_fn *idle;

    /* See io_on_hangup(). */
    net_on_hangup_fn *on_hangup;

    /* Adds what this layer knows. net_filter_describe() calls each layer. */
    net_describe_fn *describe;

    /* Says good-bye on this layer: after it nothing is written. Errors do not matter.
     * net_filter_shutdown() calls each layer, top first. */
    net_shutdown_fn *shutdown;

    /* Frees the filter and what it holds (not the one below). Required. May park the fiber shortly.
     */
    net_release_fn *release;
};

/* The common part, first member of each filter's struct. */
struct net_filter {
    const struct net_filter_ops *ops;
    struct net_filter *next; /* The one below; NULL at the bottom. */
};

NODISCARD struct net_io net_filter_read(struct net_filter *f, void *buf, size_t len,
                                        uint64_t deadline_us, struct diag *d);
NODISCARD struct net_io net_filter_write(struct net_filter *f, const void *buf, size_t len,
                                         uint64_t deadline_us, struct diag *d);
NODISCARD enum net_result net_filter_wait(struct net_filter *f, uint64_t deadline_us);
NODISCARD bool net_filter_pending(const struct net_filter *f);

/* NULL when there is no descriptor (net_pipe). */
NODISCARD struct io *net_filter_io(struct net_filter *f);
void net_filter_idle(struct net_filter *f);
void net_filter_on_hangup(struct net_filter *f, io_hangup_fn *fn, void *arg);
void net_filter_describe(const struct net_filter *f, struct net_info *out);
void net_filter_shutdown(struct net_filter *f, uint64_t deadline_us);

/* Frees a whole stack, top first. NULL is harmless. */
void net_filter_free(struct net_filter *f);

/*
 * The bottom of a connection over a descriptor, TCP or UNIX: takes over fd, which is closed at
 * release. To be called on the loop's thread. Returns NULL with d set, and fd closed, on failure.
 */
NODISCARD struct net_filter *net_socket_new(struct loop *loop, int fd, struct diag *d);

/*
 * Takes the socket at the bottom of a connection away from its loop, in a fiber of that loop, and
 * gives it to another, in a fiber of the other: in between nothing but release may be done to it.
 * Attaching fails with -1 and d set; then only release is left. A hang-up callback is forgotten.
 */
void net_socket_detach(struct net_filter *f);
NODISCARD int net_socket_attach(struct net_filter *f, struct loop *loop, struct diag *d);

#endif
