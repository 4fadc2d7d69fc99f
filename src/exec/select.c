/*
 * SELECT: resolve, then either the evaluator (no tables) or the engine, whose chunks go to the sink
 * as they come.
 *
 * The engine's steps run on an offload thread: one step opens the query and encodes rows until the
 * sink is full, then the fiber sends them, then the next step goes on. The client's column
 * definitions are encoded before the first step and taken back if the query fails before anything
 * was sent, so that the error is the whole reply.
 */
#include "exec/exec_int.h"
#include "exec/plan_memo.h"
#include "exec/user_vars.h"
#include "sql/write_duckdb.h"

/* Longest text of a written query. */
#define QUERY_TEXT_MAX (256u << 20)

struct query_job {
    struct exec_session *x;
    struct engine_query query;
    struct engine_cursor *cursor; /* NULL until open */
    struct result_sink *sink;
    enum engine_result result;
    uint64_t rows;
    uint64_t facts;   /* table_facts_version() before the query was written */
    bool is_outdated; /* the snapshot may hold values that the query was not written for */
};

/* As servers mark columns that are expressions. */
static void mark_expression(struct sql_type *t, enum sql_dialect dialect)
{
    if (t->collation == COLLATION_BINARY) {
        t->flags |= BINARY_FLAG;
    }
    if (dialect == DIALECT_MARIADB && type_class_of(t->type) == TYPE_CLASS_STRING &&
        t->decimals == DECIMALS_NOT_FIXED) {
        t->decimals = DECIMALS_NOT_FIXED_MARIADB;
    }
}

void exec_result_columns(const struct query *q, enum sql_dialect dialect, struct arena *arena,
                         struct result_column **out, uint32_t *out_count)
{
    struct result_column *columns = ARENA_ARRAY(arena, struct result_column, q->column_count);
    for (uint32_t i = 0; i < q->column_count; i++) {
        const struct ref_column *c = &q->columns[i];
        columns[i] = (struct result_column){
            .db = c->db,
            .table = c->table,
            .org_table = c->org_table,
            .name = c->name,
            .org_name = c->org_name,
            .type = c->type,
        };
        if (c->org_table.len == 0 && !c->stored) {
            mark_expression(&columns[i].type, dialect);
        }
    }
    *out = columns;
    *out_count = q->column_count;
}

/* ---- Queries on the engine ---- */

/* Opens the query at the first call, then encodes rows until the sink is full or the rows end. */
static void query_step(void *arg)
{
    struct query_job *job = arg;
    struct diag *diag = job->x->diag;
    if (job->cursor == NULL &&
        engine_query_open(job->x->engine, &job->query, diag, &job->cursor) != 0) {
        job->result = ENGINE_FAIL;
        return;
    }
    do {
        struct chunk rows;
        job->result = engine_fetch(job->cursor, diag, &rows);
        if (job->rows == 0 && job->result != ENGINE_FAIL && table_facts_version() != job->facts) {
            job->is_outdated = true;
            return;
        }
        if (job->result != ENGINE_ROW) {
            return;
        }
        if (job->sink->ops->chunk(job->sink, &rows, diag) != 0) {
            job->result = ENGINE_FAIL;
            return;
        }
        job->rows += rows.nrows;
    } while (!job->sink->ops->is_full(job->sink));
}

static void close_cursor(void *arg)
{
    struct query_job *job = arg;
    engine_cursor_close(job->cursor);
    job->cursor = NULL;
}

static int run_steps(struct query_job *job)
{
    struct exec_session *x = job->x;
    do {
        if (exec_offload(x, OFFLOAD_QUERY, query_step, job) != 0) {
            return -1;
        }
        if (job->is_outdated) {
            return 0;
        }
        if (job->result == ENGINE_ROW && job->sink->ops->flush(job->sink, x->diag) != 0) {
            return -1;
        }
        if (job->result == ENGINE_ROW && fiber_interrupted() != 0) {
            return exec_interrupted(x, x->diag);
        }
    } while (job->result == ENGINE_ROW);
    if (job->result == ENGINE_FAIL && fiber_interrupted() != 0) {
        diag_clear_error(x->diag);
        return exec_interrupted(x, x->diag);
    }
    return job->result == ENGINE_FAIL ? -1 : 0;
}

int exec_write_query(struct exec_session *x, const struct query *q, bool wide,
                     struct engine_query *out)
{
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    struct bytebuf *text = ARENA_NEW(&x->stmt_arena, struct bytebuf);
    bytebuf_init(text, QUERY_TEXT_MAX);
    arena_on_reset(&x->stmt_arena, exec_release_bytebuf, text);
    const struct write_options options = {.errors = x->write_errors, .wide_decimals = wide};
    if (write_duckdb_query(q, &env, &options, text, x->diag) != 0) {
        return -1;
    }
    struct sql_type *types = ARENA_ARRAY(&x->stmt_arena, struct sql_type, q->column_count);
    for (uint32_t i = 0; i < q->column_count; i++) {
        types[i] = q->columns[i].type;
    }
    *out = (struct engine_query){.text = bytebuf_str(text),
                                 .column_count = q->column_count,
                                 .types = types,
                                 .wide_decimals = wide};
    return 0;
}

void exec_visible_value(const struct exec_session *x, const struct sql_type *type, struct value *v)
{
    if (type->type == MYSQL_TYPE_TIMESTAMP && v->kind == VALUE_DATETIME) {
        timezone_from_utc(x->vars.time_zone, temporal_pack_datetime(&v->time), &v->time);
    }
}

void exec_release_bytebuf(void *arg)
{
    bytebuf_release(arg);
}

int exec_run_query(struct exec_session *x, const struct query *q, struct result_sink *sink,
                   uint64_t *out_rows)
{
    *out_rows = 0;
    if (exec_engine_for_read(x) != 0) {
        return -1;
    }
    struct query_job job = {.x = x, .sink = sink};
    int rc = -1;
    bool wide = false;
    bool again = false;
    do {
        job.is_outdated = false;
        job.facts = table_facts_version();
        rc = exec_write_query(x, q, wide, &job.query);
        if (rc != 0) {
            break;
        }
        rc = run_steps(&job);
        if (rc != 0) {
            exec_tell_interrupted(x);
        }
        if (job.cursor != NULL) {
            offload_run_always(OFFLOAD_QUERY, close_cursor, &job);
        }
        again = rc == 0 && (job.is_outdated || (job.result == ENGINE_RETRY_WIDE && !wide));
        wide = wide || job.result == ENGINE_RETRY_WIDE;
        if (again) {
            diag_clear_error(x->diag);
        }
    } while (again);
    *out_rows = job.rows;
    return rc;
}

static int select_from_engine(struct exec_session *x, const struct query *q,
                              struct result_column *columns, uint32_t count)
{
    struct result_sink *sink = x->sink;
    if (sink->ops->begin(sink, columns, count, x->diag) != 0) {
        return -1;
    }
    uint64_t rows;
    if (exec_run_query(x, q, sink, &rows) != 0) {
        sink->ops->cancel(sink);
        return -1;
    }
    x->found_rows = rows;
    return sink->ops->end(sink, x->diag);
}

/* ---- SELECT without tables ---- */

static bool passes(struct eval_ctx *ctx, const struct expr *condition, int *out_rc)
{
    *out_rc = 0;
    if (condition == NULL) {
        return true;
    }
    struct value v;
    *out_rc = eval_expr(ctx, condition, &v);
    return *out_rc == 0 && eval_truth(&v) == 1;
}

static int limit_number(struct eval_ctx *ctx, const struct expr *e, uint64_t if_absent,
                        uint64_t *out)
{
    struct value v;
    *out = if_absent;
    if (e == NULL) {
        return 0;
    }
    if (eval_expr(ctx, e, &v) != 0) {
        return -1;
    }
    *out = v.kind == VALUE_UINT ? v.u : v.kind == VALUE_INT && v.i >= 0 ? (uint64_t)v.i : if_absent;
    return 0;
}

/* The one row of a SELECT without tables, or none. */
static int eval_row(struct exec_session *x, const struct query *q, struct value *row,
                    bool *out_exists)
{
    struct eval_ctx ctx;
    exec_eval_ctx(x, &x->stmt_arena, &ctx);
    uint64_t count, offset;
    if (limit_number(&ctx, q->limit.count, UINT64_MAX, &count) != 0 ||
        limit_number(&ctx, q->limit.offset, 0, &offset) != 0) {
        return -1;
    }
    int rc;
    *out_exists = count > 0 && offset == 0 && passes(&ctx, q->select->where, &rc);
    for (uint32_t i = 0; i < q->select->item_count; i++) {
        if (eval_expr(&ctx, q->select->items[i].expr, &row[i]) != 0) {
            return -1;
        }
    }
    if (*out_exists && q->select->having != NULL) {
        *out_exists = passes(&ctx, q->select->having, &rc);
    }
    return x->diag->error == NULL ? 0 : -1;
}

bool exec_needs_no_engine(const struct query *q)
{
    if (q->kind != QUERY_SELECT || q->with != NULL || q->select->from != NULL ||
        (q->select->flags & SELECT_IS_AGGREGATED) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < q->select->item_count; i++) {
        if (!eval_can(q->select->items[i].expr)) {
            return false;
        }
    }
    return (q->select->where == NULL || eval_can(q->select->where)) &&
           (q->select->having == NULL || eval_can(q->select->having));
}

static int select_without_tables(struct exec_session *x, const struct query *q,
                                 struct result_column *columns, uint32_t count)
{
    struct result_sink *sink = x->sink;
    struct value *row = ARENA_ARRAY(&x->stmt_arena, struct value, count);
    bool exists;
    if (eval_row(x, q, row, &exists) != 0 || sink->ops->begin(sink, columns, count, x->diag) != 0) {
        return -1;
    }
    if (exists && sink->ops->row(sink, row, x->diag) != 0) {
        sink->ops->cancel(sink);
        return -1;
    }
    x->found_rows = exists ? 1 : 0;
    return sink->ops->end(sink, x->diag);
}

/* ---- SELECT … INTO @a, @b ---- */

/* A sink that keeps one row for the variables. */
struct into_sink {
    struct result_sink base;
    struct exec_session *x;
    struct value *row;
    const struct result_column *columns;
    uint32_t count;
};

static int into_begin(struct result_sink *s, const struct result_column *columns, uint32_t count,
                      struct diag *diag)
{
    struct into_sink *into = (struct into_sink *)s;
    if (count != into->count) {
        return diag_set(diag, ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT);
    }
    into->columns = columns;
    return 0;
}

static int into_row(struct result_sink *s, const struct value *values, struct diag *diag)
{
    struct into_sink *into = (struct into_sink *)s;
    if (s->rows++ > 0) {
        return diag_set(diag, ER_TOO_MANY_ROWS);
    }
    for (uint32_t i = 0; i < into->count; i++) {
        into->row[i] = values[i];
        if (values[i].kind == VALUE_STRING || values[i].kind == VALUE_JSON) {
            into->row[i].str = arena_dup(&into->x->stmt_arena, values[i].str);
        }
    }
    return 0;
}

static int into_chunk(struct result_sink *s, const struct chunk *rows, struct diag *diag)
{
    struct into_sink *into = (struct into_sink *)s;
    for (uint32_t r = 0; r < rows->nrows; r++) {
        struct value *values = ARENA_ARRAY(&into->x->stmt_arena, struct value, into->count);
        for (uint32_t i = 0; i < into->count; i++) {
            vec_get(&rows->cols[i], r, &values[i]);
        }
        if (into_row(s, values, diag) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool into_is_full(const struct result_sink *s)
{
    (void)s;
    return false;
}

static int into_flush(struct result_sink *s, struct diag *diag)
{
    (void)s;
    (void)diag;
    return 0;
}

static void into_cancel(struct result_sink *s)
{
    (void)s;
}

static const struct result_sink_ops into_ops = {
    .begin = into_begin,
    .row = into_row,
    .chunk = into_chunk,
    .is_full = into_is_full,
    .flush = into_flush,
    .cancel = into_cancel,
    .end = into_flush, /* nothing is left to do either */
};

static int set_into_vars(struct exec_session *x, const struct query *q,
                         const struct into_sink *into)
{
    if (into->base.rows == 0) {
        diag_warn(x->diag, DIAG_WARNING, ER_SP_FETCH_NO_DATA);
        return 0;
    }
    for (uint32_t i = 0; i < q->into_var_count; i++) {
        if (user_var_set(x, q->into_vars[i], &into->row[i], &into->columns[i].type) != 0) {
            return -1;
        }
    }
    x->result.affected_rows = 1;
    return 0;
}

/* ---- The statement ---- */

static int run(struct exec_session *x, const struct query *q)
{
    struct result_column *columns;
    uint32_t count;
    exec_result_columns(q, x->server->dialect, &x->stmt_arena, &columns, &count);
    if (exec_needs_no_engine(q)) {
        return select_without_tables(x, q, columns, count);
    }
    return select_from_engine(x, q, columns, count);
}

static int run_into(struct exec_session *x, const struct query *q)
{
    struct into_sink into = {.base = {.ops = &into_ops}, .x = x, .count = q->into_var_count};
    into.row = ARENA_ARRAY(&x->stmt_arena, struct value, into.count);
    struct result_sink *client = x->sink;
    x->sink = &into.base;
    const int rc = run(x, q);
    x->sink = client;
    return rc != 0 ? -1 : set_into_vars(x, q, &into);
}

int exec_resolve_select(struct exec_session *x, struct stmt *stmt, const struct resolve_env *env,
                        struct arena *arena)
{
    if (sql_resolve(stmt, env, arena, x->diag) != 0) {
        return -1;
    }
    sql_store_result(stmt->query, x->server->dialect);
    return 0;
}

static int resolve(struct exec_session *x, struct stmt **stmt)
{
    if (x->plan != NULL) {
        return plan_memo_resolve(x, stmt);
    }
    struct resolve_env env;
    exec_resolve_env(x, PRIV_SELECT, &env);
    return exec_resolve_select(x, *stmt, &env, &x->stmt_arena);
}

int exec_select(struct exec_session *x, struct stmt *stmt)
{
    if (stmt->query->into_outfile.p != NULL) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "SELECT ... INTO OUTFILE");
    }
    if (resolve(x, &stmt) != 0) {
        return -1;
    }
    const struct query *q = stmt->query;
    if (q->locking != LOCKING_NONE && q->locking_skip) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "SKIP LOCKED");
    }
    if (q->locking != LOCKING_NONE && !exec_needs_no_engine(q) &&
        exec_engine_for_locking_read(x, q->locking_nowait) != 0) {
        return -1;
    }
    if (q->into_var_count > 0) {
        return run_into(x, q);
    }
    x->result.has_rows = true;
    return run(x, q);
}

/* MySQL does not prepare what reads the diagnostics area, for preparing clears it. */
static bool shows_conditions(enum show_kind kind)
{
    return kind == SHOW_WARNINGS || kind == SHOW_ERRORS || kind == SHOW_COUNT_WARNINGS ||
           kind == SHOW_COUNT_ERRORS;
}

int exec_describe(struct exec_session *x, struct stmt *stmt, struct arena *arena,
                  struct result_column **out_columns, uint32_t *out_count)
{
    *out_columns = NULL;
    *out_count = 0;
    struct resolve_env env;
    if (exec_check_expired(x, stmt->kind) != 0) {
        return -1;
    }
    switch (stmt->kind) {
    case STMT_SELECT:
        exec_resolve_env(x, PRIV_SELECT, &env);
        if (sql_resolve(stmt, &env, arena, x->diag) != 0) {
            return -1;
        }
        if (stmt->query->into_var_count == 0) {
            exec_result_columns(stmt->query, x->server->dialect, arena, out_columns, out_count);
        }
        return 0;
    case STMT_SHOW:
        if (x->server->dialect == DIALECT_MYSQL && shows_conditions(stmt->show.kind)) {
            return diag_set(x->diag, ER_UNSUPPORTED_PS);
        }
        return exec_show_columns_of(x, &stmt->show, arena, out_columns, out_count);
    case STMT_DESCRIBE:
        return exec_show_columns_of(x, &stmt->show, arena, out_columns, out_count);
    default:
        return 0;
    }
}
