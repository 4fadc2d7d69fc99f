/* Inside of storing: what the stores of the families share. */
#ifndef TYPES_STORE_INT_H
#define TYPES_STORE_INT_H

#include "types/store.h"

/* One value on its way into a column. */
struct store {
    const struct store_ctx *ctx;
    const struct sql_type *type;
    struct str name; /* The column's. */
    const struct value *from;
    struct arena *arena;
    struct value *out;
};

/* Do complaints end the statement? */
NODISCARD bool store_is_strict(const struct store *st);

/*
 * The complaints. In strict mode they set the error and return -1, else they warn and return 0:
 * then the caller stores the nearest value.
 */
NODISCARD int store_out_of_range(const struct store *st); /* 1264 */
NODISCARD int store_truncated(const struct store *st);    /* 1265 */
NODISCARD int store_too_long(const struct store *st);     /* 1406; 1265 when not strict */
NODISCARD int store_incorrect(const struct store *st,
                              const char *what); /* 1366: "Incorrect integer value" */
NODISCARD int store_incorrect_text(const struct store *st,
                                   struct str rest); /* 1366 of bad UTF-8 from `rest` on */

/* A note, in every mode: 1265. */
void store_note_truncated(const struct store *st);

/* A warning, or the error, with that code and message. */
NODISCARD int store_complain(const struct store *st, int code, struct str message);

/* "Incorrect WHAT value: 'VALUE' for column …", the column named as the dialect does it. */
NODISCARD struct str store_incorrect_message(const struct store *st, const char *what,
                                             struct str value);

/* The source as text, for messages: bytes that are no UTF-8 as \\xHH, at most 128 of them. */
NODISCARD struct str store_source_text(const struct store *st);

/* Storing into each family; as store_value(). `from` is not NULL. */
NODISCARD int store_temporal(const struct store *st);
NODISCARD int store_string(const struct store *st);
NODISCARD int store_enum(const struct store *st);
NODISCARD int store_set(const struct store *st);
NODISCARD int store_json(const struct store *st);

#endif
