/*
 * Storing: converting any value to a column's type with MySQL's rules, warnings and errors. INSERT, UPDATE, REPLACE,
 * LOAD DATA and the defaults all pass through store_value().
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
    STORE_IGNORE = 1u << 0, /* INSERT IGNORE, LOAD DATA LOCAL: errors become warnings and the nearest value is stored. */
    STORE_LOAD_DATA = 1u << 1, /* Text from a file: LOAD DATA's messages (1265, 1366 with the row). */
};

struct store_ctx {
    uint64_t sql_mode; /* enum sql_mode */
    unsigned flags;    /* enum store_flags */
    enum sql_dialect dialect;
    const struct timezone *tz; /* Session time zone: TIMESTAMP columns are stored in UTC. */
    uint64_t row;              /* 1-based, for messages. */
    struct diag *diag;
};

/*
 * Converts `from` to `type` of column `name`. Returns 0 with *out ready for chunk_builder_set() (ENUM as index, SET as
 * bits, both VALUE_UINT; strings in UTF-8, blank-trimmed or cut as the type wants; DECIMAL at the type's scale; JSON
 * checked; TIMESTAMP in UTC), possibly after warnings; or -1 with diag set (strict mode). NULL passes through: whether a column may be NULL is
 * the caller's question. Results borrow from `from` or live in arena.
 */
NODISCARD int store_value(const struct store_ctx *ctx, const struct sql_type *type, struct str name,
                          const struct value *from, struct arena *arena, struct value *out);

#endif
