/* ---- Accounts ---- */

%type account {struct account_name}
account(A) ::= ident_or_text(B).                { A = (struct account_name){.user = token_str(&B), .host = STR("%")}; }
account(A) ::= ident_or_text(B) USER_VAR(C).    { A = (struct account_name){.user = token_str(&B), .host = token_str(&C)}; }
account(A) ::= CURRENT_USER opt_parens.         { A = (struct account_name){.current = true}; }
%type account_list {struct vec}
account_list(A) ::= account(B).                       { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct account_name, B); }
account_list(A) ::= account_list(A) COMMA account(B). { VEC_PUSH(ctx, &A, struct account_name, B); }
%type using_roles {struct role_choice}
using_roles(A) ::= .                          { A = (struct role_choice){0}; }
using_roles(A) ::= USING account_list(B).     { A = role_choice(ROLES_LISTED, B); }

statement ::= CREATE or_replace USER if_not_exists(A) user_specs(B) user_options(C). { C.if_exists = A; build_user(ctx, STMT_CREATE_USER, C, B); }
statement ::= ALTER USER if_exists(A) user_specs(B) user_options(C). { C.if_exists = A; build_user(ctx, STMT_ALTER_USER, C, B); }
statement ::= ALTER USER if_exists(A) USER LP RP user_auth(B).       { B.account.current = true; build_user(ctx, STMT_ALTER_USER, (struct user_stmt){.if_exists = A}, vec_of_user(ctx, &B)); }
statement ::= DROP USER if_exists(A) account_list(B).                { build_user(ctx, STMT_DROP_USER, (struct user_stmt){.if_exists = A}, users_of_accounts(ctx, B)); }
statement ::= RENAME USER rename_users(A).                           { build_rename_user(ctx, A); }
statement ::= CREATE or_replace ROLE if_not_exists(A) account_list(B) role_admin. { build_user(ctx, STMT_CREATE_ROLE, (struct user_stmt){.if_exists = A}, users_of_accounts(ctx, B)); }
statement ::= DROP ROLE if_exists(A) account_list(B).                { build_user(ctx, STMT_DROP_ROLE, (struct user_stmt){.if_exists = A}, users_of_accounts(ctx, B)); }
role_admin ::= .
role_admin ::= WITH ADMIN account.
%type rename_users {struct vec}
rename_users(A) ::= account(B) TO account(C).                        { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct account_name, B); VEC_PUSH(ctx, &A, struct account_name, C); }
rename_users(A) ::= rename_users(A) COMMA account(B) TO account(C).  { VEC_PUSH(ctx, &A, struct account_name, B); VEC_PUSH(ctx, &A, struct account_name, C); }

%type user_specs {struct vec}
user_specs(A) ::= user_spec(B).                       { A = vec_of_user(ctx, &B); }
user_specs(A) ::= user_specs(A) COMMA user_spec(B).   { VEC_PUSH(ctx, &A, struct user_spec, B); }
%type user_spec {struct user_spec}
user_spec(A) ::= account(B).                          { A = (struct user_spec){.account = B}; }
user_spec(A) ::= account(B) user_auth(C).             { A = C; A.account = B; }
user_spec(A) ::= account(B) DISCARD OLD PASSWORD.     { A = (struct user_spec){.account = B}; }
%type user_auth {struct user_spec}
user_auth(A) ::= IDENTIFIED BY STRING(B) auth_tail.              { A = (struct user_spec){.password = token_str(&B)}; }
user_auth(A) ::= IDENTIFIED BY PASSWORD STRING(B).               { A = (struct user_spec){.plugin = STR("mysql_native_password"), .auth_string = token_str(&B)}; }
user_auth(A) ::= IDENTIFIED BY RANDOM PASSWORD auth_tail.        { A = (struct user_spec){0}; parse_unsupported(ctx, "RANDOM PASSWORD"); }
user_auth(A) ::= IDENTIFIED with_or_via ident_or_text(B). [SUBQUERY_AS_EXPR]     { A = (struct user_spec){.plugin = token_str(&B)}; }
user_auth(A) ::= IDENTIFIED with_or_via ident_or_text(B) BY STRING(C) auth_tail. { A = (struct user_spec){.plugin = token_str(&B), .password = token_str(&C)}; }
user_auth(A) ::= IDENTIFIED with_or_via ident_or_text(B) BY RANDOM PASSWORD auth_tail. { A = (struct user_spec){.plugin = token_str(&B)}; parse_unsupported(ctx, "RANDOM PASSWORD"); }
user_auth(A) ::= IDENTIFIED with_or_via ident_or_text(B) AS auth_string(C) retain_current. { A = (struct user_spec){.plugin = token_str(&B), .auth_string = C}; }
user_auth(A) ::= IDENTIFIED with_or_via ident_or_text(B) USING STRING(C). { A = (struct user_spec){.plugin = token_str(&B), .auth_string = token_str(&C)}; }
user_auth(A) ::= IDENTIFIED with_or_via ident_or_text(B) USING PASSWORD LP STRING(C) RP. { A = (struct user_spec){.plugin = token_str(&B), .password = token_str(&C)}; }
%type auth_string {struct str}
auth_string(A) ::= STRING(B).        { A = token_str(&B); }
auth_string(A) ::= HEX_NUM(B).       { A = expr_hex(ctx, &B)->lit.value.str; }
with_or_via ::= WITH.
with_or_via ::= VIA.
auth_tail ::= auth_replace retain_current.
auth_replace ::= .
auth_replace ::= REPLACE STRING.
retain_current ::= .
retain_current ::= RETAIN CURRENT PASSWORD.

%type user_options {struct user_stmt}
user_options(A) ::= .                                        { A = (struct user_stmt){0}; }
user_options(A) ::= user_options(A) REQUIRE NONE.            { A.has_require_ssl = true; A.require_ssl = false; }
user_options(A) ::= user_options(A) REQUIRE require_list.    { A.has_require_ssl = true; A.require_ssl = true; }
user_options(A) ::= user_options(A) WITH user_limits(B).     { A.connections = B.given ? B : A.connections; }
user_options(A) ::= user_options(A) DEFAULT ROLE role_list(B). { A.roles = B; }
user_options(A) ::= user_options(A) PASSWORD EXPIRE. [SUBQUERY_AS_EXPR]      { A.has_expire = true; A.expired = true; }
user_options(A) ::= user_options(A) PASSWORD EXPIRE DEFAULT. { A.has_expire = true; A.expired = false; }
user_options(A) ::= user_options(A) PASSWORD EXPIRE NEVER.   { A.has_expire = true; A.expired = false; }
user_options(A) ::= user_options(A) PASSWORD EXPIRE INTERVAL INT_NUM DAY. { A.has_expire = true; A.expired = false; }
user_options(A) ::= user_options(A) PASSWORD HISTORY default_or_number.
user_options(A) ::= user_options(A) PASSWORD REUSE INTERVAL default_or_days.
user_options(A) ::= user_options(A) PASSWORD REQUIRE CURRENT current_rule.
user_options(A) ::= user_options(A) FAILED_LOGIN_ATTEMPTS INT_NUM(B). { A.failed_logins = number_given(ctx, &B); }
user_options(A) ::= user_options(A) PASSWORD_LOCK_TIME INT_NUM(B). { A.lock_days = number_given(ctx, &B); }
user_options(A) ::= user_options(A) PASSWORD_LOCK_TIME UNBOUNDED. { A.lock_days = (struct number_option){.given = true, .value = -1}; }
user_options(A) ::= user_options(A) ACCOUNT LOCK.            { A.has_lock = true; A.locked = true; }
user_options(A) ::= user_options(A) ACCOUNT UNLOCK.          { A.has_lock = true; A.locked = false; }
user_options(A) ::= user_options(A) COMMENT STRING.
user_options(A) ::= user_options(A) ATTRIBUTE STRING.
default_or_number ::= DEFAULT.
default_or_number ::= INT_NUM.
default_or_days ::= DEFAULT.
default_or_days ::= INT_NUM DAY.
current_rule ::= . [SUBQUERY_AS_EXPR]
current_rule ::= DEFAULT.
current_rule ::= OPTIONAL.
require_list ::= require_item.
require_list ::= require_list require_item.
require_list ::= require_list AND require_item.
require_item ::= SSL.
require_item ::= X509.
require_item ::= CIPHER STRING.
require_item ::= ISSUER STRING.
require_item ::= SUBJECT STRING.
%type user_limits {struct number_option}
user_limits(A) ::= user_limit(B).                 { A = B; }
user_limits(A) ::= user_limits(B) user_limit(C).  { A = C.given ? C : B; }
%type user_limit {struct number_option}
user_limit(A) ::= user_limit_name number.         { A = (struct number_option){0}; }
user_limit(A) ::= MAX_USER_CONNECTIONS INT_NUM(B). { A = number_given(ctx, &B); }
user_limit_name ::= MAX_QUERIES_PER_HOUR.
user_limit_name ::= MAX_UPDATES_PER_HOUR.
user_limit_name ::= MAX_CONNECTIONS_PER_HOUR.
user_limit_name ::= MAX_STATEMENT_TIME.
%type role_list {struct role_choice}
role_list(A) ::= account_list(B).    { A = role_choice(ROLES_LISTED, B); }
role_list(A) ::= NONE.               { A = (struct role_choice){.mode = ROLES_NONE}; }
role_list(A) ::= ALL.                { A = (struct role_choice){.mode = ROLES_ALL}; }

statement ::= SET PASSWORD equals password_value(A).                 { A.account.current = true; build_user(ctx, STMT_SET_PASSWORD, (struct user_stmt){0}, vec_of_user(ctx, &A)); }
statement ::= SET PASSWORD FOR account(A) equals password_value(B).  { B.account = A; build_user(ctx, STMT_SET_PASSWORD, (struct user_stmt){0}, vec_of_user(ctx, &B)); }
%type password_value {struct user_spec}
password_value(A) ::= STRING(B) auth_tail.                           { A = (struct user_spec){.password = token_str(&B)}; }
password_value(A) ::= PASSWORD LP STRING(B) RP.                      { A = (struct user_spec){.password = token_str(&B)}; }
statement ::= SET ROLE set_roles(A).                                 { build_user(ctx, STMT_SET_ROLE, (struct user_stmt){.roles = A}, (struct vec){0}); }
statement ::= SET DEFAULT ROLE role_list(A) TO account_list(B).      { build_user(ctx, STMT_SET_DEFAULT_ROLE, (struct user_stmt){.roles = A}, users_of_accounts(ctx, B)); }
statement ::= SET DEFAULT ROLE ident_or_text FOR account.            { build_other(ctx, STR("SET DEFAULT ROLE")); }
%type set_roles {struct role_choice}
set_roles(A) ::= role_list(B).                      { A = B; }
set_roles(A) ::= DEFAULT.                           { A = (struct role_choice){.mode = ROLES_DEFAULT}; }
set_roles(A) ::= ALL EXCEPT account_list(B).        { A = role_choice(ROLES_ALL_EXCEPT, B); }

/* ---- GRANT and REVOKE ---- */

statement ::= GRANT privs(A) ON grant_object(B) TO user_specs(C) grant_options(D). { build_grant(ctx, STMT_GRANT, A, &B, (struct grant_tail){.users = C, .options = D}); }
statement ::= GRANT privs(A) TO user_specs(B) grant_options(C).    { build_grant(ctx, STMT_GRANT, A, NULL, (struct grant_tail){.users = B, .options = C}); }
statement ::= REVOKE if_exists(D) privs(A) ON grant_object(B) FROM account_list(C) revoke_tail(E). { build_grant(ctx, STMT_REVOKE, A, &B, (struct grant_tail){.users = users_of_accounts(ctx, C), .options = revoke_options(D, E)}); }
statement ::= REVOKE if_exists(D) privs(A) FROM account_list(B) revoke_tail(E). { build_grant(ctx, STMT_REVOKE, A, NULL, (struct grant_tail){.users = users_of_accounts(ctx, B), .options = revoke_options(D, E)}); }
%type revoke_tail {bool}
revoke_tail(A) ::= .                      { A = false; }
revoke_tail(A) ::= IGNORE UNKNOWN USER.   { A = true; }
%type privs {struct vec}
privs(A) ::= priv(B).                   { A = (struct vec){0}; VEC_PUSH(ctx, &A, struct grant_item, B); }
privs(A) ::= privs(A) COMMA priv(B).    { VEC_PUSH(ctx, &A, struct grant_item, B); }
%type priv {struct grant_item}
priv(A) ::= priv_words(B) opt_ident_list(C).  { A = (struct grant_item){.words = B, .columns = C}; }
priv(A) ::= priv_words(B) USER_VAR(C).        { A = (struct grant_item){.words = B, .host = token_str(&C)}; }
priv(A) ::= STRING(B).                        { A = (struct grant_item){.words = src_of(&B), .role = token_str(&B)}; }
priv(A) ::= STRING(B) USER_VAR(C).            { A = (struct grant_item){.words = src_of(&B), .role = token_str(&B), .host = token_str(&C)}; }
%type priv_words {struct src_range}
priv_words(A) ::= priv_word(B).               { A = src_of(&B); }
priv_words(A) ::= priv_words(B) priv_word(C). { A = src_join(B, src_of(&C)); }
%type priv_word {struct token}
priv_word(A) ::= IDENT(B).       { A = B; }
priv_word(A) ::= ALL(B).         { A = B; }
priv_word(A) ::= SELECT(B).      { A = B; }
priv_word(A) ::= INSERT(B).      { A = B; }
priv_word(A) ::= UPDATE(B).      { A = B; }
priv_word(A) ::= DELETE(B).      { A = B; }
priv_word(A) ::= CREATE(B).      { A = B; }
priv_word(A) ::= ALTER(B).       { A = B; }
priv_word(A) ::= DROP(B).        { A = B; }
priv_word(A) ::= INDEX(B).       { A = B; }
priv_word(A) ::= REFERENCES(B).  { A = B; }
priv_word(A) ::= TRIGGER(B).     { A = B; }
priv_word(A) ::= GRANT(B).       { A = B; }
priv_word(A) ::= SHOW(B).        { A = B; }
priv_word(A) ::= LOCK(B).        { A = B; }
priv_word(A) ::= USAGE(B).       { A = B; }
priv_word(A) ::= DATABASES(B).   { A = B; }
%type grant_object {struct grant_object}
grant_object(A) ::= grant_kind STAR.                    { A = (struct grant_object){.db_level = true}; }
grant_object(A) ::= grant_kind STAR DOT STAR.           { A = (struct grant_object){.all_dbs = true}; }
grant_object(A) ::= grant_kind ident(B) DOT STAR.       { A = (struct grant_object){.db_level = true, .table.db = token_str(&B)}; }
grant_object(A) ::= grant_kind table_path(B).           { A = (struct grant_object){.table = B}; }
grant_object(A) ::= grant_kind STRING USER_VAR.         { A = (struct grant_object){0}; parse_unsupported(ctx, "PROXY"); }
grant_kind ::= .
grant_kind ::= TABLE.
grant_kind ::= FUNCTION.
grant_kind ::= PROCEDURE.
%type grant_options {unsigned}
grant_options(A) ::= .                                           { A = 0; }
grant_options(A) ::= grant_options(A) REQUIRE NONE.
grant_options(A) ::= grant_options(A) REQUIRE require_list.
grant_options(A) ::= grant_options(B) WITH grant_withs(C).       { A = B | C; }
grant_options(A) ::= grant_options(A) AS account.
%type grant_withs {unsigned}
grant_withs(A) ::= grant_with(B).                                { A = B; }
grant_withs(A) ::= grant_withs(B) grant_with(C).                 { A = B | C; }
%type grant_with {unsigned}
grant_with(A) ::= GRANT OPTION.                                  { A = GRANT_WITH_GRANT; }
grant_with(A) ::= ADMIN OPTION.                                  { A = GRANT_WITH_ADMIN; }
grant_with(A) ::= user_limit.                                    { A = 0; }
