/* CREATE, ALTER, DROP and RENAME USER, SET PASSWORD. See account_int.h. */
#include "catalog/login_blocks.h"
#include "exec/account_int.h"
#include "types/charset.h"

/* MySQL's limits on the parts of an account's name, in characters. */
#define USER_CHARS_MYSQL   32
#define USER_CHARS_MARIADB 128
#define HOST_CHARS         255

void account_list_name(struct exec_session *x, struct str *names, const struct account_name *name)
{
    const struct str n = account_quoted(x, name);
    *names = names->p == NULL
                 ? n
                 : arena_printf(&x->stmt_arena, "%.*s,%.*s", STR_FMT(*names), STR_FMT(n));
}

int account_check_name(struct exec_session *x, const struct account_name *name)
{
    const int limit = x->server->dialect == DIALECT_MARIADB ? USER_CHARS_MARIADB : USER_CHARS_MYSQL;
    if (utf8_count(name->user) > (size_t)limit) {
        return diag_set(x->diag, ER_WRONG_STRING_LENGTH, arena_dup_cstr(&x->stmt_arena, name->user),
                        "user name", limit);
    }
    if (utf8_count(name->host) > HOST_CHARS) {
        return diag_set(x->diag, ER_WRONG_STRING_LENGTH, arena_dup_cstr(&x->stmt_arena, name->host),
                        "host name", HOST_CHARS);
    }
    return 0;
}

bool account_is_taken(struct exec_session *x, const struct account_plan *plan,
                      const struct account_name *name)
{
    struct account *a = accounts_find(x->server->accounts, name->user, name->host);
    account_unref(a);
    for (const struct account_change *c = plan->first; c != NULL && a == NULL; c = c->next) {
        a = c->after != NULL && str_eq(c->after->user, name->user) &&
                    str_eq_nocase(c->after->host, name->host)
                ? c->after
                : NULL;
    }
    return a != NULL;
}

static void set_options(struct account *a, const struct user_stmt *s)
{
    if (s->has_require_ssl) {
        a->require_ssl = s->require_ssl;
    }
    if (s->has_lock) {
        a->locked = s->locked;
    }
    if (s->has_expire) {
        a->password_expired = s->expired;
    }
    if (s->failed_logins.given) {
        a->failed_logins = (uint32_t)s->failed_logins.value;
    }
    if (s->lock_days.given) {
        a->lock_days = (int32_t)s->lock_days.value;
    }
    if (s->connections.given) {
        a->max_connections = (uint32_t)MIN(s->connections.value, UINT32_MAX);
    }
}

/* MySQL's limits of both numbers. */
static int check_options(struct exec_session *x, const struct user_stmt *s)
{
    if (s->failed_logins.value > INT16_MAX) {
        return diag_set(x->diag, ER_WRONG_VALUE, "FAILED_LOGIN_ATTEMPTS", "");
    }
    return s->lock_days.value > INT16_MAX
               ? diag_set(x->diag, ER_WRONG_VALUE, "PASSWORD_LOCK_TIME", "")
               : 0;
}

/* Who is unlocked, or has other limits, may fail again. */
static void forget_blocks(struct exec_session *x, const struct user_stmt *s, uint64_t id)
{
    if ((s->has_lock && !s->locked) || s->failed_logins.given || s->lock_days.given) {
        login_blocks_forget(accounts_login_blocks(x->server->accounts), id);
    }
}

/* Begins a statement that changes accounts: nobody else does until it ends. */
static int begin(struct exec_session *x, struct account_plan *plan)
{
    account_plan_init(plan);
    return exec_take_writer(x);
}

static int fail(struct account_plan *plan)
{
    account_plan_drop(plan);
    return -1;
}

/* What IF EXISTS and IF NOT EXISTS say instead of an error; the servers number it differently. */
static void note_exists(struct exec_session *x, const struct account_name *name)
{
    const char *quoted = account_quoted(x, name).p;
    if (x->server->dialect == DIALECT_MARIADB) {
        diag_warn(x->diag, DIAG_NOTE, ER_USER_CREATE_EXISTS, quoted);
    } else {
        diag_warn(x->diag, DIAG_NOTE, ER_USER_ALREADY_EXISTS, quoted);
    }
}

static void note_missing(struct exec_session *x, const struct account_name *name)
{
    const char *quoted = account_quoted(x, name).p;
    if (x->server->dialect == DIALECT_MARIADB) {
        diag_warn(x->diag, DIAG_NOTE, ER_USER_DROP_EXISTS, quoted);
    } else {
        diag_warn(x->diag, DIAG_NOTE, ER_USER_DOES_NOT_EXIST, quoted);
    }
}

/* ---- CREATE USER ---- */

struct account *account_create(struct exec_session *x, struct account_plan *plan,
                               const struct account_name *name)
{
    struct account *a = account_new();
    a->id = catalog_next_id(x->server->catalog);
    account_plan_add(x, plan, a->id, a);
    a->user = arena_dup(a->arena, name->user);
    a->host = arena_dup(a->arena, name->host);
    a->plugin = x->server->dialect == DIALECT_MARIADB ? STR("mysql_native_password")
                                                      : STR("caching_sha2_password");
    a->auth_string = STR("");
    return a;
}

static int create_one(struct exec_session *x, const struct user_stmt *s,
                      const struct user_spec *spec, struct account_plan *plan)
{
    struct account *a = account_create(x, plan, &spec->account);
    if (account_give_default_roles(x, a, &s->roles) != 0) {
        return -1;
    }
    set_options(a, s);
    const bool expired = a->password_expired;
    const int rc = account_set_password(x, a, spec);
    a->password_expired = expired;
    return rc;
}

int exec_create_user(struct exec_session *x, struct stmt *stmt)
{
    const struct user_stmt *s = &stmt->user;
    struct account_plan plan;
    struct str failed = STR_NULL;
    if (exec_check_global(x, PRIV_CREATE_USER, "CREATE USER") != 0 || check_options(x, s) != 0 ||
        begin(x, &plan) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name *name = &s->users[i].account;
        if (account_check_name(x, name) != 0) {
            return fail(&plan);
        }
        if (!account_is_taken(x, &plan, name)) {
            if (create_one(x, s, &s->users[i], &plan) != 0) {
                return fail(&plan);
            }
        } else if (s->if_exists) {
            note_exists(x, name);
        } else {
            account_list_name(x, &failed, name);
        }
    }
    if (failed.p != NULL) {
        (void)account_failed(x, "CREATE USER", failed, " (User account already exists)");
        return fail(&plan);
    }
    return account_plan_run(x, &plan);
}

/* ---- ALTER USER, SET PASSWORD ---- */

static bool is_own(const struct exec_session *x, const struct account_name *name)
{
    const struct account_name n = account_named(x, name);
    return x->account != NULL && str_eq(n.user, x->account->user) &&
           str_eq_nocase(n.host, x->account->host);
}

/* One may change one's own password, and nothing else of accounts. */
static bool is_own_password_only(const struct exec_session *x, const struct user_stmt *s)
{
    return s->count == 1 && is_own(x, &s->users[0].account) && !s->has_require_ssl &&
           !s->has_lock && !s->has_expire && !s->failed_logins.given && !s->lock_days.given &&
           !s->connections.given && s->users[0].plugin.p == NULL;
}

static int alter_one(struct exec_session *x, const struct user_stmt *s,
                     const struct user_spec *spec, struct account *a)
{
    if (account_set_password(x, a, spec) != 0) {
        return -1;
    }
    set_options(a, s);
    return account_set_default_roles(x, a, &s->roles);
}

int exec_alter_user(struct exec_session *x, struct stmt *stmt)
{
    const struct user_stmt *s = &stmt->user;
    struct account_plan plan;
    struct str failed = STR_NULL;
    if ((!is_own_password_only(x, s) &&
         exec_check_global(x, PRIV_CREATE_USER, "CREATE USER") != 0) ||
        check_options(x, s) != 0) {
        return -1;
    }
    const bool sets_own = is_own_password_only(x, s) && s->users[0].password.p != NULL;
    if (x->must_change_password && !sets_own) {
        return diag_set(x->diag, ER_MUST_CHANGE_PASSWORD);
    }
    if (begin(x, &plan) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name *name = &s->users[i].account;
        struct account *a = account_edit(x, &plan, name);
        if (a != NULL) {
            forget_blocks(x, s, a->id);
            if (alter_one(x, s, &s->users[i], a) != 0) {
                return fail(&plan);
            }
        } else if (s->if_exists) {
            note_missing(x, name);
        } else {
            account_list_name(x, &failed, name);
        }
    }
    if (failed.p != NULL) {
        (void)account_failed(x, "ALTER USER", failed, " (User account does not exist)");
        return fail(&plan);
    }
    if (account_plan_run(x, &plan) != 0) {
        return -1;
    }
    x->must_change_password = x->must_change_password && !sets_own;
    return 0;
}

int exec_check_expired(struct exec_session *x, enum stmt_kind kind)
{
    if (!x->must_change_password || kind == STMT_SET_PASSWORD) {
        return 0;
    }
    const bool allowed = x->server->dialect == DIALECT_MARIADB
                             ? kind == STMT_SET || kind == STMT_SET_NAMES
                             : kind == STMT_ALTER_USER;
    return allowed ? 0 : diag_set(x->diag, ER_MUST_CHANGE_PASSWORD);
}

int exec_set_password(struct exec_session *x, struct stmt *stmt)
{
    const struct user_spec *spec = &stmt->user.users[0];
    struct account_plan plan;
    if ((!is_own(x, &spec->account) && (x->account->global_privs & PRIV_CREATE_USER) == 0 &&
         exec_check_db(x, STR("mysql"), PRIV_UPDATE) != 0) ||
        begin(x, &plan) != 0) {
        return -1;
    }
    const bool own = is_own(x, &spec->account);
    if (x->must_change_password && !own) {
        return diag_set(x->diag, ER_MUST_CHANGE_PASSWORD);
    }
    struct account *a = account_edit(x, &plan, &spec->account);
    if (a == NULL) {
        return diag_set(x->diag, ER_PASSWORD_NO_MATCH);
    }
    if (account_set_password(x, a, spec) != 0) {
        return fail(&plan);
    }
    if (account_plan_run(x, &plan) != 0) {
        return -1;
    }
    x->must_change_password = x->must_change_password && !own;
    return 0;
}

/* ---- DROP USER ---- */

/* First the grants as roles go, then the accounts: one of them may hold another. */
static void drop_accounts(struct exec_session *x, struct account **gone, uint32_t count,
                          struct account_plan *plan)
{
    for (uint32_t i = 0; i < count; i++) {
        account_forget_role(x, plan, gone[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        account_plan_add(x, plan, gone[i]->id, NULL);
        account_unref(gone[i]);
    }
}

int account_drop_all(struct exec_session *x, const struct user_stmt *s, const char *operation)
{
    struct account **gone = ARENA_ARRAY(&x->stmt_arena, struct account *, s->count + 1);
    struct account_plan plan;
    struct str failed = STR_NULL;
    uint32_t n = 0;
    if (begin(x, &plan) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name name = account_named(x, &s->users[i].account);
        struct account *a = accounts_find(x->server->accounts, name.user, name.host);
        if (a != NULL) {
            gone[n++] = a;
        } else if (s->if_exists) {
            note_missing(x, &name);
        } else {
            account_list_name(x, &failed, &name);
        }
    }
    drop_accounts(x, gone, n, &plan);
    if (failed.p != NULL) {
        (void)account_failed(x, operation, failed, " (User account does not exist)");
        return fail(&plan);
    }
    return account_plan_run(x, &plan);
}

int exec_drop_user(struct exec_session *x, struct stmt *stmt)
{
    return exec_check_global(x, PRIV_CREATE_USER, "CREATE USER") != 0
               ? -1
               : account_drop_all(x, &stmt->user, "DROP USER");
}

/* ---- RENAME USER ---- */

int exec_rename_user(struct exec_session *x, struct stmt *stmt)
{
    const struct user_stmt *s = &stmt->user;
    struct account_plan plan;
    struct str failed = STR_NULL;
    if (exec_check_global(x, PRIV_CREATE_USER, "CREATE USER") != 0 || begin(x, &plan) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        const struct account_name *to = &s->rename_to[i];
        if (account_check_name(x, to) != 0) {
            return fail(&plan);
        }
        if (account_is_role(x, &s->users[i].account)) {
            (void)diag_set(x->diag, ER_RENAME_ROLE);
            return fail(&plan);
        }
        struct account *a =
            account_is_taken(x, &plan, to) ? NULL : account_edit(x, &plan, &s->users[i].account);
        if (a == NULL) {
            account_list_name(x, &failed, &s->users[i].account);
            continue;
        }
        a->user = arena_dup(a->arena, to->user);
        a->host = arena_dup(a->arena, to->host);
    }
    if (failed.p != NULL) {
        (void)account_failed(x, "RENAME USER", failed, "");
        return fail(&plan);
    }
    return account_plan_run(x, &plan);
}
