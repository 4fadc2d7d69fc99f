/* See show_int.h: columns, filters, and the table of kinds. */
#include "exec/show_int.h"
#include "types/collation.h"

/* Names of databases and tables compare by their bytes (lower_case_table_names = 0). */
#define COLLATION_UTF8MB3_BIN 83

/* ---- Kinds ---- */

enum show_flags {
    SHOW_BINARY_NAMES = 1u << 0,     /* the first column is a name of a database or table */
    SHOW_KEEPS_DIAGNOSTICS = 1u << 1 /* reads the diagnostics area */
};

struct show_kind_def {
    show_rows_fn *rows;
    const char *like; /* the column that LIKE is about; NULL = the first */
    unsigned flags;   /* enum show_flags */
};

static const struct show_kind_def kinds[SHOW_KIND_COUNT] = {
    [SHOW_DATABASES] = {show_databases, NULL, SHOW_BINARY_NAMES},
    [SHOW_TABLES] = {show_tables, NULL, SHOW_BINARY_NAMES},
    [SHOW_TABLE_STATUS] = {show_table_status, NULL, SHOW_BINARY_NAMES},
    [SHOW_COLUMNS] = {show_table_columns, NULL, 0},
    [SHOW_INDEX] = {show_indexes, NULL, SHOW_BINARY_NAMES},
    [SHOW_CREATE_TABLE] = {show_create_table, NULL, 0},
    [SHOW_CREATE_DATABASE] = {show_create_database, NULL, 0},
    [SHOW_CREATE_VIEW] = {show_create_view, NULL, 0},
    [SHOW_CREATE_USER] = {show_create_user, NULL, 0},
    [SHOW_VARIABLES] = {show_variables, NULL, 0},
    [SHOW_STATUS] = {show_status, NULL, 0},
    [SHOW_WARNINGS] = {show_warnings, NULL, SHOW_KEEPS_DIAGNOSTICS},
    [SHOW_ERRORS] = {show_warnings, NULL, SHOW_KEEPS_DIAGNOSTICS},
    [SHOW_COUNT_WARNINGS] = {show_count_warnings, NULL, SHOW_KEEPS_DIAGNOSTICS},
    [SHOW_COUNT_ERRORS] = {show_count_errors, NULL, SHOW_KEEPS_DIAGNOSTICS},
    [SHOW_PROCESSLIST] = {show_processlist, NULL, 0},
    [SHOW_GRANTS] = {show_grants, NULL, 0},
    [SHOW_ENGINES] = {show_engines, NULL, 0},
    [SHOW_CHARSET] = {show_charsets, NULL, 0},
    [SHOW_COLLATION] = {show_collations, NULL, 0},
    [SHOW_PRIVILEGES] = {show_privileges, NULL, 0},
    [SHOW_PLUGINS] = {show_plugins, NULL, 0},
    [SHOW_TRIGGERS] = {show_in_database, "Table", 0},
    [SHOW_EVENTS] = {show_in_database, "Name", 0},
    [SHOW_PROCEDURE_STATUS] = {show_nothing, "Name", 0},
    [SHOW_FUNCTION_STATUS] = {show_nothing, "Name", 0},
    [SHOW_OPEN_TABLES] = {show_nothing, "Table", 0},
    [SHOW_BINARY_LOGS] = {show_no_binary_log, NULL, 0},
    [SHOW_MASTER_STATUS] = {show_master_status, NULL, 0},
    [SHOW_REPLICA_STATUS] = {show_replica_status, NULL, 0},
    [SHOW_ENGINE_STATUS] = {show_engine_status, NULL, 0},
    [SHOW_PROFILES] = {show_nothing, NULL, 0},
    [SHOW_PINTAIL_STATUS] = {show_pintail_status, NULL, 0},
    [SHOW_PINTAIL_DIGESTS] = {show_pintail_digests, "Digest_text", 0},
    [SHOW_PINTAIL_SESSIONS] = {show_pintail_sessions, "User", SHOW_BINARY_NAMES},
    [SHOW_PINTAIL_TABLES] = {show_pintail_tables, "Name", SHOW_BINARY_NAMES},
};

/* ---- Columns ---- */

enum column_condition {
    ALWAYS,
    IF_FULL,
    UNLESS_FULL,
    IF_GLOBAL,
    UNLESS_GLOBAL,
};

struct show_column {
    uint8_t kind;
    uint8_t condition;
    uint8_t type;
    uint8_t decimals;
    uint16_t flags;
    uint32_t length;
    struct str name, db, table, org_table, org_name;
};

#define NN  NOT_NULL_FLAG
#define ND  NO_DEFAULT_VALUE_FLAG
#define BIN BINARY_FLAG
#define EN  ENUM_FLAG
#define ST  SET_FLAG
#define UN  UNSIGNED_FLAG
#define BL  BLOB_FLAG
#define UK  UNIQUE_KEY_FLAG
#define PK  PART_KEY_FLAG
#define MK  MULTIPLE_KEY_FLAG

#define COLUMN(kind, condition, name, type, length, decimals, flags, db, table, org_table,         \
               org_name)                                                                           \
    {kind,                                                                                         \
     condition,                                                                                    \
     MYSQL_TYPE_##type,                                                                            \
     decimals,                                                                                     \
     (uint16_t)(flags),                                                                            \
     length,                                                                                       \
     STR_INIT(name),                                                                               \
     STR_INIT(db),                                                                                 \
     STR_INIT(table),                                                                              \
     STR_INIT(org_table),                                                                          \
     STR_INIT(org_name)},

static const struct show_column mysql_columns[] = {
#define SHOW_COLUMNS_MYSQL
#include "exec/show_columns.def"
#undef SHOW_COLUMNS_MYSQL
};

static const struct show_column mariadb_columns[] = {
#define SHOW_COLUMNS_MARIADB
#include "exec/show_columns.def"
#undef SHOW_COLUMNS_MARIADB
};

static bool is_wanted(const struct show_column *c, const struct show_stmt *show)
{
    if ((enum show_kind)c->kind != show->kind) {
        return false;
    }
    switch ((enum column_condition)c->condition) {
    case IF_FULL:
        return show->full;
    case UNLESS_FULL:
        return !show->full;
    case IF_GLOBAL:
        return show->scope == SCOPE_GLOBAL;
    case UNLESS_GLOBAL:
        return show->scope != SCOPE_GLOBAL;
    case ALWAYS:
        break;
    }
    return true;
}

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len && str_eq(str_from(s.p + s.len - end.len, end.len), end);
}

/* The heading: completed with what the statement is about, and the pattern of SHOW TABLES and SHOW
 * DATABASES. */
static struct str heading(struct exec_session *x, const struct show_stmt *show, struct str name,
                          struct arena *arena)
{
    if (ends_with(name, STR(" for "))) {
        return arena_printf(arena, "%.*s%.*s", STR_FMT(name),
                            STR_FMT(show_account_name(x, show, arena)));
    }
    if (ends_with(name, STR("_in_"))) {
        name = arena_printf(arena, "%.*s%.*s", STR_FMT(name),
                            STR_FMT(show->db.len > 0 ? show->db : x->db));
    } else if (show->kind != SHOW_DATABASES) {
        return name;
    }
    return show->like.p == NULL
               ? name
               : arena_printf(arena, "%.*s (%.*s)", STR_FMT(name), STR_FMT(show->like));
}

/* On MySQL what is flagged as binary compares so. */
static void make_column(const struct show_column *c, bool mariadb, struct result_column *out)
{
    const enum mysql_type type = (enum mysql_type)c->type;
    const bool text = type_class_of(type) == TYPE_CLASS_STRING;
    const bool binary = !mariadb && (c->flags & BINARY_FLAG) != 0;
    *out = (struct result_column){
        .db = c->db,
        .table = c->table,
        .org_table = c->org_table,
        .name = c->name,
        .org_name = c->org_name,
        .type = {.type = type,
                 .length = c->length,
                 .decimals = c->decimals,
                 .flags = c->flags,
                 .collation = !text    ? COLLATION_BINARY
                              : binary ? COLLATION_UTF8MB3_BIN
                                       : COLLATION_UTF8MB3_GENERAL_CI},
    };
}

int exec_show_columns_of(struct exec_session *x, const struct show_stmt *show, struct arena *arena,
                         struct result_column **out, uint32_t *out_count)
{
    const bool mariadb = x->server->dialect == DIALECT_MARIADB;
    const struct show_column *all = mariadb ? mariadb_columns : mysql_columns;
    const size_t n = mariadb ? ARRAY_SIZE(mariadb_columns) : ARRAY_SIZE(mysql_columns);
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += is_wanted(&all[i], show);
    }
    struct result_column *columns = ARENA_ARRAY(arena, struct result_column, count + 1);
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_wanted(&all[i], show)) {
            struct result_column *c = &columns[at++];
            make_column(&all[i], mariadb, c);
            const struct str heading_text = heading(x, show, c->name, arena);
            /* MySQL runs a query over its dictionary in which the heading is the column. */
            if (!mariadb && c->org_name.len > 0 && !str_eq(heading_text, c->name)) {
                c->org_name = heading_text;
            }
            c->name = heading_text;
        }
    }
    *out = columns;
    *out_count = count;
    return 0;
}

/* ---- Rows ---- */

static int32_t find_column(const struct show_run *r, const char *name)
{
    const struct str wanted = str_from_cstr(name);
    for (uint32_t i = 0; i < r->count; i++) {
        if (str_eq(r->columns[i].name, wanted)) {
            return (int32_t)i;
        }
    }
    return -1;
}

void show_set(struct show_run *r, const char *column, struct value v)
{
    /* The first column's name depends on the statement: NULL stands for it. */
    const int32_t i = column == NULL ? 0 : find_column(r, column);
    if (i >= 0) {
        r->row[i] = v;
    }
}

void show_text(struct show_run *r, const char *column, struct str s)
{
    show_set(r, column, s.p == NULL ? value_null() : value_string(s, COLLATION_UTF8MB3_GENERAL_CI));
}

void show_cstr(struct show_run *r, const char *column, const char *s)
{
    show_text(r, column, str_from_cstr(s));
}

void show_uint(struct show_run *r, const char *column, uint64_t u)
{
    show_set(r, column, value_uint(u));
}

void show_time(struct show_run *r, const char *column, int64_t utc_us)
{
    struct value v = {.kind = VALUE_DATETIME};
    timezone_from_utc(r->x->vars.time_zone, utc_us, &v.time);
    v.time.usec = 0;
    show_set(r, column, v);
}

static int begin(struct show_run *r)
{
    if (r->begun) {
        return 0;
    }
    r->begun = true;
    r->x->result.has_rows = true;
    return r->x->sink->ops->begin(r->x->sink, r->columns, r->count, r->x->diag);
}

/* 1: passes the filters, 0: does not, -1: diag. */
static int passes(struct show_run *r)
{
    if (r->like != NULL) {
        const struct value *v = &r->row[r->like_column];
        return v->kind == VALUE_STRING && like_pattern_match(r->like, v->str);
    }
    if (r->shape == NULL) {
        return 1;
    }
    struct value v;
    r->ctx.row = r->row;
    if (eval_expr(&r->ctx, r->stmt->where, &v) != 0) {
        return -1;
    }
    return eval_truth(&v) == 1;
}

static int send_row(struct show_run *r)
{
    struct result_sink *sink = r->x->sink;
    struct diag *diag = r->x->diag;
    if (begin(r) != 0 || sink->ops->row(sink, r->row, diag) != 0) {
        return -1;
    }
    return sink->ops->is_full(sink) ? sink->ops->flush(sink, diag) : 0;
}

int show_send(struct show_run *r)
{
    const int pass = passes(r);
    const int rc = pass == 1 ? send_row(r) : MIN(pass, 0);
    memset(r->row, 0, sizeof *r->row * r->count);
    return rc;
}

int show_send_pair(struct show_run *r, struct str name, struct str value)
{
    show_text(r, "Variable_name", name);
    show_text(r, "Value", value.p == NULL ? STR("") : value);
    return show_send(r);
}

/* ---- Filters ---- */

static int may_read(void *arg, const struct table_def *table, uint32_t column, struct diag *diag)
{
    (void)arg;
    (void)table;
    (void)column;
    (void)diag;
    return 0;
}

/* The result's columns as a table whose rows WHERE looks at. */
static struct table_def *make_shape(const struct show_run *r)
{
    struct table_def *t = table_def_new();
    t->db = STR("information_schema");
    t->name = STR("SHOW");
    t->auto_increment_column = -1;
    t->column_count = r->count;
    t->columns = ARENA_ARRAY(t->arena, struct column_def, r->count + 1);
    for (uint32_t i = 0; i < r->count; i++) {
        struct column_def *c = &t->columns[i];
        c->id = i + 1;
        c->name = arena_dup(t->arena, r->columns[i].name);
        c->type = r->columns[i].type;
        c->type.flags &= (uint16_t)(NOT_NULL_FLAG | UNSIGNED_FLAG);
    }
    return t;
}

/* The resolver knows no clauses outside of queries: an unknown column gets the clause it is in. */
static int name_the_clause(struct show_run *r)
{
    struct diag *diag = r->x->diag;
    if (diag->error == NULL || diag->error->code != ER_BAD_FIELD_ERROR) {
        return -1;
    }
    const struct str message = arena_dup(&r->x->stmt_arena, diag->error->message);
    const char *from = memchr(message.p, '\'', message.len);
    const char *to = from == NULL ? NULL : strchr(from + 1, '\'');
    if (to == NULL) {
        return -1;
    }
    const struct str name = str_from(from + 1, (size_t)(to - from - 1));
    diag_clear_error(diag);
    return diag_set(diag, ER_BAD_FIELD_ERROR, arena_dup_cstr(&r->x->stmt_arena, name),
                    r->x->server->dialect == DIALECT_MARIADB ? "WHERE" : "where clause");
}

static int prepare_where(struct show_run *r)
{
    struct exec_session *x = r->x;
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    env.check_column = may_read;
    r->shape = make_shape(r);
    exec_eval_ctx(x, &x->stmt_arena, &r->ctx);
    if (sql_resolve_expr(r->stmt->where, r->shape, &env, &x->stmt_arena, x->diag) != 0) {
        return name_the_clause(r);
    }
    return 0;
}

static int prepare_filters(struct show_run *r)
{
    const struct show_kind_def *kind = &kinds[r->stmt->kind];
    if (r->stmt->like.p != NULL) {
        r->like_column = kind->like == NULL ? 0 : find_column(r, kind->like);
        if (r->like_column < 0) {
            return 0;
        }
        /* LIKE goes by the bytes of names on both servers, WHERE on MySQL alone. */
        const bool binary = (kind->flags & SHOW_BINARY_NAMES) != 0 && r->like_column == 0;
        const struct collation *c =
            collation_find(binary ? COLLATION_UTF8MB3_BIN : COLLATION_UTF8MB3_GENERAL_CI);
        r->like = like_pattern_new(c, r->stmt->like, '\\', &r->x->stmt_arena);
    }
    return r->stmt->where == NULL ? 0 : prepare_where(r);
}

/* ---- The statement ---- */

static int run(struct show_run *r)
{
    const struct show_kind_def *kind = &kinds[r->stmt->kind];
    struct exec_session *x = r->x;
    if (exec_show_columns_of(x, r->stmt, &x->stmt_arena, &r->columns, &r->count) != 0) {
        return -1;
    }
    r->row = ARENA_ARRAY(&x->stmt_arena, struct value, r->count + 1);
    if (prepare_filters(r) != 0 || kind->rows(r) != 0 || begin(r) != 0) {
        return -1;
    }
    return x->sink->ops->end(x->sink, x->diag);
}

int exec_show(struct exec_session *x, struct stmt *stmt)
{
    struct show_run r = {.x = x, .stmt = &stmt->show};
    if ((kinds[stmt->show.kind].flags & SHOW_KEEPS_DIAGNOSTICS) == 0) {
        diag_reset(x->diag);
    } else {
        x->result.shows_warnings = true;
    }
    const int rc = run(&r);
    table_def_unref(r.shape);
    if (rc != 0 && r.begun) {
        x->sink->ops->cancel(x->sink);
        x->result.has_rows = false;
    }
    return rc;
}
