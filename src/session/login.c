/*
 * Login: greeting, TLS, authentication by caching_sha2_password or mysql_native_password, and
 * COM_CHANGE_USER, which repeats the latter two thirds.
 *
 * Whether an account exists is not given away: an unknown one goes through the same exchange and
 * fails at its end. A wrong password costs the client a delay that grows with its host's failures.
 *
 * Sources: MySQL source documentation, "Connection Phase", "Authentication Methods".
 */
#include "base/clock.h"
#include "catalog/login_blocks.h"
#include "os/offload.h"
#include "session/passthrough.h"
#include "types/collation.h"
#include "wire/handshake.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_US UINT64_C(1000000)

/* First delay after a wrong password, and the longest. */
#define FAILURE_DELAY_US     UINT64_C(100000)
#define FAILURE_DELAY_MAX_US UINT64_C(2000000)
#define FAILURE_HOSTS_MAX    10000
#define SHA2_CACHE_MAX       100000

/* A verified password's digest, for fast authentication. Key: the account's stored string, so that
 * a new password has none. */
struct sha2_entry {
    uint8_t digest[AUTH_SHA2_LEN];
    size_t key_len;
    char key[];
};

struct login_failures {
    uint32_t count;
    size_t host_len;
    char host[];
};

/* One run of the exchange. */
struct login {
    struct session *s;
    struct str user; /* copies in the session's arena */
    struct str database;
    struct str reply;        /* the client's answer to the nonce */
    struct str plugin;       /* the plugin that answer was made by */
    struct account *account; /* NULL: none matched; the exchange goes on all the same */
    bool used_password;
};

/* ---- Capabilities ---- */

static uint64_t offered_capabilities(const struct session *s)
{
    uint64_t c = CLIENT_LONG_PASSWORD | CLIENT_FOUND_ROWS | CLIENT_LONG_FLAG |
                 CLIENT_CONNECT_WITH_DB | CLIENT_NO_SCHEMA | CLIENT_COMPRESS | CLIENT_ODBC |
                 CLIENT_LOCAL_FILES | CLIENT_IGNORE_SPACE | CLIENT_PROTOCOL_41 |
                 CLIENT_INTERACTIVE | CLIENT_IGNORE_SIGPIPE | CLIENT_TRANSACTIONS |
                 CLIENT_RESERVED | CLIENT_SECURE_CONNECTION | CLIENT_MULTI_STATEMENTS |
                 CLIENT_MULTI_RESULTS | CLIENT_PS_MULTI_RESULTS | CLIENT_PLUGIN_AUTH |
                 CLIENT_CONNECT_ATTRS | CLIENT_PLUGIN_AUTH_LENENC | CLIENT_EXPIRED_PASSWORDS |
                 CLIENT_SESSION_TRACK | CLIENT_DEPRECATE_EOF;
    if (s->all->server->dialect == DIALECT_MYSQL) {
        c |= CLIENT_ZSTD_COMPRESSION | CLIENT_QUERY_ATTRIBUTES;
    }
    struct tls_context *tls = s->all->tls == NULL ? NULL : tls_slot_find(s->all->tls);
    if (tls != NULL) {
        c |= CLIENT_SSL;
        tls_context_unref(tls);
    }
    return c;
}

static const char *default_plugin(const struct session *s)
{
    return s->all->server->dialect == DIALECT_MYSQL ? AUTH_SHA2_PLUGIN : AUTH_NATIVE_PLUGIN;
}

/* ---- Packets ---- */

static int send_packet(struct session *s)
{
    if (pkt_end(&s->conn.w) != 0) {
        return -1;
    }
    return conn_flush(&s->conn, session_connect_deadline(s), s->x.diag) == NET_OK ? 0 : -1;
}

static int read_packet(struct session *s, struct str *out)
{
    return conn_read_packet(&s->conn, session_connect_deadline(s), out, s->x.diag) == NET_OK ? 0
                                                                                             : -1;
}

static int fail(struct session *s)
{
    fiber_mask_interrupts();
    reply_error(s);
    conn_shutdown(&s->conn, clock_monotonic_us() + SECOND_US);
    fiber_unmask_interrupts();
    return -1;
}

/* Says who we are; out_offered: the capabilities announced. */
static int greet(struct session *s, uint64_t *out_offered)
{
    if (auth_nonce(s->nonce) != 0) {
        return -1;
    }
    struct wire_handshake h = {
        .server_version = s->all->server->version,
        .connection_id = (uint32_t)s->x.id,
        .capabilities = offered_capabilities(s),
        .collation = (uint8_t)s->x.vars.collation_server,
        .status = SERVER_STATUS_AUTOCOMMIT,
        .auth_plugin = str_from_cstr(default_plugin(s)),
    };
    memcpy(h.nonce, s->nonce, sizeof h.nonce);
    if (s->all->server->upstream != NULL && passthrough_greeting(s, &h) != 0) {
        return -1;
    }
    *out_offered = h.capabilities;
    conn_begin_command(&s->conn);
    pkt_begin(&s->conn.w);
    wire_encode_handshake(&s->conn.w, &h);
    return send_packet(s);
}

/* ---- Failed logins ---- */

static uint32_t count_failure(struct session *s)
{
    struct sessions *all = s->all;
    const struct str host = str_from_cstr(s->peer.host);
    os_mutex_lock(&all->lock);
    struct login_failures *f = htab_find(&all->failures, host);
    if (f == NULL && all->failures.count < FAILURE_HOSTS_MAX) {
        f = calloc(1, sizeof *f + host.len + 1);
        if (f != NULL) {
            memcpy(f->host, host.p, host.len);
            f->host_len = host.len;
            htab_put(&all->failures, str_from(f->host, f->host_len), f);
        }
    }
    const uint32_t n = f == NULL ? 1 : ++f->count;
    os_mutex_unlock(&all->lock);
    return n;
}

static void forget_failures(struct session *s)
{
    struct sessions *all = s->all;
    os_mutex_lock(&all->lock);
    free(htab_remove(&all->failures, str_from_cstr(s->peer.host)));
    os_mutex_unlock(&all->lock);
}

static int access_denied(struct login *l)
{
    struct session *s = l->s;
    const uint32_t failures = count_failure(s);
    log_info(&s->log, "access denied for user '%.*s'", STR_FMT(l->user));
    const uint64_t delay = MIN(FAILURE_DELAY_US << MIN(failures - 1, 5u), FAILURE_DELAY_MAX_US);
    fiber_sleep(delay);
    diag_reset(s->x.diag);
    diag_set(s->x.diag, ER_ACCESS_DENIED_ERROR, arena_dup_cstr(&s->x.stmt_arena, l->user),
             s->peer.host, l->used_password ? "YES" : "NO");
    return -1;
}

/* ---- Limits of accounts ---- */

/* Too many wrong passwords: nobody logs in, whoever knows the right one included. Returns 0 when
 * the account is not blocked. */
static int check_blocked(struct login *l)
{
    struct session *s = l->s;
    const struct account *a = l->account;
    struct login_blocks *blocks = accounts_login_blocks(s->all->server->accounts);
    int32_t left;
    if (!login_blocks_check(blocks, a, clock_wall_us(), &left)) {
        return 0;
    }
    struct arena *arena = &s->x.stmt_arena;
    const char *days = a->lock_days < 0 ? "unlimited" : arena_printf(arena, "%d", a->lock_days).p;
    const char *remaining = left < 0 ? "unlimited" : arena_printf(arena, "%d", left).p;
    diag_reset(s->x.diag);
    return diag_set(s->x.diag, ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK,
                    arena_dup_cstr(arena, l->user), s->peer.host, days, remaining,
                    a->failed_logins);
}

static int wrong_password(struct login *l)
{
    struct accounts *accounts = l->s->all->server->accounts;
    (void)access_denied(l); /* its delay, too */
    if (l->account != NULL &&
        login_blocks_count(accounts_login_blocks(accounts), l->account, clock_wall_us())) {
        (void)check_blocked(l);
    }
    return -1;
}

/* Counts the session among those of its account, unless there are too many of them. */
static int check_account_limit(struct login *l)
{
    struct session *s = l->s;
    const struct account *a = l->account;
    struct server *server = s->all->server;
    const uint64_t common = server_uint(server, &server->vars.max_user_connections);
    const uint64_t limit = a->max_connections > 0 ? a->max_connections : common;
    uint64_t n = 0;
    os_mutex_lock(&s->all->lock);
    rlist_foreach (it, &s->all->list) {
        const struct session *other = RLIST_ENTRY(it, struct session, link);
        n += other != s && other->account_id == a->id ? 1 : 0;
    }
    const bool fits = limit == 0 || n < limit;
    if (fits) {
        s->account_id = a->id;
    }
    os_mutex_unlock(&s->all->lock);
    if (fits) {
        return 0;
    }
    const char *user = arena_dup_cstr(&s->x.stmt_arena, l->user);
    return a->max_connections > 0
               ? diag_set(s->x.diag, ER_USER_LIMIT_REACHED, user, "max_user_connections", limit)
               : diag_set(s->x.diag, ER_TOO_MANY_USER_CONNECTIONS, user);
}

/* ---- caching_sha2_password ---- */

static bool cached_digest(struct sessions *all, struct str stored, uint8_t out[AUTH_SHA2_LEN])
{
    os_mutex_lock(&all->lock);
    const struct sha2_entry *e = htab_find(&all->sha2_cache, stored);
    if (e != NULL) {
        memcpy(out, e->digest, AUTH_SHA2_LEN);
    }
    os_mutex_unlock(&all->lock);
    return e != NULL;
}

static void cache_digest(struct sessions *all, struct str stored, struct str password)
{
    struct sha2_entry *e = calloc(1, sizeof *e + stored.len);
    if (e == NULL || auth_sha2_digest(password, e->digest) != 0) {
        free(e);
        return;
    }
    memcpy(e->key, stored.p, stored.len);
    e->key_len = stored.len;
    os_mutex_lock(&all->lock);
    if (all->sha2_cache.count >= SHA2_CACHE_MAX || htab_find(&all->sha2_cache, stored) != NULL) {
        free(e);
    } else {
        htab_put(&all->sha2_cache, str_from(e->key, e->key_len), e);
    }
    os_mutex_unlock(&all->lock);
}

static int send_sha2_byte(struct session *s, uint8_t byte)
{
    const char c = (char)byte;
    pkt_begin(&s->conn.w);
    wire_encode_auth_more(&s->conn.w, str_from(&c, 1));
    return send_packet(s);
}

struct password_job {
    struct session *s;
    struct str stored;
    struct str reply; /* RSA: the encrypted password */
    struct bytebuf *password;
    bool encrypted;
    bool right;
};

/* Thousands of hash rounds: off the event loop. */
static void check_password(void *arg)
{
    struct password_job *job = arg;
    if (job->encrypted &&
        auth_rsa_decrypt(job->s->all->rsa, job->s->nonce, job->reply, job->password) != 0) {
        return;
    }
    job->right = auth_sha2_check_password(job->stored, bytebuf_str(job->password));
}

static bool is_secret_channel(const struct session *s)
{
    return s->tls || s->peer.is_unix;
}

/* Reads the password: in clear text on a channel nobody can read, else encrypted with our RSA key.
 */
static int read_password(struct session *s, struct password_job *job)
{
    struct str packet;
    if (read_packet(s, &packet) != 0) {
        return -1;
    }
    if (is_secret_channel(s)) {
        bytebuf_put(job->password, packet.p, packet.len > 0 ? packet.len - 1 : 0);
        return 0;
    }
    if (packet.len == 1 && packet.p[0] == WIRE_SHA2_REQUEST_PUBLIC_KEY) {
        if (s->all->rsa == NULL) {
            return -1;
        }
        pkt_begin(&s->conn.w);
        wire_encode_auth_more(&s->conn.w, auth_rsa_public_pem(s->all->rsa));
        if (send_packet(s) != 0 || read_packet(s, &packet) != 0) {
            return -1;
        }
    }
    job->encrypted = true;
    job->reply = arena_dup(&s->x.stmt_arena, packet);
    return s->all->rsa == NULL ? -1 : 0;
}

static int sha2_full(struct login *l, struct str stored)
{
    struct session *s = l->s;
    struct bytebuf password;
    bytebuf_init(&password, 1024);
    struct password_job job = {.s = s, .stored = stored, .password = &password};
    int rc = send_sha2_byte(s, WIRE_SHA2_FULL);
    if (rc == 0) {
        rc = read_password(s, &job);
    }
    if (rc == 0) {
        offload_run_always(OFFLOAD_FILE, check_password, &job);
        if (job.right && l->account != NULL) {
            cache_digest(s->all, stored, bytebuf_str(&password));
        }
    }
    if (password.p != NULL) {
        mem_wipe(password.p, password.cap);
    }
    bytebuf_release(&password);
    return rc == 0 && job.right && l->account != NULL ? 0 : -1;
}

/* A stored form that no password has, for accounts that do not exist. */
static const struct str nobody = STR_INIT(
    "$A$005$\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15"
    "...........................................");

static int check_sha2(struct login *l)
{
    struct session *s = l->s;
    const struct str stored = l->account == NULL ? nobody : l->account->auth_string;
    if (stored.len == 0) {
        return l->reply.len == 0 ? 0 : -1;
    }
    if (l->reply.len == 0) {
        return -1;
    }
    uint8_t digest[AUTH_SHA2_LEN];
    if (l->account != NULL && cached_digest(s->all, stored, digest)) {
        const bool right = auth_sha2_check_fast(digest, s->nonce, l->reply);
        mem_wipe(digest, sizeof digest);
        if (right) {
            return send_sha2_byte(s, WIRE_SHA2_FAST_OK);
        }
    }
    return sha2_full(l, stored);
}

static int check_native(struct login *l)
{
    const struct str stored = l->account->auth_string;
    if (stored.len == 0) {
        return l->reply.len == 0 ? 0 : -1;
    }
    uint8_t hash[AUTH_NATIVE_LEN];
    if (auth_native_from_text(stored, hash) != 0) {
        return -1;
    }
    return auth_native_check(hash, l->s->nonce, l->reply) ? 0 : -1;
}

/* ---- The exchange ---- */

/* Some clients end an empty answer with a NUL. */
static struct str without_nul(struct str reply)
{
    return reply.len == 1 && reply.p[0] == '\0' ? str_from(reply.p, 0) : reply;
}

/* Asks the client to answer by another plugin, with a new nonce. */
static int switch_plugin(struct login *l, const char *plugin)
{
    struct session *s = l->s;
    if ((s->x.capabilities & CLIENT_PLUGIN_AUTH) == 0 || auth_nonce(s->nonce) != 0) {
        return -1;
    }
    const struct wire_auth_switch request = {
        .plugin = str_from_cstr(plugin), .data = str_from((const char *)s->nonce, sizeof s->nonce)};
    pkt_begin(&s->conn.w);
    wire_encode_auth_switch(&s->conn.w, &request);
    struct str packet;
    if (send_packet(s) != 0 || read_packet(s, &packet) != 0) {
        return -1;
    }
    l->reply = without_nul(arena_dup(&s->x.stmt_arena, packet));
    l->plugin = str_from_cstr(plugin);
    l->used_password = l->used_password || l->reply.len > 0;
    return 0;
}

static int authenticate(struct login *l)
{
    struct session *s = l->s;
    l->account = accounts_match(s->all->server->accounts, l->user, str_from_cstr(s->peer.host),
                                s->peer.is_local);
    l->reply = without_nul(l->reply);
    l->used_password = l->reply.len > 0;
    const bool native = l->account == NULL ? s->all->server->dialect == DIALECT_MARIADB
                                           : str_eq(l->account->plugin, STR(AUTH_NATIVE_PLUGIN));
    const char *wanted = native ? AUTH_NATIVE_PLUGIN : AUTH_SHA2_PLUGIN;
    /* A client that lacks the greeting's plugin names its own and leaves the reply empty. */
    const bool answered = str_eq(l->plugin, str_from_cstr(wanted)) &&
                          (l->reply.len > 0 || strcmp(default_plugin(s), wanted) == 0);
    if (!answered && switch_plugin(l, wanted) != 0) {
        return access_denied(l);
    }
    const int rc = !native ? check_sha2(l) : l->account == NULL ? -1 : check_native(l);
    if (rc != 0 || l->account == NULL) {
        return wrong_password(l);
    }
    return 0;
}

/* What an account demands besides the password. */
static int check_account(struct login *l)
{
    struct session *s = l->s;
    struct server *server = s->all->server;
    const struct account *a = l->account;
    if (a->loopback_only && !s->peer.is_local) {
        return access_denied(l);
    }
    if (a->locked) {
        return diag_set(s->x.diag, ER_ACCOUNT_HAS_BEEN_LOCKED,
                        arena_dup_cstr(&s->x.stmt_arena, l->user), s->peer.host);
    }
    if (server_bool(server, &server->vars.require_secure_transport) && !is_secret_channel(s)) {
        return diag_set(s->x.diag, ER_SECURE_TRANSPORT_REQUIRED);
    }
    if (a->require_ssl && !s->tls) {
        return access_denied(l);
    }
    if (check_blocked(l) != 0) {
        return -1;
    }
    login_blocks_forget(accounts_login_blocks(s->all->server->accounts), a->id);
    /* MariaDB lets any client in to change it (disconnect_on_expired_password). */
    if (a->password_expired && s->all->server->dialect == DIALECT_MYSQL &&
        (s->x.capabilities & CLIENT_EXPIRED_PASSWORDS) == 0) {
        return diag_set(s->x.diag, ER_MUST_CHANGE_PASSWORD_LOGIN);
    }
    /* One connection more than max_connections is kept for who may make room. */
    if (sessions_count(s->all) > server_uint(server, &server->vars.max_connections) &&
        (a->global_privs & PRIV_SUPER) == 0) {
        return diag_set(s->x.diag, ER_CON_COUNT_ERROR);
    }
    return check_account_limit(l);
}

static void become(struct login *l)
{
    struct session *s = l->s;
    account_unref(s->x.account);
    s->x.account = l->account;
    l->account = NULL;
    s->x.must_change_password = false; /* not before the database is set */
    exec_activate_default_roles(&s->x);
    s->x.login_user = arena_dup(&s->x.arena, l->user);
    s->x.current_user = arena_printf(&s->x.arena, "%.*s@%.*s", STR_FMT(s->x.account->user),
                                     STR_FMT(s->x.account->host));
    struct net_info net;
    conn_describe(&s->conn, &net);
    s->x.tls_version = str_from_cstr(net.tls_version);
    s->x.tls_cipher = str_from_cstr(net.tls_cipher);
    os_mutex_lock(&s->all->lock);
    snprintf(s->user_text, sizeof s->user_text, "%.*s", STR_FMT(l->user));
    os_mutex_unlock(&s->all->lock);
    s->log.user = s->user_text;
    forget_failures(s);
}

/* The character set a client announces by a collation's number. */
static void set_client_collation(struct session *s, uint16_t id)
{
    const struct collation *c = collation_find(id);
    if (c == NULL || !collation_is_supported(c) || c->charset->min_len > 1) {
        c = collation_find(s->x.vars.collation_server);
    }
    s->x.vars.character_set_client = c->charset;
    s->x.vars.character_set_results = c->charset;
    s->x.results_collation = c->id;
    s->x.vars.character_set_connection = c->charset;
    s->x.vars.collation_connection = c->id;
}

static int finish(struct login *l)
{
    struct session *s = l->s;
    if (authenticate(l) != 0 || check_account(l) != 0) {
        account_unref(l->account);
        return -1;
    }
    become(l);
    if (l->database.len > 0 && exec_use(&s->x, l->database) != 0) {
        return -1;
    }
    s->x.result.db_changed = l->database.len > 0;
    s->x.must_change_password = s->x.account->password_expired;
    return 0;
}

/* ---- First login ---- */

static int start_tls(struct session *s)
{
    struct tls_context *tls = s->all->tls == NULL ? NULL : tls_slot_find(s->all->tls);
    if (tls == NULL) {
        return diag_set(s->x.diag, ER_HANDSHAKE_ERROR);
    }
    const enum net_result r =
        conn_start_tls_server(&s->conn, tls, session_connect_deadline(s), s->x.diag);
    tls_context_unref(tls);
    s->tls = r == NET_OK;
    return s->tls ? 0 : -1;
}

static int read_login(struct session *s, uint64_t offered, struct wire_login *out)
{
    struct str packet;
    if (read_packet(s, &packet) != 0) {
        return -1;
    }
    switch (wire_decode_login(packet, offered, out)) {
    case WIRE_LOGIN_OK:
        return 0;
    case WIRE_LOGIN_SSL:
        if (s->tls || start_tls(s) != 0) {
            return -1;
        }
        return read_login(s, offered, out);
    case WIRE_LOGIN_OLD:
        return diag_set(s->x.diag, ER_NOT_SUPPORTED_AUTH_MODE);
    case WIRE_LOGIN_MALFORMED:
        break;
    }
    return diag_set(s->x.diag, ER_HANDSHAKE_ERROR);
}

static int check_connection_limit(struct session *s)
{
    struct server *server = s->all->server;
    const uint32_t kept = server->upstream != NULL ? 0 : 1; /* see check_account() */
    if (sessions_count(s->all) > server_uint(server, &server->vars.max_connections) + kept) {
        return diag_set(s->x.diag, ER_CON_COUNT_ERROR);
    }
    return atomic_load(&server->shutting_down) ? diag_set(s->x.diag, ER_SERVER_SHUTDOWN) : 0;
}

static int start_compression(struct session *s, int zstd_level)
{
    const uint64_t c = s->x.capabilities;
    if ((c & CLIENT_COMPRESS) != 0) {
        return conn_start_compression(&s->conn, COMPRESSION_ZLIB, 0, s->x.diag);
    }
    if ((c & CLIENT_ZSTD_COMPRESSION) != 0) {
        return conn_start_compression(&s->conn, COMPRESSION_ZSTD, zstd_level, s->x.diag);
    }
    return 0;
}

/* Checks the login against our own accounts, and says OK. */
static int log_in(struct session *s, const struct wire_login *packet)
{
    struct login l = {
        .s = s,
        .user = arena_dup(&s->x.stmt_arena, packet->user),
        .database = arena_dup(&s->x.stmt_arena, packet->database),
        .reply = arena_dup(&s->x.stmt_arena, packet->auth_data),
        .plugin = packet->auth_plugin.len > 0 ? arena_dup(&s->x.stmt_arena, packet->auth_plugin)
                                              : str_from_cstr(AUTH_NATIVE_PLUGIN),
    };
    if (finish(&l) != 0) {
        return -1;
    }
    reply_ok(s, 0);
    return 0;
}

int session_login(struct session *s)
{
    uint64_t offered;
    struct wire_login packet;
    if (check_connection_limit(s) != 0) {
        return fail(s);
    }
    if (greet(s, &offered) != 0) {
        return s->x.diag->error != NULL ? fail(s) : -1;
    }
    if (read_login(s, offered, &packet) != 0) {
        return s->x.diag->error != NULL ? fail(s) : -1;
    }
    s->x.capabilities = packet.capabilities & (offered | CLIENT_SSL);
    s->multi_statements = (packet.capabilities & CLIENT_MULTI_STATEMENTS) != 0;
    if ((packet.capabilities & CLIENT_IGNORE_SPACE) != 0) {
        s->x.vars.sql_mode |= SQL_MODE_IGNORE_SPACE;
    }
    set_client_collation(s, packet.collation);
    const int zstd_level = packet.zstd_level;
    if ((s->all->server->upstream != NULL ? passthrough_login(s, &packet) : log_in(s, &packet)) !=
        0) {
        return s->x.diag->error != NULL ? fail(s) : -1;
    }
    if (conn_flush(&s->conn, session_connect_deadline(s), s->x.diag) != NET_OK) {
        return -1;
    }
    arena_reset(&s->x.stmt_arena);
    return start_compression(s, zstd_level);
}

/* ---- COM_CHANGE_USER ---- */

int session_change_user(struct session *s, struct str payload)
{
    struct wire_change_user c;
    if (wire_decode_change_user(payload, s->x.capabilities, &c) != 0) {
        return diag_set(s->x.diag, ER_MALFORMED_PACKET);
    }
    struct login l = {
        .s = s,
        .user = arena_dup(&s->x.stmt_arena, c.user),
        .database = arena_dup(&s->x.stmt_arena, c.database),
        .reply = arena_dup(&s->x.stmt_arena, c.auth_data),
        .plugin = c.auth_plugin.len > 0 ? arena_dup(&s->x.stmt_arena, c.auth_plugin)
                                        : str_from_cstr(AUTH_NATIVE_PLUGIN),
    };
    const uint16_t collation = c.collation;
    session_free_prepared(s);
    exec_session_reset(&s->x);
    s->x.db = STR_NULL;
    if (collation != 0) {
        set_client_collation(s, collation);
    }
    return finish(&l);
}

void login_release_caches(struct sessions *all)
{
    size_t pos = 0;
    void *p;
    while ((p = htab_next(&all->sha2_cache, &pos)) != NULL) {
        free(p);
    }
    htab_release(&all->sha2_cache);
    pos = 0;
    while ((p = htab_next(&all->failures, &pos)) != NULL) {
        free(p);
    }
    htab_release(&all->failures);
}
