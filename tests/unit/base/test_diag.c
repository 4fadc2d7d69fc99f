#include "base_test.h"

#include "base/diag.h"

#include <stdlib.h>

static int set_up(void **state)
{
    struct diag *d = malloc(sizeof(*d));
    diag_init(d);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    diag_release(*state);
    free(*state);
    return 0;
}

static void assert_message(const struct diag_cond *cond, const char *text)
{
    assert_non_null(cond);
    assert_true(str_eq(cond->message, str_from_cstr(text)));
}

static void test_set_formats_mysqls_message(void **state)
{
    struct diag *d = *state;
    assert_int_equal(diag_set(d, ER_NO_SUCH_TABLE, "db", "t"), -1);
    assert_int_equal(d->error->code, 1146);
    assert_string_equal(d->error->sqlstate, "42S02");
    assert_int_equal(d->error->level, DIAG_ERROR);
    assert_message(d->error, "Table 'db.t' doesn't exist");
    assert_int_equal(d->error_count, 1);
    assert_int_equal(d->warning_count, 1);
    assert_non_null(d->file);
    assert_true(d->line > 0);
}

static void test_set_without_arguments(void **state)
{
    struct diag *d = *state;
    assert_int_equal(diag_set(d, ER_EMPTY_QUERY), -1);
    assert_message(d->error, "Query was empty");
}

static void test_set_text_keeps_foreign_words(void **state)
{
    struct diag *d = *state;
    assert_int_equal(diag_set_text(d, ER_UNKNOWN_ERROR, STR("100% broken")), -1);
    assert_message(d->error, "100% broken");
}

static void test_sqlstate_of_known_and_unknown_numbers(void **state)
{
    (void)state;
    assert_string_equal(diag_sqlstate(ER_PARSE_ERROR), "42000");
    assert_string_equal(diag_sqlstate(ER_DUP_ENTRY), "23000");
    assert_string_equal(diag_sqlstate(ER_LOCK_DEADLOCK), "40001");
    assert_string_equal(diag_sqlstate(ER_ACCESS_DENIED_ERROR), "28000");
    assert_string_equal(diag_sqlstate(ER_CONNECTION_KILLED), "70100");
    assert_string_equal(diag_sqlstate(0), "HY000");
    assert_string_equal(diag_sqlstate(65000), "HY000");
}

static void test_long_message_is_cut_as_in_mysql(void **state)
{
    struct diag *d = *state;
    char text[2000];
    memset(text, 'x', sizeof(text));
    (void)diag_set_text(d, ER_UNKNOWN_ERROR, str_from(text, sizeof(text)));
    assert_int_equal(d->error->message.len, 511);
    text[sizeof(text) - 1] = '\0';
    (void)diag_set(d, ER_NOT_SUPPORTED_YET, text);
    assert_int_equal(d->error->message.len, 511);
}

static void test_cut_does_not_split_a_character(void **state)
{
    struct diag *d = *state;
    char text[600];
    memset(text, 'x', sizeof(text));
    memcpy(text + 509, "\xE2\x82\xAC", 3); /* Bytes 509-511: the last would not fit. */
    (void)diag_set_text(d, ER_UNKNOWN_ERROR, str_from(text, sizeof(text)));
    assert_int_equal(d->error->message.len, 509);
    assert_true(str_is_utf8(d->error->message));
}

static void test_warnings_are_listed_in_order(void **state)
{
    struct diag *d = *state;
    diag_warn(d, DIAG_WARNING, WARN_DATA_TRUNCATED, "a", (uint64_t)1);
    diag_warn(d, DIAG_NOTE, ER_BAD_TABLE_ERROR, "db.t");
    assert_null(d->error);
    assert_message(d->first, "Data truncated for column 'a' at row 1");
    assert_int_equal(d->first->level, DIAG_WARNING);
    assert_message(d->first->next, "Unknown table 'db.t'");
    assert_int_equal(d->first->next->level, DIAG_NOTE);
    assert_null(d->first->next->next);
    assert_int_equal(d->warning_count, 2);
    assert_int_equal(d->error_count, 0);
}

static void test_dropped_warnings_are_counted(void **state)
{
    struct diag *d = *state;
    d->max_kept = 3;
    for (uint64_t i = 0; i < 100; i++) {
        diag_warn(d, DIAG_WARNING, WARN_DATA_TRUNCATED, "a", i);
    }
    assert_int_equal(d->kept, 3);
    assert_int_equal(d->warning_count, 100);
    const size_t used = d->arena.used;
    (void)diag_set(d, ER_DUP_ENTRY, "1", 1); /* The error is kept all the same. */
    assert_ptr_equal(d->last, d->error);
    assert_int_equal(d->kept, 4);
    assert_true(d->arena.used > used);
}

static void test_second_error_replaces_the_first(void **state)
{
    struct diag *d = *state;
    (void)diag_set(d, ER_EMPTY_QUERY);
    (void)diag_set(d, ER_QUERY_INTERRUPTED);
    assert_int_equal(d->error->code, ER_QUERY_INTERRUPTED);
    assert_int_equal(d->first->code, ER_EMPTY_QUERY);
    assert_int_equal(d->error_count, 2);
}

static void test_errors_beyond_the_ceiling_do_not_pile_up(void **state)
{
    struct diag *d = *state;
    d->max_kept = 0;
    for (int i = 0; i < 10; i++) {
        (void)diag_set(d, ER_EMPTY_QUERY);
    }
    assert_int_equal(d->kept, 1);
    assert_ptr_equal(d->first, d->error);
    assert_ptr_equal(d->last, d->error);
    assert_int_equal(d->error_count, 10);
}

static void test_cleared_error_leaves_no_trace(void **state)
{
    struct diag *d = *state;
    diag_clear_error(d);
    diag_warn(d, DIAG_WARNING, WARN_DATA_TRUNCATED, "a", (uint64_t)1);
    (void)diag_set(d, ER_EMPTY_QUERY);
    diag_warn(d, DIAG_WARNING, WARN_DATA_TRUNCATED, "b", (uint64_t)2);
    diag_clear_error(d);
    assert_null(d->error);
    assert_int_equal(d->kept, 2);
    assert_int_equal(d->warning_count, 2);
    assert_int_equal(d->error_count, 0);
    assert_message(d->first->next, "Data truncated for column 'b' at row 2");
    assert_ptr_equal(d->last, d->first->next);
}

static void test_error_per_row_does_not_add_up_memory(void **state)
{
    struct diag *d = *state;
    (void)diag_set(d, ER_DUP_ENTRY, "1", 1);
    diag_clear_error(d);
    const size_t used = d->arena.used;
    for (int i = 0; i < 10000; i++) {
        (void)diag_set(d, ER_DUP_ENTRY, "1", 1);
        diag_clear_error(d);
    }
    assert_int_equal(d->arena.used, used);
}

static void test_reset_forgets_but_keeps_the_ceiling(void **state)
{
    struct diag *d = *state;
    d->max_kept = 5;
    (void)diag_set(d, ER_EMPTY_QUERY);
    diag_reset(d);
    assert_null(d->error);
    assert_null(d->first);
    assert_int_equal(d->warning_count, 0);
    assert_int_equal(d->max_kept, 5);
    (void)diag_set(d, ER_EMPTY_QUERY);
    assert_int_equal(d->kept, 1);
}

static void test_warnings_of_another_are_taken(void **state)
{
    struct diag *d = *state;
    struct diag other;
    diag_init(&other);
    other.max_kept = 2;
    diag_warn_at(&other, DIAG_WARNING, ER_DUP_ENTRY, "one 100%% as it is");
    diag_warn_at(&other, DIAG_NOTE, ER_DUP_ENTRY, "two");
    diag_warn_at(&other, DIAG_NOTE, ER_DUP_ENTRY, "three");
    diag_count_warnings(&other, 4);
    (void)diag_set(&other, ER_EMPTY_QUERY);
    diag_warn_at(d, DIAG_WARNING, ER_DUP_ENTRY, "mine");
    diag_take_warnings(d, &other);
    assert_null(d->error);
    assert_int_equal(d->warning_count, 8);
    assert_true(str_eq(d->first->next->message, STR("one 100% as it is")));
    assert_int_equal(d->last->level, DIAG_NOTE);
    assert_true(str_eq(d->last->message, STR("two")));
    diag_release(&other);
}

#define diag_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        diag_test(test_set_formats_mysqls_message),
        diag_test(test_set_without_arguments),
        diag_test(test_set_text_keeps_foreign_words),
        diag_test(test_sqlstate_of_known_and_unknown_numbers),
        diag_test(test_long_message_is_cut_as_in_mysql),
        diag_test(test_cut_does_not_split_a_character),
        diag_test(test_warnings_are_listed_in_order),
        diag_test(test_dropped_warnings_are_counted),
        diag_test(test_warnings_of_another_are_taken),
        diag_test(test_second_error_replaces_the_first),
        diag_test(test_errors_beyond_the_ceiling_do_not_pile_up),
        diag_test(test_cleared_error_leaves_no_trace),
        diag_test(test_error_per_row_does_not_add_up_memory),
        diag_test(test_reset_forgets_but_keeps_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
