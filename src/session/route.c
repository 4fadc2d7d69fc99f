/* See route.h. */
#include "session/route.h"

#include "base/clock.h"
#include "catalog/accounts.h"
#include "session/passthrough.h"
#include "session/route_settings.h"
#include "sql/digest.h"
#include "sql/reads.h"
#include "types/charset.h"

#include <stdlib.h>

#define SECOND_US UINT64_C(1000000)

/* ---- What is known of the session ---- */

void router_init(struct router *r)
{
    *r = (struct router){.stale = true};
}

static void forget_allowed(struct router *r)
{
    memset(r->allowed, 0, sizeof r->allowed);
}

void router_reset(struct session *s, struct router *r)
{
    router_init(r);
    if (s->all->server->copy_ops != NULL) {
        session_free_prepared(s);
        exec_session_reset(&s->x);
        s->next_stmt_id = ROUTE_FIRST_STMT;
    }
}

void router_note(struct router *r, uint8_t command, const struct sql_effects *e)
{
    const unsigned setting = EFFECT_VARIABLES | EFFECT_NAMES | EFFECT_USE | EFFECT_ROLE |
                             EFFECT_PROGRAM | EFFECT_UNKNOWN;
    bool writes = false, sets = false;
    switch (command) {
    case COM_QUERY:
        writes = e->writes;
        sets = (e->effects & setting) != 0;
        break;
    case COM_STMT_PREPARE:
        r->prepared_writes = r->prepared_writes || e->writes;
        r->prepared_sets = r->prepared_sets || (e->effects & setting) != 0;
        r->last_prepared_here = false;
        break;
    case COM_STMT_EXECUTE:
    case MARIADB_COM_STMT_BULK_EXECUTE:
        writes = r->prepared_writes;
        sets = r->prepared_sets;
        break;
    case COM_INIT_DB:
        sets = true;
        break;
    default:
        break;
    }
    r->dirty = r->dirty || writes;
    r->wrote = r->wrote || writes;
    r->is_last = false;
    if (sets) {
        r->stale = true;
        forget_allowed(r);
    }
}

void router_replied(struct router *r, bool in_transaction)
{
    r->wrote = r->wrote && in_transaction;
}

/* ---- What is ours, by its words ---- */

static bool begins(struct str t, const char *first, const char *second)
{
    return passthrough_begins_with(t, str_from_cstr(first), str_from_cstr(second));
}

/* The variables with AliSQL's names that SET GLOBAL sets here. */
#define BATCH_VARIABLES "duckdb_multi_trx_"

/* Those of SHOW STATUS. */
#define ROW_COUNTS "duckdb_rows_"

static bool has_word(struct str t, struct str word)
{
    for (size_t i = 0; i + word.len <= t.len; i++) {
        if ((t.p[i] | 0x20) == word.p[0] && str_eq_nocase(str_from(t.p + i, word.len), word)) {
            return true;
        }
    }
    return false;
}

/* Does the name of something of Pintail's own stand in the text? */
static bool names_pintail(struct str t)
{
    return has_word(t, STR("pintail")) || has_word(t, STR(BATCH_VARIABLES)) ||
           has_word(t, STR(ROW_COUNTS));
}

static const char *const queries[] = {"SELECT",  "WITH",     "TABLE", "VALUES",
                                      "EXPLAIN", "DESCRIBE", "DESC"};

static bool is_query(struct str t)
{
    if (t.len > 0 && t.p[0] == '(') {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        if (begins(t, queries[i], "")) {
            return true;
        }
    }
    return false;
}

/* SELECT(1), WITH`c`… have no blank behind their first word. */
static bool is_tight_query(struct str t)
{
    return str_starts_with_nocase(t, STR("SELECT")) && t.len > 6 &&
           strchr("(`'\"*+-.@!~0123456789/", t.p[6]) != NULL;
}

/* Statements that are Pintail's own while reads go to the copy. */
static const struct {
    const char *first, *second;
} statements[] = {
    {"SHOW", "REPLICA"},  {"SHOW", "SLAVE"},    {"SHOW", "ALL"},     {"START", "REPLICA"},
    {"START", "SLAVE"},   {"START", "ALL"},     {"STOP", "REPLICA"}, {"STOP", "SLAVE"},
    {"STOP", "ALL"},      {"RESET", "REPLICA"}, {"RESET", "SLAVE"},  {"CHANGE", "REPLICATION"},
    {"CHANGE", "MASTER"}, {"CHECK", "TABLE"},
};

static bool is_statement(struct str t)
{
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
        if (begins(t, statements[i].first, statements[i].second)) {
            return true;
        }
    }
    return false;
}

static bool shows_conditions(struct str t)
{
    return begins(t, "SHOW", "WARNINGS") || begins(t, "SHOW", "ERRORS") ||
           begins(t, "SHOW", "COUNT");
}

static bool shows_variables(struct str t)
{
    return begins(t, "SHOW", "VARIABLES") || begins(t, "SHOW", "SESSION") ||
           begins(t, "SHOW", "GLOBAL") || begins(t, "SHOW", "LOCAL") || begins(t, "SHOW", "STATUS");
}

bool route_takes_text(struct session *s, const struct router *r, struct str text)
{
    if (s->all->server->copy_ops == NULL) {
        return false;
    }
    const struct str t = passthrough_skip_blanks(text);
    if (r->is_last && shows_conditions(t)) {
        return true;
    }
    if (s->x.vars.pintail_route == ROUTE_COLUMN) {
        if (is_query(t) || is_tight_query(t) || is_statement(t)) {
            return true;
        }
    }
    if (!names_pintail(t)) {
        return false;
    }
    return begins(t, "SET", "") || begins(t, "PINTAIL", "") || is_query(t) || is_tight_query(t) ||
           shows_variables(t) || is_statement(t);
}

bool route_takes_command(const struct router *r, struct str payload)
{
    uint32_t id = 0;
    if (payload.len < 5) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        id |= (uint32_t)(uint8_t)payload.p[1 + i] << (8 * i);
    }
    return id == UINT32_MAX ? r->last_prepared_here : id > ROUTE_FIRST_STMT;
}

/* ---- Running here ---- */

static void on_hangup(void *arg)
{
    registry_interrupt(arg, INTERRUPT_CLIENT_GONE);
}

static void set_on_copy(struct session *s, bool on)
{
    os_mutex_lock(&s->all->lock);
    s->on_copy = on;
    os_mutex_unlock(&s->all->lock);
}

/* Runs a command as a session without an upstream does; the transaction is the statement's own. */
static void run_here(struct session *s, struct router *r, command_fn *run, struct str payload)
{
    const bool in_transaction = s->x.txn.active;
    if (s->x.account == NULL) {
        /* It may read everything: what the user may not read the upstream has said before. */
        s->x.account = account_new();
        s->x.account->global_privs = PRIV_SELECT | PRIV_SHOW_DATABASES;
    }
    s->x.txn.active = false;
    s->x.vars.autocommit = true;
    s->x.result = (struct exec_result){0};
    conn_on_hangup(&s->conn, on_hangup, s);
    set_on_copy(s, true);
    (void)!run(s, payload);
    set_on_copy(s, false);
    conn_on_hangup(&s->conn, NULL, NULL);
    s->x.txn.active = in_transaction;
    r->is_last = true;
}

/* The diagnostics area of a statement that was answered here is kept for SHOW WARNINGS, while the
 * other one serves the session. */
static void swap_diagnostics(struct session *s)
{
    s->x.diag = s->x.diag == &s->x.diag_areas[0] ? &s->x.diag_areas[1] : &s->x.diag_areas[0];
}

static void finish(struct session *s, struct router *r)
{
    r->is_last = true;
    swap_diagnostics(s);
    diag_reset(s->x.diag);
}

static void fail(struct session *s, struct router *r)
{
    reply_error(s);
    finish(s, r);
}

/* ---- May it be answered here? ---- */

static int refuse(struct session *s, const char *why)
{
    return diag_set_text(
        s->x.diag, ER_NOT_SUPPORTED_YET,
        arena_printf(&s->x.stmt_arena,
                     "The copy cannot answer this statement (pintail_route = column): %s", why));
}

static int check_reads(struct session *s, const struct sql_reads *reads)
{
    if (reads->system_tables > 0) {
        return refuse(s, "it reads system tables beside others");
    }
    if (reads->own_tables > 0) {
        return refuse(s, "it reads tables of the schema pintail beside others");
    }
    if (reads->writes) {
        return refuse(s, "INTO, FOR UPDATE and FOR SHARE are for the upstream");
    }
    if (reads->user_vars) {
        return refuse(s, "user variables are on the upstream");
    }
    if (reads->of_connection.len > 0 || reads->own_vars) {
        const struct str what = reads->own_vars ? STR("@@pintail_…") : reads->of_connection;
        return refuse(s, arena_dup_cstr(&s->x.stmt_arena,
                                        arena_printf(&s->x.stmt_arena,
                                                     "%.*s is of the connection to the upstream",
                                                     STR_FMT(what))));
    }
    return 0;
}

static int check_session(struct session *s, const struct router *r)
{
    if (r->wrote && s->x.txn.active) {
        return refuse(s, "the transaction has written; COMMIT first");
    }
    if (passthrough_hides_tables(s)) {
        return refuse(s, "the session may have temporary tables (CREATE TEMPORARY TABLE, CALL); "
                         "COM_RESET_CONNECTION ends that");
    }
    return 0;
}

static bool same_hash(const uint64_t *a, const uint64_t *b)
{
    return a[0] == b[0] && a[1] == b[1];
}

/* Asks the upstream to prepare the text, as the client would have sent it, in the user's name. */
static int ask_upstream(struct session *s, struct str raw)
{
    struct upstream_conn *c;
    struct wire_prepare_ok ok;
    if (passthrough_attach(s, &c) != 0) {
        return -1;
    }
    if (upstream_prepare(c, raw, s->x.diag, &ok) != 0 ||
        upstream_close_prepared(c, ok.stmt_id, s->x.diag) != 0) {
        s->quit = s->quit || c->broken;
        return -1;
    }
    return 0;
}

/* raw: in the client's character set. */
static int check_allowed(struct session *s, struct router *r, struct str utf8, struct str raw)
{
    const struct parse_options options = exec_parse_options(&s->x);
    const uint64_t now = clock_monotonic_us();
    struct digest digest;
    sql_digest(utf8, &options, &digest, NULL);
    for (size_t i = 0; i < ROUTE_ALLOWED_MAX; i++) {
        const struct route_allowed *a = &r->allowed[i];
        if (now < a->until_us && same_hash(a->hash, digest.hash)) {
            return 0;
        }
    }
    if (ask_upstream(s, raw) != 0) {
        return -1;
    }
    r->allowed[r->allowed_next] = (struct route_allowed){.hash = {digest.hash[0], digest.hash[1]},
                                                         .until_us = now + ROUTE_ALLOWED_US};
    r->allowed_next = (r->allowed_next + 1) % ROUTE_ALLOWED_MAX;
    return 0;
}

/* Waits for the copy as pintail_freshness says. */
static int wait_fresh(struct session *s, struct router *r)
{
    const struct server *server = s->all->server;
    const uint32_t freshness = s->x.vars.pintail_freshness;
    struct upstream_conn *c;
    struct copy_point point;
    if (freshness == FRESHNESS_EVENTUAL || (freshness == FRESHNESS_SESSION && !r->dirty)) {
        return 0;
    }
    if (passthrough_attach(s, &c) != 0) {
        return -1;
    }
    const bool by_file = server->copy_ops->by_file(server->copy);
    if (route_read_point(c, by_file, &s->x.stmt_arena, s->x.diag, &point) != 0) {
        s->quit = s->quit || c->broken;
        return -1;
    }
    const uint64_t deadline =
        clock_monotonic_us() + s->x.vars.pintail_freshness_timeout * SECOND_US;
    atomic_store(&s->x.state, "waiting for the copy");
    const int rc = server->copy_ops->wait(server->copy, &point, deadline, s->x.diag);
    atomic_store(&s->x.state, NULL);
    r->dirty = r->dirty && rc != 0;
    return rc;
}

/* The settings of the upstream session, if they may have changed. */
static int follow_settings(struct session *s, struct router *r)
{
    struct upstream_conn *c;
    if (!r->stale) {
        return 0;
    }
    if (passthrough_attach(s, &c) != 0) {
        return -1;
    }
    if (route_read_settings(s, c) != 0) {
        s->quit = s->quit || c->broken;
        return -1;
    }
    r->stale = false;
    return 0;
}

/* ---- Statements ---- */

/* How a text has come. */
enum asked {
    ASKED_NOW,     /* COM_QUERY */
    ASKED_PREPARE, /* COM_STMT_PREPARE */
    ASKED_AGAIN,   /* COM_STMT_EXECUTE: it was prepared here */
};

enum where {
    HERE_COPY, /* reads the copy */
    HERE_OWN,  /* about Pintail itself */
    UPSTREAM,  /* none of ours */
    REFUSED,   /* x.diag says why */
};

/* About the last statement, which was answered here: FOUND_ROWS(), @@warning_count. */
static bool is_about_last(const struct router *r, const struct sql_reads *reads)
{
    static const struct str names[] = {STR_INIT("FOUND_ROWS"), STR_INIT("ROW_COUNT"),
                                       STR_INIT("warning_count"), STR_INIT("error_count")};
    for (size_t i = 0; r->is_last && i < ARRAY_SIZE(names); i++) {
        if (str_eq_nocase(reads->of_connection, names[i])) {
            return true;
        }
    }
    return false;
}

static enum where place_query(struct session *s, const struct router *r, const struct stmt *stmt,
                              bool by_column)
{
    struct sql_reads reads;
    if (stmt->kind == STMT_EXPLAIN &&
        (stmt->explain.target == NULL || stmt->explain.target->kind != STMT_SELECT)) {
        return UPSTREAM;
    }
    sql_reads(stmt, s->x.db, &reads);
    if (reads.tables == 0 && (reads.own_tables > 0 || reads.own_vars)) {
        if (reads.system_tables > 0 || reads.of_connection.len > 0) {
            (void)refuse(s, "what is Pintail's and what is the upstream's are asked separately");
            return REFUSED;
        }
        return HERE_OWN;
    }
    if (!by_column) {
        return UPSTREAM;
    }
    if (reads.tables == 0) {
        return reads.system_tables == 0 && is_about_last(r, &reads) ? HERE_OWN : UPSTREAM;
    }
    return check_reads(s, &reads) == 0 ? HERE_COPY : REFUSED;
}

/* SET of nothing but variables of Pintail's. */
static enum where place_set(struct session *s, const struct stmt *stmt)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < stmt->set.count; i++) {
        const struct set_item *item = &stmt->set.items[i];
        const bool is_system = !item->is_names && !item->is_charset && item->scope != SCOPE_USER;
        own += is_system && (str_starts_with_nocase(item->name, STR("pintail_")) ||
                             str_starts_with_nocase(item->name, STR(BATCH_VARIABLES)))
                   ? 1
                   : 0;
    }
    if (own == stmt->set.count) {
        return HERE_OWN;
    }
    if (own > 0) {
        diag_set_text(s->x.diag, ER_NOT_SUPPORTED_YET,
                      STR("Variables of Pintail (pintail_…) are set by a SET of their own"));
        return REFUSED;
    }
    return UPSTREAM;
}

/* The upstream may be a replica itself: ours are those about our channel, and, while reads go to
 * the copy, those that name none. */
static enum where place_replica(struct str channel, bool by_column)
{
    const bool is_ours = channel.p == NULL ? by_column : str_eq_nocase(channel, STR("pintail"));
    return is_ours ? HERE_OWN : UPSTREAM;
}

static enum where place(struct session *s, const struct router *r, const struct stmt *stmt,
                        enum asked asked)
{
    const bool by_column = asked == ASKED_AGAIN || s->x.vars.pintail_route == ROUTE_COLUMN;
    switch (stmt->kind) {
    case STMT_SELECT:
    case STMT_EXPLAIN:
        return place_query(s, r, stmt, by_column);
    case STMT_SET:
        return place_set(s, stmt);
    case STMT_DESCRIBE:
        return UPSTREAM;
    case STMT_REPLICA_START:
    case STMT_REPLICA_STOP:
    case STMT_REPLICA_RESET:
    case STMT_CHANGE_SOURCE:
        return place_replica(stmt->replica.channel, by_column);
    case STMT_SHOW:
        return stmt->show.kind == SHOW_REPLICA_STATUS ? place_replica(stmt->show.channel, by_column)
                                                      : HERE_OWN;
    default:
        return HERE_OWN;
    }
}

/* A text that our grammar does not take: the upstream says what is wrong with it, or it is us. */
static void answer_unread(struct session *s, struct router *r, struct str raw)
{
    struct str why = arena_dup(&s->x.stmt_arena, s->x.diag->error->message);
    diag_reset(s->x.diag);
    if (ask_upstream(s, raw) == 0) {
        (void)refuse(s, arena_dup_cstr(&s->x.stmt_arena, why));
    }
    fail(s, r);
}

/* Where the text is answered; *out_utf8: as it is run here. REFUSED: x.diag is set. */
static enum where place_text(struct session *s, struct router *r, struct str raw, enum asked asked,
                             struct str *out_utf8)
{
    struct stmt *stmt;
    size_t used;
    if (follow_settings(s, r) != 0 || session_to_utf8(s, raw, out_utf8) != 0) {
        return REFUSED;
    }
    struct parse_options options = exec_parse_options(&s->x);
    options.params_allowed = asked != ASKED_NOW;
    if (sql_parse(*out_utf8, &options, &s->x.stmt_arena, s->x.diag, &stmt, &used) != 0) {
        return REFUSED;
    }
    const enum where where = place(s, r, stmt, asked);
    if (where != UPSTREAM && str_trim(str_from(out_utf8->p + used, out_utf8->len - used)).len > 0) {
        (void)refuse(s, "several statements in one text");
        return REFUSED;
    }
    return where;
}

static bool is_parse_error(const struct session *s)
{
    return s->x.diag->error != NULL && s->x.diag->error->code == ER_PARSE_ERROR;
}

/* ---- Commands ---- */

void route_query(struct session *s, struct router *r, struct str payload)
{
    struct wire_query q;
    struct str utf8 = STR_NULL;
    if (wire_decode_query(payload, s->x.capabilities, &s->x.stmt_arena, &q) != 0) {
        diag_set(s->x.diag, ER_MALFORMED_PACKET);
        reply_error(s);
        return;
    }
    if (r->is_last && shows_conditions(passthrough_skip_blanks(q.sql))) {
        swap_diagnostics(s);
        run_here(s, r, command_query, payload);
        swap_diagnostics(s);
        return;
    }
    switch (place_text(s, r, q.sql, ASKED_NOW, &utf8)) {
    case UPSTREAM:
        passthrough_forward(s, payload);
        return;
    case HERE_COPY:
        if (check_session(s, r) != 0 || check_allowed(s, r, utf8, q.sql) != 0 ||
            wait_fresh(s, r) != 0) {
            fail(s, r);
            return;
        }
        break;
    case HERE_OWN:
        break;
    case REFUSED:
        if (is_parse_error(s)) {
            answer_unread(s, r, q.sql);
        } else {
            fail(s, r);
        }
        return;
    }
    run_here(s, r, command_query, payload);
    finish(s, r);
}

void route_prepare(struct session *s, struct router *r, struct str payload)
{
    const struct str raw = str_from(payload.p + 1, payload.len - 1);
    struct str utf8 = STR_NULL;
    switch (place_text(s, r, raw, ASKED_PREPARE, &utf8)) {
    case UPSTREAM:
        passthrough_forward(s, payload);
        return;
    case HERE_COPY:
        if (check_allowed(s, r, utf8, raw) != 0) {
            fail(s, r);
            return;
        }
        break;
    case HERE_OWN:
        break;
    case REFUSED:
        if (is_parse_error(s)) {
            answer_unread(s, r, raw);
        } else {
            fail(s, r);
        }
        return;
    }
    char *command = ARENA_ARRAY(&s->x.stmt_arena, char, utf8.len + 1);
    command[0] = COM_STMT_PREPARE;
    memcpy(command + 1, utf8.p, utf8.len);
    run_here(s, r, command_stmt_prepare, str_from(command, utf8.len + 1));
    r->last_prepared_here = true;
    finish(s, r);
}

/* The text as the client would send it now. */
static struct str to_client(struct session *s, struct str utf8)
{
    return charset_str_from_utf8(s->x.vars.character_set_client, utf8, &s->x.stmt_arena);
}

/* Before an execution: what held when it was prepared need not hold now. */
static int check_again(struct session *s, struct router *r, uint32_t id)
{
    const struct str text = session_prepared_text(s, id);
    struct str utf8;
    if (text.p == NULL || follow_settings(s, r) != 0) {
        return text.p == NULL ? 0 : -1;
    }
    const struct str raw = to_client(s, text);
    switch (place_text(s, r, raw, ASKED_AGAIN, &utf8)) {
    case HERE_COPY:
        return check_session(s, r) != 0 || check_allowed(s, r, text, raw) != 0 ? -1
                                                                               : wait_fresh(s, r);
    case REFUSED:
        return -1;
    default:
        return 0;
    }
}

static command_fn *handler_of(uint8_t command)
{
    switch (command) {
    case COM_STMT_EXECUTE:
        return command_stmt_execute;
    case COM_STMT_FETCH:
        return command_stmt_fetch;
    case COM_STMT_RESET:
        return command_stmt_reset;
    case COM_STMT_CLOSE:
        return command_stmt_close;
    default:
        return command_stmt_send_long_data;
    }
}

void route_command(struct session *s, struct router *r, struct str payload)
{
    const uint8_t command = (uint8_t)payload.p[0];
    const struct str own = arena_dup(&s->x.stmt_arena, payload);
    uint32_t id = 0;
    for (unsigned i = 0; i < 4; i++) {
        id |= (uint32_t)(uint8_t)own.p[1 + i] << (8 * i);
    }
    if (command == COM_STMT_EXECUTE && check_again(s, r, id) != 0) {
        fail(s, r);
        return;
    }
    run_here(s, r, handler_of(command), own);
    if (command == COM_STMT_EXECUTE || command == COM_STMT_FETCH || command == COM_STMT_RESET) {
        finish(s, r);
    }
}
