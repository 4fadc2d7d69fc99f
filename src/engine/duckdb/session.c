/*
 * Sessions: one DuckDB connection each, made when first needed, with the few statements that are
 * prepared once.
 */
#include "engine/duckdb/duckdb_int.h"

#include <stdlib.h>
#include <time.h>

enum {
    NAP_NS = 100000, /* Between two looks at whether other threads have done their tasks. */
    LOOKS = 16,      /* Before the first nap, which a short task is not worth: some 30 µs. */
};

static const char *const prepared_text[DDB_PREPARED_COUNT] = {
    [DDB_BEGIN] = "BEGIN TRANSACTION",
    [DDB_COMMIT] = "COMMIT",
    [DDB_ROLLBACK] = "ROLLBACK",
    [DDB_PROBE] = "SELECT 1 FROM pintail_meta LIMIT 0",
    [DDB_MARK] = "INSERT INTO pintail_commit VALUES ($1)",
    [DDB_META_DELETE] = "DELETE FROM pintail_meta WHERE kind = $1 AND id = $2",
    [DDB_META_INSERT] = "INSERT INTO pintail_meta VALUES ($1, $2, $3)",
};

/* ---- Life ---- */

int ddb_session_open(struct engine *e, struct diag *diag, struct engine_session **out)
{
    struct ddb_instance *in = ddb_instance_of(e);
    struct ddb_session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    s->base.engine = e;
    s->instance = in;
    arena_init(&s->txn_arena, 0);
    ddb_redo_init(&s->redo);
    pthread_mutex_init(&s->conn_lock, NULL);
    pthread_mutex_lock(&in->lock);
    rlist_push(&in->sessions, &s->link);
    pthread_mutex_unlock(&in->lock);
    *out = &s->base;
    return 0;
}

void ddb_session_close(struct engine_session *base)
{
    struct ddb_session *s = ddb_session_of(base);
    struct ddb_instance *in = s->instance;
    ddb_txn_rollback(base);
    pthread_rwlock_rdlock(&in->gate);
    ddb_session_disconnect(s, false);
    pthread_mutex_lock(&in->lock);
    rlist_del(&s->link);
    pthread_mutex_unlock(&in->lock);
    pthread_rwlock_unlock(&in->gate);
    assert(s->cursor == NULL && s->writer == NULL);
    pthread_mutex_destroy(&s->conn_lock);
    arena_release(&s->txn_arena);
    ddb_redo_release(&s->redo);
    free(s);
}

int ddb_session_connect(struct ddb_session *s, struct diag *diag)
{
    duckdb_connection conn = NULL;
    if (duckdb_connect(s->instance->db, &conn) != DuckDBSuccess) {
        return diag_set(diag, ER_INTERNAL_ERROR, "DuckDB refuses a connection");
    }
    pthread_mutex_lock(&s->conn_lock);
    s->conn = conn;
    pthread_mutex_unlock(&s->conn_lock);
    return 0;
}

void ddb_session_disconnect(struct ddb_session *s, bool lost)
{
    if (lost && (s->state == ENGINE_TXN_OPEN || s->cursor != NULL || s->writer != NULL)) {
        s->lost = true;
    }
    if (s->cursor != NULL) {
        ddb_cursor_drop(s->cursor);
    }
    if (s->writer != NULL) {
        ddb_writer_drop(s->writer);
    }
    if (s->state == ENGINE_TXN_OPEN) {
        s->state = ENGINE_TXN_ABORTED;
    }
    s->redo.kept = s->redo.kept && !lost; /* Rows may have other numbers after reopening. */
    s->implicit = false;
    for (size_t i = 0; i < DDB_PREPARED_COUNT; i++) {
        if (s->prepared[i] != NULL) {
            duckdb_destroy_prepare(&s->prepared[i]);
        }
    }
    pthread_mutex_lock(&s->conn_lock);
    if (s->conn != NULL) {
        duckdb_disconnect(&s->conn);
        s->conn = NULL;
    }
    pthread_mutex_unlock(&s->conn_lock);
}

void ddb_session_interrupt(struct engine_session *base)
{
    struct ddb_session *s = ddb_session_of(base);
    pthread_mutex_lock(&s->conn_lock);
    if (s->conn != NULL && s->masked == 0) {
        duckdb_interrupt(s->conn);
    }
    pthread_mutex_unlock(&s->conn_lock);
}

void ddb_mask_interrupts(struct ddb_session *s)
{
    pthread_mutex_lock(&s->conn_lock);
    s->masked++;
    pthread_mutex_unlock(&s->conn_lock);
}

void ddb_unmask_interrupts(struct ddb_session *s)
{
    pthread_mutex_lock(&s->conn_lock);
    s->masked--;
    pthread_mutex_unlock(&s->conn_lock);
}

/* ---- Running statements ---- */

int ddb_prepared_get(struct ddb_session *s, enum ddb_prepared which, struct diag *diag,
                     duckdb_prepared_statement *out)
{
    *out = NULL;
    if (s->prepared[which] == NULL &&
        duckdb_prepare(s->conn, prepared_text[which], &s->prepared[which]) != DuckDBSuccess) {
        const char *message = duckdb_prepare_error(s->prepared[which]);
        const int rc = ddb_own_failed(s->instance, ddb_error_type_of(message), message, diag);
        duckdb_destroy_prepare(&s->prepared[which]);
        s->prepared[which] = NULL;
        return rc;
    }
    *out = s->prepared[which];
    return 0;
}

static int run(struct ddb_session *s, const char *sql, struct str subject, struct diag *diag,
               duckdb_result *out)
{
    if (duckdb_query(s->conn, sql, out) == DuckDBSuccess) {
        return 0;
    }
    (void)ddb_failed(s, duckdb_result_error_type(out), duckdb_result_error(out), subject, diag);
    duckdb_destroy_result(out);
    return -1;
}

int ddb_exec(struct ddb_session *s, const char *sql, struct str subject, struct diag *diag)
{
    duckdb_result result;
    if (run(s, sql, subject, diag, &result) != 0) {
        return -1;
    }
    duckdb_destroy_result(&result);
    return 0;
}

int ddb_query_buf(struct ddb_session *s, struct bytebuf *sql, struct str subject, struct diag *diag,
                  duckdb_result *out)
{
    bytebuf_put_char(sql, '\0');
    if (sql->failed) {
        return diag_set(diag, ER_INTERNAL_ERROR, "a statement for DuckDB is too long");
    }
    return run(s, sql->p, subject, diag, out);
}

/* ---- Statements that may be long ---- */

/* helped: see ddb_run_prepared(). */
static duckdb_pending_state run_tasks(duckdb_pending_result pending, duckdb_database helped)
{
    static const struct timespec nap = {.tv_nsec = NAP_NS};
    unsigned looks = 0;
    duckdb_pending_state state;
    while ((state = duckdb_pending_execute_task(pending)) != DUCKDB_PENDING_RESULT_READY &&
           state != DUCKDB_PENDING_ERROR) {
        if (state != DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            looks = 0;
        } else if (++looks > LOOKS) {
            (void)nanosleep(&nap, NULL);
        }
        if (looks > 0 && helped != NULL) {
            duckdb_execute_tasks(helped, 1);
        }
    }
    return state;
}

int ddb_run_prepared(struct ddb_run *r, duckdb_prepared_statement statement, duckdb_database helped)
{
    *r = (struct ddb_run){.message = NULL};
    if (duckdb_pending_prepared(statement, &r->pending) != DuckDBSuccess ||
        run_tasks(r->pending, helped) == DUCKDB_PENDING_ERROR) {
        r->message = duckdb_pending_error(r->pending);
        r->type = ddb_error_type_of(r->message);
        return -1;
    }
    if (duckdb_execute_pending(r->pending, &r->result) != DuckDBSuccess) {
        r->message = duckdb_result_error(&r->result);
        r->type = duckdb_result_error_type(&r->result);
        return -1;
    }
    return 0;
}

int ddb_run_text(struct ddb_run *r, duckdb_connection conn, const char *sql, duckdb_database helped)
{
    duckdb_prepared_statement statement = NULL;
    int rc = -1;
    if (duckdb_prepare(conn, sql, &statement) == DuckDBSuccess) {
        rc = ddb_run_prepared(r, statement, helped);
    } else {
        *r = (struct ddb_run){.message = duckdb_prepare_error(statement)};
        r->type = ddb_error_type_of(r->message);
    }
    r->statement = statement;
    return rc;
}

void ddb_run_end(struct ddb_run *r)
{
    duckdb_destroy_result(&r->result);
    duckdb_destroy_pending(&r->pending);
    duckdb_destroy_prepare(&r->statement);
}

int ddb_prepared_run(struct ddb_session *s, enum ddb_prepared which, struct diag *diag)
{
    duckdb_prepared_statement statement;
    struct ddb_run r;
    if (ddb_prepared_get(s, which, diag, &statement) != 0) {
        return -1;
    }
    int rc = ddb_run_prepared(&r, statement, NULL);
    if (rc != 0) {
        rc = ddb_own_failed(s->instance, r.type, r.message, diag);
    }
    ddb_run_end(&r);
    return rc;
}

int ddb_query_patiently(struct ddb_session *s, struct bytebuf *sql, struct str subject,
                        struct diag *diag, duckdb_result *out)
{
    struct ddb_run r;
    bytebuf_put_char(sql, '\0');
    if (sql->failed) {
        return diag_set(diag, ER_INTERNAL_ERROR, "a statement for DuckDB is too long");
    }
    const int rc = ddb_run_text(&r, s->conn, sql->p, NULL);
    if (rc != 0) {
        (void)ddb_failed(s, r.type, r.message, subject, diag);
    } else {
        *out = r.result;
        r.result = (duckdb_result){.internal_data = NULL};
    }
    ddb_run_end(&r);
    return rc;
}

int ddb_exec_buf(struct ddb_session *s, struct bytebuf *sql, struct str subject, struct diag *diag)
{
    duckdb_result result;
    if (ddb_query_buf(s, sql, subject, diag, &result) != 0) {
        return -1;
    }
    duckdb_destroy_result(&result);
    return 0;
}

int ddb_query_number(struct ddb_session *s, struct bytebuf *sql, struct diag *diag, int64_t *out,
                     bool *out_null)
{
    duckdb_result result;
    *out = 0;
    *out_null = true;
    if (ddb_query_buf(s, sql, STR_NULL, diag, &result) != 0) {
        return -1;
    }
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    if (chunk != NULL) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, 0);
        uint64_t *validity = duckdb_vector_get_validity(vector);
        if (duckdb_data_chunk_get_size(chunk) > 0 &&
            (validity == NULL || duckdb_validity_row_is_valid(validity, 0))) {
            *out = *(const int64_t *)duckdb_vector_get_data(vector);
            *out_null = false;
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return 0;
}
