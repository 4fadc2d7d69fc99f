#include "upstream/upstream.h"

#include "upstream_int.h"

#include "base/clock.h"
#include "os/sock.h"
#include "wire/command.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* ---- Errors ---- */

int upstream_error(struct diag *d, enum upstream_error code, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return diag_set_text(d, (int)code, str_from_cstr(text));
}

int upstream_lost(struct upstream_conn *c, enum net_result why, struct diag *d)
{
    c->broken = true;
    if (why == NET_INTERRUPTED) {
        return diag_set(d, ER_QUERY_INTERRUPTED);
    }
    const char *reason = why == NET_TIMEOUT        ? "time-out"
                         : why == NET_TOO_LARGE    ? "packet too large"
                         : why == NET_OUT_OF_ORDER ? "packets out of order"
                                                   : "connection closed";
    return upstream_error(d, CR_SERVER_LOST, "Lost connection to MySQL server at '%s' (%s)",
                          upstream_name(c->upstream), reason);
}

int upstream_malformed(struct upstream_conn *c, struct diag *d)
{
    c->broken = true;
    return upstream_error(d, CR_MALFORMED_PACKET, "Malformed packet from MySQL server at '%s'",
                          upstream_name(c->upstream));
}

int upstream_set_err(const struct upstream_conn *c, struct str payload, struct diag *d)
{
    struct wire_err err;
    if (wire_decode_err(payload, &err) != 0) {
        return upstream_error(d, CR_MALFORMED_PACKET, "Malformed packet from MySQL server at '%s'",
                              upstream_name(c->upstream));
    }
    (void)diag_set_text(d, err.code, err.message);
    if (err.sqlstate[0] != '\0') {
        d->error->sqlstate = arena_dup_cstr(&d->arena, str_from_cstr(err.sqlstate));
    }
    return -1;
}

/* ---- Options ---- */

static const unsigned tls_flags[] = {
    [UPSTREAM_TLS_DISABLED] = 0,
    [UPSTREAM_TLS_PREFERRED] = 0,
    [UPSTREAM_TLS_REQUIRED] = 0,
    [UPSTREAM_TLS_VERIFY_CA] = TLS_VERIFY_PEER,
    [UPSTREAM_TLS_VERIFY_IDENTITY] = TLS_VERIFY_PEER | TLS_VERIFY_NAME,
};

/* NULL for an empty name. */
static const char *file_name(struct arena *a, struct str name)
{
    return name.len > 0 ? arena_dup_cstr(a, name) : NULL;
}

/* Reads the TLS files. 0 with *out_ctx, NULL when TLS is off; or -1 with d set. */
static int make_context(const struct upstream_options *o, struct tls_context **out_ctx,
                        struct diag *d)
{
    struct arena scratch;
    *out_ctx = NULL;
    if (o->tls_mode == UPSTREAM_TLS_DISABLED) {
        return 0;
    }
    arena_init(&scratch, 0);
    const struct tls_options tls = {
        .cert_file = file_name(&scratch, o->tls_cert),
        .key_file = file_name(&scratch, o->tls_key),
        .ca_file = file_name(&scratch, o->tls_ca),
        .flags = tls_flags[o->tls_mode],
    };
    *out_ctx = tls_context_new_client(&tls, d);
    arena_release(&scratch);
    return *out_ctx != NULL ? 0 : -1;
}

/* The options with strings of our own. The arena grows by a few bytes a reload. */
static struct upstream_options copy_options(struct arena *a, const struct upstream_options *o)
{
    struct upstream_options copy = *o;
    copy.host = arena_dup(a, o->host);
    copy.socket = arena_dup(a, o->socket);
    copy.tls_ca = arena_dup(a, o->tls_ca);
    copy.tls_cert = arena_dup(a, o->tls_cert);
    copy.tls_key = arena_dup(a, o->tls_key);
    return copy;
}

struct upstream *upstream_new(const struct upstream_options *o, struct diag *d)
{
    struct tls_context *ctx;
    if (make_context(o, &ctx, d) != 0) {
        return NULL;
    }
    struct upstream *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        tls_context_unref(ctx);
        diag_set(d, ER_OUT_OF_RESOURCES);
        return NULL;
    }
    arena_init(&u->arena, 0);
    os_mutex_init(&u->lock);
    u->o = copy_options(&u->arena, o);
    u->host = arena_dup_cstr(&u->arena, o->host);
    u->socket = arena_dup_cstr(&u->arena, o->socket);
    u->name = o->socket.len > 0
                  ? u->socket
                  : arena_printf(&u->arena, "%.*s:%u", STR_FMT(o->host), (unsigned)o->port).p;
    u->tells_clients = o->send_proxy_header && o->socket.len == 0;
    u->tls = tls_slot_new();
    tls_slot_set(u->tls, ctx);
    return u;
}

void upstream_free(struct upstream *u)
{
    if (u == NULL) {
        return;
    }
    tls_slot_free(u->tls);
    os_mutex_release(&u->lock);
    arena_release(&u->arena);
    free(u);
}

const char *upstream_name(const struct upstream *u)
{
    return u->name;
}

bool upstream_tells_clients(const struct upstream *u)
{
    return u->tells_clients;
}

int upstream_reload(struct upstream *u, const struct upstream_options *o, struct diag *d)
{
    struct tls_context *ctx;
    if (make_context(o, &ctx, d) != 0) {
        return -1;
    }
    tls_slot_set(u->tls, ctx);
    os_mutex_lock(&u->lock);
    const struct upstream_options old = u->o;
    u->o = copy_options(&u->arena, o);
    u->o.host = old.host;
    u->o.port = old.port;
    u->o.socket = old.socket;
    u->o.send_proxy_header = old.send_proxy_header;
    os_mutex_unlock(&u->lock);
    return 0;
}

void upstream_set_account(struct upstream *u, const struct upstream_login *l)
{
    os_mutex_lock(&u->lock);
    u->account = (struct upstream_login){.user = arena_dup(&u->arena, l->user),
                                         .password = arena_dup(&u->arena, l->password),
                                         .database = arena_dup(&u->arena, l->database),
                                         .collation = l->collation};
    os_mutex_unlock(&u->lock);
}

struct upstream_login upstream_account(struct upstream *u)
{
    os_mutex_lock(&u->lock);
    const struct upstream_login l = u->account;
    os_mutex_unlock(&u->lock);
    return l;
}

static struct upstream_options current_options(struct upstream *u)
{
    os_mutex_lock(&u->lock);
    const struct upstream_options o = u->o;
    os_mutex_unlock(&u->lock);
    return o;
}

bool upstream_last_greeting(struct upstream *u, struct upstream_greeting *out)
{
    os_mutex_lock(&u->lock);
    const bool has = u->has_greeting;
    *out = u->greeting;
    os_mutex_unlock(&u->lock);
    return has;
}

/* ---- Packets ---- */

static uint64_t deadline_after(uint64_t timeout_us)
{
    return timeout_us == 0 ? CONN_FOREVER : clock_monotonic_us() + timeout_us;
}

uint64_t upstream_read_deadline(const struct upstream_conn *c)
{
    const uint64_t deadline_us = deadline_after(c->read_timeout_us);
    return c->read_until_us == 0 ? deadline_us : MIN(deadline_us, c->read_until_us);
}

uint64_t upstream_write_deadline(const struct upstream_conn *c)
{
    return deadline_after(c->write_timeout_us);
}

int upstream_send(struct upstream_conn *c, uint64_t deadline_us, struct diag *d)
{
    const enum net_result r = conn_flush(&c->conn, deadline_us, d);
    return r == NET_OK ? 0 : upstream_lost(c, r, d);
}

static bool is_progress(const struct upstream_conn *c, struct str payload)
{
    return (c->capabilities & MARIADB_CLIENT_PROGRESS) != 0 && payload.len >= 3 &&
           memcmp(payload.p, "\xff\xff\xff", 3) == 0;
}

int upstream_read_next(struct upstream_conn *c, struct str *out_payload, struct diag *d)
{
    do {
        /* The time is not asked for each row of a result. */
        const uint64_t deadline_us =
            conn_has_packet(&c->conn) ? CONN_FOREVER : upstream_read_deadline(c);
        const enum net_result r = conn_read_packet(&c->conn, deadline_us, out_payload, d);
        if (r != NET_OK) {
            return upstream_lost(c, r, d);
        }
    } while (is_progress(c, *out_payload));
    return 0;
}

int upstream_read(struct upstream_conn *c, uint64_t deadline_us, struct str *out_payload,
                  struct diag *d)
{
    do {
        const enum net_result r = conn_read_packet(&c->conn, deadline_us, out_payload, d);
        if (r != NET_OK) {
            return upstream_lost(c, r, d);
        }
    } while (is_progress(c, *out_payload));
    return 0;
}

/* ---- PROXY protocol ---- */

enum {
    PROXY_LOCAL = 0x20, /* Version 2, a connection of our own. */
    PROXY_PROXY = 0x21, /* Version 2, on behalf of a client. */
    PROXY_TCP4 = 0x11,
    PROXY_TCP6 = 0x21,
    ADDRESS_LEN = 16,
};

/* A numeric address as 16 bytes, that of IPv4 mapped. False when it is not one. */
static bool parse_address(const char *text, uint8_t out[ADDRESS_LEN])
{
    struct in_addr v4;
    if (inet_pton(AF_INET6, text, out) == 1) {
        return true;
    }
    if (inet_pton(AF_INET, text, &v4) != 1) {
        return false;
    }
    memset(out, 0, ADDRESS_LEN);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, &v4, sizeof(v4));
    return true;
}

static bool is_mapped(const uint8_t address[ADDRESS_LEN])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/* The far end of fd as 16 bytes and a port. */
static bool far_end(int fd, uint8_t out[ADDRESS_LEN], uint16_t *out_port)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } any = {.sa = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof(any);
    if (getpeername(fd, &any.sa, &len) != 0) {
        return false;
    }
    if (any.sa.sa_family == AF_INET6) {
        memcpy(out, &any.v6.sin6_addr, ADDRESS_LEN);
        *out_port = ntohs(any.v6.sin6_port);
        return true;
    }
    memset(out, 0, ADDRESS_LEN);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, &any.v4.sin_addr, 4);
    *out_port = ntohs(any.v4.sin_port);
    return any.sa.sa_family == AF_INET;
}

static void put_big_endian16(struct bytebuf *b, uint16_t v)
{
    bytebuf_put_char(b, (char)(v >> 8));
    bytebuf_put_char(b, (char)v);
}

/*
 * Writes the header of the PROXY protocol, version 2, that says who the client is, or that we speak
 * for ourselves. Source: "The PROXY protocol, Versions 1 & 2", W. Tarreau, section 2.2.
 */
static void put_proxy_header(struct bytebuf *b, int fd, const struct sock_peer *client)
{
    static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    uint8_t from[ADDRESS_LEN];
    uint8_t to[ADDRESS_LEN];
    uint16_t to_port = 0;
    bytebuf_put(b, signature, sizeof(signature));
    if (client == NULL || !parse_address(client->host, from) || !far_end(fd, to, &to_port)) {
        bytebuf_put_char(b, PROXY_LOCAL);
        bytebuf_put_char(b, 0);
        put_big_endian16(b, 0);
        return;
    }
    const bool v4 = is_mapped(from) && is_mapped(to);
    const size_t skip = v4 ? 12 : 0;
    const size_t len = ADDRESS_LEN - skip;
    bytebuf_put_char(b, PROXY_PROXY);
    bytebuf_put_char(b, v4 ? PROXY_TCP4 : PROXY_TCP6);
    put_big_endian16(b, (uint16_t)(2 * len + 4));
    bytebuf_put(b, from + skip, len);
    bytebuf_put(b, to + skip, len);
    put_big_endian16(b, client->port);
    put_big_endian16(b, to_port);
}

/* ---- Connecting ---- */

static int open_socket(struct upstream *u, uint16_t port, uint64_t deadline_us, struct diag *d)
{
    struct sock_connect_error why;
    if (u->socket[0] != '\0') {
        struct diag ignored;
        diag_init(&ignored);
        const int fd = sock_connect_unix(u->socket, deadline_us, &ignored);
        if (fd < 0) {
            (void)diag_set_text(d, CR_CONNECTION_ERROR, ignored.error->message);
        }
        diag_release(&ignored);
        return fd;
    }
    const int fd = sock_connect_host(u->host, port, deadline_us, &why);
    if (fd >= 0) {
        return fd;
    }
    if (why.is_interrupted) {
        return diag_set(d, ER_QUERY_INTERRUPTED);
    }
    return why.is_lookup
               ? upstream_error(d, CR_UNKNOWN_HOST, "Unknown MySQL server host '%s' (%s)", u->host,
                                why.text)
               : upstream_error(d, CR_CONN_HOST_ERROR, "Can't connect to MySQL server on '%s' (%s)",
                                u->name, why.text);
}

/* "10.11.19-MariaDB" as 101119. MariaDB 10 may write "5.5.5-" in front, for old replicas. */
static uint32_t parse_version(const char *version)
{
    unsigned part[3] = {0};
    if (strncmp(version, "5.5.5-", 6) == 0) {
        version += 6;
    }
    for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
        char *end;
        const unsigned long n = strtoul(version, &end, 10);
        part[i] = (unsigned)MIN(n, 99ul);
        if (*end != '.') {
            break;
        }
        version = end + 1;
    }
    return part[0] * 10000 + part[1] * 100 + part[2];
}

static void copy_text(char *out, size_t cap, struct str s)
{
    const size_t len = MIN(s.len, cap - 1);
    memcpy(out, s.len > 0 ? s.p : "", len);
    out[len] = '\0';
}

/* Only MariaDB leaves the first capability unset, by which the two tell each other apart. */
static enum upstream_kind kind_of(const struct wire_handshake *h, const char *version)
{
    return (h->capabilities & CLIENT_LONG_PASSWORD) == 0 || strstr(version, "MariaDB") != NULL
               ? UPSTREAM_MARIADB
               : UPSTREAM_MYSQL;
}

static void keep_greeting(struct upstream_conn *c, const struct wire_handshake *h)
{
    copy_text(c->version, sizeof(c->version), h->server_version);
    copy_text(c->auth_plugin, sizeof(c->auth_plugin), h->auth_plugin);
    memcpy(c->nonce, h->nonce, sizeof(c->nonce));
    c->kind = kind_of(h, c->version);
    c->version_id = parse_version(c->version);
    c->id = h->connection_id;
    c->offered = h->capabilities;
    c->collation = h->collation;
    c->status = h->status;
    struct upstream *u = c->upstream;
    os_mutex_lock(&u->lock);
    u->greeting.kind = c->kind;
    u->greeting.capabilities = c->offered;
    u->greeting.collation = c->collation;
    memcpy(u->greeting.version, c->version, sizeof(c->version));
    memcpy(u->greeting.auth_plugin, c->auth_plugin, sizeof(c->auth_plugin));
    u->has_greeting = true;
    os_mutex_unlock(&u->lock);
}

/* A server that does not know these is older than MySQL 5.7 and MariaDB 10.2. */
static const uint64_t needed = CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH |
                               CLIENT_SESSION_TRACK | CLIENT_DEPRECATE_EOF;

static int read_greeting(struct upstream_conn *c, uint64_t deadline_us, struct diag *d)
{
    struct str payload;
    struct wire_handshake h;
    const enum net_result r = conn_read_packet(&c->conn, deadline_us, &payload, d);
    if (r != NET_OK) {
        (void)upstream_lost(c, r, d);
        return r == NET_INTERRUPTED
                   ? -1
                   : upstream_error(d, CR_SERVER_LOST,
                                    "Lost connection to MySQL server at 'reading initial "
                                    "communication packet' (%s)",
                                    c->upstream->name);
    }
    if (payload.len > 0 && (uint8_t)payload.p[0] == WIRE_MARK_ERR) {
        return upstream_set_err(c, payload, d);
    }
    if (wire_decode_handshake(payload, &h) != 0) {
        return upstream_malformed(c, d);
    }
    keep_greeting(c, &h);
    if ((h.capabilities & needed) != needed) {
        return upstream_error(d, CR_CONN_HOST_ERROR,
                              "MySQL server %s at '%s' is too old: MySQL 5.7 or MariaDB 10.2 is "
                              "needed",
                              c->version, c->upstream->name);
    }
    return 0;
}

uint8_t upstream_default_collation(const struct upstream_conn *c)
{
    enum {
        UTF8MB4_GENERAL_CI = 45,
        UTF8MB4_0900_AI_CI = 255,
    };
    return c->kind == UPSTREAM_MYSQL && c->version_id >= 80000 ? UTF8MB4_0900_AI_CI
                                                               : UTF8MB4_GENERAL_CI;
}

/* Compression that was asked for, as far as the server has it. */
static uint64_t compression_flags(const struct upstream_conn *c, enum upstream_compression wanted)
{
    if (wanted == UPSTREAM_COMPRESSION_ZSTD && (c->offered & CLIENT_ZSTD_COMPRESSION)) {
        return CLIENT_ZSTD_COMPRESSION;
    }
    return wanted == UPSTREAM_COMPRESSION_NONE ? 0 : c->offered & CLIENT_COMPRESS;
}

uint64_t upstream_login_capabilities(const struct upstream_conn *c, uint64_t flags)
{
    const uint64_t always = CLIENT_LONG_PASSWORD | CLIENT_LONG_FLAG | CLIENT_CONNECT_WITH_DB |
                            CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS | CLIENT_SECURE_CONNECTION |
                            CLIENT_PLUGIN_AUTH | CLIENT_PLUGIN_AUTH_LENENC | CLIENT_CONNECT_ATTRS |
                            CLIENT_SESSION_TRACK |
                            ((flags & UPSTREAM_KEY_EOF) != 0 ? 0 : CLIENT_DEPRECATE_EOF);
    const uint64_t transport = CLIENT_SSL | CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION;
    return (c->offered & (always | (flags & ~transport))) | c->transport_flags;
}

/* Does this connection use TLS? -1 with d set when it must and cannot. */
static int wants_tls(const struct upstream_conn *c, enum upstream_tls_mode mode, struct diag *d)
{
    const bool is_unix = c->upstream->socket[0] != '\0';
    if (mode == UPSTREAM_TLS_DISABLED || (mode == UPSTREAM_TLS_PREFERRED && is_unix)) {
        return 0;
    }
    if (c->offered & CLIENT_SSL) {
        return 1;
    }
    return mode == UPSTREAM_TLS_PREFERRED
               ? 0
               : upstream_error(d, CR_SSL_CONNECTION_ERROR,
                                "TLS connection error: it is required, but the server at '%s' "
                                "does not support it",
                                c->upstream->name);
}

static int start_tls(struct upstream_conn *c, uint8_t collation, uint64_t deadline_us,
                     struct diag *d)
{
    const struct wire_login request = {
        .capabilities = c->capabilities,
        .max_packet = WIRE_MAX_ALLOWED_PACKET,
        .collation = collation != 0 ? collation : upstream_default_collation(c),
    };
    pkt_begin(&c->conn.w);
    wire_encode_ssl_request(&c->conn.w, &request);
    if (pkt_end(&c->conn.w) != 0 || upstream_send(c, deadline_us, d) != 0) {
        return -1;
    }
    struct tls_context *ctx = tls_slot_find(c->upstream->tls);
    struct diag why;
    diag_init(&why);
    const char *name = c->upstream->host[0] != '\0' ? c->upstream->host : NULL;
    const enum net_result r =
        ctx == NULL ? NET_ERROR : conn_start_tls_client(&c->conn, ctx, name, deadline_us, &why);
    tls_context_unref(ctx);
    if (r == NET_INTERRUPTED) {
        (void)diag_set(d, ER_QUERY_INTERRUPTED);
    } else if (r != NET_OK) {
        const struct str text = why.error != NULL ? why.error->message : STR("no certificate");
        (void)upstream_error(d, CR_SSL_CONNECTION_ERROR, "TLS connection error with '%s': %.*s",
                             c->upstream->name, STR_FMT(text));
    }
    diag_release(&why);
    return r == NET_OK ? 0 : -1;
}

/* From the greeting to the point where the login can be sent. */
static int shake_hands(struct upstream_conn *c, const struct upstream_options *o,
                       const struct upstream_start *start, uint64_t deadline_us, struct diag *d)
{
    if (read_greeting(c, deadline_us, d) != 0) {
        return -1;
    }
    const int tls = wants_tls(c, o->tls_mode, d);
    if (tls < 0) {
        return -1;
    }
    c->transport_flags = (tls != 0 ? CLIENT_SSL : 0) | compression_flags(c, o->compression);
    c->capabilities = upstream_login_capabilities(c, start->flags);
    c->secure = tls != 0 || c->upstream->socket[0] != '\0';
    return tls != 0 ? start_tls(c, start->collation, deadline_us, d) : 0;
}

static struct upstream_conn *conn_new(struct upstream *u, struct loop *loop,
                                      const struct upstream_options *o, struct diag *d)
{
    struct upstream_conn *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
        return NULL;
    }
    c->upstream = u;
    c->loop = loop;
    c->read_timeout_us = o->read_timeout_us;
    c->write_timeout_us = o->write_timeout_us;
    c->connect_timeout_us = o->connect_timeout_us;
    c->born_us = clock_monotonic_us();
    c->used_us = c->born_us;
    rlist_init(&c->pool.link);
    return c;
}

struct upstream_conn *upstream_connect(struct upstream *u, struct loop *loop,
                                       const struct sock_peer *client, uint64_t flags,
                                       uint64_t deadline_us, struct diag *d)
{
    const struct upstream_start start = {.client = client, .flags = flags};
    return upstream_connect_for(u, loop, &start, deadline_us, d);
}

struct upstream_conn *upstream_connect_for(struct upstream *u, struct loop *loop,
                                           const struct upstream_start *start, uint64_t deadline_us,
                                           struct diag *d)
{
    const struct upstream_options o = current_options(u);
    deadline_us = MIN(deadline_us, deadline_after(o.connect_timeout_us));
    struct upstream_conn *c = conn_new(u, loop, &o, d);
    if (c == NULL) {
        return NULL;
    }
    const int fd = open_socket(u, o.port, deadline_us, d);
    struct bytebuf proxy;
    bytebuf_init(&proxy, 256);
    if (fd >= 0 && u->tells_clients) {
        put_proxy_header(&proxy, fd, start->client);
    }
    if (fd < 0 || conn_init(&c->conn, loop, fd, o.max_packet, d) != 0) {
        bytebuf_release(&proxy);
        free(c);
        return NULL;
    }
    bytebuf_put_str(&c->conn.out, bytebuf_str(&proxy));
    bytebuf_release(&proxy);
    if (upstream_send(c, deadline_us, d) != 0 || shake_hands(c, &o, start, deadline_us, d) != 0) {
        c->broken = true;
        upstream_close(c);
        return NULL;
    }
    return c;
}

void upstream_forget_statements(struct upstream_conn *c)
{
    if (c->statements != NULL) {
        c->free_statements(c->statements);
        c->statements = NULL;
    }
}

void upstream_forget(struct upstream_conn *c)
{
    upstream_forget_statements(c);
    free(c->settings.text);
    free(c->settings.db);
    c->settings.text = NULL;
    c->settings.db = NULL;
    c->settings.owner = 0;
}

void upstream_close(struct upstream_conn *c)
{
    if (c == NULL) {
        return;
    }
    if (c->logged_in && !c->broken) {
        struct diag ignored;
        diag_init(&ignored);
        conn_begin_command(&c->conn);
        pkt_begin(&c->conn.w);
        wire_encode_simple(&c->conn.w, COM_QUIT);
        if (pkt_end(&c->conn.w) == 0) {
            const uint64_t deadline_us = clock_monotonic_us() + UPSTREAM_CLOSE_US;
            c->broken = conn_flush(&c->conn, deadline_us, &ignored) != NET_OK;
        }
        diag_release(&ignored);
    }
    upstream_forget(c);
    conn_release(&c->conn);
    free(c);
}

/* The layer that owns the descriptor. */
static struct net_filter *bottom_of(struct upstream_conn *c)
{
    struct net_filter *f = c->conn.top;
    while (f->next != NULL) {
        f = f->next;
    }
    return f;
}

void upstream_detach(struct upstream_conn *c)
{
    net_filter_idle(c->conn.top);
    net_socket_detach(bottom_of(c));
    c->loop = NULL;
}

int upstream_attach(struct upstream_conn *c, struct loop *loop, struct diag *d)
{
    c->loop = loop;
    if (net_socket_attach(bottom_of(c), loop, d) != 0) {
        c->broken = true;
        return -1;
    }
    return 0;
}
