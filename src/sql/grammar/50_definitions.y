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
