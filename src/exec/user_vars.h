/* User variables (@name): a session's map from names to values of their own memory. */
#ifndef EXEC_USER_VARS_H
#define EXEC_USER_VARS_H

#include "exec/exec.h"

/* Longest value of one variable, and how many a session may have. */
#define USER_VAR_MAX_LEN   (64u << 20)
#define USER_VAR_MAX_COUNT 10000

/* The value, borrowed until the variable is next set; NULL of string type for one never set. */
void user_var_get(struct exec_session *x, struct str name, struct value *out,
                  struct sql_type *out_type);

/* Copies value into the variable. Returns 0, or -1 with the session's diag when it is too long or
 * there are too many. */
NODISCARD int user_var_set(struct exec_session *x, struct str name, const struct value *value,
                           const struct sql_type *type);

#endif
