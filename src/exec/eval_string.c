/*
 * String functions: lengths, cutting, searching, building. Text is UTF-8 inside, so positions count
 * its characters; binary strings count bytes.
 */
#include "exec/eval_int.h"

#define TEXT(i) eval_text(ctx, e->args[i], &args[i])

/* Characters of s, for a result of e. */
static size_t count_chars(const struct expr *e, struct str s)
{
    return e->type.collation == COLLATION_BINARY ? s.len : utf8_count(s);
}

static size_t prefix(const struct expr *e, struct str s, size_t chars)
{
    return e->type.collation == COLLATION_BINARY ? MIN(chars, s.len) : utf8_prefix(s, chars);
}

static const struct collation *result_collation(const struct expr *e)
{
    const struct collation *c = collation_find(e->type.collation);
    return c != NULL && collation_is_supported(c) ? c : collation_find(COLLATION_UTF8MB4_BIN);
}

/* The collation to search in: the resolver's, or that of the first string. */
static const struct collation *search_collation(const struct expr *e)
{
    uint16_t id = e->cmp_collation;
    for (uint32_t i = 0; i < e->argc && (id == 0 || id == COLLATION_BINARY); i++) {
        if (type_class_of(e->args[i]->type.type) == TYPE_CLASS_STRING) {
            id = e->args[i]->type.collation;
            break;
        }
    }
    const struct collation *c = collation_find(id);
    return c != NULL && collation_is_supported(c) ? c : collation_find(COLLATION_UTF8MB4_BIN);
}

/* ---- Building ---- */

static int join(struct eval_ctx *ctx, const struct expr *e, const struct str *parts, uint32_t count,
                struct str separator, struct value *out)
{
    uint64_t len = count > 0 ? (uint64_t)separator.len * (count - 1) : 0;
    for (uint32_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    char *buf = eval_text_room(ctx, e, len);
    char *p = buf;
    if (buf == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && separator.len > 0) {
            memcpy(p, separator.p, separator.len);
            p += separator.len;
        }
        if (parts[i].len > 0) {
            memcpy(p, parts[i].p, parts[i].len);
            p += parts[i].len;
        }
    }
    eval_set_text(e, str_from(buf, (size_t)len), out);
    return 0;
}

int eval_concat(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    struct str *parts = arena_alloc(ctx->arena, sizeof(*parts) * e->argc);
    for (uint32_t i = 0; i < e->argc; i++) {
        parts[i] = TEXT(i);
    }
    return join(ctx, e, parts, e->argc, STR(""), out);
}

int eval_concat_ws(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    struct str *parts = arena_alloc(ctx->arena, sizeof(*parts) * e->argc);
    uint32_t count = 0;
    if (args[0].kind == VALUE_NULL) {
        return 0;
    }
    for (uint32_t i = 1; i < e->argc; i++) {
        if (args[i].kind != VALUE_NULL) {
            parts[count++] = TEXT(i);
        }
    }
    return join(ctx, e, parts, count, TEXT(0), out);
}

int eval_repeat(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    const struct str s = TEXT(0);
    const int64_t n = eval_signed(ctx, e->args[1], &args[1]);
    if (n <= 0 || s.len == 0) {
        eval_set_text(e, STR(""), out);
        return 0;
    }
    uint64_t len;
    if (__builtin_mul_overflow((uint64_t)n, (uint64_t)s.len, &len)) {
        len = UINT64_MAX;
    }
    char *buf = eval_text_room(ctx, e, len);
    if (buf == NULL) {
        return 0;
    }
    for (uint64_t at = 0; at < len; at += s.len) {
        memcpy(buf + at, s.p, s.len);
    }
    eval_set_text(e, str_from(buf, (size_t)len), out);
    return 0;
}

int eval_space(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const int64_t n = MAX(eval_signed(ctx, e->args[0], &args[0]), 0);
    char *buf = eval_text_room(ctx, e, (uint64_t)n);
    if (buf != NULL) {
        memset(buf, ' ', (size_t)n);
        eval_set_text(e, str_from(buf, (size_t)n), out);
    }
    return 0;
}

int eval_reverse(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    const struct str s = TEXT(0);
    char *buf = eval_text_room(ctx, e, s.len);
    if (buf == NULL) {
        return 0;
    }
    for (size_t at = 0; at < s.len;) {
        const size_t n = prefix(e, str_from(s.p + at, s.len - at), 1);
        memcpy(buf + s.len - at - n, s.p + at, n);
        at += n;
    }
    eval_set_text(e, str_from(buf, s.len), out);
    return 0;
}

/* LPAD and RPAD: NULL for a negative length. With nothing to pad with MySQL gives the string as it
 * is, MariaDB NULL. */
static int pad(struct eval_ctx *ctx, const struct expr *e, const struct value *args, bool left,
               struct value *out)
{
    const struct str s = TEXT(0);
    const struct str fill = TEXT(2);
    const int64_t wanted = eval_signed(ctx, e->args[1], &args[1]);
    const size_t chars = count_chars(e, s);
    if (wanted < 0) {
        return 0;
    }
    if ((uint64_t)wanted <= chars) {
        eval_set_text(e, str_from(s.p, prefix(e, s, (size_t)wanted)), out);
        return 0;
    }
    const uint64_t missing = (uint64_t)wanted - chars;
    const size_t fill_chars = count_chars(e, fill);
    if (fill_chars == 0) {
        if (!eval_is_mariadb(ctx)) {
            eval_set_text(e, s, out);
        }
        return 0;
    }
    const uint64_t whole = missing / fill_chars;
    const size_t rest = prefix(e, fill, (size_t)(missing % fill_chars));
    uint64_t pad_len;
    if (__builtin_mul_overflow(whole, (uint64_t)fill.len, &pad_len)) {
        pad_len = UINT64_MAX / 2;
    }
    pad_len += rest;
    char *buf = eval_text_room(ctx, e, pad_len + s.len);
    if (buf == NULL) {
        return 0;
    }
    char *to = left ? buf : buf + s.len;
    for (uint64_t at = 0; at < pad_len; at += fill.len) {
        memcpy(to + at, fill.p, (size_t)MIN((uint64_t)fill.len, pad_len - at));
    }
    if (s.len > 0) {
        memcpy(left ? buf + pad_len : buf, s.p, s.len);
    }
    eval_set_text(e, str_from(buf, (size_t)pad_len + s.len), out);
    return 0;
}

int eval_lpad(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    return pad(ctx, e, args, true, out);
}

int eval_rpad(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    return pad(ctx, e, args, false, out);
}

/* REPLACE compares bytes, whatever the collation. */
int eval_replace(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    const struct str s = TEXT(0);
    const struct str from = TEXT(1);
    const struct str to = TEXT(2);
    if (from.len == 0 || s.len < from.len) {
        eval_set_text(e, s, out);
        return 0;
    }
    uint64_t count = 0;
    for (size_t at = 0; at + from.len <= s.len;) {
        const char *hit = memmem(s.p + at, s.len - at, from.p, from.len);
        if (hit == NULL) {
            break;
        }
        count++;
        at = (size_t)(hit - s.p) + from.len;
    }
    char *buf = eval_text_room(ctx, e, s.len - count * from.len + count * to.len);
    if (buf == NULL) {
        return 0;
    }
    char *p = buf;
    size_t at = 0;
    for (; count > 0; count--) {
        const char *hit = memmem(s.p + at, s.len - at, from.p, from.len);
        const size_t keep = (size_t)(hit - s.p) - at;
        memcpy(p, s.p + at, keep);
        p += keep;
        if (to.len > 0) {
            memcpy(p, to.p, to.len);
            p += to.len;
        }
        at += keep + from.len;
    }
    memcpy(p, s.p + at, s.len - at);
    p += s.len - at;
    eval_set_text(e, str_from(buf, (size_t)(p - buf)), out);
    return 0;
}

int eval_insert(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    const struct str s = TEXT(0);
    const int64_t pos = eval_signed(ctx, e->args[1], &args[1]);
    const int64_t len = eval_signed(ctx, e->args[2], &args[2]);
    const int64_t chars = (int64_t)count_chars(e, s);
    if (pos < 1 || pos > chars) {
        eval_set_text(e, s, out);
        return 0;
    }
    const int64_t rest = chars - (pos - 1);
    const int64_t cut = len < 0 || len > rest ? rest : len;
    const size_t head = prefix(e, s, (size_t)(pos - 1));
    const size_t tail = prefix(e, s, (size_t)(pos - 1 + cut));
    const struct str parts[3] = {str_from(s.p, head), TEXT(3), str_from(s.p + tail, s.len - tail)};
    return join(ctx, e, parts, 3, STR(""), out);
}

/* ---- Lengths ---- */

int eval_length(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    *out = value_int((int64_t)eval_bytes(ctx, e->args[0], &args[0]).len);
    return 0;
}

int eval_char_length(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    const struct str s = TEXT(0);
    *out = value_int((int64_t)(eval_is_binary(e->args[0]) ? s.len : utf8_count(s)));
    return 0;
}

int eval_bit_length(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    *out = value_int((int64_t)eval_bytes(ctx, e->args[0], &args[0]).len * 8);
    return 0;
}

/* ---- Case ---- */

typedef void fold_fn(const struct collation *c, struct str s, struct bytebuf *out);

static int fold(struct eval_ctx *ctx, const struct expr *e, const struct value *args, fold_fn *fn,
                struct value *out)
{
    const struct str s = TEXT(0);
    if (e->type.collation == COLLATION_BINARY) {
        eval_set_text(e, s, out);
        return 0;
    }
    struct bytebuf text;
    bytebuf_init(&text, s.len * 3 + 16);
    fn(result_collation(e), s, &text);
    eval_set_text(e, arena_dup(ctx->arena, bytebuf_str(&text)), out);
    bytebuf_release(&text);
    return 0;
}

int eval_upper(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return fold(ctx, e, args, collation_upper, out);
}

int eval_lower(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return fold(ctx, e, args, collation_lower, out);
}

/* ---- Trimming ---- */

enum {
    TRIM_HEAD = 1,
    TRIM_TAIL = 2
};

static bool ends_with(struct str s, struct str tail)
{
    return s.len >= tail.len && memcmp(s.p + s.len - tail.len, tail.p, tail.len) == 0;
}

static int trim(struct eval_ctx *ctx, const struct expr *e, const struct value *args, int sides,
                struct value *out)
{
    struct str s = TEXT(0);
    const struct str what = e->argc > 1 ? TEXT(1) : STR(" ");
    while (what.len > 0 && (sides & TRIM_HEAD) != 0 && str_starts_with(s, what)) {
        s = str_from(s.p + what.len, s.len - what.len);
    }
    while (what.len > 0 && (sides & TRIM_TAIL) != 0 && ends_with(s, what)) {
        s.len -= what.len;
    }
    eval_set_text(e, s, out);
    return 0;
}

int eval_trim(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    return trim(ctx, e, args, TRIM_HEAD | TRIM_TAIL, out);
}

int eval_ltrim(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return trim(ctx, e, args, TRIM_HEAD, out);
}

int eval_rtrim(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return trim(ctx, e, args, TRIM_TAIL, out);
}

/* ---- Cutting ---- */

/* Characters [from, from + count) of s, counted from 0. */
static void set_slice(const struct expr *e, struct str s, uint64_t from, uint64_t count,
                      struct value *out)
{
    const size_t head = prefix(e, s, (size_t)MIN(from, (uint64_t)s.len));
    const struct str rest = str_from(s.p + head, s.len - head);
    eval_set_text(e, str_from(rest.p, prefix(e, rest, (size_t)MIN(count, (uint64_t)rest.len))),
                  out);
}

int eval_left(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const int64_t n = eval_signed(ctx, e->args[1], &args[1]);
    set_slice(e, TEXT(0), 0, (uint64_t)MAX(n, 0), out);
    return 0;
}

int eval_right(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const struct str s = TEXT(0);
    const uint64_t n = (uint64_t)MAX(eval_signed(ctx, e->args[1], &args[1]), 0);
    const uint64_t chars = count_chars(e, s);
    set_slice(e, s, n < chars ? chars - n : 0, n, out);
    return 0;
}

int eval_substring(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    const struct str s = TEXT(0);
    int64_t from = eval_signed(ctx, e->args[1], &args[1]);
    const int64_t len = e->argc > 2 ? eval_signed(ctx, e->args[2], &args[2]) : INT64_MAX;
    const int64_t chars = (int64_t)count_chars(e, s);
    from = from < 0 ? chars + from : from - 1;
    if (from < 0 || from >= chars || len <= 0) {
        eval_set_text(e, STR(""), out);
        return 0;
    }
    set_slice(e, s, (uint64_t)from, (uint64_t)len, out);
    return 0;
}

/* SUBSTRING_INDEX: what is in front of the count-th delimiter, or behind it from the end. */
int eval_substring_index(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                         struct value *out)
{
    const struct str s = TEXT(0);
    const struct str delim = TEXT(1);
    int64_t count = eval_signed(ctx, e->args[2], &args[2]);
    if (delim.len == 0 || count == 0 || s.len == 0) {
        eval_set_text(e, STR(""), out);
        return 0;
    }
    if (count > 0) {
        for (size_t at = 0; at + delim.len <= s.len;) {
            const char *hit = memmem(s.p + at, s.len - at, delim.p, delim.len);
            if (hit == NULL) {
                break;
            }
            if (--count == 0) {
                eval_set_text(e, str_from(s.p, (size_t)(hit - s.p)), out);
                return 0;
            }
            at = (size_t)(hit - s.p) + delim.len;
        }
    } else {
        for (size_t at = s.len; at >= delim.len;) {
            if (memcmp(s.p + at - delim.len, delim.p, delim.len) != 0) {
                at--;
            } else if (++count == 0) {
                eval_set_text(e, str_from(s.p + at, s.len - at), out);
                return 0;
            } else {
                at -= delim.len;
            }
        }
    }
    eval_set_text(e, s, out);
    return 0;
}

/* ---- Searching ---- */

/*
 * Position, in characters from 1, of `what` in s at or behind that character; 0 if it is not there.
 * As on the servers the runs compared have as many bytes, so that 'ß' is found in 'SS' where the
 * collation says so.
 */
static int64_t find(const struct collation *c, struct str s, struct str what, int64_t from_char)
{
    const bool binary = c->charset->kind == CHARSET_BINARY;
    int64_t at_char = from_char;
    size_t at = binary ? MIN((size_t)from_char, s.len) : utf8_prefix(s, (size_t)from_char);
    for (; at + what.len <= s.len; at_char++) {
        const struct str run = str_from(s.p + at, what.len);
        if (str_eq(run, what) || collation_equal(c, run, what)) {
            return at_char + 1;
        }
        if (at == s.len) {
            break;
        }
        at += binary ? 1 : utf8_prefix(str_from(s.p + at, s.len - at), 1);
    }
    return 0;
}

int eval_locate(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    const struct str what = TEXT(0);
    const struct str s = TEXT(1);
    const struct collation *c = search_collation(e);
    const int64_t from = e->argc > 2 ? eval_signed(ctx, e->args[2], &args[2]) : 1;
    const bool binary = c->charset->kind == CHARSET_BINARY;
    const int64_t chars = (int64_t)(binary ? s.len : utf8_count(s));
    /* MariaDB finds nothing behind the last character, not even an empty string. */
    if (from < 1 || from - 1 > chars || (eval_is_mariadb(ctx) && from > 1 && from - 1 >= chars)) {
        *out = value_int(0);
        return 0;
    }
    *out = value_int(find(c, s, what, from - 1));
    return 0;
}

int eval_instr(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    *out = value_int(find(search_collation(e), TEXT(0), TEXT(1), 0));
    return 0;
}

int eval_find_in_set(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    const struct str what = TEXT(0);
    const struct str list = TEXT(1);
    const struct collation *c = search_collation(e);
    int64_t n = 0;
    *out = value_int(0);
    for (size_t at = 0; list.len > 0 && at <= list.len;) {
        const char *comma = at < list.len ? memchr(list.p + at, ',', list.len - at) : NULL;
        const size_t end = comma != NULL ? (size_t)(comma - list.p) : list.len;
        n++;
        if (collation_equal(c, str_from(list.p + at, end - at), what)) {
            *out = value_int(n);
            return 0;
        }
        at = end + 1;
    }
    return 0;
}

/* ---- Characters ---- */

int eval_ascii(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const struct str s = eval_bytes(ctx, e->args[0], &args[0]);
    *out = value_int(s.len > 0 ? (unsigned char)s.p[0] : 0);
    return 0;
}

int eval_ord(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    const struct str s = eval_bytes(ctx, e->args[0], &args[0]);
    const struct collation *c = collation_find(e->args[0]->type.collation);
    const size_t n = c != NULL ? charset_prefix(c->charset, s, 1) : MIN(s.len, 1u);
    int64_t code = 0;
    for (size_t i = 0; i < n; i++) {
        code = code << 8 | (unsigned char)s.p[i];
    }
    *out = value_int(code);
    return 0;
}

/* CHAR(n, …): the bytes of the numbers, as a binary string. */
int eval_char(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    char *buf = eval_text_room(ctx, e, (uint64_t)e->argc * 4);
    size_t len = 0;
    if (buf == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        if (args[i].kind == VALUE_NULL) {
            continue;
        }
        const uint32_t n = (uint32_t)eval_signed(ctx, e->args[i], &args[i]);
        for (int shift = 24; shift >= 0; shift -= 8) {
            if (n >> shift != 0 || shift == 0) {
                buf[len++] = (char)(unsigned char)(n >> shift);
            }
        }
    }
    eval_set_text(e, str_from(buf, len), out);
    return 0;
}

int eval_quote(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    if (args[0].kind == VALUE_NULL) {
        eval_set_text(e, STR("NULL"), out);
        return 0;
    }
    const struct str s = TEXT(0);
    char *buf = eval_text_room(ctx, e, (uint64_t)s.len * 2 + 2);
    size_t len = 0;
    if (buf == NULL) {
        return 0;
    }
    buf[len++] = '\'';
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.p[i];
        if (c == '\'' || c == '\\' || c == '\0' || c == '\032') {
            buf[len++] = '\\';
        }
        buf[len++] = (char)(c == '\0' ? '0' : c == '\032' ? 'Z' : c);
    }
    buf[len++] = '\'';
    eval_set_text(e, str_from(buf, len), out);
    return 0;
}

/* ---- Sound ---- */

/* The digit of each letter, 0 for the vowels and what does not count. */
static const char soundex_digits[26 + 1] = "01230120022455012623010202";

/* SOUNDEX as the servers have it: digits as many as there are, at least three, and equal ones once.
 */
static struct str soundex(struct eval_ctx *ctx, struct str s)
{
    char *buf = arena_alloc(ctx->arena, s.len + 4);
    size_t len = 0;
    char last = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char c = (char)(s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] - 32 : s.p[i]);
        if (c < 'A' || c > 'Z') {
            continue;
        }
        const char digit = soundex_digits[c - 'A'];
        if (len == 0) {
            buf[len++] = c;
            last = digit;
        } else if (digit != '0' && digit != last) {
            buf[len++] = digit;
            last = digit;
        }
    }
    while (len > 0 && len < 4) {
        buf[len++] = '0';
    }
    return str_from(buf, len);
}

int eval_soundex(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    eval_set_text(e, soundex(ctx, TEXT(0)), out);
    return 0;
}

int eval_sounds_like(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    *out = value_int(str_eq(soundex(ctx, TEXT(0)), soundex(ctx, TEXT(1))));
    return 0;
}

/* CHAR(n, … USING set): the bytes of the numbers in that character set. */
int eval_char_using(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    struct expr numbers = *e;
    numbers.argc = e->argc - 1;
    if (eval_char(ctx, &numbers, args, out) != 0 || out->kind == VALUE_NULL) {
        return out->kind == VALUE_NULL ? 0 : -1;
    }
    out->collation = COLLATION_BINARY;
    const struct value bytes = *out;
    *out = value_null();
    return eval_convert_using(ctx, e, &bytes, out);
}
