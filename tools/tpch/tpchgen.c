/*
 * Generates the tables of TPC-H as files of text: fields separated by '|', a row a line, nothing
 * quoted.
 *
 * Threads take chunks of a table in order, generate them into buffers of their own, and write them
 * out in turn, so the result does not depend on how many there are.
 */
#include "rows.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK_GROUPS = 1024,
    THREADS_MAX = 64
};

static const char usage[] =
    "usage: tpchgen [-s SCALE] [-t TABLE|all] [-o DIR] [-T THREADS] [-v]\n"
    "  -s SCALE    scale factor, 1 is about 1 GB (default 0.01)\n"
    "  -t TABLE    region, nation, supplier, part, partsupp, customer, orders, lineitem, or all (default)\n"
    "  -o DIR      where TABLE.tbl is written (default .); - writes to the standard output\n"
    "  -T THREADS  how many to use (default 1)\n"
    "  -v          tell what was written\n";

/* The generation of one table. */
struct job {
    const struct table *table;
    const struct scale *scale;
    int fd;

    pthread_mutex_t lock;
    pthread_cond_t turn;
    uint64_t next_chunk; /* to be taken by a thread */
    uint64_t next_write; /* whose turn it is to be written */
    uint64_t chunk_count;
    uint64_t bytes;
    int error; /* the first errno of a write */
};

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void generate_chunk(const struct job *job, uint64_t chunk, struct out *out)
{
    uint64_t first = chunk * CHUNK_GROUPS;
    uint64_t end = first + CHUNK_GROUPS;
    uint64_t count = job->table->groups(job->scale);

    out->used = 0;
    for (uint64_t i = first; i < end && i < count; i++) {
        job->table->put(job->scale, i, out);
    }
}

/* A thread: takes chunks until there are none left or a write failed. */
static void *work(void *arg)
{
    struct job *job = arg;
    struct out out = {malloc((size_t)CHUNK_GROUPS * ROW_GROUP_MAX), 0};

    pthread_mutex_lock(&job->lock);
    if (out.data == NULL && job->error == 0) {
        job->error = ENOMEM;
    }
    while (job->error == 0 && job->next_chunk < job->chunk_count) {
        uint64_t chunk = job->next_chunk++;
        int error;

        pthread_mutex_unlock(&job->lock);
        generate_chunk(job, chunk, &out);
        pthread_mutex_lock(&job->lock);
        while (job->next_write != chunk && job->error == 0) {
            pthread_cond_wait(&job->turn, &job->lock);
        }
        if (job->error != 0) {
            break;
        }
        /* Nobody else can have the turn meanwhile. */
        pthread_mutex_unlock(&job->lock);
        error = write_all(job->fd, out.data, out.used);
        pthread_mutex_lock(&job->lock);
        job->error = error;
        job->bytes += out.used;
        job->next_write++;
        pthread_cond_broadcast(&job->turn);
    }
    pthread_cond_broadcast(&job->turn);
    pthread_mutex_unlock(&job->lock);
    free(out.data);
    return NULL;
}

/* Runs a job to its end; returns 0 or an errno. */
static int run_job(struct job *job, unsigned thread_count)
{
    pthread_t threads[THREADS_MAX];
    unsigned started = 0;

    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->turn, NULL);
    job->chunk_count = (job->table->groups(job->scale) + CHUNK_GROUPS - 1) / CHUNK_GROUPS;
    /* This thread is one of them. */
    while (started + 1 < thread_count && pthread_create(&threads[started], NULL, work, job) == 0) {
        started++;
    }
    work(job);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_cond_destroy(&job->turn);
    pthread_mutex_destroy(&job->lock);
    return job->error;
}

struct options {
    struct scale scale;
    const char *table; /* NULL for all */
    const char *dir;
    unsigned threads;
    bool verbose;
};

static bool is_stdout(const struct options *o)
{
    return strcmp(o->dir, "-") == 0;
}

/* Writes one table; returns 0, or -1 after a message. */
static int generate_table(const struct options *o, const struct table *table)
{
    struct job job = {.table = table, .scale = &o->scale, .fd = STDOUT_FILENO};
    char path[4096] = "(standard output)";
    int error;

    if (!is_stdout(o)) {
        snprintf(path, sizeof(path), "%s/%s.tbl", o->dir, table->name);
        job.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (job.fd < 0) {
            fprintf(stderr, "tpchgen: %s: %s\n", path, strerror(errno));
            return -1;
        }
    }
    error = run_job(&job, o->threads);
    if (!is_stdout(o) && close(job.fd) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        fprintf(stderr, "tpchgen: %s: %s\n", path, strerror(error));
        return -1;
    }
    if (o->verbose) {
        fprintf(stderr, "tpchgen: %-8s %12" PRIu64 " bytes\n", table->name, job.bytes);
    }
    return 0;
}

static _Noreturn void usage_error(const char *message)
{
    fprintf(stderr, "tpchgen: %s\n%s", message, usage);
    exit(2);
}

static double parse_scale(const char *s)
{
    char *end;
    double scale = strtod(s, &end);

    if (*end != '\0' || !(scale > 0) || scale > 100000) {
        usage_error("the scale factor must be a number above 0, at most 100000");
    }
    return scale;
}

static unsigned parse_threads(const char *s)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    if (*end != '\0' || n < 1 || n > THREADS_MAX) {
        usage_error("the number of threads must be from 1 to 64");
    }
    return (unsigned)n;
}

static struct options parse_options(int argc, char **argv)
{
    struct options o = {.scale = scale_of(0.01), .dir = ".", .threads = 1};
    int c;

    while ((c = getopt(argc, argv, "s:t:o:T:vh")) != -1) {
        switch (c) {
        case 's':
            o.scale = scale_of(parse_scale(optarg));
            break;
        case 't':
            o.table = strcmp(optarg, "all") == 0 ? NULL : optarg;
            break;
        case 'o':
            o.dir = optarg;
            break;
        case 'T':
            o.threads = parse_threads(optarg);
            break;
        case 'v':
            o.verbose = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (optind < argc) {
        usage_error("unexpected argument");
    }
    return o;
}

int main(int argc, char **argv)
{
    struct options o = parse_options(argc, argv);
    bool found = false;
    int status = 0;

    text_init();
    for (int i = 0; i < TABLE_COUNT && status == 0; i++) {
        if (o.table == NULL || strcmp(o.table, tpch_tables[i].name) == 0) {
            found = true;
            status = generate_table(&o, &tpch_tables[i]);
        }
    }
    text_release();
    if (!found) {
        usage_error("there is no such table");
    }
    return status == 0 ? 0 : 1;
}
