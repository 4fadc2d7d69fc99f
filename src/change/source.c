/*
 * The source's fiber: connects, reads events into blocks, and connects again. See source.h.
 *
 *     connect ──► receive ──► lost: put what is there, have take() say RESTARTED,
 *        ▲           │              wait for restart()
 *        │           └──► fatal: end
 *        └── back-off ◄── it may work later
 */
#include "source_int.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    STOP = 1u << 0,    /* Interrupt bits. */
    RESTART = 1u << 1, /* Connect again, from a new place. */

    MAX_BACK_OFF_SHIFT = 5,           /* 32 times retry_us. */
    SILENCE_US = 5 * 1000 * 1000,     /* Beyond three heartbeats: the connection is dead. */
    SETTLED_US = 1000 * 1000,         /* A connection that has lived so long counts as a success. */
    UNDISPUTED_US = 60 * 1000 * 1000, /* And so long: nobody else has our server id. */

    TYPE_OFFSET = 4, /* In an event's header. */
    SIZE_OFFSET = 9,
    LOG_POS_OFFSET = 13,
    FLAGS_OFFSET = 17,
    CHECKSUM_LEN = 4,
};

/* ---- Status ---- */

void change_source_set_state(struct change_source *s, const char *state)
{
    os_mutex_lock(&s->lock);
    s->status.state = state;
    os_mutex_unlock(&s->lock);
}

static void set_connected(struct change_source *s, bool connected)
{
    os_mutex_lock(&s->lock);
    s->status.connected = connected;
    if (connected) {
        s->status.last_errno = 0;
        s->status.last_error[0] = '\0';
    }
    os_mutex_unlock(&s->lock);
}

static void note_error(struct change_source *s, const struct diag *d)
{
    if (d->error == NULL) {
        return;
    }
    os_mutex_lock(&s->lock);
    s->status.last_errno = d->error->code;
    s->status.last_error_us = (uint64_t)clock_wall_us();
    (void)snprintf(s->status.last_error, sizeof(s->status.last_error), "%.*s",
                   STR_FMT(d->error->message));
    os_mutex_unlock(&s->lock);
}

static void publish_seen(struct change_source *s)
{
    os_mutex_lock(&s->lock);
    struct change_source_status *st = &s->status;
    st->bytes += s->seen.bytes;
    st->events += s->seen.events;
    st->last_heartbeat_us = s->seen.heartbeat_us;
    st->offset = s->seen.offset;
    memcpy(st->file, s->seen.file, sizeof(st->file));
    os_mutex_unlock(&s->lock);
    s->seen.bytes = 0;
    s->seen.events = 0;
}

void change_source_status(struct change_source *s, struct change_source_status *out)
{
    os_mutex_lock(&s->lock);
    *out = s->status;
    os_mutex_unlock(&s->lock);
}

struct str change_source_received(struct change_source *s, struct arena *arena)
{
    os_mutex_lock(&s->lock);
    const struct str out =
        s->got.mode != CHANGE_BY_FILE ? change_position_gtids(&s->got, arena) : STR("");
    os_mutex_unlock(&s->lock);
    return out;
}

/* ---- Events ---- */

static uint32_t load_u32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static void store_u32(char *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static void see_file(struct change_source *s, struct str file, uint64_t offset)
{
    (void)snprintf(s->seen.file, sizeof(s->seen.file), "%.*s", STR_FMT(file));
    s->seen.offset = offset;
}

/* Of the events about the log itself. Mistakes in them are for the decoder to report. */
static void see_control(struct change_source *s, const struct binlog_event *ev)
{
    struct diag ignored;
    struct binlog_format format;
    struct binlog_rotate rotate;
    struct binlog_heartbeat heartbeat;
    diag_init(&ignored);
    switch (ev->type) {
    case BINLOG_FORMAT_DESCRIPTION:
        if (binlog_decode_format(ev, &format, &ignored) == 0) {
            s->format = format;
            s->has_format = true;
        }
        break;
    case BINLOG_ROTATE:
        if (binlog_decode_rotate(&s->format, ev, &rotate, &ignored) == 0) {
            see_file(s, rotate.file, rotate.position);
        }
        break;
    case BINLOG_HEARTBEAT:
    case BINLOG_HEARTBEAT_V2:
        s->seen.heartbeat_us = (uint64_t)clock_wall_us();
        if (binlog_decode_heartbeat(ev, &heartbeat, &ignored) == 0) {
            see_file(s, heartbeat.file, heartbeat.position);
        }
        break;
    default:
        break;
    }
    diag_release(&ignored);
}

/* As for the others, mistakes are for the decoder to report. */
static void see_gtid(struct change_source *s, const struct binlog_event *ev)
{
    struct diag ignored;
    struct binlog_mysql_gtid mysql;
    struct binlog_mariadb_gtid_event mariadb;
    diag_init(&ignored);
    os_mutex_lock(&s->lock);
    if (ev->type == BINLOG_MARIADB_GTID) {
        if (binlog_decode_mariadb_gtid(ev, &mariadb, &ignored) == 0) {
            mariadb_pos_set(&s->got.mariadb, mariadb.gtid);
        }
    } else if (binlog_decode_mysql_gtid(ev, &mysql, &ignored) == 0) {
        const struct gtid_source source = gtid_source_of(&mysql);
        gtid_set_add(&s->got.gtids, &source,
                     (struct gtid_interval){.start = mysql.gno, .end = mysql.gno + 1});
    }
    os_mutex_unlock(&s->lock);
    diag_release(&ignored);
}

static bool is_gtid(uint8_t type)
{
    return type == BINLOG_GTID || type == BINLOG_GTID_TAGGED || type == BINLOG_MARIADB_GTID;
}

static bool is_control(uint8_t type)
{
    return type == BINLOG_FORMAT_DESCRIPTION || type == BINLOG_ROTATE || type == BINLOG_HEARTBEAT ||
           type == BINLOG_HEARTBEAT_V2;
}

/* The end of an event is given with 32 bits; files may be longer. */
static void see_log_pos(struct change_source *s, const char *event)
{
    uint16_t flags;
    memcpy(&flags, event + FLAGS_OFFSET, sizeof(flags));
    const uint32_t low = load_u32(event + LOG_POS_OFFSET);
    if (low == 0 || (flags & BINLOG_F_ARTIFICIAL) != 0) {
        return;
    }
    uint64_t offset = (s->seen.offset & ~(uint64_t)UINT32_MAX) | low;
    if (offset < s->seen.offset) {
        offset += UINT64_C(1) << 32;
    }
    s->seen.offset = offset;
}

static void see_event(struct change_source *s, struct str event)
{
    s->received++;
    s->seen.events++;
    s->seen.bytes += event.len;
    if (event.len < BINLOG_HEADER_LEN) {
        return;
    }
    const uint8_t type = (uint8_t)event.p[TYPE_OFFSET];
    if (!is_control(type)) {
        see_log_pos(s, event.p);
        if (!is_gtid(type) || s->position.mode == CHANGE_BY_FILE) {
            return;
        }
    }
    struct diag ignored;
    struct binlog_event ev;
    diag_init(&ignored);
    if (binlog_decode_event(&s->format, event, 0, &ev, &ignored) == 0) {
        is_gtid(type) ? see_gtid(s, &ev) : see_control(s, &ev);
    }
    diag_release(&ignored);
}

/* ---- Blocks ---- */

/* False when interrupted. */
static bool hand_over(struct change_source *s)
{
    struct change_block *b = s->fill;
    s->fill = NULL;
    publish_seen(s);
    return b == NULL || change_queue_put(&s->queue, b);
}

static int add_event(struct change_source *s, struct str event, struct diag *d)
{
    if (s->fill != NULL && !change_block_has_room(s->fill, event.len)) {
        if (!hand_over(s)) {
            return diag_set(d, ER_QUERY_INTERRUPTED);
        }
        fiber_yield(); /* A source that never pauses must not keep others from this thread. */
    }
    if (s->fill == NULL) {
        s->fill = change_queue_new_block(&s->queue, s->generation, event.len);
        if (s->fill == NULL) {
            return diag_set(d, ER_OUT_OF_RESOURCES);
        }
        memcpy(s->fill->source_id, s->source_id, sizeof(s->fill->source_id));
    }
    change_block_add(s->fill, event);
    return 0;
}

/* Adds an event from before the first format description, without its checksum. */
static int add_early_event(struct change_source *s, struct str event, struct diag *d)
{
    char copy[BINLOG_HEADER_LEN + CHANGE_FILE_MAX + 64];
    struct binlog_event ev;
    if (s->format.checksum != BINLOG_CHECKSUM_CRC32 || event.len < BINLOG_HEADER_LEN ||
        (uint8_t)event.p[TYPE_OFFSET] == BINLOG_FORMAT_DESCRIPTION) {
        return add_event(s, event, d);
    }
    if (binlog_decode_event(&s->format, event, 0, &ev, d) != 0) {
        return -1;
    }
    const size_t len = event.len - CHECKSUM_LEN;
    if (len > sizeof(copy)) {
        return binlog_corrupt(d, &ev, "it is too long for one before the format description");
    }
    memcpy(copy, event.p, len);
    store_u32(copy + SIZE_OFFSET, (uint32_t)len);
    return add_event(s, str_from(copy, len), d);
}

static void end_tail(struct change_source *s)
{
    change_tail_free(s->tail);
    s->tail = NULL;
}

/* *out_passes: the event belongs to no transaction that is only compared. What its end is, if it is
 * not CHANGE_OK, d says. */
static enum change_outcome compare_tail(struct change_source *s, struct str event, bool *out_passes,
                                        struct diag *d)
{
    *out_passes = false;
    switch (change_tail_event(s->tail, &s->format, event, d)) {
    case CHANGE_TAIL_PASS:
        *out_passes = true;
        break;
    case CHANGE_TAIL_DROP:
        break;
    case CHANGE_TAIL_SAME:
        end_tail(s);
        s->place_is_gone = false;
        break;
    case CHANGE_TAIL_GONE:
        *out_passes = true;
        end_tail(s);
        break;
    case CHANGE_TAIL_OTHER:
        return CHANGE_FATAL;
    case CHANGE_TAIL_ELSEWHERE:
        s->place_is_gone = true;
        diag_reset(d);
        (void)upstream_error(d, CR_SERVER_LOST, "transaction %s is not at %s:%llu of '%s'",
                             s->position.last_gtid, s->position.file,
                             (unsigned long long)s->position.last_offset,
                             upstream_name(s->o.upstream));
        return CHANGE_LOST;
    }
    return CHANGE_OK;
}

/* What its end is, if it is not CHANGE_OK, d says. */
static enum change_outcome take_event(struct change_source *s, struct str event, struct diag *d)
{
    const bool is_early = !s->has_format;
    bool passes = true;
    see_event(s, event);
    if (s->tail != NULL) {
        const enum change_outcome out = compare_tail(s, event, &passes, d);
        if (out != CHANGE_OK) {
            return out;
        }
    }
    if (!passes) {
        return CHANGE_OK;
    }
    const int rc = is_early ? add_early_event(s, event, d) : add_event(s, event, d);
    return rc == 0 ? CHANGE_OK : CHANGE_FATAL;
}

/* ---- Reading ---- */

static uint64_t silence_deadline(const struct change_source *s)
{
    return clock_monotonic_us() + 3 * s->o.heartbeat_us + SILENCE_US;
}

static enum change_outcome too_large(struct change_source *s, struct diag *d)
{
    (void)diag_set(d, ER_REPLICA_FATAL_ERROR,
                   arena_printf(&d->arena,
                                "an event of source '%s' after %s:%llu is larger than %u bytes, "
                                "the most that is taken",
                                upstream_name(s->o.upstream), s->seen.file,
                                (unsigned long long)s->seen.offset, s->o.max_event_bytes)
                       .p);
    return CHANGE_FATAL;
}

/* What a packet that is no event means. */
static enum change_outcome end_packet(struct change_source *s, struct str payload, struct diag *d)
{
    if (payload.len > 0 && (uint8_t)payload.p[0] == WIRE_MARK_ERR) {
        (void)upstream_set_err(s->c, payload, d);
        return change_source_judge(s, d);
    }
    (void)upstream_error(d, CR_SERVER_LOST, "'%s' has ended the stream of events",
                         upstream_name(s->o.upstream));
    return CHANGE_LOST;
}

/* Waits as long as something comes: a large event may take its time. */
static enum net_result wait_for_packet(struct change_source *s, struct str *out, struct diag *d)
{
    for (;;) {
        const uint64_t before = s->c->conn.bytes_in;
        const enum net_result rc = conn_read_packet(&s->c->conn, silence_deadline(s), out, d);
        if (rc != NET_TIMEOUT || s->c->conn.bytes_in == before) {
            return rc;
        }
        diag_reset(d);
    }
}

/* Waits for the next packet; hands over what is there before it waits. */
static enum net_result read_packet(struct change_source *s, struct str *out, struct diag *d)
{
    if (s->fill == NULL) {
        return wait_for_packet(s, out, d);
    }
    const enum net_result rc = conn_read_packet(&s->c->conn, 0, out, d);
    if (rc != NET_TIMEOUT) {
        return rc;
    }
    diag_reset(d);
    atomic_store_explicit(&s->is_waiting, true, memory_order_release);
    return hand_over(s) ? wait_for_packet(s, out, d) : NET_INTERRUPTED;
}

/* Until the connection ends. */
static enum change_outcome receive(struct change_source *s, struct diag *d)
{
    for (;;) {
        struct str payload;
        const enum net_result rc =
            conn_take_packet(&s->c->conn, &payload) ? NET_OK : read_packet(s, &payload, d);
        if (rc == NET_TOO_LARGE) {
            return too_large(s, d);
        }
        if (rc != NET_OK) {
            (void)upstream_lost(s->c, rc, d);
            return CHANGE_LOST;
        }
        atomic_store_explicit(&s->is_waiting, false, memory_order_relaxed);
        if (payload.len == 0 || payload.p[0] != WIRE_MARK_OK) {
            return end_packet(s, payload, d);
        }
        const enum change_outcome out = take_event(s, str_from(payload.p + 1, payload.len - 1), d);
        if (out != CHANGE_OK) {
            return fiber_interrupted() != 0 ? CHANGE_LOST : out;
        }
    }
}

/* ---- The fiber ---- */

static bool is_stopping(struct change_source *s)
{
    os_mutex_lock(&s->lock);
    const bool yes = s->is_stopping;
    os_mutex_unlock(&s->lock);
    return yes;
}

/* What to begin with. An interrupt of a restart that is in effect by this is not needed. */
static void begin(struct change_source *s)
{
    fiber_clear_interrupt(RESTART);
    os_mutex_lock(&s->lock);
    change_position_copy(&s->position, &s->from);
    change_position_copy(&s->got, &s->from);
    s->generation = s->from_generation;
    os_mutex_unlock(&s->lock);
    s->received = 0;
    s->is_same = false;
    (void)snprintf(s->seen.file, sizeof(s->seen.file), "%s", s->position.file);
    s->seen.offset = s->position.offset;
}

static enum change_outcome run_connection(struct change_source *s, struct diag *d,
                                          uint64_t *out_lived_us)
{
    *out_lived_us = 0;
    enum change_outcome out = change_source_connect(s, d);
    if (out != CHANGE_OK) {
        return out;
    }
    const uint64_t since = clock_monotonic_us();
    set_connected(s, true);
    log_info(&s->log, "following '%s' (%s) from %s:%llu", upstream_name(s->o.upstream),
             s->c->version, s->position.file, (unsigned long long)s->position.offset);
    change_source_set_state(s, "Waiting for source to send event");
    out = receive(s, d);
    *out_lived_us = clock_monotonic_us() - since;
    atomic_store_explicit(&s->is_waiting, false, memory_order_relaxed);
    change_source_disconnect(s);
    set_connected(s, false);
    return out;
}

static void report(struct change_source *s, const struct diag *d, enum change_outcome out)
{
    if (fiber_interrupted() != 0 || d->error == NULL) {
        return;
    }
    note_error(s, d);
    log_write(&s->log, out == CHANGE_FATAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
              "source '%s' %s: %.*s (%u)", upstream_name(s->o.upstream),
              out == CHANGE_FATAL ? "stopped" : "lost", STR_FMT(d->error->message), d->error->code);
}

/* After a loss: waits before the next attempt, the longer the more have failed. */
static void back_off(struct change_source *s, unsigned failures)
{
    if (failures == 0) {
        return;
    }
    change_source_set_state(s, "Waiting to reconnect after a failed source event read");
    os_mutex_lock(&s->lock);
    s->status.retries++;
    os_mutex_unlock(&s->lock);
    (void)fiber_sleep(s->o.retry_us << MIN(failures - 1, (unsigned)MAX_BACK_OFF_SHIFT));
}

/* One connection and what follows it. False: that was the last. */
static bool go_on(struct change_source *s, unsigned *failures)
{
    struct diag d;
    uint64_t lived_us;
    diag_init(&d);
    begin(s);
    const enum change_outcome out = run_connection(s, &d, &lived_us);
    report(s, &d, out);
    const bool handed = hand_over(s);
    const bool goes_on = out != CHANGE_FATAL || (fiber_interrupted() & RESTART) != 0;
    if (!goes_on) {
        change_queue_end(&s->queue, &d);
    } else if (handed && fiber_interrupted() == 0) {
        *failures = lived_us >= SETTLED_US ? 0 : *failures + 1;
        s->clashes = lived_us >= UNDISPUTED_US ? 0 : s->clashes;
        s->at_torn_end = lived_us >= UNDISPUTED_US ? false : s->at_torn_end;
        if (s->received > 0) {
            change_queue_announce_loss(&s->queue, s->generation);
        }
        back_off(s, *failures);
    }
    diag_release(&d);
    return goes_on && !is_stopping(s);
}

static void run_source(void *arg)
{
    struct change_source *s = arg;
    unsigned failures = 0;
    while (go_on(s, &failures)) {
    }
    change_source_set_state(s, "");
    change_queue_end(&s->queue, NULL);
}

/* ---- Interface ---- */

static uint32_t random_server_id(void)
{
    uint32_t id = 0;
    if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
        id = (uint32_t)clock_wall_us();
    }
    return (id & INT32_MAX) | 1u << 30; /* Far from the small numbers that people give. */
}

static void keep_options(struct change_source *s, const struct change_source_options *o)
{
    s->o = *o;
    if (s->o.server_id == 0) {
        s->o.server_id = random_server_id();
    }
}

struct change_source *change_source_start(const struct change_source_options *o,
                                          const struct change_position *from)
{
    struct change_source *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    os_mutex_init(&s->lock);
    change_queue_init(&s->queue, o->queue_bytes, o->block_bytes);
    change_position_init(&s->from);
    change_position_init(&s->position);
    change_position_init(&s->got);
    change_position_copy(&s->from, from);
    change_position_copy(&s->got, from);
    keep_options(s, o);
    s->log.module = "change";
    s->status.state = "Connecting to source";
    s->from_generation = s->queue.generation;
    s->fiber = fiber_spawn_ref(o->loop, run_source, s);
    if (s->fiber == NULL) {
        change_source_stop(s);
        return NULL;
    }
    return s;
}

void change_source_stop(struct change_source *s)
{
    if (s == NULL) {
        return;
    }
    if (s->fiber != NULL) {
        os_mutex_lock(&s->lock);
        s->is_stopping = true;
        os_mutex_unlock(&s->lock);
        fiber_interrupt(s->fiber, STOP);
        fiber_join(s->fiber);
    }
    change_queue_release(&s->queue);
    change_position_release(&s->position);
    change_position_release(&s->got);
    change_position_release(&s->from);
    os_mutex_release(&s->lock);
    free(s);
}

enum change_take change_source_take(struct change_source *s, uint64_t deadline_us,
                                    struct change_block **out, struct diag *d)
{
    return change_queue_take(&s->queue, deadline_us, out, d);
}

void change_source_give_back(struct change_source *s, struct change_block *b)
{
    change_queue_give_back(&s->queue, b);
}

void change_source_nudge(struct change_source *s)
{
    change_queue_nudge(&s->queue);
}

void change_source_restart(struct change_source *s, const struct change_position *from)
{
    os_mutex_lock(&s->lock);
    change_position_copy(&s->from, from);
    s->from_generation = change_queue_restart(&s->queue);
    os_mutex_unlock(&s->lock);
    fiber_interrupt(s->fiber, RESTART);
}

bool change_source_is_idle(const struct change_source *s)
{
    return atomic_load_explicit(&s->is_waiting, memory_order_acquire) &&
           change_queue_is_empty((struct change_queue *)&s->queue);
}
