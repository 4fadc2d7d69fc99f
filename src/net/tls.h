/*
 * TLS: contexts (certificates, keys, rules), shared by connections and replaced at reload, and the
 * filter that encrypts.
 *
 * OpenSSL never blocks and never parks a fiber: it works on buffers in memory, which the filter
 * fills from and empties to the layer below. OpenSSL's queue of errors belongs to the thread, which
 * fibers share; so it is cleared before each call and read right after it. TLS 1.2 at least. A
 * handshake costs about a millisecond of the loop's thread.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/base.h"
#include "base/diag.h"
#include "net/filter.h"

/* A set of certificates and rules, immutable; counted references, thread-safe. */
struct tls_context;

enum tls_flags {
    TLS_VERIFY_PEER = 1u << 0, /* Client: the server's certificate must be signed by the CA. Server:
                                  a client's must, if it has one. */
    TLS_VERIFY_NAME = 1u << 1, /* Client: the certificate must be for the name connected to. */
    TLS_REQUIRE_1_3 = 1u << 2,
};

struct tls_options {
    const char *cert_file; /* PEM, may hold a chain. NULL: none (client). */
    const char *key_file;  /* PEM. */
    const char
        *ca_file; /* PEM. NULL: the system's authorities when TLS_VERIFY_PEER is set on a client. */
    const char *ciphers; /* OpenSSL list for TLS 1.2; NULL: the default. */
    unsigned flags;      /* enum tls_flags */
};

/* Returns NULL with d set, in words that name the file. */
NODISCARD struct tls_context *tls_context_new_server(const struct tls_options *o, struct diag *d);
NODISCARD struct tls_context *tls_context_new_client(const struct tls_options *o, struct diag *d);

struct tls_context *tls_context_ref(struct tls_context *ctx);
void tls_context_unref(struct tls_context *ctx);

/*
 * Writes a new key and a certificate signed with itself, valid for ten years, in PEM form, unless
 * both files are there already; the key can be read by the owner only. As MySQL does at its first
 * start when none are configured. Returns -1 with d set on failure.
 */
NODISCARD int tls_generate_self_signed(const char *cert_file, const char *key_file, struct diag *d);

/* The server's current context: replaced at reload while connections go on with theirs.
 * Thread-safe. */
struct tls_slot;

NODISCARD struct tls_slot *tls_slot_new(void);
void tls_slot_free(struct tls_slot *slot);

/* Takes over ctx, which may be NULL (TLS off). */
void tls_slot_set(struct tls_slot *slot, struct tls_context *ctx);

/* A reference to the current context, or NULL. */
NODISCARD struct tls_context *tls_slot_find(struct tls_slot *slot);

/* Reads the files again (SIGHUP). When that fails the old context stays: -1 with d set. */
NODISCARD int tls_slot_reload(struct tls_slot *slot, const struct tls_options *o, struct diag *d);

enum tls_role {
    TLS_SERVER,
    TLS_CLIENT,
};

/*
 * A filter over next, which it does not take over. early: bytes already received from next.
 * server_name: client only, may be NULL. Returns NULL with d set.
 */
NODISCARD struct net_filter *tls_filter_new(struct net_filter *next, struct tls_context *ctx,
                                            enum tls_role role, const char *server_name,
                                            struct diag *d);

/* Gives the filter bytes that were received before it was there. 0, or -1 with d set. */
NODISCARD int tls_filter_feed(struct net_filter *f, struct str early, struct diag *d);

/* Shakes hands. NET_OK, or as net_filter_read(). */
NODISCARD enum net_result tls_filter_handshake(struct net_filter *f, uint64_t deadline_us,
                                               struct diag *d);

#endif
