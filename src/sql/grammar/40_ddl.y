/* ---- Types ---- */

%type column_type {struct column_spec *}
column_type(A) ::= int_type(B) opt_width(C) number_flags(D).   { A = column_type_new(ctx, B, C); A->type.flags = D; }
column_type(A) ::= float_type(B) opt_precision(C) number_flags(D). { A = column_type_float(ctx, &B, C); A->type.flags = D; }
column_type(A) ::= decimal_word opt_precision(B) number_flags(C). { A = column_type_new(ctx, MYSQL_TYPE_NEWDECIMAL, B); A->type.flags = C; }
column_type(A) ::= BIT opt_width(B).                           { A = column_type_new(ctx, MYSQL_TYPE_BIT, B); }
column_type(A) ::= BOOL.                                       { A = column_type_new(ctx, MYSQL_TYPE_TINY, (struct precision){.length = 1}); }
column_type(A) ::= BOOLEAN.                                    { A = column_type_new(ctx, MYSQL_TYPE_TINY, (struct precision){.length = 1}); }
column_type(A) ::= SERIAL.                                     { A = column_type_serial(ctx); }
column_type(A) ::= YEAR opt_width(B) number_flags.             { A = column_type_new(ctx, MYSQL_TYPE_YEAR, B); }
column_type(A) ::= DATE.                                       { A = column_type_new(ctx, MYSQL_TYPE_DATE, (struct precision){0}); }
column_type(A) ::= TIME opt_width(B).                          { A = column_type_temporal(ctx, MYSQL_TYPE_TIME, B); }
column_type(A) ::= DATETIME opt_width(B).                      { A = column_type_temporal(ctx, MYSQL_TYPE_DATETIME, B); }
column_type(A) ::= TIMESTAMP opt_width(B).                     { A = column_type_temporal(ctx, MYSQL_TYPE_TIMESTAMP, B); }
column_type(A) ::= CHAR opt_width(B) charset_attr(C).          { A = column_type_text(ctx, MYSQL_TYPE_STRING, B, C); }
column_type(A) ::= varchar_word width(B) charset_attr(C).      { A = column_type_text(ctx, MYSQL_TYPE_VARCHAR, B, C); }
column_type(A) ::= nchar_word opt_width(B) opt_binary(C).      { A = column_type_text(ctx, MYSQL_TYPE_STRING, B, C); A->national = true; }
column_type(A) ::= nvarchar_word width(B) opt_binary(C).       { A = column_type_text(ctx, MYSQL_TYPE_VARCHAR, B, C); A->national = true; }
column_type(A) ::= BINARY opt_width(B).                        { A = column_type_bytes(ctx, MYSQL_TYPE_STRING, B); }
column_type(A) ::= VARBINARY width(B).                         { A = column_type_bytes(ctx, MYSQL_TYPE_VARCHAR, B); }
column_type(A) ::= TINYBLOB.                                   { A = column_type_bytes(ctx, MYSQL_TYPE_TINY_BLOB, (struct precision){0}); }
column_type(A) ::= BLOB opt_width(B).                          { A = column_type_bytes(ctx, MYSQL_TYPE_BLOB, B); }
column_type(A) ::= MEDIUMBLOB.                                 { A = column_type_bytes(ctx, MYSQL_TYPE_MEDIUM_BLOB, (struct precision){0}); }
column_type(A) ::= LONG VARBINARY.                             { A = column_type_bytes(ctx, MYSQL_TYPE_MEDIUM_BLOB, (struct precision){0}); }
column_type(A) ::= LONGBLOB.                                   { A = column_type_bytes(ctx, MYSQL_TYPE_LONG_BLOB, (struct precision){0}); }
column_type(A) ::= TINYTEXT charset_attr(B).                   { A = column_type_text(ctx, MYSQL_TYPE_TINY_BLOB, (struct precision){0}, B); }
column_type(A) ::= TEXT opt_width(B) charset_attr(C).          { A = column_type_text(ctx, MYSQL_TYPE_BLOB, B, C); }
column_type(A) ::= MEDIUMTEXT charset_attr(B).                 { A = column_type_text(ctx, MYSQL_TYPE_MEDIUM_BLOB, (struct precision){0}, B); }
column_type(A) ::= LONG opt_varchar_word charset_attr(B).      { A = column_type_text(ctx, MYSQL_TYPE_MEDIUM_BLOB, (struct precision){0}, B); }
column_type(A) ::= LONGTEXT charset_attr(B).                   { A = column_type_text(ctx, MYSQL_TYPE_LONG_BLOB, (struct precision){0}, B); }
column_type(A) ::= ENUM LP label_list(B) RP charset_attr(C).   { A = column_type_labels(ctx, MYSQL_TYPE_ENUM, B, C); }
column_type(A) ::= SET LP label_list(B) RP charset_attr(C).    { A = column_type_labels(ctx, MYSQL_TYPE_SET, B, C); }
column_type(A) ::= JSON.                                       { A = column_type_new(ctx, MYSQL_TYPE_JSON, (struct precision){0}); }
column_type(A) ::= VECTOR opt_width(B).                        { A = column_type_new(ctx, MYSQL_TYPE_VECTOR, B); }
column_type(A) ::= geometry_word.                              { A = column_type_new(ctx, MYSQL_TYPE_GEOMETRY, (struct precision){0}); }
column_type(A) ::= IDENT(B).                                   { A = column_type_named(ctx, &B); }

%type int_type {enum mysql_type}
int_type(A) ::= TINYINT.    { A = MYSQL_TYPE_TINY; }
int_type(A) ::= SMALLINT.   { A = MYSQL_TYPE_SHORT; }
int_type(A) ::= MEDIUMINT.  { A = MYSQL_TYPE_INT24; }
int_type(A) ::= INT.        { A = MYSQL_TYPE_LONG; }
int_type(A) ::= BIGINT.     { A = MYSQL_TYPE_LONGLONG; }
%type float_type {struct token}
float_type(A) ::= FLOAT(B).            { A = B; }
float_type(A) ::= REAL(B).             { A = B; }
float_type(A) ::= DOUBLE(B).           { A = B; }
float_type(A) ::= DOUBLE(B) PRECISION. { A = B; }
decimal_word ::= DECIMAL.
decimal_word ::= NUMERIC.
varchar_word ::= VARCHAR.
varchar_word ::= CHAR VARYING.
opt_varchar_word ::= .
opt_varchar_word ::= VARCHAR.
nchar_word ::= NCHAR.
nchar_word ::= NATIONAL CHAR.
nvarchar_word ::= NVARCHAR.
nvarchar_word ::= NCHAR VARCHAR.
nvarchar_word ::= NCHAR VARYING.
nvarchar_word ::= NATIONAL VARCHAR.
nvarchar_word ::= NATIONAL CHAR VARYING.
geometry_word ::= GEOMETRY.
geometry_word ::= POINT.
geometry_word ::= LINESTRING.
geometry_word ::= POLYGON.
geometry_word ::= MULTIPOINT.
geometry_word ::= MULTILINESTRING.
geometry_word ::= MULTIPOLYGON.
geometry_word ::= GEOMETRYCOLLECTION.
geometry_word ::= GEOMCOLLECTION.

%type width {struct precision}
width(A) ::= LP INT_NUM(B) RP.         { A = (struct precision){.given = true, .length = token_u32(ctx, &B)}; }
%type opt_width {struct precision}
opt_width(A) ::= .                     { A = (struct precision){0}; }
opt_width(A) ::= width(B).             { A = B; }
%type opt_precision {struct precision}
opt_precision(A) ::= .                 { A = (struct precision){0}; }
opt_precision(A) ::= width(B).         { A = B; }
opt_precision(A) ::= LP INT_NUM(B) COMMA INT_NUM(C) RP. { A = (struct precision){.given = true, .has_scale = true, .length = token_u32(ctx, &B), .scale = token_u32(ctx, &C)}; }
%type number_flags {uint16_t}
number_flags(A) ::= .                            { A = 0; }
number_flags(A) ::= number_flags(B) SIGNED.      { A = B; }
number_flags(A) ::= number_flags(B) UNSIGNED.    { A = B | UNSIGNED_FLAG; }
number_flags(A) ::= number_flags(B) ZEROFILL.    { A = B | UNSIGNED_FLAG | ZEROFILL_FLAG; }
%type charset_attr {struct charset_attr}
charset_attr(A) ::= .                            { A = (struct charset_attr){0}; }
charset_attr(A) ::= charset_word charset_name(B) opt_binary(C). { A = (struct charset_attr){.charset = token_str(&B), .binary = C.binary}; }
charset_attr(A) ::= BINARY.                      { A = (struct charset_attr){.binary = true}; }
charset_attr(A) ::= BINARY charset_word charset_name(B). { A = (struct charset_attr){.charset = token_str(&B), .binary = true}; }
charset_attr(A) ::= ASCII opt_binary(B).         { A = (struct charset_attr){.charset = STR("latin1"), .binary = B.binary}; }
charset_attr(A) ::= UNICODE opt_binary(B).       { A = (struct charset_attr){.charset = STR("ucs2"), .binary = B.binary}; }
charset_attr(A) ::= BYTE.                        { A = (struct charset_attr){.charset = STR("binary")}; }
%type opt_binary {struct charset_attr}
opt_binary(A) ::= .                              { A = (struct charset_attr){0}; }
opt_binary(A) ::= BINARY.                        { A = (struct charset_attr){.binary = true}; }
charset_word ::= CHARSET.
charset_word ::= CHAR SET.
%type label_list {struct vec}
label_list(A) ::= text_literal(B).                      { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct str, B); }
label_list(A) ::= label_list(A) COMMA text_literal(B).  { VEC_PUSH(ctx, &A, struct str, B); }

/* What CAST and CONVERT make of a value. */
%type cast_type {struct cast_target *}
cast_type(A) ::= BINARY opt_width(B).                  { A = cast_target(ctx, MYSQL_TYPE_VAR_STRING, B); A->type.collation = COLLATION_BINARY; }
cast_type(A) ::= CHAR opt_width(B) charset_attr(C).    { A = cast_target_char(ctx, B, C); }
cast_type(A) ::= nchar_word opt_width(B).              { A = cast_target_char(ctx, B, (struct charset_attr){.charset = STR("utf8mb3")}); }
cast_type(A) ::= SIGNED opt_int.                       { A = cast_target(ctx, MYSQL_TYPE_LONGLONG, (struct precision){0}); }
cast_type(A) ::= INT.                                  { A = cast_target(ctx, MYSQL_TYPE_LONGLONG, (struct precision){0}); }
cast_type(A) ::= UNSIGNED opt_int.                     { A = cast_target(ctx, MYSQL_TYPE_LONGLONG, (struct precision){0}); A->type.flags = UNSIGNED_FLAG; }
cast_type(A) ::= DATE.                                 { A = cast_target(ctx, MYSQL_TYPE_DATE, (struct precision){0}); }
cast_type(A) ::= YEAR.                                 { A = cast_target(ctx, MYSQL_TYPE_YEAR, (struct precision){0}); }
cast_type(A) ::= TIME opt_width(B).                    { A = cast_target_temporal(ctx, MYSQL_TYPE_TIME, B); }
cast_type(A) ::= DATETIME opt_width(B).                { A = cast_target_temporal(ctx, MYSQL_TYPE_DATETIME, B); }
cast_type(A) ::= DECIMAL opt_precision(B).             { A = cast_target(ctx, MYSQL_TYPE_NEWDECIMAL, B); }
cast_type(A) ::= float_type(B) opt_width(C).           { A = cast_target_float(ctx, &B, C); }
cast_type(A) ::= JSON.                                 { A = cast_target(ctx, MYSQL_TYPE_JSON, (struct precision){0}); }
cast_type(A) ::= geometry_word.                        { A = cast_target(ctx, MYSQL_TYPE_GEOMETRY, (struct precision){0}); }
opt_int ::= .
opt_int ::= INT.

/* ---- Columns ---- */

%type column_def {struct column_spec *}
column_def(A) ::= ident(B) column_type(C) column_attrs(D). { A = column_new(ctx, token_str(&B), C, &D); }
%type column_attrs {struct column_attrs}
column_attrs(A) ::= .                                  { A = (struct column_attrs){0}; }
column_attrs(A) ::= column_attrs(A) column_attr(B).    { VEC_PUSH(ctx, &A.list, struct column_attr, B); }
%type column_attr {struct column_attr}
column_attr(A) ::= NULL.                               { A = (struct column_attr){.kind = ATTR_NULL}; }
column_attr(A) ::= NOT NULL.                           { A = (struct column_attr){.kind = ATTR_NOT_NULL}; }
column_attr(A) ::= DEFAULT default_value(B).           { A = (struct column_attr){.kind = ATTR_DEFAULT, .expr = B, .src = B->src}; }
column_attr(A) ::= ON UPDATE now(B).                   { A = (struct column_attr){.kind = ATTR_ON_UPDATE, .expr = B}; }
column_attr(A) ::= AUTO_INCREMENT.                     { A = (struct column_attr){.kind = ATTR_AUTO_INCREMENT}; }
column_attr(A) ::= SERIAL DEFAULT VALUE.               { A = (struct column_attr){.kind = ATTR_SERIAL_DEFAULT}; }
column_attr(A) ::= PRIMARY KEY.                        { A = (struct column_attr){.kind = ATTR_PRIMARY}; }
column_attr(A) ::= KEY.                                { A = (struct column_attr){.kind = ATTR_PRIMARY}; }
column_attr(A) ::= UNIQUE. [SUBQUERY_AS_EXPR]                            { A = (struct column_attr){.kind = ATTR_UNIQUE}; }
column_attr(A) ::= UNIQUE KEY.                         { A = (struct column_attr){.kind = ATTR_UNIQUE}; }
column_attr(A) ::= COMMENT STRING(B).                  { A = (struct column_attr){.kind = ATTR_COMMENT, .text = token_str(&B)}; }
column_attr(A) ::= COLLATE charset_name(B).            { A = (struct column_attr){.kind = ATTR_COLLATE, .text = token_str(&B)}; }
column_attr(A) ::= COLUMN_FORMAT column_format.        { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= STORAGE column_format.              { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= SRID uint_num.                      { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= REF_SYSTEM_ID EQ uint_num.          { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= ENGINE_ATTRIBUTE opt_eq STRING.     { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= SECONDARY_ENGINE_ATTRIBUTE opt_eq STRING. { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= NOT SECONDARY.                      { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= COMPRESSED.                         { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= VISIBLE.                            { A = (struct column_attr){.kind = ATTR_NONE}; }
column_attr(A) ::= INVISIBLE.                          { A = (struct column_attr){.kind = ATTR_INVISIBLE}; }
column_attr(A) ::= opt_constraint_name(B) CHECK LP(C) expr(D) RP(E) enforcement(F). { A = (struct column_attr){.kind = ATTR_CHECK, .text = B, .expr = D, .src = src_join(src_of(&C), src_of(&E)), .not_enforced = F}; }
column_attr(A) ::= references(B).                      { A = (struct column_attr){.kind = ATTR_REFERENCES}; (void)B; }
column_attr(A) ::= generated_always AS LP(B) expr(C) RP(D) generated_kind(E). { A = (struct column_attr){.kind = ATTR_GENERATED, .expr = C, .src = src_join(src_of(&B), src_of(&D)), .generated = E}; }
generated_always ::= .
generated_always ::= GENERATED ALWAYS.
%type generated_kind {enum column_generated}
generated_kind(A) ::= .           { A = GENERATED_VIRTUAL; }
generated_kind(A) ::= VIRTUAL.    { A = GENERATED_VIRTUAL; }
generated_kind(A) ::= STORED.     { A = GENERATED_STORED; }
generated_kind(A) ::= PERSISTENT. { A = GENERATED_STORED; }
column_format ::= DEFAULT.
column_format ::= ident.
column_format ::= DECIMAL.
%type enforcement {bool}
enforcement(A) ::= .              { A = false; }
enforcement(A) ::= ENFORCED.      { A = false; }
enforcement(A) ::= NOT_ENFORCED.  { A = true; }
%type opt_constraint_name {struct str}
opt_constraint_name(A) ::= .                     { A = STR_NULL; }
opt_constraint_name(A) ::= constraint_name(B).   { A = B; }
%type constraint_name {struct str}
constraint_name(A) ::= CONSTRAINT.               { A = STR_NULL; }
constraint_name(A) ::= CONSTRAINT ident(B).      { A = token_str(&B); }

default_value(A) ::= literal(B).                 { A = B; }
default_value(A) ::= MINUS_SIGN(B) number(C).         { A = expr_negated_literal(&B, C); }
default_value(A) ::= PLUS number(C).             { A = C; }
default_value(A) ::= function(B).                { A = B; }
default_value(A) ::= LP(B) expr(C) RP(D).        { A = expr_paren(&B, C, &D); }

/* ---- Indexes and constraints ---- */

%type index_def {struct index_spec *}
index_def(A) ::= index_or_key opt_ident(B) opt_using(C) LP index_parts(D) RP index_options(E). { A = index_new(ctx, INDEX_PLAIN, B, D, &E, C); }
index_def(A) ::= FULLTEXT opt_index_or_key opt_ident(B) LP index_parts(C) RP index_options(D). { A = index_new(ctx, INDEX_FULLTEXT, B, C, &D, STR_NULL); }
index_def(A) ::= SPATIAL opt_index_or_key opt_ident(B) LP index_parts(C) RP index_options(D). { A = index_new(ctx, INDEX_SPATIAL, B, C, &D, STR_NULL); }
index_def(A) ::= opt_constraint_name(B) PRIMARY KEY opt_ident opt_using(C) LP index_parts(D) RP index_options(E). { (void)B; A = index_new(ctx, INDEX_PRIMARY, STR("PRIMARY"), D, &E, C); }
index_def(A) ::= opt_constraint_name(B) UNIQUE opt_index_or_key opt_ident(C) opt_using(D) LP index_parts(E) RP index_options(F). { A = index_new(ctx, INDEX_UNIQUE, C.p ? C : B, E, &F, D); }
index_def(A) ::= opt_constraint_name(B) FOREIGN KEY opt_ident(C) LP index_parts(D) RP references(E). { A = E; index_make_foreign(A, B.p ? B : C, D); }
%type check_def {struct check_spec *}
check_def(A) ::= opt_constraint_name(B) CHECK LP(C) expr(D) RP(E) enforcement(F). { A = check_new(ctx, B, D, src_join(src_of(&C), src_of(&E)), F); }
opt_index_or_key ::= .
opt_index_or_key ::= index_or_key.
%type opt_ident {struct str}
opt_ident(A) ::= .                               { A = STR_NULL; }
opt_ident(A) ::= ident(B).                       { A = token_str(&B); }
opt_ident(A) ::= IF NOT EXISTS ident(B).         { A = token_str(&B); }
%type opt_using {struct str}
opt_using(A) ::= .                               { A = STR_NULL; }
opt_using(A) ::= USING ident(B).                 { A = token_str(&B); }
opt_using(A) ::= TYPE ident(B).                  { A = token_str(&B); }
%type index_parts {struct vec}
index_parts(A) ::= index_part(B).                       { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct index_part, B); }
index_parts(A) ::= index_parts(A) COMMA index_part(B).  { VEC_PUSH(ctx, &A, struct index_part, B); }
%type index_part {struct index_part}
index_part(A) ::= ident(B) opt_width(C) direction(D).   { A = (struct index_part){.column = token_str(&B), .prefix_len = C.length, .desc = D}; }
index_part(A) ::= LP(B) expr(C) RP(D) direction(E).     { A = (struct index_part){.expr = expr_paren(&B, C, &D), .desc = E}; }
%type direction {bool}
direction(A) ::= .     { A = false; }
direction(A) ::= ASC.  { A = false; }
direction(A) ::= DESC. { A = true; }
%type index_options {struct index_options}
index_options(A) ::= .                                    { A = (struct index_options){0}; }
index_options(A) ::= index_options(A) USING ident(B).     { A.algorithm = token_str(&B); }
index_options(A) ::= index_options(A) TYPE ident(B).      { A.algorithm = token_str(&B); }
index_options(A) ::= index_options(A) KEY_BLOCK_SIZE opt_eq uint_num.
index_options(A) ::= index_options(A) COMMENT STRING(B).  { A.comment = token_str(&B); }
index_options(A) ::= index_options(A) WITH PARSER ident.
index_options(A) ::= index_options(A) VISIBLE.
index_options(A) ::= index_options(A) INVISIBLE.          { A.invisible = true; }
index_options(A) ::= index_options(A) IGNORED.            { A.invisible = true; }
index_options(A) ::= index_options(A) NOT IGNORED.
index_options(A) ::= index_options(A) CLUSTERING opt_eq ident.
index_options(A) ::= index_options(A) ENGINE_ATTRIBUTE opt_eq STRING.
index_options(A) ::= index_options(A) SECONDARY_ENGINE_ATTRIBUTE opt_eq STRING.

%type references {struct index_spec *}
references(A) ::= REFERENCES table_path(B) opt_ident_list(C) fk_match fk_actions(D). { A = index_references(ctx, &B, C, D); }
fk_match ::= .
fk_match ::= MATCH ident.
fk_match ::= MATCH FULL.
%type fk_actions {struct fk_actions}
fk_actions(A) ::= . [SUBQUERY_AS_EXPR]                    { A = (struct fk_actions){0}; }
fk_actions(A) ::= ON DELETE fk_action(B). [SUBQUERY_AS_EXPR] { A = (struct fk_actions){.on_delete = B}; }
fk_actions(A) ::= ON UPDATE fk_action(B). [SUBQUERY_AS_EXPR] { A = (struct fk_actions){.on_update = B}; }
fk_actions(A) ::= ON DELETE fk_action(B) ON UPDATE fk_action(C). { A = (struct fk_actions){B, C}; }
fk_actions(A) ::= ON UPDATE fk_action(B) ON DELETE fk_action(C). { A = (struct fk_actions){C, B}; }
%type fk_action {enum fk_action}
fk_action(A) ::= RESTRICT.    { A = FK_RESTRICT; }
fk_action(A) ::= CASCADE.     { A = FK_CASCADE; }
fk_action(A) ::= SET NULL.    { A = FK_SET_NULL; }
fk_action(A) ::= NO ACTION.   { A = FK_NO_ACTION; }
fk_action(A) ::= SET DEFAULT. { A = FK_SET_DEFAULT; }

/* ---- CREATE TABLE ---- */

statement ::= create_table_head table_body(B).                          { build_create_table(ctx, &B); }
statement ::= create_table_head LIKE table_path(A).                     { build_create_like(ctx, &A); }
statement ::= create_table_head LP LIKE table_path(A) RP.               { build_create_like(ctx, &A); }
create_table_head ::= CREATE or_replace(A) opt_temporary(B) TABLE if_not_exists(C) table_path(D). { build_create_table_head(ctx, (struct create_flags){.or_replace = A, .temporary = B, .if_not_exists = C}, &D); }
%type or_replace {bool}
or_replace(A) ::= .             { A = false; }
or_replace(A) ::= OR REPLACE.   { A = true; }
%type opt_temporary {bool}
opt_temporary(A) ::= .          { A = false; }
opt_temporary(A) ::= TEMPORARY. { A = true; }

%type table_body {struct table_body}
table_body(A) ::= LP table_elements(B) RP table_options(C) partitioning(D) create_query(E). { A = (struct table_body){.elements = B, .options = C, .partitioned = D, .query = E}; }
table_body(A) ::= table_options_given(C) partitioning(D) create_query(E). { A = (struct table_body){.options = C, .partitioned = D, .query = E}; }
table_body(A) ::= .                           { A = (struct table_body){0}; }
table_body(A) ::= partitioning_given(B).      { A = (struct table_body){.partitioned = B}; }
table_body(A) ::= create_query_given(B).      { A = (struct table_body){.query = B}; }
%type table_elements {struct table_elements *}
table_elements(A) ::= table_element(B).                          { A = table_elements_add(ctx, NULL, &B); }
table_elements(A) ::= table_elements(A) COMMA table_element(B).  { table_elements_add(ctx, A, &B); }
%type table_element {struct table_element}
table_element(A) ::= column_def(B).  { A = (struct table_element){.column = B}; }
table_element(A) ::= index_def(B).   { A = (struct table_element){.index = B}; }
table_element(A) ::= check_def(B).   { A = (struct table_element){.check = B}; }

%type create_query {struct create_query}
create_query(A) ::= .                                            { A = (struct create_query){0}; }
create_query(A) ::= create_query_given(B).                       { A = B; }
%type create_query_given {struct create_query}
create_query_given(A) ::= query_expr(B).                         { A = (struct create_query){.query = B}; }
create_query_given(A) ::= AS query_expr(B).                      { A = (struct create_query){.query = B}; }
create_query_given(A) ::= IGNORE opt_as query_expr(B).           { A = (struct create_query){.duplicates = DUPLICATES_IGNORE, .query = B}; }
create_query_given(A) ::= REPLACE opt_as query_expr(B).          { A = (struct create_query){.duplicates = DUPLICATES_REPLACE, .query = B}; }
opt_as ::= .
opt_as ::= AS.

%type partitioning {struct src_range}
partitioning(A) ::= .                         { A = (struct src_range){0}; }
partitioning(A) ::= partitioning_given(B).    { A = B; }
%type partitioning_given {struct src_range}
partitioning_given(A) ::= PARTITION(B) BY part_list. [SUBQUERY_AS_EXPR] { A = (struct src_range){.offset = B.offset, .len = (uint32_t)ctx->stmt->text.len - B.offset}; }
%wildcard ANYTHING.
/* Any tokens with balanced parentheses, up to the query of CREATE TABLE … SELECT. */
part_list ::= part.
part_list ::= part_list part.
part ::= ANYTHING.
part ::= LP RP.
part ::= LP part_list RP.
any_list ::= ANYTHING.
any_list ::= any_list ANYTHING.

/* ---- Table options ---- */

%type table_options {struct table_options *}
table_options(A) ::= .                                           { A = NULL; }
table_options(A) ::= table_options_given(B).                     { A = B; }
%type table_options_given {struct table_options *}
table_options_given(A) ::= table_option(B).                      { A = table_options_add(ctx, NULL, &B); }
table_options_given(A) ::= table_options_given(B) opt_comma table_option(C). { A = table_options_add(ctx, B, &C); }
%type table_option {struct table_option}
table_option(A) ::= ENGINE opt_eq ident_or_text(B).              { A = (struct table_option){.kind = OPTION_ENGINE, .text = token_str(&B)}; }
table_option(A) ::= TYPE opt_eq ident_or_text(B).                { A = (struct table_option){.kind = OPTION_ENGINE, .text = token_str(&B)}; }
table_option(A) ::= AUTO_INCREMENT opt_eq uint_num(B).           { A = (struct table_option){.kind = OPTION_AUTO_INCREMENT, .number = B}; }
table_option(A) ::= COMMENT opt_eq STRING(B).                    { A = (struct table_option){.kind = OPTION_COMMENT, .text = token_str(&B)}; }
table_option(A) ::= opt_default charset_word opt_eq charset_name(B). { A = (struct table_option){.kind = OPTION_CHARSET, .text = token_str(&B)}; }
table_option(A) ::= opt_default COLLATE opt_eq charset_name(B).  { A = (struct table_option){.kind = OPTION_COLLATE, .text = token_str(&B)}; }
table_option(A) ::= ROW_FORMAT opt_eq option_value(B).           { A = (struct table_option){.kind = OPTION_ROW_FORMAT, .text = token_str(&B)}; }
table_option(A) ::= IDENT(B) opt_eq option_value(C).             { A = (struct table_option){.kind = OPTION_OTHER, .src = src_join(src_of(&B), src_of(&C))}; }
table_option(A) ::= DATA(B) DIRECTORY opt_eq STRING(C).          { A = (struct table_option){.kind = OPTION_OTHER, .src = src_join(src_of(&B), src_of(&C))}; }
table_option(A) ::= INDEX(B) DIRECTORY opt_eq STRING(C).         { A = (struct table_option){.kind = OPTION_OTHER, .src = src_join(src_of(&B), src_of(&C))}; }
table_option(A) ::= UNION(B) opt_eq LP opt_table_list RP(C).     { A = (struct table_option){.kind = OPTION_OTHER, .src = src_join(src_of(&B), src_of(&C))}; }
table_option(A) ::= START(B) TRANSACTION(C).                     { A = (struct table_option){.kind = OPTION_NONE, .src = src_join(src_of(&B), src_of(&C))}; }
opt_default ::= .
opt_default ::= DEFAULT.
opt_table_list ::= .
opt_table_list ::= table_list.
%type option_value {struct token}
option_value(A) ::= IDENT(B).       { A = B; }
option_value(A) ::= STRING(B).      { A = B; }
option_value(A) ::= INT_NUM(B).     { A = B; }
option_value(A) ::= DECIMAL_NUM(B). { A = B; }
option_value(A) ::= DEFAULT(B).     { A = B; }
option_value(A) ::= ALL(B).         { A = B; }
option_value(A) ::= DECIMAL(B).     { A = B; }
option_value(A) ::= NULL(B).        { A = B; }
