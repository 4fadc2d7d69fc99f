/* fuzz: binlog types wire base */
/*
 * Whole logs: the input is a file without its magic. Events are printed with their rows and go
 * through the stream and into chunks, without checksums, which would keep damage away. A first byte
 * says whether it is MariaDB's.
 */
#include "binlog/cell.h"
#include "binlog/print.h"
#include "binlog/stream.h"

#include "types/collation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
    struct binlog_printer printer;
    struct binlog_stream stream;
    struct bytebuf out;
    struct arena arena;
    struct diag diag;
};

static void put_rows(struct state *s, const struct binlog_item *item)
{
    struct binlog_rows_iter it;
    struct chunk_builder b;
    const struct binlog_table *t = item->table;
    struct sql_type *types = ARENA_ARRAY(&s->arena, struct sql_type, t->ncols);
    if (t->ncols > 64 || binlog_rows_iter_init(&it, &item->rows, t, &s->arena, &s->diag) != 0) {
        return;
    }
    for (uint32_t i = 0; i < t->ncols; i++) {
        types[i] = binlog_column_sql_type(&t->cols[i]);
    }
    chunk_builder_init(&b, types, t->ncols);
    while (binlog_rows_next(&it, &s->diag) == BINLOG_ITEM && it.row < 50) {
        const struct binlog_cell *cells = it.after != NULL ? it.after : it.before;
        (void)chunk_builder_add_row(&b);
        for (uint32_t i = 0; i < t->ncols; i++) {
            const struct collation *c = collation_find(t->cols[i].collation);
            (void)!binlog_put_cell(&b, i, &t->cols[i], c != NULL ? c->charset : NULL, &cells[i],
                                   &s->arena);
        }
    }
    chunk_builder_release(&b);
}

static void take_event(struct state *s, struct str bytes)
{
    struct binlog_item item;
    diag_reset(&s->diag);
    bytebuf_reset(&s->out);
    if (binlog_print_event(&s->printer, bytes, 0, &s->out, &s->diag) != 0) {
        assert(s->diag.error != NULL);
    }
    if (binlog_stream_feed(&s->stream, bytes, 0, &s->diag) == 0) {
        while (binlog_stream_next(&s->stream, &item, &s->diag) == BINLOG_ITEM) {
            if (item.kind == BINLOG_TXN_ROWS) {
                put_rows(s, &item);
            }
        }
    }
    if (s->stream.failed) {
        binlog_stream_restart(&s->stream, BINLOG_CHECKSUM_NONE);
        s->stream.format = s->printer.format;
    }
    s->printer.format.checksum = BINLOG_CHECKSUM_NONE;
    s->stream.format.checksum = BINLOG_CHECKSUM_NONE;
    arena_reset(&s->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state s;
    if (size < 1) {
        return 0;
    }
    binlog_printer_init(&s.printer, BINLOG_CHECKSUM_NONE);
    binlog_stream_init(&s.stream, BINLOG_CHECKSUM_NONE);
    bytebuf_init(&s.out, 1u << 22);
    arena_init(&s.arena, 0);
    diag_init(&s.diag);
    s.printer.verbose = true;
    s.printer.format.is_mariadb = s.stream.format.is_mariadb = (data[0] & 1) != 0;
    struct str rest = str_from((const char *)data + 1, size - 1);
    while (rest.len >= BINLOG_HEADER_LEN) {
        const uint32_t event_size = binlog_peek_size(rest);
        const size_t len = event_size >= BINLOG_HEADER_LEN ? MIN(event_size, rest.len) : rest.len;
        take_event(&s, str_from(rest.p, len));
        rest = str_from(rest.p + len, rest.len - len);
    }
    diag_release(&s.diag);
    arena_release(&s.arena);
    bytebuf_release(&s.out);
    binlog_stream_release(&s.stream);
    binlog_printer_release(&s.printer);
    return 0;
}
