/* See define.h. */
#include "mirror/define.h"

#include "exec/define.h"
#include "sql/parse.h"

/* ---- The model ---- */

void mirror_model_init(struct mirror_model *m)
{
    *m = (struct mirror_model){.server.version_id = 0};
    arena_init(&m->arena, 0);
    os_rwlock_init(&m->server.vars_lock);
    fmutex_init(&m->server.writer);
}

void mirror_model_release(struct mirror_model *m)
{
    fmutex_release(&m->server.writer);
    os_rwlock_release(&m->server.vars_lock);
    arena_release(&m->arena);
}

void mirror_model_set(struct mirror_model *m, const struct server *of, enum upstream_kind kind,
                      uint32_t version_id)
{
    struct server *s = &m->server;
    const enum sql_dialect dialect = kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL;
    const bool is_first = s->catalog == NULL;
    s->version_id = version_id;
    s->catalog = of->catalog;
    s->accounts = of->accounts;
    if (is_first || s->dialect != dialect) {
        s->dialect = dialect;
        sysvars_init(&s->vars, dialect, &m->arena);
        s->vars.sql_mode = 0;
    }
}

/* ---- What is left out ---- */

static bool is_plain_index(const struct index_spec *index)
{
    for (uint32_t p = 0; p < index->part_count; p++) {
        if (index->parts[p].expr != NULL) {
            return false;
        }
    }
    return index->kind <= INDEX_PLAIN;
}

static bool is_now(const struct expr *e)
{
    return e->kind == EXPR_CALL && str_eq_nocase(e->call.name, STR("NOW"));
}

/* Is it a default that a definition can hold? */
static bool is_constant_default(const struct exec_session *x, const struct column_spec *c)
{
    const struct expr *e = c->default_value;
    const bool is_time =
        c->type.type == MYSQL_TYPE_DATETIME || c->type.type == MYSQL_TYPE_TIMESTAMP;
    if ((e->flags & EXPR_PARENTHESISED) != 0 && x->server->dialect == DIALECT_MYSQL) {
        return false;
    }
    return e->kind == EXPR_LITERAL || (is_now(e) && is_time);
}

static void simplify_column(const struct exec_session *x, struct column_spec *c)
{
    c->references = false;
    c->check = NULL;
    c->generated = GENERATED_NONE;
    c->generated_expr = NULL;
    if (c->default_value != NULL && !is_constant_default(x, c)) {
        c->has_default = false;
        c->default_value = NULL;
    }
}

/* Leaves out what has no meaning for a copy that is only read. */
static void simplify(const struct exec_session *x, struct create_table_stmt *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->index_count; i++) {
        if (is_plain_index(&s->indexes[i])) {
            s->indexes[kept++] = s->indexes[i];
        }
    }
    s->index_count = kept;
    s->check_count = 0;
    for (uint32_t i = 0; i < s->column_count; i++) {
        simplify_column(x, &s->columns[i]);
    }
}

/* Leaves out all that is not a name, a type or a key. */
static void strip(struct create_table_stmt *s)
{
    s->options.row_format = STR_NULL;
    s->options.others = STR_NULL;
    for (uint32_t i = 0; i < s->column_count; i++) {
        s->columns[i].has_default = false;
        s->columns[i].default_value = NULL;
        s->columns[i].on_update = NULL;
    }
}

/* ---- Definitions ---- */

/* How a column is generated: by place. */
struct generation_note {
    struct str text; /* p NULL = not at all */
    bool stored;
};

static struct generation_note *read_generated(struct arena *a, const struct stmt *stmt)
{
    const struct create_table_stmt *s = &stmt->create_table;
    struct generation_note *notes = ARENA_ARRAY(a, struct generation_note, s->column_count);
    for (uint32_t i = 0; i < s->column_count; i++) {
        const struct src_range *r = &s->columns[i].generated_src;
        if (s->columns[i].generated != GENERATED_NONE) {
            notes[i].text = str_from(stmt->text.p + r->offset, r->len);
            notes[i].stored = s->columns[i].generated == GENERATED_STORED;
        }
    }
    return notes;
}

static void note_generated(struct table_def *t, const struct generation_note *notes)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (notes[i].text.p != NULL) {
            t->columns[i].generated_text = arena_dup(t->arena, notes[i].text);
            t->columns[i].generated_stored = notes[i].stored;
        }
    }
}

bool mirror_cascades(const struct index_spec *index)
{
    static const enum fk_action silent[] = {FK_CASCADE, FK_SET_NULL, FK_SET_DEFAULT};
    for (size_t i = 0; index->kind == INDEX_FOREIGN && i < ARRAY_SIZE(silent); i++) {
        if (index->on_delete == silent[i] || index->on_update == silent[i]) {
            return true;
        }
    }
    return false;
}

bool mirror_has_cascades(const struct create_table_stmt *s)
{
    for (uint32_t i = 0; i < s->index_count; i++) {
        if (mirror_cascades(&s->indexes[i])) {
            return true;
        }
    }
    return false;
}

int mirror_define_parsed(struct exec_session *x, const struct database_def *db, struct stmt *stmt,
                         unsigned flags, struct table_def **out)
{
    struct create_table_stmt *s = &stmt->create_table;
    const struct generation_note *notes = read_generated(&x->stmt_arena, stmt);
    const bool cascades = mirror_has_cascades(s);
    simplify(x, s);
    if ((flags & MIRROR_DEFINE_BARE) != 0) {
        strip(s);
    }
    if (exec_define_table(x, s, db, out) != 0) {
        return -1;
    }
    note_generated(*out, notes);
    (*out)->cascades = cascades;
    return 0;
}

int mirror_parse(struct exec_session *x, struct str sql, struct stmt **out)
{
    size_t used;
    const struct parse_options options = exec_parse_options(x);
    diag_reset(x->diag);
    arena_reset(&x->stmt_arena);
    if (sql_parse(sql, &options, &x->stmt_arena, x->diag, out, &used) != 0) {
        return -1;
    }
    if ((*out)->kind != STMT_CREATE_TABLE || (*out)->create_table.like) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "this kind of table");
    }
    return 0;
}

int mirror_define(struct exec_session *x, const struct database_def *db, struct str sql,
                  unsigned flags, struct table_def **out)
{
    struct stmt *stmt;
    return mirror_parse(x, sql, &stmt) != 0 ? -1 : mirror_define_parsed(x, db, stmt, flags, out);
}
