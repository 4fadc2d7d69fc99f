/*
 * Roles: CREATE and DROP ROLE, GRANT and REVOKE of roles, SET ROLE, SET DEFAULT ROLE. See
 * account_int.h.
 *
 * As in MySQL a role is an account that is locked, and any account may be granted as a role.
 * MariaDB's roles are something else (names without hosts, one active at a time); in its dialect
 * they are refused.
 */
#include "exec/account_int.h"

#include <stdlib.h>

static int check_dialect(struct exec_session *x)
{
    return x->server->dialect == DIALECT_MARIADB ? diag_set(x->diag, ER_NOT_SUPPORTED_YET, "roles")
                                                 : 0;
}

static const char *text(struct exec_session *x, struct str s)
{
    return arena_dup_cstr(&x->stmt_arena, s);
}

/* `user`@`host` for messages. */
static const char *backquoted(struct exec_session *x, struct str user, struct str host)
{
    return arena_printf(&x->stmt_arena, "`%.*s`@`%.*s`", STR_FMT(user), STR_FMT(host)).p;
}

static int not_granted(struct exec_session *x, const struct account_name *role,
                       const struct account_name *to)
{
    return diag_set(x->diag, ER_ROLE_NOT_GRANTED, text(x, role->user), text(x, role->host),
                    text(x, to->user), text(x, to->host));
}

static int unknown(struct exec_session *x, const struct account_name *name)
{
    return diag_set(x->diag, ER_UNKNOWN_AUTHID, text(x, name->user), text(x, name->host));
}

static bool account_exists(struct exec_session *x, const struct account_name *name)
{
    struct account *a = accounts_find(x->server->accounts, name->user, name->host);
    account_unref(a);
    return a != NULL;
}

static bool is_listed(const struct role_choice *choice, const struct role_grant *role)
{
    for (uint32_t i = 0; i < choice->count; i++) {
        if (str_eq(choice->names[i].user, role->user) &&
            str_eq_nocase(choice->names[i].host, role->host)) {
            return true;
        }
    }
    return false;
}

static bool is_chosen(const struct role_choice *choice, const struct role_grant *role)
{
    switch (choice->mode) {
    case ROLES_LISTED:
        return is_listed(choice, role);
    case ROLES_DEFAULT:
        return role->is_default;
    case ROLES_ALL:
        return true;
    case ROLES_ALL_EXCEPT:
        return !is_listed(choice, role);
    case ROLES_NOT_GIVEN:
    case ROLES_NONE:
        break;
    }
    return false;
}

/* The roles listed must be granted to the account. */
static int check_listed(struct exec_session *x, const struct account *a,
                        const struct role_choice *choice)
{
    const struct account_name name = {.user = a->user, .host = a->host};
    for (uint32_t i = 0; choice->mode == ROLES_LISTED && i < choice->count; i++) {
        const struct account_name role = account_named(x, &choice->names[i]);
        if (account_find_role(a, role.user, role.host) == NULL) {
            return not_granted(x, &role, &name);
        }
    }
    return 0;
}

/* ---- Active roles ---- */

static int by_name(const void *p, const void *q)
{
    const struct role_name *a = p;
    const struct role_name *b = q;
    const int by_user = str_cmp(a->user, b->user);
    return by_user != 0 ? by_user : str_cmp(a->host, b->host);
}

struct account *account_choose_roles(struct exec_session *x, const struct account *a,
                                     const struct role_choice *choice)
{
    if (check_listed(x, a, choice) != 0) {
        return NULL;
    }
    struct role_name *active = ARENA_ARRAY(&x->stmt_arena, struct role_name, a->role_count + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->role_count; i++) {
        if (is_chosen(choice, &a->roles[i])) {
            active[n++] = (struct role_name){.user = a->roles[i].user, .host = a->roles[i].host};
        }
    }
    qsort(active, n, sizeof *active, by_name);
    return account_with_roles(x->server->accounts, a, active, n);
}

static int set_roles(struct exec_session *x, const struct role_choice *choice)
{
    struct account *base = accounts_current(x->server->accounts, x->account);
    struct account *made = account_choose_roles(x, base != NULL ? base : x->account, choice);
    account_unref(base);
    if (made == NULL) {
        return -1;
    }
    account_unref(x->account);
    x->account = made;
    return 0;
}

int exec_set_role(struct exec_session *x, struct stmt *stmt)
{
    if (check_dialect(x) != 0) {
        return -1;
    }
    return x->account == NULL ? 0 : set_roles(x, &stmt->user.roles);
}

void exec_activate_default_roles(struct exec_session *x)
{
    const struct role_choice choice = {.mode = ROLES_DEFAULT};
    bool any = false;
    for (uint32_t i = 0; i < x->account->role_count; i++) {
        any |= x->account->roles[i].is_default;
    }
    if (any) {
        (void)!set_roles(x, &choice); /* nothing is listed that could be missing */
    }
}

void exec_adopt_account(struct exec_session *x, struct account *now)
{
    struct account *before = x->account;
    if (before->active_count > 0) {
        x->account =
            account_with_roles(x->server->accounts, now, before->active, before->active_count);
        account_unref(now);
    } else {
        x->account = now;
    }
    account_unref(before);
}

struct str exec_current_role(const struct exec_session *x, struct arena *arena)
{
    const struct account *a = x->account;
    struct str s = STR_NULL;
    for (uint32_t i = 0; a != NULL && i < a->active_count; i++) {
        s = arena_printf(arena, "%.*s%s`%.*s`@`%.*s`", STR_FMT(s), i == 0 ? "" : ",",
                         STR_FMT(a->active[i].user), STR_FMT(a->active[i].host));
    }
    return s.len == 0 ? STR("NONE") : s;
}

/* ---- Default roles ---- */

int account_set_default_roles(struct exec_session *x, struct account *a,
                              const struct role_choice *choice)
{
    if (choice->mode == ROLES_NOT_GIVEN) {
        return 0;
    }
    if (check_dialect(x) != 0 || check_listed(x, a, choice) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < a->role_count; i++) {
        a->roles[i].is_default = is_chosen(choice, &a->roles[i]);
    }
    return 0;
}

int account_give_default_roles(struct exec_session *x, struct account *a,
                               const struct role_choice *choice)
{
    if (choice->mode != ROLES_NOT_GIVEN && check_dialect(x) != 0) {
        return -1;
    }
    for (uint32_t i = 0; choice->mode == ROLES_LISTED && i < choice->count; i++) {
        const struct account_name name = account_named(x, &choice->names[i]);
        const struct role_grant role = {.user = name.user, .host = name.host, .is_default = true};
        if (!account_exists(x, &name)) {
            return unknown(x, &name);
        }
        account_add_role(a, &role);
    }
    return 0;
}

static bool are_own(struct exec_session *x, const struct user_stmt *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name n = account_named(x, &s->users[i].account);
        if (x->account == NULL || !str_eq(n.user, x->account->user) ||
            !str_eq_nocase(n.host, x->account->host)) {
            return false;
        }
    }
    return true;
}

static int set_defaults(struct exec_session *x, const struct user_stmt *s,
                        struct account_plan *plan)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name name = account_named(x, &s->users[i].account);
        struct account *a = account_edit(x, plan, &name);
        if (a == NULL) {
            return s->roles.mode == ROLES_LISTED ? not_granted(x, &s->roles.names[0], &name)
                                                 : unknown(x, &name);
        }
        if (account_set_default_roles(x, a, &s->roles) != 0) {
            return -1;
        }
    }
    return 0;
}

int exec_set_default_role(struct exec_session *x, struct stmt *stmt)
{
    const struct user_stmt *s = &stmt->user;
    struct account_plan plan;
    account_plan_init(&plan);
    if (check_dialect(x) != 0 ||
        (!are_own(x, s) && exec_check_global(x, PRIV_CREATE_USER, "CREATE USER") != 0) ||
        exec_take_writer(x) != 0) {
        return -1;
    }
    if (set_defaults(x, s, &plan) != 0) {
        account_plan_drop(&plan);
        return -1;
    }
    return account_plan_run(x, &plan);
}

/* ---- CREATE and DROP ROLE ---- */

static int create_roles(struct exec_session *x, const struct user_stmt *s,
                        struct account_plan *plan)
{
    struct str failed = STR_NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name *name = &s->users[i].account;
        if (name->user.len == 0) {
            return account_failed(x, "CREATE ROLE", STR("anonymous user"), "");
        }
        if (account_check_name(x, name) != 0) {
            return -1;
        }
        if (!account_is_taken(x, plan, name)) {
            struct account *a = account_create(x, plan, name);
            a->locked = true;
            a->password_expired = true;
        } else if (s->if_exists) {
            diag_warn(x->diag, DIAG_NOTE, ER_USER_ALREADY_EXISTS, account_quoted(x, name).p);
        } else {
            account_list_name(x, &failed, name);
        }
    }
    return failed.p == NULL
               ? 0
               : account_failed(x, "CREATE ROLE", failed, " (User account already exists)");
}

int exec_create_role(struct exec_session *x, struct stmt *stmt)
{
    struct account_plan plan;
    account_plan_init(&plan);
    if (check_dialect(x) != 0 ||
        exec_check_global(x, PRIV_CREATE_USER, "CREATE USER, CREATE ROLE") != 0 ||
        exec_take_writer(x) != 0) {
        return -1;
    }
    if (create_roles(x, &stmt->user, &plan) != 0) {
        account_plan_drop(&plan);
        return -1;
    }
    return account_plan_run(x, &plan);
}

int exec_drop_role(struct exec_session *x, struct stmt *stmt)
{
    if (check_dialect(x) != 0 ||
        exec_check_global(x, PRIV_CREATE_USER, "CREATE USER, DROP ROLE") != 0) {
        return -1;
    }
    return account_drop_all(x, &stmt->user, "DROP ROLE");
}

void account_forget_role(struct exec_session *x, struct account_plan *plan, const struct account *a)
{
    struct account **all;
    const uint32_t n = accounts_list(x->server->accounts, &x->stmt_arena, &all);
    for (uint32_t i = 0; i < n; i++) {
        if (account_find_role(all[i], a->user, a->host) != NULL) {
            const struct account_name name = {.user = all[i]->user, .host = all[i]->host};
            struct account *holder = account_edit(x, plan, &name);
            if (holder != NULL) {
                account_remove_role(holder, a->user, a->host);
            }
        }
        account_unref(all[i]);
    }
}

bool account_is_role(struct exec_session *x, const struct account_name *name)
{
    struct account **all;
    const uint32_t n = accounts_list(x->server->accounts, &x->stmt_arena, &all);
    bool found = false;
    for (uint32_t i = 0; i < n; i++) {
        found |= account_find_role(all[i], name->user, name->host) != NULL;
        account_unref(all[i]);
    }
    return found;
}

/* ---- GRANT and REVOKE ---- */

/* A privilege is no role: MySQL calls it a mistake in the syntax. */
static int check_names(struct exec_session *x, const struct grant_stmt *s)
{
    for (uint32_t i = 0; i < s->priv_count; i++) {
        const struct str name = s->privs[i].name;
        if (s->grant_option || privilege_find(name) != 0 || s->privs[i].column_count > 0 ||
            str_eq_nocase(name, STR("ALL")) || str_eq_nocase(name, STR("USAGE"))) {
            return diag_set(x->diag, ER_PARSE_ERROR, "Illegal authorization identifier",
                            text(x, name), 1);
        }
    }
    return 0;
}

/* Roles are given and taken by who has them WITH ADMIN OPTION. */
static int check_admin(struct exec_session *x, const struct grant_stmt *s)
{
    if (x->account != NULL && (x->account->global_privs & PRIV_SUPER) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < s->priv_count; i++) {
        const struct role_grant *role =
            x->account == NULL ? NULL
                               : account_find_role(x->account, s->privs[i].name, s->privs[i].host);
        if (role == NULL || !role->admin) {
            return diag_set(x->diag, ER_SPECIFIC_ACCESS_DENIED_ERROR,
                            "WITH ADMIN, ROLE_ADMIN, SUPER");
        }
    }
    return 0;
}

static int grant_one(struct exec_session *x, const struct role_grant *role, struct account *to)
{
    const struct role_name name = {.user = to->user, .host = to->host};
    if (accounts_has_role(x->server->accounts, role->user, role->host, &name)) {
        return diag_set(x->diag, ER_ROLE_GRANTED_TO_ITSELF, backquoted(x, to->user, to->host),
                        backquoted(x, role->user, role->host));
    }
    account_add_role(to, role);
    return 0;
}

static int grant_all(struct exec_session *x, const struct grant_stmt *s, struct account_plan *plan)
{
    for (uint32_t u = 0; u < s->user_count; u++) {
        const struct account_name name = account_named(x, &s->users[u].account);
        struct account *to = account_edit(x, plan, &name);
        if (to == NULL) {
            return unknown(x, &name);
        }
        for (uint32_t i = 0; i < s->priv_count; i++) {
            const struct account_name role_name = {.user = s->privs[i].name,
                                                   .host = s->privs[i].host};
            const struct role_grant role = {
                .user = role_name.user, .host = role_name.host, .admin = s->admin_option};
            if (!account_exists(x, &role_name)) {
                return unknown(x, &role_name);
            }
            if (grant_one(x, &role, to) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* An account that is not there: an error, or a warning where the statement allows for it. */
static int missing(struct exec_session *x, const struct account_name *name, bool allowed)
{
    if (!allowed) {
        return unknown(x, name);
    }
    diag_warn(x->diag, DIAG_WARNING, ER_UNKNOWN_AUTHID, text(x, name->user), text(x, name->host));
    return 0;
}

static int revoke_all(struct exec_session *x, const struct grant_stmt *s, struct account_plan *plan)
{
    for (uint32_t i = 0; i < s->priv_count; i++) {
        const struct account_name role = {.user = s->privs[i].name, .host = s->privs[i].host};
        if (!account_exists(x, &role)) {
            if (missing(x, &role, s->if_exists) != 0) {
                return -1;
            }
            continue;
        }
        for (uint32_t u = 0; u < s->user_count; u++) {
            const struct account_name name = account_named(x, &s->users[u].account);
            struct account *a = account_edit(x, plan, &name);
            if (a != NULL) {
                account_remove_role(a, role.user, role.host);
            } else if (missing(x, &name, s->ignore_unknown_user) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int account_change_roles(struct exec_session *x, const struct grant_stmt *s, bool grant)
{
    struct account_plan plan;
    account_plan_init(&plan);
    if (check_dialect(x) != 0 || check_names(x, s) != 0 || check_admin(x, s) != 0 ||
        exec_take_writer(x) != 0) {
        return -1;
    }
    if ((grant ? grant_all(x, s, &plan) : revoke_all(x, s, &plan)) != 0) {
        account_plan_drop(&plan);
        return -1;
    }
    return account_plan_run(x, &plan);
}
