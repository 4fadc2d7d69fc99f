/*
 * Making statements: the values of the grammar's nonterminals and the functions that its actions
 * call with them. As in ast_build.h, none fails; errors are recorded in the context.
 */
#ifndef SQL_STMT_BUILD_H
#define SQL_STMT_BUILD_H

#include "sql/ast_build.h"

/* ---- Tokens ---- */

NODISCARD uint64_t token_u64(struct parse_ctx *ctx, const struct token *t);
NODISCARD uint32_t token_u32(struct parse_ctx *ctx, const struct token *t);
NODISCARD struct str token_upper(struct parse_ctx *ctx, const struct token *t);
/* A syntax error unless the token is the word (upper case). */
void expect_word(struct parse_ctx *ctx, const struct token *t, const char *word);
struct table_name table_name_of(const struct token *db, const struct token *name);

/* ---- Values of nonterminals: expressions ---- */

struct unit {
    struct token token;
    enum interval_unit unit;
};

struct ranged_expr {
    struct src_range src; /* Empty when nothing was written. */
    struct expr *expr;
};

struct over {
    struct src_range src;
    struct window *window; /* NULL: no OVER. */
};

struct frame {
    bool given, is_rows;
    struct frame_bound start, end;
};

enum window_options {
    WINDOW_FROM_LAST = 1u << 0,
    WINDOW_IGNORE_NULLS = 1u << 1,
};

struct group_concat_parts {
    unsigned distinct; /* EXPR_DISTINCT or 0 */
    struct vec args;
    struct vec order;
    struct str separator;
    struct limit limit;
};

/* From the token to the end of the range, if there is one. */
struct src_range src_extend(const struct token *t, struct src_range end);
struct str comparison_name(const struct token *op);

struct expr *predicate1(struct parse_ctx *ctx, const struct token *what, unsigned flags,
                        struct expr *e);
struct expr *predicate2(struct parse_ctx *ctx, struct str name, unsigned flags, struct expr *a,
                        struct expr *b, struct src_range end);
struct expr *predicate3(struct parse_ctx *ctx, struct str name, unsigned flags, struct expr *a,
                        struct expr *b, struct expr *c);
struct expr *expr_quantified(struct parse_ctx *ctx, const struct token *op, unsigned flags,
                             struct expr *left, struct query *query);
struct expr *expr_in_query(struct parse_ctx *ctx, unsigned flags, struct expr *left,
                           struct query *query);
struct expr *expr_in_list(struct parse_ctx *ctx, unsigned flags, struct expr *left,
                          struct vec items, const struct token *end);
struct expr *expr_collate(struct parse_ctx *ctx, struct expr *e, const struct token *name);
struct expr *expr_row(struct parse_ctx *ctx, const struct token *open, struct expr *first,
                      struct vec rest, const struct token *close);
/* {d '…'}, {t '…'}, {ts '…'}; other words stand for the expression itself. */
struct expr *expr_odbc(struct parse_ctx *ctx, const struct token *open, const struct token *word,
                       struct expr *e, const struct token *close);
struct expr *expr_json_arrow(struct parse_ctx *ctx, struct expr *column, const struct token *path,
                             bool unquote);
struct expr *expr_case(struct parse_ctx *ctx, struct src_range src, struct expr *operand,
                       struct vec whens, struct expr *otherwise);
struct expr *expr_national(struct parse_ctx *ctx, const struct token *t);
struct expr *expr_temporal(struct parse_ctx *ctx, enum literal_kind kind,
                           const struct token *prefix, const struct token *text);
struct expr *expr_stored_call(struct parse_ctx *ctx, const struct token *db,
                              const struct token *name, struct vec args, const struct token *close);
struct expr *expr_interval_function(struct parse_ctx *ctx, const struct token *word,
                                    struct expr *first, struct vec rest, const struct token *close);
struct expr *expr_date_function(struct parse_ctx *ctx, const struct token *word, struct expr *date,
                                struct expr *interval, const struct token *close);
struct expr *expr_json_value(struct parse_ctx *ctx, struct src_range src, struct expr *document,
                             struct expr *path, const struct cast_target *returning);
struct expr *expr_aggregate(struct parse_ctx *ctx, const struct token *name, unsigned flags,
                            struct vec args, const struct token *close, struct over over);
struct expr *expr_count_star(struct parse_ctx *ctx, const struct token *name,
                             const struct token *star, const struct token *close, struct over over);
struct expr *expr_group_concat(struct parse_ctx *ctx, const struct token *name,
                               struct group_concat_parts parts, const struct token *close,
                               struct over over);
struct expr *expr_window(struct parse_ctx *ctx, const struct token *name, struct vec args,
                         const struct token *close, unsigned options, struct over over);
struct window *window_named(struct parse_ctx *ctx, const struct token *name);
struct window *window_new(struct parse_ctx *ctx, struct str base, struct vec partition,
                          struct vec order, const struct frame *frame);

/* ---- Values of nonterminals: queries ---- */

struct group_by {
    struct vec items;
    bool rollup;
};

struct locking_clause {
    enum locking strength;
    bool nowait, skip;
};

struct into {
    struct vec vars;
    struct str file;
};

void query_lock(struct query *q, struct locking_clause locking);
/* into may be NULL. */
void query_into(struct query *q, const struct into *into);
struct query *query_with(struct parse_ctx *ctx, struct with_clause *with, struct query *q);
struct query *query_paren(const struct token *open, struct query *q, const struct token *close);
struct query *query_values(struct parse_ctx *ctx, const struct token *word, struct vec rows);
/* TABLE t: SELECT * FROM t. */
struct query *query_table(struct parse_ctx *ctx, const struct token *word,
                          const struct table_name *table);
struct query *query_select(struct parse_ctx *ctx, const struct token *word, unsigned flags,
                           struct vec items, struct select_block *block);
struct select_block *select_tail(struct parse_ctx *ctx, struct table_ref *from, struct expr *where,
                                 struct group_by group_by, struct expr *having, struct vec windows);
struct select_item select_star(struct parse_ctx *ctx, const struct token *star);
struct into *into_vars(struct parse_ctx *ctx, struct vec vars);
struct into *into_file(struct parse_ctx *ctx, const struct token *file);
struct with_clause *with_new(struct parse_ctx *ctx, struct vec ctes, bool recursive);
struct cte *cte_new(struct parse_ctx *ctx, const struct token *name, struct vec columns,
                    struct query *query);

struct table_ref *table_base(struct parse_ctx *ctx, const struct table_name *name,
                             const struct token *alias);
struct table_ref *table_derived(struct parse_ctx *ctx, struct query *query,
                                const struct token *alias, struct vec columns);
struct table_ref *table_json(struct parse_ctx *ctx, struct src_range src, struct expr *source,
                             const struct token *alias);
struct table_ref *table_join_comma(struct parse_ctx *ctx, struct table_ref *left,
                                   struct table_ref *right);
struct table_ref *table_join_using(struct parse_ctx *ctx, enum join_kind kind,
                                   struct table_ref *left, struct table_ref *right,
                                   struct vec columns, const struct token *close);
struct table_ref *table_join_natural(struct parse_ctx *ctx, enum join_kind kind,
                                     struct table_ref *left, struct table_ref *right);

/* ---- Values of nonterminals: changing rows ---- */

struct order_limit {
    struct vec order;
    struct limit limit;
};

struct insert_source {
    bool has_columns, is_set;
    struct vec columns; /* struct str */
    struct vec sets;    /* struct assignment, INSERT … SET */
    struct query *query;
};

struct insert_tail {
    struct str alias;
    struct vec alias_columns;
    struct vec updates;
};

struct load_fields {
    struct str terminated, enclosed, escaped;
    bool optionally;
};

struct load_lines {
    struct str terminated, starting;
};

struct load_parts {
    bool local;
    struct str file;
    enum duplicates duplicates;
    struct str charset;
    struct load_fields fields;
    struct load_lines lines;
    uint64_t ignore_lines;
    struct vec targets;
    struct vec sets;
};

void build_insert(struct parse_ctx *ctx, enum stmt_kind kind, bool ignore,
                  const struct table_name *table, struct insert_source source,
                  struct insert_tail tail);
void build_update(struct parse_ctx *ctx, bool ignore, struct table_ref *from, struct vec sets,
                  struct expr *where, struct order_limit tail);
void build_delete(struct parse_ctx *ctx, bool ignore, struct vec targets, struct table_ref *from,
                  struct expr *where, struct order_limit tail);
void build_load(struct parse_ctx *ctx, const struct table_name *table, struct load_parts parts);
struct load_fields load_fields_merge(struct load_fields a, struct load_fields b);
void build_exprs(struct parse_ctx *ctx, enum stmt_kind kind, struct vec exprs);
void build_admin(struct parse_ctx *ctx, enum stmt_kind kind, struct str verb, struct vec tables);
struct vec vec_of_table(struct parse_ctx *ctx, const struct table_name *table);

/* ---- Values of nonterminals: definitions ---- */

struct precision {
    bool given, has_scale;
    uint32_t length, scale;
};

struct charset_attr {
    struct str charset;
    bool binary;
};

enum column_attr_kind {
    ATTR_NONE,
    ATTR_NULL,
    ATTR_NOT_NULL,
    ATTR_DEFAULT,
    ATTR_ON_UPDATE,
    ATTR_AUTO_INCREMENT,
    ATTR_SERIAL_DEFAULT,
    ATTR_PRIMARY,
    ATTR_UNIQUE,
    ATTR_COMMENT,
    ATTR_COLLATE,
    ATTR_INVISIBLE,
    ATTR_CHECK,
    ATTR_GENERATED,
    ATTR_REFERENCES,
};

struct column_attr {
    enum column_attr_kind kind;
    enum column_generated generated;
    bool not_enforced;
    struct expr *expr;
    struct src_range src;
    struct str text;
};

struct column_attrs {
    struct vec list; /* struct column_attr */
};

struct index_options {
    struct str algorithm, comment;
    bool invisible;
};

struct fk_actions {
    enum fk_action on_delete, on_update;
};

struct create_flags {
    bool or_replace, temporary, if_not_exists;
};

struct table_element {
    struct column_spec *column;
    struct index_spec *index;
    struct check_spec *check;
};

struct table_elements {
    struct vec columns, indexes, checks;
};

enum table_option_kind {
    OPTION_NONE,
    OPTION_ENGINE,
    OPTION_AUTO_INCREMENT,
    OPTION_COMMENT,
    OPTION_CHARSET,
    OPTION_COLLATE,
    OPTION_ROW_FORMAT,
    OPTION_OTHER,
};

struct table_option {
    enum table_option_kind kind;
    struct str text;
    uint64_t number;
    struct src_range src;
};

struct placement {
    bool first;
    struct str after;
};

struct create_query {
    enum duplicates duplicates;
    struct query *query;
};

struct table_body {
    struct table_elements *elements;
    struct table_options *options;
    struct src_range partitioned; /* Empty: not. */
    struct create_query query;
};

struct column_spec *column_type_new(struct parse_ctx *ctx, enum mysql_type type,
                                    struct precision p);
struct column_spec *column_type_float(struct parse_ctx *ctx, const struct token *word,
                                      struct precision p);
struct column_spec *column_type_serial(struct parse_ctx *ctx);
struct column_spec *column_type_temporal(struct parse_ctx *ctx, enum mysql_type type,
                                         struct precision p);
struct column_spec *column_type_text(struct parse_ctx *ctx, enum mysql_type type,
                                     struct precision p, struct charset_attr attr);
struct column_spec *column_type_bytes(struct parse_ctx *ctx, enum mysql_type type,
                                      struct precision p);
struct column_spec *column_type_labels(struct parse_ctx *ctx, enum mysql_type type,
                                       struct vec labels, struct charset_attr attr);
/* A type that is no keyword: MariaDB's UUID, INET6 and the like, which are refused; else a syntax
 * error. */
struct column_spec *column_type_named(struct parse_ctx *ctx, const struct token *name);
struct cast_target *cast_target(struct parse_ctx *ctx, enum mysql_type type, struct precision p);
struct cast_target *cast_target_char(struct parse_ctx *ctx, struct precision p,
                                     struct charset_attr attr);
struct cast_target *cast_target_temporal(struct parse_ctx *ctx, enum mysql_type type,
                                         struct precision p);
struct cast_target *cast_target_float(struct parse_ctx *ctx, const struct token *word,
                                      struct precision p);

struct column_spec *column_new(struct parse_ctx *ctx, struct str name, struct column_spec *type,
                               const struct column_attrs *attrs);
struct index_spec *index_new(struct parse_ctx *ctx, enum index_kind kind, struct str name,
                             struct vec parts, const struct index_options *options,
                             struct str algorithm);
struct index_spec *index_references(struct parse_ctx *ctx, const struct table_name *table,
                                    struct vec columns, struct fk_actions actions);
void index_make_foreign(struct index_spec *index, struct str name, struct vec parts);
struct check_spec *check_new(struct parse_ctx *ctx, struct str name, struct expr *expr,
                             struct src_range src, bool not_enforced);
struct table_elements *table_elements_add(struct parse_ctx *ctx, struct table_elements *all,
                                          const struct table_element *element);
struct table_options *table_options_add(struct parse_ctx *ctx, struct table_options *all,
                                        const struct table_option *option);
void build_create_table_head(struct parse_ctx *ctx, struct create_flags flags,
                             const struct table_name *table);
void build_create_table(struct parse_ctx *ctx, const struct table_body *body);
void build_create_like(struct parse_ctx *ctx, const struct table_name *like);
void build_database(struct parse_ctx *ctx, enum stmt_kind kind, struct database_stmt database);

struct database_stmt database_options_merge(struct database_stmt a, struct database_stmt b);
void build_drop(struct parse_ctx *ctx, enum stmt_kind kind, struct drop_stmt drop,
                struct vec tables);

/* pairs: from and to, in turn. */
void build_rename(struct parse_ctx *ctx, struct vec pairs);
void build_view(struct parse_ctx *ctx, struct create_flags flags, const struct table_name *name,
                struct vec columns, struct query *query);
void build_create_index(struct parse_ctx *ctx, const struct table_name *table,
                        const struct index_spec *index, bool if_not_exists);
void build_drop_index(struct parse_ctx *ctx, const struct table_name *table, struct str name,
                      bool if_exists);
void build_alter(struct parse_ctx *ctx, bool ignore, const struct table_name *table,
                 struct vec actions);
struct alter_action *alter_new(struct parse_ctx *ctx, enum alter_kind kind, struct str name);
struct alter_action *alter_column(struct parse_ctx *ctx, enum alter_kind kind,
                                  const struct column_spec *column,
                                  const struct placement *placement);
struct alter_action *alter_rename(struct parse_ctx *ctx, enum alter_kind kind,
                                  const struct token *from, const struct token *to);
/* ADD (a INT, KEY (a)): one action each. */
void alter_add_elements(struct parse_ctx *ctx, struct vec *actions,
                        const struct table_elements *elements, bool if_not_exists);
struct vec alter_partition(struct parse_ctx *ctx);

/* ---- Values of nonterminals: administration ---- */

struct lock_item {
    struct table_name table;
    bool write;
};

struct grant_item {
    struct src_range words; /* The privilege's words, or the role's name, as written. */
    struct str role;        /* A role written as a string. */
    struct str host;        /* Of a role; p NULL = any. */
    struct vec columns;
};

struct grant_object {
    bool all_dbs, db_level;
    struct table_name table;
};

/* What follows the accounts of GRANT, and stands around those of REVOKE. */
enum grant_option_flags {
    GRANT_WITH_GRANT = 1u << 0,
    GRANT_WITH_ADMIN = 1u << 1,
    REVOKE_IF_EXISTS = 1u << 2,
    REVOKE_IGNORE_UNKNOWN = 1u << 3,
};

struct grant_tail {
    struct vec users; /* struct user_spec */
    unsigned options;
};

struct set_name {
    struct str component, name;
};

struct show_filter {
    struct str like;
    struct expr *where;
};

enum show_flags {
    SHOW_IS_FULL = 1u << 0,
    SHOW_IS_EXTENDED = 1u << 1,
};

void build_set(struct parse_ctx *ctx, struct vec items);
struct set_item *set_item_new(struct parse_ctx *ctx, enum var_scope scope, struct str name,
                              struct expr *value);
/* From @@[scope.]name, as expr_system_var() reads it. */
struct set_item *set_item_at(struct parse_ctx *ctx, const struct expr *var, struct expr *value);
/* A bare word on the right side is a text. */
struct expr *set_word(struct parse_ctx *ctx, struct expr *e);
void build_show(struct parse_ctx *ctx, struct show_stmt *show);
struct show_stmt *show_new(struct parse_ctx *ctx, enum show_kind kind,
                           const struct show_filter *filter);
struct show_stmt *show_columns(struct parse_ctx *ctx, unsigned flags,
                               const struct table_name *table, struct str db,
                               const struct show_filter *filter);
/* SHOW PINTAIL what: any other words are a syntax error at them. */
struct show_stmt *show_pintail(struct parse_ctx *ctx, const struct token *what,
                               const struct show_filter *filter);
void build_transaction(struct parse_ctx *ctx, enum stmt_kind kind,
                       struct transaction_stmt transaction);
struct transaction_stmt transaction_merge(struct transaction_stmt a, struct transaction_stmt b);
void build_savepoint(struct parse_ctx *ctx, enum stmt_kind kind, const struct token *name);
void build_lock(struct parse_ctx *ctx, struct vec items);
void build_kill(struct parse_ctx *ctx, bool query_only, struct expr *id);
void build_prepare(struct parse_ctx *ctx, enum stmt_kind kind, struct prepare_stmt prepare);
/* The statement explained is built in a struct of its own, between the two calls; begin returns the
 * outer one. */
struct stmt *explain_begin(struct parse_ctx *ctx);
void explain_end(struct parse_ctx *ctx, struct stmt *outer, struct explain_stmt explain);
void build_describe(struct parse_ctx *ctx, const struct table_name *table, struct str column);
/* FLUSH: what is flushed is the text from the token on. */
void build_flush(struct parse_ctx *ctx, struct token first);
void build_replica(struct parse_ctx *ctx, enum stmt_kind kind, struct replica_stmt replica);
/* The name loses SOURCE_ or MASTER_. */
struct replica_option replica_option(const struct token *name, struct str value);
/* PINTAIL COPY, DROP, VERIFY TABLE: any other word is a syntax error at it. */
void build_pintail(struct parse_ctx *ctx, const struct token *verb, struct vec tables);
void build_other(struct parse_ctx *ctx, struct str what);
void build_user(struct parse_ctx *ctx, enum stmt_kind kind, struct user_stmt options,
                struct vec users);
void build_rename_user(struct parse_ctx *ctx, struct vec pairs);
struct vec vec_of_user(struct parse_ctx *ctx, const struct user_spec *user);
struct vec users_of_accounts(struct parse_ctx *ctx, struct vec accounts);
struct role_choice role_choice(enum role_mode mode, struct vec accounts);
struct number_option number_given(struct parse_ctx *ctx, const struct token *number);
unsigned revoke_options(bool if_exists, bool ignore_unknown);
/* object NULL: roles. */
void build_grant(struct parse_ctx *ctx, enum stmt_kind kind, struct vec items,
                 const struct grant_object *object, struct grant_tail tail);
struct account_name *account_copy(struct parse_ctx *ctx, const struct account_name *account);

#endif
