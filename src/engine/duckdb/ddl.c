/*
 * DDL. Tables and columns have names of ours (t<id>, c<id>), so that renaming touches the catalog
 * only; DuckDB gets no constraints, defaults or indexes: NOT NULL and keys are checked before rows
 * come in, and what DuckDB keeps with a table must not depend on our functions.
 */
#include "engine/duckdb/duckdb_int.h"
#include "types/convert.h"

#include <inttypes.h>

static void put_columns(const struct table_def *t, struct bytebuf *sql)
{
    bytebuf_put_char(sql, '(');
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytebuf_printf(sql, "%sc%u ", i ? ", " : "", t->columns[i].id);
        ddb_type_name(&t->columns[i].type, sql);
    }
    bytebuf_put_char(sql, ')');
}

static int run_ddl(struct ddb_session *s, const struct table_def *t, struct bytebuf *sql,
                   struct diag *diag)
{
    const int rc = ddb_exec_buf(s, sql, t->name, diag);
    bytebuf_reset(sql);
    return rc;
}

static int begin_ddl(struct ddb_session *s, const struct table_def *t, struct diag *diag)
{
    const int rc = ddb_write_statement(s, t, diag);
    if (rc == 0) {
        ddb_redo_give_up(s);
    }
    return rc;
}

/* The three statements about a whole table. */
struct ddl_form {
    const char *words;
    bool has_columns;
    bool is_other; /* What is kept about the table that was is out of date. */
};

static int define(struct engine_session *base, const struct table_def *t,
                  const struct ddl_form *form, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = begin_ddl(s, t, diag);
    if (rc == 0) {
        struct bytebuf sql;
        bytebuf_init(&sql, DDB_SQL_MAX);
        bytebuf_printf(&sql, "%s t%" PRIu64, form->words, t->id);
        if (form->has_columns) {
            put_columns(t, &sql);
        }
        rc = run_ddl(s, t, &sql, diag);
        bytebuf_release(&sql);
        if (form->is_other) {
            ddb_table_forget(s->instance, t->id);
        }
        if (rc == 0 && form->is_other && form->has_columns) { /* it is there, and empty */
            ddb_touched_get(s, t->id)->appended = 0;
        }
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}

int ddb_create_table(struct engine_session *base, const struct table_def *t, struct diag *diag)
{
    static const struct ddl_form form = {.words = "CREATE TABLE", .has_columns = true};
    return define(base, t, &form, diag);
}

int ddb_drop_table(struct engine_session *base, const struct table_def *t, struct diag *diag)
{
    static const struct ddl_form form = {.words = "DROP TABLE IF EXISTS", .is_other = true};
    return define(base, t, &form, diag);
}

/* A new table of the same name: DuckDB gives the old one's blocks back at the next checkpoint. */
int ddb_truncate(struct engine_session *base, const struct table_def *t, struct diag *diag)
{
    static const struct ddl_form form = {
        .words = "CREATE OR REPLACE TABLE", .has_columns = true, .is_other = true};
    return define(base, t, &form, diag);
}

/* ---- ALTER TABLE ---- */

static const struct column_def *find_column(const struct table_def *t, uint32_t id)
{
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].id == id) {
            return &t->columns[i];
        }
    }
    return NULL;
}

static bool same_storage(const struct sql_type *a, const struct sql_type *b)
{
    struct bytebuf x;
    struct bytebuf y;
    bytebuf_init(&x, 64);
    bytebuf_init(&y, 64);
    ddb_type_name(a, &x);
    ddb_type_name(b, &y);
    const bool same = str_eq(bytebuf_str(&x), bytebuf_str(&y));
    bytebuf_release(&x);
    bytebuf_release(&y);
    return same;
}

/* Does the stored table already have the columns of `to`, in their order? */
static bool nothing_changes(const struct table_def *from, const struct table_def *to)
{
    bool same = from->column_count == to->column_count;
    for (uint32_t i = 0; same && i < to->column_count; i++) {
        same = from->columns[i].id == to->columns[i].id &&
               same_storage(&from->columns[i].type, &to->columns[i].type);
    }
    return same;
}

static void put_blob(struct str bytes, struct bytebuf *sql)
{
    bytebuf_put_cstr(sql, "unhex('");
    for (size_t i = 0; i < bytes.len; i++) {
        bytebuf_printf(sql, "%02x", (unsigned char)bytes.p[i]);
    }
    bytebuf_put_cstr(sql, "')");
}

/* What a NOT NULL column without default holds in rows that are there already: MySQL's implicit
 * default. */
static void put_implicit_default(const struct sql_type *type, struct bytebuf *sql)
{
    static const char zeros[UINT8_MAX];
    const enum type_class class = type_class_of(type->type);
    if (type->type == MYSQL_TYPE_STRING && type_is_binary_string(type)) {
        put_blob(str_from(zeros, MIN(type->length, sizeof(zeros))), sql);
    } else if (class == TYPE_CLASS_STRING || class == TYPE_CLASS_OPAQUE ||
               type_phys(type) == VEC_STR) {
        bytebuf_put_cstr(sql, class == TYPE_CLASS_JSON ? "'null'" : "''");
    } else if (class == TYPE_CLASS_ENUM) {
        bytebuf_put_cstr(sql, "1");
    } else if (class == TYPE_CLASS_DATE || class == TYPE_CLASS_DATETIME) {
        /* The zero date, as temporal.h packs it, by way of the epoch. */
        const struct mtime zero = {.year = 0};
        if (class == TYPE_CLASS_DATE) {
            bytebuf_printf(sql, "(DATE '1970-01-01' + (%" PRId32 "))", temporal_pack_date(&zero));
        } else {
            bytebuf_printf(sql, "make_timestamp(%" PRId64 ")", temporal_pack_datetime(&zero));
        }
    } else {
        bytebuf_put_cstr(sql, "0");
    }
}

/* A value already converted to the column's type, as a DuckDB literal of the column's storage. */
static void put_value(const struct value *v, const struct sql_type *type, struct arena *arena,
                      struct bytebuf *sql)
{
    const enum type_class class = type_class_of(type->type);
    switch (v->kind) {
    case VALUE_NULL:
        bytebuf_put_cstr(sql, "NULL");
        break;
    case VALUE_INT:
        bytebuf_printf(sql, "%" PRId64, v->i);
        break;
    case VALUE_UINT:
        bytebuf_printf(sql, "%" PRIu64, v->u);
        break;
    case VALUE_DATE:
        bytebuf_printf(sql, "(DATE '1970-01-01' + (%" PRId32 "))", temporal_pack_date(&v->time));
        break;
    case VALUE_DATETIME:
        bytebuf_printf(sql, "make_timestamp(%" PRId64 ")", temporal_pack_datetime(&v->time));
        break;
    case VALUE_TIME:
        bytebuf_printf(sql, "%" PRId64, temporal_pack_time(&v->time));
        break;
    case VALUE_DECIMAL:
        if (class == TYPE_CLASS_DECIMAL && type->length > DECIMAL_MAX_NATIVE) {
            char sortable[64];
            put_blob(str_from(sortable,
                              decimal_to_sortable(&v->dec, type->length, type->decimals, sortable)),
                     sql);
            break;
        }
        bytebuf_put_str(sql, value_to_text(v, type, arena));
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        if (ddb_type_is_text(type)) {
            bytebuf_put_quoted(sql, v->str, "'");
        } else {
            put_blob(v->str, sql);
        }
        break;
    default:
        bytebuf_put_str(sql, value_to_text(v, type, arena));
        break;
    }
}

/* The value of a column of the new table in terms of the old one. */
static void put_new_column(const struct table_def *from, const struct column_def *column,
                           struct arena *arena, struct bytebuf *sql)
{
    const struct column_def *old = find_column(from, column->id);
    if (old != NULL && same_storage(&old->type, &column->type)) {
        bytebuf_printf(sql, "c%u", column->id);
        return;
    }
    bytebuf_put_cstr(sql, "CAST(");
    if (old != NULL) {
        bytebuf_printf(sql, "c%u", column->id);
    } else if (column->default_kind == DEFAULT_VALUE) {
        put_value(&column->default_value, &column->type, arena, sql);
    } else if (type_is_nullable(&column->type)) {
        bytebuf_put_cstr(sql, "NULL");
    } else {
        put_implicit_default(&column->type, sql);
    }
    bytebuf_put_cstr(sql, " AS ");
    ddb_type_name(&column->type, sql);
    bytebuf_put_char(sql, ')');
}

/* Builds the new table beside the old one and lets it take the name. */
static int rewrite_table(struct ddb_session *s, const struct table_def *from,
                         const struct table_def *to, struct str rewrite, struct diag *diag)
{
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(&sql, "CREATE TABLE t%" PRIu64 "_n", to->id);
    put_columns(to, &sql);
    int rc = run_ddl(s, to, &sql, diag);
    if (rc == 0) {
        bytebuf_printf(&sql, "INSERT INTO t%" PRIu64 "_n ", to->id);
        if (rewrite.len != 0) {
            bytebuf_put_str(&sql, rewrite);
        } else {
            bytebuf_put_cstr(&sql, "SELECT ");
            for (uint32_t i = 0; i < to->column_count; i++) {
                bytebuf_put_cstr(&sql, i ? ", " : "");
                put_new_column(from, &to->columns[i], &s->txn_arena, &sql);
            }
            bytebuf_printf(&sql, " FROM t%" PRIu64, from->id);
        }
        rc = run_ddl(s, to, &sql, diag);
    }
    if (rc == 0) {
        bytebuf_printf(&sql, "DROP TABLE t%" PRIu64, from->id);
        rc = run_ddl(s, to, &sql, diag);
    }
    if (rc == 0) {
        bytebuf_printf(&sql, "ALTER TABLE t%" PRIu64 "_n RENAME TO t%" PRIu64, to->id, to->id);
        rc = run_ddl(s, to, &sql, diag);
    }
    bytebuf_release(&sql);
    return rc;
}

/*
 * Are the columns of `to` those of `from`, in their order and form, some left out, and new ones
 * behind them? Then DuckDB changes the table in place.
 */
static bool can_change_in_place(const struct table_def *from, const struct table_def *to)
{
    uint32_t at = 0;
    uint32_t i = 0;
    for (; i < to->column_count && find_column(from, to->columns[i].id) != NULL; i++) {
        while (at < from->column_count && from->columns[at].id != to->columns[i].id) {
            at++;
        }
        if (at == from->column_count ||
            !same_storage(&from->columns[at].type, &to->columns[i].type)) {
            return false;
        }
        at++;
    }
    const bool keeps_some = i > 0;
    for (; i < to->column_count; i++) {
        const struct column_def *column = &to->columns[i];
        if (find_column(from, column->id) != NULL || !type_is_nullable(&column->type) ||
            (column->default_kind == DEFAULT_VALUE && !value_is_null(&column->default_value))) {
            return false;
        }
    }
    return keeps_some;
}

static int drop_columns(struct ddb_session *s, const struct table_def *from,
                        const struct table_def *to, struct diag *diag)
{
    int rc = 0;
    for (uint32_t i = 0; i < from->column_count && rc == 0; i++) {
        if (find_column(to, from->columns[i].id) == NULL) {
            struct bytebuf sql;
            bytebuf_init(&sql, DDB_SQL_MAX);
            bytebuf_printf(&sql, "ALTER TABLE t%" PRIu64 " DROP COLUMN c%u", from->id,
                           from->columns[i].id);
            rc = run_ddl(s, to, &sql, diag);
            bytebuf_release(&sql);
        }
    }
    return rc;
}

static int add_column(struct ddb_session *s, const struct table_def *to,
                      const struct column_def *column, struct diag *diag)
{
    struct bytebuf sql;
    bytebuf_init(&sql, DDB_SQL_MAX);
    bytebuf_printf(&sql, "ALTER TABLE t%" PRIu64 " ADD COLUMN c%u ", to->id, column->id);
    ddb_type_name(&column->type, &sql);
    const int rc = run_ddl(s, to, &sql, diag);
    bytebuf_release(&sql);
    return rc;
}

static int change_in_place(struct ddb_session *s, const struct table_def *from,
                           const struct table_def *to, struct diag *diag)
{
    int rc = drop_columns(s, from, to, diag);
    for (uint32_t i = 0; i < to->column_count && rc == 0; i++) {
        if (find_column(from, to->columns[i].id) == NULL) {
            rc = add_column(s, to, &to->columns[i], diag);
        }
    }
    return rc;
}

static int alter_table(struct ddb_session *s, const struct table_def *from,
                       const struct table_def *to, struct str rewrite, struct diag *diag)
{
    if (rewrite.len == 0 && nothing_changes(from, to)) {
        return 0;
    }
    /* Rows that this transaction appended make DuckDB refuse to change the table in place. */
    if (rewrite.len == 0 && can_change_in_place(from, to) &&
        ddb_touched_get(s, to->id)->appended == 0) {
        return change_in_place(s, from, to, diag);
    }
    const int rc = rewrite_table(s, from, to, rewrite, diag);
    if (rc == 0 && s->touched != NULL) {
        ddb_touched_get(s, to->id)->appended = DDB_APPENDED_UNKNOWN;
    }
    return rc;
}

/* Do the rows that are there get a partial date as the value of a new column? */
static bool fills_partial_dates(const struct table_def *from, const struct table_def *to)
{
    for (uint32_t i = 0; i < to->column_count; i++) {
        const struct value *v = &to->columns[i].default_value;
        if (find_column(from, to->columns[i].id) == NULL &&
            to->columns[i].default_kind == DEFAULT_VALUE &&
            (v->kind == VALUE_DATE || v->kind == VALUE_DATETIME) &&
            temporal_date_is_out_of_order(temporal_pack_date(&v->time))) {
            return true;
        }
    }
    return false;
}

int ddb_alter_table(struct engine_session *base, const struct table_def *from,
                    const struct table_def *to, struct str rewrite, struct diag *diag)
{
    struct ddb_session *s = ddb_session_of(base);
    if (ddb_enter(s, diag) != 0) {
        return -1;
    }
    int rc = begin_ddl(s, to, diag);
    if (rc == 0) {
        rc = alter_table(s, from, to, rewrite, diag);
        if (rc == 0 && fills_partial_dates(from, to)) {
            rc = ddb_note_partial_dates(s, to, diag);
        }
        ddb_table_forget(s->instance, to->id);
    }
    return ddb_leave(s, ddb_write_done(s, rc, diag));
}
