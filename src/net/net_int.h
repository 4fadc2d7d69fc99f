/* What the files of net share: errors. */
#ifndef NET_NET_INT_H
#define NET_NET_INT_H

#include "base/diag.h"
#include "net/filter.h"

/*
 * Sets the error to MySQL's text for er and, in parentheses, a reason. Returns NET_ERROR, so that
 * `return net_error(…)` ends a function.
 */
#define net_error(d, er, reason) net_error_at((d), er, er##_FMT, (reason))
enum net_result net_error_at(struct diag *d, int code, const char *text, const char *reason);

/* net_error() for errno after a failed system call. */
enum net_result net_read_error(struct diag *d, int err);
enum net_result net_write_error(struct diag *d, int err);

/* The error for a wait that ended without success; NET_EOF and NET_INTERRUPTED set nothing. Returns
 * result. */
enum net_result net_read_result(enum net_result result, struct diag *d);
enum net_result net_write_result(enum net_result result, struct diag *d);

#endif
