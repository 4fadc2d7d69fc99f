/*
 * Statements that change tables in strict mode: what is a warning to SELECT (a zero divisor, a
 * string that is no number, a logarithm of 0) is an error to them. It is raised by DuckDB's error()
 * in a branch of CASE: branches are evaluated for the rows that take them only, and DuckDB knows
 * that error() may fail, so it does not try it on values that no row has.
 *
 * MySQL evaluates AND and OR from left to right and stops early; DuckDB promises no order. Where a
 * later operand may raise an error, the earlier ones decide in a CASE whether it is evaluated.
 */
#include "sql/write_duckdb_int.h"

#include <string.h>

/* Text that is written thrice; nested, it would grow without end. */
#define CHECKED_TEXT_MAX 65536

static bool may_fail(const struct writer *w, size_t at)
{
    static const char mark[] = "THEN error('";
    return memmem(w->out->p + at, w->out->len - at, mark, sizeof mark - 1) != NULL;
}

/* ---- Operators and functions ---- */

static int put_not_null(struct writer *w, const struct expr *e)
{
    struct form f;
    bytebuf_put_cstr(w->out, " AND (");
    const int rc = write_expr(w, e, &f);
    bytebuf_put_cstr(w->out, ") IS NOT NULL");
    return rc;
}

static int watch_division(struct writer *w, const struct expr *e)
{
    bytebuf_put_cstr(w->out, "CASE WHEN ");
    if (write_as_real(w, e->args[1]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " = 0");
    if (put_not_null(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " THEN error('1365 Division by 0') ELSE ");
    return 0;
}

static int watch_logarithm(struct writer *w, const struct expr *e)
{
    bytebuf_put_cstr(w->out, "CASE WHEN ");
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? " OR " : "");
        if (write_as_real(w, e->args[i]) != 0) {
            return -1;
        }
        bytebuf_put_cstr(w->out, " <= 0");
    }
    if (e->argc == 2) {
        bytebuf_put_cstr(w->out, " OR ");
        if (write_as_real(w, e->args[0]) != 0) {
            return -1;
        }
        bytebuf_put_cstr(w->out, " = 1");
    }
    bytebuf_put_cstr(w->out, w->env->dialect == DIALECT_MARIADB
                                 ? " THEN error('1365 Division by 0') ELSE "
                                 : " THEN error('3020 Invalid argument for logarithm') ELSE ");
    return 0;
}

static bool is_logarithm(const struct expr *e)
{
    return e->func->id == FN_LN || e->func->id == FN_LOG || e->func->id == FN_LOG2 ||
           e->func->id == FN_LOG10;
}

/* Writes the head of a CASE where the call may fail; *out_open: "END" is due behind the call. */
static int open_watch(struct writer *w, const struct expr *e, bool *out_open)
{
    const unsigned errors = w->options->errors;
    const enum duckdb_rule rule = e->func->duckdb_rule;
    const bool divides = rule == DR_DIVIDE || rule == DR_INT_DIV || rule == DR_MOD;
    *out_open = true;
    if (divides && (errors & WRITE_ERRORS_DIVISION) != 0) {
        return watch_division(w, e);
    }
    const unsigned wanted =
        w->env->dialect == DIALECT_MARIADB ? WRITE_ERRORS_DIVISION : WRITE_ERRORS_VALUES;
    if (is_logarithm(e) && (errors & wanted) != 0) {
        return watch_logarithm(w, e);
    }
    *out_open = false;
    return 0;
}

/* A date that arithmetic moves out of range is NULL, or an error. */
static int close_date(struct writer *w, const struct expr *e, size_t at)
{
    const struct str text = str_from(w->out->p + at, w->out->len - at);
    if (text.len > CHECKED_TEXT_MAX) {
        return write_refuse(w, "date arithmetic nested this deep");
    }
    struct str copy = arena_dup(&w->arena, text);
    w->out->len = at;
    bytebuf_put_cstr(w->out, "CASE WHEN ");
    bytebuf_put_str(w->out, copy);
    bytebuf_put_cstr(w->out, " IS NULL");
    const struct expr *amount =
        e->args[1]->kind == EXPR_INTERVAL ? e->args[1]->args[0] : e->args[1];
    if (put_not_null(w, e->args[0]) != 0 || put_not_null(w, amount) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, w->env->dialect == DIALECT_MARIADB
                                 ? " THEN error('1441 Datetime function: datetime field overflow')"
                                 : " THEN error('6527 DATETIME value is out of range')");
    bytebuf_put_cstr(w->out, " ELSE ");
    bytebuf_put_str(w->out, copy);
    bytebuf_put_cstr(w->out, " END");
    return 0;
}

int write_watched(struct writer *w, const struct expr *e, write_fn *fn, struct form *out)
{
    const size_t at = w->out->len;
    bool open;
    if (w->options->errors == 0 || (e->flags & EXPR_IS_CONST) != 0) {
        return fn(w, e, out);
    }
    if (open_watch(w, e, &open) != 0 || fn(w, e, out) != 0) {
        return -1;
    }
    if (open) {
        bytebuf_put_cstr(w->out, " END");
        write_insert(w, at, "(");
        bytebuf_put_char(w->out, ')');
    }
    if (e->func->duckdb_rule == DR_DATE_ADD && (w->options->errors & WRITE_ERRORS_VALUES) != 0) {
        if (close_date(w, e, at) != 0) {
            return -1;
        }
        write_insert(w, at, "(");
        bytebuf_put_char(w->out, ')');
    }
    return 0;
}

/* ---- Strings as numbers ---- */

int write_watched_text(struct writer *w, size_t at, const char *kind)
{
    const struct str text = str_from(w->out->p + at, w->out->len - at);
    if ((w->options->errors & WRITE_ERRORS_VALUES) == 0) {
        return 0;
    }
    if (text.len > CHECKED_TEXT_MAX) {
        return write_refuse(w, "strings as numbers nested this deep");
    }
    const bool whole = strcmp(kind, "INTEGER") == 0;
    const struct str copy = arena_dup(&w->arena, text);
    w->out->len = at;
    bytebuf_put_cstr(w->out, "CASE WHEN NOT regexp_full_match(");
    bytebuf_put_str(w->out, copy);
    bytebuf_put_cstr(w->out,
                     whole ? ", '\\s*[+-]?[0-9]+\\s*')"
                           : ", '\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?\\s*')");
    bytebuf_printf(w->out, " THEN error('1292 Truncated incorrect %s value: ''' || ", kind);
    bytebuf_put_str(w->out, copy);
    bytebuf_put_cstr(w->out, " || '''') ELSE ");
    bytebuf_put_str(w->out, copy);
    bytebuf_put_cstr(w->out, " END");
    return 0;
}

/* ---- AND and OR ---- */

/* The operands behind `prefix` (text of the buffer from `at` to `split`) may fail. */
static void decide_first(struct writer *w, size_t at, size_t split, bool is_and)
{
    const struct str prefix = arena_dup(&w->arena, str_from(w->out->p + at, split - at));
    const struct str rest = arena_dup(&w->arena, str_from(w->out->p + split, w->out->len - split));
    w->out->len = at;
    bytebuf_put_cstr(w->out, "CASE WHEN (");
    bytebuf_put_str(w->out, prefix);
    bytebuf_put_cstr(w->out,
                     is_and ? ") IS FALSE THEN FALSE ELSE (" : ") IS TRUE THEN TRUE ELSE (");
    bytebuf_put_str(w->out, prefix);
    bytebuf_put_str(w->out, rest);
    bytebuf_put_cstr(w->out, ") END");
}

int write_watched_logic(struct writer *w, const struct expr *e)
{
    const bool is_and = e->func->id == FN_AND;
    bytebuf_put_char(w->out, '(');
    const size_t at = w->out->len;
    for (uint32_t i = 0; i < e->argc; i++) {
        const size_t split = w->out->len;
        if (i > 0) {
            bytebuf_put_cstr(w->out, e->func->duckdb_text);
        }
        if (write_condition(w, e->args[i]) != 0) {
            return -1;
        }
        if (i > 0 && may_fail(w, split)) {
            if (split - at > CHECKED_TEXT_MAX) {
                return write_refuse(w, "a condition this long in strict mode");
            }
            decide_first(w, at, split, is_and);
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}
