/* The monitor: tells of a server that comes, goes and comes again, and works on request. */
#include "fake_server.h"
#include "upstream/monitor.h"

struct seen {
    unsigned up;
    unsigned down;
    unsigned work;
    int why;
};

static void see_up(void *arg, struct upstream_conn *c)
{
    struct seen *s = arg;
    CHECK(c->kind == UPSTREAM_MYSQL);
    s->up++;
}

static void see_down(void *arg, const struct diag *why)
{
    struct seen *s = arg;
    s->down++;
    s->why = why->error->code;
}

static void see_work(void *arg, struct upstream_conn *c)
{
    struct seen *s = arg;
    CHECK(upstream_ping(c) || fiber_interrupted() != 0); /* The test may stop the monitor. */
    s->work++;
}

static const struct upstream_monitor_ops ops = {.up = see_up, .down = see_down, .work = see_work};

static void wait_for(const unsigned *count, unsigned n)
{
    for (unsigned i = 0; *count < n; i++) {
        CHECK(i < 5000);
        (void)fiber_sleep(1000);
    }
}

static struct upstream_monitor *monitor(const struct fake_server *s, struct seen *seen,
                                        const char *user)
{
    const struct upstream_monitor_options o = {
        .upstream = s->upstream,
        .loop = loop_self(),
        .login = {.user = str_from_cstr(user), .password = STR("secret")},
        .interval_us = 50 * 1000,
        .ops = &ops,
        .arg = seen,
    };
    struct upstream_monitor *m = upstream_monitor_start(&o);
    CHECK(m != NULL);
    return m;
}

static void serve_three(struct fake_server *s, struct conn *c)
{
    struct str payload;
    if (!fake_accept(s, c)) {
        return;
    }
    for (unsigned i = 0; i < 3 && fake_command(s, c, &payload); i++) {
        fake_ok(s, c);
    }
}

FIBER_TEST(test_comings_and_goings_are_told)
{
    struct fake_server s;
    struct seen seen = {0};
    (void)arg;
    fake_start(&s, serve_three);
    struct upstream_monitor *m = monitor(&s, &seen, "ann");
    wait_for(&seen.down, 1);
    CHECK(seen.up == 1 && seen.work == 1 && seen.why == CR_SERVER_LOST);
    s.script = fake_serve;
    wait_for(&seen.up, 2);
    wait_for(&seen.work, 2);
    upstream_monitor_poke(m);
    wait_for(&seen.work, 3);
    CHECK(seen.down == 1);
    upstream_monitor_stop(m);
    fake_stop(&s);
}

static void refuse(struct fake_server *s, struct conn *c)
{
    struct str payload;
    fake_greet(s, c);
    if (fake_read(s, c, &payload)) {
        fake_err(s, c, ER_ACCESS_DENIED_ERROR, "no");
    }
}

FIBER_TEST(test_a_new_account_is_tried_at_once)
{
    struct fake_server s;
    struct seen seen = {0};
    (void)arg;
    fake_start(&s, refuse);
    struct upstream_monitor *m = monitor(&s, &seen, "ann");
    wait_for(&seen.down, 1);
    CHECK(seen.why == ER_ACCESS_DENIED_ERROR && s.connections == 1);
    s.script = fake_serve;
    upstream_monitor_set_login(m, &(struct upstream_login){.user = STR("bob")});
    const uint64_t before = clock_monotonic_us();
    wait_for(&seen.up, 1);
    CHECK(clock_monotonic_us() - before < 1900 * 1000);
    upstream_monitor_stop(m);
    fake_stop(&s);
}

FIBER_TEST(test_without_an_account_the_greeting_is_enough)
{
    struct fake_server s;
    struct seen seen = {0};
    (void)arg;
    fake_start(&s, refuse);
    struct upstream_monitor *m = monitor(&s, &seen, "");
    wait_for(&seen.up, 1);
    (void)fiber_sleep(100 * 1000);
    CHECK(s.connections == 1 && seen.work == 0 && seen.down == 0);
    upstream_monitor_stop(m);
    fake_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comings_and_goings_are_told),
        cmocka_unit_test(test_a_new_account_is_tried_at_once),
        cmocka_unit_test(test_without_an_account_the_greeting_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
