#include "session/multiplex.h"

#include "base/clock.h"
#include "types/collation.h"

#include <stdio.h>
#include <stdlib.h>

/* Settings that every session carries, changed or not. */
static const char *const base_names[] = {
    "character_set_client", /* the first two are those of SET NAMES */
    "character_set_results", "collation_connection", "sql_mode", "time_zone", "autocommit",
};

#define STATE_CHANGE "session_track_state_change"

enum {
    CHARSET_NAMES = 3, /* So many of base_names are character sets. */
};

/* Variables whose value cannot be given to another connection, or means something else there; the
 * last one is on where connections are shared. */
static const char *const unfit_names[] = {
    "timestamp",           "insert_id",  "last_insert_id",   "identity",
    "rand_seed1",          "rand_seed2", "pseudo_thread_id", "gtid_next",
    "gtid_seq_no",         "server_id",  "gtid_domain_id",   "pseudo_slave_mode",
    "pseudo_replica_mode", "profiling",  "skip_replication", "sql_log_bin",
    "last_gtid",           "debug",      "debug_sync",       STATE_CHANGE,
};

/* Names that only one of the servers has. */
static const struct {
    const char *name, *mariadb;
} other_names[] = {
    {"transaction_isolation", "tx_isolation"},
    {"transaction_read_only", "tx_read_only"},
};

static const struct {
    unsigned effect, pin;
} pins[] = {
    {EFFECT_USER_VARIABLE, MUX_PIN_USER_VARIABLE},
    {EFFECT_TEMPORARY_TABLE, MUX_PIN_TEMPORARY_TABLE},
    {EFFECT_LOCK, MUX_PIN_LOCK},
    {EFFECT_PREPARED, MUX_PIN_PREPARED},
    {EFFECT_ROLE, MUX_PIN_ROLE},
    {EFFECT_PROGRAM, MUX_PIN_PROGRAM},
    {EFFECT_UNKNOWN, MUX_PIN_UNKNOWN},
    {EFFECT_NEXT_TRANSACTION, MUX_PIN_NEXT_TRANSACTION},
};

static const struct {
    unsigned pin;
    const char *reason;
} reasons[] = {
    {MUX_PIN_STATEMENTS, "pinned: prepared statement"},
    {MUX_PIN_TEMPORARY_TABLE, "pinned: temporary table"},
    {MUX_PIN_USER_VARIABLE, "pinned: user variable"},
    {MUX_PIN_LOCK, "pinned: lock"},
    {MUX_PIN_PREPARED, "pinned: PREPARE"},
    {MUX_PIN_ROLE, "pinned: role"},
    {MUX_PIN_PROGRAM, "pinned: stored program"},
    {MUX_PIN_VARIABLE, "pinned: system variable"},
    {MUX_PIN_DATABASE, "pinned: database chosen after login"},
    {MUX_PIN_OPTION, "pinned: COM_SET_OPTION"},
    {MUX_PIN_NEXT_TRANSACTION, "pinned: SET TRANSACTION"},
    {MUX_PIN_BINLOG, "pinned: binary log dump"},
    {MUX_PIN_UNKNOWN, "pinned: statement that is not known"},
};

const char *mux_pin_reason(const struct mux *m)
{
    const unsigned pins_now = m->pins | (m->statements > 0 ? MUX_PIN_STATEMENTS : 0);
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        if ((pins_now & reasons[i].pin) != 0) {
            return reasons[i].reason;
        }
    }
    return m->held             ? "held: SQL_CALC_FOUND_ROWS"
           : m->has_conditions ? "held: warnings or an error"
                               : NULL;
}

static void forget_names(struct mux *m)
{
    for (unsigned i = 0; i < m->name_count; i++) {
        free(m->names[i]);
    }
    m->name_count = 0;
}

void mux_release(struct mux *m)
{
    forget_names(m);
    free(m->settings);
    free(m->db);
    free(m->charsets);
    free(m->role);
    *m = (struct mux){0};
}

/* Reasons behind which a role may have been set. */
static const unsigned role_pins =
    MUX_PIN_ROLE | MUX_PIN_PROGRAM | MUX_PIN_PREPARED | MUX_PIN_UNKNOWN;

void mux_reset(struct mux *m)
{
    forget_names(m);
    m->doubts_role = m->doubts_role || (m->pins & role_pins) != 0;
    m->pins &= MUX_PIN_OPTION | MUX_PIN_BINLOG;
    /* Where connections are shared the role is read after the reset. */
    m->pins |= m->doubts_role && !m->shares ? MUX_PIN_ROLE : 0;
    m->tells_state = m->told_at_login;
    m->statements = 0;
    m->mapped = 0;
    m->insert_id = false;
    m->held = false;
    m->has_conditions = false;
    m->conditions_linger = false;
    m->conditions_lost = false;
    m->changed = true;
    m->reading_changed = true;
}

/* ---- Reading the settings ---- */

static bool is_number(struct str s)
{
    if (s.len == 0) {
        return false;
    }
    for (size_t i = s.p[0] == '-' && s.len > 1 ? 1 : 0; i < s.len; i++) {
        if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '.') {
            return false;
        }
    }
    return true;
}

/* Can the value stand in quotes under every sql_mode and character set? */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.p[i];
        if (c < ' ' || c > '~' || c == '\'' || c == '\\') {
            return false;
        }
    }
    return true;
}

/* name=value, as it can be sent. Returns false when it cannot. */
static bool put_setting(struct bytebuf *out, const char *name, struct str value)
{
    bytebuf_put_str(out, out->len == 0 ? STR("SET @@SESSION.") : STR(", @@SESSION."));
    bytebuf_put_str(out, str_from_cstr(name));
    if (value.p == NULL) {
        bytebuf_put_str(out, STR("=NULL"));
        return true;
    }
    const bool quoted = !is_number(value);
    bytebuf_put_str(out, quoted ? STR("='") : STR("="));
    bytebuf_put_str(out, value);
    bytebuf_put_str(out, quoted ? STR("'") : STR(""));
    return is_plain(value);
}

/*
 * SET NAMES, when that says all of the first two: results name the collation that the login or the
 * client's own SET NAMES had, which no variable shows and setting them by their character sets
 * would make the default one. Returns how many settings it has put.
 */
static unsigned put_names(struct bytebuf *out, const struct upstream_result *r)
{
    const struct str client = r->rows[0][0];
    const struct str results = r->rows[0][1];
    const struct collation *c = collation_find(r->collations[0]);
    if (c == NULL || results.p == NULL || !str_eq(client, results) ||
        !str_eq(results, c->charset->name)) {
        return 0;
    }
    bytebuf_put_str(out, STR("SET NAMES '"));
    bytebuf_put_str(out, c->charset->name);
    bytebuf_put_str(out, STR("' COLLATE '"));
    bytebuf_put_str(out, c->name);
    bytebuf_put_str(out, STR("'"));
    return 2;
}

static const char *name_for(const struct upstream_conn *c, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(other_names); i++) {
        if (c->kind == UPSTREAM_MARIADB && strcmp(name, other_names[i].name) == 0) {
            return other_names[i].mariadb;
        }
    }
    return name;
}

/* The names to be read: of all sessions, and what this one has changed. */
static unsigned list_names(const struct mux *m, const struct upstream_conn *c, const char **out)
{
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(base_names); i++) {
        out[n++] = base_names[i];
    }
    for (unsigned i = 0; i < m->name_count; i++) {
        out[n++] = name_for(c, m->names[i]);
    }
    if (m->insert_id && m->shares) {
        out[n++] = "last_insert_id";
    }
    return n;
}

static int replace_text(char **p, struct str text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    free(*p);
    *p = copy;
    return 0;
}

/*
 * What a login has given, kept from the first reading; and is the role still that of the login?
 * columns: whether changes of state are told, role.
 */
static int take_login(struct mux *m, const struct str *columns, struct str charsets)
{
    const struct str role = columns[1].p == NULL ? STR("") : columns[1];
    if (m->role == NULL) {
        m->told_at_login = str_eq(columns[0], STR("1"));
        m->tells_state = m->told_at_login;
        const bool has_role = replace_text(&m->role, role) == 0;
        return has_role ? replace_text(&m->charsets, charsets) : -1;
    }
    if (m->doubts_role && !str_eq(role, str_from_cstr(m->role))) {
        m->pins |= MUX_PIN_ROLE;
    }
    m->doubts_role = false;
    return 0;
}

/* Takes over what the server has said. Returns 0, 1 when something cannot be carried, -1. */
static int take_settings(struct mux *m, const char *const *names, unsigned count,
                         const struct upstream_result *r)
{
    struct bytebuf out;
    bool fits = true;
    bytebuf_init(&out, 64u << 10);
    size_t charsets_len = 0;
    for (unsigned i = put_names(&out, r); i < count; i++) {
        fits = put_setting(&out, names[i], r->rows[0][i]) && fits;
        charsets_len = i == CHARSET_NAMES - 1 ? out.len : charsets_len;
    }
    if (m->shares) {
        (void)put_setting(&out, STATE_CHANGE, STR("1"));
    }
    const struct str db = r->rows[0][count];
    const struct str timeout = r->rows[0][count + 1];
    int rc = out.failed || replace_text(&m->settings, bytebuf_str(&out)) != 0 ||
                     replace_text(&m->db, db.p == NULL ? STR("") : db) != 0 ||
                     (m->shares &&
                      take_login(m, r->rows[0] + count + 2, str_from(out.p, charsets_len)) != 0)
                 ? -1
                 : 0;
    m->idle_timeout_us = 0;
    for (size_t i = 0; i < timeout.len; i++) {
        m->idle_timeout_us = m->idle_timeout_us * 10 + (uint64_t)(timeout.p[i] - '0');
    }
    m->idle_timeout_us *= 1000000;
    m->pins |= fits ? 0 : MUX_PIN_VARIABLE;
    /* A connection cannot be made to have no database again. */
    m->pins |= m->shares && m->has_db != (db.p != NULL) ? MUX_PIN_DATABASE : 0;
    bytebuf_release(&out);
    return rc;
}

static bool has_roles(const struct upstream_conn *c)
{
    return c->kind == UPSTREAM_MARIADB || c->version_id >= 80000;
}

static int read_settings(struct mux *m, struct upstream_conn *c, struct diag *d)
{
    const char *names[ARRAY_SIZE(base_names) + MUX_VARIABLES_MAX + 1];
    const unsigned count = list_names(m, c, names);
    struct arena arena;
    struct bytebuf sql;
    struct upstream_result r;
    arena_init(&arena, 0);
    bytebuf_init(&sql, 64u << 10);
    bytebuf_put_str(&sql, STR("SELECT "));
    for (unsigned i = 0; i < count; i++) {
        bytebuf_put_str(&sql, STR("@@SESSION."));
        bytebuf_put_str(&sql, str_from_cstr(names[i]));
        bytebuf_put_str(&sql, STR(","));
    }
    bytebuf_put_str(&sql, STR("DATABASE(),@@SESSION.wait_timeout"));
    if (m->shares) {
        bytebuf_put_str(&sql, STR(",@@SESSION." STATE_CHANGE));
        bytebuf_put_str(&sql, has_roles(c) ? STR(",CURRENT_ROLE()") : STR(",NULL"));
    }
    int rc = upstream_query(c, bytebuf_str(&sql), &arena, d, &r);
    if (rc == 0 && (r.row_count != 1 || r.column_count != count + (m->shares ? 4 : 2))) {
        rc = diag_set(d, ER_MALFORMED_PACKET);
    } else if (rc == 0 && take_settings(m, names, count, &r) != 0) {
        rc = diag_set(d, ER_OUT_OF_RESOURCES);
    } else if (rc != 0 && !c->broken) {
        /* A name that cannot be read: it cannot be carried either. */
        diag_reset(d);
        m->pins |= MUX_PIN_VARIABLE;
        rc = 0;
    }
    m->changed = false;
    m->reading_changed = false;
    bytebuf_release(&sql);
    arena_release(&arena);
    return rc;
}

int mux_refresh(struct mux *m, struct upstream_conn *c, struct diag *d)
{
    m->moved = true; /* what ROW_COUNT() gives now is not the client's */
    return read_settings(m, c, d);
}

/* What a login makes of the client's collation, as a statement. */
static int assume_settings(struct mux *m, uint16_t collation, struct str database, struct diag *d)
{
    const struct collation *c = collation_find(collation);
    char text[256];
    if (c == NULL) {
        m->pins |= MUX_PIN_VARIABLE;
        return 0;
    }
    const int len = snprintf(text, sizeof text, "SET NAMES '%.*s' COLLATE '%.*s'",
                             STR_FMT(c->charset->name), STR_FMT(c->name));
    return replace_text(&m->settings, str_from(text, (size_t)len)) == 0 &&
                   replace_text(&m->db, database) == 0
               ? 0
               : diag_set(d, ER_OUT_OF_RESOURCES);
}

/* Has a connection that is shared report changes of session state. */
static int track_state(struct mux *m, struct upstream_conn *c, struct diag *d)
{
    if (upstream_exec(c, STR("SET @@SESSION." STATE_CHANGE "=1"), d) == 0) {
        return 0;
    }
    if (c->broken) {
        return -1;
    }
    diag_reset(d); /* it may set its password only, and then nothing else either */
    m->pins |= MUX_PIN_VARIABLE;
    return 0;
}

int mux_start(struct mux *m, struct upstream_conn *c, bool shares, uint16_t collation,
              struct str database, struct diag *d)
{
    mux_release(m);
    m->shares = shares;
    m->lets_linger = c->kind == UPSTREAM_MARIADB;
    m->has_db = database.len > 0;
    if (!shares) {
        return assume_settings(m, collation, database, d);
    }
    return read_settings(m, c, d) != 0 ? -1 : track_state(m, c, d);
}

int mux_restore(struct mux *m, struct upstream_conn *c, struct diag *d)
{
    /* MariaDB gives the connection the character sets of whoever logged in last on it, MySQL those
     * that its configuration names. */
    if (c->kind == UPSTREAM_MARIADB && m->charsets != NULL && m->charsets[0] != '\0' &&
        upstream_exec(c, str_from_cstr(m->charsets), d) != 0) {
        return -1;
    }
    return track_state(m, c, d) != 0 ? -1 : mux_refresh(m, c, d);
}

bool mux_may_have_db(const struct mux *m)
{
    return m->shares && !m->has_db && (m->changed || m->pins != 0);
}

bool mux_has_own_role(struct mux *m, struct upstream_conn *c)
{
    struct diag d;
    if (!m->shares || (!m->doubts_role && (m->pins & role_pins) == 0)) {
        return true;
    }
    diag_init(&d);
    forget_names(m);
    m->pins = 0;
    m->doubts_role = true;
    const bool is_read = read_settings(m, c, &d) == 0;
    diag_release(&d);
    return is_read && (m->pins & (MUX_PIN_ROLE | MUX_PIN_VARIABLE)) == 0;
}

bool mux_can_move(const struct mux *m)
{
    return m->pins == 0 && m->statements == 0 && !m->changed && m->settings != NULL;
}

/* ---- Statements ---- */

static void add_name(struct mux *m, struct str name)
{
    if (str_eq_nocase(name, STR(STATE_CHANGE))) {
        m->tells_state = true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(unfit_names); i++) {
        if (str_eq_nocase(name, str_from_cstr(unfit_names[i]))) {
            m->pins |= MUX_PIN_VARIABLE;
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(base_names); i++) {
        if (str_eq_nocase(name, str_from_cstr(base_names[i]))) {
            return;
        }
    }
    for (unsigned i = 0; i < m->name_count; i++) {
        if (str_eq_nocase(name, str_from_cstr(m->names[i]))) {
            return;
        }
    }
    char *copy = NULL;
    if (m->name_count == MUX_VARIABLES_MAX || !is_plain(name) || replace_text(&copy, name) != 0) {
        m->pins |= MUX_PIN_VARIABLE;
        return;
    }
    m->names[m->name_count++] = copy;
}

int mux_check(const struct mux *m, unsigned effects, struct diag *d)
{
    if ((effects & EFFECT_READS_ROW_COUNT) != 0 && m->moved) {
        return diag_set(d, ER_NOT_SUPPORTED_YET,
                        "ROW_COUNT() or FOUND_ROWS() after the connection was given back "
                        "(pool.mode: transaction)");
    }
    if ((effects & EFFECT_READS_DIAGNOSTICS) != 0 && m->conditions_lost) {
        return diag_set(d, ER_NOT_SUPPORTED_YET,
                        "warnings of an earlier statement after the connection to the server was "
                        "given back (pool.mode: transaction) or lost");
    }
    if ((effects & EFFECT_READS_INSERT_ID) != 0 && m->insert_id_lost) {
        return diag_set(d, ER_NOT_SUPPORTED_YET,
                        "LAST_INSERT_ID() after the connection to the server was lost");
    }
    return 0;
}

/* Returns whether one of the effects pins. */
static bool note_pins(struct mux *m, unsigned effects)
{
    unsigned noted = 0;
    for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
        noted |= (effects & pins[i].effect) != 0 ? pins[i].pin : 0;
    }
    m->pins |= noted;
    return noted != 0;
}

void mux_note(struct mux *m, const struct sql_effects *e)
{
    (void)note_pins(m, e->effects);
    for (unsigned i = 0; i < e->variable_count; i++) {
        add_name(m, e->variables[i]);
    }
    m->reads_conditions = false;
}

void mux_statement(struct mux *m, unsigned effects)
{
    const unsigned settings = EFFECT_VARIABLES | EFFECT_NAMES | EFFECT_USE;
    const unsigned reading = EFFECT_READING | EFFECT_NAMES | EFFECT_USE;
    const bool has_pinned = note_pins(m, effects);
    if (m->mapped > 0 && (effects & reading) != 0) {
        /* They were prepared as texts were read before; elsewhere they would be prepared anew. */
        m->pins |= MUX_PIN_STATEMENTS;
    }
    m->changed = m->changed || (effects & settings) != 0;
    m->reading_changed = m->reading_changed || (effects & reading) != 0;
    m->may_change += has_pinned || (effects & (settings | EFFECT_READS_SCHEMA)) != 0 ? 1 : 0;
    m->moved = false;
    m->held = (effects & EFFECT_FOUND_ROWS) != 0;
    m->reads_conditions = (effects & EFFECT_READS_DIAGNOSTICS) != 0;
    m->held_until_us = 0;
}

void mux_use(struct mux *m)
{
    m->changed = true;
    m->reading_changed = true;
    m->may_change++;
}

bool mux_tracked(struct mux *m, const struct wire_track *t)
{
    /* It is told also when a routine of another database has run, or, by MariaDB,
     * INFORMATION_SCHEMA was read: then it is as it was. */
    if (t->type == WIRE_TRACK_SCHEMA &&
        (m->db == NULL || !str_eq(t->value, str_from_cstr(m->db)))) {
        (void)replace_text(&m->db, t->value);
        m->changed = true;
        m->reading_changed = true;
        m->may_change++; /* that change is told with it */
    }
    if (t->type != WIRE_TRACK_STATE_CHANGE || !m->shares) {
        return true;
    }
    m->state_changed = true;
    return m->tells_state;
}

void mux_count_change(struct mux *m)
{
    m->changes += m->state_changed ? 1 : 0;
    m->state_changed = false;
}

/*
 * Reading the settings back is a SELECT of one row. Is what it leaves behind (no warnings,
 * ROW_COUNT() -1, FOUND_ROWS() 1) what the client's own statement has left?
 */
static bool hides_reading(const struct reply_track *t)
{
    return (t->command == COM_QUERY || t->command == COM_STMT_EXECUTE) && !t->failed &&
           t->results == 1 && t->rows == 1 && t->last_warnings == 0;
}

/* Does the reply show that the statement has used a table? It need not. */
static bool shows_table(const struct reply_track *t, uint16_t status)
{
    return t->last_affected_rows > 0 ||
           (status & (SERVER_STATUS_NO_INDEX_USED | SERVER_STATUS_NO_GOOD_INDEX_USED)) != 0;
}

/* Does the statement leave nothing of the conditions of those before it? */
static bool clears_conditions(const struct mux *m, const struct reply_track *t, uint16_t status)
{
    const bool is_statement = t->command == COM_QUERY || t->command == COM_STMT_EXECUTE;
    return m->lets_linger ? shows_table(t, status) : is_statement;
}

enum mux_next mux_after_reply(struct mux *m, const struct reply_track *t, uint16_t status)
{
    const bool left_some = t->failed || t->last_warnings > 0;
    const bool may_change = m->may_change > 0;
    m->conditions_linger =
        left_some || (m->lets_linger && m->conditions_linger && !shows_table(t, status));
    m->conditions_lost = m->conditions_lost && !left_some && !clears_conditions(m, t, status);
    m->has_conditions = left_some || (m->has_conditions && m->reads_conditions);
    m->pins |= m->changes > m->may_change ? MUX_PIN_PROGRAM : 0;
    m->changes = 0;
    m->may_change = 0;
    m->insert_id = m->insert_id || t->last_insert_id != 0;
    m->changed = m->changed || (m->shares && t->last_insert_id != 0);
    if ((status & SERVER_STATUS_IN_TRANS) != 0) {
        m->pins &= ~(unsigned)MUX_PIN_NEXT_TRANSACTION;
        return MUX_KEEP;
    }
    if (m->pins != 0 || m->statements > 0 || (status & SERVER_STATUS_CURSOR_EXISTS) != 0) {
        return MUX_KEEP;
    }
    if (!m->shares) {
        m->insert_id_lost = m->insert_id_lost && t->last_insert_id == 0;
        return m->changed && !m->held && hides_reading(t) ? MUX_FREE : MUX_KEEP;
    }
    if (m->has_conditions || m->held) {
        m->held_until_us = 0;
        return MUX_HOLD;
    }
    /* Reading what an earlier statement has changed would leave a ROW_COUNT() of its own. */
    if (t->last_affected_rows > 0 || m->conditions_linger || (m->changed && !may_change)) {
        m->held_until_us = clock_monotonic_us() + MUX_HOLD_US;
        return MUX_HOLD;
    }
    /* Preparing a statement leaves ROW_COUNT() as it is. */
    return t->command == COM_STMT_PREPARE && m->held_until_us != 0 ? MUX_HOLD : MUX_FREE;
}

/* ---- Changing connections ---- */

void mux_lost(struct mux *m)
{
    m->moved = true;
    m->conditions_lost = m->conditions_lost || m->has_conditions || m->conditions_linger;
    m->has_conditions = false;
    m->conditions_linger = false;
}

int mux_leave(struct mux *m, struct upstream_conn *c, uint64_t session_id, struct diag *d)
{
    const bool is_read = m->changed;
    if (is_read && read_settings(m, c, d) != 0) {
        return -1;
    }
    if (m->pins != 0 || !m->shares) {
        return 1;
    }
    if (replace_text(&c->settings.text, str_from_cstr(m->settings)) != 0 ||
        replace_text(&c->settings.db, str_from_cstr(m->db)) != 0) {
        return -1;
    }
    /* ROW_COUNT() there is the session's, unless settings were read or nothing was executed. */
    c->settings.owner = is_read || m->moved ? 0 : session_id;
    m->moved = true;
    m->held_until_us = 0;
    if (m->conditions_linger) {
        /* Nobody else may find them: whoever takes the connection resets it. */
        upstream_forget(c);
        m->conditions_lost = true;
    }
    m->conditions_linger = false;
    return 0;
}

static int choose_db(struct mux *m, struct upstream_conn *c, struct diag *d)
{
    if (m->db[0] == '\0' || (c->settings.db != NULL && strcmp(c->settings.db, m->db) == 0)) {
        return 0;
    }
    return upstream_use(c, str_from_cstr(m->db), d);
}

static int send_settings(struct mux *m, struct upstream_conn *c, struct diag *d)
{
    struct arena arena;
    struct upstream_result r;
    arena_init(&arena, 0);
    int rc = upstream_query(c, str_from_cstr(m->settings), &arena, d, &r);
    if (rc == 0 && r.ok.warnings > 0) {
        rc = upstream_exec(c, STR("DO 0"), d); /* they are nothing the client caused */
    }
    arena_release(&arena);
    return rc;
}

int mux_enter(struct mux *m, struct upstream_conn *c, uint64_t session_id, struct diag *d)
{
    const bool same_settings =
        c->settings.text != NULL && strcmp(c->settings.text, m->settings) == 0;
    if (!same_settings && (upstream_reset(c, d) != 0 || send_settings(m, c, d) != 0)) {
        return -1;
    }
    if (choose_db(m, c, d) != 0) {
        return -1;
    }
    m->moved = c->settings.owner != session_id;
    m->insert_id_lost = m->insert_id && !m->shares;
    free(c->settings.text);
    free(c->settings.db);
    c->settings.text = NULL;
    c->settings.db = NULL;
    return 0;
}
