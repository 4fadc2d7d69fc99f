/* Statements in text form and the variables they carry. */
#include "binlog/binlog_int.h"
#include "binlog/txn_events.h"

enum {
    QUERY_POST_HEADER_LEN = 13,
    TOO_MANY_DBS = 254, /* Instead of a count. */
    /* Longest statement that is uncompressed: max_allowed_packet's ceiling. */
    MAX_SQL_LEN = 1 << 30,
};

/* A reader of one variable's value. */
typedef void get_var_fn(struct pkt_reader *r, struct binlog_query *q);

static void get_flags2(struct pkt_reader *r, struct binlog_query *q)
{
    q->flags2 = pkt_get_u32(r);
}

static void get_sql_mode(struct pkt_reader *r, struct binlog_query *q)
{
    q->sql_mode = pkt_get_u64(r);
}

/* MySQL before 5.0.4 put a NUL behind the name. */
static void get_catalog_nul(struct pkt_reader *r, struct binlog_query *q)
{
    q->catalog = pkt_get_bytes(r, pkt_get_u8(r));
    pkt_skip(r, 1);
}

static void get_catalog(struct pkt_reader *r, struct binlog_query *q)
{
    q->catalog = pkt_get_bytes(r, pkt_get_u8(r));
}

static void get_auto_increment(struct pkt_reader *r, struct binlog_query *q)
{
    q->auto_increment_increment = pkt_get_u16(r);
    q->auto_increment_offset = pkt_get_u16(r);
}

static void get_charset(struct pkt_reader *r, struct binlog_query *q)
{
    q->client_charset = pkt_get_u16(r);
    q->connection_collation = pkt_get_u16(r);
    q->server_collation = pkt_get_u16(r);
}

static void get_time_zone(struct pkt_reader *r, struct binlog_query *q)
{
    q->time_zone = pkt_get_bytes(r, pkt_get_u8(r));
}

static void get_lc_time_names(struct pkt_reader *r, struct binlog_query *q)
{
    q->lc_time_names = pkt_get_u16(r);
}

static void get_charset_database(struct pkt_reader *r, struct binlog_query *q)
{
    q->database_collation = pkt_get_u16(r);
}

static void get_8_unused(struct pkt_reader *r, struct binlog_query *q)
{
    (void)q;
    pkt_skip(r, 8);
}

static void get_4_unused(struct pkt_reader *r, struct binlog_query *q)
{
    (void)q;
    pkt_skip(r, 4);
}

/* The GTID event's second byte of flags again; with a number when an ALTER ends its second phase.
 */
static void get_gtid_flags(struct pkt_reader *r, struct binlog_query *q)
{
    (void)q;
    const uint8_t flags = pkt_get_u8(r);
    if (flags & (BINLOG_MARIADB_COMMIT_ALTER | BINLOG_MARIADB_ROLLBACK_ALTER)) {
        pkt_skip(r, 8);
    }
}

static void get_invoker(struct pkt_reader *r, struct binlog_query *q)
{
    q->invoker_user = pkt_get_bytes(r, pkt_get_u8(r));
    q->invoker_host = pkt_get_bytes(r, pkt_get_u8(r));
}

static void get_updated_dbs(struct pkt_reader *r, struct binlog_query *q)
{
    const uint8_t count = pkt_get_u8(r);
    if (count == TOO_MANY_DBS) {
        q->updated_db_count = UINT32_MAX;
        return;
    }
    if (count > BINLOG_MAX_UPDATED_DBS) {
        pkt_reader_fail(r);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        q->updated_dbs[i] = pkt_get_nul_str(r);
    }
    q->updated_db_count = count;
}

static void get_microseconds(struct pkt_reader *r, struct binlog_query *q)
{
    q->microseconds = pkt_get_u24(r);
}

static void get_explicit_defaults(struct pkt_reader *r, struct binlog_query *q)
{
    q->explicit_defaults_for_timestamp = pkt_get_u8(r);
}

static void get_xid(struct pkt_reader *r, struct binlog_query *q)
{
    q->xid = pkt_get_u64(r);
}

static void get_utf8mb4_collation(struct pkt_reader *r, struct binlog_query *q)
{
    q->utf8mb4_collation = pkt_get_u16(r);
}

static void get_require_primary_key(struct pkt_reader *r, struct binlog_query *q)
{
    q->sql_require_primary_key = pkt_get_u8(r);
}

static void get_table_encryption(struct pkt_reader *r, struct binlog_query *q)
{
    q->default_table_encryption = pkt_get_u8(r);
}

/* character_set_collations: pairs of a character set's and a collation's number. */
static void get_collations(struct pkt_reader *r, struct binlog_query *q)
{
    const uint8_t count = pkt_get_u8(r);
    q->has_collations = count > 0;
    pkt_skip(r, (size_t)4 * count);
}

static get_var_fn *const vars[] = {
    [BINLOG_Q_FLAGS2] = get_flags2,
    [BINLOG_Q_SQL_MODE] = get_sql_mode,
    [BINLOG_Q_CATALOG] = get_catalog_nul,
    [BINLOG_Q_AUTO_INCREMENT] = get_auto_increment,
    [BINLOG_Q_CHARSET] = get_charset,
    [BINLOG_Q_TIME_ZONE] = get_time_zone,
    [BINLOG_Q_CATALOG_NZ] = get_catalog,
    [BINLOG_Q_LC_TIME_NAMES] = get_lc_time_names,
    [BINLOG_Q_CHARSET_DATABASE] = get_charset_database,
    [BINLOG_Q_TABLE_MAP_FOR_UPDATE] = get_8_unused,
    [BINLOG_Q_MASTER_DATA_WRITTEN] = get_4_unused,
    [BINLOG_Q_INVOKER] = get_invoker,
    [BINLOG_Q_UPDATED_DB_NAMES] = get_updated_dbs,
    [BINLOG_Q_MICROSECONDS] = get_microseconds,
    [BINLOG_Q_EXPLICIT_DEFAULTS_FOR_TIMESTAMP] = get_explicit_defaults,
    [BINLOG_Q_DDL_XID] = get_xid,
    [BINLOG_Q_DEFAULT_COLLATION_FOR_UTF8MB4] = get_utf8mb4_collation,
    [BINLOG_Q_SQL_REQUIRE_PRIMARY_KEY] = get_require_primary_key,
    [BINLOG_Q_DEFAULT_TABLE_ENCRYPTION] = get_table_encryption,
    [BINLOG_Q_MARIADB_HRNOW] = get_microseconds,
    [BINLOG_Q_MARIADB_XID] = get_xid,
    [BINLOG_Q_MARIADB_GTID_FLAGS3] = get_gtid_flags,
    [BINLOG_Q_MARIADB_CHARACTER_SET_COLLATIONS] = get_collations,
};

/* As the servers do, reading stops at a variable that is not known, since its length is not. */
static int get_vars(struct str bytes, struct binlog_query *q)
{
    struct pkt_reader r;
    pkt_reader_init(&r, bytes);
    while (pkt_reader_left(&r) > 0 && !pkt_reader_failed(&r)) {
        const uint8_t code = pkt_get_u8(&r);
        get_var_fn *get = code < ARRAY_SIZE(vars) ? vars[code] : NULL;
        if (get == NULL) {
            q->has_unknown_vars = true;
            return 0;
        }
        get(&r, q);
        q->vars |= code < 64 ? UINT64_C(1) << code : 0;
    }
    return pkt_reader_failed(&r) ? -1 : 0;
}

int binlog_decode_query(const struct binlog_format *f, const struct binlog_event *ev,
                        struct arena *a, struct binlog_query *out, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    memset(out, 0, offsetof(struct binlog_query, updated_dbs));
    out->thread_id = pkt_get_u32(&r);
    out->exec_seconds = pkt_get_u32(&r);
    const uint8_t db_len = pkt_get_u8(&r);
    out->error = pkt_get_u16(&r);
    const uint16_t vars_len = pkt_get_u16(&r);
    skip_post_header(&r, f, ev->type, QUERY_POST_HEADER_LEN);
    const struct str var_bytes = pkt_get_bytes(&r, vars_len);
    out->db = pkt_get_bytes(&r, db_len);
    const uint8_t nul = pkt_get_u8(&r);
    out->sql = pkt_get_rest(&r);
    if (pkt_reader_failed(&r) || nul != 0) {
        return binlog_corrupt(d, ev, "its parts are longer than it is");
    }
    if (get_vars(var_bytes, out) != 0) {
        return binlog_corrupt(d, ev, "its variables are cut off");
    }
    if (ev->type == BINLOG_MARIADB_QUERY_COMPRESSED &&
        mariadb_uncompress(out->sql, a, MAX_SQL_LEN, &out->sql) != 0) {
        return binlog_corrupt(d, ev, "its statement cannot be uncompressed");
    }
    return 0;
}
