#include "upstream/discover.h"

#include "upstream_int.h"

enum {
    SQL_MAX_LEN = 1024 * 1024,
};

/* ---- Writing statements ---- */

/* "COLUMN = 'database'", or that it is none of the system's. */
static void put_scope(struct bytebuf *b, const char *column, struct str database)
{
    bytebuf_put_cstr(b, column);
    if (database.len > 0) {
        bytebuf_put_cstr(b, " = ");
        bytebuf_put_quoted(b, database, "'\\");
    } else {
        bytebuf_put_cstr(b, " NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')");
    }
}

static struct str row_value(const struct upstream_result *r, uint64_t row, uint32_t column)
{
    return r->rows[row][column];
}

/* ---- Databases ---- */

static int read_schemas(struct upstream_conn *c, struct str database, struct arena *arena,
                        struct diag *d, struct upstream_discovery *out)
{
    struct bytebuf sql;
    struct upstream_result r;
    bytebuf_init(&sql, SQL_MAX_LEN);
    bytebuf_put_cstr(&sql, "SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM "
                           "information_schema.SCHEMATA WHERE ");
    put_scope(&sql, "SCHEMA_NAME", database);
    bytebuf_put_cstr(&sql, " ORDER BY 1");
    const int rc = upstream_query(c, bytebuf_str(&sql), arena, d, &r);
    bytebuf_release(&sql);
    if (rc != 0) {
        return -1;
    }
    out->schemas = ARENA_ARRAY(arena, struct upstream_schema, r.row_count);
    out->schema_count = (uint32_t)r.row_count;
    for (uint64_t i = 0; i < r.row_count; i++) {
        out->schemas[i] =
            (struct upstream_schema){.name = row_value(&r, i, 0), .collation = row_value(&r, i, 1)};
    }
    return 0;
}

/* ---- Objects ---- */

/* Where objects are listed: their database, name, kind and engine. */
struct listing {
    const char *select;
    const char *schema_column;
};

static const struct listing listings[] = {
    {"SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES",
     "TABLE_SCHEMA"},
    {"SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, '' FROM information_schema.ROUTINES",
     "ROUTINE_SCHEMA"},
    {"SELECT EVENT_SCHEMA, EVENT_NAME, 'EVENT', '' FROM information_schema.EVENTS", "EVENT_SCHEMA"},
};

static const struct {
    const char *type;
    enum upstream_object_kind kind;
} kinds[] = {
    {"BASE TABLE", UPSTREAM_TABLE},    {"SYSTEM VERSIONED", UPSTREAM_TABLE},
    {"VIEW", UPSTREAM_VIEW},           {"SEQUENCE", UPSTREAM_SEQUENCE},
    {"PROCEDURE", UPSTREAM_PROCEDURE}, {"FUNCTION", UPSTREAM_FUNCTION},
    {"PACKAGE", UPSTREAM_PACKAGE},     {"EVENT", UPSTREAM_EVENT},
};

static void keep_object(struct upstream_discovery *out, struct str *values)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (str_eq(values[2], str_from_cstr(kinds[i].type))) {
            out->objects[out->object_count++] =
                (struct upstream_object){.db = values[0],
                                         .name = values[1],
                                         .kind = kinds[i].kind,
                                         .engine = values[3].p != NULL ? values[3] : STR("")};
            return;
        }
    }
}

static int list_objects(struct upstream_conn *c, const struct listing *l, struct str database,
                        uint32_t max_objects, struct arena *arena, struct diag *d,
                        struct upstream_result *r)
{
    struct bytebuf sql;
    bytebuf_init(&sql, SQL_MAX_LEN);
    bytebuf_printf(&sql, "%s WHERE ", l->select);
    put_scope(&sql, l->schema_column, database);
    bytebuf_printf(&sql, " ORDER BY 1, 2 LIMIT %u", max_objects + 1);
    const int rc = upstream_query(c, bytebuf_str(&sql), arena, d, r);
    bytebuf_release(&sql);
    return rc;
}

static int read_objects(struct upstream_conn *c, struct str database, uint32_t max_objects,
                        struct arena *arena, struct diag *d, struct upstream_discovery *out)
{
    struct upstream_result results[ARRAY_SIZE(listings)];
    uint64_t total = 0;
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        if (list_objects(c, &listings[i], database, max_objects, arena, d, &results[i]) != 0) {
            return -1;
        }
        total += results[i].row_count;
    }
    out->objects = ARENA_ARRAY(arena, struct upstream_object, total);
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        out->truncated = out->truncated || results[i].row_count > max_objects;
        for (uint64_t row = 0; row < MIN(results[i].row_count, (uint64_t)max_objects); row++) {
            keep_object(out, results[i].rows[row]);
        }
    }
    return 0;
}

/* The text of a table's definition, or why it cannot be had. -1 with d set when the connection is
 * broken. */
static int read_definition(struct upstream_conn *c, struct upstream_object *o, struct arena *arena,
                           struct diag *d)
{
    struct bytebuf sql;
    struct upstream_result r;
    struct diag why;
    diag_init(&why);
    bytebuf_init(&sql, SQL_MAX_LEN);
    bytebuf_put_cstr(&sql, "SHOW CREATE TABLE ");
    bytebuf_put_quoted(&sql, o->db, "`");
    bytebuf_put_char(&sql, '.');
    bytebuf_put_quoted(&sql, o->name, "`");
    const int rc = upstream_query(c, bytebuf_str(&sql), arena, &why, &r);
    bytebuf_release(&sql);
    if (rc == 0 && r.row_count == 1 && r.column_count >= 2) {
        o->definition = r.rows[0][1];
    } else {
        o->error = arena_dup(arena, rc != 0 ? why.error->message : STR("no definition"));
    }
    if (c->broken) {
        (void)diag_set_text(d, why.error->code, why.error->message);
    }
    diag_release(&why);
    return c->broken ? -1 : 0;
}

int upstream_list(struct upstream_conn *c, struct str database, uint32_t max_objects,
                  struct arena *arena, struct diag *d, struct upstream_discovery *out)
{
    *out = (struct upstream_discovery){0};
    return upstream_exec(c, STR("SET NAMES utf8mb4"), d) != 0 ||
                   read_schemas(c, database, arena, d, out) != 0 ||
                   read_objects(c, database, max_objects, arena, d, out) != 0
               ? -1
               : 0;
}

int upstream_discover(struct upstream_conn *c, struct str database, uint32_t max_objects,
                      struct arena *arena, struct diag *d, struct upstream_discovery *out)
{
    /* What the text of definitions depends on. */
    if (upstream_exec(c,
                      STR("SET SESSION sql_mode = '', sql_quote_show_create = 1, "
                          "lock_wait_timeout = 3"),
                      d) != 0 ||
        upstream_list(c, database, max_objects, arena, d, out) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < out->object_count; i++) {
        struct upstream_object *o = &out->objects[i];
        if (o->kind == UPSTREAM_TABLE && read_definition(c, o, arena, d) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Columns alone ---- */

static int query_table(struct upstream_conn *c, const char *select, const struct upstream_object *o,
                       const char *tail, struct arena *arena, struct diag *d,
                       struct upstream_result *r)
{
    struct bytebuf sql;
    bytebuf_init(&sql, SQL_MAX_LEN);
    bytebuf_printf(&sql, "%s WHERE TABLE_SCHEMA = ", select);
    bytebuf_put_quoted(&sql, o->db, "'\\");
    bytebuf_put_cstr(&sql, " AND TABLE_NAME = ");
    bytebuf_put_quoted(&sql, o->name, "'\\");
    bytebuf_put_cstr(&sql, tail);
    const int rc = upstream_query(c, bytebuf_str(&sql), arena, d, r);
    bytebuf_release(&sql);
    return rc;
}

static void put_column(struct bytebuf *b, const struct str *values)
{
    bytebuf_put_quoted(b, values[0], "`");
    bytebuf_put_char(b, ' ');
    bytebuf_put_str(b, values[1]);
    if (values[2].p != NULL) {
        bytebuf_put_cstr(b, " COLLATE ");
        bytebuf_put_str(b, values[2]);
    }
    bytebuf_put_cstr(b, str_eq(values[3], STR("NO")) ? " NOT NULL" : " NULL");
}

int upstream_discover_columns(struct upstream_conn *c, const struct upstream_object *o,
                              struct arena *arena, struct diag *d, struct str *out_sql)
{
    struct upstream_result columns;
    struct upstream_result key;
    if (query_table(c,
                    "SELECT COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, IS_NULLABLE FROM "
                    "information_schema.COLUMNS",
                    o, " ORDER BY ORDINAL_POSITION", arena, d, &columns) != 0 ||
        query_table(c, "SELECT COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS", o,
                    " AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX", arena, d, &key) != 0) {
        return -1;
    }
    struct bytebuf b;
    bytebuf_init(&b, 16 * SQL_MAX_LEN);
    bytebuf_put_cstr(&b, "CREATE TABLE ");
    bytebuf_put_quoted(&b, o->name, "`");
    for (uint64_t i = 0; i < columns.row_count; i++) {
        bytebuf_put_cstr(&b, i == 0 ? " (" : ", ");
        put_column(&b, columns.rows[i]);
    }
    for (uint64_t i = 0; i < key.row_count; i++) {
        bytebuf_put_cstr(&b, i == 0 ? ", PRIMARY KEY (" : ", ");
        bytebuf_put_quoted(&b, row_value(&key, i, 0), "`");
        if (row_value(&key, i, 1).p != NULL) {
            bytebuf_printf(&b, "(%.*s)", STR_FMT(row_value(&key, i, 1)));
        }
    }
    bytebuf_put_cstr(&b, key.row_count > 0 ? "))" : ")");
    *out_sql = arena_dup(arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return 0;
}
