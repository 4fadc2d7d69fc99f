#include "net/compression.h"

#include "net_int.h"

#include "net/inbuf.h"
#include "wire/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <stdlib.h>

enum {
    PIECE_LEN = 256 * 1024, /* Most bytes that are put into one packet. */
    ZLIB_LEVEL = 6,
    ZSTD_LEVEL = 3,
};

struct compression {
    struct net_filter f;
    enum compression_kind kind;
    int level;
    uint8_t seq;           /* Of the next packet in either direction. */
    struct inbuf in;       /* Packets received. */
    size_t packet_len;     /* Bytes of the packet in `in` whose content is in `view`; 0 = none. */
    struct bytebuf plain;  /* A decompressed packet. */
    struct str view;       /* Content not yet read: in `plain`, or in `in` when it came as it is. */
    struct bytebuf staged; /* A packet being sent; the first `sent` bytes have been. */
    size_t sent;
    z_stream *deflate; /* The next three are made when needed, and given back when idle. */
    ZSTD_CCtx *zstd_out;
    ZSTD_DCtx *zstd_in;
};

static struct compression *compression_of(struct net_filter *f)
{
    return CONTAINER_OF(f, struct compression, f);
}

/* Decompresses into c->plain, where there is room. Returns false unless exactly len bytes came out.
 */
static bool decompress(struct compression *c, struct str in, size_t len)
{
    if (c->kind == COMPRESSION_ZLIB) {
        uLongf out_len = (uLongf)len;
        return uncompress((Bytef *)c->plain.p, &out_len, (const Bytef *)in.p, (uLong)in.len) ==
                   Z_OK &&
               out_len == len;
    }
    if (c->zstd_in == NULL) {
        c->zstd_in = ZSTD_createDCtx();
    }
    return c->zstd_in != NULL &&
           ZSTD_decompressDCtx(c->zstd_in, c->plain.p, len, in.p, in.len) == len;
}

static enum net_result open_packet(struct compression *c, const struct wire_compressed_header *h,
                                   struct diag *d)
{
    const struct str body = str_from(inbuf_peek(&c->in).p + WIRE_COMPRESSED_HEADER_LEN, h->len);
    c->packet_len = WIRE_COMPRESSED_HEADER_LEN + h->len;
    if (h->original_len == 0) {
        c->view = body;
        return NET_OK;
    }
    bytebuf_reset(&c->plain);
    if (bytebuf_reserve(&c->plain, h->original_len) == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
        return NET_ERROR;
    }
    if (!decompress(c, body, h->original_len)) {
        diag_set(d, ER_NET_UNCOMPRESS_ERROR);
        return NET_ERROR;
    }
    c->view = str_from(c->plain.p, h->original_len);
    return NET_OK;
}

/* Receives the next packet, after the view of the last one has been used up. */
static enum net_result next_packet(struct compression *c, uint64_t deadline_us, struct diag *d)
{
    struct wire_compressed_header h;
    inbuf_consume(&c->in, c->packet_len);
    c->packet_len = 0;
    enum net_result r = inbuf_fill(&c->in, c->f.next, WIRE_COMPRESSED_HEADER_LEN, deadline_us, d);
    if (r != NET_OK) {
        return r;
    }
    wire_decode_compressed_header(inbuf_peek(&c->in).p, &h);
    if (h.seq != c->seq && h.seq != 0) {
        diag_set(d, ER_NET_PACKETS_OUT_OF_ORDER);
        return NET_OUT_OF_ORDER;
    }
    r = inbuf_fill(&c->in, c->f.next, WIRE_COMPRESSED_HEADER_LEN + h.len, deadline_us, d);
    if (r != NET_OK) {
        return r;
    }
    c->seq = (uint8_t)(h.seq + 1);
    return open_packet(c, &h, d);
}

static struct net_io compression_read(struct net_filter *f, void *buf, size_t len,
                                      uint64_t deadline_us, struct diag *d)
{
    struct compression *c = compression_of(f);
    while (c->view.len == 0) {
        const enum net_result r = next_packet(c, deadline_us, d);
        if (r != NET_OK) {
            return (struct net_io){.result = r};
        }
    }
    const size_t n = MIN(len, c->view.len);
    memcpy(buf, c->view.p, n);
    c->view = str_from(c->view.p + n, c->view.len - n);
    return (struct net_io){.len = n};
}

static bool compression_pending(const struct net_filter *f)
{
    const struct compression *c = CONTAINER_OF(f, const struct compression, f);
    return c->view.len > 0 || inbuf_len(&c->in) > c->packet_len;
}

static enum net_result compression_wait(struct net_filter *f, uint64_t deadline_us)
{
    return compression_pending(f) ? NET_OK : net_filter_wait(f->next, deadline_us);
}

/* Room that compressing len bytes may need. */
static size_t bound(const struct compression *c, size_t len)
{
    return c->kind == COMPRESSION_ZLIB ? compressBound((uLong)len) : ZSTD_compressBound(len);
}

static size_t compress_zlib(struct compression *c, struct str in, char *out, size_t out_max)
{
    if (c->deflate == NULL) {
        c->deflate = calloc(1, sizeof(*c->deflate));
        if (c->deflate == NULL || deflateInit(c->deflate, c->level) != Z_OK) {
            free(c->deflate);
            c->deflate = NULL;
            return 0;
        }
    }
    z_stream *z = c->deflate;
    z->next_in = (z_const Bytef *)in.p;
    z->avail_in = (uInt)in.len;
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)out_max;
    const int rc = deflate(z, Z_FINISH);
    const size_t len = out_max - z->avail_out;
    return deflateReset(z) == Z_OK && rc == Z_STREAM_END ? len : 0;
}

static size_t compress_zstd(struct compression *c, struct str in, char *out, size_t out_max)
{
    if (c->zstd_out == NULL) {
        c->zstd_out = ZSTD_createCCtx();
    }
    if (c->zstd_out == NULL) {
        return 0;
    }
    const size_t len = ZSTD_compressCCtx(c->zstd_out, out, out_max, in.p, in.len, c->level);
    return ZSTD_isError(len) ? 0 : len;
}

/* Compresses into out; 0 when that failed or does not pay, and the bytes are to be sent as they
 * are. */
static size_t try_compress(struct compression *c, struct str in, char *out, size_t out_max)
{
    if (in.len < COMPRESSION_MIN_LEN) {
        return 0;
    }
    const size_t len = c->kind == COMPRESSION_ZLIB ? compress_zlib(c, in, out, out_max)
                                                   : compress_zstd(c, in, out, out_max);
    return len < in.len ? len : 0;
}

/* Makes a packet of piece in c->staged. Returns 0, or -1 when memory ran out. */
static int stage(struct compression *c, struct str piece)
{
    const size_t room = MAX(bound(c, piece.len), piece.len);
    bytebuf_reset(&c->staged);
    c->sent = 0;
    char *p = bytebuf_reserve(&c->staged, WIRE_COMPRESSED_HEADER_LEN + room);
    if (p == NULL) {
        return -1;
    }
    char *body = p + WIRE_COMPRESSED_HEADER_LEN;
    struct wire_compressed_header h = {.seq = c->seq++};
    h.len = (uint32_t)try_compress(c, piece, body, room);
    if (h.len > 0) {
        h.original_len = (uint32_t)piece.len;
    } else {
        h.len = (uint32_t)piece.len;
        memcpy(body, piece.p, piece.len);
    }
    wire_encode_compressed_header(&h, p);
    c->staged.len = WIRE_COMPRESSED_HEADER_LEN + h.len;
    return 0;
}

static enum net_result send_staged(struct compression *c, uint64_t deadline_us, struct diag *d)
{
    if (c->staged.len == 0) {
        return NET_OK;
    }
    const struct net_io io =
        net_filter_write(c->f.next, c->staged.p + c->sent, c->staged.len - c->sent, deadline_us, d);
    c->sent += io.len;
    if (io.result == NET_OK) {
        bytebuf_reset(&c->staged);
        c->sent = 0;
    }
    return io.result;
}

static struct net_io compression_write(struct net_filter *f, const void *buf, size_t len,
                                       uint64_t deadline_us, struct diag *d)
{
    struct compression *c = compression_of(f);
    struct net_io io = {.result = send_staged(c, deadline_us, d)};
    while (io.result == NET_OK && io.len < len) {
        const struct str piece =
            str_from((const char *)buf + io.len, MIN(len - io.len, (size_t)PIECE_LEN));
        if (stage(c, piece) != 0) {
            diag_set(d, ER_OUT_OF_RESOURCES);
            io.result = NET_ERROR;
            break;
        }
        io.len += piece.len;
        io.result = send_staged(c, deadline_us, d);
    }
    return io;
}

static void compression_idle(struct net_filter *f)
{
    struct compression *c = compression_of(f);
    if (c->view.len == 0) {
        inbuf_consume(&c->in, c->packet_len);
        c->packet_len = 0;
        inbuf_idle(&c->in);
        bytebuf_release(&c->plain);
        bytebuf_init(&c->plain, WIRE_MAX_PACKET);
    }
    if (c->staged.len == 0) {
        const size_t max = c->staged.max;
        bytebuf_release(&c->staged);
        bytebuf_init(&c->staged, max);
    }
    if (c->deflate != NULL) {
        (void)deflateEnd(c->deflate);
        free(c->deflate);
        c->deflate = NULL;
    }
    (void)ZSTD_freeCCtx(c->zstd_out);
    (void)ZSTD_freeDCtx(c->zstd_in);
    c->zstd_out = NULL;
    c->zstd_in = NULL;
}

static void compression_describe(const struct net_filter *f, struct net_info *out)
{
    const struct compression *c = CONTAINER_OF(f, const struct compression, f);
    out->compression = c->kind == COMPRESSION_ZLIB ? "zlib" : "zstd";
    out->compression_level = c->level;
}

static void compression_release(struct net_filter *f)
{
    struct compression *c = compression_of(f);
    c->view = STR_NULL;
    compression_idle(f);
    inbuf_release(&c->in);
    bytebuf_release(&c->plain);
    bytebuf_release(&c->staged);
    free(c);
}

static const struct net_filter_ops compression_ops = {
    .name = "compression",
    .read = compression_read,
    .write = compression_write,
    .wait = compression_wait,
    .pending = compression_pending,
    .idle = compression_idle,
    .describe = compression_describe,
    .release = compression_release,
};

struct net_filter *compression_new(struct net_filter *next, enum compression_kind kind, int level)
{
    struct compression *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        abort();
    }
    c->f = (struct net_filter){.ops = &compression_ops, .next = next};
    c->kind = kind;
    c->level = level != 0 ? level : kind == COMPRESSION_ZLIB ? ZLIB_LEVEL : ZSTD_LEVEL;
    inbuf_init(&c->in);
    bytebuf_init(&c->plain, WIRE_MAX_PACKET);
    bytebuf_init(&c->staged, 2 * (size_t)PIECE_LEN);
    return &c->f;
}

int compression_feed(struct net_filter *f, struct str early, struct diag *d)
{
    return inbuf_feed(&compression_of(f)->in, early) == 0 ? 0 : diag_set(d, ER_OUT_OF_RESOURCES);
}

void compression_begin_command(struct net_filter *f)
{
    compression_of(f)->seq = 0;
}
