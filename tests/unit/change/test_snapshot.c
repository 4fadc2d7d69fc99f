/* Statements and keys of the snapshot. */
#include "../base/base_test.h"
#include "change/snapshot_int.h"

#include "base/clock.h"
#include "wire/value.h"

enum {
    COLUMNS = 4,
};

static struct column_def columns[COLUMNS];
static struct index_column index_columns[] = {{.column = 2}, {.column = 1}};
static struct index_def indexes[] = {{.kind = INDEX_DEF_UNIQUE,
                                      .name = STR_INIT("u`x"),
                                      .column_count = 2,
                                      .columns = index_columns}};
static struct table_def def = {.column_count = COLUMNS,
                               .columns = columns,
                               .index_count = ARRAY_SIZE(indexes),
                               .indexes = indexes};
static const uint32_t key_columns[] = {2, 1};

static struct copy_table make_table(void)
{
    columns[0] = (struct column_def){.name = STR("a"), .type = {.type = MYSQL_TYPE_LONG}};
    columns[1] = (struct column_def){
        .name = STR("e"), .type = {.type = MYSQL_TYPE_ENUM, .collation = COLLATION_UTF8MB4_BIN}};
    columns[2] = (struct column_def){
        .name = STR("s`"),
        .type = {.type = MYSQL_TYPE_VARCHAR, .collation = COLLATION_LATIN1_SWEDISH_CI}};
    columns[3] =
        (struct column_def){.name = STR("d"), .type = {.type = MYSQL_TYPE_DATETIME, .decimals = 3}};
    return (struct copy_table){
        .db = STR("x"), .name = STR("t"), .def = &def, .key = {.count = 2, .columns = key_columns}};
}

static void check_select(const struct copy_table *t, const char *last_key, uint64_t limit,
                         const char *expected)
{
    struct bytebuf b;
    bytebuf_init(&b, SNAPSHOT_SQL_MAX);
    snapshot_put_select(&b, t, str_from_cstr(last_key), limit);
    bytebuf_put_char(&b, '\0');
    assert_string_equal(b.p, expected);
    bytebuf_release(&b);
}

static void test_select_first_chunk(void **state)
{
    (void)state;
    struct copy_table t = make_table();
    check_select(&t, "", 10,
                 "SELECT `a`, CAST(`e` AS UNSIGNED), `s```, `d` FROM `x`.`t` FORCE INDEX (`u``x`) "
                 "ORDER BY `s```, `e` LIMIT 10");
}

static void test_select_behind_composite_key(void **state)
{
    (void)state;
    struct copy_table t = make_table();
    check_select(&t, "_latin1 X'E4',3", 10,
                 "SELECT `a`, CAST(`e` AS UNSIGNED), `s```, `d` FROM `x`.`t` FORCE INDEX (`u``x`) "
                 "WHERE (`s``` > _latin1 X'E4') OR (`s``` = _latin1 X'E4' AND `e` > 3) "
                 "ORDER BY `s```, `e` LIMIT 10");
}

static void test_select_without_key(void **state)
{
    (void)state;
    struct copy_table t = make_table();
    t.key.count = 0;
    check_select(&t, "", 0, "SELECT `a`, CAST(`e` AS UNSIGNED), `s```, `d` FROM `x`.`t`");
}

static void check_definition(const char *text, const char *expected)
{
    struct arena a;
    arena_init(&a, 0);
    const struct str s = snapshot_definition_text(str_from_cstr(text), &a);
    assert_true(str_eq(s, str_from_cstr(expected)));
    arena_release(&a);
}

static void test_definition_without_auto_increment(void **state)
{
    (void)state;
    check_definition("CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=1'\n) ENGINE=InnoDB "
                     "AUTO_INCREMENT=120 DEFAULT CHARSET=x",
                     "CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=1'\n) ENGINE=InnoDB "
                     "DEFAULT CHARSET=x");
    check_definition("CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB COMMENT=' AUTO_INCREMENT=1'",
                     "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB COMMENT=' AUTO_INCREMENT=1'");
    check_definition("CREATE VIEW `t`", "CREATE VIEW `t`");
}

/* ---- Rows ---- */

struct fixture {
    struct arena arena;
    struct diag d;
    struct bytebuf bytes;
    struct chunk_builder b;
    struct snapshot_format f;
    struct sql_type types[COLUMNS];
    struct wire_column wire[COLUMNS];
};

static void begin(struct fixture *x)
{
    *x = (struct fixture){0};
    arena_init(&x->arena, 0);
    diag_init(&x->d);
    bytebuf_init(&x->bytes, SNAPSHOT_SQL_MAX);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        x->types[i] = columns[i].type;
    }
    x->wire[0].type = WIRE_TYPE_LONG;
    x->wire[1] = (struct wire_column){.type = WIRE_TYPE_LONGLONG, .flags = WIRE_FLAG_UNSIGNED};
    x->wire[2].type = WIRE_TYPE_VAR_STRING;
    x->wire[3].type = WIRE_TYPE_DATETIME;
    chunk_builder_init(&x->b, x->types, COLUMNS);
    assert_int_equal(snapshot_format_init(&x->f, &def, x->wire, COLUMNS, &x->arena, &x->d), 0);
}

static void end(struct fixture *x)
{
    chunk_builder_release(&x->b);
    bytebuf_release(&x->bytes);
    diag_release(&x->d);
    arena_release(&x->arena);
}

static struct str row(struct fixture *x, const char *text)
{
    const struct wire_value values[COLUMNS] = {
        {.kind = WIRE_VALUE_INT, .type = WIRE_TYPE_LONG, .i = -7},
        {.kind = WIRE_VALUE_UINT, .type = WIRE_TYPE_LONGLONG, .u = 2},
        {.kind = text != NULL ? WIRE_VALUE_BYTES : WIRE_VALUE_NULL,
         .type = WIRE_TYPE_VAR_STRING,
         .s = str_from_cstr(text)},
        {.kind = WIRE_VALUE_DATETIME,
         .type = WIRE_TYPE_DATETIME,
         .dt = {.year = 2024, .month = 2, .day = 29, .hour = 1, .usec = 500000}},
    };
    struct pkt_writer w;
    bytebuf_reset(&x->bytes);
    pkt_writer_init(&w, &x->bytes);
    pkt_begin(&w);
    wire_encode_binary_row(&w, values, COLUMNS);
    assert_int_equal(pkt_end(&w), 0);
    return str_from(x->bytes.p + 4, x->bytes.len - 4);
}

static void test_row_into_chunk(void **state)
{
    (void)state;
    struct fixture x;
    (void)make_table();
    begin(&x);
    assert_int_equal(snapshot_put_row(&x.f, row(&x, "\xe4h"), &x.b, &x.d), 0);
    assert_int_equal(snapshot_put_row(&x.f, row(&x, NULL), &x.b, &x.d), 0);
    const struct chunk c = chunk_builder_chunk(&x.b);
    struct value v;
    assert_int_equal(c.nrows, 2);
    vec_get(&c.cols[0], 0, &v);
    assert_int_equal(v.i, -7);
    vec_get(&c.cols[1], 0, &v);
    assert_int_equal(v.u, 2);
    vec_get(&c.cols[2], 0, &v);
    assert_true(str_eq(v.str, STR("\xc3\xa4h")));
    vec_get(&c.cols[2], 1, &v);
    assert_true(value_is_null(&v));
    vec_get(&c.cols[3], 0, &v);
    assert_int_equal(v.time.day, 29);
    assert_int_equal(v.time.usec, 500000);
    end(&x);
}

static void test_row_cut_short(void **state)
{
    (void)state;
    struct fixture x;
    (void)make_table();
    begin(&x);
    const struct str whole = row(&x, "abc");
    for (size_t len = 0; len < whole.len; len++) {
        chunk_builder_reset(&x.b);
        assert_int_equal(snapshot_put_row(&x.f, str_from(whole.p, len), &x.b, &x.d), -1);
    }
    end(&x);
}

static void test_row_with_other_columns(void **state)
{
    (void)state;
    struct fixture x;
    (void)make_table();
    begin(&x);
    assert_int_equal(snapshot_format_init(&x.f, &def, x.wire, COLUMNS - 1, &x.arena, &x.d), -1);
    assert_int_equal(x.d.error->code, ER_TABLE_DEF_CHANGED);
    x.wire[3].type = WIRE_TYPE_LONG;
    assert_int_equal(snapshot_format_init(&x.f, &def, x.wire, COLUMNS, &x.arena, &x.d), -1);
    end(&x);
}

static void check_key(struct fixture *x, uint32_t column, const char *expected)
{
    const struct copy_key key = {.count = 1, .columns = &column};
    struct str text;
    assert_int_equal(snapshot_key_text(&x->f, &key, row(x, "\xe4"), &x->arena, &text), 0);
    assert_true(str_eq(text, str_from_cstr(expected)));
}

static void test_key_text(void **state)
{
    (void)state;
    struct fixture x;
    const struct copy_table t = make_table();
    struct str text;
    begin(&x);
    check_key(&x, 0, "-7");
    check_key(&x, 1, "2");
    check_key(&x, 2, "_latin1 X'E4'");
    check_key(&x, 3, "'2024-02-29 01:00:00.500'");
    assert_int_equal(snapshot_key_text(&x.f, &t.key, row(&x, ""), &x.arena, &text), 0);
    assert_true(str_eq(text, STR("_latin1 X'',2")));
    assert_int_equal(snapshot_key_text(&x.f, &t.key, row(&x, NULL), &x.arena, &text), -1);
    end(&x);
}

static void test_when_a_table_is_complete(void **state)
{
    struct copy_table t = {.db = STR("d"), .name = STR("t")};
    uint64_t left_us = 0;
    (void)state;
    atomic_store(&t.state, COPY_LOADING);
    atomic_store(&t.rows_estimated, 1000);
    atomic_store(&t.rows_copied, 300);
    assert_false(snapshot_table_eta(&t, &left_us));
    atomic_store(&t.begun_us, 1);
    atomic_store(&t.begun_rows, 300);
    assert_false(snapshot_table_eta(&t, &left_us));
    atomic_store(&t.begun_rows, 100);
    const uint64_t now_us = clock_monotonic_us();
    assert_true(snapshot_table_eta(&t, &left_us));
    assert_true(left_us >= (now_us - 1) * 7 / 2);
    atomic_store(&t.rows_copied, 1200);
    assert_false(snapshot_table_eta(&t, &left_us));
    atomic_store(&t.rows_copied, 300);
    atomic_store(&t.state, COPY_LIVE);
    assert_false(snapshot_table_eta(&t, &left_us));
}

/* ---- How many rows a SELECT brings ---- */

enum {
    MIB = 1024 * 1024,
    QUICK_US = 1000,
    RIGHT_US = 150 * 1000,
    SLOW_US = 800 * 1000,
};

static void test_limit_begins_with_few_rows_and_soon_has_many(void **state)
{
    struct snapshot_limit l;
    int selects = 0;
    (void)state;
    snapshot_limit_init(&l);
    assert_true(snapshot_limit_next(&l, SNAPSHOT_CHUNK_BYTES) <= 16);
    while (snapshot_limit_next(&l, SNAPSHOT_CHUNK_BYTES) < 64 * 1024) {
        const uint64_t rows = snapshot_limit_next(&l, SNAPSHOT_CHUNK_BYTES);
        snapshot_limit_adapt(&l, rows, rows * 100, QUICK_US);
        assert_true(++selects < 6);
    }
    for (; selects < 20; selects++) {
        snapshot_limit_adapt(&l, l.rows, l.rows * 8, QUICK_US);
    }
    assert_int_equal(snapshot_limit_next(&l, SNAPSHOT_CHUNK_BYTES), SNAPSHOT_CHUNK_ROWS_MAX);
}

static void test_limit_of_wide_rows(void **state)
{
    struct snapshot_limit l;
    (void)state;
    snapshot_limit_init(&l);
    snapshot_limit_adapt(&l, 16, UINT64_C(16) * MIB, QUICK_US);
    assert_int_equal(snapshot_limit_next(&l, UINT64_C(8) * MIB), 8);
    assert_int_equal(snapshot_limit_next(&l, 0), 1);
    /* It is the last SELECT's rows that count. */
    l.rows = 1000;
    snapshot_limit_adapt(&l, 1000, 1000 * 100, RIGHT_US);
    assert_int_equal(snapshot_limit_next(&l, UINT64_C(8) * MIB), 1000);
}

static void test_limit_by_the_time_that_it_took(void **state)
{
    struct snapshot_limit l = {.rows = 1000};
    (void)state;
    snapshot_limit_adapt(&l, 1000, 1000, RIGHT_US);
    assert_int_equal(l.rows, 1000);
    snapshot_limit_adapt(&l, 1000, 1000, RIGHT_US / 2);
    assert_int_equal(l.rows, 2000);
    /* There was no room for more: that says nothing of more. */
    snapshot_limit_adapt(&l, 500, 500, QUICK_US);
    assert_int_equal(l.rows, 2000);
    snapshot_limit_adapt(&l, 2000, 2000, SLOW_US);
    assert_int_equal(l.rows, 1000);
    /* So many came before time was up. */
    snapshot_limit_adapt(&l, 20, 20, SLOW_US);
    assert_int_equal(l.rows, 10);
    snapshot_limit_adapt(&l, 0, 0, SLOW_US);
    assert_int_equal(l.rows, 1);
    assert_int_equal(snapshot_limit_next(&l, SNAPSHOT_CHUNK_BYTES), 1);
    snapshot_limit_adapt(&l, 1, 1, SLOW_US);
    assert_int_equal(l.rows, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select_first_chunk),
        cmocka_unit_test(test_select_behind_composite_key),
        cmocka_unit_test(test_select_without_key),
        cmocka_unit_test(test_definition_without_auto_increment),
        cmocka_unit_test(test_row_into_chunk),
        cmocka_unit_test(test_row_cut_short),
        cmocka_unit_test(test_row_with_other_columns),
        cmocka_unit_test(test_key_text),
        cmocka_unit_test(test_when_a_table_is_complete),
        cmocka_unit_test(test_limit_begins_with_few_rows_and_soon_has_many),
        cmocka_unit_test(test_limit_of_wide_rows),
        cmocka_unit_test(test_limit_by_the_time_that_it_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
