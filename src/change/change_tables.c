/* Statements about single tables of the copy, and CHANGE REPLICATION SOURCE TO. See change_int.h.
 */
#include "change/change_int.h"

#include "base/clock.h"

#include <string.h>

enum {
    BEGIN_US = 30 * 1000 * 1000, /* How long a statement waits for the stream to begin. */
};

/* ---- PINTAIL COPY TABLE, PINTAIL DROP TABLE ---- */

struct table_task {
    struct change *c;
    struct copy_change change;
    bool is_stale; /* Something else has happened to the table meanwhile. */
};

static int run_task(void *arg, struct engine_session *s, struct diag *d)
{
    struct table_task *t = arg;
    struct copy_table *now = copy_find(t->c->copy, t->change.after->db, t->change.after->name);
    copy_table_unref(now);
    t->is_stale = now != t->change.before;
    return t->is_stale ? 0 : copy_store(t->c->copy, s, &t->change, d);
}

static void publish_task(void *arg)
{
    struct table_task *t = arg;
    if (!t->is_stale) {
        copy_publish(t->c->copy, &t->change);
    }
}

/* Puts after, whose reference it takes, in the table's place. 0, or -1 with d set. */
static int replace_table(struct change *c, struct copy_table *after, struct diag *d)
{
    struct table_task task;
    int rc;
    do {
        task = (struct table_task){
            .c = c,
            .change = {.before = copy_find(c->copy, after->db, after->name), .after = after}};
        const struct pipeline_task t = {.run = run_task, .done = publish_task, .arg = &task};
        copy_table_ref(after);
        copy_lock(c->copy, &task.change);
        rc = pipeline_task(c->pipeline, &t, d);
        if (rc != 0 || task.is_stale) {
            copy_abandon(c->copy, &task.change);
        }
    } while (rc == 0 && task.is_stale && fiber_interrupted() == 0);
    copy_table_unref(after);
    return rc;
}

/* As replace_table(), while nothing starts or stops. Takes after's reference. */
static int replace_alone(struct change *c, struct copy_table *after, struct diag *d)
{
    if (fmutex_lock(&c->commands, FIBER_FOREVER) != FIBER_WOKEN) {
        copy_table_unref(after);
        return diag_set(d, ER_QUERY_INTERRUPTED);
    }
    int rc = change_wait_begun(c, clock_monotonic_us() + BEGIN_US, d);
    if (rc == 0) {
        rc = replace_table(c, after, d);
    } else {
        copy_table_unref(after);
    }
    fmutex_unlock(&c->commands);
    return rc;
}

static int no_such_table(struct str db, struct str name, struct diag *d)
{
    struct arena arena;
    arena_init(&arena, 0);
    (void)diag_set(d, ER_NO_SUCH_TABLE, arena_dup_cstr(&arena, db), arena_dup_cstr(&arena, name));
    arena_release(&arena);
    return -1;
}

int change_copy_table(struct change *c, struct str db, struct str name, struct diag *d)
{
    if (!copy_filter_takes(&c->o.filter, db, name)) {
        return diag_set_text(d, ER_WRONG_ARGUMENTS,
                             STR("replica.include and replica.exclude do not take this table"));
    }
    const int rc = replace_alone(
        c, copy_table_new(c->o.server, db, name, COPY_PENDING, NULL, STR("asked for")), d);
    if (rc == 0) {
        change_poke_snapshot(c);
    }
    return rc;
}

int change_drop_table(struct change *c, struct str db, struct str name, struct diag *d)
{
    struct copy_table *t = copy_find(c->copy, db, name);
    if (t == NULL) {
        return no_such_table(db, name, d);
    }
    copy_table_unref(t);
    struct copy_table *after = copy_table_new(c->o.server, db, name, COPY_ASIDE, NULL,
                                              STR("dropped by PINTAIL DROP TABLE"));
    after->schema_hash = COPY_STAYS_ASIDE;
    return replace_alone(c, after, d);
}

/* ---- PINTAIL VERIFY TABLE ---- */

struct verifying {
    struct arena *arena;
    struct str first;
};

static void on_difference(void *arg, struct str difference)
{
    struct verifying *v = arg;
    if (v->first.len == 0) {
        v->first = arena_dup(v->arena, difference);
    }
}

int change_verify_table(struct change *c, struct str db, struct str name, struct arena *arena,
                        struct diag *d, struct replica_verified *out)
{
    struct verifying v = {.arena = arena, .first = STR("")};
    struct verify_result r = {0};
    struct snapshot *s = change_take_snapshot(c);
    if (s == NULL) {
        return diag_set_text(d, ER_REPLICA_NOT_CONFIGURED,
                             STR("The copy is not being kept current; START REPLICA first"));
    }
    const int rc = change_verify(s, db, name, on_difference, &v, d, &r);
    change_put_snapshot(c);
    *out = (struct replica_verified){.chunks = r.chunks,
                                     .rows = r.rows,
                                     .differing_chunks = r.differing_chunks,
                                     .differing_rows = r.differing_rows,
                                     .first_difference = v.first};
    return rc;
}

/* ---- CHANGE REPLICATION SOURCE TO ---- */

struct wanted {
    struct str file;
    uint64_t offset;
    bool has_file, has_offset, by_gtid;
};

static int refuse(const struct replica_option *o, const char *why, struct diag *d)
{
    struct arena arena;
    arena_init(&arena, 0);
    (void)diag_set_text(
        d, ER_WRONG_ARGUMENTS,
        arena_printf(&arena, "CHANGE REPLICATION SOURCE TO: %.*s %s", STR_FMT(o->name), why));
    arena_release(&arena);
    return -1;
}

#define BY_CONFIG "is what storage.mysql says in Pintail's configuration; change it there"

static int take_option(struct change *c, const struct replica_option *o, struct wanted *w,
                       struct diag *d)
{
    uint64_t n;
    if (str_eq_nocase(o->name, STR("HOST"))) {
        return str_eq(o->value, c->o.shown.host) ? 0 : refuse(o, BY_CONFIG, d);
    }
    if (str_eq_nocase(o->name, STR("PORT"))) {
        const bool same = str_to_u64(o->value, &n) == 0 && n == c->o.shown.port;
        return same ? 0 : refuse(o, BY_CONFIG, d);
    }
    if (str_eq_nocase(o->name, STR("USER"))) {
        return str_eq(o->value, c->o.server->upstream_user) ? 0 : refuse(o, BY_CONFIG, d);
    }
    if (str_eq_nocase(o->name, STR("PASSWORD"))) {
        const struct upstream_login own = upstream_account(c->o.upstream);
        return str_eq(o->value, own.password) ? 0 : refuse(o, BY_CONFIG, d);
    }
    if (str_eq_nocase(o->name, STR("LOG_FILE"))) {
        w->has_file = o->value.len > 0 && o->value.len < CHANGE_FILE_MAX;
        w->file = o->value;
        return w->has_file ? 0 : refuse(o, "is not the name of a log file", d);
    }
    if (str_eq_nocase(o->name, STR("LOG_POS"))) {
        w->has_offset = str_to_u64(o->value, &w->offset) == 0;
        return w->has_offset ? 0 : refuse(o, "is not a place in a file", d);
    }
    if (str_eq_nocase(o->name, STR("AUTO_POSITION"))) {
        w->by_gtid = str_eq(o->value, STR("1"));
        return 0;
    }
    if (str_eq_nocase(o->name, STR("USE_GTID"))) {
        w->by_gtid = !str_eq_nocase(o->value, STR("no"));
        return 0;
    }
    return refuse(o, "cannot be set here; see replica.* and storage.mysql.* in the configuration",
                  d);
}

static int set_by_gtid(struct change *c, struct change_position *p, struct diag *d)
{
    const bool mariadb = c->o.server->dialect == DIALECT_MARIADB;
    struct arena arena;
    arena_init(&arena, 0);
    p->mode = mariadb ? CHANGE_BY_MARIADB_GTID : CHANGE_BY_MYSQL_GTID;
    const bool has_gtids = change_position_gtids(p, &arena).len > 0;
    arena_release(&arena);
    return has_gtids ? 0
                     : diag_set_text(d, ER_WRONG_ARGUMENTS,
                                     STR("CHANGE REPLICATION SOURCE TO: no GTIDs are known of what "
                                         "the copy holds; RESET REPLICA copies anew"));
}

/* The copy's tables are right at the position they have: at another one all are copied anew. */
static int set_by_file(struct change *c, const struct wanted *w, struct change_position *p,
                       struct diag *d)
{
    struct arena arena;
    struct copy_table **list;
    uint32_t busy = 0;
    arena_init(&arena, 0);
    const uint32_t n = copy_list(c->copy, &arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        const enum copy_state state = atomic_load(&list[i]->state);
        busy += state == COPY_LIVE || state == COPY_LOADING;
        copy_table_unref(list[i]);
    }
    arena_release(&arena);
    if (busy > 0) {
        return diag_set_text(d, ER_WRONG_ARGUMENTS,
                             STR("CHANGE REPLICATION SOURCE TO: the copy's tables are right at the "
                                 "position they have, and at no other; RESET REPLICA first"));
    }
    memset(p->file, 0, sizeof p->file);
    memcpy(p->file, w->file.p, w->file.len);
    p->offset = w->offset;
    p->mode = CHANGE_BY_FILE;
    p->last_gtid[0] = '\0';
    p->last_hash = 0;
    return 0;
}

static int set_position(struct change *c, const struct wanted *w, struct diag *d)
{
    struct change_position p;
    change_position_init(&p);
    const bool known = change_position_now(c, &p);
    int rc = 0;
    if (w->has_file) {
        rc = set_by_file(c, w, &p, d);
    } else if (known) {
        rc = set_by_gtid(c, &p, d);
    }
    if (rc == 0 && (known || w->has_file)) {
        rc = change_store_start(c, &p, c->has_position ? &c->origin : NULL, d);
    }
    if (rc == 0 && (known || w->has_file)) {
        os_mutex_lock(&c->lock);
        change_position_copy(&c->position, &p);
        c->has_position = true;
        os_mutex_unlock(&c->lock);
    }
    change_position_release(&p);
    return rc;
}

int change_set_source(struct change *c, const struct replica_stmt *stmt, struct diag *d)
{
    struct wanted w = {0};
    for (uint32_t i = 0; i < stmt->option_count; i++) {
        if (take_option(c, &stmt->options[i], &w, d) != 0) {
            return -1;
        }
    }
    if (w.has_file != w.has_offset) {
        return diag_set_text(d, ER_WRONG_ARGUMENTS,
                             STR("CHANGE REPLICATION SOURCE TO: SOURCE_LOG_FILE and SOURCE_LOG_POS "
                                 "go together"));
    }
    if (!w.has_file && !w.by_gtid) {
        return 0; /* what the configuration says already */
    }
    if (fmutex_lock(&c->commands, FIBER_FOREVER) != FIBER_WOKEN) {
        return diag_set(d, ER_QUERY_INTERRUPTED);
    }
    int rc = change_await_end(c, d);
    if (rc == 0) {
        rc = atomic_load(&c->alive) ? diag_set(d, ER_REPLICA_MUST_STOP) : set_position(c, &w, d);
    }
    fmutex_unlock(&c->commands);
    return rc;
}
