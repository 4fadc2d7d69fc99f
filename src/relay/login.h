/*
 * Relayed login: the client proves itself to the upstream; nothing is decided here, and the
 * password is not needed.
 *
 *   client                     Pintail                          upstream
 *     login(nonce of ours) ──►   take a connection from the pool
 *                                COM_CHANGE_USER, or a login ──►
 *     ◄── auth switch            ◄── auth switch(plugin, nonce)
 *     answer ──►                 ──►
 *     ◄── more data, …           ◄──
 *     ◄── OK or ERR              ◄── OK or ERR
 *
 * The login that is sent upstream names a plugin that no account has, so that the server always
 * asks: the answer that the client has made for our own nonce is of no use. Where only one of the
 * two sides has a secure transport, the full step of caching_sha2_password is answered here: the
 * password passes through memory that is wiped.
 *
 * What an account demands of the transport (REQUIRE SSL, X509) the upstream sees of our connection
 * to it; hosts in accounts match ours.
 *
 * Source: MySQL source documentation, "Connection Phase", "Caching_sha2_password information".
 */
#ifndef RELAY_LOGIN_H
#define RELAY_LOGIN_H

#include "upstream/pool.h"

#include "base/arena.h"
#include "wire/auth.h"

struct relay_login {
    struct conn *client;
    uint64_t client_capabilities;
    bool client_secure;           /* TLS or a UNIX socket: a password may come as it is */
    bool answered_empty;          /* the client's own answer to our greeting was empty */
    const struct sock_peer *peer; /* for the PROXY header; NULL: none */
    const struct auth_rsa *rsa;   /* ours; NULL: no full step from insecure clients */
    struct str user;
    struct str database; /* empty: none */
    struct str attrs;    /* connection attributes, as sent */
    uint16_t collation;
    uint64_t key_flags;   /* added to the pool's key */
    bool spreads;         /* as in struct upstream_key */
    uint64_t deadline_us; /* for the client's answers */
    struct upstream_pool *pool;
    struct arena *arena;
};

/*
 * Returns 0 with a logged-in connection of the client's account, and its OK (strings in the arena);
 * the client has been sent everything but that OK. Or -1 with d set: the upstream's own error as it
 * sent it, or why it could not be asked.
 */
NODISCARD int relay_login(const struct relay_login *l, struct diag *d, struct upstream_conn **out,
                          struct wire_ok *out_ok);

/*
 * COM_CHANGE_USER on a connection that a client has: the same exchange. 0 with *out_ok, or -1 with
 * d set, after which the connection cannot be used. It stays the caller's, who must not give it
 * back: the pool keeps it for the account that it had.
 */
NODISCARD int relay_change_user(const struct relay_login *l, struct upstream_conn *up,
                                struct diag *d, struct wire_ok *out_ok);

/*
 * A session has ended: what is left of it on the connection (transaction, locks, variables, role)
 * is removed, and it goes back to the pool; or it is closed, when that is not certain.
 */
void relay_give_back(struct upstream_pool *pool, struct upstream_conn *c);

#endif
