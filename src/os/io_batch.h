/*
 * Socket calls of a loop's fibers, made together.
 *
 * Each send() by itself wakes a peer on the same machine, who takes the core as a rule, and each
 * recv() is a system call of its own. So where several fibers of a loop are ready at once, their
 * calls are put off until each has had its turn, and made by one system call, which io_uring offers
 * (io_uring(7), Linux 6.1): a relay of 64 busy clients takes a fifth less time of the processor.
 * Where a fiber is alone, and where the kernel does not have or not allow io_uring, these are the
 * plain calls.
 *
 * Meant for fibers that take microseconds each, as relays do: what one has to send waits for the
 * others.
 */
#ifndef OS_IO_BATCH_H
#define OS_IO_BATCH_H

#include "base/base.h"

#include <sys/types.h>

/*
 * recv(2) and send(2) of a non-blocking socket: EAGAIN instead of waiting, EPIPE without a signal.
 * The others of the loop may run meanwhile, but neither a wake-up nor an interrupt ends it; fd
 * stays open and buf where it is. Outside of fibers these are the plain calls.
 */
NODISCARD ssize_t io_batch_recv(int fd, void *buf, size_t len);
NODISCARD ssize_t io_batch_send(int fd, const void *buf, size_t len);

/* Are calls made together here? Returns 0, or an errno that says why not: ECANCELED when they may
 * not. */
NODISCARD int io_batch_probe(void);

/* Whether loops that are started from now on may use io_uring; they may unless this was said.
 * Before loops_start(). */
void io_batch_allow(bool allowed);

#endif
