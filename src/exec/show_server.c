/* See show_int.h: variables, status, the diagnostics area, processes. */
#include "base/clock.h"
#include "exec/replica_ops.h"
#include "exec/show_int.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ---- Variables ---- */

/* The values a SHOW VARIABLES of that scope shows, or NULL when the variable is not in it. */
static const struct sysvars *values_of(const struct exec_session *x, const struct sysvar *var,
                                       bool global)
{
    if (global) {
        return (var->flags & SYSVAR_GLOBAL_SCOPE) != 0 ? &x->server->vars : NULL;
    }
    return (var->flags & SYSVAR_SESSION_SCOPE) != 0 ? &x->vars : &x->server->vars;
}

int show_variables(struct show_run *r)
{
    struct exec_session *x = r->x;
    const bool global = r->stmt->scope == SCOPE_GLOBAL;
    const struct sysvar *var;
    for (uint32_t i = 0; (var = sysvar_at(i)) != NULL; i++) {
        const struct sysvars *values = values_of(x, var, global);
        if ((var->flags & SYSVAR_HIDDEN) != 0 || values == NULL ||
            !sysvar_is_in(var, x->server->dialect)) {
            continue;
        }
        os_rwlock_read(&x->server->vars_lock);
        const struct str value = sysvar_text(var, values, &x->stmt_arena);
        os_rwlock_unlock(&x->server->vars_lock);
        if (show_send_pair(r, var->name, value) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Status ---- */

static const struct {
    const char *name;
    enum stmt_kind kind;
} com_names[] = {
    {"Com_admin_commands", STMT_EMPTY},
    {"Com_alter_db", STMT_ALTER_DATABASE},
    {"Com_alter_table", STMT_ALTER_TABLE},
    {"Com_alter_user", STMT_ALTER_USER},
    {"Com_alter_user_default_role", STMT_SET_DEFAULT_ROLE},
    {"Com_analyze", STMT_ANALYZE},
    {"Com_begin", STMT_BEGIN},
    {"Com_call_procedure", STMT_CALL},
    {"Com_change_db", STMT_USE},
    {"Com_commit", STMT_COMMIT},
    {"Com_create_db", STMT_CREATE_DATABASE},
    {"Com_create_index", STMT_CREATE_INDEX},
    {"Com_create_role", STMT_CREATE_ROLE},
    {"Com_create_table", STMT_CREATE_TABLE},
    {"Com_create_user", STMT_CREATE_USER},
    {"Com_create_view", STMT_CREATE_VIEW},
    {"Com_dealloc_sql", STMT_DEALLOCATE},
    {"Com_delete", STMT_DELETE},
    {"Com_describe", STMT_DESCRIBE},
    {"Com_do", STMT_DO},
    {"Com_drop_db", STMT_DROP_DATABASE},
    {"Com_drop_index", STMT_DROP_INDEX},
    {"Com_drop_role", STMT_DROP_ROLE},
    {"Com_drop_table", STMT_DROP_TABLE},
    {"Com_drop_user", STMT_DROP_USER},
    {"Com_drop_view", STMT_DROP_VIEW},
    {"Com_execute_sql", STMT_EXECUTE},
    {"Com_explain", STMT_EXPLAIN},
    {"Com_flush", STMT_FLUSH},
    {"Com_grant", STMT_GRANT},
    {"Com_insert", STMT_INSERT},
    {"Com_kill", STMT_KILL},
    {"Com_load", STMT_LOAD_DATA},
    {"Com_lock_tables", STMT_LOCK_TABLES},
    {"Com_prepare_sql", STMT_PREPARE},
    {"Com_release_savepoint", STMT_RELEASE_SAVEPOINT},
    {"Com_rename_table", STMT_RENAME_TABLE},
    {"Com_rename_user", STMT_RENAME_USER},
    {"Com_replace", STMT_REPLACE},
    {"Com_revoke", STMT_REVOKE},
    {"Com_rollback", STMT_ROLLBACK},
    {"Com_rollback_to_savepoint", STMT_ROLLBACK_TO},
    {"Com_savepoint", STMT_SAVEPOINT},
    {"Com_select", STMT_SELECT},
    {"Com_set_option", STMT_SET},
    {"Com_set_password", STMT_SET_PASSWORD},
    {"Com_set_role", STMT_SET_ROLE},
    {"Com_show", STMT_SHOW},
    {"Com_truncate", STMT_TRUNCATE},
    {"Com_unlock_tables", STMT_UNLOCK_TABLES},
    {"Com_update", STMT_UPDATE},
};

static uint64_t uptime(const struct server *server)
{
    const int64_t us = clock_wall_us() - server->started_us;
    return us > 0 ? (uint64_t)us / 1000000 : 0;
}

struct status_row {
    const char *name;
    uint64_t value;
};

static uint32_t server_rows(const struct exec_session *x, struct status_row *out)
{
    const struct server *server = x->server;
    const struct server_status *s = &server->status;
    const struct status_row rows[] = {
        {"Aborted_clients", atomic_load(&s->aborted_clients)},
        {"Aborted_connects", atomic_load(&s->aborted_connects)},
        {"Bytes_received", atomic_load(&s->bytes_received)},
        {"Bytes_sent", atomic_load(&s->bytes_sent)},
        {"Connections", atomic_load(&s->connections)},
        {"Max_used_connections", atomic_load(&s->max_used_connections)},
        {"Pintail_refused_statements", atomic_load(&s->refused)},
        {"Queries", atomic_load(&s->queries)},
        {"Questions", atomic_load(&s->questions)},
        {"Slow_queries", atomic_load(&s->slow_queries)},
        {"Threads_cached", 0},
        {"Threads_connected", atomic_load(&s->threads_connected)},
        {"Threads_created", atomic_load(&s->connections)},
        {"Threads_running", atomic_load(&s->threads_running)},
        {"Uptime", uptime(server)},
        {"Uptime_since_flush_status", uptime(server)},
    };
    memcpy(out, rows, sizeof rows);
    return ARRAY_SIZE(rows);
}

struct statistics_job {
    struct exec_session *x;
    struct engine_stat *stats;
    uint32_t count;
};

static void statistics_step(void *arg)
{
    struct statistics_job *job = arg;
    job->count = engine_statistics(job->x->server->engine, &job->x->stmt_arena, &job->stats);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp_nocase(((const struct engine_stat *)a)->name,
                          ((const struct engine_stat *)b)->name);
}

static void add_number(struct exec_session *x, struct engine_stat *out, const char *name,
                       uint64_t value)
{
    out->name = str_from_cstr(name);
    out->value = arena_printf(&x->stmt_arena, "%" PRIu64, value);
}

/* What was written to the copy, by the names that AliSQL gives it: all of it in batches. */
enum {
    REPLICA_ROWS = 3,
};

static size_t replica_rows(struct exec_session *x, struct engine_stat *out)
{
    const struct server *server = x->server;
    struct replica_info i;
    if (server->replica_ops == NULL) {
        return 0;
    }
    server->replica_ops->info(server->change, &x->stmt_arena, &i);
    add_number(x, &out[0], "Duckdb_rows_insert_in_batch", i.rows_inserted);
    add_number(x, &out[1], "Duckdb_rows_update_in_batch", i.rows_updated);
    add_number(x, &out[2], "Duckdb_rows_delete_in_batch", i.rows_deleted);
    return REPLICA_ROWS;
}

int show_status(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct status_row rows[32];
    const uint32_t n = server_rows(x, rows);
    struct statistics_job job = {.x = x};
    if (exec_offload(x, OFFLOAD_CONTROL, statistics_step, &job) != 0) {
        return -1;
    }
    const size_t most = ARRAY_SIZE(com_names) + n + job.count + REPLICA_ROWS + 2;
    struct engine_stat *all = ARENA_ARRAY(&x->stmt_arena, struct engine_stat, most);
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(com_names); i++) {
        add_number(x, &all[count++], com_names[i].name,
                   atomic_load(&x->server->status.com[com_names[i].kind]));
    }
    for (uint32_t i = 0; i < n; i++) {
        add_number(x, &all[count++], rows[i].name, rows[i].value);
    }
    for (uint32_t i = 0; i < job.count; i++) {
        all[count++] = job.stats[i];
    }
    count += replica_rows(x, &all[count]);
    all[count++] = (struct engine_stat){.name = STR("Ssl_cipher"), .value = x->tls_cipher};
    all[count++] = (struct engine_stat){.name = STR("Ssl_version"), .value = x->tls_version};
    qsort(all, count, sizeof *all, by_name);
    for (size_t i = 0; i < count; i++) {
        if (show_send_pair(r, all[i].name, all[i].value) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- The diagnostics area of the statement before ---- */

static uint64_t limit_value(const struct expr *e, uint64_t otherwise)
{
    if (e == NULL || e->kind != EXPR_LITERAL) {
        return otherwise;
    }
    return e->lit.value.kind == VALUE_UINT ? e->lit.value.u : (uint64_t)e->lit.value.i;
}

int show_warnings(struct show_run *r)
{
    static const char *const levels[] = {
        [DIAG_NOTE] = "Note", [DIAG_WARNING] = "Warning", [DIAG_ERROR] = "Error"};
    const bool errors_only = r->stmt->kind == SHOW_ERRORS;
    uint64_t skip = limit_value(r->stmt->limit.offset, 0);
    uint64_t left = limit_value(r->stmt->limit.count, UINT64_MAX);
    for (const struct diag_cond *c = r->x->diag->first; c != NULL && left > 0; c = c->next) {
        if (errors_only && c->level != DIAG_ERROR) {
            continue;
        }
        if (skip > 0) {
            skip--;
            continue;
        }
        left--;
        show_cstr(r, "Level", levels[c->level]);
        show_uint(r, "Code", c->code);
        show_text(r, "Message", c->message);
        if (show_send(r) != 0) {
            return -1;
        }
    }
    return 0;
}

int show_count_warnings(struct show_run *r)
{
    show_uint(r, NULL, r->x->diag->warning_count);
    return show_send(r);
}

int show_count_errors(struct show_run *r)
{
    show_uint(r, NULL, r->x->diag->error_count);
    return show_send(r);
}

/* ---- Processes ---- */

/* What SHOW PROCESSLIST shows of a statement without FULL. */
#define PROCESS_INFO_CHARS 100

static int process_row(struct show_run *r, const struct process_info *p)
{
    struct str info = str_trim(p->info);
    if (info.p != NULL && !r->stmt->full) {
        info.len = utf8_prefix(info, PROCESS_INFO_CHARS);
    }
    show_uint(r, "Id", p->id);
    show_text(r, "User", p->user);
    show_text(r, "Host", p->host);
    show_text(r, "db", p->db);
    show_text(r, "Command", p->command);
    show_uint(r, "Time", p->seconds);
    show_text(r, "State", p->state);
    show_text(r, "Info", info.p == NULL ? info : exec_hide_secrets(info, &r->x->stmt_arena));
    show_set(r, "Progress", value_double(0));
    return show_send(r);
}

int show_processlist(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct process_info *list;
    const bool all = x->account != NULL && (x->account->global_privs & PRIV_PROCESS) != 0;
    const uint32_t n = x->server->sessions->list(x->server->registry, &x->stmt_arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        const bool own = x->account != NULL && str_eq(list[i].user, x->account->user);
        if ((all || own) && process_row(r, &list[i]) != 0) {
            return -1;
        }
    }
    return 0;
}
