/*
 * Storing: converting any value to a column's type with MySQL's rules, warnings and errors. INSERT,
 * UPDATE, REPLACE, LOAD DATA and the defaults all pass through store_value().
 */
#ifndef TYPES_STORE_H
#define TYPES_STORE_H

#include "base/arena.h"
#include "base/diag.h"
#include "types/sql_mode.h"
#include "types/type.h"
#include "types/value.h"

struct timezone; /* types/timezone.h */

enum store_flags {
    STORE_IGNORE = 1u << 0,    /* INSERT IGNORE, LOAD DATA LOCAL: errors become warnings and the
                                  nearest value is stored. */
    STORE_LOAD_DATA = 1u << 1, /* Text from a file; the servers' messages are the same. */
};

struct store_ctx {
    uint64_t sql_mode; /* enum sql_mode */
    unsigned flags;    /* enum store_flags */
    enum sql_dialect dialect;
    const struct timezone
        *tz;             /* Session time zone: TIMESTAMP columns are stored in UTC. NULL: UTC. */
    int64_t now_us;      /* Start of the statement (UTC): the day that a TIME is of. */
    uint64_t row;        /* 1-based, for messages. */
    struct str database; /* These two for messages that name them; may be empty. */
    struct str table;
    struct diag *diag;
};

/*
 * Converts `from` to `type` of column `name`. Returns 0 with *out ready for chunk_builder_set()
 * (ENUM as index, SET as bits, both VALUE_UINT; strings in UTF-8, blank-trimmed, zero-padded or cut
 * as the type wants; DECIMAL at the type's scale; JSON checked, on MySQL in canonical form;
 * TIMESTAMP in UTC), possibly after warnings; or -1 with diag set (strict mode, and whatever no
 * mode forgives). NULL passes through: whether a column may be NULL is the caller's question.
 * Results borrow from `from` or live in arena.
 */
NODISCARD int store_value(const struct store_ctx *ctx, const struct sql_type *type, struct str name,
                          const struct value *from, struct arena *arena, struct value *out);

#endif
