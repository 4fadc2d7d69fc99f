/*
 * copy: which tables of the source have a columnar copy, in what state, under which definition.
 *
 * A table that is being copied has storage and takes changes, but is not in the catalog: sessions
 * cannot read it. When it is complete its definition is published, in the same engine transaction
 * as the last of its rows. Records in the store: kind "copy_table", by table id: state, reason,
 * name, key, snapshot progress, and the definition while it is not published (then it is where
 * exec/ keeps definitions, kind "table").
 *
 * Threads: struct copy has one mutex, a leaf, around its list. A struct copy_table is counted; its
 * definition and key are immutable: DDL puts a new copy_table in place of the old one. state and
 * progress are atomic or under the mutex. Changes of the list are made by the stream's fiber only
 * (pipeline.h), so whoever runs there may look without a lock.
 */
#ifndef CHANGE_COPY_H
#define CHANGE_COPY_H

#include "change/key_set.h"

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "engine/engine.h"
#include "exec/server.h"

#include <stdatomic.h>

enum copy_state {
    COPY_PENDING, /* Waits for its snapshot; no storage; its changes are skipped. */
    COPY_LOADING, /* Its snapshot is under way: changes are applied as upserts (tables with a key),
                     or spooled (without). */
    COPY_LIVE,    /* Exact as of the position. */
    COPY_ASIDE,   /* Not copied, for a reason: its changes are skipped. */
};

/* Where rows are found by: the primary key, else a NOT NULL unique key without prefixes. */
struct copy_key {
    uint32_t count;          /* 0 = none: rows are matched as a whole. */
    const uint32_t *columns; /* Indexes into the definition's columns. */
    bool is_primary;
};

struct copy_table {
    struct str db, name;   /* As the source writes them. */
    uint64_t id;           /* table_def.id; also of tables without a definition. */
    struct table_def *def; /* Counted; NULL when it could not be read (then ASIDE). */
    struct copy_key key;
    _Atomic(enum copy_state) state;
    struct str reason;    /* ASIDE, and PENDING again after DDL: why. */
    uint64_t schema_hash; /* Of the source's SHOW CREATE TABLE without AUTO_INCREMENT=. */
    /* Snapshot progress; by the snapshot under copy's mutex, else relaxed. */
    _Atomic(uint64_t) rows_copied, bytes_copied, rows_estimated;
    /* LOADING: when this process began to copy it (monotonic; 0 = not yet), and how many rows it
     * had then. */
    _Atomic(uint64_t) begun_us, begun_rows;
    _Atomic(int64_t) copied_us; /* When it became LIVE; wall clock. */
    struct str last_key; /* LOADING: where the next chunk begins (snapshot.c's own text); under the
                            mutex. */
    _Atomic(uint64_t) rows_inserted, rows_updated, rows_deleted; /* From the stream, committed. */
    /* LOADING: the keys of the rows that the stream has put there, some of them before they were
     * read; NULL: not known, and any may be there. The apply fiber's. */
    struct key_set *brought;
    struct str list_key; /* copy.c's own */
    struct arena arena;  /* Owns the strings. */
    _Atomic(uint32_t) refs;
};

/* schema_hash of an ASIDE table that is not tried again by itself: a statement has dropped it, or
 * its changes could not be applied. PINTAIL COPY TABLE brings it back. */
#define COPY_STAYS_ASIDE UINT64_MAX

/* Why such a table is ASIDE. */
#define COPY_SILENT_CASCADES                                                                       \
    "a foreign key with CASCADE or SET NULL: the source does not log the rows that it changes"

struct copy; /* The list. */

/* Which tables are wanted. Patterns "db.table" with * and ?, in order; empty include = all. */
struct copy_filter {
    uint32_t include_count, exclude_count;
    const struct str *include, *exclude;
};
NODISCARD bool copy_filter_takes(const struct copy_filter *f, struct str db, struct str name);

NODISCARD struct copy *copy_new(struct server *server);
void copy_free(struct copy *c);
/* Reads the records "copy_table". On an offload thread or before the loops. */
NODISCARD int copy_load(struct copy *c, struct engine_session *s, struct diag *d);

void copy_table_ref(struct copy_table *t);
void copy_table_unref(struct copy_table *t);

/* By name; a reference for the caller, or NULL: the table is not known (created since and filtered,
 * or of the system). */
NODISCARD struct copy_table *copy_find(struct copy *c, struct str db, struct str name);
/* All, by database and name, each with a reference; the array in arena. */
NODISCARD uint32_t copy_list(struct copy *c, struct arena *arena, struct copy_table ***out);

/* Grows whenever a table is added, replaced or removed. */
NODISCARD uint64_t copy_serial(struct copy *c);

/*
 * ---- Changes: in the stream's fiber, each inside an engine transaction of `s` that the caller
 * commits and then makes visible by copy_publish(). ----
 *
 * A struct copy_change says what becomes of one table; several may be made in one transaction.
 */
struct copy_change {
    struct copy_change *next;
    struct copy_table *before; /* NULL: it was not known. Counted by the change. */
    struct copy_table *after;  /* NULL: it is gone. Counted by the change. */
    struct table_share *lock;  /* copy_lock() holds it; NULL = none */
};

/* A table as it will be: state PENDING, LOADING (with def: storage is created), LIVE (with def), or
 * ASIDE (reason). Takes a reference of its own to def. Its id is def's, else a new one. Never fails
 * but for memory. Returned with one reference. */
NODISCARD struct copy_table *copy_table_new(struct server *server, struct str db, struct str name,
                                            enum copy_state state, struct table_def *def,
                                            struct str reason);
/* The same table in another state, e.g. LOADING -> LIVE: id, definition, key, progress and counters
 * stay; `brought` does not go along. Returned with one reference. */
NODISCARD struct copy_table *copy_table_with_state(const struct copy_table *t,
                                                   enum copy_state state, struct str reason);

/*
 * Makes storage and records match: creates storage when after is LOADING or LIVE and before had
 * none or another id, drops that of before when its id is not after's, writes the record, and, when
 * after is LIVE, the definition as exec/ keeps it. 0, or -1 with d set (the transaction is to be
 * rolled back). Engine calls: on an offload thread.
 */
NODISCARD int copy_store(struct copy *c, struct engine_session *s, const struct copy_change *change,
                         struct diag *d);
/* Before the first copy_store() of a transaction that changes or removes a published definition:
 * takes the metadata locks, so that statements under way end first. Waits for them no longer than
 * COPY_LOCK_WAIT_US each: a transaction that stays open has its snapshot already, and keeps seeing
 * what it saw. In a fiber. Followed by copy_publish() or copy_abandon(). */
void copy_lock(struct copy *c, struct copy_change *changes);
/* The transaction was rolled back: gives the locks back, and the references of the changes. */
void copy_abandon(struct copy *c, struct copy_change *changes);
/* After the commit: list and catalog, locks (those that copy_lock() did not take are taken for the
 * moment) and the references of the changes are given back. Sets copied_us of what became LIVE. In
 * a fiber. */
void copy_publish(struct copy *c, struct copy_change *changes);
/* Writes the record alone, e.g. with a new last_key. */
NODISCARD int copy_store_progress(struct copy *c, struct engine_session *s, struct copy_table *t,
                                  struct diag *d);

/* Sets last_key, under the mutex. */
void copy_set_last_key(struct copy *c, struct copy_table *t, struct str last_key);
/* Copies it; in arena. */
NODISCARD struct str copy_last_key(struct copy *c, struct copy_table *t, struct arena *arena);

/* Makes sure that a database of the copy exists, stored in the transaction of s; the catalog has it
 * after copy_publish() of a change in it. collation 0: the server's. copy_store() does it for
 * tables that are LIVE, not knowing the collation. 0, or -1 with d set. */
NODISCARD int copy_store_database(struct copy *c, struct engine_session *s, struct str db,
                                  uint16_t collation, struct diag *d);

/* After the commit: puts such a database into the catalog. copy_publish() does it for its tables'.
 */
void copy_publish_database(struct copy *c, struct str db);

/* Why a statement cannot read db.name from the copy, for error messages; in arena. */
NODISCARD struct str copy_why_not(struct copy *c, struct str db, struct str name,
                                  struct arena *arena);

enum {
    COPY_LOCK_WAIT_US = 10 * 1000 * 1000,
};

/* "pending", "loading", "live", "aside": as records and tables show it. */
NODISCARD const char *copy_state_name(enum copy_state state);

/*
 * ---- Definitions ----
 * The definition behind the text of the source's SHOW CREATE TABLE, read as mirror/ does (columns
 * in the source's order, generated and invisible ones among them). x: any session of the source's
 * dialect; its arena and diag are reset. Returns 0, or -1 with d set: why it cannot be copied
 * exactly (a character set without a converter, a type, …). x: of a mirror_model (mirror/define.h),
 * or change_ddl_session().
 */
NODISCARD int copy_define(struct exec_session *x, struct str db, struct str create_table,
                          struct table_def **out, struct diag *d);

/* Where the table's rows are found by; columns in arena. */
void copy_choose_key(const struct table_def *t, struct arena *arena, struct copy_key *out);

/* copy_table.schema_hash of the text of SHOW CREATE TABLE. Never 0. */
NODISCARD uint64_t copy_schema_hash(struct str create_table);

#endif
