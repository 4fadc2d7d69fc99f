/*
 * source: the log of a real server as a stream of blocks of events. A fiber connects as a replica,
 * asks for everything after a position and fills blocks; it reconnects with back-off when the
 * connection is lost, from the position it is told by restart(). What prevents going on at all (the
 * position is purged, the format is STATEMENT, a missing grant) ends it with a diag that says what
 * to do.
 *
 *     s = change_source_start(&options, &position)
 *     while ((rc = change_source_take(s, deadline, &block, d)) …)
 *         … change_block_next() …
 *         change_source_give_back(s, block)
 *
 * Memory is bounded: the fiber stops reading when `queue_bytes` are not taken yet, and the source
 * feels it. One consumer, in a fiber of any loop.
 */
#ifndef CHANGE_SOURCE_H
#define CHANGE_SOURCE_H

#include "binlog/event.h"
#include "change/position.h"
#include "upstream/upstream.h"

#include "base/log.h"

/*
 * Events, one behind the other, whole, with their checksums; but those before the first format
 * description of a connection come without, so that decoding always begins with
 * BINLOG_CHECKSUM_NONE.
 */
struct change_block {
    struct rlist link;   /* The source's. */
    uint64_t generation; /* Of the connection; see CHANGE_SOURCE_RESTARTED. */
    uint32_t count;
    size_t len, cap;
    size_t at;          /* Next event; change_block_next(). */
    char *data;         /* For each: its length (4 bytes) and its bytes. */
    char source_id[64]; /* change_position.source_id of the server that sent them. */
};

/* The next event of a block: its bytes, borrowed from the block, or false. */
NODISCARD bool change_block_next(struct change_block *b, struct str *out);

enum change_take {
    CHANGE_TAKE_BLOCK,
    CHANGE_TAKE_TIMEOUT,   /* The deadline passed, or change_source_nudge() was called. */
    CHANGE_TAKE_RESTARTED, /* The connection is a new one: all not yet committed is forgotten, its
                              events come again from the position given to restart(). */
    CHANGE_TAKE_ENDED,     /* By itself: d is set; or by stop(). */
};

struct change_source_options {
    struct upstream *upstream; /* logged in to with its own account */
    struct loop *loop;
    uint32_t server_id; /* Ours, as a replica; 0 = one is made up and kept by the caller. */
    uint64_t heartbeat_us;
    uint64_t retry_us; /* Between attempts, growing to 32 times as much. */
    size_t queue_bytes;
    size_t
        block_bytes; /* A block is handed over when it is so full, or when nothing more is there. */
    uint32_t max_event_bytes;
};

struct change_source;

/* Starts the fiber. NULL when there is no memory. The position is copied. */
NODISCARD struct change_source *change_source_start(const struct change_source_options *o,
                                                    const struct change_position *from);
/* Ends it and waits for that. NULL is harmless. */
void change_source_stop(struct change_source *s);

NODISCARD enum change_take change_source_take(struct change_source *s, uint64_t deadline_us,
                                              struct change_block **out, struct diag *d);
void change_source_give_back(struct change_source *s, struct change_block *b);
/* Makes take() return, from any thread: somebody wants the consumer's attention. */
void change_source_nudge(struct change_source *s);

/* After CHANGE_TAKE_RESTARTED, or to begin again on its own account: where to go on. */
void change_source_restart(struct change_source *s, const struct change_position *from);

/* Is the source's end of log reached: everything that was there when the server last waited has
 * been taken? */
NODISCARD bool change_source_is_idle(const struct change_source *s);

/* For SHOW REPLICA STATUS. Any thread. */
struct change_source_status {
    const char
        *state; /* MySQL's words: "Waiting for source to send event", "Connecting to source", … */
    bool connected;
    int last_errno;
    char last_error[1024];
    uint64_t last_error_us; /* wall clock */
    uint64_t retries;
    uint64_t bytes, events;     /* received */
    uint64_t last_heartbeat_us; /* wall clock */
    enum upstream_kind kind;
    char version[128];
    char source_id[64];
    uint32_t source_server_id;
    char file[CHANGE_FILE_MAX]; /* read so far */
    uint64_t offset;
};
void change_source_status(struct change_source *s, struct change_source_status *out);
/* The GTIDs of all that has been received, with what was applied before; of mode CHANGE_BY_FILE
 * none. In arena. Any thread. */
NODISCARD struct str change_source_received(struct change_source *s, struct arena *arena);

/* ---- Prerequisites (source_check.c) ---- */

/*
 * Can this server be followed? Checks log_bin, binlog_format, binlog_row_image (MariaDB: FULL
 * only), binlog_do_db / ignore_db, log_replica_updates when it is itself a replica, sync_binlog,
 * the account's grants, whether GTIDs are on. Findings that prevent it set d (what to change, in
 * words: one text with all of them) and return -1; others are logged as warnings. *out_mode and
 * source_id, file, offset of *out_now: the source's position of now.
 */
NODISCARD int change_source_check(struct upstream_conn *c, struct log *log, struct diag *d,
                                  struct change_position *out_now);

/* May trying again help after an error of reaching, logging in to, or checking the source? False
 * where somebody has to mend something first: rights, settings, what its log no longer has. */
NODISCARD bool change_source_error_passes(const struct diag *d);

/*
 * For the first start: the rows of distributed transactions that are prepared now stand in the log
 * before now, and their ends come without them. 0 when there are none (or the server does not let
 * us see, which is logged); -1 with d set: ER_XAER_OUTSIDE when there are, which is to be waited
 * for, or the connection's error.
 */
NODISCARD int change_source_check_xa(struct upstream_conn *c, struct log *log, struct diag *d);

#endif
