/* Resource limits of the process. */
#ifndef OS_RLIMIT_H
#define OS_RLIMIT_H

#include "base/base.h"

/* Raises the limit of open files towards want (as root also the hard limit). Returns the limit now
 * in force. */
uint64_t rlimit_raise_files(uint64_t want);

/* Bytes of memory the process has resident, or 0 if unknown. */
NODISCARD uint64_t rlimit_resident_bytes(void);

/* Cores this process may use (its affinity mask), at least 1. */
NODISCARD unsigned rlimit_cores(void);

#endif
