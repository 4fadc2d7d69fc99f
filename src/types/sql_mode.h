/* sql_mode bits, with MySQL's values (sys_vars: sql_mode). */
#ifndef TYPES_SQL_MODE_H
#define TYPES_SQL_MODE_H

#include "base/base.h"
#include "base/str.h"

enum sql_mode {
    SQL_MODE_REAL_AS_FLOAT = 1u << 0,
    SQL_MODE_PIPES_AS_CONCAT = 1u << 1,
    SQL_MODE_ANSI_QUOTES = 1u << 2,
    SQL_MODE_IGNORE_SPACE = 1u << 3,
    SQL_MODE_ONLY_FULL_GROUP_BY = 1u << 5,
    SQL_MODE_NO_UNSIGNED_SUBTRACTION = 1u << 6,
    SQL_MODE_NO_DIR_IN_CREATE = 1u << 7,
    SQL_MODE_ANSI = 1u << 18,
    SQL_MODE_NO_AUTO_VALUE_ON_ZERO = 1u << 19,
    SQL_MODE_NO_BACKSLASH_ESCAPES = 1u << 20,
    SQL_MODE_STRICT_TRANS_TABLES = 1u << 21,
    SQL_MODE_STRICT_ALL_TABLES = 1u << 22,
    SQL_MODE_NO_ZERO_IN_DATE = 1u << 23,
    SQL_MODE_NO_ZERO_DATE = 1u << 24,
    SQL_MODE_ALLOW_INVALID_DATES = 1u << 25,
    SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO = 1u << 26,
    SQL_MODE_TRADITIONAL = 1u << 27,
    SQL_MODE_NO_AUTO_CREATE_USER = 1u << 28, /* MariaDB */
    SQL_MODE_HIGH_NOT_PRECEDENCE = 1u << 29,
    SQL_MODE_NO_ENGINE_SUBSTITUTION = 1u << 30,
    SQL_MODE_PAD_CHAR_TO_FULL_LENGTH = 1u << 31,
};

#define SQL_MODE_STRICT (SQL_MODE_STRICT_TRANS_TABLES | SQL_MODE_STRICT_ALL_TABLES)

/* Whose behaviour is followed where the two servers disagree. */
enum sql_dialect {
    DIALECT_MYSQL,
    DIALECT_MARIADB,
};

#endif
