/*
 * Numbers to text and back, as MySQL prints and reads them. The integer and scaled paths serve
 * every element of a result, so they write two digits a step and never divide by a variable. Reals
 * take an exact shortcut that covers values of up to 15 digits and fall back to the C library,
 * always read and written in its own rounding (nearest, ties to even).
 */
#include "types/convert.h"
#include "types/type.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digit_pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233"
    "34353637383940414243444546474849505152535455565758596061626364656667"
    "6869707172737475767778798081828384858687888990919293949596979899";

static const uint64_t pow10_u64[20] = {1u,
                                       10u,
                                       100u,
                                       1000u,
                                       10000u,
                                       100000u,
                                       1000000u,
                                       10000000u,
                                       100000000u,
                                       1000000000u,
                                       10000000000u,
                                       100000000000u,
                                       1000000000000u,
                                       10000000000000u,
                                       100000000000000u,
                                       1000000000000000u,
                                       10000000000000000u,
                                       100000000000000000u,
                                       1000000000000000000u,
                                       10000000000000000000u};

/* All exact in a double. */
static const double pow10_double[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Decimal digits of u; 1 for zero. */
static unsigned count_digits(uint64_t u)
{
    /* 1233 / 4096 is log10(2) closely enough for 64 bits; `| 1` makes zero one bit long. */
    unsigned bits = 64 - (unsigned)__builtin_clzll(u | 1);
    unsigned n = bits * 1233 >> 12;
    return n + (u >= pow10_u64[n]) + (n == 0 && u == 0);
}

/* Writes the digits of u so that they end at `end`. */
static void put_digits_before(char *end, uint64_t u)
{
    while (u > UINT32_MAX) {
        uint64_t q = u / 100;
        end -= 2;
        memcpy(end, digit_pairs + 2 * (u - q * 100), 2);
        u = q;
    }
    uint32_t v = (uint32_t)u;
    while (v >= 100) {
        uint32_t q = v / 100;
        end -= 2;
        memcpy(end, digit_pairs + (size_t)2 * (v - q * 100), 2);
        v = q;
    }
    if (v >= 10) {
        memcpy(end - 2, digit_pairs + (size_t)2 * v, 2);
    } else {
        end[-1] = (char)('0' + v);
    }
}

size_t format_u64(uint64_t u, char *buf)
{
    unsigned n = count_digits(u);
    put_digits_before(buf + n, u);
    return n;
}

size_t format_i64(int64_t i, char *buf)
{
    if (i >= 0) {
        return format_u64((uint64_t)i, buf);
    }
    buf[0] = '-';
    return 1 + format_u64(0 - (uint64_t)i, buf + 1);
}

/* The n lowest digits of u, zeros in front. */
static void put_fixed_digits(char *p, uint64_t u, unsigned n)
{
    while (n >= 2) {
        uint64_t q = u / 100;
        n -= 2;
        memcpy(p + n, digit_pairs + 2 * (u - q * 100), 2);
        u = q;
    }
    if (n == 1) {
        p[0] = (char)('0' + u % 10);
    }
}

/* Splitting by a constant is several times faster than by a variable; money has two digits. */
static void split_scaled(uint64_t u, unsigned scale, uint64_t *out_int, uint64_t *out_frac)
{
    switch (scale) {
    case 1:
        *out_int = u / 10;
        break;
    case 2:
        *out_int = u / 100;
        break;
    case 3:
        *out_int = u / 1000;
        break;
    case 4:
        *out_int = u / 10000;
        break;
    default:
        *out_int = u / pow10_u64[scale];
        break;
    }
    *out_frac = u - *out_int * pow10_u64[scale];
}

size_t format_scaled_i64(int64_t scaled, unsigned scale, char *buf)
{
    if (scale > 19) {
        return format_scaled_i128(scaled, scale, buf);
    }
    if (scale == 0) {
        return format_i64(scaled, buf);
    }
    char *p = buf;
    uint64_t u = (uint64_t)scaled;
    if (scaled < 0) {
        *p++ = '-';
        u = 0 - u;
    }
    uint64_t whole;
    uint64_t frac;
    split_scaled(u, scale, &whole, &frac);
    p += format_u64(whole, p);
    *p++ = '.';
    put_fixed_digits(p, frac, scale);
    return (size_t)(p + scale - buf);
}

size_t format_scaled_i128(__int128 scaled, unsigned scale, char *buf)
{
    if (scaled >= INT64_MIN && scaled <= INT64_MAX && scale <= 19) {
        return format_scaled_i64((int64_t)scaled, scale, buf);
    }
    char digits[40];
    unsigned __int128 u = scaled < 0 ? 0 - (unsigned __int128)scaled : (unsigned __int128)scaled;
    unsigned __int128 high = u / pow10_u64[19];
    put_fixed_digits(digits + 21, (uint64_t)(u % pow10_u64[19]), 19);
    put_fixed_digits(digits + 2, (uint64_t)(high % pow10_u64[19]), 19);
    put_fixed_digits(digits, (uint64_t)(high / pow10_u64[19]), 2);
    unsigned skip = 0;
    while (skip < sizeof(digits) - 1 - scale && digits[skip] == '0') {
        skip++;
    }
    char *p = buf;
    if (scaled < 0) {
        *p++ = '-';
    }
    size_t ints = sizeof(digits) - scale - skip;
    memcpy(p, digits + skip, ints);
    p += ints;
    if (scale > 0) {
        *p++ = '.';
        memcpy(p, digits + sizeof(digits) - scale, scale);
        p += scale;
    }
    return (size_t)(p - buf);
}

/* Significant digits of a positive real and where the point is: 0.DIGITS * 10^point. */
struct real_digits {
    char digits[20];
    unsigned len; /* Without trailing zeros, at least 1. */
    int point;
};

static void strip_zeros(struct real_digits *r)
{
    while (r->len > 1 && r->digits[r->len - 1] == '0') {
        r->len--;
    }
}

/* From an integer of digits times 10^-shift. */
static void digits_from_integer(uint64_t n, int shift, struct real_digits *out)
{
    out->len = (unsigned)format_u64(n, out->digits);
    out->point = (int)out->len - shift;
    strip_zeros(out);
}

/* Correctly rounded to n digits by the C library; returns its text too, for reading back. */
static void digits_by_printf(double x, unsigned n, struct real_digits *out, char text[40])
{
    (void)snprintf(text, 40, "%.*e", (int)n - 1, x);
    out->digits[0] = text[0];
    memcpy(out->digits + 1, text + 2, n - 1);
    out->len = n;
    out->point = (int)strtol(text + (n > 1 ? n + 2 : 2), NULL, 10) + 1;
    strip_zeros(out);
}

/* A power of ten above x: x < 10^result, and not by much. From the exponent's bits alone, so not
 * for subnormals. */
static int decimal_exponent(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    int exponent = (int)(bits >> 52 & 0x7ff) - 1022;
    /* 1233 / 4096 is a little less than log10(2), which the + 1 makes up for below 2^1024. */
    return (exponent * 1233 >> 12) + 1;
}

/*
 * The shortest digits when there are at most 15: an integer below 10^15 and a power of ten up to
 * 10^22 are exact in a double, so that their quotient or product is rounded once, as when the text
 * is read; and no two numbers of 15 digits read as the same double.
 */
static bool digits_if_short(double x, struct real_digits *out)
{
    int shift = 15 - decimal_exponent(x);
    if (shift < -22 || shift > 21) {
        return false;
    }
    double scaled = shift >= 0 ? x * pow10_double[shift] : x / pow10_double[-shift];
    if (scaled < 1e14 && shift >= 0) {
        shift++;
        scaled = x * pow10_double[shift];
    }
    if (scaled > 1e15) {
        return false;
    }
    double n = (double)(uint64_t)(scaled + 0.5);
    double back = shift >= 0 ? n / pow10_double[shift] : n * pow10_double[-shift];
    if (back != x) {
        return false;
    }
    digits_from_integer((uint64_t)n, shift, out);
    return true;
}

/*
 * Below a power of two doubles lie closer than above it, so that the text of n digits next above it
 * may read back where the nearest one does not.
 */
static bool next_digits_read_back(double x, unsigned n, struct real_digits *r)
{
    int bits;
    if (frexp(x, &bits) != 0.5) {
        return false;
    }
    char text[40];
    char *end = text + n;
    memcpy(text, r->digits, r->len);
    memset(text + r->len, '0', n - r->len);
    if (text[n - 1] == '9') {
        return false;
    }
    text[n - 1]++;
    (void)snprintf(end, sizeof(text) - n, "e%d", r->point - (int)n);
    if (strtod(text, NULL) != x) {
        return false;
    }
    memcpy(r->digits, text, n);
    r->len = n;
    return true;
}

/* The fewest digits that read back as x > 0. */
static void shortest_digits(double x, struct real_digits *out)
{
    if (digits_if_short(x, out)) {
        return;
    }
    char text[40];
    /* Only subnormal numbers have shorter texts that the short cut does not find. */
    for (unsigned n = x < DBL_MIN ? 1 : 15; n <= 17; n++) {
        digits_by_printf(x, n, out, text);
        if (n == 17 || strtod(text, NULL) == x || next_digits_read_back(x, n, out)) {
            return;
        }
    }
}

/* x * 10^shift rounded to an integer, if that is certain in spite of the product's rounding. */
static bool scaled_integer(double x, int shift, uint64_t *out)
{
    double scaled = x * pow10_double[shift];
    if (scaled >= 1e11) {
        return false;
    }
    uint64_t whole = (uint64_t)scaled;
    double rest = scaled - (double)whole;
    if (fabs(rest - 0.5) < 1e-4) {
        return false;
    }
    *out = whole + (rest > 0.5);
    return true;
}

/* Six significant digits of x > 0. */
static void float_digits(double x, struct real_digits *out)
{
    int shift = FLT_DIG - decimal_exponent(x);
    uint64_t n;
    if (shift >= 0 && shift <= 20) {
        shift += x * pow10_double[shift] < 1e5;
        if (scaled_integer(x, shift, &n) && n >= 100000 && n <= 1000000) {
            digits_from_integer(n, shift, out);
            return;
        }
    }
    char text[40];
    digits_by_printf(x, FLT_DIG, out, text);
}

static size_t plain_length(const struct real_digits *r)
{
    if (r->point <= 0) {
        return r->len + (size_t)-r->point + 2;
    }
    return r->point < (int)r->len ? r->len + 1 : (size_t)r->point;
}

static size_t put_plain(const struct real_digits *r, char *buf)
{
    char *p = buf;
    if (r->point <= 0) {
        memcpy(p, "0.", 2);
        memset(p + 2, '0', (size_t)-r->point);
        p += 2 - r->point;
        memcpy(p, r->digits, r->len);
        return (size_t)(p + r->len - buf);
    }
    size_t ints = (size_t)r->point;
    if (ints >= r->len) {
        memcpy(p, r->digits, r->len);
        memset(p + r->len, '0', ints - r->len);
        return ints;
    }
    memcpy(p, r->digits, ints);
    p[ints] = '.';
    memcpy(p + ints + 1, r->digits + ints, r->len - ints);
    return r->len + 1;
}

static size_t put_exponent(const struct real_digits *r, char *buf)
{
    char *p = buf;
    *p++ = r->digits[0];
    if (r->len > 1) {
        *p++ = '.';
        memcpy(p, r->digits + 1, r->len - 1);
        p += r->len - 1;
    }
    *p++ = 'e';
    p += format_i64(r->point - 1, p);
    return (size_t)(p - buf);
}

/* Large integers and tiny fractions read better with an exponent. */
static bool wants_exponent(const struct real_digits *r)
{
    return r->point <= -DBL_DIG || (r->point > DBL_DIG && (int)r->len <= r->point);
}

/* Puts the sign; returns false when x is settled by it: zero, or no number. */
static bool put_sign(double *x, char **p)
{
    if (!isfinite(*x)) {
        *x = 0;
    }
    if (signbit(*x)) {
        *(*p)++ = '-';
        *x = -*x;
    }
    if (*x == 0) {
        *(*p)++ = '0';
        return false;
    }
    return true;
}

static size_t put_real(const struct real_digits *r, char *buf)
{
    return wants_exponent(r) ? put_exponent(r, buf) : put_plain(r, buf);
}

static size_t format_fixed(double d, unsigned decimals, char *buf)
{
    uint64_t n;
    if (isfinite(d) && decimals <= 10 && scaled_integer(fabs(d), (int)decimals, &n)) {
        char *p = buf;
        if (signbit(d)) {
            *p++ = '-';
        }
        return (size_t)(p - buf) + format_scaled_i64((int64_t)n, decimals, p);
    }
    return (size_t)snprintf(buf, FORMAT_REAL_MAX, "%.*f", (int)decimals, isfinite(d) ? d : 0.0);
}

size_t format_double(double d, unsigned decimals, char *buf)
{
    if (decimals < DECIMALS_NOT_FIXED) {
        return format_fixed(d, decimals, buf);
    }
    char *p = buf;
    struct real_digits r;
    if (put_sign(&d, &p)) {
        shortest_digits(d, &r);
        p += put_real(&r, p);
    }
    return (size_t)(p - buf);
}

size_t format_float(float f, unsigned decimals, char *buf)
{
    double d = (double)f;
    if (decimals < DECIMALS_NOT_FIXED) {
        return format_fixed(d, decimals, buf);
    }
    char *p = buf;
    struct real_digits r;
    if (put_sign(&d, &p)) {
        float_digits(d, &r);
        p += put_real(&r, p);
    }
    return (size_t)(p - buf);
}

/*
 * Lays out the digits of x within `width` characters behind the sign, with fewer digits if they do
 * not fit. Returns the length; *out_cut tells that not even one digit and the exponent did.
 */
static size_t put_within(double x, struct real_digits *r, int width, char *buf, bool *out_cut)
{
    char text[40];
    int room = width - (r->point < (int)r->len) - (r->point <= 0 ? 1 - r->point : 0);
    bool plain = r->point <= width && r->point >= -1 && !wants_exponent(r);
    *out_cut = false;
    if (plain_length(r) <= (size_t)MAX(width, 0) && !wants_exponent(r)) {
        return put_plain(r, buf);
    }
    if (plain) {
        *out_cut = room < r->point;
    } else {
        int exponent = r->point - 1;
        room = width - 2 - (exponent < 0) - (abs(exponent) >= 10) - (abs(exponent) >= 100) -
               (r->len > 1);
        *out_cut = room <= 0;
    }
    if (room < (int)r->len) {
        digits_by_printf(x, (unsigned)MAX(room, 1), r, text);
    }
    if (plain && plain_length(r) > (size_t)width) {
        /* Rounding up made it one longer. */
        *out_cut = false;
        return put_exponent(r, buf);
    }
    return plain ? put_plain(r, buf) : put_exponent(r, buf);
}

size_t format_double_width(double d, unsigned width, char *buf, bool *out_cut)
{
    char *p = buf;
    struct real_digits r;
    *out_cut = false;
    if (put_sign(&d, &p)) {
        shortest_digits(d, &r);
        p += put_within(d, &r, (int)width - (int)(p - buf), p, out_cut);
    }
    return (size_t)(p - buf);
}

size_t format_float_width(float f, unsigned width, char *buf, bool *out_cut)
{
    double d = (double)f;
    char *p = buf;
    struct real_digits r;
    *out_cut = false;
    if (put_sign(&d, &p)) {
        float_digits(d, &r);
        p += put_within(d, &r, (int)width - (int)(p - buf), p, out_cut);
    }
    return (size_t)(p - buf);
}

/* Enough digits to decide the rounding of any double; what follows counts only as "not zero". */
#define READ_DIGITS 800

/* A number being read: its significant digits and the power of ten behind them. */
struct real_reader {
    char digits[READ_DIGITS + 24]; /* Room for "1e-99999". */
    unsigned len;
    bool any;
    int64_t exponent;
};

static size_t read_digits(struct str s, size_t pos, int64_t per_digit, struct real_reader *r)
{
    for (; pos < s.len && s.p[pos] >= '0' && s.p[pos] <= '9'; pos++) {
        char c = s.p[pos];
        r->any = true;
        r->exponent += per_digit;
        if (r->len == 0 && c == '0') {
            continue;
        }
        if (r->len < READ_DIGITS) {
            r->digits[r->len++] = c;
            continue;
        }
        r->exponent++;
        if (c != '0') {
            r->digits[READ_DIGITS - 1] = '1';
        }
    }
    return pos;
}

/* Reads "e[+-]digits" at pos if it is there. */
static size_t read_exponent(struct str s, size_t pos, int64_t *out)
{
    if (pos >= s.len || (s.p[pos] | 0x20) != 'e') {
        return pos;
    }
    size_t p = pos + 1;
    bool negative = p < s.len && s.p[p] == '-';
    p += p < s.len && (s.p[p] == '-' || s.p[p] == '+');
    if (p >= s.len || s.p[p] < '0' || s.p[p] > '9') {
        return pos;
    }
    int64_t e = 0;
    for (; p < s.len && s.p[p] >= '0' && s.p[p] <= '9'; p++) {
        e = MIN(e * 10 + (s.p[p] - '0'), 1000000000);
    }
    *out += negative ? -e : e;
    return p;
}

/* The value of the digits and the exponent, correctly rounded. */
static double real_value(struct real_reader *r)
{
    if (r->len == 0) {
        return 0;
    }
    if (r->len <= 15 && r->exponent >= -22 && r->exponent <= 22) {
        uint64_t n = 0;
        for (unsigned i = 0; i < r->len; i++) {
            n = n * 10 + (uint64_t)(r->digits[i] - '0');
        }
        return r->exponent < 0 ? (double)n / pow10_double[-r->exponent]
                               : (double)n * pow10_double[r->exponent];
    }
    int64_t exponent = MAX(MIN(r->exponent, 99999), -99999);
    (void)snprintf(r->digits + r->len, 24, "e%d", (int)exponent);
    return strtod(r->digits, NULL);
}

double parse_double(struct str s, size_t *out_used, bool *out_overflow)
{
    struct real_reader r;
    r.len = 0;
    r.any = false;
    r.exponent = 0;
    *out_used = 0;
    *out_overflow = false;
    size_t pos = 0;
    while (pos < s.len && (s.p[pos] == ' ' || (s.p[pos] >= '\t' && s.p[pos] <= '\r'))) {
        pos++;
    }
    bool negative = pos < s.len && s.p[pos] == '-';
    pos += pos < s.len && (s.p[pos] == '-' || s.p[pos] == '+');
    pos = read_digits(s, pos, 0, &r);
    if (pos < s.len && s.p[pos] == '.') {
        pos = read_digits(s, pos + 1, -1, &r);
    }
    if (!r.any) {
        return 0;
    }
    *out_used = read_exponent(s, pos, &r.exponent);
    double x = real_value(&r);
    if (isinf(x)) {
        *out_overflow = true;
        x = DBL_MAX;
    }
    return negative ? -x : x;
}
