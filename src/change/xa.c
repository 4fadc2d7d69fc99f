/* See xa.h. */
#include "change/xa.h"

#include <jansson.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 1024 * 1024,     /* Events go on to the next one beyond. */
    KEEP_BYTES = 64 * 1024 * 1024, /* In memory, of all transactions. */
    KIND_MAX = 64,
};

#define PIECE_MAX     ((size_t)2 << 30)
#define KIND_PREPARED STR("replica_xa")

static const char digits[] = "0123456789abcdef";

static void *must(void *p)
{
    if (p == NULL) {
        abort();
    }
    return p;
}

/* ---- Life ---- */

void xa_init(struct xa *x)
{
    *x = (struct xa){.list = NULL};
    x->puts_end = &x->puts;
    bytebuf_init(&x->piece, PIECE_MAX);
    bytebuf_init(&x->loaded, PIECE_MAX);
    binlog_stream_init(&x->log, BINLOG_CHECKSUM_NONE);
}

static void prepared_free(struct xa *x, struct xa_prepared *t)
{
    if (t != NULL) {
        x->kept_bytes -= t->kept_len;
        free(t->kept);
        free(t->name);
        free(t);
    }
}

void xa_puts_free(struct xa_put *puts)
{
    for (struct xa_put *next; puts != NULL; puts = next) {
        next = puts->next;
        free(puts);
    }
}

void xa_release(struct xa *x)
{
    for (struct xa_prepared *t = x->list, *next; t != NULL; t = next) {
        next = t->next;
        prepared_free(x, t);
    }
    prepared_free(x, x->building);
    xa_puts_free(x->puts);
    bytebuf_release(&x->piece);
    bytebuf_release(&x->loaded);
    binlog_stream_release(&x->log);
    *x = (struct xa){.list = NULL};
    x->puts_end = &x->puts;
}

/* ---- What is to be stored ---- */

static struct xa_put *add_put(struct xa *x, uint64_t id, uint32_t piece, size_t len)
{
    struct xa_put *put = must(malloc(sizeof(*put) + len + 1));
    *put = (struct xa_put){.id = id, .piece = piece, .len = len};
    *x->puts_end = put;
    x->puts_end = &put->next;
    return put;
}

/* What was not handed over; returns how much that was. */
static uint32_t drop_puts(struct xa *x, uint64_t id)
{
    uint32_t count = 0;
    struct xa_put **at = &x->puts;
    while (*at != NULL) {
        struct xa_put *put = *at;
        if (put->id == id) {
            *at = put->next;
            free(put);
            count++;
        } else {
            at = &put->next;
        }
    }
    x->puts_end = at;
    return count;
}

struct xa_put *xa_take_puts(struct xa *x)
{
    struct xa_put *puts = x->puts;
    x->puts = NULL;
    x->puts_end = &x->puts;
    return puts;
}

static void put_hex(char *to, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
}

static int hex_digit(char c)
{
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static int take_hex(struct str hex, void *bytes)
{
    uint8_t *to = bytes;
    for (size_t i = 0; i < hex.len / 2; i++) {
        const int high = hex_digit(hex.p[2 * i]);
        const int low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        to[i] = (uint8_t)(high << 4 | low);
    }
    return hex.len % 2 == 0 ? 0 : -1;
}

static struct str header_text(const struct xa_prepared *t, struct arena *arena)
{
    char lengths[2 * BINLOG_MAX_TYPES];
    put_hex(lengths, t->format.post_header_len, t->format.type_count);
    json_t *o =
        json_pack("{s:s, s:i, s:b, s:i, s:s%}", "xid", t->name, "pieces", (int)t->piece_count,
                  "mariadb", (int)t->format.is_mariadb, "version", (int)t->format.version_id,
                  "lengths", lengths, (size_t)t->format.type_count * 2);
    char *text = must(o != NULL ? json_dumps(o, JSON_COMPACT) : NULL);
    const struct str out = arena_dup(arena, str_from_cstr(text));
    free(text);
    json_decref(o);
    return out;
}

static void put_header(struct xa *x, const struct xa_prepared *t)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct str text = header_text(t, &arena);
    struct xa_put *put = add_put(x, t->id, XA_HEADER, text.len);
    memcpy(put->text, text.p, text.len);
    arena_release(&arena);
}

/* ---- Staging ---- */

static struct xa_prepared *get_building(struct xa *x, const struct binlog_format *format)
{
    if (x->building == NULL) {
        x->building = must(calloc(1, sizeof(*x->building)));
        x->building->id = ++x->last_id;
        x->building->format = *format;
        bytebuf_reset(&x->piece);
    }
    return x->building;
}

static void end_piece(struct xa *x)
{
    struct xa_prepared *t = x->building;
    struct xa_put *put = add_put(x, t->id, t->piece_count++, x->piece.len * 2);
    put_hex(put->text, x->piece.p, x->piece.len);
}

static void put_int(struct bytebuf *b, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        bytebuf_put_char(b, (char)(v >> (8 * i)));
    }
}

void xa_stage(struct xa *x, const struct binlog_format *format, const struct binlog_event *ev)
{
    (void)get_building(x, format);
    if (x->piece.len >= PIECE_BYTES) {
        end_piece(x);
        bytebuf_reset(&x->piece);
    }
    put_int(&x->piece, ev->timestamp, 4);
    put_int(&x->piece, ev->type, 1);
    put_int(&x->piece, ev->server_id, 4);
    put_int(&x->piece, (uint32_t)(BINLOG_HEADER_LEN + ev->body.len), 4);
    put_int(&x->piece, 0, 4);
    put_int(&x->piece, ev->flags, 2);
    bytebuf_put_str(&x->piece, ev->body);
    if (x->piece.failed) {
        abort(); /* Out of memory: an event is never as long as a piece may be. */
    }
}

/* The name in heap memory. */
static char *name_of(const struct binlog_xid *xid)
{
    const size_t size = 2 * (xid->gtrid.len + xid->bqual.len) + 32;
    char *name = must(malloc(size));
    char *at = name;
    const struct str parts[] = {xid->gtrid, xid->bqual};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        *at++ = 'X';
        *at++ = '\'';
        put_hex(at, parts[i].p, parts[i].len);
        at += 2 * parts[i].len;
        *at++ = '\'';
        *at++ = ',';
    }
    (void)snprintf(at, size - (size_t)(at - name), "%" PRIu32, xid->format_id);
    return name;
}

static struct xa_prepared *find(const struct xa *x, const char *name)
{
    struct xa_prepared *t = x->list;
    while (t != NULL && strcmp(t->name, name) != 0) {
        t = t->next;
    }
    return t;
}

int xa_prepare(struct xa *x, const struct binlog_format *format, const struct binlog_xid *xid,
               struct diag *d)
{
    struct xa_prepared *t = get_building(x, format);
    t->name = name_of(xid);
    if (find(x, t->name) != NULL) {
        return diag_set_text(
            d, ER_REPLICA_FATAL_ERROR,
            arena_printf(&d->arena, "XA PREPARE %s: the transaction is prepared already", t->name));
    }
    if (x->piece.len > 0) {
        if (t->piece_count == 0 && x->kept_bytes + x->piece.len <= KEEP_BYTES) {
            t->kept = must(malloc(x->piece.len));
            t->kept_len = x->piece.len;
            memcpy(t->kept, x->piece.p, x->piece.len);
            x->kept_bytes += t->kept_len;
        }
        end_piece(x);
    }
    put_header(x, t);
    t->next = x->list;
    x->list = t;
    x->building = NULL;
    return 0;
}

/* ---- Ends ---- */

int xa_statement(struct xa *x, struct str sql, struct arena *scratch, struct diag *d)
{
    struct binlog_xid xid;
    const enum binlog_xa_op op = binlog_parse_xa(sql, scratch, &xid);
    if (op == BINLOG_XA_NONE) {
        return diag_set_text(
            d, ER_REPLICA_FATAL_ERROR,
            arena_printf(&d->arena, "an XA statement cannot be read: %.*s", STR_FMT(sql)));
    }
    if (op != BINLOG_XA_COMMIT && op != BINLOG_XA_ROLLBACK) {
        return 0;
    }
    char *name = name_of(&xid);
    x->ending = find(x, name);
    x->is_commit = op == BINLOG_XA_COMMIT;
    free(name);
    if (x->ending != NULL || !x->is_commit) {
        return 0;
    }
    return diag_set_text(d, ER_XAER_NOTA,
                         arena_printf(&d->arena,
                                      "%.*s: its XA PREPARE is not in the part of the log that the "
                                      "copy has followed: the copy must be made anew",
                                      STR_FMT(sql)));
}

bool xa_begin_replay(struct xa *x)
{
    if (x->building != NULL) { /* XA COMMIT … ONE PHASE. */
        x->ending = x->building;
        if (x->piece.len > 0) {
            end_piece(x);
        }
    } else if (x->ending == NULL || !x->is_commit) {
        return false;
    }
    x->replayed = x->ending;
    x->next_piece = 0;
    x->taken = 0;
    bytebuf_reset(&x->loaded);
    x->in_event = false;
    binlog_stream_begin_part(&x->log, &x->replayed->format);
    if (x->building != NULL && x->replayed->piece_count == 1) {
        bytebuf_put_str(&x->loaded, bytebuf_str(&x->piece));
        x->next_piece = 1;
    } else if (x->replayed->kept != NULL) {
        bytebuf_put(&x->loaded, x->replayed->kept, x->replayed->kept_len);
        x->next_piece = 1;
    }
    return true;
}

/* Its records go with the next job, as far as they are, or will be, in the store. */
static void remove_records(struct xa *x, const struct xa_prepared *t)
{
    const uint32_t all = t->piece_count + (t->name != NULL);
    if (drop_puts(x, t->id) < all) {
        struct xa_put *put = add_put(x, t->id, t->piece_count, 0);
        put->is_removal = true;
    }
}

static void forget(struct xa *x, struct xa_prepared *t)
{
    for (struct xa_prepared **at = &x->list; *at != NULL; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            break;
        }
    }
    if (x->building == t) {
        x->building = NULL;
    }
    prepared_free(x, t);
}

static void stop_replay(struct xa *x)
{
    if (x->replayed != NULL) {
        binlog_stream_restart(&x->log, BINLOG_CHECKSUM_NONE);
        bytebuf_release(&x->loaded);
        bytebuf_init(&x->loaded, PIECE_MAX);
    }
    x->replayed = NULL;
    x->ending = NULL;
    x->in_event = false;
}

void xa_end(struct xa *x)
{
    struct xa_prepared *t = x->ending;
    if (t == NULL) {
        return;
    }
    stop_replay(x);
    remove_records(x, t);
    forget(x, t);
}

void xa_undo(struct xa *x)
{
    stop_replay(x);
    if (x->building != NULL) {
        (void)drop_puts(x, x->building->id);
        forget(x, x->building);
    }
}

struct str xa_next_event(struct xa *x, bool *out_end)
{
    *out_end = false;
    if (x->taken == x->loaded.len) {
        *out_end = x->next_piece == x->replayed->piece_count;
        return STR_NULL;
    }
    const struct str left = str_from(x->loaded.p + x->taken, x->loaded.len - x->taken);
    const uint32_t size = MIN(MAX(binlog_peek_size(left), 1), (uint32_t)MIN(left.len, UINT32_MAX));
    x->taken += size;
    return str_from(left.p, size);
}

/* ---- The store ---- */

static struct str piece_kind(uint64_t id, uint32_t piece, char *text)
{
    (void)snprintf(text, KIND_MAX, "replica_xa_%" PRIu64 "_%" PRIu32, id, piece);
    return str_from_cstr(text);
}

static int remove_one(struct engine_session *s, uint64_t id, uint32_t pieces, struct diag *d)
{
    char kind[KIND_MAX];
    for (uint32_t i = 0; i < pieces; i++) {
        if (engine_meta_put(s, piece_kind(id, i, kind), 0, STR_NULL, d) != 0) {
            return -1;
        }
    }
    return engine_meta_put(s, KIND_PREPARED, id, STR_NULL, d);
}

int xa_store(const struct xa_put *puts, struct engine_session *s, struct diag *d)
{
    int rc = 0;
    for (const struct xa_put *put = puts; put != NULL && rc == 0; put = put->next) {
        char kind[KIND_MAX];
        const struct str text = str_from(put->text, put->len);
        if (put->is_removal) {
            rc = remove_one(s, put->id, put->piece, d);
        } else if (put->piece == XA_HEADER) {
            rc = engine_meta_put(s, KIND_PREPARED, put->id, text, d);
        } else {
            rc = engine_meta_put(s, piece_kind(put->id, put->piece, kind), 0, text, d);
        }
    }
    return rc;
}

static int unreadable(struct diag *d)
{
    return diag_set(d, ER_INTERNAL_ERROR,
                    "the stored rows of a prepared transaction are not readable");
}

static int take_header(struct xa_prepared *t, struct str text)
{
    const char *name;
    const char *lengths;
    int pieces;
    int is_mariadb;
    int version;
    size_t len;
    json_t *o = json_loadb(text.p, text.len, 0, NULL);
    int rc = json_unpack(o, "{s:s, s:i, s:b, s:i, s:s%}", "xid", &name, "pieces", &pieces,
                         "mariadb", &is_mariadb, "version", &version, "lengths", &lengths, &len);
    if (rc == 0 && len <= (size_t)2 * BINLOG_MAX_TYPES && pieces >= 0) {
        const struct str copy = str_from_cstr(name);
        t->name = must(malloc(copy.len + 1));
        memcpy(t->name, name, copy.len + 1);
        t->piece_count = (uint32_t)pieces;
        t->format.is_mariadb = is_mariadb != 0;
        t->format.version_id = (uint32_t)version;
        t->format.type_count = (uint8_t)(len / 2);
        rc = take_hex(str_from(lengths, len), t->format.post_header_len);
    } else {
        rc = -1;
    }
    json_decref(o);
    return rc;
}

struct loading {
    struct xa *x;
    bool failed;
};

static int load_header(void *arg, uint64_t id, struct str text)
{
    struct loading *l = arg;
    struct xa_prepared *t = must(calloc(1, sizeof(*t)));
    t->id = id;
    t->next = l->x->list;
    l->x->list = t;
    l->x->last_id = MAX(l->x->last_id, id);
    l->failed |= take_header(t, text) != 0;
    return l->failed;
}

int xa_load(struct xa *x, struct engine_session *s, struct diag *d)
{
    struct loading l = {.x = x};
    xa_release(x);
    xa_init(x);
    if (engine_meta_scan(s, KIND_PREPARED, load_header, &l, d) != 0) {
        return -1;
    }
    return l.failed ? unreadable(d) : 0;
}

static int load_text(void *arg, uint64_t id, struct str text)
{
    struct xa *x = arg;
    (void)id;
    char *to = bytebuf_reserve(&x->loaded, text.len / 2);
    if (to == NULL || take_hex(text, to) != 0) {
        x->loaded.failed = true;
        return 1;
    }
    x->loaded.len += text.len / 2;
    return 0;
}

int xa_load_piece(struct xa *x, struct engine_session *s, struct diag *d)
{
    char kind[KIND_MAX];
    bytebuf_reset(&x->loaded);
    x->taken = 0;
    if (engine_meta_scan(s, piece_kind(x->replayed->id, x->next_piece++, kind), load_text, x, d) !=
        0) {
        return -1;
    }
    return x->loaded.failed || x->loaded.len == 0 ? unreadable(d) : 0;
}

int xa_remove_all(struct engine_session *s, struct diag *d)
{
    struct xa x;
    struct loading l = {.x = &x};
    xa_init(&x);
    int rc = engine_meta_scan(s, KIND_PREPARED, load_header, &l, d);
    for (const struct xa_prepared *t = x.list; t != NULL && rc == 0; t = t->next) {
        rc = remove_one(s, t->id, t->piece_count, d);
    }
    xa_release(&x);
    return rc;
}
