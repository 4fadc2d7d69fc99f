/* See client_sink.h. */
#include "session/client_sink.h"

#include "session/session_int.h"
#include "types/collation.h"
#include "wire/column.h"

/* Encoded bytes after which the fiber sends: large enough that the hand-over to and from the
 * offload thread does not show. */
#define SINK_FULL_LEN (512u << 10)

/* ---- Column definitions ---- */

/* The number a type is sent as. Columns of tables are BLOBs, however long they may be. */
static uint8_t sent_type(const struct result_column *c, enum mysql_type t)
{
    switch (t) {
    case MYSQL_TYPE_VARCHAR:
        return MYSQL_TYPE_VAR_STRING;
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
        return MYSQL_TYPE_STRING;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
        return c->org_table.len > 0 ? MYSQL_TYPE_BLOB : (uint8_t)t;
    default:
        return (uint8_t)t;
    }
}

/* Display width in bytes: characters count as many as the widest of the client's character set. */
static uint32_t sent_length(const struct sql_type *t, const struct charset *cs)
{
    if (type_class_of(t->type) == TYPE_CLASS_DECIMAL) {
        /* Precision to width: a point, and a sign unless unsigned. */
        return t->length + (t->decimals > 0 ? 1 : 0) + (type_is_unsigned(t) ? 0 : 1);
    }
    if (!type_is_character(t)) {
        return t->length;
    }
    const uint64_t bytes = (uint64_t)t->length * cs->max_len;
    return (uint32_t)MIN(bytes, (uint64_t)UINT32_MAX);
}

static void put_column(struct session *s, const struct result_column *c, bool with_default)
{
    struct sql_type sent = c->type;
    const struct sql_type *t = &sent;
    if (t->type == MYSQL_TYPE_JSON && s->x.server->dialect == DIALECT_MARIADB) {
        sent.type = MYSQL_TYPE_LONG_BLOB; /* JSON is a name of LONGTEXT there */
        sent.length = UINT32_MAX;
        sent.collation = COLLATION_UTF8MB4_BIN;
    }
    const struct collation *own = collation_find(t->collation);
    const struct charset *results = s->x.vars.character_set_results;
    const struct charset *cs = results != NULL ? results
                               : own != NULL   ? own->charset
                                               : charset_binary();
    uint16_t collation = COLLATION_BINARY;
    if (type_is_character(t)) {
        collation = results == NULL ? t->collation
                    : s->x.results_collation != 0
                        ? s->x.results_collation
                        : charset_default_collation(results, s->x.server->dialect);
    }
    const struct wire_column w = {
        .schema = c->db,
        .table = c->table,
        .org_table = c->org_table,
        .name = c->name,
        .org_name = c->org_name,
        .collation = collation,
        .length = sent_length(t, cs),
        .type = sent_type(c, t->type),
        .flags = t->flags,
        .decimals = t->decimals,
        .has_default = with_default,
        .default_value = c->default_text,
    };
    pkt_begin(&s->conn.w);
    wire_encode_column(&s->conn.w, s->x.capabilities, &w);
    (void)!pkt_end(&s->conn.w);
}

void client_put_column(struct session *s, const struct result_column *c)
{
    put_column(s, c, false);
}

void client_put_field(struct session *s, const struct result_column *c)
{
    put_column(s, c, true);
}

/* ---- The sink ---- */

static int too_large(struct diag *diag)
{
    return diag_set(diag, ER_OUT_OF_RESOURCES);
}

static int begin(struct result_sink *sink, const struct result_column *columns, uint32_t count,
                 struct diag *diag)
{
    struct client_sink *k = (struct client_sink *)sink;
    struct session *s = k->session;
    k->count = count;
    k->encoder.charset = s->x.vars.character_set_results;
    k->encoder.tz = s->x.vars.time_zone;
    row_encoder_init(&k->encoder, &s->x.stmt_arena, columns, count, k->binary);
    k->begun = true;
    k->sent = false;
    k->mark_len = s->conn.out.len;
    k->mark_seq = s->conn.w.seq;
    sink->rows = 0;
    const struct wire_result_head head = {.columns = count, .has_metadata = true};
    pkt_begin(&s->conn.w);
    wire_encode_result_head(&s->conn.w, s->x.capabilities, &head);
    (void)!pkt_end(&s->conn.w);
    for (uint32_t i = 0; i < count; i++) {
        client_put_column(s, &columns[i]);
    }
    if (k->spool != NULL) {
        return 0; /* the status comes with COM_STMT_EXECUTE's reply */
    }
    reply_eof(s, 0);
    return s->conn.out.failed ? too_large(diag) : 0;
}

static struct pkt_writer *writer_of(struct client_sink *k)
{
    return k->spool != NULL ? &k->spool_writer : &k->session->conn.w;
}

static int row(struct result_sink *sink, const struct value *values, struct diag *diag)
{
    struct client_sink *k = (struct client_sink *)sink;
    sink->rows++;
    return row_encode_values(&k->encoder, writer_of(k), values) == 0 ? 0 : too_large(diag);
}

static int chunk(struct result_sink *sink, const struct chunk *rows, struct diag *diag)
{
    struct client_sink *k = (struct client_sink *)sink;
    uint32_t expected = CLIENT_SINK_FREE;
    if (!atomic_compare_exchange_strong(&k->state, &expected, CLIENT_SINK_ENCODING)) {
        return diag_set(diag, ER_QUERY_INTERRUPTED);
    }
    sink->rows += rows->nrows;
    const int rc = row_encode_chunk(&k->encoder, writer_of(k), rows);
    k->full = k->spool == NULL && k->session->conn.out.len >= SINK_FULL_LEN;
    atomic_store(&k->state, CLIENT_SINK_FREE);
    return rc == 0 ? 0 : too_large(diag);
}

static bool is_full(const struct result_sink *sink)
{
    return ((const struct client_sink *)sink)->full;
}

static int flush(struct result_sink *sink, struct diag *diag)
{
    struct client_sink *k = (struct client_sink *)sink;
    (void)diag;
    if (k->spool != NULL) {
        return 0;
    }
    k->sent = true;
    k->full = false;
    return session_flush(k->session);
}

static void cancel(struct result_sink *sink)
{
    struct client_sink *k = (struct client_sink *)sink;
    struct session *s = k->session;
    if (k->begun && !k->sent && s->conn.sent == 0 && s->conn.out.len >= k->mark_len) {
        s->conn.out.len = k->mark_len;
        s->conn.out.failed = false;
        s->conn.w.seq = k->mark_seq;
    }
}

/* The end of the rows is said by session_run(), when the statement's transaction has ended too. */
static int end(struct result_sink *sink, struct diag *diag)
{
    (void)sink;
    (void)diag;
    return 0;
}

static const struct result_sink_ops ops = {
    .begin = begin,
    .row = row,
    .chunk = chunk,
    .is_full = is_full,
    .flush = flush,
    .cancel = cancel,
    .end = end,
};

void client_sink_start(struct client_sink *k, struct session *s, bool binary, struct bytebuf *spool)
{
    *k =
        (struct client_sink){.base = {.ops = &ops}, .session = s, .binary = binary, .spool = spool};
    if (spool != NULL) {
        pkt_writer_init(&k->spool_writer, spool);
    }
    s->x.sink = &k->base;
}

bool client_sink_abandon(struct client_sink *k)
{
    if (k->spool != NULL || k->sent) {
        return false;
    }
    uint32_t expected = CLIENT_SINK_FREE;
    while (!atomic_compare_exchange_strong(&k->state, &expected, CLIENT_SINK_ABANDONED)) {
        if (expected == CLIENT_SINK_ABANDONED) {
            return false;
        }
        expected = CLIENT_SINK_FREE;
        fiber_sleep(500);
    }
    cancel(&k->base);
    return true;
}

void client_sink_finish(struct client_sink *k)
{
    if (k->begun) {
        row_encoder_release(&k->encoder);
        k->begun = false;
    }
}
