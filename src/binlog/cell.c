/* Cells into values and into column chunks: a function a type for values, short cuts for chunks. */
#include "binlog/cell.h"

#include "binlog/binlog_int.h"
#include "binlog/json_binary.h"

#include "types/json.h"

/* Reads the bytes of a cell, whose length fits the column. Returns 0, or -1 when malformed. */
typedef int cell_fn(const struct binlog_column *c, struct str bytes, struct arena *a,
                    struct value *out);

/* Puts a cell that is a value into a chunk: see binlog_put_cell(). */
typedef enum binlog_put put_fn(struct chunk_builder *b, uint32_t col, const struct binlog_column *c,
                               const struct charset *cs, const struct binlog_cell *cell,
                               struct arena *a);

enum {
    /* The longest text of a JSON value is below this many times its binary form. */
    JSON_TEXT_RATIO = 8,
    JSON_TEXT_EXTRA = 128,

    DIGITS_A_WORD = 9,
    YEAR_BASE = 1900,
    MAX_DECIMAL_I64 = 18, /* Digits. */
};

#define US_PER_SECOND INT64_C(1000000)

static const uint32_t fraction_unit[] = {1000000, 10000, 100, 1}; /* [bytes]: microseconds. */

/* ---- Numbers ---- */

static inline int64_t load_signed(struct str bytes)
{
    const unsigned unused = 64 - 8 * (unsigned)bytes.len;
    return (int64_t)(load_uint(bytes.p, (unsigned)bytes.len) << unused) >> unused;
}

static int get_int(const struct binlog_column *c, struct str bytes, struct arena *a,
                   struct value *out)
{
    (void)a;
    *out = c->is_unsigned ? value_uint(load_uint(bytes.p, (unsigned)bytes.len))
                          : value_int(load_signed(bytes));
    return 0;
}

static int get_float(const struct binlog_column *c, struct str bytes, struct arena *a,
                     struct value *out)
{
    (void)c;
    (void)a;
    float f;
    memcpy(&f, bytes.p, sizeof(f));
    *out = value_double((double)f);
    return 0;
}

static int get_double(const struct binlog_column *c, struct str bytes, struct arena *a,
                      struct value *out)
{
    (void)c;
    (void)a;
    double x;
    memcpy(&x, bytes.p, sizeof(x));
    *out = value_double(x);
    return 0;
}

static int get_decimal(const struct binlog_column *c, struct str bytes, struct arena *a,
                       struct value *out)
{
    (void)a;
    *out = (struct value){.kind = VALUE_DECIMAL};
    return decimal_from_sortable(bytes, c->precision, c->decimals, &out->dec);
}

static int get_year(const struct binlog_column *c, struct str bytes, struct arena *a,
                    struct value *out)
{
    (void)c;
    (void)a;
    const uint8_t year = (uint8_t)bytes.p[0];
    *out = value_uint(year == 0 ? 0 : YEAR_BASE + (uint64_t)year);
    return 0;
}

static int get_bit(const struct binlog_column *c, struct str bytes, struct arena *a,
                   struct value *out)
{
    (void)a;
    const uint64_t bits = load_be(bytes.p, (unsigned)bytes.len);
    *out = value_uint(bits);
    return c->max_len < 64 && bits >> c->max_len != 0 ? -1 : 0;
}

/* The number of an ENUM's member, or the bits of a SET. */
static int get_label(const struct binlog_column *c, struct str bytes, struct arena *a,
                     struct value *out)
{
    (void)c;
    (void)a;
    *out = value_uint(load_uint(bytes.p, (unsigned)bytes.len));
    return 0;
}

/* ---- Dates and times ---- */

static int finish_date(enum value_kind kind, uint8_t decimals, const struct mtime *t,
                       struct value *out)
{
    *out = (struct value){.kind = kind, .decimals = decimals, .time = *t};
    return t->month > 12 || t->day > 31 || t->hour > 23 || t->minute > 59 || t->second > 59 ||
                   t->usec > 999999 || t->year > 9999
               ? -1
               : 0;
}

static int get_date(const struct binlog_column *c, struct str bytes, struct arena *a,
                    struct value *out)
{
    (void)c;
    (void)a;
    const uint32_t v = (uint32_t)load_uint(bytes.p, 3);
    const struct mtime t = {.year = (uint16_t)(v >> 9), .month = v >> 5 & 15, .day = v & 31};
    return finish_date(VALUE_DATE, 0, &t, out);
}

/* 40 bits: sign (always set), year * 13 + month: 17, day: 5, hour: 5, minute: 6, second: 6. */
static struct mtime unpack_datetime2(const struct binlog_column *c, const char *p)
{
    const uint64_t v = load_be(p, 5);
    const uint32_t ym = v >> 22 & 0x1ffff;
    const unsigned bytes = (c->decimals + 1u) / 2;
    return (struct mtime){.year = (uint16_t)(ym / 13),
                          .month = (uint8_t)(ym % 13),
                          .day = v >> 17 & 31,
                          .hour = v >> 12 & 31,
                          .minute = v >> 6 & 63,
                          .second = v & 63,
                          .usec = (uint32_t)load_be(p + 5, bytes) * fraction_unit[bytes]};
}

static int get_datetime2(const struct binlog_column *c, struct str bytes, struct arena *a,
                         struct value *out)
{
    (void)a;
    const struct mtime t = unpack_datetime2(c, bytes.p);
    return finish_date(VALUE_DATETIME, c->decimals, &t, out);
}

/* YYYYMMDDHHMMSS as a number. */
static int get_old_datetime(const struct binlog_column *c, struct str bytes, struct arena *a,
                            struct value *out)
{
    (void)c;
    (void)a;
    const uint64_t v = load_u64(bytes.p);
    if (v > UINT64_C(99991231235959)) {
        return -1;
    }
    const struct mtime t = {.year = (uint16_t)(v / 10000000000),
                            .month = (uint8_t)(v / 100000000 % 100),
                            .day = (uint8_t)(v / 1000000 % 100),
                            .hour = (uint16_t)(v / 10000 % 100),
                            .minute = (uint8_t)(v / 100 % 100),
                            .second = (uint8_t)(v % 100)};
    return finish_date(VALUE_DATETIME, 0, &t, out);
}

/* Microseconds since 1970 of the form with an integer of seconds and a fraction. */
static int64_t unpack_timestamp2(const struct binlog_column *c, const char *p)
{
    const unsigned bytes = (c->decimals + 1u) / 2;
    return (int64_t)load_be(p, 4) * US_PER_SECOND +
           (int64_t)load_be(p + 4, bytes) * fraction_unit[bytes];
}

/* 0 stands for the zero date. */
static void set_timestamp(int64_t us, uint8_t decimals, struct value *out)
{
    *out = (struct value){.kind = VALUE_DATETIME, .decimals = decimals};
    if (us != 0) {
        temporal_unpack_datetime(us, &out->time);
    }
}

static int get_timestamp2(const struct binlog_column *c, struct str bytes, struct arena *a,
                          struct value *out)
{
    (void)a;
    set_timestamp(unpack_timestamp2(c, bytes.p), c->decimals, out);
    return 0;
}

static int get_old_timestamp(const struct binlog_column *c, struct str bytes, struct arena *a,
                             struct value *out)
{
    (void)c;
    (void)a;
    set_timestamp((int64_t)load_u32(bytes.p) * US_PER_SECOND, 0, out);
    return 0;
}

static int finish_time(uint8_t decimals, const struct mtime *t, struct value *out)
{
    *out = (struct value){.kind = VALUE_TIME, .decimals = decimals, .time = *t};
    return t->hour > 838 || t->minute > 59 || t->second > 59 || t->usec > 999999 ? -1 : 0;
}

/* A number with an offset that makes it positive: hour: 10, minute: 6, second: 6, then the
 * fraction's bytes; of a negative time all of it is negated. */
static int get_time2(const struct binlog_column *c, struct str bytes, struct arena *a,
                     struct value *out)
{
    (void)a;
    const unsigned fraction = (c->decimals + 1u) / 2;
    const int64_t v =
        (int64_t)load_be(bytes.p, 3 + fraction) - (INT64_C(0x800000) << (8 * fraction));
    const uint64_t u = (uint64_t)(v < 0 ? -v : v);
    const uint64_t hms = u >> (8 * fraction);
    const uint64_t rest = u & ((UINT64_C(1) << (8 * fraction)) - 1);
    const struct mtime t = {.hour = hms >> 12 & 1023,
                            .minute = hms >> 6 & 63,
                            .second = hms & 63,
                            .usec = (uint32_t)rest * fraction_unit[fraction],
                            .negative = v < 0};
    return finish_time(c->decimals, &t, out);
}

/* HHMMSS as a number. */
static int get_old_time(const struct binlog_column *c, struct str bytes, struct arena *a,
                        struct value *out)
{
    (void)c;
    (void)a;
    const int64_t v = load_signed(bytes);
    const uint32_t u = (uint32_t)(v < 0 ? -v : v);
    const struct mtime t = {.hour = (uint16_t)(u / 10000),
                            .minute = (uint8_t)(u / 100 % 100),
                            .second = (uint8_t)(u % 100),
                            .negative = v < 0};
    return finish_time(0, &t, out);
}

/* ---- Strings ---- */

static uint16_t collation_of(const struct binlog_column *c)
{
    return c->has_collation ? c->collation : COLLATION_BINARY;
}

static int get_string(const struct binlog_column *c, struct str bytes, struct arena *a,
                      struct value *out)
{
    (void)a;
    *out = value_string(bytes, collation_of(c));
    return 0;
}

static bool is_binary(const struct binlog_column *c)
{
    return c->has_collation && c->collation == COLLATION_BINARY;
}

/* CHAR comes without its trailing spaces, BINARY without its trailing zeros, which belong to it. */
static int get_fixed_string(const struct binlog_column *c, struct str bytes, struct arena *a,
                            struct value *out)
{
    *out = value_string(bytes, collation_of(c));
    if (is_binary(c) && bytes.len < c->max_len) {
        char *buf = arena_calloc(a, c->max_len);
        if (bytes.len > 0) {
            memcpy(buf, bytes.p, bytes.len);
        }
        out->str = str_from(buf, c->max_len);
    }
    return 0;
}

static int get_compressed(const struct binlog_column *c, struct str bytes, struct arena *a,
                          struct value *out)
{
    *out = value_string(STR_NULL, collation_of(c));
    return mariadb_uncompress_column(bytes, a, &out->str);
}

static int get_opaque(const struct binlog_column *c, struct str bytes, struct arena *a,
                      struct value *out)
{
    (void)c;
    (void)a;
    *out = value_string(bytes, COLLATION_BINARY);
    return 0;
}

static size_t json_text_limit(size_t binary_len)
{
    return binary_len * JSON_TEXT_RATIO + JSON_TEXT_EXTRA;
}

/* Moves a text into the arena. Returns rc. */
static int take_json(struct bytebuf *text, int rc, struct arena *a, struct value *out)
{
    *out = (struct value){.kind = VALUE_JSON, .collation = COLLATION_UTF8MB4_BIN};
    if (rc == 0) {
        out->str = arena_dup(a, bytebuf_str(text));
    }
    bytebuf_release(text);
    return rc;
}

static int get_json(const struct binlog_column *c, struct str bytes, struct arena *a,
                    struct value *out)
{
    (void)c;
    struct bytebuf text;
    bytebuf_init(&text, json_text_limit(bytes.len));
    const int rc = json_binary_to_text(bytes, &text);
    return take_json(&text, rc, a, out);
}

int binlog_patch_cell(const struct binlog_cell *before, const struct binlog_cell *after,
                      struct arena *a, struct value *out)
{
    *out = value_null();
    if (before->state != BINLOG_CELL_VALUE || after->state != BINLOG_CELL_JSON_DIFF) {
        return -1;
    }
    struct bytebuf text;
    bytebuf_init(&text, json_text_limit((size_t)before->len + after->len));
    const int rc = json_binary_patch(str_from(before->p, before->len),
                                     str_from(after->p, after->len), a, &text);
    return take_json(&text, rc, a, out);
}

/* ---- Values ---- */

static cell_fn *const getters[256] = {
    [MYSQL_TYPE_TINY] = get_int,
    [MYSQL_TYPE_SHORT] = get_int,
    [MYSQL_TYPE_INT24] = get_int,
    [MYSQL_TYPE_LONG] = get_int,
    [MYSQL_TYPE_LONGLONG] = get_int,
    [MYSQL_TYPE_FLOAT] = get_float,
    [MYSQL_TYPE_DOUBLE] = get_double,
    [MYSQL_TYPE_NEWDECIMAL] = get_decimal,
    [MYSQL_TYPE_YEAR] = get_year,
    [MYSQL_TYPE_BIT] = get_bit,
    [MYSQL_TYPE_ENUM] = get_label,
    [MYSQL_TYPE_SET] = get_label,
    [MYSQL_TYPE_DATE] = get_date,
    [MYSQL_TYPE_NEWDATE] = get_date,
    [MYSQL_TYPE_TIME] = get_old_time,
    [MYSQL_TYPE_DATETIME] = get_old_datetime,
    [MYSQL_TYPE_TIMESTAMP] = get_old_timestamp,
    [BINLOG_TYPE_TIME2] = get_time2,
    [BINLOG_TYPE_DATETIME2] = get_datetime2,
    [BINLOG_TYPE_TIMESTAMP2] = get_timestamp2,
    [MYSQL_TYPE_STRING] = get_fixed_string,
    [MYSQL_TYPE_VARCHAR] = get_string,
    [MYSQL_TYPE_VAR_STRING] = get_string,
    [MYSQL_TYPE_TINY_BLOB] = get_string,
    [MYSQL_TYPE_MEDIUM_BLOB] = get_string,
    [MYSQL_TYPE_LONG_BLOB] = get_string,
    [MYSQL_TYPE_BLOB] = get_string,
    [BINLOG_TYPE_BLOB_COMPRESSED] = get_compressed,
    [BINLOG_TYPE_VARCHAR_COMPRESSED] = get_compressed,
    [MYSQL_TYPE_GEOMETRY] = get_opaque,
    [MYSQL_TYPE_VECTOR] = get_opaque,
    [MYSQL_TYPE_JSON] = get_json,
};

int binlog_cell_value(const struct binlog_column *c, const struct binlog_cell *cell,
                      struct arena *a, struct value *out)
{
    *out = value_null();
    if (cell->state != BINLOG_CELL_VALUE) {
        return cell->state == BINLOG_CELL_JSON_DIFF ? -1 : 0;
    }
    cell_fn *get = getters[c->type];
    return get == NULL ? -1 : get(c, str_from(cell->p, cell->len), a, out);
}

/* ---- Chunks ---- */

/* A DECIMAL of at most 18 digits as an integer scaled by 10^scale. -1 when a group of digits has
 * more digits than it can. */
static int load_decimal(const struct binlog_column *c, const char *p, int64_t *out)
{
    static const uint8_t group_bytes[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    static const uint32_t pow10[10] = {1,      10,      100,      1000,      10000,
                                       100000, 1000000, 10000000, 100000000, 1000000000};
    const unsigned whole = c->precision - c->decimals;
    const bool negative = ((uint8_t)*p & 0x80) == 0;
    uint8_t buf[16];
    memcpy(buf, p, c->size);
    buf[0] ^= 0x80;
    const uint8_t *at = buf;
    int64_t v = 0;
    for (unsigned done = 0; done < c->precision;) {
        unsigned n = done < whole ? (whole - done) % DIGITS_A_WORD : c->precision - done;
        n = n == 0 || n > DIGITS_A_WORD ? DIGITS_A_WORD : n;
        const unsigned bytes = group_bytes[n];
        uint32_t word = 0;
        for (unsigned i = 0; i < bytes; i++) {
            word = word << 8 | (uint8_t)(negative ? ~at[i] : at[i]);
        }
        if (word >= pow10[n]) {
            return -1;
        }
        v = v * pow10[n] + word;
        at += bytes;
        done += n;
    }
    *out = negative ? -v : v;
    return 0;
}

static enum binlog_put put_converted(struct chunk_builder *b, uint32_t col,
                                     const struct charset *cs, struct str s)
{
    struct bytebuf text;
    bytebuf_init(&text, s.len * 4 + 4);
    const size_t lost = charset_to_utf8(cs, s, &text);
    chunk_builder_set_str(b, col, bytebuf_str(&text));
    bytebuf_release(&text);
    return lost == 0 ? BINLOG_PUT_OK : BINLOG_PUT_LOSSY;
}

enum binlog_put binlog_put_text(struct chunk_builder *b, uint32_t col, const struct charset *cs,
                                struct str s)
{
    if (cs != NULL && cs->kind != CHARSET_BINARY && !charset_is_utf8_already(cs, s)) {
        return put_converted(b, col, cs, s);
    }
    chunk_builder_set_str(b, col, s);
    return BINLOG_PUT_OK;
}

/* By way of a struct value, for all that has no short cut. */
static enum binlog_put put_value(struct chunk_builder *b, uint32_t col,
                                 const struct binlog_column *c, const struct charset *cs,
                                 const struct binlog_cell *cell, struct arena *a)
{
    struct value v;
    if (binlog_cell_value(c, cell, a, &v) != 0) {
        return BINLOG_PUT_MALFORMED;
    }
    if (v.kind == VALUE_STRING && binlog_column_is_string(c)) {
        return binlog_put_text(b, col, cs, v.str);
    }
    chunk_builder_set(b, col, &v);
    return BINLOG_PUT_OK;
}

static enum binlog_put put_int(struct chunk_builder *b, uint32_t col, const struct binlog_column *c,
                               const struct charset *cs, const struct binlog_cell *cell,
                               struct arena *a)
{
    (void)cs;
    (void)a;
    const struct str bytes = str_from(cell->p, cell->len);
    chunk_builder_set_int(b, col,
                          c->is_unsigned ? (int64_t)load_uint(bytes.p, (unsigned)bytes.len)
                                         : load_signed(bytes));
    return BINLOG_PUT_OK;
}

static enum binlog_put put_string(struct chunk_builder *b, uint32_t col,
                                  const struct binlog_column *c, const struct charset *cs,
                                  const struct binlog_cell *cell, struct arena *a)
{
    (void)c;
    (void)a;
    return binlog_put_text(b, col, cs, str_from(cell->p, cell->len));
}

static enum binlog_put put_fixed_string(struct chunk_builder *b, uint32_t col,
                                        const struct binlog_column *c, const struct charset *cs,
                                        const struct binlog_cell *cell, struct arena *a)
{
    return is_binary(c) ? put_value(b, col, c, cs, cell, a) : put_string(b, col, c, cs, cell, a);
}

static enum binlog_put put_datetime2(struct chunk_builder *b, uint32_t col,
                                     const struct binlog_column *c, const struct charset *cs,
                                     const struct binlog_cell *cell, struct arena *a)
{
    struct value v;
    (void)cs;
    if (get_datetime2(c, str_from(cell->p, cell->len), a, &v) != 0) {
        return BINLOG_PUT_MALFORMED;
    }
    chunk_builder_set_i64(b, col, temporal_pack_datetime(&v.time));
    return BINLOG_PUT_OK;
}

static enum binlog_put put_timestamp2(struct chunk_builder *b, uint32_t col,
                                      const struct binlog_column *c, const struct charset *cs,
                                      const struct binlog_cell *cell, struct arena *a)
{
    const int64_t us = unpack_timestamp2(c, cell->p);
    if (us == 0) {
        return put_value(b, col, c, cs, cell, a); /* The zero date. */
    }
    chunk_builder_set_i64(b, col, us);
    return BINLOG_PUT_OK;
}

static enum binlog_put put_decimal(struct chunk_builder *b, uint32_t col,
                                   const struct binlog_column *c, const struct charset *cs,
                                   const struct binlog_cell *cell, struct arena *a)
{
    int64_t scaled;
    if (c->precision > MAX_DECIMAL_I64) {
        return put_value(b, col, c, cs, cell, a);
    }
    if (load_decimal(c, cell->p, &scaled) != 0) {
        return BINLOG_PUT_MALFORMED;
    }
    chunk_builder_set_int(b, col, scaled);
    return BINLOG_PUT_OK;
}

/* Short cuts; NULL = put_value(). */
static put_fn *const putters[256] = {
    [MYSQL_TYPE_TINY] = put_int,
    [MYSQL_TYPE_SHORT] = put_int,
    [MYSQL_TYPE_INT24] = put_int,
    [MYSQL_TYPE_LONG] = put_int,
    [MYSQL_TYPE_LONGLONG] = put_int,
    [MYSQL_TYPE_STRING] = put_fixed_string,
    [MYSQL_TYPE_VARCHAR] = put_string,
    [MYSQL_TYPE_VAR_STRING] = put_string,
    [MYSQL_TYPE_BLOB] = put_string,
    [BINLOG_TYPE_DATETIME2] = put_datetime2,
    [BINLOG_TYPE_TIMESTAMP2] = put_timestamp2,
    [MYSQL_TYPE_NEWDECIMAL] = put_decimal,
};

enum binlog_put binlog_put_cell(struct chunk_builder *b, uint32_t col,
                                const struct binlog_column *c, const struct charset *cs,
                                const struct binlog_cell *cell, struct arena *a)
{
    if (cell->state != BINLOG_CELL_VALUE) {
        return cell->state == BINLOG_CELL_JSON_DIFF ? BINLOG_PUT_MALFORMED : BINLOG_PUT_OK;
    }
    put_fn *put = putters[c->type];
    return put != NULL ? put(b, col, c, cs, cell, a) : put_value(b, col, c, cs, cell, a);
}

struct sql_type binlog_column_sql_type(const struct binlog_column *c)
{
    static const uint8_t declared[256] = {
        [BINLOG_TYPE_TIMESTAMP2] = MYSQL_TYPE_TIMESTAMP,
        [BINLOG_TYPE_DATETIME2] = MYSQL_TYPE_DATETIME,
        [BINLOG_TYPE_TIME2] = MYSQL_TYPE_TIME,
        [BINLOG_TYPE_BLOB_COMPRESSED] = MYSQL_TYPE_BLOB,
        [BINLOG_TYPE_VARCHAR_COMPRESSED] = MYSQL_TYPE_VARCHAR,
    };
    const uint8_t type = declared[c->type] != 0 ? declared[c->type] : c->type;
    const bool is_unsigned = c->is_unsigned || type == MYSQL_TYPE_YEAR || type == MYSQL_TYPE_BIT;
    return (struct sql_type){
        .type = (enum mysql_type)type,
        .length = type == MYSQL_TYPE_NEWDECIMAL ? c->precision : c->max_len,
        .decimals = type == MYSQL_TYPE_FLOAT || type == MYSQL_TYPE_DOUBLE ? DECIMALS_NOT_FIXED
                                                                          : c->decimals,
        .flags =
            (uint16_t)((is_unsigned ? UNSIGNED_FLAG : 0) | (c->is_nullable ? 0 : NOT_NULL_FLAG)),
        .collation = collation_of(c),
        .labels = c->labels,
    };
}
