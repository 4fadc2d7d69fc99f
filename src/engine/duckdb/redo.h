/*
 * What a client's open transaction has written, kept so that it can be written again. An error
 * aborts DuckDB's transaction as a whole, where MySQL undoes one statement, and DuckDB has no
 * savepoints: so going back means rolling back, beginning again, and writing again what was there
 * before. This gives the same rows with the same rowids, because the session holds the lock of
 * writers since its first write.
 *
 * Rows of an open transaction are numbered as they are appended, and deletes name rowids: all rows
 * of a table can therefore be appended first and all deletes follow.
 *
 * A savepoint is the number of changes made before it. Only one transaction writes at a time, so
 * that DDB_REDO_MAX bounds the memory of the whole server; one that writes more, or changes
 * definitions, can only be undone as a whole.
 */
#ifndef ENGINE_DUCKDB_REDO_H
#define ENGINE_DUCKDB_REDO_H

#include "base/arena.h"
#include "base/diag.h"
#include "catalog/catalog.h"
#include "types/chunk.h"

/* Bytes kept for one transaction. */
#define DDB_REDO_MAX ((size_t)64 << 20)

struct ddb_session;
struct ddb_redo_table;
struct ddb_redo_entry;

struct ddb_redo {
    struct arena arena;
    struct ddb_redo_table *tables;
    struct ddb_redo_entry *pending; /* Rows of the open writer, newest first. */
    uint64_t changes;               /* Made so far. */
    uint64_t snapshot;              /* Of the transaction, at its last change. */
    uint64_t checkpoints;           /* Begun until then: one more may have moved rows. */
    bool kept; /* Everything since begin() is here; false if it was not wanted or too much. */
};

void ddb_redo_init(struct ddb_redo *r);
void ddb_redo_release(struct ddb_redo *r);
/* A transaction begins or has ended. wanted: its changes are to be kept. */
void ddb_redo_start(struct ddb_session *s, bool wanted);

/* The open writer has been given rows, which are copied. */
void ddb_redo_append(struct ddb_session *s, const struct chunk *rows);
/* They are in t now; returns the number of this change. */
uint64_t ddb_redo_flush(struct ddb_session *s, const struct table_def *t);
/* The writer is gone without that. */
void ddb_redo_forget(struct ddb_session *s);
/* Rows are deleted. */
void ddb_redo_delete(struct ddb_session *s, const struct table_def *t, const int64_t *rowids,
                     uint32_t count);
/* The rows of change `flushed`, all from first_rowid on, are deleted again. If nothing else has
 * changed since, that is as if nothing had. */
void ddb_redo_remove(struct ddb_session *s, const struct table_def *t, int64_t first_rowid,
                     uint64_t flushed);
/* The record that t has partial dates is written. */
void ddb_redo_note_partial_dates(struct ddb_session *s, const struct table_def *t);
/* A change that is not kept. */
void ddb_redo_give_up(struct ddb_session *s);

/*
 * Makes the changes up to the savepoint again, in a new transaction of DuckDB with the old one's
 * snapshot; those after it are forgotten. May fail half-way, with DuckDB's error; then that
 * transaction has to be rolled back.
 */
NODISCARD int ddb_redo_replay(struct ddb_session *s, uint64_t savepoint, struct diag *diag);

/* A copy of rows, strings included, in arena. */
NODISCARD struct chunk ddb_chunk_copy(const struct chunk *rows, struct arena *arena);

#endif
