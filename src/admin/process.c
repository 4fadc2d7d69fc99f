/* Metrics of the process: see admin.h. Names without pintail_ are those of all Prometheus clients.
 */
#include "version.gen.h"

#include "admin/admin_int.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "os/offload.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int64_t process_resident_bytes(void *unused)
{
    long long resident = 0;
    (void)unused;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL) {
        return 0;
    }
    if (fscanf(f, "%*s %lld", &resident) != 1) {
        resident = 0;
    }
    (void)fclose(f);
    return resident * sysconf(_SC_PAGESIZE);
}

/* Entries of a directory of /proc/self. */
static int64_t count_entries(void *path)
{
    int64_t n = 0;
    DIR *d = opendir(path);
    if (d == NULL) {
        return 0;
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        n += e->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(d);
    return n;
}

static int64_t cpu_seconds(void *unused)
{
    struct rusage r;
    (void)unused;
    return getrusage(RUSAGE_SELF, &r) == 0 ? r.ru_utime.tv_sec + r.ru_stime.tv_sec : 0;
}

static int64_t start_seconds(void *server)
{
    return ((const struct server *)server)->started_us / 1000000;
}

static int64_t uptime_seconds(void *server)
{
    const struct server *s = server;
    return s->started_us == 0 ? 0 : (clock_wall_us() - s->started_us) / 1000000;
}

static int64_t one(void *unused)
{
    (void)unused;
    return 1;
}

static int64_t running(void *class)
{
    return offload_running((enum offload_class)(uintptr_t)class);
}

static int64_t queued(void *class)
{
    return offload_queued((enum offload_class)(uintptr_t)class);
}

static void register_offload(void)
{
    static const char *const labels[OFFLOAD_CLASSES] = {[OFFLOAD_QUERY] = "class=\"query\"",
                                                        [OFFLOAD_WRITE] = "class=\"write\"",
                                                        [OFFLOAD_CONTROL] = "class=\"control\"",
                                                        [OFFLOAD_FILE] = "class=\"file\""};
    for (uintptr_t i = 0; i < OFFLOAD_CLASSES; i++) {
        metrics_read_new(METRICS_GAUGE, "pintail_offload_running",
                         "Engine steps and the like that run now.", labels[i], running, (void *)i);
        metrics_read_new(METRICS_GAUGE, "pintail_offload_queued",
                         "Engine steps and the like that wait for a thread.", labels[i], queued,
                         (void *)i);
    }
}

void admin_register_process_metrics(struct server *server)
{
    static char fds[] = "/proc/self/fd";
    static char threads[] = "/proc/self/task";
    metrics_read_new(METRICS_GAUGE, "process_resident_memory_bytes", "Resident memory.", NULL,
                     process_resident_bytes, NULL);
    metrics_read_new(METRICS_GAUGE, "process_open_fds", "Open file descriptors.", NULL,
                     count_entries, fds);
    metrics_read_new(METRICS_GAUGE, "process_threads", "Threads.", NULL, count_entries, threads);
    metrics_read_new(METRICS_COUNTER, "process_cpu_seconds_total", "CPU time, user and system.",
                     NULL, cpu_seconds, NULL);
    metrics_read_new(METRICS_GAUGE, "process_start_time_seconds", "Start, seconds since 1970.",
                     NULL, start_seconds, server);
    metrics_read_new(METRICS_GAUGE, "pintail_uptime_seconds", "Seconds since the start.", NULL,
                     uptime_seconds, server);
    metrics_read_new(METRICS_GAUGE, "pintail_info", "The version, as a label.",
                     "version=\"" PINTAIL_VERSION "\"", one, NULL);
    register_offload();
}
