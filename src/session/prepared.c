/*
 * Prepared statements of the binary protocol. A statement keeps its text, and a SELECT also its
 * resolved tree (exec/plan_memo.h); other statements are parsed again at each execution. Parameters
 * are literals of the types the client sends: what is run is always resolved against the tables as
 * they are and the values as they are.
 *
 * Server-side cursors: all rows are computed at execution and kept, encoded, until they are
 * fetched, because other statements may run in between.
 */
#include "exec/plan_memo.h"
#include "session/session_int.h"
#include "types/charset.h"

#include <stdio.h>
#include <stdlib.h>

/* Most parameters of a statement, as in MySQL. */
#define PARAMS_MAX 65535

/* Characters of a parameter of which MySQL knows nothing. */
#define MYSQL_PARAM_CHARS 16383

struct long_data {
    struct bytebuf buf;
    bool sent;
};

struct prepared {
    uint32_t id;
    struct arena arena;
    struct str text;
    struct plan_memo *plan; /* of a SELECT; else NULL */
    uint16_t param_count;
    uint32_t column_count;
    struct wire_value_type *types;
    bool has_types;
    struct long_data *long_data; /* one a parameter */
    bool *long_sent;
    /* Cursor: */
    bool cursor_open;
    struct bytebuf spool; /* framed packets, numbered from 0 */
    size_t spool_pos;
};

/* ---- Finding and freeing ---- */

static struct str key_of(const uint32_t *id)
{
    return str_from((const char *)id, sizeof *id);
}

static struct prepared *find(struct session *s, uint32_t id, const char *what)
{
    struct prepared *p = id == UINT32_MAX ? s->last_prepared : htab_find(&s->prepared, key_of(&id));
    if (p == NULL) {
        char text[16];
        snprintf(text, sizeof text, "%u", id);
        diag_set(s->x.diag, ER_UNKNOWN_STMT_HANDLER, (int)strlen(text), text, what);
    }
    return p;
}

struct str session_prepared_text(struct session *s, uint32_t id)
{
    const struct prepared *p =
        id == UINT32_MAX ? s->last_prepared : htab_find(&s->prepared, key_of(&id));
    return p == NULL ? STR_NULL : p->text;
}

static void close_cursor(struct prepared *p)
{
    p->cursor_open = false;
    p->spool_pos = 0;
    bytebuf_release(&p->spool);
    bytebuf_init(&p->spool, CURSOR_SPOOL_MAX);
}

static void forget_long_data(struct prepared *p)
{
    for (uint16_t i = 0; i < p->param_count; i++) {
        if (p->long_sent[i]) {
            bytebuf_release(&p->long_data[i].buf);
            p->long_sent[i] = false;
        }
    }
}

static void prepared_free(struct prepared *p)
{
    forget_long_data(p);
    bytebuf_release(&p->spool);
    plan_memo_free(p->plan);
    arena_release(&p->arena);
    free(p);
}

void session_free_prepared(struct session *s)
{
    size_t pos = 0;
    struct prepared *p;
    while ((p = htab_next(&s->prepared, &pos)) != NULL) {
        prepared_free(p);
    }
    htab_release(&s->prepared);
    htab_init(&s->prepared, 0);
    s->last_prepared = NULL;
}

/* ---- COM_STMT_PREPARE ---- */

static int parse(struct session *s, struct str text, struct stmt **out)
{
    struct parse_options options = exec_parse_options(&s->x);
    options.params_allowed = true;
    size_t used;
    if (sql_parse(text, &options, &s->x.stmt_arena, s->x.diag, out, &used) != 0) {
        return -1;
    }
    if (str_trim(str_from(text.p + used, text.len - used)).len > 0) {
        return diag_set(s->x.diag, ER_PARSE_ERROR,
                        "You have an error in your SQL syntax; only one statement can be prepared",
                        arena_dup_cstr(&s->x.stmt_arena,
                                       str_from(text.p + used, MIN(text.len - used, (size_t)80))),
                        1);
    }
    return 0;
}

static struct prepared *prepared_new(struct session *s, struct str text, const struct stmt *stmt)
{
    struct prepared *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    arena_init(&p->arena, 0);
    bytebuf_init(&p->spool, CURSOR_SPOOL_MAX);
    p->id = ++s->next_stmt_id;
    p->text = arena_dup(&p->arena, text);
    if (stmt->kind == STMT_SELECT) {
        p->plan = plan_memo_new(p->text);
    }
    p->param_count = (uint16_t)stmt->param_count;
    p->types = ARENA_ARRAY(&p->arena, struct wire_value_type, p->param_count + 1u);
    p->long_data = ARENA_ARRAY(&p->arena, struct long_data, p->param_count + 1u);
    p->long_sent = ARENA_ARRAY(&p->arena, bool, p->param_count + 1u);
    htab_put(&s->prepared, key_of(&p->id), p);
    s->last_prepared = p;
    return p;
}

/* What is told of parameters: MySQL takes one without context for a text, MariaDB tells nothing. */
static void put_params(struct session *s, uint16_t count)
{
    struct result_column param = {
        .name = STR("?"),
        .type = {.type = MYSQL_TYPE_NULL, .flags = BINARY_FLAG, .collation = COLLATION_BINARY}};
    if (s->x.server->dialect == DIALECT_MYSQL) {
        param.type = (struct sql_type){.type = MYSQL_TYPE_VARCHAR,
                                       .length = MYSQL_PARAM_CHARS,
                                       .decimals = DECIMALS_NOT_FIXED,
                                       .collation = s->x.vars.collation_connection};
    }
    for (uint16_t i = 0; i < count; i++) {
        client_put_column(s, &param);
    }
    if (count > 0) {
        reply_eof(s, 0);
    }
}

int command_stmt_prepare(struct session *s, struct str payload)
{
    const struct str text = arena_dup(&s->x.stmt_arena, str_from(payload.p + 1, payload.len - 1));
    struct stmt *stmt;
    struct result_column *columns;
    uint32_t count;
    int rc = -1;
    struct server *server = s->all->server;
    const uint64_t max = server_uint(server, &server->vars.max_prepared_stmt_count);
    if (s->prepared.count >= max) {
        diag_set(s->x.diag, ER_MAX_PREPARED_STMT_COUNT_REACHED, (unsigned long)max);
    } else if (parse(s, text, &stmt) == 0) {
        if (stmt->param_count > PARAMS_MAX) {
            diag_set(s->x.diag, ER_PS_MANY_PARAM);
        } else {
            rc = exec_describe(&s->x, stmt, &s->x.stmt_arena, &columns, &count);
        }
    }
    struct prepared *p = rc == 0 ? prepared_new(s, text, stmt) : NULL;
    if (p == NULL) {
        exec_close_statement(&s->x);
        reply_error(s);
        return 0;
    }
    p->column_count = count;
    const struct wire_prepare_ok ok = {.stmt_id = p->id,
                                       .columns = (uint16_t)count,
                                       .params = p->param_count,
                                       .warnings = (uint16_t)MIN(s->x.diag->warning_count, 65535u),
                                       .has_metadata = true};
    pkt_begin(&s->conn.w);
    wire_encode_prepare_ok(&s->conn.w, s->x.capabilities, &ok);
    (void)!pkt_end(&s->conn.w);
    put_params(s, p->param_count);
    for (uint32_t i = 0; i < count; i++) {
        client_put_column(s, &columns[i]);
    }
    if (count > 0) {
        reply_eof(s, 0);
    }
    exec_close_statement(&s->x);
    return 0;
}

/* ---- Parameters ---- */

static struct str param_text(struct session *s, struct str raw)
{
    const struct charset *cs = s->x.vars.character_set_client;
    return cs->kind == CHARSET_UTF8 ? raw : charset_str_to_utf8(cs, raw, &s->x.stmt_arena);
}

static bool is_binary_type(uint8_t type)
{
    return type == WIRE_TYPE_TINY_BLOB || type == WIRE_TYPE_MEDIUM_BLOB ||
           type == WIRE_TYPE_LONG_BLOB || type == WIRE_TYPE_BLOB || type == WIRE_TYPE_BIT ||
           type == WIRE_TYPE_GEOMETRY;
}

static void bytes_literal(struct session *s, uint8_t type, struct str bytes, struct expr *e)
{
    if (type == WIRE_TYPE_NEWDECIMAL || type == WIRE_TYPE_DECIMAL) {
        size_t used;
        e->lit.kind = LIT_DECIMAL;
        e->lit.value = (struct value){.kind = VALUE_DECIMAL};
        (void)!decimal_parse(bytes, &e->lit.value.dec, &used);
        return;
    }
    const bool binary = is_binary_type(type);
    e->lit.kind = LIT_STRING;
    e->lit.value = value_string(binary ? bytes : param_text(s, bytes),
                                binary ? COLLATION_BINARY : s->x.vars.collation_connection);
}

static void datetime_literal(const struct wire_datetime *d, uint8_t type, struct expr *e)
{
    const bool date = type == WIRE_TYPE_DATE || type == WIRE_TYPE_NEWDATE;
    e->lit.kind = date ? LIT_DATE : LIT_TIMESTAMP;
    e->lit.value = (struct value){.kind = date ? VALUE_DATE : VALUE_DATETIME,
                                  .decimals = d->usec != 0 ? 6 : 0,
                                  .time = {.year = d->year,
                                           .month = d->month,
                                           .day = d->day,
                                           .hour = date ? 0 : d->hour,
                                           .minute = date ? 0 : d->minute,
                                           .second = date ? 0 : d->second,
                                           .usec = date ? 0 : d->usec}};
}

static void time_literal(const struct wire_time *t, struct expr *e)
{
    e->lit.kind = LIT_TIME;
    e->lit.value = (struct value){.kind = VALUE_TIME,
                                  .decimals = t->usec != 0 ? 6 : 0,
                                  .time = {.hour = (uint16_t)MIN(t->days * 24u + t->hour, 838u),
                                           .minute = t->minute,
                                           .second = t->second,
                                           .usec = t->usec,
                                           .negative = t->is_negative}};
}

/* Makes a literal of a parameter's value. */
static void bind_param(struct session *s, const struct prepared *p, uint32_t i,
                       const struct wire_value *v, struct expr *e)
{
    e->kind = EXPR_LITERAL;
    e->lit.is_param = true;
    e->lit.param_type = p->types[i].type;
    switch (v->kind) {
    case WIRE_VALUE_NULL:
        e->lit.kind = LIT_NULL;
        e->lit.value = value_null();
        return;
    case WIRE_VALUE_INT:
        e->lit.kind = LIT_INT;
        e->lit.value = value_int(v->i);
        return;
    case WIRE_VALUE_UINT:
        e->lit.kind = LIT_INT;
        e->lit.value = value_uint(v->u);
        return;
    case WIRE_VALUE_FLOAT:
    case WIRE_VALUE_DOUBLE:
        e->lit.kind = LIT_REAL;
        e->lit.value = value_double(v->kind == WIRE_VALUE_FLOAT ? (double)v->f : v->d);
        return;
    case WIRE_VALUE_BYTES:
        bytes_literal(s, v->type, v->s, e);
        return;
    case WIRE_VALUE_LONG_DATA:
        bytes_literal(s, p->types[i].type, bytebuf_str(&p->long_data[i].buf), e);
        return;
    case WIRE_VALUE_DATETIME:
        datetime_literal(&v->dt, v->type, e);
        return;
    case WIRE_VALUE_TIME:
        time_literal(&v->t, e);
        return;
    }
}

/* The parameters as literals, in the statement's arena. */
static int bind_all(struct session *s, struct prepared *p, struct wire_execute *ex,
                    struct expr **out)
{
    ex->param_count = p->param_count;
    ex->types = p->types;
    ex->has_types = p->has_types;
    ex->long_data = p->long_sent;
    if (wire_decode_execute_params(ex, s->x.capabilities, &s->x.stmt_arena) != 0) {
        return diag_set(s->x.diag, ER_WRONG_ARGUMENTS, "mysqld_stmt_execute");
    }
    p->has_types = ex->has_types;
    *out = ARENA_ARRAY(&s->x.stmt_arena, struct expr, p->param_count);
    for (uint32_t i = 0; i < p->param_count; i++) {
        bind_param(s, p, i, &ex->params[i].value, &(*out)[i]);
    }
    return 0;
}

/* The statement to be run, parameters in it. */
static int make_statement(struct session *s, struct prepared *p, struct wire_execute *ex,
                          struct stmt **out)
{
    struct expr *params = NULL;
    if (bind_all(s, p, ex, &params) != 0) {
        return -1;
    }
    if (p->plan != NULL) {
        return plan_memo_begin(&s->x, p->plan, params, p->param_count, out);
    }
    if (parse(s, p->text, out) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < p->param_count; i++) {
        (*out)->params[i]->kind = EXPR_LITERAL;
        (*out)->params[i]->lit = params[i].lit;
    }
    return 0;
}

/* ---- COM_STMT_EXECUTE ---- */

/* Runs a query into the spool and answers with its columns. Returns what the query returned. */
static int open_cursor(struct session *s, struct prepared *p, struct stmt *stmt)
{
    client_sink_start(&s->sink, s, true, &p->spool);
    const int rc = exec_statement(&s->x, stmt);
    if (rc != 0) {
        s->sink.base.ops->cancel(&s->sink.base);
        reply_error(s);
    } else if (!s->sink.begun) {
        reply_ok(s, 0);
    } else {
        p->cursor_open = true;
        if ((s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0) {
            const struct wire_ok ok = {
                .status = (uint16_t)(reply_status(s) | SERVER_STATUS_CURSOR_EXISTS)};
            pkt_begin(&s->conn.w);
            wire_encode_ok(&s->conn.w, s->x.capabilities, WIRE_MARK_EOF, &ok);
            (void)!pkt_end(&s->conn.w);
        } else {
            reply_eof(s, SERVER_STATUS_CURSOR_EXISTS);
        }
    }
    client_sink_finish(&s->sink);
    return rc;
}

static int execute(struct session *s, struct str payload)
{
    struct wire_execute ex;
    if (wire_decode_execute(payload, &ex) != 0) {
        return diag_set(s->x.diag, ER_MALFORMED_PACKET);
    }
    struct prepared *p = find(s, ex.stmt_id, "mysqld_stmt_execute");
    if (p == NULL) {
        return -1;
    }
    close_cursor(p);
    struct statement_account account;
    struct stmt *stmt;
    session_account_begin(s, &account);
    if (make_statement(s, p, &ex, &stmt) != 0) {
        session_account_end(s, &account, p->text, true);
        return -1;
    }
    const bool cursor = (ex.flags & WIRE_CURSOR_READ_ONLY) != 0 && stmt->kind == STMT_SELECT;
    const int rc = cursor ? open_cursor(s, p, stmt) : session_run(s, stmt, true, 0);
    s->x.plan = NULL;
    session_account_end(s, &account, p->text, rc != 0);
    forget_long_data(p);
    return 0;
}

int command_stmt_execute(struct session *s, struct str payload)
{
    diag_reset(s->x.diag);
    if (execute(s, arena_dup(&s->x.stmt_arena, payload)) != 0) {
        reply_error(s);
    }
    return 0;
}

/* ---- The others ---- */

int command_stmt_send_long_data(struct session *s, struct str payload)
{
    struct wire_long_data l;
    if (wire_decode_long_data(payload, &l) != 0) {
        return 0; /* the command has no reply */
    }
    struct prepared *p =
        l.stmt_id == UINT32_MAX ? s->last_prepared : htab_find(&s->prepared, key_of(&l.stmt_id));
    if (p == NULL || l.param >= p->param_count) {
        return 0;
    }
    if (!p->long_sent[l.param]) {
        bytebuf_init(&p->long_data[l.param].buf, s->x.vars.max_allowed_packet);
        p->long_sent[l.param] = true;
    }
    bytebuf_put_str(&p->long_data[l.param].buf, l.data);
    return 0;
}

int command_stmt_close(struct session *s, struct str payload)
{
    uint32_t id;
    if (wire_decode_u32_command(payload, &id) == 0) {
        struct prepared *p = htab_remove(&s->prepared, key_of(&id));
        if (p != NULL) {
            s->last_prepared = s->last_prepared == p ? NULL : s->last_prepared;
            prepared_free(p);
        }
    }
    return 0;
}

int command_stmt_reset(struct session *s, struct str payload)
{
    uint32_t id;
    diag_reset(s->x.diag);
    if (wire_decode_u32_command(payload, &id) != 0) {
        diag_set(s->x.diag, ER_MALFORMED_PACKET);
        reply_error(s);
        return 0;
    }
    struct prepared *p = find(s, id, "mysqld_stmt_reset");
    if (p == NULL) {
        reply_error(s);
        return 0;
    }
    close_cursor(p);
    forget_long_data(p);
    reply_simple_ok(s);
    return 0;
}

/* Copies the next packet of the spool to the client, numbered anew. Returns false when there is
 * none. */
static bool put_spooled(struct session *s, struct prepared *p)
{
    const struct str all = bytebuf_str(&p->spool);
    if (p->spool_pos >= all.len) {
        return false;
    }
    const uint8_t *h = (const uint8_t *)all.p + p->spool_pos;
    const size_t len = (size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16;
    pkt_begin(&s->conn.w);
    pkt_put_bytes(&s->conn.w, all.p + p->spool_pos + WIRE_HEADER_LEN, len);
    (void)!pkt_end(&s->conn.w);
    p->spool_pos += WIRE_HEADER_LEN + len;
    return true;
}

int command_stmt_fetch(struct session *s, struct str payload)
{
    struct wire_fetch f;
    if (wire_decode_fetch(payload, &f) != 0) {
        diag_set(s->x.diag, ER_MALFORMED_PACKET);
        reply_error(s);
        return 0;
    }
    struct prepared *p = find(s, f.stmt_id, "mysqld_stmt_fetch");
    if (p != NULL && !p->cursor_open) {
        diag_set(s->x.diag, ER_STMT_HAS_NO_OPEN_CURSOR, (unsigned long)f.stmt_id);
        p = NULL;
    }
    if (p == NULL) {
        reply_error(s);
        return 0;
    }
    uint32_t n = 0;
    while (n < f.rows && put_spooled(s, p)) {
        n++;
        if (s->conn.out.len >= CONN_FLUSH_LEN && session_flush(s) != 0) {
            return 0;
        }
    }
    const bool last = p->spool_pos >= p->spool.len;
    const unsigned status = reply_status(s) | SERVER_STATUS_CURSOR_EXISTS |
                            (last && n < f.rows ? SERVER_STATUS_LAST_ROW_SENT : 0);
    pkt_begin(&s->conn.w);
    if ((s->x.capabilities & CLIENT_DEPRECATE_EOF) != 0) {
        const struct wire_ok ok = {.status = (uint16_t)status};
        wire_encode_ok(&s->conn.w, s->x.capabilities, WIRE_MARK_EOF, &ok);
    } else {
        const struct wire_eof eof = {.status = (uint16_t)status};
        wire_encode_eof(&s->conn.w, &eof);
    }
    return pkt_end(&s->conn.w);
}
