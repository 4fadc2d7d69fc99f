/*
 * Events into the batch being built. Goes on until the block is used up, or until something needs
 * the stream's fiber: a statement, a request, a full batch.
 */
#include "change/pipeline_int.h"

#include "base/bytebuf.h"
#include "base/clock.h"

#include <string.h>

enum {
    AT_TYPE = 4,
    AT_LOG_POS = 13,
    AT_FLAGS = 17,
    GTID_TEXT_MAX = 160,
};

/* ---- Places in the log ---- */

/* Positions are 32 bits wide, and a large transaction makes a file longer than that. */
static uint64_t widen(uint64_t before, uint32_t log_pos)
{
    uint64_t wide = (before & ~(uint64_t)UINT32_MAX) | log_pos;
    if (wide < before) {
        wide += (uint64_t)1 << 32;
    }
    return wide;
}

static void note_offset(struct stream *s, struct str event)
{
    uint32_t log_pos;
    uint16_t flags;
    memcpy(&log_pos, event.p + AT_LOG_POS, sizeof(log_pos));
    memcpy(&flags, event.p + AT_FLAGS, sizeof(flags));
    if (log_pos != 0 && (flags & BINLOG_F_ARTIFICIAL) == 0 &&
        (uint8_t)event.p[AT_TYPE] != BINLOG_ROTATE) {
        s->offset =
            log_pos >= s->offset || s->offset > UINT32_MAX ? widen(s->offset, log_pos) : log_pos;
    }
}

static void note_file(struct stream *s, struct str file, uint64_t offset)
{
    const size_t len = MIN(file.len, sizeof(s->file) - 1);
    if (len > 0) {
        memcpy(s->file, file.p, len);
    }
    s->file[len] = '\0';
    s->offset = offset;
}

/* The stream is at a boundary: that is how far it has come. Never goes back, as a source does that
 * repeats the beginning of a file. Is it in the position's file then? */
static bool note_boundary(struct stream *s)
{
    struct change_position *p = &s->position;
    if (s->file[0] == '\0') {
        return false;
    }
    if (!s->accepts_any_place && strcmp(p->file, s->file) == 0) {
        p->offset = MAX(p->offset, s->offset);
        return true;
    }
    if (s->accepts_any_place || p->file[0] == '\0' ||
        change_position_compare(s->file, s->offset, p->file, p->offset) > 0) {
        memcpy(p->file, s->file, sizeof(p->file));
        p->offset = s->offset;
        p->last_offset = 0;
        s->accepts_any_place = false;
        return true;
    }
    return false;
}

/* ---- Transactions ---- */

/* The GTID joins those that are in the copy. */
static void add_gtid(struct stream *s, const struct binlog_txn *txn)
{
    struct change_position *p = &s->position;
    if (!txn->has_gtid || (!txn->is_mariadb && txn->mysql.is_anonymous)) {
        return;
    }
    s->has_last_gtid = true;
    if (txn->is_mariadb) {
        s->last_mariadb = txn->mariadb.gtid;
        mariadb_pos_set(&p->mariadb, txn->mariadb.gtid);
        return;
    }
    const struct gtid_source source = gtid_source_of(&txn->mysql);
    gtid_set_add(&p->gtids, &source,
                 (struct gtid_interval){.start = txn->mysql.gno, .end = txn->mysql.gno + 1});
    s->last_mysql = txn->mysql;
    s->last_mysql.tag = str_from(s->last_tag, MIN(txn->mysql.tag.len, sizeof(s->last_tag)));
    if (s->last_mysql.tag.len > 0) {
        memcpy(s->last_tag, txn->mysql.tag.p, s->last_mysql.tag.len);
    }
}

/*
 * Is the transaction in the copy? Then it is skipped. A source that is asked by GTIDs does not send
 * it; one that is asked by place may, if it does not commit in the order of its log
 * (binlog_order_commits=OFF) and the copy began between the two.
 */
static bool has_txn(const struct stream *s, const struct binlog_txn *txn)
{
    if (!txn->has_gtid || txn->is_mariadb) {
        return false;
    }
    const struct gtid_source source = gtid_source_of(&txn->mysql);
    return gtid_set_contains(&s->position.gtids, &source, txn->mysql.gno);
}

void decode_finish_position(struct stream *s)
{
    struct bytebuf text;
    if (!s->has_last_gtid) {
        return;
    }
    bytebuf_init(&text, GTID_TEXT_MAX - 1);
    if (s->position.mode == CHANGE_BY_MARIADB_GTID) {
        mariadb_gtid_print(s->last_mariadb, &text);
    } else {
        const struct gtid_source source = gtid_source_of(&s->last_mysql);
        gtid_print(&source, s->last_mysql.gno, &text);
    }
    if (text.len > 0) {
        memcpy(s->position.last_gtid, text.p, text.len);
    }
    s->position.last_gtid[text.len] = '\0';
    bytebuf_release(&text);
}

static void end_txn(struct pipeline *p, const struct binlog_txn *txn)
{
    struct stream *s = &p->stream;
    add_gtid(s, txn);
    if (txn->has_gtid) {
        s->position.last_hash = s->hash;
    }
    s->position.last_commit_us = txn->commit_us;
    if (s->keeps_whole &&
        change_position_compare(s->file, s->offset, s->whole_file, s->whole_offset) >= 0) {
        s->keeps_whole = false;
    }
    const bool is_its_file = note_boundary(s);
    if (txn->has_gtid) {
        s->position.last_offset = is_its_file ? s->begun_offset : 0;
    }
}

/* Is somebody waiting for the place that has been reached? */
static bool is_awaited(struct pipeline *p)
{
    bool found = false;
    if (atomic_load_explicit(&p->places, memory_order_relaxed) == 0) {
        return false;
    }
    os_mutex_lock(&p->lock);
    rlist_foreach (it, &p->requests) {
        const struct request *r = RLIST_ENTRY(it, struct request, link);
        const struct change_position *have = &p->stream.position;
        if (r->kind == REQUEST_WAIT && !r->is_decoded) {
            found |= pipeline_covers(have, r->need, r->by_file);
        } else if (r->kind == REQUEST_MERGE && r->merge->file != NULL) {
            found |= change_position_compare(have->file, have->offset, r->merge->file,
                                             r->merge->offset) >= 0;
        }
    }
    os_mutex_unlock(&p->lock);
    return found;
}

static enum decode_stop at_boundary(struct pipeline *p)
{
    struct stream *s = &p->stream;
    if (batch_is_full(s->batch, s->enough_bytes) || s->ends_with_ddl || s->portions > 0 ||
        s->aside != NULL || atomic_load_explicit(&p->attention, memory_order_relaxed) ||
        is_awaited(p)) {
        return DECODE_BOUNDARY;
    }
    return DECODE_MORE;
}

static enum decode_stop on_commit(struct pipeline *p, const struct binlog_item *item)
{
    xa_end(&p->stream.xa);
    batch_commit(p->stream.batch);
    end_txn(p, item->txn);
    spool_each(p, SPOOL_COMMIT, STR(""));
    return at_boundary(p);
}

/* What is prepared is kept; of the tables nothing changes. */
static enum decode_stop on_prepare(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    if (xa_prepare(&s->xa, &s->log.format, &item->xid, &s->diag) != 0) {
        return DECODE_FAILED;
    }
    batch_commit(s->batch);
    end_txn(p, item->txn);
    return at_boundary(p);
}

/* What was rolled back counts as seen. */
static enum decode_stop on_rollback(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    if (s->portions > 0) {
        return DECODE_REBUFFER;
    }
    batch_rollback(s->batch);
    spool_each(p, SPOOL_ROLLBACK, STR(""));
    xa_undo(&s->xa);
    s->batch->transactions++;
    end_txn(p, item->txn);
    return at_boundary(p);
}

/* ---- Rows ---- */

/* Puts the rows of an event into the batch. 0, or -1 with s->diag set. */
static int add_rows(struct pipeline *p, struct binding *b, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    struct binlog_rows_iter it;
    const struct batch_map map = {.table = b->map,
                                  .charsets = b->charsets,
                                  .scratch = &s->scratch,
                                  .is_sparse = p->dialect == DIALECT_MYSQL};
    if (!b->is_spooled && (b->rows == NULL || b->serial != s->serial)) {
        b->rows = batch_get_table(s->batch, b->table);
        b->serial = s->serial;
    }
    if (binlog_rows_iter_init(&it, &item->rows, b->map, &s->scratch, &s->diag) != 0) {
        return -1;
    }
    enum binlog_next rc;
    while ((rc = binlog_rows_next(&it, &s->diag)) == BINLOG_ITEM) {
        const struct batch_change change = {.before = it.before, .after = it.after};
        const enum batch_outcome outcome = batch_add(b->rows, &map, &change, &s->diag);
        if (UNLIKELY(outcome != BATCH_OK)) {
            if (outcome == BATCH_FAILED && !p->now.set_aside) {
                return -1;
            }
            bind_set_aside(p, b->table, outcome == BATCH_AGAIN ? COPY_PENDING : COPY_ASIDE);
            return 0;
        }
    }
    return rc == BINLOG_ERROR ? -1 : 0;
}

/* Counts the bytes of rows: is the transaction too large to be kept? */
static enum decode_stop count_rows(struct pipeline *p, size_t bytes)
{
    struct stream *s = &p->stream;
    s->batch->bytes += bytes;
    s->batch->txn_bytes += bytes;
    const bool is_huge = s->batch->txn_bytes >= p->now.huge_bytes ||
                         batch_is_full(s->batch, MAX(p->now.huge_bytes, p->now.max_batch_bytes));
    if (is_huge && !s->keeps_whole) {
        s->batch->txn_bytes = 0;
        return DECODE_PORTION;
    }
    return DECODE_MORE;
}

static enum decode_stop stage(struct pipeline *p, const struct binlog_item *item)
{
    xa_stage(&p->stream.xa, &p->stream.log.format, item->event);
    return count_rows(p, item->event->body.len);
}

/* MySQL from 9.6 on says with each event that it does what foreign keys ask for by itself and logs
 * it, which it does not with innodb_native_foreign_keys, nor as a replica of an older one. */
static bool is_silent(const struct pipeline *p, const struct binlog_rows *rows)
{
    const uint16_t told = BINLOG_ROWS_SQL_FOREIGN_KEYS | BINLOG_ROWS_NO_FOREIGN_KEY_CHECKS;
    return p->dialect == DIALECT_MYSQL && rows->kind != BINLOG_ROWS_INSERT &&
           (rows->flags & told) == 0;
}

static enum decode_stop on_rows(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    if (UNLIKELY(is_silent(p, &item->rows))) {
        bind_silent_cascades(p);
    }
    struct binding *b = bind_table(p, item->table, false);
    if (b == NULL) {
        return DECODE_FAILED;
    }
    if (b->table == NULL || atomic_load(&b->table->state) == COPY_ASIDE) {
        return DECODE_MORE;
    }
    const int rc = add_rows(p, b, item);
    arena_reset(&s->scratch);
    if (rc != 0) {
        return DECODE_FAILED;
    }
    if (b->is_spooled) {
        spool_count(p, b->rows, item->rows.data.len);
        return DECODE_MORE;
    }
    return count_rows(p, item->rows.data.len);
}

/* ---- Statements ---- */

/* The name of "SAVEPOINT `x`", "ROLLBACK TO [SAVEPOINT] `x`"; p NULL: it is neither. */
static struct str savepoint_name(struct str sql, struct str verb)
{
    if (!str_starts_with_nocase(sql, verb)) {
        return STR_NULL;
    }
    struct str name = str_trim(str_from(sql.p + verb.len, sql.len - verb.len));
    if (str_starts_with_nocase(name, STR("SAVEPOINT "))) {
        name = str_trim(str_from(name.p + 10, name.len - 10));
    }
    if (name.len >= 2 && name.p[0] == '`' && name.p[name.len - 1] == '`') {
        name = str_from(name.p + 1, name.len - 2);
    }
    return name;
}

static enum decode_stop on_savepoint(struct pipeline *p, struct str sql)
{
    struct stream *s = &p->stream;
    const struct str back = savepoint_name(sql, STR("ROLLBACK TO "));
    const struct str name = savepoint_name(sql, STR("SAVEPOINT "));
    if (name.p != NULL) {
        batch_savepoint(s->batch, name);
        spool_each(p, SPOOL_SAVEPOINT, name);
    } else if (back.p != NULL) {
        if (!batch_rollback_to(s->batch, back) && s->portions > 0) {
            return DECODE_REBUFFER;
        }
        spool_each(p, SPOOL_ROLLBACK_TO, back);
    }
    return DECODE_MORE;
}

/* MariaDB's ALTER in two phases has its text twice: when it starts, and when it is done or undone.
 */
static bool is_half_done(const struct binlog_txn *txn)
{
    return txn->is_mariadb && (txn->mariadb.flags_extra &
                               (BINLOG_MARIADB_START_ALTER | BINLOG_MARIADB_ROLLBACK_ALTER)) != 0;
}

static enum decode_stop on_query(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    if (is_half_done(item->txn)) {
        return DECODE_MORE;
    }
    if (str_starts_with_nocase(item->query.sql, STR("XA "))) {
        return xa_statement(&s->xa, item->query.sql, &s->scratch, &s->diag) == 0 ? DECODE_MORE
                                                                                 : DECODE_FAILED;
    }
    switch (change_ddl_classify(&item->query, p->dialect)) {
    case CHANGE_DDL_SAVEPOINT:
        return item->txn->is_xa ? stage(p, item) : on_savepoint(p, item->query.sql);
    case CHANGE_DDL_NONE:
    case CHANGE_DDL_ACCOUNT:
        return DECODE_MORE;
    default:
        s->query = item->query;
        return DECODE_QUERY;
    }
}

static enum decode_stop refuse(struct stream *s, const char *what, struct str detail)
{
    const struct str text =
        arena_printf(&s->diag.arena, "%s%s%.*s", what, detail.len > 0 ? ": " : "", STR_FMT(detail));
    (void)diag_set_text(&s->diag, ER_REPLICA_FATAL_ERROR, text);
    return DECODE_FAILED;
}

/* ---- Items ---- */

static enum decode_stop on_table(struct pipeline *p, const struct binlog_item *item)
{
    if (item->table_is_new && bind_table(p, item->table, true) == NULL) {
        return DECODE_FAILED;
    }
    return item->txn->is_xa ? stage(p, item) : DECODE_MORE;
}

static enum decode_stop on_begin(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    s->skips_txn = has_txn(s, item->txn);
    if (s->skips_txn) {
        return DECODE_MORE;
    }
    if (s->begun_us == 0) {
        s->begun_us = clock_monotonic_us();
        s->begun_wall_us = clock_wall_us();
    }
    if (s->batch->transactions == 0 && s->portions == 0) {
        s->first_commit_us = item->txn->commit_us;
    }
    return DECODE_MORE;
}

/* Of a transaction that is in the copy. */
static enum decode_stop skip(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    switch (item->kind) {
    case BINLOG_TXN_TABLE:
        /* Transactions that follow may use the map. */
        return item->table_is_new && bind_table(p, item->table, true) == NULL ? DECODE_FAILED
                                                                              : DECODE_MORE;
    case BINLOG_TXN_COMMIT:
    case BINLOG_TXN_ROLLBACK:
    case BINLOG_TXN_PREPARE:
        s->skips_txn = false;
        (void)note_boundary(s);
        return at_boundary(p);
    default:
        return DECODE_MORE;
    }
}

static enum decode_stop on_item(struct pipeline *p, const struct binlog_item *item)
{
    struct stream *s = &p->stream;
    if (UNLIKELY(s->skips_txn)) {
        return skip(p, item);
    }
    switch (item->kind) {
    case BINLOG_TXN_BEGIN:
        return on_begin(p, item);
    case BINLOG_TXN_TABLE:
        return on_table(p, item);
    case BINLOG_TXN_ROWS:
        return item->txn->is_xa ? stage(p, item) : on_rows(p, item);
    case BINLOG_TXN_QUERY:
        return on_query(p, item);
    case BINLOG_TXN_COMMIT:
        return xa_begin_replay(&s->xa) ? DECODE_MORE : on_commit(p, item);
    case BINLOG_TXN_ROLLBACK:
        return on_rollback(p, item);
    case BINLOG_TXN_PREPARE:
        return on_prepare(p, item);
    case BINLOG_LOG_ROTATE:
        note_file(s, item->rotate.file, item->rotate.position);
        break;
    case BINLOG_LOG_HEARTBEAT:
        if (str_eq(item->heartbeat.file, str_from_cstr(s->file)) &&
            item->heartbeat.position > s->offset) {
            s->offset = item->heartbeat.position;
        }
        break;
    case BINLOG_LOG_INCIDENT:
        return refuse(s, "the source's log has lost events: the copy must be made anew",
                      item->incident.message);
    default:
        break;
    }
    if (!binlog_stream_in_txn(&s->log)) {
        (void)note_boundary(s);
        return atomic_load_explicit(&p->places, memory_order_relaxed) > 0 && is_awaited(p)
                   ? DECODE_BOUNDARY
                   : DECODE_MORE;
    }
    return DECODE_MORE;
}

/* The items left of the event fed last. */
static enum decode_stop take_items(struct pipeline *p)
{
    struct stream *s = &p->stream;
    struct binlog_item item;
    enum binlog_next rc;
    while ((rc = binlog_stream_next(&s->log, &item, &s->diag)) == BINLOG_ITEM) {
        const enum decode_stop stop = on_item(p, &item);
        if (stop != DECODE_MORE || s->xa.replayed != NULL) {
            return stop;
        }
    }
    s->in_event = false;
    return rc == BINLOG_ERROR ? DECODE_FAILED : DECODE_MORE;
}

/* ---- What was prepared ---- */

static enum decode_stop take_prepared_items(struct pipeline *p)
{
    struct xa *x = &p->stream.xa;
    struct binlog_item item;
    enum decode_stop stop = DECODE_MORE;
    enum binlog_next rc;
    while ((rc = binlog_stream_next(&x->log, &item, &p->stream.diag)) == BINLOG_ITEM) {
        if (item.kind == BINLOG_TXN_TABLE && bind_table(p, item.table, true) == NULL) {
            stop = DECODE_FAILED;
        } else if (item.kind == BINLOG_TXN_ROWS) {
            stop = on_rows(p, &item);
        } else if (item.kind == BINLOG_TXN_QUERY) {
            stop = on_savepoint(p, item.query.sql);
        }
        if (stop != DECODE_MORE) {
            return stop;
        }
    }
    x->in_event = false;
    return rc == BINLOG_ERROR ? DECODE_FAILED : DECODE_MORE;
}

/* The next event of a prepared transaction whose commit is at hand; behind the last one that
 * commit. */
static enum decode_stop replay_prepared(struct pipeline *p)
{
    struct stream *s = &p->stream;
    bool is_end;
    if (s->xa.in_event) {
        return take_prepared_items(p);
    }
    const struct str event = xa_next_event(&s->xa, &is_end);
    if (is_end) {
        const struct binlog_item item = {.txn = &s->log.txn};
        bind_release(s); /* Tables of its log are among what is bound. */
        return on_commit(p, &item);
    }
    if (event.p == NULL) {
        return DECODE_PIECE;
    }
    if (binlog_stream_feed(&s->xa.log, event, s->offset, &s->diag) != 0) {
        return DECODE_FAILED;
    }
    s->xa.in_event = true;
    return DECODE_MORE;
}

static int feed(struct pipeline *p, struct str event)
{
    struct stream *s = &p->stream;
    if (event.len < BINLOG_HEADER_LEN) {
        return diag_set(&s->diag, ER_REPLICA_CORRUPT_EVENT);
    }
    note_offset(s, event);
    if (binlog_stream_feed(&s->log, event, s->offset, &s->diag) != 0) {
        return -1;
    }
    const bool begins = !binlog_stream_in_txn(&s->log);
    if (begins) {
        s->begun_offset = s->log.event.log_pos != 0 ? s->offset - event.len : 0;
    }
    s->hash = change_hash_event(begins ? 0 : s->hash, s->log.event.body);
    s->in_event = true;
    return 0;
}

enum decode_stop decode_run(struct pipeline *p)
{
    struct stream *s = &p->stream;
    const uint64_t start = clock_monotonic_us();
    enum decode_stop stop = DECODE_MORE;
    struct str event;
    while (stop == DECODE_MORE) {
        if (s->xa.replayed != NULL) {
            stop = replay_prepared(p);
        } else if (s->in_event) {
            stop = take_items(p);
        } else if (!change_block_next(s->block, &event)) {
            break;
        } else if (feed(p, event) != 0) {
            stop = DECODE_FAILED;
        }
    }
    s->decode_us += clock_monotonic_us() - start;
    return stop;
}

void decode_restart(struct pipeline *p)
{
    struct stream *s = &p->stream;
    batch_rollback(s->batch);
    spool_each(p, SPOOL_ROLLBACK, STR(""));
    xa_undo(&s->xa);
    binlog_stream_restart(&s->log, BINLOG_CHECKSUM_NONE);
    bind_release(s);
    s->in_event = false;
    s->skips_txn = false;
    memcpy(s->file, s->position.file, sizeof(s->file));
    s->offset = s->position.offset;
}
