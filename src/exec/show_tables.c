/* See show_int.h: databases, tables, columns, indexes, SHOW CREATE; and COM_FIELD_LIST. */
#include "exec/row_build.h"
#include "exec/show_int.h"
#include "types/collation.h"
#include "types/convert.h"

#include <stdatomic.h>

/* ---- Who may see what ---- */

static bool sees_db(const struct exec_session *x, struct str db)
{
    return x->account != NULL && account_sees_db(x->account, db);
}

static bool sees_table(const struct exec_session *x, struct str db, struct str table)
{
    return x->account != NULL && account_sees_table(x->account, db, table);
}

static const char *text(struct exec_session *x, struct str s)
{
    return arena_dup_cstr(&x->stmt_arena, s);
}

static int check_database(struct exec_session *x, struct str db, struct database_def *out)
{
    if (!sees_db(x, db)) {
        return diag_set(x->diag, ER_DBACCESS_DENIED_ERROR,
                        x->account == NULL ? "" : x->account->user.p,
                        x->account == NULL ? "" : x->account->host.p, text(x, db));
    }
    if (!catalog_find_database(x->server->catalog, db, &x->stmt_arena, out)) {
        return diag_set(x->diag, ER_BAD_DB_ERROR, text(x, db));
    }
    return 0;
}

int show_database(struct show_run *r, struct str *out)
{
    struct database_def def;
    if (exec_db_or_current(r->x, r->stmt->db, out) != 0) {
        return -1;
    }
    return check_database(r->x, *out, &def);
}

static bool has_table_privilege(const struct exec_session *x, struct str db, struct str table)
{
    return x->account != NULL && (account_table_privs(x->account, db, table) & PRIV_ALL_TABLE) != 0;
}

/* The table that the statement is about, held for the statement. SHOW COLUMNS and SHOW INDEX are
 * for whoever has some privilege on it or its columns, SHOW CREATE ("SHOW") for one on all of it.
 * NULL with diag. */
static struct table_def *open_table(struct show_run *r, const char *command)
{
    struct exec_session *x = r->x;
    struct str db;
    struct database_def def;
    if (exec_db_or_current(x, r->stmt->table.db, &db) != 0) {
        return NULL;
    }
    const bool creates = strcmp(command, "SHOW") == 0;
    if (!(creates ? has_table_privilege : sees_table)(x, db, r->stmt->table.name)) {
        (void)diag_set(x->diag, ER_TABLEACCESS_DENIED_ERROR, command,
                       x->account == NULL ? "" : x->account->user.p, x->login_host.p,
                       text(x, r->stmt->table.name));
        return NULL;
    }
    /* MariaDB complains of the table where the database is missing. */
    if (x->server->dialect != DIALECT_MARIADB && check_database(x, db, &def) != 0) {
        return NULL;
    }
    return exec_open_table(x, db, r->stmt->table.name);
}

/* ---- Databases ---- */

int show_databases(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct database_def *list;
    const uint32_t n = catalog_list_databases(x->server->catalog, &x->stmt_arena, &list);
    for (uint32_t i = 0; i < n; i++) {
        if (!sees_db(x, list[i].name)) {
            continue;
        }
        show_text(r, NULL, list[i].name);
        if (show_send(r) != 0) {
            return -1;
        }
    }
    return 0;
}

int show_in_database(struct show_run *r)
{
    struct str db;
    if (r->x->server->dialect == DIALECT_MARIADB && r->stmt->kind == SHOW_EVENTS) {
        return 0;
    }
    return show_database(r, &db);
}

/* ---- Tables ---- */

/* Calls fn for each table of the database that may be seen. */
static int each_table(struct show_run *r, int (*fn)(struct show_run *r, struct table_def *t))
{
    struct exec_session *x = r->x;
    struct str db;
    struct table_def **tables;
    if (show_database(r, &db) != 0) {
        return -1;
    }
    const uint32_t n = catalog_list_tables(x->server->catalog, db, &x->stmt_arena, &tables);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (rc == 0 && sees_table(x, db, tables[i]->name)) {
            rc = fn(r, tables[i]);
        }
        table_def_unref(tables[i]);
    }
    return rc;
}

static int table_row(struct show_run *r, struct table_def *t)
{
    show_text(r, NULL, t->name);
    show_cstr(r, "Table_type", t->view_text.p == NULL ? "BASE TABLE" : "VIEW");
    return show_send(r);
}

int show_tables(struct show_run *r)
{
    return each_table(r, table_row);
}

struct count_job {
    struct exec_session *x;
    const struct table_def *t;
    uint64_t rows;
    int rc;
};

static void count_step(void *arg)
{
    struct count_job *job = arg;
    job->rc = engine_row_count(job->x->engine, job->t, job->x->diag, &job->rows);
}

static int count_rows(struct exec_session *x, const struct table_def *t, uint64_t *out)
{
    struct count_job job = {.x = x, .t = t};
    if (exec_engine_for_read(x) != 0 || exec_offload(x, OFFLOAD_QUERY, count_step, &job) != 0 ||
        job.rc != 0) {
        return -1;
    }
    *out = job.rows;
    return 0;
}

/* The name of a collation number as the dialect has it. */
struct str show_collation_name(uint16_t id, enum sql_dialect dialect)
{
    const unsigned wanted = dialect == DIALECT_MARIADB ? COLLATION_IN_MARIADB : COLLATION_IN_MYSQL;
    size_t n;
    const struct collation *list = collation_list(&n);
    for (size_t i = 0; i < n; i++) {
        if (list[i].id == id && (list[i].flags & wanted) != 0) {
            return list[i].name;
        }
    }
    const struct collation *c = collation_find(id);
    return c == NULL ? STR_NULL : c->name;
}

static void set_sizes(struct show_run *r, const struct table_def *t, uint64_t rows)
{
    static const char *const unknown[] = {"Avg_row_length", "Data_length", "Max_data_length",
                                          "Index_length",   "Data_free",   "Max_index_length"};
    show_uint(r, "Rows", rows);
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        show_uint(r, unknown[i], 0);
    }
    if (t->auto_increment_column >= 0) {
        const uint64_t next = atomic_load(&t->share->next_auto_increment);
        show_uint(r, "Auto_increment", MAX(next, MAX(t->auto_increment_start, 1)));
    }
}

static int status_row(struct show_run *r, struct table_def *t)
{
    show_text(r, "Name", t->name);
    if (t->view_text.p != NULL) {
        show_cstr(r, "Comment", "VIEW");
        return show_send(r);
    }
    uint64_t rows = 0;
    if (count_rows(r->x, t, &rows) != 0) {
        return -1;
    }
    show_text(r, "Engine", t->engine_name.len > 0 ? t->engine_name : STR("InnoDB"));
    show_uint(r, "Version", 10);
    show_text(r, "Row_format", t->row_format.len > 0 ? t->row_format : STR("Dynamic"));
    set_sizes(r, t, rows);
    show_time(r, "Create_time", t->created_us);
    show_text(r, "Collation", show_collation_name(t->collation, r->x->server->dialect));
    show_text(r, "Create_options", t->other_options.p == NULL ? STR("") : t->other_options);
    show_text(r, "Comment", t->comment.p == NULL ? STR("") : t->comment);
    show_cstr(r, "Temporary", "N");
    return show_send(r);
}

int show_table_status(struct show_run *r)
{
    return each_table(r, status_row);
}

/* ---- Columns ---- */

static const char *key_of(const struct column_def *c)
{
    const unsigned flags = c->type.flags;
    return (flags & PRI_KEY_FLAG) != 0        ? "PRI"
           : (flags & UNIQUE_KEY_FLAG) != 0   ? "UNI"
           : (flags & MULTIPLE_KEY_FLAG) != 0 ? "MUL"
                                              : "";
}

/* Name of a column's collation; p NULL when it has none. JSON is a text in MariaDB. */
static struct str collation_of(const struct sql_type *t, enum sql_dialect dialect)
{
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_STRING:
        return type_is_binary_string(t) ? STR_NULL : show_collation_name(t->collation, dialect);
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return show_collation_name(t->collation, dialect);
    case TYPE_CLASS_JSON:
        return dialect == DIALECT_MARIADB ? STR("utf8mb4_bin") : STR_NULL;
    default:
        return STR_NULL;
    }
}

static struct str privileges_text(uint64_t privs, struct arena *arena)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {{PRIV_SELECT, "select"},
                 {PRIV_INSERT, "insert"},
                 {PRIV_UPDATE, "update"},
                 {PRIV_REFERENCES, "references"}};
    struct str s = STR("");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if ((privs & names[i].bit) != 0) {
            s = arena_printf(arena, "%.*s%s%s", STR_FMT(s), s.len > 0 ? "," : "", names[i].name);
        }
    }
    return s;
}

static int column_row(struct show_run *r, const struct table_def *t, const struct column_def *c)
{
    struct exec_session *x = r->x;
    const enum sql_dialect dialect = x->server->dialect;
    struct arena *arena = &x->stmt_arena;
    const uint64_t privs = account_column_privs(x->account, t->db, t->name, c->name);
    if ((privs & PRIV_ALL_COLUMN) == 0 && (privs & PRIV_ALL_TABLE) == 0) {
        return 0;
    }
    show_text(r, "Field", c->name);
    show_text(r, "Type", type_to_sql(&c->type, dialect, arena));
    show_text(r, "Collation", collation_of(&c->type, dialect));
    show_cstr(r, "Null", type_is_nullable(&c->type) ? "YES" : "NO");
    show_cstr(r, "Key", key_of(c));
    show_text(r, "Default", column_default_to_text(c, dialect, arena));
    show_text(r, "Extra", column_extra_to_text(c, dialect, arena));
    show_text(r, "Privileges", privileges_text(privs & PRIV_ALL_COLUMN, arena));
    show_text(r, "Comment", c->comment.p == NULL ? STR("") : c->comment);
    return show_send(r);
}

int show_table_columns(struct show_run *r)
{
    struct table_def *t = open_table(r, "SELECT");
    if (t == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (column_row(r, t, &t->columns[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Indexes ---- */

static const char *index_type(const struct index_def *ix)
{
    return ix->kind == INDEX_DEF_FULLTEXT  ? "FULLTEXT"
           : ix->kind == INDEX_DEF_SPATIAL ? "SPATIAL"
                                           : "BTREE";
}

static int index_row(struct show_run *r, const struct table_def *t, const struct index_def *ix,
                     uint32_t at)
{
    const struct index_column *part = &ix->columns[at];
    const struct column_def *c = &t->columns[part->column];
    show_text(r, "Table", t->name);
    show_uint(r, "Non_unique",
              ix->kind != INDEX_DEF_PRIMARY && ix->kind != INDEX_DEF_UNIQUE ? 1 : 0);
    show_text(r, "Key_name", ix->name);
    show_uint(r, "Seq_in_index", at + 1);
    show_text(r, "Column_name", c->name);
    if (ix->kind != INDEX_DEF_FULLTEXT) {
        show_cstr(r, "Collation", part->desc ? "D" : "A");
    }
    if (part->prefix_len > 0) {
        show_uint(r, "Sub_part", part->prefix_len);
    }
    show_cstr(r, "Null", type_is_nullable(&c->type) ? "YES" : "");
    show_cstr(r, "Index_type", index_type(ix));
    show_cstr(r, "Comment", "");
    show_text(r, "Index_comment", ix->comment.p == NULL ? STR("") : ix->comment);
    show_cstr(r, "Visible", ix->invisible ? "NO" : "YES");
    show_cstr(r, "Ignored", ix->invisible ? "YES" : "NO");
    return show_send(r);
}

int show_indexes(struct show_run *r)
{
    struct table_def *t = open_table(r, "SELECT");
    if (t == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < t->index_count; i++) {
        for (uint32_t c = 0; c < t->indexes[i].column_count; c++) {
            if (index_row(r, t, &t->indexes[i], c) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- SHOW CREATE ---- */

static unsigned create_flags(const struct exec_session *x)
{
    return x->server->dialect == DIALECT_MARIADB ? SHOW_CREATE_MARIADB : 0;
}

int show_create_table(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct table_def *t = open_table(r, "SHOW");
    if (t == NULL) {
        return -1;
    }
    show_text(r, "Table", t->name);
    show_text(r, "Create Table", table_def_to_sql(t, create_flags(x), &x->stmt_arena));
    return show_send(r);
}

int show_create_view(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct table_def *t = open_table(r, "SHOW");
    if (t == NULL) {
        return -1;
    }
    if (t->view_text.p == NULL) {
        return diag_set(x->diag, ER_WRONG_OBJECT, text(x, t->db), text(x, t->name),
                        x->server->dialect == DIALECT_MARIADB ? "of type 'VIEW'" : "VIEW");
    }
    show_text(r, "View", t->name);
    show_text(r, "Create View",
              arena_printf(&x->stmt_arena, "CREATE VIEW `%.*s` AS %.*s", STR_FMT(t->name),
                           STR_FMT(t->view_text)));
    show_text(r, "character_set_client", x->vars.character_set_client->name);
    show_text(r, "collation_connection",
              show_collation_name(x->vars.collation_connection, x->server->dialect));
    return show_send(r);
}

int show_create_database(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct database_def def;
    if (check_database(x, r->stmt->db, &def) != 0) {
        return -1;
    }
    const unsigned flags =
        create_flags(x) | (r->stmt->if_not_exists ? SHOW_CREATE_IF_NOT_EXISTS : 0);
    show_text(r, "Database", def.name);
    show_text(r, "Create Database", database_def_to_sql(&def, flags, &x->stmt_arena));
    return show_send(r);
}

/* ---- COM_FIELD_LIST ---- */

/* The default as COM_FIELD_LIST has it, with the one that is implied by the type. */
static struct str default_text(struct row_build *b, uint32_t column)
{
    struct exec_session *x = b->x;
    const struct column_def *c = &b->table->columns[column];
    const bool is_known = c->default_kind != DEFAULT_NOW && c->default_kind != DEFAULT_EXPR;
    if ((!is_known && type_is_nullable(&c->type)) || row_build_set_default(b, column) != 0) {
        return STR_NULL;
    }
    struct value v = b->row[column];
    if (c->default_kind == DEFAULT_NOW) {
        v = (struct value){.kind = VALUE_DATETIME, .decimals = c->type.decimals};
        return value_to_text(&v, &c->type, &x->stmt_arena);
    }
    if (v.kind == VALUE_NULL && !type_is_nullable(&c->type)) {
        v = value_int(0); /* AUTO_INCREMENT */
    }
    exec_visible_value(x, &c->type, &v);
    return value_to_text(&v, &c->type, &x->stmt_arena);
}

int exec_field_list(struct exec_session *x, struct str table, struct str pattern,
                    struct result_column **out_columns, uint32_t *out_count)
{
    struct table_def *t =
        exec_check_expired(x, STMT_SHOW) != 0 ? NULL : exec_open_table(x, STR_NULL, table);
    if (t == NULL) {
        return -1;
    }
    if (!sees_table(x, t->db, t->name)) {
        return exec_check_table(x, t->db, t->name, PRIV_SELECT);
    }
    struct result_column *columns =
        ARENA_ARRAY(&x->stmt_arena, struct result_column, t->column_count + 1);
    const struct collation *ci = collation_find(COLLATION_UTF8MB3_GENERAL_CI);
    struct row_build defaults;
    if (row_build_init(&defaults, x, t, NULL, 0, STORE_IGNORE) != 0) {
        return -1;
    }
    defaults.set_later = ARENA_ARRAY(&x->stmt_arena, bool, t->column_count);
    memset(defaults.set_later, true, t->column_count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->column_count; i++) {
        const struct column_def *c = &t->columns[i];
        if (pattern.len > 0 && !collation_like(ci, c->name, pattern, '\\')) {
            continue;
        }
        columns[n++] = (struct result_column){.db = t->db,
                                              .table = t->name,
                                              .org_table = t->name,
                                              .name = c->name,
                                              .org_name = c->name,
                                              .type = c->type,
                                              .default_text = default_text(&defaults, i)};
    }
    row_build_release(&defaults);
    *out_columns = columns;
    *out_count = n;
    return 0;
}
