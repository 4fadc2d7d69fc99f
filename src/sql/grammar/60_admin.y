/* ---- Sessions ---- */

statement ::= USE ident(A).            { build_database(ctx, STMT_USE, (struct database_stmt){.name = token_str(&A)}); }

statement ::= SET set_start.
/* The first item decides whether a scope word in front holds for what follows. */
set_start ::= set_items(A).            { build_set(ctx, A); }
%type set_items {struct vec}
set_items(A) ::= set_item(B).                     { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct set_item, *B); }
set_items(A) ::= set_items(A) COMMA set_item(B).  { VEC_PUSH(ctx, &A, struct set_item, *B); }
%type set_item {struct set_item *}
set_item(A) ::= USER_VAR(B) equals expr(C).                    { A = set_item_new(ctx, SCOPE_USER, token_str(&B), C); }
set_item(A) ::= set_name(B) equals set_value(C).               { A = set_item_new(ctx, SCOPE_DEFAULT, B.name, C); A->component = B.component; }
set_item(A) ::= set_scope(B) set_name(C) equals set_value(D).  { A = set_item_new(ctx, B, C.name, D); A->component = C.component; }
set_item(A) ::= ATAT ident(B) equals set_value(C).             { A = set_item_at(ctx, expr_system_var(ctx, src_of(&B), token_str(&B), STR_NULL, STR_NULL), C); }
set_item(A) ::= ATAT ident(B) DOT ident(C) equals set_value(D). { A = set_item_at(ctx, expr_system_var(ctx, src_of(&B), token_str(&B), token_str(&C), STR_NULL), D); }
set_item(A) ::= ATAT ident(B) DOT ident(C) DOT ident(D) equals set_value(E). { A = set_item_at(ctx, expr_system_var(ctx, src_of(&B), token_str(&B), token_str(&C), token_str(&D)), E); }
set_item(A) ::= NAMES charset_value(B) names_collation(C).     { A = set_item_new(ctx, SCOPE_SESSION, STR("names"), B); A->is_names = true; A->collation = C; }
set_item(A) ::= charset_word charset_value(B).                 { A = set_item_new(ctx, SCOPE_SESSION, STR("character set"), B); A->is_charset = true; }
%type set_name {struct set_name}
set_name(A) ::= ident(B).              { A = (struct set_name){.name = token_str(&B)}; }
set_name(A) ::= ident(B) DOT ident(C). { A = (struct set_name){.component = token_str(&B), .name = token_str(&C)}; }
set_name(A) ::= DEFAULT DOT ident(C).  { A = (struct set_name){.component = STR("default"), .name = token_str(&C)}; }
%type set_scope {enum var_scope}
set_scope(A) ::= GLOBAL.       { A = SCOPE_GLOBAL; }
set_scope(A) ::= SESSION.      { A = SCOPE_SESSION; }
set_scope(A) ::= LOCAL.        { A = SCOPE_SESSION; }
set_scope(A) ::= PERSIST.      { A = SCOPE_PERSIST; }
set_scope(A) ::= PERSIST_ONLY. { A = SCOPE_PERSIST_ONLY; }
set_value(A) ::= expr(B).      { A = set_word(ctx, B); }
set_value(A) ::= DEFAULT(B).   { A = expr_default(ctx, src_of(&B)); }
set_value(A) ::= ON(B).        { A = expr_text(ctx, token_str(&B), src_of(&B)); }
set_value(A) ::= ALL(B).       { A = expr_text(ctx, token_str(&B), src_of(&B)); }
set_value(A) ::= BINARY(B).    { A = expr_text(ctx, token_str(&B), src_of(&B)); }
set_value(A) ::= ROW(B).       { A = expr_text(ctx, token_str(&B), src_of(&B)); }
set_value(A) ::= SYSTEM(B).    { A = expr_text(ctx, token_str(&B), src_of(&B)); }
charset_value(A) ::= charset_name(B). { A = expr_text(ctx, token_str(&B), src_of(&B)); }
charset_value(A) ::= DEFAULT(B).      { A = expr_default(ctx, src_of(&B)); }
%type names_collation {struct str}
names_collation(A) ::= .                        { A = STR_NULL; }
names_collation(A) ::= COLLATE charset_name(B). { A = token_str(&B); }
names_collation(A) ::= COLLATE DEFAULT.         { A = STR_NULL; }

/* ---- SHOW ---- */

statement ::= SHOW show(A).            { build_show(ctx, A); }
%type show {struct show_stmt *}
show(A) ::= DATABASES show_filter(B).                         { A = show_new(ctx, SHOW_DATABASES, &B); }
show(A) ::= show_full(B) TABLES show_db(C) show_filter(D).    { A = show_new(ctx, SHOW_TABLES, &D); A->full = B & SHOW_IS_FULL; A->extended = B & SHOW_IS_EXTENDED; A->db = C; }
show(A) ::= TABLE STATUS show_db(B) show_filter(C).           { A = show_new(ctx, SHOW_TABLE_STATUS, &C); A->db = B; }
show(A) ::= OPEN TABLES show_db(B) show_filter(C).            { A = show_new(ctx, SHOW_OPEN_TABLES, &C); A->db = B; }
show(A) ::= show_full(B) COLUMNS from_or_in table_path(C) show_db(D) show_filter(E). { A = show_columns(ctx, B, &C, D, &E); }
show(A) ::= opt_extended show_index_word from_or_in table_path(B) show_db(C) where(D). { A = show_new(ctx, SHOW_INDEX, NULL); A->table = B; A->table.db = C.p ? C : B.db; A->where = D; }
show(A) ::= CREATE TABLE table_path(B).                       { A = show_new(ctx, SHOW_CREATE_TABLE, NULL); A->table = B; }
show(A) ::= CREATE VIEW table_path(B).                        { A = show_new(ctx, SHOW_CREATE_VIEW, NULL); A->table = B; }
show(A) ::= CREATE DATABASE if_not_exists ident(B).           { A = show_new(ctx, SHOW_CREATE_DATABASE, NULL); A->db = token_str(&B); }
show(A) ::= CREATE USER account(B).                           { A = show_new(ctx, SHOW_CREATE_USER, NULL); A->account = account_copy(ctx, &B); }
show(A) ::= opt_var_scope(B) VARIABLES show_filter(C).        { A = show_new(ctx, SHOW_VARIABLES, &C); A->scope = B; }
show(A) ::= opt_var_scope(B) STATUS show_filter(C).           { A = show_new(ctx, SHOW_STATUS, &C); A->scope = B; }
show(A) ::= WARNINGS opt_limit(B).                            { A = show_new(ctx, SHOW_WARNINGS, NULL); A->limit = B; }
show(A) ::= ERRORS opt_limit(B).                              { A = show_new(ctx, SHOW_ERRORS, NULL); A->limit = B; }
show(A) ::= AGGREGATE(B) LP STAR RP WARNINGS.                 { expect_word(ctx, &B, "COUNT"); A = show_new(ctx, SHOW_COUNT_WARNINGS, NULL); }
show(A) ::= AGGREGATE(B) LP STAR RP ERRORS.                   { expect_word(ctx, &B, "COUNT"); A = show_new(ctx, SHOW_COUNT_ERRORS, NULL); }
show(A) ::= show_full(B) PROCESSLIST.                         { A = show_new(ctx, SHOW_PROCESSLIST, NULL); A->full = B & SHOW_IS_FULL; }
show(A) ::= GRANTS.                                           { A = show_new(ctx, SHOW_GRANTS, NULL); }
show(A) ::= GRANTS FOR account(B) using_roles.                { A = show_new(ctx, SHOW_GRANTS, NULL); A->account = account_copy(ctx, &B); }
show(A) ::= opt_storage ENGINES.                              { A = show_new(ctx, SHOW_ENGINES, NULL); }
show(A) ::= ENGINE ident_or_text show_engine_what.            { A = show_new(ctx, SHOW_ENGINE_STATUS, NULL); }
show(A) ::= ENGINE ALL show_engine_what.                      { A = show_new(ctx, SHOW_ENGINE_STATUS, NULL); }
show(A) ::= charset_word show_filter(B).                      { A = show_new(ctx, SHOW_CHARSET, &B); }
show(A) ::= COLLATION show_filter(B).                         { A = show_new(ctx, SHOW_COLLATION, &B); }
show(A) ::= PRIVILEGES.                                       { A = show_new(ctx, SHOW_PRIVILEGES, NULL); }
show(A) ::= PLUGINS show_filter(B).                           { A = show_new(ctx, SHOW_PLUGINS, &B); }
show(A) ::= show_full(B) TRIGGERS show_db(C) show_filter(D).  { (void)B; A = show_new(ctx, SHOW_TRIGGERS, &D); A->db = C; }
show(A) ::= EVENTS show_db(B) show_filter(C).                 { A = show_new(ctx, SHOW_EVENTS, &C); A->db = B; }
show(A) ::= PROCEDURE STATUS show_filter(B).                  { A = show_new(ctx, SHOW_PROCEDURE_STATUS, &B); }
show(A) ::= FUNCTION STATUS show_filter(B).                   { A = show_new(ctx, SHOW_FUNCTION_STATUS, &B); }
show(A) ::= binary_or_master LOGS.                            { A = show_new(ctx, SHOW_BINARY_LOGS, NULL); }
show(A) ::= MASTER STATUS.                                    { A = show_new(ctx, SHOW_MASTER_STATUS, NULL); }
show(A) ::= BINARY LOG STATUS.                                { A = show_new(ctx, SHOW_MASTER_STATUS, NULL); }
show(A) ::= BINLOG STATUS.                                    { A = show_new(ctx, SHOW_MASTER_STATUS, NULL); }
show(A) ::= opt_all_word REPLICA STATUS show_channel.         { A = show_new(ctx, SHOW_REPLICA_STATUS, NULL); }
show(A) ::= PROFILES.                                         { A = show_new(ctx, SHOW_PROFILES, NULL); }
binary_or_master ::= BINARY.
binary_or_master ::= MASTER.
opt_all_word ::= .
opt_all_word ::= ALL.
show_channel ::= .
show_channel ::= FOR CHANNEL STRING.
show_engine_what ::= STATUS.
show_engine_what ::= MUTEX.
show_engine_what ::= LOGS.
opt_storage ::= .
opt_storage ::= STORAGE.
opt_extended ::= .
opt_extended ::= EXTENDED.
show_index_word ::= INDEX.
show_index_word ::= INDEXES.
show_index_word ::= KEYS.
from_or_in ::= FROM.
from_or_in ::= IN.
%type show_full {unsigned}
show_full(A) ::= .               { A = 0; }
show_full(A) ::= FULL.           { A = SHOW_IS_FULL; }
show_full(A) ::= EXTENDED.       { A = SHOW_IS_EXTENDED; }
show_full(A) ::= EXTENDED FULL.  { A = SHOW_IS_FULL | SHOW_IS_EXTENDED; }
%type show_db {struct str}
show_db(A) ::= .                    { A = STR_NULL; }
show_db(A) ::= from_or_in ident(B). { A = token_str(&B); }
%type show_filter {struct show_filter}
show_filter(A) ::= .                  { A = (struct show_filter){0}; }
show_filter(A) ::= LIKE STRING(B).    { A = (struct show_filter){.like = token_str(&B)}; }
show_filter(A) ::= WHERE expr(B).     { A = (struct show_filter){.where = B}; }
%type opt_var_scope {enum var_scope}
opt_var_scope(A) ::= .        { A = SCOPE_DEFAULT; }
opt_var_scope(A) ::= GLOBAL.  { A = SCOPE_GLOBAL; }
opt_var_scope(A) ::= SESSION. { A = SCOPE_SESSION; }
opt_var_scope(A) ::= LOCAL.   { A = SCOPE_SESSION; }

/* ---- Accounts: names ---- */

%type account {struct account_name}
account(A) ::= ident_or_text(B).                { A = (struct account_name){.user = token_str(&B), .host = STR("%")}; }
account(A) ::= ident_or_text(B) USER_VAR(C).    { A = (struct account_name){.user = token_str(&B), .host = token_str(&C)}; }
account(A) ::= CURRENT_USER opt_parens.         { A = (struct account_name){.current = true}; }
using_roles ::= .
using_roles ::= USING account_list.
%type account_list {struct vec}
account_list(A) ::= account(B).                       { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct account_name, B); }
account_list(A) ::= account_list(A) COMMA account(B). { VEC_PUSH(ctx, &A, struct account_name, B); }
