/* Events of transactions other than statements and rows. */
#include "binlog/txn_events.h"

#include "binlog/binlog_int.h"

enum {
    GTID_MAY_HAVE_SBR = 0x1,
    LOGICAL_CLOCK = 2,

    /* Field numbers of a tagged GTID event. */
    TAGGED_FLAGS = 0,
    TAGGED_UUID = 1,
    TAGGED_GNO = 2,
    TAGGED_TAG = 3,
    TAGGED_LAST_COMMITTED = 4,
    TAGGED_SEQUENCE_NUMBER = 5,
    TAGGED_IMMEDIATE_TIME = 6,
    TAGGED_ORIGINAL_TIME = 7,
    TAGGED_LENGTH = 8,
    TAGGED_IMMEDIATE_VERSION = 9,
    TAGGED_ORIGINAL_VERSION = 10,
    TAGGED_TICKET = 11,
    TAGGED_FIELDS,
    TAGGED_VERSION = 1,

    /* Fields of a transaction payload's header. */
    PAYLOAD_END = 0,
    PAYLOAD_LEN = 1,
    PAYLOAD_COMPRESSION = 2,
    PAYLOAD_UNCOMPRESSED_LEN = 3,

    XID_MAX_PART = 64,
};

/* Of a 7-byte time and of a 4-byte version: a second one, the original's, follows. */
#define ORIGINAL_TIME_FOLLOWS    (UINT64_C(1) << 55)
#define ORIGINAL_VERSION_FOLLOWS (UINT32_C(1) << 31)

/* ---- GTIDs ---- */

/* Of 7 bytes. */
static uint64_t get_time(struct pkt_reader *r)
{
    const uint64_t low = pkt_get_u32(r);
    return low | (uint64_t)pkt_get_u24(r) << 32;
}

/* What servers have appended since 5.7, each only if the one before is there. */
static void get_gtid_appendix(struct pkt_reader *r, struct binlog_mysql_gtid *out)
{
    if (pkt_peek_u8(r) != LOGICAL_CLOCK) {
        return; /* MySQL 5.6. */
    }
    pkt_skip(r, 1);
    out->last_committed = (int64_t)pkt_get_u64(r);
    out->sequence_number = (int64_t)pkt_get_u64(r);
    if (pkt_reader_left(r) < 7) {
        return; /* MySQL 5.7. */
    }
    const uint64_t time = get_time(r);
    out->immediate_commit_us = time & ~ORIGINAL_TIME_FOLLOWS;
    out->original_commit_us = time & ORIGINAL_TIME_FOLLOWS ? get_time(r) : out->immediate_commit_us;
    if (pkt_reader_left(r) == 0) {
        return;
    }
    out->transaction_length = pkt_get_lenenc(r);
    if (pkt_reader_left(r) < 4) {
        return;
    }
    const uint32_t version = pkt_get_u32(r);
    out->immediate_version = version & ~ORIGINAL_VERSION_FOLLOWS;
    out->original_version =
        version & ORIGINAL_VERSION_FOLLOWS ? pkt_get_u32(r) : out->immediate_version;
    if (pkt_reader_left(r) >= 8) {
        out->commit_group_ticket = pkt_get_u64(r);
    }
}

static int decode_untagged_gtid(const struct binlog_event *ev, struct binlog_mysql_gtid *out,
                                struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    out->may_have_sbr = (pkt_get_u8(&r) & GTID_MAY_HAVE_SBR) != 0;
    const struct str uuid = pkt_get_bytes(&r, BINLOG_UUID_LEN);
    out->gno = (int64_t)pkt_get_u64(&r);
    if (pkt_reader_failed(&r)) {
        return binlog_corrupt(d, ev, "it is too short for a GTID");
    }
    memcpy(out->uuid, uuid.p, BINLOG_UUID_LEN);
    if (pkt_reader_left(&r) > 0) {
        get_gtid_appendix(&r, out);
    }
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "its times or versions are cut off") : 0;
}

static void get_tagged_uuid(struct pkt_reader *r, struct binlog_mysql_gtid *out)
{
    for (size_t i = 0; i < BINLOG_UUID_LEN; i++) {
        const uint64_t byte = get_varlen(r);
        if (byte > UINT8_MAX) {
            pkt_reader_fail(r);
        }
        out->uuid[i] = (uint8_t)byte;
    }
}

static void get_tagged_field(struct pkt_reader *r, uint64_t field, struct binlog_mysql_gtid *out)
{
    switch (field) {
    case TAGGED_FLAGS:
        out->may_have_sbr = (get_varlen(r) & GTID_MAY_HAVE_SBR) != 0;
        break;
    case TAGGED_UUID:
        get_tagged_uuid(r, out);
        break;
    case TAGGED_GNO:
        out->gno = get_varlen_signed(r);
        break;
    case TAGGED_TAG:
        out->tag = pkt_get_bytes(r, (size_t)get_varlen(r));
        break;
    case TAGGED_LAST_COMMITTED:
        out->last_committed = get_varlen_signed(r);
        break;
    case TAGGED_SEQUENCE_NUMBER:
        out->sequence_number = get_varlen_signed(r);
        break;
    case TAGGED_IMMEDIATE_TIME:
        out->immediate_commit_us = get_varlen(r);
        break;
    case TAGGED_ORIGINAL_TIME:
        out->original_commit_us = get_varlen(r);
        break;
    case TAGGED_LENGTH:
        out->transaction_length = get_varlen(r);
        break;
    case TAGGED_IMMEDIATE_VERSION:
        out->immediate_version = (uint32_t)get_varlen(r);
        break;
    case TAGGED_ORIGINAL_VERSION:
        out->original_version = (uint32_t)get_varlen(r);
        break;
    default:
        out->commit_group_ticket = get_varlen(r);
        break;
    }
}

/*
 * mysql::serialization: version, length of the whole, number of the last field that may not be
 * skipped, then (field number, value) in ascending order.
 */
static int decode_tagged_gtid(const struct binlog_event *ev, struct binlog_mysql_gtid *out,
                              struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    const uint64_t version = get_varlen(&r);
    const uint64_t size = get_varlen(&r);
    const uint64_t last_needed = get_varlen(&r);
    if (pkt_reader_failed(&r) || size != ev->body.len) {
        return binlog_corrupt(d, ev, "its length field is wrong");
    }
    if (version != TAGGED_VERSION) {
        return binlog_unsupported(d, ev, "its serialization version is unknown");
    }
    if (last_needed > TAGGED_FIELDS) {
        return binlog_unsupported(d, ev, "it has fields that are unknown and may not be skipped");
    }
    for (uint64_t next = 0; pkt_reader_left(&r) > 0 && !pkt_reader_failed(&r);) {
        const uint64_t field = get_varlen(&r);
        if (field >= TAGGED_FIELDS) {
            break; /* Newer servers' fields, which are last, have lengths that are not known. */
        }
        if (field < next) {
            return binlog_corrupt(d, ev, "its fields are out of order");
        }
        next = field + 1;
        get_tagged_field(&r, field, out);
    }
    if (pkt_reader_failed(&r) || out->gno <= 0 || out->tag.len > BINLOG_TAG_MAX) {
        return binlog_corrupt(d, ev, "its fields make no GTID");
    }
    if (out->original_commit_us == 0) {
        out->original_commit_us = out->immediate_commit_us;
    }
    if (out->original_version == 0) {
        out->original_version = out->immediate_version;
    }
    return 0;
}

int binlog_decode_mysql_gtid(const struct binlog_event *ev, struct binlog_mysql_gtid *out,
                             struct diag *d)
{
    *out = (struct binlog_mysql_gtid){.is_anonymous = ev->type == BINLOG_ANONYMOUS_GTID};
    if (ev->type == BINLOG_GTID_TAGGED) {
        return decode_tagged_gtid(ev, out, d);
    }
    if (decode_untagged_gtid(ev, out, d) != 0) {
        return -1;
    }
    if (!out->is_anonymous && out->gno <= 0) {
        return binlog_corrupt(d, ev, "its number is not positive");
    }
    return 0;
}

static void get_mariadb_xid(struct pkt_reader *r, struct binlog_xid *out)
{
    out->format_id = pkt_get_u32(r);
    const uint8_t gtrid_len = pkt_get_u8(r);
    const uint8_t bqual_len = pkt_get_u8(r);
    if (gtrid_len > XID_MAX_PART || bqual_len > XID_MAX_PART) {
        pkt_reader_fail(r);
    }
    out->gtrid = pkt_get_bytes(r, gtrid_len);
    out->bqual = pkt_get_bytes(r, bqual_len);
}

/* Old servers pad the event with zeros; then there is nothing to be read. */
static void get_mariadb_extra(struct pkt_reader *r, struct binlog_mariadb_gtid_event *out)
{
    out->flags_extra = pkt_reader_left(r) > 0 ? pkt_get_u8(r) : 0;
    if (out->flags_extra & BINLOG_MARIADB_MULTI_ENGINE) {
        out->extra_engines = pkt_get_u8(r);
    }
    if (out->flags_extra & (BINLOG_MARIADB_COMMIT_ALTER | BINLOG_MARIADB_ROLLBACK_ALTER)) {
        out->alter_seq = pkt_get_u64(r);
    }
    if (out->flags_extra & BINLOG_MARIADB_THREAD_ID) {
        out->thread_id = pkt_get_u32(r);
    }
}

int binlog_decode_mariadb_gtid(const struct binlog_event *ev, struct binlog_mariadb_gtid_event *out,
                               struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out = (struct binlog_mariadb_gtid_event){.gtid.server_id = ev->server_id};
    out->gtid.seq = pkt_get_u64(&r);
    out->gtid.domain = pkt_get_u32(&r);
    out->flags = pkt_get_u8(&r);
    if (pkt_reader_failed(&r)) {
        return binlog_corrupt(d, ev, "it is too short for a GTID");
    }
    if (out->flags & BINLOG_MARIADB_GROUP_COMMIT) {
        out->commit_id = pkt_get_u64(&r);
    }
    if (out->flags & (BINLOG_MARIADB_PREPARED_XA | BINLOG_MARIADB_COMPLETED_XA)) {
        get_mariadb_xid(&r, &out->xid);
    }
    get_mariadb_extra(&r, out);
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "its fields are cut off") : 0;
}

/* ---- Commits ---- */

int binlog_decode_xid(const struct binlog_format *f, const struct binlog_event *ev,
                      uint64_t *out_xid, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    skip_post_header(&r, f, ev->type, 0);
    *out_xid = pkt_get_u64(&r);
    return pkt_reader_ok(&r) ? 0 : binlog_corrupt(d, ev, "it is %zu bytes long", ev->body.len);
}

int binlog_decode_xa_prepare(const struct binlog_event *ev, struct binlog_xa_prepare *out,
                             struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    out->one_phase = pkt_get_u8(&r) != 0;
    out->xid.format_id = pkt_get_u32(&r);
    const uint32_t gtrid_len = pkt_get_u32(&r);
    const uint32_t bqual_len = pkt_get_u32(&r);
    if (gtrid_len > XID_MAX_PART || bqual_len > XID_MAX_PART) {
        pkt_reader_fail(&r);
    }
    out->xid.gtrid = pkt_get_bytes(&r, gtrid_len);
    out->xid.bqual = pkt_get_bytes(&r, bqual_len);
    return pkt_reader_ok(&r) ? 0 : binlog_corrupt(d, ev, "its name has another length");
}

/* ---- Around statements ---- */

int binlog_decode_rows_query(const struct binlog_event *ev, struct str *out_sql, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    if (ev->type == BINLOG_ROWS_QUERY) {
        pkt_skip(&r, 1); /* The length, cut to a byte. */
    }
    *out_sql = pkt_get_rest(&r);
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "it is empty") : 0;
}

int binlog_decode_intvar(const struct binlog_event *ev, struct binlog_intvar *out, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    out->which = pkt_get_u8(&r);
    out->value = pkt_get_u64(&r);
    return pkt_reader_ok(&r) ? 0 : binlog_corrupt(d, ev, "it is %zu bytes long", ev->body.len);
}

int binlog_decode_rand(const struct binlog_event *ev, struct binlog_rand *out, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    out->seed1 = pkt_get_u64(&r);
    out->seed2 = pkt_get_u64(&r);
    return pkt_reader_ok(&r) ? 0 : binlog_corrupt(d, ev, "it is %zu bytes long", ev->body.len);
}

int binlog_decode_user_var(const struct binlog_event *ev, struct binlog_user_var *out,
                           struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out = (struct binlog_user_var){0};
    out->name = pkt_get_bytes(&r, pkt_get_u32(&r));
    out->is_null = pkt_get_u8(&r) != 0;
    if (!out->is_null) {
        out->type = pkt_get_u8(&r);
        out->collation = pkt_get_u32(&r);
        out->value = pkt_get_bytes(&r, pkt_get_u32(&r));
        out->is_unsigned = pkt_reader_left(&r) > 0 && (pkt_get_u8(&r) & 1) != 0;
    }
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "its value is cut off") : 0;
}

/* ---- Compressed transactions ---- */

static void get_payload_field(uint64_t field, struct str value, struct binlog_payload *out,
                              uint64_t *out_len)
{
    struct pkt_reader r;
    pkt_reader_init(&r, value);
    if (field == PAYLOAD_LEN) {
        *out_len = pkt_get_lenenc(&r);
    } else if (field == PAYLOAD_COMPRESSION) {
        out->compression = pkt_get_lenenc(&r);
    } else if (field == PAYLOAD_UNCOMPRESSED_LEN) {
        out->uncompressed_len = pkt_get_lenenc(&r);
    }
}

int binlog_decode_payload(const struct binlog_event *ev, struct binlog_payload *out, struct diag *d)
{
    struct pkt_reader r;
    uint64_t len = 0;
    pkt_reader_init(&r, ev->body);
    *out = (struct binlog_payload){.compression = BINLOG_PAYLOAD_NONE};
    while (!pkt_reader_failed(&r)) {
        const uint64_t field = pkt_get_lenenc(&r);
        if (field == PAYLOAD_END) {
            break;
        }
        get_payload_field(field, pkt_get_lenenc_str(&r), out, &len);
    }
    out->data = pkt_get_rest(&r);
    if (pkt_reader_failed(&r) || out->data.len != len) {
        return binlog_corrupt(d, ev, "its header's fields are cut off or its length is wrong");
    }
    if (out->compression != BINLOG_PAYLOAD_ZSTD && out->compression != BINLOG_PAYLOAD_NONE) {
        return binlog_unsupported(d, ev, "it is compressed in an unknown way");
    }
    return 0;
}
