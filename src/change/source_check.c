/*
 * Whether a server can be followed: its settings, what the account may do, and where its log is.
 * All that is in the way is told in one text, with what to change.
 */
#include "change/source.h"

#include "base/clock.h"
#include "wire/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_MAX = 16 * 1024,
    DAY_S = 24 * 3600,
};

struct check {
    struct upstream_conn *c;
    struct log *log;
    struct arena arena;
    struct upstream_result variables; /* Name, value. */
    struct bytebuf findings;
    bool is_mariadb;
    bool failed; /* The connection; d is set. */
    struct diag *d;
};

/* ---- Asking ---- */

/* Runs a query whose refusal is an answer: false with *out_code, which is 0 when the connection is
 * gone. */
static bool ask(struct check *k, struct str sql, struct upstream_result *out, int *out_code)
{
    struct diag refused;
    *out_code = 0;
    if (k->failed) {
        return false;
    }
    diag_init(&refused);
    const bool ok = upstream_query(k->c, sql, &k->arena, &refused, out) == 0;
    if (!ok && k->c->broken) {
        (void)diag_set_text(k->d, refused.error->code, refused.error->message);
        k->failed = true;
    } else if (!ok) {
        *out_code = refused.error->code;
    }
    diag_release(&refused);
    return ok;
}

static void read_variables(struct check *k)
{
    int code;
    (void)ask(k,
              STR("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format',"
                  " 'binlog_row_image', 'gtid_mode', 'server_id', 'server_uuid', 'sync_binlog',"
                  " 'binlog_expire_logs_seconds', 'expire_logs_days', 'log_slave_updates',"
                  " 'log_replica_updates', 'gtid_strict_mode', 'lower_case_table_names')"),
              &k->variables, &code);
}

/* A variable's value; empty when the server has no such. */
static struct str variable(const struct check *k, const char *name)
{
    for (uint64_t i = 0; i < k->variables.row_count; i++) {
        if (str_eq_nocase(k->variables.rows[i][0], str_from_cstr(name))) {
            return k->variables.rows[i][1];
        }
    }
    return STR("");
}

static bool is_off(struct str value)
{
    return str_eq_nocase(value, STR("OFF")) || str_eq(value, STR("0"));
}

/* The column of a result's first row; empty when there is none. */
static struct str first(const struct upstream_result *r, const char *name)
{
    for (uint32_t i = 0; r->row_count > 0 && i < r->column_count; i++) {
        if (str_eq_nocase(r->names[i], str_from_cstr(name))) {
            return r->rows[0][i];
        }
    }
    return STR("");
}

/* ---- Findings ---- */

static void find(struct check *k, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void find(struct check *k, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bytebuf_put_cstr(&k->findings, k->findings.len > 0 ? "; " : "");
    bytebuf_put_cstr(&k->findings, text);
}

static void check_log(struct check *k)
{
    const struct str format = variable(k, "binlog_format");
    const struct str image = variable(k, "binlog_row_image");
    if (is_off(variable(k, "log_bin"))) {
        find(k, "its binary log is off: start it with log_bin");
    }
    if (format.len > 0 && !str_eq_nocase(format, STR("ROW"))) {
        find(k,
             "binlog_format is %.*s: SET GLOBAL binlog_format = ROW, put it into its configuration "
             "too, and let clients connect anew",
             STR_FMT(format));
    }
    if (k->is_mariadb && image.len > 0 && !str_eq_nocase(image, STR("FULL"))) {
        find(k,
             "binlog_row_image is %.*s, with which MariaDB does not log all that a REPLACE "
             "changes: SET GLOBAL binlog_row_image = FULL, put it into its configuration too, and "
             "let clients connect anew",
             STR_FMT(image));
    }
    if (str_eq(variable(k, "server_id"), STR("0"))) {
        find(k, "server_id is 0, with which it accepts no replicas: SET GLOBAL server_id");
    }
}

/* Statements in the log have the names as they were written, which the copy compares as they are.
 */
static void check_names(struct check *k)
{
    const struct str folds = variable(k, "lower_case_table_names");
    if (folds.len > 0 && !str_eq(folds, STR("0"))) {
        find(k,
             "lower_case_table_names is %.*s: only 0 can be followed, where names differ by case",
             STR_FMT(folds));
    }
}

/* One that is itself a replica must log what it applies. */
static void check_chain(struct check *k)
{
    struct upstream_result r;
    int code;
    if (!is_off(variable(k, "log_slave_updates"))) {
        return;
    }
    const struct str sql = k->is_mariadb ? STR("SHOW ALL SLAVES STATUS")
                                         : (k->c->version_id >= 80022 ? STR("SHOW REPLICA STATUS")
                                                                      : STR("SHOW SLAVE STATUS"));
    if (ask(k, sql, &r, &code)) {
        if (r.row_count > 0) {
            find(k, "it is a replica itself and does not log what it applies: start it with "
                    "log_replica_updates (log_slave_updates)");
        }
    } else if (!k->failed) {
        log_warn(k->log,
                 "cannot see whether the source is itself a replica without log_slave_updates, "
                 "whose changes would be missed (error %d): GRANT %s ON *.* to the account, or "
                 "start the source with log_slave_updates",
                 code, k->is_mariadb ? "SLAVE MONITOR" : "REPLICATION CLIENT");
    }
}

/* Registers as a replica of a made-up id, which needs the privilege; the source forgets it at the
 * end of the connection, or at the next registration. */
static void check_may_replicate(struct check *k)
{
    const struct wire_register_replica r = {.server_id = UINT32_MAX - k->c->id % 65536};
    struct upstream_conn *c = k->c;
    struct str payload;
    if (k->failed) {
        return;
    }
    const uint64_t deadline =
        c->read_timeout_us != 0 ? clock_monotonic_us() + c->read_timeout_us : CONN_FOREVER;
    conn_begin_command(&c->conn);
    pkt_begin(&c->conn.w);
    wire_encode_register_replica(&c->conn.w, &r);
    enum net_result rc = pkt_end(&c->conn.w) != 0 ? NET_TOO_LARGE : NET_OK;
    rc = rc == NET_OK ? conn_flush(&c->conn, deadline, k->d) : rc;
    rc = rc == NET_OK ? conn_read_packet(&c->conn, deadline, &payload, k->d) : rc;
    if (rc != NET_OK) {
        (void)upstream_lost(c, rc, k->d);
        k->failed = true;
    } else if (payload.len > 0 && (uint8_t)payload.p[0] == WIRE_MARK_ERR) {
        find(k, "the account may not read its log: GRANT REPLICATION SLAVE ON *.* to it");
    }
}

/* Does a row of SHOW GRANTS give a privilege on whole tables, wherever? One on columns only has
 * them behind its name. */
static bool gives(struct str grant, struct str privilege)
{
    const struct str begin = STR("GRANT ");
    const struct str end = STR(" ON ");
    char quote = '\0';
    size_t from = begin.len;
    for (size_t i = from; str_starts_with(grant, begin) && i < grant.len; i++) {
        const char c = grant.p[i];
        const bool is_end = str_starts_with(str_from(grant.p + i, grant.len - i), end);
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if (c == '`' || c == '"') {
            quote = c;
        } else if (c == ',' || is_end) {
            const struct str name = str_trim(str_from(grant.p + from, i - from));
            if (str_eq_nocase(name, privilege) || str_eq_nocase(name, STR("ALL PRIVILEGES"))) {
                return true;
            }
            if (is_end) {
                return false;
            }
            from = i + 1;
        }
    }
    return false;
}

static bool is_on_all(struct str grant)
{
    static const char all[] = " ON *.* TO ";
    return memmem(grant.p, grant.len, all, sizeof(all) - 1) != NULL;
}

/*
 * What the snapshot needs. The server lists the grants of active roles, too. Rights on some
 * databases or tables will do: they may be all that are copied.
 */
static void check_grants(struct check *k)
{
    static const struct {
        struct str privilege;
        const char *without;
    } needed[] = {
        {STR_INIT("SELECT"), "read its tables"},
        {STR_INIT("LOCK TABLES"), "lock a table for the moment in which its copy begins"},
    };
    struct upstream_result r;
    int code;
    if (!ask(k, STR("SHOW GRANTS"), &r, &code)) {
        return; /* It runs without accounts. */
    }
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        bool somewhere = false;
        bool everywhere = false;
        for (uint64_t row = 0; row < r.row_count; row++) {
            const bool is_given = gives(r.rows[row][0], needed[i].privilege);
            somewhere = somewhere || is_given;
            everywhere = everywhere || (is_given && is_on_all(r.rows[row][0]));
        }
        if (!somewhere) {
            find(k, "the account may not %s: GRANT %.*s ON *.* to it", needed[i].without,
                 STR_FMT(needed[i].privilege));
        } else if (!everywhere) {
            log_info(k->log,
                     "the account has %.*s on some databases or tables only: what it may "
                     "not see is not copied",
                     STR_FMT(needed[i].privilege));
        }
    }
}

/* ---- The position of now ---- */

static void check_filters(struct check *k, const struct upstream_result *r)
{
    const struct str only = first(r, "Binlog_Do_DB");
    const struct str without = first(r, "Binlog_Ignore_DB");
    if (only.len > 0) {
        find(k, "binlog_do_db keeps all but %.*s out of its log: remove it", STR_FMT(only));
    }
    if (without.len > 0) {
        find(k, "binlog_ignore_db keeps %.*s out of its log: remove it", STR_FMT(without));
    }
}

static void copy_text(char *out, size_t cap, struct str s)
{
    (void)snprintf(out, cap, "%.*s", STR_FMT(s));
}

/* The GTID position at a place of the log, which the variable would not tell: it moves on. */
static void read_mariadb_gtids(struct check *k, struct change_position *out)
{
    struct upstream_result r;
    int code;
    const struct str sql = arena_printf(&k->arena, "SELECT BINLOG_GTID_POS('%s', %llu)", out->file,
                                        (unsigned long long)out->offset);
    if (!ask(k, sql, &r, &code)) {
        if (!k->failed) {
            find(k, "it does not tell the GTIDs of its position (error %d)", code);
        }
        return;
    }
    if (r.row_count != 1 || r.rows[0][0].p == NULL) {
        find(k, "it does not tell the GTIDs of its position %s:%llu", out->file,
             (unsigned long long)out->offset);
    } else if (mariadb_pos_parse(&out->mariadb, r.rows[0][0], k->d) != 0) {
        k->failed = true;
    }
}

static void read_gtids(struct check *k, const struct upstream_result *r,
                       struct change_position *out)
{
    gtid_set_clear(&out->gtids);
    mariadb_pos_clear(&out->mariadb);
    if (k->is_mariadb) {
        out->mode = CHANGE_BY_MARIADB_GTID;
        read_mariadb_gtids(k, out);
        return;
    }
    if (!str_eq_nocase(variable(k, "gtid_mode"), STR("ON"))) {
        out->mode = CHANGE_BY_FILE;
        log_warn(k->log, "the source's gtid_mode is not ON: it is followed by file and position, "
                         "which mean nothing on another server");
        return;
    }
    out->mode = CHANGE_BY_MYSQL_GTID;
    k->failed = k->failed || gtid_set_parse(&out->gtids, first(r, "Executed_Gtid_Set"), k->d) != 0;
}

static void read_position(struct check *k, struct change_position *out)
{
    struct upstream_result r;
    int code;
    const bool has_new_name = !k->is_mariadb && k->c->version_id >= 80200;
    if (!ask(k, has_new_name ? STR("SHOW BINARY LOG STATUS") : STR("SHOW MASTER STATUS"), &r,
             &code)) {
        if (code == ER_SPECIFIC_ACCESS_DENIED_ERROR) {
            find(k, "the account may not see its position: GRANT %s ON *.* to it",
                 k->is_mariadb ? "BINLOG MONITOR" : "REPLICATION CLIENT");
        } else if (!k->failed) {
            find(k, "it does not tell its position (error %d)", code);
        }
        return;
    }
    if (r.row_count == 0) {
        return; /* The log is off, which has been found. */
    }
    check_filters(k, &r);
    copy_text(out->file, sizeof(out->file), first(&r, "File"));
    if (str_to_u64(first(&r, "Position"), &out->offset) != 0) {
        find(k, "it does not tell its position");
        return;
    }
    read_gtids(k, &r, out);
}

static void identify(const struct check *k, struct change_position *out)
{
    if (k->is_mariadb) {
        (void)snprintf(out->source_id, sizeof(out->source_id), "server_id-%.*s",
                       STR_FMT(variable(k, "server_id")));
    } else {
        copy_text(out->source_id, sizeof(out->source_id), variable(k, "server_uuid"));
    }
}

/* ---- Warnings ---- */

static void warn(const struct check *k)
{
    uint64_t seconds = 0;
    const struct str days = variable(k, "expire_logs_days");
    if (!str_eq(variable(k, "sync_binlog"), STR("1"))) {
        log_warn(k->log,
                 "the source's sync_binlog is %.*s: a crash of its machine may lose the end "
                 "of its log, and the copy must be made anew then; SET GLOBAL sync_binlog = 1",
                 STR_FMT(variable(k, "sync_binlog")));
    }
    if (str_to_u64(variable(k, "binlog_expire_logs_seconds"), &seconds) != 0 || seconds == 0) {
        seconds = days.len > 0 ? (uint64_t)(strtod(days.p, NULL) * (double)DAY_S) : 0;
    }
    if (seconds > 0 && seconds < DAY_S) {
        log_warn(k->log,
                 "the source keeps its log for %llu s only: after a longer pause the copy must be "
                 "made anew (binlog_expire_logs_seconds)",
                 (unsigned long long)seconds);
    }
}

/* ---- All of it ---- */

static int conclude(struct check *k)
{
    if (k->failed) {
        return -1;
    }
    if (k->findings.len == 0) {
        return 0;
    }
    return diag_set(k->d, ER_REPLICA_FATAL_ERROR,
                    arena_printf(&k->d->arena, "'%s' cannot be followed: %.*s",
                                 upstream_name(k->c->upstream), STR_FMT(bytebuf_str(&k->findings)))
                        .p);
}

int change_source_check(struct upstream_conn *c, struct log *log, struct diag *d,
                        struct change_position *out_now)
{
    struct check k = {.c = c, .log = log, .is_mariadb = c->kind == UPSTREAM_MARIADB, .d = d};
    arena_init(&k.arena, 0);
    bytebuf_init(&k.findings, TEXT_MAX);
    read_variables(&k);
    check_log(&k);
    check_names(&k);
    check_chain(&k);
    check_may_replicate(&k);
    check_grants(&k);
    read_position(&k, out_now);
    identify(&k, out_now);
    const int rc = conclude(&k);
    if (rc == 0) {
        warn(&k);
    }
    bytebuf_release(&k.findings);
    arena_release(&k.arena);
    return rc;
}

int change_source_check_xa(struct upstream_conn *c, struct log *log, struct diag *d)
{
    struct arena arena;
    struct upstream_result r;
    arena_init(&arena, 0);
    int rc = upstream_query(c, STR("XA RECOVER"), &arena, d, &r);
    if (rc != 0 && !c->broken) {
        log_warn(log, "cannot see whether the source has prepared distributed transactions, whose "
                      "rows the copy would miss: GRANT XA_RECOVER_ADMIN ON *.* to the account");
        diag_clear_error(d);
        rc = 0;
    } else if (rc == 0 && r.row_count > 0) {
        rc = diag_set_text(
            d, ER_XAER_OUTSIDE,
            arena_printf(
                &d->arena,
                "the source has %llu prepared distributed transactions (XA RECOVER), whose "
                "rows stand in its log already: commit or roll them back first",
                (unsigned long long)r.row_count));
    }
    arena_release(&arena);
    return rc;
}
