/* GRANT and REVOKE. See account_int.h. */
#include "exec/account_int.h"

/* Where privileges are granted: everywhere, on a database, or on a table. */
struct target {
    struct str db;    /* p NULL = everywhere */
    struct str table; /* p NULL = no table */
    uint64_t all;     /* what ALL PRIVILEGES means there */
};

/* Privileges that the servers have and that mean nothing here; they are refused by name rather
 * than as a mistake in the syntax. */
static const char *const unsupported[] = {
    "APPLICATION_PASSWORD_ADMIN",
    "AUDIT_ADMIN",
    "BACKUP_ADMIN",
    "BINLOG_ADMIN",
    "BINLOG_ENCRYPTION_ADMIN",
    "CLONE_ADMIN",
    "CREATE ROLE",
    "CREATE TABLESPACE",
    "DELETE HISTORY",
    "DROP ROLE",
    "ENCRYPTION_KEY_ADMIN",
    "FLUSH_OPTIMIZER_COSTS",
    "FLUSH_STATUS",
    "FLUSH_TABLES",
    "FLUSH_USER_RESOURCES",
    "GROUP_REPLICATION_ADMIN",
    "INNODB_REDO_LOG_ARCHIVE",
    "INNODB_REDO_LOG_ENABLE",
    "PERSIST_RO_VARIABLES_ADMIN",
    "PROXY",
    "REPLICATION_APPLIER",
    "REPLICATION_SLAVE_ADMIN",
    "RESOURCE_GROUP_ADMIN",
    "RESOURCE_GROUP_USER",
    "ROLE_ADMIN",
    "SERVICE_CONNECTION_ADMIN",
    "SET_USER_ID",
    "SHOW_ROUTINE",
    "SYSTEM_USER",
    "TABLE_ENCRYPTION_ADMIN",
    "XA_RECOVER_ADMIN",
};

static const char *text(struct exec_session *x, struct str s)
{
    return arena_dup_cstr(&x->stmt_arena, s);
}

static int find_target(struct exec_session *x, const struct grant_stmt *s, struct target *out)
{
    if (s->all_dbs) {
        *out = (struct target){.db = STR_NULL, .table = STR_NULL, .all = PRIV_ALL_GLOBAL};
        return 0;
    }
    if (exec_db_or_current(x, s->object.db, &out->db) != 0) {
        return -1;
    }
    out->table = s->db_level ? STR_NULL : s->object.name;
    out->all = s->db_level ? PRIV_ALL_DB : PRIV_ALL_TABLE;
    return 0;
}

/* ---- The list of privileges ---- */

static int wrong_level(struct exec_session *x, const struct target *t, bool on_columns)
{
    if (on_columns) {
        return diag_set(x->diag, ER_WRONG_USAGE, "COLUMN GRANT", "NON-COLUMN PRIVILEGES");
    }
    return t->table.p == NULL ? diag_set(x->diag, ER_WRONG_USAGE, "DB GRANT", "GLOBAL PRIVILEGES")
                              : diag_set(x->diag, ER_ILLEGAL_GRANT_FOR_TABLE);
}

static int unknown_privilege(struct exec_session *x, const struct target *t, struct str name)
{
    for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++) {
        if (str_eq_nocase(name, str_from_cstr(unsupported[i]))) {
            return diag_set(x->diag, ER_NOT_SUPPORTED_YET,
                            arena_printf(&x->stmt_arena, "the privilege %s", unsupported[i]).p);
        }
    }
    /* In MySQL a name that is not built in may be a dynamic privilege, and those are global. */
    return x->server->dialect == DIALECT_MYSQL && t->db.p != NULL
               ? diag_set(x->diag, ER_ILLEGAL_PRIVILEGE_LEVEL, text(x, name))
               : diag_set(x->diag, ER_SYNTAX_ERROR);
}

/* The bits of one item; those it names on columns are not in *out. */
static int item_privileges(struct exec_session *x, const struct target *t,
                           const struct priv_item *item, uint64_t *out)
{
    *out = 0;
    if (str_eq(item->name, STR("ALL PRIVILEGES"))) {
        *out = t->all;
        return 0;
    }
    if (str_eq(item->name, STR("USAGE"))) {
        return 0;
    }
    const uint64_t bit = str_eq(item->name, STR("BINLOG MONITOR")) ? PRIV_REPLICATION_CLIENT
                                                                   : privilege_find(item->name);
    if (bit == 0) {
        return unknown_privilege(x, t, item->name);
    }
    if (item->column_count > 0 && (bit & PRIV_ALL_COLUMN) == 0) {
        return wrong_level(x, t, true);
    }
    if ((bit & (t->all | PRIV_GRANT)) == 0) {
        return wrong_level(x, t, false);
    }
    *out = bit;
    return 0;
}

/* All the bits of a statement, wherever they apply. */
static int all_privileges(struct exec_session *x, const struct target *t,
                          const struct grant_stmt *s, uint64_t *out_whole, uint64_t *out_columns)
{
    *out_whole = s->grant_option ? PRIV_GRANT : 0;
    *out_columns = 0;
    for (uint32_t i = 0; i < s->priv_count; i++) {
        uint64_t privs;
        if (item_privileges(x, t, &s->privs[i], &privs) != 0) {
            return -1;
        }
        *(s->privs[i].column_count > 0 ? out_columns : out_whole) |= privs;
    }
    return 0;
}

/* ---- May the session give (or take) them? ---- */

static int denied_globally(struct exec_session *x)
{
    const struct account *a = x->account;
    return diag_set(x->diag, ER_ACCESS_DENIED_ERROR, a->user.p, x->login_host.p,
                    a->auth_string.len > 0 ? "YES" : "NO");
}

static int check_columns(struct exec_session *x, const struct target *t, const struct grant_stmt *s)
{
    for (uint32_t i = 0; i < s->priv_count; i++) {
        const uint64_t privs = privilege_find(s->privs[i].name);
        for (uint32_t c = 0; c < s->privs[i].column_count; c++) {
            const struct str column = s->privs[i].columns[c];
            const uint64_t have = account_column_privs(x->account, t->db, t->table, column);
            if ((have & privs) != privs) {
                return diag_set(x->diag, ER_TABLEACCESS_DENIED_ERROR, privilege_name(privs & ~have),
                                x->account->user.p, x->login_host.p, text(x, t->table));
            }
        }
    }
    return 0;
}

/* One gives what one has, with GRANT OPTION. */
static int check_grantor(struct exec_session *x, const struct target *t, const struct grant_stmt *s,
                         uint64_t privs)
{
    if (x->account == NULL) {
        return diag_set(x->diag, ER_SPECIFIC_ACCESS_DENIED_ERROR, "GRANT OPTION");
    }
    const uint64_t needed = privs | PRIV_GRANT;
    if (t->db.p == NULL) {
        return (x->account->global_privs & needed) == needed ? 0 : denied_globally(x);
    }
    if (t->table.p == NULL) {
        return exec_check_db(x, t->db, needed);
    }
    const uint64_t have = account_table_privs(x->account, t->db, t->table);
    if ((have & PRIV_GRANT) == 0) {
        return diag_set(x->diag, ER_TABLEACCESS_DENIED_ERROR, "GRANT", x->account->user.p,
                        x->login_host.p, text(x, t->table));
    }
    return exec_check_table(x, t->db, t->table, privs) != 0 ? -1 : check_columns(x, t, s);
}

/* ---- Is what is granted on there? ---- */

static int check_column_names(struct exec_session *x, const struct table_def *t,
                              const struct grant_stmt *s)
{
    for (uint32_t i = 0; i < s->priv_count; i++) {
        for (uint32_t c = 0; c < s->privs[i].column_count; c++) {
            if (table_find_column(t, s->privs[i].columns[c]) < 0) {
                return diag_set(x->diag, ER_BAD_FIELD_ERROR, text(x, s->privs[i].columns[c]),
                                text(x, t->name));
            }
        }
    }
    return 0;
}

/* The table must exist unless the right to create it is granted; databases need not. */
static int check_object(struct exec_session *x, const struct target *t, const struct grant_stmt *s,
                        uint64_t privs)
{
    if (t->table.p == NULL) {
        return 0;
    }
    struct table_def *def = catalog_find_table(x->server->catalog, t->db, t->table);
    if (def == NULL) {
        return (privs & PRIV_CREATE) != 0
                   ? 0
                   : diag_set(x->diag, ER_NO_SUCH_TABLE, text(x, t->db), text(x, t->table));
    }
    const int rc = check_column_names(x, def, s);
    table_def_unref(def);
    return rc;
}

/* ---- GRANT ---- */

static void grant_columns(struct account *a, const struct target *t, const struct priv_item *item)
{
    for (uint32_t c = 0; c < item->column_count; c++) {
        account_grant(a, t->db, t->table, item->columns[c], privilege_find(item->name));
    }
}

static int no_such_grantee(struct exec_session *x)
{
    return x->server->dialect == DIALECT_MARIADB
               ? diag_set(x->diag, ER_PASSWORD_NO_MATCH)
               : diag_set(x->diag, ER_CANT_CREATE_USER_WITH_GRANT);
}

static int grant_to(struct exec_session *x, const struct target *t, const struct grant_stmt *s,
                    uint64_t whole, struct account_plan *plan)
{
    for (uint32_t i = 0; i < s->user_count; i++) {
        const struct user_spec *spec = &s->users[i];
        struct account *a = account_edit(x, plan, &spec->account);
        if (a == NULL) {
            return no_such_grantee(x);
        }
        if (account_set_password(x, a, spec) != 0) {
            return -1;
        }
        if (whole != 0) {
            account_grant(a, t->db, t->table, STR_NULL, whole);
        }
        for (uint32_t p = 0; p < s->priv_count; p++) {
            grant_columns(a, t, &s->privs[p]);
        }
    }
    return 0;
}

int exec_grant(struct exec_session *x, struct stmt *stmt)
{
    const struct grant_stmt *s = &stmt->grant;
    struct target t;
    uint64_t whole;
    uint64_t columns;
    if (s->is_role) {
        return account_change_roles(x, s, true);
    }
    if (find_target(x, s, &t) != 0 || all_privileges(x, &t, s, &whole, &columns) != 0 ||
        check_grantor(x, &t, s, whole & ~(uint64_t)PRIV_GRANT) != 0 ||
        check_object(x, &t, s, whole) != 0 || exec_take_writer(x) != 0) {
        return -1;
    }
    struct account_plan plan;
    account_plan_init(&plan);
    if (grant_to(x, &t, s, whole, &plan) != 0) {
        account_plan_drop(&plan);
        return -1;
    }
    return account_plan_run(x, &plan);
}

/* ---- REVOKE ---- */

static const struct object_grant *find_grant(const struct account *a, const struct target *t)
{
    for (uint32_t i = 0; i < a->grant_count; i++) {
        const struct object_grant *g = &a->grants[i];
        if (str_eq(g->db, t->db) && (g->table.p == NULL) == (t->table.p == NULL) &&
            str_eq(g->table, t->table)) {
            return g;
        }
    }
    return NULL;
}

static int no_such_grant(struct exec_session *x, const struct account_name *name,
                         const struct target *t)
{
    if (t->table.p == NULL) {
        return diag_set(x->diag, ER_NONEXISTING_GRANT, text(x, name->user), text(x, name->host));
    }
    return diag_set(x->diag, ER_NONEXISTING_TABLE_GRANT, text(x, name->user), text(x, name->host),
                    text(x, t->table));
}

/* What goes from the table goes from its columns too. */
static void revoke_whole(struct account *a, const struct target *t, uint64_t privs)
{
    const struct object_grant *g = t->db.p == NULL ? NULL : find_grant(a, t);
    if (g != NULL && t->table.p != NULL) {
        for (uint32_t c = 0; c < g->column_count; c++) {
            g->columns[c].privs &= ~privs;
        }
    }
    (void)!account_revoke(a, t->db, t->table, STR_NULL, privs); /* the caller knows there is one */
}

static int revoke_columns(struct account *a, const struct target *t, const struct priv_item *item)
{
    for (uint32_t c = 0; c < item->column_count; c++) {
        const uint64_t privs = privilege_find(item->name);
        if (account_revoke(a, t->db, t->table, item->columns[c], privs) != 0) {
            return -1;
        }
    }
    return 0;
}

static int revoke_from(struct exec_session *x, const struct target *t, const struct grant_stmt *s,
                       uint64_t whole, struct account_plan *plan)
{
    for (uint32_t i = 0; i < s->user_count; i++) {
        const struct account_name name = account_named(x, &s->users[i].account);
        struct account *a = account_edit(x, plan, &name);
        if (a == NULL) {
            const struct target nowhere = {.table = STR_NULL};
            return no_such_grant(x, &name, &nowhere);
        }
        if (t->db.p != NULL && find_grant(a, t) == NULL) {
            return no_such_grant(x, &name, t);
        }
        for (uint32_t p = 0; p < s->priv_count; p++) {
            if (revoke_columns(a, t, &s->privs[p]) != 0) {
                return no_such_grant(x, &name, t);
            }
        }
        if (whole != 0) {
            revoke_whole(a, t, whole);
        }
    }
    return 0;
}

/* REVOKE ALL PRIVILEGES, GRANT OPTION FROM … */
static int revoke_everything(struct exec_session *x, const struct grant_stmt *s,
                             struct account_plan *plan)
{
    for (uint32_t i = 0; i < s->user_count; i++) {
        struct account *a = account_edit(x, plan, &s->users[i].account);
        if (a == NULL) {
            return diag_set(x->diag, ER_REVOKE_GRANTS);
        }
        a->global_privs = 0;
        a->grant_count = 0;
    }
    return 0;
}

static int run_revoke(struct exec_session *x, const struct target *t, const struct grant_stmt *s,
                      uint64_t whole)
{
    struct account_plan plan;
    account_plan_init(&plan);
    const int rc =
        s->revoke_all ? revoke_everything(x, s, &plan) : revoke_from(x, t, s, whole, &plan);
    if (rc != 0) {
        account_plan_drop(&plan);
        return -1;
    }
    return account_plan_run(x, &plan);
}

int exec_revoke(struct exec_session *x, struct stmt *stmt)
{
    const struct grant_stmt *s = &stmt->grant;
    struct target t = {.table = STR_NULL};
    uint64_t whole = 0;
    uint64_t columns;
    if (s->is_role) {
        return account_change_roles(x, s, false);
    }
    if (s->revoke_all) {
        return exec_check_global(x, PRIV_CREATE_USER, "CREATE USER") != 0 ||
                       exec_take_writer(x) != 0
                   ? -1
                   : run_revoke(x, &t, s, 0);
    }
    if (find_target(x, s, &t) != 0 || all_privileges(x, &t, s, &whole, &columns) != 0 ||
        check_grantor(x, &t, s, whole & ~(uint64_t)PRIV_GRANT) != 0 || exec_take_writer(x) != 0) {
        return -1;
    }
    return run_revoke(x, &t, s, whole);
}
