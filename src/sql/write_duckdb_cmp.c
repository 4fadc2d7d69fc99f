/*
 * Comparison: which way MySQL compares two types, and the operands converted to it. Strings are
 * compared by their collation's key (a function of ours), unless its order is that of the bytes.
 */
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"
#include "types/collation.h"
#include "types/convert.h"
#include "types/timezone.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Keys ---- */

int needs_key(struct writer *w, const struct sql_type *t, bool *out)
{
    *out = false;
    if (type_class_of(t->type) != TYPE_CLASS_STRING || type_is_binary_string(t)) {
        return 0;
    }
    const struct collation *c = collation_find(t->collation);
    if (c == NULL || !collation_is_supported(c)) {
        return write_refuse(w, "this collation");
    }
    *out = !collation_is_bytewise(c) || collation_is_pad_space(c);
    return 0;
}

void write_key_around(struct writer *w, size_t at, uint16_t collation)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "pt_key_%u(", collation);
    write_insert(w, at, name);
    bytebuf_put_char(w->out, ')');
}

void write_date_order_around(struct writer *w, size_t at, struct form f)
{
    if (w->partial_dates && (f.kind == FORM_DATE || f.kind == FORM_TIMESTAMP)) {
        write_insert(w, at, f.kind == FORM_DATE ? "pt_date_order(" : "pt_ts_order(");
        bytebuf_put_char(w->out, ')');
    }
}

/* ---- Choosing ---- */

struct classes {
    unsigned set;          /* of enum type_class, NULLs left out */
    bool text_is_constant; /* all strings are literals */
};

static struct classes gather(struct expr *const *args, uint32_t count)
{
    struct classes c = {.text_is_constant = true};
    for (uint32_t i = 0; i < count; i++) {
        const enum type_class class = type_class_of(args[i]->type.type);
        if (class == TYPE_CLASS_NULL) {
            continue;
        }
        c.set |= 1u << class;
        if (class == TYPE_CLASS_STRING && (args[i]->flags & EXPR_IS_CONST) == 0) {
            c.text_is_constant = false;
        }
    }
    return c;
}

#define CLASS(c) (1u << TYPE_CLASS_##c)
#define NUMBERS  (CLASS(INT) | CLASS(BIT) | CLASS(DECIMAL) | CLASS(REAL))
#define DATES    (CLASS(DATE) | CLASS(DATETIME))

static int choose_text(struct writer *w, struct expr *const *args, uint32_t count,
                       uint16_t collation, struct compare *out)
{
    struct sql_type t = {.type = MYSQL_TYPE_VARCHAR, .collation = collation};
    bool key = false;
    if (collation == COLLATION_BINARY) {
        for (uint32_t i = 0; i < count; i++) {
            if (type_class_of(args[i]->type.type) == TYPE_CLASS_STRING &&
                !type_is_binary_string(&args[i]->type)) {
                return write_refuse(w, "comparison of text with binary strings");
            }
        }
    } else if (needs_key(w, &t, &key) != 0) {
        return -1;
    }
    *out = (struct compare){.kind = key ? COMPARE_KEY : COMPARE_PLAIN, .collation = collation};
    return 0;
}

static int choose_number(const struct classes *c, struct compare *out)
{
    if ((c->set & CLASS(REAL)) != 0) {
        *out = (struct compare){.kind = COMPARE_REAL, .form = {.kind = FORM_F64}};
    } else {
        *out =
            (struct compare){.kind = (c->set & CLASS(DECIMAL)) != 0 ? COMPARE_EXACT : COMPARE_INT};
    }
    return 0;
}

/* A constant that is no date, or has a time of day? */
static bool constant_has_time(struct writer *w, struct expr *const *args, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct mtime t;
        bool has_time = false;
        if (type_class_of(args[i]->type.type) == TYPE_CLASS_STRING &&
            fold_datetime(w, args[i], &t, &has_time) && has_time &&
            (t.hour | t.minute | t.second | (int)t.usec) != 0) {
            return true;
        }
    }
    return false;
}

/*
 * TIMESTAMPs are compared in UTC with each other and with constants; beside other columns they are
 * taken to the session's time zone, as MySQL does.
 */
static int choose_timestamp(struct writer *w, bool with_columns, struct compare *out)
{
    if (w->env->tz == NULL) {
        return write_refuse(w, "comparison of TIMESTAMP with another type");
    }
    *out = (struct compare){.kind = with_columns ? COMPARE_TIMESTAMP : COMPARE_UTC,
                            .form = {.kind = FORM_TIMESTAMP}};
    return 0;
}

static int choose_temporal(struct writer *w, struct expr *const *args, uint32_t count,
                           const struct classes *c, struct compare *out)
{
    if ((c->set & CLASS(STRING)) != 0 && !c->text_is_constant) {
        return write_refuse(w, "comparison of dates with strings that are not literals");
    }
    bool utc = false;
    bool local = false;
    for (uint32_t i = 0; i < count; i++) {
        const bool constant = (args[i]->flags & EXPR_IS_CONST) != 0;
        utc = utc || args[i]->type.type == MYSQL_TYPE_TIMESTAMP;
        local = local || (args[i]->type.type != MYSQL_TYPE_TIMESTAMP && !constant);
    }
    if (utc) {
        return choose_timestamp(w, local, out);
    }
    const bool timestamps = (c->set & CLASS(DATETIME)) != 0 || constant_has_time(w, args, count);
    *out = (struct compare){.kind = timestamps ? COMPARE_TIMESTAMP : COMPARE_DATE,
                            .form = {.kind = timestamps ? FORM_TIMESTAMP : FORM_DATE}};
    return 0;
}

/* A string constant beside an ENUM means the member of that name. */
static int choose_enum(struct writer *w, struct expr *const *args, uint32_t count,
                       const struct classes *c, struct compare *out)
{
    const struct sql_type *labels = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (type_class_of(args[i]->type.type) == TYPE_CLASS_ENUM) {
            if (labels != NULL && labels->labels != args[i]->type.labels) {
                return write_refuse(w, "comparison of different ENUMs");
            }
            labels = &args[i]->type;
        }
    }
    if ((c->set & ~(CLASS(ENUM) | CLASS(STRING) | CLASS(INT))) != 0 || !c->text_is_constant ||
        labels == NULL) {
        return write_refuse(w, "comparison of an ENUM with this type");
    }
    *out = (struct compare){.kind = COMPARE_INT, .labels = labels};
    return 0;
}

/* Is the constant one that means another year beside a YEAR, as 99 means 1999? What cannot be told
 * may be. */
static bool may_be_short_year(struct writer *w, const struct expr *e)
{
    struct value v;
    if (e->kind == EXPR_LITERAL) {
        v = e->lit.value;
    } else if (w->env->eval_const == NULL ||
               w->env->eval_const(w->env->arg, e, &w->arena, w->diag, &v) != 0) {
        return true;
    }
    switch (v.kind) {
    case VALUE_NULL:
        return false;
    case VALUE_INT:
    case VALUE_UINT:
        return v.u > 0 && v.u < 100;
    case VALUE_STRING:
        return v.str.len < 4;
    case VALUE_DOUBLE:
        return v.d > 0 && v.d < 100;
    default:
        return true;
    }
}

static int check_years(struct writer *w, struct expr *const *args, uint32_t count)
{
    bool years = false;
    bool short_years = false;
    for (uint32_t i = 0; i < count; i++) {
        years = years || args[i]->type.type == MYSQL_TYPE_YEAR;
    }
    for (uint32_t i = 0; i < count && years; i++) {
        short_years =
            short_years || ((args[i]->flags & EXPR_IS_CONST) != 0 && may_be_short_year(w, args[i]));
    }
    if (short_years && w->diag->error != NULL) {
        return -1;
    }
    return short_years ? write_refuse(w, "comparison of a YEAR with a number below 100") : 0;
}

int compare_choose(struct writer *w, struct expr *const *args, uint32_t count, uint16_t collation,
                   struct compare *out)
{
    const struct classes c = gather(args, count);
    *out = (struct compare){.kind = COMPARE_PLAIN};
    if (check_years(w, args, count) != 0) {
        return -1;
    }
    if (c.set == 0) {
        return 0;
    }
    if (c.set == CLASS(STRING)) {
        return choose_text(w, args, count, collation, out);
    }
    if ((c.set & ~NUMBERS) == 0) {
        return choose_number(&c, out);
    }
    if ((c.set & (CLASS(DATE) | CLASS(DATETIME))) != 0 && (c.set & ~(DATES | CLASS(STRING))) == 0) {
        return choose_temporal(w, args, count, &c, out);
    }
    if (c.set == CLASS(TIME)) {
        out->kind = COMPARE_TIME;
        return 0;
    }
    if ((c.set & CLASS(ENUM)) != 0) {
        return choose_enum(w, args, count, &c, out);
    }
    if ((c.set & CLASS(STRING)) != 0 && (c.set & ~(NUMBERS | CLASS(STRING))) == 0) {
        *out = (struct compare){.kind = COMPARE_REAL, .form = {.kind = FORM_F64}};
        return 0;
    }
    return write_refuse(w, "comparison of these types");
}

/* ---- Operands ---- */

static int write_label_number(struct writer *w, const struct expr *e, const struct sql_type *t)
{
    const struct collation *c = collation_find(t->collation);
    if (e->kind != EXPR_LITERAL || e->lit.value.kind != VALUE_STRING || c == NULL ||
        !collation_is_supported(c)) {
        return write_refuse(w, "comparison of an ENUM with this value");
    }
    for (uint32_t i = 0; i < t->labels->count; i++) {
        if (collation_equal(c, t->labels->names[i], e->lit.value.str)) {
            bytebuf_printf(w->out, "%" PRIu32, i + 1);
            return 0;
        }
    }
    bytebuf_put_cstr(w->out, "(-1)"); /* No member: equal to none. */
    return 0;
}

/* A constant beside TIMESTAMPs, in UTC like these. The zero moment is the same everywhere. */
static int write_utc(struct writer *w, struct mtime t)
{
    const int32_t date = temporal_pack_date(&t);
    const bool zero = (t.year | t.month | t.day | t.hour | t.minute | t.second | (int)t.usec) == 0;
    if (temporal_days_is_partial(date) && !zero) {
        return write_refuse(w, "a partial date beside a TIMESTAMP");
    }
    if (!zero) {
        temporal_unpack_datetime(timezone_to_utc(w->env->tz, &t), &t);
    }
    return write_datetime(w, &t);
}

static int write_plain_temporal(struct writer *w, const struct expr *e, const struct compare *c)
{
    struct mtime t;
    bool has_time = false;
    if (type_class_of(e->type.type) == TYPE_CLASS_STRING || e->kind == EXPR_LITERAL ||
        (e->flags & EXPR_IS_CONST) != 0) {
        if (fold_datetime(w, e, &t, &has_time)) {
            if (c->kind == COMPARE_UTC) {
                return write_utc(w, t);
            }
            return c->kind == COMPARE_DATE ? write_date(w, &t) : write_datetime(w, &t);
        }
        if (type_class_of(e->type.type) == TYPE_CLASS_STRING) {
            return write_refuse(w, "a string that is no date in a comparison with one");
        }
    }
    if (e->type.type == MYSQL_TYPE_TIMESTAMP && c->kind == COMPARE_TIMESTAMP) {
        struct form f;
        return write_temporal(w, e, &f);
    }
    return write_expr_as(w, e, c->form);
}

static int write_temporal_operand(struct writer *w, const struct expr *e, const struct compare *c)
{
    const size_t at = w->out->len;
    if (write_plain_temporal(w, e, c) != 0) {
        return -1;
    }
    if (c->by_order) {
        write_date_order_around(w, at, c->form);
    }
    return 0;
}

/* A string compared with a number counts as a DOUBLE. */
static int write_real_operand(struct writer *w, const struct expr *e)
{
    const size_t at = w->out->len;
    if (type_class_of(e->type.type) != TYPE_CLASS_STRING) {
        return write_expr_as(w, e, (struct form){.kind = FORM_F64});
    }
    if (type_is_binary_string(&e->type)) {
        return write_refuse(w, "a binary string as a number");
    }
    if (write_text(w, e) != 0 || write_watched_text(w, at, "DOUBLE") != 0) {
        return -1;
    }
    write_insert(w, at, "pt_str_to_double(");
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_operand(struct writer *w, const struct expr *e, const struct compare *c)
{
    struct form f;
    const size_t at = w->out->len;
    switch (c->kind) {
    case COMPARE_REAL:
        return write_real_operand(w, e);
    case COMPARE_DATE:
    case COMPARE_TIMESTAMP:
    case COMPARE_UTC:
        return e->type.type == MYSQL_TYPE_NULL ? write_expr(w, e, &f)
                                               : write_temporal_operand(w, e, c);
    case COMPARE_KEY:
        if (write_expr(w, e, &f) != 0) {
            return -1;
        }
        if (f.kind == FORM_NULL) {
            write_cast(w, at, (struct form){.kind = FORM_STRING});
        }
        if (f.kind == FORM_BLOB) {
            return write_refuse(w, "comparing a text with a binary string");
        }
        write_key_around(w, at, c->collation);
        return 0;
    case COMPARE_INT:
    case COMPARE_EXACT:
        if (c->labels != NULL && type_class_of(e->type.type) == TYPE_CLASS_STRING) {
            return write_label_number(w, e, c->labels);
        }
        if (write_expr(w, e, &f) != 0) {
            return -1;
        }
        if (f.kind == FORM_BOOL) {
            write_cast(w, at, (struct form){.kind = FORM_I32});
        }
        if (f.kind == FORM_WIDE) {
            return write_refuse(w, "computing with a DECIMAL of more than 38 digits");
        }
        if (c->kind == COMPARE_EXACT && form_is_int(f) && f.kind != FORM_BOOL) {
            return write_convert(w, at, f, form_as_decimal(f));
        }
        return 0;
    case COMPARE_PLAIN:
    case COMPARE_TIME:
        return write_expr(w, e, &f);
    }
    return -1;
}

/* ---- Rules ---- */

/* Operands whose order counts. ENUMs are ordered by their numbers beside a number, and else as
 * text. */
static int check_order(struct writer *w, struct expr *const *args, uint32_t count,
                       struct compare *c)
{
    c->by_order = true;
    for (uint32_t i = 0; i < count && c->labels != NULL; i++) {
        if (type_class_of(args[i]->type.type) == TYPE_CLASS_INT) {
            return 0;
        }
    }
    return c->labels == NULL ? 0 : write_refuse(w, "the order of an ENUM's labels");
}

/* (a, b) op (c, d), column by column. The collation of each pair is that of its sides. */
static int write_pair(struct writer *w, struct expr *a, struct expr *b, const char *op)
{
    struct expr *pair[2] = {a, b};
    struct compare c;
    if (type_class_of(a->type.type) == TYPE_CLASS_STRING &&
        type_class_of(b->type.type) == TYPE_CLASS_STRING &&
        a->type.collation != b->type.collation) {
        return write_refuse(w, "rows of strings with different collations");
    }
    if (compare_choose(w, pair, 2, a->type.collation, &c) != 0 || write_operand(w, a, &c) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, op);
    return write_operand(w, b, &c);
}

static int write_row_compare(struct writer *w, const struct expr *a, const struct expr *b,
                             const char *op, const char *join)
{
    bytebuf_put_char(w->out, '(');
    for (uint32_t i = 0; i < a->argc; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? join : "");
        if (a->args[i]->kind == EXPR_ROW || write_pair(w, a->args[i], b->args[i], op) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_compare_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct compare c;
    out->kind = FORM_BOOL;
    if (e->args[0]->kind == EXPR_ROW) {
        return write_row_compare(w, e->args[0], e->args[1], e->func->duckdb_text,
                                 e->func->id == FN_NE ? " OR " : " AND ");
    }
    if (compare_choose(w, e->args, 2, e->cmp_collation, &c) != 0) {
        return -1;
    }
    const enum func_id id = e->func->id;
    if ((id == FN_LT || id == FN_LE || id == FN_GT || id == FN_GE) &&
        check_order(w, e->args, 2, &c) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, '(');
    if (write_operand(w, e->args[0], &c) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, e->func->duckdb_text);
    if (write_operand(w, e->args[1], &c) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_between_rule(struct writer *w, const struct expr *e, struct form *out)
{
    static const char *const before[] = {"(", " BETWEEN ", " AND "};
    struct compare c;
    out->kind = FORM_BOOL;
    if (compare_choose(w, e->args, 3, e->cmp_collation, &c) != 0 ||
        check_order(w, e->args, 3, &c) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < 3; i++) {
        bytebuf_put_cstr(w->out, before[i]);
        if (write_operand(w, e->args[i], &c) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_in_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct compare c;
    out->kind = FORM_BOOL;
    bytebuf_put_char(w->out, '(');
    if (e->args[0]->kind == EXPR_ROW) {
        for (uint32_t i = 1; i < e->argc; i++) {
            bytebuf_put_cstr(w->out, i > 1 ? " OR " : "");
            if (write_row_compare(w, e->args[0], e->args[i], " = ", " AND ") != 0) {
                return -1;
            }
        }
        bytebuf_put_char(w->out, ')');
        return 0;
    }
    if (compare_choose(w, e->args, e->argc, e->cmp_collation, &c) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i == 0 ? "" : (i == 1 ? " IN (" : ", "));
        if (write_operand(w, e->args[i], &c) != 0) {
            return -1;
        }
    }
    bytebuf_put_cstr(w->out, "))");
    return 0;
}

/* Is LIKE with that pattern the same in DuckDB? */
static bool like_is_native(const struct expr *e, const struct collation *c)
{
    const struct expr *pattern = e->args[1];
    if (e->argc > 2 || !collation_is_bytewise(c) || pattern->kind != EXPR_LITERAL ||
        pattern->lit.value.kind != VALUE_STRING) {
        return false;
    }
    const struct str p = pattern->lit.value.str;
    return p.len == 0 || memchr(p.p, '\\', p.len) == NULL;
}

int write_like_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct collation *c = collation_find(e->cmp_collation);
    out->kind = FORM_BOOL;
    for (uint32_t i = 0; i < e->argc; i++) {
        const bool text = type_class_of(e->args[i]->type.type) == TYPE_CLASS_STRING;
        if (!text || type_is_binary_string(&e->args[i]->type)) {
            return write_refuse(w, "LIKE on what is not text");
        }
    }
    if (c == NULL || !collation_is_supported(c)) {
        return write_refuse(w, "this collation");
    }
    const bool native = like_is_native(e, c);
    if (native) {
        bytebuf_put_char(w->out, '(');
    } else {
        bytebuf_printf(w->out, "pt_like_%u(", c->id);
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i == 0 ? "" : (native ? " LIKE " : ", "));
        if (write_text(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_strcmp_rule(struct writer *w, const struct expr *e, struct form *out)
{
    struct compare c;
    static const char *const between[] = {"CASE WHEN ", " < ",           " THEN -1 WHEN ",
                                          " > ",        " THEN 1 WHEN ", " = "};
    if (compare_choose(w, e->args, 2, e->cmp_collation, &c) != 0) {
        return -1;
    }
    if (c.kind != COMPARE_KEY && c.kind != COMPARE_PLAIN) {
        return write_refuse(w, "STRCMP of what is not text");
    }
    for (size_t i = 0; i < ARRAY_SIZE(between); i++) {
        bytebuf_put_cstr(w->out, between[i]);
        if (write_operand(w, e->args[i % 2], &c) != 0) {
            return -1;
        }
    }
    bytebuf_put_cstr(w->out, " THEN 0 END");
    out->kind = FORM_I32;
    return 0;
}

/* ---- Subqueries ---- */

/* The column of a subquery as an operand beside `left`. */
static struct expr *subquery_column(struct writer *w, const struct query *q, uint32_t i)
{
    struct expr *e = arena_calloc(&w->arena, sizeof(*e));
    e->kind = EXPR_COLUMN;
    e->type = q->columns[i].type;
    return e;
}

/* The select list of the wrapper around a subquery: its column, made comparable. */
static int write_wrapped_column(struct writer *w, struct form form, uint32_t i,
                                const struct compare *c)
{
    const size_t at = w->out->len;
    bytebuf_printf(w->out, "s.c%" PRIu32, i);
    switch (c->kind) {
    case COMPARE_KEY:
        write_key_around(w, at, c->collation);
        return 0;
    case COMPARE_REAL:
        return write_convert(w, at, form, (struct form){.kind = FORM_F64});
    case COMPARE_DATE:
    case COMPARE_TIMESTAMP:
    case COMPARE_UTC:
        if (write_convert(w, at, form, c->form) != 0) {
            return -1;
        }
        if (c->by_order) {
            write_date_order_around(w, at, c->form);
        }
        return 0;
    case COMPARE_EXACT:
        return form_is_int(form) ? write_convert(w, at, form, form_as_decimal(form)) : 0;
    case COMPARE_PLAIN:
    case COMPARE_INT:
    case COMPARE_TIME:
        return 0;
    }
    return 0;
}

static int write_in_left(struct writer *w, const struct expr *e, struct compare *cs)
{
    const struct expr *left = e->args[0];
    const struct query *q = e->sub.query;
    for (uint32_t i = 0; i < q->column_count; i++) {
        struct expr *operand = left->kind == EXPR_ROW ? left->args[i] : e->args[0];
        struct expr *pair[2] = {operand, subquery_column(w, q, i)};
        const uint16_t collation =
            left->kind == EXPR_ROW ? operand->type.collation : e->cmp_collation;
        if (left->kind == EXPR_ROW && type_class_of(operand->type.type) == TYPE_CLASS_STRING &&
            operand->type.collation != pair[1]->type.collation) {
            return write_refuse(w, "rows of strings with different collations");
        }
        if (compare_choose(w, pair, 2, collation, &cs[i]) != 0 ||
            (e->kind != EXPR_IN_SUBQUERY && check_order(w, pair, 2, &cs[i]) != 0)) {
            return -1;
        }
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_operand(w, operand, &cs[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

int write_in_subquery(struct writer *w, const struct expr *e, struct form *out)
{
    const struct query *q = e->sub.query;
    const bool is_in = e->kind == EXPR_IN_SUBQUERY;
    const bool row = e->args[0]->kind == EXPR_ROW;
    struct compare *cs = ARENA_ARRAY(&w->arena, struct compare, q->column_count);
    const struct form *forms;
    out->kind = FORM_BOOL;
    if (!is_in && row) {
        return write_refuse(w, "ANY and ALL over rows");
    }
    bytebuf_put_cstr(w->out, is_in && (e->flags & EXPR_NOT) != 0 ? "(NOT (" : "((");
    bytebuf_put_cstr(w->out, row ? "(" : "");
    if (write_in_left(w, e, cs) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, row ? ")" : "");
    if (is_in) {
        bytebuf_put_cstr(w->out, " IN (SELECT ");
    } else {
        bytebuf_printf(w->out, " %.*s %s (SELECT ", (int)e->sub.op.len, e->sub.op.p,
                       (e->flags & EXPR_ALL) != 0 ? "ALL" : "ANY");
    }
    const size_t list_at = w->out->len;
    bytebuf_put_cstr(w->out, " FROM (");
    if (write_query(w, q, &forms) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ") AS s)))");
    /* The list needs the forms, which are known only now: write it at the end and move it. */
    const size_t end = w->out->len;
    for (uint32_t i = 0; i < q->column_count; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_wrapped_column(w, forms[i], i, &cs[i]) != 0) {
            return -1;
        }
    }
    write_move(w, end, list_at);
    return 0;
}
