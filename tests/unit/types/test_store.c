/* Storing values: a table of what both servers do, and the messages. */
#include "types/convert.h"
#include "types/store.h"
#include "types/temporal_text.h"
#include "types/timezone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#define TABLE "tests/unit/types/store.tsv"

static const struct str enum_names[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("ccc"),
                                        STR_INIT("10")};
static const struct str set_names[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("cc")};
static const struct type_labels enum_labels = {.count = 4, .names = enum_names};
static const struct type_labels set_labels = {.count = 3, .names = set_names};

#define T(t, len, dec, fl)                                                                         \
    {.type = MYSQL_TYPE_##t,                                                                       \
     .length = (len),                                                                              \
     .decimals = (dec),                                                                            \
     .flags = (fl),                                                                                \
     .collation = COLLATION_BINARY}
#define TEXT(t, len)                                                                               \
    {.type = MYSQL_TYPE_##t, .length = (len), .collation = COLLATION_UTF8MB4_GENERAL_CI}

static const struct {
    const char *name;
    struct sql_type type;
} types[] = {
    {"tinyint", T(TINY, 4, 0, 0)},
    {"tinyint unsigned", T(TINY, 3, 0, UNSIGNED_FLAG)},
    {"smallint", T(SHORT, 6, 0, 0)},
    {"mediumint", T(INT24, 9, 0, 0)},
    {"mediumint unsigned", T(INT24, 8, 0, UNSIGNED_FLAG)},
    {"int", T(LONG, 11, 0, 0)},
    {"int unsigned", T(LONG, 10, 0, UNSIGNED_FLAG)},
    {"bigint", T(LONGLONG, 20, 0, 0)},
    {"bigint unsigned", T(LONGLONG, 20, 0, UNSIGNED_FLAG)},
    {"decimal(5,2)", T(NEWDECIMAL, 5, 2, 0)},
    {"decimal(5,2) unsigned", T(NEWDECIMAL, 5, 2, UNSIGNED_FLAG)},
    {"decimal(65,30)", T(NEWDECIMAL, 65, 30, 0)},
    {"decimal(10,0)", T(NEWDECIMAL, 10, 0, 0)},
    {"float", T(FLOAT, 12, 31, 0)},
    {"double", T(DOUBLE, 22, 31, 0)},
    {"float unsigned", T(FLOAT, 12, 31, UNSIGNED_FLAG)},
    {"double(6,2)", T(DOUBLE, 6, 2, 0)},
    {"float(5,1)", T(FLOAT, 5, 1, 0)},
    {"bit(1)", T(BIT, 1, 0, UNSIGNED_FLAG)},
    {"bit(8)", T(BIT, 8, 0, UNSIGNED_FLAG)},
    {"bit(64)", T(BIT, 64, 0, UNSIGNED_FLAG)},
    {"year", T(YEAR, 4, 0, UNSIGNED_FLAG)},
    {"date", T(DATE, 10, 0, 0)},
    {"datetime", T(DATETIME, 19, 0, 0)},
    {"datetime(3)", T(DATETIME, 23, 3, 0)},
    {"datetime(6)", T(DATETIME, 26, 6, 0)},
    {"timestamp", T(TIMESTAMP, 19, 0, 0)},
    {"timestamp(6)", T(TIMESTAMP, 26, 6, 0)},
    {"time", T(TIME, 10, 0, 0)},
    {"time(3)", T(TIME, 14, 3, 0)},
    {"time(6)", T(TIME, 17, 6, 0)},
    {"char(5)", TEXT(STRING, 5)},
    {"varchar(5)", TEXT(VARCHAR, 5)},
    {"binary(5)", T(STRING, 5, 0, 0)},
    {"varbinary(5)", T(VARCHAR, 5, 0, 0)},
    {"tinytext", TEXT(TINY_BLOB, 255)},
    {"tinyblob", T(TINY_BLOB, 255, 0, 0)},
    {"enum('a','b','ccc','10')",
     {.type = MYSQL_TYPE_ENUM, .collation = COLLATION_UTF8MB4_GENERAL_CI, .labels = &enum_labels}},
    {"set('a','b','cc')",
     {.type = MYSQL_TYPE_SET, .collation = COLLATION_UTF8MB4_GENERAL_CI, .labels = &set_labels}},
    {"json", TEXT(JSON, 0)},
};

static const struct sql_type *find_type(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i].type;
        }
    }
    fail_msg("no type %s", name);
    return NULL;
}

static uint64_t find_mode(const char *name)
{
    const uint64_t zero = SQL_MODE_NO_ZERO_DATE | SQL_MODE_NO_ZERO_IN_DATE;
    const struct {
        const char *name;
        uint64_t mode;
    } modes[] = {
        {"strict", SQL_MODE_STRICT},
        {"strictz", SQL_MODE_STRICT_ALL_TABLES | zero},
        {"lax", 0},
        {"laxz", zero},
        {"ignore", SQL_MODE_STRICT_ALL_TABLES | zero},
    };
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (strcmp(modes[i].name, name) == 0) {
            return modes[i].mode;
        }
    }
    fail_msg("no mode %s", name);
    return 0;
}

static struct value binary_value(const char *hex, struct arena *arena)
{
    size_t len = strlen(hex) / 2;
    char *bytes = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return value_string(str_from(bytes, len), COLLATION_BINARY);
}

/* A value as the table writes it: kind and text. */
static struct value table_value(char kind, const char *text, struct arena *arena)
{
    struct str s = str_from_cstr(text);
    struct value v = value_string(s, COLLATION_UTF8MB4_GENERAL_CI);
    const char *point = strchr(text, '.');
    struct temporal_read r;
    bool is_unsigned;
    size_t used;
    switch (kind) {
    case '0':
        return value_null();
    case 'I': {
        int64_t i = value_to_int(&v, &is_unsigned, NULL);
        return is_unsigned ? value_uint((uint64_t)i) : value_int(i);
    }
    case 'N':
        v.kind = VALUE_DECIMAL;
        assert_int_equal(decimal_parse(s, &v.dec, &used), DECIMAL_OK);
        return v;
    case 'F':
        return value_double(strtod(text, NULL));
    case 'B':
        return binary_value(text, arena);
    case 'T':
        assert_int_equal(temporal_read_time(s, DIALECT_MYSQL, &r), 0);
        break;
    case 'D':
    case 'M':
        assert_int_equal(temporal_read_datetime(s, 0, DIALECT_MYSQL, &r), 0);
        break;
    default:
        return v;
    }
    v.kind = kind == 'T' ? VALUE_TIME : kind == 'D' ? VALUE_DATE : VALUE_DATETIME;
    v.decimals = (uint8_t)(point != NULL ? strlen(point + 1) : 0);
    v.time = r.t;
    return v;
}

/* The stored value as the table writes it. */
static void show_value(const struct sql_type *type, const struct value *v, enum sql_dialect dialect,
                       struct bytebuf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    if (value_is_null(v)) {
        bytebuf_put_cstr(out, "NULL");
    } else if (type->type == MYSQL_TYPE_BIT) {
        bytebuf_printf(out, "=%llX", (unsigned long long)v->u);
    } else {
        char buf[FORMAT_REAL_MAX];
        bool cut;
        struct str s = value_to_text(v, type, &arena);
        if (dialect == DIALECT_MYSQL && v->kind == VALUE_DOUBLE &&
            type->decimals == DECIMALS_NOT_FIXED) {
            /* The table was made with CAST(column AS CHAR). */
            bool is_float = type->type == MYSQL_TYPE_FLOAT;
            s = str_from(buf, is_float ? format_float_width((float)v->d, 12, buf, &cut)
                                       : format_double_width(v->d, 22, buf, &cut));
        }
        bytebuf_put_char(out, '=');
        for (size_t i = 0; i < s.len; i++) {
            if (type_is_binary_string(type)) {
                bytebuf_printf(out, "%02X", (unsigned char)s.p[i]);
            } else if (s.p[i] == '\\') {
                bytebuf_put_cstr(out, "\\\\");
            } else if (s.p[i] == '\0') {
                bytebuf_put_cstr(out, "\\0");
            } else {
                bytebuf_put_char(out, s.p[i]);
            }
        }
    }
    arena_release(&arena);
}

struct fixture {
    struct arena arena;
    struct diag diag;
    struct bytebuf text;
    struct store_ctx ctx;
};

static void show_outcome(struct fixture *f, const struct sql_type *type, int rc,
                         const struct value *v)
{
    static const char levels[] = {[DIAG_NOTE] = 'N', [DIAG_WARNING] = 'W', [DIAG_ERROR] = 'E'};
    struct bytebuf *out = &f->text;
    const struct diag *diag = &f->diag;
    bytebuf_reset(out);
    if (rc != 0) {
        bytebuf_printf(out, "E%d", diag->error->code);
        return;
    }
    show_value(type, v, f->ctx.dialect, out);
    for (const struct diag_cond *c = diag->first; c != NULL; c = c->next) {
        bytebuf_printf(out, " %c%d", levels[c->level], c->code);
    }
}

static int set_up(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    arena_init(&f.arena, 0);
    diag_init(&f.diag);
    bytebuf_init(&f.text, 100000);
    f.ctx = (struct store_ctx){
        .sql_mode = SQL_MODE_STRICT, .row = 1, .diag = &f.diag, .now_us = 1600000000000000};
    f.ctx.database = STR("test");
    f.ctx.table = STR("st");
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bytebuf_release(&f->text);
    diag_release(&f->diag);
    arena_release(&f->arena);
    return 0;
}

static void check_row(struct fixture *f, char *cells[5], enum sql_dialect dialect, const char *want)
{
    const struct sql_type *type = find_type(cells[0]);
    struct value from = table_value(cells[1][0], cells[2], &f->arena);
    struct value out;
    f->ctx.dialect = dialect;
    f->ctx.sql_mode = find_mode(cells[3]);
    f->ctx.flags = strcmp(cells[3], "ignore") == 0 ? STORE_IGNORE : 0;
    int rc = store_value(&f->ctx, type, STR("c"), &from, &f->arena, &out);
    show_outcome(f, type, rc, &out);
    if (!str_eq(bytebuf_str(&f->text), str_from_cstr(want))) {
        fail_msg("%s <- %s '%s' (%s, %s): got %.*s, want %s", cells[0], cells[1], cells[2],
                 cells[3], dialect == DIALECT_MYSQL ? "MySQL" : "MariaDB",
                 STR_FMT(bytebuf_str(&f->text)), want);
    }
    diag_reset(&f->diag);
    arena_reset(&f->arena);
}

static void test_values_store_as_on_the_servers(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(TABLE, "r");
    assert_non_null(file);
    char line[1024];
    unsigned rows = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#') {
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        char *cells[6] = {line};
        unsigned n = 1;
        for (char *p = line; n < 6 && (p = strchr(p, '\t')) != NULL; n++) {
            *p++ = '\0';
            cells[n] = p;
        }
        assert_true(n >= 5);
        check_row(f, cells, DIALECT_MYSQL, cells[4]);
        if (n == 5) {
            check_row(f, cells, DIALECT_MARIADB, cells[4]);
        } else if (strcmp(cells[5], "-") != 0) {
            check_row(f, cells, DIALECT_MARIADB, cells[5]);
        }
        rows++;
    }
    (void)fclose(file);
    assert_true(rows > 1000);
}

/* Stores text in strict mode; the error must be `code` with `message`. */
static void check_error(struct fixture *f, const char *type, struct value from, int code,
                        const char *message)
{
    struct value out;
    assert_int_equal(store_value(&f->ctx, find_type(type), STR("c"), &from, &f->arena, &out), -1);
    assert_int_equal(f->diag.error->code, code);
    if (!str_eq(f->diag.error->message, str_from_cstr(message))) {
        fail_msg("got '%.*s'", STR_FMT(f->diag.error->message));
    }
    diag_reset(&f->diag);
}

static struct value text(const char *s)
{
    return value_string(str_from_cstr(s), COLLATION_UTF8MB4_GENERAL_CI);
}

static void test_messages(void **state)
{
    struct fixture *f = *state;
    f->ctx.row = 7;
    check_error(f, "int", text("abc"), 1366,
                "Incorrect integer value: 'abc' for column 'c' at row 7");
    check_error(f, "tinyint", text("999"), 1264, "Out of range value for column 'c' at row 7");
    check_error(f, "int", text("12x"), 1265, "Data truncated for column 'c' at row 7");
    check_error(f, "varchar(5)", text("abcdef"), 1406, "Data too long for column 'c' at row 7");
    check_error(f, "date", text("2020-02-30"), 1292,
                "Incorrect date value: '2020-02-30' for column 'c' at row 7");
    check_error(
        f, "char(5)", value_string(STR("a\xff\xfe\xfd\xfc\xfb\xfa\xf9"), COLLATION_BINARY), 1366,
        "Incorrect string value: '\\xFF\\xFE\\xFD\\xFC\\xFB\\xFA...' for column 'c' at row 7");
    check_error(f, "int", value_string(STR("\xc3\xa9"), COLLATION_BINARY), 1366,
                "Incorrect integer value: '\\xC3\\xA9' for column 'c' at row 7");
    check_error(
        f, "json", text("{a}"), 3140,
        "Invalid JSON text: \"Missing a name for object member.\" at position 1 in value for "
        "column 'st.c'.");
    check_error(f, "json", value_int(1), 3140,
                "Invalid JSON text: \"not a JSON text, may need CAST\" at position 0 in value for "
                "column 'st.c'.");
    check_error(f, "json", value_string(STR("1"), COLLATION_BINARY), 3144,
                "Cannot create a JSON value from a string with CHARACTER SET 'binary'.");
    f->ctx.dialect = DIALECT_MARIADB;
    check_error(f, "int", text("abc"), 1366,
                "Incorrect integer value: 'abc' for column `test`.`st`.`c` at row 7");
    check_error(f, "json", text("{a}"), 4025, "CONSTRAINT `st.c` failed for `test`.`st`");
}

static struct value stored(struct fixture *f, const struct sql_type *type, struct value from)
{
    struct value out;
    assert_int_equal(store_value(&f->ctx, type, STR("c"), &from, &f->arena, &out), 0);
    return out;
}

static void test_timestamps_are_stored_in_utc(void **state)
{
    struct fixture *f = *state;
    const struct sql_type *type = find_type("timestamp");
    f->ctx.tz = timezone_find(STR("Europe/Berlin"));
    struct value v = stored(f, type, text("2020-07-01 12:00:00"));
    assert_int_equal(v.time.hour, 10);
    v = stored(f, type, text("2020-07-01 12:00:00+05:30"));
    assert_int_equal(v.time.hour, 6);
    assert_int_equal(v.time.minute, 30);
    v = stored(f, find_type("datetime"), text("2020-07-01 12:00:00+05:30"));
    assert_int_equal(v.time.hour, 8);
    v = stored(f, type, text("0000-00-00 00:00:00"));
    assert_int_equal(temporal_pack_datetime(&v.time),
                     temporal_pack_datetime(&(struct mtime){.year = 0}));
    assert_int_equal(f->diag.warning_count, 0);
    /* The clocks skipped this hour. */
    check_error(f, "timestamp", text("2020-03-29 02:30:00"), 1292,
                "Incorrect datetime value: '2020-03-29 02:30:00' for column 'c' at row 1");
    f->ctx.sql_mode = 0;
    v = stored(f, type, text("2020-03-29 02:30:00"));
    assert_int_equal(v.time.hour, 1);
    assert_int_equal(f->diag.warning_count, 1);
    assert_int_equal(f->diag.first->code, 1299);
}

static void test_long_texts(void **state)
{
    struct fixture *f = *state;
    char big[300];
    f->ctx.sql_mode = 0;
    memset(big, 'a', sizeof(big));
    struct value v = stored(f, find_type("tinytext"), value_string(str_from(big, sizeof(big)), 45));
    assert_int_equal(v.str.len, 255);
    assert_int_equal(f->diag.first->code, 1265);
    /* A character is not cut in two. */
    for (size_t i = 0; i < sizeof(big); i += 2) {
        memcpy(big + i, "\xc3\xa9", 2);
    }
    v = stored(f, find_type("tinytext"), value_string(str_from(big, sizeof(big)), 45));
    assert_int_equal(v.str.len, 254);
    v = stored(f, find_type("tinyblob"), value_string(str_from(big, sizeof(big)), 63));
    assert_int_equal(v.str.len, 255);
}

static void test_narrow_character_sets(void **state)
{
    struct fixture *f = *state;
    const struct sql_type latin1 = {
        .type = MYSQL_TYPE_VARCHAR, .length = 10, .collation = COLLATION_LATIN1_SWEDISH_CI};
    const struct sql_type utf8mb3 = {
        .type = MYSQL_TYPE_VARCHAR, .length = 10, .collation = COLLATION_UTF8MB3_GENERAL_CI};
    f->ctx.sql_mode = 0;
    struct value v = stored(f, &latin1,
                            text("a\xc3\xa9\xe6\x97\xa5"
                                 "b"));
    assert_true(str_eq(v.str, STR("a\xc3\xa9?b")));
    assert_true(str_eq(f->diag.first->message,
                       STR("Incorrect string value: '\\xE6\\x97\\xA5b' for column 'c' at row 1")));
    v = stored(f, &utf8mb3,
               text("a\xf0\x9f\x98\x80"
                    "b"));
    assert_true(str_eq(v.str, STR("a?b")));
    diag_reset(&f->diag);
    v = stored(f, &latin1, text("a\xc3\xa9"));
    assert_true(str_eq(v.str, STR("a\xc3\xa9")));
    assert_int_equal(f->diag.warning_count, 0);
}

static void test_json_becomes_canonical(void **state)
{
    struct fixture *f = *state;
    struct value v = stored(f, find_type("json"), text("{\"b\":1,\"a\":[1,2]}"));
    assert_int_equal(v.kind, VALUE_JSON);
    assert_true(str_eq(v.str, STR("{\"a\": [1, 2], \"b\": 1}")));
    f->ctx.dialect = DIALECT_MARIADB;
    v = stored(f, find_type("json"), text("{\"b\":1,\"a\":[1,2]}"));
    assert_true(str_eq(v.str, STR("{\"b\":1,\"a\":[1,2]}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_store_as_on_the_servers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_timestamps_are_stored_in_utc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_narrow_character_sets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_becomes_canonical, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
