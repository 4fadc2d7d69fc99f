/*
 * reply_track: follows the packets a server sends in reply to one command, without decoding rows:
 * what each packet is, and where the reply ends. For relays and for clients that stream.
 *
 *     reply_track_begin(&t, command, capabilities)
 *     for each packet of the server:
 *         if (reply_track_needs_whole(&t, first byte, len))  payload must be whole
 *         kind = reply_track_packet(&t, payload (or its first byte), len)
 *     until t.done
 *
 * A packet of WIRE_MAX_PACKET bytes is continued by the next one, which is of kind REPLY_REST.
 *
 * Sources: MySQL source documentation, "Command Phase" (COM_QUERY Response, COM_STMT_PREPARE
 * Response, Multi-Resultset, Stored Procedures); MariaDB knowledge base, "Result Set Packets",
 * "Progress Reporting".
 */
#ifndef WIRE_REPLY_TRACK_H
#define WIRE_REPLY_TRACK_H

#include "base/base.h"
#include "base/str.h"
#include "wire/proto.h"
#include "wire/reply.h"

/* What a packet of a reply is. */
enum reply_packet {
    REPLY_OK,        /* t->ok is decoded */
    REPLY_ERR,       /* t->err is decoded; ends the reply */
    REPLY_EOF,       /* t->eof is decoded: behind definitions, behind rows, or alone */
    REPLY_END_OK,    /* the OK that ends rows under CLIENT_DEPRECATE_EOF: t->ok */
    REPLY_HEAD,      /* opens a result set: t->left definitions follow */
    REPLY_COLUMN,    /* definition of a column or a parameter; t->left more follow */
    REPLY_ROW,       /* a row, or a line of COM_STATISTICS, or an event of a binary log dump */
    REPLY_REST,      /* continues the packet before */
    REPLY_INFILE,    /* asks for a file: the client sends packets until an empty one */
    REPLY_PREPARED,  /* first packet of a prepare reply: t->prepared */
    REPLY_PROGRESS,  /* MariaDB's progress report; says nothing about the result */
    REPLY_MALFORMED, /* the stream cannot be followed any further */
};

/* Where in the reply. */
enum reply_state {
    REPLY_AT_FIRST,   /* a result begins */
    REPLY_AT_COLUMNS, /* definitions of a result's columns */
    REPLY_AT_COLUMNS_EOF,
    REPLY_AT_ROWS,
    REPLY_AT_PARAMS, /* definitions of a prepared statement's parameters */
    REPLY_AT_PARAMS_EOF,
    REPLY_AT_PREPARED_COLUMNS,
    REPLY_AT_PREPARED_EOF,
    REPLY_AT_FIELDS, /* COM_FIELD_LIST */
    REPLY_AT_TEXT,   /* COM_STATISTICS */
    REPLY_AT_EVENTS, /* COM_BINLOG_DUMP */
};

struct reply_track {
    uint64_t capabilities; /* of the connection the packets come from */
    uint8_t command;
    uint8_t state; /* enum reply_state */
    bool done;     /* nothing more comes */
    bool continued;
    bool failed;                 /* the reply ended with an ERR */
    bool is_out_params;          /* the rows are a procedure's OUT parameters */
    uint16_t status;             /* of the last OK or EOF; 0 before */
    uint32_t left;               /* definitions still to come */
    uint64_t rows;               /* seen so far, all results together */
    uint32_t results;            /* ended so far */
    uint16_t last_warnings;      /* of the last OK or EOF that ended a result */
    uint64_t last_affected_rows; /* of the last OK */
    uint64_t last_insert_id;     /* of the last OK that had one */
    union { /* of the last packet, as its kind says; strings borrow from the payload */
        struct wire_ok ok;
        struct wire_err err;
        struct wire_eof eof;
        struct wire_prepare_ok prepared;
    };
};

/* Has this command a reply at all? */
NODISCARD bool reply_is_expected(uint8_t command);

/* Starts following the reply to a command; done at once when none is expected. */
void reply_track_begin(struct reply_track *t, uint8_t command, uint64_t capabilities);

/* Must the payload be whole for reply_track_packet(), or is its first byte enough? */
NODISCARD bool reply_track_needs_whole(const struct reply_track *t, uint8_t first, size_t len);

/* The short way of reply_track_packet() for a row that ends in its packet: returns true when the
 * packet that begins with this byte is one, and counts it. */
NODISCARD static inline bool reply_track_row(struct reply_track *t, uint8_t first, size_t len)
{
    const bool is_row = t->state == REPLY_AT_ROWS && !t->continued && first < WIRE_MARK_EOF &&
                        len < WIRE_MAX_PACKET;
    t->rows += is_row ? 1 : 0;
    return is_row;
}

/* The next packet: the payload, or as much of it as is there, at least its first byte unless it is
 * empty; len is its whole length as the header says it. */
NODISCARD enum reply_packet reply_track_packet(struct reply_track *t, struct str payload,
                                               size_t len);

#endif
