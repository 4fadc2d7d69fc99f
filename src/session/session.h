/*
 * Sessions: one fiber a client, from the handshake to the disconnect.
 *
 *   session_serve            listener's callback: the session's life                (session.c)
 *     login                  handshake, TLS, authentication                         (login.c)
 *     command loop           read a packet, table of commands by its first byte     (session.c)
 *       COM_QUERY            text -> sql_parse -> exec_statement, multi-statements  (commands.c)
 *       COM_STMT_*           prepared statements and cursors                        (prepared.c)
 *     reply                  OK, ERR, EOF with warnings and session tracking        (reply.c)
 *     client sink            column definitions and rows                            (client_sink.c)
 *   registry                 who is there: KILL, SHOW PROCESSLIST, time-outs        (registry.c)
 *
 * Only here a diag becomes an ERR packet.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/base.h"
#include "exec/server.h"
#include "net/listener.h"
#include "net/proxy.h"
#include "net/tls.h"
#include "os/loop.h"
#include "wire/auth.h"

struct sessions;

/* With an upstream the ids of sessions begin here, out of the way of its connection ids: clients
 * use both in KILL. They fit a signed 32-bit integer. */
#define PASSTHROUGH_FIRST_ID UINT64_C(0x40000000)

struct sessions_options {
    struct server *server;
    struct loops *loops;
    struct tls_slot *tls;                 /* NULL or an empty slot: no TLS */
    struct auth_rsa *rsa;                 /* for full authentication without TLS; NULL: refused */
    uint64_t first_id;                    /* of connections; 0 = 1 */
    struct proxy_networks proxy_networks; /* peers that say who the client is */
};

/* The registry of sessions and what they share; sets server->sessions. Freed after the last session
 * has ended. */
NODISCARD struct sessions *sessions_new(const struct sessions_options *o);
void sessions_free(struct sessions *s);

/* For listener_start(). */
struct listener_handler sessions_listener_handler(struct sessions *s);

/* Graceful stop, step 1: idle sessions end now, the others after their statement or transaction.
 * Step 2: all end at once. Any thread. */
void sessions_drain(struct sessions *s);
void sessions_kill_all(struct sessions *s);

NODISCARD uint32_t sessions_count(struct sessions *s);

#endif
