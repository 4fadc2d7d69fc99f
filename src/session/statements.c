#include "session/statements.h"

#include "base/bytebuf.h"
#include "base/clock.h"

#include <stdlib.h>

/* A statement of a session. */
struct stmt_entry {
    uint8_t key[4];
    uint32_t id;
    uint32_t text_len;
    unsigned effects; /* enum sql_effect */
    uint16_t params;
    bool has_types;
    bool held;                     /* counted in stmts.held */
    struct wire_value_type *types; /* params of them */
    char text[];
};

/* A statement of a connection. */
struct conn_stmt {
    uint32_t id; /* the upstream's */
    uint16_t params;
    bool has_types;
    uint64_t used_us;
    struct wire_value_type *types; /* bound by the last execution */
    size_t key_len;
    char key[]; /* database, NUL, text */
};

struct conn_stmts {
    struct htab by_key;
    struct bytebuf stale; /* 32-bit numbers of statements to be closed */
};

/* ---- The session's ---- */

static void put_u32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static uint32_t get_u32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

void stmts_init(struct stmts *s)
{
    *s = (struct stmts){.next_id = STMTS_FIRST_ID};
    htab_init(&s->by_id, 0);
}

static void free_entry(struct stmt_entry *e)
{
    if (e != NULL) {
        free(e->types);
        free(e);
    }
}

void stmts_clear(struct stmts *s)
{
    size_t pos = 0;
    struct stmt_entry *e;
    while ((e = htab_next(&s->by_id, &pos)) != NULL) {
        free_entry(e);
    }
    htab_release(&s->by_id);
    const uint32_t next_id = s->next_id;
    stmts_init(s);
    s->next_id = next_id;
}

static struct stmt_entry *find(const struct stmts *s, uint32_t id)
{
    uint8_t key[4];
    put_u32(key, id);
    return htab_find(&s->by_id, str_from((const char *)key, sizeof key));
}

uint32_t stmts_named(const struct stmts *s, struct str payload)
{
    if (payload.len < 5) {
        return 0;
    }
    const uint32_t id = get_u32(payload.p + 1);
    const uint32_t meant = id == UINT32_MAX ? s->last_id : id;
    return meant != 0 && find(s, meant) != NULL ? meant : 0;
}

struct str stmts_text(const struct stmts *s, uint32_t id)
{
    const struct stmt_entry *e = find(s, id);
    return e == NULL ? STR_NULL : str_from(e->text, e->text_len);
}

unsigned stmts_effects(const struct stmts *s, uint32_t id)
{
    const struct stmt_entry *e = find(s, id);
    return e == NULL ? 0 : e->effects;
}

void stmts_remove(struct stmts *s, uint32_t id)
{
    uint8_t key[4];
    put_u32(key, id);
    struct stmt_entry *e = htab_remove(&s->by_id, str_from((const char *)key, sizeof key));
    s->held -= e != NULL && e->held ? 1 : 0;
    s->last_id = s->last_id == id ? 0 : s->last_id;
    free_entry(e);
}

static void hold(struct stmts *s, struct stmt_entry *e, bool held)
{
    if (e->held != held) {
        e->held = held;
        s->held += held ? 1 : (unsigned)-1;
    }
}

/* ---- The connection's ---- */

static void free_conn_stmt(struct conn_stmt *e)
{
    if (e != NULL) {
        free(e->types);
        free(e);
    }
}

static void free_conn_stmts(void *p)
{
    struct conn_stmts *all = p;
    size_t pos = 0;
    struct conn_stmt *e;
    while ((e = htab_next(&all->by_key, &pos)) != NULL) {
        free_conn_stmt(e);
    }
    htab_release(&all->by_key);
    bytebuf_release(&all->stale);
    free(all);
}

static struct conn_stmts *conn_stmts_of(struct upstream_conn *c)
{
    if (c->statements == NULL) {
        struct conn_stmts *all = calloc(1, sizeof *all);
        if (all != NULL) {
            htab_init(&all->by_key, 0);
            bytebuf_init(&all->stale, 64u << 10);
            c->statements = all;
            c->free_statements = free_conn_stmts;
        }
    }
    return c->statements;
}

/* Database and text as a key; in the arena. */
static struct str key_of(struct arena *arena, const char *db, struct str text)
{
    const size_t db_len = strlen(db) + 1;
    char *key = arena_alloc(arena, db_len + text.len);
    memcpy(key, db, db_len);
    memcpy(key + db_len, text.p, text.len);
    return str_from(key, db_len + text.len);
}

static struct conn_stmt *find_on(struct upstream_conn *c, struct str key)
{
    struct conn_stmts *all = c->statements;
    return all == NULL ? NULL : htab_find(&all->by_key, key);
}

/* Notes that the upstream has prepared it. NULL when memory ran out. */
static struct conn_stmt *note_on(struct upstream_conn *c, struct str key, uint32_t id,
                                 uint16_t params)
{
    struct conn_stmts *all = conn_stmts_of(c);
    struct conn_stmt *e = all == NULL ? NULL : calloc(1, sizeof *e + key.len);
    if (e == NULL) {
        return NULL;
    }
    e->types = calloc(MAX(params, (uint16_t)1), sizeof *e->types);
    if (e->types == NULL) {
        free(e);
        return NULL;
    }
    e->id = id;
    e->params = params;
    e->used_us = clock_monotonic_us();
    e->key_len = key.len;
    memcpy(e->key, key.p, key.len);
    const struct str own = str_from(e->key, e->key_len);
    struct conn_stmt *older = htab_remove(&all->by_key, own);
    if (older != NULL) {
        bytebuf_put(&all->stale, &older->id, sizeof older->id);
        free_conn_stmt(older);
    }
    htab_put(&all->by_key, own, e);
    return e;
}

uint32_t stmts_add(struct stmts *s, struct upstream_conn *c, const char *db, struct str text,
                   unsigned effects, const struct wire_prepare_ok *p)
{
    struct arena arena;
    struct stmt_entry *e = calloc(1, sizeof *e + text.len);
    struct wire_value_type *types = calloc(MAX(p->params, (uint16_t)1), sizeof *types);
    arena_init(&arena, 0);
    if (e == NULL || types == NULL || s->held > 0 ||
        note_on(c, key_of(&arena, db, text), p->stmt_id, p->params) == NULL) {
        free(e);
        free(types);
        arena_release(&arena);
        return 0;
    }
    arena_release(&arena);
    e->id = s->next_id++;
    e->params = p->params;
    e->effects = effects;
    e->types = types;
    e->text_len = (uint32_t)text.len;
    memcpy(e->text, text.p, text.len);
    put_u32(e->key, e->id);
    htab_put(&s->by_id, str_from((const char *)e->key, sizeof e->key), e);
    s->last_id = e->id;
    return e->id;
}

/* ---- Commands ---- */

static bool same_types(const struct stmt_entry *e, const struct conn_stmt *on)
{
    return on->has_types && e->has_types &&
           memcmp(e->types, on->types, e->params * sizeof *e->types) == 0;
}

static void bind_types(const struct stmt_entry *e, struct conn_stmt *on)
{
    memcpy(on->types, e->types, e->params * sizeof *e->types);
    on->has_types = e->has_types;
}

/*
 * Reads the parameters. Types that the client sends are noted with the statement. Returns 1 when it
 * has sent them, 0 when those noted are meant, -1 when the packet is malformed.
 */
static int read_params(struct stmt_entry *e, struct wire_execute *x, struct str payload,
                       uint64_t capabilities, struct arena *arena)
{
    struct wire_value_type *types = arena_alloc(arena, MAX(e->params, (uint16_t)1) * sizeof *types);
    for (int known = 0; known < 2; known++) {
        if (wire_decode_execute(payload, x) != 0) {
            return -1;
        }
        memcpy(types, e->types, e->params * sizeof *types);
        x->param_count = e->params;
        x->types = types;
        x->has_types = known == 1 && e->has_types;
        if (wire_decode_execute_params(x, capabilities, arena) == 0) {
            if (known == 0) {
                memcpy(e->types, types, e->params * sizeof *types);
                e->has_types = true;
            }
            return known == 0;
        }
    }
    return -1;
}

/* As read_params(), of a bulk execution: its rows are not read, and may be cut short. */
static int read_bulk(struct stmt_entry *e, struct wire_bulk *b, struct str payload,
                     struct arena *arena)
{
    *b = (struct wire_bulk){
        .param_count = e->params,
        .types = arena_alloc(arena, MAX(e->params, (uint16_t)1) * sizeof *b->types),
    };
    memcpy(b->types, e->types, e->params * sizeof *b->types);
    if (wire_decode_bulk(payload, b) != 0) {
        return -1;
    }
    if ((b->flags & WIRE_BULK_SENDS_TYPES) == 0) {
        return e->has_types ? 0 : -1;
    }
    memcpy(e->types, b->types, e->params * sizeof *b->types);
    e->has_types = true;
    return 1;
}

/*
 * Does the server read the parameters as the client means them? read: what read_params() has
 * returned. What it could not read goes on as it is: the server may read more out of it than we do,
 * and which types it knows then is unknown.
 */
static bool agree_on_types(struct stmts *s, const struct stmt_entry *e, struct conn_stmt *on,
                           int read)
{
    if (read < 0) {
        on->has_types = false;
        s->unreadable = true;
        return true;
    }
    if (e->params > 0 && read == 0 && !same_types(e, on)) {
        return false;
    }
    bind_types(e, on);
    return true;
}

/* Does an execution open a cursor? */
static bool opens_cursor(struct str payload)
{
    const unsigned cursors =
        WIRE_CURSOR_READ_ONLY | WIRE_CURSOR_FOR_UPDATE | WIRE_CURSOR_SCROLLABLE;
    return (uint8_t)payload.p[0] == COM_STMT_EXECUTE && payload.len > 5 &&
           ((uint8_t)payload.p[5] & cursors) != 0;
}

void stmts_set_number(struct str payload, uint32_t id)
{
    put_u32((uint8_t *)payload.p + 1, id);
}

bool stmts_patch(struct stmts *s, struct upstream_conn *c, const char *db, struct str payload,
                 bool is_whole, struct arena *arena)
{
    const uint32_t id = stmts_named(s, payload);
    struct stmt_entry *e = find(s, id);
    struct conn_stmt *on = find_on(c, key_of(arena, db, stmts_text(s, id)));
    const uint8_t command = (uint8_t)payload.p[0];
    if (on == NULL) {
        return false;
    }
    on->used_us = clock_monotonic_us();
    if (command == COM_STMT_SEND_LONG_DATA) {
        hold(s, e, true);
    } else if (command == COM_STMT_RESET) {
        hold(s, e, false);
    } else if (command == COM_STMT_EXECUTE && !e->held) {
        struct wire_execute x;
        if (!is_whole ||
            !agree_on_types(s, e, on, read_params(e, &x, payload, c->capabilities, arena))) {
            return false;
        }
        hold(s, e, opens_cursor(payload));
    } else if (command == COM_STMT_EXECUTE) {
        hold(s, e, opens_cursor(payload));
    } else if (command == MARIADB_COM_STMT_BULK_EXECUTE) {
        struct wire_bulk b;
        const int read = read_bulk(e, &b, payload, arena);
        if ((read < 0 && !is_whole) || !agree_on_types(s, e, on, read)) {
            return false;
        }
        hold(s, e, false);
    }
    stmts_set_number(payload, on->id);
    return true;
}

static int send_command(struct upstream_conn *c, struct diag *d)
{
    if (pkt_end(&c->conn.w) != 0 ||
        conn_flush(&c->conn, clock_monotonic_us() + c->write_timeout_us, d) != NET_OK) {
        return upstream_lost(c, NET_ERROR, d);
    }
    return 0;
}

static struct conn_stmt *prepare_on(struct upstream_conn *c, struct str key, struct str text,
                                    struct diag *d)
{
    struct wire_prepare_ok p;
    if (upstream_prepare(c, text, d, &p) != 0) {
        return NULL;
    }
    struct conn_stmt *on = note_on(c, key, p.stmt_id, p.params);
    if (on == NULL) {
        diag_set(d, ER_OUT_OF_RESOURCES);
    }
    return on;
}

/* Writes an execution, of one row or of many, with the types that the client has sent earlier. 0,
 * or -1: malformed. */
static int put_with_types(struct upstream_conn *c, struct stmt_entry *e, uint32_t id,
                          struct str payload, struct arena *arena)
{
    struct wire_execute x;
    struct wire_bulk b;
    if ((uint8_t)payload.p[0] == COM_STMT_EXECUTE &&
        read_params(e, &x, payload, c->capabilities, arena) >= 0) {
        x.stmt_id = id;
        x.has_types = true;
        wire_encode_execute(&c->conn.w, c->capabilities, &x);
        return 0;
    }
    if ((uint8_t)payload.p[0] == MARIADB_COM_STMT_BULK_EXECUTE &&
        read_bulk(e, &b, payload, arena) >= 0) {
        b.stmt_id = id;
        b.flags |= WIRE_BULK_SENDS_TYPES;
        wire_encode_bulk(&c->conn.w, &b);
        return 0;
    }
    return -1;
}

int stmts_send(struct stmts *s, struct upstream_conn *c, const char *db, struct str payload,
               struct arena *arena, struct diag *d)
{
    const uint32_t id = stmts_named(s, payload);
    struct stmt_entry *e = find(s, id);
    const struct str text = stmts_text(s, id);
    const struct str key = key_of(arena, db, text);
    struct conn_stmt *on = find_on(c, key);
    if (on == NULL) {
        on = prepare_on(c, key, text, d);
    }
    if (on == NULL) {
        return -1;
    }
    if (on->params != e->params) {
        return diag_set(d, ER_NEED_REPREPARE);
    }
    conn_begin_command(&c->conn);
    pkt_begin(&c->conn.w);
    if (stmts_patch(s, c, db, payload, true, arena)) {
        pkt_put_str(&c->conn.w, payload);
        return send_command(c, d);
    }
    if (put_with_types(c, e, on->id, payload, arena) != 0) {
        pkt_abort(&c->conn.w);
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    bind_types(e, on);
    hold(s, e, opens_cursor(payload));
    return send_command(c, d);
}

/* ---- Trimming ---- */

static struct conn_stmt *find_oldest(struct conn_stmts *all)
{
    struct conn_stmt *oldest = NULL;
    struct conn_stmt *e;
    size_t pos = 0;
    while ((e = htab_next(&all->by_key, &pos)) != NULL) {
        if (oldest == NULL || e->used_us < oldest->used_us) {
            oldest = e;
        }
    }
    return oldest;
}

static int close_statement(struct upstream_conn *c, uint32_t id, struct diag *d)
{
    conn_begin_command(&c->conn);
    pkt_begin(&c->conn.w);
    wire_encode_u32_command(&c->conn.w, COM_STMT_CLOSE, id);
    return send_command(c, d);
}

int stmts_trim(struct upstream_conn *c, struct diag *d)
{
    struct conn_stmts *all = c->statements;
    if (all == NULL) {
        return 0;
    }
    for (size_t at = 0; at < all->stale.len; at += sizeof(uint32_t)) {
        uint32_t id;
        memcpy(&id, all->stale.p + at, sizeof id);
        if (close_statement(c, id, d) != 0) {
            return -1;
        }
    }
    bytebuf_reset(&all->stale);
    while (all->by_key.count > STMTS_CONN_MAX) {
        struct conn_stmt *e = find_oldest(all);
        const uint32_t id = e->id;
        (void)htab_remove(&all->by_key, str_from(e->key, e->key_len));
        free_conn_stmt(e);
        if (close_statement(c, id, d) != 0) {
            return -1;
        }
    }
    return 0;
}
