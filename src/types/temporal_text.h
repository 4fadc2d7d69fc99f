/*
 * Text and numbers to temporal values, with everything that a caller may want to warn about.
 * convert.h has the short forms. The rules are those that MySQL 9.7 and MariaDB 10.11 were seen to
 * follow; see "Date and Time Literals" in MySQL's reference manual for the formats.
 */
#ifndef TYPES_TEMPORAL_TEXT_H
#define TYPES_TEMPORAL_TEXT_H

#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"
#include "types/sql_mode.h"
#include "types/temporal.h"

enum temporal_problem {
    TEMPORAL_LEFTOVER = 1u << 0, /* Text behind the value; the value is usable. */
    TEMPORAL_OUT_OF_RANGE =
        1u << 1, /* A field or the whole is too large; TIME is clipped to its limit. */
    TEMPORAL_ZERO_DATE = 1u << 2,    /* 0000-00-00 where sql_mode forbids it. */
    TEMPORAL_ZERO_IN_DATE = 1u << 3, /* Month or day 0 where sql_mode forbids it. */
    TEMPORAL_NO_VALUE = 1u << 4,     /* Not a temporal value at all. */
    TEMPORAL_BAD_FIELD = 1u << 5,    /* A field of a date-time beyond its range, as month 13. */
    TEMPORAL_DATE_LOST = 1u << 6,    /* The text for a TIME had a date, which is dropped. */
};

enum temporal_kind {
    TEMPORAL_DATE,
    TEMPORAL_DATETIME,
    TEMPORAL_TIME,
};

/* A delimiter that MySQL takes but warns about (4095, 4096); the first of a text. */
struct temporal_delimiter {
    char found;  /* '\0': all is well. */
    char wanted; /* What belongs there; '\0': nothing does. */
    size_t position;
};

/* What was read. */
struct temporal_read {
    struct mtime t;
    enum temporal_kind kind;
    unsigned problems;                   /* enum temporal_problem */
    size_t used;                         /* Characters of the text that were used. */
    uint32_t nanos;                      /* Below the microsecond, 0 to 900: for rounding. */
    struct temporal_delimiter delimiter; /* MySQL only. */
    bool has_offset; /* A time zone offset followed (MySQL): t is local to it. */
    int32_t offset_s;
};

/*
 * Reads a DATE or DATETIME. Returns 0 with *out filled (TEMPORAL_LEFTOVER possible), or -1 if there
 * is no valid one; then `problems` says why and t holds what was read, or zeros.
 */
NODISCARD int temporal_read_datetime(struct str s, uint64_t sql_mode, enum sql_dialect dialect,
                                     struct temporal_read *out);

/*
 * Reads a TIME; a full date-time gives kind TEMPORAL_DATETIME. Returns 0 with *out filled, clipped
 * on TEMPORAL_OUT_OF_RANGE; or -1 if there is none.
 */
NODISCARD int temporal_read_time(struct str s, enum sql_dialect dialect, struct temporal_read *out);

/*
 * The same of a number, YYYYMMDDhhmmss, YYYYMMDD or with two-digit years (datetime), [-]hhmmss or
 * YYYYMMDDhhmmss (time); nanos (0 … 999999999) are its fraction. Return as the above.
 */
NODISCARD int temporal_read_datetime_number(int64_t n, uint32_t nanos, uint64_t sql_mode,
                                            struct temporal_read *out);
NODISCARD int temporal_read_time_number(int64_t n, uint32_t nanos, enum sql_dialect dialect,
                                        struct temporal_read *out);

/* Raises what is to say about the delimiters of the text that r was read from, if anything. */
void temporal_warn_delimiter(const struct temporal_read *r, struct str text, uint64_t row,
                             struct diag *diag);

/* Is the date allowed by sql_mode? Returns 0 or the problem (enum temporal_problem). */
NODISCARD unsigned temporal_check_date(const struct mtime *t, uint64_t sql_mode);

/*
 * Cuts a date-time or time with `nanos` below it to `decimals` fraction digits: rounded (half up),
 * or cut when `round` is false. Returns 0, or -1 if rounding passes 9999-12-31 23:59:59.
 */
NODISCARD int temporal_round_datetime(struct mtime *t, uint32_t nanos, unsigned decimals,
                                      bool round);
/* A time that passes the limit by rounding is clipped; returns -1 then. */
NODISCARD int temporal_round_time(struct mtime *t, uint32_t nanos, unsigned decimals, bool round);

/* The largest TIME: 838:59:59, on MariaDB with .999999. */
struct mtime temporal_max_time(bool negative, enum sql_dialect dialect);

/* YYYYMMDDhhmmss, YYYYMMDD or [-]hhmmss: a temporal value as a number, without its fraction. */
NODISCARD int64_t temporal_datetime_number(const struct mtime *t);
NODISCARD int64_t temporal_date_number(const struct mtime *t);
NODISCARD int64_t temporal_time_number(const struct mtime *t);

#endif
