/*
 * The normalised text follows what MySQL's STATEMENT_DIGEST_TEXT() prints: tokens with a space
 * between them, keywords in upper case, names in backticks, '?' for a value, '?, ...' for a list of
 * them, '(...)' for a row and
 * '(...) slash-star , ... star-slash' for a list of rows. It differs where two statements of one
 * digest would not mean the same: names of user variables stay, and keywords are not replaced by
 * their synonyms.
 *
 * Folding looks at the last few tokens only, so tokens pass through a small window; what leaves it
 * is hashed and written. No memory is allocated.
 */
#include "sql/digest.h"

#include "sql_grammar.h"

#include "sql/parse_int.h"

/* For a hash state on the stack. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* Codes of folded tokens, beyond lemon's. */
enum {
    FOLD_VALUE = 100000, /* ? */
    FOLD_VALUES,         /* ?, ... */
    FOLD_ROW1,           /* (?) */
    FOLD_ROW1_LIST,      /* (?) comment , ... */
    FOLD_ROW,            /* (...) */
    FOLD_ROW_LIST,       /* (...) comment , ... */
};

/* A fold needs at most five tokens: row , ( value ) */
#define WINDOW 8

struct item {
    int code;
    bool reserved;
    const char *p;
    uint32_t len;
};

struct normaliser {
    struct item items[WINDOW];
    unsigned count;
    bool any;     /* Something was written: a space comes first. */
    bool spilled; /* The state has what no longer fits the buffer. */
    size_t len;
    char buffer[1024];
    XXH3_state_t *state;
    struct bytebuf *text; /* Or NULL. */
};

/* ---- Output ---- */

static void spill(struct normaliser *n)
{
    if (!n->spilled) {
        (void)XXH3_128bits_reset(n->state);
        n->spilled = true;
    }
    (void)XXH3_128bits_update(n->state, n->buffer, n->len);
    if (n->text != NULL) {
        bytebuf_put(n->text, n->buffer, n->len);
    }
    n->len = 0;
}

static void put(struct normaliser *n, const char *p, size_t len)
{
    while (len > 0) {
        const size_t room = sizeof(n->buffer) - n->len;
        const size_t part = MIN(room, len);
        memcpy(n->buffer + n->len, p, part);
        n->len += part;
        p += part;
        len -= part;
        if (n->len == sizeof(n->buffer)) {
            spill(n);
        }
    }
}

static void put_char(struct normaliser *n, char c)
{
    n->buffer[n->len++] = c;
    if (n->len == sizeof(n->buffer)) {
        spill(n);
    }
}

static void put_upper(struct normaliser *n, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        put_char(n, (char)(p[i] >= 'a' && p[i] <= 'z' ? p[i] - 32 : p[i]));
    }
}

static void put_name(struct normaliser *n, const struct item *item)
{
    put_char(n, '`');
    put(n, item->p, item->len);
    put_char(n, '`');
}

static void put_folded(struct normaliser *n, int code)
{
    static const struct str texts[] = {
        STR_INIT("?"),     STR_INIT("?, ..."),
        STR_INIT("(?)"),   STR_INIT("(?) /* , ... */"),
        STR_INIT("(...)"), STR_INIT("(...) /* , ... */"),
    };
    put(n, texts[code - FOLD_VALUE].p, texts[code - FOLD_VALUE].len);
}

static void write_item(struct normaliser *n, const struct item *item)
{
    if (n->any) {
        put_char(n, ' ');
    }
    n->any = true;
    if (item->code >= FOLD_VALUE) {
        put_folded(n, item->code);
    } else if (item->code == TK_IDENT) {
        put_name(n, item);
    } else if (item->code == TK_USER_VAR) {
        put_char(n, '@');
        put_name(n, item);
    } else {
        put_upper(n, item->p, item->len);
    }
}

/* ---- Folding ---- */

static int code_back(const struct normaliser *n, unsigned back)
{
    return back <= n->count ? n->items[n->count - back].code : 0;
}

static void push(struct normaliser *n, int code, const struct token *t)
{
    if (n->count == WINDOW) {
        write_item(n, &n->items[0]);
        memmove(n->items, n->items + 1, sizeof(n->items[0]) * (WINDOW - 1));
        n->count--;
    }
    n->items[n->count++] =
        (struct item){.code = code, .reserved = t->reserved, .p = t->p, .len = t->len};
}

/* Is a sign behind this token a unary one? */
static bool takes_sign(const struct item *before)
{
    switch (before->code) {
    case TK_IDENT:
    case TK_RP:
    case TK_USER_VAR:
    case TK_PARAM:
    case TK_TRUE:
    case TK_FALSE:
    case TK_CURRENT_DATE:
    case TK_CURRENT_TIME:
    case TK_CURRENT_TIMESTAMP:
        return false;
    default:
        break;
    }
    if (before->code >= FOLD_VALUE) {
        return false;
    }
    const char c = before->p[0];
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return !is_word || before->reserved;
}

static bool is_sign(int code)
{
    return code == TK_MINUS_SIGN || code == TK_PLUS;
}

static void push_value(struct normaliser *n, const struct token *t)
{
    while (is_sign(code_back(n, 1)) && (n->count < 2 || takes_sign(&n->items[n->count - 2]))) {
        n->count--;
    }
    const int listed = code_back(n, 2);
    if (code_back(n, 1) == TK_COMMA && (listed == FOLD_VALUE || listed == FOLD_VALUES)) {
        n->count--;
        n->items[n->count - 1].code = FOLD_VALUES;
        return;
    }
    push(n, FOLD_VALUE, t);
}

/* ( value ) and ( values ) become a row, and a row behind a row of its kind becomes a list. */
static void push_close(struct normaliser *n, const struct token *t)
{
    const int inside = code_back(n, 1);
    if (code_back(n, 2) != TK_LP || (inside != FOLD_VALUE && inside != FOLD_VALUES)) {
        push(n, TK_RP, t);
        return;
    }
    const int row = inside == FOLD_VALUE ? FOLD_ROW1 : FOLD_ROW;
    n->count -= 2;
    const int before = code_back(n, 2);
    if (code_back(n, 1) == TK_COMMA && (before == row || before == row + 1)) {
        n->count--;
        n->items[n->count - 1].code = row + 1;
        return;
    }
    push(n, row, t);
}

static bool is_value(int code)
{
    switch (code) {
    case TK_STRING:
    case TK_NCHAR_STRING:
    case TK_INT_NUM:
    case TK_DECIMAL_NUM:
    case TK_REAL_NUM:
    case TK_HEX_NUM:
    case TK_BIN_NUM:
    case TK_PARAM:
        return true;
    default:
        return false;
    }
}

/* NULL is a value, but a word in IS NULL and NOT NULL. */
static bool is_null_value(const struct normaliser *n, int code)
{
    const int before = code_back(n, 1);
    return code == TK_NULL && before != TK_IS && before != TK_NOT && before != TK_NOT2;
}

static void push_token(struct normaliser *n, int code, const struct token *t)
{
    if (is_value(code) || is_null_value(n, code)) {
        push_value(n, t);
    } else if (code == TK_RP) {
        push_close(n, t);
    } else {
        push(n, code, t);
    }
}

/* ---- Entry ---- */

static void finish_digest(struct normaliser *n, struct digest *out)
{
    for (unsigned i = 0; i < n->count; i++) {
        write_item(n, &n->items[i]);
    }
    XXH128_hash_t hash;
    if (n->spilled) {
        spill(n);
        hash = XXH3_128bits_digest(n->state);
    } else {
        hash = XXH3_128bits(n->buffer, n->len);
        if (n->text != NULL) {
            bytebuf_put(n->text, n->buffer, n->len);
        }
    }
    out->hash[0] = hash.high64;
    out->hash[1] = hash.low64;
}

void sql_digest(struct str statement, const struct parse_options *options, struct digest *out,
                struct bytebuf *text)
{
    struct scanner scanner;
    XXH3_state_t state;
    struct normaliser n;
    struct token t;
    n.count = 0;
    n.any = n.spilled = false;
    n.len = 0;
    n.state = &state;
    n.text = text;
    scanner_init(&scanner, statement, options, NULL);
    for (int code = scanner_next(&scanner, &t); code != 0 && code != TK_SEMICOLON;
         code = scanner_next(&scanner, &t)) {
        push_token(&n, code, &t);
    }
    finish_digest(&n, out);
}
