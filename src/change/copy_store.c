/* Storage, records and catalog follow changes of the list. See copy.h. */
#include "change/copy_int.h"

#include "base/clock.h"
#include "os/fiber.h"

#include <stdlib.h>

#define RECORD_TABLE STR("copy_table")

/* ---- Databases ---- */

static struct copy_database *find_made(struct copy *c, struct str db)
{
    for (struct copy_database *m = c->made; m != NULL; m = m->next) {
        if (str_eq(m->def.name, db)) {
            return m;
        }
    }
    return NULL;
}

/* The definition that the database will have: of an attempt that was rolled back, or a new one. */
static struct copy_database *make_database(struct copy *c, struct str db, uint16_t collation)
{
    struct copy_database *m = find_made(c, db);
    if (m != NULL) {
        return m;
    }
    m = calloc(1, sizeof(*m) + db.len);
    if (m == NULL) {
        abort();
    }
    os_rwlock_read(&c->server->vars_lock);
    const uint16_t standard = c->server->vars.collation_server;
    os_rwlock_unlock(&c->server->vars_lock);
    memcpy(m->name, db.p, db.len);
    m->def = (struct database_def){
        .id = catalog_next_id(c->server->catalog),
        .name = str_from(m->name, db.len),
        .collation = collation != 0 ? collation : standard,
        .explicit_collation = collation != 0,
        .created_us = clock_wall_us(),
    };
    m->next = c->made;
    c->made = m;
    return m;
}

int copy_store_database(struct copy *c, struct engine_session *s, struct str db, uint16_t collation,
                        struct diag *d)
{
    if (catalog_find_database(c->server->catalog, db, NULL, NULL)) {
        return 0;
    }
    struct arena arena;
    arena_init(&arena, 0);
    os_mutex_lock(&c->lock);
    const struct copy_database *m = make_database(c, db, collation);
    const uint64_t id = m->def.id;
    const struct str json = database_def_to_json(&m->def, &arena);
    os_mutex_unlock(&c->lock);
    const int rc = engine_meta_put(s, STR("database"), id, json, d);
    arena_release(&arena);
    return rc;
}

void copy_publish_database(struct copy *c, struct str db)
{
    if (catalog_find_database(c->server->catalog, db, NULL, NULL)) {
        return;
    }
    os_mutex_lock(&c->lock);
    struct copy_database **at = &c->made;
    while (*at != NULL && !str_eq((*at)->def.name, db)) {
        at = &(*at)->next;
    }
    struct copy_database *m = *at;
    if (m != NULL) {
        *at = m->next;
    }
    os_mutex_unlock(&c->lock);
    if (m != NULL) {
        catalog_publish_database(c->server->catalog, &m->def);
        free(m);
    }
}

/* ---- In the engine's transaction ---- */

static int drop_storage(struct engine_session *s, const struct copy_table *t, struct diag *d)
{
    if (engine_drop_table(s, t->def, d) != 0) {
        return -1;
    }
    return !atomic_load(&t->def->share->has_partial_dates)
               ? 0
               : engine_meta_put(s, STR(ENGINE_RECORD_PARTIAL_DATES), t->id, STR_NULL, d);
}

static int store_storage(struct engine_session *s, const struct copy_table *before,
                         const struct copy_table *after, struct diag *d)
{
    const bool had = copy_has_storage(before);
    const bool has = copy_has_storage(after);
    const bool same = had && has && before->id == after->id;
    if (had && !same && drop_storage(s, before, d) != 0) {
        return -1;
    }
    return has && !same ? engine_create_table(s, after->def, d) : 0;
}

static int put_record(struct engine_session *s, const struct copy_table *t, struct diag *d)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct str json = copy_record_encode(t, &arena);
    const int rc = engine_meta_put(s, RECORD_TABLE, t->id, json, d);
    arena_release(&arena);
    return rc;
}

static int put_definition(struct copy *c, struct engine_session *s, const struct copy_table *t,
                          struct diag *d)
{
    struct arena arena;
    if (copy_store_database(c, s, t->db, 0, d) != 0) {
        return -1;
    }
    arena_init(&arena, 0);
    const struct str json = table_def_to_json(t->def, &arena);
    const int rc = engine_meta_put(s, STR("table"), t->id, json, d);
    arena_release(&arena);
    return rc;
}

static int store_records(struct copy *c, struct engine_session *s, const struct copy_change *change,
                         struct diag *d)
{
    const struct copy_table *before = change->before;
    const struct copy_table *after = change->after;
    const bool same = before != NULL && after != NULL && before->id == after->id;
    if (before != NULL && !same && engine_meta_put(s, RECORD_TABLE, before->id, STR_NULL, d) != 0) {
        return -1;
    }
    if (copy_is_published(before) && !(same && copy_is_published(after)) &&
        engine_meta_put(s, STR("table"), before->id, STR_NULL, d) != 0) {
        return -1;
    }
    if (after == NULL) {
        return 0;
    }
    if (put_record(s, after, d) != 0) {
        return -1;
    }
    return copy_is_published(after) ? put_definition(c, s, after, d) : 0;
}

int copy_store(struct copy *c, struct engine_session *s, const struct copy_change *change,
               struct diag *d)
{
    struct copy_table *after = change->after;
    if (copy_is_published(after) && atomic_load(&after->copied_us) == 0) {
        atomic_store(&after->copied_us, clock_wall_us());
    }
    if (store_storage(s, change->before, after, d) != 0) {
        return -1;
    }
    return store_records(c, s, change, d);
}

int copy_store_progress(struct copy *c, struct engine_session *s, struct copy_table *t,
                        struct diag *d)
{
    struct arena arena;
    arena_init(&arena, 0);
    os_mutex_lock(&c->lock);
    const struct str json = copy_record_encode(t, &arena);
    os_mutex_unlock(&c->lock);
    const int rc = engine_meta_put(s, RECORD_TABLE, t->id, json, d);
    arena_release(&arena);
    return rc;
}

/* ---- After it ---- */

/* Does a definition that sessions can see change or go? */
static bool touches_published(const struct copy_change *change)
{
    const struct copy_table *before = change->before;
    const struct copy_table *after = change->after;
    return copy_is_published(before) &&
           !(copy_is_published(after) && before->def == after->def && before->id == after->id);
}

/* Waits for the statements that use it; see copy_lock() for why not for ever. */
static void lock_change(struct copy_change *change)
{
    struct table_share *share = change->before->def->share;
    fiber_mask_interrupts();
    if (frwlock_write(&share->mdl, clock_monotonic_us() + COPY_LOCK_WAIT_US) == FIBER_WOKEN) {
        change->lock = share;
    }
    fiber_unmask_interrupts();
}

void copy_lock(struct copy *c, struct copy_change *changes)
{
    (void)c;
    for (struct copy_change *change = changes; change != NULL; change = change->next) {
        if (change->lock == NULL && touches_published(change)) {
            lock_change(change);
        }
    }
}

/* Gives back locks and references. */
static void let_go(struct copy_change *changes)
{
    for (struct copy_change *change = changes; change != NULL; change = change->next) {
        if (change->lock != NULL) {
            frwlock_unlock_write(&change->lock->mdl);
            change->lock = NULL;
        }
        copy_table_unref(change->before);
        copy_table_unref(change->after);
        change->before = NULL;
        change->after = NULL;
    }
}

void copy_abandon(struct copy *c, struct copy_change *changes)
{
    (void)c;
    let_go(changes);
}

static void unpublish(struct copy *c, const struct copy_table *t)
{
    struct table_def *now = catalog_find_table(c->server->catalog, t->db, t->name);
    if (now != NULL && now->id == t->id) {
        catalog_remove_table(c->server->catalog, t->db, t->name);
    }
    table_def_unref(now);
}

static void publish(struct copy *c, const struct copy_table *t)
{
    copy_publish_database(c, t->db);
    table_def_ref(t->def);
    catalog_publish_table(c->server->catalog, t->def);
}

/* Tables that move away make room before others take their names. */
static void change_catalog(struct copy *c, struct copy_change *changes)
{
    for (const struct copy_change *change = changes; change != NULL; change = change->next) {
        const struct copy_table *after = change->after;
        const bool stays = copy_is_published(after) && copy_is_published(change->before) &&
                           after->id == change->before->id;
        if (copy_is_published(change->before) && !stays) {
            unpublish(c, change->before);
        }
    }
    for (const struct copy_change *change = changes; change != NULL; change = change->next) {
        const struct copy_table *before = change->before;
        const bool is_there =
            copy_is_published(before) && change->after != NULL && before->def == change->after->def;
        if (copy_is_published(change->after) && !is_there) {
            publish(c, change->after);
        }
    }
}

static void change_list(struct copy *c, struct copy_change *changes)
{
    for (const struct copy_change *change = changes; change != NULL; change = change->next) {
        if (change->before != NULL) {
            os_mutex_lock(&c->lock);
            struct copy_table *gone = copy_list_remove(c, change->before);
            os_mutex_unlock(&c->lock);
            copy_table_unref(gone);
        }
    }
    for (const struct copy_change *change = changes; change != NULL; change = change->next) {
        if (change->after != NULL) {
            os_mutex_lock(&c->lock);
            struct copy_table *gone = copy_list_put(c, change->after);
            os_mutex_unlock(&c->lock);
            copy_table_unref(gone);
        }
    }
}

void copy_publish(struct copy *c, struct copy_change *changes)
{
    copy_lock(c, changes);
    change_catalog(c, changes);
    change_list(c, changes);
    let_go(changes);
}

/* ---- At the start ---- */

struct load {
    struct copy *copy;
    struct diag *diag;
    int rc;
};

/* The definition of a table that is LIVE is where exec/ has put it. */
static int find_definition(struct load *load, struct copy_table *t)
{
    struct server *server = load->copy->server;
    struct table_def *def = catalog_find_table(server->catalog, t->db, t->name);
    if (def == NULL || def->id != t->id) {
        struct arena *a = &t->arena;
        const struct str text = arena_printf(a, "the copy of %.*s.%.*s has lost its definition",
                                             STR_FMT(t->db), STR_FMT(t->name));
        table_def_unref(def);
        return diag_set(load->diag, ER_INTERNAL_ERROR, text.p);
    }
    copy_table_define(server, t, def);
    table_def_unref(def);
    return 0;
}

static int load_table(void *arg, uint64_t id, struct str value)
{
    struct load *load = arg;
    struct copy_table *t;
    catalog_reserve_id(load->copy->server->catalog, id);
    load->rc = copy_record_decode(load->copy, id, value, load->diag, &t);
    if (load->rc != 0) {
        return -1;
    }
    if (atomic_load(&t->state) == COPY_LIVE) {
        load->rc = find_definition(load, t);
    }
    if (load->rc == 0) {
        os_mutex_lock(&load->copy->lock);
        struct copy_table *gone = copy_list_put(load->copy, t);
        os_mutex_unlock(&load->copy->lock);
        copy_table_unref(gone);
    }
    copy_table_unref(t);
    return load->rc;
}

int copy_load(struct copy *c, struct engine_session *s, struct diag *d)
{
    struct load load = {.copy = c, .diag = d};
    return engine_meta_scan(s, RECORD_TABLE, load_table, &load, d) != 0 || load.rc != 0 ? -1 : 0;
}
