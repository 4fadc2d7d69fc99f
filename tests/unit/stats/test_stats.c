/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "stats/stats.h"

#include "base/bytebuf.h"

#include <pthread.h>
#include <stdio.h>

static const struct parse_options options = {.dialect = DIALECT_MYSQL, .version = 80400};

static void record_outcome(struct stats *s, struct str text, const struct stats_outcome *o)
{
    struct stats_text once = {.text = text};
    stats_record(s, &once, &options, o);
}

static void record(struct stats *s, const char *text, enum stats_engine engine, uint64_t us)
{
    const struct stats_outcome o = {.engine = engine, .latency_us = us, .rows = 2, .bytes = 100};
    record_outcome(s, str_from_cstr(text), &o);
}

static const struct stats_digest *find(const struct stats_digest *all, uint32_t n, const char *text)
{
    for (uint32_t i = 0; i < n; i++) {
        if (str_eq(all[i].text, str_from_cstr(text))) {
            return &all[i];
        }
    }
    return NULL;
}

static void test_a_text_that_is_kept_is_hashed_once_and_where_digests_are(void **state)
{
    (void)state;
    const struct stats_outcome o = {.engine = STATS_LOCAL, .latency_us = 1};
    struct stats *none = stats_new(0);
    struct stats *some = stats_new(10);
    struct stats_text kept = {.text = STR("SELECT 1 FROM kept")};
    struct arena arena;
    struct stats_digest *all;
    arena_init(&arena, 0);
    stats_record(none, &kept, &options, &o);
    assert_int_equal(kept.hash, 0);
    stats_record(some, &kept, &options, &o);
    const uint64_t hash = kept.hash;
    assert_int_not_equal(hash, 0);
    stats_record(some, &kept, &options, &o);
    assert_int_equal(kept.hash, hash);
    record(some, "SELECT 1 FROM kept", STATS_LOCAL, 1);
    assert_int_equal(stats_snapshot(some, &arena, &all), 1);
    assert_int_equal(all[0].count, 3);
    arena_release(&arena);
    stats_free(some);
    stats_free(none);
}

static void test_record_counts_statements_of_one_digest_together(void **state)
{
    (void)state;
    struct stats *s = stats_new(100);
    struct arena arena;
    struct stats_digest *all;
    arena_init(&arena, 0);
    record(s, "SELECT 1", STATS_LOCAL, 10);
    record(s, "select  2", STATS_LOCAL, 20);
    record(s, "SELECT 1", STATS_CACHE, 1000);
    record(s, "SELECT a FROM t WHERE b = 'secret'", STATS_COLUMN, 5000);
    const uint32_t n = stats_snapshot(s, &arena, &all);
    assert_int_equal(n, 2);
    assert_int_equal(all[0].total_us, 5000); /* most time first */
    assert_null(memmem(all[0].text.p, all[0].text.len, "secret", 6));
    const struct stats_digest *d = find(all, n, "SELECT ?");
    assert_non_null(d);
    assert_int_equal(d->count, 3);
    assert_int_equal(d->counts[STATS_LOCAL], 2);
    assert_int_equal(d->counts[STATS_CACHE], 1);
    assert_int_equal(d->rows, 6);
    assert_int_equal(d->bytes, 300);
    assert_int_equal(d->errors, 0);
    assert_int_equal(d->max_us, 1000);
    assert_in_range(d->p50_us, 20, 22);
    assert_int_equal(d->p99_us, 1000);
    assert_true(d->first_seen_us <= d->last_seen_us);
    arena_release(&arena);
    stats_free(s);
}

static void test_record_counts_errors_and_what_does_not_scan(void **state)
{
    (void)state;
    struct stats *s = stats_new(100);
    struct arena arena;
    struct stats_digest *all;
    arena_init(&arena, 0);
    const struct stats_outcome failed = {.failed = true, .latency_us = 3};
    record_outcome(s, STR("SELECT 'password"), &failed);
    record_outcome(s, STR_NULL, &failed);
    const uint32_t n = stats_snapshot(s, &arena, &all);
    assert_int_equal(n, 2);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(all[i].errors, 1);
        assert_null(memmem(all[i].text.p, all[i].text.len, "password", 8));
    }
    arena_release(&arena);
    stats_free(s);
}

static void test_table_that_is_full_drops_the_least_recently_seen(void **state)
{
    (void)state;
    struct stats *s = stats_new(10);
    struct arena arena;
    struct stats_digest *all;
    char text[64];
    arena_init(&arena, 0);
    for (int i = 0; i < 25; i++) {
        (void)snprintf(text, sizeof text, "SELECT c%d", i);
        record(s, text, STATS_LOCAL, 1);
        record(s, "SELECT c0", STATS_LOCAL, 1); /* stays in use */
    }
    uint32_t n = stats_snapshot(s, &arena, &all);
    assert_int_equal(n, 10);
    assert_int_equal(find(all, n, "SELECT `c0`")->count, 26);
    assert_non_null(find(all, n, "SELECT `c24`"));
    assert_null(find(all, n, "SELECT `c10`"));
    record(s, "SELECT c10", STATS_LOCAL, 1); /* what was remembered of its text is out of date */
    n = stats_snapshot(s, &arena, &all);
    assert_int_equal(find(all, n, "SELECT `c10`")->count, 1);
    arena_release(&arena);
    stats_free(s);
}

static void test_text_that_is_long_is_cut_between_characters(void **state)
{
    (void)state;
    struct stats *s = stats_new(10);
    struct arena arena;
    struct bytebuf text;
    struct stats_digest *all;
    arena_init(&arena, 0);
    bytebuf_init(&text, 1u << 20);
    bytebuf_put_cstr(&text, "SELECT `x");
    for (int i = 0; i < 3000; i++) {
        bytebuf_put_cstr(&text, "ü");
    }
    bytebuf_put_cstr(&text, "`");
    const struct stats_outcome o = {.latency_us = 1};
    record_outcome(s, bytebuf_str(&text), &o);
    assert_int_equal(stats_snapshot(s, &arena, &all), 1);
    assert_in_range(all[0].text.len, 1000, 1027);
    assert_true(str_is_utf8(all[0].text));
    assert_memory_equal(all[0].text.p + all[0].text.len - 3, "...", 3);
    bytebuf_release(&text);
    arena_release(&arena);
    stats_free(s);
}

/* Texts, two by two; what the digest tells apart the memo of masked texts must too. */
static void test_record_tells_apart_what_only_looks_alike(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"SELECT `a 1 b`", "SELECT `a 2 b`"},
        {"SELECT @1", "SELECT @2"},
        {"SELECT t.1a FROM t", "SELECT t.2a FROM t"},
        {"SELECT a1", "SELECT a2"},
        {"SELECT 1a", "SELECT 2a"},
        {"SELECT /*!50000 a, */ 1", "SELECT /*!99999 a, */ 1"},
        {"SELECT 1 -- it's\n, a, 'x'", "SELECT 1 -- it's\n, b, 'x'"},
        {"SELECT 1 # it's\n, a, 'x'", "SELECT 1 # it's\n, b, 'x'"},
        {"SELECT 1 /* it's */, a, 'x'", "SELECT 1 /* it's */, b, 'x'"},
        {"SELECT 'it''s', a, 'x'", "SELECT 'it''s', b, 'x'"},
        {"SELECT 'it\\'s', a, 'x'", "SELECT 'it\\'s', b, 'x'"},
        {"SELECT \"it's\", a, 'x'", "SELECT \"it's\", b, 'x'"},
        {"SELECT 1", "SELECT 1, 1"},
        {"SELECT 'a'", "SELECT a"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct stats *s = stats_new(100);
        struct stats_digest *all;
        record(s, pairs[i][0], STATS_LOCAL, 1);
        record(s, pairs[i][1], STATS_LOCAL, 1);
        if (stats_snapshot(s, &arena, &all) != 2) {
            fail_msg("taken for one: %s and %s", pairs[i][0], pairs[i][1]);
        }
        stats_free(s);
    }
    arena_release(&arena);
}

static void test_record_counts_literals_of_all_kinds_as_one(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT a FROM t WHERE b = 1 AND c = 'x'",
        "SELECT a FROM t WHERE b = 22 AND c = 'yy'",
        "SELECT a FROM t WHERE b = 1.5 AND c = ''",
        "SELECT a FROM t WHERE b = 1e5 AND c = 'it''s'",
        "SELECT a FROM t WHERE b = -7 AND c = 'it\\'s'",
        "select  a from t where b=0x1F and c='12 ü'",
    };
    struct stats *s = stats_new(100);
    struct arena arena;
    struct stats_digest *all;
    arena_init(&arena, 0);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
            record(s, texts[i], STATS_LOCAL, 1);
        }
    }
    assert_int_equal(stats_snapshot(s, &arena, &all), 1);
    assert_int_equal(all[0].count, 2 * ARRAY_SIZE(texts));
    arena_release(&arena);
    stats_free(s);
}

static void test_table_of_size_0_keeps_nothing(void **state)
{
    (void)state;
    struct stats *s = stats_new(0);
    struct arena arena;
    struct stats_digest *all;
    arena_init(&arena, 0);
    record(s, "SELECT 1", STATS_LOCAL, 1);
    record(NULL, "SELECT 1", STATS_LOCAL, 1);
    assert_int_equal(stats_snapshot(s, &arena, &all), 0);
    assert_int_equal(stats_snapshot(NULL, &arena, &all), 0);
    arena_release(&arena);
    stats_free(s);
}

#define THREADS 12
#define ROUNDS  2000

static void *record_many(void *arg)
{
    struct stats *s = arg;
    char text[64];
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(text, sizeof text, "SELECT a%d FROM t WHERE b = %d", i % 7, i);
        record(s, text, STATS_COLUMN, (uint64_t)i);
    }
    return NULL;
}

static void test_records_of_many_threads_add_up(void **state)
{
    (void)state;
    struct stats *s = stats_new(100);
    struct arena arena;
    struct stats_digest *all;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, s), 0);
    }
    arena_init(&arena, 0);
    for (int i = 0; i < 20; i++) {
        (void)!stats_snapshot(s, &arena, &all);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    const uint32_t n = stats_snapshot(s, &arena, &all);
    uint64_t count = 0;
    assert_int_equal(n, 7);
    for (uint32_t i = 0; i < n; i++) {
        count += all[i].count;
    }
    assert_int_equal(count, THREADS * ROUNDS);
    arena_release(&arena);
    stats_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_that_is_kept_is_hashed_once_and_where_digests_are),
        cmocka_unit_test(test_record_counts_statements_of_one_digest_together),
        cmocka_unit_test(test_record_counts_errors_and_what_does_not_scan),
        cmocka_unit_test(test_table_that_is_full_drops_the_least_recently_seen),
        cmocka_unit_test(test_text_that_is_long_is_cut_between_characters),
        cmocka_unit_test(test_record_tells_apart_what_only_looks_alike),
        cmocka_unit_test(test_record_counts_literals_of_all_kinds_as_one),
        cmocka_unit_test(test_table_of_size_0_keeps_nothing),
        cmocka_unit_test(test_records_of_many_threads_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
