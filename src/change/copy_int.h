/*
 * What the files of copy share.
 *
 *   copy.c         the list of tables, filters
 *   copy_store.c   storage, records and catalog follow changes of the list
 *   copy_record.c  records as JSON
 *   copy_define.c  definitions and keys
 */
#ifndef CHANGE_COPY_INT_H
#define CHANGE_COPY_INT_H

#include "change/copy.h"

#include "base/htab.h"
#include "os/os_mutex.h"
#include "sql/ast.h"

/* A database that a transaction has stored and the catalog does not have yet. */
struct copy_database {
    struct copy_database *next;
    struct database_def def;
    char name[];
};

struct copy {
    struct server *server;
    struct os_mutex lock; /* The list, the tables' last_key and `made`; a leaf. */
    struct htab tables;   /* struct copy_table by list_key, one reference each. */
    struct copy_database *made;
    _Atomic(uint64_t) serial; /* See copy_serial(). */
};

/* Does it have storage in the engine? */
NODISCARD bool copy_has_storage(const struct copy_table *t);
/* Is its definition in the catalog? */
NODISCARD bool copy_is_published(const struct copy_table *t);

/* Puts a table into the list, which takes a reference; returns the one that it replaces, whose
 * reference is the caller's, or NULL. The mutex is held. */
NODISCARD struct copy_table *copy_list_put(struct copy *c, struct copy_table *t);
NODISCARD struct copy_table *copy_list_remove(struct copy *c, const struct copy_table *t);

/* The record of a table, in arena; and back: a table with one reference, which has an id but, when
 * it is LIVE, no definition yet. 0, or -1 with d set. */
NODISCARD struct str copy_record_encode(const struct copy_table *t, struct arena *arena);
NODISCARD int copy_record_decode(struct copy *c, uint64_t id, struct str json, struct diag *d,
                                 struct copy_table **out);

/* An empty table with one reference. */
NODISCARD struct copy_table *copy_table_alloc(struct str db, struct str name);
/* Gives it a definition (a reference of its own) and the key that follows from it. */
void copy_table_define(struct server *server, struct copy_table *t, struct table_def *def);

/* The table in the same state and with the same progress under another name and with another
 * definition of the same id (NULL: it has none). */
NODISCARD struct copy_table *copy_table_successor(struct server *server, const struct copy_table *t,
                                                  struct str db, struct str name,
                                                  struct table_def *def);

/* Can the table of a CREATE TABLE statement be copied exactly, as far as its definition will not
 * tell any more; can that of a definition? 0, or -1 with d set to the reason. */
NODISCARD int copy_check_statement(const struct exec_session *x, const struct stmt *stmt,
                                   struct diag *d);
NODISCARD int copy_check_definition(const struct exec_session *x, const struct table_def *t,
                                    struct diag *d);

#endif
