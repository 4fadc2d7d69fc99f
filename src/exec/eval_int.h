/*
 * The inside of the evaluator. eval.c walks the tree: it evaluates the arguments of a call, answers
 * NULL for functions that pass NULL on, and calls the function's evaluator, found by its number in
 * the catalogue (eval_table.c). Each family of functions has a file of its own.
 */
#ifndef EXEC_EVAL_INT_H
#define EXEC_EVAL_INT_H

#include "exec/eval.h"
#include "types/collation.h"
#include "types/convert.h"

/*
 * One function: `args` are its arguments' values, e->argc of them. For functions that evaluate
 * their arguments themselves (EVAL_LAZY) args is NULL. *out is NULL (the value) at entry. Returns
 * 0, or -1 with ctx->diag.
 */
typedef int eval_fn(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out);

struct evaluator {
    eval_fn *fn; /* NULL: none */
    bool lazy;
};

/* The evaluator of a function of the catalogue; never NULL, its fn may be. */
NODISCARD const struct evaluator *eval_find(enum func_id id);

/* ---- eval.c ---- */

/* As eval_expr(), for a part of an expression: MariaDB's divisions keep their surplus digits. */
NODISCARD int eval_node(struct eval_ctx *ctx, const struct expr *e, struct value *out);

/* Evaluates an argument and gives it e's type: for functions that choose one of their arguments. */
NODISCARD int eval_branch(struct eval_ctx *ctx, const struct expr *e, const struct expr *arg,
                          struct value *out);

/* Converts a value of type `from` to the kind and scale of `to`. */
NODISCARD int eval_as_type(struct eval_ctx *ctx, const struct sql_type *from, const struct value *v,
                           const struct sql_type *to, struct value *out);

NODISCARD bool eval_is_mariadb(const struct eval_ctx *ctx);

/* Sets 1690 for e, whose result does not fit `what` ("BIGINT", "DOUBLE", …). Returns -1. */
int eval_out_of_range(struct eval_ctx *ctx, const char *what, const struct expr *e);

/* Warns of a division by zero, where sql_mode wants it. */
void eval_warn_division(struct eval_ctx *ctx);

/* The session as conversions of dates see it. */
NODISCARD struct temporal_session eval_temporal_session(const struct eval_ctx *ctx);

/* ---- Arguments as what a function wants (eval_operand.c). `v` is the value of `arg`. ---- */

NODISCARD double eval_double(struct eval_ctx *ctx, const struct expr *arg, const struct value *v);
NODISCARD struct decimal eval_decimal(struct eval_ctx *ctx, const struct expr *arg,
                                      const struct value *v);
NODISCARD int64_t eval_int(struct eval_ctx *ctx, const struct expr *arg, const struct value *v,
                           bool *out_unsigned);
/* As eval_int(), clipped to what is signed. */
NODISCARD int64_t eval_signed(struct eval_ctx *ctx, const struct expr *arg, const struct value *v);
/* Text in UTF-8, or the bytes of a binary string. */
NODISCARD struct str eval_text(struct eval_ctx *ctx, const struct expr *arg, const struct value *v);
/* The bytes of a string in its own character set. */
NODISCARD struct str eval_bytes(struct eval_ctx *ctx, const struct expr *arg,
                                const struct value *v);
/* A date-time or time; false: NULL, warned of. */
NODISCARD bool eval_datetime(struct eval_ctx *ctx, const struct value *v, struct mtime *out);
NODISCARD bool eval_time(struct eval_ctx *ctx, const struct value *v, struct mtime *out);
/* The date of an argument under that sql_mode, for functions of dates. */
NODISCARD bool eval_date_of(struct eval_ctx *ctx, const struct value *v, uint64_t sql_mode,
                            struct mtime *out);
/* Truth of an argument: 1, 0, or -1 for NULL. */
NODISCARD int eval_arg_truth(struct eval_ctx *ctx, const struct expr *arg, const struct value *v);

/* Is it a string of which every byte is a character? */
NODISCARD bool eval_is_binary(const struct expr *arg);

/* ---- Results ---- */

/* A string result of e's collation; s is in UTF-8 or binary. */
void eval_set_text(const struct expr *e, struct str s, struct value *out);
/* Text made of ASCII in a buffer of the caller's. */
void eval_set_ascii(struct eval_ctx *ctx, const struct expr *e, struct str s, struct value *out);
/* Room for a string result of len bytes; NULL (with warning 1301, and the result is NULL) beyond
 * max_allowed_packet. */
NODISCARD char *eval_text_room(struct eval_ctx *ctx, const struct expr *e, uint64_t len);

/* ---- eval_compare.c ---- */

/* How MySQL compares operands, by their types. */
enum compare_as {
    COMPARE_TEXT,
    COMPARE_INT,
    COMPARE_DECIMAL,
    COMPARE_DOUBLE,
    COMPARE_DATETIME,
    COMPARE_TIME,
};

struct comparison {
    enum compare_as as;
    const struct collation *collation; /* COMPARE_TEXT */
    /* COMPARE_DATETIME: error 1525 calls a constant that is none so ("DATE", "DATETIME"); NULL:
     * such text counts as the zero date, with a warning. */
    const char *bad_date;
};

/* The way to compare the values of `count` expressions; `collation` is e->cmp_collation. */
NODISCARD struct comparison eval_comparison(const struct eval_ctx *ctx, struct expr *const *args,
                                            uint32_t count, uint16_t collation);

/* Compares two values that are not NULL. Returns 0 with *out_cmp < 0, 0, > 0; 1 when one of them is
 * no such value and the comparison is NULL; -1 with diag. */
NODISCARD int eval_compare(struct eval_ctx *ctx, const struct comparison *c,
                           const struct expr *arg_a, const struct value *a,
                           const struct expr *arg_b, const struct value *b, int *out_cmp);

/* ---- eval_cast.c ---- */
NODISCARD int eval_cast(struct eval_ctx *ctx, const struct expr *e, struct value *out);

/* ---- eval_print.c: an expression as error messages show it ---- */
NODISCARD const char *eval_print(struct eval_ctx *ctx, const struct expr *e);

/* ---- Date arithmetic (eval_interval.c) ---- */

/* The amount of an interval, by parts that have a place of their own in date arithmetic. */
struct interval {
    bool negative;
    uint64_t months;
    uint64_t days;
    uint64_t seconds;
    uint64_t usec;
};

/* Reads the amount; returns false when there is none (the result is NULL). */
NODISCARD bool interval_read(struct eval_ctx *ctx, enum interval_unit unit, const struct expr *arg,
                             const struct value *v, struct interval *out);
/* Adds it; false: beyond the calendar. */
NODISCARD bool interval_add(const struct interval *by, struct mtime *t);
/* The same to a TIME. */
NODISCARD bool interval_add_time(const struct interval *by, struct mtime *t);

/* ---- eval_temporal.c ---- */

/* The week of a date by a mode of WEEK(), and the year that it counts in. */
NODISCARD int eval_week_of(const struct mtime *t, int64_t mode, unsigned *out_year);

/* ---- The functions ---- */

eval_fn eval_add, eval_sub, eval_mul, eval_div, eval_int_div, eval_mod, eval_neg, eval_bit_and,
    eval_bit_or, eval_bit_xor, eval_shift_left, eval_shift_right, eval_bit_not;

eval_fn eval_and, eval_or, eval_xor, eval_not, eval_is_true, eval_is_not_true, eval_is_false,
    eval_is_not_false, eval_is_null, eval_is_not_null;

eval_fn eval_eq, eval_ne, eval_lt, eval_le, eval_gt, eval_ge, eval_eq_null, eval_between, eval_in,
    eval_like, eval_strcmp, eval_interval_fn, eval_nullif, eval_greatest, eval_least, eval_field;

eval_fn eval_if, eval_coalesce, eval_elt, eval_case;

eval_fn eval_concat, eval_concat_ws, eval_length, eval_char_length, eval_bit_length, eval_upper,
    eval_lower, eval_trim, eval_ltrim, eval_rtrim, eval_left, eval_right, eval_substring,
    eval_substring_index, eval_replace, eval_repeat, eval_reverse, eval_lpad, eval_rpad, eval_space,
    eval_instr, eval_locate, eval_ascii, eval_ord, eval_find_in_set, eval_quote, eval_char,
    eval_sounds_like, eval_soundex, eval_insert, eval_convert_using, eval_char_using, eval_binary;

eval_fn eval_hex, eval_unhex, eval_md5, eval_sha1, eval_sha2, eval_crc32, eval_conv, eval_bin,
    eval_oct, eval_format, eval_charset, eval_collation, eval_coercibility, eval_to_base64,
    eval_from_base64, eval_random_bytes, eval_inet_aton, eval_inet_ntoa, eval_json_valid;

eval_fn eval_abs, eval_sign, eval_round, eval_truncate, eval_floor, eval_ceil, eval_sqrt, eval_pow,
    eval_exp, eval_ln, eval_log, eval_log2, eval_log10, eval_sin, eval_cos, eval_tan, eval_atan,
    eval_degrees, eval_radians, eval_pi, eval_rand, eval_asin, eval_acos, eval_cot, eval_bit_count;

eval_fn eval_date_add, eval_date_sub, eval_extract, eval_year, eval_month, eval_day, eval_quarter,
    eval_dayofweek, eval_weekday, eval_dayofyear, eval_week, eval_weekofyear, eval_yearweek,
    eval_hour, eval_minute, eval_second, eval_microsecond, eval_dayname, eval_monthname, eval_date,
    eval_time_fn, eval_timestamp, eval_last_day, eval_to_days, eval_from_days, eval_datediff,
    eval_timestampdiff, eval_timestampadd, eval_date_format, eval_time_format, eval_str_to_date,
    eval_to_seconds, eval_timediff, eval_addtime, eval_subtime, eval_sec_to_time, eval_time_to_sec,
    eval_unix_timestamp, eval_from_unixtime, eval_convert_tz, eval_makedate, eval_maketime,
    eval_period_add, eval_period_diff;

eval_fn eval_now, eval_sysdate, eval_utc_timestamp, eval_curdate, eval_utc_date, eval_curtime,
    eval_utc_time, eval_database, eval_user, eval_current_user, eval_current_role, eval_version,
    eval_connection_id, eval_last_insert_id, eval_row_count, eval_found_rows, eval_uuid, eval_sleep,
    eval_benchmark;

#endif
