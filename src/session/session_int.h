/* The inside of session/. */
#ifndef SESSION_SESSION_INT_H
#define SESSION_SESSION_INT_H

#include "base/htab.h"
#include "base/log.h"
#include "base/rlist.h"
#include "exec/exec.h"
#include "net/conn.h"
#include "os/os_mutex.h"
#include "session/client_sink.h"
#include "session/session.h"
#include "wire/command.h"
#include "wire/reply.h"

#include <stdatomic.h>

/* Where a session stands; changed by session_set_state() only. */
enum session_state {
    SESSION_CONNECTING, /* handshake and login */
    SESSION_IDLE,       /* waits for a command: SHOW PROCESSLIST says Sleep */
    SESSION_BUSY,       /* runs one */
    SESSION_CLOSING,
};

struct sessions {
    struct server *server;
    struct loops *loops;
    struct tls_slot *tls;
    struct auth_rsa *rsa;
    struct proxy_networks proxy_networks;
    struct os_mutex lock; /* protects what follows; a leaf but for session.x.engine_lock */
    struct rlist list;    /* struct session, in order of id */
    uint32_t count;
    uint64_t next_id;
    struct rlist watched; /* sessions with a deadline or an interrupt that must reach the engine */
    struct fiber *watchdog;
    bool stopping;
    _Atomic(bool) killing;  /* waiting for statements has ended: sessions_kill_all() */
    struct htab sha2_cache; /* stored authentication string -> struct sha2_entry */
    struct htab failures;   /* client host -> struct login_failures */
    struct metric *bytes_received;
    struct metric *bytes_sent;
};

struct prepared; /* prepared.c */
struct passthrough;

struct session {
    struct exec_session x; /* first: an exec_session of ours is a session */
    /* What every command works on stands together, up to the connection. */
    struct sessions *all;
    struct passthrough *pass;   /* passthrough.c; NULL without an upstream */
    uint64_t upstream_id;       /* number of its connection there; under all->lock */
    int kills;                  /* on their way to that connection; under all->lock */
    bool on_copy;               /* reads the copy: KILL is for us too; under all->lock */
    bool quit;                  /* the connection ends after this command */
    uint16_t upstream_status;   /* status flags there, with an upstream: also of our replies */
    enum session_state state;   /* under all->lock for the eyes of others */
    uint8_t command;            /* being run; under all->lock */
    atomic_bool interrupt_sent; /* the watchdog repeats it. Written under all->lock */
    uint16_t info_len;          /* of info */
    int64_t state_since_us;
    struct str shown_db; /* for SHOW PROCESSLIST, see info; in shown_db_buf */
    uint64_t counted_in; /* of conn.bytes_in and bytes_out, in the metrics */
    uint64_t counted_out;
    struct rlist watch; /* in all->watched, or linked to itself */
    struct conn conn;
    struct client_sink sink;
    struct log log;
    struct rlist link; /* in all->list */
    uint64_t
        deadline_us; /* of the running statement (max_execution_time); 0 = none. Under all->lock */
    struct sock_peer peer;
    char host_text[300]; /* "host:port"; for the eyes of others, under all->lock */
    char user_text[130]; /* like this */
    uint64_t account_id; /* 0 before the login; under all->lock */
    /* For SHOW PROCESSLIST, under all->lock: x.db as the statement began, which others may not
     * read from x, and the start of its text. */
    char shown_db_buf[256];
    char info[1024];
    uint8_t nonce[WIRE_NONCE_LEN];
    uint64_t client_capabilities; /* negotiated: also x.capabilities */
    bool multi_statements;        /* COM_SET_OPTION may change it */
    bool tls;
    struct htab prepared; /* 4 bytes of the id -> struct prepared */
    uint32_t next_stmt_id;
    struct prepared *last_prepared; /* id -1 of MariaDB's clients */
    bool infile_active;             /* LOCAL INFILE: the client is sending */
};

/* ---- session.c ---- */

/* Begins or ends a command; the statement it runs is not known yet. */
void session_set_state(struct session *s, enum session_state state, uint8_t command);
/* A statement begins: its text, for SHOW PROCESSLIST. */
void session_set_info(struct session *s, struct str text);
/* When a login that is begun now, or a connection to an upstream, has taken too long
 * (connect_timeout). */
NODISCARD uint64_t session_connect_deadline(const struct session *s);
/* Time a read of the next command may take, and one of a reply's part: clock_monotonic_us()
 * deadlines. */
NODISCARD uint64_t session_read_deadline(const struct session *s);
NODISCARD uint64_t session_write_deadline(const struct session *s);
/* Reads the next packet within a command (authentication data, a file's content). 0, or -1: the
 * connection is lost or diag says why. */
NODISCARD int session_read(struct session *s, struct str *out);
NODISCARD int session_flush(struct session *s);

/* ---- login.c ---- */

/* Handshake to OK. Returns 0, or -1 after an ERR was sent or the client had gone. */
NODISCARD int session_login(struct session *s);
NODISCARD int session_change_user(struct session *s, struct str payload);
void login_release_caches(struct sessions *all);

/* ---- reply.c ---- */

enum reply_flags {
    REPLY_MORE_RESULTS = 1u << 0,
};

/* OK of the statement just run (x.result); ERR of x.diag; the end of rows. Encoded, not flushed. */
void reply_ok(struct session *s, unsigned flags);
void reply_error(struct session *s);
/* ERR of another diag. */
void reply_error_of(struct session *s, const struct diag *diag);
void reply_end_of_rows(struct session *s, unsigned flags);
/* EOF after column definitions, where the client wants one; extra: SERVER_STATUS_CURSOR_EXISTS, …
 */
void reply_eof(struct session *s, unsigned extra_status);
/* A plain OK with no numbers. */
void reply_simple_ok(struct session *s);
/* SERVER_STATUS_… that replies have: with an upstream the session is in its transactions. */
NODISCARD uint16_t reply_status(const struct session *s);

/* ---- commands.c ---- */

/* A handler of the command table. payload includes the command byte. Returns 0 to go on, -1 when
 * the connection is lost. */
typedef int command_fn(struct session *s, struct str payload);

command_fn command_quit, command_init_db, command_query, command_field_list, command_statistics,
    command_ping, command_process_kill, command_set_option, command_reset_connection,
    command_change_user, command_unknown;

/* Runs a parsed statement and writes its reply. Shared by COM_QUERY and COM_STMT_EXECUTE. */
NODISCARD int session_run(struct session *s, struct stmt *stmt, bool binary, unsigned flags);

/* A text of the client's as UTF-8: borrowed, or in the statement's arena. 0, or -1 with x.diag set.
 */
NODISCARD int session_to_utf8(struct session *s, struct str text, struct str *out);

/* ---- prepared.c ---- */

command_fn command_stmt_prepare, command_stmt_execute, command_stmt_send_long_data,
    command_stmt_close, command_stmt_reset, command_stmt_fetch;
void session_free_prepared(struct session *s);
/* The text of a prepared statement, UTF-8; id as in commands. p NULL = there is none. */
NODISCARD struct str session_prepared_text(struct session *s, uint32_t id);

/* ---- accounting.c ---- */

/* Where a statement's account begins. */
struct statement_account {
    uint64_t started_us; /* clock_monotonic_us() */
    uint64_t bytes_before;
};

/* Around a statement, from its text to the reply's end: what it took goes to the statistics. text:
 * of this one statement, UTF-8. */
void session_account_begin(struct session *s, struct statement_account *a);
void session_account_end(struct session *s, const struct statement_account *a, struct str text,
                         bool failed);
/* Adds the connection's bytes since the last call to the metrics. */
void session_count_bytes(struct session *s);
/* Registers the metrics of sessions; forgets them. */
void accounting_start(struct sessions *all);
void accounting_stop(struct sessions *all);

/* ---- registry.c ---- */

/* Puts the session on the list and gives it its id; takes it off. */
void registry_add(struct session *s);
void registry_remove(struct session *s);
/* Interrupts the session's fiber and whatever its engine does, until the statement has ended. Any
 * thread. */
void registry_interrupt(struct session *s, unsigned reason);
/* With an upstream, KILL for what that does not see: a read of the copy, or a session that has no
 * connection now. `user`: only if it is his; empty: whoever's. Returns whether there is such a
 * session. Any thread. */
bool registry_kill_here(struct sessions *all, uint64_t id, struct str user, bool query_only);
NODISCARD bool registry_has(struct sessions *all, uint64_t id);
/* Has the watchdog end the statement at a time of clock_monotonic_us(); 0 = no more. */
void registry_set_deadline(struct session *s, uint64_t deadline_us);

#endif
