/*
 * xa: distributed transactions that the log has prepared and not yet ended.
 *
 * The rows of XA PREPARE stand in the log when nobody may see them yet. Their events are kept in
 * the store, in the engine transaction of the batch with the PREPARE and so together with the
 * position behind it, until the log says XA COMMIT: then they go through the decoder again, in that
 * place, as if they stood there; or XA ROLLBACK: then they are dropped. That is exact: until its
 * end a prepared transaction holds the locks of its rows, and of the tables against other
 * definitions.
 *
 * Records: "replica_xa", by number: name, log format, number of pieces; "replica_xa_<n>_<i>": piece
 * i of it, whole events. Small transactions stay in memory beside that.
 *
 * Threads: as struct stream, whose part it is.
 */
#ifndef CHANGE_XA_H
#define CHANGE_XA_H

#include "binlog/stream.h"

#include "base/bytebuf.h"
#include "engine/engine.h"

struct xa_prepared {
    struct xa_prepared *next;
    uint64_t id;
    char *name; /* As XA RECOVER FORMAT='SQL' has it: X'6162',X'',1; heap. */
    struct binlog_format format;
    uint32_t piece_count;
    char *kept; /* Its only piece; NULL: its pieces are in the store alone. Heap. */
    size_t kept_len;
};

/* What is to be done in the store with the next job. */
struct xa_put {
    struct xa_put *next;
    uint64_t id;
    uint32_t piece;  /* XA_HEADER: the record of the whole. */
    bool is_removal; /* Of the whole: piece is the number of pieces. */
    size_t len;
    char text[];
};

#define XA_HEADER UINT32_MAX

struct xa {
    struct xa_prepared *list;
    uint64_t last_id;
    uint64_t kept_bytes;
    struct xa_put *puts, **puts_end;
    struct xa_prepared *building; /* The transaction at hand. */
    struct bytebuf piece;         /* Its last piece. */
    struct xa_prepared *ending;   /* What the statement at hand ends. */
    bool is_commit;
    struct xa_prepared *replayed; /* Its events come now, before the commit at hand. */
    uint32_t next_piece;
    struct bytebuf loaded; /* The piece at hand, and how much of it was taken. */
    size_t taken;
    struct binlog_stream log;
    bool in_event;
};

void xa_init(struct xa *x);
void xa_release(struct xa *x);

/* ---- While events are decoded ---- */

/* Keeps an event of the transaction at hand, whose log has that format. */
void xa_stage(struct xa *x, const struct binlog_format *format, const struct binlog_event *ev);
/* The transaction at hand is prepared. 0, or -1 with d set. */
NODISCARD int xa_prepare(struct xa *x, const struct binlog_format *format,
                         const struct binlog_xid *xid, struct diag *d);
/* A statement: XA COMMIT and XA ROLLBACK say what the transaction at hand ends. 0, or -1 with d
 * set: nothing is known of what it commits, or it cannot be read. */
NODISCARD int xa_statement(struct xa *x, struct str sql, struct arena *scratch, struct diag *d);
/* The transaction at hand is committed: are there events to be given first? */
NODISCARD bool xa_begin_replay(struct xa *x);
/* The transaction at hand is done: what it has ended is forgotten. */
void xa_end(struct xa *x);
/* It is taken back. */
void xa_undo(struct xa *x);

/* An event of the one that is replayed, for x->log; NULL string: a piece must be loaded first, or
 * *out_end: there is no more. */
NODISCARD struct str xa_next_event(struct xa *x, bool *out_end);

/* ---- The store; offload threads ---- */

/* Forgets all and reads what is stored. */
NODISCARD int xa_load(struct xa *x, struct engine_session *s, struct diag *d);
/* Reads the next piece for xa_next_event(). */
NODISCARD int xa_load_piece(struct xa *x, struct engine_session *s, struct diag *d);
/* Takes what is to be stored; the caller frees it. */
NODISCARD struct xa_put *xa_take_puts(struct xa *x);
void xa_puts_free(struct xa_put *puts);
NODISCARD int xa_store(const struct xa_put *puts, struct engine_session *s, struct diag *d);
/* Removes all records. */
NODISCARD int xa_remove_all(struct engine_session *s, struct diag *d);

#endif
