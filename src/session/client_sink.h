/*
 * The sink that sends a statement's rows to its client, in the text or binary protocol; or, for a
 * cursor, keeps them until they are fetched.
 */
#ifndef SESSION_CLIENT_SINK_H
#define SESSION_CLIENT_SINK_H

#include "exec/sink.h"
#include "session/row_encode.h"

#include <stdatomic.h>

struct session;

/* Most bytes of a cursor's rows. */
#define CURSOR_SPOOL_MAX (UINT64_C(1) << 30)

/* Whose the connection's output is. */
enum client_sink_state {
    CLIENT_SINK_FREE,
    CLIENT_SINK_ENCODING,  /* the offload thread's */
    CLIENT_SINK_ABANDONED, /* the fiber's for good: no more rows are taken */
};

struct client_sink {
    struct result_sink base;
    struct session *session;
    bool binary;
    _Atomic(uint32_t) state; /* enum client_sink_state */
    bool full;               /* enough is encoded to be sent */
    bool begun;              /* column definitions were encoded */
    bool sent;               /* something since begin was flushed: it cannot be taken back */
    size_t mark_len;         /* where the output stood at begin */
    uint8_t mark_seq;
    uint32_t count;
    struct row_encoder encoder;
    /* Cursors: rows go here as packets of a sequence of their own. */
    struct bytebuf *spool;
    struct pkt_writer spool_writer;
};

/* Readies the sink for a statement. spool NULL: rows go to the client. */
void client_sink_start(struct client_sink *k, struct session *s, bool binary,
                       struct bytebuf *spool);

/*
 * Takes back what was not sent and refuses all rows that still come from the offload thread; waits
 * for a chunk that is being encoded. Returns false for a sink that spools, and when rows are on
 * their way, which a slow client may make us wait for. On the fiber.
 */
NODISCARD bool client_sink_abandon(struct client_sink *k);

/* Frees what the statement's rows needed. */
void client_sink_finish(struct client_sink *k);

/* Column definitions without rows: answers of COM_STMT_PREPARE and cursors. */
void client_put_column(struct session *s, const struct result_column *c);

/* A column definition as COM_FIELD_LIST answers it: with its default value. */
void client_put_field(struct session *s, const struct result_column *c);

#endif
