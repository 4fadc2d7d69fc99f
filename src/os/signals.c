#include "os/signals.h"

#include "os_int.h"

#include <signal.h>

static const int watched[] = {SIGTERM, SIGINT, SIGHUP};

/* The process has one set of signal handlers. */
static struct {
    struct signals_handlers handlers;
    struct loop *loop;
    uv_signal_t handles[ARRAY_SIZE(watched)];
    unsigned open; /* Handles that libuv knows. */
    int rc;
    bool finished; /* The request of the calling thread has been carried out; under lock. */
    struct os_mutex lock;
    struct os_cond cond;
} signals = {.lock = OS_MUTEX_INIT};

void signals_init(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    (void)handle;
    if (signum == SIGHUP) {
        signals.handlers.on_reload(signals.handlers.arg);
    } else {
        signals.handlers.on_stop(signals.handlers.arg, signum);
    }
}

static void finish(void)
{
    os_mutex_lock(&signals.lock);
    signals.finished = true;
    os_cond_broadcast(&signals.cond);
    os_mutex_unlock(&signals.lock);
}

/* Has fn called on the loop, and waits until finish(). */
static void request(struct loop *loop, loop_fn *fn)
{
    assert(!loop_self());
    signals.finished = false;
    loop_post(loop, fn, NULL);
    os_mutex_lock(&signals.lock);
    while (!signals.finished) {
        os_cond_wait(&signals.cond, &signals.lock);
    }
    os_mutex_unlock(&signals.lock);
}

static void start_on_loop(void *arg)
{
    (void)arg;
    signals.rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(watched) && signals.rc == 0; i++) {
        signals.rc = uv_signal_init(loop_uv(signals.loop), &signals.handles[i]);
        if (signals.rc == 0) {
            signals.open++;
            signals.rc = uv_signal_start(&signals.handles[i], on_signal, watched[i]);
        }
    }
    finish();
}

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
    if (--signals.open == 0) {
        finish();
    }
}

static void stop_on_loop(void *arg)
{
    (void)arg;
    if (signals.open == 0) {
        finish();
        return;
    }
    const unsigned open = signals.open;
    for (unsigned i = 0; i < open; i++) {
        uv_close((uv_handle_t *)&signals.handles[i], on_closed);
    }
}

int signals_start(struct loop *loop, const struct signals_handlers *handlers, struct diag *d)
{
    assert(!signals.loop);
    signals.handlers = *handlers;
    signals.loop = loop;
    os_cond_init(&signals.cond);
    request(loop, start_on_loop);
    if (signals.rc) {
        const int rc = signals.rc;
        signals_stop();
        return diag_set_at(d, __FILE__, __LINE__, ER_UNKNOWN_ERROR, "cannot watch signals: %s",
                           uv_strerror(rc));
    }
    return 0;
}

void signals_stop(void)
{
    if (signals.loop) {
        request(signals.loop, stop_on_loop);
        os_cond_release(&signals.cond);
        signals.loop = NULL;
    }
}
