/* Configuration: file, flags and environment, their order, and what is said of mistakes. */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static struct arena arena;
static char path[] = "/tmp/pintail-config-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6); /* mkstemp() wants its template back */
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    arena_release(&arena);
    return 0;
}

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Loads with the file, up to three flags, and one environment variable. */
static struct config_set load(const char *flag, const char *value, char *environment)
{
    char *argv[] = {"pintail", "--config", path, (char *)(uintptr_t)flag, (char *)(uintptr_t)value,
                    NULL};
    char *env[] = {environment, NULL};
    struct config_set c;
    config_load(&c, &arena, flag == NULL ? 3 : value == NULL ? 4 : 5, argv, env);
    return c;
}

static void assert_mistake(const struct config_set *c, const char *part)
{
    assert_int_equal(c->mistake_count, 1);
    if (memmem(c->mistakes[0].p, c->mistakes[0].len, part, strlen(part)) == NULL) {
        fail_msg("\"%.*s\" does not say \"%s\"", STR_FMT(c->mistakes[0]), part);
    }
}

static void test_values_of_the_file_are_taken(void **state)
{
    (void)state;
    write_file(
        "server:\n  port: 4000\n  drain_timeout: 1500ms\nstorage:\n  duckdb:\n    path: /data\n"
        "    checkpoint_threshold: 2GiB\nlog:\n  level: debug\n");
    const struct config_set c = load(NULL, NULL, NULL);
    assert_int_equal(c.mistake_count, 0);
    assert_int_equal(c.values.server_port, 4000);
    assert_int_equal(c.values.server_drain_timeout, 1500000);
    assert_true(str_eq(c.values.storage_duckdb_path, STR("/data")));
    assert_true(c.values.storage_duckdb_checkpoint_threshold == UINT64_C(2) << 30);
    assert_int_equal(c.values.log_level, 3);
    assert_true(str_eq(c.values.server_bind, STR("127.0.0.1")));
}

static void test_flags_override_the_file_and_the_environment_overrides_flags(void **state)
{
    (void)state;
    write_file("server:\n  port: 4000\n");
    const struct config_set by_flag = load("--port", "4001", NULL);
    assert_int_equal(by_flag.values.server_port, 4001);
    const struct config_set by_env = load("--port=4001", NULL, "PINTAIL_SERVER_PORT=4002");
    assert_int_equal(by_env.values.server_port, 4002);
    const struct str text = config_print(&by_env, &arena);
    assert_non_null(memmem(text.p, text.len, "port: 4002  # PINTAIL_SERVER_PORT", 33));
}

static void test_short_forms_of_flags_set_the_same_keys(void **state)
{
    (void)state;
    write_file("");
    struct config_set c = load("--storage", "mysql", NULL);
    assert_int_equal(c.mistake_count, 0);
    assert_int_equal(c.values.storage_backend, 2);
    c = load("--mysql-host=db1", NULL, NULL);
    assert_true(str_eq(c.values.storage_mysql_host, STR("db1")));
    c = load("--storage-mysql-port", "4000", NULL);
    assert_int_equal(c.values.storage_mysql_port, 4000);
    c = load("--mysql-password=hush", NULL, NULL);
    const struct str text = config_print(&c, &arena);
    assert_null(memmem(text.p, text.len, "hush", 4));
    assert_non_null(memmem(text.p, text.len, "password: \"***\"", 15));
    const struct str help = config_help(&arena);
    assert_non_null(memmem(help.p, help.len, "--storage-mysql-user, --mysql-user", 34));
}

static void check_list(struct str list)
{
    struct str *members;
    assert_int_equal(config_list(list, &arena, &members), 2);
    assert_true(str_eq(members[0], STR("shop.*")));
    assert_true(str_eq(members[1], STR("crm.t?")));
}

static void test_lists_are_written_in_yaml_or_with_commas(void **state)
{
    (void)state;
    struct str *members;
    write_file("replica:\n  include:\n    - shop.*\n    - crm.t?\n  server_id: 7\n");
    struct config_set c = load(NULL, NULL, NULL);
    assert_int_equal(c.mistake_count, 0);
    assert_int_equal(c.values.replica_server_id, 7);
    check_list(c.values.replica_include);
    write_file("replica: {exclude: [shop.*, crm.t?]}\n");
    c = load(NULL, NULL, NULL);
    assert_int_equal(c.mistake_count, 0);
    check_list(c.values.replica_exclude);
    write_file("");
    c = load("--replica-include=shop.* , crm.t?,", NULL, NULL);
    check_list(c.values.replica_include);
    assert_int_equal(config_list(STR(""), &arena, &members), 0);
    write_file("replica:\n  include: [[a]]\n");
    c = load(NULL, NULL, NULL);
    assert_mistake(&c, "a list or alias cannot stand here");
    write_file("replica:\n  include: [{a: b}]\n");
    c = load(NULL, NULL, NULL);
    assert_true(c.mistake_count >= 1);
}

static void test_a_misspelt_key_is_an_error_with_line_and_suggestion(void **state)
{
    (void)state;
    write_file("server:\n  bind: \"*\"\n  prot: 4000\n");
    const struct config_set c = load(NULL, NULL, NULL);
    assert_mistake(&c, ":3: unknown key \"server.prot\"; did you mean \"server.port\"?");
}

static void test_a_value_of_the_wrong_kind_says_what_is_wanted(void **state)
{
    (void)state;
    write_file("server:\n  port: many\n");
    struct config_set c = load(NULL, NULL, NULL);
    assert_mistake(&c, "a whole number");
    write_file("server:\n  port: 70000\n");
    c = load(NULL, NULL, NULL);
    assert_mistake(&c, "a number from 0 to 65535");
    write_file("server:\n  dialect: postgres\n");
    c = load(NULL, NULL, NULL);
    assert_mistake(&c, "one of: mysql,mariadb");
    write_file("server:\n  drain_timeout: 30\n");
    c = load(NULL, NULL, NULL);
    assert_mistake(&c, "a time with its unit");
}

static void test_an_unknown_flag_and_a_broken_file_are_mistakes(void **state)
{
    (void)state;
    write_file("");
    struct config_set c = load("--prot", "1", NULL);
    assert_true(c.mistake_count >= 1);
    write_file("server: [1, 2\n");
    c = load(NULL, NULL, NULL);
    assert_true(c.mistake_count >= 1);
    write_file("server:\n  - port\n");
    c = load(NULL, NULL, NULL);
    assert_mistake(&c, "a list or alias cannot stand here");
}

static void test_the_sample_file_is_read_back_as_the_defaults(void **state)
{
    (void)state;
    const struct str sample = config_sample(&arena);
    write_file(arena_dup_cstr(&arena, sample));
    const struct config_set commented = load(NULL, NULL, NULL);
    assert_int_equal(commented.mistake_count, 0);
    /* Without the marks in front of the keys every default is written out. */
    char *text = arena_dup_cstr(&arena, sample);
    for (char *p = text; (p = strchr(p, '#')) != NULL; p++) {
        if (p[1] != ' ') {
            *p = ' ';
            memmove(p, p + 1, strlen(p));
        }
    }
    write_file(text);
    const struct config_set written = load(NULL, NULL, NULL);
    if (written.mistake_count > 0) {
        fail_msg("%.*s", STR_FMT(written.mistakes[0]));
    }
    struct str *changed;
    assert_int_equal(config_changed(&commented, &written, &arena, &changed), 0);
}

static void test_actions_are_recognised(void **state)
{
    (void)state;
    write_file("");
    assert_int_equal(load("--print-config", NULL, NULL).action, CONFIG_PRINT);
    assert_int_equal(load("--help", NULL, NULL).action, CONFIG_HELP);
    assert_int_equal(load("--version", NULL, NULL).action, CONFIG_VERSION);
    assert_int_equal(load(NULL, NULL, NULL).action, CONFIG_RUN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_of_the_file_are_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_flags_override_the_file_and_the_environment_overrides_flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_forms_of_flags_set_the_same_keys, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_lists_are_written_in_yaml_or_with_commas, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_misspelt_key_is_an_error_with_line_and_suggestion,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_value_of_the_wrong_kind_says_what_is_wanted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_an_unknown_flag_and_a_broken_file_are_mistakes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_sample_file_is_read_back_as_the_defaults, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_actions_are_recognised, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
