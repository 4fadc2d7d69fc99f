/* Distributed transactions in the log: kept from PREPARE until COMMIT or ROLLBACK. */
#include "log_fixture.h"

#include "base/bytebuf.h"

#include <stdio.h>
#include <string.h>

#define START    "XA START X'61',X'',1;"
#define COMMIT   "XA COMMIT X'61',X'',1"
#define ROLLBACK "XA ROLLBACK X'61',X'',1"

static uint32_t records;

static int count_record(void *arg, uint64_t id, struct str value)
{
    (void)arg, (void)id, (void)value;
    records++;
    return 0;
}

/* How many transactions and pieces of them are in the store. */
static uint32_t count_records(struct log_fixture *f)
{
    records = 0;
    assert_done(f, engine_meta_scan(f->session, STR("replica_xa"), count_record, NULL, &f->diag));
    for (int id = 1; id < 4; id++) {
        for (int piece = 0; piece < 8; piece++) {
            char kind[64];
            (void)snprintf(kind, sizeof(kind), "replica_xa_%d_%d", id, piece);
            assert_done(
                f, engine_meta_scan(f->session, str_from_cstr(kind), count_record, NULL, &f->diag));
        }
    }
    return records;
}

static struct copy_table *start_with_rows(struct log_fixture *f)
{
    struct copy_table *t = log_fixture_add_table(f, "t", COPY_LIVE, true);
    log_fixture_start(f);
    log_fixture_play(f, "BEGIN; t +1,1,a; t +2,2,b; COMMIT");
    log_fixture_settle(f);
    return t;
}

LOG_TEST(test_rows_come_with_the_commit)
{
    struct copy_table *t = start_with_rows(f);
    log_fixture_play(f, START "t ~1,1,a>1,9,z; t -2,2,b; t +3,3,c; PREPARE");
    log_fixture_play(f, "BEGIN; t +4,4,d; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,2,b 4,4,d");
    assert_int_equal(count_records(f), 2);
    log_fixture_play(f, COMMIT "; BEGIN; t ~1,9,z>1,8,y; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,8,y 3,3,c 4,4,d");
    assert_int_equal(count_records(f), 0);
}

LOG_TEST(test_rows_go_with_the_rollback)
{
    struct copy_table *t = start_with_rows(f);
    log_fixture_play(f, START "t +3,3,c; PREPARE");
    log_fixture_settle(f);
    log_fixture_play(f,
                     ROLLBACK ";" START "t +4,4,d; PREPARE;" ROLLBACK ";" START "PREPARE;" COMMIT);
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,2,b");
    assert_int_equal(count_records(f), 0);
}

LOG_TEST(test_all_in_one_batch)
{
    struct copy_table *t = start_with_rows(f);
    log_fixture_play(f, START
                     "t +3,3,c; SAVEPOINT x; t +4,4,d; ROLLBACK TO x; t +5,5,e; PREPARE;" COMMIT);
    log_fixture_play(f, START "t -3,3,c; ONE_PHASE;" START "t +3,4,c; PREPARE");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,2,b 5,5,e");
    log_fixture_play(f, COMMIT ";");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,2,b 3,4,c 5,5,e");
    assert_int_equal(count_records(f), 0);
}

/* The table as the list has it after the process has started again. */
static struct copy_table *restart(struct log_fixture *f)
{
    log_fixture_stop(f);
    log_fixture_reopen(f);
    log_fixture_start(f);
    struct copy_table *t = copy_find(f->copy, STR("test"), STR("t"));
    assert_non_null(t);
    copy_table_unref(t);
    return t;
}

static void stored_fiber(void *arg)
{
    struct log_fixture f;
    (void)arg;
    log_fixture_init(&f, true);
    (void)start_with_rows(&f);
    log_fixture_play(&f, START "t ~1,1,a>1,9,z; t +3,3,c; PREPARE");
    struct copy_table *t = restart(&f);
    assert_string_equal(log_fixture_rows(&f, t), "1,1,a 2,2,b");
    log_fixture_play(&f, COMMIT);
    log_fixture_settle(&f);
    assert_string_equal(log_fixture_rows(&f, t), "1,9,z 2,2,b 3,3,c");
    assert_int_equal(count_records(&f), 0);
    log_fixture_play(&f, START "t +4,4,d; PREPARE");
    t = restart(&f);
    log_fixture_play(&f, ROLLBACK "; BEGIN; t +4,5,d; COMMIT");
    t = restart(&f);
    assert_string_equal(log_fixture_rows(&f, t), "1,9,z 2,2,b 3,3,c 4,5,d");
    assert_int_equal(count_records(&f), 0);
    log_fixture_release(&f);
}

static void test_what_is_prepared_outlives_the_process(void **state)
{
    (void)state;
    assert_int_equal(fiber_run(stored_fiber, NULL), 0);
}

enum {
    MANY = 14000, /* Rows of more than two pieces. */
};

static void play_many(struct log_fixture *f, int from)
{
    struct bytebuf script;
    bytebuf_init(&script, 1 << 20);
    for (int i = from; i < from + MANY; i += 1000) {
        bytebuf_reset(&script);
        for (int j = i; j < i + 1000; j++) {
            bytebuf_printf(&script, "t +%d,7,a longer text;", j);
        }
        bytebuf_put_char(&script, '\0');
        log_fixture_play(f, script.p);
    }
    bytebuf_release(&script);
}

static const char *first_rows(struct log_fixture *f, struct copy_table *t)
{
    const struct str all = str_from_cstr(log_fixture_rows(f, t));
    return arena_dup_cstr(&f->arena, str_from(all.p, MIN(all.len, 16)));
}

LOG_TEST(test_many_rows)
{
    f->options.huge_bytes = 1 << 19;
    struct copy_table *t = start_with_rows(f);
    log_fixture_play(f, START);
    play_many(f, 10);
    log_fixture_play(f, "PREPARE; BEGIN; t +3,3,c; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(log_fixture_rows(f, t), "1,1,a 2,2,b 3,3,c");
    assert_true(count_records(f) > 2);
    log_fixture_play(f, COMMIT "; BEGIN; t ~10,7,a longer text>10,8,b; COMMIT");
    log_fixture_settle(f);
    assert_string_equal(first_rows(f, t), "1,1,a 2,2,b 3,3,");
    assert_int_equal(atomic_load(&t->rows_inserted), MANY + 3);
    assert_int_equal(count_records(f), 0);
    log_fixture_play(f, START);
    play_many(f, 100000);
    log_fixture_play(f, "ONE_PHASE;" START);
    play_many(f, 200000);
    log_fixture_play(f, "PREPARE;" ROLLBACK);
    log_fixture_settle(f);
    assert_int_equal(atomic_load(&t->rows_inserted), 2 * MANY + 3);
    assert_int_equal(count_records(f), 0);
}

LOG_TEST(test_a_lost_connection_within)
{
    f->replays = true;
    f->options.huge_bytes = 1 << 19;
    struct copy_table *t = start_with_rows(f);
    log_fixture_play(f, START "t +3,3,c");
    log_fixture_cut(f);
    while (f->restarts == 0) {
        (void)fiber_sleep(1000);
    }
    log_fixture_play(f, "t +4,4,d; PREPARE");
    log_fixture_settle(f);
    log_fixture_play(f, COMMIT "; " START);
    play_many(f, 10);
    while (f->pipeline->stream.portions == 0) {
        (void)fiber_sleep(1000);
    }
    log_fixture_cut(f);
    while (f->restarts < 2) {
        (void)fiber_sleep(1000);
    }
    log_fixture_play(f, "PREPARE;" COMMIT);
    log_fixture_settle(f);
    assert_string_equal(first_rows(f, t), "1,1,a 2,2,b 3,3,");
    assert_int_equal(count_records(f), 0);
}

LOG_TEST(test_what_was_never_prepared)
{
    (void)start_with_rows(f);
    log_fixture_play(f, ROLLBACK ";");
    log_fixture_settle(f);
    log_fixture_play(f, COMMIT);
    assert_non_null(strstr(log_fixture_fail(f), COMMIT));
}

LOG_TEST(test_what_cannot_be_read)
{
    (void)start_with_rows(f);
    log_fixture_play(f, "XA COMMIT 'a'");
    assert_non_null(strstr(log_fixture_fail(f), "cannot be read: XA COMMIT 'a'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_with_the_commit),
        cmocka_unit_test(test_rows_go_with_the_rollback),
        cmocka_unit_test(test_all_in_one_batch),
        cmocka_unit_test(test_what_is_prepared_outlives_the_process),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_a_lost_connection_within),
        cmocka_unit_test(test_what_was_never_prepared),
        cmocka_unit_test(test_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
