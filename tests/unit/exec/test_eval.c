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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions_as_mysql),
        cmocka_unit_test(test_expressions_as_mariadb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
