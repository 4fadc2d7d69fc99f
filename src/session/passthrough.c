#include "session/passthrough.h"

#include "relay/login.h"
#include "relay/relay.h"
#include "stats/stats.h"

#include "base/clock.h"
#include "session/multiplex.h"
#include "session/route.h"
#include "session/statements.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_US UINT64_C(1000000)

enum {
    TEXT_KEEP_LEN = 4096, /* Longest statement text that an idle session keeps. */
};

/* A prepared statement that is not carried along. */
struct prepared_text {
    uint8_t key[4];
    unsigned effects;        /* of executing it: enum sql_effect */
    struct stats_text stats; /* empty when it is long */
    char text[];
};

/* What every command works on stands first, and is kept hot up to the relay: keep_hot(). */
struct passthrough {
    struct upstream_conn *up;
    struct upstream_pool *pool;
    bool has_joined;                /* the session relies on what is open under its key */
    bool unfit;                     /* the connection cannot be given back: COM_SET_OPTION, … */
    bool refused;                   /* the command that comes next gets x.diag's error */
    bool own;                       /* it is ours after all */
    bool changes_schema;            /* the statement sent last: the mirror is told */
    struct bytebuf text;            /* of the statement sent last, unless it is executed's */
    struct prepared_text *executed; /* its text is the one sent last; NULL = none */
    uint64_t text_token;            /* the command that the text belongs to */
    uint64_t next_token;
    unsigned prepared_effects; /* of the text prepared last */
    struct htab prepared;      /* 4 bytes of the id -> struct prepared_text */
    struct stmts
        stmts; /* prepared statements that are carried along; only when connections are shared */
    struct relay relay;
    struct mux mux;
    struct router router;
    struct str user; /* of the account: session.user_text */
    uint64_t key_flags;
};

/* ---- Greeting ---- */

uint64_t passthrough_capabilities(uint64_t upstream)
{
    /* TLS and compression are each side's own; a second factor and COM_MULTI are not relayed. */
    const uint64_t ours = CLIENT_SSL | CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION |
                          CLIENT_MULTI_FACTOR | CLIENT_CAPABILITY_EXTENSION |
                          CLIENT_SSL_VERIFY_SERVER_CERT | CLIENT_REMEMBER_OPTIONS |
                          MARIADB_CLIENT_COM_MULTI;
    return (upstream & ~ours) | CLIENT_PLUGIN_AUTH | CLIENT_PLUGIN_AUTH_LENENC | CLIENT_COMPRESS |
           (upstream & CLIENT_ZSTD_COMPRESSION);
}

/* Asks a server that has not been reached so far who it is. */
static int meet(struct session *s, struct upstream *u, struct upstream_greeting *g)
{
    struct upstream_conn *c = upstream_connect(u, fiber_loop(fiber_self()), &s->peer, 0,
                                               session_connect_deadline(s), s->x.diag);
    if (c == NULL) {
        return -1;
    }
    upstream_close(c);
    return upstream_last_greeting(u, g) ? 0 : -1;
}

int passthrough_greeting(struct session *s, struct wire_handshake *h)
{
    struct upstream *u = upstream_pool_upstream(s->all->server->upstream);
    struct upstream_greeting g;
    if (!upstream_last_greeting(u, &g) && meet(s, u, &g) != 0) {
        return -1;
    }
    h->server_version = arena_dup(&s->x.arena, str_from_cstr(g.version));
    h->auth_plugin = arena_dup(&s->x.arena, str_from_cstr(g.auth_plugin));
    h->collation = g.collation;
    h->capabilities = passthrough_capabilities(g.capabilities) | (h->capabilities & CLIENT_SSL);
    return 0;
}

/* ---- What the relay asks ---- */

struct str passthrough_skip_blanks(struct str t)
{
    for (;;) {
        t = str_trim(t);
        const char *end = NULL;
        size_t close = 0;
        if (t.len >= 3 && t.p[0] == '/' && t.p[1] == '*' && t.p[2] != '!' && t.p[2] != 'M') {
            end = memmem(t.p + 2, t.len - 2, "*/", 2);
            close = 2;
        } else if (t.len > 0 && (t.p[0] == '#' || str_starts_with(t, STR("-- ")))) {
            end = memchr(t.p, '\n', t.len);
            close = 1;
        }
        if (end == NULL) {
            return t;
        }
        const size_t used = (size_t)(end - t.p) + close;
        t = str_from(t.p + used, t.len - used);
    }
}

bool passthrough_begins_with(struct str t, struct str first, struct str second)
{
    if (!str_starts_with_nocase(t, first)) {
        return false;
    }
    struct str rest = str_from(t.p + first.len, t.len - first.len);
    if (rest.len == 0 || (uint8_t)rest.p[0] > ' ') {
        return false;
    }
    rest = passthrough_skip_blanks(rest);
    return second.len == 0 || str_starts_with_nocase(rest, second);
}

/* KILL [word …] number: *out_head is what stands before the number. */
static bool parse_kill(struct str text, struct str *out_head, uint64_t *out_id)
{
    struct str t = passthrough_skip_blanks(text);
    if (!passthrough_begins_with(t, STR("KILL"), STR(""))) {
        return false;
    }
    size_t at = 0;
    while (at < t.len && !(t.p[at] >= '0' && t.p[at] <= '9')) {
        at++;
    }
    *out_head = str_from(t.p, at);
    *out_id = 0;
    while (at < t.len && t.p[at] >= '0' && t.p[at] <= '9' && *out_id < UINT32_MAX) {
        *out_id = *out_id * 10 + (uint64_t)(t.p[at++] - '0');
    }
    const struct str rest = str_trim(str_from(t.p + at, t.len - at));
    return rest.len == 0 || str_eq(rest, STR(";"));
}

/* The upstream's number for a session of ours; 0 when it is not one, or has no connection. kills:
 * how many more KILLs are on their way to it from now on. */
static uint64_t upstream_id_of(struct session *s, uint64_t id, int kills)
{
    uint64_t found = 0;
    os_mutex_lock(&s->all->lock);
    rlist_foreach (it, &s->all->list) {
        struct session *other = RLIST_ENTRY(it, struct session, link);
        if (other->x.id == id) {
            found = other->upstream_id;
            other->kills += kills;
        }
    }
    os_mutex_unlock(&s->all->lock);
    return found;
}

/* Is this a statement that Pintail has to do with itself? */
static bool is_own_statement(struct session *s, struct str text)
{
    struct str head;
    uint64_t id;
    if (passthrough_begins_with(passthrough_skip_blanks(text), STR("SHOW"), STR("PINTAIL"))) {
        return true;
    }
    return parse_kill(text, &head, &id) && id >= PASSTHROUGH_FIRST_ID && registry_has(s->all, id);
}

static struct str query_text(const struct session *s, const struct relay_command *c)
{
    struct wire_query q;
    if ((s->x.capabilities & CLIENT_QUERY_ATTRIBUTES) == 0) {
        return str_from(c->payload.p + 1, c->payload.len - 1);
    }
    /* With attributes the text comes behind them: decoded when the payload is whole. */
    struct session *own = (struct session *)s;
    if (!c->is_whole ||
        wire_decode_query(c->payload, s->x.capabilities, &own->x.stmt_arena, &q) != 0) {
        return STR_NULL;
    }
    return q.sql;
}

/* Keeps the text of a command for the statistics. */
static void remember_text(struct passthrough *p, struct relay_command *c, struct str text)
{
    c->token = ++p->next_token;
    p->executed = NULL;
    bytebuf_reset(&p->text);
    if (text.len > 0) {
        bytebuf_put_str(&p->text, text);
    }
    p->text_token = p->text.failed ? 0 : c->token;
}

/* The same of a command about a prepared statement; the text is not copied. */
static void remember_prepared(struct passthrough *p, struct relay_command *c)
{
    c->token = ++p->next_token;
    p->text_token = c->token;
    p->executed =
        c->payload.len < 5 ? NULL : htab_find(&p->prepared, str_from(c->payload.p + 1, 4));
    if (p->executed == NULL) {
        bytebuf_reset(&p->text);
    }
}

/* The text of the statement sent last. */
static struct str last_text(const struct passthrough *p)
{
    return p->executed != NULL ? p->executed->stats.text : bytebuf_str(&p->text);
}

static void forget_prepared(struct passthrough *p, struct str key)
{
    struct prepared_text *t = htab_remove(&p->prepared, key);
    if (t != NULL && t == p->executed) {
        /* Closed before its reply has come. */
        p->executed = NULL;
        bytebuf_reset(&p->text);
        bytebuf_put_str(&p->text, t->stats.text);
    }
    free(t);
}

/* ---- Taking a connection for a command ---- */

static void set_upstream(struct session *s, struct upstream_conn *up)
{
    struct passthrough *p = s->pass;
    p->up = up;
    relay_set_upstream(&p->relay, up);
    os_mutex_lock(&s->all->lock);
    s->upstream_id = up == NULL ? 0 : up->id;
    os_mutex_unlock(&s->all->lock);
}

static bool knows_password_of(const struct session *s, struct str user)
{
    const struct server *server = s->all->server;
    return server->upstream_user.len > 0 && str_eq(user, server->upstream_user);
}

static bool knows_password(const struct session *s)
{
    return knows_password_of(s, s->pass->user);
}

static struct upstream_key key_of(const struct session *s)
{
    return (struct upstream_key){.user = s->pass->user,
                                 .host = str_from_cstr(s->peer.host),
                                 .flags = s->pass->key_flags,
                                 .can_log_in = knows_password(s)};
}

/* Opens a connection of an account whose password we know. */
static struct upstream_conn *open_upstream(struct session *s, const struct upstream_key *key)
{
    struct passthrough *p = s->pass;
    const uint64_t deadline = session_connect_deadline(s);
    struct upstream_conn *c =
        upstream_connect(upstream_pool_upstream(p->pool), fiber_loop(fiber_self()), &s->peer,
                         key->flags, deadline, s->x.diag);
    if (c == NULL || upstream_login_own(c, deadline, s->x.diag) != 0) {
        upstream_pool_cancel(p->pool, c == NULL, s->x.diag);
        upstream_close(c);
        return NULL;
    }
    upstream_pool_opened(p->pool, key, c);
    return c;
}

/* Has nobody used it yet? */
static bool is_fresh(const struct upstream_conn *c)
{
    return c->used_us == c->born_us;
}

/* Has a connection for the next command, with the session's settings. 0, or -1 with x.diag set. */
static int attach(struct session *s)
{
    struct passthrough *p = s->pass;
    struct upstream_conn *c = NULL;
    if (p->up != NULL) {
        return 0;
    }
    const struct upstream_key key = key_of(s);
    switch (upstream_pool_take(p->pool, &key, FIBER_FOREVER, s->x.diag, &c)) {
    case UPSTREAM_POOL_CONN:
        break;
    case UPSTREAM_POOL_PERMIT:
        c = open_upstream(s, &key);
        break;
    case UPSTREAM_POOL_WARM:
    case UPSTREAM_POOL_FAIL:
        break;
    }
    if (c == NULL) {
        /* There will be no other one for it, as only its client can log in. */
        s->quit = !key.can_log_in && s->x.diag->error->code == CR_SERVER_GONE_ERROR;
        return -1;
    }
    if (!p->mux.shares && !p->mux.has_db && !is_fresh(c)) {
        /* It may have a database, which cannot be taken from it. */
        upstream_pool_drop(p->pool, c);
        return attach(s);
    }
    if (mux_enter(&p->mux, c, s->x.id, s->x.diag) != 0) {
        upstream_pool_drop(p->pool, c);
        return -1;
    }
    set_upstream(s, c);
    return 0;
}

/* Others no longer see which connection the session has. False: a KILL is on its way there, and
 * would hit whoever has the connection next. */
static bool hide_upstream(struct session *s)
{
    os_mutex_lock(&s->all->lock);
    const bool can_hide = s->kills == 0;
    s->upstream_id = can_hide ? 0 : s->upstream_id;
    os_mutex_unlock(&s->all->lock);
    return can_hide;
}

/* Gives the connection back between two commands, if the session can do without it. */
static void detach(struct session *s)
{
    struct passthrough *p = s->pass;
    struct upstream_conn *c = p->up;
    if (c == NULL) {
        return;
    }
    int rc = mux_leave(&p->mux, c, s->x.id, s->x.diag);
    if (rc == 0) {
        rc = stmts_trim(c, s->x.diag);
    }
    if (rc == 0 && hide_upstream(s)) {
        set_upstream(s, NULL);
        upstream_pool_put(p->pool, c);
    } else if (rc == 0) {
        p->mux.held_until_us = clock_monotonic_us() + MUX_HOLD_US;
    } else if (rc < 0) {
        p->unfit = true;
        s->quit = true;
    }
}

/* ---- Commands on their way ---- */

/* Notes what a statement's text says about the session. Returns its effects. */
static unsigned note_statement(struct session *s, uint8_t command, struct str text, bool is_whole)
{
    struct passthrough *p = s->pass;
    struct sql_effects e = {.effects = EFFECT_UNKNOWN};
    if (is_whole) {
        const struct parse_options options = {
            .version = 999999,
            .dialect = p->up->kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL,
        };
        sql_effects(text, &options, &e);
    }
    router_note(&p->router, command, &e);
    mux_note(&p->mux, &e);
    return e.effects;
}

/* What a statement does that is executed now. */
static void begin_statement(struct passthrough *p, unsigned effects)
{
    p->changes_schema = (effects & EFFECT_SCHEMA) != 0;
    mux_statement(&p->mux, effects);
}

/* The handlers of commands that are looked at before they are sent. 0, or -1 with x.diag set: the
 * command is refused. */
typedef int sending_fn(struct session *s, struct relay_command *c);

static int sending_query(struct session *s, struct relay_command *c)
{
    const struct str text = c->is_whole ? query_text(s, c) : STR_NULL;
    remember_text(s->pass, c, text);
    const unsigned effects = note_statement(s, c->command, text, c->is_whole);
    if (mux_check(&s->pass->mux, effects, s->x.diag) != 0) {
        return -1;
    }
    begin_statement(s->pass, effects);
    return 0;
}

static int sending_prepare(struct session *s, struct relay_command *c)
{
    /* What is not known whole is not carried along. */
    const struct str text = c->is_whole ? str_from(c->payload.p + 1, c->payload.len - 1) : STR_NULL;
    s->pass->stmts.last_id = 0; /* -1 no longer names the one before, however this ends */
    remember_text(s->pass, c, text);
    s->pass->prepared_effects = note_statement(s, c->command, text, c->is_whole);
    return 0;
}

static bool executes(uint8_t command)
{
    return command == COM_STMT_EXECUTE || command == MARIADB_COM_STMT_BULK_EXECUTE;
}

/* What a command about a prepared statement does to the session; id: 0, or stmts_named(). */
static unsigned effects_of(const struct passthrough *p, struct str payload, uint32_t id)
{
    if (!executes((uint8_t)payload.p[0])) {
        return 0;
    }
    if (id != 0) {
        return stmts_effects(&p->stmts, id);
    }
    if (payload.len >= 5 && memcmp(payload.p + 1, "\xff\xff\xff\xff", 4) == 0) {
        return p->prepared_effects;
    }
    const struct prepared_text *t =
        payload.len < 5 ? NULL : htab_find(&p->prepared, str_from(payload.p + 1, 4));
    return t != NULL ? t->effects : EFFECT_VARIABLES; /* not known: the settings are read again */
}

/*
 * A command about a prepared statement. Of one that is carried along the number is changed, unless
 * more is needed: then the command is ours (RELAY_STOP), see statement_command().
 */
static int sending_statement(struct session *s, struct relay_command *c)
{
    struct passthrough *p = s->pass;
    const uint32_t id = stmts_named(&p->stmts, c->payload);
    const unsigned effects = effects_of(p, c->payload, id);
    if (mux_check(&p->mux, effects, s->x.diag) != 0) {
        return -1;
    }
    if (id == 0) {
        remember_prepared(p, c);
    } else {
        remember_text(p, c, stmts_text(&p->stmts, id));
        const bool sent =
            !p->mux.reading_changed &&
            stmts_patch(&p->stmts, p->up, p->mux.db, c->payload, c->is_whole, &s->x.stmt_arena);
        p->own = !sent;
        p->mux.pins |= p->stmts.unreadable ? MUX_PIN_STATEMENTS : 0;
    }
    if (!p->own && executes(c->command)) {
        begin_statement(p, effects);
    }
    return 0;
}

static int sending_close(struct session *s, struct relay_command *c)
{
    struct passthrough *p = s->pass;
    struct mux *m = &p->mux;
    m->statements -= m->statements > 0 ? 1 : 0;
    forget_prepared(p, str_from(c->payload.p + 1, 4)); /* whole: see is_cut_short() */
    return 0;
}

static int sending_init_db(struct session *s, struct relay_command *c)
{
    (void)c;
    mux_use(&s->pass->mux);
    return 0;
}

/* Where connections are shared more is to be done than the server does: see reset_connection(). */
static int sending_reset(struct session *s, struct relay_command *c)
{
    (void)c;
    s->pass->own = s->pass->mux.shares;
    return 0;
}

static int sending_option(struct session *s, struct relay_command *c)
{
    (void)c;
    s->pass->unfit = true;
    s->pass->mux.pins |= MUX_PIN_OPTION;
    return 0;
}

static int sending_dump(struct session *s, struct relay_command *c)
{
    (void)c;
    s->pass->unfit = true;
    s->pass->mux.pins |= MUX_PIN_BINLOG;
    return 0;
}

/* The client knows the number that we greeted it with; the upstream has another. */
static int sending_kill(struct session *s, struct relay_command *c)
{
    uint32_t id;
    if (wire_decode_u32_command(c->payload, &id) == 0) {
        const uint64_t upstream_id = upstream_id_of(s, id, 0);
        stmts_set_number(c->payload, upstream_id != 0 ? (uint32_t)upstream_id : id);
    }
    return 0;
}

static const struct {
    sending_fn *sending; /* NULL: it goes on as it is */
    bool own;            /* carried out here */
} sendings[256] = {
    [COM_QUIT] = {.own = true},
    [COM_CHANGE_USER] = {.own = true},
    [COM_CLONE] = {.own = true},
    [COM_SUBSCRIBE_GROUP_REPLICATION] = {.own = true},
    [COM_PROCESS_KILL] = {.sending = sending_kill},
    [COM_QUERY] = {.sending = sending_query},
    [COM_STMT_PREPARE] = {.sending = sending_prepare},
    [COM_STMT_EXECUTE] = {.sending = sending_statement},
    [MARIADB_COM_STMT_BULK_EXECUTE] = {.sending = sending_statement},
    [COM_STMT_FETCH] = {.sending = sending_statement},
    [COM_STMT_RESET] = {.sending = sending_statement},
    [COM_STMT_SEND_LONG_DATA] = {.sending = sending_statement},
    [COM_STMT_CLOSE] = {.sending = sending_close},
    [COM_INIT_DB] = {.sending = sending_init_db},
    [COM_SET_OPTION] = {.sending = sending_option},
    [COM_RESET_CONNECTION] = {.sending = sending_reset},
    [COM_REGISTER_REPLICA] = {.sending = sending_dump},
    [COM_BINLOG_DUMP] = {.sending = sending_dump},
    [COM_BINLOG_DUMP_GTID] = {.sending = sending_dump},
    [COM_TABLE_DUMP] = {.sending = sending_dump},
};

/* Of the two commands that have no reply: is it too short for what it has to say? */
static bool is_cut_short(struct str payload)
{
    enum {
        CLOSE_LEN = 1 + 4,         /* the statement's number */
        LONG_DATA_LEN = 1 + 4 + 2, /* and the parameter's */
    };
    const uint8_t command = payload.len > 0 ? (uint8_t)payload.p[0] : COM_SLEEP;
    return (command == COM_STMT_CLOSE && payload.len < CLOSE_LEN) ||
           (command == COM_STMT_SEND_LONG_DATA && payload.len < LONG_DATA_LEN);
}

/* Is it carried out here, by what it says? */
static bool is_own(struct session *s, const struct relay_command *c)
{
    const struct router *r = &s->pass->router;
    switch (c->command) {
    case COM_QUERY: {
        const struct str text = query_text(s, c);
        return (c->is_whole && is_own_statement(s, text)) || route_takes_text(s, r, text);
    }
    case COM_STMT_PREPARE:
        return route_takes_text(s, r, str_from(c->payload.p + 1, c->payload.len - 1));
    case COM_STMT_EXECUTE:
    case COM_STMT_FETCH:
    case COM_STMT_RESET:
    case COM_STMT_CLOSE:
    case COM_STMT_SEND_LONG_DATA:
        return route_takes_command(r, c->payload);
    default:
        return false;
    }
}

static enum relay_verdict on_command(void *arg, struct relay *r, struct relay_command *c)
{
    struct session *s = arg;
    struct passthrough *p = s->pass;
    (void)r;
    atomic_fetch_add_explicit(&s->all->server->status.questions, 1, memory_order_relaxed);
    if (sendings[c->command].own || is_own(s, c)) {
        return RELAY_STOP;
    }
    if (is_cut_short(c->payload)) {
        return RELAY_STOP;
    }
    /* A statement that is carried along is closed here: connections keep theirs. */
    p->own = c->command == COM_STMT_CLOSE && stmts_named(&p->stmts, c->payload) != 0;
    if (p->own) {
        return RELAY_STOP;
    }
    p->refused = attach(s) != 0 ||
                 (sendings[c->command].sending != NULL && sendings[c->command].sending(s, c) != 0);
    if (p->refused || p->own) {
        return RELAY_STOP;
    }
    if (c->command != COM_QUERY && c->command != COM_STMT_PREPARE) {
        router_note(&p->router, c->command, NULL);
    }
    if (s->state != SESSION_BUSY) {
        session_set_state(s, SESSION_BUSY, c->command);
    }
    return RELAY_FORWARD;
}

/* Remembers a statement that is not carried along: the one prepared last. */
static void keep_prepared(struct passthrough *p, uint32_t id, struct str text)
{
    text = text.len > TEXT_KEEP_LEN ? STR("") : text;
    struct prepared_text *e = calloc(1, sizeof *e + text.len);
    if (e == NULL) {
        return;
    }
    e->effects = p->prepared_effects;
    for (unsigned i = 0; i < 4; i++) {
        e->key[i] = (uint8_t)(id >> (8 * i));
    }
    memcpy(e->text, text.p, text.len);
    e->stats.text = str_from(e->text, text.len);
    const struct str key = str_from((const char *)e->key, sizeof e->key);
    forget_prepared(p, key);
    htab_put(&p->prepared, key, e);
}

static uint32_t on_prepared(void *arg, struct relay *r, const struct wire_prepare_ok *ok)
{
    struct session *s = arg;
    struct passthrough *p = s->pass;
    const bool is_last = p->text_token != 0 && relay_token(r) == p->text_token;
    const bool has_text = is_last && p->text.len > 0;
    const struct str text = has_text ? bytebuf_str(&p->text) : STR("");
    uint32_t id = 0;
    if (has_text && p->mux.shares && !p->mux.reading_changed && p->mux.db != NULL) {
        id = stmts_add(&p->stmts, p->up, p->mux.db, text, p->prepared_effects, ok);
    }
    if (id != 0) {
        p->mux.mapped++;
        return id;
    }
    p->mux.statements++;
    if (is_last) {
        keep_prepared(p, ok->stmt_id, text);
    }
    return ok->stmt_id;
}

static void record(struct session *s, const struct relay_reply *reply)
{
    const struct passthrough *p = s->pass;
    const struct parse_options options = exec_parse_options(&s->x);
    const struct reply_track *t = reply->track;
    const struct stats_outcome outcome = {
        .engine = STATS_UPSTREAM,
        .failed = t->failed,
        .latency_us = clock_monotonic_us() - reply->started_us,
        .rows = t->rows,
        .bytes = reply->bytes,
    };
    struct stats_text once = {.text = last_text(p)};
    stats_record(s->all->server->stats, p->executed != NULL ? &p->executed->stats : &once, &options,
                 &outcome);
}

/* A SELECT that shows no warnings of the statement before: those are gone with it. */
static bool is_plain_select(const struct passthrough *p, const struct relay_reply *reply)
{
    const struct str text = passthrough_skip_blanks(last_text(p));
    return reply->token != 0 && reply->token == p->text_token &&
           passthrough_begins_with(text, STR("SELECT"), STR("")) &&
           memmem(text.p, text.len, "@@", 2) == NULL;
}

/* How long a command is waited for: the connection is held meanwhile, or the session's own
 * time-out. */
static uint64_t idle_deadline(const struct session *s)
{
    const struct mux *m = &s->pass->mux;
    if (s->pass->up != NULL) {
        /* Else the upstream counts. */
        const bool held = m->shares && m->held_until_us != 0 && !s->x.txn.active;
        return held ? m->held_until_us : FIBER_FOREVER;
    }
    return m->idle_timeout_us != 0 ? clock_monotonic_us() + m->idle_timeout_us
                                   : session_read_deadline(s);
}

/* The session has been reset. */
static void forget_session(struct session *s)
{
    struct passthrough *p = s->pass;
    mux_reset(&p->mux);
    router_reset(s, &p->router);
    stmts_clear(&p->stmts);
    upstream_forget_statements(p->up);
}

/* The mirror is told of changed definitions; may the connection go back to the pool? */
static void after_reply(struct session *s, const struct relay_reply *reply)
{
    struct passthrough *p = s->pass;
    struct mux *m = &p->mux;
    const struct server *server = s->all->server;
    if (p->changes_schema && server->mirror != NULL) {
        server->mirror_ops->refresh(server->mirror);
    }
    p->changes_schema = false;
    if (reply->command == COM_RESET_CONNECTION && !reply->track->failed) {
        forget_session(s);
    }
    if (mux_after_reply(m, reply->track, p->up->status) == MUX_FREE && p->stmts.held == 0 &&
        (m->shares || is_plain_select(p, reply))) {
        relay_ask_release(&p->relay);
    }
    relay_set_idle_deadline(&p->relay, idle_deadline(s));
    if (m->shares) {
        atomic_store(&s->x.state, mux_pin_reason(m));
    }
}

static void on_replied(void *arg, struct relay *r, const struct relay_reply *reply)
{
    struct session *s = arg;
    struct passthrough *p = s->pass;
    const bool has_text =
        reply->token != 0 && reply->token == p->text_token && last_text(p).len > 0;
    if (has_text && (reply->command != COM_STMT_PREPARE || reply->track->failed)) {
        record(s, reply);
    }
    if (p->text.cap > TEXT_KEEP_LEN) {
        bytebuf_release(&p->text);
        bytebuf_init(&p->text, RELAY_PEEK_MAX);
    }
    arena_reset(&s->x.stmt_arena);
    mux_count_change(&p->mux);
    if (r->sent_count == 0) {
        s->x.txn.active = (p->up->status & SERVER_STATUS_IN_TRANS) != 0;
        s->upstream_status = p->up->status;
        router_replied(&p->router, s->x.txn.active);
        session_set_state(s, SESSION_IDLE, COM_SLEEP);
        session_count_bytes(s);
        after_reply(s, reply);
    }
}

static bool on_tracked(void *arg, const struct wire_track *t)
{
    struct session *s = arg;
    return mux_tracked(&s->pass->mux, t);
}

static const struct relay_hooks hooks = {
    .command = on_command, .replied = on_replied, .prepared = on_prepared, .tracked = on_tracked};

/* ---- Login ---- */

static bool is_empty_answer(struct str answer)
{
    return answer.len == 0 || (answer.len == 1 && answer.p[0] == '\0');
}

/* Without its password, what is open under its key must stay. */
static void join_key(struct session *s)
{
    const struct upstream_key key = key_of(s);
    if (!key.can_log_in) {
        upstream_pool_join(s->pass->pool, &key);
        s->pass->has_joined = true;
    }
}

static void leave_key(struct session *s)
{
    const struct upstream_key key = key_of(s);
    if (s->pass->has_joined) {
        upstream_pool_leave(s->pass->pool, &key);
        s->pass->has_joined = false;
    }
}

/* The session begins, or begins anew, with what it has logged in as on p->up. */
static int begin_session(struct session *s, const struct relay_login *login, struct wire_ok ok)
{
    struct passthrough *p = s->pass;
    relay_init(&p->relay, &s->conn, s->x.capabilities, &hooks, s);
    p->relay.write_timeout_us = s->x.vars.net_write_timeout * SECOND_US;
    set_upstream(s, p->up);
    os_mutex_lock(&s->all->lock);
    snprintf(s->user_text, sizeof s->user_text, "%.*s", STR_FMT(login->user));
    os_mutex_unlock(&s->all->lock);
    s->log.user = s->user_text;
    s->x.login_user = str_from_cstr(s->user_text);
    p->user = str_from_cstr(s->user_text);
    s->x.login_user = arena_dup(&s->x.arena, login->user);
    p->key_flags = (s->x.capabilities & UPSTREAM_KEY_FLAGS) | login->key_flags;
    s->upstream_status = p->up->status;
    router_reset(s, &p->router);
    const bool shares = s->all->server->upstream_multiplex;
    if (mux_start(&p->mux, p->up, shares, login->collation, login->database, s->x.diag) != 0) {
        return -1;
    }
    if (shares) {
        /* Settings that cannot be read at login: it may set its password only, others more. */
        p->unfit = p->unfit || (p->mux.pins & MUX_PIN_VARIABLE) != 0;
        relay_ask_release(&p->relay);
        join_key(s);
    }
    if ((s->x.capabilities & CLIENT_SESSION_TRACK) == 0) {
        ok.status &= (uint16_t)~SERVER_SESSION_STATE_CHANGED;
    }
    pkt_begin(&s->conn.w);
    wire_encode_ok(&s->conn.w, s->x.capabilities, WIRE_MARK_OK, &ok);
    return pkt_end(&s->conn.w);
}

static int log_in(struct session *s, const struct relay_login *login)
{
    struct wire_ok ok;
    return relay_login(login, s->x.diag, &s->pass->up, &ok) != 0 ? -1 : begin_session(s, login, ok);
}

/*
 * A change of the account on the session's own connection. MariaDB's client library answers with
 * the nonce it was given at its login, which holds for that connection only.
 */
static int log_in_here(struct session *s, const struct relay_login *login)
{
    struct passthrough *p = s->pass;
    struct wire_ok ok;
    p->unfit = true; /* it is no longer of the account that it is kept for */
    return relay_change_user(login, p->up, s->x.diag, &ok) != 0 ? -1 : begin_session(s, login, ok);
}

static struct relay_login login_of(struct session *s)
{
    return (struct relay_login){
        .client = &s->conn,
        .client_capabilities = s->x.capabilities,
        .client_secure = s->tls || s->peer.is_unix,
        .peer = &s->peer,
        .rsa = s->all->rsa,
        .deadline_us = session_connect_deadline(s),
        .pool = s->all->server->upstream,
        .arena = &s->x.stmt_arena,
    };
}

/*
 * A connection that has a database cannot be made to have none again: shared ones are kept apart.
 * One that is the session's own ends definitions and rows as its client wants them; those that are
 * shared do it in one way, and the relay puts EOF packets in.
 */
static uint64_t key_flags(const struct session *s, struct str database)
{
    if (!s->all->server->upstream_multiplex) {
        return (s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0 ? 0 : UPSTREAM_KEY_EOF;
    }
    return database.len > 0 ? UPSTREAM_KEY_HAS_DB : 0;
}

int passthrough_login(struct session *s, const struct wire_login *packet)
{
    struct passthrough *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return diag_set(s->x.diag, ER_OUT_OF_RESOURCES);
    }
    s->pass = p;
    p->pool = s->all->server->upstream;
    htab_init(&p->prepared, 0);
    bytebuf_init(&p->text, RELAY_PEEK_MAX);
    stmts_init(&p->stmts);
    router_init(&p->router);
    conn_on_hangup(&s->conn, NULL, NULL); /* the relay itself sees the end of input */
    struct relay_login l = login_of(s);
    /* The packet's memory is the connection's, which the exchange reads into. */
    l.user = arena_dup(&s->x.stmt_arena, packet->user);
    l.database = arena_dup(&s->x.stmt_arena, packet->database);
    l.attrs = arena_dup(&s->x.stmt_arena, packet->attrs);
    l.collation = packet->collation;
    l.answered_empty = is_empty_answer(packet->auth_data);
    l.key_flags = key_flags(s, l.database);
    l.spreads = s->all->server->upstream_multiplex && !knows_password_of(s, l.user);
    return log_in(s, &l);
}

static void drop_prepared(struct passthrough *p)
{
    size_t pos = 0;
    void *e;
    while ((e = htab_next(&p->prepared, &pos)) != NULL) {
        free(e);
    }
    htab_release(&p->prepared);
    htab_init(&p->prepared, 0);
    p->executed = NULL;
    bytebuf_reset(&p->text);
}

/* Can whoever has the connection next do with the role that the session has left there? */
static bool has_own_role(struct passthrough *p, struct upstream_conn *up)
{
    fiber_mask_interrupts();
    const bool has = up->broken || mux_has_own_role(&p->mux, up);
    fiber_unmask_interrupts();
    return has;
}

/* What the session holds upstream goes back to where it came from. */
static void let_go(struct session *s)
{
    struct passthrough *p = s->pass;
    struct upstream_conn *up = p->up;
    if (up == NULL) {
        return;
    }
    p->unfit = !hide_upstream(s) || p->unfit;
    p->up = NULL;
    p->relay.up = NULL;
    if (p->unfit || p->relay.sent_count > 0 || p->relay.skip_up > 0 || p->relay.infile ||
        mux_may_have_db(&p->mux) || !has_own_role(p, up)) {
        upstream_pool_drop(p->pool, up);
    } else {
        relay_give_back(p->pool, up);
    }
    p->unfit = false;
}

/* COM_CHANGE_USER: a login like the first; where connections are shared, on one of the new account.
 */
static int change_user(struct session *s, struct str payload)
{
    struct wire_change_user c;
    if (wire_decode_change_user(payload, s->x.capabilities, &c) != 0) {
        return diag_set(s->x.diag, ER_UNKNOWN_COM_ERROR);
    }
    struct relay_login l = login_of(s);
    l.user = arena_dup(&s->x.stmt_arena, c.user);
    l.database = arena_dup(&s->x.stmt_arena, c.database);
    l.attrs = arena_dup(&s->x.stmt_arena, c.attrs);
    l.collation = c.collation;
    l.answered_empty = is_empty_answer(c.auth_data);
    l.key_flags = key_flags(s, l.database);
    l.spreads = s->all->server->upstream_multiplex && !knows_password_of(s, l.user);
    drop_prepared(s->pass);
    stmts_clear(&s->pass->stmts);
    if (s->pass->up != NULL && !s->pass->mux.shares) {
        return log_in_here(s, &l);
    }
    let_go(s);
    leave_key(s);
    return log_in(s, &l);
}

/* ---- Commands of ours ---- */

/* Has a connection for a command of ours, which is given back behind it if it was taken for it. */
static int attach_for_now(struct session *s)
{
    struct passthrough *p = s->pass;
    const bool is_taken = p->up == NULL;
    if (attach(s) != 0) {
        return -1;
    }
    if (is_taken && p->mux.shares) {
        relay_ask_release(&p->relay);
    }
    return 0;
}

/* Runs one of our own statements upstream in the client's name, and answers as the upstream did.
 * Returns whether that was an OK. */
static bool run_upstream(struct session *s, struct str sql)
{
    struct passthrough *p = s->pass;
    struct upstream_result r;
    if (attach_for_now(s) != 0) {
        reply_error(s);
        return false;
    }
    if (upstream_query(p->up, sql, &s->x.stmt_arena, s->x.diag, &r) != 0) {
        reply_error(s);
        s->quit = p->up->broken;
        return false;
    }
    pkt_begin(&s->conn.w);
    wire_encode_ok(&s->conn.w, s->x.capabilities, WIRE_MARK_OK, &r.ok);
    (void)!pkt_end(&s->conn.w);
    return true;
}

/* The client knows the number that we greeted it with; the upstream has another. */
static void kill_session(struct session *s, struct str head, uint64_t id)
{
    const bool query_only = memmem(head.p, head.len, "Q", 1) != NULL ||
                            memmem(head.p, head.len, "q", 1) != NULL; /* KILL QUERY */
    const struct str operator_ = s->all->server->upstream_user;
    const bool is_operator = operator_.len > 0 && str_eq(s->pass->user, operator_);
    const struct str user = is_operator ? STR_NULL : s->pass->user;
    if (upstream_id_of(s, id, 0) != 0 && attach_for_now(s) != 0) {
        reply_error(s);
        return;
    }
    /* Looked at again, as a connection to say it on may have been waited for. */
    const uint64_t upstream_id = upstream_id_of(s, id, 1);
    const struct str sql = arena_printf(&s->x.stmt_arena, "%.*s%llu", STR_FMT(head),
                                        (unsigned long long)(upstream_id != 0 ? upstream_id : id));
    if (upstream_id == 0 && registry_kill_here(s->all, id, user, query_only)) {
        reply_simple_ok(s); /* it has no connection upstream now */
    } else if (run_upstream(s, sql)) {
        registry_kill_here(s->all, id, STR_NULL, query_only);
    }
    (void)upstream_id_of(s, id, -1);
}

/* ---- For route.c ---- */

int passthrough_attach(struct session *s, struct upstream_conn **out)
{
    struct passthrough *p = s->pass;
    if (attach_for_now(s) != 0) {
        return -1;
    }
    *out = p->up;
    return 0;
}

bool passthrough_hides_tables(const struct session *s)
{
    const unsigned pins = MUX_PIN_TEMPORARY_TABLE | MUX_PIN_PROGRAM | MUX_PIN_UNKNOWN;
    return (s->pass->mux.pins & pins) != 0;
}

void passthrough_forward(struct session *s, struct str payload)
{
    struct passthrough *p = s->pass;
    struct relay_command c = {
        .command = (uint8_t)payload.p[0], .payload = payload, .is_whole = true};
    /* Sending may read from the connection whose memory the payload is in. */
    if (attach(s) != 0 || sendings[c.command].sending(s, &c) != 0 ||
        upstream_command(p->up, payload, s->x.diag) != 0) {
        reply_error(s);
        s->quit = p->up != NULL && p->up->broken;
        return;
    }
    relay_expect(&p->relay, c.command, c.token);
}

/* ---- Commands of ours, by kind ---- */

static void own_query(struct session *s, struct str payload)
{
    struct wire_query q;
    struct str head;
    uint64_t id;
    if (wire_decode_query(payload, s->x.capabilities, &s->x.stmt_arena, &q) != 0) {
        diag_set(s->x.diag, ER_MALFORMED_PACKET);
        reply_error(s);
    } else if (parse_kill(q.sql, &head, &id)) {
        kill_session(s, head, id);
    } else if (route_takes_text(s, &s->pass->router, q.sql)) {
        route_query(s, &s->pass->router, arena_dup(&s->x.stmt_arena, payload));
    } else {
        (void)!command_query(s, payload);
    }
}

/* COM_RESET_CONNECTION on a connection that others have used, and will use. */
static void reset_connection(struct session *s)
{
    struct passthrough *p = s->pass;
    if (attach(s) != 0 || upstream_reset(p->up, s->x.diag) != 0) {
        reply_error(s);
        s->quit = p->up != NULL && p->up->broken;
        return;
    }
    forget_session(s);
    s->x.txn.active = false;
    if (mux_restore(&p->mux, p->up, s->x.diag) != 0) {
        reply_error(s);
        p->unfit = true;
        s->quit = true;
        return;
    }
    s->upstream_status = p->up->status;
    atomic_store(&s->x.state, mux_pin_reason(&p->mux));
    reply_simple_ok(s);
    if (p->mux.pins == 0) {
        relay_ask_release(&p->relay);
    }
}

/* A command about a statement that is carried along, which could not go on as it was. */
static void statement_command(struct session *s, struct str payload)
{
    struct passthrough *p = s->pass;
    const uint8_t command = (uint8_t)payload.p[0];
    const uint32_t id = stmts_named(&p->stmts, payload);
    const unsigned effects = effects_of(p, payload, id);
    if (command == COM_STMT_CLOSE) {
        p->mux.mapped -= p->mux.mapped > 0 ? 1 : 0;
        stmts_remove(&p->stmts, id);
        return;
    }
    if (attach(s) != 0 || (p->mux.reading_changed && mux_refresh(&p->mux, p->up, s->x.diag) != 0) ||
        mux_check(&p->mux, effects, s->x.diag) != 0 ||
        stmts_send(&p->stmts, p->up, p->mux.db, payload, &s->x.stmt_arena, s->x.diag) != 0) {
        if (reply_is_expected(command)) {
            reply_error(s);
        }
        s->quit = p->up != NULL && p->up->broken;
        return;
    }
    p->mux.pins |= p->stmts.unreadable ? MUX_PIN_STATEMENTS : 0;
    if (executes(command)) {
        begin_statement(p, effects);
    }
    relay_expect(&p->relay, command, p->next_token);
}

/* MySQL then replies after all, MariaDB does not: it is answered here, as theirs could not be told
 * from the reply to the next command. */
static void answer_cut_short(struct session *s)
{
    struct upstream_greeting g;
    if (upstream_last_greeting(upstream_pool_upstream(s->pass->pool), &g) &&
        g.kind == UPSTREAM_MYSQL) {
        diag_set(s->x.diag, ER_MALFORMED_PACKET);
        reply_error(s);
    }
}

static void own_command(struct session *s, struct str payload)
{
    if (is_cut_short(payload)) {
        answer_cut_short(s);
        return;
    }
    switch (payload.len > 0 ? (uint8_t)payload.p[0] : COM_SLEEP) {
    case COM_QUIT:
        s->quit = true;
        break;
    case COM_CHANGE_USER:
        if (change_user(s, payload) != 0) {
            if (s->x.diag->error != NULL) {
                reply_error(s);
            }
            s->quit = true;
        }
        break;
    case COM_QUERY:
        own_query(s, payload);
        break;
    case COM_RESET_CONNECTION:
        reset_connection(s);
        break;
    case COM_SLEEP:
        diag_set(s->x.diag, ER_UNKNOWN_COM_ERROR);
        reply_error(s);
        break;
    case COM_STMT_PREPARE:
        route_prepare(s, &s->pass->router, arena_dup(&s->x.stmt_arena, payload));
        break;
    case COM_STMT_EXECUTE:
    case COM_STMT_FETCH:
    case COM_STMT_RESET:
    case COM_STMT_CLOSE:
    case COM_STMT_SEND_LONG_DATA:
        if (route_takes_command(&s->pass->router, payload)) {
            route_command(s, &s->pass->router, payload);
        } else {
            statement_command(s, payload);
        }
        break;
    case MARIADB_COM_STMT_BULK_EXECUTE:
        statement_command(s, payload);
        break;
    default:
        (void)!command_unknown(s, payload);
    }
}

static void take_own_command(struct session *s)
{
    struct str payload;
    if (!s->pass->refused) {
        diag_reset(s->x.diag);
    }
    conn_begin_command(&s->conn);
    if (conn_read_packet(&s->conn, session_write_deadline(s), &payload, s->x.diag) != NET_OK) {
        s->quit = true;
        return;
    }
    const uint8_t command = payload.len > 0 ? (uint8_t)payload.p[0] : COM_SLEEP;
    session_set_state(s, SESSION_BUSY, command);
    session_count_bytes(s);
    if (!s->pass->refused) {
        own_command(s, payload);
    } else if (reply_is_expected(command)) {
        reply_error(s);
    }
    s->pass->refused = false;
    fiber_mask_interrupts();
    if (conn_flush(&s->conn, session_write_deadline(s), s->x.diag) != NET_OK) {
        s->quit = true;
    }
    fiber_unmask_interrupts();
    arena_reset(&s->x.stmt_arena);
    session_set_state(s, SESSION_IDLE, COM_SLEEP);
}

/* ---- The loop ---- */

/* Tells the client why its session ends, if it is at a place where it can be told. */
static void report(struct session *s)
{
    fiber_mask_interrupts();
    if (relay_can_report(&s->pass->relay)) {
        reply_error(s);
        conn_shutdown(&s->conn, clock_monotonic_us() + SECOND_US);
    }
    fiber_unmask_interrupts();
}

static void on_upstream_gone(struct session *s)
{
    struct passthrough *p = s->pass;
    log_info(&s->log, "%.*s", STR_FMT(s->x.diag->error->message));
    if (relay_is_idle(&p->relay) && mux_can_move(&p->mux) && !s->x.txn.active &&
        (p->mux.shares || knows_password(s))) {
        /* Nothing was lost with it: the next command takes another one. */
        struct upstream_conn *c = p->up;
        set_upstream(s, NULL);
        mux_lost(&p->mux);
        upstream_pool_drop(p->pool, c);
        return;
    }
    p->unfit = true;
    s->quit = true;
    if (p->relay.sent_count > 0) {
        report(s);
    }
}

static void on_interrupted(struct session *s)
{
    struct passthrough *p = s->pass;
    const unsigned why = fiber_interrupted();
    fiber_clear_interrupt(INTERRUPT_KILL_QUERY | INTERRUPT_TIMEOUT | INTERRUPT_CLIENT_GONE);
    if ((why & (INTERRUPT_KILL_CONNECTION | INTERRUPT_SHUTDOWN)) == 0) {
        return;
    }
    if ((why & INTERRUPT_KILL_CONNECTION) == 0 && !atomic_load(&s->all->killing) &&
        !relay_is_idle(&p->relay)) {
        /* It was idle when it was told to end, and has got a command meanwhile: after that. */
        fiber_clear_interrupt(INTERRUPT_SHUTDOWN);
        return;
    }
    s->quit = true;
    diag_reset(s->x.diag);
    exec_interrupted(&s->x, s->x.diag);
    p->unfit = p->unfit || !relay_is_idle(&p->relay);
    report(s);
}

static void on_idle(struct session *s)
{
    if (s->pass->up != NULL) {
        detach(s);
        return;
    }
    diag_reset(s->x.diag);
    diag_set(s->x.diag, ER_CLIENT_INTERACTION_TIMEOUT);
    s->quit = true;
    report(s);
}

/* What the session works on at each command, beside the relay: see fiber_set_hot(). */
static void keep_hot(struct session *s)
{
    struct passthrough *p = s->pass;
    unsigned i = RELAY_HOT_RANGES;
    fiber_set_hot(i++, p, offsetof(struct passthrough, relay));
    fiber_set_hot(i++, &p->mux, offsetof(struct mux, settings));
    fiber_set_hot(i++, &p->router, offsetof(struct router, allowed));
    fiber_set_hot(i++, &s->all, offsetof(struct session, conn) - offsetof(struct session, all));
    fiber_set_hot(i++, &s->x.db, sizeof s->x.db + sizeof s->x.capabilities);
    static_assert(RELAY_HOT_RANGES + 5 <= FIBER_HOT_MAX, "there is room for the session's");
}

void passthrough_loop(struct session *s)
{
    struct passthrough *p = s->pass;
    keep_hot(s);
    session_set_state(s, SESSION_IDLE, COM_SLEEP);
    while (!s->quit) {
        if (!p->refused) {
            diag_reset(s->x.diag);
        }
        switch (relay_run(&p->relay, idle_deadline(s), s->x.diag)) {
        case RELAY_COMMAND:
            take_own_command(s);
            break;
        case RELAY_INTERRUPTED:
            on_interrupted(s);
            break;
        case RELAY_UPSTREAM_GONE:
            on_upstream_gone(s);
            break;
        case RELAY_CLIENT_GONE:
        case RELAY_CLIENT_STALLED:
            s->quit = true;
            break;
        case RELAY_RELEASE:
            detach(s);
            break;
        case RELAY_IDLE:
            on_idle(s);
            break;
        }
        if (atomic_load_explicit(&s->all->server->shutting_down, memory_order_relaxed) &&
            relay_is_idle(&p->relay) && !s->x.txn.active) {
            s->quit = true;
        }
    }
}

void passthrough_free(struct session *s)
{
    struct passthrough *p = s->pass;
    if (p == NULL) {
        return;
    }
    let_go(s);
    leave_key(s);
    drop_prepared(p);
    htab_release(&p->prepared);
    bytebuf_release(&p->text);
    mux_release(&p->mux);
    stmts_clear(&p->stmts);
    htab_release(&p->stmts.by_id);
    free(p);
    s->pass = NULL;
}
