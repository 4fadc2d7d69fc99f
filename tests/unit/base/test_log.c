#include "base_test.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The log goes into a pipe. */
static int pipe_fd[2];
static char line[8192];

static int set_up(void **state)
{
    (void)state;
    return pipe(pipe_fd);
}

static int tear_down(void **state)
{
    (void)state;
    log_configure(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    return 0;
}

/* What has been logged; "" if nothing. */
static const char *logged(void)
{
    assert_int_equal(write(pipe_fd[1], "#", 1), 1);
    const ssize_t n = read(pipe_fd[0], line, sizeof(line) - 1);
    assert_true(n >= 1);
    line[n - 1] = '\0';
    return line;
}

/* Behind "2026-01-01T00:00:00.000000Z " */
static const char *behind_time(const char *s)
{
    assert_true(strlen(s) > 28);
    assert_int_equal(s[26], 'Z');
    return s + 28;
}

static void test_text_line_names_who_speaks(void **state)
{
    (void)state;
    const struct log l = {
        .module = "session", .connection_id = 7, .user = "ann", .peer = "1.2.3.4:5"};
    log_configure(pipe_fd[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_warn(&l, "login failed: %s", "wrong password");
    assert_string_equal(
        behind_time(logged()),
        "warn session: login failed: wrong password conn=7 user=\"ann\" peer=\"1.2.3.4:5\"\n");
}

static void test_text_line_of_a_module(void **state)
{
    (void)state;
    const struct log l = {.module = "net"};
    log_configure(pipe_fd[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_info(&l, "listening");
    assert_string_equal(behind_time(logged()), "info net: listening\n");
    log_error(NULL, "x");
    assert_string_equal(behind_time(logged()), "error pintail: x\n");
}

static void test_level_decides(void **state)
{
    (void)state;
    const struct log l = {.module = "net"};
    log_configure(pipe_fd[1], LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    assert_true(log_enabled(LOG_LEVEL_ERROR));
    assert_false(log_enabled(LOG_LEVEL_INFO));
    log_info(&l, "x");
    log_debug(&l, "x");
    assert_string_equal(logged(), "");
    log_configure(pipe_fd[1], LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    log_debug(&l, "y");
    assert_string_equal(behind_time(logged()), "debug net: y\n");
}

static void test_client_text_cannot_forge_lines(void **state)
{
    (void)state;
    const struct log l = {.module = "net", .user = "a\"b\nc"};
    log_configure(pipe_fd[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_info(&l, "%s", "one\ntwo\x1b[31m");
    assert_string_equal(behind_time(logged()),
                        "info net: one\\ntwo\\u001b[31m user=\"a\\\"b\\nc\"\n");
}

static void test_json_line(void **state)
{
    (void)state;
    const struct log l = {.module = "net", .connection_id = 3, .user = "\"", .peer = "p"};
    log_configure(pipe_fd[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info(&l, "%s", "a\\\"\n\xFF");
    const char *text = logged();
    const char *rest = strchr(text, ',');
    assert_memory_equal(text, "{\"time\":\"20", 11);
    assert_non_null(rest);
    assert_string_equal(
        rest, ",\"level\":\"info\",\"module\":\"net\",\"conn\":3,\"user\":\"\\\"\",\"peer\":\"p\","
              "\"message\":\"a\\\\\\\"\\n\\u00ff\"}\n");
}

static void test_long_message_is_cut_and_line_ends(void **state)
{
    (void)state;
    const struct log l = {.module = "net"};
    log_configure(pipe_fd[1], LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_info(&l, "%6000d", 1);
    const char *text = logged();
    const size_t len = strlen(text);
    assert_true(len < 4096);
    assert_string_equal(text + len - 3, "\"}\n");
}

static void test_level_names(void **state)
{
    (void)state;
    enum log_level level;
    assert_int_equal(log_level_parse(STR("debug"), &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse(STR("warn"), &level), 0);
    assert_int_equal(level, LOG_LEVEL_WARN);
    assert_int_equal(log_level_parse(STR("loud"), &level), -1);
    assert_int_equal(log_level_parse(STR(""), &level), -1);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

static void test_flood_is_limited_and_told(void **state)
{
    (void)state;
    static char text[65536];
    log_configure(pipe_fd[1], LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    /* Two rounds more than a second apart: the second tells what the first dropped. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
            log_info(NULL, "flood");
        }
        (void)usleep(round == 0 ? 1100000 : 0);
    }
    const ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    const size_t lines = count_lines(text);
    assert_true(lines >= 100 && lines <= 210); /* The clock may tick within a round. */
    assert_non_null(strstr(text, "lines like the one before were dropped\n"));
}

#define log_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(test_text_line_names_who_speaks),
        log_test(test_text_line_of_a_module),
        log_test(test_level_decides),
        log_test(test_client_text_cannot_forge_lines),
        log_test(test_json_line),
        log_test(test_long_message_is_cut_and_line_ends),
        log_test(test_level_names),
        log_test(test_flood_is_limited_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
