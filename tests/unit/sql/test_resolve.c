/* The resolver: result types as real servers report them, names, scopes, and the errors of both
 * dialects. */
#include "resolve_fixture.h"

#include "types/collation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE n (id INT NOT NULL PRIMARY KEY, i INT, nn INT NOT NULL, d DECIMAL(15,2));"
    "CREATE TABLE o (oid INT, v INT);"
    "CREATE TABLE s (id INT NOT NULL PRIMARY KEY, v VARCHAR(20), b VARCHAR(20) COLLATE utf8mb4_bin,"
    " u VARCHAR(20) COLLATE utf8mb4_unicode_ci);";

/* ---- Recorded types ---- */

static const char *type_name(enum mysql_type t)
{
    static const char *const names[] = {
        [MYSQL_TYPE_TINY] = "TINY",
        [MYSQL_TYPE_SHORT] = "SHORT",
        [MYSQL_TYPE_LONG] = "LONG",
        [MYSQL_TYPE_FLOAT] = "FLOAT",
        [MYSQL_TYPE_DOUBLE] = "DOUBLE",
        [MYSQL_TYPE_NULL] = "NULL",
        [MYSQL_TYPE_TIMESTAMP] = "TIMESTAMP",
        [MYSQL_TYPE_LONGLONG] = "LONGLONG",
        [MYSQL_TYPE_INT24] = "INT24",
        [MYSQL_TYPE_DATE] = "DATE",
        [MYSQL_TYPE_TIME] = "TIME",
        [MYSQL_TYPE_DATETIME] = "DATETIME",
        [MYSQL_TYPE_YEAR] = "YEAR",
        [MYSQL_TYPE_VARCHAR] = "VAR_STRING",
        [MYSQL_TYPE_BIT] = "BIT",
        [MYSQL_TYPE_JSON] = "JSON",
        [MYSQL_TYPE_NEWDECIMAL] = "NEWDECIMAL",
        [MYSQL_TYPE_ENUM] = "STRING",
        [MYSQL_TYPE_SET] = "STRING",
        [MYSQL_TYPE_MEDIUM_BLOB] = "MEDIUM_BLOB",
        [MYSQL_TYPE_LONG_BLOB] = "LONG_BLOB",
        [MYSQL_TYPE_BLOB] = "BLOB",
        [MYSQL_TYPE_VAR_STRING] = "VAR_STRING",
        [MYSQL_TYPE_STRING] = "STRING",
    };
    return names[t];
}

static bool is_text_type(const struct sql_type *t)
{
    const enum type_class c = type_class_of(t->type);
    return c == TYPE_CLASS_STRING || c == TYPE_CLASS_ENUM || c == TYPE_CLASS_SET;
}

/* The type as the protocol would announce it. The connection's character set decides the collation
 * sent. */
static void describe(const struct fixture *f, const struct sql_type *t, char *buf, size_t size)
{
    uint32_t length = t->length;
    unsigned decimals = t->decimals;
    uint16_t collation = COLLATION_BINARY;
    if (t->type == MYSQL_TYPE_NEWDECIMAL) {
        length += (t->decimals > 0 ? 1u : 0u) + (type_is_unsigned(t) ? 0u : 1u);
    }
    if (is_text_type(t) && t->collation != COLLATION_BINARY) {
        length *= 4;
        collation = f->env.collation_connection;
    }
    if (is_text_type(t) && decimals == DECIMALS_NOT_FIXED && f->env.dialect == DIALECT_MARIADB) {
        decimals = 39;
    }
    const char *name = collation == COLLATION_BINARY       ? "binary"
                       : f->env.dialect == DIALECT_MARIADB ? "utf8mb4_general_ci"
                                                           : "utf8mb4_0900_ai_ci";
    const char *flags = type_is_nullable(t) ? (type_is_unsigned(t) ? "U" : ".")
                                            : (type_is_unsigned(t) ? "NU" : "N");
    (void)snprintf(buf, size, "%s %u %u %s %s", type_name(t->type), length, decimals, flags, name);
}

/* Returns whether the line, for this dialect, is as recorded. Refused expressions count as not
 * recorded. */
static bool check_line(struct fixture *f, const char *table, const char *expr, const char *want,
                       char *got, size_t size)
{
    char sql[512];
    const bool plain = strcmp(table, "-") == 0;
    (void)snprintf(sql, sizeof(sql), "SELECT %s%s%s", expr, plain ? "" : " FROM ",
                   plain ? "" : table);
    const struct stmt *stmt = fixture_resolve(f, sql);
    if (stmt == NULL) {
        (void)snprintf(got, size, "error %d", f->diag.error->code);
        return strcmp(want, "-") == 0;
    }
    describe(f, &stmt->query->columns[0].type, got, size);
    return strcmp(got, want) == 0;
}

static void check_recorded(enum sql_dialect dialect)
{
    struct fixture f;
    char line[1024];
    unsigned wrong = 0;
    unsigned right = 0;
    fixture_init(&f, dialect);
    fixture_create_file(&f, "tests/unit/sql/types.sql");
    FILE *file = fopen("tests/unit/sql/types.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char got[128];
        char *save = NULL;
        const char *table = strtok_r(line, "\t\n", &save);
        if (table == NULL || table[0] == '#') {
            continue;
        }
        const char *expr = strtok_r(NULL, "\t\n", &save);
        const char *mysql = strtok_r(NULL, "\t\n", &save);
        const char *mariadb = strtok_r(NULL, "\t\n", &save);
        const char *want = dialect == DIALECT_MYSQL ? mysql : mariadb;
        if (want[0] == '!' || strcmp(want, "-") == 0) {
            continue;
        }
        if (check_line(&f, table, expr, want, got, sizeof(got))) {
            right++;
        } else {
            wrong++;
            print_error("%s: want %s, got %s\n", expr, want, got);
        }
    }
    (void)fclose(file);
    fixture_release(&f);
    assert_int_equal(wrong, 0);
    assert_true(right > 600);
}

static void test_types_are_those_of_mysql(void **state)
{
    (void)state;
    check_recorded(DIALECT_MYSQL);
}

static void test_types_are_those_of_mariadb(void **state)
{
    (void)state;
    check_recorded(DIALECT_MARIADB);
}

/* ---- Errors ---- */

static const struct {
    const char *sql;
    int code;
    const char *mysql;
    const char *mariadb; /* NULL: the same */
} errors[] = {
    {"SELECT nope FROM n", 1054, "Unknown column 'nope' in 'field list'",
     "Unknown column 'nope' in 'SELECT'"},
    {"SELECT n.nope FROM n", 1054, "Unknown column 'n.nope' in 'field list'",
     "Unknown column 'n.nope' in 'SELECT'"},
    {"SELECT x.id FROM n", 1054, "Unknown column 'x.id' in 'field list'",
     "Unknown column 'x.id' in 'SELECT'"},
    {"SELECT id FROM n WHERE nope = 1", 1054, "Unknown column 'nope' in 'where clause'",
     "Unknown column 'nope' in 'WHERE'"},
    {"SELECT id FROM n ORDER BY nope", 1054, "Unknown column 'nope' in 'order clause'",
     "Unknown column 'nope' in 'ORDER BY'"},
    {"SELECT id FROM n GROUP BY nope", 1054, "Unknown column 'nope' in 'group statement'",
     "Unknown column 'nope' in 'GROUP BY'"},
    {"SELECT id FROM n HAVING nope = 1", 1054, "Unknown column 'nope' in 'having clause'",
     "Unknown column 'nope' in 'HAVING'"},
    {"SELECT n.id FROM n JOIN o ON nope = 1", 1054, "Unknown column 'nope' in 'on clause'",
     "Unknown column 'nope' in 'ON'"},
    {"SELECT id FROM n ORDER BY 5", 1054, "Unknown column '5' in 'order clause'",
     "Unknown column '5' in 'ORDER BY'"},
    {"SELECT id FROM n, s", 1052, "Column 'id' in field list is ambiguous",
     "Column 'id' in SELECT is ambiguous"},
    {"SELECT * FROM nope", 1146, "Table 'td.nope' doesn't exist", NULL},
    {"SELECT x.* FROM n", 1051, "Unknown table 'x'", "Unknown table 'td.x'"},
    {"SELECT *", 1096, "No tables used", NULL},
    {"SELECT 1 UNION SELECT 1, 2", 1222,
     "The used SELECT statements have a different number of columns", NULL},
    {"SELECT id FROM n WHERE id IN (SELECT oid, v FROM o)", 1241,
     "Operand should contain 1 column(s)", NULL},
    {"SELECT (SELECT oid, v FROM o)", 1241, "Operand should contain 1 column(s)", NULL},
    {"SELECT id FROM n WHERE (id, i) = (1, 2, 3)", 1241, "Operand should contain 2 column(s)",
     NULL},
    {"SELECT id FROM n a JOIN n a", 1066, "Not unique table/alias: 'a'", NULL},
    {"SELECT * FROM (SELECT id, id FROM n) x", 1060, "Duplicate column name 'id'", NULL},
    {"SELECT id FROM n WHERE COUNT(*) > 1", 1111, "Invalid use of group function", NULL},
    {"SELECT SUM(COUNT(*)) FROM n", 1111, "Invalid use of group function", NULL},
    {"SELECT i, COUNT(*) FROM n", 1140,
     "In aggregated query without GROUP BY, expression #1 of SELECT list contains nonaggregated column 'td.n.i'; this "
     "is incompatible with sql_mode=only_full_group_by",
     "Mixing of GROUP columns (MIN(),MAX(),COUNT(),...) with no GROUP columns is illegal if there is no GROUP BY "
     "clause"},
    {"SELECT i FROM n GROUP BY nn", 1055,
     "Expression #1 of SELECT list is not in GROUP BY clause and contains nonaggregated column 'td.n.i' which is not "
     "functionally dependent on columns in GROUP BY clause; this is incompatible with sql_mode=only_full_group_by",
     "'td.n.i' isn't in GROUP BY"},
    {"SELECT nofunc(1)", 1305, "FUNCTION td.nofunc does not exist", NULL},
    {"SELECT ASCII()", 1582, "Incorrect parameter count in the call to native function 'ASCII'",
     NULL},
    {"SELECT 1 FROM s WHERE v COLLATE utf8mb4_bin = u COLLATE utf8mb4_unicode_ci", 1267,
     "Illegal mix of collations (utf8mb4_bin,EXPLICIT) and (utf8mb4_unicode_ci,EXPLICIT) for operation '='",
     NULL},
    {"SELECT DATE '2020-13-01'", 1525, "Incorrect DATE value: '2020-13-01'", NULL},
};

static void check_errors(enum sql_dialect dialect)
{
    struct fixture f;
    fixture_init(&f, dialect);
    fixture_create(&f, schema);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        const bool mariadb = dialect == DIALECT_MARIADB && errors[i].mariadb != NULL;
        const char *want = mariadb ? errors[i].mariadb : errors[i].mysql;
        if (fixture_resolve(&f, errors[i].sql) != NULL) {
            fail_msg("%s: no error", errors[i].sql);
        }
        if (f.diag.error->code != errors[i].code) {
            print_error("%s\n", errors[i].sql);
        }
        assert_int_equal(f.diag.error->code, errors[i].code);
        char got[512];
        (void)snprintf(got, sizeof(got), "%.*s", (int)f.diag.error->message.len,
                       f.diag.error->message.p);
        if (strstr(want, "server version") == NULL) {
            assert_string_equal(got, want);
        }
    }
    fixture_release(&f);
}

static void test_errors_are_those_of_mysql(void **state)
{
    (void)state;
    check_errors(DIALECT_MYSQL);
}

static void test_errors_are_those_of_mariadb(void **state)
{
    (void)state;
    check_errors(DIALECT_MARIADB);
}

/* ---- What must resolve ---- */

static const char *const accepted[] = {
    "SELECT id, i, d FROM n GROUP BY id",
    "SELECT n.i, COUNT(*) FROM n JOIN o ON n.id = o.oid GROUP BY n.id",
    "SELECT n.i FROM n JOIN o ON n.id = o.oid GROUP BY o.oid",
    "SELECT i AS x FROM n GROUP BY x HAVING x > 1 ORDER BY x",
    "SELECT i + 1 FROM n GROUP BY i + 1",
    "SELECT ANY_VALUE(i) FROM n GROUP BY nn",
    "SELECT v AS id FROM o ORDER BY id",
    "SELECT (SELECT MAX(v) FROM o WHERE o.oid = n.id) FROM n",
    "SELECT * FROM n NATURAL JOIN s",
    "WITH a AS (SELECT 1 x), b AS (SELECT x + 1 y FROM a) SELECT * FROM a, b",
    "SELECT 1 FROM n WHERE EXISTS (SELECT 1 FROM o WHERE oid = n.id AND EXISTS (SELECT 1 FROM s WHERE s.id = n.id))",
};

static void test_valid_queries_resolve(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
        if (fixture_resolve(&f, accepted[i]) == NULL) {
            fail_msg("%s: %.*s", accepted[i], (int)f.diag.error->message.len,
                     f.diag.error->message.p);
        }
    }
    fixture_release(&f);
}

static const struct {
    const char *sql;
    const char *names;
} names[] = {
    {"SELECT id, n.i, ID, (nn), nn AS x, 'text', 1 + 1 , NULL FROM n",
     "id|i|ID|nn|x|text|1 + 1|NULL"},
    {"SELECT * FROM n JOIN s USING (id)", "id|i|nn|d|v|b|u"},
    {"SELECT s.*, n.id FROM n, s", "id|v|b|u|id"},
    {"SELECT * FROM (SELECT i + 1, COUNT(*) c FROM n GROUP BY 1) x", "i + 1|c"},
};

static void test_columns_are_named_as_the_servers_do(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct stmt *stmt = fixture_resolve(&f, names[i].sql);
        char got[256] = "";
        assert_non_null(stmt);
        for (uint32_t c = 0; c < stmt->query->column_count; c++) {
            const size_t at = strlen(got);
            (void)snprintf(got + at, sizeof(got) - at, "%s%.*s", c > 0 ? "|" : "",
                           (int)stmt->query->columns[c].name.len, stmt->query->columns[c].name.p);
        }
        assert_string_equal(got, names[i].names);
    }
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_those_of_mysql),
        cmocka_unit_test(test_types_are_those_of_mariadb),
        cmocka_unit_test(test_errors_are_those_of_mysql),
        cmocka_unit_test(test_errors_are_those_of_mariadb),
        cmocka_unit_test(test_valid_queries_resolve),
        cmocka_unit_test(test_columns_are_named_as_the_servers_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
