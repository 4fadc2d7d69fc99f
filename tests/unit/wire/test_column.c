/* Round trips of column definitions; truncation at every byte. */
#include "wire_test.h"

#include "wire/column.h"

static int decode_column(struct str payload, void *arg)
{
    struct wire_column c;
    return wire_decode_column(payload, *(const uint64_t *)arg, &c);
}

static void check_column(uint64_t caps, const struct wire_column *in)
{
    struct wire_column out;
    struct message m;
    message_init(&m);
    wire_encode_column(&m.w, caps, in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_column(payload, caps, &out), 0);
    assert_str_equal(out.schema, in->schema);
    assert_str_equal(out.table, in->table);
    assert_str_equal(out.org_table, in->org_table);
    assert_str_equal(out.name, in->name);
    assert_str_equal(out.org_name, in->org_name);
    assert_str_equal(out.extended, in->extended);
    assert_int_equal(out.collation, in->collation);
    assert_int_equal(out.length, in->length);
    assert_int_equal(out.type, in->type);
    assert_int_equal(out.flags, in->flags);
    assert_int_equal(out.decimals, in->decimals);
    assert_int_equal(out.has_default, in->has_default);
    assert_str_equal(out.default_value, in->default_value);
    /* A default value may be missing as a whole. */
    const size_t default_len = in->has_default ? 1 + in->default_value.len : 0;
    check_truncation(payload, payload.len - default_len, decode_column, &caps);
    message_release(&m);
}

static struct wire_column sample(void)
{
    return (struct wire_column){.schema = STR("db"),
                                .table = STR("alias"),
                                .org_table = STR("t"),
                                .name = STR("total"),
                                .org_name = STR("c"),
                                .collation = 255,
                                .length = 0xfffffffc,
                                .type = WIRE_TYPE_VAR_STRING,
                                .flags = WIRE_FLAG_NOT_NULL | WIRE_FLAG_NUM,
                                .decimals = 31};
}

static void test_column_round_trip(void **state)
{
    (void)state;
    struct wire_column c = sample();
    check_column(0, &c);
    c.extended = STR("\0\4uuid");
    check_column(MARIADB_CLIENT_EXTENDED_METADATA, &c);
}

static void test_field_list_column_carries_its_default(void **state)
{
    (void)state;
    struct wire_column c = sample();
    c.has_default = true;
    check_column(0, &c);
    c.default_value = STR("7");
    check_column(0, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_column_round_trip),
        cmocka_unit_test(test_field_list_column_carries_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
