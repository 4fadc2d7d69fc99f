/*
 * A MySQL client for benchmarks, on MariaDB Connector/C.
 *
 *     client session PORT [DATABASE]
 *         one connection that answers the commands of common.h
 *     client rate PORT KIND CONNECTIONS SECONDS [DATABASE SQL MAXIMUM]
 *         statements per second; KIND is one of
 *             select    SELECT 1
 *             prepared  executions of SELECT ?
 *             query     SQL, its question marks replaced by random numbers from 1 to MAXIMUM
 *             connect   connecting and disconnecting
 *     client idle PORT CONNECTIONS [SQL]
 *         opens connections, runs SQL on each, and keeps them until its input ends
 *
 * Connections go to 127.0.0.1 as root without a password, over TCP; with TLS if BENCH_TLS in the
 * environment names a file of certificates. `rate` has one thread a connection, each sending its
 * next statement when it has the whole answer to the last; it prints `ok COUNT SECONDS P50 P95 P99
 * MEAN`, latencies in microseconds, counted after a warm-up. `idle` prints `ok CONNECTIONS SECONDS`
 * when all are there.
 */

#include "common.h"

#include <errno.h>
#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const double warm_up_seconds = 0.5;

enum {
    /* Latencies are counted in buckets whose width is at most 1/256 of what they hold: SUB_BUCKETS
     * for each power of two of nanoseconds. */
    SUB_BUCKETS = 256,
    SUB_BITS = 8,
    BUCKETS = (64 - SUB_BITS + 1) * SUB_BUCKETS,
    CONNECTING_THREADS = 8,
    QUERY_SIZE = 4096,
};

static MYSQL *connect_to(unsigned port, const char *database)
{
    MYSQL *mysql = mysql_init(NULL);
    const unsigned enabled = 1;

    if (!mysql) {
        die("client: out of memory");
    }
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &enabled);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    /* With an authority given, the library does not read the system's for every connection. */
    if (getenv("BENCH_TLS")) {
        mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enabled);
        mysql_options(mysql, MYSQL_OPT_SSL_CA, getenv("BENCH_TLS"));
    }
    if (!mysql_real_connect(mysql, "127.0.0.1", "root", NULL, database, port, NULL, 0)) {
        die("client: port %u: %s", port, mysql_error(mysql));
    }
    return mysql;
}

/* Fetches and drops all rows of the statement that was just sent. */
static int drop_rows(MYSQL *mysql, uint64_t *out_rows)
{
    MYSQL_RES *result = mysql_use_result(mysql);

    if (!result) {
        *out_rows = mysql_affected_rows(mysql);
        return mysql_field_count(mysql) == 0 ? 0 : -1;
    }
    while (mysql_fetch_row(result)) {
        ++*out_rows;
    }
    mysql_free_result(result);
    return mysql_errno(mysql) ? -1 : 0;
}

static int run_statement(void *connection, const char *sql, uint64_t *out_rows, char error[512])
{
    MYSQL *mysql = connection;

    if (mysql_real_query(mysql, sql, strlen(sql)) == 0 && drop_rows(mysql, out_rows) == 0) {
        return 0;
    }
    snprintf(error, 512, "%u %s", mysql_errno(mysql), mysql_error(mysql));
    return -1;
}

static int serve_session(unsigned port, const char *database)
{
    MYSQL *mysql = connect_to(port, database);

    serve_commands(run_statement, mysql);
    mysql_close(mysql);
    return 0;
}

enum kind {
    KIND_SELECT,
    KIND_PREPARED,
    KIND_QUERY,
    KIND_CONNECT,
};

/* What `rate` was asked for. */
struct rate_options {
    unsigned port;
    enum kind kind;
    unsigned connections;
    double seconds;
    const char *database; /* or NULL */
    const char *sql;
    unsigned maximum; /* of the numbers put in for question marks */
};

/* What the threads of `rate` share. */
struct rate {
    const struct rate_options *options;
    atomic_int phase; /* 0 = warming up, 1 = counted, 2 = at the end */
    pthread_barrier_t ready;
};

struct rate_thread {
    struct rate *shared;
    pthread_t thread;
    unsigned number;
    uint64_t count;
    double seconds;      /* of all statements counted */
    uint32_t *latencies; /* BUCKETS counters */
};

/* What one connection of `rate` needs for its next statement. */
struct work {
    const struct rate_options *options;
    MYSQL *mysql;          /* NULL with KIND_CONNECT */
    MYSQL_STMT *statement; /* with KIND_PREPARED */
    long long value;       /* its parameter */
    long long result;      /* and where its column goes */
    uint64_t random;       /* state of the generator */
};

static void select_once(MYSQL *mysql)
{
    uint64_t rows = 0;

    if (mysql_real_query(mysql, "SELECT 1", 8) != 0 || drop_rows(mysql, &rows) != 0 || rows != 1) {
        die("client: SELECT 1: %s", mysql_error(mysql));
    }
}

static void execute_once(MYSQL_STMT *statement)
{
    if (mysql_stmt_execute(statement) != 0 || mysql_stmt_store_result(statement) != 0 ||
        mysql_stmt_fetch(statement) != 0) {
        die("client: SELECT ?: %s", mysql_stmt_error(statement));
    }
    mysql_stmt_free_result(statement);
}

/* A number from 1 to the maximum; the generator is Marsaglia's xorshift. */
static unsigned random_number(struct work *work)
{
    work->random ^= work->random << 13;
    work->random ^= work->random >> 7;
    work->random ^= work->random << 17;
    return (unsigned)(work->random % work->options->maximum) + 1;
}

static void query_once(struct work *work)
{
    char text[QUERY_SIZE];
    size_t used = 0;
    uint64_t rows = 0;

    for (const char *at = work->options->sql; *at; at++) {
        if (used + 16 > sizeof text) {
            die("client: the statement is too long");
        }
        if (*at == '?') {
            used += (size_t)snprintf(text + used, 16, "%u", random_number(work));
        } else {
            text[used++] = *at;
        }
    }
    if (mysql_real_query(work->mysql, text, used) != 0 || drop_rows(work->mysql, &rows) != 0) {
        die("client: %.*s: %s", (int)used, text, mysql_error(work->mysql));
    }
}

/* `SELECT ?` with one BIGINT; value and answer are the caller's for as long as it executes. */
static MYSQL_STMT *prepare_select(MYSQL *mysql, long long *value, long long *result)
{
    MYSQL_STMT *statement = mysql_stmt_init(mysql);
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = value};

    if (!statement || mysql_stmt_prepare(statement, "SELECT ?", 8) != 0 ||
        mysql_stmt_bind_param(statement, &bind) != 0) {
        die("client: prepare: %s", mysql_error(mysql));
    }
    bind.buffer = result;
    if (mysql_stmt_bind_result(statement, &bind) != 0) {
        die("client: bind: %s", mysql_stmt_error(statement));
    }
    return statement;
}

static void begin_work(struct work *work, const struct rate_thread *thread)
{
    const struct rate_options *options = thread->shared->options;

    *work = (struct work){.options = options, .value = 1};
    work->random = 0x9E3779B97F4A7C15u * (thread->number + 1u);
    if (options->kind != KIND_CONNECT) {
        work->mysql = connect_to(options->port, options->database);
    }
    if (options->kind == KIND_PREPARED) {
        work->statement = prepare_select(work->mysql, &work->value, &work->result);
    }
}

static void work_once(struct work *work)
{
    switch (work->options->kind) {
    case KIND_SELECT:
        select_once(work->mysql);
        break;
    case KIND_PREPARED:
        execute_once(work->statement);
        break;
    case KIND_QUERY:
        query_once(work);
        break;
    case KIND_CONNECT:
        mysql_close(connect_to(work->options->port, work->options->database));
        break;
    }
}

static void end_work(struct work *work)
{
    if (work->statement) {
        mysql_stmt_close(work->statement);
    }
    if (work->mysql) {
        mysql_close(work->mysql);
    }
}

/* The bucket of a latency: small ones have one each, others share their highest bits. */
static size_t bucket_of(uint64_t nanoseconds)
{
    unsigned shift = 0;

    while (nanoseconds >> shift >= 2 * SUB_BUCKETS) {
        shift++;
    }
    return (size_t)shift * SUB_BUCKETS + (size_t)(nanoseconds >> shift);
}

/* The middle of a bucket, in microseconds. */
static double latency_of(size_t bucket)
{
    const unsigned shift = bucket < 2 * SUB_BUCKETS ? 0 : (unsigned)(bucket / SUB_BUCKETS) - 1;
    const double low = (double)(bucket - (size_t)shift * SUB_BUCKETS);

    return (low + 0.5) * (double)(1ull << shift) / 1e3;
}

static void count_latency(struct rate_thread *self, double seconds)
{
    self->count++;
    self->seconds += seconds;
    self->latencies[bucket_of((uint64_t)(seconds * 1e9))]++;
}

static void *rate_main(void *argument)
{
    struct rate_thread *self = argument;
    struct work work;
    double began = 0;
    double now = 0;

    begin_work(&work, self);
    pthread_barrier_wait(&self->shared->ready);
    for (int phase = 0; phase < 2;
         phase = atomic_load_explicit(&self->shared->phase, memory_order_relaxed)) {
        began = phase == 1 && now > 0 ? now : clock_seconds();
        work_once(&work);
        now = clock_seconds();
        if (phase == 1) {
            count_latency(self, now - began);
        }
    }
    end_work(&work);
    mysql_thread_end();
    return NULL;
}

/* The latency, in microseconds, below which `fraction` of the statements were answered. */
static double percentile(const uint64_t *latencies, uint64_t count, double fraction)
{
    const uint64_t wanted = (uint64_t)((double)count * fraction);
    uint64_t seen = 0;

    for (size_t at = 0; at < BUCKETS; at++) {
        seen += latencies[at];
        if (seen > wanted) {
            return latency_of(at);
        }
    }
    return 0;
}

static void print_rate(const struct rate_thread *threads, unsigned connections, double seconds)
{
    uint64_t *latencies = calloc(BUCKETS, sizeof *latencies);
    uint64_t count = 0;
    double sum = 0;

    if (!latencies) {
        die("client: out of memory");
    }
    for (unsigned i = 0; i < connections; i++) {
        count += threads[i].count;
        sum += threads[i].seconds;
        for (unsigned at = 0; at < BUCKETS; at++) {
            latencies[at] += threads[i].latencies[at];
        }
    }
    printf("ok %llu %.6f %.3f %.3f %.3f %.3f\n", (unsigned long long)count, seconds,
           percentile(latencies, count, 0.5), percentile(latencies, count, 0.95),
           percentile(latencies, count, 0.99), count ? sum / (double)count * 1e6 : 0);
    free(latencies);
}

static void sleep_seconds(double seconds)
{
    usleep((useconds_t)(seconds * 1e6));
}

static void start_threads(struct rate *shared, struct rate_thread *threads)
{
    for (unsigned i = 0; i < shared->options->connections; i++) {
        threads[i].shared = shared;
        threads[i].number = i;
        threads[i].latencies = calloc(BUCKETS, sizeof *threads[i].latencies);
        if (!threads[i].latencies ||
            pthread_create(&threads[i].thread, NULL, rate_main, &threads[i]) != 0) {
            die("client: cannot start %u threads", shared->options->connections);
        }
    }
}

static int measure_rate(const struct rate_options *options)
{
    struct rate shared = {.options = options};
    struct rate_thread *threads = calloc(options->connections, sizeof *threads);
    double began;
    double seconds;

    if (!threads) {
        die("client: out of memory");
    }
    pthread_barrier_init(&shared.ready, NULL, options->connections + 1);
    start_threads(&shared, threads);
    pthread_barrier_wait(&shared.ready);
    sleep_seconds(warm_up_seconds);
    began = clock_seconds();
    atomic_store(&shared.phase, 1);
    sleep_seconds(options->seconds);
    atomic_store(&shared.phase, 2);
    seconds = clock_seconds() - began;
    for (unsigned i = 0; i < options->connections; i++) {
        pthread_join(threads[i].thread, NULL);
    }
    print_rate(threads, options->connections, seconds);
    for (unsigned i = 0; i < options->connections; i++) {
        free(threads[i].latencies);
    }
    free(threads);
    pthread_barrier_destroy(&shared.ready);
    return 0;
}

/* A thread of `idle` opens every CONNECTING_THREADS-th connection from `first` on. */
struct opener {
    pthread_t thread;
    unsigned port;
    unsigned first;
    unsigned connections;
    const char *sql; /* or NULL */
    MYSQL **all;
};

static void *open_main(void *argument)
{
    const struct opener *self = argument;
    char error[512];
    uint64_t rows = 0;

    for (unsigned i = self->first; i < self->connections; i += CONNECTING_THREADS) {
        self->all[i] = connect_to(self->port, NULL);
        if (self->sql && run_statement(self->all[i], self->sql, &rows, error) != 0) {
            die("client: %s: %s", self->sql, error);
        }
    }
    mysql_thread_end();
    return NULL;
}

static void allow_files(unsigned count)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < count) {
        limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < count) {
        die("client: %u open files are allowed, %u needed (ulimit -n)", (unsigned)limit.rlim_cur,
            count);
    }
}

static int hold_idle(unsigned port, unsigned connections, const char *sql)
{
    struct opener openers[CONNECTING_THREADS];
    MYSQL **all = calloc(connections, sizeof(MYSQL *));
    const double began = clock_seconds();

    if (!all) {
        die("client: out of memory");
    }
    allow_files(connections + 64);
    for (unsigned i = 0; i < CONNECTING_THREADS; i++) {
        openers[i] = (struct opener){
            .port = port, .first = i, .connections = connections, .sql = sql, .all = all};
        if (pthread_create(&openers[i].thread, NULL, open_main, &openers[i]) != 0) {
            die("client: cannot start a thread");
        }
    }
    for (unsigned i = 0; i < CONNECTING_THREADS; i++) {
        pthread_join(openers[i].thread, NULL);
    }
    printf("ok %u %.6f\n", connections, clock_seconds() - began);
    fflush(stdout);
    while (getchar() != EOF) {
        /* The end of the input is the sign to leave. */
    }
    for (unsigned i = 0; i < connections; i++) {
        mysql_close(all[i]);
    }
    free(all);
    return 0;
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value > 1000000) {
        die("client: not a number in range: %s", text);
    }
    return (unsigned)value;
}

static enum kind kind_of(const char *name)
{
    static const char *const names[] = {
        [KIND_SELECT] = "select",
        [KIND_PREPARED] = "prepared",
        [KIND_QUERY] = "query",
        [KIND_CONNECT] = "connect",
    };

    for (unsigned kind = KIND_SELECT; kind <= KIND_CONNECT; kind++) {
        if (strcmp(name, names[kind]) == 0) {
            return (enum kind)kind;
        }
    }
    die("client: no kind of statement: %s", name);
}

static int rate_of_arguments(int argc, char **argv)
{
    const struct rate_options options = {
        .port = number(argv[2]),
        .kind = kind_of(argv[3]),
        .connections = number(argv[4]),
        .seconds = strtod(argv[5], NULL),
        .database = argc == 9 ? argv[6] : NULL,
        .sql = argc == 9 ? argv[7] : "SELECT 1",
        .maximum = argc == 9 ? number(argv[8]) : 1,
    };

    if (options.maximum == 0) {
        die("client: the maximum must not be 0");
    }
    return measure_rate(&options);
}

int main(int argc, char **argv)
{
    mysql_library_init(0, NULL, NULL);
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "session") == 0) {
        return serve_session(number(argv[2]), argc == 4 ? argv[3] : NULL);
    }
    if ((argc == 6 || argc == 9) && strcmp(argv[1], "rate") == 0) {
        return rate_of_arguments(argc, argv);
    }
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "idle") == 0) {
        return hold_idle(number(argv[2]), number(argv[3]), argc == 5 ? argv[4] : NULL);
    }
    die("usage: client session PORT [DATABASE] | idle PORT CONNECTIONS [SQL] | "
        "rate PORT KIND CONNECTIONS SECONDS [DATABASE SQL MAXIMUM]");
}
