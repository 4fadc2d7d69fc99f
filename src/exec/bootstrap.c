/* See bootstrap.h. */
#include "exec/bootstrap.h"

#include "base/clock.h"
#include "types/collation.h"

struct load {
    struct server *server;
    struct diag *diag;
    struct arena arena; /* of the record being read */
    int rc;
};

/* ---- Reading ---- */

static int load_database(void *arg, uint64_t id, struct str value)
{
    struct load *load = arg;
    struct database_def db;
    arena_reset(&load->arena);
    load->rc = database_def_from_json(value, &load->arena, load->diag, &db);
    if (load->rc == 0) {
        db.id = id;
        catalog_publish_database(load->server->catalog, &db);
    }
    return load->rc;
}

static int load_table(void *arg, uint64_t id, struct str value)
{
    struct load *load = arg;
    struct table_def *t;
    load->rc = table_def_from_json(value, load->diag, &t);
    if (load->rc != 0) {
        return -1;
    }
    if (!catalog_find_database(load->server->catalog, t->db, &load->arena, NULL)) {
        const struct str text = arena_printf(&load->arena, "table %llu is in an unknown database",
                                             (unsigned long long)id);
        table_def_unref(t);
        load->rc = diag_set(load->diag, ER_INTERNAL_ERROR, text.p);
        return -1;
    }
    t->id = id;
    catalog_publish_table(load->server->catalog, t);
    return 0;
}

static int load_account(void *arg, uint64_t id, struct str value)
{
    struct load *load = arg;
    struct account *a;
    load->rc = account_from_json(value, load->diag, &a);
    if (load->rc == 0) {
        a->id = id;
        catalog_reserve_id(load->server->catalog, id);
        accounts_publish(load->server->accounts, a);
    }
    return load->rc;
}

static int load_partial_dates(void *arg, uint64_t id, struct str value)
{
    struct load *load = arg;
    (void)value;
    table_share_add_partial_dates(catalog_share(load->server->catalog, id));
    return 0;
}

static int load_all(struct load *load, struct engine_session *s)
{
    static const struct {
        struct str kind;
        int (*fn)(void *arg, uint64_t id, struct str value);
    } kinds[] = {{STR_INIT("database"), load_database},
                 {STR_INIT("table"), load_table},
                 {STR_INIT(ENGINE_RECORD_PARTIAL_DATES), load_partial_dates},
                 {STR_INIT("account"), load_account}};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (engine_meta_scan(s, kinds[i].kind, kinds[i].fn, load, load->diag) != 0 ||
            load->rc != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- What a fresh store lacks ---- */

/* Listed as on the servers; nothing is in it, and nothing is stored. */
static void add_information_schema(struct server *server)
{
    const struct database_def db = {.id = catalog_next_id(server->catalog),
                                    .name = STR("information_schema"),
                                    .collation = COLLATION_UTF8MB3_GENERAL_CI,
                                    .created_us = clock_wall_us()};
    catalog_publish_database(server->catalog, &db);
}

static struct account *root_account(struct server *server)
{
    struct account *a = account_new();
    a->id = catalog_next_id(server->catalog);
    a->user = STR("root");
    a->host = STR("localhost");
    a->plugin = server->dialect == DIALECT_MARIADB ? STR("mysql_native_password")
                                                   : STR("caching_sha2_password");
    a->auth_string = STR("");
    a->global_privs = PRIV_ALL_GLOBAL | PRIV_GRANT;
    a->loopback_only = true;
    return a;
}

static int store_account(struct engine_session *s, const struct account *a, struct arena *arena,
                         struct diag *diag)
{
    if (engine_begin(s, 0, diag) != 0) {
        return -1;
    }
    if (engine_meta_put(s, STR("account"), a->id, account_to_json(a, arena), diag) != 0) {
        engine_rollback(s);
        return -1;
    }
    return engine_commit(s, diag);
}

static bool has_accounts(struct load *load)
{
    struct account **list;
    const uint32_t n = accounts_list(load->server->accounts, &load->arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        account_unref(list[i]);
    }
    return n > 0;
}

static int add_root(struct load *load, struct engine_session *s)
{
    if (has_accounts(load)) {
        return 0;
    }
    struct account *root = root_account(load->server);
    if (store_account(s, root, &load->arena, load->diag) != 0) {
        account_unref(root);
        return -1;
    }
    accounts_publish(load->server->accounts, root);
    return 0;
}

int exec_bootstrap(struct server *server, struct diag *diag)
{
    struct load load = {.server = server, .diag = diag};
    struct engine_session *s;
    if (engine_session_open(server->engine, diag, &s) != 0) {
        return -1;
    }
    arena_init(&load.arena, 0);
    int rc = load_all(&load, s);
    if (rc == 0) {
        add_information_schema(server);
        rc = add_root(&load, s);
    }
    arena_release(&load.arena);
    engine_session_close(s);
    return rc;
}

/* ---- Stopping ---- */

/* Stores the counter as the definition's start, where it is ahead of that. */
static int save_counter(struct engine_session *s, struct table_def *t, struct arena *arena,
                        struct diag *diag)
{
    const uint64_t next = atomic_load(&t->share->next_auto_increment);
    if (t->auto_increment_column < 0 || next <= t->auto_increment_start) {
        return 0;
    }
    struct table_def *stored = table_def_clone(t);
    stored->auto_increment_start = next;
    const struct str json = table_def_to_json(stored, arena);
    table_def_unref(stored);
    return engine_meta_put(s, STR("table"), t->id, json, diag);
}

static int save_database(struct server *server, struct engine_session *s, struct str db,
                         struct arena *arena, struct diag *diag)
{
    struct table_def **list;
    const uint32_t count = catalog_list_tables(server->catalog, db, arena, &list);
    int rc = 0;
    for (uint32_t i = 0; i < count; i++) {
        rc = rc == 0 ? save_counter(s, list[i], arena, diag) : rc;
        table_def_unref(list[i]);
    }
    return rc;
}

int exec_save_counters(struct server *server, struct diag *diag)
{
    struct engine_session *s;
    struct arena arena;
    struct database_def *databases;
    if (engine_session_open(server->engine, diag, &s) != 0) {
        return -1;
    }
    arena_init(&arena, 0);
    const uint32_t count = catalog_list_databases(server->catalog, &arena, &databases);
    int rc = engine_begin(s, 0, diag);
    if (rc == 0) {
        for (uint32_t i = 0; i < count && rc == 0; i++) {
            rc = save_database(server, s, databases[i].name, &arena, diag);
        }
        if (rc == 0) {
            rc = engine_commit(s, diag);
        } else {
            engine_rollback(s);
        }
    }
    arena_release(&arena);
    engine_session_close(s);
    return rc;
}
