/* Expressions: dispatch by kind, calls of functions and aggregates, subqueries, and structural
 * equality. */
#include "sql/resolve_int.h"
#include "types/convert.h"

int resolve_refuse(struct resolver *r, const char *what)
{
    return diag_set(r->diag, ER_NOT_SUPPORTED_YET, what);
}

static int resolve_args(struct resolver *r, struct scope *s, struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        if (resolve_expr(r, s, &e->args[i]) != 0) {
            return -1;
        }
        e->flags |= e->args[i]->flags & (EXPR_HAS_AGGREGATE | EXPR_OUTER_REF);
    }
    return 0;
}

/* How many columns e is wide. */
static uint32_t expr_columns(const struct expr *e)
{
    if (e->kind == EXPR_ROW) {
        return e->argc;
    }
    return e->kind == EXPR_SUBQUERY ? e->sub.query->column_count : 1;
}

int resolve_check_scalar(struct resolver *r, const struct expr *e)
{
    return expr_columns(e) == 1 ? 0 : diag_set(r->diag, ER_OPERAND_COLUMNS, 1);
}

static int check_scalar_args(struct resolver *r, const struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        if (resolve_check_scalar(r, e->args[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool all_args_const(const struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        if ((e->args[i]->flags & EXPR_IS_CONST) == 0) {
            return false;
        }
    }
    return true;
}

static void mark_const(struct expr *e)
{
    if (all_args_const(e) && (e->func == NULL || (e->func->flags & FUNC_NONDETERMINISTIC) == 0)) {
        e->flags |= EXPR_IS_CONST;
    }
}

/* ---- Calls ---- */

static int unknown_function(struct resolver *r, const struct expr *e)
{
    const struct str db = r->env->current_db;
    if (db.p == NULL) {
        return diag_set(r->diag, ER_NO_DB_ERROR);
    }
    const struct str name = arena_printf(r->arena, "%.*s.%.*s", (int)db.len, db.p,
                                         (int)e->call.name.len, e->call.name.p);
    return diag_set(r->diag, ER_SP_DOES_NOT_EXIST, "FUNCTION", arena_dup_cstr(r->arena, name));
}

static int find_function(struct resolver *r, struct expr *e)
{
    e->func = e->func != NULL ? e->func : func_find(e->call.name);
    if (e->func == NULL || (e->func->id == FN_ANY_VALUE && resolver_is_mariadb(r))) {
        return unknown_function(r, e);
    }
    if (e->argc < e->func->min_args ||
        (e->argc > e->func->max_args && e->func->max_args != FUNC_VARARGS)) {
        return diag_set(r->diag, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                        arena_dup_cstr(r->arena, e->call.name));
    }
    return 0;
}

/* Comparisons of rows: (a, b) = (c, d) is a = c AND b = d; IN compares with each row of its list.
 */
static int check_row_operands(struct resolver *r, struct expr *e)
{
    const uint32_t width = expr_columns(e->args[0]);
    for (uint32_t i = 1; i < e->argc; i++) {
        if (expr_columns(e->args[i]) != width) {
            return diag_set(r->diag, ER_OPERAND_COLUMNS, (int)width);
        }
    }
    if (width > 1) {
        for (uint32_t i = 0; i < e->argc; i++) {
            if (e->args[i]->kind != EXPR_ROW) {
                return resolve_refuse(r, "comparison of a row with a subquery");
            }
        }
    }
    return 0;
}

static bool takes_rows(const struct func_def *f)
{
    switch (f->id) {
    case FN_EQ:
    case FN_NE:
    case FN_EQ_NULL:
    case FN_IN:
        return true;
    default:
        return false;
    }
}

static int resolve_call(struct resolver *r, struct scope *s, struct expr *e)
{
    if (find_function(r, e) != 0 || resolve_args(r, s, e) != 0) {
        return -1;
    }
    if (takes_rows(e->func) ? check_row_operands(r, e) : check_scalar_args(r, e)) {
        return -1;
    }
    mark_const(e);
    return derive_type(r, e);
}

/* ---- Aggregates and windows ---- */

static int resolve_window(struct resolver *r, struct scope *s, struct expr *e)
{
    struct window *w = e->call.window;
    if (s->clause != CLAUSE_FIELD_LIST && s->clause != CLAUSE_ORDER) {
        return diag_set(r->diag, ER_WINDOW_INVALID_WINDOW_FUNC_USE,
                        arena_dup_cstr(r->arena, e->call.name));
    }
    for (uint32_t i = 0; i < s->block->window_count && w->name.len > 0; i++) {
        if (str_eq_nocase(s->block->windows[i].name, w->name)) {
            w = &s->block->windows[i];
            e->call.window = w;
            break;
        }
    }
    if (w->base.len > 0) {
        return resolve_refuse(r, "a window that refines another");
    }
    for (uint32_t i = 0; i < w->partition_count; i++) {
        if (resolve_expr(r, s, &w->partition[i]) != 0 ||
            resolve_check_scalar(r, w->partition[i]) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 0; i < w->order.count; i++) {
        if (resolve_expr(r, s, &w->order.items[i].expr) != 0 ||
            resolve_check_scalar(r, w->order.items[i].expr) != 0) {
            return -1;
        }
    }
    s->has_window = true;
    return 0;
}

static bool aggregate_allowed(const struct scope *s)
{
    return s->block != NULL && s->in_aggregate == 0 &&
           (s->clause == CLAUSE_FIELD_LIST || s->clause == CLAUSE_HAVING ||
            s->clause == CLAUSE_ORDER);
}

static int resolve_aggregate_args(struct resolver *r, struct scope *s, struct expr *e)
{
    s->in_aggregate++;
    int rc = resolve_args(r, s, e);
    for (uint32_t i = 0; rc == 0 && i < e->call.order.count; i++) {
        rc = resolve_expr(r, s, &e->call.order.items[i].expr);
    }
    s->in_aggregate--;
    rc = rc == 0 ? check_scalar_args(r, e) : rc;
    return rc;
}

static int resolve_aggregate(struct resolver *r, struct scope *s, struct expr *e)
{
    if (find_function(r, e) != 0) {
        return -1;
    }
    const bool windowed = e->call.window != NULL;
    if (!windowed && !aggregate_allowed(s)) {
        return diag_set(r->diag, ER_INVALID_GROUP_FUNC_USE);
    }
    const bool star = e->argc == 1 && e->args[0]->kind == EXPR_STAR;
    if (star && e->func->id != FN_COUNT) {
        return diag_set(r->diag, ER_INVALID_GROUP_FUNC_USE);
    }
    if (!star && (windowed ? resolve_args(r, s, e) : resolve_aggregate_args(r, s, e)) != 0) {
        return -1;
    }
    if (windowed && resolve_window(r, s, e) != 0) {
        return -1;
    }
    if ((e->flags & EXPR_OUTER_REF) != 0) {
        return resolve_refuse(r, "aggregate over columns of an outer query");
    }
    if (!windowed) {
        e->flags |= EXPR_HAS_AGGREGATE;
        s->has_aggregate = true;
    }
    return derive_type(r, e);
}

static int resolve_window_function(struct resolver *r, struct scope *s, struct expr *e)
{
    if (find_function(r, e) != 0 || resolve_args(r, s, e) != 0 || check_scalar_args(r, e) != 0) {
        return -1;
    }
    if (e->call.window == NULL) {
        return resolve_refuse(r, "a window function without OVER");
    }
    return resolve_window(r, s, e) == 0 ? derive_type(r, e) : -1;
}

/* ---- Subqueries ---- */

static int resolve_subquery(struct resolver *r, struct scope *s, struct expr *e)
{
    if (resolve_args(r, s, e) != 0 || resolve_query(r, s, e->sub.query) != 0) {
        return -1;
    }
    if (e->sub.query->correlated) {
        e->flags |= s->outer != NULL && s->correlated ? EXPR_OUTER_REF : 0;
    }
    if (e->kind == EXPR_IN_SUBQUERY || e->kind == EXPR_QUANTIFIED) {
        const uint32_t width = expr_columns(e->args[0]);
        if (width != e->sub.query->column_count) {
            return diag_set(r->diag, ER_OPERAND_COLUMNS, (int)width);
        }
    }
    return derive_type(r, e);
}

/* ---- Others ---- */

static int resolve_case(struct resolver *r, struct scope *s, struct expr *e)
{
    if (resolve_args(r, s, e) != 0 || check_scalar_args(r, e) != 0) {
        return -1;
    }
    mark_const(e);
    return derive_type(r, e);
}

static int resolve_variable(struct resolver *r, struct expr *e)
{
    if (r->env->find_variable == NULL) {
        return resolve_refuse(r, "variables");
    }
    e->flags |= EXPR_IS_CONST;
    e->coercibility = e->kind == EXPR_USER_VAR ? COERCE_IMPLICIT : COERCE_SYSCONST;
    return r->env->find_variable(r->env->arg, e, r->diag, &e->type);
}

static int resolve_row(struct resolver *r, struct scope *s, struct expr *e)
{
    if (resolve_args(r, s, e) != 0) {
        return -1;
    }
    mark_const(e);
    return 0;
}

static int resolve_star(struct resolver *r, struct scope *s, struct expr *e)
{
    (void)s;
    (void)e;
    return diag_set(r->diag, ER_NOT_SUPPORTED_YET, "*");
}

static int resolve_default(struct resolver *r, struct scope *s, struct expr *e)
{
    if (e->column.name.len == 0) {
        return 0; /* DEFAULT alone: its column is known to the statement it stands in. */
    }
    const int found = resolve_find_column(r, s, e);
    if (found <= 0) {
        return found < 0
                   ? -1
                   : diag_set(r->diag, ER_BAD_FIELD_ERROR, arena_dup_cstr(r->arena, e->column.name),
                              resolve_clause_name(r, CLAUSE_FIELD_LIST));
    }
    if (e->kind == EXPR_VALUES && (e->flags & EXPR_OF_ROW_ALIAS) == 0 && !resolver_is_mariadb(r)) {
        diag_warn_at(r->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX,
                     "'VALUES function' is deprecated and will be removed in a future release. "
                     "Please use an alias (INSERT INTO ... VALUES (...) AS alias) and replace "
                     "VALUES(col) in the ON DUPLICATE KEY UPDATE clause with alias.col instead");
    }
    if (e->kind == EXPR_VALUES) {
        e->type.flags &= (uint16_t)~NOT_NULL_FLAG;
    }
    return 0;
}

/* ---- DATE '…', TIME '…', TIMESTAMP '…' ---- */

/* Digits behind the point, at most 6. */
static uint8_t fraction_digits(struct str s)
{
    const char *point = s.len > 0 ? memchr(s.p, '.', s.len) : NULL;
    size_t n = 0;
    if (point == NULL) {
        return 0;
    }
    for (const char *p = point + 1; p < s.p + s.len && *p >= '0' && *p <= '9'; p++) {
        n++;
    }
    return (uint8_t)MIN(n, (size_t)6);
}

/* The parser keeps the text; its value is fixed here. */
static int resolve_temporal_literal(struct resolver *r, struct expr *e)
{
    static const char *const names[] = {
        [LIT_DATE] = "DATE", [LIT_TIME] = "TIME", [LIT_TIMESTAMP] = "DATETIME"};
    const struct str text = e->lit.value.str;
    struct value v = {.kind = VALUE_DATETIME};
    size_t rest = 0;
    int rc;
    switch (e->lit.kind) {
    case LIT_DATE:
        v.kind = VALUE_DATE;
        rc = parse_datetime(text, r->env->sql_mode, &v.time, &rest);
        break;
    case LIT_TIME:
        v.kind = VALUE_TIME;
        v.decimals = fraction_digits(text);
        rc = parse_time(text, &v.time, &rest);
        break;
    case LIT_TIMESTAMP:
        v.decimals = fraction_digits(text);
        rc = parse_datetime(text, r->env->sql_mode, &v.time, &rest);
        break;
    default:
        return 0;
    }
    const bool has_time = (v.time.hour | v.time.minute | v.time.second) != 0 || v.time.usec != 0;
    if (rc != 0 || rest != 0 || (v.kind == VALUE_DATE && has_time)) {
        return diag_set(r->diag, ER_WRONG_VALUE, names[e->lit.kind],
                        arena_dup_cstr(r->arena, text));
    }
    e->lit.value = v;
    return 0;
}

int resolve_expr(struct resolver *r, struct scope *s, struct expr **pe)
{
    struct expr *e = *pe;
    switch (e->kind) {
    case EXPR_LITERAL:
        if (e->lit.value.kind == VALUE_STRING &&
            (resolve_introducer(r, e) != 0 || resolve_temporal_literal(r, e) != 0)) {
            return -1;
        }
        e->flags |= EXPR_IS_CONST;
        derive_literal(r, e);
        return 0;
    case EXPR_PARAM:
        e->flags |= EXPR_IS_CONST;
        derive_literal(r, e);
        return 0;
    case EXPR_COLUMN:
        return resolve_column(r, s, pe);
    case EXPR_STAR:
        return resolve_star(r, s, e);
    case EXPR_CALL:
        return resolve_call(r, s, e);
    case EXPR_AGGREGATE:
        return resolve_aggregate(r, s, e);
    case EXPR_WINDOW:
        return resolve_window_function(r, s, e);
    case EXPR_CASE:
    case EXPR_CAST:
    case EXPR_INTERVAL:
    case EXPR_COLLATE:
        return resolve_case(r, s, e);
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
        return resolve_subquery(r, s, e);
    case EXPR_ROW:
        return resolve_row(r, s, e);
    case EXPR_USER_VAR:
    case EXPR_SYSTEM_VAR:
        return resolve_variable(r, e);
    case EXPR_USER_VAR_SET:
        if (resolve_args(r, s, e) != 0) {
            return -1;
        }
        e->type = e->args[0]->type;
        switch (type_class_of(e->type.type)) {
        case TYPE_CLASS_DATE:
        case TYPE_CLASS_DATETIME:
        case TYPE_CLASS_TIME:
            /* A variable keeps a moment as text. */
            e->type = (struct sql_type){.collation = r->env->collation_connection,
                                        .flags = e->type.flags & NOT_NULL_FLAG};
            set_string(r, e, text_width(r, e->args[0]));
            break;
        default:
            break;
        }
        e->coercibility = COERCE_IMPLICIT;
        return 0;
    case EXPR_DEFAULT:
    case EXPR_VALUES:
        return resolve_default(r, s, e);
    }
    return resolve_refuse(r, "this expression");
}

/* ---- Equality ---- */

static bool literal_equal(const struct expr *a, const struct expr *b)
{
    const struct value *x = &a->lit.value;
    const struct value *y = &b->lit.value;
    if (a->lit.kind != b->lit.kind || x->kind != y->kind) {
        return false;
    }
    switch (x->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INT:
    case VALUE_UINT:
        return x->i == y->i;
    case VALUE_DOUBLE:
        return memcmp(&x->d, &y->d, sizeof(x->d)) == 0;
    case VALUE_STRING:
    case VALUE_JSON:
        return str_eq(x->str, y->str);
    case VALUE_DECIMAL:
        return x->dec.scale == y->dec.scale && decimal_cmp(&x->dec, &y->dec) == 0;
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        return x->time.year == y->time.year && x->time.month == y->time.month &&
               x->time.day == y->time.day && x->time.hour == y->time.hour &&
               x->time.minute == y->time.minute && x->time.second == y->time.second &&
               x->time.usec == y->time.usec && x->time.negative == y->time.negative &&
               x->decimals == y->decimals;
    }
    return false;
}

static bool args_equal(const struct expr *a, const struct expr *b)
{
    if (a->argc != b->argc) {
        return false;
    }
    for (uint32_t i = 0; i < a->argc; i++) {
        if (!expr_equal(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

bool expr_equal(const struct expr *a, const struct expr *b)
{
    const unsigned same = EXPR_NOT | EXPR_DISTINCT | EXPR_CASE_OPERAND | EXPR_CASE_ELSE;
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || (a->flags & same) != (b->flags & same)) {
        return false;
    }
    switch (a->kind) {
    case EXPR_LITERAL:
        return literal_equal(a, b);
    case EXPR_PARAM:
        return a->param.index == b->param.index;
    case EXPR_COLUMN:
        return a->column.binding.table == b->column.binding.table &&
               a->column.binding.index == b->column.binding.index;
    case EXPR_CALL:
        return a->func == b->func &&
               (a->func == NULL || (a->func->flags & FUNC_NONDETERMINISTIC) == 0) &&
               args_equal(a, b);
    case EXPR_AGGREGATE:
        if (a->argc == 1 && b->argc == 1 && a->args[0]->kind == EXPR_STAR &&
            b->args[0]->kind == EXPR_STAR) {
            return a->func == b->func && a->call.window == NULL && b->call.window == NULL;
        }
        return a->func == b->func && a->call.window == NULL && b->call.window == NULL &&
               a->call.order.count == 0 && b->call.order.count == 0 && args_equal(a, b);
    case EXPR_CASE:
    case EXPR_ROW:
        return args_equal(a, b);
    case EXPR_CAST:
        return a->cast.target.type.type == b->cast.target.type.type &&
               a->cast.target.type.length == b->cast.target.type.length &&
               a->cast.target.type.decimals == b->cast.target.type.decimals &&
               a->cast.target.type.collation == b->cast.target.type.collation &&
               a->cast.target.type.flags == b->cast.target.type.flags && args_equal(a, b);
    case EXPR_COLLATE:
        return str_eq_nocase(a->collate.name, b->collate.name) && args_equal(a, b);
    case EXPR_INTERVAL:
        return a->interval.unit == b->interval.unit && args_equal(a, b);
    case EXPR_STAR:
    case EXPR_WINDOW:
    case EXPR_SUBQUERY:
    case EXPR_EXISTS:
    case EXPR_IN_SUBQUERY:
    case EXPR_QUANTIFIED:
    case EXPR_USER_VAR:
    case EXPR_USER_VAR_SET:
    case EXPR_SYSTEM_VAR:
    case EXPR_DEFAULT:
    case EXPR_VALUES:
        return false;
    }
    return false;
}
