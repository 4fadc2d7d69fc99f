/*
 * The source's list of tables against the copy's. See snapshot_int.h.
 *
 * The list that was read is of now, the copy's of the stream's place. So the differences are only
 * looked at again when the stream has passed all that was in the log when the list was read: what
 * is still different then has not come through the log.
 */
#include "change/snapshot_int.h"
#include "upstream/discover.h"

#include "types/collation.h"

enum {
    MAX_OBJECTS = 100000,
    LOOKS_MAX = 4, /* At lists that have just changed, before one is taken as it is. */
};

struct reconcile {
    struct snapshot *s;
    struct arena *arena;
    struct upstream_discovery found;
    struct htab objects; /* struct upstream_object by "db\0name". */
    uint32_t known_count;
    struct copy_table **known; /* Before the source's list was read. */
};

static struct str make_key(struct arena *a, struct str db, struct str name)
{
    char *p = arena_alloc(a, db.len + 1 + name.len);
    memcpy(p, db.p, db.len);
    p[db.len] = '\0';
    memcpy(p + db.len + 1, name.p, name.len);
    return str_from(p, db.len + 1 + name.len);
}

static bool is_wanted(const struct snapshot *s, struct str db, struct str name)
{
    return (s->o.database.len == 0 || str_eq(s->o.database, db)) &&
           copy_filter_takes(s->o.filter, db, name);
}

static void index_objects(struct reconcile *r)
{
    for (uint32_t i = 0; i < r->found.object_count; i++) {
        struct upstream_object *o = &r->found.objects[i];
        if (o->kind == UPSTREAM_TABLE && is_wanted(r->s, o->db, o->name)) {
            (void)htab_put(&r->objects, make_key(r->arena, o->db, o->name), o);
        }
    }
}

/* Of the definition as it was found; 0: it could not be read. */
static uint64_t object_hash(struct reconcile *r, const struct upstream_object *o)
{
    return o->definition.p != NULL
               ? copy_schema_hash(snapshot_definition_text(o->definition, r->arena))
               : 0;
}

static uint16_t database_collation(struct reconcile *r, struct str db)
{
    const enum sql_dialect dialect =
        r->s->c->kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL;
    for (uint32_t i = 0; i < r->found.schema_count; i++) {
        if (str_eq(r->found.schemas[i].name, db)) {
            const struct collation *c = collation_find_name(r->found.schemas[i].collation, dialect);
            return c != NULL ? c->id : 0;
        }
    }
    return 0;
}

static int list_has_changed(struct diag *d)
{
    return diag_set_text(d, ER_TABLE_DEF_CHANGED,
                         STR("its list of tables has just changed; it is looked at again"));
}

/* ---- Databases ---- */

/* One that is not known here: statements in the log that make tables in it will need its collation.
 */
static bool is_missing(const struct reconcile *r, struct str db)
{
    const struct copy_filter all = {.include_count = 0};
    return (r->s->o.database.len == 0 || str_eq(r->s->o.database, db)) &&
           copy_filter_takes(&all, db, STR("")) &&
           !catalog_find_database(r->s->server->catalog, db, NULL, NULL);
}

static int store_databases(void *arg, struct engine_session *session, struct diag *d)
{
    struct reconcile *r = arg;
    for (uint32_t i = 0; i < r->found.schema_count; i++) {
        const struct str db = r->found.schemas[i].name;
        if (is_missing(r, db) &&
            copy_store_database(r->s->copy, session, db, database_collation(r, db), d) != 0) {
            return -1;
        }
    }
    return 0;
}

static void publish_databases(void *arg)
{
    struct reconcile *r = arg;
    for (uint32_t i = 0; i < r->found.schema_count; i++) {
        if (is_missing(r, r->found.schemas[i].name)) {
            copy_publish_database(r->s->copy, r->found.schemas[i].name);
        }
    }
}

static int add_databases(struct reconcile *r, struct diag *d)
{
    const struct pipeline_task t = {.run = store_databases, .done = publish_databases, .arg = r};
    for (uint32_t i = 0; i < r->found.schema_count; i++) {
        if (is_missing(r, r->found.schemas[i].name)) {
            return pipeline_task(r->s->pipeline, &t, d);
        }
    }
    return 0;
}

/* ---- Additions ---- */

static bool is_denied(const struct upstream_object *o)
{
    return memmem(o->error.p, o->error.len, "denied", strlen("denied")) != NULL;
}

static int add_table(struct reconcile *r, const struct upstream_object *o, struct diag *d)
{
    struct snapshot *s = r->s;
    struct copy_table *now = copy_find(s->copy, o->db, o->name);
    const bool is_known = now != NULL;
    bool done;
    copy_table_unref(now);
    /* What could not be read for another reason is there the next time, or gone. */
    if (is_known || (o->definition.p == NULL && !is_denied(o))) {
        return 0;
    }
    struct copy_table *t =
        o->definition.p != NULL
            ? copy_table_new(s->server, o->db, o->name, COPY_PENDING, NULL, STR_NULL)
            : copy_table_new(s->server, o->db, o->name, COPY_ASIDE, NULL, o->error);
    return snapshot_change(s, NULL, t, database_collation(r, o->db), d, &done);
}

/* ---- Removals and changes ---- */

static int start_again(struct reconcile *r, struct copy_table *t, const char *why, struct diag *d)
{
    bool done;
    struct copy_table *after =
        copy_table_new(r->s->server, t->db, t->name, COPY_PENDING, NULL, str_from_cstr(why));
    return snapshot_change(r->s, t, after, 0, d, &done);
}

static int remove_table(struct reconcile *r, struct copy_table *t, struct diag *d)
{
    bool done;
    const int rc = snapshot_change(r->s, t, NULL, 0, d, &done);
    if (done) {
        log_info(&r->s->log,
                 "table %.*s.%.*s is removed from the copy: the source does not have "
                 "it, or it is not wanted",
                 STR_FMT(t->db), STR_FMT(t->name));
    }
    return rc;
}

/* As what is no table any more. */
static bool is_listed(const struct reconcile *r, const struct copy_table *t)
{
    for (uint32_t i = 0; i < r->found.object_count; i++) {
        const struct upstream_object *o = &r->found.objects[i];
        if ((o->kind == UPSTREAM_VIEW || o->kind == UPSTREAM_SEQUENCE) && str_eq(o->db, t->db) &&
            str_eq(o->name, t->name)) {
            return true;
        }
    }
    return false;
}

static int refuse_hidden(const struct reconcile *r, const struct copy_table *t, struct diag *d)
{
    const struct str text = arena_printf(
        r->arena,
        "'%s' cannot be followed: the account may not read `%.*s`.`%.*s`, which the copy has: "
        "GRANT SELECT ON *.* to it, or on that table, or PINTAIL DROP TABLE; then START REPLICA",
        upstream_name(r->s->o.upstream), STR_FMT(t->db), STR_FMT(t->name));
    r->s->is_refused = true;
    return diag_set(d, ER_REPLICA_FATAL_ERROR, text.p);
}

/* What the answer to a statement that reads the table says; code 0: it was carried out. */
static int judge_missing(const struct reconcile *r, const struct copy_table *t, int code,
                         struct str message, struct diag *d, bool *out_gone)
{
    *out_gone = code == ER_NO_SUCH_TABLE || code == ER_BAD_DB_ERROR || is_listed(r, t);
    if (*out_gone) {
        return 0;
    }
    if (code == ER_TABLEACCESS_DENIED_ERROR || code == ER_DBACCESS_DENIED_ERROR) {
        return t->schema_hash == COPY_STAYS_ASIDE ? 0 : refuse_hidden(r, t, d);
    }
    return code == 0 ? list_has_changed(d) : diag_set_text(d, code, message);
}

/*
 * Lists leave out what the account may not see, which is not to be taken for gone: a table that is
 * wanted and not in the list is asked for itself. 0, or -1 with d set: nobody can tell, or it is
 * there.
 */
static int find_gone(const struct reconcile *r, const struct copy_table *t, struct diag *d,
                     bool *out_gone)
{
    struct bytebuf sql;
    struct upstream_result result;
    struct diag refused;
    *out_gone = !is_wanted(r->s, t->db, t->name);
    if (*out_gone || r->found.truncated) {
        return 0;
    }
    diag_init(&refused);
    bytebuf_init(&sql, SNAPSHOT_SQL_MAX);
    bytebuf_put_cstr(&sql, "SELECT 1 FROM ");
    snapshot_put_table(&sql, t->db, t->name);
    bytebuf_put_cstr(&sql, " LIMIT 0");
    const bool ok = upstream_query(r->s->c, bytebuf_str(&sql), r->arena, &refused, &result) == 0;
    const int rc = judge_missing(r, t, ok ? 0 : refused.error->code,
                                 ok ? STR("") : refused.error->message, d, out_gone);
    bytebuf_release(&sql);
    diag_release(&refused);
    return rc;
}

/* What was known before, and may have gone or changed without a word in the log. */
static int review_table(struct reconcile *r, struct copy_table *t, struct diag *d)
{
    const struct upstream_object *o = htab_find(&r->objects, t->list_key);
    const enum copy_state state = atomic_load(&t->state);
    if (o == NULL) {
        bool gone;
        const int rc = find_gone(r, t, d, &gone);
        return rc == 0 && gone ? remove_table(r, t, d) : rc;
    }
    const uint64_t hash = object_hash(r, o);
    if (t->schema_hash == COPY_STAYS_ASIDE) {
        return 0;
    }
    if (state == COPY_ASIDE && hash != 0 && hash != t->schema_hash) {
        return start_again(r, t, "its definition has changed", d);
    }
    if (state == COPY_LOADING && hash != 0 && t->schema_hash != 0 && hash != t->schema_hash) {
        return start_again(r, t, "its definition has changed", d);
    }
    return 0;
}

static bool has_differences(struct reconcile *r)
{
    size_t pos = 0;
    struct upstream_object *o;
    for (uint32_t i = 0; i < r->found.schema_count; i++) {
        if (is_missing(r, r->found.schemas[i].name)) {
            return true;
        }
    }
    while ((o = htab_next(&r->objects, &pos)) != NULL) {
        struct copy_table *t = copy_find(r->s->copy, o->db, o->name);
        copy_table_unref(t);
        if (t == NULL) {
            return true;
        }
    }
    for (uint32_t i = 0; i < r->known_count; i++) {
        const struct copy_table *t = r->known[i];
        const struct upstream_object *of = htab_find(&r->objects, t->list_key);
        const enum copy_state state = atomic_load(&t->state);
        if (of == NULL ||
            ((state == COPY_ASIDE || state == COPY_LOADING) && t->schema_hash != COPY_STAYS_ASIDE &&
             object_hash(r, of) != t->schema_hash)) {
            return true;
        }
    }
    return false;
}

static int apply(struct reconcile *r, struct diag *d)
{
    if (add_databases(r, d) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < r->found.object_count; i++) {
        const struct upstream_object *o = &r->found.objects[i];
        if (o->kind == UPSTREAM_TABLE && is_wanted(r->s, o->db, o->name) &&
            add_table(r, o, d) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < r->known_count; i++) {
        if (review_table(r, r->known[i], d) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Estimates ---- */

static int estimate(struct reconcile *r, struct diag *d)
{
    struct upstream_result rows;
    if (upstream_query(r->s->c,
                       STR("SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM "
                           "information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND "
                           "TABLE_SCHEMA NOT IN ('mysql', 'information_schema', "
                           "'performance_schema', 'sys')"),
                       r->arena, d, &rows) != 0) {
        return -1;
    }
    for (uint64_t i = 0; i < rows.row_count; i++) {
        uint64_t n;
        struct copy_table *t = copy_find(r->s->copy, rows.rows[i][0], rows.rows[i][1]);
        if (t != NULL && rows.rows[i][2].p != NULL && str_to_u64(rows.rows[i][2], &n) == 0) {
            atomic_store(&t->rows_estimated, n);
        }
        copy_table_unref(t);
    }
    return 0;
}

/* ---- All of it ---- */

static bool has_same_names(const struct upstream_discovery *a, const struct upstream_discovery *b)
{
    bool same = a->object_count == b->object_count;
    for (uint32_t i = 0; same && i < a->object_count; i++) {
        same = str_eq(a->objects[i].db, b->objects[i].db) &&
               str_eq(a->objects[i].name, b->objects[i].name);
    }
    return same;
}

/*
 * A list that would change the copy is read twice: while a RENAME of several tables is tried that
 * fails, one of them has another name or none, and the log says nothing of it. 0, or -1 with d set
 * when it is to be looked at again.
 */
static int confirm(struct reconcile *r, struct diag *d)
{
    struct upstream_discovery again;
    if (upstream_list(r->s->c, r->s->o.database, MAX_OBJECTS, r->arena, d, &again) != 0) {
        return -1;
    }
    if (has_same_names(&r->found, &again) || r->s->looks == LOOKS_MAX) {
        r->s->looks = 0;
        return 0;
    }
    r->s->looks++;
    return list_has_changed(d);
}

static int compare(struct reconcile *r, struct diag *d)
{
    struct snapshot *s = r->s;
    struct change_position now;
    if (upstream_discover(s->c, s->o.database, MAX_OBJECTS, r->arena, d, &r->found) != 0) {
        return -1;
    }
    index_objects(r);
    if (!has_differences(r)) {
        return estimate(r, d);
    }
    if (confirm(r, d) != 0) {
        return -1;
    }
    change_position_init(&now);
    int rc = snapshot_source_now(s->c, &now, d) != 0 ||
                     pipeline_wait(s->pipeline, &now, true, FIBER_FOREVER, d) != 0
                 ? -1
                 : 0;
    change_position_release(&now);
    if (rc == 0) {
        rc = apply(r, d);
    }
    return rc != 0 ? -1 : estimate(r, d);
}

int snapshot_reconcile(struct snapshot *s, struct diag *d)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct reconcile r = {.s = s, .arena = &arena};
    htab_init(&r.objects, 0);
    r.known_count = copy_list(s->copy, &arena, &r.known);
    const int rc = compare(&r, d);
    for (uint32_t i = 0; i < r.known_count; i++) {
        copy_table_unref(r.known[i]);
    }
    htab_release(&r.objects);
    arena_release(&arena);
    return rc;
}
