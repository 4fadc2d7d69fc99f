/* Binary values of every type, binary and text rows; truncation at every byte. */
#include "wire_test.h"

#include "wire/value.h"

static const struct wire_value values[] = {
    {WIRE_VALUE_INT, WIRE_TYPE_TINY, {.i = -128}},
    {WIRE_VALUE_UINT, WIRE_TYPE_TINY, {.u = 255}},
    {WIRE_VALUE_INT, WIRE_TYPE_SHORT, {.i = INT16_MIN}},
    {WIRE_VALUE_UINT, WIRE_TYPE_YEAR, {.u = 2155}},
    {WIRE_VALUE_INT, WIRE_TYPE_INT24, {.i = -8388608}},
    {WIRE_VALUE_INT, WIRE_TYPE_LONG, {.i = INT32_MIN}},
    {WIRE_VALUE_UINT, WIRE_TYPE_LONG, {.u = UINT32_MAX}},
    {WIRE_VALUE_INT, WIRE_TYPE_LONGLONG, {.i = INT64_MIN}},
    {WIRE_VALUE_UINT, WIRE_TYPE_LONGLONG, {.u = UINT64_MAX}},
    {WIRE_VALUE_NULL, WIRE_TYPE_LONG, {.u = 0}},
    {WIRE_VALUE_FLOAT, WIRE_TYPE_FLOAT, {.f = -1.5f}},
    {WIRE_VALUE_DOUBLE, WIRE_TYPE_DOUBLE, {.d = 1e300}},
    {WIRE_VALUE_BYTES, WIRE_TYPE_NEWDECIMAL, {.s = STR_INIT("-12.50")}},
    {WIRE_VALUE_BYTES, WIRE_TYPE_BLOB, {.s = STR_INIT("a\0b")}},
    {WIRE_VALUE_BYTES, WIRE_TYPE_STRING, {.s = STR_INIT("")}},
    {WIRE_VALUE_NULL, WIRE_TYPE_NULL, {.u = 0}},
    {WIRE_VALUE_DATETIME, WIRE_TYPE_DATE, {.dt = {2024, 2, 29, 0, 0, 0, 0}}},
    {WIRE_VALUE_DATETIME, WIRE_TYPE_DATE, {.dt = {0}}},
    {WIRE_VALUE_DATETIME, WIRE_TYPE_DATETIME, {.dt = {0}}},
    {WIRE_VALUE_DATETIME, WIRE_TYPE_DATETIME, {.dt = {9999, 12, 31, 0, 0, 0, 0}}},
    {WIRE_VALUE_DATETIME, WIRE_TYPE_TIMESTAMP, {.dt = {1970, 1, 1, 0, 0, 1, 0}}},
    {WIRE_VALUE_DATETIME, WIRE_TYPE_DATETIME, {.dt = {9999, 12, 31, 23, 59, 59, 999999}}},
    {WIRE_VALUE_TIME, WIRE_TYPE_TIME, {.t = {0}}},
    {WIRE_VALUE_TIME, WIRE_TYPE_TIME, {.t = {true, 34, 22, 59, 59, 0}}},
    {WIRE_VALUE_TIME, WIRE_TYPE_TIME, {.t = {false, 0, 0, 0, 0, 1}}},
};

static void check_equal(const struct wire_value *a, const struct wire_value *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->type, b->type);
    switch (a->kind) {
    case WIRE_VALUE_INT:
    case WIRE_VALUE_UINT:
        assert_true(a->u == b->u);
        break;
    case WIRE_VALUE_FLOAT:
        assert_memory_equal(&a->f, &b->f, sizeof(a->f));
        break;
    case WIRE_VALUE_DOUBLE:
        assert_memory_equal(&a->d, &b->d, sizeof(a->d));
        break;
    case WIRE_VALUE_BYTES:
        assert_str_equal(a->s, b->s);
        break;
    case WIRE_VALUE_DATETIME:
        assert_int_equal(a->dt.year, b->dt.year);
        assert_int_equal(a->dt.month, b->dt.month);
        assert_int_equal(a->dt.day, b->dt.day);
        assert_int_equal(a->dt.hour, b->dt.hour);
        assert_int_equal(a->dt.minute, b->dt.minute);
        assert_int_equal(a->dt.second, b->dt.second);
        assert_int_equal(a->dt.usec, b->dt.usec);
        break;
    case WIRE_VALUE_TIME:
        assert_int_equal(a->t.is_negative, b->t.is_negative);
        assert_int_equal(a->t.days, b->t.days);
        assert_int_equal(a->t.hour, b->t.hour);
        assert_int_equal(a->t.minute, b->t.minute);
        assert_int_equal(a->t.second, b->t.second);
        assert_int_equal(a->t.usec, b->t.usec);
        break;
    case WIRE_VALUE_NULL:
    case WIRE_VALUE_LONG_DATA:
        break;
    }
}

static void make_types(struct wire_value_type *types)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        types[i] = (struct wire_value_type){values[i].type, values[i].kind == WIRE_VALUE_UINT};
    }
}

static int decode_binary_row(struct str payload, void *arg)
{
    struct wire_value out[ARRAY_SIZE(values)];
    return wire_decode_binary_row(payload, arg, ARRAY_SIZE(values), out);
}

static void test_binary_row_round_trip(void **state)
{
    (void)state;
    struct wire_value_type types[ARRAY_SIZE(values)];
    struct wire_value out[ARRAY_SIZE(values)];
    struct message m;
    make_types(types);
    message_init(&m);
    wire_encode_binary_row(&m.w, values, ARRAY_SIZE(values));
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_binary_row(payload, types, ARRAY_SIZE(values), out), 0);
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        check_equal(&values[i], &out[i]);
    }
    check_truncation(payload, payload.len, decode_binary_row, types);
    message_release(&m);
}

static void test_temporal_values_take_their_shortest_form(void **state)
{
    (void)state;
    char bytes[WIRE_TIME_MAX];
    const struct wire_datetime day = {2024, 2, 29, 0, 0, 0, 0};
    const struct wire_datetime second = {2024, 2, 29, 1, 2, 3, 0};
    const struct wire_datetime usec = {2024, 2, 29, 1, 2, 3, 4};
    const struct wire_datetime zero = {0};
    const struct wire_time none = {0};
    const struct wire_time neg = {
        .is_negative = true, .days = 34, .hour = 22, .minute = 59, .second = 59};
    const struct wire_time frac = {.usec = 500000};
    assert_int_equal(wire_raw_datetime(bytes, &zero) - bytes, 1);
    assert_int_equal(wire_raw_datetime(bytes, &day) - bytes, 5);
    assert_int_equal(wire_raw_datetime(bytes, &second) - bytes, 8);
    assert_int_equal(wire_raw_datetime(bytes, &usec) - bytes, WIRE_DATETIME_MAX);
    assert_int_equal(wire_raw_date(bytes, &usec) - bytes, 5);
    assert_int_equal(wire_raw_time(bytes, &none) - bytes, 1);
    assert_int_equal(wire_raw_time(bytes, &neg) - bytes, 9);
    assert_memory_equal(bytes, "\x08\1\x22\0\0\0\x16\x3b\x3b", 9);
    assert_int_equal(wire_raw_time(bytes, &frac) - bytes, WIRE_TIME_MAX);
}

static void test_get_value_refuses_odd_lengths_and_types(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        struct str bytes;
    } cases[] = {
        {WIRE_TYPE_DATETIME, STR_INIT("\5\1\2\3\4\5")},
        {WIRE_TYPE_TIME, STR_INIT("\4\1\2\3\4")},
        {0x20, STR_INIT("\1\2\3\4")},
        {WIRE_TYPE_TIME2, STR_INIT("\1\2\3\4")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pkt_reader r;
        struct wire_value v;
        pkt_reader_init(&r, cases[i].bytes);
        wire_get_value(&r, cases[i].type, false, &v);
        assert_true(pkt_reader_failed(&r));
    }
}

static int decode_text_row(struct str payload, void *arg)
{
    struct str out[3];
    (void)arg;
    return wire_decode_text_row(payload, 3, out);
}

static void test_text_row_round_trip(void **state)
{
    (void)state;
    const struct str in[3] = {STR("one"), STR_NULL, STR("")};
    struct str out[3];
    struct message m;
    message_init(&m);
    wire_encode_text_row(&m.w, in, 3);
    const struct str payload = message_end(&m);
    assert_str_equal(payload, STR("\3one\xfb\0"));
    assert_int_equal(wire_decode_text_row(payload, 3, out), 0);
    assert_str_equal(out[0], in[0]);
    assert_null(out[1].p);
    assert_non_null(out[2].p);
    assert_int_equal(wire_decode_text_row(payload, 2, out), -1);
    check_truncation(payload, payload.len, decode_text_row, NULL);
    message_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_row_round_trip),
        cmocka_unit_test(test_temporal_values_take_their_shortest_form),
        cmocka_unit_test(test_get_value_refuses_odd_lengths_and_types),
        cmocka_unit_test(test_text_row_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
