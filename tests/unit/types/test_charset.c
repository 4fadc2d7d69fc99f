/* Character sets: look-up, conversion both ways, and the arithmetic of characters and bytes. */
#include "collation_test.h"

#include "types/charset.h"

#define MAX_OUT 4096

static const struct charset *get(const char *name)
{
    const struct charset *cs = charset_find(str_from_cstr(name));
    assert_non_null(cs);
    return cs;
}

struct conversion {
    const char *charset;
    struct str native;
    struct str utf8;
    size_t bad;
};

static void check(struct str got, struct str wanted)
{
    assert_int_equal(got.len, wanted.len);
    assert_memory_equal(got.p ? got.p : "", wanted.p, wanted.len);
}

static void test_find_any_case_and_old_name(void **state)
{
    (void)state;
    check(get("LATIN1")->name, STR("latin1"));
    check(get("utf8")->name, STR("utf8mb3"));
    assert_null(charset_find(STR("utf9")));
    assert_null(charset_find(STR("")));
}

static void test_list_is_sorted_and_complete(void **state)
{
    (void)state;
    size_t count;
    const struct charset *all = charset_list(&count);
    assert_int_equal(count, 41);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(charset_find(all[i].name), &all[i]);
        assert_true(i == 0 || str_cmp(all[i - 1].name, all[i].name) < 0);
    }
}

static void test_default_collation_by_dialect(void **state)
{
    (void)state;
    assert_int_equal(charset_default_collation(charset_utf8mb4(), DIALECT_MYSQL), 255);
    assert_int_equal(charset_default_collation(charset_utf8mb4(), DIALECT_MARIADB), 45);
    assert_int_equal(charset_default_collation(charset_latin1(), DIALECT_MARIADB), 8);
}

static void test_to_utf8(void **state)
{
    (void)state;
    static const struct conversion cases[] = {
        {"latin1", STR_INIT("a\x80\x81\xFF"), STR_INIT("a€\xC2\x81ÿ"), 0},
        {"ascii", STR_INIT("a\xE9"), STR_INIT("a?"), 1},
        {"binary", STR_INIT("\x00\xFF"), STR_INIT("\x00\xFF"), 0},
        {"utf8mb4", STR_INIT("\xF0\x9F\x98\x80x\xC3"), STR_INIT("😀x?"), 1},
        {"utf8mb3", STR_INIT("\xF0\x9F\x98\x80"), STR_INIT("????"), 4},
        {"utf16", STR_INIT("\x00\x41\xD8\x3D\xDE\x00"), STR_INIT("A😀"), 0},
        {"utf16", STR_INIT("\xD8\x3D\x00\x41\x00"), STR_INIT("?A?"), 2},
        {"utf16le", STR_INIT("\x41\x00\x3D\xD8\x00\xDE"), STR_INIT("A😀"), 0},
        {"ucs2", STR_INIT("\x20\xAC"), STR_INIT("€"), 0},
        {"utf32", STR_INIT("\x00\x01\xF6\x00\x00\x11\x00\x00"), STR_INIT("😀?"), 1},
        {"koi8r", STR_INIT("\xF4"), STR_INIT("Т"), 0},
        {"sjis", STR_INIT("a\x82\xA0\xB1"), STR_INIT("aあｱ"), 0},
        {"cp932", STR_INIT("\x82"), STR_INIT("?"), 1},
        {"gbk", STR_INIT("\xD6\xD0\x80"), STR_INIT("中?"), 1},
        {"gb18030", STR_INIT("\x94\x39\xFC\x36"), STR_INIT("😀"), 0},
        {"euckr", STR_INIT("\xB0\xA1"), STR_INIT("가"), 0},
        {"big5", STR_INIT("\xA4\xA4"), STR_INIT("中"), 0},
        {"ujis", STR_INIT("\xA4\xA2\x8E\xB1"), STR_INIT("あｱ"), 0},
        {"eucjpms", STR_INIT("\xAD\xA1\xF5\xA1\x8F\xFE\xFE"), STR_INIT("①\uE000\uE757"), 0},
        {"gb2312", STR_INIT("\xA2\xA1\xB0\xA1"), STR_INIT("?啊"), 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bytebuf out;
        bytebuf_init(&out, MAX_OUT);
        assert_int_equal(charset_to_utf8(get(cases[i].charset), cases[i].native, &out),
                         cases[i].bad);
        check(bytebuf_str(&out), cases[i].utf8);
        bytebuf_release(&out);
    }
}

static void test_from_utf8(void **state)
{
    (void)state;
    static const struct conversion cases[] = {
        {"latin1", STR_INIT("a\x80\xFF"), STR_INIT("a€ÿ"), 0},
        {"latin1", STR_INIT("?x?"), STR_INIT("中x\xFF"), 2},
        {"utf8mb3", STR_INIT("é?"), STR_INIT("é😀"), 1},
        {"ucs2", STR_INIT("\x00?"), STR_INIT("😀"), 1},
        {"utf16", STR_INIT("\xD8\x3D\xDE\x00"), STR_INIT("😀"), 0},
        {"utf16le", STR_INIT("\x3D\xD8\x00\xDE"), STR_INIT("😀"), 0},
        {"utf32", STR_INIT("\x00\x00\x00\x41"), STR_INIT("A"), 0},
        {"binary", STR_INIT("é"), STR_INIT("é"), 0},
        {"gb18030", STR_INIT("\x94\x39\xFC\x36"), STR_INIT("😀"), 0},
        {"sjis", STR_INIT("\x82\xA0?"), STR_INIT("あ😀"), 1},
        {"euckr", STR_INIT("\xB0\xA1"), STR_INIT("가"), 0},
        {"eucjpms", STR_INIT("\xAD\xA1\xF5\xA1\x8F\xFE\xFE?"), STR_INIT("①\uE000\uE757\uE758"), 1},
        {"cp932", STR_INIT("\xF0\x40"), STR_INIT("\uE000"), 0},
        {"sjis", STR_INIT("?"), STR_INIT("\uE000"), 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bytebuf out;
        bytebuf_init(&out, MAX_OUT);
        assert_int_equal(charset_from_utf8(get(cases[i].charset), cases[i].utf8, &out),
                         cases[i].bad);
        check(bytebuf_str(&out), cases[i].native);
        bytebuf_release(&out);
    }
}

static void test_single_byte_sets_round_trip(void **state)
{
    (void)state;
    size_t count;
    const struct charset *all = charset_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind != CHARSET_BYTE) {
            continue;
        }
        for (unsigned byte = 0; byte < 256; byte++) {
            const char native = (char)byte;
            struct bytebuf utf8;
            struct bytebuf back;
            bytebuf_init(&utf8, MAX_OUT);
            bytebuf_init(&back, MAX_OUT);
            if (charset_to_utf8(&all[i], str_from(&native, 1), &utf8) == 0) {
                assert_int_equal(charset_from_utf8(&all[i], bytebuf_str(&utf8), &back), 0);
                /* Where several bytes have one character, one of them is written. */
                struct bytebuf again;
                bytebuf_init(&again, MAX_OUT);
                assert_int_equal(charset_to_utf8(&all[i], bytebuf_str(&back), &again), 0);
                check(bytebuf_str(&again), bytebuf_str(&utf8));
                bytebuf_release(&again);
            }
            bytebuf_release(&utf8);
            bytebuf_release(&back);
        }
    }
}

static void test_conversion_stops_at_ceiling(void **state)
{
    (void)state;
    struct bytebuf out;
    bytebuf_init(&out, 3);
    charset_to_utf8(charset_latin1(), STR("\xE9\xE9"), &out);
    assert_true(out.failed);
    bytebuf_release(&out);
}

static void test_str_to_and_from_utf8(void **state)
{
    struct arena arena;
    const struct str latin1 = STR("caf\xE9"), utf8 = STR("caf\xC3\xA9"), ascii = STR("cafe");
    (void)state;
    arena_init(&arena, 0);
    assert_true(str_eq(charset_str_to_utf8(charset_latin1(), latin1, &arena), utf8));
    assert_true(str_eq(charset_str_from_utf8(charset_latin1(), utf8, &arena), latin1));
    assert_true(str_eq(charset_str_to_utf8(charset_utf8mb4(), latin1, &arena), STR("caf?")));
    assert_true(str_eq(charset_str_from_utf8(get("utf32"), STR("\xFF"), &arena), STR("\0\0\0?")));
    /* Nothing is copied that need not be. */
    assert_ptr_equal(charset_str_to_utf8(charset_latin1(), ascii, &arena).p, ascii.p);
    assert_ptr_equal(charset_str_to_utf8(charset_binary(), latin1, &arena).p, latin1.p);
    assert_ptr_equal(charset_str_from_utf8(charset_binary(), latin1, &arena).p, latin1.p);
    assert_ptr_equal(charset_str_from_utf8(charset_utf8mb3(), latin1, &arena).p, latin1.p);
    arena_release(&arena);
}

static void test_is_utf8_already(void **state)
{
    (void)state;
    assert_true(charset_is_utf8_already(charset_latin1(), STR("plain")));
    assert_false(charset_is_utf8_already(charset_latin1(), STR("\xC3\xA9")));
    assert_true(charset_is_utf8_already(charset_utf8mb4(), STR("é😀")));
    assert_false(charset_is_utf8_already(charset_utf8mb3(), STR("é😀")));
    assert_false(charset_is_utf8_already(charset_utf8mb4(), STR("\xC3")));
    assert_false(charset_is_utf8_already(get("utf16"), STR("ab")));
}

static void test_valid_prefix(void **state)
{
    (void)state;
    assert_int_equal(charset_valid_prefix(charset_utf8mb4(), STR("aé\xFFz")), 3);
    assert_int_equal(charset_valid_prefix(charset_utf8mb4(), STR("\xED\xA0\x80")), 0);
    assert_int_equal(charset_valid_prefix(charset_utf8mb4(), STR("\xC0\x80")), 0);
    assert_int_equal(charset_valid_prefix(charset_utf8mb3(), STR("a😀")), 1);
    assert_int_equal(charset_valid_prefix(get("sjis"), STR("\x82\xA0\x82")), 2);
    assert_int_equal(charset_valid_prefix(get("utf16"), STR("\0a\0")), 2);
    assert_int_equal(charset_valid_prefix(charset_binary(), STR("\xFF")), 1);
}

static void test_count_and_prefix(void **state)
{
    (void)state;
    const struct str text = STR("ab é中😀z\xFF");
    assert_int_equal(utf8_count(text), 8);
    assert_int_equal(charset_count(charset_utf8mb4(), text), 8);
    static const size_t ends[] = {0, 1, 2, 3, 5, 8, 12, 13, 14, 14};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        assert_int_equal(utf8_prefix(text, i), ends[i]);
        assert_int_equal(charset_prefix(charset_utf8mb4(), text, i), ends[i]);
    }
    assert_int_equal(charset_count(charset_latin1(), text), 14);
    assert_int_equal(charset_prefix(charset_latin1(), text, 4), 4);
    assert_int_equal(charset_count(get("utf16"), STR("\0a\xD8\x3D\xDE\x00")), 2);
    assert_int_equal(charset_count(get("utf32"), STR("\0\0\0a\0\0\0b")), 2);
    assert_int_equal(charset_prefix(get("gbk"), STR("\xD6\xD0\xD6\xD0"), 1), 2);
    assert_int_equal(utf8_count(STR_NULL), 0);
}

static void test_utf8_put_and_next_round_trip(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp < UTF8_BAD; cp++) {
        char buf[4];
        const size_t len = utf8_put(cp, buf);
        size_t used;
        const uint32_t got = utf8_next((const unsigned char *)buf, len, &used);
        if (cp >= 0xD800 && cp <= 0xDFFF) {
            assert_int_equal(got, UTF8_BAD + (unsigned char)buf[0]);
        } else if (got != cp || used != len) {
            fail_msg("U+%X", cp);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_any_case_and_old_name),
        cmocka_unit_test(test_list_is_sorted_and_complete),
        cmocka_unit_test(test_default_collation_by_dialect),
        cmocka_unit_test(test_to_utf8),
        cmocka_unit_test(test_from_utf8),
        cmocka_unit_test(test_single_byte_sets_round_trip),
        cmocka_unit_test(test_conversion_stops_at_ceiling),
        cmocka_unit_test(test_str_to_and_from_utf8),
        cmocka_unit_test(test_is_utf8_already),
        cmocka_unit_test(test_valid_prefix),
        cmocka_unit_test(test_count_and_prefix),
        cmocka_unit_test(test_utf8_put_and_next_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
