/*
 * The inside of the DuckDB engine. Functions are prefixed ddb_, because duckdb_ is the library's.
 *
 *   ddb_instance ── the open database, its auxiliary connection, what is known of its tables
 *     └─ ddb_session ── one DuckDB connection and the state of its transaction
 *          ├─ ddb_cursor ── at most one: a second statement ends a stream
 *          └─ ddb_writer ── an appender
 *
 * Locks, in this order: instance->gate, instance->aux_lock, instance->lock, session->conn_lock.
 * Every callback holds the gate shared while it runs; reopening a database that DuckDB has declared
 * invalid holds it exclusively and may then destroy the handles of all sessions.
 */
#ifndef ENGINE_DUCKDB_DUCKDB_INT_H
#define ENGINE_DUCKDB_DUCKDB_INT_H

#include "base/arena.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "base/log.h"
#include "base/rlist.h"
#include "engine/duckdb/duckdb_engine.h"
#include "engine/duckdb/redo.h"
#include "engine/engine.h"

#include <duckdb.h>

#include <pthread.h>
#include <stdatomic.h>

/* Exported by DuckDB 1.5 and missing in the header of 1.4 that the build uses. */
duckdb_state duckdb_appender_clear(duckdb_appender appender);

/* Rows that a transaction has appended and not yet committed have rowids from here on (DuckDB's
 * MAX_ROW_ID). */
#define DDB_FIRST_LOCAL_ROWID INT64_C(36028797018960000)

/* Rows of DuckDB's row group. */
#define DDB_GROUP_ROWS 122880

/* An SQL text that the engine makes itself is never longer. */
#define DDB_SQL_MAX ((size_t)64 << 20)

/* Integer keys of up to this many columns are compared without DuckDB. */
#define DDB_FAST_KEY_COLUMNS 8

/* ---- What is known of a table ---- */

/* The largest key of a unique index, by which ascending inserts need no look-up. */
struct ddb_key_max {
    uint32_t index_id;
    bool known;
    bool empty;                           /* There is no key yet. */
    uint64_t parts[DDB_FAST_KEY_COLUMNS]; /* Order-preserving form of ddb_fast_key(). */
};

/* Changed only under the writer lock of exec/; found under instance->lock. */
struct ddb_table {
    uint64_t id;
    struct ddb_table *next; /* In its hash bucket. */
    uint64_t last_commit;   /* commits_finished after the last commit that changed it. */
    uint32_t max_count;
    struct ddb_key_max *maxima; /* One for each unique index that has a fast key. */
};

#define DDB_TABLE_BUCKETS 256

/* ---- Instance ---- */

struct ddb_counters {
    _Atomic(uint64_t) rows_inserted;
    _Atomic(uint64_t) rows_deleted;
    _Atomic(uint64_t) commits;
    _Atomic(uint64_t) rollbacks;
    _Atomic(uint64_t) restores; /* Transactions gone back to a savepoint by writing again. */
    _Atomic(uint64_t) queries;
    _Atomic(uint64_t) checkpoints;
    _Atomic(uint64_t) reopens;
    _Atomic(uint64_t) unique_lookups; /* Uniqueness checks that had to ask DuckDB. */
};

struct ddb_instance {
    struct engine base;
    struct arena arena; /* Strings of the configuration; for the instance's life. */
    struct duckdb_config config;
    /* As config had them until set_variable(), while others read them. */
    _Atomic(uint64_t) checkpoint_threshold, disk_reserve;
    _Atomic(uint64_t) memory_limit; /* DuckDB's, bytes */
    struct str file;                /* The database file; empty in memory. */
    int lock_fd;                    /* The data directory's identity file, locked; -1 in memory. */
    struct log log;

    pthread_rwlock_t gate;
    pthread_mutex_t aux_lock; /* Guards aux. */
    pthread_mutex_t lock;     /* Guards sessions, tables, key sets. */

    duckdb_database db;           /* NULL while it could not be reopened. */
    duckdb_connection aux;        /* For checkpoints and statistics. */
    _Atomic(bool) checkpoint_due; /* A commit has made the log long: checkpoint when it is done. */
    _Atomic(bool) invalid;        /* DuckDB declared it invalid: reopen before the next use. */

    struct rlist sessions;
    struct ddb_table *tables[DDB_TABLE_BUCKETS];
    struct rlist key_sets; /* struct ddb_keys in use by a statement. */
    uint64_t next_key_set;

    _Atomic(uint64_t)
        commits_started; /* Commits of writes; equal to the next unless one is on its way. */
    _Atomic(uint64_t) commits_finished;
    _Atomic(struct ddb_session *) writer; /* Whose transaction has written. */
    _Atomic(uint64_t) next_marker;        /* For pintail_commit. */
    _Atomic(uint64_t) checkpoints_begun;
    struct ddb_counters counters;
};

/* ---- Session ---- */

struct ddb_cursor;
struct ddb_writer;

/* Statements that are prepared once per connection. */
enum ddb_prepared {
    DDB_BEGIN,
    DDB_COMMIT,
    DDB_ROLLBACK,
    DDB_PROBE, /* Touches the database: takes the snapshot, fails in an aborted transaction. */
    DDB_MARK,  /* INSERT INTO pintail_commit */
    DDB_META_DELETE,
    DDB_META_INSERT,
    DDB_PREPARED_COUNT,
};

struct ddb_session {
    struct engine_session base;
    struct ddb_instance *instance;
    struct rlist link;         /* instance->sessions */
    pthread_mutex_t conn_lock; /* conn against interrupt(), which any thread may call. */
    uint32_t masked;           /* Interrupts are ignored: guarded by conn_lock. */
    duckdb_connection conn;    /* NULL until needed. */
    duckdb_prepared_statement prepared[DDB_PREPARED_COUNT];

    enum engine_txn_state state; /* Of the transaction that begin() opened. */
    bool implicit;               /* A BEGIN of the engine's own around one call. */
    bool read_only;
    bool wrote;          /* The transaction has changed something. */
    bool started;        /* A statement has run: the snapshot is taken. */
    uint32_t statements; /* Run in the transaction, the current one included. */
    bool lost;         /* The database was reopened under a transaction or cursor: tell it once. */
    uint64_t snapshot; /* commits_finished when the snapshot was taken. */
    struct arena txn_arena;
    struct ddb_touched *touched; /* Tables written in the transaction. */
    struct ddb_redo redo;

    struct ddb_cursor *cursor;
    struct ddb_writer *writer;
};

struct ddb_touched {
    struct ddb_touched *next;
    uint64_t table_id;
    uint64_t appended;        /* Rows: the next one's rowid is DDB_FIRST_LOCAL_ROWID plus this. */
    bool noted_partial_dates; /* The record that the table has some is written. */
};

/* The table was rewritten in this transaction: ask DuckDB for the next rowid. */
#define DDB_APPENDED_UNKNOWN UINT64_MAX

static inline struct ddb_session *ddb_session_of(struct engine_session *s)
{
    return CONTAINER_OF(s, struct ddb_session, base);
}

static inline struct ddb_instance *ddb_instance_of(struct engine *e)
{
    return CONTAINER_OF(e, struct ddb_instance, base);
}

/* ---- Errors (errors.c) ---- */

/*
 * The only place where DuckDB's errors become MySQL's: type and text as duckdb_result_error_type()
 * and duckdb_result_error() give them; subject is the table concerned, for "table is full", or
 * empty. Returns -1.
 */
int duckdb_diag(struct diag *diag, duckdb_error_type type, const char *message, struct str subject);

/* The type of an error that comes as text only, as of prepared statements. */
duckdb_error_type ddb_error_type_of(const char *message);

/* Does this error mean that DuckDB has given up the whole instance? */
bool ddb_error_is_fatal(duckdb_error_type type, const char *message);

/* Is it an overflow of a DECIMAL product that a wider one would not have? */
bool ddb_error_is_narrow_overflow(duckdb_error_type type, const char *message);

/* ---- Instance (instance.c, directory.c) ---- */

/* Starts a callback: the gate is held shared, the database open, s->conn connected. Fails without
 * holding anything. */
NODISCARD int ddb_enter(struct ddb_session *s, struct diag *diag);
/* Ends it; returns rc. Reopens the database when it became invalid meanwhile. */
int ddb_leave(struct ddb_session *s, int rc);

/* Opens the library's database of a configured instance, with its auxiliary connection and our own
 * tables. */
NODISCARD int ddb_database_open(struct ddb_instance *in, struct diag *diag);
void ddb_database_close(struct ddb_instance *in);
/* Closes and opens again, unless another thread has done so. Takes the gate exclusively. */
NODISCARD int ddb_reopen(struct ddb_instance *in, struct diag *diag);

/*
 * Makes or checks the data directory and locks it. Returns the descriptor that holds the lock, or
 * -1.
 */
NODISCARD int ddb_directory_open(struct str path, struct diag *diag);

/* Sets diag to the error of a statement of our own, and notes when the database is invalid by it.
 * Returns -1. */
int ddb_own_failed(struct ddb_instance *in, duckdb_error_type type, const char *message,
                   struct diag *diag);

/* Notes DuckDB's limit of memory; the caller holds the gate. */
NODISCARD int ddb_read_memory_limit(struct ddb_instance *in, struct diag *diag);

/* Runs SQL on the auxiliary connection and drops the result. The caller holds the gate. */
NODISCARD int ddb_aux_exec(struct ddb_instance *in, const char *sql, struct diag *diag);
/* A CHECKPOINT by it. alone: nobody else runs a statement, so that this thread may do its part. */
NODISCARD int ddb_aux_checkpoint(struct ddb_instance *in, bool alone, struct diag *diag);
/* One number of a query on it; NULL gives 0. */
NODISCARD int ddb_aux_number(struct ddb_instance *in, const char *sql, struct diag *diag,
                             int64_t *out);

/* ---- Space (space.c) ---- */

/* 1114 when less than the reserve is free on the database's file system. */
NODISCARD int ddb_check_space(struct ddb_instance *in, struct str table, struct diag *diag);
/* Bytes of the database file and of the write-ahead log; 0 in memory. */
void ddb_file_sizes(const struct ddb_instance *in, uint64_t *out_data, uint64_t *out_wal);
/* Is the log longer than the threshold, and is there room for a checkpoint? Asked after a commit.
 */
NODISCARD bool ddb_checkpoint_is_due(struct ddb_instance *in);
/* Checkpoints; with the gate to itself if that can be had at once, because only then can the space
 * of deleted rows be given back. The caller does not hold the gate. Never fails. */
void ddb_checkpoint(struct ddb_instance *in);
/* Checkpoints at close if there is room. */
void ddb_final_checkpoint(struct ddb_instance *in);

/* ---- Sessions and transactions (session.c, transaction.c) ---- */

int ddb_session_open(struct engine *e, struct diag *diag, struct engine_session **out);
void ddb_session_close(struct engine_session *base);
void ddb_session_interrupt(struct engine_session *base);

/*
 * Between these, interrupt() does nothing: ending a transaction must not stop half-way because a
 * client is gone. They nest.
 */
void ddb_mask_interrupts(struct ddb_session *s);
void ddb_unmask_interrupts(struct ddb_session *s);

/* Destroys every DuckDB handle of the session. lost: its transaction and cursor are gone with the
 * instance. */
void ddb_session_disconnect(struct ddb_session *s, bool lost);
NODISCARD int ddb_session_connect(struct ddb_session *s, struct diag *diag);

/* Runs SQL text. */
NODISCARD int ddb_exec(struct ddb_session *s, const char *sql, struct str subject,
                       struct diag *diag);

/*
 * A statement that may be long: while other threads do the work of the last tasks this one sleeps,
 * where DuckDB itself would try again without end.
 */
struct ddb_run {
    duckdb_prepared_statement statement; /* NULL = the caller's. */
    duckdb_pending_result pending;
    duckdb_result result;
    duckdb_error_type type; /* On failure, */
    const char *message;    /* until ddb_run_end(). */
};

/*
 * 0, or -1 with type and message set; ended by ddb_run_end() in any case. helped: between two
 * sleeps it does a task of the database's, for a statement whose work is not its own tasks, as a
 * CHECKPOINT's; it may be another statement's and long. NULL: it only sleeps.
 */
NODISCARD int ddb_run_prepared(struct ddb_run *r, duckdb_prepared_statement statement,
                               duckdb_database helped);
NODISCARD int ddb_run_text(struct ddb_run *r, duckdb_connection conn, const char *sql,
                           duckdb_database helped);
void ddb_run_end(struct ddb_run *r);

/* As ddb_exec() for text of a buffer, which it ends with a NUL; fails when the buffer overflowed.
 */
NODISCARD int ddb_exec_buf(struct ddb_session *s, struct bytebuf *sql, struct str subject,
                           struct diag *diag);
/* As ddb_exec_buf(); the result is the caller's to destroy. */
NODISCARD int ddb_query_buf(struct ddb_session *s, struct bytebuf *sql, struct str subject,
                            struct diag *diag, duckdb_result *out);
/* As ddb_query_buf() for a statement on many rows: see struct ddb_run. */
NODISCARD int ddb_query_patiently(struct ddb_session *s, struct bytebuf *sql, struct str subject,
                                  struct diag *diag, duckdb_result *out);
/* The first value of a query as an integer; NULL or no row gives *out_null. */
NODISCARD int ddb_query_number(struct ddb_session *s, struct bytebuf *sql, struct diag *diag,
                               int64_t *out, bool *out_null);
/* One of the prepared statements. ddb_prepared_run() binds nothing, and waits as
 * ddb_run_prepared() does: a commit may be long. */
NODISCARD int ddb_prepared_get(struct ddb_session *s, enum ddb_prepared which, struct diag *diag,
                               duckdb_prepared_statement *out);
NODISCARD int ddb_prepared_run(struct ddb_session *s, enum ddb_prepared which, struct diag *diag);

/*
 * Reports a failed result and finds out what is left of the transaction: still open, begun again
 * (only for one that has read nothing but what is still current), or aborted. Returns -1.
 */
int ddb_failed(struct ddb_session *s, duckdb_error_type type, const char *message,
               struct str subject, struct diag *diag);

/* Before each statement: 1213 in an aborted transaction; notes the snapshot of the first. Reads a
 * stream that is open to its end. */
NODISCARD int ddb_statement(struct ddb_session *s, struct diag *diag);
/* Before a statement that writes to t (NULL: to our own tables): as ddb_statement(), claims the
 * writer's place, opens a transaction of its own if there is none. */
NODISCARD int ddb_write_statement(struct ddb_session *s, const struct table_def *t,
                                  struct diag *diag);
/* The transaction writes to a table. */
void ddb_touch(struct ddb_session *s, uint64_t table_id);
/* The table's entry in the transaction; it must have been written to. */
NODISCARD struct ddb_touched *ddb_touched_get(struct ddb_session *s, uint64_t table_id);
/* Gives up the transaction: DuckDB's is rolled back, the client's answers 1213 until its
 * rollback(). Returns -1. */
int ddb_txn_abort(struct ddb_session *s, struct diag *diag);
/* After it: commits or rolls back a transaction of its own. Returns rc, or -1 when the commit
 * failed. */
int ddb_write_done(struct ddb_session *s, int rc, struct diag *diag);

int ddb_txn_begin(struct engine_session *base, unsigned flags, struct diag *diag);
int ddb_txn_commit(struct engine_session *base, struct diag *diag);
void ddb_txn_rollback(struct engine_session *base);
uint64_t ddb_txn_savepoint(const struct engine_session *base);
int ddb_txn_rollback_to(struct engine_session *base, uint64_t savepoint, struct diag *diag);
/* As ddb_txn_rollback_to(), inside another callback. */
NODISCARD int ddb_txn_restore(struct ddb_session *s, uint64_t savepoint, struct diag *diag);
enum engine_txn_state ddb_txn_state(const struct engine_session *base);

/* Has another session committed changes to the table since this transaction's snapshot? */
bool ddb_snapshot_is_stale(struct ddb_session *s, uint64_t table_id);

/* ---- Tables (table.c, ddl.c, types.c) ---- */

/* What is known of a table, made on first use; lives until the table is dropped or the instance
 * closed. */
NODISCARD struct ddb_table *ddb_table_get(struct ddb_instance *in, uint64_t id);
/* Forgets what is known: after DDL, rollback of DDL, and reopening. */
void ddb_table_forget(struct ddb_instance *in, uint64_t id);
void ddb_tables_release(struct ddb_instance *in);

/* Appends the DuckDB type of a column. */
void ddb_type_name(const struct sql_type *type, struct bytebuf *out);
NODISCARD duckdb_logical_type ddb_type_new(const struct sql_type *type);
/* Is it kept as VARCHAR, whose bytes must be UTF-8? */
NODISCARD bool ddb_type_is_text(const struct sql_type *type);
/* How a DuckDB type lies in vectors. Returns -1 for types that no query may return. */
NODISCARD int ddb_phys_of(duckdb_logical_type type, enum vec_phys *out);

int ddb_create_table(struct engine_session *base, const struct table_def *t, struct diag *diag);
int ddb_drop_table(struct engine_session *base, const struct table_def *t, struct diag *diag);
int ddb_alter_table(struct engine_session *base, const struct table_def *from,
                    const struct table_def *to, struct str rewrite, struct diag *diag);
/* Deletes rows inside another callback. */
NODISCARD int ddb_delete_by_rowid(struct ddb_session *s, const struct table_def *t,
                                  const int64_t *rowids, uint32_t count, struct diag *diag,
                                  uint64_t *out_deleted);
/* As ddb_delete_by_rowid(), but not kept to be done again. */
NODISCARD int ddb_delete_quietly(struct ddb_session *s, const struct table_def *t,
                                 const int64_t *rowids, uint32_t count, struct diag *diag,
                                 uint64_t *out_deleted);
int ddb_truncate(struct engine_session *base, const struct table_def *t, struct diag *diag);
int ddb_row_count(struct engine_session *base, const struct table_def *t, struct diag *diag,
                  uint64_t *out);
int ddb_max_value(struct engine_session *base, const struct table_def *t, uint32_t column,
                  struct diag *diag, uint64_t *out);
int ddb_delete_rows(struct engine_session *base, const struct table_def *t, const int64_t *rowids,
                    uint32_t count, struct diag *diag, uint64_t *out_deleted);

/* By value (delete.c). */
int ddb_read_keys(struct engine_session *base, const struct table_def *t,
                  const struct engine_read *read, struct diag *diag);
int ddb_delete_keys(struct engine_session *base, const struct table_def *t,
                    const struct engine_values *keys, struct diag *diag, uint64_t *out_deleted);
int ddb_delete_images(struct engine_session *base, const struct table_def *t,
                      const struct engine_values *images, struct diag *diag, uint64_t *out_deleted);

/* The table is given partial dates: a fact for readers at once, and a record in the transaction. */
NODISCARD int ddb_note_partial_dates(struct ddb_session *s, const struct table_def *t,
                                     struct diag *diag);
/* The record alone. */
NODISCARD int ddb_write_partial_dates(struct ddb_session *s, const struct table_def *t,
                                      struct diag *diag);

/* ---- Records (meta.c) ---- */

/* Within a statement of a transaction that writes: replaces a record; value.p NULL deletes it. */
NODISCARD int ddb_meta_write(struct ddb_session *s, struct str kind, uint64_t id, struct str value,
                             struct diag *diag);
int ddb_meta_put(struct engine_session *base, struct str kind, uint64_t id, struct str value,
                 struct diag *diag);
int ddb_meta_scan(struct engine_session *base, struct str kind,
                  int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                  struct diag *diag);

/* Rows that a writer has put into the table: those from first_rowid on. Earlier ones are unique. */
struct ddb_bulk {
    const struct table_def *table;
    unsigned flags; /* enum engine_writer_flags */
    uint64_t first_rowid;
    uint32_t index_count;
    uint32_t *indexes; /* Of table->indexes: which keys may be there twice. */
};

/* ---- Keys (keys.c, conflicts.c) ---- */

/*
 * Rows of keys or rowids lent to a statement, which reads them with the table function
 * pintail_keys(id). The first column, r, is the row's number (UINTEGER); the others are k0, k1, ….
 */
struct ddb_keys {
    struct rlist link;
    uint64_t id;
    uint32_t nrows;
    uint32_t ncols;
    struct ddb_key_column *cols;
    const struct chunk *chunks; /* The values, in place of the columns' own data; or NULL. */
    uint32_t chunk_count;       /* For pintail_rows(). */
    uint32_t threads;           /* So many may read them at a time, by pintail_rows(). */
    struct ddb_key_bits {
        uint64_t *words; /* A bit a key, from first to last; NULL = none. */
        int64_t first, last;
    } bits;
};

struct ddb_key_column {
    duckdb_logical_type type; /* Owned by the set. */
    size_t size;              /* Bytes of a value. */
    const void *data;         /* No NULLs. Without chunks. */
};

/* Registers the table function; once for each opened database. */
NODISCARD int ddb_keys_register(struct ddb_instance *in, struct diag *diag);
/* The values as a set to be lent once: its types are made here; it borrows the chunks. */
NODISCARD struct ddb_keys ddb_keys_of_values(const struct table_def *t,
                                             const struct engine_values *v, struct arena *arena);
/* Lends; borrowed until ddb_keys_take_back(), which destroys the types. */
void ddb_keys_lend(struct ddb_instance *in, struct ddb_keys *keys);
void ddb_keys_take_back(struct ddb_instance *in, struct ddb_keys *keys);

/* NULL: nothing is lent under this number. Any thread. */
NODISCARD const struct ddb_keys *ddb_keys_find(struct ddb_instance *in, uint64_t id);

/* The result columns of a function that reads them; of no set, r alone. */
void ddb_keys_put_columns(const struct ddb_keys *keys, duckdb_bind_info info);
/* Registers pintail_rows(id), which reads a lent set's chunks, by several threads if it is large;
 * 0 = no rows. Its r says nothing. (rows.c) */
NODISCARD int ddb_rows_register(struct ddb_instance *in, struct diag *diag);

/* Makes bits of the keys, which are of one column without NULLs. False: a join does better, or
 * their range is too wide. (key_bits.c) */
NODISCARD bool ddb_key_bits_make(struct ddb_keys *keys, uint32_t chunk_count,
                                 const struct sql_type *type);
void ddb_key_bits_release(struct ddb_keys *keys);
/* Registers the function; once for each opened database. */
NODISCARD int ddb_key_bits_register(struct ddb_instance *in, struct diag *diag);

NODISCARD bool ddb_index_is_unique(const struct index_def *index);
/* Are all its columns integers in vectors of at most 64 bits? */
NODISCARD bool ddb_index_has_fast_key(const struct table_def *t, const struct index_def *index);
/*
 * One part of the keys of `rows` rows, as numbers in the order of the values: of row i at out[i *
 * stride]. What stands at NULLs means nothing.
 */
void ddb_fast_key_column(const struct vec *vec, uint32_t rows, size_t stride, uint64_t *out);

int ddb_find_conflicts(struct engine_session *base, const struct table_def *t,
                       const struct chunk *rows, const int64_t *ignore_rowids,
                       uint32_t ignore_count, struct arena *arena, struct diag *diag,
                       struct engine_conflict **out, uint32_t *out_count);
/* The same inside another callback. */
NODISCARD int ddb_conflicts(struct ddb_session *s, const struct table_def *t,
                            const struct chunk *rows, const int64_t *ignore_rowids,
                            uint32_t ignore_count, struct arena *arena, struct diag *diag,
                            struct engine_conflict **out, uint32_t *out_count);
/* 1062 for the key of a row. */
int ddb_duplicate(const struct ddb_bulk *bulk, uint32_t index, const struct chunk *rows,
                  uint32_t row, struct diag *diag);
/* The message of 1062 with the text of the key's values, for an index of t. */
struct str ddb_duplicate_text(const struct ddb_bulk *bulk, const struct index_def *index,
                              struct str entry, struct arena *arena);
/* Appends a value of a key to such a text. */
void ddb_put_entry_part(const struct column_def *column, uint32_t part, const struct vec *v,
                        uint32_t row, struct arena *arena, struct bytebuf *out);
/* Appends the expression that gives a column's part of the key of a stored row. */
void ddb_put_key_part(const struct column_def *column, uint32_t prefix_len, const char *alias,
                      struct bytebuf *sql);
/* The largest fast key among all rows, from DuckDB unless it is known. It may be of a row that is
 * gone. */
NODISCARD int ddb_key_max_get(struct ddb_session *s, const struct table_def *t,
                              const struct index_def *index, struct diag *diag,
                              struct ddb_key_max *out);
/* Remembers it. */
void ddb_key_max_put(struct ddb_instance *in, uint64_t table_id, const struct ddb_key_max *max);

/* ---- Duplicates of bulk loads (bulk.c) ---- */

/* 1062 for the first new row whose key is taken. */
NODISCARD int ddb_bulk_refuse(struct ddb_session *s, const struct ddb_bulk *bulk,
                              struct diag *diag);
/* Deletes the new rows whose keys are taken by a row from before them that stays; warns of them. */
NODISCARD int ddb_bulk_skip(struct ddb_session *s, const struct ddb_bulk *bulk, struct diag *diag,
                            uint64_t *out_skipped);
/* Deletes the rows whose keys a later new row takes. */
NODISCARD int ddb_bulk_replace(struct ddb_session *s, const struct ddb_bulk *bulk,
                               struct diag *diag, uint64_t *out_deleted);

/* ---- Writer (writer.c) ---- */

int ddb_writer_open(struct engine_session *base, const struct table_def *t, unsigned flags,
                    struct diag *diag, struct engine_writer **out);
int ddb_writer_append(struct engine_writer *base, const struct chunk *rows, struct diag *diag);
int ddb_writer_close(struct engine_writer *base, bool keep, struct diag *diag);
/* Destroys the appender without flushing it: before a rollback, and when the instance is
 * reopened. */
void ddb_writer_drop(struct ddb_writer *w);

/* ---- Whole chunks (insert.c) ---- */

int ddb_insert_chunks(struct engine_session *base, const struct table_def *t,
                      const struct chunk *chunks, uint32_t count, struct diag *diag);

/* May values be stored in a column? DuckDB does not look. 0, or -1 with diag set. */
NODISCARD int ddb_check_column(const struct column_def *column, const struct vec *v, uint32_t rows,
                               struct diag *diag);
/* Is a date among the values that sorts elsewhere than its number? What is under a NULL may count.
 */
NODISCARD bool ddb_has_partial_dates(const struct vec *v, const struct sql_type *type,
                                     uint32_t rows);
/* Copies values into a vector: strings canonical, as DuckDB compares and hashes them (unused inline
 * bytes zero, prefix set), and borrowed. */
void ddb_fill_vector(const struct vec *v, uint32_t rows, duckdb_vector to);

/* ---- Queries (query.c) ---- */

int ddb_query_open(struct engine_session *base, const struct engine_query *q, struct diag *diag,
                   struct engine_cursor **out);
enum engine_result ddb_query_fetch(struct engine_cursor *base, struct diag *diag,
                                   struct chunk *out);
void ddb_query_close(struct engine_cursor *base);
int ddb_query_explain(struct engine_session *base, const struct engine_query *q, bool analyze,
                      struct arena *arena, struct diag *diag, struct str *out);
double ddb_query_progress(const struct engine_session *base);
/* Gives up the cursor's DuckDB handles; its next fetch fails. */
void ddb_cursor_drop(struct ddb_cursor *c);
/* Reads the rest of the stream into memory, so that another statement may use the connection. */
NODISCARD int ddb_cursor_spool(struct ddb_cursor *c, struct diag *diag);

/* ---- Settings (settings.c) ---- */

int ddb_set_variable(struct engine *e, struct str name, struct str value, struct diag *diag);
uint32_t ddb_statistics(struct engine *e, struct arena *arena, struct engine_stat **out);

#endif
