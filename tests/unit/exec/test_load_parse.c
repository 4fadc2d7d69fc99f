/* The text of LOAD DATA files: fields, lines, escapes, enclosures, and input that comes in pieces.
 */
#include "exec/load_parse.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#define FIELDS 8

static const struct load_format tabs = {.fields_terminated = STR_INIT("\t"),
                                        .lines_terminated = STR_INIT("\n"),
                                        .lines_starting = STR_INIT(""),
                                        .enclosed = -1,
                                        .escaped = '\\'};

static const struct load_format csv = {.fields_terminated = STR_INIT(","),
                                       .lines_terminated = STR_INIT("\r\n"),
                                       .lines_starting = STR_INIT(""),
                                       .enclosed = '"',
                                       .escaped = '\\'};

/* All rows of a text, as "a|b;c|d;", NULL as "<null>". step: bytes that arrive at a time. */
static void read_all(const struct load_format *format, struct str text, size_t step, char *out,
                     size_t size)
{
    struct load_parser p;
    struct arena scratch;
    load_parser_init(&p, format);
    arena_init(&scratch, 0);
    size_t pos = 0;
    size_t have = MIN(step, text.len);
    size_t n = 0;
    out[0] = '\0';
    for (;;) {
        struct load_field fields[FIELDS];
        size_t used;
        uint32_t count;
        const bool eof = have == text.len;
        const enum load_result r = load_parse_row(&p, str_from(text.p + pos, have - pos), eof,
                                                  fields, FIELDS, &scratch, &used, &count);
        if (r == LOAD_END) {
            break;
        }
        if (r == LOAD_NEED_MORE) {
            assert_false(eof);
            have = MIN(have + step, text.len);
            continue;
        }
        for (uint32_t i = 0; i < MIN(count, (uint32_t)FIELDS); i++) {
            const struct str s = fields[i].is_null ? STR("<null>") : fields[i].text;
            n += (size_t)snprintf(out + n, size - n, "%s%.*s", i == 0 ? "" : "|", STR_FMT(s));
        }
        n += (size_t)snprintf(out + n, size - n, ";");
        pos += used;
    }
    arena_release(&scratch);
}

/* The result must not depend on how the input is cut. */
static void assert_rows(const struct load_format *format, struct str text, const char *expected)
{
    char out[1024];
    for (size_t step = 1; step <= text.len + 1; step++) {
        read_all(format, text, step, out, sizeof out);
        assert_string_equal(out, expected);
    }
}

static void test_tabs_and_newlines_separate(void **state)
{
    (void)state;
    assert_rows(&tabs, STR("1\ttwo\t\n3\t\tx\n"), "1|two|;3||x;");
    assert_rows(&tabs, STR("last line\twithout end"), "last line|without end;");
    assert_rows(&tabs, STR("\n\n"), ";;");
}

static void test_escapes_stand_for_characters_and_null(void **state)
{
    (void)state;
    assert_rows(&tabs, STR("a\\tb\\nc\\\\d\t\\N\tx\\N\n"), "a\tb\nc\\d|<null>|xN;");
    assert_rows(&tabs, STR("tab\\\tinside\tnext\n"), "tab\tinside|next;");
}

static void test_enclosed_fields_may_hold_separators(void **state)
{
    (void)state;
    assert_rows(&csv, STR("\"a,b\",c,\"d\"\"e\"\r\n\"multi\r\nline\",NULL\r\n"),
                "a,b|c|d\"e;multi\r\nline|<null>;");
    assert_rows(&csv, STR("\"NULL\",\"\\\"quoted\\\"\"\r\n"), "NULL|\"quoted\";");
    assert_rows(&csv, STR("\"a\"b\",c\r\n"), "a\"b|c;");
}

static void test_lines_may_have_a_prefix(void **state)
{
    (void)state;
    struct load_format f = tabs;
    f.lines_starting = STR("xxx");
    assert_rows(&f, STR("skip xxx1\t2\nnothing\nxxx3\t4\n"), "1|2;3|4;");
}

static void test_separators_of_several_bytes_are_found_across_cuts(void **state)
{
    (void)state;
    struct load_format f = tabs;
    f.fields_terminated = STR("||");
    f.lines_terminated = STR("==\n");
    assert_rows(&f, STR("a|b||c==\nd=e||f==\n"), "a|b|c;d=e|f;");
}

static void test_lines_are_skipped(void **state)
{
    (void)state;
    struct load_parser p;
    size_t used;
    load_parser_init(&p, &tabs);
    assert_int_equal(load_skip_line(&p, STR("head\nrest"), false, &used), LOAD_ROW);
    assert_int_equal(used, 5);
    assert_int_equal(load_skip_line(&p, STR("head"), false, &used), LOAD_NEED_MORE);
    assert_int_equal(load_skip_line(&p, STR("head"), true, &used), LOAD_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tabs_and_newlines_separate),
        cmocka_unit_test(test_escapes_stand_for_characters_and_null),
        cmocka_unit_test(test_enclosed_fields_may_hold_separators),
        cmocka_unit_test(test_lines_may_have_a_prefix),
        cmocka_unit_test(test_separators_of_several_bytes_are_found_across_cuts),
        cmocka_unit_test(test_lines_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
