/* The DuckDB writer: what it makes of statements, and what it refuses. */
#include "resolve_fixture.h"

#include "sql/write_duckdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] =
    "CREATE TABLE n (id INT NOT NULL PRIMARY KEY, i INT, d DECIMAL(15,2), u BIGINT UNSIGNED, x DOUBLE, w DECIMAL(50,2));"
    "CREATE TABLE s (id INT NOT NULL PRIMARY KEY, v VARCHAR(20), b VARCHAR(20) COLLATE utf8mb4_0900_bin,"
    " e ENUM('a','b'));"
    "CREATE TABLE t (id INT, da DATE, dt DATETIME, ts TIMESTAMP NULL, ti TIME);";

/* NULL: refused, with f->diag. The text is valid until the next call. */
static const char *written(struct fixture *f, const char *sql, unsigned wide)
{
    static struct bytebuf out;
    const struct write_options options = {.wide_decimals = wide != 0};
    bytebuf_release(&out);
    bytebuf_init(&out, 1 << 20);
    struct stmt *stmt = fixture_resolve(f, sql);
    if (stmt == NULL) {
        return NULL;
    }
    int rc;
    if (stmt->kind == STMT_UPDATE) {
        rc = write_duckdb_update(&stmt->update, &f->env, &options, &out, &f->diag);
    } else if (stmt->kind == STMT_DELETE) {
        rc = write_duckdb_delete(&stmt->del, &f->env, &options, &out, &f->diag);
    } else {
        rc = write_duckdb_query(stmt->query, &f->env, &options, &out, &f->diag);
    }
    bytebuf_put_char(&out, '\0');
    return rc == 0 ? out.p : NULL;
}

static const struct {
    const char *sql;
    const char *duckdb;
} texts[] = {
    {"SELECT id FROM n", "SELECT r0.c1 AS c0 FROM t1 AS r0"},
    {"SELECT id FROM n WHERE i = 5 AND d > 1.5",
     "SELECT r0.c1 AS c0 FROM t1 AS r0 WHERE ((r0.c2 = 5) AND (r0.c3 > 1.5::DECIMAL(2,1)))"},
    {"SELECT i + 1 FROM n",
     "SELECT (CAST(r0.c2 AS BIGINT) + CAST(1 AS BIGINT)) AS c0 FROM t1 AS r0"},
    {"SELECT u - 1 FROM n",
     "SELECT CAST((CAST(r0.c4 AS HUGEINT) - CAST(1 AS HUGEINT)) AS UBIGINT) AS c0 FROM t1 AS r0"},
    {"SELECT i FROM n ORDER BY i DESC LIMIT 3 OFFSET 1",
     "SELECT r0.c2 AS c0 FROM t1 AS r0 ORDER BY r0.c2 DESC NULLS LAST LIMIT 3 OFFSET 1"},
    {"SELECT COUNT(*), SUM(d), AVG(d) FROM n",
     "SELECT count(*) AS c0, sum(r0.c3) AS c1, CAST(pt_quotient_9(sum(r0.c3), count(r0.c3), 4) AS DECIMAL(19,6)) AS c2 "
     "FROM t1 AS r0"},
    {"SELECT i / 3 FROM n",
     "SELECT CAST(pt_div_4(CAST(r0.c2 AS DECIMAL(10,0)), CAST(3 AS DECIMAL(1,0)), 4) AS DECIMAL(14,4)) AS c0 FROM t1 "
     "AS r0"},
    {"SELECT id FROM s WHERE v = 'x'",
     "SELECT r0.c1 AS c0 FROM t2 AS r0 WHERE (pt_key_255(r0.c2) = pt_key_255('x'))"},
    {"SELECT id FROM s WHERE b = 'it''s'",
     "SELECT r0.c1 AS c0 FROM t2 AS r0 WHERE (r0.c3 = 'it''s')"},
    {"SELECT id FROM s WHERE b LIKE 'a%'",
     "SELECT r0.c1 AS c0 FROM t2 AS r0 WHERE (r0.c3 LIKE 'a%')"},
    {"SELECT id FROM s WHERE v NOT LIKE 'a%'",
     "SELECT r0.c1 AS c0 FROM t2 AS r0 WHERE (NOT pt_like_255(r0.c2, 'a%'))"},
    {"SELECT id FROM s WHERE e = 'B'", "SELECT r0.c1 AS c0 FROM t2 AS r0 WHERE (r0.c4 = 2)"},
    {"SELECT b, COUNT(*) FROM s GROUP BY b",
     "SELECT r0.c3 AS c0, count(*) AS c1 FROM t2 AS r0 GROUP BY r0.c3"},
    {"SELECT v, COUNT(*) FROM s GROUP BY v",
     "SELECT any_value(r0.c2) AS c0, count(*) AS c1 FROM t2 AS r0 GROUP BY pt_key_255(r0.c2)"},
    {"SELECT id, v FROM s GROUP BY id, v",
     "SELECT r0.c1 AS c0, any_value(r0.c2) AS c1 FROM t2 AS r0 GROUP BY r0.c1"},
    {"SELECT MAX(v), MAX(b) FROM s",
     "SELECT arg_max(r0.c2, pt_key_255(r0.c2)) AS c0, max(r0.c3) AS c1 FROM t2 AS r0"},
    {"SELECT id FROM t WHERE da < '2020-02-30' - INTERVAL 1 DAY", NULL},
    {"SELECT id FROM t WHERE da < DATE '2020-03-31' - INTERVAL 1 MONTH",
     "SELECT r0.c1 AS c0 FROM t3 AS r0 WHERE (r0.c2 < DATE '2020-02-29')"},
    {"SELECT da + INTERVAL 1 MONTH FROM t",
     "SELECT pt_add_months_date(r0.c2, (1)::BIGINT, -719528) AS c0 FROM t3 AS r0"},
    {"SELECT EXTRACT(YEAR FROM da) FROM t",
     "SELECT CAST(pt_year(r0.c2) AS BIGINT) AS c0 FROM t3 AS r0"},
    {"SELECT n.id FROM n LEFT JOIN s ON n.id = s.id WHERE s.id IS NULL",
     "SELECT r0.c1 AS c0 FROM t1 AS r0 LEFT JOIN t2 AS r1 ON (r0.c1 = r1.c1) WHERE (r1.c1 IS NULL)"},
    {"SELECT x.m FROM (SELECT MAX(i) m FROM n) x",
     "SELECT r1.c0 AS c0 FROM (SELECT max(r0.c2) AS c0 FROM t1 AS r0) AS r1"},
    {"WITH c AS (SELECT 1 a) SELECT a FROM c",
     "WITH q0 AS (SELECT 1 AS c0) SELECT r0.c0 AS c0 FROM q0 AS r0"},
    {"UPDATE n SET i = i + 1 WHERE id = 3",
     "SELECT r0.rowid, r0.c1, r0.c2, r0.c3, r0.c4, r0.c5, r0.c6, (CAST(r0.c2 AS BIGINT) + CAST(1 AS BIGINT)) FROM t1 "
     "AS r0 WHERE (r0.c1 = 3)"},
    {"DELETE FROM n WHERE id = 3 LIMIT 1",
     "SELECT r0.rowid FROM t1 AS r0 WHERE (r0.c1 = 3) LIMIT 1"},
};

static void test_statements_are_written(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        const char *got = written(&f, texts[i].sql, 0);
        if (texts[i].duckdb == NULL) {
            assert_null(got);
            continue;
        }
        if (got == NULL) {
            fail_msg("%s: %.*s", texts[i].sql, (int)f.diag.error->message.len,
                     f.diag.error->message.p);
        }
        assert_string_equal(got, texts[i].duckdb);
    }
    fixture_release(&f);
}

static const char *const refused[] = {
    "SELECT w + 1 FROM n", /* more than 38 digits */
    "SELECT SUM(w) FROM n",
    "SELECT RAND() FROM n", /* no rule */
    "SELECT NOW() FROM n",  /* no evaluator in this test */
    "SELECT v & 1 FROM s",
    "SELECT id FROM t WHERE da = 5", /* types */
    "SELECT id FROM t WHERE da = 'nonsense'",
    "SELECT id FROM t WHERE ts > '2020-01-01'", /* session time zone */
    "SELECT id FROM s WHERE e = v",
    "SELECT CASE WHEN i = 1 THEN d ELSE 0 END FROM n", /* each row with decimals of its own */
    "SELECT i, SUM(d) FROM n GROUP BY i WITH ROLLUP",
    "SELECT a.id FROM n a, LATERAL (SELECT a.id) b",
};

static void test_what_is_not_proven_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        const char *got = written(&f, refused[i], 0);
        if (got != NULL) {
            fail_msg("%s: %s", refused[i], got);
        }
        assert_int_equal(f.diag.error->code, ER_NOT_SUPPORTED_YET);
    }
    fixture_release(&f);
}

static void test_wide_products_cast_one_side(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    assert_string_equal(written(&f, "SELECT d * d FROM n", 0),
                        "SELECT CAST((r0.c3 * r0.c3) AS DECIMAL(30,4)) AS c0 FROM t1 AS r0");
    assert_string_equal(written(&f, "SELECT d * d FROM n", 1),
                        "SELECT (CAST(r0.c3 AS DECIMAL(38,2)) * r0.c3) AS c0 FROM t1 AS r0");
    fixture_release(&f);
}

/* SELECT i+1+1+… FROM n */
static const char *chain(struct fixture *f, int terms)
{
    char sql[8192] = "SELECT i";
    for (int i = 0; i < terms; i++) {
        (void)strcat(sql, "+1");
    }
    (void)strcat(sql, " FROM n");
    return written(f, sql, 0);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    assert_non_null(chain(&f, 250));
    assert_null(chain(&f, 500));
    fixture_release(&f);
}

static void test_many_alternatives_become_in(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, DIALECT_MYSQL);
    fixture_create(&f, schema);
    assert_string_equal(
        written(&f, "SELECT id FROM n WHERE i=1 OR i=2 OR i=3 OR i=4 OR i=5 OR i=6 OR i=7 OR i=8",
                0),
        "SELECT r0.c1 AS c0 FROM t1 AS r0 WHERE (r0.c2 IN (1, 2, 3, 4, 5, 6, 7, 8))");
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_are_written),
        cmocka_unit_test(test_what_is_not_proven_is_refused),
        cmocka_unit_test(test_wide_products_cast_one_side),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_many_alternatives_become_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
