/* PROXY protocol headers: both versions, truncated at every byte, and networks. */
#include "net_test.h"

#include "net/proxy.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static void check(struct str bytes, enum proxy_result result, const char *host, unsigned port)
{
    struct sock_peer peer = {.host = "10.1.1.1", .port = 1};
    size_t used = 0;
    for (size_t n = 0; n < bytes.len && result == PROXY_HEADER; n++) {
        struct sock_peer ignored = peer;
        assert_int_equal(proxy_decode(str_from(bytes.p, n), &ignored, &used), PROXY_MORE);
    }
    assert_int_equal(proxy_decode(bytes, &peer, &used), result);
    if (result == PROXY_HEADER) {
        assert_true(used == bytes.len);
        assert_string_equal(peer.host, host);
        assert_int_equal(peer.port, port);
    }
}

static void test_version_1(void **state)
{
    (void)state;
    check(STR("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), PROXY_HEADER, "192.168.0.1",
          56324);
    check(STR("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n"), PROXY_HEADER, "2001:db8::1", 56324);
    check(STR("PROXY UNKNOWN\r\n"), PROXY_HEADER, "10.1.1.1", 1);
    check(STR("PROXY TCP4 nonsense 1.1.1.1 1 2\r\n"), PROXY_NONE, NULL, 0);
    check(STR("PROXY TCP4 1.1.1.1 1.1.1.1 70000 2\r\n"), PROXY_NONE, NULL, 0);
    check(STR("PROXY UDP4 1.1.1.1 1.1.1.1 1 2\r\n"), PROXY_NONE, NULL, 0);
    char endless[200];
    memset(endless, 'x', sizeof(endless));
    memcpy(endless, "PROXY ", 6);
    check(str_from(endless, sizeof(endless)), PROXY_NONE, NULL, 0);
}

static void test_version_2(void **state)
{
    (void)state;
    check(STR(V2 "\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x10\x00\x20\x00"), PROXY_HEADER,
          "1.2.3.4", 4096);
    check(STR(V2 "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x10\x00\x20\x00"),
          PROXY_HEADER, "2001:db8::1", 4096);
    check(STR(V2 "\x20\x00\0\0"), PROXY_HEADER, "10.1.1.1", 1);
    check(STR(V2 "\x21\x31\0\x02zz"), PROXY_HEADER, "10.1.1.1", 1);
    check(STR(V2 "\x31\x11\0\0"), PROXY_NONE, NULL, 0);
    check(STR(V2 "\x21\x11\xff\xff"), PROXY_NONE, NULL, 0);
    check(STR("\x48\0\0\1"), PROXY_NONE, NULL, 0);
}

static bool matches(struct str networks, const char *host)
{
    struct arena arena;
    struct diag d;
    struct proxy_networks n;
    struct sock_peer peer = {.port = 1};
    arena_init(&arena, 0);
    diag_init(&d);
    strcpy(peer.host, host);
    assert_int_equal(proxy_networks_parse(networks, &arena, &d, &n), 0);
    const bool yes = proxy_networks_match(&n, &peer);
    diag_release(&d);
    arena_release(&arena);
    return yes;
}

static void test_networks(void **state)
{
    (void)state;
    assert_true(matches(STR("10.0.0.0/8, 192.168.1.7"), "10.200.1.1"));
    assert_true(matches(STR("10.0.0.0/8, 192.168.1.7"), "192.168.1.7"));
    assert_false(matches(STR("10.0.0.0/8, 192.168.1.7"), "192.168.1.6"));
    assert_true(matches(STR("172.16.0.0/12"), "172.31.255.255"));
    assert_false(matches(STR("172.16.0.0/12"), "172.32.0.0"));
    assert_true(matches(STR("::1,fd00::/8"), "fd12::1"));
    assert_false(matches(STR("::1,fd00::/8"), "fe12::1"));
    assert_true(matches(STR("0.0.0.0/0"), "8.8.8.8"));
    assert_false(matches(STR("0.0.0.0/0"), "::1"));
    assert_false(matches(STR(""), "10.0.0.1"));
}

static void test_wrong_networks(void **state)
{
    (void)state;
    static const struct str wrong[] = {STR_INIT("10.0.0.0/33"), STR_INIT("x"),
                                       STR_INIT("10.0.0.0/"), STR_INIT("::/129")};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct diag d;
        struct proxy_networks n;
        diag_init(&d);
        assert_int_equal(proxy_networks_parse(wrong[i], &arena, &d, &n), -1);
        diag_release(&d);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_wrong_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
