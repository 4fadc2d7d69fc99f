/* cmocka.h with the includes it wants before it. */
#ifndef TYPES_COLLATION_TEST_H
#define TYPES_COLLATION_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
/* clang-format on */

#endif
