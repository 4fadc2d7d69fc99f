/* See show_int.h: what the server knows and what it has none of. */
#include "exec/show_int.h"
#include "types/collation.h"

#include <stdlib.h>

/* ---- Nothing of the kind ---- */

int show_nothing(struct show_run *r)
{
    (void)r;
    return 0;
}

int show_no_binary_log(struct show_run *r)
{
    return diag_set(r->x->diag, ER_NO_BINARY_LOGGING);
}

/* SHOW BINARY LOG STATUS, SHOW MASTER STATUS: there is no log here. */
int show_master_status(struct show_run *r)
{
    return exec_check_global(
        r->x, PRIV_REPLICATION_CLIENT,
        r->x->server->dialect == DIALECT_MARIADB ? "SLAVE MONITOR" : "SUPER, REPLICATION CLIENT");
}

int show_engine_status(struct show_run *r)
{
    return exec_check_global(r->x, PRIV_PROCESS, "PROCESS");
}

/* ---- Engines and plugins ---- */

int show_engines(struct show_run *r)
{
    show_cstr(r, "Engine", "InnoDB");
    show_cstr(r, "Support", "DEFAULT");
    show_text(r, "Comment",
              arena_printf(&r->x->stmt_arena, "Tables of Pintail, kept by %s",
                           r->x->server->engine->ops->name));
    show_cstr(r, "Transactions", "YES");
    show_cstr(r, "XA", "NO");
    show_cstr(r, "Savepoints", "YES");
    return show_send(r);
}

int show_plugins(struct show_run *r)
{
    static const char *const plugins[][2] = {{"mysql_native_password", "AUTHENTICATION"},
                                             {"caching_sha2_password", "AUTHENTICATION"},
                                             {"InnoDB", "STORAGE ENGINE"}};
    for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
        show_cstr(r, "Name", plugins[i][0]);
        show_cstr(r, "Status", "ACTIVE");
        show_cstr(r, "Type", plugins[i][1]);
        show_cstr(r, "License", "PROPRIETARY");
        if (show_send(r) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Character sets and collations ---- */

static const struct collation *default_collation(const struct charset *cs, enum sql_dialect dialect)
{
    return collation_find(charset_default_collation(cs, dialect));
}

int show_charsets(struct show_run *r)
{
    size_t n;
    const struct charset *list = charset_list(&n);
    const bool mariadb = r->x->server->dialect == DIALECT_MARIADB;
    for (size_t i = 0; i < n; i++) {
        const struct charset *cs = &list[i];
        if (mariadb && str_eq(cs->name, STR("gb18030"))) {
            continue; /* of MySQL alone */
        }
        show_text(r, "Charset", cs->name);
        show_text(r, "Description", cs->description);
        show_text(r, "Default collation", default_collation(cs, r->x->server->dialect)->name);
        show_uint(r, "Maxlen", cs->max_len);
        if (show_send(r) != 0) {
            return -1;
        }
    }
    return 0;
}

static int collation_row(struct show_run *r, const struct collation *c)
{
    const bool is_default = charset_default_collation(c->charset, r->x->server->dialect) == c->id;
    show_text(r, "Collation", c->name);
    show_text(r, "Charset", c->charset->name);
    show_uint(r, "Id", c->id);
    show_cstr(r, "Default", is_default ? "Yes" : "");
    show_cstr(r, "Compiled", "Yes");
    show_uint(r, "Sortlen", c->sortlen);
    show_cstr(r, "Pad_attribute", collation_is_pad_space(c) ? "PAD SPACE" : "NO PAD");
    return show_send(r);
}

static int by_name(const void *a, const void *b)
{
    const struct collation *x = *(const struct collation *const *)a;
    const struct collation *y = *(const struct collation *const *)b;
    return str_cmp(x->name, y->name);
}

int show_collations(struct show_run *r)
{
    const bool mariadb = r->x->server->dialect == DIALECT_MARIADB;
    const unsigned wanted = mariadb ? COLLATION_IN_MARIADB : COLLATION_IN_MYSQL;
    size_t n;
    const struct collation *list = collation_list(&n);
    const struct collation **sorted =
        ARENA_ARRAY(&r->x->stmt_arena, const struct collation *, n + 1);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if ((list[i].flags & wanted) != 0) {
            sorted[count++] = &list[i];
        }
    }
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 0; i < count; i++) {
        if (collation_row(r, sorted[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Privileges ---- */

int show_privileges(struct show_run *r)
{
    static const char *const rows[][3] = {
        {"Alter", "Tables", "To alter the table"},
        {"Alter routine", "Functions,Procedures", "To alter or drop stored functions/procedures"},
        {"Create", "Databases,Tables,Indexes", "To create new databases and tables"},
        {"Create routine", "Databases", "To use CREATE FUNCTION/PROCEDURE"},
        {"Create temporary tables", "Databases", "To use CREATE TEMPORARY TABLE"},
        {"Create view", "Tables", "To create new views"},
        {"Create user", "Server Admin", "To create new users"},
        {"Delete", "Tables", "To delete existing rows"},
        {"Drop", "Databases,Tables", "To drop databases, tables, and views"},
        {"Event", "Server Admin", "To create, alter, drop and execute events"},
        {"Execute", "Functions,Procedures", "To execute stored routines"},
        {"File", "File access on server", "To read and write files on the server"},
        {"Grant option", "Databases,Tables,Functions,Procedures",
         "To give to other users those privileges you possess"},
        {"Index", "Tables", "To create or drop indexes"},
        {"Insert", "Tables", "To insert data into tables"},
        {"Lock tables", "Databases", "To use LOCK TABLES (together with SELECT privilege)"},
        {"Process", "Server Admin", "To view the plain text of currently executing queries"},
        {"References", "Databases,Tables", "To have references on tables"},
        {"Reload", "Server Admin", "To reload or refresh tables, logs and privileges"},
        {"Replication client", "Server Admin", "To ask where the slave or master servers are"},
        {"Replication slave", "Server Admin", "To read binary log events from the master"},
        {"Select", "Tables", "To retrieve rows from table"},
        {"Show databases", "Server Admin", "To see all databases with SHOW DATABASES"},
        {"Show view", "Tables", "To see views with SHOW CREATE VIEW"},
        {"Shutdown", "Server Admin", "To shut down the server"},
        {"Super", "Server Admin",
         "To use KILL thread, SET GLOBAL, CHANGE REPLICATION SOURCE, etc."},
        {"Trigger", "Tables", "To use triggers"},
        {"Update", "Tables", "To update existing rows"},
        {"Usage", "Server Admin", "No privileges - allow connect only"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        show_cstr(r, "Privilege", rows[i][0]);
        show_cstr(r, "Context", rows[i][1]);
        show_cstr(r, "Comment", rows[i][2]);
        if (show_send(r) != 0) {
            return -1;
        }
    }
    return 0;
}
