/*
 * Events as text for people: a line an event, and on demand a line a row. Needs no order: a log may
 * be printed from its middle, where rows without a table map are counted in bytes only.
 *
 *     397 2026-11-21 10:48:40 server 11 end 476 Gtid fff1c015-...:2 committed ...
 *       d.t UPDATE a=1 b='x' -> a=1 b='y'
 */
#ifndef BINLOG_PRINT_H
#define BINLOG_PRINT_H

#include "binlog/columns.h"
#include "binlog/event.h"
#include "binlog/payload.h"

#include "base/arena.h"
#include "base/bytebuf.h"

struct printed_table; /* A table map that was seen. */

struct binlog_printer {
    struct binlog_format format;
    bool verbose; /* Rows too. */

    struct arena tables_arena; /* Private from here. */
    struct printed_table *tables;
    struct arena scratch;
    struct binlog_payload_reader payload;
};

void binlog_printer_init(struct binlog_printer *p, enum binlog_checksum checksum);
void binlog_printer_release(struct binlog_printer *p);

/* Appends the lines of one event. Returns 0, or -1 with diag set when it cannot be decoded; what
 * could be is then in out. */
NODISCARD int binlog_print_event(struct binlog_printer *p, struct str bytes, uint64_t offset,
                                 struct bytebuf *out, struct diag *d);

/* Appends a cell's value as an SQL literal: 12, 'text', X'00ff', NULL. `before` is the same
 * column's cell of the before image, for differences of JSON, or NULL. Returns 0, or -1 when the
 * cell is malformed. */
NODISCARD int binlog_print_cell(const struct binlog_column *c, const struct binlog_cell *cell,
                                const struct binlog_cell *before, struct arena *a,
                                struct bytebuf *out);

#endif
