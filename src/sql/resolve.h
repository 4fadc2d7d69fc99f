/*
 * The resolver: binds names against the catalog and gives each expression its MySQL result type. It
 * fills the "resolved" members of the tree in place. Pure: no I/O, the catalog is read through
 * callbacks.
 */
#ifndef SQL_RESOLVE_H
#define SQL_RESOLVE_H

#include "base/arena.h"
#include "base/diag.h"
#include "sql/ast.h"
#include "types/sql_mode.h"

struct timezone; /* types/timezone.h */

/* What the resolver reads of the session and the world. */
struct resolve_env {
    struct str current_db; /* p NULL = none */
    uint64_t sql_mode;
    enum sql_dialect dialect;
    uint16_t collation_connection;
    uint32_t div_precision_increment;
    uint32_t group_concat_max_len;
    uint64_t sql_select_limit; /* UINT64_MAX = none */
    /* Session time zone: what TIMESTAMP columns are converted to. NULL: expressions that need it
     * are refused. */
    const struct timezone *tz;

    /* The table's definition, valid as long as the statement (the callee holds the reference and
     * the metadata lock), or NULL. */
    const struct table_def *(*find_table)(void *arg, struct str db, struct str name);
    /* Type and value of a system or user variable. Returns 0, or -1 with diag (1193). */
    int (*find_variable)(void *arg, const struct expr *var, struct diag *diag,
                         struct sql_type *out_type);
    /* May the session use these columns so? `privilege` is a enum privilege bit. Returns 0 or -1
     * with 1142/1143. */
    int (*check_column)(void *arg, const struct table_def *table, uint32_t column,
                        struct diag *diag);
    /* The value of a resolved expression that depends on no row (NOW(), @@variables, DATABASE(),
     * …), for the writer. NULL: such expressions are refused. Returns 0, or -1 with diag. */
    int (*eval_const)(void *arg, const struct expr *e, struct arena *arena, struct diag *diag,
                      struct value *out);
    void *arg;

    /* Values of parameters, when known: literals take the place of EXPR_PARAM nodes before
     * resolving. NULL at prepare time: parameters get types from their context as MySQL derives
     * them. */
};

/* Resolves a whole SELECT, INSERT, REPLACE, UPDATE or DELETE. Returns 0, or -1 with diag (1054,
 * 1052, 1146, 1055, 1140, 1222, …). */
NODISCARD int sql_resolve(struct stmt *stmt, const struct resolve_env *env, struct arena *arena,
                          struct diag *diag);

/*
 * Gives the columns of a resolved query that is the statement the types that the server sends when
 * it runs it: those of the fields of temporary tables. PREPARE tells the types without it.
 */
void sql_store_result(struct query *q, enum sql_dialect dialect);

/* Are the rows of such a derived table stored before the servers go on? Others become part of the
 * query around. */
NODISCARD bool query_is_stored(const struct query *q);

/* Resolves one expression that may see the columns of `table` (may be NULL): SET values, defaults,
 * SHOW … WHERE, LOAD DATA … SET. */
NODISCARD int sql_resolve_expr(struct expr *e, const struct table_def *table,
                               const struct resolve_env *env, struct arena *arena,
                               struct diag *diag);

#endif
