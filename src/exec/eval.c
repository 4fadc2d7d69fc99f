/*
 * The evaluator's core: walks a resolved tree. Literals come first, since INSERT evaluates many of
 * them; calls go through the table of evaluators. Recursion is bounded by the height that the
 * parser accepts and by the stack that is left.
 */
#include "catalog/catalog.h"
#include "exec/eval_int.h"
#include "exec/exec_int.h"
#include "exec/user_vars.h"
#include "os/fiber.h"
#include "types/temporal_text.h"
#include "types/timezone.h"

/* Stack that a function of the evaluator, and what it calls, may need. */
#define STACK_RESERVE (48u << 10)

bool eval_is_mariadb(const struct eval_ctx *ctx)
{
    return ctx->dialect == DIALECT_MARIADB;
}

struct temporal_session eval_temporal_session(const struct eval_ctx *ctx)
{
    return (struct temporal_session){
        .sql_mode = ctx->sql_mode,
        .dialect = ctx->dialect,
        .tz = ctx->session != NULL ? ctx->session->vars.time_zone : NULL,
        .now_us = ctx->session != NULL ? ctx->session->now_us : 0,
    };
}

int eval_out_of_range(struct eval_ctx *ctx, const char *what, const struct expr *e)
{
    return diag_set(ctx->diag, ER_DATA_OUT_OF_RANGE, what, eval_print(ctx, e));
}

void eval_warn_division(struct eval_ctx *ctx)
{
    if ((ctx->sql_mode & SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO) != 0) {
        diag_warn(ctx->diag, DIAG_WARNING, ER_DIVISION_BY_ZERO);
    }
}

/* ---- Literals ---- */

/* _latin1'…': the bytes mean what that character set says. */
static int introduced(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    const struct charset *cs = charset_find(e->lit.introducer);
    if (cs == NULL) {
        return diag_set(ctx->diag, ER_UNKNOWN_CHARACTER_SET,
                        arena_dup_cstr(ctx->arena, e->lit.introducer));
    }
    const struct str s = e->lit.value.str;
    const uint16_t collation = charset_default_collation(cs, ctx->dialect);
    *out = value_string(charset_str_to_utf8(cs, s, ctx->arena), collation);
    return 0;
}

/* DATE '…', TIME '…', TIMESTAMP '…' whose text is not read yet. */
static int temporal_literal(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    const struct str s = e->lit.value.str;
    const struct temporal_session in = eval_temporal_session(ctx);
    const char *point = s.len > 0 ? memchr(s.p, '.', s.len) : NULL;
    const size_t digits = point != NULL ? s.len - (size_t)(point - s.p) - 1 : 0;
    const char *what = "TIME";
    int rc;
    *out = (struct value){.kind = VALUE_TIME, .decimals = (uint8_t)MIN(digits, 6u)};
    if (e->lit.kind == LIT_TIME) {
        rc = value_to_time_in(&e->lit.value, &in, &out->time, NULL);
    } else {
        rc = value_to_datetime_in(&e->lit.value, &in, &out->time, NULL);
        out->kind = e->lit.kind == LIT_DATE ? VALUE_DATE : VALUE_DATETIME;
        what = e->lit.kind == LIT_DATE ? "DATE" : "DATETIME";
    }
    if (out->kind == VALUE_DATE) {
        out->decimals = 0;
    }
    return rc == 0 ? 0 : diag_set(ctx->diag, ER_WRONG_VALUE, what, arena_dup_cstr(ctx->arena, s));
}

static int eval_literal(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    *out = e->lit.value;
    if (LIKELY(out->kind != VALUE_STRING)) {
        return 0;
    }
    switch (e->lit.kind) {
    case LIT_DATE:
    case LIT_TIME:
    case LIT_TIMESTAMP:
        return temporal_literal(ctx, e, out);
    default:
        return (e->flags & EXPR_HAS_INTRODUCER) != 0 ? introduced(ctx, e, out) : 0;
    }
}

/* ---- Columns and variables ---- */

static const struct column_def *bound_column(const struct expr *e)
{
    const struct table_ref *t = e->column.binding.table;
    const uint32_t i = e->column.binding.index;
    if (t == NULL || t->columns == NULL || i >= t->column_count) {
        return NULL;
    }
    return t->columns[i].def;
}

static int not_supported(struct eval_ctx *ctx, const char *what)
{
    return diag_set(ctx->diag, ER_NOT_SUPPORTED_YET, what);
}

static int eval_row_value(struct eval_ctx *ctx, const struct expr *e, const struct value *row,
                          struct value *out)
{
    if (row == NULL) {
        return not_supported(ctx, e->kind == EXPR_VALUES ? "VALUES() here" : "a column here");
    }
    *out = row[e->column.binding.index];
    return 0;
}

/* DEFAULT(column) where the default is a constant. */
static int eval_default(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    const struct column_def *c = bound_column(e);
    if (c == NULL) {
        return not_supported(ctx, "DEFAULT here");
    }
    switch (c->default_kind) {
    case DEFAULT_VALUE:
        *out = c->default_value;
        return 0;
    case DEFAULT_NOW: {
        const struct expr now = {.kind = EXPR_CALL, .type = c->type};
        return eval_now(ctx, &now, NULL, out);
    }
    case DEFAULT_NONE:
        if ((c->type.flags & NOT_NULL_FLAG) != 0) {
            return diag_set(ctx->diag, ER_NO_DEFAULT_FOR_FIELD,
                            arena_dup_cstr(ctx->arena, c->name));
        }
        *out = value_null();
        return 0;
    default:
        return not_supported(ctx, "DEFAULT() of an expression");
    }
}

static int eval_variable(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    struct sql_type type;
    if (ctx->session == NULL) {
        *out = value_null();
        return 0;
    }
    if (exec_variable(ctx->session, e, ctx->arena, out, &type) != 0) {
        return -1;
    }
    /* A later assignment in the statement frees the variable's text. */
    if (e->kind == EXPR_USER_VAR && (out->kind == VALUE_STRING || out->kind == VALUE_JSON)) {
        out->str = arena_dup(ctx->arena, out->str);
    }
    return e->kind == EXPR_USER_VAR ? eval_as_type(ctx, &type, out, &e->type, out) : 0;
}

static int eval_assign_variable(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    if (!eval_is_mariadb(ctx)) {
        diag_warn_at(ctx->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX,
                     "Setting user variables within expressions is deprecated and will be removed "
                     "in a future release. Consider alternatives: 'SET variable=expression, ...', "
                     "or 'SELECT expression(s) INTO variables(s)'.");
    }
    if (eval_node(ctx, e->args[0], out) != 0) {
        return -1;
    }
    if (ctx->session != NULL &&
        user_var_set(ctx->session, e->var.name, out, &e->args[0]->type) != 0) {
        return -1;
    }
    const bool moment =
        out->kind == VALUE_DATE || out->kind == VALUE_DATETIME || out->kind == VALUE_TIME;
    return moment ? eval_as_type(ctx, &e->args[0]->type, out, &e->type, out) : 0;
}

/* ---- Types ---- */

static int as_string(struct eval_ctx *ctx, const struct sql_type *from, const struct value *v,
                     const struct sql_type *to, struct value *out)
{
    *out = value_string(value_to_text(v, from, ctx->arena), to->collation);
    return 0;
}

static int as_temporal(struct eval_ctx *ctx, const struct value *v, const struct sql_type *to,
                       struct value *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    struct mtime t;
    const enum type_class class = type_class_of(to->type);
    const int rc = class == TYPE_CLASS_TIME ? value_to_time_in(v, &in, &t, ctx->diag)
                                            : value_to_datetime_in(v, &in, &t, ctx->diag);
    if (rc != 0) {
        *out = value_null();
        return 0;
    }
    enum value_kind kind = VALUE_TIME;
    if (class == TYPE_CLASS_DATE) {
        kind = VALUE_DATE;
        t = (struct mtime){.year = t.year, .month = t.month, .day = t.day};
    } else if (class == TYPE_CLASS_DATETIME) {
        kind = VALUE_DATETIME;
    }
    *out = (struct value){.kind = kind, .decimals = to->decimals, .time = t};
    return 0;
}

static int as_decimal(struct eval_ctx *ctx, const struct value *v, const struct sql_type *to,
                      struct value *out)
{
    const struct decimal d = value_to_decimal(v, ctx->diag);
    *out = (struct value){.kind = VALUE_DECIMAL, .dec = d};
    if (d.scale < to->decimals || !eval_is_mariadb(ctx)) {
        (void)!decimal_round(&d, to->decimals, &out->dec);
    }
    return 0;
}

static int as_int(struct eval_ctx *ctx, const struct value *v, const struct sql_type *to,
                  struct value *out)
{
    bool is_unsigned;
    const int64_t i = value_to_int(v, &is_unsigned, ctx->diag);
    *out = type_is_unsigned(to) || is_unsigned ? value_uint((uint64_t)i) : value_int(i);
    if (out->kind == VALUE_UINT && !type_is_unsigned(to) && i >= 0) {
        out->kind = VALUE_INT;
    }
    return 0;
}

int eval_as_type(struct eval_ctx *ctx, const struct sql_type *from, const struct value *v,
                 const struct sql_type *to, struct value *out)
{
    if (v->kind == VALUE_NULL) {
        *out = value_null();
        return 0;
    }
    const struct value copy = *v;
    switch (type_class_of(to->type)) {
    case TYPE_CLASS_INT:
    case TYPE_CLASS_BIT:
        return as_int(ctx, &copy, to, out);
    case TYPE_CLASS_DECIMAL:
        return as_decimal(ctx, &copy, to, out);
    case TYPE_CLASS_REAL:
        *out = value_double(value_to_double(&copy, ctx->diag));
        return 0;
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_DATETIME:
    case TYPE_CLASS_TIME:
        return as_temporal(ctx, &copy, to, out);
    case TYPE_CLASS_STRING:
        return as_string(ctx, from, &copy, to, out);
    default:
        *out = copy;
        return 0;
    }
}

int eval_branch(struct eval_ctx *ctx, const struct expr *e, const struct expr *arg,
                struct value *out)
{
    struct value v;
    if (eval_node(ctx, arg, &v) != 0) {
        return -1;
    }
    return eval_as_type(ctx, &arg->type, &v, &e->type, out);
}

/* ---- Calls ---- */

/* NOT LIKE, NOT IN, IS NOT NULL, …: one node with the predicate. */
static void negate(const struct expr *e, struct value *v)
{
    if ((e->flags & EXPR_NOT) != 0 && v->kind == VALUE_INT) {
        v->i = v->i == 0;
    }
}

static int eval_call(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    const struct evaluator *evaluator = e->func != NULL ? eval_find(e->func->id) : NULL;
    *out = value_null();
    if (evaluator == NULL || evaluator->fn == NULL) {
        return not_supported(ctx, e->func != NULL ? e->func->name : "this function");
    }
    if (UNLIKELY(fiber_stack_left() < STACK_RESERVE)) {
        return diag_set(ctx->diag, ER_STACK_OVERRUN_NEED_MORE, 0UL, 0UL,
                        (unsigned long)STACK_RESERVE);
    }
    int rc;
    if (evaluator->lazy) {
        rc = evaluator->fn(ctx, e, NULL, out);
    } else {
        struct value *args = arena_alloc(ctx->arena, sizeof(*args) * (e->argc + 1));
        for (uint32_t i = 0; i < e->argc; i++) {
            if (eval_node(ctx, e->args[i], &args[i]) != 0) {
                return -1;
            }
            if (args[i].kind == VALUE_NULL && (e->func->flags & FUNC_NULL_PROPAGATES) != 0) {
                return 0;
            }
        }
        rc = evaluator->fn(ctx, e, args, out);
    }
    negate(e, out);
    return rc;
}

static int eval_collate(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    if (eval_node(ctx, e->args[0], out) != 0) {
        return -1;
    }
    if (out->kind == VALUE_STRING) {
        out->collation = e->type.collation;
    }
    return 0;
}

int eval_node(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        return eval_literal(ctx, e, out);
    case EXPR_COLUMN:
        return eval_row_value(ctx, e, ctx->row, out);
    case EXPR_VALUES:
        return eval_row_value(ctx, e, ctx->insert_row, out);
    case EXPR_CALL:
        return eval_call(ctx, e, out);
    case EXPR_CASE:
        return eval_case(ctx, e, NULL, out);
    case EXPR_CAST:
        return eval_cast(ctx, e, out);
    case EXPR_COLLATE:
        return eval_collate(ctx, e, out);
    case EXPR_INTERVAL:
        return eval_node(ctx, e->args[0], out);
    case EXPR_USER_VAR:
    case EXPR_SYSTEM_VAR:
        return eval_variable(ctx, e, out);
    case EXPR_USER_VAR_SET:
        return eval_assign_variable(ctx, e, out);
    case EXPR_DEFAULT:
        return eval_default(ctx, e, out);
    case EXPR_PARAM:
        return not_supported(ctx, "a parameter without value");
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        return not_supported(ctx, "a subquery here");
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
        return diag_set(ctx->diag, ER_INVALID_GROUP_FUNC_USE);
    case EXPR_STAR:
    case EXPR_ROW:
        break;
    }
    return diag_set(ctx->diag, ER_OPERAND_COLUMNS, 1);
}

/* ---- The public side ---- */

/* Codes that a statement that writes does not forgive in strict mode. */
static bool ends_strict_write(int code)
{
    return code == ER_TRUNCATED_WRONG_VALUE || code == ER_DIVISION_BY_ZERO ||
           code == ER_DATETIME_FUNCTION_OVERFLOW || code == ER_WRONG_VALUE_FOR_TYPE ||
           code == ER_INVALID_ARGUMENT_FOR_LOGARITHM || code == ER_INVALID_CHARACTER_STRING;
}

/* In strict mode the first warning behind `last` that matters becomes the statement's error. */
static int check_strict(struct eval_ctx *ctx, const struct diag_cond *last)
{
    const struct diag_cond *c = last != NULL ? last->next : ctx->diag->first;
    for (; c != NULL; c = c->next) {
        if (c->level == DIAG_WARNING && ends_strict_write(c->code)) {
            return diag_set_text(ctx->diag, c->code, c->message);
        }
    }
    return 0;
}

int eval_expr(struct eval_ctx *ctx, const struct expr *e, struct value *out)
{
    const struct diag_cond *last = ctx->diag->last;
    if (eval_node(ctx, e, out) != 0) {
        return -1;
    }
    if (out->kind == VALUE_DECIMAL && e->kind != EXPR_LITERAL &&
        type_class_of(e->type.type) == TYPE_CLASS_DECIMAL && out->dec.scale != e->type.decimals) {
        (void)!decimal_round(&out->dec, e->type.decimals, &out->dec);
    }
    if (UNLIKELY(ctx->diag->last != last) && ctx->writing &&
        (ctx->sql_mode & SQL_MODE_STRICT) != 0) {
        return check_strict(ctx, last);
    }
    return 0;
}

int eval_truth(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NULL:
        return -1;
    case VALUE_INT:
    case VALUE_UINT:
        return v->u != 0;
    case VALUE_DECIMAL:
        return !decimal_is_zero(&v->dec);
    default:
        return value_to_double(v, NULL) != 0;
    }
}

bool eval_can(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_AGGREGATE:
    case EXPR_WINDOW:
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
    case EXPR_STAR:
        return false;
    case EXPR_CALL:
        if (e->func == NULL || eval_find(e->func->id)->fn == NULL) {
            return false;
        }
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (!eval_can(e->args[i])) {
            return false;
        }
    }
    return true;
}
