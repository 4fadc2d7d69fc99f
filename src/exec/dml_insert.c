/*
 * INSERT and REPLACE, from VALUES or a query.
 *
 * A plain INSERT appends all rows through one engine writer, which checks the unique keys when it
 * is closed: either all rows are there or none. IGNORE, REPLACE and ON DUPLICATE KEY UPDATE look
 * for conflicts first, a lot of rows at a time, and decide row by row what to do:
 *
 *     rows of a lot -> engine_find_conflicts -> per row: append | skip (IGNORE) | delete the other,
 * append (REPLACE) | change the stored row (ON DUPLICATE KEY UPDATE)
 *
 * A row that meets an earlier row of the same lot ends the lot: it is looked at again after that
 * one has been stored.
 */
#include "exec/dml.h"
#include "exec/row_build.h"
#include "exec/rows_source.h"
#include "sql/write_duckdb.h"

/* Rows looked at together when duplicates are not simply errors. */
#define LOT_ROWS 1024

enum on_duplicate {
    ON_DUPLICATE_ERROR,
    ON_DUPLICATE_IGNORE,
    ON_DUPLICATE_REPLACE,
    ON_DUPLICATE_UPDATE,
};

struct insert_run {
    struct exec_session *x;
    struct insert_stmt *stmt;
    enum on_duplicate on_duplicate;
    struct row_build build;
    struct chunk_builder chunk;
    struct engine_writer *writer; /* ON_DUPLICATE_ERROR: open for the whole statement */
    const struct sql_type *types;
    struct eval_ctx eval;
    uint64_t rows; /* taken from the source */
    uint64_t inserted;
    uint64_t deleted;    /* REPLACE */
    bool stored_already; /* REPLACE: the row that is being decided on is there as it is */
    uint64_t updated;    /* ON DUPLICATE KEY UPDATE: rows changed */
    uint64_t touched;    /* rows found, changed or not */
    uint64_t skipped;    /* IGNORE */
    struct arena lot_arena;
    struct value **lot;  /* LOT_ROWS rows of stored values, in lot_arena */
    uint64_t *generated; /* their AUTO_INCREMENT values, where they were made here */
    uint64_t next_id;    /* of the next row with one; those of rows not stored are used again */
    uint64_t first_id;   /* the first of them that was stored */
    uint64_t last_id;    /* of the row that was stored or changed last */
    uint32_t lot_count;
    int rc;
};

/* ---- Storing ---- */

static int append_chunk(struct insert_run *run)
{
    if (run->chunk.nrows == 0) {
        return 0;
    }
    const struct chunk rows = chunk_builder_chunk(&run->chunk);
    const int rc = engine_writer_append(run->writer, &rows, run->x->diag);
    run->inserted += rc == 0 ? rows.nrows : 0;
    chunk_builder_reset(&run->chunk);
    return rc;
}

static void add_row(struct chunk_builder *chunk, const struct value *row, uint32_t columns)
{
    (void)chunk_builder_add_row(chunk);
    for (uint32_t c = 0; c < columns; c++) {
        chunk_builder_set(chunk, c, &row[c]);
    }
}

/* Appends the rows of the chunk in a writer of their own; their keys are known to be free. */
static int store_chunk(struct insert_run *run)
{
    if (run->chunk.nrows == 0) {
        return 0;
    }
    struct exec_session *x = run->x;
    struct engine_writer *w;
    if (engine_writer_open(x->engine, run->build.table, ENGINE_WRITE_UNIQUE_CHECKED, x->diag, &w) !=
        0) {
        return -1;
    }
    const struct chunk rows = chunk_builder_chunk(&run->chunk);
    const int rc = engine_writer_append(w, &rows, x->diag);
    chunk_builder_reset(&run->chunk);
    return engine_writer_close(w, rc == 0, x->diag) != 0 ? -1 : rc;
}

static int delete_row(struct insert_run *run, int64_t rowid)
{
    uint64_t deleted;
    if (engine_delete_rows(run->x->engine, run->build.table, &rowid, 1, run->x->diag, &deleted) !=
        0) {
        return -1;
    }
    return 0;
}

/* ---- ON DUPLICATE KEY UPDATE ---- */

static int fetch_row(struct insert_run *run, int64_t rowid, struct value *row)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->build.table;
    struct bytebuf text;
    bytebuf_init(&text, 1u << 20);
    write_duckdb_rows(t, &rowid, 1, &text);
    struct sql_type *types = ARENA_ARRAY(&run->lot_arena, struct sql_type, t->column_count + 1);
    types[0] =
        (struct sql_type){.type = MYSQL_TYPE_LONGLONG, .length = 20, .collation = COLLATION_BINARY};
    memcpy(types + 1, run->types, sizeof *types * t->column_count);
    const struct engine_query query = {
        .text = bytebuf_str(&text), .column_count = t->column_count + 1, .types = types};
    struct engine_cursor *cursor;
    int rc = engine_query_open(x->engine, &query, x->diag, &cursor);
    if (rc == 0) {
        struct chunk rows;
        rc = engine_fetch(cursor, x->diag, &rows) == ENGINE_ROW && rows.nrows == 1 ? 0 : -1;
        for (uint32_t c = 0; c < t->column_count && rc == 0; c++) {
            vec_get(&rows.cols[c + 1], 0, &row[c]);
            if (row[c].kind == VALUE_STRING || row[c].kind == VALUE_JSON) {
                row[c].str = arena_dup(&run->lot_arena, row[c].str);
            }
        }
        engine_cursor_close(cursor);
    }
    bytebuf_release(&text);
    return rc;
}

struct value *dml_visible_row(struct exec_session *x, const struct table_def *t,
                              const struct value *stored, struct arena *arena)
{
    struct value *row = ARENA_ARRAY(arena, struct value, t->column_count);
    for (uint32_t c = 0; c < t->column_count; c++) {
        row[c] = stored[c];
        exec_visible_value(x, &t->columns[c].type, &row[c]);
    }
    return row;
}

static bool same_value(const struct value *a, const struct value *b, const struct sql_type *type)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INT:
    case VALUE_UINT:
        return a->u == b->u;
    case VALUE_DOUBLE:
        return a->d == b->d;
    case VALUE_DECIMAL:
        return decimal_cmp(&a->dec, &b->dec) == 0;
    case VALUE_STRING:
    case VALUE_JSON:
        return str_eq(a->str, b->str);
    case VALUE_DATE:
        return temporal_pack_date(&a->time) == temporal_pack_date(&b->time);
    case VALUE_DATETIME:
        return temporal_pack_datetime(&a->time) == temporal_pack_datetime(&b->time);
    case VALUE_TIME:
        return temporal_pack_time(&a->time) == temporal_pack_time(&b->time);
    }
    (void)type;
    return false;
}

bool dml_rows_equal(const struct table_def *t, const struct value *a, const struct value *b)
{
    for (uint32_t c = 0; c < t->column_count; c++) {
        if (!same_value(&a[c], &b[c], &t->columns[c].type)) {
            return false;
        }
    }
    return true;
}

/* Hexadecimal and binary literals are numbers to columns of numbers, and bytes to all others. */
static void literal_as_number(const struct expr *e, const struct sql_type *to, struct value *v)
{
    const enum type_class class = type_class_of(to->type);
    if (e->kind != EXPR_LITERAL || (e->lit.kind != LIT_HEX && e->lit.kind != LIT_BIN) ||
        v->kind != VALUE_STRING || v->str.len > 8 ||
        (class != TYPE_CLASS_INT && class != TYPE_CLASS_DECIMAL && class != TYPE_CLASS_REAL)) {
        return;
    }
    uint64_t n = 0;
    for (size_t i = 0; i < v->str.len; i++) {
        n = n << 8 | (unsigned char)v->str.p[i];
    }
    *v = value_uint(n);
}

/* Evaluates an expression for a column and puts the value there. */
static int set_column(struct row_build *b, struct eval_ctx *eval, const struct expr *e, uint32_t c)
{
    struct value v;
    if (eval_expr(eval, e, &v) != 0) {
        return -1;
    }
    literal_as_number(e, &b->table->columns[c].type, &v);
    return row_build_set(b, c, &v);
}

int dml_assign(struct row_build *b, struct eval_ctx *eval, const struct assignment *sets,
               uint32_t count, struct value *visible)
{
    struct exec_session *x = b->x;
    const struct table_def *t = b->table;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t c = sets[i].column->column.binding.index;
        int rc;
        if (sets[i].value->kind == EXPR_DEFAULT && sets[i].value->column.name.p == NULL) {
            rc = row_build_set_default(b, c);
        } else {
            rc = set_column(b, eval, sets[i].value, c);
        }
        if (rc != 0) {
            return -1;
        }
        visible[c] = b->row[c];
        exec_visible_value(x, &t->columns[c].type, &visible[c]);
    }
    return 0;
}

int dml_touch_on_update(struct row_build *b, const struct assignment *sets, uint32_t count)
{
    const struct table_def *t = b->table;
    for (uint32_t c = 0; c < t->column_count; c++) {
        bool assigned = false;
        for (uint32_t i = 0; i < count; i++) {
            assigned = assigned || sets[i].column->column.binding.index == c;
        }
        if (t->columns[c].on_update_now && !assigned && row_build_set_now(b, c) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The row's AUTO_INCREMENT value; 0 without such a column, and for what is not above 0. */
static uint64_t auto_increment_of(const struct table_def *t, const struct value *row)
{
    if (t->auto_increment_column < 0) {
        return 0;
    }
    const struct value *v = &row[t->auto_increment_column];
    return v->kind == VALUE_UINT || (v->kind == VALUE_INT && v->i > 0) ? v->u : 0;
}

/* Changes the stored row that `row` met. */
static int update_stored(struct insert_run *run, const struct value *row, int64_t rowid)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->build.table;
    struct value *before = ARENA_ARRAY(&run->lot_arena, struct value, t->column_count);
    if (fetch_row(run, rowid, before) != 0) {
        return -1;
    }
    struct value *visible = dml_visible_row(x, t, before, &run->lot_arena);
    run->eval.row = visible;
    run->eval.insert_row = dml_visible_row(x, t, row, &run->lot_arena);
    run->eval.arena = &run->lot_arena;
    struct row_build *b = &run->build;
    memcpy(b->row, before, sizeof *before * t->column_count);
    if (dml_assign(b, &run->eval, run->stmt->updates, run->stmt->update_count, visible) != 0) {
        return -1;
    }
    run->touched++;
    run->last_id = auto_increment_of(t, b->row);
    if (dml_rows_equal(t, before, b->row)) {
        return 0;
    }
    if (dml_touch_on_update(b, run->stmt->updates, run->stmt->update_count) != 0) {
        return -1;
    }
    const enum row_check_result check = row_build_check(b);
    if (check != ROW_CHECK_OK) {
        return check == ROW_CHECK_SKIP ? 0 : -1;
    }
    chunk_builder_reset(&run->chunk);
    add_row(&run->chunk, b->row, t->column_count);
    const struct chunk changed = chunk_builder_chunk(&run->chunk);
    struct engine_conflict *conflicts;
    uint32_t count;
    if (engine_find_conflicts(x->engine, t, &changed, &rowid, 1, &run->lot_arena, x->diag,
                              &conflicts, &count) != 0) {
        return -1;
    }
    if (count > 0) {
        return dml_duplicate(x, t, conflicts[0].index, b->row);
    }
    if (delete_row(run, rowid) != 0 || store_chunk(run) != 0) {
        return -1;
    }
    run->updated++;
    return 0;
}

/* "t.PRIMARY" as MySQL names a key in 1062, "PRIMARY" as MariaDB does. */
static const char *key_name(struct exec_session *x, const struct table_def *t, uint32_t index)
{
    const struct str name = t->indexes[index].name;
    if (x->server->dialect == DIALECT_MYSQL) {
        return arena_printf(&x->stmt_arena, "%.*s.%.*s", STR_FMT(t->name), STR_FMT(name)).p;
    }
    return arena_dup_cstr(&x->stmt_arena, name);
}

int dml_duplicate_text(struct exec_session *x, const struct table_def *t, uint32_t index,
                       const char *text)
{
    return diag_set_at(x->diag, __FILE__, __LINE__, ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME_FMT,
                       text, key_name(x, t, index));
}

int dml_duplicate(struct exec_session *x, const struct table_def *t, uint32_t index,
                  const struct value *row)
{
    return dml_duplicate_text(x, t, index, row_key_text(t, index, row, &x->stmt_arena));
}

static void warn_duplicate(struct insert_run *run, const struct engine_conflict *conflict,
                           const struct value *row)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->build.table;
    diag_warn_at(x->diag, DIAG_WARNING, ER_DUP_ENTRY, ER_DUP_ENTRY_WITH_KEY_NAME_FMT,
                 row_key_text(t, conflict->index, row, &x->stmt_arena),
                 key_name(x, t, conflict->index));
}

/* ---- Lots ---- */

/*
 * Is the one stored row that row `r` meets, by the last of the table's unique keys, equal to it?
 * Servers then update in place, which changes nothing.
 */
static int is_same_as_stored(struct insert_run *run, const struct engine_conflict *conflicts,
                             uint32_t count, uint32_t first, uint32_t r, bool *out)
{
    const struct table_def *t = run->build.table;
    const bool is_only = first + 1 == count || conflicts[first + 1].row != r;
    *out = false;
    for (uint32_t i = conflicts[first].index + 1; i < t->index_count; i++) {
        if (t->indexes[i].kind == INDEX_DEF_UNIQUE) {
            return 0;
        }
    }
    if (!is_only) {
        return 0;
    }
    struct value *stored = ARENA_ARRAY(&run->lot_arena, struct value, t->column_count);
    if (fetch_row(run, conflicts[first].rowid, stored) != 0) {
        return -1;
    }
    *out = dml_rows_equal(t, stored, run->lot[r]);
    return 0;
}

/* Deletes every stored row that row `r` of the lot meets. */
static int replace_stored(struct insert_run *run, const struct engine_conflict *conflicts,
                          uint32_t count, uint32_t first, uint32_t r)
{
    if (is_same_as_stored(run, conflicts, count, first, r, &run->stored_already) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < count && !run->stored_already; i++) {
        if (conflicts[i].row != r) {
            continue;
        }
        bool seen = false;
        for (uint32_t k = 0; k < i; k++) {
            seen = seen || (conflicts[k].row == r && conflicts[k].rowid == conflicts[i].rowid);
        }
        if (!seen) {
            if (delete_row(run, conflicts[i].rowid) != 0) {
                return -1;
            }
            run->deleted++;
        }
    }
    return 0;
}

static int handle_conflict(struct insert_run *run, const struct engine_conflict *conflicts,
                           uint32_t count, uint32_t first, uint32_t r)
{
    switch (run->on_duplicate) {
    case ON_DUPLICATE_IGNORE:
        warn_duplicate(run, &conflicts[first], run->lot[r]);
        run->skipped++;
        run->last_id = auto_increment_of(run->build.table, run->lot[r]);
        return 0;
    case ON_DUPLICATE_REPLACE:
        return replace_stored(run, conflicts, count, first, r);
    case ON_DUPLICATE_UPDATE:
        return update_stored(run, run->lot[r], conflicts[first].rowid);
    case ON_DUPLICATE_ERROR:
        break;
    }
    return dml_duplicate(run->x, run->build.table, conflicts[first].index, run->lot[r]);
}

/* How many rows from `from` on can be decided before one meets an earlier row of the lot, or (when
 * a stored row is changed) a stored row that an earlier one has met. */
static uint32_t rows_to_decide(const struct insert_run *run,
                               const struct engine_conflict *conflicts, uint32_t count,
                               uint32_t rows)
{
    for (uint32_t i = 0; i < count; i++) {
        if (conflicts[i].rowid < 0) {
            return (uint32_t)conflicts[i].row;
        }
        if (run->on_duplicate == ON_DUPLICATE_UPDATE && conflicts[i].row > 0) {
            /* The update may take or free keys: what follows is looked at again. */
            return conflicts[0].row == 0 ? 1 : (uint32_t)conflicts[0].row;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (conflicts[k].rowid == conflicts[i].rowid && conflicts[k].row != conflicts[i].row) {
                return (uint32_t)conflicts[i].row;
            }
        }
    }
    return run->on_duplicate == ON_DUPLICATE_UPDATE && count > 0 ? 1 : rows;
}

/* A row is stored: the AUTO_INCREMENT values that skipped and changed rows got are given to the
 * next ones, as in MySQL; REPLACE uses them up. */
static void give_id(struct insert_run *run, struct value *row, uint32_t r)
{
    const struct table_def *t = run->build.table;
    const uint64_t made = run->generated[r];
    if (made != 0 && run->on_duplicate != ON_DUPLICATE_REPLACE && run->build.explicit_last == 0) {
        run->next_id = run->next_id != 0 ? run->next_id : run->build.generated_first;
        row[t->auto_increment_column].u = run->next_id;
        run->next_id += MAX(run->x->vars.auto_increment_increment, 1);
    }
    run->last_id = auto_increment_of(t, row);
    if (run->first_id == 0 && made != 0) {
        run->first_id = run->last_id;
    }
}

/* Decides and stores rows of the lot from `from` on; returns how many, or -1. */
static int decide_rows(struct insert_run *run, uint32_t from)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->build.table;
    chunk_builder_reset(&run->chunk);
    for (uint32_t r = from; r < run->lot_count; r++) {
        add_row(&run->chunk, run->lot[r], t->column_count);
    }
    const struct chunk rows = chunk_builder_chunk(&run->chunk);
    struct engine_conflict *conflicts;
    uint32_t count;
    if (engine_find_conflicts(x->engine, t, &rows, NULL, 0, &run->lot_arena, x->diag, &conflicts,
                              &count) != 0) {
        return -1;
    }
    const uint32_t decided = rows_to_decide(run, conflicts, count, rows.nrows);
    chunk_builder_reset(&run->chunk);
    struct value **lot = run->lot;
    run->lot = lot + from;
    uint32_t next = 0;
    int rc = 0;
    for (uint32_t r = 0; r < decided && rc == 0; r++) {
        bool insert = true;
        run->stored_already = false;
        if (next < count && conflicts[next].row == r) {
            rc = handle_conflict(run, conflicts, count, next, r);
            insert = run->on_duplicate == ON_DUPLICATE_REPLACE;
            while (next < count && conflicts[next].row == r) {
                next++;
            }
        }
        if (insert && rc == 0) {
            give_id(run, run->lot[r], from + r);
            if (!run->stored_already) {
                add_row(&run->chunk, run->lot[r], t->column_count);
            }
            run->inserted++;
        }
    }
    run->lot = lot;
    return rc != 0 || store_chunk(run) != 0 ? -1 : (int)decided;
}

static int finish_lot(struct insert_run *run)
{
    uint32_t from = 0;
    while (from < run->lot_count) {
        const int n = decide_rows(run, from);
        if (n < 0) {
            return -1;
        }
        from += (uint32_t)n;
    }
    run->lot_count = 0;
    arena_reset(&run->lot_arena);
    run->lot = ARENA_ARRAY(&run->lot_arena, struct value *, LOT_ROWS);
    return 0;
}

static int add_to_lot(struct insert_run *run)
{
    const uint32_t n = run->build.table->column_count;
    struct value *row = ARENA_ARRAY(&run->lot_arena, struct value, n);
    for (uint32_t c = 0; c < n; c++) {
        row[c] = run->build.row[c];
        if (row[c].kind == VALUE_STRING || row[c].kind == VALUE_JSON) {
            row[c].str = arena_dup(&run->lot_arena, row[c].str);
        }
    }
    run->generated[run->lot_count] = run->build.generated;
    run->lot[run->lot_count++] = row;
    return run->lot_count == LOT_ROWS ? finish_lot(run) : 0;
}

/* The row that row_build has finished goes on its way. */
static int take_row(struct insert_run *run)
{
    const enum row_check_result check = row_build_check(&run->build);
    if (check != ROW_CHECK_OK) {
        return check == ROW_CHECK_SKIP ? 0 : -1;
    }
    run->rows++;
    if (run->on_duplicate != ON_DUPLICATE_ERROR) {
        return add_to_lot(run);
    }
    row_build_add_to(&run->build, &run->chunk);
    return chunk_builder_is_full(&run->chunk) ? append_chunk(run) : 0;
}

/* ---- Sources ---- */

static int values_row(struct insert_run *run, const struct expr *row)
{
    struct row_build *b = &run->build;
    if (row_build_start(b) != 0) {
        return -1;
    }
    run->eval.arena = &b->scratch;
    run->eval.row = b->row; /* a later expression may use a column assigned before */
    for (uint32_t i = 0; i < row->argc; i++) {
        const struct expr *e = row->args[i];
        const uint32_t c = b->targets[i];
        int rc;
        if (e->kind == EXPR_DEFAULT && e->column.name.p == NULL) {
            rc = row_build_set_default(b, c);
        } else {
            rc = set_column(b, &run->eval, e, c);
        }
        if (rc != 0) {
            return -1;
        }
    }
    /* VALUES () gives every column its default. */
    for (uint32_t i = row->argc; i < b->target_count; i++) {
        if (row_build_set_default(b, b->targets[i]) != 0) {
            return -1;
        }
    }
    return row_build_finish(b) != 0 ? -1 : take_row(run);
}

static int check_row_lengths(struct insert_run *run)
{
    for (uint32_t i = 0; i < run->stmt->row_count; i++) {
        const uint32_t n = run->stmt->rows[i]->argc;
        if (n != run->build.target_count && !(n == 0 && !run->stmt->has_columns)) {
            return diag_set(run->x->diag, ER_WRONG_VALUE_COUNT_ON_ROW, (unsigned long)i + 1);
        }
    }
    return 0;
}

static int query_rows(void *arg, const struct chunk *rows)
{
    struct insert_run *run = arg;
    struct row_build *b = &run->build;
    for (uint32_t r = 0; r < rows->nrows; r++) {
        if (row_build_start(b) != 0) {
            return -1;
        }
        for (uint32_t i = 0; i < b->target_count; i++) {
            struct value v;
            vec_get(&rows->cols[i], r, &v);
            exec_visible_value(run->x, rows->cols[i].type, &v);
            if (row_build_set(b, b->targets[i], &v) != 0) {
                return -1;
            }
        }
        if (row_build_finish(b) != 0 || take_row(run) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- The statement ---- */

static void values_step(void *arg)
{
    struct insert_run *run = arg;
    run->rc = 0;
    for (uint32_t i = 0; i < run->stmt->row_count && run->rc == 0; i++) {
        run->rc = values_row(run, run->stmt->rows[i]);
    }
}

static void open_step(void *arg)
{
    struct insert_run *run = arg;
    struct exec_session *x = run->x;
    run->rc = exec_init_auto_increment(x, run->build.table);
    if (run->rc == 0 && run->on_duplicate == ON_DUPLICATE_ERROR) {
        run->rc = engine_writer_open(x->engine, run->build.table, exec_writer_flags(x), x->diag,
                                     &run->writer);
    }
}

static void finish_step(void *arg)
{
    struct insert_run *run = arg;
    if (run->on_duplicate != ON_DUPLICATE_ERROR) {
        run->rc = run->rc == 0 ? finish_lot(run) : -1;
        return;
    }
    if (run->rc == 0) {
        run->rc = append_chunk(run);
    }
    if (run->writer != NULL) {
        const int rc = engine_writer_close(run->writer, run->rc == 0, run->x->diag);
        run->rc = run->rc != 0 ? run->rc : rc;
    }
}

int exec_init_auto_increment(struct exec_session *x, const struct table_def *t)
{
    if (t->auto_increment_column < 0 || atomic_load(&t->share->next_auto_increment) != 0) {
        return 0;
    }
    uint64_t max;
    if (engine_max_value(x->engine, t, (uint32_t)t->auto_increment_column, x->diag, &max) != 0) {
        return -1;
    }
    atomic_store(&t->share->next_auto_increment, MAX(max + 1, MAX(t->auto_increment_start, 1)));
    return 0;
}

static int run_source(struct insert_run *run, bool wrote_before)
{
    struct exec_session *x = run->x;
    if (run->stmt->query == NULL) {
        return exec_offload(x, OFFLOAD_WRITE, values_step, run) != 0 ? -1 : run->rc;
    }
    /* An overflow would take the transaction with it, and the open writer: wide at once. */
    for (int wide = wrote_before ? 1 : 0; wide < 2; wide++) {
        struct engine_query query;
        bool retry_wide;
        if (exec_write_query(x, run->stmt->query, wide != 0, &query) != 0 ||
            rows_source_run(x, &query, wrote_before, query_rows, run, &retry_wide) != 0) {
            return -1;
        }
        if (!retry_wide) {
            break;
        }
        diag_clear_error(x->diag);
    }
    return 0;
}

static int run_insert(struct insert_run *run)
{
    struct exec_session *x = run->x;
    const bool wrote_before = x->txn.wrote;
    if (exec_engine_for_write(x) != 0 || exec_offload(x, OFFLOAD_WRITE, open_step, run) != 0 ||
        run->rc != 0) {
        return -1;
    }
    run->rc = run_source(run, wrote_before);
    exec_offload_always(x, OFFLOAD_WRITE, finish_step, run);
    return run->rc;
}

static void report(struct insert_run *run)
{
    struct exec_session *x = run->x;
    struct exec_result *result = &x->result;
    result->affected_rows = run->inserted + run->deleted + 2 * run->updated;
    result->found_rows = run->inserted + run->deleted + run->updated + run->touched;
    const uint64_t duplicates = run->on_duplicate == ON_DUPLICATE_IGNORE   ? run->skipped
                                : run->on_duplicate == ON_DUPLICATE_UPDATE ? run->touched
                                                                           : run->deleted;
    if (run->stmt->query != NULL || run->stmt->row_count > 1) {
        result->info = arena_printf(&x->stmt_arena, "Records: %llu  Duplicates: %llu  Warnings: %u",
                                    (unsigned long long)run->rows, (unsigned long long)duplicates,
                                    x->diag->warning_count);
    }
    if (run->on_duplicate == ON_DUPLICATE_ERROR) {
        run->first_id = run->build.generated_first;
        run->last_id = run->build.explicit_last;
    }
    if (run->first_id != 0 && run->inserted > 0) {
        x->stmt_insert_id = run->first_id;
        result->insert_id = run->first_id;
    } else if (result->insert_id == 0) { /* else LAST_INSERT_ID(n) has set it */
        result->insert_id = run->inserted + run->updated > 0 ? run->last_id : 0;
    }
}

static enum on_duplicate on_duplicate_of(const struct stmt *stmt)
{
    if (stmt->kind == STMT_REPLACE) {
        return ON_DUPLICATE_REPLACE;
    }
    if (stmt->insert.update_count > 0) {
        return ON_DUPLICATE_UPDATE;
    }
    return stmt->insert.ignore ? ON_DUPLICATE_IGNORE : ON_DUPLICATE_ERROR;
}

static int check_privileges(struct exec_session *x, const struct stmt *stmt,
                            const struct table_def *t)
{
    uint64_t privileges = PRIV_INSERT;
    privileges |= stmt->kind == STMT_REPLACE ? PRIV_DELETE : 0;
    privileges |= stmt->insert.update_count > 0 ? PRIV_UPDATE : 0;
    return exec_check_table(x, t->db, t->name, privileges);
}

static bool names_other_table(const struct expr *e, struct str table)
{
    if (e->kind == EXPR_COLUMN && e->column.table.len > 0 && !str_eq(e->column.table, table)) {
        return true;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (names_other_table(e->args[i], table)) {
            return true;
        }
    }
    return false;
}

/* Do updates read the query's columns, by the names of its tables? */
static bool names_query_columns(const struct insert_stmt *insert)
{
    for (uint32_t i = 0; i < insert->update_count; i++) {
        if (names_other_table(insert->updates[i].value, insert->table.name)) {
            return true;
        }
    }
    return false;
}

static bool leaf_has_column(const struct table_ref *t, struct str name)
{
    if (t->kind == TABLE_JOIN) {
        return leaf_has_column(t->left, name) || leaf_has_column(t->right, name);
    }
    for (uint32_t i = 0; i < t->column_count; i++) {
        if (str_eq_nocase(t->columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

static int check_name_is_ours(struct exec_session *x, const struct expr *e,
                              const struct table_ref *from)
{
    if (e->kind == EXPR_COLUMN && e->column.table.len == 0 &&
        leaf_has_column(from, e->column.name)) {
        return diag_set(x->diag, ER_NON_UNIQ_ERROR, arena_dup_cstr(&x->stmt_arena, e->column.name),
                        x->server->dialect == DIALECT_MYSQL ? "field list" : "UPDATE");
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (check_name_is_ours(x, e->args[i], from) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Updates may name the columns of the query's tables too, if it is not grouped: 1052 for a name
 * that both have. */
static int check_update_names(struct exec_session *x, const struct insert_stmt *insert)
{
    const struct query *q = insert->query;
    if (q == NULL || q->kind != QUERY_SELECT || q->select->from == NULL ||
        q->select->group_count > 0 || (q->select->flags & SELECT_IS_AGGREGATED) != 0) {
        return 0;
    }
    for (uint32_t i = 0; i < insert->update_count; i++) {
        if (check_name_is_ours(x, insert->updates[i].value, q->select->from) != 0) {
            return -1;
        }
    }
    return 0;
}

int exec_insert(struct exec_session *x, struct stmt *stmt)
{
    struct insert_stmt *insert = &stmt->insert;
    const struct table_def *t = exec_open_table(x, insert->table.db, insert->table.name);
    if (t == NULL || check_privileges(x, stmt, t) != 0) {
        return -1;
    }
    if (t->view_text.p != NULL) {
        return diag_set(x->diag, ER_NON_INSERTABLE_TABLE, arena_dup_cstr(&x->stmt_arena, t->name),
                        "INSERT");
    }
    insert->has_columns = insert->column_count > 0; /* () names all, as nothing does */
    if (insert->row_alias.p != NULL &&
        (stmt->kind == STMT_REPLACE || x->server->dialect == DIALECT_MARIADB)) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "an alias of the new row");
    }
    if (insert->row_alias.p != NULL && dml_resolve_row_alias(x, insert, t) != 0) {
        return -1;
    }
    if (insert->query != NULL && names_query_columns(insert)) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET,
                        "columns of the query in ON DUPLICATE KEY UPDATE");
    }
    struct resolve_env env;
    exec_resolve_env_for_change(x, &env);
    if (sql_resolve(stmt, &env, &x->stmt_arena, x->diag) != 0 ||
        check_update_names(x, insert) != 0) {
        return -1;
    }
    exec_raise_errors(x, insert->ignore);
    struct insert_run run = {.x = x, .stmt = insert, .on_duplicate = on_duplicate_of(stmt)};
    if (row_build_init(&run.build, x, t, insert->has_columns ? insert->columns : NULL,
                       insert->column_count, insert->ignore ? STORE_IGNORE : 0) != 0) {
        return -1;
    }
    run.build.single_row = insert->query == NULL && insert->row_count == 1;
    run.build.expected_rows = insert->query == NULL ? insert->row_count : 0;
    run.types = table_column_types(t, &x->stmt_arena);
    chunk_builder_init(&run.chunk, run.types, t->column_count);
    exec_eval_ctx(x, &x->stmt_arena, &run.eval);
    run.eval.writing = !insert->ignore;
    arena_init(&run.lot_arena, 0);
    run.lot = ARENA_ARRAY(&run.lot_arena, struct value *, LOT_ROWS);
    run.generated = ARENA_ARRAY(&x->stmt_arena, uint64_t, LOT_ROWS);
    int rc = -1;
    if (insert->query != NULL && insert->query->column_count != run.build.target_count) {
        diag_set(x->diag, ER_WRONG_VALUE_COUNT_ON_ROW, 1ul);
    } else if (insert->query != NULL || check_row_lengths(&run) == 0) {
        rc = run_insert(&run);
    }
    if (rc == 0) {
        report(&run);
    }
    chunk_builder_release(&run.chunk);
    row_build_release(&run.build);
    arena_release(&run.lot_arena);
    return rc;
}
