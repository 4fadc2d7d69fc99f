/*
 * Rows of a table that DDL makes: read from a query or from the table as it was, converted with the
 * rules of INSERT, and appended through one engine writer, which checks the unique keys.
 */
#include "exec/ddl_int.h"
#include "exec/row_build.h"
#include "exec/rows_source.h"
#include "types/convert.h"

#include <inttypes.h>

#define SCAN_TEXT_MAX ((size_t)1 << 20)

struct fill {
    struct exec_session *x;
    const struct table_def *table;
    const struct ddl_source *source;
    struct row_build build;
    struct chunk_builder chunk;
    struct engine_writer *writer;
    uint64_t rows;
    int rc;
};

static int append_chunk(struct fill *f)
{
    if (f->chunk.nrows == 0) {
        return 0;
    }
    const struct chunk rows = chunk_builder_chunk(&f->chunk);
    const int rc = engine_writer_append(f->writer, &rows, f->x->diag);
    chunk_builder_reset(&f->chunk);
    return rc;
}

static bool is_labelled(enum type_class class)
{
    return class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET;
}

/* A stored value as the conversion to the new column must see it: members by their text, unless a
 * number is wanted. */
static void visible_value(struct fill *f, const struct sql_type *from, const struct sql_type *to,
                          struct value *v)
{
    exec_visible_value(f->x, from, v);
    if (value_is_null(v) || !is_labelled(type_class_of(from->type))) {
        return;
    }
    const enum type_class class = type_class_of(to->type);
    if (class == TYPE_CLASS_STRING || is_labelled(class)) {
        *v = value_string(value_to_text(v, from, &f->build.scratch), from->collation);
    }
}

/* NULL in a column that becomes NOT NULL: what the servers say of it in ALTER TABLE. */
static int refuse_null(struct fill *f, const struct column_def *c)
{
    struct diag *diag = f->x->diag;
    return f->x->server->dialect == DIALECT_MYSQL
               ? diag_set(diag, ER_INVALID_USE_OF_NULL)
               : diag_set(diag, WARN_DATA_TRUNCATED, ddl_text(f->x, c->name), f->rows + 1);
}

static int fill_column(struct fill *f, const struct vec *vec, uint32_t row, uint32_t column)
{
    const struct column_def *c = &f->table->columns[column];
    const bool strict = (f->build.store.sql_mode & SQL_MODE_STRICT) != 0;
    struct value v;
    vec_get(vec, row, &v);
    if (f->source->query == NULL && value_is_null(&v) && !type_is_nullable(&c->type) && strict &&
        (c->type.flags & AUTO_INCREMENT_FLAG) == 0) {
        return refuse_null(f, c);
    }
    visible_value(f, vec->type, &c->type, &v);
    return row_build_set(&f->build, column, &v);
}

/* Called for each chunk of the source, on an offload thread. */
static int fill_rows(void *arg, const struct chunk *rows)
{
    struct fill *f = arg;
    struct row_build *b = &f->build;
    for (uint32_t r = 0; r < rows->nrows; r++) {
        if (row_build_start(b) != 0) {
            return -1;
        }
        for (uint32_t i = 0; i < b->target_count; i++) {
            if (fill_column(f, &rows->cols[i], r, b->targets[i]) != 0) {
                return -1;
            }
        }
        if (row_build_finish(b) != 0) {
            return -1;
        }
        const enum row_check_result check = row_build_check(b);
        if (check != ROW_CHECK_OK) {
            if (check == ROW_CHECK_FAIL) {
                return -1;
            }
            continue;
        }
        row_build_add_to(b, &f->chunk);
        f->rows++;
        if (chunk_builder_is_full(&f->chunk) && append_chunk(f) != 0) {
            return -1;
        }
    }
    return 0;
}

static void open_step(void *arg)
{
    struct fill *f = arg;
    f->rc = engine_writer_open(f->x->engine, f->table, 0, f->x->diag, &f->writer);
}

static void close_step(void *arg)
{
    struct fill *f = arg;
    if (f->rc == 0) {
        f->rc = append_chunk(f);
    }
    const int rc = engine_writer_close(f->writer, f->rc == 0, f->x->diag);
    f->rc = f->rc != 0 ? f->rc : rc;
}

/* The old table's rows, in the engine's language: its names follow from the ids (engine/duckdb).
 * The storage of every type is what its vectors hold, so nothing has to be converted here. */
static void write_scan(struct fill *f, struct engine_query *out)
{
    const struct ddl_source *s = f->source;
    struct arena *a = &f->x->stmt_arena;
    struct sql_type *types = ARENA_ARRAY(a, struct sql_type, s->column_count);
    struct bytebuf sql;
    bytebuf_init(&sql, SCAN_TEXT_MAX);
    bytebuf_put_cstr(&sql, "SELECT ");
    for (uint32_t i = 0; i < s->column_count; i++) {
        const struct column_def *c = &s->table->columns[s->from[i]];
        bytebuf_printf(&sql, "%sc%" PRIu32, i > 0 ? ", " : "", c->id);
        types[i] = c->type;
    }
    bytebuf_printf(&sql, "%s FROM t%" PRIu64, s->column_count == 0 ? "rowid" : "", s->table->id);
    if (s->column_count == 0) {
        /* No column stays; still each row must get its defaults. */
        types = ARENA_NEW(a, struct sql_type);
        types->type = MYSQL_TYPE_LONGLONG;
    }
    *out = (struct engine_query){.text = arena_dup(a, bytebuf_str(&sql)),
                                 .column_count = MAX(s->column_count, 1),
                                 .types = types};
    bytebuf_release(&sql);
}

static int copy_rows(struct fill *f)
{
    struct exec_session *x = f->x;
    struct engine_query query;
    bool retry_wide;
    if (f->source->query == NULL) {
        write_scan(f, &query);
        return rows_source_run(x, &query, false, fill_rows, f, &retry_wide);
    }
    exec_raise_errors(x, false);
    for (int wide = 0; wide < 2; wide++) {
        if (exec_write_query(x, f->source->query, wide != 0, &query) != 0 ||
            rows_source_run(x, &query, false, fill_rows, f, &retry_wide) != 0) {
            return -1;
        }
        if (!retry_wide) {
            break;
        }
        diag_clear_error(x->diag);
    }
    return 0;
}

static int run(struct fill *f)
{
    if (exec_offload(f->x, OFFLOAD_WRITE, open_step, f) != 0 || f->rc != 0) {
        return -1;
    }
    f->rc = copy_rows(f);
    fiber_mask_interrupts();
    offload_run_always(OFFLOAD_WRITE, close_step, f);
    fiber_unmask_interrupts();
    return f->rc;
}

/* ---- Values of added columns ---- */

static bool is_filled(const struct ddl_source *s, struct str column)
{
    for (uint32_t i = 0; i < s->column_count; i++) {
        if (str_eq_nocase(s->columns[i], column)) {
            return true;
        }
    }
    return false;
}

/* What a NOT NULL column without a default gets in rows that are there when it is added. */
static struct value zero_value(const struct sql_type *t)
{
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_ENUM:
        return value_uint(1);
    case TYPE_CLASS_SET:
    case TYPE_CLASS_BIT:
        return value_uint(0);
    case TYPE_CLASS_DATE:
        return (struct value){.kind = VALUE_DATE};
    case TYPE_CLASS_DATETIME:
        return (struct value){.kind = VALUE_DATETIME, .decimals = t->decimals};
    case TYPE_CLASS_TIME:
        return (struct value){.kind = VALUE_TIME, .decimals = t->decimals};
    case TYPE_CLASS_JSON:
        return (struct value){.kind = VALUE_JSON, .str = STR("null")};
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_OPAQUE:
        return value_string(STR(""), t->collation);
    default:
        return value_int(0);
    }
}

static int set_zero_default(struct fill *f, struct table_def *t, struct column_def *c)
{
    struct value zero = zero_value(&c->type);
    const enum type_class class = type_class_of(c->type.type);
    c->default_kind = DEFAULT_VALUE;
    c->default_value = zero;
    if (class != TYPE_CLASS_INT && class != TYPE_CLASS_DECIMAL && class != TYPE_CLASS_REAL &&
        class != TYPE_CLASS_STRING) {
        return 0;
    }
    struct store_ctx store;
    exec_store_ctx(f->x, 0, &store);
    return store_value(&store, &c->type, c->name, &zero, t->arena, &c->default_value);
}

/* The definition by which rows are built: as the table's, but with a default for every added column
 * that needs one. Counted; NULL with diag. */
static struct table_def *with_defaults(struct fill *f)
{
    struct table_def *t = table_def_clone(f->table);
    for (uint32_t i = 0; i < t->column_count; i++) {
        struct column_def *c = &t->columns[i];
        if (f->source->query == NULL && c->default_kind == DEFAULT_NONE &&
            !type_is_nullable(&c->type) && (c->type.flags & AUTO_INCREMENT_FLAG) == 0 &&
            !is_filled(f->source, c->name) && set_zero_default(f, t, c) != 0) {
            table_def_unref(t);
            return NULL;
        }
    }
    return t;
}

static int fill(struct fill *f, const struct table_def *build_by)
{
    static const struct str no_columns[1];
    struct exec_session *x = f->x;
    const struct ddl_source *s = f->source;
    int rc = row_build_init(&f->build, x, build_by, s->column_count > 0 ? s->columns : no_columns,
                            s->column_count, s->store_flags);
    if (s->keep_zeros) {
        f->build.store.sql_mode |= SQL_MODE_NO_AUTO_VALUE_ON_ZERO;
    }
    if (rc == 0) {
        chunk_builder_init(&f->chunk, table_column_types(f->table, &x->stmt_arena),
                           f->table->column_count);
        rc = run(f);
        chunk_builder_release(&f->chunk);
    }
    row_build_release(&f->build);
    return rc;
}

int ddl_fill_table(struct exec_session *x, const struct table_def *t,
                   const struct ddl_source *source, uint64_t *out_rows)
{
    struct fill f = {.x = x, .table = t, .source = source};
    *out_rows = 0;
    struct table_def *build_by = with_defaults(&f);
    if (build_by == NULL) {
        return -1;
    }
    const int rc = fill(&f, build_by);
    table_def_unref(build_by);
    *out_rows = f.rows;
    return rc;
}
