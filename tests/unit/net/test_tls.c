/* TLS over a pipe, both sides in this process. */
#include "net_test.h"

#include <sys/stat.h>
#include <unistd.h>

/* A directory with a self-signed certificate, made once. */
static char dir[] = "/tmp/pintail-tls-XXXXXX";
static char cert_file[64];
static char key_file[64];

static int make_certificate(void **state)
{
    struct diag d;
    (void)state;
    if (mkdtemp(dir) == NULL) {
        return -1;
    }
    (void)snprintf(cert_file, sizeof(cert_file), "%s/server-cert.pem", dir);
    (void)snprintf(key_file, sizeof(key_file), "%s/server-key.pem", dir);
    diag_init(&d);
    const int rc = tls_generate_self_signed(cert_file, key_file, &d);
    diag_release(&d);
    return rc;
}

static int remove_certificate(void **state)
{
    (void)state;
    (void)unlink(cert_file);
    (void)unlink(key_file);
    return rmdir(dir);
}

/* A pair, its two contexts, and what the client asks for. */
struct tls_pair {
    struct pair p;
    struct tls_context *server_ctx;
    struct tls_context *client_ctx;
    const char *server_name;
    enum net_result client_result;
};

static void tls_pair_init(struct tls_pair *t, unsigned client_flags, const char *server_name)
{
    const struct tls_options server = {.cert_file = cert_file, .key_file = key_file};
    const struct tls_options client = {.ca_file = cert_file, .flags = client_flags};
    *t = (struct tls_pair){.server_name = server_name};
    pair_init(&t->p, PIPE_LEN);
    t->server_ctx = tls_context_new_server(&server, &t->p.d);
    t->client_ctx = tls_context_new_client(&client, &t->p.d);
    CHECK(t->server_ctx != NULL && t->client_ctx != NULL);
}

static void tls_pair_release(struct tls_pair *t)
{
    tls_context_unref(t->server_ctx);
    tls_context_unref(t->client_ctx);
    pair_release(&t->p);
}

static void connect_client(void *arg)
{
    struct tls_pair *t = arg;
    t->client_result = conn_start_tls_client(&t->p.client, t->client_ctx, t->server_name,
                                             in_ms(5000), &t->p.client_d);
}

/* Shakes hands; returns the server's result, the client's is in t. */
static enum net_result shake_hands(struct tls_pair *t)
{
    struct fiber *client = start(connect_client, t);
    const enum net_result r =
        conn_start_tls_server(&t->p.server, t->server_ctx, in_ms(5000), &t->p.d);
    fiber_join(client);
    return r;
}

static const size_t lengths[] = {0, 1, 16384, 100000, WIRE_MAX_PACKET + 1};

static void send_lengths(void *arg)
{
    struct pair *p = arg;
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        conn_begin_command(&p->client);
        write_pattern(&p->client, lengths[i], i);
        CHECK(conn_flush(&p->client, CONN_FOREVER, &p->client_d) == NET_OK);
    }
}

static void check_lengths(struct pair *p)
{
    struct str payload;
    struct fiber *sender = start(send_lengths, p);
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        conn_begin_command(&p->server);
        CHECK(conn_read_packet(&p->server, CONN_FOREVER, &payload, &p->d) == NET_OK);
        CHECK(is_pattern(payload, lengths[i], i));
    }
    fiber_join(sender);
}

FIBER_TEST(test_packets_travel_encrypted)
{
    struct tls_pair t;
    struct net_info info;
    struct str payload;
    (void)arg;
    tls_pair_init(&t, TLS_VERIFY_PEER | TLS_VERIFY_NAME, "localhost");
    CHECK(shake_hands(&t) == NET_OK && t.client_result == NET_OK);
    conn_describe(&t.p.server, &info);
    CHECK(strcmp(info.tls_version, "TLSv1.3") == 0 && info.tls_cipher != NULL);
    check_lengths(&t.p);
    /* A good-bye is an end, not an error. */
    net_filter_shutdown(t.p.client.top, in_ms(100));
    CHECK(conn_read_packet(&t.p.server, in_ms(100), &payload, &t.p.d) == NET_EOF);
    CHECK(t.p.d.error == NULL);
    tls_pair_release(&t);
}

FIBER_TEST(test_compression_goes_over_tls)
{
    struct tls_pair t;
    (void)arg;
    tls_pair_init(&t, 0, NULL);
    CHECK(shake_hands(&t) == NET_OK && t.client_result == NET_OK);
    CHECK(conn_start_compression(&t.p.client, COMPRESSION_ZLIB, 0, &t.p.d) == 0);
    CHECK(conn_start_compression(&t.p.server, COMPRESSION_ZLIB, 0, &t.p.d) == 0);
    check_lengths(&t.p);
    tls_pair_release(&t);
}

FIBER_TEST(test_certificate_for_an_address_is_accepted)
{
    struct tls_pair t;
    (void)arg;
    tls_pair_init(&t, TLS_VERIFY_PEER | TLS_VERIFY_NAME, "127.0.0.1");
    CHECK(shake_hands(&t) == NET_OK && t.client_result == NET_OK);
    tls_pair_release(&t);
}

FIBER_TEST(test_certificate_for_another_name_is_refused)
{
    struct tls_pair t;
    struct str payload;
    (void)arg;
    tls_pair_init(&t, TLS_VERIFY_PEER | TLS_VERIFY_NAME, "db.example");
    (void)shake_hands(&t);
    CHECK(t.client_result == NET_ERROR);
    CHECK(t.p.client_d.error->code == ER_HANDSHAKE_ERROR);
    /* The client's alert has arrived, or still arrives. */
    CHECK(t.p.d.error != NULL ||
          conn_read_packet(&t.p.server, in_ms(100), &payload, &t.p.d) == NET_ERROR);
    tls_pair_release(&t);
}

FIBER_TEST(test_bytes_behind_the_ssl_request_go_to_tls)
{
    struct tls_pair t;
    struct str payload;
    (void)arg;
    tls_pair_init(&t, 0, NULL);
    /* The client sends its request and, without waiting, the first bytes of TLS. */
    write_packet(&t.p.client, STR("ssl request"));
    CHECK(conn_flush(&t.p.client, CONN_FOREVER, &t.p.d) == NET_OK);
    struct fiber *client = start(connect_client, &t);
    (void)fiber_sleep(5000);
    CHECK(conn_read_packet(&t.p.server, CONN_FOREVER, &payload, &t.p.d) == NET_OK);
    CHECK(str_eq(payload, STR("ssl request")));
    CHECK(conn_has_input(&t.p.server));
    CHECK(conn_start_tls_server(&t.p.server, t.server_ctx, in_ms(1000), &t.p.d) == NET_OK);
    fiber_join(client);
    CHECK(t.client_result == NET_OK);
    CHECK(!conn_has_input(&t.p.server));
    tls_pair_release(&t);
}

FIBER_TEST(test_plain_bytes_in_place_of_tls_are_refused)
{
    struct tls_pair t;
    (void)arg;
    tls_pair_init(&t, 0, NULL);
    write_packet(&t.p.client, STR("SELECT 1 in plain text"));
    CHECK(conn_flush(&t.p.client, CONN_FOREVER, &t.p.d) == NET_OK);
    CHECK(conn_start_tls_server(&t.p.server, t.server_ctx, in_ms(1000), &t.p.d) == NET_ERROR);
    CHECK(t.p.d.error->code == ER_HANDSHAKE_ERROR);
    tls_pair_release(&t);
}

FIBER_TEST(test_handshake_times_out_and_ends_with_the_peer)
{
    struct tls_pair t;
    (void)arg;
    tls_pair_init(&t, 0, NULL);
    CHECK(conn_start_tls_server(&t.p.server, t.server_ctx, in_ms(5), &t.p.d) == NET_TIMEOUT);
    conn_release(&t.p.client);
    CHECK(tls_filter_handshake(t.p.server.top, in_ms(1000), &t.p.d) == NET_ERROR);
    tls_pair_release(&t);
}

FIBER_TEST(test_stalled_write_goes_on)
{
    struct tls_pair t;
    struct str payload;
    enum net_result r = NET_TIMEOUT;
    (void)arg;
    tls_pair_init(&t, 0, NULL);
    CHECK(shake_hands(&t) == NET_OK);
    conn_begin_command(&t.p.client);
    write_pattern(&t.p.client, 500000, 5);
    int turns = 0;
    while (r == NET_TIMEOUT) {
        const enum net_result w = conn_flush(&t.p.client, in_ms(1), &t.p.client_d);
        CHECK(w == NET_TIMEOUT || w == NET_OK);
        r = conn_read_packet(&t.p.server, in_ms(0), &payload, &t.p.d);
        turns++;
    }
    CHECK(r == NET_OK && turns > 2);
    CHECK(is_pattern(payload, 500000, 5));
    tls_pair_release(&t);
}

FIBER_TEST(test_idle_layers_give_back_memory_and_go_on)
{
    struct tls_pair t;
    struct str payload;
    (void)arg;
    tls_pair_init(&t, 0, NULL);
    CHECK(shake_hands(&t) == NET_OK);
    CHECK(conn_start_compression(&t.p.client, COMPRESSION_ZSTD, 0, &t.p.d) == 0);
    CHECK(conn_start_compression(&t.p.server, COMPRESSION_ZSTD, 0, &t.p.d) == 0);
    check_lengths(&t.p);
    conn_begin_command(&t.p.server);
    CHECK(conn_read_packet(&t.p.server, in_ms(1100), &payload, &t.p.d) == NET_TIMEOUT);
    CHECK(t.p.server.in.bytes.cap == 0);
    check_lengths(&t.p);
    tls_pair_release(&t);
}

static void test_context_errors_name_the_file(void **state)
{
    const struct tls_options missing = {.cert_file = "/nowhere/cert.pem", .key_file = key_file};
    const struct tls_options no_key = {.cert_file = cert_file, .key_file = cert_file};
    struct diag d;
    (void)state;
    diag_init(&d);
    assert_null(tls_context_new_server(&missing, &d));
    assert_non_null(memmem(d.error->message.p, d.error->message.len, "/nowhere/cert.pem", 17));
    assert_non_null(memmem(d.error->message.p, d.error->message.len, "No such file", 12));
    assert_null(tls_context_new_server(&no_key, &d));
    diag_release(&d);
}

static void test_generated_files_are_kept_and_private(void **state)
{
    struct diag d;
    struct stat before;
    struct stat after;
    (void)state;
    diag_init(&d);
    assert_int_equal(stat(key_file, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    assert_int_equal(tls_generate_self_signed(cert_file, key_file, &d), 0);
    assert_int_equal(stat(key_file, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_int_equal(tls_generate_self_signed("/nowhere/c", "/nowhere/k", &d), -1);
    diag_release(&d);
}

static void test_failed_reload_keeps_the_context(void **state)
{
    const struct tls_options good = {.cert_file = cert_file, .key_file = key_file};
    const struct tls_options bad = {.cert_file = "/nowhere/cert.pem"};
    struct tls_slot *slot = tls_slot_new();
    struct diag d;
    (void)state;
    diag_init(&d);
    assert_null(tls_slot_find(slot));
    assert_int_equal(tls_slot_reload(slot, &good, &d), 0);
    struct tls_context *first = tls_slot_find(slot);
    assert_non_null(first);
    assert_int_equal(tls_slot_reload(slot, &bad, &d), -1);
    struct tls_context *second = tls_slot_find(slot);
    assert_ptr_equal(first, second);
    assert_int_equal(tls_slot_reload(slot, &good, &d), 0);
    struct tls_context *third = tls_slot_find(slot);
    assert_ptr_not_equal(first, third);
    tls_context_unref(first);
    tls_context_unref(second);
    tls_context_unref(third);
    tls_slot_free(slot);
    diag_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_travel_encrypted),
        cmocka_unit_test(test_compression_goes_over_tls),
        cmocka_unit_test(test_certificate_for_an_address_is_accepted),
        cmocka_unit_test(test_certificate_for_another_name_is_refused),
        cmocka_unit_test(test_bytes_behind_the_ssl_request_go_to_tls),
        cmocka_unit_test(test_plain_bytes_in_place_of_tls_are_refused),
        cmocka_unit_test(test_handshake_times_out_and_ends_with_the_peer),
        cmocka_unit_test(test_stalled_write_goes_on),
        cmocka_unit_test(test_idle_layers_give_back_memory_and_go_on),
        cmocka_unit_test(test_context_errors_name_the_file),
        cmocka_unit_test(test_generated_files_are_kept_and_private),
        cmocka_unit_test(test_failed_reload_keeps_the_context),
    };
    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
