/*
 * A session's life: accept, login, command loop, disconnect. See session.h.
 */
#include "session/session.h"

#include "base/clock.h"
#include "session/passthrough.h"
#include "session/session_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND_US UINT64_C(1000000)

/* The commands by their first byte. What is missing gets the error that MySQL gives
 * (command_unknown). */
static const struct {
    command_fn *run;
    bool keeps_diagnostics; /* does not start a diagnostics area of its own */
} commands[COM_COUNT] = {
    [COM_QUIT] = {command_quit, true},
    [COM_INIT_DB] = {command_init_db, false},
    [COM_QUERY] = {command_query, true},
    [COM_FIELD_LIST] = {command_field_list, false},
    [COM_STATISTICS] = {command_statistics, true},
    [COM_PROCESS_KILL] = {command_process_kill, false},
    [COM_PING] = {command_ping, true},
    [COM_CHANGE_USER] = {command_change_user, false},
    [COM_RESET_CONNECTION] = {command_reset_connection, false},
    [COM_SET_OPTION] = {command_set_option, false},
    [COM_STMT_PREPARE] = {command_stmt_prepare, false},
    [COM_STMT_EXECUTE] = {command_stmt_execute, true},
    [COM_STMT_SEND_LONG_DATA] = {command_stmt_send_long_data, true},
    [COM_STMT_CLOSE] = {command_stmt_close, true},
    [COM_STMT_RESET] = {command_stmt_reset, true},
    [COM_STMT_FETCH] = {command_stmt_fetch, false},
};

/* ---- State ---- */

/* Under all->lock. */
static void show_database(struct session *s)
{
    const struct str db = s->x.db;
    static_assert(sizeof s->shown_db_buf >= sizeof s->x.db_buf, "every name of a database fits");
    if ((db.p == NULL) != (s->shown_db.p == NULL) || !str_eq(db, s->shown_db)) {
        if (db.p != NULL) {
            memcpy(s->shown_db_buf, db.p, db.len);
        }
        s->shown_db = db.p == NULL ? STR_NULL : str_from(s->shown_db_buf, db.len);
    }
}

void session_set_info(struct session *s, struct str text)
{
    const struct str info = str_trim(text);
    os_mutex_lock(&s->all->lock);
    show_database(s);
    s->info_len = (uint16_t)MIN(info.len, sizeof s->info);
    if (s->info_len > 0) {
        memcpy(s->info, info.p, s->info_len);
    }
    os_mutex_unlock(&s->all->lock);
}

void session_set_state(struct session *s, enum session_state state, uint8_t command)
{
    struct sessions *all = s->all;
    os_mutex_lock(&all->lock);
    const bool was_busy = s->state == SESSION_BUSY;
    s->state = state;
    s->command = command;
    s->state_since_us = clock_wall_us();
    s->info_len = 0;
    if (state != SESSION_BUSY) {
        /* Only statements change it, and what one begins with is shown since the last one. */
        show_database(s);
    }
    if (state == SESSION_IDLE) {
        /* What came too late for the command that ended must not reach the next one. */
        fiber_clear_interrupt(INTERRUPT_KILL_QUERY | INTERRUPT_TIMEOUT);
        s->interrupt_sent = false;
        rlist_del(&s->watch);
    }
    os_mutex_unlock(&all->lock);
    if (was_busy != (state == SESSION_BUSY)) {
        _Atomic(uint64_t) *running = &all->server->status.threads_running;
        if (was_busy) {
            atomic_fetch_sub(running, 1);
        } else {
            atomic_fetch_add(running, 1);
        }
    }
}

uint64_t session_connect_deadline(const struct session *s)
{
    struct server *server = s->all->server;
    return clock_monotonic_us() + server_uint(server, &server->vars.connect_timeout) * SECOND_US;
}

uint64_t session_read_deadline(const struct session *s)
{
    const bool interactive = (s->x.capabilities & CLIENT_INTERACTIVE) != 0;
    const uint64_t seconds = interactive ? s->x.vars.interactive_timeout : s->x.vars.wait_timeout;
    return clock_monotonic_us() + seconds * SECOND_US;
}

uint64_t session_write_deadline(const struct session *s)
{
    return clock_monotonic_us() + s->x.vars.net_write_timeout * SECOND_US;
}

int session_flush(struct session *s)
{
    const enum net_result r = conn_flush(&s->conn, session_write_deadline(s), s->x.diag);
    if (r == NET_OK) {
        return 0;
    }
    if (r == NET_INTERRUPTED) {
        return exec_interrupted(&s->x, s->x.diag);
    }
    s->quit = true; /* part of a packet may be on its way: nothing sensible can follow */
    return -1;
}

int session_read(struct session *s, struct str *out)
{
    const uint64_t deadline = clock_monotonic_us() + s->x.vars.net_read_timeout * SECOND_US;
    const enum net_result r = conn_read_packet(&s->conn, deadline, out, s->x.diag);
    if (r == NET_OK) {
        return 0;
    }
    if (r == NET_INTERRUPTED) {
        exec_interrupted(&s->x, s->x.diag);
    }
    s->quit = true;
    return -1;
}

/* ---- Commands ---- */

static void run_command(struct session *s, struct str payload)
{
    const uint8_t command = (uint8_t)payload.p[0];
    const bool known = command < COM_COUNT && commands[command].run != NULL;
    session_set_state(s, SESSION_BUSY, command);
    atomic_fetch_add_explicit(&s->all->server->status.questions, 1, memory_order_relaxed);
    if (known && !commands[command].keeps_diagnostics) {
        diag_reset(s->x.diag);
    }
    s->x.result = (struct exec_result){0};
    if ((known ? commands[command].run : command_unknown)(s, payload) != 0) {
        s->quit = true;
    }
    arena_reset(&s->x.stmt_arena);
}

/* After a command: its interrupts are over, unless they end the session. */
static void clear_interrupts(struct session *s)
{
    if (fiber_interrupted() != 0) {
        fiber_clear_interrupt(INTERRUPT_KILL_QUERY | INTERRUPT_TIMEOUT);
    }
    if ((fiber_interrupted() & (INTERRUPT_KILL_CONNECTION | INTERRUPT_CLIENT_GONE)) != 0) {
        s->quit = true;
    }
    if (atomic_load_explicit(&s->all->server->shutting_down, memory_order_relaxed) &&
        !s->x.txn.active) {
        s->quit = true;
    }
}

/* Why no command came: what the client is told before the connection ends. */
static void say_why(struct session *s, enum net_result r)
{
    switch (r) {
    case NET_TIMEOUT:
        diag_reset(s->x.diag);
        diag_set(s->x.diag, ER_CLIENT_INTERACTION_TIMEOUT);
        break;
    case NET_INTERRUPTED:
        diag_reset(s->x.diag);
        exec_interrupted(&s->x, s->x.diag);
        break;
    case NET_TOO_LARGE:
    case NET_OUT_OF_ORDER:
        break; /* diag is set */
    default:
        return;
    }
    fiber_mask_interrupts();
    reply_error(s);
    conn_shutdown(&s->conn, clock_monotonic_us() + SECOND_US);
    fiber_unmask_interrupts();
}

static void command_loop(struct session *s)
{
    while (!s->quit) {
        session_set_state(s, SESSION_IDLE, COM_SLEEP);
        struct str payload;
        conn_begin_command(&s->conn);
        const enum net_result r =
            conn_read_packet(&s->conn, session_read_deadline(s), &payload, s->x.diag);
        if (r != NET_OK) {
            say_why(s, r);
            return;
        }
        if (payload.len == 0) {
            diag_reset(s->x.diag);
            diag_set(s->x.diag, ER_MALFORMED_PACKET);
            reply_error(s);
        } else {
            run_command(s, payload);
        }
        clear_interrupts(s);
        fiber_mask_interrupts();
        if (conn_flush(&s->conn, session_write_deadline(s), s->x.diag) != NET_OK) {
            s->quit = true;
        }
        fiber_unmask_interrupts();
        session_count_bytes(s);
    }
}

/* ---- Life ---- */

static void on_hangup(void *arg)
{
    struct session *s = arg;
    registry_interrupt(s, INTERRUPT_CLIENT_GONE);
}

static void set_host(struct session *s)
{
    os_mutex_lock(&s->all->lock);
    if (s->peer.port != 0) {
        snprintf(s->host_text, sizeof s->host_text, "%s:%u", s->peer.host, s->peer.port);
    } else {
        snprintf(s->host_text, sizeof s->host_text, "%s", s->peer.host);
    }
    snprintf(s->user_text, sizeof s->user_text, "%s", "unauthenticated user");
    os_mutex_unlock(&s->all->lock);
    s->x.login_host = str_from_cstr(s->peer.host);
    s->log = (struct log){.module = "session", .connection_id = s->x.id, .peer = s->host_text};
}

static struct session *session_new(struct sessions *all, const struct listener_accepted *accepted)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    os_mutex_lock(&all->lock);
    const uint64_t id = all->next_id++;
    os_mutex_unlock(&all->lock);
    exec_session_init(&s->x, all->server, id);
    s->x.fiber = fiber_ref(fiber_self());
    s->all = all;
    s->peer = accepted->peer;
    s->state_since_us = clock_wall_us();
    rlist_init(&s->link);
    rlist_init(&s->watch);
    htab_init(&s->prepared, 0);
    set_host(s);
    return s;
}

static void session_free(struct session *s)
{
    session_set_state(s, SESSION_CLOSING, COM_QUIT);
    conn_on_hangup(&s->conn, NULL, NULL);
    passthrough_free(s);
    registry_remove(s);
    session_free_prepared(s);
    htab_release(&s->prepared);
    exec_session_release(&s->x);
    struct server_status *status = &s->all->server->status;
    session_count_bytes(s);
    atomic_fetch_add(&status->bytes_received, s->conn.bytes_in);
    atomic_fetch_add(&status->bytes_sent, s->conn.bytes_out);
    fiber_mask_interrupts();
    conn_release(&s->conn);
    fiber_unmask_interrupts();
    fiber_unref(s->x.fiber);
    free(s);
}

/* A load balancer of ours says who the client is before anything else. Returns 0, or -1. */
static int learn_peer(struct session *s)
{
    struct sessions *all = s->all;
    if (!proxy_networks_match(&all->proxy_networks, &s->peer)) {
        return 0;
    }
    if (proxy_read(&s->conn, session_connect_deadline(s), &s->peer, s->x.diag) != NET_OK) {
        log_warn(&s->log, "connection from a network of server.proxy_protocol_networks without a "
                          "PROXY protocol header");
        return -1;
    }
    set_host(s);
    return 0;
}

static void serve(void *arg, const struct listener_accepted *accepted)
{
    struct sessions *all = arg;
    struct server_status *status = &all->server->status;
    atomic_fetch_add(&status->connections, 1);
    struct session *s = session_new(all, accepted);
    if (s == NULL) {
        close(accepted->fd);
        return;
    }
    if (conn_init(&s->conn, accepted->loop, accepted->fd, s->x.vars.max_allowed_packet,
                  s->x.diag) != 0) {
        exec_session_release(&s->x);
        fiber_unref(s->x.fiber);
        free(s);
        return;
    }
    fiber_set_local(s);
    registry_add(s);
    conn_on_hangup(&s->conn, on_hangup, s);
    if (learn_peer(s) == 0 && session_login(s) == 0) {
        if (s->pass != NULL) {
            passthrough_loop(s);
        } else {
            command_loop(s);
        }
    } else {
        atomic_fetch_add(&status->aborted_connects, 1);
    }
    session_free(s);
}

/* MySQL answers a connection beyond the limit with an error packet; it needs a fiber to be sent, so
 * the limit is checked in session_login(). Here only a hard ceiling is kept. */
static bool admit(void *arg, const struct sock_peer *peer)
{
    struct sessions *all = arg;
    struct server *server = all->server;
    (void)peer;
    return !atomic_load(&server->shutting_down) &&
           sessions_count(all) < server_uint(server, &server->vars.max_connections) + 100;
}

struct listener_handler sessions_listener_handler(struct sessions *all)
{
    return (struct listener_handler){.admit = admit, .serve = serve, .arg = all};
}
