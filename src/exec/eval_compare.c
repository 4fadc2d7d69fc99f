/*
 * Comparison and logic. The types of the operands decide how values are compared (MySQL manual,
 * "Type Conversion in Expression Evaluation"): strings by their collation, integers exactly,
 * decimals exactly, a string against a number as doubles, and against a date or time as such.
 */
#include "exec/eval_int.h"
#include "types/temporal_text.h"

#define CLASS(c) (1u << TYPE_CLASS_##c)

static unsigned classes_of(struct expr *const *args, uint32_t count)
{
    unsigned set = 0;
    for (uint32_t i = 0; i < count; i++) {
        set |= 1u << type_class_of(args[i]->type.type);
    }
    return set & ~CLASS(NULL);
}

static bool is_hex(const struct expr *e)
{
    return e->kind == EXPR_LITERAL && (e->lit.kind == LIT_HEX || e->lit.kind == LIT_BIN);
}

/* Strings that are hexadecimal literals count as numbers beside a number. */
static bool strings_are_hex(struct expr *const *args, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (type_class_of(args[i]->type.type) == TYPE_CLASS_STRING && !is_hex(args[i])) {
            return false;
        }
    }
    return true;
}

static bool is_text(const struct expr *e)
{
    const enum type_class c = type_class_of(e->type.type);
    return c == TYPE_CLASS_STRING || c == TYPE_CLASS_ENUM || c == TYPE_CLASS_SET;
}

/* The collation, where the resolver has not found one for all arguments together. */
static const struct collation *text_collation(struct expr *const *args, uint32_t count,
                                              uint16_t collation)
{
    const struct expr *best = NULL;
    for (uint32_t i = 0; i < count && (collation == 0 || collation == COLLATION_BINARY); i++) {
        if (is_text(args[i]) && (best == NULL || args[i]->coercibility < best->coercibility ||
                                 args[i]->type.collation == COLLATION_BINARY)) {
            best = args[i];
        }
    }
    const struct collation *c = collation_find(best != NULL ? best->type.collation : collation);
    if (c == NULL || !collation_is_supported(c)) {
        c = collation_find(COLLATION_UTF8MB4_BIN);
    }
    return c;
}

/* MariaDB takes a string beside an integer for a decimal. */
static enum compare_as compare_numbers(const struct eval_ctx *ctx, unsigned set)
{
    if (eval_is_mariadb(ctx) && (set & ~(CLASS(STRING) | CLASS(INT) | CLASS(BIT))) == 0 &&
        (set & CLASS(STRING)) != 0) {
        return COMPARE_DECIMAL;
    }
    if ((set & (CLASS(STRING) | CLASS(REAL) | CLASS(JSON))) != 0) {
        return COMPARE_DOUBLE;
    }
    return (set & CLASS(DECIMAL)) != 0 ? COMPARE_DECIMAL : COMPARE_INT;
}

/* MySQL compares a TIME with a string as strings, unless it is a column. */
static bool time_is_text(const struct eval_ctx *ctx, struct expr *const *args, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (args[i]->kind == EXPR_COLUMN && type_class_of(args[i]->type.type) == TYPE_CLASS_TIME) {
            return false;
        }
    }
    return !eval_is_mariadb(ctx);
}

struct comparison eval_comparison(const struct eval_ctx *ctx, struct expr *const *args,
                                  uint32_t count, uint16_t collation)
{
    const unsigned set = classes_of(args, count);
    const unsigned texts = CLASS(STRING) | CLASS(ENUM) | CLASS(SET) | CLASS(JSON) | CLASS(OPAQUE);
    const unsigned dates = CLASS(DATE) | CLASS(DATETIME);
    struct comparison c = {.as = COMPARE_TEXT};
    if ((set & ~texts) == 0) {
        c.collation = text_collation(args, count, collation);
    } else if ((set & dates) != 0 && (set & ~(dates | texts | CLASS(TIME))) == 0) {
        c.as = COMPARE_DATETIME;
    } else if ((set & CLASS(TIME)) != 0 && (set & ~(CLASS(TIME) | texts)) == 0) {
        c.as = set != CLASS(TIME) && time_is_text(ctx, args, count) ? COMPARE_TEXT : COMPARE_TIME;
        c.collation = text_collation(args, count, collation);
    } else if ((set & (dates | CLASS(TIME))) != 0) {
        c.as = (set & (CLASS(STRING) | CLASS(REAL))) != 0 ? COMPARE_DOUBLE : COMPARE_DECIMAL;
    } else if ((set & CLASS(STRING)) != 0 && strings_are_hex(args, count)) {
        c.as = compare_numbers(ctx, set & ~CLASS(STRING));
    } else {
        c.as = compare_numbers(ctx, set);
    }
    return c;
}

static int compare_ints(struct eval_ctx *ctx, const struct expr *arg_a, const struct value *a,
                        const struct expr *arg_b, const struct value *b)
{
    bool ua;
    bool ub;
    const int64_t x = eval_int(ctx, arg_a, a, &ua);
    const int64_t y = eval_int(ctx, arg_b, b, &ub);
    const __int128 wx = ua ? (__int128)(uint64_t)x : (__int128)x;
    const __int128 wy = ub ? (__int128)(uint64_t)y : (__int128)y;
    return wx < wy ? -1 : wx > wy;
}

static int compare_moments(int64_t a, int64_t b, int *out_cmp)
{
    *out_cmp = a < b ? -1 : a > b;
    return 0;
}

/* An operand beside a date, as eval_compare() returns: text that is no date is an error on MySQL
 * where it is constant, and the zero date on MariaDB. */
static int date_operand(struct eval_ctx *ctx, const struct comparison *c, const struct expr *arg,
                        const struct value *v, struct mtime *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    const bool as_date = c->bad_date != NULL && strcmp(c->bad_date, "DATE") == 0;
    if (v->kind != VALUE_STRING || value_to_datetime_in(v, &in, out, NULL) == 0) {
        return eval_datetime(ctx, v, out) ? 0 : 1;
    }
    const char *text = arena_dup_cstr(ctx->arena, v->str);
    diag_warn(ctx->diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE,
              as_date && !eval_is_mariadb(ctx) ? "date" : "datetime", text);
    if (c->bad_date != NULL && !eval_is_mariadb(ctx)) {
        return (arg->flags & EXPR_IS_CONST) == 0
                   ? 1
                   : diag_set(ctx->diag, ER_WRONG_VALUE, c->bad_date, text);
    }
    *out = (struct mtime){.year = 0};
    return 0;
}

/* The same beside a time; MariaDB takes what is no time for zero. */
static bool time_operand(struct eval_ctx *ctx, const struct value *v, struct mtime *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    if (!eval_is_mariadb(ctx)) {
        return eval_time(ctx, v, out);
    }
    if (value_to_time_in(v, &in, out, ctx->diag) != 0) {
        *out = (struct mtime){.year = 0};
    }
    return true;
}

int eval_compare(struct eval_ctx *ctx, const struct comparison *c, const struct expr *arg_a,
                 const struct value *a, const struct expr *arg_b, const struct value *b,
                 int *out_cmp)
{
    struct mtime ta;
    struct mtime tb;
    switch (c->as) {
    case COMPARE_TEXT:
        *out_cmp =
            collation_compare(c->collation, eval_text(ctx, arg_a, a), eval_text(ctx, arg_b, b));
        return 0;
    case COMPARE_INT:
        *out_cmp = compare_ints(ctx, arg_a, a, arg_b, b);
        return 0;
    case COMPARE_DECIMAL: {
        const struct decimal x = eval_decimal(ctx, arg_a, a);
        const struct decimal y = eval_decimal(ctx, arg_b, b);
        *out_cmp = decimal_cmp(&x, &y);
        return 0;
    }
    case COMPARE_DOUBLE: {
        const double x = eval_double(ctx, arg_a, a);
        const double y = eval_double(ctx, arg_b, b);
        *out_cmp = x < y ? -1 : x > y;
        return 0;
    }
    case COMPARE_DATETIME: {
        int rc = date_operand(ctx, c, arg_a, a, &ta);
        rc = rc == 0 ? date_operand(ctx, c, arg_b, b, &tb) : rc;
        return rc != 0
                   ? rc
                   : compare_moments(temporal_datetime_order(temporal_pack_datetime(&ta)),
                                     temporal_datetime_order(temporal_pack_datetime(&tb)), out_cmp);
    }
    case COMPARE_TIME:
        if (!time_operand(ctx, a, &ta) || !time_operand(ctx, b, &tb)) {
            return 1;
        }
        return compare_moments(temporal_pack_time(&ta), temporal_pack_time(&tb), out_cmp);
    }
    return 1;
}

/* ---- Pairs, rows included ---- */

enum {
    PAIR_NULL = 2,
    PAIR_ERROR = 3
};

/* Compares the values of two expressions: -1, 0, 1, PAIR_NULL, or PAIR_ERROR with diag. */
static int compare_pair(struct eval_ctx *ctx, const struct expr *e, struct expr *const pair[2],
                        const struct value values[2])
{
    if (values[0].kind == VALUE_NULL || values[1].kind == VALUE_NULL) {
        return PAIR_NULL;
    }
    struct comparison c = eval_comparison(ctx, pair, 2, e->cmp_collation);
    int cmp = 0;
    if (c.as == COMPARE_DATETIME) {
        const bool moment = (classes_of(pair, 2) & CLASS(DATETIME)) != 0;
        c.bad_date = moment ? "DATETIME" : "DATE";
    }
    const int rc = eval_compare(ctx, &c, pair[0], &values[0], pair[1], &values[1], &cmp);
    if (rc != 0) {
        return rc < 0 ? PAIR_ERROR : PAIR_NULL;
    }
    return cmp < 0 ? -1 : cmp > 0;
}

/* Are two operands, which may be rows, equal? 1, 0, -1 for NULL; -2 with diag. `null_equal`: NULLs
 * are equal, as <=> has it. */
static int operands_equal(struct eval_ctx *ctx, const struct expr *e, const struct expr *a,
                          const struct expr *b, bool null_equal)
{
    if (a->kind == EXPR_ROW && b->kind == EXPR_ROW) {
        int result = 1;
        for (uint32_t i = 0; i < a->argc && i < b->argc; i++) {
            const int one = operands_equal(ctx, e, a->args[i], b->args[i], null_equal);
            if (one == -2 || one == 0) {
                return one;
            }
            result = one < 0 ? -1 : result;
        }
        return result;
    }
    struct expr *const pair[2] = {(struct expr *)(uintptr_t)a, (struct expr *)(uintptr_t)b};
    struct value values[2];
    if (eval_node(ctx, a, &values[0]) != 0 || eval_node(ctx, b, &values[1]) != 0) {
        return -2;
    }
    if (null_equal && (values[0].kind == VALUE_NULL || values[1].kind == VALUE_NULL)) {
        return values[0].kind == values[1].kind;
    }
    const int cmp = compare_pair(ctx, e, pair, values);
    if (cmp == PAIR_ERROR) {
        return -2;
    }
    return cmp == PAIR_NULL ? (null_equal ? 0 : -1) : cmp == 0;
}

static int set_equality(int equal, bool wanted, struct value *out)
{
    if (equal == -2) {
        return -1;
    }
    *out = equal < 0 ? value_null() : value_int((equal != 0) == wanted);
    return 0;
}

int eval_eq(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    (void)args;
    return set_equality(operands_equal(ctx, e, e->args[0], e->args[1], false), true, out);
}

int eval_ne(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    (void)args;
    return set_equality(operands_equal(ctx, e, e->args[0], e->args[1], false), false, out);
}

int eval_eq_null(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    (void)args;
    return set_equality(operands_equal(ctx, e, e->args[0], e->args[1], true), true, out);
}

/* Bits of the outcomes for which an ordering operator is true. */
enum {
    IF_LESS = 1,
    IF_EQUAL = 2,
    IF_GREATER = 4
};

static int order(struct eval_ctx *ctx, const struct expr *e, const struct value *args, int wanted,
                 struct value *out)
{
    const int cmp = compare_pair(ctx, e, e->args, args);
    if (cmp == PAIR_ERROR) {
        return -1;
    }
    if (cmp != PAIR_NULL) {
        *out = value_int((wanted & 1 << (cmp + 1)) != 0);
    }
    return 0;
}

int eval_lt(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    return order(ctx, e, args, IF_LESS, out);
}

int eval_le(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    return order(ctx, e, args, IF_LESS | IF_EQUAL, out);
}

int eval_gt(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    return order(ctx, e, args, IF_GREATER, out);
}

int eval_ge(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    return order(ctx, e, args, IF_GREATER | IF_EQUAL, out);
}

int eval_strcmp(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    const struct collation *c = text_collation(e->args, 2, e->cmp_collation);
    const int cmp = collation_compare(c, eval_text(ctx, e->args[0], &args[0]),
                                      eval_text(ctx, e->args[1], &args[1]));
    *out = value_int(cmp < 0 ? -1 : cmp > 0);
    return 0;
}

/* x BETWEEN low AND high: as x >= low AND x <= high, all three compared in one way. */
int eval_between(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    if (args[0].kind == VALUE_NULL) {
        return 0;
    }
    const struct comparison c = eval_comparison(ctx, e->args, 3, e->cmp_collation);
    int verdict = 1;
    for (uint32_t i = 1; i <= 2; i++) {
        int cmp = 0;
        if (args[i].kind == VALUE_NULL ||
            eval_compare(ctx, &c, e->args[0], &args[0], e->args[i], &args[i], &cmp) != 0) {
            verdict = verdict == 0 ? 0 : -1;
        } else if (i == 1 ? cmp < 0 : cmp > 0) {
            verdict = 0;
        }
    }
    *out = verdict < 0 ? value_null() : value_int(verdict);
    return 0;
}

/* Is the value of args[0] equal to that of args[i]? As operands_equal(). */
static int in_item(struct eval_ctx *ctx, const struct expr *e, const struct value *v, uint32_t i)
{
    struct expr *const pair[2] = {e->args[0], e->args[i]};
    struct value values[2] = {*v};
    if (eval_node(ctx, e->args[i], &values[1]) != 0) {
        return -2;
    }
    const int cmp = compare_pair(ctx, e, pair, values);
    return cmp == PAIR_ERROR ? -2 : cmp == PAIR_NULL ? -1 : cmp == 0;
}

int eval_in(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    const bool rows = e->args[0]->kind == EXPR_ROW;
    bool null_seen = false;
    struct value v = value_null();
    (void)args;
    if (!rows && eval_node(ctx, e->args[0], &v) != 0) {
        return -1;
    }
    for (uint32_t i = 1; i < e->argc; i++) {
        const int equal =
            rows ? operands_equal(ctx, e, e->args[0], e->args[i], false) : in_item(ctx, e, &v, i);
        if (equal == -2) {
            return -1;
        }
        if (equal == 1) {
            *out = value_int(1);
            return 0;
        }
        null_seen = null_seen || equal < 0;
    }
    *out = null_seen ? value_null() : value_int(0);
    return 0;
}

static int like_escape(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                       uint32_t *out)
{
    if (e->argc < 3) {
        const bool none = (ctx->sql_mode & SQL_MODE_NO_BACKSLASH_ESCAPES) != 0;
        *out = none ? COLLATION_NO_ESCAPE : '\\';
        return 0;
    }
    const struct str s = eval_text(ctx, e->args[2], &args[2]);
    size_t len = 0;
    *out = COLLATION_NO_ESCAPE;
    if (s.len > 0) {
        *out = utf8_next((const unsigned char *)s.p, s.len, &len);
    }
    return len == s.len ? 0 : diag_set(ctx->diag, ER_WRONG_ARGUMENTS, "ESCAPE");
}

int eval_like(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    uint32_t escape;
    if (like_escape(ctx, e, args, &escape) != 0) {
        return -1;
    }
    const struct collation *c = text_collation(e->args, 2, e->cmp_collation);
    *out = value_int(collation_like(c, eval_text(ctx, e->args[0], &args[0]),
                                    eval_text(ctx, e->args[1], &args[1]), escape));
    return 0;
}

/* INTERVAL(n, a, b, …): how many of the list are not above n. */
int eval_interval_fn(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    int64_t count = 0;
    if (args[0].kind == VALUE_NULL) {
        *out = value_int(-1);
        return 0;
    }
    const double n = eval_double(ctx, e->args[0], &args[0]);
    for (uint32_t i = 1; i < e->argc; i++) {
        if (args[i].kind != VALUE_NULL && n < eval_double(ctx, e->args[i], &args[i])) {
            break;
        }
        count = i;
    }
    *out = value_int(count);
    return 0;
}

int eval_nullif(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                struct value *out)
{
    const int cmp = compare_pair(ctx, e, e->args, args);
    if (cmp == 0 || cmp == PAIR_ERROR) {
        return cmp == 0 ? 0 : -1;
    }
    return eval_as_type(ctx, &e->args[0]->type, &args[0], &e->type, out);
}

static int extreme(struct eval_ctx *ctx, const struct expr *e, const struct value *args, int sign,
                   struct value *out)
{
    struct comparison c = eval_comparison(ctx, e->args, e->argc, e->cmp_collation);
    const bool text = type_class_of(e->type.type) == TYPE_CLASS_STRING;
    uint32_t best = 0;
    if (text && c.as != COMPARE_TEXT && !eval_is_mariadb(ctx) && c.as != COMPARE_DATETIME) {
        c.as = COMPARE_TEXT;
        c.collation = text_collation(e->args, e->argc, e->cmp_collation);
    } else if (type_class_of(e->type.type) == TYPE_CLASS_REAL && c.as == COMPARE_DECIMAL) {
        c.as = COMPARE_DOUBLE;
    }
    for (uint32_t i = 1; i < e->argc; i++) {
        int cmp = 0;
        if (eval_compare(ctx, &c, e->args[i], &args[i], e->args[best], &args[best], &cmp) != 0) {
            return 0;
        }
        if (cmp * sign > 0) {
            best = i;
        }
    }
    if (type_class_of(e->type.type) == TYPE_CLASS_REAL) {
        /* What has been compared, without a second warning. */
        *out = value_double(value_to_double(&args[best], NULL));
        return 0;
    }
    return eval_as_type(ctx, &e->args[best]->type, &args[best], &e->type, out);
}

int eval_greatest(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    return extreme(ctx, e, args, 1, out);
}

int eval_least(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    return extreme(ctx, e, args, -1, out);
}

/* FIELD(x, a, b, …): the position of x in the list, all compared in one way; 0 if it is not there.
 */
int eval_field(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const struct comparison c = eval_comparison(ctx, e->args, e->argc, e->cmp_collation);
    *out = value_int(0);
    for (uint32_t i = 1; i < e->argc && args[0].kind != VALUE_NULL; i++) {
        int cmp = 1;
        if (args[i].kind != VALUE_NULL &&
            eval_compare(ctx, &c, e->args[0], &args[0], e->args[i], &args[i], &cmp) == 0 &&
            cmp == 0) {
            *out = value_int(i);
            return 0;
        }
    }
    return 0;
}

/* ---- Logic ---- */

/* Truth of an operand; -2 with diag. */
static int operand_truth(struct eval_ctx *ctx, const struct expr *arg)
{
    struct value v;
    return eval_node(ctx, arg, &v) != 0 ? -2 : eval_arg_truth(ctx, arg, &v);
}

/* AND stops at the first false operand, OR at the first true one. */
static int connect(struct eval_ctx *ctx, const struct expr *e, int decisive, struct value *out)
{
    bool null_seen = false;
    for (uint32_t i = 0; i < e->argc; i++) {
        const int t = operand_truth(ctx, e->args[i]);
        if (t == -2) {
            return -1;
        }
        if (t == decisive) {
            *out = value_int(decisive);
            return 0;
        }
        null_seen = null_seen || t < 0;
    }
    *out = null_seen ? value_null() : value_int(!decisive);
    return 0;
}

int eval_and(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    (void)args;
    return connect(ctx, e, 0, out);
}

int eval_or(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    (void)args;
    return connect(ctx, e, 1, out);
}

int eval_xor(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    int odd = 0;
    for (uint32_t i = 0; i < e->argc; i++) {
        odd ^= eval_arg_truth(ctx, e->args[i], &args[i]);
    }
    *out = value_int(odd);
    return 0;
}

int eval_not(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    *out = value_int(!eval_arg_truth(ctx, e->args[0], &args[0]));
    return 0;
}

static int is_truth(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    int wanted, struct value *out)
{
    *out = value_int(eval_arg_truth(ctx, e->args[0], &args[0]) == wanted);
    return 0;
}

int eval_is_true(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    return is_truth(ctx, e, args, 1, out);
}

int eval_is_false(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    return is_truth(ctx, e, args, 0, out);
}

int eval_is_not_true(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    *out = value_int(eval_arg_truth(ctx, e->args[0], &args[0]) != 1);
    return 0;
}

int eval_is_not_false(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      struct value *out)
{
    *out = value_int(eval_arg_truth(ctx, e->args[0], &args[0]) != 0);
    return 0;
}

int eval_is_null(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    (void)ctx;
    (void)e;
    *out = value_int(args[0].kind == VALUE_NULL);
    return 0;
}

int eval_is_not_null(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                     struct value *out)
{
    (void)ctx;
    (void)e;
    *out = value_int(args[0].kind != VALUE_NULL);
    return 0;
}

/* ---- Choice ---- */

int eval_if(struct eval_ctx *ctx, const struct expr *e, const struct value *args, struct value *out)
{
    (void)args;
    const int t = operand_truth(ctx, e->args[0]);
    return t == -2 ? -1 : eval_branch(ctx, e, e->args[t == 1 ? 1 : 2], out);
}

int eval_coalesce(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    (void)args;
    for (uint32_t i = 0; i < e->argc; i++) {
        if (eval_branch(ctx, e, e->args[i], out) != 0) {
            return -1;
        }
        if (out->kind != VALUE_NULL) {
            return 0;
        }
    }
    return 0;
}

int eval_elt(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    struct value n;
    (void)args;
    if (eval_node(ctx, e->args[0], &n) != 0) {
        return -1;
    }
    const int64_t i = n.kind == VALUE_NULL ? 0 : eval_signed(ctx, e->args[0], &n);
    if (i < 1 || i >= (int64_t)e->argc) {
        return 0;
    }
    return eval_branch(ctx, e, e->args[i], out);
}

/* Does the WHEN of a CASE apply? 1, 0; -2 with diag. `operand` NULL: a condition. */
static int when_applies(struct eval_ctx *ctx, const struct expr *e, const struct value *operand,
                        struct expr *when)
{
    struct value values[2];
    if (operand == NULL) {
        return operand_truth(ctx, when);
    }
    if (eval_node(ctx, when, &values[1]) != 0) {
        return -2;
    }
    struct expr *const pair[2] = {e->args[0], when};
    values[0] = *operand;
    const int cmp = compare_pair(ctx, e, pair, values);
    return cmp == PAIR_ERROR ? -2 : cmp == 0;
}

int eval_case(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    const bool has_operand = (e->flags & EXPR_CASE_OPERAND) != 0;
    const bool has_else = (e->flags & EXPR_CASE_ELSE) != 0;
    const uint32_t end = e->argc - (has_else ? 1 : 0);
    struct value operand;
    (void)args;
    *out = value_null();
    if (has_operand && eval_node(ctx, e->args[0], &operand) != 0) {
        return -1;
    }
    for (uint32_t i = has_operand ? 1 : 0; i + 1 < end; i += 2) {
        const int t = when_applies(ctx, e, has_operand ? &operand : NULL, e->args[i]);
        if (t == -2) {
            return -1;
        }
        if (t == 1) {
            return eval_branch(ctx, e, e->args[i + 1], out);
        }
    }
    return has_else ? eval_branch(ctx, e, e->args[end], out) : 0;
}
