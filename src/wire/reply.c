#include "wire/reply.h"

enum {
    MESSAGE_MAX = 512, /* Bytes of an error message, as servers cut it. */
    SQLSTATE_LEN = 5,
    EOF_LEN_MAX =
        8, /* An EOF packet is shorter than 9 bytes; a row that begins with 0xfe is longer. */
};

void wire_encode_ok(struct pkt_writer *w, uint64_t capabilities, enum wire_reply_mark mark,
                    const struct wire_ok *ok)
{
    const bool has_tracks = (capabilities & CLIENT_SESSION_TRACK) != 0 && ok->tracks.len > 0;
    const uint16_t changed = has_tracks ? SERVER_SESSION_STATE_CHANGED : 0;
    pkt_put_u8(w, (uint8_t)mark);
    pkt_put_lenenc(w, ok->affected_rows);
    pkt_put_lenenc(w, ok->last_insert_id);
    pkt_put_u16(w, ok->status | changed);
    pkt_put_u16(w, ok->warnings);
    if (has_tracks || ok->info.len > 0) {
        pkt_put_lenenc_str(w, ok->info);
    }
    if (has_tracks) {
        pkt_put_lenenc_str(w, ok->tracks);
    }
}

int wire_decode_ok(struct str payload, uint64_t capabilities, struct wire_ok *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_ok){0};
    const uint8_t mark = pkt_get_u8(&r);
    if (mark != WIRE_MARK_OK && mark != WIRE_MARK_EOF) {
        return -1;
    }
    out->affected_rows = pkt_get_lenenc(&r);
    out->last_insert_id = pkt_get_lenenc(&r);
    out->status = pkt_get_u16(&r);
    out->warnings = pkt_get_u16(&r);
    if (pkt_reader_left(&r) > 0) {
        out->info = pkt_get_lenenc_str(&r);
    }
    if ((capabilities & CLIENT_SESSION_TRACK) && (out->status & SERVER_SESSION_STATE_CHANGED) &&
        pkt_reader_left(&r) > 0) {
        out->tracks = pkt_get_lenenc_str(&r);
    }
    return pkt_reader_ok(&r) ? 0 : -1;
}

/* GTIDs carry a byte that names their encoding; only 0, text, is in use. */
enum {
    GTID_ENCODING_TEXT = 0,
};

static size_t lenenc_len(uint64_t v)
{
    return v < 251 ? 1 : v <= 0xffff ? 3 : v <= 0xffffff ? 4 : 9;
}

static void put_lenenc(struct bytebuf *b, uint64_t v)
{
    char bytes[PKT_LENENC_MAX];
    const char *end = pkt_raw_lenenc(bytes, v);
    bytebuf_put(b, bytes, (size_t)(end - bytes));
}

static void put_lenenc_str(struct bytebuf *b, struct str s)
{
    put_lenenc(b, s.len);
    bytebuf_put(b, s.p, s.len);
}

void wire_track_put(struct bytebuf *tracks, const struct wire_track *t)
{
    size_t len = lenenc_len(t->value.len) + t->value.len;
    bytebuf_put_char(tracks, (char)t->type);
    switch (t->type) {
    case WIRE_TRACK_SYSTEM_VARIABLE:
        put_lenenc(tracks, lenenc_len(t->name.len) + t->name.len + len);
        put_lenenc_str(tracks, t->name);
        break;
    case WIRE_TRACK_GTIDS:
        put_lenenc(tracks, len + 1);
        bytebuf_put_char(tracks, GTID_ENCODING_TEXT);
        break;
    case WIRE_TRACK_SCHEMA:
    case WIRE_TRACK_TRX_CHARACTERISTICS:
    case WIRE_TRACK_TRX_STATE:
        put_lenenc(tracks, len);
        break;
    default: /* WIRE_TRACK_STATE_CHANGE and unknown kinds: the value is the raw data. */
        break;
    }
    put_lenenc_str(tracks, t->value);
}

/* The data of one change, by its kind. */
static void get_track_data(struct str data, struct wire_track *out, bool *out_ok)
{
    struct pkt_reader r;
    pkt_reader_init(&r, data);
    switch (out->type) {
    case WIRE_TRACK_SYSTEM_VARIABLE:
        out->name = pkt_get_lenenc_str(&r);
        break;
    case WIRE_TRACK_GTIDS:
        pkt_skip(&r, 1);
        break;
    case WIRE_TRACK_SCHEMA:
    case WIRE_TRACK_TRX_CHARACTERISTICS:
    case WIRE_TRACK_TRX_STATE:
        break;
    default: /* WIRE_TRACK_STATE_CHANGE and unknown kinds. */
        out->value = data;
        return;
    }
    out->value = pkt_get_lenenc_str(&r);
    *out_ok = pkt_reader_ok(&r);
}

bool wire_track_next(struct pkt_reader *r, struct wire_track *out)
{
    bool ok = true;
    *out = (struct wire_track){0};
    if (pkt_reader_left(r) == 0) {
        return false;
    }
    out->type = pkt_get_u8(r);
    const struct str data = pkt_get_lenenc_str(r);
    if (!pkt_reader_failed(r)) {
        get_track_data(data, out, &ok);
    }
    if (!ok) {
        pkt_reader_fail(r);
    }
    return !pkt_reader_failed(r);
}

/* At most max bytes of s, without a part of a UTF-8 character at the end. */
static struct str cut_text(struct str s, size_t max)
{
    if (s.len <= max) {
        return s;
    }
    s.len = max;
    while (s.len > 0 && ((uint8_t)s.p[s.len] & 0xc0) == 0x80) {
        s.len--;
    }
    return s;
}

void wire_encode_err(struct pkt_writer *w, uint64_t capabilities, const struct wire_err *err)
{
    pkt_put_u8(w, WIRE_MARK_ERR);
    pkt_put_u16(w, err->code);
    if ((capabilities & CLIENT_PROTOCOL_41) && err->sqlstate[0] != '\0') {
        pkt_put_u8(w, '#');
        pkt_put_bytes(w, err->sqlstate, SQLSTATE_LEN);
    }
    pkt_put_str(w, cut_text(err->message, MESSAGE_MAX));
}

int wire_decode_err(struct str payload, struct wire_err *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_err){0};
    if (pkt_get_u8(&r) != WIRE_MARK_ERR) {
        return -1;
    }
    out->code = pkt_get_u16(&r);
    if (pkt_peek_u8(&r) == '#' && pkt_reader_left(&r) > SQLSTATE_LEN) {
        pkt_skip(&r, 1);
        const struct str state = pkt_get_bytes(&r, SQLSTATE_LEN);
        memcpy(out->sqlstate, state.p, SQLSTATE_LEN);
    }
    out->message = pkt_get_rest(&r);
    return pkt_reader_ok(&r) ? 0 : -1;
}

void wire_encode_eof(struct pkt_writer *w, const struct wire_eof *eof)
{
    pkt_put_u8(w, WIRE_MARK_EOF);
    pkt_put_u16(w, eof->warnings);
    pkt_put_u16(w, eof->status);
}

int wire_decode_eof(struct str payload, struct wire_eof *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t mark = pkt_get_u8(&r);
    out->warnings = pkt_get_u16(&r);
    out->status = pkt_get_u16(&r);
    return pkt_reader_ok(&r) && mark == WIRE_MARK_EOF ? 0 : -1;
}

enum wire_row_kind wire_row_kind(struct str payload, uint64_t capabilities)
{
    const uint8_t first = payload.len > 0 ? (uint8_t)payload.p[0] : 0;
    if (first == WIRE_MARK_ERR) {
        return WIRE_ROW_ERR;
    }
    if (first != WIRE_MARK_EOF) {
        return WIRE_ROW_DATA;
    }
    if (capabilities & CLIENT_DEPRECATE_EOF) {
        return payload.len < WIRE_MAX_PACKET ? WIRE_ROW_END_OK : WIRE_ROW_DATA;
    }
    return payload.len <= EOF_LEN_MAX ? WIRE_ROW_END_EOF : WIRE_ROW_DATA;
}

/*
 * Either server's capability puts the same byte behind the count. (MySQL's documentation has it
 * before the count; the server does not.)
 */
#define OPTIONAL_METADATA (CLIENT_OPTIONAL_RESULTSET_METADATA | MARIADB_CLIENT_CACHE_METADATA)

void wire_encode_result_head(struct pkt_writer *w, uint64_t capabilities,
                             const struct wire_result_head *h)
{
    pkt_put_lenenc(w, h->columns);
    if (capabilities & OPTIONAL_METADATA) {
        pkt_put_u8(w, h->has_metadata);
    }
}

int wire_decode_result_head(struct str payload, uint64_t capabilities, struct wire_result_head *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    uint8_t has_metadata = 1;
    out->columns = pkt_get_lenenc(&r);
    if (capabilities & OPTIONAL_METADATA) {
        has_metadata = pkt_get_u8(&r);
    }
    out->has_metadata = has_metadata != 0;
    return pkt_reader_ok(&r) ? 0 : -1;
}

void wire_encode_local_infile(struct pkt_writer *w, struct str file_name)
{
    pkt_put_u8(w, WIRE_MARK_LOCAL_INFILE);
    pkt_put_str(w, file_name);
}

int wire_decode_local_infile(struct str payload, struct str *out_file_name)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t mark = pkt_get_u8(&r);
    *out_file_name = pkt_get_rest(&r);
    return pkt_reader_ok(&r) && mark == WIRE_MARK_LOCAL_INFILE ? 0 : -1;
}

void wire_encode_prepare_ok(struct pkt_writer *w, uint64_t capabilities,
                            const struct wire_prepare_ok *p)
{
    pkt_put_u8(w, WIRE_MARK_OK);
    pkt_put_u32(w, p->stmt_id);
    pkt_put_u16(w, p->columns);
    pkt_put_u16(w, p->params);
    pkt_put_u8(w, 0);
    pkt_put_u16(w, p->warnings);
    if (capabilities & CLIENT_OPTIONAL_RESULTSET_METADATA) {
        pkt_put_u8(w, p->has_metadata);
    }
}

int wire_decode_prepare_ok(struct str payload, uint64_t capabilities, struct wire_prepare_ok *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_prepare_ok){.has_metadata = true};
    const uint8_t mark = pkt_get_u8(&r);
    out->stmt_id = pkt_get_u32(&r);
    out->columns = pkt_get_u16(&r);
    out->params = pkt_get_u16(&r);
    pkt_skip(&r, 1);
    out->warnings = pkt_get_u16(&r);
    if (capabilities & CLIENT_OPTIONAL_RESULTSET_METADATA) {
        out->has_metadata = pkt_get_u8(&r) != 0;
    }
    return pkt_reader_ok(&r) && mark == WIRE_MARK_OK ? 0 : -1;
}
