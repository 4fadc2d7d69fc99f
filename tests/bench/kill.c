/*
 * How long a statement goes on after KILL QUERY, on MariaDB Connector/C.
 *
 *     kill PORT DATABASE COUNT SQL
 *
 * One connection runs the statement over and over; another kills it after a random part of the time
 * that it takes, at most two seconds, until COUNT kills have met it. Prints `ok SECONDS` with the
 * time it takes undisturbed (no more than LONGEST_S), then COUNT lines: microseconds from the KILL
 * to the victim's error. A third connection asks for rows of a small table all the while; a last
 * line `others SECONDS` has its longest answer.
 *
 * Connections go to 127.0.0.1 as root without a password, over TCP.
 */

#include "common.h"

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LONGEST_S = 4, /* The first, undisturbed run is ended after so long. */
    ER_QUERY_INTERRUPTED = 1317,
    ER_QUERY_TIMEOUT = 3024,
};

static const double longest_wait = 2;

static MYSQL *connect_to(unsigned port, const char *database)
{
    MYSQL *mysql = mysql_init(NULL);

    if (!mysql) {
        die("kill: out of memory");
    }
    if (!mysql_real_connect(mysql, "127.0.0.1", "root", NULL, database, port, NULL, 0)) {
        die("kill: port %u: %s", port, mysql_error(mysql));
    }
    return mysql;
}

/* Reads and drops the answer to what was sent. Returns the error's number, or 0. */
static unsigned finish(MYSQL *mysql)
{
    MYSQL_RES *result;

    if (mysql_read_query_result(mysql) != 0) {
        return mysql_errno(mysql);
    }
    result = mysql_use_result(mysql);
    if (!result) {
        return mysql_errno(mysql);
    }
    while (mysql_fetch_row(result)) {
    }
    mysql_free_result(result);
    return mysql_errno(mysql);
}

static unsigned run(MYSQL *mysql, const char *sql)
{
    return mysql_send_query(mysql, sql, strlen(sql)) != 0 ? mysql_errno(mysql) : finish(mysql);
}

static void must(MYSQL *mysql, const char *sql)
{
    if (run(mysql, sql) != 0) {
        die("kill: %s: %s", sql, mysql_error(mysql));
    }
}

/* ---- The third connection ---- */

struct other {
    MYSQL *mysql;
    atomic_bool stop;
    double longest;
};

static void *ask_on(void *argument)
{
    struct other *o = argument;

    while (!atomic_load(&o->stop)) {
        const double began = clock_seconds();
        must(o->mysql, "SELECT COUNT(*) FROM region");
        const double took = clock_seconds() - began;
        o->longest = took > o->longest ? took : o->longest;
        usleep(5000);
    }
    mysql_thread_end();
    return NULL;
}

/* ---- Kills ---- */

/* Seconds from KILL to the error; negative when the statement had ended before. */
static double kill_once(MYSQL *victim, MYSQL *killer, const char *sql, double wait)
{
    char kill[64];
    unsigned code;
    double began;

    snprintf(kill, sizeof(kill), "KILL QUERY %lu", mysql_thread_id(victim));
    if (mysql_send_query(victim, sql, strlen(sql)) != 0) {
        die("kill: %s", mysql_error(victim));
    }
    usleep((useconds_t)(wait * 1e6));
    began = clock_seconds();
    must(killer, kill);
    code = finish(victim);
    if (code == 0) {
        return -1;
    }
    if (code != ER_QUERY_INTERRUPTED) {
        die("kill: %s: %s", sql, mysql_error(victim));
    }
    return clock_seconds() - began;
}

static void kill_often(unsigned port, const char *database, unsigned count, const char *sql)
{
    MYSQL *victim = connect_to(port, database);
    MYSQL *killer = connect_to(port, database);
    struct other other = {.mysql = connect_to(port, database)};
    pthread_t thread;
    char limit[64];
    double began;
    double took;
    unsigned code;

    snprintf(limit, sizeof(limit), "SET max_execution_time = %d", LONGEST_S * 1000);
    must(victim, limit);
    began = clock_seconds();
    code = run(victim, sql);
    took = clock_seconds() - began;
    if (code != 0 && code != ER_QUERY_TIMEOUT) {
        die("kill: %s: %s", sql, mysql_error(victim));
    }
    must(victim, "SET max_execution_time = 0");
    printf("ok %.6f\n", took);
    took = took > longest_wait ? longest_wait : took;
    if (pthread_create(&thread, NULL, ask_on, &other) != 0) {
        die("kill: cannot start a thread");
    }
    for (unsigned done = 0, tries = 0; done < count; tries++) {
        const double after = kill_once(victim, killer, sql, drand48() * took);

        if (tries > count * 20) {
            die("kill: the statement ends too soon: %s", sql);
        }
        if (after >= 0) {
            printf("%.0f\n", after * 1e6);
            done++;
        }
    }
    atomic_store(&other.stop, true);
    pthread_join(thread, NULL);
    printf("others %.6f\n", other.longest);
    mysql_close(victim);
    mysql_close(killer);
    mysql_close(other.mysql);
}

int main(int argc, char **argv)
{
    mysql_library_init(0, NULL, NULL);
    if (argc != 5) {
        die("usage: kill PORT DATABASE COUNT SQL");
    }
    srand48(20);
    kill_often((unsigned)strtoul(argv[1], NULL, 10), argv[2], (unsigned)strtoul(argv[3], NULL, 10),
               argv[4]);
    return 0;
}
