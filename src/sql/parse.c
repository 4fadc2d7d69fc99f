/*
 * sql_parse(): copies the statement into the arena, gives the scanner's tokens to the grammar one
 * by one, and words the errors. Between scanner and grammar stand the few decisions that need one
 * more token of look-ahead.
 */
#include "sql_grammar.h"

#include "sql/parse_int.h"

/* ---- Errors ---- */

static unsigned line_of(struct str text, size_t offset)
{
    unsigned line = 1;
    const char *p = text.p;
    const char *const end = text.p + offset;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        line++;
        p++;
    }
    return line;
}

#define SYNTAX_ERROR                                                                                                   \
    "You have an error in your SQL syntax; check the manual that corresponds to your %s server version for the right " \
    "syntax to use"

#define NEAR_MAX 80

/* What is quoted: the text from the token on. MariaDB passes over a comma and marks where it cut.
 */
static const char *text_near(struct parse_ctx *ctx, const struct token *t, bool mariadb)
{
    const uint32_t offset =
        t->offset + (mariadb && t->src_len == 1 && ctx->original.p[t->offset] == ',');
    const struct str rest = str_from(ctx->original.p + offset, ctx->original.len - offset);
    if (mariadb && rest.len > NEAR_MAX) {
        return arena_printf(ctx->arena, "%.*s...", NEAR_MAX - 3, rest.p).p;
    }
    return arena_dup_cstr(ctx->arena, str_from(rest.p, MIN(rest.len, (size_t)NEAR_MAX)));
}

void parse_error_at(struct parse_ctx *ctx, const struct token *t)
{
    if (ctx->failed) {
        return;
    }
    ctx->failed = true;
    const bool mariadb = ctx->options->dialect == DIALECT_MARIADB;
    const struct str message =
        arena_printf(ctx->arena, SYNTAX_ERROR, mariadb ? "MariaDB" : "MySQL");
    (void)diag_set(ctx->diag, ER_PARSE_ERROR, message.p, text_near(ctx, t, mariadb),
                   (int)line_of(ctx->original, t->offset));
}

void parse_unsupported(struct parse_ctx *ctx, const char *what)
{
    if (!ctx->failed) {
        ctx->failed = true;
        (void)diag_set(ctx->diag, ER_NOT_SUPPORTED_YET, what);
    }
}

void parse_undeclared(struct parse_ctx *ctx, const struct token *t)
{
    if (!ctx->failed) {
        ctx->failed = true;
        (void)diag_set(ctx->diag, ER_SP_UNDECLARED_VAR, arena_dup_cstr(ctx->arena, token_str(t)));
    }
}

/* ---- Tokens with look-ahead ---- */

struct token_source {
    struct scanner scanner;
    struct token ahead; /* Read too far. */
    int ahead_code;
    bool has_ahead;
};

static int read_token(struct token_source *s, struct token *out)
{
    if (s->has_ahead) {
        s->has_ahead = false;
        *out = s->ahead;
        return s->ahead_code;
    }
    return scanner_next(&s->scanner, out);
}

static int peek_token(struct token_source *s)
{
    if (!s->has_ahead) {
        s->ahead_code = scanner_next(&s->scanner, &s->ahead);
        s->has_ahead = true;
    }
    return s->ahead_code;
}

static bool ahead_is(const struct token_source *s, const char *word)
{
    return !s->ahead.quoted && str_eq_nocase(token_str(&s->ahead), str_from_cstr(word));
}

/* Makes one token of t and the next one. */
static int merge_ahead(struct token_source *s, struct token *t, int code)
{
    t->src_len = s->ahead.offset + s->ahead.src_len - t->offset;
    s->has_ahead = false;
    return code;
}

/* 'a' 'b' is one string; its range is the first one's, which names the column. */
static void join_strings(struct parse_ctx *ctx, struct token_source *s, struct token *t)
{
    while (peek_token(s) == TK_STRING) {
        const uint32_t len = t->len + s->ahead.len;
        char *joined = arena_alloc(ctx->arena, (size_t)len + 1);
        memcpy(joined, t->p, t->len);
        memcpy(joined + t->len, s->ahead.p, s->ahead.len);
        joined[len] = '\0';
        t->p = joined;
        t->len = len;
        s->has_ahead = false;
    }
}

static int next_token(struct parse_ctx *ctx, struct token_source *s, struct token *out)
{
    const int code = read_token(s, out);
    switch (code) {
    case TK_STRING:
    case TK_NCHAR_STRING:
        join_strings(ctx, s, out);
        return code;
    case TK_WITH:
        return peek_token(s) == TK_ROLLUP ? merge_ahead(s, out, TK_WITH_ROLLUP) : code;
    case TK_NOT:
        return peek_token(s) == TK_ENFORCED && ahead_is(s, "ENFORCED")
                   ? merge_ahead(s, out, TK_NOT_ENFORCED)
                   : code;
    default:
        return code;
    }
}

/* ---- Parsing ---- */

/* Open parentheses at which the parse is given up: MySQL's parser stack ends near there too. */
#define MAX_PAREN_DEPTH 30000

/* The grammar asks for the next token; 0 ends the parse. */
int grammar_next(struct parse_ctx *ctx)
{
    if (ctx->failed) {
        return -1;
    }
    const int code = ctx->takes_all ? 0 : next_token(ctx, ctx->source, &ctx->at);
    if (code == TK_ILLEGAL) {
        parse_error_at(ctx, &ctx->at);
        return -1;
    }
    ctx->depth += code == TK_LP ? 1 : code == TK_RP ? -1 : 0;
    if (ctx->depth > MAX_PAREN_DEPTH) {
        ctx->failed = true;
        (void)diag_set(ctx->diag, ER_STACK_OVERRUN_NEED_MORE, (unsigned long)1048576,
                       (unsigned long)1048576, (unsigned long)20000);
        return -1;
    }
    return code == TK_SEMICOLON ? 0 : code;
}

/* The beginning of text that is white space, which MySQL takes away before it counts lines. */
static size_t leading_space(struct str text)
{
    size_t n = 0;
    while (n < text.len && (text.p[n] == ' ' || (text.p[n] >= '\t' && text.p[n] <= '\r'))) {
        n++;
    }
    return n;
}

int sql_parse(struct str text, const struct parse_options *options, struct arena *arena,
              struct diag *diag, struct stmt **out_stmt, size_t *out_used)
{
    const size_t skipped = leading_space(text);
    const struct str rest = str_from(text.p + skipped, text.len - skipped);
    const size_t end = scanner_find_delimiter(rest, options);
    struct parse_ctx ctx = {
        .arena = arena,
        .diag = diag,
        .options = options,
        .original = rest,
        .stmt = ARENA_NEW(arena, struct stmt),
    };
    ctx.stmt->text = arena_dup(arena, str_from(rest.p, end));
    struct token_source source = {0};
    scanner_init(&source.scanner, ctx.stmt->text, options, arena);
    ctx.source = &source;
    grammar_run(&ctx);
    if (ctx.bare_rows.p != NULL) {
        parse_error_at(&ctx, &ctx.bare_rows);
    }
    if (ctx.failed) {
        return -1;
    }
    if (ctx.takes_all) {
        ctx.stmt->text = arena_dup(arena, rest);
        *out_stmt = ctx.stmt;
        *out_used = text.len;
        return 0;
    }
    ctx.stmt->max_execution_time_ms = source.scanner.max_execution_time_ms;
    *out_used = skipped + end + (end < rest.len ? 1 : 0);
    *out_stmt = ctx.stmt;
    return 0;
}
