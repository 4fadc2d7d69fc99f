/* What a read of the copy needs to know of its session upstream: settings, and the log's end. */
#ifndef SESSION_ROUTE_SETTINGS_H
#define SESSION_ROUTE_SETTINGS_H

#include "upstream/upstream.h"

#include "session/session_int.h"

/* Gives s->x the database and the settings that the session has on c. 0, or -1 with x.diag set:
 * c is broken, or one of them cannot be followed here. */
NODISCARD int route_read_settings(struct session *s, struct upstream_conn *c);

/* Where the upstream's log ends now: what the session has committed lies before it. By file when
 * that is asked for or there are no GTIDs. In arena. 0, or -1 with d set. */
NODISCARD int route_read_point(struct upstream_conn *c, bool by_file, struct arena *arena,
                               struct diag *d, struct copy_point *out);

#endif
