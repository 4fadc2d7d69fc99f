/* Helpers of the engine tests: see engine_fixture.h. */
#include "engine_fixture.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fixture_table_init(struct fixture_table *t, uint64_t id)
{
    memset(t, 0, sizeof(*t));
    t->def.id = id;
    t->def.db = STR("test");
    t->def.name = STR("t");
    t->def.columns = t->columns;
    t->def.indexes = t->indexes;
    t->def.collation = COLLATION_UTF8MB4_0900_BIN;
    t->def.auto_increment_column = -1;
    t->def.next_column_id = 1;
    t->def.next_index_id = 1;
    fixture_add_column(t, "id", MYSQL_TYPE_LONGLONG, 20, 0, NOT_NULL_FLAG, COLLATION_BINARY);
    fixture_add_column(t, "n", MYSQL_TYPE_LONG, 11, 0, 0, COLLATION_BINARY);
    fixture_add_column(t, "s", MYSQL_TYPE_VARCHAR, 100, 0, 0, COLLATION_UTF8MB4_0900_BIN);
    fixture_add_unique(t, "PRIMARY", 0, -1);
    t->indexes[0].kind = INDEX_DEF_PRIMARY;
}

uint32_t fixture_add_column(struct fixture_table *t, const char *name, enum mysql_type type,
                            uint32_t length, uint8_t decimals, uint16_t flags, uint16_t collation)
{
    struct column_def *c = &t->columns[t->def.column_count];
    assert_true(t->def.column_count < FIXTURE_MAX_COLUMNS);
    *c = (struct column_def){
        .id = t->def.next_column_id++,
        .name = str_from_cstr(name),
        .type = {.type = type,
                 .length = length,
                 .decimals = decimals,
                 .flags = flags,
                 .collation = collation},
    };
    return t->def.column_count++;
}

void fixture_add_unique(struct fixture_table *t, const char *name, uint32_t a, int32_t b)
{
    const uint32_t i = t->def.index_count++;
    t->index_columns[i][0].column = a;
    t->index_columns[i][1].column = b < 0 ? 0 : (uint32_t)b;
    t->indexes[i] = (struct index_def){
        .id = t->def.next_index_id++,
        .kind = INDEX_DEF_UNIQUE,
        .name = str_from_cstr(name),
        .column_count = b < 0 ? 1 : 2,
        .columns = t->index_columns[i],
    };
}

void fixture_assert_ok(int rc, const struct diag *diag, const char *file, int line)
{
    if (rc != 0) {
        print_error("error %d: %.*s\n", diag->error != NULL ? diag->error->code : 0,
                    STR_FMT(diag->error != NULL ? diag->error->message : STR("(no error set)")));
        _fail(file, line);
    }
}

void fixture_assert_error(int rc, struct diag *diag, int code, const char *file, int line)
{
    if (rc != -1 || diag->error == NULL || diag->error->code != code) {
        print_error("rc %d, error %d: %.*s; expected error %d\n", rc,
                    diag->error != NULL ? diag->error->code : 0,
                    STR_FMT(diag->error != NULL ? diag->error->message : STR("(none)")), code);
        _fail(file, line);
    }
    diag_reset(diag);
}

static void put_row(struct chunk_builder *b, const struct fixture_row *row)
{
    chunk_builder_add_row(b);
    chunk_builder_set_i64(b, 0, row->id);
    if (row->n != INT32_MIN) {
        const struct value n = value_int(row->n);
        chunk_builder_set(b, 1, &n);
    }
    if (row->s != NULL) {
        chunk_builder_set_str(b, 2, str_from_cstr(row->s));
    }
}

static int flush_rows(struct engine_writer *w, struct chunk_builder *b, struct diag *diag)
{
    const struct chunk chunk = chunk_builder_chunk(b);
    const int rc = chunk.nrows == 0 ? 0 : engine_writer_append(w, &chunk, diag);
    chunk_builder_reset(b);
    return rc;
}

/* The types of the columns, for a chunk builder; valid until the next call. */
static const struct sql_type *types_of(const struct fixture_table *t)
{
    static struct sql_type types[FIXTURE_MAX_COLUMNS];
    for (uint32_t i = 0; i < t->def.column_count; i++) {
        types[i] = t->columns[i].type;
    }
    return types;
}

int fixture_write(struct engine_session *s, const struct fixture_table *t,
                  const struct fixture_row *rows, uint32_t count, struct diag *diag)
{
    return fixture_write_flags(s, t, rows, count, 0, NULL, diag);
}

int fixture_write_flags(struct engine_session *s, const struct fixture_table *t,
                        const struct fixture_row *rows, uint32_t count, unsigned flags,
                        struct engine_write_stats *stats, struct diag *diag)
{
    struct engine_writer *w;
    struct chunk_builder b;
    if (engine_writer_open(s, &t->def, flags, diag, &w) != 0) {
        return -1;
    }
    w->stats = stats;
    chunk_builder_init(&b, types_of(t), t->def.column_count);
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        put_row(&b, &rows[i]);
        if (chunk_builder_is_full(&b)) {
            rc = flush_rows(w, &b, diag);
        }
    }
    if (rc == 0) {
        rc = flush_rows(w, &b, diag);
    }
    chunk_builder_release(&b);
    if (rc == 0) {
        return engine_writer_close(w, true, diag);
    }
    struct diag ignored;
    diag_init(&ignored);
    (void)!engine_writer_close(w, false, &ignored);
    diag_release(&ignored);
    return rc;
}

void fixture_write_range(struct engine_session *s, const struct fixture_table *t, int64_t from,
                         int64_t to)
{
    struct engine_writer *w;
    struct chunk_builder b;
    struct diag diag;
    diag_init(&diag);
    assert_ok(engine_writer_open(s, &t->def, 0, &diag, &w), &diag);
    chunk_builder_init(&b, types_of(t), t->def.column_count);
    for (int64_t id = from; id < to; id++) {
        char text[64];
        snprintf(text, sizeof(text), "a text of row number %" PRId64, id);
        const struct fixture_row row = {.id = id, .n = (int32_t)(id % 1000), .s = text};
        put_row(&b, &row);
        if (chunk_builder_is_full(&b)) {
            assert_ok(flush_rows(w, &b, &diag), &diag);
        }
    }
    assert_ok(flush_rows(w, &b, &diag), &diag);
    assert_ok(engine_writer_close(w, true, &diag), &diag);
    chunk_builder_release(&b);
    diag_release(&diag);
}

int fixture_try_query_i64(struct engine_session *s, const char *sql, struct diag *diag,
                          int64_t *out)
{
    const struct sql_type type = {
        .type = MYSQL_TYPE_LONGLONG, .length = 20, .collation = COLLATION_BINARY};
    const struct engine_query q = {.text = str_from_cstr(sql), .column_count = 1, .types = &type};
    struct engine_cursor *c;
    struct chunk chunk;
    if (engine_query_open(s, &q, diag, &c) != 0) {
        return -1;
    }
    const enum engine_result result = engine_fetch(c, diag, &chunk);
    if (result == ENGINE_ROW) {
        *out = ((const int64_t *)chunk.cols[0].data)[0];
    }
    engine_cursor_close(c);
    return result == ENGINE_ROW ? 0 : -1;
}

int64_t fixture_query_i64(struct engine_session *s, const char *sql)
{
    struct diag diag;
    int64_t out = 0;
    diag_init(&diag);
    assert_ok(fixture_try_query_i64(s, sql, &diag, &out), &diag);
    diag_release(&diag);
    return out;
}

int64_t fixture_count(struct engine_session *s, const struct fixture_table *t)
{
    struct diag diag;
    uint64_t count;
    diag_init(&diag);
    assert_ok(engine_row_count(s, &t->def, &diag, &count), &diag);
    diag_release(&diag);
    return (int64_t)count;
}

void fixture_make_dir(char *path, size_t size)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, size, "%s/pintail-engine-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void fixture_remove_dir(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
