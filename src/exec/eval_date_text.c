/* Dates and times to text and back: DATE_FORMAT, TIME_FORMAT, names of days and months. */
#include "exec/eval_int.h"
#include "types/temporal_text.h"

#include <string.h>

static const char *const day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};
static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};

/* 0 = Monday; the date has a place in the calendar. */
static int weekday_of(const struct mtime *t)
{
    const int day = (int)((date_to_days(t) + 3) % 7);
    return day < 0 ? day + 7 : day;
}

/* ---- One specifier ---- */

/* Appends what %c stands for. False: the whole result is NULL. */
struct format {
    const struct mtime *t;
    struct bytebuf *out;
    bool is_time;     /* a TIME: it has no date */
    bool strict_time; /* MariaDB: a date's specifier in a TIME makes the result NULL */
};

static bool put_name(struct format *f, const char *const *names, unsigned index, size_t len)
{
    const char *name = names[index];
    bytebuf_put(f->out, name, len > 0 ? len : strlen(name));
    return true;
}

static bool put_ordinal(struct format *f)
{
    const unsigned d = f->t->day;
    const char *suffix = "th";
    if (d < 10 || d > 19) {
        suffix = d % 10 == 1 ? "st" : d % 10 == 2 ? "nd" : d % 10 == 3 ? "rd" : "th";
    }
    bytebuf_printf(f->out, "%u%s", d, suffix);
    return true;
}

static bool put_week(struct format *f, char c)
{
    static const char letters[] = "UuVvXx";
    static const int modes[] = {0, 1, 2, 3, 2, 3};
    const struct mtime *t = f->t;
    if (f->is_time || t->month == 0 || t->day == 0) {
        return false;
    }
    unsigned year;
    const int week = eval_week_of(t, modes[strchr(letters, c) - letters], &year);
    if (c == 'X' || c == 'x') {
        bytebuf_printf(f->out, "%04u", year);
    } else {
        bytebuf_printf(f->out, "%02d", week);
    }
    return true;
}

static bool put_day_part(struct format *f, char c)
{
    const struct mtime *t = f->t;
    const bool on_calendar = !f->is_time && t->month > 0 && t->day > 0;
    switch (c) {
    case 'W':
        return on_calendar && put_name(f, day_names, (unsigned)weekday_of(t), 0);
    case 'a':
        return on_calendar && put_name(f, day_names, (unsigned)weekday_of(t), 3);
    case 'w':
        if (on_calendar) {
            bytebuf_printf(f->out, "%d", (weekday_of(t) + 1) % 7);
        }
        return on_calendar;
    case 'M':
        return t->month > 0 && put_name(f, month_names, t->month - 1u, 0);
    case 'b':
        return t->month > 0 && put_name(f, month_names, t->month - 1u, 3);
    case 'j': {
        const struct mtime first = {.year = t->year, .month = 1, .day = 1};
        bytebuf_printf(f->out, "%03d",
                       on_calendar ? (int)(date_to_days(t) - date_to_days(&first)) + 1 : 0);
        return !f->is_time;
    }
    default:
        return put_week(f, c);
    }
}

static bool put_date_part(struct format *f, char c)
{
    const struct mtime *t = f->t;
    if (f->is_time && f->strict_time) {
        return false;
    }
    switch (c) {
    case 'Y':
        bytebuf_printf(f->out, "%04u", t->year);
        return true;
    case 'y':
        bytebuf_printf(f->out, "%02u", t->year % 100u);
        return true;
    case 'm':
        bytebuf_printf(f->out, "%02u", t->month);
        return true;
    case 'c':
        bytebuf_printf(f->out, "%u", t->month);
        return true;
    case 'd':
        bytebuf_printf(f->out, "%02u", t->day);
        return true;
    case 'e':
        bytebuf_printf(f->out, "%u", t->day);
        return true;
    case 'D':
        return put_ordinal(f);
    default:
        return put_day_part(f, c);
    }
}

static void put_time_part(struct format *f, char c)
{
    const struct mtime *t = f->t;
    const unsigned half = (t->hour % 24u + 11) % 12 + 1;
    const char *am = t->hour % 24 < 12 ? "AM" : "PM";
    switch (c) {
    case 'H':
        bytebuf_printf(f->out, "%02u", t->hour);
        return;
    case 'k':
        bytebuf_printf(f->out, "%u", t->hour);
        return;
    case 'h':
    case 'I':
        bytebuf_printf(f->out, "%02u", half);
        return;
    case 'l':
        bytebuf_printf(f->out, "%u", half);
        return;
    case 'i':
        bytebuf_printf(f->out, "%02u", t->minute);
        return;
    case 's':
    case 'S':
        bytebuf_printf(f->out, "%02u", t->second);
        return;
    case 'f':
        bytebuf_printf(f->out, "%06u", (unsigned)t->usec);
        return;
    case 'p':
        bytebuf_put_cstr(f->out, am);
        return;
    case 'r':
        bytebuf_printf(f->out, "%02u:%02u:%02u %s", half, t->minute, t->second, am);
        return;
    default: /* T */
        bytebuf_printf(f->out, "%02u:%02u:%02u", t->hour, t->minute, t->second);
        return;
    }
}

static bool put_specifier(struct format *f, char c)
{
    if (c == '\0') {
        bytebuf_put_char(f->out, c);
    } else if (strchr("HkhIlisSfprT", c) != NULL) {
        put_time_part(f, c);
    } else if (strchr("YymcdeDWawMbjUuVvXx", c) != NULL) {
        return put_date_part(f, c);
    } else {
        bytebuf_put_char(f->out, c);
    }
    return true;
}

/* ---- The functions ---- */

/* Longest text one character of a format can stand for. */
#define SPECIFIER_MAX 16

static int format_moment(struct eval_ctx *ctx, const struct expr *e, const struct mtime *t,
                         struct str format, bool is_time, struct value *out)
{
    struct bytebuf text;
    struct format f = {
        .t = t, .out = &text, .is_time = is_time, .strict_time = eval_is_mariadb(ctx)};
    bool ok = format.len > 0;
    bytebuf_init(&text, format.len * SPECIFIER_MAX + 16);
    if (t->negative) {
        bytebuf_put_char(&text, '-');
    }
    for (size_t i = 0; ok && i < format.len; i++) {
        if (format.p[i] == '%' && i + 1 < format.len) {
            ok = put_specifier(&f, format.p[++i]);
        } else {
            bytebuf_put_char(&text, format.p[i]);
        }
    }
    if (ok) {
        eval_set_text(e, arena_dup(ctx->arena, bytebuf_str(&text)), out);
    }
    bytebuf_release(&text);
    return 0;
}

int eval_date_format(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    struct temporal_session in = eval_temporal_session(ctx);
    struct mtime t;
    in.sql_mode &= ~(uint64_t)SQL_MODE_NO_ZERO_IN_DATE;
    if (value_to_datetime_in(&args[0], &in, &t, ctx->diag) != 0) {
        return 0;
    }
    return format_moment(ctx, e, &t, eval_text(ctx, e->args[1], &args[1]), false, out);
}

int eval_time_format(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    struct mtime t;
    if (!eval_time(ctx, &args[0], &t)) {
        return 0;
    }
    return format_moment(ctx, e, &t, eval_text(ctx, e->args[1], &args[1]), true, out);
}

int eval_dayname(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    struct mtime t;
    if (eval_date_of(ctx, &args[0],
                     ctx->sql_mode | SQL_MODE_NO_ZERO_DATE | SQL_MODE_NO_ZERO_IN_DATE, &t)) {
        eval_set_text(e, str_from_cstr(day_names[weekday_of(&t)]), out);
    }
    return 0;
}

int eval_monthname(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    struct mtime t;
    if (eval_date_of(ctx, &args[0], ctx->sql_mode & ~(uint64_t)SQL_MODE_NO_ZERO_IN_DATE, &t) &&
        t.month > 0) {
        eval_set_text(e, str_from_cstr(month_names[t.month - 1]), out);
    }
    return 0;
}
