/* The list of tables, and which are wanted. See copy.h. */
#include "change/copy_int.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Filters ---- */

/* Matches * and ? by bytes, without recursion: the last * is where to go on after a mismatch. */
static bool matches(struct str pattern, struct str text)
{
    size_t p = 0;
    size_t t = 0;
    size_t star = SIZE_MAX;
    size_t star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.p[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.len && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.len;
}

/* "db.table"; "db" alone is all of it. */
static bool pattern_takes(struct str pattern, struct str db, struct str name)
{
    const char *dot = memchr(pattern.p, '.', pattern.len);
    if (dot == NULL) {
        return matches(pattern, db);
    }
    const size_t at = (size_t)(dot - pattern.p);
    return matches(str_from(pattern.p, at), db) &&
           matches(str_from(dot + 1, pattern.len - at - 1), name);
}

static bool list_takes(const struct str *patterns, uint32_t count, struct str db, struct str name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (patterns[i].len > 0 && pattern_takes(patterns[i], db, name)) {
            return true;
        }
    }
    return false;
}

/* The servers' own databases; they are no data. */
static bool is_system(struct str db)
{
    static const struct str names[] = {STR_INIT("mysql"), STR_INIT("information_schema"),
                                       STR_INIT("performance_schema"), STR_INIT("sys"),
                                       STR_INIT("pintail")};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_eq_nocase(db, names[i])) {
            return true;
        }
    }
    return false;
}

bool copy_filter_takes(const struct copy_filter *f, struct str db, struct str name)
{
    if (is_system(db)) {
        return false;
    }
    if (f->include_count > 0 && !list_takes(f->include, f->include_count, db, name)) {
        return false;
    }
    return !list_takes(f->exclude, f->exclude_count, db, name);
}

/* ---- Tables ---- */

static const char *const state_names[] = {
    [COPY_PENDING] = "pending",
    [COPY_LOADING] = "loading",
    [COPY_LIVE] = "live",
    [COPY_ASIDE] = "aside",
};

const char *copy_state_name(enum copy_state state)
{
    return state_names[state];
}

static struct str make_key(struct arena *a, struct str db, struct str name)
{
    char *p = arena_alloc(a, db.len + 1 + name.len);
    memcpy(p, db.p, db.len);
    p[db.len] = '\0';
    memcpy(p + db.len + 1, name.p, name.len);
    return str_from(p, db.len + 1 + name.len);
}

struct copy_table *copy_table_alloc(struct str db, struct str name)
{
    struct copy_table *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        abort();
    }
    arena_init(&t->arena, 0);
    t->db = arena_dup(&t->arena, db);
    t->name = arena_dup(&t->arena, name);
    t->list_key = make_key(&t->arena, db, name);
    atomic_init(&t->refs, 1);
    return t;
}

void copy_table_define(struct server *server, struct copy_table *t, struct table_def *def)
{
    t->def = def;
    if (def == NULL) {
        return;
    }
    table_def_ref(def);
    if (def->share == NULL) {
        def->share = catalog_share(server->catalog, def->id);
    }
    t->id = def->id;
    copy_choose_key(def, &t->arena, &t->key);
}

struct copy_table *copy_table_new(struct server *server, struct str db, struct str name,
                                  enum copy_state state, struct table_def *def, struct str reason)
{
    struct copy_table *t = copy_table_alloc(db, name);
    copy_table_define(server, t, def);
    if (def == NULL) {
        t->id = catalog_next_id(server->catalog);
    }
    atomic_init(&t->state, state);
    t->reason = arena_dup(&t->arena, reason);
    return t;
}

static void copy_key_to(struct copy_table *to, const struct copy_key *key)
{
    uint32_t *columns = ARENA_ARRAY(&to->arena, uint32_t, key->count);
    for (uint32_t i = 0; i < key->count; i++) {
        columns[i] = key->columns[i];
    }
    to->key = *key;
    to->key.columns = columns;
}

static void copy_progress(struct copy_table *to, const struct copy_table *t)
{
    to->schema_hash = t->schema_hash;
    to->last_key = arena_dup(&to->arena, t->last_key);
    atomic_init(&to->rows_copied, atomic_load(&t->rows_copied));
    atomic_init(&to->bytes_copied, atomic_load(&t->bytes_copied));
    atomic_init(&to->rows_estimated, atomic_load(&t->rows_estimated));
    atomic_init(&to->copied_us, atomic_load(&t->copied_us));
    atomic_init(&to->rows_inserted, atomic_load(&t->rows_inserted));
    atomic_init(&to->rows_updated, atomic_load(&t->rows_updated));
    atomic_init(&to->rows_deleted, atomic_load(&t->rows_deleted));
}

struct copy_table *copy_table_with_state(const struct copy_table *t, enum copy_state state,
                                         struct str reason)
{
    struct copy_table *to = copy_table_alloc(t->db, t->name);
    to->id = t->id;
    to->def = t->def;
    if (t->def != NULL) {
        table_def_ref(t->def);
    }
    copy_key_to(to, &t->key);
    atomic_init(&to->state, state);
    to->reason = arena_dup(&to->arena, reason);
    copy_progress(to, t);
    return to;
}

struct copy_table *copy_table_successor(struct server *server, const struct copy_table *t,
                                        struct str db, struct str name, struct table_def *def)
{
    struct copy_table *to = copy_table_alloc(db, name);
    to->id = t->id;
    copy_table_define(server, to, def);
    atomic_init(&to->state, atomic_load(&t->state));
    to->reason = arena_dup(&to->arena, t->reason);
    copy_progress(to, t);
    if (t->schema_hash != COPY_STAYS_ASIDE) {
        to->schema_hash = 0; /* Its text has another name, or other columns. */
    }
    return to;
}

void copy_table_ref(struct copy_table *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
}

void copy_table_unref(struct copy_table *t)
{
    if (t != NULL && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        table_def_unref(t->def);
        key_set_free(t->brought);
        arena_release(&t->arena);
        free(t);
    }
}

bool copy_has_storage(const struct copy_table *t)
{
    if (t == NULL || t->def == NULL) {
        return false;
    }
    const enum copy_state state = atomic_load(&t->state);
    return state == COPY_LOADING || state == COPY_LIVE;
}

bool copy_is_published(const struct copy_table *t)
{
    return copy_has_storage(t) && atomic_load(&t->state) == COPY_LIVE;
}

/* ---- The list ---- */

struct copy *copy_new(struct server *server)
{
    struct copy *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        abort();
    }
    c->server = server;
    os_mutex_init(&c->lock);
    htab_init(&c->tables, 0);
    return c;
}

void copy_free(struct copy *c)
{
    if (c == NULL) {
        return;
    }
    size_t pos = 0;
    struct copy_table *t;
    while ((t = htab_next(&c->tables, &pos)) != NULL) {
        copy_table_unref(t);
    }
    htab_release(&c->tables);
    while (c->made != NULL) {
        struct copy_database *next = c->made->next;
        free(c->made);
        c->made = next;
    }
    os_mutex_release(&c->lock);
    free(c);
}

struct copy_table *copy_list_put(struct copy *c, struct copy_table *t)
{
    copy_table_ref(t);
    atomic_fetch_add_explicit(&c->serial, 1, memory_order_relaxed);
    return htab_put(&c->tables, t->list_key, t);
}

struct copy_table *copy_list_remove(struct copy *c, const struct copy_table *t)
{
    atomic_fetch_add_explicit(&c->serial, 1, memory_order_relaxed);
    /* Another table may have taken the name meanwhile. */
    return htab_find(&c->tables, t->list_key) == t ? htab_remove(&c->tables, t->list_key) : NULL;
}

enum {
    KEY_MAX = 1024, /* Two names of 64 characters each are shorter. */
};

struct copy_table *copy_find(struct copy *c, struct str db, struct str name)
{
    char key[KEY_MAX];
    if (db.len + 1 + name.len > sizeof(key)) {
        return NULL;
    }
    if (db.len > 0) {
        memcpy(key, db.p, db.len);
    }
    key[db.len] = '\0';
    if (name.len > 0) {
        memcpy(key + db.len + 1, name.p, name.len);
    }
    os_mutex_lock(&c->lock);
    struct copy_table *t = htab_find(&c->tables, str_from(key, db.len + 1 + name.len));
    if (t != NULL) {
        copy_table_ref(t);
    }
    os_mutex_unlock(&c->lock);
    return t;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp((*(struct copy_table *const *)a)->list_key,
                   (*(struct copy_table *const *)b)->list_key);
}

uint32_t copy_list(struct copy *c, struct arena *arena, struct copy_table ***out)
{
    os_mutex_lock(&c->lock);
    struct copy_table **list = ARENA_ARRAY(arena, struct copy_table *, c->tables.count + 1);
    uint32_t n = 0;
    size_t pos = 0;
    struct copy_table *t;
    while ((t = htab_next(&c->tables, &pos)) != NULL) {
        copy_table_ref(t);
        list[n++] = t;
    }
    os_mutex_unlock(&c->lock);
    qsort(list, n, sizeof(*list), by_name);
    *out = list;
    return n;
}

uint64_t copy_serial(struct copy *c)
{
    return atomic_load_explicit(&c->serial, memory_order_relaxed);
}

/* ---- Progress ---- */

void copy_set_last_key(struct copy *c, struct copy_table *t, struct str last_key)
{
    os_mutex_lock(&c->lock);
    /* Keys of one table are of much the same length: the room of the last one mostly does. */
    if (last_key.len <= t->last_key.len && t->last_key.p != NULL) {
        memcpy((char *)(uintptr_t)t->last_key.p, last_key.p, last_key.len);
        t->last_key.len = last_key.len;
    } else {
        t->last_key = arena_dup(&t->arena, last_key);
    }
    os_mutex_unlock(&c->lock);
}

struct str copy_last_key(struct copy *c, struct copy_table *t, struct arena *arena)
{
    os_mutex_lock(&c->lock);
    const struct str key = arena_dup(arena, t->last_key);
    os_mutex_unlock(&c->lock);
    return key;
}

/* ---- For messages ---- */

struct str copy_why_not(struct copy *c, struct str db, struct str name, struct arena *arena)
{
    struct copy_table *t = copy_find(c, db, name);
    struct str why = STR("it is not one of the tables that are copied");
    if (t == NULL) {
        return why;
    }
    const uint64_t rows = atomic_load(&t->rows_copied);
    switch (atomic_load(&t->state)) {
    case COPY_PENDING:
        why = t->reason.len == 0
                  ? STR("it waits to be copied")
                  : arena_printf(arena, "it waits to be copied again: %.*s", STR_FMT(t->reason));
        break;
    case COPY_LOADING:
        why = arena_printf(arena, "it is being copied (%" PRIu64 " rows so far)", rows);
        break;
    case COPY_LIVE:
        why = STR("it is there");
        break;
    case COPY_ASIDE:
        why = arena_printf(arena, "it is not copied: %.*s", STR_FMT(t->reason));
        break;
    }
    copy_table_unref(t);
    return why;
}
