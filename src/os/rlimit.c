#include "os/rlimit.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

uint64_t rlimit_raise_files(uint64_t want)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) != 0) {
        return 0;
    }
    struct rlimit higher = {.rlim_cur = MAX(now.rlim_cur, (rlim_t)want),
                            .rlim_max = MAX(now.rlim_max, (rlim_t)want)};
    if (setrlimit(RLIMIT_NOFILE, &higher) != 0) {
        higher.rlim_max = now.rlim_max;
        higher.rlim_cur = MIN(higher.rlim_cur, now.rlim_max);
        (void)setrlimit(RLIMIT_NOFILE, &higher);
    }
    (void)getrlimit(RLIMIT_NOFILE, &now);
    return (uint64_t)now.rlim_cur;
}

uint64_t rlimit_resident_bytes(void)
{
    /* proc(5), statm: pages; size, resident, … */
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) {
        return 0;
    }
    unsigned long long size = 0;
    unsigned long long resident = 0;
    const int fields = fscanf(f, "%llu %llu", &size, &resident); /* NOLINT(cert-err34-c) */
    (void)fclose(f);
    return fields == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

unsigned rlimit_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    const int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
