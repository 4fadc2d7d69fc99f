/* Storing strings, ENUM, SET and JSON. */
#include "types/charset.h"
#include "types/collation.h"
#include "types/convert.h"
#include "types/json.h"
#include "types/store_int.h"

#include <string.h>

/* The most bytes that a column's values may have, for the BLOB and TEXT types; else 0. */
static size_t blob_limit(enum mysql_type type)
{
    switch (type) {
    case MYSQL_TYPE_TINY_BLOB:
        return UINT8_MAX;
    case MYSQL_TYPE_BLOB:
        return UINT16_MAX;
    case MYSQL_TYPE_MEDIUM_BLOB:
        return (1u << 24) - 1;
    case MYSQL_TYPE_LONG_BLOB:
        return UINT32_MAX;
    default:
        return 0;
    }
}

/* The text of the source. A double is fitted into the column's width, giving up digits. */
static struct str source_text(const struct store *st, bool *out_cut)
{
    uint32_t width = st->type->length;
    *out_cut = false;
    if (st->from->kind == VALUE_DOUBLE && width > 0 && width < 24) {
        char *buf = arena_alloc(st->arena, FORMAT_REAL_MAX);
        return str_from(buf, format_double_width(st->from->d, width, buf, out_cut));
    }
    return value_to_text(st->from, NULL, st->arena);
}

static bool only_blanks(struct str s, char blank)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != blank) {
            return false;
        }
    }
    return true;
}

static struct str trim_blanks(struct str s)
{
    while (s.len > 0 && s.p[s.len - 1] == ' ') {
        s.len--;
    }
    return s;
}

static int put_string(const struct store *st, struct str s)
{
    *st->out = value_string(s, st->type->collation);
    return 0;
}

static int store_binary(const struct store *st, struct str s)
{
    size_t blob = blob_limit(st->type->type);
    size_t limit = blob > 0 ? blob : st->type->length;
    if (st->type->type == MYSQL_TYPE_STRING && s.len < limit) {
        char *buf = arena_calloc(st->arena, limit);
        memcpy(buf, s.len > 0 ? s.p : "", s.len);
        return put_string(st, str_from(buf, limit));
    }
    if (s.len <= limit) {
        return put_string(st, s);
    }
    (void)put_string(st, str_from(s.p, limit));
    return store_too_long(st);
}

/*
 * Replaces what the column's character set lacks by '?'. Returns 0 with *s replaced, or -1 with the
 * error in strict mode. Most columns are UTF-8, which lacks nothing.
 */
static int fit_charset(const struct store *st, struct str *s)
{
    const struct collation *c = collation_find(st->type->collation);
    const struct charset *cs = c != NULL ? c->charset : charset_utf8mb4();
    if (cs->max_len == 4 || str_is_ascii(*s)) {
        return 0;
    }
    struct bytebuf b;
    bytebuf_init(&b, s->len * 4 + 16);
    size_t lost = charset_from_utf8(cs, *s, &b);
    int rc = 0;
    if (lost > 0) {
        struct str first = *s;
        size_t at = 0;
        size_t n = 0;
        while (at < s->len) {
            (void)utf8_next((const unsigned char *)s->p + at, s->len - at, &n);
            bytebuf_reset(&b);
            if (charset_from_utf8(cs, str_from(s->p + at, n), &b) > 0) {
                break;
            }
            at += n;
        }
        first = str_from(s->p + at, s->len - at);
        bytebuf_reset(&b);
        (void)charset_from_utf8(cs, *s, &b);
        struct bytebuf back;
        bytebuf_init(&back, b.len * 4 + 16);
        (void)charset_to_utf8(cs, bytebuf_str(&b), &back);
        *s = arena_dup(st->arena, bytebuf_str(&back));
        bytebuf_release(&back);
        rc = store_incorrect_text(st, first);
    }
    bytebuf_release(&b);
    return rc;
}

/* How many bytes of s the column has room for. */
static size_t room_for(const struct store *st, struct str s)
{
    size_t blob = blob_limit(st->type->type);
    if (blob == 0) {
        return s.len <= st->type->length ? s.len : utf8_prefix(s, st->type->length);
    }
    if (s.len <= blob) {
        return s.len;
    }
    size_t n = blob;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

/* The text with each byte that is not UTF-8 replaced by '?'. */
static struct str mended(const struct store *st, struct str s)
{
    struct bytebuf b;
    bytebuf_init(&b, s.len);
    (void)charset_to_utf8(charset_utf8mb4(), s, &b);
    struct str out = arena_dup(st->arena, bytebuf_str(&b));
    bytebuf_release(&b);
    return out;
}

static int store_characters(const struct store *st, struct str s)
{
    const struct charset *utf8 = charset_utf8mb4();
    size_t room = room_for(st, s);
    struct str rest = str_from(s.p + room, s.len - room);
    struct str kept = str_from(s.p, room);
    size_t valid = charset_valid_prefix(utf8, kept);
    bool is_char = st->type->type == MYSQL_TYPE_STRING;
    if (valid < room) {
        struct str bad = str_from(s.p + valid, s.len - valid);
        /* MySQL stores what comes before the bad bytes. */
        struct str good = str_from(s.p, valid);
        if (st->ctx->dialect == DIALECT_MARIADB) {
            good = mended(st, kept);
        }
        (void)put_string(st, is_char ? trim_blanks(good) : good);
        return store_incorrect_text(st, bad);
    }
    int rc = fit_charset(st, &kept);
    (void)put_string(st, is_char ? trim_blanks(kept) : kept);
    if (rc != 0) {
        return rc;
    }
    if (rest.len == 0 || (is_char && only_blanks(rest, ' '))) {
        return 0;
    }
    if (only_blanks(rest, ' ')) {
        store_note_truncated(st);
        return 0;
    }
    return store_too_long(st);
}

int store_string(const struct store *st)
{
    if (type_class_of(st->type->type) == TYPE_CLASS_OPAQUE) {
        if (st->from->kind != VALUE_STRING) {
            return diag_set(st->ctx->diag, ER_CANT_CREATE_GEOMETRY_OBJECT);
        }
        return put_string(st, st->from->str);
    }
    bool cut;
    struct str s = source_text(st, &cut);
    if (s.p == NULL) {
        s = STR("");
    }
    int rc = type_is_binary_string(st->type) ? store_binary(st, s) : store_characters(st, s);
    return rc == 0 && cut && s.len <= st->type->length ? store_too_long(st) : rc;
}

/* Number of the member of that name, 0 when there is none. */
static uint32_t find_label(const struct store *st, struct str name)
{
    const struct type_labels *labels = st->type->labels;
    const struct collation *c = collation_find(st->type->collation);
    bool collates = c != NULL && collation_is_supported(c);
    for (uint32_t i = 0; i < labels->count; i++) {
        struct str label = labels->names[i];
        if (str_eq(label, name) || (collates && collation_compare(c, label, name) == 0)) {
            return i + 1;
        }
    }
    return 0;
}

static int put_member(const struct store *st, uint64_t n, bool complete)
{
    *st->out = value_uint(n);
    return complete ? 0 : store_truncated(st);
}

/* The source as a number, cut; false if it is negative or too large. */
static bool source_number(const struct store *st, uint64_t *out)
{
    const struct value *v = st->from;
    int64_t i;
    uint32_t nanos;
    if (v->kind == VALUE_UINT) {
        *out = v->u;
        return true;
    }
    *out = 0;
    if (!value_split_number(v, &i, &nanos) || i < 0) {
        return false;
    }
    *out = (uint64_t)i;
    return true;
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_UINT || v->kind == VALUE_DOUBLE ||
           v->kind == VALUE_DECIMAL;
}

int store_enum(const struct store *st)
{
    uint64_t n;
    uint32_t count = st->type->labels->count;
    if (is_number(st->from)) {
        bool fits = source_number(st, &n);
        bool valid = fits && n >= 1 && n <= count;
        return put_member(st, valid ? n : 0, valid);
    }
    struct str s = trim_blanks(value_to_text(st->from, NULL, st->arena));
    n = find_label(st, s);
    if (n == 0 && str_to_u64(s, &n) == 0) {
        /* Text that is no member may be a number. */
        bool valid = n <= count && (n > 0 || st->ctx->dialect == DIALECT_MYSQL);
        return put_member(st, n <= count ? n : 0, valid);
    }
    return put_member(st, n, n > 0);
}

/* Members of a comma-separated list; *out_all tells whether each was found. */
static uint64_t find_members(const struct store *st, struct str s, bool *out_all)
{
    uint64_t bits = 0;
    *out_all = true;
    for (size_t pos = 0; s.len > 0 && pos <= s.len;) {
        const char *comma = pos < s.len ? memchr(s.p + pos, ',', s.len - pos) : NULL;
        size_t end = comma != NULL ? (size_t)(comma - s.p) : s.len;
        uint32_t n = find_label(st, str_from(s.p + pos, end - pos));
        if (n > 0) {
            bits |= UINT64_C(1) << (n - 1);
        } else {
            *out_all = false;
        }
        pos = end + 1;
    }
    return bits;
}

/* The bits of a number: cut to an integer, clipped to 64 bits, two's complement. */
static uint64_t source_bits(const struct store *st)
{
    const struct value *v = st->from;
    int64_t i;
    uint32_t nanos;
    if (v->kind == VALUE_UINT) {
        return v->u;
    }
    if (value_split_number(v, &i, &nanos)) {
        return (uint64_t)i;
    }
    bool negative = v->kind == VALUE_DOUBLE ? v->d < 0 : v->dec.negative;
    return negative ? (uint64_t)INT64_MIN : (uint64_t)INT64_MAX;
}

int store_set(const struct store *st)
{
    uint32_t count = st->type->labels->count;
    uint64_t max = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    uint64_t n;
    if (is_number(st->from)) {
        n = source_bits(st);
        return put_member(st, n & max, n <= max);
    }
    struct str s = value_to_text(st->from, NULL, st->arena);
    bool all;
    uint64_t bits = find_members(st, s, &all);
    if (bits == 0 && s.len > 0 && s.len < 22 && str_to_u64(s, &n) == 0) {
        uint64_t kept = st->ctx->dialect == DIALECT_MARIADB ? n & max : 0;
        return put_member(st, n <= max ? n : kept, n <= max);
    }
    return put_member(st, bits, all);
}

/* MariaDB's JSON is text with a check that it is JSON. */
static int store_mariadb_json(const struct store *st)
{
    struct json_value v;
    struct json_error error;
    bool cut;
    struct str s = source_text(st, &cut);
    *st->out = (struct value){.kind = VALUE_JSON, .collation = st->type->collation, .str = s};
    struct arena_mark mark = arena_mark(st->arena);
    int rc = json_parse(s, st->arena, &v, &error);
    arena_rewind(st->arena, mark);
    if (rc == 0) {
        return 0;
    }
    struct str check =
        arena_printf(st->arena, "%.*s.%.*s", STR_FMT(st->ctx->table), STR_FMT(st->name));
    return diag_set(st->ctx->diag, ER_CONSTRAINT_FAILED, check.p,
                    arena_dup_cstr(st->arena, st->ctx->database),
                    arena_dup_cstr(st->arena, st->ctx->table));
}

int store_json(const struct store *st)
{
    if (st->ctx->dialect == DIALECT_MARIADB) {
        return store_mariadb_json(st);
    }
    if (st->from->kind == VALUE_JSON) {
        *st->out = *st->from;
        return 0;
    }
    struct json_error error = {.reason = "not a JSON text, may need CAST"};
    if (st->from->kind == VALUE_STRING) {
        if (st->from->collation == COLLATION_BINARY) {
            return diag_set(st->ctx->diag, ER_INVALID_JSON_CHARSET, "binary");
        }
        struct str text;
        if (json_canonical(st->from->str, st->arena, &text, &error) == 0) {
            *st->out =
                (struct value){.kind = VALUE_JSON, .collation = st->type->collation, .str = text};
            return 0;
        }
    }
    struct str column = st->name;
    if (st->ctx->table.len > 0) {
        column = arena_printf(st->arena, "%.*s.%.*s", STR_FMT(st->ctx->table), STR_FMT(st->name));
    }
    return json_diag(st->ctx->diag, &error, column);
}
