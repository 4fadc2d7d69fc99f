/* Rules of POSIX's TZ variable ("Environment Variables" in POSIX.1; times beyond 24 h as in RFC
 * 8536). */
#include "types/temporal.h"
#include "types/timezone_int.h"

#define DAY_S 86400

struct rule_reader {
    const char *p;
    const char *end;
    bool failed;
};

static char peek(const struct rule_reader *r)
{
    return r->p < r->end ? *r->p : '\0';
}

static bool take(struct rule_reader *r, char c)
{
    if (peek(r) != c) {
        return false;
    }
    r->p++;
    return true;
}

static int32_t take_number(struct rule_reader *r, int32_t max)
{
    int32_t n = 0;
    r->failed = r->failed || peek(r) < '0' || peek(r) > '9';
    while (peek(r) >= '0' && peek(r) <= '9') {
        n = MIN(n * 10 + (*r->p - '0'), 100000);
        r->p++;
    }
    r->failed = r->failed || n > max;
    return n;
}

/* Abbreviations are not kept. */
static void skip_name(struct rule_reader *r)
{
    const char *start = r->p;
    if (take(r, '<')) {
        while (r->p < r->end && *r->p != '>') {
            r->p++;
        }
        r->failed = r->failed || !take(r, '>');
        return;
    }
    while ((peek(r) | 0x20) >= 'a' && (peek(r) | 0x20) <= 'z') {
        r->p++;
    }
    r->failed = r->failed || r->p - start < 3;
}

/* [+-]h[:m[:s]] in seconds. */
static int32_t take_time(struct rule_reader *r)
{
    bool negative = take(r, '-');
    if (!negative) {
        (void)take(r, '+');
    }
    int32_t s = take_number(r, 167) * 3600;
    if (take(r, ':')) {
        s += take_number(r, 59) * 60;
        if (take(r, ':')) {
            s += take_number(r, 59);
        }
    }
    return negative ? -s : s;
}

static void take_change(struct rule_reader *r, struct tz_change *out)
{
    r->failed = r->failed || !take(r, ',');
    *out = (struct tz_change){.form = TZ_DAY, .seconds = 2 * 3600};
    if (take(r, 'J')) {
        out->form = TZ_JULIAN;
        out->day = take_number(r, 365);
        r->failed = r->failed || out->day == 0;
    } else if (take(r, 'M')) {
        out->form = TZ_MONTH_WEEK;
        out->month = take_number(r, 12);
        r->failed = r->failed || !take(r, '.') || out->month == 0;
        out->week = take_number(r, 5);
        r->failed = r->failed || !take(r, '.') || out->week == 0;
        out->day = take_number(r, 6);
    } else {
        out->day = take_number(r, 365);
    }
    if (take(r, '/')) {
        out->seconds = take_time(r);
    }
}

int tz_rule_parse(struct str s, struct tz_rule *out)
{
    struct rule_reader r = {.p = s.p, .end = s.p + s.len};
    *out = (struct tz_rule){.has_dst = false};
    skip_name(&r);
    out->std_offset = -take_time(&r);
    if (!r.failed && r.p < r.end) {
        out->has_dst = true;
        skip_name(&r);
        out->dst_offset = out->std_offset + 3600;
        if (peek(&r) != ',') {
            out->dst_offset = -take_time(&r);
        }
        take_change(&r, &out->to_dst);
        take_change(&r, &out->to_std);
    }
    return r.failed || r.p < r.end ? -1 : 0;
}

static int32_t first_day_of(int32_t year, int32_t month)
{
    return date_to_days(&(struct mtime){.year = (uint16_t)year, .month = (uint8_t)month, .day = 1});
}

/* Local seconds since 1970 of the change in that year. */
static int64_t change_in_year(const struct tz_change *c, int32_t year)
{
    int32_t day;
    switch (c->form) {
    case TZ_JULIAN:
        day = first_day_of(year, 1) + c->day - 1;
        day += c->day >= 60 && temporal_is_leap_year((unsigned)year);
        break;
    case TZ_MONTH_WEEK: {
        int32_t first = first_day_of(year, c->month);
        /* 1970-01-01 was a Thursday; +4 makes Sunday 0, +7000000 keeps the operand positive. */
        int32_t weekday = (first + 4 + 7000000) % 7;
        day = first + (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
        int32_t days = (int32_t)temporal_days_in_month((unsigned)year, (unsigned)c->month);
        day -= day - first >= days ? 7 : 0;
        break;
    }
    default:
        day = first_day_of(year, 1) + c->day;
        break;
    }
    return (int64_t)day * DAY_S + c->seconds;
}

int32_t tz_rule_offset_at(const struct tz_rule *r, int64_t utc, int64_t *out_from,
                          int64_t *out_until)
{
    *out_from = INT64_MIN;
    *out_until = INT64_MAX;
    if (!r->has_dst) {
        return r->std_offset;
    }
    struct mtime date;
    int64_t day = utc / DAY_S - (utc % DAY_S < 0);
    date_from_days((int32_t)day, &date);
    int32_t offset = r->std_offset;
    /* The years beside it, as changes near New Year may belong to either. */
    for (int32_t year = MAX(date.year, 1) - 1; year <= date.year + 1; year++) {
        int64_t to_dst = change_in_year(&r->to_dst, year) - r->std_offset;
        int64_t to_std = change_in_year(&r->to_std, year) - r->dst_offset;
        const int64_t at[2] = {MIN(to_dst, to_std), MAX(to_dst, to_std)};
        for (int i = 0; i < 2; i++) {
            if (at[i] <= utc) {
                *out_from = at[i];
                offset = at[i] == to_dst ? r->dst_offset : r->std_offset;
            } else {
                *out_until = MIN(*out_until, at[i]);
            }
        }
    }
    return offset;
}
