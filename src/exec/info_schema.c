/*
 * information_schema and pintail. Each table is a definition with rows_text: a query of constants
 * in the engine's language that stands in FROM in its place, so that joins, conditions and
 * aggregates over it work as over any table. Rows are made from the catalog when a statement names
 * the table.
 *
 * A table is a line of column names, each with a letter for its type, and a function that makes its
 * rows; none for those that are always empty here (no views, routines, triggers, events, files).
 */
#include "exec/info_schema.h"

#include "exec/replica_ops.h"
#include "exec/show_int.h"
#include "types/charset.h"
#include "types/collation.h"

#include <stdatomic.h>
#include <string.h>

#define ROWS_TEXT_MAX (64u << 20)

struct info_run {
    struct exec_session *x;
    struct bytebuf *rows;
    const char *columns; /* of the table */
    const char *at;      /* the column whose value comes next */
    bool first_row;
    bool mariadb;
};

typedef void info_rows_fn(struct info_run *r);

/* ---- Values ---- */

/* The letter of the next column; 0 at the end. Its name goes to *out_name. "-": MySQL only, "+":
 * MariaDB only. */
static char next_column(const char **at, bool mariadb, struct str *out_name)
{
    for (;;) {
        while (**at == ' ') {
            ++*at;
        }
        const char *p = *at;
        if (*p == '\0') {
            return 0;
        }
        const size_t len = strcspn(p, " ");
        *at = p + len;
        const char only = p[1];
        const size_t skip = only == '-' || only == '+' ? 2 : 1;
        if ((only == '-' && mariadb) || (only == '+' && !mariadb)) {
            continue;
        }
        *out_name = str_from(p + skip, len - skip);
        return p[0];
    }
}

static const char *duck_type(char letter)
{
    return letter == 'u' ? "UBIGINT" : letter == 't' ? "TIMESTAMP" : "VARCHAR";
}

static void begin_row(struct info_run *r)
{
    bytebuf_put_cstr(r->rows, r->first_row ? "(" : ", (");
    r->at = r->columns;
}

/* Writes the separator and tells the letter; *out_last when it was the row's last column. */
static void begin_value(struct info_run *r, char *out_letter)
{
    struct str name;
    if (r->at != r->columns) {
        bytebuf_put_cstr(r->rows, ", ");
    }
    *out_letter = next_column(&r->at, r->mariadb, &name);
}

static void end_value(struct info_run *r, char letter)
{
    if (r->first_row) {
        bytebuf_printf(r->rows, "::%s", duck_type(letter));
    }
}

static void put_null(struct info_run *r)
{
    char letter;
    begin_value(r, &letter);
    bytebuf_put_cstr(r->rows, "NULL");
    end_value(r, letter);
}

static void put_text(struct info_run *r, struct str s)
{
    char letter;
    if (s.p == NULL) {
        put_null(r);
        return;
    }
    begin_value(r, &letter);
    bytebuf_put_char(r->rows, '\'');
    for (size_t i = 0; i < s.len; i++) {
        bytebuf_put_cstr(r->rows, s.p[i] == '\'' ? "'" : "");
        bytebuf_put_char(r->rows, s.p[i]);
    }
    bytebuf_put_char(r->rows, '\'');
    end_value(r, letter);
}

static void put_cstr(struct info_run *r, const char *s)
{
    put_text(r, str_from_cstr(s));
}

static void put_uint(struct info_run *r, uint64_t u)
{
    char letter;
    begin_value(r, &letter);
    bytebuf_printf(r->rows, "%llu", (unsigned long long)u);
    end_value(r, letter);
}

static void put_time(struct info_run *r, int64_t utc_us)
{
    struct value v = {.kind = VALUE_DATETIME};
    char letter;
    timezone_from_utc(r->x->vars.time_zone, utc_us, &v.time);
    begin_value(r, &letter);
    bytebuf_printf(r->rows, "TIMESTAMP '%04u-%02u-%02u %02u:%02u:%02u'", (unsigned)v.time.year,
                   (unsigned)v.time.month, (unsigned)v.time.day, (unsigned)v.time.hour,
                   (unsigned)v.time.minute, (unsigned)v.time.second);
    end_value(r, letter);
}

/* Columns that are only in one dialect's table. */
static bool skips(const struct info_run *r, char only)
{
    return only == '-' ? r->mariadb : !r->mariadb;
}

static void end_row(struct info_run *r)
{
    bytebuf_put_char(r->rows, ')');
    r->first_row = false;
}

static struct str or_empty(struct str s)
{
    return s.p == NULL ? STR("") : s;
}

/* ---- What there is ---- */

static void each_table(struct info_run *r,
                       void (*fn)(struct info_run *r, const struct table_def *t))
{
    struct exec_session *x = r->x;
    struct database_def *dbs;
    const uint32_t n = catalog_list_databases(x->server->catalog, &x->stmt_arena, &dbs);
    for (uint32_t i = 0; i < n; i++) {
        struct table_def **tables;
        const uint32_t count =
            catalog_list_tables(x->server->catalog, dbs[i].name, &x->stmt_arena, &tables);
        for (uint32_t k = 0; k < count; k++) {
            if (account_sees_table(x->account, dbs[i].name, tables[k]->name)) {
                fn(r, tables[k]);
            }
            table_def_unref(tables[k]);
        }
    }
}

static void schemata_rows(struct info_run *r)
{
    struct database_def *dbs;
    const uint32_t n = catalog_list_databases(r->x->server->catalog, &r->x->stmt_arena, &dbs);
    for (uint32_t i = 0; i < n; i++) {
        if (!account_sees_db(r->x->account, dbs[i].name)) {
            continue;
        }
        const struct collation *c = collation_find(dbs[i].collation);
        begin_row(r);
        put_cstr(r, "def");
        put_text(r, dbs[i].name);
        put_text(r, c->charset->name);
        put_text(r, show_collation_name(dbs[i].collation, r->x->server->dialect));
        put_null(r);
        put_cstr(r, r->mariadb ? "" : "NO");
        end_row(r);
    }
}

static void table_row(struct info_run *r, const struct table_def *t)
{
    const bool view = t->view_text.p != NULL;
    const uint64_t next = t->auto_increment_column >= 0 && t->share != NULL
                              ? atomic_load(&t->share->next_auto_increment)
                              : 0;
    begin_row(r);
    put_cstr(r, "def");
    put_text(r, t->db);
    put_text(r, t->name);
    put_cstr(r, view ? "VIEW" : "BASE TABLE");
    put_text(r, view ? STR_NULL : t->engine_name);
    put_uint(r, r->mariadb ? 11 : 10);
    put_cstr(r, "Dynamic");
    for (int i = 0; i < 6; i++) { /* numbers of rows and bytes: not counted here */
        put_null(r);
    }
    if (t->auto_increment_column >= 0) {
        put_uint(r, MAX(next, t->auto_increment_start));
    } else {
        put_null(r);
    }
    put_time(r, t->created_us);
    put_null(r);
    put_null(r);
    put_text(r, show_collation_name(t->collation, r->x->server->dialect));
    put_null(r);
    put_cstr(r, "");
    put_text(r, or_empty(t->comment));
    if (!skips(r, '+')) {
        put_null(r);
        put_cstr(r, "N");
    }
    end_row(r);
}

static void tables_rows(struct info_run *r)
{
    each_table(r, table_row);
}

/* The type's name alone: "int" of "int(10) unsigned". */
static struct str data_type(struct str text)
{
    size_t n = 0;
    while (n < text.len && text.p[n] != '(' && text.p[n] != ' ') {
        n++;
    }
    return str_from(text.p, n);
}

/* Characters of the longest ENUM label, or of all SET labels with commas. */
static uint64_t label_chars(const struct sql_type *t)
{
    uint64_t longest = 0;
    uint64_t all = 0;
    for (uint32_t i = 0; t->labels != NULL && i < t->labels->count; i++) {
        uint64_t n = 0;
        for (size_t k = 0; k < t->labels->names[i].len; k++) {
            n += ((unsigned char)t->labels->names[i].p[k] & 0xC0) != 0x80;
        }
        longest = MAX(longest, n);
        all += n + (i > 0 ? 1 : 0);
    }
    return type_class_of(t->type) == TYPE_CLASS_SET ? all : longest;
}

/* Lengths of strings, in characters and bytes. */
static void put_lengths(struct info_run *r, const struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    const struct collation *c = collation_find(t->collation);
    if (class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET) {
        const uint64_t chars = label_chars(t);
        put_uint(r, chars);
        put_uint(r, chars * c->charset->max_len);
        return;
    }
    if (class != TYPE_CLASS_STRING) {
        put_null(r);
        put_null(r);
        return;
    }
    const bool is_blob = t->type == MYSQL_TYPE_TINY_BLOB || t->type == MYSQL_TYPE_BLOB ||
                         t->type == MYSQL_TYPE_MEDIUM_BLOB || t->type == MYSQL_TYPE_LONG_BLOB;
    static const uint64_t sizes[] = {255, 65535, 16777215, 4294967295};
    const uint64_t blob = t->type == MYSQL_TYPE_TINY_BLOB     ? sizes[0]
                          : t->type == MYSQL_TYPE_BLOB        ? sizes[1]
                          : t->type == MYSQL_TYPE_MEDIUM_BLOB ? sizes[2]
                                                              : sizes[3];
    put_uint(r, is_blob ? blob : t->length);
    put_uint(r, is_blob ? blob : (uint64_t)t->length * c->charset->max_len);
}

static void put_numbers(struct info_run *r, const struct sql_type *t)
{
    static const struct {
        enum mysql_type type;
        uint8_t digits, unsigned_digits;
    } ints[] = {{MYSQL_TYPE_TINY, 3, 3},
                {MYSQL_TYPE_SHORT, 5, 5},
                {MYSQL_TYPE_INT24, 7, 7},
                {MYSQL_TYPE_LONG, 10, 10},
                {MYSQL_TYPE_LONGLONG, 19, 20}};
    for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
        if (t->type == ints[i].type) {
            put_uint(r, type_is_unsigned(t) ? ints[i].unsigned_digits : ints[i].digits);
            put_uint(r, 0);
            return;
        }
    }
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_DECIMAL:
        put_uint(r, t->length);
        put_uint(r, t->decimals);
        return;
    case TYPE_CLASS_REAL:
        put_uint(r, t->type == MYSQL_TYPE_FLOAT ? 12 : 22);
        put_null(r);
        return;
    case TYPE_CLASS_BIT:
        put_uint(r, t->length);
        put_null(r);
        return;
    default:
        put_null(r);
        put_null(r);
    }
}

static bool has_fraction(const struct sql_type *t)
{
    return t->type == MYSQL_TYPE_DATETIME || t->type == MYSQL_TYPE_TIMESTAMP ||
           t->type == MYSQL_TYPE_TIME;
}

static void put_charset(struct info_run *r, const struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    const bool text = (class == TYPE_CLASS_STRING && !type_is_binary_string(t)) ||
                      class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET;
    const struct collation *c = text ? collation_find(t->collation) : NULL;
    put_text(r, c == NULL ? STR_NULL : c->charset->name);
    put_text(r, c == NULL ? STR_NULL : show_collation_name(t->collation, r->x->server->dialect));
}

/* MariaDB shows defaults as they are written in SQL. */
static void put_default(struct info_run *r, const struct column_def *c)
{
    struct arena *a = &r->x->stmt_arena;
    const struct str text = column_default_to_text(c, r->x->server->dialect, a);
    const enum type_class class = type_class_of(c->type.type);
    const bool number = class == TYPE_CLASS_INT || class == TYPE_CLASS_DECIMAL ||
                        class == TYPE_CLASS_REAL || class == TYPE_CLASS_BIT;
    if (!r->mariadb || (text.p != NULL && (c->default_kind != DEFAULT_VALUE || number))) {
        put_text(r, text);
        return;
    }
    if (text.p == NULL) {
        put_text(r, type_is_nullable(&c->type) ? STR("NULL") : STR_NULL);
        return;
    }
    struct bytebuf b;
    bytebuf_init(&b, 1u << 20);
    bytebuf_put_char(&b, '\'');
    for (size_t i = 0; i < text.len; i++) {
        bytebuf_put_cstr(&b, text.p[i] == '\'' ? "'" : "");
        bytebuf_put_char(&b, text.p[i]);
    }
    bytebuf_put_char(&b, '\'');
    put_text(r, arena_dup(a, bytebuf_str(&b)));
    bytebuf_release(&b);
}

static void column_row(struct info_run *r, const struct table_def *t, uint32_t i)
{
    const struct column_def *c = &t->columns[i];
    struct arena *a = &r->x->stmt_arena;
    const enum sql_dialect dialect = r->x->server->dialect;
    const struct str type = type_to_sql(&c->type, dialect, a);
    const unsigned flags = c->type.flags;
    begin_row(r);
    put_cstr(r, "def");
    put_text(r, t->db);
    put_text(r, t->name);
    put_text(r, c->name);
    put_uint(r, i + 1);
    put_default(r, c);
    put_cstr(r, type_is_nullable(&c->type) ? "YES" : "NO");
    put_text(r, data_type(type));
    put_lengths(r, &c->type);
    put_numbers(r, &c->type);
    if (has_fraction(&c->type)) {
        put_uint(r, c->type.decimals);
    } else {
        put_null(r);
    }
    put_charset(r, &c->type);
    put_text(r, type);
    put_cstr(r, (flags & PRI_KEY_FLAG) != 0        ? "PRI"
                : (flags & UNIQUE_KEY_FLAG) != 0   ? "UNI"
                : (flags & MULTIPLE_KEY_FLAG) != 0 ? "MUL"
                                                   : "");
    put_text(r, column_extra_to_text(c, dialect, a));
    put_cstr(r, "select,insert,update,references");
    put_text(r, or_empty(c->comment));
    if (r->mariadb) {
        put_cstr(r, "NEVER");
        put_null(r);
    } else {
        put_cstr(r, "");
        put_null(r);
    }
    end_row(r);
}

static void columns_of(struct info_run *r, const struct table_def *t)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if ((account_column_privs(r->x->account, t->db, t->name, t->columns[i].name) |
             account_table_privs(r->x->account, t->db, t->name)) != 0) {
            column_row(r, t, i);
        }
    }
}

static void columns_rows(struct info_run *r)
{
    each_table(r, columns_of);
}

static bool is_unique(const struct index_def *ix)
{
    return ix->kind == INDEX_DEF_PRIMARY || ix->kind == INDEX_DEF_UNIQUE;
}

static void statistics_of(struct info_run *r, const struct table_def *t)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *ix = &t->indexes[i];
        for (uint32_t k = 0; k < ix->column_count; k++) {
            const struct column_def *c = &t->columns[ix->columns[k].column];
            begin_row(r);
            put_cstr(r, "def");
            put_text(r, t->db);
            put_text(r, t->name);
            put_uint(r, is_unique(ix) ? 0 : 1);
            put_text(r, t->db);
            put_text(r, ix->name);
            put_uint(r, k + 1);
            put_text(r, c->name);
            put_cstr(r, ix->columns[k].desc ? "D" : "A");
            put_null(r);
            if (ix->columns[k].prefix_len > 0) {
                put_uint(r, ix->columns[k].prefix_len);
            } else {
                put_null(r);
            }
            put_null(r);
            put_cstr(r, type_is_nullable(&c->type) ? "YES" : "");
            put_cstr(r, ix->kind == INDEX_DEF_FULLTEXT  ? "FULLTEXT"
                        : ix->kind == INDEX_DEF_SPATIAL ? "SPATIAL"
                                                        : "BTREE");
            put_cstr(r, "");
            put_text(r, or_empty(ix->comment));
            if (r->mariadb) {
                put_cstr(r, ix->invisible ? "YES" : "NO");
            } else {
                put_cstr(r, ix->invisible ? "NO" : "YES");
                put_null(r);
            }
            end_row(r);
        }
    }
}

static void statistics_rows(struct info_run *r)
{
    each_table(r, statistics_of);
}

static void constraint_row(struct info_run *r, const struct table_def *t, struct str name,
                           const char *type, bool enforced)
{
    begin_row(r);
    put_cstr(r, "def");
    put_text(r, t->db);
    put_text(r, name);
    put_text(r, t->db);
    put_text(r, t->name);
    put_cstr(r, type);
    if (!r->mariadb) {
        put_cstr(r, enforced ? "YES" : "NO");
    }
    end_row(r);
}

static void constraints_of(struct info_run *r, const struct table_def *t)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *ix = &t->indexes[i];
        if (is_unique(ix)) {
            constraint_row(r, t, ix->name, ix->kind == INDEX_DEF_PRIMARY ? "PRIMARY KEY" : "UNIQUE",
                           true);
        }
    }
    for (uint32_t i = 0; i < t->check_count; i++) {
        constraint_row(r, t, t->checks[i].name, "CHECK", !t->checks[i].not_enforced);
    }
}

static void constraints_rows(struct info_run *r)
{
    each_table(r, constraints_of);
}

static void key_columns_of(struct info_run *r, const struct table_def *t)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        const struct index_def *ix = &t->indexes[i];
        for (uint32_t k = 0; k < ix->column_count && is_unique(ix); k++) {
            begin_row(r);
            put_cstr(r, "def");
            put_text(r, t->db);
            put_text(r, ix->name);
            put_cstr(r, "def");
            put_text(r, t->db);
            put_text(r, t->name);
            put_text(r, t->columns[ix->columns[k].column].name);
            put_uint(r, k + 1);
            for (int n = 0; n < 4; n++) {
                put_null(r);
            }
            end_row(r);
        }
    }
}

static void key_columns_rows(struct info_run *r)
{
    each_table(r, key_columns_of);
}

static void checks_of(struct info_run *r, const struct table_def *t)
{
    for (uint32_t i = 0; i < t->check_count; i++) {
        begin_row(r);
        put_cstr(r, "def");
        put_text(r, t->db);
        if (r->mariadb) {
            put_text(r, t->name);
        }
        put_text(r, t->checks[i].name);
        if (r->mariadb) {
            put_cstr(r, t->checks[i].column_id != 0 ? "Column" : "Table");
        }
        put_text(r, t->checks[i].text);
        end_row(r);
    }
}

static void checks_rows(struct info_run *r)
{
    each_table(r, checks_of);
}

/* ---- The tables ---- */

/* Letters: s a name, l longer text, u a number, t a time. */
struct info_table {
    const char *name;
    const char *columns;
    info_rows_fn *rows; /* NULL = always empty */
};

static const struct info_table tables[] = {
    {"SCHEMATA",
     "sCATALOG_NAME sSCHEMA_NAME sDEFAULT_CHARACTER_SET_NAME sDEFAULT_COLLATION_NAME sSQL_PATH "
     "s-DEFAULT_ENCRYPTION s+SCHEMA_COMMENT",
     schemata_rows},
    {"TABLES",
     "sTABLE_CATALOG sTABLE_SCHEMA sTABLE_NAME sTABLE_TYPE sENGINE uVERSION sROW_FORMAT uTABLE_ROWS "
     "uAVG_ROW_LENGTH uDATA_LENGTH uMAX_DATA_LENGTH uINDEX_LENGTH uDATA_FREE uAUTO_INCREMENT "
     "tCREATE_TIME tUPDATE_TIME tCHECK_TIME sTABLE_COLLATION uCHECKSUM lCREATE_OPTIONS "
     "lTABLE_COMMENT u+MAX_INDEX_LENGTH s+TEMPORARY",
     tables_rows},
    {"COLUMNS",
     "sTABLE_CATALOG sTABLE_SCHEMA sTABLE_NAME sCOLUMN_NAME uORDINAL_POSITION lCOLUMN_DEFAULT "
     "sIS_NULLABLE sDATA_TYPE uCHARACTER_MAXIMUM_LENGTH uCHARACTER_OCTET_LENGTH uNUMERIC_PRECISION "
     "uNUMERIC_SCALE uDATETIME_PRECISION sCHARACTER_SET_NAME sCOLLATION_NAME lCOLUMN_TYPE "
     "sCOLUMN_KEY sEXTRA sPRIVILEGES lCOLUMN_COMMENT s+IS_GENERATED lGENERATION_EXPRESSION "
     "u-SRS_ID",
     columns_rows},
    {"STATISTICS",
     "sTABLE_CATALOG sTABLE_SCHEMA sTABLE_NAME uNON_UNIQUE sINDEX_SCHEMA sINDEX_NAME uSEQ_IN_INDEX "
     "sCOLUMN_NAME sCOLLATION uCARDINALITY uSUB_PART sPACKED sNULLABLE sINDEX_TYPE sCOMMENT "
     "lINDEX_COMMENT s-IS_VISIBLE l-EXPRESSION s+IGNORED",
     statistics_rows},
    {"TABLE_CONSTRAINTS",
     "sCONSTRAINT_CATALOG sCONSTRAINT_SCHEMA sCONSTRAINT_NAME sTABLE_SCHEMA sTABLE_NAME "
     "sCONSTRAINT_TYPE s-ENFORCED",
     constraints_rows},
    {"KEY_COLUMN_USAGE",
     "sCONSTRAINT_CATALOG sCONSTRAINT_SCHEMA sCONSTRAINT_NAME sTABLE_CATALOG sTABLE_SCHEMA "
     "sTABLE_NAME sCOLUMN_NAME uORDINAL_POSITION uPOSITION_IN_UNIQUE_CONSTRAINT "
     "sREFERENCED_TABLE_SCHEMA sREFERENCED_TABLE_NAME sREFERENCED_COLUMN_NAME",
     key_columns_rows},
    {"CHECK_CONSTRAINTS",
     "sCONSTRAINT_CATALOG sCONSTRAINT_SCHEMA s+TABLE_NAME sCONSTRAINT_NAME s+LEVEL lCHECK_CLAUSE",
     checks_rows},
    {"REFERENTIAL_CONSTRAINTS",
     "sCONSTRAINT_CATALOG sCONSTRAINT_SCHEMA sCONSTRAINT_NAME sUNIQUE_CONSTRAINT_CATALOG "
     "sUNIQUE_CONSTRAINT_SCHEMA sUNIQUE_CONSTRAINT_NAME sMATCH_OPTION sUPDATE_RULE sDELETE_RULE "
     "sTABLE_NAME sREFERENCED_TABLE_NAME",
     NULL},
    {"VIEWS",
     "sTABLE_CATALOG sTABLE_SCHEMA sTABLE_NAME lVIEW_DEFINITION sCHECK_OPTION sIS_UPDATABLE sDEFINER "
     "sSECURITY_TYPE sCHARACTER_SET_CLIENT sCOLLATION_CONNECTION s+ALGORITHM",
     NULL},
    {"ROUTINES",
     "sSPECIFIC_NAME sROUTINE_CATALOG sROUTINE_SCHEMA sROUTINE_NAME sROUTINE_TYPE sDATA_TYPE "
     "uCHARACTER_MAXIMUM_LENGTH uCHARACTER_OCTET_LENGTH uNUMERIC_PRECISION uNUMERIC_SCALE "
     "uDATETIME_PRECISION sCHARACTER_SET_NAME sCOLLATION_NAME lDTD_IDENTIFIER sROUTINE_BODY "
     "lROUTINE_DEFINITION sEXTERNAL_NAME sEXTERNAL_LANGUAGE sPARAMETER_STYLE sIS_DETERMINISTIC "
     "sSQL_DATA_ACCESS sSQL_PATH sSECURITY_TYPE tCREATED tLAST_ALTERED sSQL_MODE lROUTINE_COMMENT "
     "sDEFINER sCHARACTER_SET_CLIENT sCOLLATION_CONNECTION sDATABASE_COLLATION",
     NULL},
    {"PARAMETERS",
     "sSPECIFIC_CATALOG sSPECIFIC_SCHEMA sSPECIFIC_NAME uORDINAL_POSITION sPARAMETER_MODE "
     "sPARAMETER_NAME sDATA_TYPE uCHARACTER_MAXIMUM_LENGTH uCHARACTER_OCTET_LENGTH "
     "uNUMERIC_PRECISION uNUMERIC_SCALE uDATETIME_PRECISION sCHARACTER_SET_NAME sCOLLATION_NAME "
     "lDTD_IDENTIFIER sROUTINE_TYPE",
     NULL},
    {"TRIGGERS",
     "sTRIGGER_CATALOG sTRIGGER_SCHEMA sTRIGGER_NAME sEVENT_MANIPULATION sEVENT_OBJECT_CATALOG "
     "sEVENT_OBJECT_SCHEMA sEVENT_OBJECT_TABLE uACTION_ORDER lACTION_CONDITION lACTION_STATEMENT "
     "sACTION_ORIENTATION sACTION_TIMING sACTION_REFERENCE_OLD_TABLE sACTION_REFERENCE_NEW_TABLE "
     "sACTION_REFERENCE_OLD_ROW sACTION_REFERENCE_NEW_ROW tCREATED sSQL_MODE sDEFINER "
     "sCHARACTER_SET_CLIENT sCOLLATION_CONNECTION sDATABASE_COLLATION",
     NULL},
    {"EVENTS",
     "sEVENT_CATALOG sEVENT_SCHEMA sEVENT_NAME sDEFINER sTIME_ZONE sEVENT_BODY lEVENT_DEFINITION "
     "sEVENT_TYPE tEXECUTE_AT sINTERVAL_VALUE sINTERVAL_FIELD sSQL_MODE tSTARTS tENDS sSTATUS "
     "sON_COMPLETION tCREATED tLAST_ALTERED tLAST_EXECUTED lEVENT_COMMENT uORIGINATOR "
     "sCHARACTER_SET_CLIENT sCOLLATION_CONNECTION sDATABASE_COLLATION",
     NULL},
    {"PARTITIONS",
     "sTABLE_CATALOG sTABLE_SCHEMA sTABLE_NAME sPARTITION_NAME sSUBPARTITION_NAME "
     "uPARTITION_ORDINAL_POSITION uSUBPARTITION_ORDINAL_POSITION sPARTITION_METHOD "
     "sSUBPARTITION_METHOD lPARTITION_EXPRESSION lSUBPARTITION_EXPRESSION lPARTITION_DESCRIPTION "
     "uTABLE_ROWS uAVG_ROW_LENGTH uDATA_LENGTH uMAX_DATA_LENGTH uINDEX_LENGTH uDATA_FREE "
     "tCREATE_TIME tUPDATE_TIME tCHECK_TIME uCHECKSUM lPARTITION_COMMENT sNODEGROUP "
     "sTABLESPACE_NAME",
     NULL},
    {"FILES",
     "uFILE_ID sFILE_NAME sFILE_TYPE sTABLESPACE_NAME sTABLE_CATALOG sTABLE_SCHEMA sTABLE_NAME "
     "sLOGFILE_GROUP_NAME uLOGFILE_GROUP_NUMBER sENGINE uFREE_EXTENTS uTOTAL_EXTENTS uEXTENT_SIZE "
     "uINITIAL_SIZE uMAXIMUM_SIZE uAUTOEXTEND_SIZE tCREATION_TIME sSTATUS lEXTRA",
     NULL},
};

static void make_column(struct table_def *t, char letter, struct str name)
{
    struct column_def *c = &t->columns[t->column_count++];
    c->id = t->column_count;
    c->name = arena_dup(t->arena, name);
    switch (letter) {
    case 'u':
        c->type = (struct sql_type){.type = MYSQL_TYPE_LONGLONG,
                                    .length = 20,
                                    .flags = UNSIGNED_FLAG,
                                    .collation = COLLATION_BINARY};
        return;
    case 't':
        c->type = (struct sql_type){
            .type = MYSQL_TYPE_DATETIME, .length = 19, .collation = COLLATION_BINARY};
        return;
    default:
        c->type = (struct sql_type){.type = MYSQL_TYPE_VARCHAR,
                                    .length = letter == 'l' ? 16383 : 64,
                                    .collation = COLLATION_UTF8MB3_GENERAL_CI};
    }
}

static void define(struct table_def *t, const char *columns, bool mariadb)
{
    const char *at = columns;
    struct str name;
    char letter;
    uint32_t n = 0;
    while (next_column(&at, mariadb, &name) != 0) {
        n++;
    }
    t->columns = ARENA_ARRAY(t->arena, struct column_def, n);
    at = columns;
    while ((letter = next_column(&at, mariadb, &name)) != 0) {
        make_column(t, letter, name);
    }
}

/* A row of NULLs that gives the columns their types, and is left out. */
static void put_no_rows(struct info_run *r, const struct table_def *t)
{
    begin_row(r);
    for (uint32_t i = 0; i < t->column_count; i++) {
        put_null(r);
    }
    end_row(r);
}

static void make_rows(struct exec_session *x, struct table_def *t, const char *columns,
                      info_rows_fn *rows)
{
    struct bytebuf text;
    bytebuf_init(&text, ROWS_TEXT_MAX);
    struct info_run r = {.x = x,
                         .rows = &text,
                         .columns = columns,
                         .first_row = true,
                         .mariadb = x->server->dialect == DIALECT_MARIADB};
    bytebuf_put_cstr(&text, "SELECT * FROM (VALUES ");
    if (rows != NULL && x->account != NULL) {
        rows(&r);
    }
    const bool empty = r.first_row;
    if (empty) {
        put_no_rows(&r, t);
    }
    bytebuf_put_cstr(&text, ") AS v(");
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(&text, "%sc%u", i > 0 ? ", " : "", t->columns[i].id);
    }
    bytebuf_put_cstr(&text, empty ? ") WHERE false" : ")");
    t->rows_text = arena_dup(t->arena, bytebuf_str(&text));
    bytebuf_release(&text);
}

static void unref(void *arg)
{
    table_def_unref(arg);
}

static struct table_def *find_table(struct exec_session *x, const struct info_table *of,
                                    size_t count, const char *db, struct str name)
{
    const bool mariadb = x->server->dialect == DIALECT_MARIADB;
    for (size_t i = 0; i < count; i++) {
        if (!str_eq_nocase(name, str_from_cstr(of[i].name))) {
            continue;
        }
        struct table_def *t = table_def_new();
        t->db = str_from_cstr(db);
        t->name = str_from_cstr(of[i].name);
        t->collation = COLLATION_UTF8MB3_GENERAL_CI;
        define(t, of[i].columns, mariadb);
        make_rows(x, t, of[i].columns, of[i].rows);
        arena_on_reset(&x->stmt_arena, unref, t);
        return t;
    }
    return NULL;
}

struct table_def *info_schema_table(struct exec_session *x, struct str name)
{
    return find_table(x, tables, ARRAY_SIZE(tables), "information_schema", name);
}

/* ---- The tables of pintail ---- */

static void put_time_or_null(struct info_run *r, int64_t us)
{
    if (us == 0) {
        put_null(r);
    } else {
        put_time(r, us);
    }
}

static void put_text_or_null(struct info_run *r, struct str s)
{
    put_text(r, s.len > 0 ? s : STR_NULL);
}

/* Rounded up: 0 is the end. */
static void put_seconds_left(struct info_run *r, bool is_known, uint64_t us)
{
    if (is_known) {
        put_uint(r, (us + 999999) / 1000000);
    } else {
        put_null(r);
    }
}

static void pintail_tables_rows(struct info_run *r)
{
    const struct server *server = r->x->server;
    struct replica_table *list;
    const uint32_t n = server->replica_ops->tables(server->change, &r->x->stmt_arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        const struct replica_table *t = &list[i];
        begin_row(r);
        put_text(r, t->db);
        put_text(r, t->name);
        put_text(r, t->state);
        put_text_or_null(r, t->reason);
        put_cstr(r, t->has_key ? "YES" : "NO");
        put_uint(r, t->rows_estimated);
        put_uint(r, t->rows_copied);
        put_uint(r, t->bytes_copied);
        put_seconds_left(r, t->eta_is_known, t->eta_us);
        put_uint(r, t->inserted);
        put_uint(r, t->updated);
        put_uint(r, t->deleted);
        put_time_or_null(r, t->copied_us);
        end_row(r);
    }
}

static void pintail_batches_rows(struct info_run *r)
{
    const struct server *server = r->x->server;
    struct replica_batch *list;
    const uint32_t n = server->replica_ops->batches(server->change, &r->x->stmt_arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        const struct replica_batch *b = &list[i];
        begin_row(r);
        put_uint(r, b->number);
        put_time_or_null(r, b->begun_us);
        put_time_or_null(r, b->committed_us);
        put_uint(r, b->transactions);
        put_uint(r, b->inserted);
        put_uint(r, b->updated);
        put_uint(r, b->deleted);
        put_uint(r, b->bytes);
        put_uint(r, b->tables);
        put_cstr(r, b->end);
        put_uint(r, b->decode_us);
        put_uint(r, b->merge_us);
        put_uint(r, b->apply_us);
        put_uint(r, b->commit_us);
        put_text(r, b->gtid);
        end_row(r);
    }
}

static void pintail_replica_rows(struct info_run *r)
{
    const struct server *server = r->x->server;
    struct replica_info i;
    server->replica_ops->info(server->change, &r->x->stmt_arena, &i);
    begin_row(r);
    put_text(r, i.host);
    put_uint(r, i.port);
    put_text_or_null(r, i.source_version);
    put_text_or_null(r, i.source_uuid);
    put_uint(r, i.server_id);
    put_cstr(r, i.started ? "YES" : "NO");
    put_cstr(r, i.io_running);
    put_cstr(r, i.sql_running ? "Yes" : "No");
    put_text(r, i.exec_file);
    put_uint(r, i.exec_offset);
    put_text(r, i.executed_gtids);
    if (i.lag_is_known) {
        put_uint(r, i.lag_us / 1000);
    } else {
        put_null(r);
    }
    put_uint(r, i.lag_transactions);
    put_time_or_null(r, i.last_commit_us);
    put_uint(r, i.transactions);
    put_uint(r, i.batches);
    put_uint(r, i.ddl);
    put_uint(r, i.rows_inserted);
    put_uint(r, i.rows_updated);
    put_uint(r, i.rows_deleted);
    put_uint(r, i.bytes);
    put_uint(r, i.tables_pending);
    put_uint(r, i.tables_loading);
    put_uint(r, i.tables_live);
    put_uint(r, i.tables_aside);
    put_uint(r, i.snapshot_rows);
    put_uint(r, i.snapshot_bytes);
    put_uint(r, i.snapshot_rows_left);
    put_seconds_left(r, i.snapshot_eta_us > 0 || i.snapshot_rows_left == 0, i.snapshot_eta_us);
    put_text_or_null(r, i.io_errno != 0 ? i.io_error : STR_NULL);
    put_text_or_null(r, i.sql_errno != 0 ? i.sql_error : STR_NULL);
    put_text_or_null(r, i.snapshot_error);
    end_row(r);
}

static const struct info_table pintail_tables[] = {
    {"tables",
     "sdatabase sname sstate lreason shas_key urows_estimated urows_copied ubytes_copied "
     "ueta_s urows_inserted urows_updated urows_deleted tcopied_at",
     pintail_tables_rows},
    {"batches",
     "unumber tbegun_at tcommitted_at utransactions urows_inserted urows_updated urows_deleted "
     "ubytes utables sended_by udecode_us umerge_us uapply_us ucommit_us slast_gtid",
     pintail_batches_rows},
    {"replica",
     "ssource_host usource_port ssource_version ssource_uuid userver_id sstarted sreading "
     "sapplying slog_file ulog_position lgtids ulag_ms ulag_transactions tlast_commit_at "
     "utransactions ubatches uddl urows_inserted urows_updated urows_deleted ubytes_received "
     "utables_pending utables_loading utables_live utables_aside usnapshot_rows "
     "usnapshot_bytes usnapshot_rows_left usnapshot_eta_s lread_error lapply_error lsnapshot_error",
     pintail_replica_rows},
};

struct table_def *pintail_schema_table(struct exec_session *x, struct str name)
{
    return find_table(x, pintail_tables, ARRAY_SIZE(pintail_tables), "pintail", name);
}
