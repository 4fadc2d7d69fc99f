/* Rows events and their images. */
#include "binlog/rows.h"

#include "binlog/binlog_int.h"

enum {
    ROWS_POST_HEADER_LEN_OLD = 6, /* With an id of 4 bytes. */
    ROWS_POST_HEADER_LEN_V1 = 8,
    ROWS_POST_HEADER_LEN_V2 = 10, /* Behind it: extra data, their length included in itself. */

    PARTIAL_JSON = 1, /* Option of an after image. */
    PARTIAL_LEN_BYTES = 4,
};

/* Rows of one event are at most this long; servers cut them at binlog_row_event_max_size but for
 * single rows, which max_allowed_packet bounds. */
#define MAX_ROWS_LEN (UINT32_C(1) << 31)

struct rows_info {
    bool is_rows;
    enum binlog_rows_kind kind;
    uint8_t version;
    bool is_compressed;
    uint8_t post_header_type; /* The type that the format description lists the length under. */
};

#define ROWS(k, v) {.is_rows = true, .kind = BINLOG_ROWS_##k, .version = (v)}
#define COMPRESSED(k, v)                                                                           \
    {.is_rows = true, .kind = BINLOG_ROWS_##k, .version = (v), .is_compressed = true}

static const struct rows_info infos[256] = {
    [BINLOG_WRITE_ROWS_V1] = ROWS(INSERT, 1),
    [BINLOG_UPDATE_ROWS_V1] = ROWS(UPDATE, 1),
    [BINLOG_DELETE_ROWS_V1] = ROWS(DELETE, 1),
    [BINLOG_WRITE_ROWS] = ROWS(INSERT, 2),
    [BINLOG_UPDATE_ROWS] = ROWS(UPDATE, 2),
    [BINLOG_DELETE_ROWS] = ROWS(DELETE, 2),
    [BINLOG_PARTIAL_UPDATE_ROWS] = ROWS(UPDATE, 2),
    [BINLOG_MARIADB_WRITE_ROWS_COMPRESSED_V1] = COMPRESSED(INSERT, 1),
    [BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED_V1] = COMPRESSED(UPDATE, 1),
    [BINLOG_MARIADB_DELETE_ROWS_COMPRESSED_V1] = COMPRESSED(DELETE, 1),
    [BINLOG_MARIADB_WRITE_ROWS_COMPRESSED] = COMPRESSED(INSERT, 2),
    [BINLOG_MARIADB_UPDATE_ROWS_COMPRESSED] = COMPRESSED(UPDATE, 2),
    [BINLOG_MARIADB_DELETE_ROWS_COMPRESSED] = COMPRESSED(DELETE, 2),
};

bool binlog_is_rows_event(uint8_t type)
{
    return infos[type].is_rows;
}

/* ---- The event ---- */

static void get_rows_header(struct pkt_reader *r, const struct binlog_format *f,
                            const struct rows_info *info, struct binlog_rows *out)
{
    const size_t known = info->version == 1 ? ROWS_POST_HEADER_LEN_V1 : ROWS_POST_HEADER_LEN_V2;
    const size_t len = post_header_len(f, out->event.type, known);
    out->table_id = get_table_id(r, len == ROWS_POST_HEADER_LEN_OLD);
    out->flags = pkt_get_u16(r);
    if (info->version == 1) {
        pkt_skip(r, len > ROWS_POST_HEADER_LEN_V1 ? len - ROWS_POST_HEADER_LEN_V1 : 0);
        return;
    }
    const uint16_t extra_len = pkt_get_u16(r);
    pkt_skip(r, len > ROWS_POST_HEADER_LEN_V2 ? len - ROWS_POST_HEADER_LEN_V2 : 0);
    if (extra_len < 2) {
        pkt_reader_fail(r);
        return;
    }
    pkt_skip(r, extra_len - 2u);
}

int binlog_decode_rows(const struct binlog_format *f, const struct binlog_event *ev,
                       struct arena *a, struct binlog_rows *out, struct diag *d)
{
    const struct rows_info *info = &infos[ev->type];
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out = (struct binlog_rows){
        .event = *ev, .kind = info->kind, .is_partial = ev->type == BINLOG_PARTIAL_UPDATE_ROWS};
    get_rows_header(&r, f, info, out);
    const uint64_t ncols = pkt_get_lenenc(&r);
    if (pkt_reader_failed(&r) || ncols > pkt_reader_left(&r) * 8) {
        return binlog_corrupt(d, ev, "its header is cut off");
    }
    out->ncols = (uint32_t)ncols;
    const struct str bits = pkt_get_bytes(&r, (size_t)(ncols + 7) / 8);
    *(info->kind == BINLOG_ROWS_INSERT ? &out->after_columns : &out->before_columns) = bits;
    if (info->kind == BINLOG_ROWS_UPDATE) {
        out->after_columns = pkt_get_bytes(&r, (size_t)(ncols + 7) / 8);
    }
    out->data = pkt_get_rest(&r);
    if (pkt_reader_failed(&r)) {
        return binlog_corrupt(d, ev, "the bits of its columns are cut off");
    }
    if (info->is_compressed && mariadb_uncompress(out->data, a, MAX_ROWS_LEN, &out->data) != 0) {
        return binlog_corrupt(d, ev, "its rows cannot be uncompressed");
    }
    return 0;
}

/* ---- Rows ---- */

/* Are the bits of all columns set? */
static bool has_all(struct str bits, uint32_t ncols)
{
    for (uint32_t i = 0; i < ncols / 8; i++) {
        if ((uint8_t)bits.p[i] != UINT8_MAX) {
            return false;
        }
    }
    const unsigned last = (1u << ncols % 8) - 1;
    return last == 0 || ((uint8_t)bits.p[ncols / 8] & last) == last;
}

static void init_image(struct binlog_image *image, struct arena *a, struct str bits, uint32_t ncols)
{
    if (bits.p == NULL) {
        return;
    }
    image->cells = ARENA_ARRAY(a, struct binlog_cell, ncols);
    if (has_all(bits, ncols)) {
        image->count = ncols;
        return;
    }
    image->index = ARENA_ARRAY(a, uint32_t, ncols);
    for (uint32_t i = 0; i < ncols; i++) {
        if ((uint8_t)bits.p[i / 8] & 1u << i % 8) {
            image->index[image->count++] = i;
        }
    }
}

int binlog_rows_iter_init(struct binlog_rows_iter *it, const struct binlog_rows *rows,
                          const struct binlog_table *table, struct arena *a, struct diag *d)
{
    *it = (struct binlog_rows_iter){.rows = rows, .table = table};
    if (rows->ncols != table->ncols) {
        return binlog_corrupt(d, &rows->event,
                              "it has %u columns, the table map of `%.*s`.`%.*s` %u", rows->ncols,
                              STR_FMT(table->db), STR_FMT(table->name), table->ncols);
    }
    it->p = rows->data.p;
    it->end = rows->data.p + rows->data.len;
    init_image(&it->before_image, a, rows->before_columns, rows->ncols);
    init_image(&it->after_image, a, rows->after_columns, rows->ncols);
    it->before = it->before_image.cells;
    it->after = it->after_image.cells;
    for (uint32_t i = 0; rows->is_partial && i < table->ncols; i++) {
        it->json_count += table->cols[i].type == MYSQL_TYPE_JSON;
    }
    return 0;
}

static enum binlog_next fail_row(const struct binlog_rows_iter *it, uint32_t column, struct diag *d)
{
    (void)binlog_corrupt(d, &it->rows->event, "row %u, column %u of `%.*s`.`%.*s` is cut off",
                         it->row, column + 1, STR_FMT(it->table->db), STR_FMT(it->table->name));
    return BINLOG_ERROR;
}

/* Cuts a value of a column off the rows, which begin at *p. Returns 0, or -1 when they end within
 * it. */
static inline int cut_cell(const char **p, const char *end, const struct binlog_column *c,
                           uint32_t len_bytes, struct binlog_cell *out)
{
    const char *at = *p;
    size_t len = c->size;
    if (len_bytes > 0) {
        if (UNLIKELY((size_t)(end - at) < len_bytes)) {
            return -1;
        }
        len = load_uint(at, len_bytes);
        at += len_bytes;
    }
    if (UNLIKELY((size_t)(end - at) < len)) {
        return -1;
    }
    out->p = at;
    out->len = (uint32_t)len;
    *p = at + len;
    return 0;
}

static inline uint32_t image_column(const struct binlog_image *image, uint32_t i)
{
    return image->index != NULL ? image->index[i] : i;
}

/* NULL bits, a bit a column of the image, then the values of those that are not NULL. */
static enum binlog_next get_image(struct binlog_rows_iter *it, const struct binlog_image *image,
                                  struct diag *d)
{
    const struct binlog_column *cols = it->table->cols;
    const char *nulls = it->p;
    const char *end = it->end;
    if ((size_t)(end - nulls) < (image->count + 7) / 8) {
        return fail_row(it, 0, d);
    }
    const char *p = nulls + (image->count + 7) / 8;
    for (uint32_t i = 0; i < image->count; i++) {
        const uint32_t column = image_column(image, i);
        const struct binlog_column *c = &cols[column];
        struct binlog_cell *cell = &image->cells[column];
        if ((uint8_t)nulls[i / 8] & 1u << i % 8) {
            *cell = (struct binlog_cell){.state = BINLOG_CELL_NULL};
            continue;
        }
        const bool is_diff = cell->state == BINLOG_CELL_JSON_DIFF;
        if (cut_cell(&p, end, c, is_diff ? PARTIAL_LEN_BYTES : c->len_bytes, cell) != 0) {
            return fail_row(it, column, d);
        }
        cell->state = is_diff ? BINLOG_CELL_JSON_DIFF : BINLOG_CELL_VALUE;
    }
    it->p = p;
    return BINLOG_ITEM;
}

/* Marks the cells of the after image that will be differences: options, then a bit for each JSON
 * column of the table. */
static int get_partial_bits(struct binlog_rows_iter *it)
{
    struct pkt_reader r;
    pkt_reader_init(&r, str_from(it->p, (size_t)(it->end - it->p)));
    const uint64_t options = pkt_get_lenenc(&r);
    struct str bits = STR_NULL;
    if (options == PARTIAL_JSON) {
        bits = pkt_get_bytes(&r, (it->json_count + 7) / 8);
    } else if (options != 0) {
        return -1;
    }
    if (pkt_reader_failed(&r)) {
        return -1;
    }
    it->p = r.p;
    uint32_t json = 0;
    for (uint32_t i = 0; bits.p != NULL && i < it->table->ncols; i++) {
        if (it->table->cols[i].type != MYSQL_TYPE_JSON) {
            continue;
        }
        if (((uint8_t)bits.p[json / 8] & 1u << json % 8) != 0 &&
            it->after[i].state != BINLOG_CELL_ABSENT) {
            it->after[i].state = BINLOG_CELL_JSON_DIFF;
        }
        json++;
    }
    return 0;
}

/* Forgets which cells of the row before were differences. */
static void reset_after(struct binlog_rows_iter *it)
{
    for (uint32_t i = 0; i < it->after_image.count; i++) {
        it->after[image_column(&it->after_image, i)].state = BINLOG_CELL_NULL;
    }
}

/* A row of no columns takes no bytes: an event of such rows has one. */
static bool at_end(const struct binlog_rows_iter *it)
{
    if (it->before_image.count == 0 && it->after_image.count == 0 && !it->rows->is_partial) {
        return it->row > 0;
    }
    return it->p == it->end;
}

enum binlog_next binlog_rows_next(struct binlog_rows_iter *it, struct diag *d)
{
    if (at_end(it)) {
        if (it->p == it->end) {
            return BINLOG_END;
        }
        (void)binlog_corrupt(d, &it->rows->event, "it has bytes behind its rows");
        return BINLOG_ERROR;
    }
    it->row++;
    enum binlog_next rc = BINLOG_ITEM;
    if (it->before != NULL) {
        rc = get_image(it, &it->before_image, d);
    }
    if (rc == BINLOG_ITEM && it->after != NULL) {
        if (it->rows->is_partial) {
            reset_after(it);
            if (get_partial_bits(it) != 0) {
                (void)binlog_corrupt(d, &it->rows->event, "row %u has impossible options", it->row);
                return BINLOG_ERROR;
            }
        }
        rc = get_image(it, &it->after_image, d);
    }
    return rc;
}
