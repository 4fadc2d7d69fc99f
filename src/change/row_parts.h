/*
 * row_parts: what a log with incomplete images (binlog_row_image=MINIMAL) says about rows that the
 * copy does not have yet: of each key the columns that were set, with their last values. They are
 * laid over the row when it is read. One thread at a time.
 */
#ifndef CHANGE_ROW_PARTS_H
#define CHANGE_ROW_PARTS_H

#include "catalog/catalog.h"
#include "types/chunk.h"

struct row_parts;

/* key: which of the table's columns are its key, borrowed. Never NULL. */
NODISCARD struct row_parts *row_parts_new(const struct table_def *table, const uint32_t *key,
                                          uint32_t key_count);
/* p may be NULL. */
void row_parts_free(struct row_parts *p);

NODISCARD bool row_parts_is_empty(const struct row_parts *p);
/* About the memory it takes. */
NODISCARD size_t row_parts_bytes(const struct row_parts *p);

/* What a batch says comes after this; see row_parts_forget(). */
void row_parts_begin(struct row_parts *p);

/* Adds a row: missing has a bit for each column that is not known. What was known of other columns
 * stays. */
void row_parts_put(struct row_parts *p, const struct chunk *c, uint32_t row,
                   const uint64_t *missing);

/* Forgets the keys of the chunk's rows but for those that were put since row_parts_begin(): the
 * rows are gone, or complete in the copy. columns: the key's in the chunk; NULL: its first. */
void row_parts_forget(struct row_parts *p, const struct chunk *c, const uint32_t *columns);

/* Writes the numbers of the rows whose key it has; returns how many. out has room for them all. */
NODISCARD uint32_t row_parts_find(const struct row_parts *p, const struct chunk *c, uint32_t *out);

/* Sets what is known in rows that are all here; the chunk's vectors are written to. Strings borrow
 * from p. */
void row_parts_lay_over(const struct row_parts *p, struct chunk *c);

#endif
