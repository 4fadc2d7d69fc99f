/*
 * A MySQL client for benchmarks, on MariaDB Connector/C.
 *
 *     client session PORT [DATABASE]               one connection that answers the commands of
 * common.h client rate PORT KIND CONNECTIONS SECONDS    statements per second; KIND is select or
 * prepared client idle PORT CONNECTIONS                 opens connections and keeps them until its
 * input ends
 *
 * Connections go to 127.0.0.1 as root without a password, over TCP. `rate` has one thread a
 * connection, each sending its next statement when it has the whole answer to the last; it prints
 * `ok COUNT SECONDS P50 P99`, latencies in microseconds, counted after a warm-up. `idle` prints `ok
 * CONNECTIONS SECONDS` when all are there.
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
    /* Latencies are counted in buckets of one microsecond; the last takes all that are longer. */
    BUCKETS = 200000,
    CONNECTING_THREADS = 8,
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

/* What the threads of `rate` share. */
struct rate {
    unsigned port;
    bool prepared;
    atomic_int phase; /* 0 = warming up, 1 = counted, 2 = at the end */
    pthread_barrier_t ready;
};

struct rate_thread {
    struct rate *shared;
    pthread_t thread;
    uint64_t count;
    uint32_t *latencies; /* BUCKETS counters */
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

static void count_latency(struct rate_thread *self, double seconds)
{
    const double micros = seconds * 1e6;

    self->count++;
    self->latencies[micros < BUCKETS - 1 ? (size_t)micros : BUCKETS - 1]++;
}

static void *rate_main(void *argument)
{
    struct rate_thread *self = argument;
    MYSQL *mysql = connect_to(self->shared->port, NULL);
    long long value = 1;
    long long result = 0;
    MYSQL_STMT *statement = self->shared->prepared ? prepare_select(mysql, &value, &result) : NULL;
    double began = 0;
    double now = 0;

    pthread_barrier_wait(&self->shared->ready);
    for (int phase = 0; phase < 2;
         phase = atomic_load_explicit(&self->shared->phase, memory_order_relaxed)) {
        began = phase == 1 && now > 0 ? now : clock_seconds();
        if (statement) {
            execute_once(statement);
        } else {
            select_once(mysql);
        }
        now = clock_seconds();
        if (phase == 1) {
            count_latency(self, now - began);
        }
    }
    if (statement) {
        mysql_stmt_close(statement);
    }
    mysql_close(mysql);
    mysql_thread_end();
    return NULL;
}

/* The latency, in microseconds, below which `fraction` of the statements were answered. */
static unsigned percentile(const uint64_t *latencies, uint64_t count, double fraction)
{
    const uint64_t wanted = (uint64_t)((double)count * fraction);
    uint64_t seen = 0;

    for (unsigned at = 0; at < BUCKETS; at++) {
        seen += latencies[at];
        if (seen > wanted) {
            return at + 1;
        }
    }
    return BUCKETS;
}

static void print_rate(const struct rate_thread *threads, unsigned connections, double seconds)
{
    uint64_t *latencies = calloc(BUCKETS, sizeof *latencies);
    uint64_t count = 0;

    if (!latencies) {
        die("client: out of memory");
    }
    for (unsigned i = 0; i < connections; i++) {
        count += threads[i].count;
        for (unsigned at = 0; at < BUCKETS; at++) {
            latencies[at] += threads[i].latencies[at];
        }
    }
    printf("ok %llu %.6f %u %u\n", (unsigned long long)count, seconds,
           percentile(latencies, count, 0.5), percentile(latencies, count, 0.99));
    free(latencies);
}

static void sleep_seconds(double seconds)
{
    usleep((useconds_t)(seconds * 1e6));
}

static int measure_rate(unsigned port, const char *kind, unsigned connections, double seconds)
{
    struct rate shared = {.port = port, .prepared = strcmp(kind, "prepared") == 0};
    struct rate_thread *threads = calloc(connections, sizeof *threads);
    double began;

    if (!threads) {
        die("client: out of memory");
    }
    pthread_barrier_init(&shared.ready, NULL, connections + 1);
    for (unsigned i = 0; i < connections; i++) {
        threads[i].shared = &shared;
        threads[i].latencies = calloc(BUCKETS, sizeof *threads[i].latencies);
        if (!threads[i].latencies ||
            pthread_create(&threads[i].thread, NULL, rate_main, &threads[i]) != 0) {
            die("client: cannot start %u threads", connections);
        }
    }
    pthread_barrier_wait(&shared.ready);
    sleep_seconds(warm_up_seconds);
    began = clock_seconds();
    atomic_store(&shared.phase, 1);
    sleep_seconds(seconds);
    atomic_store(&shared.phase, 2);
    seconds = clock_seconds() - began;
    for (unsigned i = 0; i < connections; i++) {
        pthread_join(threads[i].thread, NULL);
    }
    print_rate(threads, connections, seconds);
    for (unsigned i = 0; i < connections; i++) {
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
    MYSQL **all;
};

static void *open_main(void *argument)
{
    const struct opener *self = argument;

    for (unsigned i = self->first; i < self->connections; i += CONNECTING_THREADS) {
        self->all[i] = connect_to(self->port, NULL);
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

static int hold_idle(unsigned port, unsigned connections)
{
    struct opener openers[CONNECTING_THREADS];
    MYSQL **all = calloc(connections, sizeof(MYSQL *));
    const double began = clock_seconds();

    if (!all) {
        die("client: out of memory");
    }
    allow_files(connections + 64);
    for (unsigned i = 0; i < CONNECTING_THREADS; i++) {
        openers[i] =
            (struct opener){.port = port, .first = i, .connections = connections, .all = all};
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

int main(int argc, char **argv)
{
    mysql_library_init(0, NULL, NULL);
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "session") == 0) {
        return serve_session(number(argv[2]), argc == 4 ? argv[3] : NULL);
    }
    if (argc == 6 && strcmp(argv[1], "rate") == 0) {
        return measure_rate(number(argv[2]), argv[3], number(argv[4]), strtod(argv[5], NULL));
    }
    if (argc == 4 && strcmp(argv[1], "idle") == 0) {
        return hold_idle(number(argv[2]), number(argv[3]));
    }
    die("usage: client session PORT [DATABASE] | rate PORT KIND CONNECTIONS SECONDS | idle PORT CONNECTIONS");
}
