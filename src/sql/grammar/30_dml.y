/* ---- Changing rows ---- */

dml ::= insert_verb(B) insert_options(C) opt_into_word table_path(D) opt_partition insert_source(E) insert_tail(F).
                                       { build_insert(ctx, B, C, &D, E, F); }
%type insert_verb {enum stmt_kind}
insert_verb(A) ::= INSERT.             { A = STMT_INSERT; }
insert_verb(A) ::= REPLACE.            { A = STMT_REPLACE; }
/* Whether IGNORE is given. */
%type insert_options {bool}
insert_options(A) ::= .                             { A = false; }
insert_options(A) ::= insert_options(A) LOW_PRIORITY.
insert_options(A) ::= insert_options(A) HIGH_PRIORITY.
insert_options(A) ::= insert_options(A) DELAYED.
insert_options(A) ::= insert_options IGNORE.        { A = true; }
opt_into_word ::= .
opt_into_word ::= INTO.

%type insert_source {struct insert_source}
insert_source(A) ::= select_or_values(B).                          { A = (struct insert_source){.query = B}; }
insert_source(A) ::= LP ident_paths(B) RP select_or_values(C).     { A = (struct insert_source){.has_columns = true, .columns = B, .query = C}; }
insert_source(A) ::= LP RP select_or_values(B).                    { A = (struct insert_source){.has_columns = true, .query = B}; }
insert_source(A) ::= SET assignments(B).                           { A = (struct insert_source){.has_columns = true, .sets = B, .is_set = true}; }
/* Columns may be written with their table; only the last part counts. */
%type ident_paths {struct vec}
ident_paths(A) ::= simple_ident(B).                     { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct str, B->column.name); }
ident_paths(A) ::= ident_paths(A) COMMA simple_ident(B). { VEC_PUSH(ctx, &A, struct str, B->column.name); }
%type select_or_values {struct query *}
select_or_values(A) ::= query_expr(B).                  { A = B; }
select_or_values(A) ::= query_expr(B) locking_list(C).  { A = B; query_lock(A, C); }
select_or_values(A) ::= VALUE(B) value_rows(C).         { A = query_values(ctx, &B, C); }

%type insert_tail {struct insert_tail}
insert_tail(A) ::= row_alias(B) on_duplicate(C) returning. { A = B; A.updates = C; }
%type row_alias {struct insert_tail}
row_alias(A) ::= .                                      { A = (struct insert_tail){0}; }
row_alias(A) ::= AS ident(B) opt_ident_list(C).         { A = (struct insert_tail){.alias = token_str(&B), .alias_columns = C}; }
%type on_duplicate {struct vec}
on_duplicate(A) ::= .                                   { A = (struct vec){0}; }
on_duplicate(A) ::= ON DUPLICATE KEY UPDATE assignments(B). { A = B; }
returning ::= .
returning ::= RETURNING select_items.                   { parse_unsupported(ctx, "RETURNING"); }

%type assignments {struct vec}
assignments(A) ::= assignment(B).                       { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct assignment, B); }
assignments(A) ::= assignments(A) COMMA assignment(B).  { VEC_PUSH(ctx, &A, struct assignment, B); }
%type assignment {struct assignment}
assignment(A) ::= simple_ident(B) equals expr_or_default(C). { A = (struct assignment){.column = B, .value = C}; }
equals ::= EQ.
equals ::= ASSIGN.

dml ::= update_statement.
update_statement ::= UPDATE update_options(A) table_refs(B) SET assignments(C) where(D) opt_order(E) opt_limit(F).
                                       { build_update(ctx, A, B, C, D, (struct order_limit){E, F}); }
update_statement ::= with(W) UPDATE update_options(A) table_refs(B) SET assignments(C) where(D) opt_order(E) opt_limit(F).
                                       { build_update(ctx, A, B, C, D, (struct order_limit){E, F}); ctx->stmt->update.with = W; }
%type update_options {bool}
update_options(A) ::= .                              { A = false; }
update_options(A) ::= update_options(A) LOW_PRIORITY.
update_options(A) ::= update_options(A) QUICK.
update_options(A) ::= update_options IGNORE.         { A = true; }

dml ::= delete_statement.
dml ::= with(W) delete_statement.              { ctx->stmt->del.with = W; }
delete_statement ::= DELETE update_options(A) FROM table_path(B) opt_alias(C) opt_partition where(D) opt_order(E) opt_limit(F) returning.
                                       { build_delete(ctx, A, (struct vec){0}, table_base(ctx, &B, &C), D, (struct order_limit){E, F}); }
delete_statement ::= DELETE update_options(A) delete_targets(B) FROM table_refs(C) where(D).
                                       { build_delete(ctx, A, B, C, D, (struct order_limit){0}); }
delete_statement ::= DELETE update_options(A) FROM delete_targets(B) USING table_refs(C) where(D).
                                       { build_delete(ctx, A, B, C, D, (struct order_limit){0}); }
%type delete_targets {struct vec}
delete_targets(A) ::= delete_target(B).                        { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct table_name, B); }
delete_targets(A) ::= delete_targets(A) COMMA delete_target(B). { VEC_PUSH(ctx, &A, struct table_name, B); }
%type delete_target {struct table_name}
delete_target(A) ::= table_path(B).                            { A = B; }
delete_target(A) ::= ident(B) DOT STAR.                        { A = table_name_of(NULL, &B); }
delete_target(A) ::= ident(B) DOT ident(C) DOT STAR.           { A = table_name_of(&B, &C); }

statement ::= TRUNCATE opt_table_word table_path(A).           { build_admin(ctx, STMT_TRUNCATE, STR("truncate"), vec_of_table(ctx, &A)); }
opt_table_word ::= .
opt_table_word ::= TABLE.

statement ::= DO expr_list(A).         { build_exprs(ctx, STMT_DO, A); }
statement ::= CALL call_name LP opt_expr_list(A) RP. { build_exprs(ctx, STMT_CALL, A); }
statement ::= CALL call_name.          { build_exprs(ctx, STMT_CALL, (struct vec){0}); }
call_name ::= ident.
call_name ::= ident DOT ident.

/* ---- LOAD DATA ---- */

statement ::= LOAD DATA load_priority load_local(B) INFILE STRING(C) load_duplicates(D) INTO TABLE table_path(E) opt_partition
    load_charset(F) load_fields(G) load_lines(H) load_ignore(I) load_targets(J) load_sets(K).
                                       { build_load(ctx, &E, (struct load_parts){.local = B, .file = token_str(&C), .duplicates = D, .charset = F, .fields = G, .lines = H, .ignore_lines = I, .targets = J, .sets = K}); }
load_priority ::= .
load_priority ::= LOW_PRIORITY.
load_priority ::= CONCURRENT.
%type load_local {bool}
load_local(A) ::= .                    { A = false; }
load_local(A) ::= LOCAL.               { A = true; }
%type load_duplicates {enum duplicates}
load_duplicates(A) ::= .               { A = DUPLICATES_ERROR; }
load_duplicates(A) ::= REPLACE.        { A = DUPLICATES_REPLACE; }
load_duplicates(A) ::= IGNORE.         { A = DUPLICATES_IGNORE; }
%type load_charset {struct str}
load_charset(A) ::= .                              { A = STR_NULL; }
load_charset(A) ::= charset_word charset_name(B).  { A = token_str(&B); }
%type load_fields {struct load_fields}
load_fields(A) ::= .                               { A = (struct load_fields){0}; }
load_fields(A) ::= COLUMNS field_terms(B).         { A = B; }
%type field_terms {struct load_fields}
field_terms(A) ::= field_term(B).                  { A = B; }
field_terms(A) ::= field_terms(B) field_term(C).   { A = load_fields_merge(B, C); }
%type field_term {struct load_fields}
field_term(A) ::= TERMINATED BY text_literal(B).          { A = (struct load_fields){.terminated = B}; }
field_term(A) ::= OPTIONALLY ENCLOSED BY text_literal(B). { A = (struct load_fields){.enclosed = B, .optionally = true}; }
field_term(A) ::= ENCLOSED BY text_literal(B).            { A = (struct load_fields){.enclosed = B}; }
field_term(A) ::= ESCAPED BY text_literal(B).             { A = (struct load_fields){.escaped = B}; }
%type load_lines {struct load_lines}
load_lines(A) ::= .                                { A = (struct load_lines){0}; }
load_lines(A) ::= LINES line_terms(B).             { A = B; }
%type line_terms {struct load_lines}
line_terms(A) ::= line_term(B).                    { A = B; }
line_terms(A) ::= line_terms(B) line_term(C).      { A = (struct load_lines){.terminated = C.terminated.p ? C.terminated : B.terminated, .starting = C.starting.p ? C.starting : B.starting}; }
%type line_term {struct load_lines}
line_term(A) ::= TERMINATED BY text_literal(B).    { A = (struct load_lines){.terminated = B}; }
line_term(A) ::= STARTING BY text_literal(B).      { A = (struct load_lines){.starting = B}; }
%type text_literal {struct str}
text_literal(A) ::= STRING(B).                     { A = token_str(&B); }
text_literal(A) ::= HEX_NUM(B).                    { A = expr_hex(ctx, &B)->lit.value.str; }
text_literal(A) ::= BIN_NUM(B).                    { A = expr_bin(ctx, &B)->lit.value.str; }
%type load_ignore {uint64_t}
load_ignore(A) ::= .                               { A = 0; }
load_ignore(A) ::= IGNORE uint_num(B) LINES.       { A = B; }
load_ignore(A) ::= IGNORE uint_num(B) ROWS.        { A = B; }
%type load_targets {struct vec}
load_targets(A) ::= .                              { A = (struct vec){0}; }
load_targets(A) ::= LP RP.                         { A = (struct vec){0}; }
load_targets(A) ::= LP load_target_list(B) RP.     { A = B; }
%type load_target_list {struct vec}
load_target_list(A) ::= load_target(B).            { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct expr *, B); }
load_target_list(A) ::= load_target_list(A) COMMA load_target(B). { VEC_PUSH(ctx, &A, struct expr *, B); }
load_target(A) ::= simple_ident(B).                { A = B; }
load_target(A) ::= USER_VAR(B).                    { A = expr_user_var(ctx, &B, NULL); }
%type load_sets {struct vec}
load_sets(A) ::= .                                 { A = (struct vec){0}; }
load_sets(A) ::= SET assignments(B).               { A = B; }
