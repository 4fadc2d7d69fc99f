#include "base_test.h"

#include "base/histogram.h"

static void test_bucket_holds_its_values(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 100000; us++) {
        const unsigned b = histogram_bucket(us);
        assert_true(us <= histogram_bucket_top(b));
        assert_true(b == 0 || us > histogram_bucket_top(b - 1));
    }
}

static void test_bucket_is_an_eighth_of_its_value_wide(void **state)
{
    (void)state;
    for (unsigned b = 8; b < HISTOGRAM_BUCKETS; b++) {
        const uint64_t bottom = histogram_bucket_top(b - 1) + 1;
        assert_true((histogram_bucket_top(b) + 1 - bottom) * 8 <= bottom);
    }
}

static void test_bucket_of_what_is_too_long_is_the_last(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket((UINT64_C(1) << 33) - 1), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket_top(HISTOGRAM_BUCKETS - 1), (UINT64_C(1) << 33) - 1);
}

static void test_quantile_of_a_spread(void **state)
{
    (void)state;
    uint64_t counts[HISTOGRAM_BUCKETS] = {0};
    assert_int_equal(histogram_quantile(counts, 0.5), 0);
    for (uint64_t us = 1; us <= 1000; us++) {
        counts[histogram_bucket(us)]++;
    }
    assert_in_range(histogram_quantile(counts, 0.5), 500, 563);
    assert_in_range(histogram_quantile(counts, 0.95), 950, 1069);
    assert_int_equal(histogram_quantile(counts, 0), 1);
    assert_in_range(histogram_quantile(counts, 1), 1000, 1125);
}

static void test_quantile_of_one_value_is_that_value(void **state)
{
    (void)state;
    uint64_t counts[HISTOGRAM_BUCKETS] = {0};
    counts[histogram_bucket(5)] = 1;
    assert_int_equal(histogram_quantile(counts, 0.5), 5);
    assert_int_equal(histogram_quantile(counts, 0.99), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_holds_its_values),
        cmocka_unit_test(test_bucket_is_an_eighth_of_its_value_wide),
        cmocka_unit_test(test_bucket_of_what_is_too_long_is_the_last),
        cmocka_unit_test(test_quantile_of_a_spread),
        cmocka_unit_test(test_quantile_of_one_value_is_that_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
