/* Events about the log itself. */
#include "binlog/log_events.h"

#include "binlog/binlog_int.h"

enum {
    /* Fields of a heartbeat of the second version. */
    HEARTBEAT_END = 0,
    HEARTBEAT_FILE = 1,
    HEARTBEAT_POSITION = 2,

    MARIADB_GTID_LEN = 16,
};

#define GTID_COUNT_MASK UINT32_C(0x0fffffff)

int binlog_decode_rotate(const struct binlog_format *f, const struct binlog_event *ev,
                         struct binlog_rotate *out, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    out->position = pkt_get_u64(&r);
    skip_post_header(&r, f, ev->type, 8);
    out->file = pkt_get_rest(&r);
    if (pkt_reader_failed(&r) || out->file.len == 0) {
        return binlog_corrupt(d, ev, "it names no file");
    }
    return 0;
}

/* Fields of the second version: type, length, value; unknown ones are skipped. */
static void get_heartbeat_fields(struct pkt_reader *r, struct binlog_heartbeat *out)
{
    while (!pkt_reader_failed(r)) {
        const uint8_t field = pkt_get_u8(r);
        if (field == HEARTBEAT_END) {
            return;
        }
        const struct str value = pkt_get_lenenc_str(r);
        struct pkt_reader v;
        pkt_reader_init(&v, value);
        if (field == HEARTBEAT_FILE) {
            out->file = value;
        } else if (field == HEARTBEAT_POSITION) {
            out->position = pkt_get_lenenc(&v);
            if (!pkt_reader_ok(&v)) {
                pkt_reader_fail(r);
            }
        }
    }
}

int binlog_decode_heartbeat(const struct binlog_event *ev, struct binlog_heartbeat *out,
                            struct diag *d)
{
    struct pkt_reader r;
    *out = (struct binlog_heartbeat){0};
    pkt_reader_init(&r, ev->body);
    if (ev->type == BINLOG_HEARTBEAT) {
        out->file = pkt_get_rest(&r);
        out->position = ev->log_pos;
    } else {
        get_heartbeat_fields(&r, out);
    }
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "its fields are cut off") : 0;
}

int binlog_decode_incident(const struct binlog_event *ev, struct binlog_incident *out,
                           struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    out->number = pkt_get_u16(&r);
    out->message = pkt_get_bytes(&r, pkt_get_u8(&r));
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "its message is cut off") : 0;
}

int binlog_decode_checkpoint(const struct binlog_event *ev, struct str *out_file, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out_file = pkt_get_bytes(&r, pkt_get_u32(&r));
    return pkt_reader_ok(&r) ? 0 : binlog_corrupt(d, ev, "the file's name has another length");
}

int binlog_decode_gtid_list(const struct binlog_event *ev, struct arena *a,
                            struct binlog_gtid_list *out, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out = (struct binlog_gtid_list){0};
    const uint32_t word = pkt_get_u32(&r);
    const uint32_t count = word & GTID_COUNT_MASK;
    /* An empty list is padded to the length of the oldest servers' events. */
    if (pkt_reader_left(&r) / MARIADB_GTID_LEN < count) {
        return binlog_corrupt(d, ev, "%u GTIDs do not fit into it", count);
    }
    out->flags = word >> 28;
    out->count = count;
    out->gtids = ARENA_ARRAY(a, struct binlog_mariadb_gtid, count);
    for (uint32_t i = 0; i < count; i++) {
        out->gtids[i].domain = pkt_get_u32(&r);
        out->gtids[i].server_id = pkt_get_u32(&r);
        out->gtids[i].seq = pkt_get_u64(&r);
    }
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "it is too short") : 0;
}
