/*
 * Reads of the copy within a passthrough session (pintail_route = column): a SELECT of the copy's
 * tables is run here, as in a session without an upstream; everything else goes upstream.
 *
 *   session state   database, sql_mode, character sets, time zone, limits: asked of the upstream
 *                   before a read, when a statement may have changed them
 *   privileges      the upstream prepares the statement in the user's name: an error is the answer
 *   freshness       pintail_freshness: the copy is waited for up to where the upstream is now
 *
 * Refused (1235) rather than answered wrongly: what depends on the connection or on user variables,
 * locking reads, reads in a transaction that has written, sessions that may have temporary tables.
 * A router belongs to its session's fiber.
 */
#ifndef SESSION_ROUTE_H
#define SESSION_ROUTE_H

#include "session/session_int.h"
#include "sql/effects.h"

/* Prepared statements of the copy have numbers from here on, out of the way of the upstream's and
 * of those that are carried along (statements.h). */
#define ROUTE_FIRST_STMT UINT32_C(0x60000000)

enum {
    ROUTE_ALLOWED_MAX = 32,             /* Statements whose privileges are remembered. */
    ROUTE_ALLOWED_US = 1 * 1000 * 1000, /* For how long: a REVOKE takes effect after it. */
};

/* A statement that the upstream has allowed. */
struct route_allowed {
    uint64_t hash[2];
    uint64_t until_us;
};

struct router {
    bool stale;           /* the upstream session's settings may have changed */
    bool dirty;           /* the session may have written since its last read of the copy */
    bool wrote;           /* … in the open transaction */
    bool prepared_writes; /* a statement prepared upstream may write, or change settings */
    bool prepared_sets;
    bool is_last;            /* the last statement was answered here: SHOW WARNINGS is, too */
    bool last_prepared_here; /* id -1 of MariaDB's clients */
    struct route_allowed allowed[ROUTE_ALLOWED_MAX];
    unsigned allowed_next;
};

void router_init(struct router *r);
/* After login, COM_CHANGE_USER and COM_RESET_CONNECTION: nothing is known of the session. */
void router_reset(struct session *s, struct router *r);

/* A command is about to be sent upstream; e: of its text, NULL when it has none. */
void router_note(struct router *r, uint8_t command, const struct sql_effects *e);
/* Its reply has ended, outside of a transaction or in one. */
void router_replied(struct router *r, bool in_transaction);

/* Is the text, or the start of one that is not whole, for route_query() and route_prepare()? Cheap:
 * by its words. */
NODISCARD bool route_takes_text(struct session *s, const struct router *r, struct str text);
/* Is the command about a statement that was prepared here? */
NODISCARD bool route_takes_command(const struct router *r, struct str payload);

/* COM_QUERY, COM_STMT_PREPARE, and the commands about prepared statements: answers, or sends the
 * command upstream. */
void route_query(struct session *s, struct router *r, struct str payload);
void route_prepare(struct session *s, struct router *r, struct str payload);
void route_command(struct session *s, struct router *r, struct str payload);

#endif
