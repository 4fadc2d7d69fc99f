/*
 * Rows events: the rows that were inserted, updated or deleted, as images of cells. An image is
 * only cut into cells here; cell.h makes values of them. See event.h for the conventions of
 * decoding.
 *
 *     binlog_decode_rows(...)                     the event: which table, which columns
 *     binlog_rows_iter_init(...)                  with the table map of that id
 *     while (binlog_rows_next(...) == BINLOG_ITEM)
 *         it.before[i], it.after[i]               cells of column i
 */
#ifndef BINLOG_ROWS_H
#define BINLOG_ROWS_H

#include "binlog/columns.h"
#include "binlog/event.h"

#include "base/arena.h"

/* What an iterator came to. */
enum binlog_next {
    BINLOG_ITEM,
    BINLOG_END,
    BINLOG_ERROR, /* The diag is set. */
};

enum binlog_rows_kind {
    BINLOG_ROWS_INSERT,
    BINLOG_ROWS_UPDATE,
    BINLOG_ROWS_DELETE,
};

enum binlog_rows_flags {
    BINLOG_ROWS_STMT_END = 0x1, /* Last rows of the statement: its table ids end here. */
    BINLOG_ROWS_NO_FOREIGN_KEY_CHECKS = 0x2,
    BINLOG_ROWS_RELAXED_UNIQUE_CHECKS = 0x4,
    BINLOG_ROWS_COMPLETE = 0x8,
    BINLOG_ROWS_SQL_FOREIGN_KEYS = 0x10, /* MySQL 9.6: cascades are in the log. */
};

struct binlog_rows {
    struct binlog_event event; /* For messages; its body is not used. */
    enum binlog_rows_kind kind;
    bool is_partial; /* Updates of JSON columns may be differences. */
    uint64_t table_id;
    uint16_t flags;
    uint32_t ncols;
    struct str before_columns; /* Bits of the columns in images; p NULL = no such image. */
    struct str after_columns;
    struct str data; /* The rows. */
};

enum binlog_cell_state {
    BINLOG_CELL_ABSENT, /* Not in the image (binlog_row_image MINIMAL or NOBLOB). */
    BINLOG_CELL_NULL,
    BINLOG_CELL_VALUE,
    BINLOG_CELL_JSON_DIFF, /* Differences to the before image's document: json_binary.h. */
};

/* A column of a row as it is in the log, without the length of strings. Borrows from the rows. */
struct binlog_cell {
    const char *p;
    uint32_t len;
    uint8_t state; /* enum binlog_cell_state */
};

/* Which columns an image has. */
struct binlog_image {
    struct binlog_cell *cells; /* One a column of the table. */
    uint32_t *index;           /* Numbers of its columns; NULL = all. */
    uint32_t count;            /* Of its columns. */
};

struct binlog_rows_iter {
    const struct binlog_rows *rows;
    const struct binlog_table *table;
    struct binlog_cell *before; /* One a column, valid until the next row; NULL = no such image. */
    struct binlog_cell *after;
    uint32_t row; /* Number of the row, from 1. */

    const char *p; /* Private from here. */
    const char *end;
    struct binlog_image before_image;
    struct binlog_image after_image;
    uint32_t json_count; /* JSON columns of the table. */
};

/* Is it an event that binlog_decode_rows() takes? */
NODISCARD bool binlog_is_rows_event(uint8_t type);

/* Decodes a rows event up to its rows, which MariaDB may have compressed (then they are in the
 * arena, else they borrow from the event). */
NODISCARD int binlog_decode_rows(const struct binlog_format *f, const struct binlog_event *ev,
                                 struct arena *a, struct binlog_rows *out, struct diag *d);

/* Prepares to walk the rows. rows and table must outlive the iterator; cells are in the arena.
 * Fails when the table map does not fit the event. */
NODISCARD int binlog_rows_iter_init(struct binlog_rows_iter *it, const struct binlog_rows *rows,
                                    const struct binlog_table *table, struct arena *a,
                                    struct diag *d);

NODISCARD enum binlog_next binlog_rows_next(struct binlog_rows_iter *it, struct diag *d);

#endif
