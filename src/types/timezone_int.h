/* Inside of the time zones: the rule behind the last transition of a zone. */
#ifndef TYPES_TIMEZONE_INT_H
#define TYPES_TIMEZONE_INT_H

#include "base/base.h"
#include "base/str.h"

/* A day of the year on which the clocks change, as in POSIX's TZ variable. */
struct tz_change {
    enum {
        TZ_JULIAN,     /* Jn: 1 … 365, 29 February never counted. */
        TZ_DAY,        /* n: 0 … 365, 29 February counted. */
        TZ_MONTH_WEEK, /* Mm.w.d */
    } form;
    int32_t day;     /* Of the year, or of the week (0 = Sunday). */
    int32_t week;    /* 1 … 5; 5 is the last. */
    int32_t month;   /* 1 … 12 */
    int32_t seconds; /* Local time of the change, counted from that day's midnight. */
};

struct tz_rule {
    int32_t std_offset; /* Seconds east of UTC. */
    int32_t dst_offset;
    bool has_dst;
    struct tz_change to_dst;
    struct tz_change to_std;
};

/* Parses POSIX's TZ format ("CET-1CEST,M3.5.0,M10.5.0/3"). Returns 0 or -1. */
NODISCARD int tz_rule_parse(struct str s, struct tz_rule *out);

/* Offset at a moment (seconds since 1970 UTC) and the interval in which it holds. */
NODISCARD int32_t tz_rule_offset_at(const struct tz_rule *r, int64_t utc, int64_t *out_from,
                                    int64_t *out_until);

#endif
