#include "net/conn.h"

#include "net_int.h"

#include "base/clock.h"
#include "wire/pkt_reader.h"

enum {
    IDLE_US = 1000 * 1000,        /* After this long without a command buffers are given back. */
    OUT_KEEP_LEN = 1024 * 1024,   /* A larger output buffer does not survive a flush. */
    DRAIN_MAX = 16 * 1024 * 1024, /* Most bytes that are read and dropped before closing. */
};

/* The output may hold a packet of the largest size behind what is not flushed yet. */
static size_t out_max(size_t max_packet)
{
    return max_packet + CONN_FLUSH_LEN + OUT_KEEP_LEN;
}

void conn_init_over(struct conn *c, struct net_filter *top, size_t max_packet)
{
    *c = (struct conn){.top = top, .max_packet = max_packet};
    inbuf_init(&c->in);
    bytebuf_init(&c->out, out_max(max_packet));
    pkt_writer_init(&c->w, &c->out);
}

int conn_init(struct conn *c, struct loop *loop, int fd, size_t max_packet, struct diag *d)
{
    struct net_filter *socket = net_socket_new(loop, fd, d);
    if (socket == NULL) {
        return -1;
    }
    conn_init_over(c, socket, max_packet);
    return 0;
}

void conn_set_max_packet(struct conn *c, size_t max_packet)
{
    c->max_packet = max_packet;
    c->out.max = out_max(max_packet);
}

void conn_release(struct conn *c)
{
    net_filter_free(c->top);
    inbuf_release(&c->in);
    bytebuf_release(&c->out);
    c->top = NULL;
    c->compressed = NULL;
}

/* What is written from now on is the reply to what was read, or a command. */
static void begin_reply(struct conn *c)
{
    c->reply_seq = c->w.seq;
    c->reply_from = c->bytes_out;
}

void conn_begin_command(struct conn *c)
{
    c->w.seq = 0;
    if (c->compressed != NULL) {
        compression_begin_command(c->compressed);
    }
    begin_reply(c);
}

bool conn_has_input(const struct conn *c)
{
    return inbuf_len(&c->in) > 0;
}

/* The length of the payload that a header announces. */
static size_t announced_len(const char *header)
{
    const uint8_t *p = (const uint8_t *)header;
    return p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
}

bool conn_has_packet(const struct conn *c)
{
    const struct str in = inbuf_peek(&c->in);
    if (in.len < WIRE_HEADER_LEN || c->part_len > 0) {
        return false;
    }
    const size_t len = announced_len(in.p);
    return len < WIRE_MAX_PACKET && in.len - WIRE_HEADER_LEN >= len;
}

static void give_back_buffers(struct conn *c)
{
    inbuf_idle(&c->in);
    if (c->out.len == 0) {
        const size_t max = c->out.max;
        bytebuf_release(&c->out);
        bytebuf_init(&c->out, max);
    }
    net_filter_idle(c->top);
}

/*
 * Waits for a command without reading: after a reply there is nothing to read yet, as a rule, so
 * that trying would be a system call for nothing; and a connection that idles needs no buffer.
 */
static enum net_result wait_for_command(struct conn *c, uint64_t deadline_us, struct diag *d)
{
    const uint64_t idle_from = clock_monotonic_us() + IDLE_US;
    if (idle_from < deadline_us) {
        const enum net_result r = net_filter_wait(c->top, idle_from);
        if (r != NET_TIMEOUT) {
            return r;
        }
        give_back_buffers(c);
    }
    return net_read_result(net_filter_wait(c->top, deadline_us), d);
}

/* As inbuf_fill(). The end of the stream within a packet is an error. */
static enum net_result fill(struct conn *c, size_t need, uint64_t deadline_us, struct diag *d)
{
    const size_t had = inbuf_len(&c->in);
    const enum net_result r = inbuf_fill(&c->in, c->top, need, deadline_us, d);
    c->bytes_in += inbuf_len(&c->in) - had;
    if (r == NET_EOF && inbuf_len(&c->in) > 0) {
        return net_error(d, ER_NET_READ_ERROR, "connection closed within a packet");
    }
    return r;
}

/* Inside the compressed protocol the numbers that count are those of the compressed packets. */
static bool is_in_order(const struct conn *c, uint8_t seq)
{
    return c->compressed != NULL || seq == c->w.seq;
}

/*
 * Gets one packet as it came, whole, into the input, behind what has been joined of the logical
 * packet: the input then begins with one header and part_len bytes of payload. Nothing is changed
 * before the packet is there, so that it can be tried again.
 */
static enum net_result read_part(struct conn *c, uint64_t deadline_us, size_t *out_len,
                                 struct diag *d)
{
    const bool is_continuation = c->part_len > 0;
    const size_t at = is_continuation ? WIRE_HEADER_LEN + c->part_len : 0;
    enum net_result r = fill(c, at + WIRE_HEADER_LEN, deadline_us, d);
    if (r != NET_OK) {
        return r;
    }
    struct pkt_reader header;
    pkt_reader_init(&header, str_from(inbuf_peek(&c->in).p + at, WIRE_HEADER_LEN));
    const size_t len = pkt_get_u24(&header);
    const uint8_t seq = pkt_get_u8(&header);
    if (!is_in_order(c, seq)) {
        diag_set(d, ER_NET_PACKETS_OUT_OF_ORDER);
        return NET_OUT_OF_ORDER;
    }
    if (len > c->max_packet - MIN(c->part_len, c->max_packet)) {
        diag_set(d, ER_NET_PACKET_TOO_LARGE);
        return NET_TOO_LARGE;
    }
    r = fill(c, at + WIRE_HEADER_LEN + len, deadline_us, d);
    if (r != NET_OK) {
        return r;
    }
    if (is_continuation) {
        inbuf_cut(&c->in, at, WIRE_HEADER_LEN);
    }
    c->part_len += len;
    c->w.seq = (uint8_t)(seq + 1);
    *out_len = len;
    return NET_OK;
}

enum net_result conn_read_packet(struct conn *c, uint64_t deadline_us, struct str *out_payload,
                                 struct diag *d)
{
    enum net_result r = NET_OK;
    size_t len = WIRE_MAX_PACKET;
    *out_payload = STR_NULL;
    if (c->w.seq == 0 && !conn_has_input(c)) {
        r = wait_for_command(c, deadline_us, d);
    }
    while (r == NET_OK && len == WIRE_MAX_PACKET) {
        r = read_part(c, deadline_us, &len, d);
    }
    if (r != NET_OK) {
        return r;
    }
    *out_payload = str_from(inbuf_peek(&c->in).p + WIRE_HEADER_LEN, c->part_len);
    inbuf_consume(&c->in, WIRE_HEADER_LEN + c->part_len);
    c->part_len = 0;
    begin_reply(c);
    return NET_OK;
}

bool conn_take_packet(struct conn *c, struct str *out_payload)
{
    if (!conn_has_packet(c)) {
        return false;
    }
    const struct str in = inbuf_peek(&c->in);
    const size_t len = announced_len(in.p);
    const uint8_t seq = (uint8_t)in.p[3];
    if (!is_in_order(c, seq) || len > c->max_packet) {
        return false;
    }
    *out_payload = str_from(in.p + WIRE_HEADER_LEN, len);
    inbuf_consume(&c->in, WIRE_HEADER_LEN + len);
    c->w.seq = (uint8_t)(seq + 1);
    begin_reply(c);
    return true;
}

static void reset_output(struct conn *c)
{
    const size_t max = c->out.max;
    c->sent = 0;
    c->w.start = 0;
    if (c->out.cap > OUT_KEEP_LEN) {
        bytebuf_release(&c->out);
        bytebuf_init(&c->out, max);
    } else {
        bytebuf_reset(&c->out);
    }
}

enum net_result conn_flush(struct conn *c, uint64_t deadline_us, struct diag *d)
{
    if (c->out.len == 0 && !c->is_stalled) {
        return NET_OK;
    }
    const struct net_io io =
        net_filter_write(c->top, c->out.p + c->sent, c->out.len - c->sent, deadline_us, d);
    c->sent += io.len;
    c->bytes_out += io.len;
    c->is_stalled = io.result != NET_OK;
    if (io.result == NET_OK) {
        reset_output(c);
    }
    return io.result;
}

bool conn_discard_output(struct conn *c)
{
    if (c->bytes_out != c->reply_from) {
        return false;
    }
    reset_output(c);
    c->w.seq = c->reply_seq;
    return true;
}

/* Reads and drops until the peer has ended too. */
static void drain(struct conn *c, uint64_t deadline_us, struct diag *d)
{
    char buf[4096];
    struct net_io io = {.result = NET_OK};
    for (size_t total = 0; total < DRAIN_MAX && io.result == NET_OK; total += io.len) {
        io = net_filter_read(c->top, buf, sizeof(buf), deadline_us, d);
    }
}

void conn_shutdown(struct conn *c, uint64_t deadline_us)
{
    struct diag ignored;
    diag_init(&ignored);
    if (conn_flush(c, deadline_us, &ignored) == NET_OK) {
        net_filter_shutdown(c->top, deadline_us);
        drain(c, deadline_us, &ignored);
    }
    diag_release(&ignored);
}

void conn_on_hangup(struct conn *c, io_hangup_fn *fn, void *arg)
{
    net_filter_on_hangup(c->top, fn, arg);
}

/* Puts a filter on top, and hands it what was received for it already. */
static int push_tls(struct conn *c, struct net_filter *f, struct diag *d)
{
    const struct str early = inbuf_peek(&c->in);
    c->top = f;
    const int rc = tls_filter_feed(f, early, d);
    inbuf_consume(&c->in, early.len);
    return rc;
}

static enum net_result start_tls(struct conn *c, struct net_filter *f, uint64_t deadline_us,
                                 struct diag *d)
{
    if (f == NULL || push_tls(c, f, d) != 0) {
        return NET_ERROR;
    }
    return tls_filter_handshake(f, deadline_us, d);
}

enum net_result conn_start_tls_server(struct conn *c, struct tls_context *ctx, uint64_t deadline_us,
                                      struct diag *d)
{
    return start_tls(c, tls_filter_new(c->top, ctx, TLS_SERVER, NULL, d), deadline_us, d);
}

enum net_result conn_start_tls_client(struct conn *c, struct tls_context *ctx,
                                      const char *server_name, uint64_t deadline_us, struct diag *d)
{
    return start_tls(c, tls_filter_new(c->top, ctx, TLS_CLIENT, server_name, d), deadline_us, d);
}

int conn_start_compression(struct conn *c, enum compression_kind kind, int level, struct diag *d)
{
    const struct str early = inbuf_peek(&c->in);
    c->compressed = compression_new(c->top, kind, level);
    c->top = c->compressed;
    inbuf_consume(&c->in, early.len);
    return compression_feed(c->compressed, early, d);
}

void conn_raw_consume(struct conn *c, size_t n)
{
    inbuf_consume(&c->in, n);
}

enum net_result conn_raw_fill(struct conn *c, size_t need, uint64_t deadline_us, struct diag *d)
{
    return fill(c, need, deadline_us, d);
}

enum net_result conn_raw_read(struct conn *c, struct diag *d)
{
    const size_t had = inbuf_len(&c->in);
    const enum net_result r = inbuf_read(&c->in, c->top, NET_NOW, d);
    c->bytes_in += inbuf_len(&c->in) - had;
    return r;
}

struct net_io conn_raw_write(struct conn *c, const char *p, size_t len, struct diag *d)
{
    const struct net_io io = net_filter_write(c->top, p, len, NET_NOW, d);
    c->bytes_out += io.len;
    c->is_stalled = io.result == NET_TIMEOUT;
    return io;
}

bool conn_raw_pending(const struct conn *c)
{
    return net_filter_pending(c->top);
}

struct io *conn_io(struct conn *c)
{
    return net_filter_io(c->top);
}

void conn_idle(struct conn *c)
{
    give_back_buffers(c);
}

void conn_describe(const struct conn *c, struct net_info *out)
{
    net_filter_describe(c->top, out);
}
