/* Result types of date and time functions. */
#include "sql/resolve_int.h"

static bool unit_has_time(enum interval_unit unit)
{
    switch (unit) {
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
    case UNIT_YEAR_MONTH:
        return false;
    default:
        return true;
    }
}

static bool unit_has_date(enum interval_unit unit)
{
    switch (unit) {
    case UNIT_DAY:
    case UNIT_WEEK:
    case UNIT_MONTH:
    case UNIT_QUARTER:
    case UNIT_YEAR:
    case UNIT_YEAR_MONTH:
    case UNIT_DAY_MICROSECOND:
    case UNIT_DAY_SECOND:
    case UNIT_DAY_MINUTE:
    case UNIT_DAY_HOUR:
        return true;
    default:
        return false;
    }
}

/* Fraction digits that adding an interval brings in. */
static unsigned interval_decimals(enum interval_unit unit, const struct expr *amount)
{
    switch (unit) {
    case UNIT_MICROSECOND:
    case UNIT_SECOND_MICROSECOND:
    case UNIT_MINUTE_MICROSECOND:
    case UNIT_HOUR_MICROSECOND:
    case UNIT_DAY_MICROSECOND:
        return 6;
    case UNIT_SECOND:
        return amount->type.decimals == DECIMALS_NOT_FIXED ? 6 : MIN(amount->type.decimals, 6);
    default:
        return 0;
    }
}

int derive_date_add(struct resolver *r, struct expr *e)
{
    const struct expr *date = e->args[0];
    const bool plain = e->args[1]->kind != EXPR_INTERVAL; /* ADDDATE(d, days) */
    const enum interval_unit unit = plain ? UNIT_DAY : e->args[1]->interval.unit;
    const struct expr *amount = plain ? e->args[1] : e->args[1]->args[0];
    const unsigned fsp = MAX(interval_decimals(unit, amount), type_scale(date));
    const unsigned extra = fsp > 0 ? fsp + 1 : 0;
    switch (type_class_of(date->type.type)) {
    case TYPE_CLASS_DATE:
        if (!unit_has_time(unit)) {
            set_type(e, MYSQL_TYPE_DATE, 10, 0, 0);
            return 0;
        }
        set_type(e, MYSQL_TYPE_DATETIME, 19 + extra, fsp, 0);
        return 0;
    case TYPE_CLASS_DATETIME:
        set_type(e, MYSQL_TYPE_DATETIME, 19 + extra, fsp, 0);
        return 0;
    case TYPE_CLASS_TIME:
        if (unit_has_date(unit)) {
            return resolve_refuse(r, "adding days to a TIME");
        }
        set_type(e, MYSQL_TYPE_TIME, 10 + extra, fsp, 0);
        return 0;
    case TYPE_CLASS_STRING:
        e->type = (struct sql_type){.collation = r->env->collation_connection};
        e->coercibility = COERCE_COERCIBLE;
        set_string(r, e, resolver_is_mariadb(r) ? 19 : 29);
        set_mariadb_decimals(r, e);
        e->type.type = MYSQL_TYPE_STRING;
        return 0;
    default:
        return resolve_refuse(r, "date arithmetic on this type");
    }
}

/* Widths of EXTRACT's results: MySQL's, and MariaDB's of dates and times and of what may be longer.
 */
struct extract_width {
    uint8_t mysql, mariadb, mariadb_other;
};

static const struct extract_width extract_widths[] = {
    [UNIT_MICROSECOND] = {7, 7, 7},
    [UNIT_SECOND] = {3, 3, 3},
    [UNIT_MINUTE] = {3, 3, 3},
    [UNIT_HOUR] = {4, 3, 3},
    [UNIT_DAY] = {3, 3, 8},
    [UNIT_WEEK] = {3, 2, 2},
    [UNIT_MONTH] = {3, 2, 2},
    [UNIT_QUARTER] = {2, 1, 1},
    [UNIT_YEAR] = {5, 4, 4},
    [UNIT_SECOND_MICROSECOND] = {9, 9, 9},
    [UNIT_MINUTE_MICROSECOND] = {11, 11, 11},
    [UNIT_MINUTE_SECOND] = {5, 5, 5},
    [UNIT_HOUR_MICROSECOND] = {14, 13, 13},
    [UNIT_HOUR_SECOND] = {8, 7, 7},
    [UNIT_HOUR_MINUTE] = {6, 5, 5},
    [UNIT_DAY_MICROSECOND] = {20, 15, 20},
    [UNIT_DAY_SECOND] = {13, 9, 14},
    [UNIT_DAY_MINUTE] = {11, 7, 12},
    [UNIT_DAY_HOUR] = {9, 5, 10},
    [UNIT_YEAR_MONTH] = {7, 6, 6},
};

static bool is_temporal(const struct expr *e)
{
    const enum type_class class = type_class_of(e->type.type);
    return class == TYPE_CLASS_DATE || class == TYPE_CLASS_DATETIME || class == TYPE_CLASS_TIME;
}

int derive_extract(struct resolver *r, struct expr *e)
{
    if (e->args[0]->kind != EXPR_LITERAL || e->args[0]->lit.kind != LIT_INTERVAL_UNIT) {
        return resolve_refuse(r, "EXTRACT");
    }
    const struct extract_width *w = &extract_widths[e->args[0]->lit.value.i];
    if (resolver_is_mariadb(r)) {
        const unsigned width = is_temporal(e->args[1]) ? w->mariadb : w->mariadb_other;
        set_type(e, width > 10 ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_LONG, width, 0, 0);
    } else {
        set_type(e, MYSQL_TYPE_LONGLONG, w->mysql, 0, 0);
    }
    return 0;
}

/* Longest text each specifier of DATE_FORMAT gives; others give themselves. */
static unsigned specifier_width(char c)
{
    switch (c) {
    case 'M':
    case 'W':
        return 64;
    case 'a':
    case 'b':
        return 32;
    case 'D':
    case 'Y':
    case 'x':
    case 'X':
        return 4;
    case 'j':
        return 3;
    case 'r':
        return 11;
    case 'T':
        return 8;
    case 'f':
        return 6;
    case 'w':
    case '%':
        return 1;
    case 'h':
    case 'H':
    case 'i':
    case 'I':
    case 'l':
    case 'k':
    case 'c':
    case 'd':
    case 'e':
    case 'm':
    case 'p':
    case 's':
    case 'S':
    case 'u':
    case 'U':
    case 'v':
    case 'V':
    case 'y':
        return 2;
    default:
        return 1;
    }
}

static uint32_t format_width(struct str format)
{
    uint32_t width = 0;
    for (size_t i = 0; i < format.len; i++) {
        if (format.p[i] == '%' && i + 1 < format.len) {
            width += specifier_width(format.p[++i]);
        } else {
            width++;
        }
    }
    return width;
}

int derive_date_format(struct resolver *r, struct expr *e)
{
    const struct expr *format = e->args[1];
    uint32_t chars = text_width(r, format) * 10;
    if (format->kind == EXPR_LITERAL && format->lit.value.kind == VALUE_STRING) {
        chars = format_width(format->lit.value.str);
    }
    e->type = (struct sql_type){.collation = r->env->collation_connection};
    e->coercibility = COERCE_COERCIBLE;
    set_string(r, e, chars);
    set_mariadb_decimals(r, e);
    return 0;
}

static int fraction_arg(struct resolver *r, const struct expr *e, unsigned *out)
{
    int64_t n = 0;
    *out = 0;
    if (e->argc == 0) {
        return 0;
    }
    if (!literal_int(e->args[0], &n) || n < 0 || n > 6) {
        return diag_set(r->diag, ER_TOO_BIG_PRECISION, (int)n, e->func->name, (uint64_t)6);
    }
    *out = (unsigned)n;
    return 0;
}

int derive_now(struct resolver *r, struct expr *e)
{
    unsigned fsp = 0;
    if (fraction_arg(r, e, &fsp) != 0) {
        return -1;
    }
    set_type(e, MYSQL_TYPE_DATETIME, 19 + (fsp > 0 ? fsp + 1 : 0), fsp, NOT_NULL_FLAG);
    return 0;
}

int derive_curtime(struct resolver *r, struct expr *e)
{
    unsigned fsp = 0;
    if (fraction_arg(r, e, &fsp) != 0) {
        return -1;
    }
    const uint32_t base = resolver_is_mariadb(r) ? e->func->len_mariadb : e->func->len_mysql;
    set_type(e, MYSQL_TYPE_TIME, base + (fsp > 0 ? fsp + 1 : 0), fsp, NOT_NULL_FLAG);
    return 0;
}

int derive_unix_timestamp(struct resolver *r, struct expr *e)
{
    const unsigned fsp = e->argc > 0 ? temporal_scale(e->args[0]) : 0;
    const bool mariadb = resolver_is_mariadb(r);
    if (fsp > 0) {
        set_decimal(e, (mariadb ? 16u : 11u) + fsp, fsp, false);
    } else {
        set_type(e, MYSQL_TYPE_LONGLONG, mariadb ? 17 : 21, 0, 0);
    }
    if (!mariadb) {
        set_null_from_args(e);
    }
    return 0;
}
