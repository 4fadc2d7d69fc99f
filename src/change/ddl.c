/*
 * Plans: from a statement to what becomes of which tables, and carrying them out. See ddl.h.
 *
 * Whatever is not certain to come out as on the source has the table copied again (PENDING): that
 * is always right, only slower. So each rule here need only know when it is sure.
 */
#include "change/ddl_int.h"
#include "change/ddl_words.h"

#include "sql/parse.h"
#include "types/collation.h"

#include <stdlib.h>

struct change_ddl *change_ddl_new(struct server *server, struct copy *copy,
                                  const struct copy_filter *filter)
{
    struct change_ddl *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        abort();
    }
    d->server = server;
    d->copy = copy;
    d->filter = filter;
    mirror_model_init(&d->model);
    mirror_model_set(&d->model, server, UPSTREAM_MYSQL, 0);
    return d;
}

void change_ddl_free(struct change_ddl *d)
{
    if (d != NULL) {
        mirror_model_release(&d->model);
        free(d);
    }
}

void change_ddl_set_source(struct change_ddl *d, enum upstream_kind kind, uint32_t version_id)
{
    d->kind = kind;
    d->version_id = version_id;
    mirror_model_set(&d->model, d->server, kind, version_id);
}

bool ddl_source_logs_cascades(enum sql_dialect dialect, uint32_t version_id)
{
    return dialect == DIALECT_MYSQL && version_id >= 90600;
}

bool ddl_has_column_keys(const struct ddl_run *run)
{
    return run->d->kind == UPSTREAM_MARIADB || run->d->version_id >= 90000;
}

/* ---- The plan so far ---- */

struct str ddl_db(const struct ddl_run *run, struct str db)
{
    return db.len > 0 ? db : run->db;
}

bool ddl_is_wanted(const struct ddl_run *run, struct str db, struct str name)
{
    return db.len > 0 && copy_filter_takes(run->d->filter, db, name);
}

struct copy_change *ddl_find_change(struct ddl_run *run, struct str db, struct str name)
{
    for (struct copy_change *c = run->out->changes; c != NULL; c = c->next) {
        if (c->after != NULL && str_eq(c->after->db, db) && str_eq(c->after->name, name)) {
            return c;
        }
    }
    return NULL;
}

/* Has a table of that name in the list gone, or got another name, in the plan? */
static bool has_left(const struct ddl_run *run, const struct copy_table *t)
{
    for (const struct copy_change *c = run->out->changes; c != NULL; c = c->next) {
        if (c->before == t) {
            return true;
        }
    }
    return false;
}

struct copy_table *ddl_find(struct ddl_run *run, struct str db, struct str name)
{
    const struct copy_change *c = ddl_find_change(run, db, name);
    if (c != NULL) {
        return c->after;
    }
    struct copy_table *t = copy_find(run->d->copy, db, name);
    if (t != NULL && has_left(run, t)) {
        copy_table_unref(t);
        return NULL;
    }
    /* The list keeps it: only this fiber changes that. */
    copy_table_unref(t);
    return t;
}

static struct copy_change *new_change(struct ddl_run *run, struct copy_table *before)
{
    struct copy_change *c = ARENA_NEW(run->arena, struct copy_change);
    if (before != NULL) {
        copy_table_ref(before);
    }
    c->before = before;
    *run->last = c;
    run->last = &c->next;
    return c;
}

void ddl_set(struct ddl_run *run, struct copy_table *now, struct copy_table *after)
{
    struct copy_change *c = NULL;
    if (now != NULL) {
        c = ddl_find_change(run, now->db, now->name);
        assert(c == NULL || c->after == now);
    }
    if (c == NULL) {
        c = new_change(run, now);
    } else {
        copy_table_unref(c->after);
    }
    c->after = after;
    run->out->wakes_snapshot =
        run->out->wakes_snapshot || (after != NULL && atomic_load(&after->state) != COPY_LIVE &&
                                     atomic_load(&after->state) != COPY_ASIDE);
}

void ddl_add_step(struct ddl_run *run, enum change_ddl_step_kind kind,
                  const struct copy_table *from, const struct copy_table *to)
{
    struct change_ddl_step *step = ARENA_NEW(run->arena, struct change_ddl_step);
    *step = (struct change_ddl_step){.kind = kind, .from = from, .to = to};
    *run->last_step = step;
    run->last_step = &step->next;
}

void ddl_recopy(struct ddl_run *run, struct copy_table *now, struct str db, struct str name,
                struct str reason)
{
    if (now != NULL && now->schema_hash == COPY_STAYS_ASIDE) {
        if (!str_eq(now->db, db) || !str_eq(now->name, name)) {
            ddl_rename(run, now->db, now->name, db, name);
        }
        return;
    }
    ddl_set(run, now, copy_table_new(run->d->server, db, name, COPY_PENDING, NULL, reason));
}

void ddl_recopy_name(struct ddl_run *run, struct str db, struct str name, struct str reason)
{
    const struct str in = ddl_db(run, db);
    if (ddl_is_wanted(run, in, name)) {
        ddl_recopy(run, ddl_find(run, in, name), in, name, reason);
    }
}

/* ---- Databases ---- */

void ddl_database(struct ddl_run *run, struct str db, struct database_def *out, bool *out_known)
{
    const bool is_there = catalog_find_database(run->d->server->catalog, db, run->arena, out);
    if (!is_there) {
        *out = (struct database_def){
            .name = db, .collation = (uint16_t)run->d->model.server.vars.collation_server};
    }
    *out_known = is_there && out->explicit_collation;
}

/* ---- Reading ---- */

static const struct {
    enum stmt_kind kind;
    int (*plan)(struct ddl_run *run);
} statements[] = {
    {STMT_CREATE_TABLE, ddl_plan_create_table},
    {STMT_ALTER_TABLE, ddl_plan_alter_table},
    {STMT_CREATE_INDEX, ddl_plan_alter_table},
    {STMT_DROP_INDEX, ddl_plan_alter_table},
    {STMT_DROP_TABLE, ddl_plan_drop_table},
    {STMT_RENAME_TABLE, ddl_plan_rename_table},
    {STMT_TRUNCATE, ddl_plan_truncate},
    {STMT_CREATE_DATABASE, ddl_plan_create_database},
    {STMT_ALTER_DATABASE, ddl_plan_alter_database},
    {STMT_DROP_DATABASE, ddl_plan_drop_database},
};

static struct str error_text(const struct ddl_run *run)
{
    const struct diag_cond *error = run->x->diag->error;
    return error != NULL ? error->message : STR("unknown construct");
}

/* The statement's text in UTF-8, without a leading SET STATEMENT … FOR. */
static int read_text(struct ddl_run *run)
{
    const struct binlog_query *q = run->q;
    const struct collation *c = collation_find(q->client_charset);
    struct str sql = q->sql;
    if (c != NULL && c->charset->kind != CHARSET_BINARY &&
        !charset_is_utf8_already(c->charset, sql)) {
        struct bytebuf b;
        bytebuf_init(&b, sql.len * 4 + 16);
        const size_t lost = charset_to_utf8(c->charset, sql, &b);
        sql = arena_dup(run->arena, bytebuf_str(&b));
        bytebuf_release(&b);
        if (lost > 0) {
            return diag_set(run->diag, ER_NOT_SUPPORTED_YET,
                            "a statement with characters that cannot be converted");
        }
    }
    struct ddl_words w;
    ddl_words_init(&w, sql, q->sql_mode);
    if (ddl_words_skip(&w, "SET") && ddl_words_skip(&w, "STATEMENT")) {
        ddl_words_skip_set_statement(&w);
        sql = str_from(w.text.p, (size_t)(w.end - w.text.p));
    }
    run->sql = sql;
    run->db = arena_dup(run->arena, q->db);
    return 0;
}

static void set_variables(struct ddl_run *run)
{
    const struct binlog_query *q = run->q;
    struct sysvars *vars = &run->x->vars;
    if ((q->vars & (UINT64_C(1) << BINLOG_Q_SQL_MODE)) != 0) {
        vars->sql_mode = q->sql_mode;
    }
    if ((q->vars & (UINT64_C(1) << BINLOG_Q_CHARSET)) != 0) {
        if (collation_find(q->connection_collation) != NULL) {
            vars->collation_connection = q->connection_collation;
        }
        if (collation_find(q->server_collation) != NULL) {
            vars->collation_server = q->server_collation;
        }
    }
}

static int plan_statement(struct ddl_run *run)
{
    struct exec_session *x = run->x;
    const struct parse_options options = exec_parse_options(x);
    size_t used;
    if (change_ddl_classify(run->q, x->server->dialect) == CHANGE_DDL_ROWS) {
        return ddl_plan_rows(run);
    }
    if (sql_parse(run->sql, &options, &x->stmt_arena, x->diag, &run->stmt, &used) != 0) {
        return ddl_plan_by_words(run, error_text(run));
    }
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
        if (statements[i].kind == run->stmt->kind) {
            return statements[i].plan(run);
        }
    }
    return ddl_plan_by_words(run, STR("a statement that is not known"));
}

int change_ddl_plan(struct change_ddl *d, const struct binlog_query *q, struct arena *arena,
                    struct diag *diag, struct change_ddl_plan *out)
{
    *out = (struct change_ddl_plan){.changes = NULL};
    struct ddl_run run = {.d = d,
                          .q = q,
                          .arena = arena,
                          .diag = diag,
                          .out = out,
                          .last = &out->changes,
                          .last_step = &out->steps};
    if (read_text(&run) != 0) {
        return -1;
    }
    run.x = ARENA_NEW(arena, struct exec_session);
    exec_session_init(run.x, &d->model.server, 0);
    set_variables(&run);
    const int rc = plan_statement(&run);
    exec_session_release(run.x);
    if (rc != 0) {
        change_ddl_abandon(d, out);
    }
    return rc;
}

/* ---- Carrying out ---- */

void change_ddl_lock(struct change_ddl *d, struct change_ddl_plan *plan)
{
    copy_lock(d->copy, plan->changes);
}

void change_ddl_abandon(struct change_ddl *d, struct change_ddl_plan *plan)
{
    copy_abandon(d->copy, plan->changes);
    plan->changes = NULL;
}

static int put_database(struct engine_session *s, const struct database_def *db, struct diag *diag)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct str json = database_def_to_json(db, &arena);
    const int rc = engine_meta_put(s, STR("database"), db->id, json, diag);
    arena_release(&arena);
    return rc;
}

static int apply_databases(struct change_ddl *d, struct engine_session *s,
                           const struct change_ddl_plan *plan, struct diag *diag)
{
    for (uint32_t i = 0; i < plan->database_count; i++) {
        if (put_database(s, &plan->databases[i], diag) != 0) {
            return -1;
        }
    }
    struct arena arena;
    struct database_def db;
    int rc = 0;
    arena_init(&arena, 0);
    if (plan->dropped_database.p != NULL &&
        catalog_find_database(d->server->catalog, plan->dropped_database, &arena, &db)) {
        rc = engine_meta_put(s, STR("database"), db.id, STR_NULL, diag);
    }
    arena_release(&arena);
    return rc;
}

int change_ddl_apply(struct change_ddl *d, struct engine_session *s,
                     const struct change_ddl_plan *plan, struct diag *diag)
{
    if (apply_databases(d, s, plan, diag) != 0) {
        return -1;
    }
    for (const struct change_ddl_step *step = plan->steps; step != NULL; step = step->next) {
        const int rc = step->kind == DDL_STEP_TRUNCATE
                           ? engine_truncate(s, step->to->def, diag)
                           : engine_alter_table(s, step->from->def, step->to->def, STR_NULL, diag);
        if (rc != 0) {
            return -1;
        }
    }
    for (const struct copy_change *c = plan->changes; c != NULL; c = c->next) {
        if (copy_store(d->copy, s, c, diag) != 0) {
            return -1;
        }
    }
    return 0;
}

void change_ddl_publish(struct change_ddl *d, struct change_ddl_plan *plan)
{
    struct catalog *catalog = d->server->catalog;
    for (uint32_t i = 0; i < plan->database_count; i++) {
        catalog_publish_database(catalog, &plan->databases[i]);
    }
    copy_publish(d->copy, plan->changes);
    plan->changes = NULL;
    if (plan->dropped_database.p != NULL &&
        catalog_find_database(catalog, plan->dropped_database, NULL, NULL)) {
        catalog_remove_database(catalog, plan->dropped_database);
    }
}
