/* Digests, number bases, formatted numbers, and what is known of a string's character set. */
#include "exec/eval_int.h"
#include "types/json.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <ctype.h>
#include <stdio.h>
#include <sys/random.h>

#define TEXT(i)  eval_text(ctx, e->args[i], &args[i])
#define BYTES(i) eval_bytes(ctx, e->args[i], &args[i])

/* ---- Hexadecimal ---- */

static int set_hex(struct eval_ctx *ctx, const struct expr *e, struct str bytes, const char *digits,
                   struct value *out)
{
    char *buf = eval_text_room(ctx, e, (uint64_t)bytes.len * 2);
    if (buf == NULL) {
        return 0;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        buf[2 * i] = digits[(unsigned char)bytes.p[i] >> 4];
        buf[2 * i + 1] = digits[(unsigned char)bytes.p[i] & 15];
    }
    eval_set_text(e, str_from(buf, bytes.len * 2), out);
    return 0;
}

static bool is_string(const struct value *v)
{
    return v->kind == VALUE_STRING || v->kind == VALUE_JSON || v->kind == VALUE_DATE ||
           v->kind == VALUE_DATETIME || v->kind == VALUE_TIME;
}

int eval_hex(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    const enum type_class class = type_class_of(e->args[0]->type.type);
    if (is_string(&args[0]) || class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET) {
        return set_hex(ctx, e, BYTES(0), "0123456789ABCDEF", out);
    }
    char buf[24];
    bool is_unsigned;
    const int64_t n = eval_int(ctx, e->args[0], &args[0], &is_unsigned);
    const int len = snprintf(buf, sizeof(buf), "%llX", (unsigned long long)n);
    eval_set_ascii(ctx, e, str_from(buf, (size_t)len), out);
    return 0;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = (char)(c | 32);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

int eval_unhex(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const struct str s = TEXT(0);
    const size_t len = (s.len + 1) / 2;
    char *buf = eval_text_room(ctx, e, len);
    if (buf == NULL) {
        return 0;
    }
    const size_t odd = s.len % 2; /* An odd number of digits has a zero in front. */
    for (size_t i = 0; i < len; i++) {
        const int high = i == 0 && odd == 1 ? 0 : nibble(s.p[2 * i - odd]);
        const int low = nibble(s.p[2 * i + 1 - odd]);
        if (high < 0 || low < 0) {
            if (!eval_is_mariadb(ctx)) {
                const char *shown = arena_printf(ctx->arena, "'%.*s'", STR_FMT(s)).p;
                diag_warn(ctx->diag, DIAG_WARNING, ER_WRONG_VALUE_FOR_TYPE, "string", shown,
                          "unhex");
            }
            return 0;
        }
        buf[i] = (char)(unsigned char)(high << 4 | low);
    }
    eval_set_text(e, str_from(buf, len), out);
    return 0;
}

/* ---- Digests ---- */

static int digest(struct eval_ctx *ctx, const struct expr *e, struct str s, const EVP_MD *md,
                  struct value *out)
{
    unsigned char buf[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(s.p, s.len, buf, &len, md, NULL) != 1) {
        return diag_set(ctx->diag, ER_NOT_SUPPORTED_YET, e->func->name);
    }
    return set_hex(ctx, e, str_from((const char *)buf, len), "0123456789abcdef", out);
}

int eval_md5(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return digest(ctx, e, BYTES(0), EVP_md5(), out);
}

int eval_sha1(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    return digest(ctx, e, BYTES(0), EVP_sha1(), out);
}

int eval_sha2(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    switch (eval_signed(ctx, e->args[1], &args[1])) {
    case 224:
        return digest(ctx, e, BYTES(0), EVP_sha224(), out);
    case 0:
    case 256:
        return digest(ctx, e, BYTES(0), EVP_sha256(), out);
    case 384:
        return digest(ctx, e, BYTES(0), EVP_sha384(), out);
    case 512:
        return digest(ctx, e, BYTES(0), EVP_sha512(), out);
    default:
        diag_warn(ctx->diag, DIAG_WARNING, ER_WRONG_PARAMETERS_TO_NATIVE_FCT, "sha2");
        return 0;
    }
}

int eval_crc32(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const struct str s = BYTES(0);
    *out = value_uint(crc32_z(0, (const unsigned char *)s.p, s.len));
    return 0;
}

/* ---- Number bases ---- */

/* Digits of n, most significant first; a minus where signed. buf has room for 66 characters. */
static size_t put_base(uint64_t n, unsigned base, bool negative, char *buf)
{
    char digits[64];
    size_t count = 0;
    size_t len = 0;
    do {
        digits[count++] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % base];
        n /= base;
    } while (n > 0);
    if (negative) {
        buf[len++] = '-';
    }
    while (count > 0) {
        buf[len++] = digits[--count];
    }
    return len;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char l = (char)(c | 32);
    return l >= 'a' && l <= 'z' ? l - 'a' + 10 : 99;
}

/* The number at the start of s in that base; what is too large becomes the largest. */
static uint64_t parse_base(struct eval_ctx *ctx, struct str s, unsigned base, bool is_signed,
                           bool *out_negative)
{
    size_t i = 0;
    uint64_t n = 0;
    bool overflow = false;
    while (i < s.len && isspace((unsigned char)s.p[i])) {
        i++;
    }
    *out_negative = i < s.len && s.p[i] == '-';
    i += i < s.len && (s.p[i] == '-' || s.p[i] == '+');
    for (; i < s.len && digit_of(s.p[i]) < (int)base; i++) {
        overflow = overflow || __builtin_mul_overflow(n, (uint64_t)base, &n) ||
                   __builtin_add_overflow(n, (uint64_t)digit_of(s.p[i]), &n);
    }
    if (overflow && !eval_is_mariadb(ctx)) {
        diag_warn(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, "DECIMAL",
                  arena_dup_cstr(ctx->arena, s));
    }
    if (overflow) {
        return is_signed ? (uint64_t)INT64_MAX + (*out_negative ? 1 : 0) : UINT64_MAX;
    }
    return n;
}

int eval_conv(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const int64_t from = eval_signed(ctx, e->args[1], &args[1]);
    const int64_t to = eval_signed(ctx, e->args[2], &args[2]);
    const uint64_t from_base = from < 0 ? 0 - (uint64_t)from : (uint64_t)from;
    const uint64_t to_base = to < 0 ? 0 - (uint64_t)to : (uint64_t)to;
    const struct str s = TEXT(0);
    if (from_base < 2 || from_base > 36 || to_base < 2 || to_base > 36 || s.len == 0) {
        return 0;
    }
    char buf[66];
    bool negative;
    uint64_t n = parse_base(ctx, s, (unsigned)from_base, from < 0, &negative);
    if (negative) {
        n = 0 - n;
    }
    const bool minus = to < 0 && (int64_t)n < 0;
    const size_t len = put_base(minus ? 0 - n : n, (unsigned)to_base, minus, buf);
    eval_set_ascii(ctx, e, str_from(buf, len), out);
    return 0;
}

/* BIN and OCT: CONV(n, 10, base). */
static int set_base(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    unsigned base, struct value *out)
{
    char buf[66];
    bool negative;
    const struct str s = TEXT(0);
    if (s.len == 0) {
        return 0;
    }
    uint64_t n = parse_base(ctx, s, 10, false, &negative);
    n = negative ? 0 - n : n;
    eval_set_ascii(ctx, e, str_from(buf, put_base(n, base, false, buf)), out);
    return 0;
}

int eval_bin(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_base(ctx, e, args, 2, out);
}

int eval_oct(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    return set_base(ctx, e, args, 8, out);
}

/* ---- FORMAT ---- */

struct locale_marks {
    const char *name;
    const char *point;
    const char *thousands; /* "" = no grouping */
};

/* Locales whose marks are not those of en_US. */
static const struct locale_marks marks[] = {
    {"de_DE", ",", "."}, {"de_AT", ",", ""},  {"de_CH", ".", "'"}, {"fr_FR", ",", ""},
    {"es_ES", ",", ""},  {"it_IT", ",", ""},  {"nl_NL", ",", ""},  {"pt_BR", ",", "."},
    {"pt_PT", ",", ""},  {"da_DK", ",", "."}, {"sv_SE", ",", " "}, {"nb_NO", ",", " "},
    {"fi_FI", ",", " "}, {"pl_PL", ",", ""},  {"ru_RU", ",", "."}, {"tr_TR", ",", "."},
};

static struct locale_marks marks_of(struct str locale)
{
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        if (str_eq_nocase(locale, str_from_cstr(marks[i].name))) {
            return marks[i];
        }
    }
    return (struct locale_marks){.name = "en_US", .point = ".", .thousands = ","};
}

/* Digits with grouping: "-1234.5" to "-1,234.5". */
static void group(struct bytebuf *b, struct str digits, const struct locale_marks *m)
{
    size_t at = 0;
    if (digits.len > 0 && digits.p[0] == '-') {
        bytebuf_put_char(b, '-');
        at = 1;
    }
    const char *point = memchr(digits.p, '.', digits.len);
    const size_t end = point != NULL ? (size_t)(point - digits.p) : digits.len;
    for (size_t i = at; i < end; i++) {
        if (i > at && (end - i) % 3 == 0) {
            bytebuf_put_cstr(b, m->thousands);
        }
        bytebuf_put_char(b, digits.p[i]);
    }
    if (point != NULL) {
        bytebuf_put_cstr(b, m->point);
        bytebuf_put(b, point + 1, digits.len - end - 1);
    }
}

int eval_format(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    const int64_t wanted = eval_signed(ctx, e->args[1], &args[1]);
    const unsigned digits = (unsigned)MAX(0, MIN(wanted, DECIMAL_MAX_SCALE));
    const struct locale_marks m = marks_of(e->argc > 2 ? TEXT(2) : STR("en_US"));
    struct value rounded = {.kind = VALUE_DECIMAL};
    struct str text;
    if (args[0].kind == VALUE_DOUBLE || args[0].kind == VALUE_STRING) {
        char buf[FORMAT_REAL_MAX];
        const double d = eval_double(ctx, e->args[0], &args[0]);
        text = arena_dup(ctx->arena, str_from(buf, format_double(d, digits, buf)));
    } else {
        const struct decimal d = eval_decimal(ctx, e->args[0], &args[0]);
        (void)!decimal_round(&d, digits, &rounded.dec);
        text = value_to_text(&rounded, NULL, ctx->arena);
    }
    struct bytebuf b;
    bytebuf_init(&b, text.len * 2 + 16);
    group(&b, text, &m);
    eval_set_ascii(ctx, e, bytebuf_str(&b), out);
    bytebuf_release(&b);
    return 0;
}

/* ---- Character sets ---- */

static const struct collation *collation_of(const struct expr *e)
{
    const enum type_class class = type_class_of(e->type.type);
    const bool text =
        class == TYPE_CLASS_STRING || class == TYPE_CLASS_ENUM || class == TYPE_CLASS_SET;
    return collation_find(text ? e->type.collation : COLLATION_BINARY);
}

int eval_charset(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    const struct collation *c = collation_of(e->args[0]);
    (void)ctx;
    (void)args;
    eval_set_text(e, c != NULL ? c->charset->name : STR("binary"), out);
    return 0;
}

int eval_collation(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    const struct collation *c = collation_of(e->args[0]);
    (void)ctx;
    (void)args;
    eval_set_text(e, c != NULL ? c->name : STR("binary"), out);
    return 0;
}

int eval_coercibility(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      struct value *out)
{
    (void)ctx;
    (void)args;
    *out = value_int(e->args[0]->coercibility);
    return 0;
}

/* ---- Base 64 and random bytes ---- */

/* Lines of TO_BASE64. */
#define BASE64_LINE 76

int eval_to_base64(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const struct str s = BYTES(0);
    const uint64_t chars = ((uint64_t)s.len + 2) / 3 * 4;
    char *buf = eval_text_room(ctx, e, chars + chars / BASE64_LINE);
    size_t len = 0;
    if (buf == NULL) {
        return 0;
    }
    for (size_t i = 0, column = 0; i < s.len; i += 3, column += 4) {
        if (column == BASE64_LINE) {
            buf[len++] = '\n';
            column = 0;
        }
        const size_t left = s.len - i;
        const uint32_t n = (uint32_t)(unsigned char)s.p[i] << 16 |
                           (left > 1 ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0) |
                           (left > 2 ? (uint32_t)(unsigned char)s.p[i + 2] : 0);
        buf[len++] = digits[n >> 18];
        buf[len++] = digits[n >> 12 & 63];
        buf[len++] = (char)(left > 1 ? digits[n >> 6 & 63] : '=');
        buf[len++] = (char)(left > 2 ? digits[n & 63] : '=');
    }
    eval_set_text(e, str_from(buf, len), out);
    return 0;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* White space is skipped; anything else that is no base 64 gives NULL. */
int eval_from_base64(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    const struct str s = TEXT(0);
    char *buf = eval_text_room(ctx, e, (uint64_t)s.len / 4 * 3 + 3);
    size_t len = 0;
    unsigned count = 0;
    unsigned padding = 0;
    uint32_t n = 0;
    if (buf == NULL) {
        return 0;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (isspace((unsigned char)s.p[i])) {
            continue;
        }
        const int d = s.p[i] == '=' && count >= 2 ? 0 : base64_digit(s.p[i]);
        padding += s.p[i] == '=';
        if (d < 0 || (padding > 0 && s.p[i] != '=') || (len > 0 && count == 0 && padding > 1)) {
            return 0;
        }
        n = n << 6 | (uint32_t)d;
        if (++count == 4) {
            for (unsigned k = 0; k < 3 - padding; k++) {
                buf[len++] = (char)(unsigned char)(n >> (16 - 8 * k));
            }
            count = 0;
            n = 0;
        }
    }
    if (count == 0) {
        eval_set_text(e, str_from(buf, len), out);
    }
    return 0;
}

/* Longest RANDOM_BYTES(). */
#define RANDOM_BYTES_MAX 1024

int eval_random_bytes(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      struct value *out)
{
    const int64_t n = eval_signed(ctx, e->args[0], &args[0]);
    if (n < 1 || n > RANDOM_BYTES_MAX) {
        return diag_set(ctx->diag, ER_DATA_OUT_OF_RANGE, "length", "random_bytes");
    }
    char *buf = arena_alloc(ctx->arena, (size_t)n);
    if (getrandom(buf, (size_t)n, 0) != (ssize_t)n) {
        return diag_set(ctx->diag, ER_OUT_OF_RESOURCES);
    }
    eval_set_text(e, str_from(buf, (size_t)n), out);
    return 0;
}

/* ---- Internet addresses ---- */

/* NULL, and MySQL's warning about an argument that is no address. */
static int not_an_address(struct eval_ctx *ctx, const struct expr *e, const char *type,
                          const char *function)
{
    if (!eval_is_mariadb(ctx)) {
        diag_warn(ctx->diag, DIAG_WARNING, ER_WRONG_VALUE_FOR_TYPE, type,
                  eval_print(ctx, e->args[0]), function);
    }
    return 0;
}

/* "a.b.c.d"; fewer parts leave the middle ones 0. False: not an address. */
static bool parse_address(struct str s, uint32_t *out)
{
    uint32_t parts[4] = {0};
    unsigned count = 0;
    bool digits = false;
    for (size_t i = 0; i < s.len; i++) {
        if (isdigit((unsigned char)s.p[i])) {
            parts[count] = parts[count] * 10 + (uint32_t)(s.p[i] - '0');
            digits = true;
            if (parts[count] > 255) {
                return false;
            }
        } else if (s.p[i] == '.' && digits && count < 3) {
            count++;
            digits = false;
        } else {
            return false;
        }
    }
    *out = parts[count];
    for (unsigned i = 0; i < count; i++) {
        *out |= parts[i] << (24 - 8 * i);
    }
    return digits;
}

int eval_inet_aton(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    uint32_t n;
    if (!parse_address(TEXT(0), &n)) {
        return not_an_address(ctx, e, "string", "inet_aton");
    }
    *out = value_uint(n);
    return 0;
}

int eval_inet_ntoa(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    const int64_t n = eval_signed(ctx, e->args[0], &args[0]);
    if (n < 0 || n > UINT32_MAX) {
        return not_an_address(ctx, e, "integer", "inet_ntoa");
    }
    eval_set_text(e,
                  arena_printf(ctx->arena, "%u.%u.%u.%u", (unsigned)(n >> 24),
                               (unsigned)(n >> 16 & 255), (unsigned)(n >> 8 & 255),
                               (unsigned)(n & 255)),
                  out);
    return 0;
}

/* ---- JSON ---- */

int eval_json_valid(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    struct json_value v;
    struct json_error error;
    /* On MariaDB anything has a text. */
    const bool text =
        eval_is_mariadb(ctx) || args[0].kind == VALUE_STRING || args[0].kind == VALUE_JSON;
    *out = value_int(text && json_parse(TEXT(0), ctx->arena, &v, &error) == 0);
    return 0;
}
