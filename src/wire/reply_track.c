#include "wire/reply_track.h"

#include "wire/command.h"

enum {
    EOF_LEN = 5,
    EOF_MAX_LEN = 8,        /* An EOF packet is shorter than 9 bytes; that tells it from a row. */
    PROGRESS_CODE = 0xffff, /* Error number that marks MariaDB's progress reports. */
};

/* The state in which the reply to a command begins; commands not listed begin with a result. */
static const struct {
    uint8_t state;
    bool no_reply;
    bool is_prepare;
} commands[256] = {
    [COM_QUIT] = {.no_reply = true},
    [COM_STMT_CLOSE] = {.no_reply = true},
    [COM_STMT_SEND_LONG_DATA] = {.no_reply = true},
    [COM_STATISTICS] = {.state = REPLY_AT_TEXT},
    [COM_FIELD_LIST] = {.state = REPLY_AT_FIELDS},
    [COM_STMT_FETCH] = {.state = REPLY_AT_ROWS},
    [COM_STMT_PREPARE] = {.is_prepare = true},
    [COM_BINLOG_DUMP] = {.state = REPLY_AT_EVENTS},
    [COM_BINLOG_DUMP_GTID] = {.state = REPLY_AT_EVENTS},
    [COM_TABLE_DUMP] = {.state = REPLY_AT_EVENTS},
};

bool reply_is_expected(uint8_t command)
{
    return !commands[command].no_reply;
}

void reply_track_begin(struct reply_track *t, uint8_t command, uint64_t capabilities)
{
    *t = (struct reply_track){
        .capabilities = capabilities,
        .command = command,
        .state = commands[command].state,
        .done = commands[command].no_reply,
    };
}

static bool has_eof(const struct reply_track *t)
{
    return (t->capabilities & CLIENT_DEPRECATE_EOF) == 0;
}

/* Does a packet at the place of a row end the rows? */
static bool is_end_mark(const struct reply_track *t, uint8_t first, size_t len)
{
    if (first != WIRE_MARK_EOF) {
        return false;
    }
    return has_eof(t) || t->state == REPLY_AT_EVENTS ? len <= EOF_MAX_LEN : len < WIRE_MAX_PACKET;
}

bool reply_track_needs_whole(const struct reply_track *t, uint8_t first, size_t len)
{
    if (t->continued || t->state == REPLY_AT_TEXT) {
        return false;
    }
    if (first == WIRE_MARK_ERR) {
        return len < WIRE_MAX_PACKET;
    }
    switch ((enum reply_state)t->state) {
    case REPLY_AT_ROWS:
    case REPLY_AT_FIELDS:
    case REPLY_AT_EVENTS:
        return is_end_mark(t, first, len);
    default:
        return true;
    }
}

/* A result has ended with these status flags. */
static void end_result(struct reply_track *t, uint16_t status)
{
    t->status = status;
    t->results++;
    t->state = REPLY_AT_FIRST;
    t->done = (status & SERVER_MORE_RESULTS_EXISTS) == 0;
}

static enum reply_packet take_err(struct reply_track *t, struct str payload)
{
    struct wire_err err;
    if (payload.len >= 3 && (uint8_t)payload.p[1] == 0xff && (uint8_t)payload.p[2] == 0xff &&
        (t->capabilities & MARIADB_CLIENT_PROGRESS) != 0) {
        return REPLY_PROGRESS;
    }
    if (wire_decode_err(payload, &err) != 0) {
        return REPLY_MALFORMED;
    }
    t->err = err;
    t->done = true;
    t->failed = true;
    return REPLY_ERR;
}

static enum reply_packet take_ok(struct reply_track *t, struct str payload, enum reply_packet kind)
{
    struct wire_ok ok;
    if (wire_decode_ok(payload, t->capabilities, &ok) != 0) {
        return REPLY_MALFORMED;
    }
    t->ok = ok;
    t->last_warnings = ok.warnings;
    t->last_affected_rows = ok.affected_rows;
    t->last_insert_id = ok.last_insert_id != 0 ? ok.last_insert_id : t->last_insert_id;
    end_result(t, ok.status);
    return kind;
}

static enum reply_packet take_eof(struct reply_track *t, struct str payload)
{
    struct wire_eof eof;
    if (wire_decode_eof(payload, &eof) != 0) {
        return REPLY_MALFORMED;
    }
    t->eof = eof;
    t->status = eof.status;
    return REPLY_EOF;
}

/* What ends rows, or stands alone: EOF or OK with an EOF's mark. */
static enum reply_packet take_end(struct reply_track *t, struct str payload)
{
    if (!has_eof(t) && payload.len > EOF_LEN) {
        return take_ok(t, payload, REPLY_END_OK);
    }
    const enum reply_packet kind = take_eof(t, payload);
    if (kind == REPLY_EOF) {
        t->last_warnings = t->eof.warnings;
        end_result(t, t->eof.status);
        /* MySQL says that more follows in the EOF before them only. */
        t->done = t->done && !t->is_out_params;
        t->is_out_params = false;
    }
    return kind;
}

static enum reply_packet take_prepared(struct reply_track *t, struct str payload)
{
    struct wire_prepare_ok p;
    if (wire_decode_prepare_ok(payload, t->capabilities, &p) != 0) {
        return REPLY_MALFORMED;
    }
    t->prepared = p;
    if (!p.has_metadata) {
        t->done = true;
    } else if (p.params > 0) {
        t->state = REPLY_AT_PARAMS;
        t->left = p.params;
    } else if (p.columns > 0) {
        t->state = REPLY_AT_PREPARED_COLUMNS;
        t->left = p.columns;
    } else {
        t->done = true;
    }
    return REPLY_PREPARED;
}

static enum reply_packet take_head(struct reply_track *t, struct str payload)
{
    struct wire_result_head h;
    if (wire_decode_result_head(payload, t->capabilities, &h) != 0 || h.columns == 0 ||
        h.columns > UINT16_MAX) {
        return REPLY_MALFORMED;
    }
    t->left = h.has_metadata ? (uint32_t)h.columns : 0;
    t->state = t->left > 0 ? REPLY_AT_COLUMNS : has_eof(t) ? REPLY_AT_COLUMNS_EOF : REPLY_AT_ROWS;
    return REPLY_HEAD;
}

static enum reply_packet take_first(struct reply_track *t, struct str payload)
{
    if (payload.len == 0) {
        return REPLY_MALFORMED;
    }
    switch ((uint8_t)payload.p[0]) {
    case WIRE_MARK_OK:
        return commands[t->command].is_prepare ? take_prepared(t, payload)
                                               : take_ok(t, payload, REPLY_OK);
    case WIRE_MARK_EOF:
        return take_end(t, payload);
    case WIRE_MARK_LOCAL_INFILE:
        return REPLY_INFILE; /* OK or ERR follows */
    default:
        return take_head(t, payload);
    }
}

/* Behind the last definition. */
static uint8_t state_after_definitions(const struct reply_track *t)
{
    switch ((enum reply_state)t->state) {
    case REPLY_AT_COLUMNS:
        return REPLY_AT_COLUMNS_EOF;
    case REPLY_AT_PARAMS:
        return REPLY_AT_PARAMS_EOF;
    default:
        return REPLY_AT_PREPARED_EOF;
    }
}

/* Behind the EOF that follows definitions, or where it would be. */
static void after_definitions_eof(struct reply_track *t, uint16_t columns)
{
    switch ((enum reply_state)t->state) {
    case REPLY_AT_COLUMNS_EOF:
        t->state = REPLY_AT_ROWS;
        t->done = has_eof(t) && (t->status & SERVER_STATUS_CURSOR_EXISTS) != 0;
        t->is_out_params = has_eof(t) && (t->status & SERVER_PS_OUT_PARAMS) != 0;
        break;
    case REPLY_AT_PARAMS_EOF:
        t->left = columns;
        t->state = REPLY_AT_PREPARED_COLUMNS;
        t->done = columns == 0;
        break;
    default:
        t->done = true;
    }
}

static enum reply_packet take_definition(struct reply_track *t)
{
    if (--t->left == 0) {
        t->state = state_after_definitions(t);
        if (!has_eof(t)) {
            after_definitions_eof(t, t->prepared.columns);
        }
    }
    return REPLY_COLUMN;
}

static enum reply_packet take_definitions_eof(struct reply_track *t, struct str payload)
{
    /* The union: what the prepare reply said is needed behind the EOF. */
    const uint16_t columns = t->state == REPLY_AT_PARAMS_EOF ? t->prepared.columns : 0;
    struct wire_eof eof;
    if (wire_decode_eof(payload, &eof) != 0) {
        return REPLY_MALFORMED;
    }
    t->status = eof.status;
    after_definitions_eof(t, columns);
    t->eof = eof;
    return REPLY_EOF;
}

static enum reply_packet take_row(struct reply_track *t, struct str payload, uint8_t first,
                                  size_t len)
{
    if (is_end_mark(t, first, len)) {
        return take_end(t, payload);
    }
    t->rows++;
    return t->state == REPLY_AT_FIELDS ? REPLY_COLUMN : REPLY_ROW;
}

enum reply_packet reply_track_packet(struct reply_track *t, struct str payload, size_t len)
{
    const bool continues = t->continued;
    t->continued = len == WIRE_MAX_PACKET;
    if (continues) {
        return REPLY_REST;
    }
    if (t->state == REPLY_AT_TEXT) {
        t->done = true;
        return len > 0 && (uint8_t)payload.p[0] == WIRE_MARK_ERR ? take_err(t, payload) : REPLY_ROW;
    }
    const uint8_t first = payload.len > 0 ? (uint8_t)payload.p[0] : 0;
    if (payload.len > 0 && first == WIRE_MARK_ERR && len < WIRE_MAX_PACKET) {
        return take_err(t, payload);
    }
    switch ((enum reply_state)t->state) {
    case REPLY_AT_FIRST:
        return take_first(t, payload);
    case REPLY_AT_COLUMNS:
    case REPLY_AT_PARAMS:
    case REPLY_AT_PREPARED_COLUMNS:
        return take_definition(t);
    case REPLY_AT_COLUMNS_EOF:
    case REPLY_AT_PARAMS_EOF:
    case REPLY_AT_PREPARED_EOF:
        return take_definitions_eof(t, payload);
    default:
        return take_row(t, payload, first, len);
    }
}
