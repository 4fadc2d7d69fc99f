/* JSON: canonical text, errors and limits as MySQL 9.7 has them. */
#include "types/json.h"

#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static void check_canonical(const char *text, const char *want)
{
    struct arena arena;
    struct str out;
    struct json_error error;
    arena_init(&arena, 0);
    if (json_canonical(str_from_cstr(text), &arena, &out, &error) != 0) {
        fail_msg("%s: %s", text, error.reason);
    }
    if (!str_eq(out, str_from_cstr(want))) {
        fail_msg("%s: got %.*s, want %s", text, STR_FMT(out), want);
    }
    arena_release(&arena);
}

static void test_canonical_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"b\":1,\"a\":2,\"aa\":3,\"b\":4}", "{\"a\": 2, \"b\": 4, \"aa\": 3}"},
        {"{\"zz\":1,\"\xc3\xa9\":2,\"b\":3,\"aaa\":4,\"ab\":5}",
         "{\"b\": 3, \"ab\": 5, \"zz\": 1, \"\xc3\xa9\": 2, \"aaa\": 4}"},
        {" [ true , false , null ] ", "[true, false, null]"},
        {"[[],{}]", "[[], {}]"},
        {"\"\"", "\"\""},
        {"{\"\":1}", "{\"\": 1}"},
        {"\"\\u00e9\\n\\t\\\"\\\\\\/\\b\\f\\r\\u0001\\u001f\\ud83d\\ude00\"",
         "\"\xc3\xa9\\n\\t\\\"\\\\/\\b\\f\\r\\u0001\\u001f\xf0\x9f\x98\x80\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        check_canonical(rows[i][0], rows[i][1]);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    check_canonical("[1, 2.0, 1e5, 1E-5, -0, 0.0, -0.0, 1.10, 12345678901234567890, "
                    "123456789012345678901, -9223372036854775809, 1.5e300, 1e-7]",
                    "[1, 2.0, 100000.0, 0.00001, 0, 0.0, -0.0, 1.1, 12345678901234567890, "
                    "1.2345678901234568e20, -9.223372036854776e18, 1.5e300, 0.0000001]");
    check_canonical("[1.7976931348623157e308, 123456789.123456789, 1e22, 1e15, 1.0e2, 5e-324, "
                    "1.5e-10, 3.0, 1e1]",
                    "[1.7976931348623157e308, 123456789.12345679, 1e22, 1e15, 100.0, 5e-324, "
                    "0.00000000015, 3.0, 10.0]");
}

static void test_errors_and_their_positions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
        size_t position;
    } rows[] = {
        {"{a}", "Missing a name for object member.", 1},
        {"", "The document is empty.", 0},
        {"  ", "The document is empty.", 2},
        {"[1,]", "Invalid value.", 3},
        {"nul", "Invalid value.", 3},
        {"NaN", "Invalid value.", 0},
        {"1 2", "The document root must not be followed by other values.", 2},
        {"{\"a\":1,}", "Missing a name for object member.", 7},
        {"\"abc", "Missing a closing quotation mark in string.", 4},
        {"01", "The document root must not be followed by other values.", 1},
        {"1.", "Miss fraction part in number.", 2},
        {".5", "Invalid value.", 0},
        {"+1", "Invalid value.", 0},
        {"-", "Invalid value.", 1},
        {"1e", "Miss exponent in number.", 2},
        {"1e400", "Number too big to be stored in double.", 0},
        {"\"\\x\"", "Invalid escape character in string.", 1},
        {"\"\\u12\"", "Incorrect hex digit after \\u escape in string.", 1},
        {"\"\\ud800\"", "The surrogate pair in string is invalid.", 1},
        {"\"\\ud800\\u0041\"", "The surrogate pair in string is invalid.", 1},
        {"\"\\udc00\"", "The surrogate pair in string is invalid.", 1},
        {"\"a\nb\"", "Invalid encoding in string.", 2},
        {"[1 2]", "Missing a comma or ']' after an array element.", 3},
        {"[1", "Missing a comma or ']' after an array element.", 2},
        {"{\"a\" 1}", "Missing a colon after a name of object member.", 5},
        {"{\"a\"", "Missing a colon after a name of object member.", 4},
        {"{\"a\":1", "Missing a comma or '}' after an object member.", 6},
        {"{\"a\":tru}", "Invalid value.", 8},
        {"/**/1", "Invalid value.", 0},
        {"[\"\xc3\xa9\",x]", "Invalid value.", 6},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena;
        struct json_value v;
        struct json_error error;
        arena_init(&arena, 0);
        assert_int_equal(json_parse(str_from_cstr(rows[i].text), &arena, &v, &error), -1);
        assert_string_equal(error.reason, rows[i].reason);
        if (error.position != rows[i].position) {
            fail_msg("%s: position %zu", rows[i].text, error.position);
        }
        arena_release(&arena);
    }
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * (JSON_MAX_DEPTH + 1)];
    struct arena arena;
    struct json_value v;
    struct json_error error;
    arena_init(&arena, 0);
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    assert_int_equal(json_parse(str_from(text + 1, 2 * JSON_MAX_DEPTH), &arena, &v, &error), 0);
    assert_int_equal(json_parse(str_from(text, sizeof(text)), &arena, &v, &error), -1);
    assert_true(error.too_deep);
    arena_release(&arena);
}

static void test_tree(void **state)
{
    (void)state;
    struct arena arena;
    struct json_value v;
    struct json_error error;
    arena_init(&arena, 0);
    assert_int_equal(
        json_parse(STR("{\"k\":[1,18446744073709551615,\"x\",2.5]}"), &arena, &v, &error), 0);
    assert_int_equal(v.kind, JSON_OBJECT);
    assert_int_equal(v.count, 1);
    const struct json_value *list = &v.members[0].value;
    assert_int_equal(list->kind, JSON_ARRAY);
    assert_int_equal(list->count, 4);
    assert_int_equal(list->items[0].i, 1);
    assert_true(list->items[1].kind == JSON_UINT && list->items[1].u == UINT64_MAX);
    assert_true(str_eq(list->items[2].str, STR("x")));
    assert_true(list->items[3].d == 2.5);
    arena_release(&arena);
}

static void test_error_becomes_3140_or_3157(void **state)
{
    (void)state;
    struct diag diag;
    struct json_error error = {.reason = "Invalid value.", .position = 7};
    diag_init(&diag);
    assert_int_equal(json_diag(&diag, &error, STR("t.j")), -1);
    assert_int_equal(diag.error->code, 3140);
    assert_true(
        str_eq(diag.error->message, STR("Invalid JSON text: \"Invalid value.\" at position 7 in "
                                        "value for column 't.j'.")));
    error.too_deep = true;
    assert_int_equal(json_diag(&diag, &error, STR("t.j")), -1);
    assert_int_equal(diag.error->code, 3157);
    diag_release(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_text),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_errors_and_their_positions),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_error_becomes_3140_or_3157),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
