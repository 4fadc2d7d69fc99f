#include "net/tls.h"

#include "net_int.h"
#include "tls_int.h"

#include "base/bytebuf.h"
#include "net/inbuf.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    PIECE_LEN = 64 * 1024,    /* Plain bytes encrypted between two writes. */
    STAGED_MAX = 1024 * 1024, /* Ceiling of encrypted bytes not yet written. */
};

struct tls_filter {
    struct net_filter f;
    struct tls_context *ctx; /* A reference. */
    SSL *ssl;
    struct inbuf in;       /* Encrypted bytes received. */
    struct bytebuf staged; /* Encrypted bytes to send; the first `sent` have been. */
    size_t sent;
    bool is_ended;     /* The layer below has ended. */
    bool is_connected; /* The handshake is done. */
};

static struct tls_filter *tls_of(struct net_filter *f)
{
    return CONTAINER_OF(f, struct tls_filter, f);
}

/* OpenSSL's view of the layer below: two buffers. It never waits; what is missing shows as a wish
 * to retry. */
static int bio_read(BIO *bio, char *buf, int len)
{
    struct tls_filter *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    const struct str have = inbuf_peek(&t->in);
    const size_t n = MIN(have.len, (size_t)MAX(len, 0));
    if (n == 0) {
        if (t->is_ended) {
            return 0;
        }
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(buf, have.p, n);
    inbuf_consume(&t->in, n);
    return (int)n;
}

static int bio_write(BIO *bio, const char *buf, int len)
{
    struct tls_filter *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    bytebuf_put(&t->staged, buf, (size_t)MAX(len, 0));
    return t->staged.failed ? -1 : len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_method_once = PTHREAD_ONCE_INIT;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pintail");
    if (bio_method != NULL) {
        (void)BIO_meth_set_read(bio_method, bio_read);
        (void)BIO_meth_set_write(bio_method, bio_write);
        (void)BIO_meth_set_ctrl(bio_method, bio_ctrl);
    }
}

static enum net_result tls_error(struct diag *d, int er, const char *text)
{
    return net_error_at(d, er, text, tls_error_text());
}

static enum net_result send_staged(struct tls_filter *t, uint64_t deadline_us, struct diag *d)
{
    if (t->staged.len == 0) {
        return NET_OK;
    }
    const struct net_io io =
        net_filter_write(t->f.next, t->staged.p + t->sent, t->staged.len - t->sent, deadline_us, d);
    t->sent += io.len;
    if (io.result == NET_OK) {
        bytebuf_reset(&t->staged);
        t->sent = 0;
    }
    return io.result;
}

/* Receives something, after sending what OpenSSL has to say first. NET_EOF is left to OpenSSL to
 * judge. */
static enum net_result receive(struct tls_filter *t, uint64_t deadline_us, struct diag *d)
{
    enum net_result r = send_staged(t, deadline_us, d);
    if (r != NET_OK) {
        return r;
    }
    r = inbuf_fill(&t->in, t->f.next, inbuf_len(&t->in) + 1, deadline_us, d);
    if (r == NET_EOF) {
        t->is_ended = true;
        return NET_OK;
    }
    return r;
}

/*
 * What to do after an OpenSSL call returned rc <= 0: waits for input where that is what is missing
 * (NET_OK: call again), or says how the connection ended. er and text name the error.
 */
static enum net_result after_call(struct tls_filter *t, int rc, uint64_t deadline_us,
                                  struct diag *d)
{
    const int error = SSL_get_error(t->ssl, rc);
    if (error == SSL_ERROR_WANT_READ && !t->is_ended) {
        return receive(t, deadline_us, d);
    }
    if (error == SSL_ERROR_ZERO_RETURN || (t->is_ended && t->is_connected)) {
        return NET_EOF;
    }
    if (t->is_ended) {
        return net_error(d, ER_HANDSHAKE_ERROR, "connection closed during the TLS handshake");
    }
    return t->is_connected ? tls_error(d, ER_NET_READ_ERROR, ER_NET_READ_ERROR_FMT)
                           : tls_error(d, ER_HANDSHAKE_ERROR, ER_HANDSHAKE_ERROR_FMT);
}

static struct net_io tls_read(struct net_filter *f, void *buf, size_t len, uint64_t deadline_us,
                              struct diag *d)
{
    struct tls_filter *t = tls_of(f);
    struct net_io io = {.result = NET_OK};
    while (io.result == NET_OK) {
        ERR_clear_error();
        const int n = SSL_read(t->ssl, buf, (int)MIN(len, (size_t)INT_MAX));
        if (n > 0) {
            io.len = (size_t)n;
            break;
        }
        io.result = after_call(t, n, deadline_us, d);
    }
    return io;
}

static struct net_io tls_write(struct net_filter *f, const void *buf, size_t len,
                               uint64_t deadline_us, struct diag *d)
{
    struct tls_filter *t = tls_of(f);
    struct net_io io = {.result = send_staged(t, deadline_us, d)};
    while (io.result == NET_OK && io.len < len) {
        const size_t piece = MIN(len - io.len, (size_t)PIECE_LEN);
        ERR_clear_error();
        const int n = SSL_write(t->ssl, (const char *)buf + io.len, (int)piece);
        if (n > 0) {
            io.len += (size_t)n;
            io.result = send_staged(t, deadline_us, d);
        } else {
            io.result = after_call(t, n, deadline_us, d);
        }
    }
    if (io.result == NET_EOF) {
        io.result = net_error(d, ER_NET_ERROR_ON_WRITE, "connection closed by the peer");
    }
    return io;
}

static bool tls_pending(const struct net_filter *f)
{
    const struct tls_filter *t = CONTAINER_OF(f, const struct tls_filter, f);
    return SSL_pending(t->ssl) > 0 || inbuf_len(&t->in) > 0 || t->is_ended;
}

static enum net_result tls_wait(struct net_filter *f, uint64_t deadline_us)
{
    return tls_pending(f) ? NET_OK : net_filter_wait(f->next, deadline_us);
}

static void tls_idle(struct net_filter *f)
{
    struct tls_filter *t = tls_of(f);
    inbuf_idle(&t->in);
    if (t->staged.len == 0) {
        bytebuf_release(&t->staged);
        bytebuf_init(&t->staged, STAGED_MAX);
    }
}

static void tls_describe(const struct net_filter *f, struct net_info *out)
{
    const struct tls_filter *t = CONTAINER_OF(f, const struct tls_filter, f);
    out->tls_version = SSL_get_version(t->ssl);
    out->tls_cipher = SSL_get_cipher_name(t->ssl);
    out->has_client_cert =
        SSL_get0_peer_certificate(t->ssl) != NULL && SSL_get_verify_result(t->ssl) == X509_V_OK;
}

static void tls_shutdown(struct net_filter *f, uint64_t deadline_us)
{
    struct tls_filter *t = tls_of(f);
    struct diag ignored;
    if (!t->is_connected) {
        return;
    }
    diag_init(&ignored);
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl);
    (void)send_staged(t, deadline_us, &ignored);
    diag_release(&ignored);
}

static void tls_release(struct net_filter *f)
{
    struct tls_filter *t = tls_of(f);
    ERR_clear_error();
    SSL_free(t->ssl);
    tls_context_unref(t->ctx);
    inbuf_release(&t->in);
    bytebuf_release(&t->staged);
    free(t);
}

static const struct net_filter_ops tls_ops = {
    .name = "tls",
    .read = tls_read,
    .write = tls_write,
    .wait = tls_wait,
    .pending = tls_pending,
    .idle = tls_idle,
    .describe = tls_describe,
    .shutdown = tls_shutdown,
    .release = tls_release,
};

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* What only clients set: the name asked for, and checked. */
static bool set_server_name(SSL *ssl, const struct tls_context *ctx, const char *name)
{
    if (name == NULL) {
        return (ctx->flags & TLS_VERIFY_NAME) == 0;
    }
    const bool address = is_address(name);
    if (!address && SSL_set_tlsext_host_name(ssl, name) != 1) {
        return false;
    }
    if ((ctx->flags & TLS_VERIFY_NAME) == 0) {
        return true;
    }
    return address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
                   : SSL_set1_host(ssl, name) == 1;
}

/* Ties OpenSSL's object to the filter's buffers. */
static bool attach_bio(struct tls_filter *t)
{
    (void)pthread_once(&bio_method_once, make_bio_method);
    BIO *bio = bio_method != NULL ? BIO_new(bio_method) : NULL;
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    return true;
}

struct net_filter *tls_filter_new(struct net_filter *next, struct tls_context *ctx,
                                  enum tls_role role, const char *server_name, struct diag *d)
{
    ERR_clear_error();
    struct tls_filter *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
        return NULL;
    }
    t->f = (struct net_filter){.ops = &tls_ops, .next = next};
    t->ctx = tls_context_ref(ctx);
    inbuf_init(&t->in);
    bytebuf_init(&t->staged, STAGED_MAX);
    t->ssl = SSL_new(ctx->ssl);
    if (t->ssl == NULL || !attach_bio(t) ||
        (role == TLS_CLIENT && !set_server_name(t->ssl, ctx, server_name))) {
        (void)tls_error(d, ER_HANDSHAKE_ERROR, ER_HANDSHAKE_ERROR_FMT);
        tls_release(&t->f);
        return NULL;
    }
    if (role == TLS_SERVER) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
    }
    return &t->f;
}

int tls_filter_feed(struct net_filter *f, struct str early, struct diag *d)
{
    return inbuf_feed(&tls_of(f)->in, early) == 0 ? 0 : diag_set(d, ER_OUT_OF_RESOURCES);
}

enum net_result tls_filter_handshake(struct net_filter *f, uint64_t deadline_us, struct diag *d)
{
    struct tls_filter *t = tls_of(f);
    enum net_result r = NET_OK;
    while (r == NET_OK && !t->is_connected) {
        ERR_clear_error();
        const int rc = SSL_do_handshake(t->ssl);
        if (rc == 1) {
            t->is_connected = true;
        } else {
            r = after_call(t, rc, deadline_us, d);
        }
    }
    if (r == NET_ERROR) {
        /* The alert that tells the peer why. */
        struct diag ignored;
        diag_init(&ignored);
        (void)send_staged(t, deadline_us, &ignored);
        diag_release(&ignored);
    }
    return r == NET_OK ? send_staged(t, deadline_us, d) : r;
}
