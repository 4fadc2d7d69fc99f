/*
 * The grammar of MySQL 8.4/9 with MariaDB's additions, for lemon; the files of this directory are joined in order of their
 * names. Structure and precedence follow the reference manual ("Expressions", "Operator Precedence", "SQL
 * Statements"). Keywords that are not reserved fall back to IDENT (keywords.txt). Actions only build the tree
 * (ast_build.h); what a name means is the resolver's business.
 */
%name sql_grammar
%token_prefix TK_
%token_type {struct token}
%default_type {struct expr *}
%extra_context {struct parse_ctx *ctx}
%stack_size 0
%start_symbol input

%include {
#include "sql/ast_build.h"
#include "sql/stmt_build.h"

#include <stdlib.h>
}

%code {
void grammar_run(struct parse_ctx *ctx)
{
    yyParser parser;
    sql_grammarInit(&parser, ctx);
    for (int code = grammar_next(ctx); code >= 0; code = grammar_next(ctx)) {
        sql_grammar(&parser, code, ctx->at);
        if (code == 0) {
            break;
        }
    }
    sql_grammarFinalize(&parser);
}
}

%syntax_error {
    parse_error_at(ctx, &TOKEN);
}

/* Lowest first. SUBQUERY_AS_EXPR below LP and RP: ((SELECT 1)) is one query in two pairs of parentheses. */
%left SUBQUERY_AS_EXPR.
%left AS COMMA DEFAULT FROM KEY.
%left CONDITIONLESS_JOIN.
%left JOIN INNER CROSS STRAIGHT_JOIN NATURAL LEFT RIGHT ON USING.
%right ASSIGN.
%left OR.
%left XOR.
%left AND AND_AND.
%left BETWEEN CASE WHEN THEN ELSE.
%left EQ NULL_SAFE_EQ GE GT LE LT NE IS LIKE REGEXP IN SOUNDS MEMBER.
%left ESCAPE.
%left BAR.
%left AMPERSAND.
%left SHIFT_LEFT SHIFT_RIGHT.
%left PLUS MINUS_SIGN.
%left STAR SLASH PERCENT DIV MOD.
%left CARET.
%left CONCAT_PIPES.
%left NEG TILDE BANG.
%right NOT NOT2.
%right BINARY COLLATE.
%left INTERVAL.
%left LP RP.
%left UNION EXCEPT.
%left INTERSECT.
%right INTO.

/* Tokens of the scanner that no rule takes. */
%token RESERVED ILLEGAL SEMICOLON.

input ::= statement.
input ::= .                     { stmt_new(ctx, STMT_EMPTY); }

/* ---- Names ---- */

%type ident {struct token}
ident(A) ::= IDENT(B).          { A = B; if (B.reserved) { parse_error_at(ctx, &B); } }

/* A name or a string: aliases, character sets, accounts. */
%type ident_or_text {struct token}
ident_or_text(A) ::= ident(B).  { A = B; }
ident_or_text(A) ::= STRING(B). { A = B; }

%type charset_name {struct token}
charset_name(A) ::= ident_or_text(B). { A = B; }
charset_name(A) ::= BINARY(B).        { A = B; }
charset_name(A) ::= ASCII(B).         { A = B; }

%type ident_list {struct vec}
ident_list(A) ::= ident(B).                     { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct str, token_str(&B)); }
ident_list(A) ::= ident_list(A) COMMA ident(B). { VEC_PUSH(ctx, &A, struct str, token_str(&B)); }

%type opt_ident_list {struct vec}
opt_ident_list(A) ::= .                      { A = (struct vec){0}; }
opt_ident_list(A) ::= LP ident_list(B) RP.   { A = B; }

%type table_path {struct table_name}
table_path(A) ::= ident(B).                  { A = table_name_of(NULL, &B); }
table_path(A) ::= ident(B) DOT ident(C).     { A = table_name_of(&B, &C); }

%type table_list {struct vec}
table_list(A) ::= table_path(B).                     { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct table_name, B); }
table_list(A) ::= table_list(A) COMMA table_path(B). { VEC_PUSH(ctx, &A, struct table_name, B); }

%type if_exists {bool}
if_exists(A) ::= .            { A = false; }
if_exists(A) ::= IF EXISTS.   { A = true; }
%type if_not_exists {bool}
if_not_exists(A) ::= .              { A = false; }
if_not_exists(A) ::= IF NOT EXISTS. { A = true; }

opt_eq ::= .
opt_eq ::= EQ.
opt_comma ::= .
opt_comma ::= COMMA.

%type uint_num {uint64_t}
uint_num(A) ::= INT_NUM(B).  { A = token_u64(ctx, &B); }
uint_num(A) ::= HEX_NUM(B).  { A = token_u64(ctx, &B); }
