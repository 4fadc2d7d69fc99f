/* Aggregates and window functions. */
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"

#include <inttypes.h>
#include <stdio.h>

static const char *distinct(const struct expr *e)
{
    return (e->flags & EXPR_DISTINCT) != 0 ? "DISTINCT " : "";
}

static int write_bound(struct writer *w, const struct window *win, const struct frame_bound *b)
{
    static const char *const words[] = {
        [FRAME_UNBOUNDED_PRECEDING] = "UNBOUNDED PRECEDING",
        [FRAME_PRECEDING] = " PRECEDING",
        [FRAME_CURRENT_ROW] = "CURRENT ROW",
        [FRAME_FOLLOWING] = " FOLLOWING",
        [FRAME_UNBOUNDED_FOLLOWING] = "UNBOUNDED FOLLOWING",
    };
    if (b->kind == FRAME_PRECEDING || b->kind == FRAME_FOLLOWING) {
        int64_t n = 0;
        if (!win->frame_is_rows || !literal_int(b->offset, &n) || n < 0) {
            return write_refuse(w, "this window frame");
        }
        bytebuf_printf(w->out, "%" PRId64, n);
    }
    bytebuf_put_cstr(w->out, words[b->kind]);
    return 0;
}

static int write_frame(struct writer *w, const struct window *win)
{
    bytebuf_put_cstr(w->out, win->frame_is_rows ? " ROWS BETWEEN " : " RANGE BETWEEN ");
    if (write_bound(w, win, &win->start) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " AND ");
    return write_bound(w, win, &win->end);
}

int write_over(struct writer *w, const struct expr *e)
{
    const struct window *win = e->call.window;
    if (win == NULL) {
        return 0;
    }
    bytebuf_put_cstr(w->out, " OVER (");
    for (uint32_t i = 0; i < win->partition_count; i++) {
        struct form f;
        bool key = false;
        bytebuf_put_cstr(w->out, i == 0 ? "PARTITION BY " : ", ");
        const size_t at = w->out->len;
        if (needs_key(w, &win->partition[i]->type, &key) != 0 ||
            write_expr(w, win->partition[i], &f) != 0) {
            return -1;
        }
        if (key) {
            write_key_around(w, at, win->partition[i]->type.collation);
        }
    }
    if (win->order.count > 0) {
        bytebuf_put_cstr(w->out, " ORDER BY ");
        if (write_order_items(w, &win->order, ORDER_NULLS_LOWEST) != 0) {
            return -1;
        }
    }
    if (win->has_frame && write_frame(w, win) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

/* The argument of an aggregate that tells values apart: strings by their key. */
static int write_distinct_arg(struct writer *w, const struct expr *arg)
{
    struct form f;
    bool key = false;
    const size_t at = w->out->len;
    if (needs_key(w, &arg->type, &key) != 0 || write_expr(w, arg, &f) != 0) {
        return -1;
    }
    if (key) {
        write_key_around(w, at, arg->type.collation);
    }
    return 0;
}

/* COUNT(DISTINCT a, b) counts the rows without NULLs. */
static int write_count_tuple(struct writer *w, const struct expr *e)
{
    bytebuf_put_cstr(w->out, "count(DISTINCT CASE WHEN ");
    for (uint32_t i = 0; i < e->argc; i++) {
        struct form f;
        bytebuf_put_cstr(w->out, i > 0 ? " OR " : "");
        if (write_expr(w, e->args[i], &f) != 0) {
            return -1;
        }
        bytebuf_put_cstr(w->out, " IS NULL");
    }
    bytebuf_put_cstr(w->out, " THEN NULL ELSE row(");
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_distinct_arg(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_cstr(w->out, ") END)");
    return 0;
}

int write_count_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    out->kind = FORM_I64;
    if (e->args[0]->kind == EXPR_STAR) {
        bytebuf_put_cstr(w->out, "count(*)");
        return write_over(w, e);
    }
    if (e->argc > 1) {
        if ((e->flags & EXPR_DISTINCT) == 0) {
            return write_refuse(w, "COUNT of several values without DISTINCT");
        }
        return e->call.window != NULL ? write_refuse(w, "COUNT(DISTINCT) as a window function")
                                      : write_count_tuple(w, e);
    }
    bytebuf_printf(w->out, "count(%s", distinct(e));
    if ((e->flags & EXPR_DISTINCT) != 0 ? write_distinct_arg(w, e->args[0])
                                        : write_expr(w, e->args[0], &f)) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    return write_over(w, e);
}

/* The argument of SUM and AVG; strings and dates as numbers are not proven. */
static int write_sum_arg(struct writer *w, const struct expr *e, struct form *out)
{
    const struct expr *arg = e->args[0];
    const enum type_class class = type_class_of(arg->type.type);
    const size_t at = w->out->len;
    if (class != TYPE_CLASS_INT && class != TYPE_CLASS_BIT && class != TYPE_CLASS_DECIMAL &&
        class != TYPE_CLASS_REAL) {
        return write_refuse(w, "SUM and AVG of values of this type");
    }
    if (write_expr(w, arg, out) != 0) {
        return -1;
    }
    if (out->kind == FORM_WIDE) {
        return write_refuse(w, "computing with a DECIMAL of more than 38 digits");
    }
    if (out->kind == FORM_BOOL) {
        write_cast(w, at, (struct form){.kind = FORM_I32});
        out->kind = FORM_I32;
    }
    if (out->kind == FORM_F32) {
        write_cast(w, at, (struct form){.kind = FORM_F64});
        out->kind = FORM_F64;
    }
    return 0;
}

static struct form sum_form(struct form arg)
{
    if (arg.kind == FORM_F64) {
        return arg;
    }
    return arg.kind == FORM_DECIMAL ? form_decimal(38, arg.scale)
                                    : (struct form){.kind = FORM_I128};
}

int write_sum_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    bytebuf_printf(w->out, "sum(%s", distinct(e));
    if (write_sum_arg(w, e, &f) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    *out = sum_form(f);
    return write_over(w, e);
}

/* AVG is the exact sum divided by the count, with the digits that both servers go on calculating
 * with. */
int write_avg_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    const size_t at = w->out->len;
    bytebuf_printf(w->out, "sum(%s", distinct(e));
    const size_t arg = w->out->len;
    if (write_sum_arg(w, e, &f) != 0) {
        return -1;
    }
    const size_t len = w->out->len - arg;
    char *text = arena_alloc(&w->arena, len + 1);
    memcpy(text, w->out->p + arg, len);
    bytebuf_put_char(w->out, ')');
    if (write_over(w, e) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, "%s count(%s%.*s)", f.kind == FORM_F64 ? " /" : ",", distinct(e),
                   (int)len, text);
    if (write_over(w, e) != 0) {
        return -1;
    }
    if (f.kind == FORM_F64) {
        write_insert(w, at, "(");
        bytebuf_put_char(w->out, ')');
        *out = f;
        return 0;
    }
    bytebuf_printf(w->out, ", %" PRIu32 ")", w->env->div_precision_increment);
    const unsigned scale = quotient_scale(f.scale, 0, w->env->div_precision_increment);
    if (scale > 27) {
        return write_refuse(w, "an average of this many digits");
    }
    char name[24];
    (void)snprintf(name, sizeof(name), "pt_quotient_%u(", scale);
    write_insert(w, at, name);
    *out = form_decimal(38, scale);
    return 0;
}

int write_min_max_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct expr *arg = e->args[0];
    bool key = false;
    if (needs_key(w, &arg->type, &key) != 0) {
        return -1;
    }
    const enum type_class class = type_class_of(arg->type.type);
    const bool date = class == TYPE_CLASS_DATE || class == TYPE_CLASS_DATETIME;
    key = key || (date && w->partial_dates);
    if (!key) {
        bytebuf_printf(w->out, "%s(", e->func->duckdb_text);
        if (write_expr(w, arg, out) != 0) {
            return -1;
        }
        bytebuf_put_char(w->out, ')');
        if (out->kind == FORM_BOOL) {
            return write_refuse(w, "MIN and MAX of conditions");
        }
        return write_over(w, e);
    }
    bytebuf_printf(w->out, "arg_%s(", e->func->duckdb_text);
    if (write_expr(w, arg, out) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ", ");
    const size_t at = w->out->len;
    if (write_distinct_arg(w, arg) != 0) {
        return -1;
    }
    write_date_order_around(w, at, *out);
    bytebuf_put_char(w->out, ')');
    return write_over(w, e);
}

/* ANY_VALUE aggregates nothing by itself: it only lifts the rule of GROUP BY. */
int write_any_value_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct group_ctx *saved = w->group;
    if (saved == NULL || saved->query_depth != w->query_depth) {
        return write_expr(w, e->args[0], out);
    }
    bytebuf_put_cstr(w->out, "any_value(");
    w->group = saved->outer;
    const int rc = write_expr(w, e->args[0], out);
    w->group = saved;
    bytebuf_put_char(w->out, ')');
    return rc;
}

int write_rank_rule(struct writer *w, const struct expr *e, struct form *out)
{
    bytebuf_printf(w->out, "%s()", e->func->duckdb_text);
    out->kind = FORM_I64;
    return write_over(w, e);
}

int write_lag_rule(struct writer *w, const struct expr *e, struct form *out)
{
    int64_t n = 1;
    if (e->call.ignore_nulls || e->call.from_last) {
        return write_refuse(w, "IGNORE NULLS and FROM LAST");
    }
    if (e->argc > 1 && (!literal_int(e->args[1], &n) || n < 0)) {
        return write_refuse(w, "an offset that is no literal");
    }
    bytebuf_printf(w->out, "%s(", e->func->duckdb_text);
    if (write_expr(w, e->args[0], out) != 0) {
        return -1;
    }
    if (e->func->id == FN_LAG || e->func->id == FN_LEAD) {
        bytebuf_printf(w->out, ", %" PRId64, n);
    }
    bytebuf_put_char(w->out, ')');
    return write_over(w, e);
}

/* PERCENT_RANK and CUME_DIST; NTILE has a number of buckets. */
int write_percent_rule(struct writer *w, const struct expr *e, struct form *out)
{
    int64_t n = 0;
    out->kind = e->argc > 0 ? FORM_I64 : FORM_F64;
    bytebuf_printf(w->out, "%s(", e->func->duckdb_text);
    if (e->argc > 0) {
        if (!literal_int(e->args[0], &n) || n < 1) {
            return write_refuse(w, "a number of buckets that is no literal");
        }
        bytebuf_printf(w->out, "%" PRId64, n);
    }
    bytebuf_put_char(w->out, ')');
    return write_over(w, e);
}

/* Without rows BIT_AND has all bits, the others none. */
int write_bit_agg_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_U64;
    bytebuf_printf(w->out, "coalesce(%s(", e->func->duckdb_text);
    if (write_bits(w, e->args[0]) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    if (write_over(w, e) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, e->func->id == FN_BIT_AND ? ", 18446744073709551615::UBIGINT)"
                                                       : ", 0::UBIGINT)");
    return 0;
}

/* The text of one row: its expressions joined, NULL if one of them is. */
static int write_row_text(struct writer *w, const struct expr *e)
{
    bytebuf_put_cstr(w->out, e->argc > 1 ? "(" : "");
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? " || " : "");
        if (write_text(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_cstr(w->out, e->argc > 1 ? ")" : "");
    return 0;
}

int write_group_concat_rule(struct writer *w, const struct expr *e, struct form *out)
{
    bool key = false;
    if (e->call.window != NULL || type_is_binary_string(&e->type) || e->argc > 16) {
        return write_refuse(w, "GROUP_CONCAT of this kind");
    }
    if ((e->flags & EXPR_DISTINCT) != 0) {
        const bool ordered =
            e->call.order.count > 1 ||
            (e->call.order.count == 1 &&
             (e->argc > 1 || !expr_equal(e->call.order.items[0].expr, e->args[0])));
        if (needs_key(w, &e->args[0]->type, &key) != 0 || key || e->argc > 1 || ordered ||
            type_class_of(e->args[0]->type.type) != TYPE_CLASS_STRING) {
            return write_refuse(w, "GROUP_CONCAT(DISTINCT) of this kind");
        }
    }
    bytebuf_printf(w->out, "pt_cut(string_agg(%s", distinct(e));
    if (write_row_text(w, e) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ", ");
    write_string(w, e->call.separator.p != NULL ? e->call.separator : STR(","));
    if (e->call.order.count > 0) {
        /* The servers compare the values of fields here, which under a NULL are zeros. */
        bytebuf_put_cstr(w->out, " ORDER BY ");
        if (write_order_items(w, &e->call.order, ORDER_NULLS_AS_ZERO) != 0) {
            return -1;
        }
    }
    bytebuf_printf(w->out, "), %" PRIu32 "::BIGINT)", w->env->group_concat_max_len);
    out->kind = FORM_STRING;
    return 0;
}
