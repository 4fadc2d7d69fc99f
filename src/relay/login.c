#include "relay/login.h"

#include "base/clock.h"
#include "os/offload.h"
#include "wire/handshake.h"
#include "wire/reply.h"

#include <stdio.h>

enum {
    ROUNDS_MAX = 32, /* Packets of an exchange before it is given up. */
    PASSWORD_MAX = 1024,
};

/* A plugin that no account has: the server has to ask. */
#define ASK_PLUGIN "pintail_ask"

struct exchange {
    const struct relay_login *l;
    struct upstream_conn *up;
    struct diag *d;
    bool asked;   /* the client has proved something to the upstream */
    bool is_sha2; /* the plugin in use is caching_sha2_password */
    uint8_t nonce[WIRE_NONCE_LEN];
};

/* ---- Packets ---- */

static int client_failed(enum net_result r, struct diag *d)
{
    if (d->error == NULL) {
        return r == NET_INTERRUPTED ? diag_set(d, ER_QUERY_INTERRUPTED)
                                    : diag_set(d, ER_HANDSHAKE_ERROR);
    }
    return -1;
}

static int send_client(struct exchange *x)
{
    if (pkt_end(&x->l->client->w) != 0) {
        return diag_set(x->d, ER_HANDSHAKE_ERROR);
    }
    const enum net_result r = conn_flush(x->l->client, x->l->deadline_us, x->d);
    return r == NET_OK ? 0 : client_failed(r, x->d);
}

static int read_client(struct exchange *x, struct str *out)
{
    const enum net_result r = conn_read_packet(x->l->client, x->l->deadline_us, out, x->d);
    return r == NET_OK ? 0 : client_failed(r, x->d);
}

static int upstream_failed(struct exchange *x, enum net_result r)
{
    diag_reset(x->d);
    return upstream_lost(x->up, r, x->d);
}

static int send_upstream(struct exchange *x)
{
    struct conn *c = &x->up->conn;
    if (pkt_end(&c->w) != 0) {
        return upstream_failed(x, NET_TOO_LARGE);
    }
    const enum net_result r = conn_flush(c, x->l->deadline_us, x->d);
    return r == NET_OK ? 0 : upstream_failed(x, r);
}

static int read_upstream(struct exchange *x, struct str *out)
{
    const enum net_result r = conn_read_packet(&x->up->conn, x->l->deadline_us, out, x->d);
    return r == NET_OK ? 0 : upstream_failed(x, r);
}

static int tell_upstream(struct exchange *x, struct str payload)
{
    struct pkt_writer *w = &x->up->conn.w;
    pkt_begin(w);
    pkt_put_str(w, payload);
    return send_upstream(x);
}

static int tell_client_more(struct exchange *x, struct str data)
{
    pkt_begin(&x->l->client->w);
    wire_encode_auth_more(&x->l->client->w, data);
    return send_client(x);
}

static int malformed(struct exchange *x)
{
    x->up->broken = true;
    return upstream_error(x->d, CR_MALFORMED_PACKET,
                          "Malformed packet from MySQL server at '%s' during login",
                          upstream_name(x->up->upstream));
}

/* ---- The full step of caching_sha2_password, where the two transports differ ---- */

struct decrypt_job {
    const struct auth_rsa *rsa;
    const uint8_t *nonce;
    struct str reply;
    struct bytebuf *password;
    int rc;
};

static void decrypt(void *arg)
{
    struct decrypt_job *job = arg;
    job->rc = auth_rsa_decrypt(job->rsa, job->nonce, job->reply, job->password);
}

/* The client's password, from its answer to "full": as it is, or under our key. */
static int take_password(struct exchange *x, struct str packet, struct bytebuf *password)
{
    if (x->l->client_secure) {
        bytebuf_put(password, packet.p, packet.len > 0 ? packet.len - 1 : 0);
        return password->failed ? diag_set(x->d, ER_HANDSHAKE_ERROR) : 0;
    }
    if (x->l->rsa == NULL) {
        return diag_set(x->d, ER_SECURE_TRANSPORT_REQUIRED);
    }
    if (packet.len == 1 && packet.p[0] == WIRE_SHA2_REQUEST_PUBLIC_KEY) {
        if (tell_client_more(x, auth_rsa_public_pem(x->l->rsa)) != 0 ||
            read_client(x, &packet) != 0) {
            return -1;
        }
    }
    struct decrypt_job job = {
        .rsa = x->l->rsa, .nonce = x->nonce, .reply = packet, .password = password, .rc = -1};
    offload_run_always(OFFLOAD_FILE, decrypt, &job);
    return job.rc == 0 ? 0 : diag_set(x->d, ER_HANDSHAKE_ERROR);
}

/* Gives the upstream the password in the form its transport asks for. */
static int give_password(struct exchange *x, struct str password)
{
    struct pkt_writer *w = &x->up->conn.w;
    if (x->up->secure) {
        pkt_begin(w);
        pkt_put_str(w, password);
        pkt_put_u8(w, 0);
        return send_upstream(x);
    }
    const char ask = WIRE_SHA2_REQUEST_PUBLIC_KEY;
    struct str packet, pem;
    if (tell_upstream(x, str_from(&ask, 1)) != 0 || read_upstream(x, &packet) != 0) {
        return -1;
    }
    if (wire_decode_auth_more(packet, &pem) != 0) {
        return malformed(x);
    }
    struct bytebuf encrypted;
    bytebuf_init(&encrypted, 4096);
    int rc = auth_rsa_encrypt(pem, x->nonce, password, &encrypted);
    rc = rc == 0 ? tell_upstream(x, bytebuf_str(&encrypted)) : malformed(x);
    bytebuf_release(&encrypted);
    return rc;
}

static int answer_full(struct exchange *x, struct str packet)
{
    struct bytebuf password;
    bytebuf_init(&password, PASSWORD_MAX);
    int rc = take_password(x, packet, &password);
    if (rc == 0) {
        rc = give_password(x, bytebuf_str(&password));
    }
    if (password.p != NULL) {
        mem_wipe(password.p, password.cap);
    }
    bytebuf_release(&password);
    return rc;
}

/* ---- The exchange ---- */

static int relay_switch(struct exchange *x, struct str packet)
{
    struct wire_auth_switch s;
    struct str answer;
    if (wire_decode_auth_switch(packet, &s) != 0) {
        return malformed(x);
    }
    if ((x->l->client_capabilities & CLIENT_PLUGIN_AUTH) == 0) {
        return diag_set(x->d, ER_NOT_SUPPORTED_AUTH_MODE);
    }
    if (str_eq(s.plugin, STR(AUTH_CLEAR_PLUGIN)) && !(x->l->client_secure && x->up->secure)) {
        return diag_set(x->d, ER_SECURE_TRANSPORT_REQUIRED);
    }
    x->is_sha2 = str_eq(s.plugin, STR(AUTH_SHA2_PLUGIN));
    memcpy(x->nonce, s.data.p, MIN(s.data.len, sizeof x->nonce));
    pkt_begin(&x->l->client->w);
    wire_encode_auth_switch(&x->l->client->w, &s);
    if (send_client(x) != 0 || read_client(x, &answer) != 0) {
        return -1;
    }
    x->asked = true;
    return tell_upstream(x, answer);
}

static int relay_more(struct exchange *x, struct str packet)
{
    struct str data, answer;
    if (wire_decode_auth_more(packet, &data) != 0) {
        return malformed(x);
    }
    const char byte = data.len == 1 ? data.p[0] : 0;
    if (tell_client_more(x, data) != 0) {
        return -1;
    }
    if (x->is_sha2 && byte == WIRE_SHA2_FAST_OK) {
        return 0;
    }
    if (read_client(x, &answer) != 0) {
        return -1;
    }
    if (x->is_sha2 && byte == WIRE_SHA2_FULL && x->l->client_secure != x->up->secure) {
        return answer_full(x, answer);
    }
    return tell_upstream(x, answer);
}

/* The upstream has let us in: with the client's proof, or because the account has no password,
 * which only a client that gave none may use. */
static int accept_login(struct exchange *x, struct str packet, struct wire_ok *ok)
{
    if (wire_decode_ok(packet, x->up->capabilities, ok) != 0) {
        return malformed(x);
    }
    if (!x->asked && !x->l->answered_empty) {
        return diag_set(x->d, ER_ACCESS_DENIED_ERROR, arena_dup_cstr(x->l->arena, x->l->user),
                        "pintail", "YES");
    }
    ok->info = arena_dup(x->l->arena, ok->info);
    ok->tracks = arena_dup(x->l->arena, ok->tracks);
    return upstream_logged_in(x->up, ok, x->d);
}

static int run_exchange(struct exchange *x, struct wire_ok *ok)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct str packet;
        if (read_upstream(x, &packet) != 0) {
            return -1;
        }
        int rc;
        switch (packet.len > 0 ? (uint8_t)packet.p[0] : WIRE_MARK_LOCAL_INFILE) {
        case WIRE_MARK_OK:
            return accept_login(x, packet, ok);
        case WIRE_MARK_ERR:
            return upstream_set_err(x->up, packet, x->d);
        case WIRE_MARK_EOF:
            rc = relay_switch(x, packet);
            break;
        case WIRE_MARK_AUTH_MORE:
            rc = relay_more(x, packet);
            break;
        default:
            rc = malformed(x);
        }
        if (rc != 0) {
            return -1;
        }
    }
    return malformed(x);
}

/* ---- Connections ---- */

static int ask_change_user(struct exchange *x)
{
    const struct relay_login *l = x->l;
    struct conn *c = &x->up->conn;
    const struct wire_change_user request = {
        .user = l->user,
        .database = l->database,
        .collation = l->collation,
        .auth_plugin = STR(ASK_PLUGIN),
        .attrs = l->attrs,
    };
    conn_begin_command(c);
    pkt_begin(&c->w);
    wire_encode_change_user(&c->w, x->up->capabilities, &request);
    return send_upstream(x);
}

static int ask_login(struct exchange *x)
{
    const struct relay_login *l = x->l;
    struct pkt_writer *w = &x->up->conn.w;
    const struct wire_login request = {
        .capabilities = x->up->capabilities,
        .max_packet = WIRE_MAX_ALLOWED_PACKET,
        .collation =
            (uint8_t)l->collation != 0 ? (uint8_t)l->collation : upstream_default_collation(x->up),
        .user = l->user,
        .database = l->database,
        .auth_plugin = STR(ASK_PLUGIN),
        .attrs = l->attrs,
        .zstd_level = 3,
    };
    pkt_begin(w);
    wire_encode_login(w, &request);
    return send_upstream(x);
}

/* MariaDB keeps an active role over COM_CHANGE_USER and COM_RESET_CONNECTION: which one a fresh
 * login has is remembered, so that a change shows. */
static int read_role(struct upstream_conn *c, struct arena *arena, struct diag *d, struct str *out)
{
    struct upstream_result r;
    if (upstream_query(c, STR("SELECT CURRENT_ROLE()"), arena, d, &r) != 0) {
        return -1;
    }
    *out = r.row_count == 1 && r.column_count == 1 ? r.rows[0][0] : STR_NULL;
    return 0;
}

static int remember_role(struct exchange *x)
{
    struct str role;
    if (x->up->kind != UPSTREAM_MARIADB) {
        return 0;
    }
    if (read_role(x->up, x->l->arena, x->d, &role) != 0) {
        if (x->up->broken || x->d->error->code != ER_MUST_CHANGE_PASSWORD) {
            return -1;
        }
        /* The client may log in, and has to set its password first. */
        diag_reset(x->d);
        x->up->role_unknown = true;
        return 0;
    }
    snprintf(x->up->role, sizeof x->up->role, "%.*s", STR_FMT(role));
    return 0;
}

/* Can a login on it be told from one on a new connection? It may be dead, or the server have an
 * init_connect by now. */
static bool is_as_new(struct upstream_conn *c)
{
    struct diag ignored;
    bool is_so = false;
    diag_init(&ignored);
    (void)!upstream_runs_nothing_at_login(c, &ignored, &is_so);
    diag_release(&ignored);
    return is_so;
}

/* Logs in on a connection that is logged in: idle, of the same account, or one opened ahead, whose
 * first login this counts as. */
static int log_in_again(struct exchange *x, bool is_first, struct wire_ok *ok)
{
    upstream_forget(x->up);
    if (ask_change_user(x) != 0 || run_exchange(x, ok) != 0 ||
        (is_first && remember_role(x) != 0)) {
        upstream_pool_drop(x->l->pool, x->up);
        return -1;
    }
    return 0;
}

static int log_in_fresh(struct exchange *x, const struct upstream_key *key, struct wire_ok *ok)
{
    const struct relay_login *l = x->l;
    struct diag *d = x->d;
    const struct upstream_start start = {
        .client = l->peer, .flags = key->flags, .collation = (uint8_t)l->collation};
    x->up = upstream_connect_for(upstream_pool_upstream(l->pool), fiber_loop(fiber_self()), &start,
                                 l->deadline_us, d);
    if (x->up == NULL) {
        upstream_pool_cancel(l->pool, true, d);
        return -1;
    }
    if (ask_login(x) != 0 || run_exchange(x, ok) != 0 || remember_role(x) != 0) {
        upstream_pool_cancel(l->pool, false, NULL);
        upstream_close(x->up);
        return -1;
    }
    upstream_pool_opened(l->pool, key, x->up);
    return 0;
}

/* A connection that was there already, of the kind that the pool has said. 1: it is of no use, and
 * the client was asked nothing yet. */
static int log_in_on(struct exchange *x, enum upstream_pool_result kind, struct wire_ok *ok)
{
    if (is_as_new(x->up)) {
        return log_in_again(x, kind == UPSTREAM_POOL_WARM, ok);
    }
    upstream_pool_drop(x->l->pool, x->up);
    return fiber_interrupted() == 0 ? 1 : diag_set(x->d, ER_QUERY_INTERRUPTED);
}

/* Did the server answer a connect with an error of its own, as it has enough connections? */
static bool is_turned_away(const struct exchange *x)
{
    return x->up == NULL && x->d->error != NULL && x->d->error->code < CR_CONNECTION_ERROR &&
           fiber_interrupted() == 0;
}

int relay_login(const struct relay_login *l, struct diag *d, struct upstream_conn **out,
                struct wire_ok *out_ok)
{
    struct exchange x = {.l = l, .d = d};
    struct upstream_key key = {.user = l->user,
                               .host = l->peer != NULL ? str_from_cstr(l->peer->host) : STR_NULL,
                               .flags =
                                   (l->client_capabilities & UPSTREAM_KEY_FLAGS) | l->key_flags,
                               .can_log_in = true,
                               .takes_warm = true,
                               .spreads = l->spreads};
    int rc = 1;
    while (rc > 0) {
        const enum upstream_pool_result kind =
            upstream_pool_take(l->pool, &key, l->deadline_us, d, &x.up);
        switch (kind) {
        case UPSTREAM_POOL_CONN:
        case UPSTREAM_POOL_WARM:
            rc = log_in_on(&x, kind, out_ok);
            break;
        case UPSTREAM_POOL_PERMIT:
            rc = log_in_fresh(&x, &key, out_ok);
            if (rc != 0 && key.spreads && is_turned_away(&x)) {
                /* It takes no more: one of those that are open will do. */
                key.spreads = false;
                diag_reset(d);
                rc = 1;
            }
            break;
        case UPSTREAM_POOL_FAIL:
            rc = -1;
            break;
        }
    }
    *out = rc == 0 ? x.up : NULL;
    return rc;
}

int relay_change_user(const struct relay_login *l, struct upstream_conn *up, struct diag *d,
                      struct wire_ok *out_ok)
{
    struct exchange x = {.l = l, .d = d, .up = up};
    upstream_forget(up);
    if (up->kind == UPSTREAM_MARIADB && upstream_exec(up, STR("SET ROLE NONE"), d) != 0) {
        return -1; /* the role would be the next account's */
    }
    return ask_change_user(&x) != 0 ? -1 : run_exchange(&x, out_ok);
}

/* ---- Giving back ---- */

static bool has_own_role(struct upstream_conn *c, struct diag *d)
{
    struct arena arena;
    struct str role;
    if (c->kind != UPSTREAM_MARIADB) {
        return true;
    }
    if (c->role_unknown) {
        return false;
    }
    arena_init(&arena, 0);
    const bool same = read_role(c, &arena, d, &role) == 0 && str_eq(role, str_from_cstr(c->role));
    arena_release(&arena);
    return same;
}

void relay_give_back(struct upstream_pool *pool, struct upstream_conn *c)
{
    struct diag d;
    if (c == NULL) {
        return;
    }
    diag_init(&d);
    fiber_mask_interrupts();
    upstream_forget(c);
    if (c->broken || upstream_reset(c, &d) != 0 || !has_own_role(c, &d)) {
        upstream_pool_drop(pool, c);
    } else {
        upstream_pool_put(pool, c);
    }
    fiber_unmask_interrupts();
    diag_release(&d);
}
