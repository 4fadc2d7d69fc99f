/*
 * Tables of a statement: from a name to a definition that stays as it is until the statement (in a
 * transaction: the transaction) ends.
 *
 * Statements hold a table's metadata lock shared, DDL exclusively. DDL holds the writer lock first
 * and waits for the metadata lock only for moments at a time, giving the writer lock back in
 * between: a transaction that holds one and wants the other can therefore always go on
 * (docs/locks.md).
 */
#include "base/clock.h"
#include "exec/exec_int.h"
#include "exec/info_schema.h"
#include "exec/replica.h"

/* How long DDL waits for a metadata lock before it lets writers pass. */
#define DDL_TRY_US UINT64_C(20000)

int exec_db_or_current(struct exec_session *x, struct str db, struct str *out)
{
    *out = db.len > 0 ? db : x->db;
    return out->p == NULL ? diag_set(x->diag, ER_NO_DB_ERROR) : 0;
}

static int no_such_table(struct exec_session *x, struct str db, struct str name)
{
    const struct server *server = x->server;
    struct str why = STR_NULL;
    if (server->copy_ops != NULL) {
        why = server->copy_ops->why_not(server->copy, db, name, &x->stmt_arena);
    }
    if (why.len > 0) {
        return diag_set_text(x->diag, ER_NO_SUCH_TABLE,
                             arena_printf(&x->stmt_arena, "Table '%.*s.%.*s' cannot be read: %.*s",
                                          STR_FMT(db), STR_FMT(name), STR_FMT(why)));
    }
    return diag_set(x->diag, ER_NO_SUCH_TABLE, arena_dup_cstr(&x->stmt_arena, db),
                    arena_dup_cstr(&x->stmt_arena, name));
}

static struct open_table *find_open(struct exec_session *x, const struct table_def *t)
{
    for (struct open_table *o = x->txn.tables; o != NULL; o = o->next) {
        if (o->def->id == t->id) {
            return o;
        }
    }
    for (struct open_table *o = x->tables; o != NULL; o = o->next) {
        if (o->def->id == t->id) {
            return o;
        }
    }
    return NULL;
}

/* A table that LOCK TABLES holds, with its definition of now: the session itself may have changed
 * it. */
static struct open_table *find_locked(struct exec_session *x, struct table_def *now)
{
    for (struct open_table *o = x->locks.tables; o != NULL; o = o->next) {
        if (o->def->id == now->id) {
            if (o->def != now) {
                table_def_unref(o->def);
                table_def_ref(now);
                o->def = now;
            }
            return o;
        }
    }
    return NULL;
}

void exec_keep_table(struct exec_session *x, const struct table_def *t)
{
    struct open_table **lists[] = {&x->tables, &x->txn.tables};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (struct open_table **at = lists[i]; *at != NULL; at = &(*at)->next) {
            if ((*at)->def == t) {
                struct open_table *kept = ARENA_NEW(&x->locks.arena, struct open_table);
                *kept = **at;
                *at = kept->next;
                kept->next = x->locks.tables;
                x->locks.tables = kept;
                return;
            }
        }
    }
}

/*
 * The definition of now, counted. *out_open is how the session has the table already, or NULL.
 * NULL with an error: there is no such table.
 */
static struct table_def *find_table(struct exec_session *x, struct str db, struct str name,
                                    const struct open_table **out_open)
{
    struct table_def *t = catalog_find_table(x->server->catalog, db, name);
    if (t == NULL) {
        no_such_table(x, db, name);
        return NULL;
    }
    *out_open = find_open(x, t);
    if (*out_open == NULL) {
        *out_open = find_locked(x, t);
    }
    return t;
}

static int lock_failed(struct exec_session *x, enum fiber_result r)
{
    return r == FIBER_TIMEOUT ? diag_set(x->diag, ER_LOCK_WAIT_TIMEOUT)
                              : exec_interrupted(x, x->diag);
}

static uint64_t lock_deadline(const struct exec_session *x)
{
    uint64_t seconds = x->vars.lock_wait_timeout;
    if (x->locks.tables != NULL) {
        /* LOCK TABLES of several: a transaction that holds one may be waiting for another. */
        seconds = MIN(seconds, UINT64_C(10));
    }
    return clock_monotonic_us() + seconds * UINT64_C(1000000);
}

static void remember(struct exec_session *x, struct table_def *t, bool exclusive)
{
    /* A shared lock taken inside a transaction, or by the statement that begins one, lasts as long
     * as that. */
    const bool for_txn = (x->txn.active || !x->vars.autocommit) && !exclusive;
    struct open_table *o = ARENA_NEW(for_txn ? &x->txn.arena : &x->stmt_arena, struct open_table);
    o->def = t;
    o->exclusive = exclusive;
    struct open_table **list = for_txn ? &x->txn.tables : &x->tables;
    o->next = *list;
    *list = o;
}

/* A table of the database pintail. */
static struct table_def *open_own_table(struct exec_session *x, struct str name)
{
    if (exec_check_operator(x, "PROCESS (here: be the account of storage.mysql.user)") != 0) {
        return NULL;
    }
    struct table_def *t = pintail_schema_table(x, name);
    if (t == NULL) {
        (void)diag_set(x->diag, ER_UNKNOWN_TABLE, arena_dup_cstr(&x->stmt_arena, name), "pintail");
    }
    return t;
}

struct table_def *exec_open_table(struct exec_session *x, struct str db, struct str name)
{
    struct str where;
    if (exec_db_or_current(x, db, &where) != 0) {
        return NULL;
    }
    if (str_eq_nocase(where, STR("information_schema"))) {
        struct table_def *t = info_schema_table(x, name);
        if (t == NULL) {
            (void)diag_set(x->diag, ER_UNKNOWN_TABLE, arena_dup_cstr(&x->stmt_arena, name),
                           "information_schema");
        }
        return t;
    }
    if (x->server->replica_ops != NULL && str_eq_nocase(where, STR("pintail"))) {
        return open_own_table(x, name);
    }
    if (exec_check_locked(x, where, name, false) != 0) {
        return NULL;
    }
    const uint64_t deadline = lock_deadline(x);
    for (;;) {
        const struct open_table *open;
        struct table_def *t = find_table(x, where, name, &open);
        if (t == NULL) {
            return NULL;
        }
        if (open != NULL) {
            table_def_unref(t);
            return open->def;
        }
        atomic_store(&x->state, "Waiting for table metadata lock");
        const enum fiber_result r = frwlock_read(&t->share->mdl, deadline);
        atomic_store(&x->state, NULL);
        if (r != FIBER_WOKEN) {
            table_def_unref(t);
            lock_failed(x, r);
            return NULL;
        }
        /* DDL may have changed it while we waited. */
        struct table_def *now = catalog_find_table(x->server->catalog, where, name);
        if (now == t) {
            table_def_unref(now);
            remember(x, t, false);
            return t;
        }
        frwlock_unlock_read(&t->share->mdl);
        table_def_unref(t);
        table_def_unref(now);
    }
}

/* The exclusive metadata lock, with the writer lock held. */
static int lock_exclusive(struct exec_session *x, struct table_def *t, uint64_t deadline)
{
    for (;;) {
        if (exec_take_writer(x) != 0) {
            return -1;
        }
        const enum fiber_result r =
            frwlock_write(&t->share->mdl, clock_monotonic_us() + DDL_TRY_US);
        if (r == FIBER_WOKEN) {
            return 0;
        }
        if (r == FIBER_INTERRUPTED || clock_monotonic_us() >= deadline) {
            return lock_failed(x, r);
        }
        if (!x->txn.engine_open && x->tables == NULL) {
            exec_release_writer(x);
        }
        fiber_sleep(1000);
    }
}

struct table_def *exec_open_table_exclusive(struct exec_session *x, struct str db, struct str name)
{
    struct str where;
    if (exec_db_or_current(x, db, &where) != 0 || exec_check_locked(x, where, name, true) != 0) {
        return NULL;
    }
    const uint64_t deadline = lock_deadline(x);
    for (;;) {
        const struct open_table *open;
        struct table_def *t = find_table(x, where, name, &open);
        if (t == NULL) {
            return NULL;
        }
        if (open != NULL && open->exclusive) {
            table_def_unref(t);
            return open->def;
        }
        if (lock_exclusive(x, t, deadline) != 0) {
            table_def_unref(t);
            return NULL;
        }
        struct table_def *now = catalog_find_table(x->server->catalog, where, name);
        table_def_unref(now);
        if (now == t) {
            remember(x, t, true);
            return t;
        }
        frwlock_unlock_write(&t->share->mdl);
        table_def_unref(t);
    }
}

static void close_list(struct open_table **list)
{
    for (struct open_table *o = *list; o != NULL; o = o->next) {
        if (o->exclusive) {
            frwlock_unlock_write(&o->def->share->mdl);
        } else {
            frwlock_unlock_read(&o->def->share->mdl);
        }
        table_def_unref(o->def);
    }
    *list = NULL;
}

void exec_close_tables(struct exec_session *x)
{
    close_list(&x->tables);
}

void exec_close_txn_tables(struct exec_session *x)
{
    close_list(&x->txn.tables);
}

void exec_close_locked_tables(struct exec_session *x)
{
    close_list(&x->locks.tables);
}

/* ---- Privileges ---- */

static const char *user_text(const struct exec_session *x)
{
    return x->account == NULL ? "" : x->account->user.p;
}

int exec_check_global(struct exec_session *x, uint64_t privileges, const char *names)
{
    if (x->account != NULL && (x->account->global_privs & privileges) == privileges) {
        return 0;
    }
    return diag_set(x->diag, ER_SPECIFIC_ACCESS_DENIED_ERROR, names);
}

int exec_check_db(struct exec_session *x, struct str db, uint64_t privileges)
{
    if (x->account != NULL && (account_db_privs(x->account, db) & privileges) == privileges) {
        return 0;
    }
    /* The account's host, where other messages have the client's. */
    return diag_set(x->diag, ER_DBACCESS_DENIED_ERROR, user_text(x),
                    x->account == NULL ? "" : x->account->host.p,
                    arena_dup_cstr(&x->stmt_arena, db));
}

/* Names of the privileges that are missing, as 1142 lists them. */
static const char *missing_names(struct exec_session *x, uint64_t missing)
{
    struct str s = STR_NULL;
    for (uint64_t bit = 1; bit <= PRIV_GRANT; bit <<= 1) {
        if ((missing & bit) != 0) {
            s = s.len == 0
                    ? str_from_cstr(privilege_name(bit))
                    : arena_printf(&x->stmt_arena, "%.*s, %s", STR_FMT(s), privilege_name(bit));
        }
    }
    return arena_dup_cstr(&x->stmt_arena, s);
}

int exec_check_table(struct exec_session *x, struct str db, struct str table, uint64_t privileges)
{
    const uint64_t have = x->account == NULL ? 0 : account_table_privs(x->account, db, table);
    if (privileges != PRIV_SELECT && str_eq_nocase(db, STR("information_schema"))) {
        return diag_set(x->diag, ER_DBACCESS_DENIED_ERROR, user_text(x), x->login_host.p,
                        "information_schema");
    }
    if ((have & privileges) == privileges) {
        const bool writes = (privileges & (PRIV_INSERT | PRIV_UPDATE | PRIV_DELETE)) != 0;
        return writes ? exec_check_locked(x, db, table, true) : 0;
    }
    return diag_set(x->diag, ER_TABLEACCESS_DENIED_ERROR, missing_names(x, privileges & ~have),
                    user_text(x), x->login_host.p, arena_dup_cstr(&x->stmt_arena, table));
}

int exec_check_column(struct exec_session *x, const struct table_def *t, uint32_t column,
                      uint64_t privileges)
{
    if (t->rows_text.p != NULL && privileges == PRIV_SELECT) {
        return 0; /* information_schema holds only what the session may see */
    }
    const uint64_t have = x->account == NULL ? 0 : account_table_privs(x->account, t->db, t->name);
    if ((have & privileges) == privileges) {
        return 0;
    }
    const struct str name = t->columns[column].name;
    const uint64_t on_column =
        x->account == NULL ? 0 : account_column_privs(x->account, t->db, t->name, name);
    if (((have | on_column) & privileges) == privileges) {
        return 0;
    }
    if (x->account == NULL || !account_sees_table(x->account, t->db, t->name)) {
        return exec_check_table(x, t->db, t->name, privileges);
    }
    return diag_set(x->diag, ER_COLUMNACCESS_DENIED_ERROR,
                    missing_names(x, privileges & ~(have | on_column)), user_text(x),
                    x->login_host.p, arena_dup_cstr(&x->stmt_arena, name),
                    arena_dup_cstr(&x->stmt_arena, t->name));
}
