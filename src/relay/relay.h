/*
 * relay: moves commands of a client to an upstream server and the replies back, without decoding
 * rows.
 *
 *   client ──► conn.in ──► commands looked at, bytes sent as they came ──────────► upstream
 *   client ◄── bytes as they came, or conn.out where a packet must change ◄── conn.in ◄── upstream
 *
 * One fiber does both directions: at most one read and one write per direction and wake-up, whole
 * buffers at a time. What cannot be sent stays in the buffer it came in, and its source is not read
 * until there is room: a slow client never fills memory. Commands may be pipelined; their replies
 * are followed in order (wire/reply_track.h).
 *
 * The upstream connection has CLIENT_SESSION_TRACK, and CLIENT_DEPRECATE_EOF if the client has it,
 * or others use the connection too. For a client without them EOF packets are put in, and session
 * state is taken out; from the first packet put in, the sequence numbers of the reply are shifted.
 *
 * The owner (session/passthrough.c) sees each command before it is sent and each reply at its end
 * through hooks. A relay belongs to one fiber.
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "upstream/upstream.h"

#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"
#include "net/conn.h"
#include "wire/reply_track.h"

enum {
    RELAY_PEEK_MAX = 64 * 1024,    /* Of a command's payload, that much is shown to its hook. */
    RELAY_BUFFER_MAX = 256 * 1024, /* Bytes received and not sent, per direction. */
    RELAY_PIPELINE_MAX = 64,       /* Commands sent whose replies are still to come. */
    RELAY_HOT_RANGES = 5,          /* The first so many of fiber_set_hot() are the relay's. */
};

/* A command, seen before it is sent. */
struct relay_command {
    uint8_t command;    /* enum wire_command */
    struct str payload; /* With the command byte; cut at RELAY_PEEK_MAX. */
    bool is_whole;
    uint64_t token; /* Out: given back with the reply. */
};

enum relay_verdict {
    RELAY_FORWARD, /* send it */
    RELAY_STOP,    /* leave it: relay_run() returns RELAY_COMMAND once all before it is answered */
};

/* A reply at its end. */
struct relay_reply {
    uint8_t command;
    uint64_t token;
    uint64_t started_us;             /* clock_monotonic_us() when the command was sent */
    uint64_t bytes;                  /* of the reply */
    const struct reply_track *track; /* status, rows; ok or err of the last packet */
};

struct relay;

struct relay_hooks {
    /* May park, and may set or change the upstream connection by relay_set_upstream() when nothing
     * is outstanding. Required. */
    enum relay_verdict (*command)(void *arg, struct relay *r, struct relay_command *c);
    /* May not park. May be NULL. */
    void (*replied)(void *arg, struct relay *r, const struct relay_reply *reply);
    /* A statement has been prepared: returns the number that the client is told. May not park.
     * NULL: the upstream's. */
    uint32_t (*prepared)(void *arg, struct relay *r, const struct wire_prepare_ok *p);
    /* A change of session state in a reply. Returns whether the client is told. NULL: it is. */
    bool (*tracked)(void *arg, const struct wire_track *t);
};

/* Why relay_run() returned. The same relay can be run again after the first five. */
enum relay_end {
    RELAY_COMMAND,        /* a command to be handled by the owner is next in the client's input */
    RELAY_RELEASE,        /* relay_ask_release() was said and nothing is outstanding */
    RELAY_INTERRUPTED,    /* fiber_interrupt() */
    RELAY_IDLE,           /* the deadline passed with nothing outstanding */
    RELAY_CLIENT_STALLED, /* the client has taken nothing for the write time-out */
    RELAY_CLIENT_GONE,    /* it hung up, or broke the protocol (d is set) */
    RELAY_UPSTREAM_GONE,  /* it hung up, took nothing of a command for its write time-out, or broke
                             the protocol (d is set: 2013) */
};

/* A command whose reply is still to come. */
struct relay_sent {
    uint8_t command;
    uint64_t token;
    uint64_t started_us;
};

/* Fields are the relay's own but for those named in the functions. */
struct relay {
    struct conn *client;
    uint64_t client_capabilities;
    struct upstream_conn *up; /* NULL: none at the moment */
    const struct relay_hooks *hooks;
    void *arg;
    uint64_t write_timeout_us;
    uint64_t idle_deadline_us; /* how long a command is waited for */

    /* Client to upstream. */
    size_t approved_up;    /* bytes at the front of the client's input that are to be sent */
    size_t skip_up;        /* bytes of the packet being read that are still to come */
    bool continued_up;     /* the next packet continues the command */
    bool infile;           /* the client sends a file */
    uint8_t up_seq;        /* of the next packet to the upstream, where the client's do not count */
    bool stopped;          /* the next command is the owner's */
    bool held;             /* a command waits for those before it: see may_follow() */
    bool client_dry;       /* layers hold input, but not enough for a read */
    bool file_up;          /* what is sent is a file, or was the last that was */
    bool last_is_expected; /* the last command sent has a reply */
    uint64_t up_stalled_since_us; /* the upstream takes nothing; 0 = it does */

    /* Upstream to client. */
    size_t approved_down;
    size_t skip_down;
    size_t need; /* bytes the next packet needs in the buffer before it can be looked at */
    struct reply_track track;
    bool tracking;
    bool up_dry;
    uint8_t shift;      /* what the client's sequence numbers are ahead by */
    uint8_t client_seq; /* of the next packet to the client */
    bool eof_due;       /* an EOF is to be put in before the next packet */
    size_t eof_at;      /* where in client->out the last one put in stands, plus 1; 0 = sent */
    uint64_t reply_bytes;
    uint64_t stalled_since_us; /* the client takes nothing; 0 = it does */
    bool release;

    unsigned sent_at, sent_count;
    struct relay_sent sent[RELAY_PIPELINE_MAX]; /* ring; last, as little of it is in use */
};

/* client stays the caller's. */
void relay_init(struct relay *r, struct conn *client, uint64_t client_capabilities,
                const struct relay_hooks *hooks, void *arg);

/* The connection that commands go to from now on; NULL = none. Only when relay_is_idle(). */
void relay_set_upstream(struct relay *r, struct upstream_conn *up);

/* Nothing outstanding, nothing buffered towards either side. */
NODISCARD bool relay_is_idle(const struct relay *r);

/* From the replied hook: how long the next command is waited for, in place of what relay_run() was
 * told. */
void relay_set_idle_deadline(struct relay *r, uint64_t idle_deadline_us);

/* From the replied hook: relay_run() is to return RELAY_RELEASE as soon as it is idle. */
void relay_ask_release(struct relay *r);

/* The owner has sent a command upstream by itself, while the relay was idle: its reply is relayed.
 */
void relay_expect(struct relay *r, uint8_t command, uint64_t token);

/* The token of the command whose reply is being relayed. */
NODISCARD uint64_t relay_token(const struct relay *r);

/* Relays until something else has to be done. idle_deadline_us: how long a command is waited for.
 */
NODISCARD enum relay_end relay_run(struct relay *r, uint64_t idle_deadline_us, struct diag *d);

/* Can an ERR still be sent in place of what is missing of a reply? False in the middle of a packet.
 * On true client->w.seq is set for it. */
NODISCARD bool relay_can_report(struct relay *r);

#endif
