/*
 * The indexes of an altered table: those that stay are made anew from their own definition, so that
 * all rules are checked against the new columns, and keep their ids; then come the added ones. See
 * ddl_alter.h.
 */
#include "exec/ddl_alter.h"

static const struct alter_action *find_action(const struct alter_run *run, enum alter_kind kind,
                                              struct str index)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if (a->kind == kind && str_eq_nocase(a->name, index)) {
            return a;
        }
    }
    return NULL;
}

static bool is_about_index(enum alter_kind kind)
{
    return kind == ALTER_DROP_INDEX || kind == ALTER_RENAME_INDEX || kind == ALTER_INDEX_VISIBILITY;
}

static int no_such_index(struct alter_run *run, const struct alter_action *a)
{
    struct exec_session *x = run->x;
    const char *name = ddl_text(x, a->name);
    const char *table = ddl_text(x, run->before->name);
    if (a->kind == ALTER_DROP_INDEX) {
        return ddl_cannot_drop(x, "INDEX", a->name, a->if_exists);
    }
    if (a->if_exists) {
        diag_warn(x->diag, DIAG_NOTE, ER_KEY_DOES_NOT_EXITS, name, table);
        return 0;
    }
    return diag_set(x->diag, ER_KEY_DOES_NOT_EXITS, name, table);
}

static int check_names(struct alter_run *run)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        if (is_about_index(a->kind) && table_find_index(run->before, a->name) < 0 &&
            no_such_index(run, a) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The new number of an old column, or -1. */
static int32_t new_column(const struct alter_run *run, uint32_t old)
{
    for (uint32_t i = 0; i < run->t->column_count; i++) {
        if (run->from[i] == (int32_t)old) {
            return (int32_t)i;
        }
    }
    return -1;
}

static const enum index_kind kinds[] = {
    [INDEX_DEF_PRIMARY] = INDEX_PRIMARY, [INDEX_DEF_UNIQUE] = INDEX_UNIQUE,
    [INDEX_DEF_PLAIN] = INDEX_PLAIN,     [INDEX_DEF_FULLTEXT] = INDEX_FULLTEXT,
    [INDEX_DEF_SPATIAL] = INDEX_SPATIAL,
};

/* A prefix that no longer makes sense for the column's type is left out, as in MySQL. */
static uint32_t kept_prefix(const struct sql_type *t, uint32_t prefix_len)
{
    const bool is_string = type_class_of(t->type) == TYPE_CLASS_STRING;
    return !is_string || prefix_len >= t->length ? 0 : prefix_len;
}

/* Describes an old index in terms of the new columns; no parts are left when all were dropped. */
static void describe(struct alter_run *run, const struct index_def *ix, struct index_spec *out)
{
    struct index_part *parts =
        ARENA_ARRAY(&run->x->stmt_arena, struct index_part, ix->column_count);
    *out = (struct index_spec){.kind = kinds[ix->kind],
                               .name = ix->name,
                               .parts = parts,
                               .algorithm = ix->algorithm,
                               .comment = ix->comment,
                               .invisible = ix->invisible};
    for (uint32_t i = 0; i < ix->column_count; i++) {
        const int32_t column = new_column(run, ix->columns[i].column);
        if (column < 0) {
            continue;
        }
        const struct column_def *c = &run->t->columns[column];
        parts[out->part_count++] =
            (struct index_part){.column = c->name,
                                .prefix_len = kept_prefix(&c->type, ix->columns[i].prefix_len),
                                .desc = ix->columns[i].desc};
    }
}

/* The first of an index's columns that is dropped. */
static struct str first_dropped(const struct alter_run *run, const struct index_def *ix)
{
    uint32_t i = 0;
    while (i + 1 < ix->column_count && new_column(run, ix->columns[i].column) >= 0) {
        i++;
    }
    return run->before->columns[ix->columns[i].column].name;
}

static int keep_index(struct alter_run *run, const struct index_def *ix)
{
    struct exec_session *x = run->x;
    struct index_spec spec;
    describe(run, ix, &spec);
    if (spec.part_count == 0) {
        return 0;
    }
    if (spec.part_count < ix->column_count && ix->kind != INDEX_DEF_PLAIN) {
        if (x->server->dialect == DIALECT_MARIADB) {
            return diag_set(x->diag, ER_KEY_COLUMN_DOES_NOT_EXITS,
                            ddl_text(x, first_dropped(run, ix)));
        }
        alter_need(run, ALTER_ROWS_COPY); /* what is left may not be unique */
    }
    const struct alter_action *a = find_action(run, ALTER_RENAME_INDEX, ix->name);
    if (a != NULL && ix->kind != INDEX_DEF_PRIMARY) {
        spec.name = a->new_name;
    }
    a = find_action(run, ALTER_INDEX_VISIBILITY, ix->name);
    if (a != NULL) {
        spec.invisible = !a->visible;
    }
    return ddl_keep_index(x, run->t, &spec, ix->id);
}

static int keep_indexes(struct alter_run *run)
{
    run->t->index_count = 0;
    run->t->indexes = NULL;
    for (uint32_t i = 0; i < run->before->index_count; i++) {
        const struct index_def *ix = &run->before->indexes[i];
        if (find_action(run, ALTER_DROP_INDEX, ix->name) == NULL && keep_index(run, ix) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_index(struct alter_run *run, const struct index_spec *spec, bool if_not_exists)
{
    struct exec_session *x = run->x;
    if (if_not_exists && spec->name.p != NULL && table_find_index(run->t, spec->name) >= 0) {
        diag_warn(x->diag, DIAG_NOTE, ER_DUP_KEYNAME, ddl_text(x, spec->name));
        return 0;
    }
    if (spec->kind == INDEX_PRIMARY || spec->kind == INDEX_UNIQUE) {
        alter_need(run, ALTER_ROWS_COPY); /* rows may meet */
    }
    return ddl_add_index(x, run->t, spec);
}

static int add_indexes(struct alter_run *run)
{
    for (uint32_t i = 0; i < run->stmt->action_count; i++) {
        const struct alter_action *a = &run->stmt->actions[i];
        struct index_spec spec;
        if (a->kind == ALTER_ADD_INDEX && add_index(run, &a->index, a->if_not_exists) != 0) {
            return -1;
        }
        if ((a->kind == ALTER_ADD_COLUMN || a->kind == ALTER_MODIFY_COLUMN) &&
            ddl_index_of_column(run->x, &a->column, &spec) && add_index(run, &spec, false) != 0) {
            return -1;
        }
    }
    return 0;
}

/* MySQL copies the table when its primary key goes and none comes. */
static void note_primary(struct alter_run *run)
{
    const struct table_def *a = run->before;
    const struct table_def *b = run->t;
    const bool had = a->index_count > 0 && a->indexes[0].kind == INDEX_DEF_PRIMARY;
    const bool has = b->index_count > 0 && b->indexes[0].kind == INDEX_DEF_PRIMARY;
    if (had && !has) {
        run->counts_rows = true;
    }
}

int alter_indexes(struct alter_run *run)
{
    if (check_names(run) != 0 || keep_indexes(run) != 0 || add_indexes(run) != 0) {
        return -1;
    }
    note_primary(run);
    return 0;
}
