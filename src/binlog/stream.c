/* Events into transactions. */
#include "binlog/stream.h"

#include "binlog/binlog_int.h"

#include <stdlib.h>

enum {
    /* Beyond, the cache of table maps is emptied when a transaction begins. */
    MAX_CACHED_TABLES = 4096,
    QUERY_SAME_FROM = 8, /* Behind the thread's id and the seconds it took. */
};

/* A rows event with this table id has no rows: it only ends a statement. */
#define NO_TABLE_ID   UINT64_C(0xffffffffffff)
#define US_PER_SECOND UINT64_C(1000000)

/* A table map, kept since servers repeat it in every transaction. */
struct binlog_table_entry {
    uint64_t id;
    struct arena arena;
    struct str body; /* Of the event: the same bytes need not be decoded again. */
    struct binlog_table table;
    uint64_t statement; /* The last statement that announced it. */
};

/* Deals with one event. BINLOG_ITEM: *out is filled; BINLOG_END: nothing to tell. */
typedef enum binlog_next event_fn(struct binlog_stream *s, const struct binlog_event *ev,
                                  struct binlog_item *out, struct diag *d);

/* ---- The stream ---- */

static void drop_tables(struct binlog_stream *s)
{
    size_t pos = 0;
    for (struct binlog_table_entry *e; (e = htab_next(&s->tables, &pos)) != NULL;) {
        arena_release(&e->arena);
        free(e);
    }
    htab_release(&s->tables);
    htab_init(&s->tables, 0);
    s->last_table = NULL;
}

void binlog_stream_init(struct binlog_stream *s, enum binlog_checksum checksum)
{
    *s = (struct binlog_stream){.statement = 1};
    binlog_format_init(&s->format, checksum);
    arena_init(&s->event_arena, 0);
    arena_init(&s->txn_arena, 0);
    htab_init(&s->tables, 0);
    binlog_payload_reader_init(&s->payload);
}

void binlog_stream_release(struct binlog_stream *s)
{
    drop_tables(s);
    htab_release(&s->tables);
    binlog_payload_reader_release(&s->payload);
    arena_release(&s->event_arena);
    arena_release(&s->txn_arena);
}

void binlog_stream_restart(struct binlog_stream *s, enum binlog_checksum checksum)
{
    binlog_stream_release(s);
    binlog_stream_init(s, checksum);
}

void binlog_stream_begin_part(struct binlog_stream *s, const struct binlog_format *format)
{
    binlog_stream_restart(s, BINLOG_CHECKSUM_NONE);
    s->format = *format;
    s->format.checksum = BINLOG_CHECKSUM_NONE;
    s->state = BINLOG_STREAM_OPEN;
    s->txn.is_mariadb = format->is_mariadb;
}

int binlog_stream_feed(struct binlog_stream *s, struct str bytes, uint64_t offset, struct diag *d)
{
    assert(!s->has_event && !s->in_payload && !s->ends_txn);
    arena_reset(&s->event_arena);
    if (binlog_decode_event(&s->format, bytes, offset, &s->event, d) != 0) {
        s->failed = true;
        return -1;
    }
    s->has_event = true;
    return 0;
}

static enum binlog_next out_of_order(const struct binlog_event *ev, struct diag *d,
                                     const char *what)
{
    (void)binlog_corrupt(d, ev, "%s", what);
    return BINLOG_ERROR;
}

static enum binlog_next give(struct binlog_item *out, enum binlog_item_kind kind)
{
    out->kind = kind;
    return BINLOG_ITEM;
}

/* ---- Beginnings and ends ---- */

static enum binlog_next begin_txn(struct binlog_stream *s, const struct binlog_event *ev,
                                  struct binlog_item *out, enum binlog_stream_state state)
{
    s->state = state;
    s->txn.offset = ev->offset;
    if (s->txn.commit_us == 0) {
        s->txn.commit_us = ev->timestamp * US_PER_SECOND;
    }
    if (s->tables.count > MAX_CACHED_TABLES) {
        drop_tables(s);
    }
    return give(out, BINLOG_TXN_BEGIN);
}

static enum binlog_next end_txn(struct binlog_stream *s, struct binlog_item *out,
                                enum binlog_item_kind kind)
{
    s->state = BINLOG_STREAM_IDLE;
    s->statement++;
    return give(out, kind);
}

static void reset_txn(struct binlog_stream *s)
{
    const uint64_t number = s->txn.number;
    arena_reset(&s->txn_arena);
    s->txn = (struct binlog_txn){.is_mariadb = s->format.is_mariadb, .number = number + 1};
}

static enum binlog_next on_mysql_gtid(struct binlog_stream *s, const struct binlog_event *ev,
                                      struct binlog_item *out, struct diag *d)
{
    if (s->state != BINLOG_STREAM_IDLE) {
        return out_of_order(ev, d, "it begins a transaction within another");
    }
    reset_txn(s);
    s->txn.is_mariadb = false;
    struct binlog_mysql_gtid *gtid = &s->txn.mysql;
    if (binlog_decode_mysql_gtid(ev, gtid, d) != 0) {
        return BINLOG_ERROR;
    }
    if (gtid->tag.len > 0) {
        gtid->tag = arena_dup(&s->txn_arena, gtid->tag);
    }
    s->txn.has_gtid = !gtid->is_anonymous;
    s->txn.commit_us = gtid->immediate_commit_us;
    return begin_txn(s, ev, out, BINLOG_STREAM_GTID);
}

static enum binlog_next on_mariadb_gtid(struct binlog_stream *s, const struct binlog_event *ev,
                                        struct binlog_item *out, struct diag *d)
{
    if (s->state != BINLOG_STREAM_IDLE) {
        return out_of_order(ev, d, "it begins a transaction within another");
    }
    reset_txn(s);
    s->txn.is_mariadb = true;
    struct binlog_mariadb_gtid_event *gtid = &s->txn.mariadb;
    if (binlog_decode_mariadb_gtid(ev, gtid, d) != 0) {
        return BINLOG_ERROR;
    }
    gtid->xid.gtrid = arena_dup(&s->txn_arena, gtid->xid.gtrid);
    gtid->xid.bqual = arena_dup(&s->txn_arena, gtid->xid.bqual);
    s->txn.has_gtid = true;
    s->txn.is_xa = (gtid->flags & BINLOG_MARIADB_PREPARED_XA) != 0;
    return begin_txn(s, ev, out,
                     gtid->flags & BINLOG_MARIADB_STANDALONE ? BINLOG_STREAM_STANDALONE
                                                             : BINLOG_STREAM_OPEN);
}

static enum binlog_next on_xid(struct binlog_stream *s, const struct binlog_event *ev,
                               struct binlog_item *out, struct diag *d)
{
    uint64_t xid;
    if (s->state != BINLOG_STREAM_OPEN) {
        return out_of_order(ev, d, "it commits a transaction that has not begun");
    }
    if (binlog_decode_xid(&s->format, ev, &xid, d) != 0) {
        return BINLOG_ERROR;
    }
    return end_txn(s, out, BINLOG_TXN_COMMIT);
}

static enum binlog_next on_xa_prepare(struct binlog_stream *s, const struct binlog_event *ev,
                                      struct binlog_item *out, struct diag *d)
{
    struct binlog_xa_prepare prepare;
    if (s->state != BINLOG_STREAM_OPEN) {
        return out_of_order(ev, d, "it prepares a transaction that has not begun");
    }
    if (binlog_decode_xa_prepare(ev, &prepare, d) != 0) {
        return BINLOG_ERROR;
    }
    out->xid = prepare.xid;
    return end_txn(s, out, prepare.one_phase ? BINLOG_TXN_COMMIT : BINLOG_TXN_PREPARE);
}

/* ---- Statements ---- */

/* A statement of its own: the transaction ends behind it. */
static enum binlog_next give_whole_query(struct binlog_stream *s, struct binlog_item *out)
{
    s->ends_txn = true;
    return give(out, BINLOG_TXN_QUERY);
}

static enum binlog_next query_in_open(struct binlog_stream *s, const struct binlog_event *ev,
                                      struct binlog_item *out, struct diag *d)
{
    const struct str sql = out->query.sql;
    if (str_eq_nocase(sql, STR("COMMIT"))) {
        return end_txn(s, out, BINLOG_TXN_COMMIT);
    }
    if (str_eq_nocase(sql, STR("ROLLBACK"))) {
        return end_txn(s, out, BINLOG_TXN_ROLLBACK);
    }
    if (str_eq_nocase(sql, STR("BEGIN"))) {
        return out_of_order(ev, d, "it begins a transaction within another");
    }
    if (s->txn.is_mariadb && str_starts_with_nocase(sql, STR("XA START"))) {
        return BINLOG_END; /* The GTID has said so already. */
    }
    if (str_starts_with_nocase(sql, STR("XA END"))) {
        return BINLOG_END;
    }
    return give(out, BINLOG_TXN_QUERY);
}

/*
 * Each transaction of MySQL's has a BEGIN. As a rule it is, but for the thread's id and the seconds
 * that it took, the same as that of the one before, which need not be decoded again.
 */
static bool is_same_begin(const struct binlog_stream *s, const struct binlog_event *ev)
{
    return s->begin.len != 0 && ev->type == BINLOG_QUERY && ev->body.len == s->begin.len &&
           memcmp(ev->body.p + QUERY_SAME_FROM, s->begin.bytes, s->begin.len - QUERY_SAME_FROM) ==
               0;
}

static void keep_begin(struct binlog_stream *s, const struct binlog_event *ev)
{
    const bool fits = ev->type == BINLOG_QUERY && ev->body.len <= sizeof(s->begin.bytes);
    s->begin.len = fits ? (uint16_t)ev->body.len : 0;
    if (fits) {
        memcpy(s->begin.bytes, ev->body.p + QUERY_SAME_FROM, ev->body.len - QUERY_SAME_FROM);
    }
}

static enum binlog_next on_query(struct binlog_stream *s, const struct binlog_event *ev,
                                 struct binlog_item *out, struct diag *d)
{
    if (s->state == BINLOG_STREAM_GTID && is_same_begin(s, ev)) {
        s->state = BINLOG_STREAM_OPEN;
        s->txn.is_xa = false;
        return BINLOG_END;
    }
    if (s->state == BINLOG_STREAM_IDLE) {
        /* A source without GTID events. The event comes again, then within the transaction. */
        reset_txn(s);
        s->has_event = !s->in_payload;
        return begin_txn(s, ev, out, BINLOG_STREAM_GTID);
    }
    if (binlog_decode_query(&s->format, ev, &s->event_arena, &out->query, d) != 0) {
        return BINLOG_ERROR;
    }
    if (s->state == BINLOG_STREAM_OPEN) {
        return query_in_open(s, ev, out, d);
    }
    const bool begins = str_eq_nocase(out->query.sql, STR("BEGIN"));
    if (s->state == BINLOG_STREAM_GTID &&
        (begins || str_starts_with_nocase(out->query.sql, STR("XA START")))) {
        s->state = BINLOG_STREAM_OPEN;
        s->txn.is_xa = !begins;
        if (begins) {
            keep_begin(s, ev);
        }
        return BINLOG_END;
    }
    return give_whole_query(s, out);
}

static enum binlog_next on_variable(struct binlog_stream *s, const struct binlog_event *ev,
                                    struct binlog_item *out, struct diag *d)
{
    if (s->state == BINLOG_STREAM_IDLE) {
        return out_of_order(ev, d, "it belongs to no transaction");
    }
    return give(out, BINLOG_TXN_VARIABLE);
}

static enum binlog_next on_rows_query(struct binlog_stream *s, const struct binlog_event *ev,
                                      struct binlog_item *out, struct diag *d)
{
    (void)s;
    return binlog_decode_rows_query(ev, &out->text, d) != 0 ? BINLOG_ERROR
                                                            : give(out, BINLOG_TXN_ROWS_QUERY);
}

/* ---- Rows ---- */

static bool takes_rows(const struct binlog_stream *s)
{
    return s->state == BINLOG_STREAM_OPEN || s->state == BINLOG_STREAM_STANDALONE;
}

/* As a rule rows follow their table map, and maps of the same table each other. */
static struct binlog_table_entry *find_table(struct binlog_stream *s, uint64_t id)
{
    struct binlog_table_entry *e = s->last_table;
    if (e == NULL || e->id != id) {
        e = htab_find(&s->tables, str_from((const char *)&id, sizeof(id)));
        s->last_table = e;
    }
    return e;
}

static struct binlog_table_entry *get_table(struct binlog_stream *s, uint64_t id)
{
    struct binlog_table_entry *e = find_table(s, id);
    if (e == NULL) {
        e = calloc(1, sizeof(*e));
        if (e == NULL) {
            abort();
        }
        e->id = id;
        arena_init(&e->arena, 0);
        (void)htab_put(&s->tables, str_from((const char *)&e->id, sizeof(e->id)), e);
        s->last_table = e;
    }
    return e;
}

static enum binlog_next on_table_map(struct binlog_stream *s, const struct binlog_event *ev,
                                     struct binlog_item *out, struct diag *d)
{
    uint64_t id;
    if (!takes_rows(s)) {
        return out_of_order(ev, d, "it is outside of a transaction");
    }
    if (binlog_peek_table_id(&s->format, ev, &id, d) != 0) {
        return BINLOG_ERROR;
    }
    struct binlog_table_entry *e = get_table(s, id);
    if (e->body.len == 0 || !str_eq(e->body, ev->body)) {
        arena_reset(&e->arena);
        e->body = STR_NULL;
        e->statement = 0;
        if (binlog_decode_table(&s->format, ev, &e->arena, &e->table, d) != 0) {
            return BINLOG_ERROR;
        }
        e->body = arena_dup(&e->arena, ev->body);
        out->table_is_new = true;
    }
    e->statement = s->statement;
    out->table = &e->table;
    return give(out, BINLOG_TXN_TABLE);
}

static enum binlog_next on_rows(struct binlog_stream *s, const struct binlog_event *ev,
                                struct binlog_item *out, struct diag *d)
{
    if (!takes_rows(s)) {
        return out_of_order(ev, d, "it is outside of a transaction");
    }
    if (binlog_decode_rows(&s->format, ev, &s->event_arena, &out->rows, d) != 0) {
        return BINLOG_ERROR;
    }
    const uint64_t statement = s->statement;
    if (out->rows.flags & BINLOG_ROWS_STMT_END) {
        s->statement++;
        s->ends_txn = s->state == BINLOG_STREAM_STANDALONE;
    }
    if (out->rows.table_id == NO_TABLE_ID) {
        return BINLOG_END;
    }
    const struct binlog_table_entry *e = find_table(s, out->rows.table_id);
    if (e == NULL || e->statement != statement) {
        return out_of_order(ev, d, "no table map of its statement has its table id");
    }
    out->table = &e->table;
    return give(out, BINLOG_TXN_ROWS);
}

static enum binlog_next on_payload(struct binlog_stream *s, const struct binlog_event *ev,
                                   struct binlog_item *out, struct diag *d)
{
    struct binlog_payload payload;
    (void)out;
    if (s->state != BINLOG_STREAM_GTID || s->in_payload) {
        return out_of_order(ev, d, "it does not follow a GTID");
    }
    if (binlog_decode_payload(ev, &payload, d) != 0 ||
        binlog_payload_start(&s->payload, ev, &payload, d) != 0) {
        return BINLOG_ERROR;
    }
    s->in_payload = true;
    return BINLOG_END;
}

/* ---- The log ---- */

static enum binlog_next on_format(struct binlog_stream *s, const struct binlog_event *ev,
                                  struct binlog_item *out, struct diag *d)
{
    if (s->state != BINLOG_STREAM_IDLE) {
        struct binlog_format next;
        if (binlog_decode_format(ev, &next, d) != 0) {
            return BINLOG_ERROR;
        }
        if (next.created == 0) {
            return out_of_order(ev, d, "a new file begins within a transaction");
        }
        /* The source was killed while it wrote: what is in the old file was never committed. */
        s->has_event = true;
        return end_txn(s, out, BINLOG_TXN_ROLLBACK);
    }
    if (binlog_decode_format(ev, &s->format, d) != 0) {
        return BINLOG_ERROR;
    }
    drop_tables(s);
    s->begin.len = 0;
    out->format = &s->format;
    return give(out, BINLOG_LOG_FORMAT);
}

static enum binlog_next on_rotate(struct binlog_stream *s, const struct binlog_event *ev,
                                  struct binlog_item *out, struct diag *d)
{
    if (s->state != BINLOG_STREAM_IDLE && (ev->flags & BINLOG_F_ARTIFICIAL) == 0) {
        return out_of_order(ev, d, "the file ends within a transaction");
    }
    return binlog_decode_rotate(&s->format, ev, &out->rotate, d) != 0
               ? BINLOG_ERROR
               : give(out, BINLOG_LOG_ROTATE);
}

static enum binlog_next on_heartbeat(struct binlog_stream *s, const struct binlog_event *ev,
                                     struct binlog_item *out, struct diag *d)
{
    (void)s;
    return binlog_decode_heartbeat(ev, &out->heartbeat, d) != 0 ? BINLOG_ERROR
                                                                : give(out, BINLOG_LOG_HEARTBEAT);
}

static enum binlog_next on_incident(struct binlog_stream *s, const struct binlog_event *ev,
                                    struct binlog_item *out, struct diag *d)
{
    (void)s;
    return binlog_decode_incident(ev, &out->incident, d) != 0 ? BINLOG_ERROR
                                                              : give(out, BINLOG_LOG_INCIDENT);
}

/* ---- Dispatch ---- */

static event_fn *const handlers[256] = {
    [BINLOG_QUERY] = on_query,
    [BINLOG_MARIADB_QUERY_COMPRESSED] = on_query,
    [BINLOG_ROTATE] = on_rotate,
    [BINLOG_FORMAT_DESCRIPTION] = on_format,
    [BINLOG_XID] = on_xid,
    [BINLOG_TABLE_MAP] = on_table_map,
    [BINLOG_INCIDENT] = on_incident,
    [BINLOG_HEARTBEAT] = on_heartbeat,
    [BINLOG_HEARTBEAT_V2] = on_heartbeat,
    [BINLOG_ROWS_QUERY] = on_rows_query,
    [BINLOG_MARIADB_ANNOTATE_ROWS] = on_rows_query,
    [BINLOG_GTID] = on_mysql_gtid,
    [BINLOG_ANONYMOUS_GTID] = on_mysql_gtid,
    [BINLOG_GTID_TAGGED] = on_mysql_gtid,
    [BINLOG_MARIADB_GTID] = on_mariadb_gtid,
    [BINLOG_XA_PREPARE] = on_xa_prepare,
    [BINLOG_TRANSACTION_PAYLOAD] = on_payload,
    [BINLOG_WRITE_ROWS_V1] = on_rows,
    [BINLOG_UPDATE_ROWS_V1] = on_rows,
    [BINLOG_DELETE_ROWS_V1] = on_rows,
    [BINLOG_WRITE_ROWS] = on_rows,
    [BINLOG_UPDATE_ROWS] = on_rows,
    [BINLOG_DELETE_ROWS] = on_rows,
    [BINLOG_PARTIAL_UPDATE_ROWS] = on_rows,
    [BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1] = on_rows,
    [BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED_V1] = on_rows,
    [BINLOG_MARIADB_DELETE_ROWS_COMPRESSED_V1] = on_rows,
    [BINLOG_MARIADB_WRITE_ROWS_COMPRESSED] = on_rows,
    [BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED] = on_rows,
    [BINLOG_MARIADB_DELETE_ROWS_COMPRESSED] = on_rows,
};

/* All but the union, which is large and filled by whoever gives an item that uses it. */
static void init_item(const struct binlog_stream *s, const struct binlog_event *ev,
                      struct binlog_item *out)
{
    out->kind = BINLOG_LOG_OTHER;
    out->table_is_new = false;
    out->event = ev;
    out->txn = &s->txn;
    out->table = NULL;
    out->format = NULL;
}

static enum binlog_next handle(struct binlog_stream *s, const struct binlog_event *ev,
                               struct binlog_item *out, struct diag *d)
{
    init_item(s, ev, out);
    if (handlers[ev->type] != NULL) {
        return handlers[ev->type](s, ev, out, d);
    }
    if (binlog_event_class(ev->type) == BINLOG_CLASS_STATEMENT) {
        return on_variable(s, ev, out, d);
    }
    return binlog_check_known(ev, d) != 0 ? BINLOG_ERROR : give(out, BINLOG_LOG_OTHER);
}

static enum binlog_next next_nested(struct binlog_stream *s, struct binlog_item *out,
                                    struct diag *d)
{
    const enum binlog_next rc = binlog_payload_next(&s->payload, &s->nested, d);
    if (rc == BINLOG_ITEM) {
        if (binlog_event_class(s->nested.type) == BINLOG_CLASS_CONTROL ||
            s->state == BINLOG_STREAM_IDLE) {
            return out_of_order(&s->nested, d, "it does not belong into a payload");
        }
        return handle(s, &s->nested, out, d);
    }
    s->in_payload = false;
    if (rc == BINLOG_END && s->state != BINLOG_STREAM_IDLE) {
        return out_of_order(&s->event, d, "it does not end its transaction");
    }
    return rc;
}

enum binlog_next binlog_stream_next(struct binlog_stream *s, struct binlog_item *out,
                                    struct diag *d)
{
    enum binlog_next rc = s->failed ? BINLOG_ERROR : BINLOG_END;
    while (rc == BINLOG_END) {
        if (s->ends_txn) {
            s->ends_txn = false;
            init_item(s, &s->event, out);
            return end_txn(s, out, BINLOG_TXN_COMMIT);
        }
        if (s->has_event) {
            s->has_event = false;
            rc = handle(s, &s->event, out, d);
        } else if (s->in_payload) {
            rc = next_nested(s, out, d);
        } else {
            return BINLOG_END;
        }
    }
    s->failed = rc == BINLOG_ERROR;
    return rc;
}

/* ---- XA ---- */

/* X'6162' */
static int take_hex(struct str *rest, struct arena *a, struct str *out)
{
    if (rest->len < 3 || (rest->p[0] | 0x20) != 'x' || rest->p[1] != '\'') {
        return -1;
    }
    const char *start = rest->p + 2;
    const char *end = memchr(start, '\'', rest->len - 2);
    if (end == NULL || (end - start) % 2 != 0) {
        return -1;
    }
    const size_t len = (size_t)(end - start) / 2;
    char *buf = arena_alloc(a, len + 1);
    for (size_t i = 0; i < len; i++) {
        const int high = hex_value(start[2 * i]);
        const int low = hex_value(start[2 * i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        buf[i] = (char)(high << 4 | low);
    }
    *out = str_from(buf, len);
    *rest = str_from(end + 1, rest->len - (size_t)(end + 1 - rest->p));
    return 0;
}

enum binlog_xa_op binlog_parse_xa(struct str sql, struct arena *a, struct binlog_xid *out_xid)
{
    static const struct {
        struct str prefix;
        enum binlog_xa_op op;
    } ops[] = {
        {STR_INIT("XA START "), BINLOG_XA_START},
        {STR_INIT("XA END "), BINLOG_XA_END},
        {STR_INIT("XA COMMIT "), BINLOG_XA_COMMIT},
        {STR_INIT("XA ROLLBACK "), BINLOG_XA_ROLLBACK},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        const struct str prefix = ops[i].prefix;
        if (!str_starts_with_nocase(sql, prefix)) {
            continue;
        }
        struct str rest = str_from(sql.p + prefix.len, sql.len - prefix.len);
        uint64_t format;
        if (take_hex(&rest, a, &out_xid->gtrid) != 0 || !str_starts_with(rest, STR(","))) {
            return BINLOG_XA_NONE;
        }
        rest = str_from(rest.p + 1, rest.len - 1);
        if (take_hex(&rest, a, &out_xid->bqual) != 0 || !str_starts_with(rest, STR(",")) ||
            str_to_u64(str_trim(str_from(rest.p + 1, rest.len - 1)), &format) != 0 ||
            format > UINT32_MAX) {
            return BINLOG_XA_NONE;
        }
        out_xid->format_id = (uint32_t)format;
        return ops[i].op;
    }
    return BINLOG_XA_NONE;
}
