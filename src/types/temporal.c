/*
 * Calendar arithmetic, the integers that temporal values are stored as, and their text. The
 * calendar is the Gregorian one stretched back to year 0, as MySQL's.
 */
#include "types/temporal.h"

#include <string.h>

#define DAY_US 86400000000

/* Days from 0000-03-01 to 1970-01-01: the calendar is counted from a March, so that leap days end a
 * year. */
#define EPOCH_FROM_MARCH_0 719468
#define DAYS_OF_400_YEARS  146097

/*
 * Dates outside the calendar: PARTIAL_BASE + (year * 13 + month) * 32 + day. All lie below
 * 0000-01-01, which is -719528, and 0000-00-00 is the lowest.
 */
#define PARTIAL_BASE (-5000000)
#define PARTIAL_END  (PARTIAL_BASE + 10000 * 13 * 32)

int32_t date_to_days(const struct mtime *t)
{
    int32_t year = t->year - (t->month <= 2);
    int32_t era = (year + 400) / 400 - 1;
    int32_t year_of_era = year - era * 400;
    int32_t month = (t->month + 9) % 12;
    int32_t day_of_year = (153 * month + 2) / 5 + t->day - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_400_YEARS + day_of_era - EPOCH_FROM_MARCH_0;
}

void date_from_days(int32_t days, struct mtime *out)
{
    *out = (struct mtime){.year = 0};
    int32_t shifted = days + EPOCH_FROM_MARCH_0;
    int32_t era = (shifted >= 0 ? shifted : shifted - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    uint32_t doe = (uint32_t)(shifted - era * DAYS_OF_400_YEARS);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t march_month = (5 * doy + 2) / 153;
    out->day = (uint8_t)(doy - (153 * march_month + 2) / 5 + 1);
    out->month = (uint8_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    out->year = (uint16_t)((int32_t)yoe + era * 400 + (out->month <= 2));
}

bool temporal_is_leap_year(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

unsigned temporal_days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && temporal_is_leap_year(year) ? 29 : days[month];
}

static bool is_in_calendar(const struct mtime *t)
{
    return t->month > 0 && t->day > 0 && t->day <= temporal_days_in_month(t->year, t->month);
}

int32_t temporal_pack_date(const struct mtime *t)
{
    if (LIKELY(is_in_calendar(t))) {
        return date_to_days(t);
    }
    return PARTIAL_BASE + (t->year * 13 + t->month) * 32 + t->day;
}

bool temporal_days_is_partial(int32_t packed)
{
    return packed < PARTIAL_END;
}

void temporal_unpack_date(int32_t packed, struct mtime *out)
{
    if (LIKELY(!temporal_days_is_partial(packed))) {
        date_from_days(packed, out);
        return;
    }
    uint32_t n = (uint32_t)(packed - PARTIAL_BASE);
    *out = (struct mtime){.year = (uint16_t)(n / (13 * 32)),
                          .month = (uint8_t)(n / 32 % 13),
                          .day = (uint8_t)(n % 32)};
}

int32_t temporal_date_order(int32_t packed)
{
    struct mtime t;
    temporal_unpack_date(packed, &t);
    return (t.year * 13 + t.month) * 32 + t.day;
}

bool temporal_date_is_out_of_order(int32_t packed)
{
    return packed > PARTIAL_BASE && packed < PARTIAL_END;
}

static int64_t time_of_day(const struct mtime *t)
{
    return ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000000 + t->usec;
}

static void unpack_time_of_day(uint64_t us, struct mtime *out)
{
    uint64_t seconds = us / 1000000;
    uint32_t s = (uint32_t)seconds;
    out->usec = (uint32_t)(us - seconds * 1000000);
    out->hour = (uint16_t)(s / 3600);
    out->minute = (uint8_t)(s / 60 % 60);
    out->second = (uint8_t)(s % 60);
}

int64_t temporal_pack_datetime(const struct mtime *t)
{
    return temporal_pack_date(t) * DAY_US + time_of_day(t);
}

void temporal_unpack_datetime(int64_t packed, struct mtime *out)
{
    int64_t days = packed / DAY_US;
    int64_t rest = packed - days * DAY_US;
    if (rest < 0) {
        days--;
        rest += DAY_US;
    }
    temporal_unpack_date((int32_t)days, out);
    unpack_time_of_day((uint64_t)rest, out);
}

int64_t temporal_datetime_order(int64_t packed)
{
    int64_t days = packed / DAY_US;
    if (packed < days * DAY_US) {
        days--;
    }
    return temporal_date_order((int32_t)days) * DAY_US + (packed - days * DAY_US);
}

bool temporal_datetime_is_out_of_order(int64_t packed)
{
    return packed >= (PARTIAL_BASE + 1) * DAY_US && packed < PARTIAL_END * DAY_US;
}

int64_t temporal_pack_time(const struct mtime *t)
{
    int64_t us = time_of_day(t);
    return t->negative ? -us : us;
}

void temporal_unpack_time(int64_t packed, struct mtime *out)
{
    *out = (struct mtime){.negative = packed < 0};
    unpack_time_of_day(packed < 0 ? 0 - (uint64_t)packed : (uint64_t)packed, out);
}

static char *put2(char *p, unsigned n)
{
    p[0] = (char)('0' + n / 10);
    p[1] = (char)('0' + n % 10);
    return p + 2;
}

static char *put_fraction(char *p, uint32_t usec, unsigned decimals)
{
    if (decimals == 0) {
        return p;
    }
    *p++ = '.';
    char digits[6];
    put2(digits, usec / 10000);
    put2(digits + 2, usec / 100 % 100);
    put2(digits + 4, usec % 100);
    decimals = MIN(decimals, 6);
    memcpy(p, digits, decimals);
    return p + decimals;
}

static char *put_date(char *p, const struct mtime *t)
{
    p = put2(p, t->year / 100 % 100);
    p = put2(p, t->year % 100);
    *p++ = '-';
    p = put2(p, t->month);
    *p++ = '-';
    return put2(p, t->day);
}

static char *put_clock(char *p, const struct mtime *t)
{
    *p++ = ':';
    p = put2(p, t->minute);
    *p++ = ':';
    return put2(p, t->second);
}

size_t date_format(const struct mtime *t, char *buf)
{
    return (size_t)(put_date(buf, t) - buf);
}

size_t datetime_format(const struct mtime *t, unsigned decimals, char *buf)
{
    char *p = put_date(buf, t);
    *p++ = ' ';
    p = put_clock(put2(p, t->hour), t);
    return (size_t)(put_fraction(p, t->usec, decimals) - buf);
}

size_t time_format(const struct mtime *t, unsigned decimals, char *buf)
{
    char *p = buf;
    unsigned hour = t->hour;
    if (t->negative) {
        *p++ = '-';
    }
    if (hour >= 1000) {
        *p++ = (char)('0' + hour / 1000 % 10);
    }
    if (hour >= 100) {
        *p++ = (char)('0' + hour / 100 % 10);
    }
    p = put_clock(put2(p, hour % 100), t);
    return (size_t)(put_fraction(p, t->usec, decimals) - buf);
}
