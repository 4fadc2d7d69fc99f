/* fuzz: types base */
/* Any bytes into a column of any type: an error, or a value that the column holds and shows. */
#include "types/chunk.h"
#include "types/convert.h"
#include "types/store.h"
#include "types/vec_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct str names[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("long member")};
static const struct type_labels labels = {.count = 3, .names = names};

#define T(t, len, dec, fl, coll)                                                                   \
    {.type = MYSQL_TYPE_##t, .length = (len), .decimals = (dec), .flags = (fl), .collation = (coll)}

static const struct sql_type types[] = {
    T(TINY, 4, 0, 0, 63),
    T(SHORT, 5, 0, UNSIGNED_FLAG, 63),
    T(INT24, 9, 0, 0, 63),
    T(LONG, 10, 0, UNSIGNED_FLAG | ZEROFILL_FLAG, 63),
    T(LONGLONG, 20, 0, UNSIGNED_FLAG, 63),
    T(YEAR, 4, 0, UNSIGNED_FLAG | ZEROFILL_FLAG, 63),
    T(BIT, 13, 0, UNSIGNED_FLAG, 63),
    T(NEWDECIMAL, 4, 2, 0, 63),
    T(NEWDECIMAL, 18, 6, UNSIGNED_FLAG, 63),
    T(NEWDECIMAL, 38, 38, 0, 63),
    T(NEWDECIMAL, 65, 30, 0, 63),
    T(FLOAT, 12, 31, 0, 63),
    T(DOUBLE, 22, 31, 0, 63),
    T(DOUBLE, 10, 3, UNSIGNED_FLAG, 63),
    T(DATE, 10, 0, 0, 63),
    T(DATETIME, 23, 3, 0, 63),
    T(TIMESTAMP, 26, 6, 0, 63),
    T(TIME, 14, 3, 0, 63),
    T(VARCHAR, 10, 0, 0, 255),
    T(STRING, 5, 0, 0, 45),
    T(VARCHAR, 10, 0, 0, 8),
    T(STRING, 5, 0, 0, 63),
    T(TINY_BLOB, 255, 0, 0, 45),
    T(JSON, 0, 0, 0, 46),
    {.type = MYSQL_TYPE_ENUM, .collation = 255, .labels = &labels},
    {.type = MYSQL_TYPE_SET, .collation = 255, .labels = &labels},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The stored value goes through a vector and shows the same text both ways. */
static void check_stored(const struct sql_type *type, const struct value *v, struct arena *arena)
{
    struct chunk_builder b;
    struct vec_text text;
    struct value back;
    char buf[VEC_TEXT_MAX];
    chunk_builder_init(&b, type, 1);
    (void)chunk_builder_add_row(&b);
    chunk_builder_set(&b, 0, v);
    struct chunk c = chunk_builder_chunk(&b);
    require(vec_is_null(&c.cols[0], 0) == value_is_null(v));
    vec_get(&c.cols[0], 0, &back);
    if (!value_is_null(&back)) {
        vec_text_init(&text, type, c.cols[0].phys, NULL, arena);
        struct str shown = vec_text_get(&text, &c.cols[0], 0, buf);
        require(str_eq(shown, value_to_text(&back, type, arena)));
    }
    chunk_builder_release(&b);
}

static struct value source(uint8_t kind, struct str s)
{
    struct value v = value_string(s, kind & 1 ? 63 : 45);
    uint64_t bits = 0;
    memcpy(&bits, s.p, MIN(s.len, sizeof(bits)));
    switch (kind >> 1 & 7) {
    case 0:
        return value_int((int64_t)bits);
    case 1:
        return value_uint(bits);
    case 2: {
        double d;
        memcpy(&d, &bits, sizeof(d));
        return d == d ? value_double(d) : value_null();
    }
    case 3: {
        size_t used;
        v.kind = VALUE_DECIMAL;
        (void)!decimal_parse(s, &v.dec, &used);
        return v;
    }
    case 4: {
        size_t rest;
        v.kind = VALUE_DATETIME;
        v.decimals = 6;
        (void)!parse_datetime(s, 0, &v.time, &rest);
        return v;
    }
    default:
        return v;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    struct arena arena;
    struct diag diag;
    struct value out;
    arena_init(&arena, 0);
    diag_init(&diag);
    const struct sql_type *type = &types[data[0] % ARRAY_SIZE(types)];
    const struct store_ctx ctx = {
        .sql_mode = data[1] & 1 ? SQL_MODE_STRICT | SQL_MODE_NO_ZERO_DATE : 0,
        .flags = data[1] & 2 ? STORE_IGNORE : 0,
        .dialect = data[1] & 4 ? DIALECT_MARIADB : DIALECT_MYSQL,
        .row = 1,
        .diag = &diag,
    };
    struct value from = source(data[2], str_from((const char *)data + 3, size - 3));
    if (store_value(&ctx, type, STR("c"), &from, &arena, &out) == 0) {
        check_stored(type, &out, &arena);
    } else {
        require(diag.error != NULL);
    }
    diag_release(&diag);
    arena_release(&arena);
    return 0;
}
