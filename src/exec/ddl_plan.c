/* See ddl_int.h: carrying out plans. */
#include "exec/ddl_int.h"

#include <stdatomic.h>

struct apply_job {
    struct exec_session *x;
    struct ddl_plan *plan;
    int rc;
};

void ddl_plan_init(struct ddl_plan *plan)
{
    *plan = (struct ddl_plan){.first = NULL};
    plan->last = &plan->first;
}

struct ddl_change *ddl_plan_add(struct exec_session *x, struct ddl_plan *plan, enum ddl_kind kind,
                                const struct table_def *before, struct table_def *after)
{
    struct ddl_change *c = ARENA_NEW(&x->stmt_arena, struct ddl_change);
    c->kind = kind;
    c->before = before;
    c->after = after;
    if (after != NULL && after->share == NULL) {
        after->share = catalog_share(x->server->catalog, after->id);
    }
    *plan->last = c;
    plan->last = &c->next;
    return c;
}

void ddl_plan_drop(struct ddl_plan *plan)
{
    for (struct ddl_change *c = plan->first; c != NULL; c = c->next) {
        table_def_unref(c->after);
    }
    ddl_plan_init(plan);
}

/* ---- The engine's part ---- */

static int put_table(struct exec_session *x, const struct table_def *t)
{
    const struct str json = table_def_to_json(t, &x->stmt_arena);
    return engine_meta_put(x->engine, STR("table"), t->id, json, x->diag);
}

static int forget_table(struct exec_session *x, const struct table_def *t)
{
    if (atomic_load(&t->share->has_partial_dates) &&
        engine_meta_put(x->engine, STR(ENGINE_RECORD_PARTIAL_DATES), t->id, STR_NULL, x->diag) !=
            0) {
        return -1;
    }
    return engine_meta_put(x->engine, STR("table"), t->id, STR_NULL, x->diag);
}

static int create_table(struct exec_session *x, const struct table_def *t)
{
    return engine_create_table(x->engine, t, x->diag) != 0 ? -1 : put_table(x, t);
}

static int drop_table(struct exec_session *x, const struct table_def *t)
{
    if (t->view_text.p == NULL && engine_drop_table(x->engine, t, x->diag) != 0) {
        return -1;
    }
    return forget_table(x, t);
}

static int put_database(struct exec_session *x, const struct database_def *db)
{
    const struct str json = database_def_to_json(db, &x->stmt_arena);
    return engine_meta_put(x->engine, STR("database"), db->id, json, x->diag);
}

static int apply_change(struct exec_session *x, const struct ddl_change *c)
{
    switch (c->kind) {
    case DDL_CREATE_TABLE:
    case DDL_REPLACE_TABLE: /* the old one goes once its rows have been read */
        return create_table(x, c->after);
    case DDL_DROP_TABLE:
        return drop_table(x, c->before);
    case DDL_ALTER_TABLE:
        if (engine_alter_table(x->engine, c->before, c->after, STR_NULL, x->diag) != 0) {
            return -1;
        }
        return put_table(x, c->after);
    case DDL_CHANGE_TABLE:
        return put_table(x, c->after);
    case DDL_TRUNCATE_TABLE:
        return engine_truncate(x->engine, c->before, x->diag);
    case DDL_PUT_DATABASE:
        return put_database(x, &c->db);
    case DDL_DROP_DATABASE:
        return engine_meta_put(x->engine, STR("database"), c->db.id, STR_NULL, x->diag);
    }
    return 0;
}

static void apply_step(void *arg)
{
    struct apply_job *job = arg;
    for (const struct ddl_change *c = job->plan->first; c != NULL && job->rc == 0; c = c->next) {
        job->rc = apply_change(job->x, c);
    }
}

/* What had to wait until rows were read. */
static void finish_step(void *arg)
{
    struct apply_job *job = arg;
    for (const struct ddl_change *c = job->plan->first; c != NULL && job->rc == 0; c = c->next) {
        if (c->kind == DDL_REPLACE_TABLE) {
            job->rc = drop_table(job->x, c->before);
        }
    }
}

static int run_step(struct exec_session *x, struct ddl_plan *plan, offload_fn *step)
{
    struct apply_job job = {.x = x, .plan = plan};
    int rc = exec_offload(x, OFFLOAD_WRITE, step, &job);
    if (rc == 0 && job.rc != 0 && fiber_interrupted() != 0) {
        diag_clear_error(x->diag);
        rc = exec_interrupted(x, x->diag);
    }
    return rc != 0 ? rc : job.rc;
}

int ddl_apply(struct exec_session *x, struct ddl_plan *plan)
{
    if (exec_engine_for_write(x) != 0 || run_step(x, plan, apply_step) != 0) {
        ddl_abort(x, plan);
        return -1;
    }
    return 0;
}

void ddl_abort(struct exec_session *x, struct ddl_plan *plan)
{
    exec_rollback(x);
    ddl_plan_drop(plan);
}

/* ---- The catalog's part ---- */

static void publish_change(struct exec_session *x, struct ddl_change *c)
{
    struct catalog *catalog = x->server->catalog;
    if (c->next_auto_increment != 0) {
        atomic_store(&c->after->share->next_auto_increment, c->next_auto_increment);
    }
    switch (c->kind) {
    case DDL_CREATE_TABLE:
    case DDL_ALTER_TABLE:
    case DDL_CHANGE_TABLE:
        catalog_publish_table(catalog, c->after);
        c->after = NULL;
        break;
    case DDL_REPLACE_TABLE: /* another id: renaming does not take the old one out */
        catalog_remove_table(catalog, c->before->db, c->before->name);
        catalog_publish_table(catalog, c->after);
        c->after = NULL;
        break;
    case DDL_DROP_TABLE:
        catalog_remove_table(catalog, c->before->db, c->before->name);
        break;
    case DDL_TRUNCATE_TABLE:
        atomic_store(&c->before->share->next_auto_increment, 1);
        break;
    case DDL_PUT_DATABASE:
        catalog_publish_database(catalog, &c->db);
        break;
    case DDL_DROP_DATABASE:
        catalog_remove_database(catalog, c->db.name);
        break;
    }
}

static void publish(struct exec_session *x, void *arg)
{
    struct ddl_plan *plan = arg;
    for (struct ddl_change *c = plan->first; c != NULL; c = c->next) {
        /* A table that moves away under another name is out of the way of the one that takes its
         * place: drops come first. */
        if (c->kind == DDL_DROP_TABLE) {
            publish_change(x, c);
        }
    }
    for (struct ddl_change *c = plan->first; c != NULL; c = c->next) {
        if (c->kind != DDL_DROP_TABLE) {
            publish_change(x, c);
        }
    }
}

int ddl_commit(struct exec_session *x, struct ddl_plan *plan)
{
    if (run_step(x, plan, finish_step) != 0) {
        ddl_abort(x, plan);
        return -1;
    }
    x->txn.on_commit = publish;
    x->txn.on_commit_arg = plan;
    const int rc = exec_commit(x);
    ddl_plan_drop(plan);
    return rc;
}

int ddl_run(struct exec_session *x, struct ddl_plan *plan)
{
    return ddl_apply(x, plan) != 0 ? -1 : ddl_commit(x, plan);
}
