#include "relay/relay.h"

#include "base/clock.h"
#include "os/io.h"

#include <string.h>

enum {
    IDLE_US = 1000 * 1000, /* Silence after which buffers are given back. */
};

/* What a step of one direction came to. */
enum step {
    STEP_OK,
    STEP_CLIENT_GONE,
    STEP_UPSTREAM_GONE,
};

void relay_init(struct relay *r, struct conn *client, uint64_t client_capabilities,
                const struct relay_hooks *hooks, void *arg)
{
    *r = (struct relay){.client = client,
                        .client_capabilities = client_capabilities,
                        .hooks = hooks,
                        .arg = arg,
                        .write_timeout_us = 60 * UINT64_C(1000000)};
}

bool relay_is_idle(const struct relay *r)
{
    return r->sent_count == 0 && r->approved_up == 0 && r->skip_up == 0 && !r->continued_up &&
           !r->infile && r->approved_down == 0 && r->skip_down == 0 && r->client->out.len == 0 &&
           !r->client->is_stalled;
}

/* What a relay works on, in RELAY_HOT_RANGES: see fiber_set_hot(). */

static void keep_hot(struct relay *r)
{
    fiber_set_hot(0, r, offsetof(struct relay, sent) + sizeof r->sent[0]);
    fiber_set_hot(1, r->client, sizeof *r->client);
    fiber_set_hot(2, conn_io(r->client), sizeof(struct io));
}

static void keep_upstream_hot(struct relay *r)
{
    struct conn *up = r->up == NULL ? NULL : &r->up->conn;
    fiber_set_hot(3, up, sizeof *up);
    fiber_set_hot(4, up == NULL ? NULL : conn_io(up), sizeof(struct io));
}

void relay_set_upstream(struct relay *r, struct upstream_conn *up)
{
    assert(relay_is_idle(r));
    r->up = up;
    keep_upstream_hot(r);
    r->up_dry = false;
    r->up_stalled_since_us = 0;
    r->need = 0;
    r->release = false;
}

void relay_ask_release(struct relay *r)
{
    r->release = true;
}

void relay_set_idle_deadline(struct relay *r, uint64_t idle_deadline_us)
{
    r->idle_deadline_us = idle_deadline_us;
}

/* ---- Packets in a buffer ---- */

static size_t packet_len(const char *header)
{
    const uint8_t *h = (const uint8_t *)header;
    return (size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16;
}

static uint8_t packet_seq(const char *header)
{
    return (uint8_t)header[3];
}

/* The buffer is ours: the number can be changed where it stands. */
static void set_packet_seq(const char *header, uint8_t seq)
{
    ((char *)header)[3] = (char)seq;
}

static void set_u32(const char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        ((char *)at)[i] = (char)(value >> (8 * i));
    }
}

/* ---- Client to upstream ---- */

static void expect(struct relay *r, uint8_t command, uint64_t token)
{
    r->file_up = false;
    r->last_is_expected = reply_is_expected(command);
    if (!r->last_is_expected) {
        return;
    }
    r->sent[(r->sent_at + r->sent_count++) % RELAY_PIPELINE_MAX] =
        (struct relay_sent){.command = command, .token = token, .started_us = clock_monotonic_us()};
}

void relay_expect(struct relay *r, uint8_t command, uint64_t token)
{
    r->client_seq = 1;
    expect(r, command, token);
}

uint64_t relay_token(const struct relay *r)
{
    return r->sent_count > 0 ? r->sent[r->sent_at].token : 0;
}

/*
 * A command begins at in, whose header is there. Returns false when it cannot go on its way yet, or
 * not at all (r->stopped).
 */
static bool approve_command(struct relay *r, struct str in, size_t len)
{
    struct relay_command c = {
        .payload = str_from(in.p + WIRE_HEADER_LEN, MIN(len, (size_t)RELAY_PEEK_MAX)),
        .is_whole = len <= RELAY_PEEK_MAX,
    };
    if (r->sent_count == RELAY_PIPELINE_MAX || in.len - WIRE_HEADER_LEN < c.payload.len) {
        return false;
    }
    if (len > 0) {
        c.command = (uint8_t)c.payload.p[0];
    }
    if (len == 0 || r->hooks->command(r->arg, r, &c) == RELAY_STOP || r->up == NULL) {
        r->stopped = true;
        return false;
    }
    expect(r, c.command, c.token);
    if (r->up->conn.compressed != NULL) {
        compression_begin_command(r->up->conn.compressed);
    }
    return true;
}

/*
 * Compressed packets are numbered anew by each command, in both directions with one count: where
 * the upstream's are compressed a command waits until those before it have been sent and answered.
 */
static bool may_follow(const struct relay *r, size_t approved)
{
    return r->up == NULL || r->up->conn.compressed == NULL ||
           (approved == 0 && r->sent_count == 0 && !r->up->conn.is_stalled);
}

/*
 * Who compresses numbers the compressed packets, and the ones within as he likes (MariaDB's
 * library: 0; servers: by what they have compressed together). The upstream gets what it expects,
 * and what it says behind a file follows the client's count.
 */
static void number_up(struct relay *r, const char *header, bool of_file)
{
    if (of_file || r->up->conn.compressed != NULL) {
        /* No reply is on its way: see may_follow(). */
        r->client_seq = (uint8_t)(packet_seq(header) + 1);
    }
    if (r->client->compressed != NULL) {
        set_packet_seq(header, r->up_seq++);
    } else if (of_file) {
        set_packet_seq(header, (uint8_t)(packet_seq(header) - r->shift));
    }
}

/* Looks at what the client has sent behind the bytes approved already. */
static enum step approve_up(struct relay *r, struct diag *d)
{
    const struct str in = conn_raw_peek(r->client);
    size_t at = r->approved_up;
    while (at < in.len && !r->stopped) {
        if (r->skip_up > 0) {
            const size_t n = MIN(r->skip_up, in.len - at);
            r->skip_up -= n;
            at += n;
            continue;
        }
        if (in.len - at < WIRE_HEADER_LEN) {
            break;
        }
        const struct str rest = str_from(in.p + at, in.len - at);
        const size_t len = packet_len(rest.p);
        const bool of_file = r->infile;
        if (of_file) {
            r->infile = len > 0;
        } else if (!r->continued_up) {
            if (packet_seq(rest.p) != 0 && r->client->compressed == NULL) {
                diag_set(d, ER_NET_PACKETS_OUT_OF_ORDER);
                return STEP_CLIENT_GONE;
            }
            r->held = !may_follow(r, at);
            if (r->held || !approve_command(r, rest, len)) {
                break;
            }
            r->up_seq = 0;
        }
        number_up(r, rest.p, of_file);
        r->continued_up = len == WIRE_MAX_PACKET;
        r->skip_up = len;
        at += WIRE_HEADER_LEN;
        /* A hook may have parked, but only this fiber reads: the buffer is where it was. */
    }
    r->approved_up = at;
    return STEP_OK;
}

static enum step lost_upstream(struct relay *r, enum net_result why, struct diag *d)
{
    diag_reset(d);
    (void)upstream_lost(r->up, why, d);
    return STEP_UPSTREAM_GONE;
}

static enum step send_up(struct relay *r, struct diag *d)
{
    struct conn *up = &r->up->conn;
    if (r->approved_up == 0 && !up->is_stalled) {
        return STEP_OK;
    }
    const struct net_io io = conn_raw_write(up, conn_raw_peek(r->client).p, r->approved_up, d);
    conn_raw_consume(r->client, io.len);
    r->approved_up -= io.len;
    if (io.result != NET_TIMEOUT) {
        r->up_stalled_since_us = 0;
    } else if (io.len > 0 || r->up_stalled_since_us == 0) {
        r->up_stalled_since_us = clock_monotonic_us();
    }
    return io.result == NET_OK || io.result == NET_TIMEOUT ? STEP_OK
                                                           : lost_upstream(r, io.result, d);
}

/* ---- Upstream to client ---- */

/* The reply to the oldest command outstanding begins. */
static void begin_reply(struct relay *r)
{
    const struct relay_sent *s = &r->sent[r->sent_at];
    reply_track_begin(&r->track, s->command, r->up->capabilities);
    r->tracking = true;
    r->shift = 0;
    r->eof_due = false;
    r->eof_at = 0;
    r->reply_bytes = 0;
}

static void end_reply(struct relay *r)
{
    const struct relay_sent s = r->sent[r->sent_at];
    r->sent_count--;
    /* Without pipelining always the first place, whose memory is in the caches. */
    r->sent_at = r->sent_count == 0 ? 0 : (r->sent_at + 1) % RELAY_PIPELINE_MAX;
    r->tracking = false;
    r->release = false; /* what was said of an earlier reply */
    if (r->up_stalled_since_us != 0) {
        /* The upstream has not been asked to read more until now. */
        r->up_stalled_since_us = clock_monotonic_us();
    }
    if (r->hooks->replied != NULL) {
        const struct relay_reply reply = {.command = s.command,
                                          .token = s.token,
                                          .started_us = s.started_us,
                                          .bytes = r->reply_bytes,
                                          .track = &r->track};
        r->hooks->replied(r->arg, r, &reply);
    }
}

static bool client_lacks(const struct relay *r, uint64_t flag)
{
    return (r->up->capabilities & ~r->client_capabilities & flag) != 0;
}

/* Bytes of the upstream's input, not yet sent, that go to the client as they are. */
struct run {
    const char *p;
    size_t len;
};

/* Something else goes to the client now: what comes before it is copied. */
static void flush_run(struct relay *r, struct run *run, const char *next)
{
    if (run->len > 0) {
        bytebuf_put(&r->client->out, run->p, run->len);
    }
    *run = (struct run){.p = next};
}

static struct pkt_writer *begin_packet(struct relay *r)
{
    struct pkt_writer *w = &r->client->w;
    w->seq = r->client_seq;
    pkt_begin(w);
    return w;
}

static void end_packet(struct relay *r)
{
    (void)!pkt_end(&r->client->w);
    r->client_seq = r->client->w.seq;
}

/*
 * Puts the EOF behind definitions in. What its status will be is known at the end of the rows only;
 * where those are in the same buffer it is corrected (SERVER_PS_OUT_PARAMS is looked for there).
 */
static void put_eof(struct relay *r)
{
    /* Of the last reply's status, what describes the session. */
    const unsigned lasting = SERVER_STATUS_IN_TRANS | SERVER_STATUS_AUTOCOMMIT |
                             SERVER_STATUS_NO_BACKSLASH_ESCAPES | SERVER_STATUS_IN_TRANS_READONLY |
                             MARIADB_SERVER_STATUS_ANSI_QUOTES;
    const struct wire_eof eof = {.status = (uint16_t)(r->up->status & lasting)};
    wire_encode_eof(begin_packet(r), &eof);
    end_packet(r);
    r->shift++;
    r->eof_due = false;
    r->eof_at = r->client->out.len - 2 + 1;
}

static void correct_eof(struct relay *r, uint16_t status)
{
    if (r->eof_at != 0) {
        char *p = r->client->out.p + (r->eof_at - 1);
        p[0] = (char)(status & 0xff);
        p[1] = (char)(status >> 8);
        r->eof_at = 0;
    }
}

/* Which state changes the client is told. Returns true when all are. */
static bool filter_tracks(struct relay *r, struct str tracks, struct bytebuf *kept)
{
    struct pkt_reader reader;
    struct wire_track t;
    bool all = true;
    pkt_reader_init(&reader, tracks);
    while (wire_track_next(&reader, &t)) {
        if (r->hooks->tracked(r->arg, &t)) {
            wire_track_put(kept, &t);
        } else {
            all = false;
        }
    }
    return all;
}

/* Writes the OK as the client's capabilities have it. */
static void rewrite_ok(struct relay *r, enum reply_packet kind, const struct wire_ok *ok)
{
    if (kind == REPLY_END_OK && client_lacks(r, CLIENT_DEPRECATE_EOF)) {
        struct wire_eof eof = {.warnings = ok->warnings, .status = ok->status};
        if (r->up->kind == UPSTREAM_MYSQL && (eof.status & SERVER_PS_OUT_PARAMS) != 0) {
            /* MySQL says both in the EOF before the row only. */
            eof.status &= (uint16_t)~(SERVER_PS_OUT_PARAMS | SERVER_MORE_RESULTS_EXISTS);
        }
        wire_encode_eof(begin_packet(r), &eof);
    } else {
        wire_encode_ok(begin_packet(r), r->client_capabilities,
                       kind == REPLY_END_OK ? WIRE_MARK_EOF : WIRE_MARK_OK, ok);
    }
    end_packet(r);
}

/* An OK of the upstream's. Returns true when it goes on as it is. */
static bool take_ok(struct relay *r, enum reply_packet kind, struct run *run, const char *header,
                    size_t total)
{
    struct wire_ok ok = r->track.ok;
    struct bytebuf kept;
    bytebuf_init(&kept, WIRE_MAX_PACKET);
    bool as_is = true;
    if (ok.tracks.len > 0 && r->hooks->tracked != NULL) {
        as_is = filter_tracks(r, ok.tracks, &kept);
        ok.tracks = bytebuf_str(&kept);
    }
    if (client_lacks(r, CLIENT_SESSION_TRACK)) {
        /* Without it the text is not preceded by its length, which shows only where there is one.
         */
        as_is = as_is && ok.tracks.len == 0 && ok.info.len == 0;
        ok.tracks = STR_NULL;
    }
    as_is = as_is && !(kind == REPLY_END_OK && client_lacks(r, CLIENT_DEPRECATE_EOF));
    if (!as_is) {
        flush_run(r, run, header + total);
        ok.status &= (uint16_t)~SERVER_SESSION_STATE_CHANGED;
        correct_eof(r, ok.status);
        rewrite_ok(r, kind, &ok);
    }
    bytebuf_release(&kept);
    return as_is;
}

/* Is the packet the single EOF with which a cursor is opened, for a client that knows EOFs? */
static bool opens_cursor(const struct relay *r, enum reply_packet kind)
{
    return kind == REPLY_END_OK && r->track.rows == 0 &&
           (r->track.status & SERVER_STATUS_CURSOR_EXISTS) != 0;
}

/* Has the last definition of a block just passed, behind which the client expects an EOF? */
static bool is_block_over(const struct reply_track *t)
{
    if (t->command != COM_STMT_PREPARE) {
        return t->state == REPLY_AT_ROWS;
    }
    const bool params_over =
        t->state == REPLY_AT_PREPARED_COLUMNS && t->left == t->prepared.columns;
    return t->done || params_over;
}

/* A definition, or the head of a result whose definitions are left out, has passed. */
static void after_definition(struct relay *r, struct run *run, const char *next)
{
    if (!client_lacks(r, CLIENT_DEPRECATE_EOF) || !is_block_over(&r->track)) {
        return;
    }
    r->eof_due = true;
    if (r->track.command == COM_STMT_PREPARE) {
        flush_run(r, run, next);
        put_eof(r);
    }
}

/* Definitions that are left out of a prepare's reply leave their EOFs behind. */
static void after_bare_prepare(struct relay *r, struct run *run, const char *next)
{
    const struct wire_prepare_ok p = r->track.prepared;
    const unsigned blocks = (p.params > 0 ? 1u : 0u) + (p.columns > 0 ? 1u : 0u);
    if (!client_lacks(r, CLIENT_DEPRECATE_EOF)) {
        return;
    }
    for (unsigned i = 0; i < blocks; i++) {
        flush_run(r, run, next);
        put_eof(r);
    }
}

/* The number that a packet has for the client. */
static void number_down(struct relay *r, const char *header)
{
    if (r->up->conn.compressed == NULL) {
        r->client_seq = (uint8_t)(packet_seq(header) + r->shift);
    }
}

/* A packet goes on as it is, but for its number. */
static void pass_packet(struct relay *r, const char *header)
{
    if (packet_seq(header) != r->client_seq) {
        set_packet_seq(header, r->client_seq);
    }
    r->client_seq++;
}

/* Whole rows at the beginning of in, which most of a result is. Returns how many bytes they are. */
static size_t pass_rows(struct relay *r, struct str in)
{
    size_t at = 0;
    if (!r->tracking || r->eof_due) {
        return 0;
    }
    while (in.len - at > WIRE_HEADER_LEN) {
        const char *header = in.p + at;
        const size_t len = packet_len(header);
        if (len == 0 || in.len - at - WIRE_HEADER_LEN < len ||
            !reply_track_row(&r->track, (uint8_t)header[WIRE_HEADER_LEN], len)) {
            break;
        }
        number_down(r, header);
        pass_packet(r, header);
        at += WIRE_HEADER_LEN + len;
    }
    r->reply_bytes += at;
    return at;
}

/* A packet of a reply, whole or its beginning. Returns STEP_OK with the run grown or broken. */
static enum step take_packet(struct relay *r, struct run *run, struct str payload, size_t len)
{
    const char *header = payload.p - WIRE_HEADER_LEN;
    const size_t here = WIRE_HEADER_LEN + payload.len;
    const enum reply_packet kind = reply_track_packet(&r->track, payload, len);
    if (kind == REPLY_MALFORMED) {
        return STEP_UPSTREAM_GONE;
    }
    if (r->eof_due && kind != REPLY_REST && kind != REPLY_PROGRESS) {
        if (opens_cursor(r, kind)) {
            r->eof_due = false;
        } else {
            flush_run(r, run, header);
            put_eof(r);
        }
    }
    if (kind == REPLY_OK || kind == REPLY_END_OK || kind == REPLY_EOF) {
        r->up->status = r->track.status;
    }
    if (kind == REPLY_PREPARED && r->hooks->prepared != NULL) {
        r->track.prepared.stmt_id = r->hooks->prepared(r->arg, r, &r->track.prepared);
        set_u32(payload.p + 1, r->track.prepared.stmt_id);
    }
    number_down(r, header);
    bool as_is = true;
    if (kind == REPLY_OK || kind == REPLY_END_OK) {
        as_is = take_ok(r, kind, run, header, here);
    }
    if (as_is) {
        pass_packet(r, header);
        run->len += here;
    }
    if (kind == REPLY_COLUMN || kind == REPLY_HEAD) {
        after_definition(r, run, header + here);
    }
    if (kind == REPLY_PREPARED && !r->track.prepared.has_metadata) {
        after_bare_prepare(r, run, header + here);
    }
    if (kind == REPLY_INFILE) {
        r->infile = true;
        r->file_up = true;
        r->up_seq = (uint8_t)(packet_seq(header) + 1);
    }
    return STEP_OK;
}

/*
 * The header at in.p is there. Returns true when the packet (or its beginning) was taken:
 * *out_taken bytes; false when more has to arrive first: r->need.
 */
static bool look_down(struct relay *r, struct run *run, struct str in, size_t *out_taken,
                      enum step *out_step)
{
    const size_t len = packet_len(in.p);
    if (r->sent_count == 0) {
        /* Nobody asked: the last words of a server that ends the connection. What else it says can
         * not be told from replies to come. */
        r->up->broken = true;
        *out_taken = WIRE_HEADER_LEN;
        run->len += WIRE_HEADER_LEN;
        r->skip_down = len;
        return true;
    }
    if (!r->tracking) {
        begin_reply(r);
    }
    const size_t there = in.len - WIRE_HEADER_LEN;
    const uint8_t first = there > 0 ? (uint8_t)in.p[WIRE_HEADER_LEN] : 0;
    size_t wanted = MIN(len, (size_t)1);
    if (there > 0 && reply_track_needs_whole(&r->track, first, len)) {
        wanted = len;
    }
    if (there < wanted) {
        r->need = WIRE_HEADER_LEN + wanted;
        return false;
    }
    const struct str payload = str_from(in.p + WIRE_HEADER_LEN, wanted);
    *out_step = take_packet(r, run, payload, len);
    *out_taken = WIRE_HEADER_LEN + wanted;
    r->skip_down = len - wanted;
    r->reply_bytes += WIRE_HEADER_LEN + len;
    return true;
}

/* A packet has been taken to its last byte: does the reply end with it? */
static void check_end(struct relay *r)
{
    if (r->tracking && r->skip_down == 0 && r->track.done && !r->track.continued) {
        end_reply(r);
    }
}

/*
 * Looks at what the upstream has sent. Bytes that go on as they are stay in its buffer, approved,
 * as long as nothing has to be put between them; else all is copied to the client's output.
 */
static enum step approve_down(struct relay *r, struct diag *d)
{
    const struct str in = conn_raw_peek(&r->up->conn);
    enum step step = STEP_OK;
    size_t at = r->approved_down;
    struct run run = {.p = in.p, .len = at};
    r->need = 0;
    while (at < in.len && step == STEP_OK) {
        if (r->skip_down > 0) {
            const size_t n = MIN(r->skip_down, in.len - at);
            r->skip_down -= n;
            run.len += n;
            at += n;
        } else {
            const size_t rows = pass_rows(r, str_from(in.p + at, in.len - at));
            size_t taken = 0;
            run.len += rows;
            at += rows;
            if (in.len - at < WIRE_HEADER_LEN ||
                !look_down(r, &run, str_from(in.p + at, in.len - at), &taken, &step)) {
                break;
            }
            at += taken;
        }
        check_end(r);
    }
    if (r->client->out.len == 0) {
        r->approved_down = at;
    } else {
        flush_run(r, &run, NULL);
        conn_raw_consume(&r->up->conn, at);
        r->approved_down = 0;
    }
    return step == STEP_OK ? STEP_OK : lost_upstream(r, NET_ERROR, d);
}

/* Sends to the client what is ready. */
static enum step send_down(struct relay *r, struct diag *d)
{
    struct conn *c = r->client;
    enum net_result result = NET_OK;
    size_t moved = 0;
    if (c->out.len > 0) {
        const size_t before = c->out.len - c->sent;
        result = conn_flush(c, NET_NOW, d);
        moved = before - (c->out.len - c->sent);
        r->eof_at = 0;
    } else if (r->approved_down > 0 || c->is_stalled) {
        const struct net_io io = conn_raw_write(
            c, r->up == NULL ? NULL : conn_raw_peek(&r->up->conn).p, r->approved_down, d);
        result = io.result;
        moved = io.len;
        if (io.len > 0) {
            conn_raw_consume(&r->up->conn, io.len);
            r->approved_down -= io.len;
        }
    }
    if (result == NET_TIMEOUT && (moved > 0 || r->stalled_since_us == 0)) {
        r->stalled_since_us = clock_monotonic_us();
    } else if (result == NET_OK) {
        r->stalled_since_us = 0;
    }
    return result == NET_OK || result == NET_TIMEOUT ? STEP_OK : STEP_CLIENT_GONE;
}

/* ---- Waiting ---- */

static unsigned client_wants(const struct relay *r)
{
    const struct conn *c = r->client;
    const bool room = conn_raw_peek(c).len < RELAY_BUFFER_MAX && !r->stopped &&
                      r->sent_count < RELAY_PIPELINE_MAX;
    const bool output = c->out.len > 0 || r->approved_down > 0 || c->is_stalled;
    return (room ? IO_READABLE : 0u) | (output ? IO_WRITABLE : 0u);
}

static unsigned upstream_wants(const struct relay *r)
{
    const struct conn *c = &r->up->conn;
    const size_t limit = MAX((size_t)RELAY_BUFFER_MAX, r->need);
    const bool room = conn_raw_peek(c).len < limit && r->client->out.len == 0;
    return (room ? IO_READABLE : 0u) | (r->approved_up > 0 || c->is_stalled ? IO_WRITABLE : 0u);
}

static enum step read_client(struct relay *r, struct diag *d)
{
    const enum net_result result = conn_raw_read(r->client, d);
    r->client_dry = result == NET_TIMEOUT;
    return result == NET_OK || result == NET_TIMEOUT ? STEP_OK : STEP_CLIENT_GONE;
}

static enum step read_upstream(struct relay *r, struct diag *d)
{
    const enum net_result result = conn_raw_read(&r->up->conn, d);
    r->up_dry = result == NET_TIMEOUT;
    return result == NET_OK || result == NET_TIMEOUT ? STEP_OK : lost_upstream(r, result, d);
}

/* Waits for what is wanted. Sets *ready_client and *ready_up. */
static enum io_result wait_io(struct relay *r, uint64_t deadline_us, unsigned *ready_client,
                              unsigned *ready_up)
{
    const unsigned want_client = client_wants(r);
    const unsigned want_up = r->up != NULL ? upstream_wants(r) : 0;
    *ready_client =
        (want_client & IO_READABLE) != 0 && !r->client_dry && conn_raw_pending(r->client)
            ? IO_READABLE
            : 0;
    *ready_up = (want_up & IO_READABLE) != 0 && !r->up_dry && conn_raw_pending(&r->up->conn)
                    ? IO_READABLE
                    : 0;
    if ((*ready_client | *ready_up) != 0) {
        return IO_READY;
    }
    struct io_wait_item items[2] = {{.io = conn_io(r->client), .want = want_client}};
    if (r->up != NULL) {
        items[1] = (struct io_wait_item){.io = conn_io(&r->up->conn), .want = want_up};
    }
    const enum io_result w = io_wait_many(items, r->up != NULL ? 2 : 1, deadline_us);
    if (w == IO_READY) {
        *ready_client = io_ready(items[0].io);
        *ready_up = r->up != NULL ? io_ready(items[1].io) : 0;
    }
    return w;
}

static uint64_t client_deadline(const struct relay *r)
{
    return r->stalled_since_us != 0 ? r->stalled_since_us + r->write_timeout_us : FIBER_FOREVER;
}

/*
 * Until when the upstream has to take something of a command. It need not read while it executes:
 * what was sent before, or, of a file, the lines read so far.
 */
static uint64_t upstream_deadline(const struct relay *r)
{
    const bool executes = r->file_up || r->sent_count > (r->last_is_expected ? 1u : 0u);
    return r->up_stalled_since_us != 0 && r->up->write_timeout_us != 0 && !executes
               ? r->up_stalled_since_us + r->up->write_timeout_us
               : FIBER_FOREVER;
}

/* The next time at which something has to be done if nothing happens. */
static uint64_t wait_deadline(const struct relay *r, bool trimmed)
{
    const uint64_t stalled = MIN(client_deadline(r), upstream_deadline(r));
    if (!relay_is_idle(r)) {
        return stalled;
    }
    const uint64_t idle = MIN(r->idle_deadline_us, stalled);
    return trimmed ? idle : MIN(idle, clock_monotonic_us() + IDLE_US);
}

/* ---- The loop ---- */

/* Everything that can be done without waiting. */
static enum step work_once(struct relay *r, struct diag *d)
{
    r->held = false;
    enum step s = approve_up(r, d);
    if (s == STEP_OK && r->up != NULL) {
        s = send_up(r, d);
    }
    if (s == STEP_OK && r->up != NULL && r->client->out.len == 0) {
        s = approve_down(r, d);
    }
    return s == STEP_OK ? send_down(r, d) : s;
}

static enum step work(struct relay *r, struct diag *d)
{
    enum step s;
    do {
        s = work_once(r, d);
    } while (s == STEP_OK && r->held && r->up != NULL && may_follow(r, r->approved_up));
    return s;
}

/* Is it the owner's turn? */
static bool is_owners_turn(struct relay *r, enum relay_end *out)
{
    if (!relay_is_idle(r)) {
        return false;
    }
    if (r->release && r->up != NULL) {
        r->release = false;
        *out = RELAY_RELEASE;
        return true;
    }
    *out = RELAY_COMMAND;
    return r->stopped;
}

static void trim(struct relay *r)
{
    conn_idle(r->client);
    if (r->up != NULL) {
        conn_idle(&r->up->conn);
    }
}

/* The time that was waited until has come. Returns true to go on working. */
static bool on_timeout(struct relay *r, bool *trimmed, struct diag *d, enum step *out_step,
                       enum relay_end *out_end)
{
    const uint64_t now = clock_monotonic_us();
    *out_step = STEP_OK;
    if (now >= upstream_deadline(r)) {
        *out_step = lost_upstream(r, NET_TIMEOUT, d);
        return true;
    }
    if (now >= client_deadline(r)) {
        *out_end = RELAY_CLIENT_STALLED;
        return false;
    }
    if (!relay_is_idle(r)) {
        return true;
    }
    *out_end = RELAY_IDLE;
    trim(r);
    *trimmed = true;
    return now < r->idle_deadline_us;
}

/* One wait, and the reads that follow from it. Returns true to go on working. */
static bool wait_for_work(struct relay *r, bool *trimmed, struct diag *d, enum step *out_step,
                          enum relay_end *out_end)
{
    unsigned ready_client, ready_up;
    const enum io_result w = wait_io(r, wait_deadline(r, *trimmed), &ready_client, &ready_up);
    if (w == IO_INTERRUPTED) {
        *out_end = RELAY_INTERRUPTED;
        return false;
    }
    if (w == IO_TIMEOUT) {
        return on_timeout(r, trimmed, d, out_step, out_end);
    }
    *trimmed = false;
    *out_step = STEP_OK;
    if ((ready_client & IO_READABLE) != 0) {
        *out_step = read_client(r, d);
    }
    if (*out_step == STEP_OK && (ready_up & IO_READABLE) != 0) {
        *out_step = read_upstream(r, d);
    }
    return true;
}

static enum relay_end end_of(enum step s)
{
    return s == STEP_CLIENT_GONE ? RELAY_CLIENT_GONE : RELAY_UPSTREAM_GONE;
}

enum relay_end relay_run(struct relay *r, uint64_t idle_deadline_us, struct diag *d)
{
    enum relay_end end = RELAY_COMMAND;
    bool trimmed = false;
    keep_hot(r);
    keep_upstream_hot(r);
    r->stopped = false;
    r->idle_deadline_us = idle_deadline_us;
    for (;;) {
        enum step s = work(r, d);
        if (s != STEP_OK) {
            return end_of(s);
        }
        if (is_owners_turn(r, &end)) {
            return end;
        }
        if (!wait_for_work(r, &trimmed, d, &s, &end)) {
            return end;
        }
        if (s != STEP_OK) {
            return end_of(s);
        }
    }
}

bool relay_can_report(struct relay *r)
{
    if (r->skip_down > 0) {
        return false;
    }
    if (r->approved_down > 0) {
        bytebuf_put(&r->client->out, conn_raw_peek(&r->up->conn).p, r->approved_down);
        conn_raw_consume(&r->up->conn, r->approved_down);
        r->approved_down = 0;
    }
    /* Before the first packet of a reply, the number that answers a command. */
    r->client->w.seq = r->tracking && r->reply_bytes > 0 ? r->client_seq : 1;
    return !r->client->out.failed;
}
