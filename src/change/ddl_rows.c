/*
 * Changes of rows as text: they cannot be followed, as nobody knows what triggers, functions and
 * the order of rows made of them. See ddl.h.
 */
#include "change/ddl_int.h"

#include "types/collation.h"

int ddl_plan_rows(struct ddl_run *run)
{
    const struct str text = str_from(run->sql.p, MIN(run->sql.len, 1000));
    return diag_set_text(
        run->diag, ER_NOT_SUPPORTED_YET,
        arena_printf(run->arena,
                     "rows were changed by a statement that is in the log as text, from which "
                     "nobody can tell all that it changed: set binlog_format=ROW for all sessions "
                     "of the source, then RESET REPLICA and START REPLICA make the copy anew. The "
                     "statement: %.*s",
                     STR_FMT(text)));
}
