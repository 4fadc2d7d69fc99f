/* fuzz: net wire os base */
/*
 * What a connection reads: joining of packets, with and without compression. The first byte chooses
 * the layers, the second how many bytes a read gives; the rest is the peer's. Runs without a fiber,
 * as nothing ever waits.
 */
#include "net/conn.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bottom layer: gives the input in pieces, then its end. */
struct source {
    struct net_filter f;
    struct str rest;
    size_t piece;
};

static struct net_io source_read(struct net_filter *f, void *buf, size_t len, uint64_t deadline_us,
                                 struct diag *d)
{
    struct source *s = CONTAINER_OF(f, struct source, f);
    const size_t n = MIN(MIN(len, s->piece), s->rest.len);
    (void)deadline_us;
    (void)d;
    if (n == 0) {
        return (struct net_io){.result = NET_EOF};
    }
    memcpy(buf, s->rest.p, n);
    s->rest = str_from(s->rest.p + n, s->rest.len - n);
    return (struct net_io){.len = n};
}

static struct net_io source_write(struct net_filter *f, const void *buf, size_t len,
                                  uint64_t deadline_us, struct diag *d)
{
    (void)f;
    (void)buf;
    (void)deadline_us;
    (void)d;
    return (struct net_io){.len = len};
}

static void source_release(struct net_filter *f)
{
    free(CONTAINER_OF(f, struct source, f));
}

static const struct net_filter_ops source_ops = {
    .name = "source",
    .read = source_read,
    .write = source_write,
    .release = source_release,
};

static void read_all(struct conn *c, struct diag *d)
{
    struct str payload;
    unsigned sum = 0;
    for (int i = 0; i < 1000; i++) {
        if (i % 3 == 0) {
            conn_begin_command(c);
        }
        if (conn_read_packet(c, CONN_FOREVER, &payload, d) != NET_OK) {
            break;
        }
        for (size_t at = 0; at < payload.len; at++) {
            sum += (uint8_t)payload.p[at];
        }
        pkt_begin(&c->w);
        pkt_put_u32(&c->w, sum);
        if (pkt_end(&c->w) != 0 || conn_flush(c, CONN_FOREVER, d) != NET_OK) {
            break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conn c;
    struct diag d;
    if (size < 2) {
        return 0;
    }
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return 0;
    }
    s->f.ops = &source_ops;
    s->rest = str_from((const char *)data + 2, size - 2);
    s->piece = (size_t)1 + data[1];
    diag_init(&d);
    conn_init_over(&c, &s->f, (size_t)20 << 20);
    int rc = 0;
    if (data[0] % 3 != 0) {
        rc = conn_start_compression(&c, data[0] % 3 == 1 ? COMPRESSION_ZLIB : COMPRESSION_ZSTD, 0,
                                    &d);
    }
    if (rc == 0) {
        read_all(&c, &d);
    }
    conn_release(&c);
    diag_release(&d);
    return 0;
}
