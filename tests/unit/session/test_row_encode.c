/* Result rows: every type in both protocols, from chunks and from values, byte by byte. */
#include "session/row_encode.h"
#include "types/convert.h"
#include "wire/pkt_writer.h"

#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static const struct str label_names[] = {STR_INIT("small"), STR_INIT("medium"), STR_INIT("large")};
static const struct type_labels labels = {.count = 3, .names = label_names};

struct sample {
    struct sql_type type;
    struct value value;
    const char *text;   /* in the text protocol */
    const char *binary; /* hexadecimal, in the binary one; NULL: the text with its length */
};

#define T(t, len, dec, fl)                                                                         \
    {.type = MYSQL_TYPE_##t, .length = (len), .decimals = (dec), .flags = (fl)}
#define TEXT_OF_32 "12345678901234567890123456789012"
#define TEXT_OF_256                                                                                \
    TEXT_OF_32 TEXT_OF_32 TEXT_OF_32 TEXT_OF_32 TEXT_OF_32 TEXT_OF_32 TEXT_OF_32 TEXT_OF_32

static struct value decimal_value(const char *text)
{
    struct value v = {.kind = VALUE_DECIMAL};
    size_t used;
    assert_int_equal(decimal_parse(str_from_cstr(text), &v.dec, &used), DECIMAL_OK);
    return v;
}

static struct value temporal_value(enum value_kind kind, const char *text, uint8_t decimals)
{
    struct value v = {.kind = kind, .decimals = decimals};
    size_t rest;
    const int rc = kind == VALUE_TIME ? parse_time(str_from_cstr(text), &v.time, &rest)
                                      : parse_datetime(str_from_cstr(text), 0, &v.time, &rest);
    assert_int_equal(rc, 0);
    return v;
}

static size_t make_samples(struct sample *s)
{
    const struct sample all[] = {
        {T(TINY, 4, 0, 0), value_int(-128), "-128", "80"},
        {T(TINY, 3, 0, UNSIGNED_FLAG), value_uint(255), "255", "ff"},
        {T(TINY, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG), value_uint(7), "0007", "07"},
        {T(SHORT, 6, 0, 0), value_int(-2), "-2", "feff"},
        {T(SHORT, 5, 0, UNSIGNED_FLAG), value_uint(65535), "65535", "ffff"},
        {T(INT24, 9, 0, 0), value_int(-8388608), "-8388608", "000080ff"},
        {T(LONG, 11, 0, 0), value_int(INT32_MIN), "-2147483648", "00000080"},
        {T(LONG, 10, 0, UNSIGNED_FLAG), value_uint(1), "1", "01000000"},
        {T(LONGLONG, 20, 0, 0), value_int(-2), "-2", "feffffffffffffff"},
        {T(LONGLONG, 20, 0, UNSIGNED_FLAG), value_uint(UINT64_MAX), "18446744073709551615",
         "ffffffffffffffff"},
        {T(YEAR, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG), value_uint(0), "0000", "0000"},
        {T(YEAR, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG), value_uint(2155), "2155", "6b08"},
        {T(BIT, 12, 0, UNSIGNED_FLAG), value_uint(0x0141), "\x01\x41", NULL},
        {T(NEWDECIMAL, 4, 2, 0), decimal_value("-99.99"), "-99.99", NULL},
        {T(NEWDECIMAL, 9, 0, 0), decimal_value("999999999"), "999999999", NULL},
        {T(NEWDECIMAL, 15, 2, 0), decimal_value("-0.01"), "-0.01", NULL},
        {T(NEWDECIMAL, 38, 10, 0), decimal_value("-9999999999999999999999999999.9999999999"),
         "-9999999999999999999999999999.9999999999", NULL},
        {T(NEWDECIMAL, 65, 30, 0),
         decimal_value("12345678901234567890123456789012345.000000000000000000000000000001"),
         "12345678901234567890123456789012345.000000000000000000000000000001", NULL},
        {T(NEWDECIMAL, 6, 2, UNSIGNED_FLAG | ZEROFILL_FLAG), decimal_value("1.50"), "0001.50",
         NULL},
        {T(FLOAT, 12, 31, 0), value_double(1.5), "1.5", "0000c03f"},
        {T(FLOAT, 8, 2, 0), value_double(1.5), "1.50", "0000c03f"},
        {T(DOUBLE, 22, 31, 0), value_double(-0.5), "-0.5", "000000000000e0bf"},
        {T(DOUBLE, 10, 3, UNSIGNED_FLAG | ZEROFILL_FLAG), value_double(1.5), "000001.500",
         "000000000000f83f"},
        {T(DATE, 10, 0, 0), temporal_value(VALUE_DATE, "2024-02-29", 0), "2024-02-29",
         "04e807021d"},
        {T(DATE, 10, 0, 0), temporal_value(VALUE_DATE, "0000-00-00", 0), "0000-00-00", "00"},
        {T(DATETIME, 19, 0, 0), temporal_value(VALUE_DATETIME, "1000-01-01 00:00:00", 0),
         "1000-01-01 00:00:00", "04e8030101"},
        {T(DATETIME, 26, 6, 0), temporal_value(VALUE_DATETIME, "2020-01-02 03:04:05.678901", 6),
         "2020-01-02 03:04:05.678901", "0be4070102030405f55b0a00"},
        {T(DATETIME, 23, 3, 0), temporal_value(VALUE_DATETIME, "0000-00-00 00:00:00", 3),
         "0000-00-00 00:00:00.000", "00"},
        {T(TIMESTAMP, 19, 0, 0), temporal_value(VALUE_DATETIME, "0000-00-00 00:00:00", 0),
         "0000-00-00 00:00:00", "00"},
        {T(TIME, 10, 0, 0), temporal_value(VALUE_TIME, "-838:59:59", 0), "-838:59:59",
         "080122000000163b3b"},
        {T(TIME, 17, 6, 0), temporal_value(VALUE_TIME, "00:00:00.000001", 6), "00:00:00.000001",
         "0c000000000000000001000000"},
        {T(TIME, 10, 0, 0), temporal_value(VALUE_TIME, "00:00:00", 0), "00:00:00", "00"},
        {T(VARCHAR, 100, 0, 0), value_string(STR("twelve bytes"), 45), "twelve bytes", NULL},
        {T(VARCHAR, 300, 0, 0), value_string(STR(TEXT_OF_256), 45), TEXT_OF_256, NULL},
        {T(STRING, 100, 0, 0), value_string(STR(""), 45), "", NULL},
        {T(BLOB, 100, 0, BINARY_FLAG), value_string(STR("thirteen byte"), 63), "thirteen byte",
         NULL},
        {T(JSON, 100, 0, 0),
         {.kind = VALUE_JSON, .str = STR_INIT("{\"a\": 1}")},
         "{\"a\": 1}",
         NULL},
        {T(GEOMETRY, 100, 0, 0), value_string(STR("opaque"), 63), "opaque", NULL},
        {{.type = MYSQL_TYPE_ENUM, .labels = &labels}, value_uint(3), "large", NULL},
        {{.type = MYSQL_TYPE_ENUM, .labels = &labels}, value_uint(0), "", NULL},
        {{.type = MYSQL_TYPE_SET, .labels = &labels}, value_uint(5), "small,large", NULL},
    };
    memcpy(s, all, sizeof(all));
    return ARRAY_SIZE(all);
}

/* ---- Encoding ---- */

struct fixture {
    struct arena arena;
    struct bytebuf out;
    struct pkt_writer writer;
    struct row_encoder encoder;
};

static void fixture_init(struct fixture *f, const struct sql_type *types, uint32_t count,
                         bool binary, const struct charset *charset)
{
    struct result_column columns[64] = {0};
    memset(f, 0, sizeof *f);
    arena_init(&f->arena, 0);
    bytebuf_init(&f->out, SIZE_MAX);
    pkt_writer_init(&f->writer, &f->out);
    for (uint32_t i = 0; i < count; i++) {
        columns[i].type = types[i];
    }
    f->encoder.charset = charset;
    f->encoder.tz = timezone_find(STR("+05:30"));
    row_encoder_init(&f->encoder, &f->arena, columns, count, binary);
}

static void fixture_release(struct fixture *f)
{
    row_encoder_release(&f->encoder);
    bytebuf_release(&f->out);
    arena_release(&f->arena);
}

/* A row of one value, or of NULL, twice: from a chunk and from a struct value. */
static void encode_both(struct fixture *f, const struct sql_type *type, const struct value *v)
{
    struct chunk_builder b;
    chunk_builder_init(&b, type, 1);
    (void)chunk_builder_add_row(&b);
    if (!value_is_null(v)) {
        chunk_builder_set(&b, 0, v);
    }
    const struct chunk c = chunk_builder_chunk(&b);
    assert_int_equal(row_encode_chunk(&f->encoder, &f->writer, &c), 0);
    assert_int_equal(row_encode_values(&f->encoder, &f->writer, v), 0);
    chunk_builder_release(&b);
}

/* Both packets of encode_both() must hold these bytes. */
static void check_packets(const struct fixture *f, struct str want, size_t sample)
{
    const size_t len = 4 + want.len;
    if (f->out.len != 2 * len || memcmp(f->out.p + 4, want.p, want.len) != 0 ||
        memcmp(f->out.p + len + 4, want.p, want.len) != 0) {
        fail_msg("sample %zu: %zu bytes where twice %zu are expected", sample, f->out.len, len);
    }
}

static void put_lenenc_text(struct bytebuf *b, struct str s)
{
    char head[PKT_LENENC_MAX];
    bytebuf_put(b, head, (size_t)(pkt_raw_lenenc(head, s.len) - head));
    bytebuf_put_str(b, s);
}

static void put_hex(struct bytebuf *b, const char *hex)
{
    for (; *hex != '\0'; hex += 2) {
        const char digits[] = {hex[0], hex[1], '\0'};
        bytebuf_put_char(b, (char)strtoul(digits, NULL, 16));
    }
}

static void check_sample(const struct sample *s, bool binary, size_t number)
{
    struct fixture f;
    struct bytebuf want;
    bytebuf_init(&want, SIZE_MAX);
    fixture_init(&f, &s->type, 1, binary, NULL);
    encode_both(&f, &s->type, &s->value);
    if (binary) {
        bytebuf_put(&want, "\0\0", 2); /* the row's header and its bitmap of NULLs */
    }
    if (binary && s->binary != NULL) {
        put_hex(&want, s->binary);
    } else {
        put_lenenc_text(&want, str_from_cstr(s->text));
    }
    check_packets(&f, bytebuf_str(&want), number);
    bytebuf_release(&want);
    fixture_release(&f);
}

static void test_every_type_in_both_protocols(void **state)
{
    struct sample samples[64];
    (void)state;
    const size_t n = make_samples(samples);
    for (size_t i = 0; i < n; i++) {
        check_sample(&samples[i], false, i);
        check_sample(&samples[i], true, i);
    }
}

static void test_null_of_every_type(void **state)
{
    struct sample samples[64];
    const struct value null = value_null();
    (void)state;
    const size_t n = make_samples(samples);
    for (size_t i = 0; i < n; i++) {
        struct fixture f;
        fixture_init(&f, &samples[i].type, 1, false, NULL);
        encode_both(&f, &samples[i].type, &null);
        check_packets(&f, STR("\xfb"), i);
        fixture_release(&f);
        fixture_init(&f, &samples[i].type, 1, true, NULL);
        encode_both(&f, &samples[i].type, &null);
        check_packets(&f, STR("\0\x04"), i); /* the bitmap's first two bits are not used */
        fixture_release(&f);
    }
}

/* All types in one row: room is reserved once, NULLs and values next to each other. */
static void test_rows_of_all_types(void **state)
{
    struct sample samples[64];
    struct sql_type types[64];
    (void)state;
    const size_t n = make_samples(samples);
    for (size_t i = 0; i < n; i++) {
        types[i] = samples[i].type;
    }
    struct fixture f;
    struct chunk_builder b;
    struct bytebuf want;
    bytebuf_init(&want, SIZE_MAX);
    chunk_builder_init(&b, types, (uint32_t)n);
    for (size_t row = 0; row < 2; row++) {
        (void)chunk_builder_add_row(&b);
        bytebuf_put(&want, "hdr", 4);
        for (size_t i = 0; i < n; i++) {
            if (i % 2 == row) {
                chunk_builder_set(&b, (uint32_t)i, &samples[i].value);
                put_lenenc_text(&want, str_from_cstr(samples[i].text));
            } else {
                bytebuf_put_char(&want, (char)0xfb);
            }
        }
    }
    const struct chunk c = chunk_builder_chunk(&b);
    fixture_init(&f, types, (uint32_t)n, false, NULL);
    assert_int_equal(row_encode_chunk(&f.encoder, &f.writer, &c), 0);
    assert_int_equal(f.out.len, want.len);
    const size_t first =
        4 + ((size_t)(unsigned char)f.out.p[0] | (size_t)(unsigned char)f.out.p[1] << 8);
    assert_memory_equal(f.out.p + 4, want.p + 4, first - 4);
    assert_memory_equal(f.out.p + first + 4, want.p + first + 4, want.len - first - 4);
    fixture_release(&f);
    bytebuf_release(&want);
    chunk_builder_release(&b);
}

/* A DOUBLE of more than 250 characters has three bytes of length. */
static void test_longest_double(void **state)
{
    const struct sql_type type = T(DOUBLE, 53, 2, 0);
    const struct value v = value_double(1e300);
    struct fixture f;
    struct arena arena;
    struct bytebuf want;
    (void)state;
    arena_init(&arena, 0);
    bytebuf_init(&want, SIZE_MAX);
    fixture_init(&f, &type, 1, false, NULL);
    encode_both(&f, &type, &v);
    put_lenenc_text(&want, value_to_text(&v, &type, &arena));
    assert_true(want.len > 303);
    check_packets(&f, bytebuf_str(&want), 0);
    bytebuf_release(&want);
    arena_release(&arena);
    fixture_release(&f);
}

static void test_timestamps_in_the_zone(void **state)
{
    const struct sql_type type = T(TIMESTAMP, 19, 0, 0);
    const int64_t data[] = {1593561600000000};
    const struct vec v = {.type = &type, .phys = VEC_I64, .data = data};
    const struct chunk c = {.nrows = 1, .ncols = 1, .cols = &v};
    struct fixture f;
    (void)state;
    fixture_init(&f, &type, 1, false, NULL);
    assert_int_equal(row_encode_chunk(&f.encoder, &f.writer, &c), 0);
    assert_int_equal(f.out.len, 4 + 1 + 19);
    assert_memory_equal(f.out.p + 5, "2020-07-01 05:30:00", 19);
    fixture_release(&f);
    fixture_init(&f, &type, 1, true, NULL);
    assert_int_equal(row_encode_chunk(&f.encoder, &f.writer, &c), 0);
    assert_memory_equal(f.out.p + 6, "\x07\xe4\x07\x07\x01\x05\x1e\x00", 8);
    fixture_release(&f);
}

static void test_text_in_the_clients_character_set(void **state)
{
    const struct charset *latin1 = charset_find(STR("latin1"));
    const struct sql_type text = {.type = MYSQL_TYPE_VARCHAR, .length = 10, .collation = 45};
    const struct sql_type bytes = {.type = MYSQL_TYPE_BLOB, .length = 10, .collation = 63};
    const struct value v = value_string(STR("\xc3\xa9"), 45);
    struct fixture f;
    (void)state;
    assert_non_null(latin1);
    fixture_init(&f, &text, 1, false, latin1);
    encode_both(&f, &text, &v);
    check_packets(&f, STR("\x01\xe9"), 0);
    fixture_release(&f);
    fixture_init(&f, &bytes, 1, false, latin1);
    encode_both(&f, &bytes, &v);
    check_packets(&f, STR("\x02\xc3\xa9"), 1);
    fixture_release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_in_both_protocols),
        cmocka_unit_test(test_null_of_every_type),
        cmocka_unit_test(test_rows_of_all_types),
        cmocka_unit_test(test_longest_double),
        cmocka_unit_test(test_timestamps_in_the_zone),
        cmocka_unit_test(test_text_in_the_clients_character_set),
    };
    return cmocka_run_group_tests_name("row_encode", tests, NULL, NULL);
}
