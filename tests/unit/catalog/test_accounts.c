/* Accounts: which one a client gets, what it may do, and its forms as text. */
#include "catalog/accounts.h"
#include "catalog/login_blocks.h"

#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static struct arena arena;
static struct diag diag;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    diag_init(&diag);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    diag_release(&diag);
    return 0;
}

static struct account *make_account(uint64_t id, const char *user, const char *host)
{
    struct account *a = account_new();
    a->id = id;
    a->user = arena_dup(a->arena, str_from_cstr(user));
    a->host = arena_dup(a->arena, str_from_cstr(host));
    a->plugin = STR("caching_sha2_password");
    a->auth_string = STR("");
    return a;
}

static void assert_str(struct str got, const char *wanted)
{
    char buf[4096];
    assert_true(got.len < sizeof buf);
    memcpy(buf, got.p == NULL ? "" : got.p, got.len);
    buf[got.len] = '\0';
    assert_string_equal(buf, wanted);
}

/* ---- Hosts ---- */

static void test_host_patterns(void **state)
{
    static const struct {
        const char *pattern;
        const char *host;
        bool is_local;
        bool matches;
    } cases[] = {
        {"%", "192.0.2.7", false, true},
        {"", "192.0.2.7", false, true},
        {"192.0.2.%", "192.0.2.7", false, true},
        {"192.0.2.%", "192.0.3.7", false, false},
        {"192.0.2._", "192.0.2.7", false, true},
        {"192.0.2._", "192.0.2.77", false, false},
        {"%.example.org", "db.EXAMPLE.org", false, true},
        {"192.0.2.0/255.255.255.0", "192.0.2.200", false, true},
        {"192.0.2.0/255.255.255.0", "192.0.4.200", false, false},
        {"192.0.2.0/24", "192.0.2.1", false, true},
        {"192.0.2.0/31", "192.0.2.2", false, false},
        {"0.0.0.0/0", "203.0.113.9", false, true},
        {"192.0.2.0/24", "::1", false, false},
        {"localhost", "127.0.0.1", true, true},
        {"localhost", "192.0.2.1", false, false},
        {"192.0.2.1", "192.0.2.1", false, true},
        {"192.0.2.1", "192.0.2.10", false, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(account_host_matches(str_from_cstr(cases[i].pattern),
                                              str_from_cstr(cases[i].host), cases[i].is_local),
                         cases[i].matches);
    }
}

static void assert_match(struct accounts *all, const char *user, const char *host, uint64_t id)
{
    struct account *a = accounts_match(all, str_from_cstr(user), str_from_cstr(host), false);
    assert_int_equal(a == NULL ? 0 : a->id, id);
    account_unref(a);
}

static void test_the_most_exact_host_wins(void **state)
{
    struct accounts *all = accounts_new();
    (void)state;
    accounts_publish(all, make_account(1, "app", "%"));
    accounts_publish(all, make_account(2, "app", "192.0.2.%"));
    accounts_publish(all, make_account(3, "app", "192.0.2.7"));
    accounts_publish(all, make_account(4, "", "203.0.113.%"));
    assert_match(all, "app", "192.0.2.7", 3);
    assert_match(all, "app", "192.0.2.8", 2);
    assert_match(all, "app", "198.51.100.1", 1);
    assert_match(all, "other", "203.0.113.1", 4); /* the anonymous account */
    assert_match(all, "other", "192.0.2.7", 0);
    assert_match(all, "APP", "192.0.2.7", 0); /* user names have case */
    accounts_free(all);
}

static void test_publish_replaces_and_counts_versions(void **state)
{
    struct accounts *all = accounts_new();
    (void)state;
    const uint64_t before = accounts_version(all);
    struct account *first = make_account(1, "app", "%");
    account_ref(first);
    accounts_publish(all, first);
    struct account *changed = account_clone(first);
    changed->global_privs = PRIV_SELECT;
    accounts_publish(all, changed);
    assert_true(accounts_version(all) >= before + 2);
    struct account *now = accounts_current(all, first);
    assert_ptr_equal(now, changed);
    account_unref(now);
    struct account **list;
    assert_int_equal(accounts_list(all, &arena, &list), 1);
    account_unref(list[0]);
    accounts_remove(all, 1);
    assert_null(accounts_current(all, first));
    account_unref(first);
    accounts_free(all);
}

/* ---- Privileges ---- */

static void test_levels_add_up(void **state)
{
    struct account *a = make_account(1, "app", "%");
    (void)state;
    account_grant(a, STR_NULL, STR_NULL, STR_NULL, PRIV_PROCESS);
    account_grant(a, STR("shop"), STR_NULL, STR_NULL, PRIV_SELECT);
    account_grant(a, STR("shop"), STR("items"), STR_NULL, PRIV_INSERT);
    account_grant(a, STR("shop"), STR("items"), STR("price"), PRIV_UPDATE);
    assert_int_equal(account_db_privs(a, STR("shop")), PRIV_PROCESS | PRIV_SELECT);
    assert_int_equal(account_table_privs(a, STR("shop"), STR("items")),
                     PRIV_PROCESS | PRIV_SELECT | PRIV_INSERT);
    assert_int_equal(account_column_privs(a, STR("shop"), STR("items"), STR("PRICE")),
                     PRIV_PROCESS | PRIV_SELECT | PRIV_INSERT | PRIV_UPDATE);
    assert_int_equal(account_table_privs(a, STR("other"), STR("items")), PRIV_PROCESS);
    assert_true(account_sees_db(a, STR("shop")));
    assert_false(account_sees_db(a, STR("other")));
    account_unref(a);
}

static void test_database_names_are_patterns(void **state)
{
    struct account *a = make_account(1, "app", "%");
    (void)state;
    account_grant(a, STR("shop\\_%"), STR_NULL, STR_NULL, PRIV_SELECT);
    account_grant(a, STR("x_y"), STR_NULL, STR_NULL, PRIV_INSERT);
    assert_int_equal(account_db_privs(a, STR("shop_1")), PRIV_SELECT);
    assert_int_equal(account_db_privs(a, STR("shops1")), 0);
    assert_int_equal(account_db_privs(a, STR("xzy")), PRIV_INSERT);
    assert_int_equal(account_db_privs(a, STR("XZY")), 0);
    account_unref(a);
}

static void test_revoke(void **state)
{
    struct account *a = make_account(1, "app", "%");
    (void)state;
    account_grant(a, STR("d"), STR_NULL, STR_NULL, PRIV_SELECT | PRIV_INSERT);
    account_grant(a, STR("d"), STR("t"), STR("c"), PRIV_SELECT);
    assert_int_equal(account_revoke(a, STR("d"), STR_NULL, STR_NULL, PRIV_INSERT), 0);
    assert_int_equal(account_db_privs(a, STR("d")), PRIV_SELECT);
    assert_int_equal(account_revoke(a, STR("d"), STR("other"), STR_NULL, PRIV_SELECT), -1);
    assert_int_equal(account_revoke(a, STR("d"), STR("t"), STR("other"), PRIV_SELECT), -1);
    assert_int_equal(account_revoke(a, STR("d"), STR("t"), STR("c"), PRIV_SELECT), 0);
    assert_int_equal(a->grant_count, 1); /* what is empty is gone */
    account_unref(a);
}

/* ---- Text ---- */

static void test_show_grants(void **state)
{
    struct account *a = make_account(1, "o`k", "%");
    struct str *lines;
    (void)state;
    account_grant(a, STR("shop"), STR("items"), STR_NULL, PRIV_SELECT);
    account_grant(a, STR("shop"), STR("items"), STR("b"), PRIV_UPDATE);
    account_grant(a, STR("shop"), STR("items"), STR("a"), PRIV_UPDATE);
    account_grant(a, STR("zoo"), STR_NULL, STR_NULL, PRIV_ALL_DB | PRIV_GRANT);
    account_grant(a, STR("den"), STR_NULL, STR_NULL, PRIV_GRANT);
    assert_int_equal(account_show_grants(a, false, &arena, &lines), 4);
    assert_str(lines[0], "GRANT USAGE ON *.* TO `o``k`@`%`");
    assert_str(lines[1], "GRANT USAGE ON `den`.* TO `o``k`@`%` WITH GRANT OPTION");
    assert_str(lines[2], "GRANT ALL PRIVILEGES ON `zoo`.* TO `o``k`@`%` WITH GRANT OPTION");
    assert_str(lines[3], "GRANT SELECT, UPDATE (`a`, `b`) ON `shop`.`items` TO `o``k`@`%`");
    assert_str(a->grants[0].columns[0].column, "b"); /* the account itself stays as it is */
    account_unref(a);
}

static void test_show_grants_of_mariadb(void **state)
{
    struct account *a = make_account(1, "app", "localhost");
    struct str *lines;
    (void)state;
    a->plugin = STR("mysql_native_password");
    a->auth_string = STR("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
    a->global_privs = PRIV_ALL_GLOBAL | PRIV_GRANT;
    assert_int_equal(account_show_grants(a, true, &arena, &lines), 1);
    assert_str(lines[0], "GRANT ALL PRIVILEGES ON *.* TO `app`@`localhost` IDENTIFIED BY PASSWORD "
                         "'*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19' WITH GRANT OPTION");
    assert_str(account_show_create(a, true, &arena),
               "CREATE USER `app`@`localhost` IDENTIFIED BY PASSWORD "
               "'*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'");
    account_unref(a);
}

static void test_show_create_user(void **state)
{
    struct account *a = make_account(1, "app", "%");
    (void)state;
    a->require_ssl = true;
    a->locked = true;
    assert_str(account_show_create(a, false, &arena),
               "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' REQUIRE SSL PASSWORD "
               "EXPIRE DEFAULT ACCOUNT LOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL "
               "DEFAULT PASSWORD REQUIRE CURRENT DEFAULT");
    account_unref(a);
}

static void test_json_keeps_everything(void **state)
{
    struct account *a = make_account(1, "\xc3\xbc\"ser", "192.0.2.%");
    (void)state;
    a->auth_string = STR("$A$005$\x01\x7f'\\\"salt");
    a->global_privs = PRIV_ALL_GLOBAL | PRIV_GRANT;
    a->locked = true;
    a->password_expired = true;
    a->require_ssl = true;
    a->loopback_only = true;
    account_grant(a, STR("d\\_%"), STR_NULL, STR_NULL, PRIV_SELECT);
    account_grant(a, STR("d"), STR("t"), STR_NULL, PRIV_DROP);
    account_grant(a, STR("d"), STR("t"), STR("c"), PRIV_UPDATE | PRIV_REFERENCES);
    const struct str json = account_to_json(a, &arena);
    struct account *b;
    assert_int_equal(account_from_json(json, &diag, &b), 0);
    assert_str(b->user, "\xc3\xbc\"ser");
    assert_str(b->host, "192.0.2.%");
    assert_str(b->auth_string, "$A$005$\x01\x7f'\\\"salt");
    assert_int_equal(b->global_privs, a->global_privs);
    assert_true(b->locked && b->password_expired && b->require_ssl && b->loopback_only);
    assert_int_equal(b->grant_count, 2);
    assert_null(b->grants[0].table.p);
    assert_int_equal(account_column_privs(b, STR("d"), STR("t"), STR("c")),
                     a->global_privs | PRIV_UPDATE | PRIV_REFERENCES | PRIV_DROP);
    assert_str(account_to_json(b, &arena), json.p);
    account_unref(a);
    account_unref(b);
}

static void test_json_that_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"v\":3,\"user\":\"a\",\"host\":\"b\",\"plugin\":\"\",\"auth\":\"\",\"privs\":[],"
        "\"grants\":[]}",
        "{\"v\":1,\"user\":\"a\",\"host\":\"b\",\"plugin\":\"\",\"auth\":\"\",\"privs\":[\"FLY\"],"
        "\"grants\":[]}",
        "{\"v\":1,\"user\":\"a\",\"host\":\"b\",\"plugin\":\"\",\"auth\":\"\",\"privs\":[7],"
        "\"grants\":[]}",
        "{\"v\":1,\"user\":\"a\",\"host\":\"b\",\"plugin\":\"\",\"auth\":\"\",\"privs\":[],"
        "\"grants\":[{}]}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct account *a;
        assert_int_equal(account_from_json(str_from_cstr(texts[i]), &diag, &a), -1);
        assert_null(a);
        diag_reset(&diag);
    }
}

static void grant_role(struct account *to, const char *role, bool is_default)
{
    const struct role_grant grant = {
        .user = str_from_cstr(role), .host = STR("%"), .is_default = is_default};
    account_add_role(to, &grant);
}

static void test_active_roles_add_their_privileges_and_those_of_their_roles(void **state)
{
    struct accounts *all = accounts_new();
    struct account *user = make_account(1, "user", "%");
    struct account *outer = make_account(2, "outer", "%");
    struct account *inner = make_account(3, "inner", "%");
    const struct role_name active[] = {{.user = STR("outer"), .host = STR("%")},
                                       {.user = STR("gone"), .host = STR("%")}};
    const struct role_name name = {.user = STR("user"), .host = STR("%")};
    (void)state;
    account_grant(inner, STR("d"), STR("t"), STR("c"), PRIV_UPDATE);
    outer->global_privs = PRIV_PROCESS;
    grant_role(user, "outer", true);
    grant_role(user, "gone", false);
    grant_role(outer, "inner", false);
    accounts_publish(all, outer);
    accounts_publish(all, inner);
    accounts_publish(all, user);

    struct account *with = account_with_roles(all, user, active, 2);
    assert_int_equal(with->global_privs, PRIV_PROCESS);
    assert_int_equal(account_column_privs(with, STR("d"), STR("t"), STR("c")),
                     PRIV_PROCESS | PRIV_UPDATE);
    assert_int_equal(user->global_privs, 0);
    assert_int_equal(with->active_count, 2);
    assert_true(
        accounts_has_role(all, STR("user"), STR("%"), &(struct role_name){STR("inner"), STR("%")}));
    assert_false(accounts_has_role(all, STR("outer"), STR("%"), &name));
    account_unref(with);
    accounts_free(all);
}

static void test_json_keeps_roles_and_limits(void **state)
{
    struct account *a = make_account(1, "user", "%");
    struct account *b;
    (void)state;
    a->failed_logins = 3;
    a->lock_days = -1;
    a->max_connections = 7;
    grant_role(a, "first", true);
    grant_role(a, "second", false);
    account_remove_role(a, STR("second"), STR("%"));
    const struct str json = account_to_json(a, &arena);
    assert_int_equal(account_from_json(json, &diag, &b), 0);
    assert_int_equal(b->role_count, 1);
    assert_int_equal(b->failed_logins, 3);
    assert_int_equal(b->lock_days, -1);
    assert_int_equal(b->max_connections, 7);
    assert_true(account_find_role(b, STR("first"), STR("%"))->is_default);
    assert_null(account_find_role(b, STR("second"), STR("%")));
    assert_str(account_to_json(b, &arena), json.p);
    account_unref(a);
    account_unref(b);
}

static void test_a_block_ends_after_its_days(void **state)
{
    const int64_t day = INT64_C(86400) * 1000000;
    struct login_blocks *b = login_blocks_new();
    struct account *a = make_account(5, "user", "%");
    int32_t left;
    (void)state;
    a->failed_logins = 2;
    assert_false(login_blocks_count(b, a, day)); /* no days: nothing to block for */
    assert_false(login_blocks_count(b, a, day));
    a->lock_days = 3;
    assert_false(login_blocks_count(b, a, day));
    assert_true(login_blocks_count(b, a, day + 1));
    assert_true(login_blocks_check(b, a, 2 * day + 2, &left));
    assert_int_equal(left, 2);
    assert_true(login_blocks_check(b, a, 4 * day, &left));
    assert_int_equal(left, 1);
    assert_false(login_blocks_check(b, a, 4 * day + 1, &left));
    assert_false(login_blocks_count(b, a, 5 * day));
    assert_true(login_blocks_count(b, a, 5 * day));
    login_blocks_forget(b, 4);
    assert_true(login_blocks_check(b, a, 5 * day, &left));
    login_blocks_forget(b, 0);
    assert_false(login_blocks_check(b, a, 5 * day, &left));
    a->lock_days = -1;
    a->failed_logins = 1;
    assert_true(login_blocks_count(b, a, day));
    assert_true(login_blocks_check(b, a, 10000 * day, &left));
    assert_int_equal(left, -1);
    account_unref(a);
    login_blocks_free(b);
}

static void test_privilege_names(void **state)
{
    (void)state;
    for (uint64_t bit = 1; bit <= PRIV_GRANT; bit <<= 1) {
        assert_int_equal(privilege_find(str_from_cstr(privilege_name(bit))), bit);
    }
    assert_int_equal(privilege_find(STR("create user")), PRIV_CREATE_USER);
    assert_int_equal(privilege_find(STR("FLY")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_host_patterns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_most_exact_host_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_publish_replaces_and_counts_versions, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_levels_add_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_database_names_are_patterns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_revoke, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_show_grants, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_show_grants_of_mariadb, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_show_create_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_keeps_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_that_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_active_roles_add_their_privileges_and_those_of_their_roles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_keeps_roles_and_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_block_ends_after_its_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_privilege_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
