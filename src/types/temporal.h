/*
 * MySQL's temporal values: calendar fields, their text, and the integers they are stored as.
 * Ranges: DATE and DATETIME 0000-00-00 … 9999-12-31 23:59:59.999999 (zero and partial dates
 * included), TIME -838:59:59.000000 … 838:59:59.000000.
 */
#ifndef TYPES_TEMPORAL_H
#define TYPES_TEMPORAL_H

#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"

/* A date, date and time, or time interval, by its fields. For TIME, year to day are 0 and hour may
 * pass 24. */
struct mtime {
    uint16_t year;
    uint8_t month;
    uint8_t day;
    uint16_t hour;
    uint8_t minute;
    uint8_t second;
    uint32_t usec;
    bool negative; /* TIME only. */
};

NODISCARD bool temporal_is_leap_year(unsigned year);
/* month is 1 to 12. */
NODISCARD unsigned temporal_days_in_month(unsigned year, unsigned month);

/* Days since 1970-01-01 of a date that has a place in the calendar (month and day not 0). */
NODISCARD int32_t date_to_days(const struct mtime *t);
void date_from_days(int32_t days, struct mtime *out);

/*
 * The integers in vectors. Zero and partial dates, which have no place in the calendar, map to
 * reserved values below 0000-01-01 that decode to the same fields; '0000-00-00' sorts before every
 * date. See temporal_days_is_partial().
 */
NODISCARD int32_t temporal_pack_date(const struct mtime *t);
void temporal_unpack_date(int32_t packed, struct mtime *out);
NODISCARD int64_t temporal_pack_datetime(const struct mtime *t);
void temporal_unpack_datetime(int64_t packed, struct mtime *out);
NODISCARD int64_t temporal_pack_time(const struct mtime *t);
void temporal_unpack_time(int64_t packed, struct mtime *out);
NODISCARD bool temporal_days_is_partial(int32_t packed);

/*
 * Numbers in the order in which MySQL sorts dates, for packed dates of all kinds: the packed ones
 * are in order among dates of the calendar and '0000-00-00', while a partial date belongs between
 * others. Whether a packed value is such a partial one is told by the second pair.
 */
NODISCARD int32_t temporal_date_order(int32_t packed);
NODISCARD int64_t temporal_datetime_order(int64_t packed);
NODISCARD bool temporal_date_is_out_of_order(int32_t packed);
NODISCARD bool temporal_datetime_is_out_of_order(int64_t packed);

/* Text as MySQL prints it, with `decimals` fraction digits. Returns the length; buf holds at least
 * 32 bytes. */
size_t date_format(const struct mtime *t, char *buf);
size_t datetime_format(const struct mtime *t, unsigned decimals, char *buf);
size_t time_format(const struct mtime *t, unsigned decimals, char *buf);

#endif
