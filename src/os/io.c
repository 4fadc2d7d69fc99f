#include "os/io.h"

#include "os_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void on_poll(uv_poll_t *poll, int status, int events);

/* Polls for exactly these events. Failure shows as a broken descriptor. */
static void arm(struct io *io, unsigned events)
{
    if (events == io->armed) {
        return;
    }
    io->armed = events;
    const int rc =
        events ? uv_poll_start(&io->poll, (int)events, on_poll) : uv_poll_stop(&io->poll);
    if (rc) {
        io->armed = 0;
        io->broken = true;
    }
}

static void notify_hangup(struct io *io)
{
    io_hangup_fn *fn = io->on_hangup;
    if (fn && io->hungup && !(io->waiter && (io->want & IO_READABLE))) {
        io->on_hangup = NULL;
        fn(io->on_hangup_arg);
    }
}

static void on_broken(struct io *io)
{
    /* libuv has stopped the handle. */
    io->armed = 0;
    io->broken = true;
    io->hungup = true;
    notify_hangup(io);
    if (io->waiter) {
        fiber_wake(io->waiter);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct io *io = poll->data;
    if (status < 0) {
        on_broken(io);
        return;
    }
    unsigned got =
        (events & UV_READABLE ? IO_READABLE : 0u) | (events & UV_WRITABLE ? IO_WRITABLE : 0u);
    unsigned drop = 0;
    if (events & UV_DISCONNECT) {
        io->hungup = true;
        got |= IO_READABLE; /* The end of file can be read. */
        drop |= UV_DISCONNECT;
    }
    const unsigned hit = io->waiter ? got & io->want : 0;
    const unsigned idle = got & ~hit;
    drop |= (idle & IO_READABLE ? (unsigned)UV_READABLE : 0u) |
            (idle & IO_WRITABLE ? (unsigned)UV_WRITABLE : 0u);
    arm(io, io->armed & ~drop);
    if (events & UV_DISCONNECT) {
        notify_hangup(io);
    }
    if (hit) {
        io->ready |= hit;
        fiber_wake(io->waiter);
    }
}

int io_attach(struct io *io, struct loop *loop, int fd)
{
    assert(loop == loop_this);
    *io = (struct io){.loop = loop, .fd = fd};
    const int rc = uv_poll_init(&loop->uv, &io->poll, fd);
    if (rc) {
        errno = -rc;
        return -1;
    }
    io->poll.data = io;
    io->attached = true;
    return 0;
}

/* Tells io_detach() that libuv has let go of the handle. */
static void on_closed(uv_handle_t *handle)
{
    struct io *io = handle->data;
    io->closed = true;
    fiber_wake(io->waiter);
}

void io_detach(struct io *io)
{
    if (!io->attached) {
        return;
    }
    assert(io->loop == loop_this && !io->waiter);
    io->attached = false;
    io->on_hangup = NULL;
    io->waiter = fiber_self();
    fiber_mask_interrupts();
    uv_close((uv_handle_t *)&io->poll, on_closed);
    while (!io->closed) {
        fiber_pause();
    }
    fiber_unmask_interrupts();
    io->waiter = NULL;
}

static unsigned wanted_events(const struct io *io, unsigned want)
{
    return (want & IO_READABLE ? (unsigned)UV_READABLE : 0u) |
           (want & IO_WRITABLE ? (unsigned)UV_WRITABLE : 0u) |
           (io->hungup ? 0u : (unsigned)UV_DISCONNECT);
}

/* Parks until an event of interest has set io->ready, or something else ends the wait. */
static enum io_result wait_parked(struct io *io, uint64_t deadline_us)
{
    for (;;) {
        const enum fiber_result r = fiber_park(deadline_us);
        if (r == FIBER_INTERRUPTED) {
            return IO_INTERRUPTED;
        }
        if (io->ready) {
            return IO_READY;
        }
        if (io->broken) {
            return IO_HANGUP;
        }
        if (r == FIBER_TIMEOUT) {
            return IO_TIMEOUT;
        }
    }
}

enum io_result io_wait(struct io *io, unsigned want, uint64_t deadline_us)
{
    assert(io->attached && io->loop == loop_this && !io->waiter && want);
    io->ready = 0;
    arm(io, io->armed | wanted_events(io, want));
    if (io->broken) {
        return IO_HANGUP;
    }
    if (io->hungup && (want & IO_READABLE)) {
        /* Nothing would be reported again: the end of file can be read at once. */
        io->ready = IO_READABLE;
        return IO_READY;
    }
    io->waiter = fiber_self();
    io->want = want;
    const enum io_result r = wait_parked(io, deadline_us);
    io->waiter = NULL;
    io->want = 0;
    return r;
}

/* Is an item ready without waiting: the other side has gone, so that nothing would be reported? */
static bool is_ready_now(const struct io_wait_item *it)
{
    struct io *io = it->io;
    if (io->broken) {
        io->ready = it->want;
    } else if (io->hungup && (it->want & IO_READABLE)) {
        io->ready |= IO_READABLE;
    }
    return io->ready != 0;
}

static bool begin_wait(const struct io_wait_item *it)
{
    struct io *io = it->io;
    assert(io->attached && io->loop == loop_this && !io->waiter);
    io->ready = 0;
    if (it->want == 0) {
        return false;
    }
    arm(io, io->armed | wanted_events(io, it->want));
    return is_ready_now(it);
}

static void set_waiter(const struct io_wait_item *items, size_t count, struct fiber *f)
{
    for (size_t i = 0; i < count; i++) {
        items[i].io->waiter = f;
        items[i].io->want = f ? items[i].want : 0;
    }
}

static bool any_ready(const struct io_wait_item *items, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any |= items[i].want != 0 && is_ready_now(&items[i]);
    }
    return any;
}

enum io_result io_wait_many(const struct io_wait_item *items, size_t count, uint64_t deadline_us)
{
    bool ready = false;
    for (size_t i = 0; i < count; i++) {
        ready |= begin_wait(&items[i]);
    }
    if (ready) {
        return IO_READY;
    }
    enum io_result r = IO_READY;
    set_waiter(items, count, fiber_self());
    do {
        const enum fiber_result f = fiber_park(deadline_us);
        r = f == FIBER_INTERRUPTED    ? IO_INTERRUPTED
            : any_ready(items, count) ? IO_READY
            : f == FIBER_TIMEOUT      ? IO_TIMEOUT
                                      : IO_HANGUP;
    } while (r == IO_HANGUP); /* a spurious wake-up */
    set_waiter(items, count, NULL);
    return r;
}

void io_on_hangup(struct io *io, io_hangup_fn *fn, void *arg)
{
    io->on_hangup = fn;
    io->on_hangup_arg = arg;
    if (fn && io->hungup) {
        notify_hangup(io);
    } else if (fn) {
        arm(io, io->armed | UV_DISCONNECT);
    }
}

/* After a system call failed: waits if that can help. Returns true to try again, else *out_why is
 * set. */
static bool wait_to_retry(struct io *io, unsigned want, uint64_t deadline_us,
                          enum io_result *out_why)
{
    if (errno == EINTR) {
        return true;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        *out_why = IO_HANGUP;
        return false;
    }
    *out_why = io_wait(io, want, deadline_us);
    /* A broken descriptor gives its error to the next system call. */
    return *out_why == IO_READY || *out_why == IO_HANGUP;
}

ssize_t io_read(struct io *io, void *buf, size_t len, uint64_t deadline_us, enum io_result *out_why)
{
    ssize_t n;
    do {
        *out_why = IO_READY;
        n = read(io->fd, buf, len);
    } while (n < 0 && wait_to_retry(io, IO_READABLE, deadline_us, out_why));
    return n;
}

ssize_t io_write(struct io *io, const void *buf, size_t len, uint64_t deadline_us,
                 enum io_result *out_why)
{
    ssize_t n;
    do {
        *out_why = IO_READY;
        n = write(io->fd, buf, len);
    } while (n < 0 && wait_to_retry(io, IO_WRITABLE, deadline_us, out_why));
    return n;
}
