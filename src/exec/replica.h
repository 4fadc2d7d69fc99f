/* What statements about the copy share; see replica.c. */
#ifndef EXEC_REPLICA_H
#define EXEC_REPLICA_H

#include "exec/exec.h"

/* The name of our channel: SHOW REPLICA STATUS FOR CHANNEL 'pintail'. */
#define REPLICA_CHANNEL "pintail"

/* Is the session's account the one that Pintail itself uses upstream? 0, or -1 with diag: ER 1227
 * naming the privilege. */
NODISCARD int exec_check_operator(struct exec_session *x, const char *privilege);

/* Is it our channel that is named, or none? 0, or -1 with diag. */
NODISCARD int exec_check_channel(struct exec_session *x, struct str channel);

#endif
