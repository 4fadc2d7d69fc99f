/*
 * The engine contract: what a storage engine offers to the rest, split by lifetime.
 *
 *   struct engine          one opened engine (a DuckDB instance, an LMDB environment, an upstream)
 *   struct engine_session  what one client session holds in it (a DuckDB connection); used by one
 * thread at a time struct engine_cursor   one running query struct engine_writer   one bulk of rows
 * on its way into a table
 *
 * Threads: unless a callback's comment says otherwise, callbacks may block and run long: they are
 * called on an offload thread, never on an event loop. Calls on one engine_session never overlap,
 * except interrupt(). Errors go to diag as MySQL errors: each engine translates its own in one
 * function.
 *
 * Nobody calls through the tables: the wrappers below check the preconditions. engine_register()
 * refuses an engine whose capabilities promise a callback that is missing.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "types/chunk.h"
#include "types/sql_mode.h"

struct engine;
struct engine_session;
struct engine_cursor;
struct engine_writer;

enum engine_caps {
    ENGINE_TRANSACTIONS = 1u << 0,  /* begin, commit, rollback mean something */
    ENGINE_TWO_PHASE = 1u << 1,     /* prepare, recover */
    ENGINE_QUERIES = 1u << 2,       /* query_ops: whole SELECTs in the dialect of `query_dialect` */
    ENGINE_POINT_READS = 1u << 3,   /* table_ops.get */
    ENGINE_COLUMN_CHUNKS = 1u << 4, /* table_ops.scan_* deliver chunks */
    ENGINE_DDL_IN_TRANSACTION = 1u << 5, /* DDL and meta_put are part of the open transaction */
    ENGINE_PERSISTENT = 1u << 6,         /* meta_put survives a restart */
    ENGINE_SAVEPOINTS = 1u << 7,         /* savepoint, rollback_to */
    ENGINE_DELETE_BY_VALUE = 1u << 8,    /* table_ops.delete_keys, delete_images, read_keys */
};

/* The kind of record, by table id, that an engine leaves for tables which were ever given partial
 * dates (table_share.has_partial_dates). Whoever drops the table deletes it. */
#define ENGINE_RECORD_PARTIAL_DATES "partial_dates"

/* Which writer of sql/ makes text for it. */
enum query_dialect {
    QUERY_DIALECT_NONE,
    QUERY_DIALECT_DUCKDB,
    QUERY_DIALECT_CLICKHOUSE,
    QUERY_DIALECT_MYSQL,
};

/* A query in the engine's own language, with the types its columns must be read as. */
struct engine_query {
    struct str text;
    uint32_t column_count;
    const struct sql_type *types;
    bool wide_decimals; /* the text was written with products cast wide; see ENGINE_RETRY_WIDE */
};

enum engine_result {
    ENGINE_ROW,        /* got what was asked for */
    ENGINE_END,        /* no more rows */
    ENGINE_FAIL,       /* diag is set */
    ENGINE_RETRY_WIDE, /* a narrow DECIMAL product overflowed before the first row: write the query
                          wide and try again */
};

enum engine_begin_flags {
    ENGINE_READ_ONLY = 1u << 0,
    ENGINE_SNAPSHOT = 1u << 1, /* take the snapshot now, not at the first statement */
    ENGINE_UNDO = 1u << 2,     /* rollback_to() may be called: keep what that needs */
};

/* What became of a transaction that an error met (a run-time error inside a DuckDB
 * transaction aborts all of it). */
enum engine_txn_state {
    ENGINE_TXN_NONE,
    ENGINE_TXN_OPEN,
    ENGINE_TXN_ABORTED, /* only rollback is possible; the session answers 1213 and clears its
                           transaction status */
};

/* A statistic or variable, for SHOW STATUS / SHOW VARIABLES. Strings are static or live in the
 * arena given. */
struct engine_stat {
    struct str name;
    struct str value;
};

struct engine_ops {
    const char *name; /* "duckdb" */
    unsigned caps;    /* enum engine_caps */
    enum query_dialect query_dialect;

    /* Opens or creates the store. `config` is the engine's own struct (e.g. struct duckdb_config).
     * Fails with a message that says what to do. */
    int (*open)(const void *config, struct diag *diag, struct engine **out);
    /* Called once, when no session is open. Everything committed is durable afterwards. */
    void (*close)(struct engine *e);

    /* A session's handle. Cheap; called at the first statement that needs the engine. */
    int (*session_open)(struct engine *e, struct diag *diag, struct engine_session **out);
    /* Rolls back what is open. */
    void (*session_close)(struct engine_session *s);
    /* Makes a running call on s end soon with ER_QUERY_INTERRUPTED. Any thread; does not block;
     * harmless when nothing runs. The caller repeats it until the call has returned. */
    void (*interrupt)(struct engine_session *s);

    /* Transactions. Without begin(), each call is its own transaction. commit() may fail (conflict,
     * disk full): then all was rolled back. After ENGINE_TXN_ABORTED only rollback() succeeds. */
    int (*begin)(struct engine_session *s, unsigned flags, struct diag *diag);
    int (*commit)(struct engine_session *s, struct diag *diag);
    void (*rollback)(struct engine_session *s);
    enum engine_txn_state (*txn_state)(
        const struct engine_session *s); /* any thread of the session; does not block */

    /*
     * Savepoints. savepoint() numbers the state of the transaction, 0 while it has written nothing;
     * equal numbers, equal states. Any thread of the session; does not block. rollback_to() undoes
     * what was written since, also in an ENGINE_TXN_ABORTED transaction, which then is open again;
     * no cursor or writer is open. If it cannot, it fails with 1213 and the transaction is
     * ENGINE_TXN_ABORTED.
     */
    uint64_t (*savepoint)(const struct engine_session *s);
    int (*rollback_to)(struct engine_session *s, uint64_t savepoint, struct diag *diag);

    /* Two-phase commit. */
    int (*prepare)(struct engine_session *s, struct str xid, struct diag *diag);
    int (*recover)(struct engine *e, struct str xid, bool commit, struct diag *diag);

    /* DDL, inside a transaction if the engine has ENGINE_DDL_IN_TRANSACTION. The catalog's
     * definitions come in from outside; the engine makes its storage match. alter gets both; column
     * ids tell what stayed (a column whose id is in both and whose type changed is converted: rows
     * were checked before by exec/). `rewrite`, if not empty, is a query in the engine's dialect
     * that yields the new rows in the order of the new columns. */
    int (*create_table)(struct engine_session *s, const struct table_def *t, struct diag *diag);
    int (*drop_table)(struct engine_session *s, const struct table_def *t, struct diag *diag);
    int (*alter_table)(struct engine_session *s, const struct table_def *from,
                       const struct table_def *to, struct str rewrite, struct diag *diag);

    /* Small named records stored with the data, in the open transaction: the catalog, positions.
     * value.p NULL deletes. */
    int (*meta_put)(struct engine_session *s, struct str kind, uint64_t id, struct str value,
                    struct diag *diag);
    /* Calls fn for each record of a kind, in order of id. fn returns 0 to go on. */
    int (*meta_scan)(struct engine_session *s, struct str kind,
                     int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                     struct diag *diag);

    /* Settings that can change while running, and counters. Any offload thread. */
    int (*set_variable)(struct engine *e, struct str name, struct str value, struct diag *diag);
    uint32_t (*statistics)(struct engine *e, struct arena *arena, struct engine_stat **out);
};

enum engine_writer_flags {
    ENGINE_WRITE_UNIQUE_CHECKED =
        1u << 0, /* the caller knows that no key is there twice: skip the check */
    ENGINE_WRITE_SKIP_DUPLICATES =
        1u << 1, /* writer_close() drops rows whose unique keys are taken, by a stored row or an
                    earlier one of this writer, and warns of each with 1062: IGNORE */
    ENGINE_WRITE_REPLACE =
        1u
        << 2, /* writer_close() deletes the stored (or earlier) rows that new ones meet: REPLACE */
    ENGINE_WRITE_SHORT_KEY_NAMES = 1u
                                   << 3, /* 1062 says 'PRIMARY', as MariaDB does, not 't.PRIMARY' */
};

/* What writer_close() did about duplicates; filled in when the caller has set engine_writer.stats.
 */
struct engine_write_stats {
    uint64_t skipped; /* new rows dropped */
    uint64_t deleted; /* stored or earlier rows replaced */
};

/* A conflict with a PRIMARY or UNIQUE key, found before anything was written. */
struct engine_conflict {
    uint64_t row; /* index of the row among those given to the check */
    int64_t
        rowid; /* the existing row, or -1 if the conflict is with an earlier row of the same lot */
    uint64_t other; /* that earlier row */
    uint32_t index; /* number of the index in table_def.indexes */
};

/* Rows told by the values of some columns. The chunks hold exactly these columns, in this order. */
struct engine_values {
    uint32_t column_count;
    const uint32_t *columns; /* Indexes into table_def.columns. */
    uint32_t chunk_count;
    const struct chunk *chunks; /* Borrowed until return. */
};

/* What is wanted of the rows with some keys. take() is called with chunks of: the number of the key
 * among all that were given (UNSIGNED INT), then the columns; borrowed until it returns. */
struct engine_read {
    struct engine_values keys; /* No NULLs among them. */
    uint32_t column_count;
    const uint32_t *columns; /* Indexes into table_def.columns. */
    void (*take)(void *arg, const struct chunk *rows);
    void *arg;
};

struct engine_table_ops {
    /* Appends rows. writer_open starts; append takes chunks with all columns of the table in
     * definition order (values borrowed until return); writer_close(true) makes them part of the
     * transaction, false drops all rows appended through this writer. A failed append leaves only
     * writer_close(false). Uniqueness is checked at writer_close(true) unless
     * ENGINE_WRITE_UNIQUE_CHECKED: 1062 with the duplicate's text, nothing kept. */
    int (*writer_open)(struct engine_session *s, const struct table_def *t, unsigned flags,
                       struct diag *diag, struct engine_writer **out);
    int (*writer_append)(struct engine_writer *w, const struct chunk *rows, struct diag *diag);
    int (*writer_close)(struct engine_writer *w, bool keep, struct diag *diag);

    /* As a writer with ENGINE_WRITE_UNIQUE_CHECKED for chunks that are all there, borrowed until
     * return. May be NULL: a writer does it. */
    int (*insert_chunks)(struct engine_session *s, const struct table_def *t,
                         const struct chunk *chunks, uint32_t count, struct diag *diag);

    /* Looks for rows whose unique keys are taken, by the stored rows (those in `ignore_rowids` not
     * counted) or by an earlier row of the same chunk. Conflicts come in order of row, then index;
     * *out lives in arena. */
    int (*find_conflicts)(struct engine_session *s, const struct table_def *t,
                          const struct chunk *rows, const int64_t *ignore_rowids,
                          uint32_t ignore_count, struct arena *arena, struct diag *diag,
                          struct engine_conflict **out, uint32_t *out_count);

    /* Deletes rows by the rowids that a query returned in this transaction. *out_deleted must equal
     * count. */
    int (*delete_rows)(struct engine_session *s, const struct table_def *t, const int64_t *rowids,
                       uint32_t count, struct diag *diag, uint64_t *out_deleted);
    /* ENGINE_DELETE_BY_VALUE. Strings are compared by their bytes. delete_keys: the columns have no
     * NULLs and no key is given twice; every row with one of the keys goes. delete_images: NULLs
     * are equal to each other, and an image that is given n times takes n of the rows that equal
     * it, any of them. *out_deleted: how many rows went. */
    int (*delete_keys)(struct engine_session *s, const struct table_def *t,
                       const struct engine_values *keys, struct diag *diag, uint64_t *out_deleted);
    int (*delete_images)(struct engine_session *s, const struct table_def *t,
                         const struct engine_values *images, struct diag *diag,
                         uint64_t *out_deleted);
    /* ENGINE_DELETE_BY_VALUE. The rows with one of the keys, as delete_keys finds them, in any
     * order; a key may be given several times. */
    int (*read_keys)(struct engine_session *s, const struct table_def *t,
                     const struct engine_read *read, struct diag *diag);
    int (*truncate)(struct engine_session *s, const struct table_def *t, struct diag *diag);

    /* Point read by a unique key; ENGINE_POINT_READS. */
    int (*get)(struct engine_session *s, const struct table_def *t, uint32_t index,
               const struct value *key, struct arena *arena, struct diag *diag,
               struct value *out_row);

    /* Number of rows (exact or estimated), largest value of an integer column (for AUTO_INCREMENT;
     * 0 when empty). */
    int (*row_count)(struct engine_session *s, const struct table_def *t, struct diag *diag,
                     uint64_t *out);
    int (*max_value)(struct engine_session *s, const struct table_def *t, uint32_t column,
                     struct diag *diag, uint64_t *out);
};

struct engine_query_ops {
    /* Starts a query. The cursor streams: rows are computed as they are fetched. Closing it early
     * ends its work. */
    int (*open)(struct engine_session *s, const struct engine_query *q, struct diag *diag,
                struct engine_cursor **out);
    /* Next chunk; borrowed until the next call on the cursor. */
    enum engine_result (*fetch)(struct engine_cursor *c, struct diag *diag, struct chunk *out);
    void (*close)(struct engine_cursor *c);
    /* The plan as text lines, in arena. */
    int (*explain)(struct engine_session *s, const struct engine_query *q, bool analyze,
                   struct arena *arena, struct diag *diag, struct str *out);
    /* 0.0 … 1.0 of the running query, negative if not known. Any thread. */
    double (*progress)(const struct engine_session *s);
};

struct engine {
    const struct engine_ops *ops;
    const struct engine_table_ops *table_ops;
    const struct engine_query_ops *query_ops; /* NULL without ENGINE_QUERIES */
};

struct engine_session {
    struct engine *engine;
};

struct engine_cursor {
    struct engine_session *session;
};

struct engine_writer {
    struct engine_session *session;
    const struct table_def *table;
    struct engine_write_stats *stats; /* or NULL; set by the caller after writer_open() */
};

/* The name in `storage.backend` to the engine's tables. */
struct engine_type {
    const struct engine_ops *ops;
    const struct engine_table_ops *table_ops;
    const struct engine_query_ops *query_ops;
};

/* Adds a type. Fails, naming the callback, when caps promise one that is NULL. */
NODISCARD int engine_register(const struct engine_type *type, struct diag *diag);
NODISCARD const struct engine_type *engine_find_type(struct str name);
/* The i-th registered type, NULL behind the last. */
NODISCARD const struct engine_type *engine_type_at(size_t i);
/* The check of engine_register() alone. */
NODISCARD int engine_check_type(const struct engine_type *type, struct diag *diag);
/* Registers every engine of this source tree; called once, at start. */
NODISCARD int engine_register_all(struct diag *diag);

/* ---- Wrappers: as the callbacks they are named after ---- */

NODISCARD int engine_open(const struct engine_type *type, const void *config, struct diag *diag,
                          struct engine **out);
void engine_close(struct engine *e);
NODISCARD int engine_session_open(struct engine *e, struct diag *diag, struct engine_session **out);
void engine_session_close(struct engine_session *s);
void engine_interrupt(struct engine_session *s);
NODISCARD int engine_begin(struct engine_session *s, unsigned flags, struct diag *diag);
NODISCARD int engine_commit(struct engine_session *s, struct diag *diag);
void engine_rollback(struct engine_session *s);
NODISCARD enum engine_txn_state engine_txn_state(const struct engine_session *s);
/* 0 for engines without ENGINE_SAVEPOINTS. */
NODISCARD uint64_t engine_savepoint(const struct engine_session *s);
NODISCARD int engine_rollback_to(struct engine_session *s, uint64_t savepoint, struct diag *diag);
NODISCARD int engine_create_table(struct engine_session *s, const struct table_def *t,
                                  struct diag *diag);
NODISCARD int engine_drop_table(struct engine_session *s, const struct table_def *t,
                                struct diag *diag);
NODISCARD int engine_alter_table(struct engine_session *s, const struct table_def *from,
                                 const struct table_def *to, struct str rewrite, struct diag *diag);
NODISCARD int engine_meta_put(struct engine_session *s, struct str kind, uint64_t id,
                              struct str value, struct diag *diag);
NODISCARD int engine_meta_scan(struct engine_session *s, struct str kind,
                               int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                               struct diag *diag);
NODISCARD int engine_set_variable(struct engine *e, struct str name, struct str value,
                                  struct diag *diag);
NODISCARD uint32_t engine_statistics(struct engine *e, struct arena *arena,
                                     struct engine_stat **out);
NODISCARD int engine_writer_open(struct engine_session *s, const struct table_def *t,
                                 unsigned flags, struct diag *diag, struct engine_writer **out);
NODISCARD int engine_writer_append(struct engine_writer *w, const struct chunk *rows,
                                   struct diag *diag);
NODISCARD int engine_writer_close(struct engine_writer *w, bool keep, struct diag *diag);
NODISCARD int engine_insert_chunks(struct engine_session *s, const struct table_def *t,
                                   const struct chunk *chunks, uint32_t count, struct diag *diag);
NODISCARD int engine_find_conflicts(struct engine_session *s, const struct table_def *t,
                                    const struct chunk *rows, const int64_t *ignore_rowids,
                                    uint32_t ignore_count, struct arena *arena, struct diag *diag,
                                    struct engine_conflict **out, uint32_t *out_count);
NODISCARD int engine_delete_rows(struct engine_session *s, const struct table_def *t,
                                 const int64_t *rowids, uint32_t count, struct diag *diag,
                                 uint64_t *out_deleted);
NODISCARD int engine_delete_keys(struct engine_session *s, const struct table_def *t,
                                 const struct engine_values *keys, struct diag *diag,
                                 uint64_t *out_deleted);
NODISCARD int engine_delete_images(struct engine_session *s, const struct table_def *t,
                                   const struct engine_values *images, struct diag *diag,
                                   uint64_t *out_deleted);
NODISCARD int engine_read_keys(struct engine_session *s, const struct table_def *t,
                               const struct engine_read *read, struct diag *diag);
NODISCARD int engine_truncate(struct engine_session *s, const struct table_def *t,
                              struct diag *diag);
NODISCARD int engine_row_count(struct engine_session *s, const struct table_def *t,
                               struct diag *diag, uint64_t *out);
NODISCARD int engine_max_value(struct engine_session *s, const struct table_def *t, uint32_t column,
                               struct diag *diag, uint64_t *out);
NODISCARD int engine_query_open(struct engine_session *s, const struct engine_query *q,
                                struct diag *diag, struct engine_cursor **out);
NODISCARD enum engine_result engine_fetch(struct engine_cursor *c, struct diag *diag,
                                          struct chunk *out);
void engine_cursor_close(struct engine_cursor *c);
NODISCARD int engine_explain(struct engine_session *s, const struct engine_query *q, bool analyze,
                             struct arena *arena, struct diag *diag, struct str *out);
NODISCARD double engine_progress(const struct engine_session *s);

#endif
