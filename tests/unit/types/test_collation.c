/*
 * Collations: look-up, order and equality, sort keys, and letter case. Expected values were taken
 * from MySQL 9.7 and MariaDB 10.11; tests/oracle/weights asks the servers about every code point.
 */
#include "collation_test.h"

#include "types/collation.h"

#include <time.h>

#define MAX_KEY 65536

static const struct collation *get(const char *name)
{
    const struct collation *c = collation_find_name(str_from_cstr(name), DIALECT_MYSQL);
    if (!c) {
        c = collation_find_name(str_from_cstr(name), DIALECT_MARIADB);
    }
    assert_non_null(c);
    assert_true(collation_is_supported(c));
    return c;
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int compare_keys(const struct collation *c, struct str a, struct str b)
{
    struct bytebuf ka;
    struct bytebuf kb;
    bytebuf_init(&ka, MAX_KEY);
    bytebuf_init(&kb, MAX_KEY);
    collation_sort_key(c, a, &ka);
    collation_sort_key(c, b, &kb);
    assert_false(ka.failed || kb.failed);
    const int order = str_cmp(bytebuf_str(&ka), bytebuf_str(&kb));
    bytebuf_release(&ka);
    bytebuf_release(&kb);
    return sign(order);
}

struct comparison {
    const char *collation;
    struct str a;
    struct str b;
    int order;
};

static const struct comparison comparisons[] = {
    {"utf8mb4_0900_ai_ci", STR_INIT("abc"), STR_INIT("ABC"), 0},
    {"utf8mb4_0900_ai_ci", STR_INIT("résumé"), STR_INIT("Resume"), 0},
    {"utf8mb4_0900_ai_ci", STR_INIT("e\xCC\x81"), STR_INIT("é"), 0},
    {"utf8mb4_0900_ai_ci", STR_INIT("ß"), STR_INIT("ss"), 0},
    {"utf8mb4_0900_ai_ci", STR_INIT("Æ"), STR_INIT("ae"), 0},
    {"utf8mb4_0900_ai_ci", STR_INIT("a"), STR_INIT("a "), -1},
    {"utf8mb4_0900_ai_ci", STR_INIT(""), STR_INIT("\x01"), 0},
    {"utf8mb4_0900_ai_ci", STR_INIT("_"), STR_INIT("-"), -1},
    {"utf8mb4_0900_ai_ci", STR_INIT("$"), STR_INIT("0"), -1},
    {"utf8mb4_0900_ai_ci", STR_INIT("z"), STR_INIT("α"), -1},
    {"utf8mb4_0900_ai_ci", STR_INIT("中"), STR_INIT("z"), 1},
    {"utf8mb4_0900_ai_ci", STR_INIT("가"), STR_INIT("각"), -1},
    {"utf8mb4_0900_ai_ci", STR_INIT("😀"), STR_INIT("😁"), -1},
    {"utf8mb4_0900_as_ci", STR_INIT("é"), STR_INIT("É"), 0},
    {"utf8mb4_0900_as_ci", STR_INIT("é"), STR_INIT("e"), 1},
    {"utf8mb4_0900_as_ci", STR_INIT("éa"), STR_INIT("eb"), -1},
    {"utf8mb4_0900_as_cs", STR_INIT("a"), STR_INIT("A"), -1},
    {"utf8mb4_0900_as_cs", STR_INIT("Ab"), STR_INIT("aC"), -1},
    {"utf8mb4_0900_as_cs", STR_INIT("é"), STR_INIT("e\xCC\x81"), 0},
    {"utf8mb4_0900_bin", STR_INIT("a"), STR_INIT("a "), -1},
    {"utf8mb4_bin", STR_INIT("a"), STR_INIT("a "), 0},
    {"utf8mb4_bin", STR_INIT("a"), STR_INIT("a\t"), 1},
    {"utf8mb4_bin", STR_INIT("a"), STR_INIT("a \t"), 1},
    {"utf8mb4_bin", STR_INIT("a"), STR_INIT("a !"), -1},
    {"utf8mb4_bin", STR_INIT("a"), STR_INIT("A"), 1},
    {"utf8mb4_general_ci", STR_INIT("a"), STR_INIT("Á  "), 0},
    {"utf8mb4_general_ci", STR_INIT("ß"), STR_INIT("s"), 0},
    {"utf8mb4_general_ci", STR_INIT("ß"), STR_INIT("ss"), -1},
    {"utf8mb4_general_ci", STR_INIT("a"), STR_INIT("a \n"), 1},
    {"utf8mb4_general_ci", STR_INIT("😀"), STR_INIT("😁"), 0},
    {"utf8mb4_general_nopad_ci", STR_INIT("a"), STR_INIT("A "), -1},
    {"utf8mb4_unicode_ci", STR_INIT("ß "), STR_INIT("SS"), 0},
    {"utf8mb4_unicode_ci", STR_INIT("a"), STR_INIT("a\xC2\xA0"), 0},
    {"utf8mb4_unicode_520_ci", STR_INIT("😀"), STR_INIT("😁"), -1},
    {"utf8mb4_uca1400_ai_ci", STR_INIT("E "), STR_INIT("é"), 0},
    {"utf8mb4_uca1400_ai_ci", STR_INIT("l·a"), STR_INIT("ŀA"), 0},
    {"latin1_swedish_ci", STR_INIT("ä"), STR_INIT("z"), 1},
    {"latin1_swedish_ci", STR_INIT("é"), STR_INIT("E "), 0},
    {"latin1_general_cs", STR_INIT("a"), STR_INIT("A"), 1},
    {"latin1_bin", STR_INIT("€"), STR_INIT("é"), -1},
    {"cp1251_general_ci", STR_INIT("Ж"), STR_INIT("ж"), 0},
    {"koi8u_general_ci", STR_INIT("a`"), STR_INIT("a"), 0},
    {"binary", STR_INIT("a"), STR_INIT("a "), -1},
    {"binary", STR_INIT("\xFF"), STR_INIT("\xFE"), 1},
};

static void test_compare_and_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(comparisons); i++) {
        const struct comparison *t = &comparisons[i];
        const struct collation *c = get(t->collation);
        if (sign(collation_compare(c, t->a, t->b)) != t->order ||
            sign(collation_compare(c, t->b, t->a)) != -t->order ||
            compare_keys(c, t->a, t->b) != t->order ||
            collation_equal(c, t->a, t->b) != (t->order == 0)) {
            fail_msg("%s: '%s' and '%s'", t->collation, t->a.p, t->b.p);
        }
        if (t->order == 0) {
            assert_true(collation_hash(c, t->a) == collation_hash(c, t->b));
        }
    }
}

/* The order that facts about MySQL 9.7 give for ASCII. */
static void test_0900_orders_ascii_as_the_server(void **state)
{
    (void)state;
    static const char order[] = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBzZ";
    const struct collation *c = get("utf8mb4_0900_ai_ci");
    for (size_t i = 1; order[i]; i++) {
        const int diff = collation_compare(c, str_from(order + i - 1, 1), str_from(order + i, 1));
        assert_true(diff <= 0);
        assert_int_equal(diff == 0, (order[i] ^ order[i - 1]) == 0x20 && order[i] >= 'A');
    }
}

static void test_ascii_key_is_one_byte_a_character(void **state)
{
    (void)state;
    struct bytebuf key;
    bytebuf_init(&key, MAX_KEY);
    collation_sort_key(get("utf8mb4_0900_ai_ci"), STR("Customer#000000001"), &key);
    assert_int_equal(key.len, 18);
    bytebuf_reset(&key);
    collation_sort_key(get("utf8mb4_general_ci"), STR("Customer  "), &key);
    assert_int_equal(key.len, 9);
    bytebuf_release(&key);
}

static void test_ascii_table_agrees_with_sort_key(void **state)
{
    (void)state;
    size_t count;
    const struct collation *all = collation_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (!collation_is_supported(&all[i])) {
            continue;
        }
        const struct collation_ascii *t = collation_key_ascii_table(&all[i]);
        if (!t) {
            continue;
        }
        for (unsigned a = 0; a < 128; a++) {
            const char text[] = {(char)a, 'x', ' '};
            char fast[4];
            const size_t len = collation_sort_key_ascii(t, str_from(text, 3), fast);
            struct bytebuf key;
            bytebuf_init(&key, MAX_KEY);
            collation_sort_key(&all[i], str_from(text, 3), &key);
            if (len != SIZE_MAX) {
                assert_int_equal(len, key.len);
                assert_memory_equal(fast, key.p, len);
            }
            bytebuf_release(&key);
        }
    }
}

static void test_malformed_utf8_sorts_last_and_is_safe(void **state)
{
    (void)state;
    static const char *const names[] = {"utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_bin",
                                        "latin1_swedish_ci", "utf8mb4_uca1400_ai_ci"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct collation *c = get(names[i]);
        assert_true(collation_compare(c, STR("\xFF"), STR("\xF4\x8F\xBF\xBF")) > 0);
        assert_true(compare_keys(c, STR("\xFF"), STR("\xF4\x8F\xBF\xBF")) > 0);
        assert_true(collation_compare(c, STR("\xFE"), STR("\xFF")) < 0);
        assert_true(collation_compare(c, STR("a\xF0\x9F"), STR("a\xF0\x9F")) == 0);
    }
}

static void test_find_by_id_and_name(void **state)
{
    (void)state;
    assert_true(str_eq(collation_find(255)->name, STR("utf8mb4_0900_ai_ci")));
    assert_true(str_eq(collation_find(8)->name, STR("latin1_swedish_ci")));
    assert_true(str_eq(collation_find(245)->name, STR("utf8mb4_croatian_ci")));
    assert_null(collation_find(0));
    assert_null(collation_find(65535));
    assert_int_equal(collation_find_name(STR("utf8mb4_croatian_ci"), DIALECT_MARIADB)->id, 608);
    assert_int_equal(collation_find_name(STR("UTF8_General_CI"), DIALECT_MYSQL)->id, 33);
    assert_null(collation_find_name(STR("utf8mb4_0900_ai_ci"), DIALECT_MARIADB));
    assert_null(collation_find_name(STR("nonsense"), DIALECT_MYSQL));
    assert_int_equal(
        collation_find_for(STR("uca1400_ai_ci"), charset_utf8mb4(), DIALECT_MARIADB)->id, 2304);
    assert_null(collation_find_for(STR("uca1400_ai_ci"), charset_utf8mb4(), DIALECT_MYSQL));
}

static void test_every_character_set_has_its_defaults(void **state)
{
    (void)state;
    size_t count;
    const struct charset *all = charset_list(&count);
    for (size_t i = 0; i < count; i++) {
        const struct collation *c = collation_find(all[i].id);
        assert_ptr_equal(c->charset, &all[i]);
        assert_true(c->flags & COLLATION_DEFAULT_MYSQL);
    }
}

static void test_unsupported_says_so(void **state)
{
    (void)state;
    assert_false(
        collation_is_supported(collation_find_name(STR("utf8mb4_ja_0900_as_cs"), DIALECT_MYSQL)));
    assert_false(
        collation_is_supported(collation_find_name(STR("latin1_german2_ci"), DIALECT_MYSQL)));
}

static void check_case(const char *name, const char *text, const char *upper, const char *lower)
{
    const struct collation *c = get(name);
    struct bytebuf out;
    bytebuf_init(&out, MAX_KEY);
    collation_upper(c, str_from_cstr(text), &out);
    assert_true(str_eq(bytebuf_str(&out), str_from_cstr(upper)));
    bytebuf_reset(&out);
    collation_lower(c, str_from_cstr(text), &out);
    assert_true(str_eq(bytebuf_str(&out), str_from_cstr(lower)));
    bytebuf_release(&out);
}

static void test_upper_and_lower(void **state)
{
    (void)state;
    check_case("utf8mb4_0900_ai_ci", "Straße Éé 1", "STRAßE ÉÉ 1", "straße éé 1");
    check_case("utf8mb4_0900_ai_ci", "ɐb", "Ɐ", "ɐb");
    check_case("utf8mb4_general_ci", "ǅ ɐ", "Ǆ ɐ", "ǆ ɐ");
    check_case("utf8mb4_uca1400_ai_ci", "𐐨", "𐐀", "𐐨");
    check_case("latin1_swedish_ci", "ÿéÀ", "ÿÉÀ", "ÿéà");
    check_case("cp1251_general_ci", "Жж", "ЖЖ", "жж");
    check_case("binary", "Ab", "Ab", "Ab");
}

static double nanoseconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e9 + (double)(now.tv_nsec - start->tv_nsec);
}

/* Prints what a key and a comparison cost; fails on nothing but nonsense, as machines differ. */
static void test_cost_of_short_strings(void **state)
{
    (void)state;
    enum {
        ROUNDS = 200000
    };
    const struct collation *c = get("utf8mb4_0900_ai_ci");
    const struct collation_ascii *t = collation_key_ascii_table(c);
    const struct str text = STR("carefully final deposits am");
    char key[64];
    size_t sum = 0;
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < ROUNDS; i++) {
        sum += collation_sort_key_ascii(t, text, key);
    }
    printf("key of 27 bytes: %.1f ns\n", nanoseconds_since(&start) / (double)ROUNDS);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < ROUNDS; i++) {
        sum += (size_t)collation_compare(c, text, STR("CAREFULLY final deposits AM"));
    }
    printf("comparison of 27 bytes: %.1f ns\n", nanoseconds_since(&start) / (double)ROUNDS);
    assert_int_equal(sum, (size_t)ROUNDS * 27);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare_and_keys),
        cmocka_unit_test(test_0900_orders_ascii_as_the_server),
        cmocka_unit_test(test_ascii_key_is_one_byte_a_character),
        cmocka_unit_test(test_ascii_table_agrees_with_sort_key),
        cmocka_unit_test(test_malformed_utf8_sorts_last_and_is_safe),
        cmocka_unit_test(test_find_by_id_and_name),
        cmocka_unit_test(test_every_character_set_has_its_defaults),
        cmocka_unit_test(test_unsupported_says_so),
        cmocka_unit_test(test_upper_and_lower),
        cmocka_unit_test(test_cost_of_short_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
