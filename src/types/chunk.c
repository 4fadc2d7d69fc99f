/* Column chunks: reading values out of vectors, and the builder. */
#include "types/chunk.h"

#include <string.h>

#define VALIDITY_WORDS (CHUNK_ROWS / 64)

/* Copies at most VEC_STR_INLINE bytes, by pieces of fixed length, which may overlap. */
static inline void copy_inline(char *to, struct str s)
{
    if (s.len >= 8) {
        memcpy(to, s.p, 8);
        memcpy(to + s.len - 4, s.p + s.len - 4, 4);
    } else if (s.len >= 4) {
        memcpy(to, s.p, 4);
        memcpy(to + s.len - 4, s.p + s.len - 4, 4);
    } else if (s.len > 0) {
        to[0] = s.p[0];
        to[s.len / 2] = s.p[s.len / 2];
        to[s.len - 1] = s.p[s.len - 1];
    }
}

struct vec_str vec_str_from(struct str s)
{
    struct vec_str out = {.len = (uint32_t)s.len};
    if (s.len <= VEC_STR_INLINE) {
        copy_inline(out.inlined, s);
    } else {
        memcpy(out.out.prefix, s.p, sizeof(out.out.prefix));
        out.out.ptr = s.p;
    }
    return out;
}

__int128 vec_get_int(const struct vec *v, uint32_t row)
{
    switch (v->phys) {
    case VEC_I8:
        return ((const int8_t *)v->data)[row];
    case VEC_I16:
        return ((const int16_t *)v->data)[row];
    case VEC_I32:
        return ((const int32_t *)v->data)[row];
    case VEC_I64:
        return ((const int64_t *)v->data)[row];
    case VEC_I128: {
        __int128 i;
        memcpy(&i, (const char *)v->data + (size_t)row * sizeof(i), sizeof(i));
        return i;
    }
    case VEC_U8:
        return ((const uint8_t *)v->data)[row];
    case VEC_U16:
        return ((const uint16_t *)v->data)[row];
    case VEC_U32:
        return ((const uint32_t *)v->data)[row];
    case VEC_U64:
        return ((const uint64_t *)v->data)[row];
    case VEC_F32:
    case VEC_F64:
    case VEC_STR:
        break;
    }
    return 0;
}

static bool phys_is_unsigned(enum vec_phys phys)
{
    return phys == VEC_U8 || phys == VEC_U16 || phys == VEC_U32 || phys == VEC_U64;
}

static struct value integer_value(const struct vec *v, uint32_t row)
{
    __int128 i = vec_get_int(v, row);
    if (phys_is_unsigned(v->phys) || (v->phys == VEC_I128 && type_is_unsigned(v->type))) {
        return value_uint(i < 0 ? 0 : (uint64_t)MIN(i, (__int128)UINT64_MAX));
    }
    return value_int((int64_t)MAX(MIN(i, (__int128)INT64_MAX), (__int128)INT64_MIN));
}

static struct str get_str(const struct vec *v, uint32_t row)
{
    return vec_str_get((const struct vec_str *)v->data + row);
}

static void get_decimal(const struct vec *v, uint32_t row, struct value *out)
{
    out->kind = VALUE_DECIMAL;
    if (v->phys != VEC_STR) {
        out->dec = decimal_from_i128(vec_get_int(v, row), v->type->decimals);
    } else if (decimal_from_sortable(get_str(v, row), v->type->length, v->type->decimals,
                                     &out->dec) != 0) {
        *out = value_null();
    }
}

static void get_double(const struct vec *v, uint32_t row, struct value *out)
{
    *out = value_double(v->phys == VEC_F32 ? (double)((const float *)v->data)[row]
                                           : ((const double *)v->data)[row]);
}

static void get_temporal(const struct vec *v, uint32_t row, enum value_kind kind, struct value *out)
{
    int64_t packed = (int64_t)vec_get_int(v, row);
    out->kind = kind;
    out->decimals = kind == VALUE_DATE ? 0 : v->type->decimals;
    if (kind == VALUE_DATE) {
        temporal_unpack_date((int32_t)packed, &out->time);
    } else if (kind == VALUE_DATETIME) {
        temporal_unpack_datetime(packed, &out->time);
    } else {
        temporal_unpack_time(packed, &out->time);
    }
}

void vec_get(const struct vec *v, uint32_t row, struct value *out)
{
    *out = value_null();
    if (vec_is_null(v, row)) {
        return;
    }
    switch (type_class_of(v->type->type)) {
    case TYPE_CLASS_NULL:
        break;
    case TYPE_CLASS_INT:
        *out = integer_value(v, row);
        break;
    case TYPE_CLASS_BIT:
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        *out = value_uint((uint64_t)vec_get_int(v, row));
        break;
    case TYPE_CLASS_DECIMAL:
        get_decimal(v, row, out);
        break;
    case TYPE_CLASS_REAL:
        get_double(v, row, out);
        break;
    case TYPE_CLASS_DATE:
        get_temporal(v, row, VALUE_DATE, out);
        break;
    case TYPE_CLASS_DATETIME:
        get_temporal(v, row, VALUE_DATETIME, out);
        break;
    case TYPE_CLASS_TIME:
        get_temporal(v, row, VALUE_TIME, out);
        break;
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_OPAQUE:
        *out = value_string(get_str(v, row), v->type->collation);
        break;
    case TYPE_CLASS_JSON:
        *out = (struct value){
            .kind = VALUE_JSON, .collation = v->type->collation, .str = get_str(v, row)};
        break;
    }
}

/* The builder's own memory behind a vector's borrowed view of it; size: of its values. */
static void *vec_slot_of(const struct vec *v, uint32_t row, size_t size)
{
    return (char *)(uintptr_t)v->data + (size_t)row * size;
}

static void *vec_slot(const struct vec *v, uint32_t row)
{
    return vec_slot_of(v, row, vec_phys_size(v->phys));
}

static uint64_t *vec_validity(const struct vec *v)
{
    return (uint64_t *)(uintptr_t)v->validity;
}

void chunk_builder_init(struct chunk_builder *b, const struct sql_type *types, uint32_t ncols)
{
    *b = (struct chunk_builder){.ncols = ncols};
    arena_init(&b->arena, 0);
    arena_init(&b->strings, 0);
    b->cols = ARENA_ARRAY(&b->arena, struct vec, ncols);
    for (uint32_t i = 0; i < ncols; i++) {
        enum vec_phys phys = type_phys(&types[i]);
        b->cols[i] = (struct vec){
            .type = &types[i],
            .phys = phys,
            .data = arena_calloc(&b->arena, CHUNK_ROWS * vec_phys_size(phys)),
            .validity = ARENA_ARRAY(&b->arena, uint64_t, VALIDITY_WORDS),
        };
    }
}

void chunk_builder_release(struct chunk_builder *b)
{
    arena_release(&b->strings);
    arena_release(&b->arena);
    b->cols = NULL;
    b->ncols = 0;
    b->nrows = 0;
}

void chunk_builder_reset(struct chunk_builder *b)
{
    uint32_t rows = b->nrows;
    for (uint32_t i = 0; i < b->ncols; i++) {
        const struct vec *v = &b->cols[i];
        memset(vec_validity(v), 0, VALIDITY_WORDS * sizeof(uint64_t));
        if (v->phys == VEC_STR) {
            /* No NULL row may keep a pointer to bytes that are gone. */
            memset(vec_slot(v, 0), 0, rows * sizeof(struct vec_str));
        }
    }
    arena_recycle(&b->strings);
    b->nrows = 0;
}

uint32_t chunk_builder_add_row(struct chunk_builder *b)
{
    assert(b->nrows < CHUNK_ROWS);
    return b->nrows++;
}

void chunk_builder_drop_row(struct chunk_builder *b)
{
    assert(b->nrows > 0);
    uint32_t row = --b->nrows;
    for (uint32_t i = 0; i < b->ncols; i++) {
        bits_set(vec_validity(&b->cols[i]), row, false);
    }
}

static void mark_set(struct chunk_builder *b, uint32_t col)
{
    uint32_t row = b->nrows - 1;
    bits_set(vec_validity(&b->cols[col]), row, true);
}

void chunk_builder_set_str(struct chunk_builder *b, uint32_t col, struct str s)
{
    struct vec_str *slot = vec_slot_of(&b->cols[col], b->nrows - 1, sizeof(*slot));
    if (s.len > VEC_STR_INLINE) {
        s = str_from(memcpy(arena_alloc(&b->strings, s.len), s.p, s.len), s.len);
    }
    *slot = vec_str_from(s);
    mark_set(b, col);
}

void chunk_builder_set_i64(struct chunk_builder *b, uint32_t col, int64_t i)
{
    memcpy(vec_slot_of(&b->cols[col], b->nrows - 1, sizeof(i)), &i, sizeof(i));
    mark_set(b, col);
}

/* Writes the low bytes of i: all integer forms are little-endian two's complement. */
static void set_integer(struct chunk_builder *b, uint32_t col, __int128 i)
{
    const struct vec *v = &b->cols[col];
    memcpy(vec_slot(v, b->nrows - 1), &i, vec_phys_size(v->phys));
    mark_set(b, col);
}

void chunk_builder_set_int(struct chunk_builder *b, uint32_t col, int64_t i)
{
    const struct vec *v = &b->cols[col];
    switch (vec_phys_size(v->phys)) {
    case sizeof(int64_t):
        memcpy(vec_slot_of(v, b->nrows - 1, sizeof(int64_t)), &i, sizeof(int64_t));
        break;
    case sizeof(int32_t):
        memcpy(vec_slot_of(v, b->nrows - 1, sizeof(int32_t)), &i, sizeof(int32_t));
        break;
    case sizeof(int16_t):
        memcpy(vec_slot_of(v, b->nrows - 1, sizeof(int16_t)), &i, sizeof(int16_t));
        break;
    case sizeof(int8_t):
        memcpy(vec_slot_of(v, b->nrows - 1, sizeof(int8_t)), &i, sizeof(int8_t));
        break;
    default:
        set_integer(b, col, i);
        return;
    }
    mark_set(b, col);
}

static void set_double(struct chunk_builder *b, uint32_t col, double d)
{
    const struct vec *v = &b->cols[col];
    if (v->phys == VEC_F32) {
        float f = (float)d;
        memcpy(vec_slot(v, b->nrows - 1), &f, sizeof(f));
    } else {
        memcpy(vec_slot(v, b->nrows - 1), &d, sizeof(d));
    }
    mark_set(b, col);
}

static void set_decimal(struct chunk_builder *b, uint32_t col, const struct decimal *d)
{
    const struct vec *v = &b->cols[col];
    if (v->phys == VEC_STR) {
        char buf[40];
        size_t len = decimal_to_sortable(d, v->type->length, v->type->decimals, buf);
        chunk_builder_set_str(b, col, str_from(buf, len));
        return;
    }
    __int128 scaled;
    (void)!decimal_to_i128(d, v->type->decimals, &scaled);
    set_integer(b, col, scaled);
}

/* Which kinds of values a family of columns takes. */
static bool kind_fits(enum type_class class, enum value_kind kind)
{
    static const uint16_t kinds[] = {
        [TYPE_CLASS_NULL] = 0,
        [TYPE_CLASS_INT] = 1u << VALUE_INT | 1u << VALUE_UINT,
        [TYPE_CLASS_BIT] = 1u << VALUE_INT | 1u << VALUE_UINT,
        [TYPE_CLASS_DECIMAL] = 1u << VALUE_DECIMAL,
        [TYPE_CLASS_REAL] = 1u << VALUE_DOUBLE,
        [TYPE_CLASS_DATE] = 1u << VALUE_DATE,
        [TYPE_CLASS_DATETIME] = 1u << VALUE_DATETIME,
        [TYPE_CLASS_TIME] = 1u << VALUE_TIME,
        [TYPE_CLASS_STRING] = 1u << VALUE_STRING | 1u << VALUE_JSON,
        [TYPE_CLASS_ENUM] = 1u << VALUE_UINT,
        [TYPE_CLASS_SET] = 1u << VALUE_UINT,
        [TYPE_CLASS_JSON] = 1u << VALUE_JSON | 1u << VALUE_STRING,
        [TYPE_CLASS_OPAQUE] = 1u << VALUE_STRING,
    };
    return (kinds[class] >> kind & 1) != 0;
}

void chunk_builder_set(struct chunk_builder *b, uint32_t col, const struct value *v)
{
    if (v->kind == VALUE_NULL ||
        NEVER(!kind_fits(type_class_of(b->cols[col].type->type), v->kind))) {
        return;
    }
    switch (v->kind) {
    case VALUE_NULL:
        break;
    case VALUE_INT:
        set_integer(b, col, v->i);
        break;
    case VALUE_UINT:
        set_integer(b, col, v->u);
        break;
    case VALUE_DOUBLE:
        set_double(b, col, v->d);
        break;
    case VALUE_DECIMAL:
        set_decimal(b, col, &v->dec);
        break;
    case VALUE_STRING:
    case VALUE_JSON:
        chunk_builder_set_str(b, col, v->str);
        break;
    case VALUE_DATE:
        set_integer(b, col, temporal_pack_date(&v->time));
        break;
    case VALUE_DATETIME:
        set_integer(b, col, temporal_pack_datetime(&v->time));
        break;
    case VALUE_TIME:
        set_integer(b, col, temporal_pack_time(&v->time));
        break;
    }
}

struct chunk chunk_builder_chunk(const struct chunk_builder *b)
{
    return (struct chunk){.ncols = b->ncols, .nrows = b->nrows, .cols = b->cols};
}
