/*
 * Exact decimal numbers of up to 65 digits, 30 of them behind the point, with the arithmetic rules
 * of MySQL ("Precision Math" in its reference manual). A struct decimal is plain data, copied by
 * value.
 */
#ifndef TYPES_DECIMAL_H
#define TYPES_DECIMAL_H

#include "base/base.h"
#include "base/str.h"

#define DECIMAL_WORDS                                                                              \
    9 /* Base 10^9 digits; 81 decimal digits: results before they are cut to 65. */

struct decimal {
    uint32_t words[DECIMAL_WORDS]; /* The digits without the point as one integer, base 10^9, lowest
                                      word first. */
    uint8_t scale;                 /* Digits behind the point. */
    bool negative;                 /* Never set on zero. */
};

enum decimal_status {
    DECIMAL_OK,
    DECIMAL_TRUNCATED,  /* Digits behind the point were lost (the result is rounded). */
    DECIMAL_OVERFLOW,   /* More digits than fit: the result is the largest value of that sign. */
    DECIMAL_BAD_NUMBER, /* Text that is not a number; the result is what its beginning says, or 0.
                         */
    DECIMAL_DIV_ZERO,
};

struct decimal decimal_from_i64(int64_t i);
struct decimal decimal_from_u64(uint64_t u);

/* A scaled 128-bit integer, as in vectors, and back. To: DECIMAL_OVERFLOW if it does not fit 38
 * digits at that scale. */
struct decimal decimal_from_i128(__int128 scaled, unsigned scale);
NODISCARD enum decimal_status decimal_to_i128(const struct decimal *d, unsigned scale,
                                              __int128 *out);

/* The largest value of DECIMAL(precision, scale): all nines. */
struct decimal decimal_max(unsigned precision, unsigned scale, bool negative);

/* Reads the longest numeric prefix after white space, exponent included; *out_used = characters
 * taken. */
NODISCARD enum decimal_status decimal_parse(struct str s, struct decimal *out, size_t *out_used);
/* A double by its shortest decimal text, as MySQL converts it. */
NODISCARD enum decimal_status decimal_from_double(double x, struct decimal *out);

/* Text with exactly `scale` digits behind the point. buf holds at least DECIMAL_TEXT_MAX bytes.
 * Returns the length. */
#define DECIMAL_TEXT_MAX 96
size_t decimal_format(const struct decimal *d, char *buf);

NODISCARD double decimal_to_double(const struct decimal *d);
/* Rounded half away from zero. DECIMAL_OVERFLOW: clipped to the type's limit. */
NODISCARD enum decimal_status decimal_to_i64(const struct decimal *d, int64_t *out);
NODISCARD enum decimal_status decimal_to_u64(const struct decimal *d, uint64_t *out);

NODISCARD int decimal_cmp(const struct decimal *a, const struct decimal *b);
NODISCARD bool decimal_is_zero(const struct decimal *d);
/* Digits in front of the point (0 for |d| < 1). */
NODISCARD unsigned decimal_int_digits(const struct decimal *d);

/* Rounds half away from zero, or cuts, to `scale` digits behind the point (extends with zeros). */
NODISCARD enum decimal_status decimal_round(const struct decimal *d, unsigned scale,
                                            struct decimal *out);
NODISCARD enum decimal_status decimal_truncate(const struct decimal *d, unsigned scale,
                                               struct decimal *out);

NODISCARD enum decimal_status decimal_add(const struct decimal *a, const struct decimal *b,
                                          struct decimal *out);
NODISCARD enum decimal_status decimal_sub(const struct decimal *a, const struct decimal *b,
                                          struct decimal *out);
/* Scale of a product: the sum, at most 30; digits behind are rounded away. */
NODISCARD enum decimal_status decimal_mul(const struct decimal *a, const struct decimal *b,
                                          struct decimal *out);
/*
 * Quotient of scale min(a.scale + increment, 30). Digits are produced in groups of nine behind the
 * point and cut there, then rounded to that scale: so 2/3 is 0.6667 with increment 4, but
 * 0.666666666 with increment 9. What MySQL 9.7 answers; a division by zero leaves 0.
 */
NODISCARD enum decimal_status decimal_div(const struct decimal *a, const struct decimal *b,
                                          unsigned increment, struct decimal *out);
/*
 * The same without the rounding: MariaDB (and MySQL before 9) goes on calculating with all digits
 * of the groups and rounds only what it shows or stores: 1/3*3 is 0.999999999, shown as 1.0000.
 */
NODISCARD enum decimal_status decimal_div_unrounded(const struct decimal *a,
                                                    const struct decimal *b, unsigned increment,
                                                    struct decimal *out);
/* Integer quotient (DIV) and remainder with the sign of a (MOD, %). */
NODISCARD enum decimal_status decimal_div_int(const struct decimal *a, const struct decimal *b,
                                              struct decimal *out);
NODISCARD enum decimal_status decimal_mod(const struct decimal *a, const struct decimal *b,
                                          struct decimal *out);

/* Fits DECIMAL(precision, scale) after rounding? Gives the value to store (clipped on
 * DECIMAL_OVERFLOW). */
NODISCARD enum decimal_status decimal_fit(const struct decimal *d, unsigned precision,
                                          unsigned scale, struct decimal *out);

/*
 * The sortable form for DECIMAL(p > 38): bytes whose memcmp order is the numeric order, of one
 * length for one (p, s). buf holds at least 40 bytes; returns the length. The layout is MySQL's
 * binary decimal ("decimal2bin").
 */
size_t decimal_to_sortable(const struct decimal *d, unsigned precision, unsigned scale, char *buf);
NODISCARD int decimal_from_sortable(struct str s, unsigned precision, unsigned scale,
                                    struct decimal *out);

#endif
