/*
 * A catalog in memory for the tests of the resolver and the writer: tables made by parsing CREATE
 * TABLE, and statements parsed and resolved against them.
 */
#ifndef TESTS_RESOLVE_FIXTURE_H
#define TESTS_RESOLVE_FIXTURE_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/arena.h"
#include "base/diag.h"
#include "catalog/catalog.h"
#include "sql/parse.h"
#include "sql/resolve.h"

#define FIXTURE_MAX_TABLES 32

struct fixture {
    struct arena arena; /* tables: until the fixture is released */
    struct arena stmt;  /* the statement last parsed */
    struct diag diag;
    uint32_t table_count;
    struct table_def tables[FIXTURE_MAX_TABLES];
    struct resolve_env env;
};

/* An empty catalog, database `td`, in the dialect's defaults (sql_mode of MySQL 9.7 in both). */
void fixture_init(struct fixture *f, enum sql_dialect dialect);
void fixture_release(struct fixture *f);

/* Adds the tables of a text of CREATE TABLE statements; a failure ends the program. */
void fixture_create(struct fixture *f, const char *sql);
/* The same from a file. */
void fixture_create_file(struct fixture *f, const char *path);

/* Parses and resolves; NULL with f->diag on an error. Valid until the next call. */
struct stmt *fixture_resolve(struct fixture *f, const char *sql);

#endif
