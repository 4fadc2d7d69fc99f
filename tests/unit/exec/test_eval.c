/*
 * Expressions against what the real servers answered (expressions.tsv, made by
 * record_expressions.py): parsed, resolved and evaluated in both dialects, with their warnings.
 */
#include "catalog/catalog.h"
#include "exec/eval.h"
#include "exec/exec_int.h"
#include "exec/server.h"
#include "os/fiber.h"
#include "sql/parse.h"
#include "types/charset.h"
#include "types/convert.h"

#include <stdio.h>
#include <stdlib.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#define EXPRESSIONS "tests/unit/exec/expressions.tsv"
/* 2024-02-29 12:34:56.789012 UTC */
#define NOW_US INT64_C(1709210096789012)

struct fixture {
    struct server server;
    struct arena server_arena;
    struct exec_session session;
};

static void setup(struct fixture *f, enum sql_dialect dialect)
{
    *f = (struct fixture){0};
    arena_init(&f->server_arena, 0);
    f->server.dialect = dialect;
    f->server.version = STR("9.7.0-pintail");
    os_rwlock_init(&f->server.vars_lock);
    sysvars_init(&f->server.vars, dialect, &f->server_arena);
    exec_session_init(&f->session, &f->server, 7);
    f->session.now_us = NOW_US;
    f->session.login_user = STR("root");
    f->session.login_host = STR("localhost");
    f->session.current_user = STR("root@%");
    f->session.vars.collation_connection =
        dialect == DIALECT_MYSQL ? COLLATION_UTF8MB4_0900_AI_CI : COLLATION_UTF8MB4_GENERAL_CI;
    f->session.vars.sql_mode =
        dialect == DIALECT_MYSQL ? SQL_MODE_DEFAULT_MYSQL : SQL_MODE_DEFAULT_MARIADB;
}

static void teardown(struct fixture *f)
{
    exec_session_release(&f->session);
    os_rwlock_release(&f->server.vars_lock);
    arena_release(&f->server_arena);
}

static void put_conditions(struct bytebuf *b, const struct diag *d)
{
    static const char *const levels[] = {"Note", "Warning", "Error"};
    for (const struct diag_cond *c = d->first; c != NULL; c = c->next) {
        bytebuf_printf(b, " {%s %u %.*s}", levels[c->level], c->code, STR_FMT(c->message));
    }
}

static void put_value(struct bytebuf *b, struct str s)
{
    for (size_t at = 0, n = 0; at < s.len; at += n) {
        const uint32_t c = utf8_next((const unsigned char *)s.p + at, s.len - at, &n);
        if (c < 32 || c >= UTF8_BAD) {
            bytebuf_printf(b, "\\x%02x", (unsigned char)s.p[at]);
        } else {
            bytebuf_put(b, s.p + at, n);
        }
    }
}

static int evaluate(struct fixture *f, struct str sql, struct expr **out_e, struct value *out)
{
    struct exec_session *x = &f->session;
    struct parse_options options = exec_parse_options(x);
    struct resolve_env env;
    struct eval_ctx ctx;
    struct stmt *stmt;
    size_t used;
    if (sql_parse(sql, &options, &x->stmt_arena, x->diag, &stmt, &used) != 0) {
        return -1;
    }
    exec_resolve_env(x, 0, &env);
    exec_eval_ctx(x, &x->stmt_arena, &ctx);
    *out_e = stmt->query->select->items[0].expr;
    if (sql_resolve_expr(*out_e, NULL, &env, &x->stmt_arena, x->diag) != 0) {
        return -1;
    }
    return eval_expr(&ctx, *out_e, out);
}

/* The answer in the form of the file; in the session's arena. */
static const char *answer(struct fixture *f, const char *text)
{
    struct exec_session *x = &f->session;
    struct expr *e = NULL;
    struct value v;
    struct bytebuf b;
    arena_reset(&x->stmt_arena);
    diag_reset(x->diag);
    bytebuf_init(&b, 1u << 20);
    if (evaluate(f, arena_printf(&x->stmt_arena, "SELECT %s", text), &e, &v) != 0) {
        bytebuf_printf(&b, "ERROR %u %.*s", x->diag->error->code, STR_FMT(x->diag->error->message));
    } else {
        const struct str s = value_to_text(&v, &e->type, &x->stmt_arena);
        put_value(&b, s.p == NULL ? STR("NULL") : s);
        put_conditions(&b, x->diag);
    }
    const char *copy = arena_dup_cstr(&x->stmt_arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return copy;
}

/* Refusals of the resolver are its own matter; they are counted, not compared. */
static bool is_refusal(const char *got)
{
    return strncmp(got, "ERROR 1235 ", 11) == 0;
}

/* Ends the field at its tab; the next one is behind it. */
static char *cut_field(char *field)
{
    char *tab = strchr(field, '\t');
    if (tab == NULL) {
        (void)fprintf(stderr, "malformed line: %s\n", field);
        abort();
    }
    *tab = '\0';
    return tab + 1;
}

/* What one run over the file is told and found. Sessions live on fibers. */
struct run {
    enum sql_dialect dialect;
    unsigned failures;
};

static void run_file(void *arg)
{
    struct run *run = arg;
    const enum sql_dialect dialect = run->dialect;
    struct fixture f;
    char *line = NULL;
    size_t cap = 0;
    unsigned refused = 0;
    unsigned count = 0;
    FILE *file = fopen(EXPRESSIONS, "r");
    if (file == NULL) {
        run->failures++;
        return;
    }
    setup(&f, dialect);
    while (getline(&line, &cap, file) > 0) {
        char *text = line;
        char *mysql = cut_field(text);
        char *mariadb = cut_field(mysql);
        mariadb[strcspn(mariadb, "\n")] = '\0';
        const char *expected =
            dialect == DIALECT_MYSQL || strcmp(mariadb, "=") == 0 ? mysql : mariadb;
        const char *got = answer(&f, text);
        count++;
        if (is_refusal(got) && getenv("EVAL_SHOW_REFUSED") == NULL) {
            refused++;
        } else if (strcmp(got, expected) != 0) {
            run->failures++;
            print_message("%s\n   expected %s\n   got      %s\n", text, expected, got);
        }
    }
    print_message("%u expressions, %u refused, %u wrong\n", count, refused, run->failures);
    free(line);
    (void)fclose(file);
    teardown(&f);
}

static void check_file(enum sql_dialect dialect)
{
    struct run run = {.dialect = dialect};
    assert_int_equal(fiber_run(run_file, &run), 0);
    assert_int_equal(run.failures, 0);
}

static void test_expressions_as_mysql(void **state)
{
    (void)state;
    check_file(DIALECT_MYSQL);
}

static void test_expressions_as_mariadb(void **state)
{
    (void)state;
    check_file(DIALECT_MARIADB);
}

/* ---- Contexts ---- */

/* What a fiber is to evaluate, and what came of it. */
struct one {
    const char *text;
    bool writing;
    uint64_t sql_mode;
    const struct value *row;
    const struct value *insert_row;
    const struct table_def *table;
    int rc;
    unsigned code; /* of the error, or of the first warning */
    unsigned warnings;
    char result[256];
};

static void evaluate_one(void *arg)
{
    struct one *one = arg;
    struct fixture f;
    setup(&f, DIALECT_MYSQL);
    struct exec_session *x = &f.session;
    x->vars.sql_mode = one->sql_mode;
    struct parse_options options = exec_parse_options(x);
    struct resolve_env env;
    struct eval_ctx ctx;
    struct stmt *stmt;
    struct value v = value_null();
    size_t used;
    one->rc = sql_parse(arena_printf(&x->stmt_arena, "SELECT %s", one->text), &options,
                        &x->stmt_arena, x->diag, &stmt, &used);
    exec_resolve_env(&f.session, 0, &env);
    env.check_column = NULL;
    exec_eval_ctx(x, &x->stmt_arena, &ctx);
    ctx.writing = one->writing;
    ctx.row = one->row;
    ctx.insert_row = one->insert_row;
    if (one->rc == 0) {
        struct expr *e = stmt->query->select->items[0].expr;
        one->rc = sql_resolve_expr(e, one->table, &env, &x->stmt_arena, x->diag);
        one->rc = one->rc == 0 ? eval_expr(&ctx, e, &v) : one->rc;
        const struct str s = value_to_text(&v, &e->type, &x->stmt_arena);
        (void)snprintf(one->result, sizeof(one->result), "%.*s",
                       STR_FMT(s.p == NULL ? STR("NULL") : s));
    }
    const struct diag_cond *c = x->diag->error != NULL ? x->diag->error : x->diag->first;
    one->code = c != NULL ? c->code : 0;
    one->warnings = x->diag->warning_count;
    teardown(&f);
}

static struct one run_one(struct one one)
{
    assert_int_equal(fiber_run(evaluate_one, &one), 0);
    return one;
}

static void test_strict_writes_make_errors_of_warnings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned code;
    } cases[] = {
        {"1/0", ER_DIVISION_BY_ZERO},
        {"1 + 'abc'", ER_TRUNCATED_WRONG_VALUE},
        {"CAST('x' AS DATE)", ER_TRUNCATED_WRONG_VALUE},
        {"DATE_ADD('9999-12-31', INTERVAL 1 DAY)", ER_DATETIME_FUNCTION_OVERFLOW},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct one one = {
            .text = cases[i].text, .sql_mode = SQL_MODE_DEFAULT_MYSQL, .writing = true};
        one = run_one(one);
        assert_int_equal(one.rc, -1);
        assert_int_equal(one.code, cases[i].code);

        one.writing = false;
        one = run_one(one);
        assert_int_equal(one.rc, 0);
        assert_int_equal(one.code, cases[i].code);

        one.writing = true;
        one.sql_mode = SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO;
        one = run_one(one);
        assert_int_equal(one.rc, 0);
        assert_int_equal(one.code, cases[i].code);
    }
}

static void test_division_by_zero_is_silent_without_its_mode(void **state)
{
    (void)state;
    const struct one one = run_one((struct one){.text = "1/0"});
    assert_int_equal(one.rc, 0);
    assert_int_equal(one.code, 0);
    assert_string_equal(one.result, "NULL");
}

static void test_no_unsigned_subtraction_gives_signed(void **state)
{
    (void)state;
    const struct one one = run_one((struct one){.text = "CAST(1 AS UNSIGNED) - 2",
                                                .sql_mode = SQL_MODE_NO_UNSIGNED_SUBTRACTION});
    assert_int_equal(one.rc, 0);
    assert_string_equal(one.result, "-1");
}

static void test_columns_come_from_the_row(void **state)
{
    (void)state;
    struct column_def columns[2] = {
        {.id = 1,
         .name = STR("a"),
         .type = {.type = MYSQL_TYPE_LONG, .length = 11, .collation = COLLATION_BINARY},
         .default_kind = DEFAULT_VALUE,
         .default_value = value_int(42)},
        {.id = 2,
         .name = STR("b"),
         .type = {.type = MYSQL_TYPE_VARCHAR,
                  .length = 10,
                  .decimals = DECIMALS_NOT_FIXED,
                  .collation = COLLATION_UTF8MB4_0900_AI_CI}},
    };
    const struct table_def table = {
        .id = 1, .db = STR("d"), .name = STR("t"), .column_count = 2, .columns = columns};
    const struct value row[2] = {value_int(7),
                                 value_string(STR("seven"), COLLATION_UTF8MB4_0900_AI_CI)};
    const struct one base = {.table = &table, .row = row, .sql_mode = SQL_MODE_DEFAULT_MYSQL};
    static const char *const cases[][2] = {
        {"a + 1", "8"},       {"CONCAT(b, a)", "seven7"}, {"b = 'SEVEN'", "1"},
        {"DEFAULT(a)", "42"}, {"a IN (1, 7)", "1"},       {"IF(a > 5, UPPER(b), 'x')", "SEVEN"},
        {"a / 2", "3.5000"},  {"b LIKE 's%n'", "1"},      {"a BETWEEN 1 AND 6", "0"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct one one = base;
        one.text = cases[i][0];
        one = run_one(one);
        assert_int_equal(one.rc, 0);
        assert_string_equal(one.result, cases[i][1]);
    }
}

/* A row is read only where there is one. */
static void test_column_without_row_is_refused(void **state)
{
    (void)state;
    struct column_def column = {
        .id = 1,
        .name = STR("a"),
        .type = {.type = MYSQL_TYPE_LONG, .length = 11, .collation = COLLATION_BINARY}};
    const struct table_def table = {
        .id = 1, .db = STR("d"), .name = STR("t"), .column_count = 1, .columns = &column};
    const struct one one = run_one((struct one){.text = "a", .table = &table});
    assert_int_equal(one.rc, -1);
    assert_int_equal(one.code, ER_NOT_SUPPORTED_YET);
}

static void test_deep_expressions_fit_the_stack_of_a_fiber(void **state)
{
    (void)state;
    char text[4096] = "1";
    for (int i = 0; i < 850; i++) {
        memcpy(text + 1 + 2 * i, "+1", 3);
    }
    const struct one one = run_one((struct one){.text = text});
    assert_int_equal(one.rc, 0);
    assert_string_equal(one.result, "851");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions_as_mysql),
        cmocka_unit_test(test_expressions_as_mariadb),
        cmocka_unit_test(test_strict_writes_make_errors_of_warnings),
        cmocka_unit_test(test_division_by_zero_is_silent_without_its_mode),
        cmocka_unit_test(test_no_unsigned_subtraction_gives_signed),
        cmocka_unit_test(test_columns_come_from_the_row),
        cmocka_unit_test(test_column_without_row_is_refused),
        cmocka_unit_test(test_deep_expressions_fit_the_stack_of_a_fiber),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
