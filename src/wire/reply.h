/*
 * The server's generic replies: OK with session tracking, ERR, EOF, and the packets that open a
 * result. Strings of decoded structs borrow from the payload. Decoders return -1 for a malformed
 * payload.
 *
 * Sources: MySQL source documentation, "Generic Response Packets", "COM_QUERY Response",
 * "COM_STMT_PREPARE Response"; MariaDB knowledge base, "Result Set Packets".
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/str.h"
#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"
#include "wire/proto.h"

/* First byte of a reply. */
enum wire_reply_mark {
    WIRE_MARK_OK = 0x00,
    WIRE_MARK_AUTH_MORE = 0x01,
    WIRE_MARK_LOCAL_INFILE = 0xfb,
    WIRE_MARK_EOF = 0xfe, /* Also an OK that ends rows, and an auth switch request. */
    WIRE_MARK_ERR = 0xff,
};

struct wire_ok {
    uint64_t affected_rows;
    uint64_t last_insert_id;
    uint16_t status; /* SERVER_SESSION_STATE_CHANGED is set by encoding when tracks is not empty. */
    uint16_t warnings;
    struct str info;
    struct str
        tracks; /* Session state changes, made with wire_track_*(), read with wire_track_next(). */
};

/* mark: WIRE_MARK_OK, or WIRE_MARK_EOF for the OK that ends rows under CLIENT_DEPRECATE_EOF. */
void wire_encode_ok(struct pkt_writer *w, uint64_t capabilities, enum wire_reply_mark mark,
                    const struct wire_ok *ok);
NODISCARD int wire_decode_ok(struct str payload, uint64_t capabilities, struct wire_ok *out);

/* Kinds of session state change. */
enum wire_track_type {
    WIRE_TRACK_SYSTEM_VARIABLE = 0,
    WIRE_TRACK_SCHEMA = 1,
    WIRE_TRACK_STATE_CHANGE = 2,
    WIRE_TRACK_GTIDS = 3,
    WIRE_TRACK_TRX_CHARACTERISTICS = 4,
    WIRE_TRACK_TRX_STATE = 5,
};

/* One change. name is set for system variables only; value is the other text of each kind. */
struct wire_track {
    uint8_t type; /* enum wire_track_type; unknown ones are passed with their raw data as value. */
    struct str name;
    struct str value;
};

/* Appends a change to the block that goes into wire_ok.tracks. */
void wire_track_put(struct bytebuf *tracks, const struct wire_track *t);

/* Walks a block; false at the end, and with *r failed when it is malformed. */
NODISCARD bool wire_track_next(struct pkt_reader *r, struct wire_track *out);

struct wire_err {
    uint16_t code;
    char sqlstate[6]; /* NUL-terminated; empty in errors sent before the capabilities are known. */
    struct str message;
};

/* Without CLIENT_PROTOCOL_41 in the capabilities the SQLSTATE is left out. The message is cut at
 * 512 bytes, as servers do, at a character's edge. */
void wire_encode_err(struct pkt_writer *w, uint64_t capabilities, const struct wire_err *err);
NODISCARD int wire_decode_err(struct str payload, struct wire_err *out);

struct wire_eof {
    uint16_t warnings;
    uint16_t status;
};

void wire_encode_eof(struct pkt_writer *w, const struct wire_eof *eof);
NODISCARD int wire_decode_eof(struct str payload, struct wire_eof *out);

/* What a packet at the place of a row is. */
enum wire_row_kind {
    WIRE_ROW_DATA,
    WIRE_ROW_END_OK,  /* wire_decode_ok() */
    WIRE_ROW_END_EOF, /* wire_decode_eof() */
    WIRE_ROW_ERR,     /* wire_decode_err() */
};

/* Tells rows from what ends them; a row may begin with 0xfe when it is at least 16 MiB long. */
NODISCARD enum wire_row_kind wire_row_kind(struct str payload, uint64_t capabilities);

/* The packet that opens a result set. */
struct wire_result_head {
    uint64_t columns;
    bool has_metadata; /* Column definitions follow; always so without the two optional-metadata
                          capabilities. */
};

void wire_encode_result_head(struct pkt_writer *w, uint64_t capabilities,
                             const struct wire_result_head *h);
NODISCARD int wire_decode_result_head(struct str payload, uint64_t capabilities,
                                      struct wire_result_head *out);

/* LOCAL INFILE request: the server asks for the content of a file of the client's. */
void wire_encode_local_infile(struct pkt_writer *w, struct str file_name);
NODISCARD int wire_decode_local_infile(struct str payload, struct str *out_file_name);

/* First packet of the answer to COM_STMT_PREPARE. */
struct wire_prepare_ok {
    uint32_t stmt_id;
    uint16_t columns;
    uint16_t params;
    uint16_t warnings;
    bool has_metadata;
};

void wire_encode_prepare_ok(struct pkt_writer *w, uint64_t capabilities,
                            const struct wire_prepare_ok *p);
NODISCARD int wire_decode_prepare_ok(struct str payload, uint64_t capabilities,
                                     struct wire_prepare_ok *out);

#endif
