/*
 * Defaults for callbacks that an engine has nothing to say to: they succeed and do nothing unless
 * said otherwise. An engine names them in its tables; a NULL there is refused at registration.
 */
#ifndef ENGINE_GENERIC_H
#define ENGINE_GENERIC_H

#include "engine/engine.h"

/* For engines whose calls are short. */
void generic_interrupt(struct engine_session *s);

/* For engines without transactions: the state is always ENGINE_TXN_NONE. */
int generic_begin(struct engine_session *s, unsigned flags, struct diag *diag);
int generic_commit(struct engine_session *s, struct diag *diag);
void generic_rollback(struct engine_session *s);
enum engine_txn_state generic_txn_state(const struct engine_session *s);

/* For engines that keep nothing: records are dropped, a scan finds none. */
int generic_meta_put(struct engine_session *s, struct str kind, uint64_t id, struct str value,
                     struct diag *diag);
int generic_meta_scan(struct engine_session *s, struct str kind,
                      int (*fn)(void *arg, uint64_t id, struct str value), void *arg,
                      struct diag *diag);

/* For engines without variables: fails with 1193. */
int generic_set_variable(struct engine *e, struct str name, struct str value, struct diag *diag);

/* No counters. */
uint32_t generic_statistics(struct engine *e, struct arena *arena, struct engine_stat **out);

/* Not known. */
double generic_progress(const struct engine_session *s);

#endif
