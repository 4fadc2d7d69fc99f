/* Bounds, sticky failure, full consumption. */
#include "wire_test.h"

static struct pkt_reader reader_of(struct str s)
{
    struct pkt_reader r;
    pkt_reader_init(&r, s);
    return r;
}

static void test_gets_read_in_order(void **state)
{
    (void)state;
    struct pkt_reader r = reader_of(STR("\1\2\1\3\2\1\4\3\2\1\x08\7\6\5\4\3\2\1\3abcxy\0rest"));
    assert_int_equal(pkt_peek_u8(&r), 1);
    assert_int_equal(pkt_get_u8(&r), 1);
    assert_int_equal(pkt_get_u16(&r), 0x0102);
    assert_int_equal(pkt_get_u24(&r), 0x010203);
    assert_int_equal(pkt_get_u32(&r), 0x01020304);
    assert_true(pkt_get_u64(&r) == 0x0102030405060708);
    assert_str_equal(pkt_get_lenenc_str(&r), STR("abc"));
    assert_str_equal(pkt_get_nul_str(&r), STR("xy"));
    assert_false(pkt_reader_ok(&r));
    assert_str_equal(pkt_get_rest(&r), STR("rest"));
    assert_true(pkt_reader_ok(&r));
    assert_int_equal(pkt_peek_u8(&r), -1);
}

static void test_get_beyond_end_fails_for_good(void **state)
{
    (void)state;
    struct pkt_reader r = reader_of(STR("\1\2\3"));
    assert_int_equal(pkt_get_u32(&r), 0);
    assert_true(pkt_reader_failed(&r));
    assert_int_equal(pkt_get_u8(&r), 0);
    assert_int_equal(pkt_get_rest(&r).len, 0);
    assert_false(pkt_reader_ok(&r));
}

static void test_lenenc_refuses_null_and_error_marks(void **state)
{
    (void)state;
    struct pkt_reader r = reader_of(STR("\xfb"));
    assert_true(pkt_get_lenenc(&r) == 0);
    assert_true(pkt_reader_failed(&r));
    r = reader_of(STR("\xff"));
    assert_true(pkt_get_lenenc(&r) == 0);
    assert_true(pkt_reader_failed(&r));
}

static void test_lenenc_str_refuses_huge_length(void **state)
{
    (void)state;
    struct pkt_reader r = reader_of(STR("\xfe\xff\xff\xff\xff\xff\xff\xff\xff"
                                        "abc"));
    assert_null(pkt_get_lenenc_str(&r).p);
    assert_true(pkt_reader_failed(&r));
}

static void test_nullable_str_tells_null_from_empty(void **state)
{
    (void)state;
    struct str s;
    struct pkt_reader r = reader_of(STR("\xfb\0\1x"));
    assert_false(pkt_get_nullable_str(&r, &s));
    assert_null(s.p);
    assert_true(pkt_get_nullable_str(&r, &s));
    assert_non_null(s.p);
    assert_int_equal(s.len, 0);
    assert_true(pkt_get_nullable_str(&r, &s));
    assert_str_equal(s, STR("x"));
    assert_true(pkt_reader_ok(&r));
    assert_false(pkt_get_nullable_str(&r, &s));
    assert_true(pkt_reader_failed(&r));
}

static void test_nul_str_needs_its_nul(void **state)
{
    (void)state;
    struct pkt_reader r = reader_of(STR("abc"));
    assert_null(pkt_get_nul_str(&r).p);
    assert_true(pkt_reader_failed(&r));
    r = reader_of(STR("abc"));
    assert_str_equal(pkt_get_nul_or_rest(&r), STR("abc"));
    assert_true(pkt_reader_ok(&r));
}

static void test_null_payload_is_empty(void **state)
{
    (void)state;
    struct pkt_reader r = reader_of(STR_NULL);
    assert_true(pkt_reader_ok(&r));
    assert_int_equal(pkt_get_rest(&r).len, 0);
    assert_true(pkt_reader_ok(&r));
    pkt_skip(&r, 1);
    assert_true(pkt_reader_failed(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gets_read_in_order),
        cmocka_unit_test(test_get_beyond_end_fails_for_good),
        cmocka_unit_test(test_lenenc_refuses_null_and_error_marks),
        cmocka_unit_test(test_lenenc_str_refuses_huge_length),
        cmocka_unit_test(test_nullable_str_tells_null_from_empty),
        cmocka_unit_test(test_nul_str_needs_its_nul),
        cmocka_unit_test(test_null_payload_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
