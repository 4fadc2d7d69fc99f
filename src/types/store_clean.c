/* See store_clean.h. */
#include "types/store_clean.h"

#include "types/charset.h"
#include "types/collation.h"
#include "types/temporal.h"

/* Digits that surely fit 64 bits. */
#define DIGITS_MAX 18

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Reads digits from *p on, at most `limit`; returns how many, with *value continued. */
static inline size_t read_digits(const char *p, size_t len, size_t limit, int64_t *value)
{
    size_t n = 0;
    const size_t end = MIN(len, limit);
    while (n < end && is_digit(p[n])) {
        *value = *value * 10 + (p[n] - '0');
        n++;
    }
    return n;
}

static bool store_int(const struct store_clean_column *c, struct str text, struct chunk_builder *b,
                      uint32_t col)
{
    const bool negative = text.len > 0 && text.p[0] == '-';
    const size_t start = negative ? 1 : 0;
    int64_t value = 0;
    const size_t n = read_digits(text.p + start, text.len - start, DIGITS_MAX, &value);
    if (n == 0 || start + n != text.len || value > c->max ||
        (negative && type_is_unsigned(c->type))) {
        return false;
    }
    chunk_builder_set_int(b, col, negative ? -value : value);
    return true;
}

static bool store_decimal(const struct store_clean_column *c, struct str text,
                          struct chunk_builder *b, uint32_t col)
{
    const bool negative = text.len > 0 && text.p[0] == '-';
    const char *p = text.p + (negative ? 1 : 0);
    size_t left = text.len - (negative ? 1 : 0);
    int64_t value = 0;
    const size_t whole = read_digits(p, left, DIGITS_MAX, &value);
    size_t fraction = 0;
    p += whole;
    left -= whole;
    if (left > 0 && *p == '.') {
        fraction = read_digits(p + 1, left - 1, MIN((size_t)c->type->decimals, DIGITS_MAX - whole),
                               &value);
        left -= fraction + 1;
    }
    if (whole == 0 || left > 0 || whole + c->type->decimals > DIGITS_MAX ||
        (negative && type_is_unsigned(c->type))) {
        return false;
    }
    for (size_t i = fraction; i < c->type->decimals; i++) {
        value *= 10;
    }
    if (value > c->max) {
        return false;
    }
    chunk_builder_set_int(b, col, negative ? -value : value);
    return true;
}

static inline unsigned two_digits(const char *p)
{
    return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

/* "YYYY-MM-DD", a day of the calendar. */
static bool store_date(const struct store_clean_column *c, struct str text, struct chunk_builder *b,
                       uint32_t col)
{
    static const uint8_t days_of[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *p = text.p;
    (void)c;
    if (text.len != 10 || p[4] != '-' || p[7] != '-') {
        return false;
    }
    for (size_t i = 0; i < 10; i++) {
        if (i != 4 && i != 7 && !is_digit(p[i])) {
            return false;
        }
    }
    const struct mtime t = {.year = (uint16_t)(two_digits(p) * 100 + two_digits(p + 2)),
                            .month = (uint8_t)two_digits(p + 5),
                            .day = (uint8_t)two_digits(p + 8)};
    if (t.year == 0 || t.month == 0 || t.month > 12 || t.day == 0 || t.day > days_of[t.month]) {
        return false; /* the 29th of February too: seldom enough */
    }
    chunk_builder_set_int(b, col, temporal_pack_date(&t));
    return true;
}

static inline bool is_ascii(struct str s)
{
    uint64_t bits = 0;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, sizeof word);
        bits |= word;
    }
    for (; i < s.len; i++) {
        bits |= (uint64_t)(unsigned char)s.p[i];
    }
    return (bits & UINT64_C(0x8080808080808080)) == 0;
}

static bool store_string(const struct store_clean_column *c, struct str text,
                         struct chunk_builder *b, uint32_t col)
{
    if (text.len > (size_t)c->max || !is_ascii(text)) {
        return false;
    }
    if (c->type->type == MYSQL_TYPE_STRING && text.len > 0 && text.p[text.len - 1] == ' ') {
        return false;
    }
    chunk_builder_set_str(b, col, text);
    return true;
}

/* Largest magnitude of an integer type that both signs have. */
static int64_t int_max(const struct sql_type *t)
{
    static const uint8_t bits[] = {[MYSQL_TYPE_TINY] = 8,
                                   [MYSQL_TYPE_SHORT] = 16,
                                   [MYSQL_TYPE_INT24] = 24,
                                   [MYSQL_TYPE_LONG] = 32,
                                   [MYSQL_TYPE_LONGLONG] = 63};
    const unsigned n = bits[t->type];
    return n >= 63 ? INT64_MAX : (INT64_C(1) << (n - (type_is_unsigned(t) ? 0 : 1))) - 1;
}

/* Does the column hold ASCII text as it is? */
static bool holds_ascii(const struct sql_type *t)
{
    const struct collation *c = collation_find(t->collation);
    return c != NULL && c->charset->kind != CHARSET_BINARY && c->charset->min_len == 1;
}

void store_clean_init(struct store_clean_column *c, const struct sql_type *type)
{
    *c = (struct store_clean_column){.type = type};
    switch (type_class_of(type->type)) {
    case TYPE_CLASS_INT:
        if (type->type != MYSQL_TYPE_YEAR) {
            c->store = store_int;
            c->max = int_max(type);
        }
        return;
    case TYPE_CLASS_DECIMAL:
        if (type->length <= DIGITS_MAX) {
            c->store = store_decimal;
            c->max = 1;
            for (uint32_t i = 0; i < type->length; i++) {
                c->max *= 10;
            }
            c->max--;
        }
        return;
    case TYPE_CLASS_DATE:
        c->store = store_date;
        return;
    case TYPE_CLASS_STRING:
        if (holds_ascii(type) &&
            (type->type == MYSQL_TYPE_VARCHAR || type->type == MYSQL_TYPE_STRING)) {
            c->store = store_string;
            c->max = type->length;
        }
        return;
    default:
        return;
    }
}
