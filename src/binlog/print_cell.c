/* Values of cells as SQL literals. */
#include "binlog/binlog_int.h"
#include "binlog/cell.h"
#include "binlog/json_binary.h"
#include "binlog/print.h"

#include "types/charset.h"
#include "types/collation.h"
#include "types/convert.h"

static void print_hex(struct str s, struct bytebuf *out)
{
    static const char digits[] = "0123456789abcdef";
    bytebuf_put_str(out, STR("X'"));
    for (size_t i = 0; i < s.len; i++) {
        bytebuf_put_char(out, digits[(uint8_t)s.p[i] >> 4]);
        bytebuf_put_char(out, digits[(uint8_t)s.p[i] & 15]);
    }
    bytebuf_put_char(out, '\'');
}

static void print_quoted(struct str s, struct bytebuf *out)
{
    bytebuf_put_char(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.p[i];
        switch (c) {
        case '\0':
            bytebuf_put_str(out, STR("\\0"));
            break;
        case '\n':
            bytebuf_put_str(out, STR("\\n"));
            break;
        case '\r':
            bytebuf_put_str(out, STR("\\r"));
            break;
        case '\'':
        case '\\':
            bytebuf_put_char(out, '\\');
            bytebuf_put_char(out, c);
            break;
        default:
            bytebuf_put_char(out, c);
        }
    }
    bytebuf_put_char(out, '\'');
}

/* Text of a known character set as text, all else as its bytes. */
static void print_string(const struct binlog_column *c, const struct value *v, struct bytebuf *out)
{
    const struct collation *collation = c->has_collation ? collation_find(v->collation) : NULL;
    if (collation == NULL || collation->charset->kind == CHARSET_BINARY) {
        print_hex(v->str, out);
        return;
    }
    struct bytebuf text;
    bytebuf_init(&text, v->str.len * 4 + 4);
    if (charset_to_utf8(collation->charset, v->str, &text) == 0) {
        print_quoted(bytebuf_str(&text), out);
    } else {
        print_hex(v->str, out);
    }
    bytebuf_release(&text);
}

/* The labels that the number names, or the number. */
static void print_labels(const struct binlog_column *c, uint64_t number, struct bytebuf *out)
{
    const struct type_labels *l = c->labels;
    if (c->type == MYSQL_TYPE_ENUM) {
        if (l != NULL && number > 0 && number <= l->count) {
            print_quoted(l->names[number - 1], out);
        } else {
            bytebuf_printf(out, "%llu", (unsigned long long)number);
        }
        return;
    }
    if (l == NULL || (l->count < 64 && number >> l->count != 0)) {
        bytebuf_printf(out, "%llu", (unsigned long long)number);
        return;
    }
    struct bytebuf text;
    bytebuf_init(&text, 1u << 20);
    for (uint32_t i = 0; i < MIN(l->count, 64u); i++) {
        if (number >> i & 1) {
            if (text.len > 0) {
                bytebuf_put_char(&text, ',');
            }
            bytebuf_put_str(&text, l->names[i]);
        }
    }
    print_quoted(bytebuf_str(&text), out);
    bytebuf_release(&text);
}

static void print_value(const struct binlog_column *c, const struct value *v, struct arena *a,
                        struct bytebuf *out)
{
    const struct sql_type type = binlog_column_sql_type(c);
    switch (v->kind) {
    case VALUE_STRING:
        print_string(c, v, out);
        break;
    case VALUE_JSON:
        print_quoted(v->str, out);
        break;
    case VALUE_DATE:
    case VALUE_DATETIME:
    case VALUE_TIME:
        print_quoted(value_to_text(v, &type, a), out);
        break;
    case VALUE_UINT:
        if (c->type == MYSQL_TYPE_ENUM || c->type == MYSQL_TYPE_SET) {
            print_labels(c, v->u, out);
        } else if (c->type == MYSQL_TYPE_YEAR) {
            bytebuf_printf(out, "%04llu", (unsigned long long)v->u);
        } else {
            bytebuf_printf(out, "%llu", (unsigned long long)v->u);
        }
        break;
    default:
        bytebuf_put_str(out, value_to_text(v, &type, a));
    }
}

/* Differences without the document they belong to. */
static int print_diffs(struct str diffs, struct bytebuf *out)
{
    static const char *const names[] = {[JSON_DIFF_REPLACE] = "REPLACE",
                                        [JSON_DIFF_INSERT] = "INSERT",
                                        [JSON_DIFF_REMOVE] = "REMOVE"};
    bytebuf_put_char(out, '(');
    for (bool first = true; diffs.len > 0; first = false) {
        struct json_diff diff;
        if (json_diff_next(&diffs, &diff) != 0) {
            return -1;
        }
        bytebuf_put_str(out, first ? STR_NULL : STR(", "));
        bytebuf_printf(out, "%s ", names[diff.op]);
        print_quoted(diff.path, out);
        if (diff.op != JSON_DIFF_REMOVE) {
            bytebuf_put_char(out, ' ');
            if (json_binary_to_text(diff.value, out) != 0) {
                return -1;
            }
        }
    }
    bytebuf_put_char(out, ')');
    return 0;
}

int binlog_print_cell(const struct binlog_column *c, const struct binlog_cell *cell,
                      const struct binlog_cell *before, struct arena *a, struct bytebuf *out)
{
    struct value v;
    int rc;
    if (cell->state == BINLOG_CELL_JSON_DIFF) {
        if (before == NULL || before->state != BINLOG_CELL_VALUE) {
            return print_diffs(str_from(cell->p, cell->len), out);
        }
        rc = binlog_patch_cell(before, cell, a, &v);
    } else {
        rc = binlog_cell_value(c, cell, a, &v);
    }
    if (rc != 0) {
        return -1;
    }
    if (v.kind == VALUE_NULL) {
        bytebuf_put_str(out, STR("NULL"));
    } else {
        print_value(c, &v, a, out);
    }
    return 0;
}
