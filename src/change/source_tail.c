/*
 * A source that crashed without having synced its log may have lost the end of it and then gives
 * the GTIDs of what it lost again. So the last transaction that the copy has is asked for once
 * more: its bytes must be those that were applied.
 *
 * By its GTID MySQL looks for it from the beginning of the log file, and compares each transaction
 * from then on with what we have (README.md, "Speed"). It is spared both when it is asked by place,
 * where there must be nothing else than this transaction.
 */
#include "source_int.h"

#include <stdlib.h>

struct change_tail {
    struct change_position from;
    char gtid[sizeof(((struct change_position *)0)->last_gtid)];
    uint64_t wanted;
    uint64_t hash;
    bool by_place;               /* It is asked for by file and offset. */
    bool is_inside;              /* The transaction has begun. */
    struct binlog_stream stream; /* Says where it ends. */
};

/* ---- Where to ask from ---- */

static bool go_back_mysql(struct change_position *from, const char *gtid)
{
    struct gtid_set last;
    struct diag ignored;
    gtid_set_init(&last);
    diag_init(&ignored);
    const bool ok = gtid_set_parse(&last, str_from_cstr(gtid), &ignored) == 0 &&
                    gtid_set_is_subset(&last, &from->gtids);
    gtid_set_subtract(&from->gtids, &last);
    diag_release(&ignored);
    gtid_set_release(&last);
    return ok;
}

/* Leaves the first transaction of a domain alone: there is no position before it. */
static bool go_back_mariadb(struct change_position *from, const char *gtid)
{
    struct mariadb_pos last;
    struct diag ignored;
    mariadb_pos_init(&last);
    diag_init(&ignored);
    bool ok = mariadb_pos_parse(&last, str_from_cstr(gtid), &ignored) == 0 && last.count == 1 &&
              last.gtids[0].seq > 1;
    if (ok) {
        struct binlog_mariadb_gtid g = last.gtids[0];
        const struct binlog_mariadb_gtid *at = mariadb_pos_find(&from->mariadb, g.domain);
        ok = at != NULL && at->seq == g.seq;
        g.seq--;
        mariadb_pos_set(&from->mariadb, g);
    }
    diag_release(&ignored);
    mariadb_pos_release(&last);
    return ok;
}

static bool go_back(struct change_position *from, const char *gtid)
{
    switch (from->mode) {
    case CHANGE_BY_MYSQL_GTID:
        return go_back_mysql(from, gtid);
    case CHANGE_BY_MARIADB_GTID:
        return go_back_mariadb(from, gtid);
    case CHANGE_BY_FILE:
        break;
    }
    return false;
}

struct change_tail *change_tail_new(const struct change_position *p, bool by_place)
{
    if (p->last_gtid[0] == '\0' || p->last_hash == 0) {
        return NULL;
    }
    struct change_tail *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    change_position_init(&t->from);
    change_position_copy(&t->from, p);
    binlog_stream_init(&t->stream, BINLOG_CHECKSUM_NONE);
    memcpy(t->gtid, p->last_gtid, sizeof(t->gtid));
    t->wanted = p->last_hash;
    /* Without GTIDs a place is told in 32 bits. */
    t->by_place = by_place && p->mode == CHANGE_BY_MYSQL_GTID && p->last_offset != 0 &&
                  p->last_offset <= UINT32_MAX;
    if (!go_back(&t->from, t->gtid)) {
        change_tail_free(t);
        return NULL;
    }
    return t;
}

void change_tail_free(struct change_tail *t)
{
    if (t == NULL) {
        return;
    }
    binlog_stream_release(&t->stream);
    change_position_release(&t->from);
    free(t);
}

const struct change_position *change_tail_from(const struct change_tail *t)
{
    return &t->from;
}

bool change_tail_is_by_place(const struct change_tail *t)
{
    return t != NULL && t->by_place;
}

/* ---- Comparing ---- */

enum gtid_match {
    NO_GTID,
    THIS_GTID,
    OTHER_GTID,
    BAD_GTID, /* d is set. */
};

static enum gtid_match match(const struct change_tail *t, const struct binlog_event *ev,
                             struct diag *d)
{
    struct binlog_mysql_gtid mysql;
    struct binlog_mariadb_gtid_event mariadb;
    struct bytebuf text;
    int rc = 0;
    bytebuf_init(&text, sizeof(t->gtid));
    switch (ev->type) {
    case BINLOG_GTID:
    case BINLOG_GTID_TAGGED:
        rc = binlog_decode_mysql_gtid(ev, &mysql, d);
        if (rc == 0) {
            const struct gtid_source source = gtid_source_of(&mysql);
            gtid_print(&source, mysql.gno, &text);
        }
        break;
    case BINLOG_MARIADB_GTID:
        rc = binlog_decode_mariadb_gtid(ev, &mariadb, d);
        if (rc == 0) {
            mariadb_gtid_print(mariadb.gtid, &text);
        }
        break;
    case BINLOG_ANONYMOUS_GTID:
        break;
    default:
        return NO_GTID;
    }
    const bool is_this = str_eq(bytebuf_str(&text), str_from_cstr(t->gtid));
    bytebuf_release(&text);
    return rc != 0 ? BAD_GTID : is_this ? THIS_GTID : OTHER_GTID;
}

/* Lets the stream follow the transaction; *out_ended: the event was its last. 0, or -1 with d set.
 */
static int follow(struct change_tail *t, struct str event, bool *out_ended, struct diag *d)
{
    struct binlog_item item;
    enum binlog_next rc;
    if (binlog_stream_feed(&t->stream, event, 0, d) != 0) {
        return -1;
    }
    while ((rc = binlog_stream_next(&t->stream, &item, d)) == BINLOG_ITEM) {
    }
    *out_ended = !binlog_stream_in_txn(&t->stream);
    return rc == BINLOG_END ? 0 : -1;
}

enum change_tail_result change_tail_event(struct change_tail *t, const struct binlog_format *f,
                                          struct str event, struct diag *d)
{
    struct binlog_event ev;
    bool ended;
    if (binlog_decode_event(f, event, 0, &ev, d) != 0) {
        return t->by_place && !t->is_inside ? CHANGE_TAIL_ELSEWHERE : CHANGE_TAIL_OTHER;
    }
    if (!t->is_inside) {
        const enum gtid_match found = match(t, &ev, d);
        const bool is_control = binlog_event_class(ev.type) == BINLOG_CLASS_CONTROL;
        if (t->by_place && found != THIS_GTID && !is_control) {
            return CHANGE_TAIL_ELSEWHERE;
        }
        switch (found) {
        case NO_GTID:
            return CHANGE_TAIL_PASS;
        case OTHER_GTID:
            return CHANGE_TAIL_GONE;
        case BAD_GTID:
            return CHANGE_TAIL_OTHER;
        case THIS_GTID:
            t->is_inside = true;
            t->stream.format = *f;
            break;
        }
    }
    t->hash = change_hash_event(t->hash, ev.body);
    if (follow(t, event, &ended, d) != 0) {
        return CHANGE_TAIL_OTHER;
    }
    if (!ended) {
        return CHANGE_TAIL_DROP;
    }
    if (t->hash == t->wanted) {
        return CHANGE_TAIL_SAME;
    }
    (void)diag_set(d, ER_REPLICA_FATAL_ERROR,
                   arena_printf(&d->arena,
                                "the source's transaction %s is not the one that the copy has: the "
                                "source has lost the end of its binary log (a crash without "
                                "sync_binlog=1) and used its GTIDs again. RESET REPLICA and START "
                                "REPLICA copy the tables anew",
                                t->gtid)
                       .p);
    return CHANGE_TAIL_OTHER;
}
