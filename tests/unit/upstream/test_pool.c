/* The pool: reuse, limits, the line, moving between loops, failures, and what is not reused. */
#include "fake_server.h"
#include "upstream/pool.h"

#include "base/bytebuf.h"

static const struct upstream_key ann = {.user = STR_INIT("ann"), .can_log_in = true};
static const struct upstream_key bob = {.user = STR_INIT("bob"), .can_log_in = true};

/* A scene of two loops: the server and the test's body run on the first. */
struct scene {
    struct fake_server s;
    struct loops *loops;
    struct upstream_pool *pool;
    struct upstream_pool_options o;
    struct diag d;
    fiber_fn *body;
};

static struct scene scene;

static void run_body(void *arg)
{
    (void)arg;
    diag_init(&scene.d);
    fake_start(&scene.s, fake_serve);
    scene.pool = upstream_pool_new(scene.s.upstream, scene.loops, &scene.o);
    scene.body(NULL);
    upstream_pool_free(scene.pool);
    fake_stop(&scene.s);
    diag_release(&scene.d);
}

static void run_scene(fiber_fn *body, const struct upstream_pool_options *o)
{
    struct diag d;
    diag_init(&d);
    scene = (struct scene){.o = *o, .body = body};
    assert_int_equal(loops_start(2, &scene.loops, &d), 0);
    struct fiber *f = fiber_spawn_ref(loops_get(scene.loops, 0), run_body, NULL);
    assert_non_null(f);
    fiber_join(f);
    assert_int_equal(loops_drain(scene.loops, in_ms(5000)), 0);
    loops_stop(scene.loops);
    diag_release(&d);
}

#define POOL_TEST(name, ...)                                                                       \
    static void name##_body(void *arg);                                                            \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        const struct upstream_pool_options o = {__VA_ARGS__};                                      \
        run_scene(name##_body, &o);                                                                \
    }                                                                                              \
    static void name##_body(void *arg)

static struct upstream_conn *open_conn(const struct upstream_key *key)
{
    const struct upstream_login l = {.user = key->user, .password = STR("secret")};
    struct upstream_conn *c =
        upstream_connect(scene.s.upstream, loop_self(), NULL, key->flags, CONN_FOREVER, &scene.d);
    CHECK(c != NULL && upstream_login(c, &l, CONN_FOREVER, &scene.d) == 0);
    upstream_pool_opened(scene.pool, key, c);
    return c;
}

/* Takes, opening one if that is what the pool wants. NULL with d set when it fails. */
static struct upstream_conn *take_until(const struct upstream_key *key, uint64_t deadline_us,
                                        struct diag *d)
{
    struct upstream_conn *c;
    switch (upstream_pool_take(scene.pool, key, deadline_us, d, &c)) {
    case UPSTREAM_POOL_CONN:
    case UPSTREAM_POOL_WARM:
        return c;
    case UPSTREAM_POOL_PERMIT:
        return open_conn(key);
    case UPSTREAM_POOL_FAIL:
        break;
    }
    return NULL;
}

static struct upstream_conn *take(const struct upstream_key *key)
{
    struct upstream_conn *c = take_until(key, CONN_FOREVER, &scene.d);
    CHECK(c != NULL);
    return c;
}

static void put(struct upstream_conn *c)
{
    upstream_pool_put(scene.pool, c);
}

static struct upstream_pool_stats stats(void)
{
    struct upstream_pool_stats now;
    upstream_pool_stats(scene.pool, &now);
    return now;
}

/* Waits until the number of idle connections is this. */
static void expect_idle(uint64_t idle)
{
    for (unsigned i = 0; stats().idle != idle; i++) {
        CHECK(i < 5000);
        (void)fiber_sleep(1000);
    }
}

POOL_TEST(test_a_connection_is_reused, .max_open = 10, .max_idle = 10)
{
    (void)arg;
    struct upstream_conn *first = take(&ann);
    put(first);
    CHECK(stats().idle == 1 && stats().open == 1);
    CHECK(take(&ann) == first);
    CHECK(upstream_ping(first));
    put(first);
    CHECK(stats().reused == 1 && stats().opened == 1);
}

POOL_TEST(test_accounts_and_flags_are_kept_apart, .max_open = 10, .max_idle = 10)
{
    const struct upstream_key keys[] = {
        ann,
        bob,
        {.user = STR("ann"), .can_log_in = true, .flags = CLIENT_FOUND_ROWS},
        {.user = STR(""), .can_log_in = true, .flags = CLIENT_FOUND_ROWS},
    };
    struct upstream_conn *conns[ARRAY_SIZE(keys)];
    (void)arg;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        conns[i] = take(&keys[i]);
        put(conns[i]);
        CHECK(stats().opened == i + 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CHECK(take(&keys[i]) == conns[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        put(conns[i]);
    }
    /* A flag that does not stay with a connection makes no difference. */
    const struct upstream_key same = {
        .user = STR("ann"), .can_log_in = true, .flags = CLIENT_CONNECT_WITH_DB};
    CHECK(take(&same) == conns[0]);
    put(conns[0]);
}

static void script_behind_proxy_header(struct fake_server *s, struct conn *c)
{
    char header[28];
    for (size_t len = 0; len < sizeof(header);) {
        const struct net_io io =
            net_filter_read(c->top, header + len, sizeof(header) - len, in_ms(5000), &s->d);
        CHECK(io.result == NET_OK);
        len += io.len;
    }
    fake_serve(s, c);
}

static struct upstream_conn *take_from(const char *host)
{
    struct upstream_key key = ann;
    struct upstream_conn *c;
    struct sock_peer peer = {.port = 1};
    (void)snprintf(peer.host, sizeof(peer.host), "%s", host);
    key.host = str_from_cstr(host);
    if (upstream_pool_take(scene.pool, &key, CONN_FOREVER, &scene.d, &c) == UPSTREAM_POOL_PERMIT) {
        const struct upstream_login l = {.user = key.user};
        c = upstream_connect(scene.s.upstream, loop_self(), &peer, 0, CONN_FOREVER, &scene.d);
        CHECK(c != NULL && upstream_login(c, &l, CONN_FOREVER, &scene.d) == 0);
        upstream_pool_opened(scene.pool, &key, c);
    }
    put(c);
    return c;
}

POOL_TEST(test_hosts_are_kept_apart_where_the_server_sees_them, .max_open = 10, .max_idle = 10)
{
    (void)arg;
    struct upstream_conn *c = take_from("192.0.2.1");
    CHECK(take_from("192.0.2.2") == c);
    upstream_pool_free(scene.pool);
    struct upstream_options o = fake_options(&scene.s);
    o.send_proxy_header = true;
    upstream_free(scene.s.upstream);
    scene.s.upstream = upstream_new(&o, &scene.d);
    scene.s.script = script_behind_proxy_header;
    scene.pool = upstream_pool_new(scene.s.upstream, scene.loops, &scene.o);
    c = take_from("192.0.2.1");
    CHECK(take_from("192.0.2.2") != c);
    CHECK(take_from("192.0.2.1") == c);
}

POOL_TEST(test_idle_ones_make_room_for_other_accounts, .max_open = 2, .max_idle = 2)
{
    (void)arg;
    struct upstream_conn *a = take(&ann);
    struct upstream_conn *b = take(&ann);
    put(a);
    (void)fiber_sleep(2000);
    put(b);
    struct upstream_conn *c = take(&bob);
    CHECK(stats().open == 2 && stats().idle == 1 && stats().closed == 1);
    CHECK(take(&ann) == b);
    put(b);
    put(c);
}

struct taker {
    const struct upstream_key *key;
    struct fiber *fiber;
    struct upstream_conn *conn;
    unsigned turn; /* When it got it. */
    struct diag d;
};

static unsigned turns;

static void take_and_put(void *arg)
{
    struct taker *t = arg;
    diag_init(&t->d);
    t->conn = take_until(t->key, CONN_FOREVER, &t->d);
    t->turn = ++turns;
    if (t->conn != NULL) {
        CHECK(upstream_ping(t->conn));
        put(t->conn);
    }
    diag_release(&t->d);
}

static void start_taker(struct taker *t, const struct upstream_key *key, unsigned loop)
{
    *t = (struct taker){.key = key};
    t->fiber = fiber_spawn_ref(loops_get(scene.loops, loop), take_and_put, t);
    CHECK(t->fiber != NULL);
    const uint64_t before = stats().waiting;
    for (unsigned i = 0; i < 20 && stats().waiting == before; i++) {
        (void)fiber_sleep(1000);
    }
}

POOL_TEST(test_waiters_are_served_in_order, .max_open = 1, .max_idle = 1)
{
    struct taker takers[4];
    static const struct upstream_key *const keys[] = {&ann, &bob, &ann, &bob};
    (void)arg;
    turns = 0;
    struct upstream_conn *c = take(&ann);
    for (unsigned i = 0; i < ARRAY_SIZE(takers); i++) {
        start_taker(&takers[i], keys[i], 0);
    }
    CHECK(stats().waiting == ARRAY_SIZE(takers));
    put(c);
    for (unsigned i = 0; i < ARRAY_SIZE(takers); i++) {
        fiber_join(takers[i].fiber);
        CHECK(takers[i].conn != NULL);
    }
    /* The same account first, as its connection needs no login. */
    CHECK(takers[0].turn == 1 && takers[1].turn < takers[3].turn);
    CHECK(stats().waiting == 0 && stats().open == 1);
}

POOL_TEST(test_connections_move_between_loops, .max_open = 1, .max_idle = 1)
{
    struct taker t;
    (void)arg;
    struct upstream_conn *c = take(&ann);
    /* To a waiter of the other loop, and back to one that takes it from there. */
    start_taker(&t, &ann, 1);
    put(c);
    fiber_join(t.fiber);
    CHECK(t.conn == c && stats().moved == 1);
    CHECK(take(&ann) == c && stats().moved == 2 && c->loop == loop_self());
    CHECK(upstream_ping(c));
    put(c);
}

POOL_TEST(test_the_line_has_an_end, .max_open = 1, .max_idle = 1, .max_waiters = 1,
          .wait_timeout_us = 50000)
{
    struct taker t;
    (void)arg;
    struct upstream_conn *c = take(&ann);
    start_taker(&t, &ann, 0);
    CHECK(take_until(&bob, CONN_FOREVER, &scene.d) == NULL);
    CHECK(scene.d.error->code == ER_CON_COUNT_ERROR && stats().refused == 1);
    fiber_join(t.fiber);
    CHECK(t.conn == NULL && stats().wait_timeouts == 1);
    CHECK(stats().wait_us >= 50000);
    put(c);
}

static void interrupt_it(void *arg)
{
    (void)fiber_sleep(5000);
    fiber_interrupt(arg, 4);
}

POOL_TEST(test_waiting_can_be_interrupted, .max_open = 1, .max_idle = 1)
{
    (void)arg;
    struct upstream_conn *c = take(&ann);
    struct fiber *other = start(interrupt_it, fiber_self());
    CHECK(take_until(&ann, CONN_FOREVER, &scene.d) == NULL);
    CHECK(scene.d.error->code == ER_QUERY_INTERRUPTED);
    fiber_clear_interrupt(4);
    fiber_join(other);
    CHECK(stats().waiting == 0);
    put(c);
}

POOL_TEST(test_who_cannot_log_in_gets_what_there_is, .max_open = 10, .max_idle = 10)
{
    struct upstream_key key = ann;
    (void)arg;
    key.can_log_in = false;
    CHECK(take_until(&key, CONN_FOREVER, &scene.d) == NULL);
    CHECK(scene.d.error->code == CR_SERVER_GONE_ERROR);
    struct upstream_conn *c = take(&ann);
    struct taker t;
    start_taker(&t, &key, 0);
    CHECK(stats().waiting == 1);
    put(c);
    fiber_join(t.fiber);
    CHECK(t.conn == c);
    /* Nobody can give one any more when the last is closed. */
    c = take(&key);
    start_taker(&t, &key, 0);
    upstream_pool_drop(scene.pool, c);
    fiber_join(t.fiber);
    CHECK(t.conn == NULL && stats().open == 0);
}

POOL_TEST(test_an_upstream_that_is_down_is_left_alone, .max_open = 10, .max_idle = 10)
{
    struct upstream_conn *c;
    (void)arg;
    CHECK(upstream_pool_take(scene.pool, &ann, CONN_FOREVER, &scene.d, &c) == UPSTREAM_POOL_PERMIT);
    struct diag why;
    diag_init(&why);
    (void)upstream_error(&why, CR_CONN_HOST_ERROR, "nobody there");
    upstream_pool_cancel(scene.pool, true, &why);
    CHECK(take_until(&ann, CONN_FOREVER, &scene.d) == NULL);
    CHECK(scene.d.error->code == CR_CONN_HOST_ERROR);
    CHECK(str_eq(scene.d.error->message, STR("nobody there")));
    (void)fiber_sleep(120 * 1000);
    c = take(&ann);
    put(c);
    CHECK(stats().connect_failures == 1 && stats().open == 1);
    /* A server that answers is not down. */
    const struct upstream_key *key = &bob;
    CHECK(upstream_pool_take(scene.pool, key, CONN_FOREVER, &scene.d, &c) == UPSTREAM_POOL_PERMIT);
    (void)diag_set(&why, ER_CON_COUNT_ERROR);
    upstream_pool_cancel(scene.pool, true, &why);
    diag_release(&why);
    CHECK(stats().connect_failures == 1);
    put(take(key));
}

static void hang_up(struct fake_server *s, struct conn *c)
{
    struct str payload;
    (void)(fake_accept(s, c) && fake_command(s, c, &payload));
}

POOL_TEST(test_a_hang_up_takes_idle_ones_out, .max_open = 10, .max_idle = 10)
{
    (void)arg;
    scene.s.script = hang_up;
    struct upstream_conn *a = take(&ann);
    struct upstream_conn *b = take(&ann);
    put(a);
    put(b);
    CHECK(stats().idle == 2);
    /* One command ends the server's side of a: it is broken. */
    CHECK(take(&ann) == b);
    CHECK(!upstream_ping(b));
    put(b);
    CHECK(stats().idle == 1 && stats().open == 1);
    b = take(&ann);
    CHECK(b == a);
    /* The server ends it while it is idle. */
    struct diag ignored;
    diag_init(&ignored);
    conn_begin_command(&a->conn);
    write_packet(&a->conn, STR("\16"));
    put(a);
    CHECK(conn_flush(&a->conn, in_ms(1000), &ignored) == NET_OK);
    diag_release(&ignored);
    expect_idle(0);
    CHECK(stats().open == 0);
}

POOL_TEST(test_age_and_idle_time_are_limited, .max_open = 10, .max_idle = 10, .min_idle = 1,
          .idle_timeout_us = 1500 * 1000, .health_interval_us = 100 * 1000)
{
    (void)arg;
    struct upstream_conn *a = take(&ann);
    struct upstream_conn *b = take(&ann);
    put(a);
    (void)fiber_sleep(1000);
    put(b);
    (void)fiber_sleep(1400 * 1000);
    /* Pings do not count as use. */
    b = take(&ann);
    put(b);
    expect_idle(1);
    (void)fiber_sleep(1000 * 1000);
    CHECK(stats().open == 1); /* min_idle; it may be away for a ping */
    struct upstream_pool_options o = scene.o;
    o.max_lifetime_us = 1000;
    upstream_pool_set_options(scene.pool, &o);
    expect_idle(0);
    /* Too old when given back. */
    a = take(&ann);
    (void)fiber_sleep(2000);
    put(a);
    CHECK(stats().open == 0);
}

POOL_TEST(test_forgotten_accounts_are_logged_in_again, .max_open = 10, .max_idle = 10)
{
    (void)arg;
    struct upstream_conn *a = take(&ann);
    struct upstream_conn *b = take(&ann);
    struct upstream_conn *other = take(&bob);
    put(a);
    put(other);
    upstream_pool_forget(scene.pool, STR("ann"));
    CHECK(stats().idle == 1 && stats().open == 2);
    put(b);
    CHECK(stats().idle == 1 && stats().open == 1);
    upstream_pool_forget(scene.pool, STR(""));
    CHECK(stats().open == 0);
}

POOL_TEST(test_surplus_is_closed, .max_open = 10, .max_idle = 1)
{
    (void)arg;
    struct upstream_conn *a = take(&ann);
    struct upstream_conn *b = take(&ann);
    put(a);
    put(b);
    CHECK(stats().idle == 1 && stats().open == 1);
}

/* Says OK to everything, and to queries a row with a 1. */
static void serve_ones(struct fake_server *s, struct conn *c)
{
    static const struct str row[] = {
        STR_INIT("\1"),
        STR_INIT("\3def\0\0\0\1a\0\x0c\x3f\0\1\0\0\0\x08\0\0\0\0\0"),
        STR_INIT("\1"
                 "1"),
        STR_INIT("\xfe\0\0\2\0\0\0"),
    };
    struct str payload;
    if (!fake_accept(s, c)) {
        return;
    }
    while (fake_command(s, c, &payload) && payload.len > 0 && payload.p[0] != COM_QUIT) {
        if (payload.p[0] != COM_QUERY) {
            fake_ok(s, c);
            continue;
        }
        for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
            write_packet(c, row[i]);
        }
        fake_flush(s, c);
    }
}

static void expect_warm(uint64_t warm)
{
    for (unsigned i = 0; stats().warm != warm; i++) {
        CHECK(i < 20000);
        (void)fiber_sleep(1000);
    }
}

static enum upstream_pool_result log_in(const struct upstream_key *key, struct upstream_conn **out)
{
    struct upstream_key k = *key;
    k.takes_warm = true;
    const enum upstream_pool_result r =
        upstream_pool_take(scene.pool, &k, CONN_FOREVER, &scene.d, out);
    if (r == UPSTREAM_POOL_PERMIT) {
        *out = open_conn(&k);
    }
    return r;
}

static const struct upstream_login own_login = {.user = STR_INIT("own"),
                                                .password = STR_INIT("secret")};

POOL_TEST(test_some_are_opened_ahead, .max_open = 6, .max_idle = 1, .warm = 3,
          .idle_timeout_us = 1000)
{
    struct upstream_conn *c[6];
    (void)arg;
    scene.s.script = serve_ones;
    upstream_pool_set_login(scene.pool, &own_login);
    CHECK(log_in(&ann, &c[0]) == UPSTREAM_POOL_PERMIT);
    expect_warm(3);
    CHECK(log_in(&bob, &c[1]) == UPSTREAM_POOL_WARM);
    CHECK(upstream_ping(c[1]) && stats().warm_taken == 1);
    expect_warm(3);
    /* They are nobody's else. */
    const struct upstream_key own = {.user = STR("own"), .can_log_in = true};
    c[2] = take(&own);
    CHECK(stats().warm == 3 && stats().open == 6);
    /* They make room. */
    c[3] = take(&ann);
    c[4] = take(&bob);
    c[5] = take(&ann);
    CHECK(stats().warm == 0 && stats().open == 6);
    for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
        upstream_pool_drop(scene.pool, c[i]);
    }
    expect_warm(3);
}

POOL_TEST(test_those_opened_ahead_suit_most_logins, .max_open = 10, .max_idle = 10, .warm = 2)
{
    const struct upstream_key rows = {
        .user = STR("ann"), .can_log_in = true, .flags = CLIENT_FOUND_ROWS};
    struct upstream_conn *c;
    (void)arg;
    scene.s.script = serve_ones;
    upstream_pool_set_login(scene.pool, &own_login);
    CHECK(log_in(&ann, &c) == UPSTREAM_POOL_PERMIT);
    put(c);
    expect_warm(2);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(log_in(&rows, &c) != UPSTREAM_POOL_WARM);
        put(c);
    }
    /* One for each kind of login, and two ahead for each. */
    for (unsigned i = 0; stats().opened < 6; i++) {
        CHECK(i < 20000);
        (void)fiber_sleep(1000);
    }
    expect_warm(2);
    const struct upstream_key other = {
        .user = STR("bob"), .can_log_in = true, .flags = CLIENT_FOUND_ROWS};
    CHECK(log_in(&other, &c) == UPSTREAM_POOL_WARM);
    put(c);
    /* Another account: what was opened for the old one is closed. */
    const struct upstream_login none = {.user = STR("")};
    upstream_pool_set_login(scene.pool, &none);
    expect_warm(0);
}

POOL_TEST(test_sessions_keep_what_they_rely_on, .max_open = 10, .max_idle = 3,
          .idle_timeout_us = 1000, .max_lifetime_us = 1000)
{
    struct upstream_key key = ann;
    struct upstream_conn *c[4];
    (void)arg;
    key.spreads = true;
    /* New ones are preferred while there are few. */
    for (unsigned i = 0; i < 3; i++) {
        c[i] = take(&key);
        upstream_pool_join(scene.pool, &ann);
        put(c[i]);
    }
    CHECK(stats().opened == 3 && stats().idle == 3);
    c[3] = take(&key);
    put(c[3]);
    CHECK(stats().opened == 3);
    (void)fiber_sleep(1200 * 1000);
    CHECK(stats().idle == 3);
    for (unsigned i = 0; i < 3; i++) {
        upstream_pool_leave(scene.pool, &ann);
    }
    expect_idle(0);
}

static void use_often(void *arg)
{
    struct taker *t = arg;
    diag_init(&t->d);
    for (int i = 0; i < 200; i++) {
        struct upstream_conn *c = take_until(t->key, CONN_FOREVER, &t->d);
        CHECK(c != NULL);
        if (i % 3 == 0) {
            CHECK(upstream_ping(c));
        }
        if (i % 50 == 49) {
            upstream_pool_drop(scene.pool, c);
        } else {
            put(c);
        }
    }
    diag_release(&t->d);
}

POOL_TEST(test_many_fibers_share_few_connections, .max_open = 3, .max_idle = 2)
{
    struct taker takers[12];
    (void)arg;
    for (unsigned i = 0; i < ARRAY_SIZE(takers); i++) {
        takers[i] = (struct taker){.key = i % 3 == 0 ? &bob : &ann};
        takers[i].fiber = fiber_spawn_ref(loops_get(scene.loops, i % 2), use_often, &takers[i]);
        CHECK(takers[i].fiber != NULL);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(takers); i++) {
        fiber_join(takers[i].fiber);
    }
    CHECK(stats().waiting == 0 && stats().open <= 3 && stats().open == stats().idle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_is_reused),
        cmocka_unit_test(test_accounts_and_flags_are_kept_apart),
        cmocka_unit_test(test_hosts_are_kept_apart_where_the_server_sees_them),
        cmocka_unit_test(test_idle_ones_make_room_for_other_accounts),
        cmocka_unit_test(test_waiters_are_served_in_order),
        cmocka_unit_test(test_connections_move_between_loops),
        cmocka_unit_test(test_the_line_has_an_end),
        cmocka_unit_test(test_waiting_can_be_interrupted),
        cmocka_unit_test(test_who_cannot_log_in_gets_what_there_is),
        cmocka_unit_test(test_an_upstream_that_is_down_is_left_alone),
        cmocka_unit_test(test_a_hang_up_takes_idle_ones_out),
        cmocka_unit_test(test_age_and_idle_time_are_limited),
        cmocka_unit_test(test_forgotten_accounts_are_logged_in_again),
        cmocka_unit_test(test_surplus_is_closed),
        cmocka_unit_test(test_some_are_opened_ahead),
        cmocka_unit_test(test_those_opened_ahead_suit_most_logins),
        cmocka_unit_test(test_sessions_keep_what_they_rely_on),
        cmocka_unit_test(test_many_fibers_share_few_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
