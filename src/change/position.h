/*
 * position: how far the copy has come in its source's log. Stored in the same engine transaction as
 * the changes up to it, so that copy and position cannot disagree.
 *
 * Both coordinates are always kept: GTIDs, by which a source is asked to go on, and file and
 * offset, by which a snapshot's place is compared (facts of both servers: what a view shows is
 * told by file and offset on MySQL). Owns heap memory. Not thread-safe.
 */
#ifndef CHANGE_POSITION_H
#define CHANGE_POSITION_H

#include "binlog/gtid_set.h"
#include "binlog/mariadb_pos.h"

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

/* How a source is asked to go on. */
enum change_mode {
    CHANGE_BY_FILE, /* No GTIDs: file and offset, of that very server. */
    CHANGE_BY_MYSQL_GTID,
    CHANGE_BY_MARIADB_GTID,
};

enum {
    CHANGE_FILE_MAX = 512, /* Longest name of a log file. */
};

struct change_position {
    enum change_mode mode;
    struct gtid_set gtids;      /* CHANGE_BY_MYSQL_GTID: everything applied. */
    struct mariadb_pos mariadb; /* CHANGE_BY_MARIADB_GTID */
    char file[CHANGE_FILE_MAX]; /* Of the source's log; empty = not known. */
    uint64_t offset;            /* End of the last transaction there, or of what was seen after. */
    char source_id[64]; /* The server's UUID; MariaDB: "server_id-<n>". Empty = not known. */
    /* The last transaction applied that had a GTID: a source that has lost the end of its log and
     * gives its GTIDs again is recognised by it. */
    char last_gtid[160];     /* Empty = none. */
    uint64_t last_hash;      /* change_hash_event() of its events; 0 = not known. */
    uint64_t last_offset;    /* Where it begins in the file; 0 = not known, or in another. */
    uint64_t last_commit_us; /* Of that transaction; microseconds since 1970. */
};

void change_position_init(struct change_position *p);
void change_position_release(struct change_position *p);
void change_position_copy(struct change_position *p, const struct change_position *from);

/* Compares file and offset: <0, 0, >0. Names compare by their number ("binlog.000010" is after
 * "binlog.000009"); with different base names by bytes. */
NODISCARD int change_position_compare(const char *a_file, uint64_t a_offset, const char *b_file,
                                      uint64_t b_offset);

/*
 * The hash of a transaction: begins as 0 and takes the body, without header and checksum, of each
 * of its events as the source sends them (a compressed transaction's payload is one), from its GTID
 * event to the one that ends it.
 */
NODISCARD uint64_t change_hash_event(uint64_t hash, struct str body);

/* GTIDs as the source writes them, or "file:offset"; in arena. */
NODISCARD struct str change_position_gtids(const struct change_position *p, struct arena *arena);

/* Text for the record in the store (JSON), in arena, and back: 0, or -1 with d set. */
NODISCARD struct str change_position_to_json(const struct change_position *p, struct arena *arena);
NODISCARD int change_position_from_json(struct str json, struct change_position *p, struct diag *d);

#endif
