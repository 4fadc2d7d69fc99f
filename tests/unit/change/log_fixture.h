/*
 * A source that is a script: transactions on a table (id BIGINT, n INT, s VARCHAR(100)) as the
 * events that MySQL writes, and a pipeline that applies them to a copy in DuckDB.
 */
#ifndef TESTS_UNIT_CHANGE_LOG_FIXTURE_H
#define TESTS_UNIT_CHANGE_LOG_FIXTURE_H

#include "change/pipeline_int.h"

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

struct log_block {
    struct rlist link;
    struct change_block block;
    bool is_restart; /* The connection is lost here. */
};

struct log_fixture {
    struct server *server;
    struct copy *copy;
    struct pipeline *pipeline;
    struct pipeline_options options;
    struct engine_session *session;
    struct arena arena;
    struct diag diag;
    char dir[256]; /* Empty: in memory. */
    /* The input; one loop. */
    struct rlist blocks;
    struct fiber *taker;
    bool nudged;
    bool replays; /* A restart gives again what lies behind its position. */
    struct bytebuf history;
    uint32_t restarts;
    char restart_file[64];
    uint64_t restart_offset;
    /* The script's writer. */
    struct bytebuf events;
    uint32_t at;      /* Offset in the log. */
    uint32_t seconds; /* When the events to come happened. */
    bool is_busy;     /* The source has more; with options.idle_us: batches wait for it. */
};

/* All of it in a fiber. on_disk: in a directory of its own. */
void log_fixture_init(struct log_fixture *f, bool on_disk);
void log_fixture_release(struct log_fixture *f);
/* Closes engine and pipeline and opens them again, as a start of the process does. */
void log_fixture_reopen(struct log_fixture *f);

/* Adds a LIVE, LOADING, … table test.<name>, with a primary key (id) or without. */
struct copy_table *log_fixture_add_table(struct log_fixture *f, const char *name,
                                         enum copy_state state, bool has_key);

void log_fixture_start(struct log_fixture *f);
/* Applies what was given and stops. */
void log_fixture_stop(struct log_fixture *f);

/*
 * Gives events to the source, as one block:
 *   BEGIN COMMIT ROLLBACK
 *   table +1,10,a        inserted
 *   table -1,10,a        deleted
 *   table ~1,10,a>1,11,b updated
 *   GTID 7               in front of a transaction, of one server
 *   PREPARE ONE_PHASE    the end of XA transaction X'61',X'',1, which began with
 *                        XA START X'61',X'',1
 * Anything else with a space is a statement: SAVEPOINT x, XA COMMIT X'61',X'',1. One line each,
 * separated by ';'. NULL is an empty value; a column that an image lacks is ".".
 */
void log_fixture_play(struct log_fixture *f, const char *script);
/* The connection is lost. */
void log_fixture_cut(struct log_fixture *f);
/* Waits until all that was given is applied. */
void log_fixture_settle(struct log_fixture *f);
/* Waits until the pipeline has stopped for an error; returns its text. */
const char *log_fixture_fail(struct log_fixture *f);

/* The rows of a table, ordered: "1,10,a 2,,b"; in f->arena. */
const char *log_fixture_rows(struct log_fixture *f, const struct copy_table *t);

#define assert_done(f, rc)                                                                         \
    do {                                                                                           \
        if ((rc) != 0) {                                                                           \
            print_error("%.*s\n", STR_FMT((f)->diag.error != NULL ? (f)->diag.error->message       \
                                                                  : STR("(no error)")));           \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

/* Defines a cmocka test whose body runs in a fiber. */
#define LOG_TEST(name)                                                                             \
    static void name##_body(struct log_fixture *f);                                                \
    static void name##_fiber(void *arg)                                                            \
    {                                                                                              \
        struct log_fixture f;                                                                      \
        (void)arg;                                                                                 \
        log_fixture_init(&f, false);                                                               \
        name##_body(&f);                                                                           \
        log_fixture_release(&f);                                                                   \
    }                                                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(fiber_run(name##_fiber, NULL), 0);                                        \
    }                                                                                              \
    static void name##_body(struct log_fixture *f)

#endif
