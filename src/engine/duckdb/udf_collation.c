/* Sort keys, LIKE, and letter case, one function for each collation that types/collation.h
 * implements. */
#include "engine/duckdb/udf_int.h"
#include "types/collation.h"

#include <stdio.h>

/* Longest key made on the stack; longer ones grow a buffer. */
#define STACK_KEY 512

/* ---- Keys ---- */

static void slow_key(struct udf_rows *r, idx_t row, const struct collation *c, struct str s,
                     struct bytebuf *buf)
{
    bytebuf_reset(buf);
    collation_sort_key(c, s, buf);
    udf_set_str(r, row, buf->p != NULL ? buf->p : "", buf->len);
}

static void key(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct collation *c = duckdb_scalar_function_get_extra_info(info);
    const struct collation_ascii *ascii = collation_key_ascii_table(c);
    struct udf_rows r;
    struct bytebuf buf;
    char fast[STACK_KEY];
    udf_begin(&r, input, output);
    bytebuf_init(&buf, SIZE_MAX / 2);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = udf_str(r.args[0], i);
        size_t len = SIZE_MAX;
        if (ascii != NULL && s.len < sizeof(fast)) {
            len = collation_sort_key_ascii(ascii, s, fast);
        }
        if (len != SIZE_MAX) {
            udf_set_str(&r, i, fast, len);
        } else {
            slow_key(&r, i, c, s, &buf);
        }
    }
    bytebuf_release(&buf);
}

/* ---- LIKE ---- */

/* The escape character: a code point, or none for an empty string. False if there are several
 * characters. */
static bool escape_of(struct str s, uint32_t *out)
{
    if (s.len == 0) {
        *out = COLLATION_NO_ESCAPE;
        return true;
    }
    size_t used;
    *out = utf8_next((const unsigned char *)s.p, s.len, &used);
    return used == s.len;
}

/* The pattern of the row before, ready for matching: patterns are usually the same in all rows. */
struct prepared {
    struct arena arena;
    const struct like_pattern *pattern;
    struct str text;
    uint32_t escape;
};

static const struct like_pattern *prepare(struct prepared *p, const struct collation *c,
                                          struct str text, uint32_t escape)
{
    if (p->pattern != NULL && p->escape == escape && str_eq(p->text, text)) {
        return p->pattern;
    }
    arena_reset(&p->arena);
    p->text = arena_dup(&p->arena, text);
    p->escape = escape;
    p->pattern = like_pattern_new(c, p->text, escape, &p->arena);
    return p->pattern;
}

static void like(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct collation *c = duckdb_scalar_function_get_extra_info(info);
    struct udf_rows r;
    struct prepared p = {0};
    udf_begin(&r, input, output);
    arena_init(&p.arena, 0);
    bool *out = r.out;
    for (idx_t i = 0; i < r.count; i++) {
        uint32_t escape = '\\';
        if (!udf_row(&r, i)) {
            continue;
        }
        if (r.arg_count > 2 && !escape_of(udf_str(r.args[2], i), &escape)) {
            duckdb_scalar_function_set_error(info, "1210 Incorrect arguments to ESCAPE");
            break;
        }
        out[i] = like_pattern_match(prepare(&p, c, udf_str(r.args[1], i), escape),
                                    udf_str(r.args[0], i));
    }
    arena_release(&p.arena);
}

/* ---- LOCATE ---- */

/* Does s begin with something that is equal to `what`? It may be a little longer or shorter. */
static bool found_at(const struct collation *c, struct str s, struct str what)
{
    /* Both servers compare as many bytes as the searched string has, but for MySQL's newer
     * collations. */
    if (collation_is_pad_space(c)) {
        return s.len >= what.len && collation_equal(c, str_from(s.p, what.len), what);
    }
    for (size_t len = 0; len <= s.len;) {
        if (collation_equal(c, str_from(s.p, len), what)) {
            return true;
        }
        if (len == s.len || len > what.len * 4 + 16) {
            return false;
        }
        size_t used;
        (void)utf8_next((const unsigned char *)s.p + len, s.len - len, &used);
        len += used;
    }
    return false;
}

/* The position in characters, from 1, of `what` in s from character `from` on; 0 if it is not
 * there. */
static int64_t locate(const struct collation *c, struct str what, struct str s, int64_t from)
{
    if (from < 1 || from - 1 > (int64_t)utf8_count(s)) {
        return 0;
    }
    if (what.len == 0) {
        return from;
    }
    size_t at = utf8_prefix(s, (size_t)(from - 1));
    for (int64_t position = from; at < s.len; position++) {
        const struct str rest = str_from(s.p + at, s.len - at);
        if (found_at(c, rest, what)) {
            return position;
        }
        size_t used;
        (void)utf8_next((const unsigned char *)rest.p, rest.len, &used);
        at += used;
    }
    return 0;
}

static void locate_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct collation *c = duckdb_scalar_function_get_extra_info(info);
    struct udf_rows r;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        ((int64_t *)r.out)[i] = locate(c, udf_str(r.args[0], i), udf_str(r.args[1], i),
                                       ((const int64_t *)r.args[2])[i]);
    }
}

/* ---- Letter case ---- */

typedef void fold_fn(const struct collation *c, struct str s, struct bytebuf *out);

static void fold(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                 fold_fn *fn)
{
    const struct collation *c = duckdb_scalar_function_get_extra_info(info);
    struct udf_rows r;
    struct bytebuf buf;
    udf_begin(&r, input, output);
    bytebuf_init(&buf, SIZE_MAX / 2);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        bytebuf_reset(&buf);
        fn(c, udf_str(r.args[0], i), &buf);
        udf_set_str(&r, i, buf.p != NULL ? buf.p : "", buf.len);
    }
    bytebuf_release(&buf);
}

static void upper(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    fold(info, input, output, collation_upper);
}

static void lower(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    fold(info, input, output, collation_lower);
}

/* ---- Registration ---- */

static const struct udf functions[] = {
    {.name = "pt_key_%u",
     .function = key,
     .result = DUCKDB_TYPE_BLOB,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_VARCHAR}},
    {.name = "pt_like_%u",
     .function = like,
     .result = DUCKDB_TYPE_BOOLEAN,
     .arg_count = 2,
     .args = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR}},
    {.name = "pt_like_%u",
     .function = like,
     .result = DUCKDB_TYPE_BOOLEAN,
     .arg_count = 3,
     .args = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR}},
    {.name = "pt_locate_%u",
     .function = locate_rows,
     .result = DUCKDB_TYPE_BIGINT,
     .arg_count = 3,
     .args = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_BIGINT}},
    {.name = "pt_upper_%u",
     .function = upper,
     .result = DUCKDB_TYPE_VARCHAR,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_VARCHAR}},
    {.name = "pt_lower_%u",
     .function = lower,
     .result = DUCKDB_TYPE_VARCHAR,
     .arg_count = 1,
     .args = {DUCKDB_TYPE_VARCHAR}},
};

static const char *const prefixes[] = {"pt_key_",    "pt_like_",  "pt_like_",
                                       "pt_locate_", "pt_upper_", "pt_lower_"};
static_assert(ARRAY_SIZE(functions) == ARRAY_SIZE(prefixes), "one prefix for each function");

static int add(duckdb_connection connection, size_t which, const struct collation *c)
{
    char name[32];
    struct udf f = functions[which];
    (void)snprintf(name, sizeof(name), "%s%u", prefixes[which], c->id);
    f.name = name;
    f.extra = c;
    return udf_add(connection, &f);
}

int udf_register_collations(duckdb_connection connection)
{
    size_t count;
    const struct collation *list = collation_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (!collation_is_supported(&list[i]) || collation_find(list[i].id) != &list[i]) {
            continue;
        }
        for (size_t j = 0; j < ARRAY_SIZE(functions); j++) {
            if (add(connection, j, &list[i]) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
