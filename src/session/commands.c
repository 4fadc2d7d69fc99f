/*
 * The commands other than those of prepared statements.
 */
#include "base/clock.h"
#include "session/session_int.h"
#include "types/charset.h"

#include <stdio.h>

#define QUERY_TEXT_MAX (1u << 30)

/* How long a client has to take an error that comes before the end of its statement. */
#define TELL_WRITE_US UINT64_C(1000000)

/* ---- Running statements ---- */

static int request_file(void *client, struct str name, struct diag *diag)
{
    struct session *s = client;
    struct server *server = s->all->server;
    if ((s->x.capabilities & CLIENT_LOCAL_FILES) == 0 ||
        !server_bool(server, &server->vars.local_infile)) {
        return diag_set(diag, ER_CLIENT_LOCAL_FILES_DISABLED);
    }
    pkt_begin(&s->conn.w);
    wire_encode_local_infile(&s->conn.w, name);
    if (pkt_end(&s->conn.w) != 0 || session_flush(s) != 0) {
        return -1;
    }
    s->infile_active = true;
    return 0;
}

static int read_file(void *client, struct diag *diag, struct str *out)
{
    struct session *s = client;
    (void)diag;
    if (!s->infile_active) {
        *out = STR_NULL;
        return 0;
    }
    if (session_read(s, out) != 0) {
        s->infile_active = false;
        return -1;
    }
    s->infile_active = out->len > 0;
    return 0;
}

static bool tell_error(void *client, const struct diag *diag)
{
    struct session *s = client;
    if (s->infile_active || !client_sink_abandon(&s->sink)) {
        return false;
    }
    reply_error_of(s, diag);
    const uint64_t deadline = clock_monotonic_us() + TELL_WRITE_US;
    struct diag ignored;
    diag_init(&ignored);
    if (conn_flush(&s->conn, deadline, &ignored) != NET_OK) {
        s->quit = true;
    }
    diag_release(&ignored);
    return true;
}

static const struct exec_client_ops client_ops = {
    .request_file = request_file, .read_file = read_file, .tell_error = tell_error};

/* A statement that failed leaves the rest of the file unread; the client sends it all the same. */
static void drain_file(struct session *s)
{
    struct str ignored;
    fiber_mask_interrupts();
    while (s->infile_active && read_file(s, s->x.diag, &ignored) == 0) {
    }
    fiber_unmask_interrupts();
}

static uint64_t statement_deadline(const struct session *s, const struct stmt *stmt)
{
    uint64_t ms = stmt->max_execution_time_ms;
    if (ms == 0 && stmt->kind == STMT_SELECT) {
        ms = s->x.vars.max_execution_time;
    }
    if (s->x.vars.max_statement_time > 0) {
        ms = (uint64_t)(s->x.vars.max_statement_time * 1000);
    }
    return ms == 0 ? 0 : clock_monotonic_us() + ms * 1000;
}

int session_run(struct session *s, struct stmt *stmt, bool binary, unsigned flags)
{
    client_sink_start(&s->sink, s, binary, NULL);
    s->x.client_ops = &client_ops;
    s->x.client = s;
    const uint64_t deadline = statement_deadline(s, stmt);
    if (deadline != 0) {
        registry_set_deadline(s, deadline);
    }
    const int rc = exec_statement(&s->x, stmt);
    if (deadline != 0 || s->interrupt_sent) {
        registry_set_deadline(s, 0);
    }
    drain_file(s);
    if (s->x.told) {
        /* The client has its error. */
    } else if (rc != 0) {
        reply_error(s);
    } else if (s->sink.begun) {
        reply_end_of_rows(s, flags);
    } else {
        reply_ok(s, flags);
    }
    client_sink_finish(&s->sink);
    s->quit = s->quit || s->x.result.release;
    return rc;
}

int session_to_utf8(struct session *s, struct str text, struct str *out)
{
    const struct charset *cs = s->x.vars.character_set_client;
    if (cs->kind == CHARSET_UTF8 || cs->kind == CHARSET_BINARY ||
        charset_is_utf8_already(cs, text)) {
        *out = text;
        return 0;
    }
    struct bytebuf buf;
    bytebuf_init(&buf, QUERY_TEXT_MAX);
    (void)charset_to_utf8(cs, text, &buf);
    const bool failed = buf.failed;
    *out = failed ? STR_NULL : arena_dup(&s->x.stmt_arena, bytebuf_str(&buf));
    bytebuf_release(&buf);
    return failed ? diag_set(s->x.diag, ER_OUT_OF_RESOURCES) : 0;
}

/* Runs the statements of a text one after the other. */
static void run_text(struct session *s, struct str text)
{
    for (;;) {
        const struct parse_options options = exec_parse_options(&s->x);
        struct statement_account account;
        struct stmt *stmt;
        size_t used;
        session_account_begin(s, &account);
        if (sql_parse(text, &options, &s->x.stmt_arena, s->x.diag, &stmt, &used) != 0) {
            reply_error(s);
            session_account_end(s, &account, text, true);
            return;
        }
        const struct str rest = str_trim(str_from(text.p + used, text.len - used));
        if (rest.len > 0 && !s->multi_statements) {
            const struct str near = str_from(rest.p, MIN(rest.len, (size_t)80));
            diag_set(
                s->x.diag, ER_PARSE_ERROR,
                "You have an error in your SQL syntax; several statements were sent and the client has not enabled that",
                arena_dup_cstr(&s->x.stmt_arena, near), 1);
            reply_error(s);
            session_account_end(s, &account, text, true);
            return;
        }
        session_set_info(s, str_from(text.p, used));
        const int rc = session_run(s, stmt, false, rest.len > 0 ? REPLY_MORE_RESULTS : 0);
        session_account_end(s, &account, str_from(text.p, used), rc != 0);
        if (rc != 0 || rest.len == 0 || s->quit) {
            return;
        }
        text = rest;
        diag_reset(s->x.diag);
        if (session_flush(s) != 0) {
            return;
        }
    }
}

/* A statement that does not parse starts a diagnostics area; one that does decides for itself (SHOW
 * WARNINGS). */
static bool reads_diagnostics(struct str text)
{
    const struct str t = str_trim(text);
    return str_starts_with_nocase(t, STR("SHOW")) || str_starts_with_nocase(t, STR("/*")) ||
           str_starts_with_nocase(t, STR("SELECT @@")); /* @@warning_count */
}

int command_query(struct session *s, struct str payload)
{
    struct wire_query q;
    struct str text;
    if (wire_decode_query(payload, s->x.capabilities, &s->x.stmt_arena, &q) != 0) {
        diag_reset(s->x.diag);
        diag_set(s->x.diag, ER_MALFORMED_PACKET);
        reply_error(s);
        return 0;
    }
    atomic_fetch_add_explicit(&s->all->server->status.queries, 1, memory_order_relaxed);
    if (!reads_diagnostics(q.sql)) {
        diag_reset(s->x.diag);
    }
    /* The packet's memory is reused by reads within the statement (LOCAL INFILE); the tree keeps
     * its own copy. */
    if (session_to_utf8(s, q.sql, &text) != 0) {
        reply_error(s);
        return 0;
    }
    run_text(s, text.p == q.sql.p ? arena_dup(&s->x.stmt_arena, text) : text);
    return 0;
}

/* ---- The small ones ---- */

static int reply_result(struct session *s, int rc)
{
    if (rc != 0) {
        reply_error(s);
    } else {
        reply_ok(s, 0);
    }
    return 0;
}

int command_quit(struct session *s, struct str payload)
{
    (void)payload;
    s->quit = true;
    return 0;
}

int command_init_db(struct session *s, struct str payload)
{
    struct str name;
    int rc = session_to_utf8(s, str_from(payload.p + 1, payload.len - 1), &name);
    if (rc == 0) {
        rc = exec_use(&s->x, name);
        s->x.result.db_changed = rc == 0;
    }
    return reply_result(s, rc);
}

int command_ping(struct session *s, struct str payload)
{
    (void)payload;
    s->x.result = (struct exec_result){0};
    const struct wire_ok ok = {.status = reply_status(s)};
    pkt_begin(&s->conn.w);
    wire_encode_ok(&s->conn.w, s->x.capabilities, WIRE_MARK_OK, &ok);
    return pkt_end(&s->conn.w);
}

int command_statistics(struct session *s, struct str payload)
{
    const struct server *server = s->all->server;
    const struct server_status *st = &server->status;
    const uint64_t uptime = (uint64_t)((clock_wall_us() - server->started_us) / 1000000);
    const uint64_t questions = atomic_load(&st->questions);
    (void)payload;
    const struct str text = arena_printf(
        &s->x.stmt_arena,
        "Uptime: %llu  Threads: %llu  Questions: %llu  Slow queries: %llu  Opens: 0  Flush tables: 0  "
        "Open tables: 0  Queries per second avg: %.3f",
        (unsigned long long)uptime, (unsigned long long)atomic_load(&st->threads_connected),
        (unsigned long long)questions, (unsigned long long)atomic_load(&st->slow_queries),
        (double)questions / (double)MAX(uptime, 1));
    pkt_begin(&s->conn.w);
    pkt_put_str(&s->conn.w, text);
    return pkt_end(&s->conn.w);
}

int command_process_kill(struct session *s, struct str payload)
{
    uint32_t id;
    struct server *server = s->all->server;
    if (wire_decode_u32_command(payload, &id) != 0) {
        return reply_result(s, diag_set(s->x.diag, ER_MALFORMED_PACKET));
    }
    return reply_result(s, server->sessions->kill(server->registry, &s->x, id, false, s->x.diag));
}

int command_set_option(struct session *s, struct str payload)
{
    uint16_t option;
    if (wire_decode_set_option(payload, &option) != 0) {
        return reply_result(s, diag_set(s->x.diag, ER_MALFORMED_PACKET));
    }
    if (option != WIRE_OPTION_MULTI_STATEMENTS_ON && option != WIRE_OPTION_MULTI_STATEMENTS_OFF) {
        return reply_result(s, diag_set(s->x.diag, ER_UNKNOWN_COM_ERROR));
    }
    s->multi_statements = option == WIRE_OPTION_MULTI_STATEMENTS_ON;
    if ((s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0) {
        reply_end_of_rows(s, 0);
    } else {
        reply_eof(s, 0);
    }
    return 0;
}

int command_reset_connection(struct session *s, struct str payload)
{
    (void)payload;
    const struct str db = s->x.db; /* the current database stays, as in MySQL */
    session_free_prepared(s);
    exec_session_reset(&s->x);
    s->x.db = db;
    reply_simple_ok(s);
    return 0;
}

int command_change_user(struct session *s, struct str payload)
{
    if (session_change_user(s, payload) != 0) {
        reply_error(s);
        return -1; /* as MySQL, the connection ends */
    }
    reply_ok(s, 0);
    return 0;
}

int command_unknown(struct session *s, struct str payload)
{
    (void)payload;
    diag_reset(s->x.diag);
    diag_set(s->x.diag, ER_UNKNOWN_COM_ERROR);
    reply_error(s);
    return 0;
}

/* Columns of a table, as definitions without rows. */
int command_field_list(struct session *s, struct str payload)
{
    struct wire_field_list f;
    if (wire_decode_field_list(payload, &f) != 0) {
        return reply_result(s, diag_set(s->x.diag, ER_MALFORMED_PACKET));
    }
    struct result_column *columns;
    uint32_t count;
    if (exec_field_list(&s->x, f.table, f.pattern, &columns, &count) != 0) {
        reply_error(s);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        client_put_field(s, &columns[i]);
    }
    if ((s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0) {
        reply_end_of_rows(s, 0);
    } else {
        reply_eof(s, 0);
    }
    exec_close_statement(&s->x);
    return 0;
}
