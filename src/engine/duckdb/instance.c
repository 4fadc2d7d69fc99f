/*
 * The instance: opening and closing the database, its settings at open, and opening it again when
 * DuckDB has declared it invalid, which no session survives with its handles but every
 * session with its life.
 */
#include "base/clock.h"
#include "engine/crash_point.h"
#include "engine/duckdb/duckdb_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if __has_include("engine/duckdb/udf.h")
#include "engine/duckdb/udf.h"
#define HAVE_UDF 1
#endif

#define DEFAULT_CHECKPOINT_THRESHOLD ((uint64_t)128 << 20)
#define DEFAULT_DISK_RESERVE         ((uint64_t)64 << 20)

/* Tables of our own beside the users': named records, and a mark for each commit since the last
 * checkpoint. */
static const char *const own_tables[] = {
    "CREATE TABLE IF NOT EXISTS pintail_meta(kind VARCHAR, id UBIGINT, value VARCHAR)",
    "CREATE TABLE IF NOT EXISTS pintail_commit(marker UBIGINT)",
};

/* ---- Opening the library's database ---- */

static int set_option(duckdb_config config, const char *name, const char *value, struct diag *diag)
{
    if (duckdb_set_config(config, name, value) != DuckDBSuccess) {
        return diag_set_text(diag, ER_WRONG_VALUE_FOR_VAR,
                             arena_printf(&diag->arena,
                                          "DuckDB does not take '%s' for its setting '%s'", value,
                                          name));
    }
    return 0;
}

static int set_fixed_options(duckdb_config config, struct diag *diag)
{
    static const char *const fixed[][2] = {
        /* A full disk inside an automatic checkpoint would invalidate the instance: we checkpoint
           ourselves. */
        {"checkpoint_threshold", "1TB"},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"allow_persistent_secrets", "false"},
        /* Scans and results in the order of insertion: what users of MySQL see of a table with an
           ascending key. */
        {"preserve_insertion_order", "true"},
        {"scalar_subquery_error_on_multiple_rows", "true"},
        /* A row group is compressed when it is full, by the thread that has filled it: not some of
           them at the end of a statement, one thread after the other. */
        {"write_buffer_row_group_count", "1"},
        /* Last: afterwards the spill directory cannot be set. */
        {"enable_external_access", "false"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (set_option(config, fixed[i][0], fixed[i][1], diag) != 0) {
            return -1;
        }
    }
    return 0;
}

static int set_configured_options(const struct ddb_instance *in, duckdb_config config,
                                  struct diag *diag)
{
    const struct duckdb_config *c = &in->config;
    if (c->memory_limit.len && set_option(config, "memory_limit", c->memory_limit.p, diag) != 0) {
        return -1;
    }
    if (c->threads) {
        const struct str threads = arena_printf(&diag->arena, "%u", c->threads);
        if (set_option(config, "threads", threads.p, diag) != 0) {
            return -1;
        }
    }
    if (c->temp_directory.len &&
        set_option(config, "temp_directory", c->temp_directory.p, diag) != 0) {
        return -1;
    }
    if (c->max_temp_directory_size.len &&
        set_option(config, "max_temp_directory_size", c->max_temp_directory_size.p, diag) != 0) {
        return -1;
    }
    return 0;
}

static int open_library_database(struct ddb_instance *in, struct diag *diag)
{
    duckdb_config config = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    int rc = set_configured_options(in, config, diag);
    if (rc == 0) {
        rc = set_fixed_options(config, diag);
    }
    char *error = NULL;
    if (rc == 0 && duckdb_open_ext(in->file.len ? in->file.p : NULL, &in->db, config, &error) !=
                       DuckDBSuccess) {
        rc = diag_set_text(diag, ER_CANT_OPEN_FILE,
                           arena_printf(&diag->arena, "cannot open the DuckDB database '%s': %s",
                                        in->file.len ? in->file.p : "(in memory)",
                                        error != NULL ? error : "no reason given"));
        in->db = NULL;
    }
    duckdb_free(error);
    duckdb_destroy_config(&config);
    return rc;
}

static int prepare_database(struct ddb_instance *in, struct diag *diag)
{
    if (duckdb_connect(in->db, &in->aux) != DuckDBSuccess) {
        in->aux = NULL;
        return diag_set(diag, ER_INTERNAL_ERROR, "DuckDB refuses a connection");
    }
    for (size_t i = 0; i < ARRAY_SIZE(own_tables); i++) {
        if (ddb_aux_exec(in, own_tables[i], diag) != 0) {
            return -1;
        }
    }
    /* Closing checkpoints by itself otherwise, without looking at the free space. */
    if (ddb_aux_exec(in, "PRAGMA disable_checkpoint_on_shutdown", diag) != 0 ||
        ddb_keys_register(in, diag) != 0 || ddb_rows_register(in, diag) != 0 ||
        ddb_key_bits_register(in, diag) != 0 || ddb_read_memory_limit(in, diag) != 0) {
        return -1;
    }
#ifdef HAVE_UDF
    if (duckdb_udf_register(in->aux, diag) != 0) {
        return -1;
    }
#endif
    return 0;
}

int ddb_database_open(struct ddb_instance *in, struct diag *diag)
{
    if (open_library_database(in, diag) != 0) {
        return -1;
    }
    if (prepare_database(in, diag) != 0) {
        ddb_database_close(in);
        return -1;
    }
    atomic_store(&in->invalid, false);
    return 0;
}

void ddb_database_close(struct ddb_instance *in)
{
    if (in->aux != NULL) {
        duckdb_disconnect(&in->aux);
    }
    if (in->db != NULL) {
        duckdb_close(&in->db);
    }
}

/* ---- Auxiliary connection ---- */

int ddb_own_failed(struct ddb_instance *in, duckdb_error_type type, const char *message,
                   struct diag *diag)
{
    if (ddb_error_is_fatal(type, message)) {
        atomic_store(&in->invalid, true);
    }
    return duckdb_diag(diag, type, message, STR_NULL);
}

/* out: the result as a number; NULL = it is dropped. */
static int aux_run(struct ddb_instance *in, const char *sql, duckdb_database helped,
                   struct diag *diag, int64_t *out)
{
    struct ddb_run r;
    pthread_mutex_lock(&in->aux_lock);
    int rc = ddb_run_text(&r, in->aux, sql, helped);
    if (rc != 0) {
        rc = ddb_own_failed(in, r.type, r.message, diag);
    } else if (out != NULL) {
        *out = duckdb_value_int64(&r.result, 0, 0);
    }
    ddb_run_end(&r);
    pthread_mutex_unlock(&in->aux_lock);
    return rc;
}

int ddb_aux_exec(struct ddb_instance *in, const char *sql, struct diag *diag)
{
    return aux_run(in, sql, NULL, diag, NULL);
}

int ddb_aux_checkpoint(struct ddb_instance *in, bool alone, struct diag *diag)
{
    return aux_run(in, "CHECKPOINT", alone ? in->db : NULL, diag, NULL);
}

int ddb_aux_number(struct ddb_instance *in, const char *sql, struct diag *diag, int64_t *out)
{
    *out = 0;
    return aux_run(in, sql, NULL, diag, out);
}

int ddb_read_memory_limit(struct ddb_instance *in, struct diag *diag)
{
    int64_t limit;
    const int rc = ddb_aux_number(
        in, "SELECT parse_formatted_bytes(current_setting('memory_limit'))::BIGINT", diag, &limit);
    if (rc == 0) {
        atomic_store(&in->memory_limit, (uint64_t)limit);
    }
    return rc;
}

/* ---- The engine's open and close ---- */

static void copy_config(struct ddb_instance *in, const struct duckdb_config *from)
{
    in->config = *from;
    struct str *const strings[] = {&in->config.path, &in->config.memory_limit,
                                   &in->config.temp_directory, &in->config.max_temp_directory_size};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
        *strings[i] = arena_dup(&in->arena, *strings[i]);
    }
    atomic_init(&in->checkpoint_threshold, from->checkpoint_threshold != 0
                                               ? from->checkpoint_threshold
                                               : DEFAULT_CHECKPOINT_THRESHOLD);
    atomic_init(&in->disk_reserve,
                from->disk_reserve != 0 ? from->disk_reserve : DEFAULT_DISK_RESERVE);
    in->log = in->config.log;
    if (in->log.module == NULL) {
        in->log.module = "duckdb";
    }
}

/* Locks the directory and derives the paths in it. */
static int open_directory(struct ddb_instance *in, struct diag *diag)
{
    struct duckdb_config *c = &in->config;
    in->lock_fd = -1;
    if (c->path.len == 0) {
        return 0;
    }
    in->lock_fd = ddb_directory_open(c->path, diag);
    if (in->lock_fd < 0) {
        return -1;
    }
    in->file = arena_printf(&in->arena, "%.*s/pintail.duckdb", STR_FMT(c->path));
    if (c->temp_directory.len == 0) {
        c->temp_directory = arena_printf(&in->arena, "%.*s/tmp", STR_FMT(c->path));
    }
    (void)mkdir(c->temp_directory.p, 0750); /* DuckDB says it better when it then cannot spill. */
    return 0;
}

static void instance_init(struct ddb_instance *in)
{
    in->base.ops = duckdb_engine.ops;
    in->base.table_ops = duckdb_engine.table_ops;
    in->base.query_ops = duckdb_engine.query_ops;
    arena_init(&in->arena, 0);
    pthread_rwlock_init(&in->gate, NULL);
    pthread_mutex_init(&in->aux_lock, NULL);
    pthread_mutex_init(&in->lock, NULL);
    rlist_init(&in->sessions);
    rlist_init(&in->key_sets);
}

static void instance_free(struct ddb_instance *in)
{
    if (in->lock_fd >= 0) {
        close(in->lock_fd);
    }
    ddb_tables_release(in);
    pthread_mutex_destroy(&in->lock);
    pthread_mutex_destroy(&in->aux_lock);
    pthread_rwlock_destroy(&in->gate);
    arena_release(&in->arena);
    free(in);
}

static int ddb_open(const void *config, struct diag *diag, struct engine **out)
{
    struct ddb_instance *in = calloc(1, sizeof(*in));
    if (in == NULL) {
        return diag_set(diag, ER_ENGINE_OUT_OF_MEMORY, "duckdb");
    }
    instance_init(in);
    crash_points_arm();
    copy_config(in, config);
    atomic_store(&in->next_marker, (uint64_t)clock_wall_us());
    if (open_directory(in, diag) != 0 || ddb_database_open(in, diag) != 0) {
        instance_free(in);
        return -1;
    }
    *out = &in->base;
    return 0;
}

static void ddb_close(struct engine *e)
{
    struct ddb_instance *in = ddb_instance_of(e);
    assert(rlist_is_empty(&in->sessions));
    if (in->db != NULL && !atomic_load(&in->invalid)) {
        ddb_final_checkpoint(in);
    }
    ddb_database_close(in);
    instance_free(in);
}

/* ---- Entering and leaving; opening again ---- */

int ddb_reopen(struct ddb_instance *in, struct diag *diag)
{
    int rc = 0;
    pthread_rwlock_wrlock(&in->gate);
    if (atomic_load(&in->invalid) || in->db == NULL) {
        pthread_mutex_lock(&in->lock);
        rlist_foreach (it, &in->sessions) {
            ddb_session_disconnect(RLIST_ENTRY(it, struct ddb_session, link), true);
        }
        pthread_mutex_unlock(&in->lock);
        ddb_database_close(in);
        ddb_tables_release(in);
        atomic_store(&in->commits_finished, atomic_load(&in->commits_started));
        atomic_store(&in->writer, NULL);
        rc = ddb_database_open(in, diag);
        if (rc == 0) {
            atomic_fetch_add(&in->counters.reopens, 1);
            log_warn(&in->log, "database reopened after an error that made it unusable");
        }
    }
    pthread_rwlock_unlock(&in->gate);
    return rc;
}

int ddb_enter(struct ddb_session *s, struct diag *diag)
{
    struct ddb_instance *in = s->instance;
    pthread_rwlock_rdlock(&in->gate);
    while (atomic_load(&in->invalid) || in->db == NULL) {
        pthread_rwlock_unlock(&in->gate);
        if (ddb_reopen(in, diag) != 0) {
            return -1;
        }
        pthread_rwlock_rdlock(&in->gate);
    }
    if (s->conn == NULL && ddb_session_connect(s, diag) != 0) {
        pthread_rwlock_unlock(&in->gate);
        return -1;
    }
    if (s->lost) {
        s->lost = false;
        pthread_rwlock_unlock(&in->gate);
        return diag_set_text(
            diag, ER_LOCK_DEADLOCK,
            STR("The storage engine had to be restarted after an error and the transaction was rolled back; "
                "try restarting transaction"));
    }
    return 0;
}

int ddb_leave(struct ddb_session *s, int rc)
{
    struct ddb_instance *in = s->instance;
    pthread_rwlock_unlock(&in->gate);
    if (UNLIKELY(atomic_load(&in->checkpoint_due)) && atomic_exchange(&in->checkpoint_due, false)) {
        ddb_checkpoint(in);
    }
    if (UNLIKELY(atomic_load(&in->invalid))) {
        /* The error is reported already; a failure to reopen is met again, and reported, by the
         * next call. */
        struct diag diag;
        diag_init(&diag);
        (void)!ddb_reopen(in, &diag);
        diag_release(&diag);
    }
    return rc;
}

/* ---- Tables of callbacks ---- */

static const struct engine_ops duckdb_ops = {
    .name = "duckdb",
    .caps = ENGINE_TRANSACTIONS | ENGINE_QUERIES | ENGINE_COLUMN_CHUNKS |
            ENGINE_DDL_IN_TRANSACTION | ENGINE_PERSISTENT | ENGINE_SAVEPOINTS |
            ENGINE_DELETE_BY_VALUE,
    .query_dialect = QUERY_DIALECT_DUCKDB,
    .open = ddb_open,
    .close = ddb_close,
    .session_open = ddb_session_open,
    .session_close = ddb_session_close,
    .interrupt = ddb_session_interrupt,
    .begin = ddb_txn_begin,
    .commit = ddb_txn_commit,
    .rollback = ddb_txn_rollback,
    .txn_state = ddb_txn_state,
    .savepoint = ddb_txn_savepoint,
    .rollback_to = ddb_txn_rollback_to,
    .create_table = ddb_create_table,
    .drop_table = ddb_drop_table,
    .alter_table = ddb_alter_table,
    .meta_put = ddb_meta_put,
    .meta_scan = ddb_meta_scan,
    .set_variable = ddb_set_variable,
    .statistics = ddb_statistics,
};

static const struct engine_table_ops duckdb_table_ops = {
    .writer_open = ddb_writer_open,
    .writer_append = ddb_writer_append,
    .writer_close = ddb_writer_close,
    .insert_chunks = ddb_insert_chunks,
    .find_conflicts = ddb_find_conflicts,
    .delete_rows = ddb_delete_rows,
    .delete_keys = ddb_delete_keys,
    .delete_images = ddb_delete_images,
    .read_keys = ddb_read_keys,
    .truncate = ddb_truncate,
    .row_count = ddb_row_count,
    .max_value = ddb_max_value,
};

static const struct engine_query_ops duckdb_query_ops = {
    .open = ddb_query_open,
    .fetch = ddb_query_fetch,
    .close = ddb_query_close,
    .explain = ddb_query_explain,
    .progress = ddb_query_progress,
};

const struct engine_type duckdb_engine = {
    .ops = &duckdb_ops,
    .table_ops = &duckdb_table_ops,
    .query_ops = &duckdb_query_ops,
};
