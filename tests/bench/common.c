/* The clock, whole files, and the loop that reads commands. See common.h. */

#include "common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

double clock_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

char *read_file(const char *path)
{
    struct stat info;
    char *text = NULL;
    size_t size;
    FILE *file = fopen(path, "rb");

    if (!file) {
        return NULL;
    }
    if (fstat(fileno(file), &info) == 0 && (text = malloc((size_t)info.st_size + 1)) != NULL) {
        size = fread(text, 1, (size_t)info.st_size, file);
        text[size] = '\0';
    }
    fclose(file);
    return text;
}

static void answer(statement_fn *run, void *connection, const char *sql)
{
    char error[512] = "";
    uint64_t rows = 0;
    const double began = clock_seconds();

    if (run(connection, sql, &rows, error) == 0) {
        printf("ok %llu %.6f\n", (unsigned long long)rows, clock_seconds() - began);
        return;
    }
    /* The answer is one line, whatever the message holds. */
    for (char *at = error; *at; at++) {
        if (*at == '\n') {
            *at = ' ';
        }
    }
    printf("error %s\n", error);
}

static void run_command(statement_fn *run, void *connection, const char *line)
{
    char *text;

    if (strncmp(line, "sql ", 4) == 0) {
        answer(run, connection, line + 4);
    } else if (strncmp(line, "file ", 5) == 0) {
        text = read_file(line + 5);
        if (text) {
            answer(run, connection, text);
            free(text);
        } else {
            printf("error %s: %s\n", line + 5, strerror(errno));
        }
    } else {
        printf("error no command: %s\n", line);
    }
    fflush(stdout);
}

void serve_commands(statement_fn *run, void *connection)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n') {
            line[length - 1] = '\0';
        }
        run_command(run, connection, line);
    }
    free(line);
}
