/*
 * ddl: what statements in the log do to the copy. Called by the stream's fiber at a batch boundary
 * with everything before it applied.
 */
#ifndef CHANGE_DDL_H
#define CHANGE_DDL_H

#include "binlog/txn_events.h"
#include "change/copy.h"
#include "upstream/upstream.h"

/*
 * What a statement means for the stream. MariaDB's ALTER in two phases (BINLOG_MARIADB_START_ALTER,
 * COMMIT_ALTER, ROLLBACK_ALTER of its GTID event) has the same text twice: the stream's matter;
 * only that of COMMIT_ALTER counts.
 */
enum change_ddl_class {
    CHANGE_DDL_NONE, /* Nothing: transactions' own words, accounts, views, routines, ANALYZE, … */
    CHANGE_DDL_SAVEPOINT, /* SAVEPOINT, ROLLBACK TO, RELEASE: the batch's matter */
    CHANGE_DDL_SCHEMA,    /* change_ddl_plan() says what */
    CHANGE_DDL_ACCOUNT, /* GRANT and the like: nothing for the copy, but grants may have changed */
    CHANGE_DDL_ROWS,    /* rows in statement format (INSERT … as text): cannot be followed */
    CHANGE_DDL_UNKNOWN, /* cannot be read */
};

/* Looks at the text alone; cheap (scanner only). Any thread. */
NODISCARD enum change_ddl_class change_ddl_classify(const struct binlog_query *q,
                                                    enum sql_dialect dialect);

struct change_ddl; /* the module's state: a session of the source's dialect, the filter */

NODISCARD struct change_ddl *change_ddl_new(struct server *server, struct copy *copy,
                                            const struct copy_filter *filter);
void change_ddl_free(struct change_ddl *d);
/* Whose dialect statements are in. */
void change_ddl_set_source(struct change_ddl *d, enum upstream_kind kind, uint32_t version_id);

/*
 * Reads a statement of class SCHEMA, ROWS or UNKNOWN and decides what becomes of which tables, e.g.
 * CREATE TABLE: a LIVE, empty table (that of CREATE … SELECT gets its rows in the same
 * transaction); DROP, RENAME, TRUNCATE; ALTER: LIVE with a new definition when storage and rows can
 * be converted exactly, else PENDING (its snapshot comes again); ROWS fail: nobody can tell what
 * triggers and foreign keys made of them. *out: the changes, in arena, for copy_store() and
 * copy_publish(). In a fiber. 0, or -1 with d set: the stream must stop (text that may change rows
 * of tables that cannot be told).
 */
struct change_ddl_plan {
    struct copy_change *changes;
    struct database_def *databases; /* to be created or changed */
    uint32_t database_count;
    struct str dropped_database; /* p NULL = none */
    struct change_ddl_step
        *steps;          /* engine work between copy_store() calls: truncate, alter; ddl.c */
    bool wakes_snapshot; /* some table is PENDING now */
};
NODISCARD int change_ddl_plan(struct change_ddl *d, const struct binlog_query *q,
                              struct arena *arena, struct diag *diag, struct change_ddl_plan *out);
/* Carries it out in the open transaction of s; offload thread. */
NODISCARD int change_ddl_apply(struct change_ddl *d, struct engine_session *s,
                               const struct change_ddl_plan *plan, struct diag *diag);
/* Before the transaction begins, in the fiber: waits for statements on tables that the plan changes
 * (copy_lock()). Without it change_ddl_publish() does that late. */
void change_ddl_lock(struct change_ddl *d, struct change_ddl_plan *plan);
/* After the commit; in the fiber. */
void change_ddl_publish(struct change_ddl *d, struct change_ddl_plan *plan);
/* Instead of it, when the plan is not carried out, or was rolled back: gives back its references. A
 * plan that failed needs none of them. */
void change_ddl_abandon(struct change_ddl *d, struct change_ddl_plan *plan);

#endif
