/* What tls.c and tls_context.c share. */
#ifndef NET_TLS_INT_H
#define NET_TLS_INT_H

#include "net/tls.h"

#include <openssl/ssl.h>

#include <stdatomic.h>

struct tls_context {
    SSL_CTX *ssl;
    unsigned flags; /* enum tls_flags */
    atomic_uint refs;
};

/* The reason of the last OpenSSL error on this thread, static. */
NODISCARD const char *tls_error_text(void);

#endif
