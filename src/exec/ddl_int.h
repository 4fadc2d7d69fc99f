/*
 * What the files of DDL share. A DDL statement makes a plan: a list of changes, each with the
 * definition before and after. ddl_run() carries the plan out in one engine transaction, together
 * with the stored definitions, and publishes the definitions in the catalog once the engine has
 * committed: either everything happens or nothing does.
 *
 *   ddl_database.c  CREATE, ALTER, DROP DATABASE      ddl_create.c   CREATE TABLE
 *   ddl_column.c    column_spec -> column_def         ddl_alter.c    ALTER TABLE, CREATE/DROP INDEX
 *   ddl_index.c     index_spec -> index_def           ddl_rewrite.c  rows of a new table
 *   ddl_table.c     checks on whole definitions       ddl_select.c   columns of CREATE … SELECT
 *   ddl_drop.c      DROP, RENAME, TRUNCATE TABLE      ddl_options.c  names, character sets, options
 */
#ifndef EXEC_DDL_INT_H
#define EXEC_DDL_INT_H

#include "exec/exec_int.h"
#include "types/collation.h"

/* MySQL's limits (manual: "Limits on Table Column Count and Row Size", "InnoDB Limits"). */
#define DDL_MAX_COLUMNS   4096
#define DDL_MAX_INDEXES   64
#define DDL_MAX_KEY_PARTS 16
#define DDL_MAX_KEY_BYTES 3072
#define DDL_MAX_ROW_BYTES 65535
#define DDL_NAME_CHARS    64

/* ---- Plans (ddl_plan.c) ---- */

enum ddl_kind {
    DDL_CREATE_TABLE,  /* after */
    DDL_DROP_TABLE,    /* before */
    DDL_ALTER_TABLE,   /* before, after: the engine makes its storage match */
    DDL_CHANGE_TABLE,  /* before, after: only the definition changes */
    DDL_REPLACE_TABLE, /* before, after with an id of its own: rows are copied between
                          ddl_apply() and ddl_commit() */
    DDL_TRUNCATE_TABLE,
    DDL_PUT_DATABASE,
    DDL_DROP_DATABASE,
};

struct ddl_change {
    struct ddl_change *next;
    enum ddl_kind kind;
    const struct table_def *before; /* kept by the session's open tables */
    struct table_def *after;        /* owned until published */
    struct database_def db;
    uint64_t next_auto_increment; /* of the published table; 0 = as it is */
};

struct ddl_plan {
    struct ddl_change *first;
    struct ddl_change **last;
};

void ddl_plan_init(struct ddl_plan *plan);
/* Adds a change; takes over the reference to `after`, which may be NULL. Members beyond these two
 * are set in the result. */
struct ddl_change *ddl_plan_add(struct exec_session *x, struct ddl_plan *plan, enum ddl_kind kind,
                                const struct table_def *before, struct table_def *after);
/* Gives back the definitions of a plan that is not carried out. */
void ddl_plan_drop(struct ddl_plan *plan);

/*
 * Starts the engine's transaction and makes the changes in it. Returns 0, or -1 with diag, all
 * rolled back. Then rows may be written, and ddl_commit() or ddl_abort() must follow.
 */
NODISCARD int ddl_apply(struct exec_session *x, struct ddl_plan *plan);
/* Commits the engine's transaction and publishes the definitions. Returns 0, or -1 with diag, all
 * rolled back. */
NODISCARD int ddl_commit(struct exec_session *x, struct ddl_plan *plan);
void ddl_abort(struct exec_session *x, struct ddl_plan *plan);
/* All of it. */
NODISCARD int ddl_run(struct exec_session *x, struct ddl_plan *plan);

/* ---- Names, character sets, options (ddl_options.c) ---- */

/* Text for a message, of the statement's lifetime. */
NODISCARD const char *ddl_text(struct exec_session *x, struct str s);

enum ddl_name {
    DDL_NAME_DATABASE,
    DDL_NAME_TABLE,
    DDL_NAME_COLUMN,
    DDL_NAME_INDEX,
};

/* 1059 too long; 1102, 1103, 1166, 1280 not a name of its kind. */
NODISCARD int ddl_check_name(struct exec_session *x, struct str name, enum ddl_name kind);
/* 1044 for a database that belongs to the server. */
NODISCARD int ddl_refuse_system_database(struct exec_session *x, struct str db);
/* 1091 for what is not there to be dropped (what: "COLUMN", "INDEX"), or a note of it. Returns -1,
 * or 0 after a note. */
int ddl_cannot_drop(struct exec_session *x, const char *what, struct str name, bool as_note);
/* The database, which must exist and be changeable (1049, 1044). The writer lock is held. */
NODISCARD int ddl_find_database(struct exec_session *x, struct str db, struct database_def *out);

/*
 * The collation meant by CHARACTER SET and COLLATE (p NULL = not said), or `otherwise`. 1115
 * unknown character set, 1273 unknown collation, 1253 they do not fit, 1235 one whose order we do
 * not know (collation_is_supported()).
 */
NODISCARD int ddl_collation(struct exec_session *x, struct str charset, struct str collation,
                            uint16_t otherwise, uint16_t *out);
/* Puts table options into a definition being built. */
NODISCARD int ddl_set_options(struct exec_session *x, struct table_def *t,
                              const struct table_options *options);

/* ---- Columns (ddl_column.c) ---- */

/* Makes the definition of a column, strings in t's arena; the id is not set. */
NODISCARD int ddl_make_column(struct exec_session *x, struct table_def *t,
                              const struct column_spec *spec, struct column_def *out);
/* MySQL's warnings about deprecated properties of a type (1681). */
void ddl_warn_type(struct exec_session *x, const struct sql_type *type);
/* Was the column said to be NULL, by the word or its default? */
NODISCARD bool ddl_is_said_null(const struct column_spec *spec);
/* DEFAULT of an existing column; value NULL takes it away. */
NODISCARD int ddl_set_default(struct exec_session *x, struct table_def *t, struct column_def *c,
                              const struct expr *value);

/* ---- Whole tables (ddl_table.c) ---- */

/* Are column names unique (1060), does the row fit (1117, 1118), is there a visible column (1113,
 * 4028), at most one AUTO_INCREMENT, and a key for it (1075)? Sets what follows from the whole: key
 * flags, key order. */
NODISCARD int ddl_finish_table(struct exec_session *x, struct table_def *t);

/* ---- CHECK constraints (ddl_check.c) and expressions as text (ddl_print.c) ---- */

/* Makes room for more constraints in t->checks; then adds that of a column (if it has one) or of
 * the table: 3812 to 3822, 1235 for what the evaluator does not know. */
void ddl_room_for_checks(struct table_def *t, uint32_t more);
NODISCARD int ddl_add_column_check(struct exec_session *x, struct table_def *t,
                                   const struct column_spec *spec);
NODISCARD int ddl_add_check(struct exec_session *x, struct table_def *t,
                            const struct check_spec *spec);
/* DROP CHECK, DROP CONSTRAINT (3940, 1091); the constraint that stands with a column, if any. */
NODISCARD int ddl_drop_check(struct exec_session *x, struct table_def *t, struct str name,
                             bool if_exists);
void ddl_drop_column_check(struct table_def *t, struct str column);
/* 3959 (MariaDB: 1054) when a constraint names the column. */
NODISCARD int ddl_check_keeps_column(struct exec_session *x, const struct table_def *t,
                                     struct str column);
/* CREATE TABLE … LIKE gives all constraints names of the new table, in MySQL. */
void ddl_number_checks(struct exec_session *x, struct table_def *t);
/* MySQL's own names of constraints go with the table's name. */
void ddl_rename_checks(struct exec_session *x, struct table_def *t, struct str old_name);
/* An expression, names not resolved, as SHOW CREATE TABLE shows it; in arena. Returns 0, or -1
 * without a diag when its form is not known. */
NODISCARD int ddl_print_expr(struct exec_session *x, const struct expr *e, struct arena *arena,
                             struct str *out);

/* ---- Indexes (ddl_index.c) ---- */

/* Adds an index to a definition with room for it in t->indexes; NOT NULL follows for the columns of
 * a primary key. */
NODISCARD int ddl_add_index(struct exec_session *x, struct table_def *t,
                            const struct index_spec *spec);
/* The same for one that was there before: keeps its id, and is not warned about. */
NODISCARD int ddl_keep_index(struct exec_session *x, struct table_def *t,
                             const struct index_spec *spec, uint32_t id);
/* The index that a column's own PRIMARY KEY or UNIQUE makes; returns whether there is one. */
NODISCARD bool ddl_index_of_column(struct exec_session *x, const struct column_spec *column,
                                   struct index_spec *out);
/* MySQL's order: primary, unique without NULLs, unique, others. */
void ddl_sort_indexes(struct table_def *t);

/* ---- Rows (ddl_rewrite.c) ---- */

/* Where the rows of a new table come from. */
struct ddl_source {
    const struct query *query;     /* CREATE TABLE … SELECT, resolved; or NULL, and then: */
    const struct table_def *table; /* ALTER TABLE: the table as it was */
    uint32_t column_count;
    const struct str *columns; /* names in the new table, in the source's order */
    const uint32_t *from;      /* ALTER TABLE: their numbers in the old one */
    unsigned store_flags;      /* enum store_flags */
    bool keep_zeros;           /* 0 in the AUTO_INCREMENT column stays 0 */
};

/* Fills a new table of a plan that was applied, converting as MySQL does. Returns 0 with *out_rows,
 * or -1 with diag (1062, 1138, 1265, 1264, 1366, 1406, …). */
NODISCARD int ddl_fill_table(struct exec_session *x, const struct table_def *t,
                             const struct ddl_source *source, uint64_t *out_rows);

/* ---- Queries that make tables (ddl_select.c) ---- */

/* Adds the columns of a resolved query to a definition that has those which were written;
 * *out_names are the query's columns in it. */
NODISCARD int ddl_add_query_columns(struct exec_session *x, struct table_def *t,
                                    const struct query *q, struct str **out_names);

#endif
