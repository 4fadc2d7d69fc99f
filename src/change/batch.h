/*
 * batch: whole transactions of the source, as their net effect on each table: the rows to delete,
 * by key, and the rows to insert, as column chunks, each built once.
 *
 * For every key that is touched a hash table knows whether it was there before the batch (then it
 * is among the rows to delete) and which row it has now, if any. A row that is replaced is marked
 * dead and left out at the end. Keys are equal when the bytes of their cells are. Tables into which
 * is only inserted need no hash, until the first change of another kind comes.
 *
 * Tables without a key take their rows as a whole: inserted first, then deleted one for one, so
 * that no order within the batch matters.
 *
 * A transaction can be taken back: what it did to keys is kept until it is committed.
 *
 * Threads: one at a time: whoever decodes, then whoever applies.
 */
#ifndef CHANGE_BATCH_H
#define CHANGE_BATCH_H

#include "binlog/cell.h"
#include "change/copy.h"

#include "engine/engine.h"
#include "types/chunk.h"

#define BATCH_NONE UINT32_MAX

enum {
    BATCH_MEMORY = 3,
};

/* Up to CHUNK_ROWS rows, of which some are dead. */
struct batch_part {
    struct chunk_builder builder;
    uint64_t dead[BITS_WORDS(CHUNK_ROWS)];
    uint32_t dead_count;
};

/* Rows of one form, numbered from 0. */
struct batch_rows {
    const struct sql_type *types;
    uint32_t ncols;
    uint32_t width; /* Bytes of a row in the vectors. */
    uint32_t count; /* All of them. */
    uint32_t dead;
    uint32_t part_count, part_cap; /* Parts made; they are kept for the next batch. */
    struct batch_part **parts;
};

struct batch_key {
    uint64_t hash;     /* Of an integer key its value. */
    const char *bytes; /* NULL of an integer key. */
    uint32_t len;
    bool known;   /* Looked at in this batch: there is a row or none. Otherwise nothing is known. */
    uint32_t row; /* The live one among the rows, or BATCH_NONE. */
};

struct batch_keys {
    uint32_t *slots; /* Entry + 1; 0 = free. */
    uint32_t slot_count;
    struct batch_key *entries;
    uint32_t count, cap;
    struct arena arena; /* Bytes. */
};

/* A row of which the log has left out columns, to be taken from the copy: batch_fill(). */
struct batch_hole {
    uint32_t row;      /* Among the rows; holes are in order of it. */
    uint32_t gone;     /* The key it has in the copy, among those to delete. */
    uint64_t *missing; /* Bits of columns. */
};

/* Rows of a table that is being copied, with the columns that the log has told: the copy does not
 * have them yet. In full width; filled in by batch_fill(). */
struct batch_parts {
    struct batch_rows rows;
    const uint64_t **missing; /* Bits of columns; one a row, in its table's hole_arena. */
    uint32_t cap;
};

struct batch_table {
    struct copy_table *table; /* Counted. */
    struct batch *batch;
    bool is_upsert;         /* Still loading: a key may be there or not. */
    bool is_used;           /* In this batch. */
    bool is_hashed;         /* keys is up to date. */
    bool is_abandoned;      /* Set aside: not to be applied. */
    bool has_int_key;       /* One integer. */
    uint32_t key_count;     /* 0 = whole rows. */
    const uint32_t *key;    /* Columns. */
    struct batch_rows rows; /* To insert: all columns. */
    struct batch_rows gone; /* To delete: the key's columns, or all. */
    bool is_whole;          /* gone has all columns: there is no key, or images are checked. */
    struct batch_keys keys;
    struct batch_hole *holes;
    uint32_t hole_count, hole_cap;
    struct arena hole_arena; /* Their bits. */
    struct arena arena;      /* Types. */
    struct batch_parts parts;
    uint64_t inserted, updated, deleted;
    uint64_t scope;     /* Number of the part of a transaction that it is marked for. */
    uint32_t idle;      /* Batches since it was used. */
    uint32_t mark_rows; /* Rows at the beginning of the scope. */
};

/* State of a table when a transaction, or what follows a savepoint, first touched it. */
struct batch_mark {
    struct batch_table *table;
    uint32_t rows, gone;
    uint64_t inserted, updated, deleted;
    uint64_t scope;
    uint32_t mark_rows;
};

/* State of a key before a change. */
struct batch_undo {
    struct batch_table *table;
    uint32_t key, row;
    bool known;
};

struct batch_savepoint {
    struct str name;
    uint32_t marks, undos;
};

struct batch {
    bool checks_images; /* Rows to delete are told by all that they were before. */
    struct batch_table **tables;
    uint32_t table_count, table_cap;
    uint64_t transactions;
    uint64_t bytes; /* Of the rows events. */
    uint64_t txn_bytes;
    uint64_t memory; /* About what it takes, beside strings: those are among `bytes`. */
    uint64_t scope;
    struct batch_mark *marks;
    uint32_t mark_count, mark_cap;
    struct batch_undo *undos;
    uint32_t undo_count, undo_cap;
    struct batch_savepoint *savepoints;
    uint32_t savepoint_count, savepoint_cap;
    struct arena txn_arena; /* Names of savepoints. */
};

/* How the cells of a table map become the columns of a table. */
struct batch_map {
    const struct binlog_table *table;
    const struct charset *const *charsets; /* One a column; NULL = no text. */
    struct arena *scratch;
    bool is_sparse; /* What an update's images leave out is as it was. Not so in MariaDB's log. */
};

/* One row of an event; NULL = no such image. */
struct batch_change {
    const struct binlog_cell *before, *after;
};

enum batch_outcome {
    BATCH_OK,
    BATCH_FAILED, /* Log and copy disagree: d is set. */
    BATCH_LOSSY,  /* The table cannot be kept exactly: d says why. */
    BATCH_AGAIN,  /* The table has to be copied from its beginning: d says why. */
};

void batch_init(struct batch *b);
void batch_release(struct batch *b);
/* Empties it, keeping memory for the tables that are in use. */
void batch_reset(struct batch *b);
NODISCARD bool batch_is_empty(const struct batch *b);
/* Are there so many bytes of images, or does it take BATCH_MEMORY times as much memory? Rows that
 * are narrow in the log, or all NULLs, take more in columns and by key than there. */
NODISCARD bool batch_is_full(const struct batch *b, uint64_t max_bytes);

/* The table's place in the batch; takes a reference. */
NODISCARD struct batch_table *batch_get_table(struct batch *b, struct copy_table *t);

NODISCARD enum batch_outcome batch_add(struct batch_table *t, const struct batch_map *map,
                                       const struct batch_change *change, struct diag *d);

/* ---- Transactions ---- */

void batch_commit(struct batch *b);
void batch_rollback(struct batch *b);
void batch_savepoint(struct batch *b, struct str name);
/* False: there is none of this name, so it is of another engine, or before the transaction. */
NODISCARD bool batch_rollback_to(struct batch *b, struct str name);

/* ---- For whoever applies ---- */

/* The live rows as chunks, in arena; dead ones are squeezed out, after which no more may be added.
 */
NODISCARD uint32_t batch_rows_chunks(struct batch_rows *rows, struct arena *arena,
                                     struct chunk **out);

/*
 * Completes rows of which the log has left out columns with what they have in the copy. Before
 * batch_rows_chunks(), and before anything of the batch is written. Rows that are not there stay
 * incomplete: their keys cannot be deleted either; of a table that is being copied they are moved
 * to its parts, as the snapshot is yet to read them. 0, or -1 with d set.
 */
NODISCARD int batch_fill(struct batch_table *t, struct engine_session *s, struct arena *scratch,
                         struct diag *d);

/* Leaves out the rows before a number. */
void batch_rows_kill_below(struct batch_rows *rows, uint32_t before);

/* The value of a key, for messages, from a row of a chunk of its columns; in arena. */
NODISCARD struct str batch_key_text(const struct chunk *keys, uint32_t row, struct arena *arena);

#endif
