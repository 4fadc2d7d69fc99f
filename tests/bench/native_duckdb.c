/*
 * DuckDB itself, without a server: the yardstick for queries and loading.
 *
 *     native_duckdb FILE THREADS
 *
 * opens the database file and answers the commands of common.h. Statements are prepared and
 * executed with a streaming result, as Pintail does; the chunks are fetched and dropped.
 */

#include "common.h"
#include "duckdb.h"

#include <stdbool.h>
#include <string.h>

static int fail(char error[512], const char *message)
{
    snprintf(error, 512, "%s", message ? message : "unknown error");
    return -1;
}

static int fetch_all(duckdb_result *result, uint64_t *out_rows, char error[512])
{
    duckdb_data_chunk chunk;

    while ((chunk = duckdb_stream_fetch_chunk(*result)) != NULL) {
        *out_rows += duckdb_data_chunk_get_size(chunk);
        duckdb_destroy_data_chunk(&chunk);
    }
    /* A stream that failed ends like one that is complete. */
    const char *message = duckdb_result_error(result);

    return message && *message ? fail(error, message) : 0;
}

static int stream(duckdb_prepared_statement statement, uint64_t *out_rows, char error[512])
{
    duckdb_result result = {0};
    const bool ok = duckdb_execute_prepared_streaming(statement, &result) == DuckDBSuccess;
    const int status =
        ok ? fetch_all(&result, out_rows, error) : fail(error, duckdb_result_error(&result));

    duckdb_destroy_result(&result);
    return status;
}

/* A statement without rows of its own: those that it changed are counted. */
static int execute(duckdb_prepared_statement statement, uint64_t *out_rows, char error[512])
{
    duckdb_result result = {0};
    const bool ok = duckdb_execute_prepared(statement, &result) == DuckDBSuccess;
    const int status = ok ? 0 : fail(error, duckdb_result_error(&result));

    *out_rows = ok ? duckdb_rows_changed(&result) : 0;
    duckdb_destroy_result(&result);
    return status;
}

static int run_statement(void *connection, const char *sql, uint64_t *out_rows, char error[512])
{
    duckdb_prepared_statement statement = NULL;
    int status;

    if (duckdb_prepare(connection, sql, &statement) != DuckDBSuccess) {
        status = fail(error, duckdb_prepare_error(statement));
    } else if (duckdb_prepared_statement_type(statement) == DUCKDB_STATEMENT_TYPE_SELECT) {
        status = stream(statement, out_rows, error);
    } else {
        status = execute(statement, out_rows, error);
    }
    duckdb_destroy_prepare(&statement);
    return status;
}

int main(int argc, char **argv)
{
    duckdb_config config = NULL;
    duckdb_database database = NULL;
    duckdb_connection connection = NULL;
    char *error = NULL;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts(duckdb_library_version());
        return 0;
    }
    if (argc != 3) {
        die("usage: native_duckdb FILE THREADS");
    }
    if (duckdb_create_config(&config) != DuckDBSuccess ||
        duckdb_set_config(config, "threads", argv[2]) != DuckDBSuccess) {
        die("native_duckdb: cannot use %s threads", argv[2]);
    }
    if (duckdb_open_ext(argv[1], &database, config, &error) != DuckDBSuccess) {
        die("native_duckdb: %s", error);
    }
    duckdb_destroy_config(&config);
    if (duckdb_connect(database, &connection) != DuckDBSuccess) {
        die("native_duckdb: cannot connect");
    }
    serve_commands(run_statement, connection);
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return 0;
}
