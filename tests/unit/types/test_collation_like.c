/* LIKE under collations. Expected values are those of MySQL 9.7 and MariaDB 10.11. */
#include "collation_test.h"

#include "types/collation.h"

struct like_case {
    const char *collation;
    struct str text;
    struct str pattern;
    bool match;
};

static const struct like_case cases[] = {
    {"utf8mb4_0900_ai_ci", STR_INIT("Résumé"), STR_INIT("re%ME"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("ß"), STR_INIT("ss"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("ß"), STR_INIT("_"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("a"), STR_INIT("a "), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("a "), STR_INIT("a"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT(""), STR_INIT(""), true},
    {"utf8mb4_0900_ai_ci", STR_INIT(""), STR_INIT("%"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT(""), STR_INIT("_"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("\x01"), STR_INIT("\x02"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("\x01"), STR_INIT(""), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("special packages requests"), STR_INIT("%special%requests%"),
     true},
    {"utf8mb4_0900_ai_ci", STR_INIT("requests special"), STR_INIT("%special%requests%"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("aXbXc"), STR_INIT("a%b_c"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("aaab"), STR_INIT("%aab"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("ab"), STR_INIT("%ab%ab"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("ab"), STR_INIT("ab%b"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("50%"), STR_INIT("50\\%"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("501"), STR_INIT("50\\%"), false},
    {"utf8mb4_0900_ai_ci", STR_INIT("a\\"), STR_INIT("a\\"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("ab"), STR_INIT("\\a\\b"), true},
    {"utf8mb4_0900_ai_ci", STR_INIT("日本語"), STR_INIT("_本%"), true},
    {"utf8mb4_0900_bin", STR_INIT("é"), STR_INIT("_"), true},
    {"utf8mb4_bin", STR_INIT("A"), STR_INIT("a"), false},
    {"utf8mb4_bin", STR_INIT("a "), STR_INIT("a"), false},
    {"binary", STR_INIT("é"), STR_INIT("_"), false},
    {"binary", STR_INIT("é"), STR_INIT("__"), true},
    {"utf8mb4_general_ci", STR_INIT("ß"), STR_INIT("S"), true},
    {"utf8mb4_general_ci", STR_INIT("😀"), STR_INIT("😁"), true},
    {"utf8mb4_unicode_ci", STR_INIT("😀"), STR_INIT("😁"), false},
    {"latin1_swedish_ci", STR_INIT("Ölé"), STR_INIT("ö_E"), true},
};

static const struct collation *get(const char *name)
{
    return collation_find_name(str_from_cstr(name), DIALECT_MYSQL);
}

static void test_like(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct like_case *t = &cases[i];
        struct arena arena;
        arena_init(&arena, 0);
        const struct like_pattern *p =
            like_pattern_new(get(t->collation), t->pattern, '\\', &arena);
        if (like_pattern_match(p, t->text) != t->match ||
            collation_like(get(t->collation), t->text, t->pattern, '\\') != t->match) {
            fail_msg("%s: '%s' LIKE '%s'", t->collation, t->text.p, t->pattern.p);
        }
        arena_release(&arena);
    }
}

static void test_escape_of_choice_or_none(void **state)
{
    (void)state;
    const struct collation *c = get("utf8mb4_0900_ai_ci");
    assert_true(collation_like(c, STR("a%"), STR("a|%"), '|'));
    assert_false(collation_like(c, STR("ab"), STR("a|%"), '|'));
    assert_true(collation_like(c, STR("a\\b"), STR("a\\%"), COLLATION_NO_ESCAPE));
    assert_true(collation_like(c, STR("a_"), STR("aé_"), 0xE9));
    assert_false(collation_like(c, STR("ab"), STR("aé_"), 0xE9));
}

/* Both forms of a pattern, the one for ASCII and the other, on all short strings over a small
 * alphabet. */
static void test_both_forms_agree(void **state)
{
    (void)state;
    static const char alphabet[] = "aB%_";
    const struct collation *c = get("utf8mb4_general_ci");
    for (unsigned p = 0; p < 1024; p++) {
        char pattern[5];
        for (unsigned i = 0; i < 5; i++) {
            pattern[i] = alphabet[p >> (2 * i) & 3];
        }
        struct arena arena;
        arena_init(&arena, 0);
        const struct like_pattern *compiled =
            like_pattern_new(c, str_from(pattern, 5), '\\', &arena);
        for (unsigned s = 0; s < 64; s++) {
            char text[6];
            for (unsigned i = 0; i < 6; i++) {
                text[i] = s >> i & 1 ? 'b' : 'A';
            }
            const struct str whole = str_from(text, 1 + s % 6);
            assert_int_equal(like_pattern_match(compiled, whole),
                             collation_like(c, whole, str_from(pattern, 5), '\\'));
        }
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like),
        cmocka_unit_test(test_escape_of_choice_or_none),
        cmocka_unit_test(test_both_forms_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
