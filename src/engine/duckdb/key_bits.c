/*
 * Keys as bits: whether an integer is among many keys is one bit of a map over their range, which
 * costs a tenth of the probe of a hash table that DuckDB's join makes. pintail_has_key(k, id) looks
 * into the map of keys that are lent, on any thread of DuckDB's.
 */
#include "engine/duckdb/duckdb_int.h"

#include <stdlib.h>

enum {
    /* Few keys are found sooner by a join, which gives them to the scan as a list. */
    BITS_MIN_KEYS = 64,
};

/* 64 MiB of bits. */
#define BITS_MAX_RANGE (UINT64_C(1) << 29)

static bool is_bits_type(const struct sql_type *type)
{
    const enum vec_phys phys = type_phys(type);
    return type_class_of(type->type) == TYPE_CLASS_INT && phys != VEC_U64 && phys != VEC_I128;
}

/* The keys of a chunk as they are. */
static void read_keys(const struct chunk *chunk, int64_t *out)
{
    const struct vec *v = &chunk->cols[0];
    const bool is_signed =
        v->phys == VEC_I8 || v->phys == VEC_I16 || v->phys == VEC_I32 || v->phys == VEC_I64;
    const uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    ddb_fast_key_column(v, chunk->nrows, 1, (uint64_t *)out);
    for (uint32_t i = 0; i < chunk->nrows; i++) {
        out[i] = (int64_t)((uint64_t)out[i] ^ flip);
    }
}

static bool find_range(const struct ddb_keys *keys, uint32_t chunk_count, int64_t *out_first,
                       int64_t *out_last)
{
    int64_t buf[CHUNK_ROWS];
    *out_first = INT64_MAX;
    *out_last = INT64_MIN;
    for (uint32_t i = 0; i < chunk_count; i++) {
        read_keys(&keys->chunks[i], buf);
        for (uint32_t r = 0; r < keys->chunks[i].nrows; r++) {
            *out_first = MIN(*out_first, buf[r]);
            *out_last = MAX(*out_last, buf[r]);
        }
    }
    return *out_first <= *out_last && (uint64_t)*out_last - (uint64_t)*out_first < BITS_MAX_RANGE;
}

bool ddb_key_bits_make(struct ddb_keys *keys, uint32_t chunk_count, const struct sql_type *type)
{
    int64_t buf[CHUNK_ROWS];
    struct ddb_key_bits *b = &keys->bits;
    if (keys->nrows < BITS_MIN_KEYS || !is_bits_type(type) ||
        !find_range(keys, chunk_count, &b->first, &b->last)) {
        return false;
    }
    const uint64_t range = (uint64_t)b->last - (uint64_t)b->first;
    b->words = calloc(range / 64 + 1, sizeof(*b->words));
    for (uint32_t i = 0; i < chunk_count && b->words != NULL; i++) {
        read_keys(&keys->chunks[i], buf);
        for (uint32_t r = 0; r < keys->chunks[i].nrows; r++) {
            const uint64_t at = (uint64_t)buf[r] - (uint64_t)b->first;
            bits_set(b->words, at, true);
        }
    }
    return b->words != NULL;
}

void ddb_key_bits_release(struct ddb_keys *keys)
{
    free(keys->bits.words);
    keys->bits.words = NULL;
}

static void has_key(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct ddb_instance *in = duckdb_scalar_function_get_extra_info(info);
    const idx_t rows = duckdb_data_chunk_get_size(input);
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const int64_t *keys = duckdb_vector_get_data(vector);
    const uint64_t *valid = duckdb_vector_get_validity(vector);
    const uint64_t *ids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    bool *out = duckdb_vector_get_data(output);
    const struct ddb_keys *set = rows > 0 ? ddb_keys_find(in, ids[0]) : NULL;
    if (rows > 0 && (set == NULL || set->bits.words == NULL)) {
        duckdb_scalar_function_set_error(info, "pintail_has_key: no keys under this number");
        return;
    }
    for (idx_t i = 0; i < rows; i++) {
        const bool inside = keys[i] >= set->bits.first && keys[i] <= set->bits.last &&
                            (valid == NULL || bits_get(valid, i));
        const uint64_t at = inside ? (uint64_t)keys[i] - (uint64_t)set->bits.first : 0;
        out[i] = inside && bits_get(set->bits.words, at);
    }
}

int ddb_key_bits_register(struct ddb_instance *in, struct diag *diag)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type key = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_name(function, "pintail_has_key");
    duckdb_scalar_function_add_parameter(function, key);
    duckdb_scalar_function_add_parameter(function, id);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_scalar_function_set_extra_info(function, in, NULL);
    duckdb_scalar_function_set_function(function, has_key);
    const duckdb_state state = duckdb_register_scalar_function(in->aux, function);
    duckdb_destroy_scalar_function(&function);
    duckdb_destroy_logical_type(&key);
    duckdb_destroy_logical_type(&id);
    duckdb_destroy_logical_type(&result);
    return state == DuckDBSuccess ? 0
                                  : diag_set(diag, ER_INTERNAL_ERROR,
                                             "pintail_has_key cannot be registered with DuckDB");
}
