#include "resolve_fixture.h"

#include "types/charset.h"
#include "types/collation.h"

#include <stdio.h>
#include <stdlib.h>

static const struct table_def *find_table(void *arg, struct str db, struct str name)
{
    struct fixture *f = arg;
    for (uint32_t i = 0; i < f->table_count; i++) {
        if (str_eq(f->tables[i].db, db) && str_eq(f->tables[i].name, name)) {
            return &f->tables[i];
        }
    }
    return NULL;
}

void fixture_init(struct fixture *f, enum sql_dialect dialect)
{
    *f = (struct fixture){0};
    arena_init(&f->arena, 0);
    arena_init(&f->stmt, 0);
    diag_init(&f->diag);
    f->env = (struct resolve_env){
        .current_db = STR("td"),
        .sql_mode = SQL_MODE_ONLY_FULL_GROUP_BY | SQL_MODE_STRICT_TRANS_TABLES |
                    SQL_MODE_NO_ZERO_DATE | SQL_MODE_NO_ZERO_IN_DATE |
                    SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO,
        .dialect = dialect,
        .collation_connection =
            dialect == DIALECT_MYSQL ? COLLATION_UTF8MB4_0900_AI_CI : COLLATION_UTF8MB4_GENERAL_CI,
        .div_precision_increment = 4,
        .group_concat_max_len = 1024,
        .sql_select_limit = UINT64_MAX,
        .find_table = find_table,
        .arg = f,
    };
}

void fixture_release(struct fixture *f)
{
    arena_release(&f->stmt);
    arena_release(&f->arena);
    diag_release(&f->diag);
}

static _Noreturn void give_up(struct fixture *f, const char *what)
{
    const struct str m = f->diag.error != NULL ? f->diag.error->message : STR("?");
    (void)fprintf(stderr, "%s: %.*s\n", what, (int)m.len, m.p);
    exit(2);
}

/* Display widths of types written without a length. */
static uint32_t default_length(const struct sql_type *t)
{
    const bool u = type_is_unsigned(t);
    switch (t->type) {
    case MYSQL_TYPE_TINY:
        return u ? 3 : 4;
    case MYSQL_TYPE_SHORT:
        return u ? 5 : 6;
    case MYSQL_TYPE_INT24:
        return u ? 8 : 9;
    case MYSQL_TYPE_LONG:
        return u ? 10 : 11;
    case MYSQL_TYPE_LONGLONG:
        return 20;
    case MYSQL_TYPE_NEWDECIMAL:
        return 10;
    case MYSQL_TYPE_FLOAT:
        return 12;
    case MYSQL_TYPE_DOUBLE:
        return 22;
    case MYSQL_TYPE_YEAR:
        return 4;
    case MYSQL_TYPE_DATE:
        return 10;
    case MYSQL_TYPE_TIME:
        return 10 + (t->decimals > 0 ? t->decimals + 1u : 0);
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return 19 + (t->decimals > 0 ? t->decimals + 1u : 0);
    case MYSQL_TYPE_BLOB:
        return 65535;
    case MYSQL_TYPE_MEDIUM_BLOB:
        return 16777215;
    default:
        return 1;
    }
}

static uint16_t column_collation(const struct fixture *f, const struct column_spec *c)
{
    switch (type_class_of(c->type.type)) {
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        break;
    default:
        return COLLATION_BINARY;
    }
    if (c->type.collation == COLLATION_BINARY) {
        return COLLATION_BINARY;
    }
    if (c->collation.p != NULL) {
        return collation_find_name(c->collation, f->env.dialect)->id;
    }
    if (c->charset.p != NULL) {
        return charset_default_collation(charset_find(c->charset), f->env.dialect);
    }
    return f->env.collation_connection;
}

static void set_column(struct fixture *f, struct column_def *to, const struct column_spec *c,
                       uint32_t id)
{
    *to = (struct column_def){.id = id,
                              .name = arena_dup(&f->arena, c->name),
                              .type = c->type,
                              .invisible = c->invisible};
    if (c->not_null || c->primary_key) {
        to->type.flags |= NOT_NULL_FLAG;
    }
    if (to->type.type == MYSQL_TYPE_YEAR || to->type.type == MYSQL_TYPE_BIT) {
        to->type.flags |= UNSIGNED_FLAG;
    }
    if (to->type.type == MYSQL_TYPE_FLOAT || to->type.type == MYSQL_TYPE_DOUBLE) {
        to->type.decimals = DECIMALS_NOT_FIXED;
        to->type.length = default_length(&to->type);
    }
    if (!c->has_length || to->type.length == 0) {
        to->type.length = default_length(&to->type);
    }
    to->type.collation = column_collation(f, c);
    if (c->type.labels != NULL) {
        struct type_labels *labels = ARENA_NEW(&f->arena, struct type_labels);
        struct str *names = ARENA_ARRAY(&f->arena, struct str, c->type.labels->count);
        for (uint32_t i = 0; i < c->type.labels->count; i++) {
            names[i] = arena_dup(&f->arena, c->type.labels->names[i]);
        }
        *labels = (struct type_labels){.count = c->type.labels->count, .names = names};
        to->type.labels = labels;
        to->type.length = 3;
    }
}

static void add_index(struct fixture *f, struct table_def *t, enum index_def_kind kind,
                      uint32_t count, const struct str *names)
{
    struct index_def *index = &t->indexes[t->index_count++];
    *index = (struct index_def){.id = t->index_count, .kind = kind, .column_count = count};
    index->columns = ARENA_ARRAY(&f->arena, struct index_column, count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < t->column_count; c++) {
            if (str_eq_nocase(t->columns[c].name, names[i])) {
                index->columns[i].column = c;
                if (kind == INDEX_DEF_PRIMARY) {
                    t->columns[c].type.flags |= NOT_NULL_FLAG | PRI_KEY_FLAG;
                }
            }
        }
    }
}

static void add_table(struct fixture *f, const struct create_table_stmt *s)
{
    if (f->table_count == FIXTURE_MAX_TABLES) {
        give_up(f, "too many tables");
    }
    struct table_def *t = &f->tables[f->table_count++];
    *t = (struct table_def){.id = f->table_count,
                            .db = STR("td"),
                            .name = arena_dup(&f->arena, s->table.name),
                            .column_count = s->column_count};
    t->columns = ARENA_ARRAY(&f->arena, struct column_def, s->column_count);
    t->indexes = ARENA_ARRAY(&f->arena, struct index_def, s->column_count + s->index_count);
    for (uint32_t i = 0; i < s->column_count; i++) {
        set_column(f, &t->columns[i], &s->columns[i], i + 1);
    }
    for (uint32_t i = 0; i < s->column_count; i++) {
        if (s->columns[i].primary_key || s->columns[i].unique_key) {
            add_index(f, t, s->columns[i].primary_key ? INDEX_DEF_PRIMARY : INDEX_DEF_UNIQUE, 1,
                      &s->columns[i].name);
        }
    }
    for (uint32_t i = 0; i < s->index_count; i++) {
        const struct index_spec *spec = &s->indexes[i];
        struct str names[16];
        for (uint32_t j = 0; j < spec->part_count && j < ARRAY_SIZE(names); j++) {
            names[j] = spec->parts[j].column;
        }
        if (spec->kind == INDEX_PRIMARY || spec->kind == INDEX_UNIQUE) {
            add_index(f, t, spec->kind == INDEX_PRIMARY ? INDEX_DEF_PRIMARY : INDEX_DEF_UNIQUE,
                      spec->part_count, names);
        }
    }
}

static struct parse_options parse_options(const struct fixture *f)
{
    return (struct parse_options){.sql_mode = f->env.sql_mode,
                                  .dialect = f->env.dialect,
                                  .version = f->env.dialect == DIALECT_MYSQL ? 90704 : 101119,
                                  .collation = f->env.collation_connection};
}

void fixture_create(struct fixture *f, const char *sql)
{
    const struct parse_options options = parse_options(f);
    struct str text = str_from_cstr(sql);
    while (str_trim(text).len > 0) {
        struct stmt *stmt;
        size_t used;
        arena_reset(&f->stmt);
        if (sql_parse(text, &options, &f->stmt, &f->diag, &stmt, &used) != 0) {
            give_up(f, sql);
        }
        if (stmt->kind == STMT_CREATE_TABLE) {
            add_table(f, &stmt->create_table);
        }
        text = str_from(text.p + used, text.len - used);
    }
}

void fixture_create_file(struct fixture *f, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    char *text = calloc(1, 1 << 20);
    const size_t len = text != NULL ? fread(text, 1, (1 << 20) - 1, file) : 0;
    (void)fclose(file);
    if (len > 0) {
        fixture_create(f, text);
    }
    free(text);
}

struct stmt *fixture_resolve(struct fixture *f, const char *sql)
{
    const struct parse_options options = parse_options(f);
    struct stmt *stmt;
    size_t used;
    arena_reset(&f->stmt);
    diag_reset(&f->diag);
    if (sql_parse(str_from_cstr(sql), &options, &f->stmt, &f->diag, &stmt, &used) != 0 ||
        sql_resolve(stmt, &f->env, &f->stmt, &f->diag) != 0) {
        return NULL;
    }
    return stmt;
}
