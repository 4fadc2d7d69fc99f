/*
 * INSERT … VALUES (…) AS new(a, b) ON DUPLICATE KEY UPDATE: names of the new row become
 * VALUES(column) before names are resolved, so that what follows knows one form only.
 */
#include "exec/dml.h"

struct alias_run {
    struct exec_session *x;
    const struct insert_stmt *insert;
    const struct table_def *table;
    uint32_t count;            /* columns of the new row */
    const struct str *names;   /* as the alias calls them */
    const struct str *columns; /* of the table */
};

static int32_t find_name(const struct alias_run *run, struct str name)
{
    for (uint32_t i = 0; i < run->count; i++) {
        if (str_eq_nocase(run->names[i], name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static void be_value_of(struct expr *e, struct str column)
{
    e->kind = EXPR_VALUES;
    e->flags |= EXPR_OF_ROW_ALIAS;
    e->column.db = STR_NULL;
    e->column.table = STR_NULL;
    e->column.name = column;
}

static int replace_name(const struct alias_run *run, struct expr *e)
{
    struct diag *diag = run->x->diag;
    struct arena *a = &run->x->stmt_arena;
    const struct str name = e->column.name;
    const int32_t i = find_name(run, name);
    if (e->column.table.p != NULL && e->column.table.len > 0) {
        if (!str_eq(e->column.table, run->insert->row_alias) || e->column.db.len > 0) {
            return 0;
        }
        if (i < 0) {
            return diag_set(diag, ER_BAD_FIELD_ERROR,
                            arena_printf(a, "%.*s.%.*s", STR_FMT(e->column.table), STR_FMT(name)).p,
                            "field list");
        }
    } else if (i < 0) {
        return 0;
    } else if (table_find_column(run->table, name) >= 0) {
        return diag_set(diag, ER_NON_UNIQ_ERROR, arena_dup_cstr(a, name), "field list");
    }
    be_value_of(e, run->columns[i]);
    return 0;
}

static int replace_names(const struct alias_run *run, struct expr *e)
{
    if (e->kind == EXPR_COLUMN) {
        return replace_name(run, e);
    }
    if (e->kind == EXPR_SUBQUERY || e->kind == EXPR_EXISTS || e->kind == EXPR_IN_SUBQUERY ||
        e->kind == EXPR_QUANTIFIED) {
        return diag_set(run->x->diag, ER_NOT_SUPPORTED_YET,
                        "a subquery beside an alias of the new row");
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (replace_names(run, e->args[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static int check_alias(const struct alias_run *run)
{
    struct diag *diag = run->x->diag;
    struct arena *a = &run->x->stmt_arena;
    if (str_eq(run->insert->row_alias, run->insert->table.name)) {
        return diag_set(diag, ER_NONUNIQ_TABLE, arena_dup_cstr(a, run->insert->row_alias));
    }
    for (uint32_t i = 0; i < run->count; i++) {
        if (find_name(run, run->names[i]) != (int32_t)i) {
            return diag_set(diag, ER_DUP_FIELDNAME, arena_dup_cstr(a, run->names[i]));
        }
    }
    return 0;
}

int dml_resolve_row_alias(struct exec_session *x, struct insert_stmt *insert,
                          const struct table_def *t)
{
    struct alias_run run = {.x = x, .insert = insert, .table = t, .count = insert->column_count};
    run.columns = insert->columns;
    if (insert->column_count == 0) {
        struct str *all = ARENA_ARRAY(&x->stmt_arena, struct str, t->column_count);
        for (uint32_t i = 0; i < t->column_count; i++) {
            if (!t->columns[i].invisible) {
                all[run.count++] = t->columns[i].name;
            }
        }
        run.columns = all;
    }
    const uint32_t named = insert->row_alias_column_count;
    run.names = named > 0 ? insert->row_alias_columns : run.columns;
    const uint32_t columns = run.count;
    run.count = named > 0 ? MIN(named, columns) : columns;
    if (check_alias(&run) != 0) {
        return -1;
    }
    if (named > 0 && named != columns) {
        return diag_set(x->diag, ER_VIEW_WRONG_LIST);
    }
    for (uint32_t i = 0; i < insert->update_count; i++) {
        if (replace_names(&run, insert->updates[i].value) != 0) {
            return -1;
        }
    }
    return 0;
}
