/* Definitions as SQL text; the texts wanted are MySQL 9.7's and MariaDB 10.11's. */
#include "catalog/catalog.h"

#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#define UTF8MB4 COLLATION_UTF8MB4_0900_AI_CI
#define GENERAL COLLATION_UTF8MB4_GENERAL_CI

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void check(struct str got, const char *want)
{
    if (!str_eq(got, str_from_cstr(want))) {
        fail_msg("got  %.*s\nwant %s", STR_FMT(got), want);
    }
}

static void test_type_texts(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("a"), STR_INIT("c'd"), STR_INIT("e\\f")};
    static const struct type_labels labels = {.count = 3, .names = names};
    static const struct {
        struct sql_type type;
        const char *mysql;
        const char *mariadb;
    } rows[] = {
        {{.type = MYSQL_TYPE_LONG, .length = 11}, "int", "int(11)"},
        {{.type = MYSQL_TYPE_LONG, .length = 10, .flags = UNSIGNED_FLAG},
         "int unsigned",
         "int(10) unsigned"},
        {{.type = MYSQL_TYPE_TINY, .length = 1}, "tinyint(1)", "tinyint(1)"},
        {{.type = MYSQL_TYPE_TINY, .length = 1, .flags = UNSIGNED_FLAG},
         "tinyint unsigned",
         "tinyint(1) unsigned"},
        {{.type = MYSQL_TYPE_LONG, .length = 3, .flags = UNSIGNED_FLAG | ZEROFILL_FLAG},
         "int(3) unsigned zerofill",
         "int(3) unsigned zerofill"},
        {{.type = MYSQL_TYPE_YEAR, .length = 4, .flags = UNSIGNED_FLAG | ZEROFILL_FLAG},
         "year",
         "year(4)"},
        {{.type = MYSQL_TYPE_FLOAT, .length = 12, .decimals = DECIMALS_NOT_FIXED},
         "float",
         "float"},
        {{.type = MYSQL_TYPE_DOUBLE, .length = 8, .decimals = 3}, "double(8,3)", "double(8,3)"},
        {{.type = MYSQL_TYPE_NEWDECIMAL, .length = 5, .flags = UNSIGNED_FLAG},
         "decimal(5,0) unsigned",
         "decimal(5,0) unsigned"},
        {{.type = MYSQL_TYPE_BIT, .length = 8, .flags = UNSIGNED_FLAG}, "bit(8)", "bit(8)"},
        {{.type = MYSQL_TYPE_TIME, .length = 14, .decimals = 3}, "time(3)", "time(3)"},
        {{.type = MYSQL_TYPE_TIMESTAMP, .length = 19}, "timestamp", "timestamp"},
        {{.type = MYSQL_TYPE_STRING, .length = 3, .collation = UTF8MB4}, "char(3)", "char(3)"},
        {{.type = MYSQL_TYPE_STRING, .length = 3, .collation = COLLATION_BINARY},
         "binary(3)",
         "binary(3)"},
        {{.type = MYSQL_TYPE_VARCHAR, .length = 0, .collation = COLLATION_BINARY},
         "varbinary(0)",
         "varbinary(0)"},
        {{.type = MYSQL_TYPE_MEDIUM_BLOB, .length = 0xffffff, .collation = UTF8MB4},
         "mediumtext",
         "mediumtext"},
        {{.type = MYSQL_TYPE_LONG_BLOB, .length = UINT32_MAX, .collation = COLLATION_BINARY},
         "longblob",
         "longblob"},
        {{.type = MYSQL_TYPE_ENUM, .labels = &labels},
         "enum('a','c''d','e\\\\f')",
         "enum('a','c''d','e\\\\f')"},
        {{.type = MYSQL_TYPE_JSON, .length = UINT32_MAX}, "json", "longtext"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        check(type_to_sql(&rows[i].type, DIALECT_MYSQL, &arena), rows[i].mysql);
        check(type_to_sql(&rows[i].type, DIALECT_MARIADB, &arena), rows[i].mariadb);
    }
}

static struct column_def column(const char *name, enum mysql_type type, uint32_t length)
{
    return (struct column_def){.name = str_from_cstr(name),
                               .type = {.type = type, .length = length, .collation = UTF8MB4}};
}

/* A table with a column for each form of default, character set and key. */
static struct table_def *table(void)
{
    struct table_def *t = table_def_new();
    t->db = STR("d");
    t->name = STR("t`u");
    t->collation = UTF8MB4;
    t->comment = STR("tab'c\n");
    t->row_format = STR("DYNAMIC");
    t->auto_increment_column = 0;
    t->auto_increment_start = 100;
    t->column_count = 6;
    struct column_def *c = t->columns = ARENA_ARRAY(t->arena, struct column_def, 6);
    c[0] = column("id", MYSQL_TYPE_LONG, 11);
    c[0].type.flags = NOT_NULL_FLAG | AUTO_INCREMENT_FLAG;
    c[1] = column("s", MYSQL_TYPE_VARCHAR, 20);
    c[1].default_kind = DEFAULT_VALUE;
    c[1].default_value = value_string(STR("it's"), UTF8MB4);
    c[1].default_text = STR("it's");
    c[1].comment = STR("hi");
    c[2] = column("l", MYSQL_TYPE_VARCHAR, 5);
    c[2].type.collation = COLLATION_LATIN1_SWEDISH_CI;
    c[2].explicit_collation = true;
    c[2].invisible = true;
    c[3] = column("b", MYSQL_TYPE_VARCHAR, 4);
    c[3].type.collation = COLLATION_BINARY;
    c[3].default_kind = DEFAULT_VALUE;
    c[3].default_text = STR("\0\xff");
    c[4] = column("ts", MYSQL_TYPE_TIMESTAMP, 22);
    c[4].type.decimals = 2;
    c[4].default_kind = DEFAULT_NOW;
    c[4].on_update_now = true;
    c[5] = column("x", MYSQL_TYPE_BLOB, 65535);
    c[5].type.flags = BLOB_FLAG;
    t->index_count = 2;
    t->indexes = ARENA_ARRAY(t->arena, struct index_def, 2);
    t->indexes[0] = (struct index_def){.kind = INDEX_DEF_PRIMARY,
                                       .name = STR("PRIMARY"),
                                       .column_count = 1,
                                       .columns = ARENA_ARRAY(t->arena, struct index_column, 1)};
    t->indexes[1] = (struct index_def){.kind = INDEX_DEF_PLAIN,
                                       .name = STR("k"),
                                       .column_count = 2,
                                       .columns = ARENA_ARRAY(t->arena, struct index_column, 2),
                                       .algorithm = STR("BTREE"),
                                       .comment = STR("kc"),
                                       .invisible = true};
    t->indexes[1].columns[0] = (struct index_column){.column = 1, .prefix_len = 3, .desc = true};
    t->indexes[1].columns[1].column = 2;
    return t;
}

static void test_table_as_mysql_writes_it(void **state)
{
    (void)state;
    struct table_def *t = table();
    check(table_def_to_sql(t, 0, &arena),
          "CREATE TABLE `t``u` (\n"
          "  `id` int NOT NULL AUTO_INCREMENT,\n"
          "  `s` varchar(20) DEFAULT 'it''s' COMMENT 'hi',\n"
          "  `l` varchar(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL "
          "/*!80023 INVISIBLE */,\n"
          "  `b` varbinary(4) DEFAULT 0x00FF,\n"
          "  `ts` timestamp(2) NULL DEFAULT CURRENT_TIMESTAMP(2) ON UPDATE CURRENT_TIMESTAMP(2),\n"
          "  `x` text,\n"
          "  PRIMARY KEY (`id`),\n"
          "  KEY `k` (`s`(3) DESC,`l`) USING BTREE COMMENT 'kc' /*!80000 INVISIBLE */\n"
          ") ENGINE=InnoDB AUTO_INCREMENT=100 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci "
          "ROW_FORMAT=DYNAMIC COMMENT='tab''c\\n'");
    table_def_unref(t);
}

static void test_table_as_mariadb_writes_it(void **state)
{
    (void)state;
    struct table_def *t = table();
    t->collation = GENERAL;
    for (uint32_t i = 0; i < t->column_count; i++) {
        uint16_t *collation = &t->columns[i].type.collation;
        *collation = *collation == UTF8MB4 ? GENERAL : *collation;
    }
    check(
        table_def_to_sql(t, SHOW_CREATE_MARIADB, &arena),
        "CREATE TABLE `t``u` (\n"
        "  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
        "  `s` varchar(20) DEFAULT 'it''s' COMMENT 'hi',\n"
        "  `l` varchar(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci INVISIBLE DEFAULT NULL,\n"
        "  `b` varbinary(4) DEFAULT '\\0\xff',\n"
        "  `ts` timestamp(2) NULL DEFAULT current_timestamp(2) ON UPDATE current_timestamp(2),\n"
        "  `x` text DEFAULT NULL,\n"
        "  PRIMARY KEY (`id`),\n"
        "  KEY `k` (`s`(3) DESC,`l`) USING BTREE COMMENT 'kc' IGNORED\n"
        ") ENGINE=InnoDB AUTO_INCREMENT=100 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci "
        "ROW_FORMAT=DYNAMIC COMMENT='tab''c\\n'");
    table_def_unref(t);
}

static void test_database_texts(void **state)
{
    (void)state;
    struct database_def db = {.name = STR_INIT("d"), .collation = UTF8MB4};
    check(
        database_def_to_sql(&db, 0, &arena),
        "CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */ "
        "/*!80016 DEFAULT ENCRYPTION='N' */");
    db.collation = COLLATION_LATIN1_SWEDISH_CI;
    check(database_def_to_sql(&db, 0, &arena), "CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET "
                                               "latin1 */ /*!80016 DEFAULT ENCRYPTION='N' */");
    check(database_def_to_sql(&db, SHOW_CREATE_MARIADB, &arena),
          "CREATE DATABASE `d` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE latin1_swedish_ci */");
}

static void test_columns_default_and_extra(void **state)
{
    (void)state;
    struct table_def *t = table();
    const struct column_def *c = t->columns;
    assert_null(column_default_to_text(&c[0], DIALECT_MYSQL, &arena).p);
    check(column_extra_to_text(&c[0], DIALECT_MYSQL, &arena), "auto_increment");
    check(column_default_to_text(&c[1], DIALECT_MYSQL, &arena), "it's");
    check(column_extra_to_text(&c[2], DIALECT_MYSQL, &arena), "INVISIBLE");
    check(column_default_to_text(&c[4], DIALECT_MYSQL, &arena), "CURRENT_TIMESTAMP(2)");
    check(column_extra_to_text(&c[4], DIALECT_MYSQL, &arena),
          "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(2)");
    check(column_extra_to_text(&c[4], DIALECT_MARIADB, &arena), "on update current_timestamp(2)");
    table_def_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_type_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table_as_mysql_writes_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table_as_mariadb_writes_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_database_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_default_and_extra, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
