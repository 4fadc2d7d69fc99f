/*
 * Commands of clients. Payloads include the command byte. Strings of decoded structs borrow from
 * the payload; arrays are in the arena given. Decoders return -1 for a malformed payload
 * (ER_MALFORMED_PACKET).
 *
 * Sources: MySQL source documentation, "Command Phase" (Text Protocol, Prepared Statements, Utility
 * Commands).
 */
#ifndef WIRE_COMMAND_H
#define WIRE_COMMAND_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"
#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"
#include "wire/proto.h"
#include "wire/value.h"

/* A parameter, or a query attribute. */
struct wire_param {
    struct str name; /* Empty unless CLIENT_QUERY_ATTRIBUTES. */
    struct wire_value_type type;
    struct wire_value value;
};

/* COM_QUERY. */
struct wire_query {
    struct str sql;
    struct wire_param *attrs;
    size_t attr_count;
};

void wire_encode_query(struct pkt_writer *w, uint64_t capabilities, const struct wire_query *q);
NODISCARD int wire_decode_query(struct str payload, uint64_t capabilities, struct arena *a,
                                struct wire_query *out);

/*
 * COM_STMT_EXECUTE, decoded in two steps, as the second needs what the session knows of the
 * statement: wire_decode_execute() gives the id; then the caller sets param_count, types, long_data
 * and calls wire_decode_execute_params().
 */
struct wire_execute {
    uint32_t stmt_id;
    uint8_t flags;       /* enum wire_cursor_flags */
    uint32_t iterations; /* Always 1 from known clients. */
    struct str rest;     /* The parameters, not yet decoded. */

    /* Of the statement: */
    size_t param_count;            /* Its parameter markers. */
    struct wire_value_type *types; /* param_count types of the last execution; updated when the
                                      client sends new ones. */
    bool has_types;                /* types is valid. Set when the client sends types. */
    const bool *long_data; /* param_count flags: sent by COM_STMT_SEND_LONG_DATA; NULL = none. */

    /* Results: */
    struct wire_param *params; /* param_count of them, then the query attributes. */
    size_t total_count;        /* With query attributes. */
};

/* Encoding sends the types when has_types is set, and params[].type, name, value; attributes with
 * CLIENT_QUERY_ATTRIBUTES only. */
void wire_encode_execute(struct pkt_writer *w, uint64_t capabilities, const struct wire_execute *e);
NODISCARD int wire_decode_execute(struct str payload, struct wire_execute *out);
NODISCARD int wire_decode_execute_params(struct wire_execute *e, uint64_t capabilities,
                                         struct arena *a);

/* Of COM_STMT_BULK_EXECUTE. */
enum wire_bulk_flags {
    WIRE_BULK_SENDS_TYPES = 128,
};

/*
 * MariaDB's COM_STMT_BULK_EXECUTE: one execution for each row of parameters. The caller sets
 * param_count and types before decoding; the rows may be cut short. Source: MariaDB documentation,
 * "COM_STMT_BULK_EXECUTE".
 */
struct wire_bulk {
    uint32_t stmt_id;
    uint16_t flags;                /* enum wire_bulk_flags, and others */
    size_t param_count;            /* Of the statement. */
    struct wire_value_type *types; /* param_count; written when the packet has types. */
    struct str rows;
};

void wire_encode_bulk(struct pkt_writer *w, const struct wire_bulk *b);
NODISCARD int wire_decode_bulk(struct str payload, struct wire_bulk *b);

/* COM_STMT_FETCH. */
struct wire_fetch {
    uint32_t stmt_id;
    uint32_t rows;
};

void wire_encode_fetch(struct pkt_writer *w, const struct wire_fetch *f);
NODISCARD int wire_decode_fetch(struct str payload, struct wire_fetch *out);

/* COM_STMT_SEND_LONG_DATA; it has no reply. */
struct wire_long_data {
    uint32_t stmt_id;
    uint16_t param;
    struct str data;
};

void wire_encode_long_data(struct pkt_writer *w, const struct wire_long_data *l);
NODISCARD int wire_decode_long_data(struct str payload, struct wire_long_data *out);

/* COM_FIELD_LIST. */
struct wire_field_list {
    struct str table;
    struct str pattern; /* LIKE pattern; empty = all. */
};

void wire_encode_field_list(struct pkt_writer *w, const struct wire_field_list *f);
NODISCARD int wire_decode_field_list(struct str payload, struct wire_field_list *out);

/* Commands that are only the command byte (PING, QUIT, STATISTICS, RESET_CONNECTION, …). */
void wire_encode_simple(struct pkt_writer *w, enum wire_command command);

/* Commands with text to the end (INIT_DB, STMT_PREPARE). The decoded text is the payload without
 * its first byte. */
void wire_encode_text_command(struct pkt_writer *w, enum wire_command command, struct str text);

/* Commands with one 32-bit number (STMT_CLOSE, STMT_RESET, PROCESS_KILL). */
void wire_encode_u32_command(struct pkt_writer *w, enum wire_command command, uint32_t arg);
NODISCARD int wire_decode_u32_command(struct str payload, uint32_t *out_arg);

/* COM_SET_OPTION. */
void wire_encode_set_option(struct pkt_writer *w, enum wire_set_option option);
NODISCARD int wire_decode_set_option(struct str payload, uint16_t *out_option);

/*
 * Commands of replicas. COM_REGISTER_REPLICA makes the replica known to the source; the other two
 * end the connection's life as a session: from then on the source sends events, each behind an OK
 * byte. Sources: MySQL source documentation, "Replication Protocol"; MariaDB documentation,
 * "Replica Protocol".
 */
struct wire_register_replica {
    uint32_t server_id;
    struct str host; /* As SHOW REPLICAS shows them; all may be empty. At most 255 bytes each. */
    struct str user;
    struct str password;
    uint16_t port;
    uint32_t rank;      /* Not used by servers. */
    uint32_t source_id; /* Filled in by the source. */
};

void wire_encode_register_replica(struct pkt_writer *w, const struct wire_register_replica *r);
NODISCARD int wire_decode_register_replica(struct str payload, struct wire_register_replica *out);

enum wire_dump_flags {
    WIRE_DUMP_NON_BLOCK = 0x1,     /* EOF at the end of the log instead of waiting for more. */
    WIRE_DUMP_HEARTBEAT_V2 = 0x2,  /* MySQL 8.0.26: heartbeats with positions of 8 bytes. */
    WIRE_DUMP_ANNOTATE_ROWS = 0x2, /* MariaDB: send the texts of statements. */
    WIRE_DUMP_THROUGH_GTID = 0x4,  /* COM_BINLOG_DUMP_GTID: skip what gtid_set has. */
};

/* COM_BINLOG_DUMP: by file and position. MariaDB's GTIDs are asked for with it too, after
 * SET @slave_connect_state. */
struct wire_binlog_dump {
    uint32_t position; /* At least 4. */
    uint16_t flags;    /* enum wire_dump_flags */
    uint32_t server_id;
    struct str file; /* Empty = the oldest (with a GTID state: the right one). */
};

void wire_encode_binlog_dump(struct pkt_writer *w, const struct wire_binlog_dump *dump);
NODISCARD int wire_decode_binlog_dump(struct str payload, struct wire_binlog_dump *out);

/* COM_BINLOG_DUMP_GTID, MySQL only. */
struct wire_binlog_dump_gtid {
    uint16_t flags; /* enum wire_dump_flags */
    uint32_t server_id;
    struct str file;     /* Empty unless by position. */
    uint64_t position;   /* 4 when by GTID. */
    struct str gtid_set; /* gtid_set_encode(): what the replica has. */
};

void wire_encode_binlog_dump_gtid(struct pkt_writer *w, const struct wire_binlog_dump_gtid *dump);
NODISCARD int wire_decode_binlog_dump_gtid(struct str payload, struct wire_binlog_dump_gtid *out);

/* "Query", "Ping", … as SHOW PROCESSLIST names a command; NULL for a number without a command. */
NODISCARD const char *wire_command_name(uint8_t command);

#endif
