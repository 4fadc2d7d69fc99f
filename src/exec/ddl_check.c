/*
 * CHECK constraints in definitions: their names, what their expressions may say, and what columns
 * they keep from being dropped. They are kept as text in the form of SHOW CREATE TABLE. MariaDB
 * keeps a column's own constraint with the column.
 */
#include "exec/ddl_int.h"
#include "exec/row_check.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static int32_t find_check(const struct table_def *t, struct str name)
{
    for (uint32_t i = 0; i < t->check_count; i++) {
        if (t->checks[i].column_id == 0 && str_eq_nocase(t->checks[i].name, name)) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* "t_chk_3", the number after the largest in use; MariaDB: "CONSTRAINT_1", the first free. */
static struct str make_name(struct exec_session *x, const struct table_def *t)
{
    struct arena *a = &x->stmt_arena;
    if (x->server->dialect == DIALECT_MARIADB) {
        for (uint32_t n = 1;; n++) {
            const struct str name = arena_printf(a, "CONSTRAINT_%u", n);
            if (find_check(t, name) < 0) {
                return name;
            }
        }
    }
    const struct str prefix = arena_printf(a, "%.*s_chk_", STR_FMT(t->name));
    int64_t last = 0;
    for (uint32_t i = 0; i < t->check_count; i++) {
        const struct str name = t->checks[i].name;
        int64_t n;
        if (name.len > prefix.len && str_eq(str_from(name.p, prefix.len), prefix) &&
            str_to_i64(str_from(name.p + prefix.len, name.len - prefix.len), &n) == 0) {
            last = MAX(last, n);
        }
    }
    return arena_printf(a, "%.*s%lld", STR_FMT(prefix), (long long)last + 1);
}

/* ---- What an expression may say ---- */

struct check_scan {
    struct exec_session *x;
    const struct table_def *t;
    const char *name;
    int32_t own_column; /* of a column's constraint in MySQL, which names no other; else -1 */
};

static int scan_column(const struct check_scan *s, const struct expr *e)
{
    struct diag *diag = s->x->diag;
    const int32_t c = table_find_column(s->t, e->column.name);
    const char *name = ddl_text(s->x, e->column.name);
    if (c < 0) {
        return s->x->server->dialect == DIALECT_MARIADB
                   ? diag_set(diag, ER_BAD_FIELD_ERROR, name, "CHECK")
                   : diag_set(diag, ER_CHECK_CONSTRAINT_REFERS_UNKNOWN_COLUMN, s->name, name);
    }
    if (s->own_column >= 0 && c != s->own_column) {
        return diag_set(diag, ER_COLUMN_CHECK_CONSTRAINT_REFERENCES_OTHER_COLUMN, s->name);
    }
    if ((s->t->columns[c].type.flags & AUTO_INCREMENT_FLAG) != 0) {
        return s->x->server->dialect == DIALECT_MARIADB
                   ? diag_set(diag, ER_NOT_SUPPORTED_YET, "CHECK of an AUTO_INCREMENT column")
                   : diag_set(diag, ER_CHECK_CONSTRAINT_REFERS_AUTO_INCREMENT_COLUMN, s->name);
    }
    return 0;
}

static int banned(const struct check_scan *s, struct str function)
{
    char lower[64] = {0};
    for (size_t i = 0; i < function.len && i + 1 < sizeof lower; i++) {
        const char c = function.p[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return diag_set(s->x->diag, ER_CHECK_CONSTRAINT_NAMED_FUNCTION_IS_NOT_ALLOWED, s->name, lower);
}

static bool is_banned(struct str name)
{
    static const char *const names[] = {
        "NOW",           "CURDATE",        "CURTIME",      "UTC_DATE",
        "UTC_TIME",      "UTC_TIMESTAMP",  "SYSDATE",      "RAND",
        "UUID",          "USER",           "CURRENT_USER", "SESSION_USER",
        "DATABASE",      "SCHEMA",         "VERSION",      "SLEEP",
        "CONNECTION_ID", "LAST_INSERT_ID", "FOUND_ROWS",   "ROW_COUNT",
        "GET_LOCK",      "BENCHMARK",      "LOAD_FILE",    "UUID_SHORT",
        "CURRENT_DATE",  "UNIX_TIMESTAMP", "SYSTEM_USER",  "CURRENT_ROLE",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (str_eq_nocase(name, str_from_cstr(names[i]))) {
            return true;
        }
    }
    return false;
}

/* MariaDB's errors for these quote the expression. */
static int refuse_in_mariadb(const struct check_scan *s)
{
    return diag_set(s->x->diag, ER_NOT_SUPPORTED_YET, "a CHECK constraint with this expression");
}

static int scan(const struct check_scan *s, const struct expr *e)
{
    struct diag *diag = s->x->diag;
    const bool mariadb = s->x->server->dialect == DIALECT_MARIADB;
    switch (e->kind) {
    case EXPR_COLUMN:
        return scan_column(s, e);
    case EXPR_USER_VAR:
    case EXPR_USER_VAR_SET:
    case EXPR_SYSTEM_VAR:
        return mariadb ? refuse_in_mariadb(s)
                       : diag_set(diag, ER_CHECK_CONSTRAINT_VARIABLES, s->name);
    case EXPR_CALL:
        if (is_banned(e->call.name)) {
            return mariadb ? refuse_in_mariadb(s) : banned(s, e->call.name);
        }
        break;
    case EXPR_LITERAL:
    case EXPR_CASE:
    case EXPR_CAST:
    case EXPR_COLLATE:
    case EXPR_INTERVAL:
    case EXPR_ROW:
        break;
    default:
        return mariadb ? refuse_in_mariadb(s)
                       : diag_set(diag, ER_CHECK_CONSTRAINT_FUNCTION_IS_NOT_ALLOWED, s->name);
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (scan(s, e->args[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* MySQL asks for a condition, not for any number. */
static int check_is_condition(const struct check_scan *s, const struct expr *e)
{
    static const char *const arithmetic[] = {"+", "-",   "*", "/", "DIV", "MOD",
                                             "%", "NEG", "|", "&", "^",   "~"};
    bool number = e->kind == EXPR_COLUMN || e->kind == EXPR_CASE ||
                  (e->kind == EXPR_LITERAL && e->lit.kind != LIT_BOOL);
    for (size_t i = 0; e->kind == EXPR_CALL && i < ARRAY_SIZE(arithmetic); i++) {
        number = number || str_eq_nocase(e->call.name, str_from_cstr(arithmetic[i]));
    }
    return number && s->x->server->dialect == DIALECT_MYSQL
               ? diag_set(s->x->diag, ER_NON_BOOLEAN_EXPR_FOR_CHECK_CONSTRAINT, s->name)
               : 0;
}

/* ---- Adding ---- */

struct new_check {
    struct str name; /* p NULL = to be made up */
    struct expr *expr;
    bool not_enforced;
    int32_t column; /* whose constraint it is, or -1 */
};

static int add(struct exec_session *x, struct table_def *t, const struct new_check *n)
{
    const bool with_column = n->column >= 0 && x->server->dialect == DIALECT_MARIADB;
    struct check_def *c = &t->checks[t->check_count];
    struct str name = n->name;
    *c = (struct check_def){.not_enforced = n->not_enforced};
    if (with_column) {
        c->column_id = t->columns[n->column].id;
        name = t->columns[n->column].name;
    } else if (name.p == NULL || name.len == 0) {
        name = make_name(x, t);
    } else if (find_check(t, name) >= 0) {
        return diag_set(x->diag, ER_CHECK_CONSTRAINT_DUP_NAME, ddl_text(x, name));
    }
    const struct check_scan s = {
        .x = x, .t = t, .name = ddl_text(x, name), .own_column = with_column ? -1 : n->column};
    if (scan(&s, n->expr) != 0 || check_is_condition(&s, n->expr) != 0) {
        return -1;
    }
    c->name = arena_dup(t->arena, name);
    if (ddl_print_expr(x, n->expr, t->arena, &c->text) != 0) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "a CHECK constraint with this expression");
    }
    const struct expr *e = exec_stored_expr(x, t, c->text);
    if (e == NULL) {
        return -1;
    }
    if (!eval_can(e)) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "a CHECK constraint with this function");
    }
    t->check_count++;
    return 0;
}

void ddl_room_for_checks(struct table_def *t, uint32_t more)
{
    struct check_def *checks = ARENA_ARRAY(t->arena, struct check_def, t->check_count + more);
    if (t->check_count > 0) {
        memcpy(checks, t->checks, sizeof *checks * t->check_count);
    }
    t->checks = checks;
}

int ddl_add_column_check(struct exec_session *x, struct table_def *t,
                         const struct column_spec *spec)
{
    if (spec->check == NULL) {
        return 0;
    }
    const struct new_check n = {.name = spec->check_name,
                                .expr = spec->check,
                                .not_enforced = spec->check_not_enforced,
                                .column = table_find_column(t, spec->name)};
    return add(x, t, &n);
}

int ddl_add_check(struct exec_session *x, struct table_def *t, const struct check_spec *spec)
{
    const struct new_check n = {
        .name = spec->name, .expr = spec->expr, .not_enforced = spec->not_enforced, .column = -1};
    return add(x, t, &n);
}

/* ---- Changing ---- */

int ddl_drop_check(struct exec_session *x, struct table_def *t, struct str name, bool if_exists)
{
    const int32_t i = find_check(t, name);
    if (i < 0) {
        if (if_exists || x->server->dialect == DIALECT_MARIADB) {
            return ddl_cannot_drop(x, "CONSTRAINT", name, if_exists);
        }
        return diag_set(x->diag, ER_CONSTRAINT_NOT_FOUND, ddl_text(x, name));
    }
    t->check_count--;
    memmove(&t->checks[i], &t->checks[i + 1], sizeof *t->checks * (t->check_count - (uint32_t)i));
    return 0;
}

void ddl_drop_column_check(struct table_def *t, struct str column)
{
    const int32_t c = table_find_column(t, column);
    for (uint32_t i = 0; i < t->check_count && c >= 0; i++) {
        if (t->checks[i].column_id == t->columns[c].id) {
            t->check_count--;
            memmove(&t->checks[i], &t->checks[i + 1], sizeof *t->checks * (t->check_count - i));
            return;
        }
    }
}

static bool mentions(const struct expr *e, struct str column)
{
    if (e->kind == EXPR_COLUMN && str_eq_nocase(e->column.name, column)) {
        return true;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (mentions(e->args[i], column)) {
            return true;
        }
    }
    return false;
}

int ddl_check_keeps_column(struct exec_session *x, const struct table_def *t, struct str column)
{
    for (uint32_t i = 0; i < t->check_count; i++) {
        const struct expr *e = exec_stored_expr(x, t, t->checks[i].text);
        if (e == NULL) {
            return -1;
        }
        if (mentions(e, column)) {
            return x->server->dialect == DIALECT_MARIADB
                       ? diag_set(x->diag, ER_BAD_FIELD_ERROR, ddl_text(x, column), "CHECK")
                       : diag_set(x->diag, ER_DEPENDENT_BY_CHECK_CONSTRAINT,
                                  ddl_text(x, t->checks[i].name), ddl_text(x, column));
        }
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return str_cmp_nocase(((const struct check_def *)a)->name, ((const struct check_def *)b)->name);
}

void ddl_number_checks(struct exec_session *x, struct table_def *t)
{
    if (x->server->dialect != DIALECT_MYSQL || t->check_count == 0) {
        return;
    }
    qsort(t->checks, t->check_count, sizeof *t->checks, compare_names);
    for (uint32_t i = 0; i < t->check_count; i++) {
        t->checks[i].name = arena_printf(t->arena, "%.*s_chk_%u", STR_FMT(t->name), i + 1);
    }
}

void ddl_rename_checks(struct exec_session *x, struct table_def *t, struct str old_name)
{
    const struct str prefix = arena_printf(&x->stmt_arena, "%.*s_chk_", STR_FMT(old_name));
    for (uint32_t i = 0; i < t->check_count && x->server->dialect == DIALECT_MYSQL; i++) {
        const struct str name = t->checks[i].name;
        if (name.len > prefix.len && str_eq(str_from(name.p, prefix.len), prefix)) {
            t->checks[i].name = arena_printf(t->arena, "%.*s_chk_%.*s", STR_FMT(t->name),
                                             (int)(name.len - prefix.len), name.p + prefix.len);
        }
    }
}
