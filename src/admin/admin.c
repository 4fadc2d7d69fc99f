/* See admin.h: the HTTP side. */
#include "admin/admin.h"

#include "admin/admin_int.h"
#include "base/log.h"
#include "base/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Ceilings: what a scraper or a browser needs, and nobody can take much of. */
#define CONNECTIONS_MAX      64u
#define CONNECTION_SECONDS   15u
#define CONNECTION_MEMORY    (16u << 10) /* of a request's line and headers */
#define RESPONSE_MAX         (64u << 20)
#define ENGINE_STAT_NAME_MAX 128

struct admin {
    struct server *server;
    _Atomic(enum admin_state) state;
    struct str token; /* malloc'd */
    struct MHD_Daemon *daemon;
    uint16_t port;
    struct metric *requests;
};

static const struct log admin_log = {.module = "admin"};

const char *admin_state_name(enum admin_state state)
{
    static const char *const names[] = {
        [ADMIN_STARTING] = "starting", [ADMIN_READY] = "ready", [ADMIN_DRAINING] = "draining"};
    return names[state];
}

/* ---- Pages ---- */

/* Makes the body of a reply. Returns the status. */
typedef unsigned page_fn(struct admin *a, struct bytebuf *body);

static unsigned page_health(struct admin *a, struct bytebuf *body)
{
    (void)a;
    bytebuf_put_cstr(body, "ok\n");
    return MHD_HTTP_OK;
}

static unsigned page_ready(struct admin *a, struct bytebuf *body)
{
    const enum admin_state state = atomic_load(&a->state);
    bytebuf_printf(body, "%s\n", admin_state_name(state));
    return state == ADMIN_READY ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

/* The engine's own counters, those that are numbers. */
static void write_engine_metrics(struct admin *a, struct bytebuf *body)
{
    struct arena arena;
    struct engine_stat *stats;
    uint64_t number;
    if (atomic_load(&a->state) == ADMIN_STARTING || a->server->engine == NULL) {
        return;
    }
    arena_init(&arena, 0);
    const uint32_t n = engine_statistics(a->server->engine, &arena, &stats);
    for (uint32_t i = 0; i < n; i++) {
        if (stats[i].name.len < ENGINE_STAT_NAME_MAX && str_to_u64(stats[i].value, &number) == 0) {
            bytebuf_printf(body, "# TYPE pintail_%.*s untyped\npintail_%.*s %llu\n",
                           STR_FMT(stats[i].name), STR_FMT(stats[i].name),
                           (unsigned long long)number);
        }
    }
    arena_release(&arena);
}

static unsigned page_metrics(struct admin *a, struct bytebuf *body)
{
    const enum admin_state state = atomic_load(&a->state);
    metrics_write_text(body);
    bytebuf_printf(body,
                   "# HELP pintail_ready Whether clients are served.\n# TYPE pintail_ready gauge\n"
                   "pintail_ready %d\n",
                   state == ADMIN_READY);
    write_engine_metrics(a, body);
    return MHD_HTTP_OK;
}

static unsigned page_status(struct admin *a, struct bytebuf *body)
{
    admin_write_status(a->server, atomic_load(&a->state), body);
    return MHD_HTTP_OK;
}

static unsigned page_dashboard(struct admin *a, struct bytebuf *body)
{
    static const char page[] =
#include "dashboard.gen.inc"
        ;
    (void)a;
    bytebuf_put(body, page, sizeof page - 1);
    return MHD_HTTP_OK;
}

static const struct page {
    const char *path;
    page_fn *write;
    const char *type;
    bool needs_token;
} pages[] = {
    {"/metrics", page_metrics, "text/plain; version=0.0.4; charset=utf-8", true},
    {"/health", page_health, "text/plain; charset=utf-8", false},
    {"/ready", page_ready, "text/plain; charset=utf-8", false},
    {"/status.json", page_status, "application/json", true},
    /* The page itself says nothing of the server; it asks for the token where one is needed. */
    {"/", page_dashboard, "text/html; charset=utf-8", false},
};

/* ---- Requests ---- */

/* Has the request shown the token? */
static bool is_allowed(const struct admin *a, struct MHD_Connection *c)
{
    const struct str prefix = STR("Bearer ");
    if (a->token.len == 0) {
        return true;
    }
    const struct str given = str_from_cstr(
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION));
    return str_starts_with_nocase(given, prefix) && given.len - prefix.len == a->token.len &&
           mem_eq_const_time(given.p + prefix.len, a->token.p, a->token.len);
}

static void add_headers(struct MHD_Response *r, const char *type, unsigned status)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
         "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    };
    (void)MHD_add_response_header(r, "Content-Type", type);
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        (void)MHD_add_response_header(r, headers[i].name, headers[i].value);
    }
    if (status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(r, "Allow", "GET, HEAD");
    }
}

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type,
                             struct str body)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)(body.p != NULL ? body.p : ""), MHD_RESPMEM_MUST_COPY);
    if (r == NULL) {
        return MHD_NO;
    }
    add_headers(r, type, status);
    const enum MHD_Result queued = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result reply_text(struct MHD_Connection *c, unsigned status, const char *text)
{
    return reply(c, status, "text/plain; charset=utf-8", str_from_cstr(text));
}

static enum MHD_Result reply_page(struct admin *a, const struct page *p, struct MHD_Connection *c)
{
    struct bytebuf body;
    bytebuf_init(&body, RESPONSE_MAX);
    const unsigned status = p->write(a, &body);
    const enum MHD_Result queued = body.failed ? reply_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
                                                            "the reply does not fit in memory\n")
                                               : reply(c, status, p->type, bytebuf_str(&body));
    bytebuf_release(&body);
    return queued;
}

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        if (strcmp(pages[i].path, path) == 0) {
            return &pages[i];
        }
    }
    return NULL;
}

/*
 * Called with the headers, with each piece of a body, and at the end. Where the answer is given
 * with the headers libmicrohttpd closes the connection: so is one that should have no body and has
 * one, and what is wanted is answered at the end, so that scrapers keep their connections.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    struct admin *a = arg;
    (void)version;
    (void)upload;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return reply_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    if (*state == NULL) {
        *state = a;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        return MHD_NO;
    }
    metrics_count(a->requests);
    const struct page *p = find_page(url);
    if (p == NULL) {
        return reply_text(c, MHD_HTTP_NOT_FOUND,
                          "there are /, /metrics, /health, /ready and /status.json\n");
    }
    if (p->needs_token && !is_allowed(a, c)) {
        return reply_text(c, MHD_HTTP_UNAUTHORIZED, "a token is needed\n");
    }
    return reply_page(a, p, c);
}

static void on_log(void *arg, const char *fmt, va_list ap)
{
    char text[512];
    (void)arg;
    if (log_enabled(LOG_LEVEL_DEBUG)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)vsnprintf(text, sizeof text, fmt, ap);
#pragma GCC diagnostic pop
        log_debug(&admin_log, "%.*s", STR_FMT(str_trim(str_from_cstr(text))));
    }
}

/* ---- Life ---- */

static int start_daemon(struct admin *a, const struct addrinfo *address)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG |
                           (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    sigset_t all;
    sigset_t before;
    /* Signals are for the loops' threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    a->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, a, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_SOCK_ADDR, address->ai_addr, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    const int err = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = err;
    return a->daemon != NULL ? 0 : -1;
}

static bool is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        return (ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24) == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

static int listen_at(struct admin *a, const struct admin_options *o, struct diag *diag)
{
    char port[8];
    struct addrinfo *address;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    const bool any = strcmp(o->bind, "*") == 0;
    (void)snprintf(port, sizeof port, "%u", o->port);
    const int failed = getaddrinfo(any ? "0.0.0.0" : o->bind, port, &hints, &address);
    if (failed != 0) {
        return diag_set_at(diag, __FILE__, __LINE__, ER_IPSOCK_ERROR, "admin.bind %s: %s", o->bind,
                           gai_strerror(failed));
    }
    const int rc = start_daemon(a, address);
    const int err = errno;
    if (rc == 0 && a->token.len == 0 && !is_loopback(address->ai_addr)) {
        log_warn(&admin_log, "whoever reaches %s port %s sees metrics and digests: no admin.token",
                 o->bind, port);
    }
    freeaddrinfo(address);
    return rc == 0 ? 0
                   : diag_set_at(diag, __FILE__, __LINE__, ER_IPSOCK_ERROR,
                                 "admin: cannot listen on %s port %s: %s", o->bind, port,
                                 strerror(err));
}

struct admin *admin_start(const struct admin_options *o, struct diag *diag)
{
    struct admin *a = calloc(1, sizeof *a);
    char *token = malloc(o->token.len + 1);
    if (a == NULL || token == NULL) {
        free(a);
        free(token);
        diag_set(diag, ER_OUT_OF_RESOURCES);
        return NULL;
    }
    if (o->token.len > 0) {
        memcpy(token, o->token.p, o->token.len);
    }
    a->server = o->server;
    a->token = str_from(token, o->token.len);
    a->requests = metrics_counter_new("pintail_admin_requests_total", "HTTP requests.", NULL);
    if (listen_at(a, o, diag) != 0) {
        admin_stop(a);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT);
    a->port = info != NULL ? info->port : o->port;
    const bool colons = strchr(o->bind, ':') != NULL;
    log_info(&admin_log, "serving http://%s%s%s:%u/", colons ? "[" : "", o->bind, colons ? "]" : "",
             a->port);
    return a;
}

void admin_stop(struct admin *a)
{
    if (a == NULL) {
        return;
    }
    if (a->daemon != NULL) {
        MHD_stop_daemon(a->daemon);
    }
    char *token = (char *)(uintptr_t)a->token.p;
    mem_wipe(token, a->token.len);
    free(token);
    free(a);
}

void admin_set_state(struct admin *a, enum admin_state state)
{
    if (a != NULL) {
        atomic_store(&a->state, state);
    }
}

uint16_t admin_port(const struct admin *a)
{
    return a->port;
}
