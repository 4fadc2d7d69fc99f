/*
 * A server for tests of the client side: it listens on a loopback port of its own, in the test's
 * loop, and a script, run in a fiber for each connection, says what it sends and expects.
 */
#ifndef UNIT_UPSTREAM_FAKE_SERVER_H
#define UNIT_UPSTREAM_FAKE_SERVER_H

#include "../net/net_test.h"
#include "upstream/upstream.h"

#include "os/sock.h"
#include "wire/auth.h"
#include "wire/command.h"
#include "wire/handshake.h"
#include "wire/reply.h"

#include <unistd.h>

struct fake_server;

/* Talks with one client. The connection is released by the caller. */
typedef void fake_script_fn(struct fake_server *s, struct conn *c);

struct fake_server {
    fake_script_fn *script;
    int fd;
    uint16_t port;
    struct io io;
    struct fiber *acceptor;
    unsigned connections; /* Accepted so far. */
    unsigned open;        /* Scripts that run. */
    unsigned failed_writes;
    uint64_t offered;
    const char *plugin;   /* Of the greeting. */
    const char *password; /* That the account has. */
    struct diag d;
    struct upstream *upstream;
};

enum {
    FAKE_STOP = 1u << 7, /* Interrupt bit that ends the acceptor. */
};

static const uint64_t fake_offered =
    CLIENT_LONG_PASSWORD | CLIENT_FOUND_ROWS | CLIENT_LONG_FLAG | CLIENT_CONNECT_WITH_DB |
    CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS | CLIENT_SECURE_CONNECTION | CLIENT_MULTI_STATEMENTS |
    CLIENT_MULTI_RESULTS | CLIENT_PLUGIN_AUTH | CLIENT_PLUGIN_AUTH_LENENC | CLIENT_CONNECT_ATTRS |
    CLIENT_SESSION_TRACK | CLIENT_DEPRECATE_EOF;

static const uint8_t fake_nonce[WIRE_NONCE_LEN] = "abcdefghijklmnopqrst";

static inline void fake_flush(struct fake_server *s, struct conn *c)
{
    s->failed_writes += conn_flush(c, in_ms(5000), &s->d) != NET_OK;
}

static inline void fake_send(struct fake_server *s, struct conn *c, struct str payload)
{
    write_packet(c, payload);
    fake_flush(s, c);
}

static inline void fake_greet(struct fake_server *s, struct conn *c)
{
    struct wire_handshake h = {.server_version = STR("8.4.0-fake"),
                               .connection_id = s->connections,
                               .capabilities = s->offered,
                               .collation = 255,
                               .status = SERVER_STATUS_AUTOCOMMIT,
                               .auth_plugin = str_from_cstr(s->plugin)};
    memcpy(h.nonce, fake_nonce, sizeof(h.nonce));
    pkt_begin(&c->w);
    wire_encode_handshake(&c->w, &h);
    CHECK(pkt_end(&c->w) == 0);
    fake_flush(s, c);
}

static inline bool fake_read(struct fake_server *s, struct conn *c, struct str *out)
{
    return conn_read_packet(c, in_ms(5000), out, &s->d) == NET_OK;
}

static inline void fake_ok(struct fake_server *s, struct conn *c)
{
    pkt_begin(&c->w);
    wire_encode_ok(&c->w, fake_offered, WIRE_MARK_OK,
                   &(struct wire_ok){.status = SERVER_STATUS_AUTOCOMMIT});
    CHECK(pkt_end(&c->w) == 0);
    fake_flush(s, c);
}

static inline void fake_err(struct fake_server *s, struct conn *c, uint16_t code, const char *text)
{
    pkt_begin(&c->w);
    wire_encode_err(
        &c->w, fake_offered,
        &(struct wire_err){.code = code, .sqlstate = "08S09", .message = str_from_cstr(text)});
    CHECK(pkt_end(&c->w) == 0);
    fake_flush(s, c);
}

/* Greets, takes any login, and says OK. False when the client went away. */
static inline bool fake_accept(struct fake_server *s, struct conn *c)
{
    struct str payload;
    fake_greet(s, c);
    if (!fake_read(s, c, &payload)) {
        return false;
    }
    fake_ok(s, c);
    return true;
}

/* One packet of a command; false at the end of the connection. */
static inline bool fake_command(struct fake_server *s, struct conn *c, struct str *out)
{
    conn_begin_command(c);
    return conn_read_packet(c, in_ms(20000), out, &s->d) == NET_OK;
}

/* Says OK to everything until the client quits. */
static inline void fake_serve(struct fake_server *s, struct conn *c)
{
    struct str payload;
    if (!fake_accept(s, c)) {
        return;
    }
    while (fake_command(s, c, &payload) && payload.len > 0 && payload.p[0] != COM_QUIT) {
        fake_ok(s, c);
    }
}

struct fake_client {
    struct fake_server *s;
    int fd;
};

static inline void fake_run_script(void *arg)
{
    struct fake_client *client = arg;
    struct conn c;
    CHECK(conn_init(&c, loop_self(), client->fd, MAX_PACKET, &client->s->d) == 0);
    client->s->script(client->s, &c);
    conn_release(&c);
    client->s->open--;
    free(client);
}

static inline void fake_accept_all(void *arg)
{
    struct fake_server *s = arg;
    struct sock_peer peer;
    enum io_result why;
    CHECK(io_attach(&s->io, loop_self(), s->fd) == 0);
    for (;;) {
        const int fd = sock_accept(&s->io, CONN_FOREVER, &peer, &why);
        if (fd < 0) {
            break;
        }
        struct fake_client *client = calloc(1, sizeof(*client));
        CHECK(client != NULL);
        *client = (struct fake_client){.s = s, .fd = fd};
        s->connections++;
        s->open++;
        CHECK(fiber_spawn(loop_self(), fake_run_script, client) == 0);
    }
    fiber_clear_interrupt(FAKE_STOP);
    io_detach(&s->io);
}

/* No time-out is met by chance, on however busy a machine: those that are meant are set. */
#define FAKE_TIMEOUT_US (60 * UINT64_C(1000000))

static inline struct upstream_options fake_options(const struct fake_server *s)
{
    return (struct upstream_options){
        .host = STR("127.0.0.1"),
        .port = s->port,
        .connect_timeout_us = FAKE_TIMEOUT_US,
        .read_timeout_us = FAKE_TIMEOUT_US,
        .write_timeout_us = FAKE_TIMEOUT_US,
        .max_packet = MAX_PACKET,
    };
}

/* Starts a server with this script, and an upstream that is it. */
static inline void fake_start(struct fake_server *s, fake_script_fn *script)
{
    *s = (struct fake_server){.script = script,
                              .offered = fake_offered,
                              .plugin = AUTH_SHA2_PLUGIN,
                              .password = "secret"};
    diag_init(&s->d);
    s->fd = sock_listen_tcp("127.0.0.1", 0, 100, &s->d);
    CHECK(s->fd >= 0);
    s->port = sock_local_port(s->fd);
    s->acceptor = start(fake_accept_all, s);
    const struct upstream_options o = fake_options(s);
    s->upstream = upstream_new(&o, &s->d);
    CHECK(s->upstream != NULL);
}

/* Stops accepting, waits for the scripts to end, and frees the upstream. */
static inline void fake_stop(struct fake_server *s)
{
    fiber_interrupt(s->acceptor, FAKE_STOP);
    fiber_join(s->acceptor);
    for (unsigned i = 0; s->open > 0; i++) {
        CHECK(i < 10000);
        (void)fiber_sleep(1000);
    }
    (void)close(s->fd);
    upstream_free(s->upstream);
    diag_release(&s->d);
}

#endif
