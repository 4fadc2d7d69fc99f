/* Registering functions with DuckDB, and what they share: see udf_int.h. */
#include "engine/duckdb/udf.h"

#include "engine/duckdb/udf_int.h"

#include <stdio.h>

static duckdb_logical_type result_type(const struct udf *f)
{
    return f->result == DUCKDB_TYPE_DECIMAL ? duckdb_create_decimal_type(38, f->result_scale)
                                            : duckdb_create_logical_type(f->result);
}

int udf_add(duckdb_connection connection, const struct udf *f)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, f->name);
    for (unsigned i = 0; i < f->arg_count; i++) {
        duckdb_logical_type type = duckdb_create_logical_type(f->args[i]);
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type type = result_type(f);
    duckdb_scalar_function_set_return_type(function, type);
    duckdb_destroy_logical_type(&type);
    duckdb_scalar_function_set_function(function, f->function);
    /* The extra information is static: DuckDB only passes it back. */
    duckdb_scalar_function_set_extra_info(function, (void *)(uintptr_t)f->extra, NULL);
    const duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess ? 0 : -1;
}

void udf_begin(struct udf_rows *r, duckdb_data_chunk input, duckdb_vector output)
{
    *r = (struct udf_rows){.count = duckdb_data_chunk_get_size(input),
                           .arg_count = duckdb_data_chunk_get_column_count(input),
                           .output = output,
                           .out = duckdb_vector_get_data(output)};
    for (idx_t i = 0; i < r->arg_count && i < UDF_MAX_ARGS; i++) {
        r->vectors[i] = duckdb_data_chunk_get_vector(input, i);
        r->args[i] = duckdb_vector_get_data(r->vectors[i]);
        r->valid[i] = duckdb_vector_get_validity(r->vectors[i]);
    }
}

void udf_set_null(struct udf_rows *r, idx_t row)
{
    if (r->out_valid == NULL) {
        duckdb_vector_ensure_validity_writable(r->output);
        r->out_valid = duckdb_vector_get_validity(r->output);
    }
    bits_set(r->out_valid, row, false);
}

struct udf_decimals udf_decimals(const struct udf_rows *r, idx_t arg)
{
    struct udf_decimals d = {.data = r->args[arg]};
    duckdb_logical_type type = duckdb_vector_get_column_type(r->vectors[arg]);
    d.type = duckdb_get_type_id(type);
    if (d.type == DUCKDB_TYPE_DECIMAL) {
        d.scale = duckdb_decimal_scale(type);
        d.type = duckdb_decimal_internal_type(type);
    }
    duckdb_destroy_logical_type(&type);
    return d;
}

void udf_out_of_range(duckdb_function_info info, const char *what)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "1690 %s value is out of range", what);
    duckdb_scalar_function_set_error(info, text);
}

int duckdb_udf_register(duckdb_connection connection, struct diag *diag)
{
    if (udf_register_collations(connection) != 0 || udf_register_decimals(connection) != 0 ||
        udf_register_strings(connection) != 0 || udf_register_math(connection) != 0 ||
        udf_register_dates(connection) != 0) {
        return diag_set(diag, ER_INTERNAL_ERROR, "registering functions with DuckDB failed");
    }
    return 0;
}
