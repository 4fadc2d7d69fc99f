/*
 * Definitions as SQL text: SHOW CREATE TABLE, SHOW CREATE DATABASE, and the texts of SHOW COLUMNS,
 * as MySQL 9.7 and MariaDB 10.11 write them. Both were read off the servers.
 */
#include "base/bytebuf.h"
#include "catalog/catalog.h"
#include "types/charset.h"
#include "types/collation.h"

#include <stdatomic.h>

/* Above what 4096 columns with ENUMs of 65535 labels can make. */
#define SQL_TEXT_MAX ((size_t)1 << 30)

static struct str take(struct bytebuf *b, struct arena *arena)
{
    const struct str s = arena_dup(arena, bytebuf_str(b));
    bytebuf_release(b);
    return s;
}

/* A string literal with the escapes that the servers use in these texts. */
static void put_quoted(struct bytebuf *b, struct str s)
{
    bytebuf_put_char(b, '\'');
    for (size_t i = 0; i < s.len; i++) {
        switch (s.p[i]) {
        case '\0':
            bytebuf_put_cstr(b, "\\0");
            break;
        case '\n':
            bytebuf_put_cstr(b, "\\n");
            break;
        case '\r':
            bytebuf_put_cstr(b, "\\r");
            break;
        case '\\':
            bytebuf_put_cstr(b, "\\\\");
            break;
        case '\'':
            bytebuf_put_cstr(b, "''");
            break;
        default:
            bytebuf_put_char(b, s.p[i]);
        }
    }
    bytebuf_put_char(b, '\'');
}

static void put_comment(struct bytebuf *b, const char *word, struct str comment)
{
    if (comment.len > 0) {
        bytebuf_put_cstr(b, word);
        put_quoted(b, comment);
    }
}

/* ---- Types ---- */

enum type_text {
    TEXT_PLAIN,   /* the name alone */
    TEXT_WIDTH,   /* name(length) */
    TEXT_INT,     /* name, or name(width) where the dialect shows one */
    TEXT_REAL,    /* name, or name(length,decimals) */
    TEXT_DECIMAL, /* name(length,decimals) */
    TEXT_TEMPORAL,
    TEXT_LABELS,
};

struct type_name {
    enum mysql_type type;
    enum type_text form;
    const char *name;
    const char *binary_name; /* under the binary collation */
};

static const struct type_name type_names[] = {
    {MYSQL_TYPE_TINY, TEXT_INT, "tinyint", NULL},
    {MYSQL_TYPE_SHORT, TEXT_INT, "smallint", NULL},
    {MYSQL_TYPE_INT24, TEXT_INT, "mediumint", NULL},
    {MYSQL_TYPE_LONG, TEXT_INT, "int", NULL},
    {MYSQL_TYPE_LONGLONG, TEXT_INT, "bigint", NULL},
    {MYSQL_TYPE_FLOAT, TEXT_REAL, "float", NULL},
    {MYSQL_TYPE_DOUBLE, TEXT_REAL, "double", NULL},
    {MYSQL_TYPE_NEWDECIMAL, TEXT_DECIMAL, "decimal", NULL},
    {MYSQL_TYPE_BIT, TEXT_WIDTH, "bit", NULL},
    {MYSQL_TYPE_DATE, TEXT_PLAIN, "date", NULL},
    {MYSQL_TYPE_TIME, TEXT_TEMPORAL, "time", NULL},
    {MYSQL_TYPE_DATETIME, TEXT_TEMPORAL, "datetime", NULL},
    {MYSQL_TYPE_TIMESTAMP, TEXT_TEMPORAL, "timestamp", NULL},
    {MYSQL_TYPE_YEAR, TEXT_INT, "year", NULL},
    {MYSQL_TYPE_STRING, TEXT_WIDTH, "char", "binary"},
    {MYSQL_TYPE_VARCHAR, TEXT_WIDTH, "varchar", "varbinary"},
    {MYSQL_TYPE_VAR_STRING, TEXT_WIDTH, "varchar", "varbinary"},
    {MYSQL_TYPE_TINY_BLOB, TEXT_PLAIN, "tinytext", "tinyblob"},
    {MYSQL_TYPE_BLOB, TEXT_PLAIN, "text", "blob"},
    {MYSQL_TYPE_MEDIUM_BLOB, TEXT_PLAIN, "mediumtext", "mediumblob"},
    {MYSQL_TYPE_LONG_BLOB, TEXT_PLAIN, "longtext", "longblob"},
    {MYSQL_TYPE_ENUM, TEXT_LABELS, "enum", NULL},
    {MYSQL_TYPE_SET, TEXT_LABELS, "set", NULL},
    {MYSQL_TYPE_JSON, TEXT_PLAIN, "json", NULL},
    {MYSQL_TYPE_GEOMETRY, TEXT_PLAIN, "geometry", NULL},
    {MYSQL_TYPE_VECTOR, TEXT_WIDTH, "vector", NULL},
};

/* MySQL shows the width of TINYINT(1) (except unsigned) and with ZEROFILL only. */
static bool shows_width(const struct sql_type *t, enum sql_dialect dialect)
{
    if (dialect == DIALECT_MARIADB) {
        return true;
    }
    if (t->type == MYSQL_TYPE_YEAR) {
        return false;
    }
    return (t->flags & ZEROFILL_FLAG) != 0 ||
           (t->type == MYSQL_TYPE_TINY && t->length == 1 && !type_is_unsigned(t));
}

static void put_labels(struct bytebuf *b, const struct type_labels *labels)
{
    bytebuf_put_char(b, '(');
    for (uint32_t i = 0; labels != NULL && i < labels->count; i++) {
        if (i > 0) {
            bytebuf_put_char(b, ',');
        }
        put_quoted(b, labels->names[i]);
    }
    bytebuf_put_char(b, ')');
}

static void put_size(struct bytebuf *b, const struct sql_type *t, enum type_text form,
                     enum sql_dialect dialect)
{
    switch (form) {
    case TEXT_PLAIN:
        break;
    case TEXT_WIDTH:
        bytebuf_printf(b, "(%u)", t->length);
        break;
    case TEXT_INT:
        if (shows_width(t, dialect)) {
            bytebuf_printf(b, "(%u)", t->length);
        }
        break;
    case TEXT_REAL:
        if (t->decimals != DECIMALS_NOT_FIXED) {
            bytebuf_printf(b, "(%u,%u)", t->length, t->decimals);
        }
        break;
    case TEXT_DECIMAL:
        bytebuf_printf(b, "(%u,%u)", t->length, t->decimals);
        break;
    case TEXT_TEMPORAL:
        if (t->decimals > 0) {
            bytebuf_printf(b, "(%u)", t->decimals);
        }
        break;
    case TEXT_LABELS:
        put_labels(b, t->labels);
        break;
    }
}

static bool has_sign(const struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    return (class == TYPE_CLASS_INT && t->type != MYSQL_TYPE_YEAR) || class == TYPE_CLASS_REAL ||
           class == TYPE_CLASS_DECIMAL;
}

static void put_type(struct bytebuf *b, const struct sql_type *t, enum sql_dialect dialect)
{
    if (t->type == MYSQL_TYPE_JSON && dialect == DIALECT_MARIADB) {
        bytebuf_put_cstr(b, "longtext");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
        const struct type_name *n = &type_names[i];
        if (n->type == t->type) {
            const bool binary = n->binary_name != NULL && t->collation == COLLATION_BINARY;
            bytebuf_put_cstr(b, binary ? n->binary_name : n->name);
            put_size(b, t, n->form, dialect);
            break;
        }
    }
    if (has_sign(t) && type_is_unsigned(t)) {
        bytebuf_put_cstr(b, " unsigned");
    }
    if (has_sign(t) && (t->flags & ZEROFILL_FLAG) != 0) {
        bytebuf_put_cstr(b, " zerofill");
    }
}

struct str type_to_sql(const struct sql_type *type, enum sql_dialect dialect, struct arena *arena)
{
    struct bytebuf b;
    bytebuf_init(&b, SQL_TEXT_MAX);
    put_type(&b, type, dialect);
    return take(&b, arena);
}

/* ---- Character sets ---- */

static const struct collation *collation_get(uint16_t id)
{
    const struct collation *c = collation_find(id);
    return c != NULL ? c : collation_find(COLLATION_UTF8MB4_GENERAL_CI);
}

/* MariaDB's name for a number where the servers differ. */
static struct str collation_name(uint16_t id, enum sql_dialect dialect)
{
    const unsigned flag = dialect == DIALECT_MARIADB ? COLLATION_IN_MARIADB : COLLATION_IN_MYSQL;
    size_t count;
    const struct collation *list = collation_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (list[i].id == id && (list[i].flags & flag) != 0) {
            return list[i].name;
        }
    }
    return collation_get(id)->name;
}

/* MySQL leaves out the collation that the character set has anyway, except utf8mb4's, whose default
 * was another in former versions. */
static bool shows_collation(const struct collation *c, enum sql_dialect dialect)
{
    return dialect == DIALECT_MARIADB ||
           c->id != charset_default_collation(c->charset, DIALECT_MYSQL) ||
           c->id == COLLATION_UTF8MB4_0900_AI_CI;
}

static bool has_charset(const struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    return class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET ||
           (class == TYPE_CLASS_STRING && t->collation != COLLATION_BINARY);
}

static void put_column_charset(struct bytebuf *b, const struct table_def *t,
                               const struct column_def *c, enum sql_dialect dialect)
{
    if (c->type.type == MYSQL_TYPE_JSON && dialect == DIALECT_MARIADB) {
        bytebuf_put_cstr(b, " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        return;
    }
    if (!has_charset(&c->type)) {
        return;
    }
    const struct collation *coll = collation_get(c->type.collation);
    const bool differs = c->type.collation != t->collation;
    const bool said = dialect == DIALECT_MYSQL && c->explicit_collation;
    if (differs || said) {
        bytebuf_printf(b, " CHARACTER SET %.*s", STR_FMT(coll->charset->name));
    }
    const bool primary = coll->id == charset_default_collation(coll->charset, DIALECT_MYSQL);
    const bool collate =
        dialect == DIALECT_MARIADB
            ? differs && coll->id != COLLATION_BINARY
            : !primary || said || (differs && coll->id == COLLATION_UTF8MB4_0900_AI_CI);
    if (collate) {
        const struct str name = collation_name(coll->id, dialect);
        bytebuf_printf(b, " COLLATE %.*s", STR_FMT(name));
    }
}

/* ---- Defaults ---- */

static void put_now(struct bytebuf *b, const struct column_def *c, enum sql_dialect dialect)
{
    bytebuf_put_cstr(b, dialect == DIALECT_MARIADB ? "current_timestamp" : "CURRENT_TIMESTAMP");
    if (c->type.decimals > 0) {
        bytebuf_printf(b, "(%u)", c->type.decimals);
    } else if (dialect == DIALECT_MARIADB) {
        bytebuf_put_cstr(b, "()");
    }
}

static void put_bits(struct bytebuf *b, uint64_t bits)
{
    bytebuf_put_cstr(b, "b'");
    int top = 63;
    while (top > 0 && (bits >> top & 1) == 0) {
        top--;
    }
    for (int i = top; i >= 0; i--) {
        bytebuf_put_char(b, (bits >> i & 1) != 0 ? '1' : '0');
    }
    bytebuf_put_char(b, '\'');
}

static void put_hex(struct bytebuf *b, struct str s)
{
    bytebuf_put_cstr(b, "0x");
    for (size_t i = 0; i < s.len; i++) {
        bytebuf_printf(b, "%02X", (unsigned char)s.p[i]);
    }
}

static void put_default_value(struct bytebuf *b, const struct column_def *c,
                              enum sql_dialect dialect)
{
    const enum type_class class = type_class_of(c->type.type);
    const bool number =
        class == TYPE_CLASS_INT || class == TYPE_CLASS_DECIMAL || class == TYPE_CLASS_REAL;
    if (class == TYPE_CLASS_BIT) {
        put_bits(b, c->default_value.u);
    } else if (number && dialect == DIALECT_MARIADB) {
        bytebuf_put_str(b, c->default_text);
    } else if (dialect == DIALECT_MYSQL && type_is_binary_string(&c->type) &&
               !str_is_utf8(c->default_text)) {
        put_hex(b, c->default_text);
    } else {
        put_quoted(b, c->default_text);
    }
}

/* MySQL has no defaults for BLOB and TEXT, and says nothing of them. */
static bool shows_null_default(const struct column_def *c, enum sql_dialect dialect)
{
    const bool blob = (c->type.flags & BLOB_FLAG) != 0 && c->type.type != MYSQL_TYPE_JSON;
    return type_is_nullable(&c->type) && c->default_text.p == NULL &&
           (dialect == DIALECT_MARIADB || !blob);
}

static void put_default(struct bytebuf *b, const struct column_def *c, enum sql_dialect dialect)
{
    switch (c->default_kind) {
    case DEFAULT_NONE:
        if (shows_null_default(c, dialect)) {
            bytebuf_put_cstr(b, " DEFAULT NULL");
        }
        break;
    case DEFAULT_VALUE:
        bytebuf_put_cstr(b, " DEFAULT ");
        put_default_value(b, c, dialect);
        break;
    case DEFAULT_NOW:
        bytebuf_put_cstr(b, " DEFAULT ");
        put_now(b, c, dialect);
        break;
    case DEFAULT_EXPR:
        bytebuf_put_cstr(b, dialect == DIALECT_MARIADB ? " DEFAULT " : " DEFAULT (");
        bytebuf_put_str(b, c->default_text);
        bytebuf_put_cstr(b, dialect == DIALECT_MARIADB ? "" : ")");
        break;
    }
    if (c->on_update_now) {
        bytebuf_put_cstr(b, " ON UPDATE ");
        put_now(b, c, dialect);
    }
}

struct str column_default_to_text(const struct column_def *c, enum sql_dialect dialect,
                                  struct arena *arena)
{
    struct bytebuf b;
    if (c->default_kind == DEFAULT_NONE) {
        return STR_NULL;
    }
    bytebuf_init(&b, SQL_TEXT_MAX);
    if (c->default_kind == DEFAULT_NOW) {
        put_now(&b, c, dialect);
    } else if (c->default_kind == DEFAULT_VALUE && type_class_of(c->type.type) == TYPE_CLASS_BIT) {
        put_bits(&b, c->default_value.u);
    } else if (c->default_kind == DEFAULT_VALUE && dialect == DIALECT_MYSQL &&
               type_is_binary_string(&c->type) && c->default_text.len > 0) {
        /* MySQL's text ends at the first zero byte, such as BINARY is filled up with. */
        const char *end = memchr(c->default_text.p, '\0', c->default_text.len);
        put_hex(&b, str_from(c->default_text.p, end == NULL ? c->default_text.len
                                                            : (size_t)(end - c->default_text.p)));
    } else {
        bytebuf_put_str(&b, c->default_text);
    }
    return take(&b, arena);
}

/* Words of Extra are separated by a space in MySQL, by ", " in MariaDB. */
static void put_extra(struct bytebuf *b, const char *word, enum sql_dialect dialect)
{
    if (b->len > 0) {
        bytebuf_put_cstr(b, dialect == DIALECT_MARIADB ? ", " : " ");
    }
    bytebuf_put_cstr(b, word);
}

struct str column_extra_to_text(const struct column_def *c, enum sql_dialect dialect,
                                struct arena *arena)
{
    struct bytebuf b;
    bytebuf_init(&b, SQL_TEXT_MAX);
    if ((c->type.flags & AUTO_INCREMENT_FLAG) != 0) {
        put_extra(&b, "auto_increment", dialect);
    }
    if (dialect == DIALECT_MYSQL &&
        (c->default_kind == DEFAULT_NOW || c->default_kind == DEFAULT_EXPR)) {
        put_extra(&b, "DEFAULT_GENERATED", dialect);
    }
    if (c->on_update_now) {
        put_extra(&b, "on update ", dialect);
        put_now(&b, c, dialect);
    }
    if (c->generated_text.p != NULL) {
        put_extra(&b, c->generated_stored ? "STORED GENERATED" : "VIRTUAL GENERATED", dialect);
    }
    if (c->invisible) {
        put_extra(&b, "INVISIBLE", dialect);
    }
    return take(&b, arena);
}

/* ---- Columns and keys ---- */

static void put_column(struct bytebuf *b, const struct table_def *t, const struct column_def *c,
                       enum sql_dialect dialect)
{
    bytebuf_put_cstr(b, "  ");
    bytebuf_put_quoted(b, c->name, "`");
    bytebuf_put_char(b, ' ');
    put_type(b, &c->type, dialect);
    put_column_charset(b, t, c, dialect);
    if (!type_is_nullable(&c->type)) {
        bytebuf_put_cstr(b, " NOT NULL");
    } else if (c->type.type == MYSQL_TYPE_TIMESTAMP) {
        bytebuf_put_cstr(b, " NULL");
    }
    if (c->invisible && dialect == DIALECT_MARIADB) {
        bytebuf_put_cstr(b, " INVISIBLE");
    }
    if ((c->type.flags & AUTO_INCREMENT_FLAG) == 0) {
        put_default(b, c, dialect);
    } else {
        bytebuf_put_cstr(b, " AUTO_INCREMENT");
    }
    if (c->invisible && dialect == DIALECT_MYSQL) {
        bytebuf_put_cstr(b, " /*!80023 INVISIBLE */");
    }
    put_comment(b, " COMMENT ", c->comment);
    if (c->type.type == MYSQL_TYPE_JSON && dialect == DIALECT_MARIADB) {
        bytebuf_put_cstr(b, " CHECK (json_valid(");
        bytebuf_put_quoted(b, c->name, "`");
        bytebuf_put_cstr(b, "))");
    }
    for (uint32_t i = 0; i < t->check_count; i++) {
        if (t->checks[i].column_id == c->id) {
            bytebuf_printf(b, " CHECK (%.*s)", STR_FMT(t->checks[i].text));
        }
    }
}

static void put_index(struct bytebuf *b, const struct table_def *t, const struct index_def *ix,
                      enum sql_dialect dialect)
{
    static const char *const words[] = {
        [INDEX_DEF_PRIMARY] = "PRIMARY KEY",  [INDEX_DEF_UNIQUE] = "UNIQUE KEY ",
        [INDEX_DEF_PLAIN] = "KEY ",           [INDEX_DEF_FULLTEXT] = "FULLTEXT KEY ",
        [INDEX_DEF_SPATIAL] = "SPATIAL KEY ",
    };
    bytebuf_put_cstr(b, ",\n  ");
    bytebuf_put_cstr(b, words[ix->kind]);
    if (ix->kind != INDEX_DEF_PRIMARY) {
        bytebuf_put_quoted(b, ix->name, "`");
    }
    bytebuf_put_cstr(b, " (");
    for (uint32_t i = 0; i < ix->column_count; i++) {
        const struct index_column *part = &ix->columns[i];
        bytebuf_put_cstr(b, i > 0 ? "," : "");
        bytebuf_put_quoted(b, t->columns[part->column].name, "`");
        if (part->prefix_len > 0) {
            bytebuf_printf(b, "(%u)", part->prefix_len);
        }
        bytebuf_put_cstr(b, part->desc ? " DESC" : "");
    }
    bytebuf_put_char(b, ')');
    if (ix->algorithm.len > 0) {
        bytebuf_printf(b, " USING %.*s", STR_FMT(ix->algorithm));
    }
    put_comment(b, " COMMENT ", ix->comment);
    if (ix->invisible) {
        bytebuf_put_cstr(b, dialect == DIALECT_MARIADB ? " IGNORED" : " /*!80000 INVISIBLE */");
    }
}

/* The constraint whose name follows that of `after` (NULL: the first). */
static const struct check_def *next_by_name(const struct table_def *t,
                                            const struct check_def *after)
{
    const struct check_def *next = NULL;
    for (uint32_t i = 0; i < t->check_count; i++) {
        const struct check_def *c = &t->checks[i];
        if ((after == NULL || str_cmp_nocase(c->name, after->name) > 0) &&
            (next == NULL || str_cmp_nocase(c->name, next->name) < 0)) {
            next = c;
        }
    }
    return next;
}

/* MySQL shows them by name, MariaDB in the order of their definition. */
static void put_checks(struct bytebuf *b, const struct table_def *t, enum sql_dialect dialect)
{
    const struct check_def *c = NULL;
    for (uint32_t i = 0; i < t->check_count; i++) {
        c = dialect == DIALECT_MYSQL ? next_by_name(t, c) : &t->checks[i];
        if (c == NULL) {
            return;
        }
        if (c->column_id != 0) {
            continue;
        }
        bytebuf_put_cstr(b, ",\n  CONSTRAINT ");
        bytebuf_put_quoted(b, c->name, "`");
        bytebuf_put_cstr(b, " CHECK (");
        bytebuf_put_str(b, c->text);
        bytebuf_put_char(b, ')');
        if (c->not_enforced && dialect == DIALECT_MYSQL) {
            bytebuf_put_cstr(b, " /*!80016 NOT ENFORCED */");
        }
    }
}

/* ---- Table options ---- */

static uint64_t next_auto_increment(const struct table_def *t)
{
    if (t->auto_increment_column < 0) {
        return 1;
    }
    const uint64_t next = t->share == NULL ? 0 : atomic_load(&t->share->next_auto_increment);
    return next != 0 ? next : t->auto_increment_start;
}

static void put_charset(struct bytebuf *b, uint16_t collation, const char *before_collation,
                        enum sql_dialect dialect)
{
    const struct collation *c = collation_get(collation);
    bytebuf_put_str(b, c->charset->name);
    if (shows_collation(c, dialect)) {
        const struct str name = collation_name(collation, dialect);
        bytebuf_printf(b, " %s%.*s", before_collation, STR_FMT(name));
    }
}

static void put_options(struct bytebuf *b, const struct table_def *t, enum sql_dialect dialect)
{
    const struct str engine = t->engine_name.len > 0 ? t->engine_name : STR("InnoDB");
    bytebuf_printf(b, " ENGINE=%.*s", STR_FMT(engine));
    const uint64_t next = next_auto_increment(t);
    if (next > 1) {
        bytebuf_printf(b, " AUTO_INCREMENT=%llu", (unsigned long long)next);
    }
    bytebuf_put_cstr(b, " DEFAULT CHARSET=");
    put_charset(b, t->collation, "COLLATE=", dialect);
    if (t->other_options.len > 0) {
        bytebuf_printf(b, " %.*s", STR_FMT(t->other_options));
    }
    if (t->row_format.len > 0) {
        bytebuf_printf(b, " ROW_FORMAT=%.*s", STR_FMT(t->row_format));
    }
    put_comment(b, " COMMENT=", t->comment);
}

static enum sql_dialect dialect_of(unsigned flags)
{
    return (flags & SHOW_CREATE_MARIADB) != 0 ? DIALECT_MARIADB : DIALECT_MYSQL;
}

struct str table_def_to_sql(const struct table_def *t, unsigned flags, struct arena *arena)
{
    const enum sql_dialect dialect = dialect_of(flags);
    struct bytebuf b;
    bytebuf_init(&b, SQL_TEXT_MAX);
    bytebuf_put_cstr(&b, "CREATE TABLE ");
    bytebuf_put_quoted(&b, t->name, "`");
    bytebuf_put_cstr(&b, " (\n");
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_put_cstr(&b, i > 0 ? ",\n" : "");
        put_column(&b, t, &t->columns[i], dialect);
    }
    for (uint32_t i = 0; i < t->index_count; i++) {
        put_index(&b, t, &t->indexes[i], dialect);
    }
    put_checks(&b, t, dialect);
    bytebuf_put_cstr(&b, "\n)");
    put_options(&b, t, dialect);
    return take(&b, arena);
}

struct str database_def_to_sql(const struct database_def *db, unsigned flags, struct arena *arena)
{
    const enum sql_dialect dialect = dialect_of(flags);
    struct bytebuf b;
    bytebuf_init(&b, SQL_TEXT_MAX);
    bytebuf_put_cstr(&b, "CREATE DATABASE ");
    if ((flags & SHOW_CREATE_IF_NOT_EXISTS) != 0) {
        bytebuf_put_cstr(&b, "/*!32312 IF NOT EXISTS*/ ");
    }
    bytebuf_put_quoted(&b, db->name, "`");
    bytebuf_put_cstr(&b, " /*!40100 DEFAULT CHARACTER SET ");
    put_charset(&b, db->collation, "COLLATE ", dialect);
    bytebuf_put_cstr(&b, " */");
    if (dialect == DIALECT_MYSQL) {
        bytebuf_put_cstr(&b, " /*!80016 DEFAULT ENCRYPTION='N' */");
    }
    return take(&b, arena);
}
