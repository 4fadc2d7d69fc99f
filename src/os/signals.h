/*
 * Process signals, delivered as calls on a loop. SIGPIPE is ignored: writes report EPIPE instead.
 */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include "base/base.h"
#include "base/diag.h"
#include "os/loop.h"

/* Called on the loop's thread, outside fibers; may not park. */
struct signals_handlers {
    void (*on_stop)(void *arg, int signum); /* SIGTERM or SIGINT; also the second and later ones. */
    void (*on_reload)(void *arg);           /* SIGHUP */
    void *arg;
};

/* Ignores SIGPIPE. To be called at the start of the process. */
void signals_init(void);

/* Starts delivery on this loop, normally loop 0. handlers is copied. Returns 0, or -1 with d set.
 */
NODISCARD int signals_start(struct loop *loop, const struct signals_handlers *handlers,
                            struct diag *d);

/* Ends delivery: the signals have their default effect again. Before loops_stop(); not from a loop
 * thread. */
void signals_stop(void);

#endif
