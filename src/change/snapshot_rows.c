/* Rows of the binary protocol into column chunks, without a value in between where there are many.
 * See snapshot_int.h. */
#include "binlog/cell.h"
#include "change/snapshot_int.h"

#include "types/collation.h"
#include "types/convert.h"
#include "wire/value.h"

enum {
    MAX_DECIMAL_I64 = 18, /* Digits. */
    FLOAT_TEXT_MAX = 40,  /* Of a double with 17 digits and an exponent. */
    TEMPORAL_TEXT_MAX = 48,
};

/* Puts the bytes of a value into a column of the row added last. 0, or -1: they are none. */
typedef int put_fn(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                   uint32_t col, struct diag *d);
/* Appends the value as a literal. */
typedef int literal_fn(const struct snapshot_field *f, struct str bytes, struct bytebuf *out);

struct snapshot_field {
    put_fn *put;
    literal_fn *literal; /* NULL: of no key. */
    const struct column_def *column;
    const struct charset *charset; /* Of text, else NULL. */
    uint8_t size;                  /* Bytes of the value; 0: a length stands before it. */
    bool is_unsigned;
};

static uint64_t load(struct str bytes)
{
    uint64_t u = 0;
    if (bytes.len == sizeof(uint32_t)) { /* The most frequent ones at once. */
        uint32_t half;
        memcpy(&half, bytes.p, sizeof(half));
        return half;
    }
    if (bytes.len == sizeof(u)) {
        memcpy(&u, bytes.p, sizeof(u));
        return u;
    }
    for (size_t i = bytes.len; i > 0; i--) {
        u = u << 8 | (uint8_t)bytes.p[i - 1];
    }
    return u;
}

static int64_t load_int(const struct snapshot_field *f, struct str bytes)
{
    const unsigned unused = 64 - 8 * (unsigned)bytes.len;
    const uint64_t u = load(bytes);
    return f->is_unsigned ? (int64_t)u : (int64_t)(u << unused) >> unused;
}

/* ---- Numbers ---- */

static int put_int(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                   uint32_t col, struct diag *d)
{
    (void)d;
    chunk_builder_set_int(b, col, load_int(f, bytes));
    return 0;
}

static int literal_int(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    char buf[FORMAT_INT_MAX];
    const int64_t i = load_int(f, bytes);
    bytebuf_put(out, buf, f->is_unsigned ? format_u64((uint64_t)i, buf) : format_i64(i, buf));
    return 0;
}

static double load_real(struct str bytes)
{
    if (bytes.len == sizeof(float)) {
        float x;
        memcpy(&x, bytes.p, sizeof(x));
        return (double)x;
    }
    double x;
    memcpy(&x, bytes.p, sizeof(x));
    return x;
}

static int put_real(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                    uint32_t col, struct diag *d)
{
    (void)f;
    (void)d;
    const struct value v = value_double(load_real(bytes));
    chunk_builder_set(b, col, &v);
    return 0;
}

/* With an exponent it is a DOUBLE, and 17 digits are all it has. */
static int literal_real(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    char buf[FLOAT_TEXT_MAX];
    (void)f;
    const int len = snprintf(buf, sizeof(buf), "%.17e", load_real(bytes));
    bytebuf_put(out, buf, (size_t)len);
    return 0;
}

/* "-12.50" as -1250: the server writes all digits of the scale. False when it is not of that form.
 */
static bool parse_scaled(struct str s, unsigned scale, int64_t *out)
{
    const bool is_negative = s.len > 0 && s.p[0] == '-';
    size_t behind = 0;
    bool has_point = false;
    int64_t n = 0;
    for (size_t i = is_negative; i < s.len; i++) {
        if (s.p[i] == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        n = n * 10 + (s.p[i] - '0');
        behind += has_point;
    }
    *out = is_negative ? -n : n;
    return behind == scale && s.len > 0;
}

static int put_decimal(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                       uint32_t col, struct diag *d)
{
    const struct sql_type *t = &f->column->type;
    struct value v = {.kind = VALUE_DECIMAL};
    int64_t scaled;
    size_t used;
    if (bytes.len <= MAX_DECIMAL_I64 && t->length <= MAX_DECIMAL_I64 &&
        parse_scaled(bytes, t->decimals, &scaled)) {
        chunk_builder_set_int(b, col, scaled);
        return 0;
    }
    if (decimal_parse(bytes, &v.dec, &used) != DECIMAL_OK || used != bytes.len ||
        decimal_fit(&v.dec, t->length, t->decimals, &v.dec) != DECIMAL_OK) {
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    chunk_builder_set(b, col, &v);
    return 0;
}

static int literal_plain(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    (void)f;
    bytebuf_put_str(out, bytes);
    return 0;
}

static uint64_t load_bits(struct str bytes)
{
    uint64_t u = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        u = u << 8 | (uint8_t)bytes.p[i];
    }
    return u;
}

static int put_bit(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                   uint32_t col, struct diag *d)
{
    (void)f;
    (void)d;
    chunk_builder_set_int(b, col, (int64_t)load_bits(bytes));
    return 0;
}

static int literal_bit(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    char buf[FORMAT_INT_MAX];
    (void)f;
    bytebuf_put(out, buf, format_u64(load_bits(bytes), buf));
    return 0;
}

/* ---- Dates and times ---- */

static unsigned byte_at(struct str bytes, size_t i)
{
    return i < bytes.len ? (uint8_t)bytes.p[i] : 0;
}

static uint32_t usec_at(struct str bytes, size_t i)
{
    return bytes.len >= i + 4 ? (uint32_t)load(str_from(bytes.p + i, 4)) : 0;
}

/* Year: 2 bytes, month, day, then hour, minute, second, then microseconds: 4; what is zero at the
 * end is not sent. */
static struct mtime unpack_datetime(struct str bytes)
{
    return (struct mtime){.year = (uint16_t)(byte_at(bytes, 0) | byte_at(bytes, 1) << 8),
                          .month = (uint8_t)byte_at(bytes, 2),
                          .day = (uint8_t)byte_at(bytes, 3),
                          .hour = (uint16_t)byte_at(bytes, 4),
                          .minute = (uint8_t)byte_at(bytes, 5),
                          .second = (uint8_t)byte_at(bytes, 6),
                          .usec = usec_at(bytes, 7)};
}

static bool datetime_is_sound(const struct mtime *t)
{
    return t->year <= 9999 && t->month <= 12 && t->day <= 31 && t->hour <= 23 && t->minute <= 59 &&
           t->second <= 59 && t->usec <= 999999;
}

/* Sign, days: 4 bytes, hour, minute, second, microseconds: 4. */
static struct mtime unpack_time(struct str bytes)
{
    const uint64_t days = bytes.len >= 5 ? load(str_from(bytes.p + 1, 4)) : 0;
    return (struct mtime){.negative = byte_at(bytes, 0) != 0,
                          .hour = (uint16_t)(MIN(days, 100u) * 24 + byte_at(bytes, 5)),
                          .minute = (uint8_t)byte_at(bytes, 6),
                          .second = (uint8_t)byte_at(bytes, 7),
                          .usec = usec_at(bytes, 8)};
}

static int put_date(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                    uint32_t col, struct diag *d)
{
    const struct mtime t = unpack_datetime(bytes);
    (void)f;
    if (!datetime_is_sound(&t)) {
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    chunk_builder_set_int(b, col, temporal_pack_date(&t));
    return 0;
}

static int put_datetime(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                        uint32_t col, struct diag *d)
{
    const struct mtime t = unpack_datetime(bytes);
    (void)f;
    if (!datetime_is_sound(&t)) {
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    chunk_builder_set_i64(b, col, temporal_pack_datetime(&t));
    return 0;
}

static int put_time(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                    uint32_t col, struct diag *d)
{
    const struct mtime t = unpack_time(bytes);
    (void)f;
    if (t.hour > 838 || t.minute > 59 || t.second > 59 || t.usec > 999999) {
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    chunk_builder_set_i64(b, col, temporal_pack_time(&t));
    return 0;
}

static void put_quoted(struct bytebuf *out, const char *text, size_t len)
{
    bytebuf_put_char(out, '\'');
    bytebuf_put(out, text, len);
    bytebuf_put_char(out, '\'');
}

static int literal_date(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    char buf[TEMPORAL_TEXT_MAX];
    const struct mtime t = unpack_datetime(bytes);
    (void)f;
    put_quoted(out, buf, date_format(&t, buf));
    return datetime_is_sound(&t) ? 0 : -1;
}

static int literal_datetime(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    char buf[TEMPORAL_TEXT_MAX];
    const struct mtime t = unpack_datetime(bytes);
    put_quoted(out, buf, datetime_format(&t, f->column->type.decimals, buf));
    return datetime_is_sound(&t) ? 0 : -1;
}

static int literal_time(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    char buf[TEMPORAL_TEXT_MAX];
    const struct mtime t = unpack_time(bytes);
    put_quoted(out, buf, time_format(&t, f->column->type.decimals, buf));
    return 0;
}

/* ---- Strings ---- */

static int put_bytes(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                     uint32_t col, struct diag *d)
{
    (void)f;
    (void)d;
    chunk_builder_set_str(b, col, bytes);
    return 0;
}

static int put_text(const struct snapshot_field *f, struct str bytes, struct chunk_builder *b,
                    uint32_t col, struct diag *d)
{
    if (binlog_put_text(b, col, f->charset, bytes) == BINLOG_PUT_OK) {
        return 0;
    }
    return diag_set_text(d, ER_CANNOT_CONVERT_STRING,
                         arena_printf(&d->arena,
                                      "Column '%.*s' holds text that is not the same in UTF-8 and "
                                      "back in %.*s",
                                      STR_FMT(f->column->name), STR_FMT(f->charset->name)));
}

/* In the column's own character set, whose collation the comparison then has. */
static int literal_string(const struct snapshot_field *f, struct str bytes, struct bytebuf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    const struct str name = f->charset != NULL ? f->charset->name : STR("binary");
    bytebuf_put_char(out, '_');
    bytebuf_put_str(out, name);
    bytebuf_put_cstr(out, " X'");
    for (size_t i = 0; i < bytes.len; i++) {
        bytebuf_put_char(out, digits[(uint8_t)bytes.p[i] >> 4]);
        bytebuf_put_char(out, digits[(uint8_t)bytes.p[i] & 15]);
    }
    bytebuf_put_char(out, '\'');
    return 0;
}

/* ---- Formats ---- */

/* What a value takes by its type in the protocol; 0: it has a length before it. */
static const uint8_t wire_sizes[256] = {
    [WIRE_TYPE_TINY] = 1, [WIRE_TYPE_SHORT] = 2, [WIRE_TYPE_YEAR] = 2,     [WIRE_TYPE_INT24] = 4,
    [WIRE_TYPE_LONG] = 4, [WIRE_TYPE_FLOAT] = 4, [WIRE_TYPE_LONGLONG] = 8, [WIRE_TYPE_DOUBLE] = 8,
};

/* The kinds of a type's values in the protocol. */
enum shape {
    SHAPE_INT,
    SHAPE_REAL,
    SHAPE_DATETIME,
    SHAPE_TIME,
    SHAPE_BYTES,
};

static enum shape shape_of(uint8_t wire_type)
{
    switch (wire_value_kind_of(wire_type, false)) {
    case WIRE_VALUE_INT:
    case WIRE_VALUE_UINT:
        return SHAPE_INT;
    case WIRE_VALUE_FLOAT:
    case WIRE_VALUE_DOUBLE:
        return SHAPE_REAL;
    case WIRE_VALUE_DATETIME:
        return SHAPE_DATETIME;
    case WIRE_VALUE_TIME:
        return SHAPE_TIME;
    case WIRE_VALUE_NULL:
    case WIRE_VALUE_BYTES:
    case WIRE_VALUE_LONG_DATA:
        break;
    }
    return SHAPE_BYTES;
}

static const struct family {
    enum shape shape;
    put_fn *put;
    literal_fn *literal;
} families[] = {
    [TYPE_CLASS_NULL] = {SHAPE_BYTES, NULL, NULL},
    [TYPE_CLASS_INT] = {SHAPE_INT, put_int, literal_int},
    [TYPE_CLASS_BIT] = {SHAPE_BYTES, put_bit, literal_bit},
    [TYPE_CLASS_DECIMAL] = {SHAPE_BYTES, put_decimal, literal_plain},
    [TYPE_CLASS_REAL] = {SHAPE_REAL, put_real, literal_real},
    [TYPE_CLASS_DATE] = {SHAPE_DATETIME, put_date, literal_date},
    [TYPE_CLASS_DATETIME] = {SHAPE_DATETIME, put_datetime, literal_datetime},
    [TYPE_CLASS_TIME] = {SHAPE_TIME, put_time, literal_time},
    [TYPE_CLASS_STRING] = {SHAPE_BYTES, put_text, literal_string},
    [TYPE_CLASS_ENUM] = {SHAPE_INT, put_int, literal_int},
    [TYPE_CLASS_SET] = {SHAPE_INT, put_int, literal_int},
    [TYPE_CLASS_JSON] = {SHAPE_BYTES, put_bytes, NULL},
    [TYPE_CLASS_OPAQUE] = {SHAPE_BYTES, put_bytes, NULL},
};

static int init_field(struct snapshot_field *f, const struct column_def *column,
                      const struct wire_column *w, struct diag *d)
{
    const struct family *family = &families[type_class_of(column->type.type)];
    *f = (struct snapshot_field){.put = family->put,
                                 .literal = family->literal,
                                 .column = column,
                                 .size = wire_sizes[w->type],
                                 .is_unsigned = (w->flags & WIRE_FLAG_UNSIGNED) != 0 ||
                                                w->type == WIRE_TYPE_YEAR};
    if (family->put == NULL || shape_of(w->type) != family->shape) {
        return diag_set(d, ER_TABLE_DEF_CHANGED);
    }
    if (family->put != put_text) {
        return 0;
    }
    if (type_is_binary_string(&column->type)) {
        f->put = put_bytes;
        return 0;
    }
    const struct collation *collation = collation_find(column->type.collation);
    if (collation == NULL) {
        return diag_set_text(d, ER_CANNOT_CONVERT_STRING,
                             arena_printf(&d->arena, "Column '%.*s' has an unknown character set",
                                          STR_FMT(column->name)));
    }
    f->charset = collation->charset;
    return 0;
}

int snapshot_format_init(struct snapshot_format *f, const struct table_def *def,
                         const struct wire_column *columns, uint32_t count, struct arena *arena,
                         struct diag *d)
{
    *f = (struct snapshot_format){.count = count};
    if (count != def->column_count) {
        return diag_set(d, ER_TABLE_DEF_CHANGED);
    }
    f->fields = ARENA_ARRAY(arena, struct snapshot_field, count);
    for (uint32_t i = 0; i < count; i++) {
        if (init_field(&f->fields[i], &def->columns[i], &columns[i], d) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- Rows ---- */

/* A row being read. */
struct row {
    const char *nulls; /* The bitmap. */
    const char *p;
    const char *end;
};

static int row_begin(struct row *r, struct str payload, uint32_t columns)
{
    const size_t head = 1 + wire_row_bitmap_len(columns);
    if (payload.len < head) {
        return -1;
    }
    *r =
        (struct row){.nulls = payload.p + 1, .p = payload.p + head, .end = payload.p + payload.len};
    return 0;
}

static bool row_is_null(const struct row *r, uint32_t column)
{
    const uint32_t bit = column + 2;
    return ((uint8_t)r->nulls[bit / 8] >> bit % 8 & 1) != 0;
}

/* The length before a value: one byte, or 2, 3 or 8 behind a mark. */
static int row_length(struct row *r, uint64_t *out)
{
    static const uint8_t marks[] = {
        [0xfc - 0xfb] = 2, [0xfd - 0xfb] = 3, [0xfe - 0xfb] = 8, [0xff - 0xfb] = 0, [0] = 0};
    if (r->p >= r->end) {
        return -1;
    }
    const uint8_t first = (uint8_t)*r->p++;
    if (first < 0xfb) {
        *out = first;
        return 0;
    }
    const size_t bytes = marks[first - 0xfb];
    if (bytes == 0 || (size_t)(r->end - r->p) < bytes) {
        return -1;
    }
    *out = load(str_from(r->p, bytes));
    r->p += bytes;
    return 0;
}

static int row_value(struct row *r, const struct snapshot_field *f, struct str *out)
{
    uint64_t len = f->size;
    if ((len == 0 && row_length(r, &len) != 0) || (uint64_t)(r->end - r->p) < len) {
        return -1;
    }
    *out = str_from(r->p, (size_t)len);
    r->p += len;
    return 0;
}

int snapshot_put_row(const struct snapshot_format *f, struct str payload, struct chunk_builder *b,
                     struct diag *d)
{
    struct row r;
    if (row_begin(&r, payload, f->count) != 0) {
        return diag_set(d, ER_MALFORMED_PACKET);
    }
    (void)chunk_builder_add_row(b);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct snapshot_field *field = &f->fields[i];
        struct str bytes;
        if (row_is_null(&r, i)) {
            continue;
        }
        if (row_value(&r, field, &bytes) != 0) {
            return diag_set(d, ER_MALFORMED_PACKET);
        }
        if (field->put(field, bytes, b, i, d) != 0) {
            return -1;
        }
    }
    return r.p == r.end ? 0 : diag_set(d, ER_MALFORMED_PACKET);
}

int snapshot_key_text(const struct snapshot_format *f, const struct copy_key *key,
                      struct str payload, struct arena *arena, struct str *out)
{
    struct row r;
    struct bytebuf text;
    struct str *values = ARENA_ARRAY(arena, struct str, f->count);
    *out = STR_NULL;
    if (row_begin(&r, payload, f->count) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < f->count; i++) {
        if (!row_is_null(&r, i) && row_value(&r, &f->fields[i], &values[i]) != 0) {
            return -1;
        }
    }
    bytebuf_init(&text, SNAPSHOT_SQL_MAX);
    int rc = 0;
    for (uint32_t i = 0; i < key->count && rc == 0; i++) {
        const struct snapshot_field *field = &f->fields[key->columns[i]];
        const struct str value = values[key->columns[i]];
        if (i > 0) {
            bytebuf_put_char(&text, ',');
        }
        rc = field->literal == NULL || value.p == NULL ? -1 : field->literal(field, value, &text);
    }
    if (rc == 0 && !text.failed) {
        *out = arena_dup(arena, bytebuf_str(&text));
    }
    bytebuf_release(&text);
    return out->p == NULL ? -1 : 0;
}
