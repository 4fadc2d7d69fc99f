/* What the files of the source share. */
#ifndef CHANGE_SOURCE_INT_H
#define CHANGE_SOURCE_INT_H

#include "binlog/stream.h"
#include "change/source.h"

#include "os/fiber.h"
#include "os/os_mutex.h"

#include <stdatomic.h>
#include <string.h>

/* ---- Queue of blocks (source_queue.c): one fiber puts, one takes, of any loops. ---- */

struct change_queue {
    struct os_mutex lock; /* Protects the rest; a leaf. */
    struct rlist full;    /* In order. */
    struct rlist spare;   /* Of block_bytes each. */
    uint32_t spare_count;
    size_t used; /* Bytes of memory of those in full. */
    size_t max;
    size_t block_bytes;
    uint64_t generation;    /* Blocks of another are dropped. */
    struct fiber *producer; /* Waits for room, or for change_queue_restart(); borrowed. */
    struct fiber *consumer; /* Waits in take(); borrowed. */
    bool is_nudged;
    bool is_lost;      /* The connection; take() is to say so after the blocks. */
    bool has_ended;    /* Nothing more will be put. */
    struct diag error; /* Why, if by itself. */
};

void change_queue_init(struct change_queue *q, size_t max, size_t block_bytes);
void change_queue_release(struct change_queue *q);

/* An empty block of this generation with room for an event of len bytes; NULL without memory. */
NODISCARD struct change_block *change_queue_new_block(struct change_queue *q, uint64_t generation,
                                                      size_t len);
/* In front of each event is its length. */
NODISCARD static inline bool change_block_has_room(const struct change_block *b, size_t len)
{
    return len + sizeof(uint32_t) <= b->cap - b->len;
}

/* There is room. */
static inline void change_block_add(struct change_block *b, struct str event)
{
    const uint32_t len = (uint32_t)event.len;
    memcpy(b->data + b->len, &len, sizeof(len));
    memcpy(b->data + b->len + sizeof(len), event.p, event.len);
    b->len += sizeof(len) + event.len;
    b->count++;
}

/* Hands a block over, waiting for room; takes it in any case. False when interrupted meanwhile. */
NODISCARD bool change_queue_put(struct change_queue *q, struct change_block *b);
/* Is nothing left to take? */
NODISCARD bool change_queue_is_empty(struct change_queue *q);
/* Has take() say CHANGE_TAKE_RESTARTED after what was put, then waits for
 * change_queue_restart(), or an interrupt. */
void change_queue_announce_loss(struct change_queue *q, uint64_t generation);
/* Nothing more will come. error NULL: no error. */
void change_queue_end(struct change_queue *q, const struct diag *error);

NODISCARD enum change_take change_queue_take(struct change_queue *q, uint64_t deadline_us,
                                             struct change_block **out, struct diag *d);
void change_queue_give_back(struct change_queue *q, struct change_block *b);
void change_queue_nudge(struct change_queue *q);
/* Drops what is there; from now on only blocks of the new generation, which it returns. */
uint64_t change_queue_restart(struct change_queue *q);

/* ---- The source ---- */

struct change_source {
    struct change_source_options o;
    struct log log;
    struct fiber *fiber;
    struct change_queue queue;
    _Atomic(bool) is_waiting; /* The server has nothing more, as far as can be seen. */

    struct os_mutex lock;        /* Protects the next five; before the queue's. */
    struct change_position from; /* Where to begin. */
    uint64_t from_generation;    /* Of the blocks from there on. */
    struct change_position got;  /* That place, with the GTIDs that have come since. */
    struct change_source_status status;
    bool is_stopping;

    /* The fiber's own. */
    struct upstream_conn *c;
    uint64_t generation;
    struct change_position position; /* The connection's, copied from `from`. */
    struct binlog_format format;     /* What rotates and format descriptions need. */
    bool has_format;
    struct change_tail *tail; /* The check of the last transaction, while it lasts. */
    char source_id[64];       /* The server's, as in change_position. */
    bool is_same;             /* The server is the one that the position is of. */
    unsigned clashes;         /* Times that another replica with our server id was in the way. */
    bool at_torn_end;         /* The log was cut off by a crash where the position may be. */
    bool tail_is_gone;        /* The check is impossible: the server has no longer what it needs. */
    bool place_is_gone;       /* What it compares is not where it was. */
    struct change_block *fill;
    struct { /* Not yet added to status. */
        uint64_t bytes, events, heartbeat_us;
        char file[CHANGE_FILE_MAX];
        uint64_t offset;
    } seen;
    uint64_t received; /* Events on this connection. */
};

/* Says what the source is doing, in MySQL's words; a string of static storage. */
void change_source_set_state(struct change_source *s, const char *state);

/* ---- Connecting (source_connect.c) ---- */

/* What an error means for going on. */
enum change_outcome {
    CHANGE_OK,
    CHANGE_LOST,  /* It may work later: reconnect. */
    CHANGE_FATAL, /* It will not by itself. */
};

/*
 * Connects, checks that s->position can be gone on from there, and asks for the log: s->c then
 * sends events. d says what is wrong otherwise; s->c is NULL then.
 */
NODISCARD enum change_outcome change_source_connect(struct change_source *s, struct diag *d);

/* Ends the connection, if there is one. */
void change_source_disconnect(struct change_source *s);

/* Of an error that the server sent or upstream_lost() set; may replace it by one that says what to
 * do. */
NODISCARD enum change_outcome change_source_judge(struct change_source *s, struct diag *d);

/* ---- Recognising a source that has lost the end of its log (source_tail.c) ---- */

/*
 * The last transaction applied is asked for again, and compared by its hash: it is what the stream
 * begins with, and is not passed on.
 */
struct change_tail;

/* Whether the position allows the check: NULL if not. by_place: may the transaction be asked for
 * where it was in the log, too? */
NODISCARD struct change_tail *change_tail_new(const struct change_position *p, bool by_place);
/* Is it: by file and last_offset of its position? Not with NULL. */
NODISCARD bool change_tail_is_by_place(const struct change_tail *t);
void change_tail_free(struct change_tail *t);
/* The position to ask for: before the last transaction. Borrowed. */
NODISCARD const struct change_position *change_tail_from(const struct change_tail *t);

enum change_tail_result {
    CHANGE_TAIL_PASS,      /* The event is to be passed on. */
    CHANGE_TAIL_DROP,      /* It belongs to that transaction. */
    CHANGE_TAIL_SAME,      /* As DROP; the transaction has ended and is the one we know. */
    CHANGE_TAIL_OTHER,     /* It is another, or damaged: d says so. */
    CHANGE_TAIL_GONE,      /* As PASS; it is not there, so that nothing can be compared. */
    CHANGE_TAIL_ELSEWHERE, /* It is not at its place: to be asked for without. d may be set. */
};
/* f: of the log, as of this event. */
NODISCARD enum change_tail_result change_tail_event(struct change_tail *t,
                                                    const struct binlog_format *f, struct str event,
                                                    struct diag *d);

#endif
