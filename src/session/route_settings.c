/* See route_settings.h. */
#include "session/route_settings.h"

#include "base/clock.h"
#include "types/collation.h"

#include <stdlib.h>
#include <time.h>

/* What answers depend on. Names that a server lacks are left out. */
static const struct {
    const char *name;
    unsigned servers; /* 1 << enum upstream_kind */
} settings[] = {
    {"sql_mode", 3},
    {"character_set_client", 3},
    {"character_set_results", 3},
    {"character_set_connection", 3},
    {"collation_connection", 3},
    {"character_set_database", 3},
    {"collation_database", 3},
    {"character_set_server", 3},
    {"collation_server", 3},
    {"default_week_format", 3},
    {"div_precision_increment", 3},
    {"group_concat_max_len", 3},
    {"lc_time_names", 3},
    {"max_error_count", 3},
    {"max_execution_time", 1u << UPSTREAM_MYSQL},
    {"max_statement_time", 1u << UPSTREAM_MARIADB},
    {"max_sort_length", 3},
    {"sql_auto_is_null", 3},
    {"sql_select_limit", 3},
    {"time_zone", 3},
};

/* What is asked behind the settings. */
enum extra {
    EXTRA_DATABASE,
    EXTRA_SYSTEM_ZONE, /* @@system_time_zone: an abbreviation */
    EXTRA_OFFSET,      /* of the session's time zone now, in seconds */
    EXTRA_TIMESTAMP,   /* @@timestamp, and … */
    EXTRA_CLOCK,       /* … what it is when it was not set */
    EXTRA_COUNT,
};

static const char extras[] = "DATABASE(),@@system_time_zone,"
                             "TIMESTAMPDIFF(SECOND,UTC_TIMESTAMP(),NOW()),"
                             "@@SESSION.timestamp,UNIX_TIMESTAMP(SYSDATE(6))";

/* A timestamp this far from the clock has been set. */
#define TIMESTAMP_SET 5.0

/* ---- Time zones ---- */

/* SYSTEM is the upstream machine's time zone, of which the abbreviation and the offset of now are
 * told: ours is the same if these are, and UTC is UTC everywhere. */
static int system_zone(struct str abbreviation, struct str offset, struct str *out)
{
    int64_t seconds = 0;
    (void)!str_to_i64(offset, &seconds);
    if (str_eq(abbreviation, STR("UTC")) || str_eq(abbreviation, STR("GMT"))) {
        *out = STR("+00:00");
        return seconds == 0 ? 0 : -1;
    }
    const time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm local;
    *out = STR("SYSTEM");
    return localtime_r(&now, &local) != NULL && local.tm_gmtoff == seconds &&
                   str_eq(str_from_cstr(local.tm_zone), abbreviation)
               ? 0
               : -1;
}

static int unknown_zone(struct session *s, struct str abbreviation)
{
    return diag_set_text(
        s->x.diag, ER_NOT_SUPPORTED_YET,
        arena_printf(&s->x.stmt_arena,
                     "The copy cannot be read with time_zone = SYSTEM: the system time zone of the "
                     "upstream (%.*s) is not that of this machine; set time_zone to a name or an "
                     "offset",
                     STR_FMT(abbreviation)));
}

/* ---- Settings ---- */

static double number_of(struct arena *arena, struct str text)
{
    return strtod(arena_dup_cstr(arena, text), NULL);
}

/* A setting's text as the value that SET would be given. */
static struct value value_of(struct arena *arena, const struct sysvar *v, struct str text)
{
    uint64_t u;
    int64_t i;
    if (text.p == NULL) {
        return value_null();
    }
    switch (v->kind) {
    case SYSVAR_BOOL:
    case SYSVAR_UINT:
        return str_to_u64(text, &u) == 0 ? value_uint(u)
                                         : value_string(text, COLLATION_UTF8MB4_BIN);
    case SYSVAR_INT:
        return str_to_i64(text, &i) == 0 ? value_int(i) : value_string(text, COLLATION_UTF8MB4_BIN);
    case SYSVAR_DOUBLE:
        return value_double(number_of(arena, text));
    default:
        return value_string(text, COLLATION_UTF8MB4_BIN);
    }
}

/* Takes over one setting. What cannot be followed fails: the answer would be another one. */
static int take(struct session *s, struct str name, struct str text)
{
    struct exec_session *x = &s->x;
    const struct sysvar *v = sysvar_find(name, x->server->dialect);
    if (v == NULL) {
        return 0;
    }
    const struct value value = value_of(&x->stmt_arena, v, text);
    if (sysvar_set(v, &x->vars, &value, &x->vars, x->diag) == 0) {
        return 0;
    }
    return diag_set_text(x->diag, ER_NOT_SUPPORTED_YET,
                         arena_printf(&x->stmt_arena, "The copy cannot be read with %.*s = %.*s",
                                      STR_FMT(name), STR_FMT(text)));
}

/* Names of days and months are English here. */
static int check_locale(struct session *s, struct str name)
{
    return str_starts_with_nocase(name, STR("en_"))
               ? 0
               : diag_set_text(s->x.diag, ER_NOT_SUPPORTED_YET,
                               arena_printf(&s->x.stmt_arena,
                                            "The copy cannot be read with lc_time_names = %.*s",
                                            STR_FMT(name)));
}

static int take_zone(struct session *s, struct str zone, struct str *const extra)
{
    struct str name = zone;
    if (str_eq_nocase(zone, STR("SYSTEM")) &&
        system_zone(extra[EXTRA_SYSTEM_ZONE], extra[EXTRA_OFFSET], &name) != 0) {
        return unknown_zone(s, extra[EXTRA_SYSTEM_ZONE]);
    }
    return take(s, STR("time_zone"), name);
}

static int take_extra(struct session *s, struct str *const extra)
{
    struct exec_session *x = &s->x;
    const struct str db = extra[EXTRA_DATABASE];
    if (db.len >= sizeof x->db_buf) {
        return diag_set(x->diag, ER_MALFORMED_PACKET);
    }
    if (db.p != NULL) {
        memcpy(x->db_buf, db.p, db.len);
    }
    x->db = db.p == NULL ? STR_NULL : str_from(x->db_buf, db.len);
    const double timestamp = number_of(&x->stmt_arena, extra[EXTRA_TIMESTAMP]);
    const double off = timestamp - number_of(&x->stmt_arena, extra[EXTRA_CLOCK]);
    x->vars.timestamp = off > TIMESTAMP_SET || off < -TIMESTAMP_SET ? timestamp : 0;
    return 0;
}

static struct str question(struct arena *arena, enum upstream_kind kind, unsigned *out_count)
{
    struct str sql = STR("SELECT ");
    *out_count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        if ((settings[i].servers & 1u << kind) != 0) {
            sql = arena_printf(arena, "%.*s@@SESSION.%s,", STR_FMT(sql), settings[i].name);
            ++*out_count;
        }
    }
    return arena_printf(arena, "%.*s%s", STR_FMT(sql), extras);
}

static int take_all(struct session *s, enum upstream_kind kind, const struct upstream_result *r,
                    unsigned count)
{
    struct str *const values = r->rows[0];
    unsigned at = 0;
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        if ((settings[i].servers & 1u << kind) == 0) {
            continue;
        }
        const struct str name = str_from_cstr(settings[i].name);
        const struct str text = values[at++];
        if (str_eq(name, STR("time_zone"))       ? take_zone(s, text, values + count) != 0
            : str_eq(name, STR("lc_time_names")) ? check_locale(s, text) != 0
                                                 : take(s, name, text) != 0) {
            return -1;
        }
    }
    /* What texts are said to be in results is told by that of this one: @@sql_mode. */
    const struct collation *c = collation_find(r->collations[0]);
    const bool is_of_results = c != NULL && c->charset == s->x.vars.character_set_results;
    s->x.results_collation = is_of_results ? c->id : 0;
    return take_extra(s, values + count);
}

int route_read_settings(struct session *s, struct upstream_conn *c)
{
    struct exec_session *x = &s->x;
    struct upstream_result r;
    unsigned count;
    const enum sql_dialect dialect = c->kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL;
    if (dialect != x->server->dialect) {
        return diag_set_text(x->diag, ER_NOT_SUPPORTED_YET,
                             STR("The copy cannot be read: server.dialect is not that of the "
                                 "upstream"));
    }
    const struct str sql = question(&x->stmt_arena, c->kind, &count);
    if (upstream_query(c, sql, &x->stmt_arena, x->diag, &r) != 0) {
        return -1;
    }
    if (r.row_count != 1 || r.column_count != count + EXTRA_COUNT ||
        take_all(s, c->kind, &r, count) != 0) {
        return x->diag->error != NULL ? -1 : diag_set(x->diag, ER_MALFORMED_PACKET);
    }
    diag_reset(x->diag); /* warnings about the values are not of the client's statement */
    return 0;
}

/* ---- The log's end ---- */

/* File and offset: for accounts with REPLICATION CLIENT (MariaDB: BINLOG MONITOR). */
static int read_file(struct upstream_conn *c, struct arena *arena, struct diag *d,
                     struct copy_point *out)
{
    struct upstream_result r;
    const bool renamed = c->kind == UPSTREAM_MYSQL && c->version_id >= 80200;
    if (upstream_query(c, renamed ? STR("SHOW BINARY LOG STATUS") : STR("SHOW MASTER STATUS"),
                       arena, d, &r) != 0) {
        return -1;
    }
    if (r.row_count != 1 || r.column_count < 2 || str_to_u64(r.rows[0][1], &out->offset) != 0) {
        return diag_set_text(d, ER_NOT_SUPPORTED_YET, STR("The upstream has no binary log"));
    }
    out->file = r.rows[0][0];
    return 0;
}

int route_read_point(struct upstream_conn *c, bool by_file, struct arena *arena, struct diag *d,
                     struct copy_point *out)
{
    struct upstream_result r;
    *out = (struct copy_point){.gtids = STR_NULL};
    if (by_file) {
        return read_file(c, arena, d, out);
    }
    const struct str sql = c->kind == UPSTREAM_MARIADB
                               ? STR("SELECT 'ON',@@GLOBAL.gtid_binlog_pos")
                               : STR("SELECT @@GLOBAL.gtid_mode,@@GLOBAL.gtid_executed");
    if (upstream_query(c, sql, arena, d, &r) != 0) {
        return -1;
    }
    if (r.row_count == 1 && r.column_count == 2 && str_eq_nocase(r.rows[0][0], STR("ON"))) {
        out->gtids = r.rows[0][1];
        return 0;
    }
    return read_file(c, arena, d, out);
}
