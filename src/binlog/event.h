/*
 * Binary log events: the header that all have in common, checksums, and the format description that
 * says how a log is to be read. Pure: bytes in, structs and diags out.
 *
 *     +-----------+------+-----------+------------+---------+-------+------+--------------+
 *     | timestamp | type | server id | event size | log pos | flags | body | checksum     |
 *     | 4         | 1    | 4         | 4          | 4       | 2     |      | 4, if CRC32  |
 *     +-----------+------+-----------+------------+---------+-------+------+--------------+
 *
 * A log file is the magic 0xfe 'b' 'i' 'n' and events; a stream sends each event behind an OK byte.
 * Decoded strings borrow from the event's bytes. Every decoder returns 0, or -1 with a diag that
 * says where the event is, of which type, and what in it is impossible.
 *
 * Sources: MySQL source documentation, "Replication Protocol: Binlog Event" and the classes of
 * mysql::binlog::event; MariaDB documentation, "Replication Protocol"; and what MySQL 9.7 and
 * MariaDB 10.11 write. Not thread-safe: one user of an object at a time.
 */
#ifndef BINLOG_EVENT_H
#define BINLOG_EVENT_H

#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"

#define BINLOG_MAGIC                                                                               \
    "\xfe"                                                                                         \
    "bin"
#define BINLOG_MAGIC_LEN  4
#define BINLOG_HEADER_LEN 19
#define BINLOG_UUID_LEN   16

enum binlog_event_type {
    BINLOG_UNKNOWN = 0,
    BINLOG_START_V3 = 1,
    BINLOG_QUERY = 2,
    BINLOG_STOP = 3,
    BINLOG_ROTATE = 4,
    BINLOG_INTVAR = 5,
    BINLOG_LOAD = 6,
    BINLOG_SLAVE = 7,
    BINLOG_CREATE_FILE = 8,
    BINLOG_APPEND_BLOCK = 9,
    BINLOG_EXEC_LOAD = 10,
    BINLOG_DELETE_FILE = 11,
    BINLOG_NEW_LOAD = 12,
    BINLOG_RAND = 13,
    BINLOG_USER_VAR = 14,
    BINLOG_FORMAT_DESCRIPTION = 15,
    BINLOG_XID = 16,
    BINLOG_BEGIN_LOAD_QUERY = 17,
    BINLOG_EXECUTE_LOAD_QUERY = 18,
    BINLOG_TABLE_MAP = 19,
    BINLOG_WRITE_ROWS_V1 = 23,
    BINLOG_UPDATE_ROWS_V1 = 24,
    BINLOG_DELETE_ROWS_V1 = 25,
    BINLOG_INCIDENT = 26,
    BINLOG_HEARTBEAT = 27,
    BINLOG_IGNORABLE = 28,
    BINLOG_ROWS_QUERY = 29,
    BINLOG_WRITE_ROWS = 30,
    BINLOG_UPDATE_ROWS = 31,
    BINLOG_DELETE_ROWS = 32,
    BINLOG_GTID = 33,
    BINLOG_ANONYMOUS_GTID = 34,
    BINLOG_PREVIOUS_GTIDS = 35,
    BINLOG_TRANSACTION_CONTEXT = 36,
    BINLOG_VIEW_CHANGE = 37,
    BINLOG_XA_PREPARE = 38,
    BINLOG_PARTIAL_UPDATE_ROWS = 39,
    BINLOG_TRANSACTION_PAYLOAD = 40,
    BINLOG_HEARTBEAT_V2 = 41,
    BINLOG_GTID_TAGGED = 42,

    BINLOG_MARIADB_ANNOTATE_ROWS = 160,
    BINLOG_MARIADB_CHECKPOINT = 161,
    BINLOG_MARIADB_GTID = 162,
    BINLOG_MARIADB_GTID_LIST = 163,
    BINLOG_MARIADB_START_ENCRYPTION = 164,
    BINLOG_MARIADB_QUERY_COMPRESSED = 165,
    BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1 = 166,
    BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED_V1 = 167,
    BINLOG_MARIADB_DELETE_ROWS_COMPRESSED_V1 = 168,
    BINLOG_MARIADB_WRITE_ROWS_COMPRESSED = 169,
    BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED = 170,
    BINLOG_MARIADB_DELETE_ROWS_COMPRESSED = 171,
};

/* Flags of the event header. */
enum binlog_event_flags {
    BINLOG_F_IN_USE = 0x1,          /* Of a format description: the file was not closed. */
    BINLOG_F_THREAD_SPECIFIC = 0x4, /* Temporary tables are concerned. */
    BINLOG_F_SUPPRESS_USE = 0x8,
    BINLOG_F_ARTIFICIAL = 0x20, /* Made for the stream, not in the log; MariaDB's log pos is 0. */
    BINLOG_F_RELAY_LOG = 0x40,
    BINLOG_F_IGNORABLE = 0x80, /* Who does not know the type may skip the event. */
    BINLOG_F_NO_FILTER = 0x100,
    BINLOG_F_MTS_ISOLATE = 0x200,
    BINLOG_F_SKIP_REPLICATION = 0x8000, /* MariaDB. */
};

/* What an event is to a reader of the log. */
enum binlog_event_class {
    BINLOG_CLASS_UNKNOWN,   /* No such type: an error unless ignorable. */
    BINLOG_CLASS_OBSOLETE,  /* Named, not decoded: an error unless ignorable. */
    BINLOG_CLASS_CONTROL,   /* About the log: rotate, format description, heartbeat, ... */
    BINLOG_CLASS_STATEMENT, /* Part of a statement's text form: variables, files, queries. */
    BINLOG_CLASS_TXN,       /* Beginning or end of a transaction. */
    BINLOG_CLASS_ROWS,
    BINLOG_CLASS_NOTE, /* May be left out without loss. */
};

enum binlog_checksum {
    BINLOG_CHECKSUM_NONE = 0,
    BINLOG_CHECKSUM_CRC32 = 1,
    BINLOG_CHECKSUM_UNKNOWN = 255, /* No format description yet, or a server without checksums. */
};

/* Number of event types a format description can have post-header lengths for. */
#define BINLOG_MAX_TYPES 255

/* How a log is to be read: what its format description says. Plain data. */
struct binlog_format {
    bool is_mariadb;
    uint8_t checksum;    /* enum binlog_checksum: what events end in. */
    uint32_t version_id; /* 90704 for 9.7.4; 0 before the first format description. */
    uint32_t created; /* Seconds since 1970, when the server has started with this file; else 0. */
    char server_version[51];
    uint8_t type_count;                        /* Types the writer knows. */
    uint8_t post_header_len[BINLOG_MAX_TYPES]; /* [type - 1] */
};

/* One event. */
struct binlog_event {
    uint64_t offset;    /* Of its first byte, in the file, stream or payload: for messages. */
    uint32_t timestamp; /* Seconds since 1970. */
    uint32_t server_id;
    uint32_t size; /* All of it, header and checksum included. */
    uint32_t
        log_pos; /* Of its end in the file on the source; 0 = artificial or inside a payload. */
    uint16_t flags;
    uint8_t type;
    struct str body; /* Without header and checksum. */
};

/* A format from before the first format description: events end in what `checksum` says, which the
 * replica and the source agree on before the stream starts. */
void binlog_format_init(struct binlog_format *f, enum binlog_checksum checksum);

/* "Write_rows", ... as mysqlbinlog names a type; "Unknown" for a number without a type. */
NODISCARD const char *binlog_event_name(uint8_t type);
NODISCARD enum binlog_event_class binlog_event_class(uint8_t type);

/* Size of the event that starts with these bytes; 0 when there are fewer than BINLOG_HEADER_LEN. */
NODISCARD uint32_t binlog_peek_size(struct str bytes);

/*
 * Decodes the header of an event whose bytes are exactly `bytes`, and verifies its checksum.
 * offset: where the bytes come from, for messages. A format description is recognised and read by
 * its own rules whatever f says.
 */
NODISCARD int binlog_decode_event(const struct binlog_format *f, struct str bytes, uint64_t offset,
                                  struct binlog_event *out, struct diag *d);

/* As binlog_decode_event() for events within a transaction payload: they have no checksum. */
NODISCARD int binlog_decode_nested_event(struct str bytes, uint64_t offset,
                                         struct binlog_event *out, struct diag *d);

/* Decodes a format description. Fails for versions of the log before 4 (MySQL 5.0). */
NODISCARD int binlog_decode_format(const struct binlog_event *ev, struct binlog_format *out,
                                   struct diag *d);

/* Sets the diag to "Corrupted replication event ...: <event> at <offset>: <what>". Returns -1. */
int binlog_corrupt(struct diag *d, const struct binlog_event *ev, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* As binlog_corrupt() for what is in order but cannot be decoded here. Returns -1. */
int binlog_unsupported(struct diag *d, const struct binlog_event *ev, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Is the event's type one that decoding knows, or may it be skipped? Sets the diag otherwise. */
NODISCARD int binlog_check_known(const struct binlog_event *ev, struct diag *d);

/* CRC-32 (ISO 3309, as zlib's) of the bytes, continuing from `crc` (0 to start). */
NODISCARD uint32_t binlog_crc32(uint32_t crc, struct str bytes);

#endif
