/* Round trips of commands; truncation at every byte. */
#include "wire_test.h"

#include "wire/command.h"

#define ATTRS (CLIENT_PROTOCOL_41 | CLIENT_QUERY_ATTRIBUTES)

static struct wire_param int_param(struct str name, int64_t i)
{
    return (struct wire_param){.name = name,
                               .type = {WIRE_TYPE_LONGLONG, false},
                               .value = {WIRE_VALUE_INT, WIRE_TYPE_LONGLONG, {.i = i}}};
}

static struct wire_param str_param(struct str name, struct str s)
{
    return (struct wire_param){.name = name,
                               .type = {WIRE_TYPE_STRING, false},
                               .value = {WIRE_VALUE_BYTES, WIRE_TYPE_STRING, {.s = s}}};
}

static struct wire_param null_param(struct str name)
{
    return (struct wire_param){.name = name,
                               .type = {WIRE_TYPE_NULL, false},
                               .value = {WIRE_VALUE_NULL, WIRE_TYPE_NULL, {.u = 0}}};
}

static int decode_query(struct str payload, void *arg)
{
    struct wire_query q;
    struct arena a;
    arena_init(&a, 1 << 20);
    const int rc = wire_decode_query(payload, *(const uint64_t *)arg, &a, &q);
    arena_release(&a);
    return rc;
}

static void test_query_round_trip(void **state)
{
    (void)state;
    struct wire_query out;
    struct message m;
    struct arena a;
    arena_init(&a, 1 << 20);
    message_init(&m);
    wire_encode_query(&m.w, 0, &(struct wire_query){.sql = STR("SELECT 1")});
    assert_int_equal(wire_decode_query(message_end(&m), 0, &a, &out), 0);
    assert_str_equal(out.sql, STR("SELECT 1"));
    assert_int_equal(out.attr_count, 0);
    message_release(&m);
    arena_release(&a);
}

static void test_query_attributes_round_trip(void **state)
{
    (void)state;
    struct wire_param attrs[] = {str_param(STR("trace"), STR("abc")), null_param(STR("none")),
                                 int_param(STR(""), -5)};
    const struct wire_query in = {.sql = STR("SELECT 1"), .attrs = attrs, .attr_count = 3};
    struct wire_query out;
    struct message m;
    struct arena a;
    uint64_t caps = ATTRS;
    arena_init(&a, 1 << 20);
    message_init(&m);
    wire_encode_query(&m.w, caps, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_query(payload, caps, &a, &out), 0);
    assert_str_equal(out.sql, in.sql);
    assert_int_equal(out.attr_count, 3);
    assert_str_equal(out.attrs[0].name, STR("trace"));
    assert_str_equal(out.attrs[0].value.s, STR("abc"));
    assert_int_equal(out.attrs[1].value.kind, WIRE_VALUE_NULL);
    assert_true(out.attrs[2].value.i == -5);
    check_truncation(payload, payload.len - in.sql.len, decode_query, &caps);
    message_release(&m);
    arena_release(&a);
}

static void test_query_refuses_more_attributes_than_bytes(void **state)
{
    (void)state;
    uint64_t caps = ATTRS;
    assert_int_equal(decode_query(STR("\3\xfd\xff\xff\xff\1\0\1"), &caps), -1);
    assert_int_equal(decode_query(STR("\3\xfc\xff\xff\1\0\1"), &caps), -1);
}

/* What the session knows of the statement in the tests below. */
struct statement {
    uint64_t caps;
    size_t param_count;
    struct wire_value_type types[4];
    bool has_types;
    const bool *long_data;
};

static int decode_execute_with(struct str payload, struct statement *s, struct arena *a,
                               struct wire_execute *out)
{
    if (wire_decode_execute(payload, out) != 0) {
        return -1;
    }
    out->param_count = s->param_count;
    out->types = s->types;
    out->has_types = s->has_types;
    out->long_data = s->long_data;
    const int rc = wire_decode_execute_params(out, s->caps, a);
    s->has_types = out->has_types;
    return rc;
}

static int decode_execute(struct str payload, void *arg)
{
    struct statement s = *(const struct statement *)arg;
    struct wire_execute e;
    struct arena a;
    arena_init(&a, 1 << 20);
    const int rc = decode_execute_with(payload, &s, &a, &e);
    arena_release(&a);
    return rc;
}

static void test_execute_keeps_types_for_the_next_time(void **state)
{
    (void)state;
    struct wire_param params[] = {int_param(STR(""), 42), str_param(STR(""), STR("x"))};
    struct wire_execute in = {.stmt_id = 3,
                              .flags = WIRE_CURSOR_READ_ONLY,
                              .iterations = 1,
                              .param_count = 2,
                              .total_count = 2,
                              .params = params,
                              .has_types = true};
    struct statement s = {.param_count = 2};
    struct wire_execute out;
    struct message m;
    struct arena a;
    arena_init(&a, 1 << 20);
    message_init(&m);
    wire_encode_execute(&m.w, 0, &in);
    struct str payload = message_end(&m);
    check_truncation(payload, payload.len, decode_execute, &s);
    assert_int_equal(decode_execute_with(payload, &s, &a, &out), 0);
    assert_int_equal(out.stmt_id, 3);
    assert_int_equal(out.flags, WIRE_CURSOR_READ_ONLY);
    assert_int_equal(out.total_count, 2);
    assert_true(out.params[0].value.i == 42);
    assert_str_equal(out.params[1].value.s, STR("x"));
    message_release(&m);

    message_init(&m);
    in.has_types = false;
    params[0].value.i = 43;
    wire_encode_execute(&m.w, 0, &in);
    payload = message_end(&m);
    assert_int_equal(decode_execute_with(payload, &s, &a, &out), 0);
    assert_true(out.params[0].value.i == 43);
    s.has_types = false;
    assert_int_equal(decode_execute_with(payload, &s, &a, &out), -1);
    message_release(&m);
    arena_release(&a);
}

static void test_execute_leaves_long_data_out(void **state)
{
    (void)state;
    static const bool long_data[] = {false, true};
    struct wire_param params[] = {
        int_param(STR(""), 1),
        str_param(STR(""), STR("")),
    };
    params[1].value.kind = WIRE_VALUE_LONG_DATA;
    const struct wire_execute in = {.stmt_id = 1,
                                    .iterations = 1,
                                    .param_count = 2,
                                    .total_count = 2,
                                    .params = params,
                                    .has_types = true};
    struct statement s = {.param_count = 2, .long_data = long_data};
    struct wire_execute out;
    struct message m;
    struct arena a;
    arena_init(&a, 1 << 20);
    message_init(&m);
    wire_encode_execute(&m.w, 0, &in);
    assert_int_equal(decode_execute_with(message_end(&m), &s, &a, &out), 0);
    assert_int_equal(out.params[1].value.kind, WIRE_VALUE_LONG_DATA);
    assert_true(out.params[0].value.i == 1);
    message_release(&m);
    arena_release(&a);
}

static void test_execute_carries_query_attributes_behind_parameters(void **state)
{
    (void)state;
    struct wire_param params[] = {int_param(STR(""), 1), null_param(STR("why"))};
    const struct wire_execute in = {.stmt_id = 1,
                                    .flags = WIRE_PARAMETER_COUNT_AVAILABLE,
                                    .iterations = 1,
                                    .param_count = 1,
                                    .total_count = 2,
                                    .params = params,
                                    .has_types = true};
    struct statement s = {.caps = ATTRS, .param_count = 1};
    struct wire_execute out;
    struct message m;
    struct arena a;
    arena_init(&a, 1 << 20);
    message_init(&m);
    wire_encode_execute(&m.w, ATTRS, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(decode_execute_with(payload, &s, &a, &out), 0);
    assert_int_equal(out.total_count, 2);
    assert_str_equal(out.params[1].name, STR("why"));
    assert_int_equal(out.params[1].value.kind, WIRE_VALUE_NULL);
    s.has_types = false;
    check_truncation(payload, payload.len, decode_execute, &s);
    /* Fewer than the statement has. */
    s.param_count = 3;
    assert_int_equal(decode_execute_with(payload, &s, &a, &out), -1);
    message_release(&m);
    arena_release(&a);
}

static void test_execute_without_parameters(void **state)
{
    (void)state;
    const struct wire_execute in = {.stmt_id = 1, .iterations = 1};
    struct statement s = {.caps = ATTRS};
    struct wire_execute out;
    struct message m;
    struct arena a;
    arena_init(&a, 1 << 20);
    message_init(&m);
    wire_encode_execute(&m.w, ATTRS, &in);
    assert_int_equal(decode_execute_with(message_end(&m), &s, &a, &out), 0);
    assert_int_equal(out.total_count, 0);
    message_release(&m);
    arena_release(&a);
}

static int decode_fetch(struct str payload, void *arg)
{
    struct wire_fetch f;
    (void)arg;
    return wire_decode_fetch(payload, &f);
}

static int decode_bulk(struct str payload, void *arg)
{
    struct wire_bulk b = *(const struct wire_bulk *)arg;
    return wire_decode_bulk(payload, &b);
}

static void test_bulk_round_trip(void **state)
{
    (void)state;
    struct wire_value_type types[] = {{3, true}, {0xfd, false}}, read[2] = {{9, false}, {9, false}};
    struct wire_bulk in = {.stmt_id = 7,
                           .flags = WIRE_BULK_SENDS_TYPES | 64,
                           .param_count = 2,
                           .types = types,
                           .rows = STR("rows")};
    struct wire_bulk out = {.param_count = 2, .types = read};
    struct message m;
    message_init(&m);
    wire_encode_bulk(&m.w, &in);
    struct str payload = message_end(&m);
    check_truncation(payload, payload.len - in.rows.len, decode_bulk, &out);
    assert_int_equal(wire_decode_bulk(payload, &out), 0);
    assert_int_equal(out.stmt_id, 7);
    assert_int_equal(out.flags, WIRE_BULK_SENDS_TYPES | 64);
    assert_memory_equal(read, types, sizeof types);
    assert_str_equal(out.rows, in.rows);
    message_release(&m);

    /* Without types those from before stay. */
    message_init(&m);
    in.flags = 0;
    types[0].type = 4;
    wire_encode_bulk(&m.w, &in);
    assert_int_equal(wire_decode_bulk(message_end(&m), &out), 0);
    assert_int_equal(read[0].type, 3);
    assert_str_equal(out.rows, in.rows);
    message_release(&m);
}

static void test_fetch_round_trip(void **state)
{
    (void)state;
    struct wire_fetch out;
    struct message m;
    message_init(&m);
    wire_encode_fetch(&m.w, &(struct wire_fetch){.stmt_id = 7, .rows = 100});
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_fetch(payload, &out), 0);
    assert_int_equal(out.stmt_id, 7);
    assert_int_equal(out.rows, 100);
    check_truncation(payload, payload.len, decode_fetch, NULL);
    message_release(&m);
}

static int decode_long_data(struct str payload, void *arg)
{
    struct wire_long_data l;
    (void)arg;
    return wire_decode_long_data(payload, &l);
}

static void test_long_data_round_trip(void **state)
{
    (void)state;
    struct wire_long_data out;
    struct message m;
    message_init(&m);
    wire_encode_long_data(&m.w,
                          &(struct wire_long_data){.stmt_id = 7, .param = 2, .data = STR("a\0b")});
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_long_data(payload, &out), 0);
    assert_int_equal(out.stmt_id, 7);
    assert_int_equal(out.param, 2);
    assert_str_equal(out.data, STR("a\0b"));
    check_truncation(payload, payload.len - 3, decode_long_data, NULL);
    message_release(&m);
}

static int decode_field_list(struct str payload, void *arg)
{
    struct wire_field_list f;
    (void)arg;
    return wire_decode_field_list(payload, &f);
}

static void test_field_list_round_trip(void **state)
{
    (void)state;
    struct wire_field_list out;
    struct message m;
    message_init(&m);
    wire_encode_field_list(&m.w,
                           &(struct wire_field_list){.table = STR("t"), .pattern = STR("a%")});
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_field_list(payload, &out), 0);
    assert_str_equal(out.table, STR("t"));
    assert_str_equal(out.pattern, STR("a%"));
    check_truncation(payload, 3, decode_field_list, NULL);
    message_release(&m);
}

static void test_small_commands_round_trip(void **state)
{
    (void)state;
    uint32_t id;
    uint16_t option;
    struct message m;
    message_init(&m);
    wire_encode_u32_command(&m.w, COM_STMT_CLOSE, 0x01020304);
    assert_int_equal(wire_decode_u32_command(message_end(&m), &id), 0);
    assert_int_equal(id, 0x01020304);
    message_release(&m);
    assert_int_equal(wire_decode_u32_command(STR("\x19\1\2\3"), &id), -1);
    message_init(&m);
    wire_encode_set_option(&m.w, WIRE_OPTION_MULTI_STATEMENTS_OFF);
    assert_int_equal(wire_decode_set_option(message_end(&m), &option), 0);
    assert_int_equal(option, WIRE_OPTION_MULTI_STATEMENTS_OFF);
    message_release(&m);
    assert_int_equal(wire_decode_set_option(STR("\x1b\1"), &option), -1);
    message_init(&m);
    wire_encode_simple(&m.w, COM_PING);
    assert_str_equal(message_end(&m), STR("\x0e"));
    message_release(&m);
    message_init(&m);
    wire_encode_text_command(&m.w, COM_INIT_DB, STR("test"));
    assert_str_equal(message_end(&m), STR("\2test"));
    message_release(&m);
}

static int decode_register_replica(struct str payload, void *arg)
{
    struct wire_register_replica r;
    (void)arg;
    return wire_decode_register_replica(payload, &r);
}

static int decode_binlog_dump(struct str payload, void *arg)
{
    struct wire_binlog_dump dump;
    (void)arg;
    return wire_decode_binlog_dump(payload, &dump);
}

static int decode_binlog_dump_gtid(struct str payload, void *arg)
{
    struct wire_binlog_dump_gtid dump;
    (void)arg;
    return wire_decode_binlog_dump_gtid(payload, &dump);
}

static void test_register_replica(void **state)
{
    (void)state;
    struct message m;
    struct wire_register_replica out;
    const struct wire_register_replica in = {.server_id = 77,
                                             .host = STR("replica"),
                                             .user = STR("u"),
                                             .port = 3306,
                                             .rank = 1,
                                             .source_id = 9};
    message_init(&m);
    wire_encode_register_replica(&m.w, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_register_replica(payload, &out), 0);
    assert_int_equal(out.server_id, 77);
    assert_str_equal(out.host, in.host);
    assert_str_equal(out.user, in.user);
    assert_int_equal(out.password.len, 0);
    assert_int_equal(out.port, 3306);
    assert_int_equal(out.rank, 1);
    assert_int_equal(out.source_id, 9);
    check_truncation(payload, payload.len, decode_register_replica, NULL);
    message_release(&m);
}

static void test_binlog_dump(void **state)
{
    (void)state;
    struct message m;
    struct wire_binlog_dump out;
    const struct wire_binlog_dump in = {
        .position = 4, .flags = WIRE_DUMP_NON_BLOCK, .server_id = 77, .file = STR("binlog.1")};
    message_init(&m);
    wire_encode_binlog_dump(&m.w, &in);
    const struct str payload = message_end(&m);
    assert_str_equal(payload, STR("\x12\4\0\0\0\1\0\x4d\0\0\0binlog.1"));
    assert_int_equal(wire_decode_binlog_dump(payload, &out), 0);
    assert_int_equal(out.position, 4);
    assert_int_equal(out.flags, WIRE_DUMP_NON_BLOCK);
    assert_int_equal(out.server_id, 77);
    assert_str_equal(out.file, in.file);
    check_truncation(payload, 11, decode_binlog_dump, NULL);
    message_release(&m);
}

static void test_binlog_dump_gtid(void **state)
{
    (void)state;
    struct message m;
    struct wire_binlog_dump_gtid out;
    const struct wire_binlog_dump_gtid in = {.flags = WIRE_DUMP_THROUGH_GTID,
                                             .server_id = 77,
                                             .position = UINT64_C(1) << 33,
                                             .gtid_set = STR("12345678")};
    message_init(&m);
    wire_encode_binlog_dump_gtid(&m.w, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_binlog_dump_gtid(payload, &out), 0);
    assert_int_equal(out.flags, WIRE_DUMP_THROUGH_GTID);
    assert_int_equal(out.server_id, 77);
    assert_int_equal(out.file.len, 0);
    assert_int_equal(out.position, UINT64_C(1) << 33);
    assert_str_equal(out.gtid_set, in.gtid_set);
    check_truncation(payload, payload.len, decode_binlog_dump_gtid, NULL);
    message_release(&m);
}

static void test_command_name_knows_every_command(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < COM_COUNT; i++) {
        assert_non_null(wire_command_name(i));
    }
    assert_string_equal(wire_command_name(COM_QUERY), "Query");
    assert_null(wire_command_name(COM_COUNT));
    assert_null(wire_command_name(255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_round_trip),
        cmocka_unit_test(test_query_attributes_round_trip),
        cmocka_unit_test(test_query_refuses_more_attributes_than_bytes),
        cmocka_unit_test(test_execute_keeps_types_for_the_next_time),
        cmocka_unit_test(test_execute_leaves_long_data_out),
        cmocka_unit_test(test_execute_carries_query_attributes_behind_parameters),
        cmocka_unit_test(test_execute_without_parameters),
        cmocka_unit_test(test_bulk_round_trip),
        cmocka_unit_test(test_fetch_round_trip),
        cmocka_unit_test(test_long_data_round_trip),
        cmocka_unit_test(test_field_list_round_trip),
        cmocka_unit_test(test_small_commands_round_trip),
        cmocka_unit_test(test_register_replica),
        cmocka_unit_test(test_binlog_dump),
        cmocka_unit_test(test_binlog_dump_gtid),
        cmocka_unit_test(test_command_name_knows_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
