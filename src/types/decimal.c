/*
 * Decimal arithmetic on integers of base 10^9 words with a scale beside them. All intermediate
 * results are computed exactly in wider word arrays and cut once, at the end; no state, no
 * allocation.
 */
#include "types/decimal.h"

#include "types/convert.h"
#include "types/type.h"

#define BASE      1000000000u
#define WORD_DIGS 9
#define MAX_DIGS  (DECIMAL_WORDS * WORD_DIGS)
/* A dividend: 81 digits shifted up by at most 81 + 81. */
#define WIDE_WORDS 28

static const uint32_t pow10_u32[10] = {1,      10,      100,      1000,      10000,
                                       100000, 1000000, 10000000, 100000000, 1000000000};

/* Which part of a value was cut off by wide_scale_down(). */
enum cut {
    CUT_NOTHING,
    CUT_BELOW_HALF,
    CUT_HALF_OR_MORE,
};

static int words_used(const uint32_t *w, int n)
{
    while (n > 0 && w[n - 1] == 0) {
        n--;
    }
    return n;
}

/* w = w * m + add; returns the carry out of the n words. */
static uint32_t words_mul_small(uint32_t *w, int n, uint32_t m, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)w[i] * m;
        w[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    return (uint32_t)carry;
}

/* w = w / d; returns the remainder. */
static uint32_t words_div_small(uint32_t *w, int n, uint32_t d)
{
    uint64_t rest = 0;
    for (int i = n - 1; i >= 0; i--) {
        rest = rest * BASE + w[i];
        w[i] = (uint32_t)(rest / d);
        rest %= d;
    }
    return (uint32_t)rest;
}

static int words_cmp(const uint32_t *a, const uint32_t *b, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

/* a += b; returns the carry. */
static uint32_t words_add(uint32_t *a, const uint32_t *b, int n)
{
    uint32_t carry = 0;
    for (int i = 0; i < n; i++) {
        uint32_t sum = a[i] + b[i] + carry;
        carry = sum >= BASE;
        a[i] = carry ? sum - BASE : sum;
    }
    return carry;
}

/* a -= b for a >= b. */
static void words_sub(uint32_t *a, const uint32_t *b, int n)
{
    uint32_t borrow = 0;
    for (int i = 0; i < n; i++) {
        uint32_t take = b[i] + borrow;
        borrow = a[i] < take;
        a[i] = borrow ? a[i] + BASE - take : a[i] - take;
    }
}

static unsigned word_digits(uint32_t w)
{
    unsigned n = 0;
    while (n < WORD_DIGS && w >= pow10_u32[n]) {
        n++;
    }
    return n;
}

/* Decimal digits of the integer; 0 for zero. */
static unsigned words_digits(const uint32_t *w, int n)
{
    int used = words_used(w, n);
    if (used == 0) {
        return 0;
    }
    return (unsigned)(used - 1) * WORD_DIGS + word_digits(w[used - 1]);
}

/* An integer of many words on its way into a struct decimal. */
struct wide {
    uint32_t w[WIDE_WORDS];
};

static void wide_from(const struct decimal *d, struct wide *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->w, d->words, sizeof(d->words));
}

static void wide_shift_words(struct wide *x, unsigned up)
{
    if (up > 0) {
        memmove(x->w + up, x->w, (WIDE_WORDS - up) * sizeof(x->w[0]));
        memset(x->w, 0, up * sizeof(x->w[0]));
    }
}

/* Times 10^digits; the caller knows that it fits. */
static void wide_scale_up(struct wide *x, unsigned digits)
{
    if (digits % WORD_DIGS > 0) {
        words_mul_small(x->w, WIDE_WORDS, pow10_u32[digits % WORD_DIGS], 0);
    }
    wide_shift_words(x, digits / WORD_DIGS);
}

/* Divided by 10^digits, cut. */
static enum cut wide_scale_down(struct wide *x, unsigned digits)
{
    unsigned words = digits / WORD_DIGS;
    unsigned part = digits % WORD_DIGS;
    bool half = false;
    bool rest = false;
    if (words > 0) {
        words = MIN(words, WIDE_WORDS);
        rest = words_used(x->w, (int)words) > 0;
        half = part == 0 && x->w[words - 1] >= BASE / 2;
        memmove(x->w, x->w + words, (WIDE_WORDS - words) * sizeof(x->w[0]));
        memset(x->w + WIDE_WORDS - words, 0, words * sizeof(x->w[0]));
    }
    if (part > 0) {
        uint32_t r = words_div_small(x->w, WIDE_WORDS, pow10_u32[part]);
        rest = rest || r > 0;
        half = r >= pow10_u32[part] / 2;
    }
    if (half) {
        return CUT_HALF_OR_MORE;
    }
    return rest ? CUT_BELOW_HALF : CUT_NOTHING;
}

static void wide_increment(struct wide *x)
{
    static const struct wide one = {.w = {1}};
    words_add(x->w, one.w, WIDE_WORDS);
}

struct decimal decimal_max(unsigned precision, unsigned scale, bool negative)
{
    struct decimal d = {.scale = (uint8_t)scale, .negative = negative && precision > 0};
    for (unsigned i = 0; i < precision / WORD_DIGS; i++) {
        d.words[i] = BASE - 1;
    }
    if (precision % WORD_DIGS > 0) {
        d.words[precision / WORD_DIGS] = pow10_u32[precision % WORD_DIGS] - 1;
    }
    return d;
}

/*
 * Makes a decimal of x / 10^scale. Digits behind the point that have no room in 81 are cut; if the
 * digits before it have none either, it is an overflow.
 */
static enum decimal_status wide_finish(struct wide *x, unsigned scale, bool negative,
                                       struct decimal *out)
{
    enum decimal_status status = DECIMAL_OK;
    unsigned digits = words_digits(x->w, WIDE_WORDS);
    if (digits > MAX_DIGS) {
        unsigned drop = digits - MAX_DIGS;
        if (drop > scale) {
            *out = decimal_max(DECIMAL_MAX_PRECISION, 0, negative);
            return DECIMAL_OVERFLOW;
        }
        if (wide_scale_down(x, drop) != CUT_NOTHING) {
            status = DECIMAL_TRUNCATED;
        }
        scale -= drop;
    }
    memcpy(out->words, x->w, sizeof(out->words));
    out->scale = (uint8_t)scale;
    out->negative = negative && words_used(out->words, DECIMAL_WORDS) > 0;
    return status;
}

struct decimal decimal_from_u64(uint64_t u)
{
    struct decimal d = {.scale = 0};
    for (int i = 0; u > 0; i++) {
        d.words[i] = (uint32_t)(u % BASE);
        u /= BASE;
    }
    return d;
}

struct decimal decimal_from_i64(int64_t i)
{
    struct decimal d = decimal_from_u64(i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
    d.negative = i < 0;
    return d;
}

struct decimal decimal_from_i128(__int128 scaled, unsigned scale)
{
    struct decimal d = {.scale = (uint8_t)scale, .negative = scaled < 0};
    unsigned __int128 u = scaled < 0 ? 0 - (unsigned __int128)scaled : (unsigned __int128)scaled;
    for (int i = 0; u > 0; i++) {
        d.words[i] = (uint32_t)(u % BASE);
        u /= BASE;
    }
    return d;
}

enum decimal_status decimal_to_i128(const struct decimal *d, unsigned scale, __int128 *out)
{
    struct decimal fit;
    enum decimal_status status = decimal_fit(d, MAX(DECIMAL_MAX_NATIVE, scale), scale, &fit);
    __int128 sum = 0;
    for (int i = DECIMAL_WORDS - 1; i >= 0; i--) {
        sum = sum * BASE + fit.words[i];
    }
    *out = fit.negative ? -sum : sum;
    return status;
}

bool decimal_is_zero(const struct decimal *d)
{
    return words_used(d->words, DECIMAL_WORDS) == 0;
}

unsigned decimal_int_digits(const struct decimal *d)
{
    unsigned digits = words_digits(d->words, DECIMAL_WORDS);
    return digits > d->scale ? digits - d->scale : 0;
}

/* Brings a and b to one scale, the larger. */
static unsigned align(const struct decimal *a, const struct decimal *b, struct wide *x,
                      struct wide *y)
{
    unsigned scale = MAX(a->scale, b->scale);
    wide_from(a, x);
    wide_from(b, y);
    wide_scale_up(x, scale - a->scale);
    wide_scale_up(y, scale - b->scale);
    return scale;
}

int decimal_cmp(const struct decimal *a, const struct decimal *b)
{
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    int order;
    if (a->scale == b->scale) {
        order = words_cmp(a->words, b->words, DECIMAL_WORDS);
    } else {
        struct wide x;
        struct wide y;
        align(a, b, &x, &y);
        order = words_cmp(x.w, y.w, WIDE_WORDS);
    }
    return a->negative ? -order : order;
}

static enum decimal_status rescale(const struct decimal *d, unsigned scale, bool round,
                                   struct decimal *out)
{
    struct wide x;
    wide_from(d, &x);
    enum cut cut = CUT_NOTHING;
    if (scale >= d->scale) {
        wide_scale_up(&x, scale - d->scale);
    } else {
        cut = wide_scale_down(&x, (unsigned)d->scale - scale);
        if (round && cut == CUT_HALF_OR_MORE) {
            wide_increment(&x);
        }
    }
    enum decimal_status status = wide_finish(&x, scale, d->negative, out);
    return status == DECIMAL_OK && cut != CUT_NOTHING ? DECIMAL_TRUNCATED : status;
}

enum decimal_status decimal_round(const struct decimal *d, unsigned scale, struct decimal *out)
{
    return rescale(d, MIN(scale, MAX_DIGS), true, out);
}

enum decimal_status decimal_truncate(const struct decimal *d, unsigned scale, struct decimal *out)
{
    return rescale(d, MIN(scale, MAX_DIGS), false, out);
}

enum decimal_status decimal_fit(const struct decimal *d, unsigned precision, unsigned scale,
                                struct decimal *out)
{
    bool negative = d->negative;
    enum decimal_status status = decimal_round(d, scale, out);
    if (status == DECIMAL_OVERFLOW || out->scale != scale ||
        words_digits(out->words, DECIMAL_WORDS) > precision) {
        *out = decimal_max(precision, scale, negative);
        return DECIMAL_OVERFLOW;
    }
    return status;
}

/* a + b with b's sign given apart, so that it serves subtraction too. */
static enum decimal_status add_signed(const struct decimal *a, const struct decimal *b,
                                      bool b_negative, struct decimal *out)
{
    struct wide x;
    struct wide y;
    unsigned scale = align(a, b, &x, &y);
    bool negative = a->negative;
    if (a->negative == b_negative) {
        words_add(x.w, y.w, WIDE_WORDS);
    } else if (words_cmp(x.w, y.w, WIDE_WORDS) >= 0) {
        words_sub(x.w, y.w, WIDE_WORDS);
    } else {
        words_sub(y.w, x.w, WIDE_WORDS);
        x = y;
        negative = b_negative;
    }
    return wide_finish(&x, scale, negative, out);
}

enum decimal_status decimal_add(const struct decimal *a, const struct decimal *b,
                                struct decimal *out)
{
    return add_signed(a, b, b->negative, out);
}

enum decimal_status decimal_sub(const struct decimal *a, const struct decimal *b,
                                struct decimal *out)
{
    return add_signed(a, b, !b->negative, out);
}

enum decimal_status decimal_mul(const struct decimal *a, const struct decimal *b,
                                struct decimal *out)
{
    struct wide x = {.w = {0}};
    int nb = words_used(b->words, DECIMAL_WORDS);
    for (int i = 0; i < words_used(a->words, DECIMAL_WORDS); i++) {
        uint64_t carry = 0;
        for (int j = 0; j < nb; j++) {
            carry += (uint64_t)a->words[i] * b->words[j] + x.w[i + j];
            x.w[i + j] = (uint32_t)(carry % BASE);
            carry /= BASE;
        }
        x.w[i + nb] = (uint32_t)carry;
    }
    unsigned scale = (unsigned)a->scale + b->scale;
    enum cut cut = CUT_NOTHING;
    if (scale > DECIMAL_MAX_SCALE) {
        cut = wide_scale_down(&x, scale - DECIMAL_MAX_SCALE);
        scale = DECIMAL_MAX_SCALE;
        if (cut == CUT_HALF_OR_MORE) {
            wide_increment(&x);
        }
    }
    enum decimal_status status = wide_finish(&x, scale, a->negative != b->negative, out);
    return status == DECIMAL_OK && cut != CUT_NOTHING ? DECIMAL_TRUNCATED : status;
}

/* One word of the quotient: how often v (nv words, top word >= BASE / 2) goes into u[0..nv]; u
 * keeps the rest. */
static uint32_t divide_step(uint32_t *u, const uint32_t *v, int nv)
{
    uint64_t top = (uint64_t)u[nv] * BASE + u[nv - 1];
    uint64_t q = top / v[nv - 1];
    uint64_t r = top % v[nv - 1];
    while (q >= BASE || (nv > 1 && q * v[nv - 2] > r * BASE + u[nv - 2])) {
        q--;
        r += v[nv - 1];
        if (r >= BASE) {
            break;
        }
    }
    uint64_t carry = 0;
    uint32_t borrow = 0;
    for (int i = 0; i < nv; i++) {
        carry += q * v[i];
        uint32_t take = (uint32_t)(carry % BASE) + borrow;
        carry /= BASE;
        borrow = u[i] < take;
        u[i] = borrow ? u[i] + BASE - take : u[i] - take;
    }
    carry += borrow;
    if (u[nv] >= carry) {
        u[nv] -= (uint32_t)carry;
        return (uint32_t)q;
    }
    /* The estimate was one too high. */
    uint32_t back = words_add(u, v, nv);
    u[nv] = u[nv] - (uint32_t)carry + back;
    return (uint32_t)(q - 1);
}

/* quot = x / y, x = x % y (Knuth's algorithm D). y is not zero. */
static void wide_divide(struct wide *x, const struct wide *y, struct wide *quot)
{
    memset(quot, 0, sizeof(*quot));
    int ny = words_used(y->w, WIDE_WORDS);
    int nx = words_used(x->w, WIDE_WORDS);
    if (ny == 1) {
        *quot = *x;
        uint32_t rest = words_div_small(quot->w, nx, y->w[0]);
        memset(x, 0, sizeof(*x));
        x->w[0] = rest;
        return;
    }
    uint32_t u[WIDE_WORDS + 1] = {0};
    struct wide v = *y;
    uint32_t norm = BASE / (y->w[ny - 1] + 1);
    memcpy(u, x->w, sizeof(x->w));
    words_mul_small(u, WIDE_WORDS + 1, norm, 0);
    words_mul_small(v.w, ny, norm, 0);
    for (int i = nx - ny; i >= 0; i--) {
        quot->w[i] = divide_step(u + i, v.w, ny);
    }
    words_div_small(u, WIDE_WORDS + 1, norm);
    memcpy(x->w, u, sizeof(x->w));
}

static unsigned whole_words(unsigned digits)
{
    return (digits + WORD_DIGS - 1) / WORD_DIGS;
}

/*
 * Digits behind the point that a division produces: both scales and the increment, each rounded up
 * to whole words of the server's format, as far as nine words hold them beside the integer part.
 */
static unsigned quotient_scale(const struct decimal *a, const struct decimal *b, unsigned increment)
{
    unsigned frac_a = whole_words(a->scale) * WORD_DIGS;
    unsigned frac_b = whole_words(b->scale) * WORD_DIGS;
    unsigned slack = frac_a - a->scale + frac_b - b->scale;
    increment = increment > slack ? increment - slack : 0;
    unsigned frac_words = whole_words(frac_a + frac_b + increment);
    int digits_a = (int)words_digits(a->words, DECIMAL_WORDS) - a->scale;
    int digits_b = (int)words_digits(b->words, DECIMAL_WORDS) - b->scale;
    int int_digits = MAX(digits_a - digits_b + 1, 0);
    unsigned int_words = MIN(whole_words((unsigned)int_digits), DECIMAL_WORDS);
    return MIN(frac_words, DECIMAL_WORDS - int_words) * WORD_DIGS;
}

enum decimal_status decimal_div_unrounded(const struct decimal *a, const struct decimal *b,
                                          unsigned increment, struct decimal *out)
{
    if (decimal_is_zero(b)) {
        *out = decimal_from_i64(0);
        return DECIMAL_DIV_ZERO;
    }
    unsigned scale = quotient_scale(a, b, increment);
    struct wide x;
    struct wide y;
    struct wide quot;
    wide_from(a, &x);
    wide_from(b, &y);
    if (scale + b->scale >= a->scale) {
        wide_scale_up(&x, scale + b->scale - a->scale);
    } else {
        wide_scale_up(&y, a->scale - scale - b->scale);
    }
    wide_divide(&x, &y, &quot);
    return wide_finish(&quot, scale, a->negative != b->negative, out);
}

enum decimal_status decimal_div(const struct decimal *a, const struct decimal *b,
                                unsigned increment, struct decimal *out)
{
    struct decimal quot;
    enum decimal_status status = decimal_div_unrounded(a, b, increment, &quot);
    if (status == DECIMAL_DIV_ZERO || status == DECIMAL_OVERFLOW) {
        *out = quot;
        return status;
    }
    status = decimal_round(&quot, MIN(a->scale + increment, DECIMAL_MAX_SCALE), out);
    return status == DECIMAL_TRUNCATED ? DECIMAL_OK : status;
}

enum decimal_status decimal_div_int(const struct decimal *a, const struct decimal *b,
                                    struct decimal *out)
{
    if (decimal_is_zero(b)) {
        *out = decimal_from_i64(0);
        return DECIMAL_DIV_ZERO;
    }
    struct wide x;
    struct wide y;
    struct wide quot;
    align(a, b, &x, &y);
    wide_divide(&x, &y, &quot);
    return wide_finish(&quot, 0, a->negative != b->negative, out);
}

enum decimal_status decimal_mod(const struct decimal *a, const struct decimal *b,
                                struct decimal *out)
{
    if (decimal_is_zero(b)) {
        *out = decimal_from_i64(0);
        return DECIMAL_DIV_ZERO;
    }
    struct wide x;
    struct wide y;
    struct wide quot;
    unsigned scale = align(a, b, &x, &y);
    wide_divide(&x, &y, &quot);
    return wide_finish(&x, scale, a->negative, out);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Number text taken apart: where its digits are and the power of ten behind them. */
struct number_text {
    struct str int_digits;
    struct str frac_digits;
    bool negative;
    int exponent;
};

static size_t skip_digits(struct str s, size_t pos)
{
    while (pos < s.len && is_digit(s.p[pos])) {
        pos++;
    }
    return pos;
}

/* Reads "e[+-]digits" at pos; returns the position behind it, or pos when there is none. */
static size_t scan_exponent(struct str s, size_t pos, int *out)
{
    *out = 0;
    if (pos >= s.len || (s.p[pos] != 'e' && s.p[pos] != 'E')) {
        return pos;
    }
    size_t p = pos + 1;
    bool negative = p < s.len && s.p[p] == '-';
    p += p < s.len && (s.p[p] == '-' || s.p[p] == '+');
    size_t end = skip_digits(s, p);
    if (end == p) {
        return pos;
    }
    for (; p < end; p++) {
        *out = MIN(*out * 10 + (s.p[p] - '0'), 100000);
    }
    *out = negative ? -*out : *out;
    return end;
}

/* Returns the characters taken; 0 if there is no number. */
static size_t scan_number(struct str s, struct number_text *out)
{
    size_t pos = 0;
    while (pos < s.len && (s.p[pos] == ' ' || (s.p[pos] >= '\t' && s.p[pos] <= '\r'))) {
        pos++;
    }
    *out = (struct number_text){.negative = pos < s.len && s.p[pos] == '-'};
    pos += pos < s.len && (s.p[pos] == '-' || s.p[pos] == '+');
    size_t end = skip_digits(s, pos);
    out->int_digits = str_from(s.p + pos, end - pos);
    pos = end;
    if (pos < s.len && s.p[pos] == '.') {
        end = skip_digits(s, pos + 1);
        out->frac_digits = str_from(s.p + pos + 1, end - pos - 1);
        pos = end;
    }
    if (out->int_digits.len + out->frac_digits.len == 0) {
        return 0;
    }
    while (out->int_digits.len > 0 && out->int_digits.p[0] == '0') {
        out->int_digits.p++;
        out->int_digits.len--;
    }
    return scan_exponent(s, pos, &out->exponent);
}

/* Appends digits, at most room of them, to the integer in words; returns whether a non-zero one was
 * left out. */
static bool take_digits(uint32_t *words, struct str digits, size_t room)
{
    size_t n = MIN(digits.len, room);
    for (size_t i = 0; i < n; i++) {
        words_mul_small(words, DECIMAL_WORDS, 10, (uint32_t)(digits.p[i] - '0'));
    }
    for (size_t i = n; i < digits.len; i++) {
        if (digits.p[i] != '0') {
            return true;
        }
    }
    return false;
}

/* Multiplies by 10^exponent. */
static enum decimal_status apply_exponent(struct decimal *d, int exponent)
{
    int scale = (int)d->scale - exponent;
    struct wide x;
    wide_from(d, &x);
    if (decimal_is_zero(d)) {
        d->scale = (uint8_t)MIN(MAX(scale, 0), DECIMAL_MAX_SCALE);
        return DECIMAL_OK;
    }
    if (scale < 0) {
        if (words_digits(d->words, DECIMAL_WORDS) + (unsigned)-scale > MAX_DIGS) {
            *d = decimal_max(DECIMAL_MAX_PRECISION, 0, d->negative);
            return DECIMAL_OVERFLOW;
        }
        wide_scale_up(&x, (unsigned)-scale);
        return wide_finish(&x, 0, d->negative, d);
    }
    enum cut cut = CUT_NOTHING;
    if (scale > MAX_DIGS) {
        cut = wide_scale_down(&x, MIN((unsigned)scale - MAX_DIGS, 2 * MAX_DIGS));
        scale = MAX_DIGS;
    }
    enum decimal_status status = wide_finish(&x, (unsigned)scale, d->negative, d);
    return cut == CUT_NOTHING ? status : DECIMAL_TRUNCATED;
}

enum decimal_status decimal_parse(struct str s, struct decimal *out, size_t *out_used)
{
    struct number_text t;
    *out = decimal_from_i64(0);
    *out_used = scan_number(s, &t);
    if (*out_used == 0) {
        return DECIMAL_BAD_NUMBER;
    }
    if (t.int_digits.len > MAX_DIGS) {
        *out = decimal_max(DECIMAL_MAX_PRECISION, 0, t.negative);
        return DECIMAL_OVERFLOW;
    }
    size_t room = MAX_DIGS - t.int_digits.len;
    take_digits(out->words, t.int_digits, MAX_DIGS);
    bool lost = take_digits(out->words, t.frac_digits, room);
    out->scale = (uint8_t)MIN(t.frac_digits.len, room);
    out->negative = t.negative && !decimal_is_zero(out);
    enum decimal_status status = DECIMAL_OK;
    if (t.exponent != 0) {
        status = apply_exponent(out, t.exponent);
    }
    return status == DECIMAL_OK && lost ? DECIMAL_TRUNCATED : status;
}

enum decimal_status decimal_from_double(double x, struct decimal *out)
{
    char buf[FORMAT_REAL_MAX];
    size_t used;
    size_t len = format_double(x, DECIMALS_NOT_FIXED, buf);
    return decimal_parse(str_from(buf, len), out, &used);
}

size_t decimal_format(const struct decimal *d, char *buf)
{
    char digits[MAX_DIGS];
    for (int i = 0; i < DECIMAL_WORDS; i++) {
        uint32_t w = d->words[i];
        char *end = digits + MAX_DIGS - i * WORD_DIGS;
        for (int j = 1; j <= WORD_DIGS; j++) {
            end[-j] = (char)('0' + w % 10);
            w /= 10;
        }
    }
    unsigned used = words_digits(d->words, DECIMAL_WORDS);
    unsigned ints = used > d->scale ? used - d->scale : 0;
    char *p = buf;
    if (d->negative) {
        *p++ = '-';
    }
    if (ints == 0) {
        *p++ = '0';
    }
    memcpy(p, digits + MAX_DIGS - d->scale - ints, ints);
    p += ints;
    if (d->scale > 0) {
        *p++ = '.';
        memcpy(p, digits + MAX_DIGS - d->scale, d->scale);
        p += d->scale;
    }
    return (size_t)(p - buf);
}

double decimal_to_double(const struct decimal *d)
{
    char buf[DECIMAL_TEXT_MAX];
    size_t used;
    bool overflow;
    return parse_double(str_from(buf, decimal_format(d, buf)), &used, &overflow);
}

/* The magnitude rounded to an integer; UINT64_MAX and false if it does not fit. */
static bool to_magnitude(const struct decimal *d, uint64_t *out)
{
    struct decimal whole;
    enum decimal_status status = decimal_round(d, 0, &whole);
    *out = UINT64_MAX;
    if (status == DECIMAL_OVERFLOW || words_used(whole.words, DECIMAL_WORDS) > 3) {
        return false;
    }
    unsigned __int128 u =
        ((unsigned __int128)whole.words[2] * BASE + whole.words[1]) * BASE + whole.words[0];
    if (u > UINT64_MAX) {
        return false;
    }
    *out = (uint64_t)u;
    return true;
}

enum decimal_status decimal_to_i64(const struct decimal *d, int64_t *out)
{
    uint64_t u;
    bool fits = to_magnitude(d, &u);
    uint64_t limit = (uint64_t)INT64_MAX + d->negative;
    if (!fits || u > limit) {
        *out = d->negative ? INT64_MIN : INT64_MAX;
        return DECIMAL_OVERFLOW;
    }
    *out = (int64_t)(d->negative ? 0 - u : u);
    return DECIMAL_OK;
}

enum decimal_status decimal_to_u64(const struct decimal *d, uint64_t *out)
{
    bool fits = to_magnitude(d, out);
    if (d->negative && *out != 0) {
        *out = 0;
        return DECIMAL_OVERFLOW;
    }
    return fits ? DECIMAL_OK : DECIMAL_OVERFLOW;
}

/* Bytes that hold 0 to 9 digits in the sortable form. */
static const uint8_t digits_bytes[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

static char *put_group(const char *digits, unsigned n, char *p)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        value = value * 10 + (uint32_t)(digits[i] - '0');
    }
    for (unsigned bytes = digits_bytes[n]; bytes > 0; bytes--) {
        *p++ = (char)(uint8_t)(value >> (8 * (bytes - 1)));
    }
    return p;
}

/* Digits of d at that scale, without sign and point, padded with zeros in front to `precision`. */
static void padded_digits(const struct decimal *d, unsigned precision, unsigned scale, char *out)
{
    struct decimal fit;
    char text[DECIMAL_TEXT_MAX];
    (void)!decimal_fit(d, precision, scale, &fit);
    fit.negative = false;
    fit.scale = 0;
    size_t len = decimal_format(&fit, text);
    if (len > precision) { /* "0" where there are no digits at all */
        len = 0;
    }
    memset(out, '0', precision - len);
    memcpy(out + precision - len, text, len);
}

size_t decimal_to_sortable(const struct decimal *d, unsigned precision, unsigned scale, char *buf)
{
    char digits[DECIMAL_TEXT_MAX];
    padded_digits(d, precision, scale, digits);
    unsigned ints = precision - scale;
    char *p = put_group(digits, ints % WORD_DIGS, buf);
    for (unsigned i = ints % WORD_DIGS; i < ints; i += WORD_DIGS) {
        p = put_group(digits + i, WORD_DIGS, p);
    }
    for (unsigned i = 0; i < scale; i += WORD_DIGS) {
        p = put_group(digits + ints + i, MIN(scale - i, WORD_DIGS), p);
    }
    size_t len = (size_t)(p - buf);
    if (d->negative) {
        for (size_t i = 0; i < len; i++) {
            buf[i] = (char)~buf[i];
        }
    }
    buf[0] = (char)(buf[0] ^ (char)0x80);
    return len;
}

/* Reads one group of n digits into d; returns the bytes taken, or 0 if the number has more digits.
 */
static unsigned get_group(const char *p, unsigned n, char mask, struct decimal *d)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < digits_bytes[n]; i++) {
        value = value << 8 | (uint8_t)(p[i] ^ mask);
    }
    if (value >= pow10_u32[n]) {
        return 0;
    }
    words_mul_small(d->words, DECIMAL_WORDS, pow10_u32[n], value);
    return digits_bytes[n];
}

int decimal_from_sortable(struct str s, unsigned precision, unsigned scale, struct decimal *out)
{
    unsigned ints = precision - scale;
    size_t want = (size_t)ints / WORD_DIGS * 4 + digits_bytes[ints % WORD_DIGS] +
                  (size_t)scale / WORD_DIGS * 4 + digits_bytes[scale % WORD_DIGS];
    *out = (struct decimal){.scale = (uint8_t)scale};
    if (s.len != want || want > 40) {
        return -1;
    }
    char buf[40];
    memcpy(buf, s.p, want);
    buf[0] = (char)(buf[0] ^ (char)0x80);
    bool negative = (buf[0] & 0x80) != 0;
    char mask = negative ? (char)0xff : 0;
    const char *p = buf;
    for (unsigned at = 0; at < precision;) {
        unsigned n = at < ints ? (ints - at) % WORD_DIGS : precision - at;
        n = n == 0 || n > WORD_DIGS ? WORD_DIGS : n;
        unsigned bytes = get_group(p, n, mask, out);
        if (bytes == 0) {
            return -1;
        }
        p += bytes;
        at += n;
    }
    out->negative = negative && !decimal_is_zero(out);
    return 0;
}
