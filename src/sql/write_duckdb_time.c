/*
 * Dates and times. Arithmetic on literals is done here; on columns by functions of ours, since zero
 * and partial dates and results outside the calendar give NULL in MySQL.
 */
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"
#include "types/convert.h"
#include "types/timezone.h"

#include <inttypes.h>

/* ---- Constants ---- */

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static bool add_months(struct mtime *t, int64_t n)
{
    const int64_t months = (int64_t)t->year * 12 + t->month - 1 + n;
    if (months < 0 || months / 12 > 9999) {
        return false;
    }
    t->year = (uint16_t)(months / 12);
    t->month = (uint8_t)(months % 12 + 1);
    t->day = (uint8_t)MIN(t->day, days_in_month(t->year, t->month));
    return true;
}

static bool add_days(struct mtime *t, int64_t n)
{
    if (n > 4000000 || n < -4000000) {
        return false;
    }
    const int64_t days = date_to_days(t) + n;
    struct mtime d;
    date_from_days((int32_t)days, &d);
    if (days < -719528 || days > 2932896) {
        return false;
    }
    t->year = d.year;
    t->month = d.month;
    t->day = d.day;
    return true;
}

static bool add_seconds(struct mtime *t, int64_t n)
{
    const int64_t day = 86400;
    int64_t at = ((int64_t)t->hour * 60 + t->minute) * 60 + t->second;
    int64_t days = n / day;
    at += n % day;
    if (at < 0) {
        at += day;
        days--;
    } else if (at >= day) {
        at -= day;
        days++;
    }
    t->hour = (uint16_t)(at / 3600);
    t->minute = (uint8_t)(at / 60 % 60);
    t->second = (uint8_t)(at % 60);
    return add_days(t, days);
}

/* An integer amount of an interval: a literal number, or a literal string that is one. */
static bool literal_amount(const struct expr *e, int64_t *out)
{
    if (literal_int(e, out)) {
        return true;
    }
    if (e->kind == EXPR_LITERAL && e->lit.kind == LIT_STRING) {
        return str_to_i64(str_trim(e->lit.value.str), out) == 0;
    }
    return false;
}

/* The step of a unit: so many months, days or seconds. False for the other units. */
static bool unit_step(enum interval_unit unit, int64_t *out_months, int64_t *out_days,
                      int64_t *out_seconds)
{
    *out_months = *out_days = *out_seconds = 0;
    switch (unit) {
    case UNIT_YEAR:
        *out_months = 12;
        return true;
    case UNIT_QUARTER:
        *out_months = 3;
        return true;
    case UNIT_MONTH:
        *out_months = 1;
        return true;
    case UNIT_WEEK:
        *out_days = 7;
        return true;
    case UNIT_DAY:
        *out_days = 1;
        return true;
    case UNIT_HOUR:
        *out_seconds = 3600;
        return true;
    case UNIT_MINUTE:
        *out_seconds = 60;
        return true;
    case UNIT_SECOND:
        *out_seconds = 1;
        return true;
    default:
        return false;
    }
}

static bool fold_add(struct writer *w, const struct expr *e, struct mtime *out, bool *out_has_time)
{
    int64_t n = 0;
    int64_t months;
    int64_t days;
    int64_t seconds;
    const bool interval = e->args[1]->kind == EXPR_INTERVAL;
    const struct expr *amount = interval ? e->args[1]->args[0] : e->args[1];
    const enum interval_unit unit = interval ? e->args[1]->interval.unit : UNIT_DAY;
    if (!fold_datetime(w, e->args[0], out, out_has_time) || !literal_amount(amount, &n) ||
        temporal_days_is_partial(temporal_pack_date(out)) || n > 100000000 || n < -100000000 ||
        !unit_step(unit, &months, &days, &seconds)) {
        return false;
    }
    n = e->func->duckdb_text[0] == '-' ? -n : n;
    const unsigned first_year = w->env->dialect == DIALECT_MARIADB ? 1 : 0;
    *out_has_time = *out_has_time || seconds != 0;
    bool ok;
    if (months != 0) {
        ok = add_months(out, n * months);
    } else {
        ok = days != 0 ? add_days(out, n * days) : add_seconds(out, n * seconds);
    }
    return ok && (months != 0 || out->year >= first_year);
}

static bool fold_text(const struct writer *w, struct str s, struct mtime *out, bool *out_has_time)
{
    size_t rest = 0;
    if (parse_datetime(s, w->env->sql_mode, out, &rest) != 0 || rest != 0) {
        return false;
    }
    *out_has_time = s.len > 10;
    return true;
}

bool fold_datetime(struct writer *w, const struct expr *e, struct mtime *out, bool *out_has_time)
{
    *out_has_time = false;
    if (e->kind == EXPR_CALL && e->func->type_rule == TR_DATE_ADD) {
        return fold_add(w, e, out, out_has_time);
    }
    if (e->kind == EXPR_CALL && (e->func->flags & FUNC_STATEMENT_CONST) != 0 &&
        w->env->eval_const != NULL) {
        struct value v;
        if (w->env->eval_const(w->env->arg, e, &w->arena, w->diag, &v) != 0 ||
            (v.kind != VALUE_DATE && v.kind != VALUE_DATETIME)) {
            return false;
        }
        *out = v.time;
        *out_has_time = v.kind == VALUE_DATETIME;
        return true;
    }
    if (e->kind == EXPR_CAST &&
        (e->type.type == MYSQL_TYPE_DATE || e->type.type == MYSQL_TYPE_DATETIME)) {
        bool had_time = false;
        if (!fold_datetime(w, e->args[0], out, &had_time)) {
            return false;
        }
        *out_has_time = e->type.type == MYSQL_TYPE_DATETIME;
        if (!*out_has_time) {
            out->hour = 0;
            out->minute = out->second = 0;
            out->usec = 0;
        }
        return e->type.decimals == 6 || out->usec == 0;
    }
    if (e->kind != EXPR_LITERAL) {
        return false;
    }
    switch (e->lit.value.kind) {
    case VALUE_DATE:
    case VALUE_DATETIME:
        *out = e->lit.value.time;
        *out_has_time = e->lit.value.kind == VALUE_DATETIME;
        return true;
    case VALUE_STRING:
        return e->lit.kind == LIT_STRING && fold_text(w, e->lit.value.str, out, out_has_time);
    default:
        return false;
    }
}

/* ---- Operands ---- */

/* TIMESTAMPs are stored in UTC; functions see them in the session's time zone. */
static int write_local(struct writer *w, const struct expr *e, struct form *out)
{
    if (w->env->tz == NULL) {
        return write_refuse(w, "functions of TIMESTAMP columns");
    }
    bytebuf_put_cstr(w->out, "pt_local(");
    if (write_expr(w, e, out) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ", ");
    write_string(w, timezone_name(w->env->tz));
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_temporal(struct writer *w, const struct expr *e, struct form *out)
{
    struct mtime t;
    bool has_time = false;
    if (e->type.type == MYSQL_TYPE_TIMESTAMP) {
        return write_local(w, e, out);
    }
    const enum type_class class = type_class_of(e->type.type);
    const bool constant = class == TYPE_CLASS_STRING || (e->flags & EXPR_IS_CONST) != 0;
    if (constant && fold_datetime(w, e, &t, &has_time)) {
        out->kind = has_time ? FORM_TIMESTAMP : FORM_DATE;
        return has_time ? write_datetime(w, &t) : write_date(w, &t);
    }
    if (class != TYPE_CLASS_DATE && class != TYPE_CLASS_DATETIME) {
        return write_refuse(w, "a date function of a value that is no date");
    }
    return write_expr(w, e, out);
}

/* An operand of which only the date counts. */
static int write_date_operand(struct writer *w, const struct expr *e)
{
    struct form f;
    const size_t at = w->out->len;
    if (write_temporal(w, e, &f) != 0) {
        return -1;
    }
    if (f.kind == FORM_TIMESTAMP) {
        write_insert(w, at, "pt_date(");
        bytebuf_put_char(w->out, ')');
    }
    return 0;
}

/* ---- Rules ---- */

static int write_folded(struct writer *w, const struct expr *e, const struct mtime *t,
                        struct form *out)
{
    if (e->type.type == MYSQL_TYPE_DATE) {
        out->kind = FORM_DATE;
        return write_date(w, t);
    }
    if (type_class_of(e->type.type) == TYPE_CLASS_DATETIME) {
        out->kind = FORM_TIMESTAMP;
        return write_datetime(w, t);
    }
    return write_refuse(w, "date arithmetic on strings");
}

/* The first day a sum may be, in days since 1970: adding days or less within the year 0 gives NULL
 * on MariaDB. */
static const char *first_day(const struct writer *w, bool months)
{
    return !months && w->env->dialect == DIALECT_MARIADB ? "-719162" : "-719528";
}

/* A day that its month does not have has a place in the calendar for some functions of some servers
 * and none for others. */
static int check_calendar(struct writer *w)
{
    return w->partial_dates ? write_refuse(w, "the calendar of partial dates") : 0;
}

int write_date_add_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct mtime t;
    bool has_time = false;
    int64_t months;
    int64_t days;
    int64_t seconds;
    const bool interval = e->args[1]->kind == EXPR_INTERVAL;
    const struct expr *amount = interval ? e->args[1]->args[0] : e->args[1];
    if (fold_add(w, e, &t, &has_time)) {
        return write_folded(w, e, &t, out);
    }
    if (check_calendar(w) != 0) {
        return -1;
    }
    if (!unit_step(interval ? e->args[1]->interval.unit : UNIT_DAY, &months, &days, &seconds)) {
        return write_refuse(w, "intervals of this unit");
    }
    const enum type_class class = type_class_of(e->type.type);
    if (class != TYPE_CLASS_DATE && class != TYPE_CLASS_DATETIME) {
        return write_refuse(w, "date arithmetic on this type");
    }
    if (type_class_of(e->args[0]->type.type) == TYPE_CLASS_STRING) {
        return write_refuse(w, "date arithmetic on this type");
    }
    out->kind = class == TYPE_CLASS_DATE ? FORM_DATE : FORM_TIMESTAMP;
    bytebuf_printf(w->out, "pt_add_%s_%s(",
                   months != 0 ? "months" : (days != 0 ? "days" : "seconds"),
                   class == TYPE_CLASS_DATE ? "date" : "ts");
    struct form f;
    const size_t at = w->out->len;
    if (write_temporal(w, e->args[0], &f) != 0 || write_convert(w, at, f, *out) != 0) {
        return -1;
    }
    const int64_t step = months + days + seconds;
    int64_t n = 0;
    const int64_t sign = e->func->duckdb_text[0] == '-' ? -1 : 1;
    if (literal_amount(amount, &n) && n < 100000000 && n > -100000000) {
        bytebuf_printf(w->out, ", (%" PRId64 ")::BIGINT, %s)", n * step * sign,
                       first_day(w, months != 0));
        return 0;
    }
    if (type_class_of(amount->type.type) != TYPE_CLASS_INT || type_is_unsigned(&amount->type)) {
        return write_refuse(w, "an interval that is no integer");
    }
    bytebuf_put_cstr(w->out, ", ");
    if (write_expr_as(w, amount, (struct form){.kind = FORM_I64}) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, " * %" PRId64 ", %s)", step * sign, first_day(w, months != 0));
    return 0;
}

static int write_part(struct writer *w, const char *name, const struct expr *e, struct form *out)
{
    bytebuf_printf(w->out, "%s(", name);
    const int rc = write_date_operand(w, e);
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_I32;
    return rc;
}

int write_date_part_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const enum func_id id = e->func->id;
    const bool field =
        id == FN_YEAR || id == FN_QUARTER || id == FN_MONTH || id == FN_DAY || id == FN_DAYOFMONTH;
    if (!field && check_calendar(w) != 0) {
        return -1;
    }
    return write_part(w, e->func->duckdb_text, e->args[0], out);
}

/* Parts of the time of day of a DATETIME, or of a DATE (always 0). */
static int write_time_part(struct writer *w, const char *part, const struct expr *e,
                           struct form *out)
{
    struct form f;
    bytebuf_printf(w->out, "pt_%s(", part);
    const size_t at = w->out->len;
    if (type_class_of(e->type.type) != TYPE_CLASS_DATETIME &&
        type_class_of(e->type.type) != TYPE_CLASS_DATE) {
        return write_refuse(w, "parts of a TIME");
    }
    if (write_temporal(w, e, &f) != 0 ||
        write_convert(w, at, f, (struct form){.kind = FORM_TIMESTAMP}) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_I32;
    return 0;
}

int write_time_part_rule(struct writer *w, const struct expr *e, struct form *out)
{
    return write_time_part(w, e->func->duckdb_text, e->args[0], out);
}

int write_extract_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct expr *arg = e->args[1];
    switch ((enum interval_unit)e->args[0]->lit.value.i) {
    case UNIT_YEAR:
        return write_part(w, "pt_year", arg, out);
    case UNIT_QUARTER:
        return write_part(w, "pt_quarter", arg, out);
    case UNIT_MONTH:
        return write_part(w, "pt_month", arg, out);
    case UNIT_DAY:
        return write_part(w, "pt_day", arg, out);
    case UNIT_YEAR_MONTH:
        return write_part(w, "pt_year_month", arg, out);
    case UNIT_HOUR:
        return write_time_part(w, "hour", arg, out);
    case UNIT_MINUTE:
        return write_time_part(w, "minute", arg, out);
    case UNIT_SECOND:
        return write_time_part(w, "second", arg, out);
    default:
        return write_refuse(w, "EXTRACT of this unit");
    }
}

int write_date_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_DATE;
    return write_date_operand(w, e->args[0]);
}

int write_date_udf_rule(struct writer *w, const struct expr *e, struct form *out)
{
    if (check_calendar(w) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, "%s(", e->func->duckdb_text);
    const int rc = write_date_operand(w, e->args[0]);
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_DATE;
    return rc;
}

int write_datediff_rule(struct writer *w, const struct expr *e, struct form *out)
{
    if (check_calendar(w) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, "(pt_day_number(");
    if (write_date_operand(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ") - pt_day_number(");
    if (write_date_operand(w, e->args[1]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, "))");
    out->kind = FORM_I32;
    return 0;
}

int write_date_format_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    bytebuf_put_cstr(w->out, "pt_date_format(");
    const size_t at = w->out->len;
    if (write_temporal(w, e->args[0], &f) != 0 ||
        write_convert(w, at, f, (struct form){.kind = FORM_TIMESTAMP}) != 0) {
        return -1;
    }
    if (e->args[1]->kind != EXPR_LITERAL || e->args[1]->lit.value.kind != VALUE_STRING) {
        return write_refuse(w, "DATE_FORMAT with a format that is no literal");
    }
    /* What depends on weeks or on the language of names is not proven. */
    const struct str format = e->args[1]->lit.value.str;
    for (size_t i = 0; i + 1 < format.len; i++) {
        if (format.p[i] != '%') {
            continue;
        }
        const char c = format.p[++i];
        if (memchr("uUvVxX", c, 6) != NULL) {
            return write_refuse(w, "DATE_FORMAT with weeks");
        }
        if (memchr("aWwj", c, 4) != NULL && check_calendar(w) != 0) {
            return -1;
        }
    }
    bytebuf_put_cstr(w->out, ", ");
    write_string(w, format);
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_STRING;
    return 0;
}

/* Names of days and months, in English as lc_time_names has it by default. */
int write_name_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    if (e->func->id == FN_DAYNAME && check_calendar(w) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, "pt_date_format(");
    const size_t at = w->out->len;
    if (write_temporal(w, e->args[0], &f) != 0 ||
        write_convert(w, at, f, (struct form){.kind = FORM_TIMESTAMP}) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, ", '%s')", e->func->duckdb_text);
    out->kind = FORM_STRING;
    return 0;
}

/* Whole units from the first to the second moment, cut towards zero. */
int write_timestampdiff_rule(struct writer *w, const struct expr *e, struct form *out)
{
    static const char *const steps[] = {
        [UNIT_MICROSECOND] = "1",   [UNIT_SECOND] = "1000000",  [UNIT_MINUTE] = "60000000",
        [UNIT_HOUR] = "3600000000", [UNIT_DAY] = "86400000000", [UNIT_WEEK] = "604800000000",
        [UNIT_MONTH] = "1",         [UNIT_QUARTER] = "3",       [UNIT_YEAR] = "12",
    };
    if (e->args[0]->kind != EXPR_LITERAL || e->args[0]->lit.kind != LIT_INTERVAL_UNIT ||
        e->args[0]->lit.value.i > UNIT_YEAR) {
        return write_refuse(w, "TIMESTAMPDIFF");
    }
    if (check_calendar(w) != 0) {
        return -1;
    }
    const enum interval_unit unit = (enum interval_unit)e->args[0]->lit.value.i;
    bytebuf_put_cstr(w->out, unit >= UNIT_MONTH ? "(pt_diff_months(" : "(pt_diff_us(");
    for (uint32_t i = 1; i < 3; i++) {
        struct form f;
        const size_t at = w->out->len;
        if (write_temporal(w, e->args[i], &f) != 0 ||
            write_convert(w, at, f, (struct form){.kind = FORM_TIMESTAMP}) != 0) {
            return -1;
        }
        bytebuf_put_cstr(w->out, i == 1 ? ", " : "");
    }
    bytebuf_printf(w->out, ") // %s)", steps[unit]);
    out->kind = FORM_I64;
    return 0;
}

int write_week_rule(struct writer *w, const struct expr *e, struct form *out)
{
    int64_t mode = 0;
    if (check_calendar(w) != 0) {
        return -1;
    }
    if (e->argc > 1 && (!literal_int(e->args[1], &mode) || mode < 0 || mode > 7)) {
        return write_refuse(w, "WEEK with a mode that is no literal");
    }
    if (e->func->id == FN_WEEKOFYEAR) {
        mode = 3;
    }
    bytebuf_printf(w->out, "%s(", e->func->id == FN_YEARWEEK ? "pt_yearweek" : "pt_week");
    if (write_date_operand(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, ", %" PRId64 ")", mode);
    out->kind = FORM_I32;
    return 0;
}
