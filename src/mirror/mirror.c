#include "mirror/mirror.h"

#include "mirror/define.h"
#include "upstream/discover.h"

#include "base/htab.h"
#include "types/collation.h"

#include <stdlib.h>

/* One object of a generation. */
struct entry {
    struct str key; /* Database, NUL, name; of tables. */
    struct str db, name, engine;
    enum upstream_object_kind kind;
    uint64_t hash; /* Of the definition's text. */
    uint32_t columns;
    struct str why_not; /* Empty: in the catalog. */
};

/* What one update found. */
struct generation {
    struct arena arena;
    uint32_t schema_count;
    struct str *schemas;
    uint32_t count;
    struct entry *entries;
    struct htab tables; /* struct entry by key. */
};

struct mirror {
    struct server *server;
    void (*ask)(void *arg);
    void *ask_arg;
    struct catalog *catalog;     /* Where definitions go. */
    struct catalog *own_catalog; /* The same, or NULL: it is somebody else's. */
    struct mirror_model model;
    struct os_mutex lock; /* Protects the pointer and what it points to; a leaf. */
    struct generation *now;
};

/* An update under way. */
struct update {
    struct mirror *m;
    struct upstream_conn *c;
    struct arena *arena;
    const struct upstream_discovery *found;
    const struct generation *before;
    struct generation *after;
    struct exec_session *x;
    struct mirror_summary *summary;
};

/* ---- Generations ---- */

static struct generation *generation_new(void)
{
    struct generation *g = calloc(1, sizeof(*g));
    if (g == NULL) {
        abort();
    }
    arena_init(&g->arena, 0);
    htab_init(&g->tables, 0);
    return g;
}

static void generation_free(struct generation *g)
{
    if (g != NULL) {
        htab_release(&g->tables);
        arena_release(&g->arena);
        free(g);
    }
}

static const struct entry *find_entry(const struct generation *g, struct str key)
{
    return g == NULL ? NULL : htab_find(&g->tables, key);
}

static struct str make_key(struct arena *a, struct str db, struct str name)
{
    char *p = arena_alloc(a, db.len + 1 + name.len);
    memcpy(p, db.p, db.len);
    p[db.len] = '\0';
    memcpy(p + db.len + 1, name.p, name.len);
    return str_from(p, db.len + 1 + name.len);
}

/* ---- Reading definitions ---- */

/* The definition in a CREATE TABLE statement, or NULL with x->diag set. */
static struct table_def *read_definition(struct update *u, const struct database_def *db,
                                         struct str sql)
{
    struct table_def *t = NULL;
    return mirror_define(u->x, db, sql, 0, &t) == 0 ||
                   mirror_define(u->x, db, sql, MIRROR_DEFINE_BARE, &t) == 0
               ? t
               : NULL;
}

/* From the text of SHOW CREATE TABLE, else from information_schema. NULL with *why set. */
static struct table_def *define(struct update *u, const struct database_def *db,
                                const struct upstream_object *o, struct str *why)
{
    struct str sql;
    struct table_def *t = o->definition.p != NULL ? read_definition(u, db, o->definition) : NULL;
    if (t != NULL) {
        return t;
    }
    const struct diag_cond *error = u->x->diag->error;
    *why = o->definition.p == NULL
               ? o->error
               : arena_dup(u->arena, error != NULL ? error->message : STR("unknown construct"));
    struct diag d;
    diag_init(&d);
    if (upstream_discover_columns(u->c, o, u->arena, &d, &sql) == 0) {
        t = read_definition(u, db, sql);
    }
    diag_release(&d);
    return t;
}

/* ---- Publishing ---- */

static void publish_database(struct update *u, const struct upstream_schema *s)
{
    struct catalog *catalog = u->m->catalog;
    struct database_def db;
    const struct collation *collation =
        collation_find_name(s->collation, u->m->model.server.dialect);
    const uint16_t id = collation != NULL ? (uint16_t)collation->id : 0;
    const bool is_there = catalog_find_database(catalog, s->name, u->arena, &db);
    if (is_there && (id == 0 || db.collation == id)) {
        return;
    }
    if (!is_there) {
        db = (struct database_def){.id = catalog_next_id(catalog), .name = s->name};
    }
    db.collation = id != 0 ? id : (uint16_t)u->m->model.server.vars.collation_server;
    catalog_publish_database(catalog, &db);
}

/* Takes the place of the definition that was there under that name. */
static void publish_table(struct update *u, struct table_def *t)
{
    struct catalog *catalog = u->m->catalog;
    struct table_def *old = catalog_find_table(catalog, t->db, t->name);
    if (old != NULL) {
        t->id = old->id;
        t->version = old->version + 1;
        t->created_us = old->created_us;
    }
    table_def_unref(old);
    catalog_publish_table(catalog, t);
    u->summary->changed++;
}

static void forget_table(struct update *u, struct str db, struct str name)
{
    catalog_remove_table(u->m->catalog, db, name);
    u->summary->changed++;
}

/* Brings one table up to date; e is new and has its names. */
static void update_table(struct update *u, const struct upstream_object *o, struct entry *e)
{
    const struct entry *old = find_entry(u->before, e->key);
    struct database_def db;
    struct str why = STR_NULL;
    e->hash = str_hash(o->definition.p != NULL ? o->definition : o->error);
    if (old != NULL && old->hash == e->hash) {
        e->columns = old->columns;
        e->why_not = arena_dup(&u->after->arena, old->why_not);
        return;
    }
    if (!catalog_find_database(u->m->catalog, o->db, u->arena, &db)) {
        e->why_not = STR("its database is new");
        e->hash = 0;
        return;
    }
    struct table_def *t = define(u, &db, o, &why);
    if (t != NULL) {
        e->columns = t->column_count;
        publish_table(u, t);
        return;
    }
    e->why_not = arena_dup(&u->after->arena, why);
    if (old != NULL && old->why_not.len == 0) {
        forget_table(u, e->db, e->name);
    }
}

static void update_object(struct update *u, const struct upstream_object *o)
{
    struct generation *g = u->after;
    struct entry *e = &g->entries[g->count++];
    *e = (struct entry){.db = arena_dup(&g->arena, o->db),
                        .name = arena_dup(&g->arena, o->name),
                        .engine = arena_dup(&g->arena, o->engine),
                        .kind = o->kind};
    if (o->kind != UPSTREAM_TABLE) {
        e->why_not = STR("not a table");
        u->summary->others++;
        return;
    }
    e->key = make_key(&g->arena, o->db, o->name);
    update_table(u, o, e);
    (void)htab_put(&g->tables, e->key, e);
    u->summary->tables++;
    u->summary->mirrored += e->why_not.len == 0;
    fiber_yield();
}

static bool has_schema(const struct generation *g, struct str name)
{
    for (uint32_t i = 0; i < g->schema_count; i++) {
        if (str_eq(g->schemas[i], name)) {
            return true;
        }
    }
    return false;
}

/* Removes what was there before and is no more. */
static void remove_gone(struct update *u)
{
    const struct generation *before = u->before;
    if (before == NULL) {
        return;
    }
    for (uint32_t i = 0; i < before->count; i++) {
        const struct entry *e = &before->entries[i];
        if (e->kind == UPSTREAM_TABLE && e->why_not.len == 0 &&
            find_entry(u->after, e->key) == NULL) {
            forget_table(u, e->db, e->name);
        }
    }
    for (uint32_t i = 0; i < before->schema_count; i++) {
        if (!has_schema(u->after, before->schemas[i])) {
            catalog_remove_database(u->m->catalog, before->schemas[i]);
        }
    }
}

static void update_all(struct update *u)
{
    const struct upstream_discovery *found = u->found;
    struct generation *g = u->after;
    g->schemas = ARENA_ARRAY(&g->arena, struct str, found->schema_count);
    for (uint32_t i = 0; i < found->schema_count; i++) {
        publish_database(u, &found->schemas[i]);
        g->schemas[g->schema_count++] = arena_dup(&g->arena, found->schemas[i].name);
    }
    g->entries = ARENA_ARRAY(&g->arena, struct entry, found->object_count);
    for (uint32_t i = 0; i < found->object_count; i++) {
        update_object(u, &found->objects[i]);
    }
    remove_gone(u);
    u->summary->databases = found->schema_count;
    u->summary->truncated = found->truncated;
}

/* ---- The mirror ---- */

int mirror_update(struct mirror *m, struct upstream_conn *c, struct str database, struct diag *d,
                  struct mirror_summary *out)
{
    struct arena arena;
    struct upstream_discovery found;
    *out = (struct mirror_summary){0};
    arena_init(&arena, 0);
    if (upstream_discover(c, database, MIRROR_MAX_OBJECTS, &arena, d, &found) != 0) {
        arena_release(&arena);
        return -1;
    }
    mirror_model_set(&m->model, m->server, c->kind, c->version_id);
    struct exec_session *x = ARENA_NEW(&arena, struct exec_session);
    exec_session_init(x, &m->model.server, 0);
    struct generation *before = m->now;
    struct update u = {.m = m,
                       .c = c,
                       .arena = &arena,
                       .found = &found,
                       .before = before,
                       .after = generation_new(),
                       .x = x,
                       .summary = out};
    update_all(&u);
    exec_session_release(x);
    os_mutex_lock(&m->lock);
    m->now = u.after;
    os_mutex_unlock(&m->lock);
    generation_free(before);
    arena_release(&arena);
    return 0;
}

/* ---- For SHOW ---- */

static const char *const kind_names[] = {
    [UPSTREAM_TABLE] = "TABLE",       [UPSTREAM_VIEW] = "VIEW",
    [UPSTREAM_SEQUENCE] = "SEQUENCE", [UPSTREAM_PROCEDURE] = "PROCEDURE",
    [UPSTREAM_FUNCTION] = "FUNCTION", [UPSTREAM_PACKAGE] = "PACKAGE",
    [UPSTREAM_EVENT] = "EVENT",
};

static uint32_t list(void *arg, struct arena *arena, struct mirrored_object **out)
{
    struct mirror *m = arg;
    os_mutex_lock(&m->lock);
    const struct generation *g = m->now;
    const uint32_t count = g != NULL ? g->count : 0;
    *out = ARENA_ARRAY(arena, struct mirrored_object, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *e = &g->entries[i];
        (*out)[i] = (struct mirrored_object){.db = arena_dup(arena, e->db),
                                             .name = arena_dup(arena, e->name),
                                             .kind = str_from_cstr(kind_names[e->kind]),
                                             .engine = arena_dup(arena, e->engine),
                                             .columns = e->columns,
                                             .why_not = arena_dup(arena, e->why_not)};
    }
    os_mutex_unlock(&m->lock);
    return count;
}

static void refresh(void *arg)
{
    struct mirror *m = arg;
    m->ask(m->ask_arg);
}

static const struct mirror_ops ops = {.list = list, .refresh = refresh};

struct mirror *mirror_new(struct server *server, struct catalog *catalog, void (*ask)(void *arg),
                          void *arg)
{
    struct mirror *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        abort();
    }
    m->server = server;
    m->own_catalog = catalog == NULL ? catalog_new() : NULL;
    m->catalog = catalog == NULL ? m->own_catalog : catalog;
    m->ask = ask;
    m->ask_arg = arg;
    mirror_model_init(&m->model);
    os_mutex_init(&m->lock);
    server->mirror_ops = &ops;
    server->mirror = m;
    return m;
}

void mirror_free(struct mirror *m)
{
    if (m == NULL) {
        return;
    }
    m->server->mirror = NULL;
    generation_free(m->now);
    os_mutex_release(&m->lock);
    mirror_model_release(&m->model);
    catalog_free(m->own_catalog);
    free(m);
}
