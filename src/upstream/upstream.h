/*
 * upstream: connections to a real MySQL or MariaDB server, as its client.
 *
 * Model: `struct upstream` is a server that can be reached (addresses, TLS rules, time-outs, what
 * was learned of it); shared by all loops, thread-safe. `struct upstream_conn` is one connection: a
 * conn and what its handshake said; it belongs to one loop and one fiber at a time, or to a pool
 * (upstream/pool.h). Nothing here knows sessions, engines or configuration files.
 *
 *     u = upstream_new(&options, d)
 *     c = upstream_connect(u, loop, NULL, flags, deadline, d)   TCP or UNIX socket, greeting, TLS
 *     upstream_login(c, &login, deadline, d)                with a password that we know, or
 *     relay/login.c                                         with answers that a client gives
 *     upstream_query(c, sql, arena, deadline, d, &result)   a small text result, whole
 *     upstream_close(c)
 *
 * Errors: the upstream's ERR packets become d with their code, SQLSTATE and text as sent. What
 * prevents talking to it at all is ER 2003, 2005, 2006, 2013, 2026 (the client library's numbers,
 * as MySQL's own proxies use them) with the address in the text.
 */
#ifndef UPSTREAM_UPSTREAM_H
#define UPSTREAM_UPSTREAM_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/rlist.h"
#include "base/str.h"
#include "net/conn.h"
#include "net/tls.h"
#include "os/loop.h"
#include "wire/column.h"
#include "wire/handshake.h"
#include "wire/reply.h"

#include <stdatomic.h>

enum upstream_tls_mode {
    UPSTREAM_TLS_DISABLED,
    UPSTREAM_TLS_PREFERRED, /* if the server offers it; the certificate is not checked */
    UPSTREAM_TLS_REQUIRED,
    UPSTREAM_TLS_VERIFY_CA,
    UPSTREAM_TLS_VERIFY_IDENTITY,
};

enum upstream_compression {
    UPSTREAM_COMPRESSION_NONE,
    UPSTREAM_COMPRESSION_ZLIB,
    UPSTREAM_COMPRESSION_ZSTD, /* MySQL only; else zlib */
};

/* Strings live as long as the upstream: copied by upstream_new(). */
struct upstream_options {
    struct str host; /* name or address; all addresses of a name are tried in turn */
    uint16_t port;
    struct str socket; /* UNIX socket; used in place of host when not empty */
    enum upstream_tls_mode tls_mode;
    struct str tls_ca, tls_cert, tls_key; /* PEM files; empty = none */
    enum upstream_compression compression;
    uint64_t connect_timeout_us; /* connecting until the end of login */
    uint64_t
        read_timeout_us; /* our own statements: silence within a reply; relayed ones have none */
    uint64_t write_timeout_us;
    size_t max_packet;      /* largest payload read whole */
    bool send_proxy_header; /* PROXY protocol v2 header before the greeting (MariaDB) */
};

/* The two families, told apart by the greeting. */
enum upstream_kind {
    UPSTREAM_MYSQL,
    UPSTREAM_MARIADB,
};

/* Errors of the client library that are given for an upstream, by MySQL's numbers. */
enum upstream_error {
    CR_CONNECTION_ERROR = 2002,  /* No connection through a UNIX socket. */
    CR_CONN_HOST_ERROR = 2003,   /* No connection to the host. */
    CR_UNKNOWN_HOST = 2005,      /* Its name has no address. */
    CR_SERVER_GONE_ERROR = 2006, /* The connection was gone when a command was to be sent. */
    CR_SERVER_LOST = 2013,       /* It was lost meanwhile. */
    CR_COMMANDS_OUT_OF_SYNC = 2014,
    CR_SSL_CONNECTION_ERROR = 2026,
    CR_MALFORMED_PACKET = 2027,
    CR_AUTH_PLUGIN_CANNOT_LOAD = 2059,
    CR_AUTH_PLUGIN_ERR = 2061,
};

/* Sets an error of the above; SQLSTATE HY000. Returns -1. */
int upstream_error(struct diag *d, enum upstream_error code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

struct upstream; /* upstream_int.h */

/* Returns NULL with d set (a TLS file that cannot be read, …). Does not connect. Freed after its
 * last connection. */
NODISCARD struct upstream *upstream_new(const struct upstream_options *o, struct diag *d);
void upstream_free(struct upstream *u);

/* "db1:3306", for logs and errors; lives as long as u. */
NODISCARD const char *upstream_name(const struct upstream *u);

/* Does it begin connections with a PROXY header? */
NODISCARD bool upstream_tells_clients(const struct upstream *u);

/* Reads the TLS files again and applies the changed time-outs and TLS mode (SIGHUP); address and
 * PROXY header stay. Connections go on with what they have. -1 with d set leaves all as it was. */
NODISCARD int upstream_reload(struct upstream *u, const struct upstream_options *o, struct diag *d);

/*
 * What the last greeting seen said: for our own greeting to clients. Copies into out_version (at
 * most cap - 1 bytes and a NUL). Returns false when no connection has succeeded yet.
 */
struct upstream_greeting {
    enum upstream_kind kind;
    uint64_t capabilities;
    uint8_t collation;
    char version[256];
    char auth_plugin[64];
};
NODISCARD bool upstream_last_greeting(struct upstream *u, struct upstream_greeting *out);

struct upstream_pool;
struct pool_key; /* pool.c */

/* One connection. Fields are read-only for others unless said so. */
struct upstream_conn {
    struct upstream *upstream;
    struct conn conn;
    struct loop *loop;
    enum upstream_kind kind;
    char version[256];
    uint32_t version_id;      /* 80408, 101119, … */
    uint32_t id;              /* the upstream's connection id */
    uint64_t offered;         /* capabilities of its greeting */
    uint64_t capabilities;    /* what the login asks for: all of it is offered, so all is agreed */
    uint64_t transport_flags; /* TLS and compression, as in capabilities */
    uint8_t collation;        /* of the greeting */
    char auth_plugin[64];     /* of the greeting */
    char role[132];           /* MariaDB: the role that its first login had; relay/login.c */
    bool role_unknown;        /* it could not be read, as the password has expired */
    uint8_t nonce[WIRE_NONCE_LEN];
    uint16_t status; /* status flags of the last OK or EOF */
    bool secure;     /* TLS or UNIX socket: passwords may be sent as they are */
    bool logged_in;
    bool broken;              /* good for nothing but upstream_close() */
    uint64_t read_timeout_us; /* of upstream_options when it was made; 0 = none */
    uint64_t read_until_us;   /* no reply is waited for beyond (monotonic); 0 = none. Whoever uses
                                 the connection sets it. */
    uint64_t write_timeout_us;
    uint64_t connect_timeout_us;
    uint64_t born_us; /* clock_monotonic_us() */
    uint64_t used_us; /* last given back to a pool */
    struct { /* what session settings it has, for who shares it among sessions; upstream_forget() */
        char *text; /* the statement that makes them; NULL = not known */
        char *db;
        uint64_t owner; /* the session that had it last */
    } settings;
    void *statements; /* prepared on it, for who shares it; freed with free_statements() */
    void (*free_statements)(void *statements);
    struct { /* the pool's */
        struct rlist link;
        struct upstream_pool *owner;
        struct pool_key *key;
        uint64_t checked_us;
        uint32_t epoch;
        bool is_idle;
    } pool;
};

/*
 * Connects, reads the greeting and, as the options say, puts TLS on the connection. The addresses
 * of a name are tried in turn, each within its share of the time. client: for the PROXY header,
 * may be NULL. In a fiber. Returns NULL with d set; an ERR in place of the greeting (1040, 1129,
 * 1130) keeps its number.
 *
 * flags: what the login will ask for besides what is always asked for (see
 * upstream_login_capabilities()). They are needed here because servers take the capabilities of a
 * connection from the request for TLS, and do not read those of the login that follows it.
 */
NODISCARD struct upstream_conn *upstream_connect(struct upstream *u, struct loop *loop,
                                                 const struct sock_peer *client, uint64_t flags,
                                                 uint64_t deadline_us, struct diag *d);

/* What of a login to come is said with the request for TLS: MySQL answers "Bad handshake" to a
 * login that has another collation. */
struct upstream_start {
    const struct sock_peer *client; /* for the PROXY header; NULL: none */
    uint64_t flags;                 /* as in upstream_connect() */
    uint8_t collation;              /* of the login; 0 = upstream_default_collation() */
};

/* As upstream_connect(), for a login with a collation of its own. */
NODISCARD struct upstream_conn *upstream_connect_for(struct upstream *u, struct loop *loop,
                                                     const struct upstream_start *start,
                                                     uint64_t deadline_us, struct diag *d);

/* Ends a connection: COM_QUIT when it is idle and healthy, and frees it. In a fiber of its loop.
 * NULL is harmless. */
void upstream_close(struct upstream_conn *c);

/* An account whose password we know. */
struct upstream_login {
    struct str user;
    struct str password;
    struct str database; /* empty = none */
    uint8_t collation;   /* 0 = utf8mb4's default of that server */
};

/*
 * Logs in on a fresh connection: both password plugins, with RSA where the transport is not secure,
 * auth switch, mysql_clear_password over a secure transport only; compression is started. 0, or -1
 * with d set (the upstream's error).
 */
NODISCARD int upstream_login(struct upstream_conn *c, const struct upstream_login *l,
                             uint64_t deadline_us, struct diag *d);

/* The account of our own there, whose password may change (SIGHUP): l is copied. */
void upstream_set_account(struct upstream *u, const struct upstream_login *l);
/* That account as it is now; no user: none has been set. Strings live as long as u. */
NODISCARD struct upstream_login upstream_account(struct upstream *u);
/* As upstream_login(), with that account. */
NODISCARD int upstream_login_own(struct upstream_conn *c, uint64_t deadline_us, struct diag *d);

/* In flags, in place of the absence of CLIENT_DEPRECATE_EOF, which a login asks for otherwise:
 * replies have EOF packets then, as an older client wants them. */
#define UPSTREAM_KEY_EOF (UINT64_C(1) << 62)

/*
 * The capabilities that a login on c asks for: those of flags that the server offers, and always
 * SESSION_TRACK, DEPRECATE_EOF (but with UPSTREAM_KEY_EOF) and what the protocol needs,
 * CONNECT_WITH_DB (an empty name is no database) and CONNECT_ATTRS among it; TLS and compression as
 * they are. What upstream_connect() puts into c->capabilities.
 */
NODISCARD uint64_t upstream_login_capabilities(const struct upstream_conn *c, uint64_t flags);

/* The collation that stands for utf8mb4's default on that server, for a login. */
NODISCARD uint8_t upstream_default_collation(const struct upstream_conn *c);

/*
 * For who sends the login by himself, with c->capabilities in it: sets d to the error of an ERR
 * payload as the server sent it. Returns -1.
 */
int upstream_set_err(const struct upstream_conn *c, struct str payload, struct diag *d);

/* After the OK that ends a login was read: starts compression, if that was agreed. 0, or -1 with d
 * set. */
NODISCARD int upstream_logged_in(struct upstream_conn *c, const struct wire_ok *ok, struct diag *d);

/* Marks c as broken and sets d to 2013 (or 1317 when the fiber was interrupted) after a read or
 * write of c->conn did not end with NET_OK. Returns -1. */
int upstream_lost(struct upstream_conn *c, enum net_result why, struct diag *d);

/* ---- Statements of our own ---- */

/* A text result, whole, in the arena given. A NULL value has p NULL. */
struct upstream_result {
    uint32_t column_count;
    struct str *names;
    uint16_t *collations; /* of the columns: numbers as sent */
    uint64_t row_count;
    struct str **rows;
    struct wire_ok ok; /* of a statement without rows, or the end of rows */
};

enum {
    UPSTREAM_RESULT_MAX = 64 * 1024 * 1024, /* bytes of a result read whole; error beyond */
};

/* Runs one statement and reads its result. 0, or -1 with d set (the upstream's ERR, or 2013/2006
 * and c->broken). */
NODISCARD int upstream_query(struct upstream_conn *c, struct str sql, struct arena *arena,
                             struct diag *d, struct upstream_result *out);

/* As upstream_query() for statements without rows. */
NODISCARD int upstream_exec(struct upstream_conn *c, struct str sql, struct diag *d);

/*
 * A server with an init_connect runs it at logins, but not for COM_CHANGE_USER: has it none? 0 with
 * *out_is_so, or -1 as upstream_query(). Source: both servers' manuals, "init_connect".
 */
NODISCARD int upstream_runs_nothing_at_login(struct upstream_conn *c, struct diag *d,
                                             bool *out_is_so);

/* COM_PING within the connect time-out: is it alive? */
NODISCARD bool upstream_ping(struct upstream_conn *c);

/* COM_INIT_DB. 0 or -1 as upstream_query(). */
NODISCARD int upstream_use(struct upstream_conn *c, struct str db, struct diag *d);

/* COM_STMT_PREPARE; the definitions in the reply are dropped. 0 or -1 as upstream_query(). */
NODISCARD int upstream_prepare(struct upstream_conn *c, struct str sql, struct diag *d,
                               struct wire_prepare_ok *out);

/* COM_STMT_CLOSE, which has no reply. 0 or -1 as upstream_query(). */
NODISCARD int upstream_close_prepared(struct upstream_conn *c, uint32_t id, struct diag *d);

/* Sends a command as it is and leaves its reply to the caller. 0 or -1 as upstream_query(). */
NODISCARD int upstream_command(struct upstream_conn *c, struct str payload, struct diag *d);

/* Frees c->statements: the server has none any more. */
void upstream_forget_statements(struct upstream_conn *c);

/* Frees c->settings and c->statements: nothing is known of them any more. */
void upstream_forget(struct upstream_conn *c);

/* COM_RESET_CONNECTION. 0 or -1 as upstream_query(). */
NODISCARD int upstream_reset(struct upstream_conn *c, struct diag *d);

/*
 * Streaming form, for large results (snapshot, verify): rows are handed out one at a time, borrowed
 * until the next call. binary: through a prepared statement, values in the binary protocol.
 * upstream_rows_next() returns 1 with a row, 0 at the end, -1 with d set. upstream_rows_end() reads
 * and drops what is left, unless the connection is broken.
 */
struct upstream_rows; /* query.c */
NODISCARD struct upstream_rows *upstream_rows_begin(struct upstream_conn *c, struct str sql,
                                                    bool binary, struct arena *arena,
                                                    struct diag *d);
NODISCARD int upstream_rows_next(struct upstream_rows *r, struct str *out_payload, struct diag *d);
NODISCARD uint32_t upstream_rows_columns(const struct upstream_rows *r,
                                         const struct wire_column **out);
void upstream_rows_end(struct upstream_rows *r);

/* Moves an idle connection to another loop: called in a fiber of its old loop, returns with nothing
 * of it attached there; upstream_attach() in a fiber of the new loop. 0, or -1: close it. */
void upstream_detach(struct upstream_conn *c);
NODISCARD int upstream_attach(struct upstream_conn *c, struct loop *loop, struct diag *d);

#endif
