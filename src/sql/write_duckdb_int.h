/*
 * Private to the DuckDB writer.
 *
 * Text is written into one buffer, operands first; what turns out to be needed around them (a cast)
 * is inserted afterwards. Each piece of text has a form, the DuckDB type it evaluates to. Inside a
 * query forms are "natural": what DuckDB makes of the operands, often narrower than MySQL's type
 * and therefore faster. Only the statement's result columns are cast to the form that type_phys()
 * promises.
 */
#ifndef SQL_WRITE_DUCKDB_INT_H
#define SQL_WRITE_DUCKDB_INT_H

#include "base/bytebuf.h"
#include "base/diag.h"
#include "sql/ast.h"
#include "sql/functions.h"
#include "sql/write_duckdb.h"

/* How the writer makes DuckDB SQL of a function; the column `duckdb_rule` of functions.def. */
enum duckdb_rule {
    DR_NONE, /* refused */
    DR_ARITH,
    DR_DIVIDE,
    DR_INT_DIV,
    DR_MOD,
    DR_NEG,
    DR_BITS,
    DR_LOGIC,
    DR_NOT,
    DR_IS,
    DR_IS_NULL,
    DR_COMPARE,
    DR_BETWEEN,
    DR_IN,
    DR_LIKE,
    DR_STRCMP,
    DR_IF,
    DR_COALESCE,
    DR_NULLIF,
    DR_GREATEST,
    DR_CONCAT,
    DR_CONCAT_WS,
    DR_LENGTH,
    DR_CHAR_LENGTH,
    DR_CASE_FOLD,
    DR_TRIM,
    DR_LEFT,
    DR_SUBSTRING,
    DR_REPLACE,
    DR_STRING_UDF,
    DR_ASCII,
    DR_CONVERT_USING,
    DR_SHIFT,
    DR_BIT_NOT,
    DR_BIT_AGG,
    DR_MATH,
    DR_TEXT_INT,
    DR_HEX,
    DR_LOCATE,
    DR_NAME,
    DR_TIMESTAMPDIFF,
    DR_WEEK,
    DR_GROUP_CONCAT,
    DR_PERCENT,
    DR_NATIVE_TEXT,
    DR_ABS,
    DR_SIGN,
    DR_ROUND,
    DR_FLOOR,
    DR_SQRT,
    DR_DATE_ADD,
    DR_EXTRACT,
    DR_DATE_PART,
    DR_TIME_PART,
    DR_DATE,
    DR_DATE_UDF,
    DR_DATEDIFF,
    DR_DATE_FORMAT,
    DR_CONSTANT,
    DR_COUNT,
    DR_SUM,
    DR_AVG,
    DR_MIN_MAX,
    DR_ANY_VALUE,
    DR_RANK,
    DR_LAG,
    DUCKDB_RULE_COUNT,
};

/* DuckDB types as the writer uses them. */
enum form_kind {
    FORM_NULL,
    FORM_BOOL,
    FORM_I8,
    FORM_I16,
    FORM_I32,
    FORM_I64,
    FORM_I128,
    FORM_U8,
    FORM_U16,
    FORM_U32,
    FORM_U64,
    FORM_F32,
    FORM_F64,
    FORM_DECIMAL,
    FORM_DATE,
    FORM_TIMESTAMP,
    FORM_TIME, /* BIGINT microseconds */
    FORM_STRING,
    FORM_BLOB,
    FORM_WIDE, /* DECIMAL(p > 38) in its sortable form */
};

struct form {
    enum form_kind kind;
    uint8_t width; /* FORM_DECIMAL; of integer literals the digits, else 0 */
    uint8_t scale;
    bool raw; /* FORM_DECIMAL: more digits than MySQL shows; rounded before it becomes text */
};

/* A grouped block whose select list, HAVING or ORDER BY is being written. */
struct group_ctx {
    struct group_ctx *outer;
    const struct query *query;
    const struct select_block *block;
    unsigned query_depth; /* nesting at which the block's own expressions stand */
};

/* What is known of a leaf of FROM, by its id. */
struct leaf_info {
    const struct select_block *block; /* whose FROM it is in */
    const struct form *forms;         /* of derived tables and CTEs; NULL for base tables */
};

struct writer {
    const struct resolve_env *env;
    const struct write_options *options;
    struct bytebuf *out;
    struct diag *diag;
    struct arena arena; /* scratch for the duration of one write */
    struct group_ctx *group;
    unsigned query_depth;
    unsigned nodes;         /* written so far, literals aside */
    bool partial_dates;     /* write so that partial dates sort among the others */
    bool saw_partial_dates; /* a table or constant with such was met */
    bool in_table; /* the query being written is a derived table or common table expression */
    uint32_t leaf_cap;
    struct leaf_info *leaves;
    uint32_t cte_cap;
    const struct form **cte_forms;
    uint32_t next_alias;
};

/* Refuses a construct: 1235. Returns -1. */
int write_refuse(struct writer *w, const char *what);

/* ---- write_duckdb_form.c ---- */

/* The form that type_phys() promises for a type. */
struct form form_of_type(const struct sql_type *t);
bool form_is_int(struct form f);
bool form_is_number(struct form f);
/* Digits in front of the point that values of an integer or decimal form can have. */
unsigned form_int_digits(struct form f);
/* The DECIMAL form that holds an integer or decimal form exactly. */
struct form form_as_decimal(struct form f);
struct form form_decimal(unsigned width, unsigned scale);
/* Inserts text in front of what was written since `at`. */
void write_insert(struct writer *w, size_t at, const char *text);
/* Moves what was written since `from` in front of what was written since `to`. */
void write_move(struct writer *w, size_t from, size_t to);
/* Wraps what was written since `at` so that it has the form `to`. */
NODISCARD int write_convert(struct writer *w, size_t at, struct form from, struct form to);
/* Puts CAST(… AS type) around what was written since `at`. */
void write_cast(struct writer *w, size_t at, struct form to);
/* The type's name in DuckDB. */
void form_name(struct form f, char buf[static 24]);

/* Written operands that must get one form. */
struct piece {
    size_t start;
    size_t end;
    struct form form;
};
/* Finds a form for all, and converts each; pieces are in order of their position, with text between
 * them. */
NODISCARD int write_unify(struct writer *w, struct piece *pieces, uint32_t count,
                          const struct sql_type *type, struct form *out);

/* ---- write_duckdb_expr.c ---- */

NODISCARD int write_expr(struct writer *w, const struct expr *e, struct form *out);
/* As a condition: BOOLEAN, by MySQL's rule of what is true. */
NODISCARD int write_condition(struct writer *w, const struct expr *e);
NODISCARD int write_expr_as(struct writer *w, const struct expr *e, struct form to);
/* As text, the way MySQL turns operands of string functions into strings. */
NODISCARD int write_text(struct writer *w, const struct expr *e);
NODISCARD int write_literal(struct writer *w, const struct expr *e, struct form *out);
void write_string(struct writer *w, struct str s);
NODISCARD int write_date(struct writer *w, const struct mtime *t);
NODISCARD int write_datetime(struct writer *w, const struct mtime *t);

/* ---- write_duckdb_cmp.c ---- */

/* How operands are compared. */
enum compare_kind {
    COMPARE_PLAIN,
    COMPARE_KEY, /* by collation key */
    COMPARE_INT,
    COMPARE_EXACT,
    COMPARE_REAL,
    COMPARE_DATE,
    COMPARE_TIMESTAMP,
    COMPARE_UTC, /* TIMESTAMP columns with each other and with constants */
    COMPARE_TIME,
};

struct compare {
    enum compare_kind kind;
    uint16_t collation;
    struct form form;              /* what the operands are converted to, if not FORM_NULL */
    const struct sql_type *labels; /* an ENUM compared with strings: its type */
    bool by_order;                 /* not only told apart: dates by their place in the order */
};

/* Chooses for operands; refuses what is not proven. */
NODISCARD int compare_choose(struct writer *w, struct expr *const *args, uint32_t count,
                             uint16_t collation, struct compare *out);
NODISCARD int write_operand(struct writer *w, const struct expr *e, const struct compare *c);
/* Does ordering or grouping by a type need a key? */
NODISCARD int needs_key(struct writer *w, const struct sql_type *t, bool *out);
/* Wraps what was written since `at` in the key function of the collation. */
void write_key_around(struct writer *w, size_t at, uint16_t collation);

/* Wraps a date written since `at` in the function of its order, where partial dates may be met. */
void write_date_order_around(struct writer *w, size_t at, struct form f);

int write_compare_rule(struct writer *w, const struct expr *e, struct form *out);
int write_between_rule(struct writer *w, const struct expr *e, struct form *out);
int write_in_rule(struct writer *w, const struct expr *e, struct form *out);
int write_like_rule(struct writer *w, const struct expr *e, struct form *out);
int write_strcmp_rule(struct writer *w, const struct expr *e, struct form *out);
NODISCARD int write_in_subquery(struct writer *w, const struct expr *e, struct form *out);

/* ---- write_duckdb_num.c, _str.c, _time.c, _agg.c: the rules ---- */

typedef int write_fn(struct writer *w, const struct expr *e, struct form *out);

/* ---- write_duckdb_strict.c ---- */

/* Writes a call by its rule, within a CASE that raises the errors of write_options.errors. */
int write_watched(struct writer *w, const struct expr *e, write_fn *fn, struct form *out);
/* The text written from `at` on is taken for a number ("DOUBLE", "INTEGER", "DECIMAL"): error 1292
 * if it is none. */
int write_watched_text(struct writer *w, size_t at, const char *kind);
/* AND and OR whose later operands may raise errors. */
int write_watched_logic(struct writer *w, const struct expr *e);
/* Any number or text as a DOUBLE. */
int write_as_real(struct writer *w, const struct expr *e);

unsigned quotient_scale(unsigned scale_a, unsigned scale_b, unsigned increment);
int write_arith_rule(struct writer *w, const struct expr *e, struct form *out);
int write_divide_rule(struct writer *w, const struct expr *e, struct form *out);
int write_int_div_rule(struct writer *w, const struct expr *e, struct form *out);
int write_mod_rule(struct writer *w, const struct expr *e, struct form *out);
int write_neg_rule(struct writer *w, const struct expr *e, struct form *out);
int write_bits_rule(struct writer *w, const struct expr *e, struct form *out);
int write_abs_rule(struct writer *w, const struct expr *e, struct form *out);
int write_sign_rule(struct writer *w, const struct expr *e, struct form *out);
int write_round_rule(struct writer *w, const struct expr *e, struct form *out);
int write_floor_rule(struct writer *w, const struct expr *e, struct form *out);
int write_sqrt_rule(struct writer *w, const struct expr *e, struct form *out);
int write_cast_expr(struct writer *w, const struct expr *e, struct form *out);

int write_concat_rule(struct writer *w, const struct expr *e, struct form *out);
int write_concat_ws_rule(struct writer *w, const struct expr *e, struct form *out);
int write_length_rule(struct writer *w, const struct expr *e, struct form *out);
int write_char_length_rule(struct writer *w, const struct expr *e, struct form *out);
int write_case_fold_rule(struct writer *w, const struct expr *e, struct form *out);
int write_trim_rule(struct writer *w, const struct expr *e, struct form *out);
int write_left_rule(struct writer *w, const struct expr *e, struct form *out);
int write_substring_rule(struct writer *w, const struct expr *e, struct form *out);
int write_replace_rule(struct writer *w, const struct expr *e, struct form *out);
int write_string_udf_rule(struct writer *w, const struct expr *e, struct form *out);
int write_shift_rule(struct writer *w, const struct expr *e, struct form *out);
int write_bit_not_rule(struct writer *w, const struct expr *e, struct form *out);
int write_bit_agg_rule(struct writer *w, const struct expr *e, struct form *out);
int write_math_rule(struct writer *w, const struct expr *e, struct form *out);
int write_text_int_rule(struct writer *w, const struct expr *e, struct form *out);
int write_hex_rule(struct writer *w, const struct expr *e, struct form *out);
int write_locate_rule(struct writer *w, const struct expr *e, struct form *out);
int write_name_rule(struct writer *w, const struct expr *e, struct form *out);
int write_timestampdiff_rule(struct writer *w, const struct expr *e, struct form *out);
int write_week_rule(struct writer *w, const struct expr *e, struct form *out);
int write_group_concat_rule(struct writer *w, const struct expr *e, struct form *out);
int write_percent_rule(struct writer *w, const struct expr *e, struct form *out);
int write_native_text_rule(struct writer *w, const struct expr *e, struct form *out);
/* Writes an integer as the 64 bits that MySQL's bit operators work on. */
NODISCARD int write_bits(struct writer *w, const struct expr *e);
int write_convert_using_rule(struct writer *w, const struct expr *e, struct form *out);
int write_ascii_rule(struct writer *w, const struct expr *e, struct form *out);

int write_date_add_rule(struct writer *w, const struct expr *e, struct form *out);
int write_extract_rule(struct writer *w, const struct expr *e, struct form *out);
int write_date_part_rule(struct writer *w, const struct expr *e, struct form *out);
int write_time_part_rule(struct writer *w, const struct expr *e, struct form *out);
int write_date_rule(struct writer *w, const struct expr *e, struct form *out);
int write_date_udf_rule(struct writer *w, const struct expr *e, struct form *out);
int write_datediff_rule(struct writer *w, const struct expr *e, struct form *out);
int write_date_format_rule(struct writer *w, const struct expr *e, struct form *out);
/* The date and time that a constant expression of literals means; false if it is not such a
 * constant. */
NODISCARD bool fold_datetime(struct writer *w, const struct expr *e, struct mtime *out,
                             bool *out_has_time);
/* Writes an operand of a date function as DATE or TIMESTAMP. */
NODISCARD int write_temporal(struct writer *w, const struct expr *e, struct form *out);

int write_count_rule(struct writer *w, const struct expr *e, struct form *out);
int write_sum_rule(struct writer *w, const struct expr *e, struct form *out);
int write_avg_rule(struct writer *w, const struct expr *e, struct form *out);
int write_min_max_rule(struct writer *w, const struct expr *e, struct form *out);
int write_any_value_rule(struct writer *w, const struct expr *e, struct form *out);
int write_rank_rule(struct writer *w, const struct expr *e, struct form *out);
int write_lag_rule(struct writer *w, const struct expr *e, struct form *out);
/* OVER (…), if e has a window. */
NODISCARD int write_over(struct writer *w, const struct expr *e);

/* ---- write_duckdb.c ---- */

/*
 * A query in natural forms, columns named c0, c1, …; *out_forms has query.column_count forms in the
 * writer's arena.
 */
NODISCARD int write_query(struct writer *w, const struct query *q, const struct form **out_forms);
/* Where NULLs sort. */
enum order_nulls {
    ORDER_NULLS_LOWEST,
    ORDER_NULLS_AS_ZERO, /* as 0, '' or the zero date: within GROUP_CONCAT */
};

/* ORDER BY elements. */
NODISCARD int write_order_items(struct writer *w, const struct order_list *order,
                                enum order_nulls nulls);

#endif
