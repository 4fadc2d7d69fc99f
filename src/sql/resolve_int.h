/*
 * Private to the resolver: scopes, the type rules, and what its files share.
 *
 * A struct resolver lives for one statement. Each query block has a struct scope; scopes are linked
 * to the enclosing block's, so that a name not found is looked for outside. Expressions are
 * resolved bottom up; then derive_type() gives each its result type from its arguments' types.
 */
#ifndef SQL_RESOLVE_INT_H
#define SQL_RESOLVE_INT_H

#include "base/arena.h"
#include "base/diag.h"
#include "sql/ast.h"
#include "sql/functions.h"
#include "sql/resolve.h"

/* How a function's result type follows from its arguments; the column `type_rule` of functions.def.
 */
enum type_rule {
    TR_NONE, /* not proven: refused */
    TR_BOOL,
    TR_ADD,
    TR_SUB,
    TR_MUL,
    TR_DIV,
    TR_INT_DIV,
    TR_MOD,
    TR_NEG,
    TR_BITS,
    TR_IF,
    TR_IFNULL,
    TR_COALESCE,
    TR_NULLIF,
    TR_GREATEST,
    TR_ELT,
    TR_CONCAT,
    TR_CONCAT_WS,
    TR_SAME_STRING,
    TR_LEFT,
    TR_SUBSTRING,
    TR_REPLACE,
    TR_REPEAT,
    TR_PAD,
    TR_SPACE,
    TR_HEX,
    TR_CONVERT_USING,
    TR_BINARY,
    TR_TEXT,        /* text of len characters in the connection's collation; nullable */
    TR_SYSTEM_TEXT, /* text that tells of the system: coercibility 3 */
    TR_USER,
    TR_VERSION,
    TR_NAME,     /* names of days and months */
    TR_INT,      /* an INT of MariaDB, a BIGINT of MySQL; NULL only if an argument is */
    TR_INT_NULL, /* the same, always nullable */
    TR_UINT,     /* TR_INT, unsigned */
    TR_BIGINT,   /* BIGINT on both */
    TR_BIGINT_NULL,
    TR_UBIGINT,
    TR_CONNECTION_ID,
    TR_DOUBLE,    /* DOUBLE, always nullable */
    TR_DOUBLE_NN, /* DOUBLE, nullable if an argument is */
    TR_PI,
    TR_ABS,
    TR_ROUND,
    TR_TRUNCATE,
    TR_FLOOR,
    TR_DATE,
    TR_DATE_NN,
    TR_TIME,
    TR_DATETIME,
    TR_NOW,
    TR_CURTIME,
    TR_DATE_ADD,
    TR_EXTRACT,
    TR_YEAR,
    TR_DATE_FORMAT,
    TR_UNIX_TIMESTAMP,
    TR_COUNT,
    TR_SUM,
    TR_AVG,
    TR_MIN_MAX,
    TR_ANY_VALUE,
    TR_GROUP_CONCAT,
    TR_STD,
    TR_RANK,
    TR_PERCENT,
    TR_LAG,
    TR_UNHEX,
    TR_CHAR,
    TR_CHAR_USING,
    TR_FORMAT,
    TR_QUOTE,
    TR_SOUNDEX,
    TR_INSERT,
    TR_BASE64,
    TR_SHA2,
    TR_INET_ATON,
    TR_RANDOM_BYTES,
    TR_INTERVAL_FN,
    TR_TIMESTAMPADD,
    TR_STR_TO_DATE,
    TR_TIME_RESULT,
    TR_ADDTIME,
    TR_FROM_UNIXTIME,
    TR_CONVERT_TZ,
    TYPE_RULE_COUNT,
};

/* Which part of a statement is being resolved: decides what names see, and how errors call it. */
enum clause {
    CLAUSE_FIELD_LIST,
    CLAUSE_ON,
    CLAUSE_WHERE,
    CLAUSE_GROUP,
    CLAUSE_HAVING,
    CLAUSE_ORDER,
    CLAUSE_FROM,
    CLAUSE_COUNT,
};

/* A column as FROM shows it; the columns merged by USING appear once. */
struct from_column {
    struct table_ref *table;
    uint32_t index;
};

struct from_list {
    uint32_t count;
    struct from_column *columns;
};

struct scope {
    struct scope *outer;
    struct query *query;
    struct select_block *block; /* NULL for the ORDER BY of a set operation */
    struct from_list from;      /* what unqualified names and * see */
    uint32_t leaf_count;
    uint32_t leaf_cap;
    struct table_ref **leaves;
    uint32_t leaf_first; /* while an ON is resolved: the leaves of its join */
    uint32_t leaf_end;
    enum clause clause;
    bool items_resolved;   /* the select list may be referred to */
    unsigned in_aggregate; /* depth of aggregate functions around the expression */
    bool correlated;
    bool has_aggregate;
    bool has_window;
};

/* The WITH clauses in force: inner ones first. */
struct cte_scope {
    struct cte_scope *outer;
    struct with_clause *with;
    uint32_t visible; /* how many of its tables may be named so far */
    struct cte *self; /* the recursive one being resolved, or NULL */
};

struct resolver {
    const struct resolve_env *env;
    struct arena *arena;
    struct diag *diag;
    struct str text; /* the statement, for column names */
    struct cte_scope *ctes;
    uint32_t next_leaf;
    uint32_t next_cte;
    unsigned depth; /* nesting of query blocks */
};

static inline bool resolver_is_mariadb(const struct resolver *r)
{
    return r->env->dialect == DIALECT_MARIADB;
}

/* Refuses a construct that has no proven rule: 1235, naming it. Returns -1. */
int resolve_refuse(struct resolver *r, const char *what);

/* ---- resolve_expr.c ---- */

/* Resolves the expression in *pe, which may be replaced by another node. */
NODISCARD int resolve_expr(struct resolver *r, struct scope *s, struct expr **pe);

/* Is e of one column (not a row)? Sets 1241 otherwise. */
NODISCARD int resolve_check_scalar(struct resolver *r, const struct expr *e);

/* Structural equality of resolved expressions. */
NODISCARD bool expr_equal(const struct expr *a, const struct expr *b);

/* ---- resolve_name.c ---- */

/* What the dialect's messages call a clause. */
NODISCARD const char *resolve_clause_name(const struct resolver *r, enum clause clause);

/* Binds a column name (EXPR_COLUMN); *pe becomes the select item's expression when the name is an
 * alias. */
NODISCARD int resolve_column(struct resolver *r, struct scope *s, struct expr **pe);

/* The select item that a name in GROUP BY, HAVING or ORDER BY means, or -1; -2 with diag when it is
 * ambiguous. */
NODISCARD int32_t resolve_find_item(struct resolver *r, struct scope *s, const struct expr *name);

/* Binds a name to FROM's columns of this block only: 1 found, 0 not found, -1 with diag
 * (ambiguous). */
NODISCARD int resolve_find_column(struct resolver *r, struct scope *s, struct expr *e);

/* Replaces stars in the select list. */
NODISCARD int resolve_expand_stars(struct resolver *r, struct scope *s);

/* Resolves FROM: leaves, joins, and their conditions. */
NODISCARD int resolve_from(struct resolver *r, struct scope *s, struct table_ref *t,
                           struct from_list *out);

/* ---- resolve.c ---- */

/* Resolves a query expression; outer is the scope of the block it stands in, or NULL. */
NODISCARD int resolve_query(struct resolver *r, struct scope *outer, struct query *q);

/* ---- resolve_group.c ---- */

/* Checks that grouped blocks refer only to what is one value per group: 1055, 1140. */
NODISCARD int resolve_check_grouping(struct resolver *r, struct scope *s);

/* ---- resolve_stored.c ---- */

/* Gives the columns of a derived table or CTE the types of a temporary table's fields, if the
 * servers make one of it. */
void resolve_store_derived(const struct resolver *r, struct query *q);
/* The same for a set operation whose rows go through a temporary table. */
void resolve_store_set(struct query *q);

/* ---- types_derive.c ---- */

/* Gives e, whose arguments are resolved, its type, collation and coercibility. */
NODISCARD int derive_type(struct resolver *r, struct expr *e);

/* The type of a literal. */
void derive_literal(struct resolver *r, struct expr *e);

/*
 * The common type of values that take one place: branches of CASE, columns of a UNION, arguments of
 * COALESCE. Nullable if one of them is.
 */
NODISCARD int derive_common(struct resolver *r, struct expr **args, uint32_t count,
                            struct sql_type *out_type, enum coercibility *out_coercibility);

/* The collation in which strings among the arguments are compared or joined: 1267 when there is
 * none. */
NODISCARD int derive_collation(struct resolver *r, struct expr **args, uint32_t count,
                               const char *what, uint16_t *out_collation,
                               enum coercibility *out_coercibility);

/* ---- types_derive_num.c, _str.c, _time.c: the rules ---- */

typedef int derive_fn(struct resolver *r, struct expr *e);

int derive_add(struct resolver *r, struct expr *e);
int derive_sub(struct resolver *r, struct expr *e);
int derive_mul(struct resolver *r, struct expr *e);
int derive_div(struct resolver *r, struct expr *e);
int derive_int_div(struct resolver *r, struct expr *e);
int derive_mod(struct resolver *r, struct expr *e);
int derive_neg(struct resolver *r, struct expr *e);
int derive_abs(struct resolver *r, struct expr *e);
int derive_round(struct resolver *r, struct expr *e);
int derive_truncate(struct resolver *r, struct expr *e);
int derive_floor(struct resolver *r, struct expr *e);
int derive_sum(struct resolver *r, struct expr *e);
int derive_avg(struct resolver *r, struct expr *e);
int derive_std(struct resolver *r, struct expr *e);

int derive_concat(struct resolver *r, struct expr *e);
int derive_concat_ws(struct resolver *r, struct expr *e);
int derive_same_string(struct resolver *r, struct expr *e);
int derive_left(struct resolver *r, struct expr *e);
int derive_substring(struct resolver *r, struct expr *e);
int derive_replace(struct resolver *r, struct expr *e);
int derive_repeat(struct resolver *r, struct expr *e);
int derive_pad(struct resolver *r, struct expr *e);
int derive_space(struct resolver *r, struct expr *e);
int derive_hex(struct resolver *r, struct expr *e);
int derive_convert_using(struct resolver *r, struct expr *e);
int derive_binary(struct resolver *r, struct expr *e);
int derive_elt(struct resolver *r, struct expr *e);
int derive_group_concat(struct resolver *r, struct expr *e);
int derive_cast(struct resolver *r, struct expr *e);

int derive_date_add(struct resolver *r, struct expr *e);
int derive_extract(struct resolver *r, struct expr *e);
int derive_date_format(struct resolver *r, struct expr *e);
int derive_now(struct resolver *r, struct expr *e);
int derive_curtime(struct resolver *r, struct expr *e);
int derive_unix_timestamp(struct resolver *r, struct expr *e);

/* types_derive_misc.c: what only the evaluator carries out. */
int derive_unhex(struct resolver *r, struct expr *e);
int derive_char(struct resolver *r, struct expr *e);
int derive_char_using(struct resolver *r, struct expr *e);
int derive_format(struct resolver *r, struct expr *e);
int derive_quote(struct resolver *r, struct expr *e);
int derive_soundex(struct resolver *r, struct expr *e);
int derive_insert(struct resolver *r, struct expr *e);
int derive_base64(struct resolver *r, struct expr *e);
int derive_sha2(struct resolver *r, struct expr *e);
int derive_inet_aton(struct resolver *r, struct expr *e);
int derive_random_bytes(struct resolver *r, struct expr *e);
int derive_interval_fn(struct resolver *r, struct expr *e);
int derive_timestampadd(struct resolver *r, struct expr *e);
int derive_str_to_date(struct resolver *r, struct expr *e);
int derive_time_result(struct resolver *r, struct expr *e);
int derive_addtime(struct resolver *r, struct expr *e);
int derive_from_unixtime(struct resolver *r, struct expr *e);
int derive_convert_tz(struct resolver *r, struct expr *e);

/* Helpers of the rules. */
/* Gives a literal with an introducer its text in UTF-8 and its collation: 1115, 1300. */
NODISCARD int resolve_introducer(struct resolver *r, struct expr *e);
/* Fraction digits of an operand as a date or time. */
unsigned temporal_scale(const struct expr *e);
void set_type(struct expr *e, enum mysql_type type, uint32_t length, unsigned decimals,
              unsigned flags);
/* A string result of `chars` characters in e's collation (set before); TEXT types beyond VARCHAR's
 * limit. */
void set_string(struct resolver *r, struct expr *e, uint32_t chars);
/* MariaDB sends 0 decimals with the strings of some functions. */
void set_mariadb_decimals(const struct resolver *r, struct expr *e);
void set_decimal(struct expr *e, unsigned precision, unsigned scale, bool is_unsigned);
void set_double(struct expr *e);
/* Sets or clears NOT_NULL of e: all arguments are not NULL. */
void set_null_from_args(struct expr *e);
bool args_nullable(const struct expr *e);
/* Width of a value as text, in characters. */
uint32_t text_width(const struct resolver *r, const struct expr *e);
/* Digits before the point, and behind it, of a numeric operand. */
unsigned type_int_digits(const struct resolver *r, const struct expr *e);
unsigned type_scale(const struct expr *e);
/* Is it a column of a table that is kept or stored? Those of other derived tables are expressions.
 */
NODISCARD bool is_field(const struct expr *e);
/* Width of an integer as an operand: a column may hold all that its type does, whatever width it
 * was given. */
uint32_t int_width(const struct expr *e);
/* Is it a call of a MariaDB function that promises no sign, but gets a place for it when stored? */
NODISCARD bool mariadb_adds_sign(const struct expr *e);
/* The family in which an operand takes part in arithmetic: INT, DECIMAL or REAL. */
enum type_class numeric_class(const struct resolver *r, const struct expr *e);
/* The integer of an integer literal; false if e is none. */
bool literal_int(const struct expr *e, int64_t *out);

#endif
