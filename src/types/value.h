/*
 * One SQL value outside a vector: literals, parameters, results of the evaluator, rows on their way
 * into a table.
 */
#ifndef TYPES_VALUE_H
#define TYPES_VALUE_H

#include "base/base.h"
#include "base/str.h"
#include "types/decimal.h"
#include "types/temporal.h"
#include "types/type.h"

enum value_kind {
    VALUE_NULL,
    VALUE_INT,
    VALUE_UINT,   /* Unsigned; also BIT, ENUM index and SET bits when the type says so. */
    VALUE_DOUBLE, /* FLOAT too, widened. */
    VALUE_DECIMAL,
    VALUE_STRING, /* Text in `collation`'s character set unless said otherwise (normally UTF-8), or
                     binary. */
    VALUE_DATE,
    VALUE_DATETIME, /* DATETIME and TIMESTAMP; a TIMESTAMP outside vectors is local to the session's
                       time zone. */
    VALUE_TIME,
    VALUE_JSON, /* `str` holds canonical text. */
};

struct value {
    enum value_kind kind;
    uint8_t decimals;   /* Fraction digits of temporal values. */
    uint16_t collation; /* VALUE_STRING. */
    union {
        int64_t i;
        uint64_t u;
        double d;
        struct decimal dec;
        struct str str; /* Borrowed. */
        struct mtime time;
    };
};

static inline bool value_is_null(const struct value *v)
{
    return v->kind == VALUE_NULL;
}

static inline struct value value_null(void)
{
    return (struct value){.kind = VALUE_NULL};
}

static inline struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

static inline struct value value_uint(uint64_t u)
{
    return (struct value){.kind = VALUE_UINT, .u = u};
}

static inline struct value value_double(double d)
{
    return (struct value){.kind = VALUE_DOUBLE, .d = d};
}

static inline struct value value_string(struct str s, uint16_t collation)
{
    return (struct value){.kind = VALUE_STRING, .collation = collation, .str = s};
}

#endif
