/* Names of sql_mode, one table a server, by bit number; and what the combination modes stand for.
 */
#include "types/sql_mode.h"

#define MODE_COUNT 35

static const struct str mysql_names[MODE_COUNT] = {
    [0] = STR_INIT("REAL_AS_FLOAT"),
    [1] = STR_INIT("PIPES_AS_CONCAT"),
    [2] = STR_INIT("ANSI_QUOTES"),
    [3] = STR_INIT("IGNORE_SPACE"),
    [4] = STR_INIT("NOT_USED"),
    [5] = STR_INIT("ONLY_FULL_GROUP_BY"),
    [6] = STR_INIT("NO_UNSIGNED_SUBTRACTION"),
    [7] = STR_INIT("NO_DIR_IN_CREATE"),
    [18] = STR_INIT("ANSI"),
    [19] = STR_INIT("NO_AUTO_VALUE_ON_ZERO"),
    [20] = STR_INIT("NO_BACKSLASH_ESCAPES"),
    [21] = STR_INIT("STRICT_TRANS_TABLES"),
    [22] = STR_INIT("STRICT_ALL_TABLES"),
    [23] = STR_INIT("NO_ZERO_IN_DATE"),
    [24] = STR_INIT("NO_ZERO_DATE"),
    [25] = STR_INIT("ALLOW_INVALID_DATES"),
    [26] = STR_INIT("ERROR_FOR_DIVISION_BY_ZERO"),
    [27] = STR_INIT("TRADITIONAL"),
    [29] = STR_INIT("HIGH_NOT_PRECEDENCE"),
    [30] = STR_INIT("NO_ENGINE_SUBSTITUTION"),
    [31] = STR_INIT("PAD_CHAR_TO_FULL_LENGTH"),
    [32] = STR_INIT("TIME_TRUNCATE_FRACTIONAL"),
    [33] = STR_INIT("INTERPRET_UTF8_AS_UTF8MB4"),
};

static const struct str mariadb_names[MODE_COUNT] = {
    [0] = STR_INIT("REAL_AS_FLOAT"),
    [1] = STR_INIT("PIPES_AS_CONCAT"),
    [2] = STR_INIT("ANSI_QUOTES"),
    [3] = STR_INIT("IGNORE_SPACE"),
    [4] = STR_INIT("IGNORE_BAD_TABLE_OPTIONS"),
    [5] = STR_INIT("ONLY_FULL_GROUP_BY"),
    [6] = STR_INIT("NO_UNSIGNED_SUBTRACTION"),
    [7] = STR_INIT("NO_DIR_IN_CREATE"),
    [8] = STR_INIT("POSTGRESQL"),
    [9] = STR_INIT("ORACLE"),
    [10] = STR_INIT("MSSQL"),
    [11] = STR_INIT("DB2"),
    [12] = STR_INIT("MAXDB"),
    [13] = STR_INIT("NO_KEY_OPTIONS"),
    [14] = STR_INIT("NO_TABLE_OPTIONS"),
    [15] = STR_INIT("NO_FIELD_OPTIONS"),
    [16] = STR_INIT("MYSQL323"),
    [17] = STR_INIT("MYSQL40"),
    [18] = STR_INIT("ANSI"),
    [19] = STR_INIT("NO_AUTO_VALUE_ON_ZERO"),
    [20] = STR_INIT("NO_BACKSLASH_ESCAPES"),
    [21] = STR_INIT("STRICT_TRANS_TABLES"),
    [22] = STR_INIT("STRICT_ALL_TABLES"),
    [23] = STR_INIT("NO_ZERO_IN_DATE"),
    [24] = STR_INIT("NO_ZERO_DATE"),
    [25] = STR_INIT("ALLOW_INVALID_DATES"),
    [26] = STR_INIT("ERROR_FOR_DIVISION_BY_ZERO"),
    [27] = STR_INIT("TRADITIONAL"),
    [28] = STR_INIT("NO_AUTO_CREATE_USER"),
    [29] = STR_INIT("HIGH_NOT_PRECEDENCE"),
    [30] = STR_INIT("NO_ENGINE_SUBSTITUTION"),
    [31] = STR_INIT("PAD_CHAR_TO_FULL_LENGTH"),
    [32] = STR_INIT("EMPTY_STRING_IS_NULL"),
    [33] = STR_INIT("SIMULTANEOUS_ASSIGNMENT"),
    [34] = STR_INIT("TIME_ROUND_FRACTIONAL"),
};

#define BIT(n) (UINT64_C(1) << (n))

#define QUOTES_AND_SPACE (BIT(1) | BIT(2) | BIT(3))
#define NO_OPTIONS       (BIT(13) | BIT(14) | BIT(15))
#define TRADITIONAL      (BIT(21) | BIT(22) | BIT(23) | BIT(24) | BIT(26) | BIT(30))

/* What a combination mode brings, beside its own bit. */
struct combination {
    uint64_t mode;
    uint64_t brings;
};

static const struct combination mysql_combinations[] = {
    {BIT(18), BIT(0) | QUOTES_AND_SPACE | BIT(5)},
    {BIT(27), TRADITIONAL},
    {0, 0},
};

static const struct combination mariadb_combinations[] = {
    {BIT(18), BIT(0) | QUOTES_AND_SPACE},
    {BIT(27), TRADITIONAL | BIT(28)},
    {BIT(8), QUOTES_AND_SPACE | NO_OPTIONS},
    {BIT(9), QUOTES_AND_SPACE | NO_OPTIONS | BIT(28) | BIT(33)},
    {BIT(10), QUOTES_AND_SPACE | NO_OPTIONS},
    {BIT(11), QUOTES_AND_SPACE | NO_OPTIONS},
    {BIT(12), QUOTES_AND_SPACE | NO_OPTIONS | BIT(28)},
    {BIT(16), BIT(29)},
    {BIT(17), BIT(29)},
    {0, 0},
};

static const struct str *names_of(enum sql_dialect dialect)
{
    return dialect == DIALECT_MARIADB ? mariadb_names : mysql_names;
}

static uint64_t expand(uint64_t mode, enum sql_dialect dialect)
{
    const struct combination *c =
        dialect == DIALECT_MARIADB ? mariadb_combinations : mysql_combinations;
    uint64_t out = mode;
    for (; c->mode != 0; c++) {
        out |= mode & c->mode ? c->brings : 0;
    }
    return out;
}

int sql_mode_from_number(uint64_t number, enum sql_dialect dialect, uint64_t *out_mode)
{
    const struct str *names = names_of(dialect);
    *out_mode = 0;
    if (number >> MODE_COUNT != 0) {
        return -1;
    }
    for (unsigned i = 0; i < MODE_COUNT; i++) {
        if (number & BIT(i) && names[i].len == 0) {
            return -1;
        }
    }
    *out_mode = expand(number, dialect);
    return 0;
}

/* The bit of a name, or 0. */
static uint64_t find_mode(struct str name, enum sql_dialect dialect)
{
    const struct str *names = names_of(dialect);
    for (unsigned i = 0; i < MODE_COUNT; i++) {
        if (names[i].len > 0 && str_eq_nocase(name, names[i])) {
            return BIT(i);
        }
    }
    return 0;
}

int sql_mode_parse(struct str text, enum sql_dialect dialect, uint64_t *out_mode,
                   struct str *out_bad)
{
    uint64_t mode = 0;
    *out_mode = 0;
    *out_bad = STR_NULL;
    for (size_t pos = 0; pos < text.len;) {
        const char *comma = memchr(text.p + pos, ',', text.len - pos);
        size_t end = comma != NULL ? (size_t)(comma - text.p) : text.len;
        struct str name = str_from(text.p + pos, end - pos);
        while (name.len > 0 && name.p[name.len - 1] == ' ') {
            name.len--;
        }
        uint64_t bit = find_mode(name, dialect);
        if (bit == 0 && name.len > 0) {
            *out_bad = name;
            return -1;
        }
        mode |= bit;
        pos = end + 1;
    }
    *out_mode = expand(mode, dialect);
    return 0;
}

struct str sql_mode_format(uint64_t mode, enum sql_dialect dialect, struct arena *arena)
{
    const struct str *names = names_of(dialect);
    size_t len = 0;
    for (unsigned i = 0; i < MODE_COUNT; i++) {
        len += mode & BIT(i) ? names[i].len + 1 : 0;
    }
    char *buf = arena_alloc(arena, len + 1);
    char *p = buf;
    for (unsigned i = 0; i < MODE_COUNT; i++) {
        if (mode & BIT(i) && names[i].len > 0) {
            memcpy(p, names[i].p, names[i].len);
            p += names[i].len;
            *p++ = ',';
        }
    }
    return str_from(buf, p > buf ? (size_t)(p - buf) - 1 : 0);
}
