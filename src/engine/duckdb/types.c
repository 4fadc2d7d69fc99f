/*
 * Types: how a MySQL column is kept in DuckDB, and how DuckDB's result columns lie in vectors. The
 * forms agree with type_phys(), so that chunks pass in both directions without a conversion.
 */
#include "engine/duckdb/duckdb_int.h"

_Static_assert(sizeof(struct vec_str) == sizeof(duckdb_string_t),
               "strings of vectors are DuckDB's");
_Static_assert(offsetof(struct vec_str, out.ptr) == offsetof(duckdb_string_t, value.pointer.ptr),
               "the pointer lies where DuckDB's does");
_Static_assert(sizeof(duckdb_hugeint) == 16, "I128 is DuckDB's HUGEINT");

/* The storage of types that have one DuckDB type for each physical form. */
static const duckdb_type type_of_phys[] = {
    [VEC_I8] = DUCKDB_TYPE_TINYINT,    [VEC_I16] = DUCKDB_TYPE_SMALLINT,
    [VEC_I32] = DUCKDB_TYPE_INTEGER,   [VEC_I64] = DUCKDB_TYPE_BIGINT,
    [VEC_I128] = DUCKDB_TYPE_HUGEINT,  [VEC_U8] = DUCKDB_TYPE_UTINYINT,
    [VEC_U16] = DUCKDB_TYPE_USMALLINT, [VEC_U32] = DUCKDB_TYPE_UINTEGER,
    [VEC_U64] = DUCKDB_TYPE_UBIGINT,   [VEC_F32] = DUCKDB_TYPE_FLOAT,
    [VEC_F64] = DUCKDB_TYPE_DOUBLE,    [VEC_STR] = DUCKDB_TYPE_BLOB,
};

static const char *const name_of_type[] = {
    [DUCKDB_TYPE_TINYINT] = "TINYINT",     [DUCKDB_TYPE_SMALLINT] = "SMALLINT",
    [DUCKDB_TYPE_INTEGER] = "INTEGER",     [DUCKDB_TYPE_BIGINT] = "BIGINT",
    [DUCKDB_TYPE_HUGEINT] = "HUGEINT",     [DUCKDB_TYPE_UTINYINT] = "UTINYINT",
    [DUCKDB_TYPE_USMALLINT] = "USMALLINT", [DUCKDB_TYPE_UINTEGER] = "UINTEGER",
    [DUCKDB_TYPE_UBIGINT] = "UBIGINT",     [DUCKDB_TYPE_FLOAT] = "FLOAT",
    [DUCKDB_TYPE_DOUBLE] = "DOUBLE",       [DUCKDB_TYPE_BLOB] = "BLOB",
    [DUCKDB_TYPE_VARCHAR] = "VARCHAR",     [DUCKDB_TYPE_DATE] = "DATE",
    [DUCKDB_TYPE_TIMESTAMP] = "TIMESTAMP",
};

static bool is_native_decimal(const struct sql_type *type)
{
    return type_class_of(type->type) == TYPE_CLASS_DECIMAL && type->length <= DECIMAL_MAX_NATIVE;
}

bool ddb_type_is_text(const struct sql_type *type)
{
    const enum type_class class = type_class_of(type->type);
    return class == TYPE_CLASS_JSON || (class == TYPE_CLASS_STRING && !type_is_binary_string(type));
}

/* The DuckDB type of a column that is no DECIMAL(p <= 38). */
static duckdb_type plain_type(const struct sql_type *type)
{
    switch (type_class_of(type->type)) {
    case TYPE_CLASS_DATE:
        return DUCKDB_TYPE_DATE;
    case TYPE_CLASS_DATETIME:
        return DUCKDB_TYPE_TIMESTAMP;
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_JSON:
        return ddb_type_is_text(type) ? DUCKDB_TYPE_VARCHAR : DUCKDB_TYPE_BLOB;
    default:
        return type_of_phys[type_phys(type)];
    }
}

void ddb_type_name(const struct sql_type *type, struct bytebuf *out)
{
    if (is_native_decimal(type)) {
        bytebuf_printf(out, "DECIMAL(%u,%u)", type->length, type->decimals);
    } else {
        bytebuf_put_cstr(out, name_of_type[plain_type(type)]);
    }
}

duckdb_logical_type ddb_type_new(const struct sql_type *type)
{
    return is_native_decimal(type)
               ? duckdb_create_decimal_type((uint8_t)type->length, type->decimals)
               : duckdb_create_logical_type(plain_type(type));
}

/* The form of a type that a DECIMAL is stored in. */
static int phys_of_internal(duckdb_type internal, enum vec_phys *out)
{
    switch (internal) {
    case DUCKDB_TYPE_SMALLINT:
        *out = VEC_I16;
        return 0;
    case DUCKDB_TYPE_INTEGER:
        *out = VEC_I32;
        return 0;
    case DUCKDB_TYPE_BIGINT:
        *out = VEC_I64;
        return 0;
    default:
        *out = VEC_I128;
        return 0;
    }
}

int ddb_phys_of(duckdb_logical_type type, enum vec_phys *out)
{
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
        *out = VEC_I8;
        return 0;
    case DUCKDB_TYPE_SMALLINT:
        *out = VEC_I16;
        return 0;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_SQLNULL: /* All rows are NULL; the data is an INTEGER vector. */
        *out = VEC_I32;
        return 0;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
        *out = VEC_I64;
        return 0;
    case DUCKDB_TYPE_HUGEINT:
        *out = VEC_I128;
        return 0;
    case DUCKDB_TYPE_UTINYINT:
        *out = VEC_U8;
        return 0;
    case DUCKDB_TYPE_USMALLINT:
        *out = VEC_U16;
        return 0;
    case DUCKDB_TYPE_UINTEGER:
        *out = VEC_U32;
        return 0;
    case DUCKDB_TYPE_UBIGINT:
        *out = VEC_U64;
        return 0;
    case DUCKDB_TYPE_FLOAT:
        *out = VEC_F32;
        return 0;
    case DUCKDB_TYPE_DOUBLE:
        *out = VEC_F64;
        return 0;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
        *out = VEC_STR;
        return 0;
    case DUCKDB_TYPE_DECIMAL:
        return phys_of_internal(duckdb_decimal_internal_type(type), out);
    default:
        return -1;
    }
}
