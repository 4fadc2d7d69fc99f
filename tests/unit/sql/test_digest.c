#include "parse_fixture.h"

#include "sql/digest.h"

static const struct parse_options options = {.version = 90704};

static struct digest digest_of(struct str statement)
{
    struct digest d;
    sql_digest(statement, &options, &d, NULL);
    return d;
}

static bool same(struct str a, struct str b)
{
    const struct digest da = digest_of(a);
    const struct digest db = digest_of(b);
    return da.hash[0] == db.hash[0] && da.hash[1] == db.hash[1];
}

/* The right sides are what MySQL 9.7's STATEMENT_DIGEST_TEXT() answers, but for names of variables
 * and synonyms. */
static void test_text(void **state)
{
    (void)state;
    static const struct {
        struct str statement;
        const char *text;
    } rows[] = {
        {STR_INIT(
             "select a, b.c, \"x\", -1, +2.5, 1e5, x'41', 0x41, null, true, @a from `t x` where a in (1,2,3) and "
             "b in (1) and c in (1,a) and (d,e) in ((1,2),(3,4))"),
         "SELECT `a` , `b` . `c` , ?, ... , TRUE , @`a` FROM `t x` WHERE `a` IN (...) AND `b` IN (?) AND `c` IN ( ? , "
         "`a` ) AND ( `d` , `e` ) IN ( (...) /* , ... */ )"},
        {STR_INIT("insert into t (a,b) values (1,2),(3,4),(5,6)"),
         "INSERT INTO `t` ( `a` , `b` ) VALUES (...) /* , ... */"},
        {STR_INIT("insert into t (a,b) values (1,2)"),
         "INSERT INTO `t` ( `a` , `b` ) VALUES (...)"},
        {STR_INIT("insert into t (a,b) values (1)"), "INSERT INTO `t` ( `a` , `b` ) VALUES (?)"},
        {STR_INIT("insert into t (a,b) values (1,now()),(2,3)"),
         "INSERT INTO `t` ( `a` , `b` ) VALUES ( ? , NOW ( ) ) , (...)"},
        {STR_INIT(
             "select a - 1, a-1, f(1,2), f(-1), count(*), sum(a), 1 - -1, (1), (1),(2) from t limit 1, 2"),
         "SELECT `a` - ? , `a` - ? , `f` (...) , `f` (?) , COUNT ( * ) , SUM ( `a` ) , ? - ? , (?) /* , ... */ FROM `t` "
         "LIMIT ?, ..."},
        {STR_INIT(
             "select date '2020-01-01', status, Status from t as Status where not a <=> 1 or b != 2 || c && d"),
         "SELECT DATE ? , STATUS , STATUS FROM `t` AS STATUS WHERE NOT `a` <=> ? OR `b` != ? || `c` && `d`"},
        {STR_INIT(
             "select a->'$.x', b->>'$.y', cast(a as char(3)), t.*, u.select from t where a is not null"),
         "SELECT `a` -> ? , `b` ->> ? , CAST ( `a` AS CHAR (?) ) , `t` . * , `u` . `select` FROM `t` WHERE `a` IS NOT NULL"},
        {STR_INIT("select 1 -- x\n"), "SELECT ?"},
        {STR_INIT("select 1; select 2"), "SELECT ?"},
        {STR_INIT(""), ""},
        {STR_INIT("select /*! 1"), "SELECT ? "},
        {STR_INIT("select 'unterminated"), "SELECT 'UNTERMINATED"},
    };
    struct bytebuf text;
    bytebuf_init(&text, 4096);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct digest d;
        bytebuf_reset(&text);
        sql_digest(rows[i].statement, &options, &d, &text);
        bytebuf_put_char(&text, '\0');
        assert_string_equal(text.p, rows[i].text);
    }
    bytebuf_release(&text);
}

static void test_same_but_for_values_and_spaces(void **state)
{
    (void)state;
    assert_true(
        same(STR("SELECT a FROM t WHERE b = 1"), STR("select  a/* c */from t\nwhere b='x' -- y")));
    assert_true(same(STR("SELECT a FROM t WHERE b IN (1, 2)"),
                     STR("SELECT a FROM t WHERE b IN (1, 2, 3, 4)")));
    assert_true(same(STR("SELECT a FROM t"), STR("SELECT `a` FROM `t`")));
    assert_true(same(STR("SELECT a FROM t"), STR("SELECT a FROM t;")));
}

static void test_different_names_differ(void **state)
{
    (void)state;
    assert_false(same(STR("SELECT a FROM t"), STR("SELECT b FROM t")));
    assert_false(same(STR("SELECT a FROM t"), STR("SELECT A FROM t")));
    assert_false(same(STR("SELECT @a"), STR("SELECT @b")));
    assert_false(same(STR("SELECT a + 1"), STR("SELECT a - 1")));
    assert_false(same(STR("SELECT 1"), STR("SELECT (1)")));
}

/* The text is longer than the buffer inside; the hash is of all of it, the text is cut at the
 * ceiling. */
static void test_long_statement(void **state)
{
    (void)state;
    struct arena arena;
    struct bytebuf text;
    struct digest a;
    struct digest b;
    arena_init(&arena, 0);
    char *statement = arena_alloc(&arena, 100000);
    memset(statement, 'a', 100000);
    memcpy(statement, "SELECT ", 7);
    sql_digest(str_from(statement, 100000), &options, &a, NULL);
    statement[99999] = 'b';
    sql_digest(str_from(statement, 100000), &options, &b, NULL);
    assert_true(a.hash[0] != b.hash[0]);
    bytebuf_init(&text, 5000);
    sql_digest(str_from(statement, 100000), &options, &b, &text);
    assert_true(text.failed && text.len <= 5000);
    bytebuf_release(&text);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_same_but_for_values_and_spaces),
        cmocka_unit_test(test_different_names_differ),
        cmocka_unit_test(test_long_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
