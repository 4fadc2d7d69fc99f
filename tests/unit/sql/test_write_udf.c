/*
 * The functions inside DuckDB over NULLs, constants, and dictionary vectors (which DuckDB makes of
 * compressed columns): however the arguments arrive, the answers are the same, and NULL gives NULL.
 */
#include "resolve_fixture.h"

#include "engine/duckdb/udf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct duck {
    duckdb_database db;
    duckdb_connection c;
    char path[64];
    struct diag diag;
};

static void run(struct duck *d, const char *sql)
{
    duckdb_result r;
    if (duckdb_query(d->c, sql, &r) != DuckDBSuccess) {
        fail_msg("%s: %s", sql, duckdb_result_error(&r));
    }
    duckdb_destroy_result(&r);
}

/* The only value of a query, as text; "NULL" for NULL, "error" when it fails. */
static const char *value(struct duck *d, const char *sql)
{
    static char text[256];
    duckdb_result r;
    if (duckdb_query(d->c, sql, &r) != DuckDBSuccess) {
        (void)snprintf(text, sizeof(text), "error: %.200s", duckdb_result_error(&r));
    } else {
        char *s = duckdb_value_varchar(&r, 0, 0);
        (void)snprintf(text, sizeof(text), "%s", s != NULL ? s : "NULL");
        duckdb_free(s);
    }
    duckdb_destroy_result(&r);
    return text;
}

static int open_duck(void **state)
{
    static struct duck d;
    diag_init(&d.diag);
    (void)snprintf(d.path, sizeof(d.path), "/tmp/pintail-udf-%d.db", (int)getpid());
    (void)unlink(d.path);
    if (duckdb_open(d.path, &d.db) != DuckDBSuccess ||
        duckdb_connect(d.db, &d.c) != DuckDBSuccess) {
        return -1;
    }
    if (duckdb_udf_register(d.c, &d.diag) != 0) {
        return -1;
    }
    run(&d,
        "CREATE TABLE t AS SELECT i, CASE WHEN i % 5 = 0 THEN NULL ELSE 'Wört ' || (i % 7)::VARCHAR || "
        "repeat('x', (i % 3 * 10)::INTEGER) END AS v, CASE WHEN i % 4 = 0 THEN NULL ELSE DATE '2020-01-01' + (i % "
        "400)::INTEGER END AS d, CASE WHEN i % 6 = 0 THEN NULL ELSE ((i % 100)::DECIMAL(15,2)) / 4 END::DECIMAL(15,2) AS n "
        "FROM range(20000) r(i)");
    run(&d, "CHECKPOINT");
    *state = &d;
    return 0;
}

static int close_duck(void **state)
{
    struct duck *d = *state;
    duckdb_disconnect(&d->c);
    duckdb_close(&d->db);
    (void)unlink(d->path);
    diag_release(&d->diag);
    return 0;
}

/* %s is the argument: a column, or the column through an expression that makes a flat vector of it.
 */
static const struct {
    const char *call;
    const char *column;
    const char *flat;
} calls[] = {
    {"pt_key_255(%s)", "v", "(v || '')"},
    {"pt_key_45(%s)", "v", "(v || '')"},
    {"pt_key_46(%s)", "v", "(v || '')"},
    {"pt_like_255(%s, 'WORT%%')", "v", "(v || '')"},
    {"pt_like_255(%s, '%%5X%%')", "v", "(v || '')"},
    {"pt_upper_255(%s)", "v", "(v || '')"},
    {"pt_lower_255(%s)", "v", "(v || '')"},
    {"pt_locate_255('3x', %s, 1)", "v", "(v || '')"},
    {"pt_substring(%s, -2, 1)", "v", "(v || '')"},
    {"pt_left(%s, 3)", "v", "(v || '')"},
    {"pt_right(%s, 30)", "v", "(v || '')"},
    {"pt_trim_trailing(%s, 'x')", "v", "(v || '')"},
    {"pt_reverse(%s)", "v", "(v || '')"},
    {"pt_lpad(%s, 12, 'äb')", "v", "(v || '')"},
    {"pt_hex(%s)", "v", "(v || '')"},
    {"pt_str_to_double(%s)", "v", "(v || '')"},
    {"pt_str_to_i64(%s)", "v", "(v || '')"},
    {"pt_year(%s)", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_week(%s, 3)", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_add_months_date(%s, 1, -719528)", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_last_day(%s)", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_date_text(%s)", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_date_format(CAST(%s AS TIMESTAMP), '%%Y %%M %%j')", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_local(CAST(%s AS TIMESTAMP), '+02:00')", "d", "(d + i::INTEGER - i::INTEGER)"},
    {"pt_div_6(%s, 3::BIGINT, 4)", "n", "(n + i - i)::DECIMAL(15,2)"},
    {"pt_quotient_9(%s, 7::DECIMAL(3,1), 4)", "n", "(n + i - i)::DECIMAL(15,2)"},
    {"pt_fit_1(%s, 2)", "n", "(n + i - i)::DECIMAL(15,2)"},
    {"pt_truncate_1(%s)", "n", "(n + i - i)::DECIMAL(15,2)"},
    {"pt_sortable(%s, 50, 4)", "n", "(n + i - i)::DECIMAL(15,2)"},
    {"pt_decimal_to_double(%s)", "n", "(n + i - i)::DECIMAL(15,2)"},
};

static void call_text(size_t i, const char *arg, char *buf, size_t size)
{
    const char *mark = strstr(calls[i].call, "%s");
    char format[128];
    size_t n = 0;
    for (const char *p = calls[i].call; *p != '\0' && n + 1 < sizeof(format); p++) {
        format[n++] = *p;
        p += p[0] == '%' && p[1] == '%' ? 1 : 0;
    }
    format[n] = '\0';
    mark = strstr(format, "%s");
    (void)snprintf(buf, size, "%.*s%s%s", (int)(mark - format), format, arg, mark + 2);
}

static void test_null_gives_null(void **state)
{
    struct duck *d = *state;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        char call[256];
        char sql[512];
        call_text(i, calls[i].column, call, sizeof(call));
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) FROM t WHERE (%s IS NULL) <> (%s IS NULL)", calls[i].column,
                       call);
        if (strcmp(value(d, sql), "0") != 0) {
            fail_msg("%s: %s", sql, value(d, sql));
        }
    }
}

static void test_dictionaries_and_flat_vectors_agree(void **state)
{
    struct duck *d = *state;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        char a[256];
        char b[256];
        char sql[768];
        call_text(i, calls[i].column, a, sizeof(a));
        call_text(i, calls[i].flat, b, sizeof(b));
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM t WHERE %s IS DISTINCT FROM %s", a,
                       b);
        if (strcmp(value(d, sql), "0") != 0) {
            fail_msg("%s: %s", sql, value(d, sql));
        }
    }
}

/* A constant argument folds to what a column of that value gives. */
static void test_constants_and_columns_agree(void **state)
{
    struct duck *d = *state;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        char column[256];
        char constant[256];
        char literal[256];
        char sql[1024];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT '''' || %s::VARCHAR || '''::' || typeof(%s) FROM t WHERE i = 3",
                       calls[i].column, calls[i].column);
        (void)snprintf(literal, sizeof(literal), "%s", value(d, sql));
        call_text(i, calls[i].column, column, sizeof(column));
        call_text(i, literal, constant, sizeof(constant));
        (void)snprintf(sql, sizeof(sql), "SELECT (%s) IS NOT DISTINCT FROM (%s) FROM t WHERE i = 3",
                       column, constant);
        if (strcmp(value(d, sql), "true") != 0) {
            fail_msg("%s: %s", sql, value(d, sql));
        }
    }
}

static const struct {
    const char *sql;
    const char *value;
} answers[] = {
    {"SELECT pt_key_255('abc') = pt_key_255('ÀBC')", "true"},
    {"SELECT pt_key_255('a') = pt_key_255('a ')", "false"},
    {"SELECT pt_key_45('a') = pt_key_45('a ')", "true"},
    {"SELECT pt_like_255('ß', 'ss')", "false"},
    {"SELECT pt_like_255('50%', '50|%', '|')", "true"},
    {"SELECT pt_div_4(1::BIGINT, 3::BIGINT, 4)", "0.3333"},
    {"SELECT pt_div_4(2::BIGINT, 3::BIGINT, 4)", "0.6667"},
    {"SELECT pt_div_4(-2::BIGINT, 3::BIGINT, 4)", "-0.6667"},
    {"SELECT pt_div_4(1::BIGINT, 0::BIGINT, 4)", "NULL"},
    {"SELECT pt_quotient_9(4::BIGINT, 3::BIGINT, 4)", "1.333333333"},
    {"SELECT pt_fit_2(123456::BIGINT, 5)", "999.99"},
    {"SELECT pt_add_months_date(DATE '2020-01-31', 1, -719528)", "2020-02-29"},
    {"SELECT pt_add_days_date(DATE '9999-12-31', 1, -719528)", "NULL"},
    {"SELECT pt_week(DATE '2020-12-31', 0)", "52"},
    {"SELECT pt_yearweek(DATE '2021-01-01', 0)", "202052"},
    {"SELECT pt_diff_months(TIMESTAMP '2020-01-31 12:00:00', TIMESTAMP '2020-02-29 11:59:59')",
     "0"},
    {"SELECT pt_substring_index('a,b,c', ',', -2)", "b,c"},
    {"SELECT pt_round_double(2.5::DOUBLE, 0)", "2.0"},
    {"SELECT pt_ln(-1::DOUBLE)", "NULL"},
};

static void test_answers(void **state)
{
    struct duck *d = *state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        if (strcmp(value(d, answers[i].sql), answers[i].value) != 0) {
            fail_msg("%s: %s", answers[i].sql, value(d, answers[i].sql));
        }
    }
}

static void test_overflow_carries_the_error_number(void **state)
{
    struct duck *d = *state;
    assert_non_null(strstr(value(d, "SELECT pt_pow(10::DOUBLE, 400::DOUBLE)"),
                           "1690 DOUBLE value is out of range"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_gives_null),
        cmocka_unit_test(test_dictionaries_and_flat_vectors_agree),
        cmocka_unit_test(test_constants_and_columns_agree),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_overflow_carries_the_error_number),
    };
    return cmocka_run_group_tests(tests, open_duck, close_duck);
}
