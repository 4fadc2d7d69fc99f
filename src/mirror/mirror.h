/*
 * mirror: what the upstream has, as far as it is known here: definitions of its tables in the
 * catalog, and a list of everything, with why a table's definition is not there (SHOW PINTAIL
 * TABLES).
 *
 * Definitions are read from the upstream's SHOW CREATE TABLE by our grammar. What does not matter
 * to whoever reads the tables is left out: foreign keys, checks, fulltext and spatial indexes;
 * generated columns are plain ones, as their values come from the upstream. Where the text cannot
 * be read information_schema stands in for it.
 *
 * Thread-safe; mirror_update() by one fiber at a time.
 */
#ifndef MIRROR_MIRROR_H
#define MIRROR_MIRROR_H

#include "upstream/upstream.h"

#include "exec/server.h"

struct mirror;

enum {
    MIRROR_MAX_OBJECTS = 10000, /* Of a kind; those beyond are not known. */
};

/* ask(arg) is called, on any thread, when somebody wants the mirror brought up to date. Definitions
 * go into `catalog`; NULL: into one of the mirror's own. The mirror makes itself known to the
 * server. */
NODISCARD struct mirror *mirror_new(struct server *server, struct catalog *catalog,
                                    void (*ask)(void *arg), void *arg);

/* The catalog keeps what it has. NULL is harmless. */
void mirror_free(struct mirror *m);

/* What an update found. */
struct mirror_summary {
    uint32_t databases;
    uint32_t tables;
    uint32_t mirrored; /* of the tables */
    uint32_t others;   /* views, routines, events, … */
    uint32_t changed;  /* definitions that are new or other ones */
    bool truncated;
};

/*
 * Reads what the upstream has, of one database or (empty) of all but the system's, and brings
 * catalog and list up to date. In a fiber; c is logged in and idle. 0, or -1 with d set.
 */
NODISCARD int mirror_update(struct mirror *m, struct upstream_conn *c, struct str database,
                            struct diag *d, struct mirror_summary *out);

#endif
