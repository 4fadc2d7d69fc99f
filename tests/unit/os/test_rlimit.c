#include "os_test.h"

#include "os/rlimit.h"

#include <sys/resource.h>

static void test_limit_of_files_is_never_lowered(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(rlimit_raise_files(1) >= before.rlim_cur);
    assert_true(rlimit_raise_files(before.rlim_max) >= before.rlim_cur);
}

static void test_resident_memory_and_cores_are_known(void **state)
{
    (void)state;
    assert_true(rlimit_resident_bytes() > 100000);
    assert_true(rlimit_cores() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_files_is_never_lowered),
        cmocka_unit_test(test_resident_memory_and_cores_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
