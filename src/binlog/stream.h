/*
 * A stream of events as transactions: feed it each event in order, take the items out. It keeps
 * what later events need of earlier ones (format description, table maps), unpacks compressed
 * transactions, and checks that the order of events makes sense: a row before its table map, a
 * transaction within another, or a commit of nothing is an error, never a guess.
 *
 *     binlog_stream_feed(s, bytes, offset, d)
 *     while (binlog_stream_next(s, &item, d) == BINLOG_ITEM)
 *         ... item.kind ...
 *
 * Every transaction is BINLOG_TXN_BEGIN, its tables, rows and statements, and one of
 * BINLOG_TXN_COMMIT, BINLOG_TXN_ROLLBACK and BINLOG_TXN_PREPARE. A statement that is a transaction
 * of its own (DDL, XA COMMIT) comes between BEGIN and COMMIT too. Not thread-safe.
 */
#ifndef BINLOG_STREAM_H
#define BINLOG_STREAM_H

#include "binlog/columns.h"
#include "binlog/event.h"
#include "binlog/log_events.h"
#include "binlog/payload.h"
#include "binlog/rows.h"
#include "binlog/txn_events.h"

#include "base/arena.h"
#include "base/htab.h"

enum binlog_item_kind {
    BINLOG_TXN_BEGIN,      /* txn */
    BINLOG_TXN_TABLE,      /* table, table_is_new: of the rows that follow */
    BINLOG_TXN_ROWS,       /* rows, table */
    BINLOG_TXN_QUERY,      /* query: DDL, statement-format changes, SAVEPOINT, ... */
    BINLOG_TXN_ROWS_QUERY, /* text: the statement behind the rows that follow */
    BINLOG_TXN_VARIABLE,   /* Intvar, RAND, User_var, or part of a LOAD DATA: for the next query */
    BINLOG_TXN_COMMIT,
    BINLOG_TXN_ROLLBACK,
    BINLOG_TXN_PREPARE, /* xid: XA PREPARE */
    BINLOG_LOG_FORMAT,  /* format */
    BINLOG_LOG_ROTATE,  /* rotate */
    BINLOG_LOG_HEARTBEAT,
    BINLOG_LOG_INCIDENT, /* incident */
    BINLOG_LOG_OTHER,    /* Previous GTIDs, Stop, MariaDB's lists, notes: event */
};

/* The transaction at hand. */
struct binlog_txn {
    bool is_mariadb;
    bool has_gtid;                            /* False of anonymous ones. */
    bool is_xa;                               /* Begun by XA START: it may end in XA PREPARE. */
    struct binlog_mysql_gtid mysql;           /* Unless is_mariadb. */
    struct binlog_mariadb_gtid_event mariadb; /* If is_mariadb. */
    uint64_t offset;                          /* Where it began. */
    uint64_t commit_us; /* Microseconds since 1970: MySQL's commit, else the event's second. */
    uint64_t number;    /* In the stream, from 1. */
};

struct binlog_item {
    enum binlog_item_kind kind;
    bool table_is_new; /* table was decoded anew: what the log does not tell of its columns (see
                          columns.h) is to be set now, in table->cols, and stays. */
    const struct binlog_event *event; /* The event it comes from. */
    const struct binlog_txn *txn;     /* TXN items. */
    const struct binlog_table *table; /* Lives until the stream's next format description, or
                                         another table map of the same id. */
    const struct binlog_format *format;
    union {
        struct binlog_rows rows;
        struct binlog_query query;
        struct binlog_xid xid;
        struct binlog_rotate rotate;
        struct binlog_heartbeat heartbeat;
        struct binlog_incident incident;
        struct str text;
    };
};

/* Where in a transaction the stream is. */
enum binlog_stream_state {
    BINLOG_STREAM_IDLE,
    BINLOG_STREAM_GTID,       /* A GTID of MySQL's, not yet what it is of. */
    BINLOG_STREAM_OPEN,       /* Between BEGIN and the end. */
    BINLOG_STREAM_STANDALONE, /* MariaDB: one statement, then the end. */
};

struct binlog_table_entry; /* stream.c */

enum {
    BINLOG_BEGIN_MAX = 256,
};

struct binlog_stream {
    struct binlog_format format;
    struct binlog_txn txn;
    struct arena event_arena; /* What decoding an event had to make; until the next event. */

    enum binlog_stream_state state; /* Private from here. */
    struct binlog_event event;
    struct binlog_event nested; /* Of the payload at hand. */
    struct binlog_payload_reader payload;
    struct arena txn_arena;                /* Strings of txn. */
    struct htab tables;                    /* By id. */
    struct binlog_table_entry *last_table; /* That was looked for; NULL = none. */
    uint64_t statement; /* Number of the statement: table maps are valid within one. */
    bool has_event;     /* event is not yet dealt with. */
    bool in_payload;
    bool ends_txn; /* The item just given was the whole transaction. */
    bool failed;   /* After an error nothing more is taken. */
    struct {
        uint16_t len; /* Of the event's body; 0 = none yet. */
        char bytes[BINLOG_BEGIN_MAX];
    } begin; /* The last BEGIN that was decoded, from its database's length on. */
};

/* checksum: what events before the first format description end in. */
void binlog_stream_init(struct binlog_stream *s, enum binlog_checksum checksum);
void binlog_stream_release(struct binlog_stream *s);

/* Forgets the transaction at hand and all tables, for a new connection to the source. */
void binlog_stream_restart(struct binlog_stream *s, enum binlog_checksum checksum);

/* Begins within a transaction, of whose events some will be fed again: tables, rows, savepoints,
 * with their headers and without checksums. format: of the log they come from. */
void binlog_stream_begin_part(struct binlog_stream *s, const struct binlog_format *format);

/* Takes an event, whose bytes must live until its last item was taken. All items of the one before
 * must have been taken. offset is for messages. */
NODISCARD int binlog_stream_feed(struct binlog_stream *s, struct str bytes, uint64_t offset,
                                 struct diag *d);

/* The next item of that event; BINLOG_END when it has no more. *out and what it borrows are valid
 * until the next call. After BINLOG_ERROR the stream must be restarted. */
NODISCARD enum binlog_next binlog_stream_next(struct binlog_stream *s, struct binlog_item *out,
                                              struct diag *d);

/* Is a transaction open (begun, and neither committed nor rolled back)? */
static inline bool binlog_stream_in_txn(const struct binlog_stream *s)
{
    return s->state != BINLOG_STREAM_IDLE;
}

/* What the XA statement of a query item does. */
enum binlog_xa_op {
    BINLOG_XA_NONE, /* It is no XA statement. */
    BINLOG_XA_START,
    BINLOG_XA_END,
    BINLOG_XA_COMMIT,
    BINLOG_XA_ROLLBACK,
};

/* Recognises "XA COMMIT X'6162',X'',1" as both servers write it; *out_xid's parts are in the arena.
 * BINLOG_XA_NONE also for XA statements of other forms. */
NODISCARD enum binlog_xa_op binlog_parse_xa(struct str sql, struct arena *a,
                                            struct binlog_xid *out_xid);

#endif
