#include "base_test.h"

#include "base/clock.h"

#include <unistd.h>

static void test_monotonic_clock_advances(void **state)
{
    (void)state;
    const uint64_t a = clock_monotonic_us();
    (void)usleep(2000);
    const uint64_t b = clock_monotonic_us();
    assert_true(b >= a + 2000);
}

static void test_wall_clock_is_in_this_century(void **state)
{
    (void)state;
    const int64_t year_2020 = INT64_C(1577836800) * 1000000;
    const int64_t year_2100 = INT64_C(4102444800) * 1000000;
    assert_true(clock_wall_us() > year_2020);
    assert_true(clock_wall_us() < year_2100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_clock_advances),
        cmocka_unit_test(test_wall_clock_is_in_this_century),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
