/*
 * The function catalogue. functions.def has one row for each function, operator and aggregate: its
 * name, arity, rule for the result type, how each engine gets it, its evaluator. An entry without a
 * writer rule for an engine is refused there with ER_NOT_SUPPORTED_YET (1235) naming it: the
 * writers are allow-lists.
 */
#ifndef SQL_FUNCTIONS_H
#define SQL_FUNCTIONS_H

#include "base/base.h"
#include "base/str.h"
#include "sql/ast.h"

enum func_kind {
    FUNC_SCALAR,
    FUNC_OPERATOR,
    FUNC_AGGREGATE,
    FUNC_WINDOW,
};

enum func_flags {
    FUNC_NONDETERMINISTIC = 1u << 0, /* RAND, UUID: results may not be cached */
    FUNC_STATEMENT_CONST =
        1u
        << 1, /* NOW(), USER(), DATABASE(): one value for a statement; evaluated before writing */
    FUNC_NULL_PROPAGATES = 1u << 2, /* NULL if any argument is NULL */
    FUNC_NEVER_NULL = 1u << 3,      /* whatever the arguments */
    FUNC_COMPARES = 1u << 4,        /* aggregates its arguments' collations for comparing */
};

#define FUNC_VARARGS 255

/* What an evaluator sees: exec/eval.h. */
struct eval_ctx;

struct func_def {
    const char *name; /* upper case */
    enum func_kind kind;
    unsigned flags; /* enum func_flags */
    uint8_t min_args;
    uint8_t max_args;     /* FUNC_VARARGS = no limit */
    uint8_t len_mysql;    /* display width of the result on MySQL, where the type rule wants one */
    uint8_t len_mariadb;  /* the same on MariaDB */
    uint16_t type_rule;   /* enum type_rule (resolve_int.h): how type, length, decimals, collation
                             follow from the arguments */
    uint16_t duckdb_rule; /* enum duckdb_rule (write_duckdb_int.h); 0 = refused */
    const char *duckdb_text; /* its template or native name */
    uint16_t id;             /* position in the catalogue: index of the evaluator's table */
};

/* One enum constant for every row: FN_<symbol>. */
enum func_id {
#define FUNC(symbol, ...) FN_##symbol,
#include "sql/functions.def"
#undef FUNC
    FUNC_ID_COUNT,
};

/*
 * By name (case-insensitive); operators by their symbols and words ("+", "NEG", "AND", "IS NULL",
 * "LIKE"). NULL = no such function.
 */
NODISCARD const struct func_def *func_find(struct str name);
NODISCARD const struct func_def *func_get(enum func_id id);

#endif
