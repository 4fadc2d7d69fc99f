/* Crash points: see crash_point.h. */
#include "engine/crash_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic(const char *) armed;

void crash_points_arm(void)
{
    atomic_store(&armed, getenv("PINTAIL_CRASH_POINT")); /* NOLINT(concurrency-mt-unsafe) */
}

void crash_point(const char *name)
{
    const char *point = atomic_load_explicit(&armed, memory_order_relaxed);
    if (point != NULL && strcmp(point, name) == 0) {
        kill(getpid(), SIGKILL);
    }
}
