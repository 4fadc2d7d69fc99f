/*
 * What a query reads besides its literals, told by its tree before names are resolved: for who has
 * to decide where it can be answered.
 */
#ifndef SQL_READS_H
#define SQL_READS_H

#include "sql/ast.h"

struct sql_reads {
    uint32_t tables;        /* base tables, but for those that follow */
    uint32_t system_tables; /* of the servers' own schemas (information_schema, mysql, …) */
    uint32_t own_tables;    /* of the schema `pintail` */
    bool own_vars;          /* @@pintail_… */
    bool user_vars;         /* @name, read or set */
    bool writes;            /* INTO, FOR UPDATE, FOR SHARE */
    /* What depends on the connection, not on data: "CONNECTION_ID()", "@@version"; the first one
     * found, borrowed from the tree. Empty: nothing does. */
    struct str of_connection;
};

/*
 * Looks at a SELECT or at what an EXPLAIN explains; other statements read nothing. db: the current
 * database; p NULL = none. A name that a common table expression has anywhere in the statement is
 * taken for that.
 */
void sql_reads(const struct stmt *stmt, struct str db, struct sql_reads *out);

#endif
