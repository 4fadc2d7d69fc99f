/*
 * The scanner: bytes to tokens, by MySQL's lexical rules ("Language Structure" in its reference manual). re2c makes the
 * automaton; strings, quoted identifiers and comments are read by hand, because their ends depend on sql_mode.
 */
#include "sql/parse_int.h"
#include "sql_grammar.h"

#include "keywords.gen.inc"

/* ---- Keywords ---- */

const struct keyword *keyword_find(struct str word)
{
    char upper[KEYWORD_MAX_LEN];
    if (word.len > KEYWORD_MAX_LEN) {
        return NULL;
    }
    unsigned h = (unsigned)word.len;
    for (size_t i = 0; i < word.len; i++) {
        const char c = word.p[i];
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
        h = (h * 31 + (unsigned char)upper[i]) & 0xffff;
    }
    for (h %= KEYWORD_SLOTS; keyword_slots[h] != 0; h = (h + 1) % KEYWORD_SLOTS) {
        const struct keyword *kw = &keywords[keyword_slots[h]];
        if (kw->len == word.len && memcmp(kw->word, upper, word.len) == 0) {
            return kw;
        }
    }
    return NULL;
}

/* ---- Helpers ---- */

void scanner_init(struct scanner *s, struct str text, const struct parse_options *options, struct arena *arena)
{
    const unsigned char *p = (const unsigned char *)(text.p != NULL ? text.p : "");
    *s = (struct scanner){.start = p, .cur = p, .end = p + text.len, .options = options, .arena = arena};
}

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned char peek_at(const struct scanner *s, const unsigned char *p)
{
    return p < s->end ? *p : 0;
}

/* The first byte from p on that is not white space, 0 at the end. */
static unsigned char peek_past_spaces(const struct scanner *s, const unsigned char *p)
{
    while (p < s->end && is_space(*p)) {
        p++;
    }
    return peek_at(s, p);
}

static bool is_mariadb(const struct scanner *s)
{
    return s->options->dialect == DIALECT_MARIADB;
}

static int finish(struct scanner *s, const unsigned char *from, int code, struct token *out)
{
    const size_t len = (size_t)(s->cur - from);
    *out = (struct token){.p = (const char *)from,
                          .len = (uint32_t)len,
                          .offset = (uint32_t)(from - s->start),
                          .src_len = (uint32_t)len};
    s->last = code;
    return code;
}

/* ---- Comments ---- */

/* Behind the end of a block comment whose inside begins at p, or NULL if it has none. `depth`: comments nested in it
 * that are to be skipped too. */
static const unsigned char *skip_block_comment(const unsigned char *p, const unsigned char *end, int depth)
{
    while (p + 1 < end) {
        if (p[0] == '*' && p[1] == '/') {
            return p + 2;
        }
        if (depth > 0 && p[0] == '/' && p[1] == '*') {
            p = skip_block_comment(p + 2, end, depth - 1);
            if (p == NULL) {
                return NULL;
            }
            continue;
        }
        p++;
    }
    return NULL;
}

static const unsigned char *skip_line(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *newline = memchr(p, '\n', (size_t)(end - p));
    return newline ? newline + 1 : end;
}

/* Is code of this version for the server that the options describe? MariaDB passes over what MySQL added after 5.7. */
static bool version_applies(const struct scanner *s, unsigned long version, bool for_mariadb)
{
    if (version > s->options->version) {
        return false;
    }
    return for_mariadb || !is_mariadb(s) || version < 50700 || version > 99999;
}

/*
 * A version comment, cur behind its '!'. Its inside is scanned as code if the version applies, else skipped.
 * Returns false at an unterminated one.
 */
static bool enter_version_comment(struct scanner *s, bool for_mariadb)
{
    unsigned long version = 0;
    const unsigned char *p = s->cur;
    int digits = 0;
    while (digits < 6 && peek_at(s, p) >= '0' && peek_at(s, p) <= '9') {
        version = version * 10 + (unsigned long)(*p++ - '0');
        digits++;
    }
    if (digits >= 5 && !version_applies(s, version, for_mariadb)) {
        const unsigned char *end = skip_block_comment(p, s->end, 1);
        s->cur = end ? end : s->end;
        return end != NULL;
    }
    s->cur = digits >= 5 ? p : s->cur;
    s->in_version_comment = true;
    return true;
}

/* MAX_EXECUTION_TIME(n) in the text of an optimizer hint; other hints have no effect here. */
static void read_hints(struct scanner *s, const unsigned char *p, const unsigned char *end)
{
    static const char name[] = "MAX_EXECUTION_TIME";
    const size_t len = sizeof(name) - 1;
    for (; (size_t)(end - p) > len; p++) {
        if (!str_eq_nocase(str_from((const char *)p, len), str_from(name, len))) {
            continue;
        }
        p += len;
        while (p < end && (is_space(*p) || *p == '(')) {
            p++;
        }
        uint64_t ms = 0;
        for (; p < end && *p >= '0' && *p <= '9' && ms <= UINT32_MAX; p++) {
            ms = ms * 10 + (uint64_t)(*p - '0');
        }
        if (ms <= UINT32_MAX && s->max_execution_time_ms == 0) {
            s->max_execution_time_ms = (uint32_t)ms;
        }
        return;
    }
}

static bool takes_hints(int code)
{
    return code == TK_SELECT || code == TK_INSERT || code == TK_REPLACE || code == TK_UPDATE || code == TK_DELETE;
}

/* A comment that begins with slash and star, cur behind them. Returns false if it does not end. */
static bool skip_comment(struct scanner *s)
{
    const unsigned char *inside = s->cur;
    if (peek_at(s, inside) == '!') {
        s->cur = inside + 1;
        return enter_version_comment(s, false);
    }
    if (is_mariadb(s) && peek_at(s, inside) == 'M' && peek_at(s, inside + 1) == '!') {
        s->cur = inside + 2;
        return enter_version_comment(s, true);
    }
    const unsigned char *end = skip_block_comment(inside, s->end, 0);
    if (end == NULL) {
        return false;
    }
    if (peek_at(s, inside) == '+' && takes_hints(s->last)) {
        read_hints(s, inside + 1, end - 2);
    }
    s->cur = end;
    return true;
}

/* ---- Quoted texts ---- */

static char unescape(unsigned char c)
{
    switch (c) {
    case '0':
        return '\0';
    case 'b':
        return '\b';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'Z':
        return '\032';
    default:
        return (char)c;
    }
}

/* The inside [p, end) of a quoted text, without doubled quotes and escapes. */
static void decode_quoted(struct scanner *s, const unsigned char *p, const unsigned char *end, bool escapes,
                          struct token *out)
{
    const unsigned char quote = *end;
    char *to = arena_alloc(s->arena, (size_t)(end - p) + 1);
    out->p = to;
    while (p < end) {
        if (*p == '\\' && escapes && p + 1 < end) {
            p++;
            if (*p == '%' || *p == '_') {
                *to++ = '\\';
            }
            *to++ = unescape(*p++);
            continue;
        }
        if (*p == quote) {
            p++;
        }
        *to++ = (char)*p++;
    }
    *to = '\0';
    out->len = (uint32_t)(to - out->p);
}

/*
 * A quoted text that begins at `from` with its prefix (N, X, …); cur is behind the opening quote. TK_ILLEGAL if it does
 * not end.
 */
static int scan_quoted(struct scanner *s, const unsigned char *from, int code, struct token *out)
{
    const unsigned char quote = s->cur[-1];
    const bool escapes = quote != '`' && code != TK_IDENT && !(s->options->sql_mode & SQL_MODE_NO_BACKSLASH_ESCAPES);
    const unsigned char *inside = s->cur;
    const unsigned char *p = inside;
    bool plain = true;
    for (; p < s->end; p++) {
        if (*p == quote) {
            if (peek_at(s, p + 1) != quote || p + 1 == s->end) {
                break;
            }
            p++;
            plain = false;
        } else if (*p == '\\' && escapes) {
            p++;
            plain = false;
        }
    }
    if (p >= s->end) {
        s->cur = s->end;
        return finish(s, from, TK_ILLEGAL, out);
    }
    s->cur = p + 1;
    finish(s, from, code, out);
    out->quoted = true;
    out->p = (const char *)inside;
    out->len = (uint32_t)(p - inside);
    if (!plain && s->arena != NULL) {
        decode_quoted(s, inside, p, escapes, out);
    }
    return code;
}

/* ---- Words ---- */

/* DATE, TIME and TIMESTAMP in front of a string make a literal of it. */
static int literal_prefix(const struct scanner *s, int code)
{
    if (code != TK_DATE && code != TK_TIME && code != TK_TIMESTAMP) {
        return code;
    }
    const unsigned char c = peek_past_spaces(s, s->cur);
    if (c != '\'' && !(c == '"' && !(s->options->sql_mode & SQL_MODE_ANSI_QUOTES))) {
        return code;
    }
    return code == TK_DATE ? TK_DATE_PREFIX : code == TK_TIME ? TK_TIME_PREFIX : TK_TIMESTAMP_PREFIX;
}

static bool paren_follows(const struct scanner *s, const struct keyword *kw)
{
    if ((kw->flags & KW_ADJACENT_PAREN) && !(s->options->sql_mode & SQL_MODE_IGNORE_SPACE)) {
        return peek_at(s, s->cur) == '(';
    }
    return peek_past_spaces(s, s->cur) == '(';
}

static int word_code(const struct scanner *s, const struct keyword *kw, bool *out_reserved)
{
    const bool reserved = (kw->flags & (is_mariadb(s) ? KW_MARIADB_RESERVED : KW_MYSQL_RESERVED)) != 0;
    *out_reserved = reserved;
    if (kw->code == 0) {
        return reserved ? TK_RESERVED : TK_IDENT;
    }
    if (!reserved && !(kw->flags & KW_FALLS_BACK)) {
        /* Only the other server reserves it; function names are known to both. */
        return (kw->flags & KW_BEFORE_PAREN) && paren_follows(s, kw) ? kw->code : TK_IDENT;
    }
    if ((kw->flags & (KW_ADJACENT_PAREN | KW_BEFORE_PAREN)) && !paren_follows(s, kw)) {
        return reserved ? TK_RESERVED : TK_IDENT;
    }
    return kw->code;
}

static bool has_high_byte(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.p[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

static int scan_word(struct scanner *s, const unsigned char *from, struct token *out)
{
    const struct str word = str_from((const char *)from, (size_t)(s->cur - from));
    const struct keyword *kw = keyword_find(word);
    bool reserved = false;
    int code = TK_IDENT;
    if (has_high_byte(word) && !str_is_utf8(word)) {
        return finish(s, from, TK_ILLEGAL, out);
    }
    if (kw != NULL && s->last != TK_ATAT) {
        code = literal_prefix(s, word_code(s, kw, &reserved));
        if (code == TK_OFFSET && reserved) {
            code = TK_OFFSET_RESERVED;
        }
        if (code == TK_NOT && (s->options->sql_mode & SQL_MODE_HIGH_NOT_PRECEDENCE)) {
            code = TK_NOT2;
        }
    }
    finish(s, from, code, out);
    out->reserved = reserved;
    return code;
}

static bool is_word_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           c >= 0x80;
}

/* Behind '.' any word is a name, also one that begins with a digit or is reserved. */
static int scan_member(struct scanner *s, struct token *out)
{
    const unsigned char *from = s->cur;
    while (is_word_byte(peek_at(s, s->cur))) {
        s->cur++;
    }
    return finish(s, from, TK_IDENT, out);
}

/* _charset in front of a string, hexadecimal or bit literal. */
static bool is_introducer(const struct scanner *s)
{
    const unsigned char *p = s->cur;
    while (p < s->end && is_space(*p)) {
        p++;
    }
    const unsigned char c = peek_at(s, p);
    const unsigned char next = peek_at(s, p + 1);
    if (c == '\'' || (c == '"' && !(s->options->sql_mode & SQL_MODE_ANSI_QUOTES))) {
        return true;
    }
    const bool prefix = c == 'x' || c == 'X' || c == 'b' || c == 'B';
    return (prefix && next == '\'') || (c == '0' && (next == 'x' || next == 'b') && p > s->cur);
}

/* A number that begins with '.' is a member's name when an identifier stands directly before it. */
static bool dot_is_separator(const struct scanner *s, const unsigned char *from)
{
    return from > s->start && (s->last == TK_IDENT || s->last == TK_RESERVED) &&
           (is_word_byte(from[-1]) || from[-1] == '`' || from[-1] == '"');
}

/* ---- The automaton ---- */

static int scan_name_of_variable(struct scanner *s, const unsigned char *from, struct token *out)
{
    const unsigned char c = peek_at(s, s->cur);
    if (c == '\'' || c == '"' || c == '`') {
        s->cur++;
        return scan_quoted(s, from, TK_USER_VAR, out);
    }
    const unsigned char *name = s->cur;
    while (is_word_byte(peek_at(s, s->cur)) || peek_at(s, s->cur) == '.') {
        s->cur++;
    }
    finish(s, from, TK_USER_VAR, out);
    out->p = (const char *)name;
    out->len = (uint32_t)(s->cur - name);
    return TK_USER_VAR;
}

/*!re2c
    re2c:api = custom;
    re2c:api:style = free-form;
    re2c:yyfill:enable = 0;
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYPEEK = "(p < end ? *p : 0)";
    re2c:define:YYSKIP = "++p;";
    re2c:define:YYBACKUP = "marker = p;";
    re2c:define:YYRESTORE = "p = marker;";

    digit = [0-9];
    word = [0-9A-Za-z_$\x80-\xff];
    exp = [eE] [+-]? digit+;
*/

int scanner_next(struct scanner *s, struct token *out)
{
    const unsigned char *const end = s->end;
    const unsigned char *marker = NULL;
    const unsigned char *from;
    const unsigned char *p;

    if (s->last == TK_DOT && is_word_byte(peek_at(s, s->cur))) {
        return scan_member(s, out);
    }
#define TOKEN(code) (s->cur = p, finish(s, from, (code), out))
again:
    from = p = s->cur;
    (void)marker;
    /*!re2c
    [ \t\r\n\v\f]+      { s->cur = p; goto again; }
    "#"                 { s->cur = skip_line(p, end); goto again; }
    "--"                {
                            if (p < end && !is_space(*p) && *p >= ' ') {
                                p = from + 1;
                                return TOKEN(TK_MINUS_SIGN);
                            }
                            s->cur = p < end ? skip_line(p, end) : end;
                            goto again;
                        }
    "/*"                {
                            s->cur = p;
                            if (skip_comment(s)) {
                                goto again;
                            }
                            s->cur = end;
                            return finish(s, from, TK_ILLEGAL, out);
                        }
    "*" "/"             {
                            if (s->in_version_comment) {
                                s->in_version_comment = false;
                                s->cur = p;
                                goto again;
                            }
                            p = from + 1;
                            return TOKEN(TK_STAR);
                        }
    "\x00"              {
                            if (from >= end) {
                                /* Said once: what comes after is the end. */
                                const int code = s->in_version_comment ? TK_ILLEGAL : 0;
                                s->in_version_comment = false;
                                s->cur = end;
                                return finish(s, end, code, out);
                            }
                            return TOKEN(TK_ILLEGAL);
                        }

    digit+              { return TOKEN(TK_INT_NUM); }
    digit* "." digit+   {
                            if (*from == '.' && dot_is_separator(s, from)) {
                                p = from + 1;
                                return TOKEN(TK_DOT);
                            }
                            return TOKEN(TK_DECIMAL_NUM);
                        }
    digit+ "."          { return TOKEN(TK_DECIMAL_NUM); }
    (digit+ | digit* "." digit+ | digit+ ".") exp {
                            if (*from == '.' && dot_is_separator(s, from)) {
                                p = from + 1;
                                return TOKEN(TK_DOT);
                            }
                            return TOKEN(TK_REAL_NUM);
                        }
    "0x" [0-9a-fA-F]+   { return TOKEN(TK_HEX_NUM); }
    "0b" [01]+          { return TOKEN(TK_BIN_NUM); }
    [xX] "'" [0-9a-fA-F]* "'" { return TOKEN(TK_HEX_NUM); }
    [bB] "'" [01]* "'"  { return TOKEN(TK_BIN_NUM); }
    [xXbB] "'"          { return TOKEN(TK_ILLEGAL); }
    [nN] "'"            { s->cur = p; return scan_quoted(s, from, TK_NCHAR_STRING, out); }

    "_" [A-Za-z0-9]+    {
                            s->cur = p;
                            if (is_introducer(s)) {
                                finish(s, from, TK_INTRODUCER, out);
                                out->p++;
                                out->len--;
                                return TK_INTRODUCER;
                            }
                            return scan_word(s, from, out);
                        }
    word+               { s->cur = p; return scan_word(s, from, out); }

    "'"                 { s->cur = p; return scan_quoted(s, from, TK_STRING, out); }
    "\""                {
                            s->cur = p;
                            const bool ansi = (s->options->sql_mode & SQL_MODE_ANSI_QUOTES) != 0;
                            return scan_quoted(s, from, ansi ? TK_IDENT : TK_STRING, out);
                        }
    "`"                 { s->cur = p; return scan_quoted(s, from, TK_IDENT, out); }
    "@@"                { return TOKEN(TK_ATAT); }
    "@"                 { s->cur = p; return scan_name_of_variable(s, from, out); }

    "("                 { return TOKEN(TK_LP); }
    ")"                 { return TOKEN(TK_RP); }
    "{"                 { return TOKEN(TK_LBRACE); }
    "}"                 { return TOKEN(TK_RBRACE); }
    ","                 { return TOKEN(TK_COMMA); }
    ";"                 { return TOKEN(TK_SEMICOLON); }
    "."                 { return TOKEN(TK_DOT); }
    "?"                 { return TOKEN(TK_PARAM); }
    "+"                 { return TOKEN(TK_PLUS); }
    "-"                 { return TOKEN(TK_MINUS_SIGN); }
    "*"                 { return TOKEN(TK_STAR); }
    "/"                 { return TOKEN(TK_SLASH); }
    "%"                 { return TOKEN(TK_PERCENT); }
    "~"                 { return TOKEN(TK_TILDE); }
    "^"                 { return TOKEN(TK_CARET); }
    "&"                 { return TOKEN(TK_AMPERSAND); }
    "|"                 { return TOKEN(TK_BAR); }
    "&&"                { return TOKEN(TK_AND_AND); }
    "||"                {
                            const bool concat = (s->options->sql_mode & SQL_MODE_PIPES_AS_CONCAT) != 0;
                            return TOKEN(concat ? TK_CONCAT_PIPES : TK_OR);
                        }
    "<<"                { return TOKEN(TK_SHIFT_LEFT); }
    ">>"                { return TOKEN(TK_SHIFT_RIGHT); }
    "="                 { return TOKEN(TK_EQ); }
    "<=>"               { return TOKEN(TK_NULL_SAFE_EQ); }
    "<>" | "!="         { return TOKEN(TK_NE); }
    "<"                 { return TOKEN(TK_LT); }
    "<="                { return TOKEN(TK_LE); }
    ">"                 { return TOKEN(TK_GT); }
    ">="                { return TOKEN(TK_GE); }
    "!"                 { return TOKEN(TK_BANG); }
    ":="                { return TOKEN(TK_ASSIGN); }
    "->" | "->>"        {
                            if (is_mariadb(s)) {
                                p = from + 1;
                                return TOKEN(TK_MINUS_SIGN);
                            }
                            return TOKEN(p - from == 2 ? TK_ARROW : TK_ARROW2);
                        }
    *                   { return TOKEN(TK_ILLEGAL); }
    */
#undef TOKEN
}

/* ---- Statement ends ---- */

/* Behind the quoted text whose opening quote is at p. */
static const unsigned char *skip_quoted(const unsigned char *p, const unsigned char *end, bool escapes)
{
    const unsigned char quote = *p++;
    for (; p < end; p++) {
        if (*p == quote) {
            return p + 1;
        }
        if (*p == '\\' && escapes && quote != '`') {
            p++;
        }
    }
    return end;
}

size_t scanner_find_delimiter(struct str text, const struct parse_options *options)
{
    const unsigned char *const start = (const unsigned char *)text.p;
    const unsigned char *const end = start + text.len;
    const bool escapes = !(options->sql_mode & SQL_MODE_NO_BACKSLASH_ESCAPES);
    if (text.len == 0 || memchr(start, ';', text.len) == NULL) {
        return text.len;
    }
    const unsigned char *p = start;
    while (p < end && *p != ';') {
        const unsigned char next = p + 1 < end ? p[1] : 0;
        if (*p == '\'' || *p == '"' || *p == '`') {
            p = skip_quoted(p, end, escapes);
        } else if (*p == '#' || (*p == '-' && next == '-' && (p + 2 == end || p[2] <= ' '))) {
            p = skip_line(p, end);
        } else if (*p == '/' && next == '*' && (p + 2 == end || (p[2] != '!' && p[2] != 'M'))) {
            const unsigned char *behind = skip_block_comment(p + 2, end, 0);
            p = behind ? behind : end;
        } else {
            p++;
        }
    }
    return (size_t)(MIN(p, end) - start);
}
