/* CREATE, ALTER and DROP DATABASE. See ddl_int.h. */
#include "base/clock.h"
#include "exec/ddl_int.h"

/* The statement's target: named, or (ALTER DATABASE) the current one. */
static int target(struct exec_session *x, struct str name, uint64_t privilege, struct str *out)
{
    if (exec_db_or_current(x, name, out) != 0 || exec_check_db(x, *out, privilege) != 0) {
        return -1;
    }
    return 0;
}

/* Adds the database and its tables, each locked exclusively, to the plan. */
static int plan_drop(struct exec_session *x, struct ddl_plan *plan, const struct database_def *db,
                     uint64_t *out_tables)
{
    struct table_def **tables;
    const uint32_t n = catalog_list_tables(x->server->catalog, db->name, &x->stmt_arena, &tables);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (rc == 0) {
            const struct table_def *t = exec_open_table_exclusive(x, db->name, tables[i]->name);
            rc = t == NULL ? -1 : 0;
            if (t != NULL) {
                ddl_plan_add(x, plan, DDL_DROP_TABLE, t, NULL);
            }
        }
        table_def_unref(tables[i]);
    }
    ddl_plan_add(x, plan, DDL_DROP_DATABASE, NULL, NULL)->db = *db;
    *out_tables = n;
    return rc;
}

int exec_create_database(struct exec_session *x, struct stmt *stmt)
{
    const struct database_stmt *s = &stmt->database;
    struct database_def db = {.name = s->name, .created_us = clock_wall_us()};
    struct database_def before;
    struct ddl_plan plan;
    ddl_plan_init(&plan);
    if (ddl_check_name(x, s->name, DDL_NAME_DATABASE) != 0 ||
        exec_check_db(x, s->name, PRIV_CREATE) != 0 ||
        ddl_refuse_system_database(x, s->name) != 0 || exec_take_writer(x) != 0) {
        return -1;
    }
    const bool exists = catalog_find_database(x->server->catalog, s->name, &x->stmt_arena, &before);
    if (exists && s->if_exists) {
        diag_warn(x->diag, DIAG_NOTE, ER_DB_CREATE_EXISTS, ddl_text(x, s->name));
        x->result.affected_rows = x->server->dialect == DIALECT_MYSQL ? 1 : 0;
        return 0;
    }
    if (exists && !s->or_replace) {
        return diag_set(x->diag, ER_DB_CREATE_EXISTS, ddl_text(x, s->name));
    }
    uint64_t tables;
    if (ddl_collation(x, s->charset, s->collation, x->vars.collation_server, &db.collation) != 0 ||
        (exists && plan_drop(x, &plan, &before, &tables) != 0)) {
        return -1;
    }
    db.explicit_collation = s->charset.p != NULL || s->collation.p != NULL;
    db.id = catalog_next_id(x->server->catalog);
    ddl_plan_add(x, &plan, DDL_PUT_DATABASE, NULL, NULL)->db = db;
    x->result.affected_rows = exists ? 2 : 1;
    return ddl_run(x, &plan);
}

int exec_alter_database(struct exec_session *x, struct stmt *stmt)
{
    const struct database_stmt *s = &stmt->database;
    struct str name;
    struct database_def db;
    if (target(x, s->name, PRIV_ALTER, &name) != 0 || exec_take_writer(x) != 0 ||
        ddl_find_database(x, name, &db) != 0 ||
        ddl_collation(x, s->charset, s->collation, db.collation, &db.collation) != 0) {
        return -1;
    }
    db.explicit_collation = true;
    struct ddl_plan plan;
    ddl_plan_init(&plan);
    ddl_plan_add(x, &plan, DDL_PUT_DATABASE, NULL, NULL)->db = db;
    x->result.affected_rows = 1;
    if (ddl_run(x, &plan) != 0) {
        return -1;
    }
    if (str_eq(x->db, name)) {
        exec_set_database_charset(x, db.collation);
    }
    return 0;
}

int exec_drop_database(struct exec_session *x, struct stmt *stmt)
{
    const struct database_stmt *s = &stmt->database;
    if (exec_check_db(x, s->name, PRIV_DROP) != 0 || ddl_refuse_system_database(x, s->name) != 0 ||
        exec_take_writer(x) != 0) {
        return -1;
    }
    struct database_def db;
    if (!catalog_find_database(x->server->catalog, s->name, &x->stmt_arena, &db)) {
        if (!s->if_exists) {
            return diag_set(x->diag, ER_DB_DROP_EXISTS, ddl_text(x, s->name));
        }
        diag_warn(x->diag, DIAG_NOTE, ER_DB_DROP_EXISTS, ddl_text(x, s->name));
        return 0;
    }
    struct ddl_plan plan;
    ddl_plan_init(&plan);
    if (plan_drop(x, &plan, &db, &x->result.affected_rows) != 0 || ddl_run(x, &plan) != 0) {
        return -1;
    }
    if (x->db.p != NULL && str_eq(x->db, s->name)) {
        x->db = STR_NULL;
        x->result.db_changed = true;
        exec_set_database_charset(x, x->vars.collation_server);
    }
    return 0;
}
