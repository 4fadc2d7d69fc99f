/*
 * origin: who the source was when the copy was begun. Kept in the store (record "replica_source"),
 * so that Pintail knows the dialect of what it stores while the source cannot be reached, and the
 * number under which it registers as a replica.
 */
#ifndef CHANGE_ORIGIN_H
#define CHANGE_ORIGIN_H

#include "upstream/upstream.h"

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "engine/engine.h"

struct change_origin {
    enum upstream_kind kind;
    uint32_t version_id; /* 90704 */
    struct str version;  /* As it greeted; empty: there is no copy yet. */
    uint32_t server_id;  /* Ours, as a replica of it; 0 = none was chosen. */
};

/* Reads the record; strings in arena. 0, or -1 with d set. Engine calls: before the loops, or on an
 * offload thread. */
NODISCARD int change_origin_read(struct engine_session *s, struct arena *arena, struct diag *d,
                                 struct change_origin *out);

/* Writes it, in the open transaction of s; NULL deletes it. 0, or -1 with d set. */
NODISCARD int change_origin_write(struct engine_session *s, const struct change_origin *o,
                                  struct diag *d);

#endif
