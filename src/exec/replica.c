/*
 * Statements about the copy that follows an upstream's log: START, STOP and RESET REPLICA, CHANGE
 * REPLICATION SOURCE TO, PINTAIL COPY, DROP and VERIFY TABLE. What they do is change/'s; here they
 * are checked and reported. Only the operator may give them: the account of storage.mysql.user.
 */
#include "exec/replica.h"

#include "exec/exec_int.h"
#include "exec/replica_ops.h"

#include <inttypes.h>

#define OPERATOR "SUPER (here: be the account of storage.mysql.user)"

int exec_check_operator(struct exec_session *x, const char *privilege)
{
    const struct str operator_ = x->server->upstream_user;
    return operator_.len > 0 && str_eq(x->login_user, operator_)
               ? 0
               : diag_set(x->diag, ER_SPECIFIC_ACCESS_DENIED_ERROR, privilege);
}

int exec_check_channel(struct exec_session *x, struct str channel)
{
    return channel.len == 0 || str_eq_nocase(channel, STR(REPLICA_CHANNEL))
               ? 0
               : diag_set(x->diag, ER_REPLICA_CHANNEL_DOES_NOT_EXIST,
                          arena_dup_cstr(&x->stmt_arena, channel));
}

/* Is there a copy, may the session command it, and is it the one meant? 0, or -1. */
static int check(struct exec_session *x, struct str channel)
{
    if (x->server->replica_ops == NULL) {
        return diag_set(x->diag, ER_REPLICA_NOT_CONFIGURED);
    }
    if (exec_check_operator(x, OPERATOR) != 0) {
        return -1;
    }
    return exec_check_channel(x, channel);
}

/* Reading the log and applying it begin and end together. */
static int check_threads(struct exec_session *x, const struct replica_stmt *r)
{
    bool io = r->thread_count == 0;
    bool sql = io;
    for (uint32_t i = 0; i < r->thread_count; i++) {
        io = io || str_eq_nocase(r->threads[i], STR("IO_THREAD"));
        sql = sql || str_eq_nocase(r->threads[i], STR("SQL_THREAD"));
    }
    return io && sql ? 0 : diag_set(x->diag, ER_NOT_SUPPORTED_YET, "one of the threads alone");
}

static bool is_started(struct exec_session *x)
{
    struct replica_info info;
    x->server->replica_ops->info(x->server->change, &x->stmt_arena, &info);
    return info.started;
}

int exec_start_replica(struct exec_session *x, struct stmt *stmt)
{
    const struct replica_stmt *r = &stmt->replica;
    if (check(x, r->channel) != 0 || check_threads(x, r) != 0) {
        return -1;
    }
    if (r->until) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "START REPLICA UNTIL");
    }
    if (is_started(x)) {
        diag_warn(x->diag, DIAG_NOTE, ER_REPLICA_CHANNEL_WAS_RUNNING, REPLICA_CHANNEL);
        return 0;
    }
    return x->server->replica_ops->start(x->server->change, x->diag);
}

int exec_stop_replica(struct exec_session *x, struct stmt *stmt)
{
    const struct replica_stmt *r = &stmt->replica;
    if (check(x, r->channel) != 0 || check_threads(x, r) != 0) {
        return -1;
    }
    if (!is_started(x)) {
        diag_warn(x->diag, DIAG_NOTE, ER_REPLICA_CHANNEL_WAS_NOT_RUNNING, REPLICA_CHANNEL);
        return 0;
    }
    return x->server->replica_ops->stop(x->server->change, x->diag);
}

int exec_reset_replica(struct exec_session *x, struct stmt *stmt)
{
    if (check(x, stmt->replica.channel) != 0) {
        return -1;
    }
    if (is_started(x)) {
        return diag_set(x->diag, ER_REPLICA_MUST_STOP);
    }
    return x->server->replica_ops->reset(x->server->change, x->diag);
}

int exec_change_source(struct exec_session *x, struct stmt *stmt)
{
    if (check(x, stmt->replica.channel) != 0) {
        return -1;
    }
    if (is_started(x)) {
        return diag_set(x->diag, ER_REPLICA_MUST_STOP);
    }
    return x->server->replica_ops->set_source(x->server->change, &stmt->replica, x->diag);
}

/* ---- PINTAIL COPY, DROP, VERIFY TABLE ---- */

/* One line that says how much was compared, and one before it when something differs. */
static int verify_table(struct exec_session *x, struct str db, struct str name)
{
    struct arena *a = &x->stmt_arena;
    const struct replica_ops *ops = x->server->replica_ops;
    const struct str table = arena_printf(a, "%.*s.%.*s", STR_FMT(db), STR_FMT(name));
    struct replica_verified v = {0};
    struct diag d;
    diag_init(&d);
    const int rc = ops->verify_table(x->server->change, db, name, a, &d, &v);
    struct str text = STR("OK");
    if (rc != 0) {
        text = arena_dup(a, d.error->message);
    } else if (v.differing_rows > 0 || v.differing_chunks > 0) {
        text = arena_printf(a,
                            "%" PRIu64 " of %" PRIu64 " rows in %" PRIu64 " of %" PRIu64
                            " chunks differ; the first: %.*s",
                            v.differing_rows, v.rows, v.differing_chunks, v.chunks,
                            STR_FMT(v.first_difference));
    }
    diag_release(&d);
    const bool fine = rc == 0 && v.differing_rows == 0 && v.differing_chunks == 0;
    if (fine) {
        const struct str note =
            arena_printf(a, "%" PRIu64 " rows in %" PRIu64 " chunks are equal", v.rows, v.chunks);
        if (exec_admin_row(x, table, STR("verify"), STR("note"), note) != 0) {
            return -1;
        }
    }
    return exec_admin_row(x, table, STR("verify"), fine ? STR("status") : STR("Error"), text);
}

static int verify_tables(struct exec_session *x, const struct admin_table_stmt *a)
{
    if (exec_admin_begin(x) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        struct str db;
        if (exec_db_or_current(x, a->tables[i].db, &db) != 0 ||
            verify_table(x, db, a->tables[i].name) != 0) {
            return -1;
        }
    }
    return x->sink->ops->end(x->sink, x->diag);
}

int exec_pintail(struct exec_session *x, struct stmt *stmt)
{
    const struct admin_table_stmt *a = &stmt->admin;
    if (check(x, STR_NULL) != 0) {
        return -1;
    }
    if (str_eq(a->verb, STR("verify")) || stmt->kind == STMT_ANALYZE) {
        return verify_tables(x, a);
    }
    const struct replica_ops *ops = x->server->replica_ops;
    for (uint32_t i = 0; i < a->count; i++) {
        struct str db;
        if (exec_db_or_current(x, a->tables[i].db, &db) != 0) {
            return -1;
        }
        const int rc = str_eq(a->verb, STR("copy"))
                           ? ops->copy_table(x->server->change, db, a->tables[i].name, x->diag)
                           : ops->drop_table(x->server->change, db, a->tables[i].name, x->diag);
        if (rc != 0) {
            return -1;
        }
    }
    return 0;
}
