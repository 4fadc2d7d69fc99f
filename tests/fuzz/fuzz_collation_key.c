/* fuzz: types base */
/*
 * Two strings and a collation: the order of their keys is the order that comparing gives, equal
 * strings have one hash, and both forms of a LIKE pattern agree. The strings are any bytes.
 */
#include "types/collation.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
    "utf8mb4_0900_ai_ci",
    "utf8mb4_0900_as_cs",
    "utf8mb4_0900_as_ci",
    "utf8mb4_0900_bin",
    "utf8mb4_bin",
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_unicode_520_ci",
    "utf8mb4_uca1400_ai_ci",
    "utf8mb4_general_nopad_ci",
    "latin1_swedish_ci",
    "latin1_bin",
    "latin1_swedish_nopad_ci",
    "utf8mb4_uca1400_nopad_ai_ci",
    "swe7_swedish_ci",
    "binary",
};

static const struct collation *pick(unsigned number)
{
    const struct str name = str_from_cstr(names[number % ARRAY_SIZE(names)]);
    const struct collation *c = collation_find_name(name, DIALECT_MYSQL);
    return c ? c : collation_find_name(name, DIALECT_MARIADB);
}

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void check_keys(const struct collation *c, struct str a, struct str b)
{
    struct bytebuf ka;
    struct bytebuf kb;
    bytebuf_init(&ka, SIZE_MAX);
    bytebuf_init(&kb, SIZE_MAX);
    collation_sort_key(c, a, &ka);
    collation_sort_key(c, b, &kb);
    const int order = sign(collation_compare(c, a, b));
    require(sign(str_cmp(bytebuf_str(&ka), bytebuf_str(&kb))) == order);
    require(sign(collation_compare(c, b, a)) == -order);
    require(collation_equal(c, a, b) == (order == 0));
    require(order != 0 || collation_hash(c, a) == collation_hash(c, b));
    bytebuf_release(&ka);
    bytebuf_release(&kb);
}

static void check_like(const struct collation *c, struct str a, struct str b)
{
    struct arena arena;
    arena_init(&arena, 0);
    const struct like_pattern *p = like_pattern_new(c, b, '\\', &arena);
    require(like_pattern_match(p, a) == collation_like(c, a, b, '\\'));
    arena_release(&arena);
}

static void check_case(const struct collation *c, struct str s)
{
    struct bytebuf out;
    bytebuf_init(&out, SIZE_MAX);
    collation_upper(c, s, &out);
    collation_lower(c, s, &out);
    bytebuf_release(&out);
}

/* The first byte picks the collation, the second says where the second string begins. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const struct collation *c = pick(data[0]);
    const struct str whole = str_from((const char *)data + 2, size - 2);
    if (!c || !collation_is_supported(c)) {
        return 0;
    }
    const size_t at = whole.len ? data[1] % (whole.len + 1) : 0;
    const struct str a = str_from(whole.p, at);
    const struct str b = str_from(whole.p + at, whole.len - at);
    check_keys(c, a, b);
    check_keys(c, a, whole);
    check_like(c, a, b);
    check_case(c, whole);
    return 0;
}
