/*
 * STR_TO_DATE: text read by a format, specifier by specifier (MySQL manual, "STR_TO_DATE()" and the
 * table of DATE_FORMAT()'s specifiers).
 */
#include "exec/eval_int.h"
#include "types/temporal_text.h"

#include <ctype.h>

static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                   "friday", "saturday", "sunday"};
static const char *const months[] = {"january",   "february", "march",    "april",
                                     "may",       "june",     "july",     "august",
                                     "september", "october",  "november", "december"};

/* What has been read. */
struct reading {
    struct str s;
    size_t at;
    struct mtime t;
    int day_of_year; /* 0 = not given */
    int weekday;     /* 1 = Monday; 0 = not given */
    int week;        /* -1 = not given */
    char week_kind;  /* U u V v */
    int week_year;   /* of %X and %x; -1 = not given */
    bool week_year_sunday;
    bool twelve_hours, afternoon;
};

/* Up to `max` digits. False: there is none. */
static bool read_number(struct reading *r, unsigned max, unsigned *out)
{
    unsigned n = 0;
    unsigned count = 0;
    while (count < max && r->at < r->s.len && isdigit((unsigned char)r->s.p[r->at])) {
        n = n * 10 + (unsigned)(r->s.p[r->at++] - '0');
        count++;
    }
    *out = n;
    return count > 0;
}

/* The longest of the names (or of their first three letters) at this place: its number from 1, or
 * 0. */
static int read_name(struct reading *r, const char *const *names, unsigned count, bool brief)
{
    for (unsigned i = 0; i < count; i++) {
        struct str name = str_from_cstr(names[i]);
        name.len = brief ? 3 : name.len;
        if (str_starts_with_nocase(str_from(r->s.p + r->at, r->s.len - r->at), name)) {
            r->at += name.len;
            return (int)i + 1;
        }
    }
    return 0;
}

static bool read_fraction(struct reading *r)
{
    unsigned n;
    const size_t start = r->at;
    if (!read_number(r, 6, &n)) {
        return false;
    }
    for (size_t k = r->at - start; k < 6; k++) {
        n *= 10;
    }
    r->t.usec = n;
    return true;
}

static bool read_half(struct reading *r)
{
    const struct str rest = str_from(r->s.p + r->at, r->s.len - r->at);
    r->afternoon = str_starts_with_nocase(rest, STR("PM"));
    if (!r->afternoon && !str_starts_with_nocase(rest, STR("AM"))) {
        return false;
    }
    r->at += 2;
    return true;
}

static bool read_by_format(struct reading *r, struct str format);

static bool read_year(struct reading *r, unsigned max, int *out)
{
    unsigned n;
    const size_t start = r->at;
    if (!read_number(r, max, &n)) {
        return false;
    }
    if (r->at - start <= 2) {
        n += n < 70 ? 2000 : 1900;
    }
    *out = (int)n;
    return true;
}

static bool read_date_part(struct reading *r, char c)
{
    unsigned n = 0;
    int year = 0;
    switch (c) {
    case 'Y':
    case 'y':
        if (!read_year(r, c == 'Y' ? 4 : 2, &year)) {
            return false;
        }
        r->t.year = (uint16_t)year;
        return true;
    case 'm':
    case 'c':
        n = read_number(r, 2, &n) ? n : 99;
        r->t.month = (uint8_t)MIN(n, 99u);
        return n <= 12;
    case 'M':
    case 'b':
        r->t.month = (uint8_t)read_name(r, months, 12, c == 'b');
        return r->t.month > 0;
    case 'd':
    case 'e':
    case 'D':
        n = read_number(r, 2, &n) ? n : 99;
        r->t.day = (uint8_t)MIN(n, 99u);
        r->at += c == 'D' ? MIN(r->s.len - r->at, 2u) : 0;
        return n <= 31;
    case 'j':
        n = read_number(r, 3, &n) ? n : 999;
        r->day_of_year = (int)n;
        return n >= 1 && n <= 366;
    case 'W':
    case 'a':
        r->weekday = read_name(r, days, 7, c == 'a');
        return r->weekday > 0;
    case 'w':
        n = read_number(r, 1, &n) ? n : 9;
        r->weekday = n == 0 ? 7 : (int)n;
        return n <= 6;
    case 'X':
    case 'x':
        r->week_year_sunday = c == 'X';
        return read_year(r, 4, &r->week_year);
    default: /* U u V v */
        n = read_number(r, 2, &n) ? n : 99;
        r->week = (int)n;
        r->week_kind = c;
        return n <= 53 && (n > 0 || c == 'U' || c == 'u');
    }
}

static bool read_time_part(struct reading *r, char c)
{
    unsigned n = 0;
    switch (c) {
    case 'f':
        return read_fraction(r);
    case 'p':
        return r->twelve_hours && read_half(r);
    case 'T':
        return read_by_format(r, STR("%H:%i:%S"));
    case 'r':
        return read_by_format(r, STR("%I:%i:%S %p"));
    default:
        break;
    }
    if (!read_number(r, 2, &n)) {
        return false;
    }
    switch (c) {
    case 'h':
    case 'I':
    case 'l':
        r->twelve_hours = true;
        r->t.hour = (uint16_t)n;
        return n >= 1 && n <= 12;
    case 'H':
    case 'k':
        r->t.hour = (uint16_t)n;
        return n <= 23;
    case 'i':
        r->t.minute = (uint8_t)n;
        return n <= 59;
    default: /* s S */
        r->t.second = (uint8_t)n;
        return n <= 59;
    }
}

static bool is_one_of(const char *letters, char c)
{
    return c != '\0' && strchr(letters, c) != NULL;
}

static bool read_specifier(struct reading *r, char c)
{
    while (r->at < r->s.len && isspace((unsigned char)r->s.p[r->at])) {
        r->at++;
    }
    if (is_one_of("YymcMbdeDjWawXxUuVv", c)) {
        return read_date_part(r, c);
    }
    if (is_one_of("HkhIlisSfpTr", c)) {
        return read_time_part(r, c);
    }
    if (is_one_of(".@#", c)) {
        const size_t start = r->at;
        while (r->at < r->s.len && (c == '.'   ? ispunct((unsigned char)r->s.p[r->at]) != 0
                                    : c == '@' ? isalpha((unsigned char)r->s.p[r->at]) != 0
                                               : isdigit((unsigned char)r->s.p[r->at]) != 0)) {
            r->at++;
        }
        return r->at >= start;
    }
    return r->at < r->s.len && r->s.p[r->at++] == c;
}

static bool read_by_format(struct reading *r, struct str format)
{
    for (size_t i = 0; i < format.len; i++) {
        while (r->at < r->s.len && isspace((unsigned char)r->s.p[r->at])) {
            r->at++;
        }
        if (r->at >= r->s.len) {
            return true; /* What the text does not have stays 0. */
        }
        if (format.p[i] == '%' && i + 1 < format.len) {
            if (!read_specifier(r, format.p[++i])) {
                return false;
            }
        } else if (!isspace((unsigned char)format.p[i])) {
            if (r->s.p[r->at++] != format.p[i]) {
                return false;
            }
        }
    }
    return true;
}

/* A date from a week and a weekday: %X%V%W or %Y%u%W. */
static bool date_from_week(struct reading *r)
{
    const bool strict = r->week_kind == 'V' || r->week_kind == 'v';
    const bool sunday_first = r->week_kind == 'U' || r->week_kind == 'V';
    if (strict ? r->week_year < 0 || r->week_year_sunday != sunday_first : r->week_year >= 0) {
        return false;
    }
    const int year = strict ? r->week_year : r->t.year;
    const struct mtime first = {.year = (uint16_t)year, .month = 1, .day = 1};
    const int32_t day_one = date_to_days(&first);
    /* 1970-01-01 was a Thursday. */
    const int32_t weekday = ((day_one + (sunday_first ? 4 : 3)) % 7 + 7) % 7;
    int32_t day = day_one;
    if (sunday_first) {
        day += (weekday == 0 ? 0 : 7) - weekday + (r->week - 1) * 7 + r->weekday % 7;
    } else {
        day += (weekday <= 3 ? 0 : 7) - weekday + (r->week - 1) * 7 + r->weekday - 1;
    }
    struct mtime t;
    date_from_days(day, &t);
    r->t.year = t.year;
    r->t.month = t.month;
    r->t.day = t.day;
    return t.year > 0 && t.year <= 9999;
}

static bool finish_date(struct reading *r)
{
    if (r->twelve_hours) {
        r->t.hour = (uint16_t)(r->t.hour % 12 + (r->afternoon ? 12 : 0));
    }
    if (r->day_of_year > 0) {
        const struct mtime first = {.year = r->t.year, .month = 1, .day = 1};
        struct mtime t;
        date_from_days(date_to_days(&first) + r->day_of_year - 1, &t);
        r->t.year = t.year;
        r->t.month = t.month;
        r->t.day = t.day;
    }
    return r->week < 0 || r->weekday == 0 || date_from_week(r);
}

static int not_a_date(struct eval_ctx *ctx, struct str s)
{
    diag_warn(ctx->diag, DIAG_WARNING, ER_WRONG_VALUE_FOR_TYPE, "datetime",
              arena_dup_cstr(ctx->arena, s), "str_to_date");
    return 0;
}

static void set_result(const struct expr *e, const struct mtime *t, struct value *out)
{
    const struct mtime day = {.year = t->year, .month = t->month, .day = t->day};
    struct mtime clock = *t;
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_DATE:
        *out = (struct value){.kind = VALUE_DATE, .time = day};
        return;
    case TYPE_CLASS_TIME:
        clock.year = 0;
        clock.month = 0;
        clock.day = 0;
        *out = (struct value){.kind = VALUE_TIME, .decimals = e->type.decimals, .time = clock};
        return;
    default:
        *out = (struct value){.kind = VALUE_DATETIME, .decimals = e->type.decimals, .time = *t};
        return;
    }
}

int eval_str_to_date(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    struct reading r = {.s = eval_text(ctx, e->args[0], &args[0]), .week = -1, .week_year = -1};
    const struct str format = eval_text(ctx, e->args[1], &args[1]);
    const bool is_time = type_class_of(e->type.type) == TYPE_CLASS_TIME;
    if (!read_by_format(&r, format) || !finish_date(&r)) {
        return not_a_date(ctx, r.s);
    }
    const uint64_t lenient = eval_is_mariadb(ctx) ? SQL_MODE_ALLOW_INVALID_DATES : 0;
    if (!is_time && (temporal_check_date(&r.t, ctx->sql_mode | lenient) != 0 ||
                     (!eval_is_mariadb(ctx) && r.t.month > 0 &&
                      r.t.day > temporal_days_in_month(r.t.year, r.t.month)))) {
        return not_a_date(ctx, r.s);
    }
    while (r.at < r.s.len && isspace((unsigned char)r.s.p[r.at])) {
        r.at++;
    }
    if (r.at < r.s.len) {
        const enum type_class class = type_class_of(e->type.type);
        diag_warn(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE,
                  class == TYPE_CLASS_DATE ? "date"
                  : is_time                ? "time"
                                           : "datetime",
                  arena_dup_cstr(ctx->arena, r.s));
    }
    set_result(e, &r.t, out);
    return 0;
}
