/*
 * What a session has on its upstream connection, and how it gets that on another one.
 *
 * With pool.mode transaction a session gives its connection back between transactions, and takes
 * any connection of its account for its next command. What it has set is carried along; while it
 * holds something that cannot be carried it keeps its connection. With pool.mode session the same
 * is known of a session, to go on with a new connection after the upstream was restarted: it is
 * read where the client cannot tell, behind a SELECT of one row.
 *
 *   carried   database, session variables, character sets, LAST_INSERT_ID(),
 *             prepared statements (statements.h)
 *   pinned    user variables, temporary tables, locks, roles, CALL, cursors, PREPARE,
 *             what is not known, what stored functions and triggers have set: until
 *             COM_RESET_CONNECTION or COM_CHANGE_USER. A reset restores neither the role nor what
 *             COM_SET_OPTION has set: a session with another role than at login, or with such an
 *             option, goes on keeping its connection.
 *   held      while the next command may ask for it: warnings and errors, FOUND_ROWS after
 *             SQL_CALC_FOUND_ROWS; ROW_COUNT() for MUX_HOLD_US
 *
 * Statements are told by their texts. What routines and triggers do inside shows in the changes of
 * session state that shared connections are made to report (session_track_state_change).
 *
 * The settings of a session are kept as the SET statement that gives them to a connection, read
 * back from the server after each change: what the server says is what is carried. A connection
 * remembers the settings it has; where they are the session's own nothing is sent.
 */
#ifndef SESSION_MULTIPLEX_H
#define SESSION_MULTIPLEX_H

#include "upstream/upstream.h"

#include "sql/effects.h"
#include "wire/reply_track.h"

enum {
    MUX_VARIABLES_MAX = 64,   /* Variables a session may have changed; more pin it. */
    MUX_HOLD_US = 250 * 1000, /* How long a connection waits for ROW_COUNT(). */
};

/* Why a session keeps its connection. */
enum mux_pin {
    MUX_PIN_USER_VARIABLE = 1u << 0,
    MUX_PIN_TEMPORARY_TABLE = 1u << 1,
    MUX_PIN_LOCK = 1u << 2,
    MUX_PIN_PREPARED = 1u << 3, /* PREPARE */
    MUX_PIN_ROLE = 1u << 4,
    MUX_PIN_PROGRAM = 1u << 5,
    MUX_PIN_UNKNOWN = 1u << 6,
    MUX_PIN_VARIABLE = 1u << 7,    /* one that cannot be carried */
    MUX_PIN_DATABASE = 1u << 8,    /* it had none at login, or has lost it */
    MUX_PIN_OPTION = 1u << 9,      /* COM_SET_OPTION */
    MUX_PIN_STATEMENTS = 1u << 10, /* COM_STMT_PREPARE */
    MUX_PIN_NEXT_TRANSACTION = 1u << 11,
    MUX_PIN_BINLOG = 1u << 12,
};

struct mux {
    bool shares;            /* pool.mode transaction */
    unsigned pins;          /* enum mux_pin */
    unsigned mapped;        /* statements.h: prepared, and carried along */
    unsigned statements;    /* prepared and not closed */
    bool has_db;            /* at login */
    bool changed;           /* settings are to be read back, */
    bool reading_changed;   /* among them how texts are read: database, sql_mode, character sets */
    bool doubts_role;       /* since a reset the role may be another than at login */
    bool tells_state;       /* the client wants to be told of changes of session state, */
    bool told_at_login;     /* as each one does here */
    bool state_changed;     /* the reply under way tells of one */
    bool insert_id;         /* LAST_INSERT_ID() is to be carried */
    bool insert_id_lost;    /* it was on a connection that is gone */
    bool moved;             /* the connection is not the one of the last statement */
    bool has_conditions;    /* warnings or an error of an earlier statement are on the connection */
    bool lets_linger;       /* MariaDB keeps them over statements that use no table, */
    bool conditions_linger; /* as may be the case now */
    bool conditions_lost;   /* they were on a connection that was given back, or is gone */
    bool reads_conditions;  /* the running statement looks at them, and leaves them there */
    bool held;              /* for the next command */
    uint64_t held_until_us; /* 0: without end */
    unsigned may_change;    /* commands outstanding that are known to change session state, */
    unsigned changes;       /* and those whose replies have told of it */
    char *settings;         /* SET statement */
    char *db;               /* "" = none */
    char *charsets;         /* SET statement of the login's character sets */
    char *role;             /* at login */
    uint64_t idle_timeout_us; /* the session's wait_timeout */
    unsigned name_count;
    char *names[MUX_VARIABLES_MAX]; /* changed by the session, owned */
};

void mux_release(struct mux *m);

/*
 * After login, on the session's first connection. With shares its settings are read from there;
 * else they are what a login with this collation and database has, until a statement changes them.
 * 0, or -1 with d set.
 */
NODISCARD int mux_start(struct mux *m, struct upstream_conn *c, bool shares, uint16_t collation,
                        struct str database, struct diag *d);

/* Reads changed settings now. 0, or -1 with d set. */
NODISCARD int mux_refresh(struct mux *m, struct upstream_conn *c, struct diag *d);

/* COM_RESET_CONNECTION has been answered: what pinned is gone, but for what a reset leaves. */
void mux_reset(struct mux *m);

/* Gives a shared connection that has just been reset what a login of this session has, and reads
 * the settings. 0, or -1 with d set. */
NODISCARD int mux_restore(struct mux *m, struct upstream_conn *c, struct diag *d);

/* At the end of the session: may it have chosen a database on a connection that had none? None can
 * be taken from it. */
NODISCARD bool mux_may_have_db(const struct mux *m);

/* At the end of the session: has c the role that its login gave it? */
NODISCARD bool mux_has_own_role(struct mux *m, struct upstream_conn *c);

/* A text is about to be sent, to be executed or prepared: notes what it may set. */
void mux_note(struct mux *m, const struct sql_effects *e);

/* May a statement with these effects (enum sql_effect) be executed now? 0, or -1 with d set (1235):
 * it asks for what an earlier one left on a connection that the session no longer has. */
NODISCARD int mux_check(const struct mux *m, unsigned effects, struct diag *d);

/* It is about to be executed. */
void mux_statement(struct mux *m, unsigned effects);

/* COM_INIT_DB is about to be sent. */
void mux_use(struct mux *m);

/* A reply tells of a change of session state. Returns whether the client is told. */
NODISCARD bool mux_tracked(struct mux *m, const struct wire_track *t);

/* A reply has ended; others may be outstanding. */
void mux_count_change(struct mux *m);

enum mux_next {
    MUX_KEEP, /* in a transaction, or pinned */
    MUX_HOLD, /* until the next command, or m->held_until_us */
    MUX_FREE, /* give it back, or read what has changed: mux_leave() */
};

/* A reply has ended and nothing else is outstanding. */
NODISCARD enum mux_next mux_after_reply(struct mux *m, const struct reply_track *t,
                                        uint16_t status);

/* Before the connection is given back: reads changed settings, and notes on the connection what it
 * has. Returns 0; 1 when the session keeps it; -1 with d set (c is broken). */
NODISCARD int mux_leave(struct mux *m, struct upstream_conn *c, uint64_t session_id,
                        struct diag *d);

/* Gives a connection taken from the pool the session's settings. 0, or -1 with d set (c is to be
 * dropped). */
NODISCARD int mux_enter(struct mux *m, struct upstream_conn *c, uint64_t session_id,
                        struct diag *d);

/* Can the session go on with another connection when this one is lost now? */
NODISCARD bool mux_can_move(const struct mux *m);

/* It was lost, and the session goes on. */
void mux_lost(struct mux *m);

/* "pinned: user variable", …: the first reason, or NULL when nothing keeps the connection. Static.
 */
NODISCARD const char *mux_pin_reason(const struct mux *m);

#endif
