#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 4096, /* Longer lines are cut: a line must be one write(2). */
};

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_level = LOG_LEVEL_INFO;
static atomic_int log_format = LOG_FORMAT_TEXT;

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

enum {
    RATE_SLOTS = 256,
    RATE_MAX = 50, /* Lines a second of one format. */
};

/*
 * How often a format was used in a second: the second in the upper half, the count in the lower.
 * Two formats that share a slot limit each other, which is harmless.
 */
static _Atomic uint64_t rates[RATE_SLOTS];

/* A line in the making. Room for the end of the line is kept back. */
struct line {
    size_t len;
    size_t max;
    char text[LINE_MAX_BYTES];
};

void log_configure(int fd, enum log_level level, enum log_format format)
{
    atomic_store(&log_fd, fd);
    atomic_store(&log_level, (int)level);
    atomic_store(&log_format, (int)format);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

int log_level_parse(struct str name, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (str_eq(name, str_from_cstr(level_names[i]))) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

static void put(struct line *l, const char *p, size_t len)
{
    len = MIN(len, l->max - l->len);
    memcpy(l->text + l->len, p, len);
    l->len += len;
}

static void put_cstr(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

/*
 * Text that may come from a client: line ends and other control characters would forge lines or
 * reach a terminal, so they are shown as \n or \u0007 (the same in both formats). JSON needs quotes
 * and backslashes escaped as well, and well-formed UTF-8: other bytes become \u00XX.
 */
static void put_escaped(struct line *l, struct str s, const char *special)
{
    const bool utf8 = str_is_utf8(s);
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        char escaped[8];
        if (c == '\n') {
            put(l, "\\n", 2);
        } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && !utf8)) {
            (void)snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            put_cstr(l, escaped);
        } else {
            if (strchr(special, c)) {
                put(l, "\\", 1);
            }
            put(l, &s.p[i], 1);
        }
    }
}

static void put_time(struct line *l)
{
    const int64_t now = clock_wall_us();
    const time_t seconds = (time_t)(now / 1000000);
    struct tm tm;
    char text[40];
    (void)gmtime_r(&seconds, &tm);
    const size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    put(l, text, len);
    (void)snprintf(text, sizeof(text), ".%06dZ", (int)(now % 1000000));
    put_cstr(l, text);
}

static void put_number(struct line *l, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    put_cstr(l, text);
}

static void put_text_field(struct line *l, const char *name, const char *value)
{
    if (!value) {
        return;
    }
    put_cstr(l, " ");
    put_cstr(l, name);
    put_cstr(l, "=\"");
    put_escaped(l, str_from_cstr(value), "\"\\");
    put_cstr(l, "\"");
}

static void write_text(struct line *l, const struct log *who, enum log_level level,
                       struct str message)
{
    put_time(l);
    put_cstr(l, " ");
    put_cstr(l, level_names[level]);
    put_cstr(l, " ");
    put_cstr(l, who && who->module ? who->module : "pintail");
    put_cstr(l, ": ");
    put_escaped(l, message, "");
    if (who && who->connection_id) {
        put_cstr(l, " conn=");
        put_number(l, who->connection_id);
    }
    if (who) {
        put_text_field(l, "user", who->user);
        put_text_field(l, "peer", who->peer);
    }
}

static void put_json_field(struct line *l, const char *name, struct str value)
{
    put_cstr(l, ",\"");
    put_cstr(l, name);
    put_cstr(l, "\":\"");
    put_escaped(l, value, "\"\\");
    put_cstr(l, "\"");
}

static void write_json(struct line *l, const struct log *who, enum log_level level,
                       struct str message)
{
    put_cstr(l, "{\"time\":\"");
    put_time(l);
    put_cstr(l, "\"");
    put_json_field(l, "level", str_from_cstr(level_names[level]));
    put_json_field(l, "module", str_from_cstr(who && who->module ? who->module : "pintail"));
    if (who && who->connection_id) {
        put_cstr(l, ",\"conn\":");
        put_number(l, who->connection_id);
    }
    if (who && who->user) {
        put_json_field(l, "user", str_from_cstr(who->user));
    }
    if (who && who->peer) {
        put_json_field(l, "peer", str_from_cstr(who->peer));
    }
    put_json_field(l, "message", message);
    put_cstr(l, "}");
}

/*
 * Counts one use of fmt. Returns whether it may be written; *out_dropped is the number of lines
 * that were not in the second before, told once.
 */
static bool within_rate(const char *fmt, uint32_t *out_dropped)
{
    *out_dropped = 0;
    _Atomic uint64_t *rate = &rates[((uintptr_t)fmt >> 3) % RATE_SLOTS];
    const uint64_t second = clock_monotonic_us() / 1000000;
    uint64_t before = atomic_load(rate);
    uint64_t after;
    do {
        after = before >> 32 == second ? before + 1 : second << 32 | 1;
    } while (!atomic_compare_exchange_weak(rate, &before, after));
    const uint32_t count_before = (uint32_t)before;
    if (before >> 32 != second && count_before > RATE_MAX) {
        *out_dropped = count_before - RATE_MAX;
    }
    return (uint32_t)after <= RATE_MAX;
}

static void write_line(const struct log *l, enum log_level level, struct str message)
{
    struct line line = {.max = sizeof(line.text) - 1};
    if (atomic_load(&log_format) == LOG_FORMAT_JSON) {
        write_json(&line, l, level, message);
    } else {
        write_text(&line, l, level, message);
    }
    line.text[line.len++] = '\n';
    /* Nobody can be told that the log is broken. */
    const ssize_t written = write(atomic_load(&log_fd), line.text, line.len);
    (void)written;
}

void log_write(const struct log *l, enum log_level level, const char *fmt, ...)
{
    uint32_t dropped = 0;
    if (!log_enabled(level) || (level != LOG_LEVEL_DEBUG && !within_rate(fmt, &dropped))) {
        return;
    }
    /* Even with every byte escaped to six the message leaves room for the other fields and the end.
     */
    char message[500];
    va_list ap;
    va_start(ap, fmt);
    const int len = vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    write_line(l, level, str_from(message, len < 0 ? 0 : MIN((size_t)len, sizeof(message) - 1)));
    if (dropped) {
        const int n = snprintf(message, sizeof(message),
                               "%u lines like the one before were dropped", dropped);
        write_line(l, level, str_from(message, (size_t)n));
    }
}
