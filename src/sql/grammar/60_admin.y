/* ---- Sessions ---- */

statement ::= USE ident(A).            { build_database(ctx, STMT_USE, (struct database_stmt){.name = token_str(&A)}); }

statement ::= SET set_items(A).        { build_set(ctx, A); }
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
set_value(A) ::= SYSTEM(B).    { A = expr_text(ctx, token_str(&B), src_of(&B)); }
set_value(A) ::= COLUMN(B).    { A = expr_text(ctx, token_str(&B), src_of(&B)); } /* SET pintail_route = column */
charset_value(A) ::= charset_name(B). { A = expr_text(ctx, token_str(&B), src_of(&B)); }
charset_value(A) ::= DEFAULT(B).      { A = expr_default(ctx, src_of(&B)); }
%type names_collation {struct str}
names_collation(A) ::= .                        { A = STR_NULL; }
names_collation(A) ::= COLLATE charset_name(B). { A = token_str(&B); }
names_collation(A) ::= COLLATE DEFAULT.         { A = STR_NULL; }

statement ::= SET TRANSACTION transaction_modes(A).               { build_transaction(ctx, STMT_SET_TRANSACTION, A); }
statement ::= SET set_scope(A) TRANSACTION transaction_modes(B).  { B.scope = A; build_transaction(ctx, STMT_SET_TRANSACTION, B); }
%type transaction_modes {struct transaction_stmt}
transaction_modes(A) ::= transaction_mode(B).                             { A = B; }
transaction_modes(A) ::= transaction_modes(B) COMMA transaction_mode(C).  { A = transaction_merge(B, C); }
%type transaction_mode {struct transaction_stmt}
transaction_mode(A) ::= READ ONLY.                 { A = (struct transaction_stmt){.access = ACCESS_READ_ONLY}; }
transaction_mode(A) ::= READ WRITE.                { A = (struct transaction_stmt){.access = ACCESS_READ_WRITE}; }
transaction_mode(A) ::= ISOLATION LEVEL READ UNCOMMITTED. { A = (struct transaction_stmt){.isolation = ISOLATION_READ_UNCOMMITTED}; }
transaction_mode(A) ::= ISOLATION LEVEL READ COMMITTED.   { A = (struct transaction_stmt){.isolation = ISOLATION_READ_COMMITTED}; }
transaction_mode(A) ::= ISOLATION LEVEL REPEATABLE READ.  { A = (struct transaction_stmt){.isolation = ISOLATION_REPEATABLE_READ}; }
transaction_mode(A) ::= ISOLATION LEVEL SERIALIZABLE.     { A = (struct transaction_stmt){.isolation = ISOLATION_SERIALIZABLE}; }

statement ::= BEGIN opt_work.                      { build_transaction(ctx, STMT_BEGIN, (struct transaction_stmt){0}); }
statement ::= START TRANSACTION.                   { build_transaction(ctx, STMT_BEGIN, (struct transaction_stmt){0}); }
statement ::= START TRANSACTION start_modes(A).    { build_transaction(ctx, STMT_BEGIN, A); }
%type start_modes {struct transaction_stmt}
start_modes(A) ::= start_mode(B).                        { A = B; }
start_modes(A) ::= start_modes(B) COMMA start_mode(C).   { A = transaction_merge(B, C); }
%type start_mode {struct transaction_stmt}
start_mode(A) ::= READ ONLY.                       { A = (struct transaction_stmt){.access = ACCESS_READ_ONLY}; }
start_mode(A) ::= READ WRITE.                      { A = (struct transaction_stmt){.access = ACCESS_READ_WRITE}; }
start_mode(A) ::= WITH CONSISTENT SNAPSHOT.        { A = (struct transaction_stmt){.consistent_snapshot = true}; }
statement ::= COMMIT opt_work completion(A).       { build_transaction(ctx, STMT_COMMIT, A); }
statement ::= ROLLBACK opt_work completion(A).     { build_transaction(ctx, STMT_ROLLBACK, A); }
statement ::= ROLLBACK opt_work TO ident(A).       { build_savepoint(ctx, STMT_ROLLBACK_TO, &A); }
statement ::= ROLLBACK opt_work TO SAVEPOINT ident(A). { build_savepoint(ctx, STMT_ROLLBACK_TO, &A); }
statement ::= SAVEPOINT ident(A).                  { build_savepoint(ctx, STMT_SAVEPOINT, &A); }
statement ::= RELEASE SAVEPOINT ident(A).          { build_savepoint(ctx, STMT_RELEASE_SAVEPOINT, &A); }
opt_work ::= .
opt_work ::= WORK.
%type completion {struct transaction_stmt}
completion(A) ::= chain(B) release(C).             { A = (struct transaction_stmt){.chain = B, .release = C}; }
%type chain {bool}
chain(A) ::= .              { A = false; }
chain(A) ::= AND CHAIN.     { A = true; }
chain(A) ::= AND NO CHAIN.  { A = false; }
%type release {bool}
release(A) ::= .            { A = false; }
release(A) ::= RELEASE.     { A = true; }
release(A) ::= NO RELEASE.  { A = false; }

statement ::= lock_word lock_items(A).             { build_lock(ctx, A); }
statement ::= lock_word lock_items(A) WAIT INT_NUM. { build_lock(ctx, A); }
lock_word ::= LOCK table_word.
statement ::= UNLOCK table_word.                   { build_admin(ctx, STMT_UNLOCK_TABLES, STR("unlock"), (struct vec){0}); }
%type lock_items {struct vec}
lock_items(A) ::= lock_item(B).                    { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct lock_item, B); }
lock_items(A) ::= lock_items(A) COMMA lock_item(B). { VEC_PUSH(ctx, &A, struct lock_item, B); }
%type lock_item {struct lock_item}
lock_item(A) ::= table_path(B) opt_alias(C) lock_kind(D). { A = (struct lock_item){.table = B, .write = D}; A.table.alias = token_str(&C); }
%type lock_kind {bool}
lock_kind(A) ::= READ.                { A = false; }
lock_kind(A) ::= READ LOCAL.          { A = false; }
lock_kind(A) ::= WRITE.               { A = true; }
lock_kind(A) ::= LOW_PRIORITY WRITE.  { A = true; }

statement ::= KILL expr(A).                        { build_kill(ctx, false, A); }
statement ::= KILL CONNECTION expr(A).             { build_kill(ctx, false, A); }
statement ::= KILL QUERY expr(A).                  { build_kill(ctx, true, A); }

statement ::= PREPARE ident(A) FROM STRING(B).     { build_prepare(ctx, STMT_PREPARE, (struct prepare_stmt){.name = token_str(&A), .text = token_str(&B)}); }
statement ::= PREPARE ident(A) FROM USER_VAR(B).   { build_prepare(ctx, STMT_PREPARE, (struct prepare_stmt){.name = token_str(&A), .text_var = token_str(&B)}); }
statement ::= EXECUTE ident(A) using_vars(B).      { build_prepare(ctx, STMT_EXECUTE, (struct prepare_stmt){.name = token_str(&A), .using_vars = B.items, .using_count = B.count}); }
statement ::= DEALLOCATE PREPARE ident(A).         { build_prepare(ctx, STMT_DEALLOCATE, (struct prepare_stmt){.name = token_str(&A)}); }
statement ::= DROP PREPARE ident(A).               { build_prepare(ctx, STMT_DEALLOCATE, (struct prepare_stmt){.name = token_str(&A)}); }
%type using_vars {struct vec}
using_vars(A) ::= .                                { A = (struct vec){0}; }
using_vars(A) ::= USING user_vars(B).              { A = B; }
%type user_vars {struct vec}
user_vars(A) ::= USER_VAR(B).                      { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct str, token_str(&B)); }
user_vars(A) ::= user_vars(A) COMMA USER_VAR(B).   { VEC_PUSH(ctx, &A, struct str, token_str(&B)); }

/* ---- EXPLAIN ---- */

statement ::= explain_word explain_options(A) explain_begin(B) dml. { explain_end(ctx, B, A); }
statement ::= ANALYZE explain_format(A) explain_begin(B) dml.       { A.analyze = true; explain_end(ctx, B, A); }
statement ::= explain_word explain_format(A) FOR CONNECTION uint_num(B). { A.connection_id = B; stmt_new(ctx, STMT_EXPLAIN)->explain = A; }
statement ::= explain_word table_path(A).                           { build_describe(ctx, &A, STR_NULL); }
statement ::= explain_word table_path(A) ident_or_text(B).          { build_describe(ctx, &A, token_str(&B)); }
explain_word ::= EXPLAIN.
explain_word ::= DESCRIBE.
explain_word ::= DESC.
%type explain_options {struct explain_stmt}
explain_options(A) ::= explain_format(B).          { A = B; }
explain_options(A) ::= EXTENDED.                   { A = (struct explain_stmt){0}; }
explain_options(A) ::= PARTITIONS.                 { A = (struct explain_stmt){0}; }
explain_options(A) ::= ANALYZE explain_format(B).  { A = B; A.analyze = true; }
%type explain_format {struct explain_stmt}
explain_format(A) ::= . [SUBQUERY_AS_EXPR]         { A = (struct explain_stmt){0}; }
explain_format(A) ::= FORMAT EQ ident_or_text(B).  { A = (struct explain_stmt){.format = token_str(&B)}; }
%type explain_begin {struct stmt *}
explain_begin(A) ::= .                             { A = explain_begin(ctx); }

/* ---- Replication ---- */

statement ::= START REPLICA replica_name(A) replica_threads(B) replica_until(C) replica_channel(D). { build_replica(ctx, STMT_REPLICA_START, (struct replica_stmt){.channel = D.p != NULL ? D : A, .threads = B.items, .thread_count = B.count, .until = C}); }
statement ::= STOP REPLICA replica_name(A) replica_threads(B) replica_channel(C). { build_replica(ctx, STMT_REPLICA_STOP, (struct replica_stmt){.channel = C.p != NULL ? C : A, .threads = B.items, .thread_count = B.count}); }
statement ::= START ALL REPLICAS replica_threads(B). { build_replica(ctx, STMT_REPLICA_START, (struct replica_stmt){.all = true, .threads = B.items, .thread_count = B.count}); }
statement ::= STOP ALL REPLICAS replica_threads(B).  { build_replica(ctx, STMT_REPLICA_STOP, (struct replica_stmt){.all = true, .threads = B.items, .thread_count = B.count}); }
statement ::= RESET REPLICA replica_name(A) replica_all(B) replica_channel(C). { build_replica(ctx, STMT_REPLICA_RESET, (struct replica_stmt){.channel = C.p != NULL ? C : A, .all = B}); }
statement ::= CHANGE REPLICATION SOURCE TO replica_options(A) replica_channel(B). { build_replica(ctx, STMT_CHANGE_SOURCE, (struct replica_stmt){.channel = B, .options = A.items, .option_count = A.count}); }
statement ::= CHANGE MASTER replica_name(A) TO replica_options(B) replica_channel(C). { build_replica(ctx, STMT_CHANGE_SOURCE, (struct replica_stmt){.channel = C.p != NULL ? C : A, .options = B.items, .option_count = B.count}); }
%type replica_name {struct str}
replica_name(A) ::= .                        { A = STR_NULL; }
replica_name(A) ::= STRING(B).               { A = token_str(&B); }
%type replica_channel {struct str}
replica_channel(A) ::= .                     { A = STR_NULL; }
replica_channel(A) ::= FOR CHANNEL STRING(B). { A = token_str(&B); }
%type replica_all {bool}
replica_all(A) ::= .                         { A = false; }
replica_all(A) ::= ALL.                      { A = true; }
%type replica_threads {struct vec}
replica_threads(A) ::= .                     { A = (struct vec){0}; }
replica_threads(A) ::= replica_thread_list(B). { A = B; }
%type replica_thread_list {struct vec}
replica_thread_list(A) ::= replica_thread(B).                            { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct str, token_str(&B)); }
replica_thread_list(A) ::= replica_thread_list(A) COMMA replica_thread(B). { VEC_PUSH(ctx, &A, struct str, token_str(&B)); }
%type replica_thread {struct token}
replica_thread(A) ::= IO_THREAD(B).          { A = B; }
replica_thread(A) ::= SQL_THREAD(B).         { A = B; }
%type replica_until {bool}
replica_until(A) ::= .                       { A = false; }
replica_until(A) ::= UNTIL replica_options.  { A = true; }
%type replica_options {struct vec}
replica_options(A) ::= replica_option(B).                          { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct replica_option, B); }
replica_options(A) ::= replica_options(A) COMMA replica_option(B). { VEC_PUSH(ctx, &A, struct replica_option, B); }
%type replica_option {struct replica_option}
replica_option(A) ::= ident(B) EQ replica_value(C).                { A = replica_option(&B, C); }
replica_option(A) ::= ident(B) EQ LP RP.                           { A = replica_option(&B, STR_NULL); A.is_list = true; }
replica_option(A) ::= ident(B) EQ LP replica_values RP.            { A = replica_option(&B, STR_NULL); A.is_list = true; }
replica_values ::= replica_value.
replica_values ::= replica_values COMMA replica_value.
%type replica_value {struct str}
replica_value(A) ::= ident_or_text(B).       { A = token_str(&B); }
replica_value(A) ::= INT_NUM(B).             { A = token_str(&B); }
replica_value(A) ::= DECIMAL_NUM(B).         { A = token_str(&B); }
replica_value(A) ::= NULL.                   { A = STR_NULL; }

statement ::= PINTAIL ident(A) table_word table_list(B). { build_pintail(ctx, &A, B); }
statement ::= PINTAIL DROP(A) table_word table_list(B).  { build_pintail(ctx, &A, B); }

/* ---- Tables ---- */

statement ::= ANALYZE opt_no_log table_word table_list(A) any_or_none.  { build_admin(ctx, STMT_ANALYZE, STR("analyze"), A); }
statement ::= OPTIMIZE opt_no_log table_word table_list(A) any_or_none. { build_admin(ctx, STMT_ANALYZE, STR("optimize"), A); }
statement ::= REPAIR opt_no_log table_word table_list(A) any_or_none.   { build_admin(ctx, STMT_ANALYZE, STR("repair"), A); }
statement ::= CHECK table_word table_list(A) any_or_none.               { build_admin(ctx, STMT_ANALYZE, STR("check"), A); }
statement ::= CHECKSUM table_word table_list(A) any_or_none.            { build_admin(ctx, STMT_ANALYZE, STR("checksum"), A); }
statement ::= FLUSH opt_no_log(B) any_list.                             { build_flush(ctx, B); }
%type opt_no_log {struct token}
opt_no_log(A) ::= . [LP]                    { A = ctx->at; }
opt_no_log(A) ::= NO_WRITE_TO_BINLOG.   { A = ctx->at; }
opt_no_log(A) ::= LOCAL.                { A = ctx->at; }
any_or_none ::= .
any_or_none ::= any_list.

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
show(A) ::= CREATE DATABASE if_not_exists(C) ident(B).        { A = show_new(ctx, SHOW_CREATE_DATABASE, NULL); A->db = token_str(&B); A->if_not_exists = C; }
show(A) ::= CREATE USER account(B).                           { A = show_new(ctx, SHOW_CREATE_USER, NULL); A->account = account_copy(ctx, &B); }
show(A) ::= opt_var_scope(B) VARIABLES show_filter(C).        { A = show_new(ctx, SHOW_VARIABLES, &C); A->scope = B; }
show(A) ::= opt_var_scope(B) STATUS show_filter(C).           { A = show_new(ctx, SHOW_STATUS, &C); A->scope = B; }
show(A) ::= WARNINGS opt_limit(B).                            { A = show_new(ctx, SHOW_WARNINGS, NULL); A->limit = B; }
show(A) ::= ERRORS opt_limit(B).                              { A = show_new(ctx, SHOW_ERRORS, NULL); A->limit = B; }
show(A) ::= AGGREGATE_FUNC(B) LP STAR RP WARNINGS.                 { expect_word(ctx, &B, "COUNT"); A = show_new(ctx, SHOW_COUNT_WARNINGS, NULL); }
show(A) ::= AGGREGATE_FUNC(B) LP STAR RP ERRORS.                   { expect_word(ctx, &B, "COUNT"); A = show_new(ctx, SHOW_COUNT_ERRORS, NULL); }
show(A) ::= show_full(B) PROCESSLIST.                         { A = show_new(ctx, SHOW_PROCESSLIST, NULL); A->full = B & SHOW_IS_FULL; }
show(A) ::= GRANTS.                                           { A = show_new(ctx, SHOW_GRANTS, NULL); }
show(A) ::= GRANTS FOR account(B) using_roles(C).             { A = show_new(ctx, SHOW_GRANTS, NULL); A->account = account_copy(ctx, &B); A->roles = C; }
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
show(A) ::= REPLICA replica_name(C) STATUS replica_channel(B). { A = show_new(ctx, SHOW_REPLICA_STATUS, NULL); A->channel = B.p != NULL ? B : C; }
show(A) ::= ALL REPLICAS STATUS.                              { A = show_new(ctx, SHOW_REPLICA_STATUS, NULL); }
show(A) ::= PROFILES.                                         { A = show_new(ctx, SHOW_PROFILES, NULL); }
show(A) ::= PINTAIL ident(B) show_filter(C).                  { A = show_pintail(ctx, &B, &C); }
binary_or_master ::= BINARY.
binary_or_master ::= MASTER.
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
show(A) ::= show_other(B) any_or_none.                        { A = NULL; build_other(ctx, arena_printf(ctx->arena, "SHOW %.*s", STR_FMT(token_upper(ctx, &B)))); }
%type show_other {struct token}
show_other(A) ::= CREATE PROCEDURE(B).   { A = B; }
show_other(A) ::= CREATE FUNCTION(B).    { A = B; }
show_other(A) ::= CREATE TRIGGER(B).     { A = B; }
show_other(A) ::= CREATE EVENT(B).       { A = B; }
show_other(A) ::= CREATE SEQUENCE(B).    { A = B; }
show_other(A) ::= PROCEDURE CODE(B).     { A = B; }
show_other(A) ::= FUNCTION CODE(B).      { A = B; }
show_other(A) ::= BINLOG EVENTS(B).      { A = B; }
show_other(A) ::= RELAYLOG(B).           { A = B; }
show_other(A) ::= PROFILE(B).            { A = B; }
show_other(A) ::= REPLICAS(B).           { A = B; }
show_other(A) ::= REPLICA HOSTS(B).      { A = B; }
show_other(A) ::= CONTRIBUTORS(B).       { A = B; }
show_other(A) ::= AUTHORS(B).            { A = B; }
show_other(A) ::= LOCALES(B).            { A = B; }
show_other(A) ::= USER_STATISTICS(B).    { A = B; }
show_other(A) ::= PACKAGE(B).            { A = B; }
