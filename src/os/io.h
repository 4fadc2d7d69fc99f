/*
 * Waiting for a descriptor, by fibers of one loop.
 *
 * The poll handle stays armed: arming at each wait costs 30 % of an echo server's time. So the rule
 * of use is that of edge-triggered polling: try the system call first, io_wait() on EAGAIN, try
 * again. An event that comes while nobody waits for that direction disarms it until the next
 * io_wait(), so unread data never makes the loop spin.
 *
 * Model: io_attach() in the owner's fiber; one fiber at a time waits; io_detach() before closing
 * the descriptor.
 */
#ifndef OS_IO_H
#define OS_IO_H

#include "base/base.h"
#include "os/fiber.h"
#include "os/loop.h"

#include <uv.h>

enum io_direction {
    IO_READABLE = 1u << 0,
    IO_WRITABLE = 1u << 1,
};

enum io_result {
    IO_READY = 0,   /* Try again; io_ready() tells which. May be spurious. */
    IO_TIMEOUT,     /* The deadline passed. */
    IO_INTERRUPTED, /* fiber_interrupt() */
    IO_HANGUP,      /* The connection is broken both ways: the next system call says how. */
};

/* Called on the loop thread, outside fibers; may not park. */
typedef void io_hangup_fn(void *arg);

struct io {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    unsigned armed;       /* Events polled for (enum uv_poll_event). */
    unsigned want;        /* Directions the waiter waits for. */
    unsigned ready;       /* Directions of the last IO_READY. */
    struct fiber *waiter; /* Parked in io_wait(), or NULL. */
    bool attached;        /* Between io_attach() and io_detach(). */
    bool closed;          /* The handle's memory is free for reuse. */
    bool hungup;          /* The peer has closed its side. */
    bool broken;          /* Error or hang-up of both sides. */
    io_hangup_fn *on_hangup;
    void *on_hangup_arg;
};

/*
 * Watches fd, which is made non-blocking and stays the caller's, on the running loop. io must stay
 * where it is until io_detach(). Returns 0, or -1 with errno set (EPERM: not pollable, such as a
 * plain file).
 */
NODISCARD int io_attach(struct io *io, struct loop *loop, int fd);

/* Ends watching; parks the fiber shortly, not interruptible. The descriptor can then be closed.
 * Harmless twice. */
void io_detach(struct io *io);

/*
 * Waits until fd is probably ready for one of the directions in want. deadline_us:
 * clock_monotonic_us() time, or FIBER_FOREVER.
 */
NODISCARD enum io_result io_wait(struct io *io, unsigned want, uint64_t deadline_us);

/*
 * Waits for several descriptors of the running loop at once: a relay between two sockets. Items
 * with want 0 are watched for nothing. IO_READY when at least one is ready or broken; io_ready() of
 * each tells which and for what (a broken one is ready for all it was wanted for).
 */
struct io_wait_item {
    struct io *io;
    unsigned want;
};
NODISCARD enum io_result io_wait_many(const struct io_wait_item *items, size_t count,
                                      uint64_t deadline_us);

/* The directions found ready by the last io_wait() or io_wait_many(). */
NODISCARD static inline unsigned io_ready(const struct io *io)
{
    return io->ready;
}

/*
 * Has fn(arg) called once when the peer closes its side while no fiber waits for input: how a
 * running statement learns that its client has gone. If that has happened already fn is called
 * before this returns. NULL removes it.
 */
void io_on_hangup(struct io *io, io_hangup_fn *fn, void *arg);

/*
 * read(2)/write(2) that wait when the descriptor is not ready. Return the bytes (0 from io_read():
 * end of file), or -1 with *out_why = IO_TIMEOUT or IO_INTERRUPTED, or IO_HANGUP with errno set.
 * io_write() may write less.
 */
NODISCARD ssize_t io_read(struct io *io, void *buf, size_t len, uint64_t deadline_us,
                          enum io_result *out_why);
NODISCARD ssize_t io_write(struct io *io, const void *buf, size_t len, uint64_t deadline_us,
                           enum io_result *out_why);

#endif
