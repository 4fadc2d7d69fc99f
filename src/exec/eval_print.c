/*
 * Expressions as the servers' error messages show them: lower-case functions, operators in
 * parentheses, columns with their database and table in backticks.
 */
#include "exec/eval_int.h"

#define PRINT_MAX 4096

static void print(struct eval_ctx *ctx, struct bytebuf *b, const struct expr *e);

static void print_list(struct eval_ctx *ctx, struct bytebuf *b, const struct expr *e,
                       uint32_t first, const char *separator)
{
    for (uint32_t i = first; i < e->argc; i++) {
        if (i > first) {
            bytebuf_put_cstr(b, separator);
        }
        print(ctx, b, e->args[i]);
    }
}

static void put_lower(struct bytebuf *b, const char *name)
{
    for (; *name != '\0'; name++) {
        bytebuf_put_char(b, (char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name));
    }
}

/* MySQL shows the minus of a literal as an operator. */
static void print_number(struct eval_ctx *ctx, struct bytebuf *b, const struct value *v)
{
    const struct str s = value_to_text(v, NULL, ctx->arena);
    if (s.len > 0 && s.p[0] == '-' && !eval_is_mariadb(ctx)) {
        bytebuf_printf(b, "-(%.*s)", (int)s.len - 1, s.p + 1);
    } else {
        bytebuf_put_str(b, s);
    }
}

static void print_literal(struct eval_ctx *ctx, struct bytebuf *b, const struct expr *e)
{
    const struct value *v = &e->lit.value;
    if (v->kind == VALUE_NULL) {
        bytebuf_put_cstr(b, "NULL");
    } else if (e->lit.kind == LIT_HEX || e->lit.kind == LIT_BIN) {
        bytebuf_put_cstr(b, "0x");
        for (size_t i = 0; i < v->str.len; i++) {
            bytebuf_printf(b, "%02x", (unsigned char)v->str.p[i]);
        }
    } else if (v->kind == VALUE_STRING) {
        bytebuf_printf(b, "'%.*s'", STR_FMT(v->str));
    } else if (e->lit.kind == LIT_BOOL) {
        bytebuf_put_cstr(b, v->i != 0 ? "true" : "false");
    } else {
        print_number(ctx, b, v);
    }
}

static void print_name(struct bytebuf *b, struct str name)
{
    bytebuf_printf(b, "`%.*s`", STR_FMT(name));
}

static void print_column(struct bytebuf *b, const struct expr *e)
{
    const struct table_ref *t = e->column.binding.table;
    const struct ref_column *c =
        t != NULL && t->columns != NULL && e->column.binding.index < t->column_count
            ? &t->columns[e->column.binding.index]
            : NULL;
    if (c != NULL && c->db.len > 0) {
        print_name(b, c->db);
        bytebuf_put_char(b, '.');
    }
    if (c != NULL && c->table.len > 0) {
        print_name(b, c->table);
        bytebuf_put_char(b, '.');
    } else if (e->column.table.len > 0) {
        print_name(b, e->column.table);
        bytebuf_put_char(b, '.');
    }
    print_name(b, e->column.name);
}

static void print_cast_type(struct bytebuf *b, const struct expr *e)
{
    const struct cast_target *t = &e->cast.target;
    switch (type_class_of(t->type.type)) {
    case TYPE_CLASS_INT:
        bytebuf_put_cstr(b, type_is_unsigned(&t->type) ? "unsigned" : "signed");
        return;
    case TYPE_CLASS_DECIMAL:
        bytebuf_printf(b, "decimal(%u,%u)", (unsigned)e->type.length, (unsigned)e->type.decimals);
        return;
    case TYPE_CLASS_DATE:
        bytebuf_put_cstr(b, "date");
        return;
    case TYPE_CLASS_DATETIME:
        bytebuf_put_cstr(b, "datetime");
        return;
    case TYPE_CLASS_TIME:
        bytebuf_put_cstr(b, "time");
        return;
    case TYPE_CLASS_REAL:
        bytebuf_put_cstr(b, t->type.type == MYSQL_TYPE_FLOAT ? "float" : "double");
        return;
    default:
        bytebuf_put_cstr(b, "char");
        if (t->has_length) {
            bytebuf_printf(b, "(%u)", (unsigned)t->type.length);
        }
        return;
    }
}

static const char *const unit_names[] = {
    [UNIT_MICROSECOND] = "microsecond",
    [UNIT_SECOND] = "second",
    [UNIT_MINUTE] = "minute",
    [UNIT_HOUR] = "hour",
    [UNIT_DAY] = "day",
    [UNIT_WEEK] = "week",
    [UNIT_MONTH] = "month",
    [UNIT_QUARTER] = "quarter",
    [UNIT_YEAR] = "year",
    [UNIT_SECOND_MICROSECOND] = "second_microsecond",
    [UNIT_MINUTE_MICROSECOND] = "minute_microsecond",
    [UNIT_MINUTE_SECOND] = "minute_second",
    [UNIT_HOUR_MICROSECOND] = "hour_microsecond",
    [UNIT_HOUR_SECOND] = "hour_second",
    [UNIT_HOUR_MINUTE] = "hour_minute",
    [UNIT_DAY_MICROSECOND] = "day_microsecond",
    [UNIT_DAY_SECOND] = "day_second",
    [UNIT_DAY_MINUTE] = "day_minute",
    [UNIT_DAY_HOUR] = "day_hour",
    [UNIT_YEAR_MONTH] = "year_month",
};

/* DATE_ADD(d, INTERVAL n u) is shown as (d + interval n u). */
static bool print_date_arith(struct eval_ctx *ctx, struct bytebuf *b, const struct expr *e)
{
    const bool subtract = e->func->id == FN_DATE_SUB || e->func->id == FN_SUBDATE;
    if (e->argc != 2 || e->args[1]->kind != EXPR_INTERVAL) {
        return false;
    }
    bytebuf_put_char(b, '(');
    print(ctx, b, e->args[0]);
    bytebuf_put_cstr(b, subtract ? " - interval " : " + interval ");
    print(ctx, b, e->args[1]->args[0]);
    bytebuf_printf(b, " %s)", unit_names[e->args[1]->interval.unit]);
    return true;
}

static void print_call(struct eval_ctx *ctx, struct bytebuf *b, const struct expr *e)
{
    if (e->func == NULL) {
        return;
    }
    if (e->func->id == FN_NEG || e->func->id == FN_BIT_NOT) {
        bytebuf_put_char(b, e->func->id == FN_NEG ? '-' : '~');
        const bool bare = e->args[0]->kind == EXPR_COLUMN ||
                          (e->args[0]->kind == EXPR_LITERAL && eval_is_mariadb(ctx));
        bytebuf_put_cstr(b, bare ? "" : "(");
        print(ctx, b, e->args[0]);
        bytebuf_put_cstr(b, bare ? "" : ")");
        return;
    }
    if (e->func->kind == FUNC_OPERATOR) {
        char separator[24] = " ";
        size_t n = 1;
        const bool keep = e->func->id == FN_INT_DIV;
        for (const char *p = e->func->name; *p != '\0' && n + 2 < sizeof(separator); p++) {
            separator[n++] = (char)(*p >= 'A' && *p <= 'Z' && !keep ? *p + 32 : *p);
        }
        separator[n++] = ' ';
        separator[n] = '\0';
        bytebuf_put_char(b, '(');
        print_list(ctx, b, e, 0, separator);
        bytebuf_put_char(b, ')');
        return;
    }
    if (print_date_arith(ctx, b, e)) {
        return;
    }
    put_lower(b, e->func->name);
    bytebuf_put_char(b, '(');
    print_list(ctx, b, e, 0, ",");
    bytebuf_put_char(b, ')');
}

static void print(struct eval_ctx *ctx, struct bytebuf *b, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        print_literal(ctx, b, e);
        return;
    case EXPR_COLUMN:
        print_column(b, e);
        return;
    case EXPR_CALL:
        print_call(ctx, b, e);
        return;
    case EXPR_CAST:
        bytebuf_put_cstr(b, "cast(");
        print(ctx, b, e->args[0]);
        bytebuf_put_cstr(b, " as ");
        print_cast_type(b, e);
        bytebuf_put_char(b, ')');
        return;
    case EXPR_USER_VAR:
        bytebuf_printf(b, "@`%.*s`", STR_FMT(e->var.name));
        return;
    case EXPR_SYSTEM_VAR:
        bytebuf_printf(b, "@@%.*s", STR_FMT(e->var.name));
        return;
    case EXPR_ROW:
        bytebuf_put_char(b, '(');
        print_list(ctx, b, e, 0, ",");
        bytebuf_put_char(b, ')');
        return;
    default:
        print_list(ctx, b, e, 0, ",");
        return;
    }
}

const char *eval_print(struct eval_ctx *ctx, const struct expr *e)
{
    struct bytebuf b;
    bytebuf_init(&b, PRINT_MAX);
    print(ctx, &b, e);
    struct str s = bytebuf_str(&b);
    if (eval_is_mariadb(ctx) && e->kind == EXPR_CALL && s.len > 2 && s.p[0] == '(') {
        s = str_from(s.p + 1, s.len - 2);
    }
    const char *text = arena_dup_cstr(ctx->arena, s);
    bytebuf_release(&b);
    return text;
}
