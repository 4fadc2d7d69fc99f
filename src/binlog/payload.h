/*
 * The events of a compressed transaction, one at a time: only the event at hand is held
 * uncompressed, so that a transaction's size does not matter. They carry no checksums of their own.
 */
#ifndef BINLOG_PAYLOAD_H
#define BINLOG_PAYLOAD_H

#include "binlog/event.h"
#include "binlog/rows.h"
#include "binlog/txn_events.h"

#include "base/bytebuf.h"

/* Longest event inside a payload: max_allowed_packet's ceiling. */
#define BINLOG_MAX_EVENT_LEN (UINT32_C(1) << 30)

struct binlog_payload_reader {
    const struct binlog_event *event; /* The payload's, for messages. */
    struct str rest;                  /* Bytes not yet uncompressed. */
    bool is_zstd;
    bool is_ended;   /* The compressed data have come to their end. */
    uint64_t taken;  /* Uncompressed bytes handed out. */
    uint64_t wanted; /* Uncompressed bytes that there must be. */
    void *stream;    /* zstd's state, kept for the next payload. */
    struct bytebuf buf;
};

void binlog_payload_reader_init(struct binlog_payload_reader *r);
void binlog_payload_reader_release(struct binlog_payload_reader *r);

/* Starts on a payload; p's data and ev must live until the last event was read. */
NODISCARD int binlog_payload_start(struct binlog_payload_reader *r, const struct binlog_event *ev,
                                   const struct binlog_payload *p, struct diag *d);

/* The next event, whose offset is that of the payload event. It is valid until the next call. */
NODISCARD enum binlog_next binlog_payload_next(struct binlog_payload_reader *r,
                                               struct binlog_event *out, struct diag *d);

#endif
