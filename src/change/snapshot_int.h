/*
 * The snapshot's inside: what its files share.
 *
 *   snapshot.c         the coordinator, the workers, figures
 *   snapshot_tables.c  the source's list of tables against the copy's
 *   snapshot_table.c   one table: its chunks, one after another
 *   snapshot_view.c    connections, views of the source and where in its log they lie
 *   snapshot_sql.c     statements and keys as text
 *   snapshot_rows.c    rows of the binary protocol into column chunks
 *   verify.c           the copy against the source
 *
 * snapshot_sql.c and snapshot_rows.c are pure.
 */
#ifndef CHANGE_SNAPSHOT_INT_H
#define CHANGE_SNAPSHOT_INT_H

#include "change/snapshot.h"
#include "mirror/define.h"

#include "base/bytebuf.h"
#include "base/htab.h"
#include "base/log.h"
#include "exec/exec.h"
#include "os/fiber.h"
#include "os/os_mutex.h"
#include "types/charset.h"
#include "types/chunk.h"
#include "wire/column.h"

/* ---- snapshot_sql.c ---- */

enum {
    SNAPSHOT_SQL_MAX = 8 * 1024 * 1024, /* Ceiling of a statement. */
};

/* A name in backticks; db.name. */
void snapshot_put_name(struct bytebuf *b, struct str name);
void snapshot_put_table(struct bytebuf *b, struct str db, struct str name);
/* A text in quotes. */
void snapshot_put_text(struct bytebuf *b, struct str text);

/*
 * SELECT of all columns of the definition, named, in its order: generated and invisible ones come
 * too; ENUM and SET as their numbers. The rows behind last_key (as snapshot_key_text() made it;
 * empty = all), in the order of the key, at most limit (0 = all, in no order). The index is forced,
 * so that a chunk costs what its rows cost. A row's place is compared column by column, as a row
 * constructor would scan the index.
 */
void snapshot_put_select(struct bytebuf *b, const struct copy_table *t, struct str last_key,
                         uint64_t limit);

/* The text of a definition without its AUTO_INCREMENT=n, which changes with the rows; in arena. */
NODISCARD struct str snapshot_definition_text(struct str create_table, struct arena *arena);

/* ---- snapshot_rows.c ---- */

struct snapshot_field;

/* How the rows of a result are to be read as rows of a table; lives in the arena. */
struct snapshot_format {
    uint32_t count;
    struct snapshot_field *fields;
};

/*
 * For the columns that a result of snapshot_put_select() has. 0, or -1 with d set: they are not
 * those of the definition (ER_TABLE_DEF_CHANGED), or a character set has no converter.
 */
NODISCARD int snapshot_format_init(struct snapshot_format *f, const struct table_def *def,
                                   const struct wire_column *columns, uint32_t count,
                                   struct arena *arena, struct diag *d);

/*
 * Adds a row of the binary protocol to the builder, which has room and the types of the definition.
 * Text becomes UTF-8 by the same function as text of the log. 0, or -1 with d set: a value that
 * does not survive that (ER_CANNOT_CONVERT_CHARACTER), or a malformed row.
 */
NODISCARD int snapshot_put_row(const struct snapshot_format *f, struct str payload,
                               struct chunk_builder *b, struct diag *d);

/*
 * The key of a row, as literals that the source compares by the column's own rules, with commas in
 * between; in arena. 0, or -1 when the row is malformed.
 */
NODISCARD int snapshot_key_text(const struct snapshot_format *f, const struct copy_key *key,
                                struct str payload, struct arena *arena, struct str *out);

/* ---- snapshot_view.c ---- */

enum {
    SNAPSHOT_STOP = 1u << 0,        /* Interrupt of the snapshot's fibers: end. */
    SNAPSHOT_VIEW_US = 1000 * 1000, /* How long a view of a table with a key stays open. */
};

/* Connects and logs in, with the settings by which rows and definitions come as they are needed.
 * NULL with d set. */
NODISCARD struct upstream_conn *snapshot_connect(const struct snapshot_options *o, struct diag *d);

/* The place in the source's log that all of the past lies before. 0, or -1 with d set. */
NODISCARD int snapshot_source_now(struct upstream_conn *c, struct change_position *out,
                                  struct diag *d);

/* A consistent view of the source, in which c's statements read until snapshot_view_close(). */
struct snapshot_view {
    struct upstream_conn *c;
    struct upstream_conn
        *locker;                /* For tables that must be locked while it is opened, else NULL. */
    char file[CHANGE_FILE_MAX]; /* The view lies at or before this place. */
    uint64_t offset;
};

/*
 * Opens a view that contains everything up to a0. t, when v->locker is there: the table that is
 * locked for reading meanwhile, for a second at most. 0, or -1 with d set; no transaction is open
 * then.
 */
NODISCARD int snapshot_view_open(struct snapshot_view *v, const struct change_position *a0,
                                 const struct copy_table *t, struct diag *d);
/* As snapshot_view_open() with the lock still held: nobody can write to t until _unlock(). */
NODISCARD int snapshot_view_open_locked(struct snapshot_view *v, const struct copy_table *t,
                                        struct diag *d);
void snapshot_view_unlock(struct snapshot_view *v);
void snapshot_view_close(struct snapshot_view *v);

/*
 * Before and after a view that is to be short: the source itself ends the connection, and with it
 * the view and its metadata locks, when we neither read nor ask for a second (the network is cut,
 * this machine stands still). 0, or -1 with d set.
 */
NODISCARD int snapshot_guard(struct upstream_conn *c, struct diag *d);
void snapshot_unguard(struct upstream_conn *c);

/* SHOW CREATE TABLE as snapshot_definition_text() has it, in arena. 0, or -1 with d set. */
NODISCARD int snapshot_read_definition(struct upstream_conn *c, struct str db, struct str name,
                                       struct arena *arena, struct diag *d, struct str *out);

/* ---- snapshot.c ---- */

enum {
    SNAPSHOT_WORKERS_MAX = 16,
    SNAPSHOT_WORKERS = 2,
    SNAPSHOT_CHUNK_ROWS_MAX = 512 * 1024,
    SNAPSHOT_CHUNK_BYTES = 32 * 1024 * 1024,
    SNAPSHOT_ERROR_MAX = 512,
};

/* A fiber that copies tables. */
struct snapshot_worker {
    struct snapshot *s;
    struct fiber *fiber;
    struct upstream_conn *c;      /* NULL: not connected. */
    bool is_dropped;              /* c was given up by our own will, in the midst of a result. */
    struct upstream_conn *locker; /* As c; for locks. */
    struct str claimed;           /* The list_key of the table it is at; p NULL = none. */
};

/* What went wrong with a table, to be tried again later. */
struct snapshot_retry {
    uint32_t failures;
    uint64_t not_before_us; /* Monotonic. */
    struct str key;
};

struct snapshot {
    struct server *server;
    struct loop *loop;
    struct copy *copy;
    struct pipeline *pipeline;
    struct snapshot_options o;
    struct log log;
    struct arena arena; /* Of the options' strings and the retries. */
    /* Fibers of one loop use what follows. */
    struct mirror_model model; /* Definitions are read in its session. */
    struct exec_session *x;
    struct htab retries; /* struct snapshot_retry by list_key. */
    struct fiber *coordinator;
    struct upstream_conn *c; /* The coordinator's. */
    struct snapshot_worker workers[SNAPSHOT_WORKERS_MAX];
    _Atomic(bool) started; /* All of its fibers are there. */
    _Atomic(bool) stopping;
    _Atomic(bool) poked;
    uint32_t looks;  /* The coordinator's: at lists of tables that had just changed. */
    bool is_refused; /* The coordinator's: what it met last has to be mended by somebody. */
    _Atomic(uint64_t) rows, bytes;
    struct os_mutex lock; /* Protects what follows; a leaf. */
    uint64_t rows_per_s;  /* Of late; 0 = not known. */
    int last_errno;
    char last_error[SNAPSHOT_ERROR_MAX];
    bool has_failed; /* As is_refused, of last_error. */
};

/* Keeps an error for the status, and logs it. what: "db.table" or what else it is about. */
void snapshot_report(struct snapshot *s, struct str what, const struct diag *d);

/*
 * Changes one table in the copy's list, by a task of the stream, unless it is no longer what it was
 * (before; NULL: not known). Takes the reference of `after` (NULL: removes it), not that of before.
 * collation: the database's, for tables that are new; 0 = not known. 0, or -1 with d set;
 * *out_done: it was as expected and has been done.
 */
NODISCARD int snapshot_change(struct snapshot *s, struct copy_table *before,
                              struct copy_table *after, uint16_t collation, struct diag *d,
                              bool *out_done);

/* Sets a table aside; reason is copied. As snapshot_change(). hash: of the definition that is at
 * fault. */
NODISCARD int snapshot_set_aside(struct snapshot *s, struct copy_table *t, struct str reason,
                                 uint64_t hash, struct diag *d);

/* ---- snapshot_tables.c ---- */

/* Makes the copy's list that of the source: tables that are missing become PENDING, tables that are
 * gone are removed. 0, or -1 with d set. */
NODISCARD int snapshot_reconcile(struct snapshot *s, struct diag *d);

/* ---- snapshot_table.c ---- */

enum snapshot_outcome {
    SNAPSHOT_DONE,  /* The table is LIVE, or set aside. */
    SNAPSHOT_AGAIN, /* Something went wrong that may be gone later; d says what. */
    SNAPSHOT_STALE, /* It has changed meanwhile: the list is to be compared again. */
};

/*
 * How many rows a SELECT brings. The first brings few, as nothing is known of their size; it grows
 * as long as a SELECT takes less than a fraction of a view's time. Pure.
 */
struct snapshot_limit {
    uint64_t rows;      /* As far as there is room for them. */
    uint64_t row_bytes; /* Of a row, of late; 0: not known. */
};
void snapshot_limit_init(struct snapshot_limit *l);
/* Of the next SELECT, with room for so many bytes: 1 at least. */
NODISCARD uint64_t snapshot_limit_next(const struct snapshot_limit *l, uint64_t room);
/* A SELECT has brought so much in that time; 0 rows: none that was whole when time was up. */
void snapshot_limit_adapt(struct snapshot_limit *l, uint64_t rows, uint64_t bytes, uint64_t us);

/* Copies a PENDING or LOADING table, all that is left of it. */
NODISCARD enum snapshot_outcome snapshot_copy_table(struct snapshot_worker *w, struct copy_table *t,
                                                    struct diag *d);

#endif
