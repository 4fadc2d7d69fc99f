/* Round trips of the connection phase; truncation at every byte. */
#include "wire_test.h"

#include "wire/handshake.h"

#define CAPS                                                                                       \
    (CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH |   \
     CLIENT_PLUGIN_AUTH_LENENC | CLIENT_CONNECT_ATTRS | CLIENT_CONNECT_WITH_DB |                   \
     CLIENT_ZSTD_COMPRESSION)

static const uint8_t nonce[WIRE_NONCE_LEN] = "abcdefghijklmnopqrst";

static int decode_handshake(struct str payload, void *arg)
{
    struct wire_handshake h;
    (void)arg;
    return wire_decode_handshake(payload, &h);
}

static void check_handshake(uint64_t caps)
{
    struct wire_handshake in = {.server_version = STR("8.4.0-pintail"),
                                .connection_id = 0x01020304,
                                .capabilities = caps,
                                .collation = 255,
                                .status = SERVER_STATUS_AUTOCOMMIT,
                                .auth_plugin = STR("caching_sha2_password")};
    struct wire_handshake out;
    struct message m;
    memcpy(in.nonce, nonce, sizeof(nonce));
    message_init(&m);
    wire_encode_handshake(&m.w, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_handshake(payload, &out), 0);
    assert_str_equal(out.server_version, in.server_version);
    assert_int_equal(out.connection_id, in.connection_id);
    assert_memory_equal(out.nonce, nonce, sizeof(nonce));
    assert_true(out.capabilities == caps);
    assert_int_equal(out.collation, 255);
    assert_int_equal(out.status, SERVER_STATUS_AUTOCOMMIT);
    assert_str_equal(out.auth_plugin, in.auth_plugin);
    /* Some servers leave out the NUL behind the plugin's name, so its letters are not missed. */
    check_truncation(payload, payload.len - 1 - in.auth_plugin.len, decode_handshake, NULL);
    message_release(&m);
}

static void test_handshake_round_trip(void **state)
{
    (void)state;
    check_handshake(CAPS);
    check_handshake((CAPS & ~CLIENT_LONG_PASSWORD) | MARIADB_CLIENT_EXTENDED_METADATA);
}

static void test_handshake_of_other_protocol_is_refused(void **state)
{
    (void)state;
    struct wire_handshake h;
    assert_int_equal(wire_decode_handshake(STR("\x09"
                                               "3.23\0"),
                                           &h),
                     -1);
}

static int decode_login(struct str payload, void *arg)
{
    struct wire_login l;
    (void)arg;
    return wire_decode_login(payload, UINT64_MAX, &l) == WIRE_LOGIN_OK ? 0 : -1;
}

static const struct wire_login login = {.capabilities = CAPS,
                                        .max_packet = 1 << 24,
                                        .collation = 45,
                                        .user = STR_INIT("jane"),
                                        .auth_data = STR_INIT("\1\0\3reply"),
                                        .database = STR_INIT("test"),
                                        .auth_plugin = STR_INIT("mysql_native_password"),
                                        .attrs = STR_INIT("\3_os\5Linux\4_pid\0"),
                                        .zstd_level = 3};

static void check_login_equal(const struct wire_login *a, const struct wire_login *b)
{
    assert_true(a->capabilities == b->capabilities);
    assert_int_equal(a->max_packet, b->max_packet);
    assert_int_equal(a->collation, b->collation);
    assert_str_equal(a->user, b->user);
    assert_str_equal(a->auth_data, b->auth_data);
    assert_str_equal(a->database, b->database);
    assert_str_equal(a->auth_plugin, b->auth_plugin);
    assert_str_equal(a->attrs, b->attrs);
    assert_int_equal(a->zstd_level, b->zstd_level);
}

static void test_login_round_trip(void **state)
{
    (void)state;
    struct wire_login out;
    struct message m;
    message_init(&m);
    wire_encode_login(&m.w, &login);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_login(payload, UINT64_MAX, &out), WIRE_LOGIN_OK);
    check_login_equal(&login, &out);
    /* Up to the user's NUL and the auth data everything is needed; later fields may be cut by old
     * clients. */
    check_truncation(payload, 32 + 5 + 9, decode_login, NULL);
    message_release(&m);
}

static void test_login_ignores_what_was_not_offered(void **state)
{
    (void)state;
    struct wire_login in = login;
    struct wire_login out;
    struct message m;
    in.capabilities = CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION;
    message_init(&m);
    wire_encode_login(&m.w, &in);
    const struct str payload = message_end(&m);
    m.buf.p[WIRE_HEADER_LEN + 2] = (char)(CLIENT_PLUGIN_AUTH >> 16);
    assert_int_equal(wire_decode_login(payload, ~CLIENT_PLUGIN_AUTH, &out), WIRE_LOGIN_OK);
    assert_int_equal(out.auth_plugin.len, 0);
    assert_str_equal(out.auth_data, in.auth_data);
    message_release(&m);
}

static void test_login_of_mariadb_carries_extended_capabilities(void **state)
{
    (void)state;
    struct wire_login in = login;
    struct wire_login out;
    struct message m;
    in.capabilities = (CAPS & ~CLIENT_LONG_PASSWORD) | MARIADB_CLIENT_CACHE_METADATA;
    message_init(&m);
    wire_encode_login(&m.w, &in);
    assert_int_equal(wire_decode_login(message_end(&m), UINT64_MAX, &out), WIRE_LOGIN_OK);
    check_login_equal(&in, &out);
    message_release(&m);
}

static void test_ssl_request_is_told_from_login(void **state)
{
    (void)state;
    struct wire_login out;
    struct message m;
    message_init(&m);
    wire_encode_ssl_request(&m.w, &login);
    const struct str payload = message_end(&m);
    assert_int_equal(payload.len, 32);
    assert_int_equal(wire_decode_login(payload, UINT64_MAX, &out), WIRE_LOGIN_SSL);
    assert_true(out.capabilities == (CAPS | CLIENT_SSL));
    assert_int_equal(out.max_packet, 1 << 24);
    m.buf.p[WIRE_HEADER_LEN + 1] = (char)(CLIENT_PROTOCOL_41 >> 8);
    assert_int_equal(wire_decode_login(payload, UINT64_MAX, &out), WIRE_LOGIN_MALFORMED);
    message_release(&m);
}

static void test_login_before_41_is_recognised(void **state)
{
    (void)state;
    struct wire_login out;
    assert_int_equal(wire_decode_login(STR("\x05\x24\0\0\1jane\0scramble"), UINT64_MAX, &out),
                     WIRE_LOGIN_OLD);
    assert_int_equal(wire_decode_login(STR("\x05"), UINT64_MAX, &out), WIRE_LOGIN_MALFORMED);
}

static void test_login_with_broken_attributes_is_malformed(void **state)
{
    (void)state;
    struct wire_login in = login;
    struct wire_login out;
    struct message m;
    in.attrs = STR("\3_os\6Linux");
    message_init(&m);
    wire_encode_login(&m.w, &in);
    assert_int_equal(wire_decode_login(message_end(&m), UINT64_MAX, &out), WIRE_LOGIN_MALFORMED);
    message_release(&m);
}

static void test_attr_next_walks_pairs(void **state)
{
    (void)state;
    struct pkt_reader r;
    struct str key;
    struct str value;
    pkt_reader_init(&r, login.attrs);
    assert_true(wire_attr_next(&r, &key, &value));
    assert_str_equal(key, STR("_os"));
    assert_str_equal(value, STR("Linux"));
    assert_true(wire_attr_next(&r, &key, &value));
    assert_str_equal(key, STR("_pid"));
    assert_int_equal(value.len, 0);
    assert_false(wire_attr_next(&r, &key, &value));
}

static int decode_change_user(struct str payload, void *arg)
{
    struct wire_change_user c;
    (void)arg;
    return wire_decode_change_user(payload, CAPS, &c);
}

static void test_change_user_round_trip(void **state)
{
    (void)state;
    const struct wire_change_user in = {.user = STR("joe"),
                                        .auth_data = STR("12345678901234567890"),
                                        .database = STR("db"),
                                        .collation = 0x0121,
                                        .auth_plugin = STR("caching_sha2_password"),
                                        .attrs = STR("\1a\1b")};
    struct wire_change_user out;
    struct message m;
    message_init(&m);
    wire_encode_change_user(&m.w, CAPS, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_change_user(payload, CAPS, &out), 0);
    assert_str_equal(out.user, in.user);
    assert_str_equal(out.auth_data, in.auth_data);
    assert_str_equal(out.database, in.database);
    assert_int_equal(out.collation, in.collation);
    assert_str_equal(out.auth_plugin, in.auth_plugin);
    assert_str_equal(out.attrs, in.attrs);
    check_truncation(payload, 1 + 4 + 21, decode_change_user, NULL);
    message_release(&m);
}

static int decode_auth_switch(struct str payload, void *arg)
{
    struct wire_auth_switch s;
    (void)arg;
    return wire_decode_auth_switch(payload, &s);
}

static void test_auth_switch_round_trip(void **state)
{
    (void)state;
    const struct wire_auth_switch in = {.plugin = STR("mysql_native_password"),
                                        .data = str_from((const char *)nonce, sizeof(nonce))};
    struct wire_auth_switch out;
    struct message m;
    message_init(&m);
    wire_encode_auth_switch(&m.w, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_auth_switch(payload, &out), 0);
    assert_str_equal(out.plugin, in.plugin);
    assert_str_equal(out.data, in.data);
    check_truncation(payload, 1 + in.plugin.len + 1, decode_auth_switch, NULL);
    message_release(&m);
}

static void test_auth_more_round_trip(void **state)
{
    (void)state;
    struct str out;
    struct message m;
    message_init(&m);
    wire_encode_auth_more(&m.w, STR("\4"));
    const struct str payload = message_end(&m);
    assert_str_equal(payload, STR("\1\4"));
    assert_int_equal(wire_decode_auth_more(payload, &out), 0);
    assert_str_equal(out, STR("\4"));
    assert_int_equal(wire_decode_auth_more(STR(""), &out), -1);
    message_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_round_trip),
        cmocka_unit_test(test_handshake_of_other_protocol_is_refused),
        cmocka_unit_test(test_login_round_trip),
        cmocka_unit_test(test_login_ignores_what_was_not_offered),
        cmocka_unit_test(test_login_of_mariadb_carries_extended_capabilities),
        cmocka_unit_test(test_ssl_request_is_told_from_login),
        cmocka_unit_test(test_login_before_41_is_recognised),
        cmocka_unit_test(test_login_with_broken_attributes_is_malformed),
        cmocka_unit_test(test_attr_next_walks_pairs),
        cmocka_unit_test(test_change_user_round_trip),
        cmocka_unit_test(test_auth_switch_round_trip),
        cmocka_unit_test(test_auth_more_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
