/*
 * The steps by which the server starts and stops, in the order main() takes them. Each returns 0,
 * or -1 with diag set to a message for the person who starts the server. What a step has made is
 * undone by app_stop().
 */
#ifndef STARTUP_H
#define STARTUP_H

#include "config/config.h"

#include "admin/admin.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "exec/server.h"
#include "net/listener.h"
#include "net/tls.h"
#include "os/loop.h"
#include "session/session.h"

struct change;
struct mirror;
struct upstream;
struct upstream_monitor;

/* Values of storage.backend. */
enum storage_backend {
    STORAGE_DUCKDB,
    STORAGE_BLACKHOLE,
    STORAGE_MYSQL,  /* Passthrough; nothing is stored here. */
    STORAGE_HYBRID, /* Passthrough, and a copy in DuckDB that follows. */
};

struct app {
    struct arena arena;
    struct config_set config;
    struct log log;
    int argc;
    char **argv;
    int log_fd;
    struct loops *loops;
    struct server server;
    struct tls_slot *tls;
    struct tls_options tls_options;
    struct auth_rsa *rsa;
    struct sessions *sessions;
    struct listener *tcp;
    struct listener *unix_socket;
    struct admin *admin;          /* HTTP; NULL = none */
    struct upstream *upstream;    /* NULL = none; its pool is in server */
    struct str upstream_database; /* that is mirrored; empty = all */
    struct upstream_monitor *monitor;
    struct mirror *mirror;
    struct change *change;     /* the copy of the upstream's tables; NULL = none */
    _Atomic(int) stop_signals; /* SIGTERM, SIGINT seen */
    _Atomic(bool) reload;      /* SIGHUP seen */
    int wake_fd;               /* eventfd: main waits on it */
};

/* What the process is before any configuration. */
void app_init(struct app *a, int argc, char **argv);

NODISCARD int app_configure_log(struct app *a, struct diag *d);
NODISCARD int app_start_threads(struct app *a, struct diag *d);
NODISCARD int app_start_admin(struct app *a, struct diag *d);
NODISCARD int app_open_storage(struct app *a, struct diag *d);
NODISCARD int app_find_source(struct app *a, struct diag *d);
NODISCARD int app_load_catalog(struct app *a, struct diag *d);
NODISCARD int app_open_upstream(struct app *a, struct diag *d);
NODISCARD int app_open_change(struct app *a, struct diag *d);
NODISCARD int app_prepare_tls(struct app *a, struct diag *d);
NODISCARD int app_listen(struct app *a, struct diag *d);

/* Of app_open_upstream(): whether there is one to open, the directory of what else is kept on disk
 * with it, what SIGHUP changes of it (and whether
 * that takes in a key of the configuration), and its end. */
NODISCARD bool app_has_upstream(const struct app *a);
NODISCARD int app_make_upstream(struct app *a, struct diag *d);
NODISCARD int app_make_data_dir(struct app *a, struct diag *d);
NODISCARD int app_reload_upstream(struct app *a, struct diag *d);
NODISCARD bool app_reloads_key(const struct app *a, struct str path);
void app_close_upstream(struct app *a);

/* Does a copy follow the upstream, and the end of that. */
NODISCARD bool app_has_copy(const struct app *a);
void app_close_change(struct app *a);

/* Waits for SIGTERM or SIGINT, reloading on SIGHUP. */
void app_wait(struct app *a);

/* Drains and ends everything that was started. */
void app_stop(struct app *a);

#endif
