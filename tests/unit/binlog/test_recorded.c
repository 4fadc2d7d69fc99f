/*
 * Logs that MySQL 9.7 and MariaDB wrote: their printed text, of which the recording compared the
 * values with SELECT; the transactions in them; and that no cut or changed event leads a decoder
 * astray.
 */
#include "binlog/cell.h"
#include "binlog/print.h"
#include "binlog/stream.h"
#include "binlog_test.h"

#include "types/chunk.h"
#include "types/collation.h"

static const char *const names[] = {
    "mysql-full",
    "mysql-minimal",
    "mysql-noblob",
    "mysql-compressed",
    "mysql-statements",
    "mariadb-full",
    "mariadb-minimal",
    "mariadb-compressed",
    "mariadb-statements",
    "mysql-partial-json",
    "mysql-partial-json-minimal",
};

static void fail_diag(const char *name, const struct diag *d)
{
    fail_msg("%s: %.*s", name, STR_FMT(d->error->message));
}

static void check_text(const char *name)
{
    struct arena a;
    struct diag d;
    struct binlog_printer p;
    struct bytebuf out;
    arena_init(&a, 0);
    diag_init(&d);
    bytebuf_init(&out, SIZE_MAX / 2);
    binlog_printer_init(&p, BINLOG_CHECKSUM_UNKNOWN);
    p.verbose = true;
    const struct str file = read_data(&a, name, ".binlog");
    const struct str want = read_data(&a, name, ".txt");
    struct str bytes;
    for (size_t at = BINLOG_MAGIC_LEN, start = at; next_event(file, &at, &bytes); start = at) {
        if (binlog_print_event(&p, bytes, start, &out, &d) != 0) {
            fail_diag(name, &d);
        }
    }
    if (!str_eq(bytebuf_str(&out), want)) {
        size_t i = 0;
        while (i < out.len && i < want.len && out.p[i] == want.p[i]) {
            i++;
        }
        fail_msg("%s: byte %zu of the text differs: %.60s", name, i, want.p + i);
    }
    binlog_printer_release(&p);
    bytebuf_release(&out);
    diag_release(&d);
    arena_release(&a);
}

static void test_text_is_as_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        check_text(names[i]);
    }
}

/* ---- Transactions ---- */

struct counts {
    unsigned txns;
    unsigned rows;
    unsigned queries;
    unsigned ends[3]; /* Commits, rollbacks, prepares. */
    unsigned new_tables;
};

static void count_item(const struct binlog_item *item, struct counts *c, struct arena *a,
                       struct diag *d)
{
    struct binlog_rows_iter it;
    c->txns += item->kind == BINLOG_TXN_BEGIN;
    c->queries += item->kind == BINLOG_TXN_QUERY;
    c->new_tables += item->kind == BINLOG_TXN_TABLE && item->table_is_new;
    if (item->kind >= BINLOG_TXN_COMMIT && item->kind <= BINLOG_TXN_PREPARE) {
        c->ends[item->kind - BINLOG_TXN_COMMIT]++;
    }
    if (item->kind == BINLOG_TXN_ROWS) {
        assert_int_equal(binlog_rows_iter_init(&it, &item->rows, item->table, a, d), 0);
        while (binlog_rows_next(&it, d) == BINLOG_ITEM) {
            c->rows++;
        }
        assert_null(d->error);
    }
}

static struct counts count_file(const char *name)
{
    struct counts c = {0};
    struct arena a;
    struct diag d;
    struct binlog_stream s;
    struct binlog_item item;
    arena_init(&a, 0);
    diag_init(&d);
    binlog_stream_init(&s, BINLOG_CHECKSUM_UNKNOWN);
    const struct str file = read_data(&a, name, ".binlog");
    struct str bytes;
    for (size_t at = BINLOG_MAGIC_LEN, start = at; next_event(file, &at, &bytes); start = at) {
        enum binlog_next rc = BINLOG_ERROR;
        if (binlog_stream_feed(&s, bytes, start, &d) == 0) {
            while ((rc = binlog_stream_next(&s, &item, &d)) == BINLOG_ITEM) {
                count_item(&item, &c, &a, &d);
            }
        }
        if (rc != BINLOG_END) {
            fail_diag(name, &d);
        }
    }
    assert_false(binlog_stream_in_txn(&s));
    assert_int_equal(c.txns, c.ends[0] + c.ends[1] + c.ends[2]);
    binlog_stream_release(&s);
    diag_release(&d);
    arena_release(&a);
    return c;
}

static void test_transactions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct counts c = count_file(names[i]);
        assert_true(c.rows >= 4);
        assert_true(c.queries >= 1);
    }
    const struct counts mysql = count_file("mysql-statements");
    assert_int_equal(mysql.ends[2], 2);
    const struct counts mariadb = count_file("mariadb-statements");
    assert_int_equal(mariadb.ends[2], 2);
    const struct counts json = count_file("mysql-partial-json");
    assert_int_equal(json.new_tables, 1);
}

/* ---- Cells ---- */

static bool same_time(const struct mtime *a, const struct mtime *b)
{
    return a->year == b->year && a->month == b->month && a->day == b->day && a->hour == b->hour &&
           a->minute == b->minute && a->second == b->second && a->usec == b->usec &&
           a->negative == b->negative;
}

static void compare_cell(const struct binlog_column *c, const struct binlog_cell *cell,
                         const struct chunk_builder *b, uint32_t col, struct arena *a)
{
    struct value want;
    struct value got;
    assert_int_equal(binlog_cell_value(c, cell, a, &want), 0);
    vec_get(&b->cols[col], b->nrows - 1, &got);
    if (c->type == MYSQL_TYPE_FLOAT || want.kind == VALUE_NULL) {
        assert_int_equal(got.kind, want.kind);
        return;
    }
    if (want.kind == VALUE_STRING || want.kind == VALUE_JSON) {
        struct bytebuf text;
        bytebuf_init(&text, 1u << 20);
        const struct collation *collation = collation_find(want.collation);
        if (want.kind == VALUE_JSON || !c->has_collation || collation == NULL) {
            bytebuf_put_str(&text, want.str);
        } else {
            assert_int_equal(charset_to_utf8(collation->charset, want.str, &text), 0);
        }
        assert_int_equal(got.str.len, text.len);
        assert_memory_equal(got.str.p != NULL ? got.str.p : "", text.p != NULL ? text.p : "",
                            text.len);
        bytebuf_release(&text);
        return;
    }
    if (want.kind == VALUE_DECIMAL) {
        assert_int_equal(decimal_cmp(&want.dec, &got.dec), 0);
    } else if (want.kind >= VALUE_DATE && want.kind <= VALUE_TIME) {
        assert_true(same_time(&want.time, &got.time));
    } else {
        assert_int_equal(got.u, want.u);
    }
}

static void compare_image(const struct binlog_table *t, const struct binlog_cell *cells,
                          struct arena *a)
{
    struct chunk_builder b;
    struct sql_type *types = ARENA_ARRAY(a, struct sql_type, t->ncols);
    for (uint32_t i = 0; i < t->ncols; i++) {
        types[i] = binlog_column_sql_type(&t->cols[i]);
    }
    chunk_builder_init(&b, types, t->ncols);
    (void)chunk_builder_add_row(&b);
    for (uint32_t i = 0; i < t->ncols; i++) {
        const struct binlog_column *c = &t->cols[i];
        const struct collation *collation =
            c->has_collation && binlog_column_is_string(c) ? collation_find(c->collation) : NULL;
        assert_int_equal(
            binlog_put_cell(&b, i, c, collation != NULL ? collation->charset : NULL, &cells[i], a),
            BINLOG_PUT_OK);
        compare_cell(c, &cells[i], &b, i, a);
    }
    chunk_builder_release(&b);
}

static void compare_file(const char *name)
{
    struct arena a;
    struct diag d;
    struct binlog_stream s;
    struct binlog_item item;
    arena_init(&a, 0);
    diag_init(&d);
    binlog_stream_init(&s, BINLOG_CHECKSUM_UNKNOWN);
    const struct str file = read_data(&a, name, ".binlog");
    struct str bytes;
    for (size_t at = BINLOG_MAGIC_LEN; next_event(file, &at, &bytes);) {
        assert_int_equal(binlog_stream_feed(&s, bytes, at, &d), 0);
        while (binlog_stream_next(&s, &item, &d) == BINLOG_ITEM) {
            struct binlog_rows_iter it;
            if (item.kind != BINLOG_TXN_ROWS) {
                continue;
            }
            assert_int_equal(binlog_rows_iter_init(&it, &item.rows, item.table, &a, &d), 0);
            while (binlog_rows_next(&it, &d) == BINLOG_ITEM) {
                compare_image(item.table, it.after != NULL ? it.after : it.before, &a);
            }
        }
        assert_null(d.error);
    }
    binlog_stream_release(&s);
    diag_release(&d);
    arena_release(&a);
}

/* The short cuts into chunks give what the values are, which were compared with SELECT. */
static void test_chunks_hold_the_values(void **state)
{
    (void)state;
    compare_file("mysql-full");
    compare_file("mysql-minimal");
    compare_file("mysql-compressed");
    compare_file("mariadb-full");
    compare_file("mariadb-compressed");
}

/* ---- Metadata ---- */

static void test_full_metadata(void **state)
{
    (void)state;
    struct arena a;
    struct diag d;
    struct binlog_stream s;
    struct binlog_item item;
    arena_init(&a, 0);
    diag_init(&d);
    binlog_stream_init(&s, BINLOG_CHECKSUM_UNKNOWN);
    const struct str file = read_data(&a, "mysql-full", ".binlog");
    const struct binlog_table *t = NULL;
    struct str bytes;
    for (size_t at = BINLOG_MAGIC_LEN; t == NULL && next_event(file, &at, &bytes);) {
        assert_int_equal(binlog_stream_feed(&s, bytes, at, &d), 0);
        while (binlog_stream_next(&s, &item, &d) == BINLOG_ITEM) {
            t = item.table != NULL ? item.table : t;
        }
    }
    assert_non_null(t);
    assert_true(str_eq(t->db, STR("d")) && str_eq(t->name, STR("ty")));
    assert_int_equal(t->key_count, 1);
    assert_int_equal(t->key[0].column, 0);
    assert_true(t->cols[2].is_unsigned && !t->cols[1].is_unsigned);
    for (uint32_t i = 0; i < t->ncols; i++) {
        const struct binlog_column *c = &t->cols[i];
        assert_int_equal(c->is_invisible, str_eq(c->name, STR("inv")));
        if (str_eq(c->name, STR("en"))) {
            assert_int_equal(c->labels->count, 3);
            assert_true(str_eq(c->labels->names[1], STR("b'c")));
        }
        if (str_eq(c->name, STR("vc"))) {
            assert_int_equal(c->vector_dimension, 3);
        }
        if (str_eq(c->name, STR("po"))) {
            assert_int_equal(c->geometry_type, 1);
        }
    }
    binlog_stream_release(&s);
    diag_release(&d);
    arena_release(&a);
}

/* ---- Damage ---- */

/* Prints an event that may be anything, and drops the text. */
static void print_damaged(struct binlog_printer *p, struct str bytes, struct bytebuf *out,
                          struct diag *d)
{
    bytebuf_reset(out);
    diag_reset(d);
    if (binlog_print_event(p, bytes, 0, out, d) != 0) {
        assert_non_null(d->error);
    }
}

/* Every prefix of an event, its header saying the length. */
static void print_prefixes(struct binlog_printer *p, struct str bytes, struct bytebuf *out,
                           struct diag *d)
{
    const size_t step = bytes.len > 700 ? 13 : 1;
    for (size_t len = BINLOG_HEADER_LEN; len < bytes.len; len += step) {
        /* Memory of its own, so that a read behind it is found. */
        char *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, bytes.p, len);
        const uint32_t size = (uint32_t)len;
        memcpy(copy + 9, &size, sizeof(size));
        print_damaged(p, str_from(copy, len), out, d);
        free(copy);
    }
}

static void print_changed(struct binlog_printer *p, struct str bytes, struct bytebuf *out,
                          struct diag *d)
{
    static uint32_t seed = 7;
    char *copy = malloc(bytes.len);
    assert_non_null(copy);
    for (unsigned i = 0; i < 30; i++) {
        memcpy(copy, bytes.p, bytes.len);
        for (unsigned j = 0; j < 1 + i % 3 && bytes.len > BINLOG_HEADER_LEN; j++) {
            seed = seed * 1103515245 + 12345;
            copy[BINLOG_HEADER_LEN + (seed >> 8) % (bytes.len - BINLOG_HEADER_LEN)] =
                (char)(seed >> 3);
        }
        print_damaged(p, str_from(copy, bytes.len), out, d);
    }
    free(copy);
}

static void test_damaged_events_are_survived(void **state)
{
    (void)state;
    struct arena a;
    struct diag d;
    struct bytebuf out;
    arena_init(&a, 0);
    diag_init(&d);
    bytebuf_init(&out, 64u << 20);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct binlog_printer p;
        struct binlog_printer damaged;
        binlog_printer_init(&p, BINLOG_CHECKSUM_UNKNOWN);
        binlog_printer_init(&damaged, BINLOG_CHECKSUM_NONE);
        p.verbose = damaged.verbose = true;
        const struct str file = read_data(&a, names[i], ".binlog");
        struct str bytes;
        for (size_t at = BINLOG_MAGIC_LEN; next_event(file, &at, &bytes);) {
            bytebuf_reset(&out);
            assert_int_equal(binlog_print_event(&p, bytes, 0, &out, &d), 0);
            const bool has_checksum = p.format.checksum == BINLOG_CHECKSUM_CRC32;
            /* Without checksums damage comes through to the decoders. */
            damaged.format = p.format;
            damaged.format.checksum = BINLOG_CHECKSUM_NONE;
            const struct str body = str_from(bytes.p, bytes.len - (has_checksum ? 4 : 0));
            print_prefixes(&damaged, body, &out, &d);
            print_changed(&damaged, body, &out, &d);
            damaged.format = p.format;
            damaged.format.checksum = BINLOG_CHECKSUM_NONE;
            /* Now the table map it may be, whole. */
            char *whole = arena_alloc(&a, body.len);
            memcpy(whole, body.p, body.len);
            const uint32_t size = (uint32_t)body.len;
            memcpy(whole + 9, &size, sizeof(size));
            print_damaged(&damaged, str_from(whole, body.len), &out, &d);
        }
        binlog_printer_release(&damaged);
        binlog_printer_release(&p);
    }
    bytebuf_release(&out);
    diag_release(&d);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_as_recorded),         cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_chunks_hold_the_values),      cmocka_unit_test(test_full_metadata),
        cmocka_unit_test(test_damaged_events_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
