/* Clocks. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

/* Microseconds of a clock that never goes back; the origin is arbitrary. */
NODISCARD uint64_t clock_monotonic_us(void);

/* Microseconds since 1970-01-01 00:00:00 UTC. */
NODISCARD int64_t clock_wall_us(void);

#endif
