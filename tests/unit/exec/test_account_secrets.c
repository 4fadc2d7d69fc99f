/* Passwords do not appear in the process list. */
#include "exec/exec.h"

#include <string.h>

/* cmocka.h needs these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

static void test_what_is_shown(void **state)
{
    static const char *const cases[][2] = {
        {"SELECT 'a'", "SELECT 'a'"},
        {"", ""},
        {"CREATE USER a IDENTIFIED BY 'pw'", "CREATE USER a IDENTIFIED BY '<secret>'"},
        {"CREATE USER 'a'@'%' identified with x by \"pw\", b identified by 'p2' REQUIRE SSL",
         "CREATE USER 'a'@'%' identified with x by '<secret>'"},
        {"SET PASSWORD = 'it''s'", "SET PASSWORD = '<secret>'"},
        {"SET PASSWORD FOR a@b = 'x", "SET PASSWORD FOR a@b = '<secret>'"},
        {"PREPARE s FROM 'CREATE USER a IDENTIFIED BY ''pw'''",
         "PREPARE s FROM 'CREATE USER a IDENTIFIED BY '<secret>'"},
        {"ALTER USER a PASSWORD EXPIRE", "ALTER USER a PASSWORD EXPIRE"},
        {"identified", "identified"},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct str shown = exec_hide_secrets(str_from_cstr(cases[i][0]), &arena);
        assert_int_equal(shown.len, strlen(cases[i][1]));
        assert_memory_equal(shown.p, cases[i][1], shown.len);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
