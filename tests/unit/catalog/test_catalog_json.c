/* Definitions survive their JSON form whole, and texts that are none are refused. */
#include "catalog/catalog.h"

#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static struct diag diag;
static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    diag_init(&diag);
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    diag_release(&diag);
    arena_release(&arena);
    return 0;
}

static struct value decimal_value(const char *text)
{
    struct value v = {.kind = VALUE_DECIMAL};
    size_t used;
    assert_int_equal(decimal_parse(str_from_cstr(text), &v.dec, &used), DECIMAL_OK);
    return v;
}

/* One default of each kind of value. */
static const struct mtime when = {
    .year = 9999, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 58, .usec = 999999};
static const struct mtime interval = {.hour = 838, .minute = 59, .second = 1, .negative = true};

static void fill_defaults(struct table_def *t)
{
    const struct value values[] = {
        value_int(INT64_MIN),
        value_uint(UINT64_MAX),
        value_double(0.1),
        decimal_value("-12345678901234567890123456789012345.678"),
        value_string(STR("it's \"ü\"\n"), 255),
        value_string(STR("\0\xff\x80"), COLLATION_BINARY),
        {.kind = VALUE_DATE, .time = {.year = 2020, .month = 2, .day = 29}},
        {.kind = VALUE_DATETIME, .decimals = 6, .time = when},
        {.kind = VALUE_TIME, .time = interval},
        {.kind = VALUE_JSON, .str = STR_INIT("{\"a\": [1, null]}")},
        value_string(STR("A\0"), COLLATION_BINARY),
    };
    t->column_count = ARRAY_SIZE(values);
    t->columns = ARENA_ARRAY(t->arena, struct column_def, t->column_count);
    for (uint32_t i = 0; i < t->column_count; i++) {
        t->columns[i] = (struct column_def){
            .id = i + 1,
            .name = arena_printf(t->arena, "col`%u", i),
            .type = {.type = MYSQL_TYPE_VARCHAR, .length = 10 + i, .decimals = 3, .flags = 0xa5a5},
            .default_kind = DEFAULT_VALUE,
            .default_value = values[i],
            .default_text = STR("text"),
        };
    }
}

static struct table_def *rich_table(void)
{
    static const struct str labels[] = {STR_INIT(""), STR_INIT("b'c"), STR_INIT("ß")};
    static const struct type_labels members = {.count = 3, .names = labels};
    struct table_def *t = table_def_new();
    fill_defaults(t);
    struct column_def *c = &t->columns[0];
    c->on_update_now = c->invisible = c->explicit_collation = c->generated_stored = true;
    c->generated_text = STR("(`a` + 1)");
    c->comment = STR("comment");
    c->type.labels = &members;
    c->type.collation = 309;
    t->columns[1].default_kind = DEFAULT_NOW;
    t->columns[2].default_kind = DEFAULT_EXPR;
    t->index_count = 1;
    t->indexes = ARENA_NEW(t->arena, struct index_def);
    *t->indexes = (struct index_def){.id = 7,
                                     .kind = INDEX_DEF_UNIQUE,
                                     .name = STR("ix"),
                                     .column_count = 2,
                                     .columns = ARENA_ARRAY(t->arena, struct index_column, 2),
                                     .algorithm = STR("BTREE"),
                                     .comment = STR("c"),
                                     .invisible = true};
    t->indexes->columns[0] = (struct index_column){.column = 4, .prefix_len = 3, .desc = true};
    t->check_count = 1;
    t->checks = ARENA_NEW(t->arena, struct check_def);
    *t->checks =
        (struct check_def){.name = STR("chk"), .text = STR("(1 > 0)"), .not_enforced = true};
    t->id = UINT64_MAX - 1;
    t->version = 12;
    t->db = STR("d");
    t->name = STR("täble");
    t->collation = 255;
    t->engine_name = STR("InnoDB");
    t->comment = STR("");
    t->row_format = STR("DYNAMIC");
    t->other_options = STR("KEY_BLOCK_SIZE=8");
    t->next_column_id = 100;
    t->next_index_id = 8;
    t->auto_increment_column = 1;
    t->auto_increment_start = UINT64_MAX;
    t->created_us = 1700000000000000;
    t->altered_us = -1;
    t->view_text = STR("select 1");
    return t;
}

static struct table_def *round_trip(const struct table_def *t)
{
    struct table_def *back;
    const struct str json = table_def_to_json(t, &arena);
    assert_true(str_is_utf8(json));
    assert_int_equal(table_def_from_json(json, &diag, &back), 0);
    return back;
}

/* The text names every member, so equal texts mean equal definitions. */
static void test_table_round_trip_keeps_all_members(void **state)
{
    (void)state;
    struct table_def *t = rich_table();
    struct table_def *back = round_trip(t);
    const struct str a = table_def_to_json(t, &arena);
    const struct str b = table_def_to_json(back, &arena);
    assert_string_equal(a.p, b.p);
    assert_true(back->id == UINT64_MAX - 1);
    assert_true(back->auto_increment_start == UINT64_MAX);
    assert_int_equal(back->auto_increment_column, 1);
    assert_true(str_eq(back->comment, STR("")) && back->comment.p != NULL);
    assert_true(back->columns[1].comment.p == NULL);
    assert_true(str_eq(back->columns[0].type.labels->names[1], STR("b'c")));
    assert_int_equal(back->indexes[0].columns[0].prefix_len, 3);
    assert_true(back->indexes[0].columns[0].desc);
    table_def_unref(t);
    table_def_unref(back);
}

static void test_table_round_trip_keeps_default_values(void **state)
{
    (void)state;
    struct table_def *t = rich_table();
    struct table_def *back = round_trip(t);
    const struct column_def *c = back->columns;
    assert_true(c[0].default_value.kind == VALUE_INT && c[0].default_value.i == INT64_MIN);
    assert_int_equal(c[1].default_kind, DEFAULT_NOW);
    assert_int_equal(c[2].default_kind, DEFAULT_EXPR);
    assert_int_equal(decimal_cmp(&c[3].default_value.dec, &t->columns[3].default_value.dec), 0);
    assert_true(str_eq(c[4].default_value.str, STR("it's \"ü\"\n")));
    assert_int_equal(c[4].default_value.collation, 255);
    assert_true(str_eq(c[5].default_value.str, STR("\0\xff\x80")));
    assert_int_equal(c[6].default_value.time.day, 29);
    assert_memory_equal(&c[7].default_value.time, &when, sizeof when);
    assert_int_equal(c[7].default_value.decimals, 6);
    assert_true(c[8].default_value.time.negative && c[8].default_value.time.hour == 838);
    assert_true(str_eq(c[9].default_value.str, STR("{\"a\": [1, null]}")));
    assert_true(str_eq(c[10].default_value.str, STR("A\0")));
    table_def_unref(t);
    table_def_unref(back);
}

static void test_unsigned_default_beyond_signed_range(void **state)
{
    (void)state;
    struct table_def *t = rich_table();
    t->columns[1].default_kind = DEFAULT_VALUE;
    struct table_def *back = round_trip(t);
    assert_true(back->columns[1].default_value.u == UINT64_MAX);
    table_def_unref(t);
    table_def_unref(back);
}

static void test_database_round_trip(void **state)
{
    (void)state;
    const struct database_def db = {.id = 3,
                                    .name = STR_INIT("dü"),
                                    .collation = 46,
                                    .explicit_collation = true,
                                    .created_us = 5};
    struct database_def back;
    const struct str json = database_def_to_json(&db, &arena);
    assert_int_equal(database_def_from_json(json, &arena, &diag, &back), 0);
    assert_true(str_eq(back.name, db.name));
    assert_true(back.id == 3 && back.collation == 46 && back.explicit_collation);
    assert_true(back.created_us == 5);
}

static void test_malformed_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"v\":1",
        "{\"v\":2,\"id\":1,\"name\":\"d\"}",
        "{\"v\":1,\"id\":1}",
        "{\"v\":1,\"id\":1,\"db\":\"d\",\"name\":\"t\"}",
        "{\"v\":1,\"id\":-1,\"db\":\"d\",\"name\":\"t\",\"columns\":[],\"indexes\":[],\"checks\":[],"
        "\"auto_increment_column\":-1}",
        "{\"v\":1,\"id\":1,\"db\":\"d\",\"name\":\"t\",\"columns\":[{}],\"indexes\":[],"
        "\"checks\":[],\"auto_increment_column\":-1}",
        "{\"v\":1,\"id\":1,\"db\":\"d\",\"name\":\"t\",\"columns\":[],\"indexes\":[],\"checks\":[],"
        "\"auto_increment_column\":0}",
        "{\"v\":1,\"id\":1,\"db\":\"d\",\"name\":\"t\",\"columns\":[],\"checks\":[],"
        "\"indexes\":[{\"name\":\"i\",\"columns\":[{\"col\":0}]}],\"auto_increment_column\":-1}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct table_def *t;
        diag_reset(&diag);
        assert_int_equal(table_def_from_json(str_from_cstr(texts[i]), &diag, &t), -1);
        assert_null(t);
        assert_non_null(diag.error);
    }
}

/* Cut anywhere, a text is refused without reading past its end. */
static void test_truncated_text_is_refused(void **state)
{
    (void)state;
    struct table_def *t = rich_table();
    const struct str json = table_def_to_json(t, &arena);
    for (size_t n = 0; n < json.len; n++) {
        struct table_def *back;
        diag_reset(&diag);
        assert_int_equal(table_def_from_json(str_from(json.p, n), &diag, &back), -1);
    }
    table_def_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table_round_trip_keeps_all_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table_round_trip_keeps_default_values, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_unsigned_default_beyond_signed_range, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_database_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_text_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncated_text_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
