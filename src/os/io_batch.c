#include "os/io_batch.h"

#include "os_int.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    CALLS_MAX = 256, /* Made together; what is more is made at once. */
};

/* A call that a fiber waits for; on its stack. */
struct batched_call {
    struct rlist node; /* batch->calls */
    struct fiber *fiber;
    int fd;
    bool sends;
    void *buf;
    size_t len;
    ssize_t result; /* Negative: -errno. */
};

static atomic_bool is_allowed = true;

void io_batch_allow(bool allowed)
{
    atomic_store(&is_allowed, allowed);
}

/* ---- The ring ---- */

/* Returns 0, or an errno. The thread that calls this is the one that submits. */
static int open_ring(struct io_uring *ring)
{
    /* Completions are looked at when they are asked for: the kernel need not interrupt the thread.
     */
    struct io_uring_params params = {.flags =
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    return atomic_load(&is_allowed) ? -io_uring_queue_init_params(CALLS_MAX, ring, &params)
                                    : ECANCELED;
}

int io_batch_probe(void)
{
    struct io_uring ring;
    const int error = open_ring(&ring);
    if (error == 0) {
        io_uring_queue_exit(&ring);
    }
    return error;
}

void io_batch_init(struct io_batch *b)
{
    b->count = 0;
    rlist_init(&b->calls);
    b->is_open = open_ring(&b->ring) == 0;
}

void io_batch_release(struct io_batch *b)
{
    if (b->is_open) {
        io_uring_queue_exit(&b->ring);
        b->is_open = false;
    }
}

/* ---- Calls ---- */

static ssize_t call_now(const struct batched_call *c)
{
    return c->sends ? send(c->fd, c->buf, c->len, MSG_NOSIGNAL | MSG_DONTWAIT)
                    : recv(c->fd, c->buf, c->len, MSG_DONTWAIT);
}

static bool pays(const struct loop *l)
{
    return l != NULL && l->running != NULL && l->batch.is_open &&
           (l->others_ready || l->batch.count > 0);
}

static ssize_t make_call(struct batched_call *c)
{
    struct loop *l = loop_this;
    struct io_uring_sqe *sqe = pays(l) ? io_uring_get_sqe(&l->batch.ring) : NULL;
    if (sqe == NULL) {
        return call_now(c);
    }
    /* With MSG_DONTWAIT a call is complete when it has been submitted. */
    if (c->sends) {
        io_uring_prep_send(sqe, c->fd, c->buf, c->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        io_uring_prep_recv(sqe, c->fd, c->buf, c->len, MSG_DONTWAIT);
    }
    io_uring_sqe_set_data(sqe, c);
    c->fiber = l->running;
    rlist_push(&l->batch.calls, &c->node);
    l->batch.count++;
    fiber_hold(c->fiber);
    if (c->result < 0) {
        errno = (int)-c->result;
        return -1;
    }
    return c->result;
}

ssize_t io_batch_recv(int fd, void *buf, size_t len)
{
    return make_call(&(struct batched_call){.fd = fd, .buf = buf, .len = len});
}

ssize_t io_batch_send(int fd, const void *buf, size_t len)
{
    return make_call(
        &(struct batched_call){.fd = fd, .sends = true, .buf = (void *)buf, .len = len});
}

/* ---- Submitting ---- */

static void finish(struct io_batch *b, struct batched_call *c, ssize_t result)
{
    c->result = result;
    rlist_del(&c->node);
    b->count--;
    fiber_release(c->fiber);
}

static void take_completions(struct io_batch *b)
{
    struct io_uring_cqe *cqe;
    while (io_uring_peek_cqe(&b->ring, &cqe) == 0) {
        finish(b, io_uring_cqe_get_data(cqe), cqe->res);
        io_uring_cqe_seen(&b->ring, cqe);
    }
}

/* The kernel does not take the calls that are left: they are made here, and so are all from now on.
 */
static void give_up(struct io_batch *b)
{
    io_batch_release(b);
    while (!rlist_is_empty(&b->calls)) {
        struct batched_call *c = RLIST_ENTRY(b->calls.next, struct batched_call, node);
        const ssize_t n = call_now(c);
        finish(b, c, n < 0 ? -errno : n);
    }
}

void io_batch_submit(struct io_batch *b)
{
    while (b->count > 0) {
        const int rc = io_uring_submit_and_wait(&b->ring, b->count);
        take_completions(b);
        if (rc < 0 && rc != -EINTR) {
            give_up(b);
        }
    }
}
