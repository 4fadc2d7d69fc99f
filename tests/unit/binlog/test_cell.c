/* Values that the recorded servers do not write: formats of old servers, and damage. */
#include "binlog/cell.h"
#include "binlog/print.h"
#include "binlog_test.h"

#define BYTES(literal) {"" literal, sizeof(literal) - 1}

struct cell_case {
    struct binlog_column column;
    struct str bytes;
    const char *text; /* As binlog_print_cell() has it; NULL = malformed. */
};

static const struct cell_case cases[] = {
    {{.type = MYSQL_TYPE_DATETIME, .size = 8},
     BYTES("\x45\xec\xe7\x33\x5f\x12\0\0"),
     "'2020-01-02 03:04:05'"},
    {{.type = MYSQL_TYPE_DATETIME, .size = 8}, BYTES("\xff\xff\xff\xff\xff\xff\0\0"), NULL},
    {{.type = MYSQL_TYPE_DATETIME, .size = 8}, BYTES("\0\0\0\0\0\0\0\0"), "'0000-00-00 00:00:00'"},
    {{.type = MYSQL_TYPE_TIME, .size = 3}, BYTES("\x97\x49\xfe"), "\'-11:22:33\'"},
    {{.type = MYSQL_TYPE_TIME, .size = 3}, BYTES("\x49\xfe\xfe"), NULL},
    {{.type = MYSQL_TYPE_TIME, .size = 3}, BYTES("\xff\xff\x7f"), NULL},
    {{.type = MYSQL_TYPE_TIMESTAMP, .size = 4}, BYTES("\xa5\x5d\x0d\x5e"), "'2020-01-02 03:04:05'"},
    {{.type = MYSQL_TYPE_TIMESTAMP, .size = 4}, BYTES("\0\0\0\0"), "'0000-00-00 00:00:00'"},
    /* MariaDB 11.5 goes on to 2106. */
    {{.type = BINLOG_TYPE_TIMESTAMP2, .size = 4},
     BYTES("\xff\xff\xff\xff"),
     "'2106-02-07 06:28:15'"},
    {{.type = BINLOG_TYPE_DATETIME2, .size = 5}, BYTES("\xff\xff\xff\xff\xff"), NULL},
    {{.type = BINLOG_TYPE_TIME2, .size = 3}, BYTES("\xff\xff\xff"), NULL},
    {{.type = MYSQL_TYPE_DATE, .size = 3}, BYTES("\xff\xff\xff"), NULL},
    {{.type = MYSQL_TYPE_NEWDECIMAL, .size = 2, .precision = 3, .decimals = 1},
     BYTES("\x8c\x05"),
     "12.5"},
    {{.type = MYSQL_TYPE_NEWDECIMAL, .size = 2, .precision = 3, .decimals = 1},
     BYTES("\xff\x05"),
     NULL},
    {{.type = MYSQL_TYPE_BIT, .size = 2, .max_len = 10}, BYTES("\x03\xff"), "1023"},
    {{.type = MYSQL_TYPE_BIT, .size = 2, .max_len = 10}, BYTES("\x04\x00"), NULL},
    {{.type = MYSQL_TYPE_LONGLONG, .size = 8, .is_unsigned = true},
     BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"),
     "18446744073709551615"},
    {{.type = MYSQL_TYPE_INT24, .size = 3}, BYTES("\xff\xff\xff"), "-1"},
    /* Without metadata: the number, and bytes. */
    {{.type = MYSQL_TYPE_ENUM, .size = 1}, BYTES("\x02"), "2"},
    {{.type = MYSQL_TYPE_SET, .size = 1}, BYTES("\x03"), "3"},
    {{.type = MYSQL_TYPE_VARCHAR, .len_bytes = 1}, BYTES("ab"), "X'6162'"},
    {{.type = BINLOG_TYPE_VARCHAR_COMPRESSED, .len_bytes = 2}, BYTES("\0ab"), "X'6162'"},
    {{.type = BINLOG_TYPE_VARCHAR_COMPRESSED, .len_bytes = 2}, BYTES(""), "X''"},
    {{.type = BINLOG_TYPE_VARCHAR_COMPRESSED, .len_bytes = 2}, BYTES("\x8a\x01\x2c\xab"), NULL},
    {{.type = BINLOG_TYPE_VARCHAR_COMPRESSED, .len_bytes = 2}, BYTES("\x70xx"), NULL},
    {{.type = MYSQL_TYPE_JSON, .len_bytes = 4}, BYTES("\x0c\x09x"), NULL},
};

static void test_values(void **state)
{
    (void)state;
    struct arena a;
    struct bytebuf out;
    arena_init(&a, 0);
    bytebuf_init(&out, 10000);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct cell_case *c = &cases[i];
        const struct binlog_cell cell = {
            .p = c->bytes.p, .len = (uint32_t)c->bytes.len, .state = BINLOG_CELL_VALUE};
        bytebuf_reset(&out);
        const int rc = binlog_print_cell(&c->column, &cell, NULL, &a, &out);
        bytebuf_put_char(&out, '\0');
        if (c->text == NULL) {
            if (rc == 0) {
                fail_msg("case %zu gives %s", i, out.p);
            }
        } else {
            assert_int_equal(rc, 0);
            assert_string_equal(out.p, c->text);
        }
    }
    bytebuf_release(&out);
    arena_release(&a);
}

/* Text that its character set does not have becomes '?', and the caller is told. */
static void test_lossy_text_is_told(void **state)
{
    (void)state;
    struct arena a;
    struct chunk_builder b;
    arena_init(&a, 0);
    const struct binlog_column c = {
        .type = MYSQL_TYPE_VARCHAR, .len_bytes = 1, .collation = 255, .has_collation = true};
    const struct sql_type type = binlog_column_sql_type(&c);
    chunk_builder_init(&b, &type, 1);
    struct binlog_cell cell = {.p = "a\xff", .len = 2, .state = BINLOG_CELL_VALUE};
    (void)chunk_builder_add_row(&b);
    assert_int_equal(binlog_put_cell(&b, 0, &c, charset_utf8mb4(), &cell, &a), BINLOG_PUT_LOSSY);
    (void)chunk_builder_add_row(&b);
    assert_int_equal(binlog_put_cell(&b, 0, &c, charset_latin1(), &cell, &a), BINLOG_PUT_OK);
    struct value v;
    vec_get(&b.cols[0], 1, &v);
    assert_int_equal(v.str.len, 3);
    cell.state = BINLOG_CELL_NULL;
    (void)chunk_builder_add_row(&b);
    assert_int_equal(binlog_put_cell(&b, 0, &c, charset_latin1(), &cell, &a), BINLOG_PUT_OK);
    assert_true(vec_is_null(&b.cols[0], 2));
    chunk_builder_release(&b);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lossy_text_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
