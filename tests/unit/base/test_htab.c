#include "base_test.h"

#include "base/htab.h"

#include <stdio.h>
#include <stdlib.h>

struct item {
    char name[16];
    bool seen;
};

enum {
    ITEMS = 5000,
};

static struct item items[ITEMS];

static struct str name_of(const struct item *it)
{
    return str_from_cstr(it->name);
}

static int make_items(void **state)
{
    (void)state;
    for (int i = 0; i < ITEMS; i++) {
        (void)snprintf(items[i].name, sizeof(items[i].name), "Name%d", i);
        items[i].seen = false;
    }
    return 0;
}

static void test_empty_table(void **state)
{
    (void)state;
    struct htab h;
    size_t pos = 0;
    htab_init(&h, 0);
    assert_null(htab_find(&h, STR("x")));
    assert_null(htab_remove(&h, STR("x")));
    assert_null(htab_next(&h, &pos));
    htab_release(&h);
}

static void test_many_entries_are_found_again(void **state)
{
    (void)state;
    struct htab h;
    htab_init(&h, 0);
    for (int i = 0; i < ITEMS; i++) {
        assert_null(htab_put(&h, name_of(&items[i]), &items[i]));
    }
    assert_int_equal(h.count, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        assert_ptr_equal(htab_find(&h, name_of(&items[i])), &items[i]);
    }
    assert_null(htab_find(&h, STR("name1")));
    assert_null(htab_find(&h, STR("")));
    htab_release(&h);
}

static void test_put_returns_what_it_replaces(void **state)
{
    (void)state;
    struct htab h;
    int a = 1;
    int b = 2;
    htab_init(&h, 0);
    assert_null(htab_put(&h, STR("k"), &a));
    assert_ptr_equal(htab_put(&h, STR("k"), &b), &a);
    assert_ptr_equal(htab_find(&h, STR("k")), &b);
    assert_int_equal(h.count, 1);
    htab_release(&h);
}

static void test_nocase_folds_ascii_only(void **state)
{
    (void)state;
    struct htab h;
    int a = 1;
    htab_init(&h, HTAB_NOCASE);
    assert_null(htab_put(&h,
                         STR("Stra\xC3\x9F"
                             "e"),
                         &a));
    assert_ptr_equal(htab_find(&h, STR("STRA\xC3\x9F"
                                       "E")),
                     &a);
    assert_null(htab_find(&h, STR("STRA\xC3\xBF"
                                  "E")));
    htab_release(&h);
}

static void test_removed_entries_make_room(void **state)
{
    (void)state;
    struct htab h;
    htab_init(&h, 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 100; i++) {
            assert_null(htab_put(&h, name_of(&items[round * 100 + i]), &items[i]));
        }
        for (int i = 0; i < 100; i++) {
            assert_ptr_equal(htab_remove(&h, name_of(&items[round * 100 + i])), &items[i]);
        }
    }
    assert_int_equal(h.count, 0);
    assert_true(h.cap <= 512); /* Tombstones did not add up. */
    htab_release(&h);
}

static void test_walk_survives_removal_of_the_current(void **state)
{
    (void)state;
    struct htab h;
    htab_init(&h, 0);
    for (int i = 0; i < 1000; i++) {
        assert_null(htab_put(&h, name_of(&items[i]), &items[i]));
    }
    size_t pos = 0;
    struct item *it;
    size_t seen = 0;
    while ((it = htab_next(&h, &pos))) {
        assert_false(it->seen);
        it->seen = true;
        seen++;
        if (seen % 2) {
            assert_ptr_equal(htab_remove(&h, name_of(it)), it);
        }
    }
    assert_int_equal(seen, 1000);
    assert_int_equal(h.count, 500);
    htab_release(&h);
}

static void test_hash_folds_long_strings_in_pieces(void **state)
{
    (void)state;
    char lower[1000];
    char upper[1000];
    memset(lower, 'q', sizeof(lower));
    memset(upper, 'Q', sizeof(upper));
    for (size_t len = 0; len <= sizeof(lower); len += 50) {
        assert_int_equal(str_hash_nocase(str_from(lower, len)), str_hash(str_from(lower, len)));
        assert_int_equal(str_hash_nocase(str_from(upper, len)), str_hash(str_from(lower, len)));
    }
    assert_int_equal(str_hash(STR_NULL), str_hash(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_table),
        cmocka_unit_test(test_many_entries_are_found_again),
        cmocka_unit_test(test_put_returns_what_it_replaces),
        cmocka_unit_test(test_nocase_folds_ascii_only),
        cmocka_unit_test(test_removed_entries_make_room),
        cmocka_unit_test(test_walk_survives_removal_of_the_current),
        cmocka_unit_test(test_hash_folds_long_strings_in_pieces),
    };
    return cmocka_run_group_tests(tests, make_items, NULL);
}
