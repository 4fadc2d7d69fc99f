/*
 * Conversions of values between families with MySQL's implicit rules (as for operands of an
 * expression), and the text of values as the text protocol sends it.
 */
#ifndef TYPES_CONVERT_H
#define TYPES_CONVERT_H

#include "base/arena.h"
#include "base/bytebuf.h"
#include "base/diag.h"
#include "types/sql_mode.h"
#include "types/type.h"
#include "types/value.h"

struct timezone; /* types/timezone.h */

/*
 * Numbers out of anything: '12abc' is 12 with warning 1292; a temporal value is its digits
 * (20200102030405.5); JSON counts as its text. diag takes the warnings; may be NULL.
 */
NODISCARD double value_to_double(const struct value *v, struct diag *diag);
NODISCARD struct decimal value_to_decimal(const struct value *v, struct diag *diag);
/*
 * An integer; *out_unsigned says how to read the bits. Decimals are rounded half away from zero,
 * doubles to even, and text is cut behind its first digits, as MySQL does each. Too large values
 * are clipped (1292).
 */
NODISCARD int64_t value_to_int(const struct value *v, bool *out_unsigned, struct diag *diag);

/*
 * Text in UTF-8 (binary: its bytes); borrows from v or lives in arena. NULL gives STR_NULL. `type`
 * gives fraction digits, zerofill, labels, and whether a double is a FLOAT; NULL for a value
 * without one.
 */
NODISCARD struct str value_to_text(const struct value *v, const struct sql_type *type,
                                   struct arena *arena);

/*
 * A date, date-time or time out of anything, by MySQL's rules for that target, with all fraction
 * digits. A time zone offset in the text is applied as if the session were in UTC; see
 * value_to_datetime_in(). Return 0, or -1 if it is not one, with *out zeros (warning 1292 in diag,
 * which may be NULL).
 */
NODISCARD int value_to_datetime(const struct value *v, uint64_t sql_mode, struct mtime *out,
                                struct diag *diag);
NODISCARD int value_to_time(const struct value *v, struct mtime *out, struct diag *diag);

/* As value_to_datetime(), for the session that `in` describes; a TIME counts from the day of
 * now_us. */
struct temporal_session {
    uint64_t sql_mode; /* enum sql_mode */
    enum sql_dialect dialect;
    const struct timezone *tz; /* NULL: UTC. */
    int64_t now_us;            /* Start of the statement, microseconds since 1970 UTC. */
};
NODISCARD int value_to_datetime_in(const struct value *v, const struct temporal_session *in,
                                   struct mtime *out, struct diag *diag);
NODISCARD int value_to_time_in(const struct value *v, const struct temporal_session *in,
                               struct mtime *out, struct diag *diag);

/*
 * A number in two parts: its integer part, cut, and the digits behind it as nanoseconds. Returns
 * false for what is no number or does not fit.
 */
NODISCARD bool value_split_number(const struct value *v, int64_t *out_int, uint32_t *out_nanos);

/*
 * Number formatting as MySQL prints results. All return the length and write no NUL. buf holds at
 * least FORMAT_REAL_MAX bytes for the real ones, FORMAT_INT_MAX for the integers, FORMAT_SCALED_MAX
 * for the scaled ones.
 */
#define FORMAT_INT_MAX    24
#define FORMAT_SCALED_MAX 48
#define FORMAT_REAL_MAX   400
size_t format_i64(int64_t i, char *buf);
size_t format_u64(uint64_t u, char *buf);
/*
 * decimals: digits behind the point, or DECIMALS_NOT_FIXED for the shortest text that reads back
 * the same: plain for 1e-15 <= |d| < 1e15 and for fractions above that, else with an exponent.
 */
size_t format_double(double d, unsigned decimals, char *buf);
/* As format_double(), but of six significant digits when the decimals are not fixed. */
size_t format_float(float f, unsigned decimals, char *buf);
/*
 * As format_double() and format_float() within `width` characters, as MySQL (not MariaDB) turns a
 * column of reals into a string operand: 22 wide for DOUBLE, 12 for FLOAT. What does not fit gets
 * an exponent, then fewer digits.
 */
size_t format_double_width(double d, unsigned width, char *buf, bool *out_cut);
size_t format_float_width(float f, unsigned width, char *buf, bool *out_cut);
/* A DECIMAL as vectors hold it. */
size_t format_scaled_i64(int64_t scaled, unsigned scale, char *buf);
size_t format_scaled_i128(__int128 scaled, unsigned scale, char *buf);

/*
 * strtod with MySQL's rules: white space, then the longest number (no hexadecimal, infinity or
 * NaN); *out_used characters, 0 if there is none. Overflow gives +-DBL_MAX and *out_overflow.
 */
NODISCARD double parse_double(struct str s, size_t *out_used, bool *out_overflow);

/* Text to date/time as MySQL reads it ("YYYY-MM-DD hh:mm:ss.ffffff", delimiters, two-digit years,
 * numbers). Return 0, or -1 for no date. *out_rest = characters left over. */
NODISCARD int parse_datetime(struct str s, uint64_t sql_mode, struct mtime *out, size_t *out_rest);
NODISCARD int parse_time(struct str s, struct mtime *out, size_t *out_rest);

#endif
