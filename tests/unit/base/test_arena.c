#include "base_test.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

static int set_up(void **state)
{
    struct arena *a = malloc(sizeof(*a));
    arena_init(a, 0);
    *state = a;
    return 0;
}

static int tear_down(void **state)
{
    arena_release(*state);
    free(*state);
    return 0;
}

static void test_alloc_is_aligned_and_separate(void **state)
{
    struct arena *a = *state;
    char *before = NULL;
    for (size_t len = 0; len < 3000; len += 7) {
        char *p = arena_alloc(a, len);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, before);
        memset(p, 0xEE, len);
        before = p;
    }
}

static void test_alloc_larger_than_any_block(void **state)
{
    struct arena *a = *state;
    const size_t len = (size_t)5 * 1024 * 1024;
    char *p = arena_alloc(a, len);
    memset(p, 1, len);
    assert_true(a->used >= len);
}

static void test_calloc_zeroes_reused_memory(void **state)
{
    struct arena *a = *state;
    memset(arena_alloc(a, 500), 0xEE, 500);
    arena_reset(a);
    const char *p = arena_calloc(a, 500);
    for (size_t i = 0; i < 500; i++) {
        assert_int_equal(p[i], 0);
    }
}

static void test_try_alloc_respects_the_limit(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    assert_non_null(arena_try_alloc(&a, 5000));
    assert_null(arena_try_alloc(&a, 6000));
    assert_non_null(arena_alloc(&a, 6000)); /* Only try_alloc looks at it. */
    assert_null(arena_try_alloc(&a, 1));
    arena_reset(&a);
    assert_non_null(arena_try_alloc(&a, 9000));
    arena_release(&a);
}

static void test_try_alloc_refuses_absurd_sizes(void **state)
{
    struct arena *a = *state;
    const volatile size_t absurd = SIZE_MAX; /* Volatile hides the size from the compiler. */
    assert_null(arena_try_alloc(a, absurd));
    assert_null(arena_try_alloc(a, absurd - 20));
    assert_non_null(arena_try_alloc(a, 1));
}

static void test_copies_are_terminated(void **state)
{
    struct arena *a = *state;
    const struct str s = arena_dup(a, str_from("abcdef", 3));
    assert_string_equal(s.p, "abc");
    assert_int_equal(s.len, 3);
    assert_string_equal(arena_dup_cstr(a, STR_NULL), "");
    const struct str f = arena_printf(a, "%s-%d", "x", 42);
    assert_string_equal(f.p, "x-42");
    assert_int_equal(f.len, 4);
}

static void test_printf_longer_than_a_block(void **state)
{
    struct arena *a = *state;
    const struct str s = arena_printf(a, "%5000d", 7);
    assert_int_equal(s.len, 5000);
    assert_int_equal(s.p[4999], '7');
    assert_int_equal(s.p[5000], '\0');
}

static void test_rewind_gives_back_what_came_after_the_mark(void **state)
{
    struct arena *a = *state;
    char *kept = arena_alloc(a, 100);
    memset(kept, 'k', 100);
    const struct arena_mark mark = arena_mark(a);
    const size_t used = a->used;
    char *first = arena_alloc(a, 50);
    for (int i = 0; i < 100; i++) {
        (void)arena_alloc(a, 1000);
    }
    arena_rewind(a, mark);
    assert_int_equal(a->used, used);
    assert_ptr_equal(arena_alloc(a, 50), first);
    assert_int_equal(kept[99], 'k');
}

static void test_rewind_to_empty(void **state)
{
    struct arena *a = *state;
    const struct arena_mark mark = arena_mark(a);
    for (int round = 0; round < 3; round++) {
        memset(arena_alloc(a, 30000), 1, 30000);
        memset(arena_alloc(a, 10), 1, 10);
        arena_rewind(a, mark);
        assert_int_equal(a->used, 0);
    }
}

struct trail {
    char text[16];
    size_t len;
    struct arena *arena;
};

static void leave_a(void *arg)
{
    struct trail *t = arg;
    t->text[t->len++] = 'a';
}

static void leave_b(void *arg)
{
    struct trail *t = arg;
    t->text[t->len++] = 'b';
    (void)arena_alloc(t->arena, 100); /* A hook may still use the arena. */
}

static void test_hooks_run_last_first_and_once(void **state)
{
    struct arena *a = *state;
    struct trail t = {.arena = a};
    arena_on_reset(a, leave_a, &t);
    const struct arena_mark mark = arena_mark(a);
    arena_on_reset(a, leave_b, &t);
    arena_on_reset(a, leave_a, &t);
    arena_rewind(a, mark);
    assert_string_equal(t.text, "ab");
    arena_on_reset(a, leave_b, &t);
    arena_reset(a);
    assert_string_equal(t.text, "abba");
    arena_reset(a);
    assert_string_equal(t.text, "abba");
}

static void test_release_runs_hooks(void **state)
{
    (void)state;
    struct arena a;
    struct trail t = {.arena = &a};
    arena_init(&a, 0);
    arena_on_reset(&a, leave_b, &t);
    arena_release(&a);
    assert_string_equal(t.text, "b");
}

static void test_reset_does_not_hold_on_to_much(void **state)
{
    struct arena *a = *state;
    (void)arena_alloc(a, 100);
    (void)arena_alloc(a, (size_t)1 << 20);
    arena_reset(a);
    assert_int_equal(a->used, 0);
    assert_true((size_t)(a->end - a->pos) <= (size_t)16 * 1024);
}

struct point {
    int x;
    double y;
};

static void test_typed_allocations_are_zeroed(void **state)
{
    struct arena *a = *state;
    const struct point *p = ARENA_NEW(a, struct point);
    const struct point *q = ARENA_ARRAY(a, struct point, 100);
    assert_int_equal(p->x, 0);
    assert_int_equal(q[99].x, 0);
    assert_true(q[99].y == 0.0);
}

static void test_recycle_keeps_a_large_block(void **state)
{
    struct arena *a = *state;
    for (int i = 0; i < 300; i++) {
        memset(arena_alloc(a, 1000), 1, 1000);
    }
    memset(arena_alloc(a, (size_t)5 * 1024 * 1024), 1, 1000); /* Too large to be kept. */
    arena_recycle(a);
    assert_int_equal(a->used, 0);
    assert_true(a->end - a->pos >= 100 * 1000);
    assert_true(a->end - a->pos <= 1024 * 1024);
    arena_reset(a);
    memset(arena_alloc(a, 10), 1, 10);
    arena_reset(a);
    assert_true(a->end - a->pos <= 16 * 1024);
}

#define arena_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        arena_test(test_alloc_is_aligned_and_separate),
        arena_test(test_alloc_larger_than_any_block),
        arena_test(test_calloc_zeroes_reused_memory),
        arena_test(test_try_alloc_respects_the_limit),
        arena_test(test_try_alloc_refuses_absurd_sizes),
        arena_test(test_copies_are_terminated),
        arena_test(test_printf_longer_than_a_block),
        arena_test(test_rewind_gives_back_what_came_after_the_mark),
        arena_test(test_rewind_to_empty),
        arena_test(test_hooks_run_last_first_and_once),
        arena_test(test_release_runs_hooks),
        arena_test(test_reset_does_not_hold_on_to_much),
        arena_test(test_recycle_keeps_a_large_block),
        arena_test(test_typed_allocations_are_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
