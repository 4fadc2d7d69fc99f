/* ---- Expressions: the five levels of MySQL's grammar ---- */

%type expr_list {struct vec}
expr_list(A) ::= expr(B).                    { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct expr *, B); }
expr_list(A) ::= expr_list(A) COMMA expr(B). { VEC_PUSH(ctx, &A, struct expr *, B); }
%type opt_expr_list {struct vec}
opt_expr_list(A) ::= .                       { A = (struct vec){0}; }
opt_expr_list(A) ::= expr_list(B).           { A = B; }

expr_or_default(A) ::= expr(B).              { A = B; }
expr_or_default(A) ::= DEFAULT(B).           { A = expr_default(ctx, src_of(&B)); }

expr(A) ::= expr(B) OR expr(C).              { A = expr_chain(ctx, STR("OR"), B, C); }
expr(A) ::= expr(B) XOR expr(C).             { A = expr_binary(ctx, STR("XOR"), B, C); }
expr(A) ::= expr(B) AND expr(C).             { A = expr_chain(ctx, STR("AND"), B, C); }
expr(A) ::= expr(B) AND_AND expr(C).          { A = expr_chain(ctx, STR("AND"), B, C); }
expr(A) ::= NOT(B) expr(C).                  { A = expr_prefix(ctx, STR("NOT"), &B, C); }
expr(A) ::= bool_pri(B) IS opt_not(C) truth(D). [IS] { A = predicate1(ctx, &D, C, B); }
expr(A) ::= bool_pri(B). [ASSIGN]            { A = B; }

%type opt_not {unsigned}
opt_not(A) ::= .                             { A = 0; }
opt_not(A) ::= NOT.                          { A = EXPR_NOT; }
%type truth {struct token}
truth(A) ::= TRUE(B).                        { A = B; }
truth(A) ::= FALSE(B).                       { A = B; }
truth(A) ::= UNKNOWN(B).                     { A = B; }

bool_pri(A) ::= bool_pri(B) IS opt_not(C) NULL(D). [IS] { A = predicate1(ctx, &D, C, B); }
bool_pri(A) ::= bool_pri(B) comp_op(C) predicate(D). [EQ] { A = expr_binary(ctx, comparison_name(&C), B, D); }
bool_pri(A) ::= bool_pri(B) NULL_SAFE_EQ predicate(C). { A = expr_binary(ctx, STR("<=>"), B, C); }
bool_pri(A) ::= bool_pri(B) comp_op(C) all_or_any(D) query_parens(E). [EQ] { A = expr_quantified(ctx, &C, D, B, E); }
bool_pri(A) ::= predicate(B). [ASSIGN]       { A = B; }

%type comp_op {struct token}
comp_op(A) ::= EQ(B).  { A = B; }
comp_op(A) ::= NE(B).  { A = B; }
comp_op(A) ::= LT(B).  { A = B; }
comp_op(A) ::= LE(B).  { A = B; }
comp_op(A) ::= GT(B).  { A = B; }
comp_op(A) ::= GE(B).  { A = B; }
%type all_or_any {unsigned}
all_or_any(A) ::= ALL. { A = EXPR_ALL; }
all_or_any(A) ::= ANY. { A = 0; }

predicate(A) ::= bit_expr(B) IN query_parens(C).     { A = expr_in_query(ctx, 0, B, C); }
predicate(A) ::= bit_expr(B) NOT IN query_parens(C). [IN] { A = expr_in_query(ctx, EXPR_NOT, B, C); }
predicate(A) ::= bit_expr(B) IN LP expr_list(C) RP(D).     { A = expr_in_list(ctx, 0, B, C, &D); }
predicate(A) ::= bit_expr(B) NOT IN LP expr_list(C) RP(D). [IN] { A = expr_in_list(ctx, EXPR_NOT, B, C, &D); }
predicate(A) ::= bit_expr(B) MEMBER opt_of LP simple_expr(C) RP(D). [MEMBER] { A = predicate2(ctx, STR("MEMBER OF"), 0, B, C, src_of(&D)); }
predicate(A) ::= bit_expr(B) BETWEEN bit_expr(C) AND predicate(D). [BETWEEN] { A = predicate3(ctx, STR("BETWEEN"), 0, B, C, D); }
predicate(A) ::= bit_expr(B) NOT BETWEEN bit_expr(C) AND predicate(D). [BETWEEN] { A = predicate3(ctx, STR("BETWEEN"), EXPR_NOT, B, C, D); }
predicate(A) ::= bit_expr(B) SOUNDS LIKE bit_expr(C). [LIKE] { A = predicate2(ctx, STR("SOUNDS LIKE"), 0, B, C, C->src); }
predicate(A) ::= bit_expr(B) LIKE simple_expr(C). [LIKE] { A = predicate3(ctx, STR("LIKE"), 0, B, C, NULL); }
predicate(A) ::= bit_expr(B) LIKE simple_expr(C) ESCAPE simple_expr(D). [LIKE] { A = predicate3(ctx, STR("LIKE"), 0, B, C, D); }
predicate(A) ::= bit_expr(B) NOT LIKE simple_expr(C). [LIKE] { A = predicate3(ctx, STR("LIKE"), EXPR_NOT, B, C, NULL); }
predicate(A) ::= bit_expr(B) NOT LIKE simple_expr(C) ESCAPE simple_expr(D). [LIKE] { A = predicate3(ctx, STR("LIKE"), EXPR_NOT, B, C, D); }
predicate(A) ::= bit_expr(B) REGEXP bit_expr(C).     { A = predicate2(ctx, STR("REGEXP"), 0, B, C, C->src); }
predicate(A) ::= bit_expr(B) NOT REGEXP bit_expr(C). [REGEXP] { A = predicate2(ctx, STR("REGEXP"), EXPR_NOT, B, C, C->src); }
predicate(A) ::= bit_expr(B). [ASSIGN]               { A = B; }

opt_of ::= .
opt_of ::= OF.

bit_expr(A) ::= bit_expr(B) BAR bit_expr(C).         { A = expr_binary(ctx, STR("|"), B, C); }
bit_expr(A) ::= bit_expr(B) AMPERSAND bit_expr(C).   { A = expr_binary(ctx, STR("&"), B, C); }
bit_expr(A) ::= bit_expr(B) SHIFT_LEFT bit_expr(C).  { A = expr_binary(ctx, STR("<<"), B, C); }
bit_expr(A) ::= bit_expr(B) SHIFT_RIGHT bit_expr(C). { A = expr_binary(ctx, STR(">>"), B, C); }
bit_expr(A) ::= bit_expr(B) PLUS bit_expr(C).        { A = expr_binary(ctx, STR("+"), B, C); }
bit_expr(A) ::= bit_expr(B) MINUS_SIGN bit_expr(C).       { A = expr_binary(ctx, STR("-"), B, C); }
bit_expr(A) ::= bit_expr(B) PLUS interval(C). [PLUS]  { A = expr_date_arith(ctx, true, B, C); }
bit_expr(A) ::= bit_expr(B) MINUS_SIGN interval(C). [PLUS] { A = expr_date_arith(ctx, false, B, C); }
bit_expr(A) ::= bit_expr(B) STAR bit_expr(C).        { A = expr_binary(ctx, STR("*"), B, C); }
bit_expr(A) ::= bit_expr(B) SLASH bit_expr(C).       { A = expr_binary(ctx, STR("/"), B, C); }
bit_expr(A) ::= bit_expr(B) PERCENT bit_expr(C).     { A = expr_binary(ctx, STR("MOD"), B, C); }
bit_expr(A) ::= bit_expr(B) DIV bit_expr(C).         { A = expr_binary(ctx, STR("DIV"), B, C); }
bit_expr(A) ::= bit_expr(B) MOD bit_expr(C).         { A = expr_binary(ctx, STR("MOD"), B, C); }
bit_expr(A) ::= bit_expr(B) CARET bit_expr(C).       { A = expr_binary(ctx, STR("^"), B, C); }
bit_expr(A) ::= simple_expr(B). [ASSIGN]             { A = B; }

interval(A) ::= INTERVAL(B) expr(C) unit(D). [PLUS]  { A = expr_interval(ctx, src_join(src_of(&B), src_of(&D.token)), C, D.unit); }

simple_expr(A) ::= interval(B) PLUS expr(C). [ASSIGN]  { A = expr_date_arith(ctx, true, C, B); }

simple_expr(A) ::= simple_ident(B). [SUBQUERY_AS_EXPR]                 { A = B; }
simple_expr(A) ::= literal(B).                       { A = B; }
simple_expr(A) ::= PARAM(B).                         { A = expr_param(ctx, &B); }
simple_expr(A) ::= variable(B).                      { A = B; }
simple_expr(A) ::= function(B).                      { A = B; }
simple_expr(A) ::= simple_expr(B) COLLATE charset_name(C). { A = expr_collate(ctx, B, &C); }
simple_expr(A) ::= simple_expr(B) CONCAT_PIPES simple_expr(C). { A = expr_chain(ctx, STR("CONCAT"), B, C); }
simple_expr(A) ::= PLUS(B) simple_expr(C). [NEG]     { A = C; A->src = src_join(src_of(&B), C->src); }
simple_expr(A) ::= MINUS_SIGN(B) simple_expr(C). [NEG]    { A = expr_prefix(ctx, STR("NEG"), &B, C); }
simple_expr(A) ::= TILDE(B) simple_expr(C). [NEG]    { A = expr_prefix(ctx, STR("~"), &B, C); }
simple_expr(A) ::= BANG(B) simple_expr(C). [NEG]     { A = expr_prefix(ctx, STR("!"), &B, C); }
simple_expr(A) ::= NOT2(B) simple_expr(C). [NEG]     { A = expr_prefix(ctx, STR("NOT"), &B, C); }
simple_expr(A) ::= BINARY(B) simple_expr(C). [NEG]   { A = expr_prefix(ctx, STR("BINARY"), &B, C); }
simple_expr(A) ::= query_parens(B). [SUBQUERY_AS_EXPR] { A = expr_subquery(ctx, EXPR_SUBQUERY, B->src, B); }
simple_expr(A) ::= LP(B) expr(C) RP(D).              { A = expr_paren(&B, C, &D); }
simple_expr(A) ::= LP(B) expr(C) COMMA expr_list(D) RP(E). { A = expr_row(ctx, &B, C, D, &E); }
simple_expr(A) ::= ROW(B) LP expr(C) COMMA expr_list(D) RP(E). { A = expr_row(ctx, &B, C, D, &E); }
simple_expr(A) ::= ROW(B).                           { A = expr_column(ctx, src_of(&B), STR_NULL, STR_NULL, token_str(&B)); }
simple_expr(A) ::= EXISTS(B) query_parens(C).        { A = expr_subquery(ctx, EXPR_EXISTS, src_join(src_of(&B), C->src), C); }
simple_expr(A) ::= LBRACE(B) ident(C) expr(D) RBRACE(E). { A = expr_odbc(ctx, &B, &C, D, &E); }
simple_expr(A) ::= simple_ident(B) ARROW STRING(C).  { A = expr_json_arrow(ctx, B, &C, false); }
simple_expr(A) ::= simple_ident(B) ARROW2 STRING(C). { A = expr_json_arrow(ctx, B, &C, true); }
simple_expr(A) ::= CASE(B) opt_expr(C) when_list(D) case_else(E) END(F). { A = expr_case(ctx, src_join(src_of(&B), src_of(&F)), C, D, E); }

opt_expr(A) ::= .                                    { A = NULL; }
opt_expr(A) ::= expr(B).                             { A = B; }
case_else(A) ::= .                                   { A = NULL; }
case_else(A) ::= ELSE expr(B).                       { A = B; }
%type when_list {struct vec}
when_list(A) ::= WHEN expr(B) THEN expr(C).          { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct expr *, B); VEC_PUSH(ctx, &A, struct expr *, C); }
when_list(A) ::= when_list(A) WHEN expr(B) THEN expr(C). { VEC_PUSH(ctx, &A, struct expr *, B); VEC_PUSH(ctx, &A, struct expr *, C); }

simple_ident(A) ::= ident(B).                        { A = expr_column(ctx, src_of(&B), STR_NULL, STR_NULL, token_str(&B)); }
simple_ident(A) ::= ident(B) DOT ident(C).           { A = expr_column(ctx, src_join(src_of(&B), src_of(&C)), STR_NULL, token_str(&B), token_str(&C)); }
simple_ident(A) ::= ident(B) DOT ident(C) DOT ident(D). { A = expr_column(ctx, src_join(src_of(&B), src_of(&D)), token_str(&B), token_str(&C), token_str(&D)); }

/* ---- Literals and variables ---- */

literal(A) ::= STRING(B).                            { A = expr_string(ctx, &B); }
literal(A) ::= NCHAR_STRING(B).                      { A = expr_national(ctx, &B); }
literal(A) ::= INTRODUCER(B) STRING(C).              { A = expr_introduced(ctx, &B, expr_string(ctx, &C)); }
literal(A) ::= INTRODUCER(B) HEX_NUM(C).             { A = expr_introduced(ctx, &B, expr_hex(ctx, &C)); }
literal(A) ::= INTRODUCER(B) BIN_NUM(C).             { A = expr_introduced(ctx, &B, expr_bin(ctx, &C)); }
literal(A) ::= number(B).                            { A = B; }
literal(A) ::= HEX_NUM(B).                           { A = expr_hex(ctx, &B); }
literal(A) ::= BIN_NUM(B).                           { A = expr_bin(ctx, &B); }
literal(A) ::= NULL(B).                              { A = expr_literal(ctx, LIT_NULL, src_of(&B), value_null()); }
literal(A) ::= TRUE(B).                              { A = expr_literal(ctx, LIT_BOOL, src_of(&B), value_int(1)); }
literal(A) ::= FALSE(B).                             { A = expr_literal(ctx, LIT_BOOL, src_of(&B), value_int(0)); }
literal(A) ::= DATE_PREFIX(B) STRING(C).             { A = expr_temporal(ctx, LIT_DATE, &B, &C); }
literal(A) ::= TIME_PREFIX(B) STRING(C).             { A = expr_temporal(ctx, LIT_TIME, &B, &C); }
literal(A) ::= TIMESTAMP_PREFIX(B) STRING(C).        { A = expr_temporal(ctx, LIT_TIMESTAMP, &B, &C); }
number(A) ::= INT_NUM(B).                            { A = expr_number(ctx, &B, LIT_INT); }
number(A) ::= DECIMAL_NUM(B).                        { A = expr_number(ctx, &B, LIT_DECIMAL); }
number(A) ::= REAL_NUM(B).                           { A = expr_number(ctx, &B, LIT_REAL); }

variable(A) ::= USER_VAR(B).                         { A = expr_user_var(ctx, &B, NULL); }
variable(A) ::= USER_VAR(B) ASSIGN expr(C). [ASSIGN] { A = expr_user_var(ctx, &B, C); }
variable(A) ::= ATAT(B) ident(C).                    { A = expr_system_var(ctx, src_join(src_of(&B), src_of(&C)), token_str(&C), STR_NULL, STR_NULL); }
variable(A) ::= ATAT(B) ident(C) DOT ident(D).       { A = expr_system_var(ctx, src_join(src_of(&B), src_of(&D)), token_str(&C), token_str(&D), STR_NULL); }
variable(A) ::= ATAT(B) ident(C) DOT ident(D) DOT ident(E). { A = expr_system_var(ctx, src_join(src_of(&B), src_of(&E)), token_str(&C), token_str(&D), token_str(&E)); }

/* ---- Functions ---- */

function(A) ::= ident(B) LP opt_expr_list(C) RP(D).  { A = expr_call(ctx, token_str(&B), src_join(src_of(&B), src_of(&D)), C); }
function(A) ::= ident(B) DOT ident(C) LP opt_expr_list(D) RP(E). { A = expr_stored_call(ctx, &B, &C, D, &E); }
/* Reserved words that are functions with plain arguments. */
function(A) ::= plain_function(B) LP expr_list(C) RP(D). { A = expr_call(ctx, token_str(&B), src_join(src_of(&B), src_of(&D)), C); }
%type plain_function {struct token}
plain_function(A) ::= GROUPING(B). { A = B; }
function(A) ::= DATABASE(B) LP RP(C).                { A = expr_call3(ctx, token_str(&B), src_join(src_of(&B), src_of(&C)), NULL, NULL, NULL); }
function(A) ::= function2(B) LP expr(C) COMMA expr(D) RP(E). { A = expr_call3(ctx, token_str(&B), src_join(src_of(&B), src_of(&E)), C, D, NULL); }
%type function2 {struct token}
function2(A) ::= LEFT(B).          { A = B; }
function2(A) ::= RIGHT(B).         { A = B; }
function2(A) ::= REPEAT(B).        { A = B; }
function2(A) ::= MOD(B).           { A = B; }
function(A) ::= function3(B) LP expr(C) COMMA expr(D) COMMA expr(E) RP(F). { A = expr_call3(ctx, token_str(&B), src_join(src_of(&B), src_of(&F)), C, D, E); }
%type function3 {struct token}
function3(A) ::= IF(B).            { A = B; }
function3(A) ::= REPLACE(B).       { A = B; }
function(A) ::= INSERT(B) LP expr(C) COMMA expr(D) COMMA expr(E) COMMA expr(F) RP(G). { A = expr_call3(ctx, token_str(&B), src_join(src_of(&B), src_of(&G)), C, D, E); expr_add_arg(ctx, A, F); }
function(A) ::= INTERVAL(B) LP expr(C) COMMA expr_list(D) RP(E). { A = expr_interval_function(ctx, &B, C, D, &E); }
function(A) ::= CHAR(B) LP expr_list(C) RP(D).       { A = expr_call(ctx, STR("CHAR"), src_join(src_of(&B), src_of(&D)), C); }
function(A) ::= CHAR(B) LP expr_list(C) USING charset_name(D) RP(E). { VEC_PUSH(ctx, &C, struct expr *, expr_text(ctx, token_str(&D), src_of(&D))); A = expr_call(ctx, STR("CHAR_USING"), src_join(src_of(&B), src_of(&E)), C); }

function(A) ::= now(B).                              { A = B; }
function(A) ::= CURRENT_DATE(B) opt_parens(C).       { A = expr_call3(ctx, STR("CURDATE"), src_extend(&B, C), NULL, NULL, NULL); }
function(A) ::= CURRENT_TIME(B) opt_fsp(C).          { A = expr_call3(ctx, STR("CURTIME"), src_extend(&B, C.src), C.expr, NULL, NULL); }
function(A) ::= UTC_DATE(B) opt_parens(C).           { A = expr_call3(ctx, STR("UTC_DATE"), src_extend(&B, C), NULL, NULL, NULL); }
function(A) ::= UTC_TIME(B) opt_fsp(C).              { A = expr_call3(ctx, STR("UTC_TIME"), src_extend(&B, C.src), C.expr, NULL, NULL); }
function(A) ::= UTC_TIMESTAMP(B) opt_fsp(C).         { A = expr_call3(ctx, STR("UTC_TIMESTAMP"), src_extend(&B, C.src), C.expr, NULL, NULL); }
function(A) ::= CURRENT_USER(B) opt_parens(C).       { A = expr_call3(ctx, STR("CURRENT_USER"), src_extend(&B, C), NULL, NULL, NULL); }
function(A) ::= CURRENT_ROLE(B) opt_parens(C).       { A = expr_call3(ctx, STR("CURRENT_ROLE"), src_extend(&B, C), NULL, NULL, NULL); }

now(A) ::= NOW(B) LP RP(C).                          { A = expr_call3(ctx, STR("NOW"), src_join(src_of(&B), src_of(&C)), NULL, NULL, NULL); }
now(A) ::= NOW(B) LP INT_NUM(C) RP(D).               { A = expr_call3(ctx, STR("NOW"), src_join(src_of(&B), src_of(&D)), expr_number(ctx, &C, LIT_INT), NULL, NULL); }
now(A) ::= CURRENT_TIMESTAMP(B) opt_fsp(C).          { A = expr_call3(ctx, STR("NOW"), src_extend(&B, C.src), C.expr, NULL, NULL); }
%type opt_parens {struct src_range}
opt_parens(A) ::= .                                  { A = (struct src_range){0}; }
opt_parens(A) ::= LP RP(B).                          { A = src_of(&B); }
%type opt_fsp {struct ranged_expr}
opt_fsp(A) ::= .                                     { A = (struct ranged_expr){0}; }
opt_fsp(A) ::= LP RP(B).                             { A = (struct ranged_expr){.src = src_of(&B)}; }
opt_fsp(A) ::= LP INT_NUM(B) RP(C).                  { A = (struct ranged_expr){.src = src_of(&C), .expr = expr_number(ctx, &B, LIT_INT)}; }

function(A) ::= CAST(B) LP expr(C) AS cast_type(D) opt_array(E) RP(F). { D->is_array = E; A = expr_cast(ctx, src_join(src_of(&B), src_of(&F)), C, D); }
function(A) ::= CONVERT(B) LP expr(C) COMMA cast_type(D) RP(E). { A = expr_cast(ctx, src_join(src_of(&B), src_of(&E)), C, D); }
function(A) ::= CONVERT(B) LP expr(C) USING charset_name(D) RP(E). { A = expr_call3(ctx, STR("CONVERT_USING"), src_join(src_of(&B), src_of(&E)), C, expr_text(ctx, token_str(&D), src_of(&D)), NULL); }
%type opt_array {bool}
opt_array(A) ::= .      { A = false; }
opt_array(A) ::= ARRAY. { A = true; }

function(A) ::= DEFAULT(B) LP simple_ident(C) RP(D). { A = C; A->kind = EXPR_DEFAULT; A->src = src_join(src_of(&B), src_of(&D)); }
function(A) ::= VALUES(B) LP simple_ident(C) RP(D).  { A = C; A->kind = EXPR_VALUES; A->src = src_join(src_of(&B), src_of(&D)); }
function(A) ::= DATE_ADD(B) LP expr(C) COMMA interval(D) RP(E). { A = expr_date_function(ctx, &B, C, D, &E); }
function(A) ::= ADDDATE(B) LP expr(C) COMMA interval(D) RP(E). { A = expr_date_function(ctx, &B, C, D, &E); }
function(A) ::= ADDDATE(B) LP expr(C) COMMA expr(D) RP(E). { A = expr_date_function(ctx, &B, C, expr_interval(ctx, D->src, D, UNIT_DAY), &E); }
function(A) ::= EXTRACT(B) LP unit(C) FROM expr(D) RP(E). { A = expr_call3(ctx, STR("EXTRACT"), src_join(src_of(&B), src_of(&E)), expr_unit(ctx, &C.token, C.unit), D, NULL); }
function(A) ::= TIMESTAMPDIFF(B) LP unit(C) COMMA expr(D) COMMA expr(E) RP(F). { A = expr_call3(ctx, token_upper(ctx, &B), src_join(src_of(&B), src_of(&F)), expr_unit(ctx, &C.token, C.unit), D, E); }
function(A) ::= GET_FORMAT(B) LP format_type(C) COMMA expr(D) RP(E). { A = expr_call3(ctx, STR("GET_FORMAT"), src_join(src_of(&B), src_of(&E)), expr_text(ctx, token_upper(ctx, &C), src_of(&C)), D, NULL); }
%type format_type {struct token}
format_type(A) ::= DATE(B).       { A = B; }
format_type(A) ::= TIME(B).       { A = B; }
format_type(A) ::= DATETIME(B).   { A = B; }
format_type(A) ::= TIMESTAMP(B).  { A = B; }
function(A) ::= POSITION(B) LP bit_expr(C) IN expr(D) RP(E). { A = expr_call3(ctx, STR("LOCATE"), src_join(src_of(&B), src_of(&E)), C, D, NULL); }
function(A) ::= SUBSTRING(B) LP expr(C) COMMA expr(D) RP(E). { A = expr_call3(ctx, STR("SUBSTRING"), src_join(src_of(&B), src_of(&E)), C, D, NULL); }
function(A) ::= SUBSTRING(B) LP expr(C) COMMA expr(D) COMMA expr(E) RP(F). { A = expr_call3(ctx, STR("SUBSTRING"), src_join(src_of(&B), src_of(&F)), C, D, E); }
function(A) ::= SUBSTRING(B) LP expr(C) FROM expr(D) RP(E). { A = expr_call3(ctx, STR("SUBSTRING"), src_join(src_of(&B), src_of(&E)), C, D, NULL); }
function(A) ::= SUBSTRING(B) LP expr(C) FROM expr(D) FOR expr(E) RP(F). { A = expr_call3(ctx, STR("SUBSTRING"), src_join(src_of(&B), src_of(&F)), C, D, E); }
function(A) ::= TRIM(B) LP expr(C) RP(D).            { A = expr_call3(ctx, STR("TRIM"), src_join(src_of(&B), src_of(&D)), C, NULL, NULL); }
function(A) ::= TRIM(B) LP expr(C) FROM expr(D) RP(E). { A = expr_call3(ctx, STR("TRIM"), src_join(src_of(&B), src_of(&E)), D, C, NULL); }
function(A) ::= TRIM(B) LP trim_side(C) opt_expr(D) FROM expr(E) RP(F). { A = expr_call3(ctx, C, src_join(src_of(&B), src_of(&F)), E, D, NULL); }
%type trim_side {struct str}
trim_side(A) ::= BOTH.     { A = STR("TRIM"); }
trim_side(A) ::= LEADING.  { A = STR("LTRIM"); }
trim_side(A) ::= TRAILING. { A = STR("RTRIM"); }
function(A) ::= WEIGHT_STRING(B) LP expr(C) RP(D).   { A = expr_call3(ctx, STR("WEIGHT_STRING"), src_join(src_of(&B), src_of(&D)), C, NULL, NULL); }
function(A) ::= WEIGHT_STRING(B) LP expr(C) AS CHAR LP INT_NUM(D) RP RP(E). { A = expr_call3(ctx, STR("WEIGHT_STRING"), src_join(src_of(&B), src_of(&E)), C, expr_number(ctx, &D, LIT_INT), NULL); }
function(A) ::= WEIGHT_STRING(B) LP expr(C) AS BINARY LP INT_NUM(D) RP RP(E). { A = expr_call3(ctx, STR("WEIGHT_STRING_BINARY"), src_join(src_of(&B), src_of(&E)), C, expr_number(ctx, &D, LIT_INT), NULL); }
function(A) ::= MATCH(B) match_columns(C) AGAINST LP bit_expr(D) match_mode(E) RP(F). { VEC_PUSH(ctx, &C, struct expr *, D); A = expr_call(ctx, E, src_join(src_of(&B), src_of(&F)), C); }
%type match_columns {struct vec}
match_columns(A) ::= LP match_list(B) RP. { A = B; }
match_columns(A) ::= match_list(B).       { A = B; }
%type match_list {struct vec}
match_list(A) ::= simple_ident(B).                     { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct expr *, B); }
match_list(A) ::= match_list(A) COMMA simple_ident(B). { VEC_PUSH(ctx, &A, struct expr *, B); }
%type match_mode {struct str}
match_mode(A) ::= .                                          { A = STR("MATCH"); }
match_mode(A) ::= IN NATURAL LANGUAGE MODE.                  { A = STR("MATCH"); }
match_mode(A) ::= IN NATURAL LANGUAGE MODE WITH QUERY EXPANSION. { A = STR("MATCH_EXPANSION"); }
match_mode(A) ::= WITH QUERY EXPANSION.                      { A = STR("MATCH_EXPANSION"); }
match_mode(A) ::= IN BOOLEAN MODE.                           { A = STR("MATCH_BOOLEAN"); }
function(A) ::= JSON_VALUE(B) LP expr(C) COMMA expr(D) json_returning(E) json_on_list RP(F). { A = expr_json_value(ctx, src_join(src_of(&B), src_of(&F)), C, D, E); }
%type json_returning {struct cast_target *}
json_returning(A) ::= .                       { A = NULL; }
json_returning(A) ::= ident(B) cast_type(C).  { A = C; expect_word(ctx, &B, "RETURNING"); }
json_on_list ::= .
json_on_list ::= json_on_list json_on_value ON json_on_when.
json_on_value ::= NULL.
json_on_value ::= ERROR.
json_on_value ::= DEFAULT expr.
json_on_when ::= EMPTY.
json_on_when ::= ERROR.

/* ---- Aggregates and windows ---- */

function(A) ::= AGGREGATE_FUNC(B) LP opt_distinct(C) expr_list(D) RP(E) opt_over(F). { A = expr_aggregate(ctx, &B, C, D, &E, F); }
function(A) ::= AGGREGATE_FUNC(B) LP opt_all STAR(C) RP(D) opt_over(E). { A = expr_count_star(ctx, &B, &C, &D, E); }
function(A) ::= GROUP_CONCAT(B) LP opt_distinct(C) expr_list(D) opt_order(E) opt_separator(F) opt_limit(G) RP(H) opt_over(I). { A = expr_group_concat(ctx, &B, (struct group_concat_parts){.distinct = C, .args = D, .order = E, .separator = F, .limit = G}, &H, I); }
function(A) ::= WINDOW_FUNC(B) LP opt_expr_list(C) RP(D) opt_nulls(E) over(F). { A = expr_window(ctx, &B, C, &D, E, F); }
function(A) ::= NTH_VALUE(B) LP expr_list(C) RP(D) opt_from_last(E) opt_nulls(F) over(G). { A = expr_window(ctx, &B, C, &D, E | F, G); }
%type opt_distinct {unsigned}
opt_distinct(A) ::= .         { A = 0; }
opt_distinct(A) ::= DISTINCT. { A = EXPR_DISTINCT; }
opt_distinct(A) ::= ALL.      { A = 0; }
opt_all ::= .
opt_all ::= ALL.
%type opt_separator {struct str}
opt_separator(A) ::= .                    { A = STR_NULL; }
opt_separator(A) ::= SEPARATOR STRING(B). { A = token_str(&B); }
%type opt_from_last {unsigned}
opt_from_last(A) ::= .            { A = 0; }
opt_from_last(A) ::= FROM FIRST. { A = 0; }
opt_from_last(A) ::= FROM LAST.  { A = WINDOW_FROM_LAST; }
%type opt_nulls {unsigned}
opt_nulls(A) ::= .              { A = 0; }
opt_nulls(A) ::= RESPECT NULLS. { A = 0; }
opt_nulls(A) ::= IGNORE NULLS.  { A = WINDOW_IGNORE_NULLS; }

%type opt_over {struct over}
opt_over(A) ::= .                        { A = (struct over){0}; }
opt_over(A) ::= over(B).                 { A = B; }
%type over {struct over}
over(A) ::= OVER ident(B).           { A = (struct over){.src = src_of(&B), .window = window_named(ctx, &B)}; }
over(A) ::= OVER LP window_spec(B) RP(C). { A = (struct over){.src = src_of(&C), .window = B}; }
%type window_spec {struct window *}
window_spec(A) ::= opt_window_base(B) opt_partition_by(C) opt_order(D) opt_frame(E). { A = window_new(ctx, B, C, D, &E); }
%type opt_window_base {struct str}
opt_window_base(A) ::= .          { A = STR_NULL; }
opt_window_base(A) ::= ident(B).  { A = token_str(&B); }
%type opt_partition_by {struct vec}
opt_partition_by(A) ::= .                            { A = (struct vec){0}; }
opt_partition_by(A) ::= PARTITION BY expr_list(B).   { A = B; }
%type opt_frame {struct frame}
opt_frame(A) ::= .                                   { A = (struct frame){0}; }
opt_frame(A) ::= frame_unit(B) frame_bound(C) frame_exclude. { A = (struct frame){.given = true, .is_rows = B, .start = C, .end = {.kind = FRAME_CURRENT_ROW}}; }
opt_frame(A) ::= frame_unit(B) BETWEEN frame_bound(C) AND frame_bound(D) frame_exclude. { A = (struct frame){.given = true, .is_rows = B, .start = C, .end = D}; }
%type frame_unit {bool}
frame_unit(A) ::= ROWS.   { A = true; }
frame_unit(A) ::= RANGE.  { A = false; }
frame_unit(A) ::= GROUPS. { A = false; parse_unsupported(ctx, "GROUPS"); }
%type frame_bound {struct frame_bound}
frame_bound(A) ::= UNBOUNDED PRECEDING. { A = (struct frame_bound){.kind = FRAME_UNBOUNDED_PRECEDING}; }
frame_bound(A) ::= UNBOUNDED FOLLOWING. { A = (struct frame_bound){.kind = FRAME_UNBOUNDED_FOLLOWING}; }
frame_bound(A) ::= CURRENT ROW.    { A = (struct frame_bound){.kind = FRAME_CURRENT_ROW}; }
frame_bound(A) ::= frame_offset(B) PRECEDING. { A = (struct frame_bound){.kind = FRAME_PRECEDING, .offset = B}; }
frame_bound(A) ::= frame_offset(B) FOLLOWING. { A = (struct frame_bound){.kind = FRAME_FOLLOWING, .offset = B}; }
frame_offset(A) ::= number(B).   { A = B; }
frame_offset(A) ::= PARAM(B).    { A = expr_param(ctx, &B); }
frame_offset(A) ::= interval(B). { A = B; }
frame_exclude ::= .
frame_exclude ::= EXCLUDE CURRENT ROW. { parse_unsupported(ctx, "EXCLUDE"); }
frame_exclude ::= EXCLUDE GROUP.            { parse_unsupported(ctx, "EXCLUDE"); }
frame_exclude ::= EXCLUDE TIES.             { parse_unsupported(ctx, "EXCLUDE"); }
frame_exclude ::= EXCLUDE NO OTHERS.        { parse_unsupported(ctx, "EXCLUDE"); }

/* ---- Units ---- */

%type unit {struct unit}
unit(A) ::= MICROSECOND(B).        { A = (struct unit){B, UNIT_MICROSECOND}; }
unit(A) ::= SECOND(B).             { A = (struct unit){B, UNIT_SECOND}; }
unit(A) ::= MINUTE(B).             { A = (struct unit){B, UNIT_MINUTE}; }
unit(A) ::= HOUR(B).               { A = (struct unit){B, UNIT_HOUR}; }
unit(A) ::= DAY(B).                { A = (struct unit){B, UNIT_DAY}; }
unit(A) ::= WEEK(B).               { A = (struct unit){B, UNIT_WEEK}; }
unit(A) ::= MONTH(B).              { A = (struct unit){B, UNIT_MONTH}; }
unit(A) ::= QUARTER(B).            { A = (struct unit){B, UNIT_QUARTER}; }
unit(A) ::= YEAR(B).               { A = (struct unit){B, UNIT_YEAR}; }
unit(A) ::= SECOND_MICROSECOND(B). { A = (struct unit){B, UNIT_SECOND_MICROSECOND}; }
unit(A) ::= MINUTE_MICROSECOND(B). { A = (struct unit){B, UNIT_MINUTE_MICROSECOND}; }
unit(A) ::= MINUTE_SECOND(B).      { A = (struct unit){B, UNIT_MINUTE_SECOND}; }
unit(A) ::= HOUR_MICROSECOND(B).   { A = (struct unit){B, UNIT_HOUR_MICROSECOND}; }
unit(A) ::= HOUR_SECOND(B).        { A = (struct unit){B, UNIT_HOUR_SECOND}; }
unit(A) ::= HOUR_MINUTE(B).        { A = (struct unit){B, UNIT_HOUR_MINUTE}; }
unit(A) ::= DAY_MICROSECOND(B).    { A = (struct unit){B, UNIT_DAY_MICROSECOND}; }
unit(A) ::= DAY_SECOND(B).         { A = (struct unit){B, UNIT_DAY_SECOND}; }
unit(A) ::= DAY_MINUTE(B).         { A = (struct unit){B, UNIT_DAY_MINUTE}; }
unit(A) ::= DAY_HOUR(B).           { A = (struct unit){B, UNIT_DAY_HOUR}; }
unit(A) ::= YEAR_MONTH(B).         { A = (struct unit){B, UNIT_YEAR_MONTH}; }
