/*
 * Running statements. A session embeds a struct exec_session and calls exec_statement() on its
 * fiber for each parsed statement; everything that touches the engine goes through the offload pool
 * in here.
 *
 *   exec_statement
 *     table of handlers by kind   (exec.c)   implicit commit, privileges that do not depend on
 * tables exec_select, exec_insert, … (select.c, dml*.c, ddl*.c, load_data.c, show*.c, set.c,
 * account.c) tables.c   name -> definition, metadata lock, privilege txn.c      begin / commit /
 * rollback, the writer lock eval.c     expressions without rows of an engine
 */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/htab.h"
#include "exec/server.h"
#include "exec/sink.h"
#include "sql/ast.h"
#include "sql/parse.h"
#include "sql/resolve.h"

/* Interrupt reasons (os/fiber.h) a session's fiber may get. */
enum exec_interrupt {
    INTERRUPT_KILL_QUERY = 1u << 0,
    INTERRUPT_KILL_CONNECTION = 1u << 1,
    INTERRUPT_TIMEOUT = 1u << 2, /* max_execution_time */
    INTERRUPT_CLIENT_GONE = 1u << 3,
    INTERRUPT_SHUTDOWN = 1u << 4,
};

/* A table held by the running statement (or, with its lock, by the transaction). */
struct open_table {
    struct open_table *next;
    struct table_def *def; /* counted */
    bool exclusive;
};

struct exec_session;
struct plan_memo; /* exec/plan_memo.h */

struct exec_savepoint;

struct exec_txn {
    bool active; /* BEGIN was said, or autocommit=0 and a statement has run */
    bool read_only;
    bool wrote;
    bool engine_open;                  /* engine_begin() was called */
    uint64_t savepoint;                /* engine_savepoint() when the running statement began */
    struct exec_savepoint *savepoints; /* SAVEPOINT: the latest first; in arena */
    uint64_t snapshot_seq;             /* server.commit_seq when it was */
    bool writer_held;
    struct open_table *tables; /* metadata locks kept to the end of the transaction */
    struct arena arena;        /* reset at the end of the transaction */
    uint32_t isolation;        /* enum isolation: of this transaction */
    uint32_t next_isolation;   /* SET TRANSACTION without scope: for the next one */
    uint32_t next_access;
    /* Called once the engine has committed, with the writer lock still held: DDL publishes its
     * definitions. NULL = none; forgotten when the transaction ends. */
    void (*on_commit)(struct exec_session *x, void *arg);
    void *on_commit_arg;
};

/* A user variable. */
struct user_var {
    struct str name;
    struct value value; /* in memory of the variable's own */
    struct sql_type type;
    char *buf;
    size_t cap;
};

/* A system variable whose change is reported by session tracking. */
struct tracked_var {
    struct tracked_var *next;
    struct str name;
    struct str value;
};

/* What became of the statement, for the OK packet. */
struct exec_result {
    bool has_rows; /* a result set was sent through the sink; else an OK is due */
    uint64_t affected_rows;
    uint64_t found_rows; /* rows matched (CLIENT_FOUND_ROWS makes affected_rows of it) */
    uint64_t insert_id;
    struct str info;             /* "Records: 3  Duplicates: 0  Warnings: 0"; p NULL = none */
    bool db_changed;             /* for session tracking */
    struct tracked_var *tracked; /* variables that SET has changed; in the statement's arena */
    bool release;                /* COMMIT RELEASE: the session ends after the reply */
    bool shows_warnings;         /* SHOW WARNINGS: the conditions are not of this statement */
    bool used_engine;            /* rows of tables were read or written: for statistics */
};

/* How a LOAD DATA LOCAL statement asks its client for the file. */
struct exec_client_ops {
    /* Asks for a file; from then on read_file gives its content. Returns 0, or -1 with diag. On the
     * fiber. */
    int (*request_file)(void *client, struct str name, struct diag *diag);
    /* Next piece, borrowed until the next call; empty at the end. */
    int (*read_file)(void *client, struct diag *diag, struct str *out);
    /* Sends an error before the statement has ended, in place of all that it has not sent yet; its
     * own end is not told any more. Returns false when that cannot be done now. On the fiber, while
     * the engine still runs. */
    bool (*tell_error)(void *client, const struct diag *diag);
};

struct table_lock; /* exec/table_locks.c */

/* What LOCK TABLES and FLUSH TABLES WITH READ LOCK hold until they are undone. */
struct exec_table_locks {
    uint32_t count; /* 0: any table may be used */
    struct table_lock *items;
    struct open_table *tables; /* their metadata locks */
    bool all_for_read;         /* FLUSH TABLES WITH READ LOCK */
    bool keeps_writer;         /* the writer lock outlasts transactions */
    struct arena arena;
};

struct exec_session {
    struct server *server;
    uint64_t id;
    struct fiber *fiber;
    struct arena arena;            /* of the session */
    struct arena stmt_arena;       /* of the statement */
    struct diag *diag;             /* diagnostics area of the statement being run */
    struct diag diag_areas[2];     /* the statement's, and the one SHOW WARNINGS reads; they swap */
    struct engine_session *engine; /* opened when first needed */
    struct engine_session
        *side_engine;            /* reads for a statement that writes (rows_source.c); else NULL */
    struct os_mutex engine_lock; /* a leaf: keeps both alive while another thread interrupts them */
    struct sysvars vars;
    struct arena vars_arena;
    struct account *account;   /* who the session is; counted */
    bool must_change_password; /* it has expired: 1820 for anything else */
    uint64_t account_version;  /* accounts_version() when it was looked at last */
    struct str login_user;     /* USER(): name and host the client came with */
    struct str login_host;
    struct str current_user; /* CURRENT_USER(): "name@host" of the account that matched */
    struct str tls_version;  /* of the connection, for SHOW STATUS; empty = no TLS */
    struct str tls_cipher;
    char db_buf[256];
    struct str db;              /* current database, in db_buf; p NULL = none */
    uint16_t results_collation; /* what column definitions say of text; 0 = the default of
                                   character_set_results */
    uint64_t capabilities;      /* CLIENT_… negotiated */
    struct exec_txn txn;
    struct open_table *tables; /* of the running statement */
    struct exec_table_locks locks;
    unsigned write_errors; /* enum write_errors: of the queries of the running statement */
    struct htab user_vars;
    struct htab prepared;    /* PREPARE name FROM: struct sql_prepared */
    struct plan_memo *plan;  /* of the prepared SELECT being executed; else NULL */
    uint64_t last_insert_id; /* LAST_INSERT_ID() */
    uint64_t stmt_insert_id; /* first id generated by the running statement */
    int64_t row_count;       /* ROW_COUNT() */
    uint64_t found_rows;     /* FOUND_ROWS() */
    int64_t now_us;          /* start of the statement, UTC: NOW() */
    struct result_sink *sink;
    const struct exec_client_ops *client_ops;
    bool may_tell; /* an interrupt's error may be sent before the statement has ended */
    bool told;     /* it was: whatever the statement does, it fails */
    void *client;
    struct exec_result result;
    _Atomic(uint32_t) running;   /* an engine call is under way: interrupt() must reach it */
    _Atomic(const char *) state; /* SHOW PROCESSLIST, static text */
};

/* Prepares and ends a session's half of things. init copies the global variables. */
void exec_session_init(struct exec_session *x, struct server *server, uint64_t id);
void exec_session_release(
    struct exec_session *x); /* on the fiber: rolls back, closes the engine session */
/* COM_RESET_CONNECTION, COM_CHANGE_USER: rolls back and gives everything its initial value. */
void exec_session_reset(struct exec_session *x);

/* How the session reads text now. */
NODISCARD struct parse_options exec_parse_options(const struct exec_session *x);

/*
 * Runs one statement: rows go to x->sink, what else there is to say to x->result. Returns 0, or -1
 * with x->diag set (the transaction is as MySQL leaves it). On the fiber.
 */
NODISCARD int exec_statement(struct exec_session *x, struct stmt *stmt);

/* Metadata of a statement to be prepared, without running it: count 0 when it returns no rows.
 * Columns live in arena. */
NODISCARD int exec_describe(struct exec_session *x, struct stmt *stmt, struct arena *arena,
                            struct result_column **out_columns, uint32_t *out_count);

/* COM_FIELD_LIST: the columns of a table whose names match a LIKE pattern (empty: all); in the
 * statement's arena. */
NODISCARD int exec_field_list(struct exec_session *x, struct str table, struct str pattern,
                              struct result_column **out_columns, uint32_t *out_count);

/* Gives back what exec_describe() and exec_field_list() opened; exec_statement() does it by itself.
 */
void exec_close_statement(struct exec_session *x);

/* A statement's text for the eyes of others (process list, logs): what follows the first quote
 * behind IDENTIFIED or PASSWORD becomes '<secret>'. Text without them is returned as it is, else a
 * copy in arena. */
NODISCARD struct str exec_hide_secrets(struct str text, struct arena *arena);

/* After a login has set the account: makes its default roles active. */
void exec_activate_default_roles(struct exec_session *x);
/* USE: checks existence and privilege. */
NODISCARD int exec_use(struct exec_session *x, struct str db);

/* ---- Transactions (txn.c) ---- */

/* SERVER_STATUS_… bits of autocommit and transaction. */
NODISCARD uint16_t exec_status_flags(const struct exec_session *x);
NODISCARD int exec_commit(struct exec_session *x);
void exec_rollback(struct exec_session *x);

/* The error that an interrupt of the fiber stands for, put into diag: 1317, 3024, 1927, 1053.
 * Returns -1. */
int exec_interrupted(struct exec_session *x, struct diag *diag);

/* Asks the engine to stop what it does for x, from any thread; called by KILL, time-out and hang-up
 * after fiber_interrupt(). */
void exec_interrupt_engine(struct exec_session *x);

#endif
