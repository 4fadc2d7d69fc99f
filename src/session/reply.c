/*
 * Replies that end a command or a result: OK, ERR, EOF, with warnings, status, and session
 * tracking.
 */
#include "session/session_int.h"

uint16_t reply_status(const struct session *s)
{
    /* What a session of its own has: not what is said of the reply. */
    const unsigned of_session =
        SERVER_STATUS_IN_TRANS | SERVER_STATUS_AUTOCOMMIT | SERVER_STATUS_IN_TRANS_READONLY |
        SERVER_STATUS_NO_BACKSLASH_ESCAPES | MARIADB_SERVER_STATUS_ANSI_QUOTES;
    return s->pass == NULL ? exec_status_flags(&s->x) : (uint16_t)(s->upstream_status & of_session);
}

static uint16_t status_of(const struct session *s, unsigned flags)
{
    unsigned status = reply_status(s);
    if ((flags & REPLY_MORE_RESULTS) != 0) {
        status |= SERVER_MORE_RESULTS_EXISTS;
    }
    return (uint16_t)status;
}

static uint16_t warnings_of(const struct session *s)
{
    if (s->x.result.shows_warnings) {
        return 0;
    }
    return (uint16_t)MIN(s->x.diag->warning_count, 65535u);
}

/* What changed in the session, for clients that track it. */
static struct str tracks_of(struct session *s, struct bytebuf *buf)
{
    if ((s->x.capabilities & CLIENT_SESSION_TRACK) == 0) {
        return STR_NULL;
    }
    if (s->x.result.db_changed && s->x.vars.session_track_schema) {
        const struct wire_track t = {.type = WIRE_TRACK_SCHEMA, .value = s->x.db};
        wire_track_put(buf, &t);
    }
    for (const struct tracked_var *v = s->x.result.tracked; v != NULL; v = v->next) {
        const struct wire_track t = {
            .type = WIRE_TRACK_SYSTEM_VARIABLE, .name = v->name, .value = v->value};
        wire_track_put(buf, &t);
    }
    return bytebuf_str(buf);
}

static void put_ok(struct session *s, enum wire_reply_mark mark, struct wire_ok *ok)
{
    struct bytebuf tracks;
    bytebuf_init(&tracks, 64u << 10);
    ok->tracks = tracks_of(s, &tracks);
    pkt_begin(&s->conn.w);
    wire_encode_ok(&s->conn.w, s->x.capabilities, mark, ok);
    (void)!pkt_end(&s->conn.w);
    bytebuf_release(&tracks);
}

void reply_ok(struct session *s, unsigned flags)
{
    const struct exec_result *r = &s->x.result;
    const bool found_rows = (s->x.capabilities & CLIENT_FOUND_ROWS) != 0;
    struct wire_ok ok = {
        .affected_rows = found_rows ? MAX(r->found_rows, r->affected_rows) : r->affected_rows,
        .last_insert_id = r->insert_id,
        .status = status_of(s, flags),
        .warnings = warnings_of(s),
        .info = r->info,
    };
    put_ok(s, WIRE_MARK_OK, &ok);
}

void reply_simple_ok(struct session *s)
{
    s->x.result = (struct exec_result){0};
    reply_ok(s, 0);
}

/* SQLSTATEs in which MariaDB differs. */
static const struct {
    uint16_t code;
    char sqlstate[6];
} mariadb_states[] = {{ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "22007"}};

static void set_sqlstate(const struct session *s, const struct diag_cond *e, struct wire_err *err)
{
    memcpy(err->sqlstate, e->sqlstate, 5);
    for (size_t i = 0; i < ARRAY_SIZE(mariadb_states); i++) {
        if (s->all->server->dialect == DIALECT_MARIADB && mariadb_states[i].code == e->code) {
            memcpy(err->sqlstate, mariadb_states[i].sqlstate, 5);
        }
    }
}

void reply_error(struct session *s)
{
    reply_error_of(s, s->x.diag);
}

void reply_error_of(struct session *s, const struct diag *diag)
{
    const struct diag_cond *e = diag->error;
    struct wire_err err = {
        .code = ER_UNKNOWN_ERROR, .sqlstate = "HY000", .message = STR("unknown error")};
    if (e != NULL) {
        err.code = e->code;
        set_sqlstate(s, e, &err);
        err.message = e->message;
    }
    pkt_begin(&s->conn.w);
    wire_encode_err(&s->conn.w, s->x.capabilities, &err);
    (void)!pkt_end(&s->conn.w);
}

void reply_eof(struct session *s, unsigned extra_status)
{
    if ((s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0) {
        return;
    }
    const struct wire_eof eof = {.warnings = warnings_of(s),
                                 .status = (uint16_t)(status_of(s, 0) | extra_status)};
    pkt_begin(&s->conn.w);
    wire_encode_eof(&s->conn.w, &eof);
    (void)!pkt_end(&s->conn.w);
}

void reply_end_of_rows(struct session *s, unsigned flags)
{
    if ((s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0) {
        struct wire_ok ok = {.status = status_of(s, flags), .warnings = warnings_of(s)};
        put_ok(s, WIRE_MARK_EOF, &ok);
        return;
    }
    const struct wire_eof eof = {.warnings = warnings_of(s), .status = status_of(s, flags)};
    pkt_begin(&s->conn.w);
    wire_encode_eof(&s->conn.w, &eof);
    (void)!pkt_end(&s->conn.w);
}
