/*
 * What the engine tests share: table definitions and rows made by hand, short ways to write and to
 * read them. Each failure inside a helper fails the test that called it.
 */
#ifndef TESTS_UNIT_ENGINE_ENGINE_FIXTURE_H
#define TESTS_UNIT_ENGINE_ENGINE_FIXTURE_H

#include "engine/duckdb/duckdb_engine.h"
#include "engine/engine.h"

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#define FIXTURE_MAX_COLUMNS 32

/* A table (id BIGINT NOT NULL, n INT, s VARCHAR(100) utf8mb4_0900_bin) with PRIMARY KEY (id),
 * unless changed. */
struct fixture_table {
    struct table_def def;
    struct column_def columns[FIXTURE_MAX_COLUMNS];
    struct index_def indexes[4];
    struct index_column index_columns[4][4];
};

void fixture_table_init(struct fixture_table *t, uint64_t id);
/* Adds a column, nullable unless flags has NOT_NULL_FLAG; returns its number. */
uint32_t fixture_add_column(struct fixture_table *t, const char *name, enum mysql_type type,
                            uint32_t length, uint8_t decimals, uint16_t flags, uint16_t collation);
/* Adds a UNIQUE index over columns a and b (b < 0: a alone). */
void fixture_add_unique(struct fixture_table *t, const char *name, uint32_t a, int32_t b);

/* Rows as the default table has them; a NULL s or n == INT32_MIN is NULL. */
struct fixture_row {
    int64_t id;
    int32_t n;
    const char *s;
};

/* Writes rows; returns what the engine says, with diag. */
int fixture_write(struct engine_session *s, const struct fixture_table *t,
                  const struct fixture_row *rows, uint32_t count, struct diag *diag);
/* The same with flags of the writer; stats may be NULL. */
int fixture_write_flags(struct engine_session *s, const struct fixture_table *t,
                        const struct fixture_row *rows, uint32_t count, unsigned flags,
                        struct engine_write_stats *stats, struct diag *diag);
/* Writes ids from..to-1 with n = id % 1000 and a text; must succeed. */
void fixture_write_range(struct engine_session *s, const struct fixture_table *t, int64_t from,
                         int64_t to);

/* Fails the test with the diag's text unless rc is 0. */
#define assert_ok(rc, diag) fixture_assert_ok((rc), (diag), __FILE__, __LINE__)
void fixture_assert_ok(int rc, const struct diag *diag, const char *file, int line);
/* The call failed with this error; the diag is reset. */
#define assert_error(rc, diag, code) fixture_assert_error((rc), (diag), (code), __FILE__, __LINE__)
void fixture_assert_error(int rc, struct diag *diag, int code, const char *file, int line);

/* The first value of a query of one BIGINT column; the query must succeed and give a row. */
int64_t fixture_query_i64(struct engine_session *s, const char *sql);
/* As above, but returns what the engine says. */
int fixture_try_query_i64(struct engine_session *s, const char *sql, struct diag *diag,
                          int64_t *out);
/* SELECT count(*) of the table. */
int64_t fixture_count(struct engine_session *s, const struct fixture_table *t);

/* A new directory under the build's temporary directory; removed by fixture_remove_dir(). */
void fixture_make_dir(char *path, size_t size);
void fixture_remove_dir(const char *path);

#endif
