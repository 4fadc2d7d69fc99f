/*
 * Private to the functions inside DuckDB.
 *
 * DuckDB hands a function flat vectors of up to 2048 rows, NULLs included, and does not make its
 * result NULL by itself: every function goes through its rows with struct udf_rows, which marks a
 * result NULL when an argument is.
 */
#ifndef ENGINE_DUCKDB_UDF_INT_H
#define ENGINE_DUCKDB_UDF_INT_H

#include "base/bits.h"
#include "base/str.h"

#include <duckdb.h>

#define UDF_MAX_ARGS 3

/* A function as it is registered. */
struct udf {
    const char *name;
    duckdb_scalar_function_t function;
    duckdb_type result;
    uint8_t result_scale; /* DUCKDB_TYPE_DECIMAL: DECIMAL(38, result_scale) */
    uint8_t arg_count;
    duckdb_type args[UDF_MAX_ARGS]; /* DUCKDB_TYPE_ANY for decimals of any width */
    const void *extra;              /* static; what duckdb_scalar_function_get_extra_info() gives */
};

NODISCARD int udf_add(duckdb_connection connection, const struct udf *f);

/* The groups of functions. */
NODISCARD int udf_register_collations(duckdb_connection connection);
NODISCARD int udf_register_decimals(duckdb_connection connection);
NODISCARD int udf_register_strings(duckdb_connection connection);
NODISCARD int udf_register_math(duckdb_connection connection);
NODISCARD int udf_register_dates(duckdb_connection connection);

/* The rows of one call. */
struct udf_rows {
    idx_t count;
    idx_t arg_count;
    void *args[UDF_MAX_ARGS];
    uint64_t *valid[UDF_MAX_ARGS];
    duckdb_vector vectors[UDF_MAX_ARGS];
    duckdb_vector output;
    void *out;
    uint64_t *out_valid; /* made at the first NULL */
};

void udf_begin(struct udf_rows *r, duckdb_data_chunk input, duckdb_vector output);

/* Marks the result of a row NULL. */
void udf_set_null(struct udf_rows *r, idx_t row);

/* Are all arguments of a row there? If not, its result is marked NULL. */
static inline bool udf_row(struct udf_rows *r, idx_t row)
{
    for (idx_t i = 0; i < r->arg_count; i++) {
        if (r->valid[i] != NULL && !bits_get(r->valid[i], row)) {
            udf_set_null(r, row);
            return false;
        }
    }
    return true;
}

/*
 * Moves *row on to the next row whose arguments are all there; the results of those passed over are
 * marked NULL. False behind the last. For loops: for (idx_t i = 0; udf_next(&r, &i); i++)
 */
static inline bool udf_next(struct udf_rows *r, idx_t *row)
{
    while (*row < r->count && !udf_row(r, *row)) {
        (*row)++;
    }
    return *row < r->count;
}

static inline struct str udf_str(const void *vector, idx_t row)
{
    const duckdb_string_t *s = &((const duckdb_string_t *)vector)[row];
    const uint32_t len = s->value.inlined.length;
    return str_from(len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, len);
}

static inline void udf_set_str(struct udf_rows *r, idx_t row, const char *p, size_t len)
{
    if (len <= 12) {
        duckdb_string_t *s = &((duckdb_string_t *)r->out)[row];
        *s = (duckdb_string_t){0};
        s->value.inlined.length = (uint32_t)len;
        memcpy(s->value.inlined.inlined, p, len);
        return;
    }
    duckdb_vector_assign_string_element_len(r->output, row, p, len);
}

/* A vector of DECIMAL of any width, or of integers. */
struct udf_decimals {
    const void *data;
    duckdb_type type; /* TINYINT … HUGEINT: how the scaled integers are laid out */
    unsigned scale;
};

struct udf_decimals udf_decimals(const struct udf_rows *r, idx_t arg);

static inline __int128 udf_decimal(const struct udf_decimals *d, idx_t row)
{
    switch (d->type) {
    case DUCKDB_TYPE_TINYINT:
        return ((const int8_t *)d->data)[row];
    case DUCKDB_TYPE_SMALLINT:
        return ((const int16_t *)d->data)[row];
    case DUCKDB_TYPE_INTEGER:
        return ((const int32_t *)d->data)[row];
    case DUCKDB_TYPE_BIGINT:
        return ((const int64_t *)d->data)[row];
    case DUCKDB_TYPE_UTINYINT:
        return ((const uint8_t *)d->data)[row];
    case DUCKDB_TYPE_USMALLINT:
        return ((const uint16_t *)d->data)[row];
    case DUCKDB_TYPE_UINTEGER:
        return ((const uint32_t *)d->data)[row];
    case DUCKDB_TYPE_UBIGINT:
        return ((const uint64_t *)d->data)[row];
    default: {
        const duckdb_hugeint *h = &((const duckdb_hugeint *)d->data)[row];
        return (__int128)(((unsigned __int128)h->upper << 64) | h->lower);
    }
    }
}

static inline void udf_set_i128(struct udf_rows *r, idx_t row, __int128 v)
{
    duckdb_hugeint *h = &((duckdb_hugeint *)r->out)[row];
    h->upper = (int64_t)(v >> 64);
    h->lower = (uint64_t)v;
}

/* Makes the statement fail with MySQL's 1690, which the engine recognises by the number in the
 * text. */
void udf_out_of_range(duckdb_function_info info, const char *what);

#endif
