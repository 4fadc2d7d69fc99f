/* What the tests of os/ share: running a scenario in a fiber, with the includes cmocka wants first.
 */
#ifndef UNIT_OS_OS_TEST_H
#define UNIT_OS_OS_TEST_H

#include "base/clock.h"
#include "os/fiber.h"

/* cmocka.h wants the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* Milliseconds from now, as a deadline. */
static inline uint64_t in_ms(uint64_t ms)
{
    return clock_monotonic_us() + ms * 1000;
}

/* Runs fn(arg) in a fiber of a loop of its own. cmocka's failures must not jump between stacks:
 * fibers use check(). */
static inline void run_in_fiber(fiber_fn *fn, void *arg)
{
    assert_int_equal(fiber_run(fn, arg), 0);
}

/* A condition inside a fiber or on another thread: ends the program with the place. */
#define check(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #cond);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
