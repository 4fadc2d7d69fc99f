/*
 * The published definitions: two maps under one read-write lock, and a version that grows with
 * every change. Lock: catalog.lock, a leaf; held for look-ups and map changes only (docs/locks.md).
 */
#include "catalog/catalog.h"

#include "base/htab.h"
#include "os/fmutex.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct database_entry {
    struct database_def def;
    struct htab tables; /* name -> struct table_def, one reference each */
    struct arena arena;
};

struct catalog {
    pthread_rwlock_t lock;
    struct htab databases; /* name -> struct database_entry */
    struct htab shares;    /* 8 bytes of the table id -> struct table_share */
    _Atomic(uint64_t) version;
    _Atomic(uint64_t) next_id;
};

struct catalog *catalog_new(void)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (c == NULL) {
        abort();
    }
    pthread_rwlock_init(&c->lock, NULL);
    htab_init(&c->databases, 0);
    htab_init(&c->shares, 0);
    atomic_init(&c->version, 1);
    atomic_init(&c->next_id, 1);
    return c;
}

static void database_entry_free(struct database_entry *e)
{
    size_t pos = 0;
    struct table_def *t;
    while ((t = htab_next(&e->tables, &pos)) != NULL) {
        table_def_unref(t);
    }
    htab_release(&e->tables);
    arena_release(&e->arena);
    free(e);
}

void catalog_free(struct catalog *c)
{
    if (c == NULL) {
        return;
    }
    size_t pos = 0;
    struct database_entry *e;
    while ((e = htab_next(&c->databases, &pos)) != NULL) {
        database_entry_free(e);
    }
    htab_release(&c->databases);
    struct table_share *s;
    pos = 0;
    while ((s = htab_next(&c->shares, &pos)) != NULL) {
        frwlock_release(&s->mdl);
        free(s);
    }
    htab_release(&c->shares);
    pthread_rwlock_destroy(&c->lock);
    free(c);
}

uint64_t catalog_version(const struct catalog *c)
{
    return atomic_load_explicit(&c->version, memory_order_acquire);
}

uint64_t catalog_next_id(struct catalog *c)
{
    return atomic_fetch_add(&c->next_id, 1);
}

void catalog_reserve_id(struct catalog *c, uint64_t id)
{
    uint64_t next = atomic_load(&c->next_id);
    while (next <= id && !atomic_compare_exchange_weak(&c->next_id, &next, id + 1)) {
    }
}

static void catalog_changed(struct catalog *c)
{
    atomic_fetch_add_explicit(&c->version, 1, memory_order_release);
}

/* ---- Databases ---- */

static void database_def_copy(struct arena *a, const struct database_def *from,
                              struct database_def *to)
{
    *to = *from;
    to->name = arena_dup(a, from->name);
}

bool catalog_find_database(struct catalog *c, struct str name, struct arena *arena,
                           struct database_def *out)
{
    pthread_rwlock_rdlock(&c->lock);
    const struct database_entry *e = htab_find(&c->databases, name);
    if (e != NULL && out != NULL) {
        database_def_copy(arena, &e->def, out);
    }
    pthread_rwlock_unlock(&c->lock);
    return e != NULL;
}

static int by_database_name(const void *a, const void *b)
{
    return str_cmp(((const struct database_def *)a)->name, ((const struct database_def *)b)->name);
}

uint32_t catalog_list_databases(struct catalog *c, struct arena *arena, struct database_def **out)
{
    pthread_rwlock_rdlock(&c->lock);
    struct database_def *list = ARENA_ARRAY(arena, struct database_def, c->databases.count + 1);
    uint32_t n = 0;
    size_t pos = 0;
    const struct database_entry *e;
    while ((e = htab_next(&c->databases, &pos)) != NULL) {
        database_def_copy(arena, &e->def, &list[n++]);
    }
    pthread_rwlock_unlock(&c->lock);
    qsort(list, n, sizeof *list, by_database_name);
    *out = list;
    return n;
}

void catalog_publish_database(struct catalog *c, const struct database_def *db)
{
    pthread_rwlock_wrlock(&c->lock);
    struct database_entry *e = htab_find(&c->databases, db->name);
    if (e == NULL) {
        e = calloc(1, sizeof *e);
        if (e == NULL) {
            abort();
        }
        arena_init(&e->arena, 0);
        htab_init(&e->tables, 0);
        database_def_copy(&e->arena, db, &e->def);
        htab_put(&c->databases, e->def.name, e);
    } else {
        const struct str name = e->def.name;
        e->def = *db;
        e->def.name = name;
    }
    catalog_reserve_id(c, db->id);
    catalog_changed(c);
    pthread_rwlock_unlock(&c->lock);
}

void catalog_remove_database(struct catalog *c, struct str name)
{
    pthread_rwlock_wrlock(&c->lock);
    struct database_entry *e = htab_remove(&c->databases, name);
    catalog_changed(c);
    pthread_rwlock_unlock(&c->lock);
    if (e != NULL) {
        database_entry_free(e);
    }
}

/* ---- Tables ---- */

struct table_def *catalog_find_table(struct catalog *c, struct str db, struct str name)
{
    pthread_rwlock_rdlock(&c->lock);
    const struct database_entry *e = htab_find(&c->databases, db);
    struct table_def *t = e == NULL ? NULL : htab_find(&e->tables, name);
    if (t != NULL) {
        table_def_ref(t);
    }
    pthread_rwlock_unlock(&c->lock);
    return t;
}

static int by_table_name(const void *a, const void *b)
{
    return str_cmp((*(struct table_def *const *)a)->name, (*(struct table_def *const *)b)->name);
}

uint32_t catalog_list_tables(struct catalog *c, struct str db, struct arena *arena,
                             struct table_def ***out)
{
    struct table_def **list = NULL;
    uint32_t n = 0;
    pthread_rwlock_rdlock(&c->lock);
    const struct database_entry *e = htab_find(&c->databases, db);
    if (e != NULL) {
        list = ARENA_ARRAY(arena, struct table_def *, e->tables.count + 1);
        size_t pos = 0;
        struct table_def *t;
        while ((t = htab_next(&e->tables, &pos)) != NULL) {
            table_def_ref(t);
            list[n++] = t;
        }
    }
    pthread_rwlock_unlock(&c->lock);
    if (n > 0) {
        qsort(list, n, sizeof(struct table_def *), by_table_name);
    }
    *out = list;
    return n;
}

/* Takes the definition with that table id out of its database's map, whatever its name. */
static struct table_def *take_by_id(struct database_entry *e, uint64_t id)
{
    size_t pos = 0;
    struct table_def *t;
    while ((t = htab_next(&e->tables, &pos)) != NULL) {
        if (t->id == id) {
            return htab_remove(&e->tables, t->name);
        }
    }
    return NULL;
}

void catalog_publish_table(struct catalog *c, struct table_def *t)
{
    t->share = catalog_share(c, t->id);
    pthread_rwlock_wrlock(&c->lock);
    struct database_entry *e = htab_find(&c->databases, t->db);
    assert(e != NULL);
    /* A rename may come from another name or another database. */
    struct table_def *before = NULL;
    size_t pos = 0;
    struct database_entry *any;
    while (before == NULL && (any = htab_next(&c->databases, &pos)) != NULL) {
        before = take_by_id(any, t->id);
    }
    struct table_def *same_name = htab_put(&e->tables, t->name, t);
    catalog_reserve_id(c, t->id);
    catalog_changed(c);
    pthread_rwlock_unlock(&c->lock);
    table_def_unref(before);
    table_def_unref(same_name);
}

void catalog_remove_table(struct catalog *c, struct str db, struct str name)
{
    pthread_rwlock_wrlock(&c->lock);
    struct database_entry *e = htab_find(&c->databases, db);
    struct table_def *t = e == NULL ? NULL : htab_remove(&e->tables, name);
    catalog_changed(c);
    pthread_rwlock_unlock(&c->lock);
    table_def_unref(t);
}

struct table_share *catalog_share(struct catalog *c, uint64_t table_id)
{
    const struct str key = str_from((const char *)&table_id, sizeof table_id);
    pthread_rwlock_wrlock(&c->lock);
    struct table_share *s = htab_find(&c->shares, key);
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL) {
            abort();
        }
        s->id = table_id;
        frwlock_init(&s->mdl);
        atomic_init(&s->next_auto_increment, 0);
        atomic_init(&s->row_estimate, 0);
        atomic_init(&s->has_partial_dates, false);
        htab_put(&c->shares, str_from((const char *)&s->id, sizeof s->id), s);
    }
    pthread_rwlock_unlock(&c->lock);
    return s;
}

/* ---- Facts ---- */

static _Atomic(uint64_t) facts_version;

void table_share_add_partial_dates(struct table_share *s)
{
    if (!atomic_exchange(&s->has_partial_dates, true)) {
        atomic_fetch_add(&facts_version, 1);
    }
}

uint64_t table_facts_version(void)
{
    return atomic_load(&facts_version);
}
