#include "base_test.h"

#include "base/metrics.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 20 /* more than there are shards */
#define ROUNDS  10000

static const struct metrics_sample *find(struct metrics_sample *samples, uint32_t n,
                                         const char *name, const char *labels)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(samples[i].name, name) == 0 && strcmp(samples[i].labels, labels) == 0) {
            return &samples[i];
        }
    }
    return NULL;
}

static void test_counter_new_of_one_name_is_one_counter(void **state)
{
    (void)state;
    struct metric *a = metrics_counter_new("test_one_total", "One.", NULL);
    assert_ptr_equal(a, metrics_counter_new("test_one_total", "One.", ""));
    assert_ptr_not_equal(a, metrics_counter_new("test_one_total", "One.", "kind=\"b\""));
    metrics_count(a);
    metrics_add(a, 41);
    assert_int_equal(metrics_value(a), 42);
}

struct counted {
    struct metric *counter, *gauge, *histogram;
};

static void *count(void *arg)
{
    const struct counted *c = arg;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        metrics_count(c->counter);
        metrics_gauge_add(c->gauge, i % 2 == 0 ? 3 : -2);
        metrics_observe_us(c->histogram, i);
    }
    return NULL;
}

static void test_counts_of_many_threads_add_up(void **state)
{
    (void)state;
    struct counted c = {.counter = metrics_counter_new("test_many_total", "Many.", ""),
                        .gauge = metrics_gauge_new("test_level", "Level.", ""),
                        .histogram = metrics_histogram_new("test_seconds", "Times.", "")};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count, &c), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(metrics_value(c.counter), THREADS * ROUNDS);
    assert_int_equal(metrics_value(c.gauge), THREADS * ROUNDS / 2);
    assert_int_equal(metrics_value(c.histogram), THREADS * ROUNDS);
}

static void test_gauge_set_replaces(void **state)
{
    (void)state;
    struct metric *g = metrics_gauge_new("test_set", "Set.", "");
    metrics_gauge_set(g, 7);
    metrics_gauge_set(g, -5);
    assert_int_equal(metrics_value(g), -5);
}

static int64_t read_int(void *arg)
{
    return *(const int64_t *)arg;
}

static void test_snapshot_is_in_order_and_reads_functions(void **state)
{
    (void)state;
    int64_t level = -3;
    metrics_read_new(METRICS_GAUGE, "test_read", "Read.", "a=\"2\"", read_int, &level);
    metrics_read_new(METRICS_GAUGE, "test_read", "Read.", "a=\"1\"", read_int, &level);
    struct arena arena;
    struct metrics_sample *samples;
    arena_init(&arena, 0);
    uint32_t n = metrics_snapshot(&arena, &samples);
    for (uint32_t i = 1; i < n; i++) {
        const int order = strcmp(samples[i - 1].name, samples[i].name);
        assert_true(order < 0 ||
                    (order == 0 && strcmp(samples[i - 1].labels, samples[i].labels) < 0));
    }
    assert_int_equal(find(samples, n, "test_read", "a=\"1\"")->value, -3);
    metrics_forget(&level);
    n = metrics_snapshot(&arena, &samples);
    assert_int_equal(find(samples, n, "test_read", "a=\"2\"")->value, 0);
    arena_release(&arena);
}

static void test_write_text_is_what_prometheus_reads(void **state)
{
    (void)state;
    struct metric *c = metrics_counter_new("test_text_total", "Help.", "k=\"v\"");
    struct metric *h = metrics_histogram_new("test_text_seconds", "Times.", "k=\"v\"");
    metrics_add(c, 3);
    metrics_observe_us(h, 10);
    metrics_observe_us(h, 20);
    metrics_observe_us(h, 100000000);
    struct bytebuf text;
    bytebuf_init(&text, 1u << 20);
    metrics_write_text(&text);
    bytebuf_put_char(&text, '\0');
    assert_false(text.failed);
    const char *const wanted[] = {
        "# HELP test_text_total Help.\n# TYPE test_text_total counter\ntest_text_total{k=\"v\"} 3\n",
        "# TYPE test_text_seconds histogram\n",
        "test_text_seconds_bucket{k=\"v\",le=\"0.000016\"} 1\n",
        "test_text_seconds_bucket{k=\"v\",le=\"0.000032\"} 2\n",
        "test_text_seconds_bucket{k=\"v\",le=\"67.108864\"} 2\n",
        "test_text_seconds_bucket{k=\"v\",le=\"+Inf\"} 3\n",
        "test_text_seconds_sum{k=\"v\"} 100.000030\n",
        "test_text_seconds_count{k=\"v\"} 3\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (strstr(text.p, wanted[i]) == NULL) {
            fail_msg("missing: %s", wanted[i]);
        }
    }
    bytebuf_release(&text);
}

/* The last test: it fills the registry. */
static void test_registry_that_is_full_counts_nowhere(void **state)
{
    (void)state;
    struct metric *kept = metrics_counter_new("test_kept_total", "Kept.", "");
    struct metric *last = NULL;
    for (unsigned i = 0; i <= METRICS_CELLS; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof labels, "i=\"%u\"", i);
        last = metrics_counter_new("test_full_total", "Full.", labels);
    }
    metrics_count(last);
    assert_int_equal(metrics_value(last), 0);
    metrics_observe_us(metrics_histogram_new("test_full_seconds", "Full.", ""), 100);
    metrics_count(kept);
    assert_int_equal(metrics_value(kept), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_new_of_one_name_is_one_counter),
        cmocka_unit_test(test_counts_of_many_threads_add_up),
        cmocka_unit_test(test_gauge_set_replaces),
        cmocka_unit_test(test_snapshot_is_in_order_and_reads_functions),
        cmocka_unit_test(test_write_text_is_what_prometheus_reads),
        cmocka_unit_test(test_registry_that_is_full_counts_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
