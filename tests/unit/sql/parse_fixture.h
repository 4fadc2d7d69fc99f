/* Parsing in tests: one statement, its tree as text, or its error. */
#ifndef TESTS_UNIT_SQL_PARSE_FIXTURE_H
#define TESTS_UNIT_SQL_PARSE_FIXTURE_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/bytebuf.h"
#include "sql/parse.h"

struct parse_fixture {
    struct parse_options options;
    struct arena arena;
    struct diag diag;
    struct bytebuf text;
    struct stmt *stmt; /* Of the last parse, or NULL. */
    size_t used;
};

void parse_fixture_init(struct parse_fixture *f, enum sql_dialect dialect);
void parse_fixture_release(struct parse_fixture *f);

/* Parses; returns the error number or 0. The memory of the parse before is given back. */
int parse_one(struct parse_fixture *f, struct str text);

/* Parses and dumps; an error is "ERROR number message". The result lives until the next call. */
const char *parse_dump(struct parse_fixture *f, struct str text);

/* Calls fn(arg, line) for each line of a file of tests/unit/sql/lists that is not empty or a
 * comment; returns how many. */
size_t parse_each_line(const char *file, void (*fn)(void *arg, struct str line), void *arg);

/* The contents of a file, to be freed with free(). */
char *parse_read_file(const char *path, size_t *out_len);

#endif
