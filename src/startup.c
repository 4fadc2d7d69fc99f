/* See startup.h. */
#include "startup.h"

#include "stats/stats.h"
#include "version.gen.h"

#include "base/clock.h"
#include "engine/duckdb/duckdb_engine.h"
#include "engine/trace/trace.h"
#include "exec/bootstrap.h"
#include "os/fiber.h"
#include "os/file.h"
#include "os/io_batch.h"
#include "os/offload.h"
#include "os/rlimit.h"
#include "os/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

extern char **environ;

/* Address space of a session's stack: the parser's trees are walked recursively, to a height of
 * SQL_MAX_HEIGHT. Only what is used takes memory, and idle sessions give it back. */
#define FIBER_STACK_LEN (4u << 20)

/* How long sessions get to end once they have been told to at the end of a drain. */
#define LAST_CALL_US UINT64_C(5000000)

/* What clients take for the server's version: what they may expect of its dialect, and who it
 * really is. */
static const struct {
    struct str version;
    uint32_t id;
} versions[] = {
    [DIALECT_MYSQL] = {STR_INIT("8.4.0-pintail-" PINTAIL_VERSION), 80400},
    [DIALECT_MARIADB] = {STR_INIT("10.11.0-MariaDB-pintail-" PINTAIL_VERSION), 101100},
};

void app_init(struct app *a, int argc, char **argv)
{
    arena_init(&a->arena, 0);
    a->log = (struct log){.module = "main"};
    a->argc = argc;
    a->argv = argv;
    a->log_fd = STDERR_FILENO;
    a->wake_fd = -1;
    signals_init();
}

static const char *text(struct app *a, struct str s)
{
    return s.len == 0 ? NULL : arena_dup_cstr(&a->arena, s);
}

/* ---- Log ---- */

int app_configure_log(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    int fd = STDERR_FILENO;
    if (c->log_file.len > 0) {
        fd = open(text(a, c->log_file), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (fd < 0) {
            return diag_set(d, ER_CANT_CREATE_FILE, text(a, c->log_file), errno, strerror(errno));
        }
    }
    log_configure(fd, (enum log_level)c->log_level, (enum log_format)c->log_format);
    if (a->log_fd != STDERR_FILENO) {
        close(a->log_fd);
    }
    a->log_fd = fd;
    return 0;
}

/* ---- Threads ---- */

static void wake_main(struct app *a)
{
    const uint64_t one = 1;
    (void)!write(a->wake_fd, &one, sizeof one);
}

static void on_stop(void *arg, int signum)
{
    struct app *a = arg;
    (void)signum;
    atomic_fetch_add(&a->stop_signals, 1);
    wake_main(a);
}

static void on_reload(void *arg)
{
    struct app *a = arg;
    atomic_store(&a->reload, true);
    wake_main(a);
}

static void log_batching(struct app *a)
{
    char text[128];
    const int error = io_batch_probe();
    if (error != 0 && error != ECANCELED && app_has_upstream(a)) {
        log_info(&a->log, "without io_uring sessions make their socket calls one by one: %s",
                 strerror_r(error, text, sizeof(text)));
    }
}

int app_start_threads(struct app *a, struct diag *d)
{
    a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (a->wake_fd < 0) {
        return diag_set(d, ER_OUT_OF_RESOURCES);
    }
    (void)!rlimit_raise_files(1u << 20);
    const uint64_t wanted = a->config.values.server_threads;
    const unsigned count = wanted != 0 ? (unsigned)wanted : rlimit_cores();
    fiber_set_stack_size(FIBER_STACK_LEN);
    offload_start(NULL);
    io_batch_allow(a->config.values.server_io_uring);
    if (loops_start(count, &a->loops, d) != 0) {
        return -1;
    }
    log_batching(a);
    const struct signals_handlers handlers = {.on_stop = on_stop, .on_reload = on_reload, .arg = a};
    return signals_start(loops_get(a->loops, 0), &handlers, d);
}

/* ---- HTTP ---- */

/* The token in the configuration, or in the file it names. */
static int admin_token(struct app *a, struct str *out, struct diag *d)
{
    const struct config *c = &a->config.values;
    *out = c->admin_token;
    if (out->len > 0 || c->admin_token_file.len == 0) {
        return 0;
    }
    if (file_read_all(text(a, c->admin_token_file), 4096, &a->arena, out, d) != 0) {
        return -1;
    }
    *out = str_trim(*out);
    return out->len > 0 ? 0
                        : diag_set(d, ER_CANT_OPEN_FILE, text(a, c->admin_token_file), 0,
                                   "the file of admin.token_file is empty");
}

/* Listens before the storage is opened, which may take long: whoever asks is told "starting". */
int app_start_admin(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    admin_register_process_metrics(&a->server);
    if (c->admin_port == 0) {
        return 0;
    }
    struct admin_options o = {.bind = arena_dup_cstr(&a->arena, c->admin_bind),
                              .port = (uint16_t)c->admin_port,
                              .server = &a->server};
    if (admin_token(a, &o.token, d) != 0) {
        return -1;
    }
    a->admin = admin_start(&o, d);
    return a->admin != NULL ? 0 : -1;
}

/* ---- Storage ---- */

int app_open_storage(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    static const struct str backends[] = {[STORAGE_DUCKDB] = STR_INIT("duckdb"),
                                          [STORAGE_BLACKHOLE] = STR_INIT("blackhole"),
                                          [STORAGE_MYSQL] = STR_INIT("blackhole"),
                                          [STORAGE_HYBRID] = STR_INIT("duckdb")};
    if (engine_register_all(d) != 0) {
        return -1;
    }
    const struct engine_type *type = engine_find_type(backends[c->storage_backend]);
    const struct duckdb_config config = {
        .path = c->storage_duckdb_path,
        .memory_limit = c->storage_duckdb_memory_limit,
        .threads = (uint32_t)c->storage_duckdb_threads,
        .temp_directory = c->storage_duckdb_temp_directory,
        .max_temp_directory_size = c->storage_duckdb_max_temp_directory_size,
        .checkpoint_threshold = c->storage_duckdb_checkpoint_threshold,
        .disk_reserve = c->storage_duckdb_disk_reserve,
        .log = {.module = "duckdb"},
    };
    struct server *s = &a->server;
    s->data_dir = c->storage_duckdb_path;
    if (app_has_upstream(a) && app_make_data_dir(a, d) != 0) {
        return -1;
    }
    if (c->storage_trace) {
        const struct trace_config trace = {
            .inner = type, .inner_config = &config, .level = LOG_LEVEL_INFO};
        return engine_open(&trace_engine, &trace, d, &s->engine);
    }
    return engine_open(type, &config, d, &s->engine);
}

/* ---- Server ---- */

static void set_variables(struct app *a)
{
    struct server *s = &a->server;
    const struct config *c = &a->config.values;
    char host[256] = "localhost";
    (void)!gethostname(host, sizeof host - 1);
    sysvar_set_text(&s->vars, STR("version"), s->version);
    sysvar_set_text(&s->vars, STR("version_comment"), s->version_comment);
    sysvar_set_text(&s->vars, STR("datadir"), s->data_dir);
    sysvar_set_text(&s->vars, STR("hostname"), str_from_cstr(host));
    sysvar_set_text(&s->vars, STR("socket"), c->server_socket);
    sysvar_set_text(&s->vars, STR("duckdb_memory_limit"), c->storage_duckdb_memory_limit);
    sysvar_set_text(&s->vars, STR("duckdb_temp_directory"), c->storage_duckdb_temp_directory);
    s->vars.duckdb_threads = c->storage_duckdb_threads;
    s->vars.duckdb_checkpoint_threshold = c->storage_duckdb_checkpoint_threshold;
    s->vars.max_connections = c->server_max_connections;
    s->vars.require_secure_transport = c->server_require_secure_transport;
}

struct bootstrap_job {
    struct app *a;
    struct diag *d;
    int rc;
};

int app_load_catalog(struct app *a, struct diag *d)
{
    struct server *s = &a->server;
    if (s->version_id == 0) {
        s->version = versions[s->dialect].version;
        s->version_id = versions[s->dialect].id;
    }
    s->version_comment = STR("Pintail " PINTAIL_VERSION);
    s->started_us = clock_wall_us();
    s->stats = stats_new((uint32_t)a->config.values.admin_digests);
    s->catalog = catalog_new();
    s->accounts = accounts_new();
    arena_init(&s->arena, 0);
    fmutex_init(&s->writer);
    os_rwlock_init(&s->vars_lock);
    sysvars_init(&s->vars, s->dialect, &s->arena);
    set_variables(a);
    return exec_bootstrap(s, d);
}

/* ---- TLS ---- */

/* Where no certificate is configured one signed with itself is kept in the data directory, as MySQL
 * does. */
static int own_certificate(struct app *a, struct diag *d)
{
    const struct str dir = a->server.data_dir;
    if (dir.len == 0) {
        return 0;
    }
    a->tls_options.cert_file = arena_printf(&a->arena, "%.*s/server-cert.pem", STR_FMT(dir)).p;
    a->tls_options.key_file = arena_printf(&a->arena, "%.*s/server-key.pem", STR_FMT(dir)).p;
    return tls_generate_self_signed(a->tls_options.cert_file, a->tls_options.key_file, d);
}

/* The key of passwords sent without TLS; kept, so that clients that stored its public half go on.
 */
static int load_rsa_key(struct app *a, struct diag *d)
{
    const struct str dir = a->server.data_dir;
    const char *path =
        dir.len == 0 ? NULL : arena_printf(&a->arena, "%.*s/private_key.pem", STR_FMT(dir)).p;
    struct str pem;
    if (path != NULL && access(path, R_OK) == 0) {
        if (file_read_all(path, 64u << 10, &a->arena, &pem, d) != 0) {
            return -1;
        }
        a->rsa = auth_rsa_new_from_pem(pem);
        return a->rsa != NULL
                   ? 0
                   : diag_set(d, ER_CANT_OPEN_FILE, path, 0, "not a private key in PEM form");
    }
    a->rsa = auth_rsa_new();
    if (a->rsa == NULL || path == NULL) {
        return 0;
    }
    struct bytebuf out;
    bytebuf_init(&out, 64u << 10);
    int rc = auth_rsa_private_pem(a->rsa, &out);
    if (rc == 0) {
        rc = file_write_atomic(path, bytebuf_str(&out), 0600, d);
    }
    bytebuf_release(&out);
    return rc;
}

int app_prepare_tls(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    a->tls = tls_slot_new();
    a->tls_options = (struct tls_options){.cert_file = text(a, c->server_tls_cert),
                                          .key_file = text(a, c->server_tls_key),
                                          .ca_file = text(a, c->server_tls_ca)};
    if (a->tls_options.cert_file == NULL && own_certificate(a, d) != 0) {
        return -1;
    }
    if (a->tls_options.cert_file != NULL && tls_slot_reload(a->tls, &a->tls_options, d) != 0) {
        return -1;
    }
    return load_rsa_key(a, d);
}

/* ---- Listening ---- */

static int listen_tcp(struct app *a, const struct listener_handler *handler, struct diag *d)
{
    const struct config *c = &a->config.values;
    const struct listener_options o = {.bind = arena_dup_cstr(&a->arena, c->server_bind),
                                       .port = (uint16_t)c->server_port,
                                       .out_port = &a->server.vars.port};
    a->tcp = listener_start(a->loops, &o, handler, d);
    if (a->tcp == NULL) {
        return -1;
    }
    log_info(&a->log, "listening on %.*s port %u", STR_FMT(c->server_bind),
             (unsigned)listener_port(a->tcp));
    return 0;
}

int app_listen(struct app *a, struct diag *d)
{
    const struct config *c = &a->config.values;
    struct sessions_options options = {
        .server = &a->server,
        .loops = a->loops,
        .tls = a->tls,
        .rsa = a->rsa,
        .first_id = app_has_upstream(a) ? PASSTHROUGH_FIRST_ID : 1,
    };
    if (proxy_networks_parse(c->server_proxy_protocol_networks, &a->arena, d,
                             &options.proxy_networks) != 0) {
        return -1;
    }
    a->sessions = sessions_new(&options);
    const struct listener_handler handler = sessions_listener_handler(a->sessions);
    if (c->server_bind.len > 0 && listen_tcp(a, &handler, d) != 0) {
        return -1;
    }
    if (c->server_socket.len > 0) {
        const struct listener_options o = {.unix_path = text(a, c->server_socket)};
        a->unix_socket = listener_start(a->loops, &o, &handler, d);
        if (a->unix_socket == NULL) {
            return -1;
        }
        log_info(&a->log, "listening on %.*s", STR_FMT(c->server_socket));
    }
    log_info(&a->log, "ready for connections version=%.*s", STR_FMT(a->server.version));
    admin_set_state(a->admin, ADMIN_READY);
    admin_notify_manager("READY=1");
    return 0;
}

/* ---- Running ---- */

/* SIGHUP: certificates, the log, and the settings that can change while running. */
static void reload(struct app *a)
{
    struct diag d;
    struct config_set fresh;
    diag_init(&d);
    config_load(&fresh, &a->arena, a->argc, a->argv, environ);
    if (fresh.mistake_count > 0) {
        log_error(&a->log, "configuration not reloaded: %.*s", STR_FMT(fresh.mistakes[0]));
        diag_release(&d);
        return;
    }
    struct str *changed;
    const uint32_t n = config_changed(&a->config, &fresh, &a->arena, &changed);
    a->config = fresh;
    os_rwlock_write(&a->server.vars_lock);
    a->server.vars.max_connections = fresh.values.server_max_connections;
    a->server.vars.require_secure_transport = fresh.values.server_require_secure_transport;
    os_rwlock_unlock(&a->server.vars_lock);
    if (app_configure_log(a, &d) != 0 || app_reload_upstream(a, &d) != 0 ||
        (a->tls_options.cert_file != NULL && tls_slot_reload(a->tls, &a->tls_options, &d) != 0)) {
        log_error(&a->log, "reload: %.*s", STR_FMT(d.error->message));
    }
    for (uint32_t i = 0; i < n; i++) {
        const bool now = str_starts_with(changed[i], STR("log.")) ||
                         app_reloads_key(a, changed[i]) ||
                         str_eq(changed[i], STR("server.max_connections")) ||
                         str_eq(changed[i], STR("server.require_secure_transport"));
        log_info(&a->log, "reload: %.*s has changed%s", STR_FMT(changed[i]),
                 now ? "" : "; it takes effect at the next start");
    }
    log_info(&a->log, "reloaded");
    diag_release(&d);
}

void app_wait(struct app *a)
{
    while (atomic_load(&a->stop_signals) == 0) {
        struct pollfd p = {.fd = a->wake_fd, .events = POLLIN};
        (void)poll(&p, 1, -1);
        uint64_t ignored;
        (void)!read(a->wake_fd, &ignored, sizeof ignored);
        if (atomic_exchange(&a->reload, false)) {
            reload(a);
        }
    }
    admin_set_state(a->admin, ADMIN_DRAINING);
    admin_notify_manager("STOPPING=1");
    log_info(&a->log, "stopping");
}

/* ---- Stopping ---- */

/* Waits until no session is left, the time is up, or a second signal asks for haste. */
static void wait_for_sessions(struct app *a, uint64_t deadline_us)
{
    while (sessions_count(a->sessions) > 0 && clock_monotonic_us() < deadline_us &&
           atomic_load(&a->stop_signals) < 2) {
        usleep(10000);
        sessions_drain(a->sessions); /* sessions that have become idle meanwhile */
    }
}

static void drain(struct app *a)
{
    sessions_drain(a->sessions);
    wait_for_sessions(a, clock_monotonic_us() + a->config.values.server_drain_timeout);
    sessions_kill_all(a->sessions);
    const uint64_t last_call = clock_monotonic_us() + LAST_CALL_US;
    while (sessions_count(a->sessions) > 0 && clock_monotonic_us() < last_call) {
        usleep(1000);
    }
}

static void save_counters(struct app *a)
{
    struct diag d;
    diag_init(&d);
    /* Definitions that mirror an upstream are not stored. */
    const bool stored = a->server.catalog != NULL && !app_has_upstream(a);
    if (stored && exec_save_counters(&a->server, &d) != 0) {
        log_error(&a->log, "counters not saved: %.*s", STR_FMT(d.error->message));
    }
    diag_release(&d);
}

void app_stop(struct app *a)
{
    struct server *s = &a->server;
    listener_stop(a->tcp);
    listener_stop(a->unix_socket);
    if (a->sessions != NULL) {
        drain(a);
        sessions_free(a->sessions);
    }
    app_close_change(a);
    app_close_upstream(a);
    if (a->loops != NULL) {
        signals_stop();
        (void)!loops_drain(a->loops, clock_monotonic_us() + LAST_CALL_US);
    }
    admin_stop(a->admin);
    if (s->engine != NULL) {
        save_counters(a);
        engine_close(s->engine);
    }
    offload_stop();
    loops_stop(a->loops);
    stats_free(s->stats);
    tls_slot_free(a->tls);
    auth_rsa_free(a->rsa);
    accounts_free(s->accounts);
    catalog_free(s->catalog);
    if (s->catalog != NULL) {
        arena_release(&s->arena);
    }
    log_info(&a->log, "stopped");
}
