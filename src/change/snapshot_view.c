/* Connections to the source, and views of it that are known to lie between two places of its log.
 * See snapshot_int.h; why it is right: docs/replication.md. */
#include "change/snapshot_int.h"

#include "base/clock.h"

enum {
    GTID_WAIT_S = 1, /* One wait of the source's. */
    ATTEMPTS = 200,  /* For a view that lies behind a0. */
    ATTEMPT_US = 5 * 1000,
    SHOW_GIPK_VERSION = 80030, /* The first with generated invisible primary keys. */
    BINARY_LOG_STATUS_VERSION = 80200,
};

/* Seconds that the source waits for us to read on: rows may be read more slowly than they come. */
#define WRITE_TIMEOUT "3600"

/* ---- Connections ---- */

/*
 * FLOAT comes right in the binary protocol only, and TIMESTAMP in UTC only here; text comes in its
 * column's own character set. Invalid dates may stand in keys.
 */
static const char *const settings[] = {
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', sql_quote_show_create = 1, autocommit = 1, "
    "time_zone = '+00:00', character_set_results = NULL, sql_select_limit = DEFAULT, "
    "sql_safe_updates = 0, completion_type = 0, net_write_timeout = " WRITE_TIMEOUT
    ", lock_wait_timeout = 3",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
};

static int prepare(struct upstream_conn *c, struct diag *d)
{
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        if (upstream_exec(c, str_from_cstr(settings[i]), d) != 0) {
            return -1;
        }
    }
    if (c->kind == UPSTREAM_MARIADB) {
        return upstream_exec(c, STR("SET SESSION max_statement_time = 0"), d);
    }
    if (c->version_id >= SHOW_GIPK_VERSION &&
        upstream_exec(c, STR("SET SESSION show_gipk_in_create_table_and_information_schema = 1"),
                      d) != 0) {
        return -1;
    }
    return upstream_exec(c, STR("SET SESSION max_execution_time = 0"), d);
}

struct upstream_conn *snapshot_connect(const struct snapshot_options *o, struct diag *d)
{
    struct upstream_conn *c =
        upstream_connect(o->upstream, loop_self(), NULL, CLIENT_MULTI_RESULTS, CONN_FOREVER, d);
    if (c == NULL) {
        return NULL;
    }
    if (upstream_login_own(c, CONN_FOREVER, d) != 0 || prepare(c, d) != 0) {
        upstream_close(c);
        return NULL;
    }
    return c;
}

/* ---- Places in the log ---- */

static int take_place(struct str file, struct str offset, char *out_file, uint64_t *out_offset,
                      struct diag *d)
{
    if (file.len == 0 || file.len >= CHANGE_FILE_MAX || str_to_u64(offset, out_offset) != 0) {
        return diag_set_text(d, ER_UNKNOWN_ERROR,
                             STR("the source does not say where its binary log ends: is log_bin "
                                 "on?"));
    }
    memcpy(out_file, file.p, file.len);
    out_file[file.len] = '\0';
    return 0;
}

/* Where its log ends. */
static int read_log_end(struct upstream_conn *c, char *out_file, uint64_t *out_offset,
                        struct diag *d)
{
    const bool is_new = c->kind == UPSTREAM_MYSQL && c->version_id >= BINARY_LOG_STATUS_VERSION;
    struct arena arena;
    struct upstream_result r;
    arena_init(&arena, 0);
    int rc = upstream_query(c, is_new ? STR("SHOW BINARY LOG STATUS") : STR("SHOW MASTER STATUS"),
                            &arena, d, &r);
    if (rc == 0) {
        const bool is_there = r.row_count == 1 && r.column_count >= 2;
        rc = take_place(is_there ? r.rows[0][0] : STR_NULL, is_there ? r.rows[0][1] : STR_NULL,
                        out_file, out_offset, d);
    }
    arena_release(&arena);
    return rc;
}

/* MariaDB: where the log was when the view was made, exactly. */
static int read_snapshot_place(struct snapshot_view *v, struct diag *d)
{
    struct arena arena;
    struct upstream_result r;
    struct str file = STR_NULL;
    struct str offset = STR_NULL;
    arena_init(&arena, 0);
    int rc = upstream_query(v->c, STR("SHOW STATUS LIKE 'binlog_snapshot_%'"), &arena, d, &r);
    for (uint64_t i = 0; rc == 0 && i < r.row_count; i++) {
        if (str_eq_nocase(r.rows[i][0], STR("binlog_snapshot_file"))) {
            file = r.rows[i][1];
        } else if (str_eq_nocase(r.rows[i][0], STR("binlog_snapshot_position"))) {
            offset = r.rows[i][1];
        }
    }
    if (rc == 0) {
        rc = take_place(file, offset, v->file, &v->offset, d);
    }
    arena_release(&arena);
    return rc;
}

int snapshot_source_now(struct upstream_conn *c, struct change_position *out, struct diag *d)
{
    return read_log_end(c, out->file, &out->offset, d);
}

/* ---- Views ---- */

int snapshot_guard(struct upstream_conn *c, struct diag *d)
{
    return upstream_exec(c, STR("SET SESSION net_write_timeout = 1, wait_timeout = 1"), d);
}

/* Waits until everything up to a0 can be seen: the log is written before. */
static int wait_for_gtids(struct upstream_conn *c, const struct change_position *a0, struct diag *d)
{
    struct arena arena;
    struct bytebuf sql;
    int rc = -1;
    bool is_seen = false;
    arena_init(&arena, 0);
    const struct str set = change_position_gtids(a0, &arena);
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT WAIT_FOR_EXECUTED_GTID_SET(");
    snapshot_put_text(&sql, set);
    bytebuf_printf(&sql, ", %d)", GTID_WAIT_S);
    for (int i = 0; i < ATTEMPTS && !is_seen && set.len > 0; i++) {
        struct upstream_result r;
        rc = upstream_query(c, bytebuf_str(&sql), &arena, d, &r);
        if (rc != 0) {
            break;
        }
        is_seen = r.row_count == 1 && str_eq(r.rows[0][0], STR("0"));
    }
    bytebuf_release(&sql);
    arena_release(&arena);
    if (is_seen || set.len == 0) {
        return 0;
    }
    return rc != 0 ? -1
                   : diag_set_text(d, ER_LOCK_WAIT_TIMEOUT,
                                   STR("the source does not show what its log holds"));
}

static int lock_table(struct snapshot_view *v, const struct copy_table *t, struct diag *d)
{
    struct bytebuf sql;
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    bytebuf_put_cstr(&sql, "LOCK TABLES ");
    snapshot_put_table(&sql, t->db, t->name);
    bytebuf_put_cstr(&sql, " READ");
    const int rc = upstream_exec(v->locker, STR("SET SESSION lock_wait_timeout = 1"), d) != 0 ||
                           upstream_exec(v->locker, bytebuf_str(&sql), d) != 0
                       ? -1
                       : 0;
    bytebuf_release(&sql);
    return rc;
}

/* For clean-up: runs although the fiber is to end, and whatever became of the connection. */
static void run_quietly(struct upstream_conn *c, struct str sql)
{
    struct diag d;
    if (c == NULL || c->broken) {
        return;
    }
    diag_init(&d);
    fiber_mask_interrupts();
    if (upstream_exec(c, sql, &d) != 0) {
        c->broken = true;
    }
    fiber_unmask_interrupts();
    diag_release(&d);
}

void snapshot_view_unlock(struct snapshot_view *v)
{
    run_quietly(v->locker, STR("UNLOCK TABLES"));
}

void snapshot_view_close(struct snapshot_view *v)
{
    run_quietly(v->c, STR("COMMIT"));
}

void snapshot_unguard(struct upstream_conn *c)
{
    run_quietly(c,
                STR("SET SESSION net_write_timeout = " WRITE_TIMEOUT ", wait_timeout = DEFAULT"));
}

static int begin(struct snapshot_view *v, struct diag *d)
{
    if (upstream_exec(v->c, STR("START TRANSACTION WITH CONSISTENT SNAPSHOT"), d) != 0) {
        return -1;
    }
    const int rc = v->c->kind == UPSTREAM_MARIADB ? read_snapshot_place(v, d)
                                                  : read_log_end(v->c, v->file, &v->offset, d);
    if (rc != 0) {
        snapshot_view_close(v);
    }
    return rc;
}

/* MariaDB's pair is taken together with the view, and so it is the view that must come late
 * enough. */
static int begin_behind(struct snapshot_view *v, const struct change_position *a0, struct diag *d)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (begin(v, d) != 0) {
            return -1;
        }
        if (change_position_compare(v->file, v->offset, a0->file, a0->offset) >= 0) {
            return 0;
        }
        snapshot_view_close(v);
        if (fiber_sleep(ATTEMPT_US) == FIBER_INTERRUPTED) {
            return diag_set(d, ER_QUERY_INTERRUPTED);
        }
    }
    return diag_set_text(d, ER_LOCK_WAIT_TIMEOUT,
                         STR("the source does not show what its log holds"));
}

int snapshot_view_open_locked(struct snapshot_view *v, const struct copy_table *t, struct diag *d)
{
    if (lock_table(v, t, d) != 0) {
        return -1;
    }
    v->c->read_until_us = clock_monotonic_us() + SNAPSHOT_VIEW_US;
    const int rc = begin(v, d);
    v->c->read_until_us = 0;
    if (rc != 0) {
        snapshot_view_unlock(v);
    }
    return rc;
}

int snapshot_view_open(struct snapshot_view *v, const struct change_position *a0,
                       const struct copy_table *t, struct diag *d)
{
    if (v->c->kind == UPSTREAM_MARIADB) {
        return begin_behind(v, a0, d);
    }
    /* With the lock, every transaction in the log that has written to the table can be seen: a
     * writer keeps its own lock on the table until then. */
    if (v->locker != NULL) {
        const int rc = snapshot_view_open_locked(v, t, d);
        if (rc == 0) {
            snapshot_view_unlock(v);
        }
        return rc;
    }
    if (a0->mode == CHANGE_BY_MYSQL_GTID && wait_for_gtids(v->c, a0, d) != 0) {
        return -1;
    }
    return begin(v, d);
}

/* ---- Definitions ---- */

int snapshot_read_definition(struct upstream_conn *c, struct str db, struct str name,
                             struct arena *arena, struct diag *d, struct str *out)
{
    struct bytebuf sql;
    struct upstream_result r;
    *out = STR_NULL;
    if (upstream_exec(c, STR("SET SESSION character_set_results = utf8mb4"), d) != 0) {
        return -1;
    }
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    bytebuf_put_cstr(&sql, "SHOW CREATE TABLE ");
    snapshot_put_table(&sql, db, name);
    int rc = upstream_query(c, bytebuf_str(&sql), arena, d, &r);
    bytebuf_release(&sql);
    run_quietly(c, STR("SET SESSION character_set_results = NULL"));
    if (rc == 0 && (r.row_count != 1 || r.column_count < 2)) {
        rc = diag_set(d, ER_TABLE_DEF_CHANGED);
    }
    if (rc == 0) {
        *out = snapshot_definition_text(r.rows[0][1], arena);
    }
    return rc;
}
