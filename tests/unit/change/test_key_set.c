/* Sets of keys: what was added is found by its bytes, whichever columns hold it. */
#include "../base/base_test.h"
#include "change/key_set.h"

static struct sql_type types[3];

static void build(struct chunk_builder *b, const char *const *texts, size_t count)
{
    types[0] = (struct sql_type){.type = MYSQL_TYPE_LONGLONG};
    types[1] = (struct sql_type){.type = MYSQL_TYPE_VARCHAR, .length = 20};
    types[2] = (struct sql_type){.type = MYSQL_TYPE_LONG};
    chunk_builder_init(b, types, 3);
    for (size_t i = 0; i < count; i++) {
        (void)chunk_builder_add_row(b);
        chunk_builder_set_i64(b, 0, (int64_t)i);
        chunk_builder_set_str(b, 1, str_from_cstr(texts[i]));
        chunk_builder_set_int(b, 2, 7);
    }
}

static void test_keys_are_found(void **state)
{
    static const char *const texts[] = {"a", "A", "", "a text longer than twelve", "b"};
    const uint32_t key[] = {1, 2};
    uint32_t rows[5];
    struct chunk_builder b;
    struct chunk_builder two;
    struct key_set *k = key_set_new(0);
    (void)state;
    assert_true(key_set_is_empty(k));
    build(&b, texts, 5);
    build(&two, texts + 1, 3);
    const struct chunk all = chunk_builder_chunk(&b);
    const struct chunk some = chunk_builder_chunk(&two);
    assert_int_equal(key_set_rows(k, &all, key, 2, true, rows), 0);
    key_set_add(k, &some, key, 2);
    key_set_add(k, &some, key, 2);
    assert_false(key_set_is_empty(k));
    assert_int_equal(key_set_rows(k, &all, key, 2, true, rows), 3);
    assert_int_equal(rows[0], 1);
    assert_int_equal(rows[2], 3);
    assert_int_equal(key_set_rows(k, &all, key, 2, false, rows), 2);
    assert_int_equal(rows[0], 0);
    assert_int_equal(rows[1], 4);
    key_set_free(k);
    chunk_builder_release(&b);
    chunk_builder_release(&two);
}

static void test_too_many_keys_are_all_keys(void **state)
{
    static const char *const texts[] = {"a", "b"};
    uint32_t rows[2];
    struct chunk_builder b;
    struct key_set *k = key_set_new(16);
    (void)state;
    build(&b, texts, 2);
    const struct chunk c = chunk_builder_chunk(&b);
    key_set_add(k, &c, NULL, 1);
    assert_false(key_set_is_empty(k));
    assert_int_equal(key_set_rows(k, &c, NULL, 1, true, rows), 2);
    assert_int_equal(key_set_rows(k, &c, NULL, 1, false, rows), 0);
    key_set_free(k);
    key_set_free(NULL);
    chunk_builder_release(&b);
}

static void test_numbers_are_found(void **state)
{
    enum {
        COUNT = 1000
    };
    struct sql_type type = {.type = MYSQL_TYPE_LONG};
    uint32_t rows[COUNT];
    struct chunk_builder odd;
    struct chunk_builder all;
    struct key_set *k = key_set_new(0);
    (void)state;
    chunk_builder_init(&odd, &type, 1);
    chunk_builder_init(&all, &type, 1);
    for (int i = 0; i < COUNT; i++) {
        (void)chunk_builder_add_row(&all);
        chunk_builder_set_int(&all, 0, i - COUNT / 2);
        if (i % 2 != 0) {
            (void)chunk_builder_add_row(&odd);
            chunk_builder_set_int(&odd, 0, i - COUNT / 2);
        }
    }
    const struct chunk every = chunk_builder_chunk(&all);
    const struct chunk some = chunk_builder_chunk(&odd);
    key_set_add(k, &some, NULL, 1);
    assert_int_equal(key_set_rows(k, &every, NULL, 1, true, rows), COUNT / 2);
    assert_int_equal(rows[COUNT / 4], COUNT / 2 + 1);
    assert_int_equal(key_set_rows(k, &every, NULL, 1, false, rows), COUNT / 2);
    assert_int_equal(rows[COUNT / 4], COUNT / 2); /* The key 0. */
    key_set_add(k, &every, NULL, 1);
    assert_int_equal(key_set_rows(k, &every, NULL, 1, false, rows), 0);
    assert_false(key_set_is_full(k));
    key_set_fill(k);
    assert_true(key_set_is_full(k));
    assert_int_equal(key_set_rows(k, &every, NULL, 1, true, rows), COUNT);
    key_set_free(k);
    chunk_builder_release(&odd);
    chunk_builder_release(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_found),
        cmocka_unit_test(test_numbers_are_found),
        cmocka_unit_test(test_too_many_keys_are_all_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
