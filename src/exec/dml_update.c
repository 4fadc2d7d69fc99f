/*
 * UPDATE and DELETE of one table.
 *
 * The engine finds the rows (rowid and, for UPDATE, all columns); an UPDATE's assignments are
 * evaluated here, one row after the other, with MySQL's conversions and errors. A changed row is
 * written as delete and insert: the new rows go through an engine writer, the old
 * ones are deleted by rowid before the writer is closed, which is when unique keys are checked.
 *
 * Where an assignment needs the engine (a subquery), the engine computes the new values and the
 * query returns them behind the columns.
 *
 * MySQL checks unique keys after each row. Where rows take keys of others, the order in which it
 * would change them decides: rows are then read in that order (dml_keys.h). Where its plan could
 * read them in another order too, and the outcome were another, the statement is refused.
 */
#include "exec/dml.h"
#include "exec/dml_keys.h"
#include "exec/rows_source.h"
#include "sql/write_duckdb.h"

#define QUERY_TEXT_MAX (256u << 20)

/* A growing list of rowids, in memory of its own. */
struct rowids {
    struct bytebuf buf;
};

static int64_t *rowids_data(struct rowids *r)
{
    return (int64_t *)(void *)r->buf.p;
}

static uint32_t rowids_count(const struct rowids *r)
{
    return (uint32_t)(r->buf.len / sizeof(int64_t));
}

static int rowids_add(struct rowids *r, int64_t rowid, struct diag *diag)
{
    bytebuf_put(&r->buf, &rowid, sizeof rowid);
    return r->buf.failed ? diag_set(diag, ER_OUT_OF_RESOURCES) : 0;
}

struct update_run {
    struct exec_session *x;
    const struct table_def *table;
    const struct update_stmt *update; /* NULL for DELETE */
    bool computed;                    /* the engine computes the new values */
    struct row_build build;
    struct eval_ctx eval;
    struct chunk_builder chunk;
    struct engine_writer *writer;
    struct rowids rowids;    /* rows to delete */
    struct dml_keys keys;    /* of UPDATE */
    struct order_list order; /* of the rows: that of the statement, perhaps with more behind it */
    bool looking;            /* only the keys are looked at, nothing is written */
    struct arena row_arena;
    uint64_t matched;
    int rc;
};

/* ---- One row ---- */

static void read_row(const struct update_run *run, const struct chunk *rows, uint32_t r,
                     struct value *out)
{
    for (uint32_t c = 0; c < run->table->column_count; c++) {
        vec_get(&rows->cols[c + 1], r, &out[c]);
    }
}

/* The new values that the engine has computed, converted to the columns' types. */
static int assign_computed(struct update_run *run, const struct chunk *rows, uint32_t r)
{
    const struct update_stmt *u = run->update;
    for (uint32_t i = 0; i < u->set_count; i++) {
        const uint32_t c = u->sets[i].column->column.binding.index;
        const struct vec *v = &rows->cols[run->table->column_count + 1 + i];
        struct value value;
        vec_get(v, r, &value);
        exec_visible_value(run->x, v->type, &value);
        if (row_build_set(&run->build, c, &value) != 0) {
            return -1;
        }
    }
    return 0;
}

static int update_row(struct update_run *run, const struct chunk *rows, uint32_t r)
{
    struct row_build *b = &run->build;
    const struct table_def *t = run->table;
    arena_reset(&run->row_arena);
    arena_reset(&b->scratch);
    b->store.row = ++b->row_number;
    struct value *before = ARENA_ARRAY(&run->row_arena, struct value, t->column_count);
    read_row(run, rows, r, before);
    memcpy(b->row, before, sizeof *before * t->column_count);
    struct value *visible = dml_visible_row(run->x, t, before, &run->row_arena);
    run->eval.row = visible;
    run->eval.arena = &run->row_arena;
    const int rc = run->computed ? assign_computed(run, rows, r)
                                 : dml_assign(b, &run->eval, run->update->sets,
                                              run->update->set_count, visible);
    if (rc != 0) {
        return -1;
    }
    if (dml_rows_equal(t, before, b->row)) {
        return 0;
    }
    if (dml_touch_on_update(b, run->update->sets, run->update->set_count) != 0) {
        return -1;
    }
    const enum row_check_result check = row_build_check(b);
    if (check != ROW_CHECK_OK) {
        run->matched -= run->x->server->dialect == DIALECT_MARIADB ? 1 : 0;
        return check == ROW_CHECK_SKIP ? 0 : -1;
    }
    if (dml_keys_add(&run->keys, before, b->row, run->x->diag) != 0) {
        return -1;
    }
    if (run->looking) {
        return 0;
    }
    int64_t rowid = ((const int64_t *)rows->cols[0].data)[r];
    if (rowids_add(&run->rowids, rowid, run->x->diag) != 0) {
        return -1;
    }
    row_build_add_to(b, &run->chunk);
    if (!chunk_builder_is_full(&run->chunk)) {
        return 0;
    }
    const struct chunk full = chunk_builder_chunk(&run->chunk);
    const int appended = engine_writer_append(run->writer, &full, run->x->diag);
    chunk_builder_reset(&run->chunk);
    return appended;
}

static int take_rows(void *arg, const struct chunk *rows)
{
    struct update_run *run = arg;
    run->matched += run->looking ? 0 : rows->nrows;
    for (uint32_t r = 0; r < rows->nrows; r++) {
        if (run->update != NULL) {
            if (update_row(run, rows, r) != 0) {
                return -1;
            }
        } else if (rowids_add(&run->rowids, ((const int64_t *)rows->cols[0].data)[r],
                              run->x->diag) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- The engine's steps ---- */

static void open_step(void *arg)
{
    struct update_run *run = arg;
    run->rc = engine_writer_open(run->x->engine, run->table, exec_writer_flags(run->x),
                                 run->x->diag, &run->writer);
}

static int delete_all(struct update_run *run)
{
    const uint32_t count = rowids_count(&run->rowids);
    uint64_t deleted = 0;
    if (count == 0) {
        return 0;
    }
    if (engine_delete_rows(run->x->engine, run->table, rowids_data(&run->rowids), count,
                           run->x->diag, &deleted) != 0) {
        return -1;
    }
    if (deleted != count) {
        return diag_set(run->x->diag, ER_INTERNAL_ERROR, "rows to be deleted were not found");
    }
    return 0;
}

static void finish_step(void *arg)
{
    struct update_run *run = arg;
    struct diag *diag = run->x->diag;
    if (run->rc == 0 && run->update != NULL && run->chunk.nrows > 0) {
        const struct chunk rest = chunk_builder_chunk(&run->chunk);
        run->rc = engine_writer_append(run->writer, &rest, diag);
    }
    if (run->rc == 0) {
        run->rc = delete_all(run);
    }
    if (run->writer != NULL) {
        const int rc = engine_writer_close(run->writer, run->rc == 0, diag);
        run->rc = run->rc != 0 ? run->rc : rc;
        run->writer = NULL;
    }
}

/* ---- The statement ---- */

static struct sql_type rowid_type(void)
{
    return (struct sql_type){.type = MYSQL_TYPE_LONGLONG,
                             .length = 20,
                             .flags = NOT_NULL_FLAG,
                             .collation = COLLATION_BINARY};
}

/* The query that finds the rows, and the types of its columns. */
static int write_text(struct update_run *run, const struct stmt *stmt, bool wide,
                      struct engine_query *out)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->table;
    struct resolve_env env;
    exec_resolve_env_for_change(x, &env);
    struct bytebuf *text = ARENA_NEW(&x->stmt_arena, struct bytebuf);
    bytebuf_init(text, QUERY_TEXT_MAX);
    arena_on_reset(&x->stmt_arena, exec_release_bytebuf, text);
    const struct write_options options = {.errors = x->write_errors, .wide_decimals = wide};
    struct sql_type *types =
        ARENA_ARRAY(&x->stmt_arena, struct sql_type,
                    t->column_count + 1 + (run->update ? run->update->set_count : 0));
    uint32_t count = 0;
    types[count++] = rowid_type();
    int rc;
    if (run->update == NULL) {
        rc = write_duckdb_delete(&stmt->del, &env, &options, text, x->diag);
    } else {
        struct update_stmt find = *run->update;
        find.set_count = run->computed ? find.set_count : 0;
        find.order = run->order;
        rc = write_duckdb_update(&find, &env, &options, text, x->diag);
        for (uint32_t c = 0; c < t->column_count; c++) {
            types[count++] = t->columns[c].type;
        }
        for (uint32_t i = 0; i < find.set_count; i++) {
            types[count++] = find.sets[i].value->type;
        }
    }
    *out = (struct engine_query){
        .text = bytebuf_str(text), .column_count = count, .types = types, .wide_decimals = wide};
    return rc;
}

static int find_rows(struct update_run *run, const struct stmt *stmt, bool wrote_before)
{
    /* An overflow would take the transaction with it, and the open writer: wide at once. */
    for (int wide = wrote_before ? 1 : 0; wide < 2; wide++) {
        struct engine_query query;
        bool retry_wide;
        if (write_text(run, stmt, wide != 0, &query) != 0 ||
            rows_source_run(run->x, &query, wrote_before, take_rows, run, &retry_wide) != 0) {
            return -1;
        }
        if (!retry_wide) {
            break;
        }
        diag_clear_error(run->x->diag);
    }
    return 0;
}

static int key_meets_another(const struct update_run *run)
{
    const char *text = arena_dup_cstr(&run->x->stmt_arena, str_from_cstr(run->keys.first_text));
    return dml_duplicate_text(run->x, run->table, run->keys.first_index, text);
}

/* Looks at the rows again in the order of each index by which MySQL may read them. */
static int compare_orders(struct update_run *run, const struct stmt *stmt)
{
    struct exec_session *x = run->x;
    const struct table_def *t = run->table;
    const struct update_stmt *u = run->update;
    const bool meets = run->keys.first != UINT64_MAX;
    const int32_t clustered = dml_clustered_index(t);
    if (!run->keys.depends || u->order.count > 0) {
        return 0;
    }
    if (clustered < 0) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET,
                        "UPDATE that moves keys between rows of a table without a primary key");
    }
    run->looking = true;
    for (uint32_t i = 0; i < t->index_count; i++) {
        if ((int32_t)i == clustered || !dml_index_may_be_read(&t->indexes[i], u->where)) {
            continue;
        }
        run->order = dml_order_by_index(&u->order, u->from, &t->indexes[i], &x->stmt_arena);
        run->order =
            dml_order_by_index(&run->order, u->from, &t->indexes[clustered], &x->stmt_arena);
        dml_keys_reset(&run->keys);
        if (find_rows(run, stmt, true) != 0) {
            return -1;
        }
        if (meets != (run->keys.first != UINT64_MAX)) {
            return diag_set(x->diag, ER_NOT_SUPPORTED_YET,
                            "UPDATE of unique keys whose outcome depends on the order of rows");
        }
    }
    return 0;
}

static int look_at_keys(struct update_run *run, const struct stmt *stmt)
{
    if (compare_orders(run, stmt) != 0) {
        return -1;
    }
    return run->keys.first != UINT64_MAX ? key_meets_another(run) : 0;
}

static int run_statement(struct update_run *run, const struct stmt *stmt)
{
    struct exec_session *x = run->x;
    const bool wrote_before = x->txn.wrote;
    if (exec_engine_for_write(x) != 0) {
        return -1;
    }
    if (run->update != NULL &&
        (exec_offload(x, OFFLOAD_WRITE, open_step, run) != 0 || run->rc != 0)) {
        return -1;
    }
    run->rc = find_rows(run, stmt, wrote_before);
    if (run->rc == 0 && run->update != NULL) {
        run->rc = look_at_keys(run, stmt);
    }
    exec_offload_always(x, OFFLOAD_WRITE, finish_step, run);
    return run->rc;
}

/* The one base table of an UPDATE or DELETE. */
static const struct table_def *target_table(struct exec_session *x, const struct table_ref *from,
                                            uint64_t privileges)
{
    if (from->kind != TABLE_BASE || from->def == NULL) {
        diag_set(x->diag, ER_NOT_SUPPORTED_YET, "UPDATE or DELETE of more than one table");
        return NULL;
    }
    if (from->def->view_text.p != NULL) {
        diag_set(x->diag, ER_NON_UPDATABLE_TABLE, arena_dup_cstr(&x->stmt_arena, from->def->name),
                 "UPDATE");
        return NULL;
    }
    return exec_check_table(x, from->def->db, from->def->name, privileges) == 0 ? from->def : NULL;
}

static bool can_eval_all(const struct update_stmt *u)
{
    for (uint32_t i = 0; i < u->set_count; i++) {
        const struct expr *e = u->sets[i].value;
        if (e->kind != EXPR_DEFAULT && !eval_can(e)) {
            return false;
        }
    }
    return true;
}

static void report_update(const struct update_run *run)
{
    struct exec_session *x = run->x;
    x->result.affected_rows = rowids_count(&run->rowids);
    x->result.found_rows = run->matched;
    x->result.info = arena_printf(&x->stmt_arena, "Rows matched: %llu  Changed: %u  Warnings: %u",
                                  (unsigned long long)run->matched, rowids_count(&run->rowids),
                                  x->diag->warning_count);
}

int exec_update(struct exec_session *x, struct stmt *stmt)
{
    struct resolve_env env;
    exec_resolve_env_for_change(x, &env);
    if (sql_resolve(stmt, &env, &x->stmt_arena, x->diag) != 0) {
        return -1;
    }
    const struct table_def *t = target_table(x, stmt->update.from, PRIV_UPDATE);
    if (t == NULL) {
        return -1;
    }
    struct update_run run = {
        .x = x, .table = t, .update = &stmt->update, .order = stmt->update.order};
    exec_raise_errors(x, stmt->update.ignore);
    dml_keys_init(&run.keys, t, stmt->update.sets, stmt->update.set_count);
    if (run.keys.count > 0 && stmt->update.ignore) {
        dml_keys_release(&run.keys);
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "UPDATE IGNORE of a unique key");
    }
    const int32_t clustered = dml_clustered_index(t);
    if (run.keys.count > 0 && clustered >= 0) {
        run.order = dml_order_by_index(&run.order, stmt->update.from, &t->indexes[clustered],
                                       &x->stmt_arena);
    }
    run.computed = !can_eval_all(&stmt->update);
    if (row_build_init(&run.build, x, t, NULL, 0, stmt->update.ignore ? STORE_IGNORE : 0) != 0) {
        dml_keys_release(&run.keys);
        return -1;
    }
    arena_init(&run.row_arena, 0);
    bytebuf_init(&run.rowids.buf, UINT64_C(8) << 30);
    chunk_builder_init(&run.chunk, table_column_types(t, &x->stmt_arena), t->column_count);
    exec_eval_ctx(x, &run.row_arena, &run.eval);
    run.eval.writing = !stmt->update.ignore;
    const int rc = run_statement(&run, stmt);
    if (rc == 0) {
        report_update(&run);
    }
    chunk_builder_release(&run.chunk);
    bytebuf_release(&run.rowids.buf);
    row_build_release(&run.build);
    dml_keys_release(&run.keys);
    arena_release(&run.row_arena);
    return rc;
}

int exec_delete(struct exec_session *x, struct stmt *stmt)
{
    if (stmt->del.target_count > 0) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "DELETE of more than one table");
    }
    struct resolve_env env;
    exec_resolve_env_for_change(x, &env);
    if (sql_resolve(stmt, &env, &x->stmt_arena, x->diag) != 0) {
        return -1;
    }
    const struct table_def *t = target_table(x, stmt->del.from, PRIV_DELETE);
    if (t == NULL) {
        return -1;
    }
    struct update_run run = {.x = x, .table = t};
    /* MariaDB's DELETE warns only. */
    exec_raise_errors(x, stmt->del.ignore || x->server->dialect == DIALECT_MARIADB);
    bytebuf_init(&run.rowids.buf, UINT64_C(8) << 30);
    const int rc = run_statement(&run, stmt);
    x->result.affected_rows = rc == 0 ? rowids_count(&run.rowids) : 0;
    x->result.found_rows = x->result.affected_rows;
    bytebuf_release(&run.rowids.buf);
    return rc;
}
