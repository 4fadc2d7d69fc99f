/* The start-up steps of the upstream: passthrough to a real server (storage.backend mysql, hybrid).
 */
#include "mirror/mirror.h"
#include "startup.h"
#include "upstream/monitor.h"
#include "upstream/pool.h"
#include "upstream/pool_metrics.h"

#include "os/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Longest packet read from the server: the client's limit is the server's own. */
#define UPSTREAM_MAX_PACKET WIRE_MAX_ALLOWED_PACKET

enum {
    PASSWORD_MAX = 4096,
};

/* pool.mode */
enum {
    POOL_SESSION,
    POOL_TRANSACTION,
};

bool app_has_upstream(const struct app *a)
{
    return a->config.values.storage_backend == STORAGE_MYSQL || app_has_copy(a);
}

static struct upstream_options upstream_options(const struct config *c)
{
    return (struct upstream_options){
        .host = c->storage_mysql_host,
        .port = (uint16_t)c->storage_mysql_port,
        .socket = c->storage_mysql_socket,
        .tls_mode = (enum upstream_tls_mode)c->storage_mysql_tls_mode,
        .tls_ca = c->storage_mysql_tls_ca,
        .tls_cert = c->storage_mysql_tls_cert,
        .tls_key = c->storage_mysql_tls_key,
        .compression = (enum upstream_compression)c->storage_mysql_compression,
        .connect_timeout_us = c->storage_mysql_connect_timeout,
        .read_timeout_us = c->storage_mysql_read_timeout,
        .write_timeout_us = c->storage_mysql_write_timeout,
        .max_packet = UPSTREAM_MAX_PACKET,
        .send_proxy_header = c->storage_mysql_send_proxy_header,
    };
}

static struct upstream_pool_options pool_options(const struct config *c)
{
    return (struct upstream_pool_options){
        .max_open = (uint32_t)c->storage_mysql_max_open_conns,
        .max_idle = (uint32_t)c->storage_mysql_max_idle_conns,
        .min_idle = (uint32_t)c->storage_mysql_min_idle_conns,
        .warm = (uint32_t)c->storage_mysql_warm_conns,
        .max_waiters = (uint32_t)c->storage_mysql_max_waiters,
        .max_lifetime_us = c->storage_mysql_conn_max_lifetime,
        .idle_timeout_us = c->storage_mysql_idle_timeout,
        .wait_timeout_us = c->storage_mysql_wait_timeout,
        .health_interval_us = c->storage_mysql_health_interval,
    };
}

/* The password in the configuration, or in the file it names, without white space around it. */
static int find_password(struct app *a, struct str *out, struct diag *d)
{
    const struct config *c = &a->config.values;
    *out = c->storage_mysql_password;
    if (out->len > 0 || c->storage_mysql_password_file.len == 0) {
        return 0;
    }
    const char *path = arena_dup_cstr(&a->arena, c->storage_mysql_password_file);
    if (file_read_all(path, PASSWORD_MAX, &a->arena, out, d) != 0) {
        return -1;
    }
    *out = str_trim(*out);
    return 0;
}

static int find_login(struct app *a, struct upstream_login *out, struct diag *d)
{
    *out = (struct upstream_login){.user = a->server.upstream_user};
    return find_password(a, &out->password, d);
}

/* ---- What the monitor tells ---- */

static void on_up(void *arg, struct upstream_conn *c)
{
    const struct app *a = arg;
    log_info(&a->log, "upstream %s is reachable version=%s", upstream_name(c->upstream),
             c->version);
}

static void on_down(void *arg, const struct diag *why)
{
    const struct app *a = arg;
    log_warn(&a->log, "upstream %s cannot be used: %.*s", upstream_name(a->upstream),
             STR_FMT(why->error->message));
}

/* Discovery: at the start, when the upstream comes back, and on request. */
static void on_work(void *arg, struct upstream_conn *c)
{
    struct app *a = arg;
    struct mirror_summary s;
    struct diag d;
    diag_init(&d);
    if (mirror_update(a->mirror, c, a->upstream_database, &d, &s) != 0) {
        log_warn(&a->log, "upstream %s cannot be discovered: %.*s", upstream_name(a->upstream),
                 STR_FMT(d.error->message));
    } else if (s.changed > 0) {
        log_info(&a->log, "upstream discovered databases=%u tables=%u mirrored=%u others=%u%s",
                 s.databases, s.tables, s.mirrored, s.others,
                 s.truncated ? " (there are more)" : "");
    }
    diag_release(&d);
}

/* The mirror wants to be brought up to date. */
static void on_ask(void *arg)
{
    struct app *a = arg;
    if (a->monitor != NULL) {
        upstream_monitor_poke(a->monitor);
    }
}

static const struct upstream_monitor_ops monitor_ops = {
    .up = on_up, .down = on_down, .work = on_work};

/* ---- Steps ---- */

int app_make_data_dir(struct app *a, struct diag *d)
{
    const char *path = arena_dup_cstr(&a->arena, a->config.values.storage_duckdb_path);
    if (mkdir(path, 0750) != 0 && errno != EEXIST) {
        return diag_set(d, ER_CANT_CREATE_FILE, path, errno, strerror(errno));
    }
    return 0;
}

int app_make_upstream(struct app *a, struct diag *d)
{
    const struct upstream_options options = upstream_options(&a->config.values);
    if (a->upstream == NULL) {
        a->upstream = upstream_new(&options, d);
    }
    return a->upstream != NULL ? 0 : -1;
}

int app_open_upstream(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    struct upstream_login login;
    if (!app_has_upstream(a)) {
        return 0;
    }
    a->server.upstream_user = c->storage_mysql_user;
    if (app_make_upstream(a, d) != 0 || find_login(a, &login, d) != 0) {
        return -1;
    }
    upstream_set_account(a->upstream, &login);
    const struct upstream_pool_options pool = pool_options(c);
    a->server.upstream = upstream_pool_new(a->upstream, a->loops, &pool);
    upstream_pool_set_login(a->server.upstream, &login);
    upstream_pool_register_metrics(a->server.upstream);
    a->server.upstream_multiplex = c->pool_mode == POOL_TRANSACTION;
    a->upstream_database = c->storage_mysql_database;
    /* With a copy the server's catalog is that of the copy. */
    a->mirror = mirror_new(&a->server, app_has_copy(a) ? NULL : a->server.catalog, on_ask, a);
    const struct upstream_monitor_options monitor = {
        .upstream = a->upstream,
        .loop = loops_get(a->loops, 0),
        .login = login,
        .interval_us = c->storage_mysql_health_interval,
        .ops = &monitor_ops,
        .arg = a,
    };
    a->monitor = upstream_monitor_start(&monitor);
    return a->monitor != NULL ? 0 : diag_set(d, ER_OUT_OF_RESOURCES);
}

int app_reload_upstream(struct app *a, struct diag *d)
{
    struct upstream_login login;
    if (a->upstream == NULL) {
        return 0;
    }
    const struct upstream_options options = upstream_options(&a->config.values);
    if (upstream_reload(a->upstream, &options, d) != 0 || find_login(a, &login, d) != 0) {
        return -1;
    }
    upstream_set_account(a->upstream, &login);
    const struct upstream_pool_options pool = pool_options(&a->config.values);
    upstream_pool_set_options(a->server.upstream, &pool);
    upstream_pool_set_login(a->server.upstream, &login);
    upstream_monitor_set_login(a->monitor, &login);
    upstream_monitor_poke(a->monitor);
    return 0;
}

bool app_reloads_key(const struct app *a, struct str path)
{
    static const struct str fixed[] = {
        STR_INIT("storage.mysql.host"),     STR_INIT("storage.mysql.port"),
        STR_INIT("storage.mysql.socket"),   STR_INIT("storage.mysql.send_proxy_header"),
        STR_INIT("storage.mysql.database"), STR_INIT("storage.mysql.user"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (str_eq(path, fixed[i])) {
            return false;
        }
    }
    return a->upstream != NULL && str_starts_with(path, STR("storage.mysql."));
}

void app_close_upstream(struct app *a)
{
    upstream_monitor_stop(a->monitor);
    mirror_free(a->mirror);
    upstream_pool_forget_metrics();
    upstream_pool_free(a->server.upstream);
    upstream_free(a->upstream);
}
