/*
 * Reading dates and times. Both servers take almost anything as a delimiter, so the readers work
 * field by field: a date-time is up to seven numbers with delimiters between, or one run of digits
 * cut into fields of fixed width. Pure functions.
 */
#include "types/temporal_text.h"

#include "types/convert.h"

#include <string.h>

enum field {
    FIELD_YEAR,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_HOUR,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_FRACTION,
    FIELD_COUNT,
};

/* Two-digit years below this are of the 21st century. */
#define CENTURY_SPLIT 70

/* Texts of at least this length are tried as a full date-time first where a TIME is wanted. */
#define FULL_DATETIME_LEN         12
#define FULL_DATETIME_LEN_MARIADB 10

#define MAX_HOUR 838
/* 838:59:59 as a number. */
#define MAX_TIME_NUMBER 8385959

static const uint32_t pow10_u32[10] = {1,      10,      100,      1000,      10000,
                                       100000, 1000000, 10000000, 100000000, 1000000000};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_punct(char c)
{
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
           (c > 'z' && c < 0x7f);
}

static size_t skip_spaces(struct str s, size_t pos)
{
    while (pos < s.len && is_space(s.p[pos])) {
        pos++;
    }
    return pos;
}

/* A date-time being read. */
struct scanner {
    struct str s;
    size_t pos;
    bool mariadb;
    bool fixed;        /* One run of digits, fields of fixed width. */
    unsigned year_len; /* Digits that the year had. */
    unsigned count;    /* Fields found. */
    bool delimiter;    /* Something stood between fields … */
    bool space;        /* … a space among it. */
    uint32_t fields[FIELD_COUNT];
    uint32_t nanos;
    struct temporal_delimiter *fault;
};

static char scanner_peek(const struct scanner *sc)
{
    return sc->pos < sc->s.len ? sc->s.p[sc->pos] : '\0';
}

/* Remembers the first delimiter that is not as it should be. */
static void note_fault(struct temporal_delimiter *fault, struct str s, size_t pos, char wanted)
{
    if (fault->found == '\0') {
        *fault = (struct temporal_delimiter){.found = s.p[pos], .wanted = wanted, .position = pos};
    }
}

/* Superfluous spaces from pos on. */
static void note_spaces(struct temporal_delimiter *fault, struct str s, size_t pos)
{
    if (pos < s.len && is_space(s.p[pos])) {
        note_fault(fault, s, pos, '\0');
    }
}

/* The digit run at the start decides how to read: it ends the text or stands before a point. */
static void scanner_choose_format(struct scanner *sc)
{
    size_t end = sc->pos;
    while (end < sc->s.len && (is_digit(sc->s.p[end]) || sc->s.p[end] == 'T')) {
        end++;
    }
    size_t digits = end - sc->pos;
    sc->fixed = end == sc->s.len || sc->s.p[end] == '.';
    sc->year_len = digits == 4 || digits == 8 || digits >= 14 ? 4 : 2;
}

/* Reads one number. Returns 0, or -1 if it is beyond any field. */
static int scanner_number(struct scanner *sc, enum field f)
{
    size_t width = f == FIELD_YEAR ? sc->year_len : 2;
    size_t start = sc->pos;
    uint32_t n = 0;
    while (is_digit(scanner_peek(sc)) && (!sc->fixed || sc->pos - start < width)) {
        n = n * 10 + (uint32_t)(scanner_peek(sc) - '0');
        sc->pos++;
        if (n > 999999) {
            return -1;
        }
    }
    if (f == FIELD_YEAR && !sc->fixed) {
        sc->year_len = (unsigned)(sc->pos - start);
    }
    sc->fields[f] = n;
    return 0;
}

/* Fraction digits at pos: microseconds, the seventh digit as nanoseconds, the others skipped. */
static size_t read_fraction(struct str s, size_t pos, uint32_t *out_usec, uint32_t *out_nanos)
{
    unsigned digits = 0;
    *out_usec = 0;
    for (; pos < s.len && is_digit(s.p[pos]); pos++, digits++) {
        uint32_t d = (uint32_t)(s.p[pos] - '0');
        if (digits < 6) {
            *out_usec = *out_usec * 10 + d;
        } else if (digits == 6) {
            *out_nanos = d * 100;
        }
    }
    *out_usec *= digits < 6 ? pow10_u32[6 - digits] : 1;
    return pos;
}

/* Skips what separates field f from the next. Returns 0, or -1 for a space where none may be. */
static int scanner_delimiters(struct scanner *sc, enum field f)
{
    static const char wanted[] = "-- ::::";
    const bool point_behind_day = sc->fixed && f == FIELD_DAY && scanner_peek(sc) == '.';
    unsigned seen = 0;
    while (sc->pos < sc->s.len && (is_punct(scanner_peek(sc)) || is_space(scanner_peek(sc)))) {
        if (is_space(scanner_peek(sc))) {
            if (f != FIELD_DAY && f != FIELD_FRACTION) {
                return sc->mariadb && f > FIELD_DAY ? 1 : -1;
            }
            sc->space = true;
        } else if (sc->mariadb && seen > 0) {
            return -1;
        }
        if (seen > 0 || (f == FIELD_FRACTION && is_space(scanner_peek(sc)))) {
            note_fault(sc->fault, sc->s, sc->pos, '\0');
        } else if (scanner_peek(sc) != wanted[f] && !point_behind_day) {
            note_fault(sc->fault, sc->s, sc->pos, wanted[f]);
        }
        seen++;
        sc->pos++;
        sc->delimiter = true;
    }
    return 0;
}

/* Reads the fields. Returns 0, or -1 if the text cannot be a date-time. pos ends behind what was
 * used. */
static int scanner_fields(struct scanner *sc)
{
    for (unsigned f = 0; f < FIELD_FRACTION && is_digit(scanner_peek(sc)); f++) {
        if (scanner_number(sc, f) != 0) {
            return -1;
        }
        sc->count = f + 1;
        char next = scanner_peek(sc);
        if (f == FIELD_SECOND) {
            if (next == '.') {
                sc->pos =
                    read_fraction(sc->s, sc->pos + 1, &sc->fields[FIELD_FRACTION], &sc->nanos);
                next = scanner_peek(sc);
                /* MySQL takes delimiters behind a fraction without complaint. */
                if (!sc->mariadb && next != '+' && next != '-') {
                    (void)!scanner_delimiters(sc, FIELD_FRACTION);
                }
            }
            break;
        }
        if (f == FIELD_DAY && next == 'T') {
            bool digit = sc->pos + 1 < sc->s.len && is_digit(sc->s.p[sc->pos + 1]);
            if (!digit && !(sc->mariadb && sc->pos + 1 == sc->s.len)) {
                break;
            }
            sc->pos++;
            sc->space = sc->space || sc->mariadb;
            continue;
        }
        if (sc->mariadb && sc->fixed && !sc->delimiter && f >= FIELD_MONTH && f <= FIELD_DAY &&
            next == '.') {
            return -1;
        }
        int rc = scanner_delimiters(sc, f);
        if (rc != 0) {
            return MIN(rc, 0);
        }
    }
    return 0;
}

/* Reads "+hh:mm" or "-hh:mm" at pos. Returns 0 (with has_offset if there was one), or -1 for a
 * malformed one. */
static int scanner_offset(struct scanner *sc, struct temporal_read *out)
{
    char sign = scanner_peek(sc);
    if (sc->mariadb || sc->count < 6 || (sign != '+' && sign != '-')) {
        return 0;
    }
    const char *p = sc->s.p + sc->pos + 1;
    size_t left = sc->s.len - sc->pos - 1;
    if (left < 5 || !is_digit(p[0]) || !is_digit(p[1]) || p[2] != ':' || !is_digit(p[3]) ||
        !is_digit(p[4])) {
        return -1;
    }
    int hours = (p[0] - '0') * 10 + (p[1] - '0');
    int minutes = (p[3] - '0') * 10 + (p[4] - '0');
    int offset = hours * 60 + minutes;
    bool negative = sign == '-';
    if (minutes > 59 || offset > 14 * 60 || (negative && (offset == 0 || offset == 14 * 60))) {
        return -1;
    }
    out->has_offset = true;
    out->offset_s = (negative ? -offset : offset) * 60;
    sc->pos += 6;
    return 0;
}

unsigned temporal_check_date(const struct mtime *t, uint64_t sql_mode)
{
    bool zero = t->year == 0 && t->month == 0 && t->day == 0 && t->hour == 0 && t->minute == 0 &&
                t->second == 0 && t->usec == 0;
    if (zero) {
        return sql_mode & SQL_MODE_NO_ZERO_DATE ? TEMPORAL_ZERO_DATE : 0;
    }
    if (t->month == 0 || t->day == 0) {
        return sql_mode & SQL_MODE_NO_ZERO_IN_DATE ? TEMPORAL_ZERO_IN_DATE : 0;
    }
    if (!(sql_mode & SQL_MODE_ALLOW_INVALID_DATES) &&
        t->day > temporal_days_in_month(t->year, t->month)) {
        return TEMPORAL_OUT_OF_RANGE;
    }
    return 0;
}

static bool fields_in_range(const uint32_t *f)
{
    return f[FIELD_YEAR] <= 9999 && f[FIELD_MONTH] <= 12 && f[FIELD_DAY] <= 31 &&
           f[FIELD_HOUR] <= 23 && f[FIELD_MINUTE] <= 59 && f[FIELD_SECOND] <= 59;
}

/* Fills out->t from the fields and checks them. */
static int finish_datetime(struct scanner *sc, uint64_t sql_mode, struct temporal_read *out)
{
    uint32_t *f = sc->fields;
    bool any = false;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        any = any || f[i] != 0;
    }
    if (sc->year_len == 2 && any) {
        f[FIELD_YEAR] += f[FIELD_YEAR] < CENTURY_SPLIT ? 2000 : 1900;
    }
    if (sc->count < 3) {
        bool only_zeros = !any && sc->pos == sc->s.len;
        /* Zeros alone are told from other digits that are no date. */
        out->problems |= TEMPORAL_NO_VALUE | (only_zeros ? TEMPORAL_OUT_OF_RANGE : 0);
        return -1;
    }
    if (!fields_in_range(f)) {
        out->problems |= TEMPORAL_BAD_FIELD;
        return -1;
    }
    out->t = (struct mtime){.year = (uint16_t)f[FIELD_YEAR],
                            .month = (uint8_t)f[FIELD_MONTH],
                            .day = (uint8_t)f[FIELD_DAY],
                            .hour = (uint16_t)f[FIELD_HOUR],
                            .minute = (uint8_t)f[FIELD_MINUTE],
                            .second = (uint8_t)f[FIELD_SECOND],
                            .usec = f[FIELD_FRACTION]};
    out->kind = sc->count > 3 ? TEMPORAL_DATETIME : TEMPORAL_DATE;
    out->nanos = sc->nanos;
    out->problems |= temporal_check_date(&out->t, sql_mode);
    return out->problems == 0 ? 0 : -1;
}

/* Reads a date-time; *sc tells the caller more about it. */
static int read_datetime(struct scanner *sc, uint64_t sql_mode, struct temporal_read *out)
{
    *out = (struct temporal_read){.kind = TEMPORAL_DATETIME};
    sc->fault = &out->delimiter;
    note_spaces(sc->fault, sc->s, 0);
    sc->pos = skip_spaces(sc->s, 0);
    if (sc->mariadb && scanner_peek(sc) == '+') {
        sc->pos++;
    }
    if (!is_digit(scanner_peek(sc))) {
        out->problems = TEMPORAL_NO_VALUE;
        return -1;
    }
    scanner_choose_format(sc);
    if (scanner_fields(sc) != 0 || scanner_offset(sc, out) != 0) {
        out->problems = TEMPORAL_NO_VALUE;
        return -1;
    }
    if (finish_datetime(sc, sql_mode, out) != 0) {
        return -1;
    }
    note_spaces(sc->fault, sc->s, sc->pos);
    out->used = skip_spaces(sc->s, sc->pos);
    if (out->used < sc->s.len) {
        out->problems |= TEMPORAL_LEFTOVER;
    }
    return 0;
}

int temporal_read_datetime(struct str s, uint64_t sql_mode, enum sql_dialect dialect,
                           struct temporal_read *out)
{
    struct scanner sc = {.s = s, .mariadb = dialect == DIALECT_MARIADB};
    return read_datetime(&sc, sql_mode, out);
}

void temporal_warn_delimiter(const struct temporal_read *r, struct str text, uint64_t row,
                             struct diag *diag)
{
    const struct temporal_delimiter *d = &r->delimiter;
    const char found[2] = {d->found, '\0'};
    char shown[129];
    if (diag == NULL || d->found == '\0') {
        return;
    }
    size_t len = MIN(text.len, sizeof(shown) - 1);
    memcpy(shown, text.p, len);
    shown[len] = '\0';
    if (d->wanted == '\0') {
        diag_warn(diag, DIAG_WARNING, ER_WARN_DEPRECATED_SUPERFLUOUS_DELIMITER, found,
                  (int)d->position, shown, (int)row);
    } else {
        diag_warn(diag, DIAG_WARNING, ER_WARN_DEPRECATED_DATETIME_DELIMITER, found,
                  (int)d->position, shown, (int)row, d->wanted);
    }
}

struct mtime temporal_max_time(bool negative, enum sql_dialect dialect)
{
    return (struct mtime){.hour = MAX_HOUR,
                          .minute = 59,
                          .second = 59,
                          .usec = dialect == DIALECT_MARIADB ? 999999 : 0,
                          .negative = negative};
}

/* Clips to the range of TIME. */
static void clip_time(struct temporal_read *out, enum sql_dialect dialect)
{
    struct mtime max = temporal_max_time(out->t.negative, dialect);
    int64_t have = temporal_pack_time(&out->t);
    int64_t limit = temporal_pack_time(&max);
    if (out->t.negative ? have < limit : have > limit) {
        out->t = max;
        out->nanos = 0;
        out->problems |= TEMPORAL_OUT_OF_RANGE;
    }
}

/* Days, hours, minutes and seconds of a TIME. */
struct time_scanner {
    struct str s;
    size_t pos;
    uint64_t part[4];
    struct temporal_delimiter *fault;
};

static uint64_t time_number(struct time_scanner *sc)
{
    uint64_t n = 0;
    for (; sc->pos < sc->s.len && is_digit(sc->s.p[sc->pos]); sc->pos++) {
        n = MIN(n * 10 + (uint64_t)(sc->s.p[sc->pos] - '0'), UINT64_C(10000000000));
    }
    return n;
}

static bool colon_and_digit(const struct time_scanner *sc)
{
    return sc->s.len - sc->pos > 1 && sc->s.p[sc->pos] == ':' && is_digit(sc->s.p[sc->pos + 1]);
}

/* Reads "[d ]h:m:s" from part `at` on. */
static void time_parts(struct time_scanner *sc, unsigned at)
{
    for (;;) {
        sc->part[at++] = time_number(sc);
        if (at == 4 || !colon_and_digit(sc)) {
            return;
        }
        sc->pos++;
    }
}

/* Returns 0, or -1 if there is no number to start with. */
static int scan_time(struct time_scanner *sc, bool mariadb)
{
    size_t start = sc->pos;
    uint64_t first = time_number(sc);
    bool any = sc->pos > start;
    size_t after = skip_spaces(sc->s, sc->pos);
    /* Behind a sign, spaces alone stand for no days. */
    if (after > sc->pos && sc->s.len - after > 1 && is_digit(sc->s.p[after])) {
        if (after - sc->pos > 1 && any) {
            note_spaces(sc->fault, sc->s, sc->pos);
        }
        sc->part[0] = first;
        sc->pos = after;
        time_parts(sc, 1);
        return 0;
    }
    if (colon_and_digit(sc) && (any || !mariadb)) {
        sc->part[1] = first;
        sc->pos++;
        time_parts(sc, 2);
        return 0;
    }
    if (first > UINT32_MAX) {
        return -1;
    }
    sc->part[1] = first / 10000;
    sc->part[2] = first / 100 % 100;
    sc->part[3] = first % 100;
    return any || (!mariadb && sc->pos < sc->s.len && sc->s.p[sc->pos] == '.') ? 0 : -1;
}

static bool has_exponent(struct str s, size_t pos)
{
    if (s.len - pos < 2 || (s.p[pos] | 0x20) != 'e') {
        return false;
    }
    return is_digit(s.p[pos + 1]) || ((s.p[pos + 1] == '-' || s.p[pos + 1] == '+') &&
                                      s.len - pos > 2 && is_digit(s.p[pos + 2]));
}

/* Leaves the clock part of a date-time. */
static void drop_date(struct temporal_read *r)
{
    if (r->t.year != 0 || r->t.month != 0 || r->t.day != 0) {
        r->problems |= TEMPORAL_DATE_LOST;
    }
    r->t.year = 0;
    r->t.month = 0;
    r->t.day = 0;
    r->kind = TEMPORAL_DATETIME;
}

/* A full date-time where a TIME is wanted. Returns whether that settled it, with *out_rc for the
 * caller. */
static bool read_time_of_datetime(struct str s, enum sql_dialect dialect, struct temporal_read *out,
                                  int *out_rc)
{
    bool mariadb = dialect == DIALECT_MARIADB;
    struct scanner sc = {.s = s, .mariadb = mariadb};
    int rc = read_datetime(&sc, 0, out);
    if (out->problems & TEMPORAL_NO_VALUE || (sc.delimiter && !sc.space)) {
        return false;
    }
    if (rc == 0 && out->kind == TEMPORAL_DATE) {
        if (mariadb && (!sc.space || out->problems & TEMPORAL_LEFTOVER)) {
            return false;
        }
        rc = mariadb ? 0 : -1;
    }
    if (rc == 0) {
        drop_date(out);
    }
    *out_rc = rc;
    return true;
}

int temporal_read_time(struct str s, enum sql_dialect dialect, struct temporal_read *out)
{
    *out = (struct temporal_read){.kind = TEMPORAL_TIME};
    bool mariadb = dialect == DIALECT_MARIADB;
    size_t start = skip_spaces(s, 0);
    /* MariaDB tries shorter texts too if they are dashed. */
    bool dashed = mariadb && s.len - start >= FULL_DATETIME_LEN_MARIADB &&
                  memchr(s.p + start + 1, '-', s.len - start - 1) != NULL;
    int rc;
    if ((s.len - start >= FULL_DATETIME_LEN || dashed) && is_digit(s.p[start]) &&
        read_time_of_datetime(s, dialect, out, &rc)) {
        return rc;
    }
    *out = (struct temporal_read){.kind = TEMPORAL_TIME};
    note_spaces(&out->delimiter, s, 0);
    struct time_scanner sc = {.s = s, .pos = start, .fault = &out->delimiter};
    if (start < s.len && (s.p[start] == '-' || (mariadb && s.p[start] == '+'))) {
        out->t.negative = s.p[start] == '-';
        sc.pos++;
    }
    if (scan_time(&sc, mariadb) != 0) {
        out->problems = start < s.len || mariadb ? TEMPORAL_NO_VALUE : 0;
        return -1;
    }
    if (sc.pos < s.len && s.p[sc.pos] == '.') {
        sc.pos = read_fraction(s, sc.pos + 1, &out->t.usec, &out->nanos);
    }
    uint64_t hour = sc.part[0] * 24 + sc.part[1];
    if (has_exponent(s, sc.pos) || sc.part[2] > 59 || sc.part[3] > 59 || hour > UINT32_MAX) {
        /* MySQL finds no fault with a number that has an exponent, and takes none of it. */
        out->problems =
            has_exponent(s, sc.pos) ? (mariadb ? TEMPORAL_NO_VALUE : 0) : TEMPORAL_OUT_OF_RANGE;
        out->t = (struct mtime){.year = 0};
        return -1;
    }
    out->t.hour = (uint16_t)MIN(hour, UINT16_MAX);
    out->t.minute = (uint8_t)sc.part[2];
    out->t.second = (uint8_t)sc.part[3];
    clip_time(out, dialect);
    note_spaces(&out->delimiter, s, sc.pos);
    out->used = skip_spaces(s, sc.pos);
    if (out->used < s.len) {
        out->problems |= TEMPORAL_LEFTOVER;
    }
    return 0;
}

/* Completes the digits that a short date number leaves out. Returns -1 for a number that is none.
 */
static int64_t complete_datetime_number(int64_t n)
{
    static const struct {
        int64_t first;
        int64_t last;
        int64_t add;
        int64_t times;
    } forms[] = {
        {101, 691231, 20000000, 1000000},
        {700101, 991231, 19000000, 1000000},
        {991232, 99991231, 0, 1000000},
        {101000000, 691231235959, 20000000000000, 1},
        {700101000000, 991231235959, 19000000000000, 1},
        {10000101000000, 99991231235959, 0, 1},
    };
    if (n == 0) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        if (n >= forms[i].first && n <= forms[i].last) {
            return (n + forms[i].add) * forms[i].times;
        }
    }
    return -1;
}

int temporal_read_datetime_number(int64_t n, uint32_t nanos, uint64_t sql_mode,
                                  struct temporal_read *out)
{
    *out = (struct temporal_read){.kind = TEMPORAL_DATETIME, .nanos = nanos % 1000};
    int64_t full = complete_datetime_number(n);
    if (full < 0) {
        out->problems = n > 99999999999999 || n < 0 ? TEMPORAL_OUT_OF_RANGE : TEMPORAL_NO_VALUE;
        return -1;
    }
    int64_t date = full / 1000000;
    int64_t clock = full % 1000000;
    out->kind = n >= 101000000 || nanos != 0 ? TEMPORAL_DATETIME : TEMPORAL_DATE;
    uint32_t f[FIELD_COUNT] = {
        (uint32_t)(date / 10000),
        (uint32_t)(date / 100 % 100),
        (uint32_t)(date % 100),
        (uint32_t)(clock / 10000),
        (uint32_t)(clock / 100 % 100),
        (uint32_t)(clock % 100),
        nanos / 1000,
    };
    if (!fields_in_range(f)) {
        out->problems = TEMPORAL_BAD_FIELD;
        return -1;
    }
    out->t = (struct mtime){.year = (uint16_t)f[FIELD_YEAR],
                            .month = (uint8_t)f[FIELD_MONTH],
                            .day = (uint8_t)f[FIELD_DAY],
                            .hour = (uint16_t)f[FIELD_HOUR],
                            .minute = (uint8_t)f[FIELD_MINUTE],
                            .second = (uint8_t)f[FIELD_SECOND],
                            .usec = f[FIELD_FRACTION]};
    out->problems = temporal_check_date(&out->t, sql_mode);
    return out->problems == 0 ? 0 : -1;
}

int temporal_read_time_number(int64_t n, uint32_t nanos, enum sql_dialect dialect,
                              struct temporal_read *out)
{
    *out = (struct temporal_read){.kind = TEMPORAL_TIME};
    if (n > MAX_TIME_NUMBER || n < -MAX_TIME_NUMBER) {
        bool mariadb = dialect == DIALECT_MARIADB;
        /* MariaDB takes dates without a clock too, and no numbers that are neither. */
        if ((mariadb || n >= 10000000000) && temporal_read_datetime_number(n, nanos, 0, out) == 0) {
            drop_date(out);
            return 0;
        }
        if (mariadb) {
            *out = (struct temporal_read){.kind = TEMPORAL_TIME, .problems = TEMPORAL_NO_VALUE};
            return -1;
        }
        *out = (struct temporal_read){.kind = TEMPORAL_TIME,
                                      .t = temporal_max_time(n < 0, dialect),
                                      .problems = TEMPORAL_OUT_OF_RANGE};
        return 0;
    }
    uint32_t abs = (uint32_t)(n < 0 ? -n : n);
    if (abs % 100 > 59 || abs / 100 % 100 > 59) {
        out->problems = TEMPORAL_OUT_OF_RANGE;
        return -1;
    }
    out->nanos = nanos % 1000;
    out->t = (struct mtime){.hour = (uint16_t)(abs / 10000),
                            .minute = (uint8_t)(abs / 100 % 100),
                            .second = (uint8_t)(abs % 100),
                            .usec = nanos / 1000,
                            .negative = n < 0};
    clip_time(out, dialect);
    return 0;
}

/* Microseconds of a fraction to `decimals` digits; may reach a whole second. */
static uint32_t round_usec(uint32_t usec, uint32_t nanos, unsigned decimals, bool round)
{
    uint32_t unit = pow10_u32[6 - MIN(decimals, 6)];
    uint32_t cut = usec - usec % unit;
    if (round && ((uint64_t)(usec % unit) * 1000 + nanos) * 2 >= (uint64_t)unit * 1000) {
        cut += unit;
    }
    return cut;
}

int temporal_round_datetime(struct mtime *t, uint32_t nanos, unsigned decimals, bool round)
{
    t->usec = round_usec(t->usec, nanos, decimals, round);
    if (t->usec < 1000000) {
        return 0;
    }
    t->usec -= 1000000;
    int32_t packed = temporal_pack_date(t);
    if (temporal_days_is_partial(packed)) {
        /* A partial date has no next day: the second is carried only within the day. */
        int64_t us = temporal_pack_datetime(t) + 1000000;
        struct mtime next;
        temporal_unpack_datetime(us, &next);
        if (next.day == t->day && next.month == t->month && next.year == t->year) {
            *t = next;
        }
        return 0;
    }
    if (t->year == 9999 && t->month == 12 && t->day == 31 && t->hour == 23 && t->minute == 59 &&
        t->second == 59) {
        return -1;
    }
    int64_t us = temporal_pack_datetime(t) + 1000000;
    temporal_unpack_datetime(us, t);
    return 0;
}

int temporal_round_time(struct mtime *t, uint32_t nanos, unsigned decimals, bool round)
{
    bool negative = t->negative;
    t->usec = round_usec(t->usec, nanos, decimals, round);
    if (t->usec < 1000000) {
        t->negative = negative && temporal_pack_time(t) != 0;
        return 0;
    }
    t->usec -= 1000000;
    t->negative = false;
    int64_t us = temporal_pack_time(t) + 1000000;
    if (us > ((int64_t)MAX_HOUR * 3600 + 3599) * 1000000) {
        *t = temporal_max_time(negative, DIALECT_MYSQL);
        return -1;
    }
    temporal_unpack_time(us, t);
    t->negative = negative;
    return 0;
}

int64_t temporal_date_number(const struct mtime *t)
{
    return (int64_t)t->year * 10000 + t->month * 100 + t->day;
}

int64_t temporal_time_number(const struct mtime *t)
{
    int64_t n = (int64_t)t->hour * 10000 + t->minute * 100 + t->second;
    return t->negative ? -n : n;
}

int64_t temporal_datetime_number(const struct mtime *t)
{
    return temporal_date_number(t) * 1000000 + t->hour * 10000 + t->minute * 100 + t->second;
}

int parse_datetime(struct str s, uint64_t sql_mode, struct mtime *out, size_t *out_rest)
{
    struct temporal_read r;
    int rc = temporal_read_datetime(s, sql_mode, DIALECT_MYSQL, &r);
    *out = rc == 0 ? r.t : (struct mtime){.year = 0};
    *out_rest = s.len - r.used;
    return rc;
}

int parse_time(struct str s, struct mtime *out, size_t *out_rest)
{
    struct temporal_read r;
    int rc = temporal_read_time(s, DIALECT_MYSQL, &r);
    *out = rc == 0 ? r.t : (struct mtime){.year = 0};
    *out_rest = s.len - r.used;
    return rc;
}
