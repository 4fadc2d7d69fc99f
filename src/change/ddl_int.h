/*
 * What the files of ddl share.
 *
 *   ddl_classify.c   what a statement is          ddl_tables.c   CREATE, DROP, RENAME, TRUNCATE
 *   ddl_words.c      its words                    ddl_alter.c    ALTER TABLE, CREATE/DROP INDEX
 *   ddl.c            plans, and carrying them out ddl_rows.c     changes of rows as text
 */
#ifndef CHANGE_DDL_INT_H
#define CHANGE_DDL_INT_H

#include "change/copy_int.h"
#include "change/ddl.h"
#include "mirror/define.h"

#include "sql/ast.h"

struct change_ddl {
    struct server *server;
    struct copy *copy;
    const struct copy_filter *filter;
    enum upstream_kind kind;
    uint32_t version_id;
    struct mirror_model model;
};

enum change_ddl_step_kind {
    DDL_STEP_TRUNCATE,
    DDL_STEP_ALTER,
};

/* Engine work on a table that keeps its id. The tables are those of a change of the plan. */
struct change_ddl_step {
    struct change_ddl_step *next;
    enum change_ddl_step_kind kind;
    const struct copy_table *from, *to;
};

/* A plan being made. */
struct ddl_run {
    struct change_ddl *d;
    const struct binlog_query *q;
    struct exec_session *x; /* Of the source's dialect, with the statement's variables. */
    struct arena *arena;    /* Of the plan. */
    struct diag *diag;
    struct str sql; /* In UTF-8. */
    struct str db;  /* The statement's current database; empty = none. */
    struct stmt *stmt;
    struct change_ddl_plan *out;
    struct copy_change **last;
    struct change_ddl_step **last_step;
};

/* ---- ddl.c ---- */

/* The database that a name without one is in. */
NODISCARD struct str ddl_db(const struct ddl_run *run, struct str db);
NODISCARD bool ddl_is_wanted(const struct ddl_run *run, struct str db, struct str name);

/* The change of the plan by which a table has that name now, or NULL. */
NODISCARD struct copy_change *ddl_find_change(struct ddl_run *run, struct str db, struct str name);
/* The table that has that name now, after the changes planned so far; borrowed until the plan is
 * published, or NULL. */
NODISCARD struct copy_table *ddl_find(struct ddl_run *run, struct str db, struct str name);
/* What becomes of a table: `now` (of ddl_find(), or NULL) makes way for `after` (NULL: it is gone),
 * whose reference is taken. */
void ddl_set(struct ddl_run *run, struct copy_table *now, struct copy_table *after);
void ddl_add_step(struct ddl_run *run, enum change_ddl_step_kind kind,
                  const struct copy_table *from, const struct copy_table *to);

/* The table is to be copied again, or for the first time, under that name. */
void ddl_recopy(struct ddl_run *run, struct copy_table *now, struct str db, struct str name,
                struct str reason);
/* The same for a name in a statement, if the filter takes it. */
void ddl_recopy_name(struct ddl_run *run, struct str db, struct str name, struct str reason);

/* The database's definition. *out_known: is its collation certain? */
void ddl_database(struct ddl_run *run, struct str db, struct database_def *out, bool *out_known);

/* ---- Statements; 0, or -1 with run->diag set ---- */

NODISCARD int ddl_plan_create_table(struct ddl_run *run);
NODISCARD int ddl_plan_drop_table(struct ddl_run *run);
NODISCARD int ddl_plan_rename_table(struct ddl_run *run);
NODISCARD int ddl_plan_truncate(struct ddl_run *run);
NODISCARD int ddl_plan_create_database(struct ddl_run *run);
NODISCARD int ddl_plan_alter_database(struct ddl_run *run);
NODISCARD int ddl_plan_drop_database(struct ddl_run *run);
NODISCARD int ddl_plan_alter_table(struct ddl_run *run);
/* Text that cannot be read: the tables that are named in it. */
NODISCARD int ddl_plan_by_words(struct ddl_run *run, struct str why);
NODISCARD int ddl_plan_rows(struct ddl_run *run);

/* Tables named behind the word TABLE anywhere in the statement (EXCHANGE PARTITION … WITH TABLE t)
 * are copied again. */
void ddl_recopy_other_tables(struct ddl_run *run, struct str reason);

/* Renames `now`, with a definition of its new name. */
void ddl_rename(struct ddl_run *run, struct str from_db, struct str from, struct str to_db,
                struct str to);

/* Is the column what the statement says, without knowing the source's variables? default_known: is
 * the collation of columns that name none? */
NODISCARD bool ddl_column_is_certain(const struct ddl_run *run, const struct column_spec *c,
                                     bool default_known);

/* Makes the column what the source has: MariaDB's JSON is a LONGTEXT. */
void ddl_translate_column(const struct ddl_run *run, struct column_spec *c);

/* Does REFERENCES behind a column make a foreign key? MySQL takes it for nothing before 9.0. */
NODISCARD bool ddl_has_column_keys(const struct ddl_run *run);

/* Does the source log what foreign keys with CASCADE and SET NULL change? */
NODISCARD bool ddl_source_logs_cascades(enum sql_dialect dialect, uint32_t version_id);

#endif
