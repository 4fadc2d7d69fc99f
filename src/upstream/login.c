/*
 * Login with a password that we know. The server names a plugin, in its greeting or in an auth
 * switch, and a nonce; a table has the first answer of each plugin, and what may follow it.
 *
 * Sources: MySQL source documentation, "Connection Phase" and "Caching_sha2_password information";
 * MariaDB knowledge base, "Authentication Plugins".
 */
#include "upstream/upstream.h"
#include "upstream_int.h"

#include "base/clock.h"
#include "wire/auth.h"

enum {
    ZSTD_LEVEL = 3,
    ANSWER_MAX = 4096, /* Longest answer: a password, or what RSA makes of it. */
    ROUNDS_MAX = 16,   /* Packets of the server before its OK. */
};

#define SHA256_PLUGIN "sha256_password"

struct login_run {
    struct upstream_conn *c;
    const struct upstream_login *l;
    uint64_t deadline_us;
    const struct auth_plugin *plugin;
    uint8_t nonce[WIRE_NONCE_LEN];
    struct bytebuf answer; /* Wiped after each use. */
};

/* Puts the answer into r->answer. 0, or -1 with d set. */
typedef int auth_answer_fn(struct login_run *r, struct diag *d);
typedef int auth_more_fn(struct login_run *r, struct str data, struct diag *d);

struct auth_plugin {
    const char *name;
    auth_answer_fn *answer; /* To the nonce. */
    auth_more_fn *more;     /* To more data; NULL: there is none. r->answer empty: say nothing. */
};

static int hash_failed(struct diag *d)
{
    return diag_set(d, ER_OUT_OF_RESOURCES);
}

static int plugin_error(struct login_run *r, const char *why, struct diag *d)
{
    return upstream_error(d, CR_AUTH_PLUGIN_ERR,
                          "Authentication plugin '%s' reported error: %s (user '%.*s' at '%s')",
                          r->plugin->name, why, STR_FMT(r->l->user), r->c->upstream->name);
}

static int answer_native(struct login_run *r, struct diag *d)
{
    uint8_t scramble[AUTH_NATIVE_LEN];
    if (r->l->password.len == 0) {
        return 0;
    }
    if (auth_native_scramble(r->l->password, r->nonce, scramble) != 0) {
        return hash_failed(d);
    }
    bytebuf_put(&r->answer, scramble, sizeof(scramble));
    return 0;
}

static int answer_sha2(struct login_run *r, struct diag *d)
{
    uint8_t scramble[AUTH_SHA2_LEN];
    if (r->l->password.len == 0) {
        return 0;
    }
    if (auth_sha2_scramble(r->l->password, r->nonce, scramble) != 0) {
        return hash_failed(d);
    }
    bytebuf_put(&r->answer, scramble, sizeof(scramble));
    return 0;
}

static void put_clear(struct login_run *r)
{
    bytebuf_put_str(&r->answer, r->l->password);
    bytebuf_put_char(&r->answer, '\0');
}

static int answer_clear(struct login_run *r, struct diag *d)
{
    if (!r->c->secure) {
        return plugin_error(r, "it sends the password in clear text, which needs TLS", d);
    }
    put_clear(r);
    return 0;
}

static int answer_sha256(struct login_run *r, struct diag *d)
{
    enum {
        REQUEST_KEY = 0x01,
    };
    (void)d;
    if (r->c->secure || r->l->password.len == 0) {
        put_clear(r);
    } else {
        bytebuf_put_char(&r->answer, REQUEST_KEY);
    }
    return 0;
}

static int encrypt(struct login_run *r, struct str pem, struct diag *d)
{
    if (auth_rsa_encrypt(pem, r->nonce, r->l->password, &r->answer) != 0) {
        return plugin_error(r, "the server's public key cannot be used", d);
    }
    return 0;
}

static int more_sha256(struct login_run *r, struct str data, struct diag *d)
{
    return encrypt(r, data, d);
}

static int more_sha2(struct login_run *r, struct str data, struct diag *d)
{
    if (data.len != 1) {
        return encrypt(r, data, d);
    }
    switch ((uint8_t)data.p[0]) {
    case WIRE_SHA2_FAST_OK:
        return 0;
    case WIRE_SHA2_FULL:
        if (r->c->secure) {
            put_clear(r);
        } else {
            bytebuf_put_char(&r->answer, WIRE_SHA2_REQUEST_PUBLIC_KEY);
        }
        return 0;
    default:
        return upstream_malformed(r->c, d);
    }
}

static const struct auth_plugin plugins[] = {
    {.name = AUTH_SHA2_PLUGIN, .answer = answer_sha2, .more = more_sha2},
    {.name = AUTH_NATIVE_PLUGIN, .answer = answer_native},
    {.name = SHA256_PLUGIN, .answer = answer_sha256, .more = more_sha256},
    {.name = AUTH_CLEAR_PLUGIN, .answer = answer_clear},
};

static const struct auth_plugin *find_plugin(struct str name)
{
    for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
        if (str_eq(name, str_from_cstr(plugins[i].name))) {
            return &plugins[i];
        }
    }
    return NULL;
}

static int flush(struct login_run *r, struct diag *d)
{
    return pkt_end(&r->c->conn.w) != 0 ? hash_failed(d) : upstream_send(r->c, r->deadline_us, d);
}

static void wipe_answer(struct login_run *r)
{
    mem_wipe(r->answer.p, r->answer.len);
    bytebuf_reset(&r->answer);
}

/* The login packet, with the answer to the greeting's nonce. A greeting with a plugin that we do
 * not have may still be followed by a switch to one that we have, as the account has it. */
static int send_login(struct login_run *r, struct diag *d)
{
    struct upstream_conn *c = r->c;
    const struct auth_plugin *named = find_plugin(str_from_cstr(c->auth_plugin));
    r->plugin = named != NULL && named->answer != answer_clear ? named : &plugins[0];
    memcpy(r->nonce, c->nonce, sizeof(r->nonce));
    if (r->plugin->answer(r, d) != 0) {
        return -1;
    }
    const struct wire_login login = {
        .capabilities = c->capabilities,
        .max_packet = WIRE_MAX_ALLOWED_PACKET,
        .collation = r->l->collation != 0 ? r->l->collation : upstream_default_collation(c),
        .user = r->l->user,
        .auth_data = bytebuf_str(&r->answer),
        .database = r->l->database,
        .auth_plugin = str_from_cstr(r->plugin->name),
        .zstd_level = ZSTD_LEVEL,
    };
    pkt_begin(&c->conn.w);
    wire_encode_login(&c->conn.w, &login);
    return flush(r, d);
}

static int send_answer(struct login_run *r, struct diag *d)
{
    pkt_begin(&r->c->conn.w);
    pkt_put_str(&r->c->conn.w, bytebuf_str(&r->answer));
    return flush(r, d);
}

static int take_switch(struct login_run *r, struct str payload, struct diag *d)
{
    struct wire_auth_switch s;
    if (wire_decode_auth_switch(payload, &s) != 0) {
        return upstream_malformed(r->c, d);
    }
    r->plugin = find_plugin(s.plugin);
    if (r->plugin == NULL) {
        r->c->broken = true;
        return upstream_error(d, CR_AUTH_PLUGIN_CANNOT_LOAD,
                              "Authentication plugin '%.*s' is not supported for connections to "
                              "'%s'; give user '%.*s' another one",
                              STR_FMT(s.plugin), r->c->upstream->name, STR_FMT(r->l->user));
    }
    if (s.data.len >= WIRE_NONCE_LEN) {
        memcpy(r->nonce, s.data.p, WIRE_NONCE_LEN);
    }
    return r->plugin->answer(r, d) != 0 ? -1 : send_answer(r, d);
}

static int take_more(struct login_run *r, struct str payload, struct diag *d)
{
    struct str data;
    if (wire_decode_auth_more(payload, &data) != 0 || r->plugin->more == NULL) {
        return upstream_malformed(r->c, d);
    }
    if (r->plugin->more(r, data, d) != 0) {
        return -1;
    }
    return r->answer.len == 0 ? 0 : send_answer(r, d);
}

/* Handles one packet of the server. 1: logged in, 0: go on, -1 with d set. */
static int take_packet(struct login_run *r, struct str payload, struct diag *d)
{
    struct wire_ok ok;
    switch (payload.len > 0 ? (uint8_t)payload.p[0] : -1) {
    case WIRE_MARK_OK:
        if (wire_decode_ok(payload, r->c->capabilities, &ok) != 0) {
            return upstream_malformed(r->c, d);
        }
        return upstream_logged_in(r->c, &ok, d) == 0 ? 1 : -1;
    case WIRE_MARK_ERR:
        r->c->broken = true;
        return upstream_set_err(r->c, payload, d);
    case WIRE_MARK_EOF:
        return take_switch(r, payload, d);
    case WIRE_MARK_AUTH_MORE:
        return take_more(r, payload, d);
    default:
        return upstream_malformed(r->c, d);
    }
}

static int run(struct login_run *r, struct diag *d)
{
    int rc = send_login(r, d);
    wipe_answer(r);
    for (unsigned rounds = 0; rc == 0; rounds++) {
        struct str payload;
        if (rounds == ROUNDS_MAX) {
            return upstream_malformed(r->c, d);
        }
        if (upstream_read(r->c, r->deadline_us, &payload, d) != 0) {
            return -1;
        }
        rc = take_packet(r, payload, d);
        wipe_answer(r);
    }
    return rc > 0 ? 0 : -1;
}

int upstream_login(struct upstream_conn *c, const struct upstream_login *l, uint64_t deadline_us,
                   struct diag *d)
{
    const uint64_t limit =
        c->connect_timeout_us != 0 ? c->born_us + c->connect_timeout_us : CONN_FOREVER;
    struct login_run r = {.c = c, .l = l, .deadline_us = MIN(deadline_us, limit)};
    bytebuf_init(&r.answer, ANSWER_MAX);
    const int rc = run(&r, d);
    bytebuf_release(&r.answer);
    c->broken = c->broken || rc != 0;
    return rc;
}

int upstream_login_own(struct upstream_conn *c, uint64_t deadline_us, struct diag *d)
{
    const struct upstream_login l = upstream_account(c->upstream);
    return upstream_login(c, &l, deadline_us, d);
}

int upstream_logged_in(struct upstream_conn *c, const struct wire_ok *ok, struct diag *d)
{
    const bool is_zstd = (c->transport_flags & CLIENT_ZSTD_COMPRESSION) != 0;
    c->status = ok->status;
    c->logged_in = true;
    /* After COM_CHANGE_USER it goes on as it was. */
    if ((c->transport_flags & (CLIENT_ZSTD_COMPRESSION | CLIENT_COMPRESS)) == 0 ||
        c->conn.compressed != NULL) {
        return 0;
    }
    if (conn_start_compression(&c->conn, is_zstd ? COMPRESSION_ZSTD : COMPRESSION_ZLIB, 0, d) !=
        0) {
        c->broken = true;
        return -1;
    }
    return 0;
}
