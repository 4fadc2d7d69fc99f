/*
 * Time zones: 'SYSTEM', offsets '+hh:mm' (-13:59 … +14:00), and names of the tz database installed
 * on the machine. A struct timezone is immutable and shared; timezone_find() keeps every zone it
 * made for the life of the process.
 */
#ifndef TYPES_TIMEZONE_H
#define TYPES_TIMEZONE_H

#include "base/base.h"
#include "base/str.h"
#include "types/temporal.h"

struct timezone;

/* The zone of that name in any letter case, or NULL when there is none. Thread-safe; the result
 * lives for ever. */
NODISCARD const struct timezone *timezone_find(struct str name);
/* As the server shows it: 'SYSTEM', '+05:30', 'Europe/Berlin'. */
NODISCARD struct str timezone_name(const struct timezone *tz);

/* Local fields of a moment (microseconds since 1970 UTC). */
void timezone_from_utc(const struct timezone *tz, int64_t utc_us, struct mtime *out);
/*
 * The moment of local fields, which must be in the calendar. In a gap it is the first moment after
 * it, as in MySQL; in an overlap the earlier one.
 */
NODISCARD int64_t timezone_to_utc(const struct timezone *tz, const struct mtime *local);

/*
 * Seconds east of UTC at a moment, for converting many: the same offset holds in all of
 * [*out_from_us, *out_until_us).
 */
NODISCARD int32_t timezone_offset_at(const struct timezone *tz, int64_t utc_us,
                                     int64_t *out_from_us, int64_t *out_until_us);

#endif
