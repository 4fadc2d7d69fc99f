/* sql_mode lists of both servers. */
#include "types/sql_mode.h"

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static void check(const char *text, enum sql_dialect dialect, const char *want)
{
    struct arena arena;
    uint64_t mode;
    struct str bad;
    arena_init(&arena, 0);
    assert_int_equal(sql_mode_parse(str_from_cstr(text), dialect, &mode, &bad), 0);
    struct str got = sql_mode_format(mode, dialect, &arena);
    if (!str_eq(got, str_from_cstr(want))) {
        fail_msg("%s: got %.*s", text, STR_FMT(got));
    }
    arena_release(&arena);
}

static void test_names_come_in_the_servers_order(void **state)
{
    (void)state;
    check("", DIALECT_MYSQL, "");
    check(",,ansi_quotes,", DIALECT_MYSQL, "ANSI_QUOTES");
    check("ansi_quotes ", DIALECT_MYSQL, "ANSI_QUOTES");
    check("no_engine_substitution,strict_trans_tables,real_as_float", DIALECT_MARIADB,
          "REAL_AS_FLOAT,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION");
}

static void test_combinations_bring_their_parts(void **state)
{
    (void)state;
    check("ansi", DIALECT_MYSQL,
          "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI");
    check("ANSI", DIALECT_MARIADB, "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI");
    check("traditional", DIALECT_MYSQL,
          "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
          "ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,NO_ENGINE_SUBSTITUTION");
    check("traditional", DIALECT_MARIADB,
          "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
          "ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION");
    check("oracle", DIALECT_MARIADB,
          "PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ORACLE,NO_KEY_OPTIONS,NO_TABLE_OPTIONS,"
          "NO_FIELD_OPTIONS,NO_AUTO_CREATE_USER,SIMULTANEOUS_ASSIGNMENT");
}

static void test_unknown_names_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sql_dialect dialect;
        const char *bad;
    } rows[] = {
        {"ansi,bogus,traditional", DIALECT_MYSQL, "bogus"},
        {" ansi_quotes", DIALECT_MYSQL, " ansi_quotes"},
        {"no_auto_create_user", DIALECT_MYSQL, "no_auto_create_user"},
        {"time_truncate_fractional", DIALECT_MARIADB, "time_truncate_fractional"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t mode;
        struct str bad;
        assert_int_equal(sql_mode_parse(str_from_cstr(rows[i].text), rows[i].dialect, &mode, &bad),
                         -1);
        assert_true(str_eq(bad, str_from_cstr(rows[i].bad)));
    }
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t mode;
    assert_int_equal(sql_mode_from_number(1u << 18, DIALECT_MARIADB, &mode), 0);
    assert_true(mode == (SQL_MODE_ANSI | SQL_MODE_REAL_AS_FLOAT | SQL_MODE_PIPES_AS_CONCAT |
                         SQL_MODE_ANSI_QUOTES | SQL_MODE_IGNORE_SPACE));
    assert_int_equal(sql_mode_from_number(4294967295u, DIALECT_MYSQL, &mode), -1);
    assert_int_equal(sql_mode_from_number(UINT64_C(1) << 40, DIALECT_MARIADB, &mode), -1);
    assert_int_equal(sql_mode_from_number(SQL_MODE_TIME_TRUNCATE_FRACTIONAL, DIALECT_MYSQL, &mode),
                     0);
}

static void test_defaults(void **state)
{
    (void)state;
    check("ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
          "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
          DIALECT_MYSQL,
          "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
          "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION");
    uint64_t mode;
    assert_int_equal(sql_mode_from_number(SQL_MODE_DEFAULT_MYSQL, DIALECT_MYSQL, &mode), 0);
    assert_true(mode == SQL_MODE_DEFAULT_MYSQL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_come_in_the_servers_order),
        cmocka_unit_test(test_combinations_bring_their_parts),
        cmocka_unit_test(test_unknown_names_are_told),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests_name("sql_mode", tests, NULL, NULL);
}
