/* Crash points: see crash_point.h. */
#include "engine/crash_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic(const char *) armed;
static atomic_ulong passes_left; /* Before the one that ends the process. */

void crash_points_arm(void)
{
    const char *point = getenv("PINTAIL_CRASH_POINT"); /* NOLINT(concurrency-mt-unsafe) */
    const char *count = point != NULL ? strchr(point, ':') : NULL;
    atomic_store(&passes_left, count != NULL ? strtoul(count + 1, NULL, 10) : 0);
    atomic_store(&armed, point);
}

void crash_point(const char *name)
{
    const char *point = atomic_load_explicit(&armed, memory_order_relaxed);
    const size_t len = point != NULL ? strcspn(point, ":") : 0;
    if (point != NULL && strncmp(point, name, len) == 0 && name[len] == '\0' &&
        atomic_fetch_sub(&passes_left, 1) == 0) {
        kill(getpid(), SIGKILL);
    }
}
