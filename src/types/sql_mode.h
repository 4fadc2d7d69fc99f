/*
 * sql_mode: bits, names and combinations, with the values of both servers (MySQL reference manual,
 * "Server SQL Modes"; MariaDB documentation, "SQL_MODE"). The two disagree from bit 32 on.
 */
#ifndef TYPES_SQL_MODE_H
#define TYPES_SQL_MODE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"

enum sql_mode {
    SQL_MODE_REAL_AS_FLOAT = 1u << 0,
    SQL_MODE_PIPES_AS_CONCAT = 1u << 1,
    SQL_MODE_ANSI_QUOTES = 1u << 2,
    SQL_MODE_IGNORE_SPACE = 1u << 3,
    SQL_MODE_IGNORE_BAD_TABLE_OPTIONS = 1u << 4, /* MariaDB */
    SQL_MODE_ONLY_FULL_GROUP_BY = 1u << 5,
    SQL_MODE_NO_UNSIGNED_SUBTRACTION = 1u << 6,
    SQL_MODE_NO_DIR_IN_CREATE = 1u << 7,
    SQL_MODE_ORACLE = 1u << 9, /* MariaDB */
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

/* Beyond what an enum constant holds. */
#define SQL_MODE_TIME_TRUNCATE_FRACTIONAL (UINT64_C(1) << 32) /* MySQL */
#define SQL_MODE_EMPTY_STRING_IS_NULL     (UINT64_C(1) << 32) /* MariaDB */
#define SQL_MODE_SIMULTANEOUS_ASSIGNMENT  (UINT64_C(1) << 33) /* MariaDB */
#define SQL_MODE_TIME_ROUND_FRACTIONAL    (UINT64_C(1) << 34) /* MariaDB */

#define SQL_MODE_STRICT (SQL_MODE_STRICT_TRANS_TABLES | SQL_MODE_STRICT_ALL_TABLES)

/* The servers' defaults. */
#define SQL_MODE_DEFAULT_MYSQL                                                                     \
    (SQL_MODE_ONLY_FULL_GROUP_BY | SQL_MODE_STRICT_TRANS_TABLES | SQL_MODE_NO_ZERO_IN_DATE |       \
     SQL_MODE_NO_ZERO_DATE | SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO |                                 \
     SQL_MODE_NO_ENGINE_SUBSTITUTION)
#define SQL_MODE_DEFAULT_MARIADB                                                                   \
    (SQL_MODE_STRICT_TRANS_TABLES | SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO |                          \
     SQL_MODE_NO_AUTO_CREATE_USER | SQL_MODE_NO_ENGINE_SUBSTITUTION)

/* Whose behaviour is followed where the two servers disagree. */
enum sql_dialect {
    DIALECT_MYSQL,
    DIALECT_MARIADB,
};

/*
 * Parses a list of names as SET sql_mode takes it; combination modes (ANSI, TRADITIONAL, …) bring
 * their parts. Returns 0, or -1 with *out_bad the name that is none (it borrows from text), for
 * error 1231.
 */
NODISCARD int sql_mode_parse(struct str text, enum sql_dialect dialect, uint64_t *out_mode,
                             struct str *out_bad);

/* The same for SET sql_mode = number. Returns 0, or -1 if it has bits that the server does not
 * know. */
NODISCARD int sql_mode_from_number(uint64_t number, enum sql_dialect dialect, uint64_t *out_mode);

/* The names, comma-separated, in the servers' order. Lives in arena. */
NODISCARD struct str sql_mode_format(uint64_t mode, enum sql_dialect dialect, struct arena *arena);

#endif
