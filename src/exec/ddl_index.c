/* Indexes: names, key parts, limits, order. See ddl_int.h. */
#include "exec/ddl_int.h"

#include <ctype.h>

#define INDEX_COMMENT_CHARS 1024

/* MySQL's ER_UNSUPPORTED_INDEX_ALGORITHM. */
#define ERROR_NO_INDEX_ALGORITHM 3502

struct index_build {
    struct exec_session *x;
    struct table_def *t;
    const struct index_spec *spec;
    struct index_def *ix;
    uint64_t key_bytes;
};

static const enum index_def_kind kinds[] = {
    [INDEX_PRIMARY] = INDEX_DEF_PRIMARY, [INDEX_UNIQUE] = INDEX_DEF_UNIQUE,
    [INDEX_PLAIN] = INDEX_DEF_PLAIN,     [INDEX_FULLTEXT] = INDEX_DEF_FULLTEXT,
    [INDEX_SPATIAL] = INDEX_DEF_SPATIAL, [INDEX_FOREIGN] = INDEX_DEF_PLAIN,
};

static int refuse_unsupported(struct exec_session *x, const struct index_spec *spec)
{
    static const char *const names[] = {
        [INDEX_FULLTEXT] = "FULLTEXT indexes",
        [INDEX_SPATIAL] = "SPATIAL indexes",
        [INDEX_FOREIGN] = "FOREIGN KEY constraints",
    };
    if (spec->kind == INDEX_FULLTEXT || spec->kind == INDEX_SPATIAL ||
        spec->kind == INDEX_FOREIGN) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, names[spec->kind]);
    }
    for (uint32_t i = 0; i < spec->part_count; i++) {
        if (spec->parts[i].expr != NULL) {
            return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "functional key parts");
        }
    }
    return 0;
}

/* ---- Names ---- */

/* The first column's name, or that with the first free number from 2 on. */
static struct str made_up_name(const struct index_build *b)
{
    struct arena *a = b->t->arena;
    const struct str base = b->t->columns[b->ix->columns[0].column].name;
    if (!str_eq_nocase(base, STR("PRIMARY")) && table_find_index(b->t, base) < 0) {
        return arena_dup(a, base);
    }
    struct str name = base;
    for (unsigned n = 2; n <= DDL_MAX_INDEXES + 2; n++) {
        name = arena_printf(a, "%.*s_%u", STR_FMT(base), n);
        if (table_find_index(b->t, name) < 0) {
            break;
        }
    }
    return name;
}

static int set_name(struct index_build *b)
{
    struct exec_session *x = b->x;
    const struct str name = b->spec->name;
    if (b->spec->kind == INDEX_PRIMARY) {
        b->ix->name = STR("PRIMARY");
        return 0;
    }
    if (name.p == NULL) {
        b->ix->name = made_up_name(b);
        return 0;
    }
    if (str_eq_nocase(name, STR("PRIMARY"))) {
        return diag_set(x->diag, ER_WRONG_NAME_FOR_INDEX, ddl_text(x, name));
    }
    if (ddl_check_name(x, name, DDL_NAME_INDEX) != 0) {
        return -1;
    }
    if (table_find_index(b->t, name) >= 0) {
        return diag_set(x->diag, ER_DUP_KEYNAME, ddl_text(x, name));
    }
    b->ix->name = arena_dup(b->t->arena, name);
    return 0;
}

/* ---- Parts ---- */

static uint32_t char_bytes(const struct sql_type *t)
{
    if (t->type == MYSQL_TYPE_JSON) {
        return 4; /* MariaDB's JSON is utf8mb4 text */
    }
    const struct collation *c = collation_find(t->collation);
    return c == NULL ? 1 : c->charset->max_len;
}

static int set_prefix(struct index_build *b, const struct index_part *part,
                      const struct column_def *c, struct index_column *out)
{
    struct exec_session *x = b->x;
    const struct sql_type *t = &c->type;
    const bool blob = (t->flags & BLOB_FLAG) != 0;
    const bool is_string = type_class_of(t->type) == TYPE_CLASS_STRING;
    if (t->type == MYSQL_TYPE_JSON && x->server->dialect == DIALECT_MYSQL) {
        return diag_set(x->diag, ER_JSON_USED_AS_KEY, ddl_text(x, c->name));
    }
    if (part->prefix_len == 0 && blob && b->spec->kind == INDEX_PLAIN &&
        x->server->dialect == DIALECT_MARIADB) {
        return 0; /* cut by check_key_bytes() */
    }
    if (part->prefix_len == 0) {
        return blob ? diag_set(x->diag, ER_BLOB_KEY_WITHOUT_LENGTH, ddl_text(x, c->name)) : 0;
    }
    if (!is_string || part->prefix_len > t->length) {
        return diag_set(x->diag, ER_WRONG_SUB_KEY);
    }
    out->prefix_len = !blob && part->prefix_len == t->length ? 0 : part->prefix_len;
    return 0;
}

/* Bytes of the part in an index of InnoDB, roughly: it is what the limit is about. */
static uint64_t part_bytes(const struct column_def *c, uint32_t prefix_len)
{
    const struct sql_type *t = &c->type;
    if (type_class_of(t->type) != TYPE_CLASS_STRING && t->type != MYSQL_TYPE_JSON) {
        return 8;
    }
    return (uint64_t)(prefix_len > 0 ? prefix_len : t->length) * char_bytes(t);
}

/* A plain key that is too long is cut with a warning by MariaDB, and refused by MySQL. */
static int check_key_bytes(struct index_build *b, uint64_t bytes, struct index_column *part)
{
    if (bytes <= DDL_MAX_KEY_BYTES) {
        return 0;
    }
    struct exec_session *x = b->x;
    if (x->server->dialect == DIALECT_MYSQL || b->spec->kind != INDEX_PLAIN) {
        return diag_set(x->diag, ER_TOO_LONG_KEY, DDL_MAX_KEY_BYTES);
    }
    diag_warn(x->diag, DIAG_NOTE, ER_TOO_LONG_KEY, DDL_MAX_KEY_BYTES);
    part->prefix_len = DDL_MAX_KEY_BYTES / char_bytes(&b->t->columns[part->column].type);
    return 0;
}

static int add_part(struct index_build *b, const struct index_part *part)
{
    struct exec_session *x = b->x;
    struct index_def *ix = b->ix;
    const int32_t column = table_find_column(b->t, part->column);
    if (column < 0) {
        return diag_set(x->diag, ER_KEY_COLUMN_DOES_NOT_EXITS, ddl_text(x, part->column));
    }
    for (uint32_t i = 0; i < ix->column_count; i++) {
        if (ix->columns[i].column == (uint32_t)column) {
            return diag_set(x->diag, ER_DUP_FIELDNAME, ddl_text(x, part->column));
        }
    }
    struct column_def *c = &b->t->columns[column];
    struct index_column *out = &ix->columns[ix->column_count];
    *out = (struct index_column){.column = (uint32_t)column, .desc = part->desc};
    if (set_prefix(b, part, c, out) != 0) {
        return -1;
    }
    const uint64_t bytes = part_bytes(c, out->prefix_len);
    b->key_bytes += bytes;
    if (check_key_bytes(b, bytes, out) != 0) {
        return -1;
    }
    ix->column_count++;
    if (ix->kind == INDEX_DEF_PRIMARY) {
        c->type.flags |= NOT_NULL_FLAG;
    }
    return 0;
}

static int add_parts(struct index_build *b)
{
    const struct index_spec *spec = b->spec;
    if (spec->part_count > DDL_MAX_KEY_PARTS) {
        return diag_set(b->x->diag, ER_TOO_MANY_KEY_PARTS, DDL_MAX_KEY_PARTS);
    }
    b->ix->columns = ARENA_ARRAY(b->t->arena, struct index_column, spec->part_count);
    for (uint32_t i = 0; i < spec->part_count; i++) {
        if (add_part(b, &spec->parts[i]) != 0) {
            return -1;
        }
    }
    if (b->key_bytes > DDL_MAX_KEY_BYTES && b->x->server->dialect == DIALECT_MYSQL) {
        return diag_set(b->x->diag, ER_TOO_LONG_KEY, DDL_MAX_KEY_BYTES);
    }
    return 0;
}

/* ---- The index ---- */

static bool same_parts(const struct index_def *a, const struct index_def *b)
{
    if (a->kind != b->kind || a->column_count != b->column_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->column_count; i++) {
        const struct index_column *p = &a->columns[i];
        const struct index_column *q = &b->columns[i];
        if (p->column != q->column || p->prefix_len != q->prefix_len || p->desc != q->desc) {
            return false;
        }
    }
    return true;
}

static void warn_duplicate(struct index_build *b)
{
    struct exec_session *x = b->x;
    for (uint32_t i = 0; i < b->t->index_count; i++) {
        if (!same_parts(&b->t->indexes[i], b->ix)) {
            continue;
        }
        const char *name = ddl_text(x, b->ix->name);
        if (x->server->dialect == DIALECT_MYSQL) {
            diag_warn(x->diag, DIAG_WARNING, ER_DUP_INDEX, name, ddl_text(x, b->t->db),
                      ddl_text(x, b->t->name));
        } else {
            diag_warn_at(x->diag, DIAG_NOTE, ER_DUP_INDEX,
                         "Duplicate index `%s`. This is deprecated and will be disallowed in a "
                         "future release",
                         name);
        }
        return;
    }
}

/* MySQL shows the algorithm that InnoDB really uses, MariaDB what was written. */
static struct str shown_algorithm(struct exec_session *x, struct arena *a, struct str written)
{
    if (written.p == NULL) {
        return STR_NULL;
    }
    if (x->server->dialect == DIALECT_MYSQL && !str_eq_nocase(written, STR("BTREE"))) {
        diag_warn_at(x->diag, DIAG_NOTE, ERROR_NO_INDEX_ALGORITHM,
                     "This storage engine does not support the HASH index algorithm, storage "
                     "engine default was used instead.");
        return STR_NULL;
    }
    char *p = arena_dup_cstr(a, written);
    for (size_t i = 0; i < written.len; i++) {
        p[i] = (char)toupper((unsigned char)p[i]);
    }
    return str_from(p, written.len);
}

static int set_comment(struct index_build *b)
{
    const struct str comment = b->spec->comment;
    if (comment.p == NULL) {
        return 0;
    }
    if (utf8_count(comment) > INDEX_COMMENT_CHARS) {
        return diag_set(b->x->diag, ER_TOO_LONG_INDEX_COMMENT, ddl_text(b->x, b->ix->name),
                        (unsigned long)INDEX_COMMENT_CHARS);
    }
    b->ix->comment = arena_dup(b->t->arena, comment);
    return 0;
}

static void insert_index(struct table_def *t, const struct index_def *ix)
{
    struct index_def *indexes = ARENA_ARRAY(t->arena, struct index_def, t->index_count + 1);
    /* The primary key is always the first. */
    const uint32_t at = ix->kind == INDEX_DEF_PRIMARY ? 0 : t->index_count;
    for (uint32_t i = 0; i < t->index_count; i++) {
        indexes[i < at ? i : i + 1] = t->indexes[i];
    }
    indexes[at] = *ix;
    t->indexes = indexes;
    t->index_count++;
}

static int make_index(struct index_build *b)
{
    struct exec_session *x = b->x;
    struct table_def *t = b->t;
    if (refuse_unsupported(x, b->spec) != 0) {
        return -1;
    }
    if (b->spec->kind == INDEX_PRIMARY && t->index_count > 0 &&
        t->indexes[0].kind == INDEX_DEF_PRIMARY) {
        return diag_set(x->diag, ER_MULTIPLE_PRI_KEY);
    }
    if (t->index_count == DDL_MAX_INDEXES) {
        return diag_set(x->diag, ER_TOO_MANY_KEYS, DDL_MAX_INDEXES);
    }
    if (add_parts(b) != 0 || set_name(b) != 0 || set_comment(b) != 0) {
        return -1;
    }
    b->ix->invisible = b->spec->invisible;
    b->ix->algorithm = shown_algorithm(x, t->arena, b->spec->algorithm);
    return 0;
}

int ddl_add_index(struct exec_session *x, struct table_def *t, const struct index_spec *spec)
{
    struct index_def ix = {.kind = kinds[spec->kind]};
    struct index_build b = {.x = x, .t = t, .spec = spec, .ix = &ix};
    if (make_index(&b) != 0) {
        return -1;
    }
    warn_duplicate(&b);
    ix.id = t->next_index_id++;
    insert_index(t, &ix);
    return 0;
}

int ddl_keep_index(struct exec_session *x, struct table_def *t, const struct index_spec *spec,
                   uint32_t id)
{
    struct index_def ix = {.kind = kinds[spec->kind], .id = id};
    struct index_build b = {.x = x, .t = t, .spec = spec, .ix = &ix};
    if (make_index(&b) != 0) {
        return -1;
    }
    insert_index(t, &ix);
    return 0;
}

bool ddl_index_of_column(struct exec_session *x, const struct column_spec *column,
                         struct index_spec *out)
{
    if (!column->primary_key && !column->unique_key) {
        return false;
    }
    struct index_part *part = ARENA_NEW(&x->stmt_arena, struct index_part);
    part->column = column->name;
    *out = (struct index_spec){
        .kind = column->primary_key ? INDEX_PRIMARY : INDEX_UNIQUE, .part_count = 1, .parts = part};
    return true;
}

/* ---- Order ---- */

static int rank(const struct table_def *t, const struct index_def *ix)
{
    if (ix->kind == INDEX_DEF_PRIMARY) {
        return 0;
    }
    if (ix->kind != INDEX_DEF_UNIQUE) {
        return 3;
    }
    for (uint32_t i = 0; i < ix->column_count; i++) {
        if (type_is_nullable(&t->columns[ix->columns[i].column].type)) {
            return 2;
        }
    }
    return 1;
}

void ddl_sort_indexes(struct table_def *t)
{
    /* By insertion, which keeps the order of equals; there are few. */
    for (uint32_t i = 1; i < t->index_count; i++) {
        const struct index_def ix = t->indexes[i];
        const int r = rank(t, &ix);
        uint32_t at = i;
        while (at > 0 && rank(t, &t->indexes[at - 1]) > r) {
            t->indexes[at] = t->indexes[at - 1];
            at--;
        }
        t->indexes[at] = ix;
    }
}
