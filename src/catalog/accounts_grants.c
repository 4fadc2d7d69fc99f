/*
 * Accounts as statements: SHOW GRANTS and SHOW CREATE USER, in the words of the dialect's server.
 */
#include "base/bytebuf.h"
#include "catalog/accounts.h"

#include <stdlib.h>

/* Longer than any statement that could have made an account. */
#define GRANT_TEXT_MAX ((size_t)16 << 20)

/* In the servers' order. */
static const uint64_t shown_order[] = {
    PRIV_SELECT,
    PRIV_INSERT,
    PRIV_UPDATE,
    PRIV_DELETE,
    PRIV_CREATE,
    PRIV_DROP,
    PRIV_RELOAD,
    PRIV_SHUTDOWN,
    PRIV_PROCESS,
    PRIV_FILE,
    PRIV_REFERENCES,
    PRIV_INDEX,
    PRIV_ALTER,
    PRIV_SHOW_DATABASES,
    PRIV_SUPER,
    PRIV_CREATE_TEMPORARY_TABLES,
    PRIV_LOCK_TABLES,
    PRIV_EXECUTE,
    PRIV_REPLICATION_SLAVE,
    PRIV_REPLICATION_CLIENT,
    PRIV_CREATE_VIEW,
    PRIV_SHOW_VIEW,
    PRIV_CREATE_ROUTINE,
    PRIV_ALTER_ROUTINE,
    PRIV_CREATE_USER,
    PRIV_EVENT,
    PRIV_TRIGGER,
};

struct printer {
    struct bytebuf b;
    struct arena *arena;
    bool mariadb;
};

static struct str take(struct printer *p)
{
    const struct str s = arena_dup(p->arena, bytebuf_str(&p->b));
    bytebuf_reset(&p->b);
    return s;
}

static void put_text(struct bytebuf *b, struct str s)
{
    bytebuf_put_char(b, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\'' || s.p[i] == '\\') {
            bytebuf_put_char(b, '\\');
        }
        bytebuf_put_char(b, s.p[i]);
    }
    bytebuf_put_char(b, '\'');
}

static void put_name(struct bytebuf *b, const struct account *a)
{
    bytebuf_put_quoted(b, a->user, "`");
    bytebuf_put_char(b, '@');
    bytebuf_put_quoted(b, a->host, "`");
}

/* ---- Lists of privileges ---- */

static void put_item(struct printer *p, const char *item, bool *first)
{
    if (!*first) {
        bytebuf_put_cstr(&p->b, ", ");
    }
    *first = false;
    bytebuf_put_cstr(&p->b, item);
}

static const char *shown_name(const struct printer *p, uint64_t bit)
{
    return p->mariadb && bit == PRIV_REPLICATION_CLIENT ? "BINLOG MONITOR" : privilege_name(bit);
}

static int by_column(const void *x, const void *y)
{
    return str_cmp_nocase(((const struct column_grant *)x)->column,
                          ((const struct column_grant *)y)->column);
}

/* "UPDATE (`a`, `b`)" */
static void put_columns(struct printer *p, const struct object_grant *g, uint64_t bit, bool *first)
{
    bool any = false;
    for (uint32_t i = 0; i < g->column_count; i++) {
        if ((g->columns[i].privs & bit) == 0) {
            continue;
        }
        if (!any) {
            put_item(p, shown_name(p, bit), first);
            bytebuf_put_cstr(&p->b, " (");
        } else {
            bytebuf_put_cstr(&p->b, ", ");
        }
        any = true;
        bytebuf_put_quoted(&p->b, g->columns[i].column, "`");
    }
    if (any) {
        bytebuf_put_char(&p->b, ')');
    }
}

/* g: its column privileges come along; NULL = none. */
static void put_privileges(struct printer *p, uint64_t privs, uint64_t all,
                           const struct object_grant *g)
{
    bool first = true;
    const bool lists_all = all == PRIV_ALL_GLOBAL && !p->mariadb;
    if ((privs & all) == all && !lists_all) {
        bytebuf_put_cstr(&p->b, "ALL PRIVILEGES");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(shown_order); i++) {
        if ((privs & shown_order[i]) != 0) {
            put_item(p, shown_name(p, shown_order[i]), &first);
        }
        if (g != NULL) {
            put_columns(p, g, shown_order[i], &first);
        }
    }
    if (first) {
        bytebuf_put_cstr(&p->b, "USAGE");
    }
}

/* ---- SHOW GRANTS ---- */

static void put_grant_option(struct printer *p, uint64_t privs)
{
    if ((privs & PRIV_GRANT) != 0) {
        bytebuf_put_cstr(&p->b, " WITH GRANT OPTION");
    }
}

/* MariaDB writes how the account is identified into its first line. */
static void put_identified(struct printer *p, const struct account *a)
{
    if (a->auth_string.len == 0) {
        return;
    }
    if (str_eq(a->plugin, STR("mysql_native_password"))) {
        bytebuf_put_cstr(&p->b, " IDENTIFIED BY PASSWORD ");
        put_text(&p->b, a->auth_string);
        return;
    }
    bytebuf_printf(&p->b, " IDENTIFIED VIA %.*s USING ", STR_FMT(a->plugin));
    put_text(&p->b, a->auth_string);
}

static void put_limits(struct printer *p, const struct account *a)
{
    if (a->max_connections > 0) {
        bytebuf_printf(&p->b, " WITH MAX_USER_CONNECTIONS %u", a->max_connections);
    }
}

static struct str global_line(struct printer *p, const struct account *a)
{
    bytebuf_put_cstr(&p->b, "GRANT ");
    put_privileges(p, a->global_privs, PRIV_ALL_GLOBAL, NULL);
    bytebuf_put_cstr(&p->b, " ON *.* TO ");
    put_name(&p->b, a);
    if (p->mariadb) {
        put_identified(p, a);
        bytebuf_put_cstr(&p->b, a->require_ssl ? " REQUIRE SSL" : "");
    }
    put_grant_option(p, a->global_privs);
    if (p->mariadb && a->max_connections > 0) {
        bytebuf_put_cstr(&p->b, (a->global_privs & PRIV_GRANT) != 0 ? "" : " WITH");
        bytebuf_printf(&p->b, " MAX_USER_CONNECTIONS %u", a->max_connections);
    }
    return take(p);
}

static struct str object_line(struct printer *p, const struct account *a,
                              const struct object_grant *g)
{
    bytebuf_put_cstr(&p->b, "GRANT ");
    put_privileges(p, g->privs, g->table.p == NULL ? PRIV_ALL_DB : PRIV_ALL_TABLE, g);
    bytebuf_put_cstr(&p->b, " ON ");
    bytebuf_put_quoted(&p->b, g->db, "`");
    bytebuf_put_char(&p->b, '.');
    if (g->table.p == NULL) {
        bytebuf_put_char(&p->b, '*');
    } else {
        bytebuf_put_quoted(&p->b, g->table, "`");
    }
    bytebuf_put_cstr(&p->b, " TO ");
    put_name(&p->b, a);
    put_grant_option(p, g->privs);
    return take(p);
}

/* Databases before tables, each by name. */
static int by_object(const void *x, const void *y)
{
    const struct object_grant *a = x;
    const struct object_grant *b = y;
    if ((a->table.p == NULL) != (b->table.p == NULL)) {
        return a->table.p == NULL ? -1 : 1;
    }
    const int by_db = str_cmp(a->db, b->db);
    return by_db != 0 ? by_db : str_cmp(a->table, b->table);
}

/* In a copy: the account is shared. */
static void sort_columns(struct object_grant *g, struct arena *arena)
{
    const size_t n = g->column_count;
    if (n == 0) {
        return;
    }
    struct column_grant *copy = ARENA_ARRAY(arena, struct column_grant, n);
    memcpy(copy, g->columns, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, by_column);
    g->columns = copy;
}

static int by_role(const void *x, const void *y)
{
    const struct role_grant *a = x;
    const struct role_grant *b = y;
    const int by_user = str_cmp(a->user, b->user);
    return by_user != 0 ? by_user : str_cmp(a->host, b->host);
}

static const struct role_grant *sorted_roles(const struct account *a, struct arena *arena)
{
    struct role_grant *copy = ARENA_ARRAY(arena, struct role_grant, a->role_count + 1);
    for (uint32_t i = 0; i < a->role_count; i++) {
        copy[i] = a->roles[i];
    }
    qsort(copy, a->role_count, sizeof *copy, by_role);
    return copy;
}

static void put_role(struct printer *p, const struct role_grant *role, bool *first)
{
    if (!*first) {
        bytebuf_put_char(&p->b, ',');
    }
    *first = false;
    bytebuf_put_quoted(&p->b, role->user, "`");
    bytebuf_put_char(&p->b, '@');
    bytebuf_put_quoted(&p->b, role->host, "`");
}

/* The roles granted with or without the option, on one line; false = none. */
static bool roles_line(struct printer *p, const struct account *a, bool admin, struct str *out)
{
    const struct role_grant *roles = sorted_roles(a, p->arena);
    bool first = true;
    bytebuf_put_cstr(&p->b, "GRANT ");
    for (uint32_t i = 0; i < a->role_count; i++) {
        if (roles[i].admin == admin) {
            put_role(p, &roles[i], &first);
        }
    }
    bytebuf_put_cstr(&p->b, " TO ");
    put_name(&p->b, a);
    bytebuf_put_cstr(&p->b, admin ? " WITH ADMIN OPTION" : "");
    *out = take(p);
    return !first;
}

uint32_t account_show_grants(const struct account *a, bool mariadb, struct arena *arena,
                             struct str **out)
{
    struct printer p = {.arena = arena, .mariadb = mariadb};
    struct object_grant *grants = ARENA_ARRAY(arena, struct object_grant, a->grant_count + 1);
    struct str *lines = ARENA_ARRAY(arena, struct str, a->grant_count + 3);
    bytebuf_init(&p.b, GRANT_TEXT_MAX);
    for (uint32_t i = 0; i < a->grant_count; i++) {
        grants[i] = a->grants[i];
        sort_columns(&grants[i], arena);
    }
    qsort(grants, a->grant_count, sizeof *grants, by_object);
    lines[0] = global_line(&p, a);
    for (uint32_t i = 0; i < a->grant_count; i++) {
        lines[i + 1] = object_line(&p, a, &grants[i]);
    }
    uint32_t n = a->grant_count + 1;
    n += roles_line(&p, a, false, &lines[n]) ? 1 : 0;
    n += roles_line(&p, a, true, &lines[n]) ? 1 : 0;
    bytebuf_release(&p.b);
    *out = lines;
    return n;
}

/* ---- SHOW CREATE USER ---- */

static void put_mysql_user(struct printer *p, const struct account *a)
{
    bytebuf_printf(&p->b, " IDENTIFIED WITH '%.*s'", STR_FMT(a->plugin));
    if (a->auth_string.len > 0) {
        bytebuf_put_cstr(&p->b, " AS ");
        put_text(&p->b, a->auth_string);
    }
    const struct role_grant *roles = sorted_roles(a, p->arena);
    bool first = true;
    for (uint32_t i = 0; i < a->role_count; i++) {
        if (roles[i].is_default) {
            bytebuf_put_cstr(&p->b, first ? " DEFAULT ROLE " : "");
            put_role(p, &roles[i], &first);
        }
    }
    bytebuf_printf(&p->b, " REQUIRE %s", a->require_ssl ? "SSL" : "NONE");
    put_limits(p, a);
    bytebuf_printf(&p->b,
                   " PASSWORD EXPIRE%s ACCOUNT %s PASSWORD HISTORY DEFAULT PASSWORD "
                   "REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT",
                   a->password_expired ? "" : " DEFAULT", a->locked ? "LOCK" : "UNLOCK");
    if (a->failed_logins > 0) {
        bytebuf_printf(&p->b, " FAILED_LOGIN_ATTEMPTS %u", a->failed_logins);
    }
    if (a->lock_days < 0) {
        bytebuf_put_cstr(&p->b, " PASSWORD_LOCK_TIME UNBOUNDED");
    } else if (a->lock_days > 0) {
        bytebuf_printf(&p->b, " PASSWORD_LOCK_TIME %d", a->lock_days);
    }
}

static void put_mariadb_user(struct printer *p, const struct account *a)
{
    put_identified(p, a);
    bytebuf_put_cstr(&p->b, a->require_ssl ? " REQUIRE SSL" : "");
    put_limits(p, a);
    bytebuf_put_cstr(&p->b, a->locked ? " ACCOUNT LOCK" : "");
    bytebuf_put_cstr(&p->b, a->password_expired ? " PASSWORD EXPIRE" : "");
}

struct str account_show_create(const struct account *a, bool mariadb, struct arena *arena)
{
    struct printer p = {.arena = arena, .mariadb = mariadb};
    bytebuf_init(&p.b, GRANT_TEXT_MAX);
    bytebuf_put_cstr(&p.b, "CREATE USER ");
    put_name(&p.b, a);
    if (mariadb) {
        put_mariadb_user(&p, a);
    } else {
        put_mysql_user(&p, a);
    }
    const struct str s = take(&p);
    bytebuf_release(&p.b);
    return s;
}
