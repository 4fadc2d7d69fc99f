/*
 * Positions of MariaDB: for each domain the last GTID, "0-1-100,1-2-30" (domain, server, number).
 * Everything of a domain up to that number has been seen. Ordered by domain. Owns heap memory. Not
 * thread-safe.
 *
 * Source: MariaDB documentation, "Global Transaction ID".
 */
#ifndef BINLOG_MARIADB_POS_H
#define BINLOG_MARIADB_POS_H

#include "binlog/log_events.h"

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "base/str.h"

struct mariadb_pos {
    uint32_t count;
    uint32_t cap;
    struct binlog_mariadb_gtid *gtids;
};

void mariadb_pos_init(struct mariadb_pos *p);
void mariadb_pos_release(struct mariadb_pos *p);
void mariadb_pos_clear(struct mariadb_pos *p);
void mariadb_pos_copy(struct mariadb_pos *p, const struct mariadb_pos *from);

/* The domain's GTID, or NULL. Borrowed until the next change. */
NODISCARD const struct binlog_mariadb_gtid *mariadb_pos_find(const struct mariadb_pos *p,
                                                             uint32_t domain);

/* The domain is now at this GTID, wherever it was. */
void mariadb_pos_set(struct mariadb_pos *p, struct binlog_mariadb_gtid gtid);

/* Moves each domain forward to where the other position is further. */
void mariadb_pos_merge(struct mariadb_pos *p, const struct mariadb_pos *other);

/* Has the GTID, or all of the other position, been seen? By domain and number. */
NODISCARD bool mariadb_pos_covers(const struct mariadb_pos *p, struct binlog_mariadb_gtid gtid);
NODISCARD bool mariadb_pos_covers_all(const struct mariadb_pos *p, const struct mariadb_pos *other);
NODISCARD bool mariadb_pos_equal(const struct mariadb_pos *a, const struct mariadb_pos *b);

/* Sets what the text names; a domain may come once. Returns 0, or -1 with diag set to error 1772.
 */
NODISCARD int mariadb_pos_parse(struct mariadb_pos *p, struct str text, struct diag *d);
void mariadb_pos_print(const struct mariadb_pos *p, struct bytebuf *out);
void mariadb_gtid_print(struct binlog_mariadb_gtid gtid, struct bytebuf *out);

/* Sets each domain to the newest of the list: its last entry there. */
void mariadb_pos_set_list(struct mariadb_pos *p, const struct binlog_gtid_list *list);

#endif
