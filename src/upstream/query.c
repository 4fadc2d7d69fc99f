/* Statements of our own on an upstream connection, in the text and in the binary protocol. */
#include "upstream/upstream.h"
#include "upstream_int.h"

#include "base/clock.h"
#include "wire/column.h"
#include "wire/command.h"
#include "wire/value.h"

/* ---- Sending commands, reading what they begin with ---- */

static int begin(struct upstream_conn *c, struct diag *d)
{
    if (c->broken || !c->logged_in) {
        return upstream_error(d, CR_SERVER_GONE_ERROR, "MySQL server at '%s' has gone away",
                              upstream_name(c->upstream));
    }
    conn_begin_command(&c->conn);
    pkt_begin(&c->conn.w);
    return 0;
}

static int finish(struct upstream_conn *c, struct diag *d)
{
    if (pkt_end(&c->conn.w) != 0) {
        return diag_set(d, ER_NET_PACKET_TOO_LARGE);
    }
    return upstream_send(c, upstream_write_deadline(c), d);
}

static int read_packet(struct upstream_conn *c, struct str *out, struct diag *d)
{
    return upstream_read_next(c, out, d);
}

static int mark_of(struct str payload)
{
    return payload.len > 0 ? (uint8_t)payload.p[0] : -1;
}

static int take_ok(struct upstream_conn *c, struct str payload, struct wire_ok *out, struct diag *d)
{
    if (wire_decode_ok(payload, c->capabilities, out) != 0) {
        return upstream_malformed(c, d);
    }
    c->status = out->status;
    return 0;
}

/* Answers a request for a file of ours with none. */
static int refuse_file(struct upstream_conn *c, struct str *out_payload, struct diag *d)
{
    pkt_begin(&c->conn.w);
    return finish(c, d) != 0 ? -1 : read_packet(c, out_payload, d);
}

/*
 * What a statement is answered with: *out_columns of a result, or 0 with *out_ok. 0, or -1 with d
 * set. *out_bare: no definitions follow (a session's resultset_metadata is NONE); with NULL that is
 * an error.
 */
static int read_head(struct upstream_conn *c, uint32_t *out_columns, bool *out_bare,
                     struct wire_ok *out_ok, struct diag *d)
{
    struct str payload;
    struct wire_result_head head;
    *out_columns = 0;
    *out_ok = (struct wire_ok){0};
    if (read_packet(c, &payload, d) != 0) {
        return -1;
    }
    if (mark_of(payload) == WIRE_MARK_LOCAL_INFILE && refuse_file(c, &payload, d) != 0) {
        return -1;
    }
    switch (mark_of(payload)) {
    case WIRE_MARK_OK:
        return take_ok(c, payload, out_ok, d);
    case WIRE_MARK_ERR:
        c->status &= (uint16_t)~SERVER_MORE_RESULTS_EXISTS;
        return upstream_set_err(c, payload, d);
    default:
        break;
    }
    if (wire_decode_result_head(payload, c->capabilities, &head) != 0 || head.columns == 0 ||
        head.columns > WIRE_MAX_COLUMNS || (!head.has_metadata && out_bare == NULL)) {
        return upstream_malformed(c, d);
    }
    if (out_bare != NULL) {
        *out_bare = !head.has_metadata;
    }
    *out_columns = (uint32_t)head.columns;
    return 0;
}

/* The EOF behind definitions, on a connection that has them. */
static int skip_eof(struct upstream_conn *c, struct diag *d)
{
    struct str payload;
    struct wire_eof eof;
    if ((c->capabilities & CLIENT_DEPRECATE_EOF) != 0) {
        return 0;
    }
    if (read_packet(c, &payload, d) != 0) {
        return -1;
    }
    return wire_decode_eof(payload, &eof) == 0 ? 0 : upstream_malformed(c, d);
}

static int skip_definitions(struct upstream_conn *c, uint32_t count, struct diag *d)
{
    struct str payload;
    for (uint32_t i = 0; i < count; i++) {
        if (read_packet(c, &payload, d) != 0) {
            return -1;
        }
    }
    return count > 0 ? skip_eof(c, d) : 0;
}

static int take_eof(struct upstream_conn *c, struct str payload, struct wire_ok *out,
                    struct diag *d)
{
    struct wire_eof eof;
    if (wire_decode_eof(payload, &eof) != 0) {
        return upstream_malformed(c, d);
    }
    *out = (struct wire_ok){.status = eof.status, .warnings = eof.warnings};
    c->status = eof.status;
    return 0;
}

/* A row: 1, with its payload; the end: 0, with out_ok; or -1 with d set. */
static int read_row(struct upstream_conn *c, struct str *out_payload, struct wire_ok *out_ok,
                    struct diag *d)
{
    if (read_packet(c, out_payload, d) != 0) {
        return -1;
    }
    switch (wire_row_kind(*out_payload, c->capabilities)) {
    case WIRE_ROW_DATA:
        return 1;
    case WIRE_ROW_END_OK:
        return take_ok(c, *out_payload, out_ok, d);
    case WIRE_ROW_ERR:
        c->status &= (uint16_t)~SERVER_MORE_RESULTS_EXISTS;
        return upstream_set_err(c, *out_payload, d);
    case WIRE_ROW_END_EOF:
        return take_eof(c, *out_payload, out_ok, d);
    }
    return upstream_malformed(c, d);
}

/* Reads and drops the results that follow. Their errors are errors. */
static int skip_results(struct upstream_conn *c, struct diag *d)
{
    while (c->status & SERVER_MORE_RESULTS_EXISTS) {
        struct str payload;
        struct wire_ok ok;
        uint32_t columns;
        bool bare = false;
        if (read_head(c, &columns, &bare, &ok, d) != 0) {
            return -1;
        }
        if (columns > 0 && (bare ? skip_eof(c, d) : skip_definitions(c, columns, d)) != 0) {
            return -1;
        }
        int rc = columns > 0;
        while (rc > 0) {
            rc = read_row(c, &payload, &ok, d);
        }
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static int send_query(struct upstream_conn *c, struct str sql, struct diag *d)
{
    if (begin(c, d) != 0) {
        return -1;
    }
    wire_encode_query(&c->conn.w, c->capabilities, &(struct wire_query){.sql = sql});
    return finish(c, d);
}

/* ---- Whole results ---- */

static int read_names(struct upstream_conn *c, bool bare, struct arena *arena,
                      struct upstream_result *out, struct diag *d)
{
    out->names = ARENA_ARRAY(arena, struct str, out->column_count);
    out->collations = ARENA_ARRAY(arena, uint16_t, out->column_count);
    for (uint32_t i = 0; i < out->column_count; i++) {
        out->names[i] = STR_NULL;
        out->collations[i] = 0;
    }
    for (uint32_t i = 0; i < out->column_count && !bare; i++) {
        struct str payload;
        struct wire_column column;
        if (read_packet(c, &payload, d) != 0) {
            return -1;
        }
        if (wire_decode_column(payload, c->capabilities, &column) != 0) {
            return upstream_malformed(c, d);
        }
        out->names[i] = arena_dup(arena, column.name);
        out->collations[i] = column.collation;
    }
    return skip_eof(c, d);
}

/* Makes room for one row more; the array doubles. */
static void grow_rows(struct upstream_result *out, struct arena *arena)
{
    const uint64_t n = out->row_count;
    if (n != 0 && (n < 16 || (n & (n - 1)) != 0)) {
        return;
    }
    struct str **rows = ARENA_ARRAY(arena, struct str *, n == 0 ? 16 : 2 * n);
    if (n > 0) {
        memcpy(rows, out->rows, (size_t)n * sizeof(*rows));
    }
    out->rows = rows;
}

static int keep_row(struct upstream_conn *c, struct str payload, struct arena *arena,
                    struct upstream_result *out, struct diag *d)
{
    struct str *values = ARENA_ARRAY(arena, struct str, out->column_count);
    if (wire_decode_text_row(arena_dup(arena, payload), out->column_count, values) != 0) {
        return upstream_malformed(c, d);
    }
    grow_rows(out, arena);
    out->rows[out->row_count++] = values;
    return 0;
}

static int read_rows(struct upstream_conn *c, struct arena *arena, struct upstream_result *out,
                     struct diag *d)
{
    size_t total = 0;
    for (;;) {
        struct str payload;
        const int rc = read_row(c, &payload, &out->ok, d);
        if (rc <= 0) {
            return rc;
        }
        total += payload.len + out->column_count * sizeof(struct str);
        if (total > UPSTREAM_RESULT_MAX) {
            c->broken = true;
            return upstream_error(d, CR_SERVER_LOST, "result of '%s' is larger than %d bytes",
                                  upstream_name(c->upstream), UPSTREAM_RESULT_MAX);
        }
        if (keep_row(c, payload, arena, out, d) != 0) {
            return -1;
        }
    }
}

int upstream_query(struct upstream_conn *c, struct str sql, struct arena *arena, struct diag *d,
                   struct upstream_result *out)
{
    bool bare = false;
    *out = (struct upstream_result){0};
    if (send_query(c, sql, d) != 0 || read_head(c, &out->column_count, &bare, &out->ok, d) != 0) {
        return -1;
    }
    if (out->column_count > 0 &&
        (read_names(c, bare, arena, out, d) != 0 || read_rows(c, arena, out, d) != 0)) {
        return -1;
    }
    /* Strings of the OK were borrowed from the packet. */
    out->ok.info = STR_NULL;
    out->ok.tracks = STR_NULL;
    return skip_results(c, d);
}

int upstream_exec(struct upstream_conn *c, struct str sql, struct diag *d)
{
    struct arena arena;
    struct upstream_result result;
    arena_init(&arena, 0);
    const int rc = upstream_query(c, sql, &arena, d, &result);
    arena_release(&arena);
    return rc;
}

/* ---- Simple commands ---- */

/* A command that is answered by OK; its text is empty for most. */
static int simple(struct upstream_conn *c, enum wire_command command, struct str text,
                  uint64_t deadline_us, struct diag *d)
{
    struct str payload;
    struct wire_ok ok;
    if (begin(c, d) != 0) {
        return -1;
    }
    wire_encode_text_command(&c->conn.w, command, text);
    if (pkt_end(&c->conn.w) != 0 || upstream_send(c, deadline_us, d) != 0 ||
        upstream_read(c, deadline_us, &payload, d) != 0) {
        return -1;
    }
    if (mark_of(payload) == WIRE_MARK_ERR) {
        return upstream_set_err(c, payload, d);
    }
    return mark_of(payload) == WIRE_MARK_OK ? take_ok(c, payload, &ok, d)
                                            : upstream_malformed(c, d);
}

int upstream_runs_nothing_at_login(struct upstream_conn *c, struct diag *d, bool *out_is_so)
{
    struct arena arena;
    struct upstream_result r;
    arena_init(&arena, 0);
    const int rc = upstream_query(c, STR("SELECT @@GLOBAL.init_connect = ''"), &arena, d, &r);
    *out_is_so =
        rc == 0 && r.row_count == 1 && r.column_count == 1 && str_eq(r.rows[0][0], STR("1"));
    arena_release(&arena);
    return rc;
}

bool upstream_ping(struct upstream_conn *c)
{
    struct diag ignored;
    diag_init(&ignored);
    const uint64_t deadline_us =
        c->connect_timeout_us != 0 ? clock_monotonic_us() + c->connect_timeout_us : CONN_FOREVER;
    const int rc = simple(c, COM_PING, STR(""), deadline_us, &ignored);
    diag_release(&ignored);
    return rc == 0;
}

int upstream_reset(struct upstream_conn *c, struct diag *d)
{
    upstream_forget_statements(c);
    return simple(c, COM_RESET_CONNECTION, STR(""), upstream_read_deadline(c), d);
}

int upstream_use(struct upstream_conn *c, struct str db, struct diag *d)
{
    return simple(c, COM_INIT_DB, db, upstream_read_deadline(c), d);
}

/* ---- Rows one by one ---- */

struct upstream_rows {
    struct upstream_conn *c;
    uint32_t column_count;
    struct wire_column *columns;
    uint32_t stmt_id; /* Of a prepared statement. */
    bool binary;
    bool ended; /* No row is to come. */
};

static struct wire_column copy_column(struct arena *a, const struct wire_column *column)
{
    struct wire_column copy = *column;
    copy.schema = arena_dup(a, column->schema);
    copy.table = arena_dup(a, column->table);
    copy.org_table = arena_dup(a, column->org_table);
    copy.name = arena_dup(a, column->name);
    copy.org_name = arena_dup(a, column->org_name);
    copy.extended = arena_dup(a, column->extended);
    copy.default_value = STR_NULL;
    return copy;
}

static int read_columns(struct upstream_rows *r, struct arena *arena, struct diag *d)
{
    r->columns = ARENA_ARRAY(arena, struct wire_column, r->column_count);
    for (uint32_t i = 0; i < r->column_count; i++) {
        struct str payload;
        struct wire_column column;
        if (read_packet(r->c, &payload, d) != 0) {
            return -1;
        }
        if (wire_decode_column(payload, r->c->capabilities, &column) != 0) {
            return upstream_malformed(r->c, d);
        }
        r->columns[i] = copy_column(arena, &column);
    }
    return r->column_count > 0 ? skip_eof(r->c, d) : 0;
}

/* The reply to COM_STMT_PREPARE. */
static int read_prepared(struct upstream_conn *c, struct wire_prepare_ok *out, struct diag *d)
{
    struct str payload;
    if (read_packet(c, &payload, d) != 0) {
        return -1;
    }
    if (mark_of(payload) == WIRE_MARK_ERR) {
        return upstream_set_err(c, payload, d);
    }
    if (wire_decode_prepare_ok(payload, c->capabilities, out) != 0) {
        return upstream_malformed(c, d);
    }
    return !out->has_metadata || (skip_definitions(c, out->params, d) == 0 &&
                                  skip_definitions(c, out->columns, d) == 0)
               ? 0
               : -1;
}

int upstream_prepare(struct upstream_conn *c, struct str sql, struct diag *d,
                     struct wire_prepare_ok *out)
{
    if (begin(c, d) != 0) {
        return -1;
    }
    wire_encode_text_command(&c->conn.w, COM_STMT_PREPARE, sql);
    return finish(c, d) == 0 ? read_prepared(c, out, d) : -1;
}

int upstream_close_prepared(struct upstream_conn *c, uint32_t id, struct diag *d)
{
    if (begin(c, d) != 0) {
        return -1;
    }
    wire_encode_u32_command(&c->conn.w, COM_STMT_CLOSE, id);
    return finish(c, d);
}

int upstream_command(struct upstream_conn *c, struct str payload, struct diag *d)
{
    if (begin(c, d) != 0) {
        return -1;
    }
    pkt_put_str(&c->conn.w, payload);
    return finish(c, d);
}

static int send_prepared(struct upstream_rows *r, struct str sql, struct diag *d)
{
    struct upstream_conn *c = r->c;
    struct wire_prepare_ok ok;
    if (upstream_prepare(c, sql, d, &ok) != 0) {
        return -1;
    }
    r->stmt_id = ok.stmt_id;
    if (begin(c, d) != 0) {
        return -1;
    }
    const struct wire_execute execute = {.stmt_id = r->stmt_id, .iterations = 1};
    wire_encode_execute(&c->conn.w, c->capabilities, &execute);
    return finish(c, d);
}

/* Forgets the prepared statement; the command has no reply. */
static void close_statement(struct upstream_rows *r)
{
    struct diag ignored;
    diag_init(&ignored);
    if (r->stmt_id != 0) {
        (void)!upstream_close_prepared(r->c, r->stmt_id, &ignored);
    }
    diag_release(&ignored);
    r->stmt_id = 0;
}

struct upstream_rows *upstream_rows_begin(struct upstream_conn *c, struct str sql, bool binary,
                                          struct arena *arena, struct diag *d)
{
    struct upstream_rows *r = ARENA_NEW(arena, struct upstream_rows);
    struct wire_ok ok;
    *r = (struct upstream_rows){.c = c, .binary = binary};
    const int sent = binary ? send_prepared(r, sql, d) : send_query(c, sql, d);
    if (sent != 0 || read_head(c, &r->column_count, NULL, &ok, d) != 0 ||
        read_columns(r, arena, d) != 0) {
        close_statement(r);
        return NULL;
    }
    r->ended = r->column_count == 0;
    return r;
}

int upstream_rows_next(struct upstream_rows *r, struct str *out_payload, struct diag *d)
{
    struct wire_ok ok;
    if (r->ended) {
        return 0;
    }
    const int rc = read_row(r->c, out_payload, &ok, d);
    r->ended = rc <= 0;
    return rc == 0 ? skip_results(r->c, d) : rc;
}

uint32_t upstream_rows_columns(const struct upstream_rows *r, const struct wire_column **out)
{
    *out = r->columns;
    return r->column_count;
}

void upstream_rows_end(struct upstream_rows *r)
{
    struct diag ignored;
    struct str payload;
    diag_init(&ignored);
    while (!r->ended && !r->c->broken && upstream_rows_next(r, &payload, &ignored) > 0) {
    }
    diag_release(&ignored);
    close_statement(r);
}
