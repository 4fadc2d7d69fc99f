/*
 * What the session and the moment say: NOW() and its kin, USER(), LAST_INSERT_ID(), SLEEP(), …
 * Without a session (tests, defaults made at start) they answer as a session that has nothing.
 */
#include "base/clock.h"
#include "exec/eval_int.h"
#include "exec/exec_int.h"
#include "os/fiber.h"
#include "types/temporal_text.h"
#include "types/timezone.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>

/* ---- The moment ---- */

static unsigned wanted_decimals(const struct expr *e)
{
    return e->type.decimals <= 6 ? e->type.decimals : 0;
}

/* The fields of a moment in a zone (NULL: UTC), cut to the wanted fraction. */
static struct mtime fields_at(int64_t utc_us, const struct timezone *tz, unsigned decimals)
{
    struct mtime t;
    if (tz == NULL) {
        temporal_unpack_datetime(utc_us, &t);
    } else {
        timezone_from_utc(tz, utc_us, &t);
    }
    (void)!temporal_round_datetime(&t, 0, decimals, false);
    return t;
}

static void set_datetime(const struct expr *e, struct mtime t, struct value *out)
{
    *out =
        (struct value){.kind = VALUE_DATETIME, .decimals = (uint8_t)wanted_decimals(e), .time = t};
}

static void set_date(struct mtime t, struct value *out)
{
    const struct mtime day = {.year = t.year, .month = t.month, .day = t.day};
    *out = (struct value){.kind = VALUE_DATE, .time = day};
}

static void set_time(const struct expr *e, struct mtime t, struct value *out)
{
    t.year = 0;
    t.month = 0;
    t.day = 0;
    *out = (struct value){.kind = VALUE_TIME, .decimals = (uint8_t)wanted_decimals(e), .time = t};
}

static struct mtime local_now(const struct eval_ctx *ctx, const struct expr *e)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    return fields_at(in.now_us, in.tz, wanted_decimals(e));
}

static struct mtime utc_now(const struct eval_ctx *ctx, const struct expr *e)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    return fields_at(in.now_us, NULL, wanted_decimals(e));
}

int eval_now(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
             struct value *out)
{
    (void)args;
    set_datetime(e, local_now(ctx, e), out);
    return 0;
}

int eval_sysdate(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    const struct temporal_session in = eval_temporal_session(ctx);
    (void)args;
    set_datetime(e, fields_at(clock_wall_us(), in.tz, wanted_decimals(e)), out);
    return 0;
}

int eval_utc_timestamp(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                       struct value *out)
{
    (void)args;
    set_datetime(e, utc_now(ctx, e), out);
    return 0;
}

int eval_curdate(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    (void)args;
    set_date(local_now(ctx, e), out);
    return 0;
}

int eval_utc_date(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    (void)args;
    set_date(utc_now(ctx, e), out);
    return 0;
}

int eval_curtime(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    (void)args;
    set_time(e, local_now(ctx, e), out);
    return 0;
}

int eval_utc_time(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    (void)args;
    set_time(e, utc_now(ctx, e), out);
    return 0;
}

/* ---- Who and where ---- */

int eval_database(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                  struct value *out)
{
    (void)args;
    if (ctx->session != NULL && ctx->session->db.p != NULL) {
        eval_set_text(e, arena_dup(ctx->arena, ctx->session->db), out);
    }
    return 0;
}

int eval_user(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    (void)args;
    if (ctx->session != NULL) {
        eval_set_text(e,
                      arena_printf(ctx->arena, "%.*s@%.*s", STR_FMT(ctx->session->login_user),
                                   STR_FMT(ctx->session->login_host)),
                      out);
    }
    return 0;
}

int eval_current_user(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      struct value *out)
{
    (void)args;
    if (ctx->session != NULL) {
        eval_set_text(e, ctx->session->current_user, out);
    }
    return 0;
}

int eval_current_role(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                      struct value *out)
{
    (void)args;
    if (!eval_is_mariadb(ctx)) {
        eval_set_text(
            e, ctx->session == NULL ? STR("NONE") : exec_current_role(ctx->session, ctx->arena),
            out);
    }
    return 0;
}

int eval_version(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                 struct value *out)
{
    (void)args;
    eval_set_text(e, ctx->session != NULL ? ctx->session->server->version : STR(""), out);
    return 0;
}

int eval_connection_id(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                       struct value *out)
{
    (void)e;
    (void)args;
    *out = value_uint(ctx->session != NULL ? ctx->session->id : 0);
    return 0;
}

/* ---- The statements before ---- */

/* LAST_INSERT_ID(n) gives n and makes it the session's id, and the one that the client is told. */
int eval_last_insert_id(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                        struct value *out)
{
    bool is_unsigned;
    if (e->argc == 0) {
        *out = value_uint(ctx->session != NULL ? ctx->session->last_insert_id : 0);
        return 0;
    }
    if (args[0].kind == VALUE_NULL) {
        return 0;
    }
    const uint64_t id = (uint64_t)eval_int(ctx, e->args[0], &args[0], &is_unsigned);
    if (ctx->session != NULL) {
        ctx->session->last_insert_id = id;
        ctx->session->result.insert_id = id;
    }
    *out = value_uint(id);
    return 0;
}

int eval_row_count(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    (void)e;
    (void)args;
    *out = value_int(ctx->session != NULL ? ctx->session->row_count : 0);
    return 0;
}

int eval_found_rows(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                    struct value *out)
{
    (void)e;
    (void)args;
    if (!eval_is_mariadb(ctx)) {
        diag_warn_at(ctx->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX,
                     "FOUND_ROWS() is deprecated and will be removed in a future release. Consider "
                     "using COUNT(*) instead.");
    }
    *out = value_int(ctx->session != NULL ? (int64_t)ctx->session->found_rows : 0);
    return 0;
}

/* ---- UUID ---- */

/* 100 ns steps from 1582-10-15, where UUIDs count from, to 1970. */
#define UUID_EPOCH UINT64_C(0x01B21DD213814000)

/* The last time stamp given: two calls never share one. */
static _Atomic(uint64_t) last_uuid_time;

static uint64_t next_uuid_time(void)
{
    const uint64_t now = (uint64_t)clock_wall_us() * 10 + UUID_EPOCH;
    uint64_t last = atomic_load(&last_uuid_time);
    uint64_t next;
    do {
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&last_uuid_time, &last, next));
    return next;
}

/* Version 1 of RFC 4122, as the servers': time, and a node that is random for the process. */
int eval_uuid(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
              struct value *out)
{
    static _Atomic(uint64_t) node;
    uint64_t n = atomic_load(&node);
    (void)args;
    if (n == 0) {
        uint64_t fresh = 0;
        (void)!getrandom(&fresh, sizeof(fresh), 0);
        fresh |= UINT64_C(1) << 40; /* the multicast bit says that it is no address */
        n = atomic_compare_exchange_strong(&node, &n, fresh) ? fresh : n;
    }
    const uint64_t t = next_uuid_time();
    eval_set_text(e,
                  arena_printf(ctx->arena, "%08x-%04x-%04x-%04x-%012llx",
                               (unsigned)(t & 0xFFFFFFFF), (unsigned)(t >> 32 & 0xFFFF),
                               (unsigned)(t >> 48 & 0x0FFF) | 0x1000u,
                               (unsigned)(n >> 48 & 0x3FFF) | 0x8000u,
                               (unsigned long long)(n & 0xFFFFFFFFFFFF)),
                  out);
    return 0;
}

/* ---- Waiting ---- */

/* SLEEP gives 0, or 1 when the statement was told to end. It parks the fiber: not on a thread of
 * the pool. */
int eval_sleep(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
               struct value *out)
{
    const unsigned statement = INTERRUPT_KILL_QUERY | INTERRUPT_TIMEOUT;
    const double seconds = args[0].kind == VALUE_NULL ? -1 : eval_double(ctx, e->args[0], &args[0]);
    if (seconds < 0) {
        return diag_set(ctx->diag, ER_WRONG_ARGUMENTS, "sleep.");
    }
    *out = value_int(0);
    if (seconds == 0) {
        return 0;
    }
    if (fiber_self() == NULL) {
        return diag_set(ctx->diag, ER_NOT_SUPPORTED_YET, "SLEEP here");
    }
    if (fiber_sleep((uint64_t)(MIN(seconds, 1e9) * 1e6)) != FIBER_INTERRUPTED) {
        return 0;
    }
    if ((fiber_interrupted() & ~statement) != 0) {
        return exec_interrupted(ctx->session, ctx->diag);
    }
    fiber_clear_interrupt(statement);
    *out = value_int(1);
    return 0;
}

/* BENCHMARK(count, expression) evaluates it so often and gives 0. */
int eval_benchmark(struct eval_ctx *ctx, const struct expr *e, const struct value *args,
                   struct value *out)
{
    struct value v;
    (void)args;
    if (eval_node(ctx, e->args[0], &v) != 0) {
        return -1;
    }
    if (v.kind == VALUE_NULL) {
        return 0;
    }
    const int64_t count = eval_signed(ctx, e->args[0], &v);
    const struct arena_mark mark = arena_mark(ctx->arena);
    for (int64_t i = 0; i < count; i++) {
        if (eval_node(ctx, e->args[1], &v) != 0) {
            return -1;
        }
        arena_rewind(ctx->arena, mark);
        if (i % 1024 == 1023 && fiber_self() != NULL) {
            fiber_yield();
            if (fiber_interrupted() != 0) {
                return exec_interrupted(ctx->session, ctx->diag);
            }
        }
    }
    *out = value_int(0);
    return 0;
}
