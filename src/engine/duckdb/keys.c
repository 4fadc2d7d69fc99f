/*
 * Keys: the form in which integer keys are compared without DuckDB, the largest key of a table, and
 * the table function by which a statement reads keys or rowids out of our memory.
 */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Fast keys ---- */

bool ddb_index_is_unique(const struct index_def *index)
{
    return index->kind == INDEX_DEF_PRIMARY || index->kind == INDEX_DEF_UNIQUE;
}

bool ddb_index_has_fast_key(const struct table_def *t, const struct index_def *index)
{
    if (index->column_count > DDB_FAST_KEY_COLUMNS) {
        return false;
    }
    for (uint32_t i = 0; i < index->column_count; i++) {
        switch (type_phys(&t->columns[index->columns[i].column].type)) {
        case VEC_I128:
        case VEC_F32:
        case VEC_F64:
        case VEC_STR:
            return false;
        default:
            break;
        }
    }
    return true;
}

/* clang-format off */
#define FAST_SIGNED(type_)                                                                         \
    for (uint32_t i = 0; i < rows; i++) {                                                          \
        out[(size_t)i * stride] = (uint64_t)((const type_ *)vec->data)[i] ^ (UINT64_C(1) << 63);   \
    }                                                                                              \
    break
#define FAST_UNSIGNED(type_)                                                                       \
    for (uint32_t i = 0; i < rows; i++) {                                                          \
        out[(size_t)i * stride] = ((const type_ *)vec->data)[i];                                   \
    }                                                                                              \
    break
/* clang-format on */

void ddb_fast_key_column(const struct vec *vec, uint32_t rows, size_t stride, uint64_t *out)
{
    switch (vec->phys) {
    case VEC_I8:
        FAST_SIGNED(int8_t);
    case VEC_I16:
        FAST_SIGNED(int16_t);
    case VEC_I32:
        FAST_SIGNED(int32_t);
    case VEC_I64:
        FAST_SIGNED(int64_t);
    case VEC_U8:
        FAST_UNSIGNED(uint8_t);
    case VEC_U16:
        FAST_UNSIGNED(uint16_t);
    case VEC_U32:
        FAST_UNSIGNED(uint32_t);
    case VEC_U64:
        FAST_UNSIGNED(uint64_t);
    default:
        assert(false && "a fast key has integer parts");
    }
}

/* ---- The largest key ---- */

/* Reads the one row of integers that `sql` gives, in order-preserving form. */
static int read_key(duckdb_result *result, uint32_t parts, struct ddb_key_max *out)
{
    duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
    out->empty = chunk == NULL || duckdb_data_chunk_get_size(chunk) == 0;
    for (uint32_t i = 0; i < parts && !out->empty; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
        duckdb_logical_type type = duckdb_vector_get_column_type(vector);
        struct vec vec = {.data = duckdb_vector_get_data(vector)};
        const int rc = ddb_phys_of(type, &vec.phys);
        duckdb_destroy_logical_type(&type);
        if (rc != 0) {
            duckdb_destroy_data_chunk(&chunk);
            return -1;
        }
        ddb_fast_key_column(&vec, 1, 1, &out->parts[i]);
    }
    if (chunk != NULL) {
        duckdb_destroy_data_chunk(&chunk);
    }
    return 0;
}

static void put_max_query(const struct table_def *t, const struct index_def *index,
                          struct bytebuf *sql)
{
    bytebuf_put_cstr(sql, "SELECT ");
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytebuf_printf(sql, "%sc%u", i ? ", " : "", t->columns[index->columns[i].column].id);
    }
    bytebuf_printf(sql, " FROM t%" PRIu64 " WHERE ", t->id);
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytebuf_printf(sql, "%sc%u IS NOT NULL", i ? " AND " : "",
                       t->columns[index->columns[i].column].id);
    }
    bytebuf_put_cstr(sql, " ORDER BY ");
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytebuf_printf(sql, "%sc%u DESC", i ? ", " : "", t->columns[index->columns[i].column].id);
    }
    bytebuf_put_cstr(sql, " LIMIT 1");
}

/*
 * Asks DuckDB: on the session's connection, or, when its snapshot misses what others have
 * committed, on the auxiliary one. (The transaction's own rows are counted in already then: it
 * learns a largest key before it writes its first.)
 */
static int query_max(struct ddb_session *s, const struct table_def *t,
                     const struct index_def *index, struct diag *diag, struct ddb_key_max *out)
{
    struct ddb_instance *in = s->instance;
    const bool aux = ddb_snapshot_is_stale(s, t->id);
    struct bytebuf sql;
    duckdb_result result;
    bytebuf_init(&sql, DDB_SQL_MAX);
    put_max_query(t, index, &sql);
    if (aux) {
        bytebuf_put_char(&sql, '\0');
        pthread_mutex_lock(&in->aux_lock);
    }
    int rc = 0;
    if (!aux) {
        rc = ddb_query_buf(s, &sql, t->name, diag, &result);
    } else if (duckdb_query(in->aux, sql.p, &result) != DuckDBSuccess) {
        rc = duckdb_diag(diag, duckdb_result_error_type(&result), duckdb_result_error(&result),
                         t->name);
        duckdb_destroy_result(&result);
    }
    if (rc == 0) {
        rc = read_key(&result, index->column_count, out);
        duckdb_destroy_result(&result);
    }
    if (aux) {
        pthread_mutex_unlock(&in->aux_lock);
    }
    bytebuf_release(&sql);
    return rc;
}

static struct ddb_key_max *find_max(struct ddb_table *table, uint32_t index_id)
{
    for (uint32_t i = 0; i < table->max_count; i++) {
        if (table->maxima[i].index_id == index_id) {
            return &table->maxima[i];
        }
    }
    return NULL;
}

int ddb_key_max_get(struct ddb_session *s, const struct table_def *t, const struct index_def *index,
                    struct diag *diag, struct ddb_key_max *out)
{
    struct ddb_key_max *max = find_max(ddb_table_get(s->instance, t->id), index->id);
    if (max != NULL && max->known) {
        *out = *max;
        return 0;
    }
    *out = (struct ddb_key_max){.index_id = index->id};
    if (query_max(s, t, index, diag, out) != 0) {
        return -1;
    }
    out->known = true;
    return 0;
}

void ddb_key_max_put(struct ddb_instance *in, uint64_t table_id, const struct ddb_key_max *max)
{
    struct ddb_table *table = ddb_table_get(in, table_id);
    struct ddb_key_max *at = find_max(table, max->index_id);
    if (at == NULL) {
        struct ddb_key_max *grown = realloc(table->maxima, (table->max_count + 1) * sizeof(*grown));
        if (grown == NULL) {
            return; /* It is asked for again the next time. */
        }
        table->maxima = grown;
        at = &grown[table->max_count++];
    }
    *at = *max;
}

/* ---- Lending keys to a statement ---- */

struct ddb_keys ddb_keys_of_values(const struct table_def *t, const struct engine_values *v,
                                   struct arena *arena)
{
    struct ddb_keys keys = {.ncols = v->column_count, .chunks = v->chunks};
    keys.cols = ARENA_ARRAY(arena, struct ddb_key_column, v->column_count);
    for (uint32_t i = 0; i < v->column_count; i++) {
        keys.cols[i].type = ddb_type_new(&t->columns[v->columns[i]].type);
    }
    for (uint32_t i = 0; i < v->chunk_count; i++) {
        keys.nrows += v->chunks[i].nrows;
    }
    return keys;
}

void ddb_keys_lend(struct ddb_instance *in, struct ddb_keys *keys)
{
    pthread_mutex_lock(&in->lock);
    keys->id = ++in->next_key_set;
    rlist_push(&in->key_sets, &keys->link);
    pthread_mutex_unlock(&in->lock);
}

void ddb_keys_take_back(struct ddb_instance *in, struct ddb_keys *keys)
{
    pthread_mutex_lock(&in->lock);
    rlist_del(&keys->link);
    pthread_mutex_unlock(&in->lock);
    for (uint32_t i = 0; i < keys->ncols; i++) {
        duckdb_destroy_logical_type(&keys->cols[i].type);
    }
}

const struct ddb_keys *ddb_keys_find(struct ddb_instance *in, uint64_t id)
{
    const struct ddb_keys *found = NULL;
    pthread_mutex_lock(&in->lock);
    rlist_foreach (it, &in->key_sets) {
        const struct ddb_keys *keys = RLIST_ENTRY(it, struct ddb_keys, link);
        if (keys->id == id) {
            found = keys;
            break;
        }
    }
    pthread_mutex_unlock(&in->lock);
    return found;
}

void ddb_keys_put_columns(const struct ddb_keys *keys, duckdb_bind_info info)
{
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_UINTEGER);
    duckdb_bind_add_result_column(info, "r", number);
    duckdb_destroy_logical_type(&number);
    for (uint32_t i = 0; keys != NULL && i < keys->ncols; i++) {
        char name[16];
        snprintf(name, sizeof(name), "k%u", i);
        duckdb_bind_add_result_column(info, name, keys->cols[i].type);
    }
}

static void keys_bind(duckdb_bind_info info)
{
    struct ddb_instance *in = duckdb_bind_get_extra_info(info);
    duckdb_value id = duckdb_bind_get_parameter(info, 0);
    const struct ddb_keys *keys = ddb_keys_find(in, duckdb_get_uint64(id));
    duckdb_destroy_value(&id);
    if (keys == NULL) {
        duckdb_bind_set_error(info, "pintail_keys: nothing is lent under this number");
        return;
    }
    ddb_keys_put_columns(keys, info);
    duckdb_bind_set_cardinality(info, keys->nrows, true);
    duckdb_bind_set_bind_data(info, (void *)(uintptr_t)keys, NULL);
}

/* How far a scan has come. */
struct keys_position {
    uint32_t row;
    uint32_t chunk;
};

static void keys_init(duckdb_init_info info)
{
    struct keys_position *position = calloc(1, sizeof(*position));
    if (position == NULL) {
        duckdb_init_set_error(info, "out of memory");
        return;
    }
    duckdb_init_set_max_threads(info, 1);
    duckdb_init_set_init_data(info, position, free);
}

/* One chunk a call; an empty one would be the end. */
static void scan_chunk(const struct ddb_keys *keys, struct keys_position *at, duckdb_data_chunk out)
{
    if (at->row == keys->nrows) {
        duckdb_data_chunk_set_size(out, 0);
        return;
    }
    const struct chunk *chunk = &keys->chunks[at->chunk++];
    while (chunk->nrows == 0) {
        chunk = &keys->chunks[at->chunk++];
    }
    uint32_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(out, 0));
    for (uint32_t i = 0; i < chunk->nrows; i++) {
        numbers[i] = at->row + i;
    }
    for (uint32_t i = 0; i < keys->ncols; i++) {
        ddb_fill_vector(&chunk->cols[i], chunk->nrows, duckdb_data_chunk_get_vector(out, i + 1));
    }
    duckdb_data_chunk_set_size(out, chunk->nrows);
    at->row += chunk->nrows;
}

static void keys_scan(duckdb_function_info info, duckdb_data_chunk out)
{
    const struct ddb_keys *keys = duckdb_function_get_bind_data(info);
    struct keys_position *at = duckdb_function_get_init_data(info);
    if (keys->chunks != NULL) {
        scan_chunk(keys, at, out);
        return;
    }
    const uint32_t from = at->row;
    const uint32_t rows = MIN(keys->nrows - from, (uint32_t)duckdb_vector_size());
    uint32_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(out, 0));
    for (uint32_t i = 0; i < rows; i++) {
        numbers[i] = from + i;
    }
    for (uint32_t i = 0; i < keys->ncols; i++) {
        const struct ddb_key_column *column = &keys->cols[i];
        memcpy(duckdb_vector_get_data(duckdb_data_chunk_get_vector(out, i + 1)),
               (const char *)column->data + from * column->size, rows * column->size);
    }
    duckdb_data_chunk_set_size(out, rows);
    at->row = from + rows;
}

int ddb_keys_register(struct ddb_instance *in, struct diag *diag)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    duckdb_table_function_set_name(function, "pintail_keys");
    duckdb_table_function_add_parameter(function, number);
    duckdb_table_function_set_extra_info(function, in, NULL);
    duckdb_table_function_set_bind(function, keys_bind);
    duckdb_table_function_set_init(function, keys_init);
    duckdb_table_function_set_function(function, keys_scan);
    const duckdb_state state = duckdb_register_table_function(in->aux, function);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess
               ? 0
               : diag_set(diag, ER_INTERNAL_ERROR, "pintail_keys cannot be registered with DuckDB");
}
