/*
 * Sets of GTIDs of MySQL: for each source (server UUID and tag) the intervals of numbers. Text is
 * "uuid:1-5:7,uuid:tag:1-3"; after a UUID tags and intervals alternate.
 *
 * Always canonical: sources are ordered by UUID, then tag, and have at least one interval;
 * intervals are ordered, not empty, and do not touch. So two equal sets have equal texts and bytes.
 * A set owns heap memory. Not thread-safe.
 *
 * Sources: MySQL reference manual, "GTID Format and Storage"; MySQL source documentation,
 * "Library: Gtids"; the previous-GTIDs events of MySQL 9.7.
 */
#ifndef BINLOG_GTID_SET_H
#define BINLOG_GTID_SET_H

#include "binlog/event.h"
#include "binlog/txn_events.h"

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "base/str.h"

/* A GTID without its number. */
struct gtid_source {
    uint8_t uuid[BINLOG_UUID_LEN];
    uint8_t tag_len;
    char tag[BINLOG_TAG_MAX]; /* Lower case. */
};

/* Numbers start <= n < end. */
struct gtid_interval {
    int64_t start;
    int64_t end;
};

struct gtid_set_entry {
    struct gtid_source source;
    uint32_t count;
    uint32_t cap;
    struct gtid_interval *intervals;
};

struct gtid_set {
    uint32_t count;
    uint32_t cap;
    struct gtid_set_entry *entries;
};

/* The largest number of a GTID. */
#define GTID_MAX_NUMBER (INT64_MAX - 1)

void gtid_set_init(struct gtid_set *s);
void gtid_set_release(struct gtid_set *s);
void gtid_set_clear(struct gtid_set *s);
void gtid_set_copy(struct gtid_set *s, const struct gtid_set *from);

/* The source of a GTID event. */
struct gtid_source gtid_source_of(const struct binlog_mysql_gtid *gtid);

/* Adds or removes one interval of a source; empty intervals do nothing. */
void gtid_set_add(struct gtid_set *s, const struct gtid_source *source, struct gtid_interval i);
void gtid_set_remove(struct gtid_set *s, const struct gtid_source *source, struct gtid_interval i);

/* s becomes the union with, or what is left of s without, the other set. */
void gtid_set_union(struct gtid_set *s, const struct gtid_set *other);
void gtid_set_subtract(struct gtid_set *s, const struct gtid_set *other);

NODISCARD bool gtid_set_is_empty(const struct gtid_set *s);
NODISCARD bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b);
NODISCARD bool gtid_set_contains(const struct gtid_set *s, const struct gtid_source *source,
                                 int64_t number);
/* Is all of `sub` in s? */
NODISCARD bool gtid_set_is_subset(const struct gtid_set *sub, const struct gtid_set *s);
/* How many GTIDs are in it; stops at UINT64_MAX. */
NODISCARD uint64_t gtid_set_size(const struct gtid_set *s);

/* Adds what the text names. White space and empty parts are allowed, as in MySQL. Returns 0, or -1
 * with diag set to error 1772; then s holds the parts before the mistake. */
NODISCARD int gtid_set_parse(struct gtid_set *s, struct str text, struct diag *d);

/* Appends the text, without white space. */
void gtid_set_print(const struct gtid_set *s, struct bytebuf *out);

/* "uuid:tag:7" */
void gtid_print(const struct gtid_source *source, int64_t number, struct bytebuf *out);

/*
 * The binary form of previous-GTIDs events and of COM_BINLOG_DUMP_GTID. Encoding takes the form
 * without tags when there are none, which servers before 8.3 need. Decoding replaces s; it returns
 * -1 when the bytes are no canonical set.
 */
void gtid_set_encode(const struct gtid_set *s, struct bytebuf *out);
NODISCARD int gtid_set_decode(struct gtid_set *s, struct str bytes);

/* Decodes the event that says what all earlier files hold. */
NODISCARD int binlog_decode_previous_gtids(const struct binlog_event *ev, struct gtid_set *s,
                                           struct diag *d);

#endif
