/*
 * Log files in memory, for the benchmarks that read them.
 */
#ifndef BENCH_LOG_FILE_H
#define BENCH_LOG_FILE_H

#include "base/str.h"

/* The whole file, mapped until the program ends. STR_NULL: errno says why; an empty file is EINVAL.
 */
NODISCARD struct str log_file_map(const char *path);

/* The event that begins at this place; it lies within the file. STR_NULL: the file is cut off. */
NODISCARD struct str log_file_event(struct str file, size_t at);

#endif
