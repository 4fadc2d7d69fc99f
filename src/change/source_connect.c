/*
 * Connecting to a source as a replica: identity, whether the position can be gone on from, the
 * variables that its dump thread reads, and the request for the log. And what errors mean.
 */
#include "source_int.h"

#include "base/clock.h"
#include "wire/command.h"
#include "wire/proto.h"

#include <xxhash.h>

#include <stdio.h>

enum {
    SQL_MAX = 64 * 1024 * 1024, /* A statement with a position in it. */
    WAIT_FOR_GTIDS_S = 5,       /* What the log has may not be committed in the engine yet. */
    WAIT_STEP_US = 200 * 1000,
    DUMP_ERROR = 1236,    /* What dump threads of both families say, whatever the matter is. */
    SAME_ID_ERROR = 4052, /* MariaDB */
    MAX_CLASHES = 3,
};

/* ---- What errors mean ---- */

/* What is tried before an error counts. */
enum remedy {
    REMEDY_NONE,
    REMEDY_BEHIND_TEAR, /* Begin in the next log file. */
    REMEDY_WAIT,        /* Our own connection from before may still be there. */
};

struct advice {
    int code;
    const char *part; /* Of the text; NULL = any. */
    const char *text; /* Appended; NULL = nothing. */
    enum remedy remedy;
};

#define COPY_ANEW                                                                                  \
    "The changes since the copy's position are gone from the source's log: RESET REPLICA and "     \
    "START REPLICA copy the tables anew. Let the source keep its log for longer than a replica "   \
    "may be away (binlog_expire_logs_seconds)"
#define TORN_LOG                                                                                   \
    "The source was killed while it wrote its log, and sends nothing behind the event that was "   \
    "cut off there: RESET REPLICA and START REPLICA copy the tables anew"
#define CLASH                                                                                      \
    "Another replica with our server id (and the server_uuid made from it) follows the same "      \
    "source: give each Pintail and each replica a server id of its own (replica.server_id), then " \
    "START REPLICA"
#define BEYOND_END                                                                                 \
    "The position lies beyond the end of the source's log file: the source has lost the end of "   \
    "its log, or the position that was given is not one of it. RESET REPLICA and START REPLICA "   \
    "copy the tables anew"
#define GRANT_REPLICA                                                                              \
    "The account needs GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* "   \
    "(MariaDB: BINLOG MONITOR in place of REPLICATION CLIENT)"
#define CHECK_ACCOUNT "Check user and password of the account for the source, and its host"

/* Errors that trying again does not help against. The first that fits counts. */
static const struct advice advices[] = {
    {.code = ER_REPLICA_FATAL_ERROR},
    {.code = DUMP_ERROR, .part = "same server_uuid/server_id", .text = CLASH},
    {.code = DUMP_ERROR, .part = "purged required", .text = COPY_ANEW},
    {.code = DUMP_ERROR, .part = "Could not find first log", .text = COPY_ANEW},
    {.code = DUMP_ERROR, .part = "could not find next log", .text = COPY_ANEW},
    {.code = DUMP_ERROR, .part = "not in the master's binlog", .text = COPY_ANEW},
    {.code = DUMP_ERROR, .part = "binlog is missing the GTID", .text = COPY_ANEW},
    {.code = DUMP_ERROR, .part = "Could not find GTID state requested", .text = COPY_ANEW},
    {.code = DUMP_ERROR,
     .part = "truncated in the middle of event",
     .text = TORN_LOG,
     .remedy = REMEDY_BEHIND_TEAR},
    {.code = DUMP_ERROR, .part = "position > file size", .text = BEYOND_END},
    {.code = DUMP_ERROR, .part = "impossible position", .text = BEYOND_END},
    {.code = DUMP_ERROR,
     .part = "max_allowed_packet",
     .text = "Raise max_allowed_packet on the source"},
    {.code = DUMP_ERROR},
    {.code = SAME_ID_ERROR, .text = CLASH, .remedy = REMEDY_WAIT},
    {.code = 1381, .text = "Start the source with log_bin"},
    {.code = 1045, .text = CHECK_ACCOUNT},
    {.code = 1044, .text = GRANT_REPLICA},
    {.code = 1142, .text = GRANT_REPLICA},
    {.code = 1227, .text = GRANT_REPLICA},
    {.code = 1698, .text = CHECK_ACCOUNT},
    {.code = 1820, .text = "The account's password has expired"},
    {.code = 1862, .text = "The account's password has expired"},
    {.code = 3118, .text = "The account is locked"},
    {.code = 4151, .text = "The account is locked"},
    {.code = CR_AUTH_PLUGIN_CANNOT_LOAD},
    {.code = CR_AUTH_PLUGIN_ERR},
};

static bool contains(struct str text, const char *part)
{
    const struct str p = str_from_cstr(part);
    for (size_t i = 0; i + p.len <= text.len; i++) {
        if (memcmp(text.p + i, p.p, p.len) == 0) {
            return true;
        }
    }
    return false;
}

static const struct advice *find_advice(const struct diag_cond *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
        if (advices[i].code == error->code &&
            (advices[i].part == NULL || contains(error->message, advices[i].part))) {
            return &advices[i];
        }
    }
    return NULL;
}

bool change_source_error_passes(const struct diag *d)
{
    return d->error != NULL && find_advice(d->error) == NULL;
}

/* Is there something to be tried yet? */
static bool has_remedy(struct change_source *s, const struct advice *a)
{
    switch (a->remedy) {
    case REMEDY_BEHIND_TEAR:
        /*
         * MariaDB leaves a transaction in its log that a crash has cut off. It never happened: the
         * next log file goes on with its GTID, and is where a replica begins that asks for what
         * follows the transaction before, instead of for that one to compare it.
         */
        if (s->at_torn_end) {
            return false;
        }
        s->at_torn_end = true;
        return true;
    case REMEDY_WAIT:
        return ++s->clashes < MAX_CLASHES;
    case REMEDY_NONE:
        break;
    }
    return false;
}

enum change_outcome change_source_judge(struct change_source *s, struct diag *d)
{
    if (d->error == NULL) {
        return CHANGE_LOST;
    }
    if (d->error->code == DUMP_ERROR && change_tail_is_by_place(s->tail)) {
        s->place_is_gone = true;
        return CHANGE_LOST;
    }
    if (d->error->code == DUMP_ERROR && s->tail != NULL && s->received == 0) {
        /* Only what was asked for to be compared is gone, perhaps. */
        log_warn(&s->log,
                 "the last transaction applied, %s, cannot be compared with the source's: %.*s",
                 s->position.last_gtid, STR_FMT(d->error->message));
        s->tail_is_gone = true;
        return CHANGE_LOST;
    }
    const struct advice *a = find_advice(d->error);
    if (a == NULL || has_remedy(s, a)) {
        return CHANGE_LOST;
    }
    /* What to do goes first: texts are cut at their ends. */
    const int code = d->error->code;
    const struct str text = arena_printf(
        &d->arena, "%s%s%s source '%s'%s: '%.*s'", a->text != NULL ? a->text : "",
        a->text != NULL ? ". " : "",
        code == DUMP_ERROR ? "Got fatal error 1236 from" : "Got an error from",
        upstream_name(s->o.upstream),
        code == DUMP_ERROR ? " when reading data from binary log" : "", STR_FMT(d->error->message));
    (void)diag_set_text(d, code, text);
    return CHANGE_FATAL;
}

/* ---- Who the source is ---- */

struct identity {
    uint32_t server_id;
    char id[64];      /* As change_position.source_id. */
    struct str gtids; /* What it has; in the arena. */
};

static int read_identity(struct change_source *s, struct arena *a, struct identity *out,
                         struct diag *d)
{
    static const struct str mysql =
        STR_INIT("SELECT @@GLOBAL.server_id, @@GLOBAL.server_uuid, @@GLOBAL.gtid_executed");
    static const struct str mariadb =
        STR_INIT("SELECT @@GLOBAL.server_id, '', @@GLOBAL.gtid_binlog_pos");
    struct upstream_result r;
    uint64_t server_id;
    const bool is_mariadb = s->c->kind == UPSTREAM_MARIADB;
    if (upstream_query(s->c, is_mariadb ? mariadb : mysql, a, d, &r) != 0) {
        return -1;
    }
    if (r.row_count != 1 || r.column_count != 3 || str_to_u64(r.rows[0][0], &server_id) != 0) {
        return upstream_error(d, CR_MALFORMED_PACKET, "'%s' does not tell its server id",
                              upstream_name(s->o.upstream));
    }
    out->server_id = (uint32_t)server_id;
    out->gtids = r.rows[0][2];
    if (is_mariadb) {
        (void)snprintf(out->id, sizeof(out->id), "server_id-%u", out->server_id);
    } else {
        (void)snprintf(out->id, sizeof(out->id), "%.*s", STR_FMT(r.rows[0][1]));
    }
    return 0;
}

static void note_identity(struct change_source *s, const struct identity *id)
{
    os_mutex_lock(&s->lock);
    struct change_source_status *st = &s->status;
    memcpy(s->source_id, id->id, sizeof(s->source_id));
    st->kind = s->c->kind;
    st->source_server_id = id->server_id;
    (void)snprintf(st->version, sizeof(st->version), "%.*s", (int)sizeof(st->version) - 1,
                   s->c->version);
    (void)snprintf(st->source_id, sizeof(st->source_id), "%s", id->id);
    os_mutex_unlock(&s->lock);
}

/* Sets an error that ends the source. */
static enum change_outcome fatal(struct change_source *s, struct diag *d, const char *text)
{
    const struct str all =
        arena_printf(&d->arena, "source '%s': %s", upstream_name(s->o.upstream), text);
    (void)diag_set(d, ER_REPLICA_FATAL_ERROR, all.p);
    return CHANGE_FATAL;
}

static enum change_outcome check_identity(struct change_source *s, const struct identity *id,
                                          struct diag *d)
{
    const struct change_position *p = &s->position;
    char text[512];
    if (id->server_id == s->o.server_id) {
        (void)snprintf(text, sizeof(text),
                       "it has our own server id, %u: give Pintail another (replica.server_id)",
                       id->server_id);
        return fatal(s, d, text);
    }
    if (p->mode != CHANGE_BY_FILE &&
        (p->mode == CHANGE_BY_MARIADB_GTID) != (s->c->kind == UPSTREAM_MARIADB)) {
        return fatal(s, d,
                     "it is of the other family (MySQL, MariaDB) than the source that the copy was "
                     "made from. RESET REPLICA and START REPLICA copy the tables anew");
    }
    if (p->mode == CHANGE_BY_FILE && p->source_id[0] != '\0' && strcmp(p->source_id, id->id) != 0) {
        (void)snprintf(text, sizeof(text),
                       "it is another server (%.64s) than the one the copy's position is of "
                       "(%.64s), and without GTIDs a position means nothing there. RESET REPLICA "
                       "and START REPLICA copy the tables anew",
                       id->id, p->source_id);
        return fatal(s, d, text);
    }
    return CHANGE_OK;
}

/* ---- Does the source have what the copy has? ---- */

static enum change_outcome missing(struct change_source *s, struct str gtids, struct diag *d)
{
    const struct str text = arena_printf(
        &d->arena,
        "it does not have %.*s, which the copy has: it has lost the end of its binary log "
        "(a crash without sync_binlog=1), was restored, or is another server. Let it catch up, "
        "or, to take over what it has, RESET REPLICA and START REPLICA copy the tables anew",
        (int)MIN(gtids.len, 300u), gtids.p);
    return fatal(s, d, text.p);
}

/* Waits until the server has committed the set; a server that was just asked may still be about to,
 * as its log comes first. */
static enum change_outcome check_mysql_gtids(struct change_source *s, struct str gtids,
                                             struct diag *d)
{
    struct gtid_set has;
    struct gtid_set lacks;
    struct bytebuf text;
    enum change_outcome out = CHANGE_OK;
    gtid_set_init(&has);
    gtid_set_init(&lacks);
    bytebuf_init(&text, SQL_MAX);
    if (gtid_set_parse(&has, gtids, d) != 0) {
        out = CHANGE_LOST;
    } else if (!gtid_set_is_subset(&s->position.gtids, &has)) {
        gtid_set_copy(&lacks, &s->position.gtids);
        gtid_set_subtract(&lacks, &has);
        gtid_set_print(&lacks, &text);
        out = missing(s, bytebuf_str(&text), d);
    }
    bytebuf_release(&text);
    gtid_set_release(&lacks);
    gtid_set_release(&has);
    return out;
}

static enum change_outcome check_mariadb_gtids(struct change_source *s, struct str gtids,
                                               struct diag *d)
{
    struct mariadb_pos has;
    struct bytebuf text;
    enum change_outcome out = CHANGE_OK;
    mariadb_pos_init(&has);
    bytebuf_init(&text, SQL_MAX);
    if (mariadb_pos_parse(&has, gtids, d) != 0) {
        out = CHANGE_LOST;
    } else if (!mariadb_pos_covers_all(&has, &s->position.mariadb)) {
        mariadb_pos_print(&s->position.mariadb, &text);
        out = missing(s, bytebuf_str(&text), d);
    }
    bytebuf_release(&text);
    mariadb_pos_release(&has);
    return out;
}

static enum change_outcome check_gtids(struct change_source *s, struct str gtids, struct diag *d)
{
    switch (s->position.mode) {
    case CHANGE_BY_MYSQL_GTID:
        return check_mysql_gtids(s, gtids, d);
    case CHANGE_BY_MARIADB_GTID:
        return check_mariadb_gtids(s, gtids, d);
    case CHANGE_BY_FILE:
        break;
    }
    return CHANGE_OK;
}

/* Reads and checks all that; asks again for a while when GTIDs are missing. */
static enum change_outcome check_source(struct change_source *s, struct diag *d)
{
    enum change_outcome out;
    const uint64_t until = clock_monotonic_us() + WAIT_FOR_GTIDS_S * UINT64_C(1000000);
    for (;;) {
        struct arena arena;
        struct identity id;
        bool again = false;
        arena_init(&arena, 0);
        out = CHANGE_LOST;
        if (read_identity(s, &arena, &id, d) == 0) {
            note_identity(s, &id);
            out = check_identity(s, &id, d);
            if (out == CHANGE_OK) {
                s->is_same = strcmp(s->position.source_id, id.id) == 0;
                out = check_gtids(s, id.gtids, d);
                again = out == CHANGE_FATAL && clock_monotonic_us() < until;
            }
        }
        arena_release(&arena);
        if (!again || fiber_sleep(WAIT_STEP_US) == FIBER_INTERRUPTED) {
            return out;
        }
        diag_reset(d);
    }
}

/* ---- The request ---- */

/* The UUID that the source sees: the same for the same server id, so that it tells replicas apart
 * as we do. Its version is 8, "made otherwise". */
static void put_uuid(struct bytebuf *b, uint32_t server_id)
{
    uint8_t u[BINLOG_UUID_LEN];
    char name[32];
    const int len = snprintf(name, sizeof(name), "pintail-%u", server_id);
    XXH128_canonical_t digest;
    XXH128_canonicalFromHash(&digest, XXH3_128bits(name, (size_t)len));
    memcpy(u, digest.digest, sizeof(u));
    u[6] = (uint8_t)(0x80 | (u[6] & 0x0f));
    u[8] = (uint8_t)(0x80 | (u[8] & 0x3f));
    for (size_t i = 0; i < sizeof(u); i++) {
        bytebuf_printf(b, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
    }
}

/* What dump threads read of the session: names of both families, old and new. */
static int set_variables(struct change_source *s, struct diag *d)
{
    const bool is_mariadb = s->c->kind == UPSTREAM_MARIADB;
    const unsigned long long heartbeat_ns = 1000ull * s->o.heartbeat_us;
    struct bytebuf sql;
    bytebuf_init(&sql, SQL_MAX);
    bytebuf_printf(&sql,
                   "SET @master_binlog_checksum = @@GLOBAL.binlog_checksum,"
                   " @source_binlog_checksum = @@GLOBAL.binlog_checksum,"
                   " @master_heartbeat_period = %llu, @source_heartbeat_period = %llu,"
                   " @slave_uuid = '",
                   heartbeat_ns, heartbeat_ns);
    put_uuid(&sql, s->o.server_id);
    bytebuf_put_cstr(&sql, "', @replica_uuid = @slave_uuid");
    if (is_mariadb) {
        bytebuf_put_cstr(&sql, ", @mariadb_slave_capability = 4");
    }
    if (s->position.mode == CHANGE_BY_MARIADB_GTID) {
        const struct change_position *p =
            s->tail != NULL ? change_tail_from(s->tail) : &s->position;
        bytebuf_put_cstr(&sql, ", @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0,"
                               " @slave_connect_state = '");
        mariadb_pos_print(&p->mariadb, &sql);
        bytebuf_put_char(&sql, '\'');
    }
    const int rc = upstream_exec(s->c, bytebuf_str(&sql), d);
    bytebuf_release(&sql);
    return rc;
}

static int read_checksum(struct change_source *s, struct diag *d)
{
    struct arena arena;
    struct upstream_result r;
    arena_init(&arena, 0);
    const int rc = upstream_query(s->c, STR("SELECT @master_binlog_checksum"), &arena, d, &r);
    if (rc == 0) {
        const bool crc = r.row_count == 1 && str_eq_nocase(r.rows[0][0], STR("CRC32"));
        binlog_format_init(&s->format, crc ? BINLOG_CHECKSUM_CRC32 : BINLOG_CHECKSUM_NONE);
        s->has_format = false;
    }
    arena_release(&arena);
    return rc;
}

static void begin_command(struct change_source *s)
{
    conn_begin_command(&s->c->conn);
    pkt_begin(&s->c->conn.w);
}

static uint64_t deadline(const struct change_source *s)
{
    const uint64_t timeout_us = s->c->connect_timeout_us;
    return timeout_us != 0 ? clock_monotonic_us() + timeout_us : CONN_FOREVER;
}

static int send_command(struct change_source *s, struct diag *d)
{
    if (pkt_end(&s->c->conn.w) != 0) {
        return diag_set(d, ER_NET_PACKET_TOO_LARGE);
    }
    const enum net_result rc = conn_flush(&s->c->conn, deadline(s), d);
    return rc == NET_OK ? 0 : upstream_lost(s->c, rc, d);
}

static int register_replica(struct change_source *s, struct diag *d)
{
    const struct wire_register_replica r = {.server_id = s->o.server_id};
    struct str payload;
    begin_command(s);
    wire_encode_register_replica(&s->c->conn.w, &r);
    if (send_command(s, d) != 0) {
        return -1;
    }
    const enum net_result rc = conn_read_packet(&s->c->conn, deadline(s), &payload, d);
    if (rc != NET_OK) {
        return upstream_lost(s->c, rc, d);
    }
    if (payload.len > 0 && (uint8_t)payload.p[0] == WIRE_MARK_ERR) {
        (void)upstream_set_err(s->c, payload, d);
        if (d->error->code == 1045) {
            return diag_set_text(
                d, ER_SPECIFIC_ACCESS_DENIED_ERROR,
                arena_printf(&d->arena, "%.*s for a replica", STR_FMT(d->error->message)));
        }
        return -1;
    }
    return 0;
}

static int dump_by_gtid_set(struct change_source *s, struct diag *d)
{
    const struct change_position *p = s->tail != NULL ? change_tail_from(s->tail) : &s->position;
    struct bytebuf set;
    bytebuf_init(&set, SQL_MAX);
    gtid_set_encode(&p->gtids, &set);
    const struct wire_binlog_dump_gtid dump = {.flags =
                                                   WIRE_DUMP_THROUGH_GTID | WIRE_DUMP_HEARTBEAT_V2,
                                               .server_id = s->o.server_id,
                                               .position = BINLOG_MAGIC_LEN,
                                               .gtid_set = bytebuf_str(&set)};
    begin_command(s);
    wire_encode_binlog_dump_gtid(&s->c->conn.w, &dump);
    const int rc = send_command(s, d);
    bytebuf_release(&set);
    return rc;
}

/* From a place in a file; an empty one: where slave_connect_state says. */
static int dump_from(struct change_source *s, struct str file, uint32_t offset, struct diag *d)
{
    const struct wire_binlog_dump dump = {
        .position = offset,
        .flags = s->c->kind == UPSTREAM_MYSQL ? WIRE_DUMP_HEARTBEAT_V2 : WIRE_DUMP_ANNOTATE_ROWS,
        .server_id = s->o.server_id,
        .file = file};
    begin_command(s);
    wire_encode_binlog_dump(&s->c->conn.w, &dump);
    return send_command(s, d);
}

/* The command that takes a position of 64 bits is refused by MySQL when its GTIDs are off. */
static int dump_by_file(struct change_source *s, struct diag *d)
{
    const uint64_t offset = MAX(s->position.offset, (uint64_t)BINLOG_MAGIC_LEN);
    if (offset > UINT32_MAX) {
        return diag_set(d, ER_REPLICA_FATAL_ERROR,
                        "without GTIDs a source cannot be asked for a position beyond 4 GiB within "
                        "a log file. RESET REPLICA and START REPLICA copy the tables anew");
    }
    return dump_from(s, str_from_cstr(s->position.file), (uint32_t)offset, d);
}

static int request_log(struct change_source *s, struct diag *d)
{
    switch (s->position.mode) {
    case CHANGE_BY_MYSQL_GTID:
        return change_tail_is_by_place(s->tail) ? dump_from(s, str_from_cstr(s->position.file),
                                                            (uint32_t)s->position.last_offset, d)
                                                : dump_by_gtid_set(s, d);
    case CHANGE_BY_MARIADB_GTID:
        return dump_from(s, STR(""), BINLOG_MAGIC_LEN, d);
    case CHANGE_BY_FILE:
        break;
    }
    return dump_by_file(s, d);
}

/*
 * May a place in the log be asked for? A server that is not told GTIDs does not compare what it has
 * purged with what we have, which is done here instead; and what we have is skipped by decode.c.
 */
static int may_ask_by_place(struct change_source *s, bool *out, struct diag *d)
{
    struct arena arena;
    struct upstream_result r;
    struct gtid_set purged;
    *out = false;
    if (s->position.mode != CHANGE_BY_MYSQL_GTID || s->place_is_gone) {
        return 0;
    }
    arena_init(&arena, 0);
    gtid_set_init(&purged);
    int rc = upstream_query(s->c, STR("SELECT @@GLOBAL.gtid_purged"), &arena, d, &r);
    if (rc == 0 && r.row_count == 1) {
        rc = gtid_set_parse(&purged, r.rows[0][0], d);
        *out = rc == 0 && gtid_set_is_subset(&purged, &s->position.gtids);
    }
    gtid_set_release(&purged);
    arena_release(&arena);
    return rc;
}

/* ---- All of it ---- */

static int log_in(struct change_source *s, struct diag *d)
{
    s->c = upstream_connect(s->o.upstream, s->o.loop, NULL, 0, CONN_FOREVER, d);
    return s->c != NULL ? upstream_login_own(s->c, CONN_FOREVER, d) : -1;
}

static enum change_outcome prepare(struct change_source *s, struct diag *d)
{
    change_source_set_state(s, "Connecting to source");
    if (log_in(s, d) != 0) {
        return change_source_judge(s, d);
    }
    change_source_set_state(s, "Checking source version");
    const enum change_outcome out = check_source(s, d);
    if (out != CHANGE_OK) {
        return out == CHANGE_LOST ? change_source_judge(s, d) : out;
    }
    if (s->is_same && !s->tail_is_gone && !s->at_torn_end) {
        bool by_place;
        if (may_ask_by_place(s, &by_place, d) != 0) {
            return change_source_judge(s, d);
        }
        s->tail = change_tail_new(&s->position, by_place);
    }
    change_source_set_state(s, "Registering replica on source");
    if (set_variables(s, d) != 0 || read_checksum(s, d) != 0 || register_replica(s, d) != 0) {
        return change_source_judge(s, d);
    }
    change_source_set_state(s, "Requesting binlog dump");
    /* A packet has a byte in front of the event. */
    conn_set_max_packet(&s->c->conn, (size_t)s->o.max_event_bytes + 1);
    return request_log(s, d) == 0 ? CHANGE_OK : change_source_judge(s, d);
}

void change_source_disconnect(struct change_source *s)
{
    if (s->c != NULL) {
        s->c->broken = true; /* It takes no statement any more. */
    }
    upstream_close(s->c);
    s->c = NULL;
    change_tail_free(s->tail);
    s->tail = NULL;
}

enum change_outcome change_source_connect(struct change_source *s, struct diag *d)
{
    const enum change_outcome out = prepare(s, d);
    if (out != CHANGE_OK) {
        change_source_disconnect(s);
    }
    return out;
}
