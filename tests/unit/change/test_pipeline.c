/* The pipeline from events to rows: net effects, transactions, positions, errors. */
#include "log_fixture.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct copy_table *start_with_table(struct log_fixture *f)
{
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LIVE, true);
    log_fixture_start(f);
    return t;
}

LOG_TEST(test_inserts_updates_and_deletes)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,10,a; t +2,20,b; t +3,,; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,10,a 2,20,b 3,,");
    log_fixture_play(f, "BEGIN; t ~1,10,a>1,11,longer than twelve bytes; t -2,20,b; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,11,longer than twelve bytes 3,,");
    assert_int_equal(atomic_load(&t->rows_inserted), 3);
    assert_int_equal(atomic_load(&t->rows_updated), 1);
    assert_int_equal(atomic_load(&t->rows_deleted), 1);
}

LOG_TEST(test_one_key_many_times)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; t ~1,1,a>1,2,b; t -1,2,b; COMMIT");
    log_fixture_play(f, "BEGIN; t +2,1,a; t -2,1,a; t +2,3,c; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "2,3,c");
    log_fixture_play(f, "BEGIN; t -2,3,c; t +2,4,d; t -2,4,d; COMMIT; "
                        "BEGIN; t +2,5,e; t ~2,5,e>2,6,f; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "2,6,f");
}

LOG_TEST(test_keys_change_and_swap)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; t +2,2,b; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t ~1,1,a>9,1,a; t ~2,2,b>1,2,b; t ~9,1,a>2,1,a; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,2,b 2,1,a");
    log_fixture_play(f, "BEGIN; t ~1,2,b>5,2,b; COMMIT; BEGIN; t +1,7,g; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,7,g 2,1,a 5,2,b");
}

LOG_TEST(test_rollback_leaves_nothing)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; COMMIT; BEGIN; t ~1,1,a>1,2,b; t +2,2,b; ROLLBACK; "
                        "BEGIN; t ~1,1,a>1,3,c; t +2,3,c; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,3,c 2,3,c");
}

LOG_TEST(test_rollback_to_a_savepoint)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; SAVEPOINT `x`; t ~1,1,a>1,2,b; t +2,2,b; "
                        "ROLLBACK TO `x`; t ~1,1,a>1,3,c; ROLLBACK TO `x`; t +2,4,d; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,4,d");
}

LOG_TEST(test_a_lost_connection_takes_the_open_transaction_back)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; COMMIT");
    log_fixture_settle(f);
    const uint64_t before = f->at;
    log_fixture_play(f, "BEGIN; t +2,2,b; t ~1,1,a>1,9,z");
    log_fixture_cut(f);
    while (f->restarts == 0) {
        (void)fiber_sleep(1000);
    }
    assert_int_equal(f->restart_offset, before);
    assert_string_equal(f->restart_file, "log.000001");
    f->at = (uint32_t)before;
    log_fixture_play(f, "BEGIN; t +2,2,b; t ~1,1,a>1,9,z; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,9,z 2,2,b");
}

/* As a source sends it again that is asked by place. */
LOG_TEST(test_a_transaction_that_the_copy_has_is_skipped)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "GTID 1; BEGIN; t +1,1,a; COMMIT; GTID 3; BEGIN; t +3,3,c; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "GTID 2; BEGIN; t +2,2,b; COMMIT; GTID 3; BEGIN; t +3,3,c; COMMIT; "
                        "GTID 1; BEGIN; SAVEPOINT `x`; t +1,1,a; ROLLBACK TO `x`; ROLLBACK; "
                        "GTID 3; DROP TABLE test.t; GTID 4; BEGIN; t ~3,3,c>3,4,d; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,2,b 3,4,d");
    assert_int_equal(atomic_load(&t->rows_inserted), 3);
}

LOG_TEST(test_tables_without_a_key)
{
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LIVE, false);
    log_fixture_start(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; t +1,1,a; t +1,1,a; t +,,; t +,,; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t -1,1,a; t ~,,>5,,; t +7,7,g; t -7,7,g; t +7,8,h; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 1,1,a 5,, 7,8,h ,,");
}

LOG_TEST(test_a_row_that_is_not_there_stops_the_stream)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t +2,2,b; t ~7,1,a>7,2,b; COMMIT");
    const char *error = log_fixture_fail(f);
    assert_non_null(strstr(error, "`test`.`t`"));
    assert_non_null(strstr(error, "(7)"));
    assert_string_equal(log_fixture_rows(f, t), "1,1,a");
}

LOG_TEST(test_a_change_of_a_deleted_row_stops_the_stream)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; t -1,1,a; t ~1,1,a>1,2,b; COMMIT");
    assert_non_null(strstr(log_fixture_fail(f), "key 1"));
    assert_string_equal(log_fixture_rows(f, t), "");
}

LOG_TEST(test_a_row_inserted_twice_stops_the_stream)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; t +1,1,a; t -1,1,a; COMMIT");
    assert_non_null(strstr(log_fixture_fail(f), "there already"));
    assert_string_equal(log_fixture_rows(f, t), "");
}

LOG_TEST(test_by_policy_a_table_is_set_aside)
{
    f->options.set_aside = true;
    struct copy_table *u = log_fixture_add_table(f, "u", COPY_LIVE, true);
    (void)start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; u +1,1,a; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; u +2,2,b; t ~7,1,a>7,2,b; COMMIT; BEGIN; t +8,8,h; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t -8,8,h; u +3,3,c; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, u), "1,1,a 2,2,b 3,3,c");
    struct copy_table *t = copy_find(f->copy, STR("test"), STR("t"));
    assert_int_equal(atomic_load(&t->state), COPY_ASIDE);
    assert_non_null(strstr(arena_dup_cstr(&f->arena, t->reason), "(7)"));
    copy_table_unref(t);
}

/* The rest of the batch is written twice; what the log has left out is read once. */
LOG_TEST(test_by_policy_the_rest_is_written_again)
{
    f->options.set_aside = true;
    struct copy_table *u = log_fixture_add_table(f, "u", COPY_LIVE, true);
    (void)start_with_table(f);
    log_fixture_play(f, "BEGIN; u +1,1,a; u +2,2,b; t +1,1,a; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; u +5,5,e; u -5,.,.; u ~1,.,.>.,11,.; u ~2,.,.>.,22,.; "
                        "t ~7,1,a>7,2,b; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, u), "1,11,a 2,22,b");
    struct copy_table *t = copy_find(f->copy, STR("test"), STR("t"));
    assert_true(t->schema_hash == COPY_STAYS_ASIDE);
    copy_table_unref(t);
}

LOG_TEST(test_other_tables_are_skipped)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_add_table(f, "p", COPY_PENDING, true);
    log_fixture_play(f, "BEGIN; u +1,1,a; t +1,1,a; p +3,3,c; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a");
}

LOG_TEST(test_a_table_that_is_loading_takes_what_fits)
{
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, true);
    log_fixture_start(f);
    log_fixture_play(f, "BEGIN; t ~1,1,a>1,2,b; t -5,5,e; t +2,2,b; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t +2,3,c; t ~1,2,b>7,7,g; t -8,8,h; t -8,8,h; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "2,3,c 7,7,g");
}

/* BEGIN and changes of many rows in the order of their keys, each of which is changed once more. */
static char *large_script(const char *end)
{
    const size_t cap = 200000;
    char *script = malloc(cap);
    size_t len = (size_t)snprintf(script, cap, "BEGIN; SAVEPOINT `x`");
    for (int i = 1; i <= 1000; i++) {
        len += (size_t)snprintf(script + len, cap - len, "; t +%d,1,abcdefgh", i);
        if (i > 500) {
            len += (size_t)snprintf(script + len, cap - len, "; t ~%d,1,abcdefgh>%d,2,b", i - 500,
                                    i - 500);
        }
    }
    (void)snprintf(script + len, cap - len, "; t -0,0,z; %s", end);
    return script;
}

static int64_t number_of(struct log_fixture *f, const struct copy_table *t, const char *what)
{
    const struct sql_type type = {.type = MYSQL_TYPE_LONGLONG, .length = 20};
    const struct engine_query q = {
        .text =
            arena_printf(&f->arena, "SELECT coalesce((%s)::BIGINT, 0) FROM t%" PRIu64, what, t->id),
        .column_count = 1,
        .types = &type};
    struct engine_cursor *c;
    struct chunk chunk;
    assert_done(f, engine_query_open(f->session, &q, &f->diag, &c));
    assert_int_equal(engine_fetch(c, &f->diag, &chunk), ENGINE_ROW);
    const int64_t n = ((const int64_t *)chunk.cols[0].data)[0];
    engine_cursor_close(c);
    return n;
}

LOG_TEST(test_a_large_transaction_goes_in_portions)
{
    f->options.huge_bytes = 2000;
    struct copy_table *t = start_with_table(f);
    char *script = large_script("COMMIT");
    log_fixture_play(f, "BEGIN; t +0,0,z; COMMIT");
    log_fixture_play(f, script);
    log_fixture_play(f, "BEGIN; t +2000,1,y; COMMIT");
    log_fixture_settle(f);
    assert_int_equal(number_of(f, t, "count(*)"), 1001);
    assert_int_equal(number_of(f, t, "sum(c2)"), 1501);
    struct pipeline_status st;
    pipeline_status(f->pipeline, &st);
    assert_int_equal(st.rows_inserted, 1002);
    assert_int_equal(st.rows_updated, 500);
    assert_int_equal(st.rows_deleted, 1);
    free(script);
}

/* 9 bytes in the log, 28 in columns. */
LOG_TEST(test_narrow_rows_fill_a_batch_too)
{
    char script[60 * 32];
    size_t len = 0;
    f->options.max_batch_bytes = 600;
    struct copy_table *t = start_with_table(f);
    for (int i = 0; i < 60; i++) {
        len += (size_t)snprintf(script + len, sizeof(script) - len, "BEGIN; t +%d,,; COMMIT;", i);
    }
    log_fixture_play(f, script);
    log_fixture_settle(f);
    assert_int_equal(number_of(f, t, "count(*)"), 60);
    struct batch_record *records;
    bool found = false;
    const uint32_t count = pipeline_batches(f->pipeline, &f->arena, &records);
    for (uint32_t i = 0; i < count; i++) {
        found |= records[i].end == BATCH_END_BYTES && records[i].bytes < 600;
    }
    assert_true(found);
}

/* The source gives it again, and then it is kept until its end is known. */
static void roll_back_large(struct log_fixture *f, const char *end, const char *expected)
{
    f->options.huge_bytes = 2000;
    struct copy_table *t = start_with_table(f);
    char *script = large_script(end);
    log_fixture_play(f, "BEGIN; t +0,0,z; COMMIT");
    log_fixture_settle(f);
    const uint32_t before = f->at;
    log_fixture_play(f, script);
    while (f->restarts == 0) {
        (void)fiber_sleep(1000);
    }
    assert_int_equal(f->restart_offset, before);
    f->at = before;
    log_fixture_play(f, script);
    log_fixture_settle(f);
    assert_int_equal(f->restarts, 1);
    assert_string_equal(log_fixture_rows(f, t), expected);
    free(script);
}

LOG_TEST(test_a_large_transaction_is_rolled_back)
{
    roll_back_large(f, "ROLLBACK", "0,0,z");
}

LOG_TEST(test_a_large_transaction_goes_back_to_a_savepoint)
{
    roll_back_large(f, "ROLLBACK TO `x`; t +5,5,e; COMMIT", "0,0,z 5,5,e");
}

LOG_TEST(test_a_lost_connection_within_a_large_transaction)
{
    f->options.huge_bytes = 2000;
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +0,0,z; COMMIT");
    log_fixture_settle(f);
    const uint32_t before = f->at;
    char *script = large_script("t +5000,5,e");
    log_fixture_play(f, script);
    log_fixture_cut(f);
    while (f->restarts == 0) {
        (void)fiber_sleep(1000);
    }
    assert_int_equal(f->restart_offset, before);
    assert_string_equal(log_fixture_rows(f, t), "0,0,z");
    f->at = before;
    log_fixture_play(f, "BEGIN; t ~0,0,z>0,1,z; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "0,1,z");
    free(script);
}

/* ---- At random, against a model ---- */

enum {
    MODEL_KEYS = 40,
};

struct model {
    int n[MODEL_KEYS]; /* -1: there is no such row. */
    int s[MODEL_KEYS];
    uint32_t seed;
    bool is_sparse;  /* Images have the key and what has changed. */
    bool keeps_keys; /* No update changes a key. */
};

static uint32_t next_random(struct model *m, uint32_t below)
{
    m->seed = m->seed * 1664525 + 1013904223;
    return (m->seed >> 8) % below;
}

/* One change of the model, as a line of the script. */
static size_t random_change(struct model *m, char *out, size_t size)
{
    const uint32_t key = next_random(m, MODEL_KEYS);
    const uint32_t to = next_random(m, MODEL_KEYS);
    const int old_n = m->n[key];
    const int old_s = m->s[key];
    const int n = old_n >= 0 && next_random(m, 2) == 0 ? old_n : (int)next_random(m, 1000);
    const int s = old_n >= 0 && next_random(m, 2) == 0 ? old_s : (int)next_random(m, 1000);
    if (old_n < 0) {
        m->n[key] = n;
        m->s[key] = s;
        return (size_t)snprintf(out, size, "; t +%u,%d,v%d", key, n, s);
    }
    const bool goes = next_random(m, 3) == 0;
    const uint32_t target = m->n[to] < 0 && !m->keeps_keys ? to : key;
    m->n[key] = -1;
    if (!goes) {
        m->n[target] = n;
        m->s[target] = s;
    }
    if (!m->is_sparse) {
        return goes ? (size_t)snprintf(out, size, "; t -%u,%d,v%d", key, old_n, old_s)
                    : (size_t)snprintf(out, size, "; t ~%u,%d,v%d>%u,%d,v%d", key, old_n, old_s,
                                       target, n, s);
    }
    if (goes) {
        return (size_t)snprintf(out, size, "; t -%u,.,.", key);
    }
    char id[16] = ".";
    char number[16] = ".";
    char text[16] = ".";
    if (target != key) {
        (void)snprintf(id, sizeof(id), "%u", target);
    }
    if (n != old_n) {
        (void)snprintf(number, sizeof(number), "%d", n);
    }
    if (s != old_s) {
        (void)snprintf(text, sizeof(text), "v%d", s);
    }
    return (size_t)snprintf(out, size, "; t ~%u,.,.>%s,%s,%s", key, id, number, text);
}

static void random_txn(struct model *m, struct log_fixture *f)
{
    char script[4096];
    struct model before = *m;
    struct model saved = *m;
    bool has_savepoint = false;
    size_t len = (size_t)snprintf(script, sizeof(script), "BEGIN");
    for (uint32_t i = next_random(m, 20) + 1; i > 0; i--) {
        const uint32_t what = next_random(m, 12);
        if (what == 0) {
            saved = *m;
            has_savepoint = true;
            len += (size_t)snprintf(script + len, sizeof(script) - len, "; SAVEPOINT `a`");
        } else if (what == 1 && has_savepoint) {
            saved.seed = m->seed;
            *m = saved;
            len += (size_t)snprintf(script + len, sizeof(script) - len, "; ROLLBACK TO `a`");
        } else {
            len += random_change(m, script + len, sizeof(script) - len);
        }
    }
    if (next_random(m, 8) == 0) {
        before.seed = m->seed;
        *m = before;
        (void)snprintf(script + len, sizeof(script) - len, "; ROLLBACK");
    } else {
        (void)snprintf(script + len, sizeof(script) - len, "; COMMIT");
    }
    log_fixture_play(f, script);
}

static const char *model_rows(const struct model *m, struct arena *arena)
{
    struct str text = STR("");
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (m->n[i] >= 0) {
            text = arena_printf(arena, "%.*s%s%d,%d,v%d", STR_FMT(text), text.len > 0 ? " " : "", i,
                                m->n[i], m->s[i]);
        }
    }
    return arena_dup_cstr(arena, text);
}

static void run_model(struct log_fixture *f, struct model m, bool has_key)
{
    for (int i = 0; i < MODEL_KEYS; i++) {
        m.n[i] = -1;
    }
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LIVE, has_key);
    log_fixture_start(f);
    for (int round = 0; round < 25; round++) {
        for (uint32_t i = next_random(&m, 20); i > 0; i--) {
            random_txn(&m, f);
        }
        log_fixture_settle(f);
        assert_string_equal(log_fixture_rows(f, t), model_rows(&m, &f->arena));
    }
}

static void run_random(struct log_fixture *f, bool has_key, uint32_t seed)
{
    run_model(f, (struct model){.seed = seed}, has_key);
}

LOG_TEST(test_random_transactions)
{
    run_random(f, true, 7);
}

LOG_TEST(test_random_transactions_with_their_images_checked)
{
    f->options.check_images = true;
    f->options.max_batch_bytes = 400;
    run_random(f, true, 11);
}

LOG_TEST(test_a_row_that_was_not_what_the_log_says)
{
    f->options.check_images = true;
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t ~1,1,b>1,2,b; COMMIT");
    assert_non_null(strstr(log_fixture_fail(f), "(1, 1, 'b')"));
    assert_string_equal(log_fixture_rows(f, t), "1,1,a");
}

LOG_TEST(test_random_transactions_with_parts_of_rows)
{
    run_model(f, (struct model){.seed = 5, .is_sparse = true}, true);
}

LOG_TEST(test_random_transactions_with_parts_of_rows_in_portions)
{
    f->replays = true;
    f->options.huge_bytes = 300;
    run_model(f, (struct model){.seed = 6, .is_sparse = true}, true);
}

LOG_TEST(test_parts_of_rows_that_are_not_there)
{
    struct copy_table *t = start_with_table(f);
    log_fixture_play(
        f, "BEGIN; t +1,1,a; t +2,,; COMMIT; BEGIN; t ~1,.,.>.,2,.; t ~2,.,.>.,.,b; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t ~1,.,.>5,.,.; t ~5,.,.>.,,.; t ~2,.,.>.,3,.; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "2,3,b 5,,a");
    log_fixture_play(f, "BEGIN; t ~7,.,.>.,2,.; COMMIT");
    assert_non_null(strstr(log_fixture_fail(f), "(7)"));
    assert_string_equal(log_fixture_rows(f, t), "2,3,b 5,,a");
}

LOG_TEST(test_random_transactions_in_small_batches)
{
    f->options.max_batch_bytes = 200;
    run_random(f, true, 8);
}

LOG_TEST(test_random_transactions_in_portions)
{
    f->options.huge_bytes = 150;
    f->replays = true;
    run_random(f, true, 10);
}

LOG_TEST(test_random_transactions_without_a_key)
{
    run_random(f, false, 9);
}

LOG_TEST(test_a_failure_within_a_large_transaction_leaves_nothing_open)
{
    f->options.huge_bytes = 2000;
    struct copy_table *t = start_with_table(f);
    char *script = large_script("t +5000,5,e; t +5000,5,e");
    log_fixture_play(f, "BEGIN; t +0,0,z; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, script);
    assert_non_null(strstr(log_fixture_fail(f), "there already"));
    pipeline_stop(f->pipeline);
    assert_true(fmutex_try_lock(&f->server->writer));
    fmutex_unlock(&f->server->writer);
    assert_string_equal(log_fixture_rows(f, t), "0,0,z");
    free(script);
}

/* ---- Starting again ---- */

static void reopen_fiber(void *arg)
{
    struct log_fixture f;
    struct change_position at;
    (void)arg;
    log_fixture_init(&f, true);
    (void)log_fixture_add_table(&f, "t", COPY_LIVE, true);
    log_fixture_start(&f);
    log_fixture_play(&f, "BEGIN; t +1,1,a; COMMIT; BEGIN; t +2,2,b; COMMIT");
    log_fixture_stop(&f);
    log_fixture_reopen(&f);
    log_fixture_start(&f);
    change_position_init(&at);
    pipeline_position(f.pipeline, &at);
    assert_string_equal(at.file, "log.000001");
    assert_int_equal(at.offset, f.at);
    log_fixture_play(&f, "BEGIN; t ~1,1,a>3,3,c; COMMIT");
    log_fixture_settle(&f);
    struct copy_table *t = copy_find(f.copy, STR("test"), STR("t"));
    assert_string_equal(log_fixture_rows(&f, t), "2,2,b 3,3,c");
    copy_table_unref(t);
    change_position_release(&at);
    log_fixture_release(&f);
}

static void test_the_position_is_kept_with_the_rows(void **state)
{
    (void)state;
    assert_int_equal(fiber_run(reopen_fiber, NULL), 0);
}

/* ---- Requests ---- */

struct task_state {
    int runs, dones;
};

static int count_run(void *arg, struct engine_session *s, struct diag *d)
{
    struct task_state *t = arg;
    (void)s;
    return ++t->runs == 2 ? diag_set(d, ER_UNKNOWN_ERROR) : 0;
}

static void count_done(void *arg)
{
    ((struct task_state *)arg)->dones++;
}

LOG_TEST(test_tasks)
{
    struct task_state state = {.runs = 0};
    const struct pipeline_task task = {.run = count_run, .done = count_done, .arg = &state};
    assert_done(f, pipeline_task(f->pipeline, &task, &f->diag)); /* It does not run yet. */
    struct copy_table *t = start_with_table(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; COMMIT");
    assert_int_equal(pipeline_task(f->pipeline, &task, &f->diag), -1);
    assert_int_equal(f->diag.error->code, ER_UNKNOWN_ERROR);
    assert_done(f, pipeline_task(f->pipeline, &task, &f->diag));
    assert_int_equal(state.runs, 3);
    assert_int_equal(state.dones, 2);
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a");
}

static struct pipeline_status status_of(struct log_fixture *f)
{
    struct pipeline_status st;
    pipeline_status(f->pipeline, &st);
    return st;
}

/* The lag is the age of the oldest that is not applied, however long ago the last one was. */
LOG_TEST(test_lag)
{
    const uint64_t second = 1000000;
    const uint32_t now = (uint32_t)(clock_wall_us() / (int64_t)second);
    f->options.idle_us = f->options.max_batch_us = 3600 * second;
    (void)start_with_table(f);
    f->seconds = now - 7200;
    log_fixture_play(f, "BEGIN; t +1,1,a; COMMIT");
    log_fixture_settle(f);
    assert_int_equal(status_of(f).lag_us, 0);
    f->is_busy = true;
    f->seconds = now - 50;
    log_fixture_play(f, "BEGIN; t +2,2,b; COMMIT");
    f->seconds = now - 10;
    log_fixture_play(f, "BEGIN; t +3,3,c; COMMIT");
    while (status_of(f).decoded_transactions < 3) {
        (void)!fiber_park(clock_monotonic_us() + 1000);
    }
    assert_int_equal(status_of(f).transactions, 1);
    assert_in_range(status_of(f).lag_us, 50 * second, 7000 * second);
    log_fixture_settle(f);
    assert_int_equal(status_of(f).transactions, 3);
    assert_int_equal(status_of(f).lag_us, 0);
}

LOG_TEST(test_time_outs_of_waits)
{
    struct change_position need;
    (void)start_with_table(f);
    change_position_init(&need);
    (void)snprintf(need.file, sizeof(need.file), "log.000009");
    assert_int_equal(pipeline_wait(f->pipeline, &need, true, 1, &f->diag), -1);
    assert_int_equal(f->diag.error->code, ER_LOCK_WAIT_TIMEOUT);
    change_position_release(&need);
}

/* ---- Windows ---- */

/* Rows (id, id * 10, "s") of a table. */
static void build_rows(struct chunk_builder *b, const struct copy_table *t, const int *ids,
                       size_t count)
{
    static struct sql_type types[3];
    for (int i = 0; i < 3; i++) {
        types[i] = t->def->columns[i].type;
    }
    chunk_builder_init(b, types, 3);
    for (size_t i = 0; i < count; i++) {
        (void)chunk_builder_add_row(b);
        chunk_builder_set_i64(b, 0, ids[i]);
        chunk_builder_set_int(b, 1, ids[i] * 10);
        chunk_builder_set_str(b, 2, STR("s"));
    }
}

static int merge(struct log_fixture *f, struct pipeline_window *w, const struct chunk_builder *b,
                 uint64_t offset, bool last)
{
    const struct chunk chunk = chunk_builder_chunk(b);
    const struct pipeline_merge m = {.file = "log.000001",
                                     .offset = offset,
                                     .chunk_count = 1,
                                     .chunks = &chunk,
                                     .last_key = STR("k"),
                                     .last = last};
    return pipeline_window_merge(w, &m, &f->diag);
}

static struct copy_table *table_now(struct log_fixture *f)
{
    struct copy_table *t = copy_find(f->copy, STR("test"), STR("t"));
    assert_non_null(t);
    copy_table_unref(t);
    return t;
}

/* brought: of the table. */
static void join_rows(struct log_fixture *f, struct key_set *brought)
{
    struct pipeline_window *w;
    struct change_position a0;
    struct chunk_builder b;
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, true);
    t->brought = brought;
    log_fixture_start(f);
    change_position_init(&a0);
    log_fixture_play(f, "BEGIN; t ~2,0,x>2,20,s; COMMIT");
    log_fixture_settle(f);
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    assert_int_equal(a0.offset, f->at);
    log_fixture_play(f, "BEGIN; t ~1,10,s>1,99,u; t -3,30,s; t ~4,40,s>14,40,s; COMMIT");
    const uint64_t view = f->at;
    log_fixture_play(f, "BEGIN; t ~5,50,s>5,1,v; COMMIT");
    build_rows(&b, t, (const int[]){1, 2, 3, 4, 5, 6}, 6);
    assert_done(f, merge(f, w, &b, view, false));
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,99,u 2,20,s 5,1,v 6,60,s 14,40,s");
    assert_true(str_eq(copy_last_key(f->copy, t, &f->arena), STR("k")));
    chunk_builder_release(&b);

    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    build_rows(&b, t, (const int[]){7, 8}, 2);
    assert_done(f, merge(f, w, &b, 0, true));
    chunk_builder_release(&b);
    t = table_now(f);
    assert_int_equal(atomic_load(&t->state), COPY_LIVE);
    log_fixture_play(f, "BEGIN; t -8,80,s; t ~7,70,s>7,71,s; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,99,u 2,20,s 5,1,v 6,60,s 7,71,s 14,40,s");
    change_position_release(&a0);
}

LOG_TEST(test_rows_that_were_read_join_the_stream)
{
    join_rows(f, key_set_new(0));
}

LOG_TEST(test_rows_join_after_a_restart)
{
    join_rows(f, NULL);
}

LOG_TEST(test_rows_join_when_there_were_too_many_to_know)
{
    join_rows(f, key_set_new(1));
}

/* Of the log a few transactions, or none. */
static void some_txns(struct model *m, struct log_fixture *f)
{
    for (uint32_t i = next_random(m, 4); i > 0; i--) {
        random_txn(m, f);
    }
}

/* The model's rows with keys from begin to end, as they are now. */
static void read_model(const struct model *m, int begin, int end, struct chunk_builder *b,
                       const struct copy_table *t)
{
    build_rows(b, t, NULL, 0);
    for (int i = begin; i < end; i++) {
        if (m->n[i] >= 0) {
            char text[16];
            (void)snprintf(text, sizeof(text), "v%d", m->s[i]);
            (void)chunk_builder_add_row(b);
            chunk_builder_set_i64(b, 0, i);
            chunk_builder_set_int(b, 1, m->n[i]);
            chunk_builder_set_str(b, 2, str_from_cstr(text));
        }
    }
}

/* A table is copied in chunks while the log tells parts of its rows; some chunks are read twice. */
static void load_model(struct log_fixture *f, uint32_t seed, struct key_set *brought)
{
    enum {
        STEP = 5
    };
    struct model m = {.seed = seed, .is_sparse = true, .keeps_keys = true};
    struct change_position a0;
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, true);
    t->brought = brought;
    log_fixture_start(f);
    change_position_init(&a0);
    for (int i = 0; i < MODEL_KEYS; i++) {
        m.n[i] = next_random(&m, 5) > 0 ? i : -1;
        m.s[i] = i;
    }
    log_fixture_play(f, "BEGIN; u +1,1,a; COMMIT"); /* A view lies somewhere in the log. */
    for (int at = 0; at < MODEL_KEYS;) {
        struct pipeline_window *w;
        struct chunk_builder b;
        some_txns(&m, f);
        assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
        some_txns(&m, f);
        read_model(&m, at, at + STEP, &b, t);
        const uint64_t view = f->at;
        some_txns(&m, f);
        if (next_random(&m, 4) == 0) {
            pipeline_window_drop(w);
        } else {
            at += STEP;
            assert_done(f, merge(f, w, &b, view, at == MODEL_KEYS));
        }
        chunk_builder_release(&b);
    }
    t = table_now(f);
    assert_int_equal(atomic_load(&t->state), COPY_LIVE);
    some_txns(&m, f);
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), model_rows(&m, &f->arena));
    change_position_release(&a0);
}

LOG_TEST(test_parts_of_rows_join_what_is_read)
{
    load_model(f, 21, key_set_new(0));
}

LOG_TEST(test_parts_of_rows_join_after_a_restart)
{
    load_model(f, 22, NULL);
}

LOG_TEST(test_parts_of_rows_join_in_portions)
{
    f->replays = true;
    f->options.huge_bytes = 60;
    load_model(f, 23, key_set_new(0));
}

LOG_TEST(test_parts_of_rows_join_in_small_batches)
{
    f->options.max_batch_bytes = 20;
    load_model(f, 24, key_set_new(1));
}

/* A row's parts of several batches, a column that becomes NULL, one deleted, one inserted again. */
LOG_TEST(test_parts_of_one_row)
{
    struct pipeline_window *w;
    struct change_position a0;
    struct chunk_builder b;
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, true);
    t->brought = key_set_new(0);
    log_fixture_start(f);
    change_position_init(&a0);
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    log_fixture_play(f, "BEGIN; t ~1,.,.>.,11,.; t ~2,.,.>.,22,.; t ~3,.,.>.,33,.; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t ~1,.,.>.,.,later; t ~2,.,.>.,,.; t -3,.,.; t ~4,.,.>.,4,.; "
                        "t -5,.,.; t ~9,.,.>.,9,.; COMMIT");
    log_fixture_settle(f);
    log_fixture_play(f, "BEGIN; t +5,5,new; t ~4,.,.>.,.,; COMMIT; BEGIN; t ~5,.,.>.,55,.; COMMIT");
    build_rows(&b, t, (const int[]){1, 2, 3, 4, 5, 6}, 6);
    assert_done(f, merge(f, w, &b, f->at, true));
    chunk_builder_release(&b);
    assert_string_equal(log_fixture_rows(f, table_now(f)), "1,11,later 2,,s 4,4, 5,55,new 6,60,s");
    change_position_release(&a0);
}

/* Its new key may lie where the snapshot has been. */
LOG_TEST(test_parts_of_a_row_that_moves)
{
    (void)log_fixture_add_table(f, "t", COPY_LOADING, true);
    log_fixture_start(f);
    log_fixture_play(f, "BEGIN; t ~5,.,.>1,.,.; COMMIT");
    log_fixture_settle(f);
    struct copy_table *t = table_now(f);
    assert_int_equal(atomic_load(&t->state), COPY_PENDING);
    assert_non_null(strstr(arena_dup_cstr(&f->arena, t->reason), "an update of the key"));
}

/* Updates of parts of row 1 and as many other rows as it takes to be too many. */
static void play_many_parts(struct log_fixture *f)
{
    struct bytebuf script;
    bytebuf_init(&script, 65536);
    bytebuf_put_cstr(&script, "BEGIN; t ~1,.,.>.,11,.; ");
    for (int i = 100; i < 200; i++) {
        bytebuf_printf(&script, "t ~%d,.,.>.,.,%050d; ", i, i);
    }
    bytebuf_put_cstr(&script, "COMMIT");
    log_fixture_play(f, arena_dup_cstr(&f->arena, bytebuf_str(&script)));
    bytebuf_release(&script);
    log_fixture_settle(f);
}

/* What is lost is said, and what was read is read again. */
LOG_TEST(test_too_many_parts_of_rows)
{
    struct change_position a0;
    struct chunk_builder b;
    f->options.parts_bytes = 4096;
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, true);
    t->brought = key_set_new(0);
    log_fixture_start(f);
    change_position_init(&a0);
    build_rows(&b, t, (const int[]){1, 2}, 2);
    for (int later = 0; later < 2; later++) {
        struct pipeline_window *w;
        assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
        play_many_parts(f);
        if (later) {
            log_fixture_play(f, "BEGIN; t ~2,.,.>.,22,.; COMMIT");
            log_fixture_settle(f);
        }
        assert_int_equal(merge(f, w, &b, f->at, true), -1);
        assert_int_equal(f->diag.error->code, ER_OUT_OF_RESOURCES);
        diag_clear_error(&f->diag);
        assert_int_equal(atomic_load(&table_now(f)->state), COPY_LOADING);
        assert_string_equal(log_fixture_rows(f, t), "");
    }
    struct pipeline_window *w;
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    log_fixture_play(f, "BEGIN; t ~1,.,.>.,12,.; t ~2,.,.>.,.,u; COMMIT");
    assert_done(f, merge(f, w, &b, f->at, true));
    chunk_builder_release(&b);
    assert_string_equal(log_fixture_rows(f, table_now(f)), "1,12,s 2,20,u");
    change_position_release(&a0);
}

LOG_TEST(test_a_window_of_a_stream_that_stops)
{
    struct pipeline_window *w;
    struct change_position a0;
    struct chunk_builder b;
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, true);
    log_fixture_start(f);
    change_position_init(&a0);
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    pipeline_stop(f->pipeline);
    f->taker = NULL;
    build_rows(&b, t, (const int[]){1}, 1);
    assert_int_equal(merge(f, w, &b, 0, true), -1);
    chunk_builder_release(&b);
    assert_int_equal(pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w), -1);
    change_position_release(&a0);
}

struct reader {
    struct chunk_builder builder;
    int left;
};

static int next_chunk(void *arg, struct chunk *out, struct diag *d)
{
    struct reader *r = arg;
    (void)d;
    *out = chunk_builder_chunk(&r->builder);
    return r->left-- > 0;
}

LOG_TEST(test_a_table_without_a_key_is_loaded)
{
    struct pipeline_window *w;
    struct change_position a0;
    struct reader r = {.left = 80};
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, false);
    log_fixture_start(f);
    change_position_init(&a0);
    log_fixture_play(f, "BEGIN; t +1,1,before; COMMIT");
    log_fixture_settle(f);
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    log_fixture_play(f, "BEGIN; t +1,10,s; COMMIT; BEGIN; t +9,9,x; ROLLBACK");
    const uint64_t view = f->at;
    log_fixture_play(f, "BEGIN; t ~1,10,s>2,20,s; SAVEPOINT a; t +3,3,y; ROLLBACK TO a; COMMIT");
    log_fixture_play(f, "BEGIN; t -1,10,s; COMMIT");
    build_rows(&r.builder, t, (const int[]){1}, 1);
    assert_done(f, pipeline_window_load(w, "log.000001", view, next_chunk, &r, &f->diag));
    t = table_now(f);
    assert_int_equal(atomic_load(&t->state), COPY_LIVE);
    log_fixture_play(f, "BEGIN; t -1,10,s; COMMIT");
    log_fixture_settle(f);
    assert_int_equal(number_of(f, t, "count(*)"), 78);
    assert_int_equal(number_of(f, t, "sum(c1)"), 79);
    chunk_builder_release(&r.builder);
    change_position_release(&a0);
}

LOG_TEST(test_too_many_changes_to_a_table_without_a_key)
{
    struct pipeline_window *w;
    struct change_position a0;
    struct reader r = {.left = 3};
    f->options.spool_bytes = 200;
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LOADING, false);
    log_fixture_start(f);
    change_position_init(&a0);
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    log_fixture_play(f, "BEGIN; t +1,10,s; COMMIT");
    char *script = large_script("t +5000,5,e; COMMIT");
    log_fixture_play(f, script);
    free(script);
    log_fixture_play(f, "BEGIN; t -1,10,s; COMMIT");
    log_fixture_settle(f);
    build_rows(&r.builder, t, (const int[]){1}, 1);
    assert_int_equal(pipeline_window_load(w, "log.000001", f->at, next_chunk, &r, &f->diag), -1);
    assert_int_equal(f->diag.error->code, ER_TRANS_CACHE_FULL);
    assert_int_equal(atomic_load(&table_now(f)->state), COPY_LOADING);
    diag_clear_error(&f->diag);
    r.left = 3;
    assert_done(f, pipeline_window_open(f->pipeline, t, &f->diag, &a0, &w));
    log_fixture_play(f, "BEGIN; t +2,20,s; COMMIT");
    const uint64_t view = f->at;
    log_fixture_play(f, "BEGIN; t +3,30,s; COMMIT");
    assert_done(f, pipeline_window_load(w, "log.000001", view, next_chunk, &r, &f->diag));
    log_fixture_settle(f);
    assert_int_equal(number_of(f, table_now(f), "count(*)"), 4);
    chunk_builder_release(&r.builder);
    change_position_release(&a0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inserts_updates_and_deletes),
        cmocka_unit_test(test_one_key_many_times),
        cmocka_unit_test(test_keys_change_and_swap),
        cmocka_unit_test(test_rollback_leaves_nothing),
        cmocka_unit_test(test_rollback_to_a_savepoint),
        cmocka_unit_test(test_a_lost_connection_takes_the_open_transaction_back),
        cmocka_unit_test(test_a_transaction_that_the_copy_has_is_skipped),
        cmocka_unit_test(test_tables_without_a_key),
        cmocka_unit_test(test_a_row_that_is_not_there_stops_the_stream),
        cmocka_unit_test(test_a_change_of_a_deleted_row_stops_the_stream),
        cmocka_unit_test(test_a_row_inserted_twice_stops_the_stream),
        cmocka_unit_test(test_by_policy_a_table_is_set_aside),
        cmocka_unit_test(test_by_policy_the_rest_is_written_again),
        cmocka_unit_test(test_other_tables_are_skipped),
        cmocka_unit_test(test_a_table_that_is_loading_takes_what_fits),
        cmocka_unit_test(test_a_large_transaction_goes_in_portions),
        cmocka_unit_test(test_narrow_rows_fill_a_batch_too),
        cmocka_unit_test(test_a_large_transaction_is_rolled_back),
        cmocka_unit_test(test_a_large_transaction_goes_back_to_a_savepoint),
        cmocka_unit_test(test_a_lost_connection_within_a_large_transaction),
        cmocka_unit_test(test_a_failure_within_a_large_transaction_leaves_nothing_open),
        cmocka_unit_test(test_random_transactions),
        cmocka_unit_test(test_random_transactions_with_their_images_checked),
        cmocka_unit_test(test_a_row_that_was_not_what_the_log_says),
        cmocka_unit_test(test_random_transactions_with_parts_of_rows),
        cmocka_unit_test(test_random_transactions_with_parts_of_rows_in_portions),
        cmocka_unit_test(test_parts_of_rows_that_are_not_there),
        cmocka_unit_test(test_random_transactions_in_small_batches),
        cmocka_unit_test(test_random_transactions_in_portions),
        cmocka_unit_test(test_random_transactions_without_a_key),
        cmocka_unit_test(test_the_position_is_kept_with_the_rows),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_lag),
        cmocka_unit_test(test_rows_that_were_read_join_the_stream),
        cmocka_unit_test(test_rows_join_after_a_restart),
        cmocka_unit_test(test_rows_join_when_there_were_too_many_to_know),
        cmocka_unit_test(test_parts_of_rows_join_what_is_read),
        cmocka_unit_test(test_parts_of_rows_join_after_a_restart),
        cmocka_unit_test(test_parts_of_rows_join_in_portions),
        cmocka_unit_test(test_parts_of_rows_join_in_small_batches),
        cmocka_unit_test(test_parts_of_one_row),
        cmocka_unit_test(test_parts_of_a_row_that_moves),
        cmocka_unit_test(test_too_many_parts_of_rows),
        cmocka_unit_test(test_a_window_of_a_stream_that_stops),
        cmocka_unit_test(test_a_table_without_a_key_is_loaded),
        cmocka_unit_test(test_too_many_changes_to_a_table_without_a_key),
        cmocka_unit_test(test_time_outs_of_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
