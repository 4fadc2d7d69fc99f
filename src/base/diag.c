#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* MYSQL_ERRMSG_SIZE of MySQL: messages longer than this are cut, the terminator counted. */
    MESSAGE_MAX = 512,
    /* Default of max_error_count in MySQL 8. */
    DEFAULT_MAX_KEPT = 1024,
};

struct sqlstate_entry {
    uint16_t code;
    char sqlstate[6];
};

/* Ascending by code. */
static const struct sqlstate_entry sqlstates[] = {
#include "errors.gen.inc"
};

static int compare_codes(const void *key, const void *entry)
{
    return *(const int *)key - ((const struct sqlstate_entry *)entry)->code;
}

const char *diag_sqlstate(int code)
{
    const struct sqlstate_entry *found =
        bsearch(&code, sqlstates, ARRAY_SIZE(sqlstates), sizeof(sqlstates[0]), compare_codes);
    return found ? found->sqlstate : "HY000";
}

void diag_init(struct diag *d)
{
    *d = (struct diag){.max_kept = DEFAULT_MAX_KEPT};
    arena_init(&d->arena, 0);
}

void diag_release(struct diag *d)
{
    arena_release(&d->arena);
}

void diag_reset(struct diag *d)
{
    arena_reset(&d->arena);
    *d = (struct diag){.arena = d->arena, .max_kept = d->max_kept};
}

/* Cuts a message at the ceiling, not inside a UTF-8 character. */
static struct str cut(struct str message)
{
    if (message.len < MESSAGE_MAX) {
        return message;
    }
    size_t len = MESSAGE_MAX - 1;
    while (len && ((unsigned char)message.p[len] & 0xC0u) == 0x80u) {
        len--;
    }
    return str_from(message.p, len);
}

static struct str format_message(char *buf, size_t size, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

/* Formats into buf, which is one byte longer than a message may be so that cut() sees where it
 * ends. */
static struct str format_message(char *buf, size_t size, const char *fmt, va_list ap)
{
    const int len = vsnprintf(buf, size, fmt, ap);
    return str_from(buf, len < 0 ? 0 : MIN((size_t)len, size - 1));
}

/* Links a condition; message is copied. */
static struct diag_cond *append(struct diag *d, enum diag_level level, int code, struct str message)
{
    struct diag_cond *cond = ARENA_NEW(&d->arena, struct diag_cond);
    cond->level = level;
    cond->code = (uint16_t)code;
    cond->sqlstate = diag_sqlstate(code);
    cond->message = arena_dup(&d->arena, cut(message));
    if (d->last) {
        d->last->next = cond;
    } else {
        d->first = cond;
    }
    d->last = cond;
    d->kept++;
    return cond;
}

static void unlink_cond(struct diag *d, const struct diag_cond *cond)
{
    struct diag_cond *before = NULL;
    for (struct diag_cond *it = d->first; it != cond; it = it->next) {
        before = it;
    }
    if (before) {
        before->next = cond->next;
    } else {
        d->first = cond->next;
    }
    if (d->last == cond) {
        d->last = before;
    }
    d->kept--;
}

static int set_error(struct diag *d, int code, struct str message)
{
    if (d->error && d->kept > d->max_kept) {
        unlink_cond(d, d->error);
    }
    d->before_error = arena_mark(&d->arena);
    d->error = append(d, DIAG_ERROR, code, message);
    d->warning_count++;
    d->error_count++;
    return -1;
}

int diag_set_at(struct diag *d, const char *file, int line, int code, const char *fmt, ...)
{
    char buf[MESSAGE_MAX + 4];
    va_list ap;
    va_start(ap, fmt);
    const struct str message = format_message(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    d->file = file;
    d->line = line;
    return set_error(d, code, message);
}

int diag_set_text(struct diag *d, int code, struct str message)
{
    d->file = NULL;
    d->line = 0;
    return set_error(d, code, message);
}

void diag_warn_at(struct diag *d, enum diag_level level, int code, const char *fmt, ...)
{
    d->warning_count++;
    if (d->kept >= d->max_kept) {
        return;
    }
    char buf[MESSAGE_MAX + 4];
    va_list ap;
    va_start(ap, fmt);
    const struct str message = format_message(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    (void)append(d, level, code, message);
}

void diag_count_warnings(struct diag *d, uint32_t count)
{
    d->warning_count += count;
}

void diag_take_warnings(struct diag *d, const struct diag *from)
{
    uint32_t taken = 0;
    for (const struct diag_cond *c = from->first; c != NULL; c = c->next) {
        if (c->level != DIAG_ERROR) {
            diag_warn_at(d, c->level, c->code, "%.*s", STR_FMT(c->message));
            taken++;
        }
    }
    diag_count_warnings(d, from->warning_count - from->error_count - taken);
}

void diag_clear_error(struct diag *d)
{
    if (!d->error) {
        return;
    }
    const bool newest = d->error == d->last;
    unlink_cond(d, d->error);
    d->error = NULL;
    d->warning_count--;
    d->error_count--;
    d->file = NULL;
    d->line = 0;
    /* A statement may set and clear an error per row: the memory must not add up. */
    if (newest) {
        arena_rewind(&d->arena, d->before_error);
    }
}
