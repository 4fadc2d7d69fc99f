/* DROP TABLE, RENAME TABLE and TRUNCATE TABLE. See ddl_int.h. */
#include "base/clock.h"
#include "exec/ddl_int.h"

/* ---- DROP TABLE ---- */

static bool table_exists(struct exec_session *x, struct str db, struct str name)
{
    struct table_def *t = catalog_find_table(x->server->catalog, db, name);
    table_def_unref(t);
    return t != NULL;
}

/* "db.t1,db.t2" */
static struct str add_to_list(struct exec_session *x, struct str list, struct str db,
                              struct str name)
{
    return arena_printf(&x->stmt_arena, "%.*s%s%.*s.%.*s", STR_FMT(list), list.len > 0 ? "," : "",
                        STR_FMT(db), STR_FMT(name));
}

static int check_drop(struct exec_session *x, const struct drop_stmt *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct str db;
        if (exec_db_or_current(x, s->tables[i].db, &db) != 0 ||
            ddl_refuse_system_database(x, db) != 0 ||
            exec_check_table(x, db, s->tables[i].name, PRIV_DROP) != 0) {
            return -1;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (str_eq(s->tables[k].name, s->tables[i].name) &&
                str_eq(s->tables[k].db, s->tables[i].db)) {
                return diag_set(x->diag, ER_NONUNIQ_TABLE, ddl_text(x, s->tables[i].name));
            }
        }
    }
    return 0;
}

/* Locks the tables that are there and puts them into the plan; *out_missing names the others. */
static int plan_drops(struct exec_session *x, const struct drop_stmt *s, struct ddl_plan *plan,
                      struct str *out_missing)
{
    const bool notes = s->if_exists && x->server->dialect == DIALECT_MYSQL;
    *out_missing = STR("");
    for (uint32_t i = 0; i < s->count; i++) {
        struct str db;
        const struct str name = s->tables[i].name;
        if (exec_db_or_current(x, s->tables[i].db, &db) != 0) {
            return -1;
        }
        if (!table_exists(x, db, name)) {
            *out_missing = add_to_list(x, *out_missing, db, name);
            if (notes) {
                diag_warn(x->diag, DIAG_NOTE, ER_BAD_TABLE_ERROR,
                          add_to_list(x, STR(""), db, name).p);
            }
            continue;
        }
        const struct table_def *t = exec_open_table_exclusive(x, db, name);
        if (t == NULL) {
            return -1;
        }
        ddl_plan_add(x, plan, DDL_DROP_TABLE, t, NULL);
    }
    return 0;
}

int exec_drop_table(struct exec_session *x, struct stmt *stmt)
{
    const struct drop_stmt *s = &stmt->drop;
    struct ddl_plan plan;
    struct str missing;
    ddl_plan_init(&plan);
    if (s->temporary) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "TEMPORARY tables");
    }
    if (check_drop(x, s) != 0 || exec_take_writer(x) != 0 ||
        plan_drops(x, s, &plan, &missing) != 0) {
        return -1;
    }
    if (missing.len > 0 && !s->if_exists) {
        /* MySQL then drops none; MariaDB drops the others first. */
        if (x->server->dialect == DIALECT_MARIADB && plan.first != NULL && ddl_run(x, &plan) != 0) {
            return -1;
        }
        return diag_set(x->diag, ER_BAD_TABLE_ERROR, missing.p);
    }
    if (missing.len > 0 && x->server->dialect == DIALECT_MARIADB) {
        diag_warn(x->diag, DIAG_NOTE, ER_BAD_TABLE_ERROR, missing.p);
    }
    return plan.first == NULL ? 0 : ddl_run(x, &plan);
}

/* ---- RENAME TABLE ---- */

/* A table on its way: where it was, and where the renames so far have put it. */
struct moving {
    const struct table_def *before;
    struct str db, name;
};

struct rename_run {
    struct exec_session *x;
    struct moving *tables;
    uint32_t count;
};

static struct moving *find_moving(struct rename_run *run, struct str db, struct str name)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (str_eq(run->tables[i].db, db) && str_eq(run->tables[i].name, name)) {
            return &run->tables[i];
        }
    }
    return NULL;
}

/* Was the table of that name moved away already? */
static bool was_moved(const struct rename_run *run, struct str db, struct str name)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (str_eq(run->tables[i].before->db, db) && str_eq(run->tables[i].before->name, name)) {
            return true;
        }
    }
    return false;
}

static int check_rename(struct exec_session *x, const struct table_name *from,
                        const struct table_name *to, struct str *out_from_db, struct str *out_to_db)
{
    if (exec_db_or_current(x, from->db, out_from_db) != 0 ||
        exec_db_or_current(x, to->db, out_to_db) != 0 ||
        ddl_refuse_system_database(x, *out_from_db) != 0 ||
        ddl_check_name(x, to->name, DDL_NAME_TABLE) != 0 ||
        exec_check_table(x, *out_from_db, from->name, PRIV_ALTER | PRIV_DROP) != 0) {
        return -1;
    }
    return exec_check_table(x, *out_to_db, to->name, PRIV_CREATE | PRIV_INSERT);
}

/* The table that has the name now, locked. NULL with diag. */
static struct moving *take_moving(struct rename_run *run, struct str db, struct str name)
{
    struct exec_session *x = run->x;
    struct moving *m = find_moving(run, db, name);
    if (m != NULL) {
        return m;
    }
    if (was_moved(run, db, name)) {
        diag_set(x->diag, ER_NO_SUCH_TABLE, ddl_text(x, db), ddl_text(x, name));
        return NULL;
    }
    const struct table_def *t = exec_open_table_exclusive(x, db, name);
    if (t == NULL) {
        return NULL;
    }
    m = &run->tables[run->count++];
    *m = (struct moving){.before = t, .db = t->db, .name = t->name};
    return m;
}

static int rename_one(struct rename_run *run, const struct table_name *from,
                      const struct table_name *to)
{
    struct exec_session *x = run->x;
    struct str from_db, to_db;
    struct database_def db;
    if (check_rename(x, from, to, &from_db, &to_db) != 0) {
        return -1;
    }
    struct moving *m = take_moving(run, from_db, from->name);
    if (m == NULL || ddl_find_database(x, to_db, &db) != 0) {
        return -1;
    }
    const bool taken = find_moving(run, to_db, to->name) != NULL ||
                       (table_exists(x, to_db, to->name) && !was_moved(run, to_db, to->name));
    if (taken) {
        return diag_set(x->diag, ER_TABLE_EXISTS_ERROR, ddl_text(x, to->name));
    }
    m->db = to_db;
    m->name = to->name;
    return 0;
}

static int rename_all(struct exec_session *x, const struct rename_run *run)
{
    struct ddl_plan plan;
    ddl_plan_init(&plan);
    for (uint32_t i = 0; i < run->count; i++) {
        const struct moving *m = &run->tables[i];
        struct table_def *t = table_def_clone(m->before);
        t->db = arena_dup(t->arena, m->db);
        t->name = arena_dup(t->arena, m->name);
        ddl_rename_checks(x, t, m->before->name);
        t->altered_us = clock_wall_us();
        ddl_plan_add(x, &plan, DDL_CHANGE_TABLE, m->before, t);
    }
    return ddl_run(x, &plan);
}

int exec_rename_table(struct exec_session *x, struct stmt *stmt)
{
    const struct rename_stmt *s = &stmt->rename;
    struct rename_run run = {.x = x,
                             .tables = ARENA_ARRAY(&x->stmt_arena, struct moving, s->count)};
    if (exec_take_writer(x) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (rename_one(&run, &s->from[i], &s->to[i]) != 0) {
            return -1;
        }
    }
    return rename_all(x, &run);
}

/* ---- TRUNCATE TABLE ---- */

static int truncate_one(struct exec_session *x, const struct table_name *name)
{
    struct str db;
    if (exec_db_or_current(x, name->db, &db) != 0 ||
        exec_check_table(x, db, name->name, PRIV_DROP) != 0) {
        return -1;
    }
    const struct table_def *t = exec_open_table_exclusive(x, db, name->name);
    if (t == NULL) {
        return -1;
    }
    if (t->view_text.p != NULL) {
        return diag_set(x->diag, ER_NO_SUCH_TABLE, ddl_text(x, db), ddl_text(x, name->name));
    }
    struct ddl_plan plan;
    ddl_plan_init(&plan);
    ddl_plan_add(x, &plan, DDL_TRUNCATE_TABLE, t, NULL);
    if (t->auto_increment_start > 1) {
        struct table_def *after = table_def_clone(t);
        after->auto_increment_start = 1;
        ddl_plan_add(x, &plan, DDL_CHANGE_TABLE, t, after);
    }
    return ddl_run(x, &plan);
}

int exec_truncate(struct exec_session *x, struct stmt *stmt)
{
    const struct admin_table_stmt *s = &stmt->admin;
    for (uint32_t i = 0; i < s->count; i++) {
        if (truncate_one(x, &s->tables[i]) != 0) {
            return -1;
        }
    }
    return 0;
}
