/*
 * Small statements: USE, KILL, EXPLAIN, FLUSH, ANALYZE and its kin.
 */
#include "catalog/login_blocks.h"
#include "exec/exec_int.h"
#include "types/convert.h"

/* ---- USE ---- */

int exec_use(struct exec_session *x, struct str db)
{
    if (db.len == 0) {
        return diag_set(x->diag, ER_NO_DB_ERROR);
    }
    if (exec_check_expired(x, STMT_USE) != 0) {
        return -1;
    }
    const bool exists = catalog_find_database(x->server->catalog, db, &x->stmt_arena, NULL);
    /* Whoever may not see a database is not told whether it is there. */
    if (x->account == NULL || !account_sees_db(x->account, db)) {
        return diag_set(
            x->diag, ER_DBACCESS_DENIED_ERROR, x->account == NULL ? "" : x->account->user.p,
            x->account == NULL ? "" : x->account->host.p, arena_dup_cstr(&x->stmt_arena, db));
    }
    if (!exists || db.len >= sizeof x->db_buf) {
        return diag_set(x->diag, ER_BAD_DB_ERROR, arena_dup_cstr(&x->stmt_arena, db));
    }
    memcpy(x->db_buf, db.p, db.len);
    x->db = str_from(x->db_buf, db.len);
    struct database_def def;
    if (catalog_find_database(x->server->catalog, db, &x->stmt_arena, &def)) {
        exec_set_database_charset(x, def.collation);
    }
    return 0;
}

int exec_use_stmt(struct exec_session *x, struct stmt *stmt)
{
    const int rc = exec_use(x, stmt->database.name);
    x->result.db_changed = rc == 0;
    return rc;
}

/* ---- KILL ---- */

int exec_kill(struct exec_session *x, struct stmt *stmt)
{
    struct resolve_env env;
    struct eval_ctx ctx;
    struct value v;
    exec_resolve_env(x, PRIV_SELECT, &env);
    exec_eval_ctx(x, &x->stmt_arena, &ctx);
    if (sql_resolve_expr(stmt->kill.id, NULL, &env, &x->stmt_arena, x->diag) != 0 ||
        eval_expr(&ctx, stmt->kill.id, &v) != 0) {
        return -1;
    }
    bool is_unsigned;
    const uint64_t id = (uint64_t)value_to_int(&v, &is_unsigned, x->diag);
    const struct server *server = x->server;
    if (server->sessions->kill(server->registry, x, id, stmt->kill.query_only, x->diag) != 0) {
        return -1;
    }
    /* KILL of oneself ends this statement with the error it would have got. */
    return fiber_interrupted() != 0 ? exec_interrupted(x, x->diag) : 0;
}

/* ---- EXPLAIN ---- */

struct explain_job {
    struct exec_session *x;
    struct engine_query query;
    bool analyze;
    struct str plan;
    int rc;
};

static void explain_step(void *arg)
{
    struct explain_job *job = arg;
    job->rc = engine_explain(job->x->engine, &job->query, job->analyze, &job->x->stmt_arena,
                             job->x->diag, &job->plan);
}

/* One row a line of the plan. */
static int send_lines(struct exec_session *x, struct str text)
{
    const struct result_column column = {.name = STR("EXPLAIN"),
                                         .type = {.type = MYSQL_TYPE_VAR_STRING,
                                                  .length = 1024,
                                                  .collation = COLLATION_UTF8MB4_0900_AI_CI}};
    x->result.has_rows = true;
    if (x->sink->ops->begin(x->sink, &column, 1, x->diag) != 0) {
        return -1;
    }
    while (text.len > 0) {
        const char *nl = memchr(text.p, '\n', text.len);
        const size_t len = nl == NULL ? text.len : (size_t)(nl - text.p);
        const struct value line = value_string(str_from(text.p, len), COLLATION_UTF8MB4_0900_AI_CI);
        if (len > 0 && x->sink->ops->row(x->sink, &line, x->diag) != 0) {
            return -1;
        }
        const size_t used = nl == NULL ? len : len + 1;
        text = str_from(text.p + used, text.len - used);
    }
    return x->sink->ops->end(x->sink, x->diag);
}

int exec_explain(struct exec_session *x, struct stmt *stmt)
{
    struct stmt *target = stmt->explain.target;
    if (target == NULL || target->kind != STMT_SELECT) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "EXPLAIN of anything but SELECT");
    }
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    if (sql_resolve(target, &env, &x->stmt_arena, x->diag) != 0) {
        return -1;
    }
    if (exec_needs_no_engine(target->query)) {
        return send_lines(x, STR("engine: none (evaluated in the session)"));
    }
    struct explain_job job = {.x = x, .analyze = stmt->explain.analyze};
    if (exec_engine_for_read(x) != 0 ||
        exec_write_query(x, target->query, false, &job.query) != 0 ||
        exec_offload(x, OFFLOAD_QUERY, explain_step, &job) != 0 || job.rc != 0) {
        return -1;
    }
    return send_lines(x, arena_printf(&x->stmt_arena, "engine: %s\nquery: %.*s\n%.*s",
                                      x->server->engine->ops->name, STR_FMT(job.query.text),
                                      STR_FMT(job.plan)));
}

/* ---- Statements of administration ---- */

/* The next word of a text. */
static struct str take_word(struct str *text)
{
    while (text->len > 0 && strchr(" \t\r\n", text->p[0]) != NULL) {
        *text = str_from(text->p + 1, text->len - 1);
    }
    size_t n = 0;
    while (n < text->len && strchr(" \t\r\n", text->p[n]) == NULL) {
        n++;
    }
    const struct str word = str_from(text->p, n);
    *text = str_from(text->p + n, text->len - n);
    return word;
}

/* FLUSH: nothing is cached that would have to be written or forgotten. But locks are taken. */
int exec_flush(struct exec_session *x, struct stmt *stmt)
{
    struct str rest = stmt->admin.what;
    const struct str what = take_word(&rest);
    if (exec_check_global(x, PRIV_RELOAD, "RELOAD") != 0) {
        return -1;
    }
    if (str_eq_nocase(what, STR("privileges"))) {
        login_blocks_forget(accounts_login_blocks(x->server->accounts), 0);
    }
    if (!str_eq_nocase(what, STR("tables")) && !str_eq_nocase(what, STR("table"))) {
        return 0;
    }
    const struct str with = take_word(&rest);
    const struct str read = take_word(&rest);
    const struct str lock = take_word(&rest);
    if (with.len == 0) {
        return 0;
    }
    if (str_eq_nocase(with, STR("with")) && str_eq_nocase(read, STR("read")) &&
        str_eq_nocase(lock, STR("lock"))) {
        return exec_lock_all_for_read(x);
    }
    return read.len == 0 ? 0
                         : diag_set(x->diag, ER_NOT_SUPPORTED_YET, "FLUSH TABLES of single tables");
}

static const struct result_column admin_columns[] = {
    {.name = STR_INIT("Table"),
     .type = {.type = MYSQL_TYPE_VAR_STRING,
              .length = 128,
              .collation = COLLATION_UTF8MB4_0900_AI_CI}},
    {.name = STR_INIT("Op"),
     .type = {.type = MYSQL_TYPE_VAR_STRING,
              .length = 10,
              .collation = COLLATION_UTF8MB4_0900_AI_CI}},
    {.name = STR_INIT("Msg_type"),
     .type = {.type = MYSQL_TYPE_VAR_STRING,
              .length = 10,
              .collation = COLLATION_UTF8MB4_0900_AI_CI}},
    {.name = STR_INIT("Msg_text"),
     .type = {.type = MYSQL_TYPE_VAR_STRING,
              .length = 98304,
              .collation = COLLATION_UTF8MB4_0900_AI_CI}},
};

int exec_admin_begin(struct exec_session *x)
{
    x->result.has_rows = true;
    return x->sink->ops->begin(x->sink, admin_columns, ARRAY_SIZE(admin_columns), x->diag);
}

int exec_admin_row(struct exec_session *x, struct str table, struct str op, struct str type,
                   struct str text)
{
    const uint16_t c = COLLATION_UTF8MB4_0900_AI_CI;
    const struct value row[] = {value_string(table, c), value_string(op, c), value_string(type, c),
                                value_string(text, c)};
    return x->sink->ops->row(x->sink, row, x->diag);
}

/* ANALYZE, CHECK and OPTIMIZE TABLE: the engine keeps statistics and space in order by itself.
 * CHECKSUM and REPAIR are refused. */
int exec_admin_table(struct exec_session *x, struct stmt *stmt)
{
    const struct admin_table_stmt *a = &stmt->admin;
    if (x->server->replica_ops != NULL && str_eq_nocase(a->verb, STR("check"))) {
        return exec_pintail(x, stmt); /* is the copy equal to what it is a copy of? */
    }
    if (!str_eq_nocase(a->verb, STR("analyze")) && !str_eq_nocase(a->verb, STR("check")) &&
        !str_eq_nocase(a->verb, STR("optimize"))) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, arena_dup_cstr(&x->stmt_arena, a->verb));
    }
    if (exec_admin_begin(x) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        struct str db;
        if (exec_db_or_current(x, a->tables[i].db, &db) != 0) {
            return -1;
        }
        struct table_def *t = catalog_find_table(x->server->catalog, db, a->tables[i].name);
        const bool exists = t != NULL;
        table_def_unref(t);
        if (exec_check_table(x, db, a->tables[i].name, PRIV_SELECT) != 0) {
            return -1;
        }
        const struct str name =
            arena_printf(&x->stmt_arena, "%.*s.%.*s", STR_FMT(db), STR_FMT(a->tables[i].name));
        const struct str text =
            exists ? STR("OK")
                   : arena_printf(&x->stmt_arena, "Table '%.*s' doesn't exist", STR_FMT(name));
        if (exec_admin_row(x, name, a->verb, exists ? STR("status") : STR("Error"), text) != 0) {
            return -1;
        }
    }
    return x->sink->ops->end(x->sink, x->diag);
}
