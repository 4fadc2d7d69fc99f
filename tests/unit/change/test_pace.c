/* When batches end: each policy by itself. */
#include "change/pace.h"

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#define MIB   (UINT64_C(1) << 20)
#define MS    UINT64_C(1000)
#define START (UINT64_C(5000) * MS)

static const struct pipeline_options options = {
    .max_batch_bytes = 64 * MIB, .max_batch_us = 200 * MS, .idle_us = 10 * MS};

static void test_batches_grow_from_a_pause_on(void **state)
{
    struct pace p = {.ramp_bytes = 0};
    (void)state;
    static const uint64_t expected[] = {4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB, 64 * MIB};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(pace_enough(&p, 64 * MIB, false), expected[i]);
        assert_int_equal(pace_enough(&p, 64 * MIB, true), 64 * MIB);
        pace_ended(&p, 64 * MIB, i % 2 == 0 ? BATCH_END_BYTES : BATCH_END_AGE, false);
    }
    pace_ended(&p, 64 * MIB, BATCH_END_IDLE, false);
    assert_int_equal(pace_enough(&p, 64 * MIB, false), 4 * MIB);
}

static void test_batches_of_inserts_stay_smaller(void **state)
{
    struct pace p = {.ramp_bytes = 0};
    (void)state;
    for (int i = 0; i < 5; i++) {
        pace_ended(&p, 64 * MIB, BATCH_END_BYTES, true);
    }
    assert_int_equal(pace_enough(&p, 64 * MIB, false), 16 * MIB);
    pace_ended(&p, 64 * MIB, BATCH_END_BYTES, false);
    assert_int_equal(pace_enough(&p, 64 * MIB, false), 32 * MIB);
}

static void test_a_small_limit_is_kept(void **state)
{
    struct pace p = {.ramp_bytes = 0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pace_enough(&p, MIB, false), MIB);
        pace_ended(&p, MIB, BATCH_END_BYTES, i % 2 == 0);
    }
}

/* Ends it, for which reason? -1: it does not. */
static int end_of(const struct pace *p, const struct pace_batch *b, bool is_idle, uint64_t now)
{
    enum batch_end end;
    return pace_ends(p, &options, b, is_idle, now, &end) ? (int)end : -1;
}

static void test_a_batch_ends_when_the_source_is_idle_or_by_its_age(void **state)
{
    const struct pace p = {.ramp_bytes = 0};
    const struct pace_batch b = {.begun_us = START};
    (void)state;
    assert_int_equal(end_of(&p, &b, true, START), BATCH_END_IDLE);
    assert_int_equal(end_of(&p, &b, false, START), -1);
    assert_int_equal(end_of(&p, &b, false, START + 200 * MS - 1), -1);
    assert_int_equal(end_of(&p, &b, false, START + 200 * MS), BATCH_END_AGE);
    assert_int_equal(pace_deadline(&p, &options, &b, START), START + 10 * MS);
    const struct pace_batch none = {.begun_us = 0};
    assert_int_equal(end_of(&p, &none, false, START), -1);
}

static void test_what_nobody_can_read_waits(void **state)
{
    const struct pace p = {.ramp_bytes = 0};
    const struct pace_batch b = {.begun_us = START, .is_unseen = true};
    (void)state;
    assert_int_equal(end_of(&p, &b, true, START + 999 * MS), -1);
    assert_int_equal(end_of(&p, &b, true, START + 1000 * MS), BATCH_END_AGE);
    assert_int_equal(pace_deadline(&p, &options, &b, START), START + 1000 * MS);
}

/* Three times the job, half an age and 50 ms at most. */
static void test_a_short_rest_comes_after_every_job(void **state)
{
    struct pace p = {.ramp_bytes = 0};
    const struct pace_batch b = {.begun_us = START};
    (void)state;
    pace_rest(&p, 200 * MS, &(struct pace_job){.elapsed_us = 5 * MS, .is_plain = true}, START);
    assert_int_equal(end_of(&p, &b, true, START + 15 * MS - 1), -1);
    assert_int_equal(end_of(&p, &b, true, START + 15 * MS), BATCH_END_IDLE);
    assert_int_equal(pace_deadline(&p, &options, &b, START), START + 15 * MS);
    assert_int_equal(pace_deadline(&p, &options, &b, START + 12 * MS), START + 22 * MS);
    pace_rest(&p, 200 * MS, &(struct pace_job){.elapsed_us = 90 * MS, .is_plain = true}, START);
    assert_int_equal(p.rest_until_us, START + 50 * MS);
    pace_rest(&p, 20 * MS, &(struct pace_job){.elapsed_us = 90 * MS, .is_plain = true}, START);
    assert_int_equal(p.rest_until_us, START + 10 * MS);
}

static void test_a_rest_after_a_scan_is_as_long_as_that(void **state)
{
    struct pace p = {.ramp_bytes = 0};
    const struct pace_job scan = {
        .elapsed_us = 800 * MS, .apply_us = 700 * MS, .rows = 10, .is_plain = true};
    struct pace_batch b = {.begun_us = START};
    (void)state;
    pace_rest(&p, 200 * MS, &scan, START);
    /* It is older than it may become, and the source has nothing more. */
    assert_int_equal(end_of(&p, &b, true, START + 700 * MS - 1), -1);
    assert_int_equal(end_of(&p, &b, false, START + 700 * MS - 1), -1);
    assert_int_equal(end_of(&p, &b, true, START + 700 * MS), BATCH_END_IDLE);
    assert_int_equal(pace_deadline(&p, &options, &b, START), START + 700 * MS);
    /* Whoever waits for a place in the log does not wait for all of that. */
    b.is_awaited = true;
    assert_int_equal(end_of(&p, &b, true, START + 50 * MS), BATCH_END_IDLE);
    assert_int_equal(pace_deadline(&p, &options, &b, START), START + 50 * MS);
    struct pace_job longer = scan;
    longer.apply_us = 9000 * MS;
    pace_rest(&p, 200 * MS, &longer, START);
    assert_int_equal(p.rest_until_us, START + 2000 * MS);
}

static void test_what_is_no_scan_has_a_short_rest(void **state)
{
    static const struct pace_job jobs[] = {
        {.elapsed_us = 800 * MS, .apply_us = 200 * MS, .rows = 10, .is_plain = true},
        {.elapsed_us = 800 * MS, .apply_us = 700 * MS, .rows = 35000, .is_plain = true},
        {.elapsed_us = 800 * MS, .apply_us = 700 * MS, .rows = 10, .is_plain = false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        struct pace p = {.ramp_bytes = 0};
        pace_rest(&p, 200 * MS, &jobs[i], START);
        assert_int_equal(p.rest_until_us, START + 50 * MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_grow_from_a_pause_on),
        cmocka_unit_test(test_batches_of_inserts_stay_smaller),
        cmocka_unit_test(test_a_small_limit_is_kept),
        cmocka_unit_test(test_a_batch_ends_when_the_source_is_idle_or_by_its_age),
        cmocka_unit_test(test_what_nobody_can_read_waits),
        cmocka_unit_test(test_a_short_rest_comes_after_every_job),
        cmocka_unit_test(test_a_rest_after_a_scan_is_as_long_as_that),
        cmocka_unit_test(test_what_is_no_scan_has_a_short_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
