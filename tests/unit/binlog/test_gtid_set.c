/* GTID sets: text, bytes, and arithmetic against a model of plain bits. */
#include "binlog/gtid_set.h"
#include "binlog_test.h"

#define U1 "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define U2 "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static void parse(struct gtid_set *s, const char *text)
{
    struct diag d;
    diag_init(&d);
    gtid_set_init(s);
    if (gtid_set_parse(s, str_from_cstr(text), &d) != 0) {
        fail_msg("%s is no set", text);
    }
    diag_release(&d);
}

static void assert_text(const struct gtid_set *s, const char *want)
{
    struct bytebuf b;
    bytebuf_init(&b, 100000);
    gtid_set_print(s, &b);
    bytebuf_put_char(&b, '\0');
    assert_string_equal(b.p, want);
    bytebuf_release(&b);
}

static void test_text_becomes_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
    } cases[] = {
        {"", ""},
        {" , ,", ""},
        {U1 ":1", U1 ":1"},
        {U1 ":1-5:7", U1 ":1-5:7"},
        {"3E11FA47-71CA-11E1-9E33-C80AA9429562:3:1:2", U1 ":1-3"},
        {U1 ":5-3", ""},
        {U1 ":1-3:3-9,\n" U1 ":20", U1 ":1-9:20"},
        {U2 ":1," U1 ":2", U1 ":2," U2 ":1"},
        {U1 ":1:Tag:5-6:other:1", U1 ":1:other:1:tag:5-6"},
        {U1 ":tag:1," U1 ":tag:2:_x1:4", U1 ":_x1:4:tag:1-2"},
        {U1, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gtid_set s;
        parse(&s, cases[i].text);
        assert_text(&s, cases[i].canonical);
        gtid_set_release(&s);
    }
}

static void test_malformed_text(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "x",
        U1 ":0",
        U1 ":1-",
        U1 ":-1",
        U1 "1:1",
        U1 ":1x",
        U1 ":1tag:1",
        U1 ":9223372036854775807",
        U1 ":1-2-3",
        U1 ":a-b:1",
        "3e11fa4771ca11e19e33c80aa9429562x:1",
        U1 ":abcdefghijklmnopqrstuvwxyz0123456:1",
    };
    struct diag d;
    diag_init(&d);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gtid_set s;
        gtid_set_init(&s);
        assert_int_equal(gtid_set_parse(&s, str_from_cstr(cases[i]), &d), -1);
        assert_error(&d, "Malformed GTID set");
        gtid_set_release(&s);
    }
    diag_release(&d);
}

/* ---- Against a model: a bit for each of the numbers 1 to 60 of 3 sources ---- */

enum {
    SOURCES = 3,
    NUMBERS = 60,
};

struct model {
    uint64_t bits[SOURCES];
};

static uint32_t rand_seed = 42;

static unsigned rand_below(unsigned n)
{
    rand_seed = rand_seed * 1103515245 + 12345;
    return (rand_seed >> 12) % n;
}

static struct gtid_source source_of(unsigned i)
{
    struct gtid_source s = {.uuid = {[15] = (uint8_t)(i == 2)}};
    if (i == 1) {
        memcpy(s.tag, "tag", 3);
        s.tag_len = 3;
    }
    return s;
}

static void random_interval(struct gtid_set *s, struct model *m, bool remove)
{
    const unsigned i = rand_below(SOURCES);
    const int64_t start = 1 + rand_below(NUMBERS);
    int64_t end = start + rand_below(9);
    end = MIN(end, (int64_t)NUMBERS + 1);
    const struct gtid_source source = source_of(i);
    for (int64_t n = start; n < end; n++) {
        if (remove) {
            m->bits[i] &= ~(UINT64_C(1) << n);
        } else {
            m->bits[i] |= UINT64_C(1) << n;
        }
    }
    if (remove) {
        gtid_set_remove(s, &source, (struct gtid_interval){start, end});
    } else {
        gtid_set_add(s, &source, (struct gtid_interval){start, end});
    }
}

static void random_set(struct gtid_set *s, struct model *m)
{
    gtid_set_init(s);
    *m = (struct model){0};
    for (unsigned n = rand_below(40); n > 0; n--) {
        random_interval(s, m, rand_below(3) == 0);
    }
}

static void assert_model(const struct gtid_set *s, const struct model *m)
{
    uint64_t size = 0;
    for (unsigned i = 0; i < SOURCES; i++) {
        const struct gtid_source source = source_of(i);
        for (int64_t n = 0; n <= NUMBERS + 1; n++) {
            assert_int_equal(gtid_set_contains(s, &source, n), m->bits[i] >> n & 1);
        }
        size += (uint64_t)__builtin_popcountll(m->bits[i]);
    }
    assert_int_equal(gtid_set_size(s), size);
    assert_int_equal(gtid_set_is_empty(s), size == 0);
}

static void assert_round_trips(const struct gtid_set *s)
{
    struct gtid_set copy;
    struct bytebuf b;
    struct diag d;
    diag_init(&d);
    bytebuf_init(&b, 100000);
    gtid_set_init(&copy);
    gtid_set_encode(s, &b);
    assert_int_equal(gtid_set_decode(&copy, bytebuf_str(&b)), 0);
    assert_true(gtid_set_equal(s, &copy));
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(gtid_set_decode(&copy, str_from(b.p, len)), -1);
    }
    bytebuf_reset(&b);
    gtid_set_print(s, &b);
    gtid_set_clear(&copy);
    assert_int_equal(gtid_set_parse(&copy, bytebuf_str(&b), &d), 0);
    assert_true(gtid_set_equal(s, &copy));
    gtid_set_release(&copy);
    bytebuf_release(&b);
    diag_release(&d);
}

static void test_arithmetic_is_that_of_sets(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct gtid_set a;
        struct gtid_set b;
        struct gtid_set c;
        struct model ma;
        struct model mb;
        random_set(&a, &ma);
        random_set(&b, &mb);
        assert_model(&a, &ma);
        assert_round_trips(&a);
        gtid_set_init(&c);
        gtid_set_copy(&c, &a);
        gtid_set_union(&c, &b);
        assert_true(gtid_set_is_subset(&a, &c) && gtid_set_is_subset(&b, &c));
        bool subset = true;
        for (unsigned i = 0; i < SOURCES; i++) {
            subset = subset && (ma.bits[i] & ~mb.bits[i]) == 0;
            mb.bits[i] |= ma.bits[i];
        }
        assert_int_equal(gtid_set_is_subset(&a, &b), subset);
        assert_model(&c, &mb);
        gtid_set_subtract(&c, &a);
        for (unsigned i = 0; i < SOURCES; i++) {
            mb.bits[i] &= ~ma.bits[i];
        }
        assert_model(&c, &mb);
        gtid_set_subtract(&c, &c);
        assert_true(gtid_set_is_empty(&c));
        gtid_set_release(&a);
        gtid_set_release(&b);
        gtid_set_release(&c);
    }
}

static void test_malformed_bytes(void **state)
{
    (void)state;
    struct gtid_set s;
    struct bytebuf b;
    gtid_set_init(&s);
    bytebuf_init(&b, 1000);
    /* One source with two intervals that touch. */
    put_le(&b, 1, 8);
    bytebuf_put(&b, "0123456789abcdef", 16);
    put_le(&b, 2, 8);
    put_le(&b, 1, 8);
    put_le(&b, 5, 8);
    put_le(&b, 5, 8);
    put_le(&b, 6, 8);
    assert_int_equal(gtid_set_decode(&s, bytebuf_str(&b)), -1);
    b.p[48] = 7;
    b.p[56] = 8;
    assert_int_equal(gtid_set_decode(&s, bytebuf_str(&b)), 0);
    b.p[7] = 2; /* A format that is not known. */
    assert_int_equal(gtid_set_decode(&s, bytebuf_str(&b)), -1);
    gtid_set_release(&s);
    bytebuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_becomes_canonical),
        cmocka_unit_test(test_malformed_text),
        cmocka_unit_test(test_arithmetic_is_that_of_sets),
        cmocka_unit_test(test_malformed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
