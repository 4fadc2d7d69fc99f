/*
 * discover: what an upstream has: databases, tables with the text of their definition, views,
 * routines and events by name. Read by statements that block nobody: they wait for metadata locks
 * of others for a few seconds only, and then leave the object out.
 */
#ifndef UPSTREAM_DISCOVER_H
#define UPSTREAM_DISCOVER_H

#include "upstream/upstream.h"

enum upstream_object_kind {
    UPSTREAM_TABLE,
    UPSTREAM_VIEW,
    UPSTREAM_SEQUENCE, /* MariaDB */
    UPSTREAM_PROCEDURE,
    UPSTREAM_FUNCTION,
    UPSTREAM_PACKAGE, /* MariaDB */
    UPSTREAM_EVENT,
};

/* All strings live in the arena given. */
struct upstream_object {
    struct str db;
    struct str name;
    enum upstream_object_kind kind;
    struct str engine;     /* of a table; else empty */
    struct str definition; /* of a table: as SHOW CREATE TABLE writes it; p NULL: not read */
    struct str error;      /* why not */
};

struct upstream_schema {
    struct str name;
    struct str collation;
};

struct upstream_discovery {
    uint32_t schema_count;
    struct upstream_schema *schemas;
    uint32_t object_count;
    struct upstream_object *objects; /* in order of database and name */
    bool truncated;                  /* there are more than were asked for */
};

/*
 * Reads all of one database, or with an empty name of all but the system's, at most max_objects of
 * each kind. Sets session variables of c for that. 0, or -1 with d set.
 */
NODISCARD int upstream_discover(struct upstream_conn *c, struct str database, uint32_t max_objects,
                                struct arena *arena, struct diag *d,
                                struct upstream_discovery *out);

/* The same without definitions: their objects' are not read. */
NODISCARD int upstream_list(struct upstream_conn *c, struct str database, uint32_t max_objects,
                            struct arena *arena, struct diag *d, struct upstream_discovery *out);

/*
 * A CREATE TABLE statement with nothing but what information_schema says of the columns and the
 * primary key: for definitions with constructs that our grammar does not know. 0, or -1 with d set.
 */
NODISCARD int upstream_discover_columns(struct upstream_conn *c, const struct upstream_object *o,
                                        struct arena *arena, struct diag *d, struct str *out_sql);

#endif
