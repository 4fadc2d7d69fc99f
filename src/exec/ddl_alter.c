/* ALTER TABLE, CREATE INDEX and DROP INDEX. See ddl_alter.h. */
#include "exec/ddl_alter.h"

#include "base/clock.h"
#include "exec/define.h"
#include "exec/dml.h"

#include <stdatomic.h>

/* What has to be asked of the engine before rows are touched. */
struct alter_job {
    struct alter_run *run;
    uint64_t rows;
    uint64_t largest; /* AUTO_INCREMENT value in the rows */
    int rc;
};

/* ---- Options and names ---- */

static int refuse_unsupported(struct exec_session *x, const struct alter_action *a)
{
    switch (a->kind) {
    case ALTER_PARTITION:
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "partitions");
    case ALTER_DROP_FOREIGN_KEY:
        return diag_set(x->diag, ER_CANT_DROP_FIELD_OR_KEY, ddl_text(x, a->name));
    default:
        return 0;
    }
}

static int convert_charset(struct alter_run *run, const struct table_options *options)
{
    struct exec_session *x = run->x;
    struct database_def db;
    uint16_t otherwise = run->t->collation;
    if (options->charset.p == NULL &&
        catalog_find_database(x->server->catalog, run->t->db, &x->stmt_arena, &db)) {
        otherwise = db.collation;
    }
    return ddl_collation(x, options->charset, options->collation, otherwise, &run->t->collation);
}

static int set_options(struct alter_run *run)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if (refuse_unsupported(run->x, a) != 0 ||
            (a->kind == ALTER_OPTIONS && ddl_set_options(run->x, run->t, &a->options) != 0) ||
            (a->kind == ALTER_CONVERT_CHARSET && convert_charset(run, &a->options) != 0)) {
            return -1;
        }
        if (a->kind == ALTER_OPTIONS && a->options.has_auto_increment) {
            run->set_auto_increment = true;
        }
        if (a->kind == ALTER_ORDER_BY) {
            run->counts_rows = true;
        }
    }
    return 0;
}

static int check_new_name(struct exec_session *x, struct str db, struct str name)
{
    struct database_def def;
    if (ddl_check_name(x, name, DDL_NAME_TABLE) != 0 || ddl_find_database(x, db, &def) != 0 ||
        exec_check_table(x, db, name, PRIV_CREATE | PRIV_INSERT) != 0) {
        return -1;
    }
    struct table_def *taken = catalog_find_table(x->server->catalog, db, name);
    table_def_unref(taken);
    return taken == NULL ? 0 : diag_set(x->diag, ER_TABLE_EXISTS_ERROR, ddl_text(x, name));
}

static int rename_table(struct alter_run *run)
{
    struct exec_session *x = run->x;
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        struct str db;
        if (a->kind != ALTER_RENAME_TABLE) {
            continue;
        }
        if (exec_db_or_current(x, a->new_table.db, &db) != 0) {
            return -1;
        }
        if (str_eq(db, run->before->db) && str_eq(a->new_table.name, run->before->name)) {
            continue;
        }
        if (exec_check_table(x, run->before->db, run->before->name, PRIV_DROP) != 0 ||
            check_new_name(x, db, a->new_table.name) != 0) {
            return -1;
        }
        run->t->db = arena_dup(run->t->arena, db);
        run->t->name = arena_dup(run->t->arena, a->new_table.name);
        ddl_rename_checks(x, run->t, run->before->name);
    }
    return 0;
}

/* ---- CHECK constraints ---- */

/* Columns that constraints name stay as they are called; the constraints themselves may go first.
 */
static int drop_checks(struct alter_run *run)
{
    struct exec_session *x = run->x;
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if (a->kind == ALTER_DROP_CHECK && ddl_drop_check(x, run->t, a->name, a->if_exists) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < run->stmt->action_count && run->t->check_count > 0; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        const bool renames =
            a->kind == ALTER_RENAME_COLUMN ||
            (a->kind == ALTER_MODIFY_COLUMN && !str_eq_nocase(a->name, a->column.name));
        if (a->kind == ALTER_MODIFY_COLUMN || a->kind == ALTER_DROP_COLUMN) {
            ddl_drop_column_check(run->t, a->name);
        }
        if ((renames || a->kind == ALTER_DROP_COLUMN) &&
            ddl_check_keeps_column(x, run->t, a->name) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_checks(struct alter_run *run)
{
    const uint32_t before = run->t->check_count;
    ddl_room_for_checks(run->t, run->stmt->action_count);
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        int rc = 0;
        if (a->kind == ALTER_ADD_COLUMN || a->kind == ALTER_MODIFY_COLUMN) {
            rc = ddl_add_column_check(run->x, run->t, &a->column);
        } else if (a->kind == ALTER_ADD_CHECK) {
            rc = ddl_add_check(run->x, run->t, &a->check);
        }
        if (rc != 0) {
            return -1;
        }
    }
    for (uint32_t i = before; i < run->t->check_count; i++) {
        if (!run->t->checks[i].not_enforced) {
            alter_need(run, ALTER_ROWS_COPY); /* the rows that are there must satisfy it */
            run->counts_rows = run->counts_rows || run->t->checks[i].column_id == 0;
        }
    }
    return 0;
}

/* A primary key makes columns NOT NULL that were not said to be. */
static bool makes_not_null(const struct alter_run *run)
{
    for (uint32_t i = 0; i < run->t->column_count; i++) {
        const int32_t old = run->from[i];
        if (old >= 0 && type_is_nullable(&run->before->columns[old].type) &&
            !type_is_nullable(&run->t->columns[i].type)) {
            return true;
        }
    }
    return false;
}

/* All but the name. */
static int build_definition(struct alter_run *run)
{
    run->t->altered_us = clock_wall_us();
    if (set_options(run) != 0 || drop_checks(run) != 0 || alter_columns(run) != 0) {
        return -1;
    }
    run->column_rows = run->rows;
    if (alter_indexes(run) != 0 || add_checks(run) != 0 || ddl_finish_table(run->x, run->t) != 0) {
        return -1;
    }
    if (makes_not_null(run)) {
        alter_need(run, ALTER_ROWS_COPY);
    }
    return 0;
}

static int build(struct alter_run *run)
{
    return build_definition(run) != 0 ? -1 : rename_table(run);
}

int exec_define_altered(struct exec_session *x, const struct alter_table_stmt *s,
                        const struct table_def *before, struct table_def **out,
                        enum exec_altered_rows *out_rows)
{
    static const enum exec_altered_rows rows[] = {
        [ALTER_ROWS_STAY] = EXEC_ALTERED_NOT,
        [ALTER_ROWS_CAST] = EXEC_ALTERED_BY_ENGINE,
        [ALTER_ROWS_COPY] = EXEC_ALTERED_ONE_BY_ONE,
    };
    struct alter_run run = {.x = x, .stmt = s, .before = before};
    run.t = table_def_clone(before);
    *out = run.t;
    if (build_definition(&run) != 0) {
        table_def_unref(run.t);
        *out = NULL;
        return -1;
    }
    /* Indexes and constraints have rows checked only. */
    *out_rows = makes_not_null(&run) ? EXEC_ALTERED_ONE_BY_ONE : rows[run.column_rows];
    return 0;
}

/* ---- Rows ---- */

static void ask_step(void *arg)
{
    struct alter_job *job = arg;
    struct exec_session *x = job->run->x;
    const struct table_def *t = job->run->before;
    job->rc = engine_row_count(x->engine, t, x->diag, &job->rows);
    if (job->rc == 0) {
        job->rc = exec_init_auto_increment(x, t);
    }
    if (job->rc == 0 && job->run->set_auto_increment && t->auto_increment_column >= 0) {
        job->rc = engine_max_value(x->engine, t, (uint32_t)t->auto_increment_column, x->diag,
                                   &job->largest);
    }
}

/* Rows that are there would get zero dates, which strict mode does not let in. */
static int check_zero_date(const struct alter_run *run, uint64_t rows)
{
    struct exec_session *x = run->x;
    const uint64_t mode = x->vars.sql_mode;
    if (!run->zero_date || rows == 0 || (mode & SQL_MODE_STRICT) == 0 ||
        (mode & SQL_MODE_NO_ZERO_DATE) == 0) {
        return 0;
    }
    const bool is_date = run->zero_date_type == MYSQL_TYPE_DATE;
    const struct str text =
        arena_printf(&x->stmt_arena, "Incorrect %s value: '%s' for column '%s' at row 1",
                     is_date ? "date" : "datetime", is_date ? "0000-00-00" : "0000-00-00 00:00:00",
                     run->zero_date_column);
    return diag_set_text(x->diag, ER_TRUNCATED_WRONG_VALUE, text);
}

static int copy_rows(struct alter_run *run)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->t;
    struct str *names = ARENA_ARRAY(&x->stmt_arena, struct str, t->column_count);
    uint32_t *from = ARENA_ARRAY(&x->stmt_arena, uint32_t, t->column_count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (run->from[i] >= 0) {
            names[n] = t->columns[i].name;
            from[n++] = (uint32_t)run->from[i];
        }
    }
    const struct ddl_source source = {
        .table = run->before,
        .column_count = n,
        .columns = names,
        .from = from,
        .store_flags = run->stmt->ignore ? STORE_IGNORE : 0,
        .keep_zeros = run->before->auto_increment_column >= 0,
    };
    uint64_t rows;
    return ddl_fill_table(x, t, &source, &rows);
}

/* The next AUTO_INCREMENT value goes on from the old table's counter. The option sets it, also to
 * less, but never to what the rows have. */
static uint64_t next_auto_increment(const struct alter_run *run, const struct alter_job *job)
{
    const struct table_def *t = run->t;
    if (t->auto_increment_column < 0) {
        return 0;
    }
    const uint64_t filled = t->share == NULL ? 0 : atomic_load(&t->share->next_auto_increment);
    if (run->before->auto_increment_column < 0) {
        return run->set_auto_increment ? MAX(filled, t->auto_increment_start) : filled;
    }
    if (run->set_auto_increment) {
        return MAX(job->largest + 1, t->auto_increment_start);
    }
    return MAX(filled, atomic_load(&run->before->share->next_auto_increment));
}

static int carry_out(struct alter_run *run, struct ddl_plan *plan)
{
    struct exec_session *x = run->x;
    struct alter_job job = {.run = run};
    const enum ddl_kind kind = run->rows == ALTER_ROWS_COPY   ? DDL_REPLACE_TABLE
                               : run->rows == ALTER_ROWS_CAST ? DDL_ALTER_TABLE
                                                              : DDL_CHANGE_TABLE;
    if (kind == DDL_REPLACE_TABLE) {
        run->t->id = catalog_next_id(x->server->catalog);
        run->t->share = NULL;
    }
    struct ddl_change *change = ddl_plan_add(x, plan, kind, run->before, run->t);
    if (exec_engine_for_write(x) != 0 || exec_offload(x, OFFLOAD_WRITE, ask_step, &job) != 0 ||
        job.rc != 0 || check_zero_date(run, job.rows) != 0) {
        ddl_abort(x, plan);
        return -1;
    }
    if (ddl_apply(x, plan) != 0) {
        return -1;
    }
    if (kind == DDL_REPLACE_TABLE && copy_rows(run) != 0) {
        ddl_abort(x, plan);
        return -1;
    }
    change->next_auto_increment = next_auto_increment(run, &job);
    x->result.affected_rows = run->counts_rows ? job.rows : 0;
    return ddl_commit(x, plan);
}

/* ---- The statement ---- */

/* ORDER BY has no effect, as in InnoDB on tables with a primary key, which warns of it. */
static void warn_order_by(struct alter_run *run)
{
    struct exec_session *x = run->x;
    bool orders = false;
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        orders = orders || run->stmt->actions[i].kind == ALTER_ORDER_BY;
    }
    for (uint32_t i = 0; orders && i < run->t->column_count; i++) {
        if ((run->t->columns[i].type.flags & PRI_KEY_FLAG) != 0) {
            diag_warn_at(x->diag, DIAG_WARNING, ER_UNKNOWN_ERROR,
                         "ORDER BY ignored as there is a user-defined clustered index in the table "
                         "'%s'",
                         ddl_text(x, run->t->name));
            return;
        }
    }
}

static bool only_renames(const struct alter_table_stmt *s)
{
    for (uint32_t i = 0; i < s->action_count; i++) {
        if (s->actions[i].kind != ALTER_RENAME_TABLE) {
            return false;
        }
    }
    return true;
}

static const struct table_def *open_table(struct exec_session *x, const struct stmt *stmt)
{
    const struct table_name *name = &stmt->alter_table.table;
    const uint64_t privilege = stmt->kind == STMT_ALTER_TABLE ? PRIV_ALTER : PRIV_INDEX;
    struct str db;
    if (exec_db_or_current(x, name->db, &db) != 0 || ddl_refuse_system_database(x, db) != 0 ||
        exec_check_table(x, db, name->name, privilege) != 0) {
        return NULL;
    }
    const struct table_def *t = exec_open_table_exclusive(x, db, name->name);
    if (t != NULL && t->view_text.p != NULL) {
        diag_set(x->diag, ER_WRONG_OBJECT, ddl_text(x, t->db), ddl_text(x, t->name), "BASE TABLE");
        return NULL;
    }
    return t;
}

int exec_alter_table(struct exec_session *x, struct stmt *stmt)
{
    struct alter_run run = {.x = x, .stmt = &stmt->alter_table};
    run.before = open_table(x, stmt);
    if (run.before == NULL) {
        return -1;
    }
    if (run.stmt->action_count == 0) {
        return 0;
    }
    run.t = table_def_clone(run.before);
    if (build(&run) != 0) {
        table_def_unref(run.t);
        return -1;
    }
    struct ddl_plan plan;
    ddl_plan_init(&plan);
    warn_order_by(&run);
    if (carry_out(&run, &plan) != 0) {
        return -1;
    }
    if (!only_renames(run.stmt)) {
        x->result.info =
            arena_printf(&x->stmt_arena, "Records: %llu  Duplicates: 0  Warnings: %u",
                         (unsigned long long)x->result.affected_rows, x->diag->warning_count);
    }
    return 0;
}
