/* What queries read, told by their trees. */
#include "parse_fixture.h"

#include "sql/reads.h"

static struct sql_reads reads_of(struct parse_fixture *f, struct str text, struct str db)
{
    struct sql_reads r;
    const int code = parse_one(f, text);
    if (code != 0) {
        fail_msg("%.*s: error %d", STR_FMT(text), code);
    }
    sql_reads(f->stmt, db, &r);
    return r;
}

static void test_tables(void **state)
{
    struct parse_fixture *f = *state;
    static const struct {
        struct str text, db;
        uint32_t tables, system_tables, own_tables;
    } rows[] = {
        {STR_INIT("select 1"), STR_INIT("d"), 0, 0, 0},
        {STR_INIT("select 1 from dual"), STR_INIT("d"), 0, 0, 0},
        {STR_INIT("select * from t, d.u join v on 1"), STR_INIT("d"), 3, 0, 0},
        {STR_INIT("select * from tables"), STR_INIT("information_schema"), 0, 1, 0},
        {STR_INIT("select * from MySQL.user, pintail.tables"), STR_INIT("d"), 0, 1, 1},
        {STR_INIT("with c as (select 1 from t) select * from c, c d"), STR_INIT("d"), 1, 0, 0},
        {STR_INIT("select (select max(a) from t) x"), STR_INIT("d"), 1, 0, 0},
        {STR_INIT("select 1 where exists (select 1 from t) or 1 in (table u)"), STR_INIT("d"), 2, 0,
         0},
        {STR_INIT("(select 1 from t) union (select 1 from u) order by (select 1 from v)"),
         STR_INIT("d"), 3, 0, 0},
        {STR_INIT("select sum(a) over (order by (select 1 from t)) from (select 1 a) x"),
         STR_INIT("d"), 1, 0, 0},
        {STR_INIT("explain select * from t"), STR_INIT("d"), 1, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct sql_reads r = reads_of(f, rows[i].text, rows[i].db);
        if (r.tables != rows[i].tables || r.system_tables != rows[i].system_tables ||
            r.own_tables != rows[i].own_tables) {
            fail_msg("%.*s: %u %u %u", STR_FMT(rows[i].text), r.tables, r.system_tables,
                     r.own_tables);
        }
    }
}

static void test_others(void **state)
{
    struct parse_fixture *f = *state;
    const struct str db = STR("d");
    assert_true(reads_of(f, STR("select @a"), db).user_vars);
    assert_true(reads_of(f, STR("select a, @n := @n + 1 from t"), db).user_vars);
    assert_true(reads_of(f, STR("select @@pintail_route"), db).own_vars);
    assert_true(reads_of(f, STR("select a from t for update"), db).writes);
    assert_true(reads_of(f, STR("select a into @a from t"), db).writes);
    assert_false(reads_of(f, STR("select a from t"), db).writes);
    static const struct {
        struct str text, what;
    } rows[] = {
        {STR_INIT("select a from t where b = database()"), STR_INIT("")},
        {STR_INIT("select a, connection_id() from t"), STR_INIT("connection_id")},
        {STR_INIT("select a from t where u = current_user"), STR_INIT("CURRENT_USER")},
        {STR_INIT("select a, @@version from t"), STR_INIT("version")},
        {STR_INIT("select a from t having last_insert_id() > 1"), STR_INIT("last_insert_id")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct sql_reads r = reads_of(f, rows[i].text, db);
        if (!str_eq_nocase(r.of_connection, rows[i].what)) {
            fail_msg("%.*s: %.*s", STR_FMT(rows[i].text), STR_FMT(r.of_connection));
        }
    }
}

static int setup(void **state)
{
    static struct parse_fixture f;
    parse_fixture_init(&f, DIALECT_MYSQL);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    parse_fixture_release(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
