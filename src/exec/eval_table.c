/* Which C function evaluates which SQL function. */
#include "exec/eval_int.h"

#define EAGER(f) {.fn = (f)}
#define LAZY(f)  {.fn = (f), .lazy = true}

static const struct evaluator evaluators[FUNC_ID_COUNT] = {
    [FN_ADD] = EAGER(eval_add),
    [FN_SUB] = EAGER(eval_sub),
    [FN_MUL] = EAGER(eval_mul),
    [FN_DIV] = EAGER(eval_div),
    [FN_INT_DIV] = EAGER(eval_int_div),
    [FN_MOD] = EAGER(eval_mod),
    [FN_MOD_FN] = EAGER(eval_mod),
    [FN_NEG] = EAGER(eval_neg),
    [FN_BIT_AND_OP] = EAGER(eval_bit_and),
    [FN_BIT_OR_OP] = EAGER(eval_bit_or),
    [FN_BIT_XOR_OP] = EAGER(eval_bit_xor),
    [FN_SHIFT_LEFT] = EAGER(eval_shift_left),
    [FN_SHIFT_RIGHT] = EAGER(eval_shift_right),
    [FN_BIT_NOT] = EAGER(eval_bit_not),

    [FN_AND] = LAZY(eval_and),
    [FN_OR] = LAZY(eval_or),
    [FN_XOR] = EAGER(eval_xor),
    [FN_NOT] = EAGER(eval_not),
    [FN_IS_TRUE] = EAGER(eval_is_true),
    [FN_IS_NOT_TRUE] = EAGER(eval_is_not_true),
    [FN_IS_FALSE] = EAGER(eval_is_false),
    [FN_IS_NOT_FALSE] = EAGER(eval_is_not_false),
    [FN_IS_UNKNOWN] = EAGER(eval_is_null),
    [FN_IS_NOT_UNKNOWN] = EAGER(eval_is_not_null),
    [FN_IS_NULL] = EAGER(eval_is_null),
    [FN_IS_NOT_NULL] = EAGER(eval_is_not_null),
    [FN_ISNULL] = EAGER(eval_is_null),

    [FN_EQ] = LAZY(eval_eq),
    [FN_NE] = LAZY(eval_ne),
    [FN_LT] = EAGER(eval_lt),
    [FN_LE] = EAGER(eval_le),
    [FN_GT] = EAGER(eval_gt),
    [FN_GE] = EAGER(eval_ge),
    [FN_EQ_NULL] = LAZY(eval_eq_null),
    [FN_BETWEEN] = EAGER(eval_between),
    [FN_IN] = LAZY(eval_in),
    [FN_LIKE] = EAGER(eval_like),
    [FN_STRCMP] = EAGER(eval_strcmp),
    [FN_INTERVAL_FN] = EAGER(eval_interval_fn),

    [FN_IF] = LAZY(eval_if),
    [FN_IFNULL] = LAZY(eval_coalesce),
    [FN_COALESCE] = LAZY(eval_coalesce),
    [FN_NULLIF] = EAGER(eval_nullif),
    [FN_GREATEST] = EAGER(eval_greatest),
    [FN_LEAST] = EAGER(eval_least),
    [FN_FIELD] = EAGER(eval_field),
    [FN_ELT] = LAZY(eval_elt),
};

const struct evaluator *eval_find(enum func_id id)
{
    return &evaluators[id];
}
