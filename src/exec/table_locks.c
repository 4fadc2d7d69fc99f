/*
 * LOCK TABLES, UNLOCK TABLES and FLUSH TABLES WITH READ LOCK.
 *
 * A session that locks tables keeps the writer lock and the tables' metadata locks, exclusive for
 * WRITE, until it unlocks them: others read tables that are locked for READ and wait with all else.
 * As there is one writer at a time, writes of others to any table wait too.
 *
 * Tables are locked in the order of their names, so that two sessions never wait for each other.
 */
#include "exec/exec_int.h"

#include <stdlib.h>

/* One item of LOCK TABLES. A table that was locked under two aliases has two. */
struct table_lock {
    struct str db;
    struct str name;
    bool write;
};

static struct table_lock *find_lock(const struct exec_session *x, struct str db, struct str name)
{
    struct table_lock *found = NULL;
    for (uint32_t i = 0; i < x->locks.count; i++) {
        struct table_lock *l = &x->locks.items[i];
        if (str_eq(l->name, name) && str_eq(l->db, db)) {
            found = found == NULL || l->write ? l : found;
        }
    }
    return found;
}

/* Locks of tables that were dropped since do not count. */
static bool locks_any(const struct exec_session *x)
{
    for (uint32_t i = 0; i < x->locks.count; i++) {
        struct table_def *t =
            catalog_find_table(x->server->catalog, x->locks.items[i].db, x->locks.items[i].name);
        table_def_unref(t);
        if (t != NULL) {
            return true;
        }
    }
    return false;
}

int exec_check_locked(struct exec_session *x, struct str db, struct str name, bool write)
{
    if (x->locks.count == 0) {
        return 0;
    }
    const struct table_lock *lock = find_lock(x, db, name);
    const char *text = arena_dup_cstr(&x->stmt_arena, name);
    if (lock == NULL) {
        return locks_any(x) ? diag_set(x->diag, ER_TABLE_NOT_LOCKED, text) : 0;
    }
    return write && !lock->write ? diag_set(x->diag, ER_TABLE_NOT_LOCKED_FOR_WRITE, text) : 0;
}

/* ---- Unlocking ---- */

static void release_if_free(struct exec_session *x)
{
    if (x->locks.count == 0 && !x->locks.all_for_read) {
        x->locks.keeps_writer = false;
        if (!x->txn.active) {
            exec_release_writer(x);
        }
    }
}

void exec_unlock_tables_now(struct exec_session *x)
{
    x->locks.count = 0;
    exec_close_locked_tables(x);
    arena_reset(&x->locks.arena);
    release_if_free(x);
}

void exec_unlock_all(struct exec_session *x)
{
    x->locks.all_for_read = false;
    exec_unlock_tables_now(x);
}

int exec_unlock_tables(struct exec_session *x, struct stmt *stmt)
{
    (void)stmt;
    if (x->locks.count == 0 && !x->locks.all_for_read) {
        return 0;
    }
    if (x->locks.count > 0 && exec_commit(x) != 0) {
        return -1;
    }
    exec_unlock_all(x);
    return 0;
}

/* ---- Locking ---- */

static struct str shown_name(const struct table_name *t)
{
    return t->alias.len > 0 ? t->alias : t->name;
}

static int check_items(struct exec_session *x, const struct admin_table_stmt *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (str_eq(shown_name(&s->tables[i]), shown_name(&s->tables[k])) &&
                str_eq(s->tables[i].db, s->tables[k].db)) {
                return diag_set(x->diag, ER_NONUNIQ_TABLE,
                                arena_dup_cstr(&x->stmt_arena, shown_name(&s->tables[i])));
            }
        }
        struct str db;
        if (exec_db_or_current(x, s->tables[i].db, &db) != 0 ||
            exec_check_db(x, db, PRIV_LOCK_TABLES) != 0 ||
            exec_check_table(x, db, s->tables[i].name, PRIV_SELECT) != 0) {
            return -1;
        }
    }
    return 0;
}

static int compare_locks(const void *pa, const void *pb)
{
    const struct table_lock *a = pa;
    const struct table_lock *b = pb;
    const int by_db = str_cmp(a->db, b->db);
    const int by_name = by_db != 0 ? by_db : str_cmp(a->name, b->name);
    return by_name != 0 ? by_name : b->write - a->write;
}

static int take(struct exec_session *x, const struct table_lock *l)
{
    const struct table_def *t = l->write ? exec_open_table_exclusive(x, l->db, l->name)
                                         : exec_open_table(x, l->db, l->name);
    if (t == NULL) {
        return -1;
    }
    exec_keep_table(x, t);
    return 0;
}

int exec_lock_tables(struct exec_session *x, struct stmt *stmt)
{
    const struct admin_table_stmt *s = &stmt->admin;
    exec_unlock_tables_now(x);
    if (check_items(x, s) != 0) {
        return -1;
    }
    struct arena *a = &x->locks.arena;
    struct table_lock *locks = ARENA_ARRAY(a, struct table_lock, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        struct str db;
        if (exec_db_or_current(x, s->tables[i].db, &db) != 0) {
            return -1;
        }
        locks[i] = (struct table_lock){.db = arena_dup(a, db),
                                       .name = arena_dup(a, s->tables[i].name),
                                       .write = s->lock_write[i]};
    }
    qsort(locks, s->count, sizeof *locks, compare_locks);
    int rc = 0;
    for (uint32_t i = 0; i < s->count && rc == 0; i++) {
        rc = take(x, &locks[i]);
    }
    if (rc != 0 || exec_take_writer(x) != 0) {
        exec_unlock_tables_now(x);
        return -1;
    }
    x->locks.keeps_writer = true;
    x->locks.items = locks;
    x->locks.count = s->count;
    return 0;
}

int exec_lock_all_for_read(struct exec_session *x)
{
    if (exec_take_writer(x) != 0) {
        return -1;
    }
    x->locks.keeps_writer = true;
    x->locks.all_for_read = true;
    return 0;
}
