/* Connecting and logging in: greetings, plugins, and servers that do not behave. */
#include "fake_server.h"

/* Connects and logs in; returns NULL with d set. */
static struct upstream_conn *log_in(struct fake_server *s, struct diag *d)
{
    const struct upstream_login l = {.user = STR("ann"), .password = STR("secret")};
    struct upstream_conn *c =
        upstream_connect(s->upstream, loop_self(), NULL, CLIENT_FOUND_ROWS, CONN_FOREVER, d);
    if (c != NULL && upstream_login(c, &l, CONN_FOREVER, d) != 0) {
        upstream_close(c);
        return NULL;
    }
    return c;
}

static void expect_error(fake_script_fn *script, int code, const char *text)
{
    struct fake_server s;
    struct diag d;
    diag_init(&d);
    fake_start(&s, script);
    CHECK(log_in(&s, &d) == NULL);
    CHECK(d.error != NULL && d.error->code == code);
    char message[600];
    (void)snprintf(message, sizeof(message), "%.*s", STR_FMT(d.error->message));
    if (strstr(message, text) == NULL) {
        (void)fprintf(stderr, "%s\n", message);
    }
    CHECK(strstr(message, text) != NULL);
    fake_stop(&s);
    diag_release(&d);
}

static void script_check_login(struct fake_server *s, struct conn *c)
{
    struct str payload;
    struct wire_login login;
    fake_greet(s, c);
    CHECK(fake_read(s, c, &payload));
    CHECK(wire_decode_login(payload, s->offered, &login) == WIRE_LOGIN_OK);
    CHECK(str_eq(login.user, STR("ann")));
    CHECK(str_eq(login.auth_plugin, STR(AUTH_SHA2_PLUGIN)));
    CHECK(login.capabilities & CLIENT_FOUND_ROWS);
    CHECK(login.capabilities & CLIENT_SESSION_TRACK);
    CHECK(login.capabilities & CLIENT_DEPRECATE_EOF);
    CHECK((login.capabilities & CLIENT_MULTI_STATEMENTS) == 0);
    uint8_t digest[AUTH_SHA2_LEN];
    CHECK(auth_sha2_digest(str_from_cstr(s->password), digest) == 0);
    CHECK(auth_sha2_check_fast(digest, fake_nonce, login.auth_data));
    fake_send(s, c, STR("\1\3"));
    fake_ok(s, c);
    CHECK(fake_command(s, c, &payload));
    CHECK(payload.p[0] == COM_PING);
    fake_ok(s, c);
    CHECK(fake_command(s, c, &payload));
    CHECK(payload.p[0] == COM_QUIT);
}

FIBER_TEST(test_fast_login)
{
    struct fake_server s;
    struct upstream_greeting g;
    struct diag d;
    (void)arg;
    diag_init(&d);
    fake_start(&s, script_check_login);
    CHECK(!upstream_last_greeting(s.upstream, &g));
    struct upstream_conn *c = log_in(&s, &d);
    CHECK(c != NULL && c->logged_in && !c->secure);
    CHECK(c->kind == UPSTREAM_MYSQL && c->version_id == 80400 && c->id == 1);
    CHECK(upstream_last_greeting(s.upstream, &g));
    CHECK(strcmp(g.version, "8.4.0-fake") == 0 && g.collation == 255);
    CHECK(upstream_ping(c));
    upstream_close(c);
    fake_stop(&s);
    diag_release(&d);
}

static void script_full_login_with_rsa(struct fake_server *s, struct conn *c)
{
    struct str payload;
    struct auth_rsa *rsa = auth_rsa_new();
    struct bytebuf password;
    bytebuf_init(&password, 1000);
    CHECK(rsa != NULL);
    fake_greet(s, c);
    CHECK(fake_read(s, c, &payload));
    fake_send(s, c, STR("\1\4"));
    CHECK(fake_read(s, c, &payload));
    CHECK(str_eq(payload, STR("\2")));
    pkt_begin(&c->w);
    wire_encode_auth_more(&c->w, auth_rsa_public_pem(rsa));
    CHECK(pkt_end(&c->w) == 0);
    fake_flush(s, c);
    CHECK(fake_read(s, c, &payload));
    CHECK(auth_rsa_decrypt(rsa, fake_nonce, payload, &password) == 0);
    CHECK(str_eq(bytebuf_str(&password), STR("secret")));
    fake_ok(s, c);
    bytebuf_release(&password);
    auth_rsa_free(rsa);
}

static void script_switch_to_native(struct fake_server *s, struct conn *c)
{
    struct str payload;
    uint8_t stored[AUTH_NATIVE_LEN];
    static const uint8_t nonce[WIRE_NONCE_LEN] = "ABCDEFGHIJKLMNOPQRST";
    fake_greet(s, c);
    CHECK(fake_read(s, c, &payload));
    pkt_begin(&c->w);
    wire_encode_auth_switch(
        &c->w, &(struct wire_auth_switch){.plugin = STR(AUTH_NATIVE_PLUGIN),
                                          .data = str_from((const char *)nonce, sizeof(nonce))});
    CHECK(pkt_end(&c->w) == 0);
    fake_flush(s, c);
    CHECK(fake_read(s, c, &payload));
    CHECK(auth_native_hash(STR("secret"), stored) == 0);
    CHECK(auth_native_check(stored, nonce, payload));
    fake_ok(s, c);
}

FIBER_TEST(test_logins_of_other_kinds)
{
    static fake_script_fn *const scripts[] = {script_full_login_with_rsa, script_switch_to_native};
    struct diag d;
    (void)arg;
    diag_init(&d);
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        struct fake_server s;
        fake_start(&s, scripts[i]);
        struct upstream_conn *c = log_in(&s, &d);
        CHECK(c != NULL);
        upstream_close(c);
        fake_stop(&s);
    }
    diag_release(&d);
}

static void script_too_many(struct fake_server *s, struct conn *c)
{
    fake_err(s, c, ER_CON_COUNT_ERROR, "Too many connections");
}

static void script_garbage(struct fake_server *s, struct conn *c)
{
    fake_send(s, c, STR("\11what is this"));
}

static void script_cut_greeting(struct fake_server *s, struct conn *c)
{
    bytebuf_put(&c->out, "\100\0\0\0\0128.4.0", 10);
    fake_flush(s, c);
}

static void script_old(struct fake_server *s, struct conn *c)
{
    s->offered &= ~CLIENT_DEPRECATE_EOF;
    fake_greet(s, c);
}

static void script_hang_up_in_login(struct fake_server *s, struct conn *c)
{
    struct str payload;
    fake_greet(s, c);
    CHECK(fake_read(s, c, &payload));
}

static void script_denied(struct fake_server *s, struct conn *c)
{
    struct str payload;
    fake_greet(s, c);
    CHECK(fake_read(s, c, &payload));
    fake_err(s, c, ER_ACCESS_DENIED_ERROR, "Access denied for user 'ann'@'here'");
}

static void switch_to(struct fake_server *s, struct conn *c, struct str payload)
{
    struct str login;
    fake_greet(s, c);
    CHECK(fake_read(s, c, &login));
    fake_send(s, c, payload);
    (void)fake_read(s, c, &login);
}

static void script_ed25519(struct fake_server *s, struct conn *c)
{
    switch_to(s, c, STR("\376client_ed25519\0abcdefghijklmnopqrstabcdefghijkl"));
}

static void script_clear(struct fake_server *s, struct conn *c)
{
    switch_to(s, c, STR("\376mysql_clear_password\0"));
}

static void script_more_of_nothing(struct fake_server *s, struct conn *c)
{
    switch_to(s, c, STR("\1\7"));
}

static void script_empty_packet(struct fake_server *s, struct conn *c)
{
    switch_to(s, c, STR(""));
}

static void script_endless(struct fake_server *s, struct conn *c)
{
    struct str payload;
    fake_greet(s, c);
    CHECK(fake_read(s, c, &payload));
    for (int i = 0; i < 100; i++) {
        fake_send(s, c, STR("\1\3"));
    }
}

FIBER_TEST(test_servers_that_refuse_or_do_not_behave)
{
    (void)arg;
    expect_error(script_too_many, ER_CON_COUNT_ERROR, "Too many connections");
    expect_error(script_garbage, CR_MALFORMED_PACKET, "Malformed packet");
    expect_error(script_cut_greeting, CR_SERVER_LOST, "reading initial communication packet");
    expect_error(script_old, CR_CONN_HOST_ERROR, "too old");
    expect_error(script_hang_up_in_login, CR_SERVER_LOST, "connection closed");
    expect_error(script_denied, ER_ACCESS_DENIED_ERROR, "Access denied for user 'ann'@'here'");
    expect_error(script_ed25519, CR_AUTH_PLUGIN_CANNOT_LOAD, "client_ed25519");
    expect_error(script_clear, CR_AUTH_PLUGIN_ERR, "needs TLS");
    expect_error(script_more_of_nothing, CR_MALFORMED_PACKET, "Malformed");
    expect_error(script_empty_packet, CR_MALFORMED_PACKET, "Malformed");
    expect_error(script_endless, CR_MALFORMED_PACKET, "Malformed");
}

static void script_silent(struct fake_server *s, struct conn *c)
{
    struct str payload;
    (void)fake_read(s, c, &payload);
}

FIBER_TEST(test_silence_ends_at_the_deadline)
{
    struct fake_server s;
    struct diag d;
    (void)arg;
    diag_init(&d);
    fake_start(&s, script_silent);
    const uint64_t before = clock_monotonic_us();
    CHECK(upstream_connect(s.upstream, loop_self(), NULL, 0, in_ms(50), &d) == NULL);
    CHECK(clock_monotonic_us() - before < FAKE_TIMEOUT_US / 2);
    CHECK(d.error->code == CR_SERVER_LOST);
    fake_stop(&s);
    diag_release(&d);
}

FIBER_TEST(test_servers_that_are_not_there)
{
    struct fake_server s;
    struct diag d;
    (void)arg;
    diag_init(&d);
    fake_start(&s, script_silent);
    struct upstream_options o = fake_options(&s);
    fake_stop(&s);
    static const struct {
        struct str host;
        struct str socket;
        int code;
    } cases[] = {
        {STR_INIT("127.0.0.1"), STR_INIT(""), CR_CONN_HOST_ERROR},
        {STR_INIT("no-such-host.invalid"), STR_INIT(""), CR_UNKNOWN_HOST},
        {STR_INIT(""), STR_INIT("/nonexistent/mysqld.sock"), CR_CONNECTION_ERROR},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        o.host = cases[i].host;
        o.socket = cases[i].socket;
        struct upstream *u = upstream_new(&o, &d);
        CHECK(u != NULL);
        CHECK(upstream_connect(u, loop_self(), NULL, 0, CONN_FOREVER, &d) == NULL);
        CHECK(d.error->code == cases[i].code);
        CHECK(d.error->message.len > 0);
        upstream_free(u);
    }
    diag_release(&d);
}

static void script_tls_not_offered(struct fake_server *s, struct conn *c)
{
    struct str payload;
    fake_greet(s, c);
    CHECK(!fake_read(s, c, &payload));
}

FIBER_TEST(test_tls_that_is_required_but_not_offered)
{
    struct fake_server s;
    struct diag d;
    (void)arg;
    diag_init(&d);
    fake_start(&s, script_tls_not_offered);
    struct upstream_options o = fake_options(&s);
    o.tls_mode = UPSTREAM_TLS_REQUIRED;
    CHECK(upstream_reload(s.upstream, &o, &d) == 0);
    CHECK(log_in(&s, &d) == NULL);
    CHECK(d.error->code == CR_SSL_CONNECTION_ERROR);
    o.tls_mode = UPSTREAM_TLS_VERIFY_CA;
    o.tls_ca = STR("/nonexistent/ca.pem");
    CHECK(upstream_reload(s.upstream, &o, &d) == -1);
    fake_stop(&s);
    diag_release(&d);
}

static void script_proxy_header(struct fake_server *s, struct conn *c)
{
    static const char header[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\14\xc0\0\2\7\x7f\0\0\1\x30\x39";
    char got[28];
    size_t len = 0;
    while (len < sizeof(got)) {
        const struct net_io io =
            net_filter_read(c->top, got + len, sizeof(got) - len, in_ms(5000), &s->d);
        CHECK(io.result == NET_OK);
        len += io.len;
    }
    CHECK(memcmp(got, header, sizeof(header) - 1) == 0);
    CHECK((uint8_t)got[26] == s->port >> 8 && (uint8_t)got[27] == (s->port & 0xff));
    (void)fake_accept(s, c);
}

FIBER_TEST(test_proxy_header_names_the_client)
{
    struct fake_server s;
    struct diag d;
    const struct sock_peer client = {.host = "192.0.2.7", .port = 12345};
    (void)arg;
    diag_init(&d);
    fake_start(&s, script_proxy_header);
    struct upstream_options o = fake_options(&s);
    o.send_proxy_header = true;
    upstream_free(s.upstream);
    s.upstream = upstream_new(&o, &d);
    CHECK(s.upstream != NULL && upstream_tells_clients(s.upstream));
    struct upstream_conn *c =
        upstream_connect(s.upstream, loop_self(), &client, 0, CONN_FOREVER, &d);
    CHECK(c != NULL);
    CHECK(upstream_login(c, &(struct upstream_login){.user = STR("ann")}, CONN_FOREVER, &d) == 0);
    upstream_close(c);
    fake_stop(&s);
    diag_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast_login),
        cmocka_unit_test(test_logins_of_other_kinds),
        cmocka_unit_test(test_servers_that_refuse_or_do_not_behave),
        cmocka_unit_test(test_silence_ends_at_the_deadline),
        cmocka_unit_test(test_servers_that_are_not_there),
        cmocka_unit_test(test_tls_that_is_required_but_not_offered),
        cmocka_unit_test(test_proxy_header_names_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
