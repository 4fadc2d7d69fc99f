/* The start-up steps of the copy that follows the upstream (storage.backend hybrid): who the
 * upstream is, before the catalog is loaded, */
#include "change/origin.h"
#include "startup.h"
#include "upstream/pool.h"

#include "base/clock.h"
#include "os/fiber.h"

#include <stdio.h>
#include <string.h>

/* How long the start waits to hear from the upstream who it is. */
#define MEET_US UINT64_C(3000000)

bool app_has_copy(const struct app *a)
{
    return a->config.values.storage_backend == STORAGE_HYBRID;
}

/* ---- Who the upstream is ---- */

struct meeting {
    struct app *a;
    bool met;
    enum upstream_kind kind;
    uint32_t version_id;
    char version[256];
};

static void meet(void *arg)
{
    struct meeting *m = arg;
    struct diag d;
    diag_init(&d);
    struct upstream_conn *c =
        upstream_connect(m->a->upstream, loop_self(), NULL, 0, clock_monotonic_us() + MEET_US, &d);
    if (c != NULL) {
        m->met = true;
        m->kind = c->kind;
        m->version_id = c->version_id;
        memcpy(m->version, c->version, sizeof m->version);
        upstream_close(c);
    } else {
        log_warn(&m->a->log, "upstream %s cannot be asked who it is: %.*s",
                 upstream_name(m->a->upstream), STR_FMT(d.error->message));
    }
    diag_release(&d);
}

static int ask_upstream(struct app *a, struct meeting *m, struct diag *d)
{
    struct fiber *f = fiber_spawn_ref(loops_get(a->loops, 0), meet, m);
    if (f == NULL) {
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    fiber_join(f);
    return 0;
}

/* As it was when the copy was made. */
static int ask_store(struct app *a, struct meeting *m, struct diag *d)
{
    struct engine_session *s;
    struct change_origin origin;
    if (engine_session_open(a->server.engine, d, &s) != 0) {
        return -1;
    }
    const int rc = change_origin_read(s, &a->arena, d, &origin);
    engine_session_close(s);
    if (rc == 0 && origin.version.len > 0) {
        m->met = true;
        m->kind = origin.kind;
        m->version_id = origin.version_id;
        (void)snprintf(m->version, sizeof m->version, "%.*s", STR_FMT(origin.version));
    }
    return rc;
}

int app_find_source(struct app *a, struct diag *d)
{
    struct server *s = &a->server;
    struct meeting m = {.a = a};
    s->dialect = (enum sql_dialect)a->config.values.server_dialect;
    if (!app_has_copy(a)) {
        return 0;
    }
    if (a->config.values.storage_mysql_user.len == 0) {
        return diag_set_text(d, ER_WRONG_ARGUMENTS,
                             STR("storage.backend hybrid needs storage.mysql.user: an account that "
                                 "may read the tables and the log (docs/replication.md)"));
    }
    if (app_make_upstream(a, d) != 0 || ask_upstream(a, &m, d) != 0 ||
        (!m.met && ask_store(a, &m, d) != 0)) {
        return -1;
    }
    if (m.met) {
        s->dialect = m.kind == UPSTREAM_MARIADB ? DIALECT_MARIADB : DIALECT_MYSQL;
        s->version = arena_dup(&a->arena, str_from_cstr(m.version));
        s->version_id = m.version_id;
    }
    return 0;
}
