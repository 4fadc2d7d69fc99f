/* Event headers, checksums, format descriptions, and the errors of decoding. */
#include "binlog/event.h"

#include "binlog/binlog_int.h"

#include <stdarg.h>
#include <stdio.h>

struct type_info {
    const char *name;
    enum binlog_event_class class;
};

static const struct type_info types[256] = {
    [BINLOG_START_V3] = {"Start_v3", BINLOG_CLASS_OBSOLETE},
    [BINLOG_QUERY] = {"Query", BINLOG_CLASS_TXN},
    [BINLOG_STOP] = {"Stop", BINLOG_CLASS_CONTROL},
    [BINLOG_ROTATE] = {"Rotate", BINLOG_CLASS_CONTROL},
    [BINLOG_INTVAR] = {"Intvar", BINLOG_CLASS_STATEMENT},
    [BINLOG_LOAD] = {"Load", BINLOG_CLASS_OBSOLETE},
    [BINLOG_SLAVE] = {"Slave", BINLOG_CLASS_OBSOLETE},
    [BINLOG_CREATE_FILE] = {"Create_file", BINLOG_CLASS_OBSOLETE},
    [BINLOG_APPEND_BLOCK] = {"Append_block", BINLOG_CLASS_STATEMENT},
    [BINLOG_EXEC_LOAD] = {"Exec_load", BINLOG_CLASS_OBSOLETE},
    [BINLOG_DELETE_FILE] = {"Delete_file", BINLOG_CLASS_STATEMENT},
    [BINLOG_NEW_LOAD] = {"New_load", BINLOG_CLASS_OBSOLETE},
    [BINLOG_RAND] = {"RAND", BINLOG_CLASS_STATEMENT},
    [BINLOG_USER_VAR] = {"User_var", BINLOG_CLASS_STATEMENT},
    [BINLOG_FORMAT_DESCRIPTION] = {"Format_desc", BINLOG_CLASS_CONTROL},
    [BINLOG_XID] = {"Xid", BINLOG_CLASS_TXN},
    [BINLOG_BEGIN_LOAD_QUERY] = {"Begin_load_query", BINLOG_CLASS_STATEMENT},
    [BINLOG_EXECUTE_LOAD_QUERY] = {"Execute_load_query", BINLOG_CLASS_STATEMENT},
    [BINLOG_TABLE_MAP] = {"Table_map", BINLOG_CLASS_ROWS},
    [BINLOG_WRITE_ROWS_V1] = {"Write_rows_v1", BINLOG_CLASS_ROWS},
    [BINLOG_UPDATE_ROWS_V1] = {"Update_rows_v1", BINLOG_CLASS_ROWS},
    [BINLOG_DELETE_ROWS_V1] = {"Delete_rows_v1", BINLOG_CLASS_ROWS},
    [BINLOG_INCIDENT] = {"Incident", BINLOG_CLASS_CONTROL},
    [BINLOG_HEARTBEAT] = {"Heartbeat", BINLOG_CLASS_CONTROL},
    [BINLOG_IGNORABLE] = {"Ignorable", BINLOG_CLASS_NOTE},
    [BINLOG_ROWS_QUERY] = {"Rows_query", BINLOG_CLASS_NOTE},
    [BINLOG_WRITE_ROWS] = {"Write_rows", BINLOG_CLASS_ROWS},
    [BINLOG_UPDATE_ROWS] = {"Update_rows", BINLOG_CLASS_ROWS},
    [BINLOG_DELETE_ROWS] = {"Delete_rows", BINLOG_CLASS_ROWS},
    [BINLOG_GTID] = {"Gtid", BINLOG_CLASS_TXN},
    [BINLOG_ANONYMOUS_GTID] = {"Anonymous_Gtid", BINLOG_CLASS_TXN},
    [BINLOG_PREVIOUS_GTIDS] = {"Previous_gtids", BINLOG_CLASS_CONTROL},
    [BINLOG_TRANSACTION_CONTEXT] = {"Transaction_context", BINLOG_CLASS_NOTE},
    [BINLOG_VIEW_CHANGE] = {"View_change", BINLOG_CLASS_NOTE},
    [BINLOG_XA_PREPARE] = {"XA_prepare", BINLOG_CLASS_TXN},
    [BINLOG_PARTIAL_UPDATE_ROWS] = {"Update_rows_partial", BINLOG_CLASS_ROWS},
    [BINLOG_TRANSACTION_PAYLOAD] = {"Transaction_payload", BINLOG_CLASS_TXN},
    [BINLOG_HEARTBEAT_V2] = {"Heartbeat_v2", BINLOG_CLASS_CONTROL},
    [BINLOG_GTID_TAGGED] = {"Gtid_tagged", BINLOG_CLASS_TXN},
    [BINLOG_MARIADB_ANNOTATE_ROWS] = {"Annotate_rows", BINLOG_CLASS_NOTE},
    [BINLOG_MARIADB_CHECKPOINT] = {"Binlog_checkpoint", BINLOG_CLASS_CONTROL},
    [BINLOG_MARIADB_GTID] = {"Gtid", BINLOG_CLASS_TXN},
    [BINLOG_MARIADB_GTID_LIST] = {"Gtid_list", BINLOG_CLASS_CONTROL},
    [BINLOG_MARIADB_START_ENCRYPTION] = {"Start_encryption", BINLOG_CLASS_OBSOLETE},
    [BINLOG_MARIADB_QUERY_COMPRESSED] = {"Query_compressed", BINLOG_CLASS_TXN},
    [BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1] = {"Write_rows_compressed_v1", BINLOG_CLASS_ROWS},
    [BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED_V1] = {"Update_rows_compressed_v1", BINLOG_CLASS_ROWS},
    [BINLOG_MARIADB_DELETE_ROWS_COMPRESSED_V1] = {"Delete_rows_compressed_v1", BINLOG_CLASS_ROWS},
    [BINLOG_MARIADB_WRITE_ROWS_COMPRESSED] = {"Write_rows_compressed", BINLOG_CLASS_ROWS},
    [BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED] = {"Update_rows_compressed", BINLOG_CLASS_ROWS},
    [BINLOG_MARIADB_DELETE_ROWS_COMPRESSED] = {"Delete_rows_compressed", BINLOG_CLASS_ROWS},
};

enum {
    CHECKSUM_LEN = 4,
    FLAGS_OFFSET = 17, /* In the event header. */
    VERSION_LEN = 50,
    FORMAT_FIXED_LEN = 2 + VERSION_LEN + 4 + 1,
    FIRST_MARIADB_TYPE = 160,
    CHECKSUMS_SINCE_MYSQL = 50601,
    CHECKSUMS_SINCE_MARIADB = 50300,
};

const char *binlog_event_name(uint8_t type)
{
    return types[type].name != NULL ? types[type].name : "Unknown";
}

enum binlog_event_class binlog_event_class(uint8_t type)
{
    return types[type].class;
}

/* ---- Errors ---- */

static int set_error(struct diag *d, int code, const struct binlog_event *ev, const char *prefix,
                     const char *what)
{
    char text[512];
    const int len =
        snprintf(text, sizeof(text), "%s: %s event (type %u) at offset %llu: %s", prefix,
                 binlog_event_name(ev->type), ev->type, (unsigned long long)ev->offset, what);
    return diag_set_text(d, code, str_from(text, MIN((size_t)MAX(len, 0), sizeof(text) - 1)));
}

int binlog_corrupt(struct diag *d, const struct binlog_event *ev, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return set_error(d, ER_REPLICA_CORRUPT_EVENT, ev, "Corrupted replication event was detected",
                     what);
}

int binlog_unsupported(struct diag *d, const struct binlog_event *ev, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return set_error(d, ER_NOT_SUPPORTED_YET, ev, "Replication event cannot be decoded", what);
}

int binlog_check_known(const struct binlog_event *ev, struct diag *d)
{
    const enum binlog_event_class class = types[ev->type].class;
    if ((class != BINLOG_CLASS_UNKNOWN && class != BINLOG_CLASS_OBSOLETE) ||
        (ev->flags & BINLOG_F_IGNORABLE) != 0) {
        return 0;
    }
    if (ev->type == BINLOG_MARIADB_START_ENCRYPTION) {
        return binlog_unsupported(d, ev, "the log file is encrypted; read it from the server");
    }
    return binlog_unsupported(d, ev, "events of this type are not known here");
}

/* ---- Header and checksum ---- */

void binlog_format_init(struct binlog_format *f, enum binlog_checksum checksum)
{
    *f = (struct binlog_format){.checksum = (uint8_t)checksum};
}

uint32_t binlog_peek_size(struct str bytes)
{
    return bytes.len < BINLOG_HEADER_LEN ? 0 : load_u32(bytes.p + 9);
}

static int decode_header(struct str bytes, uint64_t offset, struct binlog_event *out,
                         struct diag *d)
{
    *out = (struct binlog_event){.offset = offset};
    if (bytes.len < BINLOG_HEADER_LEN) {
        return binlog_corrupt(d, out, "%zu bytes are fewer than an event's header has", bytes.len);
    }
    const char *p = bytes.p;
    out->timestamp = load_u32(p);
    out->type = (uint8_t)p[4];
    out->server_id = load_u32(p + 5);
    out->size = load_u32(p + 9);
    out->log_pos = load_u32(p + 13);
    out->flags = load_u16(p + FLAGS_OFFSET);
    if (out->size != bytes.len) {
        return binlog_corrupt(d, out, "its header says %u bytes, there are %zu", out->size,
                              bytes.len);
    }
    out->body = str_from(p + BINLOG_HEADER_LEN, bytes.len - BINLOG_HEADER_LEN);
    return 0;
}

/* The server sets BINLOG_F_IN_USE while the file is open, after the checksum was made. */
COLD static uint32_t crc_without_in_use(struct str bytes)
{
    const char flags[2] = {(char)(bytes.p[FLAGS_OFFSET] & ~BINLOG_F_IN_USE),
                           bytes.p[FLAGS_OFFSET + 1]};
    const uint32_t crc = binlog_crc32(0, str_from(bytes.p, FLAGS_OFFSET));
    return binlog_crc32(binlog_crc32(crc, str_from(flags, sizeof(flags))),
                        str_from(bytes.p + BINLOG_HEADER_LEN, bytes.len - BINLOG_HEADER_LEN));
}

COLD static int checksum_failed(const struct binlog_event *ev, uint32_t stored, uint32_t crc,
                                struct diag *d)
{
    char what[64];
    (void)snprintf(what, sizeof(what), "its checksum is %08x, its bytes have %08x", stored, crc);
    return set_error(d, ER_BINLOG_READ_EVENT_CHECKSUM_FAILURE, ev,
                     "Replication event checksum verification failed", what);
}

/* Checks the last four bytes and takes them off the body. */
static int verify_checksum(struct str bytes, struct binlog_event *ev, struct diag *d)
{
    if (ev->body.len < CHECKSUM_LEN) {
        return binlog_corrupt(d, ev, "it is too short for its checksum");
    }
    ev->body.len -= CHECKSUM_LEN;
    bytes.len -= CHECKSUM_LEN;
    const bool in_use = ev->type == BINLOG_FORMAT_DESCRIPTION && (ev->flags & BINLOG_F_IN_USE) != 0;
    const uint32_t crc = in_use ? crc_without_in_use(bytes) : binlog_crc32(0, bytes);
    const uint32_t stored = load_u32(bytes.p + bytes.len);
    return crc == stored ? 0 : checksum_failed(ev, stored, crc, d);
}

/* ---- Format description ---- */

/* "10.11.19-MariaDB-log" is 101119; 0 when the text does not start with three numbers. */
static uint32_t parse_version(const char *s)
{
    uint32_t id = 0;
    for (int part = 0; part < 3; part++) {
        uint32_t n = 0;
        const char *start = s;
        while (*s >= '0' && *s <= '9' && n < 1000) {
            n = n * 10 + (uint32_t)(*s++ - '0');
        }
        if (s == start || n > 99 || (part < 2 && *s++ != '.')) {
            return 0;
        }
        id = id * 100 + n;
    }
    return id;
}

static bool has_checksums(const struct binlog_format *f)
{
    return f->version_id >=
           (uint32_t)(f->is_mariadb ? CHECKSUMS_SINCE_MARIADB : CHECKSUMS_SINCE_MYSQL);
}

/*
 * The format description describes its own checksum: body is all behind the event header. Sets
 * *out_has_checksum when the body ends in an algorithm and a checksum, which it does even when the
 * algorithm is none.
 */
static int decode_format(const struct binlog_event *ev, struct str body, struct binlog_format *out,
                         bool *out_has_checksum, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, body);
    binlog_format_init(out, BINLOG_CHECKSUM_NONE);
    const uint16_t version = pkt_get_u16(&r);
    const struct str server = pkt_get_bytes(&r, VERSION_LEN);
    out->created = pkt_get_u32(&r);
    const uint8_t header_len = pkt_get_u8(&r);
    if (pkt_reader_failed(&r)) {
        return binlog_corrupt(d, ev, "it is too short");
    }
    if (version != 4) {
        return binlog_unsupported(d, ev, "version %u of the log; only 4 is known", version);
    }
    if (header_len != BINLOG_HEADER_LEN) {
        return binlog_unsupported(d, ev, "event headers of %u bytes", header_len);
    }
    memcpy(out->server_version, server.p, VERSION_LEN);
    out->version_id = parse_version(out->server_version);
    out->is_mariadb = strstr(out->server_version, "MariaDB") != NULL;
    struct str lens = pkt_get_rest(&r);
    *out_has_checksum = has_checksums(out);
    if (*out_has_checksum) {
        if (lens.len < 1 + CHECKSUM_LEN) {
            return binlog_corrupt(d, ev, "it ends before its checksum");
        }
        lens.len -= 1 + CHECKSUM_LEN;
        out->checksum = (uint8_t)lens.p[lens.len];
        if (out->checksum > BINLOG_CHECKSUM_CRC32) {
            return binlog_corrupt(d, ev, "checksum algorithm %u", out->checksum);
        }
    }
    if (lens.len < BINLOG_TABLE_MAP || lens.len > BINLOG_MAX_TYPES) {
        return binlog_corrupt(d, ev, "post-header lengths of %zu types", lens.len);
    }
    out->type_count = (uint8_t)lens.len;
    memcpy(out->post_header_len, lens.p, lens.len);
    out->is_mariadb = out->is_mariadb || lens.len >= FIRST_MARIADB_TYPE;
    return 0;
}

int binlog_decode_format(const struct binlog_event *ev, struct binlog_format *out, struct diag *d)
{
    bool has_checksum;
    /* The checksum, which binlog_decode_event() has cut off, is still behind the body. */
    struct str body = str_from(ev->body.p, ev->size - BINLOG_HEADER_LEN);
    return decode_format(ev, body, out, &has_checksum, d);
}

/* The checksum of a format description, which itself tells whether there is one. */
COLD static int verify_own_checksum(struct str bytes, struct binlog_event *ev, struct diag *d)
{
    bool has_checksum;
    struct binlog_format own;
    if (decode_format(ev, ev->body, &own, &has_checksum, d) != 0) {
        return -1;
    }
    return has_checksum ? verify_checksum(bytes, ev, d) : 0;
}

int binlog_decode_event(const struct binlog_format *f, struct str bytes, uint64_t offset,
                        struct binlog_event *out, struct diag *d)
{
    if (decode_header(bytes, offset, out, d) != 0) {
        return -1;
    }
    if (out->type == BINLOG_FORMAT_DESCRIPTION) {
        return verify_own_checksum(bytes, out, d);
    }
    return f->checksum == BINLOG_CHECKSUM_CRC32 ? verify_checksum(bytes, out, d) : 0;
}

int binlog_decode_nested_event(struct str bytes, uint64_t offset, struct binlog_event *out,
                               struct diag *d)
{
    return decode_header(bytes, offset, out, d);
}

/* ---- Integers ---- */

uint64_t get_varlen(struct pkt_reader *r)
{
    const uint8_t first = pkt_get_u8(r);
    const unsigned more = first == 0xff ? 8 : (unsigned)__builtin_ctz(~(unsigned)first);
    const uint64_t rest = pkt_get_uint(r, more);
    return more >= 7 ? rest : (uint64_t)first >> (more + 1) | rest << (7 - more);
}

int64_t get_varlen_signed(struct pkt_reader *r)
{
    const uint64_t u = get_varlen(r);
    return (int64_t)(u & 1 ? ~(u >> 1) : u >> 1);
}
