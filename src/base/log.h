/*
 * Structured log. One line an event: time, level, module, message, then key=value fields (or one
 * JSON object a line). Lower case, subject first, no final period. Never secrets. Used by net,
 * session, exec, engine, admin and main; base, wire, binlog, sql and types return diags instead.
 * Thread-safe; a line is one write(2).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"
#include "base/str.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

/* Who is speaking: a module, or a session. Copied freely; the strings must outlive it. */
struct log {
    const char *module;     /* "net", "session", … */
    uint64_t connection_id; /* 0 = none. */
    const char *user;       /* May be NULL. */
    const char *peer;       /* May be NULL. */
};

/* Sets where lines go (a descriptor that stays open) and which; callable again at reload. */
void log_configure(int fd, enum log_level level, enum log_format format);
NODISCARD bool log_enabled(enum log_level level);

/* Parses "error", "warn", "info" or "debug". Returns 0 or -1. */
NODISCARD int log_level_parse(struct str name, enum log_level *out);

/* At most 50 lines a second of one format are written (debug lines: all); how many were dropped is
 * said. */
void log_write(const struct log *l, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_error(l, ...) log_write((l), LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(l, ...)  log_write((l), LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(l, ...)  log_write((l), LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(l, ...)                                                                          \
    do {                                                                                           \
        if (log_enabled(LOG_LEVEL_DEBUG)) {                                                        \
            log_write((l), LOG_LEVEL_DEBUG, __VA_ARGS__);                                          \
        }                                                                                          \
    } while (0)

#endif
