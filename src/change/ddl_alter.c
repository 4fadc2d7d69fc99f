/*
 * ALTER TABLE, CREATE INDEX, DROP INDEX: converted in the copy when that is exact, else the table
 * is copied again. See ddl_int.h.
 */
#include "change/ddl_int.h"
#include "change/ddl_words.h"
#include "mirror/define.h"

#include "exec/define.h"

struct alter_plan {
    struct ddl_run *run;
    struct alter_table_stmt *s;
    struct copy_table *now;
    struct str db, name; /* Behind it. */
    const char *why_not; /* Why it cannot be converted; NULL = it can. */
    bool adds_cascades;
};

static bool refuse(struct alter_plan *p, const char *why)
{
    p->why_not = why;
    return false;
}

static const struct table_def *def_of(const struct alter_plan *p)
{
    return p->now->def;
}

/* ---- Actions: each says whether it is to be carried out ---- */

static bool is_constant(const struct alter_plan *p, const struct expr *e)
{
    return e->kind == EXPR_LITERAL &&
           ((e->flags & EXPR_PARENTHESISED) == 0 || p->run->x->server->dialect != DIALECT_MYSQL);
}

static bool keep_column(struct alter_plan *p, struct alter_action *a)
{
    struct column_spec *c = &a->column;
    if (c->generated != GENERATED_NONE) {
        return refuse(p, "a generated column was added or changed");
    }
    if (c->references && ddl_has_column_keys(p->run)) {
        return refuse(p, "a foreign key was added");
    }
    ddl_translate_column(p->run, c);
    if (!ddl_column_is_certain(p->run, c, true)) {
        return refuse(p, "a column was added or changed whose properties are not in the statement");
    }
    c->references = false;
    c->check = NULL;
    return true;
}

static bool keep_added_column(struct alter_plan *p, struct alter_action *a)
{
    const struct column_spec *c = &a->column;
    if (c->auto_increment || c->is_serial) {
        return refuse(p, "an AUTO_INCREMENT column was added");
    }
    if (c->default_value != NULL && !is_constant(p, c->default_value)) {
        return refuse(p, "a column was added whose default is computed");
    }
    return keep_column(p, a);
}

static bool has_generated(const struct table_def *t)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].generated_text.p != NULL) {
            return true;
        }
    }
    return false;
}

static bool keep_modified_column(struct alter_plan *p, struct alter_action *a)
{
    if (has_generated(def_of(p))) {
        return refuse(p, "a column was changed in a table with generated columns");
    }
    struct column_spec *c = &a->column;
    if (c->default_value != NULL && !is_constant(p, c->default_value) &&
        (c->default_value->kind != EXPR_CALL ||
         !str_eq_nocase(c->default_value->call.name, STR("NOW")))) {
        c->has_default = false; /* of no meaning for the copy */
        c->default_value = NULL;
    }
    return keep_column(p, a);
}

static bool keep_added_index(struct alter_plan *p, struct alter_action *a)
{
    if (mirror_cascades(&a->index)) {
        p->adds_cascades = true;
        if (!ddl_source_logs_cascades(p->run->x->server->dialect, p->run->d->version_id)) {
            return refuse(p, "a foreign key was added whose changes the source does not log");
        }
    }
    bool is_plain = a->index.kind <= INDEX_PLAIN;
    for (uint32_t i = 0; i < a->index.part_count; i++) {
        is_plain = is_plain && a->index.parts[i].expr == NULL;
    }
    return is_plain;
}

/* An index that the copy's definition has not: it is one of those that are left out, or goes under
 * another name; then the key by which rows are found may be another one, too. */
static bool keep_about_index(struct alter_plan *p, struct alter_action *a)
{
    if (table_find_index(def_of(p), a->name) >= 0) {
        return true;
    }
    return p->now->key.is_primary || a->if_exists
               ? false
               : refuse(p, "an index was changed that is not in the copy's definition");
}

/* DROP CONSTRAINT is of keys, too. */
static bool keep_dropped_check(struct alter_plan *p, struct alter_action *a)
{
    if (table_find_index(def_of(p), a->name) < 0) {
        return p->now->key.is_primary || p->now->key.count == 0
                   ? false
                   : refuse(p, "a constraint was dropped that is not in the copy's definition");
    }
    a->kind = ALTER_DROP_INDEX;
    return true;
}

static bool keep_options(struct alter_plan *p, struct alter_action *a)
{
    const struct str engine = a->options.engine;
    if (engine.p != NULL && !str_eq_nocase(engine, STR("InnoDB"))) {
        return refuse(p, "the table's engine was changed");
    }
    return true;
}

static bool refuse_convert(struct alter_plan *p, struct alter_action *a)
{
    (void)a;
    return refuse(p, "the table was converted to another character set");
}

static bool refuse_partition(struct alter_plan *p, struct alter_action *a)
{
    (void)a;
    return refuse(p, "the table's partitions were changed");
}

static bool keep_set_default(struct alter_plan *p, struct alter_action *a)
{
    if (!is_constant(p, a->default_value)) {
        a->kind = ALTER_DROP_DEFAULT;
    }
    return true;
}

static bool keep(struct alter_plan *p, struct alter_action *a)
{
    (void)p;
    (void)a;
    return true;
}

static bool leave_out(struct alter_plan *p, struct alter_action *a)
{
    (void)p;
    (void)a;
    return false;
}

static bool (*const actions[])(struct alter_plan *p, struct alter_action *a) = {
    [ALTER_ADD_COLUMN] = keep_added_column,
    [ALTER_DROP_COLUMN] = keep,
    [ALTER_MODIFY_COLUMN] = keep_modified_column,
    [ALTER_RENAME_COLUMN] = keep,
    [ALTER_SET_DEFAULT] = keep_set_default,
    [ALTER_DROP_DEFAULT] = keep,
    [ALTER_COLUMN_VISIBILITY] = keep,
    [ALTER_ADD_INDEX] = keep_added_index,
    [ALTER_DROP_INDEX] = keep_about_index,
    [ALTER_RENAME_INDEX] = keep_about_index,
    [ALTER_INDEX_VISIBILITY] = keep_about_index,
    [ALTER_DROP_FOREIGN_KEY] = leave_out,
    [ALTER_ADD_CHECK] = leave_out,
    [ALTER_DROP_CHECK] = keep_dropped_check,
    [ALTER_RENAME_TABLE] = leave_out,
    [ALTER_OPTIONS] = keep_options,
    [ALTER_CONVERT_CHARSET] = refuse_convert,
    [ALTER_ORDER_BY] = leave_out,
    [ALTER_FORCE] = leave_out,
    [ALTER_PARTITION] = refuse_partition,
};

/* Leaves only the actions that the copy's definition is changed by. */
static void choose_actions(struct alter_plan *p)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->s->action_count && p->why_not == NULL; i++) {
        struct alter_action *a = &p->s->actions[i];
        if (actions[a->kind](p, a)) {
            p->s->actions[kept++] = *a;
        }
    }
    p->s->action_count = kept;
    if (p->s->ignore && p->why_not == NULL) {
        p->why_not = "it was altered with IGNORE";
    }
}

/* ---- What comes of it ---- */

/* The name behind it: of the last RENAME. */
static void read_new_name(struct alter_plan *p, struct str db)
{
    p->db = db;
    p->name = p->s->table.name;
    for (uint32_t i = 0; i < p->s->action_count; i++) {
        const struct alter_action *a = &p->s->actions[i];
        if (a->kind == ALTER_RENAME_TABLE) {
            p->db = ddl_db(p->run, a->new_table.db);
            p->name = a->new_table.name;
        }
    }
}

static bool changes_partitions(const struct alter_table_stmt *s)
{
    for (uint32_t i = 0; i < s->action_count; i++) {
        if (s->actions[i].kind == ALTER_PARTITION) {
            return true;
        }
    }
    return false;
}

static void recopy(struct alter_plan *p, struct str reason)
{
    if (ddl_is_wanted(p->run, p->db, p->name)) {
        ddl_recopy(p->run, p->now, p->db, p->name, reason);
    } else {
        ddl_set(p->run, p->now, NULL);
    }
}

/* Is the key made of the same columns, so that progress by it goes on meaning the same? */
static bool same_key(const struct copy_table *a, const struct copy_table *b)
{
    bool same = a->key.count == b->key.count;
    for (uint32_t i = 0; same && i < a->key.count; i++) {
        same = a->def->columns[a->key.columns[i]].id == b->def->columns[b->key.columns[i]].id;
    }
    return same;
}

/* The definition behind the statement; takes the reference of def. */
static void convert(struct alter_plan *p, struct table_def *def, enum exec_altered_rows rows)
{
    struct ddl_run *run = p->run;
    if (!ddl_is_wanted(run, p->db, p->name)) {
        ddl_set(run, p->now, NULL);
        table_def_unref(def);
        return;
    }
    def->db = arena_dup(def->arena, p->db);
    def->name = arena_dup(def->arena, p->name);
    def->cascades |= p->adds_cascades;
    struct copy_table *after = copy_table_successor(run->d->server, p->now, p->db, p->name, def);
    table_def_unref(def);
    if (atomic_load(&p->now->state) == COPY_LOADING && !same_key(p->now, after)) {
        copy_table_unref(after);
        recopy(p, STR("its key was changed while it was copied"));
        return;
    }
    if (rows == EXEC_ALTERED_BY_ENGINE) {
        ddl_add_step(run, DDL_STEP_ALTER, p->now, after);
    }
    ddl_set(run, p->now, after);
}

static void alter(struct alter_plan *p)
{
    struct exec_session *x = p->run->x;
    struct table_def *def;
    enum exec_altered_rows rows;
    choose_actions(p);
    if (p->why_not != NULL) {
        recopy(p, str_from_cstr(p->why_not));
        return;
    }
    if (exec_define_altered(x, p->s, def_of(p), &def, &rows) != 0 ||
        copy_check_definition(x, def, x->diag) != 0) {
        const struct diag_cond *error = x->diag->error;
        recopy(p, error != NULL ? error->message : STR("it was altered"));
        return;
    }
    if (rows == EXEC_ALTERED_ONE_BY_ONE) {
        table_def_unref(def);
        recopy(p, STR("it was altered in a way that converts values"));
        return;
    }
    convert(p, def, rows);
}

int ddl_plan_alter_table(struct ddl_run *run)
{
    struct alter_plan p = {.run = run, .s = &run->stmt->alter_table};
    const struct str db = ddl_db(run, p.s->table.db);
    read_new_name(&p, db);
    if (changes_partitions(p.s)) {
        /* The tables that partitions are exchanged with change, too. */
        ddl_recopy_other_tables(run, STR("partitions were changed"));
        return 0;
    }
    p.now = ddl_find(run, db, p.s->table.name);
    if (p.now == NULL) {
        ddl_rename(run, db, p.s->table.name, p.db, p.name);
    } else if (copy_has_storage(p.now)) {
        alter(&p);
    } else {
        recopy(&p, STR("it was altered"));
    }
    return 0;
}
