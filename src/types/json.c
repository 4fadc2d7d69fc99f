/*
 * JSON: a recursive parser (bounded by JSON_MAX_DEPTH), its error texts and positions being those
 * that MySQL shows, and the writer of the canonical text. Pure functions.
 */
#include "types/json.h"

#include "types/convert.h"
#include "types/type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct json_reader {
    const char *start;
    const char *p;
    const char *end;
    struct arena *arena;
    struct json_error *error;
    unsigned depth;
};

/* Elements of an array or object while their number is not known. */
struct json_node {
    struct json_node *next;
    struct json_member member; /* Of an array: the name is empty. */
};

struct json_list {
    struct json_node *first;
    struct json_node **tail;
    uint32_t count;
};

static int fail(struct json_reader *r, const char *at, const char *reason)
{
    *r->error = (struct json_error){.reason = reason, .position = (size_t)(at - r->start)};
    return -1;
}

/* NUL ends a text, as in MySQL. */
static char peek(const struct json_reader *r)
{
    return r->p < r->end ? *r->p : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct json_reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) {
        r->p++;
    }
}

static int parse_word(struct json_reader *r, const char *word, enum json_kind kind,
                      struct json_value *out)
{
    for (; *word != '\0'; word++, r->p++) {
        if (peek(r) != *word) {
            return fail(r, r->p, "Invalid value.");
        }
    }
    *out = (struct json_value){.kind = kind};
    return 0;
}

static void skip_digits(struct json_reader *r)
{
    while (is_digit(peek(r))) {
        r->p++;
    }
}

/* An integer if it fits 64 bits, else a double. */
static void integer_value(struct str digits, bool negative, struct json_value *out)
{
    uint64_t u;
    if (str_to_u64(digits, &u) == 0 && (!negative || u <= (uint64_t)INT64_MAX + 1)) {
        if (negative || u <= INT64_MAX) {
            *out = (struct json_value){.kind = JSON_INT, .i = (int64_t)(negative ? 0 - u : u)};
        } else {
            *out = (struct json_value){.kind = JSON_UINT, .u = u};
        }
        return;
    }
    size_t used;
    bool overflow;
    double d = parse_double(digits, &used, &overflow);
    *out = (struct json_value){.kind = JSON_DOUBLE, .d = negative ? -d : d};
}

/* Scans "[.digits][e[+-]digits]"; *out_real tells whether there was any. */
static int scan_fraction(struct json_reader *r, bool *out_real)
{
    *out_real = false;
    if (peek(r) == '.') {
        r->p++;
        *out_real = true;
        if (!is_digit(peek(r))) {
            return fail(r, r->p, "Miss fraction part in number.");
        }
        skip_digits(r);
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->p++;
        *out_real = true;
        if (peek(r) == '+' || peek(r) == '-') {
            r->p++;
        }
        if (!is_digit(peek(r))) {
            return fail(r, r->p, "Miss exponent in number.");
        }
        skip_digits(r);
    }
    return 0;
}

static int parse_number(struct json_reader *r, struct json_value *out)
{
    const char *start = r->p;
    bool negative = peek(r) == '-';
    r->p += negative;
    const char *digits = r->p;
    if (!is_digit(peek(r))) {
        return fail(r, r->p, "Invalid value.");
    }
    if (peek(r) == '0') {
        r->p++;
    } else {
        skip_digits(r);
    }
    struct str ints = str_from(digits, (size_t)(r->p - digits));
    bool real;
    if (scan_fraction(r, &real) != 0) {
        return -1;
    }
    if (!real) {
        integer_value(ints, negative, out);
    } else {
        size_t used;
        bool overflow;
        double d = parse_double(str_from(start, (size_t)(r->p - start)), &used, &overflow);
        *out = (struct json_value){.kind = JSON_DOUBLE, .d = overflow ? (double)INFINITY : d};
    }
    if (out->kind == JSON_DOUBLE && isinf(out->d)) {
        return fail(r, start, "Number too big to be stored in double.");
    }
    return 0;
}

/* Four hexadecimal digits at p; -1 if they are none. */
static int32_t hex4(const struct json_reader *r, const char *p)
{
    int32_t n = 0;
    if (r->end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        char lower = (char)(c | 0x20);
        if (is_digit(c)) {
            n = n * 16 + (c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            n = n * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return n;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* "\u" and four hexadecimal digits, maybe a surrogate pair; r->p is at the backslash. */
static int parse_unicode(struct json_reader *r, char **out)
{
    const char *escape = r->p;
    int32_t c = hex4(r, r->p + 2);
    if (c < 0) {
        return fail(r, escape, "Incorrect hex digit after \\u escape in string.");
    }
    r->p += 6;
    if (c >= 0xd800 && c <= 0xdfff) {
        int32_t low =
            r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' ? hex4(r, r->p + 2) : -1;
        if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff) {
            return fail(r, escape, "The surrogate pair in string is invalid.");
        }
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        r->p += 6;
    }
    *out = put_utf8(*out, (uint32_t)c);
    return 0;
}

static int parse_escape(struct json_reader *r, char **out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    char c = r->end - r->p > 1 ? r->p[1] : '\0';
    if (c == 'u') {
        return parse_unicode(r, out);
    }
    const char *name = c != '\0' ? strchr(names, c) : NULL;
    if (name == NULL) {
        return fail(r, r->p, "Invalid escape character in string.");
    }
    *(*out)++ = values[name - names];
    r->p += 2;
    return 0;
}

/* r->p is behind the opening quote. */
static int parse_string(struct json_reader *r, struct str *out)
{
    const char *start = r->p;
    while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= 0x20) {
        r->p++;
    }
    if (peek(r) == '"') {
        *out = str_from(start, (size_t)(r->p - start));
        r->p++;
        return 0;
    }
    /* Unescaping never makes a text longer. */
    const char *close = r->p;
    while (close < r->end && *close != '"') {
        close += *close == '\\' && r->end - close > 1 ? 2 : 1;
    }
    char *buf = arena_alloc(r->arena, (size_t)(close - start) + 4);
    size_t plain = (size_t)(r->p - start);
    memcpy(buf, start, plain);
    char *p = buf + plain;
    while (peek(r) != '"') {
        if (r->p == r->end || *r->p == '\0') {
            return fail(r, r->p, "Missing a closing quotation mark in string.");
        }
        if (*r->p == '\\') {
            if (parse_escape(r, &p) != 0) {
                return -1;
            }
        } else if ((unsigned char)*r->p < 0x20) {
            return fail(r, r->p, "Invalid encoding in string.");
        } else {
            *p++ = *r->p++;
        }
    }
    r->p++;
    *out = str_from(buf, (size_t)(p - buf));
    return 0;
}

static int parse_value(struct json_reader *r, struct json_value *out);

static struct json_node *list_add(struct json_reader *r, struct json_list *list)
{
    struct json_node *node = ARENA_NEW(r->arena, struct json_node);
    *list->tail = node;
    list->tail = &node->next;
    list->count++;
    return node;
}

static int parse_array(struct json_reader *r, struct json_value *out)
{
    struct json_list list = {.tail = &list.first};
    r->p++;
    skip_space(r);
    while (list.count > 0 || peek(r) != ']') {
        if (parse_value(r, &list_add(r, &list)->member.value) != 0) {
            return -1;
        }
        skip_space(r);
        if (peek(r) == ']') {
            break;
        }
        if (peek(r) != ',') {
            return fail(r, r->p, "Missing a comma or ']' after an array element.");
        }
        r->p++;
        skip_space(r);
    }
    r->p++;
    struct json_value *items = ARENA_ARRAY(r->arena, struct json_value, list.count);
    uint32_t i = 0;
    for (const struct json_node *n = list.first; n != NULL; n = n->next) {
        items[i++] = n->member.value;
    }
    *out = (struct json_value){.kind = JSON_ARRAY, .count = list.count, .items = items};
    return 0;
}

/* By length, then bytes; the one written later first, so that it is the one kept. */
static int compare_members(const void *a, const void *b)
{
    const struct json_node *x = *(const struct json_node *const *)a;
    const struct json_node *y = *(const struct json_node *const *)b;
    struct str xs = x->member.name;
    struct str ys = y->member.name;
    if (xs.len != ys.len) {
        return xs.len < ys.len ? -1 : 1;
    }
    return xs.len > 0 ? memcmp(xs.p, ys.p, xs.len) : 0;
}

static void merge(const struct json_node **items, const struct json_node **scratch, size_t middle,
                  size_t n)
{
    size_t left = 0;
    size_t right = middle;
    for (size_t i = 0; i < n; i++) {
        bool take_left =
            left < middle && (right == n || compare_members(&items[left], &items[right]) <= 0);
        scratch[i] = items[take_left ? left++ : right++];
    }
    memcpy(items, scratch, n * sizeof(*items));
}

/* Stable: members of one name stay in the order of the text. */
static void sort_members(const struct json_node **items, const struct json_node **scratch, size_t n)
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t at = 0; at + width < n; at += 2 * width) {
            merge(items + at, scratch, width, MIN(2 * width, n - at));
        }
    }
}

static void finish_object(struct json_reader *r, const struct json_list *list,
                          struct json_value *out)
{
    const struct json_node **order =
        ARENA_ARRAY(r->arena, const struct json_node *, 2 * (size_t)list->count);
    uint32_t n = 0;
    for (const struct json_node *node = list->first; node != NULL; node = node->next) {
        order[n++] = node;
    }
    sort_members(order, order + n, n);
    struct json_member *members = ARENA_ARRAY(r->arena, struct json_member, n);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool again = count > 0 && str_eq(members[count - 1].name, order[i]->member.name);
        count -= again;
        members[count++] = order[i]->member;
    }
    *out = (struct json_value){.kind = JSON_OBJECT, .count = count, .members = members};
}

static int parse_member(struct json_reader *r, struct json_member *out)
{
    if (peek(r) != '"') {
        return fail(r, r->p, "Missing a name for object member.");
    }
    r->p++;
    if (parse_string(r, &out->name) != 0) {
        return -1;
    }
    skip_space(r);
    if (peek(r) != ':') {
        return fail(r, r->p, "Missing a colon after a name of object member.");
    }
    r->p++;
    skip_space(r);
    return parse_value(r, &out->value);
}

static int parse_object(struct json_reader *r, struct json_value *out)
{
    struct json_list list = {.tail = &list.first};
    r->p++;
    skip_space(r);
    while (list.count > 0 || peek(r) != '}') {
        if (parse_member(r, &list_add(r, &list)->member) != 0) {
            return -1;
        }
        skip_space(r);
        if (peek(r) == '}') {
            break;
        }
        if (peek(r) != ',') {
            return fail(r, r->p, "Missing a comma or '}' after an object member.");
        }
        r->p++;
        skip_space(r);
    }
    r->p++;
    finish_object(r, &list, out);
    return 0;
}

static int parse_nested(struct json_reader *r, struct json_value *out)
{
    if (r->depth == JSON_MAX_DEPTH) {
        (void)fail(r, r->p, "Terminate parsing due to Handler error.");
        r->error->too_deep = true;
        return -1;
    }
    r->depth++;
    int rc = peek(r) == '[' ? parse_array(r, out) : parse_object(r, out);
    r->depth--;
    return rc;
}

static int parse_value(struct json_reader *r, struct json_value *out)
{
    switch (peek(r)) {
    case 'n':
        return parse_word(r, "null", JSON_NULL, out);
    case 't':
        return parse_word(r, "true", JSON_TRUE, out);
    case 'f':
        return parse_word(r, "false", JSON_FALSE, out);
    case '"':
        r->p++;
        *out = (struct json_value){.kind = JSON_STRING};
        return parse_string(r, &out->str);
    case '[':
    case '{':
        return parse_nested(r, out);
    default:
        return parse_number(r, out);
    }
}

int json_parse(struct str text, struct arena *arena, struct json_value *out,
               struct json_error *out_error)
{
    struct json_reader r = {
        .start = text.p, .p = text.p, .end = text.p + text.len, .arena = arena, .error = out_error};
    *out = (struct json_value){.kind = JSON_NULL};
    *out_error = (struct json_error){.reason = NULL};
    skip_space(&r);
    if (peek(&r) == '\0') {
        return fail(&r, r.p, "The document is empty.");
    }
    if (!str_is_utf8(text)) {
        return fail(&r, r.p, "Invalid encoding in string.");
    }
    if (parse_value(&r, out) != 0) {
        return -1;
    }
    skip_space(&r);
    if (r.p < r.end) {
        return fail(&r, r.p, "The document root must not be followed by other values.");
    }
    return 0;
}

static void write_string(struct str s, struct bytebuf *out)
{
    static const char escapes[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    size_t done = 0;
    bytebuf_put_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        bytebuf_put(out, s.p + done, i - done);
        done = i + 1;
        char name = c < 0x20 ? escapes[c] : (char)c;
        if (name != '\0') {
            bytebuf_put_char(out, '\\');
            bytebuf_put_char(out, name);
        } else {
            bytebuf_printf(out, "\\u%04x", c);
        }
    }
    if (s.len > done) {
        bytebuf_put(out, s.p + done, s.len - done);
    }
    bytebuf_put_char(out, '"');
}

/* A double always shows that it is one. */
static void write_double(double d, struct bytebuf *out)
{
    char buf[FORMAT_REAL_MAX];
    size_t len = format_double(d, DECIMALS_NOT_FIXED, buf);
    bytebuf_put(out, buf, len);
    if (memchr(buf, '.', len) == NULL && memchr(buf, 'e', len) == NULL) {
        bytebuf_put_cstr(out, ".0");
    }
}

static void write_integer(const struct json_value *v, struct bytebuf *out)
{
    char buf[FORMAT_INT_MAX];
    size_t len = v->kind == JSON_INT ? format_i64(v->i, buf) : format_u64(v->u, buf);
    bytebuf_put(out, buf, len);
}

void json_write(const struct json_value *v, struct bytebuf *out)
{
    switch (v->kind) {
    case JSON_NULL:
        bytebuf_put_cstr(out, "null");
        break;
    case JSON_FALSE:
        bytebuf_put_cstr(out, "false");
        break;
    case JSON_TRUE:
        bytebuf_put_cstr(out, "true");
        break;
    case JSON_INT:
    case JSON_UINT:
        write_integer(v, out);
        break;
    case JSON_DOUBLE:
        write_double(v->d, out);
        break;
    case JSON_STRING:
        write_string(v->str, out);
        break;
    case JSON_ARRAY:
        bytebuf_put_char(out, '[');
        for (uint32_t i = 0; i < v->count; i++) {
            bytebuf_put_cstr(out, i > 0 ? ", " : "");
            json_write(&v->items[i], out);
        }
        bytebuf_put_char(out, ']');
        break;
    case JSON_OBJECT:
        bytebuf_put_char(out, '{');
        for (uint32_t i = 0; i < v->count; i++) {
            bytebuf_put_cstr(out, i > 0 ? ", " : "");
            write_string(v->members[i].name, out);
            bytebuf_put_cstr(out, ": ");
            json_write(&v->members[i].value, out);
        }
        bytebuf_put_char(out, '}');
        break;
    }
}

/* A character of text becomes at most six, a comma or colon two, a number a few more. */
#define CANONICAL_GROWTH 32

int json_canonical(struct str text, struct arena *arena, struct str *out,
                   struct json_error *out_error)
{
    struct json_value v;
    *out = STR_NULL;
    if (json_parse(text, arena, &v, out_error) != 0) {
        return -1;
    }
    struct bytebuf b;
    bytebuf_init(&b, text.len * CANONICAL_GROWTH + FORMAT_REAL_MAX);
    json_write(&v, &b);
    *out = arena_dup(arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return 0;
}

int json_diag(struct diag *diag, const struct json_error *error, struct str column)
{
    if (error->too_deep) {
        return diag_set(diag, ER_JSON_DOCUMENT_TOO_DEEP);
    }
    char name[201];
    size_t len = MIN(column.len, sizeof(name) - 1);
    if (len > 0) {
        memcpy(name, column.p, len);
    }
    name[len] = '\0';
    return diag_set(diag, ER_INVALID_JSON_TEXT, error->reason, (unsigned)error->position, name);
}
