/* The start-up steps of the copy that follows the upstream (storage.backend hybrid): who the
 * upstream is, before the catalog is loaded, */
#include "change/change.h"
#include "startup.h"
#include "upstream/pool.h"

#include "base/clock.h"
#include "os/fiber.h"

#include <stdio.h>
#include <string.h>

/* How long the start waits to hear from the upstream who it is. */
#define MEET_US UINT64_C(3000000)

/* replica.on_error */
enum {
    ON_ERROR_STOP,
    ON_ERROR_SET_ASIDE,
};

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
        const char *prefix = "5.5.5-"; /* MariaDB greets so; it is not part of VERSION() */
        const bool has = strncmp(m.version, prefix, strlen(prefix)) == 0;
        s->version = arena_dup(&a->arena, str_from_cstr(m.version + (has ? strlen(prefix) : 0)));
        s->version_id = m.version_id;
    }
    return 0;
}

/* ---- The change stream ---- */

static struct copy_filter filter(struct app *a)
{
    struct copy_filter f = {0};
    struct str *include;
    struct str *exclude;
    f.include_count = config_list(a->config.values.replica_include, &a->arena, &include);
    f.exclude_count = config_list(a->config.values.replica_exclude, &a->arena, &exclude);
    f.include = include;
    f.exclude = exclude;
    return f;
}

int app_open_change(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    if (!app_has_copy(a)) {
        return 0;
    }
    static const char *const tls_modes[] = {"disabled", "preferred", "required", "verify_ca",
                                            "verify_identity"};
    const struct change_options o = {
        .server = &a->server,
        .loops = a->loops,
        .upstream = a->upstream,
        .database = a->upstream_database,
        .filter = filter(a),
        .pipeline = {.max_batch_bytes = c->replica_batch_bytes,
                     .max_batch_us = c->replica_batch_timeout,
                     .idle_us = c->replica_batch_idle,
                     .huge_bytes = c->replica_huge_transaction,
                     .check_images = c->replica_check_images,
                     .set_aside = c->replica_on_error == ON_ERROR_SET_ASIDE},
        .server_id = (uint32_t)c->replica_server_id,
        .heartbeat_us = c->replica_heartbeat,
        .retry_us = c->replica_retry,
        .snapshot_workers = (uint32_t)c->replica_snapshot_workers,
        .autostart = c->replica_autostart,
        .shown = {.host = c->storage_mysql_socket.len > 0 ? c->storage_mysql_socket
                                                          : c->storage_mysql_host,
                  .port = (uint16_t)c->storage_mysql_port,
                  .tls_mode = tls_modes[c->storage_mysql_tls_mode],
                  .tls_ca = c->storage_mysql_tls_ca,
                  .tls_cert = c->storage_mysql_tls_cert,
                  .tls_key = c->storage_mysql_tls_key,
                  .include = c->replica_include,
                  .exclude = c->replica_exclude},
    };
    a->change = change_new(&o, d);
    return a->change != NULL ? 0 : -1;
}

void app_close_change(struct app *a)
{
    change_free(a->change);
}
