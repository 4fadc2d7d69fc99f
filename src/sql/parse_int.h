/*
 * What the parts of the parser share: tokens, the scanner, and the state that the grammar's actions
 * build on. Not for other modules.
 */
#ifndef SQL_PARSE_INT_H
#define SQL_PARSE_INT_H

#include "sql/parse.h"

/* One token. Plain data: the parser's stack holds copies. */
struct token {
    const char
        *p; /* Its text: of identifiers and strings without quotes and escapes, else as written. */
    uint32_t len;
    uint32_t offset; /* Where it stands in the statement, quotes included. */
    uint32_t src_len;
    bool reserved; /* A keyword that the dialect reserves, though the grammar lets it fall back to
                      IDENT. */
    bool quoted;   /* An identifier in quotes. */
};

static inline struct str token_str(const struct token *t)
{
    return str_from(t->p, t->len);
}

enum keyword_flags {
    KW_MYSQL = 1u << 0, /* A keyword there, reserved or not. */
    KW_MYSQL_RESERVED = 1u << 1,
    KW_MARIADB = 1u << 2,
    KW_MARIADB_RESERVED = 1u << 3,
    KW_ADJACENT_PAREN = 1u << 4, /* See keywords.txt. */
    KW_BEFORE_PAREN = 1u << 5,
    KW_FALLS_BACK = 1u << 6,
};

struct keyword {
    const char *word; /* Upper case. */
    uint8_t len;
    uint16_t code; /* Token, or 0. */
    uint8_t flags; /* enum keyword_flags */
};

/* The keyword that word is in either dialect, or NULL. */
NODISCARD const struct keyword *keyword_find(struct str word);

/*
 * The scanner, over bytes that need no terminator. Knows just enough of what came before (`last`)
 * to read words behind
 * '.' and '@@' and numbers that begin with '.'.
 */
struct scanner {
    const unsigned char *start;
    const unsigned char *cur;
    const unsigned char *end;
    const struct parse_options *options;
    struct arena *arena; /* For texts with escapes; NULL: they are left as written. */
    int last;            /* Code of the token before, or 0. */
    bool in_version_comment;
    uint32_t max_execution_time_ms; /* From a hint, or 0. */
};

void scanner_init(struct scanner *s, struct str text, const struct parse_options *options,
                  struct arena *arena);

/* The next token's code (sql_grammar.h); 0 at the end of the text, TK_SEMICOLON at a delimiter,
 * TK_ILLEGAL for what is no token. */
int scanner_next(struct scanner *s, struct token *out);

/* Where the first statement in text ends: the offset of its ';', or of the end. Knows quotes and
 * comments. */
NODISCARD size_t scanner_find_delimiter(struct str text, const struct parse_options *options);

struct token_source;

/* State of one parse, for the grammar's actions. */
struct parse_ctx {
    struct arena *arena;
    struct diag *diag;
    const struct parse_options *options;
    struct str
        original; /* The caller's text from where the statement's begins: messages quote it. */
    struct stmt *stmt;
    struct token_source *source;
    struct token at; /* The token being given to the parser. */
    int depth;       /* Open parentheses. */
    struct token
        bare_rows;  /* VALUES (1), (2), which in MySQL only INSERT may have; p NULL = none seen. */
    bool takes_all; /* The statement goes on to the end of the text, past any ';'. */
    bool failed;    /* diag has the error; the parse ends at the next token. */
};

/* Runs the grammar over the tokens that grammar_next() gives. */
void grammar_run(struct parse_ctx *ctx);

/* Puts the next token into ctx->at; returns its code, 0 at the end, -1 when the parse has failed.
 */
NODISCARD int grammar_next(struct parse_ctx *ctx);

/* A syntax error at the token; what is quoted begins there. */
void parse_error_at(struct parse_ctx *ctx, const struct token *t);

/* 1327: a name where only a variable of a stored program can stand. */
void parse_undeclared(struct parse_ctx *ctx, const struct token *t);

/* 1235: the grammar knows the construct, the server does not carry it out. */
void parse_unsupported(struct parse_ctx *ctx, const char *what);

#endif
