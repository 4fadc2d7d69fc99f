/* See account_int.h: carrying out. */
#include "exec/account_int.h"

struct store_job {
    struct exec_session *x;
    const struct account_plan *plan;
    int rc;
};

void account_plan_init(struct account_plan *plan)
{
    *plan = (struct account_plan){.first = NULL};
    plan->last = &plan->first;
}

void account_plan_add(struct exec_session *x, struct account_plan *plan, uint64_t id,
                      struct account *after)
{
    struct account_change *c = ARENA_NEW(&x->stmt_arena, struct account_change);
    c->id = id;
    c->after = after;
    *plan->last = c;
    plan->last = &c->next;
}

struct account *account_plan_find(const struct account_plan *plan, uint64_t id)
{
    for (struct account_change *c = plan->first; c != NULL; c = c->next) {
        if (c->id == id && c->after != NULL) {
            return c->after;
        }
    }
    return NULL;
}

void account_plan_drop(struct account_plan *plan)
{
    for (struct account_change *c = plan->first; c != NULL; c = c->next) {
        account_unref(c->after);
    }
    account_plan_init(plan);
}

static void store_step(void *arg)
{
    struct store_job *job = arg;
    struct exec_session *x = job->x;
    for (const struct account_change *c = job->plan->first; c != NULL && job->rc == 0;
         c = c->next) {
        const struct str json =
            c->after == NULL ? STR_NULL : account_to_json(c->after, &x->stmt_arena);
        job->rc = engine_meta_put(x->engine, STR("account"), c->id, json, x->diag);
    }
}

static void publish(struct exec_session *x, void *arg)
{
    struct account_plan *plan = arg;
    for (struct account_change *c = plan->first; c != NULL; c = c->next) {
        if (c->after == NULL) {
            accounts_remove(x->server->accounts, c->id);
        } else {
            accounts_publish(x->server->accounts, c->after);
            c->after = NULL;
        }
    }
}

int account_plan_run(struct exec_session *x, struct account_plan *plan)
{
    struct store_job job = {.x = x, .plan = plan};
    if (plan->first == NULL) {
        return 0;
    }
    if (exec_engine_for_write(x) != 0 || exec_offload(x, OFFLOAD_WRITE, store_step, &job) != 0 ||
        job.rc != 0) {
        exec_rollback(x);
        account_plan_drop(plan);
        return -1;
    }
    x->txn.on_commit = publish;
    x->txn.on_commit_arg = plan;
    const int rc = exec_commit(x);
    account_plan_drop(plan);
    return rc;
}

/* ---- Names ---- */

struct str account_quoted(struct exec_session *x, const struct account_name *name)
{
    return arena_printf(&x->stmt_arena, "'%.*s'@'%.*s'", STR_FMT(name->user), STR_FMT(name->host));
}

struct account_name account_named(const struct exec_session *x, const struct account_name *name)
{
    if (!name->current || x->account == NULL) {
        return *name;
    }
    return (struct account_name){.user = x->account->user, .host = x->account->host};
}

struct account *account_edit(struct exec_session *x, struct account_plan *plan,
                             const struct account_name *name)
{
    const struct account_name n = account_named(x, name);
    struct account *now = accounts_find(x->server->accounts, n.user, n.host);
    if (now == NULL) {
        return NULL;
    }
    struct account *copy = account_plan_find(plan, now->id);
    if (copy == NULL) {
        copy = account_clone(now);
        account_plan_add(x, plan, now->id, copy);
    }
    account_unref(now);
    return copy;
}

int account_failed(struct exec_session *x, const char *operation, struct str names, const char *why)
{
    const char *tail = x->server->dialect == DIALECT_MARIADB ? "" : why;
    const struct str text = arena_printf(&x->stmt_arena, "%.*s%s", STR_FMT(names), tail);
    return diag_set(x->diag, ER_CANNOT_USER, operation, text.p);
}
