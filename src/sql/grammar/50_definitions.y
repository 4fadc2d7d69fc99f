/* ---- Databases, tables and views: DROP, RENAME ---- */

statement ::= CREATE or_replace(A) DATABASE if_not_exists(B) ident(C) database_options(D). { D.or_replace = A; D.if_exists = B; D.name = token_str(&C); build_database(ctx, STMT_CREATE_DATABASE, D); }
statement ::= ALTER DATABASE ident(A) database_options(B).     { B.name = token_str(&A); build_database(ctx, STMT_ALTER_DATABASE, B); }
statement ::= ALTER DATABASE database_option(B).               { build_database(ctx, STMT_ALTER_DATABASE, database_options_merge((struct database_stmt){0}, B)); }
statement ::= DROP DATABASE if_exists(A) ident(B).             { build_database(ctx, STMT_DROP_DATABASE, (struct database_stmt){.name = token_str(&B), .if_exists = A}); }
%type database_options {struct database_stmt}
database_options(A) ::= .                                      { A = (struct database_stmt){0}; }
database_options(A) ::= database_options(B) database_option(C). { A = database_options_merge(B, C); }
%type database_option {struct database_stmt}
database_option(A) ::= opt_default charset_word opt_eq charset_name(B). { A = (struct database_stmt){.charset = token_str(&B)}; }
database_option(A) ::= opt_default COLLATE opt_eq charset_name(B). { A = (struct database_stmt){.collation = token_str(&B)}; }
database_option(A) ::= COMMENT opt_eq STRING(B).               { A = (struct database_stmt){.comment = token_str(&B)}; }
database_option(A) ::= opt_default ENCRYPTION opt_eq STRING.   { A = (struct database_stmt){0}; }
database_option(A) ::= READ ONLY opt_eq option_value.          { A = (struct database_stmt){0}; }

statement ::= DROP opt_temporary(A) table_word if_exists(B) table_list(C) drop_how. { build_drop(ctx, STMT_DROP_TABLE, (struct drop_stmt){.temporary = A, .if_exists = B}, C); }
statement ::= DROP VIEW if_exists(A) table_list(B) drop_how.   { build_drop(ctx, STMT_DROP_VIEW, (struct drop_stmt){.if_exists = A}, B); }
table_word ::= TABLE.
table_word ::= TABLES.
drop_how ::= .
drop_how ::= RESTRICT.
drop_how ::= CASCADE.

statement ::= RENAME table_word rename_pairs(A).               { build_rename(ctx, A); }
%type rename_pairs {struct vec}
rename_pairs(A) ::= table_path(B) TO table_path(C).                       { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct table_name, B); VEC_PUSH(ctx, &A, struct table_name, C); }
rename_pairs(A) ::= rename_pairs(A) COMMA table_path(B) TO table_path(C). { VEC_PUSH(ctx, &A, struct table_name, B); VEC_PUSH(ctx, &A, struct table_name, C); }

statement ::= CREATE or_replace(A) view_options VIEW if_not_exists(B) table_path(C) opt_ident_list(D) AS view_query(E) check_option.
                                       { build_view(ctx, (struct create_flags){.or_replace = A, .if_not_exists = B}, &C, D, E); }
view_options ::= .
view_options ::= view_options ALGORITHM EQ ident.
view_options ::= view_options DEFINER EQ account.
view_options ::= view_options SQL SECURITY ident.
%type view_query {struct query *}
view_query(A) ::= query_expr(B).                    { A = B; }
view_query(A) ::= query_expr(B) locking_list(C).    { A = B; query_lock(A, C); }
check_option ::= .
check_option ::= WITH CHECK OPTION.
check_option ::= WITH LOCAL CHECK OPTION.
check_option ::= WITH CASCADED CHECK OPTION.

/* ---- Indexes ---- */

statement ::= CREATE or_replace index_kind(A) INDEX if_not_exists(B) ident(C) opt_using(D) ON table_path(E) LP index_parts(F) RP index_options(G) alter_hints.
                                       { build_create_index(ctx, &E, index_new(ctx, A, token_str(&C), F, &G, D), B); }
statement ::= DROP INDEX if_exists(A) ident(B) ON table_path(C) alter_hints. { build_drop_index(ctx, &C, token_str(&B), A); }
%type index_kind {enum index_kind}
index_kind(A) ::= .          { A = INDEX_PLAIN; }
index_kind(A) ::= UNIQUE.    { A = INDEX_UNIQUE; }
index_kind(A) ::= FULLTEXT.  { A = INDEX_FULLTEXT; }
index_kind(A) ::= SPATIAL.   { A = INDEX_SPATIAL; }
alter_hints ::= .
alter_hints ::= alter_hints alter_hint.
alter_hint ::= ALGORITHM opt_eq hint_value.
alter_hint ::= LOCK opt_eq hint_value.
hint_value ::= DEFAULT.
hint_value ::= ident.

/* ---- ALTER TABLE ---- */

statement ::= ALTER opt_ignore(A) TABLE if_exists table_path(B) alter_wait alter_actions(C). { build_alter(ctx, A, &B, C); }
statement ::= ALTER opt_ignore(A) TABLE if_exists table_path(B) alter_wait.                  { build_alter(ctx, A, &B, (struct vec){0}); }
statement ::= ALTER opt_ignore(A) TABLE if_exists table_path(B) alter_wait alter_actions(C) partitioning_given.  { VEC_PUSH(ctx, &C, struct alter_action, ((struct alter_action){.kind = ALTER_PARTITION})); build_alter(ctx, A, &B, C); }
statement ::= ALTER opt_ignore(A) TABLE if_exists table_path(B) alter_wait partition_change. { build_alter(ctx, A, &B, alter_partition(ctx)); }
%type opt_ignore {bool}
opt_ignore(A) ::= .        { A = false; }
opt_ignore(A) ::= IGNORE.  { A = true; }
alter_wait ::= .
alter_wait ::= WAIT INT_NUM.
alter_wait ::= NOWAIT.
partition_change ::= partitioning_given.
partition_change ::= ADD PARTITION any_list.
partition_change ::= DROP PARTITION any_list.
partition_change ::= TRUNCATE PARTITION any_list.
partition_change ::= COALESCE PARTITION any_list.
partition_change ::= REORGANIZE PARTITION any_or_none.
partition_change ::= EXCHANGE PARTITION any_list.
partition_change ::= ANALYZE PARTITION any_list.
partition_change ::= CHECK PARTITION any_list.
partition_change ::= OPTIMIZE PARTITION any_list.
partition_change ::= REBUILD PARTITION any_list.
partition_change ::= REPAIR PARTITION any_list.
partition_change ::= REMOVE PARTITIONING.
partition_change ::= DISCARD PARTITION any_list.
partition_change ::= IMPORT PARTITION any_list.

%type alter_actions {struct vec}
alter_actions(A) ::= alter_action(B).                         { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct alter_action, *B); }
alter_actions(A) ::= alter_actions(A) COMMA alter_action(B).  { VEC_PUSH(ctx, &A, struct alter_action, *B); }
alter_actions(A) ::= ADD opt_column if_not_exists(B) LP table_elements(C) RP. { A = (struct vec){0}; alter_add_elements(ctx, &A, C, B); }
alter_actions(A) ::= alter_actions(A) COMMA ADD opt_column if_not_exists(B) LP table_elements(C) RP. { alter_add_elements(ctx, &A, C, B); }
%type alter_action {struct alter_action *}
alter_action(A) ::= ADD opt_column if_not_exists(B) column_def(C) placement(D). { A = alter_column(ctx, ALTER_ADD_COLUMN, C, &D); A->if_not_exists = B; }
alter_action(A) ::= ADD index_def(B).                                           { A = alter_new(ctx, ALTER_ADD_INDEX, B->name); A->index = *B; }
alter_action(A) ::= ADD check_def(B).                                           { A = alter_new(ctx, ALTER_ADD_CHECK, B->name); A->check = *B; }
alter_action(A) ::= DROP opt_column if_exists(B) ident(C) drop_how.             { A = alter_new(ctx, ALTER_DROP_COLUMN, token_str(&C)); A->if_exists = B; }
alter_action(A) ::= DROP PRIMARY KEY.                                           { A = alter_new(ctx, ALTER_DROP_INDEX, STR("PRIMARY")); }
alter_action(A) ::= DROP index_or_key if_exists(B) ident(C).                    { A = alter_new(ctx, ALTER_DROP_INDEX, token_str(&C)); A->if_exists = B; }
alter_action(A) ::= DROP FOREIGN KEY if_exists(B) ident(C).                     { A = alter_new(ctx, ALTER_DROP_FOREIGN_KEY, token_str(&C)); A->if_exists = B; }
alter_action(A) ::= DROP CHECK ident(B).                                        { A = alter_new(ctx, ALTER_DROP_CHECK, token_str(&B)); }
alter_action(A) ::= DROP CONSTRAINT if_exists(B) ident(C).                      { A = alter_new(ctx, ALTER_DROP_CHECK, token_str(&C)); A->if_exists = B; }
alter_action(A) ::= MODIFY opt_column if_exists(B) column_def(C) placement(D).  { A = alter_column(ctx, ALTER_MODIFY_COLUMN, C, &D); A->if_exists = B; }
alter_action(A) ::= CHANGE opt_column if_exists(B) ident(C) column_def(D) placement(E). { A = alter_column(ctx, ALTER_MODIFY_COLUMN, D, &E); A->name = token_str(&C); A->if_exists = B; }
alter_action(A) ::= RENAME COLUMN if_exists(B) ident(C) TO ident(D).            { A = alter_rename(ctx, ALTER_RENAME_COLUMN, &C, &D); A->if_exists = B; }
alter_action(A) ::= RENAME index_or_key if_exists(B) ident(C) TO ident(D).      { A = alter_rename(ctx, ALTER_RENAME_INDEX, &C, &D); A->if_exists = B; }
alter_action(A) ::= RENAME rename_to table_path(B).                             { A = alter_new(ctx, ALTER_RENAME_TABLE, STR_NULL); A->new_table = B; }
alter_action(A) ::= ALTER opt_column ident(B) SET DEFAULT default_value(C).     { A = alter_new(ctx, ALTER_SET_DEFAULT, token_str(&B)); A->default_value = C; }
alter_action(A) ::= ALTER opt_column ident(B) DROP DEFAULT.                     { A = alter_new(ctx, ALTER_DROP_DEFAULT, token_str(&B)); }
alter_action(A) ::= ALTER opt_column ident(B) SET visibility(C).                { A = alter_new(ctx, ALTER_COLUMN_VISIBILITY, token_str(&B)); A->visible = C; }
alter_action(A) ::= ALTER index_or_key if_exists(B) ident(C) visibility(D).     { A = alter_new(ctx, ALTER_INDEX_VISIBILITY, token_str(&C)); A->visible = D; A->if_exists = B; }
alter_action(A) ::= ALTER CHECK ident enforcement_given.                        { A = alter_new(ctx, ALTER_FORCE, STR_NULL); parse_unsupported(ctx, "ALTER CHECK"); }
alter_action(A) ::= ALTER CONSTRAINT ident enforcement_given.                   { A = alter_new(ctx, ALTER_FORCE, STR_NULL); parse_unsupported(ctx, "ALTER CONSTRAINT"); }
alter_action(A) ::= alter_options(B).                                           { A = alter_new(ctx, ALTER_OPTIONS, STR_NULL); A->options = *B; }
alter_action(A) ::= CONVERT TO charset_word charset_name(B) convert_collation(C). { A = alter_new(ctx, ALTER_CONVERT_CHARSET, STR_NULL); A->options.charset = token_str(&B); A->options.collation = C; }
alter_action(A) ::= CONVERT TO charset_word DEFAULT convert_collation(C).       { A = alter_new(ctx, ALTER_CONVERT_CHARSET, STR_NULL); A->options.collation = C; }
alter_action(A) ::= ORDER BY alter_order. [SUBQUERY_AS_EXPR]                                    { A = alter_new(ctx, ALTER_ORDER_BY, STR_NULL); }
alter_action(A) ::= FORCE.                                                      { A = alter_new(ctx, ALTER_FORCE, STR_NULL); }
alter_action(A) ::= ENABLE KEYS.                                                { A = alter_new(ctx, ALTER_FORCE, STR_NULL); }
alter_action(A) ::= DISABLE KEYS.                                               { A = alter_new(ctx, ALTER_FORCE, STR_NULL); }
alter_action(A) ::= alter_hint.                                                 { A = alter_new(ctx, ALTER_FORCE, STR_NULL); }
alter_action(A) ::= WITH VALIDATION.                                            { A = alter_new(ctx, ALTER_FORCE, STR_NULL); }
alter_action(A) ::= WITHOUT VALIDATION.                                         { A = alter_new(ctx, ALTER_FORCE, STR_NULL); }
alter_action(A) ::= DISCARD TABLESPACE.                                         { A = alter_new(ctx, ALTER_FORCE, STR_NULL); parse_unsupported(ctx, "DISCARD TABLESPACE"); }
alter_action(A) ::= IMPORT TABLESPACE.                                          { A = alter_new(ctx, ALTER_FORCE, STR_NULL); parse_unsupported(ctx, "IMPORT TABLESPACE"); }
opt_column ::= .
opt_column ::= COLUMN.
rename_to ::= .
rename_to ::= TO.
rename_to ::= AS.
rename_to ::= EQ.
enforcement_given ::= ENFORCED.
enforcement_given ::= NOT_ENFORCED.
%type visibility {bool}
visibility(A) ::= VISIBLE.      { A = true; }
visibility(A) ::= INVISIBLE.    { A = false; }
visibility(A) ::= IGNORED.      { A = false; }
visibility(A) ::= NOT IGNORED.  { A = true; }
%type placement {struct placement}
placement(A) ::= .               { A = (struct placement){0}; }
placement(A) ::= FIRST.          { A = (struct placement){.first = true}; }
placement(A) ::= AFTER ident(B). { A = (struct placement){.after = token_str(&B)}; }
%type alter_options {struct table_options *}
alter_options(A) ::= table_option(B).                  { A = table_options_add(ctx, NULL, &B); }
alter_options(A) ::= alter_options(B) table_option(C). { A = table_options_add(ctx, B, &C); }
%type convert_collation {struct str}
convert_collation(A) ::= .                             { A = STR_NULL; }
convert_collation(A) ::= COLLATE opt_eq charset_name(B). { A = token_str(&B); }
alter_order ::= simple_ident direction.
alter_order ::= alter_order COMMA simple_ident direction.
