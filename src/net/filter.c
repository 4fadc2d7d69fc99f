#include "net/filter.h"

#include "net_int.h"

#include <stdio.h>
#include <string.h>

struct net_io net_filter_read(struct net_filter *f, void *buf, size_t len, uint64_t deadline_us,
                              struct diag *d)
{
    return f->ops->read(f, buf, len, deadline_us, d);
}

struct net_io net_filter_write(struct net_filter *f, const void *buf, size_t len,
                               uint64_t deadline_us, struct diag *d)
{
    return f->ops->write(f, buf, len, deadline_us, d);
}

enum net_result net_filter_wait(struct net_filter *f, uint64_t deadline_us)
{
    while (f->ops->wait == NULL && f->next != NULL) {
        f = f->next;
    }
    return f->ops->wait != NULL ? f->ops->wait(f, deadline_us) : NET_OK;
}

bool net_filter_pending(const struct net_filter *f)
{
    for (; f != NULL; f = f->next) {
        if (f->ops->pending != NULL && f->ops->pending(f)) {
            return true;
        }
    }
    return false;
}

struct io *net_filter_io(struct net_filter *f)
{
    while (f->ops->io == NULL && f->next != NULL) {
        f = f->next;
    }
    return f->ops->io != NULL ? f->ops->io(f) : NULL;
}

void net_filter_idle(struct net_filter *f)
{
    for (; f != NULL; f = f->next) {
        if (f->ops->idle != NULL) {
            f->ops->idle(f);
        }
    }
}

void net_filter_on_hangup(struct net_filter *f, io_hangup_fn *fn, void *arg)
{
    while (f->ops->on_hangup == NULL && f->next != NULL) {
        f = f->next;
    }
    if (f->ops->on_hangup != NULL) {
        f->ops->on_hangup(f, fn, arg);
    }
}

void net_filter_describe(const struct net_filter *f, struct net_info *out)
{
    *out = (struct net_info){0};
    for (; f != NULL; f = f->next) {
        if (f->ops->describe != NULL) {
            f->ops->describe(f, out);
        }
    }
}

void net_filter_shutdown(struct net_filter *f, uint64_t deadline_us)
{
    for (; f != NULL; f = f->next) {
        if (f->ops->shutdown != NULL) {
            f->ops->shutdown(f, deadline_us);
        }
    }
}

void net_filter_free(struct net_filter *f)
{
    while (f != NULL) {
        struct net_filter *next = f->next;
        f->ops->release(f);
        f = next;
    }
}

enum net_result net_error_at(struct diag *d, int code, const char *text, const char *reason)
{
    char message[512];
    const int len = snprintf(message, sizeof(message), "%s (%s)", text, reason);
    (void)diag_set_text(d, code, str_from(message, MIN((size_t)MAX(len, 0), sizeof(message) - 1)));
    return NET_ERROR;
}

enum net_result net_read_error(struct diag *d, int err)
{
    char text[128];
    return net_error(d, ER_NET_READ_ERROR, strerror_r(err, text, sizeof(text)));
}

enum net_result net_write_error(struct diag *d, int err)
{
    char text[128];
    return net_error(d, ER_NET_ERROR_ON_WRITE, strerror_r(err, text, sizeof(text)));
}

enum net_result net_read_result(enum net_result result, struct diag *d)
{
    if (result == NET_TIMEOUT) {
        diag_set(d, ER_NET_READ_INTERRUPTED);
    }
    return result;
}

enum net_result net_write_result(enum net_result result, struct diag *d)
{
    if (result == NET_TIMEOUT) {
        diag_set(d, ER_NET_WRITE_INTERRUPTED);
    }
    return result;
}
