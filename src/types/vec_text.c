/* Text of vector elements: one small function a form, chosen once a column. */
#include "types/vec_text.h"

#include "types/convert.h"

#include <string.h>

/* One function for each integer form, so that the load is all there is before formatting. */
#define INTEGER_TEXT(name, ctype, format)                                                          \
    static struct str name(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)       \
    {                                                                                              \
        (void)c;                                                                                   \
        return str_from(buf, format(((const ctype *)v->data)[row], buf));                          \
    }

INTEGER_TEXT(text_i8, int8_t, format_i64)
INTEGER_TEXT(text_i16, int16_t, format_i64)
INTEGER_TEXT(text_i32, int32_t, format_i64)
INTEGER_TEXT(text_i64, int64_t, format_i64)
INTEGER_TEXT(text_u8, uint8_t, format_u64)
INTEGER_TEXT(text_u16, uint16_t, format_u64)
INTEGER_TEXT(text_u32, uint32_t, format_u64)
INTEGER_TEXT(text_u64, uint64_t, format_u64)

static __int128 load_i128(const struct vec *v, uint32_t row)
{
    __int128 i;
    memcpy(&i, (const char *)v->data + (size_t)row * sizeof(i), sizeof(i));
    return i;
}

static struct str text_scaled_i16(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    return str_from(buf, format_scaled_i64(((const int16_t *)v->data)[row], c->type.decimals, buf));
}

static struct str text_scaled_i32(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    return str_from(buf, format_scaled_i64(((const int32_t *)v->data)[row], c->type.decimals, buf));
}

static struct str text_scaled_i64(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    return str_from(buf, format_scaled_i64(((const int64_t *)v->data)[row], c->type.decimals, buf));
}

/* Also integers that a column engine sums in 128 bits: their scale is 0. */
static struct str text_scaled_i128(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    unsigned scale = type_class_of(c->type.type) == TYPE_CLASS_DECIMAL ? c->type.decimals : 0;
    return str_from(buf, format_scaled_i128(load_i128(v, row), scale, buf));
}

static struct str text_str(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    (void)c;
    (void)buf;
    return vec_str_get((const struct vec_str *)v->data + row);
}

static struct str text_sortable_decimal(struct vec_text *c, const struct vec *v, uint32_t row,
                                        char *buf)
{
    struct decimal d;
    struct str s = vec_str_get((const struct vec_str *)v->data + row);
    (void)!decimal_from_sortable(s, c->type.length, c->type.decimals, &d);
    return str_from(buf, decimal_format(&d, buf));
}

static struct str text_f32(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    return str_from(buf, format_float(((const float *)v->data)[row], c->type.decimals, buf));
}

static struct str text_f64(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    double d = ((const double *)v->data)[row];
    return str_from(buf, c->type.type == MYSQL_TYPE_FLOAT
                             ? format_float((float)d, c->type.decimals, buf)
                             : format_double(d, c->type.decimals, buf));
}

static struct str text_date(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    (void)c;
    struct mtime t;
    temporal_unpack_date(((const int32_t *)v->data)[row], &t);
    return str_from(buf, date_format(&t, buf));
}

static struct str text_datetime(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    struct mtime t;
    temporal_unpack_datetime(((const int64_t *)v->data)[row], &t);
    return str_from(buf, datetime_format(&t, c->type.decimals, buf));
}

/* The zero TIMESTAMP is no moment: it shows as it is in every zone. */
static struct str text_timestamp(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    int64_t utc = ((const int64_t *)v->data)[row];
    struct mtime t;
    if (utc < c->offset_from_us || utc >= c->offset_until_us) {
        c->offset_us = INT64_C(1000000) *
                       timezone_offset_at(c->tz, utc, &c->offset_from_us, &c->offset_until_us);
    }
    temporal_unpack_datetime(utc, &t);
    if (t.month != 0) {
        temporal_unpack_datetime(utc + c->offset_us, &t);
    }
    return str_from(buf, datetime_format(&t, c->type.decimals, buf));
}

static struct str text_time(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    struct mtime t;
    temporal_unpack_time(((const int64_t *)v->data)[row], &t);
    return str_from(buf, time_format(&t, c->type.decimals, buf));
}

/* BIT(n) is its bytes, high byte first. */
static struct str text_bit(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    uint64_t bits = ((const uint64_t *)v->data)[row];
    size_t len = MIN((c->type.length + 7) / 8, 8);
    for (size_t i = 0; i < len; i++) {
        buf[i] = (char)(uint8_t)(bits >> (8 * (len - 1 - i)));
    }
    return str_from(buf, len);
}

static struct str text_enum(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    (void)buf;
    uint32_t index =
        c->phys == VEC_U8 ? ((const uint8_t *)v->data)[row] : ((const uint16_t *)v->data)[row];
    return index >= 1 && index <= c->type.labels->count ? c->type.labels->names[index - 1]
                                                        : STR("");
}

static struct str text_set(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    (void)buf;
    uint64_t bits = ((const uint64_t *)v->data)[row];
    char *p = c->scratch;
    for (uint32_t i = 0; i < c->type.labels->count; i++) {
        if (bits >> i & 1) {
            struct str name = c->type.labels->names[i];
            if (p > c->scratch) {
                *p++ = ',';
            }
            memcpy(p, name.p, name.len);
            p += name.len;
        }
    }
    return str_from(c->scratch, (size_t)(p - c->scratch));
}

static struct str text_null(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    (void)c;
    (void)v;
    (void)row;
    return str_from(buf, 0);
}

/* ZEROFILL, which columns of YEAR have too: the plain text of the number with zeros in front. */
static struct str text_padded(struct vec_text *c, const struct vec *v, uint32_t row, char *buf)
{
    char digits[VEC_TEXT_MAX];
    struct str s = c->plain(c, v, row, digits);
    size_t zeros = c->width > s.len ? c->width - s.len : 0;
    memset(buf, '0', zeros);
    memcpy(buf + zeros, s.p, s.len);
    return str_from(buf, zeros + s.len);
}

/* By the form alone: integers, reals, strings. */
static vec_text_fn *const form_texts[] = {
    [VEC_I8] = text_i8,   [VEC_I16] = text_i16, [VEC_I32] = text_i32, [VEC_I64] = text_i64,
    [VEC_U8] = text_u8,   [VEC_U16] = text_u16, [VEC_U32] = text_u32, [VEC_U64] = text_u64,
    [VEC_F32] = text_f32, [VEC_F64] = text_f64, [VEC_STR] = text_str, [VEC_I128] = text_scaled_i128,
};

static vec_text_fn *decimal_text(enum vec_phys phys)
{
    switch (phys) {
    case VEC_I16:
        return text_scaled_i16;
    case VEC_I32:
        return text_scaled_i32;
    case VEC_I64:
        return text_scaled_i64;
    case VEC_STR:
        return text_sortable_decimal;
    default:
        return form_texts[phys];
    }
}

static vec_text_fn *plain_text(const struct sql_type *type, enum vec_phys phys, bool has_zone)
{
    switch (type_class_of(type->type)) {
    case TYPE_CLASS_NULL:
        return text_null;
    case TYPE_CLASS_DECIMAL:
        return decimal_text(phys);
    case TYPE_CLASS_BIT:
        return text_bit;
    case TYPE_CLASS_DATE:
        return text_date;
    case TYPE_CLASS_DATETIME:
        return type->type == MYSQL_TYPE_TIMESTAMP && has_zone ? text_timestamp : text_datetime;
    case TYPE_CLASS_TIME:
        return text_time;
    case TYPE_CLASS_ENUM:
        return type->labels != NULL ? text_enum : form_texts[phys];
    case TYPE_CLASS_SET:
        return type->labels != NULL ? text_set : form_texts[phys];
    case TYPE_CLASS_INT:
    case TYPE_CLASS_REAL:
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_JSON:
    case TYPE_CLASS_OPAQUE:
        break;
    }
    return form_texts[phys];
}

/* Characters that the text is padded to; 0 for none. */
static uint32_t padded_width(const struct sql_type *type)
{
    if (!(type->flags & ZEROFILL_FLAG)) {
        return 0;
    }
    bool point = type_class_of(type->type) == TYPE_CLASS_DECIMAL && type->decimals > 0;
    return MIN(type->length + point, 256);
}

void vec_text_init(struct vec_text *c, const struct sql_type *type, enum vec_phys phys,
                   const struct timezone *tz, struct arena *arena)
{
    *c = (struct vec_text){
        .type = *type,
        .phys = phys,
        .width = padded_width(type),
        .tz = tz,
        .plain = plain_text(type, phys, tz != NULL),
    };
    c->get = c->width > 0 ? text_padded : c->plain;
    if (c->plain == text_set) {
        size_t len = 1;
        for (uint32_t i = 0; i < type->labels->count; i++) {
            len += type->labels->names[i].len + 1;
        }
        c->scratch = arena_alloc(arena, len);
    }
}
