/*
 * Accounts and privileges (design: section 9, "Sessions and security"). Accounts are named
 * 'user'@'host' with MySQL's host patterns; a client gets the account whose host matches it most
 * exactly. Privileges are bits, granted globally, on a database, on a table, or on columns of a
 * table.
 *
 * An account is immutable once published and counted, as table definitions are: a session keeps the
 * one it logged in as and asks accounts_current() for its newest version when accounts_version()
 * has moved.
 */
#ifndef CATALOG_ACCOUNTS_H
#define CATALOG_ACCOUNTS_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"

/* Privileges, as bits. The names are in a table (privilege_find). */
enum privilege {
    PRIV_SELECT = 1u << 0,
    PRIV_INSERT = 1u << 1,
    PRIV_UPDATE = 1u << 2,
    PRIV_DELETE = 1u << 3,
    PRIV_CREATE = 1u << 4,
    PRIV_DROP = 1u << 5,
    PRIV_RELOAD = 1u << 6,
    PRIV_SHUTDOWN = 1u << 7,
    PRIV_PROCESS = 1u << 8,
    PRIV_FILE = 1u << 9,
    PRIV_REFERENCES = 1u << 10,
    PRIV_INDEX = 1u << 11,
    PRIV_ALTER = 1u << 12,
    PRIV_SHOW_DATABASES = 1u << 13,
    PRIV_SUPER =
        1u << 14, /* also stands for the dynamic SYSTEM_VARIABLES_ADMIN and CONNECTION_ADMIN */
    PRIV_CREATE_TEMPORARY_TABLES = 1u << 15,
    PRIV_LOCK_TABLES = 1u << 16,
    PRIV_CREATE_VIEW = 1u << 17,
    PRIV_SHOW_VIEW = 1u << 18,
    PRIV_CREATE_USER = 1u << 19,
    PRIV_EXECUTE = 1u << 20,
    PRIV_CREATE_ROUTINE = 1u << 21,
    PRIV_ALTER_ROUTINE = 1u << 22,
    PRIV_EVENT = 1u << 23,
    PRIV_TRIGGER = 1u << 24,
    PRIV_REPLICATION_SLAVE = 1u << 25,
    PRIV_REPLICATION_CLIENT = 1u << 26,
    PRIV_GRANT = 1u << 27, /* GRANT OPTION */
};

/* Levels at which each may be granted. */
#define PRIV_ALL_GLOBAL ((1u << 27) - 1)
#define PRIV_ALL_DB                                                                                \
    (PRIV_SELECT | PRIV_INSERT | PRIV_UPDATE | PRIV_DELETE | PRIV_CREATE | PRIV_DROP |             \
     PRIV_REFERENCES | PRIV_INDEX | PRIV_ALTER | PRIV_CREATE_TEMPORARY_TABLES | PRIV_LOCK_TABLES | \
     PRIV_CREATE_VIEW | PRIV_SHOW_VIEW | PRIV_EXECUTE | PRIV_CREATE_ROUTINE | PRIV_ALTER_ROUTINE | \
     PRIV_EVENT | PRIV_TRIGGER)
#define PRIV_ALL_TABLE                                                                             \
    (PRIV_SELECT | PRIV_INSERT | PRIV_UPDATE | PRIV_DELETE | PRIV_CREATE | PRIV_DROP |             \
     PRIV_REFERENCES | PRIV_INDEX | PRIV_ALTER | PRIV_CREATE_VIEW | PRIV_SHOW_VIEW | PRIV_TRIGGER)
#define PRIV_ALL_COLUMN (PRIV_SELECT | PRIV_INSERT | PRIV_UPDATE | PRIV_REFERENCES)

struct column_grant {
    struct str column;
    uint64_t privs;
};

/* A grant on a database (table.p NULL) or a table. Database names may hold the wildcards % and _.
 */
struct object_grant {
    struct str db;
    struct str table;
    uint64_t privs;
    uint32_t column_count;
    struct column_grant *columns;
};

/* A role granted to the account. Roles are accounts themselves. */
struct role_grant {
    struct str user;
    struct str host;
    bool admin;      /* WITH ADMIN OPTION: may be granted on */
    bool is_default; /* active from the login on */
};

/* Names an account, as a role that a session has made active. */
struct role_name {
    struct str user;
    struct str host;
};

struct account {
    uint64_t id;
    uint64_t serial; /* of this version: no other account object of the process has it */
    struct str user;
    struct str host;        /* pattern */
    struct str plugin;      /* "caching_sha2_password" or "mysql_native_password" */
    struct str auth_string; /* what the plugin stores; empty = no password */
    uint64_t global_privs;
    uint32_t grant_count;
    struct object_grant *grants;
    uint32_t role_count;
    struct role_grant *roles;
    /* Only of accounts made by account_with_roles(): what SET ROLE chose, by name. */
    uint32_t active_count;
    struct role_name *active;
    bool locked;
    bool password_expired;
    bool require_ssl;
    uint32_t failed_logins;   /* wrong passwords in a row that block it; 0 = not counted */
    int32_t lock_days;        /* for how long; 0 = not at all, -1 = for ever */
    uint32_t max_connections; /* at the same time; 0 = as many as others */
    bool loopback_only;       /* the default root without a password */
    struct arena *arena;
    _Atomic(uint32_t) refs;
};

struct accounts;
struct login_blocks; /* login_blocks.h */

NODISCARD struct accounts *accounts_new(void);
void accounts_free(struct accounts *a);
/* Who has failed to log in too often; as long as the accounts. */
NODISCARD struct login_blocks *accounts_login_blocks(const struct accounts *a);
/* Grows with every change. */
NODISCARD uint64_t accounts_version(const struct accounts *a);

NODISCARD struct account *account_new(void); /* empty, one reference */
NODISCARD struct account *account_clone(const struct account *from);
void account_ref(struct account *a);
void account_unref(struct account *a);

/* The account of exactly that name, or of the client's user name and address (most exact host
 * first; the empty user last). Counted; NULL = none. */
NODISCARD struct account *accounts_find(struct accounts *a, struct str user, struct str host);
NODISCARD struct account *accounts_match(struct accounts *a, struct str user,
                                         struct str client_host, bool client_is_local);
/* The newest version of an account, counted; NULL when it was dropped. */
NODISCARD struct account *accounts_current(struct accounts *a, const struct account *of);
/* All, by user then host; each counted. */
NODISCARD uint32_t accounts_list(struct accounts *a, struct arena *arena, struct account ***out);
/* Creates or replaces (by id); takes over the caller's reference. */
void accounts_publish(struct accounts *a, struct account *account);
void accounts_remove(struct accounts *a, uint64_t id);

/* What the account may do on a database, a table (its database and global privileges included), or
 * one column. */
NODISCARD uint64_t account_db_privs(const struct account *a, struct str db);
NODISCARD uint64_t account_table_privs(const struct account *a, struct str db, struct str table);
NODISCARD uint64_t account_column_privs(const struct account *a, struct str db, struct str table,
                                        struct str column);
/* Anything at all in the database (SHOW DATABASES, USE) or on the table (SHOW TABLES)? */
NODISCARD bool account_sees_db(const struct account *a, struct str db);
NODISCARD bool account_sees_table(const struct account *a, struct str db, struct str table);

/* Adds or takes privileges in an account not yet published. table.p NULL = the database; db.p NULL
 * = global. column.p NULL = no column. Returns 0, or -1 when there was nothing to take (1141, 1147
 * by the caller). */
void account_grant(struct account *a, struct str db, struct str table, struct str column,
                   uint64_t privs);
NODISCARD int account_revoke(struct account *a, struct str db, struct str table, struct str column,
                             uint64_t privs);

/* Roles. The grant of that role to the account, or NULL. */
NODISCARD struct role_grant *account_find_role(const struct account *a, struct str user,
                                               struct str host);
/* Adds the role to, or takes it from, an account not yet published; adding it again can only add
 * the option. Taking one that is not there does nothing. */
void account_add_role(struct account *a, const struct role_grant *role);
void account_remove_role(struct account *a, struct str user, struct str host);
/* A copy of the account, counted, with the privileges of the active roles, and of the roles granted
 * to them, added to its own. Active roles that are not granted to it (any more) add nothing, but
 * stay listed: they count again when they are granted again, as in MySQL. */
NODISCARD struct account *account_with_roles(struct accounts *a, const struct account *base,
                                             const struct role_name *active, uint32_t count);
/* Is `role` the account of that name, or granted to it through any number of roles? */
NODISCARD bool accounts_has_role(struct accounts *a, struct str user, struct str host,
                                 const struct role_name *role);

/* "SELECT", "CREATE USER", … to its bit; 0 = unknown. And the name of a bit. Dynamic privileges of
 * MySQL 8 map to PRIV_SUPER. */
NODISCARD uint64_t privilege_find(struct str name);
NODISCARD const char *privilege_name(uint64_t bit);

/* SHOW GRANTS lines and SHOW CREATE USER text as MySQL or MariaDB write them, in arena. */
NODISCARD uint32_t account_show_grants(const struct account *a, bool mariadb, struct arena *arena,
                                       struct str **out);
NODISCARD struct str account_show_create(const struct account *a, bool mariadb,
                                         struct arena *arena);

/* Text form, for persistence. */
NODISCARD struct str account_to_json(const struct account *a, struct arena *arena);
NODISCARD int account_from_json(struct str json, struct diag *diag, struct account **out);

/* Does a client address match a host pattern ('%', '_', '192.0.2.0/255.255.255.0', 'localhost')? */
NODISCARD bool account_host_matches(struct str pattern, struct str client_host,
                                    bool client_is_local);

#endif
