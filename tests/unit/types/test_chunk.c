/* Column chunks: every type goes in, comes out, and shows as MySQL shows it. */
#include "types/chunk.h"
#include "types/convert.h"
#include "types/vec_text.h"

#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static const struct str label_names[] = {STR_INIT("small"), STR_INIT("medium"), STR_INIT("large")};
static const struct type_labels labels = {.count = 3, .names = label_names};

static struct value decimal_value(const char *text)
{
    struct value v = {.kind = VALUE_DECIMAL};
    size_t used;
    assert_int_equal(decimal_parse(str_from_cstr(text), &v.dec, &used), DECIMAL_OK);
    return v;
}

static struct value temporal_value(enum value_kind kind, const char *text, uint8_t decimals)
{
    struct value v = {.kind = kind, .decimals = decimals};
    size_t rest;
    int rc = kind == VALUE_TIME ? parse_time(str_from_cstr(text), &v.time, &rest)
                                : parse_datetime(str_from_cstr(text), 0, &v.time, &rest);
    assert_int_equal(rc, 0);
    return v;
}

struct sample {
    struct sql_type type;
    struct value value;
    const char *text;
};

#define T(t, len, dec, fl)                                                                         \
    {.type = MYSQL_TYPE_##t, .length = (len), .decimals = (dec), .flags = (fl)}
#define LONG_TEXT "a string that does not fit into twelve bytes"

static size_t make_samples(struct sample *s)
{
    const struct sample all[] = {
        {T(TINY, 4, 0, 0), value_int(-128), "-128"},
        {T(TINY, 3, 0, UNSIGNED_FLAG), value_uint(255), "255"},
        {T(TINY, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG), value_uint(7), "0007"},
        {T(SHORT, 6, 0, 0), value_int(-32768), "-32768"},
        {T(SHORT, 5, 0, UNSIGNED_FLAG), value_uint(65535), "65535"},
        {T(INT24, 9, 0, 0), value_int(-8388608), "-8388608"},
        {T(INT24, 8, 0, UNSIGNED_FLAG), value_uint(16777215), "16777215"},
        {T(LONG, 11, 0, 0), value_int(INT32_MIN), "-2147483648"},
        {T(LONG, 10, 0, UNSIGNED_FLAG), value_uint(UINT32_MAX), "4294967295"},
        {T(LONGLONG, 20, 0, 0), value_int(INT64_MIN), "-9223372036854775808"},
        {T(LONGLONG, 20, 0, UNSIGNED_FLAG), value_uint(UINT64_MAX), "18446744073709551615"},
        {T(YEAR, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG), value_int(0), "0000"},
        {T(YEAR, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG), value_int(2155), "2155"},
        {T(BIT, 12, 0, UNSIGNED_FLAG), value_uint(0x0141), "\x01\x41"},
        {T(NEWDECIMAL, 4, 2, 0), decimal_value("-99.99"), "-99.99"},
        {T(NEWDECIMAL, 9, 0, 0), decimal_value("999999999"), "999999999"},
        {T(NEWDECIMAL, 15, 2, 0), decimal_value("1234567890123.45"), "1234567890123.45"},
        {T(NEWDECIMAL, 18, 18, 0), decimal_value("-0.000000000000000001"), "-0.000000000000000001"},
        {T(NEWDECIMAL, 38, 10, 0), decimal_value("-9999999999999999999999999999.9999999999"),
         "-9999999999999999999999999999.9999999999"},
        {T(NEWDECIMAL, 65, 30, 0),
         decimal_value("12345678901234567890123456789012345.000000000000000000000000000001"),
         "12345678901234567890123456789012345.000000000000000000000000000001"},
        {T(NEWDECIMAL, 6, 2, UNSIGNED_FLAG | ZEROFILL_FLAG), decimal_value("1.50"), "0001.50"},
        {T(FLOAT, 12, 31, 0), value_double(16777216), "16777200"},
        {T(FLOAT, 8, 2, 0), value_double(1.5), "1.50"},
        {T(DOUBLE, 22, 31, 0), value_double(0.1), "0.1"},
        {T(DOUBLE, 10, 3, 0), value_double(-1.5), "-1.500"},
        {T(DATE, 10, 0, 0), temporal_value(VALUE_DATE, "9999-12-31", 0), "9999-12-31"},
        {T(DATE, 10, 0, 0), temporal_value(VALUE_DATE, "0000-00-00", 0), "0000-00-00"},
        {T(DATE, 10, 0, 0), temporal_value(VALUE_DATE, "2020-02-00", 0), "2020-02-00"},
        {T(DATETIME, 19, 0, 0), temporal_value(VALUE_DATETIME, "1000-01-01 00:00:00", 0),
         "1000-01-01 00:00:00"},
        {T(DATETIME, 26, 6, 0), temporal_value(VALUE_DATETIME, "2020-01-02 03:04:05.678901", 6),
         "2020-01-02 03:04:05.678901"},
        {T(DATETIME, 23, 3, 0), temporal_value(VALUE_DATETIME, "0000-00-00 00:00:00", 3),
         "0000-00-00 00:00:00.000"},
        {T(TIMESTAMP, 19, 0, 0), temporal_value(VALUE_DATETIME, "2038-01-19 03:14:07", 0),
         "2038-01-19 03:14:07"},
        {T(TIME, 10, 0, 0), temporal_value(VALUE_TIME, "-838:59:59", 0), "-838:59:59"},
        {T(TIME, 17, 6, 0), temporal_value(VALUE_TIME, "838:59:58.000001", 6), "838:59:58.000001"},
        {T(VARCHAR, 100, 0, 0), value_string(STR("twelve bytes"), 45), "twelve bytes"},
        {T(VARCHAR, 100, 0, 0), value_string(STR(LONG_TEXT), 45), LONG_TEXT},
        {T(STRING, 100, 0, 0), value_string(STR(""), 45), ""},
        {T(BLOB, 100, 0, BINARY_FLAG), value_string(STR("thirteen byte"), 63), "thirteen byte"},
        {T(JSON, 100, 0, 0),
         {.kind = VALUE_JSON, .str = STR_INIT("{\"a\": 1, \"b\": 2}")},
         "{\"a\": 1, \"b\": 2}"},
        {T(GEOMETRY, 100, 0, 0), value_string(STR("opaque"), 63), "opaque"},
        {{.type = MYSQL_TYPE_ENUM, .labels = &labels}, value_uint(3), "large"},
        {{.type = MYSQL_TYPE_ENUM, .labels = &labels}, value_uint(0), ""},
        {{.type = MYSQL_TYPE_SET, .labels = &labels}, value_uint(5), "small,large"},
        {{.type = MYSQL_TYPE_SET, .labels = &labels}, value_uint(0), ""},
    };
    memcpy(s, all, sizeof(all));
    return ARRAY_SIZE(all);
}

static void check_same_value(const struct value *a, const struct value *b, size_t col)
{
    bool same = false;
    bool integers = (a->kind == VALUE_INT || a->kind == VALUE_UINT) &&
                    (b->kind == VALUE_INT || b->kind == VALUE_UINT);
    if (integers) {
        same = a->u == b->u;
    } else if (a->kind == b->kind) {
        switch (a->kind) {
        case VALUE_DOUBLE:
            same = a->d == b->d;
            break;
        case VALUE_DECIMAL:
            same = decimal_cmp(&a->dec, &b->dec) == 0;
            break;
        case VALUE_STRING:
        case VALUE_JSON:
            same = str_eq(a->str, b->str);
            break;
        default:
            same = memcmp(&a->time, &b->time, sizeof(a->time)) == 0 && a->decimals == b->decimals;
            break;
        }
    }
    if (!same) {
        fail_msg("column %zu: kinds %d and %d", col, a->kind, b->kind);
    }
}

static void test_every_type_round_trips(void **state)
{
    (void)state;
    struct sample samples[64];
    struct sql_type types[64];
    size_t n = make_samples(samples);
    struct arena arena;
    struct chunk_builder b;
    arena_init(&arena, 0);
    for (size_t i = 0; i < n; i++) {
        types[i] = samples[i].type;
    }
    chunk_builder_init(&b, types, (uint32_t)n);
    for (int round = 0; round < 2; round++) {
        for (uint32_t row = 0; row < 70; row++) {
            assert_int_equal(chunk_builder_add_row(&b), row);
            for (uint32_t i = 0; i < n && row % 2 == 0; i++) {
                chunk_builder_set(&b, i, &samples[i].value);
            }
        }
        struct chunk c = chunk_builder_chunk(&b);
        assert_int_equal(c.nrows, 70);
        for (uint32_t i = 0; i < n; i++) {
            struct vec_text text;
            char buf[VEC_TEXT_MAX];
            vec_text_init(&text, &types[i], c.cols[i].phys, NULL, &arena);
            for (uint32_t row = 0; row < 70; row++) {
                struct value v;
                vec_get(&c.cols[i], row, &v);
                if (row % 2 != 0) {
                    assert_true(value_is_null(&v));
                    continue;
                }
                check_same_value(&samples[i].value, &v, i);
                struct str want = str_from_cstr(samples[i].text);
                struct str got = vec_text_get(&text, &c.cols[i], row, buf);
                struct str other = value_to_text(&v, &types[i], &arena);
                if (!str_eq(want, got) || !str_eq(want, other)) {
                    fail_msg("column %u: got '%.*s' and '%.*s', want '%s'", i, STR_FMT(got),
                             STR_FMT(other), samples[i].text);
                }
            }
        }
        chunk_builder_reset(&b);
    }
    chunk_builder_release(&b);
    arena_release(&arena);
}

static void test_builder_holds_exactly_one_chunk(void **state)
{
    (void)state;
    const struct sql_type types[] = {T(LONGLONG, 20, 0, 0), T(VARCHAR, 100, 0, 0)};
    struct chunk_builder b;
    chunk_builder_init(&b, types, 2);
    for (uint32_t row = 0; row < CHUNK_ROWS; row++) {
        assert_false(chunk_builder_is_full(&b));
        (void)chunk_builder_add_row(&b);
        chunk_builder_set_i64(&b, 0, row);
        chunk_builder_set_str(&b, 1, STR(LONG_TEXT));
    }
    assert_true(chunk_builder_is_full(&b));
    assert_true(chunk_builder_bytes(&b) >= CHUNK_ROWS * (sizeof(LONG_TEXT) - 1));
    struct chunk c = chunk_builder_chunk(&b);
    for (uint32_t row = 0; row < CHUNK_ROWS; row++) {
        struct value v;
        vec_get(&c.cols[0], row, &v);
        assert_int_equal(v.i, row);
    }
    chunk_builder_reset(&b);
    assert_int_equal(b.nrows, 0);
    assert_int_equal(chunk_builder_bytes(&b), 0);
    chunk_builder_release(&b);
}

static void test_dropped_row_leaves_nothing(void **state)
{
    (void)state;
    const struct sql_type types[] = {T(LONGLONG, 20, 0, 0)};
    struct chunk_builder b;
    chunk_builder_init(&b, types, 1);
    (void)chunk_builder_add_row(&b);
    chunk_builder_set_i64(&b, 0, 1);
    chunk_builder_drop_row(&b);
    (void)chunk_builder_add_row(&b);
    struct chunk c = chunk_builder_chunk(&b);
    assert_int_equal(c.nrows, 1);
    assert_true(vec_is_null(&c.cols[0], 0));
    chunk_builder_release(&b);
}

static void test_sums_of_128_bits_read_as_integers(void **state)
{
    (void)state;
    const struct sql_type type = T(LONGLONG, 20, 0, 0);
    const __int128 data[] = {-5, (__int128)INT64_MAX + 1};
    const struct vec v = {.type = &type, .phys = VEC_I128, .data = data};
    struct value out;
    vec_get(&v, 0, &out);
    assert_int_equal(out.i, -5);
    vec_get(&v, 1, &out);
    assert_int_equal(out.i, INT64_MAX);
    struct vec_text text;
    char buf[VEC_TEXT_MAX];
    vec_text_init(&text, &type, VEC_I128, NULL, NULL);
    assert_true(str_eq(vec_text_get(&text, &v, 1, buf), STR("9223372036854775808")));
}

static void test_timestamps_show_in_the_zone(void **state)
{
    (void)state;
    const struct sql_type type = T(TIMESTAMP, 19, 0, 0);
    const int64_t data[] = {0, 1593561600000000,
                            temporal_pack_datetime(&(struct mtime){.year = 0})};
    const struct vec v = {.type = &type, .phys = VEC_I64, .data = data};
    struct vec_text text;
    char buf[VEC_TEXT_MAX];
    vec_text_init(&text, &type, VEC_I64, timezone_find(STR("+05:30")), NULL);
    assert_true(str_eq(vec_text_get(&text, &v, 0, buf), STR("1970-01-01 05:30:00")));
    assert_true(str_eq(vec_text_get(&text, &v, 1, buf), STR("2020-07-01 05:30:00")));
    assert_true(str_eq(vec_text_get(&text, &v, 2, buf), STR("0000-00-00 00:00:00")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_round_trips),
        cmocka_unit_test(test_builder_holds_exactly_one_chunk),
        cmocka_unit_test(test_dropped_row_leaves_nothing),
        cmocka_unit_test(test_sums_of_128_bits_read_as_integers),
        cmocka_unit_test(test_timestamps_show_in_the_zone),
    };
    return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
