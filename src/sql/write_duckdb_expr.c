/* Expressions: literals, columns, what stands behind GROUP BY, conditions, and dispatch to the
 * rules. */
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"
#include "types/charset.h"
#include "types/collation.h"
#include "types/convert.h"

#include <inttypes.h>

/* ---- Literals ---- */

void write_string(struct writer *w, struct str s)
{
    bytebuf_put_char(w->out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\'') {
            bytebuf_put_char(w->out, '\'');
        }
        bytebuf_put_char(w->out, s.p[i]);
    }
    bytebuf_put_char(w->out, '\'');
}

static int write_blob(struct writer *w, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    bytebuf_put_char(w->out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        bytebuf_put_cstr(w->out, "\\x");
        bytebuf_put_char(w->out, hex[c >> 4]);
        bytebuf_put_char(w->out, hex[c & 15]);
    }
    bytebuf_put_cstr(w->out, "'::BLOB");
    return 0;
}

static int write_text_literal(struct writer *w, const struct expr *e, struct form *out)
{
    const struct str s = e->lit.value.str;
    if (type_is_binary_string(&e->type)) {
        out->kind = FORM_BLOB;
        return write_blob(w, s);
    }
    if (memchr(s.p != NULL ? s.p : "", '\0', s.len) != NULL || !str_is_utf8(s)) {
        return write_refuse(w, "a string literal with NUL characters");
    }
    out->kind = FORM_STRING;
    write_string(w, s);
    return 0;
}

static void write_decimal(struct writer *w, const struct decimal *d, struct form *out)
{
    char text[DECIMAL_TEXT_MAX];
    const size_t len = decimal_format(d, text);
    const unsigned digits = MAX(decimal_int_digits(d) + d->scale, 1u);
    *out = form_decimal(digits, d->scale);
    bytebuf_printf(w->out, "%.*s::DECIMAL(%u,%u)", (int)len, text, digits, d->scale);
}

static unsigned digits_of(uint64_t u)
{
    unsigned n = 1;
    while (u >= 10) {
        u /= 10;
        n++;
    }
    return n;
}

static void write_int(struct writer *w, const struct value *v, struct form *out)
{
    if (v->kind == VALUE_UINT && v->u > INT64_MAX) {
        bytebuf_printf(w->out, "%" PRIu64 "::UBIGINT", v->u);
        *out = (struct form){.kind = FORM_U64, .width = 20};
        return;
    }
    const uint64_t magnitude =
        v->kind == VALUE_INT && v->i < 0 ? (uint64_t)0 - (uint64_t)v->i : v->u;
    const bool small = v->i >= INT32_MIN && v->i <= INT32_MAX;
    *out =
        (struct form){.kind = small ? FORM_I32 : FORM_I64, .width = (uint8_t)digits_of(magnitude)};
    if (v->i == INT64_MIN) {
        bytebuf_put_cstr(w->out, "(-9223372036854775807 - 1)");
    } else if (v->i < 0) {
        bytebuf_printf(w->out, "(%" PRId64 ")", v->i);
    } else {
        bytebuf_printf(w->out, "%" PRId64, v->i);
    }
}

/* A date outside DuckDB's calendar is written by its number. */
int write_date(struct writer *w, const struct mtime *t)
{
    const int32_t days = temporal_pack_date(t);
    if (temporal_days_is_partial(days)) {
        w->saw_partial_dates = w->saw_partial_dates || temporal_date_is_out_of_order(days);
        bytebuf_printf(w->out, "(DATE '1970-01-01' + (%" PRId32 "))", days);
    } else {
        bytebuf_printf(w->out, "DATE '%04u-%02u-%02u'", t->year, t->month, t->day);
    }
    return 0;
}

int write_datetime(struct writer *w, const struct mtime *t)
{
    const int64_t us = temporal_pack_datetime(t);
    if (temporal_days_is_partial(temporal_pack_date(t))) {
        w->saw_partial_dates = w->saw_partial_dates || temporal_datetime_is_out_of_order(us);
        bytebuf_printf(w->out, "make_timestamp(%" PRId64 ")", us);
    } else {
        bytebuf_printf(w->out, "TIMESTAMP '%04u-%02u-%02u %02u:%02u:%02u.%06u'", t->year, t->month,
                       t->day, t->hour, t->minute, t->second, t->usec);
    }
    return 0;
}

int write_literal(struct writer *w, const struct expr *e, struct form *out)
{
    const struct value *v = &e->lit.value;
    *out = (struct form){0};
    switch (v->kind) {
    case VALUE_NULL:
        bytebuf_put_cstr(w->out, "NULL");
        return 0;
    case VALUE_INT:
    case VALUE_UINT:
        write_int(w, v, out);
        return 0;
    case VALUE_DOUBLE:
        out->kind = FORM_F64;
        bytebuf_printf(w->out, "'%.17g'::DOUBLE", v->d);
        return 0;
    case VALUE_DECIMAL:
        if (e->type.length > 38) {
            return write_refuse(w, "a number of more than 38 digits");
        }
        write_decimal(w, &v->dec, out);
        return 0;
    case VALUE_STRING:
    case VALUE_JSON:
        return write_text_literal(w, e, out);
    case VALUE_DATE:
        out->kind = FORM_DATE;
        return write_date(w, &v->time);
    case VALUE_DATETIME:
        out->kind = FORM_TIMESTAMP;
        return write_datetime(w, &v->time);
    case VALUE_TIME:
        out->kind = FORM_TIME;
        bytebuf_printf(w->out, "(%" PRId64 ")::BIGINT", temporal_pack_time(&v->time));
        return 0;
    }
    return write_refuse(w, "this literal");
}

/* ---- Columns ---- */

static int write_column(struct writer *w, const struct expr *e, struct form *out)
{
    const struct table_ref *t = e->column.binding.table;
    const struct ref_column *c = &t->columns[e->column.binding.index];
    const struct leaf_info *info = t->id < w->leaf_cap ? &w->leaves[t->id] : NULL;
    if (t->def != NULL) {
        *out = form_of_type(&c->type);
        bytebuf_printf(w->out, "r%" PRIu32 ".c%" PRIu32, t->id, c->def->id);
        return 0;
    }
    if (info == NULL || info->forms == NULL) {
        return write_refuse(w, "this table");
    }
    *out = info->forms[c->source];
    bytebuf_printf(w->out, "r%" PRIu32 ".c%" PRIu32, t->id, (uint32_t)c->source);
    return 0;
}

/* ---- Behind GROUP BY ---- */

static const struct order_item *find_group_item(const struct select_block *b, const struct expr *e)
{
    for (uint32_t i = 0; i < b->group_count; i++) {
        if (expr_equal(b->group_by[i].expr, e)) {
            return &b->group_by[i];
        }
    }
    return NULL;
}

static bool owns_column(const struct writer *w, const struct group_ctx *g, const struct expr *e)
{
    const uint32_t id = e->column.binding.table->id;
    return id < w->leaf_cap && w->leaves[id].block == g->block;
}

/* The group a column belongs to, if its block is one that is being written behind its GROUP BY. */
static struct group_ctx *owner_group(const struct writer *w, const struct expr *e)
{
    for (struct group_ctx *g = w->group; g != NULL; g = g->outer) {
        if (owns_column(w, g, e)) {
            return g;
        }
    }
    return NULL;
}

static int write_before_group(struct writer *w, const struct expr *e, struct form *out)
{
    struct group_ctx *saved = w->group;
    w->group = saved->outer;
    const int rc = write_expr(w, e, out);
    w->group = saved;
    return rc;
}

/* Any row of the group gives the value. */
static int write_any_of_group(struct writer *w, const struct group_ctx *g, const struct expr *e,
                              struct form *out)
{
    const size_t at = w->out->len;
    if (g->query_depth != w->query_depth) {
        return write_refuse(w, "a subquery that refers to a column of a grouped query");
    }
    if (write_before_group(w, e, out) != 0) {
        return -1;
    }
    write_insert(w, at, "any_value(");
    bytebuf_put_char(w->out, ')');
    return 0;
}

static int write_group_item(struct writer *w, const struct group_ctx *g,
                            const struct order_item *item, const struct expr *e, struct form *out)
{
    bool key = false;
    if (needs_key(w, &e->type, &key) != 0) {
        return -1;
    }
    if (key || item->dependent) {
        return write_any_of_group(w, g, e, out);
    }
    return write_before_group(w, e, out);
}

/* 1: written as a whole; 0: to be written by its parts; -1: failed. */
static int write_grouped(struct writer *w, const struct expr *e, struct form *out)
{
    struct group_ctx *g = w->group;
    if (e->kind == EXPR_COLUMN) {
        g = owner_group(w, e);
    }
    if (e->kind == EXPR_LITERAL || g == NULL ||
        (e->kind != EXPR_COLUMN && g->query_depth != w->query_depth)) {
        return 0;
    }
    const struct order_item *item = find_group_item(g->block, e);
    if (item != NULL) {
        return write_group_item(w, g, item, e, out) == 0 ? 1 : -1;
    }
    if (e->kind == EXPR_COLUMN) {
        return write_any_of_group(w, g, e, out) == 0 ? 1 : -1;
    }
    return 0;
}

/* ---- Logic ---- */

static bool is_predicate(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_CALL:
        return e->func->type_rule == TR_BOOL;
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        return true;
    default:
        return false;
    }
}

int write_condition(struct writer *w, const struct expr *e)
{
    struct form f;
    const size_t at = w->out->len;
    if (write_expr(w, e, &f) != 0) {
        return -1;
    }
    if (f.kind == FORM_BOOL) {
        return 0;
    }
    if (f.kind == FORM_NULL) {
        write_cast(w, at, (struct form){.kind = FORM_BOOL});
        return 0;
    }
    if (!form_is_number(f) && f.kind != FORM_TIME) {
        return write_refuse(w, "a condition of this type");
    }
    write_insert(w, at, "(");
    bytebuf_put_cstr(w->out, " <> 0)");
    return 0;
}

/* Few enough alternatives may stay: DuckDB's planner takes long over many ORs, not over many values
 * of IN. */
#define OR_TO_IN 8

static bool is_or_of_values(const struct expr *e)
{
    if (e->func->id != FN_OR || e->argc < OR_TO_IN) {
        return false;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        const struct expr *a = e->args[i];
        if (a->kind != EXPR_CALL || a->func->id != FN_EQ || a->args[0]->kind != EXPR_COLUMN ||
            a->args[1]->kind != EXPR_LITERAL || !expr_equal(a->args[0], e->args[0]->args[0]) ||
            a->cmp_collation != e->args[0]->cmp_collation ||
            type_class_of(a->args[1]->type.type) != type_class_of(e->args[0]->args[1]->type.type)) {
            return false;
        }
    }
    return true;
}

/* x = 1 OR x = 2 OR … as x IN (1, 2, …). */
static int write_or_as_in(struct writer *w, const struct expr *e, struct form *out)
{
    struct expr in = *e->args[0];
    in.argc = e->argc + 1;
    in.args = ARENA_ARRAY(&w->arena, struct expr *, in.argc);
    in.func = func_get(FN_IN);
    in.args[0] = e->args[0]->args[0];
    for (uint32_t i = 0; i < e->argc; i++) {
        in.args[i + 1] = e->args[i]->args[1];
    }
    return write_in_rule(w, &in, out);
}

static int write_logic_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_BOOL;
    if (is_or_of_values(e)) {
        return write_or_as_in(w, e, out);
    }
    if (w->options->errors != 0 && (e->func->id == FN_AND || e->func->id == FN_OR)) {
        return write_watched_logic(w, e);
    }
    bytebuf_put_char(w->out, '(');
    for (uint32_t i = 0; i < e->argc; i++) {
        if (i > 0) {
            bytebuf_put_cstr(w->out, e->func->duckdb_text);
        }
        if (write_condition(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

static int write_not_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_BOOL;
    bytebuf_put_cstr(w->out, "(NOT ");
    const int rc = write_condition(w, e->args[0]);
    bytebuf_put_char(w->out, ')');
    return rc;
}

static int write_is_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_BOOL;
    bytebuf_put_char(w->out, '(');
    const int rc = write_condition(w, e->args[0]);
    bytebuf_put_cstr(w->out, e->func->duckdb_text);
    bytebuf_put_char(w->out, ')');
    return rc;
}

static int write_is_null_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct form f;
    bytebuf_put_char(w->out, '(');
    const int rc = write_expr(w, e->args[0], &f);
    bytebuf_put_cstr(w->out, e->func->duckdb_text);
    bytebuf_put_char(w->out, ')');
    out->kind = FORM_BOOL;
    return rc;
}

/* ---- Choice ---- */

/* Does a value of the type become the text of its number if it is taken for a string? */
static bool hides_text(const struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    return class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET || class == TYPE_CLASS_BIT ||
           t->type == MYSQL_TYPE_YEAR || (t->flags & ZEROFILL_FLAG) != 0;
}

static int check_text(struct writer *w, const struct expr *whole, uint32_t first)
{
    for (uint32_t i = first; i < whole->argc; i++) {
        if (type_class_of(whole->type.type) == TYPE_CLASS_STRING &&
            hides_text(&whole->args[i]->type)) {
            return write_refuse(w, "a value of this type as text");
        }
    }
    return 0;
}

static int write_piece(struct writer *w, const struct expr *e, const char *before, struct piece *p)
{
    bytebuf_put_cstr(w->out, before);
    p->start = w->out->len;
    const int rc = write_expr(w, e, &p->form);
    p->end = w->out->len;
    return rc;
}

static int write_if_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct piece p[2];
    bytebuf_put_cstr(w->out, "CASE WHEN ");
    if (check_text(w, e, 1) != 0 || write_condition(w, e->args[0]) != 0 ||
        write_piece(w, e->args[1], " THEN ", &p[0]) != 0 ||
        write_piece(w, e->args[2], " ELSE ", &p[1]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " END");
    return write_unify(w, p, 2, &e->type, out);
}

static int write_coalesce_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct piece *p = ARENA_ARRAY(&w->arena, struct piece, e->argc);
    if (check_text(w, e, 0) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (write_piece(w, e->args[i], i == 0 ? "coalesce(" : ", ", &p[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return write_unify(w, p, e->argc, &e->type, out);
}

static int write_nullif_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct compare c;
    struct piece p;
    if (check_text(w, e, 0) != 0 || compare_choose(w, e->args, 2, e->cmp_collation, &c) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, "CASE WHEN ");
    if (write_operand(w, e->args[0], &c) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " = ");
    if (write_operand(w, e->args[1], &c) != 0 ||
        write_piece(w, e->args[0], " THEN NULL ELSE ", &p) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " END");
    return write_unify(w, &p, 1, &e->type, out);
}

static int write_greatest_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const enum type_class class = type_class_of(e->type.type);
    if (class == TYPE_CLASS_STRING || class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET) {
        return write_refuse(w, e->func->name);
    }
    if (w->partial_dates && (class == TYPE_CLASS_DATE || class == TYPE_CLASS_DATETIME)) {
        return write_refuse(w, "GREATEST and LEAST of dates without a month or day");
    }
    struct piece *p = ARENA_ARRAY(&w->arena, struct piece, e->argc);
    const size_t at = w->out->len;
    for (uint32_t i = 0; i < e->argc; i++) {
        if (write_piece(w, e->args[i], i == 0 ? e->func->duckdb_text : ", ", &p[i]) != 0) {
            return -1;
        }
        if (i == 0) {
            write_insert(w, p[0].start, "(");
            p[0].start++;
            p[0].end++;
        }
    }
    bytebuf_put_char(w->out, ')');
    if (write_unify(w, p, e->argc, &e->type, out) != 0) {
        return -1;
    }
    /* DuckDB's functions leave NULLs out; MySQL's are NULL if one argument is. */
    if (type_is_nullable(&e->type)) {
        write_insert(w, at, " THEN NULL ELSE ");
        size_t pos = at;
        for (uint32_t i = 0; i < e->argc; i++) {
            struct form f;
            const size_t end = w->out->len;
            bytebuf_put_cstr(w->out, i == 0 ? "CASE WHEN " : " OR ");
            if (write_expr(w, e->args[i], &f) != 0) {
                return -1;
            }
            bytebuf_put_cstr(w->out, " IS NULL");
            const size_t len = w->out->len - end;
            char *text = arena_alloc(&w->arena, len + 1);
            memcpy(text, w->out->p + end, len);
            text[len] = '\0';
            w->out->len = end;
            write_insert(w, pos, text);
            pos += len;
        }
        bytebuf_put_cstr(w->out, " END");
    }
    return 0;
}

/* CASE x WHEN y compares as x = y. */
static int write_case_condition(struct writer *w, const struct expr *e, uint32_t i)
{
    if ((e->flags & EXPR_CASE_OPERAND) == 0) {
        return write_condition(w, e->args[i]);
    }
    struct expr *pair[2] = {e->args[0], e->args[i]};
    struct compare c;
    if (compare_choose(w, pair, 2, e->args[0]->type.collation, &c) != 0) {
        return -1;
    }
    if (c.kind == COMPARE_KEY && pair[1]->kind != EXPR_LITERAL &&
        pair[1]->type.collation != pair[0]->type.collation) {
        return write_refuse(w, "CASE over strings of different collations");
    }
    if (write_operand(w, pair[0], &c) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " = ");
    return write_operand(w, pair[1], &c);
}

static int write_case(struct writer *w, const struct expr *e, struct form *out)
{
    const bool has_else = (e->flags & EXPR_CASE_ELSE) != 0;
    const uint32_t first = (e->flags & EXPR_CASE_OPERAND) != 0 ? 1 : 0;
    const uint32_t end = e->argc - (has_else ? 1 : 0);
    struct piece *p = ARENA_ARRAY(&w->arena, struct piece, e->argc);
    uint32_t count = 0;
    if (check_text(w, e, 0) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, "CASE");
    for (uint32_t i = first; i + 1 < end; i += 2) {
        bytebuf_put_cstr(w->out, " WHEN ");
        if (write_case_condition(w, e, i) != 0 ||
            write_piece(w, e->args[i + 1], " THEN ", &p[count++]) != 0) {
            return -1;
        }
    }
    if (has_else && write_piece(w, e->args[end], " ELSE ", &p[count++]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " END");
    return write_unify(w, p, count, &e->type, out);
}

/* ---- Constants of the statement ---- */

static int write_constant(struct writer *w, const struct expr *e, struct form *out)
{
    struct value v;
    if (w->env->eval_const == NULL) {
        return write_refuse(w, e->kind == EXPR_CALL ? e->func->name : "variables");
    }
    if (w->env->eval_const(w->env->arg, e, &w->arena, w->diag, &v) != 0) {
        return -1;
    }
    struct expr lit = {.kind = EXPR_LITERAL, .type = e->type};
    lit.lit.value = v;
    if (v.kind == VALUE_DECIMAL) {
        lit.type.length = decimal_int_digits(&v.dec) + v.dec.scale;
    }
    return write_literal(w, &lit, out);
}

/* ---- Subqueries ---- */

static int write_scalar_subquery(struct writer *w, const struct expr *e, struct form *out)
{
    const struct form *forms;
    const bool in_table = w->in_table;
    w->in_table = false;
    bytebuf_put_char(w->out, '(');
    const int rc = write_query(w, e->sub.query, &forms);
    w->in_table = in_table;
    if (rc != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    *out = forms[0];
    return 0;
}

static int write_exists(struct writer *w, const struct expr *e, struct form *out)
{
    const struct form *forms;
    bytebuf_put_cstr(w->out, (e->flags & EXPR_NOT) != 0 ? "(NOT EXISTS (" : "(EXISTS (");
    if (write_query(w, e->sub.query, &forms) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, "))");
    out->kind = FORM_BOOL;
    return 0;
}

/* ---- Dispatch ---- */

static write_fn *const rules[DUCKDB_RULE_COUNT] = {
    [DR_ARITH] = write_arith_rule,
    [DR_DIVIDE] = write_divide_rule,
    [DR_INT_DIV] = write_int_div_rule,
    [DR_MOD] = write_mod_rule,
    [DR_NEG] = write_neg_rule,
    [DR_BITS] = write_bits_rule,
    [DR_LOGIC] = write_logic_rule,
    [DR_NOT] = write_not_rule,
    [DR_IS] = write_is_rule,
    [DR_IS_NULL] = write_is_null_rule,
    [DR_COMPARE] = write_compare_rule,
    [DR_BETWEEN] = write_between_rule,
    [DR_IN] = write_in_rule,
    [DR_LIKE] = write_like_rule,
    [DR_STRCMP] = write_strcmp_rule,
    [DR_IF] = write_if_rule,
    [DR_COALESCE] = write_coalesce_rule,
    [DR_NULLIF] = write_nullif_rule,
    [DR_GREATEST] = write_greatest_rule,
    [DR_CONCAT] = write_concat_rule,
    [DR_CONCAT_WS] = write_concat_ws_rule,
    [DR_LENGTH] = write_length_rule,
    [DR_CHAR_LENGTH] = write_char_length_rule,
    [DR_CASE_FOLD] = write_case_fold_rule,
    [DR_TRIM] = write_trim_rule,
    [DR_LEFT] = write_left_rule,
    [DR_SUBSTRING] = write_substring_rule,
    [DR_REPLACE] = write_replace_rule,
    [DR_STRING_UDF] = write_string_udf_rule,
    [DR_ASCII] = write_ascii_rule,
    [DR_CONVERT_USING] = write_convert_using_rule,
    [DR_SHIFT] = write_shift_rule,
    [DR_BIT_NOT] = write_bit_not_rule,
    [DR_BIT_AGG] = write_bit_agg_rule,
    [DR_MATH] = write_math_rule,
    [DR_TEXT_INT] = write_text_int_rule,
    [DR_HEX] = write_hex_rule,
    [DR_LOCATE] = write_locate_rule,
    [DR_NAME] = write_name_rule,
    [DR_TIMESTAMPDIFF] = write_timestampdiff_rule,
    [DR_WEEK] = write_week_rule,
    [DR_GROUP_CONCAT] = write_group_concat_rule,
    [DR_PERCENT] = write_percent_rule,
    [DR_NATIVE_TEXT] = write_native_text_rule,
    [DR_ABS] = write_abs_rule,
    [DR_SIGN] = write_sign_rule,
    [DR_ROUND] = write_round_rule,
    [DR_FLOOR] = write_floor_rule,
    [DR_SQRT] = write_sqrt_rule,
    [DR_DATE_ADD] = write_date_add_rule,
    [DR_EXTRACT] = write_extract_rule,
    [DR_DATE_PART] = write_date_part_rule,
    [DR_TIME_PART] = write_time_part_rule,
    [DR_DATE] = write_date_rule,
    [DR_DATE_UDF] = write_date_udf_rule,
    [DR_DATEDIFF] = write_datediff_rule,
    [DR_DATE_FORMAT] = write_date_format_rule,
    [DR_CONSTANT] = write_constant,
    [DR_COUNT] = write_count_rule,
    [DR_SUM] = write_sum_rule,
    [DR_AVG] = write_avg_rule,
    [DR_MIN_MAX] = write_min_max_rule,
    [DR_ANY_VALUE] = write_any_value_rule,
    [DR_RANK] = write_rank_rule,
    [DR_LAG] = write_lag_rule,
};

/* ---- Calls that are NULL, or that DuckDB may fold to NULL ---- */

static bool is_null(const struct expr *e)
{
    return e->type.type == MYSQL_TYPE_NULL ||
           (e->kind == EXPR_LITERAL && e->lit.value.kind == VALUE_NULL);
}

/* Is the call NULL because an argument is? A NULL escape character and mode of weeks are none. */
static bool is_null_call(const struct expr *e)
{
    const enum duckdb_rule rule = e->func->duckdb_rule;
    uint32_t count = rule == DR_LIKE ? 2 : rule == DR_WEEK ? 1 : e->argc;
    if ((e->func->flags & FUNC_NULL_PROPAGATES) == 0) {
        count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_null(e->args[i])) {
            return true;
        }
    }
    return false;
}

/* A NULL of the call's own type, which DuckDB does not know. */
static void write_null_call(struct writer *w, const struct expr *e, struct form *out)
{
    const size_t at = w->out->len;
    *out = is_predicate(e) ? (struct form){.kind = FORM_BOOL} : form_of_type(&e->type);
    bytebuf_put_cstr(w->out, "NULL");
    if (out->kind == FORM_WIDE) {
        *out = form_decimal(38, e->type.decimals);
    }
    if (out->kind != FORM_NULL) {
        write_cast(w, at, *out);
    }
}

/* May DuckDB see without looking at rows that it is NULL? */
static bool may_fold_to_null(const struct expr *e)
{
    if (is_null(e) || (e->flags & EXPR_IS_CONST) != 0) {
        return type_is_nullable(&e->type);
    }
    if (e->kind != EXPR_CALL && e->kind != EXPR_CAST && e->kind != EXPR_COLLATE) {
        return false;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (may_fold_to_null(e->args[i])) {
            return true;
        }
    }
    return false;
}

/*
 * DuckDB makes a NULL of a call with a constant NULL argument, and one without a type if the
 * function's type depends on its arguments (DECIMAL arithmetic, ||). A cast gives it one; it costs
 * nothing where the type is there.
 */
static int write_typed_call(struct writer *w, const struct expr *e, write_fn *fn, struct form *out)
{
    const size_t at = w->out->len;
    if (write_watched(w, e, fn, out) != 0) {
        return -1;
    }
    if ((out->kind == FORM_STRING || out->kind == FORM_DECIMAL) && may_fold_to_null(e)) {
        write_cast(w, at, *out);
    }
    return 0;
}

static int write_call(struct writer *w, const struct expr *e, struct form *out)
{
    write_fn *fn = rules[e->func->duckdb_rule];
    if (fn != NULL && is_null_call(e)) {
        write_null_call(w, e, out);
        return 0;
    }
    if (fn == NULL && (e->flags & EXPR_IS_CONST) != 0 && w->env->eval_const != NULL) {
        return write_constant(w, e, out);
    }
    if (fn == NULL) {
        return write_refuse(w, e->func->name);
    }
    /* Negated predicates are one node; their rules write the positive. */
    const bool negated = (e->flags & EXPR_NOT) != 0 && is_predicate(e);
    if (negated) {
        bytebuf_put_cstr(w->out, "(NOT ");
    }
    const int rc = write_typed_call(w, e, fn, out);
    if (negated) {
        bytebuf_put_char(w->out, ')');
    }
    return rc;
}

/* An aggregate's arguments are written as they are before grouping. */
static int write_aggregate(struct writer *w, const struct expr *e, struct form *out)
{
    struct group_ctx *saved = w->group;
    if (e->kind == EXPR_AGGREGATE && e->call.window == NULL) {
        w->group = saved != NULL ? saved->outer : NULL;
    }
    const int rc = write_call(w, e, out);
    w->group = saved;
    return rc;
}

static int write_any(struct writer *w, const struct expr *e, struct form *out);

int write_expr(struct writer *w, const struct expr *e, struct form *out)
{
    *out = (struct form){0};
    if (write_any(w, e, out) != 0) {
        return -1;
    }
    out->raw = out->raw ||
               (out->kind == FORM_DECIMAL && type_class_of(e->type.type) == TYPE_CLASS_DECIMAL &&
                out->scale > e->type.decimals);
    return 0;
}

/* DuckDB's planner takes a second for an operator chain of this height, cannot be interrupted in
 * it, and grows cubically. */
#define MAX_HEIGHT 300
/* Some rules write an argument more than once, which nested is exponential: a ceiling of what is
 * written. */
#define MAX_NODES 20000

static int write_any(struct writer *w, const struct expr *e, struct form *out)
{
    if (e->height > MAX_HEIGHT) {
        return write_refuse(w, "an expression this deep");
    }
    if (e->kind != EXPR_LITERAL && ++w->nodes > MAX_NODES) {
        return write_refuse(w, "an expression this large");
    }
    if (w->group != NULL) {
        const int done = write_grouped(w, e, out);
        if (done != 0) {
            return done > 0 ? 0 : -1;
        }
    }
    switch (e->kind) {
    case EXPR_LITERAL:
        return write_literal(w, e, out);
    case EXPR_PARAM:
    case EXPR_USER_VAR:
    case EXPR_SYSTEM_VAR:
        return write_constant(w, e, out);
    case EXPR_COLUMN:
        return write_column(w, e, out);
    case EXPR_CALL:
        return write_call(w, e, out);
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
        return write_aggregate(w, e, out);
    case EXPR_CASE:
        return write_case(w, e, out);
    case EXPR_CAST:
        return write_cast_expr(w, e, out);
    case EXPR_SUBQUERY:
        return write_scalar_subquery(w, e, out);
    case EXPR_EXISTS:
        return write_exists(w, e, out);
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        return write_in_subquery(w, e, out);
    case EXPR_COLLATE:
        return write_expr(w, e->args[0], out);
    case EXPR_STAR:
    case EXPR_ROW:
    case EXPR_INTERVAL:
    case EXPR_USER_VAR_SET:
    case EXPR_DEFAULT:
    case EXPR_VALUES:
        break;
    }
    return write_refuse(w, "this expression");
}

int write_expr_as(struct writer *w, const struct expr *e, struct form to)
{
    struct form f;
    const size_t at = w->out->len;
    return write_expr(w, e, &f) == 0 ? write_convert(w, at, f, to) : -1;
}

int write_text(struct writer *w, const struct expr *e)
{
    struct form f;
    const size_t at = w->out->len;
    const enum type_class class = type_class_of(e->type.type);
    if (class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET || class == TYPE_CLASS_BIT ||
        class == TYPE_CLASS_INT) {
        if (class != TYPE_CLASS_INT || (e->type.flags & ZEROFILL_FLAG) != 0) {
            return write_refuse(w, "a value of this type as text");
        }
    }
    if (write_expr(w, e, &f) != 0) {
        return -1;
    }
    switch (f.kind) {
    case FORM_STRING:
        return 0;
    case FORM_BOOL:
        write_cast(w, at, (struct form){.kind = FORM_I32});
        write_cast(w, at, (struct form){.kind = FORM_STRING});
        return 0;
    case FORM_DECIMAL:
        if (f.scale != e->type.decimals) {
            write_cast(w, at, form_decimal(38, e->type.decimals));
        }
        write_cast(w, at, (struct form){.kind = FORM_STRING});
        return 0;
    case FORM_NULL:
    case FORM_I8:
    case FORM_I16:
    case FORM_I32:
    case FORM_I64:
    case FORM_I128:
    case FORM_U8:
    case FORM_U16:
    case FORM_U32:
    case FORM_U64:
        write_cast(w, at, (struct form){.kind = FORM_STRING});
        return 0;
    case FORM_DATE:
        write_insert(w, at, "pt_date_text(");
        bytebuf_put_char(w->out, ')');
        return 0;
    case FORM_F32:
    case FORM_F64:
    case FORM_TIMESTAMP:
    case FORM_TIME:
    case FORM_BLOB:
    case FORM_WIDE:
        break;
    }
    return write_refuse(w, "a value of this type as text");
}
