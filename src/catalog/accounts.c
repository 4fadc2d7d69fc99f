/*
 * The published accounts: a list under a read-write lock; and what an account may do. Lock:
 * accounts.lock, a leaf.
 */
#include "catalog/accounts.h"

#include "catalog/login_blocks.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct accounts {
    pthread_rwlock_t lock;
    struct account **list; /* one reference each */
    uint32_t count;
    uint32_t cap;
    _Atomic(uint64_t) version;
    struct login_blocks *blocks;
};

/* ---- Privileges ---- */

static const struct {
    uint64_t bit;
    const char *name;
} privileges[] = {
    {PRIV_SELECT, "SELECT"},
    {PRIV_INSERT, "INSERT"},
    {PRIV_UPDATE, "UPDATE"},
    {PRIV_DELETE, "DELETE"},
    {PRIV_CREATE, "CREATE"},
    {PRIV_DROP, "DROP"},
    {PRIV_RELOAD, "RELOAD"},
    {PRIV_SHUTDOWN, "SHUTDOWN"},
    {PRIV_PROCESS, "PROCESS"},
    {PRIV_FILE, "FILE"},
    {PRIV_REFERENCES, "REFERENCES"},
    {PRIV_INDEX, "INDEX"},
    {PRIV_ALTER, "ALTER"},
    {PRIV_SHOW_DATABASES, "SHOW DATABASES"},
    {PRIV_SUPER, "SUPER"},
    {PRIV_CREATE_TEMPORARY_TABLES, "CREATE TEMPORARY TABLES"},
    {PRIV_LOCK_TABLES, "LOCK TABLES"},
    {PRIV_EXECUTE, "EXECUTE"},
    {PRIV_REPLICATION_SLAVE, "REPLICATION SLAVE"},
    {PRIV_REPLICATION_CLIENT, "REPLICATION CLIENT"},
    {PRIV_CREATE_VIEW, "CREATE VIEW"},
    {PRIV_SHOW_VIEW, "SHOW VIEW"},
    {PRIV_CREATE_ROUTINE, "CREATE ROUTINE"},
    {PRIV_ALTER_ROUTINE, "ALTER ROUTINE"},
    {PRIV_CREATE_USER, "CREATE USER"},
    {PRIV_EVENT, "EVENT"},
    {PRIV_TRIGGER, "TRIGGER"},
    {PRIV_GRANT, "GRANT OPTION"},
    /* Dynamic privileges of MySQL 8 that the ones above stand for. */
    {PRIV_SUPER, "SYSTEM_VARIABLES_ADMIN"},
    {PRIV_SUPER, "SESSION_VARIABLES_ADMIN"},
    {PRIV_SUPER, "CONNECTION_ADMIN"},
    {PRIV_REPLICATION_CLIENT, "REPLICA MONITOR"},
};

uint64_t privilege_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_SIZE(privileges); i++) {
        if (str_eq_nocase(name, str_from_cstr(privileges[i].name))) {
            return privileges[i].bit;
        }
    }
    return 0;
}

const char *privilege_name(uint64_t bit)
{
    for (size_t i = 0; i < ARRAY_SIZE(privileges); i++) {
        if (privileges[i].bit == bit) {
            return privileges[i].name;
        }
    }
    return "";
}

/* ---- Life of an account ---- */

struct account *account_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) {
        abort();
    }
    arena_init(arena, 0);
    struct account *a = ARENA_NEW(arena, struct account);
    static _Atomic(uint64_t) made;
    a->arena = arena;
    a->serial = atomic_fetch_add(&made, 1) + 1;
    atomic_init(&a->refs, 1);
    return a;
}

void account_ref(struct account *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
}

void account_unref(struct account *a)
{
    if (a == NULL || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct arena *arena = a->arena;
    arena_release(arena);
    free(arena);
}

static void grant_copy(struct arena *arena, const struct object_grant *from,
                       struct object_grant *to)
{
    *to = *from;
    to->db = arena_dup(arena, from->db);
    to->table = from->table.p == NULL ? STR_NULL : arena_dup(arena, from->table);
    to->columns = ARENA_ARRAY(arena, struct column_grant, from->column_count + 1);
    for (uint32_t i = 0; i < from->column_count; i++) {
        to->columns[i] = (struct column_grant){.column = arena_dup(arena, from->columns[i].column),
                                               .privs = from->columns[i].privs};
    }
}

struct account *account_clone(const struct account *from)
{
    struct account *a = account_new();
    struct arena *arena = a->arena;
    a->id = from->id;
    a->user = arena_dup(arena, from->user);
    a->host = arena_dup(arena, from->host);
    a->plugin = arena_dup(arena, from->plugin);
    a->auth_string = arena_dup(arena, from->auth_string);
    a->global_privs = from->global_privs;
    a->grant_count = from->grant_count;
    a->grants = ARENA_ARRAY(arena, struct object_grant, from->grant_count + 1);
    for (uint32_t i = 0; i < from->grant_count; i++) {
        grant_copy(arena, &from->grants[i], &a->grants[i]);
    }
    a->role_count = from->role_count;
    a->roles = ARENA_ARRAY(arena, struct role_grant, from->role_count + 1);
    for (uint32_t i = 0; i < from->role_count; i++) {
        a->roles[i] = from->roles[i];
        a->roles[i].user = arena_dup(arena, from->roles[i].user);
        a->roles[i].host = arena_dup(arena, from->roles[i].host);
    }
    a->locked = from->locked;
    a->password_expired = from->password_expired;
    a->require_ssl = from->require_ssl;
    a->failed_logins = from->failed_logins;
    a->lock_days = from->lock_days;
    a->max_connections = from->max_connections;
    a->loopback_only = from->loopback_only;
    return a;
}

/* ---- The published list ---- */

struct accounts *accounts_new(void)
{
    struct accounts *a = calloc(1, sizeof *a);
    if (a == NULL) {
        abort();
    }
    pthread_rwlock_init(&a->lock, NULL);
    atomic_init(&a->version, 1);
    a->blocks = login_blocks_new();
    return a;
}

void accounts_free(struct accounts *a)
{
    if (a == NULL) {
        return;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        account_unref(a->list[i]);
    }
    free(a->list);
    login_blocks_free(a->blocks);
    pthread_rwlock_destroy(&a->lock);
    free(a);
}

struct login_blocks *accounts_login_blocks(const struct accounts *a)
{
    return a->blocks;
}

uint64_t accounts_version(const struct accounts *a)
{
    return atomic_load_explicit(&a->version, memory_order_acquire);
}

static int64_t index_of(const struct accounts *a, uint64_t id)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->list[i]->id == id) {
            return i;
        }
    }
    return -1;
}

void accounts_publish(struct accounts *a, struct account *account)
{
    struct account *before = NULL;
    pthread_rwlock_wrlock(&a->lock);
    const int64_t at = index_of(a, account->id);
    if (at >= 0) {
        before = a->list[at];
        a->list[at] = account;
    } else {
        if (a->count == a->cap) {
            a->cap = a->cap == 0 ? 16 : a->cap * 2;
            a->list = realloc(a->list, a->cap * sizeof(struct account *));
            if (a->list == NULL) {
                abort();
            }
        }
        a->list[a->count++] = account;
    }
    atomic_fetch_add(&a->version, 1);
    pthread_rwlock_unlock(&a->lock);
    account_unref(before);
}

void accounts_remove(struct accounts *a, uint64_t id)
{
    struct account *gone = NULL;
    pthread_rwlock_wrlock(&a->lock);
    const int64_t at = index_of(a, id);
    if (at >= 0) {
        gone = a->list[at];
        a->list[at] = a->list[--a->count];
    }
    atomic_fetch_add(&a->version, 1);
    pthread_rwlock_unlock(&a->lock);
    account_unref(gone);
}

struct account *accounts_find(struct accounts *a, struct str user, struct str host)
{
    struct account *found = NULL;
    pthread_rwlock_rdlock(&a->lock);
    for (uint32_t i = 0; i < a->count && found == NULL; i++) {
        if (str_eq(a->list[i]->user, user) && str_eq_nocase(a->list[i]->host, host)) {
            found = a->list[i];
            account_ref(found);
        }
    }
    pthread_rwlock_unlock(&a->lock);
    return found;
}

struct account *accounts_current(struct accounts *a, const struct account *of)
{
    struct account *found = NULL;
    pthread_rwlock_rdlock(&a->lock);
    const int64_t at = index_of(a, of->id);
    if (at >= 0) {
        found = a->list[at];
        account_ref(found);
    }
    pthread_rwlock_unlock(&a->lock);
    return found;
}

static int by_name(const void *x, const void *y)
{
    const struct account *a = *(struct account *const *)x;
    const struct account *b = *(struct account *const *)y;
    const int by_user = str_cmp(a->user, b->user);
    return by_user != 0 ? by_user : str_cmp(a->host, b->host);
}

uint32_t accounts_list(struct accounts *a, struct arena *arena, struct account ***out)
{
    pthread_rwlock_rdlock(&a->lock);
    const uint32_t n = a->count;
    struct account **list = ARENA_ARRAY(arena, struct account *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        list[i] = a->list[i];
        account_ref(list[i]);
    }
    pthread_rwlock_unlock(&a->lock);
    if (n > 0) {
        qsort(list, n, sizeof(struct account *), by_name);
    }
    *out = list;
    return n;
}

/* ---- Hosts ---- */

static bool same_byte(char a, char b, bool fold)
{
    return a == b || (fold && str_eq_nocase(str_from(&a, 1), str_from(&b, 1)));
}

/* MySQL's wildcards: % any run of characters, _ one; a backslash takes their meaning away. `fold`:
 * letter case does not count, as in names of hosts. */
static bool wild_match(struct str pattern, struct str s, bool fold)
{
    size_t p = 0;
    size_t i = 0;
    size_t star = SIZE_MAX;
    size_t from = 0;
    while (i < s.len) {
        const bool more = p < pattern.len;
        const bool escaped = more && pattern.p[p] == '\\' && p + 1 < pattern.len;
        if (more && pattern.p[p] == '%') {
            star = p++;
            from = i;
        } else if (more && ((pattern.p[p] == '_' && !escaped) ||
                            same_byte(pattern.p[p + (escaped ? 1 : 0)], s.p[i], fold))) {
            p += escaped ? 2 : 1;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.p[p] == '%') {
        p++;
    }
    return p == pattern.len;
}

/* "192.0.2.0/255.255.255.0" or "192.0.2.0/24", IPv4. */
static bool netmask_match(struct str pattern, const char *slash, struct str host)
{
    char net[64];
    char mask[64];
    char addr[64];
    const size_t net_len = (size_t)(slash - pattern.p);
    snprintf(net, sizeof net, "%.*s", (int)MIN(net_len, sizeof net - 1), pattern.p);
    snprintf(mask, sizeof mask, "%.*s", (int)(pattern.len - net_len - 1), slash + 1);
    snprintf(addr, sizeof addr, "%.*s", STR_FMT(host));
    struct in_addr n;
    struct in_addr m;
    struct in_addr h;
    if (inet_pton(AF_INET, net, &n) != 1 || inet_pton(AF_INET, addr, &h) != 1) {
        return false;
    }
    uint64_t bits;
    if (str_to_u64(str_from_cstr(mask), &bits) == 0 && bits <= 32) {
        m.s_addr = bits == 0 ? 0 : htonl((uint32_t)(UINT32_MAX << (32 - bits)));
    } else if (inet_pton(AF_INET, mask, &m) != 1) {
        return false;
    }
    return (h.s_addr & m.s_addr) == n.s_addr;
}

bool account_host_matches(struct str pattern, struct str client_host, bool client_is_local)
{
    if (client_is_local && str_eq_nocase(pattern, STR("localhost"))) {
        return true;
    }
    const char *slash = pattern.len == 0 ? NULL : memchr(pattern.p, '/', pattern.len);
    if (slash != NULL) {
        return netmask_match(pattern, slash, client_host);
    }
    return pattern.len == 0 || wild_match(pattern, client_host, true);
}

/* How exactly a pattern says which host: the position of its first wildcard; without one, beyond
 * all. */
static size_t exactness(struct str pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.p[i] == '%' || pattern.p[i] == '_') {
            return i;
        }
    }
    return pattern.len == 0 ? 0 : 1000;
}

struct account *accounts_match(struct accounts *a, struct str user, struct str client_host,
                               bool client_is_local)
{
    struct account *best = NULL;
    size_t best_score = 0;
    pthread_rwlock_rdlock(&a->lock);
    for (uint32_t i = 0; i < a->count; i++) {
        struct account *c = a->list[i];
        const bool named = str_eq(c->user, user);
        if ((!named && c->user.len > 0) ||
            !account_host_matches(c->host, client_host, client_is_local)) {
            continue;
        }
        const size_t score = 1 + 2 * exactness(c->host) + (named ? 1 : 0);
        if (score > best_score) {
            best = c;
            best_score = score;
        }
    }
    if (best != NULL) {
        account_ref(best);
    }
    pthread_rwlock_unlock(&a->lock);
    return best;
}

/* ---- What an account may do ---- */

/* A database pattern; "\_" stands for the character itself. */
static bool db_matches(struct str pattern, struct str db)
{
    char plain[512];
    size_t n = 0;
    bool wild = false;
    for (size_t i = 0; i < pattern.len && n < sizeof plain; i++) {
        if (pattern.p[i] == '\\' && i + 1 < pattern.len) {
            i++;
        } else if (pattern.p[i] == '%' || pattern.p[i] == '_') {
            wild = true;
        }
        plain[n++] = pattern.p[i];
    }
    return wild ? wild_match(pattern, db, false) : str_eq(str_from(plain, n), db);
}

uint64_t account_db_privs(const struct account *a, struct str db)
{
    uint64_t privs = a->global_privs;
    for (uint32_t i = 0; i < a->grant_count; i++) {
        if (a->grants[i].table.p == NULL && db_matches(a->grants[i].db, db)) {
            privs |= a->grants[i].privs;
        }
    }
    return privs;
}

static const struct object_grant *find_table_grant(const struct account *a, struct str db,
                                                   struct str table)
{
    for (uint32_t i = 0; i < a->grant_count; i++) {
        const struct object_grant *g = &a->grants[i];
        if (g->table.p != NULL && str_eq(g->db, db) && str_eq(g->table, table)) {
            return g;
        }
    }
    return NULL;
}

uint64_t account_table_privs(const struct account *a, struct str db, struct str table)
{
    const struct object_grant *g = find_table_grant(a, db, table);
    return account_db_privs(a, db) | (g == NULL ? 0 : g->privs);
}

uint64_t account_column_privs(const struct account *a, struct str db, struct str table,
                              struct str column)
{
    const struct object_grant *g = find_table_grant(a, db, table);
    uint64_t privs = account_table_privs(a, db, table);
    for (uint32_t i = 0; g != NULL && i < g->column_count; i++) {
        if (str_eq_nocase(g->columns[i].column, column)) {
            privs |= g->columns[i].privs;
        }
    }
    return privs;
}

/* What everyone may see. */
static bool is_public(struct str db)
{
    return str_eq_nocase(db, STR("information_schema"));
}

bool account_sees_db(const struct account *a, struct str db)
{
    if (is_public(db) || (account_db_privs(a, db) & (PRIV_ALL_DB | PRIV_SHOW_DATABASES)) != 0) {
        return true;
    }
    for (uint32_t i = 0; i < a->grant_count; i++) {
        if (a->grants[i].table.p != NULL && str_eq(a->grants[i].db, db)) {
            return true;
        }
    }
    return false;
}

bool account_sees_table(const struct account *a, struct str db, struct str table)
{
    return is_public(db) || (account_db_privs(a, db) & PRIV_ALL_TABLE) != 0 ||
           find_table_grant(a, db, table) != NULL;
}

/* ---- Changing ---- */

static struct object_grant *grant_for(struct account *a, struct str db, struct str table, bool make)
{
    for (uint32_t i = 0; i < a->grant_count; i++) {
        struct object_grant *g = &a->grants[i];
        if (str_eq(g->db, db) && (g->table.p == NULL) == (table.p == NULL) &&
            str_eq(g->table, table)) {
            return g;
        }
    }
    if (!make) {
        return NULL;
    }
    struct object_grant *grown = ARENA_ARRAY(a->arena, struct object_grant, a->grant_count + 1);
    for (uint32_t i = 0; i < a->grant_count; i++) {
        grown[i] = a->grants[i];
    }
    a->grants = grown;
    struct object_grant *g = &grown[a->grant_count++];
    g->db = arena_dup(a->arena, db);
    g->table = table.p == NULL ? STR_NULL : arena_dup(a->arena, table);
    return g;
}

static struct column_grant *column_grant_for(struct account *a, struct object_grant *g,
                                             struct str column, bool make)
{
    for (uint32_t i = 0; i < g->column_count; i++) {
        if (str_eq_nocase(g->columns[i].column, column)) {
            return &g->columns[i];
        }
    }
    if (!make) {
        return NULL;
    }
    struct column_grant *grown = ARENA_ARRAY(a->arena, struct column_grant, g->column_count + 1);
    for (uint32_t i = 0; i < g->column_count; i++) {
        grown[i] = g->columns[i];
    }
    g->columns = grown;
    grown[g->column_count].column = arena_dup(a->arena, column);
    return &grown[g->column_count++];
}

void account_grant(struct account *a, struct str db, struct str table, struct str column,
                   uint64_t privs)
{
    if (db.p == NULL) {
        a->global_privs |= privs;
        return;
    }
    struct object_grant *g = grant_for(a, db, table, true);
    if (column.p == NULL) {
        g->privs |= privs;
    } else {
        column_grant_for(a, g, column, true)->privs |= privs;
    }
}

/* Grants that have become empty go. */
static void drop_empty(struct account *a)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->grant_count; i++) {
        struct object_grant *g = &a->grants[i];
        uint32_t columns = 0;
        for (uint32_t c = 0; c < g->column_count; c++) {
            if (g->columns[c].privs != 0) {
                g->columns[columns++] = g->columns[c];
            }
        }
        g->column_count = columns;
        if (g->privs != 0 || columns > 0) {
            a->grants[kept++] = *g;
        }
    }
    a->grant_count = kept;
}

int account_revoke(struct account *a, struct str db, struct str table, struct str column,
                   uint64_t privs)
{
    if (db.p == NULL) {
        a->global_privs &= ~privs;
        return 0;
    }
    struct object_grant *g = grant_for(a, db, table, false);
    struct column_grant *c =
        g == NULL || column.p == NULL ? NULL : column_grant_for(a, g, column, false);
    if (g == NULL || (column.p != NULL && c == NULL)) {
        return -1;
    }
    if (c != NULL) {
        c->privs &= ~privs;
    } else {
        g->privs &= ~privs;
    }
    drop_empty(a);
    return 0;
}
