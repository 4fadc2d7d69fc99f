/* Events as text: a describing function a type. */
#include "binlog/print.h"

#include "binlog/binlog_int.h"
#include "binlog/cell.h"
#include "binlog/gtid_set.h"
#include "binlog/mariadb_pos.h"
#include "binlog/rows.h"

#include "types/temporal.h"

#include <inttypes.h>

#define US_PER_SECOND 1000000

struct printed_table {
    struct printed_table *next;
    struct binlog_table table;
};

/* Appends what an event of the type says, behind its name. */
typedef int describe_fn(struct binlog_printer *p, const struct binlog_event *ev,
                        struct bytebuf *out, struct diag *d);

static int print_decoded(struct binlog_printer *p, const struct binlog_event *ev, unsigned indent,
                         struct bytebuf *out, struct diag *d);

static void forget_tables(struct binlog_printer *p)
{
    arena_reset(&p->tables_arena);
    p->tables = NULL;
}

void binlog_printer_init(struct binlog_printer *p, enum binlog_checksum checksum)
{
    *p = (struct binlog_printer){0};
    binlog_format_init(&p->format, checksum);
    arena_init(&p->tables_arena, 0);
    arena_init(&p->scratch, 0);
    binlog_payload_reader_init(&p->payload);
}

void binlog_printer_release(struct binlog_printer *p)
{
    arena_release(&p->tables_arena);
    arena_release(&p->scratch);
    binlog_payload_reader_release(&p->payload);
}

/* ---- Parts ---- */

static void print_time(uint64_t us, unsigned decimals, struct bytebuf *out)
{
    struct mtime t;
    char text[32];
    temporal_unpack_datetime((int64_t)MIN(us, (uint64_t)INT64_MAX / 4), &t);
    bytebuf_put(out, text, datetime_format(&t, decimals, text));
}

/* On one line, and not all of it when it is long. */
static void print_sql(struct str sql, struct bytebuf *out)
{
    enum {
        LONGEST = 4096
    };
    for (size_t i = 0; i < MIN(sql.len, (size_t)LONGEST); i++) {
        const char c = sql.p[i];
        bytebuf_put_char(out, c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
    }
    if (sql.len > LONGEST) {
        bytebuf_printf(out, "... (%zu bytes)", sql.len);
    }
}

static void print_xid(const struct binlog_xid *xid, struct bytebuf *out)
{
    bytebuf_put_str(out, STR(" X'"));
    for (size_t i = 0; i < xid->gtrid.len; i++) {
        bytebuf_printf(out, "%02x", (uint8_t)xid->gtrid.p[i]);
    }
    bytebuf_put_str(out, STR("',X'"));
    for (size_t i = 0; i < xid->bqual.len; i++) {
        bytebuf_printf(out, "%02x", (uint8_t)xid->bqual.p[i]);
    }
    bytebuf_printf(out, "',%u", xid->format_id);
}

/* ---- Events ---- */

static int describe_format(struct binlog_printer *p, const struct binlog_event *ev,
                           struct bytebuf *out, struct diag *d)
{
    if (binlog_decode_format(ev, &p->format, d) != 0) {
        return -1;
    }
    forget_tables(p);
    bytebuf_printf(out, " server %s, checksum %s%s", p->format.server_version,
                   p->format.checksum == BINLOG_CHECKSUM_CRC32 ? "CRC32" : "none",
                   ev->flags & BINLOG_F_IN_USE ? ", not closed" : "");
    return 0;
}

static int describe_rotate(struct binlog_printer *p, const struct binlog_event *ev,
                           struct bytebuf *out, struct diag *d)
{
    struct binlog_rotate rotate;
    if (binlog_decode_rotate(&p->format, ev, &rotate, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " to %.*s:%" PRIu64, STR_FMT(rotate.file), rotate.position);
    return 0;
}

static int describe_heartbeat(struct binlog_printer *p, const struct binlog_event *ev,
                              struct bytebuf *out, struct diag *d)
{
    struct binlog_heartbeat heartbeat;
    (void)p;
    if (binlog_decode_heartbeat(ev, &heartbeat, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " at %.*s:%" PRIu64, STR_FMT(heartbeat.file), heartbeat.position);
    return 0;
}

static int describe_incident(struct binlog_printer *p, const struct binlog_event *ev,
                             struct bytebuf *out, struct diag *d)
{
    struct binlog_incident incident;
    (void)p;
    if (binlog_decode_incident(ev, &incident, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " %u: %.*s", incident.number, STR_FMT(incident.message));
    return 0;
}

static int describe_checkpoint(struct binlog_printer *p, const struct binlog_event *ev,
                               struct bytebuf *out, struct diag *d)
{
    struct str file;
    (void)p;
    if (binlog_decode_checkpoint(ev, &file, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " %.*s", STR_FMT(file));
    return 0;
}

static int describe_gtid_list(struct binlog_printer *p, const struct binlog_event *ev,
                              struct bytebuf *out, struct diag *d)
{
    struct binlog_gtid_list list;
    if (binlog_decode_gtid_list(ev, &p->scratch, &list, d) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        bytebuf_put_char(out, i > 0 ? ',' : ' ');
        mariadb_gtid_print(list.gtids[i], out);
    }
    return 0;
}

static int describe_previous_gtids(struct binlog_printer *p, const struct binlog_event *ev,
                                   struct bytebuf *out, struct diag *d)
{
    struct gtid_set set;
    (void)p;
    gtid_set_init(&set);
    const int rc = binlog_decode_previous_gtids(ev, &set, d);
    if (rc == 0) {
        bytebuf_put_char(out, ' ');
        gtid_set_print(&set, out);
    }
    gtid_set_release(&set);
    return rc;
}

static int describe_mysql_gtid(struct binlog_printer *p, const struct binlog_event *ev,
                               struct bytebuf *out, struct diag *d)
{
    struct binlog_mysql_gtid gtid;
    (void)p;
    if (binlog_decode_mysql_gtid(ev, &gtid, d) != 0) {
        return -1;
    }
    if (!gtid.is_anonymous) {
        const struct gtid_source source = gtid_source_of(&gtid);
        bytebuf_put_char(out, ' ');
        gtid_print(&source, gtid.gno, out);
    }
    if (gtid.immediate_commit_us != 0) {
        bytebuf_put_str(out, STR(" committed "));
        print_time(gtid.immediate_commit_us, 6, out);
    }
    if (gtid.original_commit_us != gtid.immediate_commit_us) {
        bytebuf_put_str(out, STR(" originally "));
        print_time(gtid.original_commit_us, 6, out);
    }
    if (gtid.transaction_length != 0) {
        bytebuf_printf(out, " length %" PRIu64, gtid.transaction_length);
    }
    return 0;
}

static int describe_mariadb_gtid(struct binlog_printer *p, const struct binlog_event *ev,
                                 struct bytebuf *out, struct diag *d)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } flags[] = {
        {BINLOG_MARIADB_STANDALONE, "standalone"},   {BINLOG_MARIADB_GROUP_COMMIT, "group"},
        {BINLOG_MARIADB_TRANSACTIONAL, "trans"},     {BINLOG_MARIADB_DDL, "ddl"},
        {BINLOG_MARIADB_PREPARED_XA, "xa-prepared"}, {BINLOG_MARIADB_COMPLETED_XA, "xa-completed"},
    };
    struct binlog_mariadb_gtid_event gtid;
    (void)p;
    if (binlog_decode_mariadb_gtid(ev, &gtid, d) != 0) {
        return -1;
    }
    bytebuf_put_char(out, ' ');
    mariadb_gtid_print(gtid.gtid, out);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (gtid.flags & flags[i].flag) {
            bytebuf_printf(out, " %s", flags[i].name);
        }
    }
    if (gtid.flags & (BINLOG_MARIADB_PREPARED_XA | BINLOG_MARIADB_COMPLETED_XA)) {
        print_xid(&gtid.xid, out);
    }
    return 0;
}

static int describe_query(struct binlog_printer *p, const struct binlog_event *ev,
                          struct bytebuf *out, struct diag *d)
{
    struct binlog_query query;
    if (binlog_decode_query(&p->format, ev, &p->scratch, &query, d) != 0) {
        return -1;
    }
    if (query.db.len > 0) {
        bytebuf_printf(out, " [%.*s]", STR_FMT(query.db));
    }
    if (query.error != 0) {
        bytebuf_printf(out, " (error %u)", query.error);
    }
    bytebuf_put_char(out, ' ');
    print_sql(query.sql, out);
    return 0;
}

static int describe_rows_query(struct binlog_printer *p, const struct binlog_event *ev,
                               struct bytebuf *out, struct diag *d)
{
    struct str sql;
    (void)p;
    if (binlog_decode_rows_query(ev, &sql, d) != 0) {
        return -1;
    }
    bytebuf_put_char(out, ' ');
    print_sql(sql, out);
    return 0;
}

static int describe_xid(struct binlog_printer *p, const struct binlog_event *ev,
                        struct bytebuf *out, struct diag *d)
{
    uint64_t xid;
    if (binlog_decode_xid(&p->format, ev, &xid, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " %" PRIu64 " COMMIT", xid);
    return 0;
}

static int describe_xa_prepare(struct binlog_printer *p, const struct binlog_event *ev,
                               struct bytebuf *out, struct diag *d)
{
    struct binlog_xa_prepare prepare;
    (void)p;
    if (binlog_decode_xa_prepare(ev, &prepare, d) != 0) {
        return -1;
    }
    bytebuf_put_str(out, prepare.one_phase ? STR(" XA COMMIT ONE PHASE") : STR(" XA PREPARE"));
    print_xid(&prepare.xid, out);
    return 0;
}

static int describe_intvar(struct binlog_printer *p, const struct binlog_event *ev,
                           struct bytebuf *out, struct diag *d)
{
    struct binlog_intvar v;
    (void)p;
    if (binlog_decode_intvar(ev, &v, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " %s=%" PRIu64, v.which == 1 ? "LAST_INSERT_ID" : "INSERT_ID", v.value);
    return 0;
}

static int describe_rand(struct binlog_printer *p, const struct binlog_event *ev,
                         struct bytebuf *out, struct diag *d)
{
    struct binlog_rand v;
    (void)p;
    if (binlog_decode_rand(ev, &v, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " seed1=%" PRIu64 " seed2=%" PRIu64, v.seed1, v.seed2);
    return 0;
}

static int describe_user_var(struct binlog_printer *p, const struct binlog_event *ev,
                             struct bytebuf *out, struct diag *d)
{
    struct binlog_user_var v;
    (void)p;
    if (binlog_decode_user_var(ev, &v, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " @`%.*s`=", STR_FMT(v.name));
    if (v.is_null) {
        bytebuf_put_str(out, STR("NULL"));
    } else {
        bytebuf_printf(out, "(type %u, %zu bytes)", v.type, v.value.len);
    }
    return 0;
}

/* ---- Tables and rows ---- */

static struct printed_table *find_table(const struct binlog_printer *p, uint64_t id)
{
    struct printed_table *t = p->tables;
    while (t != NULL && t->table.id != id) {
        t = t->next;
    }
    return t;
}

static int describe_table(struct binlog_printer *p, const struct binlog_event *ev,
                          struct bytebuf *out, struct diag *d)
{
    uint64_t id;
    if (binlog_peek_table_id(&p->format, ev, &id, d) != 0) {
        return -1;
    }
    struct printed_table *t = find_table(p, id);
    const bool is_new = t == NULL;
    if (is_new) {
        t = ARENA_NEW(&p->tables_arena, struct printed_table);
    }
    if (binlog_decode_table(&p->format, ev, &p->tables_arena, &t->table, d) != 0) {
        t->table.id = UINT64_MAX;
        return -1;
    }
    if (is_new) {
        t->next = p->tables;
        p->tables = t;
    }
    bytebuf_printf(out, " %.*s.%.*s id %" PRIu64 ", %u columns", STR_FMT(t->table.db),
                   STR_FMT(t->table.name), t->table.id, t->table.ncols);
    return 0;
}

static int print_image(const struct binlog_rows_iter *it, const struct binlog_cell *cells,
                       struct arena *a, struct bytebuf *out)
{
    for (uint32_t i = 0; i < it->table->ncols; i++) {
        const struct binlog_column *c = &it->table->cols[i];
        if (cells[i].state == BINLOG_CELL_ABSENT) {
            continue;
        }
        if (c->name.p != NULL) {
            bytebuf_printf(out, " %.*s=", STR_FMT(c->name));
        } else {
            bytebuf_printf(out, " @%u=", i + 1);
        }
        const struct binlog_cell *before =
            it->before != NULL && cells != it->before ? &it->before[i] : NULL;
        if (binlog_print_cell(c, &cells[i], before, a, out) != 0) {
            return (int)i + 1;
        }
    }
    return 0;
}

static int print_row(const struct binlog_rows_iter *it, struct arena *a, struct bytebuf *out,
                     struct diag *d)
{
    static const char *const names[] = {[BINLOG_ROWS_INSERT] = "INSERT",
                                        [BINLOG_ROWS_UPDATE] = "UPDATE",
                                        [BINLOG_ROWS_DELETE] = "DELETE"};
    bytebuf_printf(out, "  %.*s.%.*s %s", STR_FMT(it->table->db), STR_FMT(it->table->name),
                   names[it->rows->kind]);
    int bad = it->before != NULL ? print_image(it, it->before, a, out) : 0;
    if (bad == 0 && it->before != NULL && it->after != NULL) {
        bytebuf_put_str(out, STR(" ->"));
    }
    if (bad == 0 && it->after != NULL) {
        bad = print_image(it, it->after, a, out);
    }
    bytebuf_put_char(out, '\n');
    return bad == 0
               ? 0
               : binlog_corrupt(d, &it->rows->event,
                                "row %u, column %d of `%.*s`.`%.*s` has an impossible value",
                                it->row, bad, STR_FMT(it->table->db), STR_FMT(it->table->name));
}

static int describe_rows(struct binlog_printer *p, const struct binlog_event *ev,
                         struct bytebuf *out, struct diag *d)
{
    struct binlog_rows rows;
    struct binlog_rows_iter it;
    if (binlog_decode_rows(&p->format, ev, &p->scratch, &rows, d) != 0) {
        return -1;
    }
    const struct printed_table *t = find_table(p, rows.table_id);
    if (t == NULL) {
        bytebuf_printf(out, " table id %" PRIu64 ", %zu bytes", rows.table_id, rows.data.len);
        return 0;
    }
    bytebuf_printf(out, " %.*s.%.*s", STR_FMT(t->table.db), STR_FMT(t->table.name));
    if (binlog_rows_iter_init(&it, &rows, &t->table, &p->scratch, d) != 0) {
        return -1;
    }
    if (p->verbose) {
        bytebuf_put_char(out, '\n');
    }
    enum binlog_next rc;
    while ((rc = binlog_rows_next(&it, d)) == BINLOG_ITEM) {
        const struct arena_mark mark = arena_mark(&p->scratch);
        if (p->verbose && print_row(&it, &p->scratch, out, d) != 0) {
            return -1;
        }
        arena_rewind(&p->scratch, mark);
    }
    if (!p->verbose) {
        bytebuf_printf(out, " %u rows", it.row);
    }
    return rc == BINLOG_END ? 0 : -1;
}

static int describe_payload(struct binlog_printer *p, const struct binlog_event *ev,
                            struct bytebuf *out, struct diag *d)
{
    struct binlog_payload payload;
    if (binlog_decode_payload(ev, &payload, d) != 0 ||
        binlog_payload_start(&p->payload, ev, &payload, d) != 0) {
        return -1;
    }
    bytebuf_printf(out, " %zu bytes, %" PRIu64 " uncompressed\n", payload.data.len,
                   payload.uncompressed_len);
    struct binlog_event nested;
    enum binlog_next rc;
    while ((rc = binlog_payload_next(&p->payload, &nested, d)) == BINLOG_ITEM) {
        if (nested.type == BINLOG_TRANSACTION_PAYLOAD) {
            return binlog_corrupt(d, &nested, "it is within another payload");
        }
        if (print_decoded(p, &nested, 2, out, d) != 0) {
            return -1;
        }
    }
    return rc == BINLOG_END ? 0 : -1;
}

/* ---- Dispatch ---- */

static describe_fn *const describers[256] = {
    [BINLOG_FORMAT_DESCRIPTION] = describe_format,
    [BINLOG_ROTATE] = describe_rotate,
    [BINLOG_HEARTBEAT] = describe_heartbeat,
    [BINLOG_HEARTBEAT_V2] = describe_heartbeat,
    [BINLOG_INCIDENT] = describe_incident,
    [BINLOG_PREVIOUS_GTIDS] = describe_previous_gtids,
    [BINLOG_GTID] = describe_mysql_gtid,
    [BINLOG_ANONYMOUS_GTID] = describe_mysql_gtid,
    [BINLOG_GTID_TAGGED] = describe_mysql_gtid,
    [BINLOG_QUERY] = describe_query,
    [BINLOG_ROWS_QUERY] = describe_rows_query,
    [BINLOG_XID] = describe_xid,
    [BINLOG_XA_PREPARE] = describe_xa_prepare,
    [BINLOG_INTVAR] = describe_intvar,
    [BINLOG_RAND] = describe_rand,
    [BINLOG_USER_VAR] = describe_user_var,
    [BINLOG_TABLE_MAP] = describe_table,
    [BINLOG_TRANSACTION_PAYLOAD] = describe_payload,
    [BINLOG_MARIADB_ANNOTATE_ROWS] = describe_rows_query,
    [BINLOG_MARIADB_CHECKPOINT] = describe_checkpoint,
    [BINLOG_MARIADB_GTID] = describe_mariadb_gtid,
    [BINLOG_MARIADB_GTID_LIST] = describe_gtid_list,
    [BINLOG_MARIADB_QUERY_COMPRESSED] = describe_query,
};

static int print_decoded(struct binlog_printer *p, const struct binlog_event *ev, unsigned indent,
                         struct bytebuf *out, struct diag *d)
{
    bytebuf_printf(out, "%*s%" PRIu64 " ", (int)indent, "", ev->offset);
    print_time((uint64_t)ev->timestamp * US_PER_SECOND, 0, out);
    bytebuf_printf(out, " server %u end %u %s", ev->server_id, ev->log_pos,
                   binlog_event_name(ev->type));
    describe_fn *describe = binlog_is_rows_event(ev->type) ? describe_rows : describers[ev->type];
    const int rc = describe != NULL ? describe(p, ev, out, d) : binlog_check_known(ev, d);
    if (out->len > 0 && out->p[out->len - 1] != '\n') {
        bytebuf_put_char(out, '\n');
    }
    return rc;
}

int binlog_print_event(struct binlog_printer *p, struct str bytes, uint64_t offset,
                       struct bytebuf *out, struct diag *d)
{
    struct binlog_event ev;
    arena_reset(&p->scratch);
    return binlog_decode_event(&p->format, bytes, offset, &ev, d) != 0
               ? -1
               : print_decoded(p, &ev, 0, out, d);
}
