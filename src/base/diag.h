/*
 * Diagnostics area: what went wrong (at most one error) and the warnings of one statement, with
 * MySQL's error numbers, SQLSTATEs and texts.
 *
 * Functions that can fail return -1 or NULL and leave the details here. The table of errors is
 * base/errors.txt, from which errors.gen.h is generated at build time: for each symbol ER_X an enum
 * constant with the number and a macro ER_X_FMT with the message format, so that the compiler
 * checks the arguments of diag_set(). Only session/ turns a diag into an ERR packet or a log line;
 * nobody logs and returns.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "errors.gen.h"

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"

enum diag_level {
    DIAG_NOTE,
    DIAG_WARNING,
    DIAG_ERROR,
};

/* One condition, as SHOW WARNINGS lists it. */
struct diag_cond {
    struct diag_cond *next; /* In the order raised. */
    enum diag_level level;
    uint16_t code;        /* MySQL error number. */
    const char *sqlstate; /* 5 characters, static. */
    struct str message;
};

struct diag {
    struct arena arena;      /* Holds conditions and messages until diag_reset(). */
    struct diag_cond *error; /* The error, or NULL. Also the last of the list. */
    struct diag_cond *first;
    struct diag_cond *last;
    uint32_t warning_count; /* Conditions raised, the dropped ones included. */
    uint32_t error_count;
    uint32_t kept;     /* Conditions in the list. */
    uint32_t max_kept; /* Ceiling of kept (max_error_count); the error itself is always kept. */
    struct arena_mark before_error; /* Of arena, when error was set. */
    const char *file;               /* Where the error was set in our source, for the log. */
    int line;
};

void diag_init(struct diag *d);
void diag_release(struct diag *d);

/* Forgets everything; done at the start of each statement that has a diagnostics area of its own.
 */
void diag_reset(struct diag *d);

/*
 * Sets the error, e.g. `return diag_set(d, ER_NO_SUCH_TABLE, db, table);`. Returns -1 always. A
 * second error replaces the first as `error` (both stay listed).
 */
#define diag_set(d, er, ...) diag_set_at((d), __FILE__, __LINE__, er, er##_FMT, ##__VA_ARGS__)
int diag_set_at(struct diag *d, const char *file, int line, int code, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

/* As diag_set() with a message made by the caller, for errors that come from elsewhere with text of
 * their own. */
int diag_set_text(struct diag *d, int code, struct str message);

/* Raises a warning or note. */
#define diag_warn(d, level, er, ...) diag_warn_at((d), (level), er, er##_FMT, ##__VA_ARGS__)
void diag_warn_at(struct diag *d, enum diag_level level, int code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Counts warnings without keeping them. */
void diag_count_warnings(struct diag *d, uint32_t count);

/* Raises the warnings and notes of another diag, and counts those that it has not kept. */
void diag_take_warnings(struct diag *d, const struct diag *from);

/* Turns the error, if any, into nothing: for callers that handle it. Its condition leaves the list
 * too. */
void diag_clear_error(struct diag *d);

/* The SQLSTATE of an error number: 5 characters, static; "HY000" where the table has none. */
NODISCARD const char *diag_sqlstate(int code);

#endif
