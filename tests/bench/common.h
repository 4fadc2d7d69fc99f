/*
 * What the benchmark programs share: the clock, whole files, and the way they are driven.
 *
 * The programs that answer statements read commands from standard input, one a line, and answer
 * each with one line:
 *
 *     file PATH      runs the one statement in the file      ok ROWS SECONDS
 *     sql TEXT       runs the statement                      error TEXT
 *
 * The clock runs from handing the statement over until its last row has been fetched; rows are
 * dropped.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdint.h>
#include <stdio.h>

/* Ends the program with status 1 and a message on standard error. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* Seconds of a clock that never goes back. */
double clock_seconds(void);

/* The whole file as a NUL-terminated string, which the caller frees; NULL with errno set if it
 * cannot be read. */
char *read_file(const char *path);

/* Runs a statement, fetches and drops its rows. Returns 0 with *out_rows set, or -1 with a message
 * in error. */
typedef int statement_fn(void *connection, const char *sql, uint64_t *out_rows, char error[512]);

/* Answers commands until the input ends. */
void serve_commands(statement_fn *run, void *connection);

#endif
