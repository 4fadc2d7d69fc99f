/*
 * What the tests of the copy and of DDL share: a server with an engine that has no files, the list
 * of tables, and short texts for what became of them. All in a fiber.
 */
#ifndef TESTS_UNIT_CHANGE_COPY_FIXTURE_H
#define TESTS_UNIT_CHANGE_COPY_FIXTURE_H

#include "../os/os_test.h"
#include "change/copy.h"
#include "change/ddl.h"

#include <stdio.h>
#include <stdlib.h>

struct copy_fixture {
    struct server *server;
    struct engine_session *engine;
    struct copy *copy;
    struct copy_filter filter;
    struct change_ddl *ddl;
    enum upstream_kind kind;
    struct diag diag;
    struct arena arena;
};

void copy_fixture_init(struct copy_fixture *f, enum upstream_kind kind, uint32_t version_id);
void copy_fixture_release(struct copy_fixture *f);
/* Forgets list and catalog, and reads them back from the engine, as a start does. */
void copy_fixture_restart(struct copy_fixture *f);

/* The list: "a.t live, a.u pending (why)"; in f->arena. */
const char *copy_fixture_list(struct copy_fixture *f);
/* What the catalog has: "d.t(id,n) d.u(id)". */
const char *copy_fixture_catalog(struct copy_fixture *f);
/* The rows of a LIVE table as the engine shows its columns, "1 2|3 NULL". */
const char *copy_fixture_rows(struct copy_fixture *f, const char *db, const char *name);
/* Writes a row of integers into a table that has storage. */
void copy_fixture_insert(struct copy_fixture *f, const char *name, const int64_t *values);

/* Carries out a statement of the log in database `d`; the rc of its plan. With variables. */
int copy_fixture_run(struct copy_fixture *f, const char *sql);
int copy_fixture_run_query(struct copy_fixture *f, const struct binlog_query *q);
/* A statement with the variables that MySQL 9.7 and MariaDB 10.11 write by default. */
struct binlog_query copy_fixture_query(const char *sql);

/* Runs it, which must succeed, and compares the list. */
#define expect_list(f, sql, list)                                                                  \
    do {                                                                                           \
        check_done(f, copy_fixture_run(f, sql));                                                   \
        expect_text(copy_fixture_list(f), list);                                                   \
    } while (0)

#define expect_text(text, expected)                                                                \
    do {                                                                                           \
        const char *text_ = (text);                                                                \
        if (strcmp(text_, expected) != 0) {                                                        \
            (void)fprintf(stderr, "%s:%d: got:      %s\nexpected: %s\n", __FILE__, __LINE__,       \
                          text_, expected);                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The error's text ends the program unless rc is 0. */
#define check_done(f, rc)                                                                          \
    do {                                                                                           \
        if ((rc) != 0) {                                                                           \
            const struct str m_ =                                                                  \
                (f)->diag.error != NULL ? (f)->diag.error->message : STR("(no error)");            \
            (void)fprintf(stderr, "%s:%d: %.*s\n", __FILE__, __LINE__, STR_FMT(m_));               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Defines a cmocka test whose body runs in a fiber. */
#define COPY_TEST(name)                                                                            \
    static void name##_body(void *arg);                                                            \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run_in_fiber(name##_body, NULL);                                                           \
    }                                                                                              \
    static void name##_body(void *arg)

#endif
