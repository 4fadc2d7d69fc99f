/*
 * The lists of statements that real servers accept and refuse (tests/unit/sql/check_lists.py asks
 * them), and TPC-H.
 */
#include "parse_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void expect_accepted(void *arg, struct str line)
{
    struct parse_fixture *f = arg;
    const int code = parse_one(f, line);
    if (code != 0 && code != ER_NOT_SUPPORTED_YET) {
        print_error("%.*s\n  %.*s\n", STR_FMT(line), STR_FMT(f->diag.error->message));
        fail();
    }
}

static void check_accepted(enum sql_dialect dialect, const char *file, size_t least)
{
    struct parse_fixture f;
    parse_fixture_init(&f, dialect);
    assert_true(parse_each_line(file, expect_accepted, &f) >= least);
    parse_fixture_release(&f);
}

static void test_accepted_by_both(void **state)
{
    (void)state;
    check_accepted(DIALECT_MYSQL, "accept.sql", 500);
    check_accepted(DIALECT_MARIADB, "accept.sql", 500);
}

static void test_what_clients_send(void **state)
{
    (void)state;
    check_accepted(DIALECT_MYSQL, "clients.sql", 50);
    check_accepted(DIALECT_MARIADB, "clients.sql", 50);
}

static void test_accepted_by_mysql(void **state)
{
    (void)state;
    check_accepted(DIALECT_MYSQL, "accept_mysql.sql", 70);
}

static void test_accepted_by_mariadb(void **state)
{
    (void)state;
    check_accepted(DIALECT_MARIADB, "accept_mariadb.sql", 50);
}

/* Undoes the escapes of the list in place. */
static struct str unescape(struct str s, char *buf)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\\' && i + 1 < s.len) {
            i++;
            buf[n++] = s.p[i] == 'n' ? '\n' : s.p[i];
            continue;
        }
        buf[n++] = s.p[i];
    }
    return str_from(buf, n);
}

static struct str take_field(struct str *line)
{
    const char *tab = memchr(line->p, '\t', line->len);
    const size_t len = tab ? (size_t)(tab - line->p) : line->len;
    const struct str field = str_from(line->p, len);
    line->p += MIN(len + 1, line->len);
    line->len -= MIN(len + 1, line->len);
    return field;
}

static void expect_refused(void *arg, struct str line)
{
    static const char intro[] =
        "You have an error in your SQL syntax; check the manual that corresponds to your %s "
        "server version for the right syntax to use %.*s";
    struct parse_fixture *f = arg;
    char statement_buf[512];
    char near_buf[512];
    char expected[1024];
    const struct str statement = unescape(take_field(&line), statement_buf);
    const struct str mysql = take_field(&line);
    const bool mariadb = f->options.dialect == DIALECT_MARIADB;
    const struct str field = mariadb ? line : mysql;
    if (str_eq(field, STR("-"))) {
        return;
    }
    const struct str near = unescape(field, near_buf);
    (void)snprintf(expected, sizeof(expected), intro, mariadb ? "MariaDB" : "MySQL", STR_FMT(near));
    if (parse_one(f, statement) == 0 || !str_eq(f->diag.error->message, str_from_cstr(expected))) {
        print_error("%.*s\n  expected %s\n", STR_FMT(statement), expected);
    }
    assert_null(f->stmt);
    assert_int_equal(f->diag.error->code, ER_PARSE_ERROR);
    assert_true(str_eq(f->diag.error->message, str_from_cstr(expected)));
}

static void check_refused(enum sql_dialect dialect)
{
    struct parse_fixture f;
    parse_fixture_init(&f, dialect);
    assert_true(parse_each_line("reject.tsv", expect_refused, &f) > 150);
    parse_fixture_release(&f);
}

static void test_refused_in_mysqls_words(void **state)
{
    (void)state;
    check_refused(DIALECT_MYSQL);
}

static void test_refused_in_mariadbs_words(void **state)
{
    (void)state;
    check_refused(DIALECT_MARIADB);
}

static void test_tpch(void **state)
{
    (void)state;
    struct parse_fixture f;
    parse_fixture_init(&f, DIALECT_MYSQL);
    for (int q = 1; q <= 22; q++) {
        char path[64];
        size_t len;
        (void)snprintf(path, sizeof(path), "tests/tpch/q%02d.sql", q);
        char *text = parse_read_file(path, &len);
        if (parse_one(&f, str_from(text, len)) != 0) {
            print_error("%s: %.*s\n", path, STR_FMT(f.diag.error->message));
            fail();
        }
        free(text);
    }
    parse_fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_by_both),
        cmocka_unit_test(test_what_clients_send),
        cmocka_unit_test(test_accepted_by_mysql),
        cmocka_unit_test(test_accepted_by_mariadb),
        cmocka_unit_test(test_refused_in_mysqls_words),
        cmocka_unit_test(test_refused_in_mariadbs_words),
        cmocka_unit_test(test_tpch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
