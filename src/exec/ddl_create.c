/* CREATE TABLE in its three forms: from columns, LIKE another table, and from a query. */
#include "base/clock.h"
#include "exec/ddl_int.h"
#include "exec/define.h"

struct create_run {
    struct exec_session *x;
    const struct stmt *whole; /* column names of a query are pieces of its text */
    struct create_table_stmt *stmt;
    struct str db;
    struct database_def database;
    const struct table_def *like; /* LIKE: its model */
    const struct table_def *old;  /* OR REPLACE: what was there */
    struct table_def *t;
    struct str *query_columns;
    struct ddl_plan plan;
};

static int refuse_unsupported(struct exec_session *x, const struct create_table_stmt *s)
{
    if (s->temporary) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "TEMPORARY tables");
    }
    if (s->has_partitions) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "partitions");
    }
    if (s->query != NULL && s->query_duplicates != DUPLICATES_ERROR) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET,
                        "IGNORE and REPLACE in CREATE TABLE ... SELECT");
    }
    return 0;
}

/* ---- Definitions ---- */

static struct table_def *new_definition(struct create_run *run)
{
    struct table_def *t = table_def_new();
    t->id = catalog_next_id(run->x->server->catalog);
    t->version = 1;
    t->db = arena_dup(t->arena, run->db);
    t->name = arena_dup(t->arena, run->stmt->table.name);
    t->collation = run->database.collation;
    t->engine_name = STR("InnoDB");
    t->created_us = clock_wall_us();
    t->altered_us = t->created_us;
    return t;
}

static int add_columns(struct create_run *run)
{
    struct table_def *t = run->t;
    const struct create_table_stmt *s = run->stmt;
    if (s->column_count > DDL_MAX_COLUMNS) {
        return diag_set(run->x->diag, ER_TOO_MANY_FIELDS);
    }
    t->columns = ARENA_ARRAY(t->arena, struct column_def, s->column_count);
    for (uint32_t i = 0; i < s->column_count; i++) {
        struct column_def *c = &t->columns[i];
        if (ddl_make_column(run->x, t, &s->columns[i], c) != 0) {
            return -1;
        }
        c->id = t->next_column_id++;
        t->column_count++;
    }
    return 0;
}

/* A column that was said to be NULL cannot be part of a primary key of MySQL. */
static int check_primary(struct create_run *run, const struct index_spec *spec)
{
    const struct create_table_stmt *s = run->stmt;
    for (uint32_t p = 0; p < spec->part_count; p++) {
        for (uint32_t i = 0; i < s->column_count; i++) {
            const struct column_spec *c = &s->columns[i];
            if (ddl_is_said_null(c) && str_eq_nocase(c->name, spec->parts[p].column)) {
                return diag_set(run->x->diag, ER_PRIMARY_CANT_HAVE_NULL);
            }
        }
    }
    return 0;
}

static int add_index(struct create_run *run, const struct index_spec *spec)
{
    if (spec->kind == INDEX_PRIMARY && run->x->server->dialect == DIALECT_MYSQL &&
        check_primary(run, spec) != 0) {
        return -1;
    }
    return ddl_add_index(run->x, run->t, spec);
}

static int add_indexes(struct create_run *run)
{
    const struct create_table_stmt *s = run->stmt;
    for (uint32_t i = 0; i < s->column_count; i++) {
        struct index_spec spec;
        if (ddl_index_of_column(run->x, &s->columns[i], &spec) && add_index(run, &spec) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < s->index_count; i++) {
        if (add_index(run, &s->indexes[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_checks(struct create_run *run)
{
    const struct create_table_stmt *s = run->stmt;
    ddl_room_for_checks(run->t, s->column_count + s->check_count);
    for (uint32_t i = 0; i < s->column_count; i++) {
        if (ddl_add_column_check(run->x, run->t, &s->columns[i]) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < s->check_count; i++) {
        if (ddl_add_check(run->x, run->t, &s->checks[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int define(struct create_run *run)
{
    struct exec_session *x = run->x;
    if (ddl_set_options(x, run->t, &run->stmt->options) != 0 || add_columns(run) != 0) {
        return -1;
    }
    if (run->stmt->query != NULL &&
        ddl_add_query_columns(x, run->t, run->stmt->query, &run->query_columns) != 0) {
        return -1;
    }
    return add_indexes(run) != 0 || add_checks(run) != 0 ? -1 : ddl_finish_table(x, run->t);
}

int exec_define_table(struct exec_session *x, struct create_table_stmt *s,
                      const struct database_def *db, struct table_def **out)
{
    struct create_run run = {.x = x, .stmt = s, .db = db->name, .database = *db};
    run.t = new_definition(&run);
    *out = run.t;
    if (define(&run) != 0) {
        table_def_unref(run.t);
        *out = NULL;
        return -1;
    }
    return 0;
}

/* The model's definition under another name and id; AUTO_INCREMENT starts anew. */
static void define_like(struct create_run *run)
{
    struct table_def *t = table_def_clone(run->like);
    t->id = run->t->id;
    t->version = 1;
    t->db = arena_dup(t->arena, run->t->db);
    t->name = arena_dup(t->arena, run->t->name);
    t->created_us = run->t->created_us;
    t->altered_us = run->t->altered_us;
    t->auto_increment_start = 1;
    t->share = NULL;
    ddl_number_checks(run->x, t);
    table_def_unref(run->t);
    run->t = t;
    for (uint32_t i = 0; i < t->column_count; i++) {
        ddl_warn_type(run->x, &t->columns[i].type);
    }
}

/* ---- Sources ---- */

/* The tables that are read are locked before the writer lock is asked for, as in INSERT … SELECT.
 */
static int open_sources(struct create_run *run)
{
    struct exec_session *x = run->x;
    struct create_table_stmt *s = run->stmt;
    if (s->like) {
        run->like = exec_open_table(x, s->like_table.db, s->like_table.name);
        if (run->like == NULL) {
            return -1;
        }
        if (str_eq(run->like->db, run->db) && str_eq(run->like->name, s->table.name)) {
            return diag_set(x->diag, ER_NONUNIQ_TABLE, ddl_text(x, s->table.name));
        }
        if (run->like->view_text.p != NULL) {
            return diag_set(x->diag, ER_WRONG_OBJECT, ddl_text(x, run->like->db),
                            ddl_text(x, run->like->name), "BASE TABLE");
        }
        return exec_check_table(x, run->like->db, run->like->name, PRIV_SELECT);
    }
    if (s->query == NULL) {
        return 0;
    }
    struct stmt *select = ARENA_NEW(&x->stmt_arena, struct stmt);
    struct resolve_env env;
    *select = (struct stmt){.kind = STMT_SELECT,
                            .text = run->whole->text,
                            .param_count = run->whole->param_count,
                            .params = run->whole->params,
                            .query = s->query};
    exec_resolve_env(x, PRIV_SELECT, &env);
    return sql_resolve(select, &env, &x->stmt_arena, x->diag);
}

/* What to do about a table of that name: *out_done when there is nothing to create. */
static int look_for_old(struct create_run *run, bool *out_done)
{
    struct exec_session *x = run->x;
    const struct create_table_stmt *s = run->stmt;
    struct table_def *t = catalog_find_table(x->server->catalog, run->db, s->table.name);
    table_def_unref(t);
    *out_done = false;
    if (t == NULL) {
        return 0;
    }
    if (s->or_replace) {
        run->old = exec_open_table_exclusive(x, run->db, s->table.name);
        return run->old == NULL ? -1 : 0;
    }
    if (!s->if_not_exists) {
        return diag_set(x->diag, ER_TABLE_EXISTS_ERROR, ddl_text(x, s->table.name));
    }
    diag_warn(x->diag, DIAG_NOTE, ER_TABLE_EXISTS_ERROR, ddl_text(x, s->table.name));
    *out_done = true;
    return 0;
}

/* ---- The statement ---- */

static int fill(struct create_run *run)
{
    struct exec_session *x = run->x;
    const struct query *q = run->stmt->query;
    const struct ddl_source source = {
        .query = q, .column_count = q->column_count, .columns = run->query_columns};
    uint64_t rows;
    if (ddl_fill_table(x, run->t, &source, &rows) != 0) {
        return -1;
    }
    x->result.affected_rows = rows;
    x->result.info = arena_printf(&x->stmt_arena, "Records: %llu  Duplicates: 0  Warnings: %u",
                                  (unsigned long long)rows, x->diag->warning_count);
    return 0;
}

static int carry_out(struct create_run *run)
{
    struct exec_session *x = run->x;
    ddl_plan_init(&run->plan);
    if (run->old != NULL) {
        ddl_plan_add(x, &run->plan, DDL_DROP_TABLE, run->old, NULL);
    }
    ddl_plan_add(x, &run->plan, DDL_CREATE_TABLE, NULL, run->t);
    if (ddl_apply(x, &run->plan) != 0) {
        return -1;
    }
    if (run->stmt->query != NULL && fill(run) != 0) {
        ddl_abort(x, &run->plan);
        return -1;
    }
    return ddl_commit(x, &run->plan);
}

static int check_target(struct create_run *run)
{
    struct exec_session *x = run->x;
    const struct create_table_stmt *s = run->stmt;
    const uint64_t privileges = PRIV_CREATE | (s->or_replace ? PRIV_DROP : 0);
    if (exec_db_or_current(x, s->table.db, &run->db) != 0 ||
        ddl_check_name(x, s->table.name, DDL_NAME_TABLE) != 0 ||
        ddl_refuse_system_database(x, run->db) != 0) {
        return -1;
    }
    return exec_check_table(x, run->db, s->table.name, privileges) != 0
               ? -1
               : exec_check_locked(x, run->db, s->table.name, false);
}

int exec_create_table(struct exec_session *x, struct stmt *stmt)
{
    struct create_run run = {.x = x, .whole = stmt, .stmt = &stmt->create_table};
    bool done;
    if (refuse_unsupported(x, run.stmt) != 0 || check_target(&run) != 0 ||
        open_sources(&run) != 0 || exec_take_writer(x) != 0 ||
        ddl_find_database(x, run.db, &run.database) != 0 || look_for_old(&run, &done) != 0) {
        return -1;
    }
    if (done) {
        return 0;
    }
    run.t = new_definition(&run);
    if (run.like != NULL) {
        define_like(&run);
    } else if (define(&run) != 0) {
        table_def_unref(run.t);
        return -1;
    }
    return carry_out(&run);
}
