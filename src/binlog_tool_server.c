/*
 * `pintail binlog --host`: asks a server for its log as one of its replicas would, and prints what
 * it sends. One loop thread with one fiber; the main thread waits for it.
 */
#include "binlog/gtid_set.h"
#include "binlog/mariadb_pos.h"
#include "binlog_tool_int.h"
#include "upstream/upstream.h"

#include "base/clock.h"
#include "os/fiber.h"
#include "os/offload.h"
#include "os/signals.h"
#include "wire/command.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    EVENT_MARK = 0x00,
    END_MARK = 0xfe,
    ERROR_MARK = 0xff,
};

#define CONNECT_TIMEOUT_US UINT64_C(10000000)
/* Of --follow, in nanoseconds. */
#define HEARTBEAT_PERIOD " @master_heartbeat_period = 10000000000"

struct job {
    struct binlog_tool *tool;
    struct loop *loop;
    struct upstream *upstream;
    struct upstream_conn *conn;
    struct arena arena;
    int status;
};

/* What both servers want to be told before they send checksums, MariaDB also before GTIDs. */
static int prepare(struct job *j, enum binlog_checksum *out_checksum)
{
    struct diag *d = &j->tool->diag;
    struct upstream_result r;
    if (upstream_query(j->conn, STR("SELECT @@GLOBAL.binlog_checksum"), &j->arena, d, &r) != 0) {
        return -1;
    }
    *out_checksum = r.row_count == 1 && str_eq_nocase(r.rows[0][0], STR("CRC32"))
                        ? BINLOG_CHECKSUM_CRC32
                        : BINLOG_CHECKSUM_NONE;
    static const struct str mysql =
        STR_INIT("SET @master_binlog_checksum = @@GLOBAL.binlog_checksum,"
                 " @source_binlog_checksum = @@GLOBAL.binlog_checksum," HEARTBEAT_PERIOD);
    static const struct str mariadb =
        STR_INIT("SET @master_binlog_checksum = @@GLOBAL.binlog_checksum,"
                 " @mariadb_slave_capability = 4," HEARTBEAT_PERIOD);
    return upstream_exec(j->conn, j->conn->kind == UPSTREAM_MARIADB ? mariadb : mysql, d);
}

static int send_command(struct job *j)
{
    struct diag *d = &j->tool->diag;
    if (pkt_end(&j->conn->conn.w) != 0) {
        return diag_set(d, ER_NET_PACKET_TOO_LARGE);
    }
    const enum net_result rc =
        conn_flush(&j->conn->conn, clock_monotonic_us() + CONNECT_TIMEOUT_US, d);
    return rc == NET_OK ? 0 : upstream_lost(j->conn, rc, d);
}

static void begin_command(struct job *j)
{
    conn_begin_command(&j->conn->conn);
    pkt_begin(&j->conn->conn.w);
}

static int register_replica(struct job *j)
{
    struct diag *d = &j->tool->diag;
    struct str payload;
    const struct wire_register_replica r = {.server_id = (uint32_t)j->tool->server_id};
    begin_command(j);
    wire_encode_register_replica(&j->conn->conn.w, &r);
    if (send_command(j) != 0) {
        return -1;
    }
    const enum net_result rc =
        conn_read_packet(&j->conn->conn, clock_monotonic_us() + CONNECT_TIMEOUT_US, &payload, d);
    if (rc != NET_OK) {
        return upstream_lost(j->conn, rc, d);
    }
    return payload.len > 0 && (uint8_t)payload.p[0] == ERROR_MARK
               ? upstream_set_err(j->conn, payload, d)
               : 0;
}

static uint16_t dump_flags(const struct job *j)
{
    const unsigned common =
        j->conn->kind == UPSTREAM_MARIADB ? WIRE_DUMP_ANNOTATE_ROWS : WIRE_DUMP_HEARTBEAT_V2;
    return (uint16_t)(common | (j->tool->follow ? 0 : WIRE_DUMP_NON_BLOCK));
}

static int dump_by_position(struct job *j)
{
    const struct wire_binlog_dump dump = {.position = (uint32_t)j->tool->start_position,
                                          .flags = dump_flags(j),
                                          .server_id = (uint32_t)j->tool->server_id,
                                          .file = str_from_cstr(j->tool->start_file)};
    begin_command(j);
    wire_encode_binlog_dump(&j->conn->conn.w, &dump);
    return send_command(j);
}

static int dump_by_mysql_gtids(struct job *j)
{
    struct gtid_set set;
    struct bytebuf bytes;
    gtid_set_init(&set);
    bytebuf_init(&bytes, UINT32_MAX);
    int rc = gtid_set_parse(&set, str_from_cstr(j->tool->gtids), &j->tool->diag);
    if (rc == 0) {
        gtid_set_encode(&set, &bytes);
        const struct wire_binlog_dump_gtid dump = {
            .flags = (uint16_t)(dump_flags(j) | WIRE_DUMP_THROUGH_GTID),
            .server_id = (uint32_t)j->tool->server_id,
            .position = BINLOG_MAGIC_LEN,
            .gtid_set = bytebuf_str(&bytes)};
        begin_command(j);
        wire_encode_binlog_dump_gtid(&j->conn->conn.w, &dump);
        rc = send_command(j);
    }
    bytebuf_release(&bytes);
    gtid_set_release(&set);
    return rc;
}

/* The position is parsed first: it becomes part of a statement. */
static int dump_by_mariadb_gtids(struct job *j)
{
    struct mariadb_pos pos;
    struct bytebuf sql;
    mariadb_pos_init(&pos);
    bytebuf_init(&sql, 1u << 20);
    int rc = mariadb_pos_parse(&pos, str_from_cstr(j->tool->gtids), &j->tool->diag);
    if (rc == 0) {
        bytebuf_put_str(&sql, STR("SET @slave_connect_state = '"));
        mariadb_pos_print(&pos, &sql);
        bytebuf_put_str(&sql, STR("'"));
        rc = upstream_exec(j->conn, bytebuf_str(&sql), &j->tool->diag);
    }
    bytebuf_release(&sql);
    mariadb_pos_release(&pos);
    return rc == 0 ? dump_by_position(j) : -1;
}

static int request_log(struct job *j)
{
    if (register_replica(j) != 0) {
        return -1;
    }
    if (j->tool->gtids == NULL) {
        return dump_by_position(j);
    }
    return j->conn->kind == UPSTREAM_MARIADB ? dump_by_mariadb_gtids(j) : dump_by_mysql_gtids(j);
}

/* Where in its file an event begins, as far as it says where it ends. */
static uint64_t event_offset(struct str event)
{
    if (event.len < BINLOG_HEADER_LEN) {
        return 0;
    }
    uint32_t end;
    memcpy(&end, event.p + 13, sizeof(end));
    return end >= event.len ? end - event.len : 0;
}

/* Prints events until the server says that there are no more. */
static int print_events(struct job *j)
{
    struct diag *d = &j->tool->diag;
    for (;;) {
        struct str payload;
        const enum net_result rc = conn_read_packet(&j->conn->conn, CONN_FOREVER, &payload, d);
        if (rc != NET_OK) {
            return upstream_lost(j->conn, rc, d);
        }
        const uint8_t mark = payload.len > 0 ? (uint8_t)payload.p[0] : ERROR_MARK;
        if (mark == END_MARK) {
            return 0;
        }
        if (mark != EVENT_MARK) {
            return upstream_set_err(j->conn, payload, d);
        }
        const struct str event = str_from(payload.p + 1, payload.len - 1);
        if (binlog_tool_event(j->tool, event, event_offset(event)) != 0) {
            return -1;
        }
        if (!conn_has_input(&j->conn->conn)) {
            binlog_tool_flush(j->tool);
        }
    }
}

static int connect_and_print(struct job *j)
{
    struct binlog_tool *t = j->tool;
    enum binlog_checksum checksum;
    const uint64_t deadline = clock_monotonic_us() + CONNECT_TIMEOUT_US;
    const struct upstream_login login = {.user = str_from_cstr(t->user),
                                         .password = str_from_cstr(getenv("MYSQL_PWD"))};
    j->conn = upstream_connect(j->upstream, j->loop, NULL, 0, deadline, &t->diag);
    if (j->conn == NULL || upstream_login(j->conn, &login, deadline, &t->diag) != 0 ||
        prepare(j, &checksum) != 0) {
        return -1;
    }
    binlog_format_init(&t->printer.format, checksum);
    binlog_format_init(&t->stream.format, checksum);
    return request_log(j) != 0 ? -1 : print_events(j);
}

static void run_job(void *arg)
{
    struct job *j = arg;
    j->status = connect_and_print(j);
    if (j->conn != NULL) {
        j->conn->broken = true; /* No statement can follow. */
    }
    upstream_close(j->conn);
}

static int run_on_loop(struct job *j, struct loops *loops)
{
    struct diag *d = &j->tool->diag;
    const struct upstream_options options = {
        .host = str_from_cstr(j->tool->host),
        .port = (uint16_t)j->tool->port,
        .socket = str_from_cstr(j->tool->socket),
        .tls_mode = UPSTREAM_TLS_PREFERRED,
        .connect_timeout_us = CONNECT_TIMEOUT_US,
        .read_timeout_us = CONNECT_TIMEOUT_US,
        .write_timeout_us = CONNECT_TIMEOUT_US,
        .max_packet = BINLOG_MAX_EVENT_LEN,
    };
    j->upstream = upstream_new(&options, d);
    if (j->upstream == NULL) {
        return -1;
    }
    j->loop = loops_get(loops, 0);
    j->status = -1;
    struct fiber *f = fiber_spawn_ref(j->loop, run_job, j);
    if (f == NULL) {
        upstream_free(j->upstream);
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    fiber_join(f);
    upstream_free(j->upstream);
    return j->status;
}

int binlog_tool_server(struct binlog_tool *t)
{
    struct job j = {.tool = t};
    struct loops *loops = NULL;
    int status = EXIT_SUCCESS;
    signals_init();
    offload_start(NULL);
    arena_init(&j.arena, 0);
    binlog_tool_begin(t, t->socket != NULL ? t->socket : t->host, BINLOG_CHECKSUM_UNKNOWN);
    if (loops_start(1, &loops, &t->diag) != 0 || run_on_loop(&j, loops) != 0) {
        status = binlog_tool_report_diag(t);
    }
    binlog_tool_flush(t);
    binlog_tool_end(t);
    arena_release(&j.arena);
    loops_stop(loops);
    offload_stop();
    return status;
}
