/*
 * Prepared statements of sessions that share connections (multiplex.h): the client has a number of
 * ours for each, the connections have theirs. A statement is prepared on a connection when it is
 * first executed there, and stays for whoever of that account and those settings executes the same
 * text; the types of parameters, which clients send once, are sent again where another statement's
 * were sent last.
 *
 *   session: stmts           number of ours -> text, types
 *   connection: conn_stmts   database and text -> the upstream's number, types bound last
 */
#ifndef SESSION_STATEMENTS_H
#define SESSION_STATEMENTS_H

#include "upstream/upstream.h"

#include "base/htab.h"
#include "wire/command.h"

/* Our numbers begin here, out of the way of the upstream's, which unmapped statements keep. */
#define STMTS_FIRST_ID UINT32_C(0x40000000)

enum {
    STMTS_TEXT_MAX = 64 * 1024, /* Longest text that is mapped. */
    STMTS_CONN_MAX = 200,       /* Statements a connection keeps between sessions. */
};

struct stmt_entry; /* statements.c */

struct stmts {
    struct htab by_id; /* 4 bytes of the number -> struct stmt_entry */
    uint32_t next_id;
    uint32_t last_id; /* id -1 of MariaDB's clients; 0 = none */
    unsigned held;    /* statements with a cursor or long data on the present connection */
    bool unreadable;  /* parameters were sent that could not be read: this connection is needed */
};

void stmts_init(struct stmts *s);
/* Forgets all: the session has ended, or COM_RESET_CONNECTION was answered. */
void stmts_clear(struct stmts *s);

/* The upstream on c has prepared text, in database db: returns our number for it, or 0 when it is
 * not mapped (no memory; another one has a cursor open, which might be of the same text). */
NODISCARD uint32_t stmts_add(struct stmts *s, struct upstream_conn *c, const char *db,
                             struct str text, unsigned effects, const struct wire_prepare_ok *p);

/* The number that a command's payload names, resolved when it is -1; 0 when it is not one of ours.
 */
NODISCARD uint32_t stmts_named(const struct stmts *s, struct str payload);

/* The text of a statement of ours, for the statistics. */
NODISCARD struct str stmts_text(const struct stmts *s, uint32_t id);

/* What executing it does to the session (enum sql_effect), as told to stmts_add(). */
NODISCARD unsigned stmts_effects(const struct stmts *s, uint32_t id);

/* COM_STMT_CLOSE. */
void stmts_remove(struct stmts *s, uint32_t id);

/*
 * Can the command (EXECUTE, BULK_EXECUTE, RESET, FETCH, SEND_LONG_DATA; whole, or its first
 * RELAY_PEEK_MAX bytes) go on as it is but for the number, which is then written into the payload?
 * Notes what it says of types, cursor and long data. False: stmts_send() has to send it.
 */
NODISCARD bool stmts_patch(struct stmts *s, struct upstream_conn *c, const char *db,
                           struct str payload, bool is_whole, struct arena *arena);

/* Prepares the statement on c where that is missing, and sends the command (whole). 0, or -1 with d
 * set. */
NODISCARD int stmts_send(struct stmts *s, struct upstream_conn *c, const char *db,
                         struct str payload, struct arena *arena, struct diag *d);

/* Writes the number that a command begins with, behind its first byte, into its payload, in the
 * buffer where that stands. The payload has at least 5 bytes. */
void stmts_set_number(struct str payload, uint32_t id);

/* Between two sessions: closes what is too many on c. 0, or -1 with d set. */
NODISCARD int stmts_trim(struct upstream_conn *c, struct diag *d);

#endif
