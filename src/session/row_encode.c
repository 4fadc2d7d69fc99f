/* See row_encode.h. */
#include "session/row_encode.h"

#include "types/collation.h"
#include "types/convert.h"
#include "types/temporal.h"
#include "wire/value.h"

/* Room for an integer, a DECIMAL, a date or bits in text, the length byte included. */
#define TEXT_FIXED_MAX 128

/* ---- Text ---- */

/* The text is made where it is to stand, behind one byte of length, if it is not in the vector. */
static inline char *put_text(struct row_column *c, const struct vec *v, uint32_t row, char *p)
{
    const struct str s = vec_text_get(&c->text, v, row, p + 1);
    if (s.p != p + 1) {
        return pkt_raw_lenenc_str(p, s.p, s.len);
    }
    if (UNLIKELY(s.len > 250)) { /* A DOUBLE with many digits: three bytes of length. */
        memmove(p + 3, s.p, s.len);
        return pkt_raw_lenenc(p, s.len) + s.len;
    }
    *p = (char)(uint8_t)s.len;
    return p + 1 + s.len;
}

/* A stored TIMESTAMP as the session's time zone shows it; '0000-00-00 00:00:00' stays what it is.
 */
static void local_timestamp(const struct row_column *c, const struct vec *v, uint32_t row,
                            struct mtime *out)
{
    const int64_t utc = ((const int64_t *)v->data)[row];
    temporal_unpack_datetime(utc, out);
    if (out->month != 0) {
        timezone_from_utc(c->encoder->tz, utc, out);
    }
}

/* ---- Binary protocol ---- */

#define BINARY_INT(suffix, ctype)                                                                  \
    static char *binary_##suffix(const struct row_column *c, const struct vec *v, uint32_t row,    \
                                 char *p)                                                          \
    {                                                                                              \
        (void)c;                                                                                   \
        return pkt_raw_uint(p, (uint64_t)((const ctype *)v->data)[row], sizeof(ctype));            \
    }
BINARY_INT(i8, int8_t)
BINARY_INT(i16, int16_t)
BINARY_INT(i32, int32_t)
BINARY_INT(i64, int64_t)

static char *binary_double(const struct row_column *c, const struct vec *v, uint32_t row, char *p)
{
    (void)c;
    uint64_t bits;
    memcpy(&bits, &((const double *)v->data)[row], sizeof bits);
    return pkt_raw_uint(p, bits, 8);
}

static char *binary_float(const struct row_column *c, const struct vec *v, uint32_t row, char *p)
{
    (void)c;
    uint32_t bits;
    memcpy(&bits, &((const float *)v->data)[row], sizeof bits);
    return pkt_raw_uint(p, bits, 4);
}

static struct wire_datetime wire_datetime_of(const struct mtime *t)
{
    return (struct wire_datetime){.year = t->year,
                                  .month = t->month,
                                  .day = t->day,
                                  .hour = (uint8_t)t->hour,
                                  .minute = t->minute,
                                  .second = t->second,
                                  .usec = t->usec};
}

static struct wire_time wire_time_of(const struct mtime *t)
{
    return (struct wire_time){.is_negative = t->negative,
                              .days = t->hour / 24u,
                              .hour = (uint8_t)(t->hour % 24u),
                              .minute = t->minute,
                              .second = t->second,
                              .usec = t->usec};
}

static char *binary_date(const struct row_column *c, const struct vec *v, uint32_t row, char *p)
{
    struct mtime t;
    (void)c;
    temporal_unpack_date(((const int32_t *)v->data)[row], &t);
    const struct wire_datetime d = wire_datetime_of(&t);
    return wire_raw_date(p, &d);
}

static char *binary_datetime(const struct row_column *c, const struct vec *v, uint32_t row, char *p)
{
    struct mtime t;
    if (c->type.type == MYSQL_TYPE_TIMESTAMP) {
        local_timestamp(c, v, row, &t);
    } else {
        temporal_unpack_datetime(((const int64_t *)v->data)[row], &t);
    }
    const struct wire_datetime d = wire_datetime_of(&t);
    return wire_raw_datetime(p, &d);
}

static char *binary_time(const struct row_column *c, const struct vec *v, uint32_t row, char *p)
{
    struct mtime t;
    (void)c;
    temporal_unpack_time(((const int64_t *)v->data)[row], &t);
    const struct wire_time d = wire_time_of(&t);
    return wire_raw_time(p, &d);
}

/* ---- Which function for which column ---- */

static row_put_fn *const binary_int[] = {
    [VEC_I8] = binary_i8, [VEC_I16] = binary_i16, [VEC_I32] = binary_i32, [VEC_I64] = binary_i64,
    [VEC_U8] = binary_i8, [VEC_U16] = binary_i16, [VEC_U32] = binary_i32, [VEC_U64] = binary_i64,
};

/* NULL: sent as text. */
static row_put_fn *binary_put_of(const struct sql_type *t)
{
    const enum vec_phys phys = type_phys(t);
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_INT:
        return binary_int[phys];
    case TYPE_CLASS_REAL:
        return phys == VEC_F32 ? binary_float : binary_double;
    case TYPE_CLASS_DATE:
        return binary_date;
    case TYPE_CLASS_DATETIME:
        return binary_datetime;
    case TYPE_CLASS_TIME:
        return binary_time;
    case TYPE_CLASS_DECIMAL:
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_JSON:
    case TYPE_CLASS_OPAQUE:
    case TYPE_CLASS_BIT:
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
    case TYPE_CLASS_NULL:
        break;
    }
    return NULL;
}

static size_t labels_len(const struct type_labels *labels)
{
    size_t len = PKT_LENENC_MAX;
    for (uint32_t i = 0; labels != NULL && i < labels->count; i++) {
        len += labels->names[i].len + 1;
    }
    return len;
}

/* The most bytes of a value as text; 0: as many as the vector's string has. */
static size_t text_max_of(const struct sql_type *t)
{
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_STRING:
    case TYPE_CLASS_JSON:
    case TYPE_CLASS_OPAQUE:
        return 0;
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return MAX(labels_len(t->labels), (size_t)TEXT_FIXED_MAX);
    case TYPE_CLASS_REAL:
        return VEC_TEXT_MAX + PKT_LENENC_MAX;
    default:
        return (t->flags & ZEROFILL_FLAG) != 0 ? VEC_TEXT_MAX + PKT_LENENC_MAX : TEXT_FIXED_MAX;
    }
}

/* What a column's texts are sent in: without a character set, or with that of bytes, their own.
 * NULL = UTF-8, as they are. */
static const struct charset *charset_of(const struct row_encoder *e, const struct sql_type *t)
{
    const struct charset *cs = e->charset;
    if (!type_is_character(t) && type_class_of(t->type) != TYPE_CLASS_JSON) {
        return NULL;
    }
    if (cs == NULL || cs->kind == CHARSET_BINARY) {
        const struct collation *own = collation_find(t->collation);
        cs = own == NULL ? NULL : own->charset;
    }
    return cs == NULL || cs->kind == CHARSET_UTF8 || cs->kind == CHARSET_BINARY ? NULL : cs;
}

void row_encoder_init(struct row_encoder *e, struct arena *arena,
                      const struct result_column *columns, uint32_t count, bool binary)
{
    e->binary = binary;
    e->count = count;
    e->converts = false;
    e->columns = ARENA_ARRAY(arena, struct row_column, count);
    e->fixed_max = binary ? 1 + wire_row_bitmap_len(count) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct row_column *c = &e->columns[i];
        c->encoder = e;
        c->type = columns[i].type;
        vec_text_init(&c->text, &c->type, type_phys(&c->type), e->tz, arena);
        c->put_binary = binary ? binary_put_of(&c->type) : NULL;
        c->max_len = c->put_binary != NULL ? TEXT_FIXED_MAX : text_max_of(&c->type);
        c->charset = charset_of(e, &c->type);
        e->converts = e->converts || c->charset != NULL;
        e->fixed_max += c->max_len + 1;
    }
    arena_init(&e->arena, 0);
    bytebuf_init(&e->scratch, SIZE_MAX);
}

void row_encoder_release(struct row_encoder *e)
{
    arena_release(&e->arena);
    bytebuf_release(&e->scratch);
}

/* ---- Single values ---- */

static struct str bit_bytes(struct row_encoder *e, const struct sql_type *t, uint64_t bits)
{
    const size_t len = (t->length + 7) / 8;
    char *p = arena_alloc(&e->arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        p[i] = (char)(uint8_t)(bits >> (8 * (len - 1 - i)));
    }
    return str_from(p, len);
}

static struct str in_client_charset(struct row_encoder *e, const struct row_column *c, struct str s)
{
    if (c->charset == NULL) {
        return s;
    }
    bytebuf_reset(&e->scratch);
    (void)charset_from_utf8(c->charset, s, &e->scratch);
    return arena_dup(&e->arena, bytebuf_str(&e->scratch));
}

/* The bytes a value is sent as in the text protocol, and in the binary one where that sends text.
 */
static struct str text_of(struct row_encoder *e, const struct row_column *c, const struct value *v)
{
    if (c->type.type == MYSQL_TYPE_BIT) {
        return bit_bytes(e, &c->type, v->u);
    }
    return in_client_charset(e, c, value_to_text(v, &c->type, &e->arena));
}

static char *put_binary_value(const struct row_column *c, const struct value *v, char *p)
{
    const enum vec_phys phys = type_phys(&c->type);
    switch (v->kind) {
    case VALUE_DOUBLE:
        if (phys == VEC_F32) {
            const float f = (float)v->d;
            uint32_t bits;
            memcpy(&bits, &f, sizeof bits);
            return pkt_raw_uint(p, bits, 4);
        } else {
            uint64_t bits;
            memcpy(&bits, &v->d, sizeof bits);
            return pkt_raw_uint(p, bits, 8);
        }
    case VALUE_DATE:
    case VALUE_DATETIME: {
        const struct wire_datetime d = wire_datetime_of(&v->time);
        return c->type.type == MYSQL_TYPE_DATE ? wire_raw_date(p, &d) : wire_raw_datetime(p, &d);
    }
    case VALUE_TIME: {
        const struct wire_time t = wire_time_of(&v->time);
        return wire_raw_time(p, &t);
    }
    default:
        return pkt_raw_uint(p, v->u, (unsigned)vec_phys_size(phys));
    }
}

/* ---- Rows ---- */

int row_encode_values(struct row_encoder *e, struct pkt_writer *w, const struct value *values)
{
    arena_reset(&e->arena);
    struct str *texts = ARENA_ARRAY(&e->arena, struct str, e->count);
    size_t max = e->fixed_max;
    for (uint32_t i = 0; i < e->count; i++) {
        if (values[i].kind != VALUE_NULL && e->columns[i].put_binary == NULL) {
            texts[i] = text_of(e, &e->columns[i], &values[i]);
            max += texts[i].len + PKT_LENENC_MAX;
        } else {
            max += TEXT_FIXED_MAX;
        }
    }
    char *p = pkt_row_begin(w, max);
    if (p == NULL) {
        return -1;
    }
    char *bitmap = NULL;
    if (e->binary) {
        *p++ = 0;
        bitmap = p;
        memset(bitmap, 0, wire_row_bitmap_len(e->count));
        p += wire_row_bitmap_len(e->count);
    }
    for (uint32_t i = 0; i < e->count; i++) {
        if (values[i].kind == VALUE_NULL) {
            if (e->binary) {
                wire_row_set_null(bitmap, i);
            } else {
                p = pkt_raw_null(p);
            }
        } else if (e->columns[i].put_binary == NULL) {
            p = pkt_raw_lenenc_str(p, texts[i].p, texts[i].len);
        } else {
            p = put_binary_value(&e->columns[i], &values[i], p);
        }
    }
    return pkt_row_end(w, p);
}

/* Rows with texts in another character set, whose length is known when they are converted. */
static int encode_converted(struct row_encoder *e, struct pkt_writer *w, const struct chunk *rows)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct value *values = ARENA_ARRAY(&arena, struct value, e->count);
    int rc = 0;
    for (uint32_t r = 0; r < rows->nrows && rc == 0; r++) {
        for (uint32_t i = 0; i < e->count; i++) {
            const struct vec *v = &rows->cols[i];
            vec_get(v, r, &values[i]);
            if (e->columns[i].type.type == MYSQL_TYPE_TIMESTAMP &&
                values[i].kind == VALUE_DATETIME) {
                local_timestamp(&e->columns[i], v, r, &values[i].time);
            }
        }
        rc = row_encode_values(e, w, values);
    }
    arena_release(&arena);
    return rc;
}

static size_t strings_len(const struct row_encoder *e, const struct chunk *rows, uint32_t row)
{
    size_t len = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        if (e->columns[i].max_len == 0 && !vec_is_null(&rows->cols[i], row)) {
            len += PKT_LENENC_MAX + ((const struct vec_str *)rows->cols[i].data)[row].len;
        }
    }
    return len;
}

static int encode_text_row(struct row_encoder *e, struct pkt_writer *w, const struct chunk *rows,
                           uint32_t r)
{
    char *p = pkt_row_begin(w, e->fixed_max + strings_len(e, rows, r));
    if (UNLIKELY(p == NULL)) {
        return -1;
    }
    for (uint32_t i = 0; i < e->count; i++) {
        const struct vec *v = &rows->cols[i];
        p = vec_is_null(v, r) ? pkt_raw_null(p) : put_text(&e->columns[i], v, r, p);
    }
    return pkt_row_end(w, p);
}

static int encode_binary_row(struct row_encoder *e, struct pkt_writer *w, const struct chunk *rows,
                             uint32_t r)
{
    char *p = pkt_row_begin(w, e->fixed_max + strings_len(e, rows, r));
    if (UNLIKELY(p == NULL)) {
        return -1;
    }
    *p++ = 0;
    char *bitmap = p;
    const size_t bitmap_len = wire_row_bitmap_len(e->count);
    memset(bitmap, 0, bitmap_len);
    p += bitmap_len;
    for (uint32_t i = 0; i < e->count; i++) {
        const struct vec *v = &rows->cols[i];
        if (vec_is_null(v, r)) {
            wire_row_set_null(bitmap, i);
        } else {
            struct row_column *c = &e->columns[i];
            p = c->put_binary != NULL ? c->put_binary(c, v, r, p) : put_text(c, v, r, p);
        }
    }
    return pkt_row_end(w, p);
}

int row_encode_chunk(struct row_encoder *e, struct pkt_writer *w, const struct chunk *rows)
{
    if (e->converts) {
        return encode_converted(e, w, rows);
    }
    for (uint32_t r = 0; r < rows->nrows; r++) {
        const int rc =
            e->binary ? encode_binary_row(e, w, rows, r) : encode_text_row(e, w, rows, r);
        if (UNLIKELY(rc != 0)) {
            return -1;
        }
    }
    return 0;
}
