/* Contexts: certificates, keys and rules; the self-signed certificate; the slot that a reload
 * replaces. */
#include "net_int.h"
#include "tls_int.h"

#include "os/os_mutex.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ER_SSL_LIBRARY_ERROR = 3888, /* MySQL's number for what goes wrong in here. */
    CERT_DAYS = 3650,
};

const char *tls_error_text(void)
{
    const unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    return reason != NULL ? reason : "unknown TLS error";
}

static int tls_diag(struct diag *d, const char *what, const char *file, const char *reason)
{
    char message[512];
    (void)snprintf(message, sizeof(message), "%s '%s': %s", what, file, reason);
    return diag_set_text(d, ER_SSL_LIBRARY_ERROR, str_from_cstr(message));
}

/* A file that is missing has a better text than OpenSSL's. */
static int file_diag(struct diag *d, const char *what, const char *file)
{
    char text[128];
    if (access(file, R_OK) != 0) {
        return tls_diag(d, what, file, strerror_r(errno, text, sizeof(text)));
    }
    return tls_diag(d, what, file, tls_error_text());
}

static int load_certificate(SSL_CTX *ssl, const struct tls_options *o, struct diag *d)
{
    if (o->cert_file == NULL) {
        return 0;
    }
    if (SSL_CTX_use_certificate_chain_file(ssl, o->cert_file) != 1) {
        return file_diag(d, "cannot load the TLS certificate", o->cert_file);
    }
    if (o->key_file == NULL ||
        SSL_CTX_use_PrivateKey_file(ssl, o->key_file, SSL_FILETYPE_PEM) != 1) {
        return file_diag(d, "cannot load the TLS key", o->key_file ? o->key_file : "");
    }
    if (SSL_CTX_check_private_key(ssl) != 1) {
        return tls_diag(d, "the TLS key does not belong to the certificate", o->cert_file,
                        tls_error_text());
    }
    return 0;
}

static int load_authorities(SSL_CTX *ssl, const struct tls_options *o, struct diag *d)
{
    if (o->ca_file != NULL) {
        return SSL_CTX_load_verify_file(ssl, o->ca_file) == 1
                   ? 0
                   : file_diag(d, "cannot load the TLS authorities", o->ca_file);
    }
    if (o->flags & TLS_VERIFY_PEER) {
        (void)SSL_CTX_set_default_verify_paths(ssl);
    }
    return 0;
}

static int set_rules(SSL_CTX *ssl, const struct tls_options *o, struct diag *d)
{
    const int version = (o->flags & TLS_REQUIRE_1_3) ? TLS1_3_VERSION : TLS1_2_VERSION;
    (void)SSL_CTX_set_min_proto_version(ssl, version);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A client may end without a good-bye: the protocol above tells whether all has come. */
    (void)SSL_CTX_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    /* Sessions are resumed by tickets, which cost the server no memory. */
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(ssl, (const unsigned char *)"pintail", 7);
    SSL_CTX_set_verify(ssl, (o->flags & TLS_VERIFY_PEER) ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (o->ciphers != NULL && SSL_CTX_set_cipher_list(ssl, o->ciphers) != 1) {
        return tls_diag(d, "cannot use the TLS ciphers", o->ciphers, tls_error_text());
    }
    return 0;
}

static struct tls_context *context_new(const SSL_METHOD *method, const struct tls_options *o,
                                       struct diag *d)
{
    ERR_clear_error();
    struct tls_context *ctx = calloc(1, sizeof(*ctx));
    if (ctx != NULL) {
        atomic_init(&ctx->refs, 1);
        ctx->flags = o->flags;
        ctx->ssl = SSL_CTX_new(method);
    }
    if (ctx == NULL || ctx->ssl == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
    } else if (set_rules(ctx->ssl, o, d) == 0 && load_certificate(ctx->ssl, o, d) == 0 &&
               load_authorities(ctx->ssl, o, d) == 0) {
        return ctx;
    }
    tls_context_unref(ctx);
    return NULL;
}

struct tls_context *tls_context_new_server(const struct tls_options *o, struct diag *d)
{
    return context_new(TLS_server_method(), o, d);
}

struct tls_context *tls_context_new_client(const struct tls_options *o, struct diag *d)
{
    return context_new(TLS_client_method(), o, d);
}

struct tls_context *tls_context_ref(struct tls_context *ctx)
{
    (void)atomic_fetch_add(&ctx->refs, 1);
    return ctx;
}

void tls_context_unref(struct tls_context *ctx)
{
    if (ctx != NULL && atomic_fetch_sub(&ctx->refs, 1) == 1) {
        SSL_CTX_free(ctx->ssl);
        free(ctx);
    }
}

/* Adds an extension given in OpenSSL's configuration language. */
static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    const bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool set_serial(X509 *cert)
{
    uint64_t serial;
    return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) == 1;
}

static bool fill_certificate(X509 *cert, EVP_PKEY *key)
{
    static const unsigned char name[] = "Pintail_Auto_Generated_Server_Certificate";
    X509_NAME *subject = X509_get_subject_name(cert);
    return X509_set_version(cert, 2) == 1 && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), CERT_DAYS, 0, NULL) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

/* Opens a new file beside path under a name of its own, to be renamed when it is complete. */
static FILE *open_beside(const char *path, mode_t mode, char *out_name, size_t size)
{
    (void)snprintf(out_name, size, "%s.new", path);
    (void)unlink(out_name);
    const int fd = open(out_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL && fd >= 0) {
        (void)close(fd);
    }
    return f;
}

/* Writes the certificate, or the key when cert is NULL, so that path has all of it or is not there.
 */
static int write_pem(const char *path, X509 *cert, EVP_PKEY *key, struct diag *d)
{
    char name[4096];
    char text[128];
    FILE *f = open_beside(path, cert != NULL ? 0644 : 0600, name, sizeof(name));
    if (f == NULL) {
        return tls_diag(d, "cannot write", path, strerror_r(errno, text, sizeof(text)));
    }
    bool ok = cert != NULL ? PEM_write_X509(f, cert) == 1
                           : PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
    ok = fflush(f) == 0 && fsync(fileno(f)) == 0 && ok;
    ok = fclose(f) == 0 && ok;
    if (!ok || rename(name, path) != 0) {
        const int err = errno;
        (void)unlink(name);
        return tls_diag(d, "cannot write", path, strerror_r(err, text, sizeof(text)));
    }
    return 0;
}

int tls_generate_self_signed(const char *cert_file, const char *key_file, struct diag *d)
{
    int rc = -1;
    if (access(cert_file, F_OK) == 0 && access(key_file, F_OK) == 0) {
        return 0;
    }
    ERR_clear_error();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    if (key == NULL || cert == NULL || !fill_certificate(cert, key)) {
        (void)tls_diag(d, "cannot make the certificate", cert_file, tls_error_text());
    } else {
        rc = write_pem(key_file, NULL, key, d);
        rc = rc == 0 ? write_pem(cert_file, cert, NULL, d) : rc;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return rc;
}

struct tls_slot {
    struct os_mutex lock; /* Held only to exchange or reference ctx. */
    struct tls_context *ctx;
};

struct tls_slot *tls_slot_new(void)
{
    struct tls_slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL) {
        abort();
    }
    os_mutex_init(&slot->lock);
    return slot;
}

void tls_slot_free(struct tls_slot *slot)
{
    if (slot != NULL) {
        tls_context_unref(slot->ctx);
        os_mutex_release(&slot->lock);
        free(slot);
    }
}

void tls_slot_set(struct tls_slot *slot, struct tls_context *ctx)
{
    os_mutex_lock(&slot->lock);
    struct tls_context *old = slot->ctx;
    slot->ctx = ctx;
    os_mutex_unlock(&slot->lock);
    tls_context_unref(old);
}

struct tls_context *tls_slot_find(struct tls_slot *slot)
{
    os_mutex_lock(&slot->lock);
    struct tls_context *ctx = slot->ctx != NULL ? tls_context_ref(slot->ctx) : NULL;
    os_mutex_unlock(&slot->lock);
    return ctx;
}

int tls_slot_reload(struct tls_slot *slot, const struct tls_options *o, struct diag *d)
{
    struct tls_context *ctx = tls_context_new_server(o, d);
    if (ctx == NULL) {
        return -1;
    }
    tls_slot_set(slot, ctx);
    return 0;
}
