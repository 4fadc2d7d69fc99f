/* What large and deep statements get, multi-statements, and the statement's own text. */
#include "parse_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static struct parse_fixture f;

static int setup(void **state)
{
    (void)state;
    parse_fixture_init(&f, DIALECT_MYSQL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    parse_fixture_release(&f);
    return 0;
}

/* prefix, then count times part, then suffix count times again when closing. */
static int parse_repeated(const char *prefix, const char *part, const char *middle,
                          const char *closing, size_t count)
{
    struct bytebuf b;
    bytebuf_init(&b, (size_t)256 << 20);
    bytebuf_put_cstr(&b, prefix);
    for (size_t i = 0; i < count; i++) {
        bytebuf_put_cstr(&b, part);
    }
    bytebuf_put_cstr(&b, middle);
    for (size_t i = 0; i < count; i++) {
        bytebuf_put_cstr(&b, closing);
    }
    assert_false(b.failed);
    const int code = parse_one(&f, bytebuf_str(&b));
    bytebuf_release(&b);
    return code;
}

static void test_nested_parentheses_cost_no_height(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("SELECT ", "(", "1", ")", 5000), 0);
    assert_int_equal(parse_repeated("", "(", "SELECT 1", ")", 5000), 0);
    assert_int_equal(parse_repeated("SELECT * FROM ", "(", "t", ")", 5000), 0);
    assert_int_equal(parse_repeated("SELECT ", "(", "1", ")", 1000000), ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT ", "(", "", "", 5000), ER_PARSE_ERROR);
}

static void test_deep_operators_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("SELECT 1", "+1", "", "", 800), 0);
    assert_int_equal(parse_repeated("SELECT 1", "+1", "", "", 100000), ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT ", "- ", "1", "", 100000), ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT ", "NOT ", "1", "", 100000),
                     ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT ", "f(", "1", ")", 5000), ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT ", "(SELECT ", "1", ")", 5000),
                     ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT 1", " UNION SELECT 1", "", "", 5000),
                     ER_STACK_OVERRUN_NEED_MORE);
    assert_int_equal(parse_repeated("SELECT 1 FROM t", " JOIN t", "", "", 100000),
                     ER_STACK_OVERRUN_NEED_MORE);
}

static void test_long_chains_are_flat(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("SELECT 1", " AND a", "", "", 100000), 0);
    assert_int_equal(f.stmt->query->select->items[0].expr->argc, 100001);
    assert_int_equal(f.stmt->query->select->items[0].expr->height, 2);
    assert_int_equal(parse_repeated("SELECT 1", " OR a", "", "", 100000), 0);
    assert_int_equal(parse_repeated("SELECT a IN (1", ",1", ")", "", 100000), 0);
    assert_int_equal(f.stmt->query->select->items[0].expr->argc, 100002);
    assert_int_equal(parse_repeated("INSERT INTO t VALUES (1)", ",(1,'x')", "", "", 100000), 0);
    assert_int_equal(f.stmt->insert.row_count, 100001);
    f.options.sql_mode = SQL_MODE_PIPES_AS_CONCAT;
    assert_int_equal(parse_repeated("SELECT 'a'", "||'b'", "", "", 10000), 0);
    assert_int_equal(f.stmt->query->select->items[0].expr->argc, 10001);
}

static void test_one_statement_of_many_is_taken(void **state)
{
    (void)state;
    const struct str text = STR("  SELECT ';' /* ; */ -- ;\n , `;`, \";\" ; SELECT 2");
    assert_int_equal(parse_one(&f, text), 0);
    assert_true(str_eq(str_from(text.p + f.used, text.len - f.used), STR(" SELECT 2")));
    assert_true(str_eq(f.stmt->text, STR("SELECT ';' /* ; */ -- ;\n , `;`, \";\" ")));
    assert_int_equal(parse_one(&f, str_from(text.p + f.used, text.len - f.used)), 0);
    assert_int_equal(f.used, 9);
    assert_int_equal(parse_one(&f, STR(" ; ")), 0);
    assert_int_equal(f.stmt->kind, STMT_EMPTY);
    assert_int_equal(f.used, 2);
}

/* Many statements in one text must not cost its length each. */
static void test_many_statements_in_one_text(void **state)
{
    (void)state;
    const size_t count = 200000;
    char *text = malloc(count * 9);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * 9, "SELECT 1;", 9);
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(parse_one(&f, str_from(text + at, count * 9 - at)), 0);
        at += f.used;
    }
    assert_int_equal(at, count * 9);
    free(text);
}

static void test_stored_programs_take_the_rest(void **state)
{
    (void)state;
    const struct str text = STR("CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END");
    assert_int_equal(parse_one(&f, text), 0);
    assert_int_equal(f.stmt->kind, STMT_OTHER);
    assert_int_equal(f.used, text.len);
}

static void test_errors_quote_what_follows_the_delimiter(void **state)
{
    (void)state;
    assert_int_equal(parse_one(&f, STR("SELECT FROM; SELECT 2")), ER_PARSE_ERROR);
    assert_non_null(strstr(f.diag.error->message.p, "near 'FROM; SELECT 2' at line 1"));
}

/* Column names are the text as written, so ranges must be exact. */
static void test_ranges(void **state)
{
    (void)state;
    static const struct str exprs[] = {
        STR_INIT("a+  b"),
        STR_INIT("( a )"),
        STR_INIT("count( * )"),
        STR_INIT("a  IS not NULL"),
        STR_INIT("a in (1, 2 )"),
        STR_INIT("case a when 1 then 2 end"),
        STR_INIT("a.b . c"),
        STR_INIT("@@global . x"),
        STR_INIT("cast( a as char(3) )"),
        STR_INIT("sum(a) over ( order by b )"),
        STR_INIT("sum(a) over w"),
        STR_INIT("now( )"),
        STR_INIT("current_timestamp"),
        STR_INIT("d + interval 1  day"),
        STR_INIT("_utf8mb4  'x'"),
        STR_INIT("a collate  utf8mb4_bin"),
        STR_INIT("(select  1 )"),
        STR_INIT("a between 1 and  2"),
        STR_INIT("-  a"),
        STR_INIT("(1+2)*3"),
        STR_INIT("a and b and  c"),
        STR_INIT("exists ( select 1)"),
        STR_INIT("date  '2020-01-01'"),
        STR_INIT("@a :=  1"),
        STR_INIT("x'41'"),
        STR_INIT("`a b`"),
        STR_INIT("group_concat(a order by b separator ',' )"),
        STR_INIT("substring(a from 1 for 2 )"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(exprs); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "SELECT 1 ,\n %s , 2", exprs[i].p);
        assert_int_equal(parse_one(&f, str_from_cstr(text)), 0);
        const struct src_range src = f.stmt->query->select->items[1].expr->src;
        const struct str got = str_from(f.stmt->text.p + src.offset, src.len);
        if (!str_eq(got, exprs[i])) {
            print_error("%s: %.*s\n", exprs[i].p, STR_FMT(got));
            fail();
        }
    }
}

static void test_parameters_are_numbered(void **state)
{
    (void)state;
    assert_int_equal(parse_one(&f, STR("SELECT ? FROM t WHERE a = ? LIMIT ?")), 0);
    assert_int_equal(f.stmt->param_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(f.stmt->params[i]->param.index, i);
    }
    f.options.params_allowed = false;
    assert_int_equal(parse_one(&f, STR("SELECT ?")), ER_PARSE_ERROR);
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    assert_int_equal(parse_one(&f, STR("SELECT 1\0")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("SELECT 'a\0b'")), 0);
    assert_int_equal(f.stmt->query->select->items[0].expr->lit.value.str.len, 3);
    assert_int_equal(parse_one(&f, STR("\xff\xfe")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("SELECT \xff")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("SELECT 'a\xff'")), 0);
    assert_int_equal(parse_one(&f, STR("SELECT 1 LIMIT a")), ER_SP_UNDECLARED_VAR);
    assert_int_equal(parse_one(&f, STR("SELECT 1 INTO a")), ER_SP_UNDECLARED_VAR);
    assert_int_equal(parse_one(&f, STR("/*")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("SELECT 1 /*!")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("HANDLER t /*! x")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("HANDLER t 'x")), ER_PARSE_ERROR);
    assert_int_equal(parse_one(&f, STR("")), 0);
    assert_int_equal(f.stmt->kind, STMT_EMPTY);
}

static void test_execution_time_hint(void **state)
{
    (void)state;
    assert_int_equal(parse_one(&f, STR("SELECT /*+ BKA(t) max_execution_time( 1500 ) */ 1")), 0);
    assert_int_equal(f.stmt->max_execution_time_ms, 1500);
    assert_int_equal(parse_one(&f, STR("SELECT 1 /*+ MAX_EXECUTION_TIME(1500) */")), 0);
    assert_int_equal(f.stmt->max_execution_time_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nested_parentheses_cost_no_height, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deep_operators_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_chains_are_flat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_statement_of_many_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_statements_in_one_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stored_programs_take_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors_quote_what_follows_the_delimiter, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parameters_are_numbered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_that_are_no_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_execution_time_hint, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
