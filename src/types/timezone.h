/*
 * Time zones: 'SYSTEM', offsets '+hh:mm' (-13:59 … +14:00), and names of the tz database installed on the machine.
 * A struct timezone is immutable and shared; timezone_find() keeps every zone it made for the life of the process.
 */
#ifndef TYPES_TIMEZONE_H
#define TYPES_TIMEZONE_H

#include "base/base.h"
#include "base/str.h"
#include "types/temporal.h"

struct timezone;

/* The zone of that name, or NULL when there is none. Thread-safe. */
NODISCARD const struct timezone *timezone_find(struct str name);
NODISCARD struct str timezone_name(const struct timezone *tz);

/* Local fields of a moment (microseconds since 1970 UTC), and back. In a gap, to_utc gives the first moment after it, as MySQL does; in an overlap the earlier one. */
void timezone_from_utc(const struct timezone *tz, int64_t utc_us, struct mtime *out);
NODISCARD int64_t timezone_to_utc(const struct timezone *tz, const struct mtime *local);

#endif
