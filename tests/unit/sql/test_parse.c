/* Text to tree: the list of trees, and what sql_mode and dialect change. */
#include "parse_fixture.h"

#include <stdio.h>

static size_t unescape(struct str s, char *buf)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (c == '\\' && i + 1 < s.len) {
            c = s.p[++i];
            c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c);
        }
        buf[n++] = c;
    }
    buf[n] = '\0';
    return n;
}

static void expect_tree(void *arg, struct str line)
{
    struct parse_fixture *f = arg;
    char statement[1024];
    char tree[1024];
    const char *tab = memchr(line.p, '\t', line.len);
    assert_non_null(tab);
    const size_t len = unescape(str_from(line.p, (size_t)(tab - line.p)), statement);
    (void)unescape(str_from(tab + 1, line.len - (size_t)(tab + 1 - line.p)), tree);
    const char *got = parse_dump(f, str_from(statement, len));
    if (strcmp(got, tree) != 0) {
        print_error("%s\n", statement);
    }
    assert_string_equal(got, tree);
}

static void test_trees(void **state)
{
    (void)state;
    struct parse_fixture f;
    parse_fixture_init(&f, DIALECT_MYSQL);
    assert_true(parse_each_line("trees.tsv", expect_tree, &f) > 120);
    parse_fixture_release(&f);
}

struct mode_row {
    uint64_t sql_mode;
    enum sql_dialect dialect;
    struct str statement;
    const char *tree; /* NULL: a syntax error. */
};

static void check_rows(const struct mode_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct parse_fixture f;
        parse_fixture_init(&f, rows[i].dialect);
        f.options.sql_mode = rows[i].sql_mode;
        const char *got = parse_dump(&f, rows[i].statement);
        if (rows[i].tree != NULL) {
            assert_string_equal(got, rows[i].tree);
        } else {
            assert_memory_equal(got, "ERROR 1064", 10);
        }
        parse_fixture_release(&f);
    }
}

static void test_sql_modes(void **state)
{
    (void)state;
    static const struct mode_row rows[] = {
        {0, DIALECT_MYSQL, STR_INIT("SELECT \"a\", a || b"), "{select 'a', (OR a b)}"},
        {SQL_MODE_ANSI_QUOTES, DIALECT_MYSQL, STR_INIT("SELECT \"a\"\"b\".\"c\""),
         "{select a\"b.c}"},
        {SQL_MODE_ANSI_QUOTES, DIALECT_MYSQL, STR_INIT("SELECT \"a\\\""), "{select a\\}"},
        {SQL_MODE_PIPES_AS_CONCAT, DIALECT_MYSQL, STR_INIT("SELECT a || b || c + d"),
         "{select (+ (CONCAT a b c) d)}"},
        {SQL_MODE_PIPES_AS_CONCAT, DIALECT_MYSQL, STR_INIT("SELECT -a || b"),
         "{select (CONCAT (NEG a) b)}"},
        {SQL_MODE_NO_BACKSLASH_ESCAPES, DIALECT_MYSQL, STR_INIT("SELECT 'a\\', 'b'"),
         "{select 'a\\', 'b'}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT NOT a BETWEEN 1 AND 2"),
         "{select (NOT (BETWEEN a 1 2))}"},
        {SQL_MODE_HIGH_NOT_PRECEDENCE, DIALECT_MYSQL, STR_INIT("SELECT NOT a BETWEEN 1 AND 2"),
         "{select (BETWEEN (NOT a) 1 2)}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT COUNT (*)"), NULL},
        {SQL_MODE_IGNORE_SPACE, DIALECT_MYSQL, STR_INIT("SELECT COUNT (*), NOW ()"),
         "{select (COUNT *), (NOW)}"},
        {0, DIALECT_MYSQL, STR_INIT("CREATE TABLE t (a REAL)"), "create_table t; a 5"},
        {SQL_MODE_REAL_AS_FLOAT, DIALECT_MYSQL, STR_INIT("CREATE TABLE t (a REAL)"),
         "create_table t; a 4"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_dialects(void **state)
{
    (void)state;
    static const struct mode_row rows[] = {
        {0, DIALECT_MYSQL, STR_INIT("SELECT 1 AS rank"), NULL},
        {0, DIALECT_MARIADB, STR_INIT("SELECT 1 AS rank"), "{select 1 as rank}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT 1 AS offset"), "{select 1 as offset}"},
        {0, DIALECT_MARIADB, STR_INIT("SELECT 1 AS offset"), NULL},
        {0, DIALECT_MYSQL, STR_INIT("SELECT 1 FROM t OFFSET"), "{select 1 from t OFFSET}"},
        {0, DIALECT_MARIADB, STR_INIT("SELECT 1 FROM t OFFSET 2 ROWS FETCH NEXT 3 ROWS ONLY"),
         "{select 1 from t limit 3 offset 2}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT function FROM t"), NULL},
        {0, DIALECT_MARIADB, STR_INIT("SELECT function FROM t"), "{select function from t}"},
        {0, DIALECT_MARIADB, STR_INIT("VALUES (1), (2)"), "{values (ROW 1), (ROW 2)}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT /*!80000 1 + */ /*!100000 2 + */ /*!50000 3 */"),
         "{select (+ 1 3)}"},
        {0, DIALECT_MARIADB, STR_INIT("SELECT /*!80000 1 + */ /*!100000 2 + */ /*!50000 3 */"),
         "{select (+ 2 3)}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT /*M! 1 + */ 2"), "{select 2}"},
        {0, DIALECT_MARIADB, STR_INIT("SELECT /*M! 1 + */ /*M!100000 2 + */ /*M!999999 3 + */ 4"),
         "{select (+ (+ 1 2) 4)}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT /*!99999 a /* b */ c */ 1"), "{select 1}"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void test_words_that_are_functions_only_before_a_parenthesis(void **state)
{
    (void)state;
    static const struct mode_row rows[] = {
        {0, DIALECT_MYSQL, STR_INIT("SELECT count, sum, trim, extract, timestampdiff FROM t"),
         "{select count, sum, trim, extract, timestampdiff from t}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT date, date'2020-01-01', date (a), time FROM t"),
         "{select date, DATE'2020-01-01', (date a), time from t}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT t.select, t.1a, t.`b`, d.t.from FROM t"),
         "{select t.select, t.1a, t.b, d.t.from from t}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT @@select, @@global.sql_mode"),
         "{select @@select, @@global.sql_mode}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT a BETWEEN b && c"), NULL},
        {0, DIALECT_MYSQL, STR_INIT("SELECT 1 --2"), "{select (- 1 (NEG 2))}"},
        {0, DIALECT_MYSQL, STR_INIT("SELECT 1 -- 2\n+ 3"), "{select (+ 1 3)}"},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_sql_modes),
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_words_that_are_functions_only_before_a_parenthesis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
