/* The tables of information_schema and pintail: made when a statement names one, from the catalog
 * as it is. */
#ifndef EXEC_INFO_SCHEMA_H
#define EXEC_INFO_SCHEMA_H

#include "exec/exec_int.h"

/*
 * The table, with its rows for this session, as long as the statement. NULL when there is none of
 * the name (no diag). What the session may not see is not in it.
 */
NODISCARD struct table_def *info_schema_table(struct exec_session *x, struct str name);

/* The same of the database pintail: what is known of the copy. Only where one is kept, and only for
 * the operator; the caller has checked that. */
NODISCARD struct table_def *pintail_schema_table(struct exec_session *x, struct str name);

#endif
