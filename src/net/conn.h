/*
 * conn: a connection of the MySQL protocol, for straight-line code in a fiber: read a packet, write
 * packets through a pkt_writer, flush. The same for both roles.
 *
 *     conn_begin_command(c);
 *     r = conn_read_packet(c, deadline, &payload, d);           payload borrowed until the next
 * read pkt_begin(&c->w); wire_encode_ok(&c->w, …); pkt_end(&c->w); r = conn_flush(c, deadline, d);
 *
 * Sequence numbers: one counter, c->w.seq, for both directions, as the protocol has it: a packet
 * read must have the number, a packet written gets it. conn_begin_command() restarts it at 0.
 *
 * Memory: buffers exist while there is something in them, and a second longer; an idle connection
 * keeps none. Input grows with what has arrived, never with what a header promises, up to
 * max_packet.
 *
 * One fiber at a time, of the loop the conn was made on. A result other than NET_OK leaves things
 * as they were, so that after NET_TIMEOUT and NET_INTERRUPTED the same call can be made again;
 * after the others the connection is good for nothing but an error packet, conn_shutdown() and
 * conn_release(). NET_ERROR, NET_TIMEOUT, NET_TOO_LARGE and NET_OUT_OF_ORDER come with d set to the
 * error MySQL has for it.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "base/str.h"
#include "net/compression.h"
#include "net/filter.h"
#include "net/inbuf.h"
#include "net/tls.h"
#include "os/loop.h"
#include "os/sock.h"
#include "wire/pkt_writer.h"

struct conn {
    struct net_filter *top;        /* Owned. */
    struct net_filter *compressed; /* The compression layer in that stack, or NULL. */
    struct pkt_writer w;           /* Writes packets into out. */
    struct bytebuf out;            /* Packets to send; the first `sent` bytes have been. */
    size_t sent;
    bool is_stalled;     /* The last write was cut short: layers may hold bytes of it. */
    struct inbuf in;     /* Begins with the packet being read. */
    size_t part_len;     /* Payload joined so far of a packet that is continued. */
    size_t max_packet;   /* max_allowed_packet: longest payload that is read. */
    uint8_t reply_seq;   /* Sequence number of the first packet of the reply. */
    uint64_t reply_from; /* bytes_out at that time. */
    uint64_t bytes_in;   /* Counters for status variables, above TLS and compression. */
    uint64_t bytes_out;
};

enum {
    CONN_FLUSH_LEN = 64 * 1024, /* conn_flush_if_large() flushes from here on. */
};

/* Time that never comes. */
#define CONN_FOREVER FIBER_FOREVER

/*
 * A connection over a descriptor that was accepted or connected; takes fd over also on failure.
 * max_packet as max_allowed_packet: payloads beyond it are not read (it may be changed later by
 * assignment). Returns 0, or -1 with d set.
 */
NODISCARD int conn_init(struct conn *c, struct loop *loop, int fd, size_t max_packet,
                        struct diag *d);

/* The same over any stack of filters (net_pipe_new() in tests); takes it over. */
void conn_init_over(struct conn *c, struct net_filter *top, size_t max_packet);

/* Sets max_allowed_packet: the longest payload that is read or written. */
void conn_set_max_packet(struct conn *c, size_t max_packet);

/* Closes the connection and frees everything. In a fiber of its loop. */
void conn_release(struct conn *c);

/* Starts a command: both directions count from 0. */
void conn_begin_command(struct conn *c);

/*
 * One logical packet, continuations joined. Without copying when it is whole in the read buffer.
 * *out_payload is borrowed until the next call on c that reads.
 */
NODISCARD enum net_result conn_read_packet(struct conn *c, uint64_t deadline_us,
                                           struct str *out_payload, struct diag *d);

/* Is a packet, or a part of one, already here? Then the client pipelines. */
NODISCARD bool conn_has_input(const struct conn *c);
/* Is a whole packet here, so that conn_read_packet() does not wait? */
NODISCARD bool conn_has_packet(const struct conn *c);
/* Reads the next packet if it is here, in order and in one part: of small ones dozens are read at
 * a time. Otherwise false: conn_read_packet() judges it. Borrowed until the next read. */
NODISCARD bool conn_take_packet(struct conn *c, struct str *out_payload);

/* Sends what has been written. To be called between packets, not within one. */
NODISCARD enum net_result conn_flush(struct conn *c, uint64_t deadline_us, struct diag *d);

/* As conn_flush() when CONN_FLUSH_LEN bytes or more wait, else nothing: to be called after each
 * row. */
NODISCARD static inline enum net_result conn_flush_if_large(struct conn *c, uint64_t deadline_us,
                                                            struct diag *d)
{
    return LIKELY(c->out.len < CONN_FLUSH_LEN) ? NET_OK : conn_flush(c, deadline_us, d);
}

/*
 * Takes back the reply written since the last packet was read (or command begun), so that an error
 * can take its place. False, and nothing is done, when a part of it was sent already.
 */
bool conn_discard_output(struct conn *c);

/*
 * Ends the connection politely, after a last packet: flushes, says good-bye on each layer, and
 * reads and drops for a short while what the peer still sends, since closing on unread data would
 * destroy the last packet on its way. conn_release() is still to be called.
 */
void conn_shutdown(struct conn *c, uint64_t deadline_us);

/* Has fn(arg) called on the loop thread, outside fibers, when the peer hangs up while nothing is
 * read. NULL removes it. See io_on_hangup(). */
void conn_on_hangup(struct conn *c, io_hangup_fn *fn, void *arg);

/*
 * Puts TLS on the connection and shakes hands. Server: after an SSL request was read. Client: after
 * one was flushed; server_name is for SNI and the check of the certificate's name, may be NULL.
 * Bytes read behind the request are handed to TLS: they are never taken for plain-text packets.
 */
NODISCARD enum net_result conn_start_tls_server(struct conn *c, struct tls_context *ctx,
                                                uint64_t deadline_us, struct diag *d);
NODISCARD enum net_result conn_start_tls_client(struct conn *c, struct tls_context *ctx,
                                                const char *server_name, uint64_t deadline_us,
                                                struct diag *d);

/* Puts compression on the connection: after the OK that ended the login was flushed (server) or
 * read (client). level 0: the default. 0 or -1 with d set. */
NODISCARD int conn_start_compression(struct conn *c, enum compression_kind kind, int level,
                                     struct diag *d);

/*
 * ---- Bytes instead of packets: for relays ----
 *
 * What has been received and not yet used, headers included; taken with conn_raw_consume(). They
 * mix with conn_read_packet() at the edges of packets; who relays sets w.seq. But for
 * conn_raw_fill() none of these waits: NET_TIMEOUT says that nothing could be done now.
 */
NODISCARD static inline struct str conn_raw_peek(const struct conn *c)
{
    return inbuf_peek(&c->in);
}
void conn_raw_consume(struct conn *c, size_t n);

/* Waits until at least need bytes are there. */
NODISCARD enum net_result conn_raw_fill(struct conn *c, size_t need, uint64_t deadline_us,
                                        struct diag *d);

/* One read of what is there. */
NODISCARD enum net_result conn_raw_read(struct conn *c, struct diag *d);

/* Sends bytes after what is written already (which must have been flushed); how many were taken is
 * in the result. With len 0 sends what layers hold back. */
NODISCARD struct net_io conn_raw_write(struct conn *c, const char *p, size_t len, struct diag *d);

/* Do layers above the socket hold input? */
NODISCARD bool conn_raw_pending(const struct conn *c);

/* The watch of the descriptor, for io_wait_many(). */
NODISCARD struct io *conn_io(struct conn *c);

/* Gives back the buffers that an idle connection does not need. */
void conn_idle(struct conn *c);

void conn_describe(const struct conn *c, struct net_info *out);

#endif
