#include "base_test.h"

#include "base/rlist.h"

struct item {
    int n;
    struct rlist node;
};

static int value(struct rlist *node)
{
    return RLIST_ENTRY(node, struct item, node)->n;
}

static void fill(struct rlist *head, struct item items[3])
{
    rlist_init(head);
    for (int i = 0; i < 3; i++) {
        items[i].n = i;
        rlist_push(head, &items[i].node);
    }
}

static void test_order_is_that_of_pushing(void **state)
{
    (void)state;
    struct rlist head;
    struct item items[3];
    fill(&head, items);
    int expected = 0;
    rlist_foreach (it, &head) {
        assert_int_equal(value(it), expected++);
    }
    assert_int_equal(expected, 3);
    assert_int_equal(value(rlist_shift(&head)), 0);
    assert_int_equal(value(rlist_shift(&head)), 1);
    assert_int_equal(value(rlist_shift(&head)), 2);
    assert_null(rlist_shift(&head));
}

static void test_delete_is_harmless_twice(void **state)
{
    (void)state;
    struct rlist head;
    struct item items[3];
    fill(&head, items);
    rlist_del(&items[1].node);
    rlist_del(&items[1].node);
    assert_int_equal(value(head.next), 0);
    assert_int_equal(value(head.prev), 2);
    assert_ptr_equal(head.next->next, head.prev);
}

static void test_safe_walk_may_unlink(void **state)
{
    (void)state;
    struct rlist head;
    struct item items[3];
    fill(&head, items);
    rlist_foreach_safe (it, &head) {
        rlist_del(it);
    }
    assert_true(rlist_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_that_of_pushing),
        cmocka_unit_test(test_delete_is_harmless_twice),
        cmocka_unit_test(test_safe_walk_may_unlink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
