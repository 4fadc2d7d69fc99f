/*
 * Cells of row images into values, and straight into column chunks.
 *
 * Integers need the column's is_unsigned, strings its collation: where the log does not tell them
 * (see columns.h) the caller has set them. TIMESTAMPs come in UTC. A zero date is a zero date.
 */
#ifndef BINLOG_CELL_H
#define BINLOG_CELL_H

#include "binlog/columns.h"
#include "binlog/rows.h"

#include "types/charset.h"
#include "types/chunk.h"
#include "types/value.h"

/*
 * The value of a cell; NULL for NULL and absent ones.
 *
 * - Strings are VALUE_STRING with the bytes as they are in the column's character set, and its
 *   collation (COLLATION_BINARY when not known). BINARY of known collation, UUID and INET6 among
 *   them, is filled up to its length with zero bytes, which the log leaves out.
 * - JSON is VALUE_JSON with MySQL's canonical text. A difference fails: see binlog_patch_cell().
 * - ENUM, SET and BIT are VALUE_UINT; YEAR is VALUE_UINT of four digits, or 0.
 * - GEOMETRY is VALUE_STRING with its SRID (4 bytes) and WKB; VECTOR its floats.
 *
 * Strings borrow from the cell, or are in the arena when they had to be made. Returns 0, or -1 when
 * the bytes make no value of the type.
 */
NODISCARD int binlog_cell_value(const struct binlog_column *c, const struct binlog_cell *cell,
                                struct arena *a, struct value *out);

/* The value of a cell of differences: they are applied to `before`, the same column's cell of the
 * before image. Returns 0, or -1 when before has no document or they do not fit. */
NODISCARD int binlog_patch_cell(const struct binlog_cell *before, const struct binlog_cell *after,
                                struct arena *a, struct value *out);

/* What became of a cell on its way into a chunk. */
enum binlog_put {
    BINLOG_PUT_OK,
    BINLOG_PUT_LOSSY,     /* Characters have no place in Unicode, or are malformed: '?' instead. */
    BINLOG_PUT_MALFORMED, /* As -1 of binlog_cell_value(); NULL is left. */
};

/*
 * Puts a cell into column `col` of the row added last. The builder's column must have the type that
 * the table map says (as the catalog would declare it): INT for LONG, DATETIME for DATETIME2, ...
 * cs: the character set of a string column, looked up once by the caller; NULL = its bytes as they
 * are. Scratch memory is the arena's.
 */
NODISCARD enum binlog_put binlog_put_cell(struct chunk_builder *b, uint32_t col,
                                          const struct binlog_column *c, const struct charset *cs,
                                          const struct binlog_cell *cell, struct arena *a);

/* Puts text in the character set cs into column `col`, as binlog_put_cell() does it: for rows that
 * come another way and must be the same. */
NODISCARD enum binlog_put binlog_put_text(struct chunk_builder *b, uint32_t col,
                                          const struct charset *cs, struct str s);

/* The type to declare for a column of a table map, e.g. for a chunk_builder: labels are the
 * column's. */
struct sql_type binlog_column_sql_type(const struct binlog_column *c);

#endif
