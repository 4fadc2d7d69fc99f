/*
 * ALTER TABLE, inside: the definition being built, and what is known of how the rows change with
 * it.
 *
 *   ddl_alter.c          the statement: options, what to do to the rows, the plan
 *   ddl_alter_columns.c  the new list of columns
 *   ddl_alter_indexes.c  the new list of indexes
 */
#ifndef EXEC_DDL_ALTER_H
#define EXEC_DDL_ALTER_H

#include "exec/ddl_int.h"

/* How the rows get their new form. */
enum alter_rows {
    ALTER_ROWS_STAY, /* nothing stored changes */
    ALTER_ROWS_CAST, /* the engine adds, drops, moves and widens columns by itself */
    ALTER_ROWS_COPY, /* each row is read, converted, checked and written to a new table */
};

struct alter_run {
    struct exec_session *x;
    const struct alter_table_stmt *stmt;
    const struct table_def *before; /* locked exclusively */
    struct table_def *t;            /* being built */
    int32_t *from;                  /* a column of t: its number in `before`, or -1 */
    enum alter_rows rows;           /* the most that any action asks for */
    enum alter_rows column_rows;    /* the same of those on columns */
    bool counts_rows;               /* MySQL copies the table then, and says how many rows */
    bool zero_date;                 /* a column is added that gets zero dates: not in strict mode */
    const char *zero_date_column;
    enum mysql_type zero_date_type;
    bool set_auto_increment; /* the option AUTO_INCREMENT was given */
};

/* Asks for at least this treatment of the rows. */
static inline void alter_need(struct alter_run *run, enum alter_rows rows)
{
    run->rows = MAX(run->rows, rows);
}

/* Builds t->columns and run->from from the actions on columns. */
NODISCARD int alter_columns(struct alter_run *run);
/* Builds t->indexes, once the columns are known. */
NODISCARD int alter_indexes(struct alter_run *run);

#endif
