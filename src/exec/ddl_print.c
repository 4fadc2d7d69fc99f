/*
 * Expressions of definitions as SHOW CREATE TABLE writes them, from the tree before names are
 * resolved. MySQL puts every operator in parentheses and tells the character set of strings;
 * MariaDB writes parentheses where they are needed. What has no known form is not printed, and the
 * definition is refused.
 */
#include "exec/ddl_int.h"
#include "sql/functions.h"
#include "types/charset.h"
#include "types/convert.h"

#include <string.h>

#define PRINT_MAX (64u << 10)

struct printer {
    struct exec_session *x;
    struct bytebuf out;
    bool mariadb;
    bool failed;
};

/* How strongly an operator binds in MariaDB; 0 = not an operator that is known here. */
struct operator_form {
    const char *name; /* in the tree */
    const char *text;
    int binds;
};

static const struct operator_form operators[] = {
    {"OR", " or ", 1},   {"XOR", " xor ", 2}, {"AND", " and ", 3},   {"=", " = ", 6},
    {"<=>", " <=> ", 6}, {"<>", " <> ", 6},   {"<", " < ", 6},       {"<=", " <= ", 6},
    {">", " > ", 6},     {">=", " >= ", 6},   {"LIKE", " like ", 6}, {"|", " | ", 8},
    {"&", " & ", 9},     {"<<", " << ", 10},  {">>", " >> ", 10},    {"+", " + ", 12},
    {"-", " - ", 12},    {"*", " * ", 13},    {"/", " / ", 13},      {"DIV", " DIV ", 13},
    {"%", " % ", 13},    {"MOD", " % ", 13},  {"^", " ^ ", 14},
};

#define BINDS_NOT  4
#define BINDS_TEST 6
#define BINDS_ATOM 20

static void print(struct printer *p, const struct expr *e, int outer);

static const struct operator_form *find_operator(const struct expr *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        if (str_eq_nocase(e->call.name, str_from_cstr(operators[i].name))) {
            return &operators[i];
        }
    }
    return NULL;
}

static void put_string(struct printer *p, const struct expr *e)
{
    const struct str s = e->lit.value.str;
    if (!p->mariadb) {
        bytebuf_put_cstr(&p->out, "_utf8mb4");
    }
    bytebuf_put_char(&p->out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\'' || s.p[i] == '\\') {
            bytebuf_put_char(&p->out, '\\');
        }
        if (s.p[i] == '\n' || s.p[i] == '\0') {
            bytebuf_put_cstr(&p->out, s.p[i] == '\n' ? "\\n" : "\\0");
        } else {
            bytebuf_put_char(&p->out, s.p[i]);
        }
    }
    bytebuf_put_char(&p->out, '\'');
}

static void print_literal(struct printer *p, const struct expr *e)
{
    switch (e->lit.kind) {
    case LIT_NULL:
        bytebuf_put_cstr(&p->out, "NULL");
        return;
    case LIT_BOOL:
        bytebuf_put_cstr(&p->out, e->lit.value.i != 0 ? "true" : "false");
        return;
    case LIT_INT:
    case LIT_DECIMAL:
    case LIT_REAL:
        bytebuf_put_str(&p->out, value_to_text(&e->lit.value, NULL, &p->x->stmt_arena));
        return;
    case LIT_STRING:
        if ((e->flags & EXPR_HAS_INTRODUCER) == 0 ||
            str_eq_nocase(e->lit.introducer, STR("utf8mb4"))) {
            put_string(p, e);
            return;
        }
        break;
    default:
        break;
    }
    p->failed = true;
}

static void open(struct printer *p, int binds, int outer)
{
    if (!p->mariadb || binds < outer) {
        bytebuf_put_char(&p->out, '(');
    }
}

static void close(struct printer *p, int binds, int outer)
{
    if (!p->mariadb || binds < outer) {
        bytebuf_put_char(&p->out, ')');
    }
}

static void print_operator(struct printer *p, const struct expr *e, const struct operator_form *f,
                           int outer)
{
    const bool is_not = (e->flags & EXPR_NOT) != 0;
    if (e->argc < 2 || (e->argc > 2 && f->binds > 3)) {
        p->failed = true;
        return;
    }
    open(p, f->binds, outer);
    for (uint32_t i = 0; i < e->argc; i++) {
        if (i > 0) {
            bytebuf_put_cstr(&p->out, is_not ? " not" : "");
            bytebuf_put_cstr(&p->out, f->text);
        }
        print(p, e->args[i], i > 0 || f->binds == 6 ? f->binds + 1 : f->binds);
    }
    close(p, f->binds, outer);
}

static void print_minus(struct printer *p, const struct expr *e)
{
    bytebuf_put_char(&p->out, '-');
    const bool bare = e->args[0]->kind == EXPR_COLUMN || e->args[0]->kind == EXPR_LITERAL;
    const bool parens = !bare || (!p->mariadb && e->args[0]->kind == EXPR_LITERAL);
    bytebuf_put_cstr(&p->out, parens ? "(" : "");
    print(p, e->args[0], 0);
    bytebuf_put_cstr(&p->out, parens ? ")" : "");
}

static void print_list(struct printer *p, const struct expr *e, uint32_t from)
{
    for (uint32_t i = from; i < e->argc; i++) {
        bytebuf_put_cstr(&p->out, i > from ? "," : "");
        print(p, e->args[i], 0);
    }
}

/* IS NULL, BETWEEN, IN, NOT. Returns whether it was one of them. */
static bool print_predicate(struct printer *p, const struct expr *e, int outer)
{
    const struct str name = e->call.name;
    const bool is_not = (e->flags & EXPR_NOT) != 0;
    const bool is_between = str_eq_nocase(name, STR("BETWEEN"));
    const bool is_in = str_eq_nocase(name, STR("IN"));
    if (str_eq_nocase(name, STR("NOT")) || str_eq_nocase(name, STR("!"))) {
        open(p, BINDS_NOT, outer);
        bytebuf_put_cstr(&p->out, p->mariadb ? "!" : "not(");
        print(p, e->args[0], BINDS_ATOM);
        bytebuf_put_cstr(&p->out, p->mariadb ? "" : ")");
        close(p, BINDS_NOT, outer);
        return true;
    }
    if (!is_between && !is_in && !str_eq_nocase(name, STR("IS NULL"))) {
        return false;
    }
    open(p, BINDS_TEST, outer);
    print(p, e->args[0], BINDS_TEST + 1);
    if (is_between) {
        bytebuf_put_cstr(&p->out, is_not ? " not between " : " between ");
        print(p, e->args[1], BINDS_TEST + 1);
        bytebuf_put_cstr(&p->out, " and ");
        print(p, e->args[2], BINDS_TEST + 1);
    } else if (is_in) {
        bytebuf_put_cstr(&p->out, is_not ? " not in (" : " in (");
        print_list(p, e, 1);
        bytebuf_put_char(&p->out, ')');
    } else {
        bytebuf_put_cstr(&p->out, is_not ? " is not null" : " is null");
    }
    close(p, BINDS_TEST, outer);
    return true;
}

static bool has_own_syntax(const struct expr *e)
{
    static const char *const names[] = {
        "CONVERT_USING", "CHAR_USING", "GET_FORMAT",   "MATCH",
        "MATCH_BOOLEAN", "EXTRACT",    "TIMESTAMPADD", "TIMESTAMPDIFF",
        "WEIGHT_STRING", "JSON_VALUE", "DATE_ADD",     "DATE_SUB",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_eq_nocase(e->call.name, str_from_cstr(names[i]))) {
            return true;
        }
    }
    return str_eq_nocase(e->call.name, STR("TRIM")) && e->argc > 1;
}

static void print_call(struct printer *p, const struct expr *e, int outer)
{
    const struct operator_form *f = find_operator(e);
    if (f != NULL && (e->flags & EXPR_AS_OPERATOR) != 0) {
        print_operator(p, e, f, outer);
        return;
    }
    if (str_eq_nocase(e->call.name, STR("NEG"))) {
        print_minus(p, e);
        return;
    }
    if (print_predicate(p, e, outer)) {
        return;
    }
    if ((e->flags & EXPR_AS_OPERATOR) != 0 || has_own_syntax(e)) {
        p->failed = true;
        return;
    }
    for (size_t i = 0; i < e->call.name.len; i++) {
        const char c = e->call.name.p[i];
        bytebuf_put_char(&p->out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    }
    bytebuf_put_char(&p->out, '(');
    print_list(p, e, 0);
    bytebuf_put_char(&p->out, ')');
}

static void print_case(struct printer *p, const struct expr *e)
{
    uint32_t i = 0;
    const bool has_else = (e->flags & EXPR_CASE_ELSE) != 0;
    const bool outer = !p->mariadb;
    bytebuf_put_cstr(&p->out, outer ? "(case " : "case ");
    if ((e->flags & EXPR_CASE_OPERAND) != 0) {
        print(p, e->args[i++], 0);
        bytebuf_put_char(&p->out, ' ');
    }
    for (; i + 1 < e->argc; i += 2) {
        bytebuf_put_cstr(&p->out, "when ");
        print(p, e->args[i], 0);
        bytebuf_put_cstr(&p->out, " then ");
        print(p, e->args[i + 1], 0);
        bytebuf_put_char(&p->out, ' ');
    }
    if (has_else) {
        bytebuf_put_cstr(&p->out, "else ");
        print(p, e->args[e->argc - 1], 0);
        bytebuf_put_char(&p->out, ' ');
    }
    bytebuf_put_cstr(&p->out, outer ? "end)" : "end");
}

/* outer: how strongly what is around binds (MariaDB). */
static void print(struct printer *p, const struct expr *e, int outer)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        print_literal(p, e);
        return;
    case EXPR_COLUMN:
        bytebuf_put_quoted(&p->out, e->column.name, "`");
        return;
    case EXPR_CALL:
        print_call(p, e, outer);
        return;
    case EXPR_CASE:
        print_case(p, e);
        return;
    default:
        p->failed = true;
        return;
    }
}

int ddl_print_expr(struct exec_session *x, const struct expr *e, struct arena *arena,
                   struct str *out)
{
    struct printer p = {.x = x, .mariadb = x->server->dialect == DIALECT_MARIADB};
    bytebuf_init(&p.out, PRINT_MAX);
    print(&p, e, 0);
    const bool ok = !p.failed && !p.out.failed;
    *out = ok ? arena_dup(arena, bytebuf_str(&p.out)) : STR_NULL;
    bytebuf_release(&p.out);
    return ok ? 0 : -1;
}
