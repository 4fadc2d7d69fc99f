/*
 * SQL types as MySQL has them: what a column is declared as and what an expression's result is.
 * The numbers are those of the client/server protocol ("Column Definition", MySQL internals
 * documentation, enum_field_types).
 */
#ifndef TYPES_TYPE_H
#define TYPES_TYPE_H

#include "base/base.h"
#include "base/str.h"

enum mysql_type {
    MYSQL_TYPE_DECIMAL = 0, /* Before 5.0; never produced. */
    MYSQL_TYPE_TINY = 1,
    MYSQL_TYPE_SHORT = 2,
    MYSQL_TYPE_LONG = 3,
    MYSQL_TYPE_FLOAT = 4,
    MYSQL_TYPE_DOUBLE = 5,
    MYSQL_TYPE_NULL = 6,
    MYSQL_TYPE_TIMESTAMP = 7,
    MYSQL_TYPE_LONGLONG = 8,
    MYSQL_TYPE_INT24 = 9,
    MYSQL_TYPE_DATE = 10,
    MYSQL_TYPE_TIME = 11,
    MYSQL_TYPE_DATETIME = 12,
    MYSQL_TYPE_YEAR = 13,
    MYSQL_TYPE_NEWDATE = 14,
    MYSQL_TYPE_VARCHAR = 15, /* Declared VARCHAR in the catalog; sent as VAR_STRING. */
    MYSQL_TYPE_BIT = 16,
    MYSQL_TYPE_VECTOR = 242,
    MYSQL_TYPE_JSON = 245,
    MYSQL_TYPE_NEWDECIMAL = 246,
    MYSQL_TYPE_ENUM = 247, /* Sent as STRING with ENUM_FLAG. */
    MYSQL_TYPE_SET = 248,  /* Sent as STRING with SET_FLAG. */
    MYSQL_TYPE_TINY_BLOB = 249,
    MYSQL_TYPE_MEDIUM_BLOB = 250,
    MYSQL_TYPE_LONG_BLOB = 251,
    MYSQL_TYPE_BLOB = 252,
    MYSQL_TYPE_VAR_STRING = 253,
    MYSQL_TYPE_STRING = 254, /* CHAR, BINARY. */
    MYSQL_TYPE_GEOMETRY = 255,
};

/* Column flags of the protocol. */
enum mysql_column_flags {
    NOT_NULL_FLAG = 1,
    PRI_KEY_FLAG = 2,
    UNIQUE_KEY_FLAG = 4,
    MULTIPLE_KEY_FLAG = 8,
    BLOB_FLAG = 16,
    UNSIGNED_FLAG = 32,
    ZEROFILL_FLAG = 64,
    BINARY_FLAG = 128,
    ENUM_FLAG = 256,
    AUTO_INCREMENT_FLAG = 512,
    TIMESTAMP_FLAG = 1024,
    SET_FLAG = 2048,
    NO_DEFAULT_VALUE_FLAG = 4096,
    ON_UPDATE_NOW_FLAG = 8192,
    PART_KEY_FLAG = 16384,
    NUM_FLAG = 32768,
};

/* `decimals` of a result that has no fixed number of them (NOT_FIXED_DEC). */
#define DECIMALS_NOT_FIXED 31
/* The same of strings that are expressions, as MariaDB sends it. */
#define DECIMALS_NOT_FIXED_MARIADB 39

#define DECIMAL_MAX_PRECISION 65
#define DECIMAL_MAX_SCALE     30
/* The widest DECIMAL that a 128-bit integer holds; wider ones are kept in the sortable form of
 * decimal.h. */
#define DECIMAL_MAX_NATIVE 38

/* Collation ids that code refers to by name; the table is in collation.h. */
#define COLLATION_LATIN1_SWEDISH_CI  8
#define COLLATION_UTF8MB3_GENERAL_CI 33
#define COLLATION_UTF8MB4_GENERAL_CI 45
#define COLLATION_UTF8MB4_BIN        46
#define COLLATION_BINARY             63
#define COLLATION_UTF8MB4_0900_AI_CI 255
#define COLLATION_UTF8MB4_0900_BIN   309

/* Members of an ENUM or SET, in definition order, in UTF-8. Member i has the number i + 1 (ENUM) or
 * the bit i (SET). */
struct type_labels {
    uint32_t count;
    const struct str *names;
};

/*
 * A type. For columns it is the declared type, for expressions the derived one. Plain data: copied
 * by value; labels are borrowed from whoever made it (catalog or statement arena).
 */
struct sql_type {
    enum mysql_type type;
    uint32_t length; /* Strings: characters (bytes for binary). DECIMAL: precision (digits). Others:
                        display width. */
    uint8_t decimals;   /* Scale; fraction digits of temporal types; DECIMALS_NOT_FIXED for floating
                           point. */
    uint16_t flags;     /* enum mysql_column_flags: what is intrinsic (UNSIGNED, ZEROFILL, NOT_NULL,
                           BINARY, …). */
    uint16_t collation; /* Of strings, ENUM and SET; COLLATION_BINARY for all else. */
    const struct type_labels *labels; /* ENUM and SET, else NULL. */
};

/* The families by which rules are written. */
enum type_class {
    TYPE_CLASS_NULL,
    TYPE_CLASS_INT, /* TINY … LONGLONG, YEAR */
    TYPE_CLASS_BIT,
    TYPE_CLASS_DECIMAL,
    TYPE_CLASS_REAL, /* FLOAT, DOUBLE */
    TYPE_CLASS_DATE,
    TYPE_CLASS_DATETIME, /* DATETIME, TIMESTAMP */
    TYPE_CLASS_TIME,
    TYPE_CLASS_STRING, /* CHAR, VARCHAR, TEXT and the binary ones */
    TYPE_CLASS_ENUM,
    TYPE_CLASS_SET,
    TYPE_CLASS_JSON,
    TYPE_CLASS_OPAQUE, /* GEOMETRY, VECTOR: moved, never computed */
};

NODISCARD enum type_class type_class_of(enum mysql_type type);

static inline bool type_is_unsigned(const struct sql_type *t)
{
    return (t->flags & UNSIGNED_FLAG) != 0;
}

static inline bool type_is_nullable(const struct sql_type *t)
{
    return (t->flags & NOT_NULL_FLAG) == 0;
}

/* Is it a string type whose bytes are compared as they are (BINARY, VARBINARY, BLOB)? */
NODISCARD bool type_is_binary_string(const struct sql_type *t);

/* Are its values text with a character set (strings that are not binary, ENUM, SET)? */
NODISCARD bool type_is_character(const struct sql_type *t);

/* How a value of the type is laid out in column chunks and in the column engines (design: "Types in
 * the column store"). */
enum vec_phys {
    VEC_I8,
    VEC_I16,
    VEC_I32,  /* INT, MEDIUMINT; DATE as days since 1970-01-01 */
    VEC_I64,  /* BIGINT; DATETIME and TIMESTAMP as microseconds since 1970 (TIMESTAMP in UTC); TIME
                 in microseconds */
    VEC_I128, /* two's complement, low word first */
    VEC_U8,   /* TINYINT UNSIGNED; ENUM of up to 255 members */
    VEC_U16,  /* SMALLINT UNSIGNED; YEAR; larger ENUM */
    VEC_U32,
    VEC_U64, /* BIGINT UNSIGNED; BIT; SET */
    VEC_F32,
    VEC_F64,
    VEC_STR, /* struct vec_str; strings in UTF-8, binary as is, JSON text, DECIMAL wider than 38 in
                its sortable form */
};

/*
 * DECIMAL(p<=38) is an integer scaled by 10^decimals in VEC_I16 (p<=4), VEC_I32 (p<=9), VEC_I64
 * (p<=18) or VEC_I128.
 */
NODISCARD enum vec_phys type_phys(const struct sql_type *t);

/* Bytes of one value of that form in a vector. */
NODISCARD static inline size_t vec_phys_size(enum vec_phys phys)
{
    static const uint8_t sizes[] = {
        [VEC_I8] = 1,  [VEC_I16] = 2, [VEC_I32] = 4, [VEC_I64] = 8, [VEC_I128] = 16, [VEC_U8] = 1,
        [VEC_U16] = 2, [VEC_U32] = 4, [VEC_U64] = 8, [VEC_F32] = 4, [VEC_F64] = 8,   [VEC_STR] = 16,
    };
    return sizes[phys];
}

#endif
