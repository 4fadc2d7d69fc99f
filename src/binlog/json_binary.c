/*
 * Binary JSON to text, and differences.
 *
 * A value is a type byte and, elsewhere, its bytes. Objects and arrays hold offsets from their own
 * start; in the small forms offsets and counts have 2 bytes, in the large ones 4:
 *
 *     object: count, size, (key offset, key length: 2)*, (type: 1, offset or value)*, keys, values
 *     array:  count, size, (type: 1, offset or value)*, values
 *
 * Differences are applied to a tree of which only the containers on the way to a change are ever
 * unfolded; all else stays in its binary form until it is written.
 */
#include "binlog/json_binary.h"

#include "binlog/binlog_int.h"

#include "types/convert.h"
#include "types/decimal.h"
#include "types/json.h"
#include "types/temporal.h"
#include "types/type.h"

enum bjson_type {
    BJSON_SMALL_OBJECT = 0x0,
    BJSON_LARGE_OBJECT = 0x1,
    BJSON_SMALL_ARRAY = 0x2,
    BJSON_LARGE_ARRAY = 0x3,
    BJSON_LITERAL = 0x4,
    BJSON_INT16 = 0x5,
    BJSON_UINT16 = 0x6,
    BJSON_INT32 = 0x7,
    BJSON_UINT32 = 0x8,
    BJSON_INT64 = 0x9,
    BJSON_UINT64 = 0xa,
    BJSON_DOUBLE = 0xb,
    BJSON_STRING = 0xc,
    BJSON_OPAQUE = 0xf,
};

enum {
    LITERAL_NULL = 0,
    LITERAL_TRUE = 1,
    LITERAL_FALSE = 2,

    KEY_LEN_BYTES = 2,
    DATETIME_FRACTION = 6,
    BASE64_LINE_BYTES = 57,
};

/* A value in its binary form. */
struct bvalue {
    uint8_t type;
    struct str data; /* From the value's first byte; may be longer than it. */
};

/* An object or array whose tables were found to lie within it. */
struct bcontainer {
    bool is_object;
    unsigned width; /* Bytes of an offset. */
    uint32_t count;
    struct str data; /* All of it. */
};

static int write_value(struct bvalue v, unsigned depth, struct bytebuf *out);

/* ---- Reading ---- */

static bool is_container(uint8_t type)
{
    return type <= BJSON_LARGE_ARRAY;
}

static size_t entries_offset(const struct bcontainer *c)
{
    const size_t key_entry = c->is_object ? c->width + KEY_LEN_BYTES : 0u;
    return 2u * c->width + c->count * key_entry;
}

static int open_container(struct bvalue v, struct bcontainer *out)
{
    *out = (struct bcontainer){
        .is_object = v.type == BJSON_SMALL_OBJECT || v.type == BJSON_LARGE_OBJECT,
        .width = v.type == BJSON_SMALL_OBJECT || v.type == BJSON_SMALL_ARRAY ? 2 : 4,
    };
    if (v.data.len < 2u * out->width) {
        return -1;
    }
    const uint64_t count = load_uint(v.data.p, out->width);
    const uint64_t size = load_uint(v.data.p + out->width, out->width);
    if (size > v.data.len || count > size) {
        return -1;
    }
    out->count = (uint32_t)count;
    out->data = str_from(v.data.p, (size_t)size);
    return entries_offset(out) + count * (1 + out->width) > size ? -1 : 0;
}

static int get_key(const struct bcontainer *c, uint32_t i, struct str *out)
{
    const char *entry = c->data.p + 2u * c->width + i * (size_t)(c->width + KEY_LEN_BYTES);
    const uint64_t offset = load_uint(entry, c->width);
    const uint16_t len = load_u16(entry + c->width);
    if (offset > c->data.len || len > c->data.len - offset) {
        return -1;
    }
    *out = str_from(c->data.p + offset, len);
    return 0;
}

/* Is a value of the type held where others have their offset? */
static bool is_inlined(uint8_t type, unsigned width)
{
    return type == BJSON_LITERAL || type == BJSON_INT16 || type == BJSON_UINT16 ||
           (width == 4 && (type == BJSON_INT32 || type == BJSON_UINT32));
}

static int get_element(const struct bcontainer *c, uint32_t i, struct bvalue *out)
{
    const char *entry = c->data.p + entries_offset(c) + i * (size_t)(1 + c->width);
    out->type = (uint8_t)*entry++;
    if (is_inlined(out->type, c->width)) {
        out->data = str_from(entry, c->width);
        return 0;
    }
    const uint64_t offset = load_uint(entry, c->width);
    /* An offset into the tables would let a value contain itself. */
    if (offset < entries_offset(c) + c->count * (size_t)(1 + c->width) || offset > c->data.len) {
        return -1;
    }
    out->data = str_from(c->data.p + offset, c->data.len - (size_t)offset);
    return 0;
}

/* A length of 7 bits a byte, lowest first. */
static int get_length(struct str *s, size_t *out)
{
    uint64_t len = 0;
    for (unsigned i = 0; i < 5 && i < s->len; i++) {
        const uint8_t byte = (uint8_t)s->p[i];
        len |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *s = str_from(s->p + i + 1, s->len - i - 1);
            *out = (size_t)len;
            return len > s->len ? -1 : 0;
        }
    }
    return -1;
}

/* ---- Writing ---- */

static int write_literal(struct str data, struct bytebuf *out)
{
    static const enum json_kind kinds[] = {
        [LITERAL_NULL] = JSON_NULL, [LITERAL_TRUE] = JSON_TRUE, [LITERAL_FALSE] = JSON_FALSE};
    const uint8_t literal = (uint8_t)data.p[0];
    if (literal >= ARRAY_SIZE(kinds)) {
        return -1;
    }
    json_write(&(struct json_value){.kind = kinds[literal]}, out);
    return 0;
}

static void write_int(int64_t i, struct bytebuf *out)
{
    json_write(&(struct json_value){.kind = JSON_INT, .i = i}, out);
}

static void write_uint(uint64_t u, struct bytebuf *out)
{
    json_write(&(struct json_value){.kind = JSON_UINT, .u = u}, out);
}

static void write_string(struct str s, struct bytebuf *out)
{
    json_write(&(struct json_value){.kind = JSON_STRING, .str = s}, out);
}

static void write_double(struct str data, struct bytebuf *out)
{
    double d;
    memcpy(&d, data.p, sizeof(d));
    json_write(&(struct json_value){.kind = JSON_DOUBLE, .d = d}, out);
}

static int write_decimal(struct str data, struct bytebuf *out)
{
    struct decimal dec;
    char text[DECIMAL_TEXT_MAX];
    if (data.len < 2) {
        return -1;
    }
    const uint8_t precision = (uint8_t)data.p[0];
    const uint8_t scale = (uint8_t)data.p[1];
    if (precision == 0 || precision > DECIMAL_MAX_PRECISION || scale > DECIMAL_MAX_SCALE ||
        scale > precision ||
        decimal_from_sortable(str_from(data.p + 2, data.len - 2), precision, scale, &dec) != 0) {
        return -1;
    }
    bytebuf_put(out, text, decimal_format(&dec, text));
    return 0;
}

/*
 * Dates and times packed into an integer: microseconds in the lowest 24 bits, then 6 of seconds, 6
 * of minutes, then for times 10 of hours, else 5 of hours, 5 of days, and year * 13 + month.
 */
static void write_packed_time(uint8_t type, int64_t packed, struct bytebuf *out)
{
    const uint64_t u = packed < 0 ? 0 - (uint64_t)packed : (uint64_t)packed;
    const uint64_t hms = u >> 24;
    struct mtime t = {.usec = (uint32_t)(u & 0xffffff),
                      .second = (uint8_t)(hms & 63),
                      .minute = (uint8_t)(hms >> 6 & 63)};
    char text[64];
    size_t len;
    if (type == MYSQL_TYPE_TIME) {
        t.hour = (uint16_t)(hms >> 12 & 1023);
        t.negative = packed < 0;
        len = time_format(&t, DATETIME_FRACTION, text);
    } else {
        const uint64_t ym = hms >> 22 & 0x1ffff;
        t.hour = (uint16_t)(hms >> 12 & 31);
        t.day = (uint8_t)(hms >> 17 & 31);
        t.year = (uint16_t)(ym / 13);
        t.month = (uint8_t)(ym % 13);
        len = type == MYSQL_TYPE_DATE || type == MYSQL_TYPE_NEWDATE
                  ? date_format(&t, text)
                  : datetime_format(&t, DATETIME_FRACTION, text);
    }
    bytebuf_put_char(out, '"');
    bytebuf_put(out, text, len);
    bytebuf_put_char(out, '"');
}

/* MySQL's base64 has lines of 76 digits, and so the JSON string line feeds. */
static void write_base64(struct str s, struct bytebuf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        if (i > 0 && i % BASE64_LINE_BYTES == 0) {
            bytebuf_put_str(out, STR("\\n"));
        }
        const size_t n = MIN(s.len - i, (size_t)3);
        const uint32_t bits = (uint32_t)load_be(s.p + i, (unsigned)n) << (8 * (3 - n));
        for (size_t j = 0; j < 4; j++) {
            bytebuf_put_char(out, j <= n ? digits[bits >> (18 - 6 * j) & 63] : '=');
        }
    }
}

static int write_opaque(struct str data, struct bytebuf *out)
{
    size_t len;
    if (data.len == 0) {
        return -1;
    }
    const uint8_t type = (uint8_t)data.p[0];
    data = str_from(data.p + 1, data.len - 1);
    if (get_length(&data, &len) != 0) {
        return -1;
    }
    data.len = len;
    switch (type) {
    case MYSQL_TYPE_NEWDECIMAL:
        return write_decimal(data, out);
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        if (len != sizeof(int64_t)) {
            return -1;
        }
        write_packed_time(type, (int64_t)load_u64(data.p), out);
        return 0;
    default:
        bytebuf_printf(out, "\"base64:type%u:", type);
        write_base64(data, out);
        bytebuf_put_char(out, '"');
        return 0;
    }
}

static int write_scalar(struct bvalue v, struct bytebuf *out)
{
    static const uint8_t sizes[] = {
        [BJSON_LITERAL] = 1, [BJSON_INT16] = 2, [BJSON_UINT16] = 2, [BJSON_INT32] = 4,
        [BJSON_UINT32] = 4,  [BJSON_INT64] = 8, [BJSON_UINT64] = 8, [BJSON_DOUBLE] = 8,
    };
    if (v.type < ARRAY_SIZE(sizes) && v.data.len < sizes[v.type]) {
        return -1;
    }
    switch (v.type) {
    case BJSON_LITERAL:
        return write_literal(v.data, out);
    case BJSON_INT16:
        write_int((int16_t)load_u16(v.data.p), out);
        return 0;
    case BJSON_UINT16:
        write_uint(load_u16(v.data.p), out);
        return 0;
    case BJSON_INT32:
        write_int((int32_t)load_u32(v.data.p), out);
        return 0;
    case BJSON_UINT32:
        write_uint(load_u32(v.data.p), out);
        return 0;
    case BJSON_INT64:
        write_int((int64_t)load_u64(v.data.p), out);
        return 0;
    case BJSON_UINT64:
        write_uint(load_u64(v.data.p), out);
        return 0;
    case BJSON_DOUBLE:
        write_double(v.data, out);
        return 0;
    case BJSON_STRING: {
        size_t len;
        if (get_length(&v.data, &len) != 0) {
            return -1;
        }
        write_string(str_from(v.data.p, len), out);
        return 0;
    }
    case BJSON_OPAQUE:
        return write_opaque(v.data, out);
    default:
        return -1;
    }
}

static int write_container(struct bvalue v, unsigned depth, struct bytebuf *out)
{
    struct bcontainer c;
    if (open_container(v, &c) != 0) {
        return -1;
    }
    bytebuf_put_char(out, c.is_object ? '{' : '[');
    for (uint32_t i = 0; i < c.count && !out->failed; i++) {
        struct bvalue element;
        struct str key;
        if (i > 0) {
            bytebuf_put_str(out, STR(", "));
        }
        if (c.is_object) {
            if (get_key(&c, i, &key) != 0) {
                return -1;
            }
            write_string(key, out);
            bytebuf_put_str(out, STR(": "));
        }
        if (get_element(&c, i, &element) != 0 || write_value(element, depth, out) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(out, c.is_object ? '}' : ']');
    return 0;
}

static int write_value(struct bvalue v, unsigned depth, struct bytebuf *out)
{
    if (!is_container(v.type)) {
        return write_scalar(v, out);
    }
    return depth >= JSON_MAX_DEPTH ? -1 : write_container(v, depth + 1, out);
}

static const char null_literal[] = {LITERAL_NULL};

static struct bvalue root_value(struct str doc)
{
    if (doc.len == 0) {
        return (struct bvalue){.type = BJSON_LITERAL,
                               .data = str_from(null_literal, sizeof(null_literal))};
    }
    return (struct bvalue){.type = (uint8_t)doc.p[0], .data = str_from(doc.p + 1, doc.len - 1)};
}

int json_binary_to_text(struct str doc, struct bytebuf *out)
{
    return write_value(root_value(doc), 0, out) != 0 || out->failed ? -1 : 0;
}

/* ---- Differences ---- */

int json_diff_next(struct str *diffs, struct json_diff *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, *diffs);
    *out = (struct json_diff){0};
    const uint8_t op = pkt_get_u8(&r);
    out->path = pkt_get_lenenc_str(&r);
    if (op < JSON_DIFF_REMOVE) {
        out->value = pkt_get_lenenc_str(&r);
    }
    if (pkt_reader_failed(&r) || op > JSON_DIFF_REMOVE) {
        return -1;
    }
    out->op = (enum json_diff_op)op;
    *diffs = str_from(r.p, pkt_reader_left(&r));
    return 0;
}

/* A value that may have been unfolded into its elements. */
struct node {
    bool is_unfolded;
    bool is_object;    /* Of an unfolded one. */
    struct bvalue raw; /* Of one that is not. */
    uint32_t count;
    uint32_t cap;
    struct node **items;
    struct str *keys; /* Objects: ordered by length, then bytes. */
};

static struct node *raw_node(struct arena *a, struct bvalue v)
{
    struct node *n = ARENA_NEW(a, struct node);
    n->raw = v;
    return n;
}

static int unfold(struct node *n, struct arena *a)
{
    struct bcontainer c;
    if (n->is_unfolded) {
        return 0;
    }
    if (!is_container(n->raw.type) || open_container(n->raw, &c) != 0) {
        return -1;
    }
    n->is_object = c.is_object;
    n->count = n->cap = c.count;
    n->items = ARENA_ARRAY(a, struct node *, c.count);
    n->keys = ARENA_ARRAY(a, struct str, c.count);
    for (uint32_t i = 0; i < c.count; i++) {
        struct bvalue v;
        if (get_element(&c, i, &v) != 0 || (c.is_object && get_key(&c, i, &n->keys[i]) != 0)) {
            return -1;
        }
        n->items[i] = raw_node(a, v);
    }
    n->is_unfolded = true;
    return 0;
}

/* Puts an element at position i, moving those behind. */
static void insert_node(struct node *n, uint32_t i, struct str key, struct node *item,
                        struct arena *a)
{
    if (n->count == n->cap) {
        n->cap = n->cap * 2 + 4;
        struct node **items = ARENA_ARRAY(a, struct node *, n->cap);
        struct str *keys = ARENA_ARRAY(a, struct str, n->cap);
        if (n->count > 0) {
            memcpy(items, n->items, n->count * sizeof(struct node *));
            memcpy(keys, n->keys, n->count * sizeof(struct str));
        }
        n->items = items;
        n->keys = keys;
    }
    memmove(&n->items[i + 1], &n->items[i], (n->count - i) * sizeof(struct node *));
    memmove(&n->keys[i + 1], &n->keys[i], (n->count - i) * sizeof(struct str));
    n->items[i] = item;
    n->keys[i] = key;
    n->count++;
}

static void remove_node(struct node *n, uint32_t i)
{
    n->count--;
    memmove(&n->items[i], &n->items[i + 1], (n->count - i) * sizeof(struct node *));
    memmove(&n->keys[i], &n->keys[i + 1], (n->count - i) * sizeof(struct str));
}

/* One step of a path: a member or an element. */
struct leg {
    bool is_member;
    struct str key;
    uint32_t index;
};

static int parse_index(struct str *path, struct leg *out)
{
    uint64_t index;
    const char *close = memchr(path->p, ']', path->len);
    if (close == NULL || str_to_u64(str_from(path->p + 1, (size_t)(close - path->p - 1)), &index) ||
        index > UINT32_MAX) {
        return -1;
    }
    *out = (struct leg){.index = (uint32_t)index};
    const size_t used = (size_t)(close + 1 - path->p);
    *path = str_from(path->p + used, path->len - used);
    return 0;
}

/* A quoted name is a JSON string. */
static int parse_quoted_key(struct str *path, struct arena *a, struct str *out)
{
    size_t i = 1;
    while (i < path->len && path->p[i] != '"') {
        i += path->p[i] == '\\' ? 2 : 1;
    }
    if (i >= path->len) {
        return -1;
    }
    struct json_value v;
    struct json_error error;
    if (json_parse(str_from(path->p, i + 1), a, &v, &error) != 0 || v.kind != JSON_STRING) {
        return -1;
    }
    *out = v.str;
    *path = str_from(path->p + i + 1, path->len - i - 1);
    return 0;
}

static int parse_member(struct str *path, struct arena *a, struct leg *out)
{
    *path = str_from(path->p + 1, path->len - 1);
    *out = (struct leg){.is_member = true};
    if (path->len > 0 && path->p[0] == '"') {
        return parse_quoted_key(path, a, &out->key);
    }
    size_t len = 0;
    while (len < path->len && path->p[len] != '.' && path->p[len] != '[') {
        len++;
    }
    out->key = str_from(path->p, len);
    *path = str_from(path->p + len, path->len - len);
    return len == 0 ? -1 : 0;
}

static int parse_leg(struct str *path, struct arena *a, struct leg *out)
{
    if (path->p[0] == '[') {
        return parse_index(path, out);
    }
    return path->p[0] == '.' ? parse_member(path, a, out) : -1;
}

/* Where a member is or belongs: shorter names come first. */
static uint32_t find_key(const struct node *n, struct str key, bool *out_found)
{
    uint32_t low = 0;
    uint32_t high = n->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        const struct str k = n->keys[mid];
        const int order = k.len != key.len ? (k.len < key.len ? -1 : 1) : str_cmp(k, key);
        if (order == 0) {
            *out_found = true;
            return mid;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    *out_found = false;
    return low;
}

/* Position of the leg's element in an unfolded container; *out_found = it exists. */
static int locate(const struct node *n, const struct leg *leg, uint32_t *out_pos, bool *out_found)
{
    if (n->is_object != leg->is_member) {
        return -1;
    }
    if (leg->is_member) {
        *out_pos = find_key(n, leg->key, out_found);
    } else {
        *out_pos = MIN(leg->index, n->count);
        *out_found = leg->index < n->count;
    }
    return 0;
}

/* Carries out the difference on the container n that its last leg leads from. */
static int apply_last(struct node *n, const struct leg *leg, const struct json_diff *diff,
                      struct arena *a)
{
    uint32_t pos;
    bool found;
    if (locate(n, leg, &pos, &found) != 0) {
        return -1;
    }
    if (diff->op == JSON_DIFF_INSERT) {
        if (found && leg->is_member) {
            return -1;
        }
        insert_node(n, pos, leg->key, raw_node(a, root_value(diff->value)), a);
        return 0;
    }
    if (!found) {
        return -1;
    }
    if (diff->op == JSON_DIFF_REMOVE) {
        remove_node(n, pos);
    } else {
        n->items[pos] = raw_node(a, root_value(diff->value));
    }
    return 0;
}

static int apply_diff(struct node *root, const struct json_diff *diff, struct arena *a)
{
    struct str path = diff->path;
    if (path.len == 0 || path.p[0] != '$') {
        return -1;
    }
    path = str_from(path.p + 1, path.len - 1);
    if (path.len == 0) {
        if (diff->op != JSON_DIFF_REPLACE) {
            return -1;
        }
        *root = (struct node){.raw = root_value(diff->value)};
        return 0;
    }
    for (struct node *n = root;;) {
        struct leg leg;
        uint32_t pos;
        bool found;
        if (parse_leg(&path, a, &leg) != 0 || unfold(n, a) != 0) {
            return -1;
        }
        if (path.len == 0) {
            return apply_last(n, &leg, diff, a);
        }
        if (locate(n, &leg, &pos, &found) != 0 || !found) {
            return -1;
        }
        n = n->items[pos];
    }
}

static int write_node(const struct node *n, unsigned depth, struct bytebuf *out)
{
    if (!n->is_unfolded) {
        return write_value(n->raw, depth, out);
    }
    if (depth >= JSON_MAX_DEPTH) {
        return -1;
    }
    bytebuf_put_char(out, n->is_object ? '{' : '[');
    for (uint32_t i = 0; i < n->count; i++) {
        if (i > 0) {
            bytebuf_put_str(out, STR(", "));
        }
        if (n->is_object) {
            write_string(n->keys[i], out);
            bytebuf_put_str(out, STR(": "));
        }
        if (write_node(n->items[i], depth + 1, out) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(out, n->is_object ? '}' : ']');
    return 0;
}

int json_binary_patch(struct str doc, struct str diffs, struct arena *a, struct bytebuf *out)
{
    struct node root = {.raw = root_value(doc)};
    while (diffs.len > 0) {
        struct json_diff diff;
        if (json_diff_next(&diffs, &diff) != 0 || apply_diff(&root, &diff, a) != 0) {
            return -1;
        }
    }
    return write_node(&root, 0, out) != 0 || out->failed ? -1 : 0;
}
