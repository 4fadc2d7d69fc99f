/* See show_int.h: SHOW GRANTS, SHOW CREATE USER. */
#include "exec/account_int.h"
#include "exec/show_int.h"

static bool is_current(const struct show_stmt *show)
{
    return show->account == NULL || show->account->current;
}

struct str show_account_name(struct exec_session *x, const struct show_stmt *show,
                             struct arena *arena)
{
    if (!is_current(show)) {
        return arena_printf(arena, "%.*s@%.*s", STR_FMT(show->account->user),
                            STR_FMT(show->account->host));
    }
    return x->account == NULL ? STR("")
                              : arena_printf(arena, "%.*s@%.*s", STR_FMT(x->account->user),
                                             STR_FMT(x->account->host));
}

/* What is kept of accounts is the system database's content on the servers; MySQL names the table
 * when it is about grants. */
static int check_foreign(struct show_run *r, const struct account_name *name)
{
    struct exec_session *x = r->x;
    const bool own = x->account != NULL && str_eq(name->user, x->account->user) &&
                     str_eq_nocase(name->host, x->account->host);
    if (own) {
        return 0;
    }
    if (r->stmt->kind == SHOW_GRANTS && x->server->dialect == DIALECT_MYSQL) {
        return exec_check_table(x, STR("mysql"), STR("user"), PRIV_SELECT);
    }
    return exec_check_db(x, STR("mysql"), PRIV_SELECT);
}

/* The account the statement is about, counted; NULL with diag. */
static struct account *find_account(struct show_run *r)
{
    struct exec_session *x = r->x;
    if (is_current(r->stmt)) {
        if (x->account != NULL) {
            account_ref(x->account);
        }
        return x->account;
    }
    const struct account_name *name = r->stmt->account;
    if (check_foreign(r, name) != 0) {
        return NULL;
    }
    struct account *a = accounts_find(x->server->accounts, name->user, name->host);
    if (a != NULL && r->stmt->roles.mode != ROLES_NOT_GIVEN) {
        struct account *with_roles = account_choose_roles(x, a, &r->stmt->roles);
        account_unref(a);
        return with_roles;
    }
    if (a != NULL) {
        return a;
    }
    if (r->stmt->kind == SHOW_GRANTS) {
        (void)diag_set(x->diag, ER_NONEXISTING_GRANT, arena_dup_cstr(&x->stmt_arena, name->user),
                       arena_dup_cstr(&x->stmt_arena, name->host));
    } else if (x->server->dialect == DIALECT_MARIADB) {
        (void)diag_set(x->diag, ER_PASSWORD_NO_MATCH);
    } else {
        (void)account_failed(x, "SHOW CREATE USER", account_quoted(x, name),
                             " (User account does not exist)");
    }
    return NULL;
}

int show_grants(struct show_run *r)
{
    struct account *a = find_account(r);
    if (a == NULL) {
        return -1;
    }
    struct str *lines;
    const bool mariadb = r->x->server->dialect == DIALECT_MARIADB;
    const uint32_t n = account_show_grants(a, mariadb, &r->x->stmt_arena, &lines);
    int rc = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        show_text(r, NULL, lines[i]);
        rc = show_send(r);
    }
    account_unref(a);
    return rc;
}

int show_create_user(struct show_run *r)
{
    struct account *a = find_account(r);
    if (a == NULL) {
        return -1;
    }
    const bool mariadb = r->x->server->dialect == DIALECT_MARIADB;
    show_text(r, NULL, account_show_create(a, mariadb, &r->x->stmt_arena));
    const int rc = show_send(r);
    account_unref(a);
    return rc;
}
