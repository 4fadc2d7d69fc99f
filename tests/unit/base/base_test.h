/* cmocka.h with the includes it wants before it. */
#ifndef UNIT_BASE_BASE_TEST_H
#define UNIT_BASE_BASE_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
