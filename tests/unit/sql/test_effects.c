/* What statements leave behind, told by their tokens. */
#include "parse_fixture.h"

#include "sql/effects.h"

static const struct parse_options options = {.version = 999999};

#define VARS EFFECT_VARIABLES

static void test_effects(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        unsigned effects;
    } rows[] = {
        {STR_INIT("select 1"), 0},
        {STR_INIT("/* c */ SELECT * FROM t WHERE a = 'GET_LOCK(1,2)' -- @a := 1"), 0},
        {STR_INIT("(select a from t) union (select 2)"), 0},
        {STR_INIT("select get_lock('a', 1)"), EFFECT_LOCK},
        {STR_INIT("select get_lock from t"), 0},
        {STR_INIT("select `get_lock` (1)"), 0},
        {STR_INIT("select @a"), 0},
        {STR_INIT("select @a := 1"), EFFECT_USER_VARIABLE},
        {STR_INIT("select a into @a from t"), EFFECT_USER_VARIABLE},
        {STR_INIT("insert into t values (1)"), 0},
        {STR_INIT("insert into t values (last_insert_id())"), EFFECT_READS_INSERT_ID},
        {STR_INIT("select @@identity, @@session.warning_count"),
         EFFECT_READS_INSERT_ID | EFFECT_READS_DIAGNOSTICS},
        {STR_INIT("select sql_calc_found_rows * from t"), EFFECT_FOUND_ROWS},
        {STR_INIT("select found_rows()"), EFFECT_READS_ROW_COUNT},
        {STR_INIT("show warnings"), EFFECT_READS_DIAGNOSTICS},
        {STR_INIT("show tables"), 0},
        {STR_INIT("create table t (a int)"), EFFECT_SCHEMA},
        {STR_INIT("create temporary table t (a int)"), EFFECT_SCHEMA | EFFECT_TEMPORARY_TABLE},
        {STR_INIT("create procedure p() begin set @a = 1; select get_lock(1,2); end"),
         EFFECT_SCHEMA},
        {STR_INIT("create definer=`a`@`b` trigger x before insert on t for each row set @a = 1"),
         EFFECT_SCHEMA},
        {STR_INIT("call p()"), EFFECT_PROGRAM},
        {STR_INIT("begin"), 0},
        {STR_INIT("begin not atomic select 1; end"), EFFECT_PROGRAM | EFFECT_UNKNOWN},
        {STR_INIT("xa start 'a'"), EFFECT_UNKNOWN},
        {STR_INIT("lock tables t read"), EFFECT_LOCK},
        {STR_INIT("flush tables with read lock"), EFFECT_LOCK},
        {STR_INIT("flush privileges"), 0},
        {STR_INIT("set @a = 1"), EFFECT_USER_VARIABLE},
        {STR_INIT("set names utf8mb4 collate utf8mb4_bin"), EFFECT_NAMES},
        {STR_INIT("set global max_connections = 5"), 0},
        {STR_INIT("set transaction read only"), EFFECT_NEXT_TRANSACTION},
        {STR_INIT("set session transaction read only"), VARS},
        {STR_INIT("set role none"), EFFECT_ROLE},
        {STR_INIT("set password = 'x'"), 0},
        {STR_INIT("set a = 1, @@b = concat('x', 2), session c = 3, @@local.d = 4"), VARS},
        {STR_INIT("select 1 from information_schema.tables"), EFFECT_READS_SCHEMA},
        {STR_INIT("select 1 from `Information_Schema`.t"), EFFECT_READS_SCHEMA},
        {STR_INIT("select 'information_schema', `get_lock`(1)"), 0},
        {STR_INIT("set session collation_connection = 'x'"), VARS | EFFECT_READING},
        {STR_INIT("set sql_mode = '', @x = 3"), VARS | EFFECT_READING | EFFECT_USER_VARIABLE},
        {STR_INIT("load data local infile 'f' into table t (a, @b) set c = @b"),
         EFFECT_USER_VARIABLE},
        {STR_INIT("select 1; set @a = 2; select 3"), EFFECT_USER_VARIABLE},
        {STR_INIT("/*!40101 SET @old = @@sql_mode */"), EFFECT_USER_VARIABLE},
        {STR_INIT("install plugin x soname 'y'"), EFFECT_UNKNOWN},
        {STR_INIT("select 'open"), EFFECT_UNKNOWN},
        {STR_INIT(""), 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sql_effects e;
        sql_effects(rows[i].text, &options, &e);
        if (e.effects != rows[i].effects) {
            fail_msg("%.*s: %#x, not %#x", STR_FMT(rows[i].text), e.effects, rows[i].effects);
        }
    }
}

static void test_variables(void **state)
{
    (void)state;
    struct sql_effects e;
    sql_effects(
        STR("set a = (1, 2), @@b = 'x', @@session.c = 3, local d = 4, global e = 5; set f = 6"),
        &options, &e);
    static const char *const names[] = {"a", "b", "c", "d", "f"};
    assert_int_equal(e.variable_count, ARRAY_SIZE(names));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_true(str_eq(e.variables[i], str_from_cstr(names[i])));
    }
}

static void test_writes(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        bool writes;
    } rows[] = {
        {STR_INIT("select 1 from t for update"), false},
        {STR_INIT("show tables; use d; set names utf8mb4; begin; commit"), false},
        {STR_INIT("with c as (select 1) select * from c"), false},
        {STR_INIT("with c as (select 1) delete from t where a in (select * from c)"), true},
        {STR_INIT("select 1; insert into t values (1)"), true},
        {STR_INIT("call p()"), true},
        {STR_INIT("grant select on t to u"), true},
        {STR_INIT("xa commit 'a'"), true},
        {STR_INIT("drop table t"), true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sql_effects e;
        sql_effects(rows[i].text, &options, &e);
        if (e.writes != rows[i].writes) {
            fail_msg("%.*s", STR_FMT(rows[i].text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effects),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
