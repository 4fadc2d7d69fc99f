/*
 * Starting: the definitions and accounts stored with the data are read into the catalog; a fresh
 * data directory gets its first account.
 */
#ifndef EXEC_BOOTSTRAP_H
#define EXEC_BOOTSTRAP_H

#include "base/diag.h"
#include "exec/server.h"

/*
 * Reads the records "database", "table" and "account" of server->engine into server->catalog and
 * server->accounts, and creates what a fresh store lacks: the database information_schema (listed,
 * without tables) and the account root without a password, which may come from loopback only.
 * Called once, after the engine was opened and before the first session, on any thread that may
 * block. Returns 0, or -1 with diag.
 */
NODISCARD int exec_bootstrap(struct server *server, struct diag *diag);

/*
 * Stores the AUTO_INCREMENT counters that are ahead of their tables' rows, as those of deleted rows
 * are, with the definitions. Called at an orderly stop, when no session is left; after a crash a
 * counter follows the largest value that is there. Returns 0, or -1 with diag.
 */
NODISCARD int exec_save_counters(struct server *server, struct diag *diag);

#endif
