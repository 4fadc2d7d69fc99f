/* Families and vector forms of the SQL types. Pure functions. */
#include "types/type.h"

enum type_class type_class_of(enum mysql_type type)
{
    static const uint8_t classes[256] = {
        [MYSQL_TYPE_DECIMAL] = TYPE_CLASS_DECIMAL,   [MYSQL_TYPE_TINY] = TYPE_CLASS_INT,
        [MYSQL_TYPE_SHORT] = TYPE_CLASS_INT,         [MYSQL_TYPE_LONG] = TYPE_CLASS_INT,
        [MYSQL_TYPE_FLOAT] = TYPE_CLASS_REAL,        [MYSQL_TYPE_DOUBLE] = TYPE_CLASS_REAL,
        [MYSQL_TYPE_NULL] = TYPE_CLASS_NULL,         [MYSQL_TYPE_TIMESTAMP] = TYPE_CLASS_DATETIME,
        [MYSQL_TYPE_LONGLONG] = TYPE_CLASS_INT,      [MYSQL_TYPE_INT24] = TYPE_CLASS_INT,
        [MYSQL_TYPE_DATE] = TYPE_CLASS_DATE,         [MYSQL_TYPE_TIME] = TYPE_CLASS_TIME,
        [MYSQL_TYPE_DATETIME] = TYPE_CLASS_DATETIME, [MYSQL_TYPE_YEAR] = TYPE_CLASS_INT,
        [MYSQL_TYPE_NEWDATE] = TYPE_CLASS_DATE,      [MYSQL_TYPE_VARCHAR] = TYPE_CLASS_STRING,
        [MYSQL_TYPE_BIT] = TYPE_CLASS_BIT,           [MYSQL_TYPE_VECTOR] = TYPE_CLASS_OPAQUE,
        [MYSQL_TYPE_JSON] = TYPE_CLASS_JSON,         [MYSQL_TYPE_NEWDECIMAL] = TYPE_CLASS_DECIMAL,
        [MYSQL_TYPE_ENUM] = TYPE_CLASS_ENUM,         [MYSQL_TYPE_SET] = TYPE_CLASS_SET,
        [MYSQL_TYPE_TINY_BLOB] = TYPE_CLASS_STRING,  [MYSQL_TYPE_MEDIUM_BLOB] = TYPE_CLASS_STRING,
        [MYSQL_TYPE_LONG_BLOB] = TYPE_CLASS_STRING,  [MYSQL_TYPE_BLOB] = TYPE_CLASS_STRING,
        [MYSQL_TYPE_VAR_STRING] = TYPE_CLASS_STRING, [MYSQL_TYPE_STRING] = TYPE_CLASS_STRING,
        [MYSQL_TYPE_GEOMETRY] = TYPE_CLASS_OPAQUE,
    };
    return classes[(uint8_t)type];
}

bool type_is_binary_string(const struct sql_type *t)
{
    return type_class_of(t->type) == TYPE_CLASS_STRING && t->collation == COLLATION_BINARY;
}

bool type_is_character(const struct sql_type *t)
{
    const enum type_class class = type_class_of(t->type);
    return (class == TYPE_CLASS_STRING && !type_is_binary_string(t)) || class == TYPE_CLASS_ENUM ||
           class == TYPE_CLASS_SET;
}

/* A signed form; its unsigned counterpart is the one at the same place of the other column. */
static enum vec_phys sign_of(const struct sql_type *t, enum vec_phys is_signed,
                             enum vec_phys is_unsigned)
{
    return type_is_unsigned(t) ? is_unsigned : is_signed;
}

static enum vec_phys decimal_phys(uint32_t precision)
{
    if (precision <= 4) {
        return VEC_I16;
    }
    if (precision <= 9) {
        return VEC_I32;
    }
    if (precision <= 18) {
        return VEC_I64;
    }
    return precision <= DECIMAL_MAX_NATIVE ? VEC_I128 : VEC_STR;
}

enum vec_phys type_phys(const struct sql_type *t)
{
    switch (t->type) {
    case MYSQL_TYPE_NULL:
    case MYSQL_TYPE_TINY:
        return sign_of(t, VEC_I8, VEC_U8);
    case MYSQL_TYPE_SHORT:
        return sign_of(t, VEC_I16, VEC_U16);
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_INT24:
        return sign_of(t, VEC_I32, VEC_U32);
    case MYSQL_TYPE_LONGLONG:
        return sign_of(t, VEC_I64, VEC_U64);
    case MYSQL_TYPE_FLOAT:
        return VEC_F32;
    case MYSQL_TYPE_DOUBLE:
        return VEC_F64;
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIME:
        return VEC_I64;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return VEC_I32;
    case MYSQL_TYPE_YEAR:
        return VEC_U16;
    case MYSQL_TYPE_BIT:
    case MYSQL_TYPE_SET:
        return VEC_U64;
    case MYSQL_TYPE_ENUM:
        return t->labels != NULL && t->labels->count <= UINT8_MAX ? VEC_U8 : VEC_U16;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        return decimal_phys(t->length);
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VECTOR:
    case MYSQL_TYPE_JSON:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_GEOMETRY:
        return VEC_STR;
    }
    return VEC_STR;
}
