#include "wire/value.h"

/* How a type is laid out in the binary protocol. */
enum layout {
    LAYOUT_NONE, /* Not sent. */
    LAYOUT_INT_1,
    LAYOUT_INT_2,
    LAYOUT_INT_4,
    LAYOUT_INT_8,
    LAYOUT_FLOAT,
    LAYOUT_DOUBLE,
    LAYOUT_DATE,
    LAYOUT_DATETIME,
    LAYOUT_TIME,
    LAYOUT_BYTES, /* Length-encoded string. */
};

static const uint8_t layouts[256] = {
    [WIRE_TYPE_TINY] = LAYOUT_INT_1,         [WIRE_TYPE_BOOL] = LAYOUT_INT_1,
    [WIRE_TYPE_SHORT] = LAYOUT_INT_2,        [WIRE_TYPE_YEAR] = LAYOUT_INT_2,
    [WIRE_TYPE_LONG] = LAYOUT_INT_4,         [WIRE_TYPE_INT24] = LAYOUT_INT_4,
    [WIRE_TYPE_LONGLONG] = LAYOUT_INT_8,     [WIRE_TYPE_FLOAT] = LAYOUT_FLOAT,
    [WIRE_TYPE_DOUBLE] = LAYOUT_DOUBLE,      [WIRE_TYPE_DATE] = LAYOUT_DATE,
    [WIRE_TYPE_NEWDATE] = LAYOUT_DATE,       [WIRE_TYPE_DATETIME] = LAYOUT_DATETIME,
    [WIRE_TYPE_TIMESTAMP] = LAYOUT_DATETIME, [WIRE_TYPE_TIME] = LAYOUT_TIME,
    [WIRE_TYPE_DECIMAL] = LAYOUT_BYTES,      [WIRE_TYPE_NEWDECIMAL] = LAYOUT_BYTES,
    [WIRE_TYPE_VARCHAR] = LAYOUT_BYTES,      [WIRE_TYPE_BIT] = LAYOUT_BYTES,
    [WIRE_TYPE_VECTOR] = LAYOUT_BYTES,       [WIRE_TYPE_JSON] = LAYOUT_BYTES,
    [WIRE_TYPE_ENUM] = LAYOUT_BYTES,         [WIRE_TYPE_SET] = LAYOUT_BYTES,
    [WIRE_TYPE_TINY_BLOB] = LAYOUT_BYTES,    [WIRE_TYPE_MEDIUM_BLOB] = LAYOUT_BYTES,
    [WIRE_TYPE_LONG_BLOB] = LAYOUT_BYTES,    [WIRE_TYPE_BLOB] = LAYOUT_BYTES,
    [WIRE_TYPE_VAR_STRING] = LAYOUT_BYTES,   [WIRE_TYPE_STRING] = LAYOUT_BYTES,
    [WIRE_TYPE_GEOMETRY] = LAYOUT_BYTES,
};

static const uint8_t int_widths[] = {
    [LAYOUT_INT_1] = 1,
    [LAYOUT_INT_2] = 2,
    [LAYOUT_INT_4] = 4,
    [LAYOUT_INT_8] = 8,
};

enum wire_value_kind wire_value_kind_of(uint8_t type, bool is_unsigned)
{
    switch ((enum layout)layouts[type]) {
    case LAYOUT_INT_1:
    case LAYOUT_INT_2:
    case LAYOUT_INT_4:
    case LAYOUT_INT_8:
        return is_unsigned ? WIRE_VALUE_UINT : WIRE_VALUE_INT;
    case LAYOUT_FLOAT:
        return WIRE_VALUE_FLOAT;
    case LAYOUT_DOUBLE:
        return WIRE_VALUE_DOUBLE;
    case LAYOUT_DATE:
    case LAYOUT_DATETIME:
        return WIRE_VALUE_DATETIME;
    case LAYOUT_TIME:
        return WIRE_VALUE_TIME;
    case LAYOUT_BYTES:
        return WIRE_VALUE_BYTES;
    case LAYOUT_NONE:
        break;
    }
    return WIRE_VALUE_NULL;
}

char *wire_raw_date(char *p, const struct wire_datetime *dt)
{
    if (dt->year == 0 && dt->month == 0 && dt->day == 0) {
        return pkt_raw_uint(p, 0, 1);
    }
    p = pkt_raw_uint(p, 4, 1);
    p = pkt_raw_uint(p, dt->year, 2);
    p = pkt_raw_uint(p, dt->month, 1);
    return pkt_raw_uint(p, dt->day, 1);
}

char *wire_raw_datetime(char *p, const struct wire_datetime *dt)
{
    const bool has_time = dt->hour != 0 || dt->minute != 0 || dt->second != 0;
    if (dt->usec == 0 && !has_time) {
        return wire_raw_date(p, dt);
    }
    p = pkt_raw_uint(p, dt->usec != 0 ? 11 : 7, 1);
    p = pkt_raw_uint(p, dt->year, 2);
    p = pkt_raw_uint(p, dt->month, 1);
    p = pkt_raw_uint(p, dt->day, 1);
    p = pkt_raw_uint(p, dt->hour, 1);
    p = pkt_raw_uint(p, dt->minute, 1);
    p = pkt_raw_uint(p, dt->second, 1);
    return dt->usec != 0 ? pkt_raw_uint(p, dt->usec, 4) : p;
}

char *wire_raw_time(char *p, const struct wire_time *t)
{
    if (t->days == 0 && t->hour == 0 && t->minute == 0 && t->second == 0 && t->usec == 0) {
        return pkt_raw_uint(p, 0, 1);
    }
    p = pkt_raw_uint(p, t->usec != 0 ? 12 : 8, 1);
    p = pkt_raw_uint(p, t->is_negative, 1);
    p = pkt_raw_uint(p, t->days, 4);
    p = pkt_raw_uint(p, t->hour, 1);
    p = pkt_raw_uint(p, t->minute, 1);
    p = pkt_raw_uint(p, t->second, 1);
    return t->usec != 0 ? pkt_raw_uint(p, t->usec, 4) : p;
}

/* Writes with one of the raw writers above, which need at most WIRE_TIME_MAX bytes. */
static void put_temporal(struct pkt_writer *w, enum layout layout, const struct wire_value *v)
{
    char *p = pkt_room(w, WIRE_TIME_MAX);
    if (p == NULL) {
        return;
    }
    const char *end = layout == LAYOUT_TIME       ? wire_raw_time(p, &v->t)
                      : layout == LAYOUT_DATETIME ? wire_raw_datetime(p, &v->dt)
                                                  : wire_raw_date(p, &v->dt);
    w->buf->len += (size_t)(end - p);
}

static void put_float(struct pkt_writer *w, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    pkt_put_u32(w, bits);
}

static void put_double(struct pkt_writer *w, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    pkt_put_u64(w, bits);
}

void wire_put_value(struct pkt_writer *w, const struct wire_value *v)
{
    if (v->kind == WIRE_VALUE_NULL || v->kind == WIRE_VALUE_LONG_DATA) {
        return;
    }
    const enum layout layout = (enum layout)layouts[v->type];
    switch (layout) {
    case LAYOUT_INT_1:
    case LAYOUT_INT_2:
    case LAYOUT_INT_4:
    case LAYOUT_INT_8:
        pkt_put_uint(w, v->u, int_widths[layout]);
        break;
    case LAYOUT_FLOAT:
        put_float(w, v->f);
        break;
    case LAYOUT_DOUBLE:
        put_double(w, v->d);
        break;
    case LAYOUT_DATE:
    case LAYOUT_DATETIME:
    case LAYOUT_TIME:
        put_temporal(w, layout, v);
        break;
    case LAYOUT_BYTES:
        pkt_put_lenenc_str(w, v->s);
        break;
    case LAYOUT_NONE:
        break;
    }
}

static void get_int(struct pkt_reader *r, unsigned bytes, bool is_unsigned, struct wire_value *out)
{
    const uint64_t v = pkt_get_uint(r, bytes);
    if (is_unsigned) {
        out->u = v;
        return;
    }
    const unsigned shift = 64 - 8 * bytes;
    out->i = (int64_t)(v << shift) >> shift;
}

static void get_datetime(struct pkt_reader *r, struct wire_datetime *out)
{
    const uint8_t len = pkt_get_u8(r);
    *out = (struct wire_datetime){0};
    if (len != 0 && len != 4 && len != 7 && len != 11) {
        pkt_reader_fail(r);
        return;
    }
    if (len >= 4) {
        out->year = pkt_get_u16(r);
        out->month = pkt_get_u8(r);
        out->day = pkt_get_u8(r);
    }
    if (len >= 7) {
        out->hour = pkt_get_u8(r);
        out->minute = pkt_get_u8(r);
        out->second = pkt_get_u8(r);
    }
    if (len >= 11) {
        out->usec = pkt_get_u32(r);
    }
}

static void get_time(struct pkt_reader *r, struct wire_time *out)
{
    const uint8_t len = pkt_get_u8(r);
    *out = (struct wire_time){0};
    if (len != 0 && len != 8 && len != 12) {
        pkt_reader_fail(r);
        return;
    }
    if (len >= 8) {
        out->is_negative = pkt_get_u8(r) != 0;
        out->days = pkt_get_u32(r);
        out->hour = pkt_get_u8(r);
        out->minute = pkt_get_u8(r);
        out->second = pkt_get_u8(r);
    }
    if (len >= 12) {
        out->usec = pkt_get_u32(r);
    }
}

void wire_get_value(struct pkt_reader *r, uint8_t type, bool is_unsigned, struct wire_value *out)
{
    const enum layout layout = (enum layout)layouts[type];
    *out = (struct wire_value){.kind = wire_value_kind_of(type, is_unsigned), .type = type};
    switch (layout) {
    case LAYOUT_INT_1:
    case LAYOUT_INT_2:
    case LAYOUT_INT_4:
    case LAYOUT_INT_8:
        get_int(r, int_widths[layout], is_unsigned, out);
        break;
    case LAYOUT_FLOAT: {
        const uint32_t bits = pkt_get_u32(r);
        memcpy(&out->f, &bits, sizeof(bits));
        break;
    }
    case LAYOUT_DOUBLE: {
        const uint64_t bits = pkt_get_u64(r);
        memcpy(&out->d, &bits, sizeof(bits));
        break;
    }
    case LAYOUT_DATE:
    case LAYOUT_DATETIME:
        get_datetime(r, &out->dt);
        break;
    case LAYOUT_TIME:
        get_time(r, &out->t);
        break;
    case LAYOUT_BYTES:
        out->s = pkt_get_lenenc_str(r);
        break;
    case LAYOUT_NONE:
        if (type != WIRE_TYPE_NULL) {
            pkt_reader_fail(r);
        }
        break;
    }
}

void wire_encode_binary_row(struct pkt_writer *w, const struct wire_value *values, size_t count)
{
    const size_t bitmap_len = wire_row_bitmap_len(count);
    pkt_put_zero(w, 1 + bitmap_len);
    if (w->buf->failed) {
        return;
    }
    char *bitmap = w->buf->p + w->buf->len - bitmap_len;
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == WIRE_VALUE_NULL) {
            wire_row_set_null(bitmap, i);
        }
    }
    for (size_t i = 0; i < count; i++) {
        wire_put_value(w, &values[i]);
    }
}

int wire_decode_binary_row(struct str payload, const struct wire_value_type *types, size_t count,
                           struct wire_value *out_values)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t mark = pkt_get_u8(&r);
    const struct str bitmap = pkt_get_bytes(&r, wire_row_bitmap_len(count));
    if (pkt_reader_failed(&r) || mark != 0x00) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t bit = i + 2;
        if ((uint8_t)bitmap.p[bit / 8] & 1u << bit % 8) {
            out_values[i] = (struct wire_value){.kind = WIRE_VALUE_NULL, .type = types[i].type};
        } else {
            wire_get_value(&r, types[i].type, types[i].is_unsigned, &out_values[i]);
        }
    }
    return pkt_reader_ok(&r) ? 0 : -1;
}

void wire_encode_text_row(struct pkt_writer *w, const struct str *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].p == NULL) {
            pkt_put_u8(w, 0xfb);
        } else {
            pkt_put_lenenc_str(w, values[i]);
        }
    }
}

int wire_decode_text_row(struct str payload, size_t count, struct str *out_values)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    for (size_t i = 0; i < count; i++) {
        pkt_get_nullable_str(&r, &out_values[i]);
    }
    return pkt_reader_ok(&r) ? 0 : -1;
}
