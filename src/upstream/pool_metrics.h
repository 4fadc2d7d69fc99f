/* The pool's figures as metrics (base/metrics.h). */
#ifndef UPSTREAM_POOL_METRICS_H
#define UPSTREAM_POOL_METRICS_H

#include "upstream/pool.h"

/* Registers pintail_pool_…; of the process's one pool. Before the pool is freed they are to be
 * forgotten: from then on they read 0. */
void upstream_pool_register_metrics(struct upstream_pool *p);
void upstream_pool_forget_metrics(void);

#endif
