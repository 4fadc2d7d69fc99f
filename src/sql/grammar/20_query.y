/* ---- Queries ---- */

statement ::= dml.

dml ::= select_statement(A).       { stmt_new(ctx, STMT_SELECT)->query = A; }

%type select_statement {struct query *}
select_statement(A) ::= query_expr(B).                     { A = B; }
select_statement(A) ::= query_expr(B) locking_list(C).     { A = B; query_lock(A, C); }
select_statement(A) ::= query_expr(B) into(C).             { A = B; query_into(A, C); }
select_statement(A) ::= query_expr(B) into(C) locking_list(D). { A = B; query_into(A, C); query_lock(A, D); }
select_statement(A) ::= query_expr(B) locking_list(C) into(D). { A = B; query_into(A, D); query_lock(A, C); }

%type query_expr {struct query *}
query_expr(A) ::= query_body(B) opt_order(C) opt_limit(D). { A = query_with_order(ctx, B, C, D); }
query_expr(A) ::= with(B) query_body(C) opt_order(D) opt_limit(E). { A = query_with(ctx, B, query_with_order(ctx, C, D, E)); }

%type query_body {struct query *}
query_body(A) ::= query_primary(B).                        { A = B; }
query_body(A) ::= query_parens(B). [SUBQUERY_AS_EXPR]      { A = B; }
query_body(A) ::= query_body(B) UNION set_all(C) query_body(D). [UNION] { A = query_set(ctx, SET_UNION, C, B, D); }
query_body(A) ::= query_body(B) EXCEPT set_all(C) query_body(D). [EXCEPT] { A = query_set(ctx, SET_EXCEPT, C, B, D); }
query_body(A) ::= query_body(B) INTERSECT set_all(C) query_body(D). [INTERSECT] { A = query_set(ctx, SET_INTERSECT, C, B, D); }
%type set_all {bool}
set_all(A) ::= .         { A = false; }
set_all(A) ::= DISTINCT. { A = false; }
set_all(A) ::= ALL.      { A = true; }

%type query_parens {struct query *}
query_parens(A) ::= LP(B) query_parens(C) RP(D).           { A = query_paren(&B, C, &D); }
query_parens(A) ::= LP(B) query_expr(C) RP(D).             { A = query_paren(&B, C, &D); }
query_parens(A) ::= LP(B) query_expr(C) locking_list(D) RP(E). { query_lock(C, D); A = query_paren(&B, C, &E); }

%type query_primary {struct query *}
query_primary(A) ::= query_spec(B).                        { A = B; }
query_primary(A) ::= VALUES(B) value_rows(C).              { A = query_values(ctx, &B, C); }
query_primary(A) ::= TABLE(B) table_path(C).               { A = query_table(ctx, &B, &C); }

%type query_spec {struct query *}
query_spec(A) ::= SELECT(B) select_options(C) select_items(D) opt_into(E) select_tail(F).
                                                           { A = query_select(ctx, &B, C, D, F); query_into(A, E); }
%type select_tail {struct select_block *}
select_tail(A) ::= from(B) where(C) group_by(D) having(E) windows(F). { A = select_tail(ctx, B, C, D, E, F); }

%type select_options {unsigned}
select_options(A) ::= .                                    { A = 0; }
select_options(A) ::= select_options(B) select_option(C).  { A = B | C; }
%type select_option {unsigned}
select_option(A) ::= ALL.                 { A = 0; }
select_option(A) ::= DISTINCT.            { A = SELECT_DISTINCT; }
select_option(A) ::= STRAIGHT_JOIN.       { A = SELECT_STRAIGHT_JOIN; }
select_option(A) ::= HIGH_PRIORITY.       { A = SELECT_HIGH_PRIORITY; }
select_option(A) ::= SQL_SMALL_RESULT.    { A = 0; }
select_option(A) ::= SQL_BIG_RESULT.      { A = 0; }
select_option(A) ::= SQL_BUFFER_RESULT.   { A = 0; }
select_option(A) ::= SQL_CACHE.           { A = 0; }
select_option(A) ::= SQL_NO_CACHE.        { A = SELECT_SQL_NO_CACHE; }
select_option(A) ::= SQL_CALC_FOUND_ROWS. { A = SELECT_CALC_FOUND_ROWS; }

%type select_items {struct vec}
select_items(A) ::= select_item(B).                        { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct select_item, B); }
select_items(A) ::= STAR(B).                               { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct select_item, select_star(ctx, &B)); }
select_items(A) ::= select_items(A) COMMA select_item(B).  { VEC_PUSH(ctx, &A, struct select_item, B); }
%type select_item {struct select_item}
select_item(A) ::= expr(B). [SUBQUERY_AS_EXPR]                             { A = (struct select_item){.expr = B}; }
select_item(A) ::= expr(B) AS ident_or_text(C).            { A = (struct select_item){.expr = B, .alias = token_str(&C)}; }
select_item(A) ::= expr(B) ident_or_text(C).               { A = (struct select_item){.expr = B, .alias = token_str(&C)}; }
select_item(A) ::= ident(B) DOT STAR(C).                   { A = (struct select_item){.expr = expr_star(ctx, src_join(src_of(&B), src_of(&C)), STR_NULL, token_str(&B))}; }
select_item(A) ::= ident(B) DOT ident(C) DOT STAR(D).      { A = (struct select_item){.expr = expr_star(ctx, src_join(src_of(&B), src_of(&D)), token_str(&B), token_str(&C))}; }

%type from {struct table_ref *}
from(A) ::= .                                              { A = NULL; }
from(A) ::= FROM DUAL.                                     { A = NULL; }
from(A) ::= FROM table_refs(B).                            { A = B; }
where(A) ::= .                                             { A = NULL; }
where(A) ::= WHERE expr(B).                                { A = B; }
%type group_by {struct group_by}
group_by(A) ::= .                                          { A = (struct group_by){0}; }
group_by(A) ::= GROUP BY order_items(B).                   { A = (struct group_by){.items = B}; }
group_by(A) ::= GROUP BY order_items(B) WITH_ROLLUP.       { A = (struct group_by){.items = B, .rollup = true}; }
group_by(A) ::= GROUP BY ROLLUP LP order_items(B) RP.      { A = (struct group_by){.items = B, .rollup = true}; }
having(A) ::= .                                            { A = NULL; }
having(A) ::= HAVING expr(B).                              { A = B; }
%type windows {struct vec}
windows(A) ::= .                                           { A = (struct vec){0}; }
windows(A) ::= WINDOW window_defs(B).                      { A = B; }
%type window_defs {struct vec}
window_defs(A) ::= ident(B) AS LP window_spec(C) RP.       { A = (struct vec){0}; C->name = token_str(&B); VEC_PUSH(ctx, &A, struct window, *C); }
window_defs(A) ::= window_defs(A) COMMA ident(B) AS LP window_spec(C) RP. { C->name = token_str(&B); VEC_PUSH(ctx, &A, struct window, *C); }

%type opt_order {struct vec}
opt_order(A) ::= .                                         { A = (struct vec){0}; }
opt_order(A) ::= ORDER BY order_items(B).                  { A = B; }
%type order_items {struct vec}
order_items(A) ::= order_item(B).                          { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct order_item, B); }
order_items(A) ::= order_items(A) COMMA order_item(B).     { VEC_PUSH(ctx, &A, struct order_item, B); }
%type order_item {struct order_item}
order_item(A) ::= expr(B).                                 { A = (struct order_item){.expr = B, .select_item = -1}; }
order_item(A) ::= expr(B) ASC.                             { A = (struct order_item){.expr = B, .explicit_dir = true, .select_item = -1}; }
order_item(A) ::= expr(B) DESC.                            { A = (struct order_item){.expr = B, .desc = true, .explicit_dir = true, .select_item = -1}; }

%type opt_limit {struct limit}
opt_limit(A) ::= .                                         { A = (struct limit){0}; }
opt_limit(A) ::= limit(B).                                 { A = B; }
%type limit {struct limit}
limit(A) ::= LIMIT limit_number(B).                        { A = (struct limit){.count = B}; }
limit(A) ::= LIMIT limit_number(B) COMMA limit_number(C).  { A = (struct limit){.count = C, .offset = B}; }
limit(A) ::= LIMIT limit_number(B) offset_word limit_number(C). { A = (struct limit){.count = B, .offset = C}; }
limit(A) ::= OFFSET_RESERVED limit_number(B) rows_word fetch_first. { A = (struct limit){.count = expr_literal(ctx, LIT_INT, B->src, value_int(1)), .offset = B}; }
limit(A) ::= OFFSET_RESERVED limit_number(B) rows_word fetch_first limit_number(C) rows_only. { A = (struct limit){.count = C, .offset = B}; }
limit(A) ::= fetch_first limit_number(C) rows_only.        { A = (struct limit){.count = C}; }
offset_word ::= OFFSET.
offset_word ::= OFFSET_RESERVED.
fetch_first ::= FETCH FIRST.
fetch_first ::= FETCH NEXT.
rows_word ::= ROW.
rows_word ::= ROWS.
rows_only ::= rows_word ONLY.
limit_number(A) ::= INT_NUM(B).                            { A = expr_number(ctx, &B, LIT_INT); }
limit_number(A) ::= HEX_NUM(B).                            { A = expr_literal(ctx, LIT_INT, src_of(&B), value_uint(token_u64(ctx, &B))); }
limit_number(A) ::= PARAM(B).                              { A = expr_param(ctx, &B); }
limit_number(A) ::= ident(B).                              { A = expr_default(ctx, src_of(&B)); parse_undeclared(ctx, &B); }

%type locking_list {struct locking_clause}
locking_list(A) ::= locking(B).                            { A = B; }
locking_list(A) ::= locking_list(B) locking(C).            { A = B.strength > C.strength ? B : C; }
%type locking {struct locking_clause}
locking(A) ::= FOR UPDATE lock_tables(B) lock_wait(C).     { (void)B; A = C; A.strength = LOCKING_UPDATE; }
locking(A) ::= FOR SHARE lock_tables(B) lock_wait(C).      { (void)B; A = C; A.strength = LOCKING_SHARE; }
locking(A) ::= LOCK IN SHARE MODE lock_wait(C).            { A = C; A.strength = LOCKING_SHARE; }
%type lock_tables {struct vec}
lock_tables(A) ::= .                                       { A = (struct vec){0}; }
lock_tables(A) ::= OF table_list(B).                       { A = B; }
%type lock_wait {struct locking_clause}
lock_wait(A) ::= .                                         { A = (struct locking_clause){0}; }
lock_wait(A) ::= NOWAIT.                                   { A = (struct locking_clause){.nowait = true}; }
lock_wait(A) ::= SKIP LOCKED.                              { A = (struct locking_clause){.skip = true}; }
lock_wait(A) ::= WAIT INT_NUM.                             { A = (struct locking_clause){0}; }

%type opt_into {struct into *}
opt_into(A) ::= . [SUBQUERY_AS_EXPR]                       { A = NULL; }
opt_into(A) ::= into(B).                                   { A = B; }
%type into {struct into *}
into(A) ::= INTO into_vars(B).                             { A = into_vars(ctx, B); }
into(A) ::= INTO OUTFILE STRING(B) load_charset export_options. { A = into_file(ctx, &B); }
into(A) ::= INTO DUMPFILE STRING(B).                       { A = into_file(ctx, &B); }
%type into_vars {struct vec}
into_vars(A) ::= into_var(B).                              { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct str, token_str(&B)); }
into_vars(A) ::= into_vars(A) COMMA into_var(B).           { VEC_PUSH(ctx, &A, struct str, token_str(&B)); }
%type into_var {struct token}
into_var(A) ::= USER_VAR(B).                               { A = B; }
into_var(A) ::= ident(B).                                  { A = B; parse_undeclared(ctx, &B); }
export_options ::= load_fields(A) load_lines(B).           { (void)A; (void)B; }

%type with {struct with_clause *}
with(A) ::= WITH cte_list(B).                              { A = with_new(ctx, B, false); }
with(A) ::= WITH RECURSIVE cte_list(B).                    { A = with_new(ctx, B, true); }
%type cte_list {struct vec}
cte_list(A) ::= cte(B).                                    { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct cte, *B); }
cte_list(A) ::= cte_list(A) COMMA cte(B).                  { VEC_PUSH(ctx, &A, struct cte, *B); }
%type cte {struct cte *}
cte(A) ::= ident(B) opt_ident_list(C) AS query_parens(D).  { A = cte_new(ctx, &B, C, D); }

%type value_rows {struct vec}
value_rows(A) ::= value_row(B).                            { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct expr *, B); }
value_rows(A) ::= value_rows(A) COMMA value_row(B).        { VEC_PUSH(ctx, &A, struct expr *, B); }
value_row(A) ::= LP(B) values(C) RP(D).                    { A = expr_with_list(ctx, EXPR_ROW, src_join(src_of(&B), src_of(&D)), C); }
value_row(A) ::= ROW(B) LP values(C) RP(D).                { A = expr_with_list(ctx, EXPR_ROW, src_join(src_of(&B), src_of(&D)), C); }
%type values {struct vec}
values(A) ::= .                                            { A = (struct vec){0}; }
values(A) ::= value_list(B).                               { A = B; }
%type value_list {struct vec}
value_list(A) ::= expr_or_default(B).                      { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct expr *, B); }
value_list(A) ::= value_list(A) COMMA expr_or_default(B).  { VEC_PUSH(ctx, &A, struct expr *, B); }

/* ---- Tables ---- */

%type table_refs {struct table_ref *}
table_refs(A) ::= table_ref(B).                            { A = B; }
table_refs(A) ::= table_refs(B) COMMA table_ref(C).        { A = table_join_comma(ctx, B, C); }

%type table_ref {struct table_ref *}
table_ref(A) ::= table_factor(B).                          { A = B; }
table_ref(A) ::= table_ref(B) inner_join(C) table_ref(D). [CONDITIONLESS_JOIN] { A = table_join(ctx, C, B, D, NULL); }
table_ref(A) ::= table_ref(B) inner_join(C) table_ref(D) ON expr(E). [ON] { A = table_join(ctx, C, B, D, E); }
table_ref(A) ::= table_ref(B) inner_join(C) table_ref(D) USING LP ident_list(E) RP(F). [USING] { A = table_join_using(ctx, C, B, D, E, &F); }
table_ref(A) ::= table_ref(B) outer_join(C) table_ref(D) ON expr(E). [ON] { A = table_join(ctx, C, B, D, E); }
table_ref(A) ::= table_ref(B) outer_join(C) table_ref(D) USING LP ident_list(E) RP(F). [USING] { A = table_join_using(ctx, C, B, D, E, &F); }
table_ref(A) ::= table_ref(B) natural_join(C) table_factor(D). [NATURAL] { A = table_join_natural(ctx, C, B, D); }
%type inner_join {enum join_kind}
inner_join(A) ::= JOIN.                { A = JOIN_INNER; }
inner_join(A) ::= INNER JOIN.          { A = JOIN_INNER; }
inner_join(A) ::= CROSS JOIN.          { A = JOIN_INNER; }
inner_join(A) ::= STRAIGHT_JOIN.       { A = JOIN_STRAIGHT; }
%type outer_join {enum join_kind}
outer_join(A) ::= LEFT opt_outer JOIN.  { A = JOIN_LEFT; }
outer_join(A) ::= RIGHT opt_outer JOIN. { A = JOIN_RIGHT; }
%type natural_join {enum join_kind}
natural_join(A) ::= NATURAL JOIN.                 { A = JOIN_INNER; }
natural_join(A) ::= NATURAL INNER JOIN.           { A = JOIN_INNER; }
natural_join(A) ::= NATURAL LEFT opt_outer JOIN.  { A = JOIN_LEFT; }
natural_join(A) ::= NATURAL RIGHT opt_outer JOIN. { A = JOIN_RIGHT; }
opt_outer ::= .
opt_outer ::= OUTER.

%type table_factor {struct table_ref *}
table_factor(A) ::= table_path(B) opt_partition opt_alias(C) index_hints. { A = table_base(ctx, &B, &C); }
table_factor(A) ::= query_parens(B) opt_alias(C) opt_ident_list(D). { A = table_derived(ctx, B, &C, D); }
table_factor(A) ::= LATERAL(B) query_parens(C) opt_alias(D) opt_ident_list(E). { A = table_derived(ctx, C, &D, E); A->lateral = true; A->src = src_join(src_of(&B), A->src); }
table_factor(A) ::= LP(B) table_refs(C) RP(D).             { A = C; A->parenthesised = true; A->src = src_join(src_of(&B), src_of(&D)); }
table_factor(A) ::= LBRACE ident(B) table_ref(C) RBRACE.   { A = C; A->parenthesised = true; expect_word(ctx, &B, "OJ"); }
table_factor(A) ::= JSON_TABLE(B) LP expr(C) COMMA literal(D) json_columns RP(E) opt_alias(F). { (void)D; A = table_json(ctx, src_join(src_of(&B), src_of(&E)), C, &F); }

%type opt_alias {struct token}
opt_alias(A) ::= . [SUBQUERY_AS_EXPR]                      { A = (struct token){0}; }
opt_alias(A) ::= AS ident(B).                              { A = B; }
opt_alias(A) ::= ident(B).                                 { A = B; }

opt_partition ::= .
opt_partition ::= PARTITION LP ident_list RP.              { parse_unsupported(ctx, "PARTITION"); }

index_hints ::= .
index_hints ::= index_hints index_hint_verb index_or_key index_hint_for LP opt_index_names RP.
index_hint_verb ::= USE.
index_hint_verb ::= FORCE.
index_hint_verb ::= IGNORE.
index_or_key ::= INDEX.
index_or_key ::= KEY.
index_hint_for ::= .
index_hint_for ::= FOR JOIN.
index_hint_for ::= FOR ORDER BY.
index_hint_for ::= FOR GROUP BY.
opt_index_names ::= .
opt_index_names ::= index_names.
index_names ::= index_name.
index_names ::= index_names COMMA index_name.
index_name ::= ident.
index_name ::= PRIMARY.

json_columns ::= COLUMNS LP json_column_list RP.
json_column_list ::= json_column.
json_column_list ::= json_column_list COMMA json_column.
json_column ::= ident FOR ORDINALITY.
json_column ::= ident cast_or_column_type PATH STRING json_on_list.
json_column ::= ident cast_or_column_type EXISTS PATH STRING.
json_column ::= NESTED PATH STRING json_columns.
json_column ::= NESTED STRING json_columns.
cast_or_column_type ::= column_type opt_collate_only.
opt_collate_only ::= .
opt_collate_only ::= COLLATE charset_name.
