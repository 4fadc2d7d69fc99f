/* The inside of admin/. */
#ifndef ADMIN_ADMIN_INT_H
#define ADMIN_ADMIN_INT_H

#include "admin/admin.h"
#include "base/bytebuf.h"

/* "starting", "ready", "draining". */
NODISCARD const char *admin_state_name(enum admin_state state);

/* Appends the document of /status.json. server is used only from ADMIN_READY on. */
void admin_write_status(struct server *server, enum admin_state state, struct bytebuf *out);

/* Resident memory of the process in bytes; 0 when unknown. */
NODISCARD int64_t process_resident_bytes(void *unused);

#endif
